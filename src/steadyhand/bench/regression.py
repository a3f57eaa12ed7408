"""How often a good version is taken back, how soon a bad one is, and how much an attacker gets in before that.

All of it is simulated, with seeds: runs that fail by chance are told to the watch itself
(`steadyhand.healing.regression`). What was before is as uncertain as in life: each time it is drawn anew, in as few
runs as are said.

An *attacker* makes wrong looks pass for validated ones. From the first run on they feed as many of them as the budget
allows, in every run that seems well; after each run that learned there is a new version. Each wrong look by itself
makes a later run fail with some chance, the *harm*. The workflow is taken to stay NORMAL, where it learns: the
attacker's best case.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from rich.table import Table

from steadyhand.healing.regression import Attempt, RegressionWatch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steadyhand.policy import Policy

_SPREAD = 0.02
"""How much the mean confidence of a simulated run varies."""


class Case(NamedTuple):
    """A way in which versions may be.

    Attributes:
        runs_before: How many runs went before the version.
        before: The chance that a run failed, before it.
        since: The chance that a run fails, since.
        confidence_before: The mean confidence of a run's finds, before it.
        confidence: The same since.
    """

    runs_before: int
    before: float
    since: float
    confidence_before: float = 0.98
    confidence: float = 0.98

    @property
    def is_worse(self) -> bool:
        """Whether the version makes anything worse."""
        return self.since > self.before or self.confidence < self.confidence_before


CASES = (
    *(Case(runs, chance, chance) for runs in (5, 8, 20, 100) for chance in (0.02, 0.1, 0.3)),
    Case(20, 0.02, 0.02, 0.95, 0.95),
    *(Case(runs, 0.02, since) for runs in (8, 20, 100) for since in (0.2, 0.33, 0.5, 0.75, 1)),
    *(Case(20, 0.02, 0.02, 0.98, confidence) for confidence in (0.95, 0.92, 0.88)),
)
"""What is simulated by default: versions that make nothing worse, and then some that do."""
HARMS = (0.0, 0.002, 0.01, 0.05, 0.2, 1.0)
"""With what chance a wrong look makes a run fail."""


class Found(NamedTuple):
    """What came of versions of one kind.

    Attributes:
        case: Which kind.
        versions: How many there were.
        taken_back: The share of them that was taken back.
        median_runs: The runs after which half of those taken back were; None if none was.
        most_runs: The runs after which nine in ten of those taken back were; None if none was.
    """

    case: Case
    versions: int
    taken_back: float
    median_runs: int | None
    most_runs: int | None


class Poisoned(NamedTuple):
    """What attackers have got in.

    Attributes:
        harm: The chance with which each wrong look makes a run fail.
        attacks: How many attackers there were.
        seen: The share of them that was seen while what they fed was on watch.
        median_added: Half of them got in no more wrong looks than this before they were seen or had proved themselves.
        most_added: None got in more.
        median_runs: The runs after which half of those seen were; None if none was.
    """

    harm: float
    attacks: int
    seen: float
    median_added: int
    most_added: int
    median_runs: int | None


def versions(case: Case, policy: Policy, count: int, seed: int = 0) -> Found:
    """Watch so many versions of one kind until each is taken back or has proved itself."""
    rng = random.Random(f"{seed} {case}")
    found = sorted(after for after in (_version(case, policy, rng) for _ in range(count)) if after)
    return Found(case, count, len(found) / count, _quantile(found, 0.5), _quantile(found, 0.9))


def attacks(harm: float, policy: Policy, count: int, seed: int = 0) -> Poisoned:
    """Let so many attackers try, each on a workflow of its own, until they are seen or have proved themselves."""
    rng = random.Random(f"{seed} {harm}")
    done = [_attack(harm, policy, rng) for _ in range(count)]
    added = sorted(each for each, _ in done)
    runs = sorted(after for _, after in done if after)
    return Poisoned(harm, count, len(runs) / count, added[count // 2], added[-1], _quantile(runs, 0.5))


def table(found: Iterable[Found]) -> Table:
    """What came of versions, for a terminal."""
    shown = Table("runs before", "failed", "confidence", "fail since", "confidence since", "taken back", "after runs")
    for each in found:
        case = each.case
        shown.add_row(
            f"{case.runs_before}",
            f"{case.before:.0%}",
            f"{case.confidence_before:.2f}",
            f"{case.since:.0%}" if case.is_worse else "no worse",
            f"{case.confidence:.2f}",
            f"{each.taken_back:.1%}",
            "" if each.median_runs is None else f"{each.median_runs}, most within {each.most_runs}",
        )
    return shown


def poison_table(attackers: Iterable[Poisoned]) -> Table:
    """What attackers have got in, for a terminal."""
    shown = Table("a wrong look fails a run", "attackers seen", "after runs", "got in, half of them", "got in, at most")
    for each in attackers:
        shown.add_row(
            f"{each.harm:.1%}",
            f"{each.seen:.0%}",
            "" if each.median_runs is None else f"{each.median_runs}",
            f"{each.median_added}",
            f"{each.most_added}",
        )
    return shown


def _version(case: Case, policy: Policy, rng: random.Random) -> int | None:
    """The number of runs after which a version was taken back; None if it has proved itself."""
    watch = RegressionWatch()
    for _ in range(case.runs_before):
        _run(watch, 0, case.before, policy, rng, confidence=case.confidence_before)
    for number in range(1, policy.regression_watch_runs + 1):
        _run(watch, 1, case.since, policy, rng, confidence=case.confidence)
        if watch.condemned:
            return number
    assert not watch.watched, "it has gone through as many runs as it is watched for"
    return None


def _attack(harm: float, policy: Policy, rng: random.Random) -> tuple[int, int | None]:
    """How many wrong looks an attacker got in, and after how many runs that was seen; None if it was not."""
    watch = RegressionWatch()
    for _ in range(20):
        _run(watch, 0, 0.02, policy, rng)
    added = version = number = 0
    while version == 0 or watch.watched:
        number += 1
        version += bool(watch.learned) or version == 0
        chance = 1 - (1 - 0.02) * (1 - harm) ** added
        attempt = _run(watch, version, chance, policy, rng)
        if watch.condemned:
            return added, number
        if watch.proven and watch.proven.version:
            break
        if attempt.failed_at is None:
            while watch.may_learn(attempt, policy):
                added += 1
    return added, None


def _run(
    watch: RegressionWatch, version: int, chance: float, policy: Policy, rng: random.Random, *, confidence: float = 0.98
) -> Attempt:
    """One run: it fails by chance, and finds its targets with more or less confidence."""
    step = "a step" if rng.random() < chance else None
    mean = min(1.0, rng.gauss(confidence, _SPREAD))
    attempt = Attempt(version, step, step, 1, mean, ("a step", mean))
    watch.record("a run", attempt, policy, is_complete=step is None)
    return attempt


def _quantile(ordered: list[int], share: float) -> int | None:
    return ordered[int(share * (len(ordered) - 1))] if ordered else None
