"""The command line: thin, quick to answer, and honest in its exit code.

====  =========================================================================
code  meaning
====  =========================================================================
0     done; `locate`: found
1     a step failed, in any row; `locate`: not found
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
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from steadyhand.errors import ConfigError, SteadyhandError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from steadyhand.evidence.run_report import IndexEntry
    from steadyhand.model.outcome import StepResult
    from steadyhand.model.workflow import Workflow
    from steadyhand.session import Finished

DONE, FAILED, BAD_INPUT, REFUSED, FAULT, INTERRUPTED = 0, 1, 2, 3, 70, 130
"""The exit codes. Source: 70 is EX_SOFTWARE of BSD's `sysexits.h`; 130 is what shells report of SIGINT."""

_FILE_WIDTH = 120
"""How many characters a line of a table may have that goes into a file or a pipe."""

app = typer.Typer(
    name="steadyhand",
    help="Visual RPA with a steady hand: record, replay by looking, know when to stop.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
bench = typer.Typer(
    help="Measure how often it is right, and what it costs.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(bench, name="bench")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, and nothing else.")]
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
        _complain(str(error))
        if "--json" in sys.argv:
            problems = list(error.problems) if isinstance(error, ConfigError) else []
            _print_json({"error": error.message, "problems": problems, "hint": error.hint})
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001  the outermost loop: nobody else is left to tell
        import traceback

        traceback.print_exc()
        _complain("This is a fault of Steadyhand itself; please report it with the lines above.")
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
        url, output, width=width, height=height, scale=scale, locale=locale, parameters=given, progress=_tell
    )
    if as_json:
        _print_json({"file": str(output), "name": workflow.name, "steps": [step.id for step in workflow.steps]})
    else:
        print(f"{_visible(output)}: {len(workflow.steps)} steps. Read it, then: steadyhand run {_visible(output)}")


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
    as_json: AsJson = False,
) -> None:
    """Run a workflow and report what was found and how.

    With --data a row that fails does not stop the others. --resume needs the screen as the run left it: an action that
    may have happened is verified there, never blindly done again.
    """
    if resume and (report or data or dry_run):
        raise ConfigError(
            "--resume goes with neither --report, --data nor --dry-run: it goes on with one run, in its folder."
        )
    from steadyhand.clock import SystemClock
    from steadyhand.model.workflow_file import load_workflow

    workflow, clock = load_workflow(flow), SystemClock()
    values = _values(workflow, _pairs(param), data)
    folder = resume or report or _new_folder(flow, clock.now())

    from steadyhand.evidence.junit import junit_xml
    from steadyhand.evidence.run_report import write_index
    from steadyhand.session import run_once

    once = partial(
        run_once, workflow, flow.parent, clock=clock, headed=headed, resume=resume is not None, dry_run=dry_run, url=url
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
        _complain(str(error))
        _print_json({"file": str(flow), "valid": False, "problems": list(error.problems) or [error.message]})
        raise typer.Exit(BAD_INPUT) from None
    unverified = [step.id for step in workflow.steps if not step.expect]
    if as_json:
        _print_json(
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
    print(f"{_visible(flow)} can be run: {_visible(workflow.name)}, {len(workflow.steps)} steps.")
    if unverified:
        print(f"Without an expectation, and so never verified: {', '.join(unverified)}.")


@app.command()
def locate(
    recorded: Annotated[Path, typer.Argument(metavar="RECORD.png", help="The screenshot that shows the target.")],
    *,
    at: Annotated[str, typer.Option(metavar="X,Y", help="Where the target is on it, pixels.")],
    replay: Annotated[Path, typer.Option("--in", metavar="REPLAY.png", help="The screenshot to find it on.")],
    box: Annotated[str | None, typer.Option(metavar="X,Y,W,H", help="The target's box on it, pixels.")] = None,
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
    result = Resolver().resolve(Target.from_frame(frame, point, bounds), image)
    if as_json:
        _print_json(Resolved.of(result).model_dump(mode="json"))
    elif isinstance(result, Found):
        x, y = (round(number) for number in result.point)
        print(f"Found at {x},{y} by {result.method} with a confidence of {result.confidence:.2f}.")
    else:
        print(f"{'Not found' if isinstance(result, NotFound) else 'Ambiguous'}. {_visible(result.reason)}")
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

    told = story.tell(report, headed=headed, progress=_tell)
    if as_json:
        _print_json(told.as_json())
    else:
        _console().print(told.table())
        print(told.verdict())
        print(f"The reports: {told.page}")
    raise typer.Exit(DONE if told.is_as_it_should_be else FAILED)


@bench.command("drift")
def bench_drift(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="A folder with cases.jsonl and its frames.")],
    *,
    every: Annotated[int, typer.Option(min=1, help="Take only each n-th case.")] = 1,
    as_json: AsJson = False,
) -> None:
    """How often it is right, wrong, or refuses, on recorded cases."""
    from rich.progress import Progress

    from steadyhand.bench import drift

    console = _console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Resolving", total=None)
        answers = drift.run(corpus, every, lambda done, total: progress.update(task, completed=done, total=total))
    if as_json:
        _print_json(drift.as_json(answers))
    else:
        _console().print(drift.table(answers))


@bench.command("calibrate")
def bench_calibrate(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="A folder with cases.jsonl and its frames.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file of weights to write.")],
) -> None:
    """Fit what turns evidence into confidence."""
    from dataclasses import asdict

    from steadyhand.bench import calibrate
    from steadyhand.files import write_whole
    from steadyhand.resolution.confidence import Model

    model = calibrate.fit(calibrate.examples(corpus), Model.fitted())
    write_whole(output, json.dumps(asdict(model), indent=2) + "\n")
    print(f"{output}: {len(model.weights)} weights")


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
            _tell(f"Stopped. `--resume {folder}` goes on from here, on the screen as it is.")
        raise


