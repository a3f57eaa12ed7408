"""What lies over the screen that the recording did not have, and the way out of it.

A *cover* is a panel (a cookie bar, a dialog, a tip) that was not there when the workflow was recorded. Its *way out* is
the one button on it that takes it away. Clicking a button that no workflow names is the boldest thing that a robot
does, so everything here says no unless all of it speaks for yes:

- the button's words are in one of the tables below, are on the screen just once, were not on the recorded screen, and
  are not the words of anything that the workflow itself acts on;
- the panel is mostly made of words that the recorded screen did not have;
- the panel names an interruption (cookies, a newsletter, a tour...), or it has put a veil over all the rest;
- nothing on it speaks of deleting, paying, sending or losing, unless the button declines just that.

A refusal comes before a closing, a closing before an acknowledgement, and consent is given last, only about cookies:
refusing commits nobody to anything, whereas consent is a person's to give; but where a wall of cookies offers nothing
else, whoever recorded the workflow went past it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import cv2
import numpy as np

from steadyhand.model.geometry import Box, Point
from steadyhand.perception.wording import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from steadyhand.perception.scene import Phrase, Scene
    from steadyhand.resolution.target import Target


class _Way(Enum):
    """What a button does to its panel; the order is the order of preference."""

    DECLINE = 1
    CLOSE = 2
    ACKNOWLEDGE = 3
    CONSENT = 4


_LABELS = {
    _Way.DECLINE: (
        "reject", "reject all", "reject all cookies", "decline", "decline all", "refuse", "refuse all", "deny",
        "deny all", "only necessary", "necessary only", "necessary cookies only", "only essential", "essential only",
        "use necessary cookies only", "no thanks", "no, thanks", "not now", "maybe later", "later", "remind me later",
        "skip", "skip tour", "skip for now",
        "refuser", "tout refuser", "refuser tout", "continuer sans accepter", "cookies necessaires uniquement",
        "non merci", "non, merci", "pas maintenant", "plus tard", "peut-etre plus tard", "me le rappeler plus tard",
        "passer", "ignorer",
    ),
    _Way.CLOSE: (
        "close", "dismiss", "got it", "got it!", "i understand", "understood", "x close",
        "fermer", "compris", "compris !", "j'ai compris", "c'est compris", "masquer",
    ),
    _Way.ACKNOWLEDGE: ("ok", "okay", "d'accord", "entendu"),
    _Way.CONSENT: (
        "accept", "accept all", "accept cookies", "accept all cookies", "accept & close", "accept and close", "agree",
        "i agree", "i accept", "allow all", "allow cookies", "allow all cookies",
        "accepter", "tout accepter", "accepter tout", "j'accepte", "accepter les cookies", "accepter et fermer",
        "tout autoriser", "autoriser",
    ),
}  # fmt: skip
"""The words on ways out, folded. Source: a curated table, English and French."""

_COOKIES = ("cookie", "consent", "traceur")
_INTERRUPTIONS = (
    *_COOKIES, "privacy", "newsletter", "subscri", "notification", "survey", "feedback", "tour", "welcome",
    "what's new", "new feature", "new version", "update available", "maintenance", "our app", "tip:",
    "vie privee", "confidentialite", "abonne", "enquete", "votre avis", "visite guidee", "bienvenue", "nouveaute",
    "nouvelle version", "mise a jour disponible", "notre application", "astuce",
)  # fmt: skip
"""Beginnings of words that only an interruption uses, folded. Source: a curated table, English and French."""

_RISKS = (
    "delet", "remov", "pay", "send", "submit", "confirm", "overwrit", "discard", "unsaved", "los", "approv", "sign",
    "supprim", "effac", "paie", "envoy", "valid", "ecras", "perd", "abandon", "non enregistr", "approuv", "retir",
)  # fmt: skip
"""Beginnings of words for what cannot be undone, folded. Source: a curated table, English and French."""

_LARGEST_SHARE = 0.6
"""Of the screen: what is larger is a page and no panel."""

_NEW_SHARE = 0.5
"""Of a panel's phrases: at least so many were not on the recorded screen."""

_GROUND_NOISE = 4


@dataclass(frozen=True, slots=True)
class Cover:
    """Something that lies over the screen and was not there when the workflow was recorded.

    Attributes:
        box: The panel, frame space.
        button: The words on its way out, frame space.
        label: What they say.
    """

    box: Box
    button: Box
    label: str


