"""Learned looks for tests: made from numbers, so that a seed gives the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steadyhand.memory.prototype_index import Origin, Prototype, Shot
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import Landmark

if TYPE_CHECKING:
    from collections.abc import Callable

SPACE = "descriptors/1/128"


def shot(*texts: str, at_px: float = 0.0) -> Shot:
    """A screen on which these texts stand below each other."""
    marks = [Landmark(text=text, box=Box(at_px, 20.0 * row, 80, 16)) for row, text in enumerate(texts)]
    return Shot(b"picture", tuple(marks))


def unit(seed: int, near: int | None = None) -> tuple[float, ...]:
    """A vector of length 1; one that is near that of another seed, if it is given."""
    vector = np.random.default_rng(seed).normal(size=128)
    if near is not None:
        vector = np.random.default_rng(near).normal(size=128) + 0.05 * vector
    return tuple(np.asarray(vector / np.linalg.norm(vector), np.float32).tolist())


def look(
    target: str, seed: int, screen: Shot, *, near: int | None = None, text: str = "Save", values: tuple[str, ...] = ()
) -> Prototype:
    """A learned look of a target."""
    return Prototype(
        target=target,
        space=SPACE,
        vector=unit(seed, near),
        crop=b"crop %d" % seed,
        shot=screen.id,
        point=Point(45, 55),
        box=Box(40, 50, 30, 10),
        text=text,
        label="",
        values=dict.fromkeys(values, "x"),
        origin=Origin("run", "step", "som_text_match", 0.95, float(seed)),
    )


def within(budget: int) -> Callable[[object], bool]:
    """Says yes to so many looks, and no to every other one."""
    left = iter(range(budget))
    return lambda _: next(left, None) is not None
