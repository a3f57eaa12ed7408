"""A session: a run with its screen and its report."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from steadyhand import session
from steadyhand.auditing import Auditor, open_robot
from steadyhand.clock import ManualClock
from steadyhand.errors import ConfigError, DriverUnavailableError, StoreError
from steadyhand.evidence.audit_chain import log_files
from steadyhand.evidence.audit_log import FOLDER, AuditLog
from steadyhand.files import GrowingFile
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.healing.breaker_events import Measure
from steadyhand.healing.execution_state import Event
from steadyhand.model.outcome import Outcome, StepResult, Trigger, Verdict
from steadyhand.model.workflow import KeysStep, SimulatedScreen, Workflow
from steadyhand.policy import Policy
from steadyhand.session import run_once
from steadyhand.testing import Injection, Injector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.healing.auto_heal_manager import Decision
    from steadyhand.model.outcome import RunResult
    from steadyhand.model.workflow import Step
    from steadyhand.screen.driver import ScreenDriver

WORKFLOW = Workflow(
    steadyhand=1,
    name="Two keys",
    screen=SimulatedScreen(kind="simulated"),
    steps=(KeysStep(id="first", action="keys", keys="Tab"), KeysStep(id="second", action="keys", keys="Tab")),
)


class CrashError(BaseException):
    """The process is gone."""


class Witness:
    """Sees a step end, and the process with it."""

    def step(self, result: StepResult, **_: object) -> None:
        """See it."""
        if result.step_id == "first":
            raise CrashError


def test_a_resumed_run_reports_what_was_done_before_it(tmp_path: Path) -> None:
    """After a crash behind the first step the report of the resumed run still shows that step, with its screens."""
    clock = ManualClock()
    with pytest.raises(CrashError):
        run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=clock, observers=[Witness()])
    result, page = run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=clock, resume=True)
    assert result.outcome is Outcome.DONE
    first, second = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["steps"]
    assert (first["verdict"], first["before_restart"]) == ("unverified", True)
    assert (second["verdict"], second["before_restart"]) == ("unverified", False)
    assert (tmp_path / "report" / first["looks"]["before"]["file"]).is_file()
    assert (tmp_path / "report" / first["looks"]["after"]["file"]).is_file()
    assert "unverified, before the restart" in page.read_text(encoding="utf-8")


def test_a_run_that_is_not_resumed_tells_nothing_of_the_one_before(tmp_path: Path) -> None:
    """A new run into the same folder replaces the report."""
    for _ in range(2):
        run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=ManualClock())
    steps = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["steps"]
    assert [step["before_restart"] for step in steps] == [False, False]


# ---------------------------------------------------------------------------------------------------- supervised


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[AutoHealManager]:
    """Who supervises."""
    manager = AutoHealManager.open(tmp_path / "data", tmp_path / "policy.json", ManualClock())
    yield manager
    manager.close()


def no_screen(*_: object, **__: object) -> ScreenDriver:
    """Be unable to open a screen."""
    raise DriverUnavailableError("There is no browser.")


def quarantine(manager: AutoHealManager) -> None:
    """Let ten steps of the workflow fail."""
    failed = StepResult("first", "keys", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)
    for _ in range(10):
        manager.on_step_result(manager.should_execute_step(WORKFLOW.name, "first", "a run"), failed)


def test_a_run_that_may_not_begin_opens_no_screen(
    manager: AutoHealManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with a report that says why; every step is in it, and none has touched anything."""
    quarantine(manager)
    monkeypatch.setattr(session, "open_screen", no_screen)
    told: list[str] = []

    class Teller:
        def step(self, result: StepResult, **_: object) -> None:
            told.append(f"{result.step_id} {result.verdict.value} {result.reason}")

    result, page = run_once(
        WORKFLOW, tmp_path, {}, tmp_path / "report", clock=ManualClock(), manager=manager, observers=[Teller()]
    )
    assert result.outcome is Outcome.REFUSED
    reason = "It is QUARANTINED. 10 failures within 600 s: 10 TARGET_NOT_FOUND. It may be asked again in 900 s."
    assert told == [
        f"first failed {reason}",
        "second skipped An earlier step ended the run.",
    ]
    assert [step.acted for step in result.steps] == [False, False]
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["run"]["outcome"] == "refused"
    assert report["run"]["course"] == {"before": "QUARANTINED", "after": "QUARANTINED", "events": []}
    ruling = report["steps"][0]["ruling"]
    assert (ruling["allowed"], ruling["state"], ruling["retry_after_s"]) == (False, "QUARANTINED", 900)
    assert "It may be asked again in 900 s." in page.read_text(encoding="utf-8")
    assert "QUARANTINED" in page.read_text(encoding="utf-8")


