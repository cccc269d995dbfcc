"""One step of a body: a pure function of state, traits, what is given, and the length of the step.

Each part relaxes exponentially, so that steps of 10 s and of 2 min agree (a test says how closely). No solver for
differential equations is used: the parts are weakly coupled and none is stiff at these steps.
"""

from __future__ import annotations

import math

from simulators.body import fluids, organs
from simulators.body.circulation import mean_pressure
from simulators.body.kernel import activity
from simulators.body.state import BodyState, Given, HappeningKind
from simulators.body.traits import BodyTraits

_DRIVE_ON_TAU_H, _DRIVE_OFF_TAU_H = 42.0, 18.0
"""To a plateau on day 3 to 5; pressure back to 90 % within 12-24 h of the end (clinical notes 4.5 [D])."""
_LEAK_ON_TAU_H, _LEAK_OFF_TAU_H = 16.0, 14.0
_UNDER_TREATMENT_H = 13.0
"""So long after a dose the slow effects still grow [D]."""
_EFFECT_ON_H, _EFFECT_OFF_H = 1.2 / 60.0, 7.2 / 60.0
"""Pressors: onset 1-2 min, half of the effect gone 5 min after the stop (4.5 [D])."""


def at_rest(traits: BodyTraits, t_h: float = 0.0) -> BodyState:
    """A body before treatment."""
    return BodyState(
        t_h=t_h, creatinine=traits.creatinine0, map=traits.map0, temp=traits.temp0, urine_ml_h=traits.urine0_ml_h
    )


def advance(state: BodyState, traits: BodyTraits, given: Given, dt_s: float) -> BodyState:
    """The body `dt_s` seconds later (0 < dt_s <= 300).

    Args:
        state: now.
        traits: whose body it is.
        given: what flows in during the step.
        dt_s: length of the step, s.
    """
    dt_h = dt_s / 3600.0
    t_h = state.t_h + dt_h
    under_treatment = _under_treatment(state, t_h)
    water = _water(state, traits, given, dt_h)
    cytokines = activity(state.doses, t_h) if state.doses else 0.0
    moved = BodyState(
        t_h=t_h,
        doses=state.doses,
        happenings=state.happenings,
        activity=cytokines,
        drive=_towards(state.drive, under_treatment, _DRIVE_ON_TAU_H, _DRIVE_OFF_TAU_H, dt_h),
        leak=_towards(state.leak, under_treatment, _LEAK_ON_TAU_H, _LEAK_OFF_TAU_H, dt_h),
        plasma_ml=water[0],
        crystalloid_ml=water[1],
        interstitial_ml=water[2],
        phenylephrine=_effect(state.phenylephrine, given.phenylephrine, dt_h),
        norepinephrine=_effect(state.norepinephrine, given.norepinephrine, dt_h),
        dopamine=_effect(state.dopamine, given.dopamine, dt_h),
        oxygen_l_min=_effect(state.oxygen_l_min, given.oxygen_l_min, dt_h),
        low_pressure_h=state.low_pressure_h + (dt_h if state.map < 60.0 else 0.0),
        clearance=organs.clearance(state, traits, dt_h),
        creatinine=organs.creatinine(state, traits, dt_h),
        bicarbonate=organs.bicarbonate(state, traits, dt_h),
        platelets=organs.platelets(state, traits, dt_h),
        bilirubin=organs.bilirubin(state, traits, dt_h),
        albumin=organs.albumin(state, dt_h),
        urine_ml_h=water[3],
        urine_ml=state.urine_ml + water[3] * dt_h,
        map=state.map,
        temp=temperature(state, traits, t_h),
    )
    object.__setattr__(moved, "map", mean_pressure(moved, traits))  # the last part of making it: it needs the others
    return moved


def temperature(state: BodyState, traits: BodyTraits, t_h: float) -> float:
    """Cel, 36..41: +1.0 to 2.5 K three to five hours after a dose, back by seven (4.2 [V], 4.5 [D])."""
    fever = 0.0
    for _, start_h, share in state.doses[-2:]:
        since_h = t_h - start_h
        if 0.0 < since_h < 9.0:
            fever += traits.fever * min(1.5, share) * math.exp(-(((since_h - 4.0) / 1.3) ** 2))
    return traits.temp0 + fever + state.depth_of(HappeningKind.FEVER)


def _under_treatment(state: BodyState, t_h: float) -> float:
    if not state.doses or t_h - state.doses[-1][1] > _UNDER_TREATMENT_H:
        return 0.0
    return min(1.4, sum(share for _, _, share in state.doses[-2:]) / min(2, len(state.doses)))


def _towards(value: float, target: float, on_tau_h: float, off_tau_h: float, dt_h: float) -> float:
    return min(1.0, organs.relaxed(value, target, on_tau_h if target > value else off_tau_h, dt_h))


def _effect(value: float, rate: float, dt_h: float) -> float:
    moved = organs.relaxed(value, rate, _EFFECT_ON_H if rate > value else _EFFECT_OFF_H, dt_h)
    return moved if moved > 1e-4 else 0.0


def _water(state: BodyState, traits: BodyTraits, given: Given, dt_h: float) -> tuple[float, float, float, float]:
    """(plasma, crystalloid, interstitial, urine per hour) after the step; what leaves one part reaches another."""
    urine = fluids.urine_ml_h(state, traits)
    leak, refill = fluids.leak_ml_h(state, traits), fluids.refill_ml_h(state)
    leaves = state.crystalloid_ml * (1.0 - math.exp(-dt_h / fluids.CRYSTALLOID_TAU_H))
    flows = given.maintenance_ml_h + refill - leak - urine - fluids.insensible_ml_h(state)
    plasma = state.plasma_ml + flows * dt_h + fluids.STAYS_SHARE * leaves
    crystalloid = state.crystalloid_ml + given.bolus_ml_h * dt_h - leaves
    interstitial = state.interstitial_ml + (leak - refill) * dt_h + (1.0 - fluids.STAYS_SHARE) * leaves
    return plasma, crystalloid, max(0.0, interstitial), urine
