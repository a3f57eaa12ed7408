"""A session: a screen is opened, a workflow runs on it, its report is written, the screen is closed.

This is what the command line and the demo do for each run; whoever has a screen of their own uses
`steadyhand.runner` directly. Where a manager is given, it is asked before the screen is opened, too; where an audit log
is given, all that is decided and done is written there.
"""

from __future__ import annotations

import signal
import threading
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.auditing import Auditor
from steadyhand.errors import ConfigError, ScreenError, StoreError
from steadyhand.evidence.run_report import RunReport
from steadyhand.execution.journal import Journal
from steadyhand.healing.supervision import Supervision
from steadyhand.learning import Learner
from steadyhand.memory.learned_memory import LearnedMemory
from steadyhand.model.outcome import Outcome, RunResult, StepResult, Trigger, Verdict
from steadyhand.model.parameters import SecretSource, fill
from steadyhand.model.workflow import SimulatedScreen, TypeStep
from steadyhand.resolution.cascade import Resolver
from steadyhand.runner import Runner
from steadyhand.screen.browser import BrowserDriver
from steadyhand.screen.simulated import SimulatedDriver

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from steadyhand.clock import Clock
    from steadyhand.evidence.audit_log import AuditLog
    from steadyhand.execution.injection import Injector
    from steadyhand.healing.auto_heal_manager import AutoHealManager, Decision
    from steadyhand.healing.supervision import Witness
    from steadyhand.model.workflow import Step, Workflow
    from steadyhand.resolution.grounding import Grounder
    from steadyhand.runner import StepObserver
    from steadyhand.screen.driver import ScreenDriver

JOURNAL = "journal.jsonl"
"""Where a run notes what it does, in its report's folder."""


class Finished(NamedTuple):
    """A run that is over.

    Attributes:
        result: What came of it.
        page: Its report, a page in one file.
    """

    result: RunResult
    page: Path


