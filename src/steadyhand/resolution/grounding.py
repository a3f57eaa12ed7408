"""The rung `som_vlm`: where the evidence alone was nearly enough, a vision-language model is asked.

The *things* that the cascade weighed, and some others of their size beside them, get numbered marks; the model sees the
recorded screen with the target on it and the present one with the marks, and names one mark or none. Its answer is one
more evidence and nothing else:

- It changes the probability of each thing by Bayes' rule, as much as a witness deserves who is right in seven of
  ten cases (`TRUST`); the rule on confidence and ambiguity is that of all other rungs. Where even a yes could not make
  a find of it, nobody is asked.
- A thing whose own evidence speaks against it stays refused, whoever names it.
- Numbers follow the place on the screen, not the probability: they tell the model nothing of what we believe.

What is written on the screen is data. The worst that it can make a model do is to name another mark.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.model.outcome import Ambiguous, Candidate, Found, Method, NotFound, Resolution
from steadyhand.perception.marks import with_frame, with_marks
from steadyhand.perception.scene import Scene
from steadyhand.perception.template import cut
from steadyhand.perception.wording import fold, without_icons
from steadyhand.resolution.cascade import decide
from steadyhand.resolution.confidence import are_one
from steadyhand.resolution.controls import Kind
from steadyhand.resolution.evidence import Present
from steadyhand.resolution.meaning import are_opposites
from steadyhand.resolution.recorded import Recorded
from steadyhand.resolution.rungs import control_at, ranked
from steadyhand.resolution.vision_model import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steadyhand.model.geometry import Box
    from steadyhand.model.outcome import Thresholds
    from steadyhand.resolution.target import Target
    from steadyhand.resolution.vision_model import VisionModel

HidePicture = Callable[["NDArray[np.uint8]"], "NDArray[np.uint8]"]
HideWords = Callable[[str], str]

TRUST = 0.7
"""How often the model is taken to be right, and each of its errors to fall just upon the thing that it should not.

Source: a decision, for it cannot be fitted where the model is not known. On 861 of the development cases a model that
names the most harmful mark each time would bring about no wrong click at 0.7, three at 0.8 and 13 at 0.9.
"""

_MOST_MARKS = 16
_LIKE_SIZE = 8.0
"""How many times as large or small, by area, a thing may be that is marked beside the ones in question."""

_LONGEST_WORDS = 120
_LEAST_EVIDENCE = {"kind": (0.5, "it is another kind of thing"), "identity": (0.5, "it stands among other things")}
_FAINT = 0.5
"""Share of the recorded contrast below which words are faint. Source: of 60 targets of the development cases that had
changed, dark themes among them, none with words fell below 0.65; fields did, whose borders get lighter."""

_AGREES = 0.9
_AGREEING = ("text", "label", "drawn", "look", "identity", "row", "place")


@dataclass(frozen=True, slots=True)
class Grounder:
    """What turns some misses into finds by asking a model.

    Attributes:
        model: Whom to ask.
        hide_picture: Hides secrets on a picture (uint8, (height, width, 3), blue-green-red) before it is sent.
        hide_words: Hides secrets in words before they are sent.
        require_agreement: The model's choice counts only if some other evidence, by itself, singles out the same thing.
    """

    model: VisionModel
    hide_picture: HidePicture = lambda picture: picture
    hide_words: HideWords = lambda words: words
    require_agreement: bool = False

    def ground(
        self, target: Target, image: NDArray[np.uint8], resolution: Resolution, within_s: float = math.inf
    ) -> Resolution:
        """Ask the model, if its answer could turn a miss into a find.

        Args:
            target: What is looked for.
            image: The screen as it is now: uint8, (height, width, 3), blue-green-red.
            resolution: What the cascade gave for this target on this screen.
            within_s: How many seconds there are for it.

        Returns:
            A find by `som_vlm`, or what was given; a miss then says, if the model was asked, what came of that.
        """
        if isinstance(resolution, Found) or resolution.thresholds is None:
            return resolution
        things, present = _things(resolution.candidates), Present(Scene.of(image), Recorded(target))
        chosen: list[Found | str] = [
            self._if_named(number, things, present, resolution.thresholds) for number in range(len(things))
        ]
        if not any(isinstance(each, Found) for each in chosen):
            return resolution
        controls = [control_at(present, thing.box) for thing in things]
        offered = [*zip(controls, chosen, strict=True)]
        offered += [(box, "nothing else speaks for it") for box in _others(present.scene, controls)]
        offered.sort(key=lambda mark: (mark[0].y, mark[0].x))
        marks = [box for box, _ in offered]
        choice = self.model.choose(self._question(target, image, marks), within_s)
        if choice.complaint:
            return _with_note(resolution, f"The vision-language model was of no help: {choice.complaint}.")
        if choice.mark == 0:
            return _with_note(resolution, f"The vision-language model says that it is none of {len(marks)} marks.")
        box, verdict = offered[choice.mark - 1]
        if isinstance(verdict, Found):
            return replace(verdict, box=box)
        x, y = (round(number) for number in box.center)
        return _with_note(resolution, f"The vision-language model names the place at {x}, {y}, but {verdict}.")

    def _if_named(
        self, number: int, things: Sequence[Candidate], present: Present, thresholds: Thresholds
    ) -> Found | str:
        """What would come of it if the model named a thing: a find, or why not."""
        against = _evidence_against(things[number], present)
        if against:
            return against
        if self.require_agreement and not _is_singled_out(number, things):
            return "no other evidence singles it out"
        beliefs = believed([thing.confidence for thing in things], number)
        told = [
            replace(thing, confidence=belief, evidence={**thing.evidence, "model": float(other == number)})
            for other, (thing, belief) in enumerate(zip(things, beliefs, strict=True))
        ]
        told[number] = replace(told[number], method=Method.SOM_VLM)
        decided = decide(ranked(told), thresholds)
        if isinstance(decided, Found) and decided.method is Method.SOM_VLM:
            return decided
        return f"even so its probability is only {beliefs[number]:.2f}"

    def _question(self, target: Target, image: NDArray[np.uint8], marks: Sequence[Box]) -> Question:
        """What the model is shown and told: all of it comes from pictures and words in which secrets are hidden."""
        hidden = self.hide_picture(image)
        scene = Scene.of(hidden)
        listed = [
            {"mark": number, "text": self._words(scene.text_in(box)), "box": [round(side) for side in box]}
            for number, box in enumerate(marks, start=1)
        ]
        known = {"text": self._words(target.text), "label": self._words(target.label)}
        return Question(
            recorded=_png(with_frame(self.hide_picture(target.image), target.box)),
            screen=_png(with_marks(hidden, marks)),
            words=(
                f"The target as it was recorded: {json.dumps(known, ensure_ascii=False)}\n"
                f"The marks on the present screen: {json.dumps(listed, ensure_ascii=False)}"
            ),
            marks=len(marks),
        )

    def _words(self, text: str) -> str:
        """Words as they are sent."""
        return self.hide_words(text)[:_LONGEST_WORDS]


def believed(probabilities: Sequence[float], named: int, trust: float = TRUST) -> list[float]:
    """What to believe of each thing after a witness named one of them.

    At most one of the things is the target, so their probabilities are first brought down to a sum of 1 at most. If the
    named one is the target, the witness names it with a chance of `trust`; if it is not, with one of `1 - trust`: as if
    each of his errors fell upon this very thing.

    Args:
        probabilities: That each thing is the target, before.
        named: Which one was named.
        trust: How often the witness is right.

    Source: Bayes' rule.
    """
    total = max(1.0, sum(probabilities))
    before = [probability / total for probability in probabilities]
    shares = [trust if number == named else 1 - trust for number in range(len(before))]
    answered = trust * before[named] + (1 - trust) * (1 - before[named])
    return [share * probability / answered for share, probability in zip(shares, before, strict=True)]


def _things(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, the surest first, each thing once: it may have been proposed by its words and by its picture."""
    things: list[Candidate] = []
    for candidate in candidates:
        if len(things) < _MOST_MARKS and not any(are_one(candidate.box, thing.box) for thing in things):
            things.append(candidate)
    return things


