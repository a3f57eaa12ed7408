"""What is known of a target from its own screen: what it is, and what tells it from its look-alikes."""

from __future__ import annotations

import pytest
from tests.unit.resolution.scenes import board, pages, profile, question, shop, tree
from tests.unit.resolution.sketch import DARK, FIELDS, LIGHT, REFUSED, ROWS, VERBS, Sketch, Style, form, groups, table

from steadyhand.model.geometry import Box
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.controls import Kind
from steadyhand.resolution.recorded import Recorded
from steadyhand.resolution.surroundings import Relation
from steadyhand.screen.drawing import panel


def drawn() -> Sketch:
    """A screen with a thing of each kind."""
    sketch = form()
    sketch.tick("Send a receipt", 400, 120)
    box = Box(400, 180, 24, 24)
    panel(sketch.image, Box(410, 182, 4, 20), LIGHT.ink)
    panel(sketch.image, Box(402, 190, 20, 4), LIGHT.ink)
    sketch.parts["plus"] = box
    return sketch


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("Save", Kind.WORDS),
        ("Supplier", Kind.FIELD),
        ("Send a receipt", Kind.TICK),
        ("plus", Kind.ICON),
    ],
)
def test_a_thing_is_of_a_kind(part: str, kind: Kind) -> None:
    """A button, a field, a check box and a drawing are told apart by their picture."""
    assert Recorded(drawn().target(part)).kind is kind


def test_a_field_stays_a_field_when_something_stands_in_it() -> None:
    """It is written in from its left end, where the words of a button stand in its middle."""
    filled = form(values=("Alder", "1,940.00", "Monthly"))
    assert [Recorded(filled.target(part)).kind for part in (*FIELDS, *VERBS)] == [Kind.FIELD] * 3 + [Kind.WORDS] * 2


def test_entries_of_a_list_are_no_fields() -> None:
    """They are frames of about the same size as fields, but they touch one another."""
    sketch = Sketch()
    for index, name in enumerate(("first", "second", "third")):
        sketch.parts[name] = Box(40, 60 + 35 * index, 300, 36)
        panel(sketch.image, sketch.parts[name], LIGHT.surface, LIGHT.line)
    assert Recorded(sketch.target("second")).kind is not Kind.FIELD


@pytest.mark.parametrize(("baseline", "kind"), [(None, Kind.FIELD), (82, Kind.FIELD), (150, Kind.WORDS)])
def test_a_field_for_several_lines_is_written_in_from_its_top(baseline: int | None, kind: Kind) -> None:
    """Empty or with a first line it is a field; a panel with words in its middle is none."""
    sketch = Sketch()
    sketch.parts["note"] = Box(40, 60, 400, 160)
    panel(sketch.image, sketch.parts["note"], LIGHT.surface, LIGHT.line)
    if baseline is not None:
        sketch.text("Monthly order", 54, baseline)
    assert Recorded(sketch.target("note")).kind is kind


# ----------------------------------------------------------------------------------------------------- its look-alikes


def test_a_row_is_told_from_the_others_by_what_stands_in_it() -> None:
    """Its number, its supplier and its amount: of the buttons in five rows each of the other four is a look-alike."""
    recorded = Recorded(table().target("0 2034"))
    (telling,) = recorded.telling
    assert {each.text for each in telling} == {"2034", "brightwater linen", "2,318.40"}
    assert len(recorded.lookalikes) == 4
    assert recorded.has_rows_alike
    assert not recorded.is_one_of_many


def test_what_tells_a_row_is_what_the_others_lack() -> None:
    """A supplier with two invoices tells them from all others, and not from each other."""
    rows = (ROWS[0], ("2034", *ROWS[0][1:]), ROWS[2])
    told = [{each.text for each in telling} for telling in Recorded(table(rows).target("0 2034")).telling]
    assert sorted(told, key=len) == [{"2034"}, {"2034", "alder joinery", "1,940.00"}]


def test_where_nothing_tells_two_apart_the_target_is_one_of_many() -> None:
    """Two rows that say the same, or two buttons aslant of the fields that they belong to."""
    assert Recorded(table((ROWS[0], ROWS[1], ROWS[1])).target("0 2034")).is_one_of_many
    sketch = Sketch()
    for y, label in ((110, "Buyer"), (210, "Seller")):
        sketch.field(label, 40, y)
        sketch.button("Find", 300, y, name=f"find {label}")
    assert Recorded(sketch.target("find Buyer")).is_one_of_many


def test_a_thing_without_look_alikes_is_the_only_one() -> None:
    """Nothing has to be told apart, and nothing tells."""
    recorded = Recorded(form().target("Save"))
    assert recorded.lookalikes == []
    assert recorded.telling == []
    assert not recorded.is_one_of_many
    assert not recorded.has_rows_alike


@pytest.mark.parametrize("prefix", ["", "INV-"])
def test_the_number_of_an_order_names_its_row(prefix: str) -> None:
    """Amounts, and the numbers of other rows, do not."""
    recorded = Recorded(table([(f"{prefix}{number}", *others) for number, *others in ROWS]).target(f"0 {prefix}2042"))
    assert [each.text for each in recorded.identifiers] == [f"{prefix.lower()}2042"]


@pytest.mark.parametrize(
    ("labels", "part", "names"),
    [
        (FIELDS, "Supplier", ("label",)),
        (("Supplier", "Supplier", "Note"), "Note", ("label",)),
        (("Supplier", "Supplier", "Note"), "Supplier", ()),
        (FIELDS, "Save", ()),
    ],
)
def test_a_field_is_named_by_a_label_that_stands_there_once(
    labels: tuple[str, ...], part: str, names: tuple[str, ...]
) -> None:
    """What two fields are called tells neither; a button says itself what it is."""
    assert Recorded(form(labels).target(part)).names == names


def test_what_stands_in_a_field_names_it_where_nothing_else_says_that() -> None:
    """Beside its label; in two fields it says nothing."""
    for values, names in ((("Alder", "", ""), ("label", "text")), (("Alder", "Alder", ""), ("label",))):
        assert Recorded(form(values=values).target("Supplier")).names == names


def test_it_is_known_on_which_side_a_label_stands() -> None:
    """Above the fields of a form, behind a check box, and nowhere where there is none."""
    sketch = form()
    sketch.tick("Send a receipt", 400, 120)
    assert Recorded(sketch.target("Supplier")).label_side is Relation.ABOVE
    assert Recorded(sketch.target("Send a receipt")).label_side is Relation.RIGHT
    alone = Sketch()
    alone.field("", 300, 200, name="alone")
    assert Recorded(alone.target("alone")).label_side is None


# ------------------------------------------------------------- another thing that says the same, in the same place

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
