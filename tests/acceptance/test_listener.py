"""What the listener hears on pages in a real Chromium, folded into deeds."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from steadyhand.clock import SystemClock
from steadyhand.model.geometry import Box, Point
from steadyhand.recording.deeds import Clicked, Deed, Dragged, Pressed, Scrolled, Way, Wrote
from steadyhand.recording.folding import Folding
from steadyhand.recording.listener import Listener
from steadyhand.recording.messages import Chose
from steadyhand.screen.browser import BrowserDriver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steadyhand.recording.messages import Message

SECRET = "Xyzzy7Plugh"  # noqa: S105  it is looked for in all that is told

PAGE = """<!doctype html><meta charset="utf-8"><title>Everything</title>
<style>
  body { margin: 0; height: 3000px; font: 16px sans-serif }
  .at { position: absolute; box-sizing: border-box; left: 20px; width: 200px; height: 30px }
  iframe { position: absolute; left: 400px; top: 20px; width: 300px; height: 200px; border: 7px solid; padding: 5px }
</style>
<button class="at" style="top: 20px">Save</button>
<input class="at" style="top: 60px" placeholder="Name">
<input class="at" style="top: 100px" value="old">
<input class="at" style="top: 140px" type="password" id="code">
<textarea class="at" style="top: 180px"></textarea>
<div class="at" style="top: 220px" contenteditable>rich</div>
<select class="at" style="top: 260px"><option>Choose<option>Net 30 days<option>Net 30<option>Canada</select>
<input class="at" style="top: 300px" type="date">
<label class="at" style="top: 340px">Town <input style="position: absolute; left: 60px; width: 100px" id="town"></label>
<div class="at" style="top: 380px" id="host"></div>
<div class="at" style="top: 420px" draggable="true">Drag me</div>
<div class="at" style="top: 460px; background: #ddd" ondragover="event.preventDefault()">Drop here</div>
<p class="at" style="top: 500px">Some plain text to select on this page</p>
<button class="at" style="top: 540px" onclick="code.type = 'text'">Show</button>
<iframe srcdoc="<body style='margin: 0'><button style='margin: 10px; width: 80px; height: 30px'>Inner</button>">
</iframe>
<script>
  host.attachShadow({ mode: "open" }).innerHTML = "<button style='width: 100px; height: 30px'>Hidden</button>";
</script>
"""


class Page:
    """A page that is listened to, and acted on through the driver's real input."""

    def __init__(self, driver: BrowserDriver) -> None:
        self.driver = driver
        self.listener = Listener(driver, SystemClock())
        self.messages: list[Message] = []

    def click(self, top: float, left: float = 120, count: int = 1) -> None:
        """Click the thing whose upper edge is there."""
        self.driver.click(Point(left, top + 15), count=count)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.driver.type_text(text)

    def press(self, *chords: str) -> None:
        """Press keys, one after the other."""
        for chord in chords:
            self.driver.press(chord)

    @property
    def deeds(self) -> list[Deed]:
        """All that was done."""
        self.driver.capture()  # whatever is told meanwhile arrives
        folding = Folding()
        self.messages += [message for _, message in self.listener.heard(1.0)]
        for message in self.messages:
            folding.add(message)
        return folding.deeds

    @property
    def typed(self) -> Wrote:
        """The only deed, which must be some writing."""
        (deed,) = self.deeds
        assert isinstance(deed, Wrote)
        return deed


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """The page with everything, in a browser of its own."""
    file = tmp_path / "page.html"
    file.write_text(PAGE, encoding="utf-8")
    with closing(BrowserDriver.open(file.as_uri(), width=800, height=600)) as driver:
        yield Page(driver)


def test_clicks_tell_what_was_meant(page: Page) -> None:
    """A button in the page, in the shadow of an element, and in a frame within the page, each at its exact place."""
    page.click(20)
    page.click(380, left=60)
    page.driver.click(Point(440, 60))
    clicks = [deed for deed in page.deeds if isinstance(deed, Clicked)]
    assert [deed.element.text for deed in clicks if deed.element] == ["Save", "Hidden", "Inner"]
    assert [deed.element.box for deed in clicks if deed.element] == [
        Box(20, 20, 200, 30),
        Box(20, 380, 100, 30),
        Box(422, 42, 80, 30),
    ]
    assert [deed.point for deed in clicks] == [Point(120, 35), Point(60, 395), Point(440, 60)]


def test_a_double_click_is_one_deed(page: Page) -> None:
    """Two clicks of a double click are folded."""
    page.click(20, count=2)
    (deed,) = page.deeds
    assert isinstance(deed, Clicked)
    assert deed.count == 2


