"""The simulation of versions and of attackers, seeded: false alarms, what is found, and what an attacker gets in."""

from __future__ import annotations

import pytest

from steadyhand.bench.regression import Case, attacks, poison_table, table, versions
from steadyhand.policy import MODES, Policy

POLICY = Policy()


@pytest.mark.parametrize(
    "case", [Case(5, 0.02, 0.02), Case(8, 0.1, 0.1), Case(20, 0.3, 0.3, 0.95, 0.95)], ids=lambda case: case.runs_before
)
@pytest.mark.parametrize("mode", MODES)
def test_4_4_good_versions_are_taken_back_no_more_often_than_the_policy_says(case: Case, mode: str) -> None:
    """Whatever was before, and however few runs it is known from; a rate that is measured may be off by chance."""
    policy = Policy(**Policy.preset(next(each for each in MODES if each == mode)))
    count = 200
    assert versions(case, policy, count).taken_back <= policy.regression_false_alarms + 3 / count


def test_4_4_a_version_that_breaks_every_run_is_found_within_few() -> None:
    """Half of them within three runs, nine in ten within four, after twenty runs."""
    found = versions(Case(20, 0.02, 1), POLICY, 200)
    assert found.taken_back == 1
    assert found.median_runs is not None
    assert found.most_runs is not None
    assert 2 <= found.median_runs <= found.most_runs <= 5


def test_4_4_less_confidence_alone_is_found() -> None:
    """Nothing fails, and yet every version is taken back whose finds are very much less sure."""
    found = versions(Case(20, 0.02, 0.02, 0.98, 0.88), POLICY, 100)
    assert found.taken_back == 1


def test_the_same_seed_gives_the_same_figures() -> None:
    """And another seed gives others."""
    case = Case(20, 0.02, 0.5)
    assert versions(case, POLICY, 50, seed=1) == versions(case, POLICY, 50, seed=1)
    assert versions(case, POLICY, 50, seed=1) != versions(case, POLICY, 50, seed=2)


@pytest.mark.parametrize("harm", [0.0, 0.01, 0.2, 1.0])
def test_6_an_attacker_gets_no_more_in_than_the_budget(harm: float) -> None:
    """Before the watch has seen what they fed: never more, and the more harm it does, the less of it."""
    done = attacks(harm, POLICY, 100)
    assert done.most_added <= POLICY.learning_budget_on_watch
    if harm >= 0.2:
        assert done.seen == 1
        assert done.median_added == POLICY.learning_budget_per_run
        assert done.most_added <= 2 * POLICY.learning_budget_per_run
    if harm == 0:
        assert (done.seen, done.median_added, done.median_runs) == (0, POLICY.learning_budget_on_watch, None)


def test_the_tables_have_a_row_for_each() -> None:
    """Also where nothing was taken back and nobody was seen."""
    found = versions(Case(5, 0, 0), POLICY, 10), versions(Case(20, 0, 1), POLICY, 10)
    assert table(found).row_count == 2
    assert poison_table([attacks(0.0, POLICY, 10)]).row_count == 1
