"""What breakers need to know of a result, and how a trip is told."""

from __future__ import annotations

import pytest

from steadyhand.healing.breaker_events import Level, Measure, Permission, Signal, Tripped
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Found, Method, NotFound, Resolution, StepResult, Trigger, Verdict


def found(method: Method, confidence: float) -> Found:
    """A target that was found."""
    return Found(Point(1, 2), Box(0, 0, 10, 10), confidence, method)


def result(
    verdict: Verdict, trigger: Trigger | None = None, resolution: Resolution | None = None, **more: str
) -> StepResult:
    """The result of a step that took 25 seconds."""
    action = more.get("action", "click")
    return StepResult("save", action, verdict, trigger=trigger, resolution=resolution, duration_s=25.0)


def test_a_validated_step_is_told_with_its_time() -> None:
    """A step whose expectations came true is validated; one that found its target unchanged has no doubtful one."""
    signal = Signal.of("pay", result(Verdict.DONE, resolution=found(Method.ANCHOR_TEMPLATE, 0.5)))
    assert signal == Signal("pay", "save", None, is_validated=True, confidence=None, duration_s=25.0)


def test_a_healed_target_is_told_with_its_confidence() -> None:
    """A target that no longer looks as recorded counts with its confidence, verified or not."""
    signal = Signal.of("pay", result(Verdict.UNVERIFIED, resolution=found(Method.SOM_TEXT_MATCH, 0.88)))
    assert signal == Signal("pay", "save", None, is_validated=False, confidence=0.88, duration_s=25.0)


@pytest.mark.parametrize("trigger", Trigger)
def test_a_failed_step_is_told_with_its_trigger(trigger: Trigger) -> None:
    """Whatever ended a step is told."""
    signal = Signal.of("pay", result(Verdict.FAILED, trigger, NotFound("gone")))
    assert signal is not None
    assert (signal.trigger, signal.is_validated, signal.confidence) == (trigger, False, None)


def test_waiting_is_not_slow() -> None:
    """A step that only waits takes as long as what it waits for."""
    signal = Signal.of("pay", result(Verdict.DONE, action="wait_for"))
    assert signal is not None
    assert signal.duration_s == 0.0


@pytest.mark.parametrize("verdict", [Verdict.SKIPPED, Verdict.FAILED])
def test_what_says_nothing_is_not_told(verdict: Verdict) -> None:
    """A step that was skipped, or refused without a fault, says nothing about the workflow."""
    assert Signal.of("pay", result(verdict)) is None


@pytest.mark.parametrize(
    ("level", "measure", "window_s", "triggers", "reason"),
    [
        (
            Level.STEP,
            Measure.FAILURES,
            None,
            {"TARGET_NOT_FOUND": 2, "POSTCONDITION_FAILED": 1},
            "3 failures of step save in a row: 1 POSTCONDITION_FAILED, 2 TARGET_NOT_FOUND.",
        ),
        (Level.WORKFLOW, Measure.SLOW_STEPS, 600.0, {}, "3 slow steps within 600 s."),
        (Level.WORKFLOW, Measure.LOW_CONFIDENCE, 0.5, {}, "3 targets found with low confidence within 0.5 s."),
        (
            Level.GLOBAL,
            Measure.SCREEN_FAULTS,
            600.0,
            {"SCREEN_LOST": 3},
            "3 lost screens over all workflows within 600 s: 3 SCREEN_LOST.",
        ),
    ],
)
def test_a_trip_is_told_in_a_sentence(
    level: Level, measure: Measure, window_s: float | None, triggers: dict[str, int], reason: str
) -> None:
    """It says how many of what, where, within which time, and by which triggers."""
    assert Tripped(0.0, level, measure, "pay", "save", 3, window_s, triggers).reason == reason


def test_a_permission_without_a_refusal_is_granted() -> None:
    """What is refused has a reason, and only that."""
    assert Permission(1).is_granted
    assert not Permission(1, "It is PAUSED.").is_granted
