"""Finding a picture on a screen.

A *score* is the normalised correlation of a picture with a place of the same size: 1 for the same picture, whatever
its brightness and contrast, 0 for nothing in common, below 0 for a negative. A *peak* is a place that scores higher
than all around it. Flat pictures score high everywhere, so they are refused (`is_telling`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from steadyhand.model.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLAT_CONTRAST = 4.0
"""A picture whose brightness deviates less than this from its mean shows nothing. Source: a plain button's ground with
its faint border deviates by 2 to 3 levels, the thinnest grey caption by 6."""

_ROUGH_PEAKS = 12
_RIM_PX, _RIMMED_PX = 3, 20
"""How thick the frame of a button is at most, with its rounded corners, and how small the least button that has one."""
_FRAMED, _LEAST_FRAME, _FAINT = 0.7, 6, 8
"""A frame is drawn along so much of each side, round corners left out; it may be as light as #ddd on white."""
_LEAST_INK, _LEAST_GLYPH_PX, _GLYPH_PX = 24, 5, 24
_COARSE_SLACK = 0.25
"""How much lower than at full size a true place may score in the shrunken screen."""


@dataclass(frozen=True, slots=True)
class Peak:
    """A place that looks like the picture.

    Attributes:
        box: The place, frame space, of the picture's size.
        score: Normalised correlation, -1 to 1.
    """

    box: Box
    score: float


