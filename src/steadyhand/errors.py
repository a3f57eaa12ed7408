"""Every fault that Steadyhand can raise, as one tree.

::

    SteadyhandError
    ├── ConfigError                    the user mends it; exit code 2
    │   ├── WorkflowError              a workflow file or its images
    │   └── PolicyError                the file of thresholds
    ├── ScreenError                    the screen or the way to it
    │   ├── DriverUnavailableError     it cannot be reached at all (no browser, dead URL); exit code 2
    │   ├── ScreenLostError            it was there and is gone
    │   └── DeliveryUncertainError     an input may or may not have arrived; never retried blindly
    ├── StoreError                     what is kept between runs cannot be read or written
    │   ├── StoreCorruptError          a file of it is damaged or missing
    │   ├── VersionNotFoundError       there is no such version; exit code 2
    │   └── VersionOutdatedError       another version is in use by now
    ├── StateError                     the state of a workflow does not allow this; exit code 2
    └── RefusedError                   a rule of ours forbids to go on; exit code 3

What is *expected* to happen is not here: a target that is not on the screen, or is there twice, is a value
(`NotFound`, `Ambiguous` in `steadyhand.model.outcome`), and so is a postcondition that did not come true.

Each error says what happened and where in its message, and what to do about it in its hint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class SteadyhandError(Exception):
    """The root of every fault.

    Args:
        message: One sentence that says what happened and where.
        hint: What the reader can do about it; empty if nothing sensible can be said.

    Attributes:
        exit_code: What the command line exits with when this error ends it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message, followed by the hint where there is one."""
        return f"{self.message} {self.hint}".strip()


class ConfigError(SteadyhandError):
    """What the user gave (a file, an option, a value) cannot be used.

    Args:
        message: One sentence that says what cannot be used.
        hint: What to do.
        problems: Every problem found, each naming the place, the value and what is allowed.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, hint: str = "", *, problems: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """The message, then one line for each problem, then the hint."""
        if not self.problems:
            return super().__str__()
        return "\n".join(filter(None, [self.message, *(f"  - {problem}" for problem in self.problems), self.hint]))


class WorkflowError(ConfigError):
    """A workflow file, or an image that it names, cannot be used.

    Args:
        message: One sentence naming the file.
        problems: Every problem found, each naming the field, the value and what is allowed.
        hint: What to do.
    """

    def __init__(self, message: str, problems: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint, problems=problems)


class PolicyError(ConfigError):
    """The file of thresholds cannot be used.

    Args:
        message: One sentence naming the file.
        problems: Every problem found, each naming the field, the value and what is allowed.
        hint: What to do.
    """

    def __init__(self, message: str, problems: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint, problems=problems)


class ScreenError(SteadyhandError):
    """The screen, or the way to it, does not work."""


class DriverUnavailableError(ScreenError):
    """A screen cannot be reached at all: no browser is installed, the address is dead."""

    exit_code: ClassVar[int] = 2


class ScreenLostError(ScreenError):
    """A screen that was there is gone: the browser was closed, the connection was cut."""


class DeliveryUncertainError(ScreenError):
    """An input was sent and nobody knows whether it arrived; it must be verified before it is ever repeated."""


class StoreError(SteadyhandError):
    """What is kept between runs cannot be read back, or cannot be written."""


class StoreCorruptError(StoreError):
    """A file that is kept between runs is damaged or missing: nothing that depends on it is used."""


class VersionNotFoundError(StoreError):
    """There is no such version of what a workflow has learned: it was never made, or it was pruned."""

    exit_code: ClassVar[int] = 2


class VersionOutdatedError(StoreError):
    """What was learned goes on from a version that is not in use any more, so it is not kept."""


class StateError(SteadyhandError):
    """The state of a workflow does not allow what was asked: it is not in the table of transitions."""

    exit_code: ClassVar[int] = 2


class RefusedError(SteadyhandError):
    """Going on is forbidden: it might do something twice, or do something that nobody approved."""

    exit_code: ClassVar[int] = 3
