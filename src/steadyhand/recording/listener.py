"""Hearing what is done on the pages of a browser, and asking them what is where.

A script in every frame of every page (`listener.js`) watches and tells. What it tells is heard whenever this process
talks with the browser; since each message says when it happened, it may be heard a little late.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from playwright.sync_api import Error

from steadyhand.model.geometry import Box, Point
from steadyhand.recording.messages import Answered, Placing, Secret, Typed, read_message, read_thing

if TYPE_CHECKING:
    from playwright.sync_api import Frame as PageFrame
    from playwright.sync_api import Page

    from steadyhand.clock import Clock
    from steadyhand.recording.messages import Message
    from steadyhand.screen.browser import BrowserDriver
    from steadyhand.screen.driver import ElementFacts

_ORIGIN = """frame => {
    const [{ left, top }, { paddingLeft, paddingTop }] = [frame.getBoundingClientRect(), getComputedStyle(frame)];
    return [left + frame.clientLeft + parseFloat(paddingLeft), top + frame.clientTop + parseFloat(paddingTop)];
}"""
_HIDDEN_BOXES = "() => window.steadyhandListens?.secretBoxes() ?? []"
_THING_AT = "([x, y]) => window.steadyhandListens?.thingAt(x, y) ?? null"
_FOCUSED_THING = "() => document.hasFocus() ? window.steadyhandListens?.focusedThing() ?? null : null"


class Listener:
    """Listens to all pages of a browser window, from now on.

    No page answers while a native dialog is open. It may open at any moment, also while the page is asked something.

    Args:
        driver: The window, with no dialog open in it.
        clock: Where time comes from.
    """

    def __init__(self, driver: BrowserDriver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock
        self._told: deque[tuple[PageFrame, object]] = deque()
        self._answered: deque[tuple[Page, Answered]] = deque()
        self._attended: WeakSet[Page] = WeakSet()
        self._origins: dict[PageFrame, Point] = {}
        self._guarded: set[PageFrame] = set()
        script = files("steadyhand.recording").joinpath("listener.js").read_text(encoding="utf-8")
        context = driver.page.context
        context.expose_binding("steadyhandSaw", self._hear)
        context.add_init_script(script)
        for page in context.pages:
            for frame in page.frames:
                driver.ask(partial(frame.evaluate, script))

    def attend(self) -> None:
        """Hear of the answers to the native dialogs of the page in sight, too."""
        page = self._driver.page
        if page in self._attended:
            return

        def hear(event: dict[str, Any]) -> None:
            answer = Answered(self._clock.monotonic_s(), event["result"], event.get("userInput", ""))
            self._answered.append((page, answer))

        def begin() -> None:
            session = page.context.new_cdp_session(page)
            session.on("Page.javascriptDialogClosed", hear)
            session.send("Page.enable")

        self._attended.add(page)
        self._driver.ask(begin)

    def heard(self, scale: float) -> list[tuple[Page, Message]]:
        """What was done since this was asked last, each with the page that it was done on.

        Args:
            scale: Frame pixels per CSS pixel.
        """
        messages: list[tuple[Page, Message]] = []
        offset_s = self._offset_s()  # one for all, or what follows closely might turn around
        while self._told:
            frame, raw = self._told.popleft()
            message = read_message(raw, Placing(self._origin(frame), scale, offset_s))
            if message is None:
                continue
            if isinstance(message, Secret) or (isinstance(message, Typed) and message.thing.secret):
                self._guarded.add(frame)
            messages.append((frame.page, message))
        messages.extend(self._answered)
        self._answered.clear()
        return sorted(messages, key=lambda pair: pair[1].at)

    def secret_boxes(self, scale: float) -> list[Box] | None:
        """Where secrets that somebody typed are in sight, frame space.

        Args:
            scale: Frame pixels per CSS pixel.

        Returns:
            The fields; None if the page cannot tell: it is changing, or a dialog has opened.
        """
        page = self._driver.page
        boxes: list[Box] = []
        for frame in [frame for frame in self._guarded if frame.page == page]:
            if frame.is_detached():
                self._guarded.remove(frame)
                continue
            try:
                found = self._driver.ask(partial(frame.evaluate, _HIDDEN_BOXES))
            except Error:
                return None
            if found is None:
                return None
            origin = self._origin(frame)
            boxes += [Box(*box).shifted(*origin).scaled(scale) for box in found]
        return boxes

    def element_at(self, point: Point, scale: float) -> ElementFacts | None:
        """What the page says about the thing at a place in frame space; None if it does not say."""
        return self._ask(_THING_AT, point, scale)

    def focused_element(self, scale: float) -> ElementFacts | None:
        """What the page says about the thing that has the focus; None if nothing particular has."""
        return self._ask(_FOCUSED_THING, Point(0, 0), scale)

    def _ask(self, question: str, point: Point, scale: float) -> ElementFacts | None:
        """Ask frame after frame, each one before those within it, until one knows an answer."""
        for frame in self._driver.page.frames:
            origin = self._origin(frame)
            place = [point.x / scale - origin.x, point.y / scale - origin.y]
            try:
                raw = self._driver.ask(partial(frame.evaluate, question, place))
            except Error:
                continue  # it is going away
            if raw is not None:
                return read_thing(raw, Placing(origin, scale, self._offset_s()))
        return None

    def _hear(self, source: dict[str, Any], raw: object) -> None:
        self._told.append((source["frame"], raw))

    def _offset_s(self) -> float:
        """What has to be added to a time of the calendar, seconds since 1970, to get monotonic seconds."""
        return self._clock.monotonic_s() - self._clock.now().timestamp()

    def _origin(self, frame: PageFrame) -> Point:
        """Where a frame's upper left corner lies, CSS pixels of the window; where it was last, if nobody can tell."""
        try:
            origin = self._driver.ask(partial(_origin_of, frame))
        except Error:
            origin = None
        if origin is not None:
            self._origins[frame] = origin
        return self._origins.get(frame, Point(0, 0))


def _origin_of(frame: PageFrame) -> Point:
    """Where a frame's upper left corner lies, CSS pixels of the window."""
    x = y = 0.0
    inner = frame
    while inner.parent_frame is not None:
        left, top = inner.frame_element().evaluate(_ORIGIN)
        x, y = x + left, y + top
        inner = inner.parent_frame
    return Point(x, y)
