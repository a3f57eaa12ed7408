"""Learned looks: found as the recorded one is, under the same rules, and believed no more than they are trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.resolution.sketch import DARK, REFUSED, ROWS, Sketch, table

from steadyhand.memory.prototype_index import Origin, PrototypeIndex
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Ambiguous, Candidate, Found, Method, NotFound, Thresholds
from steadyhand.perception.scene import Scene
from steadyhand.resolution.cascade import Resolver, decide, together
from steadyhand.resolution.learned import LearnedLooks, look_at, was_weighed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.memory.prototype_index import Nearest, Prototype, Shot
    from steadyhand.resolution.target import Target

ORIGIN = Origin("run", "step", "som_text_match", 0.95, 1.0)
NUMBER = ROWS[1][0]
OTHER = ROWS[2][0]


class Memory:
    """What was learned, all of it trusted alike.

    Args:
        trust: How much.
    """

    def __init__(self, trust: float = 0.97) -> None:
        self.index = PrototypeIndex()
        self.trust = trust

    def looks(self, target: str) -> Sequence[tuple[Prototype, float]]:
        """The learned looks of a target."""
        return [(each, self.trust) for each in self.index.of(target)]

    def shot(self, name: str) -> Shot:
        """The screen of a name."""
        return self.index.shot(name)

    def nearest(self, vector: NDArray[np.float32], space: str, limit: int, target: str) -> Sequence[Nearest]:
        """The learned looks that look most like something."""
        return self.index.nearest(vector, space, limit, target)

    def learns(self, target: Target, now: Sketch, values: Mapping[str, str] | None = None) -> Found:
        """Learn from where a target is found on a screen by what is recorded."""
        found = Resolver().resolve(target, now.image)
        assert isinstance(found, Found)
        seen = look_at(target, found, now.image, values=values or {}, origin=ORIGIN)
        assert seen is not None
        self.index.add(*seen)
        return found

    def resolver(self, values: Mapping[str, str] | None = None, thresholds: Thresholds | None = None) -> Resolver:
        """A resolver that knows what was learned."""
        return Resolver(thresholds=thresholds, learned=LearnedLooks(self, values or {}))


def recorded(number: str = NUMBER) -> Target:
    """The button of a row, as recorded, with a name in memory."""
    return replace(table().target(f"0 {number}"), key="target")


RESTYLED = table(style=DARK, pitch=44)


def test_a_healed_target_is_found_at_once_next_time() -> None:
    """By what was learned, without any reading or weighing, in the very place; believed as far as it is trusted."""
    memory = Memory()
    first = memory.learns(recorded(), RESTYLED)
    assert was_weighed(first)
    again = memory.resolver().resolve(recorded(), RESTYLED.image)
    assert isinstance(again, Found)
    assert (again.method, was_weighed(again)) == (Method.PROTOTYPE, False)
    assert RESTYLED.clicked(again) == f"0 {NUMBER}"
    assert again.confidence == pytest.approx(0.995 * memory.trust)
    assert again.candidates[0].look == memory.index.of("target")[0].id


def test_on_the_recorded_screen_the_recorded_look_comes_first() -> None:
    """Whatever was learned."""
    memory, now = Memory(), table()
    memory.learns(recorded(), RESTYLED)
    found = memory.resolver().resolve(recorded(), now.image)
    assert isinstance(found, Found)
    assert found.method is Method.ANCHOR_TEMPLATE
    assert now.clicked(found) == f"0 {NUMBER}"


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("order", [1, -1])
def test_the_rules_on_identity_hold_for_learned_looks(order: int, *, is_there: bool) -> None:
    """The learned button has a twin in every row: its own row is clicked wherever it is, and no other if it is gone."""
    memory = Memory()
    memory.learns(recorded(), RESTYLED)
    rows = [row for row in ROWS[::order] if is_there or row[0] != NUMBER]
    now = table(rows, style=DARK, pitch=44)
    clicked = now.clicked(memory.resolver().resolve(recorded(), now.image))
    assert clicked == (f"0 {NUMBER}" if is_there else REFUSED)


def test_what_was_learned_in_one_run_stands_for_the_row_of_another() -> None:
    """A look that shows this run's value is compared with that of the next run in its place."""
    memory = Memory()
    memory.learns(recorded(), RESTYLED, {"number": NUMBER})
    assert memory.index.of("target")[0].values == {"number": NUMBER}
    target = replace(recorded().adapted_to({NUMBER: OTHER}), key="target")
    found = memory.resolver({"number": OTHER}).resolve(target, RESTYLED.image)
    assert RESTYLED.clicked(found) == f"0 {OTHER}"


