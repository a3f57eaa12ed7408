"""The demo application, driven over real HTTP as a browser would."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from html import unescape
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from steadyhand.clock import ManualClock
from steadyhand.demo.application import Approval, DemoApplication, Event, main
from steadyhand.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
_DETAILS = {"payment_date": "2026-06-30", "email": "pay@harbour.example", "note": "Second delivery", "remittance": "on"}
_EVERY_RELEASE = pytest.mark.parametrize("release", [1, 2, 3, 4])
_WORKING_RELEASES = pytest.mark.parametrize("release", [1, 2, 3])


class _Page(NamedTuple):
    status: int
    html: str
    location: str | None

    @property
    def controls(self) -> list[str]:
        """What is written on the links and buttons that can be used, in the order of the page."""
        found = re.findall(r"<(?:a|button)\b([^>]*)>(.*?)</(?:a|button)>", self.html, re.DOTALL)
        return [
            unescape(re.sub(r"<[^>]+>", "", text)).strip() for attributes, text in found if "disabled" not in attributes
        ]

    @property
    def labels(self) -> list[str]:
        """What is written on the fields, in the order of the page."""
        return [unescape(text) for text in re.findall(r"<label for=[^>]*>([^<]*)<", self.html)]

    @property
    def numbers(self) -> list[str]:
        """The numbers of the listed invoices, in the order of the page."""
        return re.findall(r'<td class="of-number">\s*(INV-\d+)', self.html)


class _Browser:
    """Keeps cookies, follows no redirection, and is logged in unless told otherwise."""

    def __init__(self, application: DemoApplication, *, logged_in: bool = True) -> None:
        self.cookies: dict[str, str] = {}
        self._address = urlsplit(application.url).netloc
        if logged_in:
            assert self.post("/log-in", user=application.user, password=application.password).location == "/invoices"

    def get(self, path: str) -> _Page:
        return self._open("GET", path, None)

    def post(self, path: str, **form: str) -> _Page:
        return self._open("POST", path, urlencode(form))

    def _open(self, method: str, path: str, body: str | None) -> _Page:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        with closing(HTTPConnection(self._address, timeout=30)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            page = _Page(answer.status, answer.read().decode(), answer.headers["Location"])
            given = SimpleCookie(answer.headers["Set-Cookie"] or "")
        self.cookies |= {name: morsel.value for name, morsel in given.items()}
        return page


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "halyard.sqlite"


def _last(application: DemoApplication) -> tuple[str, str, str, bool]:
    event = application.events()[-1]
    return event.action, event.invoice, event.by, event.done


@_EVERY_RELEASE
def test_nothing_is_shown_or_changed_without_a_log_in(release: int, database: Path) -> None:
    """Whoever has not logged in sees only the log-in, and a request to change something is refused and kept."""
    with DemoApplication(release, database) as application:
        stranger = _Browser(application, logged_in=False)
        for path in ("/", "/invoices", "/invoices/INV-2047", "/activity", "/nowhere"):
            assert stranger.get(path).location == "/log-in"
        for action in ("save", "hold", "reject", "approve"):
            assert stranger.post(f"/invoices/INV-2047/{action}", **_DETAILS).location == "/log-in"
            assert _last(application) == (action, "INV-2047", "", False)
        assert application.approvals() == []
        assert "On hold" not in _Browser(application).get("/invoices/INV-2047").html


@pytest.mark.parametrize(
    ("user", "password"), [("claire", "spinnaker-26"), ("Claire", "Spinnaker-26"), ("claire", ""), ("", "Spinnaker-26")]
)
def test_a_wrong_password_is_refused(user: str, password: str, database: Path) -> None:
    """Only the right name with the right password opens a session; the page does not tell which was wrong."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application, logged_in=False)
        page = browser.post("/log-in", user=user, password=password)
        assert (page.status, "User name or password is wrong" in page.html) == (403, True)
        assert browser.get("/invoices").location == "/log-in"
        assert _last(application) == ("log-in", "", "", False)


