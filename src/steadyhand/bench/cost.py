"""What something costs: CPU of the one thread that does it.

The machines that this runs on are shared: the time on the wall says more about the neighbours than about the work.
OpenCV would spread parts of its work over other threads, which no clock of this thread sees; so it is kept from it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import cv2

from steadyhand.clock import cpu_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")


def measured(work: Callable[[], _T]) -> tuple[_T, float]:
    """Do something, and tell what came of it and how many milliseconds of CPU this thread spent on it."""
    began_s = cpu_s()
    result = work()
    return result, (cpu_s() - began_s) * 1000


@contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenCV do its work in the thread that asks for it, as long as the `with` block lasts."""
    former = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(former)
