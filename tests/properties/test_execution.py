"""Requirements 0.2, 0.4, 0.5 and 9: a run does the right thing once, or stops and says why.

All of it on the simulated order book, whose deeds tell what really happened.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from steadyhand.clock import ManualClock
from steadyhand.execution import journal as journal_module
from steadyhand.files import append_record
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import (
    Ambiguous,
    Candidate,
    Method,
    Outcome,
    Resolution,
    RunResult,
    Trigger,
    Verdict,
)
from steadyhand.model.parameters import SecretSource
from steadyhand.model.workflow import TargetRecord, Workflow
from steadyhand.model.workflow_file import save_landmarks
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.target import Target
from steadyhand.runner import Runner
from steadyhand.screen.drawing import panel, write, write_inside
from steadyhand.screen.simulated import SimulatedDriver
from steadyhand.screen.simulated_application import Deed, Popup, SimulatedApplication

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.execution.watchdog import Timer, TimerFactory
    from steadyhand.screen.driver import Button
    from steadyhand.screen.keys import Chord

SEED = 0
SUBJECT = SimulatedApplication(seed=SEED).subject


# ------------------------------------------------------------------------------------------------- what is recorded


@dataclass
class Recording:
    """What somebody recorded on the first release.

    Attributes:
        folder: Where its images lie.
        row: The subject's row, by the name of its customer.
        mark: The entry of the row's menu that marks the order as paid.
        edit: The subject's button Edit.
        save: The button of its form.
    """

    folder: Path
    row: TargetRecord
    mark: TargetRecord
    edit: TargetRecord
    save: TargetRecord

    def workflow(self, *steps: dict[str, Any]) -> Workflow:
        """A workflow with these steps."""
        return Workflow.model_validate(
            {"steadyhand": 1, "name": "Orders", "screen": {"kind": "simulated"}, "steps": list(steps)}
        )

    @property
    def marking(self) -> Workflow:
        """Open the subject's menu and mark it as paid, which cannot be undone."""
        return self.workflow(
            {
                "id": "menu", "action": "click", "button": "right", "target": self.row,
                "expect": [{"target_present": self.mark}],
            },
            {
                "id": "mark", "action": "click", "target": self.mark, "irreversible": True,
                "expect": [{"text_appears": f"Order {SUBJECT} marked as paid"}],
            },
        )  # fmt: skip

    @property
    def editing(self) -> Workflow:
        """Open the subject's form."""
        expect = [{"title": f"Order {SUBJECT}"}]
        return self.workflow({"id": "edit", "action": "click", "target": self.edit, "expect": expect})

    @property
    def saving(self) -> Workflow:
        """Open the subject's form and save it as it is."""
        expect = [{"text_appears": f"Order {SUBJECT} saved"}]
        save = {"id": "save", "action": "click", "target": self.save, "expect": expect}
        return self.workflow(*(step.model_dump() for step in self.editing.steps), save)


def listing(release: int = 1) -> SimulatedApplication:
    """A release with its list open."""
    application = SimulatedApplication(release, SEED)
    application.log_in()
    return application


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The recording."""
    folder, application = tmp_path_factory.mktemp("recording"), listing()

    def record(name: str, place: Point, box: Box | None = None) -> TargetRecord:
        image = application.draw(has_caret=False)
        cv2.imwrite(str(folder / f"{name}.png"), image)
        return Target.from_frame(image, place, box).record(f"{name}.png")

    line = application.box_of(f"row {SUBJECT}")
    customer = Point(line.x + 150, line.center.y)
    row = record("list", customer)
    box = application.box_of(f"edit {SUBJECT}")
    edit = record("list", box.center, box)
    application.click(customer, "right", 1)
    box = application.box_of(f"mark {SUBJECT}")
    mark = record("menu", box.center, box)
    application.click(Point(1, 1), "left", 1)
    application.click(edit.point, "left", 1)
    box = application.box_of("save")
    return Recording(folder, row, mark, edit, record("form", box.center, box))


def run(
    recording: Recording,
    workflow: Workflow,
    driver: SimulatedDriver,
    clock: ManualClock,
    journal: Path,
    *,
    resume: bool = False,
    timer: TimerFactory = threading.Timer,
    resolver: Resolver | None = None,
) -> RunResult:
    """Run a workflow on a screen."""
    runner = Runner(driver, resolver or Resolver(), clock, timer=timer)
    return runner.run(workflow, recording.folder, {}, SecretSource({}), journal, resume=resume)


@dataclass
class Scene:
    """A screen on which a workflow can be run.

    Attributes:
        application: What it shows.
        journal: Where the run notes what it does.
    """

    journal: Path
    application: SimulatedApplication = field(default_factory=listing)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.driver = SimulatedDriver(self.application, self.clock)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The first release, with its list open."""
    return Scene(tmp_path / "journal.jsonl")


