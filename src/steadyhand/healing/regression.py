"""Did what was learned last make things worse? A watch over each workflow, with a known rate of false alarms.

What is learned comes in *versions*. Each run is good or bad by each *symptom*: whether it failed, whether a target was
mistaken or missed, whether its targets were found with little confidence. The runs *before* a version are compared with
those *since*. A version is *on watch* until enough runs have gone by without a *regression*; then it has proved itself,
and belongs to what later ones are compared with. Several versions may be on watch at once, each by a test of its own,
so a fault that came in with the last but one is found although the last one came so soon.

The test. Let a run be bad with the chance p before a version and q since. If q <= p, then for every such p and q the
likelihood of all runs under any other chances, which one chooses beforehand, divided by that under p and q, is a
martingale from 1. A mixture over what one chooses is one as well. Dividing by the largest likelihood that any q <= p
allows makes it smaller still: an *e-process*. Its value is the *evidence*. That it ever reaches 1/alpha, however long
one watches and whenever one looks, has a probability of alpha at most, although p is not known and was seen in a few
runs only. The mean of several e-processes is one too: so all symptoms together share one alpha. And it stays one if
some runs count less than others, since a power below 1 of a number of mean 1 has at most that mean.

It is assumed that runs are alike: that each is as likely to go wrong as the one before, unless the version changes
that. An application that changes right after a version looks like a bad version; nothing but a control could tell.

No time is in it, so no clock can disturb it.

Source: Ville 1939 (the bound for all times). Wasserman, Ramdas and Balakrishnan 2020, Universal inference (a mixture
over the largest likelihood of the null hypothesis). Vovk and Wang 2021, E-values (the mean of several). Ramdas et al.
2023, Game-theoretic statistics and safe anytime-valid inference (for all of it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from steadyhand.errors import StoreError
from steadyhand.healing.execution_state import ExecutionState
from steadyhand.model.outcome import Ambiguous, Found, NotFound, Trigger, Verdict

if TYPE_CHECKING:
    from steadyhand.model.outcome import StepResult, Thresholds
    from steadyhand.policy import Policy

_REMEMBERED_RUNS = 100
"""How many runs the memory of what was before is worth at most: each further one makes the older ones count less. An
e-process stays one under weights below 1. Source: a decision; an application of last year says little of today's."""
_MOST_WATCHED = 8
"""How many spans are on watch at most; if more come, the oldest two become one. Source: a decision."""
_MOST_STEPS = 32
"""How many steps are remembered as those that suffered. Source: a decision."""
_MOST_RUNS = 64
"""How many runs are remembered in case a person rejects a heal of theirs. Source: a decision."""
_LOW, _VERY_LOW = 0.95, 0.9
"""A run whose finds have less confidence than this on the mean was found with little, or with very little. Source: what
is demanded in DEGRADED, and below what a find counts as doubtful, by default."""
_EXPECTED_BEFORE = (1.0, 10.0)
"""The mixture over what was before, as a beta distribution: few runs go wrong. Whatever it is, the rate of false
alarms holds. Source: nine were tried; of those that take one failure after 1,000 good runs for chance, the quickest."""
_EXPECTED_SINCE = (1.0, 1.0)
"""The mixture over what a version may do: anything. Source: as above."""
_LARGEST_EXPONENT = 700.0
"""`exp` of more than this is no number any more."""
_TOLD_STEPS = 5


class Symptom(StrEnum):
    """What may get worse.

    Attributes:
        FAILED_RUNS: A run that did not come to its end, whatever the reason; a lost screen is none.
        BAD_RESOLUTIONS: A run in which a target was missed, found twice or mistaken, or whose heal a person rejected.
        LOW_CONFIDENCE: A run whose targets were found with little confidence on the mean.
        VERY_LOW_CONFIDENCE: The same with very little.
    """

    FAILED_RUNS = "failed_runs"
    BAD_RESOLUTIONS = "bad_resolutions"
    LOW_CONFIDENCE = "low_confidence"
    VERY_LOW_CONFIDENCE = "very_low_confidence"


