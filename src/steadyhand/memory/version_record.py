"""What is known of a workflow's versions: the record that names them, and what it says of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from steadyhand.errors import StoreCorruptError, StoreError, VersionNotFoundError
from steadyhand.memory.packs import LOOK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FORMAT = 1


class Component(StrEnum):
    """A part of a version, and the place in a robot's data in which it has a folder for each version."""

    PROTOTYPES = "prototypes"
    """`learning/prototypes/vNN`"""
    INDEX = "index"
    """`faiss_index/workflow_<id>/vNN`"""
    TARGETS = "targets"
    """`learning/targets/vNN`"""


class Part(NamedTuple):
    """What is known of a component of a version.

    Attributes:
        files: How many there are.
        size_bytes: Of all its files.
        added_bytes: What it has added to the disk.
        manifest: The SHA-256 of its manifest.
    """

    files: int
    size_bytes: int
    added_bytes: int
    manifest: str


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """What is known of a version.

    Attributes:
        number: Its number.
        workflow: Whose it is.
        created: When it was made.
        cause: Why, for a person.
        parent: The version that was in use before it; None for the first one.
        restored: The version whose content it brought back; None if it was learned.
        parts: Its components.
        is_pinned: It is kept, whatever is pruned.
        bad: Why it must not be gone back to; empty if it may.
    """

    number: int
    workflow: str
    created: datetime
    cause: str
    parent: int | None
    restored: int | None
    parts: Mapping[Component, Part]
    is_pinned: bool = False
    bad: str = ""

    @property
    def content(self) -> str:
        """The SHA-256 over its manifests: two versions that hold the same have the same."""
        return hashlib.sha256("".join(self.parts[each].manifest for each in Component).encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(part.size_bytes for part in self.parts.values())

    @property
    def added_bytes(self) -> int:
        """What it has added to the disk."""
        return sum(part.added_bytes for part in self.parts.values())


@dataclass(frozen=True, slots=True)
class Record:
    """The history of a workflow's versions.

    Attributes:
        workflow: Whose.
        versions: By their numbers, the oldest first; the last one is in use.
        shared: The numbers of versions that are gone, and whose packs others still need.
    """

    workflow: str
    versions: Mapping[int, VersionInfo] = field(default_factory=dict)
    shared: tuple[int, ...] = ()

    @property
    def in_use(self) -> int | None:
        """The number of the version in use."""
        return max(self.versions, default=None)

    @property
    def current(self) -> VersionInfo | None:
        """The version in use."""
        return self.versions[max(self.versions)] if self.versions else None

    @property
    def last_good(self) -> VersionInfo | None:
        """The newest version that may be gone back to."""
        avoided = {info.content for info in self.versions.values() if info.bad or info is self.current}
        good = (info for info in reversed(list(self.versions.values())) if info.content not in avoided)
        return next(good, None)

    def get(self, number: int | None) -> VersionInfo:
        """The version of a number."""
        info = None if number is None else self.versions.get(number)
        if info is None:
            known = ", ".join(map(str, self.versions))
            raise VersionNotFoundError(
                f"{self.workflow} has no version" + ("." if number is None else f" {number}."),
                f"There are: {known}." if known else "It has learned nothing yet.",
            )
        return info

    def to_bytes(self) -> bytes:
        """As it is written, with a seal over it."""
        versions = [
            {
                **asdict(info),
                "created": info.created.isoformat(),
                "parts": {k: v._asdict() for k, v in info.parts.items()},
            }
            for info in self.versions.values()
        ]
        said = {"format": _FORMAT, "workflow": self.workflow, "versions": versions, "shared": self.shared}
        return json.dumps({"sha256": _seal(said), "record": said}, indent=1).encode()

    @staticmethod
    def from_bytes(raw: bytes, path: Path) -> Record:
        """Read one back.

        Raises:
            StoreCorruptError: It is not what was written.
            StoreError: A later release has written it.
        """
        try:
            whole = json.loads(raw)
            said, is_sound = whole["record"], whole["sha256"] == _seal(whole["record"])
        except (ValueError, TypeError, LookupError):
            is_sound = False
        if not is_sound:
            raise StoreCorruptError(f"{path} was changed or cut off.", LOOK)
        if said["format"] > _FORMAT:
            raise StoreError(f"{path} was written by a later release of Steadyhand.", "Update Steadyhand.")
        versions = [_version(each) for each in said["versions"]]
        return Record(said["workflow"], {info.number: info for info in versions}, tuple(said["shared"]))


def _version(said: dict[str, Any]) -> VersionInfo:
    """A version from what its record tells."""
    parts = {Component(component): Part(**part) for component, part in said["parts"].items()}
    return VersionInfo(**{**said, "created": datetime.fromisoformat(said["created"]), "parts": parts})


def _seal(said: object) -> str:
    """The SHA-256 of what a record tells."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