def on(release: int, tmp_path: Path) -> Scene:
    """Another release, with its list open."""
    return Scene(tmp_path / "journal.jsonl", listing(release))


# ----------------------------------------------------------------------------------------------- the right thing, once


@pytest.mark.parametrize("release", range(1, 6))
def test_0_2_the_right_order_is_edited_in_every_release(recording: Recording, tmp_path: Path, release: int) -> None:
    """Moved, dark, reordered or renamed: it is the subject's form that opens, or nothing is touched at all."""
    there = on(release, tmp_path)
    result = run(recording, recording.editing, there.driver, there.clock, there.journal)
    assert there.application.title == (f"Order {SUBJECT}" if result.outcome is Outcome.DONE else "Orders")
    assert release > 1 or result.outcome is Outcome.DONE, result.steps[0].reason


def test_0_5_each_step_is_verified(recording: Recording, scene: Scene) -> None:
    """A whole run is done, and what it did is what was recorded, once."""
    result = run(recording, recording.marking, scene.driver, scene.clock, scene.journal)
    assert [step.verdict for step in result.steps] == [Verdict.DONE, Verdict.DONE], result.steps
    assert scene.application.deeds == [Deed("marked", SUBJECT)]


def test_a_row_out_of_view_is_scrolled_into_view(recording: Recording, scene: Scene) -> None:
    """Somebody left the list at its end; the right row is found and edited."""
    scene.application.scroll(Point(500, 400), 10_000)
    result = run(recording, recording.editing, scene.driver, scene.clock, scene.journal)
    assert result.outcome is Outcome.DONE, result.steps[0].reason
    assert "scrolled" in result.steps[0].reason
    assert scene.application.title == f"Order {SUBJECT}"


@pytest.mark.parametrize(
    ("text", "button", "is_modal"),
    [
        ("We use cookies to keep you logged in.", "Accept", True),
        ("We use cookies to keep you logged in.", "Reject all", False),
        ("What's new: orders can be dragged.", "Got it", True),
        ("What's new: orders can be dragged.", "Got it", False),
        ("Ce site utilise des cookies.", "Tout refuser", False),
    ],
)
def test_a_popup_over_the_target_is_dismissed(
    recording: Recording, scene: Scene, text: str, button: str, *, is_modal: bool
) -> None:
    """What the recording did not have is taken away, and then the right order is edited."""
    scene.application.pop_up(Popup(text, button, over=scene.application.box_of(f"edit {SUBJECT}"), is_modal=is_modal))
    result = run(recording, recording.editing, scene.driver, scene.clock, scene.journal)
    assert result.outcome is Outcome.DONE, result.steps[0].reason
    assert result.steps[0].reason == f"Tried again: dismissed what lay over it by {button!r}."
    assert scene.application.title == f"Order {SUBJECT}"


@pytest.mark.parametrize("button", ["OK", "Accept", "Close"])
def test_a_popup_that_asks_for_something_is_left_alone(recording: Recording, scene: Scene, button: str) -> None:
    """A question about deleting is answered by nobody, and the run stops."""
    over = scene.application.box_of(f"edit {SUBJECT}")
    scene.application.pop_up(Popup("Delete all orders of this year?", button, over=over, is_modal=True))
    result = run(recording, recording.editing, scene.driver, scene.clock, scene.journal)
    assert result.steps[0].trigger is Trigger.TARGET_NOT_FOUND
    assert scene.application.box_of("dismiss")


# -------------------------------------------------------------------------------------------------------- triggers


def test_9_1_target_not_found(recording: Recording, tmp_path: Path) -> None:
    """The order is gone and a look-alike stands in its place: nothing is clicked, the rest is skipped."""
    there = on(6, tmp_path)
    result = run(recording, recording.saving, there.driver, there.clock, there.journal)
    assert result.outcome is Outcome.FAILED
    assert [step.verdict for step in result.steps] == [Verdict.FAILED, Verdict.SKIPPED]
    assert result.steps[0].trigger in {Trigger.TARGET_NOT_FOUND, Trigger.TARGET_AMBIGUOUS}
    assert there.application.title == "Orders"
    assert there.application.deeds == []


def test_9_1_a_black_screen_shows_no_target(recording: Recording, scene: Scene) -> None:
    """Nothing is there, so nothing is found."""
    scene.driver.failures.is_black = True
    result = run(recording, recording.editing, scene.driver, scene.clock, scene.journal)
    assert result.steps[0].trigger is Trigger.TARGET_NOT_FOUND


def test_9_2_postcondition_failed(recording: Recording, scene: Scene) -> None:
    """A screen that does not change any more shows no effect; the run stops there, and what it did is in doubt."""
    scene.driver.failures.is_frozen = True
    result = run(recording, recording.marking, scene.driver, scene.clock, scene.journal)
    assert [step.verdict for step in result.steps] == [Verdict.FAILED, Verdict.SKIPPED]
    assert result.steps[0].trigger is Trigger.POSTCONDITION_FAILED
    assert scene.application.deeds == []


