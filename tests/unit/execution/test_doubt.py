"""What to do about an action that may have happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from steadyhand.execution.action_executor import ActingStep
from steadyhand.execution.doubt import MOST_ACTIONS, why_not_again
from steadyhand.execution.verifier import Verification
from steadyhand.model.outcome import ExpectationResult
from steadyhand.screen.driver import Frame

STEP: TypeAdapter[ActingStep] = TypeAdapter(ActingStep)
FIELD = {"screen": "s.png", "point": [1, 1], "box": [0, 0, 2, 2]}
FRAME = Frame(np.zeros((2, 2, 3), np.uint8))
CLICK: dict[str, Any] = {"action": "click", "target": FIELD}
NOT_SO = Verification(
    (ExpectationResult("it is saved", met=False, detail="not so"),), met=False, proves=False, frame=FRAME
)
CANNOT_TELL = Verification((), met=True, proves=False, frame=FRAME)


def refusal(proof: Verification, actions: int = 1, **step: Any) -> str:
    """Why a step must not act again."""
    return why_not_again(STEP.validate_python({"id": "a", **step}), proof, actions)


@pytest.mark.parametrize("proof", [NOT_SO, CANNOT_TELL], ids=["not so", "cannot tell"])
def test_what_cannot_be_undone_is_refused_whatever_is_seen(proof: Verification) -> None:
    """A payment that is not seen yet may still be on its way."""
    assert "cannot be undone" in refusal(proof, **CLICK, irreversible=True)
    assert "cannot be undone" in refusal(proof, actions=0, action="scroll", dy=1, irreversible=True)


@pytest.mark.parametrize(
    "step", [CLICK, {"action": "keys", "keys": "Enter"}, {"action": "drag", "target": FIELD, "to": FIELD}]
)
def test_what_surely_did_not_happen_may_be_done(step: dict[str, Any]) -> None:
    """The expectation is not so, hence it did not happen; if nothing can tell, it is refused."""
    assert refusal(NOT_SO, **step) == ""
    assert "nothing that it expects can show whether it did" in refusal(CANNOT_TELL, **step)


@pytest.mark.parametrize("proof", [NOT_SO, CANNOT_TELL], ids=["not so", "cannot tell"])
@pytest.mark.parametrize(
    "step",
    [
        {"action": "scroll", "dy": 5},
        {"action": "type", "target": FIELD, "text": "x", "clear": True},
        {"action": "type", "target": FIELD, "secret": "pin", "clear": True},
    ],
)
def test_what_leaves_the_same_behind_may_be_done_again_unseen(step: dict[str, Any], proof: Verification) -> None:
    """Turning the wheel, and typing that replaces what is there."""
    assert refusal(proof, **step) == ""


@pytest.mark.parametrize(
    "step",
    [
        {"action": "type", "target": FIELD, "text": "x"},
        {"action": "type", "text": "x", "clear": True},
        {"action": "type", "target": FIELD, "text": "x\n", "clear": True},
    ],
)
def test_typing_that_adds_or_submits_is_not_done_again(step: dict[str, Any]) -> None:
    """Nobody knows how many letters arrived, or whether the line end did."""
    assert "A part of its text may have been typed" in refusal(NOT_SO, **step)


def test_after_two_actions_it_is_enough() -> None:
    """A connection that breaks each time is not worked against."""
    assert "often enough" in refusal(NOT_SO, actions=MOST_ACTIONS, **CLICK)
