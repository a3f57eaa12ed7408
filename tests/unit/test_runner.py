"""One run of a workflow, on a small application drawn in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.unit.till import FIELD, PAY, SAVE, Desk, Till, paying, saving, typing, verdicts

from steadyhand.errors import ConfigError, DeliveryUncertainError, ScreenLostError
from steadyhand.execution import journal as journal_module
from steadyhand.execution.injection import Injection, Injector
from steadyhand.model.outcome import Found, Outcome, Trigger, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A fresh application and an empty folder."""
    return Desk(tmp_path)


# ------------------------------------------------------------------------------------------------------ a good run


def test_a_run_types_clicks_and_verifies(desk: Desk) -> None:
    """Each step finds its target, acts on it once, and is done when what it expects came true."""
    name = typing(desk, expect=[{"field_shows": "{{customer}}"}], note="for {{customer}}")
    result = desk.run(desk.workflow(name, saving(desk), paying(desk)))
    assert result.outcome is Outcome.DONE
    assert verdicts(result) == ["done", "done", "done"]
    assert desk.till.inputs == ["click", "type", "click", "click"]
    assert desk.till.saved == ["Bellwether"]
    assert desk.till.paid == 1
    assert (result.workflow, result.screen) == ("Pay at the till", "till")
    assert result.parameters == {"customer": "Bellwether"}
    assert result.steps[0].note == "for Bellwether"
    assert all(isinstance(step.resolution, Found) and step.acted and step.retries == 0 for step in result.steps)


def test_each_step_is_told_with_its_pictures(desk: Desk) -> None:
    """An observer sees the screen that the target was found on, the screen after, and the recorded one."""
    result = desk.run(desk.workflow(saving(desk)))
    assert desk.album.results == list(result.steps)
    before, after = desk.album.pictures["save"]
    assert before is not None
    assert after is not None
    assert np.array_equal(before, Till().capture().image)
    assert np.array_equal(after, desk.till.capture().image)
    recorded = desk.album.recorded["save"]
    assert recorded is not None
    assert recorded.box == SAVE


def test_a_step_that_expects_nothing_is_unverified(desk: Desk) -> None:
    """The run goes on, and the report counts it."""
    assert verdicts(desk.run(desk.workflow(typing(desk), saving(desk)))) == ["unverified", "done"]


def test_what_was_so_before_leaves_a_step_unverified(desk: Desk) -> None:
    """A click is not called done by a text that stands there all the time."""
    result = desk.run(desk.workflow(saving(desk, expect=[{"text_appears": "Till of the harbour"}])))
    assert verdicts(result) == ["unverified"]
    assert result.steps[0].reason == "All that it expects was so before the action."


def test_waiting_touches_nothing(desk: Desk) -> None:
    """A step that waits is done when what it waits for is so; no intent is written, for there is no action."""
    wait = {"id": "wait", "action": "wait_for", "expect": [{"text_appears": "Till of the harbour"}]}
    assert verdicts(desk.run(desk.workflow(wait))) == ["done"]
    assert desk.till.inputs == []
    assert not any("intent" in entry for entry in desk.entries())


def test_keys_and_wheel_need_no_target(desk: Desk) -> None:
    """A step without a target acts on the settled screen."""
    keys = {"id": "keys", "action": "keys", "keys": "Enter"}
    wheel = {"id": "wheel", "action": "scroll", "dy": 30}
    result = desk.run(desk.workflow(keys, wheel))
    assert verdicts(result) == ["unverified", "unverified"]
    assert desk.till.inputs == ["Enter", "scroll 0 30 at 240 130"]
    assert result.steps[0].resolution is None
    assert desk.album.pictures["keys"][0] is not None


def test_a_drag_needs_both_ends(desk: Desk) -> None:
    """It goes from the first target to the second, and nowhere if the second is not there."""
    drag = {"id": "drag", "action": "drag", "target": desk.record(SAVE), "to": desk.record(PAY)}
    assert verdicts(desk.run(desk.workflow(drag))) == ["unverified"]
    assert desk.till.inputs == [f"drag {SAVE.center} {PAY.center}"]
    desk.till = Till(renamed={"Pay": ""})
    result = desk.run(desk.workflow(drag))
    assert result.steps[0].trigger is Trigger.TARGET_NOT_FOUND
    assert not any(entry.startswith("drag") for entry in desk.till.inputs)


# ----------------------------------------------------------------------------------------------- faults of the screen


