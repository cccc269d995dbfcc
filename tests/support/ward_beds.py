"""Beds as the feed describes them, for tests of the station and for its pictures. Ages count from an instant."""

from __future__ import annotations

import random
from typing import Any

from tests.support.instants import minute_text, rfc3339
from tests.support.station_server import Json
from tests.support.ward_answers import since_words

NAMES = [
    "Alvarez, Marta", "Brandt, Jonas", "Chowdhury, Nila", "Dubois, Camille", "Eriksen, Tor", "Farouk, Amira",
    "Grant, Wesley", "Horvath, Lili", "Ivanova, Daria", "Jimenez, Raúl", "Kowalski, Piotr", "Lindqvist, Åsa",
]  # fmt: skip
SOURCES = {
    "hr": ("MDC_ECG_HEART_RATE", "/min", 30.0),
    "map": ("MDC_PRESS_BLD_ART_ABP_MEAN", "mm[Hg]", 30.0),
    "sbp": ("MDC_PRESS_BLD_ART_ABP_SYS", "mm[Hg]", 30.0),
    "dbp": ("MDC_PRESS_BLD_ART_ABP_DIA", "mm[Hg]", 30.0),
    "spo2": ("MDC_PULS_OXIM_SAT_O2", "%", 30.0),
    "rr": ("MDC_RESP_RATE", "/min", 30.0),
    "temp": ("MDC_TEMP", "Cel", 14400.0),
    "cvp": ("MDC_PRESS_BLD_VEN_CENT_MEAN", "mm[Hg]", 30.0),
    "etco2": ("MDC_AWAY_CO2_ET", "mm[Hg]", 30.0),
}
USUAL = {"hr": 101.0, "map": 74.0, "sbp": 104.0, "dbp": 58.0, "spo2": 97.0, "rr": 18.0, "temp": 37.8}


STAY = {"weight_gain_pct": 3.1, "fluid_balance_ml_24h": 1640.0, "urine_ml_8h": 410.0, "norepinephrine_ug_kg_min": 0.0}
"""What is known of a stay besides the vital signs."""
STAY_UNITS = {"weight_gain_pct": "%", "fluid_balance_ml_24h": "mL", "urine_ml_8h": "mL"}


def stay_signals(now_s: float, **values: float) -> Json:
    """Weight gain, fluids and the pressor, half an hour old; `values` override."""
    return {
        name: signal(name, value, now_s - 1800, unit=STAY_UNITS.get(name, "ug/kg/min"), source=name, device=None)
        for name, value in {**STAY, **values}.items()
    }


def dosing(now_s: float, **more: Any) -> Json:
    """A course with five doses begun, the next due in two hours; `more` overrides."""
    begun, ended = rfc3339(now_s - 22_200), rfc3339(now_s - 21_300)
    usual = {
        "decision": "proceed", "computed": "proceed", "summary": "every criterion is clear", "doses_begun": 5,
        "doses_held": 0, "max_doses": 14, "next": {"number": 6, "due_at": rfc3339(now_s + 6600)},
        "last": {"number": 5, "started_at": begun, "ended_at": ended, "status": "given"},
        "pressors_hour_ago": {"norepinephrine_ug_kg_min": 0.0},
    }  # fmt: skip
    return {**usual, **more}


def signal(name: str, value: float | str | None, at_s: float, **more: Any) -> Json:
    """One signal; `more` overrides source, device, validity, fresh_for_s."""
    source, unit, fresh_for_s = SOURCES.get(name, (f"site:{name}", "", 86400.0))
    usual = {"unit": unit, "source": source, "device": "mon1", "validity": "valid", "fresh_for_s": fresh_for_s}
    return {"value": value, "at": rfc3339(at_s), **usual, **more}


def cuffed(at_s: float, sbp: float, dbp: float, mean: float) -> Json:
    """Pressures from the cuff."""
    values = {"sbp": ("SYS", sbp), "dbp": ("DIA", dbp), "map": ("MEAN", mean)}
    return {
        name: signal(name, value, at_s, source=f"MDC_PRESS_CUFF_{part}", fresh_for_s=1800.0)
        for name, (part, value) in values.items()
    }


def signals(now_s: float, **values: float) -> Json:
    """The usual signals, a second old, the temperature eleven minutes."""
    ages = {"temp": 660.0}
    return {name: signal(name, value, now_s - ages.get(name, 1.0)) for name, value in {**USUAL, **values}.items()}


def alarm(alarm_id: str, now_s: float, **more: Any) -> Json:
    """A high hypotension alarm 42 s old, unacknowledged; `more` overrides."""
    usual = {
        "alarm_id": alarm_id, "rule_id": "hypotension.map", "family": "hypotension", "title": "Hypotension",
        "kind": "physiological", "priority": "high", "condition": "present", "signal": "on",
        "onset_at": rfc3339(now_s - 42), "announced_at": rfc3339(now_s - 30), "text": "MAP 58 < 65",
    }  # fmt: skip
    return {**usual, **more}


