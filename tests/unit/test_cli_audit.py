"""The commands that look into the audit log, as they are typed."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.answer import typist

from steadyhand import cli
from steadyhand.clock import ManualClock
from steadyhand.evidence.audit_chain import log_files
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.answer import Answer

    Ask = Callable[..., Answer]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Ask:
    """Types `steadyhand audit` and what follows it, in the folder of a robot."""
    monkeypatch.chdir(tmp_path)
    return partial(typist(monkeypatch, capfd), "audit")


def write(folder: Path, count: int, limits: Limits | None = None) -> Path:
    """Write a log; its folder."""
    with AuditLog(folder / "data" / "audit", ManualClock(), limits) as log:
        for number in range(count):
            log.append(Intended(workflow="pay\x1b[2J", step=str(number), action="click"))
    return folder / "data" / "audit"


def test_a_sound_log_is_told_so(ask: Ask, tmp_path: Path) -> None:
    """How far it goes, and the hash of its last record, to be kept elsewhere."""
    write(tmp_path, 3)
    code, out, err = ask("verify")
    assert (code, err) == (0, "")
    assert "records 1 to 3, files: 1." in out
    answer = json.loads(ask("verify", "--json")[1])
    assert (answer["sound"], answer["last"], answer["pruned"], answer["problems"]) == (True, 3, 0, [])
    assert f"Sound. The last record is {answer['hash']}" in out


def test_what_is_missing_on_purpose_is_told(ask: Ask, tmp_path: Path) -> None:
    """What retention removed and what a crash tore is no fault, but it is said."""
    folder = write(tmp_path, 40, Limits(file_bytes=600, kept_bytes=1500))
    with log_files(folder)[-1].open("ab") as file:
        file.write(b'{"numb')
    code, out, _ = ask("verify")
    assert code == 0
    assert "Retention has removed the " in out
    assert "6 bytes of a record that was never finished" in out


def test_every_change_is_told(ask: Ask, tmp_path: Path) -> None:
    """A log that was changed is a failure, also for a program that asks."""
    (path,) = log_files(write(tmp_path, 3))
    path.write_bytes(path.read_bytes().replace(b'"step":"1"', b'"step":"9"'))
    code, out, _ = ask("verify")
    assert code == cli.FAILED
    assert "000000000001.jsonl:3: record 3 does not follow what stands before it; one of them was changed" in out
    assert "NOT SOUND" in out
    code, out, _ = ask("verify", "--json")
    assert (code, json.loads(out)["sound"], len(json.loads(out)["problems"])) == (cli.FAILED, False, 1)
    path.write_bytes(b"\n" * 500)
    assert "and 401 more" in ask("verify")[1]


def test_a_folder_without_a_log_is_bad_input(ask: Ask) -> None:
    """There is nothing to verify or to ask where no robot has run."""
    assert ask("verify")[0] == cli.BAD_INPUT
    assert ask("query", "SELECT 1")[0] == cli.BAD_INPUT


def test_an_answer_is_a_table_or_json(ask: Ask, tmp_path: Path) -> None:
    """What no terminal may obey is made visible; NULL is empty, and null for programs."""
    write(tmp_path, 2)
    code, out, _ = ask("query", "SELECT workflow, step, reason FROM audit ORDER BY number")
    assert code == 0
    assert out.split()[:3] == ["workflow", "step", "reason"]
    assert "pay␛[2J" in out
    code, out, _ = ask("query", "SELECT step, reason, written_at FROM audit LIMIT 1", "--json")
    assert json.loads(out) == [{"step": "0", "reason": None, "written_at": "2026-01-01 00:00:00+00:00"}]
    assert ask("query", "DELETE FROM audit")[0] == cli.BAD_INPUT
