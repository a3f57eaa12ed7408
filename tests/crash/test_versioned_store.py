"""Requirement 4.7: a crash at any instant leaves the old version or the new one, whole.

A recorder notes every call that changes a folder, and what is synced. After each call every state is made that a power
failure could leave then: of what was not synced, any part may be lost, in any folder, and a file may be there in part.
In each state the versions are opened, read to the last byte, and gone on with.

And each sync is needed: with any one of them left out, there is a state that shows it.
"""

from __future__ import annotations

import itertools
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import StoreError
from steadyhand.memory import packs
from steadyhand.memory.versioned_store import Component, VersionedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Contents = dict[Component, dict[str, bytes]]
    State = frozenset[tuple[str, bytes | None]]
    """The files of a disk with their bytes, and its folders with None, by their paths."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="only there it is known which file is synced"
)

PROTOTYPES, INDEX, TARGETS = Component


# ------------------------------------------------------------------------------------------------------------- a disk


@dataclass(eq=False)
class File:
    """A file. The first of its stages is on the disk for sure; the others were written since."""

    stages: list[bytes] = field(default_factory=lambda: [b""])

    def contents(self) -> set[bytes]:
        """What it may contain after a power failure: any stage, or half of what was added last."""
        torn = {stage[: len(stage) // 2] for stage in self.stages[1:]}
        return {*self.stages, *torn}


class Move(NamedTuple):
    """What happened to a folder: a name went, another one came."""

    gone: str
    come: str
    what: File | Folder | None


@dataclass(eq=False)
class Folder:
    """A folder: what is in it for sure, and what happened to it since."""

    sure: dict[str, File | Folder] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)

    def after(self, moves: Iterator[Move] | list[Move]) -> dict[str, File | Folder]:
        """What is in it when these have happened."""
        inside = dict(self.sure)
        for move in moves:
            inside.pop(move.gone, None)
            if move.what is not None:
                inside[move.come] = move.what
        return inside

    @property
    def now(self) -> dict[str, File | Folder]:
        """What is in it."""
        return self.after(self.moves)

    def states(self, path: str) -> set[State]:
        """What may be in it after a power failure: any of what happened may be lost."""
        found: set[State] = set()
        for kept in itertools.product((True, False), repeat=len(self.moves)):
            inside = self.after(list(itertools.compress(self.moves, kept)))
            parts = [
                {frozenset({(f"{path}/{name}", raw)}) for raw in each.contents()}
                if isinstance(each, File)
                else each.states(f"{path}/{name}")
                for name, each in inside.items()
                if not name.startswith(".")  # a file without its final name is never looked at
            ]
            found |= {frozenset({(path, None)}).union(*choice) for choice in itertools.product(*parts)}
        return found


@dataclass
class Recorder:
    """A recorder of what may be on a disk.

    Attributes:
        root: The folder that is watched.
        dropped: The number of the sync that is left out, from 1; 0 for none.
        syncs: How many there were.
        deed: The number of the deed that goes on, or has just been done.
        is_done: Whether it has been done.
        states: Every state that a power failure could leave, each with how far the deeds were, oldest first.
    """

    root: Path
    dropped: int = 0
    syncs: int = 0
    deed: int = 0
    is_done: bool = True
    states: dict[tuple[int, bool, State], None] = field(default_factory=dict)
    disk: Folder = field(default_factory=Folder)

    def at(self, path: Path) -> File | Folder:
        """What is at a path now."""
        found: File | Folder = self.disk
        for name in path.relative_to(self.root).parts:
            assert isinstance(found, Folder)
            found = found.now[name]
        return found

    def look(self, folder: Path | None = None) -> None:
        """Take note of what was made or written since the last look."""
        folder = folder or self.root
        known = self.at(folder)
        assert isinstance(known, Folder)
        for path in sorted(folder.iterdir()):
            if path.name in {"lock", "readers"}:  # what is in them, and whether they are there, matters to nobody
                continue
            if path.name not in known.now:
                known.moves.append(Move("", path.name, Folder() if path.is_dir() else File()))
            inside = known.now[path.name]
            if path.is_dir():
                self.look(path)
            elif isinstance(inside, File) and inside.stages[-1] != path.read_bytes():
                inside.stages.append(path.read_bytes())

    def remember(self) -> None:
        """Note every state in which the disk may be now."""
        for state in self.disk.states(""):
            self.states.setdefault((self.deed, self.is_done, state))

    def moved(self, path: Path, to: Path | None) -> None:
        """Note that a name is gone, and perhaps another one has come."""
        folder = self.at(path.parent)
        assert isinstance(folder, Folder)
        assert to is None or to.parent == path.parent
        folder.moves.append(Move(path.name, to.name if to else "", self.at(path) if to else None))

    def synced(self, path: Path) -> None:
        """Note that a file or a folder is on the disk for sure."""
        self.syncs += 1
        if self.syncs == self.dropped:
            return
        found = self.at(path)
        if isinstance(found, File):
            found.stages = found.stages[-1:]
        else:
            found.sure, found.moves = found.now, []

    @contextmanager
    def watching(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Look at the disk at each call that changes a folder or syncs."""
        replace, unlink, rmdir, mkdir = (vars(os)[name] for name in ("replace", "unlink", "rmdir", "mkdir"))

        def noting(do: Callable[[], None], note: Callable[[], None]) -> None:
            self.look()
            self.remember()
            note()
            do()
            self.look()
            self.remember()

        def nothing() -> None:
            pass

        with monkeypatch.context() as patch:
            patch.setattr(
                os, "replace", lambda a, b: noting(lambda: replace(a, b), lambda: self.moved(Path(a), Path(b)))
            )
            patch.setattr(os, "unlink", lambda path: noting(lambda: unlink(path), lambda: self.moved(Path(path), None)))
            patch.setattr(os, "rmdir", lambda path: noting(lambda: rmdir(path), lambda: self.moved(Path(path), None)))
            patch.setattr(os, "mkdir", lambda path, mode: noting(lambda: mkdir(path, mode), nothing))
            patch.setattr(os, "fsync", lambda file: noting(nothing, lambda: self.synced(opened(file))))
            yield


