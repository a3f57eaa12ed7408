"""Every screen keeps the same promises: the conformance suite, for each driver that there is."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import ScreenLostError
from steadyhand.model.geometry import Box, Point
from steadyhand.screen.browser import BrowserDriver
from steadyhand.screen.chromium import process_of
from steadyhand.testing import Received, ScreenConformance, SimulatedApplication, SimulatedDriver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steadyhand.screen.driver import Button

PAGE = """<!doctype html><meta charset="utf-8"><title>Subject</title>
<style>
  input { position: absolute; left: 20px; top: 20px; width: 300px; height: 30px }
  #ground { position: absolute; left: 41px; top: 120px; width: 300px; height: 200px; background: #eef }
</style>
<input id="field"><div id="ground"></div>
<script>
  const seen = [];
  let down = null;
  const tell = (kind, at, x = 0, y = 0) => seen.push([kind, at.clientX, at.clientY, x, y]);
  ground.onpointerdown = (event) => { down = event };
  onpointerup = (up) => {
    if (up.button !== 0) return;
    const isDrag = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) > 5;
    tell(isDrag ? "drag" : "click", down, up.clientX, up.clientY);
  };
  ground.ondblclick = () => tell("double", down);
  ground.oncontextmenu = (event) => { event.preventDefault(); tell("right", down) };
  addEventListener("wheel", (event) => { event.preventDefault(); tell("wheel", event, event.deltaX, event.deltaY) },
    { passive: false });
</script>"""


class PageSubject:
    """A page in a browser that tells what arrives on it."""

    title = "Subject"

    def __init__(self, driver: BrowserDriver, scale: float) -> None:
        self.driver = driver
        self.field = Point(150 * scale, 35 * scale)
        self.ground = Box(41, 120, 300, 200).scaled(scale)
        self._scale = scale

    def text(self) -> str:
        """The field's value, as the page has it."""
        return str(self.driver.page.evaluate("field.value"))

    def received(self) -> list[Received]:
        """The page's own events, in frame space."""
        told = self.driver.page.evaluate("seen")
        return [
            Received(kind, Point(x * self._scale, y * self._scale), Point(to_x * self._scale, to_y * self._scale))
            for kind, x, y, to_x, to_y in told
        ]

    def hang(self) -> None:
        """Fall into an endless loop when the button goes down."""
        self.driver.page.evaluate("void (ground.onpointerdown = () => { while (true) {} })")

    def lose(self) -> None:
        """Kill the browser."""
        browser = self.driver.page.context.browser
        assert browser is not None
        os.kill(process_of(browser), signal.SIGKILL)


@pytest.fixture(scope="module")
def browsers() -> Iterator[dict[float, BrowserDriver]]:
    """The browser that the tests at one scale share, by that scale; it may be lost."""
    opened: dict[float, BrowserDriver] = {}
    yield opened
    for driver in opened.values():
        driver.close()


class TestBrowser(ScreenConformance):
    """A page in a headless browser, one device pixel for each CSS pixel."""

    scale: ClassVar[float] = 1.0

    @pytest.fixture
    def subject(self, browsers: dict[float, BrowserDriver]) -> PageSubject:
        """The page, as new."""
        try:
            browsers[self.scale].page.reload()
        except (KeyError, ScreenLostError):
            url = f"data:text/html,{quote(PAGE)}"
            browsers[self.scale] = BrowserDriver.open(url, width=640, height=400, scale=self.scale)
        return PageSubject(browsers[self.scale], self.scale)


class TestBrowserAtScale2(TestBrowser):
    """The same, four device pixels for each CSS pixel."""

    scale: ClassVar[float] = 2.0


class WitnessedApplication(SimulatedApplication):
    """The order book, which notes what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[Received] = []

    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Note a click and take it."""
        kind = "right" if button == "right" else "double" if count > 1 else "click"
        self.arrived.append(Received(kind, point))
        super().click(point, button, count)

    def drag(self, start: Point, end: Point) -> None:
        """Note a drag and take it."""
        self.arrived.append(Received("drag", start, end))
        super().drag(start, end)

    def scroll(self, point: Point, dy: float) -> None:
        """Note a turn of the wheel and take it."""
        self.arrived.append(Received("wheel", point, Point(0, dy)))
        super().scroll(point, dy)


class SimulatedSubject:
    """The order book on a simulated screen."""

    title = "Order book"
    ground = Box(740, 300, 200, 200)

    def __init__(self) -> None:
        self._application = WitnessedApplication()
        self.driver = SimulatedDriver(self._application, ManualClock())
        self.field = self._application.box_of("user").center

    def text(self) -> str:
        """What the application has in the field."""
        return self._application.text_of("user")

    def received(self) -> list[Received]:
        """What the application was given."""
        return self._application.arrived

    def hang(self) -> None:
        """Let the next input hang."""
        self.driver.failures.hangs = True

    def lose(self) -> None:
        """Break the connection."""
        self.driver.lose()


class TestSimulated(ScreenConformance):
    """The application that is drawn in memory."""

    @pytest.fixture
    def subject(self) -> SimulatedSubject:
        """The order book, as new."""
        return SimulatedSubject()
