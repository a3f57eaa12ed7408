"""Messages of a page become deeds."""

from __future__ import annotations

from typing import Any

import pytest

from steadyhand.model.geometry import Box, Point
from steadyhand.recording.deeds import Clicked, Deed, Dragged, Pressed, Scrolled, Way, Wrote
from steadyhand.recording.folding import Folding
from steadyhand.recording.messages import Answered, Placing, read_message
from steadyhand.screen.driver import ElementFacts

PLAIN = Placing(origin=Point(0, 0), scale=1.0, offset_s=0.0)
FIELD = {"name": "d/1", "box": [100, 40, 200, 30], "editable": True, "secret": False}
OTHER_FIELD = {**FIELD, "name": "d/2", "box": [100, 140, 200, 30]}
PASSWORD = {**FIELD, "name": "d/3", "secret": True}
BUTTON = {"name": "d/4", "box": [100, 240, 80, 30], "editable": False, "secret": False}
LIST = {**BUTTON, "name": "d/5"}
FIELD_FACTS = ElementFacts(Box(100, 40, 200, 30), is_editable=True)


def deeds(*raw: dict[str, Any]) -> list[Deed]:
    """What these messages amount to."""
    folding = Folding()
    for each in raw:
        message = read_message(each, PLAIN)
        assert message is not None, each
        folding.add(message)
    return folding.deeds


def click(
    at: float, thing: dict[str, Any], x: float = 120, y: float = 50, button: str = "left"
) -> list[dict[str, Any]]:
    """A button that goes down and up again."""
    down = {"kind": "down", "at": at, "point": [x, y], "thing": thing, "button": button, "entered": at - 300}
    return [down, {"kind": "up", "at": at + 80, "point": [x + 1, y], "thing": thing, "selecting": False}]


def typing(at: float, text: str, thing: dict[str, Any] = FIELD, before: str = "") -> list[dict[str, Any]]:
    """Characters that come in at the end, one by one."""
    messages = []
    for index, character in enumerate(text):
        content = {"before": before, "content": before + character, "inserted": character}
        before += character
        messages.append(
            {"kind": "typed", "at": at + 100 * index, "thing": thing, "replaces": len(before) > 1, **content}
        )
    return messages


def keys(at: float, chord: str, thing: dict[str, Any] | None = None) -> dict[str, Any]:
    """A key chord."""
    return {"kind": "keys", "at": at, "keys": chord, "thing": thing}


def test_a_click_is_one_deed() -> None:
    """A button that goes down and up at about the same place is one click, where and when it went down."""
    (deed,) = deeds(*click(5000, BUTTON, 120, 250))
    assert deed == Clicked(
        point=Point(120, 250), element=ElementFacts(Box(100, 240, 80, 30)), began_s=5.0, ended_s=5.08
    )


def test_a_click_without_its_end_still_counts() -> None:
    """A page that goes away when the button goes down never tells that it went up; the click happened."""
    first, second = deeds(click(5000, BUTTON)[0], *click(9000, LIST))
    assert isinstance(first, Clicked)
    assert isinstance(second, Clicked)


def test_two_quick_clicks_are_a_double_click() -> None:
    """Two clicks on the same thing within half a second are one deed; the third one is another."""
    first, second = deeds(*click(5000, BUTTON), *click(5300, BUTTON), *click(5500, BUTTON))
    assert isinstance(first, Clicked)
    assert first.count == 2
    assert isinstance(second, Clicked)
    assert second.count == 1


@pytest.mark.parametrize(
    "second",
    [
        click(6000, BUTTON),
        click(5300, LIST),
        click(5300, BUTTON, button="right"),
        click(5300, BUTTON, x=140),
    ],
    ids=["later", "another thing", "another button", "another place"],
)
def test_other_pairs_of_clicks_are_two(second: list[dict[str, Any]]) -> None:
    """What differs in time, thing, button or place is no double click."""
    assert [getattr(deed, "count", None) for deed in deeds(*click(5000, BUTTON), *second)] == [1, 1]


def test_a_right_click_keeps_its_button() -> None:
    """The right button is a click of its own kind."""
    (deed,) = deeds(*click(5000, BUTTON, button="right"))
    assert isinstance(deed, Clicked)
    assert deed.button == "right"


