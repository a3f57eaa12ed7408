"""Windows and breakers by example; tests/properties holds them against a naive model."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steadyhand.errors import StateError, StoreError
from steadyhand.healing.breaker_events import (
    BreakerEvent,
    BreakerState,
    Dropped,
    Level,
    Measure,
    Moved,
    Permission,
    Reading,
    Signal,
    Tripped,
)
from steadyhand.healing.circuit_breaker import CircuitBreaker, FailureWindow
from steadyhand.healing.execution_state import Event, ExecutionState, ExecutionStateInfo
from steadyhand.model.outcome import Trigger
from steadyhand.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

POLICY = Policy()
DONE = Signal("pay", "save", is_validated=True)
NOT_FOUND = Signal("pay", "save", Trigger.TARGET_NOT_FOUND)
LOST = Signal("pay", "save", Trigger.SCREEN_LOST)


def tell(
    breaker: CircuitBreaker, signals: Iterable[Signal], now_s: float = 0.0, policy: Policy = POLICY
) -> list[BreakerEvent]:
    """Tell a breaker of results in time, all at once."""
    return [event for each in signals for event in breaker.record(each, breaker.info.generation, policy, now_s)]


def quarantined(since_s: float = 0.0, failed_probes: int = 0) -> CircuitBreaker:
    """The breaker of a workflow in quarantine."""
    info = ExecutionStateInfo(ExecutionState.QUARANTINED, since_s, reason="10 failures.", failed_probes=failed_probes)
    return CircuitBreaker("pay", info)


def probing() -> CircuitBreaker:
    """The breaker of a workflow on which run A probes."""
    breaker = quarantined()
    assert breaker.ask("A", POLICY, 900.0)[0].is_granted
    return breaker


def state(breaker: CircuitBreaker) -> ExecutionState:
    """The state of its workflow now."""
    return breaker.info.state


def count(breaker: CircuitBreaker, measure: Measure, now_s: float = 0.0) -> int:
    """How many a window counts."""
    return next(each.count for each in breaker.readings(POLICY, now_s) if each.measure is measure)


# --------------------------------------------------------------------------------------------------------- windows


def test_a_window_slides() -> None:
    """An event counts as long as it is no older than the window, and is forgotten then."""
    window = FailureWindow(3, 600)
    window.add(0.0, "a")
    window.add(300.0, "b")
    assert (window.count(600.0), window.kinds(600.0)) == (2, {"a": 1, "b": 1})
    assert (window.count(600.5), window.kinds(600.5)) == (1, {"b": 1})
    assert window.kept().events == ((300.0, "b"),)
    assert window.count(901.0) == 0


def test_a_window_is_full_at_its_limit() -> None:
    """It is full with exactly so many events at once, and stays so while the newest so many are young enough."""
    window = FailureWindow(3, 600)
    for number in range(3):
        assert not window.is_full(0.0)
        window.add(0.0, str(number))
    assert window.is_full(600.0)
    window.add(600.0, "3")
    assert window.kinds(600.0) == {"1": 1, "2": 1, "3": 1}
    assert not window.is_full(600.1)


def test_a_window_can_ask_for_several_sources() -> None:
    """However many events one source adds, it is full only when enough sources have added one lately."""
    window = FailureWindow(3, 600, spread=2)
    window.add(0.0, source="a")
    for _ in range(10):
        window.add(500.0, source="b")
    assert window.is_full(600.0)
    assert not window.is_full(600.1)
    window.add(601.0, source="c")
    assert window.is_full(601.0)
    assert window.kept().sources == (("b", 500.0), ("c", 601.0))


def test_the_newest_sources_are_remembered() -> None:
    """A source that adds again is the newest one, and the one that has not done so for longest is forgotten."""
    window = FailureWindow(1, 600, spread=2)
    for at_s, source in ((0.0, "a"), (1.0, "b"), (500.0, "a"), (600.0, "c")):
        window.add(at_s, source=source)
    assert window.kept().sources == (("a", 500.0), ("c", 600.0))
    assert window.is_full(1_100.0)


def test_a_window_keeps_its_sources() -> None:
    """Kept and read back, or fitted to another limit, it still knows from where its events came."""
    window = FailureWindow(2, 600, spread=2)
    window.add(0.0, source="a")
    window.add(0.0, source="b")
    assert FailureWindow.of(window.kept()).is_full(0.0)
    assert window.fit(1, 600, 2).is_full(0.0)
    assert window.fit(2, 600, 1).kept().sources == ()


def test_a_window_stays_small_when_the_clock_was_turned_back() -> None:
    """However many events follow, it remembers no more than its limit."""
    window = FailureWindow(2, 600)
    window.add(100.0)
    for _ in range(5):
        window.add(50.0)
    assert len(window.kept().events) == 2


def test_a_clock_that_is_turned_back_makes_nothing_forgotten() -> None:
    """What seems to lie in the future happened now, and counts for one window more."""
    window = FailureWindow(2, 600, spread=2)
    window.add(1e9, source="a")
    window.add(2e9, source="b")
    assert window.count(0.0) == 1
    window.add(0.0, source="a")
    assert window.is_full(600.0)
    assert not window.is_full(601.0)


def test_a_window_of_another_limit_goes_on() -> None:
    """It keeps what it remembers; a window that already fits is the very same."""
    window = FailureWindow(3, 600)
    for number in range(3):
        window.add(float(number), str(number))
    assert window.fit(3, 600) is window
    assert window.fit(2, 600).kinds(2.0) == {"1": 1, "2": 1}
    assert window.fit(4, 600).count(2.0) == 3
    assert window.fit(3, 1).count(2.0) == 2
    assert window.fit(3, 600, 2).spread == 2


# -------------------------------------------------------------------------------------------------------- tripping


def test_10_2_three_target_not_found_in_a_row_degrade() -> None:
    """The third one trips the breaker of the step, and the workflow moves once, with the reason."""
    breaker = CircuitBreaker("pay")
    assert tell(breaker, [NOT_FOUND] * 2) == []
    trip, moved = tell(breaker, [NOT_FOUND], 7.0)
    reason = "3 failures of step save in a row: 3 TARGET_NOT_FOUND."
    expected = Tripped(7.0, Level.STEP, Measure.FAILURES, "pay", "save", 3, None, {"TARGET_NOT_FOUND": 3})
    assert (trip, expected.reason) == (expected, reason)
    after = ExecutionStateInfo(ExecutionState.DEGRADED, 7.0, Event.STEP_TRIPPED, reason, generation=1)
    assert moved == Moved("pay", ExecutionStateInfo(), after)


def test_10_3_ten_failures_in_ten_minutes_quarantine() -> None:
    """The tenth failure within the window trips the workflow's breaker; steps that differ make no difference."""
    breaker = CircuitBreaker("pay")
    for number in range(9):
        tell(breaker, [Signal("pay", f"step {number}", Trigger.POSTCONDITION_FAILED)], number * 66.0)
    assert state(breaker) is ExecutionState.NORMAL
    trip, moved = tell(breaker, [NOT_FOUND], 600.0)
    triggers = {"POSTCONDITION_FAILED": 9, "TARGET_NOT_FOUND": 1}
    assert trip == Tripped(600.0, Level.WORKFLOW, Measure.FAILURES, "pay", "save", 10, 600, triggers)
    assert isinstance(moved, Moved)
    assert moved.after.state is ExecutionState.QUARANTINED


