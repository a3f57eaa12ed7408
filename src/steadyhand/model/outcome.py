"""What came of an attempt: to resolve a target, to run a step, to run a workflow.

Misses are values. *Resolving* gives `Found | NotFound | Ambiguous`, each with every candidate that was looked at and
the evidence for it. A step's *verdict* says how it ended; its *trigger* names the fault that ended it badly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steadyhand.model.geometry import Box, Point


class Method(StrEnum):
    """The rung of the cascade that found a target, cheapest first."""

    ANCHOR_TEMPLATE = "anchor_template"
    PROTOTYPE = "prototype"
    SOM_TEXT_MATCH = "som_text_match"
    SOM_VLM = "som_vlm"


class Trigger(StrEnum):
    """What goes wrong in a step: a fault that ends it, or a doubt that does not."""

    TARGET_NOT_FOUND = "TARGET_NOT_FOUND"
    TARGET_AMBIGUOUS = "TARGET_AMBIGUOUS"
    POSTCONDITION_FAILED = "POSTCONDITION_FAILED"
    WATCHDOG_TIMEOUT = "WATCHDOG_TIMEOUT"
    SCREEN_LOST = "SCREEN_LOST"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"  # the step went on; too many of these count against its workflow


_SAME_LOOK = 0.97
"""What is as like the recorded picture has not changed, whatever it was found by. Source: a decision."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What is demanded of a place before it is acted on: more of it where a workflow is degraded.

    Attributes:
        found_from: The least probability at which a target counts as found, 0 to 1.
        lead_from: The least difference in probability to the next place, 0 to 1; below it a target is ambiguous.
    """

    found_from: float
    lead_from: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that might be the target.

    Attributes:
        point: Where one would click, frame space.
        box: The element, frame space.
        confidence: Probability that this is the target, 0 to 1.
        method: The rung that proposed it.
        evidence: Each kind of evidence that was asked for, by its name, 0 (against) to 1 (for).
        text: What is written on or beside it, as read; empty if nothing was.
        look: The learned look of the target by which it was found; empty if it was found by the recorded one.
    """

    point: Point
    box: Box
    confidence: float
    method: Method
    evidence: Mapping[str, float] = field(default_factory=dict)
    text: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The target is here.

    Attributes:
        point: Where to click, frame space.
        box: The element, frame space.
        confidence: Probability that this is right, 0 to 1.
        method: The rung that found it.
        candidates: Every place that was weighed, best first; the first is this one.
        thresholds: What was demanded; None if that is not known.
    """

    point: Point
    box: Box
    confidence: float
    method: Method
    candidates: tuple[Candidate, ...] = ()
    thresholds: Thresholds | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """The target is not on this screen, or nothing on it is likely enough to be the target.

    Attributes:
        reason: One sentence for a person.
        candidates: Every place that was weighed, best first.
        thresholds: What was demanded; None if that is not known.
    """

    reason: str
    candidates: tuple[Candidate, ...] = ()
    thresholds: Thresholds | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several places could be the target and nothing on the screen tells which.

    Attributes:
        reason: One sentence for a person.
        candidates: Every place that was weighed, best first.
        thresholds: What was demanded; None if that is not known.
    """

    reason: str
    candidates: tuple[Candidate, ...]
    thresholds: Thresholds | None = None


Resolution = Found | NotFound | Ambiguous


def score_words(score: float) -> str:
    """A confidence with two digits, rounded down: what misses a threshold by a hair does not read as reaching it."""
    return f"{math.floor(round(100 * score, 6)) / 100:.2f}"


