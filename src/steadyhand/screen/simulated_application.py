"""An order book that is drawn in memory: a small business application for tests and for trying things out.

A person logs in, sees a list of *orders* with the same buttons in each row, edits or deletes one, confirms, and is told
by a notice. It takes real input: the focus moves, typing replaces what is selected, the wheel scrolls the list, a row
can be dragged onto another one.

A *release* is the same application later: 1 is as recorded, and each *drift* is a way in which a later one differs.
The *subject* is the order for which workflows are recorded here; in the release where it is gone, a look-alike has its
place. A *part* is anything that can be pointed at; its name is the same in every release, whatever is written on it.
A *deed* is what was really done to an order: by them a test knows that the right thing, and nothing else, has happened.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import numpy as np

from steadyhand.model.geometry import Box, Point
from steadyhand.screen.drawing import BOLD, REGULAR, panel, text_width, wrapped, write, write_inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steadyhand.screen.drawing import Colour
    from steadyhand.screen.driver import Button
    from steadyhand.screen.keys import Chord

WIDTH, HEIGHT = 1000, 720
"""Size of the screen, pixels."""

_TEXT, _TITLE = 18, 26
"""Sizes of the font. Source: measured; capital letters of 13 pixels are read without a fault."""

_ORDERS = 14
_HEADER, _SIDEBAR, _LIST_TOP = 56, 170, 150
_CUSTOMERS = (
    "Adler Optics", "Brunner Tools", "Delta Marine", "Eastgate Books", "Fontaine Glass", "Garden House",
    "Hamilton Foods", "Iberia Tiles", "Juniper Labs", "Kestrel Travel", "Lakeside Motors", "Maple Furniture",
    "Northwind Paper", "Orchard Press",
)  # fmt: skip


class Drift(StrEnum):
    """A way in which a later release differs from the recorded one."""

    MOVED = "moved"  # the menu is on the other side, rows are taller, buttons stand before the text
    DARK = "dark"  # light text on dark ground
    REORDERED = "reordered"  # the rows stand in another order
    RENAMED = "renamed"  # buttons and fields have other words
    GONE = "gone"  # the subject is not there; an order of the same customer stands in its place


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Attributes:
        number: Its name, such as `1042`.
        customer: Who ordered.
        amount: Euros, as written.
        note: What somebody remarked.
    """

    number: str
    customer: str
    amount: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was really done to an order.

    Attributes:
        action: What.
        number: The order.
    """

    action: Literal["saved", "deleted", "moved", "marked"]
    number: str


@dataclass(frozen=True, slots=True)
class Part:
    """Something on the screen that can be pointed at.

    Attributes:
        name: What it is, the same in every release: `log in`, `edit 1042`, `customer`.
        kind: How it is drawn and what it does. A panel keeps clicks from what lies under it, a dialog from everything.
        box: Where, frame space.
        text: What is written on it.
    """

    name: str
    kind: Literal["button", "field", "row", "label", "title", "panel", "dialog"]
    box: Box
    text: str = ""


@dataclass(frozen=True, slots=True)
class Popup:
    """Something that the application puts over itself without being asked.

    Attributes:
        text: What it says.
        button: What takes it away.
        over: What it must cover, frame space; without it is a bar along the lower edge.
        is_modal: Nothing else takes a click as long as it is there, and a veil lies over the rest.
    """

    text: str
    button: str
    over: Box | None = None
    is_modal: bool = False


@dataclass(frozen=True, slots=True)
class _Palette:
    ground: Colour
    surface: Colour
    line: Colour
    text: Colour
    faint: Colour
    accent: Colour
    on_accent: Colour


_LIGHT = _Palette(
    (247, 245, 244), (255, 255, 255), (214, 208, 203), (48, 38, 30), (122, 108, 98), (196, 98, 36), (255, 255, 255)
)
_DARK = _Palette(
    (38, 32, 28), (54, 46, 41), (92, 80, 72), (240, 236, 232), (176, 166, 158), (238, 176, 112), (38, 32, 28)
)
_RENAMED = {
    "Log in": "Sign in", "Edit": "Change", "Delete": "Remove", "Save": "Save changes", "Customer": "Client",
    "Amount": "Total", "Note": "Remark",
}  # fmt: skip


@dataclass
class _State:
    """Where somebody is in the application; the orders themselves are not part of it."""

    page: Literal["login", "list", "form"] = "login"
    number: str = ""
    values: dict[str, str] = field(default_factory=lambda: {"user": "", "password": ""})
    focus: str | None = None
    is_selected: bool = False
    asked: str | None = None  # the order whose deletion is to be confirmed
    menu: tuple[str, Point] | None = None  # the order whose menu is open, and where
    notice: str = ""
    scroll_px: float = 0.0


class SimulatedApplication:
    """The order book. It lives on when a screen on it is lost, as a server does.

    Args:
        release: Which one; 1 is as recorded, 2 to 6 have one drift each, higher ones several that the seed chooses.
        seed: From which its orders and its drift are made.

    Attributes:
        orders: Every order as it is now, in the order of the list.
        deeds: What was really done, in order.
        subject: The number of the order for which workflows are recorded.
        drift: How this release differs.
    """

    def __init__(self, release: int = 1, seed: int = 0) -> None:
        assert release >= 1, "releases are counted from 1"
        self.drift = _drift(release, seed)
        self.orders = _orders(seed)
        self.subject = self.orders[3].number
        self.deeds: list[Deed] = []
        self._palette = _DARK if Drift.DARK in self.drift else _LIGHT
        self._popups: list[Popup] = []
        self._state = _State()
        if Drift.GONE in self.drift:
            self.orders[3] = replace(self.orders[3], number=str(int(self.subject) + 1), amount="1,975.00")
        if Drift.REORDERED in self.drift:
            random.Random(f"{seed} reordered").shuffle(self.orders)

    # ------------------------------------------------------------------------------------------------ for tests

    @property
    def title(self) -> str:
        """What the window is called."""
        return {"login": "Order book", "list": "Orders", "form": f"Order {self._state.number}"}[self._state.page]

    def order(self, number: str) -> Order | None:
        """An order as it is now; None if there is no such order."""
        return next((order for order in self.orders if order.number == number), None)

    def box_of(self, name: str) -> Box:
        """Where a part is, frame space: the truth against which what was found can be checked.

        Args:
            name: The part's name, such as `log in`, `edit 1042` or `customer`.

        Raises:
            KeyError: It is not on the screen now.
        """
        for part in self._parts():
            if part.name == name:
                return part.box
        raise KeyError(f"no part `{name}` on the page `{self._state.page}`")

    def text_of(self, field: str) -> str:
        """What stands in a field, such as `user`; a password as it is.

        Raises:
            KeyError: It is not on the screen now.
        """
        return self._state.values[field]

    def pop_up(self, popup: Popup) -> None:
        """Put something over the screen that nobody asked for."""
        self._popups.append(popup)

    def log_in(self) -> None:
        """Go to the list at once, as if somebody had logged in."""
        self._state = _State(page="list")

    # ------------------------------------------------------------------------------------------------- its input

    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Take a click at a place in frame space."""
        part = self._part_at(point)
        was_menu, self._state.menu = self._state.menu, None
        if part is None:
            return
        if part.kind == "row" and was_menu is None:
            number = part.name.split()[1]
            if button == "right":
                self._state.menu = (number, point)
            elif count > 1:
                self._open_form(number)
        elif button == "left" and part.kind == "field":
            self._state.focus, self._state.is_selected = part.name, count > 1
        elif button == "left" and part.kind == "button":
            self._act(part.name)

    def drag(self, start: Point, end: Point) -> None:
        """Take a drag between two places in frame space: a row goes to where another one is."""
        dragged, onto = self._part_at(start), self._part_at(end)
        if dragged is None or onto is None or {dragged.kind, onto.kind} != {"row"} or dragged == onto:
            return
        number, place = dragged.name.split()[1], onto.name.split()[1]
        index = next(i for i, order in enumerate(self.orders) if order.number == place)
        order = next(order for order in self.orders if order.number == number)
        self.orders.remove(order)
        self.orders.insert(index, order)
        self._done("moved", number, f"Order {number} moved")

    def type_text(self, text: str) -> None:
        """Take typing into what has the focus; a line end is Enter."""
        for index, line in enumerate(text.splitlines() or [""]):
            if index:
                self._enter()
            focus = self._state.focus
            if focus is not None and line:
                old = "" if self._state.is_selected else self._state.values[focus]
                self._state.values[focus], self._state.is_selected = old + line, False
        if text.endswith("\n"):
            self._enter()

    def press(self, chord: Chord) -> None:
        """Take a key chord."""
        state, fields = self._state, list(self._state.values)
        match str(chord):
            case "Enter" | "NumpadEnter":
                self._enter()
            case "Escape":
                state.asked = state.menu = None
            case "Tab" | "Shift+Tab" if fields:
                step = -1 if chord.modifiers else 1
                here = fields.index(state.focus) if state.focus in fields else -1 if step > 0 else 0
                state.focus, state.is_selected = fields[(here + step) % len(fields)], True
            case "Control+a":
                state.is_selected = state.focus is not None
            case "Backspace" | "Delete" if state.focus is not None:
                kept = state.values[state.focus][:-1] if chord.key == "Backspace" else state.values[state.focus]
                state.values[state.focus] = "" if state.is_selected else kept
                state.is_selected = False
            case sign if len(sign) == 1:
                self.type_text(sign)
            case _:
                pass

    def scroll(self, point: Point, dy: float) -> None:
        """Take a turn of the wheel: the list moves under the pointer, `dy` pixels down."""
        if self._state.page == "list" and not self._is_blocked() and self._list_box().contains(point):
            furthest = max(0.0, len(self.orders) * self._row_height - self._list_box().height)
            self._state.scroll_px = min(furthest, max(0.0, self._state.scroll_px + dy))

    # -------------------------------------------------------------------------------------------- what it does

    def _part_at(self, point: Point) -> Part | None:
        """The uppermost part at a place that takes clicks."""
        for part in reversed(self._parts()):
            if part.kind in ("button", "field", "row") and part.box.contains(point):
                return part
            if part.kind == "dialog" or (part.kind == "panel" and part.box.contains(point)):
                return None
        return None

    def _is_blocked(self) -> bool:
        """Whether a dialog takes every click."""
        return self._state.asked is not None or any(popup.is_modal for popup in self._popups)

    def _act(self, name: str) -> None:
        """Do what a button does."""
        state, (verb, _, number) = self._state, name.partition(" ")
        match verb:
            case "log" | "save":
                self._enter()
            case "edit":
                self._open_form(number)
            case "delete":
                state.asked = number
            case "confirm":
                state.asked = None
                self.orders = [order for order in self.orders if order.number != number]
                self._done("deleted", number, f"Order {number} deleted")
            case "keep":
                state.asked = None
            case "mark":
                self._done("marked", number, f"Order {number} marked as paid")
            case "cancel":
                self._state = _State(page="list", scroll_px=state.scroll_px)
            case "dismiss":
                self._popups.pop()

    def _enter(self) -> None:
        """Do what Enter does: it sends the form, unless a dialog is in the way."""
        state = self._state
        if self._is_blocked() or state.page == "list":
            return
        missing = next((name for name in ("user", "password", "customer") if state.values.get(name) == ""), None)
        if missing:
            state.notice = f"{missing.capitalize()} is missing"
        elif state.page == "login":
            self.log_in()
        else:
            number = state.number
            self.orders = [replace(order, **state.values) if order.number == number else order for order in self.orders]
            self._state = _State(page="list", scroll_px=state.scroll_px)
            self._done("saved", number, f"Order {number} saved")

    def _open_form(self, number: str) -> None:
        order = self.order(number)
        assert order is not None, "its row was there"
        values = {"customer": order.customer, "amount": order.amount, "note": order.note}
        self._state = _State(page="form", number=number, values=values, scroll_px=self._state.scroll_px)

    def _done(self, action: Literal["saved", "deleted", "moved", "marked"], number: str, notice: str) -> None:
        self.deeds.append(Deed(action, number))
        self._state.notice = notice

    # ------------------------------------------------------------------------------------------ where things are

    @property
    def _is_moved(self) -> bool:
        return Drift.MOVED in self.drift

    @property
    def _row_height(self) -> int:
        return 62 if self._is_moved else 52

    def _list_box(self) -> Box:
        """What of the list is in view."""
        left = 24 if self._is_moved else _SIDEBAR + 24
        return Box(left, _LIST_TOP, WIDTH - _SIDEBAR - 48, HEIGHT - _LIST_TOP - 24)

    def _word(self, text: str) -> str:
        return _RENAMED.get(text, text) if Drift.RENAMED in self.drift else text

    def _parts(self) -> list[Part]:
        """Everything on the screen, from the lowest to the uppermost."""
        pages = {"login": self._login_parts, "list": self._list_parts, "form": self._form_parts}
        return [*pages[self._state.page](), *self._menu_parts(), *self._question_parts(), *self._popup_parts()]

    def _login_parts(self) -> list[Part]:
        left, top = (120.0, 110.0) if self._is_moved else (330.0, 170.0)
        return [
            Part("card", "panel", Box(left - 40, top - 40, 420, 380)),
            Part("title", "title", Box(left, top, 300, 30), "Order book"),
            *self._field_parts(left, top + 60, 340),
            Part("log in", "button", Box(left, top + 230, 130, 42), self._word("Log in")),
            Part("notice", "label", Box(left, top + 290, 340, 30), self._state.notice),
        ]

    def _form_parts(self) -> list[Part]:
        left = 40.0 if self._is_moved else _SIDEBAR + 40.0
        below = 90 + 84 * len(self._state.values)
        save, cancel = (left + 150, left) if self._is_moved else (left, left + 180)
        return [
            Part("title", "title", Box(left, 80, 400, 34), self.title),
            *self._field_parts(left, 130, 460),
            Part("save", "button", Box(save, below + 60, 160, 42), self._word("Save")),
            Part("cancel", "button", Box(cancel, below + 60, 120, 42), "Cancel"),
            Part("notice", "label", Box(left, below + 120, 460, 30), self._state.notice),
        ]

    def _field_parts(self, left: float, top: float, width: float) -> list[Part]:
        parts: list[Part] = []
        for name, value in self._state.values.items():
            shown = "•" * len(value) if name == "password" else value
            parts += [
                Part(f"label {name}", "label", Box(left, top, width, 24), self._word(name.capitalize())),
                Part(name, "field", Box(left, top + 28, width, 40), shown),
            ]
            top += 84
        return parts

    def _list_parts(self) -> list[Part]:
        view = self._list_box()
        parts = [
            Part("title", "title", Box(view.x, 76, 300, 34), "Orders"),
            Part("notice", "label", Box(view.x + 180, 76, view.width - 180, 34), self._state.notice),
        ]
        for index, order in enumerate(self.orders):
            row = Box(view.x, view.y + index * self._row_height - self._state.scroll_px, view.width, self._row_height)
            if not view.encloses(row):
                continue  # a row is in view as a whole or not at all
            buttons = row.x + 12 if self._is_moved else row.right - 212
            text = row.x + 240 if self._is_moved else row.x + 14
            columns = ((0, order.number), (90, order.customer), (300, order.amount))
            middle = row.center.y
            parts += [
                Part(f"row {order.number}", "row", row),
                *(Part("cell", "label", Box(text + at, middle - 12, 200, 24), words) for at, words in columns),
                Part(f"edit {order.number}", "button", Box(buttons, middle - 18, 94, 36), self._word("Edit")),
                Part(
                    f"delete {order.number}", "button", Box(buttons + 104, middle - 18, 100, 36), self._word("Delete")
                ),
            ]
        return parts

    def _menu_parts(self) -> list[Part]:
        if self._state.menu is None:
            return []
        number, at = self._state.menu
        return [Part(f"mark {number}", "button", Box(min(at.x, WIDTH - 160), at.y, 150, 36), "Mark as paid")]

    def _question_parts(self) -> list[Part]:
        number = self._state.asked
        if number is None:
            return []
        box = Box(300, 260, 420, 170)
        return [
            Part("asked", "dialog", box),
            Part("question", "label", Box(box.x + 28, box.y + 30, 360, 26), f"Delete order {number}?"),
            Part(f"confirm {number}", "button", Box(box.x + 28, box.y + 100, 170, 42), "Yes, delete"),
            Part(f"keep {number}", "button", Box(box.x + 220, box.y + 100, 170, 42), "No, keep it"),
        ]

    def _popup_parts(self) -> list[Part]:
        parts: list[Part] = []
        for popup in self._popups:
            box = Box(0, HEIGHT - 84, WIDTH, 84)
            if popup.over is not None or popup.is_modal:
                middle = popup.over.center if popup.over is not None else Point(WIDTH / 2, HEIGHT / 2)
                left, top = min(WIDTH - 430, max(10, middle.x - 210)), min(HEIGHT - 190, max(10, middle.y - 60))
                box = Box(left, top, 420, 180)
            parts += [
                Part("cover", "dialog" if popup.is_modal else "panel", box),
                Part(
                    "popup",
                    "label",
                    Box(box.x + 24, box.y + 22, box.width - 260 if box.x == 0 else 372, 60),
                    popup.text,
                ),
                Part("dismiss", "button", Box(box.right - 170, box.bottom - 62, 146, 42), popup.button),
            ]
        return parts

    # ------------------------------------------------------------------------------------------- what it looks like

    def draw(self, *, has_caret: bool = True) -> NDArray[np.uint8]:
        """A picture of the application as it is now.

        Args:
            has_caret: The caret is shown in the field that has the focus; it blinks.

        Returns:
            uint8, (720, 1000, 3), blue-green-red.
        """
        colours = self._palette
        image = np.full((HEIGHT, WIDTH, 3), colours.ground, np.uint8)
        if self._state.page != "login":
            self._draw_frame(image)
        for part in self._parts():
            if part.kind == "dialog":
                image //= 2  # the veil
            self._draw_part(image, part, has_caret=has_caret)
        return image

    def _draw_frame(self, image: NDArray[np.uint8]) -> None:
        """What stands on every page: the header and the menu at the side."""
        colours = self._palette
        left = WIDTH - _SIDEBAR if self._is_moved else 0
        panel(image, Box(left, 0, _SIDEBAR, HEIGHT), colours.surface)
        panel(image, Box(0, 0, WIDTH, _HEADER), colours.accent)
        write(image, "Order book", 24, 36, 20, colours.on_accent, BOLD)
        for index, entry in enumerate(("Orders", "Customers", "Reports")):
            write(image, entry, left + 24, 106 + 44 * index, _TEXT, colours.text if index == 0 else colours.faint)

    def _draw_part(self, image: NDArray[np.uint8], part: Part, *, has_caret: bool) -> None:
        colours, box = self._palette, part.box
        match part.kind:
            case "title":
                write_inside(image, part.text, box, _TITLE, colours.text, BOLD, inset=0)
            case "row":
                panel(image, box.grown(0, -2), colours.surface, colours.line, 4)
            case "button":
                is_main = part.name.split()[0] in ("log", "save", "confirm", "dismiss")
                fill, ink = (colours.accent, colours.on_accent) if is_main else (colours.surface, colours.accent)
                panel(image, box, fill, colours.accent, 6)
                write_inside(image, part.text, box, _TEXT, ink, BOLD)
            case "field":
                has_focus = part.name == self._state.focus
                panel(image, box, colours.surface, colours.accent if has_focus else colours.line, 4)
                width = text_width(part.text, _TEXT) if part.text else 0
                if has_focus and self._state.is_selected and part.text:
                    panel(image, Box(box.x + 10, box.y + 8, width + 4, box.height - 16), colours.line)
                write_inside(image, part.text, box, _TEXT, colours.text, inset=12)
                if has_focus and has_caret:
                    panel(image, Box(box.x + 13 + width, box.y + 9, 2, box.height - 18), colours.text)
            case "panel" | "dialog":
                panel(image, box, colours.surface, colours.line, 8)
            case "label":
                for number, line in enumerate(wrapped(part.text, _TEXT, box.width)):
                    ink = colours.accent if part.name == "notice" else colours.text
                    line_box = Box(box.x, box.y + 26 * number, box.width, min(26, box.height))
                    write_inside(image, line, line_box, _TEXT, ink, REGULAR, inset=0)


def _orders(seed: int) -> list[Order]:
    """The orders as they are in the beginning."""
    chance = random.Random(f"{seed} orders")
    first = chance.randrange(1000, 9000, 100)
    numbers = sorted(chance.sample(range(first, first + 90, 2), _ORDERS))
    customers = chance.sample(_CUSTOMERS, _ORDERS)
    return [
        Order(str(number), customer, f"{chance.randrange(20, 4000):,}.{chance.choice(('00', '50', '90'))}")
        for number, customer in zip(numbers, customers, strict=True)
    ]


def _drift(release: int, seed: int) -> frozenset[Drift]:
    """How a release differs from the first one."""
    single = [frozenset[Drift](), *(frozenset({drift}) for drift in Drift)]
    if release <= len(single):
        return single[release - 1]
    harmless = [drift for drift in Drift if drift is not Drift.GONE]
    return frozenset(random.Random(f"{seed} {release}").sample(harmless, 2 + release % 3))
