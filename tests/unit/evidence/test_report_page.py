"""The page shows what happened, and nothing else, whatever the texts on the screen say."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from steadyhand.evidence.report_document import ReportDocument
from steadyhand.evidence.report_page import ASPECT, LISTED_CANDIDATES, report_page, surroundings
from steadyhand.evidence.run_report import RunReport
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import (
    Candidate,
    ExpectationResult,
    Found,
    Method,
    NotFound,
    Outcome,
    RunResult,
    StepResult,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

HOSTILE = "</style></bdi>\"'><script>alert(1)</script> ]]> {{ 7 * 7 }} \x1b[2J \u202eevil \ud800 &lt;"


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @override
    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] != "style":
            self.text += data

    def attributes(self, tag: str, **wanted: str) -> Iterator[dict[str, str | None]]:
        """The attributes of each such element."""
        return (have for name, have in self.elements if name == tag and wanted.items() <= have.items())

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a class."""
        return [have for _, have in self.elements if name in (have.get("class") or "").split()]


def page_of(folder: Path, told: Sequence[Any], run: RunResult) -> Page:
    """The page of a run."""
    report = RunReport(folder)
    for one in told:
        report.step(one.result, recorded=one.recorded, before=one.before, after=one.after)
    return Page(report.close(run).read_text())


def hostile(step: StepResult) -> StepResult:
    """The same step with a hostile text wherever a text can come from a screen or a workflow."""
    resolution = step.resolution
    if resolution is not None:
        candidates = tuple(
            replace(one, text=one.text and HOSTILE, evidence={f"{HOSTILE}{n}": v for n, v in one.evidence.items()})
            for one in resolution.candidates
        )
        resolution = replace(resolution, candidates=candidates)
        if not isinstance(resolution, Found):
            resolution = replace(resolution, reason=HOSTILE)
    return replace(
        step,
        note=step.note and HOSTILE,
        reason=step.reason and HOSTILE,
        resolution=resolution,
        expectations=tuple(ExpectationResult(HOSTILE, one.met, one.detail and HOSTILE) for one in step.expectations),
    )


def test_hostile_text_changes_nothing_but_the_text(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """With markup, quotes, template syntax and control characters in every text, the page has the same elements."""
    harmless = page_of(tmp_path / "harmless", told, run)
    bad_run = replace(
        run,
        workflow=HOSTILE,
        screen=HOSTILE,
        parameters={HOSTILE: HOSTILE},
        steps=tuple(hostile(step) for step in run.steps),
    )
    page = page_of(tmp_path / "hostile", [replace(one, result=hostile(one.result)) for one in told], bad_run)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]
    assert [set(have) for _, have in page.elements] == [set(have) for _, have in harmless.elements]
    assert not any(tag == "script" or any(name.startswith("on") for name in have) for tag, have in page.elements)
    assert "{{ 7 * 7 }} ␛[2J [U+202E]evil \ufffd &lt;" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page.text)