def test_logging_out_ends_the_session(database: Path) -> None:
    """After the log-out the same browser has to log in again."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
        assert browser.post("/log-out").location == "/log-in"
        assert browser.get("/invoices").location == "/log-in"
        assert [event.action for event in application.events()] == ["log-in", "log-out"]


def test_a_session_opens_only_the_application_that_gave_it(tmp_path: Path) -> None:
    """Two releases side by side on one host do not take each other's cookies."""
    with DemoApplication(1, tmp_path / "1") as first, DemoApplication(2, tmp_path / "2") as second:
        welcome, stranger = _Browser(first), _Browser(second, logged_in=False)
        stranger.cookies = welcome.cookies
        assert welcome.get("/invoices").status == 200
        assert stranger.get("/invoices").location == "/log-in"


@_WORKING_RELEASES
def test_an_approval_tells_what_was_done_to_which_invoice(release: int, database: Path) -> None:
    """Save, approve and confirm leave exactly one approval with what was typed, and one event for each change."""
    with DemoApplication(release, database, clock=ManualClock(_NOON)) as application:
        browser = _Browser(application)
        assert browser.post("/invoices/INV-2047/save", **_DETAILS).location == "/invoices/INV-2047"
        assert "Payment details saved" in browser.get("/invoices/INV-2047").html
        assert "Approve invoice INV-2047?" in browser.get("/invoices/INV-2047?ask=approve").html
        assert application.approvals() == []
        assert browser.post("/invoices/INV-2047/approve").location == "/invoices"
        assert "Invoice INV-2047 approved" in browser.get("/invoices").html
        assert "Invoice INV-2047 approved" not in browser.get("/invoices").html, "a notice is shown once"
    assert application.approvals() == [
        Approval(
            "INV-2047",
            date(2026, 6, 30),
            "pay@harbour.example",
            "Second delivery",
            remittance=True,
            approved_by="claire",
            at=_NOON,
        )
    ]
    assert application.events() == [
        Event("log-in", "", "claire", done=True, at=_NOON),
        Event("save", "INV-2047", "claire", done=True, at=_NOON),
        Event("approve", "INV-2047", "claire", done=True, at=_NOON),
    ]


@_EVERY_RELEASE
@pytest.mark.parametrize(("action", "status"), [("hold", "On hold"), ("reject", "Rejected")])
def test_every_other_decision_leaves_an_event_too(action: str, status: str, release: int, database: Path) -> None:
    """A click on a look-alike button is on record with its invoice, and approves nothing."""
    with DemoApplication(release, database) as application:
        browser = _Browser(application)
        assert browser.post(f"/invoices/INV-2052/{action}").location == "/invoices"
        assert _last(application) == (action, "INV-2052", "claire", True)
        assert f">{status}<" in browser.get("/invoices/INV-2052").html
        assert application.approvals() == []


def test_an_invoice_is_not_approved_before_its_details_are_saved(database: Path) -> None:
    """Neither the button nor the question is there before, and a request all the same is refused and kept."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
        assert "Approve" not in browser.get("/invoices/INV-2047").controls
        assert "Approve invoice" not in browser.get("/invoices/INV-2047?ask=approve").html
        browser.post("/invoices/INV-2047/approve")
        assert "could not be approved" in browser.get("/invoices").html
        assert _last(application) == ("approve", "INV-2047", "claire", False)
        assert application.approvals() == []


def test_a_decision_is_taken_once(database: Path) -> None:
    """A decided invoice offers no decision, and whatever is asked of it again is refused and kept."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
        browser.post("/invoices/INV-2047/save", **_DETAILS)
        browser.post("/invoices/INV-2047/approve")
        assert not {"Save", "Approve", "Hold", "Reject"} & set(browser.get("/invoices/INV-2047").controls)
        for action in ("save", "approve", "hold", "reject"):
            browser.post(f"/invoices/INV-2047/{action}", **_DETAILS)
            assert _last(application) == (action, "INV-2047", "claire", False)
        assert len(application.approvals()) == 1


