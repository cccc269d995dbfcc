"""Beats behind a monitor's numerics: their means are the truth, their spread is the heart's and the breath's."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, pstdev

import pytest

from simulators.beats import AF_IRREGULARITY, SINUS_IRREGULARITY, WINDOW_S, Beats
from simulators.physiology import Patient, Traits

SIGNS = replace(Patient(seed="x", traits=Traits.drawn("x")).vital_signs_at(0.0), hr=90.0, sbp=120.0, dbp=70.0, map=87.0)


def _shown(irregularity: float, *, seed: str = "a", seconds: int = 600) -> list[tuple[float, float, float, float]]:
    beats = Beats(seed)
    shown = []
    for second in range(seconds):
        beats.until(float(second), SIGNS, irregularity)
        pressures = beats.pressures
        shown.append((beats.rate, pressures.sys, pressures.dia, pressures.mean))
    return shown


@pytest.mark.parametrize("irregularity", [SINUS_IRREGULARITY, AF_IRREGULARITY])
def test_means_over_time_are_the_truth_in_either_rhythm(irregularity: float) -> None:
    rate, sys, dia, mean = (fmean(column) for column in zip(*_shown(irregularity), strict=True))

    assert rate == pytest.approx(SIGNS.hr, rel=0.03)
    assert (sys, dia, mean) == pytest.approx((SIGNS.sbp, SIGNS.dbp, SIGNS.map), abs=1.0)


def test_atrial_fibrillation_makes_rate_and_systolic_pressure_restless() -> None:
    sinus, fibrillating = (list(zip(*_shown(each), strict=True)) for each in (SINUS_IRREGULARITY, AF_IRREGULARITY))

    assert pstdev(fibrillating[0]) > 3 * pstdev(sinus[0])
    assert pstdev(fibrillating[1]) > 1.3 * pstdev(sinus[1])


def test_pressures_of_every_look_are_in_order_and_within_what_is_displayed() -> None:
    for _, sys, dia, mean in _shown(AF_IRREGULARITY):
        assert dia < mean < sys


def test_same_seed_gives_the_same_beats_and_another_seed_others() -> None:
    assert _shown(AF_IRREGULARITY, seconds=60) == _shown(AF_IRREGULARITY, seconds=60)
    assert _shown(AF_IRREGULARITY, seconds=60) != _shown(AF_IRREGULARITY, seed="b", seconds=60)


def test_what_was_before_a_long_pause_is_displayed_no_more() -> None:
    beats = Beats("a")
    beats.until(0.0, SIGNS, SINUS_IRREGULARITY)
    beats.until(900.0, replace(SIGNS, hr=140.0, sbp=80.0, dbp=40.0, map=53.0), SINUS_IRREGULARITY)

    assert beats.rate == pytest.approx(140.0, rel=0.05)
    assert beats.pressures.mean == pytest.approx(53.0, abs=2.0)


def test_numerics_follow_a_fall_within_the_window() -> None:
    beats = Beats("a")
    for second in range(60):
        beats.until(float(second), SIGNS, SINUS_IRREGULARITY)
    low = replace(SIGNS, sbp=80.0, dbp=45.0, map=57.0)
    for second in range(60, 60 + round(WINDOW_S) + 2):
        beats.until(float(second), low, SINUS_IRREGULARITY)

    assert beats.pressures.mean == pytest.approx(57.0, abs=2.0)
