"""Runs that are supervised: asked for before each step, told after it, on a small application drawn in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.till import FIELD, SAVE, Desk, Till, paying, saving, typing, verdicts

from steadyhand.errors import ScreenLostError, StoreError
from steadyhand.healing.auto_heal_manager import AutoHealManager, Decision
from steadyhand.healing.breaker_events import Measure
from steadyhand.model.outcome import Found, ModelUse, NotFound, Outcome, StepResult, Thresholds, Trigger, Verdict
from steadyhand.policy import Policy
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.grounding import Grounder
from steadyhand.resolution.target import Target
from steadyhand.testing import Injection, Injector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.model.workflow import Step
    from steadyhand.resolution.vision_model import VisionModel

POLICY = Policy()
NAME = "Pay at the till"


FAILED = StepResult("save", "click", Verdict.FAILED, trigger=Trigger.TARGET_NOT_FOUND)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A fresh application, an empty folder, and somebody who supervises."""
    desk = Desk(tmp_path)
    desk.manager = AutoHealManager.open(tmp_path / "data", tmp_path / "policy.json", desk.till.clock)
    yield desk
    desk.manager.close()


def manager_of(desk: Desk) -> AutoHealManager:
    """Who supervises."""
    assert desk.manager is not None
    return desk.manager


def state(desk: Desk) -> str:
    """The state of the workflow."""
    return manager_of(desk).get_state(NAME).state


def set_policy(desk: Desk, **keys: object) -> None:
    """Write the policy file."""
    (desk.folder / "policy.json").write_text(json.dumps(keys), encoding="utf-8")


def inject(desk: Desk, *injections: str) -> None:
    """Make failures happen."""
    desk.injector = Injector(map(Injection.parse, injections))


def renew(desk: Desk, **more: Any) -> None:
    """Start the application anew; time goes on."""
    desk.till = Till(clock=desk.till.clock, **more)


def degrade(desk: Desk) -> None:
    """Let the step `save` fail three times, and then mend what was wrong."""
    inject(desk, "target_not_found@save:3")
    for _ in range(3):
        desk.run(desk.workflow(saving(desk)))
    assert state(desk) == "DEGRADED"
    desk.injector = None


def forbid_looking(desk: Desk) -> None:
    """Make every look at the screen a mistake."""

    def look() -> None:
        raise AssertionError("somebody looked at the screen")

    desk.till.before_capture = look


# -------------------------------------------------------------------------------------------- asked, and told


def test_a_good_run_is_asked_for_step_by_step(desk: Desk) -> None:
    """Each step has a plain ruling that names the policy; the state stays, and nothing is to be told."""
    result = desk.run(desk.workflow(typing(desk), saving(desk)))
    rulings = [step.ruling for step in result.steps]
    assert all(ruling and ruling.is_plain and ruling.thresholds == POLICY.normal for ruling in rulings)
    assert len({ruling.policy_version for ruling in rulings if ruling}) == 1
    assert result.course is not None
    assert (result.course.before, result.course.after, result.course.events) == ("NORMAL", "NORMAL", ())
    assert result.injected == ()


def test_a_further_trip_is_told_though_nothing_changes(desk: Desk) -> None:
    """A workflow that is DEGRADED and fails on stays so; its report says what tripped."""
    degrade(desk)
    inject(desk, "target_not_found@save:1")
    result = desk.run(desk.workflow(saving(desk)))
    assert result.course is not None
    assert (result.course.before, result.course.after) == ("DEGRADED", "DEGRADED")
    assert result.course.events == ("3 failures of step save in a row: 3 TARGET_NOT_FOUND.",)


def test_what_becomes_of_all_is_not_what_becomes_of_one(desk: Desk) -> None:
    """Where this run's failure pauses all workflows, that is told as such; its own state is another matter."""
    set_policy(desk, global_failures=2, global_workflows=2, screen_faults=2)
    manager = manager_of(desk)
    manager.on_step_result(manager.should_execute_step("other", "save", "Another run"), FAILED)
    inject(desk, "target_not_found@save:1")
    result = desk.run(desk.workflow(saving(desk)))
    assert result.course is not None
    assert (result.course.before, result.course.after) == ("NORMAL", "NORMAL")
    (told,) = result.course.events
    assert told.startswith("All workflows: NORMAL -> PAUSED. 2 failures over all workflows")


