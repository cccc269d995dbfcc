"""The made ward of the station's tests and pictures agrees with itself: what was ends in what is shown, credibly."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.support.instants import rfc3339, seconds_of
from tests.support.ward_answers import doses, fluids
from tests.support.ward_beds import busy_ward
from tests.support.ward_history import COURSES, HOUR_S, boluses, history, past_alarms

NOW_S = 1_790_000_000.0
BEDS = {bed["bed"]: bed for bed in busy_ward(12, NOW_S) if bed["admission"]}
RANGES = {"map": (45, 105), "hr": (60, 150), "spo2": (84, 100), "rr": (9, 35), "temp": (36, 40.2)}


def of_a_day(bed: dict[str, Any], signal: str) -> list[dict[str, Any]]:
    return history(bed, signal, NOW_S - 24 * HOUR_S, NOW_S, NOW_S, points=360)


@pytest.mark.parametrize("name", BEDS)
def test_every_history_ends_in_the_value_that_the_bed_shows(name: str) -> None:
    bed = BEDS[name]
    for signal in ("map", "hr", "spo2", "temp", "norepinephrine_ug_kg_min", "weight", "creatinine", "urine_ml_h"):
        shown = (bed["signals"].get(signal) or {}).get("value")
        rows = of_a_day(bed, signal)
        if isinstance(shown, int | float) and rows:
            least = 3 * COURSES[signal].noise if signal in COURSES else 0.001
            assert abs(rows[-1]["mean"] - shown) <= least, signal


@pytest.mark.parametrize("name", BEDS)
def test_no_history_leaves_what_patients_on_interleukin_2_have(name: str) -> None:
    for signal, (low, high) in RANGES.items():
        rows = of_a_day(BEDS[name], signal)
        means = [row["mean"] for row in rows]
        assert low <= min(means) <= max(means) <= high, signal
        steps = [
            abs(later["mean"] - earlier["mean"])
            for earlier, later in pairwise(rows)
            if seconds_of(later["t"]) - seconds_of(earlier["t"]) < 600  # no hole between them
        ]
        assert max(steps) < 20, signal  # in four minutes, when an alarm begins


def test_a_history_is_the_same_whatever_window_is_asked_for() -> None:
    for signal in ("map", "norepinephrine_ug_kg_min", "urine_ml_h"):
        whole = {row["t"]: row["mean"] for row in history(BEDS["b01"], signal, NOW_S - 6000, NOW_S, NOW_S, points=600)}
        part = {row["t"]: row["mean"] for row in history(BEDS["b01"], signal, NOW_S - 3000, NOW_S, NOW_S, points=300)}
        assert part
        assert part.items() <= whole.items()


def test_the_course_of_doses_boluses_and_alarms_lies_in_one_past() -> None:
    bed = BEDS["b01"]
    begun = [seconds_of(dose["started_at"]) for dose in doses(bed) if dose["started_at"]]
    assert all((later - earlier) % (8 * HOUR_S) == 0 for earlier, later in pairwise(begun))
    assert rfc3339(begun[-1]) == bed["dosing"]["last"]["started_at"]
    assert len(begun) == bed["dosing"]["doses_begun"]
    assert begun[0] > seconds_of(bed["admission"]["admitted_at"])

    low = [seconds_of(row["t"]) for row in of_a_day(bed, "map") if row["mean"] < 62]
    for bolus in boluses(bed, NOW_S):
        assert any(abs(seconds_of(bolus["from"]) - at_s) < 3600 for at_s in low)
    episode = next(alarm for alarm in past_alarms(bed, NOW_S) if alarm["family"] == "hypotension")
    assert any(seconds_of(episode["onset_at"]) < at_s < seconds_of(episode["cleared_at"]) for at_s in low)

    chart = fluids(bed, NOW_S)
    assert sum(share["ml"] for hour in chart["hours"] for share in hour["by_pump"] if share["pump"] == "pump3") == 750
    urine = [hour["urine_ml"] for hour in chart["hours"] if hour["urine_ml"] is not None]
    assert sum(urine[-8:]) == pytest.approx(bed["signals"]["urine_ml_8h"]["value"], abs=8)
