"""The commands that measure, as they are typed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import cv2
import pytest
from tests.unit.resolution.sketch import form

from steadyhand import cli
from steadyhand.bench import heal
from steadyhand.bench.lines import Line
from steadyhand.bench.peers import PEERS
from steadyhand.bench.regression import Case

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus of one case, whose target has not changed."""
    sketch = form()
    save = list(sketch.parts["Save"])
    case = {
        "id": "one",
        "app": "sketch",
        "drift": ["none"],
        "negative": None,
        "record": {"bbox": save, "point": list(sketch.parts["Save"].center)},
        "replay": {"present": True, "acceptable": [save]},
        "record_frame": "form.png",
        "replay_frame": "form.png",
    }
    cv2.imwrite(str(tmp_path / "form.png"), sketch.image)
    (tmp_path / "cases.jsonl").write_text(json.dumps(case), encoding="utf-8")
    return tmp_path


def typed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Type a command; its exit code."""
    monkeypatch.setattr(sys, "argv", ["steadyhand", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_tools_that_are_not_there_are_said_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], corpus: Path
) -> None:
    """Each peer has a line in the table, or one that says why not; neither is an error."""
    assert typed(monkeypatch, "bench", "drift", str(corpus), "--peers") == 0
    out, err = capfd.readouterr()
    tools = {line.split()[0] for line in out.splitlines() if line.strip()}
    missing = {name for name in PEERS if f"Without {name}: " in err}
    assert "steadyhand" in tools
    assert missing == set(PEERS) - tools
    assert len(err.splitlines()) == len(missing)


def test_without_peers_nobody_else_is_asked(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], corpus: Path
) -> None:
    """The figures are ours, and no word is lost on other tools."""
    assert typed(monkeypatch, "bench", "drift", str(corpus), "--json") == 0
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert told["groups"]["all"]["right"] == 1
    assert (told["tools"], told["missing"], err) == ({}, {}, "")


@pytest.mark.parametrize("command", [["drift", "."], ["speed"], ["heal"]], ids=lambda command: command[0])
def test_an_interpreter_that_is_not_there_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """It is named in one sentence before anything is measured."""
    assert typed(monkeypatch, "bench", *command, "--peers-python", "nowhere/python", "--json") == 2
    out, err = capfd.readouterr()
    assert "nowhere/python cannot be started" in json.loads(out)["error"]
    assert len(err.splitlines()) == 1


def test_what_healing_costs_is_told_with_its_goals(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A person gets a table, a program JSON; tools that are not there are named."""
    given = [Line("a decision", 45.0, "us of CPU", 60)], {"pybreaker": "not installed"}
    monkeypatch.setattr(heal, "run", lambda *_: given)
    assert typed(monkeypatch, "bench", "heal") == 0
    out, err = capfd.readouterr()
    assert "at most 60: met" in out
    assert err == "Without pybreaker: not installed.\n"
    assert typed(monkeypatch, "bench", "heal", "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["lines"][0]["is_met"], told["missing"]) == (True, given[1])


def test_the_false_alarms_are_told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Each kind of version has its share of those taken back, and each attack what it got in; as JSON, or as tables."""
    monkeypatch.setattr("steadyhand.bench.regression.CASES", (Case(8, 0.02, 0.02), Case(20, 0, 1)))
    monkeypatch.setattr("steadyhand.bench.regression.HARMS", (1.0,))
    assert typed(monkeypatch, "bench", "regression", "--versions", "10", "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert [each["taken_back"] for each in told["versions"]] == [0, 1]
    assert (told["mode"], told["attacks"][0]["most_added"]) == ("hybrid", 20)
    assert typed(monkeypatch, "bench", "regression", "--versions", "10") == 0
    out = capfd.readouterr().out
    assert "no worse" in out
    assert "100.0%" in out


def test_a_mode_that_is_none_is_bad_input(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The modes that there are are named, before anything is simulated."""
    assert typed(monkeypatch, "bench", "regression", "--mode", "bold") == 2
    assert "--mode is bold; allowed: conservative, hybrid, permissive." in capfd.readouterr().err
