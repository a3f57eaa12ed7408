"""A resolved step to input events, once.

Nothing here looks at the screen, waits or tries again: what a step does to the screen can be read off this page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from steadyhand.model.geometry import Point
from steadyhand.model.workflow import ClickStep, DragStep, KeysStep, ScrollStep, TypeStep

if TYPE_CHECKING:
    from steadyhand.screen.driver import Frame, ScreenDriver

ActingStep = ClickStep | TypeStep | KeysStep | ScrollStep | DragStep
"""Every step but `wait_for`, which does nothing."""


def perform(
    driver: ScreenDriver,
    step: ActingStep,
    frame: Frame,
    *,
    place: Point | None = None,
    end: Point | None = None,
    text: str = "",
) -> None:
    """Send a step's input events, once.

    Args:
        driver: The screen.
        step: What to do.
        frame: The screen as it was seen last.
        place: Where its target is, frame space; None for a step without a target.
        end: Where a drag ends, frame space.
        text: What a `type` step types, filled in; it may be a secret.

    Raises:
        ScreenLostError: The screen is gone; the last input did not arrive.
        DeliveryUncertainError: Nobody knows which inputs arrived.
    """
    match step:
        case ClickStep():
            assert place is not None, "a click has a target"
            driver.click(place, step.button, step.count)
        case TypeStep():
            if place is not None:
                driver.click(place)
            if step.clear:
                driver.press("Control+A")
                if not text:
                    driver.press("Delete")
            if text:
                driver.type_text(text)
        case KeysStep():
            driver.press(step.keys)
        case ScrollStep():
            middle = Point(frame.width / 2, frame.height / 2)
            driver.scroll(step.at or middle, step.dx, step.dy)
        case DragStep():
            assert place is not None, "a drag has a target"
            assert end is not None, "a drag has an end"
            driver.drag(place, end)
        case _:
            assert_never(step)
