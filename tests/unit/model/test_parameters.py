"""Parameters, rows of a table, and secrets."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.errors import NoKeyringError

from steadyhand.errors import ConfigError
from steadyhand.model.parameters import HIDDEN, SecretSource, SecretText, fill, names_in, read_rows, resolve_values
from steadyhand.model.workflow import Parameter, Secret

if TYPE_CHECKING:
    from pathlib import Path


# ---------------------------------------------------------------------------------------------------- parameters


def test_names_are_found_in_their_order() -> None:
    """A text names its parameters in double braces, with or without blanks inside."""
    assert names_in("{{b}} and {{ a }}, {c} {{1}} {{b}}") == ("b", "a", "b")


def test_filling_puts_values_in() -> None:
    """Each name is replaced by its value, all else stays."""
    assert fill("Pay {{ who }}: {{sum}} {", {"who": "Ada", "sum": "3"}) == "Pay Ada: 3 {"


def test_a_value_is_not_filled_again() -> None:
    """A value from outside that looks like a parameter is typed as it is."""
    assert fill("{{a}}", {"a": "{{b}} \\1", "b": "no"}) == "{{b}} \\1"


def test_a_missing_value_is_no_empty_text() -> None:
    """A text is not filled halfway: what has no value is told."""
    with pytest.raises(ConfigError, match="uses a, c, which has no value"):
        fill("{{c}}{{b}}{{a}}", {"b": "x"})


def test_rows_go_before_options_and_options_before_defaults() -> None:
    """The nearer a value was given to the run, the more it counts."""
    params = {name: Parameter(default="default") for name in ("a", "b", "c")}
    values = resolve_values(params, {"b": "option", "c": "option"}, {"c": "row"})
    assert values == {"a": "default", "b": "option", "c": "row"}


def test_an_empty_value_is_a_value() -> None:
    """A parameter may be given as nothing, which is something else than not given."""
    assert resolve_values({"a": Parameter(default="x"), "b": Parameter()}, {"a": "", "b": ""}) == {"a": "", "b": ""}


def test_all_that_does_not_fit_is_told_at_once() -> None:
    """Missing and unknown values are all listed, with what the workflow has."""
    params = {"who": Parameter(note="the customer"), "sum": Parameter(), "day": Parameter(default="1")}
    with pytest.raises(ConfigError) as caught:
        resolve_values(params, {"whom": "Ada"}, {"colour": "red"})
    assert caught.value.problems == (
        "parameter who has no value and no default (the customer)",
        "parameter sum has no value and no default",
        "there is no parameter whom; the workflow has who, sum, day",
        "there is no parameter colour; the workflow has who, sum, day",
    )


# ---------------------------------------------------------------------------------------------------------- rows


def write(folder: Path, content: bytes) -> Path:
    """A CSV file with this content."""
    path = folder / "rows.csv"
    path.write_bytes(content)
    return path


def test_rows_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    """A byte order mark, quotes, line ends of all kinds, commas and line breaks in values, and empty lines are fine."""
    content = '\ufeffname, note\r\n"Lovelace, Ada","said ""yes"""\r\n\r\nJosé,"two\r\nlines"\n   \nx, \n'.encode()
    assert read_rows(write(tmp_path, content)) == [
        {"name": "Lovelace, Ada", "note": 'said "yes"'},
        {"name": "José", "note": "two\r\nlines"},
        {"name": "x", "note": " "},
    ]


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (
            b"a,b\n1\n1,2\n1,2,3\n",
            (
                "line 2: 1 value, but the first line names 2 columns (a, b)",
                "line 4: 3 values, but the first line names 2 columns (a, b)",
            ),
        ),
        (b'a,b\n1,"2\n3,4\n', ("line 3: unexpected end of data",)),
        (b'a\n"1"2\n', ("line 2: ',' expected after '\"'",)),
        (b"", ("line 1: empty; it must name a parameter for each column",)),
        (b"\na,b\n", ("line 1: empty; it must name a parameter for each column",)),
        (b"a,,a\n1,2,3\n", ("line 1: column 2 has no name", "line 1: a names 2 columns")),
        (b"a;b\n1;2\n", ("line 1: 'a;b' is one column; separate columns by commas",)),
    ],
)
def test_every_bad_line_is_told(content: bytes, problems: tuple[str, ...], tmp_path: Path) -> None:
    """What is no table is refused with the number of each bad line."""
    with pytest.raises(ConfigError, match="is not a table that can be run") as caught:
        read_rows(write(tmp_path, content))
    assert caught.value.problems == problems


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a,b\n\n", "has no rows below its first line"),
        (b"a\nJos\xe9\n", "is not a text file in UTF-8"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(content: bytes | None, sentence: str, tmp_path: Path) -> None:
    """A table that is empty, not in UTF-8 or not there is refused in one sentence."""
    path = tmp_path / "rows.csv" if content is None else write(tmp_path, content)
    with pytest.raises(ConfigError, match=sentence):
        read_rows(path)


# ------------------------------------------------------------------------------------------------------- secrets

VALUE = 'pa"ss wörd\n7'


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """The system's keyring, replaced by one in memory."""
    kept: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda service, user: kept.get((service, user)))
    return kept


