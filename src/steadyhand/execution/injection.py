"""Failures that are made to happen, to see what follows from them: for tests, and never by themselves.

An *injection* names a trigger, a step and how often. A failure that is injected touches nothing: the step is not
carried out, and ends as if its trigger had come about. `LOW_CONFIDENCE` is no failure: the step is carried out, on a
target that counts as only just found.

Written as text it is ``TRIGGER@STEP``, each time; ``TRIGGER@STEP:3``, the first three times that the step is taken; or
``TRIGGER@STEP:25%``, a quarter of the times, evenly spread: each fourth time. An `Injector` counts over all runs that
it is given to.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from steadyhand.errors import ConfigError
from steadyhand.model.outcome import Found, Method, Trigger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steadyhand.model.workflow import Workflow

_FORM = re.compile(r"(?P<trigger>[^@]*)@(?P<step>[^:@]+)(?::(?P<often>.*))?")
_OFTEN = re.compile(r"(?P<count>[1-9]\d{0,5})(?P<percent>%?)", re.ASCII)
_NEED_A_TARGET = (Trigger.TARGET_NOT_FOUND, Trigger.TARGET_AMBIGUOUS, Trigger.LOW_CONFIDENCE)
NAMES: dict[str, Trigger] = {trigger.lower(): trigger for trigger in Trigger}
"""What each trigger is called in an injection that is written as text."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A failure that is made to happen.

    Attributes:
        trigger: Which one.
        step: The step, by its id.
        times: The first so many times; None for no end.
        percent: In so many of a hundred times, evenly spread, 1 to 100.
    """

    trigger: Trigger
    step: str
    times: int | None = None
    percent: int = 100

    @classmethod
    def parse(cls, text: str) -> Injection:
        """Read an injection that is written as text.

        Raises:
            ConfigError: It is none. The message names what is wrong, and what is allowed.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            raise ConfigError(
                f"The injection {text} is not of the form TRIGGER@STEP, TRIGGER@STEP:TIMES or TRIGGER@STEP:RATE%."
            )
        trigger, often = NAMES.get(form["trigger"].lower()), form["often"]
        if trigger is None:
            raise ConfigError(
                f"The trigger of the injection {text} is {form['trigger'] or 'empty'}; allowed: {', '.join(NAMES)}."
            )
        if often is None:
            return cls(trigger, form["step"])
        how = _OFTEN.fullmatch(often)
        if how is None or (how["percent"] and int(how["count"]) > 100):  # noqa: PLR2004  that is what percent means
            raise ConfigError(
                f"How often the injection {text} is to happen is {often or 'empty'}; allowed: a number of times from 1 "
                "to 999999, or a rate from 1% to 100%."
            )
        if how["percent"]:
            return cls(trigger, form["step"], percent=int(how["count"]))
        return cls(trigger, form["step"], times=int(how["count"]))

    def is_due(self, visit: int) -> bool:
        """Whether it happens when its step is taken for the `visit`-th time, counted from 1."""
        if self.times is not None and visit > self.times:
            return False
        return visit * self.percent // 100 > (visit - 1) * self.percent // 100


class Injector:
    """Says which failure is due, and counts. Give one to all runs that are to be counted together.

    Args:
        injections: Of two that are due at once, the first happens.
    """

    def __init__(self, injections: Iterable[Injection]) -> None:
        self._injections = tuple(injections)
        self._visits: Counter[str] = Counter()

    def check(self, workflow: Workflow) -> None:
        """See whether every injection can happen in a workflow.

        Raises:
            ConfigError: Some cannot. `problems` lists them all.
        """
        targets = {step.id: getattr(step, "target", None) for step in workflow.steps}
        problems = [
            f"step is {each.step}; allowed: {', '.join(targets)}"
            if each.step not in targets
            else f"{each.trigger.lower()} is for step {each.step}, which has no target; allowed: other triggers"
            for each in self._injections
            if each.step not in targets or (each.trigger in _NEED_A_TARGET and targets[each.step] is None)
        ]
        if problems:
            raise ConfigError(f"Some failures cannot be injected into {workflow.name}:", problems=problems)

    def next(self, step_id: str) -> Trigger | None:
        """What is due now that a step is taken; None if nothing is."""
        self._visits[step_id] += 1
        due = (each for each in self._injections if each.step == step_id and each.is_due(self._visits[step_id]))
        return next((each.trigger for each in due), None)


NOTE = "Injected: the step was not carried out."
"""What a report says of an injected failure."""

DOUBT_NOTE = "Injected: its target counts as only just found."
"""What a report says of an injected doubt."""


def only_just_found(found: Found) -> Found:
    """The same place, healed and with as little confidence as was demanded; what spoke for it is left out."""
    least = found.thresholds.found_from if found.thresholds else found.confidence
    return replace(found, confidence=least, method=Method.SOM_TEXT_MATCH, candidates=())
