"""The only module that reads time, or lets it pass.

*Monotonic* seconds measure durations and never jump; *now* is the calendar time that is written into files and
reports. Everything that needs time is given a `Clock`, so that tests hand in a `ManualClock` and never sleep.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def monotonic_s(self) -> float:
        """Seconds since some fixed instant; never goes backwards."""
        ...

    def now(self) -> datetime:
        """The calendar time, in UTC, with its time zone."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` seconds pass; zero or less returns at once."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic_s(self) -> float:
        """Seconds since some fixed instant; never goes backwards."""
        return time.monotonic()

    def now(self) -> datetime:
        """The calendar time, in UTC, with its time zone."""
        return datetime.now(UTC)

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` seconds pass; zero or less returns at once."""
        if duration_s > 0:
            time.sleep(duration_s)


class ManualClock:
    """Time that stands still until somebody moves it; `sleep` moves it.

    Args:
        start: The calendar time at which it stands, with a time zone.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        assert start.tzinfo is not None, "a calendar time without a zone is ambiguous"
        self._start = start
        self._elapsed_s = 0.0

    def monotonic_s(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed_s

    def now(self) -> datetime:
        """The start time plus all that has passed since."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def sleep(self, duration_s: float) -> None:
        """Move on by `duration_s` seconds at once."""
        self._elapsed_s += max(0.0, duration_s)


def cpu_s() -> float:
    """Seconds of CPU that this thread has used: what benchmarks compare, for these machines are shared."""
    return time.thread_time()


class Deadline:
    """An instant by which something must be done; one deadline goes through all parts of a step.

    Args:
        clock: Where time comes from.
        timeout_s: Seconds from now until the deadline.
    """

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._end_s = clock.monotonic_s() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds that are left; zero when it has passed."""
        return max(0.0, self._end_s - self._clock.monotonic_s())

    @property
    def passed(self) -> bool:
        """Whether the instant is over."""
        return self.left_s <= 0.0