def test_a_row_whose_value_is_not_on_the_screen_is_not_learned() -> None:
    """Nobody could tell later whose row it was."""
    target, now = recorded(), table([("9", *row[1:]) if row[0] == NUMBER else row for row in ROWS], style=DARK)
    place = now.target("0 9")
    found = Found(place.point, place.box, 0.95, Method.SOM_TEXT_MATCH)
    assert look_at(target, found, now.image, values={"number": NUMBER}, origin=ORIGIN) is None


def test_a_look_that_is_not_trusted_finds_nothing() -> None:
    """It is passed over, and the target is weighed as if it were not there."""
    memory = Memory(trust=0.5)
    first = memory.learns(recorded(), RESTYLED)
    assert memory.resolver().resolve(recorded(), RESTYLED.image) == first


def test_more_is_demanded_of_learned_looks_too() -> None:
    """Under stricter thresholds a look that is believed a little less than they demand does not find anything."""
    memory = Memory(trust=0.93)
    memory.learns(recorded(), RESTYLED)
    found = memory.resolver(thresholds=Thresholds(0.95, 0.5)).resolve(recorded(), RESTYLED.image)
    assert not isinstance(found, Found) or found.method is not Method.PROTOTYPE


def test_a_learned_look_of_another_target_is_not_asked() -> None:
    """One that was recorded or described anew has another name, one on plain images has none."""
    memory = Memory()
    first = memory.learns(recorded(), RESTYLED)
    for key in ("", "another"):
        assert memory.resolver().resolve(replace(recorded(), key=key), RESTYLED.image) == first


def test_of_many_looks_the_index_says_which_are_weighed() -> None:
    """Those that elements of the screen look most like."""
    memory = Memory()
    styles = [table(style=DARK, pitch=pitch) for pitch in (40, 44)] + [table(pitch=50)]
    for now in styles:
        memory.learns(recorded(), now)
    learned = LearnedLooks(memory, {})
    looks = learned.of(recorded())
    assert len(looks) == 3
    likely = learned.likely(recorded(), looks, Scene.of(table(pitch=60).image))
    assert len(likely) == 2
    assert looks[2] in likely


def candidate(x: float, confidence: float, look: str) -> Candidate:
    """A candidate somewhere."""
    box = Box(x, 0, 20, 20)
    return Candidate(box.center, box, confidence, Method.PROTOTYPE if look else Method.SOM_TEXT_MATCH, {}, "", look)


def test_of_two_looks_at_one_place_the_surer_counts() -> None:
    """Places that only one of them sees stay."""
    merged = together(
        (candidate(0, 0.9, ""), candidate(50, 0.4, "")), [candidate(1, 0.95, "a"), candidate(90, 0.1, "a")]
    )
    assert [(each.box.x, each.confidence) for each in merged] == [(1, 0.95), (50, 0.4), (90, 0.1)]


def test_looks_that_point_at_different_places_make_it_ambiguous() -> None:
    """What was learned does not outvote what was recorded."""
    apart = together((candidate(0, 0.93, ""),), [candidate(90, 0.97, "a")])
    assert isinstance(decide(apart, Thresholds(0.85, 0.35)), Ambiguous)
    assert isinstance(decide((), Thresholds(0.85, 0.35)), NotFound)
