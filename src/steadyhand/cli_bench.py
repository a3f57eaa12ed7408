"""The commands that measure; `steadyhand.cli` puts them beside the others."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steadyhand.cli_options import AsJson
from steadyhand.terminal import console, print_json, progress, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

bench = typer.Typer(
    help="Measure how often it is right, and what it costs.", no_args_is_help=True, rich_markup_mode=None
)

PeersPython = Annotated[
    Path | None, typer.Option(metavar="PATH", help="An interpreter that has the other tools; this one if not given.")
]


@bench.command()
def drift(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="A folder with cases.jsonl and its frames.")],
    *,
    every: Annotated[int, typer.Option(min=1, help="Take only each n-th case.")] = 1,
    with_peers: Annotated[bool, typer.Option("--peers", help="Let other tools answer the same cases.")] = False,
    peers_python: PeersPython = None,
    as_json: AsJson = False,
) -> None:
    """How often it is right, wrong, or refuses, on recorded cases."""
    from steadyhand.bench import drift as cases
    from steadyhand.bench.peers import OURS, Peers

    peers = Peers(peers_python or Path(sys.executable)) if with_peers or peers_python else None
    with peers or nullcontext(), progress("Resolving") as moved:
        answers = cases.compare(corpus, peers, every, moved)
    ours, missing = answers[OURS], peers.missing if peers else {}
    if as_json:
        tools = {name: cases.tool_figures(given) for name, given in answers.items()} if peers else {}
        print_json({**cases.as_json(ours), "tools": tools, "missing": missing})
        return
    console().print(cases.table(ours))
    if peers:
        console().print(cases.comparison_table(answers))
    _tell_missing(missing)


@bench.command()
def speed(*, peers_python: PeersPython = None, as_json: AsJson = False) -> None:
    """What finding costs, beside other tools.

    Those are PyScreeze and Airtest. What memory a run needs is told as well. It takes some minutes, with Chromium.
    """
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from steadyhand.bench import speed as trials
    from steadyhand.bench.peers import AIRTEST, PYSCREEZE, Peers

    with (
        Peers(peers_python or Path(sys.executable), (PYSCREEZE, AIRTEST)) as peers,
        TemporaryDirectory() as folder,
    ):
        with progress("Drawing") as moved:
            drawn = trials.draw(Path(folder), moved)
        with progress("Finding") as moved:
            outcomes = trials.run(drawn, peers, moved)
        with progress("Running the demo's workflow"):
            memory = trials.memory_of_a_run(Path(folder))
    told, by_rung = trials.figures(outcomes), trials.rung_figures(outcomes)
    if as_json:
        print_json(
            {
                "figures": [asdict(each) for each in told],
                "rungs": [asdict(each) for each in by_rung],
                "memory": memory and memory._asdict(),
                "missing": peers.missing,
            }
        )
        return
    console().print(trials.table(told))
    console().print(trials.rung_table(by_rung))
    print(trials.told_of_memory(memory))
    _tell_missing(peers.missing)


@bench.command()
def heal(*, peers_python: PeersPython = None, as_json: AsJson = False) -> None:
    """What deciding before each step costs, and what it needs.

    Counting a failure is compared with pybreaker and circuitbreaker. It takes about two minutes and 500 MB of disk.
    """
    from tempfile import TemporaryDirectory

    from steadyhand.bench import heal as parts
    from steadyhand.bench.lines import as_json as plain
    from steadyhand.bench.lines import table

    with TemporaryDirectory() as folder, progress("Measuring") as moved:
        lines, missing = parts.run(peers_python or Path(sys.executable), Path(folder), moved)
    if as_json:
        print_json({"lines": plain(lines), "missing": missing})
        return
    console().print(table(lines))
    _tell_missing(missing)


@bench.command()
def regression(
    *,
    versions: Annotated[int, typer.Option(min=10, help="How many versions to simulate of each kind.")] = 1000,
    mode: Annotated[
        str, typer.Option(metavar="MODE", help="The mode of the policy that watches over them.")
    ] = "hybrid",
    as_json: AsJson = False,
) -> None:
    """How often learning is taken back, with need and without.

    It is simulated, with seeds. A minute or two.
    """
    from steadyhand.bench import regression as trials
    from steadyhand.errors import ConfigError
    from steadyhand.policy import MODES, Policy

    if mode not in MODES:
        raise ConfigError(f"--mode is {mode}; allowed: {', '.join(MODES)}.")
    policy = Policy(**Policy.preset(mode))
    total = len(trials.CASES) + len(trials.HARMS)
    found: list[trials.Found] = []
    attackers: list[trials.Poisoned] = []
    with progress("Simulating") as moved:
        for case in trials.CASES:
            moved(len(found), total)
            found.append(trials.versions(case, policy, versions))
        for harm in trials.HARMS:
            moved(len(found) + len(attackers), total)
            attackers.append(trials.attacks(harm, policy, versions))
    if as_json:
        kinds = [{**each._asdict(), "case": each.case._asdict()} for each in found]
        print_json({"mode": mode, "versions": kinds, "attacks": [each._asdict() for each in attackers]})
        return
    console().print(trials.table(found))
    console().print(trials.poison_table(attackers))


@bench.command()
def memory(
    *,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="On the disk to measure; the one for temporary files if not given."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What keeping what was learned costs, and going back.

    Beside `cp -r` with a sync of every file, and git. Then what finding and counting among much that was learned costs.
    It takes some two gigabytes of disk, for two minutes.
    """
    from tempfile import TemporaryDirectory

    from steadyhand.bench import lines, remembering, versions

    with TemporaryDirectory(dir=folder) as place, progress("Keeping versions") as moved:
        told = versions.figures(versions.run(Path(place), progress=moved))
    with TemporaryDirectory(dir=folder) as place, progress("Remembering") as moved:
        costs = remembering.run(Path(place), moved)
    met = versions.goals(told)
    if as_json:
        figures = [each._asdict() for each in told]
        print_json({"figures": figures, "goals": met, "lines": lines.as_json(costs)})
        return
    console().print(versions.table(told))
    for goal, is_met in met.items():
        print(f"{goal}: {'met' if is_met else 'missed'}")
    console().print(lines.table(costs))


def _tell_missing(missing: Mapping[str, str]) -> None:
    """Say which of the tools that ours is compared with did not take part."""
    for name, reason in missing.items():
        tell(f"Without {name}: {reason}.")
