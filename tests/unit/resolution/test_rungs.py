"""Which rung finds a target, where it clicks, and that nothing is read where nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from tests.unit.resolution.sketch import DARK, REFUSED, VERBS, Sketch, cards, form, quantities

from steadyhand.model.geometry import Point
from steadyhand.model.outcome import Found, Method
from steadyhand.perception.ocr import Reader
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steadyhand.model.geometry import Box
    from steadyhand.perception.ocr import Word


def found(target: Target, sketch: Sketch) -> Found:
    """What is found, and that it is."""
    result = Resolver().resolve(target, sketch.image)
    assert isinstance(result, Found)
    return result


@pytest.mark.parametrize("part", VERBS)
def test_what_has_not_changed_is_found_by_its_picture(part: str) -> None:
    """At its place, and surer than anything else."""
    result = found(form().target(part), form())
    assert result.method is Method.ANCHOR_TEMPLATE
    assert result.box == form().parts[part]
    assert result.confidence > 0.99


@pytest.mark.parametrize("part", VERBS)
def test_what_has_only_moved_is_found_by_its_picture(part: str) -> None:
    """To the pixel, together with all that stands around it."""
    result = found(form().target(part), form(left=311, top=137))
    assert result.method is Method.ANCHOR_TEMPLATE
    assert result.box == form(left=311, top=137).parts[part]


@pytest.mark.parametrize("part", ["Save", "Supplier", "Note"])
def test_what_looks_different_is_found_by_what_is_written(part: str) -> None:
    """On it, or beside it."""
    assert found(form().target(part), form(style=DARK)).method is Method.SOM_TEXT_MATCH


def test_the_click_goes_where_a_person_clicked() -> None:
    """On the same spot of a thing that only moved; in the middle of one that looks different."""
    before, now = form(), form(left=311, top=137)
    box = before.parts["Save"]
    spot = Point(box.x + 11, box.y + 5)
    target = Target.from_frame(before.image, spot, box)
    moved = now.parts["Save"]
    assert found(target, before).point == spot
    assert found(target, now).point == Point(moved.x + 11, moved.y + 5)
    dark = form(style=DARK)
    assert found(target, dark).point == pytest.approx(dark.parts["Save"].center, abs=3)


def test_nothing_is_read_where_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading is what costs most: an unchanged target is found without it, and one that has moved with its page too."""
    targets = [form().target(part) for part in VERBS]
    resolver = Resolver()
    for target in targets:
        resolver.resolve(target, form().image)

    def read(_: Reader, __: NDArray[np.uint8], line: Box) -> tuple[Word, ...]:
        raise AssertionError(f"the line {line} was read")

    monkeypatch.setattr(Reader, "read", read)
    unchanged, moved = form(), form(left=60)
    unchanged.text("Signed in as Claire", 500, 400)
    for target, part in zip(targets, VERBS, strict=True):
        assert unchanged.clicked(resolver.resolve(target, unchanged.image)) == part
        assert moved.clicked(resolver.resolve(target, moved.image)) == part


def test_a_view_that_is_there_twice_proves_nothing() -> None:
    """Half of the screen is there again beside itself: the picture alone does not say which half was meant."""
    before = form(verbs=("Save",))
    now = Sketch(1440, 420)
    now.image = np.asarray(cv2.hconcat([before.image, before.image]), np.uint8)
    now.parts = {"left": before.parts["Save"], "right": before.parts["Save"].shifted(720, 0)}
    assert now.clicked(Resolver().resolve(before.target("Save"), now.image)) in ("left", REFUSED)
    shifted = Sketch(1460, 420)
    shifted.image = np.asarray(cv2.hconcat([before.image[:, -20:], now.image]), np.uint8)
    shifted.parts = {name: box.shifted(20, 0) for name, box in now.parts.items()}
    assert shifted.clicked(Resolver().resolve(before.target("Save"), shifted.image)) == REFUSED


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (("Mali", "Peru", "Brazil"), ("Mali", "Yemen", "Brazil"), "Peru"),
        (("Cuba", "Brazil", "Peru"), ("Yemen", "Peru", "Cuba"), "Brazil"),
        (("Brazil", "Cuba", "Mali"), ("Cuba", "Yemen", "Mali"), "Cuba"),
    ],
)
def test_what_tells_a_thing_must_be_unchanged_too(before: Sequence[str], after: Sequence[str], name: str) -> None:
    """The button of the middle card is where it was, between two others, but the name above it is another one."""
    now = cards(after)
    assert now.clicked(Resolver().resolve(cards(before).target(name), now.image)) in (name, REFUSED)


def test_one_digit_of_its_row_is_enough_to_make_it_another_one() -> None:
    """All other pixels are as they were: the look of the field and of what else stands in its row."""
    rows = [
        ("PO 2036", "Elm and Sons", "3460.38"),
        ("PO 2030", "Dunmore Electrical", "3917.41"),
        ("PO 2047", "Harbour Coffee", "12.00"),
    ]
    target, now = quantities(rows).target("PO 2030"), quantities([rows[0], ("PO 2038", *rows[1][1:]), rows[2]])
    assert now.clicked(Resolver().resolve(target, now.image)) == REFUSED


def test_the_same_picture_on_another_page_is_not_enough() -> None:
    """Where all that is written around it is something else, the same button in the same place is another one."""
    pages = []
    for words in (("Invoices", "Brightwater Linen", "Due in June"), ("Suppliers", "Cobalt Print", "Closed in May")):
        page = Sketch(720, 420)
        for index, text in enumerate(words):
            page.text(text, 40, 40 + 40 * index)
        page.button("Save", 400, 300)
        pages.append(page)
    before, now = pages
    assert before.clicked(Resolver().resolve(before.target("Save"), before.image)) == "Save"
    assert now.clicked(Resolver().resolve(before.target("Save"), now.image)) == REFUSED
