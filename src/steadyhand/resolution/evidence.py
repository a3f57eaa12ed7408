"""What speaks for and against a place being the recorded target.

*Evidence* about a candidate is a number from 0 to 1 for each kind, by name. No kind decides alone; how much each counts
is fitted, in `steadyhand.resolution.confidence`.

``text``      what is written on it is what was written on the target
``label``     what names it from beside or above is what named the target
``row``       the same texts stand in its row
``column``    the same texts stand above and below it
``identity``  of the texts that told the target from its look-alikes when it was recorded, how many are here
``whole``     what is written on it is all that is written on that control
``look``      it looks like the recorded picture, at the screen's present scale
``drawn``     the same is drawn on it, whatever its size and colours: of things without words alone
``shape``     it has the recorded size and proportions, at the screen's present scale
``place``     it is where its unmoved neighbours say that it should be
``kind``      it is a check box, or a field, or shows no words, as the target was
``side``      what stands in its row stands on the same side of it as it did
``page``      this is the recorded page: what was written on it is written here
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache, reduce
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.model.geometry import Box, Point
from steadyhand.perception.scene import Scene
from steadyhand.perception.template import are_drawn_alike, cut, glyphs, likeness, search
from steadyhand.perception.wording import fold, identifier_form, is_value, similarity, without_counts, without_icons, without_scrap
from steadyhand.resolution.meaning import are_opposites, key, mean_the_same
from steadyhand.resolution.surroundings import (
    LABEL_GAPS_PX,
    Neighbour,
    Relation,
    are_in_one_row,
    label_of,
    neighbours_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from steadyhand.resolution.target import Target

_ROW_REACH_PX, _COLUMN_REACH_PX = 300.0, 150.0
_ROW, _COLUMN = (Relation.LEFT, Relation.RIGHT), (Relation.ABOVE, Relation.BELOW)
_ALIKE = 0.9
_SAME_LOOK, _SURELY = 0.97, 0.9
_ALIGNED_PX = 8
_UNSURE = 0.3
"""How much half a yes weighs beside what is known of the surroundings: little is known where few texts stand near."""
_TABLE_PX = 400
_FIELD_HEIGHT_PX, _AREA_HEIGHT_PX, _LEAST_PART = 70, 400, 0.02
_INNER_HEIGHT, _INNER_WIDTH = 0.4, 2.5
_CHANCE_WEIGHT = 0.1
_BESIDE_PX = 100.0
"""What stands so near to a thing, on one line with it, does not stand there by chance."""
_LINE_PX = 3.0
"""So far apart are the middles of two texts on one line at most, for some have letters that hang below it."""
_MOVED_PX = 300.0
_NEAR_PX, _FAR_PX = 200.0, 400.0
"""What stands so near to a thing moves with it; what stands further away tells less and less of its place."""
_VALUE_WEIGHT = 0.3
"""What an amount, a date or a count says of the thing beside it: they change while it stays the same."""

_UNLIKE_DRAWING = 0.6
"""Any two icons have so much in common. Source: measured; the same one in another release has 0.95, its mirror 0.85."""

_MEANT = 0.92
"""What other words for the same count: less than the same words, for the table may be wrong here."""


@dataclass(frozen=True, slots=True)
class Match:
    """A landmark that was found again.

    Attributes:
        recorded: Where it stood, frame space of the recorded screen.
        present: Where it stands now, frame space of the present one.
    """

    recorded: Box
    present: Box


class Kind(Enum):
    """What a target is, as far as its picture tells: which evidence says that something is the same thing."""

    WORDS = "words"  # a button, a link, a menu entry: it says what it is
    FIELD = "field"  # a box to write in: its label says what it is, what stands in it may change
    TICK = "tick"  # a check box or radio button: its label or its row says what it is
    ICON = "icon"  # anything else without words: its looks say what it is


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

    @cached_property
    def neighbours(self) -> list[Neighbour]:
        """What stands in its row and in its column."""
        return neighbours_of(self.anchor, self.target.landmarks)

    @cached_property
    def crop(self) -> NDArray[np.uint8]:
        """What candidates are compared with, and two pixels around it: uint8, (height, width)."""
        return cut(self.scene.gray, self.anchor.grown(2))

    @cached_property
    def glyphs(self) -> list[NDArray[np.float32]]:
        """What is drawn on it, as `steadyhand.perception.template.glyphs` tells."""
        return glyphs(self.scene.gray, self.target.box)

    @property
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
        others = [mark for mark in self.target.landmarks if holder is not None and holder.contains(mark.box.center)]
        return mine / max(1, mine + sum(len(fold(mark.text).replace(" ", "")) for mark in others))

    @cached_property
    def lookalikes(self) -> list[Box]:
        """Other places on the recorded screen that say the same, or look the same if it says nothing."""
        if self.kind is Kind.WORDS:
            return [mark.box for mark in self.target.landmarks if similarity(fold(mark.text), self.text) >= _ALIKE]
        seen = search(self.scene.gray, self.crop, 0.8)
        return [
            peak.box
            for peak in seen
            if peak.box.overlap(self.target.box) < 0.3
            and (
                self.kind is not Kind.ICON
                or peak.score >= _SAME_LOOK
                or are_drawn_alike(self.glyphs, glyphs(self.scene.gray, peak.box)) >= _ALIKE
            )
        ]

    @cached_property
    def telling(self) -> list[list[Neighbour]]:
        """For each of its look-alikes, the neighbours that tell the target from it; those that nothing tells left out.

        Of two rows of a table, what stands in the row tells them apart if anything does.
        """
        return list({tuple(map(id, telling)): telling for telling in self._telling if telling}.values())

    @property
    def is_one_of_many(self) -> bool:
        """Whether nothing tells the target from one of its look-alikes."""
        return not all(self._telling)

    @cached_property
    def identifiers(self) -> list[Neighbour]:
        """What names the target's row: such as an order's number."""
        return [
            each
            for each in self.neighbours
            if each.is_in_row
            and identifier_form(each.text)
            and (id(each) in self._kin or self._on_one_line(each.box) > _SURELY)
        ]

    @cached_property
    def _telling(self) -> list[list[Neighbour]]:
        """What tells the target from each of its look-alikes."""
        told: list[list[Neighbour]] = []
        for box in self.lookalikes:
            theirs = neighbours_of(box, self.target.landmarks)
            mine = [
                each
                for each in self.neighbours
                if not _has(theirs, each) and similarity(each.text, self.text) < _ALIKE  # in a row of them, all are one
            ]
            kin = [each for each in mine if each.is_in_row and id(each) in self._kin]
            near = [each for each in mine if self.weight(each) > 0.1]
            columns = [each for each in near if not each.is_in_row]
            telling = columns or kin if are_in_one_row(box, self.anchor) else kin or near
            told.append(telling or [each for each in mine if each.is_in_row])
        return told

    @cached_property
    def has_rows_alike(self) -> bool:
        """Whether a look-alike of it stood in another row."""
        return not all(are_in_one_row(box, self.anchor) for box in self.lookalikes)

    def weight(self, neighbour: Neighbour) -> float:
        """How much one of its neighbours says about the target, 0 to 1.

        The nearer, the more; an amount or a date less than a name; and little, if it stands in the target's row by
        chance alone, as what is in a side bar: no row of one table, and not on one line with it.
        """
        nearness = math.exp(-neighbour.gap / (_ROW_REACH_PX if neighbour.is_in_row else _COLUMN_REACH_PX))
        value = _VALUE_WEIGHT if is_value(neighbour.text) else 1.0
        if not neighbour.is_in_row or id(neighbour) in self._kin:
            return nearness * value
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
        mates = [box for box in (*marks, *self.lookalikes) if _are_in_one_column(box, self.anchor)]
        heights = [
            box.center.y - self.anchor.center.y
            for box in mates
            if abs(box.center.y - self.anchor.center.y) <= _TABLE_PX and not are_in_one_row(box, self.anchor)
        ]
        kin: set[int] = set()
        for neighbour in self.neighbours:
            if not neighbour.is_in_row or not heights:
                continue
            column = [box.center.y - neighbour.box.center.y for box in marks if _are_in_one_column(box, neighbour.box)]
            shared = sum(any(abs(its - height) <= _ALIGNED_PX for its in column) for height in heights)
            if shared >= 0.5 * len(heights):
                kin.add(id(neighbour))
        return kin


class Present:
    """The present side of the comparison: the screen on which the target is looked for.

    Args:
        scene: The screen as it is now.
        recorded: What is looked for.
    """

    def __init__(self, scene: Scene, recorded: Recorded) -> None:
        self.scene = scene
        self.recorded = recorded
        self.phrases = scene.phrases

    @cached_property
    def matches(self) -> list[Match]:
        """The landmarks that stand on both screens just once."""
        here: dict[str, list[Box]] = {}
        for phrase in self.phrases:
            here.setdefault(key(phrase.folded), []).append(phrase.box)
        there: dict[str, list[Box]] = {}
        for mark in self.recorded.target.landmarks:
            there.setdefault(key(fold(mark.text)), []).append(mark.box)
        return [
            Match(boxes[0], here[text][0])
            for text, boxes in there.items()
            if len(text) > 2 and len(boxes) == 1 and len(here.get(text, ())) == 1
        ]

    @cached_property
    def scale(self) -> float:
        """How much larger things are drawn than when they were recorded: the median over the landmarks."""
        ratios = [match.present.width / match.recorded.width for match in self.matches if match.recorded.width > 20]
        return float(np.clip(np.median(ratios), 0.4, 3.0)) if len(ratios) >= 3 else 1.0

    @cached_property
    def page(self) -> float:
        """The share of the recorded texts that are here, near ones counting more."""
        texts = {key(phrase.folded) for phrase in self.phrases}
        target = self.recorded.target.box.center
        total = seen = 0.0
        for mark in self.recorded.target.landmarks:
            text = fold(mark.text)
            if len(text) < 3 or is_value(text):
                continue
            weight = 1 / (1 + math.dist(mark.box.center, target) / 400)
            total += weight
            seen += weight * (key(text) in texts)
        return seen / total if total else 0.5

    @cached_property
    def expected(self) -> Point | None:
        """Where the target should be, as the landmarks nearest to it say; None if none is here."""
        target = self.recorded.anchor.center
        distances = [(math.dist(match.recorded.center, target), match) for match in self.matches]
        votes = sorted(distances, key=lambda vote: vote[0])[:5]
        if not votes:
            return None
        guesses = []
        for distance, match in votes:
            offset_x, offset_y = (
                target.x - match.recorded.center.x,
                target.y - match.recorded.center.y,
            )
            center = match.present.center
            guesses.append((1 / (distance + 40), center.x + offset_x * self.scale, center.y + offset_y * self.scale))
        return Point(
            _weighted_median([(w, x) for w, x, _ in guesses]), _weighted_median([(w, y) for w, _, y in guesses])
        )

    @cached_property
    def _bearing(self) -> float:
        """How well the landmarks that are here tell where the target should be: three near ones do."""
        target = self.recorded.anchor.center
        distances = sorted(math.dist(match.recorded.center, target) for match in self.matches)[:3]
        return sum(math.exp(-max(0.0, distance - _NEAR_PX) / _FAR_PX) for distance in distances) / 3

    @cached_property
    def picture(self) -> NDArray[np.uint8]:
        """The recorded picture at the size at which it would be seen now: uint8, (height, width)."""
        crop = self.recorded.crop
        if abs(self.scale - 1) < 0.03 or crop.size == 0:
            return crop
        scaled = cv2.resize(crop, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_AREA)
        return np.asarray(scaled, np.uint8)

    def weigh(self, box: Box, text: str) -> dict[str, float]:
        """All evidence about one place.

        Args:
            box: The place, frame space.
            text: What is written on it.
        """
        recorded, target = self.recorded, self.recorded.target
        outside = [phrase for phrase in self.phrases if not box.contains(phrase.box.center)]
        neighbours = neighbours_of(box, outside)
        folded = fold(text)
        evidence = {"page": self.page, "shape": self._shape(box), "look": self._look(box)}
        if recorded.kind is not Kind.WORDS:
            evidence["kind"] = self._kind(box, text)
        if recorded.kind is Kind.ICON:
            alike = are_drawn_alike(recorded.glyphs, glyphs(self.scene.gray, box))
            evidence["drawn"] = max(evidence["look"] ** 2, (alike - _UNLIKE_DRAWING) / (1 - _UNLIKE_DRAWING))
        if recorded.text:
            evidence["text"] = text_likeness(recorded.text, folded)
            evidence["whole"] = min(1.0, self._whole(box, folded) / max(0.05, recorded.whole))
        if target.label:
            named = text_likeness(fold(target.label), fold(label_of(box, outside, self.scene.rectangles)))
            evidence["label"] = max(named, 0.8 * self._label_likeness(fold(target.label), neighbours))
        for name, relations in (
            ("row", _ROW),
            ("column", _COLUMN),
        ):
            wanted = [neighbour for neighbour in recorded.neighbours if neighbour.relation in relations]
            share = self._shared(wanted, [neighbour for neighbour in neighbours if neighbour.relation in relations])
            if share is not None:
                evidence[name] = share
        row = [neighbour for neighbour in neighbours if neighbour.is_in_row]
        sides = [_keeps_side(mine, row) for mine in recorded.neighbours if mine.is_in_row]
        known = [side for side in sides if side is not None]
        if known:
            evidence["side"] = sum(known) / len(known)
        if recorded.is_one_of_many or self._is_another_row(row):
            evidence["identity"] = 0.0
        elif recorded.telling:
            evidence["identity"] = min(self._shared(telling, neighbours) or 0.0 for telling in recorded.telling)
        if self.expected is not None:
            away = math.dist(self.expected, box.center) / self.scale
            evidence["place"] = math.exp(-away / 60) * self._bearing
        return evidence

    def are_twins(self, left: Box, right: Box) -> bool:
        """Whether two places are in rows of one table that say the same, though only one such row was recorded.

        What stands beside a table, at the height of one of its rows, tells nothing about that row: compared is what
        stands in the same columns of both rows.

        Args:
            left: One place, frame space.
            right: Another place.
        """
        if are_in_one_row(left, right) or not _are_in_one_column(left, right) or self.recorded.has_rows_alike:
            return False
        here = [each for each in neighbours_of(left, self.phrases) if each.is_in_row]
        there = [each for each in neighbours_of(right, self.phrases) if each.is_in_row]
        pairs = [
            similarity(mine.text, their.text) >= _ALIKE
            for mine in here
            for their in there
            if _are_in_one_column(mine.box, their.box)
            and abs((mine.box.center.y - left.center.y) - (their.box.center.y - right.center.y)) <= _ALIGNED_PX
        ]
        return bool(pairs) and all(pairs)

    def _is_another_row(self, row: Sequence[Neighbour]) -> bool:
        """Whether an identifier that stood in the target's row is another one here."""
        for mine in self.recorded.identifiers:
            form = identifier_form(mine.text)
            theirs = [their.text for their in row if identifier_form(their.text) == form]
            if theirs and not any(similarity(mine.text, their) >= _ALIKE for their in theirs):
                return True
        return False

    def _shared(self, wanted: Sequence[Neighbour], present: Sequence[Neighbour]) -> float | None:
        """The share of the wanted neighbours that are present in the same relation, by weight; None if none is wanted.

        In a row, columns may have changed places; in a column, what has moved far away counts less.
        """
        total = found = 0.0
        for mine in wanted:
            if len(mine.text) < 2:
                continue
            weight = self.recorded.weight(mine)
            total += weight
            best = 0.0
            for their in present:
                if their.relation is mine.relation or (mine.is_in_row and their.is_in_row):
                    alike = text_likeness(mine.text, their.text)
                    moved = 0.0 if mine.is_in_row else abs(their.gap / self.scale - mine.gap)
                    best = max(best, alike * math.exp(-moved / _MOVED_PX))
            found += weight * best
        return (found + _UNSURE * 0.5) / (total + _UNSURE) if total else None

    def _label_likeness(self, label: str, neighbours: Iterable[Neighbour]) -> float:
        """How surely one of the nearest texts around is the recorded label."""
        nearest: set[Relation] = set()
        best = 0.0
        for neighbour in neighbours:
            reach = LABEL_GAPS_PX.get(neighbour.relation, 0.0) * self.scale
            if neighbour.gap <= reach and neighbour.relation not in nearest:
                nearest.add(neighbour.relation)
                best = max(best, text_likeness(label, neighbour.text))
        return best

    def _whole(self, box: Box, folded: str) -> float:
        """The share that the target's text has of all that is written on the same control."""
        phrase = next((phrase.box for phrase in self.phrases if phrase.box.grown(2).contains(box.center)), box)
        holder = holder_of(self.scene, box)
        if holder is None or not holder.encloses(phrase, _ALIGNED_PX / 2):
            holder = phrase
        said = fold(self.scene.text_in(holder.grown(1)))
        mine, all_of_it = len(without_counts(folded).replace(" ", "")), len(without_counts(said).replace(" ", ""))
        return min(1.0, mine / all_of_it) if all_of_it else 1.0

    def _kind(self, box: Box, text: str) -> float:
        """How surely it is what the target was: a check box, a field, or a thing without words."""
        if self.recorded.kind is Kind.TICK:
            return self._tick(box)
        if self.recorded.kind is Kind.FIELD:
            return float(is_field(self.scene, box))
        return float(not any(sum(map(str.isalpha, word)) > 2 for word in text.split()))

    def _tick(self, box: Box) -> float:
        """How surely it is a check box or radio button: found as such, or at least a square of the recorded size."""
        if any(box.overlap(tick) > 0.3 for tick in self.scene.tick_boxes):
            return 1.0
        is_square = abs(math.log(box.width / box.height)) < 0.2
        return 0.3 + 0.7 * self._look(box) if is_square and self._shape(box) > 0.6 else 0.0

    def _shape(self, box: Box) -> float:
        """How like its size is to the recorded one; how wide a field is depends on the window."""
        target = self.recorded.anchor
        wide = abs(math.log(max(box.width, 1) / max(target.width * self.scale, 1)))
        high = abs(math.log(max(box.height, 1) / max(target.height * self.scale, 1)))
        if self.recorded.kind is Kind.FIELD:
            return math.exp(-(wide + (high if target.height > _FIELD_HEIGHT_PX else 6 * high)) / 6)
        return math.exp(-(wide / 2 + high))

    def _look(self, box: Box) -> float:
        """How like it looks to the recorded picture, shifted by a few pixels at most; colours may be inverted."""
        return likeness(self.scene.gray, self.picture, box)


