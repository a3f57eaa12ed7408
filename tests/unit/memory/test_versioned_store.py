"""The versions of what a workflow has learned: made, read, gone back to, pruned, damaged."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import ManualClock, SystemClock
from steadyhand.errors import StoreCorruptError, StoreError, VersionNotFoundError, VersionOutdatedError
from steadyhand.files import LockFile
from steadyhand.memory import packs
from steadyhand.memory.packs import BLOCK_BYTES
from steadyhand.memory.versioned_store import Component, VersionedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.synchronize import Event
    from pathlib import Path

    Files = dict[Component, dict[str, bytes]]

PROTOTYPES, INDEX, TARGETS = Component
BLOCKS = 40


def files(seed: int = 1) -> Files:
    """What may have been learned: two prototypes, an index of many blocks, a database of two."""
    noise = random.Random(seed)
    return {
        PROTOTYPES: {"save.png": noise.randbytes(700), "send.png": noise.randbytes(900)},
        INDEX: {"index.faiss": noise.randbytes(BLOCKS * BLOCK_BYTES - 5)},
        TARGETS: {"targets.sqlite": noise.randbytes(BLOCK_BYTES + 1)},
    }


def changed(before: Files, place: int, byte: bytes = b"!") -> Files:
    """The same with another byte in the index, and with another prototype."""
    index = bytearray(before[INDEX]["index.faiss"])
    index[place : place + 1] = byte
    prototypes = {**before[PROTOTYPES], f"new-{place}-{byte.hex()}.png": byte * 300}
    return {**before, INDEX: {"index.faiss": bytes(index)}, PROTOTYPES: prototypes}


def content(store: VersionedStore, number: int | None = None) -> Files:
    """What a version holds."""
    with store.reading(number) as version:
        return {each: {name: version.read(each, name) for name in version.names(each)} for each in Component}


@pytest.fixture
def store(tmp_path: Path) -> VersionedStore:
    """The versions of a workflow that has learned nothing yet."""
    return VersionedStore(tmp_path / "data", "pay", ManualClock())


def grown(store: VersionedStore, count: int) -> list[Files]:
    """Make so many versions, each from the one before; what each of them holds, by its number, from 1."""
    held: list[Files] = [{}, files()]
    store.snapshot(held[1], "learned", parent=None)
    for number in range(2, count + 1):
        held.append(changed(held[-1], number * BLOCK_BYTES))
        store.snapshot(held[-1], "learned", parent=number - 1)
    return held


def pack_of(store: VersionedStore, component: Component, number: int) -> Path:
    """The pack that a version has brought."""
    folder = {PROTOTYPES: "learning/prototypes", INDEX: "faiss_index/workflow_pay", TARGETS: "learning/targets"}
    return store._data / folder[component] / f"v{number:02}" / "1.pack"  # noqa: SLF001  where it was told to be


# ------------------------------------------------------------------------------------------------- making and reading


def test_a_version_is_what_was_given(store: VersionedStore) -> None:
    """All components come back byte for byte, with when and why they were kept."""
    info = store.snapshot(files(), "Learned the new look of save.", parent=None)
    assert content(store) == files()
    assert store.current == store.get(1) == info
    assert (info.number, info.workflow, info.parent, info.restored) == (1, "pay", None, None)
    assert (info.created, info.cause) == (ManualClock().now(), "Learned the new look of save.")
    assert (info.parts[PROTOTYPES].files, info.parts[PROTOTYPES].size_bytes) == (2, 1600)
    assert info.size_bytes == sum(len(raw) for each in files().values() for raw in each.values())
    assert info.size_bytes < info.added_bytes < 1.1 * info.size_bytes


def test_each_version_lies_where_it_should(store: VersionedStore, tmp_path: Path) -> None:
    """Prototypes, index and target memory have a folder for each version, the index within its workflow's."""
    grown(store, 2)
    for folder in ("learning/prototypes", "faiss_index/workflow_pay", "learning/targets"):
        assert {path.name for path in (tmp_path / "data" / folder).iterdir()} == {"v01", "v02"}


