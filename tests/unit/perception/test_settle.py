"""Has the screen come to rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.clock import Deadline, ManualClock
from steadyhand.model.geometry import Box
from steadyhand.perception.settle import (
    BLANK_S,
    PATIENCE_S,
    QUIET_S,
    SPINNER_PX,
    changed_regions,
    is_still,
    wait_until_settled,
)
from steadyhand.screen.drawing import write
from steadyhand.screen.driver import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def page(text: str = "Orders") -> NDArray[np.uint8]:
    """A page with some words on it."""
    image = np.full((300, 480, 3), 246, np.uint8)
    write(image, text, 40, 60, 20, (30, 30, 30))
    return image


def painted(box: Box, level: int = 0) -> NDArray[np.uint8]:
    """A page with a filled box."""
    image = page()
    image[int(box.y) : int(box.bottom), int(box.x) : int(box.right)] = level
    return image


@dataclass
class Screen:
    """A screen whose picture depends on the time."""

    picture: Callable[[float], NDArray[np.uint8]]
    clock: ManualClock = field(default_factory=ManualClock)
    looks: int = 0

    def capture(self) -> Frame:
        """What is on now."""
        self.looks += 1
        return Frame(self.picture(self.clock.monotonic_s()), self.clock.monotonic_s())

    def settled(self, known: Frame | None = None, timeout_s: float = 30) -> Frame:
        """The screen at rest."""
        return wait_until_settled(self, self.clock, Deadline(self.clock, timeout_s), known)


def test_a_screen_at_rest_is_watched_for_a_quiet_period() -> None:
    """It costs that period and hardly more."""
    screen = Screen(lambda _: page())
    screen.settled()
    assert QUIET_S <= screen.clock.monotonic_s() < QUIET_S + 0.1


@pytest.mark.parametrize("change", [page("Order 17"), painted(Box(300, 200, 30, 12))])
def test_what_changes_is_waited_for(change: NDArray[np.uint8]) -> None:
    """Be it a word or a small box: the screen is settled a quiet period after the last change."""
    screen = Screen(lambda now_s: change if now_s >= 0.1 else page())
    frame = screen.settled()
    assert np.array_equal(frame.image, change)
    assert screen.clock.monotonic_s() >= 0.1 + QUIET_S


def test_a_blinking_caret_does_not_count() -> None:
    """A thin bar that comes and goes keeps nobody waiting."""
    caret = painted(Box(140, 44, 2, 20))
    screen = Screen(lambda now_s: caret if int(now_s * 10) % 2 else page())
    screen.settled()
    assert screen.clock.monotonic_s() < QUIET_S + 0.1


def test_a_spinner_is_soon_seen_through() -> None:
    """A small place that changes again and again does not hold the screen up until patience ends."""
    screen = Screen(lambda now_s: painted(Box(300, 200, 24, 24), round(now_s * 1000) % 200))
    screen.settled()
    assert screen.clock.monotonic_s() < 1


def test_a_film_is_taken_as_it_is() -> None:
    """What is large and never rests is waited for until patience ends, or the deadline."""
    film = Box(60, 80, SPINNER_PX + 40, SPINNER_PX + 40)
    for timeout_s, end_s in ((30, PATIENCE_S), (1, 1)):
        screen = Screen(lambda now_s: painted(film, round(now_s * 1000) % 200))
        screen.settled(timeout_s=timeout_s)
        assert screen.clock.monotonic_s() == pytest.approx(end_s, abs=0.1)


def test_a_blank_screen_is_not_yet_drawn() -> None:
    """One colour all over is what a page shows before it shows itself; a blank page is believed after a while."""
    blank = np.full((300, 480, 3), 255, np.uint8)
    screen = Screen(lambda now_s: page() if now_s >= 0.5 else blank)
    assert np.array_equal(screen.settled().image, page())
    screen = Screen(lambda _: blank)
    screen.settled()
    assert screen.clock.monotonic_s() == pytest.approx(BLANK_S, abs=0.1)


def test_a_screen_that_still_looks_as_it_did_needs_one_look() -> None:
    """It has not moved for a quiet period, and all that was read on the first look still holds; a caret may blink."""
    screen = Screen(lambda now_s: painted(Box(140, 44, 2, 20)) if now_s >= 1 else page())
    known = screen.capture()
    screen.clock.sleep(1)
    assert screen.settled(known) is known
    assert screen.looks == 2
    assert screen.clock.monotonic_s() == 1


def test_a_look_from_just_before_saves_only_the_time_that_has_passed_since() -> None:
    """A screen is never taken for settled in less than a quiet period."""
    screen = Screen(lambda _: page())
    known = screen.capture()
    screen.clock.sleep(QUIET_S / 2)
    screen.settled(known)
    assert QUIET_S <= screen.clock.monotonic_s() < QUIET_S + 0.1


def test_a_screen_that_looks_different_by_now_is_watched_anew() -> None:
    """What was settled before says nothing about what came after."""
    screen = Screen(lambda now_s: page("Order 17") if now_s >= 1 else page())
    known = screen.capture()
    screen.clock.sleep(1)
    assert np.array_equal(screen.settled(known).image, page("Order 17"))
    assert screen.clock.monotonic_s() >= 1 + QUIET_S


def test_what_changed_is_boxed_tightly() -> None:
    """Two places far apart have a box each, one pixel is enough, and pictures of two sizes differ all over."""
    after = page()
    after[100:120, 50:90] ^= 1
    after[250, 400, 2] ^= 1
    assert sorted(changed_regions(page(), after)) == [Box(50, 100, 40, 20), Box(400, 250, 1, 1)]
    assert changed_regions(page(), page()) == []
    assert changed_regions(page(), np.zeros((200, 480, 3), np.uint8)) == [Box(0, 0, 480, 200)]


def test_still_is_what_differs_by_a_caret_at_most() -> None:
    """A bar of two pixels may come; a letter may not."""
    assert is_still(page(), painted(Box(140, 44, 2, 20)))
    assert not is_still(page(), painted(Box(140, 44, 9, 12)))
