"""The `[doses]` table of a dosing profile: what counts as wrong with a dose, a pump or a pressor, within bounds.

Every number stands in the profile; none is filled in here. The bounds keep out slips of a key, they are no advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streaming.criteria.criterion import DoseLimits
from streaming.criteria.predicates import read_flag
from streaming.rules.table import Table
from streaming.therapy.drugs import Drug

WEANED_TO_MAX: Mapping[Drug, float] = MappingProxyType(
    {
        Drug.PHENYLEPHRINE: 2.0,
        Drug.NOREPINEPHRINE: 0.2,
        Drug.DOPAMINE: 5.0,
        Drug.VASOPRESSIN: 0.04,
        Drug.EPINEPHRINE: 0.2,
        Drug.DOBUTAMINE: 5.0,
    }
)
"""Nobody stops a pressor from more without weaning it: usual doses (clinical.md 2.2), in the unit of each. [D]"""


def read_dose_limits(table: Table) -> DoseLimits:
    """Read a `[doses]` table.

    Raises:
        ProfileError: A number is missing, out of bounds, or contradicts another.
    """
    limits = DoseLimits(
        per_cycle=table.integer("per_cycle", low=1, high=100),
        per_course=table.integer("per_course", low=1, high=200),
        min_interval_h=table.number("min_interval_h", low=0, high=24),
        min_duration_min=table.number("min_duration_min", low=0, high=120),
        max_duration_min=table.number("max_duration_min", low=0, high=1440),
        tolerance_pct=table.number("tolerance_pct", low=0, high=50),
        concentration_low_mg_ml=table.number("concentration_low_mg_ml", low=0, high=10),
        concentration_high_mg_ml=table.number("concentration_high_mg_ml", low=0, high=10),
        max_pause_min=table.number("max_pause_min", low=0, high=60),
        given_up_after_min=table.number("given_up_after_min", low=0, high=60),
        weight_tolerance_pct=table.number("weight_tolerance_pct", low=0, high=50),
        told_for_h=table.number("told_for_h", low=0.25, high=8),
        pressor_rise_pct=table.number("pressor_rise_pct", low=1, high=200),
        weaned_to_share=table.number("weaned_to_share", low=0, high=1),
        weaned_to=_weaned_to(table.table("weaned_to")),
        reference=table.text("reference"),
        is_verified=read_flag(table, "verified", default=True),
    )
    table.end()
    _check(table, limits)
    return limits


def _weaned_to(table: Table) -> Mapping[str, float]:
    found = {drug.value: table.number(drug.value, low=0, high=most) for drug, most in WEANED_TO_MAX.items()}
    table.end()
    return found


def _check(table: Table, limits: DoseLimits) -> None:
    if limits.min_duration_min >= limits.max_duration_min:
        raise table.error("min_duration_min", f"must be less than `max_duration_min` {limits.max_duration_min:g}")
    if limits.concentration_low_mg_ml >= limits.concentration_high_mg_ml:
        high = limits.concentration_high_mg_ml
        raise table.error("concentration_low_mg_ml", f"must be less than `concentration_high_mg_ml` {high:g}")
    if limits.given_up_after_min >= limits.told_for_h * 60:
        hours = limits.told_for_h
        raise table.error("given_up_after_min", f"must be less than `told_for_h` {hours:g}, or no short dose is told")
