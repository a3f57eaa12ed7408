"""A till, drawn in memory, that counts what really happened; and what else a test of a run needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.clock import ManualClock
from steadyhand.healing.supervision import Supervision
from steadyhand.model.geometry import Box, Point
from steadyhand.model.parameters import SecretSource
from steadyhand.model.workflow import TargetRecord, Workflow
from steadyhand.resolution.cascade import Resolver
from steadyhand.resolution.target import Target
from steadyhand.runner import Runner
from steadyhand.screen.drawing import panel, write, write_inside
from steadyhand.screen.driver import Button, Frame, ScreenFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steadyhand.execution.injection import Injector
    from steadyhand.healing.auto_heal_manager import AutoHealManager
    from steadyhand.healing.supervision import Witness
    from steadyhand.model.outcome import RunResult, StepResult
    from steadyhand.resolution.grounding import Grounder

INK, PAPER, BLUE = (30, 30, 30), (255, 255, 255), (190, 110, 30)
FIELD, SAVE, PAY = Box(120, 70, 240, 34), Box(120, 130, 100, 36), Box(260, 130, 100, 36)


@dataclass
class Till:
    """An application with a field Customer and the buttons Save and Pay; it counts what really happened.

    The hooks are called before and after an input arrives, and may raise; `renamed` is what its buttons are called.
    """

    clock: ManualClock = field(default_factory=ManualClock)
    text: str = ""
    has_focus: bool = False
    selected: bool = False
    notice: str = ""
    saved: list[str] = field(default_factory=list)
    paid: int = 0
    inputs: list[str] = field(default_factory=list)
    before_input: Callable[[str], None] = lambda _: None
    after_input: Callable[[str], None] = lambda _: None
    before_capture: Callable[[], None] = lambda: None
    renamed: Mapping[str, str] = field(default_factory=dict)
    name = "till"

    def capture(self) -> Frame:
        """How it looks now."""
        self.before_capture()
        image = np.full((260, 480, 3), 246, np.uint8)
        write(image, "Till of the harbour", 120, 40, 22, INK)
        write(image, "Customer", 20, 93, 16, INK)
        panel(image, FIELD, PAPER, (190, 110, 30) if self.has_focus else (170, 170, 170))
        write_inside(image, self.text, FIELD, 16, INK, inset=8)
        for label, box in (("Save", SAVE), ("Pay", PAY)):
            if self.renamed.get(label, label):
                panel(image, box, BLUE, radius=4)
                write_inside(image, self.renamed.get(label, label), box, 15, PAPER)
        write(image, self.notice, 120, 220, 18, INK)
        return Frame(image, self.clock.monotonic_s())

    def facts(self) -> ScreenFacts:
        """It has no address."""
        return ScreenFacts(title="Till")

    def click(self, point: Point, button: Button = "left", count: int = 1) -> None:
        """Press what is there."""
        self._arrive(f"{button} {count}" if (button, count) != ("left", 1) else "click", lambda: self._press(point))

    def drag(self, start: Point, end: Point) -> None:
        """It knows no dragging."""
        self._arrive(f"drag {start} {end}", lambda: None)

    def type_text(self, text: str) -> None:
        """Type into the field, if it has the focus."""

        def take() -> None:
            if self.has_focus:
                self.text = text if self.selected else self.text + text
                self.selected = False

        self._arrive("type", take)

    def press(self, keys: str) -> None:
        """It knows Control+A."""

        def take() -> None:
            self.selected = keys == "Control+A"

        self._arrive(keys, take)

    def scroll(self, point: Point, dx: float, dy: float) -> None:
        """It is as large as its screen."""
        self._arrive(f"scroll {dx:.0f} {dy:.0f} at {point.x:.0f} {point.y:.0f}", lambda: None)

    def interrupt(self) -> None:
        """Come back from whatever hangs."""

    def close(self) -> None:
        """Nothing is open."""

    def _arrive(self, what: str, effect: Callable[[], None]) -> None:
        self.before_input(what)
        self.inputs.append(what)
        effect()
        self.after_input(what)

    def _press(self, point: Point) -> None:
        self.has_focus = FIELD.contains(point)
        if SAVE.contains(point):
            self.saved.append(self.text)
            self.notice = "Customer saved"
        if PAY.contains(point):
            self.paid += 1
            self.notice = "Payment sent"


@dataclass
class Album:
    """Keeps what a run shows and tells."""

    results: list[StepResult] = field(default_factory=list)
    pictures: dict[str, tuple[NDArray[np.uint8] | None, NDArray[np.uint8] | None]] = field(default_factory=dict)
    recorded: dict[str, Target | None] = field(default_factory=dict)

    def step(
        self,
        result: StepResult,
        *,
        recorded: Target | None = None,
        before: NDArray[np.uint8] | None = None,
        after: NDArray[np.uint8] | None = None,
    ) -> None:
        """Keep a step."""
        self.results.append(result)
        self.pictures[result.step_id] = before, after
        self.recorded[result.step_id] = recorded


@dataclass
class Desk:
    """All that a test of a run needs."""

    folder: Path
    till: Till = field(default_factory=Till)
    album: Album = field(default_factory=Album)
    manager: AutoHealManager | None = None
    witnesses: Sequence[Witness] = ()
    injector: Injector | None = None
    grounder: Grounder | None = None

    @property
    def journal(self) -> Path:
        """The journal of the run."""
        return self.folder / "run" / "journal.jsonl"

    def record(self, box: Box) -> TargetRecord:
        """What was recorded of a thing on the fresh application."""
        image = Till().capture().image
        cv2.imwrite(str(self.folder / "till.png"), image)
        return Target.from_frame(image, box.center, box).record("till.png")

    def workflow(self, *steps: Mapping[str, object], secrets: Mapping[str, object] | None = None) -> Workflow:
        """A workflow with these steps."""
        return Workflow.model_validate(
            {
                "steadyhand": 1,
                "name": "Pay at the till",
                "screen": {"kind": "simulated"},
                "params": {"customer": {}},
                "secrets": secrets or {},
                "steps": [{"timeout_s": 10, **step} for step in steps],
            }
        )

    def run(self, workflow: Workflow, *, resume: bool = False, dry_run: bool = False, run: str = "A run") -> RunResult:
        """Run it once, supervised if there is a manager."""
        supervision = Supervision(self.manager, workflow.name, run, self.witnesses) if self.manager else None
        runner = Runner(
            self.till,
            Resolver(),
            self.till.clock,
            [self.album],
            grounder=self.grounder,
            supervision=supervision,
            injector=self.injector,
        )
        secrets = SecretSource(workflow.secrets, {"PIN": "Tr0ub4dor&3"})
        values = {"customer": "Bellwether"}
        return runner.run(workflow, self.folder, values, secrets, self.journal, resume=resume, dry_run=dry_run)

    def entries(self) -> list[dict[str, object]]:
        """What stands in the journal."""
        return [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]


def typing(desk: Desk, **more: object) -> dict[str, object]:
    """The step that types the customer."""
    return {"id": "name", "action": "type", "target": desk.record(FIELD), "text": "{{customer}}", **more}


def saving(desk: Desk, **more: object) -> dict[str, object]:
    """The step that saves."""
    expect = [{"text_appears": "Customer saved"}]
    return {"id": "save", "action": "click", "target": desk.record(SAVE), "expect": expect, **more}


def paying(desk: Desk, **more: object) -> dict[str, object]:
    """The step that pays, which cannot be undone."""
    expect = [{"text_appears": "Payment sent"}]
    step = {"id": "pay", "action": "click", "target": desk.record(PAY), "irreversible": True, "expect": expect}
    return {**step, **more}


def verdicts(result: RunResult) -> list[str]:
    """How each step ended."""
    return [step.verdict.value for step in result.steps]
