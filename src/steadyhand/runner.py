"""One run of a workflow: for each step observe, resolve, act, verify, report.

Everything on this page that can go wrong ends as a result, never as a guess:

- A target that is not there, or is there twice, ends the run (`TARGET_NOT_FOUND`, `TARGET_AMBIGUOUS`) after every safe
  way to try again.
- Expectations that do not come true end it (`POSTCONDITION_FAILED`).
- A step that takes too long is broken off (`WATCHDOG_TIMEOUT`), a screen that is gone ends the run (`SCREEN_LOST`).
- A person who stops the run ends it too; that is nobody's fault, and has no trigger.
- An action that may have happened, because the connection was lost or a run was cut short, is *in doubt*. It is
  verified first. Proven, it counts as done; surely not done and harmless to repeat, it is done; otherwise the run is
  refused, and a person has to look.

Whoever supervises a run is asked before each step and told after it (`steadyhand.healing`). What is refused then ends
the run and touches nothing; while a workflow is DEGRADED, more is demanded of a target, of a model's word and of what
proves a step.

A *dry run* opens the screen and looks for the target of the first step, without touching anything: later screens only
exist once somebody has acted.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Protocol, cast

from pydantic import BaseModel

from steadyhand.clock import Deadline
from steadyhand.errors import DeliveryUncertainError, RefusedError, ScreenError
from steadyhand.execution.action_executor import perform
from steadyhand.execution.doubt import MOST_ACTIONS, why_not_again
from steadyhand.execution.injection import DOUBT_NOTE, NOTE, only_just_found
from steadyhand.execution.journal import Journal
from steadyhand.execution.masking import SecretLook, masked, places_of_secret, without_secrets
from steadyhand.execution.recovery import Search
from steadyhand.execution.verifier import Before, Verifier
from steadyhand.execution.watchdog import GRACE_S, Watchdog
from steadyhand.model.outcome import (
    Ambiguous,
    Found,
    ModelUse,
    NotFound,
    Outcome,
    RunResult,
    StepResult,
    Trigger,
    Verdict,
)
from steadyhand.model.parameters import fill
from steadyhand.model.workflow import DragStep, TargetRecord, TypeStep, WaitStep
from steadyhand.perception.settle import wait_until_settled
from steadyhand.resolution.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.execution.injection import Injector
    from steadyhand.execution.verifier import Verification
    from steadyhand.execution.watchdog import TimerFactory
    from steadyhand.healing.auto_heal_manager import Decision
    from steadyhand.healing.supervision import Supervision
    from steadyhand.model.geometry import Box
    from steadyhand.model.outcome import ExpectationResult
    from steadyhand.model.parameters import SecretSource
    from steadyhand.model.workflow import Step, Workflow
    from steadyhand.resolution.cascade import Resolver
    from steadyhand.resolution.grounding import Grounder
    from steadyhand.screen.driver import Frame, ScreenDriver


class StepObserver(Protocol):
    """Somebody who is told of each step as it ends; `steadyhand.evidence.run_report.RunReport` is one."""

    def step(
        self,
        result: StepResult,
        *,
        recorded: Target | None = None,
        before: NDArray[np.uint8] | None = None,
        after: NDArray[np.uint8] | None = None,
    ) -> None:
        """Take note of a step.

        Args:
            result: What came of it.
            recorded: Its target as recorded; None for a step without one.
            before: The screen that its target was last looked for on, or else the screen before its action: uint8,
                (height, width, 3), blue-green-red. No secret can be seen in it.
            after: The screen after its action, in the same form; None if it did not act.
        """
        ...


class Runner:
    """Runs workflows on a screen.

    Args:
        driver: The screen, open, and showing where the workflow begins.
        resolver: Finds targets.
        clock: Where time comes from.
        observers: Who is told of each step as it ends.
        timer: What the watchdog waits with.
        grounder: Asks a vision-language model where the evidence alone does not do; None to ask nobody.
        supervision: Asked before each step of the run and told after it; None to ask nobody. It is for one run.
        injector: Makes failures happen, for a test; None for none.
    """

    def __init__(
        self,
        driver: ScreenDriver,
        resolver: Resolver,
        clock: Clock,
        observers: Sequence[StepObserver] = (),
        timer: TimerFactory = threading.Timer,
        *,
        grounder: Grounder | None = None,
        supervision: Supervision | None = None,
        injector: Injector | None = None,
    ) -> None:
        self._driver = driver
        self._resolver = resolver
        self._clock = clock
        self._observers = observers
        self._timer = timer
        self._grounder = grounder
        self._supervision = supervision
        self._injector = injector
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Break the run off, because a person wants it; safe from any thread. The screen is given up."""
        self._stopped.set()
        self._driver.interrupt()

    def run(
        self,
        workflow: Workflow,
        folder: Path,
        values: Mapping[str, str],
        secrets: SecretSource,
        journal: Path,
        *,
        resume: bool = False,
        dry_run: bool = False,
    ) -> RunResult:
        """Run a workflow once.

        Args:
            workflow: What to do.
            folder: The folder of its file, from which its images and other relative paths are named.
            values: A value for each of its parameters.
            secrets: Where its secrets come from.
            journal: The file in which the run notes what it does, for `resume`; not touched by a dry run.
            resume: Go on where the run that wrote this journal was cut short: on a screen that outlived it.
            dry_run: Look for the first step's target and stop.

        Returns:
            What came of it. Faults of the screen are in it, and so is a refusal; they are not raised.

        Raises:
            ConfigError: A value, a secret, an image or the journal cannot be used. Nothing was done yet, except
                where an image of a later step is damaged.
        """
        started_at, started_s = self._clock.now(), self._clock.monotonic_s()
        steps = [cast("Step", _filled(step, values)) for step in workflow.steps]
        names = {step.secret for step in steps if isinstance(step, TypeStep) and step.secret}
        secrets.require(names)
        if dry_run:
            book = Journal(journal, self._clock)
        else:
            book = (Journal.resume if resume else Journal.begin)(journal, workflow, values, self._clock)
        load = lru_cache(maxsize=4)(partial(self._load, folder=folder, values=_replaced(workflow, values)))
        run = _Run(
            self._driver, self._resolver, self._clock, self._observers, self._timer, secrets, book, load,
            verifier=Verifier(
                self._driver, self._resolver, self._clock, load=load, values=values, folder=folder
            ),
            stopped=self._stopped, protected=frozenset(_words_of(steps)),
            words=[secrets.fetch(name).reveal() for name in sorted(names)],
            grounder=self._grounder, supervision=self._supervision, injector=self._injector,
        )  # fmt: skip
        outcome, course = Outcome.DONE, None
        results: list[StepResult] = []
        try:
            for number, step in enumerate(steps):
                if outcome is not Outcome.DONE:
                    result = run.skip(step, "An earlier step ended the run.")
                elif dry_run and number > 0:
                    result = run.skip(step, "Dry run: its screen is not there yet.")
                elif dry_run:
                    result, outcome = run.rehearse(step)
                elif book.is_finished(step.id):
                    result = run.skip(step, "It was done before the restart.", was_done_before=True)
                else:
                    result, outcome = run.take(step)
                results.append(result)
        finally:
            if self._supervision and not dry_run:
                is_complete = outcome is Outcome.DONE and len(results) == len(steps)
                course = self._supervision.finish(is_complete=is_complete)
        return RunResult(
            workflow=workflow.name,
            screen=self._driver.name,
            started_at=started_at.isoformat(),
            outcome=outcome,
            steps=tuple(results),
            duration_s=self._clock.monotonic_s() - started_s,
            parameters=dict(values),
            course=course,
            injected=tuple(run.injected),
        )

    def _load(self, record: TargetRecord, folder: Path, values: Mapping[str, str]) -> Target:
        """A target of the workflow, got to know while the screen settles; with this run's values for the recorded."""
        target = Target.load(record, folder).adapted_to(values)
        self._resolver.prepare(target)
        return target


