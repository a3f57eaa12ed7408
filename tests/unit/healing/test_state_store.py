"""What healing keeps: whole changes or none, for many at once, and after a crash."""

from __future__ import annotations

import functools
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from steadyhand.errors import StoreError
from steadyhand.healing import state_store
from steadyhand.healing.state_store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from steadyhand.healing.state_store import Records


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store, in each place where it can be."""
    store = SqliteStore(tmp_path / "robots" / "data" / "state.db" if request.param == "file" else None)
    yield store
    store.close()


@contextmanager
def reopened(path: Path) -> Iterator[Records]:
    """What is in a database that was closed, or whose program died."""
    store = SqliteStore(path)
    with store.change() as records:
        yield records
    store.close()


def test_records_are_kept_by_kind_and_name(store: SqliteStore) -> None:
    """A record can be made, replaced, listed and removed; kinds do not mix."""
    with store.change() as records:
        assert records.get("a", "one") is None
        records.put("a", "two", "2")
        records.put("a", "one", "1")
        records.put("b", "one", "x")
        records.put("a", "two", "3")
    with store.change() as records:
        assert list(records.all("a").items()) == [("one", "1"), ("two", "3")]
        records.remove("a", "one")
        records.remove("a", "never there")
        assert (records.get("a", "one"), records.get("b", "one")) == (None, "x")


def test_the_history_grows(store: SqliteStore) -> None:
    """Notes are numbered in the order in which they were made, and can be read from any of them on."""
    for text in ("first", "second", "third"):
        with store.change() as records:
            records.note(text)
    with store.change() as records:
        assert records.notes(0) == [(1, "first"), (2, "second"), (3, "third")]
        assert records.notes(2) == [(3, "third")]


def test_the_history_has_an_end(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest notes are forgotten beyond a number, and numbers are not given twice."""
    monkeypatch.setattr(state_store, "MOST_NOTES", 2)
    with store.change() as records:
        for text in "abcd":
            records.note(text)
        assert records.notes(0) == [(3, "c"), (4, "d")]


def test_a_change_that_raises_keeps_nothing(store: SqliteStore) -> None:
    """Whatever it wrote before is as if it had never been, and the next change goes on."""

    def change_and_raise() -> None:
        with store.change() as records:
            records.put("a", "one", "1")
            records.note("never")
            raise KeyError

    with pytest.raises(KeyError):
        change_and_raise()
    with store.change() as records:
        assert (records.get("a", "one"), records.notes(0)) == (None, [])


