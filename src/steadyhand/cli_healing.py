"""The commands that look after workflows and their thresholds; `steadyhand.cli` puts them beside the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steadyhand.cli_options import DATA, POLICY, AsJson, DataFolder, PolicyPath
from steadyhand.errors import ConfigError, StoreError
from steadyhand.terminal import print_json, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from steadyhand.auditing import Robot
    from steadyhand.healing.auto_heal_manager import AutoHealManager, Status

policy = typer.Typer(
    help="Check, show and compare the thresholds.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

healing = typer.Typer(rich_markup_mode=None)

Workflow = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The name of a workflow.")]
WorkflowOrAll = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The name of a workflow; not with --all.")]
All = Annotated[bool, typer.Option("--all", help="All workflows together.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the history.")]


@policy.command("check")
def policy_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy file.")] = POLICY,
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
        Path | None,
        typer.Argument(metavar="FILE", help=f"A policy file; {POLICY}, or else the defaults, if not given."),
    ] = None,
    *,
    workflow: Annotated[str, typer.Option("--workflow", metavar="NAME", help="As it is for this workflow.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print every threshold that is in force."""
    from steadyhand.policy import Policy, PolicyConfig, figure
    from steadyhand.policy_file import load_policy

    if file is None and POLICY.exists():
        file = POLICY
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


@healing.command()
def status(*, data: DataFolder = DATA, policy_file: PolicyPath = POLICY, as_json: AsJson = False) -> None:
    """Print the state of every workflow, and what waits for a person."""
    from contextlib import closing
    from dataclasses import asdict

    from steadyhand.clock import SystemClock
    from steadyhand.healing.auto_heal_manager import AutoHealManager

    _check(data)
    with closing(AutoHealManager.open(data, policy_file, SystemClock())) as manager:
        report = manager.get_status_report()
    if as_json:
        print_json(asdict(report))
        return
    print(f"Policy {report.policy_version}")
    for problem in report.policy_problems:
        print(f"  the file is not in force: {visible(problem)}")
    for each in (report.overall, *report.workflows):
        print(_status_line(each))
    for approval in report.approvals:
        what = f"approved by {approval.by}" if approval.by else "waits for an approval"
        print(f"Step {visible(approval.step)} of {visible(approval.workflow)} {visible(what)}.")


@healing.command()
def pause(
    workflow: WorkflowOrAll = "",
    *,
    everything: All = False,
    by: By,
    reason: Why = "",
    data: DataFolder = DATA,
    policy_file: PolicyPath = POLICY,
    as_json: AsJson = False,
) -> None:
    """Hold a workflow, or everything."""
    chosen, said = _chosen(workflow, everything=everything), _said("Paused", by, reason)
    _order(data, policy_file, chosen, lambda manager: manager.pause(chosen, said), as_json=as_json)


@healing.command()
def resume(
    workflow: WorkflowOrAll = "",
    *,
    everything: All = False,
    by: By,
    reason: Why = "",
    data: DataFolder = DATA,
    policy_file: PolicyPath = POLICY,
    as_json: AsJson = False,
) -> None:
    """Let a paused workflow, or everything, go on as before."""
    chosen, said = _chosen(workflow, everything=everything), _said("Resumed", by, reason)
    _order(data, policy_file, chosen, lambda manager: manager.resume(chosen, said), as_json=as_json)


@healing.command()
def release(
    workflow: Workflow,
    *,
    by: By,
    reason: Why = "",
    data: DataFolder = DATA,
    policy_file: PolicyPath = POLICY,
    as_json: AsJson = False,
) -> None:
    """Let a quarantined workflow run again, strictly."""
    chosen, said = _chosen(workflow, everything=False), _said("Released", by, reason)
    _order(data, policy_file, chosen, lambda manager: manager.release(chosen, said), as_json=as_json)


@healing.command()
def approve(
    workflow: Workflow,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The id of a step that waits.")],
    *,
    by: By,
    data: DataFolder = DATA,
    policy_file: PolicyPath = POLICY,
    as_json: AsJson = False,
) -> None:
    """Allow one execution of a step that cannot be undone."""
    _said("Approved", by, "")
    _order(data, policy_file, workflow, lambda manager: manager.approve(workflow, step, by), as_json=as_json)


def _order(
    data: Path, policy_file: Path, workflow: str, give: Callable[[AutoHealManager], None], *, as_json: bool
) -> None:
    """Give an order, have it in the audit log, and print how it stands with the workflow afterwards."""
    from dataclasses import asdict

    from steadyhand.auditing import open_robot
    from steadyhand.clock import SystemClock

    _check(data)
    with open_robot(data, policy_file, SystemClock()) as robot:
        give(robot.manager)
        report = robot.manager.get_status_report()
        _keep_order(robot)
    after = next(each for each in (report.overall, *report.workflows) if each.workflow == workflow)
    if as_json:
        print_json(asdict(after))
    else:
        print(_status_line(after))


def _keep_order(robot: Robot) -> None:
    """Write an order that was given into the audit log."""
    try:
        robot.log.follow(robot.manager.history)
    except StoreError as error:
        raise StoreError(
            f"The order is in force. {error.message}", f"It is written down as soon as that works. {error.hint}"
        ) from error


def _check(data: Path) -> None:
    """Make sure that there is a robot's folder."""
    if not data.is_dir():
        raise ConfigError(f"There is no folder {data}.", "No robot has run here; name its folder with --data-dir.")


def _chosen(workflow: str, *, everything: bool) -> str:
    """The workflow that was named; empty for all together."""
    if bool(workflow) == everything:
        raise ConfigError("Name either a workflow or --all.")
    return workflow


def _said(what: str, by: str, reason: str) -> str:
    """An order as a sentence."""
    if not by.strip():
        raise ConfigError("--by is empty.", "Say who gives this order.")
    return f"{what} by {by}" + (f": {reason}" if reason else ".")


def _status_line(status: Status) -> str:
    """How it stands with one workflow, or with all together, on one line."""
    windows = ", ".join(f"{each.measure} {each.count}/{each.limit}" for each in status.readings)
    name = visible(status.workflow) if status.workflow else "All workflows together"
    return f"{name}: {status.info.state} ({windows}) {visible(status.info.reason)}".rstrip()
