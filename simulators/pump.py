"""Infusion pumps: the doses of aldesleukin, and a pressor that somebody titrates.

Both report every 10 s what the contract lists for pumps, and an event when an infusion starts and when it is complete.
The aldesleukin program follows clinical notes 1.1 and 1.2 (600,000 IU/kg over 15 minutes every 8 hours; drug and
diluent volumes by weight). `MDC_VOL_FLUID_DELIV_TOTAL` falls back to 0 at reprogramming.

They deliberately have no effect on the simulated patient, and nothing commands them: the simulated nurse does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.devices import Device, Message, Metrics, Place
from simulators.physiology import DOSE_INTERVAL_H, MAX_DOSES, Patient

_PERIOD_MS = 10_000
_INFUSING = {True: "pump-status-infusing", False: "pump-status-not-infusing"}

_DOSE_IU_PER_KG = 600_000.0
_DOSE_DURATION_S = 900.0
_STOCK_MIU_PER_ML = 18.0
_MIU_PER_MG = 18.0 / 1.1
_PROGRAMMED_BEFORE_S = 300.0
"""The pump is programmed for a dose this long before it starts: the totals go back to 0 then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bag:
    """What hangs on the pump."""

    volume_ml: float
    mg_per_ml: float


class DosePump(Device):
    """Gives one dose of aldesleukin every 8 hours, and idles in between."""

    kind = "pump"
    model = "Simulated syringe pump"

    def __init__(
        self, place: Place, patient: Patient, *, seed: str, start_ms: int, clock_offset_ms: int | None = None
    ) -> None:
        """Hangs the pump; when its doses are due follows from the patient's `course_h`."""
        super().__init__(place, seed=seed, start_ms=start_ms, clock_offset_ms=clock_offset_ms)
        self._patient = patient
        self._weight_kg = round(patient.traits.weight_kg, 1)
        self._bag = aldesleukin_bag(self._weight_kg)
        self._was_infusing = False

    def _due_after(self, at_ms: int) -> int:
        return at_ms + _PERIOD_MS

    def _speak(self, at_ms: int) -> list[Message]:
        since_s = self._since_dose_s(self._since_start_s(at_ms))
        infusing = since_s is not None and 0.0 <= since_s < _DOSE_DURATION_S
        messages = self._turn(at_ms, infusing=infusing)
        given_ml = self._bag.volume_ml * min(1.0, max(0.0, (since_s or 0.0) / _DOSE_DURATION_S))
        messages.append(self._obs(at_ms, self._reading(given_ml, infusing=infusing)))
        return messages

    def _turn(self, at_ms: int, *, infusing: bool) -> list[Message]:
        """The event of a step in which the pump started or came to its end."""
        changed, self._was_infusing = infusing != self._was_infusing, infusing
        if not changed:
            return []
        return [self._event(at_ms, "MDC_EVT_PUMP_DELIV_START" if infusing else "MDC_EVT_PUMP_DELIV_COMP", "tpoint")]

    def _reading(self, given_ml: float, *, infusing: bool) -> Metrics:
        bag = self._bag
        rate_ml_h = bag.volume_ml * 3600.0 / _DOSE_DURATION_S if infusing else 0.0
        return {
            "MDC_DRUG_NAME_LABEL": "Proleukin",
            "MDC_PUMP_INFUSING_STATUS": _INFUSING[infusing],
            "MDC_FLOW_FLUID_PUMP_CURRENT": round(rate_ml_h, 1),
            "MDC_VOL_FLUID_DELIV_TOTAL": round(given_ml, 2),
            "MDC_VOL_FLUID_TBI": round(bag.volume_ml, 2),
            "MDC_VOL_FLUID_TBI_REMAIN": round(bag.volume_ml - given_ml, 2),
            "MDC_CONC_DRUG": {"value": round(bag.mg_per_ml * _MIU_PER_MG * 1e6), "unit": "[IU]/mL"},
            "MDC_RATE_DOSE": round(rate_ml_h * bag.mg_per_ml * 1000.0 / 60.0 / self._weight_kg, 4),
            "MDC_ATTR_PT_WEIGHT": self._weight_kg,
        }

    def _since_dose_s(self, t_s: float) -> float | None:
        """Seconds since the start of the dose the pump is programmed for; negative while it waits; None without one."""
        if self._patient.course_h is None:
            return None
        interval_s = DOSE_INTERVAL_H * 3600.0
        since_first_s = self._patient.course_h * 3600.0 + t_s
        number = min(MAX_DOSES - 1, (since_first_s + _PROGRAMMED_BEFORE_S) // interval_s)
        return since_first_s - number * interval_s if number >= 0 else None


class PressorPump(Device):
    """Runs a vasopressor; every five minutes the rate follows the mean pressure."""

    kind = "pump"
    model = "Simulated volumetric pump"

    def __init__(
        self, place: Place, patient: Patient, *, drug: str, seed: str, start_ms: int, clock_offset_ms: int | None = None
    ) -> None:
        """Hangs the pump.

        Args:
            place: where it stands.
            patient: whose pressure the rate follows.
            drug: a key of `PRESSORS`.
            seed: see `Device`.
            start_ms: see `Device`.
            clock_offset_ms: see `Device`.

        Raises:
            KeyError: no such drug.
        """
        super().__init__(place, seed=seed, start_ms=start_ms, clock_offset_ms=clock_offset_ms)
        self._patient = patient
        self._program = PRESSORS[drug]
        self._weight_kg = round(patient.traits.weight_kg, 1)
        self._dose = self._program.low
        self._given_ml = 0.0
        self._pressures: list[float] = []
        self._started = False

    def _due_after(self, at_ms: int) -> int:
        return at_ms + _PERIOD_MS

    def _speak(self, at_ms: int) -> list[Message]:
        messages = [] if self._started else [self._event(at_ms, "MDC_EVT_PUMP_DELIV_START", "tpoint")]
        self._started = True
        self._titrate(self._patient.vital_signs_at(self._since_start_s(at_ms)).map)
        self._given_ml += self._rate_ml_h * _PERIOD_MS / 3_600_000.0
        if self._given_ml > self._program.bag.volume_ml - 5.0:
            self._given_ml = 0.0
        messages.append(self._obs(at_ms, self._reading()))
        return messages

    @property
    def _rate_ml_h(self) -> float:
        return round(self._dose * self._weight_kg * 60.0 / 1000.0 / self._program.bag.mg_per_ml, 1)

    def _titrate(self, mean: float) -> None:
        self._pressures.append(mean)
        if len(self._pressures) * _PERIOD_MS < 300_000:
            return
        average = sum(self._pressures) / len(self._pressures)
        self._pressures.clear()
        step = self._program.step if average < 65.0 else -self._program.step if average > 78.0 else 0.0
        self._dose = min(self._program.high, max(self._program.low, round(self._dose + step, 3)))

    def _reading(self) -> Metrics:
        bag = self._program.bag
        return {
            "MDC_DRUG_NAME_LABEL": self._program.label,
            "MDC_PUMP_INFUSING_STATUS": _INFUSING[True],
            "MDC_FLOW_FLUID_PUMP_CURRENT": self._rate_ml_h,
            "MDC_VOL_FLUID_DELIV_TOTAL": round(self._given_ml, 2),
            "MDC_VOL_FLUID_TBI": bag.volume_ml,
            "MDC_VOL_FLUID_TBI_REMAIN": round(bag.volume_ml - self._given_ml, 2),
            "MDC_CONC_DRUG": bag.mg_per_ml,
            "MDC_RATE_DOSE": self._dose,
            "MDC_ATTR_PT_WEIGHT": self._weight_kg,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PressorProgram:
    """How a pressor is hung and titrated; doses in ug/kg/min."""

    label: str
    bag: Bag
    low: float
    high: float
    step: float


PRESSORS: Mapping[str, PressorProgram] = {
    # Usual adult concentrations and ranges [GK]; phenylephrine's effect per ug/kg/min: clinical notes 4.5.
    "norepinephrine": PressorProgram(
        label="Levophed", bag=Bag(volume_ml=250.0, mg_per_ml=0.064), low=0.02, high=0.3, step=0.03
    ),
    "phenylephrine": PressorProgram(
        label="phenylephrine", bag=Bag(volume_ml=250.0, mg_per_ml=0.2), low=0.2, high=2.0, step=0.2
    ),
}


def aldesleukin_bag(weight_kg: float) -> Bag:
    """Drug plus diluent for one dose by weight (clinical notes 1.2: 25, 50 or 100 mL of D5W)."""
    dose_miu = _DOSE_IU_PER_KG * weight_kg / 1e6
    diluent_ml = 25.0 if dose_miu <= 25.4 else 50.0 if dose_miu <= 60.0 else 100.0
    volume_ml = diluent_ml + dose_miu / _STOCK_MIU_PER_ML
    return Bag(volume_ml=volume_ml, mg_per_ml=dose_miu / _MIU_PER_MG / volume_ml)
