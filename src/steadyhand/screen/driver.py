"""What every screen can do: be looked at, and take input.

A *frame* is one picture of the screen. A *driver* makes frames and sends input events; it holds no opinion about what
is on them. All places that go in and come out are in frame space (pixels of the frame); the driver alone converts to
the units of its screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from steadyhand.files import content_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.model.geometry import Box, Point

Button = Literal["left", "right"]


@dataclass(frozen=True)
class Frame:
    """One picture of a screen. Nobody may change its pixels.

    Attributes:
        image: uint8, (height, width, 3), blue-green-red.
        taken_s: When it was taken, monotonic seconds of the driver's clock.
        scale: Frame pixels per unit of the screen's own input space (device scale factor).
    """

    image: NDArray[np.uint8]
    taken_s: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.image.shape[0])

    @cached_property
    def key(self) -> str:
        """A name for exactly these pixels."""
        return content_hash(self.image.tobytes())


@dataclass(frozen=True, slots=True)
class ScreenFacts:
    """What a screen says about itself besides its pixels; None where it has no such thing.

    Attributes:
        url: The address of the page.
        title: The title of the window.
    """

    url: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ElementFacts:
    """What a screen's application says about the thing at a place, while recording; pixels are all a replay gets.

    Attributes:
        box: The element, frame space.
        is_password: What is typed into it must not be seen.
        is_editable: Text can be typed into it.
        text: What is written on it, for those who can see it; empty for a field.
        label: What names it, written beside it or not.
    """

    box: Box
    is_password: bool = False
    is_editable: bool = False
    text: str = ""
    label: str = ""


class ScreenDriver(Protocol):
    """A screen that can be looked at and acted on. Not safe for several threads, except `interrupt`.

    Every method but `interrupt` and `close` raises `ScreenLostError` once the screen is gone. The input methods raise
    `DeliveryUncertainError` when the connection was lost while an input was on its way.
    """

    @property
    def name(self) -> str:
        """Which screen this is, for reports."""
        ...

    def capture(self) -> Frame:
        """Take a picture of the screen as it is now."""
        ...

    def facts(self) -> ScreenFacts:
        """What the screen says about itself besides its pixels."""
        ...

    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Move the pointer to a place in frame space and click `count` times."""
        ...

    def drag(self, start: Point, end: Point) -> None:
        """Press the left button at `start`, move to `end`, let go; frame space."""
        ...

    def type_text(self, text: str) -> None:
        """Type into what has the focus; every character of any language arrives as it is, a line end as Enter."""
        ...

    def press(self, keys: str) -> None:
        """Press a key chord, such as `Control+A`, `Enter`, `Shift+Tab`."""
        ...

    def scroll(self, point: Point, dx: float, dy: float) -> None:
        """Turn the wheel by frame pixels with the pointer at a place in frame space; positive is right and down."""
        ...

    def interrupt(self) -> None:
        """Break off the call that another thread hangs in; safe from any thread.

        The screen is given up: that call raises `ScreenLostError`, or `DeliveryUncertainError` if it sent input, and
        every later one `ScreenLostError`.
        """
        ...

    def close(self) -> None:
        """Let go of the screen; closing twice does nothing."""
        ...
