"""Text on pictures."""

from __future__ import annotations

import numpy as np

from steadyhand.screen.drawing import text_width, write


def test_half_a_letter_is_drawn_as_a_question_mark() -> None:
    """A lone surrogate, which a page can put into a dialog, does not end the process."""
    assert text_width("a\ud800b", 17) == text_width("a?b", 17)
    half, question = np.zeros((2, 30, 60, 3), np.uint8)
    write(half, "a\ud800b", 4, 20, 17, (255, 255, 255))
    write(question, "a?b", 4, 20, 17, (255, 255, 255))
    assert half.any()
    assert np.array_equal(half, question)
