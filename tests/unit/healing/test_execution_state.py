"""The table of transitions, the walk along it, and what is kept of a state."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from steadyhand.errors import StateError, StoreError
from steadyhand.healing.execution_state import (
    BEFORE,
    TRANSITIONS,
    CoolDown,
    Event,
    ExecutionState,
    ExecutionStateInfo,
    advance,
)

NEW = ExecutionStateInfo()
QUARANTINED = advance(NEW, Event.WORKFLOW_TRIPPED, 100.0, reason="10 failures within 600 s")
PROBING = advance(QUARANTINED, Event.PROBE_STARTED, 1_000.0)
DEGRADED = advance(NEW, Event.STEP_TRIPPED, 50.0)
ROLLBACK = advance(NEW, Event.REGRESSED, 60.0)
PAUSED = advance(DEGRADED, Event.PAUSE, 70.0)
ALL = [NEW, DEGRADED, PROBING, ROLLBACK, QUARANTINED, PAUSED]


def walk(*events: Event, start: ExecutionStateInfo = NEW) -> ExecutionStateInfo:
    """Where some events lead, one second apart."""
    info = start
    for event in events:
        info = advance(info, event, info.since_s + 1)
    return info


# ------------------------------------------------------------------------------------------------------- the table


def test_every_state_can_be_reached_and_left() -> None:
    """No state is a dead end, and none but the first is unreachable."""
    assert {state for state, _ in TRANSITIONS} == set(ExecutionState)
    assert {after for after in TRANSITIONS.values() if after is not BEFORE} == set(ExecutionState)


def test_every_event_leads_somewhere() -> None:
    """No event is listed that nothing allows."""
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_the_table_cannot_be_changed() -> None:
    """Nobody adds a way from state to state while the program runs."""
    with pytest.raises(TypeError):
        TRANSITIONS[ExecutionState.QUARANTINED, Event.PROVED] = ExecutionState.NORMAL  # type: ignore[index]  # the point


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("info", ALL, ids=lambda info: f"{info.state}{'-probing' * info.is_probing}")
def test_what_is_not_in_the_table_raises(info: ExecutionStateInfo, event: Event) -> None:
    """A pair that is listed leads to the state that is listed; any other one raises and names both."""
    is_about_probes = event in (Event.PROBE_PASSED, Event.PROBE_FAILED, Event.PROBE_BROKEN_OFF)
    allowed = (info.state, event) in TRANSITIONS and info.is_probing >= is_about_probes
    if allowed and not (info.is_probing and event in (Event.PROVED, Event.REGRESSED)):
        assert advance(info, event, 2_000.0).state is (TRANSITIONS[info.state, event] or info.before)
    else:
        with pytest.raises(StateError, match=f"{event} .* {info.state}"):
            advance(info, event, 2_000.0)


def test_who_acts_and_who_learns() -> None:
    """Only NORMAL and DEGRADED touch the screen; only NORMAL learns."""
    assert {state for state in ExecutionState if state.acts} == {ExecutionState.NORMAL, ExecutionState.DEGRADED}
    assert {state for state in ExecutionState if state.learns} == {ExecutionState.NORMAL}


# ----------------------------------------------------------------------------------------------------- generations


def test_a_change_says_when_by_what_and_why() -> None:
    """A new state keeps its time, its event and its reason, one generation later."""
    expected = ExecutionStateInfo(
        ExecutionState.QUARANTINED, 100.0, Event.WORKFLOW_TRIPPED, "10 failures within 600 s", generation=1
    )
    assert expected == QUARANTINED


def test_what_changes_nothing_gives_the_very_same_info() -> None:
    """A further trip of a degraded workflow leaves its generation, its time and its reason alone."""
    assert advance(DEGRADED, Event.STEPS_SLOWED, 99.0, reason="another one") is DEGRADED


def test_a_result_of_another_generation_is_late() -> None:
    """What was decided upon before the state changed says nothing any more; what was decided since then counts."""
    assert DEGRADED.is_late(NEW.generation)
    assert not DEGRADED.is_late(DEGRADED.generation)


# ---------------------------------------------------------------------------------------------------------- probes


def test_a_probe_that_passed_is_over() -> None:
    """The workflow goes on in DEGRADED, in a new generation, and now may prove itself."""
    passed = advance(PROBING, Event.PROBE_PASSED, 2_000.0)
    assert (passed.state, passed.is_probing) == (ExecutionState.DEGRADED, False)
    assert passed.is_late(PROBING.generation)
    assert advance(passed, Event.PROVED, 2_001.0).state is ExecutionState.NORMAL


def test_what_a_probe_does_not_allow_is_told() -> None:
    """The message tells a workflow on a probe from one that is merely DEGRADED."""
    with pytest.raises(StateError, match=r"while a workflow is DEGRADED, on a probe\."):
        advance(PROBING, Event.PROVED, 1_001.0)
    with pytest.raises(StateError, match=r"while a workflow is DEGRADED\."):
        advance(DEGRADED, Event.PROBE_PASSED, 51.0)


def test_probes_that_fail_are_counted_until_the_workflow_is_well() -> None:
    """Each failed probe is counted over the quarantines; one that was broken off is not; being well ends the count."""
    again = walk(Event.PROBE_STARTED, Event.PROBE_FAILED, start=QUARANTINED)
    assert again.failed_probes == 1
    assert walk(Event.PROBE_STARTED, Event.PROBE_BROKEN_OFF, start=again).failed_probes == 1
    assert walk(Event.PROBE_STARTED, Event.WORKFLOW_TRIPPED, start=again).failed_probes == 2
    passed = walk(Event.PROBE_STARTED, Event.PROBE_PASSED, start=again)
    assert walk(Event.WORKFLOW_TRIPPED, start=passed).failed_probes == 1
    assert walk(Event.PROVED, start=passed).failed_probes == 0
    assert walk(Event.RELEASE, start=again).failed_probes == 0


def test_a_further_trip_does_not_end_a_probe() -> None:
    """A slow step on a probe is no failure: the probe goes on."""
    assert advance(PROBING, Event.STEPS_SLOWED, 1_001.0) is PROBING


def test_the_cool_down_grows_up_to_its_longest() -> None:
    """It is multiplied after each failed probe and stays at the longest, however many have failed."""
    cool_down = CoolDown(first_s=900, growth=2, longest_s=7_000)
    assert [cool_down.of(failed) for failed in range(5)] == [900, 1_800, 3_600, 7_000, 7_000]
    assert cool_down.of(10**9) == 7_000
    assert CoolDown(first_s=900, growth=1, longest_s=7_000).of(10**9) == 900


def test_the_cool_down_runs_out() -> None:
    """It is counted from the quarantine, with the failed probes of then, and is never negative."""
    cool_down = CoolDown(first_s=900, growth=2, longest_s=7_000)
    assert cool_down.left_s(QUARANTINED, 100.0) == 900
    assert cool_down.left_s(QUARANTINED, 999.0) == 1
    assert cool_down.left_s(QUARANTINED, 1_000.0) == 0
    assert cool_down.left_s(QUARANTINED, 5_000.0) == 0
    assert cool_down.left_s(replace(QUARANTINED, failed_probes=1), 1_000.0) == 900


def test_a_clock_that_was_turned_back_lengthens_a_cool_down_once() -> None:
    """A quarantine that began in the future begins now."""
    cool_down = CoolDown(first_s=900, growth=2, longest_s=7_000)
    assert cool_down.left_s(QUARANTINED, -1e9) == 900
    seen = QUARANTINED.seen_at(-1e9)
    assert cool_down.left_s(seen, -1e9 + 900) == 0
    assert QUARANTINED.seen_at(100.0) is QUARANTINED


# --------------------------------------------------------------------------------------------------------- pausing


@pytest.mark.parametrize("info", [NEW, DEGRADED, ROLLBACK, QUARANTINED], ids=lambda info: info.state)
def test_resuming_leads_back(info: ExecutionStateInfo) -> None:
    """A pause returns to what was before it, with its failed probes, and forgets that it was paused."""
    failed = replace(info, failed_probes=2)
    resumed = walk(Event.PAUSE, Event.RESUME, start=failed)
    assert (resumed.state, resumed.before, resumed.failed_probes) == (info.state, None, 2)


def test_a_pause_breaks_a_probe_off() -> None:
    """A probe that was paused has shown nothing: the workflow returns to its quarantine, without a longer cool-down."""
    resumed = walk(Event.PAUSE, Event.RESUME, start=PROBING)
    assert (resumed.state, resumed.is_probing, resumed.failed_probes) == (ExecutionState.QUARANTINED, False, 0)


# --------------------------------------------------------------------------------------------------------- keeping


@pytest.mark.parametrize("info", ALL, ids=lambda info: f"{info.state}{'-probing' * info.is_probing}")
def test_a_state_can_be_kept(info: ExecutionStateInfo) -> None:
    """What was written as one line of JSON is read back as it was."""
    assert "\n" not in info.to_json()
    assert ExecutionStateInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"state": "FINE"}, "state"),
        ({"state": "PAUSED"}, "state before"),
        ({"before": "NORMAL"}, "state before"),
        ({"state": "PAUSED", "before": "PAUSED"}, "pause"),
        ({"is_probing": True}, "DEGRADED"),
        ({"generation": -1}, "below zero"),
        ({"failed_probes": -1}, "below zero"),
        ({"generation": "1"}, "generation"),
        ({"since_s": "NaN"}, "since_s"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_a_damaged_state_is_refused(change: dict[str, object], told: str) -> None:
    """What contradicts itself, or is no state, is refused in words."""
    damaged = json.dumps({**json.loads(NEW.to_json()), **change})
    with pytest.raises(StoreError, match=told):
        ExecutionStateInfo.from_json(damaged)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"state":"NORMAL","since_s":NaN}', "{}\0"])
def test_what_is_no_state_is_refused(text: str) -> None:
    """Other text is refused in words."""
    with pytest.raises(StoreError, match="cannot be read back"):
        ExecutionStateInfo.from_json(text)
