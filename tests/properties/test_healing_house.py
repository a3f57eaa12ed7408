"""Requirements 1.2 to 1.8, 2.1 to 2.3, 2.6 and 9.6: whole histories of three workflows, against the naive model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.properties.naive import (
    DEGRADED,
    FAULTS,
    NORMAL,
    PAUSED,
    QUARANTINED,
    ROLLBACK,
    NaiveWindow,
    NaiveWorkflow,
    jumps,
)

from steadyhand.errors import StateError
from steadyhand.healing.breaker_events import Dropped, Level, Measure, Signal, Tripped
from steadyhand.healing.circuit_breaker import ORDERS, CircuitBreaker
from steadyhand.healing.execution_state import Event, ExecutionState
from steadyhand.model.outcome import Trigger
from steadyhand.policy import MODES, Policy

TIGHT = Policy(
    step_failures=2,
    workflow_failures=4,
    global_failures=5,
    global_workflows=2,
    screen_faults=2,
    slow_steps=2,
    low_confidence_steps=2,
    proving_successes=2,
    cooldown_s=60,
    longest_cooldown_s=300,
)
"""So low that every breaker trips within a few steps; the cool-down is shorter than the window."""


class House(RuleBasedStateMachine):
    """Three workflows and the breaker over them, against the naive model."""

    workflows = ("pay", "save", "load")

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1_000_000_000
        self.breakers = {name: CircuitBreaker(name) for name in self.workflows}
        self.everything = CircuitBreaker()
        self.naive = {name: NaiveWorkflow() for name in self.workflows}
        self.all_failures, self.all_lost = NaiveWindow(), NaiveWindow()
        self.is_paused = False
        self.policy = Policy()

    @initialize(policy=st.sampled_from([TIGHT, TIGHT, *(Policy(**Policy.preset(mode)) for mode in MODES)]))
    def begin(self, policy: Policy) -> None:
        """Choose the thresholds."""
        self.policy = policy

    # ------------------------------------------------------------------------------------------------------ results

    @rule(
        name=st.sampled_from(workflows),
        step=st.sampled_from(["one", "two"]),
        trigger=st.sampled_from(FAULTS),
        times=st.integers(1, 4),
    )
    def fail(self, name: str, step: str, trigger: Trigger, times: int) -> None:
        """A step fails, so many times."""
        for _ in range(times):
            self.happen(Signal(name, step, trigger, duration_s=30.0))

    @rule(name=st.sampled_from(workflows))
    def lose_the_screen(self, name: str) -> None:
        """The screen is lost."""
        self.happen(Signal(name, "one", Trigger.SCREEN_LOST))

    @rule(
        name=st.sampled_from(workflows),
        step=st.sampled_from(["one", "two"]),
        duration_s=st.sampled_from([1.0, 1.0, 15.0, 15.1, 20.0, 20.1, 25.1]),
        confidence=st.sampled_from([None, None, None, 0.87, 0.88, 0.9, 0.94, 0.95]),
        validated=st.sampled_from([True, True, True, False]),
        times=st.integers(1, 4),
    )
    def do(
        self, *, name: str, step: str, duration_s: float, confidence: float | None, validated: bool, times: int
    ) -> None:
        """A step is done, so many times."""
        for _ in range(times):
            signal = Signal(name, step, is_validated=validated, confidence=confidence, duration_s=duration_s)
            self.happen(signal)

    @rule(name=st.sampled_from(workflows), trigger=st.sampled_from(Trigger), ago=st.integers(1, 3))
    def come_late(self, name: str, trigger: Trigger, ago: int) -> None:
        """A result of an earlier generation arrives: it is dropped, and changes nothing."""
        breaker = self.breakers[name]
        before = breaker.to_json()
        generation = breaker.info.generation - ago
        (dropped,) = breaker.record(Signal(name, "one", trigger), generation, self.policy, self.now_s)
        assert isinstance(dropped, Dropped)
        assert (dropped.generation, dropped.present) == (generation, breaker.info.generation)
        assert breaker.to_json() == before

    def happen(self, signal: Signal) -> None:
        """Ask for a step, and tell what came of it, as the runner does."""
        breaker, naive = self.breakers[signal.workflow], self.naive[signal.workflow]
        run = naive.probe or "a run"
        if self.is_paused or not self.allowed(signal.workflow, run):
            return
        generations = breaker.info.generation, self.everything.info.generation
        events = breaker.record(signal, generations[0], self.policy, self.now_s)
        self.expect(signal, events)
        events = self.everything.record(signal, generations[1], self.policy, self.now_s)
        self.expect_of_all(signal, has_tripped=any(isinstance(each, Tripped) for each in events))

    def allowed(self, name: str, run: str) -> bool:
        """Whether a run may go on; the naive model must agree."""
        naive = self.naive[name]
        permission, _ = self.breakers[name].ask(run, self.policy, self.now_s)
        naive.since_s = min(naive.since_s, self.now_s)
        wait_s = self.policy.cooldown_s
        for _ in range(naive.failed_probes):
            wait_s = min(wait_s * self.policy.cooldown_growth, self.policy.longest_cooldown_s)
        if naive.state is QUARANTINED and self.now_s - naive.since_s >= wait_s:
            naive.go(DEGRADED, self.now_s)
            naive.probe = run
        expected = naive.state in (NORMAL, DEGRADED) and naive.probe in ("", run)
        assert permission.is_granted == expected, permission
        return expected

    def expect(self, signal: Signal, events: tuple[object, ...]) -> None:
        """What the naive model says of a result; the breaker must have tripped likewise."""
        policy, naive, now_s = self.policy, self.naive[signal.workflow], self.now_s
        trips = naive.count(signal, policy, now_s)
        assert {(each.level, each.measure) for each in events if isinstance(each, Tripped)} == trips
        if naive.probe and (signal.trigger is not None or trips):
            naive.failed_probes += signal.trigger is not Trigger.SCREEN_LOST
            naive.go(QUARANTINED, now_s)
            return
        if trips:
            hard = (Level.WORKFLOW, Measure.FAILURES) in trips
            naive.go(QUARANTINED if hard else DEGRADED, now_s)
        if trips or signal.trigger in FAULTS:
            naive.row = 0
        elif signal.is_validated and naive.state is DEGRADED:
            naive.row += 1
        if naive.row >= policy.proving_successes and not naive.probe:
            naive.failed_probes = 0
            naive.go(NORMAL, now_s)

    def expect_of_all(self, signal: Signal, *, has_tripped: bool) -> None:
        """The same for all workflows together."""
        policy = self.policy
        counted = {Trigger.SCREEN_LOST: self.all_lost, None: None}.get(signal.trigger, self.all_failures)
        if counted is None:
            assert not has_tripped
            return
        counted.events.append((self.now_s, signal.workflow))
        sources = counted.within(self.now_s, policy.global_window_s)
        limit = policy.screen_faults if counted is self.all_lost else policy.global_failures
        self.is_paused = len(sources) >= limit and len(set(sources)) >= policy.global_workflows
        assert has_tripped == self.is_paused

    # ------------------------------------------------------------------------------------------- orders and the rest

    @rule(name=st.sampled_from(workflows), event=st.sampled_from([Event.RELEASE, Event.RESUME, *sorted(ORDERS)]))
    def order(self, name: str, event: Event) -> None:
        """A person, or the watch over what was learned, says something; what the state does not allow is refused."""
        naive, breaker = self.naive[name], self.breakers[name]
        moves: dict[tuple[ExecutionState, Event], ExecutionState | None] = {
            (NORMAL, Event.PAUSE): PAUSED,
            (DEGRADED, Event.PAUSE): PAUSED,
            (ROLLBACK, Event.PAUSE): PAUSED,
            (QUARANTINED, Event.PAUSE): PAUSED,
            (PAUSED, Event.RESUME): naive.before,
            (QUARANTINED, Event.RELEASE): DEGRADED,
            (NORMAL, Event.REGRESSED): ROLLBACK,
            (DEGRADED, Event.REGRESSED): QUARANTINED if naive.probe else ROLLBACK,
            (ROLLBACK, Event.RESTORED): DEGRADED,
            (ROLLBACK, Event.NOTHING_TO_RESTORE): QUARANTINED,
        }
        target = moves.get((naive.state, event))
        if target is None:
            with pytest.raises(StateError):
                breaker.apply(event, self.now_s)
            return
        breaker.apply(event, self.now_s, "because")
        before = QUARANTINED if naive.probe else naive.state
        naive.failed_probes += bool(naive.probe) and event is Event.REGRESSED
        naive.go(target, self.now_s)
        naive.before = before if target is PAUSED else None
        if event is Event.RELEASE:
            self.naive[name] = NaiveWorkflow(state=DEGRADED)

    @precondition(lambda self: any(naive.state is QUARANTINED for naive in self.naive.values()))
    @rule(signals=st.lists(st.sampled_from([None, None, None, *Trigger]), max_size=3), complete=st.booleans())
    def probe(self, *, signals: list[Trigger | None], complete: bool) -> None:
        """The cool-down runs out, and a quarantined workflow probes."""
        name = next(name for name, naive in self.naive.items() if naive.state is QUARANTINED)
        self.now_s += 300
        for trigger in signals:
            self.happen(Signal(name, "one", trigger, is_validated=trigger is None))
        self.finish(name=name, complete=complete)

    @rule(name=st.sampled_from(workflows), complete=st.booleans())
    def finish(self, *, name: str, complete: bool) -> None:
        """The run that acts comes to its end, or is cut short."""
        naive = self.naive[name]
        probe, passed = naive.probe, complete and naive.row > 0
        self.breakers[name].finish("another run", self.now_s, is_complete=complete)
        self.breakers[name].finish(probe or "a run", self.now_s, is_complete=complete)
        if probe:
            naive.probe, naive.row = "", 0
            naive.go(DEGRADED if passed else QUARANTINED, self.now_s)

    @rule(jump_s=jumps)
    def move_the_clock(self, jump_s: int) -> None:
        """Time passes, or the clock jumps."""
        self.now_s += jump_s

    @precondition(lambda self: self.is_paused)
    @rule()
    def resume_all(self) -> None:
        """A person resumes everything, and all failures of before are forgotten."""
        self.everything.apply(Event.RESUME, self.now_s)
        self.is_paused = False
        self.all_failures, self.all_lost = NaiveWindow(), NaiveWindow()

    @rule()
    def restart(self) -> None:
        """The program ends and starts again with what it kept."""
        self.breakers = {name: CircuitBreaker.from_json(each.to_json()) for name, each in self.breakers.items()}
        self.everything = CircuitBreaker.from_json(self.everything.to_json())

    @invariant()
    def all_agree(self) -> None:
        """States, probes and every counter are what the naive model says."""
        policy, now_s = self.policy, self.now_s
        for name, breaker in self.breakers.items():
            naive, info = self.naive[name], breaker.info
            assert (info.state, info.before, info.failed_probes) == (naive.state, naive.before, naive.failed_probes)
            assert info.is_probing == bool(naive.probe)
            for reading in breaker.readings(policy, now_s):
                assert reading.count == min(reading.limit, len(naive.within(reading.measure, policy, now_s)))
            for step in naive.history:
                expected = min(policy.step_failures, naive.failed_in_a_row(step))
                assert breaker.failures_in_a_row(step) == expected
        assert (self.everything.info.state is PAUSED) == self.is_paused
        for reading in self.everything.readings(policy, now_s):
            counted = self.all_lost if reading.measure is Measure.SCREEN_FAULTS else self.all_failures
            assert reading.count == min(reading.limit, len(counted.within(now_s, policy.global_window_s)))


TestHouse = House.TestCase
TestHouse.settings = settings(max_examples=200, stateful_step_count=80)
