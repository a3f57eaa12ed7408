"""Learning: what one run adds to the memory of its workflow.

It is told of each step twice: as an observer, with the screens, from which every secret has been taken; and as a
witness, with the decision by which the step was taken. Only what the decision allows is learned (no state but NORMAL
learns), and only from steps that were validated: all that they expect came true by what they did.

- A target that was found by weighing looks other than it is known: its present look is learned.
- A target that was found by a look that is known, recorded or learned, teaches nothing new; it counts for that look.
- Where the expectations of a step did not come true, what found its target counts as refuted, and nothing is learned.
- A doubtful find is counted, and its look is not learned: only what was sure is to be the measure of what follows.

At the end of the run, what was learned becomes one new version.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from steadyhand.memory.prototype_index import Origin
from steadyhand.memory.target_memory_store import Trial
from steadyhand.model.outcome import Found, Trigger, Verdict
from steadyhand.resolution.learned import LearnedLooks, look_at, was_weighed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.healing.auto_heal_manager import Decision
    from steadyhand.memory.learned_memory import LearnedMemory
    from steadyhand.memory.versioned_store import VersionInfo
    from steadyhand.model.outcome import StepResult
    from steadyhand.model.workflow import Step
    from steadyhand.resolution.target import Target


_Shown = tuple["StepResult | None", "Target | None", "NDArray[np.uint8] | None"]
_NOTHING: _Shown = (None, None, None)


class Learner:
    """Learns from one run.

    Args:
        memory: Where what is learned goes.
        run: What the run is known by.
        values: The value of each parameter of the run.
        may_learn: Whether one more look may be learned from a step that was validated, by its decision.
        clock: Where time comes from.
    """

    def __init__(
        self,
        memory: LearnedMemory,
        run: str,
        values: Mapping[str, str],
        may_learn: Callable[[Decision], bool],
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._run = run
        self._values = values
        self._may_learn = may_learn
        self._clock = clock
        self._shown: _Shown = _NOTHING
        self._learned = 0

    @property
    def version(self) -> int:
        """The version of what was learned with which this run looks; 0 if nothing was."""
        return self._memory.version

    @property
    def looks(self) -> LearnedLooks:
        """The learned looks by which targets are found in this run."""
        return LearnedLooks(self._memory, self._values)

    def step(
        self,
        result: StepResult,
        *,
        recorded: Target | None = None,
        before: NDArray[np.uint8] | None = None,
        after: NDArray[np.uint8] | None = None,  # noqa: ARG002  an observer is told; the look before an action counts
    ) -> None:
        """Look at a step; what came of it is learned when its decision is known.

        Args:
            result: What came of it.
            recorded: Its target as recorded; None for a step without one.
            before: The screen on which its target was found: uint8, (height, width, 3), blue-green-red.
            after: The screen after its action.
        """
        self._shown = (result, recorded, before)

    def decided(self, decision: Decision) -> None:
        """Take note of a decision: nothing is learned from it."""

    def intends(self, decision: Decision, step: Step) -> None:
        """Take note of what is about to be done: nothing is learned from it."""

    def ended(self, decision: Decision, result: StepResult) -> None:
        """Learn from a step, if it may be learned from.

        Raises:
            StoreError: It cannot be kept.
        """
        (told, target, before), self._shown = self._shown, _NOTHING
        found, is_done = result.resolution, result.verdict is Verdict.DONE
        is_refuted = result.verdict is Verdict.FAILED and result.trigger is Trigger.POSTCONDITION_FAILED
        if not decision.may_be_learned_from or not (is_done or is_refuted):
            return
        if told is not result or target is None or not target.key or before is None:
            return
        if not isinstance(found, Found) or not found.candidates:
            return
        trial = Trial(
            target=target.key,
            step=result.step_id,
            run=self._run,
            at_s=self._clock.now().timestamp(),
            method=found.method,
            look=found.candidates[0].look,
            score=found.confidence,
            is_validated=is_done,
        )
        is_new = is_done and was_weighed(found) and result.trigger is not Trigger.LOW_CONFIDENCE
        if is_new and self._may_learn(decision):
            trial = replace(trial, look=self._look(trial, target, found, before))
        self._memory.count(trial)

    def finish(self) -> VersionInfo | None:
        """Keep what was learned as a new version; None if nothing new was learned.

        Raises:
            StoreError: It cannot be kept.
        """
        return self._memory.commit(f"{self._learned} looks learned by run {self._run}")

    def _look(self, trial: Trial, target: Target, found: Found, frame: NDArray[np.uint8]) -> str:
        """Learn what a target looks like now; the look for which its success counts."""
        origin = Origin(trial.run, trial.step, trial.method, trial.score, trial.at_s)
        seen = look_at(target, found, frame, values=self._values, origin=origin)
        kept = self._memory.learn(*seen) if seen else None
        if kept is None:
            return trial.look
        self._learned += kept.is_new
        return kept.id
