"""The commands that look after thresholds, as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.answer import Answer, typist

from steadyhand import cli
from steadyhand.clock import SystemClock
from steadyhand.evidence.audit_chain import log_files
from steadyhand.evidence.audit_log import FOLDER
from steadyhand.files import GrowingFile
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.model.outcome import StepResult, Trigger, Verdict
from steadyhand.policy import Policy, PolicyConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "auto_heal_policy.json"


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Answer]:
    """Types a command in the folder of a robot that knows nothing yet."""
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    return typist(monkeypatch, capfd)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Writes a policy file into that folder."""

    def write(value: object, name: str = FILE) -> None:
        (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")

    return write


def test_a_good_policy_is_told_so(ask: Callable[..., Answer], write: Callable[..., None]) -> None:
    """`policy check` looks at the file of the usual name, and says its mode, its version and how many exceptions."""
    write({"mode": "permissive", "workflows": {"pay": {"step_failures": 2}}})
    said = ask("policy", "check")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{FILE} can be used: permissive, version ")
    assert "Workflows with keys of their own: 1." in said.out
    answer = ask("policy", "check", "--json").json
    assert (answer["valid"], answer["mode"], answer["workflows"]) == (True, "permissive", ["pay"])


def test_every_problem_of_a_policy_is_listed(ask: Callable[..., Answer], write: Callable[..., None]) -> None:
    """A bad policy is bad input; all its mistakes are told, also as JSON."""
    write({"step_failures": 0, "found_form": 0.9}, "other.json")
    said = ask("policy", "check", "other.json")
    assert (said.code, said.out) == (cli.BAD_INPUT, "")
    assert "did you mean found_from?" in said.err
    answer = ask("policy", "check", "other.json", "--json")
    assert (answer.code, len(answer.json["problems"])) == (cli.BAD_INPUT, 2)


def test_a_missing_policy_is_bad_input(ask: Callable[..., Answer]) -> None:
    """There is nothing to check where there is no file."""
    said = ask("policy", "check")
    assert said.code == cli.BAD_INPUT
    assert f"no file {FILE}" in said.err


def test_the_defaults_are_shown_where_there_is_no_file(ask: Callable[..., Answer]) -> None:
    """`policy show` lists every key with its value and unit."""
    said = ask("policy", "show")
    first, *lines = said.out.splitlines()
    assert first == f"The defaults: hybrid, version {PolicyConfig().version}"
    assert [line.split()[0] for line in lines] == list(Policy.model_fields)
    assert "600 seconds" in said.out
    assert "by default" not in said.out


def test_what_is_in_force_is_shown(ask: Callable[..., Answer], write: Callable[..., None]) -> None:
    """What differs from the default says so; a workflow's own keys are shown for that workflow."""
    write({"slow_steps": 4, "workflows": {"pay": {"step_failures": 2}}})
    everywhere, pay = ask("policy", "show", "--json").json["keys"], ask("policy", "show", "--workflow", "pay").out
    assert (everywhere["slow_steps"], everywhere["step_failures"]) == (4, 3)
    assert [line.split()[0] for line in pay.splitlines() if "by default" in line] == ["step_failures", "slow_steps"]


def test_two_policies_are_compared(ask: Callable[..., Answer], write: Callable[..., None]) -> None:
    """`policy diff` says which thresholds differ in effect, for whom, and which way."""
    write({}, "old.json")
    write({"mode": "hybrid", "step_failures": 2, "workflows": {"pay": {"breaker": "disabled"}}}, "new.json")
    assert ask("policy", "diff", "old.json", "new.json").out.splitlines() == [
        "step_failures: 3 -> 2 (stricter)",
        'pay: breaker: "automatic" -> "disabled"',
        "pay: step_failures: 3 -> 2 (stricter)",
    ]
    (first, *_) = ask("policy", "diff", "old.json", "new.json", "--json").json
    assert first == {"workflow": "", "key": "step_failures", "old": 3, "new": 2, "direction": "stricter"}


def test_policies_that_do_the_same_are_told_so(ask: Callable[..., Answer], write: Callable[..., None]) -> None:
    """A file that only spells out the defaults does the same as an empty one."""
    write({}, "old.json")
    write({"mode": "hybrid", "step_failures": 3}, "new.json")
    assert ask("policy", "diff", "old.json", "new.json").out == "They do the same.\n"
    assert ask("policy", "diff", "old.json", "new.json", "--json").json == []


def test_what_a_policy_says_cannot_steer_the_terminal(ask: Callable[..., Answer], write: Callable[..., None]) -> None:
    """A workflow's name is made visible before a terminal gets it."""
    write({}, "old.json")
    write({"workflows": {"\x1b[2J": {"step_failures": 2}}}, "new.json")
    assert "\x1b" not in ask("policy", "diff", "old.json", "new.json").out


# --------------------------------------------------------------------------------------------------------- orders


def fail(folder: Path, times: int, *, is_irreversible: bool = False) -> str:
    """Let the step `save` of the workflow `pay` fail so often; why it then may not go on."""
    manager = AutoHealManager.open(folder / "data", folder / FILE, SystemClock())
    result = StepResult("save", "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)
    for _ in range(times):
        manager.on_step_result(manager.should_execute_step("pay", "save", "A"), result)
    reason = manager.should_execute_step("pay", "save", "A", is_irreversible=is_irreversible).reason
    manager.close()
    return reason


def test_the_status_of_nothing_is_told(ask: Callable[..., Answer]) -> None:
    """A robot that knows nothing yet has a policy, and empty windows over all workflows."""
    lines = ask("status").out.splitlines()
    version = PolicyConfig().version
    assert lines == [f"Policy {version}", "All workflows together: NORMAL (failures 0/30, screen_faults 0/10)"]
    assert ask("status", "--json").json["workflows"] == []


def test_a_quarantine_is_shown_and_released(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """The status says which state, why and how full the windows are; a release says by whom."""
    fail(tmp_path, 10)
    line = ask("status").out.splitlines()[-1]
    assert line.startswith("pay: QUARANTINED (low_confidence 0/5, slow_steps 0/5, failures 10/10) 10 failures within")
    assert ask("release", "pay", "--by", "Ann", "--reason", "mended").out.startswith("pay: DEGRADED (")
    (pay,) = ask("status", "--json").json["workflows"]
    assert (pay["info"]["state"], pay["info"]["reason"]) == ("DEGRADED", "Released by Ann: mended")


def test_one_workflow_or_all_are_paused(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """A pause holds what it names until it is resumed; pausing again, or both or neither, is bad input."""
    assert ask("pause", "pay", "--by", "Ann", "--json").json["info"]["state"] == "PAUSED"
    assert fail(tmp_path, 0) == "It is PAUSED. Paused by Ann."
    assert ask("pause", "pay", "--by", "Ann").code == cli.BAD_INPUT
    assert ask("resume", "pay", "--by", "Ann").code == cli.DONE
    assert ask("pause", "--all", "--by", "Ann").code == cli.DONE
    assert fail(tmp_path, 0).startswith("For all workflows: It is PAUSED.")
    assert ask("resume", "--all", "--by", "Ann").code == cli.DONE
    assert fail(tmp_path, 0) == ""
    assert ask("pause", "--by", "Ann").code == cli.BAD_INPUT
    assert ask("pause", "pay", "--all", "--by", "Ann").code == cli.BAD_INPUT


def test_a_step_is_approved(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """What waits is in the status, and goes on once somebody has approved it."""
    assert "approval" in fail(tmp_path, 3, is_irreversible=True)
    assert ask("status").out.splitlines()[-1] == "Step save of pay waits for an approval."
    assert ask("approve", "pay", "save", "--by", "Ann").code == cli.DONE
    assert ask("status").out.splitlines()[-1] == "Step save of pay approved by Ann."
    assert fail(tmp_path, 0, is_irreversible=True) == ""
    assert ask("approve", "pay", "save", "--by", "Ann").code == cli.BAD_INPUT


def test_every_order_is_in_the_audit_log(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """Who gave it, why, and what it led to; and the failures that no run wrote down before."""
    fail(tmp_path, 10)
    assert ask("release", "pay", "--by", "Ann", "--reason", "mended").code == cli.DONE
    assert "approval" in fail(tmp_path, 0, is_irreversible=True)
    for order in (["approve", "pay", "save"], ["pause", "--all"], ["resume", "--all"]):
        assert ask(*order, "--by", "Bob").code == cli.DONE
    assert ask("audit", "verify").code == cli.DONE
    told = ask(
        *("audit", "query", "--json"),
        "SELECT kind, workflow, state_before, state, coalesce(approved_by, reason) AS why FROM audit "
        "WHERE kind IN ('state', 'approval') ORDER BY number",
    ).json
    assert [tuple(each.values()) for each in told[-4:]] == [
        ("state", "pay", "QUARANTINED", "DEGRADED", "Released by Ann: mended"),
        ("approval", "pay", None, None, "Bob"),
        ("state", None, "NORMAL", "PAUSED", "Paused by Bob."),
        ("state", None, "PAUSED", "NORMAL", "Resumed by Bob."),
    ]
    assert [each["why"] for each in told[:2]] == [
        "3 failures of step save in a row: 3 TARGET_NOT_FOUND.",
        "10 failures within 600 s: 10 TARGET_NOT_FOUND.",
    ]


def test_an_order_that_cannot_be_written_down_is_not_given(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """Where the audit log is damaged nothing is changed; the status can be asked for all the same."""
    assert ask("pause", "pay", "--by", "Ann").code == cli.DONE
    (path,) = log_files(tmp_path / "data" / FOLDER)
    path.write_bytes(b"")
    said = ask("resume", "pay", "--by", "Ann")
    assert (said.code, said.out) == (cli.FAILED, "")
    assert "The audit log in data/audit is damaged: records 1 to 2 were on the disk and are missing." in said.err
    assert ask("status", "--json").json["workflows"][0]["info"]["state"] == "PAUSED"


def test_an_order_that_is_in_force_and_not_written_down_says_so(
    ask: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk fills up after the order, it holds, and the next command writes it into the log."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(GrowingFile, "append", full)
        said = ask("pause", "pay", "--by", "Ann")
    assert said.code == cli.FAILED
    assert "The order is in force. The audit log in data/audit cannot be written to: No space left" in said.err
    assert ask("status", "--json").json["workflows"][0]["info"]["state"] == "PAUSED"
    assert ask("resume", "pay", "--by", "Ann").code == cli.DONE
    reasons = ask("audit", "query", "SELECT reason FROM audit WHERE kind = 'state'", "--json").json
    assert [each["reason"] for each in reasons] == ["Paused by Ann.", "Resumed by Ann."]


@pytest.mark.parametrize("order", [["pause", "pay"], ["release", "pay"], ["approve", "pay", "save"]])
def test_an_order_has_somebody_who_gives_it(order: list[str], ask: Callable[..., Answer]) -> None:
    """Nobody is not somebody."""
    assert ask(*order).code == cli.BAD_INPUT
    said = ask(*order, "--by", " ")
    assert said.code == cli.BAD_INPUT
    assert "--by is empty" in said.err


def test_where_no_robot_has_run_nothing_is_made(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """A folder that is not there is bad input, and is not there afterwards."""
    said = ask("status", "--data-dir", "elsewhere")
    assert said.code == cli.BAD_INPUT
    assert "no folder elsewhere" in said.err
    assert not (tmp_path / "elsewhere").exists()


def test_a_damaged_state_is_told(ask: Callable[..., Answer], tmp_path: Path) -> None:
    """A database that is none is told, and nothing is made up in its place."""
    (tmp_path / "data" / "state.db").write_bytes(b"nonsense" * 1_000)
    said = ask("status")
    assert said.code == cli.FAILED
    assert "state.db cannot be opened" in said.err


def test_a_bad_policy_is_told_in_the_status(
    ask: Callable[..., Answer], write: Callable[..., None], tmp_path: Path
) -> None:
    """The last good one is in force, and what is wrong with the file is said."""
    write({"step_failures": 2})
    fail(tmp_path, 0)
    write({"step_failures": 0})
    assert "the file is not in force: step_failures is 0" in ask("status").out


def test_help_loads_nothing_heavy() -> None:
    """The help of these commands loads neither what looks at pictures nor the policy itself."""
    heavy = {"numpy", "cv2", "playwright", "sqlalchemy", "rich.console", "steadyhand.policy", "steadyhand.healing"}
    code = "import atexit, sys; from steadyhand.cli import main; atexit.register(lambda: print(*sys.modules)); main()"
    for arguments in (["policy", "--help"], ["policy", "show", "--help"], ["status", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert heavy & set(done.stdout.splitlines()[-1].split()) == set(), arguments
