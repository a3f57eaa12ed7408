"""What worked for each target: how it was found, when, with which confidence, and how often that was right.

A *trial* is a step that found its target and acted on it. It is *validated* if all that the step expects came true by
it, and *refuted* if that did not. A step that nothing proves is neither and never gets here. Only validated trials are
remembered: each with its time, its method and its score, the last few of each target. Of a refuted one nothing is kept
but that it was: without it there would be no rate.

The store is of one workflow. It is always *of a version* of what the workflow has learned (see
`steadyhand.memory.versioned_store`): the one that it went on from. So it can be told when somebody has gone back to
another version, with the tallies of which it is replaced.

A *tally* counts the trials of one target by one method, and by one learned look where a look found it. So a look-up
costs the same after ten trials and after a million.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from steadyhand.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RECENT = 20
"""How many validated trials of one target are remembered one by one: what a person looks at; the rest is in tallies."""

MOST_TARGETS = 2_000
"""How many targets of a workflow are known; the one that was not needed for longest goes first. Source: a decision; a
workflow has some hundred steps, and each new recording of one makes a new target of it."""

_Z = 1.96
"""Of a 95% interval, from both sides."""

_ORIGIN_WEIGHT = 2.0
"""How many trials the confidence is worth with which a look was learned. Source: a decision; a refuted trial then takes
a look that was learned at 0.9 below what is demanded, and two validated ones bring it back."""

_WAIT_S = 10.0
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE belongs (version INTEGER NOT NULL);
INSERT INTO belongs VALUES (0);
CREATE TABLE tally (
    target TEXT, method TEXT, look TEXT,
    validated INTEGER NOT NULL, refuted INTEGER NOT NULL, score_sum REAL NOT NULL, last_s REAL NOT NULL,
    PRIMARY KEY (target, method, look)
) WITHOUT ROWID;
CREATE TABLE recent (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL, method TEXT NOT NULL, look TEXT NOT NULL,
    step TEXT NOT NULL, run TEXT NOT NULL, at_s REAL NOT NULL, score REAL NOT NULL
);
CREATE INDEX recent_of_target ON recent (target, number);
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """A step that found its target and acted on it, and whether that was right.

    Attributes:
        target: The key of its target.
        step: The step's id.
        run: The run's name.
        at_s: When, seconds since 1970.
        method: What found the target.
        look: The id of the learned look by which it was found; empty if it was none.
        score: The confidence with which it was found, 0 to 1.
        is_validated: All that the step expects came true by it; else it is refuted.
    """

    target: str
    step: str
    run: str
    at_s: float
    method: str
    look: str
    score: float
    is_validated: bool


class Interval(NamedTuple):
    """Between what a rate lies, with a probability of 95%.

    Attributes:
        low: 0 to 1.
        high: 0 to 1.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a way to find a target was right.

    Attributes:
        method: What found it.
        look: The id of the learned look by which it was found; empty if it was none.
        validated: How often that was right.
        refuted: How often it was not.
        mean_score: The mean confidence of the validated ones, 0 to 1.
        last_s: When it was right for the last time, seconds since 1970; 0 if it never was.
    """

    method: str
    look: str
    validated: int
    refuted: int
    mean_score: float
    last_s: float

    @property
    def rate(self) -> Interval:
        """The success rate, as far as it is known."""
        return success_rate(self.validated, self.validated + self.refuted)

    def trust(self, confidence: float) -> float:
        """The probability that a learned look shows the right thing, 0 to 1.

        Args:
            confidence: With which the place was found where it was learned, 0 to 1.

        Returns:
            The mean of a beta distribution: what is believed before any trial counts like a few of them.
        """
        trials = self.validated + self.refuted
        return (_ORIGIN_WEIGHT * confidence + self.validated) / (_ORIGIN_WEIGHT + trials)


@dataclass(frozen=True, slots=True)
class TargetMemory:
    """What is remembered of one target.

    Attributes:
        tallies: One for each way in which it was found, the one that is surest to be right first.
        recent: Its last validated trials, the newest first.
    """

    tallies: tuple[Tally, ...]
    recent: tuple[Trial, ...]

    def of_look(self, look: str) -> Tally:
        """The tally of a learned look, by whichever method; one without any trial if it was never tried."""
        own = [tally for tally in self.tallies if tally.look == look]
        validated = sum(tally.validated for tally in own)
        return Tally(
            method=own[0].method if own else "",
            look=look,
            validated=validated,
            refuted=sum(tally.refuted for tally in own),
            mean_score=sum(tally.validated * tally.mean_score for tally in own) / max(1, validated),
            last_s=max((tally.last_s for tally in own), default=0.0),
        )


def success_rate(successes: int, trials: int) -> Interval:
    """Between what a success rate lies, with a probability of 95%.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
        Statistical Association 22, 1927: it holds for few trials, and for rates near 0 and 1.
    """
    if not trials:
        return Interval(0.0, 1.0)
    rate, square = successes / trials, _Z * _Z / trials
    middle = rate + square / 2
    reach = _Z * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials))
    low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
    return Interval(max(0.0, low) if successes else 0.0, min(1.0, high) if successes < trials else 1.0)


class TargetMemoryStore:
    """Keeps tallies in a SQLite database. What has been added is there after a crash, all of it or none.

    Args:
        path: The file, made with its folder if needed; None for one in memory, which ends with the program.

    Raises:
        StoreError: It cannot be opened: it is damaged, of a later release, or the folder refuses it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        with self._faults("opened"):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._opened()

    def add(self, trials: Iterable[Trial]) -> None:
        """Take trials in, all or none.

        Raises:
            StoreError: They cannot be written.
        """
        with self._faults("written"), self._change():
            for trial in trials:
                self._count(trial)
                if trial.is_validated:
                    self._remember(trial)

    def keep_looks(self, looks: Iterable[str]) -> None:
        """Forget the tallies of all learned looks but these.

        Raises:
            StoreError: It cannot be written.
        """
        kept = set(looks)
        with self._faults("written"), self._change():
            known = self._database.execute("SELECT DISTINCT look FROM tally WHERE look != ''").fetchall()
            gone = [each for each in known if each[0] not in kept]
            self._database.executemany("DELETE FROM tally WHERE look = ?", gone)

    def of(self, target: str) -> TargetMemory:
        """What is remembered of a target; nothing of one that was never found.

        Raises:
            StoreError: It cannot be read.
        """
        with self._faults("read"):
            rows = self._database.execute(
                "SELECT method, look, validated, refuted, score_sum, last_s FROM tally WHERE target = ?", (target,)
            ).fetchall()
            recent = self._database.execute(
                "SELECT step, run, at_s, method, look, score FROM recent WHERE target = ? ORDER BY number DESC",
                (target,),
            ).fetchall()
        tallies = [
            Tally(method, look, validated, refuted, score_sum / max(1, validated), last_s)
            for method, look, validated, refuted, score_sum, last_s in rows
        ]
        tallies.sort(key=lambda tally: (-tally.rate.low, -tally.last_s))
        trials = [
            Trial(target, step, run, at_s, method, look, score, is_validated=True)
            for step, run, at_s, method, look, score in recent
        ]
        return TargetMemory(tuple(tallies), tuple(trials))

    def targets(self) -> tuple[str, ...]:
        """The keys of all targets of which anything is remembered.

        Raises:
            StoreError: It cannot be read.
        """
        with self._faults("read"):
            rows = self._database.execute("SELECT DISTINCT target FROM tally ORDER BY target").fetchall()
        return tuple(target for (target,) in rows)

    @property
    def version(self) -> int:
        """The number of the version that it belongs to; 0 before there is one.

        Raises:
            StoreError: It cannot be read.
        """
        with self._faults("read"):
            (version,) = self._database.execute("SELECT version FROM belongs").fetchone()
        return int(version)

    def belong_to(self, version: int) -> None:
        """Note to which version it belongs from now on.

        Raises:
            StoreError: It cannot be written.
        """
        with self._faults("written"):
            self._database.execute("UPDATE belongs SET version = ?", (version,))

    def to_bytes(self) -> bytes:
        """All of it, as a file of SQLite.

        Raises:
            StoreError: It cannot be read.
        """
        with self._faults("read"):
            return self._database.serialize()

    def become(self, raw: bytes, version: int) -> None:
        """Forget all, and remember what another one did; other processes see the one or the other, never a mixture.

        Args:
            raw: What `to_bytes` has given.
            version: To which version it belongs.

        Raises:
            StoreError: It cannot be read or written.
        """
        with self._faults("brought back"), closing(sqlite3.connect(":memory:")) as source:
            source.deserialize(raw)
            source.execute("UPDATE belongs SET version = ?", (version,))
            source.commit()
            source.backup(self._database)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _count(self, trial: Trial) -> None:
        """Count a trial."""
        score, at_s = (trial.score, trial.at_s) if trial.is_validated else (0.0, 0.0)
        self._database.execute(
            "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "validated = validated + excluded.validated, refuted = refuted + excluded.refuted, "
            "score_sum = score_sum + excluded.score_sum, last_s = max(last_s, excluded.last_s)",
            (trial.target, trial.method, trial.look, trial.is_validated, not trial.is_validated, score, at_s),
        )

    def _remember(self, trial: Trial) -> None:
        """Remember a validated trial, and forget what is too much."""
        self._database.execute(
            "INSERT INTO recent (target, method, look, step, run, at_s, score) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (trial.target, trial.method, trial.look, trial.step, trial.run, trial.at_s, trial.score),
        )
        self._database.execute(
            "DELETE FROM recent WHERE target = ? AND number <= ("
            "SELECT number FROM recent WHERE target = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (trial.target, trial.target, RECENT),
        )

    def _forget_targets(self) -> None:
        """Forget the targets that are too many, those first that were not needed for longest."""
        gone = self._database.execute(
            "SELECT target FROM tally GROUP BY target ORDER BY max(last_s) DESC, target LIMIT -1 OFFSET ?",
            (MOST_TARGETS,),
        ).fetchall()
        self._database.executemany("DELETE FROM tally WHERE target = ?", gone)
        self._database.executemany("DELETE FROM recent WHERE target = ?", gone)

    def _opened(self) -> sqlite3.Connection:
        """The database, with its tables."""
        database = sqlite3.connect(self._path or ":memory:", timeout=_WAIT_S, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        database.execute("COMMIT")
        if version > _SCHEMA_VERSION:
            raise StoreError(f"{self._path} was written by a later release of Steadyhand.", "Update Steadyhand.")
        return database

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Write, all or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._forget_targets()
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        """Turn the database's faults into ours."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The target memory {self._path or 'in memory'} cannot be {what}: {error}.",
                "Nothing is learned without it. Look whether the disk is full, the file damaged, or another program "
                "holds it; a version that was good can be restored.",
            ) from error
