"""The naive model of healing: it keeps a list of everything that ever happened, and counts by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from steadyhand.healing.breaker_events import Level, Measure, Signal
from steadyhand.healing.execution_state import ExecutionState
from steadyhand.model.outcome import Trigger

if TYPE_CHECKING:
    from steadyhand.policy import Policy

NORMAL, DEGRADED, ROLLBACK, QUARANTINED, PAUSED = (
    ExecutionState.NORMAL,
    ExecutionState.DEGRADED,
    ExecutionState.ROLLBACK,
    ExecutionState.QUARANTINED,
    ExecutionState.PAUSED,
)
FAULTS = [trigger for trigger in Trigger if trigger is not Trigger.SCREEN_LOST]
YEAR_S = 365 * 86_400
jumps = st.sampled_from([0, 0, 0, 0, 1, 1, 60, 60, 100, 299, 600, 601, 3_600, -1, -60, -3_600, 30 * YEAR_S, -YEAR_S])
"""By how many seconds a clock moves: mostly onwards, sometimes not at all, sometimes absurdly."""


@dataclass
class NaiveWindow:
    """Every event ever, counted by hand.

    Attributes:
        events: The time and the source of each.
    """

    events: list[tuple[int, str]] = field(default_factory=list)

    def within(self, now_s: int, window_s: float) -> list[str]:
        """The sources of all events that count now.

        What lies in the future, because the clock was turned back, happened now. What once was too old stays so.
        """
        self.events = [(min(at_s, now_s), source) for at_s, source in self.events if now_s - at_s <= window_s]
        return [source for _, source in self.events]


@dataclass
class NaiveWorkflow:
    """What is known of one workflow, written down without any cleverness.

    Attributes:
        state: Its state; `before` is the one before a pause.
        probe: The run that probes; empty if none does.
        windows: Every failure, slow step and doubtful target that was not forgiven.
        history: For each step everything that came of it and was not forgiven: whether it failed.
        row: Validated steps in a row.
        failed_probes: Since it was well.
        since_s: When it was quarantined.
    """

    state: ExecutionState = NORMAL
    before: ExecutionState | None = None
    probe: str = ""
    windows: dict[Measure, NaiveWindow] = field(default_factory=lambda: {each: NaiveWindow() for each in Measure})
    history: dict[str, list[bool]] = field(default_factory=dict)
    row: int = 0
    failed_probes: int = 0
    since_s: int = 0

    def go(self, state: ExecutionState, now_s: int) -> None:
        """Change the state."""
        if state is not self.state:
            self.row, self.since_s, self.state = 0, now_s, state
        if state is not DEGRADED:
            self.probe = ""

    def failed_in_a_row(self, step: str) -> int:
        """How often a step failed since it was last validated."""
        results = self.history.get(step, [])
        return len(results) - max((number for number, failed in enumerate(results, 1) if not failed), default=0)

    def count(self, signal: Signal, policy: Policy, now_s: int) -> set[tuple[Level, Measure]]:
        """Write a result down; which breakers it trips."""
        results = self.history.setdefault(signal.step, [])
        is_fault = signal.trigger in FAULTS
        if is_fault or signal.is_validated:
            results.append(is_fault)
        done = signal.trigger is None
        doubtful = signal.confidence is not None and signal.confidence < policy.low_confidence_below
        trips = set()
        if is_fault and self.failed_in_a_row(signal.step) >= policy.step_failures:
            trips.add((Level.STEP, Measure.FAILURES))
        for happened, measure, limit in (
            (is_fault, Measure.FAILURES, policy.workflow_failures),
            (done and signal.duration_s > policy.slow_step_s, Measure.SLOW_STEPS, policy.slow_steps),
            (done and doubtful, Measure.LOW_CONFIDENCE, policy.low_confidence_steps),
        ):
            if happened:
                self.windows[measure].events.append((now_s, ""))
                if len(self.within(measure, policy, now_s)) >= limit:
                    trips.add((Level.WORKFLOW, measure))
        return trips

    def within(self, measure: Measure, policy: Policy, now_s: int) -> list[str]:
        """What counts in one of its windows."""
        window_s = {
            Measure.FAILURES: policy.workflow_window_s,
            Measure.SLOW_STEPS: policy.slow_window_s,
            Measure.LOW_CONFIDENCE: policy.low_confidence_window_s,
        }[measure]
        return self.windows[measure].within(now_s, window_s)
