"""Policy files: read with every mistake told at once, and taken up again whenever they change.

A policy is taken as a whole or not at all. While a program runs, a changed file is taken up before the next decision. A
bad one is *refused*: it can be told what is wrong with it, and the last good one stays in force, also over a restart.
Taking the file away is no way back to the defaults; an empty policy, ``{}``, is.
"""

from __future__ import annotations

import difflib
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from steadyhand.errors import PolicyError
from steadyhand.files import write_whole
from steadyhand.policy import MODES, Mode, Policy, PolicyConfig, allowed, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE_NAME = "auto_heal_policy.json"
LARGEST_BYTES = 5_000_000
"""Overrides for ten thousand workflows take a third of this."""


class PolicyFile:
    """The policy that is in force, as its file says at this moment. Safe for several threads.

    Args:
        path: The file; if there is none and never was one, the defaults are in force.
        kept: Where the last good policy is kept for the next start.

    Raises:
        PolicyError: The file cannot be used, and no good policy is kept.
    """

    def __init__(self, path: Path, kept: Path) -> None:
        self._path = path
        self._kept = kept
        self._lock = threading.Lock()
        self._seen = self._signature()
        self._refusal: PolicyError | None = None
        if self._seen is None and not kept.exists():
            self._policy = PolicyConfig()
            return
        try:
            self._policy = self._taken()
        except PolicyError as error:
            self._refusal = error
            try:
                self._policy = load_policy(kept)
            except PolicyError:
                raise error from None

    @property
    def refusal(self) -> PolicyError | None:
        """What is wrong with the file as it is now; None if its policy is the one in force."""
        return self._refusal

    def current(self) -> PolicyConfig:
        """The policy in force. It looks whether the file has changed, which takes microseconds, and never raises.

        One decision asks once, so that it is made by one policy as a whole.
        """
        if self._signature() != self._seen:
            with self._lock:
                self._take_up()
        return self._policy

    def _take_up(self) -> None:
        """Put the file in force as it is now, if it is good."""
        signature = self._signature()
        if signature == self._seen:
            return
        try:
            self._policy = self._taken()
        except PolicyError as error:
            self._refusal = error
        else:
            self._refusal = None
        self._seen = signature  # taken before reading: what changed meanwhile is read again

    def _taken(self) -> PolicyConfig:
        """The policy of the file, once it is kept for the next start."""
        content = _content_of(self._path)
        policy = parse_policy(content, self._path)
        try:
            if not self._kept.exists() or self._kept.read_bytes() != content:
                write_whole(self._kept, content)
        except OSError as error:
            raise PolicyError(
                f"{self._path} is not taken up: {self._kept} cannot be written ({error.strerror}), and after a restart "
                "an older policy would be in force.",
                hint="Make room, or let the folder be written to; then touch the file.",
            ) from None
        return policy

    def _signature(self) -> tuple[int, int, int] | None:
        """What tells a changed file without reading it; None if it cannot be seen."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size


def load_policy(path: Path) -> PolicyConfig:
    """Read a policy file.

    Raises:
        PolicyError: It cannot be used. `problems` lists everything that is wrong with it.
    """
    return parse_policy(_content_of(path), path)


def parse_policy(content: bytes, path: Path) -> PolicyConfig:
    """Make a policy of what stands in a file.

    Args:
        content: The file as it is: JSON in UTF-8.
        path: What it is called, for messages.

    Raises:
        PolicyError: It cannot be used. `problems` lists everything that is wrong with it.
    """
    problems: list[str] = []
    try:
        value = json.loads(content.decode("utf-8-sig"), object_pairs_hook=lambda pairs: _once(pairs, problems))
    except UnicodeDecodeError:
        raise PolicyError(f"{path} is no policy: it is not a text file in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise PolicyError(
            f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.",
            hint="Keys and texts stand in double quotes; there is no comma after the last one.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{path} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise PolicyError(f"{path} is no policy: it holds no `name: value` pairs.", hint="An empty policy is {}.")
    reader = _Reader(problems)
    config = reader.config(value)
    if config is None:
        count = "something" if len(problems) == 1 else f"{len(problems)} things"
        raise PolicyError(
            f"{path} cannot be used; {count} must be mended:", problems, "`steadyhand policy show` lists every key."
        )
    return config


def _content_of(path: Path) -> bytes:
    """What is in the file, if it can be a policy at all."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise PolicyError(f"{path} is no policy: it has more than {LARGEST_BYTES // 1_000_000} megabytes.")
        return path.read_bytes()
    except FileNotFoundError:
        raise PolicyError(f"There is no file {path}.", hint="An empty policy is {}.") from None
    except IsADirectoryError:
        raise PolicyError(f"{path} is a folder.", hint="A policy file is needed.") from None
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {error.strerror}.") from None


def _once(pairs: Sequence[tuple[str, object]], problems: list[str]) -> dict[str, object]:
    """The pairs of a JSON object; of two with one name nobody could say which is meant."""
    counts = Counter(name for name, _ in pairs)
    problems.extend(f"{name}: it stands there {count} times" for name, count in counts.items() if count > 1)
    return dict(pairs)


class _Reader:
    """Makes a policy of plain values and notes everything that is wrong with them.

    Args:
        problems: Where to note it.
    """

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems

    def config(self, value: Mapping[str, Any]) -> PolicyConfig | None:
        """The policy; None if anything is wrong."""
        mode = self._mode(value, "") or "hybrid"
        own = {name: given for name, given in value.items() if name not in ("mode", "workflows")}
        everywhere = self._policy(Policy.preset(mode), own, "")
        entries = value.get("workflows", {})
        if not isinstance(entries, dict):
            self._problems.append(f"workflows is {shown(entries)}; allowed: workflows by name, each with its keys")
            entries = {}
        workflows = {name: self._workflow(everywhere, entry, f"workflows.{name}") for name, entry in entries.items()}
        if self._problems:
            return None
        return PolicyConfig(
            mode=mode, everywhere=Policy(**everywhere), workflows={n: Policy(**v) for n, v in workflows.items()}
        )

    def _workflow(self, everywhere: Mapping[str, Any], entry: object, place: str) -> dict[str, Any]:
        """The keys of one workflow."""
        if not isinstance(entry, dict):
            self._problems.append(f"{place} is {shown(entry)}; allowed: keys with their values")
            return dict(everywhere)
        mode = self._mode(entry, f"{place}.")
        shared = [name for name in everywhere if Policy.key(name).is_for_all]
        own = {name: given for name, given in entry.items() if name != "mode"}
        self._problems += [
            f"{place}.{name}: it belongs to all workflows together; set it outside of `workflows`"
            for name in own
            if name in shared
        ]
        start = {**Policy.preset(mode), **{name: everywhere[name] for name in shared}} if mode else everywhere
        return self._policy(start, {name: given for name, given in own.items() if name not in shared}, f"{place}.")

    def _mode(self, value: Mapping[str, Any], place: str) -> Mode | None:
        """The mode, if one is named."""
        mode = value.get("mode")
        if "mode" in value and mode not in MODES:
            self._problems.append(f"{place}mode is {shown(mode)}; allowed: {', '.join(MODES)}")
            return None
        return mode

    def _policy(self, start: Mapping[str, Any], own: Mapping[str, Any], place: str) -> dict[str, Any]:
        """What comes of some keys on top of others that are right; bad ones are left out."""
        values = dict(start)
        for name, given in own.items():
            if name not in Policy.model_fields:
                near = difflib.get_close_matches(name, Policy.model_fields, n=1)
                self._problems.append(
                    f"{place}{name} is {shown(given)}; there is no such key"
                    + (f": did you mean {near[0]}?" if near else "")
                )
                continue
            values[name] = given
        try:
            Policy(**values)
        except ValidationError as error:
            for details in error.errors():
                if details["type"] == "contradiction":
                    self._problems += [f"{place}{problem}" for problem in details["ctx"]["problems"]]
                    return dict(start)
                name = str(details["loc"][0])
                self._problems.append(f"{place}{name} is {shown(values[name])}; allowed: {allowed(name)}")
                values[name] = start[name]
        return values
