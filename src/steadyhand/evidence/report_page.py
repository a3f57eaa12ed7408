"""The page of a run report: one HTML file that needs nothing else, made from a `ReportDocument` and its images.

Every image is in the page once, as an SVG `<image>`; each place that shows it or a part of it is a `<use>` of that one
in a window of its own. A *drawing* is such a window with *marks* over it: the box and the point of a target, or the
numbered candidates. Marks are drawn, not painted into the image: they stay sharp and of one size on every screen. The
*standing* of a step or a run is what it looks like on the page: its verdict, except that a heal has a look of its own
and is never shown as a plain pass.

The page has no script and forbids any, so a hostile text that got past the escaping could still do nothing.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from steadyhand.evidence.hostile_text import visible
from steadyhand.evidence.summary import model_words, seconds_words, state_words
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Method, Outcome, Trigger, Verdict, score_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from steadyhand.evidence.report_document import (
        Picture,
        RecordedTarget,
        ReportDocument,
        ReportedRun,
        ReportedStep,
        WeighedPlace,
    )

LoadImage = Callable[[str], bytes]
"""Gives the content of an image file by the name that the document has for it."""

ASPECT = 16 / 10
"""Width over height of the window around an element: about that of most screens, so that all drawings line up."""

LEAST_WINDOW = 240
"""How wide the window around an element is at least, pixels: about what a drawing has on the page."""

CANDIDATE_CROPS = 3
"""How many candidates are shown beside the recorded target: together they fill a row."""

MARKED_CANDIDATES = 9
"""How many candidates get a number on the screen: more would hide it."""

TAG_SHARE = (0.1, 0.05)
"""The width and height that the number and score of a candidate take, as shares of those of a large screen."""

LISTED_CANDIDATES = 20
"""How many candidates the page lists; `report.json` has them all."""

_METHOD_WORDS = {
    Method.ANCHOR_TEMPLATE: "looks as recorded",
    Method.PROTOTYPE: "looks as learned",
    Method.SOM_TEXT_MATCH: "found by its text",
    Method.SOM_VLM: "chosen by a model, and by the evidence",
}
_TRIGGER_WORDS = {
    Trigger.TARGET_NOT_FOUND: "Target not found",
    Trigger.TARGET_AMBIGUOUS: "Target ambiguous",
    Trigger.POSTCONDITION_FAILED: "Postcondition failed",
    Trigger.WATCHDOG_TIMEOUT: "Step took too long",
    Trigger.SCREEN_LOST: "Screen lost",
    Trigger.LOW_CONFIDENCE: "Low confidence",
}


def surroundings(box: Box, width: int, height: int, least: float = LEAST_WINDOW) -> Box:
    """The window through which an element is shown, with enough around it to recognise the place.

    Args:
        box: The element, frame space.
        width: Of the frame, pixels.
        height: Of the frame, pixels.
        least: How wide the window is at least, pixels: two that are to be compared should be of one size.

    Returns:
        A box in whole pixels, of the shape `ASPECT` and within the frame: half as large again as the element, but at
        least `least` pixels and a sixth of the frame wide, where the frame is large enough for that.
    """
    wide = round(min(max(least, width / 6, box.width * 1.5, box.height * 1.5 * ASPECT), width, height * ASPECT))
    high = round(wide / ASPECT)
    left = min(max(0, round(box.center.x - wide / 2)), width - wide)
    top = min(max(0, round(box.center.y - high / 2)), height - high)
    return Box(left, top, wide, high)


def report_page(document: ReportDocument, load: LoadImage) -> str:
    """Write the page of one run.

    Args:
        document: The report of a run, whether it ended or was cut short.
        load: Gives the images.
    """
    views = [_view(step) for step in document.steps]
    return _TEMPLATES.get_template("report.html.j2").render(
        headline=_headline(document),
        run=document.run,
        views=views,
        stop=next((view for view in views if view.step.verdict is Verdict.FAILED), None),
        sheet=_Sheet(load),
    )


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A run on the index page.

    Attributes:
        label: What tells it from the others.
        address: Of its own page, relative to this one.
        run: How it ended.
        stop: Where and why it stopped; empty if it did not.
    """

    label: str
    address: str
    run: ReportedRun
    stop: str


def index_page(rows: Sequence[IndexRow]) -> str:
    """Write the page over several runs."""
    standings = Counter(_run_standing(row.run) for row in rows)
    return _TEMPLATES.get_template("index.html.j2").render(rows=rows, standings=standings)