def test_typing_into_a_clicked_field(page: Page) -> None:
    """Text, with accents and corrections, is one deed with its field and its placeholder."""
    page.click(60)
    page.type("Adéq")
    page.press("Backspace")
    page.type("le")
    assert page.typed.ways == (Way("Adéle", "Adéle"),)
    assert page.typed.element is not None
    assert (page.typed.element.label, page.typed.element.box) == ("Name", Box(20, 60, 200, 30))
    assert page.typed.element.is_editable


def test_selecting_all_and_typing_replaces(page: Page) -> None:
    """Control+A is no step of its own when what follows replaces the content."""
    page.click(100)
    page.press("Control+A")
    page.type("new")
    assert page.typed.clear
    assert page.typed.ways == (Way("new", "new"),)


def test_adding_to_a_content_leaves_it_alone(page: Page) -> None:
    """What is added at the end is typed at the end."""
    page.click(100)
    page.press("End")
    page.type("er")
    click, end, write = page.deeds
    assert isinstance(click, Clicked)
    assert isinstance(end, Pressed)
    assert isinstance(write, Wrote)
    assert [way.typed for way in write.ways] == ["er"]


def test_enter_and_tab_are_keys_and_a_line_end_is_text(page: Page) -> None:
    """In a field of one line Enter is a key; in one of several it ends a line; Tab leaves both."""
    page.click(60)
    page.type("Ada")
    page.press("Enter")
    page.click(180)
    page.type("one\ntwo")
    page.press("Tab")
    first, enter, second, tab = page.deeds
    assert isinstance(first, Wrote)
    assert isinstance(enter, Pressed)
    assert enter.keys == "Enter"
    assert isinstance(second, Wrote)
    assert second.ways == (Way("one\ntwo", "one\ntwo"),)
    assert isinstance(tab, Pressed)
    assert tab.keys == "Tab"


def test_enter_that_a_page_takes_for_itself_is_a_key(page: Page) -> None:
    """Where Enter sends a message instead of ending the line, it is a step."""
    page.driver.page.evaluate(
        "document.querySelector('textarea').addEventListener('keydown', e => e.key === 'Enter' && e.preventDefault())"
    )
    page.click(180)
    page.type("hello\n")
    write, enter = page.deeds
    assert isinstance(write, Wrote)
    assert write.ways == (Way("hello", "hello"),)
    assert isinstance(enter, Pressed)


def test_chords_and_single_keys_outside_of_fields(page: Page) -> None:
    """Shortcuts of a page are keys."""
    page.press("Control+Shift+K", "j", "F2", "Escape", "?")
    assert [deed.keys for deed in page.deeds if isinstance(deed, Pressed)] == [
        "Control+Shift+K",
        "j",
        "F2",
        "Escape",
        "?",
    ]


def test_rich_text_is_text(page: Page) -> None:
    """Typing over the content of an editable element replaces it."""
    page.click(220)
    page.press("Control+A")
    page.type("plain")
    assert page.typed.clear
    assert page.typed.ways == (Way("plain", "plain"),)


def test_a_secret_stays_in_the_page(page: Page) -> None:
    """What is typed into a password field is told by nobody, and its place is known; also when it is shown."""
    page.click(140)
    page.type(SECRET)
    assert page.typed.ways == ()
    assert page.typed.element is not None
    assert page.typed.element.is_password
    assert page.listener.secret_boxes(1.0) == [Box(20, 140, 200, 30)]
    page.click(540)
    page.click(140)
    page.type(SECRET)
    assert all(not deed.ways for deed in page.deeds if isinstance(deed, Wrote))
    assert page.listener.secret_boxes(1.0) == [Box(20, 140, 200, 30)]
    assert not any(piece in repr(page.messages) for piece in (SECRET, SECRET[:3], SECRET[-3:]))


def test_an_entry_of_a_list_can_be_replayed(page: Page) -> None:
    """A choice is a text with a line end, and typing that into the clicked list makes the same choice again."""
    page.click(260)
    page.type("Can\n")
    (way,) = page.typed.ways
    assert way == Way("Canada\n", "Canada")
    page.driver.page.reload()
    page.click(260)
    page.type(way.typed)
    assert page.driver.page.evaluate("document.querySelector('select').value") == "Canada"


def test_a_list_without_a_popup_is_chosen_from_by_keys(page: Page) -> None:
    """Arrows and letters on a list that has the focus are told by their result."""
    page.driver.page.focus("select")
    page.press("ArrowDown", "ArrowDown")
    assert page.typed.ways == (Way("Net 30\n", "Net 30"),)
    last = page.messages[-1]
    assert isinstance(last, Chose)
    assert not last.typable, "an entry before it begins in the same way"


