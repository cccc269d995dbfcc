"""Made courses of high-dose interleukin-2 at one monitor message a minute, for measuring and for looking at.

Each patient: eight numerics a minute (Vigil holds a device to its own pace), an hourly
urometer, laboratory values each six hours, a pressor pump that reports each minute half of the time, a scale each
morning, a checklist before each dose, and 600,000 IU/kg of aldesleukin over 15 min each 8 h. Pressure falls after each
dose, more from dose to dose. Nothing is random: the same arguments give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import exp, sin

import orjson

from gateway.wire.recording import RecordedEntry
from streaming.instants import format_ms

BEGIN_MS = 1_800_000_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DOSE_EVERY_MIN = 480
FIRST_DOSE_MIN = 120
DOSE_ML = 50.0
WEIGHT_KG = 80.0
CHECKLIST = {
    "site:rhythm": "sinus", "site:mental_status": "normal", "site:stool_blood": "negative", "site:skin": "normal",
    "site:ecg": "normal", "site:infection": "none", "site:ventilation": "none", "site:dialysis": "none",
    "site:seizure": "none", "site:gi": "normal", "site:angina": "absent", "site:hepatic": "normal",
    "site:tamponade": "absent", "site:volume_overload": "none", "site:arrhythmia_control": "controlled",
    "site:dyspnea": "none", "site:rales": "none", "site:vomiting": "none", "site:distention": "none",
    "site:paresthesia": "none", "site:diarrhea_ml_8h": 100, "loinc:3151-8": 0, "MDC_SCORE_GLAS_COMA": 15,
}  # fmt: skip


def ward_of(patients: int, days: float) -> list[RecordedEntry]:
    """A recording of so many patients side by side, each in a bed of unit `icu`."""
    courses = [list(course(n, days)) for n in range(patients)]
    return sorted((entry for entries in courses for entry in entries), key=lambda entry: entry.received_ms)


def course(n: int, days: float) -> Iterator[RecordedEntry]:
    """One patient, from admission to discharge."""
    bed, admission = f"b{n:03}", f"stay-{n:03}"
    begin_ms = BEGIN_MS + n * 7
    yield _command(begin_ms, "admit", {"admission_id": admission, "patient_id": f"p{n}", "unit": "icu", "bed": bed} | {
        "dosing_weight_kg": WEIGHT_KG, "baseline_weight_kg": WEIGHT_KG, "baseline": {"sbp": 122, "creatinine": 0.9},
    })  # fmt: skip
    yield _command(begin_ms, "course", {"admission_id": admission, "drug": "aldesleukin", "dose_iu_per_kg": 600_000} | {
        "interval_h": 8, "max_doses": 14, "duration_min": 15, "cycle": 1,
        "first_dose_at": format_ms(begin_ms + FIRST_DOSE_MIN * MINUTE_MS),
    })  # fmt: skip
    for device, kind in (("mon", "monitor"), ("pump1", "pump"), ("pump2", "pump"), ("uro", "urometer")):
        yield _message(begin_ms, bed, device, "status", {"state": "online", "kind": kind})
    seq: Counter[str] = Counter()
    for minute in range(1, round(days * 1440)):
        yield from _minute(n, bed, admission, minute, begin_ms + minute * MINUTE_MS, seq)
    yield _command(begin_ms + round(days * 1440) * MINUTE_MS, "discharge", {"admission_id": admission})


def _minute(n: int, bed: str, admission: str, minute: int, at_ms: int, seq: Counter[str]) -> Iterator[RecordedEntry]:
    yield _obs(at_ms, bed, "mon", seq, _vitals(n, minute))
    since_dose = (minute - FIRST_DOSE_MIN) % DOSE_EVERY_MIN if minute >= FIRST_DOSE_MIN else -1
    if 0 <= since_dose <= 16:
        yield _obs(at_ms, bed, "pump1", seq, _dose(since_dose))
    if minute % 960 >= 480:
        yield _obs(at_ms, bed, "pump2", seq, _pressor(n, minute))
    if minute % 60 == 0:
        urine = max(15.0, 90.0 - minute / 90 + 10 * sin(minute / 200 + n))
        yield _obs(at_ms, bed, "uro", seq, {"MDC_FLOW_URINE_PREV_HR": round(urine)})
    if minute % 360 == 5:
        yield _command(at_ms, "chart", {"admission_id": admission, "metrics": _labs(n, minute)})
    if (minute - FIRST_DOSE_MIN) % DOSE_EVERY_MIN == DOSE_EVERY_MIN - 40:
        yield _command(at_ms, "chart", {"admission_id": admission, "metrics": CHECKLIST})
    if minute % 1440 == 30:
        weight = {"MDC_MASS_BODY_ACTUAL": round(WEIGHT_KG * (1 + 0.018 * minute / 1440), 1)}
        yield _command(at_ms, "chart", {"admission_id": admission, "metrics": weight})


def _vitals(n: int, minute: int) -> dict[str, float]:
    doses = max(0, (minute - FIRST_DOSE_MIN) // DOSE_EVERY_MIN + 1)
    since = (minute - FIRST_DOSE_MIN) % DOSE_EVERY_MIN
    fall = min(26.0, 9.0 + 2.2 * doses) * _bump(since) if doses else 0.0
    wave = 4 * sin(minute / 37 + n) + 2 * sin(minute / 5.3 + 2 * n)
    mean = round(88 - fall + wave - n % 3)
    return {
        "MDC_ECG_HEART_RATE": round(84 + 1.1 * fall + wave),
        "MDC_PRESS_BLD_ART_ABP_SYS": mean + 38,
        "MDC_PRESS_BLD_ART_ABP_DIA": mean - 18,
        "MDC_PRESS_BLD_ART_ABP_MEAN": mean,
        "MDC_PULS_OXIM_SAT_O2": round(97 - fall / 12, 1),
        "MDC_RESP_RATE": round(16 + fall / 8),
        "MDC_TEMP": round(36.9 + fall / 25, 1),
        "MDC_PRESS_BLD_VEN_CENT_MEAN": 6,
    }


def _bump(since_min: int) -> float:
    """From 0 over 1 at four hours back to nearly 0 at eight."""
    return exp(-(((since_min - 240) / 110) ** 2))


def _dose(since_min: int) -> dict[str, object]:
    given = min(DOSE_ML, DOSE_ML * since_min / 15)
    return {
        "MDC_DRUG_NAME_LABEL": "aldesleukin",
        "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing" if since_min < 15 else "pump-status-not-infusing",
        "MDC_FLOW_FLUID_PUMP_CURRENT": 200 if since_min < 15 else 0,
        "MDC_VOL_FLUID_DELIV_TOTAL": round(given, 2),
        "MDC_VOL_FLUID_TBI": DOSE_ML,
        "MDC_CONC_DRUG": {"value": 960_000, "unit": "[IU]/mL"},
    }


def _pressor(n: int, minute: int) -> dict[str, object]:
    return {
        "MDC_DRUG_NAME_LABEL": "phenylephrine",
        "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
        "MDC_FLOW_FLUID_PUMP_CURRENT": 12,
        "MDC_RATE_DOSE": round(0.4 + 0.3 * sin(minute / 300 + n), 2),
        "MDC_ATTR_PT_WEIGHT": WEIGHT_KG,
    }


def _labs(n: int, minute: int) -> dict[str, float]:
    day = minute / 1440
    return {
        "loinc:2160-0": round(0.9 + 0.35 * day + 0.1 * (n % 4), 2),
        "loinc:1963-8": round(24 - day, 1),
        "loinc:1975-2": round(0.6 + 0.7 * day, 2),
        "loinc:777-3": round(220 - 28 * day),
        "loinc:10839-9": 0.01,
        "loinc:2345-7": 110,
        "loinc:2823-3": 4.1,
        "loinc:1751-7": 3.4,
    }


def _obs(at_ms: int, bed: str, device: str, seq: Counter[str], metrics: object) -> RecordedEntry:
    seq[device] += 1
    return _message(at_ms, bed, device, "obs", {"boot": "b", "seq": seq[device], "time": at_ms, "metrics": metrics})


def _message(at_ms: int, bed: str, device: str, channel: str, payload: object) -> RecordedEntry:
    topic = f"icu/v1/icu/{bed}/{device}/{channel}"
    return RecordedEntry(received_ms=at_ms, topic=topic, payload=orjson.dumps(payload))


def _command(at_ms: int, command: str, body: dict[str, object]) -> RecordedEntry:
    return RecordedEntry(received_ms=at_ms, command=command, body={"actor": "nurse"} | body)
