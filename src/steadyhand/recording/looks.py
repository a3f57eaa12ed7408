"""What the screen looked like, just before each deed.

A *look* is a picture of the screen with the address that it showed, everything secret on it painted over. While a
person works, looks are taken all along, for a click takes effect at once; the *timeline* keeps the last of them and
knows which one shows the screen that a deed was done on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.recording.proposing import changes, slices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from steadyhand.model.geometry import Box

_KEPT = 16
"""How many different looks are kept; a person who hesitates over an animated page is no longer in time."""

_RIM_PX = 3
"""What is painted over stays this far inside of a field, which so still looks like a field."""

_HOVER_PX = 4.0
"""How far outside of an element its own hover effect may reach: a shadow, an outline."""


@dataclass(eq=False)
class Look:
    """A picture of the screen.

    Attributes:
        png: The picture.
        url: The address that the screen showed, if it has such a thing.
        first_s: It was seen first at this time, or a little before.
        last_s: It was still there at this time.
    """

    png: bytes
    url: str | None
    first_s: float
    last_s: float

    @classmethod
    def of(cls, image: NDArray[np.uint8], url: str | None, began_s: float, ended_s: float) -> Look:
        """The look of a frame, taken between two instants."""
        is_encoded, raw = cv2.imencode(".png", image)
        assert is_encoded, "a frame can be written as PNG"
        return cls(raw.tobytes(), url, ended_s, began_s)

    @property
    def image(self) -> NDArray[np.uint8]:
        """The picture: uint8, (height, width, 3), blue-green-red."""
        image = cv2.imdecode(np.frombuffer(self.png, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None, "what was written as PNG can be read"
        return np.asarray(image, np.uint8)

    @property
    def is_settled(self) -> bool:
        """Whether it was seen twice: the screen stood still."""
        return self.last_s > self.first_s


class Timeline:
    """The looks of the last while."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque(maxlen=_KEPT)
        self._image: NDArray[np.uint8] | None = None

    def add(self, image: NDArray[np.uint8], url: str | None, began_s: float, ended_s: float) -> Look:
        """Take the next frame.

        Args:
            image: uint8, (height, width, 3), blue-green-red, with everything secret covered.
            url: The address that the screen shows.
            began_s: When taking it began, monotonic seconds.
            ended_s: When it was taken.

        Returns:
            Its look: the one before, if the screen stands still.
        """
        last = self._looks[-1] if self._looks else None
        if last is not None and last.url == url and self._image is not None and np.array_equal(image, self._image):
            last.last_s = began_s
            return last
        self._image = image
        self._looks.append(Look.of(image, url, began_s, ended_s))
        return self._looks[-1]

    @property
    def newest(self) -> Look | None:
        """The last look of all."""
        return self._looks[-1] if self._looks else None

    def latest(self, at_s: float) -> Look | None:
        """The last look that was taken before an instant, whole."""
        return next((look for look in reversed(self._looks) if look.first_s <= at_s), None)

    def before(
        self, at_s: float, since_s: float, entered_s: float | None = None, touched: Iterable[Box] = ()
    ) -> Look | None:
        """The look that best shows what a deed was done on.

        A settled look is better than one of a moving screen, and one from before the pointer came upon the thing is
        better still, if nothing else looks different since than the thing and the one that the pointer left: a replay
        sees them so.

        Args:
            at_s: When the deed began.
            since_s: When the deed before it ended; what was no longer seen after that is out of date.
            entered_s: When the pointer came upon the thing.
            touched: The thing, and the one that the deed before was done to, frame space.

        Returns:
            A look; None only if none was taken in time.
        """
        valid = [look for look in self._looks if look.first_s <= at_s and look.last_s >= since_s]
        settled = [look for look in valid if look.is_settled]
        best = settled[-1] if settled else self.latest(at_s)
        if best is None or entered_s is None:
            return best
        boxes = [box.grown(_HOVER_PX) for box in touched]
        earlier = (look for look in reversed(settled) if look.first_s <= entered_s)
        return next((look for look in earlier if _differ_only_in(look, best, boxes)), best)


def covered(image: NDArray[np.uint8], fields: Iterable[Box]) -> NDArray[np.uint8]:
    """A picture in which fields look empty: painted over with the colour that most of each one has.

    A grey bar would show better that something is hidden, but whatever stands beside it would be harder to find again.

    Args:
        image: uint8, (height, width, 3), blue-green-red; it stays as it is.
        fields: Their boxes, frame space.
    """
    places = [slices(box.grown(-_RIM_PX)) for box in fields]
    if not places:
        return image
    painted = image.copy()
    for place in places:
        if painted[place].size:
            painted[place] = np.median(painted[place].reshape(-1, 3), axis=0)
    return painted


def _differ_only_in(one: Look, other: Look, boxes: Iterable[Box]) -> bool:
    """Whether two looks are the same outside of some boxes."""
    if one is other:
        return True
    changed = changes(one.image, other.image)
    for box in boxes:
        changed[slices(box)] = False
    return one.url == other.url and not changed.any()
