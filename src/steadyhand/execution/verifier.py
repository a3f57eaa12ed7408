"""Did it work: whether what a step expects came true.

An expectation is *met* when it is so on the settled screen. It *proves* something when it was not so just before the
action: a text that stood there all along says nothing about the click. So everything is looked at twice, before and
after, and a step whose expectations are all met but prove nothing is not called done: it goes on as unverified, and a
wrong click cannot hide behind a text that is always there. Waiting is not acting: a `wait_for` step has nothing to
prove and is done as soon as all it waits for is so.

All expectations of a step must be met at one and the same look.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import numpy as np

from steadyhand.clock import Deadline
from steadyhand.execution.change import NOISE, changed_box, cut
from steadyhand.execution.effects import Seen, see_file, see_http, see_sql
from steadyhand.model.outcome import Ambiguous, ExpectationResult, Found, NotFound
from steadyhand.model.workflow import (
    FieldShows,
    FileShows,
    HttpShows,
    RegionChanged,
    SqlShows,
    TargetAbsent,
    TargetPresent,
    TextAppears,
    TextGone,
    TitleMatches,
    UrlMatches,
)
from steadyhand.perception.scene import Scene
from steadyhand.perception.settle import is_still, wait_until_settled
from steadyhand.perception.wording import fold, similarity, without_icons

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.model.geometry import Box, Point
    from steadyhand.model.workflow import Expectation, Step, TargetRecord
    from steadyhand.resolution.cascade import Resolver
    from steadyhand.resolution.target import Target
    from steadyhand.screen.driver import Frame, ScreenDriver

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2.0
"""Seconds between two looks at a screen that stands still; each pause is twice the one before.

Source: a decision. Most screens answer within half a second; servers that take longer are not to be asked too often.
"""

_GLANCE_S = 0.1
"""Seconds between two glances in a pause, whether the screen has changed. Source: a decision; a glance costs 40 ms."""

_ALREADY = "already so before the action, which proves nothing"

_SAME_TEXT = 0.95
"""Similarity from which a field shows a text: the letters that readers confuse may differ, and no others."""

_CARET_PX = 4
"""A caret is narrower than this, times the scale of the screen. Source: browsers draw 1 or 2 pixels."""

_BORDER_PX = 3
"""The rim of a field, where its border is and no text."""

_CROPPED_LETTERS = 8
"""A field that is too narrow shows an end of its text; it must show at least so many letters of it."""


@dataclass(frozen=True, slots=True)
class Before:
    """What was so before an action.

    Attributes:
        seen: How each expectation stood; none are known when the step waits and does not act.
        frame: The screen; None if it is not known any more, after a restart.
        place: Where the step's target was found; None for a step without a target.
    """

    seen: tuple[Seen, ...] = ()
    frame: Frame | None = None
    place: Found | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look after an action gave.

    Attributes:
        results: Each expectation, in words.
        met: All that could be looked at are met.
        proves: They are met, and at least one was not before: the action happened.
        frame: The screen that was looked at.
    """

    results: tuple[ExpectationResult, ...]
    met: bool
    proves: bool
    frame: Frame

    @property
    def complaint(self) -> str:
        """One sentence on what did not come true; empty if all did."""
        unmet = [result for result in self.results if not result.met]
        return "; ".join(f"{result.description}: {result.detail or 'not so'}" for result in unmet)


