"""Requirements 1.6, 4.4 and 4.5: the evidence against a version, and what follows from it, whatever happens."""

from __future__ import annotations

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.properties.naive import DEGRADED, NORMAL, PAUSED, QUARANTINED, ROLLBACK, jumps

from steadyhand.clock import ManualClock
from steadyhand.errors import StateError, StoreError
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.healing.execution_state import Event
from steadyhand.healing.regression import Attempt, RegressionWatch, Symptom, Tally, evidence
from steadyhand.model.outcome import StepResult, Trigger, Verdict
from steadyhand.policy import Policy

# ---------------------------------------------------------------------------------------------------------- the test


@given(
    runs_before=st.integers(1, 8),
    chance=st.floats(0.01, 0.99),
    better_by=st.floats(0, 1),
    weights=st.lists(st.floats(0.1, 1), min_size=8, max_size=8),
)
@settings(max_examples=60)
def test_4_4_no_way_of_stopping_earns_evidence_against_a_version_that_is_no_worse(
    runs_before: int, chance: float, better_by: float, weights: list[float]
) -> None:
    """However cleverly one chooses when to stop looking: on the mean it is 1 at most. All outcomes are gone through."""
    since = chance * better_by
    total = 0.0
    for results in itertools.product((0, 1), repeat=runs_before):
        probability = 1.0
        for bad in results:
            probability *= chance if bad else 1 - chance
        counted = list(zip(weights, results, strict=False))
        before = Tally(sum(weight for weight, _ in counted), sum(weight * bad for weight, bad in counted))
        total += probability * best_stop(before, since, 12)
    assert total <= 1 + 1e-9


def best_stop(before: Tally, chance: float, runs: int) -> float:
    """The evidence that somebody may expect who knows the chance, and stops when going on promises no more."""
    best = [evidence(before, Tally(runs, bad)) for bad in range(runs + 1)]
    for number in range(runs - 1, -1, -1):
        ahead = [chance * best[bad + 1] + (1 - chance) * best[bad] for bad in range(number + 1)]
        best = [max(evidence(before, Tally(number, bad)), more) for bad, more in enumerate(ahead)]
    return best[0]


@given(
    runs=st.lists(st.tuples(st.sampled_from([0, 0, 0, 1]), st.booleans(), st.booleans()), max_size=60),
    policy=st.builds(
        Policy,
        regression_false_alarms=st.sampled_from([0.01, 0.05]),
        regression_baseline_runs=st.integers(1, 8),
        regression_watch_runs=st.just(1_000),
    ),
)
def test_4_4_the_watch_says_what_a_list_of_all_runs_says(runs: list[tuple[int, bool, bool]], policy: Policy) -> None:
    """With up to eight versions on watch, through restarts: the same version is condemned at the same run."""
    watch, version = RegressionWatch(), 0
    everything: list[tuple[int, bool]] = []
    for step, is_bad, restarts in runs:
        version = min(version + step, 8)
        everything.append((version, is_bad))
        attempt = Attempt(version, *(("save", "save") if is_bad else (None, None)))
        regression = watch.record("a run", attempt, policy, is_complete=not is_bad)
        first = everything[0][0]
        guilty = {}
        for split in {each for each, _ in everything if each > first}:
            before = [bad for each, bad in everything if each < split]
            since = [bad for each, bad in everything if each >= split]
            if len(before) >= policy.regression_baseline_runs:
                value = evidence(Tally(len(before), sum(before)), Tally(len(since), sum(since)))
                guilty[split] = (value + value + 0 + 0) / len(Symptom)
        most = max(guilty.values(), default=0.0)
        assert (regression is not None) == (most >= 1 / policy.regression_false_alarms)
        if regression:
            assert regression.evidence == pytest.approx(most)
            assert guilty[regression.version] == pytest.approx(most)
            return
        if restarts:
            watch = RegressionWatch.from_json(watch.to_json())


# -------------------------------------------------------------------------------------------------------- rollbacks


class Shelf:
    """A memory that may fail in the middle.

    Attributes:
        good: The versions that are good, the oldest first; the last one is in use.
        newest: The newest number that was ever given.
        bad: Every version that was taken back.
        fails: Where it fails: nowhere, `before` it has taken anything back, or `after` that.
    """

    def __init__(self) -> None:
        self.good = [0]
        self.newest = 0
        self.bad: set[int] = set()
        self.fails = ""

    def version(self, workflow: str) -> int:
        """The version in use."""
        assert workflow == "pay"
        return self.good[-1] if self.good else 0

    def learn(self) -> None:
        """Make a version."""
        self.newest += 1
        self.good.append(self.newest)

    def forbid(self, workflow: str, version: int) -> None:
        """Take note of what is bad."""
        assert workflow == "pay"
        self.bad |= {version}

    def roll_back(self, workflow: str, version: int, why: str) -> int | None:
        """Take back a version and all later ones."""
        assert workflow == "pay"
        assert why
        if self.fails == "before":
            raise StoreError("The disk is full.")
        self.bad |= {each for each in self.good if each >= version}
        self.good = [each for each in self.good if each < version]
        if self.fails == "after":
            raise StoreError("The power is gone.")
        return self.good[-1] if self.good else None


