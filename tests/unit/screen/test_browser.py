"""What is special about a page in a browser; what every screen does is in the conformance suite."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Error

from steadyhand.clock import Deadline, SystemClock
from steadyhand.errors import DeliveryUncertainError, DriverUnavailableError, ScreenLostError
from steadyhand.model.geometry import Point
from steadyhand.perception.scene import Scene
from steadyhand.perception.settle import wait_until_settled
from steadyhand.screen.browser import BrowserDriver
from steadyhand.screen.chromium import has_display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

MIDDLE = Point(100, 50)
BUTTON = "<button style='position:absolute;left:0;top:0;width:200px;height:100px' onclick=\"{}\">Do it</button>"


def page(body: str, title: str = "Page") -> str:
    """The address of a page with this in it."""
    return "data:text/html," + quote(f"<!doctype html><meta charset=utf-8><title>{title}</title><body>{body}")


def button(script: str) -> str:
    """The address of a page with a large button in its corner that runs a script."""
    return page(BUTTON.format(script))


@pytest.fixture(scope="module")
def shared() -> Iterator[BrowserDriver]:
    """A browser that the tests of this module share."""
    with closing(BrowserDriver.open("about:blank", width=640, height=400)) as driver:
        yield driver


@pytest.fixture
def show(shared: BrowserDriver) -> Callable[[str], BrowserDriver]:
    """Show a page in the shared browser, as its only one."""

    def show_page(url: str) -> BrowserDriver:
        while len(shared.page.context.pages) > 1:
            shared.page.close()
        shared.page.goto(url)
        return shared

    return show_page


@pytest.fixture
def opened() -> Iterator[Callable[..., BrowserDriver]]:
    """Open a browser of one's own, which is closed at the end."""
    drivers: list[BrowserDriver] = []

    def open_page(url: str, **options: Any) -> BrowserDriver:
        drivers.append(BrowserDriver.open(url, width=640, height=400, **options))
        return drivers[-1]

    yield open_page
    for driver in drivers:
        driver.close()


def settled(driver: BrowserDriver) -> NDArray[np.uint8]:
    """What is to be seen once it has come to rest."""
    clock = SystemClock()
    return wait_until_settled(driver, clock, Deadline(clock, 10)).image


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether something comes true within ten seconds."""
    clock = SystemClock()
    deadline = Deadline(clock, 10)
    while not is_so() and not deadline.passed:
        clock.sleep(0.02)
    return is_so()


@contextmanager
def serving(answer: Callable[[str], bytes]) -> Iterator[str]:
    """A server on this machine; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a browser may hang up
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ------------------------------------------------------------------------------------------------- pixels and places


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_what_is_seen_at_a_pixel_is_clicked_at_that_pixel(opened: Callable[..., BrowserDriver], scale: float) -> None:
    """Each of many small squares, found on the frame by its colour, takes the click that is aimed at its pixels."""
    squares = "".join(
        f"<i style='position:absolute;left:{30 + 53 * n}px;top:{20 + 29 * n}px;width:7px;height:7px;"
        f"background:rgb({20 * n},0,255)' onclick='hit.push({n})'></i>"
        for n in range(10)
    )
    driver = opened(page(f"<script>const hit = []</script>{squares}"), scale=scale)
    frame = driver.capture()
    assert (frame.width, frame.height, frame.scale) == (640 * scale, 400 * scale, scale)
    for number in range(10):
        rows, columns = np.nonzero((frame.image == (255, 0, 20 * number)).all(axis=2))
        driver.click(Point(columns.mean() + 0.5, rows.mean() + 0.5))
    assert driver.page.evaluate("hit") == list(range(10))
    assert driver.page.evaluate("devicePixelRatio") == scale


