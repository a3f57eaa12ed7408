"""Auditing: runs that are written down, on a small application drawn in memory."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.till import Desk, paying, saving, typing

from steadyhand.auditing import Auditor, Robot, open_robot
from steadyhand.errors import StoreError
from steadyhand.evidence.audit_chain import log_files, verify
from steadyhand.evidence.audit_log import FOLDER
from steadyhand.files import GrowingFile
from steadyhand.model.outcome import Outcome
from steadyhand.model.parameters import SecretSource
from steadyhand.testing import Injection, Injector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.model.outcome import RunResult
    from steadyhand.model.workflow import Workflow

NAME = "Pay at the till"
PIN = "Tr0ub4dor&3"


class Office:
    """A till, a robot that works at it, and its audit log.

    Attributes:
        desk: The till, and what a run on it needs.
        robot: What is in the robot's folder.
        data: That folder.
    """

    def __init__(self, folder: Path, robot: Robot) -> None:
        self.desk = Desk(folder, manager=robot.manager)
        self.robot = robot
        self.data = folder / "data"

    def run(self, workflow: Workflow) -> RunResult:
        """Run a workflow, written down from begin to end."""
        secrets = SecretSource(workflow.secrets, {"PIN": PIN})
        with Auditor(self.robot.log, self.robot.manager, workflow, "A run", secrets.hide) as auditor:
            self.desk.witnesses = [auditor]
            secrets.require(workflow.secrets)
            result = self.desk.run(workflow)
            auditor.end(result)
        return result

    def records(self) -> list[dict[str, Any]]:
        """All that is in the log."""
        lines = [line for path in log_files(self.data / FOLDER) for line in path.read_bytes().splitlines()]
        return [json.loads(line) for line in lines]

    def kinds(self) -> list[str]:
        """What kinds of records are in the log, in order, each with its step."""
        return [" ".join(filter(None, [each["kind"], each.get("step")])) for each in self.records()]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A fresh one."""
    with open_robot(tmp_path / "data", tmp_path / "policy.json", Desk(tmp_path).till.clock) as robot:
        yield Office(tmp_path, robot)


def test_a_run_is_written_down_in_order(office: Office) -> None:
    """Its begin, what the policy says, and of each step the decision, the intent and the result; then its end."""
    office.run(office.desk.workflow(saving(office.desk), paying(office.desk)))
    assert office.kinds() == [
        *("run_started", "policy"),
        *("decision save", "intent save", "result save"),
        *("decision pay", "intent pay", "result pay"),
        "run_ended",
    ]
    records = office.records()
    assert {each.get("workflow", NAME) for each in records} == {NAME}
    assert {each["policy"] for each in records if each["kind"] == "decision"} == {records[1]["policy"]}
    assert (records[-1]["outcome"], records[6]["irreversible"]) == ("done", True)
    assert verify(office.data / FOLDER).is_sound


def test_5_1_each_decision_names_a_policy_that_the_log_knows(office: Office) -> None:
    """When the policy changes while a run goes on, the log says what both said, each before the decision by it."""

    def change(_: str) -> None:
        (office.desk.folder / "policy.json").write_text('{"found_from": 0.88, "lead_from": 0.4}', encoding="utf-8")

    office.desk.till.after_input = change
    office.run(office.desk.workflow(saving(office.desk), paying(office.desk)))
    policies = {each["policy"]: each for each in office.records() if each["kind"] == "policy"}
    decisions = [each for each in office.records() if each["kind"] == "decision"]
    assert decisions[0]["policy"] != decisions[1]["policy"]
    for decision in decisions:
        policy = policies[decision["policy"]]
        assert policy["number"] < decision["number"]
        assert policy["thresholds"]["found_from"] == decision["found_from"]


