"""Requirement 4: what versions hold, against a dictionary that holds it too."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from steadyhand.clock import ManualClock
from steadyhand.memory import packs
from steadyhand.memory.versioned_store import Component, VersionedStore

Contents = dict[Component, dict[str, bytes]]

blocks = st.sampled_from([b"aaaa", b"bbbb", b"cccc", b"dddd", b"ee", b""])
"""With blocks of four bytes, so that files share some of them, in the same place and in others."""
raws = st.lists(blocks, max_size=6).map(b"".join)
components = st.dictionaries(st.sampled_from(["one", "two", "three"]), raws, max_size=3)
contents = st.fixed_dictionaries(dict.fromkeys(Component, components))


def held(store: VersionedStore, number: int) -> Contents:
    """What a version holds."""
    with store.reading(number) as version:
        return {each: {name: version.read(each, name) for name in version.names(each)} for each in Component}


class Versions(RuleBasedStateMachine):
    """The versions of two workflows in one folder, and a dictionary for each."""

    @initialize()
    def begin(self) -> None:
        """Nothing has been learned."""
        self.folder = Path(tempfile.mkdtemp())
        self.patches = ExitStack()
        self.patches.enter_context(mock.patch.object(packs, "BLOCK_BYTES", 4))
        self.patches.enter_context(mock.patch.object(os, "fsync"))
        self.stores = [VersionedStore(self.folder, name, ManualClock()) for name in ("pay", "sell")]
        self.known: list[dict[int, Contents]] = [{}, {}]
        self.pinned: list[set[int]] = [set(), set()]
        self.bad: list[set[int]] = [set(), set()]
        self.highest = 0

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.patches.close()
        shutil.rmtree(self.folder)

    def last_good(self, which: int) -> int | None:
        """The newest version that holds what neither the one in use nor a bad one holds."""
        known = self.known[which]
        avoided = [known[number] for number in known if number in self.bad[which] or number == max(known)]
        return max((number for number, content in known.items() if content not in avoided), default=None)

    @rule(which=st.integers(0, 1), content=contents)
    def snapshot(self, which: int, content: Contents) -> None:
        """Keep what was learned."""
        known = self.known[which]
        info = self.stores[which].snapshot(content, "Learned.", parent=max(known, default=None))
        assert info.number > self.highest
        assert info.parent == max(known, default=None)
        self.highest = info.number
        known[info.number] = content

    @precondition(lambda self: any(self.known))
    @rule(which=st.integers(0, 1), data=st.data())
    def restore(self, which: int, data: st.DataObject) -> None:
        """Go back."""
        known = self.known[which]
        if known:
            number = data.draw(st.sampled_from(sorted(known)))
            info = self.stores[which].restore(number, "Back.")
            assert (info.restored, info.number > self.highest) == (number, True)
            self.highest = info.number
            known[info.number] = known[number]

    @precondition(lambda self: any(self.known))
    @rule(which=st.integers(0, 1), how=st.sampled_from(["pin", "unpin", "bad"]), data=st.data())
    def mark(self, which: int, how: str, data: st.DataObject) -> None:
        """Note something of a version."""
        store, known = self.stores[which], self.known[which]
        if known:
            number = data.draw(st.sampled_from(sorted(known)))
            match how:
                case "pin":
                    store.pin(number)
                    self.pinned[which].add(number)
                case "unpin":
                    store.unpin(number)
                    self.pinned[which].discard(number)
                case _:
                    store.mark_bad(number, "Worse.")
                    self.bad[which].add(number)

    @rule(which=st.integers(0, 1), keep=st.integers(1, 4))
    def prune(self, which: int, keep: int) -> None:
        """Remove old versions."""
        known = self.known[which]
        stays = {*sorted(known)[-keep:], *self.pinned[which], self.last_good(which)}
        gone = sorted(set(known) - stays)
        assert self.stores[which].prune(keep).versions == tuple(gone)
        for number in gone:
            del known[number]
            self.bad[which].discard(number)

    @invariant()
    def is_as_known(self) -> None:
        """Every version is there, whole, with what was noted of it; nothing else is."""
        for which, store in enumerate(self.stores):
            known, infos = self.known[which], store.versions()
            assert [info.number for info in infos] == sorted(known)
            assert {info.number for info in infos if info.is_pinned} == self.pinned[which]
            assert {info.number for info in infos if info.bad} == self.bad[which]
            good = store.last_good()
            assert (good and good.number) == self.last_good(which)
            assert all(held(store, number) == content for number, content in known.items())
            assert store.verify().problems == ()


TestVersions = Versions.TestCase
TestVersions.settings = settings(max_examples=40, stateful_step_count=20)


@settings(max_examples=50)
@given(first=contents, later=st.lists(contents, max_size=4))
def test_4_5_going_back_restores_every_byte(first: Contents, later: list[Contents]) -> None:
    """Whatever was learned since, a restored version holds what the snapshot saw, in all components."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(packs, "BLOCK_BYTES", 4),
        mock.patch.object(os, "fsync"),
    ):
        store = VersionedStore(Path(folder), "pay", ManualClock())
        for parent, content in enumerate([first, *later]):
            store.snapshot(content, "Learned.", parent=parent or None)
        restored = store.restore(1, "Back.")
        assert held(store, restored.number) == first
        store.prune(1)
        assert held(store, restored.number) == first
