"""What a user sees of the resolver: the recorded thing is found where it is now, or nothing is clicked."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.unit.resolution.sketch import (
    DARK,
    FIELDS,
    ICONS,
    LARGE,
    LIGHT,
    REFUSED,
    ROWS,
    VERBS,
    Sketch,
    Style,
    cards,
    extras,
    form,
    groups,
    options,
    parties,
    quantities,
    table,
    toolbar,
)

from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Ambiguous, Candidate, Found, Method, NotFound
from steadyhand.resolution.cascade import Resolver, decide
from steadyhand.resolution.confidence import Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steadyhand.model.outcome import Resolution

NUMBERS = [number for number, _, _ in ROWS]
NEW_ROWS = (("2029", "Acorn Paving", "77.10"), ("2030", "Bell Foundry", "1,020.00"))


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    """One resolver for all: what it remembers of one target must not matter to the next."""
    return Resolver()


# --------------------------------------------------------------------------------------- the same button in each row


@pytest.mark.parametrize("number", NUMBERS)
def test_on_an_unchanged_table_the_recorded_row_is_clicked(resolver: Resolver, number: str) -> None:
    """The first button and the second one of each row, told from all others that look the same."""
    now = table(verbs=("Approve", "Reject"))
    for name in (f"0 {number}", f"1 {number}"):
        assert now.clicked(resolver.resolve(now.target(name), now.image)) == name


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[::-1], id="sorted the other way"),
        pytest.param((*NEW_ROWS, *ROWS), id="grown at the top"),
        pytest.param((*ROWS, *NEW_ROWS), id="grown at the end"),
        pytest.param((NEW_ROWS[0], *ROWS[::-1], NEW_ROWS[1]), id="sorted and grown"),
    ],
)
def test_the_recorded_row_is_clicked_wherever_it_has_gone(
    resolver: Resolver, number: str, rows: Sequence[tuple[str, ...]]
) -> None:
    """A table that was sorted, or has new rows, has the recorded one somewhere else."""
    target = table(verbs=("Approve", "Reject")).target(f"0 {number}")
    now = table(rows, verbs=("Approve", "Reject"), pitch=40)
    assert now.clicked(resolver.resolve(target, now.image)) == f"0 {number}"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("other", [None, *NUMBERS])
def test_a_filtered_table_shows_the_recorded_row_or_does_not(
    resolver: Resolver, number: str, other: str | None
) -> None:
    """Whichever rows are left, the recorded one is clicked; if it is not among them, no other one is."""
    target = table().target(f"0 {number}")
    with_it = table([row for row in ROWS if row[0] in (number, other)])
    assert with_it.clicked(resolver.resolve(target, with_it.image)) == f"0 {number}"
    without_it = table([row for row in ROWS if row[0] == other and other != number])
    assert without_it.clicked(resolver.resolve(target, without_it.image)) == REFUSED


@pytest.mark.parametrize("number", NUMBERS)
def test_a_row_that_is_gone_is_no_other_row(resolver: Resolver, number: str) -> None:
    """The next row has moved into its place, with the same button: nothing is clicked."""
    target = table().target(f"0 {number}")
    for style in (LIGHT, DARK):
        now = table([row for row in ROWS if row[0] != number], style=style)
        assert now.clicked(resolver.resolve(target, now.image)) == REFUSED


@pytest.mark.parametrize("number", NUMBERS)
def test_buttons_that_changed_places_keep_their_meaning(resolver: Resolver, number: str) -> None:
    """Where Approve was there is Reject now, and the other way round: each is found by what it says."""
    before, now = table(verbs=("Approve", "Reject")), table(verbs=("Reject", "Approve"))
    assert now.clicked(resolver.resolve(before.target(f"0 {number}"), now.image)) == f"1 {number}"
    assert now.clicked(resolver.resolve(before.target(f"1 {number}"), now.image)) == f"0 {number}"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_opposite_button_is_never_clicked_instead(resolver: Resolver, number: str) -> None:
    """Only Reject is left where Approve and Reject were: nothing is clicked, in whichever row."""
    target, now = table(verbs=("Approve", "Reject")).target(f"0 {number}"), table(verbs=("Reject",))
    assert now.clicked(resolver.resolve(target, now.image)) == REFUSED


@pytest.mark.parametrize("number", NUMBERS)
def test_rows_that_say_the_same_are_not_told_apart(resolver: Resolver, number: str) -> None:
    """The recorded row stands there twice now, and nothing on the screen says which of the two is meant."""
    target = table().target(f"0 {number}")
    twin = next(row for row in ROWS if row[0] == number)
    for rows in ((*ROWS, twin), (twin, *ROWS), (twin, twin)):
        result = resolver.resolve(target, table(rows, pitch=44).image)
        assert isinstance(result, Ambiguous)
        assert result.reason.startswith("2 places fit")


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_was_alone_and_is_there_twice_is_not_told_apart(resolver: Resolver, row: tuple[str, ...]) -> None:
    """Its twin may be above it or below, and other rows may have come too."""
    target = table([row]).target(f"0 {row[0]}")
    for rows in ((row, row), (row, *NEW_ROWS, row)):
        for style in (LIGHT, DARK):
            now = table(rows, style=style)
            assert now.clicked(resolver.resolve(target, now.image)) == REFUSED


@pytest.mark.parametrize("number", NUMBERS)
def test_an_amount_that_changed_makes_no_other_row(resolver: Resolver, number: str) -> None:
    """Amounts change while the thing beside them stays the same."""
    target = table().target(f"0 {number}")
    now = table([(*row[:2], "999.90") if row[0] == number else row for row in ROWS[::-1]])
    assert now.clicked(resolver.resolve(target, now.image)) == f"0 {number}"


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize("shape", ["{}", "INV-{}", "#{}", "({})", "24-0{}", "2024/{}", "100-{}"])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_of_which_one_digit_differs_is_another_row(
    resolver: Resolver, number: str, shape: str, style: Style
) -> None:
    """All else in the row is as it was, and it may even stand where it stood: nothing is clicked."""
    before = [(shape.format(each), *others) for each, *others in ROWS]
    after = [(shape.format(int(each) + (each == number)), *others) for each, *others in ROWS]
    target = table(before).target(f"0 {shape.format(number)}")
    for rows in (after, after[::-1]):
        now = table(rows, style=style)
        assert now.clicked(resolver.resolve(target, now.image)) == REFUSED


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_field_in_a_row_is_never_that_of_another_row(resolver: Resolver, number: str, style: Style) -> None:
    """The recorded row is gone, or has another number now: what else stands beside the field does not outvote that."""
    target = quantities([(f"INV-{each}", *others) for each, *others in ROWS]).target(f"INV-{number}")
    renamed = [(f"INV-{int(each) + (each == number)}", *others) for each, *others in ROWS[::-1]]
    for rows in (renamed, [row for row in renamed if row[0] != f"INV-{int(number) + 1}"]):
        now = quantities(rows, style=style)
        assert now.clicked(resolver.resolve(target, now.image)) == REFUSED
    gone = quantities([row for row in ROWS if row[0] != number], style=style)
    assert gone.clicked(resolver.resolve(quantities().target(number), gone.image)) == REFUSED


@pytest.mark.parametrize("number", NUMBERS)
def test_another_verb_in_the_same_row_is_not_clicked(resolver: Resolver, number: str) -> None:
    """Open has become Close, all else is as it was."""
    now = table(verbs=("Close",))
    assert now.clicked(resolver.resolve(table().target(f"0 {number}"), now.image)) == REFUSED


@pytest.mark.parametrize("name", ["Peru", "Kenya", "Java"])
def test_a_card_is_known_by_the_name_above_its_button(resolver: Resolver, name: str) -> None:
    """The cards are in another order: the button of another one is never clicked."""
    now = cards(("Java", "Peru", "Kenya"))
    target = cards(("Peru", "Kenya", "Java")).target(name)
    assert now.clicked(resolver.resolve(target, now.image)) in (name, REFUSED)


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize("part", ["find Buyer", "find Seller"])
@pytest.mark.parametrize("labels", [("Seller", "Buyer"), ("Owner", "Agent")])
def test_of_two_alike_the_nearest_is_not_good_enough(
    resolver: Resolver, labels: Sequence[str], part: str, style: Style
) -> None:
    """The fields have changed places, or are others: the button that stands where the recorded one did is not taken."""
    now = parties(labels, style)
    assert now.clicked(resolver.resolve(parties(("Buyer", "Seller")).target(part), now.image)) in (part, REFUSED)


# ---------------------------------------------------------------------------------------------- moved and restyled


@pytest.mark.parametrize("number", NUMBERS)
def test_a_row_in_another_place_and_light_is_found(resolver: Resolver, number: str) -> None:
    """The whole table has moved, its rows are taller, and it has gone dark."""
    target = table().target(f"0 {number}")
    for now in (table(left=90, top=150, pitch=54), table(style=DARK), table(ROWS[::-1], style=DARK, left=60)):
        assert now.clicked(resolver.resolve(target, now.image)) == f"0 {number}"


@pytest.mark.parametrize("part", [*FIELDS, *VERBS])
@pytest.mark.parametrize(
    ("style", "left", "top"), [(LIGHT, 40, 120), (LIGHT, 320, 140), (DARK, 40, 120), (DARK, 320, 140), (LARGE, 40, 120)]
)
def test_each_part_of_a_form_is_found_again(
    resolver: Resolver, part: str, style: Style, left: float, top: float
) -> None:
    """Fields by their labels and buttons by their words: moved, dark, in another size and colour."""
    now = form(style=style, left=left, top=top)
    assert now.clicked(resolver.resolve(form().target(part), now.image)) == part


@pytest.mark.parametrize("part", FIELDS)
def test_a_field_is_found_by_its_label_wherever_it_stands(resolver: Resolver, part: str) -> None:
    """The fields of a form are in another order: each is found by what names it, and not by where it was."""
    for style in (LIGHT, DARK):
        now = form(FIELDS[::-1], style=style)
        assert now.clicked(resolver.resolve(form().target(part), now.image)) == part


@pytest.mark.parametrize("part", FIELDS)
def test_what_was_typed_makes_no_other_field(resolver: Resolver, part: str) -> None:
    """A field that was recorded empty is found when all fields hold something."""
    now = form(values=("Brightwater Linen", "2,318.40", "Monthly"))
    assert now.clicked(resolver.resolve(form().target(part), now.image)) == part


@pytest.mark.parametrize("part", FIELDS)
def test_a_field_with_another_label_is_another_field(resolver: Resolver, part: str) -> None:
    """The recorded field is gone and another one stands in its place: nothing is clicked."""
    now = form([label if label != part else "Telephone" for label in FIELDS], style=DARK)
    assert now.clicked(resolver.resolve(form().target(part), now.image)) == REFUSED


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Street 2", "Street 3"),
        ("Street 2", "Street"),
        ("Street", "Street 2"),
        ("Net amount", "Amount"),
        ("Amount", "Net amount"),
        ("Amount due", "Amount"),
        ("Supplier name", "Supplier"),
    ],
)
def test_a_label_with_a_number_or_a_word_more_is_another_one(
    resolver: Resolver, before: str, after: str, style: Style
) -> None:
    """It stands where the recorded one stood, and shares most letters with it: nothing is clicked."""
    now = form((after, "City", "Note"), style=style)
    assert now.clicked(resolver.resolve(form((before, "City", "Note")).target(before), now.image)) == REFUSED


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize("before", [("Shipping", "Billing"), ("Billing", "Shipping")])
@pytest.mark.parametrize(
    ("now", "part"),
    [
        (("Billing",), "Name"),
        (("Billing",), "City"),
        (("Archive", "Billing"), "Name"),
        (("Billing", "Archive"), "Name"),
        (("Billing", "Archive"), "City"),
    ],
)
def test_a_field_of_another_group_is_another_field(
    resolver: Resolver, before: Sequence[str], now: Sequence[str], part: str, style: Style
) -> None:
    """Its group is gone, and others have fields of the same labels: nothing is clicked."""
    present = groups(now, style=style)
    assert present.clicked(resolver.resolve(groups(before).target(f"Shipping/{part}"), present.image)) == REFUSED


@pytest.mark.parametrize("part", ["Send a receipt", "Remember me", "Pay at once"])
def test_a_check_box_is_found_by_the_words_behind_it(resolver: Resolver, part: str) -> None:
    """In another order and in the dark it is the one with its label; where that is gone, it is none of them."""
    labels = ["Send a receipt", "Remember me", "Pay at once"]
    target = options(labels).target(part)
    for now in (options(labels), options(labels[::-1]), options(labels, DARK), options(labels[::-1], DARK)):
        assert now.clicked(resolver.resolve(target, now.image)) == part
    for style in (LIGHT, DARK):
        now = options([label if label != part else "Keep my data" for label in labels], style)
        assert now.clicked(resolver.resolve(target, now.image)) == REFUSED


EXTRAS = ("Receipt", "Gift wrap", "Insured")


@pytest.mark.parametrize("gap_px", [16, 32, 64])
@pytest.mark.parametrize("name", EXTRAS)
def test_a_check_box_is_not_named_by_the_words_before_it(name: str, gap_px: int) -> None:
    """They belong to the box before it, however near they stand."""
    assert extras(EXTRAS, gap_px=gap_px).target(name).label == name


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("order", [(2, 1, 0), (2, 0, 1), (0, 2, 1), (1, 2, 0)])
@pytest.mark.parametrize("labels", [EXTRAS, ("Insured", "Fragile", "Receipt"), ("Insured", "Keep cold", "Fragile")])
def test_check_boxes_side_by_side_are_told_apart(
    resolver: Resolver, labels: Sequence[str], order: Sequence[int], place: int, style: Style
) -> None:
    """In another order each is found by its own words, or not at all."""
    now = extras([labels[index] for index in order], style)
    hit = now.clicked(resolver.resolve(extras(labels).target(labels[place]), now.image))
    assert hit in (labels[place], REFUSED)


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize(("place", "other"), [(0, "Signed"), (1, "By post"), (2, "Express")])
def test_a_check_box_with_another_label_is_another_one(
    resolver: Resolver, place: int, other: str, style: Style
) -> None:
    """It stands among the same others, where the recorded one stood: nothing is clicked."""
    now = extras([*EXTRAS[:place], other, *EXTRAS[place + 1 :]], style)
    assert now.clicked(resolver.resolve(extras(EXTRAS).target(EXTRAS[place]), now.image)) == REFUSED


@pytest.mark.parametrize("icon", ICONS)
def test_a_drawing_is_found_by_what_is_drawn(resolver: Resolver, icon: str) -> None:
    """Moved with all the others, dark, or larger; among others in another order it is itself, or nothing is clicked."""
    target = toolbar().target(icon)
    for now in (toolbar(), toolbar(left=200), toolbar(style=DARK), toolbar(reach_px=12)):
        assert now.clicked(resolver.resolve(target, now.image)) == icon
    for style in (LIGHT, DARK):
        turned = toolbar(ICONS[::-1], style=style)
        assert turned.clicked(resolver.resolve(target, turned.image)) in (icon, REFUSED)
        without = toolbar([other for other in ICONS if other != icon], style=style)
        assert without.clicked(resolver.resolve(target, without.image)) == REFUSED


# ------------------------------------------------------------------------------------------------- the words on it


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Save", "Enregistrer"),
        ("Cancel", "Go back"),
        ("Enregistrer", "Save"),
        ("Log in", "Sign in"),
        ("Delete", "Supprimer"),
        ("Search", "Rechercher"),
        ("Approve", "Authorise"),
    ],
)
@pytest.mark.parametrize("style", [LIGHT, DARK])
def test_other_words_for_the_same_are_found(resolver: Resolver, before: str, after: str, style: Style) -> None:
    """A synonym, or another language, on the only button that can be meant."""
    now = form(verbs=(after, "Help"), style=style)
    assert now.clicked(resolver.resolve(form(verbs=(before, "Help")).target(before), now.image)) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Enable", "Disable"),
        ("Approve", "Reject"),
        ("Log in", "Log out"),
        ("Follow", "Unfollow"),
        ("Lock", "Unlock"),
        ("Subscribe", "Unsubscribe"),
        ("Import", "Export"),
        ("Next", "Previous"),
        ("Activer", "Désactiver"),
        ("Save", "Send"),
        ("Confirm", "Cancel"),
        ("Post", "Cost"),
    ],
)
def test_other_words_in_the_same_place_are_refused(resolver: Resolver, before: str, after: str) -> None:
    """The opposite, or something else altogether, stands just where the recorded button was: it is not clicked."""
    for style in (LIGHT, DARK):
        for left in (40, 200):
            now = form(verbs=(after, "Help"), style=style, left=left)
            assert now.clicked(resolver.resolve(form(verbs=(before, "Help")).target(before), now.image)) == REFUSED


@pytest.mark.parametrize("style", [LIGHT, DARK])
@pytest.mark.parametrize("word", ["Page", "Step", "Contact"])
def test_a_number_behind_a_word_may_be_the_name(resolver: Resolver, word: str, style: Style) -> None:
    """Where the second page was the third one is now: it is not clicked."""
    before, now = form(verbs=(f"{word} 2", f"{word} 5")), form(verbs=(f"{word} 3", f"{word} 5"), style=style)
    assert now.clicked(resolver.resolve(before.target(f"{word} 2"), now.image)) == REFUSED


# -------------------------------------------------------------------------------------- absent, covered, unusable


@pytest.mark.parametrize("part", [*FIELDS, *VERBS])
def test_on_another_page_nothing_is_clicked(resolver: Resolver, part: str) -> None:
    """An empty screen, a table, a black screen, noise: the target is on none of them, and the reason is said."""
    target = form().target(part)
    noise = np.random.default_rng(5).integers(0, 256, (420, 720, 3), np.uint8)
    for image in (Sketch().image, table().image, np.zeros((420, 720, 3), np.uint8), noise):
        result = resolver.resolve(target, image)
        assert isinstance(result, NotFound)
        assert result.reason.endswith(".")


def test_a_screen_smaller_than_the_target_shows_it_not(resolver: Resolver) -> None:
    """A window that was made very small is looked at like any other."""
    target = form().target("Supplier")
    assert isinstance(resolver.resolve(target, np.full((20, 30, 3), 255, np.uint8)), NotFound)


def question(style: Style, answers: Sequence[str]) -> Sketch:
    """A form on a large screen with a question over it."""
    sketch = Sketch(1000, 720, style)
    sketch.text("New invoice", 40, 40)
    sketch.field("Supplier", 40, 120)
    sketch.button("Save", 40, 640)
    if answers:
        sketch.dialog(Box(290, 250, 420, 180), "Leave without saving?", answers)
    return sketch


@pytest.mark.parametrize("part", ["Supplier", "Save"])
def test_behind_a_dialog_nothing_is_clicked(resolver: Resolver, part: str) -> None:
    """What the veil dims can still be read, but not be clicked; the reason names the dialog."""
    result = resolver.resolve(question(LIGHT, ()).target(part), question(LIGHT, ("Stay", "Leave")).image)
    assert isinstance(result, NotFound)
    assert "dialog" in result.reason


def test_what_a_dialog_asks_is_answered_on_the_dialog(resolver: Resolver) -> None:
    """An answer that was recorded on a dialog is found on it, even where the page behind has the same button."""
    before = question(LIGHT, ("Save", "Leave"))
    assert before.clicked(resolver.resolve(before.target("Save"), before.image)) == "Save"
    assert before.clicked(resolver.resolve(before.target("Leave"), before.image)) == "Leave"


def test_a_button_that_cannot_be_used_is_no_reason_to_take_another_one(resolver: Resolver) -> None:
    """It has gone faint: it is still the recorded one, or nothing is clicked."""
    for part in VERBS:
        now = form(faint=part)
        assert now.clicked(resolver.resolve(form().target(part), now.image)) in (part, REFUSED)


# ------------------------------------------------------------------------------------------------ what is answered


def sure(probability: float) -> Resolver:
    """A resolver that gives every place the same probability."""
    logit = math.log(probability / (1 - probability))
    return Resolver(replace(Model.fitted(), weights={}, intercept=logit))


def pair(*names: str, style: Style = DARK) -> Sketch:
    """A screen with the same button as often as there are names."""
    sketch = Sketch(style=style)
    sketch.text("A parcel", 40, 40)
    for index, name in enumerate(names):
        sketch.button("Send", 60 + 300 * index, 150, name=name)
    return sketch


def test_two_places_as_likely_as_each_other_are_ambiguous() -> None:
    """However likely both are: neither is clicked, both are named, and the reason says how likely."""
    target = pair("one", style=LIGHT).target("one")
    result = sure(0.99).resolve(target, pair("left", "right").image)
    assert isinstance(result, Ambiguous)
    assert len(result.candidates) == 2
    assert "2 places" in result.reason
    assert "0.99" in result.reason


def test_the_only_likely_place_is_found() -> None:
    """One place, and it is likely enough."""
    now = pair("one")
    result = sure(0.99).resolve(pair("one", style=LIGHT).target("one"), now.image)
    assert isinstance(result, Found)
    assert now.clicked(result) == "one"
    assert result.confidence == pytest.approx(0.99)


def test_an_unlikely_place_is_not_found_and_named() -> None:
    """One place, not likely enough: it is told how likely, and what was demanded."""
    result = sure(0.5).resolve(pair("one", style=LIGHT).target("one"), pair("one").image)
    assert isinstance(result, NotFound)
    assert len(result.candidates) == 1
    assert "0.50" in result.reason


FITTING = {"text": 1.0, "row": 0.9, "identity": 0.85, "page": 1.0}


def decided(*evidence: dict[str, float], probability: float = 0.4) -> Resolution:
    """The answer for places one below the other, all of one probability, with this evidence for each."""
    boxes = [Box(40, 40 + 60 * index, 120, 34) for index in range(len(evidence))]
    method = Method.SOM_TEXT_MATCH
    candidates = (
        Candidate(box.center, box, probability, method, each) for box, each in zip(boxes, evidence, strict=True)
    )
    return decide(tuple(candidates), Model.fitted().normal)


@pytest.mark.parametrize(
    "fitting", [FITTING, {"text": 0.9}, {"drawn": 0.95, "label": 0.0}, {"label": 1.0, "row": 0.8}, {"drawn": 0.8}]
)
def test_several_places_that_fit_are_ambiguous_and_not_missing(fitting: dict[str, float]) -> None:
    """None is likely because the others are there too: the reason says so, and does not say that nothing was found."""
    result = decided(fitting, fitting, fitting)
    assert isinstance(result, Ambiguous)
    assert result.reason.startswith("3 places fit")
    assert len(result.candidates) == 3


@pytest.mark.parametrize("other", [{"text": 0.7}, {"text": 1.0, "row": 0.5}, {"text": 1.0, "identity": 0.0}])
def test_a_place_that_does_not_fit_makes_nothing_ambiguous(other: dict[str, float]) -> None:
    """Other words, another row, or what is known not to be the recorded one: the target is not there."""
    for evidence in ((FITTING, other), (other, other), (other, FITTING), (FITTING,)):
        assert isinstance(decided(*evidence, probability=0.25), NotFound)


def test_an_answer_explains_itself(resolver: Resolver) -> None:
    """The best of the candidates is the answer; each says where it is, how likely, and what speaks for it."""
    now = table(ROWS[::-1], verbs=("Approve", "Reject"), style=DARK)
    result = resolver.resolve(table(verbs=("Approve", "Reject")).target("0 2034"), now.image)
    assert isinstance(result, Found)
    best = result.candidates[0]
    assert (best.point, best.confidence, best.method) == (result.point, result.confidence, result.method)
    likely = [candidate.confidence for candidate in result.candidates]
    assert likely == sorted(likely, reverse=True)
    assert all(0 <= confidence <= 1 for confidence in likely)
    assert best.evidence
    assert all(0 <= value <= 1 for candidate in result.candidates for value in candidate.evidence.values())


def test_the_found_box_is_the_whole_control(resolver: Resolver) -> None:
    """Not only the words on it: reports and masks need all of it."""
    for now in (form(), form(left=300), form(style=DARK)):
        result = resolver.resolve(form().target("Save"), now.image)
        assert isinstance(result, Found)
        assert result.box.overlap(now.parts["Save"]) > 0.85


def test_what_was_learned_of_one_target_does_not_matter_to_another() -> None:
    """A resolver that has seen many targets answers as a new one does."""
    used, now = Resolver(), table(ROWS[::-1])
    targets = [table().target(f"0 {number}") for number in NUMBERS]
    assert [used.resolve(target, now.image) for target in targets] == [
        Resolver().resolve(target, now.image) for target in targets
    ]
