"""What speaks for a place: its words, its label, its row, its kind."""

from __future__ import annotations

import pytest
from tests.unit.resolution.sketch import DARK, FIELDS, LIGHT, ROWS, VERBS, Sketch, form, table

from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.resolution.evidence import Kind, Present, Recorded, text_likeness
from steadyhand.screen.drawing import panel


@pytest.mark.parametrize(
    ("recorded", "present", "least", "most"),
    [
        ("save", "save", 1, 1),
        ("inbox 3", "inbox 12", 0.85, 0.95),
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


def weighed(before: Sketch, part: str, now: Sketch, place: str) -> dict[str, float]:
    """The evidence that a part of the present screen is the recorded one."""
    present = Present(Scene.of(now.image), Recorded(before.target(part)))
    box = Recorded(now.target(place)).anchor
    return present.weigh(box, present.scene.text_in(box))


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