def bed(label: str, now_s: float, **more: Any) -> Json:
    """An admitted bed with the usual signals, a monitor and a pump; `more` overrides."""
    number = int("".join(sign for sign in label if sign.isdigit()) or "1")
    admission = {
        "admission_id": f"adm-{label}", "patient_id": f"P{1000 + number}", "name": NAMES[(number - 1) % len(NAMES)],
        "admitted_at": rfc3339(now_s - 93_000), "baseline_weight_kg": 80.0, "dosing_weight_kg": 80.0,
    }  # fmt: skip
    devices = [device("mon1", "monitor", now_s), device("pump1", "pump", now_s)]
    usual = {"admission": admission, "signals": signals(now_s), "alarms": [], "devices": devices}
    return {"unit": "icu", "bed": label, **usual, **more}


def device(name: str, kind: str, now_s: float, state: str = "online") -> Json:
    """One device of a bed."""
    return {"device": name, "kind": kind, "state": state, "last_seen_at": rfc3339(now_s - 1), "clock_offset_s": 0.1}


def varied(now_s: float, seed: int) -> Json:
    """Signals of a patient on interleukin-2, a little different for each seed."""
    dice = random.Random(seed)
    mean = dice.randint(67, 84)
    return signals(
        now_s, map=mean, sbp=mean + dice.randint(26, 38), dbp=mean - dice.randint(10, 16), hr=dice.randint(84, 118),
        spo2=dice.randint(94, 99), rr=dice.randint(14, 22), temp=round(dice.uniform(36.9, 38.9), 1),
    )  # fmt: skip


def calm_ward(count: int, now_s: float) -> list[Json]:
    """Admitted beds without alarms, on different days of their courses."""
    return [treated(f"b{index:02}", now_s, index) for index in range(1, count + 1)]


def treated(label: str, now_s: float, seed: int) -> Json:
    """A bed on its course, a little different for each seed; every other long course had a dose held."""
    dice = random.Random(f"course {seed}")
    number = dice.randint(1, 12)
    held = 1 if number > 2 and seed % 2 == 0 else 0
    last_s = now_s - dice.randint(20, 440) * 60
    course = dosing(
        now_s, doses_begun=number - held, doses_held=held,
        next={"number": number + 1, "due_at": rfc3339(last_s + 28_800)},
        last={"number": number, "started_at": rfc3339(last_s), "ended_at": rfc3339(last_s + 900), "status": "given"},
    )  # fmt: skip
    runs = {"norepinephrine_ug_kg_min": 0.06} if seed % 5 == 2 else {}
    if runs:
        course["pressors_hour_ago"] = {"norepinephrine_ug_kg_min": 0.06 + (seed % 3 - 1) * 0.02}
    gain, balance, urine = dice.uniform(0.4, 7.5), dice.randint(300, 3900), dice.randint(170, 620)
    stay = stay_signals(now_s, weight_gain_pct=gain, fluid_balance_ml_24h=balance, urine_ml_8h=urine, **runs)
    made = bed(label, now_s, signals={**varied(now_s, seed), **stay}, dosing=course)
    made["admission"]["admitted_at"] = rfc3339(last_s - (number - 1) * 28_800 - 15_300)
    return made


def busy_ward(count: int, now_s: float) -> list[Json]:
    """A ward with alarms of every priority and standing, old values, a device off and a bed nobody is admitted to."""
    beds = calm_ward(count, now_s)
    changes = {
        0: _hypotension, 2: _acknowledged, 3: _offline, 5: _unadmitted, 6: _medium, 7: _latched, 8: _cuff,
        9: _indeterminate, 10: _low,
    }  # fmt: skip
    for one, change in ((beds[index], change) for index, change in changes.items() if index < count):
        change(one, now_s)
    return beds


def _hypotension(one: Json, now_s: float) -> None:
    one["signals"].update(signals(now_s, map=58, sbp=81, dbp=46, hr=134, spo2=94, rr=24, temp=38.6, cvp=3, etco2=29))
    one["signals"].update(stay_signals(now_s, weight_gain_pct=6.8, urine_ml_8h=140, norepinephrine_ug_kg_min=0.18))
    one["signals"].update(charted(now_s))
    why = f"SBP 81 mmHg below 90 {since_words(now_s)}"
    one["dosing"] = dosing(now_s, decision="hold", computed="hold", summary=why, doses_begun=4, doses_held=1)
    one["dosing"]["pressors_hour_ago"] = {"norepinephrine_ug_kg_min": 0.08}
    one["admission"]["admitted_at"] = rfc3339(now_s - 22_200 - 4 * 28_800 - 15_300)
    texts = {"rule_id": "tachycardia.hr", "family": "tachycardia", "title": "Tachycardia", "text": "HR 134 > 120"}
    faster = alarm(f"{one['bed']}-2", now_s, **texts, priority="medium")
    one["alarms"] = [alarm(f"{one['bed']}-1", now_s), faster]


