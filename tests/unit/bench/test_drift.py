"""Right, wrong and refused are counted as they are."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest
from rich.console import Console
from tests.unit.resolution.sketch import DARK, Sketch, form
from tests.unit.resolution.sketch import table as drawn_table

from steadyhand.bench.corpus import Case, RecordedPart, ReplayedPart
from steadyhand.bench.drift import (
    Answer,
    as_json,
    calibration_error,
    compare,
    comparison_table,
    run,
    scores,
    table,
    tool_figures,
)
from steadyhand.bench.peers import OURS, Peers
from steadyhand.model.geometry import Box, Point

if TYPE_CHECKING:
    from collections.abc import Sequence


def line(number: int, frames: tuple[str, str], box: Box, acceptable: Sequence[Box], **more: Any) -> str:
    """A case as a line of a corpus."""
    case = {
        "id": f"case {number}",
        "app": "sketch",
        "drift": ["none"],
        "negative": None,
        "record": {"bbox": list(box), "point": list(box.center)},
        "replay": {"present": bool(acceptable), "acceptable": [list(each) for each in acceptable]},
        "record_frame": frames[0],
        "replay_frame": frames[1],
    }
    return json.dumps({**case, **more})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of five cases: found by picture, found by text, one whose truth is a lie, two whose target is absent."""
    folder = tmp_path_factory.mktemp("corpus")
    screens = {"form": form(), "dark": form(style=DARK), "table": drawn_table(), "bare": Sketch()}
    for name, sketch in screens.items():
        cv2.imwrite(str(folder / f"{name}.png"), sketch.image)
    save, dark = screens["form"].parts["Save"], screens["dark"].parts["Save"]
    (folder / "cases.jsonl").write_text(
        "\n".join(
            [
                line(1, ("form.png", "form.png"), save, [save]),
                line(2, ("form.png", "dark.png"), save, [dark], drift=["dark", "font"]),
                line(3, ("form.png", "form.png"), save, [Box(0, 0, 9, 9)], app="liar"),
                line(4, ("form.png", "table.png"), save, [], negative="other_page"),
                line(5, ("form.png", "bare.png"), save, [], negative="removed"),
            ]
        ),
        encoding="utf-8",
    )
    return folder


def test_the_resolver_is_compared_with_the_truth(folder: Path) -> None:
    """Clicks in an acceptable box are right, all others wrong, and a refusal is no click."""
    told: list[tuple[int, int]] = []
    answers = run(folder, progress=lambda done, total: told.append((done, total)))
    by_id = {answer.case.id: answer for answer in answers}
    assert {name: (answer.is_click, answer.is_right) for name, answer in by_id.items()} == {
        "case 1": (True, True),
        "case 2": (True, True),
        "case 3": (True, False),
        "case 4": (False, False),
        "case 5": (False, False),
    }
    assert by_id["case 1"].method == "anchor_template"
    assert by_id["case 2"].method == "som_text_match"
    assert by_id["case 4"].method == ""
    assert all(answer.cpu_ms > 0 for answer in answers)
    assert told == [(number, 5) for number in range(1, 6)]


def test_a_quick_look_takes_each_nth_case(folder: Path) -> None:
    """The first, the third, the fifth."""
    assert {answer.case.id for answer in run(folder, every=2)} == {"case 1", "case 3", "case 5"}


def answered(*, confidence: float = 0.0, is_right: bool = False, present: bool = True, **more: Any) -> Answer:
    """An answer; a click if it has a confidence."""
    case = Case(
        id=more.get("name", "x"),
        app=more.get("app", "halyard"),
        drift=more.get("drift", ()),
        negative=None if present else "removed",
        record=RecordedPart(bbox=Box(0, 0, 9, 9), point=Point(4, 4)),
        replay=ReplayedPart(present=present, acceptable=()),
        record_frame="a.png",
        replay_frame="b.png",
    )
    is_click = confidence > 0
    return Answer(case, is_click, is_right, "anchor_template" if is_click else "", confidence, more.get("cpu_ms", 10.0))