def test_a_run_that_nobody_supervises_has_no_ruling(desk: Desk) -> None:
    """A manager can be left out, and then nothing is asked and nothing kept."""
    manager_of(desk).close()
    desk.manager = None
    result = desk.run(desk.workflow(saving(desk)))
    assert (result.steps[0].ruling, result.course) == (None, None)
    desk.manager = AutoHealManager.open(desk.folder / "data", desk.folder / "policy.json", desk.till.clock)


def test_a_dry_run_asks_nobody(desk: Desk) -> None:
    """It executes nothing, so that a workflow in quarantine can be looked at."""
    manager_of(desk).pause(NAME, "Paused by Ann.")
    result = desk.run(desk.workflow(saving(desk)), dry_run=True)
    assert result.outcome is Outcome.DONE
    assert (result.steps[0].ruling, result.course) == (None, None)


def test_what_was_done_before_a_restart_is_not_asked_for(desk: Desk) -> None:
    """Only steps that are taken have a ruling."""
    workflow = desk.workflow(saving(desk))
    desk.run(workflow)
    assert desk.run(workflow, resume=True).steps[0].ruling is None


# --------------------------------------------------------------------------------------------------- the triggers


def not_found(desk: Desk) -> dict[str, object]:
    """The button is gone."""
    desk.till.renamed = {"Save": ""}
    return saving(desk)


def postcondition_failed(desk: Desk) -> dict[str, object]:
    """Nothing of the kind is ever shown."""
    return saving(desk, expect=[{"text_appears": "Never to be seen"}])


def watchdog_timeout(desk: Desk) -> dict[str, object]:
    """Each look takes longer than the step may."""
    desk.till.before_capture = lambda: desk.till.clock.sleep(4)
    return saving(desk)


@pytest.mark.parametrize("cause", [not_found, postcondition_failed, watchdog_timeout])
def test_three_failures_in_a_row_degrade(cause: Any, desk: Desk) -> None:
    """What went wrong for a reason of its own is counted as such, and the third time the workflow is DEGRADED."""
    workflow = desk.workflow(cause(desk))
    runs = [desk.run(workflow) for _ in range(3)]
    trigger = Trigger(cause.__name__.upper().replace("NOT_FOUND", "TARGET_NOT_FOUND"))
    assert {run.steps[0].trigger for run in runs} == {trigger}
    courses = [(run.course.before, run.course.after) for run in runs if run.course]
    assert courses == [("NORMAL", "NORMAL"), ("NORMAL", "NORMAL"), ("NORMAL", "DEGRADED")]
    assert runs[-1].course is not None
    assert runs[-1].course.events == (f"NORMAL -> DEGRADED. 3 failures of step save in a row: 3 {trigger}.",)


def test_a_lost_screen_counts_apart(desk: Desk) -> None:
    """However often the screen is lost, the workflow stays as it is; it is counted over all workflows."""

    def gone() -> None:
        raise ScreenLostError("The browser was closed.")

    desk.till.before_capture = gone
    for _ in range(12):
        result = desk.run(desk.workflow(saving(desk)))
        assert result.steps[0].trigger is Trigger.SCREEN_LOST
    assert state(desk) == "NORMAL"
    counts = {each.measure: each.count for each in manager_of(desk).get_status_report().overall.readings}
    assert counts == {Measure.FAILURES: 0, Measure.SCREEN_FAULTS: POLICY.screen_faults}


def confidence_of_renamed(desk: Desk) -> float:
    """Rename the button, and say how surely it is found nevertheless."""
    desk.till.renamed = {"Save": "Save it"}
    target = Target.load(desk.record(SAVE), desk.folder)
    found = Resolver().resolve(target, desk.till.capture().image)
    assert isinstance(found, Found)
    return found.confidence


def test_doubtful_targets_add_up(desk: Desk) -> None:
    """A target that was found with little confidence is clicked and counted; the fifth degrades the workflow."""
    confidence = confidence_of_renamed(desk)
    doubtful = confidence + (1 - confidence) / 4
    set_policy(desk, low_confidence_below=doubtful, degraded_found_from=min(0.99, doubtful + 0.001))
    runs = [desk.run(desk.workflow(saving(desk))) for _ in range(5)]
    assert {(run.steps[0].trigger, run.outcome) for run in runs} == {(Trigger.LOW_CONFIDENCE, Outcome.DONE)}
    assert len(desk.till.saved) == 5
    assert runs[-1].course is not None
    assert runs[-1].course.events == ("NORMAL -> DEGRADED. 5 targets found with low confidence within 600 s.",)


