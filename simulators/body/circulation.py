"""Mean pressure, pulse pressure and heart rate of a state. Pure functions; what they return has no noise in it."""

from __future__ import annotations

import math

from simulators.body.state import BodyState, HappeningKind
from simulators.body.traits import BodyTraits

_MIN_PULSE_PRESSURE = 16.0
"""mm[Hg]; narrower is an artefact (clinical notes 5.5 [V])."""
_PHENYLEPHRINE_MAX = 35.0
"""mm[Hg] (clinical notes 4.5 [D]: +15-20 per ug/kg/min, Emax 35)."""
_NOREPINEPHRINE_MAX = 45.0
_CRYSTALLOID_MMHG_PER_ML = 0.018
"""A bolus of 250-500 mL gives +5..8 mmHg (4.5 [D])."""
_PLASMA_MMHG_PER_ML = 0.004
"""A slow loss is made good by reflexes for the most part [D]."""
_SINUS_CEILING = 150.0


def pressor_mmhg(state: BodyState, traits: BodyTraits) -> float:
    """What the pressors add to the mean pressure, 0 to about 90 mm[Hg]; grows with each dose rate."""
    phenylephrine = _PHENYLEPHRINE_MAX * state.phenylephrine / (state.phenylephrine + 1.0)
    norepinephrine = _NOREPINEPHRINE_MAX * state.norepinephrine / (state.norepinephrine + 0.18)
    dopamine = 1.8 * min(6.0, state.dopamine)  # +5-10 at 1-5 ug/kg/min (4.5 [D])
    return traits.pressor_response * (phenylephrine + norepinephrine + dopamine)


def mean_pressure(state: BodyState, traits: BodyTraits) -> float:
    """Mean arterial pressure, 30..140 mm[Hg]: falls with vasoplegia, dip and lost volume, rises with pressors."""
    slow = traits.map0 * (1.0 - traits.vasoplegia * state.drive)
    volume = _CRYSTALLOID_MMHG_PER_ML * state.crystalloid_ml + _PLASMA_MMHG_PER_ML * state.plasma_ml
    lost = traits.dip * state.activity + state.depth_of(HappeningKind.VASODILATATION) + _rhythm_mmhg(state)
    return min(140.0, max(30.0, slow - lost + volume + pressor_mmhg(state, traits)))


def pulse_pressure(mean: float, state: BodyState, traits: BodyTraits) -> float:
    """Systolic minus diastolic, 16..80 mm[Hg]: a little wider under the drug (4.5 [D]), narrow in shock."""
    wide = traits.pulse_pressure0 * (1.0 + 0.06 * state.drive)
    return max(_MIN_PULSE_PRESSURE, wide * (1.0 - 0.9 * max(0.0, (65.0 - mean) / 65.0)))


def heart_rate(mean: float, state: BodyState, traits: BodyTraits) -> float:
    """/min, 35..190: up with the drug, with fever (+10 per K) and in hypotension; atrial fibrillation is near 145."""
    af, svt = state.strength_of(HappeningKind.AF), state.strength_of(HappeningKind.SVT)
    sinus = traits.hr0 * (1.0 + traits.rate_rise * state.drive) + 2.0 * state.activity
    sinus += 10.0 * max(0.0, state.temp - 37.2) + 0.6 * max(0.0, 68.0 - mean)
    sinus += 3.5 * min(6.0, state.dopamine) - 4.5 * state.phenylephrine / (1.0 + 0.3 * state.phenylephrine)
    sinus = _SINUS_CEILING - _softplus(_SINUS_CEILING - sinus, 5.0)
    sinus += state.depth_of(HappeningKind.TACHYCARDIA) - state.depth_of(HappeningKind.BRADYCARDIA)
    fast = sinus + (max(sinus, 145.0) - sinus) * af
    return min(190.0, max(35.0, fast + (max(fast, 168.0) - fast) * svt))


def rhythm(state: BodyState) -> str:
    """What an ECG shows now, a word of `site:rhythm`."""
    for kind, word in (
        (HappeningKind.VT, "vt"),
        (HappeningKind.AF, "af"),
        (HappeningKind.SVT, "svt"),
        (HappeningKind.BRADYCARDIA, "bradycardia"),
    ):
        if state.strength_of(kind) > 0.0:
            return word
    return "sinus"


def _rhythm_mmhg(state: BodyState) -> float:
    """What a fast rhythm costs the mean pressure [GK]."""
    return 6.0 * state.strength_of(HappeningKind.AF) + 10.0 * state.strength_of(HappeningKind.SVT)


def _softplus(x: float, width: float) -> float:
    """max(0, x) without the corner."""
    return width * math.log1p(math.exp(-abs(x) / width)) + max(0.0, x)
