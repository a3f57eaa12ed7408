"""The files of an audit log: what is torn or harmed is told, when a new one is begun, and which are removed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import ConfigError, StoreError
from steadyhand.evidence.audit_chain import HEAD, MOST_PROBLEMS, Tail, log_files, verify
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended

if TYPE_CHECKING:
    from collections.abc import Callable

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


# ------------------------------------------------------------------------------------------- rotation and retention


def test_a_new_file_is_begun_when_one_is_big_enough(folder: Path) -> None:
    """Files have about the size that was asked for, and the first record of each names the last of the one before."""
    with AuditLog(folder, CLOCK, Limits(file_bytes=1000)) as log:
        for number in range(20):
            log.append(intent(str(number)))
    files = log_files(folder)
    assert len(files) > 3
    assert all(path.stat().st_size < 1300 for path in files)
    assert [int(path.stem) for path in files] == [
        json.loads(path.read_text().split("\n")[0])["number"] for path in files
    ]
    assert (verify(folder).is_sound, len(records(folder))) == (True, 20)


def test_a_new_file_is_begun_when_one_is_old_enough(folder: Path) -> None:
    """A file is written to for a day, also over restarts; a clock that was turned back changes nothing."""
    clock = ManualClock()
    for _ in range(6):
        with AuditLog(folder, clock) as log:
            log.append(intent("one"))
        clock.sleep(12 * 3600)
    assert [int(path.stem) for path in log_files(folder)] == [1, 3, 5]
    with AuditLog(folder, ManualClock(clock.now() - timedelta(days=9000))) as log:
        log.append(intent("long ago"))
    assert len(log_files(folder)) == 3
    assert verify(folder).is_sound


def test_the_limits_are_those_that_the_page_names() -> None:
    """What a file may have, and what is kept, is as documented."""
    page, limits = (Path(__file__).parents[3] / "docs/audit.md").read_text(), Limits()
    assert f"A new one is begun after {limits.file_bytes / 2**20:g} MiB (some 40,000 records) or a day." in page
    assert limits.file_s == 86_400
    told = (
        f"more than {limits.kept_bytes / 2**30:g} GiB or the oldest one ended more than {limits.kept_s / 86_400:g} days"
    )
    assert told in " ".join(page.split())


def test_a_file_is_full_at_its_limit(folder: Path) -> None:
    """One that has exactly as many bytes as it may have is not written to any more; with one byte less it is."""
    sizes = {}
    for more in (0, 1):
        with AuditLog(folder / str(more), CLOCK) as log:
            log.append(intent("one"))
        size_bytes = log_files(folder / str(more))[0].stat().st_size
        with AuditLog(folder / str(more), CLOCK, Limits(file_bytes=size_bytes + more)) as log:
            log.append(intent("two"))
        sizes[more] = len(log_files(folder / str(more)))
    assert sizes == {0: 2, 1: 1}


@pytest.mark.parametrize(("less_bytes", "less_s", "kept"), [(0, 0, 3), (1, 0, 2), (0, 1, 2)])
def test_what_is_at_its_limit_is_kept(folder: Path, less_bytes: int, less_s: float, kept: int) -> None:
    """Files that have just as many bytes as may be kept, or are just as old, stay; with one more the oldest goes."""
    clock = ManualClock()
    with AuditLog(folder, clock, Limits(file_bytes=1)) as log:
        log.append(intent("one"))
        log.append(intent("two"))
    clock.sleep(100.0)
    size_bytes = sum(path.stat().st_size for path in log_files(folder))
    limits = Limits(file_bytes=1, kept_bytes=size_bytes - less_bytes, kept_s=100.0 - less_s)
    with AuditLog(folder, clock, limits) as log:
        log.append(intent("three"))
    assert len(log_files(folder)) == kept


def test_what_is_too_much_is_removed_and_told(folder: Path) -> None:
    """The oldest files go when there is too much; the rest stays sound, and says what is missing and why."""
    with AuditLog(folder, CLOCK, Limits(file_bytes=1000, kept_bytes=3000)) as log:
        for number in range(60):
            log.append(intent(str(number)))
    found = verify(folder)
    assert found.problems == ()
    assert found.pruned == found.first - 1 > 20
    assert sum(path.stat().st_size for path in log_files(folder)) < 4300
    kept = records(folder)
    assert [each["step"] for each in kept if each["kind"] == "intent"][-1] == "59"
    assert [each for each in kept if each["kind"] == "prune"][-1]["first_kept"] == found.first


def test_what_is_too_old_is_removed(folder: Path) -> None:
    """A record is kept for as long as was asked for, and some while longer."""
    clock = ManualClock()
    with AuditLog(folder, clock, Limits(file_s=10.0, kept_s=35.0)) as log:
        for second in range(100):
            log.append(intent(str(second)))
            clock.sleep(1.0)
    found = verify(folder)
    assert (found.is_sound, found.pruned > 0) == (True, True)
    oldest = next(int(each["step"]) for each in records(folder) if each["kind"] == "intent")
    assert 40 <= oldest <= 65


def test_a_beginning_that_nobody_pruned_is_missed(folder: Path) -> None:
    """A first file that somebody else removed is told from one that retention removed."""
    with AuditLog(folder, CLOCK, Limits(file_bytes=600)) as log:
        for number in range(9):
            log.append(intent(str(number)))
    log_files(folder)[0].unlink()
    assert any("not because of retention" in problem for problem in verify(folder).problems)


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


def test_a_head_that_names_another_file_is_seen(folder: Path) -> None:
    """Though all records are there: nothing else says which file is written to."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"), durable=True)
    head = folder / HEAD
    head.write_bytes(head.read_bytes().replace(b'"file": 1', b'"file": 3'))
    assert not verify(folder).is_sound
