"""Artefact rules for the pressure triple (systolic, diastolic, mean): they tag, they never delete.

All-or-nothing (clinical.md 5.5 [V, R65]): when one of the triple is bad, none of the three is believed. A tagged triple
feeds no rule; it neither raises nor clears an alarm, and when it lasts, the missing pressure becomes a technical alarm.
The names returned are shown to people and stand in the evidence.
"""

from __future__ import annotations

PART_NOT_BELIEVED = "other_pressure_not_believed"
"""One of the three is outside its plausible range or marked invalid by the device, so the others are not believed."""

_PULSE_PRESSURE_FLOORS = ((200.0, 50.0), (150.0, 30.0), (99.999999, 15.0), (float("-inf"), 10.0))
"""(systolic above, least credible pulse pressure), mmHg: clamp, damping, flush. [V, R65]"""
BELIEVABLE_MAP_HIGH = 200.0
"""Upper end of a believable mean, mmHg [V, R46]. The lower end of the same study, 30 mmHg, is left out on purpose: it
serves retrospective analysis, and here it would turn a patient in arrest with a credible pulse pressure into missing
values."""


def arterial_artefact(sys: float, dia: float, mean: float) -> str | None:
    """What is wrong with an arterial-line triple in mmHg, or None when nothing is.

    `mean >= 140` stands in R65 as a sign of a disconnected transducer, but a hypertensive patient reaches it; here it
    counts only together with a pulse pressure that is too small, which the floors already say.
    """
    if sys <= 10.0 or dia <= 10.0:
        return "transducer_disconnected"
    if sys == dia == mean:
        return "no_pulse"
    if not dia <= mean <= sys:
        return "mean_outside_triple"
    if mean >= BELIEVABLE_MAP_HIGH:
        return "mean_outside_band"
    pulse_pressure = sys - dia
    for above, floor in _PULSE_PRESSURE_FLOORS:
        if sys > above:
            return "pulse_pressure_too_small" if pulse_pressure < floor else None
    return None


def cuff_artefact(sys: float, dia: float, mean: float) -> str | None:
    """What is wrong with a cuff triple in mmHg: only the order of the three can be judged."""
    if not dia <= mean <= sys:
        return "mean_outside_triple"
    return None
