"""The dose decision of one stay, as the ward keeps it: what changed, which doses were held.

A dose that falls due while the decision is hold or discontinue counts as held. When to look is `alerts.rounds`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streaming.commands import Sign
from streaming.criteria.attention import INTERVAL, Changes
from streaming.criteria.criterion import DosingProfile
from streaming.criteria.decision import Decision, DecisionBook, NextDose, SignatureRefused
from streaming.criteria.kinds import Leaf
from streaming.durations import NEVER_DUE_MS
from streaming.therapy.infusion_news import INFUSIONS
from streaming.therapy.patient_facts import PatientFacts

HOLDING = frozenset({Decision.HOLD, Decision.DISCONTINUE})


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseChanged:
    """A dose began, ended, was held or missed. An effect."""

    at_ms: int
    admission_id: str
    row: dict[str, Any]
    """As `DoseRecord.rows` gives it; instants in milliseconds."""


class DoseDesk:
    """Decision and doses of one stay."""

    def __init__(self, admission_id: str, profile: DosingProfile, facts: PatientFacts, now_ms: int) -> None:
        self.book = DecisionBook(admission_id, profile, now_ms, facts)
        self.facts = facts
        self.due_ms = now_ms
        """When time alone may change something."""
        self._doses_due_ms = now_ms
        """When time alone may change a dose."""
        self._told: dict[tuple[int | None, int | None], str] = {}

    @property
    def leaves(self) -> list[Leaf]:
        """What the criteria ask about the patient."""
        return [leaf for state in self.book.states for leaf in state.leaves]

    def look(self, now_ms: int, changed: Changes | None = None) -> list[object]:
        """Look at the patient anew; the effects.

        Args:
            now_ms: When.
            changed: What has changed since the last look; None when that is not known.
        """
        facts = self.facts
        facts.now_ms = now_ms
        decided = self.book.update(facts, changed)
        effects: list[object] = [decided] if decided is not None else []
        if (
            decided is not None
            or changed is None
            or INFUSIONS in changed
            or INTERVAL in changed
            or now_ms >= self._doses_due_ms
        ):
            if self._note_held(now_ms):
                decided = self.book.update(facts, (INTERVAL,))
                effects += [decided] if decided is not None else []
            effects += self._doses_changed(now_ms)
            self._doses_due_ms = self._next_dose_change_ms(now_ms)
        self.due_ms = min(self.book.due_ms(facts), self._doses_due_ms)
        return effects

    def sign(self, command: Sign, now_ms: int) -> list[object] | SignatureRefused:
        """Take a signature; the effects, or why not."""
        self.facts.now_ms = now_ms
        signed = self.book.sign(self.facts, Decision(command.decision), command.reason, command.actor)
        if isinstance(signed, SignatureRefused):
            return signed
        self.due_ms = min(self.book.due_ms(self.facts), self._doses_due_ms)
        return [signed.changed] if signed.changed is not None else []

    def view(self, now_ms: int) -> dict[str, Any]:
        """The answer to `GET …/dose-decision`."""
        self.facts.now_ms = now_ms
        upcoming = self.facts.infusions.doses.next_due(now_ms)
        next_dose = NextDose(number=upcoming[0], due_ms=upcoming[1]) if upcoming is not None else None
        return dict(self.book.view(self.facts, next_dose))

    def dose_rows(self, now_ms: int) -> list[dict[str, Any]]:
        """Every dose begun, held, missed or due; instants in milliseconds."""
        self.facts.now_ms = now_ms
        return self.facts.infusions.doses.rows(now_ms)

    @property
    def dose_count(self) -> int:
        """Doses begun in this cycle."""
        return len(self.facts.infusions.doses.of_cycle)

    def _note_held(self, now_ms: int) -> bool:
        doses = self.facts.infusions.doses
        upcoming = doses.next_due(now_ms)
        if upcoming is None or now_ms < upcoming[1] or self.book.decision not in HOLDING:
            return False
        self.facts.hold_dose(upcoming[0], now_ms)
        return True

    def _doses_changed(self, now_ms: int) -> list[DoseChanged]:
        doses = self.facts.infusions.doses
        if doses.order is None and not doses.all:
            return []
        changed = []
        for row in doses.rows(now_ms):
            key = (row["number"], row["started_ms"])
            if self._told.get(key, "due") != row["status"]:
                self._told[key] = row["status"]
                changed.append(DoseChanged(at_ms=now_ms, admission_id=self.book.admission_id, row=row))
        return changed

    def _next_dose_change_ms(self, now_ms: int) -> int:
        doses = self.facts.infusions.doses
        upcoming = doses.next_due(now_ms)
        dues = [doses.due_ms(now_ms), upcoming[1] if upcoming is not None and upcoming[1] > now_ms else None]
        return max(now_ms + 1, min((due for due in dues if due is not None), default=NEVER_DUE_MS))
