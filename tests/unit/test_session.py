"""A session: a run with its screen and its report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock
from steadyhand.model.outcome import Outcome
from steadyhand.model.workflow import KeysStep, SimulatedScreen, Workflow
from steadyhand.session import run_once

if TYPE_CHECKING:
    from pathlib import Path

    from steadyhand.model.outcome import StepResult

WORKFLOW = Workflow(
    steadyhand=1,
    name="Two keys",
    screen=SimulatedScreen(kind="simulated"),
    steps=(KeysStep(id="first", action="keys", keys="Tab"), KeysStep(id="second", action="keys", keys="Tab")),
)


class CrashError(BaseException):
    """The process is gone."""


class Witness:
    """Sees a step end, and the process with it."""

    def step(self, result: StepResult, **_: object) -> None:
        """See it."""
        if result.step_id == "first":
            raise CrashError


def test_a_resumed_run_reports_what_was_done_before_it(tmp_path: Path) -> None:
    """After a crash behind the first step the report of the resumed run still shows that step, with its screens."""
    clock = ManualClock()
    with pytest.raises(CrashError):
        run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=clock, observers=[Witness()])
    result, page = run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=clock, resume=True)
    assert result.outcome is Outcome.DONE
    first, second = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["steps"]
    assert (first["verdict"], first["before_restart"]) == ("unverified", True)
    assert (second["verdict"], second["before_restart"]) == ("unverified", False)
    assert (tmp_path / "report" / first["looks"]["before"]["file"]).is_file()
    assert (tmp_path / "report" / first["looks"]["after"]["file"]).is_file()
    assert "unverified, before the restart" in page.read_text(encoding="utf-8")


def test_a_run_that_is_not_resumed_tells_nothing_of_the_one_before(tmp_path: Path) -> None:
    """A new run into the same folder replaces the report."""
    for _ in range(2):
        run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=ManualClock())
    steps = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["steps"]
    assert [step["before_restart"] for step in steps] == [False, False]
