"""The documentation says what the code does: nothing is missing from it, nothing in it has gone stale."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from docs import generate

from steadyhand import cli
from steadyhand.healing.execution_state import Event, ExecutionState
from steadyhand.model import workflow
from steadyhand.policy import Policy

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


def test_each_policy_key_is_explained() -> None:
    """Every threshold stands in the reference with its range, its value in each mode, its meaning and a reason."""
    rows = re.findall(r"^\| `(\w+)` \|(.+)\|$", (generate.FOLDER / "policy.md").read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == list(Policy.model_fields)
    assert [name for name, cells in rows if not all(cell.strip() for cell in cells.split("|"))] == []


def test_each_state_and_event_is_explained() -> None:
    """Every state and every event stands in the reference with its meaning."""
    page = (generate.FOLDER / "states.md").read_text()
    explained = set(re.findall(r"^\| `(\w+)` \|.*\w+\. \|$", page, re.MULTILINE))
    assert explained == {*ExecutionState, *Event}


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


# -------------------------------------------------------------------------------------------------------- commands


def commands_shown(text: str) -> Iterator[list[str]]:
    """The words of every command of ours in the fenced blocks of a page, without the name of the program."""
    for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^(?:\$ )?(?:\./run\.sh|steadyhand) (.*)$", block, re.MULTILINE):
            yield shlex.split(line, comments=True)


def not_understood(words: list[str]) -> list[str]:
    """What of a command the program does not know: its name, or some of its options."""
    if words[0] in {"setup", "test"}:  # what run.sh does by itself
        return []
    command: object = typer.main.get_command(cli.app)
    while words and words[0] != "[OPTIONS]" and hasattr(command, "commands"):
        name, *words = words
        if name not in command.commands:
            return [name]
        command = command.commands[name]
    known = {option for parameter in getattr(command, "params", ()) for option in parameter.opts} | {"--help"}
    return [word for word in words if re.match(r"--?[a-z]", word) and word not in known]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_command_shown_can_be_typed(page: Path) -> None:
    """Every command that a page shows exists, with all the options that it is shown with."""
    assert [words for words in commands_shown(page.read_text()) if not_understood(list(words))] == []


@pytest.mark.parametrize(
    "line", ["steadyhand fly", "./run.sh run flow.yaml --no-such-option", "$ steadyhand bench nothing"]
)
def test_a_command_that_is_not_there_is_seen(line: str) -> None:
    """The check of commands can fail."""
    (words,) = commands_shown(f"```console\n{line}  # words\n```\n")
    assert not_understood(words) != []


def test_the_tutorial_shows_what_matters() -> None:
    """The tutorial goes through recording, checking, a dry run, data, going on, and every exit code."""
    shown = list(commands_shown((ROOT / "docs/tutorial.md").read_text()))
    assert {"record", "check", "run"} <= {words[0] for words in shown}
    assert {"--param", "--dry-run", "--data", "--junit", "--resume", "--report", "--url"} <= set().union(*shown)
    table = re.findall(r"^\| (\d+) \|", (ROOT / "docs/tutorial.md").read_text(), re.MULTILINE)
    codes = (cli.DONE, cli.FAILED, cli.BAD_INPUT, cli.REFUSED, cli.FAULT, cli.INTERRUPTED)
    assert [int(code) for code in table] == list(codes)


# ------------------------------------------------------------------------------------------------------------ house


def test_the_house_is_drawn_as_it_is_built() -> None:
    """The drawing of who may import whom shows the layers that import-linter checks, and every room is described."""
    page = (ROOT / "docs/architecture.md").read_text()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [re.findall(r"\w+", layer) for contract in contracts for layer in contract.get("layers", ())]
    drawing = page.partition("## Who may import whom")[2].split("```")[1].removeprefix("text")
    drawn = [re.findall(r"\w+", line) for line in drawing.splitlines() if re.search(r"\w", line)]
    assert drawn == [layer for layer in layers if layer != ["__main__"]]
    rooms = {path.stem for path in (ROOT / "src/steadyhand").iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms -= {"__init__", "__main__", "__pycache__"}
    described = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))))
    assert described == rooms


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
    """The change log tells what is there: in an entry for the version in pyproject.toml, or what will become of it."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    _, newest, *_ = re.split(r"^## ", text, flags=re.MULTILINE)
    assert newest.startswith((f"[{version[1]}]", "[Unreleased]"))
    assert version[1] in newest
    assert re.search(r"^- \w|^- `", newest, re.MULTILINE), "it says nothing"