def test_a_drag_has_two_ends() -> None:
    """A button that is let go elsewhere drags one thing to another."""
    down, up = click(5000, BUTTON, 120, 250)
    end = {**up, "point": [300, 50], "thing": FIELD}
    late_end = {**end, "at": 5200}  # the browser's own drag and drop tells its end twice
    (deed,) = deeds(down, end, late_end)
    assert deed == Dragged(
        point=Point(120, 250),
        element=ElementFacts(Box(100, 240, 80, 30)),
        end=Point(300, 50),
        end_element=FIELD_FACTS,
        began_s=5.0,
        ended_s=5.08,
    )


def test_selecting_text_is_nothing_to_repeat() -> None:
    """A drag that did no more than select text on the page is left out; one within a field is a click into it."""
    down, up = click(5000, BUTTON)
    assert deeds(down, {**up, "point": [300, 50], "selecting": True}) == []
    down, up = click(5000, FIELD)
    (deed,) = deeds(down, {**up, "point": [180, 50], "selecting": True})
    assert isinstance(deed, Clicked)


def test_typing_folds_into_the_click_before() -> None:
    """A click into a field and the characters typed there are one deed, which began with the click."""
    (deed,) = deeds(*click(5000, FIELD), *typing(6000, "Ada"))
    assert deed == Wrote(point=Point(120, 50), element=FIELD_FACTS, ways=(Way("Ada", "Ada"),), began_s=5.0, ended_s=6.2)


def test_typing_without_a_click_goes_to_the_middle_of_the_field() -> None:
    """A field that has the focus by itself is clicked in its middle."""
    (deed,) = deeds(*typing(6000, "Ada"))
    assert isinstance(deed, Wrote)
    assert deed.point == Point(200, 55)


def test_a_click_elsewhere_stays_a_click() -> None:
    """A button that moves the focus into a field is not swallowed by the typing that follows."""
    first, second = deeds(*click(5000, BUTTON), *typing(6000, "Ada"))
    assert isinstance(first, Clicked)
    assert isinstance(second, Wrote)


def test_fields_are_told_apart() -> None:
    """Typing into one field, Tab, and typing into another one are three deeds."""
    first, tab, second = deeds(
        *typing(6000, "Ada"), keys(7000, "Tab", FIELD), *typing(8000, "Byron", thing=OTHER_FIELD)
    )
    assert isinstance(first, Wrote)
    assert first.ways == (Way("Ada", "Ada"),)
    assert tab == Pressed(keys="Tab", began_s=7.0, ended_s=7.0)
    assert isinstance(second, Wrote)
    assert second.ways == (Way("Byron", "Byron"),)
    assert second.point == Point(200, 155)


def test_corrections_leave_only_the_result() -> None:
    """What is taken back while typing is not typed again."""
    fix = {"kind": "typed", "at": 6500, "thing": FIELD, "replaces": True, "before": "Adq", "content": "Ad"}
    (deed,) = deeds(*typing(6000, "Adq"), fix, *typing(6600, "a", before="Ad"))
    assert isinstance(deed, Wrote)
    assert deed.ways == (Way("Ada", "Ada"),)
    assert not deed.clear


def test_replaced_content_is_cleared_first() -> None:
    """Typing over what was selected in a field replaces it."""
    over = {"kind": "typed", "at": 6000, "thing": FIELD, "replaces": True, "before": "Byron", "content": "A"}
    (deed,) = deeds(*click(5000, FIELD), {**over, "inserted": "A"}, *typing(6100, "da", before="A"))
    assert isinstance(deed, Wrote)
    assert deed.clear
    assert deed.ways == (Way("Ada", "Ada"),)


def test_emptying_a_field_is_writing_nothing() -> None:
    """A field that was emptied is cleared, with nothing to type."""
    gone = {"kind": "typed", "at": 6000, "thing": FIELD, "replaces": True, "before": "Byron", "content": ""}
    (deed,) = deeds(*click(5000, FIELD), gone)
    assert isinstance(deed, Wrote)
    assert deed.clear
    assert deed.ways == (Way("", ""),)


def test_what_is_added_at_the_end_leaves_the_rest_alone() -> None:
    """Adding to a field's content goes to its end and types only the addition: next time it may hold something else."""
    click_, end, write = deeds(*click(5000, FIELD), *typing(6000, "Jr", before="Ada "))
    assert isinstance(click_, Clicked)
    assert isinstance(end, Pressed)
    assert end.keys == "Control+End"
    assert isinstance(write, Wrote)
    assert write.point is None
    assert not write.clear
    assert [way.typed for way in write.ways] == ["Jr"]


