"""Keeping secrets out of what people see: the pictures of a run and the words about it.

A secret that was typed may show on the screen: as dots, as letters, there or somewhere else. The *look* of a typed
secret is the ink that it left in its field; wherever that ink is seen again, and wherever the secret itself can be
read, the picture is blacked out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.execution.change import NOISE, changed_boxes, cut
from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.perception.wording import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from steadyhand.model.outcome import StepResult

_SAME_INK = 0.8
"""Correlation from which pixels are the ink of a secret.

Source: measured on ten drawn texts. The same text with a caret beside it, under a focus ring, scrolled or greyed out
correlates above 0.99, any other text below 0.66. Blacking out too much does no harm.
"""

_BORDER_PX = 4
"""The rim of a field, which is its border and no ink."""

_FEWEST_LETTERS = 3
"""Shorter secrets are not looked for by reading: they would be read in half of all words."""


@dataclass(frozen=True)
class SecretLook:
    """What a typed secret looks like in its field.

    Attributes:
        field: Width and height of the field, pixels.
        ink: The pixels around what was typed: uint8, (height, width, 3), blue-green-red.
        offset: Where these pixels lie in the field: x and y, pixels.
    """

    field: tuple[float, float]
    ink: NDArray[np.uint8]
    offset: tuple[float, float]

    @classmethod
    def of(cls, image: NDArray[np.uint8], field: Box) -> SecretLook | None:
        """Get to know a secret's look from the screen after it was typed.

        Args:
            image: uint8, (height, width, 3), blue-green-red.
            field: The field that it was typed into, frame space.

        Returns:
            The look; None if the field shows nothing but its own ground.
        """
        inner = field.grown(-_BORDER_PX)
        pixels = cut(image, inner)
        if not pixels.size:
            return None
        ground = np.median(pixels.reshape(-1, 3), axis=0)
        inked = (np.abs(pixels.astype(np.int16) - ground) > NOISE).any(axis=2)
        if not inked.any():
            return None
        x, y, width, height = cv2.boundingRect(inked.astype(np.uint8))
        ink = pixels[y : y + height, x : x + width].copy()
        left, top = max(0, int(inner.x)), max(0, int(inner.y))
        return cls((field.width, field.height), ink, (left + x - field.x, top + y - field.y))


def places_of_secret(place: Box | None, before: NDArray[np.uint8] | None, after: NDArray[np.uint8]) -> list[Box]:
    """Where a secret may show just after it was typed.

    Args:
        place: The field that it was typed into, frame space; None if it went wherever the focus was.
        before: The screen before: uint8, (height, width, 3), blue-green-red; None if nobody looked.
        after: The screen after.

    Returns:
        The field with all that changed in and around it; all that changed anywhere, if nothing did there. Nothing, if
        neither is known.
    """
    changed = changed_boxes(before, after) if before is not None else []
    if place is None:
        return changed
    near = [box for box in changed if box.intersection(place.grown(_BORDER_PX)).area > 0]
    return [place, *(near or changed)]


def masked(
    image: NDArray[np.uint8], boxes: Iterable[Box], looks: Iterable[SecretLook], secrets: Iterable[str]
) -> NDArray[np.uint8]:
    """A picture in which no secret can be seen.

    Args:
        image: uint8, (height, width, 3), blue-green-red; it is not changed.
        boxes: Places that show a secret for sure, frame space.
        looks: What typed secrets look like.
        secrets: What must not be read anywhere.

    Returns:
        The picture with black boxes; the same object if there is nothing to hide.
    """
    hidden = list(boxes)
    for look in looks:
        hidden.extend(_fields_with(image, look))
    folded = [letters for letters in map(_letters, secrets) if len(letters) >= _FEWEST_LETTERS]
    for line in Scene.of(image).lines if folded else ():
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


def _fields_with(image: NDArray[np.uint8], look: SecretLook) -> list[Box]:
    """The fields in which a secret's ink is seen."""
    height, width = look.ink.shape[:2]
    if height > image.shape[0] or width > image.shape[1] or float(look.ink.std()) == 0.0:
        return []
    scores = cv2.matchTemplate(image, look.ink, cv2.TM_CCOEFF_NORMED)
    is_peak = scores == cv2.dilate(scores, np.ones((9, 9), np.uint8))  # its own neighbours score nearly as high
    rows, columns = np.nonzero(is_peak & (scores >= _SAME_INK))
    return [
        Box(x - look.offset[0], y - look.offset[1], *look.field)
        for x, y in zip(columns.tolist(), rows.tolist(), strict=True)
    ]