def test_a_form_with_mistakes_is_not_saved(database: Path) -> None:
    """Each mistake is named, what was typed stays, and the refusal is on record."""
    with DemoApplication(1, database) as application:
        page = _Browser(application).post("/invoices/INV-2047/save", payment_date="31/06/2026", email="pay@", note="Hi")
        assert page.status == 422
        assert "Type a date as YYYY-MM-DD" in page.html
        assert "Type an e-mail address" in page.html
        assert all(typed in page.html for typed in ("31/06/2026", "pay@", ">Hi<"))
        assert _last(application) == ("save", "INV-2047", "claire", False)


def test_what_was_typed_is_never_taken_for_html(database: Path) -> None:
    """Quotes and tags in the fields and in the search come back as text."""
    evil = "\"'><script>alert(1)</script>"
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
        browser.post("/invoices/INV-2047/save", **{**_DETAILS, "note": evil})
        browser.post("/invoices/INV-2047/approve")
        for page in (
            browser.get("/invoices/INV-2047"),
            browser.get("/payments"),
            browser.get("/invoices?" + urlencode({"search": evil})),
        ):
            assert "<script>alert" not in page.html
            assert "&lt;script&gt;alert" in page.html
    assert application.approvals()[0].note == evil


def test_release_2_says_the_same_words_in_other_places(tmp_path: Path) -> None:
    """Restyled is not relabelled: each page has the same controls and labels, but another style and column order."""
    with DemoApplication(1, tmp_path / "1") as first, DemoApplication(2, tmp_path / "2") as second:
        for path in ("/log-in", "/invoices", "/invoices/INV-2047"):
            before, after = _Browser(first).get(path), _Browser(second).get(path)
            assert sorted(after.controls) == sorted(before.controls)
            assert after.labels == before.labels
            assert "night.css" in after.html
            assert "night.css" not in before.html
        columns = [
            re.findall(r"<th class=[^>]*>([^<]*)<", _Browser(one).get("/invoices").html) for one in (first, second)
        ]
        assert columns[0] != columns[1]
        assert sorted(columns[0]) == sorted(columns[1])


def test_release_3_says_other_words_in_another_order(tmp_path: Path) -> None:
    """The controls of the workflow have other labels, and rows, fields and decisions another order."""
    with DemoApplication(1, tmp_path / "1") as first, DemoApplication(3, tmp_path / "3") as third:
        before, after = _Browser(first), _Browser(third)
        assert "Log in" in before.get("/log-in").controls
        assert "Sign in" in after.get("/log-in").controls
        assert {"Search", "Open", "Hold", "Reject", "Log out"} <= set(before.get("/invoices").controls)
        assert {"Find", "View", "Put on hold", "Decline", "Sign out"} <= set(after.get("/invoices").controls)
        assert not {"Search", "Open", "Hold", "Reject", "Log out"} & set(after.get("/invoices").controls)
        assert before.get("/invoices/INV-2047").labels == ["Payment date", "Contact e-mail", "Note"]
        assert after.get("/invoices/INV-2047").labels == ["Contact email address", "Comment", "Date of payment"]
        for browser in (before, after):
            browser.post("/invoices/INV-2047/save", **_DETAILS)
        assert before.get("/invoices/INV-2047").controls[-3:] == ["Approve", "Hold", "Reject"]
        assert after.get("/invoices/INV-2047").controls[-3:] == ["Put on hold", "Decline", "Authorise"]
        assert before.get("/invoices/INV-2047?ask=approve").controls[-2:] == ["Cancel", "Confirm"]
        assert after.get("/invoices/INV-2047?ask=approve").controls[-2:] == ["Go back", "Yes, confirm"]
        numbers = before.get("/invoices").numbers
        assert [number for number in after.get("/invoices").numbers if number in numbers] == numbers[::-1]


