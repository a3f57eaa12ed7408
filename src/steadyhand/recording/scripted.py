"""Recording what a script does, on any screen.

Every action is sent as real input, between two looks at the settled screen. What is stored is the same as when a person
acts; only a browser says what its elements are, on other screens everything is known by looking alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from steadyhand.clock import Deadline, SystemClock
from steadyhand.errors import ConfigError, ScreenError
from steadyhand.perception.scene import Scene
from steadyhand.perception.settle import wait_until_settled
from steadyhand.recording.deeds import Clicked, Dragged, Pressed, Scrolled, Way, Wrote
from steadyhand.recording.draft import Draft, Take
from steadyhand.recording.listener import Listener
from steadyhand.recording.looks import Look, covered
from steadyhand.recording.proposing import slices
from steadyhand.resolution.target import element_at
from steadyhand.screen.browser import BrowserDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Literal

    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.model.geometry import Box, Point
    from steadyhand.model.workflow import Screen, Workflow
    from steadyhand.recording.deeds import Deed
    from steadyhand.screen.driver import Button, ElementFacts, Frame, ScreenDriver

_SETTLE_S = 15.0
"""How long a screen may move before it is taken as it is."""


class Recorder:
    """Does what a script says, and records it.

    The workflow file is written when the `with` block ends; also when the screen was lost in it, with what was done so
    far.

        with Recorder(driver, Path("flow.yaml"), BrowserScreen(url=url)) as recorder:
            recorder.click(recorder.find("Log in"))

    Args:
        driver: The screen; it stays open.
        output: The workflow file to write; its images go to `images/<its name>/` beside it.
        screen: What the workflow says about the screen that it runs on.
        parameters: Values that become parameters wherever they are typed, by the parameter's name.
        clock: Where time comes from.
        progress: Told in words what goes on.

    Attributes:
        workflow: What was written; None until the end of the block.

    Raises:
        ConfigError: The file is there already, or a parameter cannot be used.
    """

    def __init__(
        self,
        driver: ScreenDriver,
        output: Path,
        screen: Screen,
        *,
        parameters: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.workflow: Workflow | None = None
        self._driver = driver
        self._clock = clock or SystemClock()
        self._progress = progress
        self._draft = Draft(output, screen, parameters or {}, progress)
        self._takes = self._draft.takes
        self._listener: Listener | None = None
        self._scale = 1.0
        self._secrets: list[Box] | None = []
        self._secret_box: Box | None = None
        self._secret_looks: list[tuple[Box, NDArray[np.uint8]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not (issubclass(kind, ScreenError) and self._takes):
            return
        if kind is None and self._takes:
            self._takes[-1].after = self._look()
        self.workflow = self._draft.write()

    def find(self, text: str, within: Box | None = None) -> Point:
        """The middle of a text that can be read on the screen, just once.

        Args:
            text: One or several words.
            within: Look only here, frame space.

        Raises:
            ConfigError: It cannot be read there, or more than once.
        """
        found = Scene.of(self._settled().image).find_text(text, within)
        if len(found) != 1:
            places = ", ".join(f"({box.center.x:.0f}, {box.center.y:.0f})" for box in found)
            raise ConfigError(
                f"{text!r} can be read {len(found)} times: at {places}." if found else f"{text!r} cannot be read.",
                "Name a text that is on the screen just once, or a place to look in.",
            )
        return found[0].center

    def click(self, point: Point, button: Button = "left", count: Literal[1, 2] = 1) -> None:
        """Click.

        Args:
            point: Where, frame space.
            button: Which button of the mouse.
            count: 2 for a double click.
        """
        before, element, began_s = self._look(), self._element_at(point), self._clock.monotonic_s()
        self._driver.click(point, button, count)
        deed = Clicked(
            point=point, element=element, button=button, count=count, began_s=began_s, ended_s=self._clock.monotonic_s()
        )
        self._add(deed, before)

    def type(self, text: str, *, clear: bool = False, secret: bool = False) -> None:
        """Type into the field that was clicked just before, or else into what has the focus.

        Args:
            text: What to type.
            clear: Replace what is in the field.
            secret: The text must not be seen; a browser's password fields are secret anyway.
        """
        take = self._clicked_field()
        if take is None:
            self._add(self._into_focus(clear=clear), self._look())
            take = self._takes[-1]
        begun = take.deed
        assert isinstance(begun, Clicked | Wrote), "a field was clicked, or something has the focus"
        if clear:
            self._driver.press("Control+A")
        self._driver.type_text(text)
        is_secret = secret or (begun.element is not None and begun.element.is_password)
        take.deed = Wrote(
            point=begun.point,
            element=begun.element,
            ways=() if is_secret else (Way(text, text.strip("\n")),),
            clear=clear,
            began_s=begun.began_s,
            ended_s=self._clock.monotonic_s(),
        )
        if is_secret and begun.point is not None:
            self._secret_box = element_at(Scene.of(take.before.image), begun.point)

    def press(self, keys: str) -> None:
        """Press a key chord, such as `Enter` or `Control+S`."""
        before, began_s = self._look(), self._clock.monotonic_s()
        self._driver.press(keys)
        self._add(Pressed(keys=keys, began_s=began_s, ended_s=self._clock.monotonic_s()), before)

    def scroll(self, point: Point, dx: float, dy: float) -> None:
        """Turn the wheel.

        Args:
            point: Where the pointer is, frame space.
            dx: Frame pixels to the right.
            dy: Frame pixels down.
        """
        before, began_s = self._look(), self._clock.monotonic_s()
        self._driver.scroll(point, dx, dy)
        self._add(Scrolled(point=point, dx=dx, dy=dy, began_s=began_s, ended_s=self._clock.monotonic_s()), before)

    def drag(self, start: Point, end: Point) -> None:
        """Drag what is at one place to another one, frame space."""
        before, began_s = self._look(), self._clock.monotonic_s()
        element, end_element = self._element_at(start), self._element_at(end)
        self._driver.drag(start, end)
        deed = Dragged(
            point=start,
            element=element,
            end=end,
            end_element=end_element,
            began_s=began_s,
            ended_s=self._clock.monotonic_s(),
        )
        self._add(deed, before)

    def _clicked_field(self) -> Take | None:
        """The last take, if it was a click into something that may be a field."""
        take = self._takes[-1] if self._takes else None
        if take is None or not isinstance(take.deed, Clicked) or (take.deed.button, take.deed.count) != ("left", 1):
            return None
        return take if take.deed.element is None or take.deed.element.is_editable else None

    def _into_focus(self, *, clear: bool) -> Wrote:
        """Writing into what has the focus: at the caret, if writing there only goes on."""
        now_s, element = self._clock.monotonic_s(), self._focused_element()
        goes_on = bool(self._takes) and isinstance(self._takes[-1].deed, Wrote) and not clear
        point = element.box.center if element is not None and not goes_on else None
        return Wrote(point=point, element=element, ways=(Way("", ""),), clear=clear, began_s=now_s, ended_s=now_s)

    def _add(self, deed: Deed, before: Look) -> None:
        """A deed was done on a screen, which is also what the deed before led to."""
        if self._takes:
            self._takes[-1].after = before
        self._takes.append(Take(deed, before, before))
        self._progress(f"{len(self._takes)}: {deed.in_words}")

    # -------------------------------------------------------------------------------------------------- looking

    def _settled(self) -> Frame:
        frame = wait_until_settled(self._driver, self._clock, Deadline(self._clock, _SETTLE_S))
        self._scale = frame.scale
        return frame

    def _look(self) -> Look:
        """The settled screen, with everything secret covered."""
        frame = self._settled()
        secrets = self._secret_boxes(frame)
        while secrets is None:
            frame = self._settled()
            secrets = self._secret_boxes(frame)
        now_s = self._clock.monotonic_s()
        return Look.of(covered(frame.image, secrets), self._driver.facts().url, now_s, now_s)

    def _secret_boxes(self, frame: Frame) -> list[Box] | None:
        """Where secrets are in sight; None if the screen is changing."""
        if isinstance(self._driver, BrowserDriver):
            if self._driver.dialog is None:
                self._listener = self._listener or Listener(self._driver, self._clock)
                self._listener.heard(frame.scale)
                self._secrets = self._listener.secret_boxes(frame.scale)
        else:
            if self._secret_box is not None:
                self._secret_looks.append((self._secret_box, frame.image[slices(self._secret_box)].copy()))
                self._secret_box = None
            looks = self._secret_looks
            self._secrets = [box for box, look in looks if np.array_equal(frame.image[slices(box)], look)]
        return self._secrets

    def _element_at(self, point: Point) -> ElementFacts | None:
        """What the application says about the thing at a place, if it says anything."""
        return self._listener.element_at(point, self._scale) if self._listener else None

    def _focused_element(self) -> ElementFacts | None:
        """What the application says about the thing that has the focus, if it says anything."""
        return self._listener.focused_element(self._scale) if self._listener else None
