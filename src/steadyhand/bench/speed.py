"""What it costs to find a target, beside PyScreeze (which PyAutoGUI uses) and Airtest, and what memory a run needs.

A *trial* is a target on a recorded screenshot, another screenshot, and where the target is on that. There are four
*plights*: the target is unchanged in its place; it has moved, under a banner; it has a new look and the same text; it
is absent.

The screenshots are of the demo application, drawn by Chromium at 1440x900 and 2560x1600: a real page, with rows that
look alike and the same buttons in each, and all of it ships with the package. Its books are filled until the list fills
the larger screen, for what stands on a screen is what reading it costs. A clock in a corner goes on, so that no
screenshot equals the recorded one. For an absent target it alone is hidden: its twins and its neighbours stay.

What is counted is the CPU of one thread for finding a target that has just been got to know, on a frame that nobody
has seen; decoding is left out. All tools take a trial before the next one comes, so that what else a shared machine
does falls on all of them alike. A fast wrong answer is worth nothing: right and wrong are counted beside the time.

*Peak memory* is that of a whole run of the demo's workflow in headless Chromium, in a process of its own.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from rich.table import Table

from steadyhand.bench.cost import measured, one_thread
from steadyhand.bench.memory import entry_kb
from steadyhand.bench.peers import OURS, Quest
from steadyhand.clock import SystemClock
from steadyhand.demo import story
from steadyhand.demo.application import DemoApplication
from steadyhand.errors import DriverUnavailableError
from steadyhand.files import write_whole
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Found
from steadyhand.perception.scene import Scene
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.target import Target
from steadyhand.screen.browser import BrowserDriver
from steadyhand.screen.drawing import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from playwright.sync_api import Page

    from steadyhand.bench.peers import Peers
    from steadyhand.clock import Clock
    from steadyhand.model.geometry import Point

SIZES = ((1440, 900), (2560, 1600))
MEMORY_GOAL_MB = 700


class Plight(StrEnum):
    """What has become of a target."""

    UNCHANGED = "unchanged"
    MOVED = "moved"
    RESTYLED = "new look, same text"
    ABSENT = "absent"


GOALS_MS = {Plight.UNCHANGED: 5, Plight.MOVED: 60, Plight.RESTYLED: 700, Plight.ABSENT: 1200}
"""Milliseconds of CPU that the median shall stay under; that of absent targets at 1440x900 only."""

_LOG_IN, _LIST, _INVOICE = "/log-in", "/invoices", "/invoices/INV-2045"
_TARGETS = {
    _LIST: (
        ".menu a[href='/suppliers']", ".menu a[href='/payments']", ".menu a[href='/activity']", ".search .box",
        ".search button", "a[href='/invoices/INV-2034']", "a[href='/invoices/INV-2047']",
        "button[formaction$='INV-2038/hold']", "button[formaction$='INV-2056/reject']",
    ),
    _INVOICE: (
        "#payment_date", "#email", "#note", ".check", ".details button", "button[formaction$='/hold']",
        "button[formaction$='/reject']",
    ),
}  # fmt: skip
"""The targets on each page, as a browser selects them."""

_MORE_SUPPLIERS = tuple(
    f"{first} {second}"
    for first in ("Juniper", "Maple", "Northgate", "Pine", "Quarry", "Rivers")
    for second in ("Foods", "Glass", "Tools", "Travel")
)
_PENDING = "INSERT INTO invoices VALUES (?, ?, 'Sundries', '2026-07-15', ?, 'Pending', 0, NULL, NULL, NULL, NULL)"

_SHOW_CLOCK = """time => {
    document.documentElement.style.overflow = 'hidden';  // no scroll bar comes with the banner: nothing is squeezed
    const clock = document.createElement('div');
    clock.textContent = time;
    clock.style.cssText = 'position: fixed; right: 24px; bottom: 6px; font-size: 12px';
    document.body.append(clock);
}"""
_SHOW_BANNER = """() => {
    const banner = document.createElement('div');
    banner.textContent = 'Halyard will be closed for maintenance tonight from 22:00.';
    banner.style.cssText = 'height: 72px; padding: 24px; background: #26323f; color: #fff; box-sizing: border-box';
    document.body.prepend(banner);
}"""
_SET_VISIBILITY = "(element, visibility) => { element.style.visibility = visibility; }"
_SAMPLE_S = 0.1


class Trial(NamedTuple):
    """A target and a screenshot to find it on.

    Attributes:
        size: Width and height of both screenshots, pixels.
        plight: What has become of the target.
        recorded: The screenshot that shows it, a PNG.
        box: The target on it, frame space.
        screen: The screenshot to find it on, a PNG.
        truth: Where it is there, frame space; None if it is absent.
    """

    size: tuple[int, int]
    plight: Plight
    recorded: Path
    box: Box
    screen: Path
    truth: Box | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool did in a trial.

    Attributes:
        tool: Which one.
        trial: Which one.
        point: Where it would click, frame space; None for no click.
        method: The rung that found it; empty for other tools and for no click.
        cpu_ms: Milliseconds of CPU.
    """

    tool: str
    trial: Trial
    point: Point | None
    method: str
    cpu_ms: float

    @property
    def is_right(self) -> bool:
        """It clicked the target, or refused where there was none."""
        truth = self.trial.truth
        return self.point is None if truth is None else self.point is not None and truth.contains(self.point)

    @property
    def is_wrong_click(self) -> bool:
        """It clicked something else."""
        return self.point is not None and not self.is_right