def run_once(
    workflow: Workflow,
    folder: Path,
    values: Mapping[str, str],
    report: Path,
    *,
    clock: Clock,
    headed: bool = False,
    resume: bool = False,
    dry_run: bool = False,
    observers: Sequence[StepObserver] = (),
    environment: Mapping[str, str] | None = None,
    url: str | None = None,
    grounder: Grounder | None = None,
    manager: AutoHealManager | None = None,
    log: AuditLog | None = None,
    witnesses: Sequence[Witness] = (),
    injector: Injector | None = None,
    learning: Path | None = None,
) -> Finished:
    """Run a workflow once and write its report.

    A run that the manager refuses before its first step has a result and a report like any other; its screen is never
    opened.

    Args:
        workflow: What to do.
        folder: The folder of its file.
        values: A value for each of its parameters.
        report: Where the report and the journal go.
        clock: Where time comes from.
        headed: Show the browser's window.
        resume: Go on where the run whose report this is was cut short.
        dry_run: Look for the first step's target and stop.
        observers: Who is told of each step besides the report.
        environment: Where secrets are looked up; the process's own if not given.
        url: Where to start instead of where the workflow says: another release of the same application.
        grounder: Asks a vision-language model where the evidence alone does not do; None to ask nobody.
        manager: Decides before each step whether to go on, and how strictly; None to ask nobody. A dry run never asks.
        log: Keeps what the manager decides and what is done by it; None to keep nothing.
        witnesses: Who else is told of each of its decisions.
        injector: Makes failures happen, for a test; None for none.
        learning: The folder of the robot's data, where what is learned is kept; None to know and to learn nothing. Only
            what the manager allows is learned, and nothing without one, or by a dry run.

    Raises:
        ConfigError: Something that was given cannot be used.
        DriverUnavailableError: The screen cannot be opened; to the manager that is a lost one.
        StoreError: The log cannot be written to, or what was learned is damaged. Nothing was done yet; later that
            refuses the next step.
        KeyboardInterrupt: Somebody pressed Ctrl-C; what was done is in the journal and in the report.
    """
    # Whatever was given wrongly is found before anything is opened, written or replaced.
    secrets = secrets_for(workflow, environment)
    if injector:
        injector.check(workflow)
    book = Journal.resume(report / JOURNAL, workflow, values, clock) if resume else Journal(report / JOURNAL, clock)
    # The folder of its report is what a run is known by: resumed, it is the same run.
    run = str(report.resolve())
    auditor, supervision = None, None
    with _learning(learning, workflow.name, run=run, values=values, manager=manager, clock=clock) as learner:
        if manager and not dry_run:
            auditor = Auditor(log, manager, workflow, run, secrets.hide) if log else None
            told: list[Witness] = [*filter(None, [auditor]), *witnesses, *filter(None, [learner])]
            supervision = Supervision(manager, workflow.name, run, told, learner.version if learner else 0)
        ahead = [step for step in workflow.steps if not book.is_finished(step.id)]
        with auditor or nullcontext():
            decision = supervision.admit(ahead[0].id) if supervision and ahead else None
            if supervision and decision and not decision.allowed:
                document = RunReport(report, resume=resume)
                if not resume:
                    Journal.begin(report / JOURNAL, workflow, values, clock)
                with _written(document):
                    result = _not_begun(workflow, values, decision, {step.id for step in ahead}, clock)
                    for step in result.steps:
                        for observer in (document, *observers):
                            observer.step(step)
                result = _ended(replace(result, course=supervision.finish(is_complete=False)), auditor)
                return Finished(result, document.close(result))
            with _brought_to_an_end(supervision):
                with _missing_screen_told(supervision, decision, ahead):
                    driver = open_screen(workflow, values, clock, headed=headed, url=url)
                with closing(driver):
                    document = RunReport(report, resume=resume)
                    runner = Runner(
                        driver,
                        Resolver(learned=learner.looks if learner else None),
                        clock,
                        [document, *observers, *filter(None, [learner])],
                        grounder=grounder,
                        supervision=supervision,
                        injector=injector,
                    )
                    with _stopped_by_ctrl_c(runner), _written(document):
                        result = runner.run(
                            workflow, folder, values, secrets, report / JOURNAL, resume=resume, dry_run=dry_run
                        )
                        result = _ended(result, auditor)
            return Finished(result, document.close(result))


def secrets_for(workflow: Workflow, environment: Mapping[str, str] | None = None) -> SecretSource:
    """Where the secrets of a workflow come from.

    Args:
        workflow: What is to be done.
        environment: Where they are looked up; the process's own if not given.

    Raises:
        ConfigError: One that is to be typed has no value.
    """
    secrets = SecretSource(workflow.secrets, environment)
    secrets.require(step.secret for step in workflow.steps if isinstance(step, TypeStep) and step.secret)
    return secrets


def _not_begun(
    workflow: Workflow, values: Mapping[str, str], decision: Decision, ahead: Collection[str], clock: Clock
) -> RunResult:
    """The result of a run that was refused before its screen was opened.

    Args:
        workflow: What it was to do.
        values: A value for each of its parameters.
        decision: What refused it, asked for the first of the steps ahead.
        ahead: The ids of the steps that were not done before a restart.
        clock: Where time comes from.
    """
    result = RunResult(
        workflow=workflow.name,
        screen=f"{workflow.screen.kind}, not opened",
        started_at=clock.now().isoformat(),
        outcome=Outcome.REFUSED,
        steps=(),
        duration_s=0.0,
        parameters=dict(values),
    )
    for step in workflow.steps:
        is_refused, was_done = step.id == decision.step, step.id not in ahead
        left_out = StepResult(
            step.id,
            step.action,
            Verdict.SKIPPED,
            note=fill(step.note, values),
            reason="It was done before the restart." if was_done else "An earlier step ended the run.",
            acted=False,
            was_done_before=was_done,
        )
        refused = replace(left_out, verdict=Verdict.FAILED, reason=decision.reason, ruling=decision.ruling)
        result = replace(result, steps=(*result.steps, refused if is_refused else left_out))
    return result


