"""What happened in a run, for a person: one folder that holds all of it.

::

    folder/
    ├── report.html     the page: everything in one file, to be mailed or archived; written when the run ends
    ├── report.json     the same for programs; written anew after every step, so a killed run leaves its steps, but
    │                   for one that ended just then
    └── images/         the screens as lossless WebP, named by their content, so that none is kept twice

Several runs (one for each data row, say) get a folder each, such as `folder/rows/001`, and one index page::

    report = RunReport(folder)
    report.step(result, recorded=target, before=before.image, after=after.image)  # after each step
    page = report.close(run)

Packing pictures takes longer than looking for a target, so it is done in another thread while the next step goes on.
A run that goes on where another one was cut short keeps what that one saw of the steps that it did.
::

    write_index(folder, [IndexEntry("row 1", run, page), ...])
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from steadyhand.errors import ConfigError
from steadyhand.evidence.explanation import explain
from steadyhand.evidence.report_document import (
    Looks,
    Picture,
    RecordedTarget,
    ReportDocument,
    ReportedRun,
    ReportedStep,
)
from steadyhand.evidence.report_page import IndexRow, index_page, report_page, surroundings
from steadyhand.evidence.summary import stop_words
from steadyhand.files import content_hash, write_whole
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.model.outcome import Resolution, RunResult, StepResult
    from steadyhand.resolution.target import Target

LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)
"""WebP without loss: what is read on a screenshot must stay legible, and flat colours compress well.

Source: measured on eight screens of real applications (seven of 1440x900, one of 2160x1350), mean of each: lossless
WebP 31 KB and 71 ms of CPU, lossy at quality 85 44 KB and 85 ms, PNG 86 KB and 38 ms, JPEG at quality 85
113 KB and 3 ms.
"""

_OUR_IMAGE = re.compile(r"[0-9a-f]{16}\.webp")


class IndexEntry(NamedTuple):
    """One of several runs that share an index page.

    Attributes:
        label: What tells it from the others.
        run: What came of it.
        page: What `RunReport.close` returned for it.
    """

    label: str
    run: RunResult
    page: Path


class RunReport:
    """Writes down a run while it goes on.

    The images that it is given are kept as they are: whatever must not be seen has to be masked in them before.

    Args:
        folder: Where the report goes; made if it is missing. A report that is already there is replaced.
        resume: Keep of that report what it says of the steps that were done.

    Raises:
        ConfigError: The folder cannot be written to; from every method. What goes wrong while a step is written is
            told by the next call.
    """

    def __init__(self, folder: Path, *, resume: bool = False) -> None:
        self._folder = folder
        self._earlier = {step.id: step for step in _steps_done(folder)} if resume else {}
        self._told: dict[str, ReportedStep] = {}
        self._kept: set[str] = set()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="report")
        self._writing: Future[None] | None = None
        used = {picture.file for step in self._earlier.values() for picture in _pictures(step)}
        try:
            (folder / "report.html").unlink(missing_ok=True)
            for image in (folder / "images").glob("*.webp"):
                if _OUR_IMAGE.fullmatch(image.name) and f"images/{image.name}" not in used:
                    image.unlink()
        except OSError as error:
            raise _unwritable(folder, error) from error
        self._write_document(None)

    def step(
        self,
        result: StepResult,
        *,
        recorded: Target | None = None,
        before: NDArray[np.uint8] | None = None,
        after: NDArray[np.uint8] | None = None,
    ) -> None:
        """Add a step, or replace what was said of it before. It is on the disk after the next call, at the latest.

        Args:
            result: What came of it.
            recorded: Its target as recorded; None for a step without one.
            before: The screen that its target was last looked for on, or else the screen before its action: uint8,
                (height, width, 3), blue-green-red. The places in the result's resolution are in its frame space.
            after: The screen after its action, in the same form; None if it did not act.
        """
        self.wait()
        self._writing = self._worker.submit(self._keep, result, recorded, before, after)

    def wait(self) -> None:
        """Wait until all that was told is on the disk."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self, run: RunResult) -> Path:
        """Write how the run ended, and the page.

        Args:
            run: The whole run. It has the last word on its steps; those that this report was not told of (skipped
                ones, say) appear without images.

        Returns:
            The path of `report.html`.
        """
        self.wait()
        self._worker.shutdown()
        told, self._told, self._earlier = self._told, {}, {}
        for step in run.steps:
            known = told.get(step.step_id)
            if known is None or not known.before_restart:
                known = ReportedStep.of(0, step, known.looks if known else Looks())
            self._told[step.step_id] = known
        document = self._write_document(run)
        page = self._folder / "report.html"
        _write(page, report_page(document, lambda file: (self._folder / file).read_bytes()))
        return page

    def _keep(
        self,
        result: StepResult,
        recorded: Target | None,
        before: NDArray[np.uint8] | None,
        after: NDArray[np.uint8] | None,
    ) -> None:
        """Write down a step, or leave what was written before the restart."""
        troubled = result.healed or result.verdict is Verdict.FAILED
        step = self._earlier.get(result.step_id) if result.was_done_before else None
        if step is None:
            looks = Looks(
                recorded=self._recorded(recorded, whole=troubled) if recorded else None,
                before=None if before is None else self._picture(before),
                after=None if after is None else self._picture(after),
                explanation=self._explanation(recorded, before, result.resolution) if troubled else None,
            )
            step = ReportedStep.of(0, result, looks)
        self._told[result.step_id] = step
        self._write_document(None)

    def _recorded(self, target: Target, *, whole: bool) -> RecordedTarget:
        """Keep the recorded screen, or only the target's surroundings: the rest matters where something changed."""
        height, width = target.image.shape[:2]
        part = Box(0, 0, width, height) if whole else surroundings(target.box, width, height)
        return RecordedTarget(picture=self._picture(target.image, part), point=target.point, box=target.box)

    def _explanation(
        self, target: Target | None, image: NDArray[np.uint8] | None, resolution: Resolution | None
    ) -> Picture | None:
        """Keep why a target was found, or was not."""
        if target is None or image is None or resolution is None:
            return None
        return self._picture(explain(target, image, resolution))

    def _picture(self, image: NDArray[np.uint8], part: Box | None = None) -> Picture:
        """Keep a frame, or the part of it that lies in a box."""
        assert image.dtype == np.uint8, "frames are uint8"
        assert image.ndim == 3, "frames are blue-green-red"  # noqa: PLR2004  height, width, colours
        height, width = image.shape[:2]
        shown = Box(0, 0, width, height).intersection(part) if part else Box(0, 0, width, height)
        left, top, right, bottom = (int(edge) for edge in (shown.x, shown.y, shown.right, shown.bottom))
        pixels = np.ascontiguousarray(image[top:bottom, left:right])
        file = f"images/{content_hash(repr(pixels.shape).encode() + pixels.tobytes())}.webp"
        if file not in self._kept:
            encoded, raw = cv2.imencode(".webp", pixels, LOSSLESS)
            assert encoded, "WebP takes every image up to 16383 pixels a side"
            _write(self._folder / file, raw.tobytes())
            self._kept.add(file)
        return Picture(file=file, width=width, height=height, part=Box(left, top, right - left, bottom - top))

    def _write_document(self, run: RunResult | None) -> ReportDocument:
        """Write `report.json` as far as it is known."""
        steps = {**self._earlier, **self._told}.values()
        document = ReportDocument(
            run=ReportedRun.of(run) if run else None,
            steps=tuple(step.model_copy(update={"number": number}) for number, step in enumerate(steps, 1)),
        )
        _write(self._folder / "report.json", document.to_json())
        return document


