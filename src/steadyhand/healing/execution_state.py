"""The state of a workflow: whether it may act, how strictly, and what leads from one state to the next.

A workflow is in one *state*. An *event* is what happened to it: a breaker tripped, a person gave an order, a restore
was done. `TRANSITIONS` lists every event that a state allows and the state that it leads to; there is no other way from
state to state. `advance` follows that table, and is pure: it is told what time it is.

A *probe* is one run in `DEGRADED` that a quarantined workflow is granted once its *cool-down* is over. While it goes
on, nothing gets laxer. If it fails, the next cool-down is longer.

A *generation* counts the changes of a workflow's state. A decision names the generation in which it was made, and a
result names that of its decision. A result of an earlier generation is *late*: it says nothing about the present state
and is dropped.

Times are seconds since 1970, UTC, and not monotonic: they outlive the process. A clock may jump. What seems to have
happened in the future counts as happening now, so a wait gets longer by one wait at most.

Source: resilience4j for the table of transitions with the clock handed in; gobreaker for the generation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from steadyhand.errors import StateError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ExecutionState(StrEnum):
    """What a workflow is allowed at present.

    Attributes:
        NORMAL: It acts, and learns from what was validated.
        DEGRADED: It acts under stricter thresholds and learns nothing, until it has proved itself.
        ROLLBACK: It does not act while the last good version of what was learned is restored.
        QUARANTINED: It does not act until a person releases it, or a probe is due.
        PAUSED: It does not act until a person resumes it, and then is what it was before.
    """

    NORMAL = "NORMAL"
    DEGRADED = "DEGRADED"
    ROLLBACK = "ROLLBACK"
    QUARANTINED = "QUARANTINED"
    PAUSED = "PAUSED"

    @property
    def acts(self) -> bool:
        """Whether a workflow in this state may touch the screen."""
        return self in (ExecutionState.NORMAL, ExecutionState.DEGRADED)

    @property
    def learns(self) -> bool:
        """Whether what a workflow did in this state may be learned from."""
        return self is ExecutionState.NORMAL


class Event(StrEnum):
    """What happens to a workflow's state.

    Attributes:
        STEP_TRIPPED: One step failed too often in a row.
        CONFIDENCE_SANK: Too many targets were found with too little confidence.
        STEPS_SLOWED: Too many steps took too long.
        PROVED: Enough steps in a row were validated.
        WORKFLOW_TRIPPED: The workflow failed too often within its window.
        PROBE_STARTED: The cool-down is over, and one run may show whether the workflow is well again.
        PROBE_PASSED: The probe came to its end without a failure.
        PROBE_FAILED: A step of the probe failed.
        PROBE_BROKEN_OFF: The probe ended without a word on the workflow: the screen was lost, the robot stopped.
        REGRESSED: What was learned last made things worse.
        RESTORED: The last good version is in use again.
        NOTHING_TO_RESTORE: No good version is left.
        RELEASE: A person says that a quarantined workflow may run again.
        PAUSE: A person, or the breaker over all workflows, says that nothing may go on.
        RESUME: A person says that it may go on.
    """

    STEP_TRIPPED = "STEP_TRIPPED"
    CONFIDENCE_SANK = "CONFIDENCE_SANK"
    STEPS_SLOWED = "STEPS_SLOWED"
    PROVED = "PROVED"
    WORKFLOW_TRIPPED = "WORKFLOW_TRIPPED"
    PROBE_STARTED = "PROBE_STARTED"
    PROBE_PASSED = "PROBE_PASSED"
    PROBE_FAILED = "PROBE_FAILED"
    PROBE_BROKEN_OFF = "PROBE_BROKEN_OFF"
    REGRESSED = "REGRESSED"
    RESTORED = "RESTORED"
    NOTHING_TO_RESTORE = "NOTHING_TO_RESTORE"
    RELEASE = "RELEASE"
    PAUSE = "PAUSE"
    RESUME = "RESUME"


_S, _E = ExecutionState, Event

BEFORE = None
"""In the table: the state that the workflow was in before it was paused, which only its info knows."""

TRANSITIONS: Mapping[tuple[ExecutionState, Event], ExecutionState | None] = MappingProxyType(
    {
        (_S.NORMAL, _E.STEP_TRIPPED): _S.DEGRADED,
        (_S.NORMAL, _E.CONFIDENCE_SANK): _S.DEGRADED,
        (_S.NORMAL, _E.STEPS_SLOWED): _S.DEGRADED,
        (_S.NORMAL, _E.WORKFLOW_TRIPPED): _S.QUARANTINED,
        (_S.NORMAL, _E.REGRESSED): _S.ROLLBACK,
        (_S.NORMAL, _E.PAUSE): _S.PAUSED,
        (_S.DEGRADED, _E.STEP_TRIPPED): _S.DEGRADED,
        (_S.DEGRADED, _E.CONFIDENCE_SANK): _S.DEGRADED,
        (_S.DEGRADED, _E.STEPS_SLOWED): _S.DEGRADED,
        (_S.DEGRADED, _E.PROVED): _S.NORMAL,
        (_S.DEGRADED, _E.WORKFLOW_TRIPPED): _S.QUARANTINED,
        (_S.DEGRADED, _E.PROBE_PASSED): _S.DEGRADED,
        (_S.DEGRADED, _E.PROBE_FAILED): _S.QUARANTINED,
        (_S.DEGRADED, _E.PROBE_BROKEN_OFF): _S.QUARANTINED,
        (_S.DEGRADED, _E.REGRESSED): _S.ROLLBACK,
        (_S.DEGRADED, _E.PAUSE): _S.PAUSED,
        (_S.ROLLBACK, _E.RESTORED): _S.DEGRADED,
        (_S.ROLLBACK, _E.NOTHING_TO_RESTORE): _S.QUARANTINED,
        (_S.ROLLBACK, _E.PAUSE): _S.PAUSED,
        (_S.QUARANTINED, _E.RELEASE): _S.DEGRADED,
        (_S.QUARANTINED, _E.PROBE_STARTED): _S.DEGRADED,
        (_S.QUARANTINED, _E.PAUSE): _S.PAUSED,
        (_S.PAUSED, _E.RESUME): BEFORE,
    }
)
"""Every way from a state to a state. The drawing in docs/reference/states.md is made from it."""

_ENDS_OF_A_PROBE = frozenset({Event.PROBE_PASSED, Event.PROBE_FAILED, Event.PROBE_BROKEN_OFF})
_NOT_WHILE_PROBING = frozenset({Event.PROVED, Event.REGRESSED})
"""Both lead out of the quarantine by another door than the probe's end."""