MIXED = [
    answered(confidence=0.9, is_right=True, drift=("dark", "font"), cpu_ms=10.0),
    answered(confidence=0.9, is_right=True, app="sloop", cpu_ms=20.0),
    answered(confidence=0.9, name="lost", drift=("dark",), cpu_ms=30.0),
    answered(cpu_ms=40.0),
    answered(present=False, confidence=0.6, name="taken", cpu_ms=50.0),
    answered(present=False, cpu_ms=60.0),
]


def test_shares_are_of_the_right_wholes() -> None:
    """Right ones are counted of the positives, wrong ones of all, also for each group."""
    groups = scores(MIXED)
    assert next(iter(groups)) == "all"
    whole = groups["all"].figures()
    assert {name: whole[name] for name in ("cases", "positives", "right", "wrong")} == {
        "cases": 6,
        "positives": 4,
        "right": 2,
        "wrong": 2,
    }
    assert whole["right_share"] == 0.5
    assert whole["wrong_share"] == pytest.approx(2 / 6, abs=1e-4)
    assert (whole["cpu_median_ms"], whole["cpu_95th_ms"]) == (35, 57.5)
    assert (groups["drift: dark"].right, groups["drift: dark"].wrong) == (1, 1)
    assert (groups["drift: font"].right, groups["drift: font"].wrong) == (1, 0)
    assert (groups["app: sloop"].right, groups["app: halyard"].wrong) == (1, 2)
    assert (groups["positive"].wrong, groups["negative: removed"].wrong) == (1, 1)
    assert groups["negative: removed"].negatives == 2
    assert groups["method: anchor_template"].figures()["cases"] == 4


def test_the_calibration_error_is_the_distance_between_saying_and_being() -> None:
    """Three of 0.9 with two right, one of 0.6 that is wrong: |0.9-2/3| of three quarters and 0.6 of one quarter."""
    assert calibration_error(MIXED) == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.6)
    sure = [answered(confidence=0.8, is_right=number < 8) for number in range(10)]
    assert calibration_error(sure) == pytest.approx(0)
    assert calibration_error([answered()]) == 0


def test_what_is_printed_names_each_group_and_each_wrong_click() -> None:
    """The table for a person, the JSON for a program."""
    paper = io.StringIO()
    Console(file=paper, width=200).print(table(MIXED))
    shown = paper.getvalue()
    for words in ("all", "app: sloop", "drift: dark", "negative: removed", "50.0%", "33.33%", "35 ms", "58 ms"):
        assert words in shown
    told = json.loads(json.dumps(as_json(MIXED)))
    assert [wrong["id"] for wrong in told["wrong"]] == ["lost", "taken"]
    assert told["groups"]["all"]["right"] == 2
    assert told["calibration_error"] == pytest.approx(calibration_error(MIXED), abs=1e-4)


def test_without_cases_there_are_no_figures_and_no_fault() -> None:
    """An empty corpus divides by nothing."""
    assert scores([]) == {}
    assert calibration_error([]) == 0


def test_each_tool_answers_each_case(folder: Path) -> None:
    """Whoever is installed beside ours is asked the same, and what a peer clicks is compared with the same truth."""
    with Peers(Path(sys.executable)) as peers:
        answers = compare(folder, peers, every=2)
        assert list(answers) == [OURS, *peers.ready]
    asked = [answer.case.id for answer in answers[OURS]]
    assert all([answer.case.id for answer in given] == asked for given in answers.values())
    assert not any(answer.is_right and not answer.is_click for given in answers.values() for answer in given)


def test_tools_stand_side_by_side() -> None:
    """A line for each; who says nothing of how sure it is has no calibration error, and faults are counted."""
    silent = [replace(answer, confidence=0.0, fault="OSError: gone" if not answer.is_click else "") for answer in MIXED]
    assert tool_figures(MIXED)["calibration_error"] == pytest.approx(calibration_error(MIXED), abs=1e-4)
    assert tool_figures(silent) == {**tool_figures(MIXED), "calibration_error": None, "faults": 2}
    paper = io.StringIO()
    Console(file=paper, width=200).print(comparison_table({OURS: MIXED, "silent": silent, "idle": []}))
    _, ours, other, idle = (line.split() for line in paper.getvalue().splitlines())
    assert (ours[0], ours[-1]) == (OURS, f"{calibration_error(MIXED):.3f}")
    assert other == ["silent", *ours[1:-1], "2"]
    assert idle[:2] == ["idle", "0"]
