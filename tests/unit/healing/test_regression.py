"""The watch over what was learned: what a run shows, when a version counts as worse, and what is taken back."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from steadyhand.errors import StoreError
from steadyhand.healing.execution_state import ExecutionState
from steadyhand.healing.regression import (
    Attempt,
    Condemned,
    Regression,
    RegressionWatch,
    Span,
    Symptom,
    Tally,
    evidence,
)
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import (
    Ambiguous,
    Candidate,
    Found,
    Method,
    NotFound,
    StepResult,
    Thresholds,
    Trigger,
    Verdict,
)
from steadyhand.policy import Policy

if TYPE_CHECKING:
    from steadyhand.model.outcome import Resolution

POLICY = Policy()
NORMAL = Thresholds(0.85, 0.35)
PLACE = (Point(5, 5), Box(0, 0, 10, 10))


def found(confidence: float) -> Found:
    """A target that was found."""
    return Found(*PLACE, confidence, Method.SOM_TEXT_MATCH)


def missed(*confidences: float) -> NotFound:
    """A target that was missed, although some places were weighed."""
    return NotFound("", tuple(Candidate(*PLACE, each, Method.SOM_TEXT_MATCH) for each in confidences))


def step(
    name: str = "save", trigger: Trigger | None = None, resolution: Resolution | None = None, *, failed: bool = False
) -> StepResult:
    """What came of a step."""
    verdict = Verdict.FAILED if failed or trigger else Verdict.DONE
    return StepResult(name, "click", verdict, trigger=trigger, resolution=resolution)


def attempt(*results: StepResult, version: int = 1, state: ExecutionState = ExecutionState.NORMAL) -> Attempt:
    """What a run has shown by these steps."""
    made = Attempt(version)
    for each in results:
        made.add(each, state, NORMAL)
    return made


def good(version: int = 0) -> Attempt:
    """A run without a fault."""
    return Attempt(version)


def bad(version: int = 1, at: str = "save") -> Attempt:
    """A run that missed a target."""
    return attempt(step(at, Trigger.TARGET_NOT_FOUND), version=version)


def tell(watch: RegressionWatch, made: Attempt, times: int = 1, policy: Policy = POLICY) -> Regression | None:
    """So many runs end; they are complete if none of their steps failed. The first regression that this makes plain."""
    for _ in range(times):
        run = f"run {len(watch.ended)}"
        regression = watch.record(run, made, policy, is_complete=made.failed_at is None)
        if regression:
            return regression
    return None


@pytest.fixture
def watch() -> RegressionWatch:
    """A watch that has seen eight good runs before anything was learned."""
    made = RegressionWatch()
    tell(made, good(), 8)
    return made


# ---------------------------------------------------------------------------------------------------------- the test


def test_the_evidence_is_the_mixture_over_the_largest_likelihood() -> None:
    """By hand: 10/18 that eight are good, 1/5 that four are bad, over the largest likelihood at a third."""
    by_hand = (10 / 18) * (1 / 5) / ((1 / 3) ** 4 * (2 / 3) ** 8)
    assert evidence(Tally(8, 0), Tally(4, 4)) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("before", "since"),
    [
        (Tally(8, 0), Tally(4, 0)),
        (Tally(8, 4), Tally(4, 2)),
        (Tally(8, 4), Tally(4, 1)),
        (Tally(), Tally(4, 4)),
        (Tally(8, 0), Tally()),
    ],
)
def test_what_is_no_worse_has_no_evidence_against_it(before: Tally, since: Tally) -> None:
    """As bad, less bad, nothing before or nothing since: nothing speaks for it that it is worse."""
    assert evidence(before, since) == 0


def test_overwhelming_evidence_is_a_number() -> None:
    """However much there is, it stays finite, so that it can be kept."""
    assert math.isfinite(evidence(Tally(10_000, 0), Tally(10_000, 10_000)))


@pytest.mark.parametrize("before", [5, 8, 20])
@pytest.mark.parametrize("chance", [0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
def test_false_alarms_are_as_rare_as_promised(before: int, chance: float) -> None:
    """Exactly, by adding up the probabilities of all that may happen in 60 runs: at most 1% ever reach 100."""
    assert 0 < reached(before, chance, chance, runs=60, enough=100) <= 0.01


def test_the_exact_probability_can_be_large() -> None:
    """The sum that the test above makes does find what is to be found: a version that breaks everything."""
    assert reached(8, 0.01, 1, runs=60, enough=100) > 0.9


def reached(before: int, chance: float, chance_since: float, *, runs: int, enough: float) -> float:
    """The probability that the evidence ever reaches as much as is enough."""
    total = 0.0
    for bad_before in range(before + 1):
        weight = math.comb(before, bad_before) * chance**bad_before * (1 - chance) ** (before - bad_before)
        waiting = {0: 1.0}  # the probability of each number of bad runs, where it has not been reached yet
        for number in range(1, runs + 1):
            following: dict[int, float] = {}
            for count, probability in waiting.items():
                for more, share in ((0, 1 - chance_since), (1, chance_since)):
                    following[count + more] = following.get(count + more, 0.0) + probability * share
            tally = Tally(before, bad_before)
            waiting = {
                count: probability
                for count, probability in following.items()
                if evidence(tally, Tally(number, count)) < enough
            }
        total += weight * (1 - sum(waiting.values()))
    return total


def test_more_bad_than_there_was_is_no_tally() -> None:
    """It is refused where it is made, and so where it is read back."""
    assert Tally(2, 2).share == 1
    with pytest.raises(ValueError, match="more was bad"):
        Tally(1, 1.5)


# ---------------------------------------------------------------------------------------------------------- one run


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (step(), {"failed_runs": None, "bad_resolutions": None}),
        (step(trigger=Trigger.TARGET_NOT_FOUND), {"failed_runs": "save", "bad_resolutions": "save"}),
        (step(trigger=Trigger.TARGET_AMBIGUOUS), {"failed_runs": "save", "bad_resolutions": "save"}),
        (step(trigger=Trigger.POSTCONDITION_FAILED), {"failed_runs": "save", "bad_resolutions": "save"}),
        (step(trigger=Trigger.WATCHDOG_TIMEOUT), {"failed_runs": "save"}),
        (step(trigger=Trigger.SCREEN_LOST), {}),
        (step(failed=True), {}),
    ],
)
def test_what_a_run_shows(result: StepResult, shown: dict[str, str | None]) -> None:
    """Only what a wrong look can cause counts as a bad resolution; a lost screen and a refusal show nothing at all."""
    made = attempt(result)
    assert made.shown(is_complete=result.verdict is Verdict.DONE) == shown


@pytest.mark.parametrize(
    ("confidences", "low", "very_low"),
    [
        ((1.0,), None, None),
        ((0.95,), None, None),
        ((0.94,), "0", None),
        ((1.0, 0.96, 0.85), "2", None),
        ((0.9,), "0", None),
        ((0.97, 0.8, 0.9), "1", "1"),
    ],
)
def test_confidence_is_weighed_on_the_mean(
    confidences: tuple[float, ...], low: str | None, very_low: str | None
) -> None:
    """Against two marks, below which it is low or very low; the step that had the least is named."""
    made = attempt(*(step(str(number), resolution=found(each)) for number, each in enumerate(confidences)))
    expected = {Symptom.LOW_CONFIDENCE: low, Symptom.VERY_LOW_CONFIDENCE: very_low}
    assert made.shown(is_complete=False) == expected, "cut short, it shows nothing else"


def test_what_degraded_alone_refuses_says_nothing() -> None:
    """A place that NORMAL would have taken is no miss; one that NORMAL would not have taken is."""
    accepted: list[Resolution] = [missed(0.9), missed(0.85, 0.5), missed(0.9, 0.5, 0.2)]
    for miss in accepted:
        made = attempt(step(trigger=Trigger.TARGET_NOT_FOUND, resolution=miss), state=ExecutionState.DEGRADED)
        assert made.shown(is_complete=False) == {}
    refused: list[Resolution] = [missed(), missed(0.84), missed(0.9, 0.56), Ambiguous("", missed(0.9, 0.9).candidates)]
    for miss in refused:
        made = attempt(step(trigger=Trigger.TARGET_NOT_FOUND, resolution=miss), state=ExecutionState.DEGRADED)
        assert made.shown(is_complete=False)[Symptom.BAD_RESOLUTIONS] == "save"


def test_only_finds_in_normal_count_for_the_confidence() -> None:
    """In DEGRADED only sure ones are left, which would make any version look good."""
    made = attempt(step(resolution=found(0.96)), state=ExecutionState.DEGRADED)
    assert made.shown(is_complete=True) == {Symptom.FAILED_RUNS: None, Symptom.BAD_RESOLUTIONS: None}


# ---------------------------------------------------------------------------------------------------------- versions


def test_one_failure_after_eight_good_runs_is_no_regression(watch: RegressionWatch) -> None:
    """Not under any policy that can be written."""
    strictest = Policy(regression_false_alarms=0.05, regression_baseline_runs=1)
    assert tell(watch, bad(), policy=strictest) is None


def test_a_version_that_breaks_every_run_is_found_within_four(watch: RegressionWatch) -> None:
    """It is named with its evidence, and condemned."""
    assert tell(watch, bad(), 3) is None
    regression = tell(watch, bad())
    assert regression is not None
    assert (regression.version, regression.symptom) == (1, Symptom.FAILED_RUNS)
    assert (regression.before, regression.since) == (Tally(8, 0), Tally(4, 4))
    both = evidence(regression.before, regression.since)
    assert regression.evidence == pytest.approx((both + both + 0 + 0) / 4)
    assert (regression.enough, regression.steps) == (100, (("save", 4.0),))
    assert watch.condemned == Condemned(1, regression.reason)
    assert regression.reason == (
        "Version 1 of what was learned made things worse: 100% of the runs failed, most at step save, over 4 runs; "
        f"before it 0% over 8 (evidence {regression.evidence:.3g}, 100 is enough)."
    )


def test_the_steps_that_suffered_most_stand_first(watch: RegressionWatch) -> None:
    """Each with the number of runs that it made bad."""
    tell(watch, bad(at="a"))
    tell(watch, bad(at="b"), 2)
    regression = tell(watch, bad(at="c"))
    assert regression is not None
    assert regression.steps == (("b", 2.0), ("a", 1.0), ("c", 1.0))


def test_sinking_confidence_alone_is_a_regression() -> None:
    """Every run is done, and yet the targets are found with less confidence than before."""
    made = RegressionWatch()
    tell(made, attempt(step(resolution=found(0.99)), version=0), 20)
    assert tell(made, attempt(step(resolution=found(0.93))), 2) is None
    regression = tell(made, attempt(step(resolution=found(0.93))), 10)
    assert regression is not None
    assert (regression.symptom, regression.since.runs) == (Symptom.LOW_CONFIDENCE, 3)
    assert "100% of the runs found their targets with little confidence, most at step save" in regression.reason


def test_too_little_before_judges_nothing() -> None:
    """Whatever comes after fewer runs than the policy demands."""
    made = RegressionWatch()
    tell(made, good(), 4)
    assert tell(made, bad(), 20) is None
    other = RegressionWatch()
    tell(other, good(), 5)
    assert tell(other, bad(), 20) is not None


def test_a_version_that_failed_from_the_beginning_made_nothing_worse() -> None:
    """What is as bad as it was before is no regression."""
    made = RegressionWatch()
    tell(made, bad(0), 20)
    assert tell(made, bad(1), 25) is None


def test_late_runs_with_an_earlier_version_do_not_count_against_the_new_one(watch: RegressionWatch) -> None:
    """They count for what they looked with."""
    tell(watch, good(1))
    for _ in range(10):
        tell(watch, bad(0))
    assert watch.watched[0].runs == 1
    assert watch.watched[0].of(Symptom.FAILED_RUNS).bad == 0


def test_a_fault_that_came_with_the_last_version_but_one_is_found(watch: RegressionWatch) -> None:
    """Although each version has had one run only, their runs together speak against the first of them."""
    regressions = [tell(watch, bad(version)) for version in (1, 2, 3, 4)]
    assert regressions[:3] == [None] * 3
    assert regressions[3] is not None
    assert regressions[3].version == 1


def test_the_version_that_brought_the_fault_is_named(watch: RegressionWatch) -> None:
    """Those before it, which did well, are not taken back."""
    tell(watch, good(1), 10)
    regression = tell(watch, bad(2), 10)
    assert regression is not None
    assert regression.version == 2


def test_of_two_that_are_both_worse_the_one_that_the_most_speaks_against_is_named() -> None:
    """The last but one did well in its only run, so it was the last one."""
    made = RegressionWatch()
    tell(made, good(), 100)
    tell(made, good(1))
    tell(made, bad(2), 2, Policy(breaker="disabled"))
    regression = tell(made, bad(2))
    assert regression is not None
    assert evidence(Tally(100, 0), Tally(4, 3)) / 2 > 100, "enough speaks against version 1 as well"
    assert regression.version == 2


def test_what_is_compared_with_stays_as_it_is_while_a_version_is_on_watch() -> None:
    """Late runs with it count, and none of the others counts less for that."""
    made = RegressionWatch()
    tell(made, good(), 100)
    tell(made, good(1))
    tell(made, good(0), 5)
    assert made.proven is not None
    assert made.proven.runs == 105


def test_more_versions_than_can_be_told_apart_stay_on_watch(watch: RegressionWatch) -> None:
    """The oldest two become one; together they are taken back, if they made things worse."""
    for version in range(1, 11):
        tell(watch, good(version))
    assert [(span.first, span.version) for span in watch.watched[:2]] == [(1, 3), (4, 4)]
    assert len(watch.watched) == 8
    tell(watch, good(2))
    assert watch.watched[0].runs == 4
    watch.condemn(2, "Ann says so.")
    watch.restored(0)
    assert watch.watched == []


def test_a_version_proves_itself(watch: RegressionWatch) -> None:
    """After as many runs as the policy says it belongs to what later ones are compared with."""
    tell(watch, good(1), POLICY.regression_watch_runs - 1)
    assert len(watch.watched) == 1
    tell(watch, good(1))
    assert watch.watched == []
    assert watch.proven is not None
    assert (watch.proven.version, watch.proven.runs) == (1, 58)


def test_what_has_proved_itself_is_condemned_no_more(watch: RegressionWatch) -> None:
    """Later failures with it are those of something else; they are what the next version is compared with."""
    tell(watch, good(1), POLICY.regression_watch_runs)
    assert tell(watch, bad(1), 50) is None
    assert watch.condemned is None


def test_older_runs_count_less() -> None:
    """What is compared with is worth a hundred runs and no more."""
    made = RegressionWatch()
    tell(made, bad(0), 100)
    tell(made, good(), 100)
    assert made.proven is not None
    assert made.proven.runs == pytest.approx(100)
    assert made.proven.of(Symptom.FAILED_RUNS).bad == pytest.approx(100 * 0.99**100)


def test_a_disabled_breaker_takes_nothing_back(watch: RegressionWatch) -> None:
    """It is counted all the same."""
    assert tell(watch, bad(), 20, Policy(breaker="disabled")) is None
    assert watch.watched[0].of(Symptom.FAILED_RUNS) == Tally(20, 20)


# ---------------------------------------------------------------------------------------------------------- rollbacks


def test_after_a_rollback_runs_with_what_was_taken_back_count_nowhere(watch: RegressionWatch) -> None:
    """Neither against the restored version nor as a new one."""
    tell(watch, bad(), 4)
    watch.restored(0)
    before = watch.proven
    assert tell(watch, bad(1), 20) is None
    assert (watch.proven, watch.watched, watch.condemned) == (before, [], None)


def test_the_restored_version_is_not_taken_back_as_well(watch: RegressionWatch) -> None:
    """If it goes on failing, the application has changed, and going back further would not help."""
    tell(watch, bad(), 4)
    watch.restored(0)
    assert tell(watch, bad(0), 50) is None
    assert watch.proven is not None
    assert watch.proven.of(Symptom.FAILED_RUNS).bad > 30


def test_a_restored_version_that_was_on_watch_stays_there(watch: RegressionWatch) -> None:
    """It had not proved itself yet."""
    tell(watch, good(1), 10)
    tell(watch, bad(2), 10)
    watch.restored(1)
    assert [span.version for span in watch.watched] == [1]
    assert watch.proven is not None
    assert watch.proven.version == 0
    tell(watch, good(1), POLICY.regression_watch_runs - 10)
    assert watch.watched == []


def test_a_rollback_may_go_back_further_or_take_a_new_number(watch: RegressionWatch) -> None:
    """Runs with what is in use are counted, whichever number it has."""
    tell(watch, good(1), 10)
    tell(watch, bad(2), 10)
    watch.restored(7)
    assert watch.watched == []
    assert watch.proven is not None
    runs = watch.proven.runs
    tell(watch, good(7))
    assert watch.proven.runs > runs
    assert tell(watch, bad(3)) is None
    assert (watch.newest, watch.watched) == (7, [])


def test_without_anything_good_left_all_begins_anew(watch: RegressionWatch) -> None:
    """Whoever lets the workflow run again takes it as it is."""
    tell(watch, bad(), 4)
    watch.restored(None)
    assert (watch.proven, watch.watched, watch.condemned) == (Span(1, 1), [], None)
    assert tell(watch, bad(1), 50) is None


def test_while_something_is_to_be_taken_back_nothing_counts(watch: RegressionWatch) -> None:
    """The word stands until it is done."""
    tell(watch, bad(), 4)
    kept = watch.to_json()
    assert tell(watch, bad(), 20) is None
    assert watch.reject("run 1", "save", POLICY) is None
    assert watch.to_json() == kept


# ---------------------------------------------------------------------------------------------------- rejected heals


def test_a_rejected_heal_makes_its_run_bad_once(watch: RegressionWatch) -> None:
    """The run was counted as a good one; a second rejection of it changes nothing more."""
    tell(watch, good(1), 3)
    watch.reject("run 9", "save", POLICY)
    watch.reject("run 9", "load", POLICY)
    span = watch.watched[0]
    assert span.of(Symptom.BAD_RESOLUTIONS) == Tally(3, 1)
    assert span.of(Symptom.FAILED_RUNS) == Tally(3, 0)
    assert span.suffered[Symptom.BAD_RESOLUTIONS] == {"save": 1.0}


def test_a_rejected_heal_of_a_run_that_showed_nothing_counts_as_a_run(watch: RegressionWatch) -> None:
    """It was cut short, so it had not been counted at all."""
    watch.record("cut short", good(1), POLICY, is_complete=False)
    watch.reject("cut short", "save", POLICY)
    assert watch.watched[0].of(Symptom.BAD_RESOLUTIONS) == Tally(1, 1)


def test_rejections_alone_are_a_regression(watch: RegressionWatch) -> None:
    """Every run was done, and yet a person says that they clicked the wrong thing."""
    tell(watch, good(1), 12)
    found = [watch.reject(f"run {number}", "save", POLICY) for number in range(8, 20)]
    regression = next(each for each in found if each)
    assert regression.symptom is Symptom.BAD_RESOLUTIONS
    assert regression.steps[0][0] == "save"
    assert watch.condemned is not None


def test_nobody_remembers_every_run(watch: RegressionWatch) -> None:
    """The last 64; a rejection of any other one changes nothing."""
    for number in range(100):
        watch.record(f"then {number}", good(), POLICY, is_complete=True)
    assert len(watch.ended) == 64
    before = watch.to_json()
    watch.reject("run 1", "save", POLICY)
    assert watch.to_json() == before


# ---------------------------------------------------------------------------------------------------------- budgets


def test_a_run_has_a_budget() -> None:
    """It may add as many prototypes as the policy says, and no more; the next run may again."""
    made, run = RegressionWatch(), good()
    assert [made.may_learn(run, POLICY) for _ in range(21)] == [True] * 20 + [False]
    assert made.may_learn(good(), POLICY)
    assert made.learned == 21


def test_what_is_on_watch_has_a_budget(watch: RegressionWatch) -> None:
    """Through however many runs and versions: until they have proved themselves no more is learned."""
    added = 0
    for version in range(1, 8):
        run = good(version)
        added += sum(watch.may_learn(run, POLICY) for _ in range(30))
        tell(watch, run)
    assert added == POLICY.learning_budget_on_watch
    tell(watch, good(7), POLICY.regression_watch_runs - 1)
    assert watch.watched == []
    assert watch.may_learn(good(7), POLICY)


def test_what_belongs_to_no_version_yet_has_not_proved_itself(watch: RegressionWatch) -> None:
    """It counts with the next version."""
    run = good(1)
    tell(watch, run, POLICY.regression_watch_runs - 1)
    for _ in range(5):
        assert watch.may_learn(run, POLICY)
    tell(watch, run)
    assert (watch.watched, watch.learned) == ([], 5)
    tell(watch, good(2))
    assert (watch.watched[0].learned, watch.learned) == (5, 0)


def test_nothing_is_learned_while_something_is_to_be_taken_back(watch: RegressionWatch) -> None:
    """And what was taken back uses up no budget."""
    for _ in range(10):
        assert watch.may_learn(good(), POLICY)
    tell(watch, bad(), 4)
    assert not watch.may_learn(good(), POLICY)
    watch.restored(0)
    assert (watch.learned, watch.watched) == (0, [])
    assert watch.may_learn(good(), POLICY)
    watch.condemn(2, "Ann says so.")
    watch.restored(0)
    assert watch.learned == 0


# ---------------------------------------------------------------------------------------------------------- keeping


def test_it_is_after_a_restart_what_it_was(watch: RegressionWatch) -> None:
    """All of it is kept, the evidence too."""
    tell(watch, attempt(step("a", resolution=found(0.9)), step("b", Trigger.TARGET_AMBIGUOUS)), 3)
    watch.may_learn(good(1), POLICY)
    again = RegressionWatch.from_json(watch.to_json())
    assert again == watch
    assert tell(again, bad()) == tell(watch, bad()) is not None
    assert RegressionWatch.from_json(again.to_json()) == watch


@pytest.mark.parametrize(
    "change",
    [
        {"learned": -1},
        {"newest": "1"},
        {
            "proven": {
                "version": 0,
                "first": 0,
                "tallies": {"failed_runs": {"runs": 1, "bad": 2}},
                "suffered": {},
                "learned": 0,
            }
        },
        {"unknown": 1},
    ],
)
def test_what_contradicts_itself_is_not_read_back(watch: RegressionWatch, change: dict[str, object]) -> None:
    """It is named instead."""
    with pytest.raises(StoreError, match="A watch cannot be read back: "):
        RegressionWatch.from_json(json.dumps({**json.loads(watch.to_json()), **change}))


def test_it_needs_the_same_memory_however_long_it_watches() -> None:
    """Thousands of runs, steps and versions later it is as large as some hundreds in."""
    made = RegressionWatch()
    tell(made, good(), 8)
    sizes = []
    for number in range(2_000):
        results = step(f"a{number}", resolution=found(0.9)), step(f"b{number}", Trigger.TARGET_AMBIGUOUS)
        made.record(f"run {number:04}", attempt(*results, version=number), POLICY, is_complete=False)
        made.condemned = None
        sizes.append(len(made.to_json()))
    assert max(sizes[1_000:]) < 1.1 * max(sizes[:300])
    assert len(made.watched) <= 8
