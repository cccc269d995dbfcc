"""Builders of effects, with every field that a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from alerts.alarm import (
    Acknowledgement,
    Alarm,
    AlarmTransition,
    ConditionState,
    Kind,
    Phase,
    Priority,
    SignalState,
)
from streaming.admission import Admission
from streaming.effects import AdmissionChanged, InputRejected
from streaming.identity import BedId, DeviceId

T0_MS = 1_790_000_000_000
"""An instant in 2026 from which tests count."""

BED = BedId("icu", "b01")


def admission(admission_id: str = "a-1", *, bed: BedId = BED, **fields: Any) -> Admission:
    """An admission to `bed` at `T0_MS`."""
    values: dict[str, Any] = {
        "patient_id": "p-1",
        "name": "Doe, J.",
        "dosing_weight_kg": 80.0,
        "baseline_weight_kg": 80.5,
        "baseline": {"sbp": 120.0},
        "limits": {"map_alarm": 65.0},
        "profile": "label-2024",
        "admitted_ms": T0_MS,
    }
    return Admission(admission_id=admission_id, bed=bed, **(values | fields))


def admission_changed(change: str, after: Admission, *, at_ms: int = T0_MS) -> AdmissionChanged:
    """`after` is the admission as it stands once the change is made."""
    return AdmissionChanged(
        at_ms=at_ms, admission_id=after.admission_id, bed=after.bed, change=change, actor="nurse", admission=after
    )


def alarm(alarm_id: str = "al-1", *, announced_at_ms: int = T0_MS, **fields: Any) -> Alarm:
    """A hypotension alarm that is on."""
    values: dict[str, Any] = {
        "admission_id": "a-1",
        "bed": BED,
        "rule_id": "map-low",
        "family": "hypotension",
        "title": "MAP low",
        "kind": Kind.PHYSIOLOGICAL,
        "priority": Priority.HIGH,
        "condition": ConditionState.PRESENT,
        "signal": SignalState.ON,
        "onset_at_ms": announced_at_ms - 10_000,
        "cleared_at_ms": None,
        "acknowledged": None,
        "escalation_level": 0,
        "evidence": {"value": 58.0, "limit": 65.0},
    }
    return Alarm(alarm_id=alarm_id, announced_at_ms=announced_at_ms, **(values | fields))


def started(n: int, of: Alarm) -> AlarmTransition:
    """The transition that announced the alarm."""
    return AlarmTransition(
        n=n,
        at_ms=of.announced_at_ms,
        phase=Phase.START,
        from_=SignalState.OFF,
        to=SignalState.ON,
        actor="vigil",
        alarm=of,
    )


def acknowledged(n: int, of: Alarm, *, at_ms: int, by: str = "nurse", note: str | None = None) -> AlarmTransition:
    """The transition by which a person took note of the alarm."""
    after = replace_alarm(
        of, signal=SignalState.ACKNOWLEDGED, acknowledged=Acknowledgement(by=by, at_ms=at_ms, note=note)
    )
    return AlarmTransition(
        n=n, at_ms=at_ms, phase=Phase.ACKNOWLEDGE, from_=of.signal, to=after.signal, actor=by, alarm=after
    )


def ended(n: int, of: Alarm, *, at_ms: int) -> AlarmTransition:
    """The transition by which the alarm fell silent."""
    after = replace_alarm(of, signal=SignalState.OFF, condition=ConditionState.ABSENT, cleared_at_ms=at_ms)
    return AlarmTransition(
        n=n, at_ms=at_ms, phase=Phase.END, from_=of.signal, to=SignalState.OFF, actor="vigil", alarm=after
    )


def replace_alarm(of: Alarm, **changes: Any) -> Alarm:
    """`of` with some fields changed."""
    fields = {name: getattr(of, name) for name in of.__slots__}
    return Alarm(**(fields | changes))


def rejected(received_ms: int = T0_MS, *, reason: str = "not_json", **fields: Any) -> InputRejected:
    """A rejected message of a monitor."""
    values: dict[str, Any] = {
        "topic": "icu/v1/icu/b01/mon1/obs",
        "detail": "the payload is no JSON",
        "device": DeviceId("icu", "b01", "mon1"),
    }
    return InputRejected(received_ms=received_ms, reason=reason, **(values | fields))