def test_an_addition_that_becomes_a_correction_replaces_after_all() -> None:
    """When more is taken back than was added, the whole content is what counts."""
    back = {"kind": "typed", "at": 6500, "thing": FIELD, "replaces": True, "before": "Ada J", "content": "Ad"}
    (deed,) = deeds(*click(5000, FIELD), *typing(6000, "J", before="Ada "), back)
    assert isinstance(deed, Wrote)
    assert deed.clear
    assert deed.ways == (Way("Ad", "Ad"),)


def test_typing_on_after_a_key_in_the_field_stays_at_the_caret() -> None:
    """After a key in the same field the caret is where it is, and nothing is clicked."""
    first, key, second = deeds(*typing(6000, "Ad"), keys(7000, "ArrowDown", FIELD), *typing(7500, "a", before="Ad"))
    assert isinstance(first, Wrote)
    assert isinstance(key, Pressed)
    assert second == Wrote(point=None, ways=(Way("a", ""),), began_s=7.5, ended_s=7.5)


def test_characters_count_more_than_what_a_field_made_of_them() -> None:
    """A field that puts dashes into a number is typed into as the person did, and shows what it showed."""
    messages = typing(6000, "55")
    messages[1] = {**messages[1], "content": "5-5"}
    (deed,) = deeds(*messages)
    assert isinstance(deed, Wrote)
    assert deed.ways == (Way("55", "5-5"),)


def test_a_secret_field_has_no_value() -> None:
    """Of what is typed into a secret field nothing is known but that something was typed."""
    told = {"kind": "typed", "thing": PASSWORD, "replaces": False}
    (deed,) = deeds(*click(5000, PASSWORD), {**told, "at": 6000}, {**told, "at": 6100, "replaces": True})
    assert isinstance(deed, Wrote)
    assert deed.ways == ()
    assert not deed.clear
    assert deed.element == ElementFacts(Box(100, 40, 200, 30), is_password=True, is_editable=True)


def test_an_entry_of_a_list_is_typed_and_confirmed() -> None:
    """The choice from a drop-down list is typed, and the line end closes the list; the last choice counts."""
    chose = {"kind": "chose", "thing": LIST, "typable": True}
    up = {"kind": "up", "at": 6001, "point": [120, 300], "thing": LIST, "selecting": False}  # in the browser's own list
    (deed,) = deeds(
        *click(5000, LIST, 120, 250),
        {**chose, "at": 6000, "label": "Cambodia"},
        up,
        {**chose, "at": 7000, "label": "Canada"},
    )
    assert isinstance(deed, Wrote)
    assert deed.point == Point(120, 250)
    assert deed.ways == (Way("Canada\n", "Canada"),)
    assert deed.began_s == 5.0


def test_a_date_is_typed_from_its_first_part() -> None:
    """A date field is clicked at its left end, and every order of the parts stays possible."""
    ways = [{"typed": "0312002024", "shown": "03/12/2024"}, {"typed": "1203002024", "shown": "12/03/2024"}]
    (deed,) = deeds(*click(5000, FIELD), {"kind": "dated", "at": 6000, "thing": FIELD, "ways": ways})
    assert isinstance(deed, Wrote)
    assert deed.point == Point(106, 55)
    assert deed.ways == (Way(*ways[0].values()), Way(*ways[1].values()))


def test_turns_of_the_wheel_are_one_scroll() -> None:
    """Turns in a row add up; after a pause another scroll begins."""
    turn = {"kind": "wheel", "point": [50, 60], "dx": 0, "dy": 100}
    first, second = deeds({**turn, "at": 5000}, {**turn, "at": 5400}, {**turn, "at": 9000, "dy": -40})
    assert first == Scrolled(point=Point(50, 60), dx=0, dy=200, began_s=5.0, ended_s=5.4)
    assert isinstance(second, Scrolled)
    assert second.dy == -40


def test_the_answer_to_a_dialog_is_a_key() -> None:
    """Native dialogs take Enter for yes and Escape for no; what was entered into them is typed first."""
    folding = Folding()
    for answer in (Answered(1.0, is_yes=False), Answered(2.0, is_yes=True, text="Ada")):
        folding.add(answer)
    assert folding.deeds == [
        Pressed(keys="Escape", began_s=1.0, ended_s=1.0),
        Wrote(point=None, ways=(Way("Ada", "Ada"),), began_s=2.0, ended_s=2.0),
        Pressed(keys="Enter", began_s=2.0, ended_s=2.0),
    ]
