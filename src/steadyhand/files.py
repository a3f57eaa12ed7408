"""The only module that writes files, so that none is ever half written.

A *whole write* goes to a temporary name in the same folder, is synced, takes the final name in one rename, and the
folder is synced: after a crash there is the old file or the new one, never a mixture. An *append* adds one record and
is synced before it returns. A *growing file* takes many records, and is synced when its owner says so. A *new folder*
is written with all its files; it is there for good when that returns, and in part until then. After a failed sync
nothing may be believed about the file, so the error is raised and the caller writes anew (Rebello et al., "Can
Applications Recover from fsync Failures?", USENIX ATC 2020).

A *lock file* is held by one owner at a time, over all threads and processes of one machine, and remembers a few bytes.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_BINARY = getattr(os, "O_BINARY", 0)
"""Windows translates line ends unless it is told not to."""

_LOCKED_BYTE = 4096
"""Windows locks bytes, and nobody may read those: this one lies behind all that is ever noted."""


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


def make_folder(folder: Path) -> None:
    """Make a folder for good, and those above it; nothing if it is there.

    Raises:
        OSError: The folder above or the disk refuses.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def write_folder(folder: Path, files: Mapping[str, Iterable[bytes | memoryview]]) -> None:
    """Make a new folder with files in it, for good. Nobody may look at it before this returns.

    Whole writes would take a rename and a sync more for each file: here is nothing before it that must be kept.

    Args:
        folder: It must not be there; those above it are made if needed.
        files: What goes into each file, in pieces, by the name of the file.

    Raises:
        OSError: The folder or the disk refuses; the new folder may then be there in part.
    """
    make_folder(folder.parent)
    folder.mkdir()
    for name, pieces in files.items():
        with (folder / name).open("xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
    _sync_folder(folder)
    _sync_folder(folder.parent)


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


class GrowingFile:
    """A file that grows at its end; made if it is missing, in a folder that is there.

    Args:
        path: The file.

    Raises:
        OSError: The folder or the disk refuses; from every method.
    """

    def __init__(self, path: Path) -> None:
        is_new = not path.exists()
        self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o644)
        if is_new:
            _sync_folder(path.parent)

    def append(self, raw: bytes) -> None:
        """Add bytes, all of them or, as far as the disk still obeys, none. Only `sync` makes sure that they stay."""
        size_bytes = os.fstat(self._handle).st_size
        try:
            left = memoryview(raw)
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError:
            with suppress(OSError):
                self.cut(size_bytes)
            raise

    def cut(self, size_bytes: int) -> None:
        """Take away what lies behind the first `size_bytes` bytes."""
        os.ftruncate(self._handle, size_bytes)

    def sync(self) -> None:
        """Bring to the disk what was added. If this fails, no later sync of this file may be believed either."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


class LockFile:
    """A file that one owner at a time may hold, with a few bytes in it; made if it is missing, and never removed.

    A lock belongs to the object: two objects on one file exclude each other, be they in one process or in two. It is
    let go when its process ends, however it ends. On a folder of the network it may exclude nobody.

    Args:
        path: The file, in a folder that is there.

    Raises:
        OSError: The folder or the disk refuses; from every method.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o644)

    def try_to_hold(self) -> bool:
        """Hold it, if nobody else does."""
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  only there

            os.lseek(self._handle, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(self._handle, msvcrt.LK_NBLCK, 1)
            except OSError:
                return False
            return True
        import fcntl  # noqa: PLC0415  not everywhere

        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let others hold it."""
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  only there

            os.lseek(self._handle, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(self._handle, msvcrt.LK_UNLCK, 1)
            return
        import fcntl  # noqa: PLC0415  not everywhere

        fcntl.flock(self._handle, fcntl.LOCK_UN)

    def read(self) -> bytes:
        """What was noted in it last; nothing if nothing was."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        return os.read(self._handle, _LOCKED_BYTE)

    def note(self, raw: bytes) -> None:
        """Put bytes into it, always as many: they outlive the process, and a power failure may leave older ones."""
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.write(self._handle, raw)

    def sync(self) -> None:
        """Bring it to the disk, with what is in it."""
        os.fsync(self._handle)
        _sync_folder(self._path.parent)

    def close(self) -> None:
        """Let go of the file, and of the lock."""
        os.close(self._handle)


def remove(path: Path) -> None:
    """Remove a file for good: it does not come back after a power failure.

    Raises:
        OSError: The folder refuses.
    """
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def discard(path: Path) -> None:
    """Remove a file, or a folder of files, that nobody needs: it may come back, even in part, after a power failure.

    Raises:
        OSError: The folder refuses; a part may then be gone.
    """
    if path.is_dir():
        for file in path.iterdir():
            discard(file)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


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
