"""How far a confidence can be believed: measured on applications that had no part in the fit.

One application after the other is *left out*: the model is fitted on the others, and answers the cases of this one. All
figures are of these answers, for the applications that users have were not fitted on either. *Right*, *wrong* and the
shares are those of `steadyhand.bench.drift`. A *mode* is a pair of thresholds of the model, `normal` or `degraded`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import exp, lgamma, log, log1p
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.table import Table

from steadyhand.bench.calibrate import collect, fit_trials
from steadyhand.bench.diagrams import Bin, reliability, risk_coverage
from steadyhand.bench.drift import Answer, calibration_error, scores
from steadyhand.errors import ConfigError
from steadyhand.model.outcome import Found, Method, Thresholds
from steadyhand.resolution.cascade import decide
from steadyhand.resolution.rungs import ranked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from steadyhand.bench.calibrate import Trial
    from steadyhand.bench.corpus import Case
    from steadyhand.resolution.confidence import Model

MODES = ("normal", "degraded")

_DOUBT = 0.05
"""How often an interval may miss the truth. Source: a convention."""

_BINS = 10
_CURVE_POINTS = 401


@dataclass(frozen=True, slots=True)
class Calibration:
    """A model, and what it is worth.

    Attributes:
        model: Fitted on all applications.
        answers: For each mode, what models answered that were not fitted on the application that is asked about.
        unbounded: The same for no least probability, and the lead that `normal` demands.
        unchanged: In how many cases the target's view was as recorded, so that no model was needed.
    """

    model: Model
    answers: Mapping[str, Sequence[Answer]]
    unbounded: Sequence[Answer]
    unchanged: int


def calibrate(folder: Path, former: Model, progress: Callable[[int, int], None] | None = None) -> Calibration:
    """Fit the model on a corpus, and measure what it is worth.

    Args:
        folder: The corpus.
        former: Its thresholds are kept: they are decisions, not fits.
        progress: Told how many of how many cases are done.

    Raises:
        ConfigError: The corpus cannot be used, or holds cases to judge by.
    """
    return measured(collect(folder, progress), former)


def measured(trials: Sequence[Trial], former: Model) -> Calibration:
    """Fit the model on some trials, and measure what it is worth.

    Raises:
        ConfigError: The trials are of one application, or show nothing to learn.
    """
    apps = sorted({trial.case.app for trial in trials})
    if len(apps) < 2:  # noqa: PLR2004  one to fit on and one to measure on
        raise ConfigError("The cases of at least two applications are needed: one is left out to measure on.")
    left_out = {app: fit_trials([trial for trial in trials if trial.case.app != app], former) for app in apps}

    def answers(thresholds: Thresholds) -> list[Answer]:
        return [_answer(trial, left_out[trial.case.app], thresholds) for trial in trials]

    return Calibration(
        model=fit_trials(trials, former),
        answers={"normal": answers(former.normal), "degraded": answers(former.degraded)},
        unbounded=answers(replace(former.normal, found_from=0.0)),
        unchanged=sum(trial.unchanged is not None for trial in trials),
    )


def most_wrong(wrong: int, count: int, doubt: float = _DOUBT) -> float:
    """The highest share of wrong ones under which so few would still be seen with a probability of `doubt`.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
        Biometrika 26, 1934. Where none is wrong it is about 3 / count for a doubt of 0.05 (the rule of three).
    """
    if wrong >= count:
        return 1.0
    low, high = wrong / count, 1.0
    for _ in range(50):  # halves; far below what is printed
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(wrong, count, middle) > doubt else (low, middle)
    return high


def table(calibration: Calibration) -> Table:
    """The figures for a terminal, a line for each application that was left out."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    headings = ["left out", "cases", *(f"{mode}: {what}" for mode in MODES for what in ("right", "wrong")), "error"]
    for heading in headings:
        shown.add_column(heading, justify="left" if heading == "left out" else "right", no_wrap=True)
    for row in _rows(calibration):
        shares = [
            said for mode in MODES for said in (f"{row[f'{mode}_right_share']:.1%}", f"{row[f'{mode}_wrong']:.0f}")
        ]
        shown.add_row(str(row["name"]), f"{row['cases']:.0f}", *shares, f"{row['calibration_error']:.3f}")
    return shown


def as_json(calibration: Calibration) -> dict[str, object]:
    """The whole result, for programs."""
    return {"model": asdict(calibration.model), "left_out": _rows(calibration)}


def diagrams(calibration: Calibration) -> dict[str, str]:
    """The reliability diagram and the risk-coverage curve, as SVG by file name."""
    found = [each for each in calibration.unbounded if each.is_click]
    marked = [
        (mode, score.right_share, score.wrong_share)
        for mode, score in ((mode, scores(calibration.answers[mode])["all"]) for mode in MODES)
    ]
    return {
        "reliability.svg": reliability(_bins(found), calibration_error(calibration.answers["normal"])),
        "risk-coverage.svg": risk_coverage(
            [_at(calibration.unbounded, float(least)) for least in np.linspace(1, 0, _CURVE_POINTS)], marked
        ),
    }


