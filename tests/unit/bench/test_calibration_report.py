"""A model is measured on applications that had no part in its fit, and what is said of it can be checked."""

from __future__ import annotations

import io
import json
import math
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest
from rich.console import Console
from tests.unit.resolution.sketch import DARK, form

from steadyhand.bench.calibrate import Example, Trial, collect, examples, fit_trials
from steadyhand.bench.calibration_report import as_json, diagrams, measured, most_wrong, page, table
from steadyhand.bench.corpus import Case
from steadyhand.errors import ConfigError
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Candidate, Method
from steadyhand.resolution.confidence import Model

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMER = Model.fitted()
PAGE = Path(__file__).parents[3] / "docs" / "calibration.md"
HERE, ELSEWHERE = Box(10, 10, 20, 20), Box(300, 200, 20, 20)


def line(number: int, frames: tuple[str, str], box: Box, acceptable: Sequence[Box], **more: Any) -> dict[str, Any]:
    """A case as a corpus has it."""
    case = {
        "id": f"case {number}",
        "app": "one",
        "drift": ["none"],
        "negative": None if acceptable else "removed",
        "record": {"bbox": list(box), "point": list(box.center)},
        "replay": {"present": bool(acceptable), "acceptable": [list(each) for each in acceptable]},
        "record_frame": frames[0],
        "replay_frame": frames[1],
    }
    return {**case, **more}


def trial(number: int, app: str, chance: random.Random, *, is_believable: bool = True) -> Trial:
    """A case with one place; how surely it is right can be seen from `around`, unless its application is a liar."""
    around = chance.random()
    is_right = (chance.random() < 1 / (1 + math.exp(6 - 12 * around))) == is_believable
    case = line(
        number, ("before.png", f"{number}.png"), HERE, [HERE] if is_right else [], app=app, step=f"{number % 20}"
    )
    place = Candidate(HERE.center, HERE, 0.0, Method.SOM_TEXT_MATCH)
    return Trial(Case.model_validate(case), None, ((place, Example({"around": around}, is_right)),))


def trials(count: int = 300, liar: str = "") -> list[Trial]:
    """Trials of three applications."""
    chance = random.Random(5)
    return [
        trial(number, app, chance, is_believable=app != liar)
        for number in range(count)
        for app in ("one", "two", "three")
    ]


def unchanged(number: int, *, is_right: bool) -> Trial:
    """A case whose view is as it was recorded."""
    case = line(number, ("before.png", "before.png"), HERE, [HERE] if is_right else [ELSEWHERE])
    return Trial(Case.model_validate(case), is_right)


