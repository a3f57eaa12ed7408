"""What the listener in a page tells.

A *message* is one thing that happened on a page: a button of the mouse went down, a field got another content. The
page says when, in milliseconds since 1970, and where, in CSS pixels of its own frame; `read_message` turns that into
monotonic seconds and frame space while it checks the message, for any script on the page could have sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

from steadyhand.errors import ConfigError
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import FARTHEST_PX
from steadyhand.recording.deeds import Way
from steadyhand.screen.driver import Button, ElementFacts
from steadyhand.screen.keys import Chord


@dataclass(frozen=True, slots=True)
class Placing:
    """How a page's own numbers become ours.

    Attributes:
        origin: Where the upper left corner of the page's frame lies, CSS pixels of the window.
        scale: Frame pixels per CSS pixel.
        offset_s: What to add to seconds since 1970 to get monotonic seconds.
    """

    origin: Point
    scale: float
    offset_s: float


_Pixels = Annotated[float, Field(ge=-FARTHEST_PX, le=FARTHEST_PX)]
_Extent = Annotated[float, Field(ge=0, le=FARTHEST_PX)]
_TWO = TypeAdapter(tuple[_Pixels, _Pixels])
_FOUR = TypeAdapter(tuple[_Pixels, _Pixels, _Extent, _Extent])


def _placing(info: ValidationInfo) -> Placing:
    assert isinstance(info.context, Placing), "messages are read with a Placing"
    return info.context


def _seconds(value: float, info: ValidationInfo) -> float:
    return value / 1000 + _placing(info).offset_s


def _length(value: float, info: ValidationInfo) -> float:
    return value * _placing(info).scale


def _place(value: object, info: ValidationInfo) -> Point:
    placing = _placing(info)
    x, y = Point(*_TWO.validate_python(value)).shifted(*placing.origin)
    return Point(x * placing.scale, y * placing.scale)


def _area(value: object, info: ValidationInfo) -> Box:
    placing = _placing(info)
    return Box(*_FOUR.validate_python(value)).shifted(*placing.origin).scaled(placing.scale)


Seconds = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_seconds)]
Length = Annotated[float, Field(ge=-FARTHEST_PX, le=FARTHEST_PX), AfterValidator(_length)]
Place = Annotated[Point, BeforeValidator(_place)]
Area = Annotated[Box, BeforeValidator(_area)]


def _pressable(keys: str) -> str:
    try:
        Chord.parse(keys)
    except ConfigError as error:
        raise ValueError(error.message) from None
    return keys


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Thing(_Shape):
    """An element of a page.

    Attributes:
        name: Tells it from every other element of every document.
        box: The part of it that can be seen.
        editable: Text can be typed into it.
        secret: What is typed into it must not be seen.
        text: What is written on it.
        label: What names it.
    """

    name: str
    box: Area
    editable: bool
    secret: bool
    text: str = ""
    label: str = ""

    @property
    def facts(self) -> ElementFacts:
        """What a deed keeps of it."""
        return ElementFacts(
            self.box, is_password=self.secret, is_editable=self.editable, text=self.text, label=self.label
        )


class _Told(_Shape):
    """What every message has.

    Attributes:
        at: When it happened.
    """

    at: Seconds


class Down(_Told):
    """A button of the mouse went down.

    Attributes:
        point: Where.
        thing: On what.
        button: Which button.
        entered: When the pointer came upon that thing.
    """

    kind: Literal["down"]
    point: Place
    thing: Thing
    button: Button
    entered: Seconds


class Up(_Told):
    """A button of the mouse went up.

    Attributes:
        point: Where.
        thing: On what.
        selecting: Text is selected now.
    """

    kind: Literal["up"]
    point: Place
    thing: Thing
    selecting: bool


class Wheel(_Told):
    """The wheel was turned, or a scroll bar was moved."""

    kind: Literal["wheel"]
    point: Place
    dx: Length
    dy: Length


class Typed(_Told):
    """The content of a field was changed by typing, pasting, or accepting what was offered.

    Attributes:
        thing: The field.
        replaces: There was something in it before.
        before: What was in it before; None for a secret field.
        content: What is in it now; None for a secret field.
        inserted: The characters that came in where the caret was, if that is all that happened.
    """

    kind: Literal["typed"]
    thing: Thing
    replaces: bool
    before: str | None = None
    content: str | None = None
    inserted: str | None = None


class Chose(_Told):
    """An entry of a drop-down list was chosen.

    Attributes:
        thing: The list.
        label: The entry.
        typable: Typing the label reaches this entry, and no other one.
    """

    kind: Literal["chose"]
    thing: Thing
    label: str
    typable: bool


class Dated(_Told):
    """A date or time field got another value.

    Attributes:
        thing: The field.
        ways: What may have to be typed to get that value.
    """

    kind: Literal["dated"]
    thing: Thing
    ways: tuple[Way, ...]


class Keys(_Told):
    """A key chord was pressed that is no typing into a field.

    Attributes:
        keys: The chord.
        thing: What had the focus.
    """

    kind: Literal["keys"]
    keys: Annotated[str, AfterValidator(_pressable)]
    thing: Thing | None


class Unseen(_Told):
    """Something was done in a window of the browser's own, which no picture shows.

    Attributes:
        what: In words.
    """

    kind: Literal["unseen"]
    what: str


class Secret(_Told):
    """A secret field shows its content as plain text from now on."""

    kind: Literal["secret"]


@dataclass(frozen=True, slots=True)
class Answered:
    """A native dialog was answered in the browser's own window; the browser tells this, not the page.

    Attributes:
        at: When, monotonic seconds.
        is_yes: It was accepted.
        text: What was entered into it.
    """

    at: float
    is_yes: bool
    text: str = ""


Told = Down | Up | Wheel | Typed | Chose | Dated | Keys | Unseen | Secret
Message = Told | Answered
_MESSAGES: TypeAdapter[Told] = TypeAdapter(Annotated[Told, Field(discriminator="kind")])


def read_message(raw: object, placing: Placing) -> Told | None:
    """Check what a page told.

    Args:
        raw: What arrived.
        placing: How the page's numbers become ours.

    Returns:
        The message; None if this is none of ours.
    """
    try:
        return _MESSAGES.validate_python(raw, context=placing)
    except ValidationError:
        return None


def read_thing(raw: object, placing: Placing) -> ElementFacts | None:
    """What a page answered when it was asked what is somewhere; None if the answer makes no sense."""
    try:
        return Thing.model_validate(raw, context=placing).facts
    except ValidationError:
        return None
