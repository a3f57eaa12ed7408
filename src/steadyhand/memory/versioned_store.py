"""What a workflow has learned, in versions: whole, never changed, and each one can be gone back to.

A *version* is all that a workflow had learned at one time, in three *components*: its prototypes, their index, and the
target memory. A component is some files, of which nothing matters here but their names and bytes. Versions are numbered
through the whole folder of a robot's data, whatever workflow they belong to.

Each component has a place, and there a folder for each version (see `Component`). In it are a *manifest*, which lists
its files, and a *pack* of the blocks that no version before it had (see `steadyhand.memory.packs`). A version is in
force, with all its components, from the moment in which the workflow's *record* names it: one file, replaced in one
rename, that tells the history of the workflow's versions, which of them is in use, and what each manifest must be.

The version in use is the newest one, for to *restore* a version is to make a new one of what it holds. So history only
grows, a number is never used twice, and what was gone back to, when and why is told like everything else.

Many may read, in many processes. Whoever writes is alone in the folder of the data, and so is, for an instant, whoever
begins to read: what somebody reads is not removed.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.clock import Deadline
from steadyhand.errors import StoreCorruptError, StoreError, VersionNotFoundError, VersionOutdatedError
from steadyhand.files import LockFile, content_hash, discard, make_folder, write_whole
from steadyhand.memory.packs import LOOK, Entry, Manifest, Packs, pack
from steadyhand.memory.version_content import MANIFEST, Content, Version, faults
from steadyhand.memory.version_record import Component, Record, VersionInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from steadyhand.clock import Clock

__all__ = ["Change", "Component", "Pruned", "Verification", "Version", "VersionInfo", "VersionedStore"]

_LONGEST_NAME = 80

_WAIT_S = 30.0
"""A version of 100 MB takes a second to write. Who waits longer for the lock waits for something that hangs."""

_POLL_S = 0.005
"""How often the lock is tried. Source: a decision; it is held for a few milliseconds, or for hundreds."""


class Change(NamedTuple):
    """A file that differs between two versions.

    Attributes:
        component: Where it is.
        file: Its name.
        old_bytes: Its size in the one; None if it is not there.
        new_bytes: Its size in the other; None if it is not there.
        changed_blocks: How many blocks of the other are not in the one.
    """

    component: Component
    file: str
    old_bytes: int | None
    new_bytes: int | None
    changed_blocks: int


class Verification(NamedTuple):
    """What was found by reading all of some versions.

    Attributes:
        versions: Their numbers.
        blocks: How many blocks were read; what versions share is read once.
        problems: What is wrong; each names the version, the component and the file.
    """

    versions: tuple[int, ...]
    blocks: int
    problems: tuple[str, ...]


class Pruned(NamedTuple):
    """What pruning has removed.

    Attributes:
        versions: Their numbers.
        freed_bytes: How much less is on the disk.
    """

    versions: tuple[int, ...]
    freed_bytes: int


class VersionedStore:
    """The versions of one workflow. Safe for several threads and processes; it holds nothing open.

    Args:
        data: The folder of a robot's data, on a disk of this machine; made if needed.
        workflow: Whose versions.
        clock: Where time comes from.

    Raises:
        StoreCorruptError: A file of the store is damaged or missing. From every method that needs the file.
        StoreError: The disk or the folder refuses, or something else holds the lock. From every method; what was in use
            before is in use then, or, if the very last sync failed, what should have been.
        VersionNotFoundError: There is no version of a number, or none at all. From every method that needs it.
    """

    def __init__(self, data: Path, workflow: str, clock: Clock) -> None:
        self._data = data
        self._workflow = workflow
        self._clock = clock
        self._records = data / "learning" / "versions"
        name = _folder_name(workflow)
        self._path = self._records / f"{name}.json"
        self._places = {
            Component.PROTOTYPES: data / "learning" / "prototypes",
            Component.INDEX: data / "faiss_index" / name,
            Component.TARGETS: data / "learning" / "targets",
        }

    # ------------------------------------------------------------------------------------------------------- reading

    @property
    def current(self) -> VersionInfo | None:
        """The version in use; None before the first one."""
        return self._record().current

    def versions(self) -> tuple[VersionInfo, ...]:
        """All versions, the oldest first."""
        return tuple(self._record().versions.values())

    def get(self, number: int) -> VersionInfo:
        """The version of a number."""
        return self._record().get(number)

    def last_good(self) -> VersionInfo | None:
        """The newest version before the one in use that is not bad; None if there is none.

        What holds the same as a bad version, or as the one in use, is passed over: it would be the same again.
        """
        return self._record().last_good

    @contextmanager
    def reading(self, number: int | None = None) -> Iterator[Version]:
        """Read a version. It stays there as long as this lasts, whatever others restore or prune.

        All of it is read and compared with its hashes first, so that nothing damaged is ever used.

        Args:
            number: Of the version; the one in use if not given.
        """
        with self._kept(number) as version:
            for problem in version.problems():
                raise problem
            yield version

    def verify(self, number: int | None = None, progress: Callable[[int, int], None] = lambda *_: None) -> Verification:
        """Read a version, or all of them, and compare every byte with what it was.

        Args:
            number: Of the version; all if not given.
            progress: Told how many of how many versions are done.
        """
        numbers = [number] if number is not None else list(self._record().versions)
        sound: set[tuple[Component, str]] = set()
        seen: list[int] = []
        problems: list[str] = []
        for done, each in enumerate(numbers):
            progress(done, len(numbers))
            try:
                with self._kept(each) as version:
                    problems += [problem.message for problem in version.problems(sound)]
                    seen.append(each)
            except VersionNotFoundError:
                if number is not None:
                    raise
                # Somebody has pruned it meanwhile.
        return Verification(tuple(seen), len(sound), tuple(problems))

    def diff(self, old: int, new: int) -> tuple[Change, ...]:
        """Which files differ between two versions, by component and name."""
        with self._alone():
            record = self._record()
            pair = [self._manifests(record.get(number)) for number in (old, new)]
        changes = []
        for component in Component:
            before, after = (manifests[component].files for manifests in pair)
            for file in sorted(before.keys() | after.keys()):
                one, other = before.get(file), after.get(file)
                if one != other:
                    changed = len(set(other.blocks if other else ()) - set(one.blocks if one else ()))
                    changes.append(Change(component, file, _size(one), _size(other), changed))
        return tuple(changes)

    # ------------------------------------------------------------------------------------------------------- writing

    def snapshot(
        self, content: Mapping[Component, Mapping[str, bytes]], cause: str, *, parent: int | None
    ) -> VersionInfo:
        """Keep what was learned as a new version, and use it from now on.

        Args:
            content: The files of every component, each by its name. Of a database, what SQLite's backup has copied.
            cause: Why, for a person.
            parent: The version in use when learning began; None if there was none.

        Raises:
            VersionOutdatedError: Another version is in use by now. Nothing is kept: what was learned since might bring
                back what somebody has just gone back from.
        """
        assert set(content) == set(Component), "a version has all components or none"
        with self._alone():
            record = self._record()
            if record.in_use != parent:
                raise VersionOutdatedError(
                    f"What {self._workflow} has learned since version {parent} is not kept: version {record.in_use} is "
                    "in use by now.",
                    "Learn from that one.",
                )
            former = self._manifests(record.current) if record.current else {}
            contents = {}
            for component, files in content.items():
                with self._packs(record, component) as packs:
                    contents[component] = Content.of(files, former.get(component), packs)
            return self._add(record, contents, cause, restored=None)

    def restore(self, number: int, cause: str) -> VersionInfo:
        """Go back: make a new version of what an old one holds, byte for byte, and use it from now on.

        Args:
            number: Of the old version. All of it is read and compared with its hashes first.
            cause: Why, for a person.
        """
        with self._alone():
            record = self._record()
            info = record.get(number)
            with self._opened(record, info) as version:
                for problem in version.problems():
                    raise problem
                contents = {each: Content(version.manifest(each), {}) for each in Component}
            return self._add(record, contents, cause, restored=number)

    def pin(self, number: int) -> VersionInfo:
        """Keep a version, whatever is pruned."""
        return self._change(number, lambda info: replace(info, is_pinned=True))

    def unpin(self, number: int) -> VersionInfo:
        """Let a version be pruned when it is old."""
        return self._change(number, lambda info: replace(info, is_pinned=False))

    def mark_bad(self, number: int, why: str) -> VersionInfo:
        """Note that a version must not be gone back to.

        Args:
            number: Of the version.
            why: For a person; not empty.
        """
        assert why, "a version is bad for a reason"
        return self._change(number, lambda info: replace(info, bad=why))

    def prune(self, keep: int) -> Pruned:
        """Remove old versions, and whatever killed processes have left.

        Kept are the newest ones, those that are pinned or being read, and the one that a regression would go back to.

        Args:
            keep: How many of the newest; at least one, so that the version in use is among them.
        """
        assert keep >= 1, "the version in use is kept"
        with self._alone():
            record = self._record()
            wanted = {*list(record.versions)[-keep:], *self._being_read()}
            wanted |= {good.number for good in (record.last_good,) if good}
            stays = {number: info for number, info in record.versions.items() if info.is_pinned or number in wanted}
            gone = tuple(number for number in record.versions if number not in stays)
            before_bytes = self._bytes_on_disk()
            kept = self._packs_kept(replace(record, versions=stays), sorted({*gone, *record.shared}, reverse=True))
            after = replace(record, versions=stays, shared=tuple(sorted({number for number, _ in kept})))
            if after != record:
                self._write(after)
            self._sweep(after, {path for _, path in kept})
            return Pruned(gone, before_bytes - self._bytes_on_disk())

    def _add(
        self, record: Record, contents: Mapping[Component, Content], cause: str, *, restored: int | None
    ) -> VersionInfo:
        """Write a version, then name it in the record: until then nobody knows of it."""
        number = 1 + max((found for place in self._places.values() for found, _ in _folders(place)), default=0)
        if not self._path.exists():
            self._write(record)  # so that a record that is lost can be told from one that never was
        try:
            parts = {each: contents[each].write(self._folder(each, number)) for each in Component}
            info = VersionInfo(number, self._workflow, self._clock.now(), cause, record.in_use, restored, parts)
            self._write(replace(record, versions={**record.versions, number: info}))
        except BaseException:
            with suppress(OSError, StoreError):
                if number not in self._record().versions:  # else only the very last sync has failed
                    for component in Component:
                        discard(self._folder(component, number))
            raise
        return info

    def _change(self, number: int, change: Callable[[VersionInfo], VersionInfo]) -> VersionInfo:
        """Note something of a version."""
        with self._alone():
            record = self._record()
            info = change(record.get(number))
            self._write(replace(record, versions={**record.versions, number: info}))
            return info

    # ------------------------------------------------------------------------------------------------------- pruning

    def _packs_kept(self, record: Record, spare: Iterable[int]) -> list[tuple[int, Path]]:
        """Which packs of versions that are gone are still needed, once those that have become poor are merged.

        Args:
            record: With the versions that stay.
            spare: The numbers of those that are gone, the newest first.
        """
        kept: list[tuple[int, Path]] = []
        manifests = [self._manifests(info) for info in record.versions.values()]
        for component in Component:
            numbers = {self._folder(component, number): number for number in spare}
            own = [self._folder(component, number) for number in record.versions]
            needed = set().union(*(each[component].blocks for each in manifests))
            with Packs(self._places[component], [*own, *numbers]) as packs:
                for name in needed - {name for listed in packs.listed.values() for name in listed}:
                    raise packs.missing(name)
                live = {
                    path: needed.intersection(listed)
                    for path, listed in packs.listed.items()
                    if path.parent in numbers and not needed.isdisjoint(listed)
                }
                poor = packs.poor(live)
                if poor:
                    host = max((path.parent for path in poor), key=numbers.__getitem__)
                    merged = host / f"{1 + max(int(path.stem) for path in host.glob('*.pack'))}.pack"
                    blocks = {name: packs.block(name) for path in poor for name in sorted(live.pop(path))}
                    write_whole(merged, b"".join(pack(blocks)))
                    live[merged] = set(blocks)
                kept += [(numbers[path.parent], path) for path in live]
        return kept

    def _sweep(self, record: Record, kept: set[Path]) -> None:
        """Remove what no record tells of. Whatever of it comes back after a power failure is removed next time."""
        known = {*record.versions, *record.shared}
        for path in self._records.glob("workflow_*.json"):
            other = Record.from_bytes(path.read_bytes(), path)
            known |= {*other.versions, *other.shared}
        for place in self._places.values():
            for number, folder in _folders(place):
                if number not in known:
                    discard(folder)
                elif number in record.shared:
                    for file in folder.iterdir():
                        if file not in kept:
                            discard(file)
                    if not any(folder.iterdir()):
                        discard(folder)
        for file in self._records.glob(".*"):
            discard(file)

    def _bytes_on_disk(self) -> int:
        """The size of all packs and manifests, of other workflows too: nobody else changes them meanwhile."""
        return sum(file.stat().st_size for place in self._places.values() for file in place.glob("v*/*"))

    # -------------------------------------------------------------------------------------------------------- record

    def _record(self) -> Record:
        """The record of the workflow, as it is now."""
        with faults(self._data):
            try:
                raw = self._path.read_bytes()
            except FileNotFoundError:
                if _folders(self._places[Component.INDEX]):
                    raise StoreCorruptError(f"{self._path} is missing, and there are versions.", LOOK) from None
                return Record(self._workflow)
            record = Record.from_bytes(raw, self._path)
            if record.workflow != self._workflow:
                raise StoreCorruptError(f"{self._path} is the record of {record.workflow!r}.", LOOK)
            return record

    def _write(self, record: Record) -> None:
        """Replace the record: the one instant in which anything changes."""
        write_whole(self._path, record.to_bytes())

    # ------------------------------------------------------------------------------------------------------- folders

    def _folder(self, component: Component, number: int) -> Path:
        return self._places[component] / f"v{number:02}"

    def _manifests(self, info: VersionInfo) -> dict[Component, Manifest]:
        """The manifests of a version."""
        return {
            each: Manifest.read(self._folder(each, info.number) / MANIFEST, info.parts[each].manifest)
            for each in Component
        }

    def _packs(self, record: Record, component: Component) -> Packs:
        """All packs of a component, the newest first."""
        numbers = sorted({*record.versions, *record.shared}, reverse=True)
        return Packs(self._places[component], [self._folder(component, number) for number in numbers])

    @contextmanager
    def _opened(self, record: Record, info: VersionInfo) -> Iterator[Version]:
        """A version that can be read; nothing in it has been looked at."""
        with ExitStack() as stack:
            packs = {each: stack.enter_context(self._packs(record, each)) for each in Component}
            yield Version(info, packs, {each: self._folder(each, info.number) for each in Component}, self._data)

    # -------------------------------------------------------------------------------------------------- with others

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one in the folder of the data who writes versions, or begins to read them."""
        with faults(self._data):
            make_folder(self._records)
            lock = LockFile(self._records / "lock")
            try:
                deadline = Deadline(self._clock, _WAIT_S)
                while not lock.try_to_hold():
                    if deadline.passed:
                        raise StoreError(
                            f"Another process has held {self._records / 'lock'} for {_WAIT_S:.0f} seconds.",
                            "Look what the other robots on this folder are waiting for.",
                        )
                    self._clock.sleep(_POLL_S)
                yield
            finally:
                lock.close()

    @contextmanager
    def _kept(self, number: int | None) -> Iterator[Version]:
        """Open a version, and let no one prune it as long as this lasts.

        A reader holds the first file in a folder of its own that nobody holds, and notes the number in it. It is let go
        when the reader's process ends, however it ends.
        """
        with ExitStack() as stack:
            with self._alone():
                record = self._record()
                number = record.in_use if number is None else number
                info = record.get(number)
                (self._records / "readers").mkdir(exist_ok=True)
                for each in count():
                    seat = LockFile(self._records / "readers" / f"{each}")
                    stack.callback(seat.close)
                    if seat.try_to_hold():
                        break
                seat.note(f"{info.number:020}".encode())
                version = stack.enter_context(self._opened(record, info))
            yield version

    def _being_read(self) -> Iterator[int]:
        """The numbers of the versions that are read now."""
        for path in (self._records / "readers").glob("*"):
            seat = LockFile(path)
            try:
                if not seat.try_to_hold():
                    yield int(seat.read())
            finally:
                seat.close()


def _folders(place: Path) -> list[tuple[int, Path]]:
    """The folders of versions in a place, with their numbers."""
    found = ((re.fullmatch(r"v(\d{2,})", path.name), path) for path in place.glob("v*"))
    return [(int(match[1]), path) for match, path in found if match]


def _folder_name(workflow: str) -> str:
    """What a workflow is called on the disk: no two are called the same, whatever letters the system confuses."""
    plain = re.sub(r"[^a-z0-9]+", "-", workflow.lower()).strip("-")[:_LONGEST_NAME]
    return f"workflow_{plain}" if plain == workflow else f"workflow_{plain}-{content_hash(workflow.encode())}"


def _size(entry: Entry | None) -> int | None:
    return entry and entry.size_bytes
