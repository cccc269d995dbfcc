"""How records look in JSON: the field names of the contract, instants as RFC 3339.

A field that the contract marks as optional is absent where there is nothing to say.
"""

from __future__ import annotations

from alerts.alarm import Acknowledgement, Alarm
from alerts.book import signalled_at_ms
from gateway.web.ports import JsonObject
from storage.audit.chain import ChainHead
from storage.records import (
    AdmissionRecord,
    AlarmRecord,
    AuditRecord,
    BedAssignment,
    DeliveryRecord,
    QuarantineRecord,
    TransitionRecord,
)
from storage.records.burden import AlarmBurden
from storage.series.query import SeriesPoint
from streaming.instants import MAX_MS, MIN_MS, format_ms, parse_instant


def in_utc(sent: str | int) -> str:
    """An instant that was sent in any of the wire's spellings, and found to be one, as answers spell it."""
    instant_ms = sent if isinstance(sent, int) else parse_instant(sent)
    assert instant_ms is not None
    return _instant(instant_ms)


def admission_view(record: AdmissionRecord) -> JsonObject:
    """An admission with the beds it was in."""
    admission = record.admission
    return {
        "admission_id": admission.admission_id,
        "patient_id": admission.patient_id,
        "name": admission.name,
        "unit": admission.bed.unit,
        "bed": admission.bed.bed,
        "dosing_weight_kg": admission.dosing_weight_kg,
        "baseline_weight_kg": admission.baseline_weight_kg,
        "baseline": dict(admission.baseline),
        "limits": dict(admission.limits),
        "profile": admission.profile,
        "admitted_at": _instant(admission.admitted_ms),
        "discharged_at": _optional_instant(admission.discharged_ms),
        "assignments": [_assignment_view(each) for each in record.assignments],
    }


def alarm_view(alarm: Alarm, text: str | None = None) -> JsonObject:
    """An alarm as it stands (contract, section 7).

    Args:
        alarm: As of its latest transition.
        text: What it says now, where it is active.
    """
    view: JsonObject = {
        "alarm_id": alarm.alarm_id,
        "admission_id": alarm.admission_id,
        "unit": alarm.unit,
        "bed": alarm.bed.bed if alarm.bed is not None else None,
        "rule_id": alarm.rule_id,
        "family": alarm.family,
        "title": alarm.title,
        "kind": alarm.kind.value,
        "priority": alarm.priority.value,
        "condition": alarm.condition.value,
        "signal": alarm.signal.value,
        "onset_at": _instant(alarm.onset_at_ms),
        "announced_at": _instant(alarm.announced_at_ms),
        "escalation_level": alarm.escalation_level,
        "text": alarm.evidence.get("text", alarm.title) if text is None else text,
        "evidence": alarm.evidence,
        "signalled_at": _instant(signalled_at_ms(alarm)),
        "next_escalation_at": _optional_instant(alarm.next_escalation_at_ms),
        "parts": alarm.evidence.get("parts", []),
        "flapping": alarm.is_flapping,
        "inhibited_by": alarm.inhibited_by,
        "limits_off": alarm.evidence.get("limits_off"),
    }
    if alarm.cleared_at_ms is not None:
        view["cleared_at"] = _instant(alarm.cleared_at_ms)
    if alarm.acknowledged is not None:
        view["acknowledged"] = _acknowledgement_view(alarm.acknowledged)
    return view


def alarm_in_full_view(record: AlarmRecord, text: str | None = None) -> JsonObject:
    """An alarm with every step it took, and who was told of them."""
    return alarm_view(record.alarm, text) | {
        "transitions": [_transition_view(each) for each in record.transitions],
        "deliveries": [_delivery_view(each) for each in record.deliveries],
    }


