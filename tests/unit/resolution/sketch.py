"""Screens that are drawn for tests: tables, forms, cards, check boxes, drawings, a dialog over them.

A *part* is anything that can be clicked; a sketch knows each by a name that stays the same whatever is written on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Found
from steadyhand.resolution.target import Target
from steadyhand.screen.drawing import BOLD, panel, text_width, write, write_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steadyhand.model.outcome import Resolution
    from steadyhand.screen.drawing import Colour

REFUSED, BESIDE = "refused", "beside everything"
"""What a resolution would click instead of a part: nothing, or the bare ground."""


@dataclass(frozen=True)
class Style:
    """How a screen is dressed. Colours are blue-green-red; `text_px` is the size of the font."""

    ground: Colour = (247, 245, 244)
    surface: Colour = (255, 255, 255)
    line: Colour = (190, 184, 178)
    ink: Colour = (48, 38, 30)
    accent: Colour = (170, 84, 30)
    on_accent: Colour = (255, 255, 255)
    text_px: int = 16


LIGHT = Style()
DARK = Style((38, 32, 28), (54, 46, 41), (110, 98, 90), (240, 236, 232), (238, 176, 112), (38, 32, 28))
LARGE = Style(accent=(60, 120, 40), text_px=19)


class Sketch:
    """A screen that is drawn part by part.

    Args:
        width: Pixels.
        height: Pixels.
        style: How it is dressed.

    Attributes:
        image: What has been drawn so far: uint8, (height, width, 3), blue-green-red.
        parts: Where each part is, frame space, the uppermost last.
    """

    def __init__(self, width: int = 640, height: int = 420, style: Style = LIGHT) -> None:
        self.image = np.full((height, width, 3), style.ground, np.uint8)
        self.parts: dict[str, Box] = {}
        self._style = style

    def text(self, words: str, x: float, y: float, *, weight: int = 400) -> None:
        """Write words whose line has its middle at `y`."""
        size = self._style.text_px
        write(self.image, words, x, y + 0.36 * size, size, self._style.ink, weight)

    def button(self, words: str, x: float, y: float, *, name: str = "", faint: bool = False, width: int = 124) -> None:
        """Draw a button whose middle is at the height `y`; a faint one cannot be used."""
        style, box = self._style, Box(x, y - 17, width, 34)
        fill, ink = (style.surface, style.line) if faint else (style.accent, style.on_accent)
        panel(self.image, box, fill, style.line if faint else None, 5)
        write_inside(self.image, words, box, style.text_px, ink, BOLD)
        self.parts[name or words] = box

    def field(self, label: str, x: float, y: float, value: str = "", *, name: str = "", width: int = 240) -> None:
        """Draw a field whose middle is at the height `y`, with its label above it."""
        box = Box(x, y - 18, width, 36)
        self.text(label, x, y - 32)
        panel(self.image, box, self._style.surface, self._style.line, 3)
        write_inside(self.image, value, box, self._style.text_px, self._style.ink, inset=10)
        self.parts[name or label] = box

    def tick(self, label: str, x: float, y: float, *, name: str = "") -> None:
        """Draw a check box whose middle is at the height `y`, with its label behind it."""
        box = Box(x, y - 8, 16, 16)
        panel(self.image, box, self._style.surface, self._style.ink)
        self.text(label, x + 28, y)
        self.parts[name or label] = box

    def dialog(self, box: Box, question: str, answers: Sequence[str]) -> None:
        """Dim all that there is and put a question over it; nothing behind can be clicked any more."""
        self.image = np.asarray(self.image // 2, np.uint8)
        self.parts.clear()
        panel(self.image, box, self._style.surface)
        self.text(question, box.x + 20, box.y + 34)
        for number, answer in enumerate(answers):
            self.button(answer, box.x + 20 + 140 * number, box.bottom - 40)

    def target(self, name: str) -> Target:
        """What a recording on this screen knows of a part."""
        return Target.from_frame(self.image, self.parts[name].center, self.parts[name])

    def clicked(self, resolution: Resolution) -> str:
        """The part that a click would reach, `BESIDE` if there is none, `REFUSED` if nothing would be clicked."""
        if not isinstance(resolution, Found):
            return REFUSED
        hit = [name for name, box in self.parts.items() if box.contains(resolution.point)]
        return hit[-1] if hit else BESIDE


ROWS = (
    ("2031", "Alder Joinery", "1,940.00"),
    ("2034", "Brightwater Linen", "2,318.40"),
    ("2038", "Cobalt Print", "486.20"),
    ("2042", "Dunmore Electrical", "3,720.00"),
    ("2047", "Harbour Coffee", "1,284.50"),
)
"""Invoices: number, supplier, amount."""


FIELDS, VERBS = ("Supplier", "Amount", "Note"), ("Save", "Cancel")


def form(
    labels: Sequence[str] = FIELDS,
    verbs: Sequence[str] = VERBS,
    *,
    style: Style = LIGHT,
    left: float = 40,
    top: float = 120,
    title: str = "New invoice",
    values: Sequence[str] = ("", "", ""),
    faint: str = "",
) -> Sketch:
    """A screen with a form: fields one below the other, then buttons side by side, of which one may be faint.

    Each part is named after what it is called here.
    """
    sketch = Sketch(720, 420, style)
    sketch.text(title, left, 40, weight=BOLD)
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        sketch.field(label, left, top + 76 * index, value)
    for index, verb in enumerate(verbs):
        sketch.button(verb, left + 140 * index, top + 76 * len(labels), faint=verb == faint)
    return sketch


def table(
    rows: Sequence[tuple[str, ...]] = ROWS,
    *,
    verbs: Sequence[str] = ("Open",),
    style: Style = LIGHT,
    left: float = 24,
    top: float = 120,
    pitch: float = 48,
    title: str = "Invoices to approve",
) -> Sketch:
    """A screen with a table, a line for each row, and a button for each verb in each of them.

    The buttons are named after the recorded verbs and their rows: `0 2047` is the first one in the row of 2047.
    """
    sketch = Sketch(720, 420, style)
    sketch.text(title, left, 40, weight=BOLD)
    for heading, x in (("Number", 0), ("Supplier", 90), ("Amount", 260)):
        sketch.text(heading, left + x, top - 40, weight=BOLD)
    for index, (number, supplier, amount) in enumerate(rows):
        y = top + index * pitch
        for words, x in ((number, 0), (supplier, 90), (amount, 260)):
            sketch.text(words, left + x, y)
        for place, verb in enumerate(verbs):
            sketch.button(verb, left + 360 + 140 * place, y, name=f"{place} {number}")
    return sketch


def quantities(rows: Sequence[tuple[str, ...]] = ROWS, *, style: Style = LIGHT) -> Sketch:
    """A screen with a table that has an empty field in each row, named after the row's number."""
    sketch = Sketch(720, 420, style)
    for heading, x in (("Number", 70), ("Supplier", 160), ("Amount", 330)):
        sketch.text(heading, x, 80)
    for index, row in enumerate(rows):
        y = 120 + 46 * index
        for words, x in zip(row, (70, 160, 330), strict=True):
            sketch.text(words, x, y)
        sketch.parts[row[0]] = Box(450, y - 16, 90, 32)
        panel(sketch.image, sketch.parts[row[0]], style.surface, style.line, 3)
    return sketch


