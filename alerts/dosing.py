"""The dose decision of one stay, as the ward keeps it: when to look, what changed, which doses were held.

The criteria are looked at when something happened at the bed, at most once a second, and when time alone may change
them. A dose that falls due while the decision is hold or discontinue counts as held.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

from streaming.bed import Bed
from streaming.commands import Sign
from streaming.criteria.criterion import DosingProfile
from streaming.criteria.decision import LOOK_MS, Decision, DecisionBook, NextDose, SignatureRefused
from streaming.criteria.kinds import Limit, leaves
from streaming.therapy.patient_facts import PatientFacts

LOOK_EVERY_MS = 1_000
SILENT_LOOK_MS = 10 * LOOK_MS
"""While nothing is reported only windows slide: what goes stale has its own instant."""
UNKNOWN = (-1, -1)
CONTINUOUS = frozenset({"hr", "map", "sbp", "dbp", "spo2", "rr", "cvp", "etco2"})
"""Reported each second: looked at when they cross a bound, and not each time."""
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
        self.book = DecisionBook(admission_id, profile, now_ms)
        self.facts = facts
        self.due_ms = now_ms
        """When time alone may change something."""
        self.next_look_ms = now_ms
        """Not before this is a message a reason to look."""
        self.is_heard = True
        """Whether something was reported since the last look."""
        self._bounds = _bounds(profile, facts)
        self._bands: list[tuple[int, int]] = []
        """Between which bounds each continuous signal lay at the last look."""
        self._told: dict[tuple[int | None, int | None], str] = {}

    def look(self, now_ms: int, bed: Bed) -> list[object]:
        """Look at the patient anew; the effects."""
        facts = self.facts
        self._bands = self._where(bed)
        facts.now_ms = now_ms
        effects: list[object] = []
        changed = self.book.update(facts)
        if changed is not None:
            effects.append(changed)
        if self._note_held(now_ms):
            changed = self.book.update(facts)
            effects += [changed] if changed is not None else []
        effects += self._doses_changed(now_ms)
        self.next_look_ms = now_ms + LOOK_EVERY_MS
        self._schedule(now_ms)
        return effects

    def sees_change(self, bed: Bed) -> bool:
        """Whether a continuous signal has crossed a bound of a criterion since the last look, or come, or gone."""
        return self._where(bed) != self._bands

    def _where(self, bed: Bed) -> list[tuple[int, int]]:
        bands = []
        for name, bounds in self._bounds:
            slot = bed.slots.get(name)
            value = slot.source.value if slot is not None and slot.source is not None else None
            if type(value) is float or type(value) is int:
                bands.append((bisect_left(bounds, value), bisect_right(bounds, value)))
            else:
                bands.append(UNKNOWN)
        return bands

    def sign(self, command: Sign, now_ms: int) -> list[object] | SignatureRefused:
        """Take a signature; the effects, or why not."""
        self.facts.now_ms = now_ms
        signed = self.book.sign(self.facts, Decision(command.decision), command.reason, command.actor)
        if isinstance(signed, SignatureRefused):
            return signed
        self._schedule(now_ms)
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
        doses.hold(upcoming[0], now_ms)
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

    def _schedule(self, now_ms: int) -> None:
        doses = self.facts.infusions.doses
        look_ms = LOOK_MS if self.is_heard else SILENT_LOOK_MS
        self.is_heard = False
        dues = [self.book.due_ms(self.facts, look_ms), doses.due_ms(now_ms), self.facts.due_ms()]
        upcoming = doses.next_due(now_ms)
        dues.append(upcoming[1] if upcoming is not None and upcoming[1] > now_ms else None)
        self.due_ms = max(now_ms + 1, min(due for due in dues if due is not None))


def _bounds(profile: DosingProfile, facts: PatientFacts) -> list[tuple[str, list[float]]]:
    """Every number at which a criterion on a continuous signal may change."""
    found: dict[str, set[float]] = {}
    for criterion in profile.criteria:
        for predicate in (criterion.met, criterion.resume):
            for leaf in leaves(predicate) if predicate is not None else ():
                if isinstance(leaf, Limit) and leaf.signal in CONTINUOUS:
                    found.setdefault(leaf.signal, set()).update(_numbers(leaf, facts))
    return [(name, sorted(numbers)) for name, numbers in sorted(found.items())]


def _numbers(leaf: Limit, facts: PatientFacts) -> set[float]:
    bounds = leaf.bounds
    numbers = {each for each in (bounds.above, bounds.at_least, bounds.below, bounds.at_most) if each is not None}
    own = facts.limits.get(leaf.patient_limit) if leaf.patient_limit is not None else None
    return numbers | ({own} if own is not None else set())
