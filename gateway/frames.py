"""How a bed looks to people: JSON-ready objects for the feed and for `GET /admissions/{id}`.

Reads the ward's state and changes nothing. A signal's age is counted from its determination time, corrected to the
gateway's clock; whoever shows it must let it age on a clock of their own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from alerts.alarm import Alarm
from alerts.book import signalled_at_ms
from alerts.stay import Stay
from alerts.ward import Ward
from gateway.therapy_frames import dosing_brief, infusions_of
from streaming.bed import Bed
from streaming.device import Device
from streaming.identity import CHART_DEVICE, BedId
from streaming.instants import format_ms, parse_instant
from streaming.nomenclature import SIGNAL_UNITS
from streaming.observation import Validity
from streaming.signals import Channel, SignalSlot
from streaming.therapy.leak import leak_estimate
from streaming.therapy.patient_facts import Shown

JsonObject = dict[str, Any]
_PART_FIELDS = ("rule_id", "title", "priority", "condition", "text")


def bed_frame(ward: Ward, bed: Bed) -> JsonObject:
    """A bed for the display."""
    stay = _stay_at(ward, bed)
    return {
        "unit": bed.id.unit,
        "bed": bed.id.bed,
        "admission": _admission(stay) if stay is not None else None,
        "signals": signals_of(bed, ward.now_ms),
        "alarms": _alarms(ward, stay) if stay is not None else [],
        "devices": [_device(device) for device in bed.devices.values() if device.id.device != CHART_DEVICE],
        **(_unheard(stay) | _dosing(ward, stay) if stay is not None else {}),
    }


def signals_of(bed: Bed, now_ms: int) -> JsonObject:
    """Every signal that was ever reported at this bed, and what follows from the stay of its patient."""
    signals = {name: frame for name, slot in bed.slots.items() if (frame := _signal(slot)) is not None}
    if bed.patient is None:
        return signals
    facts = bed.patient.facts
    for name, shown in facts.derived(now_ms).items():
        signals.setdefault(name, _derived(name, shown))
    weight = facts.current("weight") if "weight" in signals else None
    if weight is not None and weight.validity is not Validity.VALID:
        signals["weight"]["validity"] = weight.validity.label
    return signals


def admission_state(ward: Ward, admission_id: str) -> JsonObject | None:
    """What `GET /admissions/{id}` adds to the record; None when the admission is not present."""
    stay = ward.stays.get(admission_id)
    if stay is None:
        return None
    bed = ward.beds[stay.admission.bed]
    signals = signals_of(bed, ward.now_ms)
    for frame in signals.values():
        at_ms = parse_instant(frame["at"])
        frame["age_s"] = max(0, ward.now_ms - at_ms) / 1000 if at_ms is not None else None
    state: JsonObject = {"signals": signals, "alarms": _alarms(ward, stay)} | _unheard(stay)
    assert bed.patient is not None
    state["leak_estimate"] = leak_estimate(bed.patient.facts)
    state["infusions"] = infusions_of(bed.patient.facts, ward.now_ms)
    state["dosing"] = _dosing(ward, stay).get("dosing")
    desk = ward.desk(admission_id)
    if desk is not None:
        state |= {"dose_count": desk.dose_count, "decision": desk.book.decision.value}
    return state


def alarm_brief(alarm: Alarm) -> JsonObject:
    """An alarm for the display: the contract's fields, and its text in place of all the evidence."""
    brief: JsonObject = {
        "alarm_id": alarm.alarm_id,
        "rule_id": alarm.rule_id,
        "family": alarm.family,
        "title": alarm.title,
        "kind": alarm.kind,
        "priority": alarm.priority,
        "condition": alarm.condition,
        "signal": alarm.signal,
        "onset_at": format_ms(alarm.onset_at_ms),
        "announced_at": format_ms(alarm.announced_at_ms),
        "text": _text(alarm),
    }
    brief["escalation_level"] = alarm.escalation_level
    brief["signalled_at"] = format_ms(signalled_at_ms(alarm))
    if alarm.next_escalation_at_ms is not None:
        brief["next_escalation_at"] = format_ms(alarm.next_escalation_at_ms)
    if alarm.is_flapping:
        brief["flapping"] = True
    if "parts" in alarm.evidence:
        brief["parts"] = [{name: part[name] for name in _PART_FIELDS} for part in alarm.evidence["parts"]]
    if alarm.acknowledged is not None:
        seen = alarm.acknowledged
        brief["acknowledged"] = {"by": seen.by, "at": format_ms(seen.at_ms), "note": seen.note}
    return brief


def house_alarms(ward: Ward) -> list[JsonObject]:
    """Alarms of no patient, as those of a bed, with the unit they are about; null: the whole service."""
    return [alarm_brief(alarm) | {"unit": alarm.unit} for alarm in ward.house.active]