def test_nothing_learned_is_no_version(store: VersionedStore) -> None:
    """Before the first version there is none in use, none to go back to and none to read."""
    assert (store.current, store.versions(), store.last_good()) == (None, (), None)
    with pytest.raises(VersionNotFoundError, match=r"pay has no version. It has learned nothing yet"), store.reading():
        pass
    assert store.verify().versions == ()


def test_an_empty_component_is_one(store: VersionedStore) -> None:
    """No prototypes, and an empty file: both come back as they were."""
    nothing: Files = {PROTOTYPES: {}, INDEX: {"index.faiss": b""}, TARGETS: {"targets.sqlite": b"x"}}
    store.snapshot(nothing, "Begun.", parent=None)
    assert content(store) == nothing


def test_what_has_not_changed_is_not_kept_again(store: VersionedStore) -> None:
    """A byte in one place costs one block, a prototype costs itself; the rest is shared, and nothing costs nothing."""
    held = grown(store, 2)
    second = store.get(2)
    manifests = sum(pack_of(store, each, 2).with_name("manifest.json").stat().st_size for each in Component)
    assert BLOCK_BYTES + 300 < second.added_bytes - manifests < BLOCK_BYTES + 600
    assert not pack_of(store, TARGETS, 2).exists()
    third = store.snapshot(held[2], "Nothing new.", parent=2)
    assert not any(pack_of(store, each, 3).exists() for each in Component)
    assert third.content == second.content
    assert content(store) == held[2]


def test_a_file_that_moves_on_is_still_shared(store: VersionedStore) -> None:
    """A renamed file, and one whose bytes come back later, take no room."""
    held = grown(store, 2)
    renamed = {**held[1], PROTOTYPES: {"other.png": held[1][PROTOTYPES]["save.png"]}}
    store.snapshot(renamed, "Renamed.", parent=2)
    assert not any(pack_of(store, each, 3).exists() for each in Component)
    assert content(store) == renamed


def test_versions_are_numbered_through_all_workflows(store: VersionedStore, tmp_path: Path) -> None:
    """Two workflows share the numbers; going back in one leaves the other where it is."""
    other = VersionedStore(tmp_path / "data", "Pay!", ManualClock())
    store.snapshot(files(1), "a", parent=None)
    other.snapshot(files(2), "b", parent=None)
    store.snapshot(files(3), "c", parent=1)
    other.snapshot(files(4), "d", parent=2)
    assert store.restore(1, "Back.").number == 5
    assert [info.number for info in store.versions()] == [1, 3, 5]
    assert [info.number for info in other.versions()] == [2, 4]
    assert (content(store), content(other)) == (files(1), files(4))
    store.prune(1)
    assert (content(store), content(other), content(other, 2)) == (files(1), files(4), files(2))


@pytest.mark.parametrize("workflow", ["a/../../b", "Pay an invoice", "pay", "PAY", "é" * 300, "CON"])
def test_any_name_of_a_workflow_will_do(workflow: str, tmp_path: Path) -> None:
    """Whatever a workflow is called, its versions lie in the folder of the data, and apart from those of others."""
    stores = [VersionedStore(tmp_path / "data", name, ManualClock()) for name in (workflow, "pay-an-invoice")]
    for number, each in enumerate(stores, start=1):
        each.snapshot(files(number), "Learned.", parent=None)
    assert [content(each) for each in stores] == [files(1), files(2)]
    assert {path.name for path in tmp_path.iterdir()} == {"data"}
    assert len(list((tmp_path / "data/faiss_index").iterdir())) == 2


