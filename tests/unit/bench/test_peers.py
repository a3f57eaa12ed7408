"""The tools that ours is compared with are asked as their users would ask them, where they are installed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest
from tests.unit.resolution.sketch import Sketch, form

from steadyhand.bench.peers import AIRTEST, OPENADAPT_FLOW, PEERS, PYSCREEZE, Peers, Quest
from steadyhand.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    """What this interpreter has."""
    with Peers(PYTHON) as peers:
        yield peers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A screenshot with a form, and one without anything."""
    folder = tmp_path_factory.mktemp("screens")
    cv2.imwrite(str(folder / "form.png"), form().image)
    cv2.imwrite(str(folder / "bare.png"), Sketch().image)
    return folder


def quest(folder: Path, screen: str) -> Quest:
    """To find the form's button on a screenshot."""
    save = form().parts["Save"]
    return Quest(str(folder / "form.png"), save, save.center, str(folder / screen))


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_finds_what_has_not_changed(name: str, peers: Peers, folder: Path) -> None:
    """A peer clicks the target on the very screenshot on which it was recorded."""
    if name in peers.missing:
        pytest.skip(f"{name}: {peers.missing[name]}")
    seen = peers.find(name, quest(folder, "form.png"))
    assert seen.fault == ""
    assert seen.point is not None
    assert form().parts["Save"].contains(seen.point)
    assert 0 <= seen.confidence <= 1
    assert seen.cpu_ms > 0


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_clicks_nothing_on_an_empty_screen(name: str, peers: Peers, folder: Path) -> None:
    """Where there is nothing, a peer that is asked properly does not click, and that is no fault."""
    if name in peers.missing:
        pytest.skip(f"{name}: {peers.missing[name]}")
    seen = peers.find(name, quest(folder, "bare.png"))
    assert (seen.point, seen.fault) == (None, "")
    assert seen.cpu_ms > 0


def test_each_peer_is_there_or_there_is_a_reason(peers: Peers) -> None:
    """Of every peer it is said which version there is, or why there is none."""
    assert {*peers.ready, *peers.missing} == set(PEERS)
    assert all([*peers.ready.values(), *peers.missing.values()])


def test_only_those_who_are_wanted_are_looked_for() -> None:
    """Who is not asked for is not even named as missing."""
    with Peers(PYTHON, [PYSCREEZE]) as peers:
        assert [*peers.ready, *peers.missing] == [PYSCREEZE]


def test_a_fault_is_no_click(peers: Peers, folder: Path) -> None:
    """Whatever goes wrong while a peer is asked, it has not clicked, and what went wrong is told."""
    missing = replace(quest(folder, "form.png"), recorded=str(folder / "none.png"))
    seen = peers.find(OPENADAPT_FLOW, missing)
    assert seen.point is None
    assert "FileNotFoundError" in seen.fault
    assert peers.find(OPENADAPT_FLOW, missing) == seen, "and the next one can be asked"


@pytest.mark.parametrize(("python", "words"), [("nowhere/python", "cannot be started"), ("/bin/true", "Python 3.11")])
def test_an_interpreter_that_will_not_do_is_bad_input(python: str, words: str) -> None:
    """What is no interpreter, or one without what is needed, is named in one sentence."""
    with pytest.raises(ConfigError, match=words) as raised:
        Peers(Path(python))
    assert python in str(raised.value)
    assert "requirements-peers.txt" in raised.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a script of a Unix shell")
def test_a_peer_that_ends_its_process_is_named(tmp_path: Path, folder: Path) -> None:
    """When a peer takes the process down with it, it is said what it was asked."""
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\nread -r names\necho \'{"ready": {"airtest": "1"}, "missing": {}}\'\nread -r quest\n')
    program.chmod(0o755)
    with Peers(program) as peers:
        assert peers.ready == {"airtest": "1"}
        with pytest.raises(ConfigError, match=r"ended while it was asked.*airtest.*form\.png"):
            peers.find(AIRTEST, quest(folder, "form.png"))
