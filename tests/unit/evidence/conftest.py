"""A run that has everything: a plain pass, a heal, an unverified action, a failure with candidates, a skipped step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.model.geometry import Box
from steadyhand.model.outcome import (
    Ambiguous,
    Candidate,
    ExpectationResult,
    Found,
    Method,
    Outcome,
    RunResult,
    StepResult,
    Trigger,
    Verdict,
)
from steadyhand.resolution.target import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAVE = Box(300, 200, 80, 30)
FIRST, SECOND = Box(40, 100, 60, 24), Box(40, 140, 60, 24)


@dataclass(frozen=True)
class Told:
    """A step as a report is told of it."""

    result: StepResult
    recorded: Target | None = None
    before: NDArray[np.uint8] | None = None
    after: NDArray[np.uint8] | None = None


def draw_screen(label: str, box: Box = SAVE) -> NDArray[np.uint8]:
    """A small screen with one button."""
    screen = np.full((400, 640, 3), (250, 248, 246), np.uint8)
    left, top, right, bottom = (int(edge) for edge in (box.x, box.y, box.right, box.bottom))
    cv2.rectangle(screen, (left, top), (right, bottom), (180, 120, 40), -1)
    cv2.putText(screen, label, (left + 8, bottom - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return screen


@pytest.fixture
def told() -> tuple[Told, ...]:
    """What a report is told, step by step; the skipped step at the end of the run is not among it."""
    recorded, now, after = draw_screen("Save"), draw_screen("Sync"), draw_screen("Done")
    moved = SAVE.shifted(5, 0)
    return (
        Told(
            StepResult(
                "open",
                "click",
                Verdict.DONE,
                note="Open the list",
                resolution=Found(SAVE.center, SAVE, 0.9, Method.ANCHOR_TEMPLATE),
                expectations=(ExpectationResult("the text “Invoices” appears", met=True),),
                retries=1,
                resolve_s=0.1,
                duration_s=0.5,
            ),
            Target(recorded, SAVE.center, SAVE, "Save", "", ()),
            recorded,
            after,
        ),
        Told(
            StepResult(
                "save",
                "click",
                Verdict.DONE,
                note="Save it",
                resolution=Found(
                    moved.center,
                    moved,
                    0.7,
                    Method.SOM_TEXT_MATCH,
                    (Candidate(moved.center, moved, 0.7, Method.SOM_TEXT_MATCH, {"text": 1.0, "row": 0.8}, "Sync"),),
                ),
                resolve_s=0.5,
                duration_s=1.0,
            ),
            Target(recorded, SAVE.center, SAVE, "Save", "", ()),
            now,
            after,
        ),
        Told(StepResult("enter", "keys", Verdict.UNVERIFIED, duration_s=0.2), before=after, after=after),
        Told(
            StepResult(
                "approve",
                "click",
                Verdict.FAILED,
                note="Approve it",
                trigger=Trigger.TARGET_AMBIGUOUS,
                reason="Two rows read the same.",
                resolution=Ambiguous(
                    "Two rows read the same.",
                    (
                        Candidate(FIRST.center, FIRST, 0.48, Method.ANCHOR_TEMPLATE, {"template": 0.99}, "Approve"),
                        Candidate(SECOND.center, SECOND, 0.47, Method.ANCHOR_TEMPLATE, {"template": 0.98}, "Approve"),
                    ),
                ),
                expectations=(ExpectationResult("the text “Approved” appears", met=False, detail="it does not"),),
                retries=2,
                resolve_s=1.2,
                duration_s=4.0,
            ),
            Target(recorded, SAVE.center, SAVE, "Save", "", ()),
            now,
        ),
    )


@pytest.fixture
def run(told: tuple[Told, ...]) -> RunResult:
    """The whole run."""
    skipped = StepResult("send", "click", Verdict.SKIPPED, note="Send it", reason="An earlier step failed.")
    return RunResult(
        workflow="Approve an invoice",
        screen="simulated",
        started_at="2026-01-01T12:00:00+00:00",
        outcome=Outcome.FAILED,
        steps=(*(one.result for one in told), skipped),
        duration_s=6.0,
        parameters={"invoice": "F-17"},
    )