def test_learning_from_an_old_version_is_not_kept(store: VersionedStore) -> None:
    """What was learned before somebody went back must not bring the bad version back."""
    held = grown(store, 2)
    store.restore(1, "It got worse.")
    with pytest.raises(VersionOutdatedError, match="since version 2 is not kept: version 3 is in use"):
        store.snapshot(changed(held[2], 5), "Learned.", parent=2)
    assert [info.number for info in store.versions()] == [1, 2, 3]


def test_versions_can_be_compared(store: VersionedStore) -> None:
    """Which files came, went and changed, how big they are, and in how many places."""
    held = grown(store, 2)
    third = {**changed(held[2], 7), PROTOTYPES: {"send.png": b"other"}}
    store.snapshot(third, "Learned.", parent=2)
    index_bytes = len(files()[INDEX]["index.faiss"])
    new = f"new-{2 * BLOCK_BYTES}-21.png"
    assert store.diff(2, 3) == (
        (PROTOTYPES, new, 300, None, 0),
        (PROTOTYPES, "save.png", 700, None, 0),
        (PROTOTYPES, "send.png", 900, 5, 1),
        (INDEX, "index.faiss", index_bytes, index_bytes, 1),
    )
    assert store.diff(3, 3) == ()
    with pytest.raises(VersionNotFoundError, match=r"pay has no version 9. There are: 1, 2, 3"):
        store.diff(3, 9)


# ---------------------------------------------------------------------------------------------------------- going back


def test_going_back_is_a_new_version_of_the_old_content(store: VersionedStore) -> None:
    """It tells what was restored and why, holds the old bytes, and the history keeps all that was before."""
    held = grown(store, 3)
    info = store.restore(1, "Success fell from 0.95 to 0.71.")
    assert (info.number, info.parent, info.restored) == (4, 3, 1)
    assert info.cause == "Success fell from 0.95 to 0.71."
    assert info.content == store.get(1).content
    assert content(store) == held[1]
    assert content(store, 3) == held[3]


def test_the_last_good_version_is_not_the_same_again(store: VersionedStore) -> None:
    """Neither a bad version nor one that holds the same as it is gone back to, nor what is in use already."""
    grown(store, 3)
    good = store.last_good()
    assert good == store.get(2)
    assert store.mark_bad(3, "Regression.").bad == "Regression."
    store.restore(2, "Back.")
    assert store.last_good() == store.get(1)
    store.mark_bad(4, "Worse as well.")
    store.restore(1, "Back.")
    assert store.last_good() is None


def test_a_reader_keeps_its_version(store: VersionedStore) -> None:
    """What is being read stays, in the list too, whatever is learned, restored and pruned meanwhile."""
    held = grown(store, 1)
    with store.reading() as first, store.reading():
        for number in (1, 2, 3):
            store.snapshot(files(number + 1), "Learned.", parent=number)
        assert store.prune(1).versions == (2,)
        assert [info.number for info in store.versions()] == [1, 3, 4]
        assert first.read(INDEX, "index.faiss") == held[1][INDEX]["index.faiss"]
    assert store.prune(1).versions == (1,)


def read_until_told(data: Path, ready: Event, told: Event) -> None:
    """Read a version in another process."""
    with VersionedStore(data, "pay", ManualClock()).reading():
        ready.set()
        told.wait(60)


def test_a_reader_in_another_process_keeps_its_version(store: VersionedStore, tmp_path: Path) -> None:
    """So it is with other processes, until they end, even by being killed."""
    grown(store, 1)
    processes = multiprocessing.get_context("spawn")
    ready, told = processes.Event(), processes.Event()
    reader = processes.Process(target=read_until_told, args=(tmp_path / "data", ready, told))
    reader.start()
    try:
        assert ready.wait(60)
        for number in (1, 2):
            store.snapshot(files(number + 1), "Learned.", parent=number)
        assert store.prune(1).versions == ()
        reader.kill()
        reader.join(60)
        assert store.prune(1).versions == (1,)
    finally:
        reader.kill()
        reader.join(60)