class Verdict(StrEnum):
    """How a step ended."""

    DONE = "done"  # every postcondition came true
    UNVERIFIED = "unverified"  # acted, but no postcondition came true by it, or it names none
    FAILED = "failed"  # a trigger says why
    SKIPPED = "skipped"  # an earlier step failed, or it had been done before a restart


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"  # every step was done
    FAILED = "failed"  # a step failed; exit code 1
    REFUSED = "refused"  # going on was forbidden; exit code 3


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """Whether one postcondition came true.

    Attributes:
        description: The expectation in words, without any secret.
        met: It came true.
        detail: What was seen instead, where that helps; empty otherwise.
    """

    description: str
    met: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What asking a vision-language model has cost.

    Attributes:
        questions: How many requests were sent.
        unanswered: How many of them got no answer that could be used.
        input_tokens: Tokens of the questions, as the server counts them.
        output_tokens: Tokens of the answers, thoughts included.
        waited_s: Seconds spent on waiting for it.
        cost: The price of these tokens, in the currency of the prices that were given; None if none was.
    """

    questions: int = 0
    unanswered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    waited_s: float = 0.0
    cost: float | None = None

    def __add__(self, other: ModelUse) -> ModelUse:
        """Both together."""
        costs = [each.cost for each in (self, other) if each.cost is not None]
        return ModelUse(
            self.questions + other.questions,
            self.unanswered + other.unanswered,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.waited_s + other.waited_s,
            sum(costs) if costs else None,
        )


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided on a step before it.

    Attributes:
        allowed: It might be taken.
        reason: Why not, for a person; empty if it might.
        state: The state of its workflow: `NORMAL`, `DEGRADED`...
        thresholds: What was demanded of the place of its target.
        policy_version: By which policy this was decided.
        retry_after_s: Seconds after which the answer might be another one; None if nobody knows.
        waits_for_approval: It might be taken as soon as a person approves it.
    """

    allowed: bool
    reason: str
    state: str
    thresholds: Thresholds
    policy_version: str
    retry_after_s: float | None = None
    waits_for_approval: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it was a plain go-ahead."""
        return self.allowed and self.state == "NORMAL"


@dataclass(frozen=True, slots=True)
class Course:
    """The state of a workflow before and after a run.

    Attributes:
        before: Its state when the run began.
        after: Its state when the run had ended.
        events: What led from one to the other, and what else happened to it: each a sentence or two.
    """

    before: str
    after: str
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step.

    Attributes:
        step_id: Which step.
        action: What it does: `click`, `type`...
        note: What it does in the workflow author's words.
        verdict: How it ended.
        trigger: The fault that ended it, or the doubt that it left (`LOW_CONFIDENCE`); None if there was none, or if it
            was refused.
        reason: One sentence for a person; empty when there is nothing to say.
        resolution: What resolving its target gave at last; None for a step without a target.
        expectations: Each of its postconditions.
        retries: How often it was tried again after the first time.
        resolve_s: Seconds spent on resolving its target, all tries together.
        duration_s: Seconds that it took in all.
        model_use: What asking a vision-language model for its target has cost.
        acted: Its action was carried out, or may have been; of no meaning for one that was skipped.
        was_done_before: It was skipped because the run that this one goes on with had done it.
        ruling: What was decided on it before; None if nobody was asked.
        learned_version: The version of what was learned with which its target was looked for; 0 for none.
    """

    step_id: str
    action: str
    verdict: Verdict
    note: str = ""
    trigger: Trigger | None = None
    reason: str = ""
    resolution: Resolution | None = None
    expectations: tuple[ExpectationResult, ...] = ()
    retries: int = 0
    resolve_s: float = 0.0
    duration_s: float = 0.0
    model_use: ModelUse = ModelUse()
    acted: bool = True
    was_done_before: bool = False
    ruling: Ruling | None = None
    learned_version: int = 0

    @property
    def healed(self) -> bool:
        """Whether its target was found although it no longer looks as recorded."""
        match self.resolution:
            case Found(method=method, candidates=(best, *_)) if method is not Method.ANCHOR_TEMPLATE:
                return best.evidence.get("look", 0.0) < _SAME_LOOK
            case Found(method=method):
                return method is not Method.ANCHOR_TEMPLATE
            case _:
                return False


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of one run of a workflow.

    Attributes:
        workflow: Its name.
        screen: Which screen it ran on.
        started_at: ISO 8601, UTC.
        outcome: How it ended.
        steps: One result for each step, in order.
        duration_s: Seconds that it took in all.
        parameters: The values that it ran with; never a secret.
        course: The state of its workflow before and after; None if nobody was asked.
        injected: The failures that were made to happen, for a test, each in words.
    """

    workflow: str
    screen: str
    started_at: str
    outcome: Outcome
    steps: tuple[StepResult, ...]
    duration_s: float
    parameters: Mapping[str, str] = field(default_factory=dict)
    course: Course | None = None
    injected: tuple[str, ...] = ()
