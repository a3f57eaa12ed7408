"""A robot that dies in the middle of a rollback: it is in ROLLBACK, and started again it finishes that."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.healing.execution_state import ExecutionState

if TYPE_CHECKING:
    from pathlib import Path

CRASHING = """
import os, signal, sys
from pathlib import Path
from steadyhand.clock import SystemClock
from steadyhand.files import write_whole
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.model.outcome import StepResult, Trigger, Verdict

folder, moment = Path(sys.argv[1]), int(sys.argv[2])

def reach():
    global moment
    moment -= 1
    if moment == 0:
        os.kill(os.getpid(), signal.SIGKILL)

class Memory:
    def version(self, workflow):
        return 0 if (folder / "rolled back").exists() else 1
    def forbid(self, workflow, version):
        reach()
        write_whole(folder / "forbidden", b"1")
        reach()
    def roll_back(self, workflow, version, why):
        assert (folder / "forbidden").exists() and version == 1
        reach()
        write_whole(folder / "rolled back", b"1")
        reach()
        return 0

manager = AutoHealManager.open(folder / "data", folder / "policy.json", SystemClock(), Memory())
if not manager.history():
    for number in range(12):
        run, trigger = f"run {number}", Trigger.TARGET_NOT_FOUND if number >= 8 else None
        decision = manager.should_execute_step("pay", "save", run)
        verdict = Verdict.FAILED if trigger else Verdict.DONE
        result = StepResult("save", "click", verdict, trigger=trigger, learned_version=int(number >= 8))
        manager.on_step_result(decision, result)
        if number == 11:
            changing = manager.learning._changing
            manager.learning._changing = lambda: reach() or changing()
        manager.finish_run("pay", run, is_complete=trigger is None)
decision = manager.should_execute_step("pay", "save", "after")
print(decision.allowed, decision.state, manager.learning._memory.version("pay"))
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("moment", range(1, 8))
def test_1_8_a_robot_that_is_killed_while_it_rolls_back_finishes_it(moment: int, tmp_path: Path) -> None:
    """Killed before, between or after any of its parts, it is in ROLLBACK; started again, it finishes that."""
    first = subprocess.run(
        [sys.executable, "-c", CRASHING, str(tmp_path), str(moment)], capture_output=True, text=True, check=False
    )
    if moment < 7:
        assert (first.returncode, first.stdout) == (-9, "")
        looking = AutoHealManager.open(tmp_path / "data", tmp_path / "policy.json", ManualClock())
        assert looking.get_state("pay").state is ExecutionState.ROLLBACK
        assert not looking.should_execute_step("pay", "save", "A").allowed
        looking.close()
    second = subprocess.run(
        [sys.executable, "-c", CRASHING, str(tmp_path), "0"], capture_output=True, text=True, check=False
    )
    assert second.stdout == "True DEGRADED 0\n", second.stderr
    assert (tmp_path / "forbidden").exists()
