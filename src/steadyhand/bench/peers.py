"""The tools that ours is compared with, each driven as its users drive it.

A *peer* learns a target from the recorded screenshot and finds it, or not, on another one. What counts is the place
that it would click. None is crippled: each gets what its own recorder would keep of the target, and the thresholds that
its documentation or its defaults give.

``pyscreeze``       what PyAutoGUI finds images with. `locate` with the target's picture and a confidence of 0.9, as its
                    documentation shows; clicks the middle.
``airtest``         `Template` with its defaults (threshold 0.7, matchers mstpl, tpl, sift, brisk), and with the place
                    and the screen size that its editor records with each picture.
``guibot``          `Image` with its default finder (hybrid: templates in colour, similarity 0.75); clicks the best.
``openadapt-flow``  a recording of one click, compiled, then its replayer's own search and identity gate: what it would
                    click without asking anybody.

They run in a process of their own, in an interpreter that has them (`requirements-peers.txt`): they want an OpenCV
before 5, Airtest ends its process under a newer one, and what they print is nobody's business. The process is told a
*quest* as a line of JSON and answers with a *sighting* as another one. Files are decoded outside of what is timed,
except by openadapt-flow, which wants PNGs and decodes them itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol, Self

import cv2
import numpy as np

from steadyhand.bench.cost import measured, one_thread
from steadyhand.errors import ConfigError
from steadyhand.files import write_whole
from steadyhand.model.geometry import Box, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from numpy.typing import NDArray

PYSCREEZE, AIRTEST, GUIBOT, OPENADAPT_FLOW = "pyscreeze", "airtest", "guibot", "openadapt-flow"
PEERS = (PYSCREEZE, AIRTEST, GUIBOT, OPENADAPT_FLOW)
OURS = "steadyhand"
"""What ours is called among the tools."""

_INSTALL = "requirements-peers.txt says how to make one that has them."
_START = "import sys; sys.path.append({root!r}); from steadyhand.bench.peers import serve; serve()"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENADAPT_FLOW_OCR_THREADS": "1"}
_KEPT_SCREENSHOTS = 8


@dataclass(frozen=True, slots=True)
class Quest:
    """What a peer is asked.

    Attributes:
        recorded: The screenshot that shows the target, a PNG.
        box: The target on it, frame space.
        point: Where a person clicked it, frame space.
        screen: The screenshot to find it on, a PNG.
    """

    recorded: str
    box: Box
    point: Point
    screen: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a peer answers.

    Attributes:
        point: Where it would click, frame space of the screenshot; None for no click.
        confidence: What it says of that, 0 to 1; 0 if it says nothing.
        cpu_ms: Milliseconds of CPU that finding took.
        fault: What it raised instead of an answer; empty if nothing.
    """

    point: Point | None
    confidence: float
    cpu_ms: float
    fault: str = ""


class Peers:
    """The peers that an interpreter has, at work as long as the `with` block lasts.

    Args:
        python: The interpreter.
        names: Which ones are wanted.

    Attributes:
        ready: The version of each one that can be asked.
        missing: Why each of the others cannot.

    Raises:
        ConfigError: The interpreter cannot be used, or ends before it has answered.
    """

    def __init__(self, python: Path, names: Iterable[str] = PEERS) -> None:
        self._python = python
        start = _START.format(root=str(Path(__file__).parents[2]))
        try:
            self._process = subprocess.Popen(  # noqa: S603  the interpreter that the user names
                [python, "-c", start],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD}, encoding="utf-8",
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(f"The interpreter {python} cannot be started: {error.strerror}.", _INSTALL) from None
        try:
            states = self._ask(list(names))
        except ConfigError:
            self._end()
            raise ConfigError(
                f"{python} cannot run the peers: it must be Python 3.11 or later with NumPy and OpenCV.", _INSTALL
            ) from None
        self.ready: Mapping[str, str] = states["ready"]
        self.missing: Mapping[str, str] = states["missing"]

    def find(self, name: str, quest: Quest) -> Sighting:
        """Ask one that is ready.

        Raises:
            ConfigError: It took its process down with it.
        """
        seen = self._ask({"peer": name, **asdict(quest)})
        return Sighting(**{**seen, "point": seen["point"] and Point(*seen["point"])})

    def _ask(self, question: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (OSError, json.JSONDecodeError):
            raise ConfigError(f"The peers' process ({self._python}) ended while it was asked {question}.") from None
        return answer

    def __enter__(self) -> Self:
        """Nothing more is needed: they are at work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End their process."""
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


# --------------------------------------------------------------------------------------------- in the peers' process


class _Screenshot:
    """A screenshot in the forms in which peers want it.

    Args:
        path: A PNG.
    """

    def __init__(self, path: str) -> None:
        self.png = Path(path).read_bytes()
        self.image = np.asarray(cv2.imdecode(np.frombuffer(self.png, np.uint8), cv2.IMREAD_COLOR), np.uint8)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True)