def charted(now_s: float) -> Json:
    """What people and the laboratory wrote down of the same patient."""
    chart = {"device": None, "fresh_for_s": 86_400.0}
    hours = {"weight": 5, "urine_ml_h": 0.6, "o2_flow": 2, "site:mental_status": 1.2, "site:rhythm": 1.2}
    values: dict[str, tuple[float | str, str]] = {
        "weight": (85.4, "kg"), "urine_ml_h": (9.0, "mL/h"), "o2_flow": (3.0, "L/min"), "creatinine": (2.1, "mg/dL"),
        "platelets": (96.0, "10*3/uL"), "bilirubin": (2.4, "mg/dL"), "bicarbonate": (19.0, "mmol/L"),
        "site:mental_status": ("normal", ""), "site:rhythm": ("sinus", ""),
    }  # fmt: skip
    return {
        name: signal(name, value, now_s - hours.get(name, 4.5) * 3600, unit=unit, source=name, **chart)
        for name, (value, unit) in values.items()
    }


def _acknowledged(one: Json, now_s: float) -> None:
    one["signals"]["spo2"]["value"] = 87
    why = f"SpO₂ 87 % below 90 since {minute_text(now_s - 140)}"
    one["dosing"] |= {"decision": "hold", "computed": "hold", "summary": why}
    by = {"by": "M. Rossi", "at": rfc3339(now_s - 75), "note": None}
    onset = rfc3339(now_s - 140)
    texts = {"rule_id": "desaturation.spo2", "family": "desaturation", "title": "Desaturation", "text": "SpO₂ 87 < 90"}
    one["alarms"] = [alarm(f"{one['bed']}-1", now_s, **texts, onset_at=onset, signal="acknowledged", acknowledged=by)]


def _offline(one: Json, now_s: float) -> None:
    for name in ("hr", "map", "sbp", "dbp", "spo2", "rr"):
        one["signals"][name]["at"] = rfc3339(now_s - 312)
    one["devices"][0]["state"] = "offline"
    why = "SBP unknown: no value for 5 min"
    one["dosing"] = dosing(now_s, decision="indeterminate", computed="indeterminate", summary=why)
    texts = {
        "rule_id": "device_offline",
        "family": "device_offline",
        "title": "Monitor mon1 offline",
        "text": "mon1 silent for 5 min",
    }
    one["alarms"] = [alarm(f"{one['bed']}-1", now_s, **texts, kind="technical", priority="medium")]


def _unadmitted(one: Json, now_s: float) -> None:
    one["admission"] = None
    one["dosing"] = None
    one["signals"] = {name: frame for name, frame in one["signals"].items() if name not in STAY}


def _medium(one: Json, now_s: float) -> None:
    one["signals"]["hr"]["value"] = 128
    by = {"by": "M. Rossi", "at": rfc3339(now_s - 300), "note": None}
    texts = {"rule_id": "tachycardia.hr", "family": "tachycardia", "title": "Tachycardia", "text": "HR 128 > 120"}
    one["alarms"] = [
        alarm(f"{one['bed']}-1", now_s, **texts, priority="medium", signal="acknowledged", acknowledged=by)
    ]


def _latched(one: Json, now_s: float) -> None:
    texts = {"rule_id": "desaturation.spo2", "family": "desaturation", "title": "Desaturation", "text": "SpO₂ 86 < 90"}
    onset = rfc3339(now_s - 400)
    one["alarms"] = [alarm(f"{one['bed']}-1", now_s, **texts, onset_at=onset, condition="absent", signal="latched")]


def _cuff(one: Json, now_s: float) -> None:
    one["signals"].update(cuffed(now_s - 740, 118, 71, 87))


def _indeterminate(one: Json, now_s: float) -> None:
    one["signals"]["map"].update(value=None, validity="not_available")
    one["signals"]["sbp"].update(validity="questionable")
    one["signals"]["dbp"].update(validity="questionable")
    unknown = {"decision": "indeterminate", "computed": "indeterminate", "summary": "SBP doubtful, MAP unknown"}
    one["dosing"] |= unknown
    one["alarms"] = [alarm(f"{one['bed']}-1", now_s, condition="indeterminate", text="MAP 61 < 65", priority="medium")]


def _low(one: Json, now_s: float) -> None:
    one["signals"]["weight_gain_pct"]["value"] = 10.4
    texts = {
        "rule_id": "weight_gain.above_10_pct",
        "family": "weight_gain",
        "title": "Weight gain",
        "text": "Weight +10.4 % > 10 %",
    }
    one["alarms"] = [alarm(f"{one['bed']}-1", now_s, **texts, priority="low")]
