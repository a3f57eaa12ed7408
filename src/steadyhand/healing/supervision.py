"""Supervision: what one run asks before each of its steps, and what it tells after them.

A run is known by a name of its own; a run that is resumed has the name of the one that it goes on with, so a probe that
was cut short goes on as that probe. What cannot be kept or witnessed is never passed over: the step is refused, or the
next one is.
"""

from __future__ import annotations

import math
import shlex
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from steadyhand.errors import RefusedError, StoreError
from steadyhand.healing.breaker_events import BreakerEvent, Dropped, Moved, Tripped
from steadyhand.model.outcome import Course

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from steadyhand.healing.auto_heal_manager import AutoHealManager, Decision
    from steadyhand.healing.execution_state import ExecutionState
    from steadyhand.model.outcome import StepResult
    from steadyhand.model.workflow import Step


UNKNOWN = "UNKNOWN"
"""What a report says of a state that cannot be read."""


class Witness(Protocol):
    """Somebody who keeps what was decided and what came of it, such as an audit log.

    Each method may raise `StoreError`: what it was told cannot be kept. Then nothing more is executed.
    """

    def decided(self, decision: Decision) -> None:
        """Take note of a decision, before anything is done by it."""
        ...

    def intends(self, decision: Decision, step: Step) -> None:
        """Take note that a step that was allowed is about to act; it acts when this returns."""
        ...

    def ended(self, decision: Decision, result: StepResult) -> None:
        """Take note of what came of a step that was allowed, before the next one is asked for."""
        ...


class Supervision:
    """Supervises one run of one workflow.

    Args:
        manager: Decides.
        workflow: The name of the workflow.
        run: What the run is known by; no other run has this name, unless one goes on with the other.
        witnesses: Who is told of each decision and of each result.
        learned_version: The version of what was learned with which the run looks; 0 for none.
    """

    def __init__(
        self,
        manager: AutoHealManager,
        workflow: str,
        run: str,
        witnesses: Sequence[Witness] = (),
        learned_version: int = 0,
    ) -> None:
        self._manager = manager
        self._workflow = workflow
        self._run = run
        self._witnesses = witnesses
        self._learned_version = learned_version
        self._before: ExecutionState | None = None
        self._known: ExecutionState | None = None
        self._events: list[str] = []
        self._trouble = ""

    def admit(self, step: str) -> Decision:
        """Whether the run may begin, before its screen is opened; it never raises. The step itself is asked for later.

        Args:
            step: The id of the first step that it would take.
        """
        return self._ask(step)

    def ask(self, step: Step) -> Decision:
        """Whether the run may take a step now; it never raises.

        Returns:
            The decision; its reason says in full why not, and what can be done about it.
        """
        return self._ask(step.id, is_irreversible=step.irreversible, is_verifiable=bool(step.expect))

    def intend(self, decision: Decision, step: Step) -> None:
        """Have it witnessed that a step is about to act.

        Args:
            decision: By which it is taken.
            step: Which step.

        Raises:
            RefusedError: That cannot be kept; the action must not happen.
        """
        with self._noticing():
            for witness in self._witnesses:
                witness.intends(decision, step)
        if self._trouble:
            raise RefusedError(self._trouble)

    def tell(self, decision: Decision, result: StepResult) -> None:
        """Take note of what came of a step; if that cannot be kept, the next one is refused.

        Args:
            decision: By which it was taken.
            result: What came of it.
        """
        with self._noticing():
            looked_with = replace(result, learned_version=self._learned_version)
            self._tell_of(self._manager.on_step_result(decision, looked_with))
        for witness in self._witnesses:
            with self._noticing():
                witness.ended(decision, result)

    def finish(self, *, is_complete: bool) -> Course:
        """Take note of the end of the run; it never raises.

        Args:
            is_complete: Every step was taken.

        Returns:
            How it stood with the workflow before and after.
        """
        with self._noticing():
            self._tell_of(self._manager.finish_run(self._workflow, self._run, is_complete=is_complete))
        self._look()
        return Course(self._before or UNKNOWN, self._known or UNKNOWN, tuple(self._events))

    def _ask(self, step: str, *, is_irreversible: bool = False, is_verifiable: bool = True) -> Decision:
        """Ask the manager, and have the answer witnessed."""
        if self._before is None:
            self._before = self._look()
        decision = self._manager.should_execute_step(
            self._workflow, step, self._run, is_irreversible=is_irreversible, is_verifiable=is_verifiable
        )
        if decision.state is not self._known:
            self._look()
        with self._noticing():
            for witness in self._witnesses if not self._trouble else ():
                witness.decided(decision)
        if self._trouble:
            return replace(decision, allowed=False, reason=self._trouble)
        return replace(decision, reason=" ".join(_refusal(decision)))

    def _look(self) -> ExecutionState | None:
        """See in which state the workflow is; what changed it since the last look, and was not told, is told now."""
        state = None
        with self._noticing():
            info = self._manager.get_state(self._workflow)
            if self._known not in (None, info.state):
                self._events.append(f"{self._known} -> {info.state}. {info.reason}")
            self._known = state = info.state
        return state

    def _tell_of(self, events: Iterable[BreakerEvent]) -> None:
        """Keep what happened, in words; what tripped a breaker is the reason of the change that it made."""
        listed = list(events)
        told = {event.after.reason for event in listed if isinstance(event, Moved)}
        for event in listed:
            match event:
                case Moved(workflow=workflow, before=before, after=after):
                    who = "" if workflow else "All workflows: "
                    change = "" if before.state is after.state else f"{before.state} -> {after.state}. "
                    self._events.append(f"{who}{change}{after.reason}")
                    self._known = after.state if workflow else self._known
                case Tripped(reason=reason) if reason not in told:
                    self._events.append(reason)
                case Dropped(signal=signal):
                    self._events.append(f"The result of step {signal.step} came too late and counts for nothing.")

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Notice that something cannot be kept: that is told once, and nothing more is allowed."""
        try:
            yield
        except StoreError as error:
            if not self._trouble:
                self._trouble = str(error)
                self._events.append(self._trouble)


def _refusal(decision: Decision) -> Iterator[str]:
    """Why a step may not be taken, and what can be done about it, in sentences; none if it may."""
    if decision.allowed:
        return
    yield decision.reason
    if decision.retry_after_s is not None:
        yield f"It may be asked again in {math.ceil(decision.retry_after_s)} s."
    if decision.waits_for_approval:
        order = shlex.join(["steadyhand", "approve", decision.workflow, decision.step, "--by"])
        yield f"`{order} NAME` allows it once."