def test_a_target_that_is_sure_enough_is_not_doubted(desk: Desk) -> None:
    """A find above the limit of doubt is no trigger, and neither is a target that looks as recorded."""
    confidence = confidence_of_renamed(desk)
    set_policy(desk, low_confidence_below=confidence - 0.001)
    assert desk.run(desk.workflow(saving(desk))).steps[0].trigger is None
    renew(desk)
    set_policy(desk, low_confidence_below=1, degraded_found_from=0.99, mode="hybrid")
    assert desk.run(desk.workflow(saving(desk))).steps[0].trigger is None


# ------------------------------------------------------------------------------------------------------- injected


@pytest.mark.parametrize("trigger", [trigger for trigger in Trigger if trigger is not Trigger.LOW_CONFIDENCE])
def test_an_injected_failure_touches_nothing(trigger: Trigger, desk: Desk) -> None:
    """The step ends as if its trigger had come about, the screen is not even looked at, and the report says so."""
    inject(desk, f"{trigger.lower()}@save")
    forbid_looking(desk)
    result = desk.run(desk.workflow(saving(desk), paying(desk)))
    assert result.outcome is Outcome.FAILED
    assert verdicts(result) == ["failed", "skipped"]
    assert (result.steps[0].trigger, result.steps[0].acted) == (trigger, False)
    assert result.steps[0].reason == "Injected: the step was not carried out."
    assert result.injected == (f"{trigger} at step save",)
    assert desk.till.inputs == []


def test_an_injected_doubt_is_acted_upon(desk: Desk) -> None:
    """The step is carried out on a target that counts as only just found; five such make the workflow DEGRADED."""
    inject(desk, "low_confidence@save")
    runs = [desk.run(desk.workflow(saving(desk))) for _ in range(5)]
    step = runs[0].steps[0]
    assert (step.trigger, step.healed, step.reason) == (
        Trigger.LOW_CONFIDENCE,
        True,
        "Injected: its target counts as only just found.",
    )
    assert len(desk.till.saved) == 5
    assert state(desk) == "DEGRADED"


# ----------------------------------------------------------------------------------------- scenarios 10.2 and 10.3


def test_10_2_three_missing_targets_raise_the_thresholds(desk: Desk) -> None:
    """After three TARGET_NOT_FOUND the target is held to the stricter thresholds, and nothing may be learned."""
    degrade(desk)
    result = desk.run(desk.workflow(saving(desk)))
    assert result.outcome is Outcome.DONE
    (step,) = result.steps
    assert isinstance(step.resolution, Found)
    assert step.resolution.thresholds == POLICY.degraded
    assert step.ruling is not None
    assert (step.ruling.state, step.ruling.thresholds) == ("DEGRADED", POLICY.degraded)
    assert not manager_of(desk).should_execute_step(NAME, "save", "A run").may_be_learned_from


def test_10_3_ten_failures_in_ten_minutes_quarantine(desk: Desk) -> None:
    """After ten failures the screen is not even looked at; the run is refused, and says when to ask again."""
    inject(desk, "target_not_found@save:10")
    for _ in range(10):
        desk.till.clock.sleep(59)
        assert desk.run(desk.workflow(saving(desk))).outcome is Outcome.FAILED
    assert state(desk) == "QUARANTINED"
    forbid_looking(desk)
    result = desk.run(desk.workflow(saving(desk), paying(desk)))
    assert result.outcome is Outcome.REFUSED
    assert verdicts(result) == ["failed", "skipped"]
    first = result.steps[0]
    assert (first.trigger, first.acted) == (None, False)
    assert first.reason == (
        "It is QUARANTINED. 10 failures within 600 s: 10 TARGET_NOT_FOUND. It may be asked again in 900 s."
    )
    assert first.ruling is not None
    assert first.ruling.retry_after_s == 900
    assert desk.till.inputs == []


def test_10_3_failures_that_are_long_ago_count_no_more(desk: Desk) -> None:
    """Ten failures over more than ten minutes quarantine nothing."""
    inject(desk, "target_not_found@save:10")
    for _ in range(10):
        desk.till.clock.sleep(67)
        desk.run(desk.workflow(saving(desk)))
    assert state(desk) == "DEGRADED"


