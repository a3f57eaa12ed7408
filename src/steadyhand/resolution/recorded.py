"""What is known of a target from the screen that it was recorded on: what it is, what stands around it, what tells it.

A *look-alike* is another place on the recorded screen that says or shows the same. What *tells* the target from it are
the texts that stand around the one and not around the other.
"""

from __future__ import annotations

import math
from functools import cached_property, reduce
from typing import TYPE_CHECKING

from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.perception.template import are_drawn_alike, cut, glyphs, is_framed, search
from steadyhand.perception.wording import fold, identifier_form, is_value, similarity, without_counts
from steadyhand.resolution.controls import Kind, holder_of, is_field
from steadyhand.resolution.surroundings import (
    Neighbour,
    Relation,
    are_in_one_column,
    are_in_one_row,
    label_of,
    neighbours_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.model.workflow import Landmark
    from steadyhand.resolution.target import Target

_ROW_REACH_PX, _COLUMN_REACH_PX = 300.0, 150.0
_ALIKE, _SAME_LOOK, _SURELY = 0.9, 0.97, 0.9
_ALIGNED_PX = 8
_TABLE_PX = 400
_SAME_PLACE = 0.3
"""Of two boxes that overlap by so much, both are the same thing."""
_CHANCE_WEIGHT = 0.1
_KIN_WEIGHT = 0.5
"""What stands in its row of a table says so much about it at least: a row is one thing, however wide it is."""
_NAME_WORDS = 6
_BESIDE_PX = 100.0
"""What stands so near to a thing, on one line with it, does not stand there by chance."""
_LINE_PX = 3.0
"""So far apart are the middles of two texts on one line at most, for some have letters that hang below it."""
_VALUE_WEIGHT = 0.3
"""What an amount, a date or a count says of the thing beside it: they change while it stays the same."""


class Recorded:
    """The recorded side of the comparison: worked out once for each target.

    Args:
        target: What is looked for.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.text = fold(target.text)

    @cached_property
    def anchor(self) -> Box:
        """What candidates are compared with: the words of a thing that says what it is, else the whole of it."""
        if self.kind is not Kind.WORDS:
            return self.target.box
        words = [word.box for word in self.scene.words_in(self.target.box) if any(map(str.isalnum, word.text))]
        return reduce(Box.union, words) if words else self.target.box

    @property
    def _own(self) -> list[Landmark]:
        """The texts of which the target's own words are a part: a line that was read as one."""
        return [mark for mark in self.target.landmarks if mark.box.contains(self.target.box.center)]

    @cached_property
    def texts_around(self) -> list[Landmark]:
        """What was written elsewhere on its screen."""
        return [mark for mark in self.target.landmarks if not mark.box.contains(self.target.box.center)]

    @cached_property
    def neighbours(self) -> list[Neighbour]:
        """What stands in its row and in its column.

        Of a row that a value of this run names, the rest is of the row that was recorded, and says nothing.
        """
        around = neighbours_of(self.anchor, self.texts_around)
        is_renamed = any(each.is_in_row and each.said in self.target.adapted for each in around)
        return [each for each in around if not (is_renamed and each.is_in_row) or each.said in self.target.adapted]

    @cached_property
    def crop(self) -> NDArray[np.uint8]:
        """What candidates are compared with, and two pixels around it: uint8, (height, width)."""
        return cut(self.scene.gray, self.anchor.grown(2))

    @cached_property
    def glyphs(self) -> list[NDArray[np.float32]]:
        """What is drawn on it, as `steadyhand.perception.template.glyphs` tells."""
        return glyphs(self.scene.gray, self.target.box)

    @cached_property
    def is_framed(self) -> bool:
        """Whether a frame, or a block of colour, is around what is drawn on it."""
        return bool(self.glyphs) and is_framed(self.scene.gray, self.target.box)

    @cached_property
    def scene(self) -> Scene:
        """The recorded screen."""
        return Scene.of(self.target.image)

    @cached_property
    def kind(self) -> Kind:
        """What the target is."""
        scene, box = self.scene, self.target.box
        if any(box.overlap(tick) > 0.3 for tick in scene.tick_boxes):
            return Kind.TICK
        if is_field(scene, box):
            return Kind.FIELD
        return Kind.WORDS if self.text else Kind.ICON

    @cached_property
    def whole(self) -> float:
        """The share that the target's text has of all that is written on its control."""
        mine = len(without_counts(self.text).replace(" ", ""))
        holder = holder_of(self.scene, self.target.box)
        others = [mark for mark in self.texts_around if holder is not None and holder.contains(mark.box.center)]
        beside, all_of_it = (
            sum(len(fold(mark.text).replace(" ", "")) for mark in marks) for marks in (others, self._own)
        )
        return mine / max(1, mine + beside, all_of_it)

    @cached_property
    def lookalikes(self) -> list[Box]:
        """Other places on the recorded screen that say the same, or look the same if it says nothing."""
        if self.kind is Kind.WORDS:
            return [mark.box for mark in self.target.landmarks if similarity(fold(mark.text), self.text) >= _ALIKE]
        if self.kind is Kind.TICK:
            return [box for box in self.scene.tick_boxes if box.overlap(self.target.box) < _SAME_PLACE]
        if self.kind is Kind.FIELD:
            return self._other_fields
        seen = search(self.scene.gray, self.crop, 0.8)
        return [
            peak.box
            for peak in seen
            if peak.box.overlap(self.target.box) < _SAME_PLACE
            and (peak.score >= _SAME_LOOK or are_drawn_alike(self.glyphs, glyphs(self.scene.gray, peak.box)) >= _ALIKE)
        ]

    @cached_property
    def _other_fields(self) -> list[Box]:
        """The other fields on the recorded screen, each once."""
        fields: list[Box] = []
        for box in self.scene.rectangles:
            is_known = any(box.overlap(other) >= _SAME_PLACE for other in (self.target.box, *fields))
            if not is_known and is_field(self.scene, box):
                fields.append(box)
        return fields

    def is_written_elsewhere(self, text: str) -> bool:
        """Whether a folded text is what is written elsewhere on the recorded screen, and so means something else."""
        return text in self._written

    @cached_property
    def _written(self) -> frozenset[str]:
        return frozenset(fold(mark.text) for mark in self.texts_around)

    @cached_property
    def telling(self) -> list[list[Neighbour]]:
        """For each of its look-alikes, the neighbours that tell the target from it; those that nothing tells left out.

        Of two rows of a table, what stands in the row tells them apart if anything does.
        """
        return list({tuple(map(id, telling)): telling for _, telling in self._told if telling}.values())

    @property
    def is_one_of_many(self) -> bool:
        """Whether nothing tells the target from one of its look-alikes."""
        return not all(telling for _, telling in self._told)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What tells a field or a check box from all others: of its label and its text what its screen shows once."""
        if self.kind not in (Kind.FIELD, Kind.TICK):
            return ()
        written = [fold(mark.text) for mark in self.target.landmarks]
        label = next((each for each in self.neighbours if each.said == self.target.label), None)
        is_labelled = label is not None and not any(self._shares(box, label) for box in self.lookalikes)
        is_written = bool(self.text) and not any(similarity(text, self.text) >= _ALIKE for text in written)
        return ("label",) * is_labelled + ("text",) * is_written

    @cached_property
    def namers(self) -> list[Neighbour]:
        """Of what tells it from all its look-alikes: its label, the first text of its row, the next one above it.

        Where fields or check boxes are labelled, those with its own label are its look-alikes.
        """
        label = next((each for each in self.neighbours if each.said == self.target.label), None)
        alike = [told for told in self._told if label is not None and self._shares(told[0], label)]
        groups = [telling for _, telling in (alike if self.kind in (Kind.FIELD, Kind.TICK) else self._told)]
        if not groups or not all(groups):
            return []
        named = [
            each
            for each in groups[0]
            if all(any(each is other for other in group) for group in groups)
            and len(each.text) > 1
            and not is_value(each.text)
            and not _is_sentence(each.text)
        ]
        own = [each for each in named if each is label]
        of_row = [each for each in named if each.relation is Relation.LEFT and id(each) in self._kin]
        left = sorted(of_row, key=lambda each: each.box.x)
        above = [each for each in named if each.relation is Relation.ABOVE]
        return list({id(each): each for each in (*own, *left[:1], *above[:1])}.values())

    def _shares(self, box: Box, label: Neighbour) -> bool:
        """Whether a look-alike has the same label, or one text names both, as a heading does."""
        theirs = neighbours_of(box, self.target.landmarks)
        name = label_of(box, theirs, self.scene.rectangles)
        is_behind = label.relation is Relation.RIGHT
        return (name is not None and similarity(name.text, label.text) >= _ALIKE) or (
            self.kind is Kind.TICK and not is_behind and any(each.box == label.box for each in theirs)
        )

    @cached_property
    def label_side(self) -> Relation | None:
        """On which side of it its label stands; None if that is not known."""
        return next((each.relation for each in self.neighbours if each.said == self.target.label), None)

    @cached_property
    def asked(self) -> list[Landmark]:
        """What else is written on the dialog that it is on: the question to which it is an answer."""
        dialog = self.scene.dialog
        if dialog is None or not dialog.contains(self.target.box.center):
            return []
        return [
            mark for mark in self.texts_around if dialog.contains(mark.box.center) and not is_value(fold(mark.text))
        ]

    @cached_property
    def identifiers(self) -> list[Neighbour]:
        """What names the target's row: such as an order's number."""
        return [
            each
            for each in self.neighbours
            if each.is_in_row
            and (identifier_form(each.text) or each.said in self.target.adapted)
            and (id(each) in self._kin or self._on_one_line(each.box) > _SURELY)
        ]

    @cached_property
    def _told(self) -> list[tuple[Box, list[Neighbour]]]:
        """Each of its look-alikes, and what tells the target from it."""
        told: list[tuple[Box, list[Neighbour]]] = []
        is_worded = self.kind is Kind.WORDS  # then of a row of things that say the same, all are one
        for box in self.lookalikes:
            theirs = neighbours_of(box, self.target.landmarks)
            if any(each.is_in_row and each.said in self.target.adapted for each in theirs):
                continue  # the row that this run is about
            mine = [
                each
                for each in self.neighbours
                if not _has(theirs, each) and (not is_worded or similarity(each.text, self.text) < _ALIKE)
            ]
            kin = [each for each in mine if each.is_in_row and id(each) in self._kin]
            near = [each for each in mine if self.weight(each) > 0.1]
            columns = [each for each in near if not each.is_in_row]
            telling = columns or kin if are_in_one_row(box, self.anchor) else kin or near
            told.append((box, telling or [each for each in mine if each.is_in_row]))
        return told

    @cached_property
    def has_rows_alike(self) -> bool:
        """Whether a look-alike of it stood in another row."""
        return not all(are_in_one_row(box, self.anchor) for box in self.lookalikes)

    def weight(self, neighbour: Neighbour) -> float:
        """How much one of its neighbours says about the target, 0 to 1.

        The nearer, the more; an amount or a date less than a name; and little, if it stands in the target's row by
        chance alone, as what is in a side bar: no row of one table, and not on one line with it. A value of this run
        counts in full, wherever it stands.
        """
        if neighbour.said in self.target.adapted:
            return 1.0
        nearness = math.exp(-neighbour.gap / (_ROW_REACH_PX if neighbour.is_in_row else _COLUMN_REACH_PX))
        value = _VALUE_WEIGHT if is_value(neighbour.text) else 1.0
        if not neighbour.is_in_row:
            return nearness * value
        if id(neighbour) in self._kin:
            return max(nearness, _KIN_WEIGHT) * value
        is_by_chance = self._kin and neighbour.gap > _BESIDE_PX
        return nearness * value * (_CHANCE_WEIGHT if is_by_chance else self._on_one_line(neighbour.box))

    def _on_one_line(self, box: Box) -> float:
        """How surely a text in its row was set beside it on purpose, 0 to 1: the middles or the upper edges agree."""
        apart = min(abs(box.center.y - self.anchor.center.y), abs(box.y - self.anchor.y))
        return max(_CHANCE_WEIGHT, math.exp(-max(0.0, apart - _LINE_PX) / _LINE_PX))

    @cached_property
    def _kin(self) -> set[int]:
        """The neighbours in its row, by identity, that belong to the same table: their columns have the same rows."""
        marks = [mark.box for mark in self.target.landmarks]
        mates = [box for box in (*marks, *self.lookalikes) if are_in_one_column(box, self.anchor)]
        heights = [
            box.center.y - self.anchor.center.y
            for box in mates
            if abs(box.center.y - self.anchor.center.y) <= _TABLE_PX and not are_in_one_row(box, self.anchor)
        ]
        kin: set[int] = set()
        for neighbour in self.neighbours:
            if not neighbour.is_in_row or not heights:
                continue
            column = [box.center.y - neighbour.box.center.y for box in marks if are_in_one_column(box, neighbour.box)]
            shared = sum(any(abs(its - height) <= _ALIGNED_PX for its in column) for height in heights)
            if shared >= 0.5 * len(heights):
                kin.add(id(neighbour))
        return kin


def _is_sentence(text: str) -> bool:
    """Whether a text tells something, such as how many there are, rather than names it."""
    words = text.split()
    return len(words) > _NAME_WORDS or (len(words) > 1 and any(word.isdigit() for word in words))


def _has(neighbours: Sequence[Neighbour], mine: Neighbour) -> bool:
    """Whether the same text stands in the same relation, and not much further away."""
    return any(
        their.relation is mine.relation
        and their.gap <= mine.gap * 1.5 + 20
        and similarity(their.text, mine.text) >= _ALIKE
        for their in neighbours
    )
