"""An element's look as a vector, so that looks can be compared by the thousand.

A *look* is the picture of an element. An *embedder* makes a *vector* of it: two looks that a person would take for the
same have vectors whose inner product is near 1. Vectors of different embedders say nothing about each other, so each
carries the *space* that it is of; `steadyhand.memory.prototype_index` refuses to mix them.

`Descriptors` needs no training: edges, brightness, colours, ink and proportions, each by a method that has been known
for long. It does not read: of two buttons of one style it sees that one word is longer, not that it means something
else. What tells them apart is evidence, in `steadyhand.resolution`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE_PX, _CELL_PX, _ANGLES = 32, 8, 4
_LUMA, _CHROMA = 21, 6
_INK_ROWS, _INK_COLUMNS = 3, 9
_WEIGHTS = {"edges": 0.35, "luma": 0.2, "chroma": 0.15, "ink": 0.2, "form": 0.1}
"""How much of the likeness each part makes up. Source: a decision; edges and ink outlast a new style of the page."""

_FAINT = 0.05
"""A part with less length than this, of what it could have, is not stretched to full length: it would be all noise."""
_INK_LEVELS = 24
_FORM_OCTAVES = 8.0


@dataclass(frozen=True, slots=True)
class Space:
    """What tells vectors that may be compared from others.

    Attributes:
        embedder: The name of what made them.
        version: Its version: another one makes other vectors of the same look.
        dimensions: How many numbers a vector has.
    """

    embedder: str
    version: int
    dimensions: int

    def __str__(self) -> str:
        """As it is written down: `descriptors/1/128`."""
        return f"{self.embedder}/{self.version}/{self.dimensions}"


class Embedder(Protocol):
    """Makes vectors of looks; the same vector of the same look, always."""

    @property
    def space(self) -> Space:
        """The space of its vectors."""
        ...

    def embed(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The vector of a look.

        Args:
            picture: The element: uint8, (height, width, 3), blue-green-red; at least one pixel.

        Returns:
            float32, (dimensions,), of length 1.
        """
        ...


class Descriptors:
    """Well-understood descriptors, one after the other; each has a fixed share in the likeness.

    ``edges``   a histogram of 4 directions in each of 4x4 cells. Source: Dalal and Triggs, "Histograms of Oriented
                Gradients for Human Detection", CVPR 2005; unsigned gradients, each cell weighted by their strength.
    ``luma``    the 21 lowest frequencies of the brightness, ``chroma`` the 6 lowest of each colour difference. Source:
                Kasutani and Yamada, "The MPEG-7 color layout descriptor", ICIP 2001: a thumbnail of 8x8 pixels in
                YCrCb, its cosine transform, read in zigzag.
    ``ink``     how much of each of 3x9 fields differs from the ground, so where the words are, whatever the colours.
                Source: zoning, the oldest feature of character recognition; Trier, Jain and Taxt, "Feature extraction
                methods for character recognition", Pattern Recognition 29, 1996.
    ``form``    the logarithms of width and height.
    """

    space = Space("descriptors", 1, 16 * _ANGLES + _LUMA + 2 * _CHROMA + _INK_ROWS * _INK_COLUMNS + 4)

    def embed(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The vector of a look.

        Args:
            picture: The element: uint8, (height, width, 3), blue-green-red; at least one pixel.

        Returns:
            float32, (dimensions,), of length 1.
        """
        assert picture.size, "nothing has no look"
        gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
        luma, chroma = _layout(picture)
        parts = {"edges": _edges(gray), "luma": luma, "chroma": chroma, "ink": _ink(gray), "form": _form(gray)}
        vector = np.concatenate([math.sqrt(share) * _of_length_1(parts[name]) for name, share in _WEIGHTS.items()])
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _edges(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How strong the edges of each direction are in each cell, float64, (64,)."""
    small = cv2.resize(gray, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    strength, angle = cv2.cartToPolar(across, down)
    direction = (angle * (_ANGLES / math.pi) + 0.5).astype(np.int64) % _ANGLES
    rows, columns = np.indices(small.shape) // _CELL_PX
    cells = _SIDE_PX // _CELL_PX
    bins = ((rows * cells + columns) * _ANGLES + direction).ravel()
    return np.sqrt(np.bincount(bins, strength.ravel(), minlength=cells * cells * _ANGLES) / (255.0 * _CELL_PX**2))


def _layout(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest frequencies of brightness, float64, (21,), and of both colour differences, float64, (12,)."""
    tiny = cv2.resize(picture, (8, 8), interpolation=cv2.INTER_AREA)
    planes = cv2.split(cv2.cvtColor(tiny, cv2.COLOR_BGR2YCrCb).astype(np.float32) / 255.0 - 0.5)
    waves = [np.asarray(cv2.dct(plane), np.float64)[_ZIGZAG] / 8.0 for plane in planes]
    return waves[0][:_LUMA], np.concatenate([waves[1][:_CHROMA], waves[2][:_CHROMA]])


def _ink(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Which share of each field is drawn on, less the mean of all fields, float64, (27,)."""
    drawn = (np.abs(gray.astype(np.int16) - int(np.median(gray))) > _INK_LEVELS).astype(np.float32)
    fields = cv2.resize(drawn, (_INK_COLUMNS, _INK_ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(fields - fields.mean(), np.float64).ravel()


def _form(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Where width and height lie on a logarithmic scale of eight octaves, each as a point on a half circle."""
    turns = [math.pi * min(1.0, math.log2(1 + side) / (1.5 * _FORM_OCTAVES)) for side in gray.shape]
    return np.array([part for turn in turns for part in (math.cos(turn), math.sin(turn))])


def _of_length_1(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """A part stretched to length 1, unless there is next to nothing of it."""
    return part / max(float(np.linalg.norm(part)), _FAINT)


def _zigzag() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of an 8x8 picture, the lowest frequencies first."""
    places = sorted(np.ndindex(8, 8), key=lambda place: (sum(place), place[0] if sum(place) % 2 else place[1]))
    return np.array([row for row, _ in places]), np.array([column for _, column in places])


_ZIGZAG = _zigzag()
