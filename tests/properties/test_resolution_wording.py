"""Requirement 0.4: what is the same word, what says the same, and what the opposite, whichever is asked first."""

from __future__ import annotations

from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st

from steadyhand.perception.wording import fold, similarity, without_counts, without_icons
from steadyhand.resolution.meaning import are_opposites, key, lengths, mean_the_same, text_likeness

LINES = [
    line
    for line in (files("steadyhand.resolution") / "meanings.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]
WAYS = sorted({fold(way) for line in LINES for half in line.lstrip("!").split("<>") for way in half.split("|")})
ways = st.sampled_from(WAYS)
texts = st.text("abceilmnorst 01258-é.:", max_size=14).map(fold) | ways
pairs = st.tuples(texts, texts)


@given(pair=pairs)
def test_0_4_it_does_not_matter_which_of_two_texts_is_the_recorded_one(pair: tuple[str, str]) -> None:
    """Likeness, meaning and opposition are the same from both sides, and shares are shares."""
    left, right = pair
    assert similarity(left, right) == similarity(right, left)
    assert mean_the_same(left, right) == mean_the_same(right, left)
    assert are_opposites(left, right) == are_opposites(right, left)
    assert text_likeness(left, right) == text_likeness(right, left)
    assert 0 <= similarity(left, right) <= text_likeness(left, right) <= 1 or are_opposites(left, right)


@given(text=texts)
def test_0_4_every_text_is_like_itself(text: str) -> None:
    """And never its own opposite."""
    assert similarity(text, text) == text_likeness(text, text) == (1 if text.replace(" ", "") else 0)
    assert not are_opposites(text, text)


@given(left=ways, right=ways)
def test_0_4_nothing_is_both_the_same_and_the_opposite(left: str, right: str) -> None:
    """Of the ways to say something in the table, each two are the same, opposite, or neither."""
    assert not (mean_the_same(left, right) and are_opposites(left, right))
    if are_opposites(left, right):
        assert key(left) != key(right)
        assert text_likeness(left, right) == 0


def test_0_4_no_two_ways_of_the_table_contradict_each_other() -> None:
    """All pairs, for chance may miss the one line that somebody has added."""
    assert [
        (left, right) for left in WAYS for right in WAYS if mean_the_same(left, right) and are_opposites(left, right)
    ] == []


@given(left=ways, right=ways)
def test_0_4_what_has_the_same_key_means_the_same(left: str, right: str) -> None:
    """And what means the same has a length that is looked for."""
    if key(left) == key(right):
        assert mean_the_same(left, right)
    if mean_the_same(left, right):
        assert lengths(left) & lengths(right)


@given(text=texts)
def test_0_4_what_was_taken_off_is_off(text: str) -> None:
    """Without its counts, or its icons, a text has none."""
    assert without_counts(without_counts(text)) == without_counts(text)
    assert without_icons(without_icons(text)) == without_icons(text)


@given(text=st.text() | st.text("abcXYZéÉœß’–0123 .:…*!?\t\n-"))
def test_0_4_folding_twice_is_folding_once(text: str) -> None:
    """What was folded is as simple as it gets."""
    assert fold(fold(text)) == fold(text)


@given(text=st.text("abcxyzéœß'- 0123"))
def test_0_4_case_and_closing_signs_never_matter(text: str) -> None:
    """However a text is written, it is folded to the same."""
    assert fold(text.upper()) == fold(text) == fold(f"  {text} …")
