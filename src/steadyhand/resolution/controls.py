"""What the things on a screen are, as far as they can be told by looking: buttons, fields, check boxes, icons.

A *control* is a thing that can be acted on; its *holder* is the rectangle that is drawn around it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steadyhand.model.geometry import Box
    from steadyhand.perception.scene import Scene

FIELD_HEIGHT_PX, _AREA_HEIGHT_PX, _LEAST_PART = 70, 400, 0.02
"""How high a field for one line is at most, and one for several; what is smaller than that part of it is no thing."""
_LEAST_FIELD_PX = 18
"""The least height of a field. Source: a line of 13 px with its spacing and a border; what is lower is a bar."""
_INNER_HEIGHT, _INNER_WIDTH = 0.4, 2.5
_ALIGNED_PX = 8


class Kind(Enum):
    """What a target is, as far as its picture tells: which evidence says that something is the same thing."""

    WORDS = "words"  # a button, a link, a menu entry: it says what it is
    FIELD = "field"  # a box to write in: its label says what it is, what stands in it may change
    TICK = "tick"  # a check box or radio button: its label or its row says what it is
    ICON = "icon"  # anything else without words: its looks say what it is


def holder_of(scene: Scene, box: Box) -> Box | None:
    """The smallest rectangle around a thing that is no more than a control; None if there is none."""
    around = [
        outer
        for outer in scene.rectangles
        if outer.encloses(box, 2) and outer.height <= 3.2 * box.height and outer.width <= 600
    ]
    return min(around, key=lambda outer: outer.area, default=None)


def is_field(scene: Scene, box: Box) -> bool:
    """Whether a thing is a box to write in: a frame of its own, wide, empty or written in from its left end.

    List entries look the same, but they touch one another; fields stand apart. A field for several lines is empty, or
    written in from its top, and holds no other thing.
    """
    frames = [frame for frame in scene.rectangles if frame.overlap(box) > 0.55]
    is_area = FIELD_HEIGHT_PX < box.height <= _AREA_HEIGHT_PX
    if (
        not frames
        or box.height < _LEAST_FIELD_PX
        or box.width < (1.5 if is_area else 2.5) * box.height
        or box.height > _AREA_HEIGHT_PX
    ):
        return False
    frame = max(frames, key=lambda other: other.overlap(box))
    for other in scene.rectangles:
        is_aligned = abs(other.x - frame.x) < 4 and abs(other.width - frame.width) < 8
        touches = min(abs(other.y - frame.bottom), abs(other.bottom - frame.y)) <= 4
        if is_aligned and touches and 0.6 < other.height / frame.height < 1.7:
            return False
    if any(
        frame.grown(-_ALIGNED_PX / 2).encloses(other)
        and other.height >= _INNER_HEIGHT * frame.height
        and other.width >= _INNER_WIDTH * other.height
        for other in scene.rectangles
    ):
        return False  # a bar, with a field in it
    inside = [
        word.box
        for line in scene.lines
        if frame.intersection(line.box).area > 0
        for word in line.words
        if frame.grown(-2).contains(word.box.center) and any(map(str.isalnum, word.text))
    ]
    if not inside:
        return True
    if is_area:
        return min(word.y for word in inside) - frame.y <= FIELD_HEIGHT_PX / 2 and not any(
            frame.grown(-_ALIGNED_PX).encloses(other) and other.area > _LEAST_PART * frame.area
            for other in scene.rectangles
        )
    left = min(word.x for word in inside) - frame.x
    right = frame.right - max(word.right for word in inside)
    return left <= frame.height and right > 2 * left + 20
