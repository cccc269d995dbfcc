"""What the gateway would answer about a made bed beside the feed: doses, fluids, infusions, decision, an alarm in full.

All of it agrees with what the bed shows (`ward_beds`) and with its history (`ward_history`). Nothing is evaluated.
"""

from __future__ import annotations

import re
from typing import Any

from tests.support.instants import minute_text, rfc3339, seconds_of
from tests.support.ward_history import Json, boluses, charted, held_dose

HOUR_S = 3600.0
MOST_DOSES = 14
NOT_BEGUN: Json = dict.fromkeys(("started_at", "ended_at", "percent_of_order", "dose_iu", "volume_ml", "pump"))
PROFILE = {
    "id": "alarms-il2",
    "version": "3",
    "sha256": "4798dda5c0cecce795927d60c980388eb9e90f4d84c05d7cde77ce5d8223c01d",
}


def value_of(bed: Json, signal: str) -> Any:
    """What the bed shows of a signal; None where it has none."""
    return (bed["signals"].get(signal) or {}).get("value")


# --- doses ------------------------------------------------------------------------------------------------------------


def doses(bed: Json) -> list[Json]:
    """The doses of the bed's course, eight hours apart; one was held where the course says so."""
    course = bed.get("dosing") or {}
    if not course.get("last"):
        return []
    last = int(course["last"]["number"])
    first_s = seconds_of(course["last"]["started_at"]) - (last - 1) * 8 * HOUR_S
    return [_dose(number, first_s, last, held_dose(bed)) for number in range(1, MOST_DOSES + 1)]


def _dose(number: int, first_s: float, last: int, held: int | None) -> Json:
    began_s = first_s + (number - 1) * 8 * HOUR_S
    status = "held" if number == held else "given" if number <= last else "due"
    row = {"number": number, "due_at": rfc3339(began_s - 60), "status": status, "pauses_s": 0.0, **NOT_BEGUN}
    if status != "given":
        return row
    ran = {"started_at": rfc3339(began_s), "ended_at": rfc3339(began_s + 900), "percent_of_order": 99.8}
    return {**row, **ran, "dose_iu": 48_000_000, "volume_ml": 52.1, "pump": "pump1"}


# --- fluids -----------------------------------------------------------------------------------------------------------


def fluids(bed: Json, now_s: float) -> Json:
    """A day by the hour: the urine of the history, boluses, and as much from the other pumps as the balance says."""
    end_s = now_s // HOUR_S * HOUR_S + HOUR_S
    urine_by_hour = dict(charted(bed, "urine_ml_h", now_s))
    given = boluses(bed, now_s)
    in_all = float(value_of(bed, "fluid_balance_ml_24h") or 0) + sum(urine_by_hour.values())
    steady = max(20.0, (in_all - sum(bolus["ml"] for bolus in given)) / 24)
    hours = [_fluid_hour(end_s - back * HOUR_S, now_s, steady, given, urine_by_hour) for back in range(24, 0, -1)]
    return {"hours": hours, "boluses": given}


def _fluid_hour(
    from_s: float, now_s: float, steady: float, given: list[Json], urine_by_hour: dict[float, float]
) -> Json:
    to_s = min(now_s, from_s + HOUR_S)
    shares: list[Json] = [
        {"pump": "pump4", "drug": "fluid", "label": "Ringer", "ml": round(steady * (to_s - from_s) / HOUR_S)}
    ]
    for bolus in given:
        began_s, ended_s = seconds_of(bolus["from"]), seconds_of(bolus["to"])
        overlap = min(to_s, ended_s) - max(from_s, began_s)
        if overlap > 0:
            ml = round(bolus["ml"] * overlap / (ended_s - began_s))
            shares.append({name: bolus[name] for name in ("pump", "drug", "label")} | {"ml": ml})
    intake = sum(share["ml"] for share in shares)
    urine = urine_by_hour.get(from_s + HOUR_S)  # what is told at an hour's end is of that hour
    return {
        "from": rfc3339(from_s), "to": rfc3339(to_s), "intake_ml": intake, "intake_coverage": 1.0, "urine_ml": urine,
        "urine_coverage": 0.0 if urine is None else 1.0, "balance_ml": None if urine is None else intake - urine,
        "by_pump": shares,
    }  # fmt: skip


