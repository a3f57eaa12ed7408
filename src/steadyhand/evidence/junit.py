"""Runs as JUnit XML, which every CI system can show.

One test suite for each run, one test case for each step. A heal passes the test case but never silently: it is named
in a property and in the case's output, and counted in the suite's properties, so that a gate can ask for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from steadyhand.evidence.hostile_text import visible
from steadyhand.evidence.summary import Summary, state_words
from steadyhand.model.outcome import Found, Outcome, Verdict, score_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steadyhand.model.outcome import RunResult, StepResult


def junit_xml(runs: Sequence[RunResult]) -> str:
    """Write runs as one JUnit XML document.

    Args:
        runs: In the order in which they are to be listed; several runs of one workflow are told apart by their number.

    Returns:
        The whole document with its declaration. Texts from a screen are made fit for XML (see `visible`).
    """
    root = ET.Element("testsuites")
    names = [run.workflow for run in runs]
    for number, run in enumerate(runs, 1):
        repeated = names.count(run.workflow) > 1
        root.append(_suite(run, f"{run.workflow} [{number}]" if repeated else run.workflow))
    for count in ("tests", "failures", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("errors", "0")
    root.set("time", f"{sum(run.duration_s for run in runs):.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _element(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    """Add an element whose texts no XML parser refuses."""
    element = ET.SubElement(parent, tag, {name: visible(value) for name, value in attributes.items()})
    element.text = visible(text) or None
    return element


def _suite(run: RunResult, name: str) -> ET.Element:
    """One run."""
    suite = ET.Element(
        "testsuite", {"name": visible(name), "timestamp": run.started_at, "time": f"{run.duration_s:.3f}"}
    )
    summary = Summary.of(run)
    _properties(
        suite,
        {
            "screen": run.screen,
            "outcome": summary.outcome_words,
            "heals": str(summary.heals),
            "unverified": str(summary.unverified),
            "retries": str(summary.retries),
            **({"state": state_words(run.course)} if run.course else {}),
            **({"injected": ", ".join(run.injected)} if run.injected else {}),
            **{f"parameter {key}": value for key, value in run.parameters.items()},
        },
    )
    for number, step in enumerate(run.steps, 1):
        _case(suite, f"{number:02} {step.step_id}", name, step)
    if run.outcome is not Outcome.DONE and suite.find("testcase/failure") is None:
        # A run can end before any step does, when going on is refused: a gate must see that, too.
        case = _element(suite, "testcase", name="the run as a whole", classname=name, time="0.000")
        _element(
            case, "failure", type=run.outcome.value, message=f"The run was {run.outcome.value}; no step was at fault."
        )
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("errors", "0")
    return suite


def _case(suite: ET.Element, name: str, suite_name: str, step: StepResult) -> None:
    """One step."""
    case = _element(suite, "testcase", name=name, classname=suite_name, time=f"{step.duration_s:.3f}")
    facts = {"action": step.action, "verdict": step.verdict.value, "retries": str(step.retries)}
    if isinstance(step.resolution, Found):
        facts |= {"method": step.resolution.method.value, "confidence": score_words(step.resolution.confidence)}
    if step.healed:
        facts["healed"] = "true"
    _properties(case, facts)
    if step.verdict is Verdict.FAILED:
        trigger = step.trigger.value if step.trigger else "refused"
        _element(case, "failure", _account(step), type=trigger, message=step.reason or trigger)
    elif step.verdict is Verdict.SKIPPED:
        _element(case, "skipped", message=step.reason or "not run")
    _element(case, "system-out", _account(step))


def _properties(parent: ET.Element, facts: Mapping[str, str]) -> None:
    """Add named values."""
    properties = _element(parent, "properties")
    for name, value in facts.items():
        _element(properties, "property", name=name, value=value)


def _account(step: StepResult) -> str:
    """What there is to say of a step, one fact a line."""
    lines = [step.note, step.reason]
    if step.healed and isinstance(step.resolution, Found):
        lines.append(f"HEALED: the target no longer looked as recorded; found by {step.resolution.method.value}.")
    if step.verdict is Verdict.UNVERIFIED:
        lines.append("UNVERIFIED: nothing proves that it had its effect.")
    for expected in step.expectations:
        detail = f" ({expected.detail})" if expected.detail else ""
        lines.append(f"{'met' if expected.met else 'NOT MET'}: {expected.description}{detail}")
    candidates = step.resolution.candidates if step.resolution else ()
    lines += [
        f"candidate {rank}: {score_words(one.confidence)} {one.method.value} at"
        f" {one.point.x:.0f},{one.point.y:.0f} {one.text!r}"
        for rank, one in enumerate(candidates, 1)
    ]
    return "\n".join(line for line in lines if line)