def test_a_date_can_be_replayed(page: Page) -> None:
    """A date in any order that the browser may have, and typing the right one makes the same date again."""
    page.click(300, left=26)
    page.type("0312002024")
    value = page.driver.page.evaluate("document.querySelector('[type=date]').value")
    assert value
    point, ways = page.typed.point, page.typed.ways
    assert point == Point(26, 315)
    values = set()
    for way in dict.fromkeys(ways):
        page.driver.page.reload()
        page.driver.click(point)
        page.type(way.typed)
        values.add(page.driver.page.evaluate("document.querySelector('[type=date]').value"))
    assert value in values


def test_a_label_stands_for_its_field(page: Page) -> None:
    """Clicking a label and typing is typing into its field."""
    page.click(340, left=40)
    page.type("Rome")
    assert page.typed.element is not None
    assert page.typed.element.label == "Town"
    assert page.typed.element.box.x == 80


def test_dragging_one_thing_to_another(page: Page) -> None:
    """The browser's own drag and drop has two ends; a drag that only selects text is nothing."""
    page.driver.drag(Point(60, 515), Point(180, 515))
    page.driver.drag(Point(60, 435), Point(90, 475))
    (deed,) = page.deeds
    assert isinstance(deed, Dragged)
    assert deed.element is not None
    assert deed.end_element is not None
    assert (deed.element.text, deed.end_element.text) == ("Drag me", "Drop here")


def test_a_dialog_that_opens_while_the_page_is_asked_holds_nobody_up(page: Page) -> None:
    """Without an answer from the page the dialog is there to be seen; once it is answered, the page answers again."""
    page.click(140)
    page.type(SECRET)
    assert page.typed.element is not None
    asks = "delete document.querySelectorAll; alert('Well?'); return []"
    page.driver.page.evaluate(f"document.querySelectorAll = () => {{ {asks} }}; 0")
    assert page.listener.secret_boxes(1.0) is None
    assert page.listener.element_at(Point(120, 35), 1.0) is None
    page.press("Enter")
    assert page.listener.secret_boxes(1.0) == [Box(20, 140, 200, 30)]


def test_turning_the_wheel_scrolls_once(page: Page) -> None:
    """Turns in a row add up to one scroll."""
    for _ in range(3):
        page.driver.scroll(Point(300, 300), 0, 100)
    (deed,) = page.deeds
    assert isinstance(deed, Scrolled)
    assert deed.dy == 300


def test_a_place_is_asked_for_what_is_there(page: Page) -> None:
    """The page says what is at a place, also within a frame of it, and what has the focus."""
    there = page.listener.element_at(Point(440, 60), 1.0)
    assert there is not None
    assert (there.text, there.box) == ("Inner", Box(422, 42, 80, 30))
    assert page.listener.focused_element(1.0) is None
    page.click(140)
    focused = page.listener.focused_element(1.0)
    assert focused is not None
    assert focused.is_password


COARSE_CLOCK = """<script>
  const now = Date.now.bind(Date), told = [];
  Date.now = () => Math.floor(now() / 40) * 40;
  for (const type of ["pointerdown", "pointerup"]) addEventListener(type, event => told.push(event.timeStamp));
</script>"""


def test_what_follows_closely_stays_in_order(tmp_path: Path) -> None:
    """However coarse the calendar of a browser is: times lie as far apart as the events themselves."""
    file = tmp_path / "page.html"
    file.write_text(COARSE_CLOCK, encoding="utf-8")
    with closing(BrowserDriver.open(file.as_uri(), width=800, height=600)) as driver:
        listener = Listener(driver, SystemClock())
        for _ in range(5):
            driver.click(Point(100, 100))
        driver.capture()
        heard = [message.at * 1000 for _, message in listener.heard(1.0)]
        seen = driver.page.evaluate("told")
    assert len(heard) == len(seen) == 10
    assert [at - heard[0] for at in heard] == pytest.approx([at - seen[0] for at in seen], abs=0.1)


def test_another_page_is_listened_to_as_well(page: Page) -> None:
    """After going to another address nothing has to be done to go on listening."""
    page.driver.page.goto("data:text/html,<button style='width:100px;height:40px'>There</button>")
    page.click(20, left=50)
    (deed,) = page.deeds
    assert isinstance(deed, Clicked)
    assert deed.element is not None
    assert deed.element.text == "There"
