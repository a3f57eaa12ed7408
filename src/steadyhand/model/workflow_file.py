"""Workflow files: read with every mistake told at once, written so that a person can read them.

Beside each image lies what is written on it, its *landmarks*: they would swell the workflow file, which is for people.

A *problem* is told as a person would look for it: the line, the *field* (``steps[2] (save).target.box``; steps are
counted from 0 and named by their id), what stands there, and what is allowed.
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from steadyhand.errors import WorkflowError
from steadyhand.files import write_whole
from steadyhand.model.geometry import Box, Point
from steadyhand.model.workflow import (
    ACROSS_FIELDS,
    EXPECTATION_KINDS,
    SCHEMA_VERSION,
    Landmark,
    LandmarkFile,
    Workflow,
)
from steadyhand.model.workflow_checks import check
from steadyhand.model.yaml_document import Problem, in_one_line, read_document, write_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from steadyhand.model.yaml_document import Place

LARGEST_BYTES = 5_000_000
"""A workflow of a hundred steps has a tenth of this; more would take the reader minutes."""

_HEADER = """\
# A Steadyhand workflow: what to do, on what, and how to tell that it worked.
# It is yours to edit; `steadyhand check` tells what is wrong with it. Boxes are [x, y, width, height] in pixels.

"""
_LANDMARK_HEADER = """\
# What is written on {image}, and where: this screen is told from others by it, and a row from the next.
# If you change the image, remove this file; it is then read anew.

"""
_FIRST, _LAST = ("id", "action", "note", "irreversible"), ("timeout_s", "expect")
_TAGS = ("action", "kind")
"""The keys that say which kind of step or screen follows."""

_VALUE_LENGTH = 60


def load_workflow(path: Path) -> Workflow:
    """Read a workflow file and check it with all that it names.

    Raises:
        WorkflowError: The file cannot be used. `problems` lists everything that is wrong with it and its images.
    """
    document = read_document(_text_of(path, "workflow"))
    if document.value is None and not document.problems:
        raise WorkflowError(f"{path} is empty.", hint="`steadyhand record` makes a workflow.")
    if not document.problems and not isinstance(document.value, dict):
        raise WorkflowError(f"{path} is no workflow: it holds no `name: value` pairs.")
    value: dict[str, Any] = document.value if isinstance(document.value, dict) else {}
    _refuse_newer(path, value.get("steadyhand"))

    problems = list(document.problems)
    workflow = None
    if value:
        try:
            workflow = Workflow.model_validate(value)
        except ValidationError as error:
            for details in error.errors():
                if _is_told_elsewhere(details):
                    continue
                place, text = _in_words(value, details, Workflow)
                problems.append(Problem(document.line_of(place), text))
        problems += [
            Problem(document.line_of(fault.place), f"{_field(value, fault.place)}: {fault.text}")
            for fault in check(value, path.parent)
        ]
    told = _told(problems)
    for image in dict.fromkeys(target.screen for target in workflow.targets) if workflow and not told else ():
        try:
            load_landmarks(path.parent / image)
        except WorkflowError as error:
            told += [f"{landmark_path(Path(image))}: {problem}" for problem in error.problems or (error.message,)]
    if workflow is None or told:
        count = "something" if len(told) == 1 else f"{len(told)} things"
        raise WorkflowError(f"{path} cannot be run; {count} must be mended:", told)
    return workflow


def _is_told_elsewhere(details: ErrorDetails) -> bool:
    """Whether a mistake has a sentence of its own already.

    Of a list that has entries pydantic does not count the bad ones; how fields go together `check` looks at, whatever
    else is wrong with them.
    """
    return details["type"] == ACROSS_FIELDS or (details["type"] == "too_short" and bool(details["input"]))


def landmark_path(image: Path) -> Path:
    """Where the landmarks of an image lie, whether there are any or not."""
    return image.with_suffix(".landmarks.yaml")


def load_landmarks(image: Path) -> tuple[Landmark, ...] | None:
    """What is written on a recorded screen, as the file beside its image says; None if there is no such file.

    Raises:
        WorkflowError: The file cannot be used. `problems` lists everything that is wrong with it.
    """
    path = landmark_path(image)
    if not path.exists():
        return None
    document = read_document(_text_of(path, "landmark file"))
    problems = document.problems
    if not problems:
        try:
            return LandmarkFile.model_validate(document.value).landmarks
        except ValidationError as error:
            for details in error.errors():
                place, text = _in_words({}, details, LandmarkFile)
                problems.append(Problem(document.line_of(place), text if place else "it holds no `landmarks`"))
    raise WorkflowError(f"{path} cannot be used:", _told(problems), hint="Remove it; the image is then read anew.")


def save_landmarks(landmarks: tuple[Landmark, ...], image: Path) -> None:
    """Write down what is written on a recorded screen, beside its image.

    Raises:
        WorkflowError: The folder does not take it.
    """
    text = _LANDMARK_HEADER.format(image=image.name) + write_document(_plain(LandmarkFile(landmarks=landmarks)))
    try:
        write_whole(landmark_path(image), text)
    except OSError as error:
        raise WorkflowError(f"{landmark_path(image)} cannot be written: {error.strerror}.") from None


def _told(problems: Iterable[Problem]) -> list[str]:
    """Problems in the order of their lines, each once."""
    return [str(problem) for problem in sorted(dict.fromkeys(problems), key=lambda problem: problem.line)]


def save_workflow(workflow: Workflow, path: Path) -> None:
    """Write a workflow file as a whole, in a fixed order and without what goes without saying.

    Its images are not written; they must be there before anybody loads the file.

    Raises:
        WorkflowError: The folder does not take it.
    """
    text = write_document(_plain(workflow)).replace("\n  - id: ", "\n\n  - id: ")
    text = text.replace("\nsteps:\n\n", "\n\nsteps:\n")
    try:
        write_whole(path, _HEADER + text)
    except OSError as error:
        raise WorkflowError(f"{path} cannot be written: {error.strerror}.") from None


def _text_of(path: Path, what: str) -> str:
    """The file's text, if it can be one of ours at all."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise WorkflowError(f"{path} is no {what}: it has more than {LARGEST_BYTES // 1_000_000} megabytes.")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise WorkflowError(f"There is no file {path}.", hint="`steadyhand record` makes a workflow.") from None
    except IsADirectoryError:
        raise WorkflowError(f"{path} is a folder.", hint=f"A {what} is needed.") from None
    except OSError as error:
        raise WorkflowError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise WorkflowError(f"{path} is no {what}: it is not a text file in UTF-8.") from None


