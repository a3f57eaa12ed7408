"""Whether what a step expects came true, and whether that proves anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from pydantic import TypeAdapter
from typing_extensions import override

from steadyhand.clock import Deadline, ManualClock
from steadyhand.execution import verifier as verifier_module
from steadyhand.execution.effects import Seen
from steadyhand.execution.verifier import Before, Verifier, describe
from steadyhand.model.geometry import Box
from steadyhand.model.outcome import Ambiguous, Found, Method, NotFound, Resolution
from steadyhand.model.workflow import EXPECTATION_KINDS, Expectation, Step, TargetRecord
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.target import Target
from steadyhand.screen.drawing import panel, write, write_inside
from steadyhand.screen.driver import Frame, ScreenFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from steadyhand.screen.driver import ScreenDriver

INK, PAPER = (30, 30, 30), (255, 255, 255)
FIELD = Box(40, 60, 280, 34)
RECORD = TargetRecord(screen="s.png", point=FIELD.center, box=FIELD, label="Amount")
STEP: TypeAdapter[Step] = TypeAdapter(Step)
EXPECTATION: TypeAdapter[Expectation] = TypeAdapter(Expectation)


def page(*lines: str, field_text: str = "", caret: bool = False, at: Box = FIELD) -> NDArray[np.uint8]:
    """A page with a field and lines of text below it."""
    image = np.full((400, 640, 3), 246, np.uint8)
    panel(image, at, PAPER, (170, 170, 170))
    write_inside(image, field_text, at, 16, INK, inset=8)
    if caret:
        ink = np.flatnonzero((image[70:88, 50:315] < 128).any(axis=(0, 2)))
        x = 50 + int(ink[-1]) + 2 if ink.size else 50
        image[68:88, x : x + 1] = 0
    for number, line in enumerate(lines):
        write(image, line, 40, 150 + 40 * number, 20, INK)
    return image


@dataclass
class Film:
    """A screen that takes no input and shows one picture after another: from which second on, and the picture."""

    scenes: Mapping[float, NDArray[np.uint8]]
    clock: ManualClock = field(default_factory=ManualClock)
    screen_facts: ScreenFacts = field(default_factory=ScreenFacts)

    def capture(self) -> Frame:
        """What is on now."""
        since_s = max(start_s for start_s in self.scenes if start_s <= self.clock.monotonic_s())
        return Frame(self.scenes[since_s], self.clock.monotonic_s())

    def facts(self) -> ScreenFacts:
        """What it says about itself."""
        return self.screen_facts


class Answer(Resolver):
    """Always gives the same answer."""

    def __init__(self, answer: Resolution) -> None:
        super().__init__()
        self.answer = answer

    @override
    def resolve(self, target: Target, image: NDArray[np.uint8]) -> Resolution:
        """The answer."""
        return self.answer


HERE = Found(FIELD.center, FIELD, 0.99, Method.ANCHOR_TEMPLATE)
GONE = NotFound("nothing like it is there")
TWICE = Ambiguous("two are there", ())


def verifier(film: Film, answer: Resolution = HERE, values: Mapping[str, str] | None = None) -> Verifier:
    """A verifier that looks at a film."""
    target = Target.from_frame(page(), FIELD.center, FIELD, "")
    return Verifier(
        cast("ScreenDriver", film),
        Answer(answer),
        film.clock,
        load=lambda _: target,
        values=values or {},
        folder=Path(),
    )


def click(*expect: Mapping[str, object]) -> Step:
    """A step that clicks the field and expects something."""
    return STEP.validate_python({"id": "a", "action": "click", "target": RECORD, "expect": list(expect)})


def looked(film: Film, step: Step, answer: Resolution = HERE) -> Before:
    """How things stand on a film as it begins."""
    return verifier(film, answer).look(step, Frame(film.scenes[0]), HERE)


def test_what_comes_true_after_a_while_proves_the_action() -> None:
    """The screen is looked at until the text is there, long before the deadline."""
    film = Film({0: page("Loading"), 3: page("Saved")})
    step = click({"text_appears": "Saved"}, {"text_gone": "Loading"})
    result = verifier(film).verify(step, looked(film, step), Deadline(film.clock, 30))
    assert result.met
    assert result.proves
    assert 3 <= film.clock.monotonic_s() < 7
    assert np.array_equal(result.frame.image, page("Saved"))


def test_a_screen_that_changes_is_looked_at_at_once() -> None:
    """The pauses grow to two seconds, but what shows during a pause is not left waiting for its end."""
    film = Film({0: page("Loading"), 6.5: page("Saved")})
    step = click({"text_appears": "Saved"})
    assert verifier(film).verify(step, looked(film, step), Deadline(film.clock, 30)).met
    assert film.clock.monotonic_s() < 7


def test_what_lies_outside_is_not_asked_more_often_because_the_screen_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file, a server or a database is asked, the pauses are kept, whatever the screen does."""
    film = Film({0: page(), **{0.5 * number: page(str(number)) for number in range(1, 40)}})
    step = click({"file": {"path": "out.txt"}})
    looks: list[float] = []

    def see(*_: object) -> Seen:
        looks.append(film.clock.monotonic_s())
        return Seen(met=False)

    monkeypatch.setattr(verifier_module, "see_file", see)
    verifier(film).verify(step, Before(frame=Frame(page())), Deadline(film.clock, 10))
    assert len(looks) <= 8
    assert max(looks) == pytest.approx(10, abs=0.5)


