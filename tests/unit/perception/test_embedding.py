"""An element's look as a vector: always the same one, near for the same thing, far for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.resolution.sketch import DARK, LIGHT, Sketch

from steadyhand.perception.embedding import Descriptors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tests.unit.resolution.sketch import Style

EMBEDDER = Descriptors()


def vector(words: str, *, beside_px: int = 0, style: Style = LIGHT) -> NDArray[np.float32]:
    """The vector of a button, cut out so many pixels beside."""
    sketch = Sketch(style=style)
    sketch.button(words, 100, 100)
    x, y = 96 + beside_px, 79 + beside_px
    return EMBEDDER.embed(np.ascontiguousarray(sketch.image[y : y + 42, x : x + 132]))


@given(width=st.integers(1, 300), height=st.integers(1, 120), seed=st.integers(0, 99))
def test_each_look_has_one_vector_of_length_one(width: int, height: int, seed: int) -> None:
    """Whatever its size and whatever is on it, the vector has the dimensions of its space, and no luck is in it."""
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    one = EMBEDDER.embed(picture)
    assert one.dtype == np.float32
    assert one.shape == (EMBEDDER.space.dimensions,)
    assert np.linalg.norm(one) == pytest.approx(1)
    assert np.array_equal(one, Descriptors().embed(picture.copy()))


def test_a_look_that_is_cut_out_beside_is_nearer_than_another_one() -> None:
    """A pixel beside changes less than another length of the word, and that less than another theme."""
    same = vector("Approve") @ vector("Approve", beside_px=1)
    other = vector("Approve") @ vector("OK")
    theme = vector("Approve") @ vector("Approve", style=DARK)
    assert same > other > theme


def test_a_space_says_who_made_its_vectors() -> None:
    """Its name is what vectors are told apart by."""
    assert str(EMBEDDER.space) == "descriptors/1/128"
