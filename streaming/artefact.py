"""Artefact rules for the pressure triple (systolic, diastolic, mean): they tag, they never delete.

All-or-nothing (clinical.md 5.5 [V, R65]): when one of the triple is bad, none of the three is believed. A tagged triple
feeds no rule; it neither raises nor clears an alarm, and when it lasts, the missing pressure becomes a technical alarm.
The names returned are shown to people and stand in the evidence.

With one exception [D]. A pressure below its plausible range is what the sickest patient has: a cuff's 58/21 with a mean
of 27 is coherent, and 27 is below the 30 that a cuff's mean must reach. So where a triple is complete, nothing is wrong
with the three together, systolic and diastolic are above 10 mmHg, and each one that is not believed is only below its
own range, that one is invalid and feeds nothing, and the others count as questionable: they may raise an alarm and
never clear one (`is_credible_though_low`). Above the range, or marked invalid by the device, it is all-or-nothing.
"""

from __future__ import annotations

PART_NOT_BELIEVED = "other_pressure_not_believed"
"""One of the three is outside its plausible range or marked invalid by the device, so the others are not believed."""

DISCONNECTED_UP_TO = 10.0
"""Systolic or diastolic pressure, mmHg, at which no patient is connected. [V, R65]"""

BELIEVABLE_MAP_HIGH = 200.0
"""Upper end of a believable mean, mmHg [V, R46]. The lower end of the same study, 30 mmHg, is left out on purpose: it
serves retrospective analysis, and here it would turn a patient in arrest with a credible pulse pressure into missing
values."""


def arterial_artefact(sys: float, dia: float, mean: float) -> str | None:
    """What is wrong with an arterial-line triple in mmHg, or None when nothing is.

    `mean >= 140` stands in R65 as a sign of a disconnected transducer, but a hypertensive patient reaches it; here it
    counts only together with a pulse pressure that is too small, which the floors already say.
    """
    if sys <= DISCONNECTED_UP_TO or dia <= DISCONNECTED_UP_TO:
        return "transducer_disconnected"
    if sys == dia == mean:
        return "no_pulse"
    if not dia <= mean <= sys:
        return "mean_outside_triple"
    if mean >= BELIEVABLE_MAP_HIGH:
        return "mean_outside_band"
    return "pulse_pressure_too_small" if sys - dia < _least_pulse_pressure(sys) else None


def _least_pulse_pressure(sys: float) -> float:
    """Least credible pulse pressure at a systolic, mmHg: below it are clamp, damping, flush. [V, R65]"""
    if sys > 200.0:
        return 50.0
    if sys > 150.0:
        return 30.0
    return 15.0 if sys >= 100.0 else 10.0


def cuff_artefact(sys: float, dia: float, mean: float) -> str | None:
    """What is wrong with a cuff triple in mmHg: only the order of the three can be judged."""
    if not dia <= mean <= sys:
        return "mean_outside_triple"
    return None


def is_credible_though_low(sys: float, dia: float, mean: float, *, arterial: bool) -> bool:
    """Whether a triple in mmHg, of which some lie below their plausible range and none above, is that of a patient."""
    if sys <= DISCONNECTED_UP_TO or dia <= DISCONNECTED_UP_TO:
        return False
    return (arterial_artefact if arterial else cuff_artefact)(sys, dia, mean) is None
