"""The figures of a run are right, and a terminal shows them safely."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from steadyhand.evidence.summary import (
    Summary,
    comparison_table,
    model_words,
    seconds_words,
    stop_words,
    summary_table,
)
from steadyhand.model.outcome import Course, ModelUse, Outcome, RunResult, Verdict

if TYPE_CHECKING:
    from rich.console import Group


def printed(table: Group, *, terminal: bool = False) -> str:
    """What a table looks like on a terminal of 120 columns."""
    out = io.StringIO()
    Console(file=out, width=120, force_terminal=terminal, color_system="standard" if terminal else None).print(table)
    return out.getvalue()


def lines(table: Group) -> dict[str, list[str]]:
    """The cells of each figure, by its name; cells are at least three blanks apart."""
    rows = [line.rstrip().split("   ") for line in printed(table).splitlines()]
    return {row[0].strip(): [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}


def test_figures_of_a_run(run: RunResult) -> None:
    """Every figure of a run that was counted by hand."""
    summary = Summary.of(run)
    assert summary.mean_score == pytest.approx(0.8)
    assert summary.mean_resolve_s == pytest.approx(0.6)
    assert replace(summary, mean_score=None, mean_resolve_s=None) == Summary(
        steps=5,
        completed=3,
        skipped=1,
        clicks=2,
        clicks_by_method={"anchor_template": 1, "som_text_match": 1},
        mean_score=None,
        mean_resolve_s=None,
        retries=3,
        unverified=1,
        heals=1,
        outcome=Outcome.FAILED,
    )


def test_a_run_without_clicks_has_no_means(run: RunResult) -> None:
    """Where there is nothing to take the mean of, the mean is None, never zero."""
    summary = Summary.of(replace(run, steps=run.steps[2:3]))
    assert (summary.clicks, summary.mean_score, summary.mean_resolve_s) == (0, None, None)
    assert lines(summary_table(replace(run, steps=run.steps[2:3])))["mean score"] == ["-"]


def test_a_skipped_step_counts_as_a_step_only(run: RunResult) -> None:
    """What a skipped step says of clicks, retries or heals was not done in this run."""
    skipped = replace(run.steps[1], verdict=Verdict.SKIPPED, retries=9)
    summary = Summary.of(replace(run, steps=(skipped,)))
    assert (summary.steps, summary.completed, summary.clicks, summary.heals, summary.retries) == (1, 0, 0, 0, 0)
    assert Summary.of(replace(run, outcome=Outcome.DONE, steps=(skipped,))).outcome_words == "done, 1 skipped"


def test_a_target_that_was_found_and_not_acted_on_is_no_click(run: RunResult) -> None:
    """A step that ran out of time before its action resolved its target, and clicked nothing."""
    late = replace(run.steps[0], verdict=Verdict.FAILED, acted=False)
    summary = Summary.of(replace(run, steps=(late, run.steps[1])))
    assert (summary.clicks, summary.clicks_by_method) == (1, {"som_text_match": 1})
    assert summary.mean_score == pytest.approx(0.7)
    assert summary.mean_resolve_s == pytest.approx(0.3)


def test_a_heal_is_never_a_plain_pass(run: RunResult) -> None:
    """A done run is a plain `done` only if nothing healed and everything was verified."""
    plain = replace(run, outcome=Outcome.DONE, steps=run.steps[:1])
    healed = replace(run, outcome=Outcome.DONE, steps=run.steps[:2])
    unverified = replace(run, outcome=Outcome.DONE, steps=run.steps[:3])
    assert Summary.of(plain).outcome_words == "done"
    assert Summary.of(healed).outcome_words == "done, 1 healed"
    assert Summary.of(unverified).outcome_words == "done, 1 healed, 1 unverified"
    green = "\x1b[1;32mdone"
    assert green in printed(summary_table(plain), terminal=True)
    assert green not in printed(summary_table(healed), terminal=True)
    assert green not in printed(summary_table(replace(run, outcome=Outcome.DONE, steps=run.steps[2:3])), terminal=True)
    assert "\x1b[1;33mrefused" in printed(summary_table(replace(run, outcome=Outcome.REFUSED)), terminal=True)


def test_the_table_of_one_run(run: RunResult) -> None:
    """Every figure is on the terminal under its name."""
    assert lines(summary_table(run)) == {
        "": ["Approve an invoice"],
        "steps": ["3 of 5"],
        "clicks": ["2"],
        "anchor_template": ["1"],
        "som_text_match": ["1"],
        "mean score": ["0.80"],
        "mean resolve time": ["0.60 s"],
        "retries": ["3"],
        "unverified actions": ["1"],
        "heals": ["1"],
        "duration": ["6.00 s"],
        "outcome": ["failed"],
        "stopped at step 4, Approve it: TARGET_AMBIGUOUS. Two rows read the same.": [],
    }


def test_a_state_is_told_where_it_is_not_plain(run: RunResult) -> None:
    """The state has a line unless it was NORMAL all along; what changed it, and what was injected, is told."""
    plain = replace(run, course=Course("NORMAL", "NORMAL"))
    assert {"state", "injected"} & set(lines(summary_table(plain))) == set()
    moved = replace(run, course=Course("NORMAL", "DEGRADED", ("NORMAL -> DEGRADED. Twice.",)), injected=("once",))
    table = lines(comparison_table({"plain": plain, "moved": moved, "alone": run}))
    assert table["state"] == ["NORMAL", "NORMAL -> DEGRADED", "-"]
    assert table["injected"] == ["0", "1", "0"]
    assert "moved NORMAL -> DEGRADED. Twice." in table


def test_runs_side_by_side(run: RunResult) -> None:
    """Each run has a column, and a method that only some of them used is shown for all."""
    plain = replace(run, outcome=Outcome.DONE, steps=run.steps[:1])
    table = lines(comparison_table({"as recorded": plain, "broken": run}))
    assert table[""] == ["as recorded", "broken"]
    assert table["som_text_match"] == ["0", "1"]
    assert table["outcome"] == ["done", "failed"]
    assert "broken stopped at step 4, Approve it" in printed(comparison_table({"as recorded": plain, "broken": run}))
    assert "stopped" not in printed(comparison_table({"as recorded": plain}))


def test_a_hostile_name_does_not_reach_the_terminal(run: RunResult) -> None:
    """Control characters are shown instead of obeyed, and what looks like markup is printed as it is."""
    shown = printed(summary_table(replace(run, workflow="\x1b[2J[red]gone[/red]")))
    assert "\x1b" not in shown
    assert "␛[2J[red]gone[/red]" in shown


def test_where_a_run_stopped(run: RunResult) -> None:
    """The step without a note is called by its id; a run that did not fail did not stop."""
    nameless = replace(run.steps[3], note="", trigger=None, reason="")
    assert stop_words(replace(run, steps=(nameless,))) == "step 1, approve: refused."
    assert stop_words(replace(run, steps=run.steps[:3])) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0.00 s"), (0.423, "0.42 s"), (12.34, "12.3 s"), (59.97, "60.0 s"), (185.2, "3 min 05 s")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    """A duration has as many digits as a person can use."""
    assert seconds_words(seconds) == words


def test_what_a_model_cost_is_added_up(run: RunResult) -> None:
    """The questions of all steps together; steps that asked nobody change nothing."""
    first, second, *rest = run.steps
    asked = replace(
        run,
        steps=(
            replace(first, model_use=ModelUse(2, 1, 3000, 20, 4.5, 0.5)),
            replace(second, model_use=ModelUse(1, 0, 1210, 13, 7.9, 0.25)),
            *rest,
        ),
    )
    assert Summary.of(asked).model_use == ModelUse(3, 1, 4210, 33, 12.4, 0.75)
    words = "3 questions, 1 unanswered, 4,210 + 33 tokens, 12.4 s, cost 0.7500"
    assert lines(summary_table(asked))["model"] == [words]


def test_a_run_without_a_model_does_not_name_one(run: RunResult) -> None:
    """Where nobody was asked there is no line for it."""
    assert "model" not in lines(summary_table(run))


def test_the_cost_is_told_only_with_a_price() -> None:
    """Without a price there is none, not even one of zero."""
    assert model_words(ModelUse(1, 0, 10, 5, 1.0)) == "1 question, 10 + 5 tokens, 1.00 s"
