"""Postconditions out of what a deed changed on the screen.

A proposal must be *true* afterwards and not before, and it must be *telling*: it must come true again in another run
with other data. Headings, notices and the names of dialogs are telling; times, counts, amounts and whatever was typed
are not. So proposals are, best first: the field shows what was typed; a text appeared; a text is gone; the address is
another one; a region looks different. What is written on a button is its label, which the next release may change while
all else stays as it is, and so it proves nothing. Nothing is proposed where only the pointer's own traces are seen: an
unverified step is more honest than one that a hover effect confirms.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import cv2
import numpy as np

from steadyhand.model.geometry import Box
from steadyhand.model.workflow import RegionChanged, TextAppears, TextGone, UrlMatches
from steadyhand.perception.scene import Phrase, Scene
from steadyhand.perception.wording import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from steadyhand.model.workflow import Expectation

_NOISE = 24
"""Levels of 255 by which a channel may differ without being a change: the smoothing of fonts."""

_HOVER_PX = 6.0
"""How far outside of an element its own hover effect or focus ring may reach."""

_SQUARE = 1.6
_TICK_PX = 32.0
"""A change no larger than this and about square is a tick that comes or goes."""

_HEADING = 1.25
"""In type so much larger than the usual one on its screen stand headings. Source: a decision; readers place the edges
of letters to within 15%."""

_MOST_FRESH = 0.5
"""If more of what is written was not there before, this is another screen, whose address may be the same."""

_FEWEST_ENTRIES, _ALIGNED_PX = 4, 4.0
"""So many texts of one size that begin at the same edge are a list; dialogs have fewer lines. Source: a decision."""

_ENOUGH_WORDS = 4
"""More words say more, up to so many."""

_X_HEIGHT, _CAP_HEIGHT, _TAIL = 0.52, 0.73, 0.21
"""Shares of the size of a type: small letters, tall ones, and what hangs below. Source: Helvetica and its kin."""
_TALL, _HANGING = re.compile(r"[A-Zbdfhiklt\d]"), re.compile(r"[gjpqyQ,;()]")

_LABEL_WORDS, _BUTTON_HEIGHT, _BUTTON_WIDTH = 2, 5.0, 12.0
"""A frame around so few words, no more than so many times as high as they are and so much wider, is a button; notices
have more words, and panels are larger. Source: a decision."""

_LEAST_LETTERS, _MOST_CHARACTERS = 4, 60
_LEAST_CONFIDENCE = 0.6
"""The reader's own confidence below which a word is not to be relied on."""

_FLEETING = frozenset(
    fold(word)
    for word in (
        "loading", "waiting", "wait", "saving", "sending", "searching", "processing", "now", "today", "yesterday",
        "ago", "chargement", "patientez", "attente", "enregistrement", "recherche", "maintenant", "aujourd'hui", "hier",
    )
)  # fmt: skip
"""Words of texts that are on their way out while they are read. Source: a decision; English and French."""

_DATA = re.compile(r"[\d@€$£¥%#]|https?:|www\.")
"""What marks a text as data: it is another one next time."""

_ID_SEGMENT = re.compile(r"\d|^[0-9a-f]{8,}$|^[A-Za-z0-9_-]{20,}$", re.IGNORECASE)
"""A part of an address that names one record: it has a digit, or is a long run of signs."""


