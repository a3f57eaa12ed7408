"""What a run adds to the memory of its workflow, and what it does not."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.memory.looks import within
from tests.unit.resolution.sketch import DARK, ROWS, Sketch, table

from steadyhand.clock import ManualClock
from steadyhand.healing.auto_heal_manager import Decision
from steadyhand.healing.breaker_events import weighed_confidence
from steadyhand.healing.execution_state import ExecutionState
from steadyhand.learning import Learner
from steadyhand.memory.learned_memory import LearnedMemory
from steadyhand.memory.versioned_store import VersionedStore
from steadyhand.model.outcome import Found, Method, StepResult, Thresholds, Trigger, Verdict
from steadyhand.resolution.cascade import Resolver

if TYPE_CHECKING:
    from pathlib import Path

    from steadyhand.resolution.target import Target

NUMBER = ROWS[1][0]
NOW = table(style=DARK, pitch=44)


def target(number: str = NUMBER) -> Target:
    """The button of a row as recorded."""
    return replace(table().target(f"0 {number}"), key=f"target {number}")


def decision(state: ExecutionState = ExecutionState.NORMAL) -> Decision:
    """The decision that allowed a step, in a state."""
    return Decision(
        "pay", "step", "run", allowed=True, reason="", state=state, thresholds=Thresholds(0.85, 0.35),
        must_be_verified=False, doubtful_below=0.9, may_be_learned_from=state.learns, policy_version="1", generation=0,
        global_generation=0,
    )  # fmt: skip


class Run:
    """One run of a workflow on a robot.

    Args:
        data: The folder of the robot.
        budget: How many looks it may learn.
    """

    def __init__(self, data: Path, budget: int = 20) -> None:
        self.memory = LearnedMemory(data, "pay", ManualClock())
        self.learner = Learner(self.memory, "run", {}, within(budget), ManualClock())

    def step(
        self,
        now: Sketch = NOW,
        number: str = NUMBER,
        *,
        verdict: Verdict = Verdict.DONE,
        trigger: Trigger | None = None,
        state: ExecutionState = ExecutionState.NORMAL,
    ) -> Found:
        """Take a step, whatever comes of it."""
        found = Resolver(learned=self.learner.looks).resolve(target(number), now.image)
        assert isinstance(found, Found)
        result = StepResult("step", "click", verdict, trigger=trigger, resolution=found)
        self.learner.step(result, recorded=target(number), before=now.image)
        self.learner.ended(decision(state), result)
        return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a robot."""
    return tmp_path / "data"


def run(data: Path, **given: object) -> Run:
    """A run; close its memory when it is over."""
    return Run(data, **given)  # type: ignore[arg-type]  # a budget, if anything


def test_the_second_run_finds_what_the_first_one_healed(data: Path) -> None:
    """The first one weighs and learns, and makes one version; the second one sees it at once, and makes none."""
    with closing((first := run(data)).memory):
        assert first.step().method is Method.SOM_TEXT_MATCH
        info = first.learner.finish()
    assert info is not None
    assert info.cause == "1 looks learned by run run"
    with closing((second := run(data)).memory):
        assert second.step().method is Method.PROTOTYPE
        assert second.learner.finish() is None
        (look,) = second.memory.looks(target().key)
        tally = second.memory.of(target().key).of_look(look[0].id)
    assert (tally.validated, tally.refuted) == (2, 0)  # the one that taught it, and the one that used it


@pytest.mark.parametrize(
    ("verdict", "trigger", "state"),
    [
        (Verdict.UNVERIFIED, None, ExecutionState.NORMAL),
        (Verdict.FAILED, Trigger.POSTCONDITION_FAILED, ExecutionState.NORMAL),
        (Verdict.FAILED, Trigger.SCREEN_LOST, ExecutionState.NORMAL),
        (Verdict.DONE, Trigger.LOW_CONFIDENCE, ExecutionState.NORMAL),
        (Verdict.DONE, None, ExecutionState.DEGRADED),
        (Verdict.DONE, None, ExecutionState.QUARANTINED),
    ],
)
def test_what_is_not_validated_or_not_allowed_teaches_nothing(
    data: Path, verdict: Verdict, trigger: Trigger | None, state: ExecutionState
) -> None:
    """No look is learned, and nothing is counted but a doubtful success and a refutation."""
    with closing((each := run(data)).memory):
        each.step(verdict=verdict, trigger=trigger, state=state)
        assert each.memory.looks(target().key) == []
        assert each.learner.finish() is None
        tallies = each.memory.of(target().key).tallies
    is_counted = trigger in (Trigger.POSTCONDITION_FAILED, Trigger.LOW_CONFIDENCE)
    assert [(tally.validated, tally.refuted) for tally in tallies] == (
        [(int(verdict is Verdict.DONE), int(verdict is Verdict.FAILED))] if is_counted else []
    )