# ------------------------------------------------------------------------------------------------------- collecting


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of two applications: a target as recorded, one in the dark, and one that is gone."""
    folder = tmp_path_factory.mktemp("corpus")
    screens = {"form": form(), "dark": form(style=DARK), "other": form(verbs=("Saved", "Cancel"))}
    for name, sketch in screens.items():
        cv2.imwrite(str(folder / f"{name}.png"), sketch.image)
    save, dark = screens["form"].parts["Save"], screens["dark"].parts["Save"]
    cases = [
        line(10 * number + place, ("form.png", f"{screen}.png"), save, acceptable, app=app)
        for number, app in enumerate(("one", "two"))
        for place, (screen, acceptable) in enumerate((("form", [save]), ("dark", [dark]), ("other", [])))
    ]
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    return folder


def test_a_corpus_is_tried_as_a_resolver_would(folder: Path) -> None:
    """An unchanged view is no example; in the dark the right place is weighed, on another screen wrong ones."""
    told: list[tuple[int, int]] = []
    collected = collect(folder, lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    by_screen = {each.case.replay_frame: each for each in collected}
    assert by_screen["form.png"].unchanged is True
    assert by_screen["form.png"].places == ()
    assert by_screen["dark.png"].unchanged is None
    assert {example.is_right for _, example in by_screen["dark.png"].places} == {True}
    assert {example.is_right for _, example in by_screen["other.png"].places} == {False}
    assert len(examples(collected)) == sum(len(each.places) for each in collected)
    fitted = fit_trials(collected, FORMER)
    assert set(fitted.weights) == set(FORMER.weights)


def test_cases_to_judge_by_are_refused(tmp_path: Path) -> None:
    """A corpus that names a case as test is not fitted on, and the first such case is named."""
    cv2.imwrite(str(tmp_path / "form.png"), form().image)
    cases = [line(n, ("form.png", "form.png"), HERE, [HERE], split=split) for n, split in enumerate(("train", "test"))]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    with pytest.raises(ConfigError, match="1 cases that are named as test, the first of them case 1"):
        collect(tmp_path)


# -------------------------------------------------------------------------------------------------------- measuring


def test_an_application_is_answered_by_a_model_that_was_not_fitted_on_it() -> None:
    """A liar among the applications is not learned from when it is left out, so that it is answered wrongly."""
    honest, lying = (measured(trials(liar=liar), FORMER) for liar in ("", "two"))
    told: Any = as_json(lying)
    rows = {row["name"]: row for row in told["left_out"]}
    clicks = [answer.is_right for answer in honest.answers["normal"] if answer.is_click]
    assert clicks.count(False) < (1 - FORMER.normal.found_from) * len(clicks)
    assert rows["two"]["normal_wrong"] > 20
    assert rows["two"]["calibration_error"] > 0.5
    assert rows["all"]["cases"] == 900


def test_degraded_demands_more() -> None:
    """The stricter mode clicks less often, and never where the other one would not."""
    made = measured(trials(), FORMER)
    normal, degraded = (
        {each.case.id + each.case.app for each in made.answers[mode] if each.is_click}
        for mode in ("normal", "degraded")
    )
    assert degraded < normal
    assert all(each.confidence >= FORMER.degraded.found_from for each in made.answers["degraded"] if each.is_click)


def test_one_application_is_not_enough() -> None:
    """With nothing to leave out there is nothing to measure on."""
    alone = [each for each in trials(20) if each.case.app == "one"]
    with pytest.raises(ConfigError, match="at least two applications"):
        measured(alone, FORMER)


def test_without_wrong_places_nothing_is_fitted() -> None:
    """Where all places are right, or where there are none, it is said what the corpus lacks."""
    right = [each for each in trials(50) if each.places[0][1].is_right]
    for given in (right, [unchanged(1, is_right=True)], []):
        with pytest.raises(ConfigError, match="no places that are right beside others that are wrong"):
            fit_trials(given, FORMER)


def test_how_sure_an_unchanged_view_is_comes_from_how_often_it_was_right() -> None:
    """Of none it is even odds; 98 of 98 are worth 0.99, and a wrong one among them costs."""
    shown = trials(30)
    assert fit_trials(shown, FORMER).seen_unchanged == 0.5
    many = [unchanged(number, is_right=True) for number in range(98)]
    assert fit_trials([*shown, *many], FORMER).seen_unchanged == 0.99
    assert fit_trials([*shown, *many[1:], unchanged(99, is_right=False)], FORMER).seen_unchanged == 0.98


@pytest.mark.parametrize(
    ("wrong", "count", "most"), [(0, 10, 0.2589), (0, 1000, 0.002991), (1, 100, 0.04656), (5, 50, 0.1989), (7, 7, 1.0)]
)
def test_the_interval_is_that_of_clopper_and_pearson(wrong: int, count: int, most: float) -> None:
    """Known values of the one-sided 95% bound; three divided by the count where nothing was wrong."""
    assert most_wrong(wrong, count) == pytest.approx(most, rel=2e-3)


# ---------------------------------------------------------------------------------------------------------- telling


def test_the_table_has_a_line_for_each_application() -> None:
    """The terminal shows what was measured on each application, and on all."""
    out = io.StringIO()
    Console(file=out, width=120).print(table(measured(trials(60), FORMER)))
    lines = [each.split() for each in out.getvalue().splitlines() if each.strip()]
    assert [each[0] for each in lines[1:]] == ["one", "three", "two", "all"]
    assert all(each[1] in {"60", "180"} for each in lines[1:])


def test_the_diagrams_are_small_and_say_in_words_what_they_show() -> None:
    """Each is a small SVG with a title; the dots of the reliability diagram lie within it."""
    drawn = diagrams(measured(trials(), FORMER))
    assert set(drawn) == {"reliability.svg", "risk-coverage.svg"}
    for text in drawn.values():
        root = ET.fromstring(text)  # noqa: S314  our own text
        assert len(text) < 30_000
        assert "wrong" in (root.findtext("{*}title") or "") or "calibration error" in (root.findtext("{*}title") or "")
        dots = list(root.iter("{http://www.w3.org/2000/svg}circle"))
        assert dots
        assert all(0 < float(dot.get("cx", 0)) < 560 for dot in dots)
        assert all(0 < float(dot.get("cy", 0)) < 420 for dot in dots)


def test_the_dots_of_a_believable_model_lie_near_the_diagonal() -> None:
    """What was drawn with known chances is shown where it belongs."""
    root = ET.fromstring(diagrams(measured(trials(1000), FORMER))["reliability.svg"])  # noqa: S314  our own text
    dots = [
        (float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in root.iter("{http://www.w3.org/2000/svg}circle")
    ]
    shares = [((x - 78) / 458, (360 - y) / 336) for x, y in dots]
    assert len(shares) == 10
    assert all(abs(confidence - right) < 0.12 for confidence, right in shares)


def test_the_page_says_what_was_measured() -> None:
    """Its figures are those of the calibration, for both modes and each application."""
    made = measured(trials(), FORMER)
    text = page(made)
    for mode in (FORMER.normal, FORMER.degraded):
        assert f"| {mode.found_from:.2f} | {mode.lead_from:.2f} |" in text
    assert "| one | 300 |" in text
    assert "| all | 900 |" in text
    assert "900 cases of 3 applications (one, three, two)" in text
    assert "60 targets" in text


def test_the_page_of_the_documentation_is_of_this_model() -> None:
    """What docs/calibration.md says of the two modes is what the shipped file demands."""
    text = PAGE.read_text(encoding="utf-8")
    for name, mode in (("NORMAL", FORMER.normal), ("DEGRADED", FORMER.degraded)):
        assert f"| {name} | {mode.found_from:.2f} | {mode.lead_from:.2f} |" in text
