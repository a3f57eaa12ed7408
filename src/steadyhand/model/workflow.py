"""A workflow: the steps that a robot takes, what each one acts on, and how it can be told that it worked.

A *workflow file* is YAML that a person can read, review and edit, with its images in a folder beside it. It holds a
list of *steps*. Each step has an *action* (click, type, keys, scroll, drag, wait_for), often a *target* (the thing on
the screen that it acts on, as it was recorded), and *expectations*: the postconditions that must be true on the
settled screen afterwards. A *parameter* is a named value, written ``{{name}}`` where it is used; a *secret* is a
parameter whose value is fetched by name at run time and never written down.

This module defines the shape. `steadyhand.model.workflow_file` reads and writes the files,
`steadyhand.model.parameters` fills values in.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Literal, TypeGuard

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from steadyhand.model.geometry import Box, Point

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_VERSION = 1
"""The version of the workflow file that this release writes and reads."""

PARAMETER_PATTERN = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
"""How a parameter is written where its value belongs."""

ACROSS_FIELDS = "across_fields"
"""Our name for a mistake in how fields go together. Pydantic finds it only where each field by itself is right."""

ONE_SOURCE = "it must have either `text` or `secret`"
NO_SOURCE = "it must name where it comes from: `env`, `keyring` or both"

FARTHEST_PX = 100_000
"""No screen reaches further; a number beyond it is a slip."""


def _like(pattern: str, allowed: str) -> AfterValidator:
    """Accept a text that matches as a whole; refuse another one in words, for nobody reads patterns."""

    def match(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("unlike", "it must be {allowed}", {"allowed": allowed})
        return text

    return AfterValidator(match)


def as_point(value: object) -> Point | None:
    """What `[x, y]` means, as YAML gives it; None if it is no such thing."""
    return Point(*map(float, value)) if _are_pixels(value, len(Point._fields)) else None


def as_box(value: object) -> Box | None:
    """What `[x, y, width, height]` means, as YAML gives it; None if it is no such thing, or has no area."""
    box = Box(*map(float, value)) if _are_pixels(value, len(Box._fields)) else None
    return box if box and box.width > 0 and box.height > 0 else None


def _are_pixels(value: object, count: int) -> TypeGuard[Sequence[float]]:
    """Whether these are so many numbers that can be places on a screen."""
    return (
        isinstance(value, list | tuple)
        and len(value) == count
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)
        and all(math.isfinite(number) and abs(number) <= FARTHEST_PX for number in value)
    )


def _point(value: object) -> Point:
    """Accept what is a point."""
    point = as_point(value)
    if point is None:
        raise PydanticCustomError("point", "it must be [x, y]: two numbers, pixels of the image")
    return point


def _box(value: object) -> Box:
    """Accept what is a box."""
    box = as_box(value)
    if box is None:
        raise PydanticCustomError(
            "box", "it must be [x, y, width, height]: four numbers, pixels of the image, the last two above zero"
        )
    return box


PointField = Annotated[Point, BeforeValidator(_point)]
BoxField = Annotated[Box, BeforeValidator(_box)]
Pixels = Annotated[float, Field(ge=-FARTHEST_PX, le=FARTHEST_PX)]
Text = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[
    str,
    _like(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}",
        "at most 80 letters, digits, `_`, `-` and `.`, and begin with none of the last two",
    ),
]
Name = Annotated[
    str, _like(r"[A-Za-z_][A-Za-z0-9_]{0,79}", "at most 80 letters, digits and `_`, and begin with no digit")
]
KeyChord = Annotated[
    str,
    _like(
        r"(?:(?:Control|Shift|Alt|Meta)\+)*(?:[A-Z][A-Za-z0-9]+|\S)",
        "a key chord such as Enter, Control+S or Shift+Tab",
    ),
]
KeyringPlace = Annotated[str, _like(r"[^/]+/[^/]+", "`service/user`")]
Select = Annotated[str, _like(r"(?is)\s*(?:select|with)\b.*", "one query that reads: it begins with SELECT or WITH")]


class _Shape(BaseModel):
    """What all parts of a workflow file have in common: unknown keys are errors, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Landmark(_Shape):
    """A piece of text on a recorded screen.

    Attributes:
        text: As it was read.
        box: Where it stood, frame space of that screen.
    """

    text: Text
    box: BoxField


class LandmarkFile(_Shape):
    """What is written on a recorded screen: a file of its own beside the image, `save.landmarks.yaml` for `save.png`.

    A screen is told from another one by it, and a row from another row. Where the file is missing the image is read
    anew, which takes a second; so after a change of the image, remove it.

    Attributes:
        landmarks: All of it, top to bottom.
    """

    landmarks: tuple[Landmark, ...]


