"""Another thing that says the same, in the place of the recorded one, is not clicked."""

from __future__ import annotations

import pytest
from tests.unit.resolution.scenes import board, pages, profile, question, shop, tree
from tests.unit.resolution.sketch import DARK, LIGHT, REFUSED, Sketch, Style, form, groups

from steadyhand.resolution.cascade import Resolver

STYLES = pytest.mark.parametrize("style", [LIGHT, DARK], ids=["light", "dark"])


def clicked(before: Sketch, name: str, now: Sketch) -> str:
    """What a click would reach that was recorded on one screen and is looked for on another."""
    return now.clicked(Resolver().resolve(before.target(name), now.image))


@STYLES
def test_the_answer_to_another_question_is_another_answer(style: Style) -> None:
    """It says the same, in the same place, over the same page."""
    before = question("Close the period?")
    assert clicked(before, "Yes", question("Delete this supplier?", style)) == REFUSED
    assert clicked(before, "Yes", question("Close the period?", style)) == "Yes"


@STYLES
@pytest.mark.parametrize(("name", "now"), [("3", (4, 6)), ("7", (6, 8)), ("9", (4, 6)), ("8", (1, 3))])
def test_of_framed_digits_the_digit_counts(name: str, now: tuple[int, int], style: Style) -> None:
    """All of them have the same frame, and one of them is a block."""
    assert clicked(pages(int(name) - 2, int(name)), name, pages(*now, style)) in (name, REFUSED)


def test_a_name_belongs_to_the_button_behind_it() -> None:
    """Not to the one behind the next name, though both stand in one row."""
    before = shop(("Peru", "Java", "Peru Gold", "Brazil", "Java Dark", "Mali"))
    now = shop(("Peru", "Chad", "Mali", "Peru Gold", "Java Dark", "Java"))
    assert clicked(before, "Peru Gold", now) in ("Peru Gold", REFUSED)


@STYLES
def test_a_row_is_told_by_its_name_and_not_by_its_value(style: Style) -> None:
    """The value that stood in the recorded row stands in another one now."""
    rows = [("Name", "Ivy Lane"), ("Plan", "Brightwater Linen"), ("Email", "Ann Reed"), ("Company", "Cobalt Print")]
    before, now = profile(rows), profile([rows[0], ("Phone", "Brightwater Linen"), *rows[2:]], style)
    assert clicked(before, "Plan", now) == REFUSED


@STYLES
def test_an_entry_of_a_renamed_group_is_another_one(style: Style) -> None:
    """It stands where the recorded one stood, below and above the same entries."""
    before = tree(("Orders", "Invoices", "Users"))
    assert clicked(before, "Invoices/Import", tree(("Orders", "Archive", "Users"), style)) == REFUSED


@STYLES
@pytest.mark.parametrize("titles", [("Shipping", "Billing"), ("Billing", "Shipping")])
def test_a_field_of_a_renamed_group_is_another_field(titles: tuple[str, str], style: Style) -> None:
    """The group that has its old place now has another name."""
    now = groups(("Archive", "Billing"), style=style)
    assert clicked(groups(titles), "Shipping/City", now) == REFUSED


def test_a_card_in_the_place_of_another_is_another_one() -> None:
    """What stands above it is that of another card."""
    before = board((("To do", ("Sort mail", "Buy ink")), ("Doing", ("Test pump", "Ship box")), ("Done", ("Pay rent",))))
    now = board((("To do", ("Test pump", "Buy ink")), ("Doing", ("Ship box",)), ("Done", ("Pay rent",))))
    assert clicked(before, "Sort mail", now) == REFUSED


@STYLES
def test_a_label_with_one_letter_more_is_another_label(style: Style) -> None:
    """A county is no country."""
    before, now = form(("County", "City", "Note")), form(("Country", "City", "Note"), style=style)
    assert clicked(before, "County", now) == REFUSED
