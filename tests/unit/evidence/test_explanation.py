"""The picture of a decision says what was looked for, what was weighed, what came of it, and why."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.evidence.explanation import IN_WORDS, SHOWN_CANDIDATES, explain
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Ambiguous, Candidate, Found, Method, NotFound, Thresholds
from steadyhand.perception.scene import Scene
from steadyhand.resolution import evidence as kinds_of_evidence
from steadyhand.resolution.target import Target
from steadyhand.screen.drawing import BOLD, panel, write, write_inside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from steadyhand.model.outcome import Resolution

ENABLE, DISABLE = Box(300, 120, 110, 34), Box(300, 200, 110, 34)
DEMANDED = Thresholds(0.85, 0.35)


def screen(width: int = 720, height: int = 420) -> NDArray[np.uint8]:
    """A screen with two buttons."""
    image = np.full((height, width, 3), 248, np.uint8)
    for box, words in ((ENABLE, "Enable"), (DISABLE, "Disable")):
        panel(image, box, (170, 84, 30), radius=5)
        write_inside(image, words, box, 16, (255, 255, 255), BOLD)
    write(image, "Alder Joinery", 60, 142, 16, (40, 30, 20))
    return image


def target() -> Target:
    """The upper button."""
    return Target(screen(), ENABLE.center, ENABLE, "Enable", "", ())


def candidate(box: Box, confidence: float, text: str = "", evidence: Mapping[str, float] | None = None) -> Candidate:
    """A place that was weighed."""
    return Candidate(box.center, box, confidence, Method.SOM_TEXT_MATCH, evidence or {}, text)


SURE = candidate(ENABLE, 0.97, "Enable", {"text": 1.0, "row": 0.9, "shape": 0.5})
OPPOSITE = candidate(DISABLE, 0.02, "Disable", {"text": 0.0, "row": 0.1, "shape": 1.0})
FOUND = Found(ENABLE.center, ENABLE, 0.97, Method.SOM_TEXT_MATCH, (SURE, OPPOSITE), DEMANDED)


def says(picture: NDArray[np.uint8], *sentences: str) -> list[str]:
    """Those of some sentences that can be read on a picture."""
    scene = Scene.of(picture)
    return [sentence for sentence in sentences if scene.find_text(sentence)]


def has_colour(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    """How many pixels of a colour there are."""
    return int((picture == np.array(colour, np.uint8)).all(axis=2).sum())


@pytest.mark.parametrize(
    ("resolution", "sentences"),
    [
        (FOUND, ("It is the target with a probability of 0.97", "0.85 is needed", "the next place has 0.02")),
        (
            NotFound("The likeliest place has a probability of 0.40; 0.85 is needed.", (OPPOSITE,), DEMANDED),
            ("NOT FOUND", "The likeliest place has a probability of 0.40", "not likely enough"),
        ),
        (
            Ambiguous("2 places could be the target.", (SURE, replace(OPPOSITE, confidence=0.9)), DEMANDED),
            ("AMBIGUOUS", "2 places could be the target", "could be it"),
        ),
        (
            NotFound("Nothing on this screen is like the target.", (), DEMANDED),
            ("Nothing on this screen is like the target", "No place on this screen was worth weighing"),
        ),
    ],
    ids=["found", "not found", "ambiguous", "no candidate"],
)
def test_each_decision_is_said_in_words(resolution: Resolution, sentences: tuple[str, ...]) -> None:
    """What came of it can be read at the top, with what was demanded; so can what became of each candidate."""
    assert says(explain(target(), screen(), resolution), *sentences) == list(sentences)


def test_what_speaks_for_and_against_a_candidate_is_said_in_words() -> None:
    """High and low evidence has words of its own; what lies between is left out."""
    said = ("same text", "same row", "opposite meaning", "another row")
    picture = explain(target(), screen(), FOUND)
    assert says(picture, *said, "another size") == list(said)
    assert len(Scene.of(picture).find_text("same size")) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("LOG IN", "same text"), ("Se connecter", "same meaning"), ("Log into", "nearly the same text")],
)
def test_how_texts_are_the_same_is_said(text: str, words: str) -> None:
    """The same words, other words for the same, and words that are nearly the same are told apart."""
    one = candidate(ENABLE, 0.9, text, {"text": 0.9})
    resolution = Found(one.point, one.box, one.confidence, one.method, (one,), DEMANDED)
    assert says(explain(replace(target(), text="Log in"), screen(), resolution), words) == [words]


def test_a_row_that_says_the_same_speaks_against_both() -> None:
    """That the screen shows the same row twice is the first thing that is said against a candidate."""
    twin = candidate(ENABLE, 0.2, "Enable", {"text": 1.0, "twin": 1.0})
    assert says(
        explain(target(), screen(), NotFound("No.", (twin,), DEMANDED)), "another row says just the same", "twin"
    ) == ["another row says just the same"]


def test_each_kind_of_evidence_has_words() -> None:
    """Everything that `steadyhand.resolution.evidence` lists is told in plain words."""
    listed = set(re.findall(r"^``(\w+)``", kinds_of_evidence.__doc__ or "", re.MULTILINE))
    assert {"text", "row"} <= listed
    assert listed - {"twin"} <= set(IN_WORDS)


def test_the_part_of_a_candidate_is_told_by_a_colour() -> None:
    """What was found is green, the runner-up amber; where nothing was found, nothing is green."""
    found = explain(target(), screen(), FOUND)
    missed = explain(target(), screen(), NotFound("No.", (OPPOSITE,), DEMANDED))
    green, amber = (64, 128, 14), (0, 112, 186)
    assert has_colour(found, green) > has_colour(found, amber) > 500
    assert has_colour(missed, amber) == 0
    assert has_colour(missed, green) < 100, "only the signs of what speaks for it"


def test_the_threshold_is_a_line_on_the_bar() -> None:
    """Where other thresholds hold, the same candidates give another picture; without any, there is no line."""
    pictures = [explain(target(), screen(), replace(FOUND, thresholds=each)) for each in (DEMANDED, None)]
    assert says(pictures[0], "0.35 more than") == ["0.35 more than"]
    assert says(pictures[1], "0.35 more than", "0.85 is needed") == []


def test_the_same_thing_seen_twice_is_no_runner_up() -> None:
    """A candidate that covers the first one is said to be the same thing; the next other one is the runner-up."""
    again = candidate(ENABLE.grown(2), 0.9, "Enable")
    picture = explain(target(), screen(), replace(FOUND, candidates=(SURE, again, OPPOSITE)))
    assert says(picture, "the same thing again", "runner-up") == ["the same thing again", "runner-up"]
    assert says(picture, "the next place has 0.02") == ["the next place has 0.02"]


def test_a_long_list_is_cut() -> None:
    """The likeliest candidates are shown, and it is said how many are left out."""
    many = tuple(candidate(ENABLE.shifted(0, 30 * place), 0.5) for place in range(SHOWN_CANDIDATES + 3))
    picture = explain(target(), screen(), NotFound("No.", many, DEMANDED))
    assert says(picture, f"the likeliest {SHOWN_CANDIDATES}", "3 more") == [
        f"the likeliest {SHOWN_CANDIDATES}",
        "3 more",
    ]


@pytest.mark.parametrize(("width", "height"), [(40, 30), (300, 2000), (720, 420), (2560, 1600), (3840, 800)])
def test_every_screen_fits(width: int, height: int) -> None:
    """Small, tall and very large screens give a picture of one width, and are themselves left as they were."""
    image, recorded = screen(width, height), target()
    before = image.copy(), recorded.image.copy()
    at_corner = candidate(Box(width - 12, height - 10, 12, 10), 0.3)
    picture = explain(recorded, image, NotFound("No.", (at_corner,), DEMANDED))
    assert picture.dtype == np.uint8
    assert picture.shape[1:] == (1680, 3)
    assert picture.shape[0] < 1400
    assert np.array_equal(image, before[0])
    assert np.array_equal(recorded.image, before[1])


def test_the_same_decision_gives_the_same_picture() -> None:
    """So that a report keeps it once."""
    assert np.array_equal(explain(target(), screen(), FOUND), explain(target(), screen(), FOUND))


def test_hostile_texts_are_shown_and_do_nothing() -> None:
    """Control characters, halves of letters and endless lines leave the picture its size and its other words."""
    hostile = "\x1b[2J \u202eevil \ud800 " + "x" * 5000
    tame = replace(FOUND, candidates=(SURE, replace(OPPOSITE, text="harmless")))
    wild = replace(
        FOUND, candidates=(SURE, replace(OPPOSITE, text=hostile, evidence={**OPPOSITE.evidence, hostile: 0.5}))
    )
    pictures = [
        explain(replace(target(), label=label), screen(), each) for label, each in (("a", tame), (hostile, wild))
    ]
    assert pictures[0].shape == pictures[1].shape
    assert says(pictures[1], "It is the target with a probability of 0.97", "runner-up", "another row") != []


def test_what_is_masked_stays_masked() -> None:
    """Only what was given is drawn: a text that is blacked out on the screen is nowhere on the picture."""
    image = screen()
    open_to_see = says(explain(target(), image, FOUND), "Alder Joinery")
    panel(image, Box(50, 120, 150, 34), (0, 0, 0))
    masked_target = replace(target(), image=image)
    assert (open_to_see, says(explain(masked_target, image, FOUND), "Alder Joinery")) == (["Alder Joinery"], [])
