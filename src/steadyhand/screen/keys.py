"""Key chords: how they are written, and which there are.

A *chord* is a key with the modifiers that are held meanwhile, joined by `+`: `Enter`, `Control+A`, `Control+Shift+Tab`.
A key is a named one, or a single character. Letters are written large, and without `Shift` in the chord mean the
key itself: `Control+A` is what a person presses to select everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from steadyhand.errors import ConfigError

MODIFIERS = ("Control", "Shift", "Alt", "Meta")
"""What can be held while a key is pressed."""

NAMED_KEYS = frozenset({
    "Enter", "Tab", "Space", "Escape", "Backspace", "Delete", "Insert",
    "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown",
    "ContextMenu", "PrintScreen", "Pause", "CapsLock", "NumLock", "ScrollLock",
    *(f"F{number}" for number in range(1, 13)),
    *(f"Numpad{digit}" for digit in range(10)),
    "NumpadAdd", "NumpadSubtract", "NumpadMultiply", "NumpadDivide", "NumpadDecimal", "NumpadEnter",
})  # fmt: skip
"""Keys that have a name instead of a character. Source: UI Events KeyboardEvent key and code values (W3C)."""


@dataclass(frozen=True, slots=True)
class Chord:
    """A key and what is held meanwhile.

    Attributes:
        key: One of `NAMED_KEYS`, or one character.
        modifiers: Those of `MODIFIERS` that are held, as written.
    """

    key: str
    modifiers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, keys: str) -> Chord:
        """Read a chord.

        Args:
            keys: Such as `Control+A`.

        Raises:
            ConfigError: There is no such key, or a character is held together with keys that no keyboard has it on.
        """
        head, plus, key = keys.rpartition("+")
        if not key:  # the key is the plus sign itself
            head, plus, key = head.rpartition("+") if head else ("", "", "+")
            key = key or "+"
        modifiers = tuple(head.split("+")) if plus else ()
        is_sign = len(key) == 1 and key.isprintable() and (key.isascii() or not modifiers)
        if not (key in NAMED_KEYS or is_sign) or not set(modifiers) <= set(MODIFIERS):
            raise ConfigError(
                f"`{keys}` is not a key chord that can be pressed.",
                f"Write a character or one of Enter, Tab, Escape, ArrowDown, F2 ..., "
                f"with any of {', '.join(MODIFIERS)} before it: Control+Shift+S.",
            )
        if modifiers and is_sign:
            key = key.upper() if "Shift" in modifiers else key.lower()
        return cls(key, modifiers)

    def __str__(self) -> str:
        """The chord as Playwright reads it."""
        return "+".join((*self.modifiers, self.key))
