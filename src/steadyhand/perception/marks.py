"""Numbered marks, drawn on a screen for somebody who is to choose one of its elements.

A *mark* is a thin frame around an element, with its number on a *tag* beside it. Pictures are made smaller first, so
that the numbers stay legible whatever the size of the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.model.geometry import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LONGEST_PX = 1280
"""The longer side of a picture with marks.

Source: a decision. Text of 13 pixels on a screen of 1440 is still legible at 1280, and a picture of 1280x800 is 1,000
patches of 32 pixels, the unit in which many models count.
"""

_COLOURS = ((180, 0, 200), (0, 110, 0), (200, 60, 0), (0, 0, 200))
"""Blue-green-red: dark enough for white digits, and one beside another told apart."""

_RED = (0, 0, 230)
_MARGIN_PX = 2
"""Between a thing and its frame, so that the frame hides nothing of it."""

_FONT, _FONT_SCALE, _PADDING_PX = cv2.FONT_HERSHEY_SIMPLEX, 0.45, 2


def with_marks(image: NDArray[np.uint8], boxes: Sequence[Box]) -> NDArray[np.uint8]:
    """A screen with numbered marks, made smaller where it is large.

    Args:
        image: uint8, (height, width, 3), blue-green-red; it is not changed.
        boxes: What to mark, frame space; the first gets the number 1.

    Returns:
        uint8, (height, width, 3), blue-green-red; neither side is longer than `LONGEST_PX`.
    """
    picture, scale = _reduced(image)
    places = [box.scaled(scale).grown(_MARGIN_PX) for box in boxes]
    taken = list(places)
    for number, place in enumerate(places, start=1):
        colour = _COLOURS[number % len(_COLOURS)]
        _frame(picture, place, colour, 1)
        (width, height), baseline = cv2.getTextSize(str(number), _FONT, _FONT_SCALE, 1)
        tag = _free_place(place, width + 2 * _PADDING_PX, height + baseline + _PADDING_PX, picture.shape[:2], taken)
        taken.append(tag)
        _frame(picture, tag, colour, cv2.FILLED)
        corner = (round(tag.x) + _PADDING_PX, round(tag.bottom) - baseline)
        cv2.putText(picture, str(number), corner, _FONT, _FONT_SCALE, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def with_frame(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """A screen with a red frame around one thing, made smaller where it is large.

    Args:
        image: uint8, (height, width, 3), blue-green-red; it is not changed.
        box: The thing, frame space.

    Returns:
        As of `with_marks`.
    """
    picture, scale = _reduced(image)
    _frame(picture, box.scaled(scale).grown(2 * _MARGIN_PX), _RED, 2)
    return picture


def _reduced(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """A copy of a picture that is small enough, and its scale."""
    scale = min(1.0, LONGEST_PX / max(image.shape[:2]))
    if scale == 1.0:
        return image.copy(), scale
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale


def _frame(picture: NDArray[np.uint8], box: Box, colour: tuple[int, int, int], thickness: int) -> None:
    """Draw a rectangle."""
    corners = ((round(box.x), round(box.y)), (round(box.right), round(box.bottom)))
    cv2.rectangle(picture, *corners, colour, thickness)


def _free_place(place: Box, width: float, height: float, shape: Sequence[int], taken: Sequence[Box]) -> Box:
    """Where a tag stands: on the side of its mark where it is on the picture and hides the least of other marks."""
    inside = Box(0, 0, shape[1], shape[0])
    sides = (
        Box(place.x - width, place.y, width, height),
        Box(place.x, place.y - height, width, height),
        Box(place.right, place.y, width, height),
        Box(place.x, place.bottom, width, height),
    )

    def harm(tag: Box) -> float:
        unseen = tag.area - tag.intersection(inside).area
        return unseen + sum(tag.intersection(other).area for other in taken)

    return min(sides, key=harm)
