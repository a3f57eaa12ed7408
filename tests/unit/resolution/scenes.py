"""Screens on which another thing stands where the recorded one stood, with the same words on it.

Each is one on which an earlier resolver clicked wrongly; `tests.unit.resolution.sketch` says what a sketch is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.resolution.sketch import LIGHT, Sketch, Style

from steadyhand.model.geometry import Box
from steadyhand.screen.drawing import BOLD, panel, write_inside

if TYPE_CHECKING:
    from collections.abc import Sequence


def question(words: str, style: Style = LIGHT) -> Sketch:
    """A form with a question over it, whose answers are always the same."""
    sketch = Sketch(1000, 720, style)
    sketch.text("New invoice", 40, 40)
    sketch.field("Supplier", 40, 120)
    sketch.button("Save", 200, 640)
    sketch.dialog(Box(290, 250, 420, 180), words, ("Yes", "No"))
    return sketch


def pages(first: int, current: int, style: Style = LIGHT) -> Sketch:
    """A list with the numbers of five pages below it, each in a frame of its own; the current one is a block."""
    sketch = Sketch(760, 420, style)
    for words, where in (("Orders", (40, 36)), ("Elm Print", (60, 100)), ("Previous", (60, 340)), ("Next", (400, 340))):
        sketch.text(words, *where)
    for number in range(first, first + 5):
        box, is_on = Box(160 + 42 * (number - first), 324, 36, 32), number == current
        panel(sketch.image, box, style.accent if is_on else style.surface, style.line, 3)
        write_inside(sketch.image, str(number), box, style.text_px, style.on_accent if is_on else style.ink)
        sketch.parts[str(number)] = box
    return sketch


def shop(names: Sequence[str]) -> Sketch:
    """Goods in rows of three, behind the name of each a button that says the same."""
    sketch = Sketch(860, 360)
    sketch.text("Our shop", 40, 30, weight=BOLD)
    for index, name in enumerate(names):
        x, y = 40 + 240 * (index % 3), 100 + 150 * (index // 3)
        sketch.text(name, x, y)
        sketch.button("Buy", x + 95, y, name=name, width=110)
    return sketch


def profile(rows: Sequence[tuple[str, str]], style: Style = LIGHT) -> Sketch:
    """Rows with a name, a value and a button that says the same; a part is named as its row."""
    sketch = Sketch(760, 420, style)
    sketch.text("My profile", 40, 36, weight=BOLD)
    for index, (name, value) in enumerate(rows):
        y = 100 + 46 * index
        sketch.text(name, 40, y)
        sketch.text(value, 190, y)
        sketch.button("Edit", 440, y, name=name, width=90)
    return sketch


def tree(titles: Sequence[str], style: Style = LIGHT) -> Sketch:
    """A menu of groups with the same entries in each: `Orders/New` is one of Orders."""
    sketch, y = Sketch(760, 520, style), 50
    for title in titles:
        sketch.text(title, 40, y, weight=BOLD)
        for name in ("New", "List", "Import"):
            y += 36
            sketch.text(name, 64, y)
            sketch.parts[f"{title}/{name}"] = Box(60, y - 13, 70, 26)
        y += 48
    sketch.text("Welcome to the office", 360, 60)
    sketch.text("Choose on the left", 360, 110)
    return sketch


def board(columns: Sequence[tuple[str, Sequence[str]]]) -> Sketch:
    """Columns of cards, on each a name and a button that says the same."""
    sketch = Sketch(860, 300)
    for column, (title, names) in enumerate(columns):
        x = 40 + 260 * column
        sketch.text(title, x, 40, weight=BOLD)
        for index, name in enumerate(names):
            y = 70 + 96 * index
            panel(sketch.image, Box(x, y, 230, 84), LIGHT.surface, LIGHT.line, 5)
            sketch.text(name, x + 12, y + 22)
            sketch.button("Move", x + 12, y + 58, name=name, width=80)
    return sketch