def test_a_probe_leads_out_of_the_quarantine(desk: Desk) -> None:
    """After the cool-down one run may show that all is well; from then on the workflow has to prove itself."""
    test_10_3_ten_failures_in_ten_minutes_quarantine(desk)
    renew(desk)
    desk.till.clock.sleep(900)
    result = desk.run(desk.workflow(saving(desk)))
    assert result.course is not None
    assert (result.course.before, result.course.after) == ("QUARANTINED", "DEGRADED")
    assert result.course.events == (
        "QUARANTINED -> DEGRADED. Run A run probes after the cool-down.",
        "Run A run was completed without a failure.",
    )
    assert state(desk) == "DEGRADED"
    for _ in range(POLICY.proving_successes):
        renew(desk)
        result = desk.run(desk.workflow(saving(desk)))
    assert result.course is not None
    assert result.course.events == ("DEGRADED -> NORMAL. 5 validated steps in a row.",)


# -------------------------------------------------------------------------------------------------- while DEGRADED


def test_3_1_what_was_sure_enough_is_not_any_more(desk: Desk) -> None:
    """A target that is found in NORMAL is refused where more is demanded, and the miss names what was demanded."""
    confidence = confidence_of_renamed(desk)
    set_policy(desk, degraded_found_from=min(0.99, confidence + 0.005))
    assert desk.run(desk.workflow(saving(desk))).outcome is Outcome.DONE
    renew(desk)
    degrade(desk)
    renew(desk, renamed={"Save": "Save it"})
    result = desk.run(desk.workflow(saving(desk)))
    assert isinstance(result.steps[0].resolution, NotFound)
    assert result.steps[0].trigger is Trigger.TARGET_NOT_FOUND
    assert desk.till.saved == []


def test_what_is_expected_is_seen_without_stricter_thresholds(desk: Desk) -> None:
    """Otherwise a target would count as gone because more is demanded of what is clicked."""
    confidence = confidence_of_renamed(desk)
    set_policy(desk, degraded_found_from=min(0.99, confidence + 0.005))
    renew(desk)
    degrade(desk)
    renew(desk, renamed={"Save": "Save it"})
    gone = {"text_appears": "Payment sent"}, {"target_absent": desk.record(SAVE)}
    result = desk.run(desk.workflow(paying(desk, irreversible=False, expect=gone, timeout_s=4)))
    assert result.steps[0].trigger is Trigger.POSTCONDITION_FAILED


def test_3_5_what_cannot_be_undone_waits_for_a_person(desk: Desk) -> None:
    """It is refused without touching the screen and says how to approve it; approved, it is done once."""
    degrade(desk)
    forbid_looking(desk)
    result = desk.run(desk.workflow(paying(desk)))
    assert result.outcome is Outcome.REFUSED
    assert result.steps[0].reason == (
        "It is DEGRADED, and this step cannot be undone: it waits for a person's approval. "
        "`steadyhand approve 'Pay at the till' pay --by NAME` allows it once."
    )
    assert result.steps[0].ruling is not None
    assert result.steps[0].ruling.waits_for_approval
    renew(desk)
    manager_of(desk).approve(NAME, "pay", "Ann")
    assert desk.run(desk.workflow(paying(desk))).outcome is Outcome.DONE
    assert desk.run(desk.workflow(paying(desk))).outcome is Outcome.REFUSED
    assert desk.till.paid == 1


def test_3_6_a_step_that_nothing_can_show_is_refused(desk: Desk) -> None:
    """Nothing is typed whose success nobody could see, unless the policy allows it."""
    degrade(desk)
    result = desk.run(desk.workflow(typing(desk)))
    assert result.outcome is Outcome.REFUSED
    assert result.steps[0].reason == "It is DEGRADED, and nothing could show whether this step succeeded."
    assert desk.till.inputs == []
    set_policy(desk, degraded_allows_unverified=True)
    assert verdicts(desk.run(desk.workflow(typing(desk), saving(desk)))) == ["unverified", "done"]


