"""A corpus of drift cases: pairs of screenshots of one application, with what became of a target between them.

A corpus is a folder with `cases.jsonl`, one case a line, and the PNGs that its cases name. A *positive* case has the
target on the replayed screen; in a *negative* one it is absent, covered, or cannot be told apart, and every click is
wrong.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from steadyhand.errors import ConfigError
from steadyhand.model.geometry import Box, Point
from steadyhand.resolution.target import Target

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_HIT_MARGIN_PX = 1.0
_KEPT_FRAMES = 8
_NAMED_PROBLEMS = 5
"""How many broken cases are named: enough to see what is wrong with all of them."""

_BoxField = Annotated[Box, BeforeValidator(lambda value: Box(*value) if isinstance(value, list) else value)]
_PointField = Annotated[Point, BeforeValidator(lambda value: Point(*value) if isinstance(value, list) else value)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RecordedPart(_Part):
    """What a recording knows: where the person clicked, and the element there."""

    bbox: _BoxField
    point: _PointField


class ReplayedPart(_Part):
    """The truth about the replayed screen.

    Attributes:
        present: The target is there and can be clicked.
        acceptable: Boxes in which a click has the recorded effect.
    """

    present: bool
    acceptable: tuple[_BoxField, ...]


class Case(_Part):
    """One case of a corpus.

    Attributes:
        id: Its name.
        app: The application.
        step: What the target is called there, whatever the release.
        split: `test` if it is kept apart to judge by.
        drift: What changed.
        negative: Why every click is wrong; None if one is right.
        record: What a recording knows.
        replay: The truth about the replayed screen.
        record_frame: The recorded screen, a path below the corpus.
        replay_frame: The replayed screen, a path below the corpus.
    """

    id: str
    app: str
    step: str = ""
    split: str = ""
    drift: tuple[str, ...]
    negative: str | None
    record: RecordedPart
    replay: ReplayedPart
    record_frame: str
    replay_frame: str

    def is_right(self, point: Point) -> bool:
        """Whether a click there has the recorded effect."""
        return any(box.contains(point, _HIT_MARGIN_PX) for box in self.replay.acceptable)


class Corpus:
    """The cases of a folder, in order.

    Args:
        folder: Where `cases.jsonl` lies.

    Raises:
        ConfigError: The folder has no such file, or one of its cases is broken; every broken one is named.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases = self._load()
        self._decode = lru_cache(maxsize=_KEPT_FRAMES)(self._read)

    def _load(self) -> tuple[Case, ...]:
        path = self.folder / "cases.jsonl"
        if not path.is_file():
            raise ConfigError(
                f"{path} does not exist.", hint="A corpus is a folder that holds cases.jsonl and its frames."
            )
        cases: list[Case] = []
        problems: list[str] = []
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                case = Case.model_validate(json.loads(line))
            except json.JSONDecodeError as error:
                problems.append(f"line {number} is no JSON ({error.msg})")
            except ValidationError as error:
                first = error.errors()[0]
                problems.append(f"line {number}, {'.'.join(map(str, first['loc']))}: {first['msg']}")
            else:
                missing = [
                    name for name in (case.record_frame, case.replay_frame) if not (self.folder / name).is_file()
                ]
                problems += [f"line {number} names {name}, which does not exist" for name in missing]
                cases.append(case)
        if problems:
            more = len(problems) - _NAMED_PROBLEMS
            named = "; ".join(problems[:_NAMED_PROBLEMS]) + (f" and {more} more" if more > 0 else "")
            raise ConfigError(f"{path} has broken cases: {named}.")
        return tuple(cases)

    def frame(self, name: str) -> NDArray[np.uint8]:
        """One of its screenshots: uint8, (height, width, 3), blue-green-red.

        Raises:
            ConfigError: The file is no picture.
        """
        return self._decode(name)

    def target(self, case: Case) -> Target:
        """The target of a case, as a recording would know it."""
        return Target.from_frame(self.frame(case.record_frame), case.record.point, case.record.bbox)

    def _read(self, name: str) -> NDArray[np.uint8]:
        raw = np.fromfile(self.folder / name, np.uint8)
        image = cv2.imdecode(raw, cv2.IMREAD_COLOR) if raw.size else None
        if image is None:
            raise ConfigError(f"{self.folder / name} is no picture that can be read.")
        return np.asarray(image, np.uint8)
