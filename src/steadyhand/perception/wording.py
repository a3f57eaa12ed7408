"""Comparing what was read: which differences are the reader's, or the typographer's, and which are real.

*Folded* text has no case, no accents, no ellipsis and single spaces: what is left is what a person would call the same
words. A *confusion* is a letter that readers take for another one (0/O, l/1/I, rn/m). An *identifier* is a word with a
digit in it: two of them that differ are two things, however alike they look.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rapidfuzz.distance import Indel

_SPACES = re.compile(r"\s+")
_ENDINGS = re.compile(r"[\s.,:;!?*…]+$|(?<=\w)\s?[>›»]$")
_VARIANTS = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00ad": None, "œ": "oe", "æ": "ae"}
)
_CONFUSED = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "!": "l", "5": "s", "8": "b"})

_COUNT = re.compile(r"[(\[]\d{1,3}\+?[)\]]|\d{1,3}\+")
_CONFUSION_SIMILARITY = 0.95
_LEAST_LETTERS = 4
_LEAST_SIMILARITY = 0.85
"""Below this share of common letters two texts differ by more than readers do. Source: a decision; Close and Clone,
Amount and Net amount share less."""


@lru_cache(maxsize=50_000)
def fold(text: str) -> str:
    """Text without case, accents, closing punctuation, typographic variants and superfluous space."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(_VARIANTS))
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return _ENDINGS.sub("", _SPACES.sub(" ", bare.casefold())).strip()


@lru_cache(maxsize=200_000)
def similarity(left: str, right: str) -> float:
    """How surely two folded texts are the same words, 0 to 1.

    Args:
        left: Folded text.
        right: Folded text.

    Returns:
        1 for the same text but for spacing; 0.95 if only letters that readers confuse differ, and no digit stands
        against another digit; less for other small differences; 0 for different words, and whenever an identifier
        differs or is missing.
    """
    is_one_numbered = _is_numbered(left) != _is_numbered(right)
    has_lone_number = is_one_numbered and any(word.isdigit() for word in (*left.split(), *right.split()))
    left, right = left.replace(" ", ""), right.replace(" ", "")
    if left == right:
        return 1.0 if left else 0.0
    if not left or not right or _digits_differ(left, right) or has_lone_number:
        return 0.0
    if _unconfused(left) == _unconfused(right):
        return _CONFUSION_SIMILARITY
    if is_one_numbered or min(len(left), len(right)) < _LEAST_LETTERS:
        return 0.0
    return 0.9 * float(Indel.normalized_similarity(left, right, score_cutoff=_LEAST_SIMILARITY))


def _is_numbered(folded: str) -> bool:
    """Whether a number is a part of the name."""
    return any(map(str.isdigit, without_counts(folded)))


def _unconfused(compact: str) -> str:
    """Compact text with all letters that readers confuse brought to one of them."""
    return compact.translate(_CONFUSED).replace("rn", "m").replace("vv", "w")


def _digits_differ(left: str, right: str) -> bool:
    """Whether the digits of two texts are different ones, so that they are different things."""
    numbers_left, numbers_right = re.findall(r"\d+", left), re.findall(r"\d+", right)
    return bool(numbers_left and numbers_right) and numbers_left != numbers_right


@lru_cache(maxsize=50_000)
def without_counts(folded: str) -> str:
    """Folded text without the counts in it, such as `(12)` and `99+`; all of it if there is nothing else.

    A plain number is a part of the name, as in `page 2`.
    """
    kept = [word for word in folded.split() if not _COUNT.fullmatch(word)]
    return " ".join(kept) or folded


@lru_cache(maxsize=50_000)
def without_icons(folded: str) -> str:
    """Folded text without single letters at its ends, and single digits at its beginning: icons that were read as such.

    A number at the end stays, for it may be what tells one thing from the next.
    """
    words = folded.split()
    while len(words) > 1 and len(words[0]) == 1:
        words = words[1:]
    while len(words) > 1 and len(words[-1]) == 1 and words[-1].isalpha():
        words = words[:-1]
    return " ".join(words)


@lru_cache(maxsize=50_000)
def without_scrap(folded: str) -> str:
    """Folded text without a first word of two letters, which may be an icon too; words that say no stay."""
    first, _, rest = folded.partition(" ")
    return rest if len(first) <= _SCRAP_LETTERS and first not in _DENIALS and len(rest) > _SCRAP_LETTERS else folded


_SCRAP_LETTERS = 2
_DENIALS = frozenset({"no", "ne", "un", "up", "on", "in", "re"})
_VALUE = re.compile(r"[\W\d_]*(?:\d[\W\d_]*)(?:(?:[ap]\.?m|eur|usd|gbp|k|m|h|min|kb|mb|gb)[\W\d_]*)?")
_NUMBER = re.compile(r"\D*#\D*\d+\D*|[(\[]?\d{4,}[)\]]?|\d+-\d{3,}|\d{3,}-\d+")
"""A number that names something: with its sign, of more digits than a count has, or parted as no date is."""
_MONTHS = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|fevr|mars|avr|mai|juin|juil|aout|sept)[a-z]*\b"
)


@lru_cache(maxsize=50_000)
def is_value(folded: str) -> bool:
    """Whether a text is an amount, a count, a date or a time, which change while the thing beside them stays the same.

    Args:
        folded: Folded text. `INV-2047` is no value, and neither are `4616` and `#12`: letters, a sign, and more
            digits than a count has make an identifier of a number.
    """
    bare = _MONTHS.sub("", folded)
    if bare == folded and _NUMBER.fullmatch(folded):
        return False
    return bool(_VALUE.fullmatch(bare) or folded.endswith(" ago"))


_IDENTIFIER_LETTERS, _IDENTIFIER_WORDS = 3, 2


@lru_cache(maxsize=50_000)
def identifier_form(folded: str) -> str:
    """How an identifier is made, each digit a `#`: two different ones of the same form name two different things.

    Args:
        folded: Folded text.

    Returns:
        Such as `inv-####`; empty if the text is no identifier: it has no digit, is a value, is short, or a sentence.
    """
    name = without_counts(folded)
    is_short = len(name) < _IDENTIFIER_LETTERS or len(name.split()) > _IDENTIFIER_WORDS
    if is_short or is_value(name) or not any(map(str.isdigit, name)) or _COUNT.fullmatch(name):
        return ""
    return re.sub(r"\d", "#", name)
