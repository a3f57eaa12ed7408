"""Writes the reference pages, which say only what the code says.

Run it after a change of a command, an error, a threshold, a state or the workflow file: ``python docs/generate.py``.
The tests compare the committed pages with what it would write.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import BaseModel
from typer.cli import get_docs_for_click

from steadyhand import cli, errors, policy, policy_file
from steadyhand.files import write_whole
from steadyhand.healing import execution_state
from steadyhand.healing.execution_state import BEFORE, TRANSITIONS, Event, ExecutionState
from steadyhand.model import workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FOLDER = Path(__file__).parent / "reference"
"""Where the pages are."""

NOTICE = "<!-- Written by docs/generate.py from the code; change the code instead. -->\n\n"
"""How each page begins."""


def commands() -> str:
    """The page on the command line, as typer describes it."""
    command = typer.main.get_command(cli.app)
    context = typer.Context(command, info_name="steadyhand")
    return NOTICE + get_docs_for_click(obj=command, ctx=context, name="steadyhand", title="The command line") + "\n"


# ---------------------------------------------------------------------------------------------------------- errors


def errors_page() -> str:
    """The page on the errors: the tree as the module draws it, then each error in full."""
    before, tree, after = re.split(r"::\n\n((?:    .*\n)+)", inspect.cleandoc(errors.__doc__ or ""))
    drawing = f"```text\n{textwrap.dedent(tree)}```\n"
    table = _table(("error", "is a", "exit code", "meaning"), map(_error_row, error_classes()))
    return f"{NOTICE}# Errors\n\n{before}{drawing}{after}\n\n{table}\n"


def error_classes(
    root: type[errors.SteadyhandError] = errors.SteadyhandError,
) -> Iterator[type[errors.SteadyhandError]]:
    """Every error of the tree, each after the one that it is a case of."""
    yield root
    for case in root.__subclasses__():
        yield from error_classes(case)


def _error_row(error: type[errors.SteadyhandError]) -> tuple[str, ...]:
    """What is to be known of an error."""
    parent = error.__base__
    assert parent is not None
    return f"`{error.__name__}`", f"`{parent.__name__}`", str(error.exit_code), _summary(error)


# --------------------------------------------------------------------------------------------------- workflow file


def workflow_page() -> str:
    """The page on the workflow file: each of its parts with its fields."""
    shapes = workflow_shapes()
    steps = [shape for shape in shapes if "action" in shape.model_fields]
    expectations = [shape for shape in shapes if _only_field(shape) in workflow.EXPECTATION_KINDS]
    parts = [shape for shape in shapes if shape not in (*steps, *expectations, workflow.Workflow)]
    shared = set.intersection(*(set(step.model_fields) for step in steps)) - {"action"}
    return "\n\n".join(
        (
            NOTICE + "# The workflow file",
            _prose(workflow.__doc__),
            "Fields without a default must be given; a field that is not listed is an error.",
            _section(workflow.Workflow, workflow.Workflow.model_fields),
            f"## Steps\n\nEvery step has an `action`, and:\n\n{_fields(steps[0], shared)}",
            *(_section(step, set(step.model_fields) - shared, level=3) for step in steps),
            "## Expectations\n\nEach expectation has exactly one of these keys.",
            _table(
                ("key", "value", "true when"),
                ((f"`{_only_field(kind)}`", _allowed(_properties(kind)[_only_field(kind)]), _summary(kind))
                 for kind in expectations),
            ),
            *(_section(part, part.model_fields) for part in parts),
        )
    ) + "\n"  # fmt: skip


def workflow_shapes() -> list[type[BaseModel]]:
    """Every part of a workflow file, in the order in which the module defines them."""
    return [
        shape
        for name, shape in vars(workflow).items()
        if inspect.isclass(shape)
        and issubclass(shape, BaseModel)
        and shape.__module__ == workflow.__name__
        and not name.startswith("_")
    ]


def meaning(shape: type, field: str) -> str:
    """What the docstring of a part, or of what it is a case of, says about a field; empty if nothing."""
    for owner in shape.__mro__:
        attributes = inspect.cleandoc(owner.__doc__ or "").partition("Attributes:\n")[2]
        found = re.search(rf"^    {field}: (.+(?:\n {{8}}.+)*)", attributes, re.MULTILINE)
        if found:
            return " ".join(found[1].split())
    return ""


def _section(shape: type[BaseModel], fields: Iterable[str], level: int = 2) -> str:
    """A heading, a sentence and a table for one part."""
    return f"{'#' * level} {shape.__name__}\n\n{_summary(shape)}\n\n{_fields(shape, fields)}"


def _fields(shape: type[BaseModel], fields: Iterable[str]) -> str:
    """The table of some fields of a part, in the order of the part."""
    wanted = set(fields)
    rows = (
        (
            f"`{name}`",
            _allowed(about),
            f"`{json.dumps(about['default'])}`" if "default" in about else "",
            meaning(shape, name),
        )
        for name, about in _properties(shape).items()
        if name in wanted
    )
    return _table(("field", "allowed", "default", "meaning"), rows)


def _properties(shape: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON schema of each field."""
    properties = shape.model_json_schema()["properties"]
    assert isinstance(properties, dict)
    return properties


