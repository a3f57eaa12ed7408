"""The rungs of the cascade: each proposes places where the target might be.

``anchor_template``  by the recorded picture. It first looks for the target's *view*: the picture with so much around it
                     that the recorded screen shows it only once. A view that is seen once, unchanged, on a screen whose
                     other texts are where they were, needs no reading at all.
``som_text_match``   by what is written: on the thing itself, or beside the marks (fields, check boxes) that it names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Method
from steadyhand.perception.template import cut, search
from steadyhand.perception.wording import fold, without_counts, without_icons, without_scrap
from steadyhand.resolution.controls import Kind
from steadyhand.resolution.meaning import lengths, text_likeness

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.model.outcome import Candidate
    from steadyhand.perception.ocr import Word
    from steadyhand.perception.scene import Scene
    from steadyhand.resolution.evidence import Present
    from steadyhand.resolution.recorded import Recorded

_VIEW_MARGINS = ((24, 8), (60, 12), (140, 16), (300, 24), (420, 90))
_SEEN_ONCE, _UNCHANGED = 0.9, 0.985
_LEVELS = 10
"""Mean difference of brightness, of 256, from which a view is no longer the same: behind a veil it is some 60."""
_SPOT_LEVELS = 40
"""The same of the 3x3 pixels that differ most. Source: a decision, tested on digits and letters that
change in a row."""
_SAME_PAGE = 0.5
_PART_OF_PHRASE = 0.1
"""What a text that is but a part of what stands there loses: "Save changes" is rather Save than the Save in it."""
_ROW_MARGIN_PX, _TWIN_ROW = 2, 0.95
_LEAST_LOOK, _SURE_LOOK, _LEAST_TEXT, _READ = 0.7, 0.9, 0.7, 0.9


@dataclass(frozen=True, slots=True)
class Proposal:
    """A place that might be the target.

    Attributes:
        box: The place, frame space.
        text: What is written on it.
        method: The rung that proposes it.
    """

    box: Box
    text: str
    method: Method


@dataclass(frozen=True, slots=True)
class View:
    """The target with so much around it that its own screen shows it only once.

    Attributes:
        box: What the view covers, frame space of the recorded screen.
        row: The part of it at the target's own height; nothing above or below shows that again.
    """

    box: Box
    row: Box


def distinctive_view(recorded: Recorded) -> View | None:
    """The smallest view that the recorded screen shows once; None if even a wide one has a twin.

    Of a target that was adapted to another run there is no picture.
    """
    if recorded.target.adapted:
        return None
    scene, target = recorded.scene, recorded.target.box
    for margin_x, margin_y in _VIEW_MARGINS:
        box = target.grown(margin_x, margin_y).intersection(scene.bounds)
        row = target.grown(margin_x, _ROW_MARGIN_PX).intersection(scene.bounds)
        if _count_in_column(scene, scene, row) != 1:
            continue
        if len(search(scene.gray, cut(scene.gray, box), _SEEN_ONCE, limit=2)) == 1:
            return View(box, row)
    return None


def seen_unchanged(recorded: Recorded, scene: Scene, view: View) -> tuple[Box, dict[str, float]] | None:
    """Where the target's view is seen just as it was recorded, looking at its old place first.

    Args:
        recorded: What is looked for.
        scene: The present screen.
        view: The target's distinctive view.

    Returns:
        The target's box there and the evidence; None if the view is not there, is there twice, has changed, or if the
        rest of the screen is not that of the recorded page.
    """
    look, shift = _sighting(recorded.scene, scene, view)
    if shift is None or _count_in_column(recorded.scene, scene, view.row.shifted(*shift), view.row) != 1:
        return None
    page = _same_texts(recorded, scene, shift)
    if page < _SAME_PAGE or not _is_told(recorded, scene, shift):
        return None
    return recorded.target.box.shifted(*shift), {"look": look, "page": page}


def propose(present: Present) -> list[Proposal]:
    """All places worth weighing; those behind a dialog are left out, for nobody could click them.

    Args:
        present: The screen and the target that is looked for on it.
    """
    recorded, scene = present.recorded, present.scene
    named = [Proposal(box, text, Method.SOM_TEXT_MATCH) for box, text in _spans(scene, recorded.text)]
    is_read = any(text_likeness(recorded.text, fold(proposal.text)) >= _READ for proposal in named)
    proposals = named if recorded.kind is Kind.WORDS and is_read else named + _unread(present, named)
    dialog = scene.dialog
    return [proposal for proposal in proposals if dialog is None or dialog.contains(proposal.box.center)]


def _unread(present: Present, named: list[Proposal]) -> list[Proposal]:
    """The places that what is written does not tell: elements of the target's kind, and what looks like it."""
    recorded, scene = present.recorded, present.scene
    is_words = recorded.kind is Kind.WORDS
    peaks = search(scene.gray, present.picture, _SURE_LOOK if is_words else _LEAST_LOOK, limit=12)
    by_picture = [peak.box.grown(-2) for peak in peaks]
    taken: list[Box] = []
    for box in by_picture if is_words else [*_marks(present), *by_picture]:
        is_named = is_words and any(box.contains(proposal.box.center) for proposal in named)
        if not is_named and not any(box.overlap(other) > 0.5 for other in taken):
            taken.append(box)
    methods = [
        Method.ANCHOR_TEMPLATE if box in by_picture or recorded.kind is Kind.ICON else Method.SOM_TEXT_MATCH
        for box in taken
    ]
    return [Proposal(box, scene.text_in(box), method) for box, method in zip(taken, methods, strict=True)]


