"""The benchmark of healing does what it says, in small, and says whether the goals were met."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from steadyhand.bench import heal
from steadyhand.bench.lines import Line
from steadyhand.errors import ConfigError
from steadyhand.evidence.audit_chain import verify

THIS = Path(sys.executable)


def test_ours_shall_be_no_slower_than_pybreaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The goal is what pybreaker needed in the same run; the others are told as multiples of ours."""
    costs = {"steadyhand": 2.0, "pybreaker": 3.0, "circuitbreaker": 1.0}
    monkeypatch.setattr(heal, "_told", lambda *_: (costs, {}))
    (ours, slower, faster), _ = heal.beside_others(THIS)
    assert (ours.goal, ours.is_met, slower.goal, faster.goal) == (3.0, True, None, None)
    assert ("x1.50 of ours" in slower.what, "x0.50 of ours" in faster.what) == (True, True)


def test_an_interpreter_that_cannot_do_it_is_told(tmp_path: Path) -> None:
    """One that is not there, and one that ends with a fault, are bad input, with the reason."""
    with pytest.raises(ConfigError, match="nowhere cannot be started"):
        heal.beside_others(tmp_path / "nowhere")
    poor = tmp_path / "python"
    poor.write_text("#!/bin/sh\necho 'ModuleNotFoundError: pydantic' >&2; exit 1\n", encoding="utf-8")
    poor.chmod(0o755)
    with pytest.raises(ConfigError, match="cannot run what is measured: ModuleNotFoundError: pydantic"):
        heal.beside_others(poor)


def test_decisions_are_made_in_memory_and_on_the_disk(tmp_path: Path) -> None:
    """Good and failed steps have a line each; the storm goes on, and is in the audit log, which is sound."""
    good, failed = heal.decisions(tmp_path, count=32 * 6)
    assert (good.value > 0, failed.value > 0, good.goal, failed.goal) == (True, True, 60, 60)
    lines = heal.durable_decisions(tmp_path, count=8)
    assert [line.goal for line in lines] == [1000, 1000]
    for results, kinds in (("1", {"decision", "intent", "result"}), ("8", {"decision", "intent", "result", "state"})):
        assert verify(tmp_path / results / "audit").is_sound
        raw = b"".join(path.read_bytes() for path in (tmp_path / results / "audit").glob("*.jsonl"))
        kept = [json.loads(line)["kind"] for line in raw.splitlines()]
        assert kinds <= set(kept)
        assert kept.count("intent") == 32 * 8


def test_a_storm_and_a_status_are_measured_in_their_own_processes(tmp_path: Path) -> None:
    """The peak is more than an interpreter needs and less than this process has; a report is made twice."""
    (storm,) = heal.storm(tmp_path, workflows=3) or [Line("only Linux tells", 50, "MB", 300)]
    assert 10 < storm.value < 300
    first, following = heal.status(tmp_path, workflows=20)
    assert (first.value > 0, following.value > 0) == (True, True)


def test_the_log_that_is_opened_is_a_sound_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has as many records as were asked for, in several files, and one more after it was opened."""
    monkeypatch.setattr(heal, "_RECORDS_PER_FILE", 40)
    (line,) = heal.restart(tmp_path, records=100)
    found = verify(tmp_path)
    assert (found.problems, found.last.number, found.files) == ((), 101, 3)
    assert line.is_met


def test_everything_is_measured_in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All parts are run in order, and the progress is told before each."""
    told: list[tuple[int, int]] = []
    parts = ("decisions", "durable_decisions", "storm", "status", "restart")

    def part(name: str) -> object:
        def measure(folder: Path) -> list[Line]:
            assert (folder.name, folder.is_dir()) == (name, True)
            return [Line(name, len(told), "parts")]

        measure.__name__ = name
        return measure

    for name in parts:
        monkeypatch.setattr(heal, name, part(name))
    monkeypatch.setattr(heal, "beside_others", lambda _: ([Line("others", 0, "parts")], {"x": "not there"}))
    lines, missing = heal.run(THIS, tmp_path, lambda done, total: told.append((done, total)))
    assert [(line.what, line.value) for line in lines] == [("others", 0), *zip(parts, range(1, 6), strict=True)]
    assert told == [(number, 6) for number in range(1, 6)]
    assert missing == {"x": "not there"}
