"""What a deed was done to.

Where the application says what an element is, its exact box is taken from there, and its words as far as they can be
seen; all else is known by looking. A replay has nothing but pixels, so words that nobody can see are no help to it:
they only make a good *name*, for people.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.model.geometry import Box, Point
from steadyhand.perception.scene import Scene
from steadyhand.perception.wording import fold
from steadyhand.resolution.target import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.screen.driver import ElementFacts

_LARGEST_SHARE = 0.25
"""What covers more of the screen is no control: a person who clicks there means something smaller, at that point.

Source: a decision; only a field may be larger.
"""

_MOST_CHARACTERS = 60


class Aim(NamedTuple):
    """A thing that was acted on.

    Attributes:
        target: What a replay looks for.
        name: What a person calls it; empty if nothing names it.
    """

    target: Target
    name: str


def aim(image: NDArray[np.uint8], point: Point, element: ElementFacts | None, *, is_empty: bool = False) -> Aim:
    """Get to know what a deed was done to.

    Args:
        image: The screen before: uint8, (height, width, 3), blue-green-red.
        point: Where it was done, frame space.
        element: What the application says about the thing there.
        is_empty: This is a field, and nothing was in it.
    """
    bounds = Box(0, 0, image.shape[1], image.shape[0])
    box = _visible_box(element, bounds)
    if element is None or box is None:
        target = Target.from_frame(image, _within(point, bounds))
        return Aim(target, _short(target.text or target.label))
    target = Target.from_frame(image, _within(point if box.contains(point) else box.center, bounds), box)
    text, label = target.text, target.label
    named = Scene.of(image).find_text(element.label) if element.label else []
    is_inside = any(box.contains(each.center) for each in named)
    if named and not is_inside:
        label = element.label
    if element.is_editable:
        # What is in a field is data; but what stands in an empty one names it.
        text = element.label if is_inside and is_empty else ""
    elif element.text and _letters(element.text) in _letters(text):
        text = element.text  # besides it an icon or the rim was read
    target = replace(target, text=text, label=label)
    return Aim(target, _short(element.text or element.label or text or label))


def _visible_box(element: ElementFacts | None, bounds: Box) -> Box | None:
    """The part of an element that is on the screen, in whole pixels; None if it is nothing that one could mean."""
    if element is None:
        return None
    visible = element.box.intersection(bounds)
    left, top, right, bottom = (float(round(edge)) for edge in (visible.x, visible.y, visible.right, visible.bottom))
    box = Box(left, top, right - left, bottom - top)
    is_meant = box.area > 0 and (element.is_editable or box.area <= _LARGEST_SHARE * bounds.area)
    return box if is_meant else None


def _within(point: Point, bounds: Box) -> Point:
    """The nearest whole pixel of the screen."""
    return Point(min(max(round(point.x), 0), bounds.width - 1), min(max(round(point.y), 0), bounds.height - 1))


def _short(name: str) -> str:
    return name[:_MOST_CHARACTERS].strip()


def _letters(text: str) -> str:
    return fold(text).replace(" ", "")
