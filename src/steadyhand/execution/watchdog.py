"""The watchdog: it breaks off a step that hangs.

Everything in a step looks at its deadline and gives up by itself, except a call into a driver that never comes back.
For that call alone there is a timer in another thread, which interrupts the driver; the call then raises.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

GRACE_S = 5.0
"""Seconds after a step's deadline until it counts as hanging.

Source: a decision. Whatever respects the deadline ends within it or one look later; a look at a large screen, with all
of its text read, takes up to 1.2 s of CPU, and machines are shared.
"""


class Timer(Protocol):
    """Something that calls back once, from any thread, unless it is cancelled before."""

    def start(self) -> None:
        """Begin to wait."""
        ...

    def cancel(self) -> None:
        """Do not call back any more; does nothing if it did already."""
        ...


class TimerFactory(Protocol):
    """Makes timers; `threading.Timer` is one."""

    def __call__(self, interval_s: float, function: Callable[[], None], /) -> Timer:
        """Make a timer that calls `function` `interval_s` seconds after its start."""
        ...


class Watchdog:
    """Watches over what happens inside its `with` block.

    Args:
        break_off: Breaks off whatever hangs; called at most once, from another thread, and only inside the block.
        timeout_s: Seconds that the block may take.
        timer: What waits for them.

    Attributes:
        fired: The time was over before the block was left.
    """

    def __init__(self, break_off: Callable[[], None], timeout_s: float, timer: TimerFactory = threading.Timer) -> None:
        self.fired = False
        self._break_off = break_off
        self._timer = timer(timeout_s, self._fire)
        self._lock = threading.Lock()
        self._is_over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # The lock makes sure that a timer which is just going off hits this block and never the next one.
        with self._lock:
            self._is_over = True

    def _fire(self) -> None:
        """Time is over."""
        with self._lock:
            if not self._is_over:
                self.fired = True
                self._break_off()
