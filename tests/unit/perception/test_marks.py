"""Marks on a screen: where they are, that they can be told apart, and that they leave things legible."""

from __future__ import annotations

import numpy as np

from steadyhand.model.geometry import Box
from steadyhand.perception.marks import LONGEST_PX, with_frame, with_marks
from steadyhand.perception.scene import Scene
from steadyhand.screen.drawing import write_inside

GROUND, INK = (250, 250, 250), (40, 40, 40)


def test_a_large_screen_is_made_smaller() -> None:
    """No side is longer than agreed, and the proportions stay."""
    screen = np.full((1600, 2560, 3), GROUND, np.uint8)
    assert with_marks(screen, []).shape == (LONGEST_PX * 1600 // 2560, LONGEST_PX, 3)
    assert with_frame(screen, Box(10, 10, 50, 50)).shape == (LONGEST_PX * 1600 // 2560, LONGEST_PX, 3)


def test_the_screen_itself_is_not_drawn_on() -> None:
    """Whoever handed in the frame still has it as it was."""
    screen = np.full((300, 400, 3), GROUND, np.uint8)
    marked, framed = with_marks(screen, [Box(50, 50, 80, 30)]), with_frame(screen, Box(50, 50, 80, 30))
    assert (screen == GROUND).all()
    assert not (marked == GROUND).all()
    assert not (framed == GROUND).all()


def test_a_marked_thing_stays_legible() -> None:
    """Frame and number stand around what is marked, so that it is read as before; and the number can be read too."""
    screen = np.full((300, 400, 3), GROUND, np.uint8)
    boxes = [Box(100, 60, 100, 34), Box(100, 100, 100, 34), Box(220, 60, 100, 34)]
    for box, label in zip(boxes, ("Save", "Send", "Delete"), strict=True):
        write_inside(screen, label, box, 16, INK)
    marked = with_marks(screen, boxes)
    for box, label in zip(boxes, ("Save", "Send", "Delete"), strict=True):
        left, top, right, bottom = (int(side) for side in (box.x, box.y, box.right, box.bottom))
        inside = marked[top + 2 : bottom - 2, left + 2 : right - 2]
        assert (inside == screen[top + 2 : bottom - 2, left + 2 : right - 2]).all(), label


def test_marks_at_the_edge_keep_their_numbers_on_the_picture() -> None:
    """A tag is put on the side where there is room: as much of it is drawn in a corner as in the middle."""
    corners = [Box(0, 0, 60, 30), Box(340, 0, 60, 30), Box(0, 270, 60, 30), Box(340, 270, 60, 30)]
    for box in corners:
        screen = np.full((300, 400, 3), GROUND, np.uint8)
        framed = with_marks(screen, [box])
        middle = with_marks(screen, [Box(170, 135, 60, 30)])
        tag, same = ((picture == (0, 110, 0)).all(axis=2).sum() for picture in (framed, middle))
        assert tag > 0.5 * same


def test_a_frame_is_around_its_thing_on_a_reduced_screen() -> None:
    """The red frame of the recorded target is drawn where the target is after the screen was made smaller."""
    screen = np.full((1600, 2560, 3), GROUND, np.uint8)
    framed = with_frame(screen, Box(1000, 800, 200, 80))
    rows, columns = np.nonzero((framed == (0, 0, 230)).all(axis=2))
    assert abs(columns.min() - 500) <= 6
    assert abs(rows.max() - 440) <= 6
    assert Scene.of(framed).bounds == Box(0, 0, 1280, 800)
