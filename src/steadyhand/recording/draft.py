"""Deeds and looks to a workflow file with its images.

A *take* is one deed with the look of the screen before it and what was seen afterwards. A *draft* collects takes in
their order while somebody demonstrates, which costs next to nothing; reading the screens takes a second each and is
left to the end, when the workflow is written.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import chain, count, zip_longest
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np
from pydantic import TypeAdapter, ValidationError

from steadyhand.errors import ConfigError, WorkflowError
from steadyhand.files import write_whole
from steadyhand.model.parameters import names_in
from steadyhand.model.workflow import (
    BrowserScreen,
    ClickStep,
    DragStep,
    FieldShows,
    KeysStep,
    Name,
    Parameter,
    RegionChanged,
    ScrollStep,
    Secret,
    TextAppears,
    TypeStep,
    Workflow,
)
from steadyhand.model.workflow_file import save_landmarks, save_workflow
from steadyhand.perception.scene import Scene
from steadyhand.perception.wording import fold, similarity
from steadyhand.recording.aiming import aim
from steadyhand.recording.deeds import Clicked, Dragged, Pressed, Scrolled, Wrote
from steadyhand.recording.proposing import changed_box, changes, propose, propose_url, slices
from steadyhand.resolution.target import landmarks_on

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from steadyhand.model.geometry import Box
    from steadyhand.model.workflow import Expectation, Screen, Step
    from steadyhand.recording.deeds import Deed, Way
    from steadyhand.recording.looks import Look
    from steadyhand.resolution.target import Target

_LARGE_SHARE = 0.05
"""Without a target to move with, only a region of this share of the screen is likely to change wherever things are."""

_LONG_WAIT_S, _PATIENCE = 10.0, 3.0
"""A step whose effect was waited for longer than this may take so many times as long when it is replayed."""

_SAME_TEXT = 0.95
"""Similarity from which a field shows a text: the letters that readers confuse may differ, and no others."""

_MOST_SLUG_CHARACTERS = 32


@dataclass
class Take:
    """One deed, and what the screen looked like around it.

    Attributes:
        deed: What was done.
        before: What it was done on.
        latest: The screen at the last moment before it, with the pointer where it was.
        early: The first settled screen afterwards that was another one.
        after: The screen just before the next deed: whatever the person waited for is on it.
        waited_s: How long it took until that screen came into sight.
    """

    deed: Deed
    before: Look
    latest: Look
    early: Look | None = None
    after: Look | None = None
    waited_s: float = 0.0


class Draft:
    """A workflow that is being demonstrated.

    Args:
        output: The workflow file to write; its images go to `images/<its name>/` beside it.
        screen: Where it runs.
        parameters: Values that become parameters wherever they are typed, by the parameter's name.
        progress: Told in words what goes on.

    Attributes:
        takes: What was done so far.

    Raises:
        ConfigError: The file is there already, its folder takes no files, or a parameter has an impossible name or no
            value.
    """

    def __init__(
        self, output: Path, screen: Screen, parameters: Mapping[str, str], progress: Callable[[str], None]
    ) -> None:
        if output.exists():
            raise ConfigError(f"{output} is there already.", "Record into another file, or remove that one first.")
        _check_folder(output.parent)
        _check_parameters(parameters)
        self.takes: list[Take] = []
        self._output = output
        self._screen = screen
        self._parameters = parameters
        self._progress = progress

    def write(self) -> Workflow:
        """Read the screens, propose postconditions, write the images and then the file.

        Raises:
            ConfigError: Nothing was done.
            WorkflowError: The folder does not take the file.
        """
        if not self.takes:
            raise ConfigError(
                "Nothing was recorded, so nothing is written.", "Click or type in the window before you close it."
            )
        folder = f"images/{self._output.stem}"
        composing = _Composing(self._screen, self._parameters, folder)
        steps = []
        for number, (take, following) in enumerate(zip_longest(self.takes, self.takes[1:]), 1):
            assert take is not None, "the following ones are fewer"
            self._progress(f"Reading screen {number} of {len(self.takes)}")
            steps.append(composing.step(take, following))
        for name in self._parameters.keys() - composing.params.keys():
            self._progress(f"The value of the parameter {name} was never typed")
        workflow = Workflow(
            steadyhand=1,
            name=self._output.stem,
            screen=self._screen,
            params=composing.params,
            secrets=composing.secrets,
            steps=tuple(steps),
        )
        for look, name in composing.images.values():
            path = self._output.parent / name
            try:
                write_whole(path, look.png)
            except OSError as error:
                raise WorkflowError(f"{path} cannot be written: {error.strerror}.") from None
            save_landmarks(landmarks_on(look.image), path)
        save_workflow(workflow, self._output)
        return workflow


class _Composing:
    """Takes to steps, one after the other.

    Attributes:
        params: The parameters that were used.
        secrets: The secrets that were typed.
        images: The looks that the steps need, each with the path of its image relative to the workflow file, by their
            content: what happens on the same screen shares its image.
    """

    def __init__(self, screen: Screen, values: Mapping[str, str], folder: str) -> None:
        self.params: dict[str, Parameter] = {}
        self.secrets: dict[str, Secret] = {}
        self.images: dict[bytes, tuple[Look, str]] = {}
        self._start = screen.url if isinstance(screen, BrowserScreen) else ""
        self._values = values
        self._folder = folder
        self._ids: set[str] = set()
        self._typed: list[str] = []
        self._former: Box | None = None

    def step(self, take: Take, following: Take | None) -> Step:
        """The step that a take amounts to.

        Args:
            take: The take.
            following: The next one; what was written may be seen better on its screens, if it came fast.
        """
        if isinstance(take.deed, Wrote) and following is not None:
            take = replace(take, after=take.after or following.early or following.after)
        step = self._made(take)
        target = getattr(step, "target", None)
        self._former = target.box if target is not None else None
        return step

    def _made(self, take: Take) -> Step:
        match take.deed:
            case Clicked() as deed:
                return self._click(take, deed)
            case Wrote() as deed:
                return self._type(take, deed)
            case Pressed(keys=keys):
                more = self._effect(take, None)
                return KeysStep(id=self._id(f"press-{keys}"), action="keys", note=f"Press {keys}", keys=keys, **more)
            case Scrolled() as deed:
                ways = {"down": deed.dy, "up": -deed.dy, "right": deed.dx, "left": -deed.dx}
                way = max(ways, key=lambda name: ways[name])
                return ScrollStep(
                    id=self._id(f"scroll-{way}"),
                    action="scroll",
                    note=f"Scroll {way}",
                    at=deed.point,
                    dx=round(deed.dx),
                    dy=round(deed.dy),
                    expect=_moved(take),
                )
            case Dragged() as deed:
                target, name = aim(take.before.image, deed.point, deed.element)
                end, end_name = aim(take.before.image, deed.end, deed.end_element)
                step_id = self._id(f"drag-{name}")
                image = self._image(step_id, take.before)
                note = f"Drag {_quoted(name)} to {_quoted(end_name)}"
                more = self._effect(take, target.box)
                return DragStep(
                    id=step_id, action="drag", note=note, target=target.record(image), to=end.record(image), **more
                )
            case _:
                assert_never(take.deed)

    def _click(self, take: Take, deed: Clicked) -> ClickStep:
        target, name = aim(take.before.image, deed.point, deed.element)
        verb = "Right-click" if deed.button == "right" else "Double-click" if deed.count > 1 else "Click"
        step_id = self._id(f"{verb}-{name}")
        return ClickStep(
            id=step_id,
            action="click",
            note=f"{verb} {_quoted(name)}",
            target=target.record(self._image(step_id, take.before)),
            button=deed.button,
            count=deed.count,
            **self._effect(take, target.box),
        )

    # -------------------------------------------------------------------------------------------------- typing

    def _type(self, take: Take, deed: Wrote) -> TypeStep:
        target, name = None, ""
        if deed.point is not None:
            target, name = aim(take.before.image, deed.point, deed.element, is_empty=not deed.clear)
        after = take.after or take.early
        step_id = self._id(f"type-{name}")
        way = _seen_way(deed.ways, target, after) if deed.ways else None
        text = self._written(way.typed) if way else None
        step = TypeStep(
            id=step_id,
            action="type",
            note=f"Type into {_quoted(name)}" if target else "Type",
            target=target.record(self._image(step_id, take.before)) if target else None,
            text=text,
            secret=None if way else self._secret(name),
            clear=deed.clear,
        )
        if way is not None:
            self._typed += [way.typed.strip("\n"), way.shown]
        if target is None or after is None:
            return step
        # What a field makes of a parameter's value, nobody knows for another value.
        shown = text.strip("\n") if way and text and way.shown == way.typed.strip("\n") else ""
        if way and text == way.typed:
            shown = way.shown
        expected: Expectation | None = None
        if way and shown and not way.typed.endswith("\n") and _shows(target.box, after, way.shown):
            expected = FieldShows(field_shows=shown)
        elif way and shown and _appears(target.box, take.before, after, way.shown):
            expected = TextAppears(
                text_appears=shown
            )  # a list has a sign in its field, which readers take for a letter
        elif changes(take.before.image, after.image)[slices(target.box)].any():
            expected = RegionChanged(region_changed=target.box)
        return step.model_copy(update={"expect": (expected,) if expected else ()})

    def _written(self, text: str) -> str:
        """A typed text as the file has it: a parameter where it is the value of one."""
        typed = text.strip("\n")
        name = next((name for name, value in self._values.items() if value == typed), None)
        if name is None and names_in(text):
            # It would be taken for a parameter that it is not; as the value of one it is safe.
            name = _unused("text", self._values.keys() | self.params.keys(), "_")
        if name is None:
            return text
        self.params[name] = Parameter(default=typed)
        return text.replace(typed, f"{{{{{name}}}}}")

    def _secret(self, field: str) -> str:
        """The name of the secret that a field takes; fields of the same name take the same one."""
        name = _slug(field, "_") or "password"
        name = f"secret_{name}" if name[0].isdigit() or name in self._values else name
        note = f"Typed into {_quoted(field)}" if field else ""
        self.secrets[name] = Secret(env=f"STEADYHAND_{name.upper()}", note=note)
        return name

    # ------------------------------------------------------------------------------------------------- effects

    def _effect(self, take: Take, element: Box | None) -> dict[str, Any]:
        """What is expected after a deed, and how long it may take."""
        for look in (take.after, take.early):
            if look is None or look is take.latest:
                continue
            expected = propose_url(take.before.url, look.url, self._start, self._typed)
            image = look.image
            seen = propose(take.latest.image, image, element, self._former, self._typed, is_other_page=bool(expected))
            is_small = element is None and any(
                isinstance(each, RegionChanged)
                and each.region_changed.area < _LARGE_SHARE * image.shape[0] * image.shape[1]
                for each in seen
            )
            if not is_small:
                expected += seen
            if expected:
                patience = {"timeout_s": float(math.ceil(_PATIENCE * take.waited_s))}
                return {"expect": tuple(expected), **(patience if take.waited_s > _LONG_WAIT_S else {})}
        return {}

    def _image(self, step_id: str, look: Look) -> str:
        """The path of the image of a look, which is named after the first step that needs it."""
        return self.images.setdefault(look.png, (look, f"{self._folder}/{step_id}.png"))[1]

    def _id(self, words: str) -> str:
        step_id = _unused(_slug(words, "-"), self._ids, "-")
        self._ids.add(step_id)
        return step_id


# ------------------------------------------------------------------------------------------------------- targets


def _seen_way(ways: tuple[Way, ...], target: Target | None, after: Look | None) -> Way:
    """The way of writing that is the most like what the field shows afterwards; the first one if nothing is known."""
    if target is None or after is None:
        return ways[0]
    read = _read(target.box, after)
    return max(ways, key=lambda way: SequenceMatcher(None, fold(way.shown), read, autojunk=False).ratio())


def _read(box: Box, look: Look) -> str:
    """What a field can be read to show, folded."""
    field = Scene.of(np.ascontiguousarray(look.image[slices(box)]))
    return fold(field.text_in(field.bounds))


def _shows(box: Box, look: Look, text: str) -> bool:
    """Whether a field can be read to show a text; a caret behind it adds a sign, or spoils the last one."""
    wanted, read = fold(text), _read(box, look)
    pairs = ((wanted, read), (wanted, read[:-1]), (wanted[:-1], read[:-1]))
    return any(similarity(*pair) >= _SAME_TEXT for pair in pairs)


def _appears(box: Box, before: Look, after: Look, text: str) -> bool:
    """Whether a text can be read in a field, and could be read nowhere before."""
    return bool(Scene.of(after.image).find_text(text, box)) and not Scene.of(before.image).find_text(text)


def _moved(take: Take) -> tuple[Expectation, ...]:
    """That the screen looks different after a scroll, if a good part of it does."""
    after = take.after or take.early
    if after is None:
        return ()
    image = after.image
    region = changed_box(changes(take.latest.image, image))
    is_large = region is not None and region.area >= _LARGE_SHARE * image.shape[0] * image.shape[1]
    return (RegionChanged(region_changed=region),) if region is not None and is_large else ()


# --------------------------------------------------------------------------------------------------------- words


def _quoted(name: str) -> str:
    """A thing in a note."""
    return f'"{name}"' if name else "what is in the image"


def _slug(words: str, hyphen: str) -> str:
    """Words as a name: lower case, without accents and signs, not too long."""
    return hyphen.join(re.findall(r"[a-z0-9]+", fold(words)))[:_MOST_SLUG_CHARACTERS].strip(hyphen)


def _unused(name: str, used: Collection[str], hyphen: str) -> str:
    """The name, numbered if it is used already."""
    numbered = (f"{name}{hyphen}{number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each not in used)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that will not take the file, before anybody has worked for it."""
    nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise ConfigError(f"The folder {folder} takes no files.", "Name a file in a folder that you may write to.")


def _check_parameters(parameters: Mapping[str, str]) -> None:
    """Refuse names that a workflow could not use, and values that nobody could type."""
    for name, value in parameters.items():
        try:
            TypeAdapter(Name).validate_python(name)
        except ValidationError:
            raise ConfigError(
                f"{name!r} cannot be the name of a parameter.", "A name has letters, digits and `_`; no digit first."
            ) from None
        if not value:
            raise ConfigError(f"The parameter {name} has no value to recognise it by.", f"Give `{name}=VALUE`.")