def test_what_was_so_before_proves_nothing() -> None:
    """A text that stands on every page is met, but does not tell a right click from a wrong one."""
    film = Film({0: page("Invoices")})
    step = click({"text_appears": "Invoices"}, {"text_gone": "Error"})
    result = verifier(film).verify(step, looked(film, step), Deadline(film.clock, 30))
    assert result.met
    assert not result.proves
    assert [each.detail for each in result.results] == ["already so before the action, which proves nothing"] * 2


def test_one_thing_that_came_true_proves_the_action() -> None:
    """What was so before does not spoil what is new."""
    film = Film({0: page("Invoices"), 1: page("Invoices", "Paid")})
    step = click({"text_appears": "Invoices"}, {"text_appears": "Paid"})
    assert verifier(film).verify(step, looked(film, step), Deadline(film.clock, 30)).proves


def test_waiting_has_nothing_to_prove() -> None:
    """A step that waits is done when what it waits for is so, however long it has been so."""
    film = Film({0: page("Ready")})
    step = STEP.validate_python({"id": "a", "action": "wait_for", "expect": [{"text_appears": "Ready"}]})
    result = verifier(film).verify(step, Before(frame=Frame(page("Ready"))), Deadline(film.clock, 30))
    assert result.proves
    assert film.clock.monotonic_s() < 1


def test_all_must_be_so_at_one_and_the_same_look() -> None:
    """A notice that is gone again when the other thing comes true is not there."""
    film = Film({0: page("Draft"), 1: page("Draft", "Saved"), 5: page("Final")})
    step = click({"text_appears": "Saved"}, {"text_appears": "Final"})
    result = verifier(film).verify(step, looked(film, step), Deadline(film.clock, 10))
    assert not result.met
    assert [each.met for each in result.results] == [False, True]


def test_a_miss_says_what_was_seen_and_takes_until_the_deadline() -> None:
    """The complaint names each expectation that did not come true, and no other."""
    film = Film({0: page("Error 17")})
    step = click({"text_appears": "Saved"}, {"text_appears": "Error 17"}, {"text_gone": "Error 17"})
    result = verifier(film).verify(step, looked(film, step), Deadline(film.clock, 5))
    assert not result.met
    assert result.complaint == (
        "the text 'Saved' appears: it cannot be read anywhere; the text 'Error 17' is gone: it can still be read"
    )
    assert film.clock.monotonic_s() == pytest.approx(5, abs=0.2)


def test_a_deadline_that_has_passed_still_allows_one_look() -> None:
    """An action that took all the time is judged by what it did."""
    film = Film({0: page("Saved")})
    step = click({"text_appears": "Saved"})
    before = Before((Seen(met=False),), Frame(page()), HERE)
    assert verifier(film).verify(step, before, Deadline(film.clock, 0)).proves


def test_without_expectations_nothing_is_proven() -> None:
    """A step that names nothing is met at once and stays unverified."""
    film = Film({0: page()})
    result = verifier(film).verify(click(), looked(film, click()), Deadline(film.clock, 30))
    assert (result.met, result.proves, result.results, result.complaint) == (True, False, (), "")