# ------------------------------------------------------------------------------------------------------------- words


@dataclass(frozen=True, slots=True)
class _Headline:
    """What the page says first: how the run ended, in a word or two, and what that means, in a sentence or two."""

    standing: str
    words: str
    sentences: str


def _headline(document: ReportDocument) -> _Headline:
    """Say how the run ended and what that means."""
    run, steps = document.run, _counted(len(document.steps), "step")
    if run is None:
        return _Headline("failed", "cut short", f"This run left {steps} and no end: something stopped it from outside.")
    if run.outcome is not Outcome.DONE:
        what = "Refused to go on" if run.outcome is Outcome.REFUSED else "Stopped"
        stop = next((step.number for step in document.steps if step.verdict is Verdict.FAILED), None)
        where = f" at step {stop} of {len(document.steps)}" if stop else ""
        return _Headline(run.outcome.value, run.outcome.value, f"{what}{where}.")
    summary = run.summary
    earlier = sum(step.before_restart for step in document.steps)
    left_out = summary.skipped - earlier
    done = f"{summary.completed + earlier} of {steps} done, {left_out} skipped" if left_out else f"All {steps} done"
    sentences = [f"{done}, {earlier} of them before the restart." if earlier else f"{done}."]
    if run.summary.heals:
        changed = (
            "target has changed since it was recorded; it was"
            if run.summary.heals == 1
            else ("targets have changed since they were recorded; they were")
        )
        sentences.append(f"{run.summary.heals} {changed} found in another way.")
    if run.summary.unverified:
        sentences.append(f"The effect of {_counted(run.summary.unverified, 'action')} is not proven.")
    return _Headline(_run_standing(run), run.summary.outcome_words, " ".join(sentences))


def _run_standing(run: ReportedRun) -> str:
    """How a whole run is shown."""
    summary = run.summary
    if run.outcome is not Outcome.DONE:
        return run.outcome.value
    return (
        "healed"
        if summary.heals
        else "unverified"
        if summary.unverified
        else "done"
        if summary.completed
        else "skipped"
    )


def _counted(count: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _place(point: Point | None) -> str:
    """A point in words."""
    return f"{point.x:.0f}, {point.y:.0f}" if point else ""


def _moment(iso: str) -> str:
    """A time of ISO 8601 as a person reads it, to the second."""
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S %Z}".strip()


# ---------------------------------------------------------------------------------------------------------- drawings


@dataclass(frozen=True, slots=True)
class _Mark:
    """Something that is pointed out on a drawing.

    Attributes:
        kind: How it is drawn: `recorded`, `found`, `healed` or `candidate`.
        box: The element, frame space.
        point: Where one acts, frame space; None if it is not to be shown.
        number: What a candidate is called; None for anything else.
        score: The confidence in it, in words.
    """

    kind: str
    box: Box
    point: Point | None = None
    number: int | None = None
    score: str = ""


