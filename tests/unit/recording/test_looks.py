"""The look before each deed is chosen well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.model.geometry import Box
from steadyhand.recording.looks import Look, Timeline, covered

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUTTON, NEIGHBOUR = Box(20, 10, 20, 8), Box(60, 10, 20, 8)
URL = "http://shop.example/"


def screen(*bright: Box) -> NDArray[np.uint8]:
    """A black screen with bright boxes."""
    image = np.zeros((50, 100, 3), np.uint8)
    for box in bright:
        image[int(box.y) : int(box.bottom), int(box.x) : int(box.right)] = 255
    return image


def timeline(*seen: tuple[float, NDArray[np.uint8]], url: str = URL) -> Timeline:
    """Looks that were taken at these times, each in 0.1 s."""
    result = Timeline()
    for at_s, image in seen:
        result.add(image, url, at_s - 0.1, at_s)
    return result


def bright_in(look: Look | None, box: Box) -> bool:
    """Whether a box is bright in a look."""
    assert look is not None
    return bool(look.image[int(box.center.y), int(box.center.x)].all())


def test_a_picture_that_was_not_finished_in_time_does_not_count() -> None:
    """A look that was still being taken when the button went down may show what the click did."""
    looks = timeline((1.0, screen()), (2.0, screen()), (3.0, screen(BUTTON)))
    assert not bright_in(looks.before(2.95, 0.0), BUTTON)
    assert bright_in(looks.latest(3.0), BUTTON)


def test_a_screen_that_stands_still_is_one_look() -> None:
    """The same picture again only prolongs its look."""
    looks = timeline((1.0, screen()), (2.0, screen()))
    assert looks.latest(1.5) is looks.newest
    assert looks.newest is not None
    assert looks.newest.is_settled


def test_another_address_is_another_look() -> None:
    """A page that looks the same but has another address is another one."""
    looks = timeline((1.0, screen()))
    former = looks.newest
    assert looks.add(screen(), URL + "next", 1.9, 2.0) is not former


def test_a_settled_look_is_better_than_a_moving_one() -> None:
    """While something moves, the last look that stood still is taken."""
    looks = timeline((1.0, screen()), (2.0, screen()), (3.0, screen(NEIGHBOUR)))
    assert not bright_in(looks.before(4.0, 0.0), NEIGHBOUR)


def test_a_settled_look_from_before_the_last_deed_is_out_of_date() -> None:
    """A look that was last seen before the deed before cannot show what that did: the newest one is better."""
    looks = timeline((1.0, screen()), (2.0, screen()), (3.0, screen(NEIGHBOUR)))
    assert bright_in(looks.before(4.0, 2.5), NEIGHBOUR)


def test_the_look_without_hover_is_preferred() -> None:
    """A button that lights up under the pointer is recorded as it was before the pointer came."""
    looks = timeline((1.0, screen()), (2.0, screen()), (3.0, screen(BUTTON)), (4.0, screen(BUTTON)))
    assert not bright_in(looks.before(4.5, 0.0, entered_s=2.5, touched=[BUTTON]), BUTTON)


def test_the_thing_that_the_pointer_left_may_change_too() -> None:
    """The neighbour stops shining when the pointer leaves it; that is no reason to take a look with hover."""
    looks = timeline((1.0, screen(NEIGHBOUR)), (2.0, screen(NEIGHBOUR)), (3.0, screen(BUTTON)), (4.0, screen(BUTTON)))
    chosen = looks.before(4.5, 0.0, entered_s=2.5, touched=[BUTTON, NEIGHBOUR])
    assert not bright_in(chosen, BUTTON)


@pytest.mark.parametrize(("entered_s", "changed"), [(2.5, NEIGHBOUR), (0.5, BUTTON)], ids=["menu opened", "no look"])
def test_a_look_that_shows_something_else_is_not_preferred(entered_s: float, changed: Box) -> None:
    """If more than the thing itself has changed, or nothing was seen before the pointer came, the last look counts."""
    looks = timeline((1.0, screen()), (2.0, screen()), (3.0, screen(changed)), (4.0, screen(changed)))
    assert bright_in(looks.before(4.5, 0.0, entered_s=entered_s, touched=[BUTTON]), changed)


def test_nothing_was_seen_yet() -> None:
    """Without any look there is none to choose."""
    assert Timeline().before(1.0, 0.0) is None


def test_a_covered_field_looks_empty() -> None:
    """What is in a field disappears behind the field's own colour; its border and all else stay."""
    field = Box(10, 10, 60, 20)
    image = screen(field)
    image[15:25, 20:30] = 0  # letters
    painted = covered(image, [field])
    assert painted[13:27, 13:67].min() == 255
    assert np.array_equal(painted[:10], image[:10])
    assert image[20, 25].max() == 0, "the picture itself is not changed"
    assert covered(image, []) is image
