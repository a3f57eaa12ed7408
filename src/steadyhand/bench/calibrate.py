"""Fitting the model that turns evidence into confidence, on a corpus of cases whose truth is known.

Every place that the rungs propose for a case is an example: its features, and whether a click there would have been
right. The weights are those of a logistic model with a little regularisation, where no feature that speaks for a
candidate may have a negative weight and none that speaks against it a positive one.

Source: projected gradient descent with momentum (Nesterov, 1983; Beck and Teboulle, "A Fast Iterative
    Shrinkage-Thresholding Algorithm", 2009); the problem is convex, so that where it begins does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steadyhand.bench.corpus import Corpus
from steadyhand.perception.scene import Scene
from steadyhand.resolution.cascade import weigh_evidence
from steadyhand.resolution.confidence import Model
from steadyhand.resolution.evidence import Kind, Present, Recorded
from steadyhand.resolution.rungs import propose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

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


def examples(folder: Path, progress: Callable[[int, int], None] | None = None) -> list[Example]:
    """All places that the rungs propose for the cases of a corpus.

    Raises:
        ConfigError: The corpus cannot be used.
    """
    corpus = Corpus(folder)
    cases = sorted(corpus.cases, key=lambda case: (case.record_frame, case.record.bbox, case.replay_frame))
    collected: list[Example] = []
    for number, case in enumerate(cases, start=1):
        present = Present(Scene.of(corpus.frame(case.replay_frame)), Recorded(corpus.target(case)))
        weighed = weigh_evidence(present, propose(present))
        collected += [Example(features, case.is_right(proposal.box.center)) for proposal, _, features in weighed]
        if progress is not None:
            progress(number, len(cases))
    return collected


def fit(given: Sequence[Example], former: Model) -> Model:
    """Fit the weights.

    Args:
        given: At least one example of each outcome.
        former: Its thresholds are kept: they are decisions, not fits.
    """
    names = list(given[0].features)
    matrix = np.array([[example.features[name] for name in names] + [1.0] for example in given])
    truth = np.array([float(example.is_right) for example in given])
    lowest = np.array([-np.inf if name in _FREE | _AGAINST else 0.0 for name in names] + [-np.inf])
    highest = np.array([0.0 if name in _AGAINST else np.inf for name in names] + [np.inf])
    weights = _descend(matrix, truth, lowest, highest)
    return Model(
        weights={name: round(float(weight), 3) for name, weight in zip(names, weights, strict=False)},
        intercept=round(float(weights[-1]), 3),
        seen_unchanged=former.seen_unchanged,
        found_from=former.found_from,
        lead_from=former.lead_from,
    )


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
