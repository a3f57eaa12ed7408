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
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.model.geometry import Box, Point
from steadyhand.perception.template import are_drawn_alike, glyphs, likeness
from steadyhand.perception.wording import fold, is_value, similarity, without_counts
from steadyhand.resolution.controls import FIELD_HEIGHT_PX, Kind, holder_of, is_field
from steadyhand.resolution.meaning import key, text_likeness
from steadyhand.resolution.surroundings import (
    LABEL_GAPS_PX,
    Neighbour,
    Relation,
    are_in_one_column,
    are_in_one_row,
    label_of,
    neighbours_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from steadyhand.perception.scene import Scene
    from steadyhand.resolution.recorded import Recorded

_ROW, _COLUMN = (Relation.LEFT, Relation.RIGHT), (Relation.ABOVE, Relation.BELOW)
_ALIKE = 0.9
_NAMED = 0.85
"""A name that differs by more is another name, for it alone tells: County and Country have 0.83 in common."""
_ALIGNED_PX = 8
_UNSURE = 0.3
"""How much half a yes weighs beside what is known of the surroundings: little is known where few texts stand near."""
_BESIDE = 0.8
"""What a label counts that stands on another side now, or is not what one would take for the label."""
_SAYS_NO_MORE = 0.6
"""A word that means the same is no more than a word where it is less than this of what is written there."""
_TICK_LOOK = 0.8
"""What is drawn as a square is no check box unless it looks like the recorded one: a box may be an icon."""
_MOVED_PX = 300.0
_NEAR_PX, _FAR_PX = 200.0, 400.0
"""What stands so near to a thing moves with it; what stands further away tells less and less of its place."""
_UNLIKE_DRAWING = 0.6
"""Any two icons have so much in common. Source: measured; the same one in another release has 0.95, its mirror 0.85."""


@dataclass(frozen=True, slots=True)
class Match:
    """A landmark that was found again.

    Attributes:
        recorded: Where it stood, frame space of the recorded screen.
        present: Where it stands now, frame space of the present one.
    """

    recorded: Box
    present: Box


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
        self._found: dict[Box, list[Neighbour]] = {}

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
    def asked(self) -> float:
        """The share of what was written on the recorded dialog that is here, by its letters."""
        texts = [fold(mark.text) for mark in self.recorded.asked]
        dialog = self.scene.dialog
        here = {phrase.folded for phrase in self.phrases if dialog is None or dialog.contains(phrase.box.center)}
        said = sum(len(text) * max((text_likeness(text, other) for other in here), default=0.0) for text in texts)
        return said / max(1, sum(map(len, texts)))

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

    def thing_at(self, box: Box, text: str) -> dict[str, float]:
        """What speaks for a place being the same thing.

        Args:
            box: The place, frame space.
            text: What is written on it.
        """
        recorded, label, folded = self.recorded, fold(self.recorded.target.label), fold(text)
        evidence = {"page": self.page, "shape": self._shape(box), "look": self._look(box)}
        if recorded.kind is not Kind.WORDS:
            evidence["kind"] = self._kind(box, text)
        if recorded.kind is Kind.ICON:
            alike = are_drawn_alike(recorded.glyphs, glyphs(self.scene.gray, box))
            seen = 0.0 if recorded.is_framed else evidence["look"] ** 2  # of two digits, the frames look the same
            evidence["drawn"] = max(seen, (alike - _UNLIKE_DRAWING) / (1 - _UNLIKE_DRAWING))
        if recorded.text:
            whole = self._whole(box, folded)
            is_meant = whole >= _SAYS_NO_MORE or similarity(recorded.text, folded) > 0
            is_another = self._says_another(box, folded) or not is_meant
            evidence["text"] = 0.0 if is_another else text_likeness(recorded.text, folded)
            evidence["whole"] = min(1.0, whole / max(0.05, recorded.whole))
        if label:
            neighbours = self._neighbours(box)
            name = label_of(box, neighbours, self.scene.rectangles)
            is_named = name is not None and recorded.kind is Kind.TICK  # what stands before one stands behind another
            beside = 0.0 if is_named else _BESIDE * self._label_likeness(label, neighbours)
            is_moved = name is not None and recorded.label_side not in (None, name.relation)
            named = self._same_name(label, name.text) if name is not None else 0.0
            evidence["label"] = max(named * (_BESIDE if is_moved else 1.0), beside)
        return evidence

    def surroundings_of(self, box: Box, thing: Mapping[str, float]) -> dict[str, float]:
        """What speaks for a place being in the same surroundings.

        Args:
            box: The place, frame space.
            thing: What speaks for its being the same thing.
        """
        recorded, neighbours = self.recorded, self._neighbours(box)
        evidence: dict[str, float] = {}
        for name, relations in (("row", _ROW), ("column", _COLUMN)):
            wanted = [neighbour for neighbour in recorded.neighbours if neighbour.relation in relations]
            share = self._shared(wanted, [neighbour for neighbour in neighbours if neighbour.relation in relations])
            if share is not None:
                evidence[name] = share
        row = [neighbour for neighbour in neighbours if neighbour.is_in_row]
        sides = [_keeps_side(mine, row) for mine in recorded.neighbours if mine.is_in_row]
        known = [side for side in sides if side is not None]
        if known:
            evidence["side"] = sum(known) / len(known)
        named_row = self._named_row(row)
        if named_row < _ALIKE:
            evidence["identity"] = named_row
        elif recorded.names:  # they tell it from its look-alikes
            evidence["identity"] = max(thing.get(name, 0.0) for name in recorded.names)
        elif recorded.is_one_of_many:
            evidence["identity"] = 0.0
        elif recorded.telling:
            shares = [self._shared(telling, neighbours) or 0.0 for telling in recorded.telling]
            evidence["identity"] = min(*shares, *(self._is_named(box, namer) for namer in recorded.namers), 1.0)
        if recorded.asked:
            evidence["identity"] = min(evidence.get("identity", 1.0), self.asked)
        if self.expected is not None:
            away = math.dist(self.expected, box.center) / self.scale
            evidence["place"] = math.exp(-away / 60) * self._bearing
        return evidence

    def _is_named(self, box: Box, namer: Neighbour) -> float:
        """How surely what named the target stands where it named it; not if what it names is a twin between the two."""
        may_change_sides = namer.is_in_row and namer.said != self.recorded.target.label
        return max(
            (
                self._same_text(namer.text, each.text)
                for each in self._neighbours(box)
                if (each.relation is namer.relation or (each.is_in_row and may_change_sides))
                and not self._twin_between(box, each.box)
            ),
            default=0.0,
        )

    def _twin_between(self, box: Box, text: Box) -> bool:
        """Whether another thing that says the same stands between a thing and a text."""
        span, mine = box.union(text), self.recorded.text
        return bool(mine) and any(
            span.contains(each.box.center)
            and not box.grown(4).contains(each.box.center)
            and not text.contains(each.box.center)
            and similarity(each.folded, mine) >= _ALIKE
            for each in self.phrases
        )

    def are_twins(self, left: Box, right: Box) -> bool:
        """Whether two places are in rows of one table that say the same, though only one such row was recorded.

        What stands beside a table, at the height of one of its rows, tells nothing about that row: compared is what
        stands in the same columns of both rows.

        Args:
            left: One place, frame space.
            right: Another place.
        """
        if are_in_one_row(left, right) or not are_in_one_column(left, right) or self.recorded.has_rows_alike:
            return False
        here = [each for each in self._neighbours(left) if each.is_in_row]
        there = [each for each in self._neighbours(right) if each.is_in_row]
        pairs = [
            similarity(mine.text, their.text) >= _ALIKE
            for mine in here
            for their in there
            if are_in_one_column(mine.box, their.box)
            and abs((mine.box.center.y - left.center.y) - (their.box.center.y - right.center.y)) <= _ALIGNED_PX
        ]
        return bool(pairs) and all(pairs)

    def _neighbours(self, box: Box) -> list[Neighbour]:
        """What stands in the row and in the column of a place."""
        found = self._found.get(box)
        if found is None:
            outside = [
                phrase
                for phrase in self.phrases
                if not box.contains(phrase.box.center) and not phrase.box.contains(box.center)
            ]
            found = self._found[box] = neighbours_of(box, outside)
        return found

    def _says_another(self, box: Box, folded: str) -> bool:
        """Whether a place says what was written elsewhere when recorded, or has a number that the target has not."""
        recorded = self.recorded
        if recorded.kind is not Kind.WORDS:
            return False
        said = next((phrase.folded for phrase in self.phrases if phrase.box.grown(2).contains(box.center)), folded)
        is_numbered = any(word.isdigit() for word in said.split())
        return said != recorded.text and (
            recorded.is_written_elsewhere(said) or (is_numbered and not any(map(str.isdigit, recorded.text)))
        )

    def _same_text(self, recorded: str, present: str) -> float:
        """How surely a text near a place is one that was near the target; not if it stood elsewhere when recorded."""
        is_other = present != recorded and self.recorded.is_written_elsewhere(present)
        return 0.0 if is_other else text_likeness(recorded, present)

    def _named_row(self, row: Sequence[Neighbour]) -> float:
        """How surely a row is the target's, by the identifiers that stood in it; 1 if none did."""
        wanted = self.recorded.identifiers
        return max((similarity(mine.text, their.text) for mine in wanted for their in row), default=float(not wanted))

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
                    alike = self._same_text(mine.text, their.text)
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
                best = max(best, self._same_name(label, neighbour.text))
        return best

    def _same_name(self, recorded: str, present: str) -> float:
        """How surely a text names what the recorded label named; the same but for a letter is another name."""
        likeness = self._same_text(recorded, present)
        return likeness if likeness >= _NAMED else likeness / 2

    def _whole(self, box: Box, folded: str) -> float:
        """The share that the target's text has of all that is written on the same control."""
        own = next((phrase for phrase in self.phrases if phrase.box.grown(2).contains(box.center)), None)
        line = own.box if own is not None else box
        holder = holder_of(self.scene, box)
        if holder is None or not holder.encloses(line, _ALIGNED_PX / 2):
            holder = line
        said = [
            phrase.folded
            for phrase in self.phrases
            if phrase is own or (holder.grown(1).contains(phrase.box.center) and not is_value(phrase.folded))
        ]
        mine, all_of_it = (len(without_counts(text).replace(" ", "")) for text in (folded, " ".join(said)))
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
        look = self._look(box) if is_square and self._shape(box) > 0.6 else 0.0
        return look if look >= _TICK_LOOK else 0.0

    def _shape(self, box: Box) -> float:
        """How like its size is to the recorded one; how wide a field is depends on the window."""
        target = self.recorded.anchor
        wide = abs(math.log(max(box.width, 1) / max(target.width * self.scale, 1)))
        high = abs(math.log(max(box.height, 1) / max(target.height * self.scale, 1)))
        if self.recorded.kind is Kind.FIELD:
            return math.exp(-(wide + (high if target.height > FIELD_HEIGHT_PX else 9 * high)) / 6)
        return math.exp(-(wide / 2 + high))

    def _look(self, box: Box) -> float:
        """How like it looks to the recorded picture, shifted by a few pixels at most; colours may be inverted."""
        return likeness(self.scene.gray, self.picture, box)


def _keeps_side(mine: Neighbour, present: Sequence[Neighbour]) -> bool | None:
    """Whether a text of the row stands on the side of the thing on which it stood; None if it is not in the row."""
    same = [their for their in present if similarity(their.text, mine.text) >= _ALIKE]
    return any(their.relation is mine.relation for their in same) if same else None


def _weighted_median(votes: Sequence[tuple[float, float]]) -> float:
    """The value at which half of the weight is reached."""
    ordered = sorted(votes, key=lambda vote: vote[1])
    half, running = sum(weight for weight, _ in ordered) / 2, 0.0
    for weight, value in ordered:
        running += weight
        if running >= half:
            return value
    return ordered[-1][1]