def test_a_step_that_was_slow_before_it_could_act_does_not_act_any_more(desk: Desk) -> None:
    """When its time is over before the action, the action does not happen."""
    desk.till.before_capture = lambda: desk.till.clock.sleep(4)
    result = desk.run(desk.workflow(saving(desk)))
    assert result.steps[0].trigger is Trigger.WATCHDOG_TIMEOUT
    assert not result.steps[0].acted
    assert desk.till.inputs == []


def test_what_was_seen_before_the_screen_was_lost_is_shown(desk: Desk) -> None:
    """The result says what the driver said, and that the action may have happened."""

    def cut() -> None:
        if desk.till.inputs:
            raise ScreenLostError("The browser was closed.")

    desk.till.before_capture = cut
    result = desk.run(desk.workflow(saving(desk), paying(desk)))
    assert result.outcome is Outcome.FAILED
    assert result.steps[0].trigger is Trigger.SCREEN_LOST
    assert result.steps[0].reason == "The browser was closed. Its action may have happened."
    assert isinstance(result.steps[0].resolution, Found)
    assert desk.album.pictures["save"][0] is not None
    assert desk.album.pictures["save"][1] is None


def test_a_screen_that_is_lost_at_once_still_has_a_result(desk: Desk) -> None:
    """Nothing was seen, so nothing is shown."""

    def gone() -> None:
        raise ScreenLostError("The browser was closed.")

    desk.till.before_capture = gone
    result = desk.run(desk.workflow(saving(desk)))
    assert result.steps[0].trigger is Trigger.SCREEN_LOST
    assert result.steps[0].resolution is None
    assert desk.album.pictures["save"] == (None, None)


# ------------------------------------------------------------------------------------------------ actions in doubt


def lose(desk: Desk, *, arrived: bool, times: int = 1) -> None:
    """Lose the connection at the next inputs, before or after they arrive."""
    left = [times]

    def fail(_: str) -> None:
        if left[0]:
            left[0] -= 1
            raise DeliveryUncertainError("The connection was lost while clicking.")

    if arrived:
        desk.till.after_input = fail
    else:
        desk.till.before_input = fail


@pytest.mark.parametrize("step", [saving, paying])
def test_what_happened_although_the_connection_was_lost_is_not_done_again(
    desk: Desk, step: Callable[[Desk], dict[str, object]]
) -> None:
    """The expectation came true, so the action arrived: done, once."""
    lose(desk, arrived=True)
    result = desk.run(desk.workflow(step(desk)))
    assert verdicts(result) == ["done"]
    assert result.steps[0].reason == "It had happened already."
    assert desk.till.inputs == ["click"]


def test_what_did_not_happen_and_can_be_undone_is_done_again(desk: Desk) -> None:
    """The expectation did not come true, and saving twice would be harmless: it is repeated once, and says so."""
    lose(desk, arrived=False)
    result = desk.run(desk.workflow(saving(desk)))
    assert verdicts(result) == ["done"]
    assert desk.till.saved == [""]
    assert result.steps[0].retries == 1
    assert "did it again" in result.steps[0].reason


def test_it_is_not_done_a_third_time(desk: Desk) -> None:
    """A connection that is lost each time is not worked against."""
    lose(desk, arrived=False, times=9)
    result = desk.run(desk.workflow(saving(desk)))
    assert result.outcome is Outcome.REFUSED
    assert result.steps[0].trigger is Trigger.SCREEN_LOST
    assert "tried often enough" in result.steps[0].reason
    assert desk.till.saved == []


def test_what_cannot_be_undone_is_never_done_again(desk: Desk) -> None:
    """A payment that may be on its way is not sent again; a person has to look."""
    lose(desk, arrived=False)
    result = desk.run(desk.workflow(paying(desk), saving(desk)))
    assert result.outcome is Outcome.REFUSED
    assert verdicts(result) == ["failed", "skipped"]
    assert result.steps[0].trigger is Trigger.SCREEN_LOST
    assert "cannot be undone, so it is not done again" in result.steps[0].reason
    assert desk.till.paid == 0


def test_what_nothing_can_show_is_not_done_again(desk: Desk) -> None:
    """Without an expectation that was not so before, nobody knows whether the click arrived."""
    for expect in ([], [{"text_appears": "Till of the harbour"}]):
        desk.till = Till()
        lose(desk, arrived=False)
        result = desk.run(desk.workflow(saving(desk, expect=expect)))
        assert result.outcome is Outcome.REFUSED
        assert "nothing that it expects can show whether it did" in result.steps[0].reason
        assert desk.till.saved == []


