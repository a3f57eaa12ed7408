"""The thresholds by which Steadyhand goes on, is stricter, or stops: `auto_heal_policy.json`.

The file holds *keys*, one for each threshold, and what is not in it has its default. A *mode* presets them all:
`conservative` stops sooner, `permissive` later, `hybrid` is the default. ``"workflows": {"name": {...}}`` sets keys for
one workflow alone. The nearer setting wins: the workflow's keys, its mode, the file's keys, the file's mode. A workflow
that names a mode starts from that mode alone.

Thresholds that contradict each other are refused. Each policy has a *version*, made from its content, which decisions
name. `steadyhand.policy_file` reads the files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from steadyhand.files import content_hash
from steadyhand.model.outcome import Thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator

Mode = Literal["conservative", "hybrid", "permissive"]
MODES: tuple[Mode, ...] = get_args(Mode)
_VALUE_LENGTH = 60
_DAY_S = 86_400


@dataclass(frozen=True)
class Key:
    """What is to be known of a threshold beside its type, its range and its default.

    Attributes:
        unit: What it counts or measures.
        stricter: Whether `more` or `less` of it is stricter; `neither` if that cannot be said.
        why: Why the default is what it is.
        conservative: Its value in the mode `conservative`; the default if None.
        permissive: Its value in the mode `permissive`; the default if None.
        is_for_all: It belongs to all workflows together, and cannot be set for one.
    """

    unit: str
    stricter: Literal["more", "less", "neither"]
    why: str
    conservative: float | None = None
    permissive: float | None = None
    is_for_all: bool = False


class Policy(BaseModel):
    """The thresholds that are in force for one workflow.

    Attributes:
        breaker: `automatic`: it trips by the thresholds below. `disabled`: it counts and never trips.
            `forced_open`: nothing is executed.
        found_from: A target whose place is less probable than this is not found.
        lead_from: A target is ambiguous if its place leads over the next one by less than this.
        degraded_found_from: The same as `found_from`, while the workflow is DEGRADED.
        degraded_lead_from: The same as `lead_from`, while the workflow is DEGRADED.
        degraded_allows_unverified: Whether steps that cannot be verified go on while the workflow is DEGRADED.
        approval_lasts_s: How long a person's approval of a step that cannot be undone is good for one execution.
        step_failures: So many failures of one step in a row make the workflow DEGRADED.
        low_confidence_below: A target that was found with less confidence than this, and not by its recorded look,
            counts as a doubtful one.
        low_confidence_steps: So many doubtful targets within their window make the workflow DEGRADED.
        low_confidence_window_s: The window of doubtful targets.
        slow_step_s: A step that takes longer than this counts as slow; one that only waits never does.
        slow_steps: So many slow steps within their window make the workflow DEGRADED.
        slow_window_s: The window of slow steps.
        proving_successes: So many validated steps in a row make a DEGRADED workflow NORMAL again.
        workflow_failures: So many failures of a workflow within its window quarantine it.
        workflow_window_s: The window of a workflow's failures.
        cooldown_s: A quarantined workflow waits this long for its first probe.
        cooldown_growth: Each failed probe multiplies the wait for the next one by this.
        longest_cooldown_s: The wait for a probe never exceeds this.
        global_failures: So many failures of all workflows within their window pause everything.
        global_window_s: The window of the failures, and of the lost screens, of all workflows.
        global_workflows: Everything is paused only if at least so many workflows are concerned.
        screen_faults: So many lost screens within the window of all workflows pause everything. They count nowhere
            else: a broken monitor says nothing about a workflow.
        regression_false_alarms: The probability, at most, that a version of what was learned is taken back although
            it made nothing worse.
        regression_baseline_runs: A version is judged only if at least so many runs went before it.
        regression_watch_runs: A version that has gone through so many runs without a regression has proved itself.
        learning_budget_per_run: One run may add so many prototypes at most; with 0 nothing is learned.
        learning_budget_on_watch: So many prototypes may be added at most before those that were added have proved
            themselves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True)

    breaker: Annotated[
        Literal["automatic", "disabled", "forced_open"],
        Key("", "neither", "Nobody should have to switch on what keeps them safe."),
    ] = "automatic"
    found_from: Annotated[
        float,
        Field(ge=0.5, le=0.99),
        Key(
            "probability",
            "more",
            "Measured: as shipped with the resolver. No mode demands less than what was measured.",
            conservative=0.9,
        ),
    ] = 0.82
    lead_from: Annotated[
        float,
        Field(ge=0, le=0.9),
        Key(
            "difference of probabilities",
            "more",
            "Measured: as shipped with the resolver. No mode demands less than what was measured.",
            conservative=0.45,
        ),
    ] = 0.35
    degraded_found_from: Annotated[
        float,
        Field(ge=0.5, le=0.99),
        Key(
            "probability",
            "more",
            "Measured: as shipped with the resolver. A view that is wholly unchanged still passes.",
            conservative=0.97,
            permissive=0.93,
        ),
    ] = 0.95
    degraded_lead_from: Annotated[
        float,
        Field(ge=0, le=0.9),
        Key(
            "difference of probabilities",
            "more",
            "Measured: as shipped with the resolver.",
            conservative=0.6,
            permissive=0.45,
        ),
    ] = 0.5
    degraded_allows_unverified: Annotated[
        bool,
        Key("", "less", "In doubt nothing is done whose success nobody can see.", permissive=True),
    ] = False
    approval_lasts_s: Annotated[
        float,
        Field(ge=60, le=7 * _DAY_S),
        Key(
            "seconds",
            "less",
            "Long enough for the next nightly run, too short to be forgotten.",
            conservative=_DAY_S // 6,
            permissive=3 * _DAY_S,
        ),
    ] = _DAY_S
    step_failures: Annotated[
        int,
        Field(ge=1, le=20),
        Key("failures in a row", "less", "One may be chance, two a coincidence.", conservative=2, permissive=5),
    ] = 3
    low_confidence_below: Annotated[
        float,
        Field(ge=0.5, le=1),
        Key(
            "probability",
            "more",
            "Between what is demanded and what is demanded when degraded: doubts that add up.",
            conservative=0.95,
            permissive=0.88,
        ),
    ] = 0.9
    low_confidence_steps: Annotated[
        int,
        Field(ge=1, le=1000),
        Key(
            "targets",
            "less",
            "At 0.9 each, five together are right in six of ten cases.",
            conservative=3,
            permissive=10,
        ),
    ] = 5
    low_confidence_window_s: Annotated[
        float, Field(ge=1, le=7 * _DAY_S), Key("seconds", "more", "The same window as for failures.")
    ] = 600
    slow_step_s: Annotated[
        float,
        Field(ge=0.1, le=3600),
        Key(
            "seconds",
            "less",
            "Two thirds of the 30 s after which the watchdog stops a step.",
            conservative=15,
            permissive=25,
        ),
    ] = 20
    slow_steps: Annotated[
        int,
        Field(ge=1, le=1000),
        Key("steps", "less", "An application that hangs now and then is no reason yet.", conservative=3, permissive=10),
    ] = 5
    slow_window_s: Annotated[
        float, Field(ge=1, le=7 * _DAY_S), Key("seconds", "more", "The same window as for failures.")
    ] = 600
    proving_successes: Annotated[
        int,
        Field(ge=1, le=1000),
        Key("steps in a row", "more", "About one short run without a fault.", conservative=10, permissive=3),
    ] = 5
    workflow_failures: Annotated[
        int,
        Field(ge=2, le=1000),
        Key("failures", "less", "Three steps tripped, and one failure more.", conservative=6, permissive=20),
    ] = 10
    workflow_window_s: Annotated[
        float, Field(ge=1, le=7 * _DAY_S), Key("seconds", "more", "Long enough for several runs to fail.")
    ] = 600
    cooldown_s: Annotated[
        float,
        Field(ge=1, le=7 * _DAY_S),
        Key(
            "seconds",
            "more",
            "Longer than the window, so that a probe starts from none.",
            conservative=3600,
            permissive=600,
        ),
    ] = 900
    cooldown_growth: Annotated[
        float,
        Field(ge=1, le=10),
        Key("factor", "more", "As usual for waits that back off.", conservative=3, permissive=1.5),
    ] = 2
    longest_cooldown_s: Annotated[
        float,
        Field(ge=1, le=30 * _DAY_S),
        Key("seconds", "more", "It is tried at least once a day.", conservative=2 * _DAY_S, permissive=_DAY_S // 4),
    ] = _DAY_S
    global_failures: Annotated[
        int,
        Field(ge=2, le=10_000),
        Key(
            "failures",
            "less",
            "As many as quarantine three workflows.",
            conservative=20,
            permissive=60,
            is_for_all=True,
        ),
    ] = 30
    global_window_s: Annotated[
        float,
        Field(ge=1, le=7 * _DAY_S),
        Key("seconds", "more", "The same window as for one workflow.", is_for_all=True),
    ] = 600
    global_workflows: Annotated[
        int,
        Field(ge=1, le=1000),
        Key(
            "workflows",
            "less",
            "What one workflow does is no sign that all are in danger.",
            conservative=2,
            permissive=5,
            is_for_all=True,
        ),
    ] = 3
    screen_faults: Annotated[
        int,
        Field(ge=1, le=10_000),
        Key(
            "lost screens",
            "less",
            "Nothing can be clicked on a lost screen, so this may be noticed late.",
            conservative=5,
            permissive=20,
            is_for_all=True,
        ),
    ] = 10
    regression_false_alarms: Annotated[
        float,
        Field(ge=0.0001, le=0.05),
        Key(
            "probability for each version",
            "more",
            "Good looks are lost once in a hundred versions at most; a bad one is found some runs later for it.",
            conservative=0.05,
            permissive=0.001,
        ),
    ] = 0.01
    regression_baseline_runs: Annotated[
        int,
        Field(ge=1, le=1000),
        Key("runs", "less", "The first runs after a recording are looked after by a person.", permissive=10),
    ] = 5
    regression_watch_runs: Annotated[
        int,
        Field(ge=5, le=1000),
        Key(
            "runs",
            "more",
            "Measured: one that makes half of the runs fail, after twenty good ones, is mostly found by then.",
            conservative=100,
            permissive=30,
        ),
    ] = 50
    learning_budget_per_run: Annotated[
        int,
        Field(ge=0, le=1000),
        Key("prototypes", "less", "The targets of a long workflow, once.", conservative=10, permissive=50),
    ] = 20
    learning_budget_on_watch: Annotated[
        int,
        Field(ge=0, le=10_000),
        Key(
            "prototypes",
            "less",
            "Three runs may learn all they can; then what they learned has to prove itself.",
            conservative=20,
            permissive=200,
        ),
    ] = 60

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Policy:
        """Refuse thresholds that contradict each other, all at once."""
        problems = [rule.complaint(self) for rule in RULES if rule.is_broken_by(self)]
        if problems:
            raise PydanticCustomError("contradiction", "{text}", {"text": "; ".join(problems), "problems": problems})
        return self

    @property
    def normal(self) -> Thresholds:
        """What is demanded of a place as a rule."""
        return Thresholds(self.found_from, self.lead_from)

    @property
    def degraded(self) -> Thresholds:
        """What is demanded of a place while the workflow is DEGRADED."""
        return Thresholds(self.degraded_found_from, self.degraded_lead_from)

    @staticmethod
    def key(name: str) -> Key:
        """What is to be known of a key."""
        return next(note for note in Policy.model_fields[name].metadata if isinstance(note, Key))

    @staticmethod
    def preset(mode: Mode) -> dict[str, Any]:
        """The value of every key in a mode."""
        values = {name: field.default for name, field in Policy.model_fields.items()}
        if mode != "hybrid":
            own = {name: getattr(Policy.key(name), mode) for name in values}
            values.update({name: value for name, value in own.items() if value is not None})
        return values


class Rule(NamedTuple):
    """How two keys go together: `key` is at least `other`, or more than it.

    Attributes:
        key: The key that is larger.
        other: The key that is smaller.
        why: What would go wrong otherwise.
        or_equal: They may be equal.
    """

    key: str
    other: str
    why: str
    or_equal: bool = True

    def is_broken_by(self, policy: Policy) -> bool:
        """Whether a policy contradicts itself."""
        key, other = getattr(policy, self.key), getattr(policy, self.other)
        return bool(key < other or (key == other and not self.or_equal))

    def complaint(self, policy: Policy) -> str:
        """What to say of a policy that breaks it."""
        key, other = getattr(policy, self.key), getattr(policy, self.other)
        return f"{self.key} is {figure(key)}, and {self.other} is {figure(other)}; allowed: {self.in_words()}"

    def in_words(self) -> str:
        """The rule as a sentence."""
        relation = "at least" if self.or_equal else "more than"
        return f"`{self.key}` is {relation} `{self.other}`, or else {self.why}."


RULES: tuple[Rule, ...] = (
    Rule("degraded_found_from", "found_from", "DEGRADED would be laxer than NORMAL"),
    Rule("degraded_lead_from", "lead_from", "DEGRADED would be laxer than NORMAL"),
    Rule("low_confidence_below", "found_from", "nothing could ever count as doubtful", or_equal=False),
    Rule("degraded_found_from", "low_confidence_below", "DEGRADED would let through what made the workflow doubtful"),
    Rule("workflow_failures", "step_failures", "a workflow would be quarantined before it is degraded", or_equal=False),
    Rule("longest_cooldown_s", "cooldown_s", "the first wait would be longer than the longest"),
    Rule("global_failures", "global_workflows", "fewer failures than workflows would be enough"),
    Rule("screen_faults", "global_workflows", "fewer lost screens than workflows would be enough"),
    Rule("learning_budget_on_watch", "learning_budget_per_run", "no run could ever use up its budget"),
)
"""What must hold between keys."""


class PolicyConfig(BaseModel):
    """A whole policy file, with all that goes without saying.

    Attributes:
        mode: The mode that presets the thresholds.
        everywhere: The thresholds of a workflow that has none of its own, and of all workflows together.
        workflows: The thresholds of each workflow that has some of its own, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "hybrid"
    everywhere: Policy = Policy()
    workflows: dict[str, Policy] = {}

    @cached_property
    def version(self) -> str:
        """What tells this policy from another one: 16 hexadecimal digits, the same for the same thresholds."""
        plain = {"everywhere": self.everywhere.model_dump()}
        plain["workflows"] = {name: policy.model_dump() for name, policy in self.workflows.items()}
        return content_hash(json.dumps(plain, sort_keys=True).encode())

    @property
    def thresholds(self) -> dict[str, Any]:
        """All that it says, in the form of a policy file; of a workflow only the keys of its own."""
        everywhere = self.everywhere.model_dump()
        workflows = {
            name: {key: value for key, value in policy.model_dump().items() if value != everywhere[key]}
            for name, policy in self.workflows.items()
        }
        return {"mode": self.mode, **everywhere, "workflows": workflows}

    def of(self, workflow: str) -> Policy:
        """The thresholds for a workflow."""
        return self.workflows.get(workflow, self.everywhere)


# ----------------------------------------------------------------------------------------------------------- words


def allowed(name: str) -> str:
    """What a key may be, in words."""
    about = Policy.model_json_schema()["properties"][name]
    if "enum" in about:
        return ", ".join(about["enum"])
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}[about["type"]]
    limits = f" from {about['minimum']:.15g} to {about['maximum']:.15g}" if "minimum" in about else ""
    unit = Policy.key(name).unit
    return words + limits + (f" ({unit})" if unit else "")


def figure(value: object) -> str:
    """The value of a key as a person writes it: 600, not 600.0."""
    return f"{value:.15g}" if isinstance(value, float) else json.dumps(value)


def shown(value: object) -> str:
    """A value as a file has it, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 1]}…"


class Change(NamedTuple):
    """A threshold in which two policies differ.

    Attributes:
        workflow: For which workflow; empty for those that have none of their own.
        key: Which threshold.
        old: What it was.
        new: What it is.
    """

    workflow: str
    key: str
    old: object
    new: object

    @property
    def direction(self) -> Literal["stricter", "laxer", "other"]:
        """Whether it stops sooner or later than before, if that can be said."""
        stricter = Policy.key(self.key).stricter
        if stricter == "neither":
            return "other"
        return "stricter" if (self.new > self.old) == (stricter == "more") else "laxer"  # type: ignore[operator]  # numbers


def changes(old: PolicyConfig, new: PolicyConfig) -> Iterator[Change]:
    """Every threshold in which a policy differs from another one, for whichever workflow."""
    for workflow in ("", *dict.fromkeys([*old.workflows, *new.workflows])):
        before, after = old.of(workflow), new.of(workflow)
        for key in Policy.model_fields:
            is_told = workflow and Policy.key(key).is_for_all
            if getattr(before, key) != getattr(after, key) and not is_told:
                yield Change(workflow, key, getattr(before, key), getattr(after, key))