def infusions(bed: Json) -> list[Json]:
    """The pumps: the dose that has run, the pressor as the bed shows it, and the steady fluid."""
    dose = value_of(bed, "norepinephrine_ug_kg_min") or 0.0
    empty: Json = dict.fromkeys((
        "infusing_since", "rate_ml_h", "dose_rate", "dose_unit", "concentration", "concentration_unit",
        "delivered_ml", "to_be_infused_ml", "at",
    ))  # fmt: skip
    usual = {**empty, "is_charted": False, "is_infusing": False, "is_silent": False}
    drug = {"pump": "pump1", "drug": "aldesleukin", "label": "Proleukin", "concentration": 921_600.0}
    pressor = {"pump": "pump2", "drug": "norepinephrine", "label": "Levophed", "concentration": 0.064}
    running = {"is_infusing": True, "rate_ml_h": dose * 80 * 60 / 64, "dose_rate": dose, "dose_unit": "ug/kg/min"}
    steady = {"pump": "pump4", "drug": "fluid", "label": "Ringer", "is_infusing": True, "rate_ml_h": 75.0}
    return [
        {**usual, **drug, "concentration_unit": "[IU]/mL", "delivered_ml": 52.1},
        {**usual, **pressor, "concentration_unit": "mg/mL", "delivered_ml": 21.5, **(running if dose else {})},
        {**usual, **steady, "delivered_ml": 1240.0},
    ]


# --- the decision -----------------------------------------------------------------------------------------------------

LABEL, JITC = "Proleukin label, Table 2", "JITC 2014"
CRITERIA = [
    # id, title, class, state, signal, unit, limit, what would clear it, reference
    ("cardiovascular.sbp", "SBP", "hold", "met", "sbp", "mm[Hg]", 90, "SBP ≥ 90 mmHg and pressor requirement stable",
     LABEL),
    ("pressor.rising", "Pressor requirement rising", "hold", "met", "norepinephrine_ug_kg_min", "ug/kg/min", 0.1,
     "no rise of 25 % in an hour, for an hour", "nursing protocol"),
    ("renal.urine_8h", "Urine of 8 h", "hold", "met", "urine_ml_8h", "mL", 160, "20 mL/h or more over 8 h", LABEL),
    ("infection.suspected", "Infection", "hold", "unknown", "site:infection", "", "suspected", "no infection", LABEL),
    ("nervous.mental_status", "Mental status", "hold", "recovering", "site:mental_status", "", None,
     "normal for 4 h", LABEL),
    ("cardiovascular.rate", "Heart rate", "relative", "clear", "hr", "/min", 150, "at or below 140 /min", JITC),
    ("cardiovascular.rhythm", "Rhythm", "hold", "clear", "site:rhythm", "", None, "recovery to sinus rhythm", LABEL),
    ("respiratory.spo2", "SpO₂", "hold", "clear", "spo2", "%", 90, "SpO₂ > 90 %", LABEL),
    ("renal.creatinine", "Creatinine", "hold", "clear", "creatinine", "mg/dL", 4.5, "creatinine below 4 mg/dL", LABEL),
    ("hepatic.bilirubin", "Bilirubin", "relative", "clear", "bilirubin", "mg/dL", 7, "below 7 mg/dL", JITC),
    ("blood.platelets", "Platelets", "relative", "clear", "platelets", "10*3/uL", 50, "above 50 ×10³/µL", JITC),
    ("weight.gain", "Weight gain", "relative", "clear", "weight_gain_pct", "%", 15, "below 15 %", JITC),
]  # fmt: skip


