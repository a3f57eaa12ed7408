"""The command `steadyhand`, started as a person starts it, on a page in real Chromium."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from shutil import copytree
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.answer import Answer

from steadyhand.clock import Deadline, SystemClock
from steadyhand.model.workflow import (
    BrowserScreen,
    ClickStep,
    Parameter,
    Secret,
    SimulatedScreen,
    TextAppears,
    TypeStep,
    WaitStep,
    Workflow,
)
from steadyhand.model.workflow_file import load_workflow, save_workflow
from steadyhand.recording import Recorder
from steadyhand.screen.browser import BrowserDriver
from steadyhand.screen.simulated import SimulatedDriver
from steadyhand.screen.simulated_application import Drift, SimulatedApplication

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "correct-horse-17"  # noqa: S105  the point of the test is that it is seen nowhere
PAGE = """<!doctype html><meta charset="utf-8"><title>Guests</title>
<style>
  body {font: 20px sans-serif; margin: 40px}
  input, button {font: inherit; padding: 8px; display: block; margin: 8px 0 30px}
</style>
<h1>Guest book</h1>
<label for="name">Full name</label><input id="name">
<label for="code">Door code</label><input id="code" type="password">
<button onclick="answer.textContent = code.value !== '%s' ? 'Wrong code'
  : name_.value === 'Mallory' ? 'Not welcome' : 'Welcome ' + name_.value">Sign in</button>
<p id="answer"></p><script>const name_ = document.getElementById('name')</script>
"""


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a folder, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "steadyhand", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "DOOR_CODE": SECRET, **environment},
        start_new_session=True,
    )


def ask(folder: Path, *arguments: str, **environment: str) -> Answer:
    """Type a command in a folder and wait for its end."""
    process = start(folder, *arguments, **environment)
    out, err = process.communicate(timeout=120)
    return Answer(process.returncode, out, err)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page and a workflow that was recorded on it: a guest signs in."""
    folder = tmp_path_factory.mktemp("recorded")
    page = folder / "page.html"
    page.write_text(PAGE % SECRET, encoding="utf-8")
    screen = BrowserScreen(url=page.as_uri(), width=800, height=600)
    flow = folder / "flow.yaml"
    with (
        closing(BrowserDriver.open(screen.url, width=screen.width, height=screen.height)) as driver,
        Recorder(driver, flow, screen, parameters={"who": "Ada"}) as recorder,
    ):
        recorder.click(recorder.find("Full name").shifted(60, 40))
        recorder.type("Ada")
        recorder.click(recorder.find("Door code").shifted(60, 40))
        recorder.type(SECRET)
        recorder.click(recorder.find("Sign in"))
    steps = [step for step in load_workflow(flow).steps if isinstance(step, ClickStep | TypeStep)]
    name, code, sign_in = (step for step in steps if step.target)
    assert isinstance(name, TypeStep)
    assert isinstance(code, TypeStep)
    assert isinstance(sign_in, ClickStep)
    workflow = Workflow(
        steadyhand=1,
        name="Sign a guest in",
        screen=screen,
        params={"who": Parameter(default="Ada")},
        secrets={"code": Secret(env="DOOR_CODE")},
        steps=(
            name.model_copy(update={"id": "name", "text": "{{who}}", "expect": ()}),
            code.model_copy(update={"id": "code", "secret": "code", "text": None, "expect": ()}),
            sign_in.model_copy(
                update={"id": "sign-in", "timeout_s": 6.0, "expect": (TextAppears(text_appears="Welcome {{who}}"),)}
            ),
        ),
    )
    save_workflow(workflow, flow)
    return folder


@pytest.fixture
def here(recorded: Path, tmp_path: Path) -> Iterator[Path]:
    """An empty folder to work in; nothing is written beside the workflow."""
    before = sorted(recorded.rglob("*"))
    yield tmp_path
    assert sorted(recorded.rglob("*")) == before


def flow_of(recorded: Path) -> str:
    """The workflow file, as an argument."""
    return str(recorded / "flow.yaml")


def test_a_run_is_done_and_reported(recorded: Path, here: Path) -> None:
    """A run exits with 0, tells its steps as they end, sums up, and says where its report is."""
    answer = ask(here, "run", flow_of(recorded), "--junit", "junit.xml")
    assert answer.code == 0, answer
    assert [line.split(":")[0].split(" ")[0] for line in answer.err.splitlines()] == ["1/3", "2/3", "3/3"]
    assert "som_text_match" in answer.out or "anchor_template" in answer.out
    (line,) = [line for line in answer.out.splitlines() if line.startswith("The report: ")]
    page = here / line.removeprefix("The report: ")
    assert page.parent.parent == here / "runs"
    assert page.parent.name.startswith("flow-")
    assert "Sign a guest in" in page.read_text(encoding="utf-8")
    assert len(ET.parse(here / "junit.xml").findall(".//testcase")) == 3  # noqa: S314  we have just written it


