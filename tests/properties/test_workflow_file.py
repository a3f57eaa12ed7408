"""Requirement 0.1: a workflow is kept in a readable file, and nothing of it is lost there."""

from __future__ import annotations

import struct
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadyhand.errors import WorkflowError
from steadyhand.model.geometry import Box, Point
from steadyhand.model.parameters import names_in
from steadyhand.model.workflow import (
    BrowserScreen,
    ClickStep,
    DragStep,
    FieldShows,
    FileEffect,
    FileShows,
    HttpEffect,
    HttpShows,
    KeysStep,
    Landmark,
    Parameter,
    RegionChanged,
    ScrollStep,
    Secret,
    SimulatedScreen,
    SqlEffect,
    SqlShows,
    TargetAbsent,
    TargetPresent,
    TargetRecord,
    TextAppears,
    TextGone,
    TitleMatches,
    TypeStep,
    UrlMatches,
    WaitStep,
    Workflow,
)
from steadyhand.model.workflow_file import load_landmarks, load_workflow, save_landmarks, save_workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, HEIGHT = 1440, 900
SECRETS = {"password": Secret(env="PASSWORD"), "pin": Secret(keyring="shop/ada", note="of the card")}

# ---------------------------------------------------------------------------------------- any workflow there can be

anything = st.text(st.characters(exclude_categories=["Cs"]))
something = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
words = something.filter(lambda text: not names_in(text))
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
pixels = st.floats(-100_000, 100_000, allow_nan=False)
landmarks = st.builds(
    Landmark, text=something, box=st.builds(Box, pixels, pixels, st.floats(0.1, 9999), st.floats(0.1, 9999))
)


@st.composite
def targets(draw: st.DrawFn) -> TargetRecord:
    """Something on the recorded screen."""
    x, y = draw(st.floats(0, WIDTH - 2)), draw(st.floats(0, HEIGHT - 2))
    box = Box(x, y, draw(st.floats(1, WIDTH - x)), draw(st.floats(1, HEIGHT - y)))
    point = Point(draw(st.floats(x, min(box.right, WIDTH))), draw(st.floats(y, min(box.bottom, HEIGHT))))
    return TargetRecord(
        screen="images/screen.png",
        point=point,
        box=box,
        text=draw(anything),
        label=draw(anything),
    )


expectations = st.one_of(
    st.builds(TextAppears, text_appears=words),
    st.builds(TextGone, text_gone=words),
    st.builds(RegionChanged, region_changed=targets().map(lambda target: target.box)),
    st.builds(TargetPresent, target_present=targets()),
    st.builds(TargetAbsent, target_absent=targets()),
    st.builds(TitleMatches, title=words),
    st.builds(FileShows, file=st.builds(FileEffect, path=words, contains=words | st.just(""))),
    st.builds(HttpShows, http=st.builds(HttpEffect, get=words, status=st.integers(100, 599))),
    st.builds(SqlShows, sql=st.builds(SqlEffect, database=words, query=st.just("select :a::text, ':'"), shows=words)),
)
on_pages = st.builds(UrlMatches, url=words)


