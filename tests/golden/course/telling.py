"""The story told as a recording: messages of the devices and commands of the people, in order.

The same arguments give the same entries. The patient's story does not depend on how it is told: units and the hour at
which it begins are the teller's. Acknowledgements are left out; `hearing` adds them, since ids are Vigil's to give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.wire.recording import RecordedEntry
from streaming.instants import format_ms, parse_instant
from tests.golden.course import story

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
ADMISSION = "golden"


def first_dose_ms() -> int:
    """Monday 2 November 2026, 08:00."""
    at_ms = parse_instant("2026-11-02T08:00:00Z")
    assert at_ms is not None
    return at_ms


@dataclass(frozen=True)
class Teller:
    """How the story is told."""

    first_dose_ms: int = field(default_factory=first_dose_ms)
    foreign: bool = False
    """Pressures in kPa, creatinine in umol/L, temperature in degrees Fahrenheit, weight in pounds."""

    def at_ms(self, hour: float) -> int:
        """An hour of the story, to the second."""
        return self.first_dose_ms + round(hour * 3600) * 1000

    def hour(self, at_ms: int) -> float:
        """And back."""
        return (at_ms - self.first_dose_ms) / HOUR_MS

    def recording(self) -> list[RecordedEntry]:
        """The whole stay."""
        entries = [*self._people(), *self._monitor(), *self._urometer(), *self._aldesleukin(), *self._phenylephrine()]
        return sorted(entries, key=lambda entry: entry.received_ms)

    # --- people -------------------------------------------------------------------------------------------------------

    def _people(self) -> Iterator[RecordedEntry]:
        yield self._command(story.ADMITTED_H, "admit", patient_id="p-golden", unit="icu", bed="b01",
            dosing_weight_kg=story.WEIGHT_KG, baseline_weight_kg=story.WEIGHT_KG, baseline={
                "sbp": story.SBP, "map": story.MAP, "hr": story.HEART_RATE, "creatinine": story.CREATININE,
            })  # fmt: skip
        yield self._command(story.ADMITTED_H, "course", drug="aldesleukin", dose_iu_per_kg=600_000,
            interval_h=story.INTERVAL_H, max_doses=story.DOSES, duration_min=15, cycle=1,
            first_dose_at=format_ms(self.first_dose_ms))  # fmt: skip
        yield from self._charts()
        for hour, decision, reason in story.SIGNATURES:
            yield self._command(hour, "sign", decision=decision, reason=reason)
        yield self._command(story.DISCHARGED_H, "discharge")

    def _charts(self) -> Iterator[RecordedEntry]:
        for hour, kg in story.WEIGHTS_KG.items():
            yield self._chart(hour, {"MDC_MASS_BODY_ACTUAL": kg}, story.CHART_LATER_H)
        for i, hour in enumerate(story.LABORATORY_H):
            values = {name: values[i] for name, values in story.LABORATORY.items()}
            yield self._chart(hour, values, story.CHART_LATER_H)
            yield self._chart(hour, self._cuff(hour), story.CHART_LATER_H)
        for dose in range(1, story.DOSES + 1):
            checklist = {**story.CHECKLIST, **story.CHECKLIST_DIFFERS.get(dose, {})}
            yield self._chart(story.due_h(dose) - story.CHECKLIST_BEFORE_H + story.CHART_LATER_H, checklist)
        for hour, states in story.CHARTED_BETWEEN:
            yield self._chart(hour, states)

    def _cuff(self, hour: float) -> dict[str, float]:
        """A cuff that agrees with the line, within two."""
        systolic, diastolic, mean = _pressures(hour)
        return dict(zip(_parts("MDC_PRESS_CUFF"), (systolic + 2, diastolic - 2, mean), strict=True))

    def _chart(self, hour: float, metrics: Mapping[str, Any], later_h: float = 0.0) -> RecordedEntry:
        time = format_ms(self.at_ms(hour))
        return self._command(hour + later_h, "chart", time=time, metrics=self._told(metrics))

    # --- devices ------------------------------------------------------------------------------------------------------

    def _monitor(self) -> Iterator[RecordedEntry]:
        seq: Counter[str] = Counter()
        yield self._status(story.MONITOR_ON_H, "mon", "monitor")
        begin, end = story.FIBRILLATION_H
        events = {begin: ("MDC_EVT_ECG_ATR_FIB", "start", {}), end: ("MDC_EVT_ECG_ATR_FIB", "end", {}),
                  story.VT_H: ("MDC_EVT_ECG_V_TACHY", "tpoint", {"beats": story.VT_BEATS})}  # fmt: skip
        for hour in _minutes(story.MONITOR_ON_H, story.DISCHARGED_H):
            yield self._obs(hour, "mon", seq, _vitals(hour))
            if hour in events:
                event, phase, attributes = events[hour]
                body = {"event": event, "phase": phase, "attributes": attributes}
                yield self._numbered(hour, "mon", "event", seq, body)

    def _urometer(self) -> Iterator[RecordedEntry]:
        seq: Counter[str] = Counter()
        yield self._status(story.URINE_FROM_H, "uro", "urometer")
        for hours, ml in story.URINE_ML_H:
            for hour in hours:
                if hour <= story.DISCHARGED_H:
                    yield self._obs(hour - story.URINE_EARLY_H, "uro", seq, {"MDC_FLOW_URINE_PREV_HR": ml})

    def _aldesleukin(self) -> Iterator[RecordedEntry]:
        begin = -story.PROGRAMMED_BEFORE_MIN / 60
        return self._pump("il2", begin, self._aldesleukin_at)

    def _aldesleukin_at(self, hour: float) -> dict[str, Any]:
        since_min = max(0, round(hour * 60) + story.PROGRAMMED_BEFORE_MIN)
        interval_min = story.INTERVAL_H * 60
        # The bag of a dose that is not started is not hung: the pump stands with the one before.
        dose = max(n for n in story.DOSES_STARTED if (n - 1) * interval_min <= since_min)
        minute = since_min - (dose - 1) * interval_min - story.PROGRAMMED_BEFORE_MIN - story.STARTED_AFTER_MIN
        spans = story.DOSES_STARTED[dose]
        given_ml = sum(max(0, min(minute, end) - begin) for begin, end in spans) * story.RATE_ML_H / 60
        runs = any(begin <= minute < end for begin, end in spans)
        return _pump_says("Proleukin", story.RATE_ML_H if runs else 0.0) | {
            "MDC_VOL_FLUID_DELIV_TOTAL": round(given_ml, 2),
            "MDC_VOL_FLUID_TBI": story.BAG_ML,
            "MDC_VOL_FLUID_TBI_REMAIN": round(story.BAG_ML - given_ml, 2),
            "MDC_CONC_DRUG": {"value": story.IU_PER_ML, "unit": "[IU]/mL"},
            "MDC_ATTR_PT_WEIGHT": story.WEIGHT_KG,
        }

    def _phenylephrine(self) -> Iterator[RecordedEntry]:
        return self._pump("pressor", story.PHENYLEPHRINE[0][0], self._phenylephrine_at)

    def _phenylephrine_at(self, hour: float) -> dict[str, Any]:
        dose = story.step_at_hour(story.PHENYLEPHRINE, hour) or 0.0
        # ug/kg/min x kg x 60 min / 1000 ug per mg / mg/mL
        ml_h = round(dose * story.WEIGHT_KG * 60 / 1000 / story.PHENYLEPHRINE_MG_ML, 3)
        strength: object = story.PHENYLEPHRINE_MG_ML
        if self.foreign:
            strength = {"value": story.PHENYLEPHRINE_MG_ML * 1000, "unit": "ug/mL"}
        return _pump_says("phenylephrine", ml_h) | {"MDC_CONC_DRUG": strength, "MDC_ATTR_PT_WEIGHT": story.WEIGHT_KG}

    def _pump(self, device: str, begin_h: float, says: Callable[[float], dict[str, Any]]) -> Iterator[RecordedEntry]:
        """Each minute, whether it infuses or not."""
        seq: Counter[str] = Counter()
        yield self._status(begin_h, device, "pump")
        for hour in _minutes(begin_h, story.DISCHARGED_H):
            yield self._obs(hour, device, seq, says(hour))

    # --- entries ------------------------------------------------------------------------------------------------------

    def _command(self, hour: float, command: str, **body: Any) -> RecordedEntry:
        body = {"admission_id": ADMISSION, "actor": "nurse"} | body
        return RecordedEntry(received_ms=self.at_ms(hour), command=command, body=body)

    def _obs(self, hour: float, device: str, seq: Counter[str], metrics: Mapping[str, Any]) -> RecordedEntry:
        return self._numbered(hour, device, "obs", seq, {"metrics": self._told(metrics)})

    def _numbered(
        self, hour: float, device: str, channel: str, seq: Counter[str], body: Mapping[str, Any]
    ) -> RecordedEntry:
        seq[device] += 1
        payload = {"boot": "boot-1", "seq": seq[device], "time": self.at_ms(hour), **body}
        return self._message(hour, device, channel, payload)

    def _status(self, hour: float, device: str, kind: str) -> RecordedEntry:
        return self._message(hour, device, "status", {"state": "online", "kind": kind})

    def _message(self, hour: float, device: str, channel: str, payload: object) -> RecordedEntry:
        topic = f"icu/v1/icu/b01/{device}/{channel}"
        return RecordedEntry(received_ms=self.at_ms(hour), topic=topic, payload=orjson.dumps(payload))

    def _told(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        if not self.foreign:
            return dict(metrics)
        return {name: _foreign(name, value) for name, value in metrics.items()}


def _minutes(begin_h: float, end_h: float) -> Iterator[float]:
    return (minute / 60 for minute in range(round(begin_h * 60), round(end_h * 60)))


def _parts(metric: str) -> list[str]:
    return [f"{metric}_{part}" for part in ("SYS", "DIA", "MEAN")]


def _pressures(hour: float) -> tuple[float, float, float]:
    """Systolic, diastolic and mean, mm[Hg], as a monitor rounds them; the mean is a third of the way up."""
    systolic, diastolic = story.at_hour(story.SYSTOLIC, hour), story.at_hour(story.DIASTOLIC, hour)
    return round(systolic), round(diastolic), round(diastolic + (systolic - diastolic) / 3)


def _vitals(hour: float) -> dict[str, float]:
    pressures = dict(zip(_parts("MDC_PRESS_BLD_ART_ABP"), _pressures(hour), strict=True))
    return pressures | {
        "MDC_ECG_HEART_RATE": round(story.at_hour(story.HEART, hour)),
        "MDC_PULS_OXIM_SAT_O2": round(story.at_hour(story.SATURATION, hour)),
        "MDC_RESP_RATE": round(story.at_hour(story.BREATHS, hour)),
        "MDC_TEMP": round(story.at_hour(story.TEMPERATURE, hour), 1),
    }


def _pump_says(drug: str, ml_h: float) -> dict[str, Any]:
    return {
        "MDC_DRUG_NAME_LABEL": drug,
        "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing" if ml_h else "pump-status-not-infusing",
        "MDC_FLOW_FLUID_PUMP_CURRENT": ml_h,
    }


def _foreign(name: str, value: Any) -> Any:
    if name.startswith("MDC_PRESS_"):
        return {"value": value * 0.133322387415, "unit": "kPa"}
    if name in ("MDC_MASS_BODY_ACTUAL", "MDC_ATTR_PT_WEIGHT"):
        return {"value": value / 0.45359237, "unit": "[lb_av]"}
    if name == "loinc:2160-0":
        return {"value": value * 88.4, "unit": "umol/L"}
    return {"value": value * 9 / 5 + 32, "unit": "[degF]"} if name == "MDC_TEMP" else value
