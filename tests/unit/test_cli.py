"""The command line: what it takes, what it says, what it exits with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from tests.answer import Answer, typist

from steadyhand import cli
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Ambiguous, Candidate, Method
from steadyhand.resolution.cascade import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLOW = """\
steadyhand: 1
name: Approve an invoice
screen: {kind: browser, url: "http://localhost:9/{{who}}"}
params:
  who: {note: the customer}
secrets:
  password: {env: STEADYHAND_TEST_PASSWORD}
steps:
  - id: save
    action: click
    target: {screen: screen.png, point: [60, 45], box: [20, 30, 100, 30]}
    expect:
      - text_appears: Saved
  - id: log-in
    action: type
    secret: password
"""


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Answer]:
    """Types a command in an empty folder, in which `flow.yaml` and its image lie."""
    image = np.full((300, 400, 3), 255, np.uint8)
    cv2.rectangle(image, (20, 30), (120, 60), (90, 60, 0), -1)
    cv2.putText(image, "Save", (40, 52), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    assert cv2.imwrite(str(tmp_path / "screen.png"), image)
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEADYHAND_TEST_PASSWORD", raising=False)
    return typist(monkeypatch, capfd)


def files(folder: Path) -> list[str]:
    """Everything that lies in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# ------------------------------------------------------------------------------------------------------ at the door


def test_the_version_is_printed(ask: Callable[..., Answer]) -> None:
    """`--version` prints what is installed, and nothing else."""
    assert ask("--version") == Answer(0, f"{version('steadyhand')}\n", "")


