"""A picture of a decision: what was looked for, what was weighed for it, what came of it, and why.

At the top the decision in one sentence, with what was demanded. On the left the target as it was recorded; beside it
the screen, with a number on each *candidate*, a place that was weighed; below, a row for each of them with its
probability and with what *speaks for* it and *against* it, in plain words. A candidate's *part* in the decision is
told by a colour and by a word. All *marks*, the things that were seen on the screen, are outlined faintly: what has no
outline could not be weighed.

Whatever a screen shows is shown here too: secrets have to be masked in the picture, and struck out of the texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.evidence.hostile_text import visible
from steadyhand.evidence.report_page import surroundings
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Ambiguous, Found, NotFound, score_words
from steadyhand.perception.scene import Scene
from steadyhand.perception.template import cut
from steadyhand.perception.wording import fold, without_icons
from steadyhand.resolution.confidence import are_one
from steadyhand.resolution.meaning import are_opposites, mean_the_same
from steadyhand.screen.drawing import BOLD, panel, text_width, wrapped, write, write_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from steadyhand.model.outcome import Candidate, Resolution
    from steadyhand.resolution.target import Target
    from steadyhand.screen.drawing import Colour

SHOWN_CANDIDATES = 6
"""How many candidates are shown: more would hide the screen, and nobody would read them."""

_MOST_WORDS = 4
"""How much is said for a candidate, and how much against it: the most telling."""

_LONGEST_TEXT = 300
"""Letters of a text that are looked at: no more would be read by anybody, and measuring them takes time."""

_SPEAKS_FOR, _SPEAKS_AGAINST = 0.7, 0.4
"""Evidence from here on speaks for a candidate, and up to there against it; between, it says nothing worth reading."""

IN_WORDS = {
    "text": ("same text", "another text"),
    "label": ("same label", "another label"),
    "kind": ("same kind of thing", "another kind of thing"),
    "model": ("the model chose it", "the model chose another one"),
    "identity": ("what told it apart is here", "what told it apart is missing"),
    "row": ("same row", "another row"),
    "column": ("same texts above and below", "other texts above and below"),
    "place": ("where its neighbours say", "not where its neighbours say"),
    "side": ("on the same side of its row", "on another side of its row"),
    "drawn": ("the same is drawn on it", "something else is drawn on it"),
    "look": ("looks the same", "looks different"),
    "shape": ("same size", "another size"),
    "page": ("the recorded page", "hardly the recorded page"),
    "whole": ("", "only a part of what is written there"),
}
"""What high and low evidence of each kind means, the most telling first. See `steadyhand.resolution.evidence`."""

_PAPER, _WHITE, _LINE = (247, 246, 244), (255, 255, 255), (222, 218, 212)
_INK, _SOFT = (40, 32, 26), (122, 110, 100)
_GREEN, _AMBER, _RED, _GREY, _BLUE = (64, 128, 14), (0, 112, 186), (36, 36, 196), (128, 118, 110), (196, 100, 24)
_MARK, _MARK_STRENGTH = (255, 140, 40), 0.4

_WIDTH, _MARGIN, _GAP = 1680, 28, 24
_SIDE_WIDTH = 372
_SCREEN_HEIGHT = 780
_LARGEST_SCALE = 2.0
_TITLE, _LARGE, _TEXT = 26, 20, 17
"""Sizes of the font, pixels. Source: a decision; 15 pixels can be read without effort on any screen."""

_LEADING, _BOLD_SHARE = 1.4, 0.9
"""Distance of two lines in sizes of the font, and how wide a text may be that is broken into lines as a regular one and
drawn as a bold one, which is wider."""

_TAG_RADIUS = 13
_THUMB = (264, 78)
_COLUMNS = {"thumb": 76, "said": 366, "chance": 650, "for": 892, "against": 1290}
"""Where the columns of the table begin, pixels."""


class _Part(Enum):
    """What became of a candidate: in a word, and its colour."""

    FOUND = ("found", _GREEN)
    SAME = ("the same thing again", _GREY)
    RUNNER_UP = ("runner-up", _AMBER)
    POSSIBLE = ("could be it", _AMBER)
    UNSURE = ("not likely enough", _RED)
    REJECTED = ("rejected", _GREY)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A candidate as it is shown.

    Attributes:
        number: What it is called.
        candidate: What is known of it.
        part: What became of it.
        speaks_for: What speaks for it, in lines that fit.
        speaks_against: What speaks against it, in lines that fit.
    """

    number: int
    candidate: Candidate
    part: _Part
    speaks_for: Sequence[str]
    speaks_against: Sequence[str]

    @property
    def height(self) -> int:
        """Of its row in the table, pixels."""
        lines = max(len(self.speaks_for), len(self.speaks_against))
        return max(_THUMB[1] + 20, round(lines * _TEXT * _LEADING) + 24)


