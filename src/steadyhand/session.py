"""A session: a screen is opened, a workflow runs on it, its report is written, the screen is closed.

This is what the command line and the demo do for each run; whoever has a screen of their own uses
`steadyhand.runner` directly.
"""

from __future__ import annotations

import signal
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.errors import ConfigError
from steadyhand.evidence.run_report import RunReport
from steadyhand.execution.journal import Journal
from steadyhand.model.parameters import SecretSource, fill
from steadyhand.model.workflow import SimulatedScreen, TypeStep
from steadyhand.resolution.cascade import Resolver
from steadyhand.runner import Runner
from steadyhand.screen.browser import BrowserDriver
from steadyhand.screen.simulated import SimulatedDriver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from steadyhand.clock import Clock
    from steadyhand.model.outcome import RunResult
    from steadyhand.model.workflow import Workflow
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
) -> Finished:
    """Run a workflow once and write its report.

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

    Raises:
        ConfigError: Something that was given cannot be used.
        DriverUnavailableError: The screen cannot be opened.
        KeyboardInterrupt: Somebody pressed Ctrl-C; what was done is in the journal and in the report.
    """
    # Whatever was given wrongly is found before anything is opened, written or replaced.
    secrets = SecretSource(workflow.secrets, environment)
    secrets.require(step.secret for step in workflow.steps if isinstance(step, TypeStep) and step.secret)
    if resume:
        Journal.resume(report / JOURNAL, workflow, values, clock)
    with closing(open_screen(workflow, values, clock, headed=headed, url=url)) as driver:
        document = RunReport(report, resume=resume)
        runner = Runner(driver, Resolver(), clock, [document, *observers], grounder=grounder)
        with _broken_off_by_ctrl_c(driver), _written(document):
            result = runner.run(workflow, folder, values, secrets, report / JOURNAL, resume=resume, dry_run=dry_run)
    return Finished(result, document.close(result))


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
def _written(document: RunReport) -> Iterator[None]:
    """Let nobody go before what was told to a report is on the disk."""
    try:
        yield
    finally:
        document.wait()


@contextmanager
def _broken_off_by_ctrl_c(driver: ScreenDriver) -> Iterator[None]:
    """Let Ctrl-C break off the screen, not the talk with it: a driver that is broken into could never be closed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears of Ctrl-C
        return
    pressed = threading.Event()

    def break_off(*_: object) -> None:
        pressed.set()
        driver.interrupt()

    former = signal.signal(signal.SIGINT, break_off)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
    if pressed.is_set():
        raise KeyboardInterrupt
