"""The books of the demo application: its invoices and what was done to them, in one SQLite file.

Words: an *invoice* is a supplier's bill that waits for a decision. The *details* of its payment (date, e-mail of the
contact, note, remittance advice) are saved first, then it is approved. An *approval* is such a completed decision. An
*event* is one request to change something, done or refused, whoever sent it: whoever clicked a wrong button left one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from steadyhand.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.clock import Clock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS invoices (
    number TEXT PRIMARY KEY, supplier TEXT NOT NULL, subject TEXT NOT NULL, due TEXT NOT NULL, cents INTEGER NOT NULL,
    status TEXT NOT NULL, look_alike INTEGER NOT NULL,
    payment_date TEXT, email TEXT, note TEXT, remittance INTEGER);
CREATE TABLE IF NOT EXISTS approvals (
    id INTEGER PRIMARY KEY, invoice TEXT NOT NULL UNIQUE, payment_date TEXT NOT NULL, email TEXT NOT NULL,
    note TEXT NOT NULL, remittance INTEGER NOT NULL, approved_by TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, action TEXT NOT NULL, invoice TEXT NOT NULL, by TEXT NOT NULL, done INTEGER NOT NULL,
    at TEXT NOT NULL);
"""


class Status(StrEnum):
    """Where an invoice stands; the value is what the pages show."""

    PENDING = "Pending"
    HELD = "On hold"
    APPROVED = "Approved"
    REJECTED = "Rejected"


# Harbour Lane appears twice on purpose: even on an unchanged screen the supplier's name alone does not identify a row.
_INVOICES = (
    ("INV-2031", "Alder & Finch Joinery", "Repair of the lobby desk", "2026-06-08", 194_000, Status.PENDING),
    ("INV-2034", "Brightwater Linen", "Linen service, May", "2026-06-10", 231_840, Status.PENDING),
    ("INV-2038", "Cobalt Print Works", "Menus and door signs", "2026-06-12", 48_620, Status.PENDING),
    ("INV-2042", "Dunmore Electrical", "Lighting of the corridors", "2026-06-15", 372_000, Status.HELD),
    ("INV-2045", "Evergreen Florists", "Weekly flowers, May", "2026-06-16", 64_000, Status.PENDING),
    ("INV-2047", "Harbour Lane Coffee", "Coffee beans, 60 kg", "2026-06-18", 128_450, Status.PENDING),
    ("INV-2052", "Harbour Lane Catering", "Conference lunch", "2026-06-19", 290_575, Status.PENDING),
    ("INV-2056", "Kestrel Security", "Night guards, May", "2026-06-22", 415_000, Status.PENDING),
    ("INV-2059", "Marsh & Vale Produce", "Fruit and vegetables", "2026-06-24", 107_630, Status.REJECTED),
    ("INV-2063", "Orchard Street Laundry", "Uniforms, 40 pieces", "2026-06-26", 81_290, Status.PENDING),
)
# Rows that a hurried eye takes for another: a digit, a letter or two swapped figures away.
_LOOK_ALIKES = (
    ("INV-2041", "Harbour Lane Coffee Co.", "Coffee beans, 50 kg", "2026-06-13", 124_850, Status.PENDING),
    ("INV-2060", "Kestrel Securities", "Night guards, June", "2026-06-25", 451_000, Status.PENDING),
    ("INV-2074", "Harbour Line Coffee", "Coffee beans, 60 kg", "2026-06-27", 128_450, Status.PENDING),
    ("INV-2147", "Harbor Lane Coffee", "Coffee machine, service", "2026-06-29", 182_450, Status.PENDING),
)


@dataclass(frozen=True)
class Details:
    """How an invoice is to be paid, as saved in its form."""

    payment_date: date
    email: str
    note: str
    remittance: bool


@dataclass(frozen=True)
class Invoice:
    """One invoice as it stands; `details` is None until its form was saved."""

    number: str
    supplier: str
    subject: str
    due: date
    cents: int
    status: Status
    details: Details | None

    @property
    def undecided(self) -> bool:
        """Whether a decision can still be taken."""
        return self.status in {Status.PENDING, Status.HELD}


@dataclass(frozen=True)
class Approval:
    """One completed approval: which invoice, paid how, decided by whom and when (UTC)."""

    invoice: str
    payment_date: date
    email: str
    note: str
    remittance: bool
    approved_by: str
    at: datetime


@dataclass(frozen=True)
class Event:
    """One request to change something: the action, the invoice it named ("" if none), who sent it, when (UTC)."""

    action: str
    invoice: str
    by: str
    done: bool
    at: datetime


