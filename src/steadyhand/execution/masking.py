"""Keeping secrets out of what people see: the pictures of a run and the words about it.

A secret that was typed may show on the screen: as dots, as letters, there or somewhere else. The *look* of a typed
secret is the ink that it left in its field; wherever that ink is seen again, and wherever the secret itself can be
read, the picture is blacked out. Of a field its *inside* is blacked out, all but its rim, so that nobody sees how long
the secret is; and nothing beside it, so that the report still shows what was done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.execution.change import changed_boxes, cut, differing
from steadyhand.execution.verifier import without_caret
from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.perception.wording import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from steadyhand.model.outcome import StepResult

_SAME_INK = 0.8
"""Correlation of brightness from which pixels are the ink of a secret, or its negative, as selected text is.

Source: measured on twelve drawn texts. The same text with a caret beside it, under a focus ring, scrolled, greyed out
or selected correlates above 0.99, any other text below 0.55; two letters are seen in words that hold them.
"""

RIM_PX = 2
"""The rim of a field that is left to see. Source: browsers draw borders of one or two pixels."""

_BORDER_PX = 4
"""How far into a field a focus ring may reach; what is drawn there is no ink."""

_WIDEST_CARET_PX = 6

_JOIN_PX = 9
"""As far apart as letters and dots of one text stand. Source: a wide space of a font of 24 pixels."""

_SOLID_SHARE = 0.9
"""Of the middle of a field's height: what fills that much of it is a ring or a ground; letters and dots do not."""

_CLEAR_SHARE = 0.01
"""Of a field's inside: so little ink beside the secret's own is a caret or an icon, and it is a field.

Source: a decision; a word fills 0.1 of a line."""

_FEWEST_LETTERS = 3
"""Shorter secrets are not looked for by reading: they would be read in half of all words."""


_NARROWEST_LETTER = 0.2
"""Width of a letter in heights of its line. Source: `l` and `i` of condensed fonts have 0.25, words 0.5."""


@dataclass(frozen=True)
class SecretLook:
    """What a typed secret looks like in its field.

    Attributes:
        field: Where it was typed, frame space.
        ink: The brightness of the pixels around what was typed: uint8, (height, width).
        offset: Where these pixels lie in the field: x and y, pixels.
    """

    field: Box
    ink: NDArray[np.uint8]
    offset: tuple[float, float]

    @classmethod
    def of(cls, image: NDArray[np.uint8], field: Box, scale: float = 1.0) -> SecretLook | None:
        """Get to know a secret's look from the screen after it was typed.

        Args:
            image: uint8, (height, width, 3), blue-green-red.
            field: The field that it was typed into, frame space.
            scale: Frame pixels per unit of the screen's own input space.

        Returns:
            The look; None if the field shows nothing but its own ground.
        """
        inner = field.grown(-_BORDER_PX)
        if not cut(image, inner).size:
            return None
        left, top = max(0, int(field.x)), max(0, int(field.y))
        pixels = cut(image, field)
        cleaned = without_caret(pixels, scale)
        pixels = cut(pixels if cleaned is None else cleaned, inner.shifted(-left, -top))
        if not pixels.size:
            return None
        inked = differing(pixels, np.median(pixels.reshape(-1, 3), axis=0))
        if not inked.any():
            return None
        x, y, width, height = cv2.boundingRect(inked.astype(np.uint8))
        ink = cv2.cvtColor(pixels[y : y + height, x : x + width], cv2.COLOR_BGR2GRAY)
        left, top = max(left, int(inner.x)), max(top, int(inner.y))
        return cls(field, np.asarray(ink, np.uint8), (left + x - field.x, top + y - field.y))


def places_of_secret(place: Box | None, before: NDArray[np.uint8] | None, after: NDArray[np.uint8]) -> list[Box]:
    """Where a secret may show just after it was typed.

    Args:
        place: The field that it was typed into, frame space; None if it went wherever the focus was.
        before: The screen before: uint8, (height, width, 3), blue-green-red; None if nobody looked.
        after: The screen after.

    Returns:
        Fields, for `masked`: the one where it was typed, as wide as what was written in it; with all that changed
        anywhere, if nothing was written there. Nothing, if neither is known.
    """
    if place is None or before is None or before.shape != after.shape:
        changed = changed_boxes(before, after) if before is not None else []
        return [*([place] if place else []), *(box.grown(RIM_PX) for box in changed)]
    inner = place.grown(-_BORDER_PX)
    ground = np.median(cut(after, inner).reshape(-1, 3), axis=0) if cut(after, inner).size else np.zeros(3)
    rows = Box(0, inner.y, after.shape[1], inner.height)
    written = differing(cut(after, rows), cut(before, rows)) & differing(cut(after, rows), ground)
    if not _is_text(cut(written, Box(inner.x, 0, inner.width, inner.height))):
        return [place, *(box.grown(RIM_PX) for box in changed_boxes(before, after))]
    return [_widened(place, written[written.shape[0] // 4 : -(-3 * written.shape[0] // 4)])]


def _is_blank(picture: NDArray[np.uint8]) -> bool:
    """Whether the inside of a field, round corners left out, is of one colour all over: nothing can be read there."""
    return bool(picture.size) and bool((picture == picture[0, 0]).all())


def _is_text(written: NDArray[np.bool_]) -> bool:
    """Whether ink, (height, width), is more than a caret."""
    columns = np.flatnonzero(written.any(axis=0))
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > _JOIN_PX) + 1)
    return any(run.size and run[-1] - run[0] >= _WIDEST_CARET_PX for run in runs)


def _widened(field: Box, written: NDArray[np.bool_]) -> Box:
    """A field as wide as the text in it, which may go on beyond the box that was found.

    Args:
        field: As it was found, frame space.
        written: What is new in the middle rows of the field, all across the screen: (rows, width).
    """
    columns = np.flatnonzero(written.any(axis=0))
    runs = [run for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1) if run.size]
    runs = [run for run in runs if written[:, run].mean() < _SOLID_SHARE]
    gap, left, right = field.height / 2, field.x, field.right
    for run in runs:
        if right - gap <= run[-1] + 1 and run[0] <= right + gap:
            right = max(right, float(run[-1] + 1 + _BORDER_PX))
    for run in reversed(runs):
        if run[0] <= left + gap and left - gap <= run[-1] + 1:
            left = min(left, float(run[0] - _BORDER_PX))
    return Box(left, field.y, right - left, field.height)


