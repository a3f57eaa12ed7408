"""The learned memory of one workflow, for one run: what is known, what this run adds, and how that is kept.

During a run nothing of the looks changes: it reads the version that was in use when it began. What its validated
successes teach is gathered, and becomes one new version at its end. What worked how often is counted at once, in a
target memory that is kept beside the versions; each version has a copy of it as it was then. When somebody has gone
back to another version, the next run goes on from that copy.

What was learned in a version that is marked bad, and not before it, is *banned*: neither it nor a look that is nearly
the same is ever learned again. Bans are kept beside the versions, so that going back does not undo them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from steadyhand.errors import StoreCorruptError, VersionOutdatedError
from steadyhand.files import content_hash, write_whole
from steadyhand.memory.prototype_index import Banned, PrototypeIndex
from steadyhand.memory.target_memory_store import TargetMemoryStore
from steadyhand.memory.versioned_store import Component, VersionedStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.memory.prototype_index import Kept, Nearest, Prototype, Shot
    from steadyhand.memory.target_memory_store import TargetMemory, Trial
    from steadyhand.memory.versioned_store import Version, VersionInfo

_TARGETS = "targets.db"


class LearnedMemory:
    """What a workflow has learned. Close it when the run is over; it is for one run, and not safe for several threads.

    Args:
        data: The folder of a robot's data; made if needed.
        workflow: The name of the workflow.
        clock: Where time comes from.

    Raises:
        StoreError: What was learned is damaged, or cannot be read. Nothing of it is used then.
    """

    def __init__(self, data: Path, workflow: str, clock: Clock) -> None:
        name = f"workflow_{content_hash(workflow.encode())}"
        self._versions = VersionedStore(data, workflow, clock)
        with ExitStack() as stack:
            self._targets = TargetMemoryStore(data / "learning" / "target_memory" / f"{name}.db")
            stack.callback(self._targets.close)
            self._banned = _Bans.of(data, workflow, self._versions)
            info = self._versions.current
            self._parent = info.number if info else None
            if self._parent is None:
                self._index = PrototypeIndex()
            else:
                version = stack.enter_context(self._versions.reading(self._parent))
                self._index = PrototypeIndex(_Files(version, Component.PROTOTYPES), _Files(version, Component.INDEX))
                if self._targets.version != self._parent:
                    self._targets.become(version.read(Component.TARGETS, _TARGETS), self._parent)
            self._open = stack.pop_all()
        self._fresh: list[str] = []

    def close(self) -> None:
        """Let go of what is kept; what was gathered and not committed is forgotten."""
        self._open.close()

    @property
    def version(self) -> int:
        """The version that this run reads; 0 if nothing was learned yet."""
        return self._parent or 0

    # ------------------------------------------------------------------------------------------------- what is known

    def of(self, target: str) -> TargetMemory:
        """What worked for a target.

        Args:
            target: Its key.
        """
        return self._targets.of(target)

    def looks(self, target: str) -> list[tuple[Prototype, float]]:
        """The learned looks of a target, each with the probability that it shows the right thing, the surest first.

        Args:
            target: Its key.
        """
        known = self._index.of(target)
        memory = self._targets.of(target) if known else None
        if memory is None:
            return []
        order = {tally.look: place for place, tally in enumerate(memory.tallies) if tally.look}
        ordered = sorted(known, key=lambda each: order.get(each.id, len(order)))
        return [(each, memory.of_look(each.id).trust(each.origin.confidence)) for each in ordered]

    def shot(self, name: str) -> Shot:
        """The screen of a name.

        Raises:
            StoreError: Its files are missing or damaged.
        """
        return self._index.shot(name)

    def nearest(self, vector: NDArray[np.float32], space: str, limit: int, target: str) -> Sequence[Nearest]:
        """The learned looks of a target that look most like something.

        Args:
            vector: The look, float32, (dimensions,), of length 1.
            space: The space of the vector.
            limit: How many at most.
            target: The key of the target.

        Raises:
            StoreError: The vectors of the index are of another space.
        """
        return self._index.nearest(vector, space, limit, target)

    # ------------------------------------------------------------------------------------------------ what is learned

    def count(self, trial: Trial) -> None:
        """Count a step that found its target and acted on it, at once.

        Raises:
            StoreError: It cannot be written.
        """
        self._targets.add([trial])

    def learn(self, prototype: Prototype, shot: Shot) -> Kept | None:
        """Gather a look that a validated success has shown.

        Args:
            prototype: The look.
            shot: The screen on which it stood.

        Returns:
            What stands for the look now; None if it is banned.

        Raises:
            StoreError: It cannot be learned beside what is known.
        """
        kept = self._index.add(prototype, shot, banned=self._banned, worth=self._worth)
        if kept and kept.is_new:
            self._fresh.append(kept.id)
        return kept

    def commit(self, cause: str) -> VersionInfo | None:
        """Keep what was gathered as one new version.

        Args:
            cause: Why, for a person.

        Returns:
            The version; None if nothing new was gathered, or if somebody has made another version meanwhile: what was
            learned beside it is learned again when it is seen again.

        Raises:
            StoreError: It cannot be kept.
        """
        if not self._fresh:
            return None
        self._fresh.clear()
        prototypes, index = self._index.files()
        content = {
            Component.PROTOTYPES: prototypes,
            Component.INDEX: index,
            Component.TARGETS: {_TARGETS: self._targets.to_bytes()},
        }
        try:
            info = self._versions.snapshot(content, cause, parent=self._parent)
        except VersionOutdatedError:
            return None
        self._parent = info.number
        self._targets.belong_to(info.number)
        self._targets.keep_looks(each.id for each in self._index)
        return info

    def _worth(self, prototype: Prototype) -> tuple[float, float]:
        """How much a look is worth: how surely it is right, then how lately it was."""
        tally = self._targets.of(prototype.target).of_look(prototype.id)
        return tally.rate.low, max(tally.last_s, prototype.origin.at_s)


class LearnedVersions:
    """What the workflows of a robot have learned, as far as healing needs to know of it: `healing.learning.Memory`.

    What a version is taken back for was learned in it or later. A version that brought back what was there before is
    none of those.

    Args:
        data: The folder of a robot's data.
        clock: Where time comes from.
    """

    def __init__(self, data: Path, clock: Clock) -> None:
        self._data = data
        self._clock = clock

    def version(self, workflow: str) -> int:
        """The number of the version that the next run looks with; 0 if nothing was learned yet."""
        current = self._store(workflow).current
        return current.number if current else 0

    def forbid(self, workflow: str, version: int) -> None:
        """Never learn again what a version and all later ones have added."""
        store = self._store(workflow)
        for info in _learned_since(store, version):
            if not info.bad:
                store.mark_bad(info.number, "What it added has made things worse.")
        _Bans.of(self._data, workflow, store)

    def roll_back(self, workflow: str, version: int, why: str) -> int | None:
        """Use the last good version before one; before the very first one, nothing had been learned.

        Returns:
            The version in use; None if what was good is not there any more.
        """
        store = self._store(workflow)
        for info in _learned_since(store, version):
            store.mark_bad(info.number, why)
        known, current = store.versions(), store.current
        if current is None or not current.bad:
            return current.number if current else 0
        good = store.last_good()
        if good is not None:
            return store.restore(good.number, why).number
        if known[0].parent is not None:
            return None
        nothing: Mapping[Component, Mapping[str, bytes]] = {
            Component.PROTOTYPES: {},
            Component.INDEX: {},
            Component.TARGETS: {_TARGETS: TargetMemoryStore().to_bytes()},
        }
        return store.snapshot(nothing, why, parent=current.number).number

    def _store(self, workflow: str) -> VersionedStore:
        return VersionedStore(self._data, workflow, self._clock)


def _learned_since(store: VersionedStore, version: int) -> list[VersionInfo]:
    """The versions from one on, but for those that brought back what was there before it, or nothing at all."""
    return [
        info
        for info in store.versions()
        if info.number >= version
        and (info.restored is None or info.restored >= version)
        and info.parts[Component.PROTOTYPES].files
    ]


class _Files(Mapping[str, bytes]):
    """The files of a component of a version, each read when it is asked for."""

    def __init__(self, version: Version, component: Component) -> None:
        self._version = version
        self._component = component
        self._names = version.names(component)

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        return self._version.read(self._component, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _BanFile(TypedDict):
    """What is banned, and the bad versions of which that is known already."""

    versions: list[int]
    banned: list[Banned]


_BANS = TypeAdapter(_BanFile)


class _Bans:
    """The looks that must never be learned again.

    Args:
        path: The file in which they are kept.
        versions: The versions of the workflow, some of which may be bad.

    Raises:
        StoreError: The file is damaged, or a bad version cannot be read.
    """

    @classmethod
    def of(cls, data: Path, workflow: str, versions: VersionedStore) -> _Bans:
        """The bans of a workflow."""
        return cls(data / "learning" / "banned" / f"workflow_{content_hash(workflow.encode())}.json", versions)

    def __init__(self, path: Path, versions: VersionedStore) -> None:
        try:
            plain = _BANS.validate_json(path.read_bytes()) if path.exists() else _BanFile(versions=[], banned=[])
        except ValidationError:
            raise StoreCorruptError(
                f"{path}, which names the looks that must never be learned again, is damaged.",
                "Bring it back from a backup; or remove it, and what was bad may be learned again.",
            ) from None
        known = {each.id for each in plain["banned"]}
        listed = versions.versions()
        fresh = [info for info in listed if info.bad and info.number not in plain["versions"]]
        for info in fresh:
            before = [other.number for other in listed if other.number < info.number and not other.bad]
            good = {each.id for number in before[-1:] for each in _looks_of(versions, number)}
            bad = [each for each in _looks_of(versions, info.number) if each.id not in good | known]
            plain["banned"] += map(Banned.of, bad)
            plain["versions"].append(info.number)
        if fresh:
            write_whole(path, _BANS.dump_json(plain, indent=1))
        self._banned = plain["banned"]

    def __iter__(self) -> Iterator[Banned]:
        return iter(self._banned)


def _looks_of(versions: VersionedStore, number: int) -> list[Prototype]:
    """The learned looks of a version."""
    with versions.reading(number) as version:
        return list(PrototypeIndex(_Files(version, Component.PROTOTYPES)))