def test_a_failure_that_trips_both_moves_twice() -> None:
    """A step's breaker and the workflow's trip in this order, and each moves the state."""
    breaker = CircuitBreaker("pay")
    policy = Policy(step_failures=3, workflow_failures=4)
    tell(breaker, [Signal("pay", "other", Trigger.TARGET_AMBIGUOUS), NOT_FOUND, NOT_FOUND], policy=policy)
    events = tell(breaker, [NOT_FOUND], policy=policy)
    assert [each.level for each in events if isinstance(each, Tripped)] == [Level.STEP, Level.WORKFLOW]
    states = [each.after.state for each in events if isinstance(each, Moved)]
    assert states == [ExecutionState.DEGRADED, ExecutionState.QUARANTINED]


@pytest.mark.parametrize(
    ("signal", "measure", "event"),
    [
        (Signal("pay", "a", is_validated=True, confidence=0.899), Measure.LOW_CONFIDENCE, Event.CONFIDENCE_SANK),
        (Signal("pay", "a", is_validated=True, duration_s=20.1), Measure.SLOW_STEPS, Event.STEPS_SLOWED),
    ],
)
def test_doubts_and_slowness_degrade(signal: Signal, measure: Measure, event: Event) -> None:
    """The fifth doubtful target, or the fifth slow step, within the window makes a workflow DEGRADED."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [signal] * 4)
    assert (breaker.info.state, count(breaker, measure)) == (ExecutionState.NORMAL, 4)
    trip, moved = tell(breaker, [signal])
    assert isinstance(trip, Tripped)
    assert (trip.measure, trip.triggers) == (measure, {})
    assert isinstance(moved, Moved)
    assert moved.after.event is event


def test_at_the_threshold_nothing_is_doubtful_or_slow() -> None:
    """A confidence of exactly what is demanded, and exactly the longest time, are well."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [Signal("pay", "a", is_validated=True, confidence=0.9, duration_s=20.0)] * 20)
    assert {each.count for each in breaker.readings(POLICY, 0.0)} == {0}


