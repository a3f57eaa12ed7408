"""What must hold between the parts of a workflow file, beyond the shape of each.

These checks run on what the file says, whether its shapes are right or not, so that a person is told all that is wrong
at once; what is not of the expected shape is passed over here, because somebody else complains about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from steadyhand.model.geometry import Box
from steadyhand.model.parameters import names_in
from steadyhand.model.png import png_size
from steadyhand.model.workflow import NO_SOURCE, ONE_SOURCE, as_box, as_point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steadyhand.model.yaml_document import Place

_TARGETS = ("target", "to", "target_present", "target_absent")
_EDGE_PX = 1.0
"""How far a number may lie beyond an edge: browsers place things between pixels."""

_BOUND = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)(?!:)")
"""A value that a SQL query takes by name. Source: how `sqlalchemy.text` reads them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not fit.

    Attributes:
        place: Where in the file.
        text: What is wrong, to be read after the name of the place.
    """

    place: Place
    text: str


def check(value: object, folder: Path) -> list[Fault]:
    """Find everything that does not fit together in a workflow.

    Args:
        value: What the file says.
        folder: Where it lies; its images must lie there or below.
    """
    checks = _Checks(value if isinstance(value, dict) else {}, folder)
    checks.names()
    checks.ids()
    checks.sources()
    checks.targets()
    checks.expectations()
    return checks.faults


@dataclass
class _Checks:
    """One workflow, and what was found."""

    value: dict[str, object]
    folder: Path
    faults: list[Fault] = field(default_factory=list)
    sizes: dict[str, tuple[int, int] | str] = field(default_factory=dict)

    def names(self) -> None:
        """Every parameter and secret that is used is defined, and the other way round where it matters."""
        params, secrets = _mapping(self.value.get("params")), _mapping(self.value.get("secrets"))
        used: set[str] = set()
        for place, text in _texts({key: self.value.get(key) for key in ("screen", "steps")}):
            if place[-1] == "secret" and text not in secrets:
                self._fault(place, f"{text} is not defined; {_known('secrets', secrets)}")
            for name in self._used(place, text):
                used.add(name)
                if name in secrets:
                    self._fault(place, f"{name} is a secret; only `secret: {name}` of a type step may use it")
                elif name not in params:
                    self._fault(place, f"there is no parameter {name}; {_known('params', params)}")
        for name, parameter in params.items():
            if name not in used and _mapping(parameter).get("default") is None:
                self._fault(("params", name), "nothing uses it, and every run would have to give it; leave it out")
            if name in secrets:
                self._fault(("params", name), "a secret has the same name")

    def _used(self, place: Place, text: str) -> dict[str, None]:
        """The parameters that a text uses, in their order."""
        names = names_in(text)
        if place[-2:] != ("sql", "query"):
            return dict.fromkeys(names)
        for name in names:
            self._fault(place, f"a query takes values by name; write :{name}")
        return dict.fromkeys(_BOUND.findall(text))

    def ids(self) -> None:
        """Every step has a name of its own."""
        first: dict[str, int] = {}
        for index, step in self._steps():
            name = step.get("id")
            if isinstance(name, str) and first.setdefault(name, index) != index:
                self._fault(("steps", index, "id"), f"{name} is already the id of steps[{first[name]}]")

    def sources(self) -> None:
        """What is typed, and every secret, comes from somewhere, and what is typed from one place only."""
        for index, step in self._steps():
            if step.get("action") == "type" and (step.get("text") is None) == (step.get("secret") is None):
                self._fault(("steps", index), ONE_SOURCE)
        for name, secret in _mapping(self.value.get("secrets")).items():
            if isinstance(secret, dict) and secret.get("env") is None and secret.get("keyring") is None:
                self._fault(("secrets", name), NO_SOURCE)

    def targets(self) -> None:
        """Every target lies on its image, and the image is there."""
        for place, record in _mappings(self.value):
            if place and place[-1] in _TARGETS:
                self._target(place, record)

    def expectations(self) -> None:
        """Every expectation can be checked on this screen, after this step."""
        screen = _mapping(self.value.get("screen"))
        for index, step in self._steps():
            expected = step.get("expect")
            for number, expectation in enumerate(expected if isinstance(expected, list) else []):
                place = ("steps", index, "expect", number)
                for kind in _mapping(expectation):
                    if kind == "field_shows" and "target" not in step:
                        self._fault((*place, kind), "it needs a step that has a target, the field")
                    if kind == "url" and screen.get("kind") == "simulated":
                        self._fault((*place, kind), "a simulated screen has no address")

    def _target(self, place: Place, record: dict[str, object]) -> None:
        point, box = as_point(record.get("point")), as_box(record.get("box"))
        if point and box and not box.contains(point, _EDGE_PX):
            self._fault((*place, "point"), f"{record['point']} lies outside of the box {record['box']}")
        name = record.get("screen")
        if not isinstance(name, str) or not name:
            return
        if name not in self.sizes:
            self.sizes[name] = _size_of(self.folder, name)
        size = self.sizes[name]
        if isinstance(size, str):
            self._fault((*place, "screen"), f"{name} {size}")
            return
        image = Box(0, 0, *size)
        for key, fits in (
            ("point", not point or image.contains(point)),
            ("box", not box or image.encloses(box, _EDGE_PX)),
        ):
            if not fits:
                self._fault((*place, key), f"{record[key]} lies outside of its image, {size[0]}x{size[1]} pixels")

    def _steps(self) -> Iterator[tuple[int, dict[str, object]]]:
        steps = self.value.get("steps")
        for index, step in enumerate(steps if isinstance(steps, list) else []):
            if isinstance(step, dict):
                yield index, step

    def _fault(self, place: Place, text: str) -> None:
        self.faults.append(Fault(place, text))


def _size_of(folder: Path, name: str) -> tuple[int, int] | str:
    """Width and height of the image of this name, or why it has none."""
    try:
        path = (folder / name).resolve()
        if Path(name).is_absolute() or not path.is_relative_to(folder.resolve()):
            return "lies outside of the folder of this file; move it in and name it from there"
        return png_size(path.read_bytes())
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ValueError as error:
        return f"cannot be read: {error}"


def _mapping(value: object) -> dict[str, object]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _texts(value: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text in a value, except what was read off a recorded screen."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict | list) and not (place and place[-1] in _TARGETS):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, (*place, key))


def _mappings(value: object, place: Place = ()) -> Iterator[tuple[Place, dict[str, object]]]:
    """Every mapping in a value."""
    if isinstance(value, dict):
        yield place, value
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _mappings(item, (*place, key))


def _known(section: str, names: dict[str, object]) -> str:
    """What could have been meant."""
    return f"`{section}` has {', '.join(names)}" if names else f"the file has no `{section}`"
