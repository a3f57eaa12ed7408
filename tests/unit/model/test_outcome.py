"""What came of an attempt, and how it is said."""

from __future__ import annotations

import pytest

from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Candidate, Found, Method, StepResult, Thresholds, Verdict, score_words


@pytest.mark.parametrize(
    ("score", "words"),
    [(1.0, "1.00"), (0.999, "0.99"), (0.8499, "0.84"), (0.85, "0.85"), (0.29, "0.29"), (0.0, "0.00")],
)
def test_scores_are_rounded_down(score: float, words: str) -> None:
    """Only certainty reads as 1.00, and only what reaches a threshold reads as having reached it."""
    assert score_words(score) == words


def found(method: Method, look: float) -> StepResult:
    """A step whose target was found by a rung, and looks so much like the recorded one."""
    point, box = Point(5, 5), Box(0, 0, 10, 10)
    candidates = (Candidate(point, box, 0.99, method, {"look": look}, "Save"),)
    resolution = Found(point, box, 0.99, method, candidates, Thresholds(0.8, 0.35))
    return StepResult("save", "click", Verdict.DONE, resolution=resolution)


@pytest.mark.parametrize(
    ("method", "look", "healed"),
    [
        (Method.ANCHOR_TEMPLATE, 0.99, False),
        (Method.SOM_TEXT_MATCH, 0.6, True),
        (Method.SOM_TEXT_MATCH, 0.99, False),
        (Method.SOM_VLM, 0.2, True),
    ],
)
def test_healed_is_what_no_longer_looks_as_recorded(method: Method, look: float, *, healed: bool) -> None:
    """A thing that looks as it did has not changed, whatever it was found by."""
    assert found(method, look).healed is healed


def test_nothing_is_healed_that_was_not_found() -> None:
    """A step without a target, or whose target is not there, heals nothing."""
    assert not StepResult("wait", "wait_for", Verdict.DONE).healed
