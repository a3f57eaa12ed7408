"""Looking for a target, and the ways to try again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from typing_extensions import override

from steadyhand.clock import Deadline, ManualClock
from steadyhand.execution.recovery import PATIENCE_S, Search
from steadyhand.model.geometry import Box, Point
from steadyhand.model.outcome import Ambiguous, Found, Method, NotFound
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.target import Target
from steadyhand.screen.drawing import panel, write, write_inside
from steadyhand.screen.driver import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from steadyhand.model.outcome import Resolution
    from steadyhand.screen.driver import ScreenDriver

INK, PAPER, BLUE = (30, 30, 30), (255, 255, 255), (190, 110, 30)
WIDTH, HEIGHT = 720, 400
NAMES = [
    "Harbour Bakery", "Orchard Laundry", "Bellwether Hotels", "Linden Florist", "Quarry Stone", "Saltmarsh Foods",
    "Tall Ship Freight", "Copper Kettle", "Northgate Paper", "Willow Nursery", "Granite Works", "Seaview Linen",
]  # fmt: skip


def button_of(row: int) -> Box:
    """The button in a row of the list, from the top of the page."""
    return Box(560, 80 + 90 * row, 110, 36)


def long_page(rows: int = len(NAMES), label: str = "Open") -> NDArray[np.uint8]:
    """A list of suppliers that is longer than the screen, with the same button in each row."""
    image = np.full((120 + 90 * rows, WIDTH, 3), 246, np.uint8)
    write(image, "Suppliers", 40, 50, 24, INK)
    for row, name in enumerate(NAMES[:rows]):
        button = button_of(row)
        write(image, name, 40, button.y + 24, 17, INK)
        panel(image, button, BLUE, radius=4)
        write_inside(image, label, button, 15, PAPER)
    return image


@dataclass
class Window:
    """A screen that shows a part of a long page, and perhaps something over it."""

    page: NDArray[np.uint8]
    top: float = 0.0
    cover: NDArray[np.uint8] | None = None
    way_out: Box | None = None
    clock: ManualClock = field(default_factory=ManualClock)
    inputs: list[str] = field(default_factory=list)
    before_capture: Callable[[Window], None] = lambda _: None

    def capture(self) -> Frame:
        """What is in view."""
        self.before_capture(self)
        view = self.page[int(self.top) : int(self.top) + HEIGHT].copy()
        if self.cover is not None:
            view[-self.cover.shape[0] :] = self.cover
        return Frame(view, self.clock.monotonic_s())

    def scroll(self, _point: Point, _dx: float, dy: float) -> None:
        """Turn the wheel, as far as the page goes."""
        self.inputs.append(f"scroll {dy:.0f}")
        self.top = min(max(0.0, self.top + dy), self.page.shape[0] - HEIGHT)

    def click(self, point: Point) -> None:
        """Click: it takes away the cover, if it hits the way out."""
        self.inputs.append(f"click {point.x:.0f} {point.y:.0f}")
        if self.way_out is not None and self.way_out.contains(point):
            self.cover = None


def target_in(row: int, top: float = 0.0) -> Target:
    """The button of a row as it was recorded, with the page scrolled by `top`."""
    view = long_page()[int(top) : int(top) + HEIGHT]
    box = button_of(row).shifted(0, -top)
    return Target.from_frame(view, box.center, box)


def search(window: Window, target: Target, resolver: Resolver | None = None, timeout_s: float = 30) -> Search:
    """A search on a window."""
    deadline = Deadline(window.clock, timeout_s)
    return Search(
        cast("ScreenDriver", window),
        resolver or Resolver(),
        window.clock,
        target,
        deadline=deadline,
        protected=["Open"],
    )


def place(window: Window, resolution: Resolution) -> float:
    """Where on the long page something was found, pixels from its top."""
    assert isinstance(resolution, Found), resolution
    return resolution.point.y + window.top


# ------------------------------------------------------------------------------------------------------------ wait


def test_what_is_there_at_once_is_found_without_trying_again() -> None:
    """Nothing is clicked or scrolled, and no time passes but what settling takes."""
    window = Window(long_page())
    found = search(window, target_in(1))
    assert place(window, found.find()) == pytest.approx(button_of(1).center.y, abs=8)
    assert found.tried == []
    assert window.inputs == []
    assert window.clock.monotonic_s() < 1


def test_a_page_that_is_still_loading_is_waited_for() -> None:
    """What appears after two seconds is found after two seconds, without touching anything."""

    def load(window: Window) -> None:
        window.page = long_page() if window.clock.monotonic_s() >= 2 else np.full_like(long_page(), 246)

    window = Window(long_page(), before_capture=load)
    found = search(window, target_in(1))
    assert isinstance(found.find(), Found)
    assert len(found.tried) == 1
    assert found.tried[0].startswith("waited ")
    assert window.clock.monotonic_s() >= 2
    assert window.inputs == []


# ---------------------------------------------------------------------------------------------------------- scroll


def test_it_scrolls_by_as_much_as_the_recording_suggests() -> None:
    """The page stood further down when the target was recorded; what is still in view tells by how much."""
    window = Window(long_page())
    found = search(window, target_in(4, top=240))
    assert place(window, found.find()) == pytest.approx(button_of(4).center.y, abs=8)
    assert window.inputs == ["scroll 240"]
    assert found.tried[-1] == "scrolled 240 px down, as the recording suggests"


@pytest.mark.parametrize(("row", "start"), [(10, 0), (0, 800)], ids=["down", "up"])
def test_it_looks_page_by_page_in_both_directions(row: int, start: float) -> None:
    """What lies far below or far above is found, in its own row, however many rows have the same button."""
    window = Window(long_page(), top=start)
    recorded = 800.0 if row else 0.0
    found = search(window, target_in(row, top=recorded))
    assert place(window, found.find()) == pytest.approx(button_of(row).center.y, abs=8)
    assert all(entry.startswith("scroll ") for entry in window.inputs)


def test_what_is_nowhere_is_not_found_and_the_page_is_back_where_it_was() -> None:
    """The whole page was looked at; nothing was clicked; the screen stands about where it stood."""
    window = Window(long_page(label="Close"), top=400)
    target = Target.from_frame(np.full((HEIGHT, WIDTH, 3), 246, np.uint8), Point(100, 100), Box(80, 90, 40, 20), "Pay")
    found = search(window, target)
    assert isinstance(found.find(), NotFound)
    assert not any(entry.startswith("click") for entry in window.inputs)
    assert abs(window.top - 400) < HEIGHT
    assert [entry.split()[0] for entry in found.tried] == ["waited", "scrolled", "scrolled"]


def test_it_gives_up_when_the_deadline_has_passed() -> None:
    """Waiting and scrolling end with the step, not after all pages."""
    window = Window(np.tile(long_page(), (4, 1, 1)))
    found = search(window, target_in(1), Never(), timeout_s=4)
    assert isinstance(found.find(), NotFound)
    assert window.clock.monotonic_s() < 6


class Never(Resolver):
    """Finds nothing."""

    @override
    def resolve(self, target: Target, image: NDArray[np.uint8]) -> Resolution:
        """Nothing."""
        return NotFound("nothing")


class Twins(Resolver):
    """Sees two of it while the page stands at its top, and one when it was scrolled."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        self.window = window

    @override
    def resolve(self, target: Target, image: NDArray[np.uint8]) -> Resolution:
        """Two or one."""
        if self.window.top == 0:
            return Ambiguous("two of them", ())
        return super().resolve(target, image)


