"""What keeping a version costs, and going back to it, beside `cp -r` with a sync of every file, and beside git.

What was learned is a folder of noise: 1,000 prototypes of 10 KiB, and an index and a database of 50 MiB each. A *round*
changes one prototype in a hundred, and one page in a hundred of the two big files, anywhere in them. Then each way
keeps a version of the folder and goes back to the one before, in turn, so that what else a shared machine does falls on
all alike. It is the disk that is waited for, so what counts is the time on the wall.

Ours reads the folder too, for what it is given are bytes. `cp` copies the folder, and goes back by copying the copy;
each file and folder is synced. Git commits, syncing whatever it writes (`core.fsync=all`), and goes back by
`git checkout`, which syncs no file, and a commit. A way whose programs are not there takes no part.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rich.table import Table

from steadyhand.clock import SystemClock
from steadyhand.files import write_whole
from steadyhand.memory.versioned_store import Component, VersionedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from steadyhand.clock import Clock

OURS, COPY, GIT = "steadyhand", "cp -r + fsync", "git"
ROUNDS = 5
PART, MORE, BACK_MS = 1 / 3, 0.1, 200
"""The goals: the part of a copy's time that a version may take, the part of what is there that it may store more, and
how long going back may take beyond the reading and hashing of all that it goes back to."""

_PAGE_BYTES = 4096


@dataclass(frozen=True)
class Size:
    """How much was learned.

    Attributes:
        prototypes: How many.
        prototype_bytes: Each.
        big_bytes: Of the index, and of the database.
    """

    prototypes: int = 1_000
    prototype_bytes: int = 10 << 10
    big_bytes: int = 50 << 20


class Sample(NamedTuple):
    """What one way took in one round.

    Attributes:
        way: Which.
        keep_ms: Milliseconds for keeping a version.
        added_bytes: What it has added to the disk.
        back_ms: Milliseconds for going back.
        check_ms: Of ours: milliseconds for reading and hashing all that it goes back to; else 0.
    """

    way: str
    keep_ms: float
    added_bytes: int
    back_ms: float
    check_ms: float


class Figures(NamedTuple):
    """What is said of a way: the medians of its rounds.

    Attributes:
        way: Which.
        keep_ms: Milliseconds for keeping a version.
        added_bytes: What it has added to the disk.
        back_ms: Milliseconds for going back.
        check_ms: Of ours: milliseconds of that for reading and hashing.
    """

    way: str
    keep_ms: float
    added_bytes: int
    back_ms: float
    check_ms: float


class Way(Protocol):
    """A way to keep versions of a folder."""

    folder: Path

    def keep(self) -> None:
        """Keep what is in the folder of what was learned."""
        ...

    def back(self) -> None:
        """Go back to the version before."""
        ...


class Ours:
    """The versions of Steadyhand.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, live: Path, folder: Path) -> None:
        self.folder = folder
        self._live = live
        self._store = VersionedStore(folder, "bench", SystemClock())

    def keep(self) -> None:
        """Read the folder and keep it."""
        current = self._store.current
        content = {each: {file.name: file.read_bytes() for file in (self._live / each).iterdir()} for each in Component}
        self._store.snapshot(content, "Measured.", parent=current.number if current else None)

    def back(self) -> None:
        """Restore the version before."""
        *_, before, _ = self._store.versions()
        self._store.restore(before.number, "Measured.")

    def check(self) -> None:
        """Read and hash all of the version in use, as going back does."""
        *_, newest = self._store.versions()
        self._store.verify(newest.number)


class Copies:
    """A folder for each version.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, live: Path, folder: Path) -> None:
        self.folder = folder
        self._live = live
        self._copies: list[Path] = []
        folder.mkdir()

    def keep(self) -> None:
        """Copy the folder."""
        self._copy(self._live)

    def back(self) -> None:
        """Copy the copy before."""
        self._copy(self._copies[-2])

    def _copy(self, what: Path) -> None:
        to = self.folder / f"{len(self._copies)}"
        subprocess.run(["cp", "-r", what, to], check=True)  # noqa: S603, S607  the program that it is about
        subprocess.run(["sync", to, *to.rglob("*")], check=True)  # noqa: S603, S607  as above
        self._copies.append(to)


class Git:
    """Commits.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, live: Path, folder: Path) -> None:
        self.folder = folder
        self._live = live
        folder.mkdir()
        self._git("init", "-q")

    def keep(self) -> None:
        """Commit the folder."""
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "Measured.")

    def back(self) -> None:
        """Commit what was in the commit before."""
        self._git("checkout", "-q", "HEAD~1", "--", ".")
        self._git("commit", "-q", "-m", "Back.")

    def leave(self) -> None:
        """Bring the folder to what it was before going back; nobody measures that."""
        self._git("checkout", "-q", "HEAD~1", "--", ".")

    def _git(self, *words: str) -> None:
        places = {"GIT_DIR": str(self.folder), "GIT_WORK_TREE": str(self._live), "GIT_CONFIG_GLOBAL": os.devnull}
        settings = ("core.fsync=all", "gc.auto=0", "user.name=bench", "user.email=bench@localhost")
        subprocess.run(  # noqa: S603  the program that it is about
            ["git", *(word for each in settings for word in ("-c", each)), *words],  # noqa: S607  wherever it is
            check=True,
            env={**os.environ, **places},
        )  # fmt: skip


