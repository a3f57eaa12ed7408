"""Fitting the model that turns evidence into confidence, on a corpus of cases whose truth is known.

A *trial* is a case with every place that the rungs propose for it. Each of these places is an *example*: its features,
and whether a click there would have been right. A target whose view is *unchanged* is found without the model, and is
no example. The weights are those of a logistic model with a little regularisation, where no feature that speaks for a
candidate may have a negative weight and none that speaks against it a positive one.

What is judged by must not be fitted on: cases that a corpus names as `test` are refused.

Source: projected gradient descent with momentum (Nesterov, 1983; Beck and Teboulle, "A Fast Iterative
    Shrinkage-Thresholding Algorithm", 2009); the problem is convex, so that where it begins does not matter.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.bench.corpus import Corpus
from steadyhand.errors import ConfigError
from steadyhand.model.outcome import Candidate, Method
from steadyhand.perception.scene import Scene
from steadyhand.resolution.cascade import weigh_evidence
from steadyhand.resolution.controls import Kind
from steadyhand.resolution.evidence import Present
from steadyhand.resolution.recorded import Recorded
from steadyhand.resolution.rungs import View, distinctive_view, point_of, propose, seen_unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.bench.corpus import Case
    from steadyhand.resolution.confidence import Model

_FREE = frozenset(f"is_{kind.value}" for kind in Kind)
_AGAINST = frozenset({"no_lead"})
_REGULARISATION = 0.5
_ROUNDS = 20_000


@dataclass(frozen=True, slots=True)
class Example:
    """A place that was proposed.

    Attributes:
        features: What the model looks at.
        is_right: A click there would have had the recorded effect.
    """

    features: Mapping[str, float]
    is_right: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A case with all that was proposed for it.

    Attributes:
        case: Which one.
        unchanged: Whether a click was right where the target's whole view was as recorded; None if it was not, or was
            no proof, so that other places were weighed.
        places: Each of them as a candidate without a confidence, and as an example.
    """

    case: Case
    unchanged: bool | None
    places: tuple[tuple[Candidate, Example], ...] = ()


def collect(folder: Path, progress: Callable[[int, int], None] | None = None) -> list[Trial]:
    """Try all cases of a corpus, on all cores.

    Args:
        folder: The corpus.
        progress: Told how many of how many cases are done.

    Raises:
        ConfigError: The corpus cannot be used, or holds cases to judge by.
    """
    cases = sorted(Corpus(folder).cases, key=_screens)
    kept_apart = [case.id for case in cases if case.split == "test"]
    if kept_apart:
        raise ConfigError(
            f"{folder} holds {len(kept_apart)} cases that are named as test, the first of them {kept_apart[0]}.",
            "What is fitted on them can no longer be judged by them: leave them out.",
        )
    groups = [(folder, list(group)) for _, group in groupby(cases, key=lambda case: case.record_frame)]
    trials: list[Trial] = []
    # Spawned, not forked: the parent may have threads, which OpenCV and Tesseract do not survive.
    with get_context("spawn").Pool(min(len(groups), os.cpu_count() or 1) or 1) as pool:
        for tried in pool.imap(_try_group, groups):
            trials += tried
            if progress is not None:
                progress(len(trials), len(cases))
    return trials


def examples(trials: Sequence[Trial]) -> list[Example]:
    """All places of some trials."""
    return [example for trial in trials for _, example in trial.places]


def fit(given: Sequence[Example], former: Model) -> Model:
    """Fit the weights.

    Args:
        given: At least one example of each outcome.
        former: All else is kept of it: its thresholds are decisions, not fits.
    """
    names = list(given[0].features)
    matrix = np.array([[example.features[name] for name in names] + [1.0] for example in given])
    truth = np.array([float(example.is_right) for example in given])
    lowest = np.array([-np.inf if name in _FREE | _AGAINST else 0.0 for name in names] + [-np.inf])
    highest = np.array([0.0 if name in _AGAINST else np.inf for name in names] + [np.inf])
    weights = _descend(matrix, truth, lowest, highest)
    return replace(
        former,
        weights={name: round(float(weight), 3) for name, weight in zip(names, weights, strict=False)},
        intercept=round(float(weights[-1]), 3),
    )


