"""The commands that look after thresholds; `steadyhand.cli` puts them beside the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steadyhand.terminal import print_json, visible

policy = typer.Typer(
    help="Look at the thresholds by which it goes on, is stricter, or stops.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, and nothing else.")]
_FILE = "auto_heal_policy.json"


@policy.command("check")
def policy_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy file.")] = Path(_FILE),
    *,
    as_json: AsJson = False,
) -> None:
    """List everything that is wrong with a policy file."""
    from steadyhand.policy_file import load_policy

    config = load_policy(file)
    if as_json:
        print_json(
            {
                "file": str(file),
                "valid": True,
                "mode": config.mode,
                "version": config.version,
                "workflows": list(config.workflows),
            }
        )
        return
    print(f"{visible(file)} can be used: {config.mode}, version {config.version}.")
    if config.workflows:
        print(f"Workflows with keys of their own: {len(config.workflows)}.")


@policy.command("show")
def policy_show(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help=f"A policy file; {_FILE}, or else the defaults, if not given.")
    ] = None,
    *,
    workflow: Annotated[str, typer.Option("--workflow", metavar="NAME", help="As it is for this workflow.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print every threshold that is in force."""
    from steadyhand.policy import Policy, PolicyConfig, figure
    from steadyhand.policy_file import load_policy

    if file is None and Path(_FILE).exists():
        file = Path(_FILE)
    config = load_policy(file) if file else PolicyConfig()
    values = config.of(workflow).model_dump()
    if as_json:
        print_json({"mode": config.mode, "version": config.version, "workflow": workflow, "keys": values})
        return
    print(f"{visible(file or 'The defaults')}: {config.mode}, version {config.version}")
    width = max(map(len, values))
    for key, value in values.items():
        default = Policy.model_fields[key].default
        note = "" if value == default else f"  (by default {figure(default)})"
        print(f"  {key:{width}}  {figure(value)} {Policy.key(key).unit}".rstrip() + note)


@policy.command("diff")
def policy_diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A policy file.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The policy file to compare it with.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say which thresholds differ in effect, and which way."""
    from steadyhand.policy import changes, figure
    from steadyhand.policy_file import load_policy

    found = list(changes(load_policy(old), load_policy(new)))
    if as_json:
        print_json([{**change._asdict(), "direction": change.direction} for change in found])
        return
    for change in found:
        place = f"{visible(change.workflow)}: " if change.workflow else ""
        way = "" if change.direction == "other" else f" ({change.direction})"
        print(f"{place}{change.key}: {figure(change.old)} -> {figure(change.new)}{way}")
    if not found:
        print("They do the same.")
