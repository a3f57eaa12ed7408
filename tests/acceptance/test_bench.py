"""The benchmark of speed draws what it says, in real Chromium."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import pytest

from steadyhand.bench import speed
from steadyhand.bench.speed import Plight

if TYPE_CHECKING:
    from steadyhand.bench.speed import Trial

SIZE = (1440, 900)
BANNER_PX = 72
ROUNDED_LEVELS = 4
"""How far, of 255, a pixel of a rounded corner may lie from itself when Chromium draws the same page again."""


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    """The trials on the smaller screen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "SIZES", (SIZE,))
        return speed.draw(tmp_path_factory.mktemp("screens"))


def of(trials: list[Trial], plight: Plight) -> list[Trial]:
    """Those in one plight."""
    return [trial for trial in trials if trial.plight is plight]


def test_each_target_is_in_each_plight(trials: list[Trial]) -> None:
    """There are enough targets for a median, and each is tried in all plights, those of a screenshot together."""
    targets = {(trial.recorded, trial.box) for trial in trials}
    assert len(targets) >= 12
    assert all({(t.recorded, t.box) for t in of(trials, plight)} == targets for plight in Plight)
    order = [trial.recorded for trial in trials]
    assert len({screen for screen, after in pairwise(order) if screen != after}) == 1


def test_the_truth_is_where_the_page_has_it(trials: list[Trial]) -> None:
    """What is unchanged has kept its box, what has moved is lower by the banner, what is absent is nowhere."""
    assert all(trial.truth == trial.box for trial in of(trials, Plight.UNCHANGED))
    assert all(trial.truth == trial.box.shifted(0, BANNER_PX) for trial in of(trials, Plight.MOVED))
    assert all(trial.truth not in (None, trial.box) for trial in of(trials, Plight.RESTYLED))
    assert all(trial.truth is None for trial in of(trials, Plight.ABSENT))


def test_no_screenshot_equals_the_recorded_one(trials: list[Trial]) -> None:
    """Each has the right size and differs; an absent target has gone from its place, an unchanged one has not."""
    for trial in trials:
        was, now = cv2.imread(str(trial.recorded)), cv2.imread(str(trial.screen))
        assert was is not None
        assert now is not None
        assert was.shape == now.shape == (SIZE[1], SIZE[0], 3)
        assert (was != now).any()
        left, top, right, bottom = (
            round(edge) for edge in (trial.box.x, trial.box.y, trial.box.right, trial.box.bottom)
        )
        differs = cv2.absdiff(was[top:bottom, left:right], now[top:bottom, left:right]).max() > ROUNDED_LEVELS
        assert differs == (trial.plight is not Plight.UNCHANGED), trial
