"""Halyard, a small application to approve invoices, served from this process in one of four releases.

It exists to be recorded on and replayed on. All releases hold the same data and the same way of working: log in, find
an invoice, open it, say how it is to be paid, save, approve, confirm. Only what meets the eye differs:

1. as recorded: light, menu on the left;
2. restyled and moved: dark, another typeface, menu on the right, other columns, other arrangement; the same words;
3. relabelled and reordered: synonyms on the controls, rows and fields in another order, rows that look alike;
4. broken: as 1, but where the button "Approve" was there is "Reject", in the same place and with the same look.

    with DemoApplication(1, Path("halyard.sqlite")) as application:
        print(application.url)
"""

from __future__ import annotations

import argparse
import hmac
import re
import secrets
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from steadyhand.clock import SystemClock
from steadyhand.demo.ledger import Approval, Details, Event, Invoice, Ledger, Status
from steadyhand.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from steadyhand.clock import Clock

__all__ = ["Approval", "DemoApplication", "Event"]

_PACKAGE = "steadyhand.demo"
_LONGEST_FORM_BYTES = 64 * 1024
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_STATIC_FILES: Mapping[str, str] = {
    "halyard.css": "text/css; charset=utf-8",
    "night.css": "text/css; charset=utf-8",
    "cookies.js": "text/javascript; charset=utf-8",
    "sail.svg": "image/svg+xml",
}
_CONTENT_SECURITY_POLICY = "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"

_WORDS: Mapping[str, str] = {
    "user": "User name",
    "password": "Password",
    "log_in": "Log in",
    "log_out": "Log out",
    "search": "Search",
    "open": "Open",
    "hold": "Hold",
    "reject": "Reject",
    "approve": "Approve",
    "payment_date": "Payment date",
    "email": "Contact e-mail",
    "note": "Note",
    "remittance": "Send remittance advice",
    "save": "Save",
    "confirm": "Confirm",
    "cancel": "Cancel",
    "invoices": "Invoices",
    "suppliers": "Suppliers",
    "payments": "Payments",
    "activity": "Activity",
    "number": "Invoice",
    "supplier": "Supplier",
    "due": "Due date",
    "amount": "Amount",
    "status": "Status",
    "actions": "Actions",
}
_SYNONYMS: Mapping[str, str] = {
    "user": "Username",
    "log_in": "Sign in",
    "log_out": "Sign out",
    "search": "Find",
    "open": "View",
    "hold": "Put on hold",
    "reject": "Decline",
    "approve": "Authorise",
    "payment_date": "Date of payment",
    "email": "Contact email address",
    "note": "Comment",
    "save": "Save changes",
    "confirm": "Yes, confirm",
    "cancel": "Go back",
    "due": "Due on",
}


@dataclass(frozen=True)
class _Release:
    """What meets the eye in one release; the names in the tuples are keys of `words`."""

    words: Mapping[str, str] = field(default_factory=lambda: _WORDS)
    dark: bool = False
    columns: tuple[str, ...] = ("number", "supplier", "due", "amount", "status", "actions")
    fields: tuple[str, ...] = ("payment_date", "email", "note")
    decisions: tuple[str, ...] = ("approve", "hold", "reject")
    newest_first: bool = False
    with_look_alikes: bool = False


_RELEASES: Mapping[int, _Release] = {
    1: _Release(),
    2: _Release(dark=True, columns=("actions", "supplier", "status", "number", "amount", "due")),
    3: _Release(
        words={**_WORDS, **_SYNONYMS},
        fields=("email", "note", "payment_date"),
        decisions=("hold", "reject", "approve"),
        newest_first=True,
        with_look_alikes=True,
    ),
    4: _Release(decisions=("reject", "hold")),
}


@dataclass
class _Session:
    """One person logged in, with the notice that the next page is to show."""

    user: str
    notice: str = ""

    def take_notice(self) -> str:
        notice, self.notice = self.notice, ""
        return notice


class _Request(NamedTuple):
    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    cookies: Mapping[str, str]

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.strip("/").split("/"))


