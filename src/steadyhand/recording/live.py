"""Recording what a person does in a browser window.

A click takes effect at once, so there is no time to look at the screen before it: looks are taken all along, and each
message of the page, which says when it happened, is matched with the last look before. The recording ends when the
person closes the window or presses Ctrl-C; what was done so far is kept, also when the browser dies.
"""

from __future__ import annotations

import signal
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from steadyhand.clock import SystemClock
from steadyhand.errors import ScreenLostError
from steadyhand.model.workflow import BrowserScreen
from steadyhand.perception.settle import is_still
from steadyhand.recording.deeds import Clicked, Pressed, Scrolled, Wrote
from steadyhand.recording.draft import Draft, Take
from steadyhand.recording.folding import Folding
from steadyhand.recording.listener import Listener
from steadyhand.recording.looks import Timeline, covered
from steadyhand.recording.messages import Chose, Down, Unseen
from steadyhand.recording.proposing import slices
from steadyhand.screen.browser import BrowserDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.model.geometry import Box
    from steadyhand.model.workflow import Workflow
    from steadyhand.recording.deeds import Deed
    from steadyhand.recording.looks import Look
    from steadyhand.recording.messages import Message

_PAUSE_S, _STILL_PAUSE_S = 0.02, 0.15
"""Seconds between two looks, while something happens and while nothing does.

Source: a decision. A person needs 0.3 s to react to what comes into sight; a look takes 0.05 to 0.1 s.
"""


