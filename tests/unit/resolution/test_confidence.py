"""The model of confidence: a probability, which more evidence never makes smaller."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from steadyhand.model.geometry import Box
from steadyhand.resolution.confidence import Model, are_one, features
from steadyhand.resolution.controls import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE, BELOW = Box(100, 100, 80, 30), Box(100, 200, 80, 30)
FULL = {"text": 1.0, "row": 1.0, "column": 1.0, "identity": 1.0, "place": 1.0, "look": 1.0, "shape": 1.0, "page": 1.0}
POOR = {"text": 0.0, "row": 0.0, "column": 0.0, "identity": 0.0, "place": 0.0, "look": 0.2, "shape": 0.3, "page": 0.0}


def chance(*candidates: tuple[Box, Mapping[str, float]]) -> float:
    """The probability of the first of these candidates for a button."""
    return Model.fitted().probability(features(Kind.WORDS, candidates, has_text=True)[0])


def test_all_evidence_makes_it_sure_and_none_makes_it_unlikely() -> None:
    """The scale reaches from hardly ever to nearly always, and never says never or always."""
    assert chance((HERE, FULL)) > 0.95
    assert chance((HERE, POOR)) < 0.05
    model = replace(Model.fitted(), weights={"any": 1.0}, intercept=0.0)
    assert model.probability({}) == 0.5
    assert 0 < model.probability({"any": -1e9}) < 1e-9
    assert 1 - 1e-9 < model.probability({"any": 1e9}) < 1


@pytest.mark.parametrize("name", ["text", "identity", "page"])
def test_each_kind_of_evidence_counts(name: str) -> None:
    """Without one of them a candidate is less likely than with it."""
    assert chance((HERE, {**FULL, name: 0.0})) < chance((HERE, FULL))


def test_a_rival_that_fits_as_well_makes_it_unsure() -> None:
    """Two candidates with the same evidence: neither is likely enough to be found."""
    alone, beside_a_twin = chance((HERE, FULL)), chance((HERE, FULL), (BELOW, FULL))
    assert beside_a_twin < Model.fitted().normal.found_from <= alone


def test_a_rival_in_other_surroundings_costs_little() -> None:
    """The same button in another row: the row decides."""
    elsewhere = {**FULL, "row": 0.0, "identity": 0.0}
    assert chance((HERE, FULL), (BELOW, elsewhere)) > Model.fitted().normal.found_from
    assert chance((BELOW, elsewhere), (HERE, FULL)) < 0.3


def test_the_same_place_seen_twice_is_no_rival() -> None:
    """Boxes that overlap, or hold each other's middle, are one thing."""
    assert are_one(HERE, HERE.shifted(10, 4))
    assert are_one(HERE, HERE.grown(100, 4))
    assert not are_one(HERE, BELOW)
    assert chance((HERE, FULL), (HERE.shifted(4, 2), FULL)) == chance((HERE, FULL))


def test_what_is_demanded_grows_when_a_workflow_is_degraded() -> None:
    """The thresholds are shares, and the stricter ones are stricter."""
    model = Model.fitted()
    assert 0.5 < model.normal.found_from < model.degraded.found_from < 1
    assert 0 < model.normal.lead_from <= model.degraded.lead_from < 1
    assert model.seen_unchanged > model.normal.found_from
