"""Where healing keeps what it knows: behind one small interface, and for now in SQLite, on a disk or in memory.

A *record* is a text under a *kind* and a name. A *note* is a line of the history, which only grows, up to a limit. All
reading and writing happens in a *change*: one at a time over all threads and processes, kept as a whole when it ends or
not at all, and durable when it has ended.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from steadyhand.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

MOST_NOTES = 100_000
"""How many lines of the history are kept: some weeks of a busy robot, 50 MB. The audit log keeps all of it."""

_WAIT_S = 10.0
"""A change takes milliseconds. Who waits longer than this waits for something that hangs."""

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE record (kind TEXT, name TEXT, text TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE note (number INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL);
"""


class Records(Protocol):
    """What is kept, as it is during a change."""

    def get(self, kind: str, name: str) -> str | None:
        """The text of a record; None if there is none."""
        ...

    def all(self, kind: str) -> dict[str, str]:
        """Every record of a kind, by its name, in the order of the names."""
        ...

    def put(self, kind: str, name: str, text: str) -> None:
        """Make a record, or replace it."""
        ...

    def remove(self, kind: str, name: str) -> None:
        """Remove a record, if it is there."""
        ...

    def note(self, text: str) -> None:
        """Add a line to the history."""
        ...

    def notes(self, after: int) -> list[tuple[int, str]]:
        """The lines of the history with a higher number, each with its number, the oldest first."""
        ...


class StateStore(Protocol):
    """Keeps records and notes."""

    def change(self) -> AbstractContextManager[Records]:
        """Read and write, alone. If the block raises, nothing was written.

        Raises:
            StoreError: What is kept cannot be read, or cannot be written. Nothing of the change is kept then.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class SqliteStore:
    """Keeps records in a SQLite database. Safe for several threads and for several processes on one file.

    The database is in WAL mode and synced with every change that wrote something, so what has ended is there after a
    crash. A change that only reads syncs nothing.

    Args:
        path: The file, made with its folder if needed; None for a database in memory, which ends with the program.

    Raises:
        StoreError: It cannot be opened: it is damaged, of a later release, or the folder refuses it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._faults("opened"):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._opened()

    @contextmanager
    def change(self) -> Iterator[Records]:
        """Read and write, alone. If the block raises, nothing was written.

        Raises:
            StoreError: What is kept cannot be read, or cannot be written. Nothing of the change is kept then.
        """
        with self._lock:
            with self._faults("read"):
                self._database.execute("BEGIN IMMEDIATE")
            try:
                with self._faults("read or written"):
                    yield _SqliteRecords(self._database)
                with self._faults("written"):
                    self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def _opened(self) -> sqlite3.Connection:
        """The database, with its tables."""
        database = sqlite3.connect(
            self._path or ":memory:", timeout=_WAIT_S, isolation_level=None, check_same_thread=False
        )
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        database.execute("COMMIT")
        if version > _SCHEMA_VERSION:
            raise StoreError(f"{self._path} was written by a later release of Steadyhand.", "Update Steadyhand.")
        return database

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        """Turn the database's faults into ours."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The state database {self._path or 'in memory'} cannot be {what}: {error}.",
                "Nothing is executed without it. Look whether the disk is full, the file damaged, or another program "
                "holds it.",
            ) from error


class _SqliteRecords:
    """What is kept, as it is during a change."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def get(self, kind: str, name: str) -> str | None:
        """The text of a record; None if there is none."""
        row = self._database.execute("SELECT text FROM record WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        return row[0] if row else None

    def all(self, kind: str) -> dict[str, str]:
        """Every record of a kind, by its name, in the order of the names."""
        return dict(self._database.execute("SELECT name, text FROM record WHERE kind = ? ORDER BY name", (kind,)))

    def put(self, kind: str, name: str, text: str) -> None:
        """Make a record, or replace it."""
        self._database.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (kind, name, text))

    def remove(self, kind: str, name: str) -> None:
        """Remove a record, if it is there."""
        self._database.execute("DELETE FROM record WHERE kind = ? AND name = ?", (kind, name))

    def note(self, text: str) -> None:
        """Add a line to the history."""
        number = self._database.execute("INSERT INTO note (text) VALUES (?)", (text,)).lastrowid
        self._database.execute("DELETE FROM note WHERE number <= ?", ((number or 0) - MOST_NOTES,))

    def notes(self, after: int) -> list[tuple[int, str]]:
        """The lines of the history with a higher number, each with its number, the oldest first."""
        return self._database.execute(
            "SELECT number, text FROM note WHERE number > ? ORDER BY number", (after,)
        ).fetchall()
