"""Learned looks of targets, and the index in which they are found by likeness.

A *prototype* is a look that a target had when a step was validated: its picture, its vector, what was written on it and
what names it, and the *shot*, the whole screen on which it stood, so that it can be compared like a recorded look.
Prototypes and shots never change once they are kept; they are named by their content, and shared where they are equal.

The *index* of a workflow holds the vectors of its prototypes (FAISS). The vectors in the files of the prototypes are
the truth: an index that does not agree with them is made anew from them. Files here are names with bytes; how they get
to the disk, whole or not at all, is for `steadyhand.memory.versioned_store` to say.

The look of a target is learned once. A *duplicate* says the same, looks the same and stands among the same texts in the
same places: it is merged into the prototype that is there. What is too much is *retired*, the least worthy first. A
look that is *banned*, and whatever is a duplicate of it, is never learned again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import faiss
import numpy as np
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from steadyhand.errors import StoreError
from steadyhand.files import content_hash
from steadyhand.model.geometry import Box, Point  # noqa: TC001  pydantic reads the annotations of Prototype
from steadyhand.model.workflow import Landmark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

MOST_OF_A_TARGET = 6
"""How many looks of one target are kept. Source: a decision; one robot meets a few releases, themes and sizes of an
application at a time, and each look more is one more thing to compare with."""

MOST_OF_A_WORKFLOW = 512
"""How many looks of one workflow are kept. Source: a decision; a hundred targets with five looks each."""

_ALIKE = 0.95
"""From this likeness on, two looks that say the same are the same. Source: measured on drawn buttons; one that is cut
out a pixel beside has 0.95 to 0.96, two pixels beside 0.84, one in another theme 0.60."""

_SAME_TEXTS, _SAME_PLACES = 0.8, 0.7
"""So much of what is written on both screens is the same, and so much of that in the same place, beside a duplicate."""

_STILL_PX = 2.0
"""Boxes of words that were read twice differ by a pixel; what has moved by more is not seen as it was."""
_ID_DIGITS = 15
"""Of the 16 hexadecimal digits of a name, as many as fit into the 63 bits that FAISS has for one."""

_FORMAT = 1
_CATALOGUE_FILE, _INDEX = "catalogue.json", "vectors.faiss"
_RESTORE = "Restore a version that was good; what was learned since then is learned again."


Files = Mapping[str, bytes]
"""Files by their names: paths with slashes, below some folder."""


class Shot(NamedTuple):
    """A whole screen on which targets were seen. No secret can be seen or read in it.

    Attributes:
        picture: A PNG, in shades of grey: that is all that comparing asks for.
        landmarks: Everything that is written on it.
    """

    picture: bytes
    landmarks: tuple[Landmark, ...]

    @property
    def id(self) -> str:
        """Its name: a hash of its content."""
        return content_hash(self.picture + _LANDMARKS.dump_json(self.landmarks))


_LANDMARKS = TypeAdapter(tuple[Landmark, ...])


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a prototype comes from.

    Attributes:
        run: The run that learned it.
        step: Its step, by id.
        method: What had found the target.
        confidence: With which probability, 0 to 1.
        at_s: When, seconds since 1970.
    """

    run: str
    step: str
    method: str
    confidence: float
    at_s: float


@dataclass(frozen=True)
class Prototype:
    """A learned look of a target.

    Attributes:
        target: The key of the target.
        space: The space of the vector, such as `descriptors/1/128`.
        vector: The look as numbers, of length 1.
        crop: The element alone, a PNG in colour.
        shot: The name of the screen on which it stood.
        point: Where it was acted on, frame space of the shot.
        box: The element, frame space of the shot.
        text: What was written on it.
        label: What named it from beside or above.
        values: The values of that run's parameters that are written on its screen, each by its parameter.
        origin: Where it comes from.
    """

    target: str
    space: str
    vector: tuple[float, ...]
    crop: bytes
    shot: str
    point: Point
    box: Box
    text: str
    label: str
    values: Mapping[str, str]
    origin: Origin

    @cached_property
    def id(self) -> str:
        """Its name: a hash of all but its origin, so that the same look has the same name whoever learns it."""
        numbers = [*map(float, (*self.vector, *self.point, *self.box))]
        words = [self.target, self.space, self.shot, self.text, self.label, *sorted(self.values.items())]
        return content_hash(json.dumps([numbers, words]).encode() + self.crop)


