"""What the benchmark of versions says follows from what was measured."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from steadyhand.bench import versions
from steadyhand.bench.versions import COPY, GIT, OURS, Sample, Size
from steadyhand.clock import SystemClock
from steadyhand.memory.versioned_store import VersionedStore

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Size(prototypes=5, prototype_bytes=100, big_bytes=200 << 12)


def test_figures_are_medians() -> None:
    """Of each way, over its rounds."""
    given = [Sample(OURS, ms, ms * 10, ms * 2, ms / 2) for ms in (1, 30, 3)] + [Sample(GIT, 8, 7, 6, 0)]
    assert versions.figures(given) == [(OURS, 3, 30, 6, 1.5), (GIT, 8, 7, 6, 0)]


def test_goals_are_met_or_missed() -> None:
    """A third of the copy's time, a tenth more on the disk, and 200 ms beyond the hashing; git sets no goal."""
    total_bytes = 1000 * (10 << 10) + 2 * (50 << 20)

    def met(keep_ms: float, added_bytes: int, back_ms: float) -> list[bool]:
        samples = [
            Sample(OURS, keep_ms, added_bytes, back_ms, 100),
            Sample(COPY, 300, 0, 0, 0),
            Sample(GIT, 1, 0, 0, 0),
        ]
        return list(versions.goals(versions.figures(samples)).values())

    assert met(100, total_bytes // 10, 299) == [True, True, True]
    assert met(101, total_bytes // 10 + 1, 300) == [False, False, False]
    assert len(versions.goals([*versions.figures([Sample(OURS, 1, 1, 1, 1)])])) == 2


def test_every_way_keeps_and_goes_back(tmp_path: Path) -> None:
    """Each round, each way that is there keeps what has changed; ours little of it, a copy all of it."""
    samples = versions.run(tmp_path, SMALL, rounds=2)
    ways = [each.way for each in samples]
    assert ways[: len(ways) // 2] == ways[len(ways) // 2 :]
    ours = [each for each in samples if each.way == OURS]
    assert all(each.keep_ms > 0 and each.back_ms > 0 and each.check_ms > 0 for each in ours)
    assert all(each.added_bytes < 0.3 * SMALL.big_bytes for each in ours)
    assert all(each.added_bytes == 2 * SMALL.big_bytes + 500 for each in samples if each.way == COPY)
    store = VersionedStore(tmp_path / "ours", "bench", SystemClock())
    assert [info.restored for info in store.versions()] == [None, None, 1, None, 3]


def test_the_table_has_a_line_for_each_way() -> None:
    """Only ours reads and hashes what it goes back to."""
    page = io.StringIO()
    told = versions.figures([Sample(OURS, 120, 4_800_000, 250, 130), Sample(COPY, 900, 115_000_000, 700, 0)])
    Console(file=page, width=120).print(versions.table(told))
    _, ours, copy = page.getvalue().splitlines()
    assert ours.split() == ["steadyhand", "120", "ms", "4.8", "MB", "250", "ms", "130", "ms"]
    assert copy.split()[-4:] == ["115.0", "MB", "700", "ms"]