def test_an_ambiguous_target_is_never_scrolled_for() -> None:
    """With one of two look-alikes scrolled away, the other one would seem to be the only one."""
    window = Window(long_page())
    found = search(window, target_in(1), Twins(window))
    assert isinstance(found.find(), Ambiguous)
    assert window.inputs == []
    assert window.clock.monotonic_s() == pytest.approx(PATIENCE_S, abs=0.5)


def test_a_dry_run_neither_scrolls_nor_clicks() -> None:
    """Waiting is all that is allowed when nothing may be touched."""
    window = Window(long_page())
    found = search(window, target_in(10, top=800))
    assert isinstance(found.find(may_act=False), NotFound)
    assert window.inputs == []


# --------------------------------------------------------------------------------------------------------- dismiss


def cookie_bar() -> tuple[NDArray[np.uint8], Box]:
    """A bar over the lower half of the screen, and the button Reject all on it, frame space."""
    image = np.full((200, WIDTH, 3), 255, np.uint8)
    image[:2] = 150
    write(image, "We use cookies to see how this site is used.", 40, 60, 17, INK)
    for label, left in (("Reject all", 400), ("Accept all", 560)):
        panel(image, Box(left, 130, 130, 40), BLUE, radius=4)
        write_inside(image, label, Box(left, 130, 130, 40), 15, PAPER)
    return image, Box(400, 130 + HEIGHT - 200, 130, 40)


def test_a_cookie_bar_over_the_target_is_dismissed() -> None:
    """The way out is clicked once, by its safest button, and the target is found under it."""
    bar, way_out = cookie_bar()
    window = Window(long_page(rows=4), cover=bar, way_out=way_out)
    found = search(window, target_in(2))
    assert place(window, found.find()) == pytest.approx(button_of(2).center.y, abs=8)
    clicks = [entry for entry in window.inputs if entry.startswith("click")]
    assert len(clicks) == 1
    assert window.cover is None
    assert found.tried == ["dismissed what lay over it by 'Reject all'"]


def test_a_cover_that_comes_up_while_waiting_is_dismissed() -> None:
    """A page that loads slowly brings its cookie bar with it."""
    bar, way_out = cookie_bar()

    def load(window: Window) -> None:
        if window.clock.monotonic_s() >= 2 and not window.inputs:
            window.page, window.cover = long_page(rows=4), bar

    window = Window(np.full_like(long_page(rows=4), 246), way_out=way_out, before_capture=load)
    found = search(window, target_in(2))
    assert place(window, found.find()) == pytest.approx(button_of(2).center.y, abs=8)
    assert [entry.split()[0] for entry in found.tried] == ["waited", "dismissed"]


