"""What stands around a thing: the row that it is in, what is above and below it, and what names it.

A *neighbour* is a piece of text with its *relation* to the thing (left, right, above, below) and the *gap* between
the two. Two things are in the same surroundings when the same texts stand in the same relations; how far away they are
may change with the layout, and which side of the screen all of it is on does not matter at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from steadyhand.perception.wording import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        gap: Pixels between the two.
        box: Where it stands, frame space.
    """

    relation: Relation
    text: str
    gap: float
    box: Box

    @property
    def is_in_row(self) -> bool:
        """It stands left or right of the thing."""
        return self.relation in (Relation.LEFT, Relation.RIGHT)


_COLUMN_MARGIN_PX = 30
_LABEL_GAPS_PX = {Relation.LEFT: 320.0, Relation.RIGHT: 60.0, Relation.ABOVE: 48.0}

_FEWEST_LETTERS = 2
"""Shorter texts name nothing: mostly they are icons that were read as letters."""

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
        found.append(Neighbour(relation, fold(written.text), max(0.0, gap), other))
    return sorted(found, key=lambda neighbour: neighbour.gap)


def label_of(box: Box, texts: Iterable[Written]) -> str:
    """What names a thing that says nothing itself: the text just left of it, right of it or above it.

    Right of it counts for small things alone: the words behind a check box name it, those behind a field do not.

    Args:
        box: The thing, frame space.
        texts: What is written on the screen, the thing's own text left out.

    Returns:
        The label as it was read; empty if nothing is near enough.
    """
    is_small = max(box.width, box.height) <= 32
    best, best_cost = "", 1.0
    for written in texts:
        if sum(map(str.isalnum, written.text)) < _FEWEST_LETTERS:
            continue
        for neighbour in neighbours_of(box, [written]):
            reach = _LABEL_GAPS_PX.get(neighbour.relation)
            if reach is None or (neighbour.relation is Relation.RIGHT and not is_small):
                continue
            cost = neighbour.gap / reach + _WORDINESS * max(0, len(neighbour.text.split()) - 4)
            if cost < best_cost:
                best, best_cost = written.text, cost
    return best


def are_in_one_row(left: Box, right: Box) -> bool:
    """Whether two things stand side by side."""
    shared = min(left.bottom, right.bottom) - max(left.y, right.y)
    return shared >= 0.5 * min(left.height, right.height)


def _relation(box: Box, other: Box) -> Relation | None:
    """Where `other` stands, seen from `box`; None if in neither its row nor its column."""
    shared = min(box.bottom, other.bottom) - max(box.y, other.y)
    if shared >= 0.5 * min(other.height, box.height):
        if other.center.x <= box.x:
            return Relation.LEFT
        return Relation.RIGHT if other.center.x >= box.right else None
    across = min(box.right, other.right) - max(box.x, other.x)
    if across < -_COLUMN_MARGIN_PX:
        return None
    return Relation.ABOVE if other.center.y < box.center.y else Relation.BELOW
