"""Looking for a target, and the ways to try again when it is not there.

A miss has harmless causes: something lies over the target, the page is still loading, the target is further down. So
there are ways to try again, in this order, each taken once in a step:

- *dismiss* a cookie bar or a dialog that the recording did not have (`steadyhand.execution.covers`): where one is in
  plain sight, waiting and scrolling under it would be of no use;
- *wait*, while the page may still be loading;
- *ask* a vision-language model, where one was given (`steadyhand.resolution.grounding`); from then on at every look;
- *scroll* it into view: by as much as the recording suggests, then page by page, down and up, and back.

An ambiguous target is uncovered and waited for, but never scrolled for: with a look-alike scrolled away, the other one
would seem to be the only one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from steadyhand.clock import Deadline
from steadyhand.execution.change import changed_share, cut
from steadyhand.execution.covers import find_cover
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Found, NotFound
from steadyhand.perception.scene import Scene
from steadyhand.perception.settle import is_still, wait_until_settled
from steadyhand.perception.wording import fold

if TYPE_CHECKING:
    from collections.abc import Collection

    from steadyhand.clock import Clock
    from steadyhand.execution.covers import Cover
    from steadyhand.model.outcome import Resolution
    from steadyhand.resolution.cascade import Resolver
    from steadyhand.resolution.grounding import Grounder
    from steadyhand.resolution.target import Target
    from steadyhand.screen.driver import Frame, ScreenDriver

PATIENCE_S = 5.0
"""Seconds to wait for a target on a page that may still be loading, and at most half of what the step has left.

Source: a decision; Playwright waits as long for what it asserts. A step that must wait longer is a `wait_for` step.
"""

_PAUSE_S = 0.25
_PAGE = 0.7
"""Share of the screen's height that a page is scrolled by: what lay on the edge is whole on the next look."""

_MOST_PAGES = 8
_LEAST_OFFSET_PX = 8

_MOVED = 0.02
"""Share of a target's pixels that may change between looking and acting.

Source: a decision. A blinking caret is 0.7% of a field of 200x30 pixels; a text that moved by one pixel changes 5%.
"""

_LOOKS = 4
"""How often a target may move away between looking and acting."""