def explain(target: Target, image: NDArray[np.uint8], resolution: Resolution) -> NDArray[np.uint8]:
    """Draw why a target was found, or was not.

    Args:
        target: What was looked for.
        image: The screen that it was looked for on: uint8, (height, width, 3), blue-green-red.
        resolution: What came of it, in frame space of that screen.

    Returns:
        uint8, (height, 1680, 3), blue-green-red.
    """
    entries = _entries(target, resolution)
    sentences = wrapped(_decision(resolution), _TITLE, _BOLD_SHARE * (_WIDTH - 2 * _MARGIN - 214))
    top = round(2 * _MARGIN + len(sentences) * _TITLE * _LEADING)
    screen_width = _WIDTH - 2 * _MARGIN - _SIDE_WIDTH - _GAP
    scale = min(screen_width / image.shape[1], _SCREEN_HEIGHT / image.shape[0], _LARGEST_SCALE)
    screen = Box(_MARGIN + _SIDE_WIDTH + _GAP, top + 32, round(image.shape[1] * scale), round(image.shape[0] * scale))
    table = round(max(screen.bottom, top + 520) + _GAP)
    height = table + 44 + sum(entry.height for entry in entries) + _MARGIN
    sheet = np.full((height, _WIDTH, 3), _PAPER, np.uint8)
    _draw_decision(sheet, resolution, sentences, top)
    _draw_target(sheet, target, resolution, top)
    write(sheet, "The screen it was looked for on", screen.x, top + 18, _TEXT, _SOFT, BOLD)
    _draw_screen(sheet, screen, image, entries)
    _draw_table(sheet, table, image, entries, resolution)
    return sheet


# ------------------------------------------------------------------------------------------------------------- words


def _decision(resolution: Resolution) -> str:
    """The decision in a sentence, with what it was measured against."""
    if not isinstance(resolution, Found):
        return _fit(resolution.reason)
    said = f"It is the target with a probability of {score_words(resolution.confidence)}"
    if resolution.thresholds:
        said += f"; {resolution.thresholds.found_from:.2f} is needed"
    rival = _runner_up(resolution)
    return f"{said}, and the next place has {score_words(rival.confidence)}." if rival else f"{said}."


def _runner_up(resolution: Resolution) -> Candidate | None:
    """The likeliest place but for the first, and but for what is the same thing as the first."""
    others = (each for each in resolution.candidates if not are_one(resolution.candidates[0].box, each.box))
    return next(others, None)


def _entries(target: Target, resolution: Resolution) -> list[_Entry]:
    """The candidates that are shown."""
    width = _COLUMNS["against"] - _COLUMNS["for"] - 44
    entries = []
    for number, candidate in enumerate(resolution.candidates[:SHOWN_CANDIDATES], start=1):
        spoken = _spoken(target, candidate)
        lines = [[line for words in side for line in wrapped(words, _TEXT, width)] for side in spoken]
        entries.append(_Entry(number, candidate, _part(resolution, number, candidate), *lines))
    return entries


def _part(resolution: Resolution, number: int, candidate: Candidate) -> _Part:
    """What became of a candidate."""
    best = resolution.candidates[0]
    if number > 1 and are_one(best.box, candidate.box):
        return _Part.SAME
    if isinstance(resolution, Found):
        if number == 1:
            return _Part.FOUND
        return _Part.RUNNER_UP if candidate is _runner_up(resolution) else _Part.REJECTED
    if isinstance(resolution, NotFound):
        return _Part.UNSURE if number == 1 else _Part.REJECTED
    needed = resolution.thresholds.lead_from if resolution.thresholds else 0.0
    is_near = best.confidence - candidate.confidence < needed or number <= 2  # noqa: PLR2004  it takes two
    return _Part.POSSIBLE if is_near else _Part.REJECTED


