"""A bed scale and a urometer: one weight a day, one hour of urine an hour.

They deliberately report nothing in between: what is known of the patient between two readings is for the reader to say.
"""

from __future__ import annotations

from simulators.devices import Device, Message, Place
from simulators.physiology import Patient

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_WEIGHED_AT_MS = 6 * _HOUR_MS
"""Weights are taken at 06:00 (clinical notes, section 7)."""
_SAMPLE_EVERY_MS = 5 * 60_000
"""The urometer adds up the patient's flow in steps of five minutes."""


class _Meter(Device):
    """A device that reads one patient."""

    def __init__(
        self, place: Place, patient: Patient, *, seed: str, start_ms: int, clock_offset_ms: int | None = None
    ) -> None:
        super().__init__(place, seed=seed, start_ms=start_ms, clock_offset_ms=clock_offset_ms)
        self._patient = patient


class Scale(_Meter):
    """Weighs at the start of the stay and then every day at 06:00 UTC."""

    kind = "scale"
    model = "Simulated bed scale"

    def _due_after(self, at_ms: int) -> int:
        return ((at_ms - _WEIGHED_AT_MS) // _DAY_MS + 1) * _DAY_MS + _WEIGHED_AT_MS

    def _speak(self, at_ms: int) -> list[Message]:
        weight_kg = self._patient.vital_signs_at(self._since_start_s(at_ms)).weight_kg
        return [self._obs(at_ms, {"MDC_MASS_BODY_ACTUAL": round(weight_kg, 1)})]


class Urometer(_Meter):
    """Reports at each full hour (of the run) what came in the hour before."""

    kind = "urometer"
    model = "Simulated urometer"

    def __init__(
        self, place: Place, patient: Patient, *, seed: str, start_ms: int, clock_offset_ms: int | None = None
    ) -> None:
        """Hangs the urometer; the first reading is due an hour later."""
        super().__init__(place, patient, seed=seed, start_ms=start_ms, clock_offset_ms=clock_offset_ms)
        self.next_due_ms += _HOUR_MS

    def _due_after(self, at_ms: int) -> int:
        return at_ms + _HOUR_MS

    def _speak(self, at_ms: int) -> list[Message]:
        instants = range(at_ms - _HOUR_MS + _SAMPLE_EVERY_MS, at_ms + 1, _SAMPLE_EVERY_MS)
        flows = [self._patient.vital_signs_at(max(0.0, self._since_start_s(i))).urine_ml_h for i in instants]
        return [self._obs(at_ms, {"MDC_FLOW_URINE_PREV_HR": round(sum(flows) / len(flows))})]
