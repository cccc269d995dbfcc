"""What makes one body differ from the next: one draw of every parameter, each with range, unit and source.

Where the published magnitudes ([V]: mean pressure -14 %, heart rate 66 to 104) and the proposal built on them ([D]:
the slow fall and the dip of each dose, added) disagree, the published magnitude wins: both parts here are smaller than
the proposal's, so that their sum on day 5 is what was measured (docs/evidence/simulated-courses.md).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a trait is spread between patients: normal, or lognormal with `sd` of the logarithm, cut at both ends."""

    centre: float
    """Mean, or median of a lognormal one."""
    sd: float
    low: float
    high: float
    unit: str
    source: str
    is_log: bool = False

    def draw(self, rng: random.Random) -> float:
        """One patient's value, low..high."""
        drawn = self.centre * math.exp(rng.gauss(0.0, self.sd)) if self.is_log else rng.gauss(self.centre, self.sd)
        return min(self.high, max(self.low, drawn))


def _normal(centre: float, sd: float, low: float, high: float, unit: str, source: str) -> Spread:
    return Spread(centre=centre, sd=sd, low=low, high=high, unit=unit, source=source)


def _log(median: float, sd: float, low: float, high: float, unit: str, source: str) -> Spread:
    return Spread(centre=median, sd=sd, low=low, high=high, unit=unit, source=source, is_log=True)


_D = "clinical notes 4.5 [D]"

SPREADS: Mapping[str, Spread] = {
    "weight_kg": _normal(80, 14, 48, 125, "kg", _D),
    "map0": _normal(96, 8, 82, 114, "mm[Hg]", f"{_D}; 95-105 [V]"),
    "pulse_pressure0": _normal(52, 6, 40, 66, "mm[Hg]", f"{_D}: 128/76"),
    "form_factor": _normal(0.36, 0.02, 0.32, 0.42, "1", "(MAP-DBP)/(SBP-DBP) of 128/76/95"),
    "hr0": _normal(68, 9, 50, 90, "/min", "66 +- 10 Lee 1989 [V]; 70 +- 10 [D]"),
    "rr0": _normal(15, 1.5, 11, 19, "/min", _D),
    "temp0": _normal(36.8, 0.15, 36.4, 37.2, "Cel", _D),
    "spo2_0": _normal(97, 0.8, 95, 99, "%", _D),
    "cvp0": _normal(6, 2, 2, 11, "mm[Hg]", "general knowledge [GK]"),
    "etco2_0": _normal(36, 2.5, 31, 42, "mm[Hg]", "general knowledge [GK]"),
    "urine0_ml_kg_h": _normal(1.25, 0.15, 1.0, 1.5, "mL/kg/h", _D),
    "creatinine0": _normal(0.9, 0.12, 0.6, 1.3, "mg/dL", _D),
    "vasoplegia": _normal(0.075, 0.025, 0.03, 0.16, "1", "share of MAP lost at the plateau; -14 % in all [V]"),
    "dip": _log(3.8, 0.45, 1.0, 8.0, "mm[Hg]", "per unit of cytokine activity; 5 growing to 15-25 [D]"),
    "rate_rise": _normal(0.42, 0.10, 0.15, 0.75, "1", "share of HR gained at the plateau; 66 to 104 [V]"),
    "fever": _normal(1.4, 0.4, 0.5, 2.5, "K", f"{_D}: +1.0-2.5 at 3-5 h"),
    "gain_pct": _log(7.1, 1.0, 1.5, 32.0, "%", f"{_D}: 32 % of courses reach 10 % [V], +4.0-4.5 kg in 5 days [V]"),
    "renal": _log(1.55, 0.36, 0.4, 4.5, "1", "log of the loss of clearance; 111 to 17 mL/min [V]"),
    "acidosis": _normal(3.6, 1.8, 0.0, 9.0, "mmol/L", f"{_D}: 18-20 in 12 %"),
    "platelet_nadir": _log(100, 0.5, 15, 220, "10*3/uL", f"{_D}: 80-120; < 50 in 10 %"),
    "bilirubin_peak": _log(2.6, 0.62, 0.8, 18.0, "mg/dL", f"{_D}: > 7 in 5 %"),
    "lung": _log(0.035, 0.8, 0.02, 1.5, "%/%", "loss of SpO2 per % of weight gained; 10 % need oxygen [D]"),
    "pressor_response": _log(1.0, 0.2, 0.5, 1.6, "1", "[D]"),
    "endurance": _log(1.0, 0.22, 0.5, 2.0, "1", "how much of it a patient tolerates before it is stopped [D]"),
}
"""Every trait that is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyTraits:
    """One draw of every spread; units as in `SPREADS`."""

    weight_kg: float
    map0: float
    pulse_pressure0: float
    form_factor: float
    hr0: float
    rr0: float
    temp0: float
    spo2_0: float
    cvp0: float
    etco2_0: float
    urine0_ml_kg_h: float
    creatinine0: float
    vasoplegia: float
    dip: float
    rate_rise: float
    fever: float
    gain_pct: float
    renal: float
    acidosis: float
    platelet_nadir: float
    bilirubin_peak: float
    lung: float
    pressor_response: float
    endurance: float

    @classmethod
    def drawn(cls, seed: str, fixed: Mapping[str, float] | None = None) -> BodyTraits:
        """The traits that belong to a seed, some of them fixed by a scenario.

        Raises:
            KeyError: `fixed` names no trait.
        """
        rng = random.Random(f"body:{seed}")
        drawn = cls(**{name: spread.draw(rng) for name, spread in SPREADS.items()})
        for name in fixed or {}:
            SPREADS[name]
        return replace(drawn, **dict(fixed or {}))

    @property
    def sbp0(self) -> float:
        """Systolic pressure before treatment, mm[Hg]."""
        return self.map0 + (1.0 - self.form_factor) * self.pulse_pressure0

    @property
    def urine0_ml_h(self) -> float:
        """Urine before treatment, mL/h."""
        return self.urine0_ml_kg_h * self.weight_kg
