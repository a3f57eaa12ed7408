"""Lines of text are found and read; what is no text is neither."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.errors import ConfigError
from steadyhand.model.geometry import Box
from steadyhand.perception import ocr
from steadyhand.perception.ocr import Reader, Word, find_lines, find_tick_boxes, is_scrap
from steadyhand.screen.drawing import BOLD, panel, text_width, write, write_inside

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.screen.drawing import Colour

INK, PAPER = (40, 40, 40), (250, 250, 250)
TEXT = "Payment is complete"


def lines_on(gray: NDArray[np.uint8]) -> list[Box]:
    """Where lines stand on a screen."""
    return find_lines(gray, find_tick_boxes(gray))


def page(text: str, size: int = 18, ink: Colour = INK, paper: Colour = PAPER, left: int = 40) -> NDArray[np.uint8]:
    """A gray picture with one line of text on the base line 60."""
    image = np.full((110, 520, 3), paper, np.uint8)
    write(image, text, left, 60, size, ink)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


@pytest.fixture(scope="module")
def reader() -> Reader:
    """One reader, which costs a tenth of a second to open."""
    return Reader()


def said(reader: Reader, gray: NDArray[np.uint8]) -> str:
    """All that is read on a picture."""
    return " ".join(word.text for line in lines_on(gray) for word in reader.read(gray, line))


@pytest.mark.parametrize("size", [13, 16, 20, 24])
def test_text_of_usual_sizes_is_read(reader: Reader, size: int) -> None:
    """From the small print of a table to a heading."""
    assert said(reader, page(TEXT, size)) == TEXT


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((255, 255, 255), (170, 84, 30)),
        ((230, 230, 230), (30, 26, 22)),
        ((150, 150, 150), (255, 255, 255)),
        ((40, 40, 200), (255, 255, 255)),
    ],
)
def test_text_is_read_in_any_colour(reader: Reader, ink: Colour, paper: Colour) -> None:
    """White on blue, light on dark, gray on white, red on white."""
    assert said(reader, page(TEXT, 16, ink, paper)) == TEXT


@pytest.mark.parametrize(
    "text", ["Réglé, merci Zoé", "Déconnexion", "INV-2047", "1,284.50", "2026-06-18", "ap@harbourlane.example"]
)
def test_accents_numbers_and_addresses_are_read(reader: Reader, text: str) -> None:
    """What business applications show most."""
    assert said(reader, page(text)) == text


def test_words_stand_where_they_were_read(reader: Reader) -> None:
    """From left to right, in pixels of the frame, each around its own letters."""
    gray = page("Send remittance advice", left=90)
    words = reader.read(gray, lines_on(gray)[0])
    assert [word.text for word in words] == ["Send", "remittance", "advice"]
    for number, word in enumerate(words):
        before = "".join(f"{earlier.text} " for earlier in words[:number])
        left = 90 + text_width(before + word.text, 18) - text_width(word.text, 18)
        assert Box(left, 44, text_width(word.text, 18), 20).grown(4).encloses(word.box)
        assert word.box.width > 0.9 * text_width(word.text, 18)
        assert 0.8 < word.confidence <= 1


def test_the_same_pixels_say_the_same_wherever_they_stand(reader: Reader) -> None:
    """What was read once is known again at another place, and its words are told where they stand now."""
    here, there = (page("Approve", left=left) for left in (40, 240))
    (word,) = reader.read(here, lines_on(here)[0])
    (moved,) = reader.read(there, lines_on(there)[0])
    assert moved == Word(word.text, word.box.shifted(200, 0), word.confidence)


def test_a_line_beside_the_picture_says_nothing(reader: Reader) -> None:
    """A box that lies outside of the frame holds no words."""
    assert reader.read(page(TEXT), Box(900, 900, 60, 20)) == ()


def test_lines_are_found_apart_and_from_top_to_bottom() -> None:
    """Two columns and two rows are four lines; each holds its text, tightly."""
    image = np.full((200, 520, 3), PAPER, np.uint8)
    texts = (("Supplier", 40, 60), ("Amount", 320, 60), ("Brightwater Linen", 40, 130), ("2,318.40", 320, 130))
    for text, left, baseline in texts:
        write(image, text, left, baseline, 18, INK)
    lines = lines_on(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8))
    assert len(lines) == 4
    assert [line.y for line in lines] == sorted(line.y for line in lines)
    for text, left, baseline in texts:
        ink = Box(left + 2, baseline - 12, text_width(text, 18) - 5, 12)
        (holding,) = [line for line in lines if line.encloses(ink, 2)]
        assert ink.grown(10).encloses(holding)


def test_borders_and_rules_are_no_text() -> None:
    """An empty field, a panel and a ruled line hold no line of text; the words within them do."""
    image = np.full((260, 520, 3), PAPER, np.uint8)
    panel(image, Box(30, 20, 300, 36), (255, 255, 255), (180, 180, 180), 4)
    panel(image, Box(20, 80, 460, 160), (255, 255, 255), (210, 210, 210))
    cv2.line(image, (40, 150), (460, 150), (120, 120, 120), 1)
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    assert lines_on(gray) == []
    write(image, "Total", 60, 200, 18, INK)
    (line,) = lines_on(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8))
    assert Box(50, 180, 70, 26).encloses(line)


@pytest.mark.parametrize("is_filled", [False, True])
@pytest.mark.parametrize(
    ("size", "height", "padding", "radius"), [(13, 22, 6, 3), (14, 26, 8, 4), (14, 30, 8, 4), (16, 34, 7, 5)]
)
def test_a_narrow_button_is_read(
    reader: Reader, size: int, height: int, padding: int, radius: int, *, is_filled: bool
) -> None:
    """Its rounded frame stands nearer to its words than they do to each other, and is no part of them."""
    image = np.full((100, 400, 3), 255, np.uint8)
    box = Box(100, 30, text_width("Save changes", size) + 2 * padding, height)
    blue, white = (170, 84, 30), (255, 255, 255)
    panel(image, box, blue if is_filled else white, blue, radius)
    write_inside(image, "Save changes", box, size, white if is_filled else blue)
    assert said(reader, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)) == "Save changes"


@pytest.mark.parametrize("is_ticked", [False, True])
@pytest.mark.parametrize("side", [12, 16, 24])
def test_a_check_box_is_no_letter(reader: Reader, side: int, *, is_ticked: bool) -> None:
    """It is found as a check box, ticked or not, and the words behind it are read without it."""
    image = np.full((110, 520, 3), PAPER, np.uint8)
    box = Box(40, 50 - side / 2, side, side)
    panel(image, box, (255, 255, 255), INK)
    if is_ticked:
        panel(image, box.grown(-3), INK)
    write(image, "Remember me", 52 + side, 56, 18, INK)
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    (found,) = find_tick_boxes(gray)
    assert found.overlap(box) > 0.7
    assert said(reader, gray) == "Remember me"


def test_letters_and_buttons_are_no_check_boxes() -> None:
    """Round capitals have about the shape of a radio button, and buttons are drawn as frames too."""
    image = np.full((200, 520, 3), PAPER, np.uint8)
    write(image, "OQ DO 00", 40, 60, 24, INK, BOLD)
    panel(image, Box(40, 100, 120, 36), PAPER, INK, 5)
    assert find_tick_boxes(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)) == []


@pytest.mark.parametrize(
    ("text", "confidence", "scrap"),
    [
        ("Save", 0.1, False),
        ("OK", 0.9, False),
        ("OK", 0.5, True),
        ("7", 0.65, False),
        ("7", 0.4, True),
        ("|", 0.5, True),
        ("/", 0.9, False),
    ],
)
def test_short_words_count_only_when_they_were_read_surely(text: str, confidence: float, *, scrap: bool) -> None:
    """Long words are never scrap; short ones and signs are, unless the reader was sure; digits are read less surely."""
    assert is_scrap(Word(text, Box(0, 0, 10, 10), confidence)) is scrap


def test_missing_language_data_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what tesseract needs there is one sentence, and how to get it."""
    find_folder = ocr._language_folder  # noqa: SLF001  it remembers its answer, and must forget ours again
    monkeypatch.setattr(ocr, "_FOLDERS", ())
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    find_folder.cache_clear()
    with pytest.raises(ConfigError, match=r"language data .* not installed") as caught:
        Reader()
    find_folder.cache_clear()
    assert "./run.sh setup" in str(caught.value)
