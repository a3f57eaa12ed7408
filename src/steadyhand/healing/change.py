"""One change of what the healing keeps: breakers, watches, approvals, and lines of the history.

All of a change is kept when it ends, or nothing of it. What was not touched is not written.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from steadyhand.errors import StoreError
from steadyhand.healing.circuit_breaker import CircuitBreaker
from steadyhand.healing.regression import RegressionWatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steadyhand.healing.breaker_events import BreakerEvent
    from steadyhand.healing.state_store import Records

_BREAKER, _APPROVAL, _WATCH = "breaker", "approval", "watch"


@dataclass(frozen=True, slots=True)
class Approval:
    """A step that cannot be undone, and that waits for a person or was approved by one.

    Attributes:
        workflow: Whose step it is.
        step: Which step.
        run: The run that asked.
        asked_s: When, seconds since 1970.
        by: Who approved it; empty while nobody has.
        approved_s: When, seconds since 1970.
    """

    workflow: str
    step: str
    run: str
    asked_s: float
    by: str = ""
    approved_s: float = 0.0


@dataclass
class Change:
    """One change of what is kept.

    Attributes:
        records: What is kept.
        known: Breakers that were read before, each with the text that it was made of.
        now_s: The time, seconds since 1970.
        happened: What happened so far.
        lines: The same and the approvals, as lines for the history.
    """

    records: Records
    known: dict[str, tuple[str, CircuitBreaker]]
    now_s: float
    happened: list[BreakerEvent] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)
    _touched: dict[str, tuple[CircuitBreaker, int]] = field(default_factory=dict)
    _watches: dict[str, tuple[RegressionWatch, str]] = field(default_factory=dict)

    def breaker(self, workflow: str) -> CircuitBreaker:
        """The breaker of a workflow, as it is kept; a new one if none is."""
        if workflow not in self._touched:
            text = self.records.get(_BREAKER, workflow)
            breaker = CircuitBreaker(workflow)
            if text is not None:
                breaker = self._read(workflow, text)
                self.known[workflow] = (text, breaker)
            self._touched[workflow] = (breaker, breaker.changes)
        return self._touched[workflow][0]

    def watch(self, workflow: str) -> RegressionWatch:
        """The watch over what a workflow learned, as it is kept; a new one if none is."""
        if workflow not in self._watches:
            text = self.records.get(_WATCH, workflow) or RegressionWatch().to_json()
            try:
                watch = RegressionWatch.from_json(text)
            except StoreError as error:
                raise StoreError(f"What is kept of workflow {workflow!r} is damaged. {error.message}") from None
            self._watches[workflow] = watch, text
        return self._watches[workflow][0]

    def breakers(self) -> Iterator[CircuitBreaker]:
        """Every breaker that is kept, in the order of the workflows, to look at."""
        for workflow, text in self.records.all(_BREAKER).items():
            yield self._read(workflow, text)

    def _read(self, workflow: str, text: str) -> CircuitBreaker:
        """What a text is about; the one that was made of the same text before, if there is one."""
        known = self.known.get(workflow)
        if known is not None and known[0] == text:
            return known[1]
        try:
            return CircuitBreaker.from_json(text)
        except StoreError as error:
            raise StoreError(f"What is kept of workflow {workflow!r} is damaged. {error.message}") from None

    def tell(self, happened: tuple[BreakerEvent, ...]) -> None:
        """Keep what happened for the history."""
        self.happened += happened
        for event in happened:
            self.note(type(event).__name__, asdict(event))

    def note(self, event: str, details: dict[str, object]) -> None:
        """Add a line to the history."""
        self.lines.append({"event": event, **details})

    def approval(self, workflow: str, step: str) -> Approval | None:
        """What is known of a step that waits for a person."""
        text = self.records.get(_APPROVAL, _name(workflow, step))
        return Approval(**json.loads(text)) if text else None

    def keep_approval(self, approval: Approval) -> None:
        """Keep that a step waits for a person, or was approved by one."""
        self.records.put(_APPROVAL, _name(approval.workflow, approval.step), json.dumps(asdict(approval)))

    def approvals(self) -> Iterator[Approval]:
        """The steps that wait for a person, or were approved by one."""
        return (Approval(**json.loads(text)) for text in self.records.all(_APPROVAL).values())

    def takes_approval(self, workflow: str, step: str, run: str, lasts_s: float) -> bool:
        """Use up the approval of a step; if there is none, note that it waits for one."""
        approval = self.approval(workflow, step)
        if approval and approval.by and 0 <= self.now_s - approval.approved_s <= lasts_s:
            self.records.remove(_APPROVAL, _name(workflow, step))
            self.note("ApprovalUsed", {"at_s": self.now_s, **asdict(approval), "run": run})
            return True
        if approval is None or approval.by:
            self.keep_approval(Approval(workflow, step, run, self.now_s))
        return False

    def keep(self, policy_version: str) -> None:
        """Keep every breaker that changed, and what happened."""
        for workflow, (breaker, changes) in self._touched.items():
            if breaker.changes != changes:
                text = breaker.to_json()
                self.records.put(_BREAKER, workflow, text)
                self.known[workflow] = (text, breaker)
        for workflow, (watch, was) in self._watches.items():
            if watch.to_json() != was:
                self.records.put(_WATCH, workflow, watch.to_json())
        for line in self.lines:
            self.records.note(json.dumps({**line, "policy": policy_version}))


def _name(workflow: str, step: str) -> str:
    """The name of an approval: no two steps have the same."""
    return json.dumps([workflow, step])