def decision(bed: Json, now_s: float) -> Json:
    """The decision that the bed shows, with its criteria: what is held for comes from what the bed shows."""
    course = bed["dosing"]
    return {
        "decision": course["decision"], "computed": course["computed"], "evaluated_at": rfc3339(now_s - 4),
        "profile": {"id": "label-2024", "version": "1", "sha256": "0" * 64}, "summary": course["summary"],
        "next_dose": {**course["next"], "gate": "T-120"}, "signature": None,
        "criteria": [_criterion(bed, now_s, row) for row in CRITERIA],
    }  # fmt: skip


def _criterion(bed: Json, now_s: float, row: tuple[Any, ...]) -> Json:
    name, title, kind, state, signal, unit, limit, resume, reference = row
    shown = bed["signals"].get(signal) if state != "unknown" else None
    value, at, source = (shown["value"], shown["at"], shown["source"]) if shown else (None, None, None)
    said = (
        f"{title} {value} {unit.replace('mm[Hg]', 'mmHg').replace('ug', 'µg')}, limit {limit}"
        if state == "met"
        else title
    )
    return {
        "id": name, "title": title, "class": kind, "state": state, "value": value, "unit": unit, "limit": limit,
        "source_signal": signal, "source": source, "at": at, "resume": resume, "reference": reference,
        "since": rfc3339(now_s - 2400) if state in ("met", "recovering") else None, "coverage": 0.98,
        "resumable": False, "required": True, "text": said, "verified": reference != "nursing protocol",
    }  # fmt: skip


# --- an alarm ---------------------------------------------------------------------------------------------------------

SIGNAL_OF = {"MAP": "map", "HR": "hr", "SpO₂": "spo2", "Weight": "weight_gain_pct"}
RESET = {"map": 3, "hr": -10, "spo2": 2, "weight_gain_pct": 0}
UNITS = {"map": "mm[Hg]", "hr": "/min", "spo2": "%", "weight_gain_pct": "%"}


def in_full(alarm: Json, bed: Json | None, now_s: float) -> Json:
    """An alarm with its evidence, its steps and who was told, as GET /alarms/{id} gives it."""
    steps = [{"n": 1, "at": alarm["announced_at"], "phase": "start", "from": "off", "to": "on", "actor": "vigil"}]
    if seen := alarm.get("acknowledged"):
        told = {"phase": "acknowledge", "from": "on", "to": "acknowledged", "actor": seen["by"]}
        steps.append({"n": 2, "at": seen["at"], **told})
    if "cleared_at" in alarm:
        ended = {"phase": "end", "from": steps[-1]["to"], "to": "off", "actor": "vigil"}
        steps.append({"n": len(steps) + 1, "at": alarm["cleared_at"], **ended})
    return {**alarm, "evidence": evidence(alarm, bed), "transitions": steps}


def evidence(alarm: Json, bed: Json | None) -> Json:
    """Why it came: what was measured, against which limit, from where."""
    common = {
        "text": alarm["text"], "since": alarm["onset_at"], "profile": PROFILE, "reference": "clinical.md 5.1",
        "onset_delay_s": 30.0,
    }  # fmt: skip
    found = re.match(r"(\S+) \+?([\d.]+) (?:% )?([<>]) ([\d.]+)", alarm["text"])
    if found is None or found.group(1) not in SIGNAL_OF:
        return {**common, "clears_when": "the device sends again"}
    words, worst, sign, limit = found.groups()
    signal = SIGNAL_OF[words]
    reset = float(limit) + RESET[signal]
    side = "at or above" if sign == "<" else "at or below"
    shown: Json = (bed or {"signals": {}})["signals"].get(signal) or {}
    return {
        **common, "signal": signal, "unit": UNITS[signal], "limit": float(limit), "reset_limit": reset,
        "worst": float(worst), "value": shown.get("value"), "at": shown.get("at"), "source": shown.get("source"),
        "device": shown.get("device"), "validity": shown.get("validity"), "clock_offset_ms": 104,
        "readings": 38, "readings_beyond": 36,
        "clears_when": f"{words} {side} {reset:g} {UNITS[signal]} for 30 s",
    }  # fmt: skip


def since_words(now_s: float) -> str:
    """Since when the decision holds for what `CRITERIA` says is met, in words."""
    return f"since {minute_text(now_s - 2400)}"