class _Answer(NamedTuple):
    status: HTTPStatus
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class DemoApplication:
    """One release of Halyard on a free port of this machine, in its own thread, for as long as the `with` block.

    `approvals()` and `events()` tell what was really done, whatever the pages showed.

    Args:
        release: 1 to 4, see this module's docstring.
        database: The SQLite file, created and filled if it is missing; its folder must exist.
        cookie_banner: Whether a dialog about cookies lies over every page until its button Accept is clicked.
        latency_s: How long each page waits before it answers, in seconds, from 0 up.
        clock: Tells the time of approvals and events, and lets the latency pass; the system's by default.

    Raises:
        ConfigError: When there is no such release, the latency is negative or the database cannot be used.

    Attributes:
        user: Who may log in.
        password: With what.
        url: Where the application answers inside the `with` block, such as `http://127.0.0.1:40123`.
    """

    user: ClassVar[str] = "claire"
    password: ClassVar[str] = "Spinnaker-26"  # noqa: S105 - it guards nothing but invented invoices
    url: str

    def __init__(
        self,
        release: int,
        database: Path,
        *,
        cookie_banner: bool = False,
        latency_s: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        if release not in _RELEASES:
            raise ConfigError(
                f"The demo application has no release {release}.",
                hint=f"Choose one of {', '.join(map(str, _RELEASES))}.",
            )
        if not 0 <= latency_s <= threading.TIMEOUT_MAX:
            raise ConfigError(
                f"The demo application cannot wait {latency_s} seconds before it answers.",
                hint="Give a number of seconds from 0 up.",
            )
        self._release = _RELEASES[release]
        self._cookie_banner = cookie_banner
        self._latency_s = latency_s
        self._clock = clock or SystemClock()
        self._ledger = Ledger(database, self._clock, with_look_alikes=self._release.with_look_alikes)
        self._sessions: dict[str, _Session] = {}
        self._pages = Environment(
            loader=PackageLoader(_PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.filters |= {"euros": _euros, "day": _day, "initials": _initials, "tint": _tint}
        self._pages.globals |= {"release": self._release, "words": self._release.words}

    def __enter__(self) -> Self:
        """Bind a free port and start to serve."""
        self._server = _Server(self._respond)
        port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{port}"
        # Browsers send a host's cookies to all of its ports: releases that run side by side need names of their own.
        self._session_cookie = f"halyard-session-{port}"
        self._consent_cookie = f"halyard-consent-{port}"
        # The interval is how long leaving the `with` block may take.
        serve = partial(self._server.serve_forever, poll_interval=0.02)
        self._thread = threading.Thread(target=serve, name="demo-application", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop to serve and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def approvals(self) -> list[Approval]:
        """List what was approved, oldest first."""
        return self._ledger.approvals()

    def events(self) -> list[Event]:
        """List every request to change something, done or refused, oldest first."""
        return self._ledger.events()

    def reset(self) -> None:
        """Log everybody out and bring the data back to its first state."""
        self._sessions.clear()
        self._ledger.reset()

    def _respond(self, request: _Request) -> _Answer:
        if request.method == "GET" and request.path.startswith("/static/"):
            return _static(request.parts[-1])
        self._clock.sleep(self._latency_s)
        session = self._sessions.get(request.cookies.get(self._session_cookie, ""))
        if request.method == "POST":
            return self._change(request, session)
        return self._show(request, session)

    def _show(self, request: _Request, session: _Session | None) -> _Answer:
        """Answer a GET, which changes nothing."""
        if request.path == "/log-in":
            return self._page(request, None, "login.html", wrong=False)
        if session is None or request.path == "/":
            return _redirect("/invoices" if session else "/log-in")
        match request.parts:
            case ("invoices",):
                return self._show_invoices(request, session)
            case ("invoices", number) if invoice := self._ledger.invoice(number):
                return self._show_invoice(request, session, invoice)
            case ("suppliers" | "payments" | "activity" as name,):
                return self._show_table(request, session, name)
        return self._page(request, session, "missing.html", status=HTTPStatus.NOT_FOUND)

    def _change(self, request: _Request, session: _Session | None) -> _Answer:
        """Answer a POST; an event remains of each, done or refused."""
        allowed = ("save", *self._release.decisions)
        match request.parts:
            case ("log-in",):
                return self._log_in(request)
            case ("log-out",) if session:
                return self._log_out(request, session)
            case ("invoices", number, action) if session and action in allowed:
                if invoice := self._ledger.invoice(number):
                    if action == "save":
                        return self._save(request, session, invoice)
                    return self._decide(session, invoice, action)
        named = request.parts[1] if len(request.parts) > 1 else ""
        self._ledger.record(request.parts[-1], session.user if session else "", invoice=named, done=False)
        if session is None:
            return _redirect("/log-in")
        return self._page(request, session, "missing.html", status=HTTPStatus.NOT_FOUND)

    def _log_in(self, request: _Request) -> _Answer:
        given = (request.form.get("user", ""), request.form.get("password", ""))
        # Both are always compared, in constant time: the answer does not tell which of the two was wrong.
        matches = [
            hmac.compare_digest(typed.encode(), known.encode())
            for typed, known in zip(given, (self.user, self.password), strict=True)
        ]
        done = all(matches)
        self._ledger.record("log-in", self.user if done else "", done=done)
        if not done:
            return self._page(request, None, "login.html", status=HTTPStatus.FORBIDDEN, wrong=True)
        token = secrets.token_urlsafe(32)
        self._sessions[token] = _Session(self.user)
        return _redirect("/invoices", f"{self._session_cookie}={token}; Path=/; HttpOnly; SameSite=Strict")

    def _log_out(self, request: _Request, session: _Session) -> _Answer:
        self._sessions.pop(request.cookies[self._session_cookie], None)
        self._ledger.record("log-out", session.user, done=True)
        return _redirect("/log-in", f"{self._session_cookie}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")

    def _save(self, request: _Request, session: _Session, invoice: Invoice) -> _Answer:
        details, mistakes = _read_details(request.form)
        if details is None:
            self._ledger.record("save", session.user, invoice=invoice.number, done=False)
            return self._show_invoice(request, session, invoice, mistakes)
        done = self._ledger.save(invoice.number, details, session.user)
        session.notice = "Payment details saved" if done else f"Invoice {invoice.number} is already decided"
        return _redirect(f"/invoices/{invoice.number}")

    def _decide(self, session: _Session, invoice: Invoice, action: str) -> _Answer:
        decide, outcome = {
            "approve": (self._ledger.approve, "approved"),
            "hold": (self._ledger.hold, "put on hold"),
            "reject": (self._ledger.reject, "rejected"),
        }[action]
        done = decide(invoice.number, session.user)
        session.notice = f"Invoice {invoice.number} {outcome if done else f'could not be {outcome}'}"
        return _redirect("/invoices")

    def _show_invoices(self, request: _Request, session: _Session) -> _Answer:
        search = request.query.get("search", "")
        chosen = next((status for status in Status if status.value == request.query.get("status")), None)
        everything = self._ledger.invoices()
        totals = {status: [invoice.cents for invoice in everything if invoice.status is status] for status in Status}
        invoices = self._ledger.invoices(search, chosen)
        if self._release.newest_first:
            invoices.reverse()
        return self._page(
            request, session, "invoices.html", search=search, chosen=chosen, totals=totals, invoices=invoices
        )

    def _show_invoice(
        self, request: _Request, session: _Session, invoice: Invoice, mistakes: Mapping[str, str] | None = None
    ) -> _Answer:
        if mistakes:
            values: Mapping[str, str] = request.form
        elif invoice.details:
            values = {
                "payment_date": invoice.details.payment_date.isoformat(),
                "email": invoice.details.email,
                "note": invoice.details.note,
                "remittance": "on" if invoice.details.remittance else "",
            }
        else:
            values = {}
        can_approve = invoice.undecided and invoice.details is not None
        asks = can_approve and "approve" in self._release.decisions and request.query.get("ask") == "approve"
        return self._page(
            request,
            session,
            "invoice.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK,
            invoice=invoice,
            values=values,
            mistakes=mistakes or {},
            can_approve=can_approve,
            asks=asks,
        )

    def _show_table(self, request: _Request, session: _Session, name: str) -> _Answer:
        words = self._release.words
        headings: tuple[str, ...]
        rows: list[tuple[str, ...]]
        if name == "suppliers":
            headings = (words["supplier"], words["number"], words["amount"])
            rows = [(invoice.supplier, invoice.number, _euros(invoice.cents)) for invoice in self._ledger.invoices()]
            rows.sort()
        elif name == "payments":
            headings = (words["number"], words["payment_date"], words["email"], words["note"], "Approved by")
            rows = [
                (made.invoice, made.payment_date.isoformat(), made.email, made.note, made.approved_by)
                for made in self.approvals()
            ]
        else:
            headings = ("Time (UTC)", "Person", "Action", words["number"], "Result")
            rows = [
                (
                    f"{event.at:%Y-%m-%d %H:%M:%S}",
                    event.by,
                    event.action,
                    event.invoice,
                    "Done" if event.done else "Refused",
                )
                for event in reversed(self.events())
            ]
        return self._page(request, session, "table.html", title=words[name], headings=headings, rows=rows)

    def _page(
        self,
        request: _Request,
        session: _Session | None,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> _Answer:
        text = self._pages.get_template(template).render(
            path=request.path,
            notice=session.take_notice() if session else "",
            consent_cookie=self._consent_cookie,
            cookie_banner=self._cookie_banner and self._consent_cookie not in request.cookies,
            **values,
        )
        return _Answer(status, text.encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, respond: Callable[[_Request], _Answer]) -> None:
        self.respond = respond
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """Turns HTTP into a request and an answer into HTTP."""

    server: _Server

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST_FORM_BYTES:
            self._send(_Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        self._answer(self.rfile.read(int(length)).decode("utf-8", errors="replace"))

    def _answer(self, form: str) -> None:
        url = urlsplit(self.path)
        cookies = SimpleCookie()
        with suppress(CookieError):
            cookies.load(self.headers.get("Cookie", ""))
        request = _Request(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query)),
            form=dict(parse_qsl(form)),
            cookies={name: morsel.value for name, morsel in cookies.items()},
        )
        self._send(self.server.respond(request))

    def _send(self, answer: _Answer) -> None:
        # Not send_response, which writes a line to stderr for each request: the events tell what happened.
        self.send_response_only(answer.status)
        headers = (
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", _CONTENT_SECURITY_POLICY),
            ("X-Content-Type-Options", "nosniff"),
            *answer.headers,
        )
        for name, value in headers:
            self.send_header(name, value)
        # A browser that went on to another page has closed the connection: nobody waits for this answer any more.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(answer.body)


def _redirect(path: str, cookie: str | None = None) -> _Answer:
    headers = (("Location", path),) if cookie is None else (("Location", path), ("Set-Cookie", cookie))
    return _Answer(HTTPStatus.SEE_OTHER, headers=headers)


def _static(name: str) -> _Answer:
    if name not in _STATIC_FILES:
        return _Answer(HTTPStatus.NOT_FOUND)
    body = files(_PACKAGE).joinpath("static", name).read_bytes()
    return _Answer(HTTPStatus.OK, body, _STATIC_FILES[name])


def _read_details(form: Mapping[str, str]) -> tuple[Details | None, Mapping[str, str]]:
    """Read the form of an invoice: the details, or None and what is wrong by name of the field."""
    mistakes = {}
    payment_date = None
    typed = form.get("payment_date", "").strip()
    email = form.get("email", "").strip()
    try:
        payment_date = date.fromisoformat(typed)
    except ValueError:
        mistakes["payment_date"] = "Type a date as YYYY-MM-DD"
    if not _EMAIL.fullmatch(email):
        mistakes["email"] = "Type an e-mail address"
    if payment_date is None or mistakes:
        return None, mistakes
    return Details(payment_date, email, form.get("note", "").strip(), "remittance" in form), {}


def _euros(cents: int) -> str:
    return f"€{cents / 100:,.2f}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.replace("&", "").split()[:2])


def _tint(name: str) -> int:
    """Choose one of six tints for a supplier, always the same for the same name."""
    return sum(map(ord, name)) % 6


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one release until Ctrl-C, for whoever wants to look at it."""
    parser = argparse.ArgumentParser(prog="python -m steadyhand.demo.application", description=main.__doc__)
    parser.add_argument("--release", type=int, choices=tuple(_RELEASES), default=1, help="which release (default: 1)")
    parser.add_argument("--database", type=Path, help="keep the data in this SQLite file (default: forget it)")
    parser.add_argument("--cookie-banner", action="store_true", help="ask for cookies first")
    parser.add_argument("--latency-s", type=float, default=0.0, help="answer so many seconds late (default: 0)")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        database = chosen.database or Path(folder, "halyard.sqlite")
        options = {"cookie_banner": chosen.cookie_banner, "latency_s": chosen.latency_s}
        try:
            application = DemoApplication(chosen.release, database, **options)
        except ConfigError as error:
            parser.error(str(error))
        with application, suppress(KeyboardInterrupt):
            sys.stdout.write(f"{application.url}  log in as {application.user}, {application.password}; Ctrl-C stops\n")
            sys.stdout.flush()
            threading.Event().wait()


if __name__ == "__main__":
    main()
