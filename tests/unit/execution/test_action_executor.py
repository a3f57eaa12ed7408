"""What a step sends to the screen."""

from __future__ import annotations

import numpy as np
import pytest

from steadyhand.execution.action_executor import ActingStep, perform
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import ClickStep, DragStep, KeysStep, ScrollStep, TargetRecord, TypeStep
from steadyhand.screen.driver import Button, Frame, ScreenFacts

FIELD = TargetRecord(screen="s.png", point=Point(1, 1), box=Box(0, 0, 2, 2))
FRAME = Frame(np.zeros((100, 200, 3), np.uint8))


class Note:
    """A screen that notes what arrives."""

    name = "note"

    def __init__(self) -> None:
        self.inputs: list[tuple[object, ...]] = []

    def capture(self) -> Frame:
        """Nobody asks for it here."""
        raise AssertionError("acting does not look")

    def facts(self) -> ScreenFacts:
        """Nobody asks for them here."""
        raise AssertionError("acting does not look")

    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Note it."""
        self.inputs.append(("click", point, button, count))

    def drag(self, start: Point, end: Point) -> None:
        """Note it."""
        self.inputs.append(("drag", start, end))

    def type_text(self, text: str) -> None:
        """Note it."""
        self.inputs.append(("type", text))

    def press(self, keys: str) -> None:
        """Note it."""
        self.inputs.append(("press", keys))

    def scroll(self, point: Point, dx: float, dy: float) -> None:
        """Note it."""
        self.inputs.append(("scroll", point, dx, dy))

    def interrupt(self) -> None:
        """Nothing hangs."""

    def close(self) -> None:
        """Nothing is open."""


PLACE, END = Point(30, 40), Point(50, 60)
SENT: list[tuple[ActingStep, list[tuple[object, ...]]]] = [
    (ClickStep(id="a", action="click", target=FIELD), [("click", PLACE, "left", 1)]),
    (ClickStep(id="a", action="click", target=FIELD, button="right"), [("click", PLACE, "right", 1)]),
    (ClickStep(id="a", action="click", target=FIELD, count=2), [("click", PLACE, "left", 2)]),
    (TypeStep(id="a", action="type", target=FIELD, text="-"), [("click", PLACE, "left", 1), ("type", "hello")]),
    (
        TypeStep(id="a", action="type", target=FIELD, text="-", clear=True),
        [("click", PLACE, "left", 1), ("press", "Control+A"), ("type", "hello")],
    ),
    (KeysStep(id="a", action="keys", keys="Control+S"), [("press", "Control+S")]),
    (ScrollStep(id="a", action="scroll", at=Point(3, 4), dx=5, dy=6), [("scroll", Point(3, 4), 5, 6)]),
    (ScrollStep(id="a", action="scroll", dy=-7), [("scroll", Point(100, 50), 0, -7)]),
    (DragStep(id="a", action="drag", target=FIELD, to=FIELD), [("drag", PLACE, END)]),
]


@pytest.mark.parametrize(
    ("step", "inputs"), SENT, ids=[f"{number}-{step.action}" for number, (step, _) in enumerate(SENT)]
)
def test_a_step_sends_just_these_inputs(step: ActingStep, inputs: list[tuple[object, ...]]) -> None:
    """Each action is these input events, once, at the place that was resolved."""
    screen = Note()
    perform(screen, step, FRAME, place=PLACE, end=END, text="hello")
    assert screen.inputs == inputs


def test_typing_without_a_target_goes_to_the_focus() -> None:
    """Nothing is clicked when the step names no field."""
    screen = Note()
    perform(screen, TypeStep(id="a", action="type", text="-"), FRAME, text="hello")
    assert screen.inputs == [("type", "hello")]


def test_typing_nothing_over_a_field_empties_it() -> None:
    """Selecting alone would leave the old text there."""
    screen = Note()
    perform(screen, TypeStep(id="a", action="type", target=FIELD, text="", clear=True), FRAME, place=PLACE)
    assert screen.inputs == [("click", PLACE, "left", 1), ("press", "Control+A"), ("press", "Delete")]
