"""Reading: where text stands on a screen, and what it says.

A *line* is a run of words on one base line, close enough together to be one thing to the eye. Finding lines is cheap
(tens of milliseconds for a screen) and needs no reading; reading one line costs some milliseconds, so callers read only
the lines that can matter. What was read is kept by the content of its pixels: the same picture is never read twice.

Source: measured on real pages, lines found by edges and read one by one by tesseract have 97.6% of words exact at a
sixth of the cost of the neural readers; tesseract's own page layout finds 73%.
"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import tesserocr

from steadyhand.errors import ConfigError
from steadyhand.files import content_hash
from steadyhand.model.geometry import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

LANGUAGES = ("eng", "fra")
"""The languages that are read, as tesseract names them."""

_TEXT_HEIGHT_PX = 32
"""Lines are enlarged to this height before reading. Source: tesseract's LSTM is trained on lines of 36 px."""

_MIN_HEIGHT_PX, _MAX_HEIGHT_PX = 5, 80
_MIN_WIDTH_PX = 3
_RULE_WIDTH_PX, _RULE_HEIGHT_PX = 40, 30
_RIM_WIDTH_PX, _RIM_HEIGHT_PX = 8, 18
"""What is thinner and taller than this is the rounded end of a field, no letter."""
_JOIN_PX = 9
_BUTTON_PX, _BUTTON_WIDTH, _BUTTON_FILLS = (14, 80), 1.5, 0.8
"""How high the outline of a button is, how much wider than high, and how much of its box it fills. Source: measured,
13 of 15 small buttons of a page are read so, of which 3 were before; on other pages nothing is lost."""
_TICK_PX = (10, 34)
_SCRAP_LETTERS, _SCRAP_CONFIDENCE, _SCRAP_DIGIT_CONFIDENCE = 3, 0.75, 0.6
_MEMORY_LINES = 20_000

