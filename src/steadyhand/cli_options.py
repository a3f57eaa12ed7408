"""The options that several commands have, so that they are written and explained the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, and nothing else.")]
DataFolder = Annotated[
    Path, typer.Option("--data-dir", metavar="DIR", help="The folder in which the robot keeps what it knows.")
]
PolicyPath = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy file.")]

DATA = Path("data")
"""The folder of the robot, where no other one is named."""

POLICY = Path("auto_heal_policy.json")
"""The policy file, where no other one is named."""
