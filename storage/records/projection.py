"""From effects to rows: what a run of journal entries adds to the records. Pure: no database in here.

Invariants. Of an alarm or an admission only the last state in the run is written, of their steps every one. Effects
that the records do not keep (samples) are passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.alarm import Alarm, AlarmTransition
from alerts.dosing import DoseChanged
from storage.records.columns import (
    fit_float,
    fit_instant,
    fit_int,
    fit_json,
    fit_small_int,
    fit_text,
    fit_text_or_none,
)
from streaming.admission import Admission
from streaming.criteria.decision import DecisionChanged
from streaming.effects import AdmissionChanged, CommandApplied, CommandRefused, InputRejected

RowValues = dict[str, Any]
HOUSE = ""
"""What stands for the admission, the bed and, where it is the whole service, the unit of an alarm that has none."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A patient left a bed, came to one, or both."""

    admission_id: str
    at_ms: int
    came_to: RowValues | None
    """The assignment that begins; None at discharge."""


@dataclass(slots=True)
class Projected:
    """Rows to write, in the order in which foreign keys allow it."""

    admissions: dict[str, RowValues] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    alarms: dict[str, RowValues] = field(default_factory=dict)
    transitions: list[RowValues] = field(default_factory=list)
    quarantine: list[RowValues] = field(default_factory=list)
    audit: list[RowValues] = field(default_factory=list)
    """Entries of the audit log, not yet numbered and chained."""

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.admissions or self.transitions or self.quarantine or self.audit)

    def add(self, offset: int, effects: Sequence[object]) -> None:
        """Add what the entry at `offset` did."""
        for ordinal, effect in enumerate(effects):
            match effect:
                case AlarmTransition():
                    self._add_transition(offset, effect)
                    self.audit.append(_alarm_entry(offset, effect))
                case InputRejected():
                    self.quarantine.append(_quarantine_row(offset, ordinal, effect))
                case CommandApplied():
                    self.audit.append(_applied_entry(offset, effect))
                case CommandRefused():
                    self.audit.append(_refused_entry(offset, effect))
                case DecisionChanged():
                    self.audit.append(_decision_entry(offset, effect))
                case DoseChanged():
                    self.audit.append(_dose_entry(offset, effect))
                case AdmissionChanged():
                    self._add_admission(offset, effect)
                case _:
                    pass

    def _add_transition(self, offset: int, transition: AlarmTransition) -> None:
        self.alarms[transition.alarm.alarm_id] = _alarm_row(transition.alarm)
        self.transitions.append(_transition_row(offset, transition))

    def _add_admission(self, offset: int, change: AdmissionChanged) -> None:
        admission = change.admission
        admission_id = fit_text(admission.admission_id)
        self.admissions[admission_id] = _admission_row(admission)
        came_to = None if admission.discharged_ms is not None else _assignment_row(offset, change)
        self.movements.append(Movement(admission_id, fit_int(change.at_ms), came_to))


def project(batch: Iterable[tuple[int, Sequence[object]]], *, after: int) -> Projected:
    """Rows of every entry of `batch` beyond offset `after`."""
    projected = Projected()
    for offset, effects in batch:
        if offset > after:
            projected.add(offset, effects)
    return projected


def _admission_row(admission: Admission) -> RowValues:
    return {
        "admission_id": fit_text(admission.admission_id),
        "patient_id": fit_text(admission.patient_id),
        "name": fit_text_or_none(admission.name),
        "unit": fit_text(admission.bed.unit),
        "bed": fit_text(admission.bed.bed),
        "dosing_weight_kg": fit_float(admission.dosing_weight_kg),
        "baseline_weight_kg": fit_float(admission.baseline_weight_kg),
        "baseline": fit_json(admission.baseline),
        "limits": fit_json(admission.limits),
        "profile": fit_text(admission.profile),
        "admitted_at_ms": fit_int(admission.admitted_ms),
        "discharged_at_ms": fit_instant(admission.discharged_ms),
    }


def _assignment_row(offset: int, change: AdmissionChanged) -> RowValues:
    return {
        "admission_id": fit_text(change.admission.admission_id),
        "offset": offset,
        "unit": fit_text(change.admission.bed.unit),
        "bed": fit_text(change.admission.bed.bed),
        "from_ms": fit_int(change.at_ms),
        "to_ms": None,
    }


