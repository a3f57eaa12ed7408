"""Requirements 1, 2 and 3: one property for each that healing alone can show, against a naive model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.properties.naive import (
    DEGRADED,
    FAULTS,
    NORMAL,
    PAUSED,
    QUARANTINED,
    ROLLBACK,
    NaiveWindow,
    jumps,
)

from steadyhand.errors import StateError
from steadyhand.healing.breaker_events import Level, Moved, Signal, Tripped
from steadyhand.healing.circuit_breaker import CircuitBreaker, FailureWindow
from steadyhand.healing.execution_state import (
    TRANSITIONS,
    CoolDown,
    Event,
    ExecutionState,
    ExecutionStateInfo,
    advance,
)
from steadyhand.model.outcome import Trigger
from steadyhand.policy import MODES, Policy

# --------------------------------------------------------------------------------------------------------- windows


@given(
    limit=st.integers(1, 12),
    window_s=st.sampled_from([1, 60, 600]),
    spread=st.integers(1, 4),
    moves=st.lists(
        st.tuples(jumps, st.sampled_from(["add", "add", "look", "restart"]), st.sampled_from("abcde")), max_size=60
    ),
)
def test_2_6_a_window_counts_as_if_it_remembered_everything(
    limit: int, window_s: int, spread: int, moves: list[tuple[int, str, str]]
) -> None:
    """It says at each moment what a list of all events says, though it holds no more than its limit of them."""
    window, naive, now_s = FailureWindow(limit, window_s, spread), NaiveWindow(), 1_000_000_000
    for jump_s, what, source in moves:
        now_s += jump_s
        naive.within(now_s, window_s)
        if what == "add":
            window.add(now_s, source, source)
            naive.events.append((now_s, source))
        sources = naive.within(now_s, window_s)
        assert window.count(now_s) == min(limit, len(sources))
        assert window.is_full(now_s) == (len(sources) >= limit and len(set(sources)) >= spread)
        assert window.kinds(now_s) == {kind: sources[-limit:].count(kind) for kind in set(sources[-limit:])}
        assert len(window.kept().events) <= limit
        assert len(window.kept().sources) <= spread
        if what == "restart":
            window = FailureWindow.of(window.kept())


@given(
    before=st.integers(1, 12),
    after=st.integers(1, 12),
    times=st.lists(st.integers(0, 1_000), max_size=30).map(sorted),
)
def test_2_6_a_window_that_is_fitted_remembers_the_newest(before: int, after: int, times: list[int]) -> None:
    """With another limit it goes on with what it remembers, the newest first."""
    window = FailureWindow(before, 600)
    for at_s in times:
        window.add(at_s)
    known = [at_s for at_s in times if times[-1] - at_s <= 600][-before:] if times else []
    fitted = window.fit(after, 300)
    now_s = times[-1] if times else 0
    assert fitted.count(now_s) == len([at_s for at_s in known[-after:] if now_s - at_s <= 300])


# ---------------------------------------------------------------------------------------------------------- states


@given(events=st.lists(st.sampled_from(Event), max_size=40), times=st.lists(st.integers(-10, 10), min_size=40))
def test_1_1_a_workflow_is_in_one_listed_state(events: list[Event], times: list[int]) -> None:
    """Whatever happens in whatever order, each change is one that the table lists, and the rest raises."""
    info = ExecutionStateInfo()
    for event, now_s in zip(events, times, strict=False):
        try:
            after = advance(info, event, now_s)
        except StateError:
            continue
        assert (info.state, event) in TRANSITIONS
        assert after.state is (TRANSITIONS[info.state, event] or info.before)
        assert (after is info) == (after.generation == info.generation)
        info = after


@given(events=st.lists(st.sampled_from(Event), max_size=40), times=st.lists(st.floats(-1e12, 1e12), min_size=40))
def test_1_8_a_state_survives_a_restart(events: list[Event], times: list[float]) -> None:
    """However a state came about, what is read back is what was written."""
    info = ExecutionStateInfo()
    for event, now_s in zip(events, times, strict=False):
        try:
            info = advance(info, event, now_s, reason=f"{event} \N{SNOWMAN} \n")
        except StateError:
            continue
        assert ExecutionStateInfo.from_json(info.to_json()) == info


@given(
    state=st.sampled_from([NORMAL, DEGRADED, ROLLBACK, QUARANTINED]),
    is_probing=st.booleans(),
    others=st.lists(st.sampled_from([event for event in Event if event is not Event.RESUME]), max_size=10),
)
def test_1_7_resume_leads_to_no_laxer_state(*, state: ExecutionState, is_probing: bool, others: list[Event]) -> None:
    """A pause holds everything: no other event moves it, and resuming leads back, or to something stricter."""
    is_probing = is_probing and state is DEGRADED
    info = ExecutionStateInfo(state, is_probing=is_probing)
    paused = advance(info, Event.PAUSE, 1.0)
    for event in others:
        with pytest.raises(StateError):
            advance(paused, event, 2.0)
    assert advance(paused, Event.RESUME, 3.0).state is (QUARANTINED if is_probing else state)


@given(
    first_s=st.floats(1, 1e6),
    growth=st.floats(1, 10),
    longest=st.floats(1, 1e3),
    failed=st.integers(0, 10_000),
)
def test_1_5_the_cool_down_never_shrinks(first_s: float, growth: float, longest: float, failed: int) -> None:
    """After one more failed probe the wait is longer, until it is the longest."""
    cool_down = CoolDown(first_s, growth, first_s * longest)
    now, then = cool_down.of(failed), cool_down.of(failed + 1)
    assert first_s <= now <= then <= cool_down.longest_s
    if growth > 1.01 and then < cool_down.longest_s:
        assert then > now


# ---------------------------------------------------------------------------------------------------- the breakers

OUTCOMES: dict[str, Trigger | None] = {
    "fault": Trigger.TARGET_NOT_FOUND,
    "ambiguous": Trigger.TARGET_AMBIGUOUS,
    "lost": Trigger.SCREEN_LOST,
    "done": None,
    "unverified": None,
}
outcomes = st.sampled_from(list(OUTCOMES))


def signal(outcome: str, step: str = "one", workflow: str = "pay") -> Signal:
    """The result of a step."""
    return Signal(workflow, step, OUTCOMES[outcome], is_validated=outcome == "done")


def tell(breaker: CircuitBreaker, result: Signal, policy: Policy, now_s: float = 0.0) -> list[object]:
    """Tell a breaker of a result in time."""
    return list(breaker.record(result, breaker.info.generation, policy, now_s))


@given(results=st.lists(st.tuples(outcomes, st.sampled_from(["one", "two"])), max_size=60), limit=st.integers(1, 6))
def test_2_1_a_step_that_fails_so_often_in_a_row_trips(results: list[tuple[str, str]], limit: int) -> None:
    """It trips with each failure that is at least the third since the step was last validated; nothing else matters."""
    policy = Policy(step_failures=limit, workflow_failures=1000)
    breaker, failures = CircuitBreaker("pay"), {"one": 0, "two": 0}
    for outcome, step in results:
        tripped = [each for each in tell(breaker, signal(outcome, step), policy) if isinstance(each, Tripped)]
        if outcome == "done":
            failures[step] = 0
        failures[step] += outcome in ("fault", "ambiguous")
        expected = outcome in ("fault", "ambiguous") and failures[step] >= limit
        assert [(each.level, each.step, each.count) for each in tripped] == [(Level.STEP, step, limit)] * expected


@given(
    result=st.sampled_from(
        [
            signal("fault"),
            Signal("pay", "one", is_validated=True, confidence=0.89),
            Signal("pay", "one", is_validated=True, duration_s=20.5),
        ]
    ),
    limit=st.integers(2, 20),
    gap_s=st.integers(0, 600),
)
def test_1_2_a_trip_of_a_step_or_of_confidence_degrades(result: Signal, limit: int, gap_s: int) -> None:
    """Enough failures in a row, doubtful targets or slow steps make a NORMAL workflow DEGRADED, and not one sooner."""
    policy = Policy(step_failures=limit, low_confidence_steps=limit, slow_steps=limit, workflow_failures=1000)
    breaker = CircuitBreaker("pay")
    within = 600 // gap_s + 1 if gap_s else limit
    for number in range(1, limit + 1):
        assert breaker.info.state is NORMAL
        tell(breaker, result, policy, float(number * gap_s))
    trips = result.trigger is not None or within >= limit
    assert breaker.info.state is (DEGRADED if trips else NORMAL)


@given(results=st.lists(outcomes, max_size=60), enough=st.integers(1, 6))
def test_1_3_enough_validated_successes_in_a_row_are_the_only_way_to_normal(results: list[str], enough: int) -> None:
    """A failure begins the row anew; what was not verified, and a lost screen, neither count nor break it."""
    policy = Policy(step_failures=1, workflow_failures=1000, proving_successes=enough)
    breaker, row = CircuitBreaker("pay"), 0
    tell(breaker, signal("fault"), policy)
    for outcome in results:
        was_normal = breaker.info.state is NORMAL
        tell(breaker, signal(outcome), policy)
        row = 0 if outcome in ("fault", "ambiguous") or was_normal else row + (outcome == "done")
        is_fault = outcome in ("fault", "ambiguous")
        assert breaker.info.state is (NORMAL if (was_normal and not is_fault) or row >= enough else DEGRADED)


@given(
    failures=st.lists(st.tuples(jumps, st.sampled_from(FAULTS), st.sampled_from("abcdef")), max_size=60),
    limit=st.integers(2, 12),
)
def test_2_2_so_many_failures_within_the_window_quarantine(
    failures: list[tuple[int, Trigger, str]], limit: int
) -> None:
    """A workflow is QUARANTINED by exactly the failure with which a list of all of them counts so many."""
    policy = Policy(step_failures=1, workflow_failures=limit)
    breaker, naive, now_s = CircuitBreaker("pay"), NaiveWindow(), 1_000_000_000
    for jump_s, trigger, step in failures:
        now_s += jump_s
        naive.within(now_s, policy.workflow_window_s)
        naive.events.append((now_s, step))
        list(breaker.readings(policy, now_s))
        tell(breaker, Signal("pay", step, trigger), policy, now_s)
        is_full = len(naive.within(now_s, policy.workflow_window_s)) >= limit
        assert (breaker.info.state is QUARANTINED) == is_full
        if is_full:
            return


@given(
    failures=st.lists(st.tuples(jumps, st.sampled_from("abcd"), st.sampled_from(["fault", "lost"])), max_size=80),
    limit=st.integers(4, 12),
    workflows=st.integers(1, 4),
)
def test_2_3_failures_of_enough_workflows_pause_all(
    failures: list[tuple[int, str, str]], limit: int, workflows: int
) -> None:
    """Everything is PAUSED by exactly the failure that makes a list of them full; lost screens are counted apart."""
    policy = Policy(global_failures=limit, global_workflows=workflows, screen_faults=limit)
    breaker, now_s = CircuitBreaker(), 1_000_000_000
    counted = {"fault": NaiveWindow(), "lost": NaiveWindow()}
    for jump_s, workflow, outcome in failures:
        now_s += jump_s
        for naive in counted.values():
            naive.within(now_s, policy.global_window_s)
        list(breaker.readings(policy, now_s))
        counted[outcome].events.append((now_s, workflow))
        tell(breaker, signal(outcome, workflow=workflow), policy, now_s)
        sources = counted[outcome].within(now_s, policy.global_window_s)
        is_full = len(sources) >= limit and len(set(sources)) >= workflows
        assert (breaker.info.state is PAUSED) == is_full
        if is_full:
            return


@given(
    state=st.sampled_from([QUARANTINED, ROLLBACK, PAUSED]),
    results=st.lists(st.sampled_from([*FAULTS, None]), max_size=20),
    run=st.text(min_size=1),
    after_s=st.integers(0, 899),
)
def test_1_4_a_workflow_that_is_stopped_executes_nothing(
    state: ExecutionState, results: list[Trigger | None], run: str, after_s: int
) -> None:
    """It says no to every run, and why; a result that comes all the same moves it nowhere."""
    info = ExecutionStateInfo(state, reason="10 failures.", before=NORMAL if state is PAUSED else None)
    breaker = CircuitBreaker("pay", info)
    permission, events = breaker.ask(run, Policy(), float(after_s))
    assert not permission.is_granted
    assert (permission.refusal, events) == (f"It is {state}. 10 failures.", ())
    assert permission.retry_after_s == (900 - after_s if state is QUARANTINED else None)
    for trigger in results:
        tell(breaker, Signal("pay", "one", trigger, is_validated=trigger is None), Policy())
    assert breaker.info == info


@given(runs=st.lists(st.sampled_from("abc"), min_size=1, max_size=10), rounds=st.integers(1, 12))
def test_1_5_only_one_run_probes_and_a_failed_probe_waits_longer(runs: list[str], rounds: int) -> None:
    """After the cool-down only the run that asks first may go on; each time it fails the next one waits longer."""
    policy, now_s = Policy(longest_cooldown_s=7_200), 0.0
    breaker = CircuitBreaker("pay", ExecutionStateInfo(QUARANTINED))
    waits: list[float] = []
    for _ in range(rounds):
        refused, _ = breaker.ask(runs[0], policy, now_s)
        assert refused.retry_after_s is not None
        waits.append(refused.retry_after_s)
        now_s += refused.retry_after_s
        assert [breaker.ask(run, policy, now_s)[0].is_granted for run in runs] == [run == runs[0] for run in runs]
        assert (breaker.info.state, breaker.info.is_probing) == (DEGRADED, True)
        tell(breaker, signal("fault"), policy, now_s)
        assert breaker.info.state is QUARANTINED
    assert waits == [min(900 * 2.0**number, 7_200) for number in range(rounds)]


@given(policy=st.sampled_from([Policy(**Policy.preset(mode)) for mode in MODES]), is_degraded=st.booleans())
def test_1_6_a_regression_rolls_back_and_must_prove_itself(policy: Policy, *, is_degraded: bool) -> None:
    """A restore leads to DEGRADED until enough is validated; without anything good to restore: QUARANTINED."""
    start = ExecutionStateInfo(DEGRADED if is_degraded else NORMAL)
    for end, after in ((Event.RESTORED, DEGRADED), (Event.NOTHING_TO_RESTORE, QUARANTINED)):
        breaker = CircuitBreaker("pay", start)
        breaker.apply(Event.REGRESSED, 1.0)
        assert not breaker.ask("a run", policy, 1.0)[0].is_granted
        breaker.apply(end, 2.0)
        assert breaker.info.state is after
    breaker = CircuitBreaker("pay", start)
    breaker.apply(Event.REGRESSED, 1.0)
    breaker.apply(Event.RESTORED, 2.0)
    for _ in range(policy.proving_successes):
        assert breaker.info.state is DEGRADED
        tell(breaker, signal("done"), policy, 3.0)
    assert breaker.info.state is NORMAL


@given(state=st.sampled_from([NORMAL, DEGRADED]), lost=st.integers(1, 50))
def test_9_6_a_broken_monitor_never_moves_a_workflow(state: ExecutionState, lost: int) -> None:
    """However often the screen is lost, the workflow's windows stay empty and its state stays what it is."""
    breaker = CircuitBreaker("pay", ExecutionStateInfo(state))
    for _ in range(lost):
        assert tell(breaker, signal("lost"), Policy()) == []
    assert breaker.info == ExecutionStateInfo(state)
    assert breaker.failures_in_a_row("one") == 0
    assert {reading.count for reading in breaker.readings(Policy(), 0.0)} == {0}


@given(events=st.lists(st.sampled_from(Event), max_size=30))
def test_3_3_nothing_is_learned_but_in_normal(events: list[Event]) -> None:
    """Whatever happens, learning is on in NORMAL alone, and acting in NORMAL and DEGRADED alone."""
    info = ExecutionStateInfo()
    for event in events:
        try:
            info = advance(info, event, 0.0)
        except StateError:
            continue
        assert info.state.learns == (info.state is NORMAL)
        assert info.state.acts == (info.state in (NORMAL, DEGRADED))


@given(results=st.lists(st.tuples(outcomes, st.sampled_from("ab")), max_size=80))
def test_2_5_whatever_moves_a_workflow_says_why(results: list[tuple[str, str]]) -> None:
    """Each change of state that a trip causes comes right after a trip that tells the same reason."""
    breaker = CircuitBreaker("pay")
    for outcome, step in results:
        events = tell(breaker, signal(outcome, step), Policy(step_failures=2, workflow_failures=5))
        reasons = {each.reason for each in events if isinstance(each, Tripped)}
        moved = [each for each in events if isinstance(each, Moved)]
        assert all(each.after.reason in reasons or each.after.event is Event.PROVED for each in moved)
        assert all(each.after.reason for each in moved)
