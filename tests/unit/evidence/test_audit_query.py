"""Questions to the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import ConfigError
from steadyhand.evidence.audit_chain import log_files
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_query import COLUMNS, query
from steadyhand.evidence.audit_records import BreakerTripped, Intended, StepEnded
from steadyhand.model.outcome import Verdict

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log of several files."""
    with AuditLog(tmp_path / "audit", ManualClock(), Limits(file_bytes=800)) as log:
        for number in range(6):
            log.append(Intended(workflow="pay", step=f"s{number}", action="click"))
            log.append(
                StepEnded(workflow="pay", step=f"s{number}", action="click", verdict=Verdict.DONE, confidence=0.5)
            )
        moment = "2026-01-02T03:04:05.000+00:00"
        log.append(BreakerTripped(happened_at=moment, level="step", measure="failures", count=3, triggers={"X": 3}))
    assert len(log_files(tmp_path / "audit")) > 2
    return tmp_path / "audit"


def test_records_of_all_files_can_be_asked(folder: Path) -> None:
    """A question sees every record once, with numbers as numbers and times as times."""
    answer = query(folder, "SELECT kind, count(*) AS n, avg(confidence) FROM audit GROUP BY kind ORDER BY kind")
    assert answer.columns == ("kind", "n", "avg(confidence)")
    assert answer.rows == [("intent", 6, None), ("result", 6, 0.5), ("trip", 1, None)]
    asked = "SELECT triggers->>'X', happened_at::VARCHAR, window_s FROM audit WHERE kind = 'trip'"
    assert query(folder, asked).rows == [("3", "2026-01-02 03:04:05+00", None)]


def test_every_field_is_a_column_that_needs_no_quotes(folder: Path) -> None:
    """No name of a field is a word of SQL."""
    answer = query(folder, "SELECT " + ", ".join(COLUMNS) + " FROM audit WHERE number = 1")  # noqa: S608  our own names
    assert answer.columns == tuple(COLUMNS)
    assert len(answer.rows) == 1


def test_a_torn_end_is_passed_over(folder: Path) -> None:
    """Half a record at the end spoils no question."""
    with log_files(folder)[-1].open("ab") as file:
        file.write(b'{"number":14,"for')
    assert query(folder, "SELECT count(*) FROM audit").rows == [(13,)]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY audit TO 'stolen.csv'",
        "DROP VIEW audit",
        "SELECT 1; DROP VIEW audit",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "",
        "SELEC 1",
        "SELECT no_such_column FROM audit",
    ],
)
def test_what_is_no_question_is_refused(folder: Path, sql: str) -> None:
    """Only one statement that reads is executed, and a mistake in it is told."""
    with pytest.raises(ConfigError, match=r"only reads|cannot be asked"):
        query(folder, sql)


def test_there_may_be_no_log(tmp_path: Path) -> None:
    """Where nobody has written, nothing can be asked."""
    with pytest.raises(ConfigError, match="no audit log"):
        query(tmp_path, "SELECT 1")
