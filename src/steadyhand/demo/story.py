"""The demo: a workflow is recorded on one release of an application and replayed on the next ones.

The application (`steadyhand.demo.application`) comes in four releases. A script records on the first how an invoice is
found, filled in and approved, pointing at things by looking. Then the workflow runs on all four. Whether the robot did
the right thing is asked of the application's own books: on the first three releases just one invoice must have been
approved, with the right date, e-mail and note, and nothing else touched; on the fourth, where the button is gone and
another one stands in its place, nothing must have been done at all.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from shutil import rmtree
from typing import TYPE_CHECKING

from steadyhand.auditing import open_robot
from steadyhand.clock import SystemClock
from steadyhand.demo.application import DemoApplication
from steadyhand.errors import ConfigError
from steadyhand.evidence.audit_log import FOLDER
from steadyhand.evidence.run_report import IndexEntry, write_index
from steadyhand.evidence.summary import Summary, comparison_table
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Outcome
from steadyhand.model.workflow import BrowserScreen
from steadyhand.model.workflow_file import load_workflow
from steadyhand.policy_file import FILE_NAME
from steadyhand.recording import Recorder
from steadyhand.screen.browser import BrowserDriver
from steadyhand.session import run_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Group

    from steadyhand.auditing import Robot
    from steadyhand.clock import Clock
    from steadyhand.model.outcome import RunResult

INVOICE = "INV-2047"
DETAILS = {"payment_date": "2026-06-18", "email": "ap@harbourlane.example", "note": "Réglé, merci"}
RELEASES = {1: "as recorded", 2: "restyled and moved", 3: "relabelled, reordered", 4: "the button is gone"}
WIDTH, HEIGHT = 1280, 800
PASSWORD_VARIABLE = "STEADYHAND_PASSWORD"  # noqa: S105  the name of one, not one
"""The environment variable in which the recorded workflow expects the password."""

_RECORDED_BOOKS = "recorded.db"
_BELOW_LABEL_PX, _ROW_PX = 32, 40


@dataclass(frozen=True, slots=True)
class Chapter:
    """One replay of the story.

    Attributes:
        release: On which release.
        result: What the robot says of it.
        page: Its report.
        wrong: What the application's books say against it; nothing if it did right.
    """

    release: int
    result: RunResult
    page: Path
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """The whole demo, told.

    Attributes:
        workflow: The recorded file.
        chapters: The replays.
        page: The report over all of them.
        audit: The audit log of the replays.
        duration_s: Seconds that all of it took.
    """

    workflow: Path
    chapters: tuple[Chapter, ...]
    page: Path
    audit: Path
    duration_s: float

    @property
    def is_as_it_should_be(self) -> bool:
        """Whether the robot did right on every release."""
        return not any(chapter.wrong for chapter in self.chapters)

    def table(self) -> Group:
        """The summaries side by side."""
        return comparison_table({f"{each.release}: {RELEASES[each.release]}": each.result for each in self.chapters})

    def verdict(self) -> str:
        """What the application's books say."""
        if self.is_as_it_should_be:
            return (
                f"{INVOICE} was approved on releases 1 to 3 with the right details, release 4 was refused, "
                f"and nothing else was touched. It took {self.duration_s:.0f} s."
            )
        return "\n".join(f"Release {each.release}: {wrong}" for each in self.chapters for wrong in each.wrong)

    def as_json(self) -> dict[str, object]:
        """The story for programs."""
        return {
            "as_it_should_be": self.is_as_it_should_be,
            "workflow": str(self.workflow),
            "report": str(self.page),
            "audit": str(self.audit),
            "duration_s": round(self.duration_s, 1),
            "releases": [
                {"release": each.release, "wrong": list(each.wrong), **asdict(Summary.of(each.result))}
                for each in self.chapters
            ],
        }


