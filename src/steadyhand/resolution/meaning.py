"""What words on an interface mean: which ones say the same, and which say the opposite.

The words are a table beside this module, `meanings.txt`, to be read, reviewed and extended. Vectors of meaning are not
used: measured on labels, they hold Enable and Disable to be more alike than Save and Enregistrer.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files

from steadyhand.perception.wording import fold, similarity, without_counts, without_icons, without_scrap

_FILLERS = frozenset(
    {"of", "the", "a", "an", "your", "my", "de", "du", "des", "la", "le", "les", "d", "l", "un", "une"}
)

_MEANT = 0.92
"""What other words for the same count: less than the same words, for the table may be wrong here."""


@lru_cache(maxsize=200_000)
def text_likeness(recorded: str, present: str) -> float:
    """How surely two folded texts name the same thing.

    Args:
        recorded: Folded text.
        present: Folded text.

    Returns:
        1 for the same words, a little less if a count behind them or an icon before them differs, or if they say the
        same in other words; 0 if one says the opposite of the other.
    """
    plain_recorded, plain_present = without_icons(recorded), without_icons(present)
    if are_opposites(plain_recorded, plain_present):
        return 0.0
    direct = max(similarity(recorded, present), 0.98 * similarity(plain_recorded, plain_present))
    bare_recorded, bare_present = without_counts(plain_recorded), without_counts(plain_present)
    uncounted = 0.9 * similarity(bare_recorded, bare_present)
    unscrapped = 0.85 * similarity(without_scrap(bare_recorded), without_scrap(bare_present))
    meant = _MEANT if mean_the_same(plain_recorded, plain_present) else 0.0
    return max(direct, uncounted, unscrapped, meant)


@lru_cache(maxsize=50_000)
def mean_the_same(left: str, right: str) -> bool:
    """Whether two texts say the same in other words.

    Args:
        left: Folded text.
        right: Folded text.
    """
    one, other = _words(left), _words(right)
    if not one or not other:
        return False
    if sorted(one) == sorted(other):
        return True
    same, _ = _table()
    return bool(same.get(one, set()) & same.get(other, set()))


@lru_cache(maxsize=50_000)
def are_opposites(left: str, right: str) -> bool:
    """Whether one text says the opposite of the other.

    Args:
        left: Folded text.
        right: Folded text.
    """
    _, sides = _table()
    one, other = sides.get(_words(left), set()), sides.get(_words(right), set())
    return any((number, not side) in other for number, side in one)


@lru_cache(maxsize=50_000)
def key(text: str) -> str:
    """The same for all texts that mean the same, as far as one line of the table tells; else the text's own letters.

    Args:
        text: Folded text.
    """
    same, _ = _table()
    numbers = same.get(_words(text))
    return f"={min(numbers)}" if numbers else text.replace(" ", "")


def lengths(text: str) -> set[int]:
    """How many letters each way of saying the same has, the text itself included.

    Args:
        text: Folded text.
    """
    same, _ = _table()
    mine = same.get(_words(text), set())
    ways = [way for way, numbers in same.items() if numbers & mine]
    return {len(text.replace(" ", "")), *(sum(map(len, way)) for way in ways)}


@lru_cache(maxsize=50_000)
def _words(text: str) -> tuple[str, ...]:
    """The words that carry the meaning, in the singular."""
    words = re.findall(r"[^\W_]+", text.replace("e-mail", "email").replace("-", ""))
    carrying = [word for word in words if word not in _FILLERS] or words
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in carrying
    )


@cache
def _table() -> tuple[dict[tuple[str, ...], set[int]], dict[tuple[str, ...], set[tuple[int, bool]]]]:
    """The meanings of each way of saying something, and the sides of opposites on which it stands."""
    same: dict[tuple[str, ...], set[int]] = {}
    sides: dict[tuple[str, ...], set[tuple[int, bool]]] = {}
    text = (files("steadyhand.resolution") / "meanings.txt").read_text("utf-8")
    for number, line in enumerate(text.splitlines()):
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("!"):
            for is_first, half in zip((True, False), line[1:].split("<>"), strict=True):
                for way in half.split("|"):
                    sides.setdefault(_words(fold(way)), set()).add((number, is_first))
        else:
            for way in line.split("|"):
                same.setdefault(_words(fold(way)), set()).add(number)
    return same, sides
