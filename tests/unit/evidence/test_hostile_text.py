"""Texts from a screen can be shown anywhere."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.evidence.hostile_text import visible


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\x00b\x7fc\x9bd", "a␀b␡c\ufffdd"),
        ("save\u202eevas", "save[U+202E]evas"),
        ("\u2067x\u2069", "[U+2067]x[U+2069]"),
        ("half \ud83d a pair", "half \ufffd a pair"),
        ("carriage\rreturn", "carriage␍return"),
    ],
)
def test_what_would_act_is_shown_instead(hostile: str, shown: str) -> None:
    """A character that a terminal or a page obeys becomes one that is only seen."""
    assert visible(hostile) == shown


@pytest.mark.parametrize("harmless", ["Größe: 5 €", "日本語", "שלום", "tab\tand\nline", "]]> <b> & 'x'", "👍🏽"])
def test_every_script_stays_as_it_is(harmless: str) -> None:
    """Letters of all scripts, and markup (which is for others to escape), are left alone."""
    assert visible(harmless) == harmless


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_encoded_and_parsed(text: str) -> None:
    """Whatever was read, the result is valid XML, holds no control character, and does not change again."""
    element = ET.Element("text")
    element.text = visible(text)
    parsed = ET.fromstring(ET.tostring(element, encoding="unicode").encode())  # noqa: S314  we wrote it
    assert (parsed.text or "") == visible(text)
    assert all(character in "\t\n" or character.isprintable() or ord(character) > 0x9F for character in visible(text))
    assert visible(visible(text)) == visible(text)
