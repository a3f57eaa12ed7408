"""A script is recorded on a screen of which nothing is known but its pixels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import ConfigError, DeliveryUncertainError
from steadyhand.model.geometry import Point
from steadyhand.model.workflow import (
    ClickStep,
    DragStep,
    FieldShows,
    KeysStep,
    RegionChanged,
    ScrollStep,
    SimulatedScreen,
    TypeStep,
)
from steadyhand.model.workflow_file import load_workflow
from steadyhand.recording import Recorder
from steadyhand.screen.simulated import SimulatedDriver
from steadyhand.screen.simulated_application import Deed, SimulatedApplication

if TYPE_CHECKING:
    from pathlib import Path

    from steadyhand.model.workflow import Step, Workflow

SCREEN = SimulatedScreen(kind="simulated")
SECRET = "Xyzzy7Plugh"  # noqa: S105  it is looked for in all that is written


class Stage:
    """An order book, and a recorder on it."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "flow.yaml"
        self.application = SimulatedApplication()
        self.clock = ManualClock()
        self.driver = SimulatedDriver(self.application, self.clock)
        self.told: list[str] = []

    def recorder(self, **parameters: str) -> Recorder:
        """A recorder that is told these parameters."""
        return Recorder(
            self.driver, self.output, SCREEN, parameters=parameters, clock=self.clock, progress=self.told.append
        )

    def at(self, part: str) -> Point:
        """The middle of a part."""
        return self.application.box_of(part).center

    @property
    def workflow(self) -> Workflow:
        """What was written; reading it checks it."""
        return load_workflow(self.output)

    def step(self, step_id: str) -> Step:
        """One step of what was written."""
        return next(step for step in self.workflow.steps if step.id == step_id)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An order book that nobody has logged in to."""
    return Stage(tmp_path)


@pytest.fixture
def listed(stage: Stage) -> Stage:
    """An order book whose list is in sight."""
    stage.application.log_in()
    return stage


def test_a_script_becomes_a_workflow(stage: Stage) -> None:
    """Clicks, typing, keys, and what came of them: all is written, and it can be read back."""
    with stage.recorder(user="ada") as recorder:
        recorder.click(stage.at("user"))
        recorder.type("ada")
        recorder.click(stage.at("password"))
        recorder.type(SECRET, secret=True)
        recorder.press("Enter")
        recorder.click(stage.at(f"edit {stage.application.subject}"))
    user, password, enter, edit = stage.workflow.steps
    assert recorder.workflow == stage.workflow
    assert isinstance(user, TypeStep)
    assert user.target is not None
    assert (user.id, user.text, user.target.label) == ("type-user", "{{user}}", "User")
    assert user.expect == (FieldShows(field_shows="{{user}}"),)
    assert stage.workflow.params["user"].default == "ada"
    assert isinstance(password, TypeStep)
    assert (password.id, password.text, password.secret) == ("type-password", None, "password")
    assert stage.workflow.secrets["password"].env == "STEADYHAND_PASSWORD"
    assert password.target is not None
    assert password.expect == (RegionChanged(region_changed=password.target.box),)
    assert isinstance(enter, KeysStep)
    assert enter.keys == "Enter"
    assert enter.expect
    assert isinstance(edit, ClickStep)
    assert edit.target.text == "Edit"
    assert edit.expect


def test_the_target_is_recorded_as_it_was_before(stage: Stage) -> None:
    """The image of a step shows the screen before it, at the very place where it was done."""
    with stage.recorder() as recorder:
        before = stage.driver.capture().image
        recorder.click(stage.at("log in"))
    (step,) = stage.workflow.steps
    assert isinstance(step, ClickStep)
    image = cv2.imread(str(stage.output.parent / step.target.screen))
    assert image is not None
    assert np.array_equal(image, before)
    assert step.target.point == stage.at("log in")
    assert step.target.box.overlap(stage.application.box_of("log in")) > 0.9
    assert step.target.screen == f"images/flow/{step.id}.png"


def test_a_secret_is_nowhere(stage: Stage) -> None:
    """Neither the file nor what is told holds a secret, and no picture shows the field that it was typed into."""
    with stage.recorder() as recorder:
        recorder.click(stage.at("password"))
        recorder.type(SECRET, secret=True)
        recorder.click(stage.at("user"))
    written = b"".join(file.read_bytes() for file in stage.output.parent.rglob("*") if file.is_file())
    assert SECRET.encode() not in written
    assert SECRET not in "".join(stage.told)
    step = stage.step("click-user")
    assert isinstance(step, ClickStep)
    picture = cv2.imread(str(stage.output.parent / step.target.screen))
    assert picture is not None
    field = stage.application.box_of("password").grown(-6)
    rows, columns = slice(int(field.y), int(field.bottom)), slice(int(field.x), int(field.right))
    assert np.ptp(picture[rows, columns].reshape(-1, 3), axis=0).max() == 0, "the field is of one colour"
    assert np.ptp(stage.driver.capture().image[rows, columns]) > 0, "but on the screen it is not"


def test_typing_over_what_is_there_clears_it(listed: Stage) -> None:
    """`clear` replaces the content, when it is recorded and when it is replayed."""
    with listed.recorder() as recorder:
        recorder.click(listed.at(f"edit {listed.application.subject}"))
        recorder.click(listed.at("customer"))
        recorder.type("Maple Works", clear=True)
        recorder.click(listed.at("save"))
    step = next(step for step in listed.workflow.steps if isinstance(step, TypeStep))
    assert step.clear
    assert step.expect == (FieldShows(field_shows="Maple Works"),)
    order = listed.application.order(listed.application.subject)
    assert order is not None
    assert order.customer == "Maple Works"


def test_the_rows_of_another_screen_prove_nothing(listed: Stage) -> None:
    """When a form gives way to a list whose heading was there before, only the change of it all can be expected."""
    with listed.recorder() as recorder:
        recorder.click(listed.at(f"edit {listed.application.subject}"))
        recorder.click(listed.at("save"))
    (proof,) = listed.workflow.steps[-1].expect
    assert isinstance(proof, RegionChanged)


def test_what_has_the_focus_is_typed_into_without_a_target(listed: Stage) -> None:
    """Where nothing says what has the focus, a text after a key goes where the caret is."""
    with listed.recorder() as recorder:
        recorder.click(listed.at(f"edit {listed.application.subject}"))
        recorder.press("Tab")
        recorder.type("Maple Works")
    step = listed.workflow.steps[-1]
    assert isinstance(step, TypeStep)
    assert step.target is None


def test_scrolls_drags_and_other_clicks(listed: Stage) -> None:
    """Turning the wheel, dragging, double clicks and right clicks keep what makes them different."""
    first, second = (f"row {order.number}" for order in listed.application.orders[:2])
    with listed.recorder() as recorder:
        recorder.drag(listed.at(first).shifted(-200, 0), listed.at(second).shifted(-200, 0))
        recorder.click(listed.at(first).shifted(-200, 0), "right")
        recorder.press("Escape")
        recorder.click(listed.at(first).shifted(-200, 0), count=2)
        recorder.press("Escape")
        recorder.scroll(Point(500, 400), 0, 120)
    drag, right, _, double, *_ = listed.workflow.steps
    scroll = listed.workflow.steps[-1]
    assert isinstance(drag, DragStep)
    assert listed.application.deeds[0] == Deed("moved", first.split()[1])
    assert drag.target.screen == drag.to.screen
    assert isinstance(right, ClickStep)
    assert right.button == "right"
    assert isinstance(double, ClickStep)
    assert double.count == 2
    assert isinstance(scroll, ScrollStep)
    assert (scroll.at, scroll.dy) == (Point(500, 400), 120)


def test_steps_of_the_same_name_are_numbered(stage: Stage) -> None:
    """Every step has an id of its own."""
    with stage.recorder() as recorder:
        recorder.click(stage.at("log in"))
        recorder.click(stage.at("log in"))
    first, second = (step.id for step in stage.workflow.steps)
    assert second == f"{first}-2"


def test_what_looks_like_a_parameter_is_typed_as_it_is(stage: Stage) -> None:
    """A text that happens to be written like a parameter becomes the value of one."""
    with stage.recorder() as recorder:
        recorder.click(stage.at("user"))
        recorder.type("{{ada}}")
    (step,) = stage.workflow.steps
    assert isinstance(step, TypeStep)
    assert step.text == "{{text}}"
    assert stage.workflow.params["text"].default == "{{ada}}"


def test_a_thing_is_found_by_its_text(listed: Stage) -> None:
    """A script can point at what is written just once, anywhere or within a box; nothing else is clear enough."""
    subject = listed.application.subject
    row = listed.application.box_of(f"row {subject}")
    with listed.recorder() as recorder:
        assert row.contains(recorder.find(subject))
        edit = recorder.find("Edit", within=row)
        assert listed.application.box_of(f"edit {subject}").contains(edit)
        with pytest.raises(ConfigError, match="cannot be read"):
            recorder.find("Nonsense")
        with pytest.raises(ConfigError, match=r"can be read \d+ times"):
            recorder.find("Edit")
        recorder.click(edit)
    assert recorder.workflow is not None


def test_what_was_done_is_kept_when_the_screen_is_lost(stage: Stage) -> None:
    """When the connection breaks, the error is told and what was recorded so far is written."""

    def script() -> None:
        with stage.recorder() as recorder:
            recorder.click(stage.at("user"))
            stage.driver.failures.lost_before_input = True
            recorder.click(stage.at("password"))

    with pytest.raises(DeliveryUncertainError):
        script()
    assert [step.id for step in stage.workflow.steps] == ["click-user"]


def test_a_script_that_goes_wrong_writes_nothing(stage: Stage) -> None:
    """A mistake of the script's own leaves no half workflow behind."""

    def script() -> None:
        with stage.recorder() as recorder:
            recorder.click(stage.at("user"))
            recorder.find("Nonsense")

    with pytest.raises(ConfigError, match="Nonsense"):
        script()
    assert not stage.output.exists()


def test_nothing_is_overwritten(stage: Stage) -> None:
    """A file that is there may have been edited by somebody: it is refused before anything is done."""
    stage.output.write_text("precious")
    with pytest.raises(ConfigError, match=re.escape(str(stage.output))):
        stage.recorder()
    assert stage.output.read_text() == "precious"


def test_doing_nothing_is_no_workflow(stage: Stage) -> None:
    """Without any step there is nothing to write."""
    with pytest.raises(ConfigError, match="Nothing was recorded"), stage.recorder():
        pass
    assert not stage.output.exists()


@pytest.mark.parametrize("parameters", [{"customer name": "Ada"}, {"customer": ""}], ids=["name", "value"])
def test_impossible_parameters_are_refused(stage: Stage, parameters: dict[str, str]) -> None:
    """A name that no workflow could use, and a value that nobody could type."""
    with pytest.raises(ConfigError, match="customer"):
        stage.recorder(**parameters)


def test_an_unused_parameter_is_told(stage: Stage) -> None:
    """A parameter whose value was never typed is left out, and somebody is told."""
    with stage.recorder(customer="Ada") as recorder:
        recorder.click(stage.at("user"))
    assert stage.workflow.params == {}
    assert any("customer" in line for line in stage.told)
