"""What the tests of the model share."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def png(width: int, height: int) -> bytes:
    """A black grey-scale PNG of this many pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = zlib.compress(bytes((width + 1) * height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def make_png() -> Callable[[int, int], bytes]:
    """Makes a black PNG of so many pixels."""
    return png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a workflow file, with the image `images/screen.png` of 400x300 pixels."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "screen.png").write_bytes(png(400, 300))
    return tmp_path