class Verifier:
    """Looks whether expectations are met.

    Args:
        driver: The screen.
        resolver: Finds the targets that expectations name.
        clock: Where time comes from.
        load: Gives the target that a record describes.
        values: The parameters, for queries.
        folder: Where relative paths begin: the folder of the workflow file.
    """

    def __init__(
        self,
        driver: ScreenDriver,
        resolver: Resolver,
        clock: Clock,
        *,
        load: Callable[[TargetRecord], Target],
        values: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._driver = driver
        self._resolver = resolver
        self._clock = clock
        self._load = load
        self._values = values
        self._folder = folder

    def look(self, step: Step, frame: Frame, place: Found | None) -> Before:
        """Look how things stand before an action.

        Args:
            step: The step that is about to act, its parameters filled in.
            frame: The settled screen.
            place: Where its target was found on that frame.

        Raises:
            ScreenLostError: The screen is gone.
        """
        now = Before((), frame, place)
        return Before(tuple(self._see(step, expectation, frame, now) for expectation in step.expect), frame, place)

    def verify(self, step: Step, before: Before, deadline: Deadline) -> Verification:
        """Look until all expectations are met or the deadline has passed; at least once.

        Args:
            step: The step that acted, its parameters filled in.
            before: What was so before it did. Without a frame, regions cannot be compared and are left out.
            deadline: When to give up.

        Raises:
            ScreenLostError: The screen is gone.
        """
        asked = [
            (index, expectation)
            for index, expectation in enumerate(step.expect)
            if before.frame is not None or not isinstance(expectation, RegionChanged)
        ]
        pause_s = _FIRST_PAUSE_S
        while True:
            frame = wait_until_settled(self._driver, self._clock, deadline)
            results: list[ExpectationResult] = []
            is_proof = False
            for index, expectation in asked:
                seen = self._see(step, expectation, frame, before)
                was = before.seen[index] if before.seen else Seen(met=False)
                is_old = seen.met and was.met and seen.state == was.state
                is_proof = is_proof or (seen.met and not is_old)
                detail = "" if seen.met else seen.detail
                results.append(ExpectationResult(describe(expectation), seen.met, _ALREADY if is_old else detail))
            met = all(result.met for result in results)
            if met or deadline.passed:
                return Verification(tuple(results), met, met and is_proof, frame)
            self._pause(step, frame, min(pause_s, deadline.left_s))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _pause(self, step: Step, frame: Frame, duration_s: float) -> None:
        """Let time pass until the next look: less, if the screen changes and nobody else has to be asked."""
        over = Deadline(self._clock, duration_s)
        if any(isinstance(expectation, FileShows | HttpShows | SqlShows) for expectation in step.expect):
            self._clock.sleep(duration_s)
        while not over.passed:
            self._clock.sleep(min(_GLANCE_S, over.left_s))
            if not is_still(frame.image, self._driver.capture().image):
                break

    def _see(  # noqa: C901, PLR0911, PLR0912  one branch for each kind
        self, step: Step, expectation: Expectation, frame: Frame, before: Before
    ) -> Seen:
        """Look at one expectation."""
        match expectation:
            case TextAppears(text_appears=text):
                return Seen(bool(Scene.of(frame.image).find_text(text)), "it cannot be read anywhere")
            case TextGone(text_gone=text):
                return Seen(not Scene.of(frame.image).find_text(text), "it can still be read")
            case RegionChanged(region_changed=box):
                return _see_change(box, step, frame, before)
            case TargetPresent(target_present=record):
                return self._see_target(record, frame, wanted=True)
            case TargetAbsent(target_absent=record):
                return self._see_target(record, frame, wanted=False)
            case FieldShows(field_shows=text):
                place = before.place or self._own_target(step, frame)
                if place is None:
                    return Seen(met=False, detail="the field is not there")
                return _see_field(frame, place.box, text)
            case UrlMatches(url=pattern):
                return _see_fact("address", self._driver.facts().url, pattern)
            case TitleMatches(title=pattern):
                return _see_fact("title", self._driver.facts().title, pattern)
            case FileShows(file=file):
                return see_file(file, self._folder)
            case HttpShows(http=http):
                return see_http(http)
            case SqlShows(sql=sql):
                return see_sql(sql, self._values, self._folder)
            case _:
                assert_never(expectation)

    def _see_target(self, record: TargetRecord, frame: Frame, *, wanted: bool) -> Seen:
        """Whether a target can be found, or cannot be found."""
        match self._resolver.resolve(self._load(record), frame.image):
            case Found():
                return Seen(wanted, "it is there")
            case NotFound(reason=reason):
                return Seen(not wanted, reason)
            case Ambiguous(reason=reason):
                return Seen(met=False, detail=reason)

    def _own_target(self, step: Step, frame: Frame) -> Found | None:
        """Where the step's own target is, when nobody looked before the action."""
        record = getattr(step, "target", None)
        found = self._resolver.resolve(self._load(record), frame.image) if record is not None else None
        return found if isinstance(found, Found) else None


def describe(expectation: Expectation) -> str:  # noqa: C901, PLR0911  one branch for each kind
    """An expectation in words."""
    match expectation:
        case TextAppears(text_appears=text):
            return f"the text {text!r} appears"
        case TextGone(text_gone=text):
            return f"the text {text!r} is gone"
        case RegionChanged(region_changed=box):
            return f"the region {[round(number) for number in box]} changes"
        case TargetPresent(target_present=record):
            return f"{_named(record)} is there"
        case TargetAbsent(target_absent=record):
            return f"{_named(record)} is not there"
        case FieldShows(field_shows=text):
            return f"the field shows {text!r}"
        case UrlMatches(url=pattern):
            return f"the address is {pattern}"
        case TitleMatches(title=pattern):
            return f"the title is {pattern!r}"
        case FileShows(file=file):
            return f"the file {file.path} is there" + (f" and holds {file.contains!r}" if file.contains else "")
        case HttpShows(http=http):
            return f"{http.get} answers {http.status}" + (f" with {http.contains!r}" if http.contains else "")
        case SqlShows(sql=sql):
            return f"the query `{sql.query}` shows {sql.shows!r}"
        case _:
            assert_never(expectation)


def _see_change(box: Box, step: Step, frame: Frame, before: Before) -> Seen:
    """Whether a region looks different from before. A region on the step's target moves with the target."""
    if before.frame is None or before.frame is frame:
        return Seen(met=False, detail="there is no earlier screen to compare it with")
    record: TargetRecord | None = getattr(step, "target", None)
    if record is not None and before.place is not None and record.box.intersection(box).area > 0:
        box = box.shifted(before.place.box.x - record.box.x, before.place.box.y - record.box.y)
    changed = changed_box(cut(before.frame.image, box), cut(frame.image, box))
    is_more_than_a_caret = changed is not None and changed.width > _CARET_PX * frame.scale
    return Seen(is_more_than_a_caret, "it looks as before")


def _see_field(frame: Frame, box: Box, wanted: str) -> Seen:
    """Whether a field shows a text: as a whole, with the caret behind it, or an end of it if it is too long."""
    field = cut(frame.image, box)
    readings = [Scene.of(picture) for picture in (field, without_caret(field, frame.scale)) if picture is not None]
    shown = [reading.text_in(reading.bounds) for reading in readings]
    letters = _letters(wanted)
    for reading, text in zip(readings, [_letters(without_icons(fold(text))) for text in shown], strict=True):
        if similarity(letters, text) >= _SAME_TEXT:
            return Seen(met=True)
        fills = _text_width(reading) >= reading.bounds.width - 2 * reading.bounds.height
        if fills and _CROPPED_LETTERS <= len(text) < len(letters):
            ends = letters[: len(text)], letters[-len(text) :]
            if any(similarity(end, text) >= _SAME_TEXT for end in ends):
                return Seen(met=True)
    return Seen(met=False, detail=f"it shows {shown[-1]!r}")


def without_caret(field: NDArray[np.uint8], scale: float = 1.0) -> NDArray[np.uint8] | None:
    """A field without the caret behind its text, which a reader takes for a letter or a part of one.

    The caret is the upright line of one colour that ends the field's ink and is taller than all of the rest.

    Args:
        field: uint8, (height, width, 3), blue-green-red, with the field's border.
        scale: Frame pixels per unit of the screen's own input space.

    Returns:
        A copy of it without the caret; None if there is none.
    """
    inner = field[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX]
    if not inner.size:
        return None
    ground = np.median(inner.reshape(-1, 3), axis=0)
    inked = (np.abs(inner.astype(np.int16) - ground) > NOISE).any(axis=2)
    columns = np.flatnonzero(inked.any(axis=0))
    if not columns.size:
        return None
    rows = np.flatnonzero(inked[:, columns[-1]])
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    first = last = int(columns[-1])
    while first > 0 and last - first < _CARET_PX * scale and inked[top:bottom, first - 1].all():
        first -= 1
    line = inner[top:bottom, first : last + 1].reshape(-1, 3)
    rest = np.flatnonzero(inked[:, :first].any(axis=1))
    is_taller = not rest.size or (top <= rest[0] and rest[-1] < bottom and bottom - top > rest[-1] + 1 - rest[0])
    if last - first >= _CARET_PX * scale or not is_taller or (line != line[0]).any():
        return None
    cleaned = field.copy()
    cleaned[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX][:, first : last + 1] = ground
    return cleaned


def _letters(text: str) -> str:
    """What of a text is compared: folded, without spaces, and without signs around it (an icon, a currency)."""
    return re.sub(r"^[^\w@#+\-]+|[^\w)%]+$", "", fold(text).replace(" ", ""))


def _text_width(scene: Scene) -> float:
    """From the first to the last pixel of text."""
    words = [word.box for line in scene.lines for word in line.words]
    return max(word.right for word in words) - min(word.x for word in words) if words else 0.0


def _see_fact(name: str, fact: str | None, pattern: str) -> Seen:
    """Whether something that the screen says about itself matches a pattern, in which `*` is anything."""
    if fact is None:
        return Seen(met=False, detail=f"this screen has no {name}")
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return Seen(re.fullmatch(expression, fact, re.DOTALL) is not None, f"it is {fact!r}")


def _named(record: TargetRecord) -> str:
    """A target in words."""
    name = record.text or record.label
    return f"the target {name!r}" if name else f"the target at {_rounded(record.point)}"


def _rounded(point: Point) -> list[int]:
    return [round(number) for number in point]
