"""What people and scripts do in a real Chromium becomes a workflow that can be replayed.

The *person* is xdotool, which moves the pointer of a virtual display and presses its keys; to the browser that is a
hand on a mouse. It takes its time between its deeds, as people do.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.clock import SystemClock
from steadyhand.errors import ConfigError, DriverUnavailableError
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Outcome, Verdict
from steadyhand.model.workflow import BrowserScreen, ClickStep, FieldShows, KeysStep, ScrollStep, TextAppears, TypeStep
from steadyhand.model.workflow_file import load_workflow
from steadyhand.recording import Recorder, record
from steadyhand.screen.browser import BrowserDriver
from steadyhand.session import run_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "Xyzzy7Plugh"  # noqa: S105  it is looked for in all that is written
WIDTH, HEIGHT = 800, 700

PAGE = """<!doctype html><meta charset="utf-8"><title>Guests</title>
<style>
  body { margin: 0; height: 1800px; font: 16px "Liberation Sans", sans-serif }
  body > * { position: absolute; box-sizing: border-box; left: 30px; height: 36px; margin: 0 }
  input, select, button { font: inherit; padding: 0 10px } button:hover { background: #9bd }
  b, label { height: 20px } h1 { font-size: 32px } #added { display: none; color: #060 }
</style>
<h1 style="top: 20px">Guest list</h1><p id="added" style="top: 70px">The guest was added</p>
<b style="top: 100px">Full name</b><input id="name" aria-label="Full name" style="top: 124px; width: 220px">
<b style="top: 170px">Door code</b>
<input id="code" type="password" aria-label="Door code" style="top: 194px; width: 220px">
<button style="top: 194px; left: 270px" onclick="code.type = 'text'">Show</button>
<b style="top: 240px">Country</b>
<select id="country" style="top: 264px; width: 220px"><option>Choose one<option>Cambodia<option>Canada</select>
<label style="top: 314px"><input type="checkbox" id="vip"> Very important</label>
<button style="top: 350px" onclick="confirm('Remove every guest?') && heading.replaceChildren('Nobody came')">
  Remove</button>
<button style="top: 400px" onclick="setTimeout(() => added.style.display = 'block', 400)">Add guest</button>
<h1 id="heading" style="top: 460px">Three of them</h1>
<script>
  addEventListener("mousemove", e => document.title = `Guests ${e.screenX - e.clientX} ${e.screenY - e.clientY}`);
</script>
"""

needs_a_display = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="a person needs Xvfb and xdotool"
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    """The address of a page with a form."""
    file = tmp_path / "page.html"
    file.write_text(PAGE, encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    """Where the workflow goes: a folder of its own."""
    return tmp_path / "recorded" / "flow.yaml"


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A virtual display, on which windows of this process open."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1000x900x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as numbers:
        monkeypatch.setenv("DISPLAY", f":{numbers.readline().strip()}")
    yield
    server.terminate()
    server.wait()


class Person:
    """Somebody at the display, who begins when the recording does.

    Args:
        deeds: What they do, as arguments of xdotool; `at X Y` moves the pointer to a place on the page.
    """

    def __init__(self, *deeds: str) -> None:
        self._deeds = " ".join(deeds).split()
        self._invited = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self.told: list[str] = []

    def hear(self, words: str) -> None:
        """Be told what the recording is doing."""
        self.told.append(words)
        self._invited.set()

    def _work(self) -> None:
        self._invited.wait()
        # The page writes into its title where on the display it is, as soon as the pointer moves over it.
        move = ["xdotool", "sleep", "0.5", "mousemove", "500", "500", "mousemove", "510", "510", "sleep", "0.3"]
        search = ["xdotool", "search", "--onlyvisible", "--name", "Guests -?[0-9]+ -?[0-9]+", "getwindowname"]
        name = ""
        while not name:  # a window that has just opened may miss a first move
            subprocess.run(move, check=True)
            name = subprocess.run(search, check=False, capture_output=True, text=True).stdout
        left, top = map(int, re.findall(r"-?\d+", name)[:2])
        deeds = iter(self._deeds)
        told: list[str] = []
        for deed in deeds:
            if deed == "at":
                told += ["mousemove", str(int(next(deeds)) + left), str(int(next(deeds)) + top), "sleep", "0.5"]
            else:
                told.append(deed)
        subprocess.run(["xdotool", *told], check=True)


CLICK = "click 1 sleep 1.5"
FILL_IN = (
    f"at 100 142 {CLICK} type --delay 60 --args 1 Ada sleep 0.6",
    f"at 100 212 {CLICK} type --delay 60 --args 1 {SECRET} sleep 0.6",
    f"at 300 212 {CLICK}",
    f"at 100 282 {CLICK} at 100 356 {CLICK}",
    f"at 100 324 {CLICK}",
    f"at 60 368 {CLICK} key Return sleep 1.2",
    f"at 80 418 {CLICK} sleep 0.5",
    "at 600 300 click 5 sleep 0.1 click 5 sleep 0.1 click 5 sleep 0.7",
)
CLOSE_THE_WINDOW = "key ctrl+w"


@needs_a_display
@pytest.mark.usefixtures("display")
def test_a_person_is_recorded_and_replayed(page: str, flow: Path, tmp_path: Path) -> None:
    """Fields, a password, a list, a check box, a dialog, a button, the wheel: done by hand once, then by the robot."""
    person = Person(*FILL_IN, CLOSE_THE_WINDOW)
    workflow = record(page, flow, width=WIDTH, height=HEIGHT, parameters={"who": "Ada"}, progress=person.hear)
    assert load_workflow(flow) == workflow
    name, code, show, country, vip, remove, yes, add, scroll = workflow.steps
    assert isinstance(name, TypeStep)
    assert name.target is not None
    assert (name.text, name.target.box, name.target.label) == ("{{who}}", Box(30, 124, 220, 36), "Full name")
    assert name.expect == (FieldShows(field_shows="{{who}}"),)
    assert isinstance(code, TypeStep)
    assert (code.text, code.secret) == (None, "door_code")
    assert isinstance(country, TypeStep)
    assert country.text == "Canada\n"
    assert country.expect == (TextAppears(text_appears="Canada"),)
    assert [step.target.text for step in (show, vip, remove, add) if isinstance(step, ClickStep)] == [
        "Show",
        "Very important",
        "Remove",
        "Add guest",
    ]
    assert vip.expect
    assert isinstance(yes, KeysStep)
    assert yes.keys == "Enter"
    assert add.expect == (TextAppears(text_appears="The guest was added"),)
    assert isinstance(scroll, ScrollStep)
    assert scroll.dy > 0

    written = b"".join(file.read_bytes() for file in flow.parent.rglob("*") if file.is_file())
    assert SECRET.encode() not in written
    assert SECRET not in "".join(person.told)
    for step in (show, country, vip, add):
        assert isinstance(step, ClickStep | TypeStep)
        assert step.target is not None
        picture = cv2.imread(str(flow.parent / step.target.screen))
        assert picture is not None
        assert np.ptp(picture[200:224, 36:244].reshape(-1, 3), axis=0).max() == 0, "the field looks empty"

    environment = {"STEADYHAND_DOOR_CODE": SECRET}
    done = run_once(
        workflow, flow.parent, {"who": "Ada"}, tmp_path / "run", clock=SystemClock(), environment=environment
    )
    assert done.result.outcome is Outcome.DONE, [step.reason for step in done.result.steps]
    unverified = [step.step_id for step in done.result.steps if step.verdict is Verdict.UNVERIFIED]
    assert unverified == ["click-show"], "what it shows is not seen by anybody"


@needs_a_display
@pytest.mark.usefixtures("display")
@pytest.mark.parametrize("end", ["closes the window", "presses Ctrl-C", "loses the browser"])
def test_however_it_ends_what_was_done_is_kept(page: str, flow: Path, end: str) -> None:
    """A recording ends in one of three ways, and each of them leaves a whole workflow."""
    endings = {
        "closes the window": CLOSE_THE_WINDOW,
        "presses Ctrl-C": f"exec kill -{signal.SIGINT:d} {os.getpid()}",
        "loses the browser": "search --onlyvisible --class chromium windowkill",
    }
    person = Person(
        f"at 100 142 {CLICK} type --delay 60 --args 1 Ada sleep 0.6 at 80 418 {CLICK} sleep 0.5", endings[end]
    )
    record(page, flow, width=WIDTH, height=HEIGHT, progress=person.hear)
    assert [step.id for step in load_workflow(flow).steps] == ["type-full-name", "click-add-guest"]


@needs_a_display
@pytest.mark.usefixtures("display")
def test_a_button_is_recorded_without_the_pointer_on_it(page: str, flow: Path) -> None:
    """The button lights up under the pointer; its image shows it as a replay finds it."""
    person = Person(f"at 80 418 sleep 1 {CLICK}", CLOSE_THE_WINDOW)
    record(page, flow, width=WIDTH, height=HEIGHT, progress=person.hear)
    (step,) = load_workflow(flow).steps
    assert isinstance(step, ClickStep)
    picture = cv2.imread(str(flow.parent / step.target.screen))
    assert picture is not None
    blue, _, red = (int(level) for level in picture[406, 36])
    assert blue - red < 20, "it is grey and not blue"


@needs_a_display
@pytest.mark.usefixtures("display")
def test_doing_nothing_writes_nothing(page: str, flow: Path) -> None:
    """A window that is closed at once leaves no file, and a sentence that says so."""
    person = Person(CLOSE_THE_WINDOW)
    with pytest.raises(ConfigError, match="Nothing was recorded"):
        record(page, flow, width=WIDTH, height=HEIGHT, progress=person.hear)
    assert not flow.parent.exists()


def test_a_dead_address_is_told(flow: Path) -> None:
    """Nothing is written when there is nothing to record on."""
    with pytest.raises(DriverUnavailableError):
        record("http://127.0.0.1:9/", flow, headed=False)
    assert not flow.parent.exists()


def test_a_script_in_a_browser_is_recorded(page: str, flow: Path) -> None:
    """What the browser says of its elements goes into the workflow: exact boxes, passwords, and what has the focus."""
    screen = BrowserScreen(url=page, width=WIDTH, height=HEIGHT)
    told: list[str] = []
    with (
        closing(BrowserDriver.open(page, width=WIDTH, height=HEIGHT)) as driver,
        Recorder(driver, flow, screen, progress=told.append) as recorder,
    ):
        recorder.click(recorder.find("Full name").shifted(40, 30))
        recorder.type("Ada")
        recorder.press("Tab")
        recorder.type(SECRET)
        recorder.click(recorder.find("Show"))
        recorder.click(Point(100, 282))
        recorder.type("Canada\n")
        recorder.click(recorder.find("Remove"))
        recorder.click(recorder.find("OK"))
    name, tab, code, show, country, remove, accept = load_workflow(flow).steps
    assert isinstance(name, TypeStep)
    assert name.target is not None
    assert name.target.box == Box(30, 124, 220, 36)
    assert isinstance(tab, KeysStep)
    assert isinstance(code, TypeStep)
    assert code.secret == "door_code"  # noqa: S105  a name
    assert code.target is not None
    assert code.target.box == Box(30, 194, 220, 36)
    assert isinstance(country, TypeStep)
    assert country.text == "Canada\n"
    assert remove.expect
    assert isinstance(accept, ClickStep)
    assert accept.target.text == "OK"
    assert accept.expect == (TextAppears(text_appears="Nobody came"),)
    written = b"".join(file.read_bytes() for file in flow.parent.rglob("*") if file.is_file())
    assert SECRET.encode() not in written
    assert SECRET not in "".join(told)
    assert isinstance(country.target, type(code.target))
    picture = cv2.imread(str(flow.parent / country.target.screen))
    assert picture is not None
    assert np.ptp(picture[200:224, 36:244].reshape(-1, 3), axis=0).max() == 0, f"{show.id} does not show it to us"
