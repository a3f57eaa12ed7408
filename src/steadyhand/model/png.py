"""Just enough of PNG to tell whether a recorded screen is whole, and how large it is, without decoding it.

Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", sections 5.2 to 5.4 and 11.2.1.
"""

from __future__ import annotations

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAMING_BYTES = 12  # length, name and checksum of a chunk, four bytes each
_SIZE_BYTES = 8  # width and height, four bytes each


def png_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG, every chunk of which has arrived undamaged.

    Args:
        content: The whole file.

    Raises:
        ValueError: This is no PNG, or it is cut off or damaged; the message says which, in a few words.
    """
    if not content.startswith(_SIGNATURE):
        raise ValueError("not a PNG")
    position, size, name = len(_SIGNATURE), (0, 0), b""
    while name != b"IEND":
        if position + _FRAMING_BYTES > len(content):
            raise ValueError("a PNG that is cut off")
        length, name = struct.unpack_from(">I4s", content, position)
        end = position + _FRAMING_BYTES + length
        if end > len(content):
            raise ValueError("a PNG that is cut off")
        (checksum,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(content[position + 4 : end - 4]) != checksum:
            raise ValueError("a PNG that is damaged")
        if name == b"IHDR" and length >= _SIZE_BYTES:
            size = struct.unpack_from(">II", content, position + 8)
        position = end
    if 0 in size:
        raise ValueError("a PNG without pixels")
    return size