def control_at(present: Present, box: Box) -> Box:
    """The whole control whose words were found: as far around them as it was recorded, frame space.

    Args:
        present: The screen and the target that was looked for on it.
        box: The words, or the thing itself, frame space.
    """
    anchor, target, scale = present.recorded.anchor, present.recorded.target.box, present.scale
    left, top = (anchor.x - target.x) * scale, (anchor.y - target.y) * scale
    right, bottom = (target.right - anchor.right) * scale, (target.bottom - anchor.bottom) * scale
    whole = Box(box.x - left, box.y - top, box.width + left + right, box.height + top + bottom)
    return whole.intersection(present.scene.bounds)


def point_of(recorded: Recorded, box: Box, method: Method) -> Point:
    """Where to click: the same place on the thing as was recorded if its size is the same, else its middle.

    Args:
        recorded: What was looked for.
        box: Where it was found, frame space.
        method: The rung that found it.
    """
    was, target = recorded.target.point, recorded.target.box
    is_same_size = abs(box.width - target.width) <= 2 and abs(box.height - target.height) <= 2
    if method is Method.ANCHOR_TEMPLATE and is_same_size and target.contains(was):
        return Point(box.x + was.x - target.x, box.y + was.y - target.y)
    return box.center


def _sighting(before: Scene, now: Scene, view: View) -> tuple[float, tuple[float, float] | None]:
    """How like the recorded view its best place looks, and how far it has moved; None if it is not seen once."""
    picture = cut(before.gray, view.box)
    if _is_same(picture, cut(now.gray, view.box)):
        return 1.0, (0.0, 0.0)
    peaks = search(now.gray, picture, _SEEN_ONCE, limit=2)
    if len(peaks) != 1 or peaks[0].score < _UNCHANGED or not _is_same(picture, cut(now.gray, peaks[0].box)):
        return 0.0, None
    return peaks[0].score, (peaks[0].box.x - round(view.box.x), peaks[0].box.y - round(view.box.y))


def _count_in_column(before: Scene, now: Scene, place: Box, row: Box | None = None) -> int:
    """How often the target's row is seen at its place and above and below it.

    Args:
        before: The recorded screen.
        now: The present one.
        place: Where the row is now, frame space.
        row: Where it was recorded, if elsewhere.
    """
    column = cut(now.gray, Box(place.x, 0, place.width, now.bounds.height))
    return len(search(column, cut(before.gray, row or place), _TWIN_ROW, limit=2))


