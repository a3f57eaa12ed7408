"""A page in Chromium as a screen, through Playwright.

The page is seen and touched as a person would: pictures of the *viewport* (the part of a page that is in view), and
input events at places. Frames have the device's pixels, Playwright's mouse wants CSS pixels; the conversion is made
here alone. When a click opens a new page, that page is the screen from then on; when it is closed, the one before is.

*Native dialogs* (`alert`, `confirm`...) stay open and are drawn onto the frames (`steadyhand.screen.native_dialog`)
until somebody answers them, as on a person's screen. A page stands still meanwhile, and so does every call to it, in
particular the click that made it ask. Such a call is put aside: it goes on when the dialog has been answered.
Playwright's calls are greenlets that wait for the browser, so one can be left waiting while another one runs.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import cv2
import numpy as np
from greenlet import getcurrent, greenlet
from playwright.sync_api import Error
from playwright.sync_api import TimeoutError as PageTimeoutError

from steadyhand.clock import SystemClock
from steadyhand.errors import DeliveryUncertainError, DriverUnavailableError, ScreenLostError
from steadyhand.model.geometry import Point
from steadyhand.screen.chromium import first_line, launch, process_of, quit_browser
from steadyhand.screen.driver import Button, Frame, ScreenFacts
from steadyhand.screen.keys import Chord
from steadyhand.screen.native_dialog import Answer, NativeDialog

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Dialog, Page

    from steadyhand.clock import Clock
    from steadyhand.screen.native_dialog import DialogKind

_T = TypeVar("_T")
_Meaning = Callable[[NativeDialog], NativeDialog | Answer | None]

_ANSWER_TIMEOUT_MS, _LOAD_TIMEOUT_MS = 30_000, 10_000
"""How long a server may take to answer, and its page then to load; what comes later is waited for by looking.

Source: a decision; 30 s is also what browsers' own tests wait.
"""

_PICTURE = {"format": "png", "optimizeForSpeed": True}
"""Source: measured; a PNG that is packed quickly takes 44 ms at 1440x900, a small one 68."""

_SHOTS, _SHOT_PAUSE_MS = 50, 20
"""How often a picture is asked for while pages change, and how long to wait in between.

Source: a decision; a second in all.
"""

_DRAG_STEPS = 12
"""Moves between press and release. Source: a decision; pages that let things be dragged want to see several."""


class _Call(greenlet, Generic[_T]):
    """A call to the browser that can be left waiting.

    Args:
        work: What to call.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        super().__init__()
        self._work = work
        self._error: Error | None = None
        self._result: _T | None = None

    def run(self) -> None:
        """Make the call; `result` tells what came of it."""
        try:
            self._result = self._work()
        except Error as error:
            self._error = error

    def result(self) -> _T | None:
        """What it returned or raised; None if it still waits."""
        if self._error is not None:
            raise self._error
        return self._result


