"""The manager: it is asked before each step and told after it, and keeps what follows from that.

A *decision* says whether a step may be executed and under which demands. It names the version of the policy and the
generations of the states by which it was made. Whoever executes the step gives the decision back with the result.

While a workflow is DEGRADED, a step that cannot be undone waits for the *approval* of a person, which is good for one
execution of that step within some time.

What happened is kept as the *history*: every change of a state, every breaker that tripped, every result that came too
late, every approval, and what each policy says by which this process decided.

Everything that follows from a question or from an answer is kept before it is given: after a crash at any instant,
states and windows are what they were said to be. Where they cannot be kept, nothing is executed.

What was learned is watched as well (`steadyhand.healing.learning`): if it made things worse, the last good version is
restored before anything else is executed.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from steadyhand.errors import StateError, StoreError
from steadyhand.healing.breaker_events import (
    BreakerEvent,
    BreakerState,
    Permission,
    Reading,
    Signal,
    weighed_confidence,
)
from steadyhand.healing.change import Approval, Change
from steadyhand.healing.execution_state import Event, ExecutionState, ExecutionStateInfo
from steadyhand.healing.learning import Learning
from steadyhand.healing.state_store import SqliteStore
from steadyhand.model.outcome import Ruling, Verdict
from steadyhand.policy_file import PolicyFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.clock import Clock
    from steadyhand.healing.circuit_breaker import CircuitBreaker
    from steadyhand.healing.learning import Memory
    from steadyhand.healing.state_store import StateStore
    from steadyhand.model.outcome import StepResult, Thresholds
    from steadyhand.policy import Policy, PolicyConfig

_ALL = ""
"""The name of the breaker over all workflows."""
_WENT_ON = (Verdict.DONE, Verdict.UNVERIFIED)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a step may be executed, and under which demands.

    Attributes:
        workflow: Whose step it is.
        step: Which step.
        run: Which run asked.
        allowed: It may.
        reason: Why not, one sentence for a person; empty if it may.
        state: The state of the workflow.
        thresholds: What is demanded of the place of its target.
        must_be_verified: A step that turns out unverified must not go on.
        doubtful_below: A target that is found with less confidence than this counts as a doubtful one.
        may_be_learned_from: What it does may be learned from, once it is validated.
        policy_version: By which policy this was decided.
        generation: In which generation of the workflow's state.
        global_generation: In which generation of the state of all workflows.
        retry_after_s: Seconds after which the answer may be another one; None if nobody knows.
        waits_for_approval: It may as soon as a person approves it.
    """

    workflow: str
    step: str
    run: str
    allowed: bool
    reason: str
    state: ExecutionState
    thresholds: Thresholds
    must_be_verified: bool
    doubtful_below: float
    may_be_learned_from: bool
    policy_version: str
    generation: int
    global_generation: int
    retry_after_s: float | None = None
    waits_for_approval: bool = False

    @property
    def must_agree(self) -> bool:
        """Whether a model's choice counts only if some other evidence agrees."""
        return self.state is not ExecutionState.NORMAL

    def doubts(self, result: StepResult) -> bool:
        """Whether the target of a step that went on was a doubtful one."""
        confidence = weighed_confidence(result)
        return result.verdict in _WENT_ON and confidence is not None and confidence < self.doubtful_below

    @property
    def ruling(self) -> Ruling:
        """What of it belongs into a report."""
        return Ruling(
            self.allowed,
            self.reason,
            self.state,
            self.thresholds,
            self.policy_version,
            self.retry_after_s,
            self.waits_for_approval,
        )


