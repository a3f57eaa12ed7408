"""What breakers are told, and what they tell: all of it plain values, for the audit and for reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.model.outcome import Found, Method, StepResult, Trigger, Verdict

if TYPE_CHECKING:
    from steadyhand.healing.execution_state import ExecutionStateInfo

_WAITING = "wait_for"
"""The action of a step that only waits: it is as slow as what it waits for."""


class Level(StrEnum):
    """What a breaker stands for."""

    STEP = "step"
    WORKFLOW = "workflow"
    GLOBAL = "global"


class Measure(StrEnum):
    """What a window counts."""

    FAILURES = "failures"
    SLOW_STEPS = "slow_steps"
    LOW_CONFIDENCE = "low_confidence"
    SCREEN_FAULTS = "screen_faults"


class BreakerState(StrEnum):
    """The state of a breaker in the usual words."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Signal:
    """What breakers need to know of the result of one step.

    Attributes:
        workflow: Whose step it is.
        step: Which step.
        trigger: The fault that ended it; None if none did.
        is_validated: All that it expects came true by it.
        confidence: That of its target, if it was found otherwise than by its recorded look; None if not.
        duration_s: Seconds that it took to act; 0 for a step that only waits.
    """

    workflow: str
    step: str
    trigger: Trigger | None = None
    is_validated: bool = False
    confidence: float | None = None
    duration_s: float = 0.0

    @staticmethod
    def of(workflow: str, result: StepResult) -> Signal | None:
        """What breakers need to know of a result; None if it says nothing: the step was skipped, or refused."""
        if result.verdict is Verdict.SKIPPED or (result.verdict is Verdict.FAILED and result.trigger is None):
            return None
        return Signal(
            workflow,
            result.step_id,
            result.trigger if result.verdict is Verdict.FAILED else None,
            is_validated=result.verdict is Verdict.DONE,
            confidence=weighed_confidence(result),
            duration_s=0.0 if result.action == _WAITING else result.duration_s,
        )


def weighed_confidence(result: StepResult) -> float | None:
    """The confidence in a step's target, if it was weighed; None if it looked as recorded or was not found."""
    match result.resolution:
        case Found(method=method, confidence=confidence) if method is not Method.ANCHOR_TEMPLATE:
            return confidence
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Tripped:
    """A breaker tripped.

    Attributes:
        at_s: When, seconds since 1970.
        level: Which level it belongs to.
        measure: What it counts.
        workflow: The workflow whose step was the last straw.
        step: That step.
        count: How many it counted.
        window_s: Within how many seconds; None for failures in a row.
        triggers: How many of each trigger; empty if none is concerned.
    """

    at_s: float
    level: Level
    measure: Measure
    workflow: str
    step: str
    count: int
    window_s: float | None
    triggers: dict[str, int]

    @property
    def reason(self) -> str:
        """What happened, as a sentence for a person."""
        what = {
            Measure.FAILURES: "failures",
            Measure.SLOW_STEPS: "slow steps",
            Measure.LOW_CONFIDENCE: "targets found with low confidence",
            Measure.SCREEN_FAULTS: "lost screens",
        }[self.measure]
        span = "in a row" if self.window_s is None else f"within {self.window_s:g} s"
        where = {Level.STEP: f" of step {self.step}", Level.WORKFLOW: "", Level.GLOBAL: " over all workflows"}[
            self.level
        ]
        kinds = ", ".join(f"{count} {trigger}" for trigger, count in sorted(self.triggers.items()))
        return f"{self.count} {what}{where} {span}" + (f": {kinds}." if kinds else ".")


@dataclass(frozen=True, slots=True)
class Moved:
    """A state changed.

    Attributes:
        workflow: Whose; empty for that of all workflows together.
        before: The state before.
        after: The state after, with when and why.
    """

    workflow: str
    before: ExecutionStateInfo
    after: ExecutionStateInfo


@dataclass(frozen=True, slots=True)
class Dropped:
    """A late result was dropped.

    Attributes:
        at_s: When, seconds since 1970.
        signal: What it said.
        generation: The generation in which it was decided upon.
        present: The generation now.
    """

    at_s: float
    signal: Signal
    generation: int
    present: int


BreakerEvent = Tripped | Moved | Dropped


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a step may be executed.

    Attributes:
        generation: What the result of the step has to name.
        refusal: Why it may not, one sentence for a person; empty if it may.
        retry_after_s: Seconds after which the answer may be another one; None if nobody knows.
    """

    generation: int
    refusal: str = ""
    retry_after_s: float | None = None

    @property
    def is_granted(self) -> bool:
        """Whether it may."""
        return not self.refusal


class Reading(NamedTuple):
    """How full a window is.

    Attributes:
        level: Which level it belongs to.
        measure: What it counts.
        count: How many count now, up to the limit.
        limit: How many trip.
        window_s: The length of the window, seconds.
        kinds: How many of each trigger.
    """

    level: Level
    measure: Measure
    count: int  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    limit: int
    window_s: float
    kinds: dict[str, int]
