"""Counting failures beside other tools: each takes its turn, or is said to be missing."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING

from steadyhand.bench import breakers
from steadyhand.bench.breakers import CIRCUITBREAKER, OURS, PYBREAKER

if TYPE_CHECKING:
    import pytest


def test_each_tool_is_measured_or_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours always takes part; of the others those that can be imported."""
    monkeypatch.setattr(breakers, "_CALLS", 3)
    breakers.tell()
    costs, missing = json.loads(capsys.readouterr().out)
    there = {name for name in (PYBREAKER, CIRCUITBREAKER) if find_spec(name)}
    assert costs.keys() == {OURS, *there}
    assert all(cost > 0 for cost in costs.values())
    assert missing.keys() == {PYBREAKER, CIRCUITBREAKER} - there
    assert all("not installed" in reason for reason in missing.values())


def test_the_cost_is_that_of_the_median_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several rounds the median counts, divided by the calls of a round."""
    looks = iter([0.0, 0.5, 0.5, 0.75, 1.0, 9.0])
    monkeypatch.setattr(breakers, "_CALLS", 1000)
    monkeypatch.setattr(breakers, "cpu_s", lambda: next(looks))
    monkeypatch.setattr(breakers, "_MAKERS", {OURS: breakers._ours})  # noqa: SLF001  the one that is always there
    assert breakers.compare(rounds=3) == ({OURS: 500.0}, {})
