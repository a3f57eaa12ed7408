"""What was acted on is known from the application as far as it can be seen, and by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.model.geometry import Box, Point
from steadyhand.recording.aiming import aim
from steadyhand.screen.drawing import panel, write
from steadyhand.screen.driver import ElementFacts

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUTTON, FIELD = Box(40, 40, 130, 40), Box(40, 140, 260, 40)
INK = (30, 30, 30)


@pytest.fixture
def screen() -> NDArray[np.uint8]:
    """A button with an icon on it, and below it a field with a label and something in it."""
    image = np.full((300, 500, 3), 255, np.uint8)
    panel(image, BUTTON, (235, 225, 215), (120, 110, 100), 6)
    write(image, "§ Save", 65, 66, 18, INK)
    write(image, "Customer", 40, 130, 18, INK)
    panel(image, FIELD, (255, 255, 255), (120, 110, 100), 4)
    write(image, "Adler", 54, 166, 18, INK)
    return image


def test_without_any_facts_it_is_known_by_looking(screen: NDArray[np.uint8]) -> None:
    """The rectangle around the point and the words in it are the thing."""
    target, name = aim(screen, Point(105.4, 60.2), None)
    assert target.point == Point(105, 60)
    assert target.box.overlap(BUTTON) > 0.9
    assert "Save" in target.text
    assert "Save" in name


def test_the_exact_box_and_words_come_from_the_application(screen: NDArray[np.uint8]) -> None:
    """What is read besides the words that the application knows is an icon."""
    target, name = aim(screen, Point(100, 60), ElementFacts(Box(39.8, 40.2, 130, 39.9), text="Save"))
    assert target.box == BUTTON
    assert (target.text, name) == ("Save", "Save")


def test_words_that_nobody_sees_are_only_a_name(screen: NDArray[np.uint8]) -> None:
    """What the application calls a thing does not go into the target unless it is written there."""
    target, name = aim(screen, Point(100, 60), ElementFacts(BUTTON, text="Submit", label="Send it"))
    assert "Save" in target.text
    assert target.label != "Send it"
    assert name == "Submit"


def test_what_is_in_a_field_is_not_its_text(screen: NDArray[np.uint8]) -> None:
    """A field's content is data; its label stands beside it."""
    target, name = aim(screen, Point(100, 160), ElementFacts(FIELD, is_editable=True, label="Customer"))
    assert (target.text, target.label, name) == ("", "Customer", "Customer")


@pytest.mark.parametrize(("is_empty", "text"), [(True, "Adler"), (False, "")])
def test_what_stands_in_an_empty_field_names_it(screen: NDArray[np.uint8], *, is_empty: bool, text: str) -> None:
    """A placeholder is what a field is known by; in a field that is not empty the same words are data."""
    element = ElementFacts(FIELD, is_editable=True, label="Adler")
    assert aim(screen, Point(100, 160), element, is_empty=is_empty).target.text == text


def test_a_point_outside_of_its_element_goes_to_the_middle(screen: NDArray[np.uint8]) -> None:
    """Who clicks a label means its field."""
    target, _ = aim(screen, Point(60, 125), ElementFacts(FIELD, is_editable=True))
    assert target.point == FIELD.center


def test_who_clicks_on_the_page_means_something_smaller(screen: NDArray[np.uint8]) -> None:
    """An element that covers most of the screen is left out of account."""
    target, name = aim(screen, Point(100, 60), ElementFacts(Box(0, 0, 500, 300), text="Save Customer Adler"))
    assert target.box.overlap(BUTTON) > 0.9
    assert "Customer" not in name


def test_only_what_is_on_the_screen_counts(screen: NDArray[np.uint8]) -> None:
    """An element that reaches beyond the screen ends at its edge, and so does a point."""
    target, _ = aim(screen, Point(499.8, 299.9), ElementFacts(Box(400, 260, 300, 100)))
    assert target.box == Box(400, 260, 100, 40)
    assert target.point == Point(499, 299)