@dataclass(frozen=True, slots=True)
class Banned:
    """A look that must never be learned again.

    Attributes:
        id: The name of the prototype.
        target: The key of the target.
        space: The space of its vector.
        vector: The look as numbers, of length 1.
        text: What was written on it.
    """

    id: str
    target: str
    space: str
    vector: tuple[float, ...]
    text: str

    @staticmethod
    def of(prototype: Prototype) -> Banned:
        """What has to be known of a prototype, to know it again."""
        return Banned(prototype.id, prototype.target, prototype.space, prototype.vector, prototype.text)

    def bans(self, prototype: Prototype) -> bool:
        """Whether a prototype is this look again, or nearly."""
        if prototype.id == self.id:
            return True
        is_comparable = (prototype.target, prototype.space, prototype.text) == (self.target, self.space, self.text)
        return is_comparable and float(np.dot(prototype.vector, self.vector)) >= _ALIKE


class Kept(NamedTuple):
    """What has become of a look that was to be learned.

    Attributes:
        id: The prototype that stands for it now.
        is_new: It was not known before.
        retired: The prototypes that had to make room for it.
    """

    id: str
    is_new: bool
    retired: tuple[str, ...] = ()


class Nearest(NamedTuple):
    """A prototype that is near to a vector.

    Attributes:
        id: Its name.
        likeness: How alike the two looks are, -1 to 1.
    """

    id: str
    likeness: float


Worth = Callable[[Prototype], tuple[float, float]]
"""How much a prototype is worth: what is worth least is retired first."""


