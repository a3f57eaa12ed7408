"""The figures of a run, and how a terminal shows them.

A *click* is a target that was found and acted on, once for each step: typing into a field clicks it first, so that it
counts, and so does a drag; a target that was found and then not acted on does not. A *score* is the
confidence of a click. A *heal* is a click whose target no longer looked as recorded: it is never counted as a plain
pass. An *unverified action* is a step that acted and whose effect nothing proves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations of Summary
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from steadyhand.evidence.hostile_text import visible
from steadyhand.model.outcome import Found, Method, ModelUse, Outcome, Verdict, score_words

if TYPE_CHECKING:
    from steadyhand.model.outcome import Course, RunResult

_PLAIN = ("NORMAL", "NORMAL")


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run.

    Attributes:
        steps: How many steps the workflow has.
        completed: How many of them acted and were not found to have failed (verdict done or unverified).
        skipped: How many of them were left out: in a dry run, after a restart, or behind a step that failed.
        clicks: Targets that were found and acted on.
        clicks_by_method: The same by the name of the method, cheapest first, without the methods that found none.
        mean_score: Mean confidence of the clicks, 0 to 1; None without clicks.
        mean_resolve_s: Mean seconds of resolving a target, found or not; None if no step has one.
        retries: Tries after the first one, all steps together.
        unverified: Actions whose effect nothing verified.
        heals: Clicks whose target no longer looked as recorded.
        outcome: How the run ended.
        model_use: What asking a vision-language model has cost.
    """

    steps: int
    completed: int
    skipped: int
    clicks: int
    clicks_by_method: Mapping[str, int]
    mean_score: float | None
    mean_resolve_s: float | None
    retries: int
    unverified: int
    heals: int
    outcome: Outcome
    model_use: ModelUse = field(default_factory=ModelUse)

    @classmethod
    def of(cls, run: RunResult) -> Summary:
        """Count a run."""
        tried = [step for step in run.steps if step.verdict is not Verdict.SKIPPED]
        found = [(step, step.resolution) for step in tried if step.acted and isinstance(step.resolution, Found)]
        by_method = Counter(resolution.method for _, resolution in found)
        resolve_s = [step.resolve_s for step in tried if step.resolution is not None]
        return cls(
            steps=len(run.steps),
            completed=sum(step.verdict in {Verdict.DONE, Verdict.UNVERIFIED} for step in tried),
            skipped=len(run.steps) - len(tried),
            clicks=len(found),
            clicks_by_method={method.value: by_method[method] for method in Method if by_method[method]},
            mean_score=fmean(resolution.confidence for _, resolution in found) if found else None,
            mean_resolve_s=fmean(resolve_s) if resolve_s else None,
            retries=sum(step.retries for step in tried),
            unverified=sum(step.verdict is Verdict.UNVERIFIED for step in tried),
            heals=sum(step.healed for step, _ in found),
            outcome=run.outcome,
            model_use=sum((step.model_use for step in tried), ModelUse()),
        )

    @property
    def outcome_words(self) -> str:
        """The outcome, with what keeps a done run from being a plain pass: `done`, `done, 2 healed, 1 unverified`."""
        counts = {"healed": self.heals, "unverified": self.unverified, "skipped": self.skipped}
        qualities = [f"{count} {name}" for name, count in counts.items() if count and self.outcome is Outcome.DONE]
        return ", ".join([self.outcome.value, *qualities])


def seconds_words(seconds: float) -> str:
    """A duration as a person reads it: `0.42 s`, `12.4 s`, `3 min 05 s`."""
    if seconds < 10:  # noqa: PLR2004  below, the hundredths matter
        return f"{seconds:.2f} s"
    if seconds < 60:  # noqa: PLR2004  seconds in a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def model_words(use: ModelUse) -> str:
    """What asking a model has cost: `3 questions, 1 unanswered, 4,210 + 33 tokens, 12.4 s, cost 0.0031`."""
    questions = f"{use.questions} question{'' if use.questions == 1 else 's'}"
    unanswered = f", {use.unanswered} unanswered" if use.unanswered else ""
    cost = "" if use.cost is None else f", cost {use.cost:.4f}"
    tokens = f"{use.input_tokens:,} + {use.output_tokens:,} tokens"
    return f"{questions}{unanswered}, {tokens}, {seconds_words(use.waited_s)}{cost}"


