"""No secret in a picture, none in a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.execution.change import cut
from steadyhand.execution.masking import RIM_PX, SecretLook, masked, places_of_secret, without_secrets
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Ambiguous, Candidate, ExpectationResult, Method, StepResult, Verdict
from steadyhand.screen.drawing import panel, text_width, write, write_inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steadyhand.screen.drawing import Colour

FIELD = Box(40, 60, 260, 34)
INSIDE = FIELD.grown(-RIM_PX)
INK, PAPER, LINE, RING = (30, 30, 30), (255, 255, 255), (180, 180, 180), (200, 80, 0)


def page(
    text: str = "",
    field: Box = FIELD,
    border: Colour = LINE,
    *,
    ink: Colour = INK,
    paper: Colour = PAPER,
    has_caret: bool = False,
) -> NDArray[np.uint8]:
    """A page with a field in which something stands."""
    image = np.full((300, 640, 3), 245, np.uint8)
    write(image, "Sign in to the ledger", 40, 40, 18, INK)
    panel(image, field, paper, border)
    write_inside(image, text, field, 16, ink, inset=10)
    if has_caret:
        left = round(field.x) + 12 + text_width(text, 16)
        image[round(field.y) + 7 : round(field.bottom) - 7, left : left + 1] = ink
    return image


def ringed(image: NDArray[np.uint8], field: Box) -> NDArray[np.uint8]:
    """A page on which a field has a focus ring of three pixels."""
    inside = cut(image, field.grown(-1)).copy()
    panel(image, field.grown(2), RING)
    cut(image, field.grown(-1))[:] = inside
    return image


def is_black(image: NDArray[np.uint8], box: Box) -> bool:
    """Whether nothing can be seen at a place."""
    return not cut(image, box).any()


def look_of(text: str) -> SecretLook:
    """What a text looks like in the field."""
    return look_in(page(text))


def look_in(image: NDArray[np.uint8]) -> SecretLook:
    """What stands in the field."""
    look = SecretLook.of(image, FIELD)
    assert look is not None
    return look


def assert_untouched_but(shown: NDArray[np.uint8], image: NDArray[np.uint8], box: Box) -> None:
    """A place is hidden, at least in its middle, and nothing else is."""
    assert is_black(shown, box.grown(-8))
    rest, wanted = shown.copy(), image.copy()
    for picture in (rest, wanted):
        cut(picture, box)[:] = 0
    assert np.array_equal(rest, wanted)


def test_what_is_known_to_be_secret_is_black_and_the_rest_untouched() -> None:
    """The inside of a field that holds a secret is never shown; the picture that was given stays as it is."""
    image = page("hunter2")
    shown = masked(image, [FIELD], [], [])
    assert is_black(shown, INSIDE)
    assert_untouched_but(shown, image, INSIDE)
    assert np.array_equal(image, page("hunter2"))


@pytest.mark.parametrize("gap", [0, 5, 40])
def test_a_secret_is_inside_of_its_field_and_neither_in_its_ring_nor_in_its_neighbours(gap: int) -> None:
    """The focus goes over from the field above, close by or not; only the inside of the secret's field is hidden."""
    user = FIELD.shifted(0, -FIELD.height - gap)
    before, after = (np.full((300, 640, 3), 245, np.uint8) for _ in range(2))
    for image, text, focused in ((before, "", user), (after, "hunter2", FIELD)):
        for field, shown in ((user, "claire"), (FIELD, text)):
            panel(image, field, PAPER, LINE)
            write_inside(image, shown, field, 16, INK, inset=10)
        ringed(image, focused)
        write(image, "Password", 320, 84, 16, INK)
    assert places_of_secret(FIELD, before, after) == [FIELD]
    assert_untouched_but(masked(after, [FIELD], [look_in(after)], []), after, INSIDE)


def test_a_field_that_is_wider_than_it_was_recorded_is_hidden_as_far_as_its_text_goes() -> None:
    """The found box ends within the text; what stands beyond it is hidden as well, and the next field is not."""
    narrow, neighbour = Box(FIELD.x, FIELD.y, 90, FIELD.height), FIELD.shifted(FIELD.width + 12, 0)
    before, after = ringed(page(), neighbour), ringed(page("correct horse battery"), FIELD)
    panel(after, neighbour, PAPER, LINE)
    (place,) = places_of_secret(narrow, before, after)
    assert place.right > FIELD.x + 10 + text_width("correct horse battery", 16)
    assert place.right < FIELD.right
    assert (place.x, place.y, place.height) == (narrow.x, narrow.y, narrow.height)


def test_a_secret_typed_elsewhere_is_where_anything_changed() -> None:
    """If nothing was written in the field, or nobody knows the field, whatever changed is hidden."""
    before, after = page(), page("hunter2")
    elsewhere = FIELD.shifted(0, 150)
    for place in (elsewhere, None):
        shown = masked(after, places_of_secret(place, before, after), [], [])
        assert not cut(shown, FIELD.grown(-4))[8:-8, 8:60].any()
    assert places_of_secret(None, None, after) == []
    assert places_of_secret(FIELD, None, after) == [FIELD]


