"""From evidence to a probability of being right.

The evidence about a candidate is brought into *features*: how surely it is the same thing (*sameness*, by what matters
for its kind), how surely it is in the same surroundings, and by how much its surroundings fit better than those of its
best *rival*, another candidate that is as much the same thing. A logistic model, fitted on recorded cases whose truth
is known, makes a probability of them. Its weights are a small file beside this module that can be read and reviewed.

No weight may be such that more evidence makes a candidate less likely: what speaks for it never counts against it.

Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999, for a logistic curve as calibration; the
    weights are fitted by `steadyhand.bench.calibrate` on the development cases alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from steadyhand.model.outcome import Thresholds
from steadyhand.resolution.controls import Kind
from steadyhand.resolution.surroundings import are_in_one_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steadyhand.model.geometry import Box

_RIVAL_SLACK = 0.2
_DRAWN = 2.0
"""A drawing tells two things apart twice as well as their surroundings do."""
_OTHER_DRAWING = 0.5
"""What is drawn so much less like it is another thing, whatever stands around it: an arrow the other way."""
_NO_RIVAL_LEAD, _NO_LEAD = 0.8, 0.1
_PART = 1.5
"""How fast a text counts less that is but a part of what is written there: another thing says more."""
_ENOUGH_AROUND = 0.5
"""Half of what stood around a thing is as good as all of it: what else there is changes from release to release."""


@dataclass(frozen=True, slots=True)
class Model:
    """The fitted model.

    Attributes:
        weights: The weight of each feature, by its name.
        intercept: The weight of nothing at all.
        seen_unchanged: The probability that a place is right whose whole view is as it was recorded.
        normal: What is demanded of a place as a rule.
        degraded: What is demanded while a workflow is degraded: more.
    """

    weights: Mapping[str, float]
    intercept: float
    seen_unchanged: float
    normal: Thresholds
    degraded: Thresholds

    @staticmethod
    @cache
    def fitted() -> Model:
        """The model that ships with the product."""
        raw = json.loads((files("steadyhand.resolution") / "confidence.json").read_text("utf-8"))
        normal, degraded = (Thresholds(**raw.pop(mode)) for mode in ("normal", "degraded"))
        return Model(**raw, normal=normal, degraded=degraded)

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability that a candidate with these features is the target."""
        logit = self.intercept + sum(self.weights.get(name, 0.0) * value for name, value in features.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def sameness(kind: Kind, evidence: Mapping[str, float], *, has_text: bool) -> float:
    """How surely a candidate is the same thing, by what matters for its kind, 0 to 1.

    Args:
        kind: What the target is.
        evidence: What is known of the candidate.
        has_text: Something was written on the target.
    """
    text = evidence.get("text", 0.0) * math.pow(evidence.get("whole", 1.0), _PART)
    label, is_kind, shape = evidence.get("label", 0.0), evidence.get("kind", 0.0), evidence["shape"]
    if kind is Kind.WORDS:
        return text
    if kind is Kind.FIELD:
        named = label * (0.1 + 0.9 * shape) * (0.2 + 0.8 * is_kind)
        nameless = is_kind * shape * (0.85 if "label" not in evidence and not has_text else 0.15)
        return max(named, 0.95 * text * (0.5 + 0.5 * shape) * (0.2 + 0.8 * is_kind), nameless)
    if kind is Kind.TICK:
        named = label if "label" in evidence else evidence.get("identity", evidence.get("row", 0.5))
        return is_kind * (0.25 + 0.75 * named)
    return evidence["drawn"] * (0.4 + 0.6 * is_kind)


def surroundings(evidence: Mapping[str, float]) -> float:
    """How much of what stood around the target stands around a candidate, 0 to 1."""
    shares = (("row", 1.0), ("column", 1.0), ("place", 1.0), ("identity", 1.5), ("side", 0.5))
    total = sum(weight for name, weight in shares if name in evidence)
    return sum(weight * evidence[name] for name, weight in shares if name in evidence) / total if total else 0.5


def lead(mine: Mapping[str, float], theirs: Mapping[str, float], *, in_one_row: bool) -> float:
    """By how much the surroundings of one candidate fit better than those of another one.

    Of two in the same row, the column tells, and the place. Otherwise the row decides where there is one: the things
    above and below a row, and its place, change when a list is sorted.
    """
    if in_one_row:
        names = ("column", "place", "side", "drawn", "look", "kind")[: None if "text" not in mine else 3]
        shares = [mine[name] - theirs[name] for name in names if name in mine and name in theirs]
        return max(shares, default=0.0, key=abs)
    if "identity" in mine:
        return max(mine[name] - theirs.get(name, 0.0) for name in ("identity", "row", "drawn") if name in mine)
    weights = {"row": 2.0, "column": 1.0, "place": 1.0, "side": 1.0}
    if "kind" in mine:  # of things without words of their own
        weights["label"] = 2.0
    shared = {name: weight for name, weight in weights.items() if name in mine and name in theirs}
    by_each = sum(weight * (mine[name] - theirs[name]) for name, weight in shared.items())
    by_drawing = _DRAWN * (mine["drawn"] - theirs["drawn"]) if "drawn" in mine and "drawn" in theirs else 0.0
    by_around = by_each / sum(shared.values()) if shared else 0.0
    return by_drawing if by_drawing <= -_OTHER_DRAWING else max(by_around, by_drawing)


def are_one(left: Box, right: Box) -> bool:
    """Whether two boxes are the same thing, seen twice."""
    return left.overlap(right) > 0.3 or left.contains(right.center) or right.contains(left.center)


def features(
    kind: Kind, proposals: Sequence[tuple[Box, Mapping[str, float]]], *, has_text: bool
) -> list[dict[str, float]]:
    """What the model looks at, for each candidate.

    Args:
        kind: What the target is.
        proposals: Each candidate's box and evidence.
        has_text: Something was written on the target.
    """
    same = [sameness(kind, evidence, has_text=has_text) for _, evidence in proposals]
    result: list[dict[str, float]] = []
    for mine, (box, evidence) in enumerate(proposals):
        leads = [
            lead(evidence, rival, in_one_row=are_in_one_row(box, rival_box))
            for other, (rival_box, rival) in enumerate(proposals)
            if other != mine and same[other] >= same[mine] - _RIVAL_SLACK and not are_one(box, rival_box)
        ]
        least_lead = max(-0.5, min(_NO_RIVAL_LEAD, min(leads, default=_NO_RIVAL_LEAD)))
        if "twin" in evidence:
            least_lead = min(least_lead, 0.0)
        around, identity = surroundings(evidence), evidence.get("identity", 1.0)
        told = min(1.0, max(0.0, 2.2 * identity - 0.8))  # half of what tells it from its look-alikes is too little
        result.append(
            {
                **{f"is_{each.value}": float(kind is each) for each in Kind},
                **{f"same_{each.value}": same[mine] * (kind is each) for each in Kind},
                "around": min(around, _ENOUGH_AROUND),
                "located": max(evidence.get("place", 0.3), evidence.get("identity", 0.0)),
                "lead": least_lead,
                "no_lead": float(least_lead < _NO_LEAD),
                "no_rival": float(not leads),
                "page": min(evidence["page"], _ENOUGH_AROUND),
                "weakest": min(same[mine], told, max(0.0, 3 * least_lead), 2 * evidence["page"]),
            }
        )
    return result
