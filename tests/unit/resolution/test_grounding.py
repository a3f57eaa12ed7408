"""What a model's word is worth, and what it cannot do; the model here is one that says what it is told to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import pytest

from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Ambiguous, Candidate, Found, Method, NotFound, Resolution, Thresholds
from steadyhand.resolution.grounding import Grounder, believed
from steadyhand.resolution.target import Target
from steadyhand.resolution.vision_model import Choice
from steadyhand.screen.drawing import panel, write, write_inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steadyhand.resolution.vision_model import Question, VisionModel

INK, PAPER, GROUND = (40, 40, 40), (255, 255, 255), (245, 245, 245)
DEMANDED = Thresholds(found_from=0.85, lead_from=0.35)
SAVE, SEND, DELETE = Box(40, 60, 100, 34), Box(40, 120, 100, 34), Box(40, 180, 100, 34)


def screen(*labels: str) -> NDArray[np.uint8]:
    """A small screen with buttons below one another, the first at `SAVE`."""
    image = np.full((300, 400, 3), GROUND, np.uint8)
    for number, label in enumerate(labels):
        box = SAVE.shifted(0, 60 * number)
        panel(image, box, PAPER, (160, 160, 160))
        write_inside(image, label, box, 16, INK)
    return image


RECORDED = screen("Save", "Send", "Delete")
TARGET = Target.from_frame(RECORDED, SAVE.center, SAVE)
NOW = screen("Save draft", "Send", "Delete")


@dataclass
class Parrot:
    """A model that names what it is told to, by its place, and remembers what it was asked."""

    box: Box | None = None
    complaint: str = ""
    questions: list[Question] = field(default_factory=list)

    def choose(self, question: Question, within_s: float) -> Choice:
        """Name it."""
        assert within_s > 0
        self.questions.append(question)
        named = (mark["mark"] for mark in self.marks if self.box and Box(*mark["box"]).contains(self.box.center))
        return Choice(next(named, 0), self.complaint)

    @property
    def marks(self) -> list[dict[str, Any]]:
        """The marks that it was offered last."""
        return cast("list[dict[str, Any]]", json.loads(self.questions[-1].words.split("present screen: ")[1]))


def candidate(box: Box, confidence: float, reads: str = "", **evidence: float) -> Candidate:
    """A place that was weighed."""
    return Candidate(box.center, box, confidence, Method.SOM_TEXT_MATCH, evidence, reads)


def missed(*candidates: Candidate) -> NotFound:
    """What the cascade says of a target for which the evidence was not enough."""
    return NotFound("Not enough.", candidates, DEMANDED)


def ground(parrot: Parrot, resolution: Resolution, **rules: Any) -> Resolution:
    """What becomes of it when the parrot is asked."""
    return Grounder(cast("VisionModel", parrot), **rules).ground(TARGET, NOW, resolution)


# ---------------------------------------------------------------------------------------------------------- belief


def test_a_word_is_worth_seven_to_three() -> None:
    """A witness who is right in seven of ten cases makes even odds to odds of seven to three."""
    assert believed([0.5], 0) == pytest.approx([0.7])


def test_what_is_named_gains_what_the_others_lose() -> None:
    """All beliefs together never exceed certainty, however sure each one was alone."""
    beliefs = believed([0.8, 0.6, 0.1], 1)
    assert sum(beliefs) == pytest.approx(1.0)
    assert beliefs[1] > 0.6
    assert beliefs[0] < 0.5


def test_a_witness_who_guesses_changes_nothing() -> None:
    """Somebody who is right as often as wrong tells nothing."""
    assert believed([0.3, 0.2], 0, trust=0.5) == pytest.approx([0.3, 0.2])


# ----------------------------------------------------------------------------------------------------------- finds


def test_what_was_nearly_sure_is_found() -> None:
    """With the model's word there is enough, and the confidence says just how much."""
    found = ground(Parrot(SAVE), missed(candidate(SAVE, 0.75, "Save draft"), candidate(SEND, 0.2, "Send")))
    assert isinstance(found, Found)
    assert found.method is Method.SOM_VLM
    assert found.confidence == pytest.approx(believed([0.75, 0.2], 0)[0])
    assert found.point == SAVE.center
    assert found.candidates[0].evidence["model"] == 1.0
    assert found.candidates[1].evidence["model"] == 0.0
    assert found.thresholds == DEMANDED


