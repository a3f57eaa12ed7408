"""The whole demo as a newcomer runs it: recorded on one release, replayed on four, in real Chromium.

It runs once; each test looks at another side of what it left behind.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from steadyhand.clock import SystemClock
from steadyhand.demo.application import DemoApplication
from steadyhand.demo.ledger import Ledger
from steadyhand.evidence.audit_chain import log_files, verify
from steadyhand.evidence.audit_log import FOLDER
from steadyhand.model.workflow_file import load_workflow

if TYPE_CHECKING:
    from pathlib import Path

INVOICE = "INV-2047"
APPROVAL = (INVOICE, "2026-06-18", "ap@harbourlane.example", "Réglé, merci", 1, DemoApplication.user)
LOGGED_IN = ("log-in", "", DemoApplication.user, 1)
SAVED, APPROVED = (("save", INVOICE, DemoApplication.user, 1), ("approve", INVOICE, DemoApplication.user, 1))
GOOD, BROKEN = (1, 2, 3), 4
PATIENCE_S = 300
"""Much more than the demo takes: how fast it is, the machine says, and not this test."""


@dataclass(frozen=True)
class Told:
    """What the demo left behind.

    Attributes:
        code: Its exit code.
        out: What it printed.
        err: What it told meanwhile.
        folder: Where it wrote.
    """

    code: int
    out: str
    err: str
    folder: Path

    @property
    def json(self) -> Any:
        """What it printed, which must be JSON and nothing else."""
        return json.loads(self.out)

    def report(self, release: int) -> Any:
        """The report of one replay, as programs read it."""
        return json.loads((self.folder / f"release-{release}" / "report.json").read_text(encoding="utf-8"))

    def pages(self) -> list[Path]:
        """All pages for people."""
        return sorted(self.folder.rglob("*.html"))


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The demo, run once."""
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.run(
        [sys.executable, "-m", "steadyhand", "demo", "--json", "--report", "told"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "STEADYHAND_PASSWORD"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Told(process.returncode, process.stdout, process.stderr, folder / "told")


def rows(database: Path, statement: str) -> list[tuple[object, ...]]:
    """What stands in the books."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(statement).fetchall()


def test_it_does_what_it_claims(told: Told) -> None:
    """It exits with 0 and says so; three releases are done, the broken one is not."""
    assert told.code == 0, told.err
    assert told.json["as_it_should_be"] is True
    assert told.json["duration_s"] > 0
    assert {each["release"]: each["outcome"] for each in told.json["releases"]} == {
        1: "done",
        2: "done",
        3: "done",
        4: "failed",
    }
    assert all(each["wrong"] == [] for each in told.json["releases"])
    assert [line for line in told.err.splitlines() if "Replaying" in line] != []
    assert "Traceback" not in told.err


@pytest.mark.parametrize("release", GOOD)
def test_just_the_one_invoice_was_approved(told: Told, release: int) -> None:
    """With the right date, e-mail, note and advice, once, by who was logged in; a changed screen changes none of it."""
    books = told.folder / f"release-{release}.db"
    approvals = rows(books, "SELECT invoice, payment_date, email, note, remittance, approved_by FROM approvals")
    assert approvals == [APPROVAL]
    assert rows(books, "SELECT action, invoice, by, done FROM events ORDER BY id") == [LOGGED_IN, SAVED, APPROVED]


def test_where_the_button_is_gone_nothing_was_approved(told: Told) -> None:
    """The details were saved, which the workflow does before; the button that stands there instead was not clicked."""
    books = told.folder / f"release-{BROKEN}.db"
    assert rows(books, "SELECT * FROM approvals") == []
    assert rows(books, "SELECT action, invoice, by, done FROM events ORDER BY id") == [LOGGED_IN, SAVED]
    (status,) = rows(books, f"SELECT status FROM invoices WHERE number = '{INVOICE}'")  # noqa: S608  our own constant
    assert status == ("Pending",)


@pytest.mark.parametrize("release", [*GOOD, BROKEN])
def test_every_other_invoice_is_as_it_was(told: Told, release: int, tmp_path: Path) -> None:
    """No look-alike, and nothing else in the books, was touched on any release."""
    Ledger(tmp_path / "fresh.db", SystemClock(), with_look_alikes=True)
    others = f"SELECT * FROM invoices WHERE number != '{INVOICE}' ORDER BY number"  # noqa: S608  our own constant
    untouched = rows(tmp_path / "fresh.db", others)
    assert len(untouched) > 10
    assert rows(told.folder / f"release-{release}.db", others) == untouched


@pytest.mark.parametrize("release", GOOD)
def test_every_step_was_verified(told: Told, release: int) -> None:
    """Each acted on a target that was found surely enough, and what it expects came true."""
    steps = told.report(release)["steps"]
    assert [step["verdict"] for step in steps] == ["done"] * len(steps)
    assert all(step["resolution"]["kind"] == "found" for step in steps)
    assert all(step["expectations"] and all(each["met"] for each in step["expectations"]) for step in steps)


def test_the_refusal_says_which_step_and_why(told: Told) -> None:
    """It is the one that approves; what comes after it was not tried."""
    steps = told.report(BROKEN)["steps"]
    (failed,) = [step for step in steps if step["verdict"] == "failed"]
    assert failed["note"] == 'Click "Approve"'
    assert failed["trigger"] in ("TARGET_NOT_FOUND", "TARGET_AMBIGUOUS")
    assert failed["reason"]
    assert [step["verdict"] for step in steps[steps.index(failed) + 1 :]] == ["skipped"]


def test_what_was_recorded_can_be_run_again(told: Told) -> None:
    """The workflow file is whole, its images lie beside it, and the password is a secret in it."""
    flow = told.folder / "flow.yaml"
    assert told.json["workflow"] == "told/flow.yaml"
    workflow = load_workflow(flow)
    targets = [target for step in workflow.steps if (target := getattr(step, "target", None))]
    assert len(targets) == len(workflow.steps)
    assert all((flow.parent / target.screen).is_file() for target in targets)
    assert [secret.env for secret in workflow.secrets.values()] == ["STEADYHAND_PASSWORD"]


def test_the_password_is_written_nowhere(told: Told) -> None:
    """In no workflow, image, journal, database or report, and in nothing that was said."""
    secret = DemoApplication.password.encode()
    files = [path for path in told.folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if secret in path.read_bytes()] == []
    assert DemoApplication.password not in told.out + told.err


def test_the_audit_log_holds_every_step_in_order(told: Told) -> None:
    """It verifies, and each run has in it what was allowed, intended and done, step by step, as its report tells it."""
    log = told.folder / "data" / FOLDER
    assert told.json["audit"] == f"told/data/{FOLDER}"
    assert verify(log).is_sound
    records = [json.loads(line) for path in log_files(log) for line in path.read_text(encoding="utf-8").splitlines()]
    (policy,) = [each for each in records if each["kind"] == "policy"]
    assert {each["policy"] for each in records if each["kind"] == "decision"} == {policy["policy"]}
    assert [each["run"] for each in records if each["kind"] == "run_started"] == [
        str(told.folder / f"release-{release}") for release in (*GOOD, BROKEN)
    ]
    for release in (*GOOD, BROKEN):
        run = [each for each in records if each.get("run") == str(told.folder / f"release-{release}")]
        report = told.report(release)
        taken = [step for step in report["steps"] if step["verdict"] != "skipped"]
        assert run[-1]["outcome"] == report["run"]["outcome"]
        # It is asked for its first step once more, before its screen is opened.
        assert [each["step"] for each in run if each["kind"] == "decision"][1:] == [step["id"] for step in taken]
        assert [(each["step"], each["verdict"], each["acted"]) for each in run if each["kind"] == "result"] == [
            (step["id"], step["verdict"], True) for step in taken if step["verdict"] == "done"
        ] + [(step["id"], "failed", False) for step in taken if step["verdict"] == "failed"]
        assert [each["step"] for each in run if each["kind"] == "intent"] == [
            step["id"] for step in taken if step["verdict"] == "done"
        ]


class References(HTMLParser):
    """What a page would fetch, or lead to, when it is opened.

    Attributes:
        outside: Every address that is neither within the page nor written into it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.styles: list[str] = []
        self.tags: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "href", "xlink:href", "action", "data", "poster") and value:
                self.outside += [] if value.startswith(("#", "data:")) else [value]
            if name == "style" and value:
                self.styles.append(value)

    @override
    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() == "<style>":
            self.styles.append(data)

    @classmethod
    def of(cls, page: Path) -> References:
        """The references of a page."""
        parser = cls()
        parser.feed(page.read_text(encoding="utf-8"))
        return parser


def test_each_page_stands_alone(told: Told) -> None:
    """No report fetches anything; the first page leads to the four others, which are there."""
    assert len(told.pages()) == 5
    index = told.folder / "index.html"
    assert told.json["report"] == "told/index.html"
    assert References.of(index).outside == [f"release-{release}/report.html" for release in (*GOOD, BROKEN)]
    for page in told.pages():
        references = References.of(page)
        assert page == index or references.outside == []
        assert "script" not in references.tags
        assert references.styles
        for style in references.styles:
            assert "@import" not in style
            assert all(target.startswith(("#", "data:")) for target in re.findall(r"url\([\"']?([^)]*)", style))


def test_a_page_shows_each_step_and_how_it_ended(told: Told) -> None:
    """What the robot did is told in the words of the workflow, for all of its steps."""
    for release in (*GOOD, BROKEN):
        page = (told.folder / f"release-{release}" / "report.html").read_text(encoding="utf-8")
        for words in ("User name", "Number or name", "Payment date", "Contact e-mail", "Approve", "Confirm"):
            assert words in page
    assert "TARGET_" in page
