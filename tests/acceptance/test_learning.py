"""Heal, then remember: the demo application is replayed twice on its restyled release, in real Chromium."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from steadyhand.clock import SystemClock
from steadyhand.demo import story
from steadyhand.demo.application import DemoApplication
from steadyhand.healing.auto_heal_manager import AutoHealManager
from steadyhand.memory.versioned_store import VersionedStore
from steadyhand.model.outcome import Found, Method, Outcome
from steadyhand.model.workflow_file import load_workflow
from steadyhand.session import run_once

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from steadyhand.model.outcome import RunResult

KNOWN = {Method.PROTOTYPE, Method.ANCHOR_TEMPLATE}


def replayed(folder: Path, name: str, release: int) -> RunResult:
    """One run on a release, by a robot that keeps what it learns."""
    workflow, clock = load_workflow(folder / "flow.yaml"), SystemClock()
    with (
        DemoApplication(release, folder / f"{name}.db") as application,
        closing(AutoHealManager.open(folder / "data", folder / "policy.json", clock)) as manager,
    ):
        result, _ = run_once(
            workflow, folder, {}, folder / name, clock=clock, url=application.url, manager=manager,
            environment={story.PASSWORD_VARIABLE: application.password}, learning=folder / "data",
        )  # fmt: skip
        (approval,) = application.approvals()
        assert approval.invoice == story.INVOICE
    assert result.outcome is Outcome.DONE
    return result


def test_what_the_first_run_heals_the_second_one_finds_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its learned look or its recorded one, every target, several times faster; and nothing secret is kept."""
    with DemoApplication(1, tmp_path / "recorded.db") as application:
        story.record(application, tmp_path / "flow.yaml", headed=False, clock=SystemClock())
        password = application.password.encode()
    first, second = (replayed(tmp_path, name, 2) for name in ("first", "second"))
    methods = [step.resolution.method for step in second.steps if isinstance(step.resolution, Found)]
    spent_s = [sum(step.resolve_s for step in result.steps) for result in (first, second)]
    with capsys.disabled():
        print(f"\nresolving {len(methods)} targets: {spent_s[0]:.2f} s healed, {spent_s[1]:.2f} s remembered")  # noqa: T201  the test is to tell
    assert len(methods) == len(second.steps)
    assert set(methods) <= KNOWN
    assert any(step.healed for step in first.steps)
    assert spent_s[1] < spent_s[0] / 3
    (version,) = VersionedStore(tmp_path / "data", second.workflow, SystemClock()).versions()
    assert version.cause.startswith(f"{methods.count(Method.PROTOTYPE)} looks learned")
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert [path for path in files if password in path.read_bytes()] == []
