"""What Linux tells of the memory of a process."""

from __future__ import annotations

import os
import sys

import pytest

from steadyhand.bench.memory import entry_kb

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


def test_the_peak_is_no_less_than_what_is_there_now() -> None:
    """By its number and by `self` a process is the same, and its peak is not below what it has."""
    assert entry_kb(os.getpid(), "status", "VmHWM") >= entry_kb("self", "status", "VmRSS") // 2 > 0


def test_what_is_not_told_is_nothing() -> None:
    """An entry that is not there is zero; a process that is not there is a fault of the system."""
    assert entry_kb("self", "status", "VmNothing") == 0
    with pytest.raises(OSError, match="nobody"):
        entry_kb("nobody", "status", "VmHWM")
