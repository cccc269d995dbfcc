"""When to look at one stay: the dose criteria ask about a patient only when an answer may have changed.

A look is due when something was reported of which a criterion asks, when a continuous signal crosses a bound or comes
from elsewhere, and when time alone may change an answer; at most once a second, so that a burst costs one look. What
is not looked at is as it was: `streaming.criteria.attention` says why.
"""

from __future__ import annotations

from alerts.dosing import NEVER_DUE_MS, DoseDesk
from streaming.bed import Bed
from streaming.criteria.attention import Bands
from streaming.step import Step
from streaming.therapy.patient_facts import PatientFacts

LOOK_EVERY_MS = 1_000


class Rounds:
    """The looks at one stay. Instants are gateway milliseconds."""

    def __init__(self, facts: PatientFacts, desk: DoseDesk | None, now_ms: int) -> None:
        self.desk = desk
        """Decision and doses; None without dosing profiles."""
        self.due_ms = now_ms
        """When the next look is due, whatever is reported until then."""
        self._facts = facts
        self._next_look_ms = now_ms
        """No look before this."""
        self._bands = Bands(desk.leaves if desk is not None else (), facts.limits)

    def is_wanted(self, now_ms: int, bed: Bed) -> bool:
        """Whether what was reported is worth a look, now or as soon as one may be."""
        if not (self._facts.has_changed or self._bands.crossed(bed.slots)):
            return False
        self.due_ms = min(self.due_ms, max(now_ms, self._next_look_ms))
        return True

    def look_soon(self, now_ms: int) -> None:
        """A person did something, which is looked at at once."""
        self.due_ms = self._next_look_ms = now_ms

    def look(self, step: Step, bed: Bed) -> None:
        """Look, where it is time; what was found goes into the step."""
        now_ms, facts = step.now_ms, self._facts
        self.is_wanted(now_ms, bed)
        if now_ms < self.due_ms:
            return
        known = facts.take_changes(now_ms)
        crossed = self._bands.look(bed.slots)
        changed = None if known is None else [*known, *crossed]
        if self.desk is not None:
            step.effects += self.desk.look(now_ms, changed)
        self._next_look_ms = now_ms + LOOK_EVERY_MS
        due_ms = min(self.desk.due_ms if self.desk is not None else NEVER_DUE_MS, facts.changes_ms)
        self.due_ms = max(now_ms + 1, min(due_ms, self._next_look_ms) if facts.has_changed else due_ms)
