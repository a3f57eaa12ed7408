"""Requirements 0.2, 0.3 and 0.4: the recorded thing is found, or nothing is; another one never.

All of it on drawn screens, whose parts tell what a click would reach.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.resolution.sketch import DARK, FIELDS, LARGE, LIGHT, REFUSED, ROWS, VERBS, Sketch, Style, form, table

from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Ambiguous, Found, NotFound
from steadyhand.perception.template import search
from steadyhand.perception.wording import similarity
from steadyhand.resolution import evidence as evidence_module
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.confidence import Model, features
from steadyhand.resolution.controls import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESOLVER = Resolver()
RECORDED = {number: table().target(f"0 {number}") for number, _, _ in ROWS}
STYLES = st.sampled_from((LIGHT, DARK, LARGE))


def clicked(number: str, now: Sketch) -> str:
    """What is clicked for the button of a recorded row."""
    return now.clicked(RESOLVER.resolve(RECORDED[number], now.image))


# ----------------------------------------------------------------------------------------- which one of those alike


@settings(max_examples=40)
@given(rows=st.permutations(ROWS), number=st.sampled_from(sorted(RECORDED)), style=STYLES, left=st.integers(0, 80))
def test_0_4_rows_in_any_order_never_lead_to_another_row(
    rows: Sequence[tuple[str, ...]], number: str, style: Style, left: int
) -> None:
    """Whatever the order of the rows, wherever the table: the recorded row's button is clicked, or none."""
    now = table(rows, style=style, left=24 + left)
    assert clicked(number, now) in (f"0 {number}", REFUSED)
    if style is LIGHT:
        assert clicked(number, now) == f"0 {number}"


@settings(max_examples=40)
@given(rows=st.lists(st.sampled_from(ROWS), unique=True), number=st.sampled_from(sorted(RECORDED)), style=STYLES)
def test_0_4_a_row_that_is_not_there_is_no_other_one(
    rows: Sequence[tuple[str, ...]], number: str, style: Style
) -> None:
    """Any of the rows are left, in any order; what is clicked is in the recorded one, and nothing if it is gone."""
    hit = clicked(number, table(rows, style=style))
    assert hit in (f"0 {number}", REFUSED)
    if not any(row[0] == number for row in rows):
        assert hit == REFUSED


SUPPLIERS = ("Alder Brook", "Brook Alder", "Cobalt Finch", "Cobalt Prints", "Elm", "Elm and Sons", "Harbour Lane")


@settings(max_examples=20)
@given(suppliers=st.lists(st.sampled_from(SUPPLIERS), unique=True, min_size=2, max_size=5), data=st.data())
def test_0_4_any_rows_are_told_apart_by_what_they_say(suppliers: list[str], data: st.DataObject) -> None:
    """Whatever the rows are called, in whichever order: each button is found in its own row, or not at all."""
    rows = [(str(3100 + 37 * index), name, f"{100 + index}.00") for index, name in enumerate(suppliers)]
    before, now = table(rows), table(data.draw(st.permutations(rows)), style=DARK)
    for name in before.parts:
        assert now.clicked(RESOLVER.resolve(before.target(name), now.image)) in (name, REFUSED)


# ----------------------------------------------------------------------------------------------- wherever it has gone


def parcel(x: int, y: int, style: Style, verb: str = "Send") -> Sketch:
    """A plain screen with a heading and one button."""
    sketch = Sketch(style=style)
    sketch.text("Parcel for Northwind Paper", 40, 36)
    if verb:
        sketch.button(verb, x, y, name="the button")
    return sketch


PARCEL = parcel(60, 120, LIGHT).target("the button")


@settings(max_examples=60)
@given(x=st.integers(0, 516), y=st.integers(80, 400), style=STYLES)
def test_0_4_a_thing_of_its_kind_is_found_where_it_is_or_not_at_all(x: int, y: int, style: Style) -> None:
    """The only button of a plain screen, anywhere on it: a click hits it, and never the ground beside it."""
    now = parcel(x, y, style)
    assert now.clicked(RESOLVER.resolve(PARCEL, now.image)) in ("the button", REFUSED)


@settings(max_examples=30)
@given(x=st.integers(0, 400), y=st.integers(100, 180), part=st.sampled_from((*FIELDS, *VERBS)))
def test_0_2_a_form_that_moves_as_a_whole_is_found_everywhere(x: int, y: int, part: str) -> None:
    """Each of its parts, wherever on the screen the form stands."""
    now = form(left=x, top=y)
    assert now.clicked(RESOLVER.resolve(form().target(part), now.image)) == part