def steps(common: dict[str, Any], expected: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any step that has these fields."""
    some = st.lists(expected, max_size=2).map(tuple)
    more = st.lists(expected | st.builds(FieldShows, field_shows=words), max_size=2).map(tuple)
    point = st.builds(Point, pixels, pixels)
    keys = st.sampled_from(["Enter", "Control+S", "Shift+Tab", "Control+Shift+é", "#", "-"])
    return st.one_of(
        st.builds(
            ClickStep,
            action=st.just("click"),
            target=targets(),
            button=st.sampled_from(["left", "right"]),
            count=st.sampled_from([1, 2]),
            expect=more,
            **common,
        ),
        st.builds(
            TypeStep, action=st.just("type"), target=targets(), text=words, clear=st.booleans(), expect=more, **common
        ),
        st.builds(TypeStep, action=st.just("type"), secret=st.sampled_from(sorted(SECRETS)), expect=some, **common),
        st.builds(KeysStep, action=st.just("keys"), keys=keys, expect=some, **common),
        st.builds(ScrollStep, action=st.just("scroll"), at=st.none() | point, dx=pixels, dy=pixels, **common),
        st.builds(DragStep, action=st.just("drag"), target=targets(), to=targets(), expect=more, **common),
        st.builds(
            WaitStep, action=st.just("wait_for"), expect=st.lists(expected, min_size=1, max_size=2).map(tuple), **common
        ),
    )


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    """Any workflow that can be run."""
    common = {
        "id": st.just("replaced"),
        "note": words | st.just(""),
        "irreversible": st.booleans(),
        "timeout_s": st.floats(0.1, 3600),
    }
    browser = st.builds(
        BrowserScreen,
        url=words,
        width=st.integers(200, 8000),
        height=st.integers(150, 8000),
        scale=st.floats(0.5, 4),
        locale=st.none() | anything,
    )
    simulated = st.builds(
        SimulatedScreen, kind=st.just("simulated"), release=st.integers(1, 9), seed=st.integers(-(10**17), 10**17)
    )
    screen = draw(browser | simulated)
    on_it = expectations | on_pages if isinstance(screen, BrowserScreen) else expectations
    drawn = draw(st.lists(steps(common, on_it), min_size=1, max_size=4))
    params = draw(st.dictionaries(names, st.builds(Parameter, default=st.none() | anything, note=anything), max_size=3))
    params = {"a": Parameter(default="1"), **{name: param for name, param in params.items() if name not in SECRETS}}
    uses = TypeStep(id="uses", action="type", text="".join(f"{{{{{name}}}}}" for name in params))
    return Workflow(
        steadyhand=1,
        name=draw(something),
        screen=screen,
        params=params,
        secrets=SECRETS,
        steps=(uses, *(step.model_copy(update={"id": f"step-{n}"}) for n, step in enumerate(drawn))),
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with the recorded screen in it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((WIDTH + 1) * HEIGHT))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        (path / "images").mkdir()
        (path / "images" / "screen.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
        )
        yield path


@settings(deadline=None)
@given(workflow=workflows())
def test_0_1_what_is_saved_is_loaded_again(workflow: Workflow, folder: Path) -> None:
    """Whatever a workflow holds, its file says the same, to the last character and number."""
    save_workflow(workflow, folder / "flow.yaml")
    assert load_workflow(folder / "flow.yaml") == workflow


@settings(deadline=None)
@given(written=st.lists(landmarks, max_size=5).map(tuple))
def test_0_1_landmarks_that_are_saved_are_loaded_again(written: tuple[Landmark, ...], folder: Path) -> None:
    """Whatever is written on a screen, the file beside its image says the same."""
    save_landmarks(written, folder / "other.png")
    assert load_landmarks(folder / "other.png") == written


@settings(deadline=None)
@given(workflow=workflows(), data=st.data())
def test_0_1_a_file_that_lost_a_line_is_told_or_harmless(workflow: Workflow, data: st.DataObject, folder: Path) -> None:
    """A file from which any line was lost loads as a workflow, or is refused in words; it never breaks the reader."""
    path = folder / "flow.yaml"
    save_workflow(workflow, path)
    lines = path.read_text(encoding="utf-8").split("\n")
    del lines[data.draw(st.integers(0, len(lines) - 1))]
    _load_or_be_told(path, "\n".join(lines).encode())


@settings(deadline=None)
@given(content=st.binary() | anything.map(str.encode))
def test_0_1_no_content_breaks_the_reader(content: bytes, folder: Path) -> None:
    """Any bytes in place of a workflow are refused in words."""
    _load_or_be_told(folder / "flow.yaml", content)


def _load_or_be_told(path: Path, content: bytes) -> None:
    """Load what may be no workflow; nothing but a `WorkflowError` may come of it."""
    path.write_bytes(content)
    try:
        load_workflow(path)
    except WorkflowError as error:
        assert error.message  # noqa: PT017  that it is raised at all is not the point
