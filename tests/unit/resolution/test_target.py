"""A target is known by looking, and comes back from a workflow file as it was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from tests.unit.resolution.sketch import DARK, LIGHT, REFUSED, ROWS, Sketch, Style, form, table

from steadyhand.errors import WorkflowError
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import Landmark
from steadyhand.model.workflow_file import landmark_path, save_landmarks
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.target import Target, landmarks_on
from steadyhand.screen.drawing import panel, write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SAVE = Box(40, 40, 130, 40)
INK = (30, 30, 30)


@pytest.fixture(scope="module")
def frame() -> NDArray[np.uint8]:
    """A screen with a button and two more texts."""
    image = np.full((200, 400, 3), 255, np.uint8)
    panel(image, SAVE, (235, 225, 215), (120, 110, 100), 6)
    write(image, "Save", 75, 66, 18, INK)
    write(image, "Country", 40, 130, 18, INK)
    write(image, "Amount", 240, 130, 18, INK)
    return image


@pytest.fixture
def folder(frame: NDArray[np.uint8], tmp_path: Path) -> Path:
    """A folder with an image of that screen."""
    cv2.imwrite(str(tmp_path / "screen.png"), frame)
    return tmp_path


@pytest.mark.parametrize("is_written", [True, False])
def test_a_target_is_the_same_after_loading(frame: NDArray[np.uint8], folder: Path, *, is_written: bool) -> None:
    """With the landmarks beside the image or without them: all that stands outside of the thing is a landmark."""
    if is_written:
        save_landmarks(landmarks_on(frame), folder / "screen.png")
    recorded = Target.from_frame(frame, SAVE.center, SAVE)
    loaded = Target.load(recorded.record("screen.png"), folder)
    assert (loaded.text, loaded.label, loaded.box, loaded.point) == ("Save", "", SAVE, SAVE.center)
    assert [landmark.text for landmark in loaded.landmarks] == ["Country", "Amount"]
    assert loaded.landmarks == recorded.landmarks
    assert np.array_equal(loaded.image, frame)


def test_the_file_beside_the_image_counts(frame: NDArray[np.uint8], folder: Path) -> None:
    """What a person corrected there is not read anew; what stands on the thing itself is left out."""
    land, own = Landmark(text="Land", box=Box(40, 115, 60, 16)), Landmark(text="Save", box=Box(75, 52, 40, 16))
    save_landmarks((own, land), folder / "screen.png")
    record = Target.from_frame(frame, SAVE.center, SAVE).record("screen.png")
    assert Target.load(record, folder).landmarks == (land,)


def test_what_cannot_be_loaded_is_told(frame: NDArray[np.uint8], folder: Path) -> None:
    """Bad landmarks, a box beside the image, and a missing image get a sentence each."""
    record = Target.from_frame(frame, SAVE.center, SAVE).record("screen.png")
    landmark_path(folder / "screen.png").write_text("landmarks: 7\n", encoding="utf-8")
    with pytest.raises(WorkflowError, match="cannot be used"):
        Target.load(record, folder)
    with pytest.raises(WorkflowError, match="lies outside of"):
        Target.load(record.model_copy(update={"box": Box(390, 40, 130, 40), "point": Point(395, 50)}), folder)
    with pytest.raises(WorkflowError, match=r"other\.png cannot be read"):
        Target.load(record.model_copy(update={"screen": "other.png"}), folder)


# ----------------------------------------------------------------------------------- what somebody means who points


@pytest.fixture(scope="module")
def form_screen() -> Sketch:
    """A form with a check box, and an icon that is nothing else."""
    sketch = form(title="New invoice")
    sketch.tick("Send a receipt", 400, 120)
    sketch.parts["plus"] = Box(400, 192, 20, 20)
    cv2.drawMarker(sketch.image, (410, 202), INK, cv2.MARKER_CROSS, 18, 2)
    return sketch


@pytest.mark.parametrize(
    ("part", "text", "label"),
    [
        ("Save", "Save", None),
        ("Supplier", "", "Supplier"),
        ("Note", "", "Note"),
        ("Send a receipt", "", "Send a receipt"),
        ("plus", "", None),
    ],
)
def test_a_point_is_enough_to_know_a_thing(form_screen: Sketch, part: str, text: str, label: str | None) -> None:
    """Its box, its words and its label are found by looking, wherever on it one points."""
    box = form_screen.parts[part]
    for point in (box.center, box.center.shifted(box.width / 4, box.height / 5)):
        target = Target.from_frame(form_screen.image, point)
        assert target.box.contains(point)
        assert target.box.overlap(box) > 0.5
        assert (target.point, target.text) == (point, text)
        assert label is None or target.label == label


def test_on_bare_ground_a_small_square_is_meant(form_screen: Sketch) -> None:
    """Also at the very edge of the screen, where it ends with it."""
    assert Target.from_frame(form_screen.image, (650, 300)).box == Box(634, 284, 32, 32)
    assert Target.from_frame(form_screen.image, (716, 300)).box == Box(700, 284, 20, 32)


def test_what_is_known_better_is_not_read(form_screen: Sketch) -> None:
    """A box and a text that the caller gives are taken as they are."""
    target = Target.from_frame(form_screen.image, (102, 348), (40, 331, 124, 34), "Store")
    assert (target.box, target.text) == (Box(40, 331, 124, 34), "Store")


@pytest.mark.parametrize(("badge", "text"), [("7", "Inbox"), ("new", "Inbox"), ("of today", "Inbox of today")])
def test_a_badge_is_no_part_of_a_name(badge: str, text: str) -> None:
    """A number or a short word that stands apart on the same button; two words at the same place are a part of it."""
    sketch = Sketch()
    sketch.button("", 40, 100, name="inbox", width=240)
    for words, x in (("Inbox", 60), (badge, 180)):
        write(sketch.image, words, x, 106, 16, (255, 255, 255))
    assert sketch.target("inbox").text == text


def test_what_stands_on_a_thing_is_no_landmark_of_it(form_screen: Sketch) -> None:
    """All else that is written on the screen is one."""
    landmarks = [landmark.text for landmark in form_screen.target("Save").landmarks]
    assert "Save" not in landmarks
    assert {"New invoice", "Supplier", "Amount", "Note", "Cancel", "Send a receipt"} <= set(landmarks)


@pytest.mark.parametrize("prefix", ["", "INV-"])
@pytest.mark.parametrize("style", [LIGHT, DARK])
def test_another_run_is_about_another_row(prefix: str, style: Style) -> None:
    """With this run's value for the recorded one, its own row is found, also beside the recorded one; or nothing is."""
    rows = [(prefix + number, *rest) for number, *rest in ROWS]
    recorded, present = table(rows), table(rows, style=style)
    target = recorded.target(f"0 {rows[1][0]}")
    for row in rows:
        other = target.adapted_to({rows[1][0]: row[0]} if row != rows[1] else {})
        assert present.clicked(Resolver().resolve(other, present.image)) == f"0 {row[0]}"
    missing = target.adapted_to({rows[1][0]: f"{prefix}9999"})
    assert present.clicked(Resolver().resolve(missing, present.image)) == REFUSED


def test_values_are_replaced_as_whole_words(form_screen: Sketch) -> None:
    """A part of a longer word stays, and a target that holds no recorded value stays the same."""
    target = Target.from_frame(form_screen.image, form_screen.parts["Save"].center)
    assert target.adapted_to({"Sav": "Stor"}) is target
    other = target.adapted_to({"Save": "Store", "Supplier": "Vendor"})
    assert (other.text, other.adapted) == ("Store", frozenset({"Store", "Vendor"}))
