"""What a CI system reads of a run."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from steadyhand.evidence.junit import junit_xml
from steadyhand.model.outcome import Course, ExpectationResult, Outcome, RunResult


def parsed(*runs: RunResult) -> ET.Element:
    """The document as a parser sees it."""
    return ET.fromstring(junit_xml(runs).encode())  # noqa: S314  we wrote it


def properties(element: ET.Element) -> dict[str, str]:
    """The named values of a suite or a case."""
    return {one.get("name", ""): one.get("value", "") for one in element.findall("properties/property")}


def test_a_run_is_a_suite_and_a_step_a_case(run: RunResult) -> None:
    """The counts, the times and the values of the run are there."""
    root = parsed(run)
    suite = root.find("testsuite")
    assert suite is not None
    assert root.attrib | suite.attrib == {
        "tests": "5", "failures": "1", "skipped": "1", "errors": "0", "time": "6.000",
        "name": "Approve an invoice", "timestamp": "2026-01-01T12:00:00+00:00",
    }  # fmt: skip
    assert [case.get("name") for case in suite.findall("testcase")] == [
        "01 open", "02 save", "03 enter", "04 approve", "05 send",
    ]  # fmt: skip
    assert properties(suite) == {
        "screen": "simulated", "outcome": "failed", "heals": "1", "unverified": "1", "retries": "3",
        "parameter invoice": "F-17",
    }  # fmt: skip


def test_a_failure_says_what_and_why(run: RunResult) -> None:
    """A failed step names its trigger and its reason, its unmet expectation and what was weighed."""
    failure = parsed(run).find("testsuite/testcase[@name='04 approve']/failure")
    assert failure is not None
    assert failure.attrib == {"type": "TARGET_AMBIGUOUS", "message": "Two rows read the same."}
    assert failure.text is not None
    assert "NOT MET: the text “Approved” appears (it does not)" in failure.text
    assert "candidate 2: 0.47 anchor_template at 70,152 'Approve'" in failure.text


def test_a_failure_without_trigger_or_reason_still_says_failed(run: RunResult) -> None:
    """A message is never empty: some CI systems show nothing else."""
    failure = parsed(replace(run, steps=(replace(run.steps[3], trigger=None, reason=""),))).find(".//failure")
    assert failure is not None
    assert failure.attrib == {"type": "refused", "message": "refused"}


def test_a_heal_passes_but_is_named(run: RunResult) -> None:
    """A healed step has no failure, a property for a gate to look at, and a line for a person to read."""
    plain, healed, unverified = parsed(run).findall("testsuite/testcase")[:3]
    assert healed.find("failure") is None
    assert properties(healed)["healed"] == "true"
    assert "HEALED" in healed.findtext("system-out", "")
    assert "healed" not in properties(plain)
    assert properties(plain)["confidence"] == "0.90"
    assert "UNVERIFIED" in unverified.findtext("system-out", "")


def test_a_skipped_step_is_skipped(run: RunResult) -> None:
    """A step that was not run is neither passed nor failed."""
    skipped = parsed(run).find("testsuite/testcase[@name='05 send']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "An earlier step failed."


def test_a_run_that_ended_badly_never_looks_green(run: RunResult) -> None:
    """A run that was refused before any step failed has a failing case of its own."""
    root = parsed(replace(run, outcome=Outcome.REFUSED, steps=run.steps[:1]))
    assert root.get("failures") == "1"
    failure = root.find("testsuite/testcase[@name='the run as a whole']/failure")
    assert failure is not None
    assert failure.get("type") == "refused"


def test_runs_of_one_workflow_are_told_apart(run: RunResult) -> None:
    """Rows of data give suites with different names, and the totals are those of all."""
    root = parsed(run, run, replace(run, workflow="Another"))
    assert [suite.get("name") for suite in root] == ["Approve an invoice [1]", "Approve an invoice [2]", "Another"]
    assert root.get("tests") == "15"
    assert root.get("time") == "18.000"


def test_hostile_text_leaves_the_document_whole(run: RunResult) -> None:
    """Ends of CDATA, markup, control characters and half characters arrive as text, or as what stands for them."""
    hostile = "]]> <failure/> & \x00 \x1b \ud800 \uffff"
    step = replace(run.steps[3], note=hostile, reason=hostile, expectations=(ExpectationResult(hostile, met=False),))
    root = parsed(replace(run, workflow=hostile, parameters={hostile: hostile}, steps=(step,)))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == "]]> <failure/> & ␀ ␛ \ufffd \ufffd"
    assert root.get("failures") == "1"
    assert len(root.findall(".//failure")) == 1


def test_the_state_and_what_was_injected_are_properties(run: RunResult) -> None:
    """A gate can tell a test from the real thing, and a workflow that is DEGRADED from one that is not."""
    told = replace(run, course=Course("NORMAL", "DEGRADED"), injected=("SCREEN_LOST at step save",))
    xml = junit_xml([told])
    assert '<property name="state" value="NORMAL -&gt; DEGRADED" />' in xml
    assert '<property name="injected" value="SCREEN_LOST at step save" />' in xml
    assert 'name="state"' not in junit_xml([run])
