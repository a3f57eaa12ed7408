"""How often the resolver is right, wrong, or refuses, on a corpus of drift cases.

*Right* is a click that has the recorded effect; *wrong* is any other click; a *refusal* is no click. On a negative case
the refusal is what is wanted. All shares are of the cases named: right and refused of the positives, wrong of all.
A *tool* is ours or a peer (`steadyhand.bench.peers`); all tools answer a case before the next one comes, so that what
else a shared machine does falls on all of them alike.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from steadyhand.bench.corpus import Corpus
from steadyhand.bench.cost import measured, one_thread
from steadyhand.bench.peers import OURS, Quest
from steadyhand.model.outcome import Found
from steadyhand.resolution.cascade import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from steadyhand.bench.corpus import Case
    from steadyhand.bench.peers import Peers
    from steadyhand.resolution.target import Target

_BINS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool did with one case.

    Attributes:
        case: Which one.
        is_click: It would have clicked.
        is_right: The click has the recorded effect.
        method: The rung that found it; empty for a refusal.
        confidence: What it said of its click, 0 to 1; 0 if it says nothing.
        cpu_ms: Milliseconds of CPU that resolving took; knowing the target and decoding the files not counted.
        fault: What it raised instead of an answer; empty if nothing.
    """

    case: Case
    is_click: bool
    is_right: bool
    method: str
    confidence: float
    cpu_ms: float
    fault: str = ""


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
    result, cpu_ms = measured(lambda: resolver.resolve(target, image))
    if not isinstance(result, Found):
        return Answer(case, is_click=False, is_right=False, method="", confidence=0.0, cpu_ms=cpu_ms)
    is_right = case.is_right(result.point)
    return Answer(
        case, is_click=True, is_right=is_right, method=result.method.value, confidence=result.confidence, cpu_ms=cpu_ms
    )


def peer_answer(corpus: Corpus, case: Case, peers: Peers, name: str) -> Answer:
    """Let a peer find the target of one case and compare with the truth.

    Raises:
        ConfigError: The peer took its process down with it.
    """
    recorded, replayed = (str(corpus.folder / frame) for frame in (case.record_frame, case.replay_frame))
    seen = peers.find(name, Quest(recorded, case.record.bbox, case.record.point, replayed))
    return Answer(
        case,
        is_click=seen.point is not None,
        is_right=seen.point is not None and case.is_right(seen.point),
        method="",
        confidence=seen.confidence,
        cpu_ms=seen.cpu_ms,
        fault=seen.fault,
    )


def run(folder: Path, every: int = 1, progress: Callable[[int, int], None] | None = None) -> list[Answer]:
    """Answer the cases of a corpus; see `compare`."""
    return compare(folder, None, every, progress)[OURS]


def compare(
    folder: Path, peers: Peers | None, every: int = 1, progress: Callable[[int, int], None] | None = None
) -> dict[str, list[Answer]]:
    """Answer the cases of a corpus with all tools, those on the same screens one after the other.

    Args:
        folder: The corpus.
        peers: Who answers beside ours; nobody if not given.
        every: Take only each n-th case, for a quick look.
        progress: Told how many of how many cases are done.

    Returns:
        The answers of each tool, ours first, in the same order.

    Raises:
        ConfigError: The corpus cannot be used, or a peer took its process down with it.
    """
    corpus, resolver = Corpus(folder), Resolver()
    cases = sorted(corpus.cases[::every], key=lambda case: (case.record_frame, case.record.bbox, case.replay_frame))
    names = list(peers.ready) if peers else []
    answers: dict[str, list[Answer]] = {name: [] for name in (OURS, *names)}
    known: tuple[tuple[str, object], Target] | None = None
    with one_thread():
        for number, case in enumerate(cases, start=1):
            key = (case.record_frame, case.record.bbox)
            if known is None or known[0] != key:
                known = (key, corpus.target(case))
                resolver.prepare(known[1])
            answers[OURS].append(answer(corpus, case, known[1], resolver))
            for name in names:
                assert peers is not None
                answers[name].append(peer_answer(corpus, case, peers, name))
            if progress is not None:
                progress(number, len(cases))
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
    """The figures of ours for a terminal, a line for each group."""
    shown = _table()
    for name, score in scores(answers).items():
        shown.add_row(name, *_cells(score))
    shown.caption = f"Expected calibration error of the clicks: {calibration_error(answers):.3f}"
    return shown


def comparison_table(answers: Mapping[str, list[Answer]]) -> Table:
    """The figures of all tools side by side, for a terminal."""
    shown = _table()
    for heading in ("calibration error", "faults"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for tool, given in answers.items():
        figures = tool_figures(given)
        error, faults = figures["calibration_error"], figures["faults"]
        shown.add_row(tool, *_cells(_whole(given)), "" if error is None else f"{error:.3f}", str(faults or ""))
    return shown


def tool_figures(answers: list[Answer]) -> dict[str, float | None]:
    """Everything that is said of one tool; its calibration error only if it says how sure it is."""
    says_confidence = any(each.confidence for each in answers)
    return {
        **_whole(answers).figures(),
        "calibration_error": round(calibration_error(answers), 4) if says_confidence else None,
        "faults": sum(bool(each.fault) for each in answers),
    }


def _whole(answers: list[Answer]) -> Score:
    return scores(answers).get("all", Score())


def _table() -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "cases", "right", "of positives", "wrong", "of all", "CPU median", "95th"):
        shown.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    return shown


def _cells(score: Score) -> tuple[str, ...]:
    figures = score.figures()
    return (
        f"{figures['cases']:.0f}",
        f"{score.right}",
        f"{score.right_share:.1%}" if score.positives else "",
        f"{score.wrong}",
        f"{score.wrong_share:.2%}",
        f"{figures['cpu_median_ms']:.0f} ms",
        f"{figures['cpu_95th_ms']:.0f} ms",
    )


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