def test_help_loads_nothing_heavy() -> None:
    """`--help` answers at once: no library that looks at pictures, drives a browser or reads workflows is loaded."""
    heavy = {"numpy", "cv2", "playwright", "ruamel.yaml", "tesserocr", "sqlalchemy", "jinja2", "keyring"}
    code = "import atexit, sys; from steadyhand.cli import main; atexit.register(lambda: print(*sys.modules)); main()"
    for arguments in (["--help"], ["--version"], ["run", "--help"], ["bench", "drift", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert heavy & set(done.stdout.splitlines()[-1].split()) == set(), arguments


def test_each_command_is_summed_up_in_one_line(ask: Callable[..., Answer]) -> None:
    """The list of commands is never cut short: each has one sentence that fits."""
    for arguments in ([], ["bench"]):
        listed = ask(*arguments, "--help").out.partition("Commands:\n")[2].splitlines()
        assert listed
        assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run"],
        ["run", "flow.yaml", "--fast"],
        ["locate", "screen.png"],
        ["bench", "drift", ".", "--every", "0"],
        ["record", "http://localhost", "-o", "x.yaml", "--width", "wide"],
    ],
)
def test_wrong_usage_is_bad_input(arguments: list[str], ask: Callable[..., Answer], tmp_path: Path) -> None:
    """What is no command, or no option of it, exits with 2 and says so."""
    before = files(tmp_path)
    answer = ask(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert "Error" in answer.err
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "none.yaml"], "There is no file none.yaml."),
        (["check", "."], ". is a folder."),
        (["check", "screen.png"], "screen.png is no workflow: it is not a text file in UTF-8."),
        (["run", "none.yaml"], "There is no file none.yaml."),
        (["run", "flow.yaml"], "parameter who has no value and no default (the customer)"),
        (["run", "flow.yaml", "--param", "who"], "--param who is no parameter."),
        (["run", "flow.yaml", "--param", "who=a", "--param", "who=b"], "--param who is given twice."),
        (["run", "flow.yaml", "--param", "who=a", "--param", "x=b"], "there is no parameter x; the workflow has who"),
        (["run", "flow.yaml", "--param", "who=a"], "The secret password has no value."),
        (["run", "flow.yaml", "--data", "none.csv"], "none.csv cannot be read: No such file or directory."),
        (["run", "flow.yaml", "--data", "screen.png"], "screen.png is not a text file in UTF-8."),
        (
            ["run", "flow.yaml", "--resume", "a", "--dry-run"],
            "--resume goes with neither --report, --data nor --dry-run",
        ),
        (["run", "flow.yaml", "--param", "who=a", "--inject", "rain@save"], "rain@save is rain; allowed: target_not"),
        (["run", "flow.yaml", "--param", "who=a", "--inject", "screen_lost@x"], "step is x; allowed: save, log-in"),
        (["run", "flow.yaml", "--param", "who=a", "--inject", "screen_lost@save:0"], "is 0; allowed: a number of"),
        (["run", "flow.yaml", "--inject", "screen_lost@save", "--dry-run"], "--inject does not go with --dry-run"),
        (["locate", "none.png", "--at", "5,5", "--in", "screen.png"], "none.png cannot be read: No such file"),
        (["locate", ".", "--at", "5,5", "--in", "screen.png"], "The image . cannot be read: Is a directory"),
        (["locate", "screen.png", "--at", "5,5", "--in", "none.png"], "none.png cannot be read: No such file"),
        (["locate", "screen.png", "--at", "5,5", "--in", "flow.yaml"], "flow.yaml cannot be read: it is no picture"),
        (["locate", "screen.png", "--at", "5", "--in", "screen.png"], "--at 5 is not of the form x,y"),
        (["locate", "screen.png", "--at", "a,b", "--in", "screen.png"], "--at a,b is not of the form x,y"),
        (["locate", "screen.png", "--at", "nan,5", "--in", "screen.png"], "--at nan,5 does not lie on its image"),
        (["locate", "screen.png", "--at", "400,5", "--in", "screen.png"], "which has 400x300 pixels"),
        (["locate", "screen.png", "--at", "-1,5", "--in", "screen.png"], "--at -1,5 does not lie on its image"),
        (
            ["locate", "screen.png", "--at", "5,5", "--box", "0,0,0,9", "--in", "screen.png"],
            "--box 0,0,0,9 does not lie on its image",
        ),
        (
            ["locate", "screen.png", "--at", "5,5", "--box", "390,0,20,9", "--in", "screen.png"],
            "--box 390,0,20,9 does not lie on its image",
        ),
        (
            ["locate", "screen.png", "--at", "5,5", "--box", "20,20,20,9", "--in", "screen.png"],
            "--at 5,5 lies outside of --box 20,20,20,9",
        ),
        (["bench", "drift", "."], "cases.jsonl does not exist."),
        (["calibrate", "."], "cases.jsonl does not exist."),
        (["record", "http://localhost", "-o", "x.yaml", "--param", "=x"], "--param =x is no parameter."),
        (["record", "http://localhost", "-o", "flow.yaml"], "flow.yaml"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["", "json"])
def test_bad_input_gets_one_clear_sentence(
    arguments: list[str], sentence: str, more: list[str], ask: Callable[..., Answer], tmp_path: Path
) -> None:
    """What cannot be used exits with 2 and a sentence, without a trace of the program, and nothing is written."""
    before = files(tmp_path)
    answer = ask(*arguments, *more)
    assert answer.code == 2
    assert answer.err.startswith("Error: ")
    assert sentence in answer.err
    assert "Traceback" not in answer.err
    assert files(tmp_path) == before
    if more:
        assert set(answer.json) in ({"error", "problems", "hint"}, {"file", "valid", "problems"})
    else:
        assert answer.out == ""