def test_a_window_that_people_see_looks_the_same(
    opened: Callable[..., BrowserDriver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded in a visible window has, to the pixel, the look that a replay without window sees."""
    if shutil.which("Xvfb") is None:
        pytest.skip("there is no Xvfb to show a window on")
    url = page("<h1>Invoices</h1><p>Très joli <b>texte</b> <input value=42> <button>Save</button>" + "<p>row" * 40)
    display = subprocess.Popen(["Xvfb", "-displayfd", "1", "-screen", "0", "1200x900x24"], stdout=subprocess.PIPE)
    try:
        assert display.stdout is not None
        monkeypatch.setenv("DISPLAY", f":{display.stdout.readline().decode().strip()}")
        display.stdout.close()
        headed = opened(url, headed=True)
        seen = settled(headed)
        headed.close()
    finally:
        display.terminate()
        display.wait()
    assert np.array_equal(seen, settled(opened(url)))


def test_text_with_line_ends_is_typed_into_a_large_field(show: Callable[[str], BrowserDriver]) -> None:
    """A line end is Enter, however it is written, and a tab stays a tab."""
    driver = show(page("<textarea autofocus></textarea>"))
    settled(driver)  # a page may give the focus away late
    driver.type_text("one\ntwo\r\nthree\tfour\n")
    assert driver.page.evaluate("document.querySelector('textarea').value") == "one\ntwo\nthree\tfour\n"


def test_a_chord_is_what_a_person_presses(show: Callable[[str], BrowserDriver]) -> None:
    """A page hears `s` with Control, and `S` with Shift, as from a keyboard."""
    driver = show(
        page("<script>const keys = []; onkeydown = (e) => keys.push(e.key + (e.ctrlKey ? ' ctrl' : ''))</script>")
    )
    driver.press("Control+S")
    driver.press("Shift+S")
    assert driver.page.evaluate("keys") == ["Control ctrl", "s ctrl", "Shift", "S"]


def test_the_language_is_the_one_that_was_asked_for(opened: Callable[..., BrowserDriver]) -> None:
    """Pages see the locale."""
    driver = opened("about:blank", locale="fr-FR")
    assert driver.page.evaluate("navigator.language") == "fr-FR"


# --------------------------------------------------------------------------------------------------- native dialogs


def test_a_question_is_shown_and_answered_by_clicking(show: Callable[[str], BrowserDriver]) -> None:
    """`confirm` waits, is to be seen, and gets the answer whose button is clicked."""
    for word, answer in (("OK", True), ("Cancel", False)):
        driver = show(button("document.title = confirm('Delete this invoice?')"))
        before = driver.capture()
        driver.click(MIDDLE)
        frame = driver.capture()
        scene = Scene.of(frame.image)
        assert len(scene.find_text("Delete this invoice?")) == 1
        assert frame.image.shape == before.image.shape
        driver.click(Point(1, 1))
        assert np.array_equal(driver.capture().image, frame.image), "a click beside the dialog does nothing"
        driver.click(scene.find_text(word)[0].center)
        assert driver.dialog is None
        assert driver.page.title() == str(answer).lower()
        assert Scene.of(driver.capture().image).find_text("Delete this invoice?") == []


def test_questions_that_follow_each_other_are_answered_by_keys(show: Callable[[str], BrowserDriver]) -> None:
    """Enter accepts, Escape declines, typing fills the field; the click that began it comes to its end."""
    driver = show(
        button("document.title = [confirm('Sure?'), prompt('Name?', 'Al'), confirm('Really?'), alert('Done')]")
    )
    driver.click(MIDDLE)
    driver.press("Enter")
    driver.type_text("Zoë")
    assert len(Scene.of(driver.capture().image).find_text("Zoë")) == 1
    driver.press("Enter")
    driver.press("Escape")
    driver.type_text("\n")
    assert driver.dialog is None
    assert driver.page.title() == "true,Zoë,false,"


def test_the_second_half_of_a_double_click_does_not_go_through_a_dialog(show: Callable[[str], BrowserDriver]) -> None:
    """When the first click opens a dialog, the page never gets the second one."""
    driver = show(button("document.title += confirm('Sure?')"))
    driver.click(MIDDLE, count=2)
    driver.press("Enter")
    assert driver.dialog is None
    assert driver.page.title() == "Pagetrue"


def test_everything_but_an_answer_is_swallowed(show: Callable[[str], BrowserDriver]) -> None:
    """While a dialog is open, dragging, turning the wheel and other keys do nothing, and the facts are known."""
    driver = show(button("alert('Wait')"))
    driver.click(MIDDLE)
    driver.drag(MIDDLE, Point(300, 300))
    driver.scroll(MIDDLE, 0, 50)
    driver.press("F5")
    driver.type_text("nothing")
    assert driver.facts().title == "Page"
    assert driver.dialog is not None
    driver.press("Space")
    assert driver.dialog is None


def test_a_dialog_that_opens_before_anything_was_seen(opened: Callable[..., BrowserDriver]) -> None:
    """A page that begins with a message can be opened, seen and gone on with."""
    driver = opened(page("<script>alert('Welcome')</script>Hello"))
    assert len(Scene.of(driver.capture().image).find_text("Welcome")) == 1
    assert driver.facts().url is not None
    driver.press("Enter")
    assert len(Scene.of(settled(driver)).find_text("Hello")) == 1


def test_a_dialog_that_opens_by_itself_holds_up_no_picture(show: Callable[[str], BrowserDriver]) -> None:
    """When a page asks while it is looked at, the look shows the question."""
    driver = show(page("<script>setTimeout(() => alert('Time is up'), 100)</script>"))
    assert eventually(lambda: driver.capture() is not None and driver.dialog is not None)
    driver.press("Enter")


def test_a_person_may_answer_in_the_window(show: Callable[[str], BrowserDriver]) -> None:
    """A dialog that is answered by somebody else is no longer drawn."""
    driver = show(button("document.title = confirm('Sure?')"))
    session = driver.page.context.new_cdp_session(driver.page)
    session.send("Page.enable")
    plain = settled(driver)
    driver.click(MIDDLE)
    assert not np.array_equal(driver.capture().image, plain)
    session.send("Page.handleJavaScriptDialog", {"accept": True})
    assert eventually(lambda: driver.facts().title == "true")
    assert driver.dialog is None


def test_leaving_a_page_with_unsaved_work_is_asked_about(show: Callable[[str], BrowserDriver]) -> None:
    """The browser's own question is shown too; declining it stays on the page."""
    driver = show(
        page("<script>onbeforeunload = (e) => e.preventDefault()</script><a href='about:blank'>Go on to the next")
    )
    driver.click(Scene.of(driver.capture().image).find_text("Go on to the next")[0].center)
    assert eventually(lambda: driver.capture() is not None and driver.dialog is not None)
    driver.press("Escape")
    assert driver.facts().title == "Page"
    driver.page.evaluate("onbeforeunload = null")


# ------------------------------------------------------------------------------------------- pages come and pages go


def test_a_new_page_is_followed_and_left(show: Callable[[str], BrowserDriver]) -> None:
    """A click that opens a window shows that window, in the same size; when it closes itself, the first is back."""
    small = BUTTON.format("window.close()").replace("Do it", "Close")
    driver = show(button(f"window.open('', '', 'width=300,height=200').document.write(`{quote(small)}`)"))
    size = driver.capture().image.shape
    driver.click(MIDDLE)
    assert eventually(lambda: len(driver.page.context.pages) > 1 and driver.capture() is not None)
    assert settled(driver).shape == size
    driver.page.evaluate("document.body.innerHTML = decodeURIComponent(document.body.innerHTML)")
    driver.click(MIDDLE)
    assert eventually(lambda: driver.facts().title == "Page")
    assert driver.capture().image.shape == size


def test_pages_that_replace_each_other_hold_up_no_picture(opened: Callable[..., BrowserDriver]) -> None:
    """A look comes back although one page after the other takes its place; so do facts and clicks."""
    with serving(
        lambda path: f"{path}<script>setTimeout(() => location = '/' + Math.random(), 20)</script>".encode()
    ) as url:
        driver = opened(url)
        for _ in range(10):
            assert driver.capture().image.shape == (400, 640, 3)
            assert str(driver.facts().url).startswith(url)
            driver.click(MIDDLE)
        driver.close()


def test_a_page_that_never_stops_loading_is_shown(
    opened: Callable[..., BrowserDriver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not load in time is left to looking."""
    monkeypatch.setattr("steadyhand.screen.browser._LOAD_TIMEOUT_MS", 300)
    patience = threading.Event()

    def answer(path: str) -> bytes:
        if path != "/":
            patience.wait()
        return b"<title>Here</title><img src=slow.png>"

    with serving(answer) as url:
        try:
            assert opened(url).facts().title == "Here"
        finally:
            patience.set()


# ---------------------------------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no.such.host.invalid/", "not an address"])
def test_an_address_that_is_dead_is_named(opened: Callable[..., BrowserDriver], url: str) -> None:
    """A page that cannot be reached is the user's to mend: the message names it, and the browser is gone again."""
    with pytest.raises(DriverUnavailableError, match="cannot be opened") as caught:
        opened(url)
    assert url in caught.value.message
    assert caught.value.hint


def test_a_page_that_crashes_is_lost(opened: Callable[..., BrowserDriver]) -> None:
    """When the page's process dies, the screen is gone, although the browser lives."""
    driver = opened(page("Hello"))
    with pytest.raises(Error):
        driver.page.goto("chrome://crash")
    with pytest.raises(ScreenLostError, match="crashed"):
        driver.capture()


def test_a_page_that_crashes_under_a_click_leaves_a_doubt(opened: Callable[..., BrowserDriver]) -> None:
    """A click that kills its page may or may not have arrived; nothing hangs."""
    driver = opened(button("location = 'about:blank'"))
    driver.page.evaluate("void (document.querySelector('button').onclick = () => { while (true) {} })")
    browser = driver.page.context.browser
    assert browser is not None
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [int(process["id"]) for process in processes if process["type"] == "renderer"]

    def kill() -> None:
        for process in renderers:
            os.kill(process, signal.SIGKILL)

    timer = threading.Timer(0.3, kill)
    timer.start()
    with pytest.raises(DeliveryUncertainError):
        driver.click(MIDDLE)
    timer.join()
    with pytest.raises(ScreenLostError):
        driver.capture()


def test_a_browser_that_somebody_closes_is_lost(opened: Callable[..., BrowserDriver]) -> None:
    """When its last page is closed, the screen is gone."""
    driver = opened(page("Hello"))
    driver.page.close()
    with pytest.raises(ScreenLostError, match="page was closed"):
        driver.click(MIDDLE)


def test_the_facts_are_known_while_a_page_is_busy(opened: Callable[..., BrowserDriver]) -> None:
    """The browser knows address and title although its page is stuck, and it can be closed."""
    stuck = "<script>onload = () => setTimeout(() => { while (true) {} })</script>"
    driver = opened(page(stuck, title="Stuck"))
    assert driver.facts().title == "Stuck"
    driver.close()
    with pytest.raises(ScreenLostError):
        driver.facts()


def test_two_browsers_do_not_disturb_each_other(opened: Callable[..., BrowserDriver]) -> None:
    """Two screens can be open at once, and one that is closed leaves the other one alone."""
    first, second = opened(page("", "First")), opened(page("", "Second"))
    assert (first.facts().title, second.facts().title) == ("First", "Second")
    first.close()
    assert second.facts().title == "Second"


@pytest.mark.parametrize(
    ("platform", "environment", "shown"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_a_window_needs_a_display(platform: str, environment: dict[str, str], *, shown: bool) -> None:
    """On Linux the environment names the display; other systems have one."""
    assert has_display(platform, environment) is shown


def test_without_a_display_no_window_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what is missing, and not what Chromium makes of it."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(DriverUnavailableError, match="no display"):
        BrowserDriver.open("about:blank", headed=True)


def test_an_event_loop_is_no_place_for_a_browser() -> None:
    """Within asyncio there is one clear sentence that says what to do."""

    async def open_one() -> None:
        BrowserDriver.open("about:blank")

    with pytest.raises(DriverUnavailableError, match="to_thread"):
        in_a_thread(lambda: asyncio.run(open_one()))


def in_a_thread(work: Callable[[], object]) -> None:
    """Do something in a thread that has no browser yet; what it raises is raised here."""
    faults: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except DriverUnavailableError as error:
            faults.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