def test_a_failure_is_neither_slow_nor_doubtful() -> None:
    """What failed counts as a failure and nothing else."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [Signal("pay", "a", Trigger.WATCHDOG_TIMEOUT, confidence=0.1, duration_s=99.0)])
    counts = {each.measure: each.count for each in breaker.readings(POLICY, 0.0)}
    assert counts == {Measure.FAILURES: 1, Measure.SLOW_STEPS: 0, Measure.LOW_CONFIDENCE: 0}


def test_a_step_that_fails_on_trips_again() -> None:
    """A fourth failure in a row is told as well; the workflow is DEGRADED already, and where it was."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [NOT_FOUND] * 3)
    before = breaker.info
    assert [type(each) for each in tell(breaker, [NOT_FOUND], 9.0)] == [Tripped]
    assert breaker.info is before


def test_a_trip_begins_the_row_of_successes_anew() -> None:
    """A validated step that was too slow once too often is no proof."""
    breaker = CircuitBreaker("pay")
    slow = Signal("pay", "a", is_validated=True, duration_s=30.0)
    tell(breaker, [slow] * 5)
    tell(breaker, [DONE] * 4)
    tell(breaker, [slow])
    tell(breaker, [DONE] * 4)
    assert state(breaker) is ExecutionState.DEGRADED
    tell(breaker, [DONE])
    assert state(breaker) is ExecutionState.NORMAL


