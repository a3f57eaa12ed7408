"""The watchdog breaks off what hangs, and nothing else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from steadyhand.execution.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable


class HandTimer:
    """A timer that goes off when a test says so."""

    def __init__(self, interval_s: float, function: Callable[[], None]) -> None:
        self.interval_s = interval_s
        self.go_off = function
        self.is_waiting = False

    def start(self) -> None:
        """Begin to wait."""
        self.is_waiting = True

    def cancel(self) -> None:
        """Wait no more."""
        self.is_waiting = False


def test_it_breaks_off_a_call_that_hangs_in_another_thread() -> None:
    """With real threads: a call that waits for ever comes back once the time is over."""
    freed = threading.Event()
    with Watchdog(freed.set, timeout_s=0.0) as watchdog:
        assert freed.wait(timeout=30), "it was broken off"
    assert watchdog.fired


def test_it_leaves_alone_what_ends_in_time() -> None:
    """Nothing is broken off when the block ends first, and the timer is let go."""
    timers: list[HandTimer] = []
    calls: list[str] = []

    def make(interval_s: float, function: Callable[[], None]) -> HandTimer:
        timers.append(HandTimer(interval_s, function))
        return timers[-1]

    with Watchdog(lambda: calls.append("broken off"), 12.5, make) as watchdog:
        was_waiting = timers[0].is_waiting
    assert timers[0].interval_s == 12.5
    assert (was_waiting, timers[0].is_waiting) == (True, False)
    assert not watchdog.fired
    assert not calls


def test_a_timer_that_goes_off_too_late_does_not_hit_the_next_block() -> None:
    """Cancelling a timer cannot stop a call that is already on its way; the watchdog ignores it."""
    timers: list[HandTimer] = []
    calls: list[str] = []

    def make(interval_s: float, function: Callable[[], None]) -> HandTimer:
        timers.append(HandTimer(interval_s, function))
        return timers[-1]

    with Watchdog(lambda: calls.append("broken off"), 1, make) as watchdog:
        pass
    timers[0].go_off()
    assert not watchdog.fired
    assert not calls
