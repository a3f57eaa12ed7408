"""The journal: what a run has done so far, so that after a crash nothing is done twice.

Before each action an *intent* is written, after it a *result*, each synced to the disk before anything else happens.
A step with an intent but no good result is *in doubt*: its action may have happened. With the intent is kept what was
already so before the action, because only what came true afterwards can prove that it happened.

The file holds one JSON object a line: first ``{"begin": key}``, where the key stands for the workflow and its values,
then ``{"intent": step, "seen": ...}`` and ``{"result": step, "verdict": ...}``. Nothing that was typed is in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steadyhand.errors import ConfigError, RefusedError
from steadyhand.execution.effects import Seen
from steadyhand.files import append_record, content_hash, write_whole
from steadyhand.model.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from steadyhand.clock import Clock
    from steadyhand.model.workflow import Workflow

_GOOD = (Verdict.DONE, Verdict.UNVERIFIED)


class Journal:
    """The journal of one run. Make it with `begin` or `resume`.

    Args:
        path: The file.
        clock: Where the times in it come from.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._finished: set[str] = set()
        self._doubts: dict[str, tuple[Seen, ...]] = {}
        self._broken = ""

    @classmethod
    def begin(cls, path: Path, workflow: Workflow, values: Mapping[str, str], clock: Clock) -> Journal:
        """Start a new journal in place of the one that is there, if any.

        Raises:
            ConfigError: It cannot be written.
        """
        journal = cls(path, clock)
        record = {"begin": _key(workflow, values), "at": clock.now().isoformat()}
        try:
            write_whole(path, json.dumps(record) + "\n")
        except OSError as error:
            raise _unwritable(path, error) from error
        return journal

    @classmethod
    def resume(cls, path: Path, workflow: Workflow, values: Mapping[str, str], clock: Clock) -> Journal:
        """Go on with the journal of a run that was cut short. A torn last line is dropped: it was never acted upon.

        Raises:
            ConfigError: There is no journal, it is damaged, or it belongs to another workflow or to other values.
        """
        journal = cls(path, clock)
        try:
            raw = path.read_bytes()
            whole = raw[: raw.rfind(b"\n") + 1]
            if whole != raw:
                write_whole(path, whole)
        except FileNotFoundError:
            raise ConfigError(
                f"There is no journal {path} to resume from.", "Run the workflow from its start."
            ) from None
        except OSError as error:
            raise _unwritable(path, error) from error
        key = ""
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                key = key or entry["begin"]
                journal._take(entry)
            except (ValueError, TypeError, LookupError):
                raise ConfigError(
                    f"The journal {path} is damaged in line {number}, so nobody knows what was done.",
                    "Look on the screen what was done, then run the workflow from its start.",
                ) from None
        if key != _key(workflow, values):
            raise ConfigError(
                f"The journal {path} belongs to another workflow, or to a run with other values.",
                "Resume with the same workflow file and the same values, or run it from its start.",
            )
        return journal

    def is_finished(self, step_id: str) -> bool:
        """Whether a step was done, for all that is known."""
        return step_id in self._finished

    def doubt(self, step_id: str) -> tuple[Seen, ...] | None:
        """What was already so before a step's action, if that action may have happened; None if it surely did not."""
        return self._doubts.get(step_id)

    def intend(self, step_id: str, seen: Sequence[Seen]) -> None:
        """Say that a step is about to act.

        Args:
            step_id: Which step.
            seen: How each of its expectations stands before the action.

        Raises:
            RefusedError: It cannot be written down, now or an earlier time; the action must not happen.
        """
        self._write({"intent": step_id, "seen": [[entry.met, entry.state] for entry in seen]})
        if self._broken:
            raise RefusedError(
                f"The journal {self._path} cannot be written ({self._broken}), and without it a crash could make an "
                "action happen twice.",
                "Make room on the disk, then resume the run.",
            )
        self._doubts[step_id] = tuple(seen)

    def conclude(self, step_id: str, verdict: Verdict) -> None:
        """Say how a step ended. If that cannot be written, the next step that wants to act is refused."""
        self._write({"result": step_id, "verdict": verdict.value})
        self._note(step_id, verdict)

    def _write(self, record: Mapping[str, object]) -> None:
        """Add a line, unless an earlier one failed: what follows a torn line could not be read."""
        if self._broken:
            return
        try:
            append_record(self._path, json.dumps({**record, "at": self._clock.now().isoformat()}))
        except OSError as error:
            self._broken = error.strerror or str(error)

    def _take(self, entry: object) -> None:
        """Read a line back."""
        match entry:
            case {"intent": str(step_id), "seen": list(seen)}:
                self._doubts[step_id] = tuple(Seen(bool(met), state=str(state)) for met, state in seen)
            case {"result": str(step_id), "verdict": str(verdict)}:
                self._note(step_id, Verdict(verdict))
            case {"begin": _}:
                pass
            case _:
                raise ValueError("it is none of the three kinds of lines")

    def _note(self, step_id: str, verdict: Verdict) -> None:
        """Keep in mind how a step ended; one that failed after its intent stays in doubt."""
        if verdict in _GOOD:
            self._finished.add(step_id)
            self._doubts.pop(step_id, None)


def _key(workflow: Workflow, values: Mapping[str, str]) -> str:
    """What tells a workflow with its values from another one."""
    return content_hash(f"{workflow.model_dump_json()}{sorted(values.items())}".encode())


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The journal {path} cannot be written: {error.strerror}.", "Name a folder that you may write to."
    )
