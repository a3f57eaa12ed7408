"""What the audit log is told: one class for each *kind* of record, and what makes them of what happened.

A record says which workflow, step and run it is about, where there is one. What says nothing (an empty text, None) is
left out of the file. The log itself adds to each record its number, the hash of the record before it, and when it was
written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from steadyhand.model.outcome import Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steadyhand.model.outcome import Method, Outcome, RunResult, StepResult, Trigger, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record can say.

    Attributes:
        workflow: Which workflow it is about; left out where it is about all together.
        step: Which step of it.
        run: Which run of it.
    """

    kind: ClassVar[str] = ""

    workflow: str = ""
    step: str = ""
    run: str = ""


# ---------------------------------------------------------------------------------------------------------- runs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Record):
    """A run begins.

    Attributes:
        screen: What kind of screen it runs on.
    """

    kind: ClassVar[str] = "run_started"

    screen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Record):
    """A run is over.

    Attributes:
        outcome: How it ended; left out for one that was broken off.
        reason: What broke it off.
        duration_s: Seconds that it took; left out for one that was broken off.
    """

    kind: ClassVar[str] = "run_ended"

    outcome: Outcome | None = None
    reason: str = ""
    duration_s: float | None = None

    @staticmethod
    def of(result: RunResult, run: str) -> RunEnded:
        """What there is to say of a run that came to an end by itself."""
        return RunEnded(
            workflow=result.workflow, run=run, outcome=result.outcome, duration_s=round(result.duration_s, 6)
        )