def _replaced(workflow: Workflow, values: Mapping[str, str]) -> dict[str, str]:
    """The value of this run for each value that was recorded and is another one now."""
    recorded = {name: parameter.recorded or parameter.default for name, parameter in workflow.params.items()}
    return {then: values[name] for name, then in recorded.items() if then and values[name] and then != values[name]}


@dataclass(frozen=True)
class _Ending:
    """How a step ended."""

    verdict: Verdict
    reason: str = ""
    trigger: Trigger | None = None
    expectations: tuple[ExpectationResult, ...] = ()
    outcome: Outcome = Outcome.DONE


@dataclass
class _Trace:
    """What is known of a step while it goes on, so that it can be told however it ends."""

    searches: list[Search] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    before: Frame | None = None
    after: Frame | None = None
    end: Found | None = None
    acted: bool = False
    was_done_before: bool = False
    decision: Decision | None = None
    injected: Trigger | None = None


@dataclass
class _Run:
    """One run: the page.

    Attributes:
        stopped: A person has stopped it.
        looks: What the secrets look like that were typed so far.
        rest: The settled screen after the last action; None while the next one is on its way.
        last_shown: The last screen that was shown without secrets, behind what tells it from others.
        injected: The failures that were made to happen, in words.
    """

    driver: ScreenDriver
    resolver: Resolver
    clock: Clock
    observers: Sequence[StepObserver]
    timer: TimerFactory
    secrets: SecretSource
    journal: Journal
    load: Callable[[TargetRecord], Target]
    verifier: Verifier
    stopped: threading.Event
    protected: frozenset[str]
    words: Sequence[str]
    grounder: Grounder | None
    supervision: Supervision | None
    injector: Injector | None
    looks: list[SecretLook] = field(default_factory=list)
    rest: Frame | None = None
    last_shown: tuple[object, NDArray[np.uint8]] | None = None
    injected: list[str] = field(default_factory=list)

    def take(self, step: Step) -> tuple[StepResult, Outcome]:
        """Take one step if it is allowed, whatever comes of it."""
        trace = _Trace(decision=self.supervision.ask(step) if self.supervision else None)
        if self.supervision is None or trace.decision is None:
            return self._taken(step, trace)
        if not trace.decision.allowed:
            refusal = _Ending(Verdict.FAILED, trace.decision.reason, outcome=Outcome.REFUSED)
            return self._report(step, refusal, trace, 0.0), refusal.outcome
        result, outcome = self._taken(step, trace)
        self.supervision.tell(trace.decision, result)
        return result, outcome

    def rehearse(self, step: Step) -> tuple[StepResult, Outcome]:
        """Look what a step would do."""
        trace = _Trace()
        ending, duration_s = self._watched(step, self._rehearse, trace)
        return self._report(step, ending, trace, duration_s), ending.outcome

    def skip(self, step: Step, reason: str, *, was_done_before: bool = False) -> StepResult:
        """Leave a step out."""
        return self._report(step, _Ending(Verdict.SKIPPED, reason), _Trace(was_done_before=was_done_before), 0.0)

    # --------------------------------------------------------------------------------------------------- the page

    def _taken(self, step: Step, trace: _Trace) -> tuple[StepResult, Outcome]:
        """Take one step, or let a failure happen in its place."""
        trace.injected = self.injector.next(step.id) if self.injector else None
        if trace.injected:
            self.injected.append(f"{trace.injected} at step {step.id}")
        if trace.injected in (None, Trigger.LOW_CONFIDENCE):
            ending, duration_s = self._watched(step, self._take, trace)
        else:
            ending, duration_s = _Ending(Verdict.FAILED, NOTE, trace.injected, outcome=Outcome.FAILED), 0.0
        self.journal.conclude(step.id, ending.verdict)
        return self._report(step, ending, trace, duration_s), ending.outcome

    def _take(self, step: Step, deadline: Deadline, trace: _Trace) -> _Ending:
        """Observe, resolve, act, verify."""
        if isinstance(step, WaitStep):
            trace.before = self._observe(deadline)
            return self._judge(step, self.verifier.verify(step, Before(frame=trace.before), deadline), trace)
        seen = self.journal.doubt(step.id)
        doubt, cause = (None if seen is None else Before(seen)), Trigger.POSTCONDITION_FAILED
        for actions in range(MOST_ACTIONS + 1):
            if doubt is not None:
                proof = self.verifier.verify(step, doubt, Deadline(self.clock, deadline.left_s / 2))
                trace.after = proof.frame
                if proof.proves:
                    return _Ending(Verdict.DONE, "It had happened already.", expectations=proof.results)
                refusal = why_not_again(step, proof, actions)
                if refusal:
                    return _Ending(Verdict.FAILED, refusal, cause, proof.results, Outcome.REFUSED)
                trace.tried.append("did it again")
            before = self._aim(step, deadline, trace)
            if isinstance(before, _Ending):
                return before
            if self.supervision and trace.decision:
                self.supervision.intend(trace.decision, step)
            self.journal.intend(step.id, before.seen)
            self.rest, trace.acted = None, True
            try:
                self._act(step, before, trace)
            except DeliveryUncertainError:
                doubt, cause = before, Trigger.SCREEN_LOST
                continue
            return self._judge(step, self.verifier.verify(step, before, deadline), trace)
        raise AssertionError("a doubt after the last action is a refusal")

    def _rehearse(self, step: Step, deadline: Deadline, trace: _Trace) -> _Ending:
        """Observe and resolve, and leave it at that."""
        target = _target_of(step)
        if target is None:
            trace.before = self._observe(deadline)
            return _Ending(Verdict.SKIPPED, f"Dry run: the first step ({step.action}) has no target to look for.")
        found = self._search(step, target, deadline, trace).find(may_act=False)
        if not isinstance(found, Found):
            return _missed(found)
        place = [round(number) for number in found.point]
        return _Ending(Verdict.SKIPPED, f"Dry run: it would {step.action} at {place}.")

    def _observe(self, deadline: Deadline) -> Frame:
        """The screen once it has stopped moving; at once, if it still looks as after the step before."""
        return wait_until_settled(self.driver, self.clock, deadline, self.rest)

    def _aim(self, step: Step, deadline: Deadline, trace: _Trace) -> Before | _Ending:
        """Find where to act, on a screen that stays as it is until the action; see what is already so on it."""
        target = _target_of(step)
        if target is None:
            trace.before = self._observe(deadline)
            return self.verifier.look(step, trace.before, None)
        search = self._search(step, target, deadline, trace)
        found = search.find()
        while isinstance(found, Found):
            frame = search.frame
            if isinstance(step, DragStep):
                end = self._demanding(trace).resolve(self.load(step.to), frame.image)
                if not isinstance(end, Found):
                    return _missed(end)
                trace.end = end
            before = self.verifier.look(step, frame, found)
            found = search.confirm(also=trace.end.box if trace.end else None)
            if deadline.passed:
                return _Ending(Verdict.FAILED, _took_too_long(step), Trigger.WATCHDOG_TIMEOUT, outcome=Outcome.FAILED)
            if search.frame is frame:
                if trace.injected and isinstance(found, Found):
                    search.resolution = only_just_found(found)
                return before
        return _missed(found)

    def _demanding(self, trace: _Trace) -> Resolver:
        """The resolver, under the thresholds that were decided on for a step; what is expected is seen without them."""
        return self.resolver.demanding(trace.decision.thresholds) if trace.decision else self.resolver

    def _search(self, step: Step, target: TargetRecord, deadline: Deadline, trace: _Trace) -> Search:
        """A search for a target, kept in the trace."""
        must_agree = step.irreversible or (trace.decision is not None and trace.decision.must_agree)
        search = Search(
            self.driver,
            self._demanding(trace),
            self.clock,
            self.load(target),
            deadline=deadline,
            protected=self.protected,
            known=self.rest,
            grounder=self.grounder
            and replace(
                self.grounder,
                hide_picture=self._without_secrets,
                hide_words=self.secrets.hide,
                require_agreement=self.grounder.require_agreement or must_agree,
            ),
        )
        trace.searches.append(search)
        return search

    def _act(self, step: Step, before: Before, trace: _Trace) -> None:
        """Send the input events."""
        assert not isinstance(step, WaitStep), "waiting is no action"
        assert before.frame is not None, "somebody looked"
        text = ""
        if isinstance(step, TypeStep):
            text = step.text or ""
            if step.secret is not None:
                text = self.secrets.fetch(step.secret).reveal()
        place = before.place.point if before.place else None
        end = trace.end.point if trace.end else None
        perform(self.driver, step, before.frame, place=place, end=end, text=text)

    def _judge(self, step: Step, seen: Verification, trace: _Trace) -> _Ending:
        """What a verified step has come to."""
        trace.after = self.rest = seen.frame
        if not seen.met:
            trigger = Trigger.POSTCONDITION_FAILED
            return _Ending(Verdict.FAILED, seen.complaint, trigger, seen.results, Outcome.FAILED)
        if seen.proves:
            return _Ending(Verdict.DONE, expectations=seen.results)
        reason = "All that it expects was so before the action." if step.expect else ""
        if trace.decision is not None and trace.decision.must_be_verified:
            reason = f"{reason} While the workflow is DEGRADED, a step that nothing proves must not be gone on from."
            return _Ending(Verdict.FAILED, reason, expectations=seen.results, outcome=Outcome.REFUSED)
        return _Ending(Verdict.UNVERIFIED, reason, expectations=seen.results)

    # ------------------------------------------------------------------------------------------------ around it

    def _watched(
        self, step: Step, body: Callable[[Step, Deadline, _Trace], _Ending], trace: _Trace
    ) -> tuple[_Ending, float]:
        """Go through a step under the watchdog; whatever the screen does, it has an ending."""
        started_s = self.clock.monotonic_s()
        with Watchdog(self.driver.interrupt, step.timeout_s + GRACE_S, self.timer) as watchdog:
            try:
                ending = body(step, Deadline(self.clock, step.timeout_s), trace)
            except ScreenError as fault:
                ending = _Ending(Verdict.FAILED, str(fault), Trigger.SCREEN_LOST, outcome=Outcome.FAILED)
                if self.stopped.is_set():
                    ending = replace(ending, reason="Somebody stopped the run.", trigger=None)
            except RefusedError as refusal:
                ending = _Ending(Verdict.FAILED, str(refusal), outcome=Outcome.REFUSED)
        if watchdog.fired:
            trigger = Trigger.WATCHDOG_TIMEOUT
            ending = _Ending(Verdict.FAILED, _took_too_long(step), trigger, outcome=Outcome.FAILED)
        is_broken_off = ending.trigger in (Trigger.WATCHDOG_TIMEOUT, Trigger.SCREEN_LOST) or (
            ending.verdict is Verdict.FAILED and self.stopped.is_set()
        )
        if is_broken_off and self.journal.doubt(step.id) is not None:
            ending = replace(ending, reason=f"{ending.reason} Its action may have happened.")
        return ending, self.clock.monotonic_s() - started_s

    def _report(self, step: Step, ending: _Ending, trace: _Trace, duration_s: float) -> StepResult:
        """Tell all observers, and nobody any secret."""
        last = trace.searches[-1] if trace.searches else None
        tried = [*trace.tried, *(way for each in trace.searches for way in each.tried)]
        doubt = DOUBT_NOTE if trace.injected is Trigger.LOW_CONFIDENCE else ""
        result = StepResult(
            step_id=step.id,
            action=step.action,
            verdict=ending.verdict,
            note=step.note,
            trigger=ending.trigger,
            reason=" ".join(filter(None, [ending.reason, doubt, _listed(tried)])),
            resolution=last.resolution if last else None,
            expectations=ending.expectations,
            retries=len(tried),
            resolve_s=sum(each.resolve_s for each in trace.searches),
            duration_s=duration_s,
            model_use=self.grounder.model.bill() if self.grounder else ModelUse(),
            acted=trace.acted,
            was_done_before=trace.was_done_before,
            ruling=trace.decision.ruling if trace.decision else None,
        )
        if trace.decision and trace.decision.doubts(result):
            result = replace(result, trigger=Trigger.LOW_CONFIDENCE)
        result = without_secrets(result, self.secrets.hide)
        target = _target_of(step)
        place = last.resolution if last and isinstance(last.resolution, Found) else None
        before, after = self._pictures(step, place, last.frame if last else trace.before, trace.after)
        for observer in self.observers:
            observer.step(result, recorded=self.load(target) if target else None, before=before, after=after)
        return result

    def _pictures(
        self, step: Step, place: Found | None, before: Frame | None, after: Frame | None
    ) -> tuple[NDArray[np.uint8] | None, NDArray[np.uint8] | None]:
        """The screen before and after a step, without any secret.

        Args:
            step: The step.
            place: Where its target was found, frame space.
            before: The screen before its action.
            after: The screen after it; if a secret was typed and nobody knows where, it is not shown at all.
        """
        hidden: list[Box] = []
        if isinstance(step, TypeStep) and step.secret is not None and after is not None:
            hidden = places_of_secret(place.box if place else None, before.image if before else None, after.image)
            looks = [SecretLook.of(after.image, box, after.scale) for box in hidden]
            self.looks.extend(look for look in looks if look is not None)
            after = after if hidden else None
        return self._shown(before, hidden), self._shown(after, hidden)

    def _shown(self, frame: Frame | None, hidden: Sequence[Box]) -> NDArray[np.uint8] | None:
        """A screen without any secret. Most are seen twice, after a step and before the next one."""
        if frame is None:
            return None
        last, key = self.last_shown, (frame.key, len(self.looks), *hidden)
        if last is None or last[0] != key:
            last = self.last_shown = (key, masked(frame.image, hidden, self.looks, self.words))
        return last[1]

    def _without_secrets(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture in which no secret can be seen that was typed so far, or can be read."""
        return masked(picture, (), self.looks, self.words)


def _missed(resolution: NotFound | Ambiguous) -> _Ending:
    """A target that cannot be acted on."""
    trigger = Trigger.TARGET_AMBIGUOUS if isinstance(resolution, Ambiguous) else Trigger.TARGET_NOT_FOUND
    return _Ending(Verdict.FAILED, resolution.reason, trigger, outcome=Outcome.FAILED)


def _took_too_long(step: Step) -> str:
    return f"It took longer than {step.timeout_s:g} s and was broken off."


def _target_of(step: Step) -> TargetRecord | None:
    """What a step acts on."""
    return getattr(step, "target", None)


def _words_of(steps: Sequence[Step]) -> list[str]:
    """The words of everything that these steps act on."""
    records = [record for step in steps for record in (_target_of(step), getattr(step, "to", None)) if record]
    return [record.text for record in records if record.text]


def _listed(tried: Sequence[str]) -> str:
    """What was tried, as a sentence."""
    return f"Tried again: {', '.join(tried)}." if tried else ""


def _filled(part: object, values: Mapping[str, str]) -> object:
    """A part of a workflow with its parameters filled in, except in targets (recorded) and queries (bound by name)."""
    if isinstance(part, str):
        return fill(part, values)
    if isinstance(part, BaseModel) and not isinstance(part, TargetRecord):
        names = [name for name in type(part).model_fields if name != "query"]
        return part.model_copy(update={name: _filled(getattr(part, name), values) for name in names})
    if type(part) is tuple:
        return tuple(_filled(each, values) for each in part)
    return part
