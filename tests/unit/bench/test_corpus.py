"""A corpus is loaded whole, or every broken case of it is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from steadyhand.bench.corpus import Corpus
from steadyhand.errors import ConfigError
from steadyhand.model.geometry import Box, Point

if TYPE_CHECKING:
    from pathlib import Path

CASE: dict[str, Any] = {
    "id": "one",
    "app": "halyard",
    "drift": ["dark"],
    "negative": None,
    "core": True,
    "record": {"bbox": [10, 20, 30, 40], "point": [25, 40], "text": "Save"},
    "replay": {"present": True, "acceptable": [[50, 60, 30, 40], [5, 6, 7, 8]], "lookalikes": [], "scale": 1},
    "record_frame": "before.png",
    "replay_frame": "after.png",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two frames, and no cases yet."""
    for name, brightness in (("before.png", 250), ("after.png", 20)):
        cv2.imwrite(str(tmp_path / name), np.full((100, 120, 3), brightness, np.uint8))
    return tmp_path


def corpus(folder: Path, *lines: str | dict[str, Any]) -> Corpus:
    """The corpus of these lines."""
    written = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "cases.jsonl").write_text("\n".join(written), encoding="utf-8")
    return Corpus(folder)


def test_a_case_is_what_its_line_says(folder: Path) -> None:
    """Boxes, points, frames and the truth; empty lines and keys for others are passed over."""
    (case,) = corpus(folder, "", CASE, "").cases
    assert (case.id, case.app, case.drift, case.negative) == ("one", "halyard", ("dark",), None)
    assert (case.record.bbox, case.record.point) == (Box(10, 20, 30, 40), Point(25, 40))
    assert case.replay.present
    assert case.replay.acceptable == (Box(50, 60, 30, 40), Box(5, 6, 7, 8))


@pytest.mark.parametrize(
    ("point", "right"), [((60, 70), True), ((49, 59), True), ((6, 7), True), ((48, 59), False), ((100, 100), False)]
)
def test_a_click_in_an_acceptable_box_is_right(folder: Path, point: tuple[float, float], *, right: bool) -> None:
    """Or a pixel beside it; anywhere else it is wrong."""
    (case,) = corpus(folder, CASE).cases
    assert case.is_right(Point(*point)) is right


def test_a_case_whose_target_is_absent_has_no_right_click(folder: Path) -> None:
    """Every click is wrong there."""
    (case,) = corpus(folder, {**CASE, "negative": "removed", "replay": {"present": False, "acceptable": []}}).cases
    assert not case.is_right(Point(60, 70))


def test_frames_and_targets_are_those_of_the_case(folder: Path) -> None:
    """A target is known from its frame, point and box alone; a frame is decoded once."""
    cases = corpus(folder, CASE)
    target = cases.target(cases.cases[0])
    assert (target.box, target.point, target.text) == (Box(10, 20, 30, 40), Point(25, 40), "")
    assert target.image is cases.frame("before.png")
    assert cases.frame("after.png").shape == (100, 120, 3)
    assert cases.frame("after.png").max() == 20


def test_every_broken_case_is_named(folder: Path) -> None:
    """No JSON, a missing key, a bad box, a missing frame: the line and what is wrong with it, all at once."""
    lines = (
        "{",
        {key: value for key, value in CASE.items() if key != "app"},
        {**CASE, "record": {"bbox": "wide", "point": [25, 40]}},
        CASE,
        {**CASE, "replay_frame": "gone.png"},
    )
    with pytest.raises(ConfigError) as caught:
        corpus(folder, *lines)
    said = str(caught.value)
    for words in ("line 1 is no JSON", "line 2, app", "line 3, record.bbox", "line 5 names gone.png, which does not"):
        assert words in said
    assert "line 4" not in said


def test_of_many_broken_cases_five_are_named(folder: Path) -> None:
    """The others are counted."""
    with pytest.raises(ConfigError, match=r"line 5 .* and 7 more"):
        corpus(folder, *["{"] * 12)


def test_a_folder_without_cases_is_no_corpus(tmp_path: Path) -> None:
    """Nor is one that does not exist."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match=r"cases\.jsonl does not exist"):
            Corpus(folder)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_frame_that_is_no_picture_is_told(folder: Path, content: bytes) -> None:
    """When it is looked at, with its name; a file that was cut short to nothing is none either."""
    (folder / "after.png").write_bytes(content)
    with pytest.raises(ConfigError, match=r"after\.png is no picture"):
        corpus(folder, CASE).frame("after.png")