@dataclass(frozen=True, slots=True)
class _Tag:
    """The number of a candidate, with its score where there is room: it stands on one side of a place."""

    mark: _Mark
    place: Point
    side: str


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A window on a frame, with marks.

    Attributes:
        caption: What it is, in a word or two.
        alt: What there is to see, for those who do not see it.
        picture: The image behind the window.
        window: The part of the frame that is shown.
        marks: What is pointed out on it.
        detail: What else the caption says.
        name: Under which it can be enlarged, unique on the page; empty if it cannot.
    """

    caption: str
    alt: str
    picture: Picture
    window: Box
    marks: tuple[_Mark, ...] = ()
    detail: str = ""
    name: str = ""

    def at(self, place: Point | Box) -> dict[str, str]:
        """A place as the attributes of an SVG element that fills the window."""
        window = self.window
        shares = {"x": (place.x - window.x) / window.width, "y": (place.y - window.y) / window.height}
        if isinstance(place, Box):
            shares |= {"width": place.width / window.width, "height": place.height / window.height}
        return {name: f"{share:.3%}" for name, share in shares.items()}

    def tags(self) -> list[_Tag]:
        """Where the numbers of the candidates stand: beside their boxes, where they hide no box and no other number."""
        width, height = (share * size for share, size in zip(TAG_SHARE, self.window[2:], strict=True))
        taken = [mark.box for mark in self.marks]
        tags = []
        for mark in self.marks:
            if mark.number is None:
                continue
            box, center = mark.box, mark.box.center
            areas = {
                "left": (Point(box.x, center.y), Box(box.x - width, center.y - height / 2, width, height)),
                "right": (Point(box.right, center.y), Box(box.right, center.y - height / 2, width, height)),
                "above": (Point(center.x, box.y), Box(center.x - width / 2, box.y - height, width, height)),
                "below": (Point(center.x, box.bottom), Box(center.x - width / 2, box.bottom, width, height)),
            }
            side = min(areas, key=lambda side: self._harm(areas[side][1], taken))
            place, area = areas[side]
            taken.append(area)
            tags.append(_Tag(mark, place, side))
        return tags

    def _harm(self, area: Box, taken: Sequence[Box]) -> tuple[float, float]:
        """How much of an area cannot be seen, and how much of what is there already it hides; square pixels."""
        unseen = area.area - area.intersection(self.window).area
        return round(unseen, 3), sum(area.intersection(other).area for other in taken)


class _Sheet:
    """The images of one page; each is on it once, however often it is shown."""

    def __init__(self, load: LoadImage) -> None:
        self._load = load
        self._names: dict[tuple[str, Box], str] = {}

    def name(self, picture: Picture) -> str:
        """The name by which a drawing uses a picture."""
        return self._names.setdefault((picture.file, picture.part), f"image-{len(self._names) + 1}")

    def images(self) -> Iterator[tuple[str, Box, str]]:
        """The name, place and address of each image that was asked for."""
        for (file, part), name in self._names.items():
            yield name, part, f"data:image/webp;base64,{b64encode(self._load(file)).decode()}"


@dataclass(frozen=True, slots=True)
class _View:
    """How a step is shown.

    Attributes:
        step: What came of it.
        standing: Its verdict, or that it healed.
        words: The same in words.
        title: What it does.
        drawings: The small ones, in a row.
        screens: The large ones, two in a row, the most telling last; where something changed or went wrong.
        candidates: What was weighed, best first, as far as the page lists it.
        evidence: The names of all evidence that a listed candidate has.
    """

    step: ReportedStep
    standing: str
    words: str
    title: str
    drawings: tuple[_Drawing, ...] = ()
    screens: tuple[_Drawing, ...] = ()
    candidates: tuple[tuple[WeighedPlace, _Drawing | None], ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def did_not_act(self) -> bool:
        """Whether the action was surely not carried out: its target was looked for in vain, and nothing came after."""
        looks, missed = self.step.looks, {Trigger.TARGET_NOT_FOUND, Trigger.TARGET_AMBIGUOUS}
        return self.step.trigger in missed and looks.before is not None and looks.after is None

    @property
    def reads(self) -> bool:
        """Whether anything was read on a listed candidate."""
        return any(place.text for place, _ in self.candidates)


def _view(step: ReportedStep) -> _View:
    """Choose what to show of a step: four drawings in a row, or large screens where something went wrong."""
    failed, skipped = step.verdict is Verdict.FAILED, step.verdict is Verdict.SKIPPED
    healed = step.healed and not skipped
    words = ["healed"] * healed + [step.verdict.value] * (not healed or step.verdict is not Verdict.DONE)
    words += ["before the restart"] * step.before_restart
    listed = step.resolution.candidates[:LISTED_CANDIDATES] if step.resolution else ()
    crops, screens, why = tuple(_crops(step)), tuple(_screens(step)), tuple(_explanation(step))
    missed = step.resolution is not None and step.resolution.kind != "found"
    return _View(
        step=step,
        standing="healed" if healed and not failed else step.verdict.value,
        words=", ".join(words),
        title=step.note or f"{step.action.replace('_', ' ')} {step.id}",
        drawings=crops if failed else (*crops, *screens),
        screens=((*screens, *why) if missed else (*why, *screens)) if failed else why,
        candidates=tuple((place, _candidate(step, number, place)) for number, place in enumerate(listed, 1)),
        evidence=tuple(dict.fromkeys(name for place in listed for name in place.evidence)),
    )


def _crops(step: ReportedStep) -> Iterator[_Drawing]:
    """The target as recorded and where it was found, or the likeliest candidates if it was not."""
    recorded, before, resolution = step.looks.recorded, step.looks.before, step.resolution
    if recorded and (resolution or step.verdict is not Verdict.SKIPPED):
        yield _Drawing(
            caption="Recorded",
            alt="The target as it was recorded, with its surroundings",
            picture=recorded.picture,
            window=_recorded_window(recorded),
            marks=(_Mark("recorded", recorded.box),),
        )
    if before and resolution and resolution.box:
        yield _Drawing(
            caption="Found",
            alt="The place where the target was found, with its surroundings",
            picture=before,
            window=_window(step, before, resolution.box),
            marks=(_Mark("healed" if step.healed else "found", resolution.box),),
        )
    elif resolution:
        crops = (_candidate(step, *numbered) for numbered in enumerate(resolution.candidates[:CANDIDATE_CROPS], 1))
        yield from (crop for crop in crops if crop)


def _candidate(step: ReportedStep, number: int, place: WeighedPlace) -> _Drawing | None:
    """A candidate with its surroundings, if its screen was kept."""
    before = step.looks.before
    if before is None:
        return None
    return _Drawing(
        caption=f"Candidate {number}",
        alt=f"Candidate {number} at {_place(place.point)}, with its surroundings",
        picture=before,
        window=_window(step, before, place.box),
        marks=(_Mark("candidate", place.box, number=number),),
        detail=score_words(place.confidence),
    )


def _screens(step: ReportedStep) -> Iterator[_Drawing]:
    """Whole screens: as recorded, where the target is not there any more; before the action; after it."""
    looks, resolution = step.looks, step.resolution
    if looks.recorded and resolution and resolution.kind != "found" and _is_whole(looks.recorded.picture):
        yield _Drawing(
            caption="Screen as recorded",
            alt=f"The whole screen as it was recorded; the target is marked at {_place(looks.recorded.point)}",
            picture=looks.recorded.picture,
            window=looks.recorded.picture.part,
            marks=(_Mark("recorded", looks.recorded.box, looks.recorded.point),),
            name=f"step-{step.number}-recorded",
        )
    if looks.before:
        marks = tuple(_resolved_marks(step))
        numbered = any(mark.number for mark in marks)
        seen = (
            ""
            if not marks
            else "; the candidates are numbered"
            if numbered
            else (f"; the target is marked at {_place(marks[0].point)}")
        )
        yield _Drawing(
            caption="Screen before" if looks.after else "Screen",
            alt=f"The whole screen before the action{seen}",
            picture=looks.before,
            window=looks.before.part,
            marks=marks,
            detail="candidates numbered" if numbered else "",
            name=f"step-{step.number}-before",
        )
    if looks.after:
        yield _Drawing(
            caption="Screen after",
            alt="The whole screen after the action",
            picture=looks.after,
            window=looks.after.part,
            name=f"step-{step.number}-after",
        )


def _explanation(step: ReportedStep) -> Iterator[_Drawing]:
    """Why the target was found, or was not."""
    if step.looks.explanation:
        yield _Drawing(
            caption="Why",
            alt="What was looked for, the places that were weighed, and what speaks for each of them and against it",
            picture=step.looks.explanation,
            window=step.looks.explanation.part,
            name=f"step-{step.number}-why",
        )


def _resolved_marks(step: ReportedStep) -> Iterator[_Mark]:
    """The target where it was found, or the numbered candidates."""
    resolution = step.resolution
    if resolution is None:
        return
    if resolution.box:
        yield _Mark("healed" if step.healed else "found", resolution.box, resolution.point)
        return
    for number, place in enumerate(resolution.candidates[:MARKED_CANDIDATES], 1):
        yield _Mark("candidate", place.box, number=number, score=score_words(place.confidence))


def _window(step: ReportedStep, picture: Picture, box: Box) -> Box:
    """The window around an element of a step's screen: as large as the one around the recorded target, if it can be."""
    recorded = step.looks.recorded
    least = _recorded_window(recorded).width if recorded else 0
    return surroundings(box, picture.width, picture.height, max(LEAST_WINDOW, least))


def _recorded_window(recorded: RecordedTarget) -> Box:
    """The window around a target as recorded."""
    return surroundings(recorded.box, recorded.picture.width, recorded.picture.height)


def _is_whole(picture: Picture) -> bool:
    """Whether a picture shows its whole frame."""
    return picture.part == Box(0, 0, picture.width, picture.height)


# --------------------------------------------------------------------------------------------------------- templates


def _fit(value: object) -> object:
    """What any value that is put into a page goes through, before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_fit,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "LISTED_CANDIDATES": LISTED_CANDIDATES,
    "method_words": lambda method: _METHOD_WORDS.get(method, ""),
    "model_words": model_words,
    "moment": _moment,
    "run_standing": _run_standing,
    "score": score_words,
    "seconds": seconds_words,
    "state_words": state_words,
    "trigger_words": _TRIGGER_WORDS.__getitem__,
}