class PrototypeIndex:
    """The prototypes of one workflow, in memory, with their index. Not safe for several threads.

    Args:
        prototypes: The files of the prototypes, as `files` has given them; none for a workflow that has none.
        index: The file of the index, likewise.
        most: How many it holds at most.

    Attributes:
        was_rebuilt: The index that was kept did not agree with the prototypes, or was not there, and was made anew.

    Raises:
        StoreError: A file of the prototypes is missing, damaged, or of a later release.
    """

    def __init__(
        self, prototypes: Files | None = None, index: Files | None = None, most: int = MOST_OF_A_WORKFLOW
    ) -> None:
        self._most = most
        self._files = prototypes or {}
        self._known: dict[str, Prototype] = {}
        self._numbers: dict[int, str] = {}
        self._of_target: dict[str, list[str]] = {}
        self._shots: dict[str, Shot] = {}
        self._space = ""
        self._index: faiss.Index | None = None
        for name in self._catalogue():
            self._take_in(self._read(name))
        self.was_rebuilt = bool(self._known) and not self._reads_index((index or {}).get(_INDEX))
        if self.was_rebuilt:
            self._rebuild()

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, name: str) -> Prototype:
        """The prototype of a name."""
        return self._known[name]

    def __iter__(self) -> Iterator[Prototype]:
        """All prototypes, in the order in which they were learned."""
        return iter(self._known.values())

    def of(self, target: str) -> tuple[Prototype, ...]:
        """The learned looks of a target, the oldest first."""
        return tuple(self._known[name] for name in self._of_target.get(target, ()))

    def shot(self, name: str) -> Shot:
        """The screen of a name.

        Raises:
            StoreError: Its files are missing or damaged.
        """
        if name not in self._shots:
            picture, landmarks = self._raw(f"shots/{name}.png"), self._raw(f"shots/{name}.json")
            try:
                shot = Shot(picture, _LANDMARKS.validate_json(landmarks))
            except ValidationError:
                raise _damaged(f"shots/{name}.json") from None
            if shot.id != name:
                raise _damaged(f"shots/{name}.png")
            self._shots[name] = shot
        return self._shots[name]

    def nearest(self, vector: NDArray[np.float32], space: str, limit: int, target: str = "") -> list[Nearest]:
        """The prototypes that look most like something.

        Args:
            vector: The look, float32, (dimensions,), of length 1.
            space: The space of the vector.
            limit: How many at most.
            target: Of this target alone; of all if empty.

        Raises:
            StoreError: The vectors of the index are of another space.
        """
        names = self._of_target.get(target, []) if target else self._known
        if self._index is None or not names:
            return []
        self._require(space)
        chosen = None
        if target:
            numbers = np.array([_number(name) for name in names], np.int64)
            chosen = faiss.SearchParameters(sel=faiss.IDSelectorBatch(numbers))  # type: ignore[call-arg]  # its wrapper takes it
        likenesses, numbers = self._index.search(vector[np.newaxis], min(limit, len(names)), params=chosen)
        return [
            Nearest(self._numbers[number], float(each))
            for each, number in zip(likenesses[0], numbers[0].tolist(), strict=True)
        ]

    def add(
        self,
        prototype: Prototype,
        shot: Shot,
        *,
        banned: Iterable[Banned] = (),
        worth: Worth = lambda prototype: (0.0, prototype.origin.at_s),
    ) -> Kept | None:
        """Learn a look.

        Args:
            prototype: The look.
            shot: The screen on which it stood.
            banned: Looks that must never be learned again.
            worth: How much each prototype is worth. The new one is never retired.

        Returns:
            What stands for the look now; None if it is banned.

        Raises:
            StoreError: Its vector is of another space than those of the index.
        """
        assert prototype.shot == shot.id, "a look stands on its own screen"
        self._require(prototype.space, len(prototype.vector))
        if any(each.bans(prototype) for each in banned):
            return None
        twin = self._duplicate_of(prototype, shot)
        if twin is not None:
            return Kept(twin, is_new=False)
        self._take_in(prototype)
        self._shots[shot.id] = shot
        self._put_into_index([prototype])
        retired: list[str] = []
        for most, among in ((MOST_OF_A_TARGET, self._of_target[prototype.target]), (self._most, self._known)):
            if len(among) > most:
                retired.append(self._retire([name for name in among if name != prototype.id], worth))
        return Kept(prototype.id, is_new=True, retired=tuple(retired))

    def files(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """The files of the prototypes, and that of the index: the same as ever for what was there before."""
        plain = {"format": _FORMAT, "prototypes": list(self._known)}
        prototypes = {_CATALOGUE_FILE: json.dumps(plain, indent=1).encode()}
        for prototype in self:
            path = f"looks/{prototype.id}"
            prototypes[f"{path}.json"] = _PROTOTYPE.dump_json(prototype, exclude={"crop"})
            prototypes[f"{path}.png"] = prototype.crop
        for name in sorted({prototype.shot for prototype in self}):
            shot = self.shot(name)
            prototypes[f"shots/{name}.png"] = shot.picture
            prototypes[f"shots/{name}.json"] = _LANDMARKS.dump_json(shot.landmarks)
        return prototypes, {} if self._index is None else {_INDEX: faiss.serialize_index(self._index).tobytes()}

    # ---------------------------------------------------------------------------------------------------- in memory

    def _take_in(self, prototype: Prototype) -> None:
        """Know a prototype."""
        self._require(prototype.space, len(prototype.vector))
        self._space = prototype.space
        number = _number(prototype.id)
        assert number not in self._numbers, "two names that share 60 bits are one name"
        self._known[prototype.id] = prototype
        self._numbers[number] = prototype.id
        self._of_target.setdefault(prototype.target, []).append(prototype.id)

    def _require(self, space: str, dimensions: int = 0) -> None:
        """Let no vectors of different spaces meet."""
        if self._known and space != self._space:
            raise StoreError(
                f"The learned looks are vectors of {self._space}, and {space} is another space.",
                "Vectors of different embedders say nothing about each other: learn in a folder of its own.",
            )
        assert not dimensions or self._index is None or dimensions == self._index.d, "a space has its dimensions"

    def _duplicate_of(self, prototype: Prototype, shot: Shot) -> str | None:
        """The prototype that shows the same already."""
        if prototype.id in self._known:
            return prototype.id
        vector = np.array(prototype.vector, np.float32)
        for near in self.nearest(vector, prototype.space, MOST_OF_A_TARGET, prototype.target):
            other = self._known[near.id]
            says_same = (other.text, other.label, set(other.values)) == (
                prototype.text,
                prototype.label,
                set(prototype.values),
            )
            if near.likeness >= _ALIKE and says_same and _are_alike((prototype, shot), (other, self.shot(other.shot))):
                return near.id
        return None

    def _retire(self, names: list[str], worth: Worth) -> str:
        """Forget the least worthy of some prototypes; its name."""
        least = min((self._known[name] for name in names), key=worth)
        del self._known[least.id], self._numbers[_number(least.id)]
        self._of_target[least.target].remove(least.id)
        assert self._index is not None, "what is known is in the index"
        self._index.remove_ids(faiss.IDSelectorBatch(np.array([_number(least.id)], np.int64)))
        return least.id

    def _put_into_index(self, prototypes: Sequence[Prototype]) -> None:
        """Put the vectors of prototypes into the index."""
        vectors = np.array([prototype.vector for prototype in prototypes], np.float32)
        if self._index is None:
            self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        self._index.add_with_ids(vectors, np.array([_number(each.id) for each in prototypes], np.int64))

    def _rebuild(self) -> None:
        """Make the index anew from the prototypes."""
        self._index = None
        self._put_into_index(list(self))

    # ---------------------------------------------------------------------------------------------------- from files

    def _catalogue(self) -> list[str]:
        """The names of the prototypes that are kept."""
        if not self._files:
            return []
        try:
            plain = _CATALOGUE.validate_json(self._raw(_CATALOGUE_FILE))
        except ValidationError:
            raise _damaged(_CATALOGUE_FILE) from None
        if plain["format"] > _FORMAT:
            raise StoreError("What was learned was written by a later release of Steadyhand.", "Update Steadyhand.")
        return plain["prototypes"]

    def _read(self, name: str) -> Prototype:
        """A prototype as it was written."""
        plain, crop = self._raw(f"looks/{name}.json"), self._raw(f"looks/{name}.png")
        try:
            prototype = _PROTOTYPE.validate_python({**json.loads(plain), "crop": crop})
        except (TypeError, ValueError):
            raise _damaged(f"looks/{name}.json") from None
        if prototype.id != name:
            raise _damaged(f"looks/{name}.json")
        return prototype

    def _raw(self, name: str) -> bytes:
        """The content of a file of the prototypes."""
        try:
            return self._files[name]
        except KeyError:
            raise _damaged(name) from None

    def _reads_index(self, raw: bytes | None) -> bool:
        """Read the index; whether it agrees with the prototypes."""
        try:
            index = faiss.deserialize_index(np.frombuffer(raw or b"", np.uint8))
        except RuntimeError:
            return False
        if not isinstance(index, faiss.IndexIDMap2) or index.ntotal != len(self._known):
            return False
        numbers = faiss.vector_to_array(index.id_map)
        if set(numbers.tolist()) != set(self._numbers):
            return False
        vectors = index.index.reconstruct_n(0, index.ntotal)
        truth = np.array([self._known[self._numbers[number]].vector for number in numbers.tolist()], np.float32)
        if not np.array_equal(vectors, truth):
            return False
        self._index = index
        return True


class _Catalogue(TypedDict):
    """What names the prototypes of a workflow."""

    format: int
    prototypes: list[str]


_CATALOGUE = TypeAdapter(_Catalogue)
_PROTOTYPE = TypeAdapter(Prototype)


def _number(name: str) -> int:
    """The number that FAISS knows a prototype by."""
    return int(name[:_ID_DIGITS], 16)


def _damaged(file: str) -> StoreError:
    """A file that cannot be used."""
    return StoreError(f"The file {file} of what was learned is missing or damaged.", _RESTORE)


def _are_alike(mine: tuple[Prototype, Shot], theirs: tuple[Prototype, Shot]) -> bool:
    """Whether two looks stand among the same texts, and, if no value of a run tells their rows, in the same places.

    Numbers, dates and amounts change from day to day, and say nothing.
    """
    here, there = _words_around(*mine), _words_around(*theirs)
    shared = here.keys() & there.keys()
    if len(shared) < _SAME_TEXTS * max(len(here), len(there)):
        return False
    still = sum(max(abs(a - b) for a, b in zip(here[text], there[text], strict=True)) <= _STILL_PX for text in shared)
    return bool(mine[0].values) or still >= _SAME_PLACES * len(shared)


def _words_around(prototype: Prototype, shot: Shot) -> dict[str, Point]:
    """Where each text without digits that its screen shows once stands, seen from the element."""
    center = prototype.box.center
    counts = Counter(mark.text for mark in shot.landmarks)
    return {
        mark.text: mark.box.center.shifted(-center.x, -center.y)
        for mark in shot.landmarks
        if counts[mark.text] == 1 and not any(map(str.isdigit, mark.text))
    }