def opened(handle: int) -> Path:
    """What a handle is of."""
    return Path(f"/proc/self/fd/{handle}").readlink()


# -------------------------------------------------------------------------------------------------------------- deeds


def contents(index: bytes, prototypes: str) -> Contents:
    """What was learned: a prototype for each letter, an index, a database that never changes."""
    return {
        PROTOTYPES: {f"{letter}.png": letter.encode() for letter in prototypes},
        INDEX: {"index.faiss": index},
        TARGETS: {"targets.sqlite": b"SQLite " + prototypes[:1].encode()},
    }


ONE = contents(b"11112222333344445555", "abc")
TWO = contents(b"1111xxxx333344445555", "bcd")
THREE = contents(b"yyyyxxxxzzzzwwww5555", "e")
FOUR = contents(b"yyyyxxxxzzzzwwww6666", "e")
"""With blocks of four bytes."""

SYNCS = 69

DEEDS: tuple[tuple[str, Callable[[VersionedStore], object], dict[int, Contents]], ...] = (
    ("nothing", lambda _: None, {}),
    ("learn", lambda store: store.snapshot(ONE, "Learned.", parent=None), {1: ONE}),
    ("learn more", lambda store: store.snapshot(TWO, "Learned.", parent=1), {1: ONE, 2: TWO}),
    ("go back", lambda store: store.restore(1, "Back."), {1: ONE, 2: TWO, 3: ONE}),
    ("learn anew", lambda store: store.snapshot(THREE, "Learned.", parent=3), {1: ONE, 2: TWO, 3: ONE, 4: THREE}),
    ("mark as bad", lambda store: store.mark_bad(3, "Bad."), {1: ONE, 2: TWO, 3: ONE, 4: THREE}),
    ("prune", lambda store: store.prune(2), {2: TWO, 3: ONE, 4: THREE}),
)
"""What is done, one after the other, and which versions there are then. At last the first is pruned, whose packs the
others need: they are merged."""