def test_9_2_a_slow_screen_is_waited_for(recording: Recording, scene: Scene) -> None:
    """What takes seconds to show is no failure."""
    scene.driver.failures.latency_s = 4
    result = run(recording, recording.marking, scene.driver, scene.clock, scene.journal)
    assert result.outcome is Outcome.DONE, result.steps
    assert scene.application.deeds == [Deed("marked", SUBJECT)]


class Hanging(SimulatedDriver):
    """A screen whose clicks never come back; the time goes by meanwhile."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.application, scene.clock)
        self.failures.hangs = True
        self.timers: list[threading.Thread] = []

    def timer(self, _interval_s: float, call: Callable[[], None]) -> Timer:
        """A timer that goes off, in a thread of its own, when a click hangs."""
        self.timers.append(threading.Thread(target=call))
        return Held()

    @override
    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Hang."""
        self.timers[-1].start()
        super().click(point, button, count)


class Held:
    """A timer that somebody else sets off."""

    def start(self) -> None:
        """It is held."""

    def cancel(self) -> None:
        """It is held."""


def test_9_3_watchdog_timeout(recording: Recording, scene: Scene) -> None:
    """A click that never comes back is broken off from another thread, and the run ends."""
    driver = Hanging(scene)
    result = run(recording, recording.marking, driver, scene.clock, scene.journal, timer=driver.timer)
    driver.timers[-1].join()
    assert [step.verdict for step in result.steps] == [Verdict.FAILED, Verdict.SKIPPED]
    assert result.steps[0].trigger is Trigger.WATCHDOG_TIMEOUT
    assert result.steps[0].reason.endswith("was broken off. Its action may have happened.")
    assert scene.application.deeds == []


class Undecided(Resolver):
    """Cannot tell two places apart."""

    @override
    def resolve(self, target: Target, image: NDArray[np.uint8]) -> Resolution:
        """Either."""
        boxes = (target.box, target.box.shifted(0, 52))
        either = [Candidate(box.center, box, 0.8, Method.SOM_TEXT_MATCH) for box in boxes]
        return Ambiguous("2 places could be the target.", tuple(either))


def test_9_5_target_ambiguous(recording: Recording, scene: Scene) -> None:
    """Of two that cannot be told apart neither is clicked."""
    result = run(recording, recording.saving, scene.driver, scene.clock, scene.journal, resolver=Undecided())
    assert [step.verdict for step in result.steps] == [Verdict.FAILED, Verdict.SKIPPED]
    assert result.steps[0].trigger is Trigger.TARGET_AMBIGUOUS
    assert result.steps[0].reason.startswith("2 places could be the target.")
    assert scene.application.title == "Orders"


def test_9_5_without_anything_that_tells_its_row_from_the_others_nothing_is_clicked(
    recording: Recording, tmp_path: Path
) -> None:
    """A button that stands in every row is none of them when nothing else is known of it."""
    bare = recording.edit.model_copy(update={"screen": "bare.png", "label": ""})
    shutil.copy(recording.folder / recording.edit.screen, recording.folder / bare.screen)
    save_landmarks((), recording.folder / bare.screen)
    there = on(4, tmp_path)
    workflow = recording.workflow({"id": "edit", "action": "click", "target": bare})
    result = run(recording, workflow, there.driver, there.clock, there.journal)
    assert result.steps[0].trigger in {Trigger.TARGET_NOT_FOUND, Trigger.TARGET_AMBIGUOUS}
    assert there.application.title == "Orders"


@pytest.mark.parametrize("how", ["at once", "before the click arrives", "after the click arrived"])
def test_9_6_screen_lost(recording: Recording, scene: Scene, how: str) -> None:
    """Whenever the screen goes away, the run ends, and says whether something may have happened."""
    if how == "at once":
        scene.driver.lose()
    scene.driver.failures.lost_before_input = how == "before the click arrives"
    scene.driver.failures.lost_after_input = how == "after the click arrived"
    result = run(recording, recording.editing, scene.driver, scene.clock, scene.journal)
    assert result.outcome is Outcome.FAILED
    assert result.steps[0].trigger is Trigger.SCREEN_LOST
    assert ("may have happened" in result.steps[0].reason) is (how != "at once")


# --------------------------------------------------------------------------------------------------------- crashes


class CrashError(BaseException):
    """The process is gone."""


MENU, PAY = Box(20, 16, 90, 30), Box(140, 16, 90, 30)


