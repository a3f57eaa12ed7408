"""A target: what is known of a thing on the screen, so that it can be found again.

It is known by its looks (the recorded screen, and its box there), by what is written on it (*text*), by what names it
from beside or above (*label*), and by all else that is written on that screen (*landmarks*): they tell this screen from
another one and this row from the next. The targets on one screen share its image and its landmarks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.errors import WorkflowError
from steadyhand.files import content_hash
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import Landmark, TargetRecord
from steadyhand.model.workflow_file import load_landmarks
from steadyhand.perception.scene import Scene
from steadyhand.resolution.surroundings import label_of, neighbours_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.perception.ocr import Word
_REACH_PX = 12
_PHRASE_GAP = 0.9
"""What is further from a word than this share of its height does not go on with it."""
_BADGE_LETTERS = 4
_WIDEST_PX, _TALLEST_PX = 600, 90
_BLIND_PX = 32


@dataclass(frozen=True, eq=False)
class Target:
    """What is known of a thing on the screen. Make it with `from_frame` or `load`.

    Attributes:
        image: The whole recorded screen: uint8, (height, width, 3), blue-green-red; nobody may change it.
        point: Where a person acted on it, frame space of `image`.
        box: The element, frame space of `image`.
        text: What is written on it; empty for a field, an icon, a check box.
        label: What is written beside or above it and names it; empty if nothing does.
        landmarks: What else is written on that screen.
        key: What it is known by in memory: it is the same as long as nobody records or describes it anew; empty for
            one that nothing is remembered of.
        adapted: Those of all these texts that are of another run than the recorded one; its image does not show them.
    """

    image: NDArray[np.uint8]
    point: Point
    box: Box
    text: str
    label: str
    landmarks: tuple[Landmark, ...]
    key: str = ""
    adapted: frozenset[str] = frozenset()

    @classmethod
    def from_frame(
        cls,
        frame: NDArray[np.uint8],
        point: Iterable[float],
        box: Iterable[float] | None = None,
        text: str | None = None,
    ) -> Target:
        """Get to know the thing at a place, by looking at the screen around it and reading it.

        Args:
            frame: The whole screen: uint8, (height, width, 3), blue-green-red, as OpenCV reads it.
            point: Where one acts on it: x, y in pixels of the frame.
            box: The element: x, y, width, height in pixels of the frame; looked for around the point if not given.
            text: What is written on it, where that is known better than by reading.

        Returns:
            The target. The frame is kept, not copied.
        """
        scene = Scene.of(frame)
        place = Point(*point)
        bounds = Box(*box) if box is not None else element_at(scene, place)
        outside = [phrase for phrase in scene.phrases if not bounds.contains(phrase.box.center)]
        label = label_of(bounds, neighbours_of(bounds, outside), scene.rectangles)
        return cls(
            image=frame,
            point=place,
            box=bounds,
            text=name_on(scene, bounds) if text is None else text,
            label=label.said if label else "",
            landmarks=beside(bounds, landmarks_on(frame)),
        )

    @classmethod
    def load(cls, record: TargetRecord, folder: Path) -> Target:
        """The target that a workflow file describes.

        Args:
            record: What the file says of it.
            folder: The folder of the file, from which its images are named. Where no landmarks lie beside an image,
                it is read anew.

        Raises:
            WorkflowError: The image is missing or is no image, the target lies outside of it, or its landmarks cannot
                be used.
        """
        path = folder / record.screen
        raw = np.fromfile(path, np.uint8) if path.is_file() else np.empty(0, np.uint8)
        image = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
        if image is None:
            raise WorkflowError(
                f"The image {path} cannot be read.",
                hint="Record the step again, or put the image back: a PNG of the whole screen is needed.",
            )
        if not Box(0, 0, image.shape[1], image.shape[0]).encloses(record.box, margin=1):
            raise WorkflowError(
                f"The box {list(record.box)} lies outside of {path}, "
                f"which has {image.shape[1]}x{image.shape[0]} pixels.",
                hint="Boxes are [x, y, width, height] in pixels of the recorded image.",
            )
        frame = np.asarray(image, np.uint8)
        written = load_landmarks(path)
        landmarks = beside(record.box, landmarks_on(frame) if written is None else written)
        described = record.model_dump_json(exclude={"screen", "point"})
        key = content_hash(raw.tobytes() + described.encode())
        return cls(frame, record.point, record.box, record.text, record.label, landmarks, key)

    def adapted_to(self, values: Mapping[str, str]) -> Target:
        """The counterpart of this target in another run: beside another invoice, with another name on it.

        Args:
            values: What stands for each value that was recorded.

        Returns:
            This target, with other values in its text, its label and its landmarks; itself if none is there.
        """
        if not values:
            return self
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(values, key=len, reverse=True)))})(?!\w)")

        def filled(text: str) -> str:
            return pattern.sub(lambda match: values[match[0]], text)

        landmarks = tuple(mark.model_copy(update={"text": filled(mark.text)}) for mark in self.landmarks)
        former = (self.text, self.label, *(mark.text for mark in self.landmarks))
        present = (filled(self.text), filled(self.label), *(mark.text for mark in landmarks))
        others = frozenset(now for then, now in zip(former, present, strict=True) if now != then)
        if not others:
            return self
        return replace(self, text=present[0], label=present[1], landmarks=landmarks, adapted=others)

    def record(self, screen: str) -> TargetRecord:
        """What a workflow file keeps of this target.

        Args:
            screen: Where its image lies, a path relative to the file.
        """
        return TargetRecord(screen=screen, point=self.point, box=self.box, text=self.text, label=self.label)


def landmarks_on(frame: NDArray[np.uint8]) -> tuple[Landmark, ...]:
    """Everything that is written on a screen, for `steadyhand.model.workflow_file.save_landmarks`.

    Args:
        frame: uint8, (height, width, 3), blue-green-red.
    """
    return tuple(Landmark(text=phrase.text, box=_whole(phrase.box)) for phrase in Scene.of(frame).phrases)


def name_on(scene: Scene, box: Box) -> str:
    """What is written on a thing, but for a badge: a number or a short word that stands apart from the others.

    Args:
        scene: The screen.
        box: The thing, frame space.
    """
    words = [word for word in scene.words_in(box) if any(map(str.isalnum, word.text))]
    name = [
        word for word in words if len(word.text) > _BADGE_LETTERS or not all(_are_apart(word, other) for other in words)
    ]
    return " ".join(word.text for word in name or words)


def _are_apart(word: Word, other: Word) -> bool:
    """Whether two words are no parts of one phrase."""
    gap = max(word.box.x - other.box.right, other.box.x - word.box.right)
    return word is other or gap > _PHRASE_GAP * max(word.box.height, other.box.height)


def beside(box: Box, landmarks: tuple[Landmark, ...]) -> tuple[Landmark, ...]:
    """The landmarks that are no part of a thing.

    Args:
        box: The thing, frame space.
        landmarks: What is written on its screen.
    """
    return tuple(landmark for landmark in landmarks if not box.contains(landmark.box.center))


def element_at(scene: Scene, point: Point) -> Box:
    """The element that a person means who points at a place.

    The smallest rectangle around the point if it has the size of a control; else the words there; else the nearest
    small thing; else a square of 32 pixels.

    Args:
        scene: The screen.
        point: The place, frame space.
    """
    controls = [
        box
        for box in scene.rectangles
        if box.contains(point) and box.width <= _WIDEST_PX and box.height <= _TALLEST_PX and box.height >= _REACH_PX
    ]
    phrases = [
        phrase.box
        for line in scene.lines
        if line.box.contains(point, _REACH_PX)
        for phrase in line.phrases
        if phrase.box.contains(point, _REACH_PX / 2)
    ]
    if phrases:
        words = min(phrases, key=lambda box: box.area)
        around = [box for box in controls if box.encloses(words, margin=2)]
        return min(around, key=lambda box: box.area) if around else words.grown(2)
    if controls:
        return min(controls, key=lambda box: box.area)
    near = [line.box for line in scene.lines if line.box.contains(point, _REACH_PX)]
    if near:
        return min(near, key=lambda box: box.area).grown(2)
    return Box(point.x, point.y, 0, 0).grown(_BLIND_PX / 2).intersection(scene.bounds)


def _whole(box: Box) -> Box:
    """The box in whole pixels: what a person reads in a file."""
    return Box(*(float(round(number)) for number in box))
