"""What commands say, and where: results to standard output, all else to standard error.

Whatever came from a screen or a file is made visible before a terminal gets it.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

_FILE_WIDTH = 120
"""How many characters a line of a table may have that goes into a file or a pipe."""


def print_json(value: object) -> None:
    """Print a result for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def tell(text: str) -> None:
    """Say what goes on."""
    print(visible(text), file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Say what is wrong."""
    tell(f"Error: {text}")


def visible(text: object) -> str:
    """A text as a terminal may get it."""
    from steadyhand.evidence.hostile_text import visible

    return visible(str(text))


def console(*, stderr: bool = False) -> Console:
    """Where tables go; what is not a terminal is wide enough for all of them."""
    from rich.console import Console

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=None if is_terminal else _FILE_WIDTH)


@contextmanager
def progress(words: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, and what moves it: how many of how many are done.

    Args:
        words: What is going on.
    """
    from rich.progress import Progress

    where = console(stderr=True)
    with Progress(console=where, transient=True, disable=not where.is_terminal) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
