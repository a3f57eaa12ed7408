"""Auditing: what a robot decides and does is written into the audit log of its folder.

A *robot* is a folder: in it are the state of its workflows, by which a manager decides, and the log of what was decided
and done. Several processes may be at work in one folder at the same time.

An *auditor* writes down one run. Whatever the manager did meanwhile, for this run, for another one or for a person,
goes into the log before the decision that could follow from it. What a killed process left out is written by the next
one that opens the folder.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple, Self

from steadyhand.errors import StoreError
from steadyhand.evidence.audit_log import FOLDER, AuditLog
from steadyhand.evidence.audit_records import DecisionMade, Intended, RunEnded, RunStarted, StepEnded
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.memory.learned_memory import LearnedVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from steadyhand.clock import Clock
    from steadyhand.healing.auto_heal_manager import Decision
    from steadyhand.model.outcome import RunResult, StepResult
    from steadyhand.model.workflow import Step, Workflow


class Robot(NamedTuple):
    """What is in a robot's folder.

    Attributes:
        manager: Decides by the states of its workflows, and keeps them.
        log: Keeps what was decided and done.
    """

    manager: AutoHealManager
    log: AuditLog


@contextmanager
def open_robot(data: Path, policy: Path, clock: Clock) -> Iterator[Robot]:
    """Open the folder of a robot; all that happened there so far is in its log then.

    Args:
        data: The folder; made if needed.
        policy: The policy file, whether there is one or not.
        clock: Where time comes from.

    Raises:
        PolicyError: The policy cannot be used, and no good one is kept.
        StoreError: The state cannot be read, or the log not be written.
    """
    memory = LearnedVersions(data, clock)
    with closing(AutoHealManager.open(data, policy, clock, memory)) as manager, AuditLog(data / FOLDER, clock) as log:
        log.follow(manager.history)
        yield Robot(manager, log)


class Auditor:
    """Writes down one run, from its begin to its end; a witness for those who supervise it.

    Within its context no secret of the run is written. A run that ends by a fault is written down as broken off.

    Args:
        log: Where to.
        manager: Decides in this run.
        workflow: What is run.
        run: What the run is known by.
        hide: Strikes the secrets of the run out of a text.

    Raises:
        StoreError: It cannot be written; from every method.
    """

    def __init__(
        self, log: AuditLog, manager: AutoHealManager, workflow: Workflow, run: str, hide: Callable[[str], str]
    ) -> None:
        self._log = log
        self._manager = manager
        self._workflow = workflow
        self._run = run
        self._hide = hide
        self._hiding = ExitStack()
        self._has_ended = False

    def __enter__(self) -> Self:
        """Write down that the run begins."""
        with ExitStack() as hiding:
            hiding.enter_context(self._log.hiding(self._hide))
            self._log.append(RunStarted(workflow=self._workflow.name, run=self._run, screen=self._workflow.screen.kind))
            self._hiding = hiding.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._hiding, suppress(StoreError):  # the fault that ended the run says more
            if not self._has_ended:
                reason = "Somebody stopped the run." if isinstance(fault, KeyboardInterrupt) else str(fault)
                self._end(RunEnded(workflow=self._workflow.name, run=self._run, reason=reason))

    def decided(self, decision: Decision) -> None:
        """Write down a decision, and before it whatever happened since the last one, which is on the disk then."""
        try:
            self._log.follow(self._manager.history)
        finally:
            self._log.append(DecisionMade.of(asdict(decision)))

    def intends(self, decision: Decision, step: Step) -> None:
        """Write down that a step is about to act; it is on the disk when this returns."""
        intent = Intended(
            workflow=decision.workflow,
            step=step.id,
            run=decision.run,
            action=step.action,
            irreversible=step.irreversible,
        )
        self._log.append(intent, durable=True)

    def ended(self, decision: Decision, result: StepResult) -> None:
        """Write down what came of a step."""
        self._log.append(StepEnded.of(result, decision.workflow, decision.run))

    def end(self, result: RunResult) -> None:
        """Write down that the run came to its end, and what happened because of that."""
        self._end(RunEnded.of(result, self._run))

    def _end(self, record: RunEnded) -> None:
        """Write down how the run ended, once."""
        self._has_ended = True
        self._log.follow(self._manager.history)
        self._log.append(record, durable=True)