def _is_same(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> bool:
    """Whether two pictures are the same on the whole and in every spot: one letter may make another thing of it."""
    if left.shape != right.shape or not left.size:
        return False
    apart = cv2.absdiff(left, right)
    return float(cv2.mean(apart)[0]) <= _LEVELS and float(cv2.blur(apart, (3, 3)).max()) <= _SPOT_LEVELS


def _difference(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> float:
    """The mean difference of brightness of two pictures, of 256; infinite if one is cut off at the edge."""
    return float(cv2.mean(cv2.absdiff(left, right))[0]) if left.shape == right.shape and left.size else math.inf


def _same_texts(recorded: Recorded, scene: Scene, shift: tuple[float, float]) -> float:
    """The share of the recorded texts whose pictures are where they were, or moved as the target did."""
    marks = recorded.target.landmarks
    seen = 0
    for mark in marks:
        picture = cut(recorded.scene.gray, mark.box)
        there = [cut(scene.gray, mark.box.shifted(*by)) for by in ((0.0, 0.0), shift)]
        if mark.box.y < recorded.target.box.center.y < mark.box.bottom:
            if not any(_is_same(picture, each) for each in there):
                return 0.0  # a text of its own row changed: this may be another row
            seen += 1
        else:
            seen += any(_difference(picture, each) < _LEVELS for each in there)
    return seen / len(marks) if marks else 1.0


def _is_told(recorded: Recorded, scene: Scene, shift: tuple[float, float]) -> bool:
    """Whether what tells the target from each of its look-alikes, and what names it, has moved with it unchanged."""
    gray = recorded.scene.gray
    if recorded.is_one_of_many and _same_texts(recorded, scene, shift) < 1:
        return False
    label = [each for each in recorded.neighbours if each.said == recorded.target.label]
    groups = [[each.box for each in group] for group in (*recorded.telling, label) if group]
    groups += [[each.box] for each in recorded.namers] + [[mark.box] for mark in recorded.asked]
    return all(any(_is_same(cut(gray, box), cut(scene.gray, box.shifted(*shift))) for box in group) for group in groups)


def _marks(present: Present) -> list[Box]:
    """The elements of the screen that have about the target's size."""
    scene, scale, recorded = present.scene, present.scale, present.recorded
    width, height = recorded.anchor.width * scale, recorded.anchor.height * scale
    is_field = recorded.kind is Kind.FIELD
    narrowest, widest = (0.15, 8.0) if is_field else (0.3, 3.2)
    lowest, highest = (0.3, 3.0) if is_field and height > width / 5 else (0.5, 2.0)
    return [
        box
        for box in (*scene.tick_boxes, *scene.rectangles, *scene.icons)
        if narrowest * width <= box.width <= widest * width and lowest * height <= box.height <= highest * height
    ]


def _spans(scene: Scene, text: str) -> list[tuple[Box, str]]:
    """Where consecutive words say what is wanted, the best first, none touching a better one."""
    if not text:
        return []
    plain = without_counts(without_icons(text))
    wanted = {*lengths(plain), *lengths(text), *lengths(without_scrap(plain))}
    scored: list[tuple[float, Box, str]] = []
    for lines in scene.runs:
        whole = {(phrase.words[0], phrase.words[-1]) for line in lines for phrase in line.phrases}
        for words in _runs(tuple(word for line in lines for word in line.words), wanted):
            said = fold(" ".join(word.text for word in words))
            score = text_likeness(text, said) - (0.0 if (words[0], words[-1]) in whole else _PART_OF_PHRASE)
            if score >= _LEAST_TEXT:
                box = words[0].box
                for word in words[1:]:
                    box = box.union(word.box)
                scored.append((score, box, " ".join(word.text for word in words)))
    kept: list[tuple[Box, str]] = []
    for _, box, said in sorted(scored, key=lambda item: -item[0]):
        if not any(box.overlap(other) > 0.2 or other.encloses(box, 2) or box.encloses(other, 2) for other, _ in kept):
            kept.append((box, said))
    return kept


def _runs(words: tuple[Word, ...], wanted: set[int]) -> Iterator[tuple[Word, ...]]:
    """All runs of consecutive words that have about as many letters as one of the wanted texts."""
    shortest, longest = 0.7 * min(wanted), 1.3 * max(wanted) + 2
    for start in range(len(words)):
        letters = 0
        for end in range(start, len(words)):
            letters += len(fold(words[end].text))
            if letters > longest:
                break
            if letters >= shortest:
                yield words[start : end + 1]


def ranked(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Candidates, the surest first."""
    return tuple(sorted(candidates, key=lambda candidate: -candidate.confidence))
