"""Failures that are made to happen: how they are written, and when they are due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.errors import ConfigError
from steadyhand.execution.injection import NAMES, Injection, Injector, only_just_found
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Found, Method, Thresholds, Trigger
from steadyhand.model.workflow import Workflow

STEPS = [
    {"id": "wait", "action": "wait_for", "expect": [{"text_appears": "Ready"}]},
    {
        "id": "save",
        "action": "click",
        "target": {"screen": "screen.png", "point": [60, 45], "box": [20, 30, 100, 30]},
    },
]
WORKFLOW = Workflow.model_validate({"steadyhand": 1, "name": "Save", "screen": {"kind": "simulated"}, "steps": STEPS})


@pytest.mark.parametrize("trigger", Trigger)
def test_every_trigger_can_be_injected(trigger: Trigger) -> None:
    """Each has a name; without more, it happens each time."""
    injection = Injection.parse(f"{trigger.lower()}@save")
    assert injection == Injection(trigger, "save")
    assert all(injection.is_due(visit) for visit in range(1, 100))


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("screen_lost@save:1", [1]),
        ("screen_lost@save:3", [1, 2, 3]),
        ("SCREEN_LOST@save:25%", [4, 8, 12]),
        ("screen_lost@save:50%", [2, 4, 6, 8, 10, 12]),
        ("screen_lost@save:100%", list(range(1, 13))),
        ("screen_lost@save:1%", []),
    ],
)
def test_how_often_can_be_said(text: str, due: list[int]) -> None:
    """The first times, or a share of all times that is evenly spread; upper case is no other trigger."""
    injection = Injection.parse(text)
    assert [visit for visit in range(1, 13) if injection.is_due(visit)] == due


@given(st.integers(1, 100), st.integers(1, 1000))
def test_a_rate_is_kept_at_every_moment(percent: int, visits: int) -> None:
    """After any number of times, as many failures have happened as the rate says, rounded down."""
    injection = Injection(Trigger.SCREEN_LOST, "save", percent=percent)
    assert sum(injection.is_due(visit) for visit in range(1, visits + 1)) == visits * percent // 100


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The injection  is not of the form TRIGGER@STEP, TRIGGER@STEP:TIMES or TRIGGER@STEP:RATE%."),
        ("screen_lost", "is not of the form TRIGGER@STEP"),
        ("screen_lost@", "is not of the form TRIGGER@STEP"),
        ("screen_lost@:3", "is not of the form TRIGGER@STEP"),
        ("@save", f"The trigger of the injection @save is empty; allowed: {', '.join(NAMES)}."),
        ("rain@save:3", f"The trigger of the injection rain@save:3 is rain; allowed: {', '.join(NAMES)}."),
        ("screen_lost@save:", "is to happen is empty; allowed: a number of times from 1 to 999999, or a rate"),
        ("screen_lost@save:0", "is to happen is 0; allowed"),
        ("screen_lost@save:-1", "is to happen is -1; allowed"),
        ("screen_lost@save:1.5", "is to happen is 1.5; allowed"),
        ("screen_lost@save:0%", "is to happen is 0%; allowed"),
        ("screen_lost@save:101%", "is to happen is 101%; allowed"),
        ("screen_lost@save:1000000", "is to happen is 1000000; allowed"),
        ("screen_lost@save:٣", "is to happen is ٣; allowed"),
        ("screen_lost@save:3:4", "is to happen is 3:4; allowed"),
    ],
)
def test_what_is_no_injection_is_told(text: str, sentence: str) -> None:
    """The message names what is wrong, its value and what is allowed."""
    with pytest.raises(ConfigError) as told:
        Injection.parse(text)
    assert sentence in str(told.value)


def test_what_cannot_happen_in_a_workflow_is_told_at_once() -> None:
    """A step that is not there, and a target where there is none, are all told together."""
    injector = Injector(map(Injection.parse, ["screen_lost@log-in", "target_not_found@wait", "screen_lost@wait"]))
    with pytest.raises(ConfigError) as told:
        injector.check(WORKFLOW)
    assert told.value.problems == (
        "step is log-in; allowed: wait, save",
        "target_not_found is for step wait, which has no target; allowed: other triggers",
    )
    Injector(Injection(trigger, "save") for trigger in Trigger).check(WORKFLOW)


def test_an_injector_counts_each_step_over_all_runs() -> None:
    """Of two that are due the first happens; the times of one step are not those of another one."""
    injector = Injector(map(Injection.parse, ["screen_lost@a:1", "watchdog_timeout@a:2", "screen_lost@b:50%"]))
    assert [injector.next("a") for _ in range(3)] == [Trigger.SCREEN_LOST, Trigger.WATCHDOG_TIMEOUT, None]
    assert [injector.next("b") for _ in range(3)] == [None, Trigger.SCREEN_LOST, None]
    assert injector.next("c") is None


def test_what_is_only_just_found_is_a_heal() -> None:
    """Its confidence is what was demanded; where that is not known it stays as it is."""
    found = Found(Point(1, 2), Box(0, 0, 3, 4), 0.99, Method.ANCHOR_TEMPLATE, thresholds=Thresholds(0.8, 0.3))
    doubtful = only_just_found(found)
    assert (doubtful.confidence, doubtful.method, doubtful.point) == (0.8, Method.SOM_TEXT_MATCH, found.point)
    assert only_just_found(Found(Point(1, 2), Box(0, 0, 3, 4), 0.9, Method.ANCHOR_TEMPLATE)).confidence == 0.9
