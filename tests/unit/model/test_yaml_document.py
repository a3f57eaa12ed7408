"""How YAML is read: plain values, lines, and every surprise as a problem."""

from __future__ import annotations

import pytest

from steadyhand.model.yaml_document import DEEPEST, in_one_line, read_document, write_document


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("007", 7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("yes", "yes"),
        ("2026-01-31", "2026-01-31"),
        ("0x10", "0x10"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("Grüße", "Grüße"),
    ],
)
def test_words_mean_what_a_person_expects(written: str, value: object) -> None:
    """Only numbers, true, false and null are more than text; dates and times stay as they are written."""
    document = read_document(f"key: {written}\n")
    assert document.problems == []
    assert document.value == {"key": value}
    assert isinstance(document.value, dict)
    assert type(document.value["key"]) is type(value)


def test_a_number_of_many_digits_is_a_float() -> None:
    """A whole number that no computer counts with does not upset the reader."""
    document = read_document("key: " + "9" * 5000)
    assert document.value == {"key": float("inf")}


def test_each_value_has_its_line() -> None:
    """The line of a value is that of its key; that of a list's entry is where it begins."""
    document = read_document("a: 1\nb:\n  - x\n  -\n    c: 2\n")
    assert document.lines == {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 5, ("b", 1, "c"): 5}
    assert document.line_of(("b", 1, "missing", 3)) == 5


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key a is given twice, first on line 1"),
        ("a: &x 1\nb: *x\n", 2, "`*x` is not read"),
        ("a: !!python/object:os.system 1\n", 1, "the tag `tag:yaml.org,2002:python/object:os.system` is not read"),
        ("a: 1\n---\nb: 2\n", 2, "a second document begins here"),
        ("a: 1\n? [b, c]\n: 2\n", 2, "a key must be text"),
        ("a: 1\n b: 2\n", 2, "this is not YAML: mapping values are not allowed here"),
        ("a: 1\n\tb: 2\n", 2, "this is not YAML: while scanning"),
        ("a: [1, 2\n", 2, "this is not YAML: while parsing a flow sequence"),
        ("a: 1\nb: \x07\n", 2, "the character U+0007 is not allowed in YAML"),
        ("a: " + "[" * 5000, 1, f"this is nested deeper than {DEEPEST} levels"),
    ],
)
def test_surprises_are_problems(text: str, line: int, problem: str) -> None:
    """Whatever makes YAML surprising or dangerous is told with its line."""
    (found,) = read_document(text).problems
    assert found.line == line
    assert found.text.startswith(problem)


def test_a_bomb_stays_small() -> None:
    """A file whose aliases stand for billions of entries is not expanded."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    document = read_document("\n".join(lines))
    assert len(document.problems) == 110
    assert len(document.lines) < 200


def test_reading_goes_on_behind_a_problem() -> None:
    """What follows a problem is read all the same."""
    assert read_document("a: *x\nb: 2\n").value == {"a": None, "b": 2}


def test_numbers_have_no_needless_decimals() -> None:
    """A float that is whole is written as a whole number, any other with all that it has."""
    assert write_document({"whole": 12.0, "part": 0.1}) == "whole: 12\npart: 0.1\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Save all", "Save all"),
        ("http://localhost:80/a", "http://localhost:80/a"),
        ("http://{{host}}/", "'http://{{host}}/'"),
        ("", "''"),
        ("yes", "'yes'"),
        ("12", "'12'"),
        ("12:30", "'12:30'"),
        ("?x", "'?x'"),
        ("it's", "it's"),
        ("'tis", "'''tis'"),
        ('Click "Save"', 'Click "Save"'),
        ("end ", "'end '"),
        ("end:", "'end:'"),
        ("no # comment", "'no # comment'"),
        ("bell\x07", '"bell\\a"'),
        ("end\x85", '"end\\N"'),
        ("two\nlines", '"two\\nlines"'),
    ],
)
def test_text_that_could_mean_something_else_is_quoted(text: str, written: str) -> None:
    """Text is quoted wherever some reader of YAML might take it for something else, in lists and in braces too."""
    assert write_document({"text": text}) == f"text: {written}\n"
    assert write_document({"box": in_one_line({"text": text})}) == f"box: {{text: {written}}}\n"
    assert read_document(f"box: {{text: {written}}}\n").value == {"box": {"text": text}}


def test_long_text_stays_on_its_line() -> None:
    """A text is never folded or broken, so that a search finds it."""
    text = "word " * 200 + "end"
    assert write_document({"text": text}) == f"text: {text}\n"