_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/opt/homebrew/share/tessdata",
    "/usr/local/share/tessdata",
    "C:/Program Files/Tesseract-OCR/tessdata",
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was read.

    Attributes:
        text: Its characters.
        box: Where it stands, frame space.
        confidence: The reader's own confidence, 0 to 1; not calibrated.
    """

    text: str
    box: Box
    confidence: float


def find_lines(gray: NDArray[np.uint8], tick_boxes: Iterable[Box]) -> list[Box]:
    """Find where text (or an icon of about its size) stands.

    Args:
        gray: uint8, (height, width).
        tick_boxes: What `find_tick_boxes` finds there: they are no text.

    Returns:
        Boxes in frame space, top to bottom; each holds one line of text, tightly.

    Source: Canny edges without the long straight ones (borders), dilated so far that letters and words join, and
        connected components of that: 99.7% of the words of real pages lie in such a box.
    """
    edges = cv2.Canny(gray, 40, 120)
    across = cv2.morphologyEx(edges, cv2.MORPH_OPEN, np.ones((1, _RULE_WIDTH_PX), np.uint8))
    down = cv2.morphologyEx(edges, cv2.MORPH_OPEN, np.ones((_RULE_HEIGHT_PX, 1), np.uint8))
    rules = cv2.dilate(cv2.bitwise_or(across, down), np.ones((3, 3), np.uint8))
    ink = cv2.subtract(edges, rules)
    for box in tick_boxes:
        x, y, right, bottom = (int(edge) for edge in (box.x - 1, box.y - 1, box.right + 1, box.bottom + 1))
        ink[max(0, y) : bottom, max(0, x) : right] = 0
    for outline in _buttons(np.asarray(edges, np.uint8)):
        cv2.polylines(ink, [outline], isClosed=False, color=0, thickness=3)
    joined = cv2.dilate(ink, np.ones((3, _JOIN_PX), np.uint8))
    outlines, nesting = cv2.findContours(joined, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    margin_x, margin_y = _JOIN_PX // 2, 1
    lines: list[Box] = []
    for edge, (_, _, _, around) in zip(outlines, nesting[0] if outlines else (), strict=True):
        if around >= 0:
            continue  # the edge of a hole
        x, y, width, height = cv2.boundingRect(edge)
        box = Box(x + margin_x, y + margin_y, width - 2 * margin_x, height - 2 * margin_y)
        is_rim = box.width < _RIM_WIDTH_PX and box.height >= _RIM_HEIGHT_PX
        if box.width >= _MIN_WIDTH_PX and _MIN_HEIGHT_PX <= box.height <= _MAX_HEIGHT_PX and not is_rim:
            lines.append(box)
    larger_first = sorted(lines, key=lambda box: -box.area)
    apart = [
        box
        for index, box in enumerate(larger_first)
        if not any(other.encloses(box, _JOIN_PX / 2) for other in larger_first[:index])
    ]
    return sorted(apart, key=lambda box: (box.y, box.x))


def _buttons(edges: NDArray[np.uint8]) -> list[NDArray[np.int32]]:
    """The closed outlines that have the shape of a button: their words stand so near to them that they would join."""
    outlines, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    found: list[NDArray[np.int32]] = []
    for outline in outlines:
        _, _, width, height = cv2.boundingRect(outline)
        is_wide = _BUTTON_PX[0] <= height <= _BUTTON_PX[1] and width >= _BUTTON_WIDTH * height
        if is_wide and cv2.contourArea(outline) >= _BUTTON_FILLS * (width - 1) * (height - 1):
            found.append(np.asarray(outline, np.int32))
    return found


def find_tick_boxes(gray: NDArray[np.uint8]) -> list[Box]:
    """Find check boxes and radio buttons: small squares and circles with nothing touching them.

    They are no text, and would be read as `O`, `0` or `D` together with the words behind them.

    Args:
        gray: uint8, (height, width).

    Returns:
        Boxes in frame space.
    """
    edges = cv2.Canny(gray, 20, 60)
    contours, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found: dict[tuple[int, int], Box] = {}
    for contour in contours:
        x, y, width, height = cv2.boundingRect(contour)
        if not (_TICK_PX[0] <= width <= _TICK_PX[1] and abs(width - height) <= max(1, width // 8)):
            continue
        if cv2.contourArea(contour) < 0.74 * (width - 1) * (height - 1):
            continue
        ring = edges[max(0, y - 3) : y + height + 3, max(0, x - 3) : x + width + 3]
        if int(np.count_nonzero(ring)) == int(np.count_nonzero(edges[y : y + height, x : x + width])):
            middle = ((x + width // 2) // 6, (y + height // 2) // 6)
            if middle not in found or found[middle].width < width:
                found[middle] = Box(x, y, width, height)
    return list(found.values())


def is_scrap(word: Word) -> bool:
    """Whether a word is but an icon or a bit of border that the reader made letters of.

    Source: on real screens, short words that are there were read with a confidence of 0.9 or more in nine cases of
        ten (single digits 0.6), icons and borders with less than 0.75.
    """
    letters = [character for character in word.text if character.isalnum()]
    if not letters:
        return word.confidence < _SCRAP_DIGIT_CONFIDENCE
    if len(letters) > _SCRAP_LETTERS:
        return False
    is_number = all(letter.isdigit() for letter in letters)
    return word.confidence < (_SCRAP_DIGIT_CONFIDENCE if is_number else _SCRAP_CONFIDENCE)


class Reader:
    """Reads lines. One for each thread: tesseract's handle is not to be shared."""

    def __init__(self) -> None:
        self._tesseract = _open_tesseract()
        self._memory: OrderedDict[str, tuple[Word, ...]] = OrderedDict()

    def read(self, gray: NDArray[np.uint8], line: Box) -> tuple[Word, ...]:
        """Read one line.

        Args:
            gray: The whole frame, uint8, (height, width).
            line: Where the line stands, frame space.

        Returns:
            Its words from left to right, in frame space; none if nothing there can be read.
        """
        top, left = max(0, int(line.y) - 3), max(0, int(line.x) - 3)
        crop = np.ascontiguousarray(gray[top : int(line.bottom) + 3, left : int(line.right) + 3])
        if crop.size == 0:
            return ()
        key = f"{crop.shape}{content_hash(crop.tobytes())}"
        words = self._memory.get(key)
        if words is None:
            words = self._recognise(crop, line.height)
            self._memory[key] = words
            if len(self._memory) > _MEMORY_LINES:
                self._memory.popitem(last=False)
        return tuple(Word(word.text, word.box.shifted(left, top), word.confidence) for word in words)

    def _recognise(self, crop: NDArray[np.uint8], text_height: float) -> tuple[Word, ...]:
        """Read a crop that holds one line; the words' boxes are in the crop's pixels."""
        ink, factor = _as_black_on_white(crop, text_height)
        height, width = ink.shape
        self._tesseract.SetImageBytes(ink.tobytes(), width, height, 1, width)
        self._tesseract.SetSourceResolution(150)
        self._tesseract.Recognize()
        words: list[Word] = []
        iterator = self._tesseract.GetIterator()
        if iterator is None:
            return ()
        level = tesserocr.RIL.WORD
        for item in tesserocr.iterate_level(iterator, level):
            bounds = item.BoundingBox(level)
            text = item.GetUTF8Text(level).strip() if bounds else ""
            if not text:
                continue
            left, top, right, bottom = ((edge - _BORDER_PX) / factor for edge in bounds)
            word = Word(text, Box(left, top, right - left, bottom - top), item.Confidence(level) / 100)
            if not is_scrap(word):
                words.append(word)
        return tuple(words)


