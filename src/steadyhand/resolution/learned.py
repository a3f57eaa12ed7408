"""Learned looks: other recorded looks of the same target, found and weighed exactly as the first one.

A *look* is what a target looked like on a later screen, where a validated step had acted on it: the whole screen, the
element on it, what is written on it and around it. So it is compared like what was recorded, by the same evidence and
under the same rules: its row, its neighbours and what tells it from its look-alikes have to be there just the same.

How far a look is to be *trusted* is the probability that it shows the right thing. What is found by a look is believed
no more than the look itself: its confidence is multiplied by that trust.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from steadyhand.memory.prototype_index import Nearest, Origin, Prototype, Shot
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Candidate, Found, Method
from steadyhand.perception.embedding import Descriptors
from steadyhand.perception.scene import Scene
from steadyhand.resolution.recorded import Recorded
from steadyhand.resolution.rungs import View, distinctive_view, point_of, seen_unchanged
from steadyhand.resolution.target import Target, beside, landmarks_on, name_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from steadyhand.perception.embedding import Embedder

_TRIED = 3
"""How many looks are looked for as they are, each of which takes some milliseconds; all others are only weighed."""

_WEIGHED = 2
"""How many looks are weighed: those that the index says are on this screen."""

_MOST_MARKS = 48
"""For how many elements of a screen the index is asked; an element takes a fifth of a millisecond."""

_CROP_MARGIN_PX = 2


class Memory(Protocol):
    """What is remembered of the targets of one workflow; `steadyhand.memory.learned_memory.LearnedMemory` is one."""

    def looks(self, target: str) -> Sequence[tuple[Prototype, float]]:
        """The learned looks of a target, each with the probability that it shows the right thing, the surest first."""
        ...

    def shot(self, name: str) -> Shot:
        """The screen of a name."""
        ...

    def nearest(self, vector: NDArray[np.float32], space: str, limit: int, target: str) -> Sequence[Nearest]:
        """The learned looks of a target that look most like something.

        Args:
            vector: The look, float32, (dimensions,), of length 1.
            space: The space of the vector.
            limit: How many at most.
            target: The key of the target.
        """
        ...


@dataclass(frozen=True, eq=False)
class Look:
    """A learned look, as the recorded side of a comparison.

    Attributes:
        id: Its name in memory.
        recorded: What was seen then.
        view: Its distinctive view; None if it has none.
        trust: The probability that it shows the right thing, 0 to 1.
    """

    id: str
    recorded: Recorded
    view: View | None
    trust: float

    def seen(self, scene: Scene, unchanged: float) -> Candidate | None:
        """Where it is seen just as it was; None if it is not.

        Args:
            scene: The present screen.
            unchanged: The probability that a place is right whose whole view is as it was.
        """
        seen = seen_unchanged(self.recorded, scene, self.view) if self.view else None
        if seen is None:
            return None
        box, evidence = seen
        point = point_of(self.recorded, box, Method.ANCHOR_TEMPLATE)
        text = self.recorded.target.text
        return Candidate(point, box, unchanged * self.trust, Method.PROTOTYPE, evidence, text, self.id)

    def claimed(self, candidate: Candidate) -> Candidate:
        """A candidate that was weighed by this look, believed no more than the look."""
        confidence = candidate.confidence * self.trust
        return replace(candidate, confidence=confidence, method=Method.PROTOTYPE, look=self.id)


class LearnedLooks:
    """The learned looks of a workflow's targets, for one run. Not safe for several threads.

    Args:
        memory: Where they are kept.
        values: The value of each parameter of this run: a look of another run's row stands for this run's.
        embedder: Makes vectors of looks.
    """

    def __init__(self, memory: Memory, values: Mapping[str, str], embedder: Embedder | None = None) -> None:
        self._memory = memory
        self._values = values
        self._embedder = embedder or Descriptors()
        self._screens: dict[str, NDArray[np.uint8]] = {}

    def of(self, target: Target) -> tuple[Look, ...]:
        """The looks that are known of a target, the surest first."""
        if not target.key:
            return ()
        return tuple(self._look(prototype, trust) for prototype, trust in self._memory.looks(target.key))

    def seen(self, looks: Sequence[Look], scene: Scene, unchanged: float) -> Iterator[Candidate]:
        """Where the surest of some looks are seen just as they were, one after the other.

        Args:
            looks: The looks of a target.
            scene: The present screen.
            unchanged: The probability that a place is right whose whole view is as it was.
        """
        for look in [look for look in looks if look.view][:_TRIED]:
            candidate = look.seen(scene, unchanged)
            if candidate is not None:
                yield candidate

    def likely(self, target: Target, looks: Sequence[Look], scene: Scene) -> list[Look]:
        """Which of a target's looks are worth weighing on a screen: those that elements on it look most like.

        Args:
            target: What is looked for.
            looks: Its looks.
            scene: The present screen.
        """
        if len(looks) <= _WEIGHED:
            return list(looks)
        near: dict[str, float] = {}
        for box in _elements_like(scene, [look.recorded.target.box for look in looks]):
            vector = self._embedder.embed(_crop(scene.image, box))
            for each in self._memory.nearest(vector, str(self._embedder.space), _WEIGHED, target.key):
                near[each.id] = max(each.likeness, near.get(each.id, -1.0))
        return sorted(looks, key=lambda look: -near.get(look.id, -1.0))[:_WEIGHED]

    def _look(self, prototype: Prototype, trust: float) -> Look:
        """A prototype as something to compare with, with this run's values for those that it shows."""
        shot = self._memory.shot(prototype.shot)
        if prototype.shot not in self._screens:
            image = cv2.imdecode(np.frombuffer(shot.picture, np.uint8), cv2.IMREAD_COLOR)
            assert image is not None, "its bytes are what was written"
            self._screens[prototype.shot] = np.asarray(image, np.uint8)
        target = Target(
            image=self._screens[prototype.shot],
            point=Point(*prototype.point),
            box=Box(*prototype.box),
            text=prototype.text,
            label=prototype.label,
            landmarks=beside(prototype.box, shot.landmarks),
        )
        then = {value: self._values.get(name, value) for name, value in prototype.values.items()}
        recorded = Recorded(target.adapted_to({old: new for old, new in then.items() if old != new}))
        view = distinctive_view(recorded)
        if view is not None:
            seen_unchanged(recorded, recorded.scene, view)  # what tells it is known from then on
        return Look(prototype.id, recorded, view, trust)


