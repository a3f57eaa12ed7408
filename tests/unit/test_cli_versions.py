"""The commands that look after versions, as they are typed."""

from __future__ import annotations

import json
import random
import sys
from typing import TYPE_CHECKING

import pytest

from steadyhand import cli
from steadyhand.clock import ManualClock
from steadyhand.memory.packs import BLOCK_BYTES
from steadyhand.memory.versioned_store import Component, VersionedStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ask = Callable[..., tuple[int, str, str]]

PROTOTYPES, INDEX, TARGETS = Component


@pytest.fixture
def store(tmp_path: Path) -> VersionedStore:
    """The versions of a workflow that has learned twice."""
    store = VersionedStore(tmp_path / "data", "pay", ManualClock())
    index = random.Random(1).randbytes(3 * BLOCK_BYTES)
    first = {
        PROTOTYPES: {"save.png": b"save", "old\x1b[2J.png": b"old"},
        INDEX: {"index.faiss": index},
        TARGETS: {"targets.sqlite": b"SQLite"},
    }
    store.snapshot(first, "Begun.", parent=None)
    second = {
        **first,
        PROTOTYPES: {"save.png": b"save", "send.png": b"send"},
        INDEX: {"index.faiss": index[:-1] + b"!"},
    }
    store.snapshot(second, "Learned \x1b[2Jsend.", parent=1)
    return store


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Ask:
    """Types a command in the folder of a robot; answers with its exit code, its output and its complaints."""
    monkeypatch.chdir(tmp_path)

    def ask(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["steadyhand", "versions", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capfd.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return ask


def test_versions_are_listed(ask: Ask, store: VersionedStore) -> None:
    """Each has a line with what is to be noticed of it; what no terminal may obey is made visible."""
    store.pin(1)
    store.mark_bad(2, "Regression.")
    code, out, err = ask("list", "pay")
    assert (code, err) == (0, "")
    first, second = (line.split() for line in out.splitlines()[1:])
    assert first[:4] == ["1", "2026-01-01", "00:00", "4"]
    assert "pinned" in first
    assert second[:1] == ["2"]
    assert "in use, bad" in out
    assert "Learned ␛[2Jsend." in out
    told = json.loads(ask("list", "pay", "--json")[1])
    assert [(each["number"], each["in_use"], each["pinned"], each["bad"]) for each in told] == [
        (1, False, True, ""),
        (2, True, False, "Regression."),
    ]
    assert ask("list", "other")[1].endswith("It has learned nothing yet.\n")


def test_a_version_is_shown(ask: Ask, store: VersionedStore) -> None:
    """Its components, when and why it was made, and what was in use before."""
    store.mark_bad(2, "Success fell.")
    code, out, _ = ask("show", "pay", "2")
    assert code == 0
    assert "Version 2 of pay: in use, bad" in out
    assert "Created 2026-01-01 00:00:00 UTC. Learned ␛[2Jsend." in out
    assert "Before it, version 1 was in use." in out
    assert "It must not be gone back to: Success fell." in out
    assert "  index: 1 files, 49.2 kB; on the disk 16.7 kB more" in out
    told = json.loads(ask("show", "pay", "2", "--json")[1])
    assert (told["parent"], told["components"]["prototypes"]["files"]) == (1, 2)
    assert f"What it holds: {told['content']}" in out


def test_versions_are_compared(ask: Ask, store: VersionedStore) -> None:
    """Files that came, went and changed have a line each; equal versions are told so."""
    assert store.current
    code, out, _ = ask("diff", "pay", "1", "2")
    assert code == 0
    assert out.splitlines() == [
        "prototypes old␛[2J.png: gone",
        "prototypes send.png: new, 0.0 kB",
        "index index.faiss: changed in 1 blocks, 49.2 kB",
    ]
    assert json.loads(ask("diff", "pay", "1", "2", "--json")[1])[2] == {
        "component": "index",
        "file": "index.faiss",
        "old_bytes": 3 * BLOCK_BYTES,
        "new_bytes": 3 * BLOCK_BYTES,
        "changed_blocks": 1,
    }
    assert ask("diff", "pay", "2", "2")[1] == "They hold the same.\n"


def test_a_version_is_restored_by_somebody(ask: Ask, store: VersionedStore) -> None:
    """Who did it and why stands in the history; without a name nothing is done."""
    assert ask("restore", "pay", "1", "--by", " ")[0] == cli.BAD_INPUT
    code, out, _ = ask("restore", "pay", "1", "--by", "Ada", "--reason", "wrong clicks")
    assert (code, out) == (0, "Version 3 of pay: in use, restored from 1\n")
    assert store.get(3).cause == "Version 1 restored by Ada: wrong clicks"
    told = json.loads(ask("restore", "pay", "2", "--by", "Ada", "--json")[1])
    assert (told["number"], told["restored"], told["cause"]) == (4, 2, "Version 2 restored by Ada.")


def test_versions_are_pinned_and_pruned(ask: Ask, store: VersionedStore) -> None:
    """A pinned version outlives pruning until it is let go."""
    store.mark_bad(1, "So that it is not kept for going back.")
    assert ask("pin", "pay", "1")[1] == "Version 1 of pay: pinned, bad\n"
    assert ask("prune", "pay", "--keep", "1")[1] == "Removed: none. Freed: 0.0 kB.\n"
    assert json.loads(ask("unpin", "pay", "1", "--json")[1])["pinned"] is False
    told = json.loads(ask("prune", "pay", "--keep", "1", "--json")[1])
    assert (told["versions"], told["freed_bytes"] > 0) == ([1], True)
    assert ask("prune", "pay", "--keep", "0")[0] == cli.BAD_INPUT


def test_damage_is_told(ask: Ask, store: VersionedStore, tmp_path: Path) -> None:
    """What is wrong has a line, the exit code says so, and a damaged version is not restored."""
    assert store.current
    code, out, _ = ask("verify", "pay")
    assert (code, out.splitlines()[-1]) == (0, "Sound.")
    path = tmp_path / "data/faiss_index/workflow_pay/v02/1.pack"
    path.write_bytes(path.read_bytes()[:-1])
    code, out, _ = ask("verify", "pay")
    assert code == cli.FAILED
    assert "Version 2, index, file index.faiss: data/faiss_index/workflow_pay/v02/1.pack was changed" in out
    assert out.endswith("NOT SOUND.\n")
    assert ask("verify", "pay", "1")[0] == 0
    told = json.loads(ask("verify", "pay", "2", "--json")[1])
    assert (told["sound"], told["versions"], len(told["problems"])) == (False, [2], 1)
    code, _, err = ask("restore", "pay", "2", "--by", "Ada")
    assert code == cli.FAILED
    assert "Restore another version" in err


def test_what_is_not_there_is_bad_input(ask: Ask, store: VersionedStore) -> None:
    """A version that was never made and a folder without a robot are told, with what there is."""
    assert store.current
    code, _, err = ask("show", "pay", "9")
    assert (code, "pay has no version 9. There are: 1, 2." in err) == (cli.BAD_INPUT, True)
    assert ask("list", "pay", "--data-dir", "nowhere")[0] == cli.BAD_INPUT