def test_what_was_refused_can_be_resumed(manager: AutoHealManager, tmp_path: Path) -> None:
    """A refused run loses nothing: what was done stays in its report, and later the run goes on from there."""
    clock, report = ManualClock(), tmp_path / "report"
    with pytest.raises(CrashError):
        run_once(WORKFLOW, tmp_path, {}, report, clock=clock, observers=[Witness()], manager=manager)
    manager.pause(WORKFLOW.name, "Paused by Ann.")
    result, _ = run_once(WORKFLOW, tmp_path, {}, report, clock=clock, resume=True, manager=manager)
    assert [step.verdict.value for step in result.steps] == ["skipped", "failed"]
    assert result.steps[1].reason == "It is PAUSED. Paused by Ann."
    manager.resume(WORKFLOW.name, "Resumed by Ann.")
    result, _ = run_once(WORKFLOW, tmp_path, {}, report, clock=clock, resume=True, manager=manager)
    assert result.outcome is Outcome.DONE
    first, _ = json.loads((report / "report.json").read_text(encoding="utf-8"))["steps"]
    assert (first["verdict"], first["before_restart"]) == ("unverified", True)


def test_a_refused_run_leaves_no_older_journal(manager: AutoHealManager, tmp_path: Path) -> None:
    """Its report replaces the one before, and so does its journal: resumed, it begins at its first step."""
    clock, report = ManualClock(), tmp_path / "report"
    run_once(WORKFLOW, tmp_path, {}, report, clock=clock, manager=manager)
    manager.pause(WORKFLOW.name, "Paused by Ann.")
    run_once(WORKFLOW, tmp_path, {}, report, clock=clock, manager=manager)
    manager.resume(WORKFLOW.name, "Resumed by Ann.")
    result, _ = run_once(WORKFLOW, tmp_path, {}, report, clock=clock, resume=True, manager=manager)
    assert [step.verdict.value for step in result.steps] == ["unverified", "unverified"]


def test_a_screen_that_cannot_be_opened_ends_a_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to wait for a probe whose run never began."""
    clock = ManualClock()
    with closing(AutoHealManager.open(tmp_path / "data", tmp_path / "policy.json", clock)) as manager:
        quarantine(manager)
        clock.sleep(900)
        monkeypatch.setattr(session, "open_screen", no_screen)
        with pytest.raises(DriverUnavailableError):
            run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=clock, manager=manager)
        assert manager.get_state(WORKFLOW.name).event is Event.PROBE_BROKEN_OFF
        assert not (tmp_path / "report").exists()


def test_9_6_a_screen_that_cannot_be_opened_is_a_lost_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts over all workflows and not against this one, and the log says at which step and why the run ended."""
    clock = ManualClock()
    monkeypatch.setattr(session, "open_screen", no_screen)
    with open_robot(tmp_path / "data", tmp_path / "policy.json", clock) as robot:
        for _ in range(12):
            with pytest.raises(DriverUnavailableError):
                run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=clock, manager=robot.manager, log=robot.log)
        assert robot.manager.get_state(WORKFLOW.name).state == "NORMAL"
        counts = {each.measure: each.count for each in robot.manager.get_status_report().overall.readings}
        assert counts == {Measure.FAILURES: 0, Measure.SCREEN_FAULTS: Policy().screen_faults}
    *_, lost, ended = records(tmp_path)
    assert (lost["kind"], lost["step"], lost["trigger"]) == ("result", "first", "SCREEN_LOST")
    assert (ended["kind"], ended["reason"]) == ("run_ended", "There is no browser.")


def records(folder: Path) -> list[Any]:
    """What is in the audit log."""
    lines = [line for path in log_files(folder / "data" / FOLDER) for line in path.read_bytes().splitlines()]
    return [json.loads(line) for line in lines]


class Presser:
    """Presses Ctrl-C when it is told of a decision."""

    def decided(self, decision: Decision) -> None:
        """Press it."""
        if decision.step == "second":
            os.kill(os.getpid(), signal.SIGINT)

    def intends(self, decision: Decision, step: Step) -> None:
        """Let it be."""

    def ended(self, decision: Decision, result: StepResult) -> None:
        """Let it be."""