def tell(
    folder: Path, *, headed: bool = False, progress: Callable[[str], None] = lambda _: None, clock: Clock | None = None
) -> Story:
    """Record and replay.

    Args:
        folder: Where the workflow, the databases and the reports go; a former demo there is replaced.
        headed: Show the browser's window.
        progress: Told in words what goes on.
        clock: Where time comes from.

    Raises:
        ConfigError: The folder holds files that no demo left there.
        DriverUnavailableError: There is no browser.
    """
    clock = clock or SystemClock()
    began_s = clock.monotonic_s()
    if (folder / _RECORDED_BOOKS).is_file():
        rmtree(folder)
    elif folder.is_dir() and any(folder.iterdir()):
        raise ConfigError(f"{folder} holds other files.", "Name a folder that is empty, new, or that of a former demo.")
    folder.mkdir(parents=True, exist_ok=True)
    flow = folder / "flow.yaml"
    progress("Recording on release 1")
    with DemoApplication(1, folder / _RECORDED_BOOKS) as application:
        record(application, flow, headed=headed, clock=clock)
    chapters = []
    with open_robot(folder / "data", folder / FILE_NAME, clock) as robot:
        for release, words in RELEASES.items():
            progress(f"Replaying on release {release}: {words}")
            chapters.append(_replay(release, flow, folder, robot, headed=headed, clock=clock))
    page = write_index(
        folder,
        [IndexEntry(f"release {each.release}: {RELEASES[each.release]}", each.result, each.page) for each in chapters],
    )
    return Story(flow, tuple(chapters), page, folder / "data" / FOLDER, clock.monotonic_s() - began_s)


def record(application: DemoApplication, flow: Path, *, headed: bool, clock: Clock) -> None:
    """Do the work once, as a person would, while it is recorded.

    Args:
        application: The first release.
        flow: The workflow file to write.
        headed: Show the browser's window.
        clock: Where time comes from.

    Raises:
        DriverUnavailableError: There is no browser.
    """
    screen = BrowserScreen(url=application.url, width=WIDTH, height=HEIGHT)
    with (
        closing(BrowserDriver.open(application.url, headed=headed, width=WIDTH, height=HEIGHT, clock=clock)) as driver,
        Recorder(driver, flow, screen, clock=clock) as recorder,
    ):

        def fill(label: str, text: str, *, clear: bool = False) -> None:
            recorder.click(recorder.find(label).shifted(20, _BELOW_LABEL_PX))
            recorder.type(text, clear=clear)

        fill("User name", application.user)
        fill("Password", application.password)
        recorder.click(recorder.find("Log in"))
        recorder.click(recorder.find("Number or name"))
        recorder.type("Harbour")
        recorder.click(recorder.find("Search"))
        row = recorder.find(INVOICE)
        recorder.click(recorder.find("Open", within=Box(0, row.y, WIDTH, 0).grown(0, _ROW_PX / 2)))
        fill("Payment date", DETAILS["payment_date"], clear=True)
        fill("Contact e-mail", DETAILS["email"], clear=True)
        fill("Note", DETAILS["note"], clear=True)
        consent = recorder.find("Send remittance advice")
        recorder.click(consent)
        recorder.click(recorder.find("Save", within=Box(0, consent.y, WIDTH, HEIGHT)))
        recorder.click(recorder.find("Approve"))
        recorder.click(recorder.find("Confirm"))


def _replay(release: int, flow: Path, folder: Path, robot: Robot, *, headed: bool, clock: Clock) -> Chapter:
    """Run the workflow on a release, and ask its books what was done."""
    workflow = load_workflow(flow)
    database = folder / f"release-{release}.db"
    with DemoApplication(release, database) as application:
        result, page = run_once(
            workflow, flow.parent, {}, folder / f"release-{release}", clock=clock, headed=headed, url=application.url,
            environment={PASSWORD_VARIABLE: application.password}, manager=robot.manager, log=robot.log,
        )  # fmt: skip
        return Chapter(release, result, page, _objections(release, application, result))


def _objections(release: int, application: DemoApplication, result: RunResult) -> tuple[str, ...]:
    """What the application's books say against a run."""
    wrong: list[str] = []
    approvals = application.approvals()
    if release in (1, 2, 3):
        if result.outcome is not Outcome.DONE:
            wrong.append("the workflow did not come to its end")
        if [approval.invoice for approval in approvals] != [INVOICE]:
            wrong.append(f"approved were {[approval.invoice for approval in approvals]}")
        for approval in approvals:
            wrong += [
                f"{name} is {getattr(approval, name)!r} instead of {value!r}"
                for name, value in DETAILS.items()
                if str(getattr(approval, name)) != value
            ]
    else:
        wrong += ["it went through"] if result.outcome is Outcome.DONE else []
        wrong += [f"{approval.invoice} was approved" for approval in approvals]
    wrong += [
        f"{event.action} was done to {event.invoice}"
        for event in application.events()
        if event.action not in ("log-in", "save", "approve") or (event.invoice and event.invoice != INVOICE)
    ]
    return tuple(wrong)
