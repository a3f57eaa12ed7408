"""YAML as a workflow file uses it: plain values, each with the line on which it stands.

Only the plain part of YAML 1.2 is read: mappings with text as keys, lists, text, numbers, true, false and null. What
makes files surprising or dangerous (aliases that grow without bound, tags that make objects, keys given twice, several
documents in one file) is a *problem*; reading goes on behind it where it can, so that all problems are told at once. A
*place* is the way to a value: the keys and list positions that lead to it from the top.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Place = tuple[str | int, ...]

DEEPEST = 32
"""No workflow nests deeper; a file that does wants to exhaust the reader's stack."""

_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")

_NEEDS_NO_QUOTES = re.compile(
    r"(?!(?i:true|false|null|yes|no|on|off|y|n)$)"  # not what any version of YAML takes for something else
    r"[^\W\d_](?:[\w ./()%&+='\"-]|:(?=[\w/]))*(?<! )"
)
"""Text that means itself wherever it stands. All other text is quoted, for ruamel leaves out quotes that it would need
to read the text again, such as those of `?x` inside of braces."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document, in one sentence.

    Attributes:
        line: Where, counted from 1; 0 if it is nowhere in particular.
        text: What is wrong and what is allowed.
    """

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass
class Document:
    """What a file says.

    Attributes:
        value: Dictionaries, lists, text, numbers, booleans and None; None for an empty file.
        lines: The line of each value, counted from 1.
        problems: What could not be read.
    """

    value: object = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """The line of a value; of what should have held it, if it is not there itself."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)


def read_document(text: str) -> Document:
    """Read one YAML document; whatever is wrong with it is among its problems."""
    document = Document()
    events = YAML(typ="safe", pure=True).parse(text)
    try:
        _Reader(document, events).read()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(filter(None, [error.context, error.problem]))
        document.problems.append(Problem(mark.line + 1 if mark else 0, f"this is not YAML: {what}"))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.problems.append(Problem(line, f"the character U+{error.character:04X} is not allowed in YAML"))
    except YAMLError as error:
        document.problems.append(Problem(0, f"this is not YAML: {error}"))
    except _TooDeepError as error:
        document.problems.append(Problem(error.line, f"this is nested deeper than {DEEPEST} levels"))
    return document


class _TooDeepError(Exception):
    """The rest of the document is not worth reading."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Reader:
    """Makes values of the parser's events, and notes their lines."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self._document = document
        self._events = events

    def read(self) -> None:
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._problem(event, "a second document begins here; a file holds one")
                    return
                self._document.value = self._value(next(self._events), ())

    def _value(self, event: Any, place: Place) -> object:  # noqa: ANN401  ruamel's events are not typed
        self._document.lines.setdefault(place, event.start_mark.line + 1)
        if len(place) > DEEPEST:
            raise _TooDeepError(event.start_mark.line + 1)
        if isinstance(event, AliasEvent):
            self._problem(event, f"`*{event.anchor}` is not read; write out what it stands for")
            return None
        if event.tag is not None:
            self._problem(event, f"the tag `{event.tag}` is not read; leave it out")
        if isinstance(event, ScalarEvent):
            return _plain_value(event.value) if event.implicit[0] else str(event.value)
        assert isinstance(event, CollectionStartEvent)
        return self._mapping(place) if isinstance(event, MappingStartEvent) else self._list(place)

    def _list(self, place: Place) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            values.append(self._value(event, (*place, len(values))))
        return values

    def _mapping(self, place: Place) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._problem(event, "a key must be text")
                self._value(event, (*place, "?"))
                self._value(next(self._events), (*place, "?"))
                continue
            key, first_line = str(event.value), self._document.lines.get((*place, event.value))
            if key in values:
                self._problem(event, f"the key {key} is given twice, first on line {first_line}")
            self._document.lines[*place, key] = event.start_mark.line + 1
            values[key] = self._value(next(self._events), (*place, key))
        return values

    def _problem(self, event: Any, text: str) -> None:  # noqa: ANN401  ruamel's events are not typed
        self._document.problems.append(Problem(event.start_mark.line + 1, text))


def _plain_value(text: str) -> object:
    """What a word without quotes means in YAML 1.2; all but numbers, true, false and null is text."""
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


# -------------------------------------------------------------------------------------------------------- writing


def in_one_line(value: Mapping[str, object] | Sequence[object]) -> object:
    """The same value, written as `{key: value}` or `[1, 2]` instead of below each other."""
    flowing = _prepared(value)
    flowing.fa.set_flow_style()
    return flowing


def write_document(value: Mapping[str, object]) -> str:
    """Write plain values as YAML, one below the other except where `in_one_line` says otherwise."""
    yaml = YAML()
    yaml.width = 1 << 30  # never folded: a folded text is hard to edit
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_prepared(value), stream)
    return stream.getvalue()


def _prepared(value: object) -> Any:  # noqa: ANN401  ruamel's containers are not typed
    """Values as the writer takes them: numbers without needless decimals, text in quotes unless it is plain words."""
    if isinstance(value, CommentedMap | CommentedSeq):
        return value
    if isinstance(value, dict):
        return CommentedMap((_prepared(key), _prepared(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return CommentedSeq(map(_prepared, value))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and not _NEEDS_NO_QUOTES.fullmatch(value):
        one_line = value.splitlines() in ([], [value])
        return SingleQuotedScalarString(value) if one_line else DoubleQuotedScalarString(value)
    return value
