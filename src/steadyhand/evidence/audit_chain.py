"""The files of an audit log, and whether anything in them was changed or is missing.

A *record* is one line of JSON. It begins with its *number*, counted from 1, and with the *former* hash: the SHA-256 of
the line before it, without its line end. So each record stands for all that come before it: the *chain*. A file is
named by the number of its first record, and the chain goes on from file to file.

The *head* names the last record that was brought to the disk. It stands in a file of its own, so that a log whose end
was cut off is told from one that is whole.

What stands behind the last line end is *torn*: whoever wrote it was killed meanwhile, and nothing was said to be kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

HEAD = "head"
"""The name of the file with the head."""

NO_RECORD = "0" * 64
"""The former hash of the very first record."""

MOST_PROBLEMS = 100
"""How many problems are told one by one. Source: a decision; one change makes one or two."""

_FILES = "[0-9]" * 12 + ".jsonl"
_BEGINNING = re.compile(rb'\{"number":([1-9][0-9]*),"former":"([0-9a-f]{64})",')
_PRUNED = re.compile(rb'"kind":"prune",.*"first_kept":([0-9]+)')
_HEAD_BYTES = 192
"""More than a head can have, so that one write covers the one before it, and less than a sector of a disk."""

_TAIL_BYTES = 4096
_SUM_DIGITS = 16


class Link(NamedTuple):
    """A record, as the next one names it.

    Attributes:
        number: Its number; 0 for none.
        hash: The SHA-256 of its line, hexadecimal.
    """

    number: int
    hash: str

    @staticmethod
    def of(number: int, line: bytes) -> Link:
        """The record with this number and this line, which is given without its line end."""
        return Link(number, hashlib.sha256(line).hexdigest())

    def next_line(self, said: Mapping[str, object]) -> bytes:
        """The line of the record that follows, without its line end.

        Args:
            said: What it says, not nothing. What is no character at all becomes a question mark.
        """
        rest = json.dumps(said, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return f'{{"number":{self.number + 1},"former":"{self.hash}",{rest[1:]}'.encode(errors="replace")


START = Link(0, NO_RECORD)
"""What the very first record follows."""


class Head(NamedTuple):
    """What is noted of the end of the chain.

    Attributes:
        file: The number in the name of the file that is written to.
        last: The last record that was brought to the disk.
    """

    file: int
    last: Link

    def to_bytes(self) -> bytes:
        """As it is noted, always as many bytes, with a sum: nothing else tells whether its file was changed."""
        said: dict[str, object] = {"file": self.file, "number": self.last.number, "hash": self.last.hash}
        said["sum"] = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:_SUM_DIGITS]
        return (json.dumps(said).ljust(_HEAD_BYTES - 1) + "\n").encode()

    @staticmethod
    def from_bytes(raw: bytes) -> Head | None:
        """What was noted; None if nothing was.

        Raises:
            StoreError: It is no head.
        """
        if not raw:
            return None
        try:
            said = json.loads(raw)
            head = Head(int(said["file"]), Link(int(said["number"]), str(said["hash"])))
        except (ValueError, TypeError, LookupError):
            head = None
        if head is None or head.to_bytes() != raw:
            raise StoreError(f"The head of the audit log, {raw[:_HEAD_BYTES]!r}, cannot be read.")
        return head


class Tail(NamedTuple):
    """The end of a file.

    Attributes:
        size_bytes: As far as it has whole lines.
        torn_bytes: What stands behind them.
        line: The last whole line, without its line end; None if there is none.
    """

    size_bytes: int
    torn_bytes: int
    line: bytes | None

    @staticmethod
    def of(path: Path) -> Tail:
        """Read the end of a file, however long its last line is.

        Raises:
            OSError: It cannot be read.
        """
        with path.open("rb") as file:
            whole_bytes = file.seek(0, 2)
            read_bytes = 0
            while True:
                read_bytes = min(whole_bytes, max(_TAIL_BYTES, 2 * read_bytes))
                file.seek(whole_bytes - read_bytes)
                raw = file.read(read_bytes)
                end = raw.rfind(b"\n")
                begin = raw.rfind(b"\n", 0, max(end, 0))
                if begin >= 0 or read_bytes == whole_bytes:
                    break
        line = raw[begin + 1 : end] if end >= 0 else None
        return Tail(whole_bytes - read_bytes + end + 1, read_bytes - end - 1, line)


def log_files(folder: Path) -> list[Path]:
    """The files of a log, the oldest first."""
    return sorted(folder.glob(_FILES))


def file_name(number: int) -> str:
    """The name of the file whose first record has this number."""
    return f"{number:012}.jsonl"


def read_beginning(line: bytes) -> tuple[int, str] | None:
    """The number of a record and its former hash; None if the line is no record."""
    begins = _BEGINNING.match(line)
    return (int(begins[1]), begins[2].decode()) if begins and line.endswith(b"}") else None


# ------------------------------------------------------------------------------------------------------ verifying


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found in an audit log.

    Attributes:
        files: How many files it has.
        first: The number of the first record that is there; 0 if there is none.
        last: The last record that is there.
        torn_bytes: How much stands behind the last whole record: it is taken away when the log is next written to.
        count: How many problems there are.
        problems: What was changed or is missing, and where; the first hundred.
    """

    files: int
    first: int
    last: Link
    torn_bytes: int
    count: int
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was changed and nothing is missing."""
        return not self.count

    @property
    def pruned(self) -> int:
        """How many records retention has removed from the beginning."""
        return max(0, self.first - 1)


def verify(folder: Path) -> Verification:
    """Go through an audit log from its first record to its last. It may be written to meanwhile.

    Args:
        folder: The folder of the log; nothing in it is changed.

    Raises:
        ConfigError: There is no log.
        StoreError: It cannot be read.
    """
    try:
        # The head first: the log only grows, so what the head names must be there, whatever else is.
        raw = (folder / HEAD).read_bytes() if (folder / HEAD).exists() else b""
        files = log_files(folder)
        if not files and not raw:
            raise ConfigError(f"There is no audit log in {folder}.", "No robot has written one here.")
        return _Walk().over(files, raw)
    except FileNotFoundError as error:
        raise StoreError(f"{error.filename} was removed while the log was read.", "Verify it again.") from None
    except OSError as error:
        raise StoreError(f"The audit log in {folder} cannot be read: {error.strerror or error}.") from error


def leads_to(lines: Sequence[bytes], end: Link) -> bool:
    """Whether lines, each without its line end, are the chain that ends with a record."""
    walk = _Walk()
    for line in lines:
        walk.take("", line)
    return walk.last == end and not walk.problems


@dataclass
class _Walk:
    """The way along the chain.

    Attributes:
        last: The record that was seen last; None before the first one.
        first: The number of the first one.
        first_kept: From where retention says that the records are kept; the last such word.
        count: How many problems there are.
        problems: The first of them.
    """

    last: Link | None = None
    first: int = 0
    first_kept: int = 1
    count: int = 0
    problems: list[str] = field(default_factory=list)

    def over(self, files: Sequence[Path], head: bytes) -> Verification:
        """Go over files, and say what was found."""
        noted, at_head = self._noted(head), START
        torn_bytes = 0
        for path in files:
            if torn_bytes:
                self.complain(f"the file before {path.name} ends within a record")
            expected = self.last.number + 1 if self.last else int(path.stem)
            if int(path.stem) != expected:
                self.complain(f"{path.name}: the file of record {expected} belongs here")
            for place, line in _lines(path):
                if line.endswith(b"\n"):
                    self.take(place, line[:-1])
                    torn_bytes = 0
                else:
                    torn_bytes = len(line)
                if noted and self.last and self.last.number == noted.last.number:
                    at_head = self.last
        last = self.last or START
        if noted:
            self._compare(noted.last, at_head, last)
        if self.first > max(1, self.first_kept):
            self.complain(f"the records before {self.first} are missing, and not because of retention")
        return Verification(len(files), self.first, last, torn_bytes, self.count, tuple(self.problems))

    def take(self, place: str, line: bytes) -> None:
        """Go on by one line, without its line end, that stands at a place."""
        read = read_beginning(line)
        if read is None:
            self.complain(f"{place} is no record")
            self.last = Link.of(self.last.number + 1 if self.last else 1, line)
            return
        number, former = read
        if self.last is None:
            self.first = number
            if number == 1 and former != NO_RECORD:
                self.complain(f"{place}: nothing comes before the first record, but it names something")
        elif number != self.last.number + 1:
            self.complain(f"{place} is record {number}, where record {self.last.number + 1} belongs")
        elif former != self.last.hash:
            self.complain(f"{place}: record {number} does not follow what stands before it; one of them was changed")
        pruned = _PRUNED.match(line, _BEGINNING.match(line).end())  # type: ignore[union-attr]  # it was read
        if pruned:
            self.first_kept = int(pruned[1])
        self.last = Link.of(number, line)

    def complain(self, problem: str) -> None:
        """Add a problem."""
        self.count += 1
        if self.count <= MOST_PROBLEMS:
            self.problems.append(problem)

    def _noted(self, raw: bytes) -> Head | None:
        """The head, or a word on why there is none."""
        try:
            head = Head.from_bytes(raw)
        except StoreError as error:
            self.complain(error.message)
            return None
        if head is None:
            self.complain(f"the file {HEAD} is missing or empty, so nobody knows where the log must end")
        return head

    def _compare(self, noted: Link, found: Link, last: Link) -> None:
        """Look whether the end is there that was noted."""
        if noted.number > last.number:
            self.complain(f"the end is missing: records {last.number + 1} to {noted.number} were on the disk")
        elif noted != found:
            self.complain(f"record {noted.number} is not the one that was brought to the disk")


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line of a file, with its line end, and where it stands."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield f"{path.name}:{number}", line
