"""What the benchmark of speed says follows from what was measured."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest
from rich.console import Console
from tests.unit.resolution.sketch import Sketch, form

from steadyhand.bench import speed
from steadyhand.bench.peers import OURS, Peers
from steadyhand.bench.speed import SIZES, Memory, Outcome, Plight, Trial
from steadyhand.model.geometry import Box, Point

if TYPE_CHECKING:
    from collections.abc import Sequence

THERE = Box(10, 10, 40, 20)
ON_IT, BESIDE = Point(20, 20), Point(200, 20)


def trial(plight: Plight = Plight.MOVED, size: tuple[int, int] = SIZES[0]) -> Trial:
    """A trial whose target is in one place, unless it is absent."""
    truth = None if plight is Plight.ABSENT else THERE
    return Trial(size, plight, Path("recorded.png"), THERE, Path("screen.png"), truth)


def outcomes(of: Trial, costs: Sequence[float], tool: str = OURS, point: Point | None = ON_IT) -> list[Outcome]:
    """What a tool did several times, at these costs."""
    method = "anchor_template" if tool == OURS and point else ""
    return [Outcome(tool, of, point, method, cost) for cost in costs]


@pytest.mark.parametrize(
    ("plight", "point", "right", "wrong"),
    [
        (Plight.MOVED, ON_IT, True, False),
        (Plight.MOVED, BESIDE, False, True),
        (Plight.MOVED, None, False, False),
        (Plight.ABSENT, None, True, False),
        (Plight.ABSENT, ON_IT, False, True),
    ],
)
def test_right_is_a_click_on_the_target_or_none_where_there_is_none(
    plight: Plight, point: Point | None, *, right: bool, wrong: bool
) -> None:
    """A refusal is right only where the target is absent, and never a wrong click."""
    outcome = Outcome(OURS, trial(plight), point, "", 1.0)
    assert (outcome.is_right, outcome.is_wrong_click) == (right, wrong)


def test_figures_are_of_one_tool_in_one_plight() -> None:
    """Medians, the 95th percentile and the multiple of ours are taken among answers to the same trials."""
    of = trial()
    ours, peer = speed.figures(
        [*outcomes(of, [2, 4, 30]), *outcomes(of, [20, 10], "pyscreeze"), *outcomes(of, [12], "pyscreeze", BESIDE)]
    )
    assert (ours.tool, ours.trials, ours.right, ours.wrong_clicks) == (OURS, 3, 3, 0)
    assert (ours.cpu_median_ms, ours.cpu_95th_ms, ours.ratio) == (4, 27.4, 1)
    assert (peer.tool, peer.trials, peer.right, peer.wrong_clicks) == ("pyscreeze", 3, 2, 1)
    assert (peer.cpu_median_ms, peer.ratio) == (12, 3)


def test_each_rung_has_its_own_time() -> None:
    """What a rung of ours takes is told for each size, refusals last, and other tools have no rungs."""
    small, large = trial(), trial(size=SIZES[1])
    by_text = [replace(each, method="som_text_match") for each in outcomes(small, [500, 700])]
    refused = outcomes(small, [900], point=None)
    told = speed.rung_figures(
        [*outcomes(large, [8]), *refused, *by_text, *outcomes(small, [1, 3]), *outcomes(small, [9], "airtest")]
    )
    assert [(each.size, each.rung, each.found, each.cpu_median_ms) for each in told] == [
        (SIZES[0], "anchor_template", 2, 2),
        (SIZES[0], "som_text_match", 2, 600),
        (SIZES[0], "", 1, 900),
        (SIZES[1], "anchor_template", 1, 8),
    ]
    page = io.StringIO()
    Console(file=page, width=120).print(speed.rung_table(told))
    assert [line.split()[-5:] for line in page.getvalue().splitlines()][3] == ["1", "900.0", "ms", "900.0", "ms"]


def test_figures_come_by_size_and_plight() -> None:
    """The smaller screen comes first, and on it the plights from the easiest to the hardest."""
    given = [trial(plight, size) for size in reversed(SIZES) for plight in reversed(Plight)]
    told = speed.figures([outcome for each in given for outcome in outcomes(each, [1])])
    assert [(each.size, each.plight) for each in told] == [(size, plight) for size in SIZES for plight in Plight]


def test_goals_are_ours_alone() -> None:
    """No goal is set to other tools, nor for an absent target on the larger screen."""
    given = [trial(plight, size) for size in SIZES for plight in Plight]
    told = speed.figures([o for each in given for tool in (OURS, "airtest") for o in outcomes(each, [1], tool)])
    goals = {(each.size, each.plight): each.goal_ms for each in told if each.tool == OURS}
    assert [goals[SIZES[0], plight] for plight in Plight] == [5, 60, 700, 1200]
    assert [goals[SIZES[1], plight] for plight in Plight] == [5, 60, 700, None]
    assert all(each.goal_ms is None for each in told if each.tool == "airtest")


def test_the_table_says_what_was_met() -> None:
    """A goal is met when the median is under it, and the peers stand below ours with their multiple."""
    unchanged, moved = trial(Plight.UNCHANGED), trial(Plight.MOVED)
    told = [*outcomes(unchanged, [5]), *outcomes(unchanged, [20], "airtest"), *outcomes(moved, [59])]
    page = io.StringIO()
    Console(file=page, width=120).print(speed.table(speed.figures(told)))
    _, first, second, third = page.getvalue().splitlines()
    assert first.startswith("1440x900 unchanged")
    assert "< 5 ms: missed" in first
    assert second.split()[:2] == ["airtest", "1/1"]
    assert "x4" in second
    assert "< 60 ms: met" in third


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        (Memory(314.2, 831.0), "314 MB, the robot's process alone (goal: under 700 MB: met); 831 MB together"),
        (Memory(700.0, 831.0), "(goal: under 700 MB: missed)"),
        (None, "only Linux tells"),
    ],
)
def test_memory_is_told_with_and_without_the_browser(memory: Memory | None, words: str) -> None:
    """Both figures are printed; the goal is for the robot alone."""
    assert words in speed.told_of_memory(memory)


def test_ours_takes_real_screenshots(tmp_path: Path) -> None:
    """The button is clicked where it is, and refused where it is not, and every other tool is asked the same."""
    sketch = form()
    for name, image in {"form": sketch.image, "bare": Sketch().image}.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    save, recorded = sketch.parts["Save"], tmp_path / "form.png"
    given = [
        Trial(SIZES[0], Plight.UNCHANGED, recorded, save, recorded, save),
        Trial(SIZES[0], Plight.ABSENT, recorded, save, tmp_path / "bare.png", None),
    ]
    with Peers(Path(sys.executable)) as peers:
        taken = speed.run(given, peers)
        assert [outcome.tool for outcome in taken] == [OURS, *peers.ready] * 2
    ours = [outcome for outcome in taken if outcome.tool == OURS]
    assert all(outcome.is_right and outcome.cpu_ms > 0 for outcome in ours)
    assert [outcome.method for outcome in ours] == ["anchor_template", ""]
