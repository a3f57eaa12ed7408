"""The only module that writes files, so that none is ever half written.

A *whole write* goes to a temporary name in the same folder, is synced, takes the final name in one rename, and the
folder is synced: after a crash there is the old file or the new one, never a mixture. An *append* adds one record and
is synced before it returns. After a failed sync nothing may be believed about the file, so the error is raised and the
caller writes anew (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that it is there as a whole or not at all; makes the folder if needed.

    Args:
        path: The file to make or to replace.
        content: Bytes as they are, or text as UTF-8.

    Raises:
        OSError: The folder or the disk refuses; the old file is then untouched.
    """
    raw = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # noqa: PTH101  mkstemp makes 0600, and other people read reports
        os.replace(temporary, path)  # noqa: PTH105  the durable write in its plainest form
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108  the durable write in its plainest form
        raise
    _sync_folder(path.parent)


def append_record(path: Path, record: str) -> None:
    """Add one line to a file and sync it before returning; makes the file and its folder if needed.

    Args:
        path: The file of lines.
        record: The line, without its line end.

    Raises:
        OSError: The folder or the disk refuses; the line may then be there in part, as the last one.
    """
    assert "\n" not in record, "a record is one line"
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(record.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        _sync_folder(path.parent)


def content_hash(content: bytes) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of some bytes: a name for content, not a seal."""
    return hashlib.sha256(content).hexdigest()[:16]


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; folders cannot be opened on Windows, where the rename alone has to do."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
