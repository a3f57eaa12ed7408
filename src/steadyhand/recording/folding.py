"""Deeds out of what the listener in a page tells.

*Folding* takes one message after the other. Most of them only go on with the deed before: a button that is let go, the
next character of a word, the second click of a double click, typing into the field that was just clicked. A *run* is
all that is typed into one field without doing anything else in between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from steadyhand.model.geometry import Point
from steadyhand.recording.deeds import Clicked, Dragged, Pressed, Scrolled, Way, Wrote
from steadyhand.recording.messages import Answered, Chose, Dated, Down, Keys, Typed, Up, Wheel

if TYPE_CHECKING:
    from steadyhand.recording.deeds import Deed
    from steadyhand.recording.messages import Message, Thing

DOUBLE_CLICK_S = 0.5
"""Two clicks that are not further apart are a double click. Source: the default of desktop systems."""

STILL_PX = 6.0
"""A pointer that moves no further between down and up was held still. Source: a decision; hands tremble by 2 or 3."""

WHEEL_PAUSE_S = 1.0
"""Turns of the wheel that are not further apart are one scroll. Source: a decision."""

_FIRST_PART_PX = 6.0
"""How far inside its left edge a date field is clicked, so that its first part gets the focus. Source: tried out."""


class Folding:
    """Takes messages and makes deeds.

    Attributes:
        deeds: All deeds so far. A later message may still change the last one (or, of a run, the last few), or take it
            back.
    """

    def __init__(self) -> None:
        self.deeds: list[Deed] = []
        self._held: Down | None = None
        self._touched = ""  # the name of the thing that the last deed was done to
        self._run: _Run | None = None

    def add(self, message: Message) -> None:
        """Take the next message."""
        match message:
            case Down():
                self._press(message)
            case Up():
                self._release(message)
            case Wheel():
                self._scroll(message)
            case Typed():
                self._type(message)
            case Chose(thing=thing, label=label):
                # The line end closes the list, which opens when it is clicked.
                self._fill(thing, message.at, (Way(f"{label}\n", label),), self._place_of(thing))
            case Dated(thing=thing, ways=ways):
                first_part = Point(thing.box.x + min(_FIRST_PART_PX, thing.box.width / 2), thing.box.center.y)
                self._fill(thing, message.at, ways, first_part)
            case Keys():
                deed = Pressed(keys=message.keys, began_s=message.at, ended_s=message.at)
                self._begin(deed, message.thing.name if message.thing else "")
            case Answered(at=at, is_yes=is_yes, text=text):
                if text and is_yes:
                    self._begin(Wrote(point=None, ways=(Way(text, text),), began_s=at, ended_s=at), "")
                self._begin(Pressed(keys="Enter" if is_yes else "Escape", began_s=at, ended_s=at), "")

    def _begin(self, deed: Deed, touched: str) -> None:
        self.deeds.append(deed)
        self._touched, self._held, self._run = touched, None, None

    def _last_click(self, thing: Thing) -> Clicked | None:
        """The click by which somebody went into this field just now."""
        last = self.deeds[-1] if self.deeds else None
        if isinstance(last, Clicked) and last.button == "left" and self._touched == thing.name:
            return last
        return None

    def _place_of(self, thing: Thing) -> Point:
        """Where to click for a field: where a person did, if it is in sight there."""
        click = self._last_click(thing)
        return click.point if click and thing.box.contains(click.point) else thing.box.center

    # ------------------------------------------------------------------------------------------------- pointer

    def _press(self, down: Down) -> None:
        """A click begins, or the second one of a double click."""
        last = self._last_click(down.thing)
        if (
            last is not None
            and (last.count, down.button) == (1, "left")
            and down.at - last.began_s <= DOUBLE_CLICK_S
            and math.dist(last.point, down.point) <= STILL_PX
        ):
            self.deeds[-1] = replace(last, count=2, ended_s=down.at)
        else:
            facts = down.thing.facts
            click = Clicked(point=down.point, element=facts, button=down.button, began_s=down.at, ended_s=down.at)
            self._begin(click, down.thing.name)
        self._held = down

    def _release(self, up: Up) -> None:
        """The click is over; or it was a drag, or did no more than select text."""
        down, self._held = self._held, None
        last = self.deeds[-1] if self.deeds else None
        if down is None or not isinstance(last, Clicked):
            return
        is_still = math.dist(down.point, up.point) <= STILL_PX or down.button == "right" or last.count > 1
        is_selection = down.thing.editable and up.thing.name == down.thing.name
        if is_still or is_selection:
            self.deeds[-1] = replace(last, ended_s=up.at)
        elif up.selecting:
            self.deeds.pop()
            self._touched = ""
        else:
            facts, end_facts = down.thing.facts, up.thing.facts
            self.deeds[-1] = Dragged(
                point=down.point, element=facts, end=up.point, end_element=end_facts, began_s=down.at, ended_s=up.at
            )

    def _scroll(self, wheel: Wheel) -> None:
        last = self.deeds[-1] if self.deeds else None
        if isinstance(last, Scrolled) and wheel.at - last.ended_s <= WHEEL_PAUSE_S:
            self.deeds[-1] = replace(last, dx=last.dx + wheel.dx, dy=last.dy + wheel.dy, ended_s=wheel.at)
        else:
            scroll = Scrolled(point=wheel.point, dx=wheel.dx, dy=wheel.dy, began_s=wheel.at, ended_s=wheel.at)
            self._begin(scroll, "")

    # -------------------------------------------------------------------------------------------------- typing

    def _type(self, typed: Typed) -> None:
        """A field got another content: a run begins or goes on."""
        if self._run is None or self._touched != typed.thing.name:
            click = self._last_click(typed.thing)
            last = self.deeds[-1] if self.deeds else None
            self._run = _Run(
                start=len(self.deeds) - (1 if click else 0),
                place=self._place_of(typed.thing),
                began_s=click.began_s if click else typed.at,
                clicked=click is not None,
                goes_on=isinstance(last, Pressed) and self._touched == typed.thing.name,
                replaces=typed.replaces,
                before=typed.before or "",
            )
        self._run.add(typed)
        self.deeds[self._run.start :] = self._run.deeds(typed)
        self._touched, self._held = typed.thing.name, None

    def _fill(self, thing: Thing, at_s: float, ways: tuple[Way, ...], place: Point) -> None:
        """A field got another value by other means than typing text; the last value counts."""
        last = self.deeds[-1] if self.deeds else None
        former = last if isinstance(last, Clicked | Wrote) and self._touched == thing.name else None
        if former is not None:
            self.deeds.pop()
        began_s = former.began_s if former else at_s
        point = former.point if isinstance(former, Wrote) else place
        self._begin(Wrote(point=point, element=thing.facts, ways=ways, began_s=began_s, ended_s=at_s), thing.name)


@dataclass
class _Run:
    """What is typed into one field.

    Attributes:
        start: The index of its first deed.
        place: Where to click for the field.
        began_s: When it began.
        clicked: It began with a click into the field.
        goes_on: A key was pressed in the field just before, so that the caret is where it is.
        replaces: There was something in the field.
        before: What that was; empty if it is secret.
        inserted: The characters that came in, in their order.
        is_plain: Nothing else happened than characters coming in.
    """

    start: int
    place: Point
    began_s: float
    clicked: bool
    goes_on: bool
    replaces: bool
    before: str
    inserted: list[str] = field(default_factory=list)
    is_plain: bool = True

    def add(self, typed: Typed) -> None:
        """Take the next change of the field."""
        self.is_plain = self.is_plain and typed.inserted is not None
        self.inserted.append(typed.inserted or "")

    def deeds(self, typed: Typed) -> list[Deed]:
        """What all of it amounts to, `typed` being the last change."""
        facts, began_s, ended_s = typed.thing.facts, self.began_s, typed.at
        content, added = typed.content or "", "".join(self.inserted)
        if typed.thing.secret:
            return [
                Wrote(point=self.place, element=facts, ways=(), clear=self.replaces, began_s=began_s, ended_s=ended_s)
            ]
        if self.before and self.is_plain and content == self.before + added:
            # Added to what was there, which may be something else another time.
            write = Wrote(point=None, ways=(Way(added, ""),), began_s=began_s, ended_s=ended_s)
            if self.goes_on:
                return [write]
            click = Clicked(point=self.place, element=facts, began_s=began_s, ended_s=began_s)
            return [click, Pressed(keys="Control+End", began_s=began_s, ended_s=began_s), write]
        # Characters as they were typed are more than what a field made of them, such as dashes in a number.
        text = added if self.is_plain and not self.before else content
        write = Wrote(
            point=self.place,
            element=facts,
            ways=(Way(text, content),),
            clear=bool(self.before),
            began_s=began_s,
            ended_s=ended_s,
        )
        return [write]