@dataclass(frozen=True, slots=True)
class Figures:
    """What is said of a tool at one size and in one plight.

    Attributes:
        size: Width and height of the screenshots, pixels.
        plight: What has become of the targets.
        tool: Which one.
        trials: How many.
        right: Right answers.
        wrong_clicks: Clicks on something else.
        cpu_median_ms: Milliseconds of CPU.
        cpu_95th_ms: Milliseconds of CPU.
        ratio: Its median as a multiple of ours; 1 for ours.
        goal_ms: What our median shall stay under; None for other tools, and where there is no goal.
    """

    size: tuple[int, int]
    plight: Plight
    tool: str
    trials: int
    right: int
    wrong_clicks: int
    cpu_median_ms: float
    cpu_95th_ms: float
    ratio: float
    goal_ms: int | None


@dataclass(frozen=True, slots=True)
class RungFigures:
    """What is said of a rung of ours at one size.

    Attributes:
        size: Width and height of the screenshots, pixels.
        rung: Which one; empty for refusals.
        found: How many targets it found.
        cpu_median_ms: Milliseconds of CPU.
        cpu_95th_ms: Milliseconds of CPU.
    """

    size: tuple[int, int]
    rung: str
    found: int
    cpu_median_ms: float
    cpu_95th_ms: float


class Memory(NamedTuple):
    """The peak memory of a run, millions of bytes.

    Attributes:
        robot_mb: Of the robot's own process: the most that it ever had resident.
        all_mb: With Playwright's server and Chromium: the most that all their processes had at once, what they share
            counted once; looked at ten times a second.
    """

    robot_mb: float
    all_mb: float


# ------------------------------------------------------------------------------------------------------- drawing


def draw(folder: Path, progress: Callable[[int, int], None] = lambda *_: None) -> list[Trial]:
    """Draw the screenshots.

    Args:
        folder: Where they go.
        progress: Told how many of how many sizes are done.

    Returns:
        The trials, those on the same recorded screenshot one after the other.

    Raises:
        DriverUnavailableError: There is no browser.
    """
    trials: list[Trial] = []
    for number, size in enumerate(SIZES):
        progress(number, len(SIZES))
        with (
            _filled_application(1, folder / f"{size[0]}-1.db") as recorded,
            _filled_application(2, folder / f"{size[0]}-2.db") as restyled,
            closing(BrowserDriver.open(recorded.url, width=size[0], height=size[1])) as driver,
        ):
            _log_in(driver.page, restyled)
            _log_in(driver.page, recorded)
            for page in _TARGETS:
                trials += _draw_page(driver, page, folder, size=size, recorded=recorded.url, restyled=restyled.url)
    return sorted(trials, key=lambda trial: (trial.size, trial.recorded, trial.box))


def _filled_application(release: int, database: Path) -> DemoApplication:
    """The demo application, with so many invoices that its list fills a large screen."""
    application = DemoApplication(release, database)
    rows = [(f"INV-{2070 + 3 * n}", name, 48_000 + 7_310 * n) for n, name in enumerate(_MORE_SUPPLIERS)]
    with closing(sqlite3.connect(database)) as books, books:
        books.executemany(_PENDING, rows)
    return application


def _log_in(page: Page, application: DemoApplication) -> None:
    page.goto(application.url + _LOG_IN)
    page.fill("#user", application.user)
    page.fill("#password", application.password)
    page.click("button[type=submit]")


