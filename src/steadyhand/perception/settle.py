"""Waiting until a screen has stopped moving.

A screen is *settled* when it has looked the same for a *quiet period*. Two things never rest and do not count, because
nobody reads them: a *caret*, which is a thin bar that comes and goes, and a *spinner*, which is a small place that
changes again and again. What is larger, or changes once, does count, be it a single word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from steadyhand.model.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steadyhand.clock import Clock, Deadline
    from steadyhand.screen.driver import Frame

QUIET_S = 0.15
"""Seconds without change that make a settled screen. Source: a decision: nine pictures of a 60 Hz screen; most
animations of interfaces move in each of them."""

PATIENCE_S = 4.0
"""A screen that has not come to rest by then never will (a film, a clock with seconds): it is taken as it is.

Source: a decision. Transitions of interfaces last 0.1 to 0.5 s; a page that loads for longer stands still in between,
and whoever misses something on it looks again."""

BLANK_S = 1.0
"""Seconds for which a screen of one colour is taken for one that is not drawn yet.

Source: a decision. The first pictures of a browser's window, and of a page that takes the place of another, are blank
for some 0.1 s; few screens stay so."""

CARET_PX = (6, 80)
"""Width and height within which a change may be a caret, pixels of the frame. Source: a decision: carets are one or two
CSS pixels wide and as high as a line; at device scale 2 that covers titles too."""

SPINNER_PX = 64
"""Side of the square that holds a spinner, pixels of the frame.

Source: a decision: those on buttons and in fields have 16 to 32 CSS pixels; words in a notice are wider."""

SPINNER_TURNS = 3
"""So many changes in one place, each without a picture in between that was the same, make a spinner.

Source: a decision; what is pressed, ticked or faded in changes once or twice."""

_PAUSE_S = 0.04
_TILE_PX = 4


class Seen(Protocol):
    """What can be looked at."""

    def capture(self) -> Frame:
        """Take a picture."""
        ...


def wait_until_settled(screen: Seen, clock: Clock, deadline: Deadline, known: Frame | None = None) -> Frame:
    """Look at a screen until it has stopped moving.

    Args:
        screen: What to look at.
        clock: Where time comes from.
        deadline: When to stop waiting.
        known: A settled look from before, if nothing was done since: a screen that still looks the same has been
            still since then, and one look may be enough. That look is then the one that is returned: all that was
            read on it and made of it need not be read and made again.

    Returns:
        The last look: settled, or as it was when the time was over.

    Raises:
        ScreenLostError: The screen is gone.
    """
    frame = screen.capture()
    began_s = still_since_s = clock.monotonic_s()
    if known is not None and is_still(known.image, frame.image):
        still_since_s -= frame.taken_s - known.taken_s
        frame = known
    spinners: dict[Box, int] = {}
    while not deadline.passed:
        now_s = clock.monotonic_s()
        is_quiet = now_s - still_since_s >= QUIET_S
        if is_quiet and now_s - began_s < BLANK_S and _is_blank(frame.image):
            is_quiet = False
        if is_quiet or now_s - began_s >= PATIENCE_S:
            break
        clock.sleep(_PAUSE_S)
        latest = screen.capture()
        regions = [region for region in changed_regions(frame.image, latest.image) if not _is_caret(region)]
        spinners = _turned(spinners, regions)
        if any(turns < SPINNER_TURNS for turns in spinners.values()):
            still_since_s = clock.monotonic_s()
        frame = latest
    return frame


def is_still(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Whether nothing changed between two looks, or a caret at most.

    Args:
        before: uint8, (height, width, 3), blue-green-red.
        after: The same, later.
    """
    return all(_is_caret(region) for region in changed_regions(before, after))


def changed_regions(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> list[Box]:
    """Where two pictures of the same screen differ, by however little.

    Args:
        before: uint8, (height, width, 3), blue-green-red.
        after: The same, later.

    Returns:
        A tight box around each place, frame space; changes closer to each other than 4 to 12 pixels share one. All
        of the picture if the two differ in size.

    Source: pixels that differ, in tiles of 4x4, grown by a tile, connected. Two pictures that are the same cost 0.2 ms
    of CPU at 1440x900, two that are not 9 ms; 1.4 and 13 ms at 2560x1600.
    """
    height, width = after.shape[:2]
    if before.shape != after.shape:
        return [Box(0, 0, width, height)]
    if np.array_equal(before, after):
        return []
    # The three channels of a pixel lie side by side, as if they were three pixels.
    different = cv2.absdiff(before, after).reshape(height, 3 * width)
    _, changed = cv2.threshold(different, 0, 255, cv2.THRESH_BINARY)
    rows, columns = -(-height // _TILE_PX), -(-width // _TILE_PX)
    margins = (0, rows * _TILE_PX - height, 0, 3 * (columns * _TILE_PX - width))
    padded = cv2.copyMakeBorder(changed, *margins, cv2.BORDER_CONSTANT)
    # The mean of a tile is 5 when one channel of one pixel changed.
    tiles = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(tiles, np.ones((3, 3), np.uint8)), connectivity=8)
    regions = []
    for left, top, tile_width, tile_height, _ in (stats[1:] * _TILE_PX).tolist():
        inside = changed[top : top + tile_height, 3 * left : 3 * (left + tile_width)]
        x, y, channels, region_height = cv2.boundingRect(inside)
        right = -(-(x + channels) // 3)
        regions.append(Box(left + x // 3, top + y, right - x // 3, region_height))
    return regions


def _is_caret(region: Box) -> bool:
    return region.width <= CARET_PX[0] and region.height <= CARET_PX[1]


def _turned(spinners: dict[Box, int], regions: list[Box]) -> dict[Box, int]:
    """How often each place that changed just now has changed without a rest, 1 for the first time.

    What is too large for a spinner starts anew each time.
    """
    turned = {}
    for region in regions:
        place, turns = region, 0
        for former, count in spinners.items():
            if former.intersection(region).area > 0:
                place, turns = place.union(former), max(turns, count)
        is_small = place.width <= SPINNER_PX and place.height <= SPINNER_PX
        turned[place] = turns + 1 if is_small else 1
    return turned


def _is_blank(image: NDArray[np.uint8]) -> bool:
    """Whether a picture has one colour all over; uint8, (height, width, 3)."""
    corner = image[0, 0]
    # A few pixels tell of nearly every picture that it is not.
    return bool((image[::16, ::16] == corner).all() and (image == corner).all())