def _alarms(ward: Ward, stay: Stay) -> list[JsonObject]:
    """A bed's alarms as they look now; of those whose sound is paused, until when."""
    return [_paused(alarm_brief(alarm), stay, alarm, ward.now_ms) for alarm in ward.alarms_shown(stay)]


def alarm_texts(ward: Ward, alarm_ids: Collection[str]) -> dict[str, str]:
    """What those alarms that are active say now, by id."""
    stays = [stay for stay in ward.stays.values() if any(a.alarm_id in alarm_ids for a in stay.book.active.values())]
    shown = [alarm for stay in stays for alarm in ward.alarms_shown(stay)] + list(ward.house.active)
    return {alarm.alarm_id: _text(alarm) for alarm in shown if alarm.alarm_id in alarm_ids}


def _text(alarm: Alarm) -> str:
    return str(alarm.evidence.get("text", alarm.title))


def _paused(brief: JsonObject, stay: Stay, alarm: Alarm, now_ms: int) -> JsonObject:
    until_ms = stay.book.audio_paused_until_ms(alarm, now_ms)
    return brief if until_ms is None else brief | {"audio_paused_until": format_ms(until_ms)}


def _unheard(stay: Stay) -> JsonObject:
    """What is held and not announced, and why: nothing is kept silent in silence."""
    conditions = stay.book.conditions
    off = [
        {
            each.scope: each.name,
            "rules": sorted(each.rule_ids),
            "reason": each.reason,
            "by": each.by,
            "since": format_ms(each.from_ms),
            "until": format_ms(each.until_ms),
        }
        for each in conditions.limits_off.values()
    ]
    explained = [
        {"rule_id": member.rule.id, "text": member.evidence.get("text", member.rule.title), "inhibited_by": reason}
        for member, reason in conditions.explained
    ]
    return {"limits_off": off, "explained": explained}


def _dosing(ward: Ward, stay: Stay) -> JsonObject:
    desk = ward.desk(stay.admission.admission_id)
    return {"dosing": dosing_brief(desk, ward.now_ms)} if desk is not None else {}


def _stay_at(ward: Ward, bed: Bed) -> Stay | None:
    return ward.stays[bed.patient.admission.admission_id] if bed.patient is not None else None


def _admission(stay: Stay) -> JsonObject:
    admission = stay.admission
    return {
        "admission_id": admission.admission_id,
        "patient_id": admission.patient_id,
        "name": admission.name,
        "admitted_at": format_ms(admission.admitted_ms),
        "baseline_weight_kg": admission.baseline_weight_kg,
        "dosing_weight_kg": admission.dosing_weight_kg,
    }


def _speaker(slot: SignalSlot) -> Channel | None:
    """The channel to show: the source, else the one that reported last, so that people see what went stale."""
    if slot.source is not None:
        return slot.source
    reported = [channel for channel in slot.candidates if channel.latest_ms >= 0]
    return max(reported, key=lambda channel: channel.latest_ms, default=None)


def _signal(slot: SignalSlot) -> JsonObject | None:
    channel = _speaker(slot)
    if channel is None:
        return None
    # The latest report is shown as it is: `null` now is no value now, whatever was said two seconds ago.
    says_nothing = channel.latest_validity > Validity.QUESTIONABLE or channel.artefact is not None
    validity = channel.latest_validity if says_nothing else channel.validity
    return {
        "value": None if says_nothing else channel.value,
        "unit": SIGNAL_UNITS.get(slot.name, ""),
        "at": format_ms(channel.latest_ms if says_nothing else channel.at_ms),
        "source": channel.name,
        "device": channel.device.device,
        "validity": validity.label,
        "artefact": channel.artefact,
        "fresh_for_s": channel.fresh_ms / 1000,
    }


def _derived(name: str, shown: Shown) -> JsonObject:
    """A signal that is reckoned from others."""
    reading = shown.reading
    return {
        "value": reading.value if reading is not None else None,
        "unit": SIGNAL_UNITS[name],
        "at": format_ms(shown.last_ms),
        "source": reading.source if reading is not None else name,
        "device": reading.device or None if reading is not None else None,
        "validity": (reading.validity if reading is not None else Validity.NOT_AVAILABLE).label,
        "artefact": None,
        "fresh_for_s": shown.fresh_for_ms / 1000,
    }


def _device(device: Device) -> JsonObject:
    offset_ms = device.clock.offset_ms
    return {
        "device": device.id.device,
        "kind": device.kind,
        "model": device.model,
        "state": device.state,
        "last_seen_at": format_ms(device.last_received_ms) if device.last_received_ms >= 0 else None,
        "clock_offset_s": offset_ms / 1000 if offset_ms is not None else None,
    }


def bed_order(bed_id: BedId) -> tuple[str, str]:
    """Beds in the order people expect: by unit, then by name."""
    return (bed_id.unit, bed_id.bed)