def test_release_3_alone_has_rows_that_look_alike(database: Path) -> None:
    """Its list has the same button in rows one digit or a letter apart; other releases neither show nor change them."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
        assert len(browser.get("/invoices").numbers) == 10
        assert browser.get("/invoices?search=Harbour").numbers == ["INV-2047", "INV-2052"]
        assert browser.get("/invoices/INV-2041").status == 404
        assert browser.post("/invoices/INV-2041/reject").status == 404
        assert _last(application) == ("reject", "INV-2041", "claire", False)
    with DemoApplication(3, database) as application:
        page = _Browser(application).get("/invoices")
        assert {"INV-2041", "INV-2047", "INV-2074", "INV-2147"} <= set(page.numbers)
        assert page.controls.count("View") == len(page.numbers) == 14
        vendors = [name.strip() for name in re.findall(r"</span>(Harbou?r[^<]*)</span>", page.html)]
        assert vendors == [
            "Harbor Lane Coffee",
            "Harbour Line Coffee",
            "Harbour Lane Catering",
            "Harbour Lane Coffee",
            "Harbour Lane Coffee Co.",
        ]


def test_release_4_has_reject_where_approve_was(tmp_path: Path) -> None:
    """The decisive button has the place and the look of "Approve", says "Reject", and nothing can be approved."""
    main_choice = re.compile(r'class="choices">.*?class="button main"[^>]*>(\w+)<', re.DOTALL)
    with DemoApplication(1, tmp_path / "1") as first, DemoApplication(4, tmp_path / "4") as fourth:
        before, after = _Browser(first), _Browser(fourth)
        for path in ("/log-in", "/invoices", "/invoices/INV-2047"):
            assert [label for label in after.get(path).controls if label != "Reject"] == [
                label for label in before.get(path).controls if label != "Reject"
            ], "up to the last step it is as recorded"
        for browser in (before, after):
            browser.post("/invoices/INV-2047/save", **_DETAILS)
        assert main_choice.findall(before.get("/invoices/INV-2047").html) == ["Approve"]
        assert main_choice.findall(after.get("/invoices/INV-2047").html) == ["Reject"]
        assert "Approve" not in after.get("/invoices/INV-2047").controls
        assert "Approve invoice" not in after.get("/invoices/INV-2047?ask=approve").html
        assert after.post("/invoices/INV-2047/approve").status == 404
        assert _last(fourth) == ("approve", "INV-2047", "claire", False)
        assert fourth.approvals() == []


def test_the_list_is_searched_and_filtered(database: Path) -> None:
    """A search finds numbers, names and subjects in any case; a status shows its own invoices only."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
        assert browser.get("/invoices?search=2047").numbers == ["INV-2047"]
        assert browser.get("/invoices?search=kestrel+SEC").numbers == ["INV-2056"]
        assert browser.get("/invoices?search=flowers").numbers == ["INV-2045"]
        assert browser.get("/invoices?status=On+hold").numbers == ["INV-2042"]
        assert browser.get("/invoices?search=nobody").numbers == []
        assert "No invoice matches" in browser.get("/invoices?search=nobody").html


