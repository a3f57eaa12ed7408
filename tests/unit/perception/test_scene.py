"""What is seen on a frame: where a text is written."""

from __future__ import annotations

import numpy as np
import pytest

from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.screen.drawing import BOLD, write

INK = (30, 30, 30)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Three lines of text, the last one with a sign before it."""
    image = np.full((200, 480, 3), 255, np.uint8)
    write(image, "Welcome, Ada", 40, 40, 20, INK)
    write(image, "Réglé: 14 of 20", 40, 100, 20, INK)
    write(image, "... Saved", 40, 160, 20, INK)
    return Scene.of(image)


@pytest.mark.parametrize("text", ["Welcome, Ada", "welcome ada", "WELCOME, ADA!"])
def test_punctuation_within_a_text_does_not_matter(scene: Scene, text: str) -> None:
    """A text is found whether its inner comma is given or not."""
    (box,) = scene.find_text(text)
    assert Box(34, 18, 160, 34).encloses(box)


@pytest.mark.parametrize("text", ["Regle 14 of 20", "Réglé: 14 of 20"])
def test_a_colon_and_accents_do_not_matter(scene: Scene, text: str) -> None:
    """What stands behind a word is no part of it."""
    assert len(scene.find_text(text)) == 1


@pytest.mark.parametrize("text", ["Welcome, Eve", "Welcome", "14 of 21", "...", ""])
def test_other_texts_are_others(scene: Scene, text: str) -> None:
    """Another name, another number, and signs without any word are not found; a word of a text is."""
    assert len(scene.find_text(text)) == (text == "Welcome")


def test_a_heading_is_one_text() -> None:
    """The words of large type are found as separate lines, and still are one text; those of a menu are not."""
    image = np.full((200, 640, 3), 255, np.uint8)
    write(image, "Payment is complete", 40, 60, 40, INK, BOLD)
    for left, word in ((40, "Home"), (140, "Orders"), (260, "Help")):
        write(image, word, left, 140, 18, INK)
    scene = Scene.of(image)
    assert len(scene.lines) > 4
    assert len(scene.find_text("Payment is complete")) == 1
    assert len(scene.find_text("is complete")) == 1
    assert scene.find_text("Home Orders") == []


def test_the_words_of_a_heading_may_differ_in_height() -> None:
    """A word of small letters alone is half as high as one with tall ones and tails."""
    image = np.full((120, 480, 3), 255, np.uint8)
    write(image, "Nobody came", 40, 70, 40, INK, BOLD)
    assert len(Scene.of(image).find_text("Nobody came")) == 1


def test_signs_before_a_text_are_no_second_place(scene: Scene) -> None:
    """A text with an ellipsis before it is found once."""
    assert len(scene.find_text("Saved")) == 1