def fit_trials(trials: Sequence[Trial], former: Model) -> Model:
    """Fit the weights and the probability of an unchanged view.

    Args:
        trials: With at least one place that is right, and one that is wrong.
        former: Its thresholds are kept.

    Raises:
        ConfigError: All places are right, or all are wrong.

    Source: Laplace's rule of succession for the unchanged view, which was never wrong yet.
    """
    given = examples(trials)
    if len({example.is_right for example in given}) < 2:  # noqa: PLR2004  right ones and wrong ones
        raise ConfigError(
            "The corpus shows no places that are right beside others that are wrong.",
            "A model can only be fitted on cases whose target has changed, and on some whose target is absent.",
        )
    unchanged = [trial.unchanged for trial in trials if trial.unchanged is not None]
    return replace(fit(given, former), seen_unchanged=round((sum(unchanged) + 1) / (len(unchanged) + 2), 3))


def _screens(case: Case) -> tuple[str, str, tuple[float, ...]]:
    """What cases are ordered by, so that each screen is read as seldom as can be."""
    return case.record_frame, case.replay_frame, tuple(case.record.bbox)


@cache
def _opened(folder: Path) -> Corpus:
    """A corpus, once for each process."""
    cv2.setNumThreads(1)
    return Corpus(folder)


def _try_group(given: tuple[Path, list[Case]]) -> list[Trial]:
    """Try the cases that were recorded on one screen."""
    folder, cases = given
    corpus = _opened(folder)
    known: dict[tuple[object, ...], tuple[Recorded, View | None]] = {}
    trials: list[Trial] = []
    for case in cases:
        key = (case.record.bbox, case.record.point)
        if key not in known:
            recorded = Recorded(corpus.target(case))
            known[key] = recorded, distinctive_view(recorded)
        trials.append(_try(case, *known[key], Scene.of(corpus.frame(case.replay_frame))))
    return trials


def _try(case: Case, recorded: Recorded, view: View | None, scene: Scene) -> Trial:
    """Do with a case what a resolver does, up to the model."""
    seen = seen_unchanged(recorded, scene, view) if view is not None else None
    if seen is not None:
        return Trial(case, case.is_right(point_of(recorded, seen[0], Method.ANCHOR_TEMPLATE)))
    present = Present(scene, recorded)
    places = []
    for proposal, evidence, features in weigh_evidence(present, propose(present)):
        point = point_of(recorded, proposal.box, proposal.method)
        candidate = Candidate(point, proposal.box, 0.0, proposal.method, evidence, proposal.text)
        places.append((candidate, Example(features, case.is_right(point))))
    return Trial(case, None, tuple(places))


def _descend(
    matrix: NDArray[np.float64], truth: NDArray[np.float64], lowest: NDArray[np.float64], highest: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weights, within their bounds, under which the truth is likeliest; the last one is not regularised."""
    penalty = np.full(matrix.shape[1], 2 * _REGULARISATION)
    penalty[-1] = 0.0
    step = 1 / (0.25 * float(np.linalg.norm(matrix, 2)) ** 2 + 2 * _REGULARISATION)
    weights = ahead = np.zeros(matrix.shape[1])
    momentum = 1.0
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(matrix @ ahead, -30, 30)))
        gradient = matrix.T @ (chance - truth) + penalty * ahead
        following = np.clip(ahead - step * gradient, lowest, highest)
        next_momentum = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = following + (momentum - 1) / next_momentum * (following - weights)
        is_there = float(np.abs(following - weights).max()) < 1e-7  # noqa: PLR2004  far below what is written down
        weights, momentum = following, float(next_momentum)
        if is_there:
            break
    return weights
