"""The manager: asked before each step, told after it, and the same after a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import StateError, StoreError
from steadyhand.healing.auto_heal_manager import AutoHealManager, Decision
from steadyhand.healing.breaker_events import BreakerState, Dropped, Measure
from steadyhand.healing.execution_state import Event, ExecutionState
from steadyhand.healing.state_store import SqliteStore
from steadyhand.model.outcome import StepResult, Trigger, Verdict
from steadyhand.policy import Policy, PolicyConfig
from steadyhand.policy_file import parse_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = Policy()
DAY_S = 86_400


@dataclass
class Robot:
    """A robot with its manager, its folder and its clock.

    Attributes:
        folder: Where everything lies.
        clock: What time it is.
        manager: What decides.
    """

    folder: Path
    clock: ManualClock
    manager: AutoHealManager

    def ask(
        self, workflow: str = "pay", run: str = "A", *, irreversible: bool = False, verifiable: bool = True
    ) -> Decision:
        """Ask for the step `save`."""
        return self.manager.should_execute_step(
            workflow, "save", run, is_irreversible=irreversible, is_verifiable=verifiable
        )

    def run(self, trigger: Trigger | None, times: int = 1, workflow: str = "pay") -> None:
        """Execute the step `save`, with this result."""
        for _ in range(times):
            decision = self.ask(workflow)
            assert decision.allowed, decision.reason
            self.manager.on_step_result(decision, result(trigger))

    def restart(self) -> None:
        """End the program and start it again."""
        self.manager.close()
        self.manager = AutoHealManager.open(self.folder / "data", self.folder / "auto_heal_policy.json", self.clock)

    def state(self, workflow: str = "pay") -> ExecutionState:
        """The state of a workflow, as the status says."""
        return next(each.info.state for each in self.manager.get_status_report().workflows if each.workflow == workflow)


def result(trigger: Trigger | None = None) -> StepResult:
    """What came of the step `save`."""
    return StepResult("save", "click", Verdict.FAILED if trigger else Verdict.DONE, trigger=trigger)


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Robot]:
    """A robot that knows nothing yet."""
    clock = ManualClock()
    manager = AutoHealManager.open(tmp_path / "data", tmp_path / "auto_heal_policy.json", clock)
    robot = Robot(tmp_path, clock, manager)
    yield robot
    robot.manager.close()


@pytest.fixture
def degraded(robot: Robot) -> Robot:
    """A robot whose workflow `pay` is DEGRADED."""
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    return robot


@pytest.fixture
def quarantined(robot: Robot) -> Robot:
    """A robot whose workflow `pay` is in quarantine."""
    robot.run(Trigger.TARGET_NOT_FOUND, times=10)
    return robot


# ------------------------------------------------------------------------------------------------------- the loop


def test_a_new_workflow_may_go_on(robot: Robot) -> None:
    """It is NORMAL, under the usual thresholds, and the decision names the policy."""
    decision = robot.ask()
    assert (decision.allowed, decision.reason, decision.state) == (True, "", ExecutionState.NORMAL)
    assert decision.thresholds == POLICY.normal
    assert (decision.must_be_verified, decision.may_be_learned_from) == (False, True)
    assert decision.policy_version == PolicyConfig().version


def test_10_2_a_degraded_workflow_goes_on_under_stricter_demands(degraded: Robot) -> None:
    """After three misses the thresholds are raised, every step must be verified, and nothing is learned."""
    decision = degraded.ask()
    assert (decision.allowed, decision.state) == (True, ExecutionState.DEGRADED)
    assert decision.thresholds == POLICY.degraded
    assert (decision.must_be_verified, decision.may_be_learned_from) == (True, False)


def test_a_degraded_workflow_proves_itself(degraded: Robot) -> None:
    """Five validated steps later it is NORMAL."""
    degraded.run(None, times=5)
    assert degraded.ask().state is ExecutionState.NORMAL


def test_10_3_a_quarantined_workflow_executes_nothing(quarantined: Robot) -> None:
    """After ten failures the answer is no, with the reason and the time; other workflows go on."""
    decision = quarantined.ask()
    assert not decision.allowed
    assert decision.reason == "It is QUARANTINED. 10 failures within 600 s: 10 TARGET_NOT_FOUND."
    assert (decision.retry_after_s, decision.may_be_learned_from) == (900, False)
    assert quarantined.ask("load").allowed


def test_a_quarantine_is_left_by_a_probe(quarantined: Robot) -> None:
    """After the cool-down one run may go on; when it is complete, all may, in DEGRADED."""
    quarantined.clock.sleep(900)
    quarantined.run(None, times=3)
    assert "Run A is probing" in quarantined.ask(run="B").reason
    quarantined.manager.finish_run("pay", "A", is_complete=True)
    assert quarantined.ask(run="B").allowed


def test_failures_of_three_workflows_pause_everything(robot: Robot) -> None:
    """The thirtieth failure holds every workflow, also those that never failed, until a person resumes all."""
    for workflow, times in (("a", 9), ("b", 9), ("c", 9), ("d", 3)):
        robot.run(Trigger.POSTCONDITION_FAILED, times, workflow)
    decision = robot.ask("innocent")
    assert not decision.allowed
    assert decision.reason.startswith("For all workflows: It is PAUSED. 30 failures over all workflows")
    robot.manager.resume("", "Ann has mended the network.")
    assert robot.ask("innocent").allowed
    assert robot.state("a") is ExecutionState.DEGRADED


def test_a_lost_screen_is_no_failure_of_the_workflow(robot: Robot) -> None:
    """However often the screen is lost, the workflow stays NORMAL."""
    robot.run(Trigger.SCREEN_LOST, times=20)
    assert robot.ask().state is ExecutionState.NORMAL


def test_what_was_skipped_says_nothing(robot: Robot) -> None:
    """A step that was skipped changes nothing and needs nothing to be kept."""
    decision = robot.ask()
    assert robot.manager.on_step_result(decision, StepResult("save", "click", Verdict.SKIPPED)) == ()
    assert robot.manager.get_status_report().workflows == ()


def test_a_late_result_is_dropped(robot: Robot) -> None:
    """What was decided before the state changed counts nowhere, and the history tells of it."""
    early = robot.ask()
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    events = robot.manager.on_step_result(early, result(Trigger.TARGET_NOT_FOUND))
    assert [type(each) for each in events] == [Dropped]
    assert json.loads(robot.manager.history()[-1][1])["event"] == "Dropped"


def test_what_was_refused_has_no_result(quarantined: Robot) -> None:
    """Telling the result of a refused step is a bug."""
    with pytest.raises(AssertionError):
        quarantined.manager.on_step_result(quarantined.ask(), result())


# ---------------------------------------------------------------------------------------------- degraded, approvals


def test_what_cannot_be_verified_is_refused_while_degraded(degraded: Robot) -> None:
    """Unless the policy allows it."""
    assert "nothing could show" in degraded.ask(verifiable=False).reason
    (degraded.folder / "auto_heal_policy.json").write_text('{"degraded_allows_unverified": true}', encoding="utf-8")
    decision = degraded.ask(verifiable=False)
    assert (decision.allowed, decision.must_be_verified) == (True, False)


def test_what_cannot_be_undone_waits_for_a_person_while_degraded(degraded: Robot) -> None:
    """It is refused until somebody approves it, and then goes on once; the request is in the status."""
    decision = degraded.ask(irreversible=True)
    assert (decision.allowed, decision.waits_for_approval) == (False, True)
    (waiting,) = degraded.manager.get_status_report().approvals
    assert (waiting.workflow, waiting.step, waiting.run, waiting.by) == ("pay", "save", "A", "")
    degraded.manager.approve("pay", "save", "Ann")
    assert degraded.manager.get_status_report().approvals[0].by == "Ann"
    assert degraded.ask(run="B", irreversible=True).allowed
    assert degraded.manager.get_status_report().approvals == ()
    assert degraded.ask(run="C", irreversible=True).waits_for_approval
    given, used = (json.loads(text) for _, text in degraded.manager.history()[-2:])
    assert (given["event"], given["by"], given["step"]) == ("Approved", "Ann", "save")
    assert (used["event"], used["by"], used["run"]) == ("ApprovalUsed", "Ann", "B")


def test_an_approval_outlives_a_restart_and_lapses(degraded: Robot) -> None:
    """It is good for a day; after that the step waits anew."""
    degraded.ask(irreversible=True)
    degraded.manager.approve("pay", "save", "Ann")
    degraded.restart()
    degraded.clock.sleep(DAY_S + 1)
    decision = degraded.ask(irreversible=True)
    assert decision.waits_for_approval
    assert degraded.manager.get_status_report().approvals[0].by == ""
    degraded.manager.approve("pay", "save", "Ann")
    degraded.clock.sleep(DAY_S)
    assert degraded.ask(irreversible=True).allowed


def test_an_approval_from_the_future_is_none(degraded: Robot) -> None:
    """After the clock was turned back nobody knows how old an approval is: the step waits anew."""
    degraded.ask(irreversible=True)
    degraded.manager.approve("pay", "save", "Ann")
    degraded.clock = ManualClock(degraded.clock.now() - timedelta(days=3_650))
    degraded.restart()
    assert degraded.ask(irreversible=True).waits_for_approval


def test_only_what_waits_can_be_approved(degraded: Robot) -> None:
    """An approval that nobody asked for is refused."""
    with pytest.raises(StateError, match="waits for no approval"):
        degraded.manager.approve("pay", "save", "Ann")


def test_a_normal_workflow_needs_no_approval(robot: Robot) -> None:
    """While all is well, steps that cannot be undone or verified go on."""
    assert robot.ask(irreversible=True, verifiable=False).allowed


# ---------------------------------------------------------------------------------------------------------- orders


def test_a_paused_workflow_goes_on_as_before(degraded: Robot) -> None:
    """Pausing holds it, and only it; resuming leads back to DEGRADED."""
    degraded.manager.pause("pay", "Ann looks at it.")
    assert degraded.ask().reason == "It is PAUSED. Ann looks at it."
    assert degraded.ask("load").allowed
    degraded.manager.resume("pay", "Ann has looked.")
    assert degraded.ask().state is ExecutionState.DEGRADED


def test_a_released_workflow_is_degraded(quarantined: Robot) -> None:
    """A person's release lets it run, strictly."""
    quarantined.manager.release("pay", "Ann has mended it.")
    decision = quarantined.ask()
    assert (decision.allowed, decision.state) == (True, ExecutionState.DEGRADED)