def _draw_page(
    driver: BrowserDriver, path: str, folder: Path, *, size: tuple[int, int], recorded: str, restyled: str
) -> Iterator[Trial]:
    """Draw a page as it was recorded and in all plights.

    Args:
        driver: A browser that is logged in to both releases.
        path: Of the page.
        folder: Where the screenshots go.
        size: Of the browser's page, pixels.
        recorded: The address of the release that is recorded.
        restyled: The address of the one that looks otherwise.
    """
    page, selectors = driver.page, _TARGETS[path]

    def boxes() -> dict[str, Box]:
        found = {selector: page.locator(selector).first.bounding_box() for selector in selectors}
        return {
            selector: Box(box["x"], box["y"], box["width"], box["height"]) for selector, box in found.items() if box
        }

    def shoot(name: str) -> Path:
        file = folder / f"{size[0]}-{path.strip('/').replace('/', '-')}-{name}.png"
        write_whole(file, cv2.imencode(".png", driver.capture().image)[1].tobytes())
        return file

    def open_at(address: str, time: str) -> None:
        page.goto(address + path)
        page.evaluate(_SHOW_CLOCK, time)

    open_at(recorded, "09:41")
    was, then = shoot("recorded"), boxes()
    open_at(recorded, "09:42")
    screens = {Plight.UNCHANGED: (shoot("unchanged"), boxes())}
    for number, selector in enumerate(selectors):
        element = page.locator(selector).first
        element.evaluate(_SET_VISIBILITY, "hidden")
        yield Trial(size, Plight.ABSENT, was, then[selector], shoot(f"without-{number}"), None)
        element.evaluate(_SET_VISIBILITY, "visible")
    page.evaluate(_SHOW_BANNER)
    screens[Plight.MOVED] = shoot("moved"), boxes()
    open_at(restyled, "09:42")
    screens[Plight.RESTYLED] = shoot("restyled"), boxes()
    for plight, (screen, now) in screens.items():
        for selector in selectors:
            assert Box(0, 0, *size).encloses(now[selector]), f"{selector} is out of sight: {plight}"
            yield Trial(size, plight, was, then[selector], screen, now[selector])


# ------------------------------------------------------------------------------------------------------- finding


def run(trials: Sequence[Trial], peers: Peers, progress: Callable[[int, int], None] = lambda *_: None) -> list[Outcome]:
    """Let all tools take all trials.

    Args:
        trials: Those on the same recorded screenshot one after the other.
        peers: Who takes them beside ours.
        progress: Told how many of how many trials are done.
    """
    outcomes: list[Outcome] = []
    for number, trial in enumerate(trials):
        progress(number, len(trials))
        quest = Quest(str(trial.recorded), trial.box, trial.box.center, str(trial.screen))
        outcomes.append(_take(trial))
        for name in peers.ready:
            sighting = peers.find(name, quest)
            outcomes.append(Outcome(name, trial, sighting.point, "", sighting.cpu_ms))
    return outcomes


def _take(trial: Trial) -> Outcome:
    """Let ours take a trial.

    In a thread of its own: what was seen and read before is kept by thread, so this one knows the target alone.
    """
    target = Target.from_frame(_image(trial.recorded), trial.box.center, trial.box)
    screen = _image(trial.screen)

    def resolve() -> Outcome:
        _open_reader()
        resolver = Resolver()
        resolver.prepare(target)
        result, cpu_ms = measured(lambda: resolver.resolve(target, screen))
        if isinstance(result, Found):
            return Outcome(OURS, trial, result.point, result.method.value, cpu_ms)
        return Outcome(OURS, trial, None, "", cpu_ms)

    with one_thread(), ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(resolve).result()


def _open_reader() -> None:
    """Let this thread have a reader, as any robot at work has."""
    word = np.full((60, 200, 3), 255, np.uint8)
    write(word, "Halyard", 20, 40, 24, (0, 0, 0))
    assert Scene.of(word).phrases


def _image(path: Path) -> NDArray[np.uint8]:
    """A screenshot: uint8, (height, width, 3), blue-green-red."""
    return np.asarray(cv2.imread(str(path)), np.uint8)


# -------------------------------------------------------------------------------------------------------- memory