def holder_of(scene: Scene, box: Box) -> Box | None:
    """The smallest rectangle around a thing that is no more than a control; None if there is none."""
    around = [
        outer
        for outer in scene.rectangles
        if outer.encloses(box, 2) and outer.height <= 3.2 * box.height and outer.width <= 600
    ]
    return min(around, key=lambda outer: outer.area, default=None)


def is_field(scene: Scene, box: Box) -> bool:
    """Whether a thing is a box to write in: a frame of its own, wide, empty or written in from its left end.

    List entries look the same, but they touch one another; fields stand apart. A field for several lines is empty, or
    written in from its top, and holds no other thing.
    """
    frames = [frame for frame in scene.rectangles if frame.overlap(box) > 0.55]
    is_area = _FIELD_HEIGHT_PX < box.height <= _AREA_HEIGHT_PX
    if not frames or box.width < (1.5 if is_area else 2.5) * box.height or box.height > _AREA_HEIGHT_PX:
        return False
    frame = max(frames, key=lambda other: other.overlap(box))
    for other in scene.rectangles:
        is_aligned = abs(other.x - frame.x) < 4 and abs(other.width - frame.width) < 8
        touches = min(abs(other.y - frame.bottom), abs(other.bottom - frame.y)) <= 4
        if is_aligned and touches and 0.6 < other.height / frame.height < 1.7:
            return False
    if any(
        frame.grown(-_ALIGNED_PX / 2).encloses(other)
        and other.height >= _INNER_HEIGHT * frame.height
        and other.width >= _INNER_WIDTH * other.height
        for other in scene.rectangles
    ):
        return False  # a bar, with a field in it
    inside = [
        word.box
        for line in scene.lines
        if frame.intersection(line.box).area > 0
        for word in line.words
        if frame.grown(-2).contains(word.box.center) and any(map(str.isalnum, word.text))
    ]
    if not inside:
        return True
    if is_area:
        return min(word.y for word in inside) - frame.y <= _FIELD_HEIGHT_PX / 2 and not any(
            frame.grown(-_ALIGNED_PX).encloses(other) and other.area > _LEAST_PART * frame.area
            for other in scene.rectangles
        )
    left = min(word.x for word in inside) - frame.x
    right = frame.right - max(word.right for word in inside)
    return left <= frame.height and right > 2 * left + 20