def state_words(course: Course) -> str:
    """The state of a workflow before and after a run: `NORMAL`, or `NORMAL -> DEGRADED`."""
    return course.before if course.before == course.after else f"{course.before} -> {course.after}"


def stop_words(run: RunResult) -> str:
    """Where and why a run stopped, on one line; empty if no step failed."""
    for number, step in enumerate(run.steps, 1):
        if step.verdict is Verdict.FAILED:
            trigger = step.trigger.value if step.trigger else "refused"
            return f"step {number}, {step.note or step.step_id}: {trigger}. {step.reason}".strip()
    return ""


def summary_table(run: RunResult) -> Group:
    """The summary of one run, for a terminal."""
    return comparison_table({run.workflow: run})


def comparison_table(runs: Mapping[str, RunResult]) -> Group:
    """The summaries of several runs side by side, for a terminal, and below them where and why each one stopped.

    What happened to the state of a workflow meanwhile stands there, too.

    Args:
        runs: The runs by what heads their columns.
    """
    told: list[str] = []
    for label, run in runs.items():
        stop, events = stop_words(run), run.course.events if run.course else ()
        lines = [f"stopped at {stop}"] * bool(stop) + list(events)
        told += [visible(f"{label} {line}" if len(runs) > 1 else line) for line in lines]
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 3, 0, 0),
    )
    table.add_column("", style="dim", no_wrap=True)
    for label in runs:
        table.add_column(Text(visible(label), style="bold"), overflow="fold")
    for name, cells in _figures(list(runs.values())).items():
        table.add_row(name, *cells)
    return Group(table, *map(Text, told))


def _figures(runs: list[RunResult]) -> dict[str, list[Text]]:
    """Every figure by its name, with one cell for each run."""
    summaries = [Summary.of(run) for run in runs]
    used = [method.value for method in Method if any(method.value in summary.clicks_by_method for summary in summaries)]
    is_asked = any(summary.model_use.questions for summary in summaries)
    is_plain = all(run.course is None or (run.course.before, run.course.after) == _PLAIN for run in runs)
    return {
        "steps": [_steps(summary) for summary in summaries],
        "clicks": [_count(summary.clicks) for summary in summaries],
        **{f"  {name}": [_count(summary.clicks_by_method.get(name, 0)) for summary in summaries] for name in used},
        "mean score": [Text("-" if s.mean_score is None else score_words(s.mean_score)) for s in summaries],
        "mean resolve time": [
            Text("-" if s.mean_resolve_s is None else seconds_words(s.mean_resolve_s)) for s in summaries
        ],
        "retries": [_count(summary.retries) for summary in summaries],
        "unverified actions": [_count(summary.unverified, "yellow") for summary in summaries],
        "heals": [_count(summary.heals, "magenta") for summary in summaries],
        **({"model": [Text(model_words(s.model_use)) for s in summaries]} if is_asked else {}),
        **({"state": [Text(state_words(run.course) if run.course else "-") for run in runs]} if not is_plain else {}),
        **(
            {"injected": [_count(len(run.injected), "yellow") for run in runs]} if any(r.injected for r in runs) else {}
        ),
        "duration": [Text(seconds_words(run.duration_s)) for run in runs],
        "outcome": [Text(summary.outcome_words, style=_outcome_style(summary)) for summary in summaries],
    }


def _steps(summary: Summary) -> Text:
    """How far the run came."""
    whole = summary.completed == summary.steps
    return Text(str(summary.steps) if whole else f"{summary.completed} of {summary.steps}")


def _count(count: int, style: str = "") -> Text:
    """A number, in `style` unless it is zero."""
    return Text(str(count), style=style if count else "dim")


def _outcome_style(summary: Summary) -> str:
    """Green is for plain passes only."""
    if summary.outcome is not Outcome.DONE:
        return "bold red" if summary.outcome is Outcome.FAILED else "bold yellow"
    return "bold magenta" if summary.heals else "bold yellow" if summary.unverified or summary.skipped else "bold green"
