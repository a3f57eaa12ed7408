"""A target comes back from a workflow file as it was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from steadyhand.errors import WorkflowError
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import Landmark
from steadyhand.model.workflow_file import landmark_path, save_landmarks
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
