"""What changed between two pictures."""

from __future__ import annotations

import numpy as np
import pytest

from steadyhand.execution.change import NOISE, changed_box, changed_boxes, changed_share, cut
from steadyhand.model.geometry import Box


def grey(width: int = 40, height: int = 20, level: int = 100) -> np.ndarray:
    """A picture of one colour."""
    return np.full((height, width, 3), level, np.uint8)


def test_a_change_is_a_channel_that_differs_by_more_than_noise() -> None:
    """Smoothing of fonts is no change; one level more in one channel is."""
    before, smoothed, changed = grey(), grey(level=100 + NOISE), grey()
    changed[5, 5, 2] = 100 + NOISE + 1
    assert changed_share(before, smoothed) == 0
    assert changed_share(before, changed) == pytest.approx(1 / 800)
    assert changed_box(before, smoothed) is None
    assert changed_box(before, changed) == Box(5, 5, 1, 1)


def test_only_the_place_that_was_asked_for_counts() -> None:
    """A change elsewhere, or a place outside of the picture, has no share."""
    before, after = grey(), grey()
    after[0:10, 0:10] = 255
    assert changed_share(before, after, Box(0, 0, 10, 10)) == 1
    assert changed_share(before, after, Box(20, 0, 10, 10)) == 0
    assert changed_share(before, after, Box(-30, -30, 10, 10)) == 0


def test_pictures_of_different_size_are_wholly_different() -> None:
    """A screen that was resized cannot be compared, so nothing of it counts as the same."""
    assert changed_share(grey(), grey(width=41), Box(0, 0, 5, 5)) == 1
    assert changed_box(grey(), grey(width=41)) == Box(0, 0, 41, 20)


def test_a_cut_stays_within_the_picture_and_holds_every_pixel_that_is_touched() -> None:
    """Boxes between pixels are cut to the whole pixels around them."""
    assert cut(grey(), Box(1.5, 2.5, 3, 4)).shape == (5, 4, 3)
    assert cut(grey(), Box(35, 15, 50, 50)).shape == (5, 5, 3)
    assert cut(grey(), Box(100, 100, 5, 5)).size == 0


def test_areas_that_lie_apart_are_told_apart() -> None:
    """Letters of a word are one area; something twenty pixels away is another."""
    before, after = grey(80, 60), grey(80, 60)
    after[24:32, 10:14] = 0
    after[24:32, 18:22] = 0
    after[24:32, 50:54] = 0
    assert sorted(changed_boxes(before, after)) == [Box(10, 24, 12, 8), Box(50, 24, 4, 8)]
    assert changed_boxes(before, before) == []
    assert changed_boxes(before, grey()) == [Box(0, 0, 40, 20)]