_MISLEADING = frozenset({Trigger.TARGET_NOT_FOUND, Trigger.TARGET_AMBIGUOUS, Trigger.POSTCONDITION_FAILED})
"""What a wrong look can cause: the target is missed or found twice, or something else is clicked in its place."""


# ---------------------------------------------------------------------------------------------------------- the test


@dataclass(frozen=True, slots=True)
class Tally:
    """What some runs have shown of one symptom.

    Attributes:
        runs: How many there were; less than that, if older ones count less.
        bad: How many of them were bad, likewise.
    """

    runs: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    bad: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        if self.bad > self.runs:  # no assertion: this also guards what is read back
            raise ValueError("more was bad than there was")

    @property
    def share(self) -> float:
        """The share of bad ones; 0 if there were none."""
        return self.bad / self.runs if self.runs else 0.0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.runs + other.runs, self.bad + other.bad)


def evidence(before: Tally, since: Tally) -> float:
    """How strongly it speaks for it that a symptom is worse since a version than it was before: an e-value.

    Returns:
        0 if it is no worse. If it is not worse in truth, this ever exceeds 1/alpha with a probability of alpha at most.
    """
    if not before.runs or since.share <= before.share:
        return 0.0
    both = before + since
    exponent = _mixed(before, _EXPECTED_BEFORE) + _mixed(since, _EXPECTED_SINCE) - _likeliest(both)
    return math.exp(min(exponent, _LARGEST_EXPONENT))


def _mixed(tally: Tally, expected: tuple[float, float]) -> float:
    """The logarithm of the likelihood, as a mixture over what is expected."""
    good, bad = tally.runs - tally.bad, tally.bad
    return _log_beta(expected[0] + bad, expected[1] + good) - _log_beta(*expected)


def _likeliest(tally: Tally) -> float:
    """The logarithm of the largest likelihood."""
    parts = (tally.bad, tally.runs - tally.bad)
    return sum(part * math.log(part / tally.runs) for part in parts if part)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


class Regression(NamedTuple):
    """A version that made things worse, with the evidence.

    Attributes:
        version: The first version that is worse; later ones contain what it brought.
        symptom: What speaks most for it.
        before: What the runs before it have shown of this symptom.
        since: What those since have shown.
        evidence: The value of the e-process over all symptoms.
        enough: What it had to reach: 1 over the rate of false alarms.
        steps: The steps that suffered most since, each with the number of runs that it made bad, the worst first.
    """

    version: int
    symptom: Symptom
    before: Tally
    since: Tally
    evidence: float
    enough: float
    steps: tuple[tuple[str, float], ...]

    @property
    def reason(self) -> str:
        """What happened, as a sentence for a person."""
        what = {
            Symptom.FAILED_RUNS: "of the runs failed",
            Symptom.BAD_RESOLUTIONS: "of the runs mistook or missed a target",
            Symptom.LOW_CONFIDENCE: "of the runs found their targets with little confidence",
            Symptom.VERY_LOW_CONFIDENCE: "of the runs found their targets with very little confidence",
        }[self.symptom]
        most = f", most at step {self.steps[0][0]}" if self.steps else ""
        return (
            f"Version {self.version} of what was learned made things worse: {self.since.share:.0%} {what}{most}, "
            f"over {self.since.runs:g} runs; before it {self.before.share:.0%} over {self.before.runs:.3g} "
            f"(evidence {self.evidence:.3g}, {self.enough:g} is enough)."
        )


# --------------------------------------------------------------------------------------------------------- one run