class TargetRecord(_Shape):
    """A thing on the screen as it was recorded: what the file keeps of a `steadyhand.Target`.

    Attributes:
        text: What is written on the element; empty for a field, an icon, a check box.
        label: What is written beside or above it and names it; empty if nothing does.
        screen: Image of the whole screen just before the action, a path relative to the workflow file.
        box: The element, frame space of that image.
        point: Where the person acted on it, frame space of that image.
    """

    text: str = ""
    label: str = ""
    screen: Text
    box: BoxField
    point: PointField


# ---------------------------------------------------------------------------------------------------- expectations


class TextAppears(_Shape):
    """The text can be read somewhere on the screen."""

    text_appears: Text


class TextGone(_Shape):
    """The text can no longer be read anywhere on the screen."""

    text_gone: Text


class RegionChanged(_Shape):
    """Something in this box (frame space) looks different from before the action."""

    region_changed: BoxField


class TargetPresent(_Shape):
    """This target can be found."""

    target_present: TargetRecord


class TargetAbsent(_Shape):
    """This target cannot be found."""

    target_absent: TargetRecord


class FieldShows(_Shape):
    """The step's own target, a field, shows this text."""

    field_shows: Text


class UrlMatches(_Shape):
    """The address matches this pattern (`*` is anything); only where the screen has an address."""

    url: Text


class TitleMatches(_Shape):
    """The window's title matches this pattern (`*` is anything); only where the screen has a title."""

    title: Text


class FileEffect(_Shape):
    """A file that must exist and, where `contains` is given, must hold that text.

    Attributes:
        path: The file, from the folder of the workflow file; `~` is the home folder.
        contains: Text that must be in it, as UTF-8.
    """

    path: Text
    contains: str = ""


class FileShows(_Shape):
    """An effect outside the screen: a file."""

    file: FileEffect


class HttpEffect(_Shape):
    """An address whose answer to GET must have this status and, where `contains` is given, hold that text.

    Attributes:
        get: The address.
        status: The status of the answer.
        contains: Text that must be in the answer.
    """

    get: Text
    status: int = Field(default=200, ge=100, le=599)
    contains: str = ""


class HttpShows(_Shape):
    """An effect outside the screen: an HTTP GET."""

    http: HttpEffect


class SqlEffect(_Shape):
    """A query whose first value, as text, must equal `shows`.

    Attributes:
        database: A database URL as SQLAlchemy reads it, e.g. `sqlite:///invoices.db`.
        query: One query that reads, `SELECT` or `WITH`. Values are bound by name from the parameters:
            `... where number = :invoice`.
        shows: The first column of the first row, as text; a query without rows shows nothing.
    """

    database: Text
    query: Select
    shows: str


class SqlShows(_Shape):
    """An effect outside the screen: a SQL query."""

    sql: SqlEffect


_EXPECTATIONS = (
    TextAppears, TextGone, RegionChanged, TargetPresent, TargetAbsent, FieldShows,
    UrlMatches, TitleMatches, FileShows, HttpShows, SqlShows,
)  # fmt: skip
EXPECTATION_KINDS = tuple(next(iter(kind.model_fields)) for kind in _EXPECTATIONS)
"""The key by which each kind of expectation is written in a file."""


def _expectation_kind(value: object) -> str | None:
    """The kind of an expectation: its one key."""
    if isinstance(value, BaseModel):
        value = type(value).model_fields
    return str(next(iter(value))) if isinstance(value, dict) and len(value) == 1 else None


Expectation = Annotated[
    Annotated[TextAppears, Tag("text_appears")]
    | Annotated[TextGone, Tag("text_gone")]
    | Annotated[RegionChanged, Tag("region_changed")]
    | Annotated[TargetPresent, Tag("target_present")]
    | Annotated[TargetAbsent, Tag("target_absent")]
    | Annotated[FieldShows, Tag("field_shows")]
    | Annotated[UrlMatches, Tag("url")]
    | Annotated[TitleMatches, Tag("title")]
    | Annotated[FileShows, Tag("file")]
    | Annotated[HttpShows, Tag("http")]
    | Annotated[SqlShows, Tag("sql")],
    Discriminator(
        _expectation_kind,
        custom_error_type="expectation_kind",
        custom_error_message=f"it must have exactly one of these keys: {', '.join(EXPECTATION_KINDS)}",
    ),
]


# ----------------------------------------------------------------------------------------------------------- steps


class _StepShape(_Shape):
    """What every step has.

    Attributes:
        id: Its name, unique in the workflow: letters, digits, `_`, `-` and `.`.
        note: What it does, in a person's words.
        irreversible: It cannot be undone (delete, pay, send): it is never repeated unless it is sure that it was not
            done.
        timeout_s: The watchdog: a step that takes longer is stopped.
        expect: Its postconditions; all must come true.
    """

    id: Identifier
    note: str = ""
    irreversible: bool = False
    timeout_s: float = Field(default=30.0, gt=0, le=3600)
    expect: tuple[Expectation, ...] = ()


class ClickStep(_StepShape):
    """Click a target.

    Attributes:
        target: What to click.
        button: Which button of the mouse.
        count: 2 for a double click.
    """

    action: Literal["click"]
    target: TargetRecord
    button: Literal["left", "right"] = "left"
    count: Literal[1, 2] = 1