@pytest.mark.skipif(os.name == "nt", reason="nobody can press Ctrl-C there by a program")
def test_ctrl_c_is_no_lost_screen(tmp_path: Path) -> None:
    """Who stops a run is nobody's fault: the step has no trigger, nothing is counted, and the log says so."""
    with open_robot(tmp_path / "data", tmp_path / "policy.json", ManualClock()) as robot:
        with pytest.raises(KeyboardInterrupt):
            run_once(
                WORKFLOW, tmp_path, {}, tmp_path / "report",
                clock=ManualClock(), manager=robot.manager, log=robot.log, witnesses=[Presser()],
            )  # fmt: skip
        report = robot.manager.get_status_report()
    assert {each.count for each in report.overall.readings} == {0}
    assert report.workflows == ()
    kinds = [f"{each['kind']} {each.get('step', '')}".strip() for each in records(tmp_path)]
    assert kinds[-3:] == ["decision second", "result second", "run_ended"]
    stopped, ended = records(tmp_path)[-2:]
    assert (stopped["verdict"], stopped.get("trigger")) == ("failed", None)
    assert stopped["reason"].startswith("Somebody stopped the run.")
    assert ended["outcome"] == "failed"


def test_a_log_that_cannot_be_written_opens_no_screen(
    manager: AutoHealManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error before anything else is done; nothing of a report is left."""
    monkeypatch.setattr(session, "open_screen", no_screen)
    with AuditLog(tmp_path / "data" / FOLDER, ManualClock()) as log, monkeypatch.context() as patch:
        patch.setattr(GrowingFile, "append", full)
        with pytest.raises(StoreError, match="No space left on device"):
            run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=ManualClock(), manager=manager, log=log)
    assert not (tmp_path / "report").exists()


def full(*_: object) -> None:
    """Have no room."""
    raise OSError(28, "No space left on device")


def test_a_run_whose_end_cannot_be_written_is_done_all_the_same(
    manager: AutoHealManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its report says what could not be kept; the next run is refused at its first step if that is still so."""
    with AuditLog(tmp_path / "data" / FOLDER, ManualClock()) as log, monkeypatch.context() as patch:
        patch.setattr(AuditLog, "follow", lambda *_: 0)
        end = Auditor.end

        def fill(auditor: Auditor, result: RunResult) -> None:
            patch.setattr(GrowingFile, "append", full)
            end(auditor, result)

        patch.setattr(Auditor, "end", fill)
        result, page = run_once(
            WORKFLOW, tmp_path, {}, tmp_path / "report", clock=ManualClock(), manager=manager, log=log
        )
    assert result.outcome is Outcome.DONE
    assert result.course is not None
    assert "No space left on device" in result.course.events[0]
    assert "No space left on device" in page.read_text(encoding="utf-8")


def test_a_finished_run_asks_for_nothing(manager: AutoHealManager, tmp_path: Path) -> None:
    """Where no step is left there is nothing to refuse."""
    clock, report = ManualClock(), tmp_path / "report"
    run_once(WORKFLOW, tmp_path, {}, report, clock=clock, manager=manager)
    manager.pause(WORKFLOW.name, "Paused by Ann.")
    result, _ = run_once(WORKFLOW, tmp_path, {}, report, clock=clock, resume=True, manager=manager)
    assert result.outcome is Outcome.DONE


def test_what_was_injected_stands_in_the_report(manager: AutoHealManager, tmp_path: Path) -> None:
    """Nobody takes a test for the real thing."""
    injector = Injector([Injection(Trigger.SCREEN_LOST, "second")])
    result, page = run_once(
        WORKFLOW, tmp_path, {}, tmp_path / "report", clock=ManualClock(), manager=manager, injector=injector
    )
    assert result.outcome is Outcome.FAILED
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["run"]["injected"] == ["SCREEN_LOST at step second"]
    assert "these failures were made to happen: SCREEN_LOST at step second." in page.read_text(encoding="utf-8")


def test_an_injection_into_a_step_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    """Nothing is opened or written."""
    injector = Injector([Injection(Trigger.SCREEN_LOST, "third")])
    with pytest.raises(ConfigError, match="step is third; allowed: first, second"):
        run_once(WORKFLOW, tmp_path, {}, tmp_path / "report", clock=ManualClock(), injector=injector)
    assert list(tmp_path.iterdir()) == []