@dataclass(slots=True)
class Attempt:
    """What one run has shown so far.

    Attributes:
        version: The version that it looks with.
        failed_at: The step that ended it; None if none did.
        misled_at: The step whose target was missed, mistaken or rejected; None if there is none.
        finds: How many of its targets were found under the usual thresholds.
        confidence: The sum of their confidences.
        worst_find: The step of the one with the least confidence, and that confidence.
        learned: How many prototypes it was allowed to add.
    """

    version: int
    failed_at: str | None = None
    misled_at: str | None = None
    finds: int = 0
    confidence: float = 0.0
    worst_find: tuple[str, float] = ("", math.inf)
    learned: int = 0

    def add(self, result: StepResult, state: ExecutionState, normal: Thresholds) -> None:
        """Take note of a step.

        What was refused only because the workflow is DEGRADED says nothing about a version, for what was before it was
        not held to that; so nothing that NORMAL would have accepted counts as missed, and only finds in NORMAL count
        for the confidence.

        Args:
            result: What came of it.
            state: The state in which it was decided upon.
            normal: What is demanded of a place in NORMAL.
        """
        if isinstance(result.resolution, Found) and state is ExecutionState.NORMAL:
            find = result.step_id, result.resolution.confidence
            self.finds += 1
            self.confidence += find[1]
            self.worst_find = min(self.worst_find, find, key=lambda each: each[1])
        if (
            result.verdict is not Verdict.FAILED
            or result.trigger in (None, Trigger.SCREEN_LOST)
            or _is_good_enough(result, normal)
        ):
            return
        self.failed_at = result.step_id
        if result.trigger in _MISLEADING:
            self.misled_at = result.step_id

    def shown(self, *, is_complete: bool) -> dict[Symptom, str | None]:
        """By which of its steps it is bad, for each symptom of which it shows anything; None if it is good by it.

        One that was cut short without any fault shows nothing of what it might have come to.
        """
        steps = {Symptom.FAILED_RUNS: self.failed_at, Symptom.BAD_RESOLUTIONS: self.misled_at}
        shown = {symptom: step for symptom, step in steps.items() if is_complete or step is not None}
        for symptom, mark in ((Symptom.LOW_CONFIDENCE, _LOW), (Symptom.VERY_LOW_CONFIDENCE, _VERY_LOW)):
            if self.finds:
                shown[symptom] = self.worst_find[0] if self.confidence / self.finds < mark else None
        return shown


def _is_good_enough(result: StepResult, normal: Thresholds) -> bool:
    """Whether a target was missed although it was as probable as NORMAL demands."""
    if not isinstance(result.resolution, NotFound | Ambiguous) or not result.resolution.candidates:
        return False
    best, *others = (each.confidence for each in result.resolution.candidates)
    return best >= normal.found_from and best - max(others, default=0.0) >= normal.lead_from


# -------------------------------------------------------------------------------------------------------- the watch