def test_successes_while_normal_prove_nothing() -> None:
    """The row of successes begins when the workflow is degraded."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [DONE] * 20)
    tell(breaker, [NOT_FOUND] * 3)
    tell(breaker, [DONE] * 4)
    assert state(breaker) is ExecutionState.DEGRADED


# -------------------------------------------------------------------------------------------------------- globally


def test_thirty_failures_of_three_workflows_pause_all() -> None:
    """The thirtieth failure pauses everything if three workflows are among them; then nothing is granted."""
    breaker = CircuitBreaker()
    faults = [Signal(f"w{number % 2}", "a", Trigger.TARGET_NOT_FOUND) for number in range(40)]
    assert tell(breaker, faults) == []
    trip, moved = tell(breaker, [Signal("w2", "a", Trigger.TARGET_NOT_FOUND)])
    assert isinstance(trip, Tripped)
    assert (trip.level, trip.workflow, trip.count) == (Level.GLOBAL, "w2", 30)
    assert isinstance(moved, Moved)
    assert (moved.workflow, moved.after.state, moved.after.before) == ("", ExecutionState.PAUSED, ExecutionState.NORMAL)
    assert breaker.ask("A", POLICY, 0.0)[0] == Permission(1, f"It is PAUSED. {trip.reason}")


def test_lost_screens_are_counted_apart() -> None:
    """Ten lost screens over three workflows pause everything, and add nothing to the failures."""
    breaker = CircuitBreaker()
    lost = [Signal(f"w{number % 3}", "a", Trigger.SCREEN_LOST) for number in range(10)]
    tell(breaker, lost[:9])
    assert (count(breaker, Measure.SCREEN_FAULTS), count(breaker, Measure.FAILURES)) == (9, 0)
    tell(breaker, lost[9:])
    assert state(breaker) is ExecutionState.PAUSED


def test_resuming_all_forgets_the_failures() -> None:
    """After a person resumed everything, the next failure is the first one."""
    breaker = CircuitBreaker()
    tell(breaker, [Signal(f"w{number}", "a", Trigger.TARGET_NOT_FOUND) for number in range(30)])
    breaker.apply(Event.RESUME, 1.0)
    tell(breaker, [NOT_FOUND], 1.0)
    assert (breaker.info.state, count(breaker, Measure.FAILURES, 1.0)) == (ExecutionState.NORMAL, 1)


# ----------------------------------------------------------------------------------------------- orders and probes


def test_a_release_forgets_the_failures() -> None:
    """After a person released a workflow, its windows and the rows of its steps are empty."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [NOT_FOUND] * 10)
    assert state(breaker) is ExecutionState.QUARANTINED
    (moved,) = breaker.apply(Event.RELEASE, 1.0, "Ann has looked.")
    assert isinstance(moved, Moved)
    assert (moved.after.state, moved.after.reason) == (ExecutionState.DEGRADED, "Ann has looked.")
    assert (count(breaker, Measure.FAILURES), breaker.failures_in_a_row("save")) == (0, 0)


def test_resuming_one_workflow_forgets_nothing() -> None:
    """A pause of one workflow leaves its windows and rows as they are."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [NOT_FOUND] * 2)
    breaker.apply(Event.PAUSE, 1.0)
    breaker.apply(Event.RESUME, 2.0)
    assert (count(breaker, Measure.FAILURES), breaker.failures_in_a_row("save")) == (2, 2)


def test_an_order_that_is_not_possible_changes_nothing() -> None:
    """Releasing what is not quarantined is refused, and forgets no failure."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [NOT_FOUND])
    with pytest.raises(StateError):
        breaker.apply(Event.RELEASE, 1.0)
    assert count(breaker, Measure.FAILURES) == 1