# --------------------------------------------------------------------------------------------------------- steps


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade(Record):
    """The manager was asked whether a step may be executed.

    Attributes:
        allowed: It may.
        reason: Why not.
        state: The state of the workflow.
        found_from: The least probability at which its target counts as found.
        lead_from: The least lead over the next place.
        must_be_verified: It may not go on unverified.
        may_be_learned_from: What it does may be learned from.
        waits_for_approval: It waits for a person.
        retry_after_s: Seconds after which the answer may be another one.
        policy: The version of the policy by which this was decided.
        generation: In which generation of the workflow's state.
        global_generation: In which generation of the state of all workflows.
    """

    kind: ClassVar[str] = "decision"

    allowed: bool
    reason: str = ""
    state: str
    found_from: float
    lead_from: float
    must_be_verified: bool
    may_be_learned_from: bool
    waits_for_approval: bool = False
    retry_after_s: float | None = None
    policy: str
    generation: int
    global_generation: int

    @staticmethod
    def of(decision: Mapping[str, Any]) -> DecisionMade:
        """What there is to say of a decision.

        Args:
            decision: `asdict` of a `steadyhand.healing.auto_heal_manager.Decision`: the two rooms do not know each
                other.
        """
        said = {**decision, **decision["thresholds"], "policy": decision["policy_version"]}
        return DecisionMade(**{each.name: said[each.name] for each in fields(DecisionMade)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended(Record):
    """A step is about to act; on the disk before it does.

    Attributes:
        action: What it does: `click`, `type`...
        irreversible: It cannot be undone.
    """

    kind: ClassVar[str] = "intent"

    action: str
    irreversible: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(Record):
    """A step that was allowed is over.

    Attributes:
        action: What it does.
        verdict: How it ended.
        trigger: The fault that ended it.
        reason: The same as a sentence.
        method: What found its target.
        confidence: The probability that this was right.
        healed: Its target was found although it no longer looks as recorded.
        acted: Its action was carried out, or may have been.
        retries: How often it was tried again.
        resolve_s: Seconds spent on looking for its target.
        duration_s: Seconds that it took in all.
    """

    kind: ClassVar[str] = "result"

    action: str
    verdict: Verdict
    trigger: Trigger | None = None
    reason: str = ""
    method: Method | None = None
    confidence: float | None = None
    healed: bool = False
    acted: bool = False
    retries: int = 0
    resolve_s: float = 0.0
    duration_s: float = 0.0

    @staticmethod
    def of(result: StepResult, workflow: str, run: str) -> StepEnded:
        """What there is to say of a step that is over."""
        found = result.resolution if isinstance(result.resolution, Found) else None
        return StepEnded(
            workflow=workflow,
            step=result.step_id,
            run=run,
            action=result.action,
            verdict=result.verdict,
            trigger=result.trigger,
            reason=result.reason,
            method=found.method if found else None,
            confidence=found.confidence if found else None,
            healed=result.healed,
            acted=result.acted,
            retries=result.retries,
            resolve_s=round(result.resolve_s, 6),
            duration_s=round(result.duration_s, 6),
        )


# ------------------------------------------------------------------------------------------- the manager's history


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happened(Record):
    """What the manager's history tells.

    Attributes:
        happened_at: When it happened, ISO 8601, UTC.
        policy: The version of the policy by which it happened.
    """

    happened_at: str
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTaken(_Happened):
    """A process began to decide by a policy, whose version the other records name.

    Attributes:
        thresholds: All that it says, in the form of a policy file; of a workflow only the keys of its own.
    """

    kind: ClassVar[str] = "policy"

    thresholds: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(_Happened):
    """A state changed, of a workflow or of all together.

    Attributes:
        state_before: The state before.
        state: The state after.
        event: What led to it.
        reason: Why, one sentence.
        generation: How often the state has changed.
    """

    kind: ClassVar[str] = "state"

    state_before: str
    state: str
    event: str
    reason: str = ""
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerTripped(_Happened):
    """A breaker tripped.

    Attributes:
        level: Which level it belongs to.
        measure: What it counts.
        count: How many it counted.
        window_s: Within how many seconds; left out for failures in a row.
        triggers: How many of each trigger.
    """

    kind: ClassVar[str] = "trip"

    level: str
    measure: str
    count: int
    window_s: float | None = None
    triggers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultDropped(_Happened):
    """A result came too late to say anything about the present state.

    Attributes:
        trigger: The fault that it told.
        generation: The generation in which it was decided upon.
        present_generation: The generation when it came.
    """

    kind: ClassVar[str] = "late_result"

    trigger: str = ""
    generation: int
    present_generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepApproved(_Happened):
    """A person allowed one execution of a step.

    Attributes:
        approved_by: Who.
    """

    kind: ClassVar[str] = "approval"

    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalUsed(_Happened):
    """A run used an approval up.

    Attributes:
        approved_by: Who had given it.
    """

    kind: ClassVar[str] = "approval_used"

    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionFound(_Happened):
    """Since a version of what was learned, runs are worse than they were before it.

    Attributes:
        version: The first version that is worse.
        symptom: What speaks most for it.
        share_before: In which share of the runs before it this was so.
        share_since: In which share of the runs since.
        runs_before: How many runs there were before it.
        runs_since: How many since.
        evidence: How much speaks for it: the value of the test.
        enough: What it had to reach.
    """

    kind: ClassVar[str] = "regression"

    version: int
    symptom: str
    share_before: float
    share_since: float
    runs_before: float
    runs_since: float
    evidence: float
    enough: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningTakenBack(_Happened):
    """What was learned since a version was taken back.

    Attributes:
        version_before: The first version that was taken back.
        version: The one in use now; left out if nothing good was left.
    """

    kind: ClassVar[str] = "rollback"

    version_before: int
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealRejected(_Happened):
    """A person said of a heal that it was not the target.

    Attributes:
        rejected_by: Who.
    """

    kind: ClassVar[str] = "heal_rejected"

    rejected_by: str


def from_history(text: str) -> Record:
    """A record of a line of the manager's history.

    Args:
        text: What `AutoHealManager.history` gave: one line of JSON.
    """
    line = json.loads(text)
    moment = line["after"]["since_s"] if line["event"] == "Moved" else line["at_s"]
    said: dict[str, Any] = {
        "happened_at": datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds"),
        "policy": line["policy"],
    }
    match line:
        case {"event": "PolicyTaken", "thresholds": thresholds}:
            return PolicyTaken(thresholds=thresholds, **said)
        case {"event": "Moved", "workflow": workflow, "before": before, "after": after}:
            return StateChanged(
                workflow=workflow,
                state_before=before["state"],
                state=after["state"],
                event=after["event"],
                reason=after["reason"],
                generation=after["generation"],
                **said,
            )
        case {"event": "Tripped"}:
            said |= {name: line[name] for name in ("level", "measure", "count", "window_s", "triggers")}
            return BreakerTripped(workflow=line["workflow"], step=line["step"], **said)
        case {"event": "Dropped", "signal": signal}:
            return ResultDropped(
                workflow=signal["workflow"],
                step=signal["step"],
                trigger=signal["trigger"] or "",
                generation=line["generation"],
                present_generation=line["present"],
                **said,
            )
    return _of_people_and_learning(line, said)


def _of_people_and_learning(line: Mapping[str, Any], said: dict[str, Any]) -> Record:
    """A record of what the history tells of orders and of what was learned."""
    match line:
        case {"event": "Approved"}:
            return StepApproved(workflow=line["workflow"], step=line["step"], approved_by=line["by"], **said)
        case {"event": "ApprovalUsed"}:
            return ApprovalUsed(
                workflow=line["workflow"], step=line["step"], run=line["run"], approved_by=line["by"], **said
            )
        case {"event": "Regressed", "workflow": workflow, "before": before, "since": since}:
            names = ("version", "symptom", "runs_before", "runs_since", "evidence", "enough")
            said |= {name: line[name] for name in names}
            return RegressionFound(workflow=workflow, share_before=before, share_since=since, **said)
        case {"event": "RolledBack", "workflow": workflow, "from": before, "to": after}:
            return LearningTakenBack(workflow=workflow, version_before=before, version=after, **said)
        case {"event": "HealRejected", "workflow": workflow, "run": run, "step": step, "by": by}:
            return HealRejected(workflow=workflow, run=run, step=step, rejected_by=by, **said)
    raise AssertionError(f"the manager tells of {line['event']}, and no record is made for it")


# ------------------------------------------------------------------------------------------------ the log on itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired(Record):
    """Whoever wrote before was killed in the middle of a record, which was taken away.

    Attributes:
        dropped_bytes: How much of it was there.
    """

    kind: ClassVar[str] = "repair"

    dropped_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned(Record):
    """The oldest files were removed, as retention says.

    Attributes:
        first_kept: The number of the first record that was kept.
        files: How many files were removed.
    """

    kind: ClassVar[str] = "prune"

    first_kept: int
    files: int


KINDS: Mapping[str, type[Record]] = {
    record.kind: record
    for record in (
        RunStarted, RunEnded, PolicyTaken, DecisionMade, Intended, StepEnded,
        StateChanged, BreakerTripped, ResultDropped, StepApproved, ApprovalUsed,
        RegressionFound, LearningTakenBack, HealRejected, Repaired, Pruned,
    )
}  # fmt: skip
"""Every kind of record by its name in the file."""
