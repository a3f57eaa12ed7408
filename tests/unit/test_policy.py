"""Thresholds: their modes, what contradicts itself, versions, and in what two policies differ."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from steadyhand.model.outcome import Thresholds
from steadyhand.policy import MODES, RULES, Mode, Policy, PolicyConfig, allowed, changes, figure
from steadyhand.resolution.confidence import Model

LAXEST_FIRST: tuple[Mode, ...] = ("permissive", "hybrid", "conservative")


def test_the_defaults_are_the_mode_hybrid() -> None:
    """Whoever sets nothing gets the mode hybrid."""
    assert Policy() == Policy(**Policy.preset("hybrid"))
    assert PolicyConfig().of("any") == Policy()


def test_the_defaults_are_as_required() -> None:
    """The counts, windows and spread that the requirements name are the defaults."""
    policy = Policy()
    assert policy.step_failures == 3
    assert (policy.workflow_failures, policy.workflow_window_s) == (10, 600)
    assert (policy.global_failures, policy.global_window_s, policy.global_workflows) == (30, 600, 3)
    assert policy.proving_successes == 5


def test_what_is_demanded_of_a_place_is_what_was_measured() -> None:
    """By default the resolver is asked for what it was fitted for, as a rule and while degraded."""
    assert (Policy().normal, Policy().degraded) == (Model.fitted().normal, Model.fitted().degraded)


def test_an_unchanged_view_passes_whatever_is_demanded() -> None:
    """No policy can demand more than the confidence of a view that is wholly unchanged."""
    highest = Policy.model_json_schema()["properties"]["degraded_found_from"]["maximum"]
    assert Model.fitted().seen_unchanged > highest


def test_what_is_demanded_comes_from_the_keys() -> None:
    """The thresholds for the resolver are those of the policy."""
    policy = Policy(found_from=0.8, lead_from=0.3, degraded_found_from=0.96, degraded_lead_from=0.6)
    assert policy.normal == Thresholds(found_from=0.8, lead_from=0.3)
    assert policy.degraded == Thresholds(found_from=0.96, lead_from=0.6)


# ----------------------------------------------------------------------------------------------------------- modes


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_a_good_policy(mode: Mode) -> None:
    """The presets keep to their ranges and do not contradict themselves."""
    assert Policy(**Policy.preset(mode)).breaker == "automatic"


@pytest.mark.parametrize(("laxer", "stricter"), [LAXEST_FIRST[:2], LAXEST_FIRST[1:]])
def test_modes_are_ordered(laxer: Mode, stricter: Mode) -> None:
    """From permissive over hybrid to conservative some thresholds get stricter, and none gets laxer."""
    old, new = (PolicyConfig(everywhere=Policy(**Policy.preset(mode))) for mode in (laxer, stricter))
    assert {change.direction for change in changes(old, new)} == {"stricter"}


# --------------------------------------------------------------------------------------------------- contradictions


@pytest.mark.parametrize(
    ("key", "other", "value"),
    [
        ("degraded_found_from", "found_from", 0.75),
        ("degraded_lead_from", "lead_from", 0.34),
        ("low_confidence_below", "found_from", Policy().found_from),
        ("degraded_found_from", "low_confidence_below", 0.89),
        ("workflow_failures", "step_failures", 3),
        ("longest_cooldown_s", "cooldown_s", 899),
        ("global_failures", "global_workflows", 2),
        ("screen_faults", "global_workflows", 2),
        ("learning_budget_on_watch", "learning_budget_per_run", 19),
    ],
)
def test_what_contradicts_itself_is_refused(key: str, other: str, value: float) -> None:
    """A policy that breaks a rule between two keys is refused, with both keys and their values."""
    with pytest.raises(ValidationError, match=f"{key} is {value}, and {other} is .*; allowed"):
        Policy.model_validate({key: value})


def test_a_rule_is_a_sentence() -> None:
    """It says which key is at least the other one, or more than it, and what would go wrong otherwise."""
    sentences = [rule.in_words() for rule in RULES]
    assert (
        "`longest_cooldown_s` is at least `cooldown_s`, or else the first wait would be longer than the longest."
        in (sentences)
    )
    assert (
        "`low_confidence_below` is more than `found_from`, or else nothing could ever count as doubtful." in sentences
    )


@pytest.mark.parametrize(("value", "written"), [(600.0, "600"), (0.35, "0.35"), (3, "3"), (True, "true"), ("a", '"a"')])
def test_values_are_written_as_a_person_does(value: object, written: str) -> None:
    """A whole number of seconds has no point; all else is as in the file."""
    assert figure(value) == written


def test_every_rule_is_known_to_the_test_above() -> None:
    """There are as many rules between keys as ways to break one that are tried."""
    assert len(RULES) == 9


@pytest.mark.parametrize(
    ("key", "value"),
    [("degraded_lead_from", 0.35), ("low_confidence_below", Policy().degraded_found_from), ("longest_cooldown_s", 900)],
)
def test_the_edge_is_allowed(key: str, value: float) -> None:
    """Where two keys may be equal, they may."""
    assert getattr(Policy.model_validate({key: value}), key) == value


def test_all_contradictions_are_told() -> None:
    """A policy that contradicts itself twice is told so twice."""
    with pytest.raises(ValidationError) as caught:
        Policy(workflow_failures=3, screen_faults=2)
    (details,) = caught.value.errors()
    assert [problem.split()[0] for problem in details["ctx"]["problems"]] == ["workflow_failures", "screen_faults"]


@pytest.mark.parametrize(
    "values",
    [
        {"step_failures": 0},
        {"step_failures": 21},
        {"step_failures": "3"},
        {"step_failures": 3.0},
        {"step_failures": True},
        {"found_from": float("nan")},
        {"workflow_window_s": float("inf")},
        {"degraded_allows_unverified": 1},
        {"breaker": "open"},
        {"no_such_key": 1},
    ],
)
def test_what_is_out_of_range_is_refused(values: dict[str, object]) -> None:
    """A value of another type, out of its range, or no number at all is no threshold."""
    with pytest.raises(ValidationError):
        Policy.model_validate(values)


def test_a_policy_cannot_be_changed() -> None:
    """A decision and its reason see the same thresholds."""
    with pytest.raises(ValidationError, match="frozen"):
        Policy().step_failures = 4  # type: ignore[misc]  # the point


# -------------------------------------------------------------------------------------------------------- versions


def test_the_version_names_the_content() -> None:
    """Equal thresholds have one version, however they were written; other ones have another, for whichever workflow."""
    strict = Policy(step_failures=2)
    versions = [
        PolicyConfig().version,
        PolicyConfig(everywhere=strict).version,
        PolicyConfig(workflows={"a": strict}).version,
        PolicyConfig(workflows={"b": strict}).version,
    ]
    assert len(set(versions)) == 4
    assert PolicyConfig(everywhere=Policy(**Policy.preset("hybrid"))).version == versions[0]
    pair = {"a": strict, "b": Policy()}
    swapped = dict(reversed(pair.items()))
    assert PolicyConfig(workflows=pair).version == PolicyConfig(workflows=swapped).version
    assert all(len(version) == 16 for version in versions)


# --------------------------------------------------------------------------------------------------------- changes


def test_changes_say_which_way() -> None:
    """Fewer failures, a longer window and no unverified steps are stricter; what cannot be compared is neither."""
    old = Policy(degraded_allows_unverified=True)
    new = Policy(step_failures=2, workflow_window_s=700, proving_successes=4, breaker="disabled")
    told = {
        change.key: change.direction for change in changes(PolicyConfig(everywhere=old), PolicyConfig(everywhere=new))
    }
    assert told == {
        "breaker": "other",
        "degraded_allows_unverified": "stricter",
        "step_failures": "stricter",
        "workflow_window_s": "stricter",
        "proving_successes": "laxer",
    }


def test_changes_are_told_for_each_workflow() -> None:
    """A workflow that loses its own keys is told of, with its name; what belongs to all is told once."""
    old = PolicyConfig(everywhere=Policy(), workflows={"a": Policy(step_failures=2)})
    new = PolicyConfig(everywhere=Policy(global_failures=40))
    assert [(change.workflow, change.key, change.old, change.new) for change in changes(old, new)] == [
        ("", "global_failures", 30, 40),
        ("a", "step_failures", 2, 3),
    ]
    assert list(changes(old, old)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("step_failures", "a whole number from 1 to 20 (failures in a row)"),
        ("longest_cooldown_s", "a number from 1 to 2592000 (seconds)"),
        ("degraded_allows_unverified", "true or false"),
        ("breaker", "automatic, disabled, forced_open"),
    ],
)
def test_what_is_allowed_is_said_in_words(name: str, words: str) -> None:
    """Each kind of key says what it may be, with its unit."""
    assert allowed(name) == words