def write_index(folder: Path, entries: Sequence[IndexEntry]) -> Path:
    """Write a page over several runs, with links to theirs.

    Args:
        folder: Where `index.html` goes; the pages of the runs must lie in it or below it.
        entries: The runs, in the order in which they are to be listed.

    Returns:
        The path of `index.html`.

    Raises:
        ConfigError: The folder cannot be written to.
    """
    page = folder / "index.html"
    rows = [
        IndexRow(
            label=entry.label,
            address=entry.page.relative_to(folder).as_posix(),
            run=ReportedRun.of(entry.run),
            stop=stop_words(entry.run),
        )
        for entry in entries
    ]
    _write(page, index_page(rows))
    return page


def _steps_done(folder: Path) -> list[ReportedStep]:
    """What an earlier report says of the steps that were done; nothing if it cannot be read."""
    try:
        document = ReportDocument.from_json((folder / "report.json").read_bytes())
    except (OSError, ValueError):
        return []
    return [
        step.model_copy(update={"before_restart": True})
        for step in document.steps
        if step.verdict in {Verdict.DONE, Verdict.UNVERIFIED}
        and all(_is_here(folder, picture) for picture in _pictures(step))
    ]


def _pictures(step: ReportedStep) -> list[Picture]:
    """All pictures of a step."""
    looks = step.looks
    pictures = (looks.recorded and looks.recorded.picture, looks.before, looks.after, looks.explanation)
    return [picture for picture in pictures if picture]


def _is_here(folder: Path, picture: Picture) -> bool:
    """Whether a picture is a file of ours."""
    images, _, name = picture.file.partition("/")
    return images == "images" and bool(_OUR_IMAGE.fullmatch(name)) and (folder / picture.file).is_file()


def _write(path: Path, content: bytes | str) -> None:
    """Write a file of a report."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise _unwritable(path.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    """The folder of a report does not take it."""
    return ConfigError(
        f"The report folder {folder} cannot be written to: {error.strerror or error}.",
        "Name a folder that can be made or that you may write to.",
    )