def test_threads_wait_for_each_other(store: SqliteStore) -> None:
    """Of many threads that count on one record none loses a count."""

    def count() -> None:
        for _ in range(50):
            with store.change() as records:
                records.put("a", "n", str(int(records.get("a", "n") or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.change() as records:
        assert records.get("a", "n") == "200"


# ----------------------------------------------------------------------------------------------------------- groups


class Crowd:
    """Threads that change a store together: each is inside before the first one goes on.

    Args:
        store: What they change.
        works: What each of them does in its change.

    Attributes:
        faults: What came of each, by its place: None if its change was kept.
        commits: How many transactions were ended by that.
    """

    def __init__(self, store: SqliteStore, *works: Callable[[Records], object]) -> None:
        self.faults: dict[int, Exception | None] = {}
        self.commits = 0
        goes_on = threading.Event()

        def change(place: int) -> None:
            try:
                with store.change() as records:
                    assert goes_on.wait(30)
                    works[place](records)
            except (StoreError, KeyError) as fault:
                self.faults[place] = fault
            else:
                self.faults[place] = None

        store._database.set_trace_callback(self._count)  # noqa: SLF001  the disk cannot be asked how often it synced
        threads = [threading.Thread(target=change, args=[place]) for place in range(len(works))]
        for number, thread in enumerate(threads, 1):
            thread.start()
            while store._inside < number:  # noqa: SLF001  that they wait cannot be seen from outside
                pass
        goes_on.set()
        for thread in threads:
            thread.join()
        store._database.set_trace_callback(None)  # noqa: SLF001  as above

    def _count(self, statement: str) -> None:
        self.commits += statement == "COMMIT"


def note(text: str) -> Callable[[Records], None]:
    """What writes a line."""
    return lambda records: records.note(text)


def fail(records: Records) -> None:
    """Write something, and then raise."""
    records.note("never")
    raise KeyError


def lose(statement: str) -> Callable[[Records], None]:
    """What writes something on a disk that then fails, after which the database has done this by itself."""

    def work(records: Records) -> None:
        records.note("never")
        records._database.execute(statement)  # type: ignore[attr-defined]  # noqa: SLF001  what a full disk may lead to
        raise sqlite3.OperationalError("disk I/O error")

    return work


def lines(store: SqliteStore) -> set[str]:
    """The history, in no order."""
    with store.change() as records:
        return {text for _, text in records.notes(0)}


def test_changes_that_come_together_are_kept_together(store: SqliteStore) -> None:
    """Nine changes, one of which only reads, are kept by one commit; so is one that comes alone."""
    assert Crowd(store, *[note(str(number)) for number in range(8)], lambda records: records.notes(0)).commits == 1
    assert lines(store) == set("01234567")
    assert Crowd(store, note("alone")).commits == 1


def test_one_that_raises_harms_no_other(store: SqliteStore) -> None:
    """Of a group only the change that raised is not kept, whether it is the first, the last, or in between."""
    for number, works in enumerate([(fail, note("a"), note("b")), (note("c"), fail, note("d")), (note("e"), fail)]):
        crowd = Crowd(store, *works)
        assert [place for place, fault in crowd.faults.items() if fault] == [works.index(fail)], number
    assert lines(store) == set("abcde")


def test_a_group_that_cannot_be_kept_is_told_to_all(store: SqliteStore) -> None:
    """If the commit fails, no change of the group has happened, each of them is told, and the next one goes on."""

    def no_commit(action: int, what: str | None, *_: object) -> int:
        is_commit = (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT")
        return sqlite3.SQLITE_DENY if is_commit else sqlite3.SQLITE_OK

    store._database.set_authorizer(no_commit)  # noqa: SLF001  a disk that fails at this moment, without one
    crowd = Crowd(store, note("a"), note("b"), lambda records: records.get("a", "b"))
    store._database.set_authorizer(None)  # noqa: SLF001  as above
    assert ["cannot be written: not authorized" in str(crowd.faults[place]) for place in range(3)] == [True] * 3
    assert lines(store) == set()
    assert Crowd(store, note("c")).faults == {0: None}
    assert lines(store) == {"c"}


@pytest.mark.parametrize("statement", ["ROLLBACK", "RELEASE change"])
def test_what_took_the_group_with_it_is_told_to_all(statement: str, store: SqliteStore) -> None:
    """If one change cannot be taken back alone, all of its group are told, and nothing of it is kept."""
    crowd = Crowd(store, note("a"), lose(statement), note("b"))
    assert {place for place, fault in crowd.faults.items() if isinstance(fault, StoreError)} == {0, 1, 2}
    assert "disk I/O error" in str(crowd.faults[1])
    assert lines(store) == set()
    assert Crowd(store, note("c")).faults == {0: None}
    assert lines(store) == {"c"}


def test_nobody_returns_before_all_is_on_the_disk(store: SqliteStore) -> None:
    """Who read what is not kept yet returns when it is: when the last one of the group has gone."""
    order: list[str] = []

    def go_first() -> None:
        with store.change():
            until_inside(2)
        order.append("the first has returned")

    def go_last() -> None:
        with store.change() as records:
            until_inside(1)
            for number in range(100):
                records.note(str(number))
            order.append("the last is still there")

    def until_inside(count: int) -> None:
        while store._inside != count:  # noqa: SLF001  who is inside cannot be seen from outside
            pass

    threads = [threading.Thread(target=go) for go in (go_first, go_last)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        if number == 1:
            until_inside(1)
    for thread in threads:
        thread.join()
    assert order == ["the last is still there", "the first has returned"]


# -------------------------------------------------------------------------------------------- processes and crashes

COUNTING = """
import sys
from pathlib import Path
from steadyhand.healing.state_store import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
for _ in range(50):
    with store.change() as records:
        records.put("a", "n", str(int(records.get("a", "n") or 0) + 1))
"""


def test_processes_wait_for_each_other(tmp_path: Path) -> None:
    """Of several processes that make one database and count in it none loses a count."""
    path = tmp_path / "new" / "state.db"
    children = [subprocess.Popen([sys.executable, "-c", COUNTING, str(path)]) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with reopened(path) as records:
        assert records.get("a", "n") == "150"


class Refusing(sqlite3.Connection):
    """A database that several processes make: it refuses the change of its mode some times, without waiting."""

    left = 0

    def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
        """Refuse, or do as ever."""
        if "journal_mode" in sql and Refusing.left:
            Refusing.left -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *more)


@pytest.mark.parametrize(("refusals", "opens"), [(1, True), (10, True), (11, False)])
def test_who_makes_the_database_beside_others_waits(
    refusals: int, *, opens: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that passes is waited for; one that stays is told."""
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Refusing))
    monkeypatch.setattr(Refusing, "left", refusals)
    if not opens:
        with pytest.raises(StoreError, match="cannot be opened: database is locked"):
            SqliteStore(tmp_path / "state.db")
        return
    store = SqliteStore(tmp_path / "state.db")
    assert store._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)  # noqa: SLF001  what it came to
    store.close()


DYING = """
import os, signal, sys
from pathlib import Path
from steadyhand.healing.state_store import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
left = int(sys.argv[2])

def die(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

store._database.set_trace_callback(die)
for number in range(1, 4):
    with store.change() as records:
        records.put("a", "left", str(number))
        records.put("a", "right", str(number))
        records.note(str(number))
    os.write(1, str(number).encode())
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("statement", range(1, 19))
def test_a_process_that_is_killed_leaves_whole_changes(statement: int, tmp_path: Path) -> None:
    """Killed at any statement, what was said to be kept is there, and nothing by half."""
    path = tmp_path / "state.db"
    done = subprocess.run([sys.executable, "-c", DYING, str(path), str(statement)], capture_output=True, check=False)
    said = len(done.stdout)
    assert (done.returncode == 0) == (said == 3)
    with reopened(path) as records:
        left, right, notes = records.get("a", "left"), records.get("a", "right"), records.notes(0)
    assert left == right
    assert said <= int(left or 0) <= said + 1
    assert [text for _, text in notes] == [str(number) for number in range(1, int(left or 0) + 1)]


# ----------------------------------------------------------------------------------------------------------- faults


def test_what_is_kept_outlives_the_program(tmp_path: Path) -> None:
    """A store that is opened again has what was there."""
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    with store.change() as records:
        records.put("a", "one", "1")
    store.close()
    with reopened(path) as records:
        assert records.get("a", "one") == "1"


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    """A file that is no database is refused in words, and left as it is."""
    path = tmp_path / "state.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"state\.db cannot be opened"):
        SqliteStore(path)
    assert path.read_bytes().startswith(b"this is no database")


def test_a_database_of_a_later_release_is_told(tmp_path: Path) -> None:
    """What a later release wrote is not touched."""
    path = tmp_path / "state.db"
    SqliteStore(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(StoreError, match="later release"):
        SqliteStore(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in the way of the folder is told."""
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path / "data" / "state.db")


def test_a_database_that_another_program_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits too long is told so; once the other one has let go, all is well."""
    monkeypatch.setattr(state_store, "_WAIT_S", 0.01)
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"), store.change():
        pass
    holder.execute("ROLLBACK")
    holder.close()
    with store.change() as records:
        records.put("a", "one", "1")
    store.close()


def test_a_full_disk_is_told_and_keeps_the_old(tmp_path: Path) -> None:
    """A change that does not fit is kept not at all; a smaller one then is."""
    store = SqliteStore(tmp_path / "state.db")
    with store.change() as records:
        records.put("a", "one", "1")
    with store.change() as records:
        records.put("b", "limit", "")
    store._database.execute("PRAGMA max_page_count = 8")  # noqa: SLF001  a full disk, without one
    with pytest.raises(StoreError, match="full"), store.change() as records:
        records.put("a", "one", "2" * 1_000_000)
    with store.change() as records:
        assert records.get("a", "one") == "1"
        records.put("a", "one", "3")
    with store.change() as records:
        assert records.get("a", "one") == "3"
    store.close()