def learn(data: Path, count: int) -> None:
    """Make versions in another process, beginning anew whenever somebody was faster."""
    store = VersionedStore(data, "pay", SystemClock())
    done = 0
    while done < count:
        current = store.current
        parent = current.number if current else None
        try:
            store.snapshot(files(os.getpid() * 1000 + done), f"{os.getpid()} {done}", parent=parent)
            done += 1
        except VersionOutdatedError:
            continue


def test_processes_that_learn_at_once_lose_nothing(store: VersionedStore, tmp_path: Path) -> None:
    """Each version that a process was told of is there, whole, with a number of its own, after the one before it."""
    processes = multiprocessing.get_context("spawn")
    learners = [processes.Process(target=learn, args=(tmp_path / "data", 5)) for _ in range(3)]
    for each in learners:
        each.start()
    for each in learners:
        each.join(120)
    assert [each.exitcode for each in learners] == [0, 0, 0]
    told = {f"{each.pid} {number}": files((each.pid or 0) * 1000 + number) for each in learners for number in range(5)}
    assert {info.cause for info in store.versions()} == told.keys()
    assert [info.parent for info in store.versions()] == [None, *range(1, 15)]
    assert all(content(store, info.number) == told[info.cause] for info in store.versions())


def test_who_waits_too_long_is_told(store: VersionedStore, tmp_path: Path) -> None:
    """A process that hangs with the lock is named by its file."""
    grown(store, 1)
    lock = LockFile(tmp_path / "data/learning/versions/lock")
    assert lock.try_to_hold()
    with pytest.raises(StoreError, match=r"Another process has held .*lock for 30 seconds"):
        store.pin(1)
    lock.close()
    assert store.pin(1).is_pinned


# ------------------------------------------------------------------------------------------------------------- pruning


def test_pruning_keeps_what_may_be_needed(store: VersionedStore) -> None:
    """The newest, the pinned, the one in use, and the one that a regression would go back to; all of them whole."""
    held = grown(store, 8)
    store.pin(2)
    store.mark_bad(7, "Regression.")
    store.mark_bad(6, "Regression.")
    pruned = store.prune(1)
    assert pruned.versions == (1, 3, 4, 6, 7)
    assert pruned.freed_bytes > 0
    assert [info.number for info in store.versions()] == [2, 5, 8]
    assert all(content(store, number) == held[number] for number in (2, 5, 8))
    store.unpin(2)
    assert store.prune(1).versions == (2,)
    assert store.prune(1) == ((), 0)


def test_what_nobody_needs_takes_no_room(store: VersionedStore) -> None:
    """When all that was shared has been learned anew, nothing of the old versions is left on the disk."""
    grown(store, 3)
    store.snapshot(files(7), "All anew.", parent=3)
    store.snapshot(files(8), "All anew.", parent=4)
    store.prune(2)
    for component in Component:
        places = pack_of(store, component, 1).parent.parent
        assert {path.name for path in places.iterdir()} == {"v04", "v05"}


def test_packs_that_are_mostly_waste_are_merged(store: VersionedStore) -> None:
    """Through many versions the disk holds at most twice what the versions need, in few files, and all is whole."""
    noise, held, number = random.Random(5), files(), None
    for _ in range(40):
        held = changed(held, noise.randrange(BLOCKS) * BLOCK_BYTES, noise.randbytes(1))
        held[PROTOTYPES] = dict(list(held[PROTOTYPES].items())[-5:])
        number = store.snapshot(held, "Learned.", parent=number).number
        store.prune(2)
        folders = pack_of(store, INDEX, 1).parent.parent
        kept = list(folders.rglob("*.pack"))
        assert len(kept) <= packs._MOST_PACKS + 2  # noqa: SLF001  the promise that is tested
        assert sum(path.stat().st_size for path in kept) < 2.2 * BLOCKS * BLOCK_BYTES
        assert content(store) == held
    assert store.verify().problems == ()


