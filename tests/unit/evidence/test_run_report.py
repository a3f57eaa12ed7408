"""The folder of a report: what is in it, whatever happens to the run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.errors import ConfigError
from steadyhand.evidence.report_document import Looks, Picture, ReportDocument, ReportedRun, ReportedStep
from steadyhand.evidence.run_report import IndexEntry, RunReport, write_index
from steadyhand.evidence.summary import Summary
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Outcome, StepResult, Trigger, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steadyhand.model.outcome import RunResult

REFERENCE = Path(__file__).parents[3] / "docs" / "report.md"


def tell(report: RunReport, steps: Sequence[Any]) -> None:
    """Tell a report of some steps, and wait until it has written them down."""
    for one in steps:
        report.step(one.result, recorded=one.recorded, before=one.before, after=one.after)
    report.wait()


def read(folder: Path) -> ReportDocument:
    """What `report.json` says."""
    return ReportDocument.from_json((folder / "report.json").read_bytes())


def pixels(folder: Path, picture: Picture | None) -> NDArray[np.uint8]:
    """What a picture shows."""
    assert picture is not None
    image = cv2.imread(str(folder / picture.file), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8)


def test_a_finished_run(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """After the end the folder holds the page and a document with the run, its figures and all its steps."""
    report = RunReport(tmp_path / "new" / "folder")
    tell(report, told)
    page = report.close(run)
    assert page == tmp_path / "new" / "folder" / "report.html"
    assert page.read_text().startswith("<!DOCTYPE html>")
    document = read(page.parent)
    assert document.run == ReportedRun.of(run)
    assert document.run is not None
    assert document.run.summary == Summary.of(run)
    assert [(step.number, step.id, step.verdict, step.healed) for step in document.steps] == [
        (1, "open", Verdict.DONE, False),
        (2, "save", Verdict.DONE, True),
        (3, "enter", Verdict.UNVERIFIED, False),
        (4, "approve", Verdict.FAILED, False),
        (5, "send", Verdict.SKIPPED, False),
    ]
    assert document.steps[4].looks == Looks()


def test_a_run_cut_short_leaves_its_steps(tmp_path: Path, told: Sequence[Any]) -> None:
    """After every step the document and every image that it names are on the disk, although the end never comes."""
    report = RunReport(tmp_path)
    assert read(tmp_path) == ReportDocument()
    for count in range(1, len(told) + 1):
        tell(report, told[count - 1 : count])
        document = read(tmp_path)
        assert document.run is None
        assert [step.id for step in document.steps] == [one.result.step_id for one in told[:count]]
        for step in document.steps:
            for picture in (step.looks.before, step.looks.after):
                assert picture is None or (tmp_path / picture.file).is_file()


def test_images_lose_nothing(tmp_path: Path, told: Sequence[Any]) -> None:
    """What was seen can be looked at again pixel by pixel."""
    tell(RunReport(tmp_path), told)
    step = read(tmp_path).steps[1]
    assert np.array_equal(pixels(tmp_path, step.looks.before), told[1].before)
    assert np.array_equal(pixels(tmp_path, step.looks.after), told[1].after)


def test_a_screen_is_kept_once(tmp_path: Path, told: Sequence[Any]) -> None:
    """The screen after a step is mostly the one before the next: the same pixels make one file."""
    tell(RunReport(tmp_path), told)
    steps = read(tmp_path).steps
    assert steps[0].looks.after == steps[1].looks.after == steps[2].looks.before
    names = {one for step in steps for one in (step.looks.before, step.looks.after) if one}
    assert len({picture.file for picture in names}) == 3


def test_equal_bytes_of_another_shape_are_another_image(tmp_path: Path) -> None:
    """A wide white screen is not a tall white one."""
    wide, tall = np.full((300, 400, 3), 255, np.uint8), np.full((400, 300, 3), 255, np.uint8)
    report = RunReport(tmp_path)
    report.step(StepResult("a", "keys", Verdict.DONE), before=wide, after=tall)
    report.wait()
    looks = read(tmp_path).steps[0].looks
    assert pixels(tmp_path, looks.before).shape == (300, 400, 3)
    assert pixels(tmp_path, looks.after).shape == (400, 300, 3)


def test_the_whole_recorded_screen_is_kept_where_it_matters(tmp_path: Path, told: Sequence[Any]) -> None:
    """A plain pass keeps the target's surroundings; a heal and a failure keep the whole recorded screen."""
    tell(RunReport(tmp_path), told)
    plain, healed, _, failed = (step.looks.recorded for step in read(tmp_path).steps)
    assert plain is not None
    assert healed is not None
    assert failed is not None
    left, top, width, height = (int(number) for number in plain.picture.part)
    assert (width, height) == (240, 150)
    assert plain.picture.part.encloses(plain.box)
    assert np.array_equal(
        pixels(tmp_path, plain.picture), told[0].recorded.image[top : top + height, left : left + width]
    )
    assert healed.picture.part == failed.picture.part == Box(0, 0, 640, 400)
    assert (plain.point, plain.box) == (told[0].recorded.point, told[0].recorded.box)


