"""Questions to an audit log, in SQL: its records are the rows of one table, `audit`.

Every field of every kind of record is a column; where a record does not have it, it is NULL. The files are read where
they are, by DuckDB, and nothing is written.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from steadyhand.errors import ConfigError
from steadyhand.evidence.audit_chain import log_files
from steadyhand.evidence.audit_records import KINDS

if TYPE_CHECKING:
    from pathlib import Path

_TYPES = {"bool": "BOOLEAN", "int": "BIGINT", "float": "DOUBLE", "Mapping": "JSON"}
"""What a field is in SQL, by the first word of its type; any other one is a text."""

COLUMNS = {
    "number": "BIGINT",
    "former": "VARCHAR",
    "kind": "VARCHAR",
    "written_at": "TIMESTAMPTZ",
    "history": "BIGINT",
    **{
        each.name: _TYPES.get(str(each.type).replace("[", " ").split()[0], "VARCHAR")
        for kind in KINDS.values()
        for each in fields(kind)
    },
    "happened_at": "TIMESTAMPTZ",
}
"""Every column of the table, with its type."""


class Answer(NamedTuple):
    """What came of a question.

    Attributes:
        columns: Their names.
        rows: A value for each of them.
    """

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def query(folder: Path, sql: str) -> Answer:
    """Ask an audit log. What is torn or no record is passed over: whether all is sound is another question.

    Args:
        folder: The folder of the log.
        sql: One statement that only reads, of the table `audit`.

    Raises:
        ConfigError: There is no log, or it is no such statement.
    """
    files = [str(path) for path in log_files(folder) if path.stat().st_size]
    if not files:
        raise ConfigError(f"There is no audit log in {folder}.", "No robot has written one here.")
    settings: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": False}
    with duckdb.connect(config=settings) as database:
        try:
            database.execute("SET TimeZone = 'UTC'")
            statements = database.extract_statements(sql)
            if [each.type for each in statements] != [duckdb.StatementType.SELECT]:
                raise ConfigError("This is not one statement that only reads.", "Begin it with SELECT.")
            table = database.read_json(files, format="newline_delimited", columns=COLUMNS, ignore_errors=True)
            table.filter("number IS NOT NULL").create_view("audit")
            result = database.execute(statements[0])
            return Answer(tuple(str(each[0]) for each in result.description or ()), result.fetchall())
        except duckdb.Error as error:
            raise ConfigError(f"The audit log cannot be asked that: {error}") from None
