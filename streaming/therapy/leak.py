"""An *estimated* grade of the capillary leak, 0 to 4, from what telemetry and charts know (clinical.md 4.1).

CTCAE v5 has no numbers for capillary leak syndrome and hypotension: a clinician grades them at the bedside. What can be
reckoned is weight gain (5, 10, 20 %) and urine (80 mL in 8 h, 240 mL in 24 h) [V]; the grade of the pressure is made
here from how much holds it up [D]. The whole is the highest of its parts, and at least that where a part is unknown.

It is told to people beside the values, marked as estimated, and feeds no rule and no decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from streaming.criteria.facts import Facts
from streaming.durations import HOUR_MS
from streaming.therapy.pressors import SIGNAL_OF

LEAST_COVERAGE = 0.8
WEIGHT_GRADES = ((20.0, 3), (10.0, 2), (5.0, 1))
"""Percent gained, grade. CTCAE v5 [V]; it knows no fourth."""
URINE_8H_ML, URINE_24H_ML = 80.0, 240.0
"""Less is grade 3, and grade 4. CTCAE v5 [V]"""
SBP_LOW, SBP_VERY_LOW, SBP_FALL = 90.0, 80.0, 20.0
"""mmHg. Proleukin label [V, GK]; 80 from HemOnc orders [V]."""
BOLUS_ML = 250.0
"""Given within an hour is an intervention. TIL consensus 2024 [V]"""
REFERENCE = "CTCAE v5 [V]; pressure [D] clinical.md 4.1"


class LeakPart(NamedTuple):
    """One part of the grade."""

    name: str
    grade: int | None
    """None when nobody knows."""
    text: str
    """For people."""


def leak_estimate(facts: Facts) -> dict[str, Any]:
    """The estimated grade with its parts. JSON-ready; `grade` is None when no part is known."""
    parts = (_weight(facts), _pressure(facts), _urine(facts))
    grades = [part.grade for part in parts if part.grade is not None]
    unknown = [part.name for part in parts if part.grade is None]
    return {
        "estimated": True,
        "grade": max(grades, default=None),
        "is_at_least": bool(unknown),
        "unknown": unknown,
        "parts": [part._asdict() for part in parts],
        "reference": REFERENCE,
    }


def _weight(facts: Facts) -> LeakPart:
    gain = _number(facts, "weight_gain_pct")
    if gain is None:
        return LeakPart("weight", None, "weight not known")
    grade = next((grade for percent, grade in WEIGHT_GRADES if gain >= percent), 0)
    return LeakPart("weight", grade, f"weight {gain:+.1f} %")


def _pressure(facts: Facts) -> LeakPart:
    """How much holds the pressure up: nothing, fluid, one pressor, or more than helps."""
    sbp = _number(facts, "sbp")
    if sbp is None:
        return LeakPart("pressure", None, "pressure not known")
    baseline = facts.baseline.get("sbp")
    is_low = sbp < SBP_LOW or (baseline is not None and sbp <= baseline - SBP_FALL)
    pressors = _running(facts)
    if pressors is None:
        return LeakPart("pressure", None, f"SBP {sbp:g} mmHg; rate of a pressor not known")
    words = f"SBP {sbp:g} mmHg" + (f" on {' and '.join(pressors)}" if pressors else "")
    if pressors:
        is_failing = len(pressors) > 1 or sbp < SBP_VERY_LOW
        return LeakPart("pressure", 4 if is_failing else 3, words)
    if is_low and facts.total("intake_ml", HOUR_MS).amount >= BOLUS_ML:
        return LeakPart("pressure", 2, f"{words} with fluid")
    return LeakPart("pressure", 1 if is_low else 0, words)


def _urine(facts: Facts) -> LeakPart:
    day = facts.total("urine_ml", 24 * HOUR_MS)
    if day.coverage >= LEAST_COVERAGE and day.amount < URINE_24H_ML:
        return LeakPart("urine", 4, f"urine {day.amount:.0f} mL in 24 h")
    shift = _number(facts, "urine_ml_8h")
    if shift is None:
        return LeakPart("urine", None, "urine of 8 h not known")
    return LeakPart("urine", 3 if shift < URINE_8H_ML else 0, f"urine {shift:.0f} mL in 8 h")


def _running(facts: Facts) -> list[str] | None:
    """The pressors that run; None when one is not known."""
    rates = {drug: _number(facts, signal) for drug, signal in SIGNAL_OF.items()}
    running = [str(drug.value) for drug, rate in rates.items() if rate is not None and rate > 0]
    return None if not running and _has_unknown(rates.values()) else running


def _has_unknown(rates: Iterable[float | None]) -> bool:
    return any(rate is None for rate in rates)


def _number(facts: Facts, signal: str) -> float | None:
    reading = facts.current(signal)
    return None if reading is None or isinstance(reading.value, str) or reading.validity else reading.value