def _run_rows(
    once: Callable[..., Finished], rows: Sequence[Mapping[str, str]], folder: Path, steps: int
) -> tuple[list[IndexEntry], list[SteadyhandError]]:
    """Run a workflow once for each row, whatever comes of the rows before."""
    entries: list[IndexEntry] = []
    faults: list[SteadyhandError] = []
    for number, values in enumerate(rows, start=1):
        label = f"row {number}"
        _tell(f"{label} of {len(rows)}")
        try:
            entries.append(_run_one(once, label, values, folder / "rows" / f"{number:03}", steps))
        except SteadyhandError as fault:
            _complain(f"{label}: {fault}")
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
        _tell(words + (", healed" if healed else "") + (f" ({result.reason})" if result.reason else ""))


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
        _print_json({"page": str(page), "runs": runs, "errors": [str(fault) for fault in faults]})
        return
    _console().print(comparison_table({entry.label: entry.run for entry in entries}))
    print(f"The report: {_visible(page)}")


def _exit_code(entries: Sequence[IndexEntry], faults: Sequence[SteadyhandError]) -> int:
    """A failure counts more than a refusal: there is something to mend."""
    from steadyhand.model.outcome import Outcome

    outcomes = {entry.run.outcome for entry in entries}
    if faults or Outcome.FAILED in outcomes:
        return FAILED
    return REFUSED if Outcome.REFUSED in outcomes else DONE


def _write(path: Path, text: str) -> None:
    from steadyhand.files import write_whole

    try:
        write_whole(path, text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _tell(text: str) -> None:
    """Say what goes on."""
    print(_visible(text), file=sys.stderr, flush=True)


def _complain(text: str) -> None:
    """Say what is wrong."""
    _tell(f"Error: {text}")


def _visible(text: object) -> str:
    from steadyhand.evidence.hostile_text import visible

    return visible(str(text))


def _console(*, stderr: bool = False) -> Console:
    """Where tables go; what is not a terminal is wide enough for all of them."""
    from rich.console import Console

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=None if is_terminal else _FILE_WIDTH)