def test_the_other_pages_show_what_was_done(database: Path) -> None:
    """Suppliers, payments and activity are real pages, and what does not exist is not found."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
        browser.post("/invoices/INV-2047/save", **_DETAILS)
        browser.post("/invoices/INV-2047/approve")
        assert "Dunmore Electrical" in browser.get("/suppliers").html
        assert "pay@harbour.example" in browser.get("/payments").html
        assert "<td>approve</td><td>INV-2047</td><td>Done</td>" in browser.get("/activity").html
        assert browser.get("/nowhere").status == 404
        assert browser.get("/invoices/INV-9999").status == 404


def test_the_cookie_dialog_lies_over_every_page_until_accepted(tmp_path: Path) -> None:
    """It is there only where asked for, and gone once the browser holds the cookie that its button sets."""
    with (
        DemoApplication(1, tmp_path / "1") as plain,
        DemoApplication(1, tmp_path / "2", cookie_banner=True) as covered,
    ):
        assert "We use cookies" not in _Browser(plain).get("/invoices").html
        for path, logged_in in (("/log-in", False), ("/invoices", True), ("/invoices/INV-2047", True)):
            browser = _Browser(covered, logged_in=logged_in)
            page = browser.get(path)
            assert page.controls[-1] == "Accept"
            cookie = re.findall(r'data-cookie="([^"]+)"', page.html)
            assert len(cookie) == 1
            browser.cookies[cookie[0]] = "accepted"
            assert "We use cookies" not in browser.get(path).html


def test_each_page_waits_for_the_latency(database: Path) -> None:
    """Every page lets the latency pass on the clock that it was given; style sheets do not."""
    clock = ManualClock()
    with DemoApplication(1, database, latency_s=2.5, clock=clock) as application:
        browser = _Browser(application, logged_in=False)
        browser.get("/log-in")
        assert clock.monotonic_s() == 2.5
        browser.get("/static/halyard.css")
        assert clock.monotonic_s() == 2.5
        browser.post("/log-in", user="claire", password="?")  # noqa: S106 - wrong on purpose
        assert clock.monotonic_s() == 5.0


@_EVERY_RELEASE
def test_everything_that_a_page_loads_is_there(release: int, database: Path) -> None:
    """Style sheets, scripts and pictures come from the application itself, and no other file does."""
    with DemoApplication(release, database, cookie_banner=True) as application:
        browser = _Browser(application)
        html = browser.get("/invoices/INV-2047").html
        loaded = set(re.findall(r'(?:<link[^>]* href|src)="([^"]+)"', html))
        assert {"/static/halyard.css", "/static/sail.svg", "/static/cookies.js"} <= loaded
        for path in loaded:
            assert browser.get(path).status == 200
        for path in ("/static/", "/static/..", "/static/../application.py", "/static/%2e%2e/application.py"):
            assert browser.get(path).status == 404


def test_data_outlives_the_server_until_reset(database: Path) -> None:
    """What was done is there for the next release on the same file; a reset forgets it and logs everybody out."""
    with DemoApplication(1, database) as application:
        _Browser(application).post("/invoices/INV-2047/reject")
    with DemoApplication(2, database) as application:
        browser = _Browser(application)
        assert ">Rejected<" in browser.get("/invoices/INV-2047").html
        application.reset()
        assert application.events() == []
        assert browser.get("/invoices").location == "/log-in"
        assert ">Pending<" in _Browser(application).get("/invoices/INV-2047").html


def test_the_port_is_free_after_the_with_block(database: Path) -> None:
    """Nothing answers any more when the block is left."""
    with DemoApplication(1, database) as application:
        browser = _Browser(application)
    with pytest.raises(ConnectionRefusedError):
        browser.get("/invoices")


@pytest.mark.parametrize("release", [0, 5, -1])
def test_an_unknown_release_is_refused(release: int, database: Path) -> None:
    """The error names the release and those there are, and no file is left behind."""
    with pytest.raises(ConfigError, match=rf"no release {release}\. Choose one of 1, 2, 3, 4\."):
        DemoApplication(release, database)
    assert not database.exists()


@pytest.mark.parametrize("latency_s", [-0.1, float("nan"), float("inf")])
def test_an_impossible_latency_is_refused(latency_s: float, database: Path) -> None:
    """A latency is a number of seconds from 0 up."""
    with pytest.raises(ConfigError, match="seconds"):
        DemoApplication(1, database, latency_s=latency_s)


def test_a_form_too_long_is_refused(database: Path) -> None:
    """Nobody fills the memory through the log-in."""
    with DemoApplication(1, database) as application:
        assert _Browser(application, logged_in=False).post("/log-in", user="x" * 70_000).status == 413


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="started so that Ctrl-C is ignored, by all that it starts"
)
def test_the_command_serves_until_it_is_interrupted() -> None:
    """`python -m steadyhand.demo.application` prints where it serves, answers there, and ends well on Ctrl-C."""
    command = [sys.executable, "-m", "steadyhand.demo.application", "--release", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[0]
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
            connection.request("GET", "/log-in")
            assert b"night.css" in connection.getresponse().read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_the_command_says_what_is_wrong_with_its_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database that cannot be used is bad input: exit code 2 and one clear sentence."""
    with pytest.raises(SystemExit) as ended:
        main(["--database", str(tmp_path)])
    assert ended.value.code == 2
    assert f"cannot keep its data in {tmp_path}" in capsys.readouterr().err