def test_a_secret_is_left_nowhere(recorded: Path, here: Path) -> None:
    """What was typed as a secret is in no file of the report, of the state or of the audit log, and is not said."""
    answer = ask(here, "run", flow_of(recorded), "--report", "report", "--json")
    assert answer.code == 0, answer
    assert SECRET not in answer.out + answer.err
    written = [path for path in here.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"report.html", "report.json", "journal.jsonl", "state.db"}
    assert ask(here, "audit", "verify").code == 0
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


def test_json_is_all_that_is_said(recorded: Path, here: Path) -> None:
    """With `--json` standard output is one JSON document: the page, and the report of each run."""
    told = ask(here, "run", flow_of(recorded), "--param", "who=Grace", "--report", "report", "--json").json
    assert told["page"] == "report/report.html"
    assert told["errors"] == []
    (run,) = told["runs"]
    assert run["run"]["outcome"] == "done"
    assert run["run"]["parameters"] == {"who": "Grace"}
    assert [step["id"] for step in run["steps"]] == ["name", "code", "sign-in"]
    assert [step["verdict"] for step in run["steps"]][-1] == "done"


def test_a_row_that_fails_does_not_stop_the_others(recorded: Path, here: Path) -> None:
    """Each row is a run of its own; one that fails makes the exit code 1, and the others are done."""
    (here / "guests.csv").write_text("who\nGrace\nMallory\nEmmy\n", encoding="utf-8")
    answer = ask(
        here, "run", flow_of(recorded), "--data", "guests.csv", "--report", "report", "--junit", "junit.xml", "--json"
    )
    assert answer.code == 1, answer
    runs = answer.json["runs"]
    assert [(run["label"], run["run"]["outcome"]) for run in runs] == [
        ("row 1", "done"),
        ("row 2", "failed"),
        ("row 3", "done"),
    ]
    assert runs[1]["steps"][-1]["trigger"] == "POSTCONDITION_FAILED"
    assert (here / "report" / "index.html").is_file()
    assert (here / "report" / "rows" / "003" / "report.html").is_file()
    assert len(ET.parse(here / "junit.xml").findall("testsuite")) == 3  # noqa: S314  we have just written it


def test_a_dry_run_touches_nothing(recorded: Path, here: Path) -> None:
    """A dry run finds the first target and says where; nothing is typed, and there is no journal to resume from."""
    answer = ask(here, "run", flow_of(recorded), "--dry-run", "--report", "report", "--json")
    assert answer.code == 0, answer
    (run,) = answer.json["runs"]
    assert [step["verdict"] for step in run["steps"]] == ["skipped"] * 3
    assert run["steps"][0]["resolution"]["kind"] == "found"
    assert run["steps"][0]["looks"]["after"] is None
    assert not (here / "report" / "journal.jsonl").exists()


def test_a_finished_run_is_not_done_again(recorded: Path, here: Path) -> None:
    """Resuming a run that came to its end does nothing a second time, and the report still shows what was done."""
    assert ask(here, "run", flow_of(recorded), "--report", "report").code == 0
    answer = ask(here, "run", flow_of(recorded), "--resume", "report", "--json")
    assert answer.code == 0, answer
    (run,) = answer.json["runs"]
    assert run["run"]["summary"]["skipped"] == len(run["steps"])
    assert all(step["before_restart"] and step["looks"]["after"] for step in run["steps"])


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["--url", "http://127.0.0.1:9/"], {}, "The page http://127.0.0.1:9/ cannot be opened"),
        (["--url", "nonsense"], {}, "The page nonsense cannot be opened"),
        ([], {"STEADYHAND_CHROMIUM": "no-such-browser"}, "no-such-browser"),
        ([], {"DOOR_CODE": ""}, "The secret code has no value. Set the environment variable DOOR_CODE."),
        (["--param", "who=Grace", "--resume", "nowhere"], {}, "There is no journal nowhere"),
    ],
)
def test_what_cannot_be_run_gets_one_sentence(
    arguments: list[str], environment: dict[str, str], sentence: str, recorded: Path, here: Path
) -> None:
    """A dead address, a missing browser or secret, and nothing to resume: exit code 2, a sentence, and no report."""
    answer = ask(here, "run", flow_of(recorded), *arguments, **environment)
    assert answer.code == 2, answer
    assert answer.err.startswith("Error: ")
    assert sentence in answer.err
    assert "Traceback" not in answer.err
    assert [path.name for path in here.iterdir()] in ([], ["data"])


