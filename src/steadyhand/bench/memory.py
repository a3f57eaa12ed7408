"""What Linux tells of the memory of a process."""

from __future__ import annotations

from pathlib import Path


def entry_kb(process: int | str, file: str, name: str) -> int:
    """An entry such as `VmHWM:  1234 kB`; 0 once the process has no memory any more.

    Args:
        process: Its number, or `self`.
        file: `status`, `smaps_rollup`...
        name: Of the entry.

    Raises:
        OSError: There is no such process, or this is no Linux.
    """
    lines = Path(f"/proc/{process}/{file}").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
