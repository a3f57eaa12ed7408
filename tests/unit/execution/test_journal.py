"""The journal of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steadyhand.clock import ManualClock
from steadyhand.errors import ConfigError, RefusedError
from steadyhand.execution import journal as journal_module
from steadyhand.execution.effects import Seen
from steadyhand.execution.journal import Journal
from steadyhand.model.outcome import Verdict
from steadyhand.model.workflow import Workflow

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = ManualClock()
VALUES = {"invoice": "4711"}


def workflow(name: str = "Pay") -> Workflow:
    """A workflow with three steps."""
    steps = [{"id": step, "action": "keys", "keys": "Enter"} for step in ("one", "two", "three")]
    return Workflow.model_validate({"steadyhand": 1, "name": name, "screen": {"kind": "simulated"}, "steps": steps})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal goes."""
    return tmp_path / "run" / "journal.jsonl"


def resumed(path: Path) -> Journal:
    """The journal as the next run finds it."""
    return Journal.resume(path, workflow(), VALUES, CLOCK)


def test_a_resumed_run_knows_what_is_finished_and_what_is_in_doubt(path: Path) -> None:
    """A good result finishes a step; an intent alone, or with a failure after it, leaves it in doubt."""
    journal = Journal.begin(path, workflow(), VALUES, CLOCK)
    journal.intend("one", [Seen(met=False)])
    journal.conclude("one", Verdict.DONE)
    journal.intend("two", [Seen(met=True, state="12 7"), Seen(met=False)])
    journal.conclude("two", Verdict.FAILED)
    again = resumed(path)
    assert again.is_finished("one")
    assert again.doubt("one") is None
    assert not again.is_finished("two")
    assert again.doubt("two") == (Seen(met=True, state="12 7"), Seen(met=False))
    assert not again.is_finished("three")
    assert again.doubt("three") is None


def test_a_step_that_failed_before_its_action_is_not_in_doubt(path: Path) -> None:
    """Without an intent there was no action."""
    journal = Journal.begin(path, workflow(), VALUES, CLOCK)
    journal.conclude("one", Verdict.FAILED)
    assert resumed(path).doubt("one") is None
    assert not resumed(path).is_finished("one")


@pytest.mark.parametrize("lost", range(1, 12))
def test_a_torn_last_line_is_dropped_and_can_be_written_after(path: Path, lost: int) -> None:
    """A crash while writing an intent means that nothing was done; the file goes on as if it had not begun."""
    journal = Journal.begin(path, workflow(), VALUES, CLOCK)
    journal.intend("one", [])
    journal.conclude("one", Verdict.UNVERIFIED)
    journal.intend("two", [])
    path.write_bytes(path.read_bytes()[:-lost])
    again = resumed(path)
    assert again.is_finished("one")
    assert again.doubt("two") is None
    again.intend("two", [])
    assert resumed(path).doubt("two") == ()


def test_a_new_run_begins_a_new_journal(path: Path) -> None:
    """What an earlier run in the same folder did says nothing about this one."""
    Journal.begin(path, workflow(), VALUES, CLOCK).conclude("one", Verdict.DONE)
    Journal.begin(path, workflow(), VALUES, CLOCK)
    assert not resumed(path).is_finished("one")


@pytest.mark.parametrize(
    ("other", "values"), [(workflow("Refund"), VALUES), (workflow(), {"invoice": "4712"})], ids=["workflow", "values"]
)
def test_a_journal_of_something_else_is_refused(path: Path, other: Workflow, values: dict[str, str]) -> None:
    """Resuming with another invoice would skip the steps that were done for the first one."""
    Journal.begin(path, workflow(), VALUES, CLOCK)
    with pytest.raises(ConfigError, match="another workflow, or to a run with other values"):
        Journal.resume(path, other, values, CLOCK)


@pytest.mark.parametrize(
    "damage",
    ["null", "[]", "x", '{"result": "one", "verdict": "splendid"}', '{"intent": "one", "seen": [1]}'],
)
def test_a_damaged_journal_is_refused(path: Path, damage: str) -> None:
    """A line in the middle that cannot be read may have been an intent."""
    journal = Journal.begin(path, workflow(), VALUES, CLOCK)
    path.write_text(f"{path.read_text(encoding='utf-8')}{damage}\n", encoding="utf-8")
    journal.intend("one", [])
    with pytest.raises(ConfigError, match="damaged in line 2"):
        resumed(path)


def test_a_journal_that_is_not_there_or_empty_cannot_be_resumed(path: Path) -> None:
    """Each gets its own sentence."""
    with pytest.raises(ConfigError, match="There is no journal"):
        resumed(path)
    path.parent.mkdir()
    path.touch()
    with pytest.raises(ConfigError, match="belongs to another workflow"):
        resumed(path)


def test_without_a_place_for_the_journal_nothing_begins(tmp_path: Path) -> None:
    """A folder that is a file is a mistake of the user, told before anything is done."""
    (tmp_path / "run").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        Journal.begin(tmp_path / "run" / "journal.jsonl", workflow(), VALUES, CLOCK)


def test_after_a_failed_write_no_action_is_allowed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that was not written down stops the run at its next action, and nothing is glued to a torn line."""
    journal = Journal.begin(path, workflow(), VALUES, CLOCK)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "append_record", full)
        journal.conclude("one", Verdict.DONE)
    written = path.read_bytes()
    with pytest.raises(RefusedError, match="No space left on device"):
        journal.intend("two", [])
    assert path.read_bytes() == written
