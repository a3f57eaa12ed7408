"""What is counted as cost is the CPU of one thread."""

from __future__ import annotations

import cv2
import pytest

from steadyhand.bench import cost


def test_cost_is_what_the_clock_of_the_thread_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of the work comes with the milliseconds between two looks at the thread's clock."""
    looks = iter([2.0, 2.125])
    monkeypatch.setattr(cost, "cpu_s", lambda: next(looks))
    assert cost.measured(lambda: "done") == ("done", 125.0)


def test_opencv_gets_its_threads_back() -> None:
    """OpenCV works in one thread as long as something is measured, also when that fails, and then as before."""
    former = cv2.getNumThreads()

    def fail() -> None:
        with cost.one_thread():
            assert cv2.getNumThreads() == 1
            raise KeyError

    cv2.setNumThreads(2)
    try:
        with pytest.raises(KeyError):
            fail()
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(former)
