"""What words on an interface mean: which ones say the same, and which say the opposite.

The words are a table beside this module, `meanings.txt`, to be read, reviewed and extended. Vectors of meaning are not
used: measured on labels, they hold Enable and Disable to be more alike than Save and Enregistrer.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files

from steadyhand.perception.wording import fold, similarity, without_counts, without_icons, without_scrap

_Part = tuple[str, ...]
_FILLERS = frozenset(
    {"of", "the", "a", "an", "your", "my", "de", "du", "des", "la", "le", "les", "d", "l", "un", "une"}
)

_TURNING = frozenset({"un", "de", "des", "dis", "in", "im", "non", "re", "anti", "mis", "not"})
"""Syllables that make another deed of one: locked and unlocked, activate and deactivate, send and resend."""

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
    """Whether two texts say the same in other words, part by part, in whatever order.

    Args:
        left: Folded text.
        right: Folded text.
    """
    if not _words(left) or not _words(right):
        return False
    mine, theirs = _unshared(left, right)
    return not mine and not theirs


@lru_cache(maxsize=50_000)
def are_opposites(left: str, right: str) -> bool:
    """Whether one text says the opposite of the other, or but for one part the same and there the opposite.

    Args:
        left: Folded text.
        right: Folded text.
    """
    mine, theirs = _unshared(left, right)
    return any(_are_opposite_parts(one, other) for one in mine for other in theirs)


@lru_cache(maxsize=50_000)
def key(text: str) -> str:
    """The same for all texts that mean the same, as far as the table tells; else the text's own letters.

    Args:
        text: Folded text.
    """
    same, _ = _table()
    parts = _parts(text)
    if not any(part in same for part in parts):
        return text.replace(" ", "")
    return "=" + " ".join(sorted(str(min(same[part])) if part in same else "".join(part) for part in parts))


def lengths(text: str) -> set[int]:
    """How many letters the shortest and the longest way of saying the same has, and the text itself.

    Args:
        text: Folded text.
    """
    same, _ = _table()
    shortest = longest = 0
    for part in _parts(text):
        numbers = same.get(part, set())
        ways = [sum(map(len, way)) for way, others in same.items() if others & numbers] or [sum(map(len, part))]
        shortest, longest = shortest + min(ways), longest + max(ways)
    mine = len(text.replace(" ", ""))
    return {mine, min(mine, shortest), max(mine, longest)}


def _unshared(left: str, right: str) -> tuple[list[_Part], list[_Part]]:
    """The parts of each text that have no counterpart in the other one."""
    same, _ = _table()
    mine, theirs = list(_parts(left)), list(_parts(right))
    for part in tuple(mine):
        meanings = same.get(part, set())
        other = next((each for each in theirs if each == part or meanings & same.get(each, set())), None)
        if other is not None:
            mine.remove(part)
            theirs.remove(other)
    return mine, theirs


def _are_opposite_parts(one: _Part, other: _Part) -> bool:
    """Whether two parts are opposites: by the table, or since one is the other with a syllable that turns it round."""
    _, sides = _table()
    if any((number, not side) in sides.get(other, set()) for number, side in sides.get(one, set())):
        return True
    shorter, longer = sorted(("".join(one), "".join(other)), key=len)
    return longer.endswith(shorter) and longer.removesuffix(shorter) in _TURNING


@lru_cache(maxsize=50_000)
def _parts(text: str) -> tuple[_Part, ...]:
    """A text in the longest parts that the table knows, word by word where it knows none."""
    same, sides = _table()
    words, parts = _words(text), []
    while words:
        length = next((n for n in range(len(words), 1, -1) if words[:n] in same or words[:n] in sides), 1)
        parts.append(words[:length])
        words = words[length:]
    return tuple(parts)


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