@dataclass(frozen=True, slots=True)
class Span:
    """The runs with one version, or with several that followed each other.

    Attributes:
        first: The oldest of these versions.
        version: The newest of them.
        tallies: What the runs have shown of each symptom.
        suffered: For each symptom how many runs each step made bad, up to some steps.
        learned: How many prototypes it brought.
    """

    first: int
    version: int
    tallies: dict[Symptom, Tally] = field(default_factory=dict)
    suffered: dict[Symptom, dict[str, float]] = field(default_factory=dict)
    learned: Annotated[int, Field(ge=0)] = 0

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    @property
    def runs(self) -> float:
        """How many runs came to their end or failed."""
        return self.of(Symptom.FAILED_RUNS).runs

    def has(self, version: int) -> bool:
        """Whether runs with this version belong to it."""
        return self.first <= version <= self.version

    def of(self, symptom: Symptom) -> Tally:
        """What the runs have shown of a symptom."""
        return self.tallies.get(symptom, Tally())

    def __add__(self, later: Span) -> Span:
        """Both together; those that suffered most are remembered."""
        suffered: dict[Symptom, dict[str, float]] = {}
        for symptom in Symptom:
            counts = dict(self.suffered.get(symptom, {}))
            for step, count in later.suffered.get(symptom, {}).items():
                counts[step] = counts.get(step, 0.0) + count
            # The newest one stays, or no new one could ever get among them.
            kept = sorted(counts, key=lambda step: (step in later.suffered.get(symptom, {}), counts[step]))
            suffered[symptom] = {step: counts[step] for step in kept[-_MOST_STEPS:]}
        tallies = {symptom: self.of(symptom) + later.of(symptom) for symptom in Symptom}
        return Span(self.first, later.version, tallies, suffered, self.learned + later.learned)

    def faded(self) -> Span:
        """The same before one run more, so that it never is worth more than what is remembered."""
        weight = min(1.0, (_REMEMBERED_RUNS - 1) / self.runs) if self.runs else 1.0
        tallies = {symptom: Tally(each.runs * weight, each.bad * weight) for symptom, each in self.tallies.items()}
        return replace(self, tallies=tallies)


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended.

    Attributes:
        version: The version that it looked with.
        misled: Whether a target of it was missed, mistaken or rejected; None if it showed nothing of that.
    """

    version: int
    misled: bool | None

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Condemned:
    """A version that has to be taken back, with all later ones.

    Attributes:
        version: Which one.
        reason: Why, one sentence for a person.
    """

    version: int
    reason: str

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(slots=True)
class RegressionWatch:
    """The watch over one workflow. Not safe for several threads.

    It needs the same memory however long it watches.

    Attributes:
        proven: The runs with versions that have proved themselves: what others are compared with; None before the
            first run.
        watched: The runs with versions on watch, the oldest first.
        newest: The newest version that was ever seen.
        learned: How many prototypes may have been added that belong to no version yet.
        ended: The last runs by their names, the oldest first.
        condemned: What has to be taken back; None if nothing has.
    """

    proven: Span | None = None
    watched: list[Span] = field(default_factory=list)
    newest: int = 0
    learned: Annotated[int, Field(ge=0)] = 0
    ended: dict[str, Ended] = field(default_factory=dict)
    condemned: Condemned | None = None

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def record(self, run: str, attempt: Attempt, policy: Policy, *, is_complete: bool) -> Regression | None:
        """Take note of the end of a run.

        A run counts for the version that it looked with. Where that was taken back meanwhile, it counts nowhere; and
        while anything is to be taken back, nothing counts.

        Args:
            run: Which run.
            attempt: What it has shown.
            policy: The thresholds for this workflow.
            is_complete: Every step was executed.

        Returns:
            The regression that this run made plain, if it did. It is condemned then.
        """
        if self.condemned:
            return None
        shown = attempt.shown(is_complete=is_complete)
        symptom = Symptom.BAD_RESOLUTIONS
        self.ended.pop(run, None)
        self.ended[run] = Ended(attempt.version, shown[symptom] is not None if symptom in shown else None)
        while len(self.ended) > _MOST_RUNS:
            del self.ended[next(iter(self.ended))]
        tallies = {symptom: Tally(1.0, float(step is not None)) for symptom, step in shown.items()}
        suffered = {symptom: {step: 1.0} for symptom, step in shown.items() if step is not None}
        if not self._add(Span(attempt.version, attempt.version, tallies, suffered)):
            return None
        regression = self._regression(policy)
        if regression is None:
            self._settle(sum(runs >= policy.regression_watch_runs for runs in self._runs_since()))
        return regression

    def reject(self, run: str, step: str, policy: Policy) -> Regression | None:
        """Take note that a person rejects what a run of late took for a target. A run counts as bad only once.

        Args:
            run: Which run; one that is not remembered says nothing.
            step: The step whose target it was.
            policy: The thresholds for this workflow.

        Returns:
            The regression that this made plain, if it did. It is condemned then.
        """
        ended = self.ended.get(run)
        if ended is None or ended.misled or self.condemned:
            return None
        self.ended[run] = replace(ended, misled=True)
        symptom = Symptom.BAD_RESOLUTIONS
        runs = 1.0 if ended.misled is None else 0.0  # the others have been counted already, as good ones
        for span in self._spans():
            if span.has(ended.version):
                tally = span.of(symptom)
                span.tallies[symptom] = Tally(tally.runs + runs, min(tally.bad + 1, tally.runs + runs))
                counts = span.suffered.setdefault(symptom, {})
                counts[step] = counts.get(step, 0.0) + 1
        return self._regression(policy)

    def may_learn(self, attempt: Attempt, policy: Policy) -> bool:
        """Whether a run may add one prototype more; if so, it is counted.

        Whoever feeds wrong looks that seem right gets no more of them in than the budget, until the versions that hold
        them have gone through as many runs as a version is watched for, without a regression.
        """
        unproven = self.learned + sum(span.learned for span in self.watched)
        if (
            self.condemned is not None
            or attempt.learned >= policy.learning_budget_per_run
            or unproven >= policy.learning_budget_on_watch
        ):
            return False
        attempt.learned += 1
        self.learned += 1
        return True

    def condemn(self, version: int, reason: str) -> None:
        """Say that a version has to be taken back, with all later ones."""
        self.condemned = Condemned(version, reason)

    def restored(self, version: int | None) -> None:
        """What was condemned has been taken back.

        What is in use now is watched on if it was on watch before; if not, it has proved itself.

        Args:
            version: What is in use now. None if nothing good was left: whoever lets the workflow run again takes it as
                it is, so all that was known before says nothing any more.
        """
        assert self.condemned is not None, "nothing was to be taken back"
        if version is None:
            self.proven, self.watched = Span(self.newest, self.newest), []
        else:
            self.watched = [span for span in self.watched if span.version < self.condemned.version]
            if not self.watched or self.watched[-1].version != version:
                self._settle(len(self.watched))
                self.proven = replace(self.proven or Span(version, version), first=version, version=version)
            self.newest = max(self.newest, version)
        self.learned = 0
        self.condemned = None

    # ---------------------------------------------------------------------------------------------------- within it

    def _spans(self) -> list[Span]:
        """All runs that count."""
        return [self.proven, *self.watched] if self.proven else []

    def _add(self, runs: Span) -> bool:
        """Count runs for their version; no, if that was taken back or is forgotten."""
        if self.proven is None:
            self.proven, self.newest = Span(runs.version, runs.version), runs.version
        if runs.version > self.newest:
            self.watched.append(Span(runs.version, runs.version, learned=self.learned))
            self.newest, self.learned = runs.version, 0
            if len(self.watched) > _MOST_WATCHED:
                self.watched[:2] = [self.watched[0] + self.watched[1]]
        for number, span in enumerate(self.watched):
            if span.has(runs.version):
                self.watched[number] = span + replace(runs, version=span.version)
                return True
        if not self.proven.has(runs.version):
            return False
        # What is compared with stays as it is while a version is on watch.
        before = self.proven if self.watched else self.proven.faded()
        self.proven = before + replace(runs, version=self.proven.version)
        return True

    def _runs_since(self) -> list[float]:
        """How many runs have gone by, for each span on watch, since its newest version was new; at least."""
        since, later = [], 0.0
        for span in reversed(self.watched):
            since.append(later + (span.runs if span.first == span.version else 0.0))
            later += span.runs
        return since[::-1]

    def _settle(self, count: int) -> None:
        """The oldest so many spans on watch have proved themselves."""
        for span in self.watched[:count]:
            self.proven = replace(self.proven + span if self.proven else span, learned=0)
        self.watched = self.watched[count:]

    def _regression(self, policy: Policy) -> Regression | None:
        """Condemn the version that the most speaks against, if that is enough."""
        if policy.breaker == "disabled":
            return None
        enough = 1 / policy.regression_false_alarms
        found: Regression | None = None
        spans = self._spans()
        for number in range(1, len(spans)):
            before, since = _together(spans[:number]), _together(spans[number:])
            if before.runs < policy.regression_baseline_runs:
                continue
            values = {symptom: evidence(before.of(symptom), since.of(symptom)) for symptom in Symptom}
            value = sum(values.values()) / len(values)
            if value >= enough and (found is None or value > found.evidence):
                worst = max(values, key=lambda symptom: values[symptom])
                counts = since.suffered.get(worst, {})
                steps = tuple(sorted(counts.items(), key=lambda item: -item[1])[:_TOLD_STEPS])
                version = spans[number].first
                found = Regression(version, worst, before.of(worst), since.of(worst), value, enough, steps)
        if found:
            self.condemn(found.version, found.reason)
        return found

    # ------------------------------------------------------------------------------------------------------ keeping

    def to_json(self) -> str:
        """All of it as one line of JSON."""
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> RegressionWatch:
        """What `to_json` wrote.

        Raises:
            StoreError: It is no such thing, or contradicts itself.
        """
        try:
            return _ADAPTER.validate_json(text, strict=True)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise StoreError(f"A watch cannot be read back: {problems}.") from None


def _together(spans: list[Span]) -> Span:
    """All these runs together."""
    first, *others = spans
    return sum(others, first)


_ADAPTER = TypeAdapter(RegressionWatch)
