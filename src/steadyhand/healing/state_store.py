"""Where healing keeps what it knows: behind one small interface, and for now in SQLite, on a disk or in memory.

A *record* is a text under a *kind* and a name. A *note* is a line of the history, which only grows, up to a limit. All
reading and writing happens in a *change*: one at a time over all threads and processes, kept as a whole when it ends or
not at all, and durable when it has ended.

Changes of several threads that come at the same time make a *group*: they are done one after the other, and one sync
brings all of them to the disk. None of them has ended before that, not even one that only read: it may have read what
the one before it wrote.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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

_TIMES = 10
"""How often a mode that was refused is asked for again: more often than robots start at the same instant."""

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
        self._door = threading.Condition()
        self._inside = 0
        self._alone = threading.Lock()
        self._group: _Group | None = None
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._opened()
        except (sqlite3.Error, OSError) as error:
            raise self._fault("opened", error) from error
        self._records = _SqliteRecords(self._database)

    @contextmanager
    def change(self) -> Iterator[Records]:
        """Read and write, alone. If the block raises, nothing was written.

        Raises:
            StoreError: What is kept cannot be read, or cannot be written. Nothing of the change is kept then.
        """
        with self._door:
            self._inside += 1
        try:
            with self._alone:
                group = self._join()
                try:
                    yield self._records
                    self._database.execute("RELEASE change")
                except BaseException:
                    self._undo()
                    raise
        except sqlite3.Error as error:
            raise self._fault("read or written", error) from error
        finally:
            self._leave()
        with self._door:
            self._door.wait_for(lambda: group.is_over)
        if group.fault:
            raise self._fault("written", group.fault)

    def close(self) -> None:
        """Let go of the file."""
        with self._alone:
            self._database.close()

    def _opened(self) -> sqlite3.Connection:
        """The database, with its tables."""
        database = sqlite3.connect(
            self._path or ":memory:", timeout=_WAIT_S, isolation_level=None, check_same_thread=False
        )
        _use_wal(database)
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

    def _join(self) -> _Group:
        """Begin a change, in the group of those who are inside already, if there is one."""
        if self._group is None:
            self._database.execute("BEGIN IMMEDIATE")
            self._group = _Group()
        elif not self._database.in_transaction:
            raise sqlite3.OperationalError("what was written just before could not be")
        self._database.execute("SAVEPOINT change")
        return self._group

    def _undo(self) -> None:
        """Take back what a change has written; if not even that is possible, all of its group: `COMMIT` fails then."""
        try:
            self._database.execute("ROLLBACK TO change")
            self._database.execute("RELEASE change")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")

    def _leave(self) -> None:
        """Go out. Whoever leaves last keeps what the group has written; who comes meanwhile waits at the door."""
        with self._door:
            self._inside -= 1
            if self._inside or self._group is None:
                return
            group, self._group = self._group, None
            try:
                self._database.execute("COMMIT")
                group.fault = ""
            except sqlite3.Error as error:
                group.fault = str(error)
            finally:
                if group.fault:
                    with suppress(sqlite3.Error):
                        self._database.execute("ROLLBACK")
                group.is_over = True
                self._door.notify_all()

    def _fault(self, what: str, why: Exception | str) -> StoreError:
        """A fault of the database, as ours."""
        return StoreError(
            f"The state database {self._path or 'in memory'} cannot be {what}: {why}.",
            "Nothing is executed without it. Look whether the disk is full, the file damaged, or another program "
            "holds it.",
        )


@dataclass(slots=True)
class _Group:
    """Changes that are brought to the disk together.

    Attributes:
        is_over: They are, or never will be.
        fault: Why they never will be; empty if they are.
    """

    is_over: bool = False
    fault: str = "it was broken off"


def _use_wal(database: sqlite3.Connection) -> None:
    """Put a database into WAL mode.

    Those who make it at the same time may refuse each other the change, and SQLite does not wait then. Whoever was
    refused waits until the others are done, and asks again.
    """
    for _ in range(_TIMES):
        with suppress(sqlite3.OperationalError):
            database.execute("PRAGMA journal_mode = WAL")
            return
        database.execute("BEGIN EXCLUSIVE")
        database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL")


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