def changes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels of a screen changed.

    Args:
        before: uint8, (height, width, 3), blue-green-red.
        after: The same, later.

    Returns:
        bool, (height, width) of `after`; all of it if the two differ in size.
    """
    if before.shape != after.shape:
        return np.ones(after.shape[:2], np.bool_)
    return np.asarray((cv2.absdiff(before, after) > _NOISE).any(axis=2))


def changed_box(changed: NDArray[np.bool_]) -> Box | None:
    """The smallest box around all changed pixels, frame space; None if there are none."""
    if not changed.any():
        return None
    return Box(*cv2.boundingRect(changed.astype(np.uint8)))


def propose(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    element: Box | None,
    former: Box | None,
    typed: Collection[str],
    *,
    is_other_page: bool,
) -> list[Expectation]:
    """Propose what must be seen after a deed.

    Args:
        before: The settled screen before it: uint8, (height, width, 3), blue-green-red.
        after: The settled screen afterwards.
        element: What the deed was done to, frame space.
        former: What the deed before was done to: the focus may have left it.
        typed: Every value that was typed up to now: none of them is telling.
        is_other_page: The address has changed, which tells enough: of another page only a heading is telling.

    Returns:
        At most one expectation; none if nothing telling changed.
    """
    changed = changes(before, after)
    appeared = _most_telling(after, before, changed, typed, only_headings=is_other_page)
    if appeared:
        return [TextAppears(text_appears=appeared)]
    if is_other_page or before.shape != after.shape:
        return []
    gone = _most_telling(before, after, changed, typed, only_headings=True)
    if gone:
        return [TextGone(text_gone=gone)]
    region = _changed_region(changed, element, former)
    return [RegionChanged(region_changed=region)] if region else []


def propose_url(before: str | None, after: str | None, start: str, typed: Collection[str]) -> list[Expectation]:
    """Propose an address, if it changed: without the parts that another run has differently.

    Args:
        before: The address before the deed, if the screen has one.
        after: The address afterwards.
        start: The address that the workflow starts at. Its own host is left open, so that the workflow runs on another
            installation too.
        typed: Every value that was typed up to now.
    """
    if before is None or after is None:
        return []
    pattern = url_pattern(after, start, typed)
    return [UrlMatches(url=pattern)] if pattern != url_pattern(before, start, typed) else []


def url_pattern(url: str, start: str, typed: Collection[str] = ()) -> str:
    """An address with `*` for the host, if it is that of `start`, for ids, for what was typed and for the query."""
    parts, home = urlsplit(url), urlsplit(start)
    values = {fold(value) for value in typed if len(value) >= _LEAST_LETTERS}

    def cleaned(path: str) -> str:
        segments = path.split("/")
        kept = [
            "*" if _ID_SEGMENT.search(segment) or any(value in fold(unquote(segment)) for value in values) else segment
            for segment in segments
        ]
        return "/".join(kept)

    host = "*" if parts.netloc == home.netloc else f"*//{parts.netloc}"
    path, _, query = parts.fragment.partition("?")
    fragment = ("#" + cleaned(path) + ("*" if query else "")) if path.startswith(("/", "!")) else ("*" if path else "")
    pattern = host + cleaned(parts.path or "/") + ("?*" if parts.query else "") + fragment
    return re.sub(r"\*+", "*", pattern)


def telling(text: str, typed: Collection[str]) -> bool:
    """Whether a text will be there in another run too, and says something.

    Args:
        text: As it was read.
        typed: Every value that was typed.
    """
    folded = fold(text)
    words = folded.split()
    letters = sum(character.isalpha() for character in folded)
    return (
        letters >= _LEAST_LETTERS
        and len(text) <= _MOST_CHARACTERS
        and letters >= 0.8 * len(folded.replace(" ", ""))
        and letters >= 3 * len(words)  # names and notices have few short words; misread icons are nothing else
        and not _DATA.search(text)
        and not _FLEETING.intersection(words)
        and not any(value and fold(value) in folded for value in typed)
    )


def _most_telling(
    here: NDArray[np.uint8],
    there: NDArray[np.uint8],
    changed: NDArray[np.bool_],
    typed: Collection[str],
    *,
    only_headings: bool,
) -> str:
    """The text that stands out most of what is written on one screen and not on the other; empty if none is telling.

    What is written more than once is a value in a table, or a button in each of its rows.
    """
    scene, other = Scene.of(here), Scene.of(there)
    usual = float(np.median([_type_size(phrase) for phrase in _written(scene)] or [0.0]))
    fresh = [
        phrase
        for phrase in _written(scene)
        if phrase.folded and _touches(changed, phrase.box) and not other.find_text(phrase.text)
    ]
    is_another_screen = only_headings or len(fresh) > _MOST_FRESH * len(scene.phrases)
    good = [
        phrase
        for phrase in fresh
        if (_type_size(phrase) >= _HEADING * usual or not (is_another_screen or _is_listed(phrase, fresh)))
        and telling(phrase.text, typed)
        and all(word.confidence >= _LEAST_CONFIDENCE for word in phrase.words)
        and len(scene.find_text(phrase.text)) == 1
        and not _is_label(phrase, scene)
    ]
    if not good:
        return ""

    def standing(phrase: Phrase) -> tuple[bool, int, float, float]:
        return (
            _type_size(phrase) >= _HEADING * usual,
            min(len(phrase.words), _ENOUGH_WORDS),
            -phrase.box.y,
            -phrase.box.x,
        )

    best = max(good, key=standing)
    return best.text.strip(" .…:")


def _written(scene: Scene) -> Iterator[Phrase]:
    """What is written on a screen, the words of a heading together."""
    for run in scene.runs:
        words = tuple(word for line in run for word in line.words)
        if len(run) > 1 and words:
            yield Phrase.of(words)
        else:
            yield from run[0].phrases


def _is_listed(phrase: Phrase, fresh: Sequence[Phrase]) -> bool:
    """Whether a text is one of many, one below the other: an entry of a list or a table."""
    size = _type_size(phrase)
    aligned = [
        other
        for other in fresh
        if abs(other.box.x - phrase.box.x) <= _ALIGNED_PX and size / _HEADING <= _type_size(other) <= size * _HEADING
    ]
    return len(aligned) >= _FEWEST_ENTRIES


def _is_label(phrase: Phrase, scene: Scene) -> bool:
    """Whether a text stands on a button."""
    height = phrase.box.height
    return len(phrase.words) <= _LABEL_WORDS and any(
        box.encloses(phrase.box)
        and box.height <= _BUTTON_HEIGHT * height
        and box.width <= phrase.box.width + _BUTTON_WIDTH * height
        for box in scene.rectangles
    )


def _type_size(phrase: Phrase) -> float:
    """About the size of the type that a text is set in, pixels, whatever letters it has."""
    tall = _CAP_HEIGHT if _TALL.search(phrase.text) else _X_HEIGHT
    return phrase.box.height / (tall + (_TAIL if _HANGING.search(phrase.text) else 0.0))


def _touches(changed: NDArray[np.bool_], box: Box) -> bool:
    """Whether anything in a box changed."""
    rows, columns = slices(box)
    return bool(changed[rows, columns].any())


def _changed_region(changed: NDArray[np.bool_], element: Box | None, former: Box | None) -> Box | None:
    """Where the screen changed by more than what pointer and focus do to the things that they come to and leave."""
    if element is None:
        return changed_box(changed)
    outside = changed.copy()
    for box in (element, former):
        if box is not None:
            outside[slices(box.grown(_HOVER_PX))] = False
    region = changed_box(outside)
    if region is not None:
        # What touches the thing moves with it when the layout changes, and replay moves such a region along.
        return region.union(element) if region.intersection(element.grown(element.height)).area > 0 else region
    own = changed_box(changed[slices(element)])
    return element if own is not None and _is_tick(own) else None


def _is_tick(box: Box) -> bool:
    """Whether a change has the size of a check box or the like: what the pointer does to a thing fills all of it."""
    return max(box.width, box.height) <= _TICK_PX and box.width <= _SQUARE * box.height <= _SQUARE**2 * box.width


def slices(box: Box) -> tuple[slice, slice]:
    """The rows and columns of a box, frame space: every pixel that it touches."""
    left, top, right, bottom = box.x, box.y, math.ceil(box.right), math.ceil(box.bottom)
    return slice(max(0, int(top)), max(0, bottom)), slice(max(0, int(left)), max(0, right))