def run(
    folder: Path,
    size: Size | None = None,
    rounds: int = ROUNDS,
    progress: Callable[[int, int], None] = lambda *_: None,
    clock: Clock | None = None,
) -> list[Sample]:
    """Let each way keep and go back, in every round.

    Args:
        folder: An empty one, on the disk that is measured.
        size: How much was learned.
        rounds: How many.
        progress: Told how many of how many rounds are done.
        clock: Where time comes from.
    """
    size, clock, noise = size or Size(), clock or SystemClock(), random.Random(1)
    live = folder / "live"
    _learn(live, size, noise)
    ours = Ours(live, folder / "ours")
    ways: dict[str, Way] = {OURS: ours}
    if shutil.which("cp") and shutil.which("sync"):
        ways[COPY] = Copies(live, folder / "copies")
    if shutil.which("git"):
        ways[GIT] = Git(live, folder / "git")
    for way in ways.values():
        way.keep()
    samples = []
    for number in range(rounds):
        progress(number, rounds)
        _change(live, size, noise)
        for name, way in ways.items():
            had_bytes = _size(way.folder)
            keep_ms = _timed(way.keep, clock)
            added_bytes = _size(way.folder) - had_bytes
            back_ms = _timed(way.back, clock)
            check_ms = 0.0
            if way is ours:
                check_ms = _timed(ours.check, clock)
            elif isinstance(way, Git):
                way.leave()
            samples.append(Sample(name, keep_ms, added_bytes, back_ms, check_ms))
    return samples


def figures(samples: Iterable[Sample]) -> list[Figures]:
    """The medians of each way."""
    by_way: dict[str, list[Sample]] = {}
    for sample in samples:
        by_way.setdefault(sample.way, []).append(sample)
    return [
        Figures(
            way,
            round(median(each.keep_ms for each in given), 1),
            int(median(each.added_bytes for each in given)),
            round(median(each.back_ms for each in given), 1),
            round(median(each.check_ms for each in given), 1),
        )
        for way, given in by_way.items()
    ]


def goals(told: Iterable[Figures], size: Size | None = None) -> dict[str, bool]:
    """What was to be reached, and whether it was; without a copy to compare with, its goal is left out."""
    size, by_way = size or Size(), {each.way: each for each in told}
    ours, copy = by_way[OURS], by_way.get(COPY)
    total_bytes = size.prototypes * size.prototype_bytes + 2 * size.big_bytes
    met = {"a version takes at most a third of a copy's time": ours.keep_ms <= copy.keep_ms * PART} if copy else {}
    return met | {
        "it stores at most a tenth more": ours.added_bytes <= total_bytes * MORE,
        "going back takes under 200 ms beyond reading and hashing": ours.back_ms - ours.check_ms < BACK_MS,
    }


def table(told: Iterable[Figures]) -> Table:
    """The figures for a terminal."""
    shown = Table("", "a version", "stored", "going back", "of which reading and hashing", box=None)
    for each in told:
        check = f"{each.check_ms:.0f} ms" if each.check_ms else ""
        shown.add_row(
            each.way, f"{each.keep_ms:.0f} ms", f"{each.added_bytes / 1e6:.1f} MB", f"{each.back_ms:.0f} ms", check
        )
    return shown


def _learn(live: Path, size: Size, noise: random.Random) -> None:
    """Make what was learned."""
    for number in range(size.prototypes):
        write_whole(live / Component.PROTOTYPES / f"{number:06}.bin", noise.randbytes(size.prototype_bytes))
    for component in (Component.INDEX, Component.TARGETS):
        write_whole(live / component / "big.bin", noise.randbytes(size.big_bytes))


def _change(live: Path, size: Size, noise: random.Random) -> None:
    """Change one prototype in a hundred and one page in a hundred."""
    for number in noise.sample(range(size.prototypes), max(1, size.prototypes // 100)):
        write_whole(live / Component.PROTOTYPES / f"{number:06}.bin", noise.randbytes(size.prototype_bytes))
    pages = size.big_bytes // _PAGE_BYTES
    for component in (Component.INDEX, Component.TARGETS):
        raw = bytearray((live / component / "big.bin").read_bytes())
        for page in noise.sample(range(pages), max(1, pages // 100)):
            raw[page * _PAGE_BYTES : (page + 1) * _PAGE_BYTES] = noise.randbytes(_PAGE_BYTES)
        write_whole(live / component / "big.bin", bytes(raw))


def _size(folder: Path) -> int:
    """The size of all files in a folder, bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _timed(do: Callable[[], object], clock: Clock) -> float:
    """Milliseconds that something takes."""
    began_s = clock.monotonic_s()
    do()
    return (clock.monotonic_s() - began_s) * 1000
