"""The commands that look after the versions of what was learned; `steadyhand.cli` puts them beside the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steadyhand.errors import ConfigError
from steadyhand.terminal import console, print_json, progress, visible

if TYPE_CHECKING:
    from steadyhand.memory.versioned_store import VersionedStore, VersionInfo

versions = typer.Typer(
    help="List, compare, restore and prune the versions of what was learned.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, and nothing else.")]
Data = Annotated[
    Path, typer.Option("--data-dir", metavar="DIR", help="The folder in which the robot keeps what it knows.")
]
Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The name of a workflow.")]
Number = Annotated[int, typer.Argument(metavar="VERSION", help="The number of a version.", min=1)]
_DATA = Path("data")
_NOT_SOUND = 1


@versions.command("list")
def list_versions(workflow: Workflow, *, data: Data = _DATA, as_json: AsJson = False) -> None:
    """List the versions of a workflow, the oldest first."""
    from rich.table import Table

    store = _store(data, workflow)
    current, known = store.current, store.versions()
    if as_json:
        print_json([_json(info, current) for info in known])
        return
    table = Table("version", "created", "files", "size", "added", "", "cause", box=None)
    for info in known:
        files = sum(part.files for part in info.parts.values())
        created = f"{info.created:%Y-%m-%d %H:%M}"
        table.add_row(
            f"{info.number}", created, f"{files}", _size(info.size_bytes), _size(info.added_bytes),
            ", ".join(_marks(info, current)), visible(info.cause),
        )  # fmt: skip
    console().print(table, markup=False)
    if not known:
        print("It has learned nothing yet.")


@versions.command()
def show(workflow: Workflow, number: Number, *, data: Data = _DATA, as_json: AsJson = False) -> None:
    """Tell all that is known of a version."""
    store = _store(data, workflow)
    info, current = store.get(number), store.current
    if as_json:
        print_json(_json(info, current))
        return
    print(_line(info, current))
    print(f"Created {info.created:%Y-%m-%d %H:%M:%S} UTC. {visible(info.cause)}")
    if info.parent:
        print(f"Before it, version {info.parent} was in use.")
    if info.bad:
        print(f"It must not be gone back to: {visible(info.bad)}")
    for component, part in info.parts.items():
        print(
            f"  {component}: {part.files} files, {_size(part.size_bytes)}; on the disk {_size(part.added_bytes)} more"
        )
    print(f"What it holds: {info.content}")


@versions.command()
def diff(
    workflow: Workflow,
    old: Annotated[int, typer.Argument(metavar="OLD", help="The number of a version.", min=1)],
    new: Annotated[int, typer.Argument(metavar="NEW", help="The number of the one to compare it with.", min=1)],
    *,
    data: Data = _DATA,
    as_json: AsJson = False,
) -> None:
    """Say which files differ between two versions."""
    found = _store(data, workflow).diff(old, new)
    if as_json:
        print_json([change._asdict() for change in found])
        return
    for change in found:
        if change.old_bytes is None:
            what = f"new, {_size(change.new_bytes or 0)}"
        elif change.new_bytes is None:
            what = "gone"
        else:
            what = f"changed in {change.changed_blocks} blocks, {_size(change.new_bytes)}"
        print(f"{change.component} {visible(change.file)}: {what}")
    if not found:
        print("They hold the same.")


@versions.command()
def pin(workflow: Workflow, number: Number, *, data: Data = _DATA, as_json: AsJson = False) -> None:
    """Keep a version, whatever is pruned."""
    store = _store(data, workflow)
    _tell(store.pin(number), store, as_json=as_json)


@versions.command()
def unpin(workflow: Workflow, number: Number, *, data: Data = _DATA, as_json: AsJson = False) -> None:
    """Let a version be pruned when it is old."""
    store = _store(data, workflow)
    _tell(store.unpin(number), store, as_json=as_json)


@versions.command()
def restore(
    workflow: Workflow,
    number: Number,
    *,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the history.")] = "",
    data: Data = _DATA,
    as_json: AsJson = False,
) -> None:
    """Go back: make a new version of what an old one holds, and use it from now on."""
    if not by.strip():
        raise ConfigError("--by is empty.", "Say who gives this order.")
    store = _store(data, workflow)
    said = f"Version {number} restored by {by}" + (f": {reason}" if reason else ".")
    _tell(store.restore(number, said), store, as_json=as_json)


@versions.command()
def verify(
    workflow: Workflow,
    number: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="The number of a version; all if not given.", min=1)
    ] = None,
    *,
    data: Data = _DATA,
    as_json: AsJson = False,
) -> None:
    """Compare every byte of the versions with what it was."""
    store = _store(data, workflow)
    with progress("Reading") as moved:
        found = store.verify(number, moved)
    if as_json:
        print_json({"sound": not found.problems, **found._asdict()})
    else:
        print(f"{visible(workflow)}: {len(found.versions)} versions, {found.blocks} sound blocks.")
        for problem in found.problems:
            print(f"  {visible(problem)}")
        print("NOT SOUND." if found.problems else "Sound.")
    if found.problems:
        raise typer.Exit(_NOT_SOUND)


@versions.command()
def prune(
    workflow: Workflow,
    *,
    keep: Annotated[int, typer.Option(metavar="N", help="How many of the newest versions are kept.", min=1)],
    data: Data = _DATA,
    as_json: AsJson = False,
) -> None:
    """Remove old versions.

    Besides the newest ones, those that are pinned or being read are kept, and the one that a regression would go back
    to.
    """
    pruned = _store(data, workflow).prune(keep)
    if as_json:
        print_json(pruned._asdict())
        return
    gone = ", ".join(map(str, pruned.versions)) or "none"
    print(f"Removed: {gone}. Freed: {_size(pruned.freed_bytes)}.")


def _store(data: Path, workflow: str) -> VersionedStore:
    """The versions of a workflow in a folder that is there."""
    if not data.is_dir():
        raise ConfigError(f"There is no folder {data}.", "No robot has run here; name its folder with --data-dir.")
    from steadyhand.clock import SystemClock
    from steadyhand.memory.versioned_store import VersionedStore

    return VersionedStore(data, workflow, SystemClock())


def _tell(info: VersionInfo, store: VersionedStore, *, as_json: bool) -> None:
    """How it stands with a version now."""
    if as_json:
        print_json(_json(info, store.current))
    else:
        print(_line(info, store.current))


def _line(info: VersionInfo, current: VersionInfo | None) -> str:
    """A version on one line."""
    marks = ", ".join(_marks(info, current))
    return f"Version {info.number} of {visible(info.workflow)}" + (f": {marks}" if marks else "")


def _marks(info: VersionInfo, current: VersionInfo | None) -> list[str]:
    """What is to be noticed of a version."""
    marks = {
        "in use": current is not None and current.number == info.number,
        f"restored from {info.restored}": info.restored is not None,
        "pinned": info.is_pinned,
        "bad": bool(info.bad),
    }
    return [mark for mark, is_set in marks.items() if is_set]


def _json(info: VersionInfo, current: VersionInfo | None) -> dict[str, object]:
    """A version for programs."""
    return {
        "number": info.number,
        "workflow": info.workflow,
        "created": info.created.isoformat(),
        "cause": info.cause,
        "parent": info.parent,
        "restored": info.restored,
        "in_use": current is not None and current.number == info.number,
        "pinned": info.is_pinned,
        "bad": info.bad,
        "size_bytes": info.size_bytes,
        "added_bytes": info.added_bytes,
        "content": info.content,
        "components": {str(component): part._asdict() for component, part in info.parts.items()},
    }


def _size(size_bytes: int) -> str:
    """A size for a person."""
    return f"{size_bytes / 1e3:,.1f} kB"
