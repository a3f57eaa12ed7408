"""What the audit log is told."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock
from steadyhand.evidence.audit_records import (
    KINDS,
    ApprovalUsed,
    DecisionMade,
    PolicyTaken,
    ResultDropped,
    RunEnded,
    StateChanged,
    StepApproved,
    StepEnded,
    from_history,
)
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Found, Method, Outcome, RunResult, StepResult, Trigger, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steadyhand.healing.auto_heal_manager import Decision

PAGE = Path(__file__).parents[3] / "docs/audit.md"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[AutoHealManager]:
    """A manager that knows nothing yet."""
    manager = AutoHealManager.open(tmp_path, tmp_path / "none.json", ManualClock())
    yield manager
    manager.close()


def ask(manager: AutoHealManager, *, is_irreversible: bool = False) -> Decision:
    """Ask whether a step may be executed."""
    return manager.should_execute_step("pay", "one", "7", is_irreversible=is_irreversible)


def fail(manager: AutoHealManager, decision: Decision) -> None:
    """Tell that a step did not find its target."""
    manager.on_step_result(decision, StepResult("one", "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND))


def test_a_decision_says_all_that_it_was_made_of(manager: AutoHealManager) -> None:
    """The record has every demand, and the version of the policy and the generations by which it was made."""
    decision = ask(manager)
    record = DecisionMade.of(asdict(decision))
    assert (record.workflow, record.step, record.run, record.allowed) == ("pay", "one", "7", True)
    assert (record.state, record.policy) == ("NORMAL", decision.policy_version)
    assert (record.found_from, record.lead_from) == (decision.thresholds.found_from, decision.thresholds.lead_from)
    manager.pause("pay", "Paused by Ann.")
    refused = DecisionMade.of(asdict(ask(manager)))
    assert not refused.allowed
    assert "Paused by Ann." in refused.reason


def test_a_result_says_what_found_the_target() -> None:
    """The record names the method, the confidence and the heal; without a target it names none."""
    found = Found(Point(1, 2), Box(0, 0, 3, 3), 0.93, Method.SOM_TEXT_MATCH)
    record = StepEnded.of(StepResult("one", "click", Verdict.DONE, resolution=found, retries=2), "pay", "7")
    assert (record.workflow, record.step, record.run) == ("pay", "one", "7")
    assert (record.method, record.confidence, record.healed, record.retries) == ("som_text_match", 0.93, True, 2)
    record = StepEnded.of(StepResult("one", "keys", Verdict.UNVERIFIED), "pay", "7")
    assert (record.method, record.confidence, record.verdict) == (None, None, "unverified")


def test_the_end_of_a_run_is_told() -> None:
    """The record has the outcome, and none of the values that the run was given."""
    result = RunResult("pay", "browser", "2026-01-01", Outcome.DONE, (), 3.5, {"name": "Ann"})
    assert RunEnded.of(result, "7") == RunEnded(workflow="pay", run="7", outcome=Outcome.DONE, duration_s=3.5)


def test_every_line_of_the_history_has_a_record(manager: AutoHealManager) -> None:
    """Trips, changes, late results, approvals and their use: whatever the manager tells is recorded as what it is."""
    late = ask(manager)
    for _ in range(3):
        fail(manager, ask(manager))
    fail(manager, late)
    ask(manager, is_irreversible=True)
    manager.approve("pay", "one", "Ann")
    assert ask(manager, is_irreversible=True).allowed
    told = [from_history(text) for _, text in manager.history()]
    assert [each.kind for each in told] == ["policy", "trip", "state", "late_result", "approval", "approval_used"]
    taken, _, moved, dropped, approved, used = told
    assert isinstance(taken, PolicyTaken)
    assert (taken.policy, taken.thresholds["step_failures"]) == (late.policy_version, 3)
    assert isinstance(moved, StateChanged)
    assert (moved.event, moved.generation, moved.happened_at) == ("STEP_TRIPPED", 1, "2026-01-01T00:00:00.000+00:00")
    assert isinstance(dropped, ResultDropped)
    assert (dropped.trigger, dropped.generation, dropped.present_generation) == ("TARGET_NOT_FOUND", 0, 1)
    assert isinstance(approved, StepApproved)
    assert isinstance(used, ApprovalUsed)
    assert (approved.approved_by, used.approved_by, used.run) == ("Ann", "Ann", "7")


def test_what_the_manager_has_never_told_is_a_bug() -> None:
    """A new kind of event needs a record of its own."""
    with pytest.raises(AssertionError, match="no record is made"):
        from_history(json.dumps({"event": "Danced", "at_s": 0, "policy": "1"}))


def test_each_kind_and_field_is_explained() -> None:
    """The page on the audit log has a row for every kind of record, with all that it can say."""
    rows = dict(re.findall(r"^\| `(\w+)` \|(.+)\|$", PAGE.read_text(), re.MULTILINE))
    assert rows.keys() == KINDS.keys()
    shared = {"workflow", "step", "run"}
    for kind, record in KINDS.items():
        said = set(re.findall(r"`(\w+)`", rows[kind].split("|")[-1]))
        assert said == {each.name for each in fields(record)} - shared, kind
