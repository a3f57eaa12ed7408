"""What `steadyhand.model.png` tells of an image without decoding it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.model.png import png_size

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("width", "height"), [(1, 1), (400, 300), (2560, 7)])
def test_size_is_width_then_height(width: int, height: int, make_png: Callable[[int, int], bytes]) -> None:
    """The size of a PNG is read from its header."""
    assert png_size(make_png(width, height)) == (width, height)


def test_opencv_writes_what_is_read_here() -> None:
    """A picture that OpenCV wrote has the size that OpenCV was given."""
    written, raw = cv2.imencode(".png", np.zeros((30, 50, 3), np.uint8))
    assert written
    assert png_size(raw.tobytes()) == (50, 30)


def test_every_lost_byte_at_the_end_is_noticed(make_png: Callable[[int, int], bytes]) -> None:
    """A PNG that is cut off anywhere is not taken for a whole one."""
    whole = make_png(20, 10)
    for length in range(len(whole)):
        with pytest.raises(ValueError, match=r"not a PNG|cut off"):
            png_size(whole[:length])


def test_every_changed_byte_is_noticed(make_png: Callable[[int, int], bytes]) -> None:
    """A PNG with one wrong byte anywhere is not taken for a sound one."""
    whole = make_png(20, 10)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        with pytest.raises(ValueError, match=r"not a PNG|cut off|damaged"):
            png_size(bytes(damaged))


def test_a_png_without_pixels_is_none(make_png: Callable[[int, int], bytes]) -> None:
    """A PNG of width zero is refused in words."""
    with pytest.raises(ValueError, match="without pixels"):
        png_size(make_png(0, 10))
