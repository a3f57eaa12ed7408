"""Requirements 5.1 and 5.4: killed at any instant, the audit log has what it said it has.

First with real processes that are killed at each call of the operating system that writes. Then in thought: a recorder
notes after each such call what is on the disk for sure, and what may be; every state that a power failure could leave
then is made and opened.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steadyhand.clock import ManualClock
from steadyhand.evidence.audit_chain import HEAD, log_files, verify
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRITES = ("open", "write", "fsync", "ftruncate", "unlink")
"""Every call through which the log changes the disk."""

LIMITS = Limits(file_bytes=700, kept_bytes=1500)
COUNT = 14


def steps_in(folder: Path) -> list[int]:
    """The steps of all intents in a log, in order."""
    read = [json.loads(line) for path in log_files(folder) for line in path.read_bytes().splitlines()]
    return [int(each["step"]) for each in read if each["kind"] == "intent"]


def check(folder: Path, acknowledged: list[int]) -> None:
    """Whoever opens the log next finds it sound, with all that was acknowledged and not pruned since."""
    found = verify(folder) if log_files(folder) else None
    assert not found or found.problems == ()
    with AuditLog(folder, ManualClock(), LIMITS) as log:
        log.append(Intended(step="999", action="click"), durable=True)
    found = verify(folder)
    assert found.problems == ()
    assert found.torn_bytes == 0
    steps = steps_in(folder)
    assert steps[-1] == 999
    assert steps[:-1] == sorted(set(steps[:-1]))
    assert [step for step in acknowledged if step >= steps[0]] == [step for step in steps if step in set(acknowledged)]


# -------------------------------------------------------------------------------------------------- killed processes

DYING = """
import os
import signal
import sys
from pathlib import Path

from steadyhand.clock import ManualClock
from steadyhand.evidence.audit_log import AuditLog, Limits
from steadyhand.evidence.audit_records import Intended

writes, limits, count, parent = eval(sys.argv[1])


def work(folder, left, tear):
    real = {name: getattr(os, name) for name in writes}

    def dying(name):
        def call(*arguments, **named):
            nonlocal left
            left -= 1
            if left == 0:
                if name == "write" and tear and arguments[1][:7] != b'{"file"':  # a head is written in one piece
                    real["write"](arguments[0], bytes(arguments[1])[:tear])
                os.kill(os.getpid(), signal.SIGKILL)
            return real[name](*arguments, **named)
        return call

    said = real["open"](f"{folder}.said", os.O_WRONLY | os.O_CREAT)
    for name in writes:
        setattr(os, name, dying(name))
    with AuditLog(folder, ManualClock(), Limits(*limits)) as log:
        for number in range(count):
            log.append(Intended(step=str(number), action="click"), durable=number % 3 == 0)
            if number % 3 == 0:
                real["write"](said, f"{number}\\n".encode())


for tear in (0, 1, 40):
    for left in range(1, 1000):
        folder = Path(parent) / f"{tear}-{left:04}"
        child = os.fork()
        if child == 0:
            work(folder, left, tear)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break
    else:
        raise AssertionError("it never ends")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_process_that_is_killed_leaves_what_it_said(tmp_path: Path) -> None:
    """Killed at any call that writes, or within a write, it leaves a sound log with all that it acknowledged."""
    limits = (LIMITS.file_bytes, LIMITS.file_s, LIMITS.kept_bytes, LIMITS.kept_s)
    subprocess.run([sys.executable, "-c", DYING, repr((WRITES, limits, COUNT, str(tmp_path)))], check=True)
    said = sorted(tmp_path.glob("*.said"))
    assert len(said) > 80
    pruned = 0
    for file in said:
        folder = file.with_suffix("")
        acknowledged = [int(line) for line in file.read_text().split()]
        folder.mkdir(exist_ok=True)
        check(folder, acknowledged)
        pruned += verify(folder).pruned > 0
    assert acknowledged == list(range(0, COUNT, 3)), "the last one was not killed"
    assert pruned > 10


# ------------------------------------------------------------------------------------------------------ lost writes


@dataclass
class Disk:
    """A recorder of what is on a disk for sure, and of what else may be.

    Attributes:
        folder: The folder that is watched.
        acknowledged: What was said to be kept so far.
        states: Every state that a power failure could leave, each with what was acknowledged by then.
        stages: For each file that is there, what it may contain after a power failure: what was synced last, and
            whatever it became since then. None: it may not be there at all.
    """

    folder: Path
    acknowledged: list[int] = field(default_factory=list)
    states: dict[tuple[tuple[str, bytes | None], ...], list[int]] = field(default_factory=dict)
    stages: dict[str, list[bytes | None]] = field(default_factory=dict)

    def look(self, synced: Path | None = None) -> None:
        """Take note of what a call has changed.

        Args:
            synced: The file or the folder that it has synced.
        """
        there = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        for name, raw in there.items():
            stages = self.stages.setdefault(name, [None])
            if stages[-1] != raw:
                stages.append(raw)
            if synced == self.folder / name:
                self.stages[name] = [None, raw] if stages[0] is None else [raw]
            if synced == self.folder and stages[0] is None:
                # Now its name is there, but not yet what is in it.
                self.stages[name] = [b"", *stages[1:]] if len(stages) > 2 else stages[1:]
        for name in self.stages.keys() - there.keys():
            if synced == self.folder:
                del self.stages[name]
            elif self.stages[name][-1] is not None:
                self.stages[name].append(None)
        self.remember()

    def remember(self) -> None:
        """Note every state in which the disk may be now."""
        names = sorted(self.stages)
        choices = [[*self.stages[name], *self.torn(name)] for name in names]
        for contents in itertools.product(*choices):
            state = tuple(zip(names, contents, strict=True))
            self.states[state] = list(self.acknowledged)

    def torn(self, name: str) -> Iterator[bytes]:
        """What is between the stages of a file that grows: a part of what was added."""
        if name != HEAD:
            for less, more in itertools.pairwise(self.stages[name]):
                if more is not None and len(more) > len(less or b""):
                    yield more[: (len(less or b"") + len(more)) // 2]


def watch(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a recorder look at the disk after each call that writes."""

    def watched(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            result = real(*arguments, **named)
            inside = name != "open" or Path(arguments[0]).parent == disk.folder
            if inside and disk.folder.exists():
                is_sync = name == "fsync"
                disk.look(Path(f"/proc/self/fd/{arguments[0]}").readlink() if is_sync else None)
            return result

        return call

    for name in WRITES:
        monkeypatch.setattr(os, name, watched(name))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only there it is known which file is synced")
def test_whatever_a_power_failure_loses_was_not_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any mixture of older and newer states of the files, as far as they were not synced, is a sound log."""
    disk = Disk(tmp_path / "audit")
    with monkeypatch.context() as patch:
        watch(disk, patch)
        # At last several files are removed at once.
        for begin, limits in ((0, LIMITS), (COUNT, Limits(file_bytes=700, kept_bytes=0))):
            with AuditLog(disk.folder, ManualClock(), limits) as log:
                for number in range(begin, begin + COUNT):
                    durable = number % 3 == 0
                    log.append(Intended(step=str(number), action="click"), durable=durable)
                    if durable:
                        disk.acknowledged.append(number)
                        disk.remember()
    assert len(disk.states) > 100
    for state, acknowledged in disk.states.items():
        with tempfile.TemporaryDirectory() as name:
            for file, raw in state:
                if raw is not None:
                    (Path(name) / file).write_bytes(raw)
            check(Path(name), acknowledged)
