"""What is learned, under a manager: a regression holds the workflow, the last good version is restored, it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import StateError, StoreError
from steadyhand.evidence.audit_records import HealRejected, LearningTakenBack, RegressionFound, from_history
from steadyhand.healing.auto_heal_manager import AutoHealManager, Decision
from steadyhand.healing.breaker_events import Dropped, Moved
from steadyhand.healing.execution_state import Event, ExecutionState
from steadyhand.healing.state_store import SqliteStore
from steadyhand.healing.supervision import Supervision
from steadyhand.model.outcome import StepResult, Trigger, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from steadyhand.healing.breaker_events import BreakerEvent

NORMAL, DEGRADED, ROLLBACK, QUARANTINED, PAUSED = (
    ExecutionState.NORMAL,
    ExecutionState.DEGRADED,
    ExecutionState.ROLLBACK,
    ExecutionState.QUARANTINED,
    ExecutionState.PAUSED,
)


@dataclass
class Shelf:
    """A memory that is nothing but its versions.

    Attributes:
        good: The versions that are good, of whichever workflow, the oldest first; the last one is in use.
        forbidden: What was forbidden, in order.
        rolled_back: What it was told to take back, in order.
        fault: What it raises instead of doing anything; None if it works.
        during: What happens while it is busy.
    """

    good: list[int] = field(default_factory=lambda: [0])
    forbidden: list[tuple[str, int]] = field(default_factory=list)
    rolled_back: list[tuple[str, int, str]] = field(default_factory=list)
    fault: StoreError | None = None
    during: Callable[[], object] = lambda: None

    def version(self, workflow: str) -> int:
        """The version in use."""
        assert workflow == "pay"
        return self.good[-1] if self.good else 0

    def forbid(self, workflow: str, version: int) -> None:
        """Take note of what must not be learned again."""
        self.forbidden.append((workflow, version))

    def roll_back(self, workflow: str, version: int, why: str) -> int | None:
        """Take back a version and all later ones."""
        assert (workflow, version) in self.forbidden, "what is bad could be learned again after a crash"
        if self.fault:
            raise self.fault
        self.during()
        self.rolled_back.append((workflow, version, why))
        self.good = [each for each in self.good if each < version]
        return self.good[-1] if self.good else None


@dataclass
class Robot:
    """A robot that learns.

    Attributes:
        folder: Where everything lies.
        clock: What time it is.
        memory: What it learned.
        manager: What decides.
        runs: How many runs there were.
    """

    folder: Path
    clock: ManualClock
    memory: Shelf
    manager: AutoHealManager
    runs: int = 0

    def ask(self, run: str = "A") -> Decision:
        """Ask for the step `save`."""
        return self.manager.should_execute_step("pay", "save", run)

    def tell(self, decision: Decision, trigger: Trigger | None = None) -> tuple[BreakerEvent, ...]:
        """Tell what came of the step `save`."""
        verdict = Verdict.FAILED if trigger else Verdict.DONE
        version = self.memory.version("pay")
        result = StepResult("save", "click", verdict, trigger=trigger, learned_version=version)
        return self.manager.on_step_result(decision, result)

    def run(self, trigger: Trigger | None = None, times: int = 1) -> None:
        """So many runs of the one step `save`, as long as they are allowed; minutes go by between them."""
        for _ in range(times):
            self.runs += 1
            run = f"run {self.runs}"
            decision = self.ask(run)
            if decision.allowed:
                self.tell(decision, trigger)
                self.manager.finish_run("pay", run, is_complete=trigger is None)
            self.clock.sleep(300)

    def break_down(self) -> None:
        """Learn version 1 after eight good runs, and fail with it until that is a regression."""
        self.run(times=8)
        self.memory.good.append(1)
        self.run(Trigger.TARGET_NOT_FOUND, times=4)

    def restart(self) -> None:
        """End the program and start it again."""
        self.manager.close()
        self.manager = opened(self.folder, self.clock, self.memory)

    @property
    def state(self) -> ExecutionState:
        """The state of the workflow."""
        return self.manager.get_state("pay").state

    def history(self, *events: str) -> list[dict[str, object]]:
        """The lines of the history that tell of these events."""
        lines = (json.loads(text) for _, text in self.manager.history())
        return [line for line in lines if line["event"] in events]

    def states(self) -> list[object]:
        """Every state that the workflow went to."""
        return [line["after"]["state"] for line in self.history("Moved")]  # type: ignore[index]  # plain JSON


def opened(folder: Path, clock: ManualClock, memory: Shelf | None) -> AutoHealManager:
    """The manager of a robot."""
    return AutoHealManager.open(folder / "data", folder / "auto_heal_policy.json", clock, memory)


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Robot]:
    """A robot that knows nothing yet."""
    clock, memory = ManualClock(), Shelf()
    robot = Robot(tmp_path, clock, memory, opened(tmp_path, clock, memory))
    yield robot
    robot.manager.close()


# -------------------------------------------------------------------------------------------------------- rollbacks


def test_10_4_a_version_that_breaks_its_workflow_is_taken_back(robot: Robot) -> None:
    """The last good version is restored, the bad one forbidden; the workflow goes on in DEGRADED and proves itself."""
    robot.break_down()
    assert robot.states() == [DEGRADED, ROLLBACK, DEGRADED]
    assert robot.memory.forbidden == [("pay", 1)]
    ((workflow, version, why),) = robot.memory.rolled_back
    assert (workflow, version) == ("pay", 1)
    assert why.startswith("Version 1 of what was learned made things worse: 100% of the runs failed")
    assert robot.manager.get_state("pay").reason == f"{why} Nothing that was learned is in use any more."
    robot.run(times=5)
    assert robot.state is NORMAL
    assert robot.memory.good == [0]


def test_a_regression_is_told_with_its_evidence(robot: Robot) -> None:
    """The history has the version, the symptom, what was before and since, and the steps that suffered."""
    robot.break_down()
    (line,) = robot.history("Regressed")
    assert line["workflow"] == "pay"
    assert (line["version"], line["symptom"], line["steps"]) == (1, "failed_runs", [["save", 4.0]])
    assert (line["before"], line["since"], line["runs_before"], line["runs_since"]) == (0, 1, 8, 4)
    assert line["enough"] == 100
    assert isinstance(line["evidence"], float)
    assert line["evidence"] >= 100
    (done,) = robot.history("RolledBack")
    assert (done["from"], done["to"], done["at_s"]) == (1, 0, line["at_s"])


def test_the_audit_log_has_a_record_of_all_of_it(robot: Robot) -> None:
    """A regression, the rollback and a rejected heal: none of them is only in the history."""
    robot.break_down()
    robot.manager.learning.reject_heal("pay", "run 1", "save", "Ann")
    records = [from_history(text) for _, text in robot.manager.history()]
    (found,) = [each for each in records if isinstance(each, RegressionFound)]
    (back,) = [each for each in records if isinstance(each, LearningTakenBack)]
    (rejected,) = [each for each in records if isinstance(each, HealRejected)]
    assert (found.workflow, found.version, found.share_before, found.share_since) == ("pay", 1, 0, 1)
    assert found.evidence >= found.enough
    assert (back.workflow, back.version_before, back.version) == ("pay", 1, robot.memory.version("pay"))
    assert (rejected.run, rejected.step, rejected.rejected_by) == ("run 1", "save", "Ann")


def test_the_run_that_shows_it_says_so(robot: Robot) -> None:
    """Its course tells of the rollback and of what became of it."""
    robot.run(times=8)
    robot.memory.good.append(1)
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    supervision = Supervision(robot.manager, "pay", "the last one", learned_version=1)
    decision = supervision.admit("save")
    failure = StepResult("save", "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)
    supervision.tell(decision, failure)
    course = supervision.finish(is_complete=False)
    assert (course.before, course.after) == (DEGRADED, DEGRADED)
    assert course.events[1].startswith("DEGRADED -> ROLLBACK. Version 1 of what was learned made things worse")
    assert course.events[2].endswith("Nothing that was learned is in use any more.")


def test_without_a_good_version_it_is_quarantined(robot: Robot) -> None:
    """Nothing is executed until a person releases it."""
    robot.memory.good.clear()
    robot.run(times=8)
    robot.memory.good.append(1)
    robot.run(Trigger.TARGET_NOT_FOUND, times=4)
    assert robot.state is QUARANTINED
    assert robot.manager.get_state("pay").reason.endswith("There is no good version to go back to.")
    assert not robot.ask().allowed
    robot.manager.release("pay", "Ann has looked at it.")
    assert robot.ask().allowed


def test_while_it_is_rolled_back_nothing_executes(robot: Robot) -> None:
    """Not even a run of another robot that asks in the middle of it; that one finishes it as well."""
    seen: list[object] = []

    def look() -> None:
        other = opened(robot.folder, robot.clock, None)
        decision = other.should_execute_step("pay", "save", "another")
        seen.append((decision.allowed, decision.state))
        other.close()

    robot.memory.during = look
    robot.break_down()
    assert seen == [(False, ROLLBACK)]


def test_what_cannot_be_restored_executes_nothing(robot: Robot) -> None:
    """The answer is no and why, until the memory works again; then it is restored, and goes on at once."""
    robot.memory.fault = StoreError("Version 0 is damaged.")
    robot.run(times=8)
    robot.memory.good.append(1)
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    decision = robot.ask("the last one")
    robot.tell(decision, Trigger.TARGET_NOT_FOUND)
    with pytest.raises(StoreError, match="is damaged"):
        robot.manager.finish_run("pay", "the last one", is_complete=False)
    refused = robot.ask()
    assert (refused.allowed, refused.state) == (False, ROLLBACK)
    assert refused.reason.endswith("Version 0 is damaged.")
    robot.memory.fault = None
    decision = robot.ask()
    assert (decision.allowed, decision.state) == (True, DEGRADED)


def test_a_rollback_that_was_cut_short_is_finished(robot: Robot) -> None:
    """Whether the memory had done its part or not: after the restart the first question finishes it."""
    for has_done_it in (False, True):
        if has_done_it:
            robot.memory.during = _crashes
        else:
            robot.memory.fault = StoreError("The power is gone.")
        robot.memory.good.append(robot.memory.good[-1] + 1 + has_done_it)
        robot.run(times=5)
        robot.manager.apply("pay", Event.REGRESSED, "Ann says so.")
        with pytest.raises(StoreError):
            robot.manager.learning.restore("pay")
        robot.memory.fault, robot.memory.during = None, lambda: None
        robot.restart()
        assert robot.state is ROLLBACK
        decision = robot.ask()
        assert (decision.allowed, decision.state) == (True, DEGRADED)


def _crashes() -> None:
    raise StoreError("The power is gone.")


def test_two_robots_roll_back_once(robot: Robot) -> None:
    """If another one was quicker, the state is left as that one made it, and what it restored stays."""
    robot.run(times=8)
    robot.memory.good += [1, 2]
    other = opened(robot.folder, robot.clock, robot.memory)
    robot.memory.during = lambda: _once(robot.memory, lambda: other.learning.restore("pay"))
    robot.manager.apply("pay", Event.REGRESSED, "Ann says so.")
    assert robot.ask().state is DEGRADED
    other.close()
    assert robot.memory.good == [0, 1]
    assert robot.states() == [ROLLBACK, DEGRADED]


def test_two_robots_roll_back_a_quarantined_workflow_once(robot: Robot) -> None:
    """The slower one leaves it as the quicker one made it."""
    other = opened(robot.folder, robot.clock, robot.memory)
    robot.memory.during = lambda: _once(robot.memory, lambda: other.learning.restore("pay"))
    robot.run(times=8)
    robot.memory.good.append(1)
    for number in range(4):
        for _ in range(3):
            decision = robot.ask(f"failing {number}")
            if decision.allowed:
                robot.tell(decision, Trigger.TARGET_NOT_FOUND)
        robot.manager.finish_run("pay", f"failing {number}", is_complete=False)
    other.close()
    assert robot.state is QUARANTINED
    assert len(robot.history("RolledBack")) == 1


def _once(memory: Shelf, act: Callable[[], object]) -> None:
    memory.during = lambda: None
    act()


def test_an_ordered_rollback_takes_back_what_is_in_use(robot: Robot) -> None:
    """A person says that it got worse: the version that is in use then is condemned."""
    robot.memory.good += [1, 2]
    robot.manager.apply("pay", Event.REGRESSED, "Ann has seen wrong clicks.")
    decision = robot.ask()
    assert (decision.allowed, decision.state) == (True, DEGRADED)
    assert robot.memory.rolled_back == [("pay", 2, "Ann has seen wrong clicks.")]
    assert robot.manager.get_state("pay").reason == "Ann has seen wrong clicks. Version 1 is in use again."


def test_a_paused_workflow_is_rolled_back_after_the_pause(robot: Robot) -> None:
    """While it is paused nothing moves; whatever was found meanwhile holds it as soon as it is resumed."""
    robot.run(times=8)
    robot.memory.good.append(1)
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    decision = robot.ask("the last one")
    robot.tell(decision, Trigger.TARGET_NOT_FOUND)
    robot.manager.pause("pay", "Ann looks at it.")
    robot.manager.finish_run("pay", "the last one", is_complete=False)
    assert (robot.state, robot.memory.rolled_back) == (PAUSED, [])
    robot.manager.resume("pay", "Ann has looked.")
    assert robot.state is ROLLBACK
    assert (robot.ask().state, robot.memory.good) == (DEGRADED, [0])


def test_a_pause_in_the_middle_of_a_rollback_takes_nothing_back_twice(robot: Robot) -> None:
    """After the pause it is finished, and what was restored stays in use."""
    robot.run(times=8)
    robot.memory.good += [1, 2]
    robot.memory.during = lambda: robot.manager.pause("pay", "Ann looks at it.")
    robot.manager.apply("pay", Event.REGRESSED, "It got worse.")
    assert robot.ask().state is PAUSED
    robot.memory.during = lambda: None
    robot.manager.resume("pay", "Ann has looked.")
    assert robot.ask().state is DEGRADED
    assert robot.memory.good == [0, 1]


def test_a_quarantined_workflow_is_restored_and_stays_there(robot: Robot) -> None:
    """Ten failures are sooner there than the end of a run: the version is taken back, and nothing gets laxer."""
    robot.run(times=8)
    robot.memory.good.append(1)
    for number in range(4):
        run = f"failing {number}"
        for _ in range(3):
            decision = robot.ask(run)
            if decision.allowed:
                robot.tell(decision, Trigger.TARGET_NOT_FOUND)
        robot.manager.finish_run("pay", run, is_complete=False)
    assert (robot.state, robot.memory.good) == (QUARANTINED, [0])
    assert robot.states() == [DEGRADED, QUARANTINED]
    assert [line["to"] for line in robot.history("RolledBack")] == [0]


def test_a_probe_is_not_cut_short_by_what_others_show(robot: Robot) -> None:
    """The regression holds the workflow when the probe is over."""
    robot.run(times=8)
    robot.memory.good.append(1)
    slow = robot.ask("slow")
    robot.tell(slow, Trigger.TARGET_NOT_FOUND)
    robot.run(Trigger.TARGET_NOT_FOUND, times=2)
    for _ in range(10):
        decision = robot.ask("storm")
        if decision.allowed:
            robot.tell(decision, Trigger.POSTCONDITION_FAILED)
    assert robot.state is QUARANTINED
    robot.clock.sleep(100_000)
    probe = robot.ask("probe")
    assert probe.allowed
    robot.manager.finish_run("pay", "storm", is_complete=False)
    robot.manager.finish_run("pay", "slow", is_complete=False)
    assert (robot.state, robot.memory.rolled_back) == (DEGRADED, [])
    robot.tell(probe)
    robot.manager.finish_run("pay", "probe", is_complete=True)
    assert (robot.state, robot.memory.good) == (DEGRADED, [0])
    assert robot.states()[-2:] == [ROLLBACK, DEGRADED]


def test_what_was_refused_only_because_it_is_degraded_takes_nothing_back(robot: Robot) -> None:
    """A run that says nothing of the version may end as often as it likes."""
    robot.break_down()
    robot.memory.good.append(2)
    for number in range(20):
        decision = robot.ask(f"refused {number}")
        robot.manager.on_step_result(decision, StepResult("save", "click", Verdict.FAILED, learned_version=2))
        robot.manager.finish_run("pay", f"refused {number}", is_complete=False)
    assert robot.memory.good == [0, 2]


# ------------------------------------------------------------------------------------------------- late, clocks, damage


def test_a_late_result_still_counts_for_its_version(robot: Robot) -> None:
    """The state has changed since, so it says nothing of that; of what it looked with it does."""
    robot.run(times=8)
    robot.memory.good.append(1)
    late = [robot.ask(f"late {number}") for number in range(4)]
    robot.run(Trigger.SCREEN_LOST, times=1)
    for _ in range(3):
        robot.tell(robot.ask("storm"), Trigger.TARGET_NOT_FOUND)
    assert robot.state is DEGRADED
    for decision in late:
        events = robot.tell(decision, Trigger.TARGET_NOT_FOUND)
        assert Dropped in {type(each) for each in events}
        robot.manager.finish_run("pay", decision.run, is_complete=False)
    assert robot.memory.rolled_back[0][1] == 1


def test_late_results_of_a_version_that_was_taken_back_count_nowhere(robot: Robot) -> None:
    """However many there are, the restored version is left alone."""
    robot.break_down()
    late = [robot.ask(f"late {number}") for number in range(10)]
    failure = StepResult("save", "click", Verdict.FAILED, trigger=Trigger.WATCHDOG_TIMEOUT, learned_version=1)
    for decision in late[:2]:
        robot.manager.on_step_result(decision, failure)
        robot.manager.finish_run("pay", decision.run, is_complete=False)
    assert len(robot.memory.rolled_back) == 1
    assert robot.state is DEGRADED


@pytest.mark.parametrize("jump", [timedelta(days=3_650), timedelta(days=-3_650)])
def test_a_clock_that_jumps_changes_nothing(robot: Robot, jump: timedelta) -> None:
    """No time is in the evidence: the fourth failure shows the regression, years later or earlier."""
    robot.run(times=8)
    robot.memory.good.append(1)
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    robot.clock = ManualClock(robot.clock.now() + jump)
    robot.restart()
    assert robot.memory.rolled_back == []
    robot.run(Trigger.TARGET_NOT_FOUND)
    assert robot.memory.good == [0]


def test_the_counts_outlive_restarts(robot: Robot) -> None:
    """A restart between any two runs changes nothing."""
    robot.run(times=8)
    robot.memory.good.append(1)
    for _ in range(4):
        assert robot.memory.rolled_back == []
        robot.run(Trigger.TARGET_NOT_FOUND)
        robot.restart()
    assert robot.memory.good == [0]


def test_a_damaged_watch_is_named(robot: Robot) -> None:
    """What cannot be read is not guessed: the end of the run says so."""
    robot.run()
    robot.manager.close()
    store = SqliteStore(robot.folder / "data" / "state.db")
    with store.change() as records:
        records.put("watch", "pay", "{}{")
    store.close()
    robot.restart()
    robot.tell(robot.ask("A"))
    with pytest.raises(StoreError, match="What is kept of workflow 'pay' is damaged"):
        robot.manager.finish_run("pay", "A", is_complete=True)


def test_without_a_memory_nothing_is_restored(robot: Robot) -> None:
    """A manager that was given none, as that of a command, leaves a rollback to one that has one."""
    robot.memory.good.append(1)
    robot.manager.apply("pay", Event.REGRESSED, "It got worse.")
    bare = opened(robot.folder, robot.clock, None)
    assert bare.should_execute_step("pay", "save", "A").reason == "It is ROLLBACK. It got worse."
    assert not bare.learning.restore("pay")
    with pytest.raises(StateError):
        bare.release("pay", "Ann is in a hurry.")
    bare.close()
    assert robot.ask().allowed


# --------------------------------------------------------------------------------------------------------- learning


def test_only_what_normal_has_validated_may_be_learned(robot: Robot) -> None:
    """A run that has told what came of its step may add a prototype; none in DEGRADED, none by a late decision."""
    decision = robot.ask()
    assert not robot.manager.learning.may_learn(decision), "nothing was told of it yet"
    robot.tell(decision)
    assert robot.manager.learning.may_learn(decision)
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    assert not robot.manager.learning.may_learn(decision), "the state has changed since"
    degraded = robot.ask()
    robot.tell(degraded)
    assert not robot.manager.learning.may_learn(degraded)


def test_6_a_budget_is_kept_over_restarts_and_processes(robot: Robot) -> None:
    """What was added before counts after it, whoever added it."""
    (robot.folder / "auto_heal_policy.json").write_text(
        '{"learning_budget_per_run": 3, "learning_budget_on_watch": 5}', encoding="utf-8"
    )
    granted = []
    for run in ("A", "B", "C"):
        decision = robot.ask(run)
        robot.tell(decision)
        granted.append(sum(robot.manager.learning.may_learn(decision) for _ in range(10)))
        robot.restart()
    assert granted == [3, 2, 0]


def test_a_rejected_heal_speaks_against_its_version(robot: Robot) -> None:
    """Runs that seemed well, and whose heals a person rejects afterwards, are a regression as well."""
    robot.run(times=8)
    robot.memory.good.append(1)
    robot.run(times=12)
    assert robot.state is NORMAL
    for number in range(9, 21):
        robot.manager.learning.reject_heal("pay", f"run {number}", "save", "Ann")
    assert (robot.state, robot.memory.good) == (DEGRADED, [0])
    (line,) = robot.history("Regressed")
    assert line["symptom"] == "bad_resolutions"
    rejected = robot.history("HealRejected")
    assert len(rejected) == 12
    assert (rejected[0]["run"], rejected[0]["step"], rejected[0]["by"]) == ("run 9", "save", "Ann")


def test_a_heal_may_be_rejected_while_its_run_goes_on(robot: Robot) -> None:
    """It counts when the run ends, once."""
    robot.run(times=8)
    robot.memory.good.append(1)
    for number in range(6):
        decision = robot.ask(f"new {number}")
        robot.tell(decision)
        robot.manager.learning.reject_heal("pay", decision.run, "save", "Ann")
        robot.manager.finish_run("pay", decision.run, is_complete=True)
    assert robot.memory.good == [0]


def test_the_runs_that_go_on_are_forgotten_before_they_fill_the_memory(robot: Robot) -> None:
    """Of more than a thousand the oldest counts for nothing; the others count."""
    early = robot.ask("early")
    robot.tell(early)
    for number in range(1_000):
        robot.tell(robot.ask(f"run {number}"))
    assert not robot.manager.learning.may_learn(early)
    robot.manager.finish_run("pay", "early", is_complete=True)
    assert "watch" not in str(robot.history("Moved"))
    last = robot.ask("run 999")
    assert robot.manager.learning.may_learn(last)


def test_moves_by_a_regression_are_told(robot: Robot) -> None:
    """What ends the run returns the change of the state."""
    robot.run(times=8)
    robot.memory.good.append(1)
    robot.run(Trigger.TARGET_NOT_FOUND, times=3)
    robot.tell(robot.ask("last"), Trigger.TARGET_NOT_FOUND)
    (moved,) = robot.manager.finish_run("pay", "last", is_complete=False)
    assert isinstance(moved, Moved)
    assert (moved.before.state, moved.after.state, moved.after.event) == (DEGRADED, ROLLBACK, Event.REGRESSED)