@settings(max_examples=30)
@given(x=st.integers(0, 516), y=st.integers(80, 400), style=STYLES, verb=st.sampled_from(("", "Delete", "Reports")))
def test_0_3_the_right_answer_for_an_absent_target_is_not_found(x: int, y: int, style: Style, verb: str) -> None:
    """The button is gone, or one that says something else stands somewhere instead."""
    assert isinstance(RESOLVER.resolve(PARCEL, parcel(x, y, style, verb).image), NotFound)


# ------------------------------------------------------------------------------------------------- what is answered

screens = st.one_of(
    st.builds(table, st.lists(st.sampled_from(ROWS), max_size=6), style=STYLES, left=st.integers(0, 80)),
    st.builds(form, st.permutations(FIELDS), st.permutations(VERBS), style=STYLES),
    st.builds(parcel, st.integers(0, 516), st.integers(80, 400), STYLES),
)


@settings(max_examples=50)
@given(before=screens.filter(lambda sketch: bool(sketch.parts)), now=screens, data=st.data())
def test_0_3_confidence_is_a_probability_and_0_2_resolving_is_deterministic(
    before: Sketch, now: Sketch, data: st.DataObject
) -> None:
    """Whatever is looked for, wherever: each confidence lies in [0, 1], the best comes first, twice the same."""
    target = before.target(data.draw(st.sampled_from(sorted(before.parts))))
    result = RESOLVER.resolve(target, now.image)
    likely = [candidate.confidence for candidate in result.candidates]
    assert all(0 <= confidence <= 1 for confidence in likely)
    assert likely == sorted(likely, reverse=True)
    if isinstance(result, Found):
        assert 0 <= result.confidence <= 1
        assert Box(0, 0, now.image.shape[1], now.image.shape[0]).contains(result.point)
    assert isinstance(result, Found | NotFound | Ambiguous)
    assert Resolver().resolve(target, now.image.copy()) == result


share = st.floats(0, 1)
KINDS_OF_EVIDENCE = re.findall(r"^``(\w+)``", str(evidence_module.__doc__), re.MULTILINE)
evidence = st.fixed_dictionaries(dict.fromkeys(KINDS_OF_EVIDENCE, share))
PLACES = (Box(100, 100, 80, 30), Box(100, 200, 80, 30), Box(300, 100, 80, 30))


@settings(max_examples=300)
@given(
    kind=st.sampled_from(Kind),
    all_evidence=st.lists(evidence, min_size=1, max_size=3),
    name=st.sampled_from(KINDS_OF_EVIDENCE),
    more=share,
    has_text=st.booleans(),
)
def test_0_3_more_evidence_never_makes_a_place_less_likely(
    *, kind: Kind, all_evidence: list[Mapping[str, float]], name: str, more: float, has_text: bool
) -> None:
    """Whatever is known of a place and its rivals, another thing that speaks for it does not speak against it."""

    def chance(mine: Mapping[str, float]) -> float:
        candidates = [mine, *all_evidence[1:]]
        weighed = features(kind, list(zip(PLACES, candidates, strict=False)), has_text=has_text)
        return Model.fitted().probability(weighed[0])

    mine = all_evidence[0]
    before, after = chance(mine), chance({**mine, name: max(mine[name], more)})
    assert 0 <= before <= after + 1e-12
    assert after <= 1


# --------------------------------------------------------------------------------------------------- what it rests on


@settings(max_examples=60)
@given(
    left=st.integers(0, 300),
    top=st.integers(0, 240),
    width=st.integers(8, 100),
    height=st.integers(8, 60),
    seed=st.integers(0),
)
def test_0_2_a_picture_is_found_to_the_pixel_wherever_it_is_shown(
    left: int, top: int, width: int, height: int, seed: int
) -> None:
    """Soft noise of any size, anywhere on a plain screen, is found there, once."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 2)
    picture = np.interp(soft, (soft.min(), soft.max()), (20, 235)).astype(np.uint8)
    gray = np.full((300, 400), 128, np.uint8)
    gray[top : top + height, left : left + width] = picture
    assert [peak.box for peak in search(gray, picture, 0.9)] == [Box(left, top, width, height)]


@pytest.mark.parametrize("prefix", ["", "inv-", "order ", "n° "])
@given(left=st.integers(0, 99_999), right=st.integers(0, 99_999))
def test_0_4_identifiers_that_differ_are_never_alike(prefix: str, left: int, right: int) -> None:
    """Two numbers are the same one or have nothing in common, however few digits differ."""
    assert (similarity(f"{prefix}{left}", f"{prefix}{right}") > 0) is (left == right)
