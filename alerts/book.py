"""The alarm book of one admission: its alarms as they stand, and every transition numbered.

Identity: one alarm per rule and subject at a time. Its id is derived from the admission, the rule, the subject, the
onset and the number of its first transition, so that the same journal gives the same ids.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from alerts.alarm import (
    Acknowledgement,
    Alarm,
    AlarmTransition,
    ConditionState,
    Kind,
    Priority,
    SignalState,
)
from alerts.lifecycle import AlarmEvent, is_latching, move
from streaming.identity import BedId
from streaming.outcome import OutcomeChanged, RuleOutcome
from streaming.rules.kinds import LimitRule

VIGIL = "vigil"
"""The actor of what nobody did."""


class AlarmBook:
    """Alarms of one admission. Instants are gateway milliseconds."""

    def __init__(self, admission_id: str, bed: BedId) -> None:
        self.admission_id = admission_id
        self.bed = bed
        self.active: dict[tuple[str, str], Alarm] = {}
        """By rule and subject, in order of onset."""
        self._transitions = 0

    def apply(self, found: OutcomeChanged) -> AlarmTransition | None:
        """Take a rule's verdict; None when it changes nothing that is announced."""
        key = (found.rule.id, found.subject)
        alarm = self.active.get(key)
        if found.outcome is RuleOutcome.PRESENT:
            return self._present(key, alarm, found)
        if alarm is None:
            return None
        if found.outcome is RuleOutcome.INDETERMINATE:
            if alarm.condition is not ConditionState.PRESENT:
                return None
            changed = replace(alarm, condition=ConditionState.INDETERMINATE, evidence=found.evidence)
            return self._step(key, changed, AlarmEvent.UNKNOWN, found.at_ms, VIGIL)
        changed = replace(alarm, condition=ConditionState.ABSENT, cleared_at_ms=found.at_ms, evidence=found.evidence)
        return self._step(key, changed, AlarmEvent.CLEARED, found.at_ms, VIGIL)

    def acknowledge(self, alarm_id: str, at_ms: int, by: str, note: str | None) -> AlarmTransition | None:
        """Somebody has seen the alarm; None when somebody already had.

        Raises:
            KeyError: There is no such active alarm.
        """
        key, alarm = next((item for item in self.active.items() if item[1].alarm_id == alarm_id), (None, None))
        if key is None or alarm is None:
            raise KeyError(alarm_id)
        if alarm.signal is SignalState.ACKNOWLEDGED:
            return None
        changed = replace(alarm, acknowledged=Acknowledgement(by=by, at_ms=at_ms, note=note))
        return self._step(key, changed, AlarmEvent.ACKNOWLEDGE, at_ms, by)

    def withdraw(self, at_ms: int, actor: str, kind: Kind | None = None) -> list[AlarmTransition]:
        """End every alarm (of that kind): the patient leaves, or moves away from the equipment of the old bed."""
        leaving = [(key, alarm) for key, alarm in self.active.items() if kind is None or alarm.kind is kind]
        return [self._withdraw(key, alarm, at_ms, actor) for key, alarm in leaving]

    def move_to(self, bed: BedId) -> None:
        """The patient is in another bed."""
        self.bed = bed
        self.active = {key: replace(alarm, bed=bed) for key, alarm in self.active.items()}

    def _present(self, key: tuple[str, str], alarm: Alarm | None, found: OutcomeChanged) -> AlarmTransition:
        if alarm is None:
            return self._step(key, self._begin(found), AlarmEvent.ONSET, found.at_ms, VIGIL)
        event = AlarmEvent.ONSET if alarm.signal is SignalState.LATCHED else AlarmEvent.KNOWN
        changed = replace(alarm, condition=ConditionState.PRESENT, cleared_at_ms=None, evidence=found.evidence)
        return self._step(key, changed, event, found.at_ms, VIGIL)

    def _withdraw(self, key: tuple[str, str], alarm: Alarm, at_ms: int, actor: str) -> AlarmTransition:
        ended = replace(alarm, cleared_at_ms=alarm.cleared_at_ms or at_ms)
        return self._step(key, ended, AlarmEvent.WITHDRAWN, at_ms, actor)

    def _begin(self, found: OutcomeChanged) -> Alarm:
        rule = found.rule
        return Alarm(
            alarm_id=self._new_id(found),
            admission_id=self.admission_id,
            bed=self.bed,
            rule_id=rule.id,
            family=rule.family,
            title=rule.title,
            kind=Kind.PHYSIOLOGICAL if isinstance(rule, LimitRule) else Kind.TECHNICAL,
            priority=Priority(rule.priority),
            condition=ConditionState.PRESENT,
            signal=SignalState.OFF,
            onset_at_ms=found.onset_ms,
            announced_at_ms=found.at_ms,
            cleared_at_ms=None,
            acknowledged=None,
            escalation_level=0,
            evidence=found.evidence,
        )

    def _new_id(self, found: OutcomeChanged) -> str:
        parts = (self.admission_id, found.rule.id, found.subject, str(found.onset_ms), str(self._transitions + 1))
        return "alm-" + sha256("\n".join(parts).encode()).hexdigest()[:20]

    def _step(self, key: tuple[str, str], alarm: Alarm, event: AlarmEvent, at_ms: int, actor: str) -> AlarmTransition:
        before = alarm.signal
        to, phase = move(before, event, latching=is_latching(alarm.kind, alarm.priority))
        after = replace(alarm, signal=to)
        self._transitions += 1
        if to is SignalState.OFF:
            self.active.pop(key, None)
        else:
            self.active[key] = after
        return AlarmTransition(
            n=self._transitions, at_ms=at_ms, phase=phase, from_=before, to=to, actor=actor, alarm=after
        )
