"""What stands around a thing, and which of it names the thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from steadyhand.model.geometry import Box
from steadyhand.resolution.surroundings import Relation, are_in_one_row, label_of, neighbours_of

if TYPE_CHECKING:
    from collections.abc import Sequence

THING = Box(200, 100, 120, 30)


@dataclass(frozen=True)
class Words:
    """A text at a place."""

    text: str
    box: Box


@pytest.mark.parametrize(
    ("box", "relation", "gap"),
    [
        (Box(100, 105, 60, 16), Relation.LEFT, 40),
        (Box(350, 105, 60, 16), Relation.RIGHT, 30),
        (Box(200, 60, 60, 16), Relation.ABOVE, 24),
        (Box(260, 150, 60, 16), Relation.BELOW, 20),
        (Box(340, 60, 60, 16), Relation.ABOVE, 24),
    ],
)
def test_a_text_in_the_row_or_column_is_a_neighbour(box: Box, relation: Relation, gap: float) -> None:
    """It is told where it stands and how far away, and what it says is folded."""
    (neighbour,) = neighbours_of(THING, [Words("Réglé:", box)])
    assert (neighbour.relation, neighbour.gap, neighbour.text) == (relation, gap, "regle")
    assert neighbour.is_in_row is (relation in (Relation.LEFT, Relation.RIGHT))


@pytest.mark.parametrize(
    "box", [Box(40, 40, 60, 16), Box(400, 40, 60, 16), Box(40, 300, 60, 16), Box(240, 108, 20, 12)]
)
def test_what_stands_aslant_or_inside_is_none(box: Box) -> None:
    """Neither in its row nor in its column, or on the thing itself."""
    assert neighbours_of(THING, [Words("Note", box)]) == []


def test_the_nearest_comes_first() -> None:
    """Whatever the side."""
    texts = [
        Words("far", Box(20, 105, 60, 16)),
        Words("near", Box(200, 140, 60, 16)),
        Words("mid", Box(150, 105, 20, 16)),
    ]
    assert [neighbour.text for neighbour in neighbours_of(THING, texts)] == ["near", "mid", "far"]


FIELD, TICK = Box(200, 100, 240, 34), Box(200, 100, 16, 16)
LEFT, RIGHT, ABOVE, BELOW = (
    Words("left", Box(100, 104, 60, 16)),
    Words("right", Box(450, 104, 60, 16)),
    Words("above", Box(200, 76, 60, 16)),
    Words("below", Box(200, 144, 60, 16)),
)
BEHIND = Words("behind", Box(226, 100, 60, 16))


def named(box: Box, texts: Sequence[Words], frames: Sequence[Box] = ()) -> str:
    """What a thing is called by its label; nothing if it has none."""
    label = label_of(box, neighbours_of(box, texts), frames)
    return label.said if label else ""


def test_a_field_is_named_from_the_left_or_from_above() -> None:
    """What stands behind it or under it explains it, and names it not."""
    assert named(FIELD, [LEFT, RIGHT, BELOW]) == "left"
    assert named(FIELD, [RIGHT, ABOVE, BELOW]) == "above"
    assert named(FIELD, [RIGHT, BELOW]) == ""


def test_a_check_box_is_named_by_the_words_behind_it() -> None:
    """They are nearer than anything else; what stands above counts where nothing is behind."""
    assert named(TICK, [BEHIND, ABOVE, BELOW]) == "behind"
    assert named(TICK, [ABOVE, BELOW]) == "above"


def test_what_stands_before_a_check_box_names_it_only_if_nothing_stands_behind() -> None:
    """It mostly belongs to the check box before, however near it is."""
    before = Words("before", Box(134, 100, 60, 16))
    assert named(TICK, [before, BEHIND]) == "behind"
    assert named(TICK, [before]) == "before"


def test_a_heading_is_no_label() -> None:
    """What is nearly as high as a field stands over more than it; smaller type above it names it."""
    heading = Words("Your order", Box(200, 66, 160, 26))
    assert named(FIELD, [heading]) == ""
    assert named(FIELD, [heading, ABOVE]) == "above"


def test_a_text_beside_a_field_is_on_one_line_with_it() -> None:
    """What stands lower beside it belongs to something else, unless it begins where a large field begins."""
    assert named(FIELD, [Words("lower", Box(100, 118, 60, 16))]) == ""
    assert named(FIELD, [Words("higher", Box(100, 92, 60, 16))]) == "higher"
    assert named(Box(200, 100, 240, 120), [Words("beginning", Box(100, 104, 60, 16))]) == "beginning"


BAR, OTHER_BAR = Box(190, 90, 400, 54), Box(20, 90, 150, 54)


def test_a_text_in_another_bar_names_nothing() -> None:
    """A panel beside that of the field, which does not touch it; without frames the text would be the label."""
    assert named(FIELD, [LEFT], [BAR]) == "left"
    assert named(FIELD, [LEFT], [BAR, OTHER_BAR]) == ""
    assert named(FIELD, [LEFT], [OTHER_BAR]) == "left"


def test_the_next_cell_of_a_table_names_a_field() -> None:
    """Cells touch one another, or all but."""
    for gap_px, label in ((0, "left"), (8, "left"), (9, "")):
        assert named(FIELD, [LEFT], [BAR, Box(BAR.x - gap_px - 150, 90, 150, 54)]) == label


def test_what_is_too_far_away_names_nothing() -> None:
    """A text at the other end of the screen is the label of something else."""
    assert named(FIELD, [Words("far", Box(10, 10, 60, 16))]) == ""
    assert named(Box(900, 100, 240, 34), [LEFT]) == ""
    assert named(Box(200, 400, 240, 34), [ABOVE]) == ""


def test_a_sentence_and_an_icon_name_nothing_when_a_word_does() -> None:
    """A short text further away is the label rather than a sentence just above, or a letter beside."""
    sentence = Words("You will find this number on the last page of the letter", Box(200, 78, 400, 16))
    icon = Words("x", Box(180, 104, 10, 16))
    assert named(FIELD, [sentence, icon, LEFT]) == "left"


def test_side_by_side_is_in_one_row() -> None:
    """At least half of the lower one stands beside the other."""
    assert are_in_one_row(THING, Box(400, 110, 50, 20))
    assert are_in_one_row(Box(400, 120, 50, 20), THING)
    assert not are_in_one_row(THING, Box(400, 124, 50, 20))
    assert not are_in_one_row(THING, Box(200, 200, 120, 30))
