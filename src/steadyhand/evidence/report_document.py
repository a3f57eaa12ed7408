"""The shape of `report.json`: what a run report says, for programs, and all that its page is made of.

A *picture* is an image file in the report's folder that shows a frame or a part of one. Places are in frame space: a
point is `[x, y]`, a box `[x, y, width, height]`. The shape is stable: a version may gain fields; any other change is a
new version. `docs/report.md` describes every field.
"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict

from steadyhand.evidence.summary import Summary
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import (
    Candidate,
    Course,
    ExpectationResult,
    Found,
    Method,
    ModelUse,
    NotFound,
    Outcome,
    Resolution,
    Ruling,
    RunResult,
    StepResult,
    Thresholds,
    Trigger,
    Verdict,
)


class _Shape(BaseModel):
    """What all parts of a report have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Picture(_Shape):
    """An image file that shows a frame, a part of one, or an explanation.

    Attributes:
        file: Path relative to `report.json`; lossless WebP.
        width: Of the whole frame, pixels.
        height: Of the whole frame, pixels.
        part: What the file shows of it.
    """

    file: str
    width: int
    height: int
    part: Box


class RecordedTarget(_Shape):
    """The step's target as it was recorded.

    Attributes:
        picture: The recorded screen: whole where the run had trouble with the target or healed it, else its
            surroundings.
        point: Where the person acted.
        box: The element.
    """

    picture: Picture
    point: Point
    box: Box


class Looks(_Shape):
    """What a step was seen to do.

    Attributes:
        recorded: Its target as recorded; None for a step without one.
        before: The screen that its target was last looked for on, or else the screen before its action.
        after: The screen after its action.
        explanation: Why its target was found, or was not; None where it looks as recorded and all went well.
    """

    recorded: RecordedTarget | None = None
    before: Picture | None = None
    after: Picture | None = None
    explanation: Picture | None = None


class WeighedPlace(_Shape):
    """A place that was weighed as the target.

    Attributes:
        point: Where one would click.
        box: The element.
        confidence: Probability that this is the target, 0 to 1.
        method: The rung that proposed it.
        evidence: Each kind of evidence by its name, 0 (against) to 1 (for).
        text: What was read on or beside it.
    """

    point: Point
    box: Box
    confidence: float
    method: Method
    evidence: dict[str, float]
    text: str

    @classmethod
    def of(cls, candidate: Candidate) -> WeighedPlace:
        """Write down a candidate."""
        return cls(
            point=candidate.point,
            box=candidate.box,
            confidence=candidate.confidence,
            method=candidate.method,
            evidence=dict(candidate.evidence),
            text=candidate.text,
        )


class Resolved(_Shape):
    """What resolving a step's target gave.

    Attributes:
        kind: Whether it was found, and if not, why.
        reason: One sentence for a person; empty if it was found.
        point: Where to act; None unless it was found.
        box: The element; None unless it was found.
        confidence: Probability that this is right, 0 to 1; None unless it was found.
        method: The rung that found it; None unless it was found.
        candidates: Every place that was weighed, best first.
        thresholds: What was demanded; None if that is not known.
    """

    kind: Literal["found", "not_found", "ambiguous"]
    reason: str = ""
    point: Point | None = None
    box: Box | None = None
    confidence: float | None = None
    method: Method | None = None
    candidates: tuple[WeighedPlace, ...] = ()
    thresholds: Thresholds | None = None

    @classmethod
    def of(cls, resolution: Resolution) -> Resolved:
        """Write down a resolution."""
        candidates = tuple(WeighedPlace.of(candidate) for candidate in resolution.candidates)
        if isinstance(resolution, Found):
            return cls(
                kind="found",
                point=resolution.point,
                box=resolution.box,
                confidence=resolution.confidence,
                method=resolution.method,
                candidates=candidates,
                thresholds=resolution.thresholds,
            )
        kind: Literal["not_found", "ambiguous"] = "not_found" if isinstance(resolution, NotFound) else "ambiguous"
        return cls(kind=kind, reason=resolution.reason, candidates=candidates, thresholds=resolution.thresholds)


