"""Supervision and manager without a runner: who may begin, and what happens when something cannot be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import StoreError
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.healing.supervision import Supervision
from steadyhand.model.outcome import StepResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.healing.auto_heal_manager import Decision
    from steadyhand.model.workflow import Step


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[AutoHealManager]:
    """Who decides."""
    manager = AutoHealManager.open(tmp_path / "data", tmp_path / "policy.json", ManualClock())
    yield manager
    manager.close()


def fail(why: str) -> NoReturn:
    """Be unable to keep anything."""
    raise StoreError(why)


class Log:
    """Keeps the decisions that it is told; it cannot while it is full."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.is_full = False

    def decided(self, decision: Decision) -> None:
        """Note a decision."""
        if self.is_full:
            fail("The log is full.")
        self.steps.append(decision.step)

    def intends(self, decision: Decision, step: Step) -> None:
        """Nothing of it is noted."""

    def ended(self, decision: Decision, result: StepResult) -> None:
        """Note a result; none comes here."""
        raise AssertionError(f"{decision.step} was not executed, and came to {result.verdict}")


def test_a_run_is_admitted_or_told_why_not(manager: AutoHealManager) -> None:
    """Before its screen is opened a run learns whether its first step would be allowed, and else why not."""
    supervision = Supervision(manager, "pay", "A run")
    assert supervision.admit("save").allowed
    manager.pause("pay", "Paused by Ann.")
    refused = supervision.admit("save")
    assert (refused.step, refused.allowed, refused.reason) == ("save", False, "It is PAUSED. Paused by Ann.")
    course = supervision.finish(is_complete=False)
    assert (course.before, course.after, course.events) == ("NORMAL", "PAUSED", ("NORMAL -> PAUSED. Paused by Ann.",))


def test_an_end_that_cannot_be_kept_is_told(manager: AutoHealManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the end of a run cannot be written down, what is told of the run says so, and only the first trouble."""
    supervision = Supervision(manager, "pay", "A run")
    assert supervision.admit("save").allowed
    monkeypatch.setattr(AutoHealManager, "finish_run", lambda *_, **__: fail("The disk is full."))
    monkeypatch.setattr(AutoHealManager, "get_state", lambda *_: fail("Nor can it be read."))
    assert supervision.finish(is_complete=True).events == ("The disk is full.",)


def test_a_state_that_cannot_be_looked_at_allows_nothing(
    manager: AutoHealManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can say in which state the workflow is, its run does not begin."""
    monkeypatch.setattr(AutoHealManager, "get_state", lambda *_: fail("It cannot be read."))
    refused = Supervision(manager, "pay", "A run").admit("save")
    assert (refused.allowed, refused.reason) == (False, "It cannot be read.")


def test_a_witness_that_failed_once_hears_no_more(manager: AutoHealManager) -> None:
    """After a decision that was not noted all are refused, and none of those is noted as if it were allowed."""
    log = Log()
    log.is_full = True
    supervision = Supervision(manager, "pay", "A run", [log])
    assert not supervision.admit("save").allowed
    log.is_full = False
    assert supervision.admit("save").reason == "The log is full."
    assert log.steps == []


def test_a_result_that_comes_too_late_is_told(manager: AutoHealManager) -> None:
    """Where the state changed while a step went on, its result counts for nothing, and the course says so."""
    supervision = Supervision(manager, "pay", "A run")
    decision = supervision.admit("save")
    manager.pause("pay", "Paused by Ann.")
    supervision.tell(decision, StepResult("save", "click", Verdict.DONE))
    assert supervision.finish(is_complete=True).events == (
        "The result of step save came too late and counts for nothing.",
        "NORMAL -> PAUSED. Paused by Ann.",
    )
