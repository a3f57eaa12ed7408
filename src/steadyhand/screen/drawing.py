"""Panels and text drawn onto a picture, for what no screen hands out as pixels: native dialogs, the simulated screen.

Text is anti-aliased and looks the same on every machine: the font is the one that OpenCV carries within itself. Signs
that it lacks (emoji) are drawn as a question mark. *Size* is that of the font in pixels; the *baseline* is the line
that letters stand on. Colours are blue-green-red, 0 to 255.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.model.geometry import Box

Colour = tuple[int, int, int]

REGULAR, BOLD = 400, 650
"""Weights of the font, as in CSS."""

_CAP_HEIGHT = 0.72
"""Height of a capital letter, in font sizes. Source: measured on the font in OpenCV 5.0."""


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    """The font; unpacking it takes 30 ms, so only once and only when text is drawn."""
    return cv2.FontFace("sans")


def write(  # noqa: PLR0917  what, where and how, as drawing calls have it
    image: NDArray[np.uint8], text: str, left: float, baseline: float, size: int, colour: Colour, weight: int = REGULAR
) -> None:
    """Write one line of text onto a picture, in place.

    Args:
        image: uint8, (height, width, 3), blue-green-red; changed.
        text: What to write.
        left: Where the first letter begins, pixels.
        baseline: What the letters stand on, pixels from the upper edge.
        size: Of the font, pixels.
        colour: Of the letters.
        weight: Of the font, 100 to 900.
    """
    cv2.putText(image, _drawable(text), (round(left), round(baseline)), colour, _font(), size, weight)


def text_width(text: str, size: int, weight: int = REGULAR) -> int:
    """How wide a line of text is, pixels."""
    # The right edge of the box counts from the start of the line, and not from the ink of the first letter.
    left, _, width, _ = cv2.getTextSize((1, 1), _drawable(text), (0, 0), _font(), size, weight)
    return max(0, int(left + width))


def _drawable(text: str) -> str:
    """A text with question marks for halves of letters, as a page can hand them out: OpenCV dies of them."""
    return text.encode(errors="replace").decode()


def write_inside(  # noqa: PLR0917  what, where and how, as drawing calls have it
    image: NDArray[np.uint8],
    text: str,
    box: Box,
    size: int,
    colour: Colour,
    weight: int = REGULAR,
    *,
    inset: float = -1,
) -> None:
    """Write one line of text into a box, in its middle, or `inset` pixels from its left edge if that is not negative.

    Args:
        image: uint8, (height, width, 3), blue-green-red; changed.
        text: What to write.
        box: Where, frame space.
        size: Of the font, pixels.
        colour: Of the letters.
        weight: Of the font, 100 to 900.
        inset: Pixels between the left edge and the first letter; negative for the middle.
    """
    left = box.x + inset if inset >= 0 else box.center.x - text_width(text, size, weight) / 2
    write(image, text, left, box.center.y + size * _CAP_HEIGHT / 2, size, colour, weight)


def wrapped(text: str, size: int, width: float) -> list[str]:
    """Break a text into lines of at most `width` pixels, at its line ends and spaces; a longer word is cut."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split(" "):
            rest = word
            while text_width(rest, size) > width and len(rest) > 1:
                head = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or text_width(rest[:n], size) <= width)
                lines += [line] if line else []
                line, rest = rest[:head], rest[head:]
            longer = f"{line} {rest}" if line else rest
            if line and text_width(longer, size) > width:
                lines.append(line)
                longer = rest
            line = longer
        lines.append(line)
    return lines


def panel(image: NDArray[np.uint8], box: Box, fill: Colour, border: Colour | None = None, radius: int = 0) -> None:
    """Fill a rectangle with rounded corners, in place.

    Args:
        image: uint8, (height, width, 3), blue-green-red; changed.
        box: Where, frame space.
        fill: Colour of the inside.
        border: Colour of a line of one pixel around it; none if not given.
        radius: Of the corners, pixels.
    """
    if border is not None:
        panel(image, box, border, radius=radius)
        box, radius = box.grown(-1), max(0, radius - 1)
    left, top, right, bottom = (round(edge) for edge in (box.x, box.y, box.right - 1, box.bottom - 1))
    if radius <= 0:
        cv2.rectangle(image, (left, top), (right, bottom), fill, cv2.FILLED)
        return
    cv2.rectangle(image, (left + radius, top), (right - radius, bottom), fill, cv2.FILLED)
    cv2.rectangle(image, (left, top + radius), (right, bottom - radius), fill, cv2.FILLED)
    for x in (left + radius, right - radius):
        for y in (top + radius, bottom - radius):
            cv2.circle(image, (x, y), radius, fill, cv2.FILLED, cv2.LINE_AA)
