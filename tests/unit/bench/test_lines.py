"""What was measured is told with its goal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from steadyhand.bench import lines as shown
from steadyhand.bench.lines import Line


@pytest.mark.parametrize(
    ("line", "met"),
    [
        (Line("", 60.0, "us", 60), True),
        (Line("", 60.1, "us", 60), False),
        (Line("", 1000, "a second", 1000, is_at_least=True), True),
        (Line("", 999, "a second", 1000, is_at_least=True), False),
        (Line("", 1, "us"), None),
    ],
)
def test_a_goal_is_met_or_missed(line: Line, *, met: bool | None) -> None:
    """At the goal it is met, whether more or less is better; without a goal nothing is."""
    assert line.is_met is met
    assert shown.as_json([line])[0]["is_met"] is met


def test_the_table_says_each_figure_and_its_goal() -> None:
    """Figures have three digits that count, and beside them stands what they shall be and whether they are."""
    page = StringIO()
    lines = [
        Line("fast", 1.2345, "us of CPU", 3.456),
        Line("many", 1567.8, "a second", 1000, is_at_least=True),
        Line("big", 312.4, "MB", 300),
        Line("other", 0.00405, "s"),
    ]
    Console(file=page, width=120).print(shown.table(lines))
    _, fast, many, big, other = page.getvalue().splitlines()
    assert fast.split(maxsplit=1)[1].split("  ")[0] == "1.23 us of CPU"
    assert "at most 3.456: met" in fast
    assert ("1,568 a second" in many, "at least 1,000: met" in many) == (True, True)
    assert ("312 MB" in big, "at most 300: missed" in big) == (True, True)
    assert other.split() == ["other", "0.00405", "s"]
