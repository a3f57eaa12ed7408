"""The command line: thin, quick to answer, and honest in its exit code.

====  =========================================================================
code  meaning
====  =========================================================================
0     done; `locate`: found
1     a step failed, in any row; `locate`: not found; `audit verify`, `versions verify`: not sound
2     what was given cannot be used; nothing was done
3     going on was refused; `locate`: ambiguous
70    a fault of Steadyhand itself
130   somebody pressed Ctrl-C
====  =========================================================================

What commands report goes to standard output, as JSON and nothing else with ``--json``; what goes on meanwhile, and what
is wrong, goes to standard error. Whatever came from a screen or a file is made visible before a terminal gets it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from steadyhand import cli_audit, cli_bench, cli_healing, cli_versions
from steadyhand.cli_options import DATA, POLICY, AsJson, DataFolder, PolicyPath
from steadyhand.errors import ConfigError, SteadyhandError
from steadyhand.terminal import complain, console, print_json, progress, tell, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from steadyhand.clock import Clock
    from steadyhand.evidence.run_report import IndexEntry
    from steadyhand.execution.injection import Injector
    from steadyhand.model.outcome import StepResult
    from steadyhand.model.workflow import Workflow
    from steadyhand.resolution.grounding import Grounder
    from steadyhand.session import Finished

DONE, FAILED, BAD_INPUT, REFUSED, FAULT, INTERRUPTED = 0, 1, 2, 3, 70, 130
"""The exit codes. Source: 70 is EX_SOFTWARE of BSD's `sysexits.h`; 130 is what shells report of SIGINT."""

app = typer.Typer(
    name="steadyhand",
    help="Visual RPA with a steady hand: record, replay by looking, know when to stop.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cli_audit.audit, name="audit")
app.add_typer(cli_bench.bench, name="bench")
app.add_typer(cli_healing.policy, name="policy")
app.add_typer(cli_versions.versions, name="versions")
app.add_typer(cli_healing.healing)

Flow = Annotated[Path, typer.Argument(metavar="FLOW", help="A workflow file.")]
Headed = Annotated[bool, typer.Option("--headed", help="Show the browser's window.")]
Params = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter's value; may be repeated.")
]


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a letter it lacks ends no run
    try:
        app()
    except SteadyhandError as error:
        complain(str(error))
        if "--json" in sys.argv:
            problems = list(error.problems) if isinstance(error, ConfigError) else []
            print_json({"error": error.message, "problems": problems, "hint": error.hint})
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001  the outermost loop: nobody else is left to tell
        import traceback

        traceback.print_exc()
        complain("This is a fault of Steadyhand itself; please report it with the lines above.")
        sys.exit(FAULT)
    raise AssertionError("typer leaves by itself")


@app.callback(invoke_without_command=True)
def _options(
    *, show_version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False
) -> None:
    if show_version:
        from importlib.metadata import version

        print(version("steadyhand"))
        raise typer.Exit


@app.command()
def record(
    url: Annotated[str, typer.Argument(metavar="URL", help="The page to start on.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FLOW", help="The workflow file to write.")],
    *,
    width: Annotated[int, typer.Option(min=200, max=8000, help="Width of the page, CSS pixels.")] = 1440,
    height: Annotated[int, typer.Option(min=150, max=8000, help="Height of the page, CSS pixels.")] = 900,
    scale: Annotated[float, typer.Option(min=0.5, max=4, help="Device pixels per CSS pixel.")] = 1.0,
    locale: Annotated[str | None, typer.Option(help="Language and country, such as en-GB.")] = None,
    param: Params = None,
    as_json: AsJson = False,
) -> None:
    """Record what you do in a browser window until you close it.

    A typed text that equals the value of a --param is written as that parameter.
    """
    given = _pairs(param)
    from steadyhand.recording import live

    workflow = live.record(
        url, output, width=width, height=height, scale=scale, locale=locale, parameters=given, progress=tell
    )
    if as_json:
        print_json({"file": str(output), "name": workflow.name, "steps": [step.id for step in workflow.steps]})
    else:
        print(f"{visible(output)}: {len(workflow.steps)} steps. Read it, then: steadyhand run {visible(output)}")