def test_ctrl_c_stops_cleanly(recorded: Path, here: Path) -> None:
    """A run that is interrupted in the middle of a step closes its browser, keeps what it noted, and exits with 130."""
    workflow = load_workflow(recorded / "flow.yaml")
    never = WaitStep(id="never", action="wait_for", timeout_s=100, expect=(TextAppears(text_appears="Godot"),))
    copytree(recorded / "images", here / "images")
    save_workflow(workflow.model_copy(update={"steps": (*workflow.steps, never)}), here / "flow.yaml")
    process = start(here, "run", "flow.yaml", "--report", "report")
    assert process.stderr
    for line in process.stderr:
        if line.startswith("3/4"):
            break
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "Stopped. `--resume report` goes on from here" in err
    assert "Traceback" not in err
    steps = json.loads((here / "report" / "report.json").read_text(encoding="utf-8"))["steps"]
    assert [(step["id"], step["verdict"]) for step in steps][2:] == [("sign-in", "done"), ("never", "failed")]
    journal = (here / "report" / "journal.jsonl").read_text(encoding="utf-8")
    assert journal.count('"intent"') == 3
    assert "(failures 0/30, screen_faults 0/10)" in ask(here, "status").out
    clock, patience = SystemClock(), Deadline(SystemClock(), 20)
    while alive(process.pid) and not patience.passed:
        clock.sleep(0.05)
    assert alive(process.pid) == []


def alive(group: int) -> list[str]:
    """The processes of a session that still run, the browser's among them."""
    listed = subprocess.run(["ps", "-o", "stat=,args=", "-s", str(group)], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if not line.startswith("Z")]


# --------------------------------------------------------------------------------------------- the simulated screen


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workflow that was recorded on the simulated screen, for two releases of its application."""
    folder = tmp_path_factory.mktemp("orders")
    application = SimulatedApplication()
    with (
        closing(SimulatedDriver(application)) as driver,
        Recorder(driver, folder / "drawn.yaml", SimulatedScreen(kind="simulated")) as recorder,
    ):
        recorder.click(application.box_of("user").center)
        recorder.type("ada")
        recorder.click(application.box_of("password").center)
        recorder.type(SECRET, secret=True)
        recorder.click(application.box_of("log in").center)
        recorder.click(application.box_of(f"edit {application.subject}").center)
    workflow = load_workflow(folder / "drawn.yaml")
    for name, drift in (("reordered", Drift.REORDERED), ("gone", Drift.GONE)):
        release = next(number for number in range(1, 9) if SimulatedApplication(number).drift == {drift})
        screen = SimulatedScreen(kind="simulated", release=release)
        save_workflow(workflow.model_copy(update={"screen": screen}), folder / f"{name}.yaml")
    return folder


def test_the_recorded_order_is_found_among_others(orders: Path, tmp_path: Path) -> None:
    """Where the rows stand in another order the run is done, and the report says that the row was found by its text."""
    answer = ask(tmp_path, "run", str(orders / "reordered.yaml"), "--json", STEADYHAND_PASSWORD=SECRET)
    assert answer.code == 0, answer
    (run,) = answer.json["runs"]
    assert run["run"]["summary"]["clicks_by_method"]["som_text_match"] >= 1
    assert SECRET not in answer.out + answer.err


def test_a_look_alike_is_no_success(orders: Path, tmp_path: Path) -> None:
    """Where another order stands in the place of the recorded one, the run fails at that step and says why."""
    answer = ask(tmp_path, "run", str(orders / "gone.yaml"), "--json", STEADYHAND_PASSWORD=SECRET)
    assert answer.code == 1, answer
    (run,) = answer.json["runs"]
    assert [step["verdict"] for step in run["steps"]] == ["done", "done", "done", "failed"]
    assert run["steps"][-1]["trigger"] in ("TARGET_NOT_FOUND", "TARGET_AMBIGUOUS")


def test_a_simulated_screen_has_no_address(orders: Path, tmp_path: Path) -> None:
    """An address for a screen that has none is bad input, not ignored."""
    answer = ask(tmp_path, "run", str(orders / "gone.yaml"), "--url", "http://localhost", STEADYHAND_PASSWORD=SECRET)
    assert answer.code == 2
    assert answer.err.startswith("Error: A simulated screen has no address")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
