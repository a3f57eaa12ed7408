"""What changed between two pictures of the same screen.

A pixel *changed* when one of its three channels differs by more than `NOISE`; a *share* is the part of the looked-at
pixels that changed, 0 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from steadyhand.model.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound=np.generic)

NOISE = 24
"""Levels of 255 by which a channel may differ without anybody calling it a change.

Source: a decision. Drivers hand out lossless pictures, so that this has to cover the smoothing of fonts alone; the
faintest thing that matters, light grey text that appears on white, differs by more than 60.
"""


_TOGETHER_PX = 9
"""As far apart as words in a line may be; fields of a form lie further apart."""


def changed_share(before: NDArray[np.uint8], after: NDArray[np.uint8], box: Box | None = None) -> float:
    """How much of a place looks different now.

    Args:
        before: uint8, (height, width, 3), blue-green-red.
        after: The same, later.
        box: The place, frame space; the whole picture if not given.

    Returns:
        The share of its pixels that changed: 1 if the pictures differ in size, 0 if the place lies outside of them.
    """
    if before.shape != after.shape:
        return 1.0
    rows, columns = _slices(before, box)
    changed = _changed(before[rows, columns], after[rows, columns])
    return float(np.count_nonzero(changed)) / changed.size if changed.size else 0.0


def changed_box(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Box | None:
    """The smallest box around all that changed.

    Args:
        before: uint8, (height, width, 3), blue-green-red.
        after: The same, later.

    Returns:
        A box in frame space: all of `after` if the pictures differ in size, None if nothing changed.
    """
    if before.shape != after.shape:
        return Box(0, 0, after.shape[1], after.shape[0])
    changed = _changed(before, after)
    if not changed.any():
        return None
    x, y, width, height = cv2.boundingRect(changed.astype(np.uint8))
    return Box(x, y, width, height)


def changed_boxes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> list[Box]:
    """Boxes around the areas that changed; what lies less than `_TOGETHER_PX` apart is one area.

    Args:
        before: uint8, (height, width, 3), blue-green-red.
        after: The same, later.

    Returns:
        Boxes in frame space: all of `after` if the pictures differ in size, none if nothing changed.
    """
    if before.shape != after.shape:
        return [Box(0, 0, after.shape[1], after.shape[0])]
    kernel = np.ones((_TOGETHER_PX, _TOGETHER_PX), np.uint8)
    areas = cv2.morphologyEx(_changed(before, after).astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    _, _, stats, _ = cv2.connectedComponentsWithStats(areas, connectivity=8)
    return [Box(x, y, width, height) for x, y, width, height in stats[1:, :4].tolist()]


def differing(image: NDArray[np.uint8], other: NDArray[np.uint8] | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pixels of a picture differ from those of another one, or from one colour, by more than noise.

    Args:
        image: uint8, (height, width, 3), blue-green-red.
        other: The same, or one colour, (3,).

    Returns:
        (height, width).
    """
    return np.asarray((np.abs(image.astype(np.int16) - other) > NOISE).any(axis=2))


def cut(image: NDArray[_Scalar], box: Box) -> NDArray[_Scalar]:
    """The part of a picture that lies in a box, as a view; without pixels where the two do not meet."""
    rows, columns = _slices(image, box)
    return image[rows, columns]


def _changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels changed: (height, width)."""
    if not before.size:
        return np.zeros(before.shape[:2], np.bool_)
    blue, green, red = cv2.split(cv2.absdiff(before, after))  # four times as fast as numpy along the last axis
    return np.asarray(cv2.max(cv2.max(blue, green), red) > NOISE)


def _slices(image: NDArray[_Scalar], box: Box | None) -> tuple[slice, slice]:
    """The rows and columns of a box in whole pixels, as far as they lie in the picture."""
    height, width = image.shape[:2]
    if box is None:
        return slice(0, height), slice(0, width)
    left, top = max(0, int(box.x)), max(0, int(box.y))
    right, bottom = min(width, round(box.right + 0.49)), min(height, round(box.bottom + 0.49))
    return slice(top, max(top, bottom)), slice(left, max(left, right))