class Search:
    """The search for one target, for one step. It begins with a first look.

    Args:
        driver: The screen.
        resolver: Finds a target on a picture.
        clock: Where time comes from.
        target: What is looked for.
        deadline: When the step has to end.
        protected: Words of everything that the workflow acts on; no way out of a cover is ever one of them.
        known: The screen as it was when it was last settled, if nothing was done since.
        grounder: Asks a model where the evidence alone does not do; None to ask nobody.

    Raises:
        ScreenLostError: The screen is gone; from every method.
        DeliveryUncertainError: It was lost while scrolling or dismissing; from `find` alone.

    Attributes:
        frame: The settled screen that was looked at last.
        resolution: What looking at it gave.
        tried: What was tried after the first look, in words.
        resolve_s: Seconds spent on resolving, all looks together.
    """

    def __init__(
        self,
        driver: ScreenDriver,
        resolver: Resolver,
        clock: Clock,
        target: Target,
        *,
        deadline: Deadline,
        protected: Collection[str] = (),
        known: Frame | None = None,
        grounder: Grounder | None = None,
    ) -> None:
        self._driver = driver
        self._resolver = resolver
        self._clock = clock
        self._target = target
        self._deadline = deadline
        self._protected = protected
        self._grounder = grounder
        self._may_ask = False
        self._has_dismissed = False
        self.tried: list[str] = []
        self.resolve_s = 0.0
        self.frame = wait_until_settled(driver, clock, deadline, known)
        self.resolution = self._resolve()

    def find(self, *, may_act: bool = True) -> Resolution:
        """Try again in every way until the target is found, or give up.

        Args:
            may_act: Scrolling and dismissing are allowed; otherwise there is waiting alone.
        """
        if may_act:
            self._dismiss()
        self._wait()
        if may_act:
            self._dismiss()  # unless it did before: a dialog may have come up meanwhile
        self._may_ask = True
        self.resolution = self._grounded(self.resolution)
        if may_act:
            self._scroll_into_view()
        return self.resolution

    def confirm(self, also: Box | None = None) -> Resolution:
        """Look once more just before acting, so that nothing is clicked that has moved since it was found.

        The cheap look compares pixels: of the target, and of its whole row (where a caret may blink), because in a
        list that moved up by one row every button looks as before. When they changed, the target is looked for anew;
        if only the rest of its row keeps changing and it is found at the same place again, it is the same one.

        Args:
            also: Another place that must not have changed, frame space.

        Returns:
            Where the target is on a screen that has not changed there since; `NotFound` if it never keeps still.
        """
        is_same_again = False
        for _ in range(_LOOKS):
            found = self.resolution
            if not isinstance(found, Found):
                return found
            seen, now = self.frame.image, self._driver.capture().image
            row = Box(0, found.box.y, seen.shape[1], found.box.height).grown(0, found.box.height / 2)
            keeps_still = all(changed_share(seen, now, box) <= _MOVED for box in (found.box, also) if box is not None)
            if keeps_still and (is_same_again or is_still(cut(seen, row), cut(now, row))):
                return found
            self._look()
            again = self.resolution
            is_same_again = isinstance(again, Found) and again.box.overlap(found.box) > 0.9  # noqa: PLR2004  a share, said by its place
        self.resolution = NotFound("It never keeps still: each time it was found it had moved before it could be used.")
        return self.resolution

    def _observe(self) -> Frame:
        """The screen once it has stopped moving."""
        return wait_until_settled(self._driver, self._clock, self._deadline)

    def _resolve(self) -> Resolution:
        """Where the target is on the present frame."""
        started_s = self._clock.monotonic_s()
        resolution = self._resolver.resolve(self._target, self.frame.image)
        self.resolve_s += self._clock.monotonic_s() - started_s
        return self._grounded(resolution)

    def _grounded(self, resolution: Resolution) -> Resolution:
        """The same, once a model may be asked with what it says; while a page is loading it would be asked too soon."""
        if self._grounder is None or not self._may_ask:
            return resolution
        started_s = self._clock.monotonic_s()
        resolution = self._grounder.ground(self._target, self.frame.image, resolution, self._deadline.left_s)
        self.resolve_s += self._clock.monotonic_s() - started_s
        return resolution

    def _look(self) -> bool:
        """Look again; whether the screen has changed by a single pixel."""
        frame = self._observe()
        if frame.key == self.frame.key:
            return False
        self.frame = frame
        self.resolution = self._resolve()
        return True

    # ---------------------------------------------------------------------------------------------------- dismiss

    def _dismiss(self) -> None:
        """Take away what lies over the target or over the whole screen, if anything does."""
        cover = self._cover()
        if cover is None or self._has_dismissed:
            return
        self._has_dismissed = True
        self._driver.click(cover.button.center)
        self.tried.append(f"dismissed what lay over it by {cover.label!r}")
        self._look()

    def _cover(self) -> Cover | None:
        """What lies over the target."""
        found = self.resolution
        if isinstance(found, Found) and self._looks_as_recorded(found):
            return None
        cover = find_cover(Scene.of(self.frame.image), self._target, self._protected)
        if cover is None or not isinstance(found, Found):
            return cover
        return cover if cover.box.intersection(found.box).area > 0 else None

    def _looks_as_recorded(self, found: Found) -> bool:
        """Whether the target's pixels are the recorded ones: then nothing lies over it."""
        recorded, present = cut(self._target.image, self._target.box), cut(self.frame.image, found.box)
        return changed_share(recorded, present) <= _MOVED

    # ------------------------------------------------------------------------------------------------------- wait

    def _wait(self) -> None:
        """Give the page time to load, until it is found or something comes up over it."""
        started_s = self._clock.monotonic_s()
        patience = Deadline(self._clock, min(PATIENCE_S, self._deadline.left_s / 2))
        looks = 0
        while not isinstance(self.resolution, Found) and not patience.passed:
            if not self._has_dismissed and self._cover() is not None:
                break
            self._clock.sleep(min(_PAUSE_S, patience.left_s))
            self._look()
            looks += 1
        if looks:
            self.tried.append(f"waited {self._clock.monotonic_s() - started_s:.1f} s")

    # ----------------------------------------------------------------------------------------------------- scroll

    def _scroll_into_view(self) -> None:
        """Look for the target above and below what is in view."""
        if not self._is_missing():
            return
        offset = self._suggested_offset()
        if offset:
            self.tried.append(f"scrolled {abs(offset):.0f} px {_direction(offset)}, as the recording suggests")
            if self._scroll(offset) and not self._is_missing():
                return
        page = _PAGE * self.frame.height
        for direction in (page, -page):
            pages = self._turn_pages(direction)
            if pages and self._is_missing():
                # Where the page ended before a whole one was turned, this goes somewhat beyond the start.
                self._scroll(-pages * direction)
            if not self._is_missing():
                return

    def _turn_pages(self, amount: float) -> int:
        """Turn page after page until the target shows or nothing moves any more; how many were turned."""
        pages = 0
        while self._is_missing() and pages < _MOST_PAGES and not self._deadline.passed and self._scroll(amount):
            pages += 1
        if pages:
            self.tried.append(f"scrolled {pages} page{'s' if pages > 1 else ''} {_direction(amount)}")
        return pages

    def _is_missing(self) -> bool:
        """It is not on the screen that was looked at last."""
        return isinstance(self.resolution, NotFound)

    def _scroll(self, amount: float) -> bool:
        """Turn the wheel where the target was recorded, and look; whether anything moved."""
        place = self._target.point
        at = Point(min(place.x, self.frame.width - 1), min(place.y, self.frame.height - 1))
        self._driver.scroll(at, 0, amount)
        return self._look()

    def _suggested_offset(self) -> float:
        """How far what stood around the target has moved down since it was recorded, pixels.

        The five nearest landmarks that stand on both screens just once have a vote each. It is 0 if nothing tells,
        and if the target would be in view after such a move: then it is missing for another reason.
        """
        here = Counter(phrase.folded for phrase in Scene.of(self.frame.image).phrases)
        there = Counter(fold(mark.text) for mark in self._target.landmarks)
        places = {phrase.folded: phrase.box for phrase in Scene.of(self.frame.image).phrases}
        point = self._target.point
        shared = sorted(
            (mark for mark in self._target.landmarks if here[fold(mark.text)] == there[fold(mark.text)] == 1),
            key=lambda mark: abs(mark.box.center.y - point.y) + abs(mark.box.center.x - point.x),
        )
        moves = [places[fold(mark.text)].center.y - mark.box.center.y for mark in shared[:5]]
        votes = Counter(round(move / _LEAST_OFFSET_PX) for move in moves)
        if not votes:
            return 0.0
        winner, _ = votes.most_common(1)[0]
        offset = next(move for move in moves if round(move / _LEAST_OFFSET_PX) == winner)
        return 0.0 if 0 <= point.y + offset < self.frame.height else offset


def _direction(amount: float) -> str:
    return "down" if amount > 0 else "up"