def _spoken(target: Target, candidate: Candidate) -> tuple[list[str], list[str]]:
    """What speaks for a candidate and against it, the most telling first."""
    speaks_for, speaks_against = [], []
    evidence = candidate.evidence
    for name in (*IN_WORDS, *(name for name in evidence if name not in IN_WORDS)):
        if name not in evidence or name == "twin":
            continue
        yes, no = (
            _text_words(target, candidate) if name == "text" else IN_WORDS.get(name, (_fit(name), f"no {_fit(name)}"))
        )
        if yes and evidence[name] >= _SPEAKS_FOR:
            speaks_for.append(yes)
        elif no and evidence[name] <= _SPEAKS_AGAINST:
            speaks_against.append(no)
    if "twin" in evidence:
        speaks_against.insert(0, "another row says just the same")
    return speaks_for[:_MOST_WORDS], speaks_against[:_MOST_WORDS]


def _text_words(target: Target, candidate: Candidate) -> tuple[str, str]:
    """What it means that the texts are alike, and that they are not."""
    recorded, present = without_icons(fold(target.text)), without_icons(fold(candidate.text))
    if are_opposites(recorded, present):
        return "", "opposite meaning"
    if recorded == present:
        return "same text", ""
    return "same meaning" if mean_the_same(recorded, present) else "nearly the same text", "another text"


# ---------------------------------------------------------------------------------------------------------- drawing


def _draw_decision(sheet: NDArray[np.uint8], resolution: Resolution, sentences: Sequence[str], top: int) -> None:
    """The decision, across the top."""
    said, colour = {Found: ("FOUND", _GREEN), NotFound: ("NOT FOUND", _RED), Ambiguous: ("AMBIGUOUS", _AMBER)}[
        type(resolution)
    ]
    panel(sheet, Box(0, 0, _WIDTH, top - _MARGIN / 2), _WHITE)
    panel(sheet, Box(0, 0, 10, top - _MARGIN / 2), colour)
    panel(sheet, Box(_MARGIN, 22, 190, 40), colour, radius=8)
    write_inside(sheet, said, Box(_MARGIN, 22, 190, 40), _LARGE, _WHITE, BOLD)
    for line, sentence in enumerate(sentences):
        write(sheet, sentence, _MARGIN + 214, 51 + line * _TITLE * _LEADING, _TITLE, _INK, BOLD)


def _draw_target(sheet: NDArray[np.uint8], target: Target, resolution: Resolution, top: int) -> None:
    """What was looked for, on the left."""
    write(sheet, "What was recorded", _MARGIN, top + 18, _TEXT, _SOFT, BOLD)
    height, width = target.image.shape[:2]
    window = surroundings(target.box, width, height, _SIDE_WIDTH)
    place = Box(_MARGIN, top + 32, _SIDE_WIDTH, round(_SIDE_WIDTH * window.height / window.width))
    scale = _paste(sheet, place, target.image, window)
    _draw_box(sheet, _moved(target.box, window, place, scale), _BLUE)
    demanded, count = resolution.thresholds, len(resolution.candidates)
    facts = [("Says", _quoted(target.text) if target.text else "nothing")]
    facts += [("Named by", _quoted(target.label))] if target.label else []
    facts += [("Clicked at", f"{target.point.x:.0f}, {target.point.y:.0f}")]
    if demanded:
        facts += [("Needed", f"{demanded.found_from:.2f}, and {demanded.lead_from:.2f} more than the next place")]
    facts += [("Weighed", f"{count} place{'' if count == 1 else 's'}")]
    baseline = place.bottom + 36
    for name, fact in facts:
        write(sheet, name, _MARGIN, baseline, _TEXT, _SOFT)
        for line in wrapped(fact, _TEXT, _SIDE_WIDTH - 100)[:4]:
            write(sheet, line, _MARGIN + 100, baseline, _TEXT, _INK)
            baseline += round(_TEXT * _LEADING)
        baseline += 6


