"""Learned looks and their index: found by likeness, merged, retired, banned, and the same after being kept."""

from __future__ import annotations

from dataclasses import replace

import faiss
import numpy as np
import pytest
from tests.unit.memory.looks import SPACE, look, shot, unit

from steadyhand.errors import StoreError
from steadyhand.memory.prototype_index import MOST_OF_A_TARGET, Banned, PrototypeIndex

SCREEN = shot("Invoices", "Settings", "Help", "Log out")


def filled(count: int = 4) -> PrototypeIndex:
    """An index of so many looks, two of each target."""
    index = PrototypeIndex()
    for seed in range(count):
        index.add(look(f"target {seed // 2}", seed, SCREEN), SCREEN)
    return index


def test_a_look_is_found_by_its_likeness() -> None:
    """The nearest one comes first; of one target, only its own looks."""
    index = filled()
    assert index.nearest(np.array(unit(2), np.float32), SPACE, 1)[0].id == look("target 1", 2, SCREEN).id
    own = index.nearest(np.array(unit(2), np.float32), SPACE, 9, "target 0")
    assert {each.id for each in own} == {each.id for each in index.of("target 0")}


def test_what_was_kept_is_read_back() -> None:
    """Looks, screens and index are the same, and so are the files that they would be kept in again."""
    prototypes, vectors = filled().files()
    again = PrototypeIndex(prototypes, vectors)
    assert not again.was_rebuilt
    assert list(again) == list(filled())
    assert again.shot(SCREEN.id) == SCREEN
    assert again.files() == (prototypes, vectors)


@pytest.mark.parametrize("harm", ["gone", "cut off", "older", "other vectors"])
def test_an_index_that_does_not_agree_is_made_anew(harm: str) -> None:
    """The vectors in the files of the looks are the truth: whatever the index says, they are found by them."""
    prototypes, vectors = filled().files()
    raw = vectors["vectors.faiss"]
    numbers = np.array([int(each.id[:15], 16) for each in filled()], np.int64)
    moved = faiss.IndexIDMap2(faiss.IndexFlatIP(128))
    moved.add_with_ids(np.ones((4, 128), np.float32), numbers)
    harmed = {
        "gone": {},
        "cut off": {"vectors.faiss": raw[:-9]},
        "older": filled(2).files()[1],
        "other vectors": {"vectors.faiss": faiss.serialize_index(moved).tobytes()},
    }[harm]
    index = PrototypeIndex(prototypes, harmed)
    assert index.was_rebuilt
    assert index.files() == (prototypes, vectors)


@pytest.mark.parametrize("kind", ["catalogue.json", "looks/{}.json", "looks/{}.png", "shots/{}.json", "shots/{}.png"])
@pytest.mark.parametrize("harm", [None, b"", b"{}", b"harm"])
def test_a_damaged_look_is_named_and_never_used(kind: str, harm: bytes | None) -> None:
    """A file that is missing, or has other bytes than were written, is told by its name."""
    prototypes, vectors = filled().files()
    name = kind.format(SCREEN.id if "shots" in kind else look("target 0", 0, SCREEN).id)
    del prototypes[name]
    if harm is not None:
        prototypes[name] = harm
    with pytest.raises(StoreError, match=r"catalogue\.json|looks/|shots/"):
        PrototypeIndex(prototypes, vectors).shot(SCREEN.id)


def test_vectors_of_different_embedders_are_never_mixed() -> None:
    """Neither learned beside each other nor compared."""
    index = filled()
    with pytest.raises(StoreError, match="another space"):
        index.add(replace(look("target 9", 9, SCREEN), space="trained/1/128"), SCREEN)
    with pytest.raises(StoreError, match="another space"):
        index.nearest(np.array(unit(1), np.float32), "trained/1/128", 1)


def test_a_duplicate_is_merged() -> None:
    """What says the same, looks the same and stands in the same surroundings is the look that is known."""
    index = filled()
    kept = index.add(look("target 0", 77, SCREEN, near=0), SCREEN)
    assert kept is not None
    assert (kept.is_new, kept.id, len(index)) == (False, look("target 0", 0, SCREEN).id, 4)


@pytest.mark.parametrize("change", ["text", "screen", "places", "target"])
def test_what_differs_is_no_duplicate(change: str) -> None:
    """Another text, other texts around it, the same ones elsewhere, or another target: it is learned."""
    index = filled()
    screen = {"screen": shot("Invoices", "Users", "Roles", "Log out"), "places": shot("Help", "Log out", "Invoices")}
    now = screen.get(change, SCREEN)
    text, target = ("Send" if change == "text" else "Save"), ("target 1" if change == "target" else "target 0")
    kept = index.add(look(target, 77, now, near=0, text=text), now)
    assert kept is not None
    assert kept.is_new


def test_the_row_of_another_run_is_a_duplicate_wherever_it_stands() -> None:
    """A look whose row is told by a value of the run stands for the rows of all runs."""
    index, moved = PrototypeIndex(), shot("Invoices", "Settings", "Help", "Log out", at_px=300)
    index.add(look("target", 1, SCREEN, values=("invoice",)), SCREEN)
    kept = index.add(look("target", 2, moved, near=1, values=("invoice",)), moved)
    assert kept is not None
    assert not kept.is_new


def test_the_least_worthy_look_makes_room() -> None:
    """A target has only so many looks, and the new one is never the one to go."""
    index = PrototypeIndex()
    worst = look("target", 3, SCREEN)
    for seed in range(MOST_OF_A_TARGET):
        index.add(look("target", seed, SCREEN), SCREEN)
    kept = index.add(look("target", 99, SCREEN), SCREEN, worth=lambda each: (float(each.id != worst.id), 0.0))
    assert kept is not None
    assert kept.retired == (worst.id,)
    assert len(index.of("target")) == MOST_OF_A_TARGET
    assert worst.id not in {each.id for each in index.nearest(np.array(worst.vector, np.float32), SPACE, 99)}


def test_what_is_banned_is_not_learned_nor_what_is_nearly_the_same() -> None:
    """The same look, and one that differs in a few pixels."""
    index, bad = PrototypeIndex(), look("target", 1, SCREEN)
    for again in (bad, look("target", 2, SCREEN, near=1)):
        assert index.add(again, SCREEN, banned=[Banned.of(bad)]) is None
    assert len(index) == 0
    assert index.add(look("target", 5, SCREEN), SCREEN, banned=[Banned.of(bad)]) is not None
