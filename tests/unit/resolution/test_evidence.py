"""What speaks for a place: its words, its label, its row, what is drawn on it."""

from __future__ import annotations

import cv2
import pytest
from tests.unit.resolution.sketch import DARK, FIELDS, LIGHT, ROWS, Sketch, Style, form, table

from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.resolution.evidence import Present
from steadyhand.resolution.recorded import Recorded


def weighed(before: Sketch, part: str, now: Sketch, place: str) -> dict[str, float]:
    """The evidence that a part of the present screen is the recorded one."""
    present = Present(Scene.of(now.image), Recorded(before.target(part)))
    box = Recorded(now.target(place)).anchor
    thing = present.thing_at(box, present.scene.text_in(box))
    return thing | present.surroundings_of(box, thing)


def test_the_thing_itself_has_all_evidence() -> None:
    """On an unchanged screen nothing speaks against it."""
    for sketch, part in ((form(), "Save"), (form(), "Supplier"), (table(), "0 2038")):
        evidence = weighed(sketch, part, sketch, part)
        assert min(evidence.values()) > 0.7, (part, evidence)


def test_its_row_tells_a_button_from_that_of_another_row() -> None:
    """The texts of the row speak for one and against the other; what is written on the buttons is the same."""
    before, now = table(), table(ROWS[::-1], style=DARK)
    right, wrong = (weighed(before, "0 2038", now, f"0 {number}") for number in ("2038", "2042"))
    assert right["text"] == wrong["text"] > 0.95
    assert right["row"] > wrong["row"] + 0.5
    assert right["identity"] > wrong["identity"] + 0.5


def test_another_identifier_in_its_row_makes_it_another_row() -> None:
    """However much else is as it was; where all digits are the recorded ones the rest of the row decides."""
    before = table([(f"INV-{number}", *others) for number, *others in ROWS])
    now = table([(f"INV-{number}", *others) for number, *others in (("2039", *ROWS[2][1:]), *ROWS[3:])])
    other, same = (
        weighed(before, f"0 INV-{number}", now, f"0 INV-{place}")
        for number, place in (("2038", "2039"), ("2042", "2042"))
    )
    assert other["row"] > 0.5
    assert other["identity"] == 0
    assert same["identity"] > 0.8


def test_of_those_that_nothing_tells_apart_none_has_an_identity() -> None:
    """Two buttons that say the same, each aslant of what names it: not even the recorded one is sure to be it."""
    sketch = Sketch()
    for y, label in ((110, "Buyer"), (210, "Seller")):
        sketch.field(label, 40, y)
        sketch.button("Find", 300, y, name=f"find {label}")
    for part in ("find Buyer", "find Seller"):
        assert weighed(sketch, "find Buyer", sketch, part)["identity"] == 0


def badge(shape: str, *, style: Style = LIGHT, size: int = 1, left: int = 60) -> Sketch:
    """A screen with a drawing that cannot be read as a letter."""
    sketch = Sketch(style=style)
    sketch.text("Drawing board", 40, 40)
    strokes = {
        "plus": [((-9, 0), (9, 0)), ((0, -9), (0, 9))],
        "lines": [((-9, down), (9, down)) for down in (-6, 0, 6)],
    }[shape]
    for start, end in strokes:
        first, last = ((left + size * x, 120 + size * y) for x, y in (start, end))
        cv2.line(sketch.image, first, last, style.ink, 2 * size)
    sketch.parts["badge"] = Box(left, 120, 0, 0).grown(11 * size)
    return sketch


def test_a_thing_without_words_is_known_by_what_is_drawn_on_it() -> None:
    """The same drawing counts at another place and size and in other colours; another one does not, there or here."""
    before = badge("plus")
    for now in (before, badge("plus", left=200), badge("plus", size=2), badge("plus", size=2, style=DARK, left=200)):
        assert weighed(before, "badge", now, "badge")["drawn"] > 0.8
    for now in (badge("lines"), badge("lines", size=2, style=DARK)):
        assert weighed(before, "badge", now, "badge")["drawn"] < 0.3


def test_what_is_drawn_on_a_thing_with_words_does_not_count() -> None:
    """Buttons, fields and check boxes are known by other things."""
    sketch = form()
    sketch.tick("Send a receipt", 400, 120)
    for part in ("Save", "Supplier", "Send a receipt"):
        assert "drawn" not in weighed(sketch, part, sketch, part)


def test_its_label_tells_a_field_from_another_one() -> None:
    """Both are empty fields of one size; one has the name of the recorded one."""
    now = form(FIELDS[::-1], style=DARK)
    right, wrong = (weighed(form(), "Supplier", now, part) for part in ("Supplier", "Note"))
    assert right["kind"] == wrong["kind"] == 1
    assert right["label"] > 0.9
    assert wrong["label"] < 0.5


def test_a_page_without_its_texts_is_another_page() -> None:
    """The share of the recorded texts that are there tells the recorded page from any other."""
    before = form()
    assert weighed(before, "Save", before, "Save")["page"] == 1
    other = Sketch()
    other.text("Welcome back", 40, 40)
    other.button("Save", 40, 120)
    assert weighed(before, "Save", other, "Save")["page"] < 0.1


def test_things_that_are_drawn_larger_are_compared_at_their_size() -> None:
    """How much larger all is drawn is known from the texts that are on both screens."""
    before, small = table(), table()
    large = Sketch(900, 600)
    large.image[:] = 0
    height, width = small.image.shape[:2]
    large.image = small.image.repeat(2, axis=0).repeat(2, axis=1)
    present = Present(Scene.of(large.image), Recorded(before.target("0 2038")))
    assert large.image.shape[:2] == (2 * height, 2 * width)
    assert present.scale == pytest.approx(2, abs=0.1)
    assert Present(Scene.of(small.image), Recorded(before.target("0 2038"))).scale == pytest.approx(1, abs=0.02)


def test_twins_are_rows_that_say_the_same() -> None:
    """Two rows of the same texts are twins where only one such row was recorded; different rows are not."""
    now = table((ROWS[1], ROWS[1], ROWS[3]))
    present = Present(Scene.of(now.image), Recorded(table().target("0 2034")))
    first, second, third = (Box(384, 120 - 17 + 48 * index, 124, 34) for index in range(3))
    alone = Present(Scene.of(now.image), Recorded(table(ROWS[1:2]).target("0 2034")))
    assert alone.are_twins(first, second)
    assert not alone.are_twins(first, third)
    assert not present.are_twins(first, third)