def test_a_step_told_again_is_replaced(tmp_path: Path, told: Sequence[Any]) -> None:
    """The last word on a step counts, in its old place."""
    report = RunReport(tmp_path)
    tell(report, told)
    report.step(replace(told[0].result, verdict=Verdict.FAILED, trigger=Trigger.WATCHDOG_TIMEOUT))
    report.wait()
    steps = read(tmp_path).steps
    assert [step.number for step in steps] == [1, 2, 3, 4]
    assert (steps[0].id, steps[0].trigger) == ("open", Trigger.WATCHDOG_TIMEOUT)


def test_an_old_report_does_not_shine_through(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """A new report removes the page and the images of the one before, and nothing that is not its own."""
    first = RunReport(tmp_path)
    tell(first, told)
    first.close(run)
    (tmp_path / "images" / "holiday.webp").write_bytes(b"mine")
    RunReport(tmp_path)
    assert not (tmp_path / "report.html").exists()
    assert [image.name for image in (tmp_path / "images").iterdir()] == ["holiday.webp"]
    assert read(tmp_path) == ReportDocument()


def resumed(folder: Path, told: Sequence[Any], run: RunResult) -> RunReport:
    """A report of a run that was cut short after two steps, and was resumed: it is told that these are left out."""
    tell(RunReport(folder), told[:2])
    report = RunReport(folder, resume=True)
    for step in run.steps[:2]:
        report.step(left_out(step))
    tell(report, told[2:])
    return report


def left_out(step: StepResult) -> StepResult:
    """What a resumed run says of a step that was done."""
    reason = "It was done before the restart."
    return StepResult(step.step_id, step.action, Verdict.SKIPPED, step.note, reason=reason, was_done_before=True)


def test_a_resumed_run_still_shows_what_was_done_before(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """The steps that the first run did keep their verdicts and pictures, and are told from those of the second."""
    report = resumed(tmp_path, told, run)
    going_on = read(tmp_path).steps
    page = report.close(replace(run, steps=(*map(left_out, run.steps[:2]), *run.steps[2:])))
    steps = read(tmp_path).steps
    assert going_on == steps[:4]
    assert [step.before_restart for step in steps] == [True, True, False, False, False]
    assert [step.verdict for step in steps[:2]] == [Verdict.DONE, Verdict.DONE]
    assert steps[1].healed
    for step, one in zip(steps[:2], told, strict=False):
        assert np.array_equal(pixels(tmp_path, step.looks.before), one.before)
        assert np.array_equal(pixels(tmp_path, step.looks.after), one.after)
        assert step.looks.recorded is not None
    assert page.read_text().count("before the restart") >= 2


def test_what_was_done_is_kept_before_the_resumed_run_has_said_anything(tmp_path: Path, told: Sequence[Any]) -> None:
    """A run that is resumed and killed at once has lost nothing; what failed is not kept, for it is done again."""
    tell(RunReport(tmp_path), told)
    RunReport(tmp_path, resume=True)
    RunReport(tmp_path, resume=True)
    assert [(step.id, step.before_restart) for step in read(tmp_path).steps] == [
        ("open", True),
        ("save", True),
        ("enter", True),
    ]


def test_a_step_that_is_done_again_after_the_restart_is_told_anew(tmp_path: Path, told: Sequence[Any]) -> None:
    """What the resumed run did itself is not hidden behind what was seen before."""
    tell(RunReport(tmp_path), told[:1])
    report = RunReport(tmp_path, resume=True)
    tell(report, [replace(told[0], result=replace(told[0].result, reason="It had happened already."))])
    (step,) = read(tmp_path).steps
    assert (step.reason, step.before_restart) == ("It had happened already.", False)


@pytest.mark.parametrize("damage", ["no report", "no JSON", "another file", "no picture"])
def test_an_earlier_report_that_cannot_be_used_is_left_out(
    tmp_path: Path, told: Sequence[Any], run: RunResult, damage: str
) -> None:
    """The run goes on all the same, and says no more than that the step was done; no other file gets into the page."""
    tell(RunReport(tmp_path), told[:1])
    document = tmp_path / "report.json"
    if damage == "no report":
        document.unlink()
    elif damage == "no JSON":
        document.write_text("{")
    elif damage == "another file":
        (tmp_path / "key.webp").write_text("private")
        document.write_text(re.sub(r"images/\w+", "images/../key", document.read_text()))
    else:
        next((tmp_path / "images").iterdir()).unlink()
    report = RunReport(tmp_path, resume=True)
    report.step(left_out(run.steps[0]))
    page = report.close(replace(run, steps=(left_out(run.steps[0]),)))
    (step,) = read(tmp_path).steps
    assert (step.verdict, step.reason, step.before_restart) == (
        Verdict.SKIPPED,
        "It was done before the restart.",
        False,
    )
    assert page.is_file()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should be is refused before the run begins, by one sentence that names it."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ConfigError, match=re.escape(f"The report folder {tmp_path / 'taken'} cannot be written to")):
        RunReport(tmp_path / "taken")
    with pytest.raises(ConfigError, match="below"):
        RunReport(tmp_path / "taken" / "below")


def test_a_folder_that_stops_taking_files_is_named(tmp_path: Path, told: Sequence[Any]) -> None:
    """When the folder fails in the middle of a run, the error is the user's to mend, too."""
    report = RunReport(tmp_path)
    (tmp_path / "images").write_text("a file")
    with pytest.raises(ConfigError, match="images"):
        tell(report, told)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


@given(note=ANY_TEXT, reason=ANY_TEXT)
def test_the_document_survives_the_round_trip(note: str, reason: str) -> None:
    """What was written is read again as it was, whatever the texts hold."""
    result = StepResult("a", "click", Verdict.FAILED, note=note, reason=reason, trigger=Trigger.SCREEN_LOST)
    written = ReportDocument(steps=(ReportedStep.of(1, result, Looks()),))
    raw = written.to_json()
    raw.decode()
    assert ReportDocument.from_json(raw) == written


def test_a_document_of_another_version_is_refused() -> None:
    """A reader does not guess at a shape that it does not know."""
    with pytest.raises(ValueError, match="steadyhand_report"):
        ReportDocument.from_json(b'{"steadyhand_report": 2}')


def test_an_index_links_to_each_run(tmp_path: Path, told: Sequence[Any], run: RunResult) -> None:
    """The page over several runs links to theirs, says how each ended and where it stopped, and escapes the labels."""
    entries = []
    for number, outcome in enumerate((Outcome.DONE, Outcome.FAILED), 1):
        report = RunReport(tmp_path / "rows" / f"{number:03}")
        tell(report, told)
        steps = run.steps[:2] if outcome is Outcome.DONE else run.steps
        row = replace(run, outcome=outcome, steps=steps)
        entries.append(IndexEntry(f"row {number} <b>", row, report.close(row)))
    page = write_index(tmp_path, entries)
    text = page.read_text()
    links = re.findall(r'href="([^"#]+)"', text)
    assert links == ["rows/001/report.html", "rows/002/report.html"]
    assert all((tmp_path / link).is_file() for link in links)
    assert "row 2 &lt;b&gt;" in text
    assert "done, 1 healed" in text
    assert "step 4, Approve it: TARGET_AMBIGUOUS. Two rows read the same." in text


def fields(shape: object) -> set[str]:
    """The names of all fields of a JSON schema and of what it refers to."""
    if isinstance(shape, list):
        return {name for one in shape for name in fields(one)}
    if not isinstance(shape, dict):
        return set()
    inner = {name for one in shape.values() for name in fields(one)}
    return inner | set(shape["properties"]) if isinstance(shape.get("properties"), dict) else inner


def test_every_field_is_documented() -> None:
    """The reference of `report.json` names every field that there is."""
    text = REFERENCE.read_text()
    assert {name for name in fields(ReportDocument.model_json_schema()) if f"`{name}`" not in text} == set()