# --------------------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("kind", "answer", "is_met"),
    [
        ("target_present", HERE, True),
        ("target_present", GONE, False),
        ("target_present", TWICE, False),
        ("target_absent", HERE, False),
        ("target_absent", GONE, True),
        ("target_absent", TWICE, False),
    ],
)
def test_a_target_is_there_or_not_and_ambiguous_is_neither(kind: str, answer: Resolution, *, is_met: bool) -> None:
    """What cannot be told apart is no proof of presence, and none of absence."""
    film = Film({0: page()})
    step, before = click({kind: RECORD}), Before((Seen(met=False),), Frame(page()), HERE)
    assert verifier(film, answer).verify(step, before, Deadline(film.clock, 1)).met is is_met


# --------------------------------------------------------------------------------------------------------- regions


def change(before: NDArray[np.uint8], after: NDArray[np.uint8], box: Box, place: Found = HERE) -> bool:
    """Whether a region counts as changed between two pages."""
    film = Film({0: after})
    step = click({"region_changed": list(box)})
    seen = Before((Seen(met=False),), Frame(before), place)
    return verifier(film).verify(step, seen, Deadline(film.clock, 1)).proves


def test_a_letter_changes_a_field_and_a_caret_does_not() -> None:
    """A blinking caret is no effect of an action."""
    assert change(page(), page(field_text="7"), FIELD)
    assert not change(page(), page(caret=True), FIELD)
    assert not change(page(), page("elsewhere"), FIELD)


def test_a_region_on_the_target_moves_with_the_target() -> None:
    """In a layout that has moved, the field's region is where the field is now; another region stays."""
    moved = FIELD.shifted(200, 100)
    place = Found(moved.center, moved, 0.9, Method.SOM_TEXT_MATCH)
    assert change(page(at=moved), page(at=moved, field_text="1,280"), FIELD, place)
    elsewhere = Box(40, 120, 200, 60)
    assert change(page(at=moved), page("Saved", at=moved), elsewhere, place)


def test_without_the_earlier_screen_a_region_is_left_out() -> None:
    """After a restart nobody knows how it looked, so it says neither yes nor no."""
    film = Film({0: page("Saved")})
    step = click({"region_changed": list(FIELD)}, {"text_appears": "Saved"})
    before = Before((Seen(met=False), Seen(met=False)))
    result = verifier(film).verify(step, before, Deadline(film.clock, 1))
    assert [each.description for each in result.results] == ["the text 'Saved' appears"]
    assert result.proves


# ---------------------------------------------------------------------------------------------------------- fields


def shows(wanted: str, image: NDArray[np.uint8]) -> bool:
    """Whether the field on a page shows a text."""
    film = Film({0: image})
    before = Before((Seen(met=False),), Frame(page()), HERE)
    return verifier(film).verify(click({"field_shows": wanted}), before, Deadline(film.clock, 0)).met


TYPED = [
    "Bellwether Hotels", "1,280.00", "2026-03-14", "claire.martin@bellwether.example", "INV-10427", "Zoë Çelik",
    "12/31/2026", "+33 6 12 34 56 78", "Q4", "x",
]  # fmt: skip


@pytest.mark.parametrize("caret", [False, True], ids=["plain", "caret"])
@pytest.mark.parametrize("text", TYPED)
def test_a_field_shows_what_was_typed(text: str, *, caret: bool) -> None:
    """Words, dates, amounts and addresses are read back from the picture, with or without the caret behind them."""
    assert shows(text, page(field_text=text, caret=caret))


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("INV-10427", "INV-10421"),
        ("1,280.00", "1,230.00"),
        ("12", "121"),
        ("Bellwether Hotels", "Bellwether"),
        ("Bellwether", "Bellwether Hotels"),
        ("Claire", ""),
        ("Claire", "Clara"),
    ],
)
def test_a_field_that_shows_something_else_is_a_miss(wanted: str, shown: str) -> None:
    """A wrong digit, a missing part and an added part are told from the right text."""
    assert not shows(wanted, page(field_text=shown))