def page(calibration: Calibration) -> str:
    """The page of the documentation that says what confidence is worth."""
    cases = [each.case for each in calibration.unbounded]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown of our own figures, and no page for a browser
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("calibration.md.j2").render(
        model=calibration.model,
        rows=_rows(calibration),
        cases=len(cases),
        positives=sum(case.replay.present for case in cases),
        targets=len(set(map(_target, cases))),
        unchanged=calibration.unchanged,
        error_of_all=calibration_error(calibration.unbounded),
        unsure=_unsure(calibration),
        modes={mode: _promise(calibration, mode) for mode in MODES},
    )


def _answer(trial: Trial, model: Model, thresholds: Thresholds) -> Answer:
    """What a resolver with this model would have answered; what that costs is not known."""
    silent = Answer(trial.case, is_click=False, is_right=False, method="", confidence=0.0, cpu_ms=0.0)
    if trial.unchanged is not None:
        method, confidence, is_right = Method.ANCHOR_TEMPLATE, model.seen_unchanged, trial.unchanged
    else:
        confidences = [model.probability(example.features) for _, example in trial.places]
        places = [
            replace(candidate, confidence=confidence)
            for (candidate, _), confidence in zip(trial.places, confidences, strict=True)
        ]
        decided = decide(ranked(places), thresholds)
        if not isinstance(decided, Found):
            return silent
        method, confidence, is_right = decided.method, decided.confidence, trial.case.is_right(decided.point)
    return replace(silent, is_click=True, is_right=is_right, method=method.value, confidence=confidence)


def _at(answers: Sequence[Answer], least: float) -> tuple[float, float]:
    """The right clicks of the positives and the wrong ones of all cases, if so much confidence were demanded."""
    clicks = [each.is_right for each in answers if each.is_click and each.confidence >= least]
    right, positives = sum(clicks), sum(each.case.replay.present for each in answers)
    return right / max(1, positives), (len(clicks) - right) / len(answers)


def _bins(clicks: Sequence[Answer]) -> list[Bin]:
    """Answers by their confidence, in bins of one width, with the interval of each share."""
    bins = []
    for lower in np.linspace(0, 1, _BINS, endpoint=False):
        inside = [each for each in clicks if lower < each.confidence <= lower + 1 / _BINS]
        if inside:
            count, right = len(inside), sum(each.is_right for each in inside)
            confidence = float(np.mean([each.confidence for each in inside]))
            lowest = 1 - most_wrong(count - right, count, _DOUBT / 2)
            bins.append(Bin(confidence, right / count, lowest, most_wrong(right, count, _DOUBT / 2), count))
    return bins


def _rows(calibration: Calibration) -> list[dict[str, float | str]]:
    """The figures of all cases and of each application that was left out."""
    by_mode = {mode: scores(calibration.answers[mode]) for mode in MODES}
    names = [name for name in by_mode["normal"] if name == "all" or name.startswith("app: ")]
    rows: list[dict[str, float | str]] = []
    for name in (*names[1:], *names[:1]):
        score = by_mode["normal"][name]
        row: dict[str, float | str] = {"name": name.removeprefix("app: "), "cases": len(score.cpu_ms)}
        for mode in MODES:
            each = by_mode[mode][name]
            row |= {f"{mode}_right_share": round(each.right_share, 6), f"{mode}_wrong": each.wrong}
        mine = [each for each in calibration.answers["normal"] if name in {"all", f"app: {each.case.app}"}]
        rows.append({**row, "calibration_error": round(calibration_error(mine), 4)})
    return rows


def _promise(calibration: Calibration, mode: str) -> dict[str, float]:
    """What a mode allows: how many clicks were wrong, and how many could be without having been seen."""
    answers = calibration.answers[mode]
    wrong = [each.case for each in answers if each.is_click and not each.is_right]
    targets, wrong_targets = len({_target(each.case) for each in answers}), len(set(map(_target, wrong)))
    thresholds: Thresholds = getattr(calibration.model, mode)
    return {
        **asdict(thresholds),
        "right_share": scores(answers)["all"].right_share,
        "wrong": len(wrong),
        "wrong_targets": wrong_targets,
        "most_of_cases": most_wrong(len(wrong), len(answers)),
        "most_of_targets": most_wrong(wrong_targets, targets),
    }


def _unsure(calibration: Calibration) -> dict[str, float]:
    """What was said of answers that are likelier right than wrong, but not by enough for a click; and what is true."""
    least = calibration.model.normal.found_from
    answers = [each for each in calibration.unbounded if each.is_click and 0.5 < each.confidence < least]  # noqa: PLR2004  even odds
    count = max(1, len(answers))
    said, right = sum(each.confidence for each in answers) / count, sum(each.is_right for each in answers) / count
    return {"count": len(answers), "said": said, "right": right}


def _target(case: Case) -> tuple[str, str]:
    """What tells a target from the others, whatever the release; each recording is one where targets have no names."""
    return case.app, case.step or f"{case.record_frame} {tuple(case.record.point)}"


def _at_most(count: int, of: int, share: float) -> float:
    """The probability of at most `count` hits in `of` tries, each of which hits with the probability `share`."""
    if share >= 1:
        return float(count >= of)
    ways = (lgamma(of + 1) - lgamma(hits + 1) - lgamma(of - hits + 1) for hits in range(count + 1))
    return sum(exp(way + hits * log(share) + (of - hits) * log1p(-share)) for hits, way in enumerate(ways))