def test_a_run_learns_no_more_than_its_budget(data: Path) -> None:
    """What is beyond it is counted, and learned by a later run."""
    with closing((each := run(data, budget=2)).memory):
        for number, *_ in ROWS[:3]:
            each.step(number=number)
        assert [len(each.memory.looks(f"target {number}")) for number, *_ in ROWS[:3]] == [1, 1, 0]
        assert each.memory.of(f"target {ROWS[2][0]}").tallies[0].validated == 1


def test_a_look_that_is_refuted_is_trusted_less_until_it_finds_nothing(data: Path) -> None:
    """Then the target is weighed again, as if nothing had been learned."""
    with closing((first := run(data)).memory):
        first.step()
        first.learner.finish()
    methods = []
    for _ in range(3):
        with closing((later := run(data)).memory):
            found = later.step(verdict=Verdict.FAILED, trigger=Trigger.POSTCONDITION_FAILED)
            methods.append(found.method)
    assert methods[0] is Method.PROTOTYPE
    assert methods[-1] is Method.SOM_TEXT_MATCH


def test_9_4_a_doubtful_prototype_raises_low_confidence(data: Path) -> None:
    """A place that is found by a look that is not much trusted is acted on, and counts against its workflow."""
    with closing((first := run(data)).memory):
        first.step()
        first.learner.finish()
        (look, _), *_ = first.memory.looks(target().key)
    doubtful = replace(look, origin=replace(look.origin, confidence=0.88))
    with closing((later := run(data)).memory):
        later.memory.looks = lambda _: [(doubtful, 0.88)]  # type: ignore[method-assign, assignment]  # less trusted
        again = Resolver(learned=later.learner.looks).resolve(target(), NOW.image)
    result = StepResult("step", "click", Verdict.DONE, resolution=again)
    assert isinstance(again, Found)
    assert again.method is Method.PROTOTYPE
    assert weighed_confidence(result) == pytest.approx(0.88 * 0.995)
    assert decision().doubts(result)


def test_what_a_bad_version_has_learned_is_never_learned_again(data: Path) -> None:
    """After going back, the next runs see the same screen, and weigh; what the older version knew stays."""
    good, bad = ROWS[0][0], ROWS[1][0]
    versions = VersionedStore(data, "pay", ManualClock())
    for number in (good, bad):
        with closing((each := run(data)).memory):
            each.step(number=number)
            assert each.learner.finish() is not None
    first, second = versions.versions()
    versions.restore(first.number, "it was better")
    versions.mark_bad(second.number, "it clicked wrongly")
    for _ in range(2):
        with closing((later := run(data)).memory):
            assert later.step(number=good).method is Method.PROTOTYPE
            assert later.step(number=bad).method is Method.SOM_TEXT_MATCH
            assert later.memory.looks(f"target {bad}") == []
            assert later.learner.finish() is None


def test_going_back_brings_back_what_was_counted(data: Path) -> None:
    """The target memory is that of the version; what was counted after it is forgotten."""
    versions = VersionedStore(data, "pay", ManualClock())
    with closing((first := run(data)).memory):
        first.step()
        info = first.learner.finish()
    assert info is not None
    with closing((second := run(data)).memory):
        second.step()
        second.step(number=ROWS[0][0])
        second.learner.finish()
    versions.restore(info.number, "it was better")
    with closing((third := run(data)).memory):
        assert [tally.validated for tally in third.memory.of(target().key).tallies] == [1]
        assert third.memory.of(f"target {ROWS[0][0]}").tallies == ()


def test_of_two_runs_at_once_the_later_one_keeps_nothing(data: Path) -> None:
    """It went on from a version that is not in use any more, and it breaks nothing."""
    with closing((one := run(data)).memory), closing((two := run(data)).memory):
        one.step()
        two.step(number=ROWS[0][0])
        assert one.learner.finish() is not None
        assert two.learner.finish() is None
    with closing((later := run(data)).memory):
        assert later.step().method is Method.PROTOTYPE
        assert later.memory.looks(f"target {ROWS[0][0]}") == []
        (look, _), *_ = later.memory.looks(target().key)
        assert later.memory.of(target().key).of_look(look.id).validated == 2  # nothing of the first one's is forgotten