def test_a_field_too_narrow_for_its_text_shows_an_end_of_it() -> None:
    """The end behind which the caret stands, or the beginning, is enough if it fills the field and is long."""
    wanted = "https://ledger.example/invoices/10427/attachments/contract"
    assert shows(wanted, page(field_text="/10427/attachments/contract"))
    assert shows(wanted, page(field_text="https://ledger.example/invoice"))
    assert not shows(wanted, page(field_text="contract")), "a short end in a wide field was cut, not cropped"
    assert not shows(wanted, page(field_text="https://ledger.example/receipt"))


def test_a_field_is_looked_for_when_nobody_did_before() -> None:
    """After a restart the step's own target says where the field is; without it there is no field."""
    film = Film({0: page(field_text="1,280.00")})
    step, before = click({"field_shows": "1,280.00"}), Before((Seen(met=False),))
    assert verifier(film, HERE).verify(step, before, Deadline(film.clock, 0)).proves
    gone = verifier(film, GONE).verify(step, before, Deadline(film.clock, 0))
    assert gone.complaint == "the field shows '1,280.00': the field is not there"


# ----------------------------------------------------------------------------------------------------------- facts


@pytest.mark.parametrize(
    ("pattern", "is_met"),
    [
        ("https://ledger.example/list?page=2&tag[]=a", True),
        ("*/list?page=*", True),
        ("https://ledger.example/list", False),
        ("https://ledger.example/list?page=?&tag[]=a", False),
        ("*page=3*", False),
    ],
)
def test_only_the_star_is_special_in_an_address(pattern: str, *, is_met: bool) -> None:
    """Question marks and brackets are what they are in addresses."""
    film = Film({0: page()}, screen_facts=ScreenFacts(url="https://ledger.example/list?page=2&tag[]=a"))
    before = Before((Seen(met=False),), Frame(page()), HERE)
    assert verifier(film).verify(click({"url": pattern}), before, Deadline(film.clock, 0)).met is is_met


def test_a_screen_without_a_title_does_not_match_any() -> None:
    """A pattern that takes everything does not take nothing."""
    film = Film({0: page()})
    before = Before((Seen(met=False),), Frame(page()), HERE)
    result = verifier(film).verify(click({"title": "*"}), before, Deadline(film.clock, 0))
    assert result.complaint == "the title is '*': this screen has no title"


# ----------------------------------------------------------------------------------------------------------- files


def test_a_file_written_anew_proves_the_action_and_an_old_one_does_not(tmp_path: Path) -> None:
    """Yesterday's export is there before the click; only a fresh one tells that the click worked."""
    export, film = tmp_path / "out.csv", Film({0: page()})
    export.write_text("old", encoding="utf-8")
    step = click({"file": {"path": str(export)}})
    before = looked(film, step)
    assert not verifier(film).verify(step, before, Deadline(film.clock, 1)).proves
    export.write_text("new and longer", encoding="utf-8")
    assert verifier(film).verify(step, before, Deadline(film.clock, 1)).proves


# ----------------------------------------------------------------------------------------------------------- words

WORDS: dict[str, tuple[object, str]] = {
    "text_appears": ("Saved", "the text 'Saved' appears"),
    "text_gone": ("Saved", "the text 'Saved' is gone"),
    "region_changed": ([1, 2, 3, 4], "the region [1, 2, 3, 4] changes"),
    "target_present": (RECORD, "the target 'Amount' is there"),
    "target_absent": (RECORD.model_copy(update={"label": ""}), "the target at [180, 77] is not there"),
    "field_shows": ("7", "the field shows '7'"),
    "url": ("*/list", "the address is */list"),
    "title": ("Books", "the title is 'Books'"),
    "file": ({"path": "a.csv", "contains": "x"}, "the file a.csv is there and holds 'x'"),
    "http": ({"get": "http://a.example/"}, "http://a.example/ answers 200"),
    "sql": ({"database": "sqlite:///a.db", "query": "select 1", "shows": "1"}, "the query `select 1` shows '1'"),
}


@pytest.mark.parametrize("kind", EXPECTATION_KINDS)
def test_every_kind_has_its_words(kind: str) -> None:
    """A report names each kind of expectation in words of its own, without a database's address."""
    value, words = WORDS[kind]
    assert describe(EXPECTATION.validate_python({kind: value})) == words