def _draw_screen(sheet: NDArray[np.uint8], place: Box, image: NDArray[np.uint8], entries: Sequence[_Entry]) -> None:
    """The screen with its marks and the numbered candidates."""
    scene = Scene.of(image)
    scale = _paste(sheet, place, image, scene.bounds)
    shown = cut(sheet, place)
    plain = shown.copy()
    for mark in (*scene.rectangles, *scene.tick_boxes, *(line.box for line in scene.lines)):
        _outline(sheet, _moved(mark, scene.bounds, place, scale), _MARK, 1)
    cv2.addWeighted(shown, _MARK_STRENGTH, plain, 1 - _MARK_STRENGTH, 0, dst=shown)
    taken: list[Box] = []
    for entry in reversed(entries):
        box = _moved(entry.candidate.box, scene.bounds, place, scale)
        _draw_box(sheet, box, entry.part.value[1])
        taken.append(box)
    for entry, box in zip(entries, reversed(taken.copy()), strict=True):
        tag = min(_tag_places(box), key=lambda tag: _harm(tag, sheet, place, taken))
        taken.append(tag)
        _draw_number(sheet, tag, entry)


def _draw_table(
    sheet: NDArray[np.uint8],
    top: float,
    image: NDArray[np.uint8],
    entries: Sequence[_Entry],
    resolution: Resolution,
) -> None:
    """A row for each candidate."""
    headings = {"thumb": "Candidates", "chance": "Probability", "for": "Speaks for it", "against": "Speaks against it"}
    for column, heading in headings.items() if entries else ():
        write(sheet, heading, _COLUMNS[column], top + 24, _TEXT, _SOFT, BOLD)
    more = len(resolution.candidates) - len(entries)
    if more:
        write(sheet, f"the likeliest {len(entries)}; {more} more", _COLUMNS["said"], top + 24, _TEXT, _SOFT)
    y = top + 40
    if not entries:
        write(sheet, "No place on this screen was worth weighing.", _MARGIN, top + 24, _LARGE, _INK)
    for entry in entries:
        _draw_entry(sheet, Box(_MARGIN, y, _WIDTH - 2 * _MARGIN, entry.height - 6), image, entry, resolution)
        y += entry.height


def _draw_entry(
    sheet: NDArray[np.uint8], row: Box, image: NDArray[np.uint8], entry: _Entry, resolution: Resolution
) -> None:
    """One row of the table."""
    candidate, (word, colour) = entry.candidate, entry.part.value
    panel(sheet, row, _WHITE, _LINE, radius=6)
    panel(sheet, Box(row.x, row.y, 6, row.height), colour)
    middle = row.center.y
    _draw_number(sheet, Box(row.x + 12, middle - _TAG_RADIUS, 2 * _TAG_RADIUS, 2 * _TAG_RADIUS), entry)
    wide, high = _THUMB
    place = Box(_COLUMNS["thumb"], round(middle - high / 2), wide, high)
    window = _window(candidate.box, image)
    scale = _paste(sheet, place, image, window)
    _draw_box(sheet, _moved(candidate.box, window, place, scale), colour)
    write(sheet, word, _COLUMNS["said"], middle + (-10 if candidate.text else 7), _LARGE, colour, BOLD)
    said = _elided(_quoted(candidate.text), _COLUMNS["chance"] - _COLUMNS["said"] - 20)
    write(sheet, said, _COLUMNS["said"], middle + 18, _TEXT, _INK)
    _draw_chance(sheet, Box(_COLUMNS["chance"], middle - 5, 140, 10), candidate.confidence, colour, resolution)
    for column, lines, sign in (("for", entry.speaks_for, "+"), ("against", entry.speaks_against, "–")):
        baseline = middle - (len(lines) - 1) * _TEXT * _LEADING / 2 + 6
        for line in lines:
            write(sheet, sign, _COLUMNS[column], baseline, _TEXT, _GREEN if sign == "+" else _RED, BOLD)
            write(sheet, line, _COLUMNS[column] + 20, baseline, _TEXT, _INK)
            baseline += _TEXT * _LEADING


def _draw_chance(sheet: NDArray[np.uint8], bar: Box, confidence: float, colour: Colour, resolution: Resolution) -> None:
    """A probability as a number and a bar, with a line where the threshold is."""
    panel(sheet, bar, _LINE)
    panel(sheet, Box(bar.x, bar.y, round(confidence * bar.width), bar.height), colour)
    if resolution.thresholds:
        at = bar.x + resolution.thresholds.found_from * bar.width
        panel(sheet, Box(round(at) - 1, bar.y - 6, 2, bar.height + 12), _INK)
    write(sheet, score_words(confidence), bar.right + 16, bar.center.y + 7, _LARGE, _INK, BOLD)