class Ledger:
    """Invoices, approvals and events in one SQLite file, which is created and filled if it is missing.

    Every change is one transaction together with its event, so the events can be trusted. Safe to use from several
    threads: each operation opens its own connection.

    Args:
        database: The SQLite file; its folder must exist.
        clock: Tells the time of events.
        with_look_alikes: Whether the rows that resemble others are listed too.

    Raises:
        ConfigError: When the file cannot be created, or is not a database of this application.
    """

    def __init__(self, database: Path, clock: Clock, *, with_look_alikes: bool) -> None:
        self._database = database
        self._clock = clock
        self._with_look_alikes = with_look_alikes
        try:
            with self._transaction() as connection:
                for statement in _SCHEMA.split(";\n"):
                    connection.execute(statement)
                if connection.execute("SELECT look_alike FROM invoices").fetchone() is None:
                    _fill(connection)
        except sqlite3.Error as error:
            raise ConfigError(
                f"The demo application cannot keep its data in {database}: {error}.",
                hint="Name a new file in an existing folder that you may write to.",
            ) from error

    def reset(self) -> None:
        """Forget everything that was done."""
        with self._transaction() as connection:
            for table in ("invoices", "approvals", "events"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are the three above
            _fill(connection)

    def invoices(self, search: str = "", status: Status | None = None) -> list[Invoice]:
        """List the invoices by number; `search` is part of a number, supplier or subject, in any case."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM invoices WHERE look_alike <= ? ORDER BY number", (self._with_look_alikes,)
            ).fetchall()
        wanted = search.casefold().strip()
        return [
            invoice
            for invoice in map(_invoice, rows)
            if wanted in f"{invoice.number} {invoice.supplier} {invoice.subject}".casefold()
            and status in {None, invoice.status}
        ]

    def invoice(self, number: str) -> Invoice | None:
        """Give the invoice of this number, or None where there is none."""
        return next((invoice for invoice in self.invoices() if invoice.number == number), None)

    def save(self, number: str, details: Details, by: str) -> bool:
        """Save how an undecided invoice is to be paid; tell whether that was done."""
        values = (details.payment_date.isoformat(), details.email, details.note, details.remittance)
        return self._change(
            "save", number, by, "UPDATE invoices SET payment_date = ?, email = ?, note = ?, remittance = ?", values
        )

    def hold(self, number: str, by: str) -> bool:
        """Put an undecided invoice on hold; tell whether that was done."""
        return self._change("hold", number, by, "UPDATE invoices SET status = ?", (Status.HELD,))

    def reject(self, number: str, by: str) -> bool:
        """Reject an undecided invoice; tell whether that was done."""
        return self._change("reject", number, by, "UPDATE invoices SET status = ?", (Status.REJECTED,))

    def approve(self, number: str, by: str) -> bool:
        """Approve an undecided invoice whose details are saved; tell whether that was done."""
        insert = (
            "INSERT INTO approvals (invoice, payment_date, email, note, remittance, approved_by, at)"
            " SELECT number, payment_date, email, note, remittance, ?, ? FROM invoices"
        )
        with self._transaction() as connection:
            values = (by, self._clock.now().isoformat())
            done = _update(connection, f"{insert} WHERE payment_date IS NOT NULL AND", number, values)
            if done:
                _update(connection, "UPDATE invoices SET status = ? WHERE", number, (Status.APPROVED,))
            self._add_event(connection, Event("approve", number, by, done, self._clock.now()))
        return done

    def record(self, action: str, by: str, *, invoice: str = "", done: bool) -> None:
        """Record a request that changed none of the invoices, such as a log-in."""
        with self._transaction() as connection:
            self._add_event(connection, Event(action, invoice, by, done, self._clock.now()))

    def approvals(self) -> list[Approval]:
        """List what was approved, oldest first."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT * FROM approvals ORDER BY id").fetchall()
        return [
            Approval(
                invoice=row["invoice"],
                payment_date=date.fromisoformat(row["payment_date"]),
                email=row["email"],
                note=row["note"],
                remittance=bool(row["remittance"]),
                approved_by=row["approved_by"],
                at=datetime.fromisoformat(row["at"]),
            )
            for row in rows
        ]

    def events(self) -> list[Event]:
        """List every request to change something, oldest first."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT * FROM events ORDER BY id").fetchall()
        return [
            Event(row["action"], row["invoice"], row["by"], bool(row["done"]), datetime.fromisoformat(row["at"]))
            for row in rows
        ]

    def _change(self, action: str, number: str, by: str, update: str, values: tuple[object, ...]) -> bool:
        with self._transaction() as connection:
            done = _update(connection, f"{update} WHERE", number, values)
            self._add_event(connection, Event(action, number, by, done, self._clock.now()))
        return done

    @staticmethod
    def _add_event(connection: sqlite3.Connection, event: Event) -> None:
        connection.execute(
            "INSERT INTO events (action, invoice, by, done, at) VALUES (?, ?, ?, ?, ?)",
            (event.action, event.invoice, event.by, event.done, event.at.isoformat()),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # IMMEDIATE takes the write lock at once, so that of two requests to decide only one can find "undecided".
        with closing(sqlite3.connect(self._database, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection


def _fill(connection: sqlite3.Connection) -> None:
    rows = [(*row, 0) for row in _INVOICES] + [(*row, 1) for row in _LOOK_ALIKES]
    connection.executemany(
        "INSERT INTO invoices (number, supplier, subject, due, cents, status, look_alike) VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _update(connection: sqlite3.Connection, statement: str, number: str, values: tuple[object, ...]) -> bool:
    """Run a statement that ends in WHERE or AND, on this invoice if it is undecided; tell whether it was."""
    undecided = (Status.PENDING, Status.HELD)
    cursor = connection.execute(f"{statement} number = ? AND status IN (?, ?)", (*values, number, *undecided))
    return cursor.rowcount == 1


def _invoice(row: sqlite3.Row) -> Invoice:
    details = None
    if row["payment_date"] is not None:
        details = Details(
            payment_date=date.fromisoformat(row["payment_date"]),
            email=row["email"],
            note=row["note"],
            remittance=bool(row["remittance"]),
        )
    return Invoice(
        number=row["number"],
        supplier=row["supplier"],
        subject=row["subject"],
        due=date.fromisoformat(row["due"]),
        cents=row["cents"],
        status=Status(row["status"]),
        details=details,
    )
