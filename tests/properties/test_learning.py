"""What holds of learning whatever a run meets: requirements 3.3, 5.2 and 5.3, and the bounds of what is kept."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.memory.looks import look, shot, within
from tests.unit.resolution.sketch import ROWS, table

from steadyhand.clock import ManualClock
from steadyhand.healing.auto_heal_manager import Decision
from steadyhand.healing.execution_state import ExecutionState
from steadyhand.learning import Learner
from steadyhand.memory.learned_memory import LearnedMemory
from steadyhand.memory.prototype_index import MOST_OF_A_TARGET, Banned, PrototypeIndex
from steadyhand.memory.target_memory_store import RECENT, TargetMemoryStore, Trial
from steadyhand.model.outcome import Candidate, Found, Method, StepResult, Thresholds, Trigger, Verdict

NOW = table(pitch=44)
TARGETS = [replace(NOW.target(f"0 {number}"), key=f"target {number}") for number, *_ in ROWS]
SCREENS = [shot("Invoices", "Settings", "Help"), shot("Users", "Roles", "Help")]

steps = st.lists(
    st.tuples(
        st.sampled_from(TARGETS),
        st.sampled_from(Verdict),
        st.sampled_from([None, *Trigger]),
        st.sampled_from(ExecutionState),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=40)
@given(taken=steps, budget=st.integers(0, 3))
def test_3_3_5_2_5_3_only_validated_steps_that_may_be_learned_from_teach(
    taken: list[tuple[object, Verdict, Trigger | None, ExecutionState, bool]], budget: int
) -> None:
    """Whatever happens, what is known afterwards comes from validated steps in NORMAL, within the budget."""
    taught: set[str] = set()
    counted: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(LearnedMemory(Path(folder), "pay", ManualClock())) as memory,
    ):
        learner = Learner(memory, "run", {}, within(budget), ManualClock())
        for target, verdict, trigger, state, was_weighed in taken:
            assert isinstance(target, type(TARGETS[0]))
            evidence = {"shape": 1.0} if was_weighed else {"look": 1.0, "page": 1.0}
            best = Candidate(target.point, target.box, 0.95, Method.SOM_TEXT_MATCH, evidence)
            found = Found(best.point, best.box, 0.95, best.method, (best,))
            result = StepResult("step", "click", verdict, trigger=trigger, resolution=found)
            learner.step(result, recorded=target, before=NOW.image)
            learner.ended(_decision(state), result)
            if verdict is Verdict.DONE and state is ExecutionState.NORMAL:
                counted[target.key] += 1
                if was_weighed and trigger is not Trigger.LOW_CONFIDENCE:
                    taught.add(target.key)
        learner.finish()
        known = {target.key for target in TARGETS if memory.looks(target.key)}
        assert known <= taught
        assert len(known) == min(budget, len(taught))
        for target in TARGETS:
            remembered = memory.of(target.key)
            assert sum(tally.validated for tally in remembered.tallies) == counted[target.key]
            assert len(remembered.recent) == counted[target.key]


looks = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 1)), max_size=40)


@given(learned=looks, banned=st.sets(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=5))
def test_5_2_what_is_kept_is_bounded_and_what_is_banned_never_comes_back(
    learned: list[tuple[int, int, int]], banned: set[tuple[int, int]]
) -> None:
    """Whatever is learned in whatever order, and the index always holds just what is known."""
    bans = [Banned.of(look(f"target {target}", seed, SCREENS[0])) for target, seed in banned]
    index = PrototypeIndex()
    for target, seed, screen in learned:
        before = {each.id for each in index}
        kept = index.add(look(f"target {target}", seed, SCREENS[screen]), SCREENS[screen], banned=bans)
        assert (kept is None) == ((target, seed) in banned)
        if kept is not None:
            assert {each.id for each in index} == (before | {kept.id}) - set(kept.retired)
            assert kept.is_new == (kept.id not in before)
    assert all(len(index.of(f"target {target}")) <= MOST_OF_A_TARGET for target in range(3))
    again = PrototypeIndex(*index.files())
    assert not again.was_rebuilt
    assert {each.id for each in again} == {each.id for each in index}


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from(["", "a", "b"])), max_size=60))
def test_7_3_tallies_are_what_a_dictionary_would_count(trials: list[tuple[int, bool, str]]) -> None:
    """Added one by one or together, and after a copy was brought back."""
    expected: Counter[tuple[str, str, bool]] = Counter()
    with closing(TargetMemoryStore()) as store, closing(TargetMemoryStore()) as copy:
        for number, (target, good, by) in enumerate(trials):
            expected[f"target {target}", by, good] += 1
            store.add([Trial(f"target {target}", "s", "r", float(number), "prototype", by, 0.9, is_validated=good)])
        copy.become(store.to_bytes(), 3)
        for kept in (store, copy):
            for target in range(4):
                memory = kept.of(f"target {target}")
                for tally in memory.tallies:
                    assert tally.validated == expected[f"target {target}", tally.look, True]
                    assert tally.refuted == expected[f"target {target}", tally.look, False]
                validated = sum(
                    count for (key, _, good), count in expected.items() if good and key == f"target {target}"
                )
                assert len(memory.recent) == min(RECENT, validated)


def _decision(state: ExecutionState) -> Decision:
    """The decision that allowed a step, in a state."""
    return Decision(
        "pay", "step", "run", allowed=True, reason="", state=state, thresholds=Thresholds(0.85, 0.35),
        must_be_verified=False, doubtful_below=0.9, may_be_learned_from=state.learns, policy_version="1", generation=0,
        global_generation=0,
    )  # fmt: skip
