"""Points and boxes on a screen.

*Frame space* is the only coordinate space in the product: pixels of the captured image, origin in its upper left
corner, x to the right, y down. Drivers alone know of other units (CSS pixels, desktop scale) and convert at their door.
Numbers are floats because browsers place things between pixels.
"""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    """A place in frame space.

    Attributes:
        x: Pixels from the left edge.
        y: Pixels from the upper edge.
    """

    x: float
    y: float

    def shifted(self, dx: float, dy: float) -> Point:
        """This point moved by `dx`, `dy` pixels."""
        return Point(self.x + dx, self.y + dy)


class Box(NamedTuple):
    """An upright rectangle in frame space.

    Attributes:
        x: Left edge, pixels.
        y: Upper edge, pixels.
        width: Pixels, not negative.
        height: Pixels, not negative.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x just behind the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y just below the lower edge."""
        return self.y + self.height

    @property
    def center(self) -> Point:
        """The middle."""
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    def contains(self, point: Point, margin: float = 0.0) -> bool:
        """Whether a point lies inside, or at most `margin` pixels outside (inside, if negative)."""
        return self.x - margin <= point.x <= self.right + margin and self.y - margin <= point.y <= self.bottom + margin

    def encloses(self, other: Box, margin: float = 0.0) -> bool:
        """Whether another box lies wholly inside, allowing `margin` pixels over the edge."""
        return (
            self.x - margin <= other.x
            and self.y - margin <= other.y
            and other.right <= self.right + margin
            and other.bottom <= self.bottom + margin
        )

    def shifted(self, dx: float, dy: float) -> Box:
        """This box moved by `dx`, `dy` pixels."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def scaled(self, factor: float) -> Box:
        """This box with all its numbers multiplied by `factor`: the same place in a frame so much larger."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)

    def grown(self, margin_x: float, margin_y: float | None = None) -> Box:
        """This box with so many pixels more on each side (less, if negative; never below nothing)."""
        margin_y = margin_x if margin_y is None else margin_y
        width, height = max(0.0, self.width + 2 * margin_x), max(0.0, self.height + 2 * margin_y)
        center = self.center
        return Box(center.x - width / 2, center.y - height / 2, width, height)

    def intersection(self, other: Box) -> Box:
        """The part that both cover; without width or height if they do not meet."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        return Box(
            left, top, max(0.0, min(self.right, other.right) - left), max(0.0, min(self.bottom, other.bottom) - top)
        )

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if wide <= 0 or high <= 0:
            return 0.0
        shared = wide * high
        return shared / (self.width * self.height + other.width * other.height - shared)

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        left, top = min(self.x, other.x), min(self.y, other.y)
        return Box(left, top, max(self.right, other.right) - left, max(self.bottom, other.bottom) - top)
