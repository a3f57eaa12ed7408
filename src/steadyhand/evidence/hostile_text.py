"""Text that came from a screen, made fit to be shown.

Whatever was read off a screen is *hostile*: anybody can put a text on a web page. Markup in it is the business of
whoever writes markup (they escape). Here is what escaping leaves alone: characters that a terminal obeys, that XML
forbids, or that make a text look like another one. They are made *visible* instead of being dropped, because an
operator should see that they were there.
"""

from __future__ import annotations

import re

_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, except tab and line feed: terminals obey them
    "\u202a-\u202e\u2066-\u2069"  # they turn the direction of what follows: a text then reads as another one
    "\ud800-\udfff\ufffe\uffff]"  # no characters at all: no encoder or XML parser takes them
)


def visible(text: str) -> str:
    r"""Make every character of a text visible that would act instead of being seen.

    Control characters become their pictures (`\\x1b` is shown as ␛), marks that turn the direction of writing become
    their names in brackets, and what is no character at all becomes �. Letters of every script stay as they are.

    Args:
        text: Anything, of any length.

    Returns:
        A text that any terminal, HTML page and XML 1.0 file can hold.

    Source: the characters that XML 1.0 allows (section 2.2, production Char); the attack by direction marks is
    Boucher and Anderson, "Trojan Source: Invisible Vulnerabilities", USENIX Security 2023.
    """
    return _UNFIT.sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    """How one unfit character is shown."""
    if match[0] < " ":  # the pictures of C0 stand in a block of their own, in the same order
        return chr(0x2400 + ord(match[0]))
    if match[0] == "\x7f":  # DEL; its picture stands right behind them
        return "\u2421"
    is_direction_mark = "\u2000" <= match[0] < "\u2100"  # the block General Punctuation
    return f"[U+{ord(match[0]):04X}]" if is_direction_mark else "\ufffd"