_BORDER_PX = 10


def _as_black_on_white(crop: NDArray[np.uint8], text_height: float) -> tuple[NDArray[np.uint8], float]:
    """Stretch the contrast, turn light-on-dark around, enlarge to reading size and put a margin around.

    Returns:
        The prepared image and the factor by which it was enlarged.
    """
    low, high = np.percentile(crop, (1, 99))
    stretched = np.clip((crop.astype(np.float32) - low) * (255.0 / max(float(high - low), 1.0)), 0, 255)
    rim = np.concatenate([stretched[0], stretched[-1], stretched[:, 0], stretched[:, -1]])
    if float(np.median(rim)) < 128:
        stretched = 255 - stretched
    factor = max(1.0, _TEXT_HEIGHT_PX / max(text_height, 1.0))
    enlarged = cv2.resize(stretched.astype(np.uint8), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(
        enlarged, _BORDER_PX, _BORDER_PX, _BORDER_PX, _BORDER_PX, cv2.BORDER_CONSTANT, value=(255,)
    )
    return np.asarray(framed, np.uint8), factor


def _open_tesseract() -> tesserocr.PyTessBaseAPI:
    """Load tesseract with its languages.

    Raises:
        ConfigError: The language data is nowhere to be found.
    """
    return tesserocr.PyTessBaseAPI(
        path=_language_folder(),
        lang="+".join(LANGUAGES),
        psm=tesserocr.PSM.SINGLE_LINE,
        oem=tesserocr.OEM.LSTM_ONLY,
    )


@cache
def _language_folder() -> str:
    """The folder with the language data."""
    named = os.environ.get("TESSDATA_PREFIX")
    for folder in (*((named,) if named else ()), *_FOLDERS, str(Path(sys.prefix) / "share" / "tessdata")):
        if all((Path(folder) / f"{language}.traineddata").is_file() for language in LANGUAGES):
            return str(folder)
    raise ConfigError(
        f"Tesseract's language data ({', '.join(LANGUAGES)}) is not installed.",
        hint="Run `./run.sh setup`, or point TESSDATA_PREFIX at the folder that holds the .traineddata files.",
    )
