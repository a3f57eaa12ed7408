"""Commands as they are typed, and what they answer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from steadyhand import cli

if TYPE_CHECKING:
    from collections.abc import Callable


class Answer(NamedTuple):
    """What a command said.

    Attributes:
        code: Its exit code.
        out: Its standard output.
        err: Its standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


def typist(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """What types a command within this process, in the folder that is the present one."""

    def ask(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["steadyhand", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capfd.readouterr()
        return Answer(int(left.value.code or 0), said.out, said.err)

    return ask
