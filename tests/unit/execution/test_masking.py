"""No secret in a picture, none in a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.execution.change import cut
from steadyhand.execution.masking import SecretLook, masked, places_of_secret, without_secrets
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Ambiguous, Candidate, ExpectationResult, Method, StepResult, Verdict
from steadyhand.screen.drawing import panel, write, write_inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIELD = Box(40, 60, 260, 34)
INK, PAPER, LINE = (30, 30, 30), (255, 255, 255), (180, 180, 180)


def page(text: str = "", field: Box = FIELD, border: tuple[int, int, int] = LINE) -> NDArray[np.uint8]:
    """A page with a field in which something stands."""
    image = np.full((300, 640, 3), 245, np.uint8)
    write(image, "Sign in to the ledger", 40, 40, 18, INK)
    panel(image, field, PAPER, border)
    write_inside(image, text, field, 16, INK, inset=10)
    return image


def is_black(image: NDArray[np.uint8], box: Box) -> bool:
    """Whether nothing can be seen at a place."""
    return not cut(image, box).any()


def look_of(text: str) -> SecretLook:
    """What a text looks like in the field."""
    look = SecretLook.of(page(text), FIELD)
    assert look is not None
    return look


def test_what_is_known_to_be_secret_is_black_and_the_rest_untouched() -> None:
    """The field of the step that types a secret is never shown; the picture that was given stays as it is."""
    image = page("hunter2")
    shown = masked(image, [FIELD], [], [])
    assert is_black(shown, FIELD)
    shown[60:94, 40:300] = image[60:94, 40:300]
    assert np.array_equal(shown, image)
    assert np.array_equal(image, page("hunter2"))


def test_a_secret_is_where_its_field_changed() -> None:
    """The field with its focus ring is hidden, and not the field from which the focus went away."""
    user = FIELD.shifted(0, 100)
    before, after = page(), page("hunter2", border=(200, 80, 0))
    panel(before, user, PAPER, (200, 80, 0))
    panel(after, user, PAPER, LINE)
    places = places_of_secret(FIELD, before, after)
    assert FIELD in places
    assert all(FIELD.grown(4).encloses(place) for place in places)


def test_a_secret_typed_elsewhere_is_where_anything_changed() -> None:
    """If nothing changed in the field, or nobody knows the field, whatever changed is hidden."""
    before, after = page(), page("hunter2")
    elsewhere = FIELD.shifted(0, 150)
    for place in (elsewhere, None):
        shown = masked(after, places_of_secret(place, before, after), [], [])
        assert not cut(shown, FIELD.grown(-4))[8:-8, 8:60].any()
    assert places_of_secret(None, None, after) == []
    assert places_of_secret(FIELD, None, after) == [FIELD]


def test_a_picture_without_secrets_is_handed_on_as_it_is() -> None:
    """Nothing is copied when nothing is hidden."""
    image = page("hello")
    assert masked(image, [], [], ["hunter2"]) is image


@pytest.mark.parametrize("written", ["•••••••••", "Tr0ub4dor&3"])
def test_a_field_is_black_as_long_as_it_shows_the_secret(written: str) -> None:
    """Also on later pictures: as dots or letters, without the focus ring, and after the page has scrolled."""
    look = look_of(written)
    assert is_black(masked(page(written), [], [look], []), FIELD)
    assert is_black(masked(page(written, border=(200, 80, 0)), [], [look], []), FIELD.grown(-1))
    moved = FIELD.shifted(37, 111)
    assert is_black(masked(page(written, moved), [], [look], []), moved)


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
