"""Requirements 1.4, 1.7, 1.8 and 3.3 to exhaustion: every sequence of events up to a length, with low thresholds.

What comes next depends on nothing but what a breaker keeps. So of all sequences that lead to the same only one is gone
on with, and with it all of them are covered.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steadyhand.errors import StateError
from steadyhand.healing.breaker_events import Dropped, Moved, Signal
from steadyhand.healing.circuit_breaker import CircuitBreaker
from steadyhand.healing.execution_state import TRANSITIONS, Event, ExecutionState, ExecutionStateInfo, advance
from steadyhand.model.outcome import Trigger
from steadyhand.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from steadyhand.healing.breaker_events import BreakerEvent

    Happened = tuple[CircuitBreaker, tuple[BreakerEvent, ...]]
    Letter = Callable[[CircuitBreaker], Happened]

LENGTH = 7
POLICY = Policy(
    step_failures=2,
    workflow_failures=3,
    low_confidence_steps=2,
    proving_successes=2,
    cooldown_s=1_000,
    longest_cooldown_s=2_000,
)
NOW_S = 1_000_000.0
"""The time of every event; only waiting makes time pass, by moving all that is kept into the past."""

STRICTNESS = {
    ExecutionState.NORMAL: 0,
    ExecutionState.DEGRADED: 1,
    ExecutionState.ROLLBACK: 3,
    ExecutionState.QUARANTINED: 3,
    ExecutionState.PAUSED: 3,
}


def result(trigger: Trigger | None = None, step: str = "one", confidence: float | None = None) -> Letter:
    """A result of a step, if the workflow may act."""
    signal = Signal("pay", step, trigger, is_validated=trigger is None, confidence=confidence)

    def happen(breaker: CircuitBreaker) -> Happened:
        acts = breaker.info.state.acts
        return breaker, breaker.record(signal, breaker.info.generation, POLICY, NOW_S) if acts else ()

    return happen


def late(breaker: CircuitBreaker) -> Happened:
    """A success that was decided upon before the last change of the state."""
    signal = Signal("pay", "one", is_validated=True)
    events = breaker.record(signal, breaker.info.generation - 1, POLICY, NOW_S)
    assert [type(each) for each in events] == [Dropped]
    return breaker, events


def order(event: Event) -> Letter:
    """An order that is given whether the state allows it or not."""

    def happen(breaker: CircuitBreaker) -> Happened:
        try:
            return breaker, breaker.apply(event, NOW_S)
        except StateError:
            return breaker, ()

    return happen


def wait(breaker: CircuitBreaker) -> Happened:
    """Nothing happens for longer than any window and any cool-down; then a run asks."""
    kept = json.loads(breaker.to_json())
    kept["info"]["since_s"] -= POLICY.longest_cooldown_s
    kept["windows"] = {}
    older = CircuitBreaker.from_json(json.dumps(kept))
    return older, older.ask("a run", POLICY, NOW_S)[1]


def end(*, is_complete: bool) -> Letter:
    """The run comes to its end."""
    return lambda breaker: (breaker, breaker.finish("a run", NOW_S, is_complete=is_complete))


LETTERS: dict[str, Letter] = {
    "fails": result(Trigger.TARGET_NOT_FOUND),
    "another fails": result(Trigger.POSTCONDITION_FAILED, step="two"),
    "is done": result(),
    "is doubtful": result(confidence=0.89),
    "loses the screen": result(Trigger.SCREEN_LOST),
    "comes late": late,
    "is complete": end(is_complete=True),
    "is cut short": end(is_complete=False),
    "waits": wait,
    **{event: order(event) for event in (Event.RELEASE, Event.PAUSE, Event.RESUME, Event.REGRESSED, Event.RESTORED)},
    Event.NOTHING_TO_RESTORE: order(Event.NOTHING_TO_RESTORE),
}
ALLOWS: dict[str, tuple[ExecutionState, ...]] = {
    "is done": (ExecutionState.DEGRADED,),  # often enough in a row
    "is doubtful": (ExecutionState.DEGRADED,),  # the same: it was validated
    "waits": (ExecutionState.QUARANTINED,),  # for a probe
    Event.RELEASE: (ExecutionState.QUARANTINED,),
    Event.RESUME: (ExecutionState.PAUSED,),
    Event.RESTORED: (ExecutionState.ROLLBACK,),
}
"""What may make a workflow laxer, and out of which state."""


def strictness(info: ExecutionStateInfo) -> int:
    """How much a workflow is held back: a probe more than other degraded runs."""
    return STRICTNESS[info.state] + info.is_probing


def check(letter: str, before: CircuitBreaker, after: CircuitBreaker, events: tuple[BreakerEvent, ...]) -> None:
    """What must hold of every step of every sequence."""
    state, info = before.info.state, after.info
    for moved in (each for each in events if isinstance(each, Moved)):
        assert moved.before.state is state
        assert moved.after.event is not None
        assert moved.after.state is (TRANSITIONS[state, moved.after.event] or moved.before.before)
        state = moved.after.state
    assert state is info.state

    may_act = state in (ExecutionState.NORMAL, ExecutionState.DEGRADED)
    assert is_granted(after, "a run") == may_act
    assert is_granted(after, "another run") == (may_act and not info.is_probing)
    assert state.learns == (state is ExecutionState.NORMAL)

    if strictness(info) < strictness(before.info):
        is_probe_over = letter == "is complete" and before.info.is_probing
        assert is_probe_over or before.info.state in ALLOWS[letter], letter
        assert letter != "waits" or info.is_probing, "waiting earns a probe and no more"
        assert letter != Event.RESUME or state is before.info.before


def is_granted(breaker: CircuitBreaker, run: str) -> bool:
    """Whether a run would be allowed to act now."""
    return CircuitBreaker.from_json(breaker.to_json()).ask(run, POLICY, NOW_S)[0].is_granted


def test_every_sequence_of_events_keeps_the_rules() -> None:
    """No sequence reaches an unlisted state, executes while stopped, learns while degraded, or gets laxer by itself."""
    reached = {CircuitBreaker("pay").to_json()}
    layers = [reached]
    for _ in range(LENGTH):
        following: set[str] = set()
        for kept in layers[-1]:
            for letter, happen in LETTERS.items():
                before = CircuitBreaker.from_json(kept)
                after, events = happen(CircuitBreaker.from_json(kept))
                check(letter, before, after, events)
                following.add(without_history(after))
        layers.append(following - reached)
        reached |= following
    states = {CircuitBreaker.from_json(kept).info.state for kept in reached}
    assert states == set(ExecutionState)
    assert any(CircuitBreaker.from_json(kept).info.is_probing for kept in reached)
    assert all(layers), "there was something new at every length"


def without_history(breaker: CircuitBreaker) -> str:
    """What is kept of a breaker, without what decides nothing: words, and how many changes there were."""
    kept = json.loads(breaker.to_json())
    kept["info"] |= {
        "reason": "",
        "event": None,
        "generation": 1,
        "failed_probes": min(1, kept["info"]["failed_probes"]),
    }
    if kept["info"]["state"] != ExecutionState.QUARANTINED:
        kept["info"]["since_s"] = NOW_S
    return json.dumps(kept)


def test_every_sequence_of_bare_events_stays_within_the_table() -> None:
    """The walk along the table by all events, legal or not, reaches only what the table lists."""
    reached = {ExecutionStateInfo()}
    for _ in range(LENGTH):
        for info in tuple(reached):
            for event in Event:
                try:
                    after = advance(info, event, 0.0)
                except StateError:
                    continue
                target = TRANSITIONS[info.state, event]
                assert after.state is (target or info.before)
                reached.add(ExecutionStateInfo(after.state, before=after.before, is_probing=after.is_probing))
    pairs = {(info.state, info.before, info.is_probing) for info in reached}
    held = set(ExecutionState) - {ExecutionState.PAUSED}
    assert pairs == {
        *((state, None, False) for state in held),
        *((ExecutionState.PAUSED, before, False) for before in held),
        (ExecutionState.DEGRADED, None, True),
    }
