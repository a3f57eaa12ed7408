"""How often the resolver is right, wrong, or refuses, on a corpus of drift cases.

*Right* is a click that has the recorded effect; *wrong* is any other click; a *refusal* is no click. On a negative case
the refusal is what is wanted. All shares are of the cases named: right and refused of the positives, wrong of all.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from steadyhand.bench.corpus import Corpus
from steadyhand.clock import cpu_s
from steadyhand.model.outcome import Found
from steadyhand.resolution.cascade import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from steadyhand.bench.corpus import Case
    from steadyhand.resolution.target import Target

_BINS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What the resolver did with one case.

    Attributes:
        case: Which one.
        is_click: It would have clicked.
        is_right: The click has the recorded effect.
        method: The rung that found it; empty for a refusal.
        confidence: What it said of its click, 0 to 1.
        cpu_ms: Milliseconds of CPU that resolving took; knowing the target and decoding the files not counted.
    """

    case: Case
    is_click: bool
    is_right: bool
    method: str
    confidence: float
    cpu_ms: float


@dataclass
class Score:
    """The figures of a group of cases.

    Attributes:
        positives: Cases whose target is there.
        negatives: Cases in which every click is wrong.
        right: Clicks with the recorded effect.
        wrong: All other clicks.
        cpu_ms: One entry a case.
    """

    positives: int = 0
    negatives: int = 0
    right: int = 0
    wrong: int = 0
    cpu_ms: list[float] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        """Count one answer."""
        if answer.case.replay.present:
            self.positives += 1
        else:
            self.negatives += 1
        self.right += answer.is_right
        self.wrong += answer.is_click and not answer.is_right
        self.cpu_ms.append(answer.cpu_ms)

    @property
    def right_share(self) -> float:
        """Right clicks of the positives."""
        return self.right / self.positives if self.positives else 0.0

    @property
    def wrong_share(self) -> float:
        """Wrong clicks of all cases."""
        return self.wrong / len(self.cpu_ms) if self.cpu_ms else 0.0

    def figures(self) -> dict[str, float]:
        """Everything that is printed of the group."""
        return {
            "cases": len(self.cpu_ms),
            "positives": self.positives,
            "right": self.right,
            "wrong": self.wrong,
            "right_share": round(self.right_share, 4),
            "wrong_share": round(self.wrong_share, 4),
            "cpu_median_ms": round(float(np.median(self.cpu_ms)), 1) if self.cpu_ms else 0.0,
            "cpu_95th_ms": round(float(np.percentile(self.cpu_ms, 95)), 1) if self.cpu_ms else 0.0,
        }


def answer(corpus: Corpus, case: Case, target: Target, resolver: Resolver) -> Answer:
    """Resolve the target of one case and compare with the truth."""
    image = corpus.frame(case.replay_frame)
    began_s = cpu_s()
    result = resolver.resolve(target, image)
    cpu_ms = (cpu_s() - began_s) * 1000
    if not isinstance(result, Found):
        return Answer(case, is_click=False, is_right=False, method="", confidence=0.0, cpu_ms=cpu_ms)
    return Answer(case, True, case.is_right(result.point), result.method.value, result.confidence, cpu_ms)  # noqa: FBT003  two facts of one answer


def run(folder: Path, every: int = 1, progress: Callable[[int, int], None] | None = None) -> list[Answer]:
    """Answer the cases of a corpus, those on the same screens one after the other.

    Args:
        folder: The corpus.
        every: Take only each n-th case, for a quick look.
        progress: Told how many of how many cases are done.

    Raises:
        ConfigError: The corpus cannot be used.
    """
    corpus, resolver = Corpus(folder), Resolver()
    cases = sorted(corpus.cases[::every], key=lambda case: (case.record_frame, case.record.bbox, case.replay_frame))
    answers: list[Answer] = []
    known: tuple[tuple[str, object], Target] | None = None
    for case in cases:
        key = (case.record_frame, case.record.bbox)
        if known is None or known[0] != key:
            known = (key, corpus.target(case))
        answers.append(answer(corpus, case, known[1], resolver))
        if progress is not None:
            progress(len(answers), len(cases))
    return answers


def scores(answers: Iterable[Answer]) -> dict[str, Score]:
    """The figures of all cases, and by application, drift, kind of negative and method."""
    groups: dict[str, Score] = defaultdict(Score)
    for each in answers:
        names = ["all", f"app: {each.case.app}", *(f"drift: {kind}" for kind in each.case.drift)]
        names.append(f"negative: {each.case.negative}" if each.case.negative else "positive")
        if each.method:
            names.append(f"method: {each.method}")
        for name in names:
            groups[name].add(each)
    return dict(sorted(groups.items(), key=lambda item: (item[0] != "all", item[0])))


def calibration_error(answers: Iterable[Answer]) -> float:
    """How far confidence is from the share of right answers: the expected calibration error over ten equal bins.

    Source: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    clicks = [(each.confidence, each.is_right) for each in answers if each.is_click]
    error = 0.0
    for lower in np.linspace(0, 1, _BINS, endpoint=False):
        inside = [pair for pair in clicks if lower < pair[0] <= lower + 1 / _BINS]
        if inside:
            confidence, right = np.mean([pair[0] for pair in inside]), np.mean([pair[1] for pair in inside])
            error += len(inside) / len(clicks) * abs(float(confidence - right))
    return error


def table(answers: list[Answer]) -> Table:
    """The figures for a terminal, a line for each group."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "cases", "right", "of positives", "wrong", "of all", "CPU median", "95th"):
        shown.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for name, score in scores(answers).items():
        figures = score.figures()
        shown.add_row(
            name,
            f"{figures['cases']:.0f}",
            f"{score.right}",
            f"{score.right_share:.1%}" if score.positives else "",
            f"{score.wrong}",
            f"{score.wrong_share:.2%}",
            f"{figures['cpu_median_ms']:.0f} ms",
            f"{figures['cpu_95th_ms']:.0f} ms",
        )
    shown.caption = f"Expected calibration error of the clicks: {calibration_error(answers):.3f}"
    return shown


def as_json(answers: list[Answer]) -> dict[str, object]:
    """The whole result, for programs."""
    return {
        "groups": {name: score.figures() for name, score in scores(answers).items()},
        "calibration_error": round(calibration_error(answers), 4),
        "wrong": [
            {**{k: v for k, v in asdict(each).items() if k != "case"}, "id": each.case.id}
            for each in answers
            if each.is_click and not each.is_right
        ],
    }