def _only_field(shape: type[BaseModel]) -> str:
    """The name of the field, if there is just one; else empty."""
    return next(iter(shape.model_fields)) if len(shape.model_fields) == 1 else ""


def _allowed(about: Mapping[str, Any]) -> str:  # noqa: PLR0911  one case for each form that a schema takes
    """What a JSON schema lets through, in words."""
    if "const" in about:
        return f"`{about['const']}`"
    if "enum" in about:
        return " or ".join(f"`{value}`" for value in about["enum"])
    if "$ref" in about:
        return _link(about["$ref"].rpartition("/")[2])
    if "oneOf" in about or "anyOf" in about:
        cases = [case for case in about.get("oneOf", about.get("anyOf", ())) if case.get("type") != "null"]
        if len(cases) == len(workflow.EXPECTATION_KINDS):
            return "an [expectation](#expectations)"
        return " or ".join(_allowed(case) for case in cases)
    if about.get("type") == "array":
        return f"list; each {_allowed(about['items'])}"
    if about.get("type") == "object":
        return f"by name, each a {_allowed(about['additionalProperties'])}"
    return _scalar(about)


def _scalar(about: Mapping[str, Any]) -> str:
    """What a JSON schema of a single value lets through, in words."""
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    said = [f"{limits[key]} {about[key]}" for key in limits if key in about]
    return " ".join((words[about["type"]], *said)) + (", not empty" if about.get("minLength") else "")


def _link(name: str) -> str:
    """A part by its name, or a place on the screen as it is written."""
    places = {"Point": "`[x, y]`", "Box": "`[x, y, width, height]`"}
    return places.get(name) or f"[{name}](#{name.lower()})"


# ---------------------------------------------------------------------------------------------------------- policy


def policy_page() -> str:
    """The page on the policy file: each key with its unit, its range, its value in each mode, and the reason."""
    modes = ", ".join(f"`{mode}`" for mode in policy.MODES)
    told = (
        "`steadyhand policy check` lists every mistake in a file, `steadyhand policy show` what is in force, and "
        "`steadyhand policy diff` in what two files differ."
    )
    return "\n\n".join(
        (
            NOTICE + f"# The policy file, `{policy_file.FILE_NAME}`",
            _prose(policy.__doc__),
            _prose(policy_file.__doc__),
            told,
            f"`mode` is one of {modes}. Every other key, with its value in each of them:",
            _table(("key", "allowed", *policy.MODES, "meaning", "reason"), map(_key_row, policy.Policy.model_fields)),
            "Keys that belong together:",
            "\n".join(f"- {rule.in_words()}" for rule in policy.RULES),
        )
    ) + "\n"  # fmt: skip


def _key_row(name: str) -> tuple[str, ...]:
    """What is to be known of a key of the policy."""
    key = policy.Policy.key(name)
    said = meaning(policy.Policy, name) + (" Not for one workflow alone." if key.is_for_all else "")
    values = (f"`{json.dumps(policy.Policy.preset(mode)[name])}`" for mode in policy.MODES)
    return f"`{name}`", policy.allowed(name), *values, said, key.why


# ---------------------------------------------------------------------------------------------------------- states


def states_page() -> str:
    """The page on the states of a workflow: the table of transitions as a drawing, and what each word means."""
    ways: dict[tuple[str, str], list[str]] = {}
    for (state, event), after in TRANSITIONS.items():
        held = [before for before in ExecutionState if (before, Event.PAUSE) in TRANSITIONS]
        for end in held if after is BEFORE else [after]:
            ways.setdefault((state, end), []).append(event)
    lines = [f"    {start} --> {end}: {', '.join(events)}" for (start, end), events in ways.items()]
    drawing = "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> NORMAL", *lines, "```"])
    states = (
        (f"`{state}`", _yes(state.acts), _yes(state.learns), meaning(ExecutionState, state)) for state in ExecutionState
    )
    events = ((f"`{event}`", meaning(Event, event)) for event in Event)
    return "\n\n".join(
        (
            NOTICE + "# The states of a workflow",
            _prose(execution_state.__doc__),
            drawing,
            _table(("state", "acts", "learns", "meaning"), states),
            _table(("event", "meaning"), events),
        )
    ) + "\n"  # fmt: skip


def _yes(holds: bool) -> str:  # noqa: FBT001  it puts this very value into words
    return "yes" if holds else "no"


# ----------------------------------------------------------------------------------------------------------- words


def _summary(thing: type) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(inspect.cleandoc(thing.__doc__ or "").partition("\n\n")[0].split())


def _prose(docstring: str | None) -> str:
    """A module's docstring without the names of other modules, which are for those who read the code."""
    paragraphs = inspect.cleandoc(docstring or "").replace("``", "`").split("\n\n")
    return "\n\n".join(paragraph for paragraph in paragraphs if "`steadyhand." not in paragraph)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = (" | ".join(cell.replace("|", r"\|") for cell in line) for line in (head, ("---",) * len(head), *rows))
    return "\n".join(f"| {line} |" for line in lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": commands,
    "errors.md": errors_page,
    "policy.md": policy_page,
    "states.md": states_page,
    "workflow.md": workflow_page,
}
"""Each page by its file name, with what writes it."""


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        write_whole(FOLDER / name, page())
        print(f"wrote {FOLDER / name}")


if __name__ == "__main__":
    main()
