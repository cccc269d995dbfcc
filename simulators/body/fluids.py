"""Water: what comes in, what leaks out of the vessels, what comes back and what leaves as urine. Mass is conserved.

Rates are mL/h and never negative. The weight gained follows from them; it is drawn nowhere.
"""

from __future__ import annotations

import math

from simulators.body.state import BodyState, HappeningKind
from simulators.body.traits import BodyTraits

COURSE_H = 108.0
"""From the first dose to some hours after the last of fourteen."""
CRYSTALLOID_TAU_H = 1.67
"""Half of a bolus is out of the vessels after 1 h, 70 % after 2 h (clinical notes 4.5 [D])."""
STAYS_SHARE = 0.3
_REFILL_TAU_H = 60.0
"""Lymph brings back 1-2 kg a day once the leak has closed (4.5 [GK])."""
_INSENSIBLE_ML_H = 35.0
"""Skin and breath [GK]; a tenth more per degree."""
_HALVES_PER_ML = 1.0 / 750.0
"""How steeply urine follows the volume in the vessels [D]."""
_LEAST_URINE_ML_H = 2.0
_MOST_URINE_ML_KG_H = 5.0


def leak_ml_h(state: BodyState, traits: BodyTraits) -> float:
    """Out of the vessels, 0 to about 500 mL/h: the patient's gain spread over the course, while the leak is open."""
    whole_ml = traits.gain_pct / 100.0 * traits.weight_kg * 1000.0
    return whole_ml / (0.78 * COURSE_H) * state.leak


def refill_ml_h(state: BodyState) -> float:
    """Back into the vessels; nothing while the leak is wide open."""
    return state.interstitial_ml / _REFILL_TAU_H * (1.0 - state.leak) ** 2


def insensible_ml_h(state: BodyState) -> float:
    """Lost through skin and breath, 30..60 mL/h."""
    return _INSENSIBLE_ML_H * (1.0 + 0.1 * max(0.0, state.temp - 37.0))


def usual_intake_ml_h(traits: BodyTraits) -> float:
    """What a patient takes in when nothing is wrong, mL/h: as much as is lost."""
    return traits.urine0_ml_h + _INSENSIBLE_ML_H


def urine_ml_h(state: BodyState, traits: BodyTraits) -> float:
    """2 mL/h to 5 mL/kg/h: falls with lost volume, low pressure and lost clearance; dopamine adds up to a fifth."""
    volume = math.exp(min(1.5, max(-4.0, (state.plasma_ml + 0.5 * state.crystalloid_ml) * _HALVES_PER_ML)))
    pressure = min(1.0, max(0.05, (state.map - 42.0) / 24.0))
    kidney = 0.45 + 0.55 * state.clearance
    dopamine = 1.0 + 0.04 * min(5.0, state.dopamine)
    stays_away = 1.0 - min(0.98, state.depth_of(HappeningKind.ANURIA))
    flow = traits.urine0_ml_h * volume * pressure * kidney * dopamine * stays_away
    return min(_MOST_URINE_ML_KG_H * traits.weight_kg, max(_LEAST_URINE_ML_H, flow))
