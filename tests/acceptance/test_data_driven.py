"""One recording, run for other data: a parameter that names a row finds its own row on a real screen."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import SystemClock
from steadyhand.demo.application import DemoApplication
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Outcome
from steadyhand.model.workflow import BrowserScreen
from steadyhand.recording import Recorder
from steadyhand.screen.browser import BrowserDriver
from steadyhand.session import run_once

if TYPE_CHECKING:
    from pathlib import Path

    from steadyhand.model.workflow import Workflow

RECORDED, WIDTH, HEIGHT = "INV-2047", 1280, 800
BELOW_LABEL_PX, ROW_PX = 28, 40
LIST = Box(0, 150, WIDTH, HEIGHT - 150)


def record(application: DemoApplication, flow: Path, *, is_filtered: bool) -> Workflow:
    """Put the invoice on hold, as a person would; with the list filtered, it stands alone in it."""
    clock = SystemClock()
    screen = BrowserScreen(url=application.url, width=WIDTH, height=HEIGHT)
    with (
        closing(BrowserDriver.open(application.url, width=WIDTH, height=HEIGHT, clock=clock)) as driver,
        Recorder(driver, flow, screen, parameters={"invoice": RECORDED}, clock=clock) as recorder,
    ):
        for label, text in (("User name", application.user), ("Password", application.password)):
            recorder.click(recorder.find(label).shifted(20, BELOW_LABEL_PX))
            recorder.type(text)
        recorder.click(recorder.find("Log in"))
        recorder.click(recorder.find("Number or name"))
        recorder.type(RECORDED)
        if is_filtered:
            recorder.click(recorder.find("Search"))
        row = recorder.find(RECORDED, within=LIST)
        recorder.click(recorder.find("Hold", within=Box(0, row.y, WIDTH, 0).grown(0, ROW_PX / 2)))
    assert recorder.workflow is not None
    return recorder.workflow


@pytest.mark.parametrize(
    ("is_filtered", "numbers", "missing"), [(True, ["INV-2031"], "INV-9999"), (False, ["INV-2045"], None)]
)
def test_a_row_is_found_by_the_value_of_this_run(
    tmp_path: Path, numbers: list[str], missing: str | None, *, is_filtered: bool
) -> None:
    """Each run holds its own invoice, also where the recorded one is in sight; one that is not there is refused."""
    with DemoApplication(1, tmp_path / "recorded.db") as application:
        workflow = record(application, tmp_path / "flow.yaml", is_filtered=is_filtered)
    database = tmp_path / "books.db"
    with DemoApplication(1, database) as application:
        for number in [*numbers, missing] if missing else numbers:
            done = run_once(
                workflow, tmp_path, {"invoice": number}, tmp_path / number, clock=SystemClock(), url=application.url,
                environment={"STEADYHAND_PASSWORD": application.password},
            )  # fmt: skip
            outcome = done.result.outcome
            assert outcome is (Outcome.FAILED if number == missing else Outcome.DONE), done.result.steps[-1].reason
    with closing(sqlite3.connect(database)) as books:
        held = {number for (number,) in books.execute("select number from invoices where status = 'On hold'")}
    assert held == {"INV-2042", *numbers}