def test_a_secret_never_shows_itself() -> None:
    """However a secret is made into text, its value is not in it."""
    secret = SecretText(VALUE)
    for text in (str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % secret, str([secret])):  # noqa: UP031  the old way too
        assert HIDDEN in text
        assert "wörd" not in text


def test_a_secret_is_no_text() -> None:
    """A secret equals no text, cannot be joined to one, and cannot be pickled or copied to disk."""
    secret = SecretText(VALUE)
    known: set[object] = {VALUE}
    assert secret not in known
    assert secret.reveal() == VALUE
    with pytest.raises(TypeError):
        "a" + secret  # type: ignore[operator]  # that is the point
    with pytest.raises(TypeError, match="not written down"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="not written down"):
        copy.deepcopy(secret)


def test_the_environment_goes_before_the_keyring(ring: dict[tuple[str, str], str]) -> None:
    """A variable that is set is taken; the keyring is asked when it is not."""
    ring["shop", "ada"] = "from the ring"
    secrets = {"a": Secret(env="A", keyring="shop/ada"), "b": Secret(env="B", keyring="shop/ada")}
    source = SecretSource(secrets, {"A": "from the environment", "B": ""})
    assert source.fetch("a").reveal() == "from the environment"
    assert source.fetch("b").reveal() == "from the ring"


def test_a_secret_is_fetched_once(ring: dict[tuple[str, str], str]) -> None:
    """A secret that changes while a run goes on stays the same for that run, and is struck out to its end."""
    ring["shop", "ada"] = "first"
    source = SecretSource({"a": Secret(keyring="shop/ada")}, {})
    source.require(["a"])
    ring["shop", "ada"] = "second"
    assert source.fetch("a").reveal() == "first"


@pytest.mark.usefixtures("ring")
def test_all_missing_secrets_are_told_before_a_run() -> None:
    """Every secret without a value is listed, with how to give it one."""
    secrets = {"a": Secret(env="A"), "b": Secret(env="B", keyring="shop/ada"), "c": Secret(env="C")}
    with pytest.raises(ConfigError) as caught:
        SecretSource(secrets, {"C": "x"}).require(["a", "b", "c", "a", "d"])
    assert caught.value.problems == (
        "The secret a has no value. Set the environment variable A.",
        "The secret b has no value. Set the environment variable B or store it with `keyring set shop ada`.",
        "The workflow names no secret d. Define it under `secrets`.",
    )


def test_a_system_without_a_keyring_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """That there is no keyring is told in a sentence, not by a trace."""

    def no_keyring(service: str, user: str) -> str | None:
        raise NoKeyringError(f"no backend for {service}/{user}")

    monkeypatch.setattr(keyring, "get_password", no_keyring)
    with pytest.raises(ConfigError, match="The keyring cannot be asked for shop/ada: no backend"):
        SecretSource({"a": Secret(keyring="shop/ada")}, {}).fetch("a")


def test_secrets_are_struck_out_of_what_others_wrote() -> None:
    """A message that quotes a secret loses it, however the secret was quoted."""
    source = SecretSource(
        {"a": Secret(env="A"), "b": Secret(env="B"), "never": Secret(env="NEVER")}, {"A": VALUE, "B": "wörd"}
    )
    source.require(["a", "b"])
    plain, quoted = f"typing {VALUE} failed", f"typing {VALUE!r} failed"
    assert source.hide(plain) == f"typing {HIDDEN} failed"
    assert source.hide(quoted) == f"typing '{HIDDEN}' failed"
    assert source.hide('{"text": "pa\\"ss w\\u00f6rd\\n7"}') == f'{{"text": "{HIDDEN}"}}'
    assert source.hide("GET /?q=pa%22ss%20w%C3%B6rd%0A7") == f"GET /?q={HIDDEN}"
    assert source.hide("nothing to see") == "nothing to see"
