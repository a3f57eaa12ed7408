"""What stands around a thing: the row that it is in, what is above and below it, and what names it.

A *neighbour* is a piece of text with its *relation* to the thing (left, right, above, below) and the *gap* between
the two. Two things are in the same surroundings when the same texts stand in the same relations; how far away they are
may change with the layout, and which side of the screen all of it is on does not matter at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from steadyhand.perception.wording import fold, is_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from steadyhand.model.geometry import Box


class Written(Protocol):
    """A text at a place: a phrase that was just read, or a landmark that was recorded."""

    @property
    def text(self) -> str:
        """What it says."""
        ...

    @property
    def box(self) -> Box:
        """Where it stands, frame space."""
        ...


class Relation(Enum):
    """Where a text stands, seen from a thing."""

    LEFT = "left"
    RIGHT = "right"
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A text near a thing.

    Attributes:
        relation: Where it stands, seen from the thing.
        text: What it says, folded.
        said: What it says, as it was read.
        gap: Pixels between the two.
        box: Where it stands, frame space.
    """

    relation: Relation
    text: str
    said: str
    gap: float
    box: Box

    @property
    def is_in_row(self) -> bool:
        """It stands left or right of the thing."""
        return self.relation in (Relation.LEFT, Relation.RIGHT)


_COLUMN_MARGIN_PX = 30
_ALIGNED_PX = 8
LABEL_GAPS_PX = {Relation.LEFT: 320.0, Relation.RIGHT: 60.0, Relation.ABOVE: 48.0}
"""How far from a thing its label stands at most."""

_NAME = re.compile(r"\w*[^\W\d_]{3}|[^\W\d_a-z]{2}|\w+\W*:", re.UNICODE)
"""What a name has: three letters, two capitals, or a colon. Shorter texts mostly are icons that were read as such."""

_HEADING = 0.65
"""What is nearly as high as a thing stands over more than it. Source: labels have half the height of their fields."""

_LINE_SHARE = 0.2
"""A label beside a thing is on one line with it, or begins where it begins, but for so much of the thing's height."""

_ONE_LINE_PX = 40.0
_HOLDS_MORE, _BAR_HEIGHT_PX, _TOUCHING_PX = 2.0, 200.0, 8.0

_BEHIND = 0.5
_WORDINESS = 0.15
"""What each word beyond the fourth costs a label: sentences explain, they do not name."""


def neighbours_of(box: Box, texts: Iterable[Written]) -> list[Neighbour]:
    """All texts that stand in the row or in the column of a thing.

    Args:
        box: The thing, frame space.
        texts: What is written on the screen, the thing's own text left out.

    Returns:
        Its neighbours, the nearest first.
    """
    found: list[Neighbour] = []
    for written in texts:
        other = written.box
        relation = _relation(box, other)
        if relation is None:
            continue
        gap = {
            Relation.LEFT: box.x - other.right,
            Relation.RIGHT: other.x - box.right,
            Relation.ABOVE: box.y - other.bottom,
            Relation.BELOW: other.y - box.bottom,
        }[relation]
        found.append(Neighbour(relation, fold(written.text), written.text, max(0.0, gap), other))
    return sorted(found, key=lambda neighbour: neighbour.gap)


def label_of(box: Box, neighbours: Iterable[Neighbour], frames: Sequence[Box] = ()) -> Neighbour | None:
    """What names a thing that says nothing itself: the text just left of it, right of it or above it.

    Right of it counts for small things alone: the words behind a check box name it, those behind a field do not. What
    stands in another bar or panel names nothing in this one.

    Args:
        box: The thing, frame space.
        neighbours: What stands around it.
        frames: The rectangles drawn on the screen, frame space.

    Returns:
        The label; None if nothing is near enough.
    """
    is_small = max(box.width, box.height) <= 32
    bar = _bar_around(box, frames)
    best, best_cost = None, 1.0
    for neighbour in neighbours:
        reach = LABEL_GAPS_PX.get(neighbour.relation, 0.0)
        if neighbour.gap >= reach or not _NAME.search(neighbour.said) or is_value(neighbour.text):
            continue
        cost = neighbour.gap / reach + _WORDINESS * max(0, len(neighbour.text.split()) - 4)
        if is_small:  # what stands behind a check box names it, whatever stands before it
            cost = _BEHIND * cost + (0 if neighbour.relation is Relation.RIGHT else _BEHIND)
        elif neighbour.relation is Relation.RIGHT or not _is_beside_or_over(box, neighbour):
            continue
        if cost < best_cost and not (bar and neighbour.is_in_row and _is_in_another(bar, neighbour.box, frames)):
            best, best_cost = neighbour, cost
    return best


def _bar_around(box: Box, frames: Iterable[Box]) -> Box | None:
    """The smallest frame that holds a thing and more beside it."""
    around = [
        frame
        for frame in frames
        if frame.encloses(box, 1) and frame.area >= _HOLDS_MORE * box.area and frame.height <= _BAR_HEIGHT_PX
    ]
    return min(around, key=lambda frame: frame.area, default=None)


def _is_in_another(bar: Box, text: Box, frames: Iterable[Box]) -> bool:
    """Whether a text stands in a frame of its own that does not touch a bar, as the cells of a table do."""
    if bar.contains(text.center):
        return False
    around = [frame for frame in frames if frame.encloses(text) and not frame.encloses(bar, 1)]
    theirs = min(around, key=lambda frame: frame.area, default=None)
    return theirs is not None and max(theirs.x - bar.right, bar.x - theirs.right) > _TOUCHING_PX


def _is_beside_or_over(box: Box, neighbour: Neighbour) -> bool:
    """Whether a text near a larger thing is set as labels are: on one line with it, or above it in smaller type."""
    if not neighbour.is_in_row:
        return neighbour.box.height <= _HEADING * box.height
    apart = min(abs(neighbour.box.center.y - box.center.y), neighbour.box.y - box.y)
    return apart <= _LINE_SHARE * min(box.height, _ONE_LINE_PX)


def are_in_one_row(left: Box, right: Box) -> bool:
    """Whether two things stand side by side."""
    shared = min(left.bottom, right.bottom) - max(left.y, right.y)
    return shared >= 0.5 * min(left.height, right.height)


def are_in_one_column(left: Box, right: Box) -> bool:
    """Whether two things begin, or end, or have their middle at the same height of a line drawn down the screen."""
    aside = (left.x - right.x, left.right - right.right, left.center.x - right.center.x)
    return min(map(abs, aside)) <= _ALIGNED_PX


def _relation(box: Box, other: Box) -> Relation | None:
    """Where `other` stands, seen from `box`; None if in neither its row nor its column."""
    right, bottom = box.right, box.bottom
    shared = min(bottom, other.bottom) - max(box.y, other.y)
    if shared >= 0.5 * min(other.height, box.height):
        middle = other.x + other.width / 2
        if middle <= box.x:
            return Relation.LEFT
        return Relation.RIGHT if middle >= right else None
    if min(right, other.right) - max(box.x, other.x) < -_COLUMN_MARGIN_PX:
        return None
    return Relation.ABOVE if other.y + other.height / 2 < box.y + box.height / 2 else Relation.BELOW
