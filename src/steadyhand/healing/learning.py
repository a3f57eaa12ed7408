"""What healing says about what was learned: whether more may be, and whether the last of it must be taken back.

A *memory* keeps what was learned, in versions; healing sees nothing of it but their numbers. When the watch
(`steadyhand.healing.regression`) finds a regression, the workflow goes to ROLLBACK, and nothing of it is executed. Only
when that is kept is the memory told to restore the last good version; only when that is done does the workflow go on.
Whoever finds it unfinished, after a crash or in another process, finishes it: each part may be done twice.

A workflow in quarantine, or that was quarantined meanwhile, is restored as well, and stays where it is: its next probe
looks with the good version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from steadyhand.healing.execution_state import Event, ExecutionState
from steadyhand.healing.regression import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from steadyhand.healing.auto_heal_manager import Decision
    from steadyhand.healing.change import Change
    from steadyhand.healing.regression import Regression
    from steadyhand.model.outcome import StepResult
    from steadyhand.policy import Policy

_MOST_ATTEMPTS = 1_000
"""How many runs that have not ended are remembered. One that is forgotten counts for nothing. Source: a decision."""
_RESTORABLE = (ExecutionState.ROLLBACK, ExecutionState.QUARANTINED)
"""The states in which nothing looks with what is being restored."""


class Memory(Protocol):
    """What was learned, as far as healing needs to know of it. Each method may raise `StoreError`."""

    def version(self, workflow: str) -> int:
        """The number of the version that the next run of a workflow looks with; 0 if nothing was learned yet.

        A later version has a higher number, and no number is used twice, not even after a rollback.
        """
        ...

    def forbid(self, workflow: str, version: int) -> None:
        """Never learn again what a version and all later ones have added: the same contents, known by their hashes.

        Done a second time, it changes nothing.
        """
        ...

    def roll_back(self, workflow: str, version: int, why: str) -> int | None:
        """Take back a version and all later ones, mark them as bad, and use the last good one before them.

        Done a second time, it changes nothing and answers the same.

        Args:
            workflow: Of which workflow.
            version: The first version to be taken back.
            why: One sentence for a person.

        Returns:
            The version that is in use now, 0 if that is nothing at all; None if nothing good is left, so that nothing
            should be executed.
        """
        ...


class Learning:
    """Watches over what was learned. As safe as the changes that it is given.

    Args:
        changing: Begins a change of all that is kept.
        policy: Gives the thresholds for a workflow as they are now.
        memory: What was learned; None if nothing ever is. Then regressions are found, and nothing is restored.
    """

    def __init__(
        self,
        changing: Callable[[], AbstractContextManager[Change]],
        policy: Callable[[str], Policy],
        memory: Memory | None,
    ) -> None:
        self._changing = changing
        self._policy = policy
        self._memory = memory
        self._attempts: dict[tuple[str, str], Attempt] = {}

    def may_learn(self, decision: Decision) -> bool:
        """Whether one prototype may be added for a step that was validated; it is counted before it is there.

        Args:
            decision: By which the step was taken. What came of it has been told.

        Raises:
            StoreError: That cannot be kept; nothing may be added.
        """
        if not decision.may_be_learned_from:
            return False
        with self._changing() as change:
            attempt = self._attempts.get((decision.workflow, decision.run))
            is_late = change.breaker(decision.workflow).info.is_late(decision.generation)
            if attempt is None or is_late:
                return False
            return change.watch(decision.workflow).may_learn(attempt, self._policy(decision.workflow))

    def reject_heal(self, workflow: str, run: str, step: str, by: str) -> None:
        """Take note that a person says: this was not the target.

        Args:
            workflow: Which workflow.
            run: In which run; one that nobody remembers changes nothing.
            step: The step whose target it was.
            by: Who says so; not empty.

        Raises:
            StoreError: It cannot be kept.
        """
        assert by, "a rejection has somebody who gave it"
        with self._changing() as change:
            details = {"at_s": change.now_s, "workflow": workflow, "run": run, "step": step, "by": by}
            change.note("HealRejected", details)
            attempt = self._attempts.get((workflow, run))
            if attempt is not None:
                attempt.misled_at = step
            else:
                self._found(change, workflow, change.watch(workflow).reject(run, step, self._policy(workflow)))
        self.restore(workflow)

    # ------------------------------------------------------------------------------------------- what a manager tells

    def add(self, decision: Decision, result: StepResult) -> None:
        """Take note of a step of a run that goes on; within a change, for the sake of other threads."""
        key = decision.workflow, decision.run
        attempt = self._attempts.pop(key, None) or Attempt(result.learned_version)
        attempt.add(result, decision.state, self._policy(decision.workflow).normal)
        self._attempts[key] = attempt
        if len(self._attempts) > _MOST_ATTEMPTS:
            del self._attempts[next(iter(self._attempts))]

    def end(self, change: Change, workflow: str, run: str, *, is_complete: bool) -> None:
        """Take note of the end of a run; a regression that it makes plain holds the workflow."""
        attempt = self._attempts.pop((workflow, run), None)
        if attempt is None:
            return
        watch, policy = change.watch(workflow), self._policy(workflow)
        self._found(change, workflow, watch.record(run, attempt, policy, is_complete=is_complete))

    def hold(self, change: Change, workflow: str) -> None:
        """Hold a workflow that acts with what has to be taken back."""
        condemned, own = change.watch(workflow).condemned, change.breaker(workflow)
        if condemned and own.info.state.acts and not own.info.is_probing:
            change.tell(own.apply(Event.REGRESSED, change.now_s, condemned.reason))

    def restore(self, workflow: str) -> bool:
        """Take back what has to be, if anything has; not within a change, for that may take its time.

        Returns:
            Whether something was restored, so the state of the workflow may be another one.

        Raises:
            StoreError: It cannot be restored, or that cannot be kept. Then it is still to be done.
        """
        if self._memory is None:
            return False
        with self._changing() as change:
            watch, info = change.watch(workflow), change.breaker(workflow).info
            if info.state is ExecutionState.ROLLBACK and watch.condemned is None:  # by an order
                watch.condemn(self._memory.version(workflow), info.reason)
            condemned = watch.condemned
            if condemned is None or info.state not in _RESTORABLE:
                return False
        self._memory.forbid(workflow, condemned.version)
        version = self._memory.roll_back(workflow, condemned.version, condemned.reason)
        with self._changing() as change:
            watch, own = change.watch(workflow), change.breaker(workflow)
            if watch.condemned != condemned or own.info.state not in _RESTORABLE:
                return True  # somebody else was quicker, or it is paused: then it is done again after that
            watch.restored(version)
            change.note(
                "RolledBack",
                {"at_s": change.now_s, "workflow": workflow, "from": condemned.version, "to": version},
            )
            if own.info.state is ExecutionState.ROLLBACK:
                event = Event.NOTHING_TO_RESTORE if version is None else Event.RESTORED
                change.tell(own.apply(event, change.now_s, _done(condemned.reason, version)))
        return True

    def _found(self, change: Change, workflow: str, regression: Regression | None) -> None:
        """Keep a regression with its evidence, and hold the workflow."""
        if regression:
            details = {**regression._asdict(), "before": regression.before.share, "since": regression.since.share}
            runs = {"runs_before": regression.before.runs, "runs_since": regression.since.runs}
            change.note("Regressed", {"at_s": change.now_s, "workflow": workflow, **details, **runs})
        self.hold(change, workflow)


def _done(why: str, version: int | None) -> str:
    """What came of a rollback, and why it was, for a person."""
    if version is None:
        return f"{why} There is no good version to go back to."
    now = f"Version {version} is in use again." if version else "Nothing that was learned is in use any more."
    return f"{why} {now}"
