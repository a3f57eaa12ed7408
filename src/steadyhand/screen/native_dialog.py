"""The dialogs that a browser shows for a page (`alert`, `confirm`, `prompt`, "leave this page?"), drawn by us.

A browser draws them outside of the page, so they are in no picture of it, and the page stands still until they are
answered. They are drawn onto the last picture, so that a robot sees the question as a person does, and what is clicked
or pressed on the drawing is the answer. Nothing is ever answered that was not answered on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from steadyhand.model.geometry import Box, Point
from steadyhand.screen.drawing import BOLD, panel, text_width, wrapped, write, write_inside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.screen.keys import Chord

DialogKind = Literal["alert", "confirm", "prompt", "beforeunload"]

_WIDTH, _MARGIN, _TEXT, _LINE, _BUTTON = 460, 24, 16, 24, Box(0, 0, 104, 36)
_SURFACE, _INK, _EDGE, _ACCENT = (255, 255, 255), (40, 33, 32), (150, 140, 134), (180, 80, 20)
_TITLES = {
    "alert": "This page says", "confirm": "This page asks", "prompt": "This page asks",
    "beforeunload": "Leave this page?",
}  # fmt: skip
_UNSAVED = "Changes that you made may not be saved."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a dialog was told.

    Attributes:
        is_yes: It was accepted; `alert` knows nothing else.
        text: What was entered; empty unless it asked for text.
    """

    is_yes: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class NativeDialog:
    """A dialog that waits for its answer.

    Attributes:
        kind: What the page wants of it.
        message: What it says.
        text: What stands in its field; only `prompt` has one.
        is_selected: Typing replaces what stands in the field.
    """

    kind: DialogKind
    message: str
    text: str = ""
    is_selected: bool = True

    # ---------------------------------------------------------------------------------------------------- its input

    def clicked(self, point: Point, size: tuple[int, int], scale: float) -> Answer | None:
        """What a click means.

        Args:
            point: Where, frame space.
            size: Height and width of the picture that it is drawn on, pixels.
            scale: Frame pixels per CSS pixel.

        Returns:
            The answer; None if no button is there, and then the click does nothing.
        """
        for is_yes, box in self._buttons(self._panel(size, scale), scale).items():
            if box.contains(point):
                return self._answer(is_yes=is_yes)
        return None

    def typed(self, text: str) -> NativeDialog | Answer:
        """What typing means: text for its field, and an answer once there is a line end."""
        line, end, _ = text.partition("\n")
        dialog = self
        if self.kind == "prompt" and line:
            dialog = replace(self, text=line if self.is_selected else self.text + line, is_selected=False)
        return dialog._answer(is_yes=True) if end else dialog  # noqa: SLF001  another value of this class

    def pressed(self, chord: Chord) -> NativeDialog | Answer:  # noqa: PLR0911  one return for each key
        """What a key chord means: Enter accepts, Escape declines, some edit the field, others do nothing."""
        match str(chord):
            case "Enter" | "NumpadEnter" | "Space" if self.kind != "prompt" or chord.key != "Space":
                return self._answer(is_yes=True)
            case "Escape":
                return self._answer(is_yes=False)
            case "Control+a":
                return replace(self, is_selected=True)
            case "Backspace" | "Delete" if self.is_selected:
                return replace(self, text="", is_selected=False)
            case "Backspace":
                return replace(self, text=self.text[:-1])
            case "Space":
                return self.typed(" ")
            case sign if len(sign) == 1:
                return self.typed(sign)
            case _:
                return self

    def _answer(self, *, is_yes: bool) -> Answer:
        return Answer(is_yes or self.kind == "alert", self.text if is_yes and self.kind == "prompt" else "")

    # ----------------------------------------------------------------------------------------------------- its look

    def draw(self, image: NDArray[np.uint8], scale: float) -> None:
        """Draw it onto the middle of a picture.

        Args:
            image: uint8, (height, width, 3), blue-green-red; changed.
            scale: Frame pixels per CSS pixel; it is drawn so much larger.
        """
        box = self._panel(image.shape[:2], scale)
        size = round(_TEXT * scale)
        panel(image, box, _SURFACE, _EDGE, round(8 * scale))
        left, baseline = box.x + _MARGIN * scale, box.y + (_MARGIN + 0.8 * _TEXT) * scale
        write(image, _TITLES[self.kind], left, baseline, size, _INK, BOLD)
        for line in self._lines(box.width, scale):
            baseline += _LINE * scale
            write(image, line, left, baseline, size, _INK)
        if self.kind == "prompt":
            field = Box(left, baseline + 14 * scale, box.width - 2 * _MARGIN * scale, 36 * scale)
            panel(image, field, _SURFACE, _ACCENT, round(4 * scale))
            if self.is_selected and self.text:
                width = text_width(self.text, size) + 4 * scale
                panel(image, Box(field.x + 8 * scale, field.y + 6 * scale, width, 24 * scale), _EDGE)
            write_inside(image, self.text, field, size, _INK, inset=10 * scale)
        for is_yes, button in self._buttons(box, scale).items():
            panel(image, button, _ACCENT if is_yes else _SURFACE, _ACCENT, round(6 * scale))
            write_inside(image, self._word(is_yes=is_yes), button, size, _SURFACE if is_yes else _ACCENT, BOLD)

    def _word(self, *, is_yes: bool) -> str:
        """What is written on a button."""
        if not is_yes:
            return "Cancel"
        return "Leave" if self.kind == "beforeunload" else "OK"

    def _lines(self, width: float, scale: float) -> list[str]:
        message = _UNSAVED if self.kind == "beforeunload" else self.message
        return wrapped(message, round(_TEXT * scale), width - 2 * _MARGIN * scale)

    def _panel(self, size: tuple[int, ...], scale: float) -> Box:
        """Where it stands, frame space."""
        height, width = size[:2]
        own_width = min(_WIDTH * scale, width)
        field = 50 if self.kind == "prompt" else 0
        lines = len(self._lines(own_width, scale))
        own_height = (2 * _MARGIN + _TEXT + _LINE * lines + field + 20 + _BUTTON.height) * scale
        # One that is higher than the screen keeps its buttons in view.
        top = min((height - own_height) / 2, height - own_height)
        return Box(round((width - own_width) / 2), round(top), round(own_width), round(own_height))

    def _buttons(self, box: Box, scale: float) -> dict[bool, Box]:
        """Where its buttons are, by whether they accept."""
        right, bottom = box.right - _MARGIN * scale, box.bottom - _MARGIN * scale
        button = _BUTTON.scaled(scale)
        accept = button.shifted(right - button.width, bottom - button.height)
        if self.kind == "alert":
            return {True: accept}
        return {True: accept, False: accept.shifted(-(button.width + 12 * scale), 0)}
