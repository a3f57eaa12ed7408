"""Takes become steps with targets, names and postconditions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.errors import ConfigError, WorkflowError
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import (
    BrowserScreen,
    ClickStep,
    FieldShows,
    RegionChanged,
    ScrollStep,
    TextAppears,
    TypeStep,
    UrlMatches,
)
from steadyhand.model.workflow_file import load_landmarks, load_workflow
from steadyhand.recording.deeds import Clicked, Deed, Pressed, Scrolled, Way, Wrote
from steadyhand.recording.draft import Draft, Take
from steadyhand.recording.looks import Look
from steadyhand.screen.drawing import BOLD, panel, write
from steadyhand.screen.driver import ElementFacts

if TYPE_CHECKING:
    from pathlib import Path

    from steadyhand.model.workflow import Step

URL = "http://shop.example/orders"
BUTTON, FIELD = Box(40, 40, 130, 40), Box(40, 140, 260, 40)
INK = (30, 30, 30)


def look(content: str = "", notice: str = "", url: str = URL, field: str = "Country") -> Look:
    """A page with a button and a field, with something in it, and perhaps a notice; it is seen at second 3."""
    image = np.full((300, 500, 3), 255, np.uint8)
    panel(image, BUTTON, (235, 225, 215), (120, 110, 100), 6)
    write(image, "Save", 75, 66, 18, INK)
    write(image, field, 40, 130, 18, INK)
    panel(image, FIELD, (255, 255, 255), (120, 110, 100), 4)
    write(image, content, 54, 166, 18, INK)
    write(image, notice, 40, 250, 18, INK, BOLD)
    return Look.of(image, url, 3.0, 3.0)


def click() -> Clicked:
    """A click on the button."""
    return Clicked(point=Point(100, 60), element=ElementFacts(BUTTON, text="Save"), began_s=1.0, ended_s=2.0)


def wrote(*ways: Way, label: str = "Country") -> Wrote:
    """Writing into the field."""
    element = ElementFacts(FIELD, is_editable=True, label=label)
    return Wrote(point=FIELD.center, element=element, ways=ways, began_s=1.0, ended_s=2.0)


def take(deed: Deed, after: Look | None, before: Look | None = None) -> Take:
    """A deed on the page before, and what it led to."""
    before = before or look()
    return Take(deed, before, before, after=after)


def steps(folder: Path, *takes: Take, **parameters: str) -> tuple[Step, ...]:
    """The steps that are written, and read back."""
    output = folder / "flow.yaml"
    draft = Draft(output, BrowserScreen(url=URL), parameters, lambda _: None)
    draft.takes.extend(takes)
    draft.write()
    return load_workflow(output).steps


def test_a_typed_text_is_expected_in_its_field(tmp_path: Path) -> None:
    """What can be read in the field is expected there."""
    (step,) = steps(tmp_path, take(wrote(Way("Canada", "Canada")), look("Canada")))
    assert isinstance(step, TypeStep)
    assert (step.id, step.note, step.text) == ("type-country", 'Type into "Country"', "Canada")
    assert step.expect == (FieldShows(field_shows="Canada"),)


def test_a_caret_behind_the_text_does_not_matter(tmp_path: Path) -> None:
    """A caret is read as a letter, or spoils the last one."""
    (step,) = steps(tmp_path, take(wrote(Way("Canada", "Canada")), look("Canada|")))
    assert step.expect == (FieldShows(field_shows="Canada"),)


def test_a_field_that_cannot_be_read_has_changed(tmp_path: Path) -> None:
    """Where the field shows something else than what was typed, no more is expected than that it changed."""
    (step,) = steps(tmp_path, take(wrote(Way("Canada", "Canada")), look("~~~~~")))
    assert step.expect == (RegionChanged(region_changed=FIELD),)


def test_a_choice_is_typed_with_a_line_end_and_then_read(tmp_path: Path) -> None:
    """An entry of a list is typed and confirmed; beside it stands a sign, so it is looked for as text."""
    (step,) = steps(tmp_path, take(wrote(Way("Canada\n", "Canada")), look("Canada     v")))
    assert isinstance(step, TypeStep)
    assert step.text == "Canada\n"
    assert step.expect == (TextAppears(text_appears="Canada"),)


def test_a_parameter_stands_for_its_value(tmp_path: Path) -> None:
    """Text and expectation name the parameter; also with the line end of a list."""
    typed, chosen = steps(
        tmp_path,
        take(wrote(Way("Canada", "Canada")), look("Canada")),
        take(wrote(Way("Canada\n", "Canada")), look("Canada     v")),
        where="Canada",
    )
    assert isinstance(typed, TypeStep)
    assert typed.text == "{{where}}"
    assert typed.expect == (FieldShows(field_shows="{{where}}"),)
    assert isinstance(chosen, TypeStep)
    assert chosen.text == "{{where}}\n"
    assert chosen.expect == (TextAppears(text_appears="{{where}}"),)


def test_what_a_field_makes_of_a_parameter_is_not_expected(tmp_path: Path) -> None:
    """How a field shows another value nobody knows."""
    (step,) = steps(tmp_path, take(wrote(Way("5551234", "555-1234")), look("555-1234")), phone="5551234")
    assert step.expect == (RegionChanged(region_changed=FIELD),)


def test_a_date_is_typed_in_the_order_that_is_seen(tmp_path: Path) -> None:
    """Of all orders of a date the one is right that the field shows."""
    ways = (Way("0312002024", "03/12/2024"), Way("1203002024", "12/03/2024"))
    (step,) = steps(tmp_path, take(wrote(*ways), look("12/03/2024")))
    assert isinstance(step, TypeStep)
    assert step.text == "1203002024"
    assert step.expect == (FieldShows(field_shows="12/03/2024"),)


def test_fast_typing_is_seen_on_the_screens_of_the_next_step(tmp_path: Path) -> None:
    """When Tab follows at once, the field is read afterwards."""
    typed = take(wrote(Way("Canada", "Canada")), None)
    tab = take(Pressed(keys="Tab", began_s=2.0, ended_s=2.0), look("Canada"))
    step, _ = steps(tmp_path, typed, tab)
    assert step.expect == (FieldShows(field_shows="Canada"),)


def test_secrets_are_named_after_their_fields(tmp_path: Path) -> None:
    """The same field takes the same secret, another one another; a parameter of that name is something else."""
    first, again, other, taken = steps(
        tmp_path,
        take(wrote(label="Country"), None),
        take(wrote(label="Country"), None),
        take(wrote(label="PIN code"), None),
        take(wrote(label="User"), None),
        user="ada",
    )
    names = [step.secret for step in (first, again, other, taken) if isinstance(step, TypeStep)]
    assert names == ["country", "country", "pin_code", "secret_user"]


def test_an_address_and_a_notice_are_expected(tmp_path: Path) -> None:
    """A click that leads to another page expects its address; one that stays expects the notice."""
    away, stays = steps(
        tmp_path,
        take(click(), look(url="http://shop.example/orders/17")),
        take(click(), look(notice="Everything is stored")),
    )
    assert away.expect == (UrlMatches(url="*/orders/*"),)
    assert stays.expect == (TextAppears(text_appears="Everything is stored"),)
    assert (away.id, stays.id) == ("click-save", "click-save-2")


def test_a_notice_that_is_gone_by_the_next_deed_still_counts(tmp_path: Path) -> None:
    """If the last look shows nothing new, the first settled one afterwards does."""
    before = look()
    brief = Take(click(), before, before, early=look(notice="Everything is stored"), after=before)
    (step,) = steps(tmp_path, brief)
    assert step.expect == (TextAppears(text_appears="Everything is stored"),)


@pytest.mark.parametrize(("waited_s", "timeout_s"), [(2.0, 30.0), (20.0, 60.0)])
def test_a_long_wait_gives_the_step_more_time(tmp_path: Path, waited_s: float, timeout_s: float) -> None:
    """What took the person long to see may take long again."""
    (step,) = steps(tmp_path, replace(take(click(), look(notice="Everything is stored")), waited_s=waited_s))
    assert step.timeout_s == timeout_s


def test_a_scroll_expects_that_the_screen_moves(tmp_path: Path) -> None:
    """A scroll that changed most of the screen expects that; one without effect expects nothing."""
    deed = Scrolled(point=Point(250, 150), dx=0, dy=-120.4, began_s=1.0, ended_s=2.0)
    other = look("something", "else is here", field="Town")
    moved, idle = steps(tmp_path, take(deed, other), take(deed, look()))
    assert isinstance(moved, ScrollStep)
    assert (moved.id, moved.dx, moved.dy) == ("scroll-up", 0, -120)
    assert isinstance(moved.expect[0], RegionChanged)
    assert idle.expect == ()


def test_a_click_that_changes_nothing_expects_nothing(tmp_path: Path) -> None:
    """An honest gap is better than a proof that proves nothing."""
    (step,) = steps(tmp_path, take(click(), look()))
    assert isinstance(step, ClickStep)
    assert step.expect == ()


def test_what_is_done_on_the_same_screen_shares_its_image(tmp_path: Path) -> None:
    """Each different screen is stored once, and beside it all that is written on it, whatever the step acts on."""
    first, second, third = steps(
        tmp_path, take(click(), None), take(click(), None), take(wrote(Way("A", "A")), None, look(notice="Ready"))
    )
    assert isinstance(first, ClickStep)
    assert isinstance(second, ClickStep)
    assert isinstance(third, TypeStep)
    assert third.target is not None
    assert first.target.screen == second.target.screen == "images/flow/click-save.png"
    assert third.target.screen == "images/flow/type-country.png"
    files = sorted(path.name for path in (tmp_path / "images" / "flow").iterdir())
    names = ("click-save", "type-country")
    assert files == [f"{name}.{ending}" for name in names for ending in ("landmarks.yaml", "png")]
    written = load_landmarks(tmp_path / third.target.screen)
    assert {landmark.text for landmark in written or ()} == {"Save", "Country", "Ready"}


def test_images_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    """A file where a folder is needed ends in one clear sentence, and no workflow is written."""
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(WorkflowError, match="cannot be written"):
        steps(tmp_path, take(click(), look()))
    assert not (tmp_path / "flow.yaml").exists()


def test_a_folder_that_takes_nothing_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    """Nobody shall work for an hour and then learn that it cannot be kept."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigError, match="takes no files"):
        Draft(tmp_path / "file" / "flow.yaml", BrowserScreen(url=URL), {}, lambda _: None)