def test_typing_that_replaces_is_repeated_and_typing_that_adds_is_not(desk: Desk) -> None:
    """A text that is typed over the old one is the same the second time; one that is added may be there twice."""
    expect = [{"field_shows": "Bellwether"}]
    lose(desk, arrived=False)
    assert verdicts(desk.run(desk.workflow(typing(desk, clear=True, expect=expect)))) == ["done"]
    assert desk.till.text == "Bellwether"
    desk.till = Till()
    lose(desk, arrived=False)
    result = desk.run(desk.workflow(typing(desk, expect=expect)))
    assert result.outcome is Outcome.REFUSED
    assert "A part of its text may have been typed" in result.steps[0].reason


# ---------------------------------------------------------------------------------------------------------- resume


class CrashError(BaseException):
    """The process is gone."""


def crash(_: str) -> None:
    """Be gone."""
    raise CrashError


def test_a_resumed_run_skips_what_is_done(desk: Desk) -> None:
    """After a crash before the payment, the customer is not saved again."""
    workflow = desk.workflow(saving(desk), paying(desk))
    desk.till.before_input = lambda _: crash("") if desk.till.saved else None
    with pytest.raises(CrashError):
        desk.run(workflow)
    desk.till.before_input = lambda _: None
    desk.till.notice = "Payment sent"
    result = desk.run(workflow, resume=True)
    assert verdicts(result) == ["skipped", "done"]
    assert result.steps[0].reason == "It was done before the restart."
    assert [step.was_done_before for step in result.steps] == [True, False]
    assert desk.till.saved == [""]


def test_a_payment_that_went_out_before_the_crash_counts_as_done(desk: Desk) -> None:
    """The result was never written, but what it expects came true after the intent."""
    workflow = desk.workflow(paying(desk), saving(desk))
    desk.till.after_input = crash
    with pytest.raises(CrashError):
        desk.run(workflow)
    desk.till.after_input = lambda _: None
    result = desk.run(workflow, resume=True)
    assert verdicts(result) == ["done", "done"]
    assert desk.till.paid == 1


def test_a_payment_of_which_nothing_is_seen_is_refused_after_a_crash(desk: Desk) -> None:
    """It may be on its way; the run stops and says why."""
    workflow = desk.workflow(paying(desk), saving(desk))
    desk.till.before_input = crash
    with pytest.raises(CrashError):
        desk.run(workflow)
    desk.till.before_input = lambda _: None
    for _ in range(2):
        result = desk.run(workflow, resume=True)
        assert result.outcome is Outcome.REFUSED
        assert result.steps[0].trigger is Trigger.POSTCONDITION_FAILED
        assert "cannot be undone" in result.steps[0].reason
    assert desk.till.inputs == []


def test_a_step_that_can_be_undone_is_done_after_a_crash_if_it_was_not(desk: Desk) -> None:
    """Surely not done and harmless: it is done."""
    workflow = desk.workflow(saving(desk))
    desk.till.before_input = crash
    with pytest.raises(CrashError):
        desk.run(workflow)
    desk.till.before_input = lambda _: None
    assert verdicts(desk.run(workflow, resume=True)) == ["done"]
    assert desk.till.saved == [""]


def test_what_was_so_before_the_crash_proves_nothing_after_it(desk: Desk) -> None:
    """The journal remembers that the notice stood there before the payment was tried."""
    desk.till.notice = "Payment sent"
    workflow = desk.workflow(paying(desk))
    desk.till.before_input = crash
    with pytest.raises(CrashError):
        desk.run(workflow)
    desk.till.before_input = lambda _: None
    result = desk.run(workflow, resume=True)
    assert result.outcome is Outcome.REFUSED
    assert desk.till.paid == 0