def cut(gray: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The pixels in a box, as far as they are on the screen.

    Args:
        gray: The screen, uint8, (height, width).
        box: Frame space; rounded to whole pixels.
    """
    return gray[max(0, round(box.y)) : max(0, round(box.bottom)), max(0, round(box.x)) : max(0, round(box.right))]


def is_telling(picture: NDArray[np.uint8]) -> bool:
    """Whether a picture shows anything by which it could be found.

    Args:
        picture: uint8, (height, width).
    """
    return picture.size > 0 and float(picture.std()) >= _FLAT_CONTRAST


def search(gray: NDArray[np.uint8], picture: NDArray[np.uint8], least: float, limit: int = 20) -> list[Peak]:
    """Where a picture is seen on a screen.

    Large pictures are looked for on a shrunken screen first, and the places that come near are looked at again in full.

    Args:
        gray: The screen, uint8, (height, width).
        picture: What to look for, uint8, (height, width), at the size at which it would be seen.
        least: The least score.
        limit: How many places at most.

    Returns:
        Peaks, the best first, none covering half of another; none for a picture that shows nothing.

    Source: measured at 2560x1600, a quarter-size search with its best places refined takes 10 ms, a full one 128 ms.
    """
    height, width = picture.shape
    if height > gray.shape[0] or width > gray.shape[1] or not is_telling(picture):
        return []
    shrink = 4 if min(height, width) >= 40 else 2 if min(height, width) >= 16 else 1
    if shrink == 1:
        return _peaks(cv2.matchTemplate(gray, picture, cv2.TM_CCOEFF_NORMED), picture.shape, least, limit)
    small = cv2.resize(gray, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    sketch = cv2.resize(picture, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    scores = cv2.matchTemplate(small, sketch, cv2.TM_CCOEFF_NORMED)
    found: list[Peak] = []
    for rough in _peaks(scores, sketch.shape, least - _COARSE_SLACK, max(limit, _ROUGH_PEAKS)):
        around = Box(rough.box.x * shrink, rough.box.y * shrink, width, height).grown(2 * shrink)
        left, top = max(0, round(around.x)), max(0, round(around.y))
        window = cut(gray, around)
        if window.shape[0] < height or window.shape[1] < width:
            continue
        fine = cv2.matchTemplate(window, picture, cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(fine)
        box = Box(left + x, top + y, width, height)
        if score >= least and not any(peak.box.overlap(box) > 0.5 for peak in found):
            found.append(Peak(box, float(score)))
    return sorted(found, key=lambda peak: -peak.score)[:limit]


def likeness(gray: NDArray[np.uint8], picture: NDArray[np.uint8], box: Box, slack_px: int = 6) -> float:
    """How like a place looks to a picture that may have been shifted a little; a negative counts nearly as much.

    Args:
        gray: The screen, uint8, (height, width).
        picture: uint8, (height, width), at the size at which it would be seen.
        box: The place; the picture is centred on it.
        slack_px: How far it may be shifted each way.

    Returns:
        0 to 1; 0 for a picture that shows nothing and for places that reach over the edge of the screen.

    Source: looking at the negative too recovers about half of the targets of a page that has gone dark.
    """
    height, width = picture.shape
    center = box.center
    window = cut(gray, Box(center.x - width / 2, center.y - height / 2, width, height).grown(slack_px))
    if window.shape[0] < height or window.shape[1] < width or not is_telling(picture):
        return 0.0
    scores = cv2.matchTemplate(window, picture, cv2.TM_CCOEFF_NORMED)
    return float(np.clip(max(scores.max(), -0.9 * scores.min()), 0, 1))


def glyphs(gray: NDArray[np.uint8], box: Box) -> list[NDArray[np.float32]]:
    """What is drawn in a box, whatever its size, its place in the box and its colours.

    Args:
        gray: The screen, uint8, (height, width).
        box: Around an icon or a button that shows one, frame space.

    Returns:
        How much ink is where, float32, (24, 24), of mean 0 and length 1: once for the box and what is just around it,
        and once for what is inside of its rim, which may be the frame of a button: that alone if it is, for all buttons
        of a row have the same. Nothing if nothing is drawn there.
    """
    margins = [_RIM_PX] if min(box.width, box.height) < _RIMMED_PX else [_RIM_PX, -_RIM_PX]
    drawn = [_glyph(cut(gray, box.grown(margin))) for margin in margins]
    if drawn[-1] is not None and is_framed(gray, box):
        drawn = drawn[-1:]
    return [each for each in drawn if each is not None]


def are_drawn_alike(left: list[NDArray[np.float32]], right: list[NDArray[np.float32]]) -> float:
    """How alike two things are drawn, 0 to 1, by what `glyphs` says of each; 0 if nothing is drawn on one."""
    return max((float((one * other).sum()) for one in left for other in right), default=0.0)


def is_framed(gray: NDArray[np.uint8], box: Box) -> bool:
    """Whether what is drawn in a box has a frame, or is a block: it is drawn along all four of its sides.

    Args:
        gray: The screen, uint8, (height, width).
        box: Around it, frame space.
    """
    if min(box.width, box.height) < _RIMMED_PX:
        return False
    ink = _ink(cut(gray, box.grown(_RIM_PX)))
    drawn = ink > max(_LEAST_FRAME, ink.max() / _FAINT)
    if not drawn.any():
        return False
    (top, bottom), (left, right) = (np.flatnonzero(drawn.any(axis=axis))[[0, -1]] for axis in (1, 0))
    part = drawn[top : bottom + 1, left : right + 1]
    sides = (part[:2].any(axis=0), part[-2:].any(axis=0), part[:, :2].any(axis=1), part[:, -2:].any(axis=1))
    return min(float(side.mean()) for side in sides) >= _FRAMED


def _ink(picture: NDArray[np.uint8]) -> NDArray[np.int16]:
    """How much each pixel differs from the ground, which the edge of the picture shows: int16, (height, width)."""
    rim = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return np.asarray(np.abs(picture.astype(np.int16) - int(np.median(rim))), np.int16)


def _glyph(picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """What is drawn on a picture whose edge shows the ground."""
    if min(picture.shape) < _LEAST_GLYPH_PX:
        return None
    ink = _ink(picture)
    if ink.max() < _LEAST_INK:
        return None
    drawn = ink > ink.max() / 3
    (top, bottom), (left, right) = (np.flatnonzero(drawn.any(axis=axis))[[0, -1]] for axis in (1, 0))
    shape = (bottom - top + 1, right - left + 1)
    side = max(shape)
    if side < _LEAST_GLYPH_PX:
        return None
    square = np.zeros((side, side), np.float32)
    y, x = ((side - length) // 2 for length in shape)
    square[y : y + shape[0], x : x + shape[1]] = ink[top : bottom + 1, left : right + 1]
    small = cv2.GaussianBlur(cv2.resize(square, (_GLYPH_PX, _GLYPH_PX), interpolation=cv2.INTER_AREA), (5, 5), 0)
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)


def _peaks(scores: NDArray[Any], shape: tuple[int, ...], least: float, limit: int) -> list[Peak]:
    """The highest scores, none within half a picture of another."""
    height, width = shape[:2]
    found: list[Peak] = []
    while len(found) < limit:
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        if best < least:
            break
        found.append(Peak(Box(x, y, width, height), float(best)))
        top, left = max(0, y - height // 2), max(0, x - width // 2)
        scores[top : y + height // 2 + 1, left : x + width // 2 + 1] = -1
    return found