class TypeStep(_StepShape):
    """Click a field and type into it.

    Attributes:
        target: The field; without one, what has the focus is typed into.
        text: What to type; parameters are filled in. Either this or `secret`.
        secret: The name of a secret to type.
        clear: Select what is in the field first, so that typing replaces it.
    """

    action: Literal["type"]
    target: TargetRecord | None = None
    text: str | None = None
    secret: Name | None = None
    clear: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> TypeStep:
        if (self.text is None) == (self.secret is None):
            raise PydanticCustomError(ACROSS_FIELDS, ONE_SOURCE)
        return self


class KeysStep(_StepShape):
    """Press a key chord.

    Attributes:
        keys: Such as `Enter`, `Control+S` or `Shift+Tab`: `Control`, `Shift`, `Alt` and `Meta` are held while the
            last key is pressed.
    """

    action: Literal["keys"]
    keys: KeyChord


class ScrollStep(_StepShape):
    """Turn the wheel.

    Attributes:
        at: Where the pointer is, frame space; the middle of the screen if not given.
        dx: Pixels to the right (left, if negative).
        dy: Pixels down (up, if negative).
    """

    action: Literal["scroll"]
    at: PointField | None = None
    dx: Pixels = 0
    dy: Pixels = 0


class DragStep(_StepShape):
    """Press on a target, move to another one, let go.

    Attributes:
        target: Where to press.
        to: Where to let go.
    """

    action: Literal["drag"]
    target: TargetRecord
    to: TargetRecord


class WaitStep(_StepShape):
    """Do nothing until the expectations are true; at least one is needed."""

    action: Literal["wait_for"]
    expect: Annotated[tuple[Expectation, ...], Field(min_length=1)]


Step = Annotated[
    ClickStep | TypeStep | KeysStep | ScrollStep | DragStep | WaitStep,
    Field(discriminator="action"),
]
ACTIONS: tuple[str, ...] = ("click", "type", "keys", "scroll", "drag", "wait_for")
"""The names of all actions."""


# -------------------------------------------------------------------------------------------------------- workflow


class BrowserScreen(_Shape):
    """A page in a browser.

    Attributes:
        url: Where it starts; parameters are filled in.
        width: Viewport, CSS pixels.
        height: Viewport, CSS pixels.
        scale: Device pixels per CSS pixel; frames are this much larger than the viewport.
        locale: Language and country, such as `en-GB`; the browser's own if not given.
    """

    kind: Literal["browser"] = "browser"
    url: Text
    width: int = Field(default=1440, ge=200, le=8000)
    height: int = Field(default=900, ge=150, le=8000)
    scale: float = Field(default=1.0, ge=0.5, le=4)
    locale: str | None = None


class SimulatedScreen(_Shape):
    """The application that is drawn in memory, for tests and for trying things out.

    Attributes:
        release: Which of its releases: 1 is as recorded, higher ones have drifted.
        seed: From which its data and its drift are made.
    """

    kind: Literal["simulated"]
    release: int = Field(default=1, ge=1)
    seed: int = 0


Screen = Annotated[BrowserScreen | SimulatedScreen, Field(discriminator="kind")]


class Parameter(_Shape):
    """A named value.

    Attributes:
        default: Used when the run gives none; a parameter without one must be given.
        recorded: The value that stands on the recorded screens; the default, if not given. Where it names a target, as
            that of its row does, a run looks for its own value instead.
        note: What it means, for a person.
    """

    default: str | None = None
    recorded: str | None = None
    note: str = ""


class Secret(_Shape):
    """A value that is fetched at run time and never written down.

    Attributes:
        env: Environment variable that holds it.
        keyring: `service/user` in the system's keyring, asked when the variable is not set.
        note: What it is, for a person.
    """

    env: Name | None = None
    keyring: KeyringPlace | None = None
    note: str = ""

    @model_validator(mode="after")
    def _has_a_source(self) -> Secret:
        if self.env is None and self.keyring is None:
            raise PydanticCustomError(ACROSS_FIELDS, NO_SOURCE)
        return self


class Workflow(_Shape):
    """A whole workflow.

    Attributes:
        steadyhand: The version of this file's schema.
        name: What it does, for a person.
        screen: Where it runs.
        params: Its parameters by name.
        secrets: Its secrets by name.
        steps: What it does, in order.
    """

    steadyhand: Literal[1]
    name: Text
    screen: Screen
    params: dict[Name, Parameter] = Field(default_factory=dict)
    secrets: dict[Name, Secret] = Field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @property
    def targets(self) -> tuple[TargetRecord, ...]:
        """Every target of its steps and of their expectations."""
        parts = [part for step in self.steps for part in (step, *step.expect)]
        values = [getattr(part, name) for part in parts for name in type(part).model_fields]
        return tuple(value for value in values if isinstance(value, TargetRecord))