def _refuse_newer(path: Path, version: object) -> None:
    """One sentence about a file of a later release, instead of one for each thing in it that is not known yet."""
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise WorkflowError(
            f"{path} is written in version {version} of the workflow format; this Steadyhand reads version "
            f"{SCHEMA_VERSION}.",
            hint="Update Steadyhand.",
        )


# ------------------------------------------------------------------------------------------------------- writing


def _plain(value: object) -> Any:  # noqa: ANN401  the writer's own types are not typed
    """A value of the model as plain ones, in the order in which a person reads them."""
    if isinstance(value, Point | Box):
        return in_one_line(list(value))
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        plain = {
            name: _plain(getattr(value, name))
            for name in _in_order(fields)
            if name in _TAGS or getattr(value, name) != fields[name].get_default(call_default_factory=True)
        }
        return in_one_line(plain) if isinstance(value, Landmark) else plain
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _in_order(fields: Iterable[str]) -> list[str]:
    """Names of fields in the order in which a file has them."""
    rank = {**{name: index - len(_FIRST) for index, name in enumerate(_FIRST)}, **dict.fromkeys(_LAST, 1)}
    return sorted(fields, key=lambda name: rank.get(name, 0))


# ---------------------------------------------------------------------------------------------- mistakes in words

_RULES = {
    "string_type": "it must be text",
    "string_too_short": "it must not be empty",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number",
    "finite_number": "it must be a number",
    "tuple_type": "it must be a list",
    "dict_type": "it must be a mapping (`name: value`)",
    "model_type": "it must be a mapping (`name: value`)",
    "model_attributes_type": "it must be a mapping (`name: value`)",
    "too_short": "it needs at least one entry",
    "greater_than": "it must be more than {gt:g}",
    "greater_than_equal": "it must be at least {ge:g}",
    "less_than_equal": "it must be at most {le:g}",
    "literal_error": "it must be {expected}",
}
"""What is allowed, by pydantic's name of the mistake; those of our own types bring their sentence with them."""


