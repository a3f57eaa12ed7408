"""What tests need, ours and those of drivers that live elsewhere; it needs pytest.

- `ManualClock`: time that stands still until a test moves it.
- `Injection` and `Injector`: failures of a workflow's steps that happen on demand, to see what healing makes of them.
- `SimulatedDriver`, `SimulatedApplication`, `Popup` and `Failures`: a screen in memory that goes wrong on demand.
- `ScreenConformance`: what every `ScreenDriver` has to do. Make a *subject*, which is a driver with the other side of
  its screen, where what arrives can be seen and where things can be made to go wrong, and inherit the tests::

      class TestMyDriver(ScreenConformance):
          @pytest.fixture
          def subject(self) -> Iterator[Subject]:
              ...
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
import pytest

from steadyhand.clock import Deadline, ManualClock, SystemClock
from steadyhand.errors import ConfigError, DeliveryUncertainError, ScreenLostError
from steadyhand.execution.injection import Injection, Injector
from steadyhand.model.geometry import Box, Point
from steadyhand.perception.settle import wait_until_settled
from steadyhand.screen.simulated import Failures, SimulatedDriver
from steadyhand.screen.simulated_application import Popup, SimulatedApplication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steadyhand.screen.driver import Frame, ScreenDriver

__all__ = [
    "Failures",
    "Injection",
    "Injector",
    "ManualClock",
    "Popup",
    "Received",
    "ScreenConformance",
    "SimulatedApplication",
    "SimulatedDriver",
    "Subject",
]

_INTERRUPT_AFTER_S = 0.3
_SETTLE_S = 10.0


class Received(NamedTuple):
    """An input as it arrived on the other side of a screen.

    Attributes:
        kind: `click`, `double`, `right`, `drag` or `wheel`.
        point: Where, frame space; where a drag began.
        to: Where a drag ended, frame space; how far a wheel was turned, frame pixels.
    """

    kind: str
    point: Point
    to: Point = Point(0, 0)


class Subject(Protocol):
    """A driver under test, with the other side of its screen.

    Attributes:
        driver: The driver, just opened.
        field: The middle of a text field that is empty and has not the focus, frame space.
        ground: A place of at least 100x100 pixels where a click does nothing, frame space.
        title: What the screen says its title is.
    """

    driver: ScreenDriver
    field: Point
    ground: Box
    title: str

    def text(self) -> str:
        """What stands in the field now."""
        ...

    def received(self) -> list[Received]:
        """Everything that arrived from the mouse, in order; a double click is also one or two clicks before."""
        ...

    def hang(self) -> None:
        """Make the next click never come back."""
        ...

    def lose(self) -> None:
        """Break the screen, as a crash does, without telling the driver."""
        ...


class ScreenConformance:
    """What every driver has to do."""

    @pytest.fixture
    def subject(self) -> Iterator[Subject]:
        """A driver that has just been opened, with the other side of its screen."""
        raise NotImplementedError

    # --------------------------------------------------------------------------------------------------- looking

    def test_a_frame_is_a_picture(self, subject: Subject) -> None:
        """A frame holds blue-green-red bytes, larger than nothing, in one piece of memory."""
        frame = subject.driver.capture()
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (frame.height, frame.width, 3)
        assert frame.image.flags.c_contiguous
        assert frame.scale > 0
        assert Box(0, 0, frame.width, frame.height).encloses(subject.ground)

    def test_nobody_can_change_a_frame(self, subject: Subject) -> None:
        """A frame cannot be written to, and stays as it is when the screen goes on."""
        first = _settled(subject)
        key = first.key
        assert not first.image.flags.writeable
        subject.driver.click(subject.field)
        subject.driver.type_text("changed")
        assert _settled(subject).key != key
        assert _copy(first).key == key

    def test_a_screen_at_rest_looks_the_same_twice(self, subject: Subject) -> None:
        """Two looks at a screen on which nothing happens give the same pixels, at different times."""
        first, second = _settled(subject), subject.driver.capture()
        assert np.array_equal(first.image, second.image)
        assert second.taken_s >= first.taken_s

    def test_facts_tell_the_title(self, subject: Subject) -> None:
        """The screen says what it is called, and the driver has a name for reports."""
        assert subject.driver.facts().title == subject.title
        assert subject.driver.name

    # ---------------------------------------------------------------------------------------------------- acting

    def test_a_click_lands_where_it_is_aimed_at(self, subject: Subject) -> None:
        """Clicks at whole and odd pixels arrive within half a pixel of the frame."""
        ground = subject.ground
        aims = [ground.center, Point(ground.x + 1, ground.y + 1), Point(ground.x + 37, ground.bottom - 13)]
        for aim in aims:
            subject.driver.click(aim)
        landed = [each.point for each in subject.received() if each.kind == "click"]
        assert len(landed) == len(aims)
        for aim, place in zip(aims, landed, strict=True):
            assert place == pytest.approx(aim, abs=0.5)

    @pytest.mark.parametrize(("button", "count", "kind"), [("right", 1, "right"), ("left", 2, "double")])
    def test_each_kind_of_click_arrives(
        self, subject: Subject, button: Literal["left", "right"], count: int, kind: str
    ) -> None:
        """A right click and a double click arrive as such, once."""
        subject.driver.click(subject.ground.center, button, count)
        arrived = [each for each in subject.received() if each.kind == kind]
        assert [each.point for each in arrived] == [pytest.approx(subject.ground.center, abs=0.5)]

    def test_a_drag_arrives(self, subject: Subject) -> None:
        """The button goes down where a drag begins, and up where it ends."""
        start, end = subject.ground.center, subject.ground.center.shifted(30, 20)
        subject.driver.drag(start, end)
        drags = [each for each in subject.received() if each.kind == "drag"]
        assert len(drags) == 1
        assert drags[0].point == pytest.approx(start, abs=0.5)
        assert drags[0].to == pytest.approx(end, abs=0.5)

    def test_the_wheel_turns_by_pixels(self, subject: Subject) -> None:
        """The wheel turns as far as asked, in frame pixels, down and up, where the pointer is."""
        for amount in (120, -40):
            subject.driver.scroll(subject.ground.center, 0, amount)
        _settled(subject)
        turns = [each for each in subject.received() if each.kind == "wheel"]
        assert [each.to.y for each in turns] == [120, -40]
        assert turns[0].point == pytest.approx(subject.ground.center, abs=1)

    @pytest.mark.parametrize(
        "text", ["Invoice 47/11 (net)!", "é ç œ ß ł Ünïcôde", "你好 Привет", "👍🏽 €", "~#{[|`^@]}"]
    )
    def test_every_character_arrives(self, subject: Subject, text: str) -> None:
        """What is typed arrives as it is, whatever keyboard there may be."""
        subject.driver.click(subject.field)
        subject.driver.type_text(text)
        assert subject.text() == text

    def test_typing_goes_where_the_focus_is(self, subject: Subject) -> None:
        """Without a field in focus, typing changes no field."""
        subject.driver.type_text("lost")
        assert subject.text() == ""

    def test_chords_are_pressed(self, subject: Subject) -> None:
        """Control+A selects, so that typing replaces; Backspace deletes; a character is typed."""
        driver = subject.driver
        driver.click(subject.field)
        driver.type_text("wrong")
        driver.press("Control+A")
        driver.type_text("right")
        driver.press("Backspace")
        driver.press("é")
        driver.press("T")
        assert subject.text() == "righéT"

    def test_an_unknown_key_is_refused(self, subject: Subject) -> None:
        """A chord that does not exist is the user's mistake: nothing is sent, and the screen lives on."""
        with pytest.raises(ConfigError, match="Hyper"):
            subject.driver.press("Hyper+A")
        assert subject.driver.capture().height > 0

    # ------------------------------------------------------------------------------------------------ being lost

    def test_a_lost_screen_says_so(self, subject: Subject) -> None:
        """Once the screen is gone, every method says so, and says that nothing was sent."""
        subject.lose()
        for use in _uses(subject):
            with pytest.raises(ScreenLostError):
                use()
        subject.driver.close()

    def test_a_closed_screen_says_so(self, subject: Subject) -> None:
        """A driver can be closed twice, and after that every method says that the screen is gone."""
        subject.driver.close()
        subject.driver.close()
        for use in _uses(subject):
            with pytest.raises(ScreenLostError):
                use()

    def test_a_hanging_call_can_be_broken_off(self, subject: Subject) -> None:
        """Another thread ends a click that hangs; whether it arrived is in doubt, and the screen is given up."""
        subject.hang()
        timer = threading.Timer(_INTERRUPT_AFTER_S, subject.driver.interrupt)
        timer.start()
        with pytest.raises(DeliveryUncertainError):
            subject.driver.click(subject.ground.center)
        timer.join()
        for use in _uses(subject):
            with pytest.raises(ScreenLostError):
                use()
        subject.driver.close()

    def test_what_is_interrupted_between_two_calls_is_given_up(self, subject: Subject) -> None:
        """An interrupt that comes too late for the call that it was meant for ends the screen just the same."""
        subject.driver.interrupt()
        with pytest.raises(ScreenLostError):
            subject.driver.click(subject.ground.center)
        subject.driver.interrupt()
        subject.driver.close()
        subject.driver.interrupt()


def _uses(subject: Subject) -> list[Callable[[], object]]:
    """Every way to use a driver that must not go unnoticed when the screen is gone."""
    driver, point = subject.driver, subject.ground.center
    return [
        driver.capture,
        driver.facts,
        lambda: driver.click(point),
        lambda: driver.drag(point, subject.field),
        lambda: driver.type_text("lost"),
        lambda: driver.press("Enter"),
        lambda: driver.scroll(point, 0, 10),
    ]


def _settled(subject: Subject) -> Frame:
    clock = SystemClock()
    return wait_until_settled(subject.driver, clock, Deadline(clock, _SETTLE_S))


def _copy(frame: Frame) -> Frame:
    """The same frame, whose key is worked out anew."""
    return replace(frame)