@dataclass(frozen=True, slots=True)
class Status:
    """How it stands with one workflow, or with all together.

    Attributes:
        workflow: Its name; empty for all together.
        info: Its state, since when and why.
        breaker: The same in the words of breakers.
        readings: How full each window is.
    """

    workflow: str
    info: ExecutionStateInfo
    breaker: BreakerState
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """How it stands with everything.

    Attributes:
        at_s: When, seconds since 1970.
        policy_version: The policy that is in force.
        policy_problems: What is wrong with the policy file, if it is not the one in force.
        overall: How it stands with all workflows together.
        workflows: How it stands with each workflow of which anything is known, by name.
        approvals: The steps that wait for a person.
    """

    at_s: float
    policy_version: str
    policy_problems: tuple[str, ...]
    overall: Status
    workflows: tuple[Status, ...]
    approvals: tuple[Approval, ...]


class AutoHealManager:
    """Decides before each step and learns of its result. Safe for several threads, and for processes on one store.

    Args:
        store: Where it keeps what it knows.
        policy: The thresholds, as they are at each moment.
        clock: Where time comes from.
        memory: What was learned; None if nothing ever is.

    Attributes:
        learning: Whether more may be learned, and what a person says of it.
    """

    def __init__(self, store: StateStore, policy: PolicyFile, clock: Clock, memory: Memory | None = None) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._known: dict[str, tuple[str, CircuitBreaker]] = {}
        self._told_policy = ""
        self.learning = Learning(
            lambda: self._changing(policy.current()), lambda workflow: policy.current().of(workflow), memory
        )

    @staticmethod
    def open(data: Path, policy: Path, clock: Clock, memory: Memory | None = None) -> AutoHealManager:
        """The manager of a robot.

        Args:
            data: The folder in which it keeps what it knows; made if needed.
            policy: The policy file, whether there is one or not.
            clock: Where time comes from.
            memory: What was learned; None if nothing ever is.

        Raises:
            PolicyError: The policy cannot be used, and no good one is kept.
            StoreError: The state cannot be read.
        """
        kept = PolicyFile(policy, data / "last_good_policy.json")
        return AutoHealManager(SqliteStore(data / "state.db"), kept, clock, memory)

    def close(self) -> None:
        """Let go of what is kept."""
        self._store.close()

    # ----------------------------------------------------------------------------------------------------- the loop

    def should_execute_step(
        self, workflow: str, step: str, run: str, *, is_irreversible: bool = False, is_verifiable: bool = True
    ) -> Decision:
        """Whether a run may execute a step now. It never raises: what cannot be known is refused.

        A rollback that is to be done, or that was cut short, is done first.

        Args:
            workflow: Whose step it is; not empty.
            step: Which step.
            run: Which run asks; not empty.
            is_irreversible: It cannot be undone.
            is_verifiable: Something is expected of it that can be checked.
        """
        demands = {"is_irreversible": is_irreversible, "is_verifiable": is_verifiable}
        decision = self._asked(workflow, step, run, **demands)
        if decision.allowed:
            return decision
        try:
            return self._asked(workflow, step, run, **demands) if self.learning.restore(workflow) else decision
        except StoreError as error:
            return replace(decision, reason=f"{decision.reason} {error}")

    def _asked(self, workflow: str, step: str, run: str, *, is_irreversible: bool, is_verifiable: bool) -> Decision:
        """What follows from the state of a workflow as it is."""
        assert workflow, "the empty name stands for all workflows together"
        assert run, "the empty name stands for no run"
        config = self._policy.current()
        policy = config.of(workflow)
        try:
            with self._changing(config) as change:
                decision = self._decided(change, config, workflow, step, run)
                if decision.allowed and decision.state is ExecutionState.DEGRADED:
                    if decision.must_be_verified and not is_verifiable:
                        return _refused(decision, "It is DEGRADED, and nothing could show whether this step succeeded.")
                    if is_irreversible and not change.takes_approval(workflow, step, run, policy.approval_lasts_s):
                        reason = "It is DEGRADED, and this step cannot be undone: it waits for a person's approval."
                        return replace(_refused(decision, reason), waits_for_approval=True)
                return decision
        except StoreError as error:
            unknown = ExecutionStateInfo(ExecutionState.QUARANTINED)
            refusal = Permission(0, str(error))
            return _decision(refusal, unknown, config, workflow=workflow, step=step, run=run, global_generation=0)

    def on_step_result(self, decision: Decision, result: StepResult) -> tuple[BreakerEvent, ...]:
        """Take note of what came of a step that was allowed.

        Args:
            decision: By which it was executed.
            result: What came of it.

        Returns:
            What happened: breakers that tripped, changes of the state, or that the result came too late.

        Raises:
            StoreError: It cannot be kept. The run must not go on.
        """
        assert decision.allowed, "what was refused has no result"
        signal = Signal.of(decision.workflow, result)
        if signal is None:
            return ()
        config = self._policy.current()
        with self._changing(config) as change:
            own, overall = change.breaker(decision.workflow), change.breaker(_ALL)
            change.tell(own.record(signal, decision.generation, config.of(decision.workflow), change.now_s))
            change.tell(overall.record(signal, decision.global_generation, config.everywhere, change.now_s))
            self.learning.add(decision, result)
        return tuple(change.happened)

    def finish_run(self, workflow: str, run: str, *, is_complete: bool) -> tuple[BreakerEvent, ...]:
        """Take note of the end of a run, whether every step of it was executed or not.

        Raises:
            StoreError: It cannot be kept.
        """
        with self._changing(self._policy.current()) as change:
            change.tell(change.breaker(workflow).finish(run, change.now_s, is_complete=is_complete))
            self.learning.end(change, workflow, run, is_complete=is_complete)
        self.learning.restore(workflow)
        return tuple(change.happened)

    def _decided(self, change: Change, config: PolicyConfig, workflow: str, step: str, run: str) -> Decision:
        """What the breakers say to a question."""
        overall, own = change.breaker(_ALL), change.breaker(workflow)
        permission, happened = overall.ask(run, config.everywhere, change.now_s)
        change.tell(happened)
        global_generation = permission.generation
        if permission.is_granted:
            permission, happened = own.ask(run, config.of(workflow), change.now_s)
            change.tell(happened)
        else:
            permission = Permission(own.info.generation, f"For all workflows: {permission.refusal}")
        return _decision(
            permission, own.info, config, workflow=workflow, step=step, run=run, global_generation=global_generation
        )

    # ------------------------------------------------------------------------------------------------------- orders

    def pause(self, workflow: str, reason: str) -> None:
        """Hold a workflow, or with an empty name all of them.

        Raises:
            StateError: It is paused already.
            StoreError: It cannot be kept.
        """
        self.apply(workflow, Event.PAUSE, reason)

    def resume(self, workflow: str, reason: str) -> None:
        """Let a paused workflow go on as it was before, or with an empty name all of them.

        Raises:
            StateError: It is not paused.
            StoreError: It cannot be kept.
        """
        self.apply(workflow, Event.RESUME, reason)

    def release(self, workflow: str, reason: str) -> None:
        """Let a quarantined workflow run again, in DEGRADED.

        Raises:
            StateError: It is not quarantined.
            StoreError: It cannot be kept.
        """
        self.apply(workflow, Event.RELEASE, reason)

    def apply(self, workflow: str, event: Event, reason: str) -> None:
        """Take an order, or a word on what was learned.

        Args:
            workflow: Which one; empty for all together.
            event: One of `steadyhand.healing.circuit_breaker.ORDERS`.
            reason: Who says so and why, one sentence.

        Raises:
            StateError: The state does not allow it.
            StoreError: It cannot be kept.
        """
        with self._changing(self._policy.current()) as change:
            change.tell(change.breaker(workflow).apply(event, change.now_s, reason))
            self.learning.hold(change, workflow)

    def approve(self, workflow: str, step: str, by: str) -> None:
        """Allow one execution of a step that waits for it.

        Args:
            workflow: Whose step it is.
            step: Which step.
            by: Who says so; not empty.

        Raises:
            StateError: It does not wait for an approval.
            StoreError: It cannot be kept.
        """
        assert by, "an approval has somebody who gave it"
        with self._changing(self._policy.current()) as change:
            approval = change.approval(workflow, step)
            if approval is None:
                raise StateError(f"Step {step} of {workflow} waits for no approval.")
            change.keep_approval(replace(approval, by=by, approved_s=change.now_s))
            change.note("Approved", {"at_s": change.now_s, "workflow": workflow, "step": step, "by": by})

    # ------------------------------------------------------------------------------------------------------ reports

    def get_status_report(self) -> StatusReport:
        """How it stands with everything.

        Raises:
            StoreError: It cannot be read.
        """
        config, refusal = self._policy.current(), self._policy.refusal
        with _uncollected(), self._looking() as change:
            now_s = change.now_s
            overall = _status(change.breaker(_ALL), config.everywhere, now_s)
            workflows = tuple(
                _status(each, config.of(each.workflow), now_s) for each in change.breakers() if not each.is_global
            )
            approvals = tuple(change.approvals())
        return StatusReport(
            at_s=now_s,
            policy_version=config.version,
            policy_problems=(refusal.problems or (refusal.message,)) if refusal else (),
            overall=overall,
            workflows=workflows,
            approvals=approvals,
        )

    def get_state(self, workflow: str) -> ExecutionStateInfo:
        """The state of one workflow.

        Args:
            workflow: Its name; empty for all together.

        Raises:
            StoreError: It cannot be read.
        """
        with self._looking() as kept:
            return kept.breaker(workflow).info

    def history(self, after: int = 0) -> list[tuple[int, str]]:
        """What happened, each a line of JSON with its number, the oldest first.

        Args:
            after: The number of the last line that is known already.

        Raises:
            StoreError: It cannot be read.
        """
        with self._store.change() as records:
            return records.notes(after)

    @contextmanager
    def _looking(self) -> Iterator[Change]:
        """Look at what is kept."""
        with self._store.change() as records:
            yield Change(records, self._known, self._clock.now().timestamp())

    @contextmanager
    def _changing(self, config: PolicyConfig) -> Iterator[Change]:
        """Work on what is kept, alone; what happened is kept when it ends, and nothing if it raises.

        The first change by a policy tells what that policy says.
        """
        with self._looking() as change:
            if config.version != self._told_policy:
                change.note("PolicyTaken", {"at_s": change.now_s, "thresholds": config.thresholds})
            try:
                yield change
                change.keep(config.version)
            except BaseException:
                self._known.clear()  # they may have changed, and that is not kept
                raise
        self._told_policy = config.version


