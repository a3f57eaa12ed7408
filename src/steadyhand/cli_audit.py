"""The commands that look into the audit log; `steadyhand.cli` puts them beside the others."""

from __future__ import annotations

from typing import Annotated

import typer

from steadyhand.cli_options import DATA, AsJson, DataFolder
from steadyhand.terminal import console, print_json, visible

audit = typer.Typer(help="Verify the audit log, and ask it.", no_args_is_help=True, rich_markup_mode=None)

_NOT_SOUND = 1


@audit.command()
def verify(*, data: DataFolder = DATA, as_json: AsJson = False) -> None:
    """Look whether anything in the audit log was changed or is missing."""
    from steadyhand.evidence.audit_chain import verify
    from steadyhand.evidence.audit_log import FOLDER

    found = verify(data / FOLDER)
    if as_json:
        print_json(
            {
                "sound": found.is_sound,
                "files": found.files,
                "first": found.first,
                "last": found.last.number,
                "hash": found.last.hash,
                "pruned": found.pruned,
                "torn_bytes": found.torn_bytes,
                "problems": list(found.problems),
            }
        )
    else:
        print(f"{visible(data / FOLDER)}: records {found.first} to {found.last.number}, files: {found.files}.")
        if found.pruned:
            print(f"Retention has removed the {found.pruned} records before them.")
        if found.torn_bytes:
            print(f"{found.torn_bytes} bytes of a record that was never finished are taken away with the next one.")
        for problem in found.problems:
            print(f"  {visible(problem)}")
        if found.count > len(found.problems):
            print(f"  and {found.count - len(found.problems)} more")
        print(f"Sound. The last record is {found.last.hash}" if found.is_sound else "NOT SOUND.")
    if not found.is_sound:
        raise typer.Exit(_NOT_SOUND)


@audit.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A SELECT over the table audit.")],
    *,
    data: DataFolder = DATA,
    as_json: AsJson = False,
) -> None:
    """Ask the audit log in SQL."""
    from rich.table import Table

    from steadyhand.evidence.audit_log import FOLDER
    from steadyhand.evidence.audit_query import query

    answer = query(data / FOLDER, sql)
    rows = [[_plain(value) for value in row] for row in answer.rows]
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in rows])
        return
    table = Table(*map(visible, answer.columns), box=None)
    for row in rows:
        table.add_row(*("" if value is None else visible(value) for value in row))
    console().print(table, markup=False)


def _plain(value: object) -> object:
    """A value as JSON can say it."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