def test_a_caret_in_a_field_is_no_secret() -> None:
    """The field got the focus and the text went somewhere else."""
    other = FIELD.shifted(0, 100)
    before, after = page(), page(has_caret=True)
    write_inside(after, "hunter2", other, 16, INK, inset=10)
    assert any(place.intersection(other).area > 0 for place in places_of_secret(FIELD, before, after))


@pytest.mark.parametrize("mark", [None, (40, 20), (12, 12), (100, 27)])
def test_a_field_is_black_unless_nothing_is_drawn_in_it(mark: tuple[int, int] | None) -> None:
    """One pixel in it that differs, and it is hidden; where all is of one colour, there is nothing to hide."""
    image = np.full((60, 160, 3), 255, np.uint8)
    field = Box(5, 5, 120, 30)
    if mark:
        image[mark[1], mark[0]] = 0
    shown = masked(image, [field], [], [])
    assert (shown is image) == (mark is None)
    assert mark is None or not cut(shown, field.grown(-2)).any()


def test_a_picture_without_secrets_is_handed_on_as_it_is() -> None:
    """Nothing is copied when nothing is hidden."""
    image = page("hello")
    assert masked(image, [], [], ["hunter2"]) is image


@pytest.mark.parametrize("written", ["••", "•••••••••", "a1", "Tr0ub4dor&3"])
def test_a_field_is_black_as_long_as_it_shows_the_secret(written: str) -> None:
    """Also on later pictures: without the caret, without the focus ring, selected, and after the page has scrolled."""
    look = look_in(page(written, has_caret=True))
    for image in (
        page(written),
        page(written, has_caret=True),
        page(written, border=RING),
        page(written, ink=PAPER, paper=(215, 120, 30)),
    ):
        assert_untouched_but(masked(image, [], [look], []), image, INSIDE)
    moved = FIELD.shifted(37, 111)
    image = page(written, moved)
    assert_untouched_but(masked(image, [], [look], []), image, moved.grown(-RIM_PX))


def test_a_secret_that_is_shown_outside_of_a_field_is_black_and_what_stands_beside_it_is_not() -> None:
    """The same letters in a list: they alone are hidden, and not as much as the field was large."""
    image = page()
    write(image, "Password", 60, 200, 16, INK)
    untouched = image.copy()
    write(image, "Tr0ub4dor&3", 140, 200, 16, INK)
    shown = masked(image, [], [look_in(page("Tr0ub4dor&3"))], [])
    ink = Box(140, 182, text_width("Tr0ub4dor&3", 16), 24)
    assert is_black(shown, Box(142, 188, ink.width - 4, 12))
    assert_untouched_but(shown, untouched, ink.grown(4))


@pytest.mark.parametrize("written", ["", "claire.martin", "another text"])
def test_a_field_that_shows_something_else_is_seen_again(written: str) -> None:
    """A report in which everything is black would be of no use."""
    image = page(written)
    assert masked(image, [], [look_of("Tr0ub4dor&3")], []) is image


def test_a_field_that_shows_nothing_has_no_look() -> None:
    """Otherwise every empty field would be blacked out from then on."""
    assert SecretLook.of(page(""), FIELD) is None
    assert SecretLook.of(page("x"), Box(900, 900, 40, 20)) is None
    assert SecretLook.of(page("x"), Box(50, 70, 3, 3)) is None


@pytest.mark.parametrize("text", ["Your password is hunter2", "token=HUNTER2;", "hunter2"])
def test_a_secret_that_can_be_read_is_black_wherever_it_stands(text: str) -> None:
    """An application that repeats the secret elsewhere, in another case or within a longer word, does not betray it."""
    image = page()
    write(image, text, 60, 200, 22, INK)
    shown = masked(image, [], [], ["hunter2"])
    width = 130 if text == "hunter2" else 230
    assert is_black(shown, Box(64, 186, width / 2, 12))


def test_secrets_too_short_to_be_told_from_words_are_not_looked_for() -> None:
    """A secret of two letters would black out half of the page."""
    image = page("in")
    assert masked(image, [], [], ["in"]) is image


def test_a_result_tells_no_secret() -> None:
    """Reasons, what was seen instead, and what was read beside the candidates: everywhere the secret is struck out."""
    candidate = Candidate(Point(1, 1), Box(0, 0, 2, 2), 0.5, Method.SOM_TEXT_MATCH, text="shows hunter2")
    result = StepResult(
        "log-in",
        "type",
        Verdict.FAILED,
        reason="typed hunter2",
        resolution=Ambiguous("two fields", (candidate,)),
        expectations=(ExpectationResult("the field shows it", met=False, detail="it shows hunter2"),),
    )
    told = without_secrets(result, lambda text: text.replace("hunter2", "•••"))
    assert "hunter2" not in repr(told)
    assert told.reason == "typed •••"
    assert told.step_id == "log-in"


def test_a_field_is_hidden_as_soon_as_anything_is_drawn_in_it() -> None:
    """While it is all of one colour nothing can be read there, and it may be learned how it looks."""
    image, field = np.full((60, 300, 3), 255, np.uint8), Box(20, 10, 240, 36)
    assert masked(image, [field], [], []) is image
    image[28, 40] = 250
    assert not masked(image, [field], [], [])[20:40, 40:200].any()
