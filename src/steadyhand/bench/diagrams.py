"""Diagrams of measurements as SVG: small files that say in words, too, what they show.

A *share* is a number from 0 to 1 and is written as a percentage. Diagrams are 560 units wide; whoever shows them gives
them a size.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _HEIGHT = 560, 420
_LEFT, _TOP, _RIGHT, _BOTTOM = 78, 24, 24, 60
_INK, _SOFT, _LINE, _BLUE = "#20262e", "#646e7a", "#d8dce2", "#1864c4"
_NAMED = ("#ba7000", "#0e8040")
_LARGEST_DOT, _SMALLEST_DOT = 13.0, 3.0


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same confidence.

    Attributes:
        confidence: Their mean confidence, 0 to 1.
        right: The share of right ones, 0 to 1.
        lowest: The lower end of the interval of that share.
        highest: Its upper end.
        count: How many they are.
    """

    confidence: float
    right: float
    lowest: float
    highest: float
    count: int


def reliability(bins: Sequence[Bin], error: float) -> str:
    """How confidence compares with the share of right answers; on the diagonal they are equal.

    Args:
        bins: What is shown, a dot each; the larger, the more answers.
        error: The expected calibration error of the clicks, for the words.
    """
    axes = _Axes((0, 1), (0, 1))
    largest = max((each.count for each in bins), default=1)
    parts = [axes.frame("confidence", "right answers", 0.2, 0.2), axes.line([(0, 0), (1, 1)], _SOFT, dash="4 4")]
    for each in bins:
        x, y = axes.at(each.confidence, each.right)
        radius = max(_SMALLEST_DOT, _LARGEST_DOT * (each.count / largest) ** 0.5)
        parts += [
            axes.line([(each.confidence, each.lowest), (each.confidence, each.highest)], _BLUE),
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_BLUE}" fill-opacity="0.8"/>',
        ]
        is_at_edge = x + radius + 40 > _WIDTH - _RIGHT
        beside = x - radius - 5 if is_at_edge else x + radius + 5
        parts.append(_text(beside, y + 12, str(each.count), _SOFT, anchor="end" if is_at_edge else "start"))
    return _svg(f"Reliability diagram; the expected calibration error of the clicks is {error:.3f}", parts)


def risk_coverage(curve: Sequence[tuple[float, float]], marked: Sequence[tuple[str, float, float]]) -> str:
    """What share of clicks goes wrong if so many targets are to be found: one point for each threshold.

    Args:
        curve: Right clicks as a share of the positives, and wrong clicks as a share of all cases.
        marked: Points with a name. The diagram goes up to twice a hundredth, and further only for them.
    """
    least_found = floor(10 * min(0.5, *(right for _, right, _ in marked))) / 10
    most_risk = ceil(100 * max(0.02, *(wrong for _, _, wrong in marked))) / 100
    axes = _Axes((least_found, 1), (0, most_risk))
    shown = [point for point in curve if axes.holds(*point)]
    parts = [axes.frame("right clicks, of the positives", "wrong clicks, of all cases", 0.1, most_risk / 4)]
    parts.append(axes.line(shown, _BLUE, width=2.5))
    for number, (name, right, wrong) in enumerate(marked):
        x, y = axes.at(right, wrong)
        said = f"{name}: {right:.1%} right, {wrong:.2%} wrong"
        colour, height = _NAMED[number % len(_NAMED)], _TOP + 26 + 24 * number
        parts += [
            f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="6" fill="{colour}"/>'
            for at in ((x, y), (_LEFT + 20, height))
        ]
        parts.append(_text(_LEFT + 34, height + 5, said, _INK))
    names = "; ".join(f"{name}: {right:.1%} right, {wrong:.2%} wrong" for name, right, wrong in marked)
    return _svg(f"Risk-coverage curve; {names}", parts)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Two axes, each from one value to another."""

    across: tuple[float, float]
    up: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies on the diagram."""
        (left, right), (low, high) = self.across, self.up
        wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return _LEFT + (x - left) / (right - left) * wide, _HEIGHT - _BOTTOM - (y - low) / (high - low) * tall

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies between the ends of both axes."""
        return self.across[0] <= x <= self.across[1] and self.up[0] <= y <= self.up[1]

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.5, dash: str = "none") -> str:
        """A line through some points."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        return (
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-dasharray="{dash}" stroke-linejoin="round"/>'
        )

    def frame(self, name_across: str, name_up: str, step_across: float, step_up: float) -> str:
        """The grid, with the names of the axes and the values on them."""
        parts = []
        for value in _steps(self.across, step_across):
            parts += [self.line([(value, self.up[0]), (value, self.up[1])], _LINE, 1)]
            x, y = self.at(value, self.up[0])
            parts += [_text(x, y + 18, f"{value:.0%}", _SOFT, anchor="middle")]
        for value in _steps(self.up, step_up):
            parts += [self.line([(self.across[0], value), (self.across[1], value)], _LINE, 1)]
            x, y = self.at(self.across[0], value)
            said = f"{value:.0%}" if self.up[1] >= 0.1 else f"{value:.2%}"  # noqa: PLR2004  small shares need digits
            parts += [_text(x - 8, y + 4, said, _SOFT, anchor="end")]
        middle = self.at(sum(self.across) / 2, sum(self.up) / 2)
        parts += [_text(middle[0], _HEIGHT - 16, name_across, _INK, anchor="middle", weight=600)]
        turned = _text(0, 0, name_up, _INK, anchor="middle", weight=600)
        return "".join([*parts, f'<g transform="translate(18 {middle[1]:.1f}) rotate(-90)">{turned}</g>'])


def _steps(ends: tuple[float, float], step: float) -> list[float]:
    """The values at which an axis has a line."""
    return [ends[0] + number * step for number in range(round((ends[1] - ends[0]) / step) + 1)]


def _text(  # noqa: PLR0917  where, what and how, as drawing calls have it
    x: float, y: float, words: str, colour: str, anchor: str = "start", weight: int = 400
) -> str:
    """A line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )


def _svg(words: str, parts: Sequence[str]) -> str:
    """A whole file."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img" aria-label={quoteattr(words)} font-family="system-ui, sans-serif" '
        f'font-size="13">\n<title>{escape(words)}</title>\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