class Slip:
    """A very small application: its menu opens a button that pays. Somebody watches each click arrive.

    Args:
        is_silent: It pays without saying so.
    """

    title = "Slip"

    def __init__(self, *, is_silent: bool = False) -> None:
        self.is_silent = is_silent
        self.is_open = False
        self.paid = 0
        self.watch: Callable[[], None] = lambda: None

    def draw(self, *, has_caret: bool) -> NDArray[np.uint8]:
        """A picture of it."""
        del has_caret  # it has no field
        image = np.full((110, 250, 3), 255, np.uint8)
        for label, box in (("Menu", MENU), *((("Pay", PAY),) if self.is_open else ())):
            panel(image, box, (190, 110, 30))
            write_inside(image, label, box, 16, (255, 255, 255))
        if self.paid and not self.is_silent:
            write(image, "Payment sent", 20, 90, 18, (0, 0, 0))
        return image

    def click(self, point: Point, button: Button, count: int) -> None:
        """Open the menu, or pay."""
        self.watch()
        self.is_open = self.is_open or (MENU.contains(point) and (button, count) == ("left", 1))
        self.paid += PAY.contains(point)
        self.watch()

    def drag(self, start: Point, end: Point) -> None:
        """Nothing can be dragged."""

    def type_text(self, text: str) -> None:
        """Nothing can be typed."""

    def press(self, chord: Chord) -> None:
        """No key means anything."""

    def scroll(self, point: Point, dy: float) -> None:
        """All of it is in view."""


@pytest.fixture(scope="module")
def paying(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workflow, Path]:
    """Open the menu and pay, which cannot be undone; and the folder of its images."""
    folder, slip = tmp_path_factory.mktemp("slip"), Slip()

    def record(name: str, box: Box) -> TargetRecord:
        image = slip.draw(has_caret=False)
        cv2.imwrite(str(folder / name), image)
        return Target.from_frame(image, box.center, box).record(name)

    menu = {"id": "menu", "action": "click", "target": record("closed.png", MENU), "expect": [{"text_appears": "Pay"}]}
    slip.is_open = True
    pay = {"id": "pay", "action": "click", "target": record("open.png", PAY), "irreversible": True}
    pay["expect"] = [{"text_appears": "Payment sent"}]
    shape = {"steadyhand": 1, "name": "Pay", "screen": {"kind": "simulated"}, "steps": [menu, pay]}
    return Workflow.model_validate(shape), folder


@dataclass
class Fate:
    """Ends the process at the n-th moment at which it could end: around each write and around each input.

    Attributes:
        moments_left: How many moments pass before the end; negative for never.
        torn_bytes: How much of a line reaches the disk when the end comes while it is written.
    """

    moments_left: int
    torn_bytes: int

    def moment(self) -> None:
        """A moment passes."""
        self.moments_left -= 1
        if self.moments_left == -1:
            raise CrashError

    def append(self, path: Path, record: str) -> None:
        """Write a line, as `steadyhand.files` does; the end may come before it, in the middle of it and after it."""
        self.moment()
        try:
            self.moment()
        except CrashError:
            with path.open("ab") as file:
                file.write(record.encode()[: self.torn_bytes])
            raise
        append_record(path, record)
        self.moment()


MOMENTS = 16
"""Of a run of two steps: three for each of the four lines, two for each of the two clicks."""


@settings(max_examples=80)
@given(ends=st.lists(st.integers(0, MOMENTS), max_size=3), torn_bytes=st.integers(0, 60), is_silent=st.booleans())
def test_a_run_that_is_cut_short_anywhere_never_does_twice_what_cannot_be_undone(
    paying: tuple[Workflow, Path],
    tmp_path_factory: pytest.TempPathFactory,
    ends: list[int],
    torn_bytes: int,
    *,
    is_silent: bool,
) -> None:
    """However often and wherever the process ends, after all resumed runs it was paid at most once.

    And it is never lied about: a run that says done has paid, and one that was not cut short says done, unless the
    application does not show what it did.
    """
    workflow, folder = paying
    journal, slip, clock = tmp_path_factory.mktemp("crash") / "journal.jsonl", Slip(is_silent=is_silent), ManualClock()
    result: RunResult | None = None
    for number, end in enumerate([*ends, -1]):
        fate = Fate(end, torn_bytes)
        slip.watch = fate.moment
        runner = Runner(SimulatedDriver(slip, clock), Resolver(), clock)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(journal_module, "append_record", fate.append)
            try:
                result = runner.run(workflow, folder, {}, SecretSource({}), journal, resume=number > 0)
            except CrashError:
                result = None
        assert slip.paid <= 1
    assert result is not None
    if is_silent:
        assert result.outcome in {Outcome.FAILED, Outcome.REFUSED}, result.steps
        return
    assert result.outcome in {Outcome.DONE, Outcome.REFUSED}, result.steps
    assert slip.paid == 1 or result.outcome is Outcome.REFUSED
    assert ends or result.outcome is Outcome.DONE