class _Recording:
    """What is recorded of a target.

    Attributes:
        screen: The screenshot that shows it.
        box: The target: left, top, width, height in whole pixels.
        point: Where it was clicked, frame space.
        folder: Where a peer may keep files.
    """

    screen: _Screenshot
    box: tuple[int, int, int, int]
    point: Point
    folder: Path

    @property
    def crop(self) -> NDArray[np.uint8]:
        """The target's picture."""
        x, y, width, height = self.box
        return self.screen.image[y : y + height, x : x + width].copy()


_Found = tuple[Point, float] | None


class _Peer(Protocol):
    """One that has learned a target."""

    def look_at(self, screen: _Screenshot) -> None:
        """Take a screenshot in the form that it wants; not timed."""
        ...

    def find(self) -> _Found:
        """Where it would click on that, and what it says of it."""
        ...


class _Pyscreeze:
    """See the module's docstring. Source: pyscreeze 1.0.1; `confidence=0.9` is in PyAutoGUI's documentation."""

    def __init__(self, recording: _Recording) -> None:
        self._crop = recording.crop

    def look_at(self, screen: _Screenshot) -> None:
        self._seen = screen.image

    def find(self) -> _Found:
        import pyscreeze

        try:
            box = pyscreeze.locate(self._crop, self._seen, confidence=0.9)
        except pyscreeze.ImageNotFoundException:
            return None
        return box and (Point(float(box.left) + box.width / 2, float(box.top) + box.height / 2), 0.0)


class _Airtest:
    """See the module's docstring. Source: airtest 1.4.3, `airtest.core.cv.Template` and `airtest.core.settings`."""

    def __init__(self, recording: _Recording) -> None:
        from airtest.core.cv import Predictor, Template

        size = recording.screen.size
        picture = recording.folder / "target.png"
        write_whole(picture, cv2.imencode(".png", recording.crop)[1].tobytes())
        place = Predictor.count_record_pos(recording.point, size)
        self._template = Template(str(picture), record_pos=place, resolution=size)

    def look_at(self, screen: _Screenshot) -> None:
        self._seen = screen.image

    def find(self) -> _Found:
        found = self._template._cv_match(self._seen)  # noqa: SLF001  `match_in` does this and drops the confidence
        return found and (Point(*map(float, found["result"])), float(found["confidence"]))


class _Guibot:
    """See the module's docstring. Source: guibot 0.51, `guibot.config` and `guibot.finder`."""

    def __init__(self, recording: _Recording) -> None:
        from guibot.finder import HybridFinder

        self._finder = HybridFinder()
        self._needle = _guibot_image(recording.crop)

    def look_at(self, screen: _Screenshot) -> None:
        self._seen = _guibot_image(screen.image)

    def find(self) -> _Found:
        found = self._finder.find(self._needle, self._seen)
        best = found[0] if found else None
        return best and (Point(best.x + best.width / 2, best.y + best.height / 2), float(best.similarity))


def _guibot_image(image: NDArray[np.uint8]) -> object:
    from guibot.target import Image
    from PIL import Image as Pillow

    return Image(pil_image=Pillow.fromarray(image[:, :, ::-1].copy()))