class ReportedStep(_Shape):
    """What came of one step.

    Attributes:
        number: Its place in the workflow, from 1.
        id: Its name in the workflow.
        action: What it does: `click`, `type`...
        note: What it does, in the words of the workflow's author.
        verdict: How it ended.
        healed: Its target was found although it no longer looks as recorded.
        trigger: The fault that ended it, or the doubt that it left (`LOW_CONFIDENCE`); None if there was none.
        reason: One sentence for a person; empty when there is nothing to say.
        resolution: What resolving its target gave at last; None for a step without one.
        expectations: Each of its postconditions.
        retries: Tries after the first one.
        resolve_s: Seconds spent on resolving its target, all tries together.
        duration_s: Seconds that it took in all.
        model_use: What asking a vision-language model for its target has cost.
        looks: What it was seen to do.
        before_restart: An earlier run did it, and this one went on from there; all the rest tells of that.
        ruling: What was decided on it before; None if nobody was asked.
    """

    number: int
    id: str
    action: str
    note: str
    verdict: Verdict
    healed: bool
    trigger: Trigger | None
    reason: str
    resolution: Resolved | None
    expectations: tuple[ExpectationResult, ...]
    retries: int
    resolve_s: float
    duration_s: float
    model_use: ModelUse = ModelUse()
    looks: Looks
    before_restart: bool = False
    ruling: Ruling | None = None

    @classmethod
    def of(cls, number: int, result: StepResult, looks: Looks) -> ReportedStep:
        """Write down a step."""
        return cls(
            number=number,
            id=result.step_id,
            action=result.action,
            note=result.note,
            verdict=result.verdict,
            healed=result.healed,
            trigger=result.trigger,
            reason=result.reason,
            resolution=Resolved.of(result.resolution) if result.resolution else None,
            expectations=result.expectations,
            retries=result.retries,
            resolve_s=result.resolve_s,
            duration_s=result.duration_s,
            model_use=result.model_use,
            looks=looks,
            ruling=result.ruling,
        )


class ReportedRun(_Shape):
    """What came of a run, so far or at last.

    Attributes:
        outcome: How it ended.
        workflow: Its name.
        screen: Which screen it ran on.
        started_at: ISO 8601, UTC.
        duration_s: Seconds that it took in all.
        parameters: The values that it ran with; never a secret.
        summary: Its figures.
        course: The state of its workflow before and after, and what happened to it; None if nobody was asked.
        injected: The failures that were made to happen, for a test, each in words.
    """

    outcome: Outcome
    workflow: str
    screen: str
    started_at: str
    duration_s: float
    parameters: dict[str, str]
    summary: Summary
    course: Course | None = None
    injected: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: RunResult) -> ReportedRun:
        """Write down how a run ended."""
        return cls(
            outcome=run.outcome,
            workflow=run.workflow,
            screen=run.screen,
            started_at=run.started_at,
            duration_s=run.duration_s,
            parameters=dict(run.parameters),
            summary=Summary.of(run),
            course=run.course,
            injected=run.injected,
        )


class ReportDocument(_Shape):
    """A whole report.

    Attributes:
        steadyhand_report: The version of this shape.
        run: How the run ended; None while it goes on, and for ever if it was cut short.
        steps: What came of each step so far, in order.
    """

    steadyhand_report: Literal[1] = 1
    run: ReportedRun | None = None
    steps: tuple[ReportedStep, ...] = ()

    def to_json(self) -> bytes:
        """Write it as JSON: texts of every script stay readable."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, indent=1)
        # A text read from a screen may hold half a surrogate pair, which UTF-8 cannot: as an escape JSON can hold it.
        return f"{text}\n".encode("utf-8", "backslashreplace")

    @classmethod
    def from_json(cls, raw: bytes) -> ReportDocument:
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is not a report of this version; the message names every field that is wrong.
        """
        return cls.model_validate(json.loads(raw))