def _others(scene: Scene, controls: Sequence[Box]) -> list[Box]:
    """Other elements of about the size of the surest control and apart from all of them, the nearest to it first.

    With them there is something to choose: whoever is asked about one mark alone is tempted to say yes.
    """
    box, taken = controls[0], list(controls)
    elements = (*scene.tick_boxes, *scene.rectangles, *(phrase.box for phrase in scene.phrases), *scene.icons)
    for other in sorted(elements, key=lambda other: math.dist(other.center, box.center)):
        is_like = box.area / _LIKE_SIZE <= other.area <= box.area * _LIKE_SIZE
        if len(taken) < _MOST_MARKS and is_like and not any(other.intersection(each).area > 0 for each in taken):
            taken.append(other)
    return taken[len(controls) :]


def _evidence_against(thing: Candidate, present: Present) -> str:
    """Why a thing is refused whoever names it, as the end of a sentence; empty if nothing speaks against it."""
    recorded = present.recorded
    if "twin" in thing.evidence:
        return "it has a twin, and nothing tells the two apart"
    if are_opposites(without_icons(recorded.text), without_icons(fold(thing.text))):
        return "it says the opposite"
    for name, (least, why) in _LEAST_EVIDENCE.items():
        if thing.evidence.get(name, 1.0) < least:
            return why
    contrast = _contrast(cut(present.scene.gray, thing.box.grown(2)))
    if recorded.kind is Kind.WORDS and contrast < _FAINT * _contrast(recorded.crop):
        return "it is faint, as what cannot be used is"
    return ""


def _contrast(gray: NDArray[np.uint8]) -> float:
    """How much a thing stands out, of 256: the range of its brightness, a few stray pixels left out."""
    return float(np.ptp(np.percentile(gray, (2, 98)))) if gray.size else 0.0


def _is_singled_out(number: int, things: Sequence[Candidate]) -> bool:
    """Whether one kind of evidence speaks for a thing, and for no other one."""
    return any(
        things[number].evidence.get(name, 0.0) >= _AGREES
        and all(thing.evidence.get(name, 0.0) < _AGREES for thing in things if thing is not things[number])
        for name in _AGREEING
    )


def _with_note(miss: NotFound | Ambiguous, note: str) -> Resolution:
    """A miss that says what came of asking."""
    return replace(miss, reason=f"{miss.reason} {note}")


def _png(picture: NDArray[np.uint8]) -> bytes:
    """A picture as PNG: it keeps the edges of letters."""
    encoded, raw = cv2.imencode(".png", picture)
    assert encoded, "PNG takes every picture"
    return raw.tobytes()