def open_screen(
    workflow: Workflow, values: Mapping[str, str], clock: Clock, *, headed: bool, url: str | None = None
) -> ScreenDriver:
    """Open the screen that a workflow runs on.

    Args:
        workflow: What to do.
        values: A value for each of its parameters.
        clock: Where time comes from.
        headed: Show the browser's window.
        url: Where to start instead of where the workflow says.

    Raises:
        ConfigError: There is an address for a screen that has none.
        DriverUnavailableError: It cannot be opened.
    """
    screen = workflow.screen
    if isinstance(screen, SimulatedScreen):
        if url is not None:
            raise ConfigError(
                f"A simulated screen has no address, so it cannot start at {url}.", "Leave the address out."
            )
        return SimulatedDriver.open(screen.release, screen.seed, clock)
    return BrowserDriver.open(
        url or fill(screen.url, values),
        headed=headed,
        width=screen.width,
        height=screen.height,
        scale=screen.scale,
        locale=screen.locale,
        clock=clock,
    )


@contextmanager
def _learning(
    data: Path | None,
    workflow: str,
    *,
    run: str,
    values: Mapping[str, str],
    manager: AutoHealManager | None,
    clock: Clock,
) -> Iterator[Learner | None]:
    """Learn from a run, if there is a place for it; what was learned is kept unless the run is broken off.

    Where the workflow may not be learned from when the run is over, nothing of what it has learned is kept.
    """
    if data is None:
        yield None
        return
    with closing(LearnedMemory(data, workflow, clock)) as memory:
        may_learn = manager.learning.may_learn if manager else (lambda _: False)
        learner = Learner(memory, run, values, may_learn, clock)
        yield learner
        if manager and manager.get_state(workflow).state.learns:
            learner.finish()


@contextmanager
def _brought_to_an_end(supervision: Supervision | None) -> Iterator[None]:
    """Let a run that ends before its first step, or by a fault, be over for those who supervise it."""
    try:
        yield
    except BaseException:
        if supervision:
            supervision.finish(is_complete=False)
        raise


@contextmanager
def _missing_screen_told(
    supervision: Supervision | None, decision: Decision | None, ahead: Sequence[Step]
) -> Iterator[None]:
    """Let a screen that cannot be opened count as one that was lost at the first of the steps ahead."""
    try:
        yield
    except ScreenError as fault:
        if supervision and decision:
            step, trigger = ahead[0], Trigger.SCREEN_LOST
            lost = StepResult(step.id, step.action, Verdict.FAILED, trigger=trigger, reason=str(fault), acted=False)
            supervision.tell(decision, lost)
        raise


def _ended(result: RunResult, auditor: Auditor | None) -> RunResult:
    """The result of a run whose end is written down; if it cannot be, that stands in the result."""
    try:
        if auditor:
            auditor.end(result)
    except StoreError as error:
        assert result.course, "who is audited is supervised"
        if str(error) not in result.course.events:
            events = (*result.course.events, str(error))
            return replace(result, course=replace(result.course, events=events))
    return result


@contextmanager
def _written(document: RunReport) -> Iterator[None]:
    """Let nobody go before what was told to a report is on the disk."""
    try:
        yield
    finally:
        document.wait()


@contextmanager
def _stopped_by_ctrl_c(runner: Runner) -> Iterator[None]:
    """Let Ctrl-C stop the run, not the talk with its screen: a driver that is broken into could never be closed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears of Ctrl-C
        return
    pressed = threading.Event()

    def stop(*_: object) -> None:
        pressed.set()
        runner.stop()

    former = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if pressed.is_set():
        raise KeyboardInterrupt