class Learner(RuleBasedStateMachine):
    """A workflow that learns, under a manager: 1.6 and 4.5 hold through failures, orders, faults and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock, self.shelf = ManualClock(), Shelf()
        self.runs = 0
        self.open()

    def open(self) -> None:
        """Start the program."""
        data, policy = Path(self.folder.name, "data"), Path(self.folder.name, "policy.json")
        self.manager = AutoHealManager.open(data, policy, self.clock, self.shelf)

    def teardown(self) -> None:
        """End all of it."""
        self.manager.close()
        self.folder.cleanup()

    @initialize(runs=st.integers(0, 20))
    def begin(self, runs: int) -> None:
        """Some good runs before anything is learned."""
        for _ in range(runs):
            self.run(trigger=None, is_late=False)

    @rule(trigger=st.sampled_from([None, None, None, Trigger.SCREEN_LOST]), is_late=st.booleans())
    def run(self, *, trigger: Trigger | None, is_late: bool) -> None:
        """A run of one step, with the version in use or with any that ever was."""
        self.runs += 1
        run, version = f"run {self.runs}", 0 if is_late else self.shelf.version("pay")
        before = self.manager.get_state("pay").state
        decision = self.manager.should_execute_step("pay", "save", run)
        if decision.allowed:
            assert decision.state in (NORMAL, DEGRADED)
            assert before is not PAUSED
            assert not self.shelf.good or self.shelf.version("pay") not in self.shelf.bad
            if before is ROLLBACK:
                assert decision.state is DEGRADED, "it has to prove itself"
            verdict = Verdict.FAILED if trigger else Verdict.DONE
            result = StepResult("save", "click", verdict, trigger=trigger, learned_version=version)
            self.manager.on_step_result(decision, result)
        try:
            self.manager.finish_run("pay", run, is_complete=trigger is None)
        except StoreError:
            assert self.shelf.fails
        self.clock.sleep(301)

    @rule(times=st.integers(1, 6))
    def fail(self, times: int) -> None:
        """So many runs that fail."""
        for _ in range(times):
            self.run(trigger=Trigger.TARGET_NOT_FOUND, is_late=False)

    @precondition(lambda self: self.manager.get_state("pay").state is NORMAL)
    @rule()
    def learn(self) -> None:
        """Something is learned, in NORMAL alone."""
        self.shelf.learn()

    @rule(event=st.sampled_from([Event.REGRESSED, Event.PAUSE, Event.RESUME, Event.RELEASE]))
    def order(self, event: Event) -> None:
        """A person says something; what the state does not allow is refused."""
        try:
            self.manager.apply("pay", event, "Ann says so.")
        except StateError:
            return

    @rule(fails=st.sampled_from(["", "", "before", "after"]))
    def mend(self, fails: str) -> None:
        """The memory works, or fails in the middle from now on."""
        self.shelf.fails = fails

    @rule(jump_s=jumps)
    def restart(self, jump_s: int) -> None:
        """The program ends and starts again, on a clock that may have jumped."""
        self.manager.close()
        self.clock = ManualClock(self.clock.now() + timedelta(seconds=jump_s))
        self.open()

    @precondition(lambda self: not self.shelf.fails)
    @rule()
    def finish(self) -> None:
        """With a memory that works a question is enough to finish a rollback."""
        was = self.manager.get_state("pay").state
        self.manager.should_execute_step("pay", "save", "a question")
        state = self.manager.get_state("pay").state
        assert state is not ROLLBACK
        if was is ROLLBACK:
            assert state is (DEGRADED if self.shelf.good else QUARANTINED)

    @invariant()
    def what_is_bad_is_not_in_use(self) -> None:
        """A version that was taken back stays so, and a workflow is held as long as one has to be."""
        state = self.manager.get_state("pay").state
        if state in (NORMAL, DEGRADED) and self.shelf.good and not self.shelf.fails:
            assert not set(self.shelf.good) & self.shelf.bad


TestLearner = Learner.TestCase
TestLearner.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
