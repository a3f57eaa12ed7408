"""What remembering costs: finding and adding a learned look among many, and looking up what worked for a target.

The looks are vectors of noise, each of a target of its own; the trials are spread evenly over all targets. CPU is that
of the thread that does it.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from steadyhand.bench.lines import Line
from steadyhand.clock import cpu_s
from steadyhand.memory.prototype_index import Origin, Prototype, PrototypeIndex, Shot
from steadyhand.memory.target_memory_store import TargetMemoryStore, Trial
from steadyhand.model.geometry import Box, Point
from steadyhand.perception.embedding import Descriptors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

LOOKS, TRIALS, TARGETS = 100_000, 1_000_000, 2_000
SEARCH_GOAL_MS, ADD_GOAL_MS, LOOK_UP_GOAL_MS = 10, 5, 1
_ASKED, _NEAREST, _AT_ONCE = 200, 5, 10_000
_SPACE = str(Descriptors().space)
_SHOT = Shot(b"noise", ())


def run(
    folder: Path,
    progress: Callable[[int, int], None] = lambda *_: None,
    looks: int = LOOKS,
    trials: int = TRIALS,
) -> list[Line]:
    """Measure it.

    Args:
        folder: Where the database may be, on the disk to measure.
        progress: Told how much is done, and of how much.
        looks: How many looks there are.
        trials: How many validated trials there are.
    """
    random, total = np.random.default_rng(0), looks + trials
    index = PrototypeIndex(most=looks + _ASKED)
    for number in range(looks):
        index.add(_look(random, number), _SHOT)
        if number % _AT_ONCE == 0:
            progress(number, total)
    searches = [_ms(lambda: index.nearest(_vector(random), _SPACE, _NEAREST)) for _ in range(_ASKED)]
    new = [_look(random, looks + number) for number in range(_ASKED)]
    adds = [_ms(partial(index.add, look, _SHOT)) for look in new]
    store = TargetMemoryStore(folder / "targets.db")
    for begin in range(0, trials, _AT_ONCE):
        store.add(map(_trial, range(begin, min(begin + _AT_ONCE, trials))))
        progress(looks + begin, total)
    asked = random.integers(TARGETS, size=_ASKED).tolist()
    look_ups = [_ms(partial(store.of, f"target {target}")) for target in asked]
    store.close()
    return [
        Line(f"search among {looks:,} looks, median", median(searches), "ms of CPU", SEARCH_GOAL_MS),
        Line(f"search among {looks:,} looks, worst of {_ASKED}", max(searches), "ms of CPU"),
        Line("adding a look to them, median", median(adds), "ms of CPU", ADD_GOAL_MS),
        Line(f"adding a look to them, worst of {_ASKED}", max(adds), "ms of CPU"),
        Line(f"look-up after {trials:,} validated trials, median", median(look_ups), "ms of CPU", LOOK_UP_GOAL_MS),
        Line(f"look-up after {trials:,} validated trials, worst of {_ASKED}", max(look_ups), "ms of CPU"),
    ]


def _ms(act: Callable[[], object]) -> float:
    """Milliseconds of CPU that something takes."""
    begin_s = cpu_s()
    act()
    return 1e3 * (cpu_s() - begin_s)


def _vector(random: np.random.Generator) -> NDArray[np.float32]:
    """A vector of length 1, float32, (128,)."""
    vector = random.normal(size=Descriptors().space.dimensions)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _look(random: np.random.Generator, number: int) -> Prototype:
    """A look of a target of its own."""
    box = Box(float(number), 0, 80, 24)
    return Prototype(
        target=f"target {number}",
        space=_SPACE,
        vector=tuple(_vector(random).tolist()),
        crop=b"noise",
        shot=_SHOT.id,
        point=Point(float(number), 12),
        box=box,
        text="Save",
        label="",
        values={},
        origin=Origin("run", "step", "som_text_match", 0.95, float(number)),
    )


def _trial(number: int) -> Trial:
    """A validated trial."""
    return Trial(
        f"target {number % TARGETS}", "step", f"run {number}", float(number), "prototype", "", 0.95, is_validated=True
    )
