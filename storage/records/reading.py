"""From rows to the values that the records give back. The inverse of `storage.records.projection`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import RowMapping

from alerts.alarm import Acknowledgement, Alarm, ConditionState, Kind, Phase, Priority, SignalState
from storage.records.columns import read_json
from storage.records.rows import AdmissionRecord, AuditRecord, BedAssignment, QuarantineRecord, TransitionRecord
from streaming.admission import Admission
from streaming.identity import BedId, DeviceId


def read_admission(row: RowMapping, assignments: Iterable[RowMapping]) -> AdmissionRecord:
    """An admission with its beds."""
    admission = Admission(
        admission_id=row["admission_id"],
        patient_id=row["patient_id"],
        bed=BedId(row["unit"], row["bed"]),
        name=row["name"],
        dosing_weight_kg=_number(row["dosing_weight_kg"]),
        baseline_weight_kg=_number(row["baseline_weight_kg"]),
        baseline=cast("dict[str, float]", read_json(row["baseline"])),
        limits=cast("dict[str, float]", read_json(row["limits"])),
        profile=row["profile"],
        admitted_ms=row["admitted_at_ms"],
        discharged_ms=row["discharged_at_ms"],
    )
    return AdmissionRecord(admission=admission, assignments=tuple(read_assignment(each) for each in assignments))


def read_assignment(row: RowMapping) -> BedAssignment:
    """A bed, and from when until when."""
    return BedAssignment(bed=BedId(row["unit"], row["bed"]), from_ms=row["from_ms"], to_ms=row["to_ms"])


def read_alarm(row: RowMapping) -> Alarm:
    """An alarm as it stands."""
    return Alarm(
        alarm_id=row["alarm_id"],
        admission_id=row["admission_id"] or None,
        bed=BedId(row["unit"], row["bed"]) if row["bed"] else None,
        rule_id=row["rule_id"],
        family=row["family"],
        title=row["title"],
        kind=Kind(row["kind"]),
        priority=Priority(row["priority"]),
        condition=ConditionState(row["condition"]),
        signal=SignalState(row["signal"]),
        onset_at_ms=row["onset_at_ms"],
        announced_at_ms=row["announced_at_ms"],
        cleared_at_ms=row["cleared_at_ms"],
        acknowledged=_acknowledgement(row),
        escalation_level=row["escalation_level"],
        evidence=cast("dict[str, Any]", read_json(row["evidence"])),
        house_unit=None if row["bed"] else row["unit"] or None,
        signalled_at_ms=row["signalled_at_ms"],
        next_escalation_at_ms=row["next_escalation_at_ms"],
        is_flapping=bool(row["is_flapping"]),
        inhibited_by=row["inhibited_by"],
    )


def read_transition(row: RowMapping) -> TransitionRecord:
    """One step of an alarm."""
    return TransitionRecord(
        n=row["n"],
        at_ms=row["at_ms"],
        alarm_id=row["alarm_id"],
        phase=Phase(row["phase"]),
        from_=SignalState(row["from_signal"]),
        to=SignalState(row["to_signal"]),
        actor=row["actor"],
    )


def read_quarantine(row: RowMapping) -> QuarantineRecord:
    """Rejected input."""
    device = None if row["device"] is None else DeviceId(row["unit"], row["bed"], row["device"])
    return QuarantineRecord(
        offset=row["offset"],
        ordinal=row["ordinal"],
        received_ms=row["received_ms"],
        topic=row["topic"],
        reason=row["reason"],
        detail=row["detail"],
        metric=row["metric"],
        device=device,
    )


def read_audit(row: RowMapping) -> AuditRecord:
    """An entry of the audit log."""
    return AuditRecord(
        number=row["number"],
        offset=row["offset"],
        at_ms=row["at_ms"],
        kind=row["kind"],
        actor=row["actor"],
        action=row["action"],
        subject_id=row["subject_id"],
        body=_audit_body(row["body"]),
        outcome=row["outcome"],
        reason=row["reason"],
        detail=row["detail"],
        prev_hash=row["prev_hash"],
        hash=row["hash"],
    )


def _audit_body(text: str) -> dict[str, object]:
    """What was said; of an entry that was tampered with, what stands there: it must not hide the others."""
    try:
        return read_json(text)
    except ValueError:
        return {"unreadable": text}


def _acknowledgement(row: RowMapping) -> Acknowledgement | None:
    if row["acknowledged_at_ms"] is None:
        return None
    return Acknowledgement(by=row["acknowledged_by"], at_ms=row["acknowledged_at_ms"], note=row["acknowledged_note"])


def _number(value: float | None) -> float:
    return math.nan if value is None else value