class BrowserDriver:
    """A page in Chromium; made by `open`. It belongs to the thread that made it, except `interrupt`."""

    def __init__(self, browser: Browser, *, headed: bool, size: tuple[int, int], scale: float, clock: Clock) -> None:
        self._browser = browser
        self._context: BrowserContext | None = None
        self._process: int | None = None
        self._is_closed = False
        self._headed = headed
        self._size = size
        self._scale = scale
        self._clock = clock
        self._sessions: dict[Page, CDPSession] = {}
        self._sized: set[Page] = set()
        self._picture = np.full((round(size[1] * scale), round(size[0] * scale), 3), 255, np.uint8)
        self._lost = ""
        self._dialogs: list[tuple[Dialog, NativeDialog]] = []
        self._news = 0  # how many dialogs and crashes there were
        self._turns = 0  # how many pages took the place of another one
        self._waiting: greenlet | None = None
        self._aside: _Call[None] | None = None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        headed: bool = False,
        width: int = 1440,
        height: int = 900,
        scale: float = 1.0,
        locale: str | None = None,
        clock: Clock | None = None,
    ) -> BrowserDriver:
        """Start a browser and open a page in it.

        Args:
            url: The page.
            headed: Show the window.
            width: Viewport, CSS pixels.
            height: Viewport, CSS pixels.
            scale: Device pixels per CSS pixel.
            locale: Language and country, such as `en-GB`; the browser's own if not given.
            clock: Where time comes from.

        Raises:
            DriverUnavailableError: There is no browser, or the page cannot be reached.
        """
        browser = launch(headed=headed, width=width, height=height, scale=scale)
        driver = cls(browser, headed=headed, size=(width, height), scale=scale, clock=clock or SystemClock())
        try:
            driver._visit(url, locale)
        except Error as error:
            driver.close()
            raise DriverUnavailableError(
                f"The page {url} cannot be opened: {first_line(error)}", "Check the address, and that its server runs."
            ) from error
        return driver

    # --------------------------------------------------------------------------------------------------- looking

    @property
    def name(self) -> str:
        """Which browser this is, such as `Chromium 156 (1440x900)`."""
        width, height = self._size
        return f"Chromium {self._browser.version.split('.')[0]} ({width}x{height})"

    @property
    def page(self) -> Page:
        """The page in sight, for whoever records and may ask more than pixels; it does not answer during a dialog."""
        pages = self._context.pages if self._context is not None and not self._lost else []
        if not pages:
            raise self._gone(self._lost or "its last page was closed")
        return pages[-1]

    @property
    def dialog(self) -> NativeDialog | None:
        """The native dialog that waits for an answer."""
        return self._dialogs[-1][1] if self._dialogs else None

    def capture(self) -> Frame:
        """Take a picture of the page: device pixels, uint8, blue-green-red; it cannot be written to.

        It was taken before `taken_s`.
        """
        self._check()
        if not self._dialogs:
            try:
                shot = self._shoot()
            except Error as error:
                raise self._gone(first_line(error)) from error
            if shot is not None:
                self._picture = _decoded(shot)
        taken_s = self._clock.monotonic_s()
        image = self._picture
        if self.dialog is not None:
            image = image.copy()
            self.dialog.draw(image, self._scale)
        image.setflags(write=False)
        return Frame(image, taken_s, self._scale)

    def facts(self) -> ScreenFacts:
        """The address and the title of the page; no title if a dialog keeps a page from even opening."""
        self._check()
        page = self.page
        try:
            session = self._sessions.get(page)
            if session is None and not self._dialogs:
                session = self._call(lambda: self._attached(page))
            if session is None:
                return ScreenFacts(url=page.url)
            info = session.send("Target.getTargetInfo")["targetInfo"]
        except Error as error:
            raise self._gone(first_line(error)) from error
        return ScreenFacts(url=info["url"] or page.url, title=info["title"])  # none while one page replaces another

    def ask(self, work: Callable[[], _T]) -> _T | None:
        """Ask the page something that only it can tell.

        Args:
            work: Asks it through Playwright.

        Returns:
            What it answers; None if a native dialog keeps it from answering, be it there or opening meanwhile. The
            question is then put aside until the dialog has been answered.

        Raises:
            Error: Playwright's; the page cannot answer any more.
        """
        return None if self._dialogs else self._call(work)

    # ---------------------------------------------------------------------------------------------------- acting

    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Move the pointer to a place in frame space and click `count` times."""

        def work() -> None:
            mouse, news = self.page.mouse, self._news
            mouse.move(*self._css(point))
            for number in range(1, count + 1):
                if self._news > news:
                    break  # the rest of a double click goes to the dialog, which does nothing with it
                mouse.down(button=button, click_count=number)
                mouse.up(button=button, click_count=number)

        self._deliver(work, lambda dialog: dialog.clicked(point, self._picture.shape[:2], self._scale))

    def drag(self, start: Point, end: Point) -> None:
        """Press the left button at `start`, move to `end`, let go; frame space."""

        def work() -> None:
            mouse = self.page.mouse
            mouse.move(*self._css(start))
            mouse.down()
            mouse.move(*self._css(end), steps=_DRAG_STEPS)
            mouse.up()

        self._deliver(work)

    def type_text(self, text: str) -> None:
        """Type into what has the focus; a line end is typed as Enter."""
        text = text.replace("\r\n", "\n")

        def work() -> None:
            keyboard = self.page.keyboard
            for number, line in enumerate(text.split("\n")):
                if number:
                    keyboard.press("Enter")
                keyboard.type(line)

        self._deliver(work, lambda dialog: dialog.typed(text))

    def press(self, keys: str) -> None:
        """Press a key chord, such as `Control+A`.

        Raises:
            ConfigError: There is no such chord.
        """
        chord = Chord.parse(keys)

        def work() -> None:
            keyboard = self.page.keyboard
            if chord.key.isascii():
                keyboard.press(str(chord))
            else:
                keyboard.insert_text(chord.key)

        self._deliver(work, lambda dialog: dialog.pressed(chord))

    def scroll(self, point: Point, dx: float, dy: float) -> None:
        """Turn the wheel by frame pixels with the pointer at a place in frame space."""

        def work() -> None:
            mouse = self.page.mouse
            mouse.move(*self._css(point))
            mouse.wheel(*self._css(Point(dx, dy)))

        self._deliver(work)

    def interrupt(self) -> None:
        """Kill the browser, so that whatever call hangs in it ends. Safe from any thread."""
        self._lost = self._lost or "it was interrupted"
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    def close(self) -> None:
        """Close the browser; closing twice does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._lost = self._lost or "it was closed"
        quit_browser(self._browser)
        self._process = None  # its number may soon be another's

    # --------------------------------------------------------------------------------------- the page and its size

    def _visit(self, url: str, locale: str | None) -> None:
        """Open the first page and go to an address."""
        self._process = process_of(self._browser)
        context = self._browser.new_context(no_viewport=True, locale=locale)
        context.on("page", self._watch)
        context.on("dialog", self._ask)
        page = context.new_page()
        if self._headed:
            self._fit_window(page)
        self._context = context
        self._call(lambda: page.goto(url, timeout=_ANSWER_TIMEOUT_MS, wait_until="commit"))
        if not self._dialogs:
            with suppress(PageTimeoutError):  # some pages never stop loading
                self._call(lambda: page.wait_for_load_state("load", timeout=_LOAD_TIMEOUT_MS))

    def _fit_window(self, page: Page) -> None:
        """Make the window so large that the viewport is all in sight."""
        session = page.context.new_cdp_session(page)
        window = session.send("Browser.getWindowForTarget")
        inner = session.send("Page.getLayoutMetrics")["cssVisualViewport"]
        bounds = {
            "width": round(window["bounds"]["width"] + self._size[0] - inner["clientWidth"]),
            "height": round(window["bounds"]["height"] + self._size[1] - inner["clientHeight"]),
        }
        session.send("Browser.setWindowBounds", {"windowId": window["windowId"], "bounds": bounds})
        session.detach()

    def _session(self, page: Page) -> CDPSession:
        """The DevTools of a page, whose viewport is given the size that every page has here."""
        session = self._attached(page)
        if page not in self._sized:
            width, height = self._size
            metrics = {"width": width, "height": height, "screenWidth": width, "screenHeight": height}
            # Scale 0 leaves the browser's own, which is the one that is wanted.
            session.send("Emulation.setDeviceMetricsOverride", {**metrics, "deviceScaleFactor": 0, "mobile": False})
            session.send("Page.enable")
            self._sized.add(page)
        return session

    def _attached(self, page: Page) -> CDPSession:
        """The DevTools of a page as they are; the browser itself gives them, so that a busy page has them too."""
        session = self._sessions.get(page)
        if session is None:
            session = self._sessions[page] = page.context.new_cdp_session(page)
            session.on("Page.javascriptDialogClosed", lambda _: self._forget(page))
            session.on("Page.frameNavigated", self._turn)
        return session

    def _shoot(self) -> str | None:
        """A picture of the page in sight, PNG in base 64; None if a dialog opened first.

        While one page takes the place of another there is none for a moment, and whoever asked just before is never
        answered (measured on Chromium 156): ask again.
        """
        for tries_left in reversed(range(_SHOTS)):
            page = self.page
            call = _Call(partial(self._shoot_page, page))
            try:
                if self._wait_for(call, also_turned=True) or self._dialogs:
                    return call.result()
            except Error:
                if not tries_left or self._lost:
                    raise
                if not page.is_closed():
                    page.wait_for_timeout(_SHOT_PAUSE_MS)
        raise Error("its pages never stop replacing each other")

    def _shoot_page(self, page: Page) -> str:
        """A picture of a page, PNG in base 64."""
        return str(self._session(page).send("Page.captureScreenshot", _PICTURE)["data"])

    def _css(self, point: Point) -> tuple[float, float]:
        """A place or a distance in the page's own pixels."""
        return point.x / self._scale, point.y / self._scale

    # ------------------------------------------------------------------------------------- calls and their troubles

    def _check(self) -> None:
        """Make sure that the browser is there, so that what fails afterwards has failed on its way."""
        page = self.page
        session = self._sessions.get(page)
        try:
            if session is not None:
                session.send("Target.getTargetInfo")  # the browser answers that, whatever its page does
        except Error as error:
            if page is self.page:
                raise self._gone(first_line(error)) from error
        if self._lost or not self._browser.is_connected():
            raise self._gone("it was closed")

    def _gone(self, reason: str) -> ScreenLostError:
        """The error that says why the screen is gone, now and from now on."""
        self._lost = self._lost or reason
        return ScreenLostError(f"The browser is gone: {self._lost.rstrip('.')}.", "Open it again.")

    def _call(self, work: Callable[[], _T]) -> _T | None:
        """Call the browser.

        Returns:
            What it answers; None if a dialog opened first. The call then comes back when that has been answered.

        Raises:
            Error: The call failed, or a page crashed.
        """
        call = _Call(work)
        self._wait_for(call)
        return call.result()

    def _wait_for(self, call: _Call[_T], *, also_turned: bool = False) -> bool:
        """Let a call go on until it comes back or there is news.

        Args:
            call: The call.
            also_turned: It is news, too, that the window shows another page.

        Returns:
            Whether the call came back.
        """
        news, turns = self._news, self._turns
        self._waiting = getcurrent()
        try:
            # Another call that was put aside and comes back now ends up here too: go on waiting for this one.
            while not (call.dead or self._news > news or (also_turned and self._turns > turns)):
                call.switch()
        finally:
            self._waiting = None
        if not call.dead and self._lost:
            raise Error(self._lost)
        return bool(call.dead)

    def _turn(self, event: dict[str, Any]) -> None:
        """Another page is in a window."""
        if "parentId" not in event["frame"]:
            self._turns += 1
            asyncio.get_running_loop().call_soon(self._wake)

    def _tell(self) -> None:
        """There is news: whoever waits shall know, as soon as the browser's message has been worked off."""
        self._news += 1
        asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.switch()

    def _watch(self, page: Page) -> None:
        """Notice when a page crashes: every call to it would hang."""
        page.on("crash", self._crash)

    def _crash(self, _page: Page) -> None:
        self._lost = self._lost or "its page crashed"
        self._tell()

    # ------------------------------------------------------------------------------------ input and native dialogs

    def _deliver(self, work: Callable[[], None], to_dialog: _Meaning = lambda _: None) -> None:
        """Send input to the page, or to the dialog that lies over it.

        Args:
            work: Sends it to the page.
            to_dialog: What it means to a dialog; nothing, if not given.
        """
        self._check()
        try:
            if self._dialogs:
                self._tell_dialog(to_dialog)
            else:
                self._send(_Call(work))
        except Error as error:
            raise DeliveryUncertainError(
                f"The browser was lost while an input was on its way: {first_line(error)}",
                "Look whether it arrived before sending it again.",
            ) from error

    def _send(self, call: _Call[None]) -> None:
        """Let an input arrive; if a dialog holds it up, it is put aside until that has been answered."""
        self._aside = None if self._wait_for(call) else call
        call.result()

    def _tell_dialog(self, meaning: _Meaning) -> None:
        """Do to the dialog in sight what an input means to it."""
        dialog, native = self._dialogs[-1]
        told = meaning(native)
        if isinstance(told, NativeDialog):
            self._dialogs[-1] = (dialog, told)
        elif told is not None:
            self._dialogs.pop()
            self._call(lambda: dialog.accept(told.text) if told.is_yes else dialog.dismiss())
            if self._aside is not None and not self._dialogs:
                self._send(self._aside)

    def _ask(self, dialog: Dialog) -> None:
        """A dialog opened."""
        kind = cast("DialogKind", dialog.type)  # Playwright calls it any text
        self._dialogs.append((dialog, NativeDialog(kind, dialog.message, dialog.default_value)))
        self._tell()

    def _forget(self, page: Page) -> None:
        """A dialog of this page is gone: a person may have answered it in the window."""
        self._dialogs = [(dialog, native) for dialog, native in self._dialogs if dialog.page != page]


def _decoded(shot: str) -> NDArray[np.uint8]:
    """A PNG in base 64 as pixels: uint8, (height, width, 3), blue-green-red."""
    image = cv2.imdecode(np.frombuffer(base64.b64decode(shot), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None, "the browser answers with a PNG"
    return np.asarray(image, np.uint8)