def test_a_secret_is_in_no_message(ask: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that cannot begin does not tell the secret that it has fetched."""
    monkeypatch.setenv("STEADYHAND_TEST_PASSWORD", "hunter2-hunter2")
    answer = ask("run", "flow.yaml", "--param", "who=x", "--resume", "nowhere")
    assert answer.code == 2
    assert "There is no journal" in answer.err
    assert "hunter2" not in answer.err + answer.out


def test_what_a_file_says_cannot_steer_the_terminal(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """Control characters of a file are shown, not obeyed."""
    (tmp_path / "flow.yaml").write_text('steadyhand: 1\n"\\e[31mred": 1\n', encoding="utf-8")
    answer = ask("check", "flow.yaml")
    assert answer.code == 2
    assert "␛[31mred" in answer.err
    assert "\x1b" not in answer.err


def test_a_fault_of_our_own_is_no_failed_step(ask: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug exits with a code of its own, with the lines that its reporter needs."""

    def broken(given: object) -> dict[str, str]:
        raise ZeroDivisionError(f"no way to divide {given}")

    monkeypatch.setattr(cli, "_pairs", broken)
    answer = ask("run", "flow.yaml")
    assert answer.code == 70
    assert "ZeroDivisionError: no way to divide" in answer.err
    assert "a fault of Steadyhand itself" in answer.err


def test_ctrl_c_is_told_by_the_exit_code(ask: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is interrupted exits as shells expect it, without a trace."""

    def interrupted(given: object) -> dict[str, str]:
        raise KeyboardInterrupt(given)

    monkeypatch.setattr(cli, "_pairs", interrupted)
    answer = ask("run", "flow.yaml")
    assert (answer.code, answer.out) == (130, "")
    assert "Traceback" not in answer.err


# ------------------------------------------------------------------------------------------------------------ check


def test_a_good_workflow_is_told_so(ask: Callable[..., Answer]) -> None:
    """`check` says what can be run, and which steps nobody will verify."""
    answer = ask("check", "flow.yaml")
    assert answer == Answer(
        0,
        "flow.yaml can be run: Approve an invoice, 2 steps.\nWithout an expectation, and so never verified: log-in.\n",
        "",
    )
    assert ask("check", "flow.yaml", "--json").json == {
        "file": "flow.yaml",
        "valid": True,
        "name": "Approve an invoice",
        "steps": 2,
        "params": ["who"],
        "secrets": ["password"],
        "unverified": ["log-in"],
    }


def test_every_problem_of_a_workflow_is_listed(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """`check` lists each problem on a line of its own, and as a list in JSON."""
    (tmp_path / "flow.yaml").write_text(FLOW.replace("click", "clack").replace("who:", "whom:"), encoding="utf-8")
    answer = ask("check", "flow.yaml", "--json")
    assert answer.code == 2
    problems = answer.json["problems"]
    assert len(problems) == 3
    assert answer.err.splitlines() == [
        "Error: flow.yaml cannot be run; 3 things must be mended:",
        *(f"  - {problem}" for problem in problems),
    ]


# ------------------------------------------------------------------------------------------------------- run --data


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ("who,colour\na,b\nc,d\n", ["there is no parameter colour; the workflow has who"]),
        ("who\na\nb,c\n", ["line 3: 2 values, but the first line names 1 column (who)"]),
    ],
)
def test_all_rows_are_checked_before_the_first_runs(
    rows: str, problems: list[str], ask: Callable[..., Answer], tmp_path: Path
) -> None:
    """What is wrong with any row is told before anything is done, once for all rows that share it."""
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    answer = ask("run", "flow.yaml", "--data", "rows.csv", "--json")
    assert answer.code == 2
    assert answer.json["problems"] == problems
    assert not (tmp_path / "runs").exists()


# ----------------------------------------------------------------------------------------------------------- locate


def test_what_is_there_is_located(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """A button that has moved is found where it is now: exit code 0, its place in words and as JSON."""
    image = cv2.imread(str(tmp_path / "screen.png"))
    assert image is not None
    assert cv2.imwrite(str(tmp_path / "moved.png"), np.roll(image, (40, 60), axis=(0, 1)))
    question = ["locate", "screen.png", "--at", "70,45", "--box", "20,30,100,30", "--in", "moved.png"]
    answer = ask(*question)
    assert answer.code == 0
    found = re.fullmatch(r"Found at (\d+),(\d+) by \w+ with a confidence of [01]\.\d\d\.\n", answer.out)
    assert found, answer
    told = ask(*question, "--json").json
    assert told["kind"] == "found"
    assert abs(told["point"][0] - 130) < 10
    assert abs(told["point"][1] - 85) < 10
    assert [round(number) for number in told["point"]] == [int(found[1]), int(found[2])]
    assert 0 <= told["confidence"] <= 1


def test_what_is_gone_is_not_found(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """On an empty screen nothing is found: exit code 1, and a reason."""
    assert cv2.imwrite(str(tmp_path / "empty.png"), np.full((300, 400, 3), 255, np.uint8))
    question = ["locate", "screen.png", "--at", "70,45", "--in", "empty.png"]
    answer = ask(*question)
    assert answer.code == 1
    assert answer.out.startswith("Not found. ")
    assert ask(*question, "--json").json["kind"] == "not_found"


def test_what_cannot_be_told_apart_is_refused(ask: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where several places could be the target none is named as found: exit code 3, and all of them as JSON."""
    twins = tuple(
        Candidate(Point(x, 9), Box(x - 5, 4, 10, 10), 0.5, Method.SOM_TEXT_MATCH, text="Save") for x in (10, 50)
    )
    monkeypatch.setattr(Resolver, "resolve", lambda *_: Ambiguous("2 places could be the target.", twins))
    question = ["locate", "screen.png", "--at", "70,45", "--in", "screen.png"]
    assert ask(*question) == Answer(3, "Ambiguous. 2 places could be the target.\n", "")
    answer = ask(*question, "--json")
    assert answer.code == 3
    assert answer.json["kind"] == "ambiguous"
    assert [candidate["point"] for candidate in answer.json["candidates"]] == [[10, 9], [50, 9]]


def test_a_decision_is_explained_in_a_picture(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """`--explain` writes a picture, whatever came of it, and changes neither the answer nor the exit code."""
    assert cv2.imwrite(str(tmp_path / "empty.png"), np.full((300, 400, 3), 255, np.uint8))
    for screen, code in (("screen.png", 0), ("empty.png", 1)):
        question = ["locate", "screen.png", "--at", "70,45", "--in", screen]
        assert ask(*question, "--explain", f"why/{screen}") == ask(*question)
        picture = cv2.imread(str(tmp_path / "why" / screen))
        assert picture is not None
        assert picture.shape[1] == 1680
        assert ask(*question).code == code


def test_an_explanation_that_cannot_be_written_is_bad_input(ask: Callable[..., Answer]) -> None:
    """Where a folder has the name of the picture, it is said which file it is."""
    answer = ask("locate", "screen.png", "--at", "70,45", "--in", "screen.png", "--explain", ".")
    assert answer.code == 2
    assert "cannot be written" in answer.err


# -------------------------------------------------------------------------------------------------------- calibrate


def test_a_model_is_fitted_and_told_of(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """`calibrate` writes the weights, the page and its diagrams, and prints what was measured."""
    image = cv2.imread(str(tmp_path / "screen.png"))
    assert image is not None
    assert cv2.imwrite(str(tmp_path / "light.png"), 255 - image)
    cv2.putText(image, "d", (101, 52), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    assert cv2.imwrite(str(tmp_path / "other.png"), image)
    save = [20, 30, 100, 30]
    cases: list[dict[str, Any]] = [
        {
            "id": f"{app} {screen}",
            "app": app,
            "drift": [],
            "negative": None,
            "record": {"bbox": save, "point": [60, 45]},
            "replay": {"present": bool(acceptable), "acceptable": acceptable},
            "record_frame": "screen.png",
            "replay_frame": screen,
        }
        for app in ("one", "two")
        for screen, acceptable in (("light.png", [save]), ("other.png", []))
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    answer = ask("calibrate", ".", "--output", "weights.json", "--docs", "docs", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert [row["name"] for row in answer.json["left_out"]] == ["one", "two", "all"]
    assert json.loads((tmp_path / "weights.json").read_text()) == answer.json["model"]
    assert files(tmp_path / "docs") == [
        "calibration.md",
        "images",
        "images/reliability.svg",
        "images/risk-coverage.svg",
    ]
    assert "weights.json: " in ask("calibrate", ".", "--output", "weights.json").out


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """`steadyhand ... | head` does not end in a trace of the program."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "steadyhand", "--help"],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            cwd=tmp_path,
        )
    finally:
        os.close(writing)
    assert b"Traceback" not in done.stderr
