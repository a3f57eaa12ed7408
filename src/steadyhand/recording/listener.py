"""Hearing what is done on the pages of a browser, and asking them what is where.

A script in every frame of every page (`listener.js`) watches and tells. What it tells is heard whenever this process
talks with the browser; since each message says when it happened, it may be heard a little late.
"""

from __future__ import annotations

from collections import deque
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
    from steadyhand.screen.driver import ElementFacts

_ORIGIN = """frame => {
    const [{ left, top }, { paddingLeft, paddingTop }] = [frame.getBoundingClientRect(), getComputedStyle(frame)];
    return [left + frame.clientLeft + parseFloat(paddingLeft), top + frame.clientTop + parseFloat(paddingTop)];
}"""


class Listener:
    """Listens to all pages of a browser window, from now on.

    No page answers while a native dialog is open: nothing of this may be called then but `heard`.

    Args:
        page: One of its pages.
        clock: Where time comes from.
    """

    def __init__(self, page: Page, clock: Clock) -> None:
        self._clock = clock
        self._told: deque[tuple[PageFrame, object]] = deque()
        self._answered: deque[tuple[Page, Answered]] = deque()
        self._attended: WeakSet[Page] = WeakSet()
        self._origins: dict[PageFrame, Point] = {}
        self._guarded: set[PageFrame] = set()
        script = files("steadyhand.recording").joinpath("listener.js").read_text(encoding="utf-8")
        page.context.expose_binding("steadyhandSaw", self._hear)
        page.context.add_init_script(script)
        for each in page.context.pages:
            for frame in each.frames:
                frame.evaluate(script)

    def attend(self, page: Page) -> None:
        """Hear of the answers to this page's native dialogs, too."""
        if page in self._attended:
            return

        def hear(event: dict[str, Any]) -> None:
            answer = Answered(self._clock.monotonic_s(), event["result"], event.get("userInput", ""))
            self._answered.append((page, answer))

        session = page.context.new_cdp_session(page)
        session.on("Page.javascriptDialogClosed", hear)
        session.send("Page.enable")
        self._attended.add(page)

    def heard(self, scale: float) -> list[tuple[Page, Message]]:
        """What was done since this was asked last, each with the page that it was done on.

        Args:
            scale: Frame pixels per CSS pixel.
        """
        messages: list[tuple[Page, Message]] = []
        while self._told:
            frame, raw = self._told.popleft()
            message = read_message(raw, self._placing(frame, scale))
            if message is None:
                continue
            if isinstance(message, Secret) or (isinstance(message, Typed) and message.thing.secret):
                self._guarded.add(frame)
            messages.append((frame.page, message))
        messages.extend(self._answered)
        self._answered.clear()
        return sorted(messages, key=lambda pair: pair[1].at)

    def secret_boxes(self, page: Page, scale: float) -> list[Box] | None:
        """Where secrets that somebody typed are in sight, frame space.

        Args:
            page: The page that is in sight.
            scale: Frame pixels per CSS pixel.

        Returns:
            The fields; None if the page is changing and cannot tell.
        """
        boxes: list[Box] = []
        for frame in [frame for frame in self._guarded if frame.page == page]:
            if frame.is_detached():
                self._guarded.remove(frame)
                continue
            try:
                found = frame.evaluate("() => window.steadyhandListens?.secretBoxes() ?? []")
            except Error:
                return None
            origin = self._origin(frame)
            boxes += [Box(*box).shifted(*origin).scaled(scale) for box in found]
        return boxes

    def element_at(self, page: Page, point: Point, scale: float) -> ElementFacts | None:
        """What the page says about the thing at a place in frame space; None if it does not say."""
        return self._ask(page, "([x, y]) => window.steadyhandListens?.thingAt(x, y) ?? null", point, scale)

    def focused_element(self, page: Page, scale: float) -> ElementFacts | None:
        """What the page says about the thing that has the focus; None if nothing particular has."""
        question = "() => document.hasFocus() ? window.steadyhandListens?.focusedThing() ?? null : null"
        return self._ask(page, question, Point(0, 0), scale)

    def _ask(self, page: Page, question: str, point: Point, scale: float) -> ElementFacts | None:
        """Ask frame after frame, each one before those within it, until one knows an answer."""
        for frame in page.frames:
            origin = self._origin(frame)
            try:
                raw = frame.evaluate(question, [point.x / scale - origin.x, point.y / scale - origin.y])
            except Error:
                continue  # it is going away
            if raw is not None:
                return read_thing(raw, self._placing(frame, scale))
        return None

    def _hear(self, source: dict[str, Any], raw: object) -> None:
        self._told.append((source["frame"], raw))

    def _placing(self, frame: PageFrame, scale: float) -> Placing:
        offset_s = self._clock.monotonic_s() - self._clock.now().timestamp()
        return Placing(self._origin(frame), scale, offset_s)

    def _origin(self, frame: PageFrame) -> Point:
        """Where a frame's upper left corner lies, CSS pixels of the window; where it was last, if it is gone."""
        x = y = 0.0
        try:
            inner = frame
            while inner.parent_frame is not None:
                left, top = inner.frame_element().evaluate(_ORIGIN)
                x, y = x + left, y + top
                inner = inner.parent_frame
        except Error:
            return self._origins.get(frame, Point(0, 0))
        self._origins[frame] = Point(x, y)
        return self._origins[frame]