def _alarm_row(alarm: Alarm) -> RowValues:
    acknowledged = alarm.acknowledged
    return {
        "alarm_id": fit_text(alarm.alarm_id),
        "admission_id": fit_text(alarm.admission_id or HOUSE),
        "unit": fit_text(alarm.unit or HOUSE),
        "bed": fit_text(alarm.bed.bed) if alarm.bed is not None else HOUSE,
        "rule_id": fit_text(alarm.rule_id),
        "family": fit_text(alarm.family),
        "title": fit_text(alarm.title),
        "kind": alarm.kind.value,
        "priority": alarm.priority.value,
        "condition": alarm.condition.value,
        "signal": alarm.signal.value,
        "onset_at_ms": fit_int(alarm.onset_at_ms),
        "announced_at_ms": fit_int(alarm.announced_at_ms),
        "cleared_at_ms": fit_instant(alarm.cleared_at_ms),
        "acknowledged_by": fit_text(acknowledged.by) if acknowledged else None,
        "acknowledged_at_ms": fit_int(acknowledged.at_ms) if acknowledged else None,
        "acknowledged_note": fit_text_or_none(acknowledged.note) if acknowledged else None,
        "escalation_level": fit_small_int(alarm.escalation_level),
        "evidence": fit_json(alarm.evidence),
        "signalled_at_ms": fit_instant(alarm.signalled_at_ms),
        "next_escalation_at_ms": fit_instant(alarm.next_escalation_at_ms),
        "is_flapping": int(alarm.is_flapping),
        "inhibited_by": fit_text_or_none(alarm.inhibited_by),
    }


def _transition_row(offset: int, transition: AlarmTransition) -> RowValues:
    return {
        "admission_id": fit_text(transition.alarm.admission_id or HOUSE),
        "n": fit_int(transition.n),
        "offset": offset,
        "at_ms": fit_int(transition.at_ms),
        "alarm_id": fit_text(transition.alarm.alarm_id),
        "phase": transition.phase.value,
        "from_signal": transition.from_.value,
        "to_signal": transition.to.value,
        "actor": fit_text(transition.actor),
    }


def _quarantine_row(offset: int, ordinal: int, rejected: InputRejected) -> RowValues:
    device = rejected.device
    return {
        "offset": offset,
        "ordinal": ordinal,
        "received_ms": fit_int(rejected.received_ms),
        "topic": fit_text(rejected.topic),
        "reason": fit_text(rejected.reason),
        "detail": fit_text(rejected.detail),
        "metric": fit_text_or_none(rejected.metric),
        "unit": fit_text(device.unit) if device else None,
        "bed": fit_text(device.bed) if device else None,
        "device": fit_text(device.device) if device else None,
    }


def _applied_entry(offset: int, applied: CommandApplied) -> RowValues:
    return _command_entry(offset, applied) | {"outcome": "applied"}


def _refused_entry(offset: int, refused: CommandRefused) -> RowValues:
    return _command_entry(offset, refused) | {
        "outcome": "refused",
        "reason": fit_text(refused.reason),
        "detail": fit_text(refused.detail),
    }


def _command_entry(offset: int, command: CommandApplied | CommandRefused) -> RowValues:
    return _entry(
        offset, command.at_ms, "command", command.command, command.subject_id, command.body, actor=command.actor
    )


def _alarm_entry(offset: int, transition: AlarmTransition) -> RowValues:
    alarm = transition.alarm
    said = {
        "n": transition.n,
        "from": transition.from_.value,
        "to": transition.to.value,
        "alarm": _alarm_row(alarm) | {"evidence": alarm.evidence},
    }
    return _entry(
        offset, transition.at_ms, "alarm", transition.phase.value, alarm.alarm_id, said, actor=transition.actor
    )


def _decision_entry(offset: int, change: DecisionChanged) -> RowValues:
    said = {
        "computed": change.computed,
        "summary": change.summary,
        "profile": change.profile,
        "criteria": change.criteria,
        "signature": change.signature,
    }
    return _entry(offset, change.at_ms, "decision", change.decision, change.admission_id, said)


def _dose_entry(offset: int, change: DoseChanged) -> RowValues:
    return _entry(offset, change.at_ms, "dose", str(change.row.get("status")), change.admission_id, change.row)


def _entry(
    offset: int,
    at_ms: int,
    kind: str,
    action: str,
    subject_id: str | None,
    body: Mapping[str, object],
    *,
    actor: str = "vigil",
) -> RowValues:
    return {
        "offset": offset,
        "at_ms": fit_int(at_ms),
        "kind": kind,
        "actor": fit_text(actor),
        "action": fit_text(action),
        "subject_id": fit_text_or_none(subject_id),
        "body": fit_json(body),
        "outcome": None,
        "reason": None,
        "detail": None,
    }