def memory_of_a_run(folder: Path, clock: Clock | None = None) -> Memory | None:
    """Record the demo's workflow, run it in a process of its own, and watch its memory.

    Args:
        folder: Where the workflow and the report go.
        clock: Where time comes from.

    Returns:
        None on systems that do not tell (only Linux does).

    Raises:
        DriverUnavailableError: There is no browser, or the run did not come to its end.
    """
    if not Path("/proc/self/smaps_rollup").is_file():
        return None
    clock = clock or SystemClock()
    flow = folder / "flow.yaml"
    with DemoApplication(1, folder / "recorded.db") as application:
        story.record(application, flow, headed=False, clock=clock)
    with DemoApplication(1, folder / "replayed.db") as application:
        process = subprocess.Popen(  # noqa: S603  it is ourselves whom we start
            [sys.executable, "-m", "steadyhand", "run", flow, "--url", application.url, "--report", folder / "report"],
            env={**os.environ, story.PASSWORD_VARIABLE: application.password},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        robot_kb = all_kb = 0
        while process.poll() is None:
            with suppress(OSError):  # a process that ends while it is looked at
                robot_kb = max(robot_kb, entry_kb(process.pid, "status", "VmHWM"))
            all_kb = max(all_kb, sum(_shared_fairly_kb(each) for each in _family(process.pid)))
            clock.sleep(_SAMPLE_S)
    if process.returncode:
        raise DriverUnavailableError(
            f"The run whose memory is measured ended with {process.returncode}.", "See what `steadyhand demo` says."
        )
    return Memory(robot_kb * 1024 / 1e6, all_kb * 1024 / 1e6)


def _family(process: int) -> Iterator[int]:
    """A process, its children, theirs, and so on."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _shared_fairly_kb(process: int) -> int:
    """The memory of a process, where each page that several share counts for its part; 0 if it has ended."""
    with suppress(OSError):
        return entry_kb(process, "smaps_rollup", "Pss")
    return 0


# ------------------------------------------------------------------------------------------------------- telling


def figures(outcomes: Iterable[Outcome]) -> list[Figures]:
    """The figures of each tool at each size and in each plight, ours first."""
    groups: dict[tuple[tuple[int, int], Plight], dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        tools = groups.setdefault((outcome.trial.size, outcome.trial.plight), {})
        tools.setdefault(outcome.tool, []).append(outcome)
    told: list[Figures] = []
    plights = list(Plight)
    for (size, plight), tools in sorted(groups.items(), key=lambda item: (item[0][0], plights.index(item[0][1]))):
        ours_ms = _median_ms(tools[OURS])
        for tool, given in tools.items():
            has_goal = tool == OURS and (plight is not Plight.ABSENT or size == SIZES[0])
            told.append(
                Figures(
                    size=size,
                    plight=plight,
                    tool=tool,
                    trials=len(given),
                    right=sum(each.is_right for each in given),
                    wrong_clicks=sum(each.is_wrong_click for each in given),
                    cpu_median_ms=round(_median_ms(given), 1),
                    cpu_95th_ms=round(_95th_ms(given), 1),
                    ratio=round(_median_ms(given) / ours_ms, 2),
                    goal_ms=GOALS_MS[plight] if has_goal else None,
                )
            )
    return told


def rung_figures(outcomes: Iterable[Outcome]) -> list[RungFigures]:
    """The figures of each rung of ours at each size, and of refusals."""
    groups: dict[tuple[tuple[int, int], str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.tool == OURS:
            groups.setdefault((outcome.trial.size, outcome.method), []).append(outcome)
    return [
        RungFigures(size, rung, len(given), round(_median_ms(given), 1), round(_95th_ms(given), 1))
        for (size, rung), given in sorted(groups.items(), key=lambda item: (item[0][0], not item[0][1], item[0][1]))
    ]


def table(told: Iterable[Figures]) -> Table:
    """The figures for a terminal."""
    shown = _table("", "tool", "right", "wrong", "CPU median", "95th", "of ours", "goal", left=2)
    for each in told:
        is_first = each.tool == OURS
        met = "met" if each.goal_ms and each.cpu_median_ms < each.goal_ms else "missed"
        shown.add_row(
            f"{_name(each.size)} {each.plight}" if is_first else "",
            each.tool,
            f"{each.right}/{each.trials}",
            f"{each.wrong_clicks}",
            f"{each.cpu_median_ms:.1f} ms",
            f"{each.cpu_95th_ms:.1f} ms",
            "" if is_first else f"x{each.ratio:g}",
            f"< {each.goal_ms} ms: {met}" if each.goal_ms else "",
        )
    return shown


def rung_table(told: Iterable[RungFigures]) -> Table:
    """The figures of the rungs for a terminal."""
    shown = _table("steadyhand, by rung", "found", "CPU median", "95th", left=1)
    for each in told:
        name = f"{_name(each.size)} {each.rung or 'none: refused'}"
        shown.add_row(name, str(each.found), f"{each.cpu_median_ms:.1f} ms", f"{each.cpu_95th_ms:.1f} ms")
    return shown


def told_of_memory(memory: Memory | None) -> str:
    """What is said of the memory of a run."""
    if memory is None:
        return "Peak memory of a run: only Linux tells."
    met = "met" if memory.robot_mb < MEMORY_GOAL_MB else "missed"
    return (
        f"Peak memory of a run: {memory.robot_mb:.0f} MB, the robot's process alone (goal: under {MEMORY_GOAL_MB} MB: "
        f"{met}); {memory.all_mb:.0f} MB together with Playwright's server and Chromium."
    )


def _table(*headings: str, left: int) -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        shown.add_column(heading, justify="left" if number < left else "right", no_wrap=True)
    return shown


def _name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _95th_ms(outcomes: Iterable[Outcome]) -> float:
    return float(np.percentile([outcome.cpu_ms for outcome in outcomes], 95))


def _median_ms(outcomes: Iterable[Outcome]) -> float:
    return float(np.median([outcome.cpu_ms for outcome in outcomes]))
