"""What it costs to count a failure, beside pybreaker and circuitbreaker.

All of them count in one process, in turns, so that what else a shared machine does falls on all alike. It is that of
the interpreter which has the others (`requirements-peers.txt`), so this module needs no more than healing itself does.

Each is used as its users use it: it is given a function that raises, and notes that. None of them stops anything. They
do not do the same:

``steadyhand``      a `FailureWindow` behind a lock: remembers when and what, forgets what is too old, says whether it
                    is full.
``pybreaker``       `CircuitBreaker.call`: counts failures in a row behind a lock, compares with its limit.
``circuitbreaker``  `CircuitBreaker.call`: counts failures in a row without a lock; compares when it is next called.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from steadyhand.clock import SystemClock, cpu_s
from steadyhand.healing.circuit_breaker import FailureWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OURS, PYBREAKER, CIRCUITBREAKER = "steadyhand", "pybreaker", "circuitbreaker"

_LIMIT, _WINDOW_S = 10, 600.0
"""Those of a workflow's failures, as the policy has them."""

_NEVER = 10**9
_ROUNDS, _CALLS = 40, 1000


class _FailureError(Exception):
    """What goes wrong."""


def _fail() -> NoReturn:
    raise _FailureError


def _ours() -> Callable[[], object]:
    window, lock, clock = FailureWindow(_LIMIT, _WINDOW_S), threading.Lock(), SystemClock()

    def call() -> None:
        try:
            _fail()
        except _FailureError:
            with lock:
                now_s = clock.monotonic_s()
                window.add(now_s, "TARGET_NOT_FOUND")
                window.is_full(now_s)
            raise

    return call


def _pybreaker() -> Callable[[], object]:
    breaker = import_module(PYBREAKER).CircuitBreaker(fail_max=_NEVER)
    return lambda: breaker.call(_fail)


def _circuitbreaker() -> Callable[[], object]:
    breaker = import_module(CIRCUITBREAKER).CircuitBreaker(failure_threshold=_NEVER, expected_exception=_FailureError)
    return lambda: breaker.call(_fail)


_MAKERS: Mapping[str, Callable[[], Callable[[], object]]] = {
    OURS: _ours,
    PYBREAKER: _pybreaker,
    CIRCUITBREAKER: _circuitbreaker,
}


def compare(rounds: int = _ROUNDS) -> tuple[dict[str, float], dict[str, str]]:
    """Let each one count failures.

    Args:
        rounds: How often it is each one's turn.

    Returns:
        The median of what one call costs, microseconds of CPU, for each that is there; and why each of the others is
        not.
    """
    calls: dict[str, Callable[[], object]] = {}
    missing: dict[str, str] = {}
    for name, make in _MAKERS.items():
        try:
            calls[name] = make()
        except ImportError as error:
            missing[name] = f"not installed ({error})"
    costs: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began_s = cpu_s()
            for _ in range(_CALLS):
                try:
                    call()
                except _FailureError:
                    continue
            costs[name].append((cpu_s() - began_s) / _CALLS * 1e6)
    return {name: statistics.median(each) for name, each in costs.items()}, missing


def tell() -> None:
    """Write the comparison to standard output, as JSON."""
    json.dump(compare(), sys.stdout)