def _draw_number(sheet: NDArray[np.uint8], tag: Box, entry: _Entry) -> None:
    """The number of a candidate."""
    panel(sheet, tag.grown(2), _WHITE, radius=_TAG_RADIUS + 2)
    panel(sheet, tag, entry.part.value[1], radius=_TAG_RADIUS)
    write_inside(sheet, str(entry.number), tag, _TEXT, _WHITE, BOLD)


def _tag_places(box: Box) -> list[Box]:
    """Where the number of a candidate may stand: left of it, right, above, below, and at its corners."""
    side, center = 2 * _TAG_RADIUS, box.center
    ways = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1))
    reach_x, reach_y = box.width / 2 + _TAG_RADIUS + 6, box.height / 2 + _TAG_RADIUS + 6
    middles = ((center.x + x * reach_x, center.y + y * reach_y) for x, y in ways)
    return [Box(round(x) - _TAG_RADIUS, round(y) - _TAG_RADIUS, side, side) for x, y in middles]


def _harm(tag: Box, sheet: NDArray[np.uint8], screen: Box, taken: Iterable[Box]) -> float:
    """How much a number would hide of boxes, of other numbers and of the screen, or how much of it lies off it."""
    unseen = tag.area - tag.intersection(screen).area
    return unseen + sum(tag.intersection(other).area for other in taken) + float(cut(sheet, tag).std())


def _window(box: Box, image: NDArray[np.uint8]) -> Box:
    """The part of the screen that is shown of a candidate: it, and as much of its row as there is room for."""
    wide, high = _THUMB
    height, width = image.shape[:2]
    scale = max(1.0, (box.width + 12) / wide, (box.height + 12) / high)
    wide, high = min(round(wide * scale), width), min(round(high * scale), height)
    left = min(max(0, round(box.center.x - wide / 2)), width - wide)
    top = min(max(0, round(box.center.y - high / 2)), height - high)
    return Box(left, top, wide, high)


def _paste(sheet: NDArray[np.uint8], place: Box, image: NDArray[np.uint8], window: Box) -> float:
    """Show a part of a picture at a place of the sheet, as large as it fits.

    Returns:
        How much larger it is shown.
    """
    x, y, width, height = (int(number) for number in window)
    scale = min(place.width / width, place.height / height)
    size = (round(width * scale), round(height * scale))
    shown = cv2.resize(
        image[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    left, top = int(place.x), int(place.y)
    panel(sheet, Box(left, top, *size).grown(1), _LINE)
    sheet[top : top + size[1], left : left + size[0]] = shown
    return scale


def _moved(box: Box, window: Box, place: Box, scale: float) -> Box:
    """Where a box of a frame is on the sheet."""
    x, y = place.x + (box.x - window.x) * scale, place.y + (box.y - window.y) * scale
    return Box(x, y, box.width * scale, box.height * scale)


def _draw_box(sheet: NDArray[np.uint8], box: Box, colour: Colour) -> None:
    """Draw a box around a thing, so that it hides nothing of it and can be seen on any ground."""
    _outline(sheet, box.grown(4), _WHITE, 5)
    _outline(sheet, box.grown(4), colour, 2)


def _outline(sheet: NDArray[np.uint8], box: Box, colour: Colour, thickness: int) -> None:
    """Draw the edges of a box."""
    left, top, right, bottom = (round(edge) for edge in (box.x, box.y, box.right, box.bottom))
    cv2.rectangle(sheet, (left, top), (right, bottom), colour, thickness, cv2.LINE_AA)


def _quoted(text: str) -> str:
    """A text from a screen, fit to be shown."""
    return f"“{_fit(text)}”" if text else ""


def _fit(text: str) -> str:
    """A text that can be shown, and that is not endless."""
    return visible(text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…")


def _elided(text: str, width: float) -> str:
    """A text that is cut where it would be too wide."""
    if text_width(text, _TEXT) <= width:
        return text
    while text and text_width(f"{text}…", _TEXT) > width:
        text = text[:-1]
    return f"{text}…"
