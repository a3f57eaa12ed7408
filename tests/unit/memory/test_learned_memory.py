"""What was learned is taken back for good, and what was there before is in use again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.unit.memory.looks import look, shot

from steadyhand.clock import ManualClock
from steadyhand.memory.learned_memory import LearnedMemory, LearnedVersions
from steadyhand.memory.versioned_store import Component, VersionedStore

if TYPE_CHECKING:
    from pathlib import Path

SCREEN, WHY = shot("Invoices", "Settings"), "More runs fail."


def learn(data: Path, seed: int) -> int | None:
    """Learn one look in a run of its own; the version that it made, None if the look is banned."""
    with closing(LearnedMemory(data, "pay", ManualClock())) as memory:
        kept = memory.learn(look("Save", seed, SCREEN), SCREEN)
        info = memory.commit("a run")
        assert (kept is None) == (info is None)
        return info.number if info else None


def known(data: Path) -> set[str]:
    """The learned looks in use."""
    with closing(LearnedMemory(data, "pay", ManualClock())) as memory:
        return {each.id for each, _ in memory.looks("Save")}


@pytest.fixture
def versions(tmp_path: Path) -> LearnedVersions:
    """What healing knows of the memory."""
    return LearnedVersions(tmp_path, ManualClock())


def test_a_version_and_all_later_ones_are_taken_back(tmp_path: Path, versions: LearnedVersions) -> None:
    """What was in use before them is in use again, and what they added is never learned again."""
    assert versions.version("pay") == 0
    assert [learn(tmp_path, seed) for seed in (1, 2, 3)] == [1, 2, 3]
    versions.forbid("pay", 2)
    assert versions.roll_back("pay", 2, WHY) == 4
    assert known(tmp_path) == {look("Save", 1, SCREEN).id}
    assert [info.bad for info in VersionedStore(tmp_path, "pay", ManualClock()).versions()] == ["", WHY, WHY, ""]
    assert [learn(tmp_path, seed) for seed in (2, 3)] == [None, None]
    assert learn(tmp_path, 4) == 5


def test_before_the_first_version_nothing_was_learned(tmp_path: Path, versions: LearnedVersions) -> None:
    """So that is what is good, if the very first one is bad."""
    learn(tmp_path, 1)
    assert versions.roll_back("pay", 1, WHY) == 2
    assert known(tmp_path) == set()
    assert learn(tmp_path, 1) is None
    assert learn(tmp_path, 2) == 3


def test_what_is_taken_back_twice_is_taken_back_once(tmp_path: Path, versions: LearnedVersions) -> None:
    """After a crash it is done again, and changes nothing."""
    for seed in (1, 2):
        learn(tmp_path, seed)
    first = versions.roll_back("pay", 2, WHY)
    before = VersionedStore(tmp_path, "pay", ManualClock()).versions()
    versions.forbid("pay", 2)
    assert versions.roll_back("pay", 2, WHY) == first == versions.version("pay")
    assert VersionedStore(tmp_path, "pay", ManualClock()).versions() == before


def test_where_the_good_version_is_gone_nothing_is_restored(tmp_path: Path, versions: LearnedVersions) -> None:
    """Then nobody says that all is well."""
    for seed in (1, 2):
        learn(tmp_path, seed)
    store = VersionedStore(tmp_path, "pay", ManualClock())
    store.mark_bad(1, WHY)
    store.prune(1)
    assert versions.roll_back("pay", 2, WHY) is None


def test_what_is_banned_stays_banned_when_the_bad_version_is_pruned(tmp_path: Path, versions: LearnedVersions) -> None:
    """It is written down before the version is taken back."""
    for seed in (1, 2):
        learn(tmp_path, seed)
    versions.forbid("pay", 2)
    versions.roll_back("pay", 2, WHY)
    store = VersionedStore(tmp_path, "pay", ManualClock())
    store.prune(1)
    assert 2 not in {info.number for info in store.versions()}
    assert learn(tmp_path, 2) is None


def test_other_workflows_keep_what_they_learned(tmp_path: Path, versions: LearnedVersions) -> None:
    """A version belongs to one workflow."""
    with closing(LearnedMemory(tmp_path, "ship", ManualClock())) as memory:
        memory.learn(look("Save", 1, SCREEN), SCREEN)
        other = memory.commit("a run")
    learn(tmp_path, 1)
    versions.roll_back("pay", versions.version("pay"), WHY)
    assert other is not None
    assert versions.version("ship") == other.number
    assert VersionedStore(tmp_path, "ship", ManualClock()).get(other.number).parts[Component.PROTOTYPES].files
