"""The audit log: what was decided and done, appended record by record, so that nobody can change it unnoticed.

One folder of a robot's data holds one log (see `steadyhand.evidence.audit_chain` for its files). Threads and processes
write to it at the same time: whoever holds the lock of the log looks where it ends now, and goes on from there.

A *durable* record is on the disk before `append` returns, so that what it says can be acted upon. All that is appended
while somebody waits for the disk is written together next: one sync serves all of it (*group commit*). Any other
record is given to the operating system at once, so that it outlives the process; the next sync takes it to the disk.

When a file is big or old enough, a new one is begun (*rotation*); the oldest files are removed when there is too much,
or when they are too old (*retention*).

No secret is written: what is said passes through all that `hiding` was told while it lasts.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from steadyhand.clock import Deadline
from steadyhand.errors import StoreError
from steadyhand.evidence.audit_chain import (
    HEAD,
    START,
    Head,
    Link,
    Tail,
    file_name,
    leads_to,
    log_files,
    read_beginning,
)
from steadyhand.evidence.audit_records import Pruned, Repaired, from_history
from steadyhand.files import GrowingFile, LockFile, remove, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from steadyhand.clock import Clock
    from steadyhand.evidence.audit_records import Record

FOLDER = "audit"
"""The name of the log's folder within a robot's data."""

_WAIT_S = 10.0
"""A write takes milliseconds. Who waits longer than this for the lock waits for something that hangs."""

_POLL_S = 0.001
"""How often the lock is tried: about as often as a disk syncs."""

_LATER_S = 1.0
"""How long what is not durable may wait for the disk while others are written. Source: a decision."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a new file is begun, and what is kept.

    Attributes:
        file_bytes: A file gets no bigger than this, unless what is written at once is.
        file_s: Seconds after its first record in which a file is written to.
        kept_bytes: All files together get no bigger than this, plus one file.
        kept_s: Seconds after which a record may be removed.

    Source: a decision. 16 MiB are 40,000 records, which a person can still open and a program verifies in a fraction
    of a second; 1 GiB is nearly a million steps, with a decision, an intent and a result each.
    """

    file_bytes: int = 16 << 20
    file_s: float = 86_400.0
    kept_bytes: int = 1 << 30
    kept_s: float = 365 * 86_400.0


class AuditLog:
    """An audit log that is written to. Safe for several threads; each process opens the log by itself.

    Args:
        folder: The folder of the log, on a disk of this machine; made if needed.
        clock: Where time comes from.
        limits: When a new file is begun, and what is kept.

    Raises:
        StoreError: The log cannot be written to, its end was changed, or something is missing there. From every
            method: what should have been written was not, and must not be acted upon.
    """

    def __init__(self, folder: Path, clock: Clock, limits: Limits | None = None) -> None:
        self._folder = folder
        self._clock = clock
        self._limits = limits or Limits()
        self._process = os.getpid()
        self._hiding: tuple[Callable[[str], str], ...] = ()
        self._waiting: list[_Waiting] = []
        self._turn = threading.Condition()
        self._is_writing = False
        self._follows_begun = self._follows_ended = 0  # those that ended well
        self._file: _Open | None = None
        self._noted = b""
        self._synced_s = clock.monotonic_s()
        self._is_distrusted = False
        with self._faults():
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = LockFile(folder / HEAD)
        with self._alone():
            self._catch_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, record: Record, *, durable: bool = False) -> None:
        """Write a record.

        Args:
            record: What happened.
            durable: Return when it is on the disk, and not before.

        Raises:
            StoreError: It could not be written.
        """
        waiting = _Waiting(self._said(record), durable)
        with self._turn:
            self._waiting.append(waiting)
        with self._my_turn(lambda: waiting.is_over) as is_mine:
            if is_mine:
                self._write_all()
        if waiting.fault:
            raise StoreError(waiting.fault.message, waiting.fault.hint)

    def follow(self, history: Callable[[int], Sequence[tuple[int, str]]]) -> int:
        """Write, durably, whatever the manager's history has and this log has not. Each line is taken over once.

        Of many threads that ask for it at the same time one does it for all.

        Args:
            history: `AutoHealManager.history`. It must not be in the middle of a change.

        Returns:
            How many records were written, by this thread.

        Raises:
            StoreError: They could not be written, or the history not be read.
        """
        begun = self._follows_begun
        with self._my_turn(lambda: self._follows_ended > begun) as is_mine:
            return self._take_over(history) if is_mine else 0

    def _take_over(self, history: Callable[[int], Sequence[tuple[int, str]]]) -> int:
        """Write what the manager's history has and this log has not; how many records that were."""
        self._follows_begun += 1
        with self._alone():
            known = self._catch_up().history
            lines = list(history(max(0, known - 1)))
            if known and (not lines or lines[0][0] != known):
                lines = list(history(0))  # another history, begun anew; or one that has forgotten that line
            elif known:
                del lines[0]
            if lines:
                said = [{**self._said(from_history(text)), "history": number} for number, text in lines]
                self._write(said, durable=True)
        self._follows_ended = self._follows_begun
        return len(lines)

    @contextmanager
    def hiding(self, hide: Callable[[str], str]) -> Iterator[None]:
        """Strike secrets out of every record, of whatever thread, while this lasts.

        Args:
            hide: Strikes them out of a text, such as `steadyhand.model.parameters.SecretSource.hide`.
        """
        with self._turn:
            self._hiding = (*self._hiding, hide)
        try:
            yield
        finally:
            with self._turn:
                hiding = list(self._hiding)
                hiding.remove(hide)
                self._hiding = tuple(hiding)

    def close(self) -> None:
        """Bring everything to the disk and let go of the log."""
        with self._my_turn():
            try:
                with self._alone():
                    self._catch_up()
                    self._sync()
            finally:
                self._forget()
                self._lock.close()

    # ------------------------------------------------------------------------------------------------------ writing

    def _said(self, record: Record) -> dict[str, object]:
        """What a record says, without any secret."""
        said: dict[str, object] = {
            "kind": record.kind,
            "written_at": self._clock.now().isoformat(timespec="milliseconds"),
        }
        for each in fields(record):
            value = getattr(record, each.name)
            if value not in (None, "", {}):
                said[each.name] = _hidden(value, self._hiding)
        return said

    def _write_all(self) -> None:
        """Write whatever waits, of all threads."""
        with self._turn:
            batch, self._waiting = self._waiting, []
        try:
            with self._alone():
                self._catch_up()
                self._write([each.said for each in batch], durable=any(each.durable for each in batch))
        except StoreError as error:
            for each in batch:
                each.fault = error
        except BaseException:
            for each in batch:
                each.fault = StoreError("The audit log was broken off in the middle of writing.")
            raise
        finally:
            for each in batch:
                each.is_over = True

    def _write(self, records: Sequence[Mapping[str, object]], *, durable: bool) -> None:
        """Write records at the end, in a new file if it is time for one."""
        file = self._now()
        if file.size_bytes and self._is_full(file):
            self._sync()
            self._begin_file(file.last, file.history)
            self._prune()
        self._put(records, durable=durable)

    def _put(self, records: Sequence[Mapping[str, object]], *, durable: bool) -> None:
        """Write records at the end of the present file. If that fails, it is as before."""
        file = self._now()
        size_bytes, last, history, lines = file.size_bytes, file.last, file.history, []
        for said in records:
            history = int(str(said.get("history", history)))
            lines.append(last.next_line({**said, "history": history} if history else said))
            last = Link.of(last.number + 1, lines[-1])
        raw = b"".join(line + b"\n" for line in lines)
        try:
            file.handle.append(raw)
            file.size_bytes, file.last, file.history = size_bytes + len(raw), last, history
            if file.began_at is None:
                file.began_at = _time_of(lines[0])
            if durable or self._clock.monotonic_s() - self._synced_s >= _LATER_S:
                self._sync()
        except BaseException:
            with suppress(OSError):
                file.handle.cut(size_bytes)
            self._forget()
            raise

    def _sync(self) -> None:
        """Bring everything to the disk, then note that it is there."""
        file = self._now()
        if not self._is_distrusted:
            try:
                file.handle.sync()
            except OSError:
                self._is_distrusted = True
        if self._is_distrusted:
            self._write_anew(file)
            self._is_distrusted = False
        self._synced_s = self._clock.monotonic_s()
        self._note(Head(file.number, file.last))

    def _write_anew(self, file: _Open) -> None:
        """Make the present file once more: after a sync that failed, nobody knows what of it is on the disk."""
        raw = file.path.read_bytes()[: file.size_bytes]
        if raw and not leads_to(raw.splitlines(), file.last):
            raise StoreError(f"What was written to {file.path} is gone: the disk has failed.", _LOOK)
        write_whole(file.path, raw)
        handle, file.handle = file.handle, GrowingFile(file.path)
        handle.close()
        file.inode = file.path.stat().st_ino

    def _is_full(self, file: _Open) -> bool:
        """Whether a new file should be begun. A clock that was turned back makes none older."""
        age = self._clock.now() - (file.began_at or self._clock.now())
        return file.size_bytes >= self._limits.file_bytes or age >= timedelta(seconds=self._limits.file_s)

    def _begin_file(self, last: Link, history: int) -> None:
        """Begin the file that follows a record, which is on the disk."""
        self._forget()
        number = last.number + 1
        # Noted first, so that no other process goes on in the file before, whatever happens here meanwhile.
        self._note(Head(number, last))
        path = self._folder / file_name(number)
        handle = GrowingFile(path)
        self._file = _Open(path, number, handle, path.stat().st_ino, 0, last, history, None)

    def _prune(self) -> None:
        """Remove the oldest files, once it is written that they may be gone."""
        files = log_files(self._folder)
        left_bytes = sum(path.stat().st_size for path in files)
        oldest = self._clock.now() - timedelta(seconds=self._limits.kept_s)
        doomed = []
        for path, following in pairwise(files):
            # A file is as old as its last record: about as old as the first one of the file that follows.
            began_at = _began_at(following)
            if left_bytes <= self._limits.kept_bytes and (began_at is None or began_at >= oldest):
                break
            doomed.append(path)
            left_bytes -= path.stat().st_size
        if doomed:
            first_kept = int(files[len(doomed)].stem)
            self._put([self._said(Pruned(first_kept=first_kept, files=len(doomed)))], durable=True)
            self._lock.sync()  # so that the head is never older than what is left
            for path in doomed:
                remove(path)

    # ------------------------------------------------------------------------------------- with others on one folder

    @contextmanager
    def _my_turn(self, is_needless: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Keep the other threads from writing, once they let this one; not if it has become needless meanwhile.

        Yields:
            Whether it is this one's turn.
        """
        with self._turn:
            self._turn.wait_for(lambda: not self._is_writing or is_needless())
            is_mine = not is_needless()
            self._is_writing |= is_mine
        try:
            yield is_mine
        finally:
            if is_mine:
                with self._turn:
                    self._is_writing = False
                    self._turn.notify_all()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep out all others who have opened this log, here or in other processes."""
        assert os.getpid() == self._process, "each process opens the log by itself"
        with self._faults():
            deadline = Deadline(self._clock, _WAIT_S)
            while not self._lock.try_to_hold():
                if deadline.passed:
                    raise StoreError(
                        f"The audit log in {self._folder} has been held by another process for {_WAIT_S:g} s.",
                        "Look for a robot that hangs.",
                    )
                self._clock.sleep(_POLL_S)
            try:
                yield
            finally:
                self._lock.release()

    def _catch_up(self) -> _Open:
        """Know where the log ends now: others may have written, or been killed while they did."""
        noted = self._lock.read()
        if self._file and noted == self._noted and self._file.is_as_known():
            return self._file
        self._forget()
        self._noted, head = noted, Head.from_bytes(noted)
        files = log_files(self._folder)
        if head is None:
            if files:
                raise self._damaged(f"the file {HEAD} is missing or empty")
            head = Head(1, START)
            self._note(head)
            self._lock.sync()
        if not files:
            if head.last.number:
                raise self._damaged(f"records 1 to {head.last.number} are missing")
            self._begin_file(START, 0)
            return self._now()
        self._open_last(files, head)
        return self._now()

    def _open_last(self, files: Sequence[Path], head: Head) -> None:
        """Go on in the last file, behind its last whole record, if that is the one that belongs there."""
        path, number = files[-1], int(files[-1].stem)
        tail = Tail.of(path)
        line = tail.line if tail.line is not None or len(files) == 1 else Tail.of(files[-2]).line
        last, history = START, 0
        if line is not None:
            read = read_beginning(line)
            if read is None:
                raise self._damaged(f"the last line of {path.name} is no record")
            last, history = Link.of(read[0], line), _history_of(line)
        if last.number < head.last.number:
            raise self._damaged(f"records {last.number + 1} to {head.last.number} were on the disk and are missing")
        if last.number == head.last.number and last != head.last:
            raise self._damaged(f"record {last.number} was changed")
        if tail.line is None and last.number != number - 1:
            raise self._damaged(f"the record before {path.name} is missing")
        handle = GrowingFile(path)
        self._file = _Open(path, number, handle, path.stat().st_ino, tail.size_bytes, last, history, _began_at(path))
        if head.file != number:
            self._note(head._replace(file=number))
        if tail.torn_bytes:
            handle.cut(tail.size_bytes)
            self._put([self._said(Repaired(dropped_bytes=tail.torn_bytes))], durable=True)

    def _note(self, head: Head) -> None:
        """Note what the head is now."""
        self._noted = head.to_bytes()
        self._lock.note(self._noted)

    def _now(self) -> _Open:
        """The file that is written to."""
        assert self._file is not None, "somebody caught up"
        return self._file

    def _forget(self) -> None:
        """Look anew where the log ends, next time."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                file.handle.close()

    # ------------------------------------------------------------------------------------------------------- faults

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn the system's faults into ours."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"The audit log in {self._folder} cannot be written to: {error.strerror or error}.", _LOOK
            ) from error

    def _damaged(self, problem: str) -> StoreError:
        return StoreError(
            f"The audit log in {self._folder} is damaged: {problem}.",
            "Nothing is executed without it. Keep the folder for whoever finds out why, and move it away: a new log "
            "begins then.",
        )


_LOOK = "Nothing is executed without it. Look whether the disk is full or failing, and who may write to the folder."


@dataclass
class _Waiting:
    """A record that waits for being written.

    Attributes:
        said: What it says.
        durable: It waits for the disk.
        is_over: It waits no more.
        fault: Why it could not be written.
    """

    said: Mapping[str, object]
    durable: bool
    is_over: bool = False
    fault: StoreError | None = None


@dataclass
class _Open:
    """The file that is written to, as this process knows it.

    Attributes:
        path: Where it is.
        number: The number of its first record.
        handle: What writes to it.
        inode: Which file of the disk it is.
        size_bytes: How big it is.
        last: The last record of the log.
        history: How far the manager's history was taken over.
        began_at: When its first record was written; None if it has none.
    """

    path: Path
    number: int
    handle: GrowingFile
    inode: int
    size_bytes: int
    last: Link
    history: int
    began_at: datetime | None

    def is_as_known(self) -> bool:
        """Whether nobody else has written to it, or made it anew."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        return (found.st_ino, found.st_size) == (self.inode, self.size_bytes)


def _hidden(value: object, hiding: Sequence[Callable[[str], str]]) -> object:
    """A value without any secret in it; a word of our own is none, and what is no number cannot be written."""
    if isinstance(value, str):
        return value if isinstance(value, StrEnum) else _struck_out(value, hiding)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_struck_out(str(name), hiding): _hidden(each, hiding) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(each, hiding) for each in value]
    return value


def _struck_out(text: str, hiding: Sequence[Callable[[str], str]]) -> str:
    """A text without any secret in it."""
    for hide in hiding:
        text = hide(text)
    return text


def _time_of(line: bytes) -> datetime:
    """When a record was written."""
    return datetime.fromisoformat(json.loads(line)["written_at"])


def _history_of(line: bytes) -> int:
    """How far the manager's history was taken over when a record was written."""
    return int(json.loads(line).get("history", 0))


def _began_at(path: Path) -> datetime | None:
    """When the first record of a file was written; None if it has none."""
    with path.open("rb") as file:
        line = file.readline()
    return _time_of(line) if line.endswith(b"\n") else None
