"""What worked for each target: counted, remembered, forgotten, and the same after a restart."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from steadyhand.errors import StoreError
from steadyhand.memory import target_memory_store
from steadyhand.memory.target_memory_store import RECENT, Tally, TargetMemoryStore, Trial, success_rate

if TYPE_CHECKING:
    from pathlib import Path


def trial(number: int = 1, *, look: str = "", good: bool = True, target: str = "target") -> Trial:
    """The trial of a number."""
    return Trial(target, "step", f"run {number}", float(number), "prototype", look, 0.9, is_validated=good)


def test_trials_are_counted_by_method_and_look(tmp_path: Path) -> None:
    """Validated and refuted ones, with the mean score of the first; the same after it was closed."""
    path = tmp_path / "sub" / "targets.db"
    with closing(TargetMemoryStore(path)) as store:
        store.add([trial(1), trial(2), trial(3, good=False), trial(4, look="a")])
    with closing(TargetMemoryStore(path)) as store:
        memory = store.of("target")
        assert set(memory.tallies) == {
            Tally("prototype", "", 2, 1, 0.9, 2.0),
            Tally("prototype", "a", 1, 0, 0.9, 4.0),
        }
        assert [each.run for each in memory.recent] == ["run 4", "run 2", "run 1"]
        assert store.of("another").tallies == ()
        assert store.targets() == ("target",)


def test_the_surest_way_comes_first() -> None:
    """Many successes say more than one, and a failure says that it was not so sure."""
    store = TargetMemoryStore()
    store.add([trial(1, look="once"), *(trial(n, look="often") for n in range(9)), trial(3, look="wrong", good=False)])
    assert [tally.look for tally in store.of("target").tallies] == ["often", "once", "wrong"]
    store.close()


def test_only_the_last_trials_are_remembered_one_by_one() -> None:
    """All of them are counted."""
    store = TargetMemoryStore()
    store.add(trial(number) for number in range(3 * RECENT))
    memory = store.of("target")
    assert [each.at_s for each in memory.recent] == [
        float(number) for number in reversed(range(2 * RECENT, 3 * RECENT))
    ]
    assert memory.tallies[0].validated == 3 * RECENT
    store.close()


def test_the_targets_that_are_too_many_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those first that were not needed for longest."""
    monkeypatch.setattr(target_memory_store, "MOST_TARGETS", 3)
    store = TargetMemoryStore()
    for number in range(5):
        store.add([trial(number, target=f"target {number}")])
    assert store.targets() == ("target 2", "target 3", "target 4")
    assert store.of("target 1").recent == ()
    store.close()


def test_tallies_of_looks_that_are_gone_are_forgotten() -> None:
    """Those of no look stay."""
    store = TargetMemoryStore()
    store.add([trial(1), trial(2, look="kept"), trial(3, look="gone")])
    store.keep_looks(["kept"])
    assert {tally.look for tally in store.of("target").tallies} == {"", "kept"}
    store.close()


def test_all_of_it_can_be_copied_and_brought_back(tmp_path: Path) -> None:
    """It then belongs to the version that it was brought back for, for every process that has it open."""
    store, other = TargetMemoryStore(tmp_path / "a.db"), TargetMemoryStore(tmp_path / "a.db")
    store.add([trial(1)])
    raw = store.to_bytes()
    store.add([trial(2)])
    assert store.version == 0
    store.become(raw, 7)
    assert store.of("target") == other.of("target")
    assert (other.version, other.of("target").tallies[0].validated) == (7, 1)
    store.close()
    other.close()


def test_nothing_is_half_added() -> None:
    """If one of several trials cannot be written, none is."""
    store = TargetMemoryStore()
    broken = Trial("target", "step", "run", 1.0, "prototype", "", None, is_validated=True)  # type: ignore[arg-type]  # its point
    with pytest.raises(StoreError, match="cannot be written"):
        store.add([trial(1), broken])
    assert store.of("target").tallies == ()
    store.close()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """It is no database: nothing is learned."""
    (tmp_path / "a.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"a\.db cannot be opened"):
        TargetMemoryStore(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilsons(successes: int, trials: int, low: float, high: float) -> None:
    """The last one is the example of Newcombe, Statistics in Medicine 17, 1998, table I."""
    assert success_rate(successes, trials) == pytest.approx((low, high), abs=1e-4)


def test_trust_begins_with_the_confidence_and_goes_with_the_trials() -> None:
    """A success brings it nearer to one, a failure takes it below what is demanded, two successes bring it back."""
    assert Tally("", "a", 0, 0, 0, 0).trust(0.9) == pytest.approx(0.9)
    assert Tally("", "a", 1, 0, 0, 0).trust(0.9) > 0.9
    assert Tally("", "a", 1, 1, 0, 0).trust(0.9) < 0.85