def test_the_page_needs_nothing_else(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """No address leads out of the page, each name that is used is there once, and the page itself forbids scripts."""
    page = page_of(tmp_path, told, run)
    addresses = [have[name] or "" for _, have in page.elements for name in ("href", "src") if name in have]
    names = [have["id"] for _, have in page.elements if have.get("id")]
    assert all(address.startswith(("#", "data:image/webp;base64,")) for address in addresses)
    assert {address[1:] for address in addresses if address.startswith("#")} <= set(names)
    assert {have["popovertarget"] for have in page.attributes("button")} <= set(names)
    assert len(names) == len(set(names))
    (rule,) = page.attributes("meta", **{"http-equiv": "Content-Security-Policy"})
    assert rule["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_each_image_is_in_the_page_once(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """Three screens, one crop and two explanations are shown many times and embedded once, without loss."""
    page = page_of(tmp_path, told, run)
    embedded = [(have["href"] or "").partition(",")[2] for have in page.attributes("image")]
    assert len(embedded) == len(set(embedded)) == 6
    images = [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), cv2.IMREAD_COLOR) for one in embedded]
    assert any(image is not None and np.array_equal(image, told[1].before) for image in images)
    assert len(list(page.attributes("use"))) > 6 + 10


def test_every_drawing_has_words(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """Whoever does not see a drawing is told what it shows."""
    drawings = page_of(tmp_path, told, run).of_class("drawing")
    assert len(drawings) > 10
    assert all(have["role"] == "img" and have["aria-label"] for have in drawings)
    words = [have["aria-label"] for have in drawings]
    assert "The whole screen before the action; the target is marked at 345, 215" in words
    assert "The whole screen before the action; the candidates are numbered" in words


def test_a_heal_has_a_look_of_its_own(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """A healed step is neither shown nor named as done, and a run with a heal is not, either."""
    page = page_of(tmp_path, told, run)
    standings = [(have["class"] or "").split()[1] for have in page.of_class("step")]
    assert standings == ["is-done", "is-healed", "is-unverified", "is-failed", "is-skipped"]
    done = page_of(tmp_path, told[:2], replace(run, outcome=Outcome.DONE, steps=run.steps[:2]))
    assert [have["class"] for have in done.of_class("standing")] == [
        "standing is-healed", "standing is-done", "standing is-healed",
    ]  # fmt: skip
    assert "All 2 steps done. 1 target has changed since it was recorded; it was found in another way." in done.text


def test_what_a_done_run_says_first(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """A plain pass is one sentence; several heals and unverified actions are counted."""
    plain = page_of(tmp_path, told[:1], replace(run, outcome=Outcome.DONE, steps=run.steps[:1]))
    assert "All 1 step done." in plain.text
    assert not plain.of_class("stop")
    again = replace(run.steps[1], step_id="again")
    many = replace(run, outcome=Outcome.DONE, steps=(run.steps[1], again, run.steps[2]))
    page = page_of(tmp_path, told, many)
    assert "2 targets have changed since they were recorded; they were found in another way." in page.text
    assert "The effect of 1 action is not proven." in page.text


def test_a_dry_run_does_not_look_done(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """Where every step was skipped, nothing is green and nothing is a heal; what was found is shown all the same."""
    skipped = tuple(replace(step, verdict=Verdict.SKIPPED) for step in run.steps[1:3])
    steps = [replace(told[1], result=skipped[0], after=None)]
    page = page_of(tmp_path, steps, replace(run, outcome=Outcome.DONE, steps=skipped))
    assert {have["class"] for have in page.of_class("standing")} == {"standing is-skipped"}
    assert "0 of 2 steps done, 2 skipped." in page.text
    assert "healed" not in page.text
    assert "Found" in page.text


def test_the_page_does_not_claim_more_than_is_known(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """That nothing was done is only said of a step after which no screen was kept: an earlier try may have acted."""
    assert "The action was not carried out." in page_of(tmp_path, told, run).text
    acted = [*told[:3], replace(told[3], after=told[0].after)]
    assert "The action was not carried out." not in page_of(tmp_path, acted, run).text
    assert "The action was not carried out." not in page_of(tmp_path, (), run).text


def test_why_a_run_stopped_comes_first(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """Before any step the page says where the run stopped, what was wrong, and what was expected."""
    text = page_of(tmp_path, told, run).text
    top = text[: text.index("Mean score")]
    for words in (
        "Stopped at step 4 of 5.", "Target ambiguous", "Two rows read the same.", "Approve it",
        "The action was not carried out.", "Expected, but not seen: the text “Approved” appears",
    ):  # fmt: skip
        assert words in top


def test_a_refused_run_says_so(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """A refusal is not called a failure, with or without a step that was at fault."""
    refused = replace(run, outcome=Outcome.REFUSED)
    assert "Refused to go on at step 4 of 5." in page_of(tmp_path, told, refused).text
    assert "Refused to go on." in page_of(tmp_path, told[:1], replace(refused, steps=run.steps[:1])).text


def test_the_candidates_are_numbered_with_their_scores(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """Where nothing was chosen, the screen carries the numbers and the list all evidence."""
    page = page_of(tmp_path, told, run)
    assert "2 places were weighed" in page.text
    assert page.text.count("Candidate 2") == 1
    marks = page.of_class("is-candidate")
    assert marks
    assert "0.48" in page.text
    assert any("open" in have for have in page.attributes("details"))
    assert "template" in page.text


def test_a_found_target_is_marked(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """The box and the cross of a found target lie where it was found, as shares of the screen."""
    page = page_of(tmp_path, told[:1], replace(run, steps=run.steps[:1]))
    box = {"x": "46.875%", "y": "50.000%", "width": "12.500%", "height": "7.500%"}
    assert len(list(page.attributes("rect", **box))) == 4  # the line and its halo, on the small screen and enlarged
    assert len(list(page.attributes("svg", x="53.125%", y="53.750%"))) == 2


def test_a_long_list_of_candidates_is_cut(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """The page lists the likeliest candidates and says how many it leaves out."""
    many = tuple(
        Candidate(box.center, box, 0.1, Method.SOM_TEXT_MATCH, {})
        for box in (Box(10 + 20 * (n % 30), 10 + 20 * (n // 30), 10, 10) for n in range(LISTED_CANDIDATES + 3))
    )
    failed = replace(told[3], result=replace(told[3].result, resolution=NotFound("Nothing is likely.", many)))
    page = page_of(tmp_path, [failed], replace(run, steps=(failed.result,)))
    assert f"{LISTED_CANDIDATES + 3} places were weighed" in page.text
    assert "The other 3 are in report.json." in page.text
    assert len(list(page.attributes("th", scope="row"))) == LISTED_CANDIDATES


def test_numbers_hide_neither_boxes_nor_each_other(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """Of candidates side by side, the numbers stand on different sides."""
    boxes = [Box(300, 200, 20, 20), Box(322, 200, 20, 20), Box(2, 380, 20, 18)]
    places = tuple(Candidate(box.center, box, 0.4, Method.ANCHOR_TEMPLATE, {}) for box in boxes)
    failed = replace(told[3], result=replace(told[3].result, resolution=NotFound("None is likely.", places)))
    page = page_of(tmp_path, [failed], replace(run, steps=(failed.result,)))
    sides = [(have["class"] or "").split()[1] for have in page.of_class("tag")]
    large = [sides[n : n + 3] for n in range(len(sides)) if len(sides[n : n + 3]) == 3]
    assert ["is-right", "is-right", "is-left"] in large  # drawn from the last to the first


def test_a_number_stays_on_the_screen(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """Where no side of a candidate is free, its number stands where it can at least be read."""
    boxes = [Box(22, 2, 60, 16), Box(2, 0, 130, 20)]
    places = tuple(Candidate(box.center, box, 0.4, Method.ANCHOR_TEMPLATE, {}) for box in boxes)
    failed = replace(told[3], result=replace(told[3].result, resolution=NotFound("None is likely.", places)))
    page = page_of(tmp_path, [failed], replace(run, steps=(failed.result,)))
    sides = [(have["class"] or "").split()[1] for have in page.of_class("tag")]
    assert "is-left" not in sides
    assert "is-above" not in sides


def test_what_is_compared_is_shown_at_one_size(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """The place where a target was found is seen through a window as large as the one around the recorded target."""
    wide = Box(100, 200, 240, 30)
    look = replace(told[1].recorded, box=wide, point=wide.center)
    page = page_of(tmp_path, [replace(told[1], recorded=look)], replace(run, steps=run.steps[1:2]))
    windows = [have["style"] for have in page.of_class("drawing")][:2]
    assert windows == ["aspect-ratio:360/225"] * 2


def test_a_step_that_was_not_reached_takes_no_room(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """A skipped step shows nothing, although its target is known: nobody looked for it."""
    skipped = replace(told[0], result=run.steps[4], before=None, after=None)
    page = page_of(tmp_path, [skipped], replace(run, steps=run.steps[4:]))
    assert not page.of_class("drawing")
    assert not list(page.attributes("image"))


def test_a_run_without_images_has_a_page(tmp_path: Path, run: RunResult) -> None:
    """A report that was told of no step shows all of them in words."""
    page = page_of(tmp_path, (), run)
    assert len(page.of_class("step")) == 5
    assert not page.of_class("drawing")
    assert "2 places were weighed" in page.text


def test_a_run_cut_short_has_a_page(run: RunResult, told: Sequence[Any], tmp_path: Path) -> None:
    """The document that a killed run leaves can be made into a page that says so."""
    report = RunReport(tmp_path)
    for one in told[:2]:
        report.step(one.result, recorded=one.recorded, before=one.before, after=one.after)
    report.wait()
    document = ReportDocument.from_json((tmp_path / "report.json").read_bytes())
    page = Page(report_page(document, lambda file: (tmp_path / file).read_bytes()))
    assert "This run left 2 steps and no end" in page.text
    assert run.workflow not in page.text
    assert len(page.of_class("step")) == 2


def test_a_failed_heal_is_both(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """A step that healed and then failed is shown as failed and says that it had healed."""
    failed = replace(told[1], result=replace(told[1].result, verdict=Verdict.FAILED))
    page = page_of(tmp_path, [failed], replace(run, steps=(failed.result,)))
    assert [(have["class"] or "").split()[1] for have in page.of_class("step")] == ["is-failed"]
    assert "healed, failed" in page.text


@given(
    box=st.builds(Box, *[st.floats(-500, 4000)] * 2, *[st.floats(0, 3000)] * 2),
    width=st.integers(40, 4000),
    height=st.integers(40, 3000),
)
def test_surroundings_lie_in_the_frame(box: Box, width: int, height: int) -> None:
    """The window around any element is in whole pixels, of one shape, and never shows what is outside the frame."""
    window = surroundings(box, width, height)
    assert all(number == int(number) for number in window)
    assert Box(0, 0, width, height).encloses(window, margin=1)
    assert window.width / window.height == pytest.approx(ASPECT, abs=ASPECT / window.height)


def test_surroundings_hold_the_element() -> None:
    """The window is large enough for the element and has it in its middle where the frame allows it."""
    assert surroundings(Box(700, 400, 40, 20), 1440, 900) == Box(600, 335, 240, 150)
    assert surroundings(Box(0, 0, 40, 20), 1440, 900) == Box(0, 0, 240, 150)
    assert surroundings(Box(100, 100, 800, 40), 1440, 900).encloses(Box(100, 100, 800, 40))