def test_an_order_that_does_not_fit_is_refused(robot: Robot) -> None:
    """What is not quarantined cannot be released, and nothing is kept of the attempt."""
    with pytest.raises(StateError):
        robot.manager.release("pay", "no reason")
    assert robot.manager.get_status_report().workflows == ()
    assert robot.manager.history() == []


def test_a_regression_holds_a_workflow_until_it_is_restored(robot: Robot) -> None:
    """While the last good version is restored nothing is executed; then it is DEGRADED."""
    robot.manager.apply("pay", Event.REGRESSED, "v3 is worse than v2.")
    assert robot.ask().state is ExecutionState.ROLLBACK
    robot.manager.apply("pay", Event.RESTORED, "v2 is back.")
    assert robot.ask().state is ExecutionState.DEGRADED


# --------------------------------------------------------------------------------------------------------- reports


def test_the_status_tells_everything(degraded: Robot) -> None:
    """State, reason and windows of each workflow and of all together, and what is wrong with the policy."""
    (degraded.folder / "auto_heal_policy.json").write_text('{"step_failures": 0}', encoding="utf-8")
    report = degraded.manager.get_status_report()
    (pay,) = report.workflows
    assert (pay.workflow, pay.info.state, pay.breaker) == ("pay", ExecutionState.DEGRADED, BreakerState.HALF_OPEN)
    assert pay.info.reason == "3 failures of step save in a row: 3 TARGET_NOT_FOUND."
    assert {each.measure: each.count for each in pay.readings}[Measure.FAILURES] == 3
    assert {each.measure: each.count for each in report.overall.readings}[Measure.FAILURES] == 3
    assert report.policy_version == PolicyConfig().version
    assert report.policy_problems == ("step_failures is 0; allowed: a whole number from 1 to 20 (failures in a row)",)
    assert report.at_s == degraded.clock.now().timestamp()


