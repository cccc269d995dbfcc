"""Vital signs of a state at an instant: what is true of the patient, with the restlessness of a living body.

A pure function of seed, state and time. What a device makes of it is the device's.
"""

from __future__ import annotations

import math

from simulators.body.circulation import heart_rate, pulse_pressure
from simulators.body.state import BodyState, HappeningKind
from simulators.body.traits import BodyTraits
from simulators.noise import channel_key, wander
from simulators.physiology import VitalSigns


def saturation(state: BodyState, traits: BodyTraits) -> float:
    """SpO2 without noise, 60..100 %: lungs get wet as weight is gained; oxygen makes good part of it."""
    gain_pct = max(0.0, 100.0 * state.weight_gain_kg() / traits.weight_kg)
    dry = traits.spo2_0 - 0.8 * state.drive - traits.lung * gain_pct - state.depth_of(HappeningKind.DESATURATION)
    gained = (100.0 - dry) * (1.0 - math.exp(-0.22 * state.oxygen_l_min))
    return min(100.0, max(60.0, dry + gained))


def vital_signs(state: BodyState, traits: BodyTraits, seed: str, t_s: float) -> VitalSigns:
    """All of them; DBP < MAP < SBP always.

    Args:
        state: of the body, at most some seconds old.
        traits: whose body it is.
        seed: of the noise.
        t_s: seconds of the run, which the noise goes by.
    """

    def wanders(channel: str, scale_s: float) -> float:
        return wander(channel_key(seed, channel), t_s / scale_s)

    irregular = 4.0 if state.strength_of(HappeningKind.AF) > 0.0 else 1.0
    mean = state.map + 2.0 * wanders("map-slow", 2400.0) + 0.9 * irregular * wanders("map", 7.0)
    width = max(16.0, pulse_pressure(mean, state, traits) + 1.2 * irregular * wanders("pp", 5.0))
    dbp = mean - traits.form_factor * width
    spo2 = min(100.0, saturation(state, traits) + 0.5 * wanders("spo2", 240.0))
    temp = state.temp + 0.12 * wanders("temp", 5400.0)
    rr = traits.rr0 + 1.5 * max(0.0, temp - 37.2) + 0.6 * max(0.0, 94.0 - spo2) + 1.2 * wanders("rr", 11.0)
    lost = max(0.0, 1.0 - mean / 75.0)
    unrest = 2.0 * wanders("hr-slow", 1800.0) + 1.2 * irregular * wanders("hr", 4.0)
    return VitalSigns(
        hr=heart_rate(state.map, state, traits) + unrest,
        sbp=dbp + width,
        dbp=dbp,
        map=mean,
        spo2=spo2,
        rr=rr,
        temp=temp,
        cvp=traits.cvp0 + state.plasma_ml / 400.0 + 0.8 * wanders("cvp", 20.0),
        etco2=traits.etco2_0 - 0.3 * (rr - traits.rr0) - 6.0 * lost + 0.6 * wanders("etco2", 9.0),
        perfusion_index=max(0.1, 3.0 - 6.0 * lost - 2.0 * state.norepinephrine + 0.5 * wanders("pi", 30.0)),
        st_ii=0.2 + 0.15 * wanders("st2", 600.0),
        st_iii=0.1 + 0.15 * wanders("st3", 600.0),
        pvc_rate=max(0.0, 1.5 + 2.5 * wanders("pvc", 300.0)),
        urine_ml_h=state.urine_ml_h,
        weight_kg=traits.weight_kg + state.weight_gain_kg(),
    )
