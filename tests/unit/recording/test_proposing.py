"""Postconditions are proposed from what changed, and only telling ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steadyhand.model.geometry import Box
from steadyhand.model.workflow import Expectation, RegionChanged, TextAppears, TextGone, UrlMatches
from steadyhand.recording.proposing import propose, propose_url, telling, url_pattern
from steadyhand.screen.drawing import BOLD, panel, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOME = "http://127.0.0.1:8080/login"
SAVE = Box(40, 200, 120, 40)
INK = (30, 30, 30)


def page(*texts: tuple[str, float, float], size: int = 18) -> NDArray[np.uint8]:
    """A page with a button, some usual text, and what is given: text, left, baseline."""
    image = np.full((420, 640, 3), 255, np.uint8)
    panel(image, SAVE, (235, 225, 215), (120, 110, 100), 6)
    write(image, "Save", 75, 227, 18, INK)
    for line, words in enumerate(("Customer", "Delivery", "Payment")):
        write(image, words, 420, 220 + 40 * line, 18, INK)
    for text, left, baseline in texts:
        write(image, text, left, baseline, size, INK, BOLD if size > 18 else 400)
    return image


def proposed(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    *typed: str,
    is_other_page: bool = False,
    former: Box | None = None,
) -> list[Expectation]:
    """What is proposed for a click on the button."""
    return propose(before, after, SAVE, former, typed, is_other_page=is_other_page)


def test_a_notice_that_appears_is_expected() -> None:
    """The words of a notice are the best proof."""
    assert proposed(page(), page(("Your order was saved", 40, 60))) == [
        TextAppears(text_appears="Your order was saved")
    ]


def test_what_was_typed_proves_nothing() -> None:
    """A text with a typed value in it is another one next time; the plain one beside it is taken."""
    after = page(("Order of Brunner saved", 40, 60), ("Everything is stored", 40, 100))
    assert proposed(page(), after, "Brunner") == [TextAppears(text_appears="Everything is stored")]


def test_what_is_written_twice_is_a_value_in_a_table() -> None:
    """A status that appears in several rows is data."""
    after = page(("Pending", 40, 60), ("Pending", 40, 100), ("Ready for review", 40, 140))
    assert proposed(page(), after) == [TextAppears(text_appears="Ready for review")]


def test_the_entries_of_a_list_are_data() -> None:
    """What comes up in a column of its like is a list; the line above it is not."""
    names = ("Adler Optics", "Brunner Tools", "Delta Marine", "Eastgate Books")
    rows = [(name, 40, 300 + 30 * row) for row, name in enumerate(names)]
    before = page(*((f"Word number {row}", 220, 40 + 22 * row) for row in range(8)))
    after = before.copy()
    for text, left, baseline in [("These were found", 60, 270), *rows]:
        write(after, text, left, baseline, 18, INK)
    assert proposed(before, after) == [TextAppears(text_appears="These were found")]


def test_a_heading_goes_before_other_text() -> None:
    """Larger type stands out."""
    after = page(("Some remarks on it", 40, 60))
    write(after, "Confirmation", 40, 120, 30, INK, BOLD)
    assert proposed(page(), after) == [TextAppears(text_appears="Confirmation")]


def test_on_another_page_only_a_heading_is_telling() -> None:
    """The rest of another page is mostly data, and its address says enough."""
    after = page(("Some remarks on it", 40, 60))
    assert proposed(page(), after, is_other_page=True) == []
    after = after.copy()
    write(after, "Confirmation", 40, 120, 30, INK, BOLD)
    assert proposed(page(), after, is_other_page=True) == [TextAppears(text_appears="Confirmation")]


def test_what_is_on_a_button_is_its_label() -> None:
    """The next release may call a button something else; a notice in a frame is no button."""
    after = page()
    panel(after, Box(300, 40, 120, 40), (235, 225, 215), (120, 110, 100), 6)
    write(after, "Approve", 325, 66, 18, INK)
    assert [type(each) for each in proposed(page(), after)] == [RegionChanged]
    after = after.copy()
    panel(after, Box(40, 40, 240, 40), (215, 235, 215), (100, 120, 100), 6)
    write(after, "Your order was saved", 55, 66, 18, INK)
    assert proposed(page(), after) == [TextAppears(text_appears="Your order was saved")]


def test_a_heading_of_several_words_is_one_text() -> None:
    """Words of large type stand far apart, and yet belong together."""
    after = page()
    write(after, "The second page", 40, 80, 40, INK, BOLD)
    assert proposed(page(), after) == [TextAppears(text_appears="The second page")]


def test_a_dialog_that_closed_is_expected_to_be_gone() -> None:
    """When only a heading goes away, its going is the proof; other text that goes away is data."""
    before = page()
    write(before, "Confirmation", 40, 120, 30, INK, BOLD)
    assert proposed(before, page()) == [TextGone(text_gone="Confirmation")]
    assert not any(isinstance(each, TextGone) for each in proposed(page(("Some remarks on it", 40, 60)), page()))


def test_a_change_without_words_is_a_region() -> None:
    """A mark far from the button is a changed region."""
    after = page()
    panel(after, Box(300, 40, 60, 30), (0, 120, 0))
    assert proposed(page(), after) == [RegionChanged(region_changed=Box(300, 40, 60, 30))]


def test_a_region_beside_the_thing_reaches_to_it() -> None:
    """What opens just below a thing moves along with it, so the region holds both."""
    after = page()
    panel(after, Box(40, 250, 100, 60), (0, 120, 0))
    assert proposed(page(), after) == [RegionChanged(region_changed=Box(40, 200, 120, 110))]


def test_hover_and_focus_prove_nothing() -> None:
    """Neither the button that lights up nor the ring that leaves the field before is an effect of the click."""
    field, after = Box(300, 40, 200, 30), page()
    panel(after, SAVE, (255, 190, 120))
    before = page()
    panel(before, field, (255, 255, 255), (200, 80, 0))
    assert proposed(before, after, former=field) == []


def test_a_tick_is_an_effect() -> None:
    """A small square that comes up within a wide row is the tick of its check box."""
    after = page()
    panel(after, Box(48, 212, 16, 16), (200, 80, 0))
    assert proposed(page(), after) == [RegionChanged(region_changed=SAVE)]


def test_nothing_changed() -> None:
    """A click without any effect that can be seen has nothing to prove it."""
    assert proposed(page(), page()) == []


@pytest.mark.parametrize(
    "text",
    [
        "12:45", "3 results", "INV-2047 approved", "EUR 14.00", "€ fourteen", "ada@example.org", "Loading",
        "Chargement…", "Saved just now", "OK", "il y a", "Order of Ada", "x" * 61,
    ],
)  # fmt: skip
def test_fleeting_texts_are_not_telling(text: str) -> None:
    """Times, counts, amounts, addresses, what is on its way out, what is too short, and what was typed."""
    assert not telling(text, ["Ada"])


@pytest.mark.parametrize("text", ["Payment details saved", "Suppliers", "Paiement enregistré", "Approve this invoice?"])
def test_headings_and_notices_are_telling(text: str) -> None:
    """Words that will be there again, in any run."""
    assert telling(text, ["Ada"])


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("http://127.0.0.1:8080/", "*/"),
        ("http://127.0.0.1:8080", "*/"),
        ("http://127.0.0.1:8080/invoices", "*/invoices"),
        ("http://127.0.0.1:8080/invoices/INV-2047/edit", "*/invoices/*/edit"),
        ("http://127.0.0.1:8080/invoices?search=x", "*/invoices?*"),
        ("http://127.0.0.1:8080/o/9f8e7d6cbadecafe", "*/o/*"),
        ("http://127.0.0.1:8080/customers/ada%20byron", "*/customers/*"),
        ("http://127.0.0.1:8080/app#/orders/17?tab=a", "*/app#/orders/*"),
        ("http://127.0.0.1:8080/help#top", "*/help*"),
        ("https://pay.example/checkout", "*//pay.example/checkout"),
    ],
)
def test_addresses_lose_what_is_different_next_time(url: str, pattern: str) -> None:
    """The host of the start, ids, typed values and queries are left open."""
    assert url_pattern(url, HOME, ["Ada Byron"]) == pattern


def test_an_address_is_expected_when_its_pattern_changed() -> None:
    """From one record to the next one the pattern is the same, which proves nothing."""
    first, second = "http://127.0.0.1:8080/orders/1", "http://127.0.0.1:8080/orders/2"
    assert propose_url(HOME, first, HOME, []) == [UrlMatches(url="*/orders/*")]
    assert propose_url(first, second, HOME, []) == []
    assert propose_url(None, None, HOME, []) == []
