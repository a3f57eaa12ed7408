"""A picture is found where it is seen, as often as it is seen, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.model.geometry import Box
from steadyhand.perception.template import are_drawn_alike, cut, glyphs, is_telling, likeness, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZES = ((10, 24), (20, 60), (48, 90))
"""Heights and widths: looked for at full size, at half, and at a quarter."""


def picture(height: int, width: int, seed: int = 7) -> NDArray[np.uint8]:
    """Something with shapes of its own: blurred noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.interp(soft, (soft.min(), soft.max()), (20, 235)).astype(np.uint8)


def screen(*places: tuple[int, int], shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A gray screen of 400 by 300 that shows a picture at these places (x, y)."""
    gray = np.full((300, 400), 128, np.uint8)
    height, width = shown.shape
    for x, y in places:
        gray[y : y + height, x : x + width] = shown
    return gray


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", [(0, 0), (101, 57), (310, 250)])
def test_a_picture_is_found_to_the_pixel(size: tuple[int, int], place: tuple[int, int]) -> None:
    """In the corners and between them, whatever its size, its one place is found and scores 1."""
    wanted = picture(*size)
    x, y = min(place[0], 400 - size[1]), min(place[1], 300 - size[0])
    (peak,) = search(screen((x, y), shown=wanted), wanted, 0.9)
    assert peak.box == Box(x, y, size[1], size[0])
    assert peak.score == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_each_of_several_is_found_once(size: tuple[int, int]) -> None:
    """Three copies are three places, none of them named twice."""
    wanted = picture(*size)
    places = {(10, 10), (200, 20), (90, 180)}
    found = search(screen(*places, shown=wanted), wanted, 0.9)
    assert {(peak.box.x, peak.box.y) for peak in found} == places
    assert len(found) == 3


@pytest.mark.parametrize("size", SIZES)
def test_the_best_comes_first_and_no_more_than_asked_for(size: tuple[int, int]) -> None:
    """A disturbed copy scores less than a clean one; the limit cuts the worst ones off."""
    wanted = picture(*size)
    gray = screen((30, 30), (220, 160), shown=wanted)
    gray[30 : 30 + size[0] // 3, 30 : 30 + size[1]] = 128
    found = search(gray, wanted, 0.5)
    assert [(peak.box.x, peak.box.y) for peak in found] == [(220, 160), (30, 30)]
    assert found[0].score > found[1].score
    assert search(gray, wanted, 0.5, limit=1) == found[:1]


@pytest.mark.parametrize("size", SIZES)
def test_brighter_or_fainter_is_still_the_same_picture(size: tuple[int, int]) -> None:
    """What the light does to a picture as a whole does not matter."""
    wanted = picture(*size)
    fainter = (wanted // 2 + 100).astype(np.uint8)
    assert [peak.box[:2] for peak in search(screen((60, 40), shown=fainter), wanted, 0.95)] == [(60, 40)]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_not_there_is_not_found(size: tuple[int, int]) -> None:
    """Another picture of the same size scores low, and so does an empty screen."""
    wanted, other = picture(*size), picture(*size, seed=8)
    assert search(screen((60, 40), shown=other), wanted, 0.9) == []
    assert search(screen(shown=wanted), wanted, 0.5) == []


def test_a_picture_that_shows_nothing_is_found_nowhere() -> None:
    """A plain ground would be seen everywhere, so it is not looked for; one with a word on it is."""
    plain = np.full((20, 60), 240, np.uint8)
    worded = plain.copy()
    cv2.putText(worded, "Save", (8, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30,))
    assert not is_telling(plain)
    assert is_telling(worded)
    assert not is_telling(np.empty((0, 0), np.uint8))
    assert search(screen((10, 10), shown=plain), plain, 0.1) == []


def test_a_picture_larger_than_the_screen_is_not_there() -> None:
    """Neither wider nor taller pictures break the search."""
    gray = screen(shown=picture(10, 10))
    assert search(gray, picture(20, 500), 0.1) == []
    assert search(gray, picture(400, 20), 0.1) == []


def test_a_place_is_like_a_picture_that_was_shifted_or_inverted() -> None:
    """A few pixels aside count fully, the negative nearly, another picture hardly."""
    wanted = picture(20, 60)
    box = Box(100, 100, 60, 20)
    assert likeness(screen((104, 97), shown=wanted), wanted, box) == pytest.approx(1, abs=1e-3)
    negative = (255 - wanted).astype(np.uint8)
    assert likeness(screen((100, 100), shown=negative), wanted, box) == pytest.approx(0.9, abs=1e-3)
    assert likeness(screen((100, 100), shown=picture(20, 60, seed=8)), wanted, box) < 0.5
    assert likeness(screen((140, 140), shown=wanted), wanted, box) < 0.5


def test_over_the_edge_and_on_plain_ground_nothing_is_alike() -> None:
    """A place that is not wholly on the screen, and a picture that shows nothing, have no likeness."""
    wanted = picture(20, 60)
    gray = screen((0, 0), shown=wanted)
    assert likeness(gray, wanted, Box(-40, -12, 60, 20)) == 0
    assert likeness(gray, np.full((20, 60), 128, np.uint8), Box(100, 100, 60, 20)) == 0


STROKES = {
    "arrow": [((-8, 0), (8, 0)), ((8, 0), (0, -8)), ((8, 0), (0, 8))],
    "arrow back": [((-8, 0), (8, 0)), ((-8, 0), (0, -8)), ((-8, 0), (0, 8))],
    "cross": [((-8, -8), (8, 8)), ((-8, 8), (8, -8))],
    "lines": [((-8, down), (8, down)) for down in (-6, 0, 6)],
    "nothing": [],
}


def icon(
    name: str, center: tuple[int, int] = (60, 50), *, size: int = 1, ground: int = 250, ink: int = 40, rim_px: int = 0
) -> list[NDArray[np.float32]]:
    """What is drawn where an icon of so many times 16 pixels stands, alone or on a button with so much rim."""
    gray, (x, y) = np.full((120, 160), ground, np.uint8), center
    box = Box(x, y, 0, 0).grown(9 * size + rim_px)
    if rim_px:
        cv2.rectangle(gray, (round(box.x), round(box.y)), (round(box.right), round(box.bottom)), (ink,), 1)
    for start, end in STROKES[name]:
        first, last = ((x + size * right, y + size * down) for right, down in (start, end))
        cv2.line(gray, first, last, (ink,), 2 * size, cv2.LINE_AA)
    return glyphs(gray, box)


def test_the_same_drawing_is_alike_at_any_place_and_size_and_in_any_colour() -> None:
    """Moved, twice as large, light on dark, or on a button with a frame: it is drawn like the first one."""
    drawn = icon("arrow")
    for other in (
        icon("arrow", (90, 70)),
        icon("arrow", size=2),
        icon("arrow", ground=30, ink=220),
        icon("arrow", rim_px=10),
        icon("arrow", (90, 60), size=2, ground=30, ink=220),
    ):
        assert are_drawn_alike(drawn, other) > 0.9
        assert are_drawn_alike(drawn, other) == are_drawn_alike(other, drawn)


def test_a_mirrored_drawing_is_less_alike_and_another_one_hardly() -> None:
    """An arrow back shares its shaft with an arrow forth; a cross and three lines share next to nothing."""
    drawn = icon("arrow")
    mirrored, others = are_drawn_alike(drawn, icon("arrow back")), ("cross", "lines")
    assert mirrored < 0.7
    assert all(are_drawn_alike(drawn, icon(other)) < mirrored - 0.2 for other in others)


def test_where_nothing_is_drawn_nothing_is_alike() -> None:
    """A plain ground, what is too faint, what is too small and what is not on the screen have no drawing."""
    assert icon("nothing") == icon("arrow", ink=240) == icon("arrow", (400, 400)) == []
    assert glyphs(np.full((4, 4), 0, np.uint8), Box(0, 0, 4, 4)) == []
    assert are_drawn_alike(icon("nothing"), icon("arrow")) == 0
    assert are_drawn_alike([], []) == 0


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        (Box(10, 20, 30, 40), (40, 30)),
        (Box(-10, -20, 30, 40), (20, 20)),
        (Box(390, 290, 30, 40), (10, 10)),
        (Box(500, 500, 30, 40), (0, 0)),
        (Box(-90, -90, 30, 40), (0, 0)),
    ],
)
def test_what_is_cut_out_ends_at_the_edge_of_the_screen(box: Box, shape: tuple[int, int]) -> None:
    """Only what is on the screen is handed out."""
    assert cut(np.zeros((300, 400), np.uint8), box).shape == shape