class _OpenadaptFlow:
    """See the module's docstring. Source: openadapt-flow 2.4.0, whose public functions look only to click at once."""

    def __init__(self, recording: _Recording) -> None:
        from openadapt_flow.compiler.compile import compile_recording
        from openadapt_flow.runtime.replayer import Replayer

        click = {"i": 0, "kind": "click", "x": int(recording.point[0]), "y": int(recording.point[1])}
        folder, self._bundle = recording.folder / "recording", recording.folder / "bundle"
        write_whole(folder / "meta.json", "{}")
        write_whole(folder / "events.jsonl", json.dumps(click) + "\n")
        for moment in ("before", "after"):
            write_whole(folder / "frames" / f"0000_{moment}.png", recording.screen.png)
        self._workflow = compile_recording(folder, self._bundle, name="benchmark")
        self._still = _Still()
        self._replayer = Replayer(self._still)

    def look_at(self, screen: _Screenshot) -> None:
        self._still.viewport = screen.size
        self._seen = screen.png

    def find(self) -> _Found:
        from openadapt_flow.ir import StepResult
        from openadapt_flow.vision.ocr import OcrResolutionRefused

        step, bundle, workflow, replayer = self._workflow.steps[0], self._bundle, self._workflow, self._replayer
        result = StepResult(step_id=step.id, intent=step.intent, ok=False)
        try:
            found, _, refusal = replayer._resolve_step(step, self._seen, bundle, workflow)  # noqa: SLF001  what is public clicks
        except OcrResolutionRefused:
            return None
        if found is None or refusal:
            return None
        if replayer._identity_gate_error(step, found, self._seen, {}, workflow, bundle, result):  # noqa: SLF001  as above
            return None
        return Point(*map(float, found.point)), float(found.confidence)


class _Still:
    """A screen that stands still, for a replayer that only looks."""

    viewport = (0, 0)


_MAKERS: Mapping[str, tuple[str, Callable[[_Recording], _Peer]]] = {
    PYSCREEZE: ("pyscreeze", _Pyscreeze),
    AIRTEST: ("airtest.core.cv", _Airtest),
    GUIBOT: ("guibot.finder", _Guibot),
    OPENADAPT_FLOW: ("openadapt_flow.runtime.replayer", _OpenadaptFlow),
}
"""For each one the module that must be there, and who learns a target."""


def serve() -> None:
    """Answer quests until nobody asks any more."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what peers print is no reply

    with one_thread(), TemporaryDirectory() as folder:
        names = json.loads(sys.stdin.readline())
        service = _Service(Path(folder))
        answer: object = _states(names)
        while True:
            replies.write(json.dumps(answer) + "\n")
            replies.flush()
            line = sys.stdin.readline()
            if not line:
                return
            answer = asdict(service.answer(**json.loads(line)))


def _states(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Which peers this interpreter has, with their versions, and why it lacks the others."""
    ready: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            import_module(_MAKERS[name][0])
        except ImportError as error:
            missing[name] = f"not installed ({error})"
            continue
        if name == AIRTEST and not cv2.__version__.startswith("4."):
            missing[name] = f"it ends its process beside OpenCV {cv2.__version__} and needs 4"
        else:
            ready[name] = version(name)
    return {"ready": ready, "missing": missing}


class _Service:
    """Answers quests, and keeps what the last ones needed.

    Args:
        folder: Where peers may keep files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._screenshot = lru_cache(maxsize=_KEPT_SCREENSHOTS)(_Screenshot)
        self._learned = lru_cache(maxsize=len(PEERS))(self._learn)

    def _learn(self, name: str, recorded: str, box: Box, point: Point) -> _Peer:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        screen = self._screenshot(recorded)
        left, top = max(0, round(box.x)), max(0, round(box.y))
        whole = (left, top, max(1, round(box.right) - left), max(1, round(box.bottom) - top))
        return _MAKERS[name][1](_Recording(screen, whole, point, folder))

    def answer(self, peer: str, recorded: str, box: list[float], point: list[float], screen: str) -> Sighting:
        """Let a peer find a target."""
        try:
            learned = self._learned(peer, recorded, Box(*box), Point(*point))
            learned.look_at(self._screenshot(screen))
            found, cpu_ms = measured(learned.find)
        except Exception as error:  # noqa: BLE001  whatever a peer raises, it does not click; the fault is told
            return Sighting(None, 0.0, 0.0, f"{type(error).__name__}: {error}")
        return Sighting(found[0], found[1], cpu_ms) if found else Sighting(None, 0.0, cpu_ms)