def recorded(root: Path, monkeypatch: pytest.MonkeyPatch, dropped: int = 0) -> Recorder:
    """Do all deeds, and record what a power failure could leave.

    Args:
        root: A folder that is there; the data are made in it.
        monkeypatch: Lets the recorder look.
        dropped: The number of the sync that is left out; 0 for none.
    """
    recorder = Recorder(root, dropped)
    store = VersionedStore(root / "data", "pay", ManualClock())
    with recorder.watching(monkeypatch):
        for number, (_, do, versions) in enumerate(DEEDS):
            recorder.deed, recorder.is_done = number, False
            do(store)
            recorder.is_done = True
            recorder.remember()
            assert held(store) == versions
    return recorder


def held(store: VersionedStore) -> dict[int, Contents]:
    """What each version holds."""
    found = {}
    for info in store.versions():
        with store.reading(info.number) as version:
            found[info.number] = {
                each: {name: version.read(each, name) for name in version.names(each)} for each in Component
            }
    return found


def check(root: Path, deed: int, *, is_done: bool, state: State) -> None:
    """Whoever opens the versions after a power failure finds the old ones or the new ones, and goes on with them."""
    shutil.rmtree(root, ignore_errors=True)
    for path, raw in sorted(state):
        place = root / path.lstrip("/")
        if raw is None:
            place.mkdir()
        else:
            place.write_bytes(raw)
    store = VersionedStore(root / "data", "pay", ManualClock())
    found = held(store)
    assert found == DEEDS[deed][2] or (not is_done and found == DEEDS[deed - 1][2])
    good, bad = store.last_good(), [info.number for info in store.versions() if info.bad]
    marked = next(number for number, (name, *_) in enumerate(DEEDS) if name == "mark as bad")
    assert bad == [3] or 3 not in found or deed < marked or (deed == marked and not is_done)
    store.prune(1)
    last = store.snapshot(FOUR, "Learned.", parent=max(found, default=None))
    kept = {*found} & {max(found, default=0), good.number if good else 0}
    assert held(store) == {number: found[number] for number in kept} | {last.number: FOUR}


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files of twenty bytes have several blocks; and sync nothing, where nothing is recorded."""
    monkeypatch.setattr(packs, "BLOCK_BYTES", 4)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("small_blocks")
def test_4_7_a_power_failure_leaves_the_old_versions_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of that which was not synced is lost, all versions that were there before or after are there, whole."""
    (tmp_path / "disk").mkdir()
    recorder = recorded(tmp_path / "disk", monkeypatch)
    assert recorder.syncs == SYNCS
    assert len(recorder.states) > 200
    for deed, is_done, state in recorder.states:
        if is_done or (deed, True, state) not in recorder.states:  # else it is checked more strictly
            check(tmp_path / "after", deed, is_done=is_done, state=state)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("dropped", range(1, SYNCS + 1))
def test_4_7_each_sync_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dropped: int) -> None:
    """With any one sync left out, a power failure could leave versions that are neither the old nor the new."""
    for name in ("sound", "disk"):
        (tmp_path / name).mkdir()
    sound = recorded(tmp_path / "sound", monkeypatch)
    suspects = [each for each in recorded(tmp_path / "disk", monkeypatch, dropped).states if each not in sound.states]
    assert any(is_harmed(tmp_path / "after", deed, is_done=is_done, state=state) for deed, is_done, state in suspects)


def is_harmed(root: Path, deed: int, *, is_done: bool, state: State) -> bool:
    """Whether a state is none that a power failure may leave."""
    try:
        check(root, deed, is_done=is_done, state=state)
    except (AssertionError, StoreError):
        return True
    return False