def _decision(
    permission: Permission,
    info: ExecutionStateInfo,
    config: PolicyConfig,
    *,
    workflow: str,
    step: str,
    run: str,
    global_generation: int,
) -> Decision:
    """The decision that follows from a permission and from the state in which it was given."""
    policy, state = config.of(workflow), info.state
    is_normal = state is ExecutionState.NORMAL
    return Decision(
        workflow=workflow,
        step=step,
        run=run,
        allowed=permission.is_granted,
        reason=permission.refusal,
        state=state,
        thresholds=policy.normal if is_normal else policy.degraded,
        must_be_verified=not is_normal and not policy.degraded_allows_unverified,
        doubtful_below=policy.low_confidence_below,
        may_be_learned_from=permission.is_granted and state.learns,
        policy_version=config.version,
        generation=permission.generation,
        global_generation=global_generation,
        retry_after_s=permission.retry_after_s,
    )


def _refused(decision: Decision, reason: str) -> Decision:
    """The same decision, but no."""
    return replace(decision, allowed=False, reason=reason, may_be_learned_from=False)


def _status(breaker: CircuitBreaker, policy: Policy, now_s: float) -> Status:
    """How it stands with one workflow, or with all together."""
    return Status(breaker.workflow, breaker.info, breaker.state(policy), tuple(breaker.readings(policy, now_s)))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through thousands of breakers again and again while they are read.

    Source: a measurement. Of the CPU for a first report of 10,000 workflows it takes 40%, and it finds nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
