"""What is seen on a frame: where a text is written, what things there are, and what lies before the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.screen.drawing import BOLD, panel, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


# ------------------------------------------------------------------------------------- phrases, boxes, what is in them


def test_a_wide_gap_and_a_sign_part_two_phrases() -> None:
    """Entries of a menu and crumbs of a path are things of their own; the words of one label are not."""
    image = np.full((140, 560, 3), 255, np.uint8)
    write(image, "Payment date", 40, 40, 18, INK)
    write(image, "Home / Invoices / Open", 40, 100, 18, INK)
    write(image, "Help", 300, 100, 18, INK)
    assert [phrase.text for phrase in Scene.of(image).phrases] == ["Payment date", "Home", "Invoices", "Open", "Help"]


def test_what_stands_in_a_box_is_what_has_its_middle_there() -> None:
    """Of the words on a screen those in the box are told, line by line."""
    image = np.full((160, 480, 3), 255, np.uint8)
    panel(image, Box(40, 20, 200, 100), (255, 255, 255), (150, 150, 150))
    for baseline, words in ((60, "Delete this"), (100, "invoice?")):
        write(image, words, 60, baseline, 18, INK)
    write(image, "Cancel", 300, 60, 18, INK)
    scene = Scene.of(image)
    assert scene.text_in(Box(40, 20, 200, 100)) == "Delete this invoice?"
    assert scene.text_in(Box(280, 20, 180, 100)) == "Cancel"
    assert scene.text_in(Box(40, 130, 400, 30)) == ""
    assert scene.find_text("Cancel", within=Box(0, 0, 250, 160)) == []
    assert len(scene.find_text("Cancel", within=Box(250, 0, 230, 160))) == 1


def test_words_in_a_box_come_as_one_reads_them() -> None:
    """Row by row and from left to right, also where the right end of a row stands a little higher than its left."""
    image = np.full((160, 520, 3), 255, np.uint8)
    for words, left, baseline in (("Alder", 40, 63), ("1,940.00", 300, 60), ("Cobalt", 40, 120), ("486.20", 300, 117)):
        write(image, words, left, baseline, 18, INK)
    scene = Scene.of(image)
    assert [line.phrases[0].text for line in scene.lines] == ["1,940.00", "Alder", "486.20", "Cobalt"]
    assert scene.text_in(scene.bounds) == "Alder 1,940.00 Cobalt 486.20"


def test_frames_of_all_sizes_are_found() -> None:
    """A check box, a field with a faint border, a filled button and a panel around them, the smallest first."""
    image = np.full((300, 480, 3), 255, np.uint8)
    boxes = [Box(60, 60, 16, 16), Box(60, 180, 100, 36), Box(60, 100, 240, 36), Box(30, 30, 400, 240)]
    panel(image, boxes[3], (250, 250, 250), (200, 200, 200))
    panel(image, boxes[0], (255, 255, 255), INK)
    panel(image, boxes[1], (170, 84, 30), radius=5)
    panel(image, boxes[2], (255, 255, 255), (221, 221, 221))
    found = Scene.of(image).rectangles
    assert [max(rectangle.overlap(box) for rectangle in found) > 0.7 for box in boxes] == [True] * 4
    assert [box.area for box in found] == sorted(box.area for box in found)


def test_icons_beside_each_other_are_apart() -> None:
    """Two small drawings a few pixels from each other are two things."""
    image = np.full((100, 300, 3), 255, np.uint8)
    for x in (50, 70):
        cv2.drawMarker(image, (x, 50), INK, cv2.MARKER_TILTED_CROSS, 12, 2)
    icons = sorted(Scene.of(image).icons)
    assert [round(icon.center.x, -1) for icon in icons] == [50, 70]
    assert all(icon.width <= 16 for icon in icons)


def test_the_same_pixels_are_the_same_scene() -> None:
    """A copy of a picture is not taken apart a second time; one other pixel makes another scene."""
    image = np.full((100, 300, 3), 255, np.uint8)
    write(image, "Saved", 40, 60, 18, INK)
    copy, other = image.copy(), image.copy()
    other[77, 3] = 0
    assert Scene.of(image) is Scene.of(copy)
    assert Scene.of(other) is not Scene.of(image)


# -------------------------------------------------------------------------------------------------------------- dialog

DIALOG = Box(290, 270, 420, 180)


def page(ground: int = 247) -> NDArray[np.uint8]:
    """A page of 1000 by 720 with a few words and panels."""
    image = np.full((720, 1000, 3), ground, np.uint8)
    panel(image, Box(0, 0, 1000, 60), (170, 84, 30))
    panel(image, Box(200, 100, 600, 500), (255, 255, 255), (200, 200, 200))
    for baseline in range(140, 560, 60):
        write(image, "Words of the page", 230, baseline, 18, INK)
    return image


def asked(behind: NDArray[np.uint8], box: Box = DIALOG) -> NDArray[np.uint8]:
    """A question over a page."""
    panel(behind, box, (255, 255, 255), (210, 210, 210), 6)
    write(behind, "Delete this invoice?", box.x + 28, box.y + 50, 18, INK)
    panel(behind, Box(box.x + 28, box.bottom - 62, 130, 40), (170, 84, 30), radius=5)
    return behind


def test_a_dialog_before_a_veil_is_found() -> None:
    """What is lit while all the rest is dimmed is in front."""
    found = Scene.of(asked(page() // 2)).dialog
    assert found is not None
    assert found.overlap(DIALOG) > 0.95


@pytest.mark.parametrize(
    ("size", "inner"), [((1280, 800), (700, 400)), ((1280, 800), (800, 560)), ((1440, 900), (900, 500))]
)
def test_a_large_dialog_is_found_too(size: tuple[int, int], inner: tuple[int, int]) -> None:
    """Its own rim has many bright pixels, and is no part of what lies behind it."""
    behind = np.full((size[1], size[0], 3), 247, np.uint8)
    for baseline in range(80, 560, 60):
        write(behind, "Words of the page", 60, baseline, 18, INK)
    dialog = Box((size[0] - inner[0]) / 2, (size[1] - inner[1]) / 2, *inner)
    found = Scene.of(asked(np.asarray(behind // 2, np.uint8), dialog)).dialog
    assert found is not None
    assert found.overlap(dialog) > 0.95


def test_without_a_veil_there_is_no_dialog() -> None:
    """A card on a page, a page that is dark all over, and a page on its own have nothing in front of them."""
    assert Scene.of(page()).dialog is None
    assert Scene.of(asked(page())).dialog is None
    assert Scene.of(page() // 2).dialog is None


def test_a_small_bright_thing_is_no_dialog() -> None:
    """A button that stands out on a dark page is as bright as a dialog, and too small for one."""
    image = np.asarray(page() // 3, np.uint8)
    panel(image, Box(400, 620, 130, 40), (255, 255, 255))
    assert Scene.of(image).dialog is None
