"""What is in a version: read, with every byte compared with what it was, or about to be written."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.errors import StoreCorruptError, StoreError
from steadyhand.files import write_folder
from steadyhand.memory.packs import Entry, Manifest, Packs, block_name, cut, pack
from steadyhand.memory.version_record import Component, Part, VersionInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
"""The name of a manifest in the folder of its version."""


class Version:
    """A version that is being read, by one thread.

    Attributes:
        info: What is known of it.
    """

    def __init__(
        self, info: VersionInfo, packs: Mapping[Component, Packs], folders: Mapping[Component, Path], data: Path
    ) -> None:
        self.info = info
        self._packs = packs
        self._folders = folders
        self._data = data
        self._manifests: dict[Component, Manifest] = {}

    def manifest(self, component: Component) -> Manifest:
        """The files of a component.

        Raises:
            StoreCorruptError: The manifest is damaged or missing.
        """
        if component not in self._manifests:
            seal = self.info.parts[component].manifest
            self._manifests[component] = Manifest.read(self._folders[component] / MANIFEST, seal)
        return self._manifests[component]

    def names(self, component: Component) -> tuple[str, ...]:
        """The names of the files of a component, in order."""
        return tuple(sorted(self.manifest(component).files))

    def read(self, component: Component, name: str) -> bytes:
        """The bytes of a file, each block compared with its hash.

        Raises:
            StoreCorruptError: It was damaged since this version was opened.
        """
        with faults(self._data):
            return b"".join(map(self._packs[component].block, self.manifest(component).files[name].blocks))

    def problems(self, sound: set[tuple[Component, str]] | None = None) -> Iterator[StoreCorruptError]:
        """Read all of it; what is wrong, one for each file.

        Args:
            sound: Which blocks of which component were found right already; this version's are added.
        """
        sound = set() if sound is None else sound
        for component in Component:
            try:
                files = self.manifest(component).files
            except StoreCorruptError as error:
                yield StoreCorruptError(f"Version {self.info.number}, {component}: {error.message}", error.hint)
                continue
            for name, entry in files.items():
                try:
                    with faults(self._data):
                        for block in entry.blocks:
                            if (component, block) not in sound:
                                self._packs[component].block(block)
                                sound.add((component, block))
                except StoreCorruptError as error:
                    yield StoreCorruptError(
                        f"Version {self.info.number}, {component}, file {name}: {error.message}", error.hint
                    )


class Content(NamedTuple):
    """A component that is to be written.

    Attributes:
        manifest: Its files.
        fresh: The blocks that are not there yet.
    """

    manifest: Manifest
    fresh: Mapping[str, memoryview]

    @staticmethod
    def of(files: Mapping[str, bytes], former: Manifest | None, packs: Packs) -> Content:
        """Files that are to be written.

        A block that the version before has in the same place is compared with it, which takes less than its hash. One
        that is there and damaged is written once more.

        Args:
            files: Their bytes, by their names.
            former: The files of the version before.
            packs: What is there.
        """
        fresh: dict[str, memoryview] = {}
        entries = {}
        for file, content in files.items():
            before = former.files[file].blocks if former and file in former.files else ()
            names = []
            for place, block in enumerate(cut(content)):
                if place < len(before) and packs.holds(before[place], block):
                    names.append(before[place])
                    continue
                names.append(block_name(block))
                if names[-1] not in fresh and not packs.holds(names[-1], block):
                    fresh[names[-1]] = block
            entries[file] = Entry(len(content), tuple(names))
        return Content(Manifest(entries), fresh)

    def write(self, folder: Path) -> Part:
        """Write it into a new folder."""
        raw = self.manifest.to_bytes()
        write_folder(folder, {MANIFEST: [raw]} | ({"1.pack": pack(self.fresh)} if self.fresh else {}))
        return Part(
            files=len(self.manifest.files),
            size_bytes=sum(entry.size_bytes for entry in self.manifest.files.values()),
            added_bytes=sum(file.stat().st_size for file in folder.iterdir()),
            manifest=hashlib.sha256(raw).hexdigest(),
        )


@contextmanager
def faults(data: Path) -> Iterator[None]:
    """Turn the system's faults into ours."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The versions in {error.filename or data} cannot be read or written: {error.strerror or error}.",
            "Nothing is learned without them. Look whether the disk is full or failing, and who may write there.",
        ) from error