def test_3_6_a_step_that_nothing_shows_is_not_gone_on_from(desk: Desk) -> None:
    """It was carried out, and all that it expects was so before: the run ends, and nothing more is done."""
    degrade(desk)
    old = {"text_appears": "Till of the harbour"}
    result = desk.run(desk.workflow(saving(desk, expect=[old]), paying(desk, irreversible=False)))
    assert result.outcome is Outcome.REFUSED
    assert verdicts(result) == ["failed", "skipped"]
    assert (result.steps[0].trigger, result.steps[0].acted) == (None, True)
    assert "a step that nothing proves must not be gone on from" in result.steps[0].reason
    assert desk.till.inputs == ["click"]


class Asked(Grounder):
    """Notes under which condition a model would have been asked."""

    __slots__ = ()
    conditions: list[bool] = []  # noqa: RUF012  one test, one list

    def ground(self, target: Target, image: Any, resolution: Any, within_s: float = 0) -> Any:
        """Note it."""
        del target, image, within_s
        self.conditions.append(self.require_agreement)
        return resolution


class Silent:
    """A model that costs nothing."""

    def bill(self) -> ModelUse:
        """Nothing."""
        return ModelUse()


def test_3_5_a_models_choice_needs_agreement(desk: Desk) -> None:
    """In NORMAL a model may be believed by itself, in DEGRADED only if some other evidence agrees."""
    model: VisionModel = Silent()  # type: ignore[assignment]  # it is never asked for more
    desk.grounder = Asked(model)
    Asked.conditions.clear()
    workflow = desk.workflow(saving(desk))
    desk.till.renamed = {"Save": ""}
    desk.run(workflow)
    normal = Asked.conditions.copy()
    degrade(desk)
    Asked.conditions.clear()
    desk.run(workflow)
    assert normal
    assert not any(normal)
    assert Asked.conditions
    assert all(Asked.conditions)


def test_both_ends_of_a_drag_are_held_to_the_thresholds(desk: Desk) -> None:
    """Where it ends matters as much as where it begins."""
    confidence = confidence_of_renamed(desk)
    set_policy(desk, degraded_found_from=min(0.99, confidence + 0.005), degraded_allows_unverified=True)
    renew(desk)
    degrade(desk)
    drag = {"id": "drag", "action": "drag", "target": desk.record(FIELD), "to": desk.record(SAVE)}
    assert verdicts(desk.run(desk.workflow(drag))) == ["unverified"]
    renew(desk, renamed={"Save": "Save it"})
    assert desk.run(desk.workflow(drag)).steps[0].trigger is Trigger.TARGET_NOT_FOUND


# ------------------------------------------------------------------------------------------- while a run goes on


@dataclass
class Meanwhile:
    """Does something when the first step has ended, as somebody else might."""

    deed: Any
    done: bool = False

    def decided(self, decision: Decision) -> None:
        """Let it be."""

    def intends(self, decision: Decision, step: Step) -> None:
        """Let it be."""

    def ended(self, decision: Decision, result: StepResult) -> None:
        """Do it, once."""
        del decision, result
        if not self.done:
            self.done = True
            self.deed()


def test_1_7_a_pause_holds_the_next_step(desk: Desk) -> None:
    """Whoever pauses while a run goes on stops it before its next step."""
    desk.witnesses = [Meanwhile(lambda: manager_of(desk).pause(NAME, "Paused by Ann."))]
    result = desk.run(desk.workflow(saving(desk), paying(desk)))
    assert result.outcome is Outcome.REFUSED
    assert verdicts(result) == ["done", "failed"]
    assert result.steps[1].reason == "It is PAUSED. Paused by Ann."
    assert desk.till.paid == 0
    assert result.course is not None
    assert (result.course.before, result.course.after) == ("NORMAL", "PAUSED")
    assert result.course.events == ("NORMAL -> PAUSED. Paused by Ann.",)


def test_6_5_a_changed_policy_is_in_force_from_the_next_step(desk: Desk) -> None:
    """Each step names the policy that it was decided by, and is held to its thresholds as a whole."""
    desk.witnesses = [Meanwhile(lambda: set_policy(desk, found_from=0.88, lead_from=0.4))]
    first, second = desk.run(desk.workflow(saving(desk), paying(desk))).steps
    assert first.ruling is not None
    assert second.ruling is not None
    assert first.ruling.policy_version != second.ruling.policy_version
    assert isinstance(second.resolution, Found)
    assert first.ruling.thresholds == POLICY.normal
    assert second.resolution.thresholds == second.ruling.thresholds == Thresholds(0.88, 0.4)