@app.command()
def run(
    flow: Flow,
    *,
    param: Params = None,
    data: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Each row is one run; its columns are parameters.")
    ] = None,
    headed: Headed = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Find the first target and stop before acting.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the report goes; a new folder in runs/ if not given.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Go on with the run whose report is there and was cut short.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML as well.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Start here, not where the workflow says.")] = None,
    vlm_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask a vision-language model there, where the evidence leaves off."),
    ] = None,
    vlm_model: Annotated[str | None, typer.Option(metavar="NAME", help="Which model to ask there.")] = None,
    vlm_price: Annotated[
        str | None, typer.Option(metavar="IN,OUT", help="What a million tokens cost there, for the report.")
    ] = None,
    data_folder: DataFolder = DATA,
    policy_file: PolicyPath = POLICY,
    inject: Annotated[
        list[str] | None,
        typer.Option(metavar="TRIGGER@STEP[:HOW OFTEN]", help="Make a failure happen, for a test; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a workflow and report what was found and how.

    With --data a row that fails does not stop the others. --resume needs the screen as the run left it: an action that
    may have happened is verified there, never blindly done again. A model is asked only with --vlm-url; its key is
    taken from STEADYHAND_VLM_KEY.

    Before each step it is asked whether the state of the workflow allows it, and how strictly; see `steadyhand status`.
    What is decided and done is written into the audit log; see `steadyhand audit`.

    --inject lets a step fail without carrying it out: target_not_found@login each time, target_not_found@login:3 the
    first three times, target_not_found@login:25% each fourth time. Injected failures count like others.
    """
    if resume and (report or data or dry_run):
        raise ConfigError(
            "--resume goes with neither --report, --data nor --dry-run: it goes on with one run, in its folder."
        )
    if inject and dry_run:
        raise ConfigError("--inject does not go with --dry-run, which takes no step.")
    from steadyhand.clock import SystemClock
    from steadyhand.model.workflow_file import load_workflow

    workflow, clock = load_workflow(flow), SystemClock()
    grounder = _grounder(vlm_url, vlm_model, vlm_price, clock)
    values = _values(workflow, _pairs(param), data)
    injector = _injector(inject, workflow)
    folder = resume or report or _new_folder(flow, clock.now())

    from steadyhand.auditing import open_robot
    from steadyhand.evidence.junit import junit_xml
    from steadyhand.evidence.run_report import write_index
    from steadyhand.session import run_once, secrets_for

    secrets_for(workflow)  # what is given wrongly is found before the robot's folder is made
    with nullcontext() if dry_run else open_robot(data_folder, policy_file, clock) as robot:
        once = partial(
            run_once,
            workflow,
            flow.parent,
            clock=clock,
            headed=headed,
            resume=resume is not None,
            dry_run=dry_run,
            url=url,
            grounder=grounder,
            manager=robot.manager if robot else None,
            log=robot.log if robot else None,
            injector=injector,
            learning=data_folder,
        )
        if data:
            entries, faults = _run_rows(once, values, folder, len(workflow.steps))
            page = write_index(folder, entries)
        else:
            entries, faults = [_run_one(once, workflow.name, values[0], folder, len(workflow.steps))], []
            page = entries[0].page
        if junit:
            _write(junit, junit_xml([entry.run for entry in entries]))
        _print_runs(entries, faults, page, as_json=as_json)
    raise typer.Exit(_exit_code(entries, faults))


@app.command()
def check(flow: Flow, *, as_json: AsJson = False) -> None:
    """List everything that is wrong with a workflow file."""
    from steadyhand.errors import WorkflowError
    from steadyhand.model.workflow_file import load_workflow

    try:
        workflow = load_workflow(flow)
    except WorkflowError as error:
        if not as_json:
            raise
        complain(str(error))
        print_json({"file": str(flow), "valid": False, "problems": list(error.problems) or [error.message]})
        raise typer.Exit(BAD_INPUT) from None
    unverified = [step.id for step in workflow.steps if not step.expect]
    if as_json:
        print_json(
            {
                "file": str(flow),
                "valid": True,
                "name": workflow.name,
                "steps": len(workflow.steps),
                "params": list(workflow.params),
                "secrets": list(workflow.secrets),
                "unverified": unverified,
            }
        )
        return
    print(f"{visible(flow)} can be run: {visible(workflow.name)}, {len(workflow.steps)} steps.")
    if unverified:
        print(f"Without an expectation, and so never verified: {', '.join(unverified)}.")


@app.command()
def locate(
    recorded: Annotated[Path, typer.Argument(metavar="RECORD.png", help="The screenshot that shows the target.")],
    *,
    at: Annotated[str, typer.Option(metavar="X,Y", help="Where the target is on it, pixels.")],
    replay: Annotated[Path, typer.Option("--in", metavar="REPLAY.png", help="The screenshot to find it on.")],
    box: Annotated[str | None, typer.Option(metavar="X,Y,W,H", help="The target's box on it, pixels.")] = None,
    explain: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Draw the decision, and what was weighed for it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find a thing of one screenshot on another one.

    Exits with 0 if it was found, 1 if it was not, and 3 if several places could be it.
    """
    from steadyhand.evidence.report_document import Resolved
    from steadyhand.model.geometry import Box, Point
    from steadyhand.model.outcome import Found, NotFound
    from steadyhand.resolution.cascade import Resolver
    from steadyhand.resolution.target import Target

    frame, image = _image(recorded), _image(replay)
    point = _place("--at", at, "x,y", frame)
    bounds = _place("--box", box, "x,y,width,height", frame) if box else None
    if bounds and not Box(*bounds).contains(Point(*point)):
        raise ConfigError(f"--at {at} lies outside of --box {box}.")
    target = Target.from_frame(frame, point, bounds)
    result = Resolver().resolve(target, image)
    if explain:
        from steadyhand.evidence import explanation

        _write(explain, _png(explanation.explain(target, image, result)))
    if as_json:
        print_json(Resolved.of(result).model_dump(mode="json"))
    elif isinstance(result, Found):
        x, y = (round(number) for number in result.point)
        print(f"Found at {x},{y} by {result.method} with a confidence of {result.confidence:.2f}.")
    else:
        print(f"{'Not found' if isinstance(result, NotFound) else 'Ambiguous'}. {visible(result.reason)}")
    raise typer.Exit(DONE if isinstance(result, Found) else FAILED if isinstance(result, NotFound) else REFUSED)


@app.command()
def demo(
    *,
    headed: Headed = False,
    report: Annotated[Path, typer.Option(metavar="DIR", help="Where the reports go.")] = Path("runs/demo"),
    as_json: AsJson = False,
) -> None:
    """Record on a small application, replay on its next releases."""
    from steadyhand.demo import story

    told = story.tell(report, headed=headed, progress=tell)
    if as_json:
        print_json(told.as_json())
    else:
        console().print(told.table())
        print(told.verdict())
        print(f"The reports: {told.page}")
        print(f"The audit log: {told.audit}")
    raise typer.Exit(DONE if told.is_as_it_should_be else FAILED)


@app.command()
def calibrate(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="A folder with cases.jsonl and its frames.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file of weights to write; our own if not given."),
    ] = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write calibration.md with its diagrams there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit what turns evidence into confidence.

    What is printed was measured on applications that were left out of the fit. Cases named as test are refused.
    """
    from dataclasses import asdict
    from importlib.resources import files

    from steadyhand.bench import calibration_report
    from steadyhand.resolution.confidence import Model

    with progress("Weighing") as moved:
        made = calibration_report.calibrate(corpus, Model.fitted(), moved)
    path = output or Path(str(files("steadyhand.resolution"))) / "confidence.json"
    _write(path, json.dumps(asdict(made.model), indent=2) + "\n")
    if docs:
        _write(docs / "calibration.md", calibration_report.page(made))
        for name, diagram in calibration_report.diagrams(made).items():
            _write(docs / "images" / name, diagram)
    if as_json:
        print_json({"file": str(path), **calibration_report.as_json(made)})
    else:
        console().print(calibration_report.table(made))
        print(f"{visible(path)}: {len(made.model.weights)} weights")


# ------------------------------------------------------------------------------------------------------- running


def _run_one(
    once: Callable[..., Finished], label: str, values: Mapping[str, str], folder: Path, steps: int
) -> IndexEntry:
    """Run a workflow, telling of each step."""
    from steadyhand.evidence.run_report import IndexEntry
    from steadyhand.session import JOURNAL

    try:
        return IndexEntry(label, *once(values=values, report=folder, observers=[_StepTeller(steps)]))
    except KeyboardInterrupt:
        if (folder / JOURNAL).is_file():
            tell(f"Stopped. `--resume {folder}` goes on from here, on the screen as it is.")
        raise


def _run_rows(
    once: Callable[..., Finished], rows: Sequence[Mapping[str, str]], folder: Path, steps: int
) -> tuple[list[IndexEntry], list[SteadyhandError]]:
    """Run a workflow once for each row, whatever comes of the rows before."""
    entries: list[IndexEntry] = []
    faults: list[SteadyhandError] = []
    for number, values in enumerate(rows, start=1):
        label = f"row {number}"
        tell(f"{label} of {len(rows)}")
        try:
            entries.append(_run_one(once, label, values, folder / "rows" / f"{number:03}", steps))
        except SteadyhandError as fault:
            complain(f"{label}: {fault}")
            faults.append(fault)
    if not entries:
        raise faults[-1]
    return entries, faults


# ------------------------------------------------------------------------------------------------- what was given


def _pairs(given: Sequence[str] | None) -> dict[str, str]:
    """The values of `--param`."""
    values: dict[str, str] = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise ConfigError(f"--param {each} is no parameter.", "Write it as `--param name=value`.")
        if name in values:
            raise ConfigError(f"--param {name} is given twice.")
        values[name] = value
    return values


def _values(workflow: Workflow, given: Mapping[str, str], data: Path | None) -> list[dict[str, str]]:
    """The values of each run, or all that is wrong with any of them."""
    from steadyhand.model.parameters import read_rows, resolve_values

    if data is None:
        return [resolve_values(workflow.params, given)]
    values: list[dict[str, str]] = []
    problems: dict[str, list[int]] = {}
    rows = read_rows(data)
    for number, row in enumerate(rows, start=1):
        try:
            values.append(resolve_values(workflow.params, given, row))
        except ConfigError as error:
            for problem in error.problems:
                problems.setdefault(problem, []).append(number)
    if problems:
        raise ConfigError(
            f"The rows of {data} do not fit the workflow.",
            "Its first line names parameters of the workflow; `--param` gives those that are the same in all rows.",
            problems=[
                problem if len(where) == len(rows) else f"row {', '.join(map(str, where))}: {problem}"
                for problem, where in problems.items()
            ],
        )
    return values


def _injector(given: Sequence[str] | None, workflow: Workflow) -> Injector | None:
    """What makes failures happen; None unless some are named."""
    if not given:
        return None
    from steadyhand.execution.injection import Injection, Injector

    injector = Injector(map(Injection.parse, given))
    injector.check(workflow)
    return injector


def _grounder(url: str | None, model: str | None, price: str | None, clock: Clock) -> Grounder | None:
    """What asks a vision-language model; None unless one is named."""
    if url is None and model is None and price is None:
        return None
    from steadyhand.resolution.grounding import Grounder
    from steadyhand.resolution.vision_model import Endpoint, VisionModel

    return Grounder(VisionModel(Endpoint.configured(url, model, price, os.environ), clock))


def _new_folder(flow: Path, now: datetime) -> Path:
    """A folder for a report that does not exist yet."""
    name = f"{flow.stem}-{now:%Y%m%dT%H%M%SZ}"
    taken = Path("runs") / name
    number = 1
    while taken.exists():
        number += 1
        taken = Path("runs") / f"{name}-{number}"
    return taken


def _place(option: str, text: str, form: str, image: NDArray[np.uint8]) -> list[float]:
    """A point or a box that lies on an image."""
    names = form.split(",")
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(names):
        raise ConfigError(f"{option} {text} is not of the form {form}: {len(names)} numbers of pixels.")
    x, y, width, height = [*numbers, 1, 1][:4]
    rows, columns = image.shape[:2]
    if not (x >= 0 < width and y >= 0 < height and x + width <= columns and y + height <= rows):
        raise ConfigError(f"{option} {text} does not lie on its image, which has {columns}x{rows} pixels.")
    return numbers


def _image(path: Path) -> NDArray[np.uint8]:
    """A picture: uint8, (height, width, 3), blue-green-red."""
    import cv2
    import numpy as np

    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise ConfigError(f"The image {path} cannot be read: {error.strerror}.") from None
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if image is None:
        raise ConfigError(f"The image {path} cannot be read: it is no picture, or damaged.", "A PNG is best.")
    return np.asarray(image, np.uint8)


def _png(image: NDArray[np.uint8]) -> bytes:
    """A picture, uint8, (height, width, 3), blue-green-red, as a file."""
    import cv2

    encoded, raw = cv2.imencode(".png", image)
    assert encoded, "PNG takes every picture"
    return raw.tobytes()


# -------------------------------------------------------------------------------------------------- what is told


class _StepTeller:
    """Tells of each step as it ends.

    Args:
        total: How many steps there are.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0

    def step(self, result: StepResult, **_: object) -> None:
        """Tell what came of a step."""
        from steadyhand.model.outcome import Verdict

        self._count += 1
        healed = result.healed and result.verdict is not Verdict.FAILED
        words = f"{self._count}/{self._total} {result.note or result.step_id}: {result.verdict.value}"
        tell(words + (", healed" if healed else "") + (f" ({result.reason})" if result.reason else ""))


def _print_runs(entries: Sequence[IndexEntry], faults: Sequence[SteadyhandError], page: Path, *, as_json: bool) -> None:
    """Print what came of one run, or of one for each row."""
    from steadyhand.evidence.summary import comparison_table

    if as_json:
        runs = [
            {
                "label": entry.label,
                "page": str(entry.page),
                **json.loads(entry.page.with_name("report.json").read_text(encoding="utf-8")),
            }
            for entry in entries
        ]
        print_json({"page": str(page), "runs": runs, "errors": [str(fault) for fault in faults]})
        return
    console().print(comparison_table({entry.label: entry.run for entry in entries}))
    print(f"The report: {visible(page)}")


def _exit_code(entries: Sequence[IndexEntry], faults: Sequence[SteadyhandError]) -> int:
    """A failure counts more than a refusal: there is something to mend."""
    from steadyhand.model.outcome import Outcome

    outcomes = {entry.run.outcome for entry in entries}
    if faults or Outcome.FAILED in outcomes:
        return FAILED
    return REFUSED if Outcome.REFUSED in outcomes else DONE


def _write(path: Path, content: str | bytes) -> None:
    from steadyhand.files import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None
