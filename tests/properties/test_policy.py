"""Requirements 3.1, 3.2 and 6: whatever a policy file holds, it is taken whole or refused in words."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from steadyhand.errors import PolicyError
from steadyhand.policy import MODES, Policy, PolicyConfig, changes
from steadyhand.policy_file import PolicyFile, parse_policy

NAME = Path("auto_heal_policy.json")
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def good(name: str) -> st.SearchStrategy[Any]:
    """Every value that a key may have."""
    about = Policy.model_json_schema()["properties"][name]
    if "enum" in about:
        return st.sampled_from(about["enum"])
    if about["type"] == "boolean":
        return st.booleans()
    numbers = st.integers if about["type"] == "integer" else st.floats
    return numbers(about["minimum"], about["maximum"])


keys = st.fixed_dictionaries({}, optional={name: good(name) for name in Policy.model_fields})
own_keys = st.fixed_dictionaries(
    {}, optional={name: good(name) for name in Policy.model_fields if not Policy.key(name).is_for_all}
)
modes = st.fixed_dictionaries({}, optional={"mode": st.sampled_from(MODES)})


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    """Some mappings as one."""
    return {name: value for part in parts for name, value in part.items()}


files = st.builds(
    merged,
    modes,
    keys,
    st.fixed_dictionaries(
        {}, optional={"workflows": st.dictionaries(st.text(), st.builds(merged, modes, own_keys), max_size=3)}
    ),
)
"""Files in which each value by itself is allowed."""


def parsed(value: object) -> PolicyConfig | PolicyError:
    """What comes of a file."""
    try:
        return parse_policy(json.dumps(value).encode(), NAME)
    except PolicyError as error:
        return error


@given(value=files)
def test_3_1_a_degraded_workflow_is_asked_for_more(value: dict[str, Any]) -> None:
    """In every policy that is accepted DEGRADED demands at least the confidence of NORMAL, for each workflow."""
    config = parsed(value)
    if isinstance(config, PolicyConfig):
        for policy in (config.everywhere, *config.workflows.values()):
            assert policy.degraded.found_from >= policy.normal.found_from
            assert policy.degraded.found_from >= policy.low_confidence_below > policy.normal.found_from


@given(value=files)
def test_3_2_a_degraded_workflow_needs_a_larger_lead(value: dict[str, Any]) -> None:
    """In every policy that is accepted DEGRADED demands at least the margin of NORMAL, for each workflow."""
    config = parsed(value)
    if isinstance(config, PolicyConfig):
        for policy in (config.everywhere, *config.workflows.values()):
            assert policy.degraded.lead_from >= policy.normal.lead_from


@given(value=keys)
def test_6_1_every_threshold_can_be_set(value: dict[str, Any]) -> None:
    """What a file sets is in force, and the rest has its default; or the file contradicts itself and is told so."""
    config = parsed(value)
    if isinstance(config, PolicyError):
        assert all("or else" in problem for problem in config.problems)
    else:
        assert config.everywhere.model_dump() == {**Policy.preset("hybrid"), **value}
        assert parsed(config.everywhere.model_dump()) == config


@given(mode=st.sampled_from(MODES), value=own_keys)
def test_6_2_a_mode_presets_what_is_not_set(mode: str, value: dict[str, Any]) -> None:
    """With a mode, whatever the file does not set is as the mode has it."""
    config = parsed({"mode": mode, **value})
    if isinstance(config, PolicyConfig):
        assert config.everywhere.model_dump() == {**Policy.preset(config.mode), **value}


@given(value=keys, own=own_keys, name=st.text())
def test_6_3_a_workflow_can_have_keys_of_its_own(value: dict[str, Any], own: dict[str, Any], name: str) -> None:
    """They are in force for this workflow alone."""
    config = parsed({**value, "workflows": {name: own}})
    if isinstance(config, PolicyConfig):
        assert config.of(name).model_dump() == {**Policy.preset("hybrid"), **value, **own}
        assert config.of(name + "?") == config.everywhere == parsed(value).everywhere  # type: ignore[union-attr]  # good


@given(value=files, key=st.sampled_from(list(Policy.model_fields)), bad=anything)
def test_6_4_a_bad_value_is_refused_with_its_field(value: dict[str, Any], key: str, bad: object) -> None:
    """Any value in place of a good one is taken only if it is one; else the field is named with what is allowed."""
    config = parsed({**value, key: bad})
    if isinstance(config, PolicyConfig):
        assert getattr(config.everywhere, key) == bad
    else:
        assert config.problems
        assert all("allowed: " in problem for problem in config.problems)


@given(content=st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_6_4_no_content_breaks_the_reader(content: bytes) -> None:
    """Any bytes in place of a policy are a policy or are refused in words."""
    try:
        config = parse_policy(content, NAME)
    except PolicyError as error:
        assert str(NAME) in error.message  # noqa: PT017  that it is raised at all is not the point
    else:
        assert len(config.version) == 16


@given(left=files, right=files)
def test_6_1_versions_differ_exactly_if_policies_do(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Two policies have the same version only if no threshold differs for any workflow that they name."""
    first, second = parsed(left), parsed(right)
    if isinstance(first, PolicyConfig) and isinstance(second, PolicyConfig):
        same = (first.everywhere, first.workflows) == (second.everywhere, second.workflows)
        assert (first.version == second.version) == same
        if same:
            assert list(changes(first, second)) == []


class Reloading(RuleBasedStateMachine):
    """A policy file that somebody edits, breaks and takes away while programs come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / NAME
        self.kept = Path(self.folder.name) / "kept.json"
        self.edits = 0
        self.expected = 3
        self.is_bad = False
        self.policy = PolicyFile(self.path, self.kept)

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.folder.cleanup()

    def save(self, text: str) -> None:
        """Save the file, at a time of its own: file systems round times."""
        self.path.write_text(text, encoding="utf-8")
        self.edits += 1
        os.utime(self.path, ns=(self.edits * 10**9, self.edits * 10**9))

    @rule(failures=st.integers(1, 9))
    def edit(self, failures: int) -> None:
        """Save a good policy."""
        self.save(json.dumps({"step_failures": failures}))
        self.expected, self.is_bad = failures, False

    @rule(text=st.sampled_from(["", "{", '{"step_failures": 0}', '{"step_failures": 9, "step_failures": 8}', "[]"]))
    def spoil(self, text: str) -> None:
        """Save a bad one."""
        self.save(text)
        self.is_bad = True

    @rule()
    def take_away(self) -> None:
        """Remove the file."""
        self.is_bad = self.is_bad or self.path.exists()
        self.path.unlink(missing_ok=True)

    @rule()
    def restart(self) -> None:
        """Start the program anew. Where no policy was ever good, a bad file stops it."""
        try:
            self.policy = PolicyFile(self.path, self.kept)
        except PolicyError:
            assert self.is_bad
            assert not self.kept.exists()
            assert self.path.exists()
        else:
            self.is_bad = self.is_bad and (self.path.exists() or self.kept.exists())

    @invariant()
    def the_last_good_one_is_in_force(self) -> None:
        """What counts is the last policy that was good, and a bad file is told of."""
        assert self.policy.current().everywhere.step_failures == self.expected
        assert (self.policy.refusal is not None) == self.is_bad


TestReloading = Reloading.TestCase
TestReloading.settings = settings(max_examples=60, stateful_step_count=25)
