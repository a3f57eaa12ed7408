"""The audit log: what is appended is there, in order, unchanged, and nothing else is."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from steadyhand.clock import ManualClock, SystemClock
from steadyhand.errors import StoreError
from steadyhand.evidence import audit_log
from steadyhand.evidence.audit_chain import log_files, verify
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended, PolicyTaken, StepEnded
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.model.outcome import StepResult, Trigger, Verdict
from steadyhand.model.parameters import HIDDEN, SecretSource
from steadyhand.model.workflow import Secret

CLOCK = ManualClock()


def records(folder: Path) -> list[dict[str, Any]]:
    """All records of a log, as a program reads them that knows nothing of it."""
    return [json.loads(line) for path in log_files(folder) for line in path.read_bytes().splitlines()]


def policy(thresholds: dict[str, Any]) -> PolicyTaken:
    """A record with values of any kind."""
    return PolicyTaken(happened_at="", policy="1", thresholds=thresholds)


def intent(step: str, *, workflow: str = "pay") -> Intended:
    """A record."""
    return Intended(workflow=workflow, step=step, run="1", action="click")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the log goes; not there yet."""
    return tmp_path / "data" / "audit"


# ---------------------------------------------------------------------------------------------------------- records


def test_records_are_there_in_order(folder: Path) -> None:
    """What was appended is read back, numbered, each naming the one before it; over a restart, too."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"))
        log.append(StepEnded(workflow="pay", step="one", run="1", action="click", verdict=Verdict.DONE), durable=True)
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("two"))
    first, second, third = records(folder)
    assert [each["number"] for each in (first, second, third)] == [1, 2, 3]
    assert (first["kind"], first["step"], first["written_at"]) == ("intent", "one", "2026-01-01T00:00:00.000+00:00")
    assert (second["verdict"], third["step"]) == ("done", "two")
    assert "trigger" not in second, "what says nothing is left out"
    found = verify(folder)
    assert (found.is_sound, found.first, found.last.number, found.files) == (True, 1, 3, 1)


def test_hostile_texts_stay_one_line(folder: Path) -> None:
    """Line ends, quotes, what is no character, and numbers that JSON does not have: each record stays a line."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent('\n"} {"number":9,\r\u2028\ud800'))
        log.append(policy({"a": float("nan"), "b": [float("inf"), ("x", None)]}))
    hostile, odd = records(folder)
    assert hostile["step"] == '\n"} {"number":9,\r\u2028?'
    assert odd["thresholds"] == {"a": None, "b": [None, ["x", None]]}
    assert verify(folder).is_sound


def test_a_long_record_is_found_again(folder: Path) -> None:
    """However long the last line is, the next record follows it."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("x" * 100_000))
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("y"))
    assert verify(folder).is_sound
    assert [len(each["step"]) for each in records(folder)] == [100_000, 1]


def test_no_secret_is_written(folder: Path) -> None:
    """While a run lasts its secrets are struck out of every record, of every thread, wherever they stand."""
    secrets = SecretSource({"pin": Secret(env="PIN")}, {"PIN": 'hun"ter2'})
    secrets.fetch("pin")
    with AuditLog(folder, CLOCK) as log:
        with log.hiding(secrets.hide):
            said = StepEnded(
                workflow='hun"ter2', action="type", verdict=Verdict.FAILED, reason=r"cannot type 'hun\"ter2' here"
            )
            other = threading.Thread(target=log.append, args=[said])
            other.start()
            other.join()
            log.append(policy({'hun"ter2': ['hun"ter2']}), durable=True)
        log.append(intent("nothing to hide"))
    raw = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"ter2" not in raw
    first, second, _ = records(folder)
    assert first["workflow"] == HIDDEN
    assert first["reason"] == f"cannot type '{HIDDEN}' here"
    assert (first["verdict"], second["thresholds"]) == ("failed", {HIDDEN: [HIDDEN]})


# ------------------------------------------------------------------------------------------- threads and processes


def test_many_threads_make_one_chain(folder: Path) -> None:
    """Records of many threads are all there, each thread's own in its order, and share syncs."""
    with AuditLog(folder, SystemClock()) as log:

        def work(name: str) -> None:
            for number in range(20):
                log.append(intent(str(number), workflow=name), durable=number % 2 == 0)

        threads = [threading.Thread(target=work, args=[f"w{number}"]) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert verify(folder).is_sound
    told: dict[str, list[int]] = {}
    for each in records(folder):
        told.setdefault(each["workflow"], []).append(int(each["step"]))
    assert told == {f"w{number}": list(range(20)) for number in range(16)}


def test_who_waits_for_the_disk_is_taken_along(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is appended while one sync goes on is brought to the disk by the next one, all of it."""
    log = AuditLog(folder, CLOCK)
    goes_on, syncs, real = threading.Event(), [], os.fsync  # noqa: TID251  the real one, behind a slow one

    def slow(handle: int) -> None:
        syncs.append(handle)
        assert goes_on.wait(30)
        real(handle)

    monkeypatch.setattr(os, "fsync", slow)
    threads = [
        threading.Thread(target=log.append, args=[intent(str(number))], kwargs={"durable": True}) for number in range(9)
    ]
    threads[0].start()
    while not syncs:
        pass
    for thread in threads[1:]:
        thread.start()
    while len(log._waiting) < 8:  # noqa: SLF001  that they wait cannot be seen from outside
        pass
    goes_on.set()
    for thread in threads:
        thread.join()
    assert len(syncs) == 2
    log.close()
    assert len(records(folder)) == 9


PROCESS = """
import sys
from pathlib import Path
from steadyhand.clock import SystemClock
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended

with AuditLog(Path(sys.argv[1]), SystemClock(), Limits(file_bytes=5000, kept_bytes=30_000)) as log:
    for number in range(100):
        log.append(Intended(workflow=sys.argv[2], step=str(number), action="click"), durable=number % 10 == 0)
"""


def test_several_processes_make_one_chain(folder: Path) -> None:
    """Processes write to one log, rotate it and prune it, and none steps on another's toes."""
    arguments = [sys.executable, "-c", PROCESS, str(folder)]
    working = [subprocess.Popen([*arguments, f"w{number}"]) for number in range(4)]
    assert [each.wait(60) for each in working] == [0] * 4
    found = verify(folder)
    assert found.problems == ()
    assert found.last.number >= 400
    assert found.pruned > 0
    assert found.files > 2


def test_two_logs_on_one_folder_follow_each_other(folder: Path) -> None:
    """Whoever writes next goes on from where the other one ended, also in another file."""
    limits = Limits(file_bytes=600)
    with AuditLog(folder, CLOCK, limits) as one, AuditLog(folder, CLOCK, limits) as other:
        for number in range(12):
            (one, other)[number % 3 == 0].append(intent(str(number)), durable=number % 4 == 0)
    assert verify(folder).is_sound
    assert [each["step"] for each in records(folder)] == [str(number) for number in range(12)]
    assert len(log_files(folder)) > 3


def test_a_log_that_somebody_holds_is_told(folder: Path) -> None:
    """Who waits too long for another process is told so; nothing is written."""
    with AuditLog(folder, CLOCK) as log, AuditLog(folder, CLOCK) as holder:
        assert holder._lock.try_to_hold()  # noqa: SLF001  another process, in the middle of a write
        with pytest.raises(StoreError, match="held by another process for 10 s"):
            log.append(intent("one"))
        holder._lock.release()  # noqa: SLF001  as above
        log.append(intent("two"))
    assert [each["step"] for each in records(folder)] == ["two"]


# ------------------------------------------------------------------------------------------------------------ faults


def test_a_full_disk_is_told_and_leaves_whole_records(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that does not fit is refused, and not there by half; with room again, all goes on."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"))
        real = os.write

        def full(handle: int, raw: bytes) -> int:
            if len(raw) < 100:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(handle, raw[: len(raw) - 50])

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(StoreError, match="No space left") as fault:
                log.append(intent("two"), durable=True)
        assert "Nothing is executed without it" in str(fault.value)
        assert verify(folder).torn_bytes == 0
        log.append(intent("three"), durable=True)
    assert [each["step"] for each in records(folder)] == ["one", "three"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in the way of the folder is told."""
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written to"):
        AuditLog(tmp_path / "data" / "audit", CLOCK)


class Disk:
    """A disk whose syncs fail when they are told to.

    Attributes:
        failures: How many of the next syncs fail.
        synced: The file of each sync that was tried, by its inode.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failures = 0
        self.synced: list[int] = []
        self._real = os.fsync  # noqa: TID251  the real one, behind a failing one
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, handle: int) -> None:
        """Sync, or fail."""
        self.synced.append(os.fstat(handle).st_ino)
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, "Input/output error")
        self._real(handle)


def test_after_a_failed_sync_the_file_is_written_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk did not take is in another file of the same name, with all that was in the first one."""
    disk = Disk(monkeypatch)
    with AuditLog(folder, CLOCK) as log, AuditLog(folder, CLOCK) as other:
        log.append(intent("one"))
        path = log_files(folder)[0]
        old, disk.failures = path.stat().st_ino, 1
        log.append(intent("two"), durable=True)
        assert path.stat().st_ino != old
        assert disk.synced[-3:-1] == [old, path.stat().st_ino]
        other.append(intent("three"), durable=True)
        log.append(intent("four"), durable=True)
        assert old not in disk.synced[-2:]
    assert [each["step"] for each in records(folder)] == ["one", "two", "three", "four"]
    assert verify(folder).is_sound


def test_a_disk_that_takes_nothing_is_never_believed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While syncs fail nothing is acknowledged; afterwards the old file is not synced again but written anew."""
    disk = Disk(monkeypatch)
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"), durable=True)
        path = log_files(folder)[0]
        old, disk.failures = path.stat().st_ino, 2
        with pytest.raises(StoreError, match="Input/output error"):
            log.append(intent("two"), durable=True)
        assert verify(folder).last.number == 1
        disk.synced.clear()
        log.append(intent("three"), durable=True)
        assert old not in disk.synced
    assert [each["step"] for each in records(folder)] == ["one", "three"]


def test_what_the_disk_has_lost_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When what was written cannot even be read back after a failed sync, that is said, and nothing is made up."""
    disk = Disk(monkeypatch)
    log = AuditLog(folder, CLOCK)
    log.append(intent("one"))
    path = log_files(folder)[0]
    read, disk.failures = type(path).read_bytes, 1
    monkeypatch.setattr(type(path), "read_bytes", lambda path: bytes(len(read(path))))
    with pytest.raises(StoreError, match="the disk has failed"):
        log.append(intent("two"), durable=True)


def test_one_fault_is_told_to_all_who_waited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody of a batch believes that a record is there which is not."""
    log = AuditLog(folder, CLOCK)
    goes_on, tried = threading.Event(), threading.Event()

    def broken(handle: int, raw: bytes) -> int:
        tried.set()
        assert goes_on.wait(30)
        raise OSError(errno.EIO, f"{handle} takes no {len(raw)} bytes")

    monkeypatch.setattr(os, "write", broken)
    told = []

    def work(number: int) -> None:
        with pytest.raises(StoreError) as fault:
            log.append(intent(str(number)))
        told.append(fault.value)

    threads = [threading.Thread(target=work, args=[number]) for number in range(5)]
    threads[0].start()
    assert tried.wait(30)
    for thread in threads[1:]:
        thread.start()
    while len(log._waiting) < 4:  # noqa: SLF001  that they wait cannot be seen from outside
        pass
    goes_on.set()
    for thread in threads:
        thread.join()
    assert len(set(map(id, told))) == 5


def test_others_do_not_believe_what_was_broken_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a write reaches whoever writes; the log is whole afterwards."""
    with AuditLog(folder, CLOCK) as log:
        log.append(intent("one"))

        def broken_off(handle: int, raw: bytes) -> int:
            raise KeyboardInterrupt(handle, len(raw))

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", broken_off)
            with pytest.raises(KeyboardInterrupt):
                log.append(intent("two"))
        log.append(intent("three"))
    assert [each["step"] for each in records(folder)] == ["one", "three"]


def test_what_is_not_durable_does_not_wait_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that need not be on the disk at once is brought there by one that comes a second later."""
    clock = ManualClock()
    disk = Disk(monkeypatch)
    with AuditLog(folder, clock) as log:
        disk.synced.clear()
        log.append(intent("one"))
        assert disk.synced == []
        clock.sleep(audit_log._LATER_S)  # noqa: SLF001  it belongs to nobody else
        log.append(intent("two"))
        assert len(disk.synced) == 1


def open_files() -> set[str]:
    """The files that this process has open, by their numbers."""
    return {each.name for each in Path("/proc/self/fd").iterdir()}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which files are open")
def test_a_log_that_is_closed_holds_no_file(folder: Path) -> None:
    """A robot that opens and closes its log for years runs out of nothing."""
    before = open_files()
    with AuditLog(folder, CLOCK, Limits(file_bytes=1)) as log:
        for step in ("one", "two", "three"):
            log.append(intent(step), durable=True)
        assert len(open_files()) == len(before) + 2
    assert open_files() == before


# ------------------------------------------------------------------------------------------- the manager's history


def failed(step: str) -> StepResult:
    """The result of a step that did not find its target."""
    return StepResult(step, "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)


def fail(manager: AutoHealManager, times: int) -> None:
    """Let a step fail."""
    for _ in range(times):
        decision = manager.should_execute_step("pay", "one", "1")
        if decision.allowed:
            manager.on_step_result(decision, failed("one"))


def test_a_closed_log_touches_no_file(folder: Path, tmp_path: Path) -> None:
    """Whoever goes on with a log that was closed is told so, and writes into no file that was opened meanwhile."""
    log = AuditLog(folder, CLOCK)
    log.close()
    with (tmp_path / "another").open("w+b") as first, (tmp_path / "one more").open("w+b") as second:
        with pytest.raises(ValueError, match="negative"):
            log.append(intent("one"), durable=True)
        assert (first.read(), second.read()) == (b"", b"")


def test_the_history_is_taken_over_once(folder: Path, tmp_path: Path) -> None:
    """Every line of the manager's history becomes one record, whoever takes it over, and over a restart."""
    manager = AutoHealManager.open(tmp_path, tmp_path / "none.json", CLOCK)
    fail(manager, 3)
    with AuditLog(folder, CLOCK) as log, AuditLog(folder, CLOCK) as other:
        assert log.follow(manager.history) == 3
        assert (log.follow(manager.history), other.follow(manager.history)) == (0, 0)
        manager.pause("pay", "Paused by Ann.")
        log.append(intent("one"))
        assert other.follow(manager.history) == 1
    with AuditLog(folder, CLOCK) as log:
        assert log.follow(manager.history) == 0
    taken, trip, degraded, _, paused = records(folder)
    assert (taken["kind"], taken["policy"]) == ("policy", degraded["policy"])
    assert (trip["kind"], trip["triggers"], trip["step"]) == ("trip", {"TARGET_NOT_FOUND": 3}, "one")
    assert (degraded["state_before"], degraded["state"], degraded["event"]) == ("NORMAL", "DEGRADED", "STEP_TRIPPED")
    assert (paused["state"], paused["reason"]) == ("PAUSED", "Paused by Ann.")
    assert paused["policy"] == degraded["policy"] == manager.get_status_report().policy_version
    manager.close()


def test_a_history_that_begins_anew_is_taken_over_from_its_beginning(folder: Path, tmp_path: Path) -> None:
    """When somebody removes the state of a robot, what happens then is not taken for what is known."""
    with AuditLog(folder, CLOCK) as log:
        for life in ("one", "two"):
            manager = AutoHealManager.open(tmp_path / life, tmp_path / "none.json", CLOCK)
            fail(manager, 3 if life == "one" else 0)
            manager.pause("pay", f"Paused in life {life}.")
            assert log.follow(manager.history) == (4 if life == "one" else 2)
            manager.close()
    assert records(folder)[-1]["reason"] == "Paused in life two."


class History:
    """A history of two lines, the second of which is there when it is read for the second time.

    Attributes:
        readings: From where on it was read.
        goes_on: The first reading ends when this is set.
        faulty: Which reading fails; 0 for none.
    """

    def __init__(self, faulty: int = 0) -> None:
        self.readings: list[int] = []
        self.goes_on = threading.Event()
        self.faulty = faulty

    def __call__(self, after: int) -> list[tuple[int, str]]:
        """Read it."""
        self.readings.append(after)
        assert self.goes_on.wait(30)
        if len(self.readings) == self.faulty:
            raise StoreError("The history cannot be read.")
        said = {"event": "Approved", "at_s": 0.0, "workflow": "pay", "step": "one", "by": "Ann", "policy": "1"}
        return [(number, json.dumps(said)) for number in (1, 2) if after < number <= len(self.readings)]

    def followed_by(self, count: int, log: AuditLog) -> list[int | None]:
        """How many records each of so many threads wrote, in order; None for a fault. All wait for the first one."""
        told: list[int | None] = []

        def follow() -> None:
            try:
                told.append(log.follow(self))
            except StoreError:
                told.append(None)

        threads = [threading.Thread(target=follow) for _ in range(count)]
        threads[0].start()
        while not self.readings:
            pass
        for thread in threads[1:]:
            thread.start()
        while len(log._turn._waiters) < count - 1:  # type: ignore[attr-defined]  # noqa: SLF001  else it cannot be seen
            pass
        self.goes_on.set()
        for thread in threads:
            thread.join()
        return told


def test_one_follows_for_all_who_wait(folder: Path) -> None:
    """Whoever asks while the history is being read is served by the next reading, all of them by the same one."""
    history = History()
    with AuditLog(folder, CLOCK) as log:
        told = history.followed_by(9, log)
    assert history.readings == [0, 0]
    assert sorted(map(bool, told)) == [False] * 7 + [True] * 2
    assert len(records(folder)) == 2


def test_a_reading_that_fails_serves_nobody(folder: Path) -> None:
    """Its fault is told to whom it happened to, and who waited for it reads anew."""
    history = History(faulty=2)
    with AuditLog(folder, CLOCK) as log:
        told = history.followed_by(3, log)
    assert history.readings == [0, 0, 0]
    assert sorted(each for each in told if each is not None) == [1, 1]
    assert len(records(folder)) == 2
