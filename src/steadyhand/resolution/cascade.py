"""The cascade: cheap evidence first, more only while it is not sure, and a refusal where a person would hesitate.

A target whose view is unchanged, as it was recorded or as it was learned since, is found without reading anything.
Otherwise all places worth weighing are weighed together, by its recorded look and by learned ones, and the surest wins
if its probability is high enough and no rival comes near it. Being nearest to the old place is never enough.
"""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.model.outcome import Ambiguous, Candidate, Found, Method, NotFound, Resolution, Thresholds, score_words
from steadyhand.perception.scene import Scene
from steadyhand.resolution.confidence import Model, are_one, features, sameness
from steadyhand.resolution.controls import Kind
from steadyhand.resolution.evidence import Present
from steadyhand.resolution.recorded import Recorded
from steadyhand.resolution.rungs import (
    Proposal,
    View,
    control_at,
    distinctive_view,
    point_of,
    propose,
    ranked,
    seen_unchanged,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.resolution.learned import LearnedLooks, Look
    from steadyhand.resolution.target import Target

_WORTH_NAMING = 0.05
"""Candidates less likely than this are left out of results: whoever looks at a miss wants the few that mattered."""
_RIVAL_FROM = 0.3
_TWIN = 0.9
_MOST_WEIGHED = 24
_FITTING = 0.8


class Resolver:
    """Finds targets on frames. Keeps what it worked out about each target; not safe for several threads.

    Args:
        model: What turns evidence into confidence; the one that ships with the product if not given.
        thresholds: What is demanded of a place; what the model demands as a rule if not given.
        learned: The learned looks of targets; None for none.
    """

    def __init__(
        self, model: Model | None = None, thresholds: Thresholds | None = None, learned: LearnedLooks | None = None
    ) -> None:
        self._model = model or Model.fitted()
        self._thresholds = thresholds or self._model.normal
        self._learned = learned
        self._known: weakref.WeakKeyDictionary[Target, _Knowledge] = weakref.WeakKeyDictionary()

    def demanding(self, thresholds: Thresholds) -> Resolver:
        """This resolver, with what it knows of targets, under other thresholds."""
        other = Resolver(self._model, thresholds, self._learned)
        other._known = self._known
        return other

    def prepare(self, target: Target) -> None:
        """Work out what can be known of a target before a screen is there, so that the first look is a quick one."""
        recorded, view, _ = self._recall(target)
        if view is not None:
            seen_unchanged(recorded, recorded.scene, view)  # on its own screen: what tells it is known from then on

    def resolve(self, target: Target, image: NDArray[np.uint8]) -> Resolution:
        """Find a target on a frame.

        Args:
            target: What to find.
            image: The screen as it is now: uint8, (height, width, 3), blue-green-red.

        Returns:
            `Found` if one place is right with enough confidence, `Ambiguous` if several could be and nothing on the
            screen tells which, else `NotFound`.
        """
        scene = Scene.of(image)
        recorded, view, looks = self._recall(target)
        if view is not None and (seen := seen_unchanged(recorded, scene, view)) is not None:
            box, evidence = seen
            method, confidence = Method.ANCHOR_TEMPLATE, self._model.seen_unchanged
            candidate = Candidate(point_of(recorded, box, method), box, confidence, method, evidence, target.text)
            return Found(candidate.point, box, confidence, method, (candidate,), self._thresholds)
        for candidate in self._learned.seen(looks, scene, self._model.seen_unchanged) if self._learned else ():
            if candidate.confidence >= self._thresholds.found_from:
                found = (candidate.point, candidate.box, candidate.confidence, candidate.method)
                return Found(*found, (candidate,), self._thresholds)
        sides = {"": Present(scene, recorded)}
        weighed = weigh(sides[""], self._model)
        for look in self._learned.likely(target, looks, scene) if self._learned else ():
            sides[look.id] = Present(scene, look.recorded)
            weighed = together(weighed, [look.claimed(each) for each in weigh(sides[look.id], self._model)])
        decided = decide(weighed, self._thresholds, has_dialog=scene.dialog is not None)
        if not isinstance(decided, Found):
            return decided
        return replace(decided, box=control_at(sides[decided.candidates[0].look], decided.box))

    def _recall(self, target: Target) -> _Knowledge:
        """What was worked out about a target, once."""
        known = self._known.get(target)
        if known is None:
            recorded = Recorded(target)
            looks = self._learned.of(target) if self._learned else ()
            known = self._known[target] = _Knowledge(recorded, distinctive_view(recorded), looks)
        return known


class _Knowledge(NamedTuple):
    """What was worked out about a target: its recorded look, with its distinctive view, and its learned ones."""

    recorded: Recorded
    view: View | None
    looks: tuple[Look, ...]


def together(recorded: tuple[Candidate, ...], learned: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """All candidates, the surest first; of those that are one place, only the surest.

    Args:
        recorded: What was weighed by one look, or by several.
        learned: What was weighed by one look more.
    """
    kept: list[Candidate] = []
    for candidate in ranked([*recorded, *learned]):
        if not any(candidate.look != other.look and are_one(candidate.box, other.box) for other in kept):
            kept.append(candidate)
    return tuple(kept)


def decide(candidates: tuple[Candidate, ...], thresholds: Thresholds, *, has_dialog: bool = False) -> Resolution:
    """The rule on confidence and ambiguity.

    Args:
        candidates: All places that might be the target, the surest first.
        thresholds: What is demanded of a place.
        has_dialog: A dialog covers the rest of the screen.
    """
    named = tuple(candidate for candidate in candidates if candidate.confidence >= _WORTH_NAMING)
    if not named:
        behind = "A dialog covers the screen and the target is not on it." if has_dialog else ""
        return NotFound(behind or "Nothing on this screen is like the target.", candidates[:3], thresholds)
    best = named[0]
    fitting = [candidate for candidate in named if _fits(candidate.evidence)]
    if best in fitting and best.confidence < thresholds.found_from and len(fitting) > 1:
        return Ambiguous(f"{len(fitting)} places fit, and nothing tells which was recorded.", named, thresholds)
    rivals = [other for other in named[1:] if not are_one(best.box, other.box)]
    nearest = rivals[0].confidence if rivals else 0.0
    if nearest >= _RIVAL_FROM and best.confidence - nearest < thresholds.lead_from:
        return Ambiguous(
            f"{1 + sum(rival.confidence >= _RIVAL_FROM for rival in rivals)} places could be the target, the best "
            f"with a probability of {score_words(best.confidence)}, the next with {score_words(nearest)}; "
            f"a lead of {thresholds.lead_from:.2f} is needed.",
            named,
            thresholds,
        )
    if best.confidence < thresholds.found_from:
        return NotFound(
            f"The likeliest place has a probability of {score_words(best.confidence)}; "
            f"{thresholds.found_from:.2f} is needed.",
            named,
            thresholds,
        )
    return Found(best.point, best.box, best.confidence, best.method, named, thresholds)


def _fits(evidence: Mapping[str, float]) -> bool:
    """Whether a place is the same thing in the same row, as far as each of them is known."""
    thing = "text" if "text" in evidence else "drawn" if "drawn" in evidence else "label"
    return all(evidence.get(name, 1.0) >= _FITTING for name in (thing, "row", "identity"))


def weigh(present: Present, model: Model) -> tuple[Candidate, ...]:
    """All places that might be the target, with their evidence and probability, the surest first.

    Args:
        present: The screen and the target that is looked for on it.
        model: What turns evidence into confidence.
    """
    recorded, proposals = present.recorded, propose(present)
    weighed = weigh_evidence(present, proposals)
    return ranked(
        [
            Candidate(
                point_of(recorded, proposal.box, proposal.method),
                proposal.box,
                model.probability(feature),
                proposal.method,
                evidence,
                proposal.text,
            )
            for proposal, evidence, feature in weighed
        ]
    )


def weigh_evidence(
    present: Present, proposals: list[Proposal]
) -> list[tuple[Proposal, dict[str, float], dict[str, float]]]:
    """Each thing that was proposed, with its evidence and the features that the model looks at.

    What was proposed twice, as a frame and as the words in it, is weighed as what is more like the target; of what is
    least like the target the surroundings are not looked at.
    """
    recorded, has_text = present.recorded, bool(present.recorded.text)
    weighed = [(proposal, present.thing_at(proposal.box, proposal.text)) for proposal in proposals]
    weighed.sort(key=lambda pair: -sameness(recorded.kind, pair[1], has_text=has_text))
    kept: list[tuple[Proposal, dict[str, float]]] = []
    for proposal, mine in weighed:
        if not any(are_one(proposal.box, other.box) for other, _ in kept):
            kept.append((proposal, mine))
        if len(kept) == _MOST_WEIGHED:
            break
    for proposal, mine in kept:
        mine.update(present.surroundings_of(proposal.box, mine))
    same = {Kind.WORDS: "text", Kind.ICON: "drawn"}.get(recorded.kind, "kind")
    for proposal, mine in kept:
        others = [
            other.box
            for other, theirs in kept
            if other is not proposal and min(mine.get(same, 0), theirs.get(same, 0)) >= _TWIN
        ]
        if any(present.are_twins(proposal.box, other) for other in others):
            mine["twin"] = 1.0
    listed = features(recorded.kind, [(proposal.box, each) for proposal, each in kept], has_text=has_text)
    return [(proposal, mine, feature) for (proposal, mine), feature in zip(kept, listed, strict=True)]
