"""A screen without any screen: an application that is drawn in memory, and that fails on demand.

It is quick and the same on every machine, so tests can show what happens when a picture freezes, a connection breaks
in the middle of a click, or a call never comes back. *Failures* are set on the driver, at any time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from steadyhand.clock import SystemClock
from steadyhand.errors import DeliveryUncertainError, ScreenLostError
from steadyhand.screen.driver import Button, Frame, ScreenFacts
from steadyhand.screen.keys import Chord
from steadyhand.screen.simulated_application import SimulatedApplication

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.model.geometry import Point

BLINK_S = 0.5
"""Seconds for which a caret is shown, and then is not. Source: what Chromium and GTK do, rounded."""


class Application(Protocol):
    """What a simulated screen shows; `SimulatedApplication` is one."""

    @property
    def title(self) -> str:
        """What its window is called."""
        ...

    def draw(self, *, has_caret: bool) -> NDArray[np.uint8]:
        """A picture of it: uint8, (height, width, 3), blue-green-red."""
        ...

    def click(self, point: Point, button: Button, count: int) -> None:
        """Take a click at a place in frame space."""
        ...

    def drag(self, start: Point, end: Point) -> None:
        """Take a drag between two places in frame space."""
        ...

    def type_text(self, text: str) -> None:
        """Take typing."""
        ...

    def press(self, chord: Chord) -> None:
        """Take a key chord."""
        ...

    def scroll(self, point: Point, dy: float) -> None:
        """Take a turn of the wheel, `dy` pixels down."""
        ...


@dataclass
class Failures:
    """What goes wrong. Nothing does unless it is set.

    Attributes:
        is_frozen: The picture stays as it is, whatever happens.
        is_black: The picture is black.
        latency_s: Seconds until the picture shows what an input has done.
        lost_before_input: The connection breaks before the next input; the application never gets it.
        lost_after_input: The connection breaks when the next input has arrived; nobody is told that it did.
        hangs: The next input never comes back, until it is interrupted; the application never gets it.
    """

    is_frozen: bool = False
    is_black: bool = False
    latency_s: float = 0.0
    lost_before_input: bool = False
    lost_after_input: bool = False
    hangs: bool = False


class SimulatedDriver:
    """A screen that shows an application which is drawn in memory.

    Args:
        application: What it shows; it lives on when the screen is lost, and another driver may be made for it.
        clock: Where time comes from.

    Attributes:
        failures: What goes wrong, to be set at any time.
    """

    def __init__(self, application: Application, clock: Clock | None = None) -> None:
        self.failures = Failures()
        self._application = application
        self._clock = clock or SystemClock()
        self._lost = ""
        self._interrupted = threading.Event()
        self._stale: list[tuple[float, NDArray[np.uint8]]] = []  # until when each old picture is still shown
        self._frozen: NDArray[np.uint8] | None = None

    @classmethod
    def open(cls, release: int = 1, seed: int = 0, clock: Clock | None = None) -> SimulatedDriver:
        """Show a release of the order book.

        Args:
            release: 1 is as recorded, higher ones have drifted.
            seed: From which its data and its drift are made.
            clock: Where time comes from.
        """
        return cls(SimulatedApplication(release, seed), clock)

    @property
    def name(self) -> str:
        """Which screen this is."""
        return "simulated"

    def capture(self) -> Frame:
        """Take a picture.

        Returns:
            uint8, blue-green-red, one pixel for each unit of the input space; it cannot be written to.
        """
        self._check()
        now_s = self._clock.monotonic_s()
        self._stale = [(until_s, image) for until_s, image in self._stale if until_s > now_s]
        if self._frozen is None or not self.failures.is_frozen:
            self._frozen = self._stale[0][1] if self._stale else self._draw()
        image = np.zeros_like(self._frozen) if self.failures.is_black else self._frozen
        image.setflags(write=False)
        return Frame(image, now_s)

    def facts(self) -> ScreenFacts:
        """The title of the window; there is no address."""
        self._check()
        return ScreenFacts(title=self._application.title)

    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Move the pointer to a place in frame space and click `count` times."""
        self._deliver(lambda: self._application.click(point, button, count))

    def drag(self, start: Point, end: Point) -> None:
        """Press the left button at `start`, move to `end`, let go; frame space."""
        self._deliver(lambda: self._application.drag(start, end))

    def type_text(self, text: str) -> None:
        """Type into what has the focus; a line end is typed as Enter."""
        self._deliver(lambda: self._application.type_text(text))

    def press(self, keys: str) -> None:
        """Press a key chord, such as `Control+A`.

        Raises:
            ConfigError: There is no such chord.
        """
        chord = Chord.parse(keys)
        self._deliver(lambda: self._application.press(chord))

    def scroll(self, point: Point, dx: float, dy: float) -> None:  # noqa: ARG002  nothing here is wider than the screen
        """Turn the wheel by frame pixels with the pointer at a place in frame space; nothing moves sideways."""
        self._deliver(lambda: self._application.scroll(point, dy))

    def interrupt(self) -> None:
        """Give the screen up, so that a call that hangs ends. Safe from any thread."""
        self._lost = self._lost or "it was interrupted"
        self._interrupted.set()

    def lose(self) -> None:
        """Break the connection, as a browser does that is closed by somebody."""
        self._lost = self._lost or "the connection broke"

    def close(self) -> None:
        """Let go of the screen; closing twice does nothing."""
        self._lost = self._lost or "it was closed"

    def _draw(self) -> NDArray[np.uint8]:
        return self._application.draw(has_caret=int(self._clock.monotonic_s() / BLINK_S) % 2 == 0)

    def _check(self) -> None:
        if self._lost:
            raise ScreenLostError(f"The simulated screen is gone: {self._lost}.")

    def _deliver(self, arrive: Callable[[], None]) -> None:
        """Let an input arrive, or let it go wrong."""
        self._check()
        failures = self.failures
        if failures.hangs:
            self._interrupted.wait()
            raise DeliveryUncertainError("The simulated screen was interrupted while an input was on its way.")
        if failures.lost_before_input:
            self.lose()
        else:
            if failures.latency_s > 0:
                self._stale.append((self._clock.monotonic_s() + failures.latency_s, self._draw()))
            arrive()
            if not failures.lost_after_input:
                return
            self.lose()
        raise DeliveryUncertainError(
            "The simulated screen was lost while an input was on its way.", "Look whether it arrived."
        )
