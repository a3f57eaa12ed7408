"""The books of the demo application: they can be trusted as evidence of what was done."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock
from steadyhand.demo.ledger import Details, Ledger, Status
from steadyhand.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_DETAILS = Details(date(2026, 6, 30), "pay@harbour.example", "Second delivery", remittance=False)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """New books, as in release 1."""
    return Ledger(tmp_path / "ledger.sqlite", ManualClock(), with_look_alikes=False)


def test_of_many_approvals_at_once_only_one_is_done(ledger: Ledger) -> None:
    """Eight threads approve the same invoice: one approval, and an event for each of the eight."""
    assert ledger.save("INV-2047", _DETAILS, "claire")
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: ledger.approve("INV-2047", "claire"), range(8)))
    assert sorted(outcomes) == [False] * 7 + [True]
    assert len(ledger.approvals()) == 1
    assert [event.done for event in ledger.events() if event.action == "approve"].count(False) == 7


def test_saving_again_replaces_the_details(ledger: Ledger) -> None:
    """The last saved details are those that are approved, and both savings are on record."""
    changed = Details(date(2026, 7, 1), "cash@harbour.example", "", remittance=True)
    assert ledger.save("INV-2047", _DETAILS, "claire")
    assert ledger.save("INV-2047", changed, "claire")
    assert ledger.approve("INV-2047", "claire")
    approval = ledger.approvals()[0]
    assert (approval.payment_date, approval.email, approval.note, approval.remittance) == (
        date(2026, 7, 1),
        "cash@harbour.example",
        "",
        True,
    )
    assert [event.action for event in ledger.events()] == ["save", "save", "approve"]


def test_an_invoice_on_hold_can_still_be_decided(ledger: Ledger) -> None:
    """On hold is no decision: the invoice can be approved after it."""
    assert ledger.hold("INV-2047", "claire")
    assert ledger.save("INV-2047", _DETAILS, "claire")
    assert ledger.approve("INV-2047", "claire")
    invoice = ledger.invoice("INV-2047")
    assert invoice is not None
    assert invoice.status is Status.APPROVED


def test_a_change_touches_one_invoice(ledger: Ledger) -> None:
    """All other invoices stay as they were."""
    before = ledger.invoices()
    ledger.reject("INV-2047", "claire")
    assert [new.number for new, old in zip(ledger.invoices(), before, strict=True) if new != old] == ["INV-2047"]


def test_times_keep_their_zone(tmp_path: Path) -> None:
    """What is read back is the UTC time of the clock, and can be told from local time."""
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    ledger = Ledger(tmp_path / "ledger.sqlite", ManualClock(noon), with_look_alikes=False)
    ledger.record("log-in", "claire", done=True)
    assert ledger.events()[0].at == noon
    assert ledger.events()[0].at.tzinfo is not None


def _nothing(path: Path) -> Path:
    return path / "missing" / "ledger.sqlite"


def _folder(path: Path) -> Path:
    return path


def _text(path: Path) -> Path:
    (path / "notes.txt").write_text("This is no database. " * 50, encoding="utf-8")
    return path / "notes.txt"


def _foreign(path: Path) -> Path:
    with closing(sqlite3.connect(path / "other.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
        connection.execute("INSERT INTO invoices VALUES (1)")
    return path / "other.sqlite"


@pytest.mark.parametrize("make", [_nothing, _folder, _text, _foreign])
def test_an_unusable_file_is_refused(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """A missing folder, a folder, a text and somebody else's database each get one sentence that names the path."""
    path = make(tmp_path)
    with pytest.raises(ConfigError, match="cannot keep its data in") as refused:
        Ledger(path, ManualClock(), with_look_alikes=False)
    assert str(path) in refused.value.message
    assert "new file" in refused.value.hint


def test_somebody_elses_database_is_left_as_it_was(tmp_path: Path) -> None:
    """A refused database gets none of our tables."""
    path = _foreign(tmp_path)
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        Ledger(path, ManualClock(), with_look_alikes=False)
    assert path.read_bytes() == before