def test_6_5_a_bad_policy_changes_nothing(desk: Desk) -> None:
    """The last good one stays in force while a run goes on."""
    desk.witnesses = [Meanwhile(lambda: set_policy(desk, found_from=7))]
    first, second = desk.run(desk.workflow(saving(desk), paying(desk))).steps
    assert first.ruling == second.ruling


def test_what_cannot_be_kept_ends_the_run(desk: Desk) -> None:
    """Once a result could not be kept, nothing more is executed, and the report says why."""
    desk.witnesses = [Meanwhile(lambda: fail("The disk is full."))]
    result = desk.run(desk.workflow(saving(desk), paying(desk)))
    assert result.outcome is Outcome.REFUSED
    assert result.steps[1].reason == "The disk is full."
    assert result.course is not None
    assert result.course.events == ("The disk is full.",)
    assert desk.till.paid == 0


def test_a_state_that_cannot_be_read_ends_the_run(desk: Desk) -> None:
    """A manager without its store allows nothing."""
    manager_of(desk).close()
    forbid_looking(desk)
    result = desk.run(desk.workflow(saving(desk)))
    assert result.outcome is Outcome.REFUSED
    assert "cannot be read" in result.steps[0].reason


def fail(why: str) -> None:
    """Be unable to keep anything."""
    raise StoreError(why)


@dataclass
class Log:
    """Keeps what it is told; from then on it cannot, if it is full."""

    desk: Desk
    lines: list[str] = field(default_factory=list)
    is_full: bool = False

    def decided(self, decision: Decision) -> None:
        """Note a decision, and how many inputs had arrived by then."""
        if self.is_full:
            fail("The log is full.")
        self.lines.append(f"{decision.step} {'yes' if decision.allowed else 'no'} {len(self.desk.till.inputs)}")

    def intends(self, decision: Decision, step: Step) -> None:
        """Note an intent, and how many inputs had arrived by then."""
        self.lines.append(f"{decision.step} {step.action} {len(self.desk.till.inputs)}")

    def ended(self, decision: Decision, result: StepResult) -> None:
        """Note a result."""
        self.lines.append(f"{decision.step} {result.verdict.value}")


def test_a_witness_knows_of_a_decision_before_anything_is_done(desk: Desk) -> None:
    """What is decided is told first, then what is intended, and what came of it before the next decision."""
    log = Log(desk)
    desk.witnesses = [log]
    desk.run(desk.workflow(saving(desk), paying(desk)))
    assert log.lines == [
        *("save yes 0", "save click 0", "save done"),
        *("pay yes 1", "pay click 1", "pay done"),
    ]


def test_what_cannot_be_witnessed_is_not_done(desk: Desk) -> None:
    """Where a decision cannot be noted, nothing is executed by it."""
    desk.witnesses = [Log(desk, is_full=True)]
    forbid_looking(desk)
    result = desk.run(desk.workflow(saving(desk)))
    assert result.outcome is Outcome.REFUSED
    assert result.steps[0].reason == "The log is full."


def test_a_run_that_is_broken_off_ends_its_probe(desk: Desk) -> None:
    """A probe whose run ended by a fault of the program has shown nothing, and the quarantine goes on."""
    test_10_3_ten_failures_in_ten_minutes_quarantine(desk)
    renew(desk)
    desk.till.clock.sleep(900)

    def crash(_: str) -> None:
        raise KeyboardInterrupt

    desk.till.before_input = crash
    with pytest.raises(KeyboardInterrupt):
        desk.run(desk.workflow(saving(desk)))
    assert state(desk) == "QUARANTINED"


def test_nobody_else_runs_beside_a_probe(desk: Desk) -> None:
    """While one run probes, another one is refused; the one that is resumed under the same name goes on."""
    test_10_3_ten_failures_in_ten_minutes_quarantine(desk)
    renew(desk)
    desk.till.clock.sleep(900)
    assert manager_of(desk).should_execute_step(NAME, "save", "Another run").allowed
    result = desk.run(desk.workflow(saving(desk)))
    assert result.steps[0].reason == "Run Another run is probing, and no other one may go on."
    result = desk.run(desk.workflow(saving(desk)), run="Another run")
    assert result.outcome is Outcome.DONE
