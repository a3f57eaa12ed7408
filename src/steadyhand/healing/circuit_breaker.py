"""Breakers: they count what goes wrong, and say when a workflow must be stricter, or must stop.

A *window* remembers what happened within the last so many seconds, as far as it matters: the newest events up to its
*limit*. It is *full* when that many are in it. A breaker *trips* whenever an event leaves its window full. There are
breakers at three *levels*:

- *step*: one step failed so many times in a row, whenever that was;
- *workflow*: failures, slow steps or doubtful targets of one workflow within their windows;
- *global*: failures, or lost screens, of all workflows together, if enough workflows are concerned.

A `CircuitBreaker` holds the state of one workflow with its step and workflow levels, or that of all workflows together.
In the usual words a breaker is *closed* while the workflow is NORMAL, *half-open* while it is DEGRADED and proves
itself by so many validated steps in a row, and *open* while nothing is executed. There is no second state beside
that of the workflow, for two truths could disagree. A policy can switch a breaker off (*disabled*: it counts and never
trips) or hold it open (*forced open*).

A lost screen counts globally, and apart: a broken monitor says nothing about a workflow.

Source: resilience4j for the words. That the newest `limit` events suffice: a window holds `limit` events of the last
`window_s` seconds exactly if the oldest of the newest `limit` is no older than that.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from steadyhand.errors import StoreError
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
from steadyhand.healing.execution_state import CoolDown, Event, ExecutionState, ExecutionStateInfo, advance
from steadyhand.model.outcome import Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steadyhand.policy import Policy

_Time = Annotated[float, Field(allow_inf_nan=False)]


# --------------------------------------------------------------------------------------------------------- windows


class FailureWindow:
    """The newest events within some seconds, up to a limit. Adding and asking cost O(1) amortised.

    A clock may jump. What happened in the future counts as happening now, so nothing is forgotten because a clock was
    turned back, and nothing is remembered for longer than one window after that.

    Args:
        limit: How many events make it full, 1 or more; it never remembers more.
        window_s: How old an event may be to count; one of exactly this age counts.
        spread: From how many sources they have to come at least for it to be full.
    """

    __slots__ = ("_events", "_sources", "limit", "spread", "window_s")

    def __init__(self, limit: int, window_s: float, spread: int = 1) -> None:
        self.limit = limit
        self.window_s = window_s
        self.spread = spread
        self._events: deque[tuple[float, str]] = deque(maxlen=limit)
        self._sources: dict[str, float] = {}  # the newest `spread` sources with their last time, the oldest first

    def add(self, now_s: float, kind: str = "", source: str = "") -> None:
        """Remember an event.

        Args:
            now_s: When it happened, seconds.
            kind: What it was.
            source: Where it came from; of no meaning if one source is enough.
        """
        self._slide(now_s)
        self._events.append((now_s, kind))
        if self.spread > 1:
            self._sources.pop(source, None)
            self._sources[source] = now_s
            if len(self._sources) > self.spread:
                del self._sources[next(iter(self._sources))]

    def count(self, now_s: float) -> int:
        """How many events count now, up to the limit."""
        self._slide(now_s)
        return len(self._events)

    def is_full(self, now_s: float) -> bool:
        """Whether as many events as the limit count now, from enough sources."""
        self._slide(now_s)
        return len(self._events) == self.limit and (self.spread == 1 or len(self._sources) == self.spread)

    def kinds(self, now_s: float) -> dict[str, int]:
        """How many events of each kind count now, up to the limit in all."""
        self._slide(now_s)
        counts: dict[str, int] = {}
        for _, kind in self._events:
            counts[kind] = counts.get(kind, 0) + 1
        return counts

    def fit(self, limit: int, window_s: float, spread: int = 1) -> FailureWindow:
        """This window, or one of another limit, length or spread with what this one remembers."""
        if (limit, window_s, spread) == (self.limit, self.window_s, self.spread):
            return self
        return FailureWindow.of(KeptWindow(limit, window_s, spread, tuple(self._events), tuple(self._sources.items())))

    def kept(self) -> KeptWindow:
        """All of it, to be kept."""
        return KeptWindow(self.limit, self.window_s, self.spread, tuple(self._events), tuple(self._sources.items()))

    @staticmethod
    def of(kept: KeptWindow) -> FailureWindow:
        """The window that was kept."""
        window = FailureWindow(kept.limit, kept.window_s, kept.spread)
        window._events.extend(kept.events)
        window._sources.update(kept.sources[-kept.spread :] if kept.spread > 1 else ())
        return window

    def _slide(self, now_s: float) -> None:
        """Forget what is too old."""
        events, sources = self._events, self._sources
        if events and events[-1][0] > now_s:
            self._events = events = deque(((min(at_s, now_s), kind) for at_s, kind in events), self.limit)
            self._sources = sources = {source: min(at_s, now_s) for source, at_s in sources.items()}
        while events and now_s - events[0][0] > self.window_s:
            events.popleft()
        while sources and now_s - sources[oldest := next(iter(sources))] > self.window_s:
            del sources[oldest]


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """What is kept of a window.

    Attributes:
        limit: How many events make it full.
        window_s: How old an event may be to count.
        spread: From how many sources they have to come.
        events: When each one happened and what it was, the oldest first.
        sources: The newest sources with their last time, the oldest first.
    """

    limit: Annotated[int, Field(ge=1)]
    window_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    spread: Annotated[int, Field(ge=1)]
    events: tuple[tuple[_Time, str], ...] = ()
    sources: tuple[tuple[str, _Time], ...] = ()


# ---------------------------------------------------------------------------------------------------- the breakers


class Watch(NamedTuple):
    """What one window of a breaker watches for.

    Attributes:
        event: What happens to the state when it trips.
        limit: How many trip.
        window_s: Within how many seconds.
        spread: From how many workflows at least.
    """

    event: Event
    limit: int
    window_s: float
    spread: int = 1


ORDERS = frozenset(
    {Event.PAUSE, Event.RESUME, Event.RELEASE, Event.REGRESSED, Event.RESTORED, Event.NOTHING_TO_RESTORE}
)
"""The events that come from outside, and not from the results of steps."""


_NOTHING_KNOWN = ExecutionStateInfo()


class CircuitBreaker:
    """The state of one workflow, or of all together, and the windows that decide on it. Not safe for several threads.

    Every method that changes something returns what happened, in order, for the audit; what it returns is all that
    there is to keep and to tell.

    Args:
        workflow: Whose breaker it is; empty for that of all workflows together.
        info: The state to begin with.
    """

    __slots__ = ("_changes", "_in_a_row", "_info", "_probe_run", "_streaks", "_windows", "workflow")

    def __init__(self, workflow: str = "", info: ExecutionStateInfo | None = None) -> None:
        self.workflow = workflow
        self._info = info or _NOTHING_KNOWN
        self._windows: dict[Measure, FailureWindow] = {}
        self._streaks: dict[str, tuple[Trigger, ...]] = {}
        self._in_a_row = 0
        self._probe_run = ""
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often anything changed that has to be kept."""
        return self._changes

    @property
    def info(self) -> ExecutionStateInfo:
        """The state."""
        return self._info

    @property
    def probe_run(self) -> str:
        """The run that probes; empty if none does."""
        return self._probe_run

    @property
    def is_global(self) -> bool:
        """Whether it stands for all workflows together."""
        return not self.workflow

    # ------------------------------------------------------------------------------------------------------- asking

    def ask(self, run: str, policy: Policy, now_s: float) -> tuple[Permission, tuple[Moved, ...]]:
        """Whether a run may execute a step.

        A quarantined workflow whose cool-down is over grants a probe to the run that asks first. Another run that asks
        meanwhile is refused; if the probe is as old as the first cool-down by then, its run was killed, and it is over.

        Args:
            run: Which run asks.
            policy: The thresholds for this workflow.
            now_s: The time, seconds since 1970.

        Returns:
            The answer, and what happened because of the question.
        """
        seen = self._info.seen_at(now_s)
        self._changes += seen is not self._info
        self._info = seen
        happened: tuple[Moved, ...] = ()
        if self._info.is_probing and run != self._probe_run and now_s - self._info.since_s >= policy.cooldown_s:
            happened = self.finish(self._probe_run, now_s, is_complete=False)
        refusal, left_s = self._refusal(run, policy, now_s)
        if self._info.state is ExecutionState.QUARANTINED and not refusal:
            happened = self._move(Event.PROBE_STARTED, now_s, f"Run {run} probes after the cool-down.")
            self._probe_run = run
        return Permission(self._info.generation, refusal, left_s), happened

    def state(self, policy: Policy) -> BreakerState:
        """Its state in the usual words."""
        if policy.breaker != "automatic":
            return BreakerState(policy.breaker)
        if self._info.state is ExecutionState.NORMAL:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._info.state is ExecutionState.DEGRADED else BreakerState.OPEN

    def readings(self, policy: Policy, now_s: float) -> Iterator[Reading]:
        """How full each of its windows is now."""
        level = Level.GLOBAL if self.is_global else Level.WORKFLOW
        for measure in self._watched:
            watch = self._watch(measure, policy)
            window = self._windows.get(measure)
            kinds = window.kinds(now_s) if window else {}
            yield Reading(level, measure, min(sum(kinds.values()), watch.limit), watch.limit, watch.window_s, kinds)

    def failures_in_a_row(self, step: str) -> int:
        """How often a step has failed since it was last validated, up to the limit of its breaker."""
        return len(self._streaks.get(step, ()))

    # ------------------------------------------------------------------------------------------------------ telling

    def record(self, signal: Signal, generation: int, policy: Policy, now_s: float) -> tuple[BreakerEvent, ...]:
        """Take note of the result of a step.

        Args:
            signal: What came of it.
            generation: That of the permission by which it was executed.
            policy: The thresholds for this workflow.
            now_s: The time, seconds since 1970.

        Returns:
            What happened: breakers that tripped, changes of the state, or that the result came too late.
        """
        if self._info.is_late(generation) or not self._info.state.acts:
            return (Dropped(now_s, signal, generation, self._info.generation),)
        trips = list(self._count(signal, policy, now_s))
        if policy.breaker == "disabled":
            trips.clear()
        told: list[BreakerEvent] = [trip for _, trip in trips]
        if self._info.is_probing and (trips or signal.trigger is not None):
            is_screen = signal.trigger is Trigger.SCREEN_LOST
            event = Event.PROBE_BROKEN_OFF if is_screen else Event.PROBE_FAILED
            return (*told, *self._move(event, now_s, f"The probe stumbled over step {signal.step}."))
        for event, trip in trips:
            told += self._move(event, now_s, trip.reason)
        return (*told, *self._prove(signal, policy, now_s, has_tripped=bool(trips)))

    def finish(self, run: str, now_s: float, *, is_complete: bool) -> tuple[Moved, ...]:
        """Take note of the end of a run; only that of a probe changes anything.

        A probe has passed if the run was completed and something in it was validated. One that was cut short, or in
        which nothing could be validated, has shown nothing.

        Args:
            run: Which run.
            now_s: The time, seconds since 1970.
            is_complete: Every step was executed.
        """
        if not self._info.is_probing or run != self._probe_run:
            return ()
        if is_complete and self._in_a_row:
            return self._move(Event.PROBE_PASSED, now_s, f"Run {run} was completed without a failure.")
        return self._move(Event.PROBE_BROKEN_OFF, now_s, f"Run {run} ended without showing anything.")

    def apply(self, event: Event, now_s: float, reason: str = "") -> tuple[Moved, ...]:
        """Take an order of a person, or a word on what was learned.

        A release forgets all failures, and so does resuming all workflows together: whoever gives such an order has
        looked at them, and the next failure is to be a first one.

        Args:
            event: What it is: one of `ORDERS`.
            now_s: The time, seconds since 1970.
            reason: Why, one sentence for a person.

        Raises:
            StateError: The state does not allow it.
        """
        assert event in ORDERS, "what follows from results is not for anybody to say"
        if event is Event.REGRESSED and self._info.is_probing:
            event = Event.PROBE_FAILED
        happened = self._move(event, now_s, reason)
        if event is Event.RELEASE or (event is Event.RESUME and self.is_global):
            self._windows.clear()
            self._streaks.clear()
        return happened

    # ---------------------------------------------------------------------------------------------------- within it

    def _refusal(self, run: str, policy: Policy, now_s: float) -> tuple[str, float | None]:
        """Why a run may not go on, empty if it may; and after how many seconds it may ask again, if that is known."""
        info = self._info
        if policy.breaker == "forced_open":
            return "The policy holds the breaker open.", None
        if info.state is ExecutionState.QUARANTINED:
            cool_down = CoolDown(policy.cooldown_s, policy.cooldown_growth, policy.longest_cooldown_s)
            left_s = cool_down.left_s(info, now_s)
            return (_why(info), left_s) if left_s > 0 else ("", None)
        if not info.state.acts:
            return _why(info), None
        if info.is_probing and run != self._probe_run:
            return f"Run {self._probe_run} is probing, and no other one may go on.", None
        return "", None

    @property
    def _watched(self) -> tuple[Measure, ...]:
        """What its windows count, what is the strictest to trip last."""
        if self.is_global:
            return (Measure.FAILURES, Measure.SCREEN_FAULTS)
        return (Measure.LOW_CONFIDENCE, Measure.SLOW_STEPS, Measure.FAILURES)

    def _watch(self, measure: Measure, policy: Policy) -> Watch:
        """What the window of a measure watches for."""
        if self.is_global:
            limit = policy.global_failures if measure is Measure.FAILURES else policy.screen_faults
            return Watch(Event.PAUSE, limit, policy.global_window_s, policy.global_workflows)
        if measure is Measure.LOW_CONFIDENCE:
            return Watch(Event.CONFIDENCE_SANK, policy.low_confidence_steps, policy.low_confidence_window_s)
        if measure is Measure.SLOW_STEPS:
            return Watch(Event.STEPS_SLOWED, policy.slow_steps, policy.slow_window_s)
        return Watch(Event.WORKFLOW_TRIPPED, policy.workflow_failures, policy.workflow_window_s)

    def _count(self, signal: Signal, policy: Policy, now_s: float) -> Iterator[tuple[Event, Tripped]]:
        """Count a result where it belongs; what trips by it, the strictest last."""
        kind = signal.trigger or ""
        if not self.is_global:
            yield from self._count_in_a_row(signal, policy, now_s)
        for measure in _measures(signal, policy):
            if measure not in self._watched:
                continue
            watch = self._watch(measure, policy)
            shape = watch.limit, watch.window_s, watch.spread
            window = self._windows.get(measure)
            self._windows[measure] = window = window.fit(*shape) if window else FailureWindow(*shape)
            window.add(now_s, kind, signal.workflow)
            self._changes += 1
            if window.is_full(now_s):
                level = Level.GLOBAL if self.is_global else Level.WORKFLOW
                triggers = window.kinds(now_s) if kind else {}
                yield (
                    watch.event,
                    Tripped(now_s, level, measure, signal.workflow, signal.step, watch.limit, watch.window_s, triggers),
                )

    def _count_in_a_row(self, signal: Signal, policy: Policy, now_s: float) -> Iterator[tuple[Event, Tripped]]:
        """Count a result for its step: a failure, or the success that ends a row of them."""
        if signal.is_validated and signal.step in self._streaks:
            del self._streaks[signal.step]
            self._changes += 1
        if signal.trigger in (None, Trigger.SCREEN_LOST):
            return
        limit = policy.step_failures
        streak = (*self._streaks.get(signal.step, ()), signal.trigger)[-limit:]
        self._streaks[signal.step] = streak
        self._changes += 1
        if len(streak) == limit:
            triggers = dict(Counter(map(str, streak)))
            yield (
                Event.STEP_TRIPPED,
                Tripped(now_s, Level.STEP, Measure.FAILURES, self.workflow, signal.step, limit, None, triggers),
            )

    def _prove(self, signal: Signal, policy: Policy, now_s: float, *, has_tripped: bool) -> tuple[BreakerEvent, ...]:
        """Count validated steps in a row while the workflow is DEGRADED; enough of them make it NORMAL."""
        if has_tripped or signal.trigger not in (None, Trigger.SCREEN_LOST):
            self._in_a_row = 0
        elif signal.is_validated and self._info.state is ExecutionState.DEGRADED:
            self._in_a_row += 1
            self._changes += 1
        if self._in_a_row < policy.proving_successes or self._info.is_probing:
            return ()
        return self._move(Event.PROVED, now_s, f"{self._in_a_row} validated steps in a row.")

    def _move(self, event: Event, now_s: float, reason: str) -> tuple[Moved, ...]:
        """Follow the table."""
        before = self._info
        self._info = advance(before, event, now_s, reason=reason)
        if self._info is before:
            return ()
        self._in_a_row = 0
        self._changes += 1
        if not self._info.is_probing:
            self._probe_run = ""
        return (Moved(self.workflow, before, self._info),)

    # ------------------------------------------------------------------------------------------------------ keeping

    def to_json(self) -> str:
        """All of it as one line of JSON."""
        windows = {measure: window.kept() for measure, window in self._windows.items()}
        kept = _Kept(self.workflow, self._info, windows, self._streaks, self._in_a_row, self._probe_run)
        return _ADAPTER.dump_json(kept).decode()

    @staticmethod
    def from_json(text: str) -> CircuitBreaker:
        """What `to_json` wrote.

        Raises:
            StoreError: It is no such thing, or contradicts itself.
        """
        try:
            kept = _ADAPTER.validate_json(text, strict=True)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise StoreError(f"A breaker cannot be read back: {problems}.") from None
        if bool(kept.probe_run) != kept.info.is_probing:
            raise StoreError("A breaker cannot be read back: a probe, and nothing else, belongs to a run.")
        breaker = CircuitBreaker(kept.workflow, kept.info)
        breaker._windows = {measure: FailureWindow.of(window) for measure, window in kept.windows.items()}
        breaker._streaks = dict(kept.streaks)
        breaker._in_a_row = kept.in_a_row
        breaker._probe_run = kept.probe_run
        return breaker


def _why(info: ExecutionStateInfo) -> str:
    """Why nothing may be executed in a state."""
    return f"It is {info.state}. {info.reason}".strip()


def _measures(signal: Signal, policy: Policy) -> tuple[Measure, ...]:
    """What a result counts as."""
    if signal.trigger is not None:
        return (Measure.SCREEN_FAULTS if signal.trigger is Trigger.SCREEN_LOST else Measure.FAILURES,)
    is_doubtful = signal.confidence is not None and signal.confidence < policy.low_confidence_below
    is_slow = signal.duration_s > policy.slow_step_s
    return (Measure.LOW_CONFIDENCE,) * is_doubtful + (Measure.SLOW_STEPS,) * is_slow


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a breaker."""

    workflow: str
    info: ExecutionStateInfo
    windows: dict[Measure, KeptWindow]
    streaks: dict[str, tuple[Trigger, ...]]
    in_a_row: Annotated[int, Field(ge=0)]
    probe_run: str

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


_ADAPTER = TypeAdapter(_Kept)