def test_the_history_names_every_change_and_its_policy(quarantined: Robot) -> None:
    """Each trip and each transition is a line, in order, with the version of the policy that it follows from."""
    lines = [json.loads(text) for _, text in quarantined.manager.history()]
    moves = [line["after"]["state"] for line in lines if line["event"] == "Moved"]
    assert moves == ["DEGRADED", "QUARANTINED"]
    assert {line["policy"] for line in lines} == {PolicyConfig().version}
    last = quarantined.manager.history()[-1][0]
    assert quarantined.manager.history(after=last) == []


def test_5_1_the_history_says_what_each_policy_says(robot: Robot) -> None:
    """What a policy says is told once, when it begins to be decided by; looking takes up nothing."""
    (robot.folder / "auto_heal_policy.json").write_text('{"workflows": {"pay": {"step_failures": 2}}}')
    robot.manager.get_status_report()
    robot.manager.get_state("pay")
    assert robot.manager.history() == []
    decisions = [robot.ask(), robot.ask()]
    (robot.folder / "auto_heal_policy.json").write_text('{"mode": "permissive"}')
    decisions += [robot.ask(), robot.ask()]
    first, second = (json.loads(text) for _, text in robot.manager.history())
    assert [each.policy_version for each in decisions] == [first["policy"]] * 2 + [second["policy"]] * 2
    assert (first["event"], first["thresholds"]["workflows"]) == ("PolicyTaken", {"pay": {"step_failures": 2}})
    assert (second["event"], second["thresholds"]["mode"]) == ("PolicyTaken", "permissive")
    for told in (first, second):
        again = parse_policy(json.dumps(told["thresholds"]).encode(), robot.folder)
        assert again.version == told["policy"]


