"""What healing costs: deciding, keeping what was decided, looking at it, and starting again.

A *line* is one thing that was measured, with its goal. CPU is that of the thread that does it, since the time on the
wall says more about the neighbours on a shared machine; where the disk is part of the matter, it is the time on the
wall. What is said of a new process, of a peak of memory, or of other tools is measured in a process of its own.

A *decision* is all that belongs to one step: asking for it, telling what came of it; where there is an audit, the
records of the decision, of the intent and of the result, the intent on the disk before the step would act; and what
became of the state taken over.

The thresholds are such that a storm of failures goes on: nothing is quarantined, and all is never paused.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steadyhand.bench.breakers import OURS, PYBREAKER
from steadyhand.bench.lines import Line
from steadyhand.bench.memory import entry_kb
from steadyhand.clock import ManualClock, SystemClock, cpu_s
from steadyhand.errors import ConfigError
from steadyhand.evidence.audit_chain import HEAD, START, Head, Link, file_name
from steadyhand.evidence.audit_log import AuditLog
from steadyhand.evidence.audit_records import DecisionMade, Intended, StepEnded
from steadyhand.files import write_whole
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.healing.breaker_events import Signal
from steadyhand.healing.circuit_breaker import CircuitBreaker
from steadyhand.healing.state_store import SqliteStore
from steadyhand.model.outcome import StepResult, Trigger, Verdict
from steadyhand.policy import Policy
from steadyhand.policy_file import PolicyFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from steadyhand.clock import Clock

DECISION_GOAL_US = 60
RATE_GOAL = 1000
STORM_GOAL_MB = 300
STATUS_GOAL_MS = 200
RESTART_GOAL_S = 2

_ROBOTS = 32
"""How many workflows go on at the same time."""

_STORMY = {
    "global_failures": _ROBOTS + 1,
    "global_workflows": _ROBOTS + 1,
    "screen_faults": _ROBOTS + 1,
    "workflow_failures": 1000,
    "workflow_window_s": 1,
}
"""More workflows are asked for than there are, and more failures within a second than can be."""

_STEP_S = 10.0
"""How long a step takes where time is made up."""

GOOD = StepResult("approve", "click", Verdict.DONE)
FAILED = StepResult("approve", "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)

_PATTERNS = {
    # Three failures in a row make a workflow DEGRADED, five good steps NORMAL again.
    "good steps": (GOOD,),
    "3 of 8 fail": (FAILED,) * 3 + (GOOD,) * 5,
}

_RECORDS_PER_FILE = 40_000
_AUDITED = {
    "kind": "decision", "workflow": "pay", "step": "approve", "allowed": True, "state": "NORMAL", "found_from": 0.85,
    "lead_from": 0.35, "must_be_verified": False, "may_be_learned_from": True, "policy": "f0117b235f19469b",
    "generation": 0, "global_generation": 0,
}  # fmt: skip
"""What a record says beside when, and in which run."""


def run(
    python: Path, folder: Path, progress: Callable[[int, int], None] = lambda *_: None
) -> tuple[list[Line], dict[str, str]]:
    """Measure everything.

    Args:
        python: An interpreter that has the other tools.
        folder: Where files go; 500 MB are needed.
        progress: Told how many of how many parts are done.

    Returns:
        What was measured, and why other tools did not take part.

    Raises:
        ConfigError: The interpreter cannot be used.
    """
    lines, missing = beside_others(python)
    parts: Sequence[Callable[[Path], list[Line]]] = (decisions, durable_decisions, storm, status, restart)
    for number, part in enumerate(parts, 1):
        progress(number, len(parts) + 1)
        (folder / part.__name__).mkdir()
        lines += part(folder / part.__name__)
    return lines, missing


# ---------------------------------------------------------------------------------------------------- beside others


def beside_others(python: Path) -> tuple[list[Line], dict[str, str]]:
    """What it costs to count a failure, for each tool that an interpreter has; and why others are missing.

    Raises:
        ConfigError: The interpreter cannot be used.
    """
    costs, missing = _told(python, "breakers", "tell()")
    lines = []
    for name, cost_us in costs.items():
        goal = costs.get(PYBREAKER) if name == OURS else None
        ratio = "" if name == OURS else f", x{cost_us / costs[OURS]:.2f} of ours"
        lines.append(Line(f"a failure counted and checked by {name}{ratio}", cost_us, "us of CPU", goal))
    return lines, missing


def _told(python: Path, module: str, call: str) -> Any:  # noqa: ANN401  whatever that call writes
    """What a call in a module of this package writes, in a process of its own.

    Raises:
        ConfigError: The interpreter cannot be used.
    """
    root = str(Path(__file__).parents[2])
    order = f"import sys; sys.path.append({root!r}); from steadyhand.bench.{module} import *; {call}"
    try:
        done = subprocess.run([python, "-c", order], capture_output=True, text=True, check=True)  # noqa: S603  this package, started by itself
    except OSError as error:
        raise ConfigError(
            f"The interpreter {python} cannot be started: {error.strerror}.",
            "requirements-peers.txt says how to make one that has the other tools.",
        ) from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [""])[-1]
        raise ConfigError(
            f"{python} cannot run what is measured: {reason}",
            "It must be Python 3.11 or later with pydantic; requirements-peers.txt says how to make one.",
        ) from None
    return json.loads(done.stdout)


# -------------------------------------------------------------------------------------------------------- deciding


def decisions(folder: Path, count: int = 4000) -> list[Line]:
    """What a decision costs in memory: a good step, and one that fails."""
    good = _costs_us(folder, (GOOD,), count)[Verdict.DONE]
    failed = _costs_us(folder, (FAILED, FAILED, GOOD), count)[Verdict.FAILED]
    return [
        Line("a decision in memory, good step", good, "us of CPU", DECISION_GOAL_US),
        Line("a decision in memory, failed step", failed, "us of CPU", DECISION_GOAL_US),
    ]


def _costs_us(folder: Path, results: Sequence[StepResult], count: int) -> dict[Verdict, float]:
    """The medians of what decisions cost, by what comes of the steps.

    Args:
        folder: Where the policy goes.
        results: What comes of the steps of each workflow, over and over.
        count: How many decisions.
    """
    clock = ManualClock()
    manager = AutoHealManager(SqliteStore(), _stormy(folder), clock)
    costs_s: dict[Verdict, list[float]] = {result.verdict: [] for result in results}
    for number in range(count):
        result = results[number // _ROBOTS % len(results)]
        began_s = cpu_s()
        decision = manager.should_execute_step(_robot(number % _ROBOTS), "approve", "a run")
        manager.on_step_result(decision, result)
        costs_s[result.verdict].append(cpu_s() - began_s)
        clock.sleep(_STEP_S)
    manager.close()
    return {verdict: statistics.median(each) * 1e6 for verdict, each in costs_s.items()}


def durable_decisions(folder: Path, count: int = 150) -> list[Line]:
    """How many decisions a second are kept and audited on the disk, by many robots in one process."""
    return [
        Line(
            f"decisions on the disk, audited, {_ROBOTS} at once, {name}", rate, "a second", RATE_GOAL, is_at_least=True
        )
        for name, results in _PATTERNS.items()
        for rate in [_rate(folder / str(len(results)), results, count)]
    ]


def _rate(folder: Path, results: Sequence[StepResult], count: int) -> float:
    """Decisions a second.

    Args:
        folder: Where all that is kept goes.
        results: What comes of the steps of each workflow, over and over.
        count: How many decisions each robot makes.
    """
    clock = SystemClock()
    manager = AutoHealManager(SqliteStore(folder / "state.db"), _stormy(folder), clock)
    with AuditLog(folder / "audit", clock) as log, ThreadPoolExecutor(_ROBOTS) as robots:

        def work(robot: int) -> None:
            for number in range(count):
                _decide(manager, log, _robot(robot), results[(robot + number) % len(results)])

        began_s = clock.monotonic_s()
        for _ in robots.map(work, range(_ROBOTS)):
            pass
        wall_s = clock.monotonic_s() - began_s
    manager.close()
    return _ROBOTS * count / wall_s


def _decide(manager: AutoHealManager, log: AuditLog, workflow: str, result: StepResult) -> None:
    """Make one decision, with all that is kept of it."""
    decision = manager.should_execute_step(workflow, result.step_id, "a run")
    log.append(DecisionMade.of(asdict(decision)))
    log.append(Intended(workflow=workflow, step=result.step_id, run="a run", action=result.action), durable=True)
    happened = manager.on_step_result(decision, result)
    log.append(StepEnded.of(result, workflow, "a run"))
    if happened:
        log.follow(manager.history)


def _stormy(folder: Path) -> PolicyFile:
    """A policy under which a storm goes on."""
    write_whole(folder / "policy.json", json.dumps(_STORMY))
    return PolicyFile(folder / "policy.json", folder / "last_good_policy.json")


def _robot(number: int) -> str:
    return f"workflow-{number:05}"


# ---------------------------------------------------------------------------------------------------------- memory


def storm(folder: Path, workflows: int = 10_000) -> list[Line]:
    """The peak memory of a process in which all of 50 steps of many workflows fail; nothing on systems but Linux."""
    if not Path("/proc/self/status").is_file():
        return []
    peak_mb = _told(Path(sys.executable), "heal", f"tell_storm({str(folder)!r}, {workflows})")
    return [Line(f"peak memory, 50 failures of each of {workflows:,} workflows", peak_mb, "MB", STORM_GOAL_MB)]


def tell_storm(folder: str, workflows: int) -> None:
    """Let a storm pass, with all that is kept in memory, and write the peak memory of this process in MB."""
    write_whole(Path(folder) / "policy.json", '{"breaker": "disabled"}')  # it counts everything and stops nothing
    policy = PolicyFile(Path(folder) / "policy.json", Path(folder) / "last_good_policy.json")
    manager = AutoHealManager(SqliteStore(), policy, SystemClock())
    for number in range(workflows):
        decision = manager.should_execute_step(_robot(number), "step-00", "a run")
        for step in range(50):
            manager.on_step_result(
                decision, StepResult(f"step-{step:02}", "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)
            )
    json.dump(entry_kb("self", "status", "VmHWM") * 1024 / 1e6, sys.stdout)


# ---------------------------------------------------------------------------------------------------------- looking


def status(folder: Path, workflows: int = 10_000) -> list[Line]:
    """What the status report of many workflows costs: the first one of a new process, and the next one."""
    now_s = SystemClock().now().timestamp()
    store = SqliteStore(folder / "state.db")
    with store.change() as records:
        for number in range(workflows):
            breaker = CircuitBreaker(_robot(number))
            for failure in range(number % 10):
                signal = Signal(breaker.workflow, f"step-{failure % 3}", Trigger.TARGET_NOT_FOUND)
                breaker.record(signal, breaker.info.generation, Policy(), now_s)
            records.put("breaker", breaker.workflow, breaker.to_json())
    store.close()
    first_ms, next_ms = _told(Path(sys.executable), "heal", f"tell_status({str(folder)!r})")
    return [
        Line(
            f"status report of {workflows:,} workflows, the first of a process", first_ms, "ms of CPU", STATUS_GOAL_MS
        ),
        Line(f"status report of {workflows:,} workflows, the next one", next_ms, "ms of CPU", STATUS_GOAL_MS),
    ]


def tell_status(folder: str) -> None:
    """Report the status twice, and write how many milliseconds of CPU that took each time."""
    manager = AutoHealManager.open(Path(folder), Path(folder) / "none.json", SystemClock())
    costs_ms = []
    for _ in range(2):
        began_s = cpu_s()
        report = manager.get_status_report()
        costs_ms.append((cpu_s() - began_s) * 1000)
        assert report.workflows, "there are some"
    json.dump(costs_ms, sys.stdout)


# ------------------------------------------------------------------------------------------------- starting again


def restart(folder: Path, records: int = 1_000_000) -> list[Line]:
    """How long it takes to open a long audit log and to bring one more record to the disk."""
    clock = SystemClock()
    _write_log(folder, records, clock)
    began_s = clock.monotonic_s()
    with AuditLog(folder, clock) as log:
        log.append(Intended(workflow="pay", step="approve", run="a run", action="click"), durable=True)
        wall_s = clock.monotonic_s() - began_s
    return [Line(f"restart with {records:,} audit records", wall_s, "s", RESTART_GOAL_S)]


def _write_log(folder: Path, count: int, clock: Clock) -> None:
    """Write an audit log, faster than by appending to it."""
    lines, first, last = _lines(count, clock), START, START
    while chunk := list(islice(lines, _RECORDS_PER_FILE)):
        first, last = last, chunk[-1][0]
        write_whole(folder / file_name(first.number + 1), b"".join(line + b"\n" for _, line in chunk))
    write_whole(folder / HEAD, Head(first.number + 1, last).to_bytes())


def _lines(count: int, clock: Clock) -> Iterator[tuple[Link, bytes]]:
    """The lines of so many decisions, a second apart, the last one now."""
    link, began_at = START, clock.now() - timedelta(seconds=count)
    for number in range(count):
        written_at = began_at + timedelta(seconds=number)
        said = _AUDITED | {"written_at": written_at.isoformat(timespec="milliseconds"), "run": f"runs/{number // 50}"}
        line = link.next_line(said)
        link = Link.of(number + 1, line)
        yield link, line


# ---------------------------------------------------------------------------------------------------------- telling
