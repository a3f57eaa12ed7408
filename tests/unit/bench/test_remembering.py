"""What remembering costs is measured on what is really there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steadyhand.bench import remembering
from steadyhand.memory.target_memory_store import TargetMemoryStore

if TYPE_CHECKING:
    from pathlib import Path


def test_each_cost_has_its_line(tmp_path: Path) -> None:
    """The medians have goals, the worst ones are told beside them, and all trials were counted."""
    told: list[tuple[int, int]] = []
    lines = remembering.run(tmp_path, lambda *now: told.append(now), looks=40, trials=60)
    assert [line.goal for line in lines] == [10, None, 5, None, 1, None]
    assert all(line.value > 0 for line in lines)
    assert all(worst.value >= middle.value for middle, worst in zip(lines[::2], lines[1::2], strict=True))
    assert told == [(0, 100), (40, 100)]
    store = TargetMemoryStore(tmp_path / "targets.db")
    assert len(store.targets()) == 60
    store.close()