def masked(
    image: NDArray[np.uint8], fields: Iterable[Box], looks: Iterable[SecretLook], secrets: Iterable[str]
) -> NDArray[np.uint8]:
    """A picture in which no secret can be seen.

    Args:
        image: uint8, (height, width, 3), blue-green-red; it is not changed.
        fields: Those that show a secret, frame space; their insides are hidden, unless nothing at all is drawn there.
        looks: What typed secrets look like.
        secrets: What must not be read anywhere.

    Returns:
        The picture with black boxes; the same object if there is nothing to hide.
    """
    hidden = [field.grown(-RIM_PX) for field in fields if not _is_blank(cut(image, field.grown(-2 * RIM_PX)))]
    for look in looks:
        hidden.extend(_places_with(image, look))
    folded = [letters for letters in map(_letters, secrets) if len(letters) >= _FEWEST_LETTERS]
    narrowest = _NARROWEST_LETTER * min(map(len, folded), default=0)
    for line in Scene.of(image).lines if folded else ():
        if line.box.width < narrowest * line.box.height:
            continue
        read = _letters(" ".join(word.text for word in line.words))
        if any(letters in read for letters in folded):
            hidden.append(line.box.grown(2))
    if not hidden:
        return image
    result = image.copy()
    for box in hidden:
        cut(result, box)[:] = 0
    return result


def without_secrets(result: StepResult, hide: Callable[[str], str]) -> StepResult:
    """A step's result in whose words no secret stands.

    Args:
        result: What came of a step.
        hide: Strikes secrets out of a text.
    """
    resolution = result.resolution
    if resolution is not None:
        candidates = tuple(replace(candidate, text=hide(candidate.text)) for candidate in resolution.candidates)
        resolution = replace(resolution, candidates=candidates)
    return replace(
        result,
        reason=hide(result.reason),
        resolution=resolution,
        expectations=tuple(replace(each, detail=hide(each.detail)) for each in result.expectations),
    )


def _letters(text: str) -> str:
    """What of a text is compared: a secret may be read in another case, with spaces, within a longer word."""
    return fold(text).replace(" ", "")


def _places_with(image: NDArray[np.uint8], look: SecretLook) -> list[Box]:
    """Where a secret's ink is seen: the insides of fields that hold it, or the ink alone if it stands elsewhere."""
    height, width = look.ink.shape
    if height > image.shape[0] or width > image.shape[1] or float(look.ink.std()) == 0.0:
        return []
    scores = np.abs(cv2.matchTemplate(Scene.of(image).gray, look.ink, cv2.TM_CCOEFF_NORMED))
    rows, columns = np.nonzero(scores >= _SAME_INK)
    order = np.argsort(-scores[rows, columns], kind="stable")
    taken: list[Box] = []
    for y, x in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        ink = Box(x, y, width, height)
        # A row of dots is like itself when it is moved by a dot; the best match is where it stands.
        if not any(ink.intersection(other).area > 0 for other in taken):
            taken.append(ink)
    return [_hiding(image, ink, look) for ink in taken]


def _hiding(image: NDArray[np.uint8], ink: Box, look: SecretLook) -> Box:
    """What to black out where ink was seen: a field's inside, if there is a field around it."""
    field = Box(ink.x - look.offset[0], ink.y - look.offset[1], look.field.width, look.field.height)
    inside = field.grown(-RIM_PX)
    shift = max(abs(field.x - look.field.x), abs(field.y - look.field.y))
    if shift <= RIM_PX:
        return look.field.grown(-RIM_PX)
    return inside if _is_field(image, field, ink) else ink.grown(RIM_PX)


def _is_field(image: NDArray[np.uint8], box: Box, ink: Box) -> bool:
    """Whether a box has a border on its left and on its right, and nothing but some ink in it."""
    inner = box.grown(-_BORDER_PX)
    rest = cut(image, inner).copy()
    if not rest.size:
        return False
    ground = np.median(rest.reshape(-1, 3), axis=0)
    cut(rest, ink.shifted(-max(0, int(inner.x)), -max(0, int(inner.y))))[:] = ground
    sides = (Box(x - RIM_PX, inner.y, 2 * RIM_PX, inner.height) for x in (box.x, box.right))
    drawn = (differing(cut(image, side), ground).mean(axis=0) for side in sides)
    has_border = all(columns.size and columns.max() >= _SOLID_SHARE for columns in drawn)
    return has_border and bool(differing(rest, ground).mean() <= _CLEAR_SHARE)
