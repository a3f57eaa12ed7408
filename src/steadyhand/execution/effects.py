"""Effects outside of the screen: a file, the answer of a server, a row of a database.

They prove more than any screen does, because nobody can have painted them there. None of these checks changes
anything, and none ever raises for what it finds: a server that is down or a missing database is an effect that has not
(yet) come true.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steadyhand.model.workflow import FileEffect, HttpEffect, SqlEffect

_HTTP_TIMEOUT_S = 5.0
"""Seconds that one GET may take; it is asked again until the step's deadline."""

_READ_BYTES = 4 * 1024 * 1024
"""How much of a file or an answer is searched."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How an expectation stands at one moment.

    Attributes:
        met: It is so.
        detail: What was seen instead, or what is worth telling.
        state: Tells this from another time at which it is so as well: a file that was written anew has another state.
    """

    met: bool
    detail: str = ""
    state: str = ""


def see_file(effect: FileEffect, folder: Path) -> Seen:
    """Whether a file is there, and holds a text where one is asked for.

    Args:
        effect: The file, its parameters filled in; `~` is the home folder.
        folder: Where a relative path begins: the folder of the workflow file.
    """
    path = folder / Path(effect.path).expanduser()
    try:
        status = path.stat()
        if not path.is_file():
            return Seen(met=False, detail="it is no file")
        with path.open("rb") as file:
            content = file.read(_READ_BYTES)
    except OSError as error:
        return Seen(met=False, detail=error.strerror or str(error))
    if effect.contains.encode() not in content:
        return Seen(met=False, detail="it does not hold the text")
    return Seen(met=True, state=f"{status.st_mtime_ns} {status.st_size}")


def see_http(effect: HttpEffect) -> Seen:
    """Whether a GET is answered with a status, and with a text where one is asked for.

    Args:
        effect: The address (`http` or `https` alone), its parameters filled in.
    """
    if not effect.get.lower().startswith(("http://", "https://")):
        return Seen(met=False, detail="only http:// and https:// addresses are asked")
    try:
        request = urllib.request.Request(effect.get, headers={"User-Agent": "steadyhand"})  # noqa: S310  checked above
        with urllib.request.urlopen(request, timeout=_HTTP_TIMEOUT_S) as answer:  # noqa: S310  checked above
            status, content = int(answer.status), answer.read(_READ_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            status, content = error.code, error.read(_READ_BYTES)
    except (OSError, HTTPException, ValueError) as error:  # no host, refused, timed out, cut off; or no address
        return Seen(met=False, detail=f"no answer: {error}")
    if status != effect.status:
        return Seen(met=False, detail=f"it answers {status}")
    if effect.contains.encode() not in content:
        return Seen(met=False, detail="its answer does not hold the text")
    return Seen(met=True)


def see_sql(effect: SqlEffect, values: Mapping[str, str], folder: Path) -> Seen:
    """Whether the first value that a query finds, as text, is the expected one.

    Args:
        effect: The query. Whatever it does is rolled back.
        values: The parameters; those that the query names are bound to it.
        folder: Where the relative path of an SQLite file begins: the folder of the workflow file.
    """
    import sqlalchemy  # noqa: PLC0415  it takes 0.2 s to load and few workflows need it
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  heavy, and rarely needed

    try:
        url = sqlalchemy.make_url(effect.database)
        if url.get_backend_name() == "sqlite":
            path = folder / (url.database or "")
            if not path.is_file():  # connecting would make it
                return Seen(met=False, detail=f"there is no database {path}")
            url = url.set(database=str(path))
        query = sqlalchemy.text(effect.query)
        names = query.compile().params
        unknown = sorted(names.keys() - values.keys())
        if unknown:
            return Seen(met=False, detail=f"the query names {', '.join(unknown)}, which is no parameter")
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        with engine.connect() as connection:
            row = connection.execute(query, {name: values[name] for name in names}).first()
            connection.rollback()
    except (SQLAlchemyError, ImportError) as error:  # ImportError: the database's own package is not installed
        return Seen(met=False, detail=f"the database refuses: {str(error).splitlines()[0]}")
    if row is None:
        return Seen(met=False, detail="no rows")
    found = "" if row[0] is None else str(row[0])
    return Seen(met=found == effect.shows, detail=f"it shows {found!r}")