@lru_cache(maxsize=200_000)
def text_likeness(recorded: str, present: str) -> float:
    """How surely two folded texts name the same thing.

    Args:
        recorded: Folded text.
        present: Folded text.

    Returns:
        1 for the same words, a little less if a count behind them or an icon before them differs, or if they say the
        same in other words; 0 if one says the opposite of the other.
    """
    plain_recorded, plain_present = without_icons(recorded), without_icons(present)
    if are_opposites(plain_recorded, plain_present):
        return 0.0
    direct = max(similarity(recorded, present), 0.98 * similarity(plain_recorded, plain_present))
    bare_recorded, bare_present = without_counts(plain_recorded), without_counts(plain_present)
    uncounted = 0.9 * similarity(bare_recorded, bare_present)
    unscrapped = 0.85 * similarity(without_scrap(bare_recorded), without_scrap(bare_present))
    meant = _MEANT if mean_the_same(plain_recorded, plain_present) else 0.0
    return max(direct, uncounted, unscrapped, meant)


def _keeps_side(mine: Neighbour, present: Sequence[Neighbour]) -> bool | None:
    """Whether a text of the row stands on the side of the thing on which it stood; None if it is not in the row."""
    same = [their for their in present if similarity(their.text, mine.text) >= _ALIKE]
    return any(their.relation is mine.relation for their in same) if same else None


def _has(neighbours: Sequence[Neighbour], mine: Neighbour) -> bool:
    """Whether the same text stands in the same relation, and not much further away."""
    return any(
        their.relation is mine.relation
        and their.gap <= mine.gap * 1.5 + 20
        and similarity(their.text, mine.text) >= _ALIKE
        for their in neighbours
    )


def _are_in_one_column(left: Box, right: Box) -> bool:
    """Whether two things begin, or end, or have their middle at the same height of a line drawn down the screen."""
    aside = (left.x - right.x, left.right - right.right, left.center.x - right.center.x)
    return min(map(abs, aside)) <= _ALIGNED_PX


def _weighted_median(votes: Sequence[tuple[float, float]]) -> float:
    """The value at which half of the weight is reached."""
    ordered = sorted(votes, key=lambda vote: vote[1])
    half, running = sum(weight for weight, _ in ordered) / 2, 0.0
    for weight, value in ordered:
        running += weight
        if running >= half:
            return value
    return ordered[-1][1]