@dataclass(frozen=True, slots=True)
class ExecutionStateInfo:
    """The state of one workflow, with what is needed to go on from it.

    Attributes:
        state: The state.
        since_s: When it was reached, seconds since 1970.
        event: What led to it; None for a workflow of which nothing is known yet.
        reason: Why, one sentence for a person.
        generation: How often the state has changed.
        before: The state to which a paused workflow returns; None unless it is paused.
        is_probing: The one run that is allowed is a probe.
        failed_probes: How many probes have failed since the workflow was last well or released.
    """

    state: ExecutionState = ExecutionState.NORMAL
    since_s: float = 0.0
    event: Event | None = None
    reason: str = ""
    generation: int = 0
    before: ExecutionState | None = None
    is_probing: bool = False
    failed_probes: int = 0

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        rules = {
            "a paused workflow, and no other one, has a state before": (self.state is ExecutionState.PAUSED)
            == (self.before is not None),
            "a pause does not return to a pause": self.before is not ExecutionState.PAUSED,
            "a probe runs in DEGRADED": not self.is_probing or self.state is ExecutionState.DEGRADED,
            "no count is below zero": self.generation >= 0 <= self.failed_probes,
            "a time is a finite number": math.isfinite(self.since_s),
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:  # no assertion: this also guards what is read back, and `python -O` must not let that through
            raise ValueError("; ".join(broken))

    def is_late(self, generation: int) -> bool:
        """Whether a result that was decided upon in this generation says nothing about the present state."""
        return generation != self.generation

    def seen_at(self, now_s: float) -> ExecutionStateInfo:
        """The same state, reached now if it claims to be reached in the future: the clock was turned back."""
        return replace(self, since_s=now_s) if self.since_s > now_s else self

    def to_json(self) -> str:
        """All of it as one line of JSON."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> ExecutionStateInfo:
        """What `to_json` wrote.

        Raises:
            StoreError: It is no such thing, or contradicts itself.
        """
        try:
            return _ADAPTER.validate_json(text, strict=True)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in error.errors()
            )
            raise StoreError(f"A workflow's state cannot be read back: {problems}.") from None


_ADAPTER = TypeAdapter(ExecutionStateInfo)


def advance(info: ExecutionStateInfo, event: Event, now_s: float, *, reason: str = "") -> ExecutionStateInfo:
    """The state after an event.

    Args:
        info: The state before it.
        event: What happened.
        now_s: When, seconds since 1970.
        reason: Why, one sentence for a person.

    Returns:
        The new state, one generation later; or `info` itself if the event changes nothing.

    Raises:
        StateError: The state does not allow this event.
    """
    if (
        (info.state, event) not in TRANSITIONS
        or (event in _ENDS_OF_A_PROBE and not info.is_probing)
        or (event in _NOT_WHILE_PROBING and info.is_probing)
    ):
        raise StateError(f"{event} is not possible while a workflow is {_in_words(info)}.")
    state = TRANSITIONS[info.state, event] or info.before
    assert state is not None, "a pause knows what was before it"
    is_probing = event is Event.PROBE_STARTED or (
        info.is_probing and state is ExecutionState.DEGRADED and event is not Event.PROBE_PASSED
    )
    if (state, is_probing) == (info.state, info.is_probing):
        return info
    return replace(
        info,
        state=state,
        since_s=now_s,
        event=event,
        reason=reason,
        generation=info.generation + 1,
        before=_held(info) if state is ExecutionState.PAUSED else None,
        is_probing=is_probing,
        failed_probes=_failed_probes(info, event),
    )


def _held(info: ExecutionStateInfo) -> ExecutionState:
    """What a pause returns to: a probe that was broken off by it has shown nothing."""
    return ExecutionState.QUARANTINED if info.is_probing else info.state


def _failed_probes(info: ExecutionStateInfo, event: Event) -> int:
    """How many probes have failed, after an event."""
    if event in (Event.PROVED, Event.RELEASE):
        return 0
    return info.failed_probes + (info.is_probing and event in (Event.PROBE_FAILED, Event.WORKFLOW_TRIPPED))


@dataclass(frozen=True, slots=True)
class CoolDown:
    """How long a quarantined workflow waits for a probe.

    Attributes:
        first_s: Seconds before the first probe.
        growth: By what the wait is multiplied after each probe that failed, 1 or more.
        longest_s: Seconds that it never exceeds.
    """

    first_s: float
    growth: float
    longest_s: float

    def of(self, failed_probes: int) -> float:
        """Seconds to wait after so many probes that failed."""
        wait_s = self.first_s
        for _ in range(failed_probes):
            if wait_s >= self.longest_s or self.growth <= 1:
                break
            wait_s *= self.growth
        return min(wait_s, self.longest_s)

    def left_s(self, info: ExecutionStateInfo, now_s: float) -> float:
        """Seconds until a quarantined workflow may probe; 0 if it may now."""
        assert info.state is ExecutionState.QUARANTINED, "only a quarantine has a cool-down"
        return max(0.0, self.of(info.failed_probes) - (now_s - info.seen_at(now_s).since_s))


def _in_words(info: ExecutionStateInfo) -> str:
    return f"{info.state}, on a probe" if info.is_probing else info.state
