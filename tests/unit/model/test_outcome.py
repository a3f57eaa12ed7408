"""What came of an attempt, and how it is said."""

from __future__ import annotations

import pytest

from steadyhand.model.outcome import score_words


@pytest.mark.parametrize(
    ("score", "words"),
    [(1.0, "1.00"), (0.999, "0.99"), (0.8499, "0.84"), (0.85, "0.85"), (0.29, "0.29"), (0.0, "0.00")],
)
def test_scores_are_rounded_down(score: float, words: str) -> None:
    """Only certainty reads as 1.00, and only what reaches a threshold reads as having reached it."""
    assert score_words(score) == words