def record(
    url: str,
    output: Path,
    *,
    headed: bool = True,
    width: int = 1440,
    height: int = 900,
    scale: float = 1.0,
    locale: str | None = None,
    parameters: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Workflow:
    """Open a browser, watch what a person does in it until it is closed, and write that as a workflow.

    Args:
        url: Where to start.
        output: The workflow file to write; its images go to `images/<its name>/` beside it.
        headed: Whether the window can be seen; without, something else than a person has to act on it.
        width: Viewport, CSS pixels.
        height: Viewport, CSS pixels.
        scale: Device pixels per CSS pixel.
        locale: Language and country, such as `en-GB`; the browser's own if not given.
        parameters: Values that become parameters wherever they are typed, by the parameter's name.
        clock: Where time comes from; it must agree with the browser's.
        progress: Told in words what was seen, and what cannot be replayed.

    Raises:
        ConfigError: The file is there already, a parameter cannot be used, or nothing was done.
        DriverUnavailableError: There is no browser, or nothing answers at the address.
        WorkflowError: The folder does not take the file.
    """
    clock = clock or SystemClock()
    screen = BrowserScreen(url=url, width=width, height=height, scale=scale, locale=locale)
    draft = Draft(output, screen, parameters or {}, progress)
    with (
        _interrupts() as interrupted,
        closing(
            BrowserDriver.open(url, width=width, height=height, scale=scale, locale=locale, headed=headed, clock=clock)
        ) as driver,
    ):
        watch = _Watch(driver, draft, clock, progress)
        progress("Recording. Close the window or press Ctrl-C when you are done.")
        try:
            while not interrupted():
                clock.sleep(watch.look())
        except ScreenLostError:
            pass  # closed by the person, or dead: either way it is over
        watch.end()
    return draft.write()


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C be asked for, instead of breaking into the talk with the browser."""
    asked = threading.Event()
    former = signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, former)


class _Watch:
    """Watches a browser window, and adds to a draft what is done in it."""

    def __init__(self, driver: BrowserDriver, draft: Draft, clock: Clock, progress: Callable[[str], None]) -> None:
        self._driver = driver
        self._takes = draft.takes
        self._clock = clock
        self._progress = progress
        self._folding = Folding()
        self._timeline = Timeline()
        self._idle: Look | None = None
        self._listener: Listener | None = None
        self._secrets: list[Box] | None = []
        self._image: NDArray[np.uint8] | None = None

    def look(self) -> float:
        """Take a look, and hear what was done meanwhile.

        Returns:
            How many seconds to wait before the next look.
        """
        began_s = self._clock.monotonic_s()
        frame = self._driver.capture()
        ended_s = self._clock.monotonic_s()
        url, page = self._driver.facts().url, self._driver.page
        is_asking = self._driver.dialog is not None  # then the page stands still and does not answer
        if self._listener is None and not is_asking:
            self._listener = Listener(self._driver, self._clock)
        # Whoever shows a secret tells so before the picture of it arrives: hear first, then cover.
        messages = self._listener.heard(frame.scale) if self._listener is not None else []
        if self._listener is not None and not is_asking:
            self._listener.attend()
            secrets = self._listener.secret_boxes(frame.scale)
            is_interrupted = secrets is None and self._driver.dialog is not None
            if not (is_interrupted and self._are_still_there(frame.image)):
                self._secrets = secrets
            self._image = frame.image
        former = self._timeline.newest
        if self._secrets is not None:
            self._keep(self._timeline.add(covered(frame.image, self._secrets), url, began_s, ended_s))
        for source, message in messages:
            if source is page:
                self._add(message)
            else:
                self._progress("Something was done in another tab; only the newest one is recorded.")
        return _STILL_PAUSE_S if former is self._timeline.newest and not messages else _PAUSE_S

    def _are_still_there(self, image: NDArray[np.uint8]) -> bool:
        """Whether the secrets that were in sight look as they did: then none of them has moved."""
        former = self._image
        if self._secrets is None or former is None:
            return False
        places = [slices(box) for box in self._secrets]
        return all(np.array_equal(image[place], former[place]) for place in places)

    def end(self) -> None:
        """Nothing more is done."""
        newest = self._timeline.newest
        if self._takes and newest is not None:
            self._finish(newest)

    def _keep(self, look: Look) -> None:
        """Remember the first settled look that is different after a deed: a notice may be gone when the next begins."""
        if not self._takes:
            return
        take = self._takes[-1]
        is_new = look.is_settled and look.first_s > take.deed.ended_s and look is not self._idle
        if take.early is not None or not is_new:
            return
        if is_still(take.latest.image, look.image):
            self._idle = look  # no more than a caret blinked
        else:
            take.early = look

    def _add(self, message: Message) -> None:
        """Take what a message tells."""
        if isinstance(message, Unseen):
            self._progress(
                f"{message.what.capitalize()} happens in a window of the browser's own and cannot be replayed."
            )
        if isinstance(message, Chose) and not message.typable:
            self._progress(f'"{message.label}" cannot be chosen by typing it; another entry begins in the same way.')
        self._folding.add(message)
        deeds = self._folding.deeds
        del self._takes[len(deeds) :]
        for take, deed in zip(self._takes, deeds, strict=False):
            if deed.ended_s > take.deed.ended_s:
                take.early = None
            take.deed = deed
        for deed in deeds[len(self._takes) :]:
            self._begin(deed, message)

    def _begin(self, deed: Deed, message: Message) -> None:
        """A deed began: find out what it was done on."""
        since_s = self._takes[-1].deed.ended_s if self._takes else 0.0
        latest = self._timeline.latest(deed.began_s) or self._timeline.newest
        if latest is None:
            return
        entered_s = message.entered if isinstance(message, Down) else None
        touched = [message.thing.box] if isinstance(message, Down) else []
        if self._takes and isinstance(self._takes[-1].deed, Clicked | Wrote) and self._takes[-1].deed.element:
            touched.append(self._takes[-1].deed.element.box)
        before = self._timeline.before(deed.began_s, since_s, entered_s, touched) or latest
        if self._takes:
            self._finish(before)
            if before.last_s < since_s and not isinstance(deed, Pressed | Scrolled):
                self._progress("That was faster than the screen could be looked at; check the image of this step.")
        self._takes.append(Take(deed, before, latest))
        self._progress(f"{len(self._takes)}: {deed.in_words}")

    def _finish(self, look: Look) -> None:
        """The screen after the last deed is known, if it was looked at since."""
        take = self._takes[-1]
        take.after = look if look.last_s > take.deed.ended_s else None
        take.waited_s = max(0.0, look.first_s - take.deed.ended_s)
