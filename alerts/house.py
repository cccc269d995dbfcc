"""The house: alarms that are of no patient. The way to a unit's devices is lost; the service itself is not well.

Invariants
- A lost broker is one alarm for each unit that has a patient, whatever hangs on it; it ends by itself. The beds know of
  it too, as the reason why nothing is heard (`alerts.conditions`), and announce nothing.
- What the service finds out about itself comes as `self_check` commands from the journal, so that a replay says the
  same; rules of kind `engine_lag`, `journal_lag`, … decide when that is worth a word.
- State of a bed is never read here, nor that of a unit at a bed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alerts.alarm import Alarm, AlarmTransition
from alerts.book import AlarmBook
from alerts.conditions import Member
from alerts.numbering import Numbering
from alerts.policy import AlarmPolicy
from streaming.commands import SelfCheck
from streaming.durations import NEVER_DUE_MS
from streaming.instants import format_ms
from streaming.outcome import OutcomeChanged
from streaming.patient import OUTCOME_OF_CHANGE, number
from streaming.rules.condition import Change
from streaming.rules.kinds import AlarmProfile, EquipmentRule
from streaming.rules.timed import TimedCondition

BROKER_LOST = "broker_lost"


class House:
    """The alarms of every unit's equipment, and of the service. Instants are gateway milliseconds."""

    def __init__(self, profile: AlarmProfile, policy: AlarmPolicy) -> None:
        self._profile = profile
        self._policy = policy
        self._rules = {rule.kind: rule for rule in profile.equipment_rules}
        self._numbering = Numbering()
        self.books: dict[str | None, AlarmBook] = {}
        """By unit; None: of the service."""
        self._conditions: dict[tuple[str, str | None], TimedCondition] = {}
        self._evidence: dict[tuple[str, str | None], dict[str, Any]] = {}
        self._units: dict[str, int] = {}
        """How many patients each unit has."""
        self._lost_since_ms: int | None = None
        self.due_ms = NEVER_DUE_MS
        """When time alone will next change something."""

    @property
    def active(self) -> list[Alarm]:
        """Alarms that are announced: the service's first, then by unit."""
        books = sorted(self.books.items(), key=lambda item: item[0] or "")
        return [book.shown(key, self._current) for _, book in books for key in book.causes]

    @property
    def unwell_parts(self) -> list[str]:
        """Parts of the service that are not well as far as was told, whether or not that is an alarm yet."""
        return sorted(kind for kind, unit in self._conditions if unit is None)

    def link(self, now_ms: int, *, is_up: bool) -> list[AlarmTransition]:
        """The connection to the broker came or went."""
        if is_up:
            self._lost_since_ms = None
        elif self._lost_since_ms is None:
            self._lost_since_ms = now_ms
        return self._settle([each for unit in sorted(self._units) for each in self._look_at_link(unit, now_ms)], now_ms)

    def patient_comes(self, unit: str, now_ms: int) -> list[AlarmTransition]:
        """A unit has a patient more: its first one hears of a broker that is lost already."""
        self._units[unit] = self._units.get(unit, 0) + 1
        is_first = self._units[unit] == 1
        return self._settle(self._look_at_link(unit, now_ms) if is_first else [], now_ms)

    def patient_leaves(self, unit: str, now_ms: int, actor: str) -> list[AlarmTransition]:
        """A unit has a patient less: with the last one there is nobody to tell."""
        self._units[unit] -= 1
        if self._units[unit] > 0:
            return []
        del self._units[unit]
        self._conditions.pop((BROKER_LOST, unit), None)
        self._evidence.pop((BROKER_LOST, unit), None)
        book = self.books.pop(unit, None)
        transitions = [] if book is None else book.withdraw(now_ms, actor)
        self._schedule()
        return transitions

    def self_check(self, check: SelfCheck, now_ms: int) -> list[AlarmTransition]:
        """The service has looked at a part of itself."""
        evidence = {"text": check.text, "part": check.part, "figures": dict(check.figures)}
        found = self._hold((check.part, None), not check.is_well, now_ms, now_ms, evidence)
        return self._settle(found, now_ms)

    def acknowledge(self, alarm_id: str, at_ms: int, by: str, note: str | None) -> list[AlarmTransition] | None:
        """Somebody has seen an alarm; None when it is none of the house's."""
        for book in self.books.values():
            if any(alarm.alarm_id == alarm_id for alarm in book.active.values()):
                transitions = book.acknowledge(alarm_id, at_ms, by, note, self._current)
                self._schedule()
                return transitions
        return None

    def time_passed(self, now_ms: int) -> list[AlarmTransition]:
        """Let time confirm, clear and call again."""
        found = []
        for key in sorted(self._conditions, key=lambda key: (key[0], key[1] or "")):
            condition = self._conditions[key]
            change = condition.time_passed(now_ms) if (condition.due_ms or NEVER_DUE_MS) <= now_ms else None
            found += [] if change is None else [self._outcome(key, change, now_ms)]
        return self._settle(found, now_ms)

    def _look_at_link(self, unit: str, now_ms: int) -> list[tuple[str | None, OutcomeChanged]]:
        since_ms = self._lost_since_ms
        evidence = {
            "text": f"connection to the message broker lost: no device of unit {unit} is heard",
            "unit": unit,
            "clears_when": "the broker is connected again",
        }
        at_ms = now_ms if since_ms is None else since_ms
        return self._hold((BROKER_LOST, unit), since_ms is not None, at_ms, now_ms, evidence)

    def _hold(
        self, key: tuple[str, str | None], holds: bool, since_ms: int, now_ms: int, evidence: dict[str, Any]
    ) -> list[tuple[str | None, OutcomeChanged]]:
        rule, condition = self._rules.get(key[0]), self._conditions.get(key)
        if rule is None or (condition is None and not holds):
            return []
        if condition is None:
            condition = self._conditions[key] = TimedCondition(
                onset_delay_ms=round(rule.onset_delay_s * 1000), clear_delay_ms=round(rule.clear_delay_s * 1000)
            )
        self._evidence[key] = {"clears_when": f"well for {number(rule.clear_delay_s)} s"} | evidence
        change = condition.hold(holds, since_ms, now_ms)
        return [] if change is None else [self._outcome(key, change, now_ms)]

    def _outcome(self, key: tuple[str, str | None], change: Change, now_ms: int) -> tuple[str | None, OutcomeChanged]:
        kind, unit = key
        rule, condition = self._rules[kind], self._conditions[key]
        outcome = OutcomeChanged(
            rule=rule,
            subject=unit or kind,
            outcome=OUTCOME_OF_CHANGE[change],
            at_ms=now_ms,
            onset_ms=condition.since_ms,
            evidence=self._evidence_of(rule, condition) | self._evidence[key],
        )
        if change is Change.ABSENT:
            del self._conditions[key], self._evidence[key]
        return unit, outcome

    def _current(self, member: Member) -> dict[str, Any] | None:
        """What a condition rests on, as it was last looked at (`alerts.current`)."""
        rule = member.rule
        assert isinstance(rule, EquipmentRule)
        key = (rule.kind, None if member.subject == rule.kind else member.subject)
        condition = self._conditions.get(key)
        return None if condition is None else self._evidence_of(rule, condition) | self._evidence[key]

    def _evidence_of(self, rule: EquipmentRule, condition: TimedCondition) -> dict[str, Any]:
        profile = self._profile
        return {
            "profile": {"id": profile.id, "version": profile.version, "sha256": profile.sha256},
            "onset_delay_s": rule.onset_delay_s,
            "since": format_ms(condition.since_ms),
            "reference": rule.reference,
        }

    def _settle(self, found: Iterable[tuple[str | None, OutcomeChanged]], now_ms: int) -> list[AlarmTransition]:
        by_unit: dict[str | None, list[OutcomeChanged]] = {unit: [] for unit in self.books}
        for unit, outcome in found:
            by_unit.setdefault(unit, []).append(outcome)
        done = []
        for unit, outcomes in by_unit.items():
            book = self.books.get(unit)
            if book is None:
                book = self.books[unit] = AlarmBook(None, None, self._policy, unit=unit, numbering=self._numbering)
            done += book.take(outcomes, now_ms, self._current)
        self._schedule()
        return done

    def _schedule(self) -> None:
        dues = [due for condition in self._conditions.values() if (due := condition.due_ms) is not None]
        dues += [book.due_ms for book in self.books.values()]
        self.due_ms = min(dues, default=NEVER_DUE_MS)
