"""Visual RPA with a steady hand: it finds what a person would find and refuses what a person would refuse.

The names here are the whole public face for working on plain images; workflows are run through
`steadyhand.session`, or from the command line. They are imported when first asked for, so that a command line that
only prints its help need not load what looks at pictures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steadyhand.model.outcome import Ambiguous, Found, NotFound
    from steadyhand.resolution.cascade import Resolver
    from steadyhand.resolution.target import Target

__all__ = ["Ambiguous", "Found", "NotFound", "Resolver", "Target"]

_HOMES = {
    "Ambiguous": "steadyhand.model.outcome",
    "Found": "steadyhand.model.outcome",
    "NotFound": "steadyhand.model.outcome",
    "Resolver": "steadyhand.resolution.cascade",
    "Target": "steadyhand.resolution.target",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
