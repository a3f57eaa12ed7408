"""What is torn or harmed in an audit log is told, and repaired only if nothing was lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import ConfigError, StoreError
from steadyhand.evidence.audit_chain import HEAD, MOST_PROBLEMS, Tail, log_files, verify
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLOCK = ManualClock()


def records(folder: Path) -> list[dict[str, Any]]:
    """All records of a log, as a program reads them that knows nothing of it."""
    return [json.loads(line) for path in log_files(folder) for line in path.read_bytes().splitlines()]


def intent(step: str) -> Intended:
    """A record."""
    return Intended(workflow="pay", step=step, run="1", action="click")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the log goes; not there yet."""
    return tmp_path / "data" / "audit"


# ------------------------------------------------------------------------------------------------- torn and damaged


def test_a_torn_end_is_repaired_and_told(folder: Path) -> None:
    """Half a record of somebody who was killed is taken away by the next one, who says so in the log."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"))
    with log_files(folder)[0].open("ab") as file:
        file.write(b'{"number":2,"for')
    assert (verify(folder).is_sound, verify(folder).torn_bytes) == (True, 16)
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("two"))
    assert [(each["kind"], each.get("dropped_bytes")) for each in records(folder)] == [
        ("intent", None), ("repair", 16), ("intent", None),
    ]  # fmt: skip
    assert (verify(folder).is_sound, verify(folder).torn_bytes) == (True, 0)


def test_a_torn_end_is_repaired_by_one_who_was_there_before(folder: Path) -> None:
    """Nobody has to open the log anew for that."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"), durable=True)
        with log_files(folder)[0].open("ab") as file:
            file.write(b"{")
        log.append(intent("two"))
    assert [each["kind"] for each in records(folder)] == ["intent", "repair", "intent"]
    assert verify(folder).is_sound


def cut_end(folder: Path) -> None:
    """Remove the last record."""
    path = log_files(folder)[-1]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def change_end(folder: Path) -> None:
    """Change the last record."""
    path = log_files(folder)[-1]
    path.write_bytes(path.read_bytes().replace(b"three", b"THREE"))


def spoil_end(folder: Path) -> None:
    """Put something behind the last record."""
    with log_files(folder)[-1].open("ab") as file:
        file.write(b"nonsense\n")


def remove_head(folder: Path) -> None:
    """Remove the head."""
    (folder / HEAD).unlink()


def spoil_head(folder: Path) -> None:
    """Write nonsense into the head."""
    (folder / HEAD).write_bytes(b"{}")


def remove_all(folder: Path) -> None:
    """Remove all files but the head."""
    for path in log_files(folder):
        path.unlink()


def empty_all(folder: Path) -> None:
    """Leave of the files their names."""
    for path in log_files(folder):
        path.write_bytes(b"")


def rename_last(folder: Path) -> None:
    """Leave one empty file whose name promises records before it."""
    remove_all(folder)
    (folder / HEAD).write_bytes(b"")
    (folder / "000000000007.jsonl").touch()


@pytest.mark.parametrize(
    "harm", [cut_end, change_end, spoil_end, remove_head, spoil_head, remove_all, empty_all, rename_last]
)
def test_a_log_whose_end_was_harmed_is_not_gone_on_with(folder: Path, harm: Callable[[Path], None]) -> None:
    """What somebody did to the end is told, by the check and by whoever wants to write; nothing is covered up."""
    with AuditLog(folder, CLOCK) as log:
        for step in ("one", "two", "three"):
            log.append(intent(step))
    harm(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert not verify(folder).is_sound
    with pytest.raises(StoreError):
        AuditLog(folder, CLOCK)
    before.setdefault(HEAD, b"")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_of_another_name_is_told(folder: Path) -> None:
    """The records may all be there: a file that is not named by its first one was tampered with."""
    with AuditLog(folder, CLOCK, Limits(file_bytes=1)) as log:
        log.append(intent("one"))
        log.append(intent("two"))
    first, second = log_files(folder)
    second.rename(folder / "000000000009.jsonl")
    assert verify(folder).problems == ("000000000009.jsonl: the file of record 2 belongs here",)
    assert first.exists()


def test_a_record_of_another_number_is_told(folder: Path) -> None:
    """The last record names the one before it rightly, but not itself: what is missing between them is told."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"))
        log.append(intent("two"))
    (path,) = log_files(folder)
    path.write_bytes(path.read_bytes().replace(b'{"number":2,', b'{"number":7,'))
    assert "000000000001.jsonl:2 is record 7, where record 2 belongs" in verify(folder).problems


def test_a_log_without_a_record_is_sound(folder: Path) -> None:
    """A log that was only opened has no first record, and retention has removed none."""
    AuditLog(folder, CLOCK).close()
    found = verify(folder)
    assert (found.is_sound, found.first, found.last.number, found.pruned) == (True, 0, 0, 0)


def test_only_the_first_problems_are_told_one_by_one(folder: Path) -> None:
    """A file full of nonsense does not fill the screen."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"))
    log_files(folder)[0].write_bytes(b"nonsense\n" * 1000)
    found = verify(folder)
    assert (len(found.problems), found.count) == (MOST_PROBLEMS, 1001)


def test_there_may_be_no_log(folder: Path) -> None:
    """Where nobody has written, there is nothing to verify."""
    with pytest.raises(ConfigError, match="no audit log"):
        verify(folder)


# ------------------------------------------------------------------------------------------------------- small parts


@pytest.mark.parametrize(
    ("raw", "tail"),
    [
        (b"", (0, 0, None)),
        (b"torn", (0, 4, None)),
        (b"a\n", (2, 0, b"a")),
        (b"a\nbc\n", (5, 0, b"bc")),
        (b"a\nbc\ntorn", (5, 4, b"bc")),
        (b"\n", (1, 0, b"")),
        (b"a\n" + b"b" * 9000 + b"\n", (9003, 0, b"b" * 9000)),
        (b"a\n" + b"b" * 9000, (2, 9000, b"a")),
    ],
)
def test_the_end_of_a_file_is_found(tmp_path: Path, raw: bytes, tail: tuple[int, int, bytes | None]) -> None:
    """The last whole line, how far the file is whole, and how much is torn."""
    (tmp_path / "file").write_bytes(raw)
    assert Tail.of(tmp_path / "file") == tail
