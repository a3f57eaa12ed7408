"""What somebody did on a screen, one deed at a time.

A *deed* is one thing that a person means to do: a click, a text written into a field, a key pressed, a turn of the
wheel, a drag. Deeds know places and what the application says about the thing there; they hold no pictures.
Places are in frame space, times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from steadyhand.model.geometry import Point
    from steadyhand.screen.driver import Button, ElementFacts


@dataclass(frozen=True, kw_only=True)
class _Timed:
    """What every deed has.

    Attributes:
        began_s: When it began; the screen of the moment before is what it was done on.
        ended_s: When its last input arrived; what changes afterwards is its effect.
    """

    began_s: float
    ended_s: float


@dataclass(frozen=True, kw_only=True)
class Clicked(_Timed):
    """A thing was clicked, once or twice.

    Attributes:
        point: Where.
        element: What is there, if the application says so.
        button: Which button of the mouse.
        count: How often.
    """

    point: Point
    element: ElementFacts | None = None
    button: Button = "left"
    count: Literal[1, 2] = 1

    @property
    def in_words(self) -> str:
        """For a person who watches; values are left out."""
        return f"{'double ' if self.count > 1 else ''}{'right ' if self.button == 'right' else ''}click"


class Way(NamedTuple):
    """One way of writing a value.

    Attributes:
        typed: The characters to type.
        shown: What the field shows then.
    """

    typed: str
    shown: str


@dataclass(frozen=True, kw_only=True)
class Wrote(_Timed):
    """A text was written into a field, or an entry of a list was chosen by typing it.

    Attributes:
        point: Where to click for it; None if it was written into whatever had the focus.
        element: The field, if the application says so.
        ways: What was written; several where only the field itself can show which one is right. None at all if it is
            secret: then nobody here knows it.
        clear: Something else was in the field and is gone.
    """

    point: Point | None
    element: ElementFacts | None = None
    ways: tuple[Way, ...]
    clear: bool = False

    @property
    def in_words(self) -> str:
        """For a person who watches; values are left out."""
        return "text" if self.ways else "secret text"


@dataclass(frozen=True, kw_only=True)
class Pressed(_Timed):
    """A key chord was pressed.

    Attributes:
        keys: As a workflow writes it, such as `Control+S`.
    """

    keys: str

    @property
    def in_words(self) -> str:
        """For a person who watches; values are left out."""
        return f"key {self.keys}"


@dataclass(frozen=True, kw_only=True)
class Scrolled(_Timed):
    """The wheel was turned.

    Attributes:
        point: Where the pointer was.
        dx: Frame pixels to the right.
        dy: Frame pixels down.
    """

    point: Point
    dx: float
    dy: float

    @property
    def in_words(self) -> str:
        """For a person who watches; values are left out."""
        return "scroll"


@dataclass(frozen=True, kw_only=True)
class Dragged(_Timed):
    """A thing was dragged to another one.

    Attributes:
        point: Where the button was pressed.
        element: What was there, if the application says so.
        end: Where it was let go.
        end_element: What was there.
    """

    point: Point
    element: ElementFacts | None = None
    end: Point
    end_element: ElementFacts | None = None

    @property
    def in_words(self) -> str:
        """For a person who watches; values are left out."""
        return "drag"


Deed = Clicked | Wrote | Pressed | Scrolled | Dragged