def test_a_full_disk_stops_the_run_before_the_next_action(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a journal a crash could make something happen twice, so nothing happens any more."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_module, "append_record", full)
    result = desk.run(desk.workflow(paying(desk)))
    assert result.outcome is Outcome.REFUSED
    assert "No space left on device" in result.steps[0].reason
    assert desk.till.inputs == []


# --------------------------------------------------------------------------------------------------------- secrets

SECRETS = {"pin": {"env": "PIN"}}


def test_a_secret_is_typed_and_never_shown(desk: Desk) -> None:
    """It arrives in the field; no picture of that step or a later one shows it, and no file holds it.

    Before it is typed the field is empty, and is shown as that: of one colour.
    """
    step = {"id": "pin", "action": "type", "target": desk.record(FIELD), "secret": "pin"}
    desk.run(desk.workflow(step, saving(desk), secrets=SECRETS))
    assert desk.till.saved == ["Tr0ub4dor&3"]
    inner = FIELD.grown(-4)
    rows, columns = slice(int(inner.y), int(inner.bottom)), slice(int(inner.x), int(inner.right))
    for number, (step_id, side) in enumerate([("pin", 0), ("pin", 1), ("save", 0), ("save", 1)]):
        picture = desk.album.pictures[step_id][side]
        assert picture is not None
        inside = picture[rows, columns].reshape(-1, 3)
        assert (inside == (inside[0] if number == 0 else 0)).all(), number
    assert "Tr0ub4dor" not in desk.journal.read_text(encoding="utf-8")
    assert "Tr0ub4dor" not in repr(desk.album.results)


def test_a_secret_in_the_words_of_a_driver_is_struck_out(desk: Desk) -> None:
    """What other programs say quotes what they were given."""

    def complain(what: str) -> None:
        if what == "type":
            raise ScreenLostError("Could not type 'Tr0ub4dor&3': the page is gone.")

    desk.till.before_input = complain
    step = {"id": "pin", "action": "type", "target": desk.record(FIELD), "secret": "pin"}
    result = desk.run(desk.workflow(step, secrets=SECRETS))
    assert result.steps[0].reason.startswith("Could not type '•••': the page is gone.")


def test_a_secret_typed_nobody_knows_where_leaves_no_picture(desk: Desk) -> None:
    """After a crash the place of a secret may be unknown; then the screen is not shown at all."""
    step = {"id": "pin", "action": "type", "secret": "pin", "expect": [{"text_appears": "Welcome"}]}
    workflow = desk.workflow(step, secrets=SECRETS)
    desk.till.after_input = crash
    with pytest.raises(CrashError):
        desk.run(workflow)
    desk.till.notice = "Welcome"
    desk.till.after_input = lambda _: None
    assert verdicts(desk.run(workflow, resume=True)) == ["done"]
    assert desk.album.pictures["pin"] == (None, None)


def test_a_missing_secret_or_value_stops_the_run_before_it_begins(desk: Desk) -> None:
    """Half a workflow is worse than none."""
    step = {"id": "pin", "action": "type", "target": desk.record(FIELD), "secret": "other"}
    with pytest.raises(ConfigError, match="other"):
        desk.run(desk.workflow(saving(desk), step, secrets={"other": {"env": "NO_SUCH"}}))
    with pytest.raises(ConfigError, match="supplier"):
        desk.run(desk.workflow(saving(desk), typing(desk, text="{{supplier}}")))
    assert desk.till.inputs == []
    assert not desk.journal.exists()


# --------------------------------------------------------------------------------------------------------- dry run


def test_a_dry_run_says_what_it_would_do_and_does_nothing(desk: Desk) -> None:
    """It looks for the first target; nothing is clicked, nothing is written."""
    result = desk.run(desk.workflow(saving(desk), paying(desk)), dry_run=True)
    assert result.outcome is Outcome.DONE
    assert verdicts(result) == ["skipped", "skipped"]
    assert result.steps[0].reason == "Dry run: it would click at [170, 148]."
    assert isinstance(result.steps[0].resolution, Found)
    assert desk.till.inputs == []
    assert not desk.journal.exists()


def test_a_dry_run_fails_when_the_first_target_is_not_there(desk: Desk) -> None:
    """That is what a dry run is for."""
    desk.till.renamed = {"Save": ""}
    result = desk.run(desk.workflow(saving(desk)), dry_run=True)
    assert result.outcome is Outcome.FAILED
    assert result.steps[0].trigger is Trigger.TARGET_NOT_FOUND
    assert desk.till.inputs == []
    assert not desk.journal.exists()


def test_a_dry_run_of_a_first_step_without_a_target_says_so(desk: Desk) -> None:
    """There is nothing to look for."""
    result = desk.run(desk.workflow({"id": "keys", "action": "keys", "keys": "Enter"}), dry_run=True)
    assert result.steps[0].verdict is Verdict.SKIPPED
    assert result.steps[0].reason == "Dry run: the first step (keys) has no target to look for."
    assert desk.till.inputs == []


def test_failures_are_injected_without_supervision_too(desk: Desk) -> None:
    """Whoever tests a workflow alone needs no manager."""
    desk.injector = Injector([Injection.parse("screen_lost@save:1")])
    assert [desk.run(desk.workflow(saving(desk))).outcome.value for _ in range(2)] == ["failed", "done"]
