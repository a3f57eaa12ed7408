"""What lies over the screen, and when a way out of it may be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.execution.covers import find_cover
from steadyhand.model.geometry import Box
from steadyhand.perception.scene import Scene
from steadyhand.resolution.target import Target
from steadyhand.screen.drawing import panel, write, write_inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steadyhand.execution.covers import Cover

INK, PAPER, BLUE = (30, 30, 30), (255, 255, 255), (190, 110, 30)
SAVE = Box(560, 400, 110, 36)
DIALOG = Box(260, 180, 440, 220)


def page() -> NDArray[np.uint8]:
    """A form as it was recorded, with its button Save."""
    image = np.full((640, 960, 3), 244, np.uint8)
    write(image, "Invoice 4711", 60, 60, 24, INK)
    write(image, "Customer", 60, 130, 16, INK)
    write(image, "Bellwether Hotels", 200, 130, 16, INK)
    write(image, "Amount due", 60, 170, 16, INK)
    write(image, "1,280.00 EUR", 200, 170, 16, INK)
    panel(image, SAVE, BLUE, radius=4)
    write_inside(image, "Save", SAVE, 16, PAPER)
    return image


def with_dialog(*lines: str, buttons: tuple[str, ...], veil: float = 0.5, box: Box = DIALOG) -> NDArray[np.uint8]:
    """The form with a panel over it: its lines of text, and its buttons from right to left."""
    image = (page() * veil).astype(np.uint8)
    panel(image, box, PAPER, (200, 200, 200), radius=6)
    for number, line in enumerate(lines):
        write(image, line, box.x + 24, box.y + 40 + 28 * number, 17, INK)
    for number, label in enumerate(buttons):
        button = Box(box.right - 150 * (number + 1), box.bottom - 52, 138, 36)
        panel(image, button, BLUE, radius=4)
        write_inside(image, label, button, 15, PAPER)
    return image


def cover_of(image: NDArray[np.uint8], recorded: NDArray[np.uint8] | None = None, *protected: str) -> Cover | None:
    """What lies over a picture, when Save is looked for."""
    target = Target.from_frame(page() if recorded is None else recorded, SAVE.center, SAVE)
    return find_cover(Scene.of(image), target, protected)


BAR = Box(0, 560, 960, 80)
TOAST = Box(20, 440, 400, 180)
TAKEN = {
    "a wall of cookies that only takes consent": (
        with_dialog("We use cookies", "This site keeps you logged in.", buttons=("Accept",)),
        "Accept",
    ),
    "refusing goes before consent": (
        with_dialog("We use cookies", "To improve this site.", buttons=("Accept all", "Reject all")),
        "Reject all",
    ),
    "a bar at the lower edge": (
        with_dialog("This site uses cookies.", buttons=("Accept",), veil=1, box=BAR),
        "Accept",
    ),
    "a bar in French": (
        with_dialog("Ce site utilise des cookies.", buttons=("Tout accepter",), veil=1, box=BAR),
        "Tout accepter",
    ),
    "a toast in a corner, in French": (
        with_dialog("Gestion des cookies", "Mesurer les visites", buttons=("Accepter", "Refuser"), veil=1, box=TOAST),
        "Refuser",
    ),
    "a newsletter": (
        with_dialog("Subscribe to our newsletter", "One letter a month.", buttons=("Subscribe", "No thanks")),
        "No thanks",
    ),
    "what is new": (
        with_dialog("What's new in version 8", "Faster lists.", buttons=("Got it",), veil=1),
        "Got it",
    ),
    "a notice of maintenance": (
        with_dialog("Maintenance tonight at 22:00", "Please save your work.", buttons=("OK",)),
        "OK",
    ),
    "an unknown dialog over a veil can be closed": (
        with_dialog("Your session was restored", "You are back where you were.", buttons=("Close",)),
        "Close",
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_the_safest_way_out_is_taken(case: str) -> None:
    """A cover that the recording did not have is seen, with the button that commits to least."""
    image, label = TAKEN[case]
    cover = cover_of(image)
    assert cover is not None
    assert cover.label == label
    assert cover.box.contains(cover.button.center)


LEFT = {
    "the page itself": page(),
    "a question about deleting": with_dialog("Delete invoice 4711?", "This cannot be undone.", buttons=("OK",)),
    "a question about a payment that would be closed": with_dialog(
        "Your payment is not complete", "Pay 1,280.00 EUR", buttons=("Close",)
    ),
    "unknown words under OK": with_dialog("Set the ledger to 2027", "All rows follow.", buttons=("OK",)),
    "consent to something else": with_dialog("Terms of the credit line", "12% a year.", buttons=("Accept",)),
    "a card of the page, without a veil": with_dialog("Reminder letters", "Three are due.", buttons=("Close",), veil=1),
    "a supplier of cookies in the middle of the page": with_dialog(
        "Cookies and cakes Ltd", "Offer of 12 boxes", buttons=("Accept",), veil=1
    ),
    "a list in which every row can be closed": with_dialog(
        "Open notifications", "One", "Two", buttons=("Close", "Close")
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_may_be_the_workflows_own_is_left_alone(case: str) -> None:
    """When not all speaks for a harmless interruption, nothing is clicked."""
    assert cover_of(LEFT[case]) is None


def test_a_dialog_that_was_recorded_is_no_cover() -> None:
    """A consent that the person gave while recording is a step of the workflow, not in its way."""
    image, _ = TAKEN["a wall of cookies that only takes consent"]
    assert cover_of(image, recorded=image) is None


def test_a_dialog_with_the_recorded_words_and_a_new_button_is_no_cover() -> None:
    """The workflow's own dialog, with its button renamed, is mostly made of recorded words."""
    before = with_dialog("Welcome bonus for Bellwether", "Grant 1,280.00 EUR to them", buttons=("Grant",))
    after = with_dialog("Welcome bonus for Bellwether", "Grant 1,280.00 EUR to them", buttons=("OK",))
    assert cover_of(after) is not None, "as a surprise it would be one"
    assert cover_of(after, recorded=before) is None


def test_words_that_the_workflow_acts_on_are_never_a_way_out() -> None:
    """A workflow with a step that clicks Accept never clicks Accept by itself."""
    image, _ = TAKEN["a wall of cookies that only takes consent"]
    assert cover_of(image, None, "Accept") is None
    assert cover_of(image, None, "Approve") is not None