def test_an_intent_is_on_the_disk_before_the_input_is_sent(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last thing before an input is a sync of the log, in which the intent is the last record."""
    calls: list[str] = []
    sync = GrowingFile.sync

    def synced(file: GrowingFile) -> None:
        sync(file)
        calls.append(f"synced up to {office.kinds()[-1]}")

    monkeypatch.setattr(GrowingFile, "sync", synced)
    office.desk.till.before_input = calls.append
    office.run(office.desk.workflow(saving(office.desk), paying(office.desk)))
    clicks = [number for number, call in enumerate(calls) if call == "click"]
    assert [calls[number - 1] for number in clicks] == ["synced up to intent save", "synced up to intent pay"]


def test_an_approval_that_was_used_is_on_the_disk_before_the_input_is_sent(office: Office) -> None:
    """Who approved, which run used it and why it was needed stand in the log, before the intent."""
    desk, manager = office.desk, office.robot.manager
    desk.injector = Injector([Injection.parse("target_not_found@pay:3")])
    for _ in range(3):
        office.run(desk.workflow(paying(desk)))
    assert office.run(desk.workflow(paying(desk))).outcome is Outcome.REFUSED
    manager.approve(NAME, "pay", "Ann")
    assert office.run(desk.workflow(paying(desk))).outcome is Outcome.DONE
    last_run = office.records()[-8:]
    assert [each["kind"] for each in last_run] == [
        *("run_ended", "run_started", "approval", "approval_used", "decision", "intent", "result", "run_ended")
    ]
    assert (last_run[2]["approved_by"], last_run[3]["run"]) == ("Ann", "A run")
    degraded = next(each for each in office.records() if each["kind"] == "state")
    assert (degraded["state_before"], degraded["state"]) == ("NORMAL", "DEGRADED")
    assert degraded["reason"] == "3 failures of step pay in a row: 3 TARGET_NOT_FOUND."


def test_what_cannot_be_written_before_it_acts_does_not_act(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full when a step is about to act, no input is sent, and the journal has no doubt about it."""
    append = GrowingFile.append

    def full(file: GrowingFile, raw: bytes) -> None:
        if b'"kind":"intent"' in raw:
            raise OSError(28, "No space left on device")
        append(file, raw)

    monkeypatch.setattr(GrowingFile, "append", full)
    result = office.run(office.desk.workflow(saving(office.desk), paying(office.desk)))
    assert result.outcome is Outcome.REFUSED
    assert "No space left on device" in result.steps[0].reason
    assert (result.steps[0].acted, office.desk.till.inputs) == (False, [])
    assert [entry for entry in office.desk.entries() if "intent" in entry] == []
    assert office.kinds() == ["run_started", "policy", "decision save", "result save", "run_ended"]


def test_no_secret_is_written_down(office: Office) -> None:
    """A secret that a person wrote into an expectation, of all places, is struck out of the log."""
    desk = office.desk
    typed = typing(desk, text=None, secret="pin", expect=[{"text_appears": PIN}], timeout_s=4)  # noqa: S106  its name
    workflow = desk.workflow(typed, secrets={"pin": {"env": "PIN"}})
    assert office.run(workflow).outcome is Outcome.FAILED
    result = next(each for each in office.records() if each["kind"] == "result")
    assert result["trigger"] == "POSTCONDITION_FAILED"
    assert PIN not in json.dumps(office.records())


def test_a_run_that_ends_by_a_fault_is_told_as_broken_off(office: Office) -> None:
    """The log says by what, and the fault goes on."""
    desk = office.desk

    def crash(_: str) -> None:
        raise KeyboardInterrupt

    desk.till.before_input = crash
    with pytest.raises(KeyboardInterrupt):
        office.run(desk.workflow(saving(desk)))
    last = office.records()[-1]
    assert (last["kind"], last.get("outcome"), last["reason"]) == ("run_ended", None, "Somebody stopped the run.")


def test_1_8_what_a_killed_process_left_out_is_written_by_the_next_one(tmp_path: Path) -> None:
    """A state that changed without a record, because the process was killed in between, is in the log on opening."""
    clock = Desk(tmp_path).till.clock
    with open_robot(tmp_path / "data", tmp_path / "policy.json", clock) as robot:
        robot.manager.pause("pay", "Paused by Ann.")
    assert not log_files(tmp_path / "data" / FOLDER)[0].read_bytes()
    with open_robot(tmp_path / "data", tmp_path / "policy.json", clock):
        assert b"Paused by Ann." in log_files(tmp_path / "data" / FOLDER)[0].read_bytes()


def test_two_robots_on_one_folder_share_the_log(office: Office) -> None:
    """What one of them decides and does stands between the records of the other, and the chain holds."""
    with open_robot(office.data, office.desk.folder / "policy.json", office.desk.till.clock) as other:
        office.desk.till.after_input = lambda _: other.manager.pause("another", "Paused by Bob.")
        office.run(office.desk.workflow(saving(office.desk)))
        office.desk.till.after_input = lambda _: None
        theirs = Office(office.desk.folder, other)
        theirs.run(theirs.desk.workflow(saving(theirs.desk)))
    assert [kind for kind in office.kinds() if kind in ("state", "run_started", "run_ended")] == [
        *("run_started", "state", "run_ended", "run_started", "run_ended")
    ]
    assert verify(office.data / FOLDER).is_sound


def test_a_damaged_log_opens_no_robot(tmp_path: Path) -> None:
    """Where the end of the log is missing, that is an error before anything is done."""
    opened = partial(open_robot, tmp_path / "data", tmp_path / "policy.json", Desk(tmp_path).till.clock)
    with opened() as robot:
        robot.manager.pause("pay", "Paused by Ann.")
        robot.log.follow(robot.manager.history)
    (path,) = log_files(tmp_path / "data" / FOLDER)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(StoreError, match="damaged: records 2 to 2 were on the disk and are missing"), opened():
        pass