def test_of_two_the_likelier_one_may_be_told_by_the_model() -> None:
    """An ambiguous target is found if the model names the one for which there was more already."""
    both = Ambiguous("Two.", (candidate(SAVE, 0.8, "Save"), candidate(SEND, 0.5, "Save")), Thresholds(0.75, 0.35))
    assert isinstance(ground(Parrot(SAVE), both), Found)
    other = ground(Parrot(SEND), both)
    assert isinstance(other, Ambiguous)
    assert other.candidates == both.candidates


def test_a_find_is_left_as_it_is() -> None:
    """Whoever is sure asks nobody."""
    parrot = Parrot(SEND)
    found = Found(SAVE.center, SAVE, 0.99, Method.ANCHOR_TEMPLATE, thresholds=DEMANDED)
    assert ground(parrot, found) is found
    assert parrot.questions == []


# ---------------------------------------------------------------------------------------------------------- misses


@pytest.mark.parametrize("confidence", [0.05, 0.3, 0.5])
def test_nobody_is_asked_where_a_yes_would_not_do(confidence: float) -> None:
    """What is too unlikely would stay so whatever the model says, so that a question would be money for nothing."""
    parrot = Parrot(SAVE)
    miss = missed(candidate(SAVE, confidence, "Save draft"))
    assert ground(parrot, miss) is miss
    assert parrot.questions == []


def test_nobody_is_asked_about_nothing() -> None:
    """A screen without a single candidate is no question."""
    parrot = Parrot(SAVE)
    assert ground(parrot, missed()) == missed()
    assert parrot.questions == []


def test_none_of_them_is_a_miss() -> None:
    """A model that names nothing leaves the miss as it was, and the reason says so."""
    miss = ground(Parrot(None), missed(candidate(SAVE, 0.75, "Save draft")))
    assert isinstance(miss, NotFound)
    assert miss.reason.startswith("Not enough. The vision-language model says that it is none of ")


def test_a_model_that_fails_is_a_miss() -> None:
    """What went wrong stands in the reason."""
    miss = ground(Parrot(None, complaint="it answered with status 500"), missed(candidate(SAVE, 0.75, "Save draft")))
    assert isinstance(miss, NotFound)
    assert miss.reason == "Not enough. The vision-language model was of no help: it answered with status 500."


def test_a_mark_for_which_nothing_speaks_is_refused() -> None:
    """An element that was marked for company is never found, though the model names it."""
    parrot = Parrot(None)
    ground(parrot, missed(candidate(SAVE, 0.75, "Save draft")))
    beside = next(mark for mark in parrot.marks if mark["text"] == "Delete")
    miss = ground(Parrot(Box(*beside["box"])), missed(candidate(SAVE, 0.75, "Save draft")))
    assert isinstance(miss, NotFound)
    assert "but nothing else speaks for it" in miss.reason


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ({"twin": 1.0}, "it has a twin"),
        ({"kind": 0.0}, "it is another kind of thing"),
        ({"identity": 0.3}, "it stands among other things"),
    ],
)
def test_what_the_evidence_forbids_stays_refused(evidence: dict[str, float], why: str) -> None:
    """A twin, another kind of thing, another row: no word of a model makes up for it."""
    forbidden = candidate(SEND, 0.3, "Save", **evidence)
    miss = ground(Parrot(SEND), missed(candidate(SAVE, 0.8, "Save draft"), forbidden))
    assert isinstance(miss, NotFound)
    assert f"names the place at 90, 137, but {why}" in miss.reason


