"""Artefact rules for pressures: the table of the clinical notes, at its edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.artefact import arterial_artefact, cuff_artefact, is_credible_though_low

DISCONNECTED, NO_PULSE, TOO_SMALL = "transducer_disconnected", "no_pulse", "pulse_pressure_too_small"
OUTSIDE, BAND = "mean_outside_triple", "mean_outside_band"


@pytest.mark.parametrize(
    ("sys", "dia", "mean", "expected"),
    [
        (120, 70, 87, None),
        (60, 35, 43, None),
        (45, 30, 35, None),  # a shocked patient with a credible pulse pressure
        (230, 120, 160, None),  # a hypertensive one
        (10, 5, 8, DISCONNECTED),
        (10.1, 10, 10.05, DISCONNECTED),
        (80, 10, 40, DISCONNECTED),
        (80, 10.1, 40, None),
        (0, 0, 0, DISCONNECTED),
        (90, 90, 90, NO_PULSE),
        (120, 70, 121, OUTSIDE),
        (120, 70, 69, OUTSIDE),
        (120, 70, 120, None),
        (120, 70, 70, None),
        (70, 120, 87, OUTSIDE),
        (299, 150, 200, BAND),
        (299, 150, 199.9, None),
        # pulse pressure: below 10 under 100, below 15 from 100 to 150, below 30 to 200, below 50 above
        (99.9, 90, 95, TOO_SMALL),
        (99.9, 89.9, 95, None),
        (100, 85.1, 90, TOO_SMALL),
        (100, 85, 90, None),
        (150, 135.1, 140, TOO_SMALL),
        (150, 135, 140, None),
        (150.1, 120.2, 130, TOO_SMALL),
        (150.1, 120.1, 130, None),
        (200, 170.1, 180, TOO_SMALL),
        (200, 170, 180, None),
        (200.1, 150.2, 170, TOO_SMALL),
        (200.1, 150.1, 170, None),
        (300, 280, 290, BAND),  # a flush
    ],
)
def test_an_arterial_triple_is_judged(sys: float, dia: float, mean: float, expected: str | None) -> None:
    assert arterial_artefact(sys, dia, mean) == expected


@pytest.mark.parametrize(
    ("sys", "dia", "mean", "expected"),
    [(120, 70, 87, None), (80, 75, 77, None), (120, 70, 69, OUTSIDE), (120, 70, 121, OUTSIDE), (70, 120, 90, OUTSIDE)],
)
def test_of_a_cuff_only_the_order_is_judged(sys: float, dia: float, mean: float, expected: str | None) -> None:
    assert cuff_artefact(sys, dia, mean) == expected


@pytest.mark.parametrize(
    ("sys", "dia", "mean", "arterial", "expected"),
    [
        (58, 21, 27, False, True),
        (54, 21, 28, False, True),
        (90, 19, 37, False, True),
        (10.1, 10.1, 10.1, False, True),
        (10, 10, 10, False, False),
        (58, 10, 27, False, False),
        (58, 21, 20, False, False),  # out of order
        (58, 21, 59, False, False),
        (21, 58, 27, False, False),
        (29, 14, 20, True, True),
        (25, 18, 20, True, False),  # a line that does not pulse is an artefact, however low
        (29, 10, 20, True, False),
    ],
)
def test_a_triple_that_is_no_worse_than_low_is_that_of_a_patient(
    sys: float, dia: float, mean: float, arterial: bool, expected: bool
) -> None:
    assert is_credible_though_low(sys, dia, mean, arterial=arterial) is expected


pressures = st.floats(0, 350)


@given(pressures, pressures, pressures)
def test_what_is_believed_is_ordered_and_pulses(sys: float, dia: float, mean: float) -> None:
    if arterial_artefact(sys, dia, mean) is None:
        assert 10 < dia <= mean <= sys
        assert mean < 200
        assert sys - dia >= 10
