"""A bedside monitor: numerics once a second, from an arterial line or with a cuff every few minutes.

Heart rate and arterial pressures are means of beats (`simulators.beats`). With an arterial line it reports 14 metrics a
second. Without one it reports the rest a second, and the three cuff
pressures when a measurement has ended, with the metric's own `time`. The cuff's systolic error changes its sign in
hypotension, its mean hardly errs (clinical notes 5.4).

It deliberately raises no alarms of its own and sends no waveforms.
"""

from __future__ import annotations

import random
from typing import Protocol

from simulators.artefacts import Artefact, ArtefactCourse, Pressures, pulse_rate, spoil_pressures, spoil_saturation
from simulators.beats import SINUS_IRREGULARITY, Beats
from simulators.devices import Device, Message, Metrics, Place
from simulators.physiology import VitalSigns

_CUFF_EVERY_S = (300, 900)
"""A cuff is set to measure every 5 to 15 minutes (clinical notes, section 7)."""
_CUFF_TAKES_MS = 25_000
"""From the start of a measurement to its values."""


_NO_PULSE_BELOW_PI = 0.3
"""An oximeter finds no pulse in a limb that is hardly perfused (clinical notes 5.6)."""


class Measured(Protocol):
    """A patient as a monitor sees one."""

    def vital_signs_at(self, t_s: float, /) -> VitalSigns:
        """What is true `t_s` seconds after the start."""


class Spoilt(Protocol):
    """When the line and the oximeter are spoilt, and how."""

    def at(self, t_s: float, /) -> Artefact | None:
        """The artefact under way, if any."""


class Monitor(Device):
    """One monitor on one patient."""

    kind = "monitor"
    model = "Simulated monitor"

    def __init__(
        self,
        place: Place,
        patient: Measured,
        *,
        has_arterial_line: bool,
        artefacts_per_h: float = 0.0,
        artefacts: Spoilt | None = None,
        period_s: int = 1,
        seed: str,
        start_ms: int,
        clock_offset_ms: int | None = None,
    ) -> None:
        """Connects the monitor to its patient.

        Args:
            place: where it stands.
            patient: whose vital signs it measures.
            has_arterial_line: arterial pressures each second; otherwise a cuff.
            artefacts_per_h: expected spoilt stretches per hour, 0..12.
            artefacts: told rather than drawn.
            period_s: between two reports, s.
            seed: see `Device`.
            start_ms: see `Device`.
            clock_offset_ms: see `Device`.
        """
        super().__init__(place, seed=seed, start_ms=start_ms, clock_offset_ms=clock_offset_ms)
        self.patient = patient
        self.has_arterial_line = has_arterial_line
        self._artefacts = artefacts or ArtefactCourse(seed=self.seed, per_h=artefacts_per_h)
        self._period_ms = period_s * 1000
        self._beats = Beats(self.seed)
        self._cuff_rng = random.Random(f"cuff:{self.seed}")
        self._cuff_every_ms = 1000 * self._cuff_rng.randrange(_CUFF_EVERY_S[0], _CUFF_EVERY_S[1] + 1, 30)
        self._cuff_starts_ms = start_ms + 1000 * self._cuff_rng.randint(2, 30)

    def artefact_at(self, t_s: float) -> Artefact | None:
        """What spoils line or oximeter at an instant, seconds since the start."""
        return self._artefacts.at(t_s)

    def shift(self, by_ms: int) -> None:
        """See `Device.shift`; the cuff's cycle moves along."""
        super().shift(by_ms)
        self._cuff_starts_ms += by_ms

    def _due_after(self, at_ms: int) -> int:
        return at_ms + self._period_ms

    def _speak(self, at_ms: int) -> list[Message]:
        t_s = self._since_start_s(at_ms)
        signs = self.patient.vital_signs_at(t_s)
        self._beats.until(t_s, signs, self._irregularity())
        metrics = self._always(signs, t_s)
        if self.has_arterial_line:
            metrics |= self._line(signs, t_s)
        else:
            metrics |= self._cuff_if_done(at_ms)
        return [self._obs(at_ms, metrics)]

    def _irregularity(self) -> float:
        """Of the intervals between beats, as a share."""
        return SINUS_IRREGULARITY

    def _always(self, signs: VitalSigns, t_s: float) -> Metrics:
        artefact = self._artefacts.at(t_s)
        saturation = spoil_saturation(signs.spo2, artefact)
        if signs.perfusion_index < _NO_PULSE_BELOW_PI:
            saturation = None
        return {
            "MDC_ECG_HEART_RATE": round(self._beats.rate),
            "MDC_PULS_OXIM_PULS_RATE": None if saturation is None else round(pulse_rate(self._beats.rate, artefact)),
            "MDC_PULS_OXIM_SAT_O2": None if saturation is None else round(saturation, 1),
            "MDC_BLD_PERF_INDEX": None if saturation is None else round(signs.perfusion_index, 2),
            "MDC_RESP_RATE": round(signs.rr),
            "MDC_TEMP": round(signs.temp, 1),
            "MDC_AWAY_CO2_ET": round(signs.etco2),
            "MDC_ECG_AMPL_ST_II": round(signs.st_ii, 1),
            "MDC_ECG_AMPL_ST_III": round(signs.st_iii, 1),
            "MDC_ECG_V_P_C_RATE": round(signs.pvc_rate),
        }

    def _line(self, signs: VitalSigns, t_s: float) -> Metrics:
        shown = spoil_pressures(self._beats.pressures, self._artefacts.at(t_s), t_s)
        return {
            "MDC_PRESS_BLD_ART_ABP_SYS": round(shown.sys),
            "MDC_PRESS_BLD_ART_ABP_DIA": round(shown.dia),
            "MDC_PRESS_BLD_ART_ABP_MEAN": round(shown.mean),
            "MDC_PRESS_BLD_VEN_CENT_MEAN": round(signs.cvp),
        }

    def _cuff_if_done(self, at_ms: int) -> Metrics:
        determined_ms = self._cuff_starts_ms + _CUFF_TAKES_MS
        if at_ms < determined_ms:
            return {}
        self._cuff_starts_ms += self._cuff_every_ms
        signs = self.patient.vital_signs_at(self._since_start_s(determined_ms))
        shown = self._cuff_reading(signs)
        time = self._own_time(determined_ms)
        return {
            "MDC_PRESS_CUFF_SYS": {"value": round(shown.sys), "time": time},
            "MDC_PRESS_CUFF_DIA": {"value": round(shown.dia), "time": time},
            "MDC_PRESS_CUFF_MEAN": {"value": round(shown.mean), "time": time},
        }

    def _cuff_reading(self, signs: VitalSigns) -> Pressures:
        # Reads low by about 5 mmHg at normal pressures, high in hypotension; means agree (Lehman 2013, notes 5.4).
        bias = 5.0 if signs.map < 65.0 else -5.0
        mean = signs.map + self._cuff_rng.gauss(0.0, 1.5)
        sys = max(mean + 8.0, signs.sbp + bias + self._cuff_rng.gauss(0.0, 3.0))
        dia = min(mean - 5.0, signs.dbp + self._cuff_rng.gauss(0.0, 2.0))
        return Pressures(sys=sys, dia=dia, mean=mean)