def look_at(
    target: Target,
    found: Found,
    frame: NDArray[np.uint8],
    *,
    values: Mapping[str, str],
    origin: Origin,
    embedder: Embedder | None = None,
) -> tuple[Prototype, Shot] | None:
    """What a target looks like where a validated step has acted on it.

    Args:
        target: The target as recorded, for this run.
        found: Where it was found, frame space of `frame`.
        frame: The screen on which it was found, without any secret: uint8, (height, width, 3), blue-green-red.
        values: The value of each parameter of this run.
        origin: Where the look comes from.
        embedder: Makes vectors of looks.

    Returns:
        The look and the screen on which it stood; None if nothing is to be learned from it: it cannot be read what is
        written on it, or which of this run's values its row names.
    """
    embedder = embedder or Descriptors()
    scene, box = Scene.of(frame), _whole(found.box, frame)
    text = name_on(scene, box) if target.text else ""
    label = Target.from_frame(frame, found.point, box, text).label if target.label else ""
    marks = landmarks_on(frame)
    written = [text, label, *(mark.text for mark in marks)]
    shown = {name for name, value in values.items() if _occurs(value, written)}
    needed = (target.text, target.label, *(mark.text for mark in target.landmarks))
    is_nameless = any(_occurs(value, needed) and name not in shown for name, value in values.items())
    if not box.area or (target.text and not text) or is_nameless:
        return None
    shot = Shot(_png(scene.gray), marks)
    crop = _crop(frame, box)
    prototype = Prototype(
        target=target.key,
        space=str(embedder.space),
        vector=tuple(embedder.embed(crop).tolist()),
        crop=_png(crop),
        shot=shot.id,
        point=found.point,
        box=box,
        text=text,
        label=label,
        values={name: values[name] for name in sorted(shown)},
        origin=origin,
    )
    return prototype, shot


def was_weighed(found: Found) -> bool:
    """Whether a target was found by weighing places, and not because its whole view was as it is known."""
    return bool(found.candidates) and "shape" in found.candidates[0].evidence


def _elements_like(scene: Scene, boxes: Sequence[Box]) -> list[Box]:
    """The elements of a screen that have about the size of one of some others, the most like first."""

    def unlike(box: Box) -> float:
        return min(
            abs(math.log(max(box.width, 1) / max(each.width, 1)))
            + abs(math.log(max(box.height, 1) / max(each.height, 1)))
            for each in boxes
        )

    elements = (*scene.tick_boxes, *scene.rectangles, *scene.icons, *(line.box for line in scene.lines))
    return sorted((box for box in elements if box.area), key=unlike)[:_MOST_MARKS]


def _occurs(value: str, texts: Sequence[str]) -> bool:
    """Whether a value stands in one of some texts, as a word or words of its own."""
    pattern = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)") if value else None
    return pattern is not None and any(pattern.search(text) for text in texts)


def _whole(box: Box, frame: NDArray[np.uint8]) -> Box:
    """A box in whole pixels, as far as it lies on a frame."""
    left, top = max(0, round(box.x)), max(0, round(box.y))
    right, bottom = min(frame.shape[1], round(box.right)), min(frame.shape[0], round(box.bottom))
    return Box(float(left), float(top), float(max(0, right - left)), float(max(0, bottom - top)))


def _crop(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """An element with a margin, uint8, (height, width, 3), blue-green-red."""
    place = _whole(box.grown(_CROP_MARGIN_PX), image)
    left, top = int(place.x), int(place.y)
    return np.ascontiguousarray(image[top : top + int(place.height), left : left + int(place.width)])


def _png(picture: NDArray[np.uint8]) -> bytes:
    """A picture as a PNG."""
    is_written, raw = cv2.imencode(".png", picture)
    assert is_written, "OpenCV writes PNG"
    return raw.tobytes()