def test_nobody_can_order_what_follows_from_results() -> None:
    """That a workflow has proved itself is not for anybody to say."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [NOT_FOUND] * 3)
    with pytest.raises(AssertionError):
        breaker.apply(Event.PROVED, 1.0)


def test_the_first_run_after_the_cool_down_probes() -> None:
    """It alone may go on, in a new generation; a second one is refused, and told who probes."""
    breaker = quarantined()
    refused, nothing = breaker.ask("A", POLICY, 899.0)
    assert (refused, nothing) == (Permission(0, "It is QUARANTINED. 10 failures.", 1.0), ())
    granted, (moved,) = breaker.ask("A", POLICY, 900.0)
    assert granted == Permission(1)
    assert isinstance(moved, Moved)
    assert (moved.after.event, moved.after.is_probing) == (Event.PROBE_STARTED, True)
    assert (breaker.ask("A", POLICY, 901.0), breaker.probe_run) == ((Permission(1), ()), "A")
    other, _ = breaker.ask("B", POLICY, 901.0)
    assert "Run A is probing" in other.refusal


def test_a_probe_whose_run_was_killed_is_over_in_the_end() -> None:
    """When another run asks after one more cool-down, the workflow is quarantined anew, not held forever."""
    breaker = probing()
    tell(breaker, [DONE], 901.0)
    assert breaker.ask("B", POLICY, 1_799.0)[1] == ()
    refused, (moved,) = breaker.ask("B", POLICY, 1_800.0)
    assert refused.retry_after_s == 900
    assert isinstance(moved, Moved)
    assert (moved.after.event, moved.after.failed_probes) == (Event.PROBE_BROKEN_OFF, 0)
    assert breaker.ask("B", POLICY, 2_700.0)[0].is_granted


def test_the_run_that_probes_may_take_its_time() -> None:
    """However long it takes, its own next step is granted."""
    assert probing().ask("A", POLICY, 1e6)[0].is_granted


def test_a_probe_that_passes_goes_on_degraded() -> None:
    """A completed run in which something was validated ends the probe; it then has to prove itself anew."""
    breaker = probing()
    assert tell(breaker, [DONE] * 9, 901.0) == []
    (moved,) = breaker.finish("A", 902.0, is_complete=True)
    assert isinstance(moved, Moved)
    assert (moved.after.state, moved.after.is_probing, breaker.probe_run) == (ExecutionState.DEGRADED, False, "")
    assert moved.after.reason == "Run A was completed without a failure."
    assert breaker.ask("B", POLICY, 903.0)[0].is_granted
    tell(breaker, [DONE] * 4, 903.0)
    assert state(breaker) is ExecutionState.DEGRADED
    tell(breaker, [DONE], 903.0)
    assert (state(breaker), breaker.info.reason) == (ExecutionState.NORMAL, "5 validated steps in a row.")


@pytest.mark.parametrize(("signals", "is_complete"), [([], True), ([Signal("pay", "save")], True), ([DONE], False)])
def test_a_probe_that_shows_nothing_is_broken_off(*, signals: list[Signal], is_complete: bool) -> None:
    """A run in which nothing was validated, or that was cut short, goes back without a longer cool-down."""
    breaker = probing()
    tell(breaker, signals, 901.0)
    (moved,) = breaker.finish("A", 902.0, is_complete=is_complete)
    assert isinstance(moved, Moved)
    assert (moved.after.state, moved.after.failed_probes) == (ExecutionState.QUARANTINED, 0)
    assert moved.after.reason


@pytest.mark.parametrize(("signal", "failed"), [(NOT_FOUND, 1), (LOST, 0)])
def test_a_fault_ends_a_probe(signal: Signal, failed: int) -> None:
    """A failure sends the workflow back for longer; a lost screen sends it back, for it says nothing."""
    breaker = probing()
    (moved,) = tell(breaker, [signal], 901.0)
    assert isinstance(moved, Moved)
    assert (moved.after.state, moved.after.failed_probes) == (ExecutionState.QUARANTINED, failed)
    assert "save" in moved.after.reason
    assert breaker.probe_run == ""


def test_a_trip_ends_a_probe_and_is_told() -> None:
    """A probe on which steps are slow once too often has failed."""
    breaker = probing()
    slow = Signal("pay", "a", is_validated=True, duration_s=30.0)
    events = tell(breaker, [slow] * 5, 901.0)
    assert [type(each) for each in events] == [Tripped, Moved]
    assert (breaker.info.state, breaker.info.failed_probes) == (ExecutionState.QUARANTINED, 1)


def test_a_regression_ends_a_probe() -> None:
    """On a probe a regression is a failure: the way out of the quarantine is not through a rollback."""
    breaker = probing()
    breaker.apply(Event.REGRESSED, 901.0, "v3 is worse than v2.")
    assert (breaker.info.state, breaker.info.event) == (ExecutionState.QUARANTINED, Event.PROBE_FAILED)


def test_other_runs_end_without_consequence() -> None:
    """Only the end of the probe matters: no other run's, and none without a probe."""
    breaker = probing()
    assert breaker.finish("B", 901.0, is_complete=True) == ()
    assert CircuitBreaker("pay").finish("A", 901.0, is_complete=False) == ()


