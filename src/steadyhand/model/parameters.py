"""Values that a run fills in: parameters, the rows of a table, and secrets.

A *parameter* is written ``{{name}}`` where its value belongs; its value comes from its default, from the command line
or from a row of a CSV file, the later ones first. A *row* is one run of a data-driven workflow. A *secret* is fetched
by name when it is typed and lives in memory only: `SecretText` never shows itself, and `SecretSource.hide` strikes it
out of whatever anybody else wrote.
"""

from __future__ import annotations

import csv
import io
import json
import os
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from steadyhand.errors import ConfigError
from steadyhand.model.workflow import PARAMETER_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from steadyhand.model.workflow import Parameter, Secret

HIDDEN = "•••"
"""What stands in every text where a secret would be; always three, so that not even the length is told."""


# ---------------------------------------------------------------------------------------------------- parameters


def names_in(text: str) -> tuple[str, ...]:
    """The parameters that a text uses, in the order in which they stand."""
    return tuple(PARAMETER_PATTERN.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values where a text names their parameters; what a value itself contains is not filled in again.

    Args:
        text: Any text; ``{{name}}`` stands for the value of `name`.
        values: A value for each parameter.

    Raises:
        ConfigError: The text names a parameter that has no value.
    """
    missing = sorted(set(names_in(text)) - values.keys())
    if missing:
        raise ConfigError(f"{text!r} uses {_listed(missing)}, which has no value.", "Define it under `params`.")
    return PARAMETER_PATTERN.sub(lambda match: values[match[1]], text)


def resolve_values(
    params: Mapping[str, Parameter],
    given: Mapping[str, str] | None = None,
    row: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The value of each parameter for one run.

    Args:
        params: The parameters that the workflow defines.
        given: Values that hold for all runs, from the command line; they go before the defaults.
        row: Values of this run, from a table; they go before all others.

    Raises:
        ConfigError: Values are missing, or belong to no parameter; each one is listed.
    """
    values = {**(given or {}), **(row or {})}
    problems = [
        f"parameter {name} has no value and no default{_aside(parameter.note)}"
        for name, parameter in params.items()
        if name not in values and parameter.default is None
    ]
    known = f"the workflow has {_listed(params)}" if params else "the workflow has no parameters"
    problems += [f"there is no parameter {name}; {known}" for name in values if name not in params]
    if problems:
        raise ConfigError(
            "The parameters of this run do not fit its workflow.",
            "Give each as `--param name=value`, or as a column of the file given with `--data`.",
            problems=problems,
        )
    defaults = {name: parameter.default for name, parameter in params.items() if parameter.default is not None}
    return {**defaults, **values}


# ---------------------------------------------------------------------------------------------------------- rows


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file whose first line names the parameters.

    Values are kept to the letter, quotes removed; empty lines do not count.

    Args:
        path: UTF-8 (a byte order mark is ignored), separated by commas, quoted as RFC 4180 says.

    Returns:
        One mapping of column name to value for each row, at least one.

    Raises:
        ConfigError: The file is not there, is not such a table, or has rows of the wrong width; each is listed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not a text file in UTF-8.", "Save it as CSV with UTF-8 encoding.") from None
    problems: list[str] = []
    rows: list[dict[str, str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = _header(path, next(reader, []))
        for cells in reader:
            if not "".join(cells).strip() and len(cells) <= 1:
                continue
            if len(cells) == len(header):
                rows.append(dict(zip(header, cells, strict=True)))
            else:
                problems.append(
                    f"line {reader.line_num}: {_counted(len(cells), 'value')}, "
                    f"but the first line names {_counted(len(header), 'column')} ({_listed(header)})"
                )
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: {error}")
    if problems:
        _not_a_table(path, problems)
    if not rows:
        raise ConfigError(f"{path} has no rows below its first line.", "Each row is one run of the workflow.")
    return rows


def _header(path: Path, cells: list[str]) -> list[str]:
    """The names of the columns, or every reason why they are none."""
    header = [cell.strip() for cell in cells]
    if not any(header):
        _not_a_table(path, ["line 1: empty; it must name a parameter for each column"])
    problems = [f"line 1: column {index} has no name" for index, name in enumerate(header, 1) if not name]
    problems += [f"line 1: {name} names {_counted(header.count(name), 'column')}" for name in _repeated(header)]
    if len(header) == 1 and any(separator in header[0] for separator in ";\t|"):
        problems.append(f"line 1: {header[0]!r} is one column; separate columns by commas")
    if problems:
        _not_a_table(path, problems)
    return header


def _not_a_table(path: Path, problems: list[str]) -> NoReturn:
    raise ConfigError(
        f"{path} is not a table that can be run.",
        "Its first line names the parameters, separated by commas; each line below has as many values.",
        problems=problems,
    )


# ------------------------------------------------------------------------------------------------------- secrets


class SecretText:
    """A secret value that shows itself to nobody who does not ask for it by `reveal`.

    It is no string on purpose: whatever formats, joins, compares, pickles or logs it gets `HIDDEN` or an error.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; only for typing it into the screen."""
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


class SecretSource:
    """Where a run gets its secrets: the environment first, then the system's keyring.

    Args:
        secrets: The secrets that the workflow names.
        environment: The environment variables; those of this process if not given.
    """

    def __init__(self, secrets: Mapping[str, Secret], environment: Mapping[str, str] | None = None) -> None:
        self._secrets = secrets
        self._environment = os.environ if environment is None else environment
        self._fetched: dict[str, SecretText] = {}

    def fetch(self, name: str) -> SecretText:
        """Get a secret by its name; asked for once, then remembered until the run ends.

        Raises:
            ConfigError: The workflow names no such secret, or no source of it has a value.
        """
        if name not in self._fetched:
            if name not in self._secrets:
                raise ConfigError(f"The workflow names no secret {name}.", "Define it under `secrets`.")
            value = self._look_up(self._secrets[name])
            if not value:
                raise ConfigError(f"The secret {name} has no value.", _how_to_set(self._secrets[name]))
            self._fetched[name] = SecretText(value)
        return self._fetched[name]

    def require(self, names: Iterable[str]) -> None:
        """Fetch several secrets before a run begins, so that it does not stop half way for want of one.

        Raises:
            ConfigError: One or more have no value; each one is listed.
        """
        problems = []
        for name in dict.fromkeys(names):
            try:
                self.fetch(name)
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("This run needs secrets that have no value.", problems=problems)

    def hide(self, text: str) -> str:
        """Strike out every secret that was fetched so far, wherever it stands in a text (a message, a report).

        As it is, and as JSON, Python and addresses write it: the messages of other programs quote what they were given.
        """
        for secret in sorted((secret.reveal() for secret in self._fetched.values()), key=len, reverse=True):
            for written in dict.fromkeys((secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret))):
                text = text.replace(written, HIDDEN)
        return text

    def _look_up(self, secret: Secret) -> str | None:
        """The value from the first source that has one."""
        if secret.env is not None and self._environment.get(secret.env):
            return self._environment[secret.env]
        if secret.keyring is None:
            return None
        import keyring  # noqa: PLC0415  it costs 50 ms and few runs need it
        from keyring.errors import KeyringError  # noqa: PLC0415  as above

        service, _, user = secret.keyring.partition("/")
        try:
            return keyring.get_password(service, user)
        except KeyringError as error:
            raise ConfigError(
                f"The keyring cannot be asked for {secret.keyring}: {error}", _how_to_set(secret)
            ) from None


def _how_to_set(secret: Secret) -> str:
    ways = [f"set the environment variable {secret.env}"] if secret.env else []
    if secret.keyring:
        ways.append(f"store it with `keyring set {secret.keyring.replace('/', ' ', 1)}`")
    way = " or ".join(ways)
    return f"{way[0].upper()}{way[1:]}."


# --------------------------------------------------------------------------------------------------------- words


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _aside(note: str) -> str:
    return f" ({note})" if note else ""


def _repeated(names: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