def test_a_cover_that_does_not_lie_over_the_target_is_left_alone() -> None:
    """A bar at the lower edge is no reason to click when the target is in plain sight."""
    bar, way_out = cookie_bar()
    window = Window(long_page(rows=4), cover=bar[:120], way_out=way_out)
    found = search(window, target_in(0))
    assert isinstance(found.find(), Found)
    assert window.inputs == []


def test_a_cover_that_does_not_go_away_is_clicked_once() -> None:
    """A way out that does not work is not clicked again and again."""
    bar, _ = cookie_bar()
    window = Window(long_page(rows=4), cover=bar)
    found = search(window, target_in(2), Never())
    assert isinstance(found.find(), NotFound)
    assert len([entry for entry in window.inputs if entry.startswith("click")]) == 1


# --------------------------------------------------------------------------------------------------------- confirm


def test_a_screen_that_stays_as_it_is_is_confirmed_by_one_look() -> None:
    """The usual case costs one picture and no second search."""
    window = Window(long_page())
    found = search(window, target_in(1))
    frame, now_s = found.frame, window.clock.monotonic_s()
    assert found.confirm() is found.resolution
    assert found.frame is frame
    assert window.clock.monotonic_s() == now_s


def test_a_caret_that_blinks_in_the_row_is_no_reason_to_look_again() -> None:
    """The field beside a button has the focus, and its caret comes and goes: one picture is enough all the same."""

    def blink(window: Window) -> None:
        window.page = long_page()
        if len(shots) % 2:
            window.page[int(button_of(1).y) + 8 : int(button_of(1).bottom) - 8, 400:402] = INK
        shots.append(window.clock.monotonic_s())

    shots: list[float] = []
    window = Window(long_page(), before_capture=blink)
    found = search(window, target_in(1))
    frame, looks = found.frame, len(shots)
    assert isinstance(found.confirm(), Found)
    assert len(shots) == looks + 1
    assert found.frame is frame


def test_a_screen_that_looks_as_when_it_was_last_settled_is_looked_at_once() -> None:
    """Between two steps that follow each other nothing has moved, and waiting would show nothing new."""
    window = Window(long_page())
    known = window.capture()
    window.clock.sleep(1)
    deadline = Deadline(window.clock, 30)
    found = Search(cast("ScreenDriver", window), Resolver(), window.clock, target_in(1), deadline=deadline, known=known)
    assert found.frame is known
    assert window.clock.monotonic_s() == 1


def test_a_list_that_moved_up_by_a_row_is_looked_at_again() -> None:
    """Every button looks as before at its place, but the row is another one: the click follows the row."""
    window = Window(long_page(), top=90)
    found = search(window, target_in(2))
    window.top = 180
    confirmed = found.confirm()
    assert place(window, confirmed) == pytest.approx(button_of(2).center.y, abs=8)
    assert np.array_equal(found.frame.image, window.capture().image)


def test_a_target_that_is_gone_by_now_is_not_acted_on() -> None:
    """Found a moment ago and covered now is not found."""
    bar, _ = cookie_bar()
    window = Window(long_page())
    found = search(window, target_in(2))
    window.cover = bar
    assert not isinstance(found.confirm(), Found)


def test_something_else_that_moves_in_its_row_does_not_hold_it_up() -> None:
    """A clock beside the target keeps changing; the target itself does not, and is found at its place again."""

    def tick(window: Window) -> None:
        window.page = long_page()
        seconds = f"{window.clock.monotonic_s():07.2f}"
        write(window.page, seconds, 360, button_of(1).y + 24, 17, INK)
        window.clock.sleep(0.01)

    window = Window(long_page(), before_capture=tick)
    found = search(window, target_in(1))
    assert isinstance(found.confirm(), Found)


def test_a_target_that_never_keeps_still_is_given_up() -> None:
    """Clicking where it was a moment ago would hit something else."""

    def run_away(window: Window) -> None:
        window.top = (window.top + 17) % 300

    window = Window(long_page(), before_capture=run_away)
    found = search(window, target_in(1, top=40), Runaway())
    given_up = found.confirm()
    assert isinstance(given_up, NotFound)
    assert "never keeps still" in given_up.reason


class Runaway(Resolver):
    """Finds it wherever it is."""

    @override
    def resolve(self, target: Target, image: NDArray[np.uint8]) -> Resolution:
        """There."""
        box = Box(560, float(image[:, 600, 0].argmin()), 110, 36)
        return Found(box.center, box, 0.9, Method.ANCHOR_TEMPLATE)


def test_another_place_can_be_watched_as_well() -> None:
    """Where a drag ends must keep still, too."""
    window = Window(long_page())
    found = search(window, target_in(0))
    frame = found.frame
    window.page = long_page()
    window.page[300:330, 40:300] = 0
    found.confirm(also=Box(40, 300, 260, 30))
    assert found.frame is not frame
