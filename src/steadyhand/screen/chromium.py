"""Finding a Chromium on this machine and starting it.

Chrome, Chromium and Edge are all the same to us. The browser is started at the device scale that is wanted, and not
made to pretend it: pictures by way of the DevTools then have the device's pixels, and pages, lists and menus are drawn
as on such a screen.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from playwright.sync_api import Error, sync_playwright

from steadyhand.errors import DriverUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Playwright

BROWSER_VARIABLE = "STEADYHAND_CHROMIUM"
"""The environment variable that names a browser to use before all others."""

_HINT = f"Run `./run.sh setup`, or name a Chromium, Chrome or Edge in the environment variable {BROWSER_VARIABLE}."
_COMMANDS = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "microsoft-edge")
_MACOS = ("Google Chrome", "Chromium", "Microsoft Edge")
_WINDOWS = (("Google", "Chrome", "chrome.exe"), ("Chromium", "", "chrome.exe"), ("Microsoft", "Edge", "msedge.exe"))

_QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
"""A robot's browser talks to the pages that it is sent to and to nobody else."""


class _Shared(threading.local):
    """What talks to browsers: Playwright allows one for each thread, so all browsers of a thread share it."""

    playwright: Playwright | None = None
    users = 0


_shared = _Shared()


def launch(*, headed: bool, width: int, height: int, scale: float) -> Browser:
    """Start a Chromium; `quit_browser` ends it.

    Args:
        headed: Show a window.
        width: Of the screen to be, CSS pixels.
        height: Of the screen to be, CSS pixels.
        scale: Device pixels per CSS pixel, of everything that it draws.

    Raises:
        DriverUnavailableError: There is none, it does not start, or there is no display for its window.
    """
    named = _named(os.environ)
    if headed and not has_display(sys.platform, os.environ):
        raise DriverUnavailableError(
            "There is no display to show the browser's window on.",
            "Start this on a desktop, or within a virtual display: `xvfb-run steadyhand ...`.",
        )
    if _shared.playwright is None:
        try:
            _shared.playwright = sync_playwright().start()
        except Error as error:
            raise DriverUnavailableError(
                "A browser cannot be driven within an asyncio event loop.", "Use a thread for it: `asyncio.to_thread`."
            ) from error
    _shared.users += 1
    try:
        return _started(
            _shared.playwright, named, _arguments(headed=headed, width=width, height=height, scale=scale), headed=headed
        )
    except Error as error:
        _leave()
        raise DriverUnavailableError(f"The browser does not start: {first_line(error)}", _HINT) from error
    except DriverUnavailableError:
        _leave()
        raise


def quit_browser(browser: Browser) -> None:
    """Close a browser, or what is left of it; in the thread that launched it."""
    with suppress(Error):
        browser.close()
    _leave()


def _leave() -> None:
    """One browser less needs Playwright."""
    _shared.users -= 1
    if not _shared.users and _shared.playwright is not None:
        _shared.playwright.stop()
        _shared.playwright = None


def _started(playwright: Playwright, named: Path | None, arguments: list[str], *, headed: bool) -> Browser:
    """Start the first browser that is there."""
    # None stands for Playwright's own.
    for path in [named] if named else [None, *installed(sys.platform, os.environ)]:
        try:
            return playwright.chromium.launch(
                executable_path=path,
                headless=not headed,
                args=arguments,
                ignore_default_args=["--hide-scrollbars"],  # a page is as wide as when a person recorded it
                chromium_sandbox=not _is_root(),  # Chromium refuses to build its sandbox for root
                handle_sigint=False,  # Ctrl-C is for us to handle, and we close it
            )
        except Error as error:
            if path is not None or "executable doesn't exist" not in error.message.lower():
                raise
    raise DriverUnavailableError("No Chromium, Chrome or Edge was found.", _HINT)


def _arguments(*, headed: bool, width: int, height: int, scale: float) -> list[str]:
    """What a browser is told at its start."""
    arguments = [*_QUIET, f"--force-device-scale-factor={scale:g}"]
    if headed:
        return [*arguments, "--window-position=0,0", f"--window-size={width},{height}"]
    # A list that opens goes upwards when there is no room below it on the *screen*, which is 800x600 by default.
    screen = f"{round(width * scale)}x{round(height * scale)} devicePixelRatio={scale:g}"
    return [*arguments, f"--screen-info={{{screen}}}"]


def installed(platform: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """The system's own Chromium, Chrome and Edge, as far as they are there.

    Args:
        platform: As in `sys.platform`.
        environment: The environment variables: they say where commands and programs are.
    """
    places: list[str]
    if platform == "darwin":
        places = [str(PurePosixPath("/Applications", f"{name}.app", "Contents", "MacOS", name)) for name in _MACOS]
    elif platform == "win32":
        roots = [environment.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        places = [
            str(PureWindowsPath(root, maker, product, "Application", program))
            for maker, product, program in _WINDOWS
            for root in roots
            if root
        ]
    else:
        found = (shutil.which(name, path=environment.get("PATH")) for name in _COMMANDS)
        places = [place for place in found if place]
    yield from (Path(place) for place in places if Path(place).is_file())


def has_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether windows can be shown.

    Args:
        platform: As in `sys.platform`.
        environment: The environment variables, which name the display on Linux and its kin.
    """
    return platform in ("darwin", "win32") or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def process_of(browser: Browser) -> int:
    """The id of the browser's own process, by which it can be stopped whatever its pages do."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return next(int(process["id"]) for process in processes if process["type"] == "browser")


def first_line(error: Error) -> str:
    """What happened, as a sentence, without the call that failed and without the log that Playwright adds."""
    line = re.sub(r"^\w+\.\w+: (Protocol error \([\w.]+\): )?", "", error.message.splitlines()[0])
    return line.rstrip(".") + "."


def _named(environment: Mapping[str, str]) -> Path | None:
    """The browser that the environment names."""
    name = environment.get(BROWSER_VARIABLE)
    if name and not Path(name).is_file():
        raise DriverUnavailableError(
            f"{BROWSER_VARIABLE} names {name}, which is not there.", "Correct it, or unset it."
        )
    return Path(name) if name else None


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