def test_a_late_result_is_dropped() -> None:
    """What was decided upon in an earlier generation is counted nowhere, and told."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [NOT_FOUND] * 3)
    assert breaker.record(NOT_FOUND, 0, POLICY, 5.0) == (Dropped(5.0, NOT_FOUND, 0, 1),)
    assert count(breaker, Measure.FAILURES) == 3


def test_a_result_of_a_workflow_that_does_not_act_is_dropped() -> None:
    """Nothing was granted while it was quarantined, so whatever comes is none of its results."""
    breaker = quarantined()
    (dropped,) = breaker.record(DONE, 0, POLICY, 5.0)
    assert isinstance(dropped, Dropped)


def test_a_quarantine_from_the_future_begins_now() -> None:
    """A clock that was turned back by years lengthens a cool-down by one cool-down, not by years."""
    breaker = quarantined(since_s=1e9)
    assert breaker.ask("A", POLICY, 0.0)[0].retry_after_s == 900
    assert breaker.ask("A", POLICY, 900.0)[0].is_granted


def test_every_window_can_be_read() -> None:
    """A reading says of which level it is, how many of what count, how many trip, and within which time."""
    breaker, overall = CircuitBreaker("pay"), CircuitBreaker()
    for each in (breaker, overall):
        tell(each, [NOT_FOUND, Signal("pay", "a", Trigger.TARGET_AMBIGUOUS)])
    kinds = {"TARGET_NOT_FOUND": 1, "TARGET_AMBIGUOUS": 1}
    assert list(breaker.readings(POLICY, 0.0)) == [
        Reading(Level.WORKFLOW, Measure.LOW_CONFIDENCE, 0, 5, 600, {}),
        Reading(Level.WORKFLOW, Measure.SLOW_STEPS, 0, 5, 600, {}),
        Reading(Level.WORKFLOW, Measure.FAILURES, 2, 10, 600, kinds),
    ]
    assert list(overall.readings(POLICY, 0.0)) == [
        Reading(Level.GLOBAL, Measure.FAILURES, 2, 30, 600, kinds),
        Reading(Level.GLOBAL, Measure.SCREEN_FAULTS, 0, 10, 600, {}),
    ]


# ---------------------------------------------------------------------------------------------------------- policy


def test_a_disabled_breaker_counts_and_never_trips() -> None:
    """Whatever fails, the workflow goes on as it is; a degraded one still proves itself."""
    off = Policy(breaker="disabled")
    breaker = CircuitBreaker("pay")
    assert tell(breaker, [NOT_FOUND] * 50, policy=off) == []
    assert (breaker.info.state, count(breaker, Measure.FAILURES)) == (ExecutionState.NORMAL, 10)
    degraded = CircuitBreaker("pay", ExecutionStateInfo(ExecutionState.DEGRADED))
    tell(degraded, [DONE] * 5, policy=off)
    assert degraded.info.state is ExecutionState.NORMAL


def test_a_breaker_that_is_held_open_grants_nothing() -> None:
    """Whatever its state, nothing is executed, and no probe begins."""
    held = Policy(breaker="forced_open")
    for breaker in (CircuitBreaker("pay"), quarantined()):
        before = breaker.info
        permission, events = breaker.ask("A", held, 1e6)
        assert (permission.refusal, events) == ("The policy holds the breaker open.", ())
        assert breaker.info is before


@pytest.mark.parametrize(
    ("now", "mode", "expected"),
    [
        (ExecutionState.NORMAL, "automatic", BreakerState.CLOSED),
        (ExecutionState.DEGRADED, "automatic", BreakerState.HALF_OPEN),
        (ExecutionState.ROLLBACK, "automatic", BreakerState.OPEN),
        (ExecutionState.QUARANTINED, "automatic", BreakerState.OPEN),
        (ExecutionState.NORMAL, "disabled", BreakerState.DISABLED),
        (ExecutionState.NORMAL, "forced_open", BreakerState.FORCED_OPEN),
    ],
)
def test_the_usual_words(now: ExecutionState, mode: str, expected: BreakerState) -> None:
    """Closed, half-open and open follow from the state; the policy overrides them."""
    breaker = CircuitBreaker("pay", ExecutionStateInfo(now))
    assert breaker.state(Policy.model_validate({"breaker": mode})) is expected


def test_a_changed_limit_counts_from_the_next_result() -> None:
    """With fewer failures allowed, those that are remembered count; with more, the windows go on."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [Signal("pay", str(number), Trigger.TARGET_NOT_FOUND) for number in range(5)])
    stricter = Policy(workflow_failures=6)
    assert next(each for each in breaker.readings(stricter, 0.0) if each.measure is Measure.FAILURES).limit == 6
    tell(breaker, [NOT_FOUND], policy=stricter)
    assert state(breaker) is ExecutionState.QUARANTINED


