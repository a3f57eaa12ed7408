"""What a page tells is checked, and its numbers become ours."""

from __future__ import annotations

import pytest

from steadyhand.model.geometry import Box, Point
from steadyhand.recording.deeds import Way
from steadyhand.recording.messages import Dated, Down, Placing, read_message, read_thing
from steadyhand.screen.driver import ElementFacts

PLAIN = Placing(origin=Point(0, 0), scale=1.0, offset_s=0.0)
INNER = Placing(origin=Point(10, 20), scale=2.0, offset_s=-4.0)
BUTTON = {"name": "d/4", "box": [100, 240, 80, 30], "editable": False, "secret": False, "text": "Save"}


def test_numbers_of_a_page_become_ours() -> None:
    """Places in a frame within the page, at a device scale of two, and the page's own time are converted."""
    down = {"kind": "down", "at": 5000, "point": [120, 250], "thing": BUTTON, "button": "left", "entered": 4500}
    message = read_message(down, INNER)
    assert isinstance(message, Down)
    assert (message.at, message.entered) == (1.0, 0.5)
    assert message.point == Point(260, 540)
    assert message.thing.facts == ElementFacts(Box(220, 520, 160, 60), text="Save")


def test_lengths_are_scaled_and_not_moved() -> None:
    """A turn of the wheel is a distance: the place of the frame does not matter to it."""
    message = read_message({"kind": "wheel", "at": 0, "point": [0, 0], "dx": 0, "dy": 50}, INNER)
    assert message is not None
    assert message.model_dump()["dy"] == 100


def test_a_date_comes_with_all_its_orders() -> None:
    """Every way of writing a date arrives."""
    ways = [{"typed": "0312002024", "shown": "03/12/2024"}, {"typed": "1203002024", "shown": "12/03/2024"}]
    message = read_message({"kind": "dated", "at": 0, "thing": BUTTON, "ways": ways}, PLAIN)
    assert isinstance(message, Dated)
    assert message.ways == (Way("0312002024", "03/12/2024"), Way("1203002024", "12/03/2024"))


@pytest.mark.parametrize(
    "raw",
    [
        "hello",
        {"kind": "explode", "at": 1},
        {"kind": "keys", "at": float("nan"), "keys": "Enter", "thing": None},
        {"kind": "keys", "at": 1, "keys": "rm -rf", "thing": None},
        {"kind": "wheel", "at": 1, "point": [1e9, 0], "dx": 0, "dy": 1},
        {"kind": "down", "at": 1, "point": [1], "thing": BUTTON, "button": "left", "entered": 0},
    ],
)
def test_what_a_page_makes_up_is_no_message(raw: object) -> None:
    """Anything on the page could call the listener's function; nonsense is dropped."""
    assert read_message(raw, PLAIN) is None


@pytest.mark.parametrize("raw", [None, [], {"name": "d/1"}, {**BUTTON, "box": [0, 0, -1, 5]}])
def test_what_a_page_answers_may_make_no_sense(raw: object) -> None:
    """An answer without a proper box is no answer."""
    assert read_thing(raw, PLAIN) is None
