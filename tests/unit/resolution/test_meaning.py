"""Which words of an interface say the same, and which the opposite."""

from __future__ import annotations

import pytest

from steadyhand.resolution.meaning import are_opposites, key, lengths, mean_the_same, text_likeness

SAME = [
    ("save", "enregistrer"),
    ("log in", "sign in"),
    ("log in", "se connecter"),
    ("save", "save changes"),
    ("search", "find"),
    ("delete", "supprimer"),
    ("email", "e-mail address"),
    ("approve", "authorise"),
    ("user name", "nom d'utilisateur"),
    ("date of payment", "payment date"),
]
OPPOSITE = [
    ("enable", "disable"),
    ("enable", "turn off"),
    ("approve", "reject"),
    ("authorise", "decline"),
    ("confirm", "cancel"),
    ("yes", "no"),
    ("log in", "log out"),
    ("sign in", "se deconnecter"),
    ("open", "fermer"),
    ("next", "previous"),
    ("add", "remove"),
    ("show", "hide"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_synonyms_and_translations_mean_the_same(left: str, right: str) -> None:
    """In either order, and never the opposite as well; their key is the same."""
    assert mean_the_same(left, right)
    assert mean_the_same(right, left)
    assert not are_opposites(left, right)
    assert key(left) == key(right)


@pytest.mark.parametrize(("left", "right"), OPPOSITE)
def test_opposites_are_known(left: str, right: str) -> None:
    """In either order, and never the same as well; their keys differ."""
    assert are_opposites(left, right)
    assert are_opposites(right, left)
    assert not mean_the_same(left, right)
    assert key(left) != key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [("save", "send"), ("enable", "save"), ("harbour", "lane"), ("", "save"), ("", ""), ("of", "the")],
)
def test_other_words_are_neither(left: str, right: str) -> None:
    """What no line of the table joins means something else, and nothing means nothing."""
    assert not mean_the_same(left, right)
    assert not are_opposites(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("invoice", "invoices"),
        ("invoice date", "date of the invoice"),
        ("e-mail", "email"),
        ("your password", "password"),
        ("brightwater linen", "linen brightwater"),
    ],
)
def test_plurals_small_words_and_their_order_do_not_matter(left: str, right: str) -> None:
    """Also for words that are not in the table."""
    assert mean_the_same(left, right)


def test_the_double_s_is_no_plural() -> None:
    """An address is not an addres."""
    assert not mean_the_same("pass", "pas")


def test_the_key_of_other_words_is_their_letters() -> None:
    """Spaces do not matter, letters do."""
    assert key("harbour lane") == key("harbourlane") == "harbourlane"
    assert key("harbour lane") != key("harbour line")


def test_the_lengths_are_those_of_all_ways_to_say_it() -> None:
    """By them the words on a screen that might say it are picked out, without comparing them all."""
    assert {min(lengths("save")), max(lengths("save"))} == {len("save"), len("enregistrermodification")}
    assert max(lengths("add user")) >= len("ajouterutilisateur")
    assert lengths("harbour lane") == {len("harbourlane")}


@pytest.mark.parametrize(
    ("recorded", "present", "least", "most"),
    [
        ("save", "save", 1, 1),
        ("inbox (3)", "inbox (12)", 0.85, 0.95),
        ("inbox 3", "inbox 12", 0, 0),
        ("page 2", "page 3", 0, 0),
        ("page", "page 2", 0, 0),
        ("oe save", "save", 0.8, 0.9),
        ("x save", "save", 0.95, 1),
        ("save", "enregistrer", 0.9, 0.95),
        ("enable", "disable", 0, 0),
        ("x enable", "disable", 0, 0),
        ("approve", "reject", 0, 0),
        ("inv-2047", "inv-2041", 0, 0),
        ("save", "help", 0, 0),
    ],
)
def test_words_are_alike_by_letters_or_by_meaning(recorded: str, present: str, least: float, most: float) -> None:
    """The same words most, a count or an icon aside little less, synonyms nearly; opposites and other words not."""
    assert least <= text_likeness(recorded, present) <= most