def groups(titles: Sequence[str], *, style: Style = LIGHT) -> Sketch:
    """A screen with groups of fields one below the other, the same in each: `Billing/City` is one of Billing."""
    sketch, y = Sketch(760, 520, style), 60
    for title in titles:
        sketch.text(title, 40, y, weight=BOLD)
        for label in ("Name", "City"):
            y += 76
            sketch.field(label, 40, y, name=f"{title}/{label}", width=220)
        y += 46
    return sketch


def cards(names: Sequence[str]) -> Sketch:
    """A screen with cards side by side: a name, and a button below it that says the same on each."""
    sketch = Sketch()
    sketch.text("Our coffees", 40, 40)
    for index, name in enumerate(names):
        sketch.text(name, 40 + 190 * index, 120)
        sketch.button("Buy", 40 + 190 * index, 160, name=name)
    return sketch


def parties(labels: Sequence[str], style: Style = LIGHT) -> Sketch:
    """A screen with fields one below the other, and behind each a button that says the same."""
    sketch = Sketch(style=style)
    for index, label in enumerate(labels):
        sketch.field(label, 40, 110 + 100 * index)
        sketch.button("Find", 300, 110 + 100 * index, name=f"find {label}")
    return sketch


def options(labels: Sequence[str], style: Style = LIGHT) -> Sketch:
    """A screen with check boxes, one below the other."""
    sketch = Sketch(style=style)
    sketch.text("Payment options", 40, 40)
    for index, label in enumerate(labels):
        sketch.tick(label, 40, 110 + 50 * index)
    return sketch


def extras(labels: Sequence[str], style: Style = LIGHT, gap_px: int = 32) -> Sketch:
    """A screen with check boxes side by side, each with its words behind it."""
    sketch, x = Sketch(720, 300, style), 40
    sketch.text("Options of the order", 40, 40)
    for label in labels:
        sketch.tick(label, x, 120)
        x += 28 + text_width(label, style.text_px) + gap_px
    return sketch


ICONS = ("plus", "cross", "lines", "corner")


def toolbar(icons: Sequence[str] = ICONS, *, style: Style = LIGHT, left: int = 52, reach_px: int = 9) -> Sketch:
    """A screen with drawings side by side, which say nothing."""
    sketch, y = Sketch(style=style), 110
    for words, where in (("Drawing board", (40, 40)), ("Two layers", (40, 200)), ("Nothing selected", (300, 200))):
        sketch.text(words, *where)
    for index, name in enumerate(icons):
        x, ends = left + 60 * index, (-reach_px, reach_px)
        strokes = {
            "plus": [((x + ends[0], y), (x + ends[1], y)), ((x, y + ends[0]), (x, y + ends[1]))],
            "cross": [((x + ends[0], y + end), (x + ends[1], y - end)) for end in ends],
            "lines": [((x + ends[0], y + down), (x + ends[1], y + down)) for down in (-6, 0, 6)],
            "corner": [
                ((x + ends[0], y + ends[0]), (x + ends[0], y + ends[1])),
                ((x + ends[0], y + ends[1]), (x + ends[1], y + ends[1])),
            ],
        }[name]
        for start, end in strokes:
            cv2.line(sketch.image, start, end, style.ink, 2)
        sketch.parts[name] = Box(x, y, 0, 0).grown(reach_px + 2)
    return sketch
