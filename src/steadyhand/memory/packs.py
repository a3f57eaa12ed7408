"""Where the bytes of versions lie: each piece once, under a name that says what it must be.

A *block* is a piece of a file, named by the SHA-256 of its bytes. A *pack* is a file of blocks that is written once:
its first line lists their names and sizes, the blocks follow. A *manifest* lists the files of a component, each with
the names of its blocks; where those lie it does not say, so packs may be merged, and a block may be there twice.

A block is believed when its bytes have its name, whatever the pack says. So a pack needs no seal of its own: whatever
becomes of it, its blocks are right or are missed.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from steadyhand.errors import StoreCorruptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from io import BufferedReader
    from pathlib import Path

BLOCK_BYTES = 16 << 10
"""A file is cut into pieces of this size. Source: measured, with one in a hundred pages of 4 KiB changed at random in a
database of 50 MB: a version stores 2.0 MB of it, and its manifest has 0.2 MB. Pieces of 64 KiB would store 7.4 MB."""

_MOSTLY = 0.5
"""Of a pack of a version that is gone, less than this part is needed: it is merged with others. Source: a decision: so
such packs waste no more room than they use."""

_MOST_PACKS = 16
"""So many packs of versions that are gone may be there; of more, the smaller half is merged. Source: a decision: each
pack is an open file while a version is read, and a process may have 1,024 of them."""

LOOK = "Restore another version; if each one is damaged, bring the folder back from a backup, or move it away."


class Entry(NamedTuple):
    """A file of a component.

    Attributes:
        size_bytes: Its size.
        blocks: The names of its blocks, in order. All but the last one have `BLOCK_BYTES`.
    """

    size_bytes: int
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a component.

    Attributes:
        files: By their names.
    """

    files: Mapping[str, Entry]

    @property
    def blocks(self) -> set[str]:
        """The names of all blocks."""
        return {name for entry in self.files.values() for name in entry.blocks}

    def to_bytes(self) -> bytes:
        """As it is written: equal files give equal bytes."""
        return json.dumps(self.files, sort_keys=True, separators=(",", ":")).encode()

    @staticmethod
    def read(path: Path, seal: str) -> Manifest:
        """Read one back.

        Args:
            path: Where it is.
            seal: The SHA-256 of its bytes.

        Raises:
            StoreCorruptError: It is not there, or not what it was.
        """
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            raise StoreCorruptError(f"{path} is missing.", LOOK) from None
        if hashlib.sha256(raw).hexdigest() != seal:
            raise StoreCorruptError(f"{path} was changed or cut off.", LOOK)
        files = json.loads(raw)
        return Manifest({name: Entry(size_bytes, tuple(blocks)) for name, (size_bytes, blocks) in files.items()})


def cut(content: bytes) -> Iterator[memoryview]:
    """Cut a file into its blocks."""
    view = memoryview(content)
    return (view[start : start + BLOCK_BYTES] for start in range(0, len(view), BLOCK_BYTES))


def block_name(block: bytes | memoryview) -> str:
    """The name of a block."""
    return hashlib.sha256(block).hexdigest()


def pack(blocks: Mapping[str, bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """What a pack of these blocks contains, in pieces."""
    sizes = [(name, len(block)) for name, block in blocks.items()]
    yield json.dumps(sizes, separators=(",", ":")).encode() + b"\n"
    yield from blocks.values()


class Packs:
    """The packs of some folders, to be read by one thread. What is damaged in them is missed when it is asked for.

    All of them are opened at once: they may be removed, or be written anew, while they are read.

    Args:
        place: The folder that all of them lie below.
        folders: Where they are, those first that count more: of two packs with the same block, that block is the
            first one's.

    Attributes:
        listed: The sizes of the blocks that are each pack's own, bytes, by their names.
    """

    def __init__(self, place: Path, folders: Iterable[Path]) -> None:
        self._place = place
        self._stack = ExitStack()
        self._spots: dict[str, list[_Spot]] = {}
        self.listed: dict[Path, dict[str, int]] = {}
        for path in (path for folder in folders for path in sorted(folder.glob("*.pack"), reverse=True)):
            file = self._stack.enter_context(path.open("rb"))
            self.listed[path] = {}
            for name, spot in _listed(path, file):
                if name not in self._spots:
                    self.listed[path][name] = spot.size_bytes
                self._spots.setdefault(name, []).append(spot)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def holds(self, name: str, block: memoryview) -> bool:
        """Whether a block is there as it should be: its bytes are looked at."""
        return any(spot.read() == bytes(block) for spot in self._spots.get(name, ()))

    def block(self, name: str) -> bytes:
        """The bytes of a block.

        Raises:
            StoreCorruptError: It is in none of the packs, or is damaged in each that lists it.
        """
        spots = self._spots.get(name, [])
        for spot in spots:
            raw = spot.read()
            if block_name(raw) == name:
                return raw
        if spots:
            raise StoreCorruptError(f"{spots[0].path} was changed or cut off: block {name[:16]} is damaged.", LOOK)
        raise self.missing(name)

    def missing(self, name: str) -> StoreCorruptError:
        """What is to be said of a block that no pack lists."""
        return StoreCorruptError(
            f"Block {name[:16]} is missing in {self._place}: its pack is gone, or the first line of it is damaged.",
            LOOK,
        )

    def poor(self, live: Mapping[Path, set[str]]) -> list[Path]:
        """Which packs should be merged: those that are mostly waste, and the smallest ones if there are too many.

        Args:
            live: What is still needed of each.
        """
        sizes = {path: sum(self.listed[path][name] for name in names) for path, names in live.items()}
        poor = [path for path, size_bytes in sizes.items() if size_bytes < _MOSTLY * path.stat().st_size]
        rich = sorted(live.keys() - set(poor), key=sizes.__getitem__, reverse=True)
        return poor + (rich[_MOST_PACKS // 2 :] if len(rich) > _MOST_PACKS else [])


class _Spot(NamedTuple):
    """Where a block lies."""

    path: Path
    file: BufferedReader
    start: int
    size_bytes: int

    def read(self) -> bytes:
        """The bytes that are there; fewer if the file ends too early."""
        self.file.seek(self.start)
        return self.file.read(self.size_bytes)


def _listed(path: Path, file: BufferedReader) -> Iterator[tuple[str, _Spot]]:
    """The blocks that the first line of a pack lists; none if that cannot be read."""
    line = file.readline()
    try:
        sizes = [(str(name), int(size_bytes)) for name, size_bytes in json.loads(line)]
    except (ValueError, TypeError):
        return
    start = len(line)
    for name, size_bytes in sizes:
        if 0 < size_bytes <= BLOCK_BYTES:
            yield name, _Spot(path, file, start, size_bytes)
            start += size_bytes