def test_what_a_killed_process_has_left_is_removed(store: VersionedStore, tmp_path: Path) -> None:
    """A version that was never finished and a file that never got its name are gone after the next pruning."""
    grown(store, 2)
    VersionedStore(tmp_path / "data", "other", ManualClock()).snapshot(files(9), "Learned.", parent=None)
    orphan = tmp_path / "data/learning/prototypes/v04"
    orphan.mkdir()
    (orphan / "1.pack").write_bytes(b"half")
    nameless = tmp_path / "data/learning/versions/.workflow_pay.json.x7"
    nameless.write_bytes(b"{")
    assert store.prune(2) == ((), 4)
    assert not orphan.exists()
    assert not nameless.exists()
    assert content(VersionedStore(tmp_path / "data", "other", ManualClock())) == files(9)


# -------------------------------------------------------------------------------------------------------------- damage


def everything(store: VersionedStore) -> list[Path]:
    """Every file that a version or the record of it lies in."""
    data = pack_of(store, TARGETS, 1).parents[3]
    return [*data.rglob("v[0-9]*/*"), data / "learning/versions/workflow_pay.json"]


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "empty", "grow"])
def test_nothing_damaged_is_ever_used(store: VersionedStore, harm: str) -> None:
    """A byte that was changed, an end that is missing, a file that is gone: every one is named, or changes nothing."""
    held = grown(store, 2)
    noise = random.Random(harm)
    for path in sorted(everything(store)):
        raw = path.read_bytes()
        for _ in range(12 if harm in {"flip", "cut"} else 1):
            place = noise.randrange(len(raw))
            harmed = {
                "flip": raw[:place] + bytes([raw[place] ^ (1 << noise.randrange(8))]) + raw[place + 1 :],
                "cut": raw[:place],
                "empty": b"",
                "grow": raw + b"x",
                "remove": b"",
            }[harm]
            path.unlink()
            if harm != "remove":
                path.write_bytes(harmed)
            for number in (1, 2):
                try:
                    assert content(store, number) == held[number]
                except StoreCorruptError as error:
                    said = str(error)
                    named = path.parent.parent if "is missing in" in said else path
                    assert str(named) in said, said
                    assert "backup" in said
            path.write_bytes(raw)
    assert store.verify().problems == ()


def test_a_damaged_version_is_neither_read_nor_restored(store: VersionedStore) -> None:
    """A flipped bit in what two versions share fails both, names the pack, and leaves the version in use as it is."""
    grown(store, 3)
    path = pack_of(store, INDEX, 1)
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)
    for number in (1, 2, 3):
        with pytest.raises(StoreCorruptError, match=f"Version {number}, index, file index.faiss: .*v01.1.pack was"):
            content(store, number)
        with pytest.raises(StoreCorruptError, match=f"Version {number}, index"):
            store.restore(number, "Back.")
    assert store.current == store.get(3)
    found = store.verify()
    assert found.versions == (1, 2, 3)
    assert len(found.problems) == 3
    assert store.verify(3).problems == found.problems[2:]


def test_what_is_damaged_is_kept_once_more(store: VersionedStore) -> None:
    """Whoever still has the right bytes mends the versions by keeping them: damage is not shared on and on."""
    held = grown(store, 2)
    path = pack_of(store, INDEX, 1)
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1
    path.write_bytes(raw)
    store.snapshot(held[2], "Kept once more.", parent=2)
    assert [content(store, number) for number in (1, 2, 3)] == [held[1], held[2], held[2]]
    store.prune(1)
    assert content(store) == held[2]


