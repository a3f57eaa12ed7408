"""What was measured, a line each with its goal, for a person and for a program."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured.

    Attributes:
        what: In words.
        value: How much.
        unit: Of what.
        goal: How much it shall be; None if there is no goal.
        is_at_least: It shall be as much or more, and else as much or less.
    """

    what: str
    value: float
    unit: str
    goal: float | None = None
    is_at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether it is what it shall be; None if there is no goal."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.is_at_least else self.value <= self.goal


def as_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The lines for a program."""
    return [{**asdict(line), "is_met": line.is_met} for line in lines]


def table(lines: Sequence[Line]) -> Table:
    """The lines for a terminal."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(("", "measured", "goal")):
        shown.add_column(heading, justify="right" if number == 1 else "left", no_wrap=True)
    for line in lines:
        goal = ""
        if line.goal is not None:
            bound = "at least" if line.is_at_least else "at most"
            goal = f"{bound} {line.goal:,.4g}: {'met' if line.is_met else 'missed'}"
        shown.add_row(line.what, f"{_shown(line.value)} {line.unit}", goal)
    return shown


def _shown(value: float) -> str:
    """A number with three digits that count; where the point comes after more, with none behind it."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"
