"""Doubt: what to do about an action that may have happened.

An action is *in doubt* when the connection was lost while it was on its way, or when a run was cut short after its
intent. It is verified before anything else. If its expectations came true since, it happened. Otherwise the question is
whether it may be done (again), and the answer is no unless doing it twice does no harm or it surely did not happen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from steadyhand.model.workflow import ScrollStep, TypeStep

if TYPE_CHECKING:
    from steadyhand.execution.action_executor import ActingStep
    from steadyhand.execution.verifier import Verification

MOST_ACTIONS = 2
"""How often a step acts at most within one run: once, and once more when the first one was lost."""


def why_not_again(step: ActingStep, proof: Verification, actions: int) -> str:
    """Why a step whose action may have happened must not act again.

    Args:
        step: The step.
        proof: What was seen after the action that may have happened; it does not prove that it did.
        actions: How often this run has acted for it already.

    Returns:
        One sentence; empty if it may act.
    """
    seen = proof.complaint or "nothing that it expects can show whether it did"
    if actions >= MOST_ACTIONS:
        return f"Its action may have happened, and it was tried often enough: {seen}."
    if step.irreversible:
        return f"Its action may have happened and cannot be undone, so it is not done again: {seen}."
    if _is_same_twice(step):
        return ""
    if isinstance(step, TypeStep):
        return f"A part of its text may have been typed, and typing it again would add to that: {seen}."
    if proof.met:
        return f"Its action may have happened, and {seen}."
    return ""


def _is_same_twice(step: ActingStep) -> bool:
    """Whether doing a step twice does the same as doing it once, whatever arrived of it the first time.

    Turning the wheel is harmless, for targets are looked for wherever they are; typing that replaces what is in the
    field leaves the same text (a line end would submit it). Nothing else is: a click may be a toggle.
    """
    match step:
        case ScrollStep():
            return True
        case TypeStep():
            return step.clear and step.target is not None and "\n" not in (step.text or "")
        case _:
            return False