def test_pruning_removes_nothing_when_something_is_missing(store: VersionedStore) -> None:
    """A pack whose list is damaged may be all that is left of the blocks in it: it is not taken for waste."""
    held = grown(store, 3)
    path = pack_of(store, INDEX, 1)
    raw = path.read_bytes()
    path.write_bytes(b"x" + raw)
    before = sorted(everything(store))
    with pytest.raises(StoreCorruptError, match=r"is missing in .*workflow_pay: its pack is gone"):
        store.prune(1)
    assert sorted(everything(store)) == before
    path.write_bytes(raw)
    assert content(store) == held[3]


def test_a_lost_record_is_seen(store: VersionedStore, tmp_path: Path) -> None:
    """Versions without their record are not taken for nothing learned, nor the record of another for one's own."""
    grown(store, 1)
    record = tmp_path / "data/learning/versions/workflow_pay.json"
    raw = record.read_bytes()
    record.unlink()
    with pytest.raises(StoreCorruptError, match=r"workflow_pay.json is missing, and there are versions"):
        store.snapshot(files(), "Learned.", parent=None)
    (record.parent / "workflow_sell.json").write_bytes(raw)
    with pytest.raises(StoreCorruptError, match="is the record of 'pay'"):
        assert VersionedStore(tmp_path / "data", "sell", ManualClock()).current


def test_a_record_of_a_later_release_is_left_alone(store: VersionedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this release cannot understand it does not touch."""
    with monkeypatch.context() as later:
        later.setattr("steadyhand.memory.version_record._FORMAT", 2)
        grown(store, 1)
    with pytest.raises(StoreError, match="was written by a later release"):
        store.prune(1)


# ---------------------------------------------------------------------------------------------------------- the disk


@contextmanager
def full_disk(left_bytes: int) -> Iterator[None]:
    """Let no file of this process grow bigger than this."""
    import resource  # noqa: PLC0415  not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("left_bytes", [0, 100, 2000])
def test_a_full_disk_leaves_the_old_version(store: VersionedStore, left_bytes: int) -> None:
    """Wherever it is full, that is said, the old version is in use, and nothing of the new one is left."""
    held = grown(store, 2)
    before = sorted(everything(store))
    writes: list[Callable[[], object]] = [
        lambda: store.snapshot(files(5), "Learned.", parent=2),
        lambda: store.restore(1, "Back."),
        lambda: store.mark_bad(2, "Bad. " * 1000),
    ]
    for write in writes:
        with full_disk(left_bytes), pytest.raises(StoreError, match="cannot be read or written: File too large"):
            write()
        assert sorted(everything(store)) == before
        assert content(store) == held[2]


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Let this process write to no file of a folder, even if it is the superuser's."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    user = os.geteuid()
    if user == 0:
        for path in folder.parents:
            path.chmod(path.stat().st_mode | 0o011)  # others may pass through
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such rights")
def test_a_folder_that_cannot_be_written_is_named(store: VersionedStore, tmp_path: Path) -> None:
    """It is said which file the rights are missing for; the history can be told all the same."""
    held = grown(store, 2)
    with without_rights(tmp_path / "data"):
        assert [info.number for info in store.versions()] == [1, 2]
        writes: list[Callable[[], object]] = [
            lambda: store.snapshot(files(5), "Learned.", parent=2),
            lambda: store.restore(1, "Back."),
            lambda: store.prune(1),
            lambda: content(store),
        ]
        for write in writes:
            with pytest.raises(StoreError, match="lock cannot be read or written: Permission denied"):
                write()
    assert content(store) == held[2]


@pytest.mark.parametrize("at", range(1, 14))
def test_a_sync_that_fails_is_not_believed(store: VersionedStore, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Whichever sync fails, that is said, and the version in use is the old one or, after the very last, the new."""
    held = grown(store, 1)
    left, sync = at, vars(os)["fsync"]

    def failing(handle: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(5, "Input/output error")
        sync(handle)

    second = changed(held[1], 5)
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StoreError, match="Input/output error"):
        store.snapshot(second, "Learned.", parent=1)
    assert content(store) == (second if at == 13 else held[1])
    assert store.verify().problems == ()
