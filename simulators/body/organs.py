"""Kidneys and blood over hours and days: pure functions that give the next value of one quantity.

Each takes the state, the traits and a step in hours; each relaxes towards what the drug would make of it.
"""

from __future__ import annotations

import math

from simulators.body.state import BodyState
from simulators.body.traits import BodyTraits

_CREATININE_TAU_H = 6.4
"""Volume of distribution / clearance: 42 L / 110 mL/min [GK]."""


def relaxed(value: float, target: float, tau_h: float, dt_h: float) -> float:
    """One step of exponential approach; exact for a constant target, whatever the step."""
    return target + (value - target) * math.exp(-dt_h / tau_h)


def clearance(state: BodyState, traits: BodyTraits, dt_h: float) -> float:
    """Share of clearance left, 0.05..1: 111 to 17 mL/min by day 5 [V]; lower after hours of low pressure [V]."""
    lost = traits.renal * state.drive**1.5 + 0.05 * min(24.0, state.low_pressure_h)
    target = max(0.05, math.exp(-lost) * math.exp(min(0.0, state.plasma_ml) / 4000.0))
    return relaxed(state.clearance, target, 14.0 if target < state.clearance else 60.0, dt_h)


def creatinine(state: BodyState, traits: BodyTraits, dt_h: float) -> float:
    """mg/dL, 0.4..15: production is constant, removal goes with the clearance, so it lags by half a day and more."""
    steady = traits.creatinine0 / max(0.05, state.clearance)
    return relaxed(state.creatinine, steady, _CREATININE_TAU_H / max(0.05, state.clearance), dt_h)


def bicarbonate(state: BodyState, traits: BodyTraits, dt_h: float) -> float:
    """mmol/L, 12..25: 18-20 by day 4-5 in one of eight (4.5 [D])."""
    return relaxed(state.bicarbonate, 25.0 - traits.acidosis * state.drive, 8.0, dt_h)


def platelets(state: BodyState, traits: BodyTraits, dt_h: float) -> float:
    """10*3/uL, 10..250: to the patient's nadir by day 5, back within a week (4.5 [D])."""
    target = 250.0 - (250.0 - traits.platelet_nadir) * min(1.0, 1.35 * state.drive)
    return relaxed(state.platelets, target, 10.0 if target < state.platelets else 60.0, dt_h)


def bilirubin(state: BodyState, traits: BodyTraits, dt_h: float) -> float:
    """mg/dL, 0.3..20: from day 2 it doubles about every day and a half up to the patient's peak (4.5 [D])."""
    if state.drive > 0.35 and state.activity > 0.5:
        rate = max(0.005, math.log(traits.bilirubin_peak / 0.6) / 65.0)
        return min(max(traits.bilirubin_peak, state.bilirubin), state.bilirubin * math.exp(rate * dt_h))
    return relaxed(state.bilirubin, 0.6, 70.0, dt_h) if state.drive < 0.3 else state.bilirubin


def albumin(state: BodyState, dt_h: float) -> float:
    """g/dL, 1.8..3.8: 3.6 to 2.2 in days [V], still low six days after the end [V]."""
    target = 3.8 - 1.75 * state.drive
    return relaxed(state.albumin, target, 8.0 if target < state.albumin else 200.0, dt_h)
