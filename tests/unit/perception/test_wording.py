"""Which differences between two texts are the reader's, and which are real."""

from __future__ import annotations

import pytest

from steadyhand.perception.wording import (
    fold,
    identifier_form,
    is_value,
    similarity,
    without_counts,
    without_icons,
    without_scrap,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Save", "save"),
        ("  Save \n changes ", "save changes"),
        ("Réglé, merci", "regle, merci"),
        ("ÉLÈVE", "eleve"),
        ("Straße", "strasse"),
        ("Browse…", "browse"),
        ("Browse...", "browse"),
        ("Name:", "name"),
        ("E-mail *", "e-mail"),
        ("Nom * :", "nom"),
        ("Nom : *", "nom"),
        ("\U0001d400", "a"),
        ("l’an – œuvre", "l'an - oeuvre"),
        ("5 % of 1,284.50", "5 % of 1,284.50"),
        ("...", ""),
        ("", ""),
    ],
)
def test_folding_keeps_what_a_person_would_call_the_same_words(text: str, folded: str) -> None:
    """Case, accents, typographic signs and closing punctuation go; letters, digits and inner signs stay."""
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("left", "right"), [("save", "save"), ("save changes", "savechanges"), ("e-mail", "e-mail"), ("4", "4")]
)
def test_the_same_words_are_wholly_alike(left: str, right: str) -> None:
    """Spaces do not count: readers put them as they like."""
    assert similarity(left, right) == 1


@pytest.mark.parametrize(
    ("left", "right"), [("log in", "iog 1n"), ("oslo", "0slo"), ("modern", "modem"), ("bill", "8i11")]
)
def test_letters_that_readers_confuse_count_nearly_as_the_same(left: str, right: str) -> None:
    """0 and o, 1 and l, rn and m: the same words all but surely."""
    assert 0.9 < similarity(left, right) < 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("inv-2047", "inv-2041"),
        ("inv-2047", "inv-2074"),
        ("order 1042", "order 1043"),
        ("2047", "2147"),
        ("row 1", "row 7"),
        ("page 2", "page 3"),
        ("2026-06-18", "2026-06-19"),
    ],
)
def test_an_identifier_that_differs_is_another_thing(left: str, right: str) -> None:
    """However alike two numbers look: one digit more, less, or in another place makes it another one."""
    assert similarity(left, right) == 0


@pytest.mark.parametrize(
    ("left", "right"),
    [("save", "delete"), ("yes", "no"), ("on", "off"), ("ok", "on"), ("", ""), ("save", ""), ("cat", "car")],
)
def test_other_words_are_not_alike(left: str, right: str) -> None:
    """Different words, short ones that share letters, and nothing at all."""
    assert similarity(left, right) == 0


def test_a_misread_letter_costs_something() -> None:
    """One letter of many is likelier a misreading than another word, but less sure than the word itself."""
    assert 0.7 < similarity("remittance", "remitlance") < 0.85


@pytest.mark.parametrize(
    ("text", "left"), [("inbox (12)", "inbox"), ("(3) new", "new"), ("inbox [4]", "inbox"), ("inbox 99+", "inbox")]
)
def test_a_count_is_taken_off(text: str, left: str) -> None:
    """In brackets, or with a plus behind it, a number is no part of a name."""
    assert without_counts(text) == left


@pytest.mark.parametrize("text", ["42", "(42)", "order 1042", "inv-2047", "save", "", "page 2", "inbox 3", "3 new"])
def test_a_number_that_is_the_name_stays(text: str) -> None:
    """A plain number, before or behind words, and whatever stands alone."""
    assert without_counts(text) == text


def test_a_number_that_is_a_name_and_a_count_are_told_apart() -> None:
    """The second page has a name of its own, however many things are on it."""
    assert without_counts("page 2 (14)") == "page 2"
    assert similarity("page", "page 2") == 0
    assert similarity("page 2", "page2") == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [("x save", "save"), ("q 8 search", "search"), ("more v", "more"), ("x", "x"), ("step 2", "step 2")],
)
def test_icons_that_were_read_as_letters_are_taken_off(text: str, left: str) -> None:
    """Single letters at the ends go; a digit at the end stays, for it may be what tells one thing from the next."""
    assert without_icons(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [("oe save", "save"), ("x save", "save"), ("no reply", "no reply"), ("new save", "new save"), ("ab cd", "ab cd")],
)
def test_two_letters_before_a_word_may_be_an_icon(text: str, left: str) -> None:
    """They go, unless they say no; a longer word stays, and so does what stands before as short a one."""
    assert without_scrap(text) == left


@pytest.mark.parametrize(
    ("text", "form"),
    [("inv-2047", "inv-####"), ("4616", "####"), ("order 1042", "order ####"), ("ab12", "ab##"), ("page 2", "page #")],
)
def test_identifiers_of_one_kind_have_one_form(text: str, form: str) -> None:
    """Each of their digits stands for any other one."""
    assert identifier_form(text) == form
    assert identifier_form(text.replace("2", "7")) == form


@pytest.mark.parametrize(
    "text", ["", "save", "a1", "42", "1,284.50", "2026-06-18", "14:30", "order 1042 was paid", "3 days ago"]
)
def test_what_names_nothing_has_no_form(text: str) -> None:
    """Words without digits, values, very short texts and sentences are no identifiers."""
    assert identifier_form(text) == ""


@pytest.mark.parametrize(
    "text",
    ["1,284.50", "€ 12", "12 eur", "2026-06-18", "14:30", "3 p.m", "18 june 2026", "25%", "7", "999", "5 minutes ago"],
)
def test_amounts_dates_and_counts_are_values(text: str) -> None:
    """They change while the thing beside them stays the same."""
    assert is_value(text)


@pytest.mark.parametrize(
    "text", ["inv-2047", "4616", "#12", "(2034)", "100-2034", "2024-0031", "harbour lane", "order 1042", "may i", ""]
)
def test_names_and_identifiers_are_no_values(text: str) -> None:
    """Letters, a sign before them, or more digits than a count has: they name something."""
    assert not is_value(text)