# --------------------------------------------------------------------------------------------------------- keeping


def test_only_what_changes_something_needs_to_be_kept() -> None:
    """A success of a healthy step changes nothing; a failure, the success that ends a row, and a proof do."""
    breaker = CircuitBreaker("pay")
    tell(breaker, [DONE, Signal("pay", "save")])
    breaker.ask("A", POLICY, 0.0)
    assert breaker.changes == 0
    for signal in (NOT_FOUND, DONE, NOT_FOUND, NOT_FOUND, NOT_FOUND, DONE):
        before, kept = breaker.changes, breaker.to_json()
        tell(breaker, [signal])
        assert (breaker.changes > before, breaker.to_json() != kept) == (True, True)
    before = breaker.changes
    breaker.apply(Event.PAUSE, 1.0)
    assert breaker.changes > before


def test_a_breaker_can_be_kept() -> None:
    """State, windows, rows and the run of a probe are read back as they were, from one line."""
    breaker = probing()
    tell(breaker, [DONE, Signal("pay", "save", is_validated=True, duration_s=30.0)], 901.0)
    for each in (breaker, CircuitBreaker(), CircuitBreaker("pay")):
        tell(each, [Signal("pay", "other", Trigger.TARGET_AMBIGUOUS, confidence=0.5)], 902.0)
        kept = each.to_json()
        assert "\n" not in kept
        assert CircuitBreaker.from_json(kept).to_json() == kept
    assert CircuitBreaker.from_json(probing().to_json()).probe_run == "A"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mood": "good"}, "mood"),
        ({"in_a_row": -1}, "in_a_row"),
        ({"in_a_row": "1"}, "in_a_row"),
        ({"probe_run": "A"}, "probe"),
        ({"streaks": {"save": ["BAD_LUCK"]}}, "streaks"),
        ({"windows": {"failures": {"limit": 0, "window_s": 1, "spread": 1}}}, "limit"),
        ({"windows": {"failures": {"limit": 1, "window_s": -1, "spread": 1}}}, "window_s"),
        ({"windows": {"failures": {"limit": 1, "window_s": 1, "spread": 0}}}, "spread"),
        ({"windows": {"failures": {"limit": 1, "window_s": 1, "spread": 1, "events": [[None, ""]]}}}, "events"),
        ({"windows": {"luck": {"limit": 1, "window_s": 1, "spread": 1}}}, "windows"),
        ({"info": {"state": "PAUSED"}}, "info"),
    ],
)
def test_a_damaged_breaker_is_refused(change: dict[str, object], told: str) -> None:
    """What contradicts itself, or is no breaker, is refused in words."""
    damaged = json.dumps({**json.loads(CircuitBreaker("pay").to_json()), **change})
    with pytest.raises(StoreError, match=told):
        CircuitBreaker.from_json(damaged)


STORM = """
from pathlib import Path
from steadyhand.healing.breaker_events import Signal
from steadyhand.healing.circuit_breaker import CircuitBreaker
from steadyhand.model.outcome import Trigger
from steadyhand.policy import Policy

policy, breakers = Policy(breaker="disabled"), []
for workflow in range(10_000):
    breaker = CircuitBreaker(f"workflow {workflow}")
    breakers.append(breaker)
    for step in range(50):
        breaker.record(Signal(breaker.workflow, f"{workflow}: {step}", Trigger.TARGET_NOT_FOUND), 0, policy, step)
(most,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(most.split()[1])
"""
"""How much memory a program has used at most, KB. What `getrusage` says would be that of the tests that started it."""


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
def test_a_storm_of_failures_fits_into_memory() -> None:
    """10,000 workflows whose 50 steps all fail, and whom nothing stops, stay under 300 MB in all."""
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300 * 1024