def alarm_burden_view(burden: AlarmBurden, from_ms: int, to_ms: int, unit: str | None) -> JsonObject:
    """What people were called for: per bed and day by rule and priority, waits in seconds, shares from 0 to 1."""
    days = burden.bed_days
    return {
        "from": _instant(from_ms),
        "to": _instant(to_ms),
        "unit": unit,
        "bed_days": round(days, 4),
        "alarms": burden.alarms,
        "alarms_per_bed_day": round(burden.alarms / days, 3) if days else None,
        "by_rule": [
            {
                "rule_id": rule_id,
                "priority": priority,
                "alarms": count,
                "per_bed_day": round(count / days, 3) if days else None,
            }
            for (rule_id, priority), count in sorted(burden.by_rule.items())
        ],
        "calls": burden.calls,
        "calls_per_bed_day": round(burden.calls / days, 3) if days else None,
        "acknowledged": burden.acknowledged,
        "seconds_to_acknowledge": {
            "median": _seconds(burden.median_wait_ms),
            "p90": _seconds(burden.p90_wait_ms),
        },
        "shorter_than_17_s": round(burden.short / burden.alarms, 4) if burden.alarms else None,
    }


def _seconds(wait_ms: int | None) -> float | None:
    return None if wait_ms is None else wait_ms / 1000


def quarantine_view(record: QuarantineRecord) -> JsonObject:
    """Rejected input."""
    device = record.device
    return {
        "offset": record.offset,
        "received_at": _instant(record.received_ms),
        "topic": record.topic,
        "reason": record.reason,
        "detail": record.detail,
        "metric": record.metric,
        "unit": device.unit if device else None,
        "bed": device.bed if device else None,
        "device": device.device if device else None,
    }


def audit_view(record: AuditRecord) -> JsonObject:
    """An entry of the audit log: who did what when, and what came of it. Only a command has `command`, `outcome`."""
    return {
        "number": record.number,
        "offset": record.offset,
        "at": _instant(record.at_ms),
        "kind": record.kind,
        "actor": record.actor,
        "action": record.action,
        "command": record.action if record.kind == "command" else None,
        "subject_id": record.subject_id,
        "body": record.body,
        "outcome": record.outcome,
        "reason": record.reason,
        "detail": record.detail,
        "prev_hash": record.prev_hash,
        "hash": record.hash,
    }


def audit_head_view(head: ChainHead) -> JsonObject:
    """The last entry of the audit log: number and hash, to be kept elsewhere. Number 0 for an empty one."""
    return {"number": head.number, "hash": head.hash, "at": _instant(head.at_ms) if head.number else None}


def series_view(point: SeriesPoint) -> JsonObject:
    """One bucket of a signal's history."""
    return {"t": _instant(point.t_ms), "min": point.min, "mean": point.mean, "max": point.max, "n": point.n}


def _assignment_view(assignment: BedAssignment) -> JsonObject:
    return {
        "unit": assignment.bed.unit,
        "bed": assignment.bed.bed,
        "from": _instant(assignment.from_ms),
        "to": _optional_instant(assignment.to_ms),
    }


def _transition_view(transition: TransitionRecord) -> JsonObject:
    return {
        "n": transition.n,
        "at": _instant(transition.at_ms),
        "alarm_id": transition.alarm_id,
        "phase": transition.phase.value,
        "from": transition.from_.value,
        "to": transition.to.value,
        "actor": transition.actor,
    }


def _delivery_view(delivery: DeliveryRecord) -> JsonObject:
    """Who was told of which step, or why not."""
    return {
        "receiver": delivery.receiver,
        "n": delivery.n,
        "phase": delivery.phase,
        "due_at": _instant(delivery.due_ms),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "settled_at": _optional_instant(delivery.settled_ms),
        "remark": delivery.remark,
    }


def _acknowledgement_view(acknowledged: Acknowledgement) -> JsonObject:
    return {"by": acknowledged.by, "at": _instant(acknowledged.at_ms), "note": acknowledged.note}


def _instant(instant_ms: int) -> str:
    """RFC 3339; what lies beyond the years 1 to 9999 shows as their first or last moment and spoils no list."""
    return format_ms(min(max(instant_ms, MIN_MS), MAX_MS))


def _optional_instant(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else _instant(instant_ms)
