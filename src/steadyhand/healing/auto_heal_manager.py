"""The manager: it is asked before each step and told after it, and keeps what follows from that.

A *decision* says whether a step may be executed and under which demands. It names the version of the policy and the
generations of the states by which it was made. Whoever executes the step gives the decision back with the result.

While a workflow is DEGRADED, a step that cannot be undone waits for the *approval* of a person, which is good for one
execution of that step within some time.

Everything that follows from a question or from an answer is kept before it is given: after a crash at any instant,
states and windows are what they were said to be. Where they cannot be kept, nothing is executed.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from steadyhand.errors import StateError, StoreError
from steadyhand.healing.breaker_events import BreakerEvent, BreakerState, Reading, Signal, weighed_confidence
from steadyhand.healing.circuit_breaker import CircuitBreaker
from steadyhand.healing.execution_state import Event, ExecutionState, ExecutionStateInfo
from steadyhand.healing.state_store import SqliteStore
from steadyhand.model.outcome import Ruling, Verdict
from steadyhand.policy_file import PolicyFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.clock import Clock
    from steadyhand.healing.state_store import Records, StateStore
    from steadyhand.model.outcome import StepResult, Thresholds
    from steadyhand.policy import Policy, PolicyConfig

_BREAKER, _APPROVAL = "breaker", "approval"
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
class Approval:
    """A step that cannot be undone, and that waits for a person or was approved by one.

    Attributes:
        workflow: Whose step it is.
        step: Which step.
        run: The run that asked.
        asked_s: When, seconds since 1970.
        by: Who approved it; empty while nobody has.
        approved_s: When, seconds since 1970.
    """

    workflow: str
    step: str
    run: str
    asked_s: float
    by: str = ""
    approved_s: float = 0.0


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
    """

    def __init__(self, store: StateStore, policy: PolicyFile, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._known: dict[str, tuple[str, CircuitBreaker]] = {}

    @staticmethod
    def open(data: Path, policy: Path, clock: Clock) -> AutoHealManager:
        """The manager of a robot.

        Args:
            data: The folder in which it keeps what it knows; made if needed.
            policy: The policy file, whether there is one or not.
            clock: Where time comes from.

        Raises:
            PolicyError: The policy cannot be used, and no good one is kept.
            StoreError: The state cannot be read.
        """
        kept = PolicyFile(policy, data / "last_good_policy.json")
        return AutoHealManager(SqliteStore(data / "state.db"), kept, clock)

    def close(self) -> None:
        """Let go of what is kept."""
        self._store.close()

    # ----------------------------------------------------------------------------------------------------- the loop

    def should_execute_step(
        self, workflow: str, step: str, run: str, *, is_irreversible: bool = False, is_verifiable: bool = True
    ) -> Decision:
        """Whether a run may execute a step now. It never raises: what cannot be known is refused.

        Args:
            workflow: Whose step it is; not empty.
            step: Which step.
            run: Which run asks; not empty.
            is_irreversible: It cannot be undone.
            is_verifiable: Something is expected of it that can be checked.
        """
        assert workflow, "the empty name stands for all workflows together"
        assert run, "the empty name stands for no run"
        config = self._policy.current()
        policy = config.of(workflow)
        question = Decision(
            workflow,
            step,
            run,
            allowed=False,
            reason="",
            state=ExecutionState.QUARANTINED,
            thresholds=policy.degraded,
            must_be_verified=True,
            doubtful_below=policy.low_confidence_below,
            may_be_learned_from=False,
            policy_version=config.version,
            generation=0,
            global_generation=0,
        )
        try:
            with self._changing(config) as change:
                decision = self._decided(change, question, config)
                if decision.allowed and decision.state is ExecutionState.DEGRADED:
                    if decision.must_be_verified and not is_verifiable:
                        return _refused(decision, "It is DEGRADED, and nothing could show whether this step succeeded.")
                    if is_irreversible and not change.takes_approval(decision, policy.approval_lasts_s):
                        reason = "It is DEGRADED, and this step cannot be undone: it waits for a person's approval."
                        return replace(_refused(decision, reason), waits_for_approval=True)
                return decision
        except StoreError as error:
            return _refused(question, str(error))

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
        return tuple(change.happened)

    def finish_run(self, workflow: str, run: str, *, is_complete: bool) -> tuple[BreakerEvent, ...]:
        """Take note of the end of a run, whether every step of it was executed or not.

        Raises:
            StoreError: It cannot be kept.
        """
        with self._changing(self._policy.current()) as change:
            change.tell(change.breaker(workflow).finish(run, change.now_s, is_complete=is_complete))
        return tuple(change.happened)

    def _decided(self, change: _Change, question: Decision, config: PolicyConfig) -> Decision:
        """What the breakers say to a question."""
        overall, own = change.breaker(_ALL), change.breaker(question.workflow)
        policy = config.of(question.workflow)
        permission, happened = overall.ask(question.run, config.everywhere, change.now_s)
        change.tell(happened)
        if not permission.is_granted:
            return replace(question, reason=f"For all workflows: {permission.refusal}", state=own.info.state)
        global_generation = permission.generation
        permission, happened = own.ask(question.run, policy, change.now_s)
        change.tell(happened)
        state = own.info.state
        is_normal = state is ExecutionState.NORMAL
        return replace(
            question,
            allowed=permission.is_granted,
            reason=permission.refusal,
            state=state,
            thresholds=policy.normal if is_normal else policy.degraded,
            must_be_verified=not is_normal and not policy.degraded_allows_unverified,
            may_be_learned_from=state.learns,
            generation=permission.generation,
            global_generation=global_generation,
            retry_after_s=permission.retry_after_s,
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
        with self._changing(config) as change:
            now_s = change.now_s
            breakers = change.breakers()
            overall = _status(breakers.pop(_ALL, CircuitBreaker()), config.everywhere, now_s)
            workflows = tuple(_status(breaker, config.of(name), now_s) for name, breaker in breakers.items())
            approvals = tuple(Approval(**json.loads(text)) for text in change.records.all(_APPROVAL).values())
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
        with self._changing(self._policy.current()) as change:
            return change.breaker(workflow).info

    def history(self, after: int = 0) -> list[tuple[int, str]]:
        """What happened, each a line of JSON with its number, the oldest first.

        Args:
            after: The number of the last line that is known already.

        Raises:
            StoreError: It cannot be read.
        """
        with self._store.change() as records:
            return records.notes(after)

    def policy_of(self, workflow: str) -> Policy:
        """The thresholds that are in force for a workflow."""
        return self._policy.current().of(workflow)

    @contextmanager
    def _changing(self, config: PolicyConfig) -> Iterator[_Change]:
        """Work on what is kept, alone; what happened is kept when it ends, and nothing if it raises."""
        with self._store.change() as records:
            change = _Change(records, self._known, self._clock.now().timestamp())
            try:
                yield change
                change.keep(config.version)
            except BaseException:
                self._known.clear()  # they may have changed, and that is not kept
                raise


@dataclass
class _Change:
    """One change of what is kept.

    Attributes:
        records: What is kept.
        known: Breakers that were read before, each with the text that it was made of.
        now_s: The time, seconds since 1970.
        happened: What happened so far.
        lines: The same and the approvals, as lines for the history.
    """

    records: Records
    known: dict[str, tuple[str, CircuitBreaker]]
    now_s: float
    happened: list[BreakerEvent] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)
    _touched: dict[str, tuple[CircuitBreaker, int]] = field(default_factory=dict)

    def breaker(self, workflow: str) -> CircuitBreaker:
        """The breaker of a workflow, as it is kept; a new one if none is."""
        text = self.records.get(_BREAKER, workflow)
        breaker = self._read(workflow, text) if text is not None else CircuitBreaker(workflow)
        self._touched[workflow] = (breaker, breaker.changes)
        return breaker

    def breakers(self) -> dict[str, CircuitBreaker]:
        """Every breaker that is kept, by its workflow, to look at."""
        return {workflow: self._read(workflow, text) for workflow, text in self.records.all(_BREAKER).items()}

    def _read(self, workflow: str, text: str) -> CircuitBreaker:
        """What a text is about; the one that was made of the same text before, if there is one."""
        known = self.known.get(workflow)
        if known is None or known[0] != text:
            try:
                known = self.known[workflow] = (text, CircuitBreaker.from_json(text))
            except StoreError as error:
                raise StoreError(f"What is kept of workflow {workflow!r} is damaged. {error.message}") from None
        return known[1]

    def tell(self, happened: tuple[BreakerEvent, ...]) -> None:
        """Keep what happened for the history."""
        self.happened += happened
        for event in happened:
            self.note(type(event).__name__, asdict(event))

    def note(self, event: str, details: dict[str, object]) -> None:
        """Add a line to the history."""
        self.lines.append({"event": event, **details})

    def approval(self, workflow: str, step: str) -> Approval | None:
        """What is known of a step that waits for a person."""
        text = self.records.get(_APPROVAL, _name(workflow, step))
        return Approval(**json.loads(text)) if text else None

    def keep_approval(self, approval: Approval) -> None:
        """Keep that a step waits for a person, or was approved by one."""
        self.records.put(_APPROVAL, _name(approval.workflow, approval.step), json.dumps(asdict(approval)))

    def takes_approval(self, decision: Decision, lasts_s: float) -> bool:
        """Use up the approval of a step; if there is none, note that it waits for one."""
        approval = self.approval(decision.workflow, decision.step)
        if approval and approval.by and 0 <= self.now_s - approval.approved_s <= lasts_s:
            self.records.remove(_APPROVAL, _name(decision.workflow, decision.step))
            self.note("ApprovalUsed", {"at_s": self.now_s, **asdict(approval), "run": decision.run})
            return True
        if approval is None or approval.by:
            self.keep_approval(Approval(decision.workflow, decision.step, decision.run, self.now_s))
        return False

    def keep(self, policy_version: str) -> None:
        """Keep every breaker that changed, and what happened."""
        for workflow, (breaker, changes) in self._touched.items():
            if breaker.changes != changes:
                text = breaker.to_json()
                self.records.put(_BREAKER, workflow, text)
                self.known[workflow] = (text, breaker)
        for line in self.lines:
            self.records.note(json.dumps({**line, "policy": policy_version}))


def _refused(decision: Decision, reason: str) -> Decision:
    """The same decision, but no."""
    return replace(decision, allowed=False, reason=reason, may_be_learned_from=False)


def _status(breaker: CircuitBreaker, policy: Policy, now_s: float) -> Status:
    """How it stands with one workflow, or with all together."""
    return Status(breaker.workflow, breaker.info, breaker.state(policy), tuple(breaker.readings(policy, now_s)))


def _name(workflow: str, step: str) -> str:
    """The name of an approval: no two steps have the same."""
    return json.dumps([workflow, step])