def test_a_decision_names_the_policy_that_it_was_made_by(robot: Robot) -> None:
    """Between two steps a changed policy is taken up as a whole."""
    before = robot.ask()
    (robot.folder / "auto_heal_policy.json").write_text('{"found_from": 0.88}', encoding="utf-8")
    after = robot.ask()
    assert before.policy_version != after.policy_version
    assert (before.thresholds.found_from, after.thresholds.found_from) == (POLICY.found_from, 0.88)


def test_the_ruling_of_a_result_says_what_the_decision_said(robot: Robot) -> None:
    """Nothing is lost on the way from the manager to the report."""
    decision = robot.ask()
    asked = replace(decision, allowed=False, reason="No.", retry_after_s=3.0, waits_for_approval=True).ruling
    assert (asked.allowed, asked.reason, asked.retry_after_s, asked.waits_for_approval) == (False, "No.", 3.0, True)
    assert (asked.state, asked.thresholds, asked.policy_version) == (
        decision.state,
        decision.thresholds,
        decision.policy_version,
    )


# ----------------------------------------------------------------------------------------- restarts, faults, others


def test_a_restart_changes_nothing(robot: Robot) -> None:
    """States, windows, rows of failures and of successes are after a restart what they were before."""
    robot.run(Trigger.TARGET_NOT_FOUND, times=2)
    robot.restart()
    robot.run(Trigger.TARGET_NOT_FOUND)
    assert robot.ask().state is ExecutionState.DEGRADED
    robot.run(None, times=4)
    before = robot.manager.get_status_report()
    robot.restart()
    assert robot.manager.get_status_report() == before
    robot.run(None)
    assert robot.ask().state is ExecutionState.NORMAL


def test_a_clock_that_was_turned_back_breaks_nothing(quarantined: Robot) -> None:
    """After a jump of years to the past a quarantine lasts one cool-down more, and no longer."""
    quarantined.clock = ManualClock(quarantined.clock.now() - timedelta(days=3_650))
    quarantined.restart()
    assert quarantined.ask().retry_after_s == 900
    quarantined.restart()
    quarantined.clock.sleep(900)
    assert quarantined.ask().allowed


def test_without_its_store_nothing_is_executed(robot: Robot) -> None:
    """Where the state cannot be read, the answer is no and why; a result that cannot be kept raises."""
    decision = robot.ask()
    robot.manager.close()
    refused = robot.ask()
    assert (refused.allowed, refused.may_be_learned_from) == (False, False)
    assert "cannot be read" in refused.reason
    with pytest.raises(StoreError):
        robot.manager.on_step_result(decision, result(Trigger.TARGET_NOT_FOUND))


def test_a_damaged_record_stops_its_workflow_alone(degraded: Robot) -> None:
    """A workflow whose record is damaged executes nothing, others go on."""
    degraded.run(Trigger.TARGET_NOT_FOUND, workflow="load")
    degraded.manager.close()
    store = SqliteStore(degraded.folder / "data" / "state.db")
    with store.change() as records:
        records.put("breaker", "pay", "{}")
    store.close()
    degraded.restart()
    refused = degraded.ask()
    assert not refused.allowed
    assert "cannot be read back" in refused.reason
    assert degraded.ask("load").allowed