def test_the_opposite_stays_refused() -> None:
    """A button that undoes what the target does is never found, though it stands where the target stood."""
    target = Target.from_frame(RECORDED, DELETE.center, DELETE)
    now = screen("Save", "Delete", "Add")
    weighed = missed(candidate(SEND, 0.8, "Delete"), candidate(DELETE, 0.3, "Add"))
    miss = Grounder(cast("VisionModel", Parrot(DELETE))).ground(target, now, weighed)
    assert isinstance(miss, NotFound)
    assert "it says the opposite" in miss.reason


def test_what_is_disabled_stays_refused() -> None:
    """A button that is drawn faintly cannot be used: nobody is asked about it."""
    now = screen("Save draft", "Send", "Delete")
    faint = now[60:94, 40:140]
    faint[:] = 255 - (255 - faint.astype(int)) // 3
    parrot, miss = Parrot(SAVE), missed(candidate(SAVE, 0.75, "Save draft"))
    assert Grounder(cast("VisionModel", parrot)).ground(TARGET, now, miss) is miss
    assert parrot.questions == []


def test_a_weak_candidate_is_not_lifted_over_a_strong_one() -> None:
    """The model's word alone is never enough."""
    miss = ground(Parrot(SEND), missed(candidate(SAVE, 0.8, "Save draft"), candidate(SEND, 0.2, "Save as")))
    assert isinstance(miss, NotFound)
    assert "even so its probability is only" in miss.reason


def test_agreement_may_be_required() -> None:
    """Then some other evidence has to single out the same thing, or it is refused without asking."""
    alone = missed(candidate(SAVE, 0.75, "Save draft", text=0.8, row=0.6), candidate(SEND, 0.1, text=0.3))
    parrot = Parrot(SAVE)
    assert ground(parrot, alone, require_agreement=True) is alone
    assert parrot.questions == []
    agreed = missed(candidate(SAVE, 0.75, "Save draft", text=0.8, row=0.95), candidate(SEND, 0.1, text=0.3, row=0.2))
    assert isinstance(ground(Parrot(SAVE), agreed, require_agreement=True), Found)
    shared = missed(candidate(SAVE, 0.75, "Save draft", text=0.8, row=0.95), candidate(SEND, 0.1, text=0.3, row=0.95))
    assert isinstance(ground(Parrot(SAVE), shared, require_agreement=True), NotFound)


# ------------------------------------------------------------------------------------------------------ a question


def test_marks_are_numbered_by_their_place() -> None:
    """The numbers tell nothing of which candidate is the likeliest."""
    parrot = Parrot(DELETE)
    ground(parrot, missed(candidate(DELETE, 0.75, "Delete"), candidate(SAVE, 0.1, "Save draft")))
    heights = [mark["box"][1] for mark in parrot.marks]
    assert heights == sorted(heights)
    assert [mark["mark"] for mark in parrot.marks] == list(range(1, len(heights) + 1))


def test_a_single_candidate_has_company() -> None:
    """There is always something to choose between, each thing once."""
    parrot = Parrot(None)
    ground(parrot, missed(candidate(SAVE, 0.75, "Save draft"), candidate(SAVE.grown(-4), 0.6, "Save draft")))
    assert parrot.questions[0].marks == len(parrot.marks) >= 3
    assert sorted(mark["text"] for mark in parrot.marks)[:2] == ["Delete", "Save draft"]


def test_what_is_hidden_is_not_sent() -> None:
    """Pictures and words go out only as what hides secrets leaves them."""
    secret = Box(180, 50, 200, 60)
    now = screen("Save draft", "Send", "Delete")
    write(now, "hunter2", 200, 90, 20, INK)

    def without_it(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shown = picture.copy()
        shown[50:110, 180:380] = 0
        return shown

    parrot = Parrot(None)
    grounder = Grounder(cast("VisionModel", parrot), without_it, lambda words: words.replace("Save", "***"))
    grounder.ground(TARGET, now, missed(candidate(SAVE, 0.75, "Save draft"), candidate(secret, 0.1, "hunter2")))
    (question,) = parrot.questions
    assert "hunter2" not in question.words
    assert "Save" not in question.words
    for raw in (question.recorded, question.screen):
        picture = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture[60:100, 190:370].max() == 0
