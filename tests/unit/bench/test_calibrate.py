"""The fit finds what tells right places from wrong ones, and keeps to its bounds."""

from __future__ import annotations

import random

import pytest

from steadyhand.bench.calibrate import Example, fit
from steadyhand.resolution.confidence import Model

FORMER = Model.fitted()


def drawn(count: int, slope: float, seed: int = 3) -> list[Example]:
    """Examples whose chance of being right grows with `around` by a known slope, and not at all with `page`."""
    chance = random.Random(seed)
    examples = []
    for _ in range(count):
        around, page = chance.random(), chance.random()
        is_right = chance.random() < 1 / (1 + 2.718281828 ** -(slope * around - slope / 2))
        examples.append(Example({"around": around, "page": page}, is_right))
    return examples


def test_the_fit_finds_the_slope_that_the_examples_were_drawn_with() -> None:
    """What tells gets its weight, what tells nothing gets hardly any."""
    model = fit(drawn(6000, slope=6.0), FORMER)
    assert model.weights["around"] == pytest.approx(6, abs=0.5)
    assert model.weights["page"] < 0.4
    assert model.intercept == pytest.approx(-3, abs=0.5)


def test_what_is_said_is_how_often_it_is_so() -> None:
    """Of other examples of that kind, those that are said to be right with 0.7 to 0.9 are so in that share."""
    model = fit(drawn(6000, slope=6.0), FORMER)
    others = [(model.probability(each.features), each.is_right) for each in drawn(6000, slope=6.0, seed=4)]
    said = [pair for pair in others if 0.7 <= pair[0] <= 0.9]
    assert len(said) > 500
    assert sum(right for _, right in said) / len(said) == pytest.approx(sum(p for p, _ in said) / len(said), abs=0.05)


def test_what_speaks_for_a_place_never_counts_against_it() -> None:
    """Examples in which more evidence goes with being wrong do not turn the weight around; a free one may turn."""
    against = [Example({"around": x / 50, "no_lead": 1 - x / 50, "is_icon": x / 50}, x < 25) for x in range(51)]
    model = fit(against, FORMER)
    assert model.weights["around"] == 0
    assert model.weights["no_lead"] == 0
    assert model.weights["is_icon"] < 0


def test_thresholds_are_decisions_and_stay() -> None:
    """Only the weights and the intercept are fitted."""
    model = fit(drawn(200, slope=2.0), FORMER)
    assert (model.normal, model.degraded) == (FORMER.normal, FORMER.degraded)
    assert model.seen_unchanged == FORMER.seen_unchanged


def test_the_fit_is_the_same_each_time() -> None:
    """It begins at nothing and ends at the one best place."""
    given = drawn(300, slope=4.0)
    assert fit(given, FORMER) == fit(given, FORMER)
    assert fit(given[::-1], FORMER).weights == pytest.approx(fit(given, FORMER).weights, abs=2e-3)


def test_the_model_that_ships_keeps_to_the_bounds() -> None:
    """No weight of the shipped file lets evidence for a place count against it."""
    for name, weight in FORMER.weights.items():
        if not name.startswith("is_"):
            assert weight <= 0 if name == "no_lead" else weight >= 0, name