def test_what_is_not_kept_did_not_happen(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a failure cannot be written down, it counts nowhere, and the next one is counted as if it had not been."""
    robot.run(Trigger.TARGET_NOT_FOUND, times=2)
    decision = robot.ask()
    with monkeypatch.context() as broken:
        broken.setattr("steadyhand.healing.change.Change.keep", _fails)
        with pytest.raises(StoreError):
            robot.manager.on_step_result(decision, result(Trigger.TARGET_NOT_FOUND))
    assert robot.ask().state is ExecutionState.NORMAL
    robot.run(Trigger.TARGET_NOT_FOUND)
    assert robot.ask().state is ExecutionState.DEGRADED


def _fails(*_: object) -> None:
    raise StoreError("The disk is full.")


def test_what_another_robot_wrote_is_taken_note_of(robot: Robot) -> None:
    """Two managers on one folder count in turns, and each goes on from what the other one has written."""
    other = AutoHealManager.open(robot.folder / "data", robot.folder / "auto_heal_policy.json", robot.clock)
    one, another = robot, Robot(robot.folder, robot.clock, other)
    one.run(Trigger.TARGET_NOT_FOUND)
    another.run(Trigger.TARGET_NOT_FOUND)
    one.run(Trigger.TARGET_NOT_FOUND)
    assert {one.ask().state, another.ask().state, one.state(), another.state()} == {ExecutionState.DEGRADED}
    another.run(None, times=5)
    assert {one.ask().state, another.ask().state, one.state(), another.state()} == {ExecutionState.NORMAL}
    other.close()


def test_many_threads_lose_no_failure(robot: Robot) -> None:
    """Of failures that several threads tell at once every one is counted, and one of them trips."""
    decisions = [robot.ask() for _ in range(8)]

    def fail(decision: Decision) -> None:
        robot.manager.on_step_result(decision, result(Trigger.TARGET_NOT_FOUND))

    threads = [threading.Thread(target=fail, args=[decision]) for decision in decisions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(text) for _, text in robot.manager.history()]
    assert [line["event"] for line in lines] == ["PolicyTaken", "Tripped", "Moved", *["Dropped"] * 5]
    (pay,) = robot.manager.get_status_report().workflows
    assert {each.measure: each.count for each in pay.readings}[Measure.FAILURES] == 3


FAILING = """
import os, signal, sys
from pathlib import Path
from steadyhand.clock import SystemClock
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.model.outcome import StepResult, Trigger, Verdict

folder, statement = Path(sys.argv[1]), int(sys.argv[2])
manager = AutoHealManager.open(folder / "data", folder / "policy.json", SystemClock())
result = StepResult("save", "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)

def die(_):
    global statement
    statement -= 1
    if statement == 0:
        os.kill(os.getpid(), signal.SIGKILL)

manager._store._database.set_trace_callback(die)
for _ in range(4):
    decision = manager.should_execute_step("pay", "save", "A")
    manager.on_step_result(decision, result)
    os.write(1, b".")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("statement", range(1, 67, 3))
def test_1_8_a_killed_robot_is_what_it_said_it_was(statement: int, tmp_path: Path) -> None:
    """Killed at any statement, no failure that was acknowledged is lost, and windows, state and history agree."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING, str(tmp_path), str(statement)], capture_output=True, check=False
    )
    assert (done.returncode == 0) == (done.stdout == b"....")
    manager = AutoHealManager.open(tmp_path / "data", tmp_path / "policy.json", ManualClock())
    report = manager.get_status_report()
    counts = [each.count for status in report.workflows for each in status.readings if each.measure is Measure.FAILURES]
    failures = sum(counts)
    assert len(done.stdout) <= failures <= len(done.stdout) + 1
    assert {each.measure: each.count for each in report.overall.readings}[Measure.FAILURES] == failures
    events = [json.loads(text)["event"] for _, text in manager.history()]
    assert events[:1] == ["PolicyTaken"] * bool(events)
    assert events[1:] == ["Tripped", "Moved", "Tripped"][: max(0, failures - 2) + (failures > 2)]
    states = [status.info.state for status in report.workflows]
    assert states == [ExecutionState.DEGRADED if failures > 2 else ExecutionState.NORMAL] * bool(failures)
    manager.close()


def test_several_processes_count_together(tmp_path: Path) -> None:
    """Two robots on one folder count their failures in one window, and the tenth of them stops both."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", FAILING, str(tmp_path), "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    for child in children:
        child.wait(60)
    manager = AutoHealManager.open(tmp_path / "data", tmp_path / "policy.json", ManualClock())
    lines = [json.loads(text) for _, text in manager.history()]
    (pay,) = manager.get_status_report().workflows
    counted = {each.measure: each.count for each in pay.readings}[Measure.FAILURES]
    assert counted + sum(line["event"] == "Dropped" for line in lines) == 8
    manager.close()