def find_cover(scene: Scene, target: Target, protected: Collection[str]) -> Cover | None:
    """Find what lies over the screen.

    Args:
        scene: The screen as it is now; all of it is read.
        target: What is looked for on it, with the screen on which it was recorded.
        protected: Words of everything that the workflow acts on; never taken for a way out.

    Returns:
        The cover with the best way out; None if there is none, or no way out that is surely safe.
    """
    known = {fold(text) for text in (target.text, target.label, *(mark.text for mark in target.landmarks))}
    taken = known | {fold(text) for text in protected}
    for way in _Way:
        for phrase in scene.phrases:
            if phrase.folded not in _LABELS[way] or phrase.folded in taken or _is_repeated(phrase, scene):
                continue
            has_veil = scene.dialog is not None and scene.dialog.encloses(phrase.box)
            for panel in _panels(scene, phrase.box):
                if _is_way_out(way, phrase, panel, known, scene, has_veil=has_veil):
                    return Cover(panel, phrase.box, phrase.text)
    return None


def _is_way_out(way: _Way, button: Phrase, panel: Box, known: Collection[str], scene: Scene, *, has_veil: bool) -> bool:
    """Whether all speaks for it that a button on a panel takes the panel away and does nothing else."""
    said = [phrase.folded for phrase in scene.phrases if phrase is not button and panel.contains(phrase.box.center)]
    if not said or sum(text not in known for text in said) < _NEW_SHARE * len(said):
        return False
    is_about_cookies = _mentions(said, _COOKIES)
    is_interruption = _mentions(said, _INTERRUPTIONS)
    is_risky = _mentions(said, _RISKS) and not is_about_cookies
    match way:
        case _Way.DECLINE:
            return is_interruption or has_veil
        case _Way.CLOSE:
            return (is_interruption or has_veil) and not is_risky
        case _Way.ACKNOWLEDGE:
            return is_interruption and not is_risky
        case _Way.CONSENT:
            return is_about_cookies and (has_veil or _is_at_edge(panel, scene.bounds))


def _mentions(said: Collection[str], stems: Collection[str]) -> bool:
    """Whether a word in these texts begins with one of the stems."""
    text = " " + " ".join(said)
    return any(f" {stem}" in text for stem in stems)


def _is_repeated(phrase: Phrase, scene: Scene) -> bool:
    """Whether the same words stand elsewhere too: then they belong to a list, not to a panel."""
    return sum(other.folded == phrase.folded for other in scene.phrases) > 1


def _is_at_edge(panel: Box, screen: Box) -> bool:
    """Whether a panel hangs on an edge of the screen, as bars do: within 4% of its size."""
    return not screen.grown(-0.04 * screen.width, -0.04 * screen.height).encloses(panel)


def _panels(scene: Scene, button: Box) -> Iterator[Box]:
    """Grounds on which a button may stand, the smallest first: of one colour, or with a drawn border."""
    borders = [box for box in scene.rectangles if box.encloses(button)]
    outline = min((box for box in borders if box.height <= 4 * button.height), key=lambda box: box.area, default=None)
    around = (outline or button.grown(0.8 * button.height)).grown(6)
    seeds = (
        Point(around.x, around.center.y),
        Point(around.right, around.center.y),
        Point(around.center.x, around.y),
        Point(around.center.x, around.bottom),
    )
    image = scene.image.copy()  # OpenCV asks for pixels that it might write to, although it does not
    grounds = [_ground(image, seed) for seed in seeds if scene.bounds.contains(seed, margin=-1)]
    panels = {
        box for box in (*borders, *grounds) if box.encloses(around) and box.area <= _LARGEST_SHARE * scene.bounds.area
    }
    yield from sorted(panels, key=lambda box: box.area)


def _ground(image: NDArray[np.uint8], seed: Point) -> Box:
    """The box around the area of one colour that a place belongs to."""
    height, width = image.shape[:2]
    mask = np.zeros((height + 2, width + 2), np.uint8)
    noise = (_GROUND_NOISE,) * 3
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    _, _, _, box = cv2.floodFill(image, mask, (int(seed.x), int(seed.y)), (0, 0, 0), noise, noise, flags)
    return Box(*box)
