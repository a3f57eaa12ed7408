"""The documentation says what the code does: nothing is missing from it, nothing in it has gone stale."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from docs import generate

from steadyhand import cli
from steadyhand.model import workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LONGEST_README = 120


def page_name(page: Path) -> str:
    """How a page is called in a report of the tests."""
    return str(page.relative_to(ROOT))


# ------------------------------------------------------------------------------------------------- reference pages


@pytest.mark.parametrize("name", generate.PAGES)
def test_each_reference_page_says_what_the_code_says(name: str) -> None:
    """A committed reference page is exactly what would be written from the code now."""
    assert (generate.FOLDER / name).read_text() == generate.PAGES[name](), "run: python docs/generate.py"


def test_each_file_beside_the_reference_pages_is_one_of_them() -> None:
    """No reference page is left over from something that is gone."""
    assert {page.name for page in generate.FOLDER.iterdir()} == set(generate.PAGES)


def command_names(command: object, name: str) -> Iterator[str]:
    """Every command that can be typed, below one that may be a group."""
    yield name
    for part, below in getattr(command, "commands", {}).items():
        yield from command_names(below, f"{name} {part}")


def test_each_command_is_explained() -> None:
    """Every command has a heading of its own in the reference."""
    page = (generate.FOLDER / "cli.md").read_text()
    names = list(command_names(typer.main.get_command(cli.app), "steadyhand"))
    assert len(names) > 1, "the program has commands"
    assert [name for name in names[1:] if not re.search(rf"^#+ `{name}`$", page, re.MULTILINE)] == []


def test_each_option_and_argument_is_explained() -> None:
    """Nothing in the reference of the command line stands there without a word on what it means."""
    page = (generate.FOLDER / "cli.md").read_text()
    assert [line for line in page.splitlines() if re.fullmatch(r"\* `[^`]+`:?\s*(\[.*\])?", line)] == []


def test_each_error_is_explained() -> None:
    """Every error of the tree stands in the reference with its meaning, and in the drawing of the tree."""
    page = (generate.FOLDER / "errors.md").read_text()
    drawing = page.split("```")[1]
    for error in generate.error_classes():
        assert re.search(rf"^\| `{error.__name__}` \|.*\w+[.!] \|$", page, re.MULTILINE), error.__name__
        assert error.__name__ in drawing, f"{error.__name__} is missing from the drawing in errors.py"


def test_each_action_and_expectation_is_explained() -> None:
    """Everything that a workflow file can ask for stands in the reference."""
    page = (generate.FOLDER / "workflow.md").read_text()
    assert [action for action in workflow.ACTIONS if f"| `action` | `{action}` |" not in page] == []
    rows = {row.split("`")[1] for row in page.splitlines() if re.match(r"\| `.*\. \|$", row)}
    assert [kind for kind in workflow.EXPECTATION_KINDS if kind not in rows] == []


def test_each_field_of_the_workflow_file_is_explained() -> None:
    """Every field has a meaning: in its docstring, or because it is the only one, or can have only one value."""
    unexplained = [
        f"{shape.__name__}.{name}"
        for shape in generate.workflow_shapes()
        for name, about in shape.model_json_schema()["properties"].items()
        if len(shape.model_fields) > 1 and "const" not in about and not generate.meaning(shape, name)
    ]
    assert unexplained == [], "say under 'Attributes:' in the docstring what they mean"


# ----------------------------------------------------------------------------------------------------------- pages


def anchors(page: Path) -> set[str]:
    """The names by which the headings of a page can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path, text: str) -> Iterator[str]:
    """The relative links in a page's text that lead nowhere."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", prose):
        address, _, anchor = "".join(link).partition("#")
        if "://" in address or address.startswith("mailto:"):
            continue
        place = (page.parent / address).resolve() if address else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            yield "".join(link)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_link_leads_somewhere(page: Path) -> None:
    """Every relative link of every page leads to a file that exists, and to a heading that is in it."""
    assert list(dead_links(page, page.read_text())) == []


@pytest.mark.parametrize("link", ["[x](nowhere.md)", "[x](README.md#no-such-heading)", '<img src="docs/none.png">'])
def test_a_dead_link_is_seen(link: str) -> None:
    """The check of links can fail."""
    assert list(dead_links(ROOT / "README.md", f"Words {link} words")) != []


def test_each_page_can_be_reached() -> None:
    """From the README one comes to every page by following links."""
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        for link in re.findall(r"\]\(([^)\s#]+\.md)", page.read_text()):
            place = (page.parent / link).resolve()
            if place in PAGES and place not in reached:
                ahead.append(place)
    assert sorted(set(PAGES) - reached) == []


def test_the_readme_is_short() -> None:
    """The README can be read in one go."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= LONGEST_README


def test_the_readme_opens_as_agreed() -> None:
    """The README begins with a sentence, a picture and the two commands."""
    opening = "\n".join((ROOT / "README.md").read_text().splitlines()[:20])
    assert re.search(r"^# Steadyhand\n\n\w.*\.\n\n!\[.+\]\(docs/images/.+\)", opening)
    assert "./run.sh demo" in opening
    assert "./run.sh test" in opening


def test_each_decision_is_a_sentence() -> None:
    """A record of a decision has a number of its own, and its file's name and its title say the same sentence."""
    decisions = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert decisions
    for number, decision in enumerate(decisions, start=1):
        title = decision.read_text().splitlines()[0]
        words = re.sub(r"[^\w ]", "", title.removeprefix("# ")).lower().split()
        assert decision.stem == "-".join([f"{number:04}", *words]), f"{decision.name}: {title}"


def test_the_change_log_knows_this_version() -> None:
    """The version in pyproject.toml has its entry in the change log."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert re.search(rf"^## \[{re.escape(version[1])}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert inspect.cleandoc((ROOT / "CHANGELOG.md").read_text()).startswith("# Changelog")