def _in_words(value: Mapping[str, Any], details: ErrorDetails, root: type[BaseModel]) -> tuple[Place, str]:
    """Where a mistake is in a file of the shape `root`, and a sentence about it."""
    place, holder = _followed(details["loc"], root)
    kind, context, found = details["type"], details.get("ctx", {}), details["input"]
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        place = (*place, context["discriminator"].strip("'"))
    field = _field(value, place)
    if kind in ("missing", "union_tag_not_found"):
        return place, f"{field} is missing"
    if kind == "extra_forbidden":
        return place, f"{field}: there is no such key; {_meant(str(place[-1]), _in_order(holder.model_fields))}"
    if kind == "union_tag_invalid":
        allowed = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        return place, f"{field} is {_shown(context['tag'])}; {_meant(context['tag'], allowed)}"
    if kind == "expectation_kind" and isinstance(found, dict) and len(found) == 1:
        word = next(iter(found))
        return place, f"{field}.{word}: there is no such expectation; {_meant(word, EXPECTATION_KINDS)}"
    rule = _RULES[kind].format(**context) if kind in _RULES else details["msg"]
    if details["loc"][-1:] == (_KEY,):
        return place, f"{field}: the name {rule.removeprefix('it ')}"
    if kind == "string_type" and isinstance(found, int | float):
        rule += f', in quotes: "{_shown(found)}"'
    return place, f"{field} is {_shown(found)}; {rule}"


_KEY = "[key]"
"""What pydantic adds to a place to say that it means the key there, not the value."""


def _followed(loc: tuple[str | int, ...], root: type[BaseModel]) -> tuple[Place, Any]:
    """The place in the file that pydantic means, and the shape that holds it.

    Pydantic names the kind of a step, a screen or an expectation as if it were a key; the file has no such key.
    """
    place: list[str | int] = []
    holder: Any = root
    shape: Any = root
    for part in loc:
        while get_origin(shape) is Annotated:
            shape = get_args(shape)[0]
        kinds = [kind for kind in get_args(shape) if kind is not NoneType] if _is_union(shape) else [shape]
        if len(kinds) > 1:
            shape = next(kind for kind in kinds if _tag(kind) == part)
        elif part != _KEY:
            place.append(part)
            holder = kinds[0]
            shape = _below(holder, part)
    return tuple(place), holder


def _is_union(shape: object) -> bool:
    return get_origin(shape) in (Union, UnionType)


def _tag(kind: Any) -> str:  # noqa: ANN401  annotations have no class in common
    """By what pydantic tells a kind of step, screen or expectation from the others."""
    if get_origin(kind) is Annotated:
        return next(note.tag for note in get_args(kind) if isinstance(note, Tag))
    field = next(kind.model_fields[name] for name in _TAGS if name in kind.model_fields)
    return str(get_args(field.annotation)[0])


def _below(shape: Any, part: str | int) -> Any:  # noqa: ANN401  annotations have no class in common
    """The shape of a part of a shape; None for a key that it does not have."""
    if get_origin(shape) in (tuple, dict):
        return get_args(shape)[0 if get_origin(shape) is tuple else 1]
    field = shape.model_fields.get(part)
    return field.annotation if field else None


def _field(value: Mapping[str, Any], place: Place) -> str:
    """A place as a person writes it, with the ids of steps."""
    text = ""
    for index, part in enumerate(place):
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        if index == 1 and place[0] == "steps" and isinstance(part, int):
            step = value["steps"][part] if part < len(value["steps"]) else None
            name = step.get("id") if isinstance(step, dict) else None
            text += f" ({name})" if isinstance(name, str) and name else ""
    return text


def _meant(word: str, allowed: Sequence[str]) -> str:
    """Which of the allowed words was perhaps meant, and all of them."""
    near = difflib.get_close_matches(word, allowed, n=1)
    return (f"did you mean {near[0]}? " if near else "") + f"Allowed: {', '.join(allowed)}"


def _shown(found: object) -> str:
    """A value as a file has it, shortened."""
    text = json.dumps(found, ensure_ascii=False, default=str)
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 1]}…"
