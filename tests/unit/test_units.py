"""Units: conversions agree with figures worked out by hand, go there and back, and never guess."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.nomenclature import METRICS, SPECS, MetricKind
from streaming.units import CONVERSIONS, Affine, conversion

BY_HAND = [
    # 1 mmHg = 133.322387415 Pa
    ("MDC_PRESS_BLD_ART_ABP_SYS", "kPa", 11.7, 87.757204374),
    ("MDC_PRESS_BLD_ART_ABP_SYS", "kPa", 133.322387415, 1000.0),
    ("MDC_PRESS_BLD_ART_ABP_SYS", "Pa", 133.322387415, 1.0),
    ("MDC_PRESS_BLD_ART_ABP_MEAN", "hPa", 100.0, 75.006157585),
    ("MDC_PRESS_BLD_ART_ABP_MEAN", "mbar", 100.0, 75.006157585),
    ("MDC_PRESS_BLD_ART_ABP_MEAN", "cm[Hg]", 7.0, 70.0),
    ("MDC_PRESS_BLD_VEN_CENT", "cm[H2O]", 10.0, 7.355591353),  # 980.665 Pa / 133.322387415 Pa
    ("MDC_AWAY_CO2_ET", "kPa", 5.3, 39.753263520),
    ("MDC_TEMP", "[degF]", 98.6, 37.0),
    ("MDC_TEMP", "[degF]", 32.0, 0.0),
    ("MDC_TEMP", "[degF]", -40.0, -40.0),
    ("MDC_TEMP", "[degF]", 100.4, 38.0),
    ("MDC_TEMP", "K", 310.15, 37.0),
    ("MDC_MASS_BODY_ACTUAL", "g", 80_500.0, 80.5),
    ("MDC_MASS_BODY_ACTUAL", "[lb_av]", 176.0, 79.83225712),  # x 0.45359237
    ("MDC_ECG_HEART_RATE", "{beats}/min", 101.0, 101.0),
    ("MDC_ECG_HEART_RATE", "{counts}/min", 101.0, 101.0),
    ("MDC_ECG_HEART_RATE", "/s", 1.5, 90.0),
    ("MDC_ECG_HEART_RATE", "Hz", 1.5, 90.0),
    ("MDC_RESP_RATE", "{breaths}/min", 14.0, 14.0),
    ("MDC_PULS_OXIM_SAT_O2", "1", 0.97, 97.0),
    ("loinc:3150-0", "1", 0.21, 21.0),
    ("loinc:2160-0", "umol/L", 88.4, 1.0),
    ("loinc:2160-0", "umol/L", 397.8, 4.5),
    ("loinc:2160-0", "mg/L", 12.0, 1.2),
    ("loinc:1975-2", "umol/L", 17.1, 1.0),
    ("loinc:1975-2", "umol/L", 119.7, 7.0),
    ("loinc:2345-7", "mmol/L", 5.5, 99.0),
    ("MDC_CONC_GLU_GEN", "mmol/L", 10.0, 180.0),
    ("loinc:1963-8", "meq/L", 18.0, 18.0),
    ("loinc:2823-3", "meq/L", 4.1, 4.1),
    ("loinc:777-3", "10*9/L", 29.0, 29.0),
    ("loinc:777-3", "/uL", 29_000.0, 29.0),
    ("loinc:777-3", "10*3/mL", 29_000.0, 29.0),
    ("loinc:1751-7", "g/L", 35.0, 3.5),
    ("loinc:10839-9", "ng/L", 40.0, 0.04),
    ("loinc:10839-9", "ug/L", 0.04, 0.04),
    ("loinc:67151-1", "ng/mL", 0.014, 14.0),
    ("loinc:3151-8", "mL/min", 2000.0, 2.0),
    ("MDC_FLOW_FLUID_PUMP_CURRENT", "mL/min", 3.5, 210.0),
    ("MDC_FLOW_FLUID_PUMP_CURRENT", "L/h", 0.21, 210.0),
    ("MDC_FLOW_FLUID_PUMP_CURRENT", "L/min", 0.0035, 210.0),
    ("MDC_FLOW_FLUID_PUMP_CURRENT", "mL/d", 2400.0, 100.0),
    ("MDC_VOL_FLUID_TBI", "L", 0.0523, 52.3),
    ("MDC_VOL_FLUID_TBI", "dL", 0.5, 50.0),
    ("MDC_VOL_FLUID_TBI", "ml", 52.3, 52.3),
    ("MDC_TIME_PD_PROG", "min", 15.0, 900.0),
    ("MDC_CONC_DRUG", "ug/mL", 49.0, 0.049),
    ("MDC_CONC_DRUG", "g/L", 0.049, 0.049),
    ("MDC_CONC_DRUG", "[IU]/mL", 840_000.0, 840_000.0),
    ("MDC_CONC_DRUG", "M[IU]/mL", 0.84, 840_000.0),
    ("MDC_RATE_DOSE", "mg/kg/h", 1.5, 25.0),
    ("MDC_RATE_DOSE", "ng/kg/min", 100.0, 0.1),
    ("MDC_RATE_DOSE", "mg/kg/min", 0.0005, 0.5),
    ("MDC_RATE_DOSE", "M[IU]/kg/h", 2.4, 40_000.0),  # 600,000 IU/kg in 15 min
    ("MDC_RATE_DOSE", "[IU]/h", 2.4, 0.04),
    ("MDC_ECG_AMPL_ST_II", "mV", -0.2, -2.0),
    ("MDC_ECG_AMPL_ST_II", "cm", 0.2, 2.0),
]


@pytest.mark.parametrize(("name", "unit", "sent", "expected"), BY_HAND)
def test_value_is_converted_to_what_a_hand_calculation_gives(
    name: str, unit: str, sent: float, expected: float
) -> None:
    found = conversion(METRICS[name], unit)

    assert found is not None
    assert expected == found.apply(sent)


INCOMPATIBLE = [
    ("MDC_PRESS_BLD_ART_ABP_SYS", "Cel"),
    ("MDC_PRESS_BLD_ART_ABP_SYS", "%"),
    ("MDC_TEMP", "kPa"),
    ("MDC_RATE_DOSE", "ug/min"),
    ("MDC_RATE_DOSE", "mL/h"),
    ("MDC_CONC_DRUG", "mmol/L"),
    ("MDC_CONC_DRUG", "mg"),
    ("loinc:777-3", "mmol/L"),
    ("loinc:1751-7", "umol/L"),
    ("loinc:10839-9", "mmol/L"),
    ("loinc:1963-8", "mg/dL"),
    ("loinc:2823-3", "mg/dL"),
    ("MDC_ECG_HEART_RATE", "min"),
    ("MDC_MASS_BODY_ACTUAL", "L"),
    ("MDC_DRUG_NAME_LABEL", "1"),
    ("MDC_PUMP_INFUSING_STATUS", ""),
    ("site:skin", "1"),
]
UNKNOWN = [
    "",
    " ",
    "mmHg",
    "KPA",
    "kpa",
    "°C",
    "degC",
    "cel",
    "bpm",
    "furlong",
    "kPa ",
    "k Pa",
    "mm[hg]",
    "kPa\n",
    "None",
]


@pytest.mark.parametrize(("name", "unit"), INCOMPATIBLE)
def test_unit_of_another_quantity_is_incompatible(name: str, unit: str) -> None:
    assert conversion(METRICS[name], unit) is None


@pytest.mark.parametrize("unit", UNKNOWN)
def test_unit_that_ucum_does_not_spell_so_is_unknown_to_every_metric(unit: str) -> None:
    assert [spec.ref_id for spec in SPECS if conversion(spec, unit) is not None] == []


def test_canonical_unit_is_the_identity_for_every_number() -> None:
    numbers = [spec for spec in SPECS if spec.kind is MetricKind.NUMERIC]

    assert {Affine(1.0, 0.0, spec.unit) == conversion(spec, spec.unit) for spec in numbers} == {True}


def test_identity_leaves_a_value_untouched_to_the_last_bit() -> None:
    value = 0.1 + 0.2

    assert value == Affine(1.0, 0.0, "mg/dL").apply(value)
    assert value != Affine(2.0, 0.0, "mg/dL").apply(value / 2)  # control: a conversion rounds


def test_mass_and_activity_of_a_drug_keep_their_own_unit() -> None:
    mass, activity = (conversion(METRICS["MDC_CONC_DRUG"], unit) for unit in ("mg/mL", "[IU]/mL"))

    assert mass is not None
    assert activity is not None
    assert (mass.unit, activity.unit) == ("mg/mL", "[IU]/mL")


def test_result_unit_always_has_a_plausible_range() -> None:
    missing = [
        (spec.ref_id, unit)
        for spec in SPECS
        for unit, affine in CONVERSIONS.get(spec.ref_id, {}).items()
        if spec.plausible(affine.unit) is None
    ]

    assert missing == []


def test_overflow_stays_finite() -> None:
    affine = Affine(1e6, 0.0, "[IU]/mL")

    assert math.isfinite(affine.apply(1.7e308))
    assert affine.apply(-1.7e308) < -1e308


@given(
    st.sampled_from([(name, unit) for name, units in CONVERSIONS.items() for unit in units]),
    st.floats(-1e6, 1e6),
)
def test_conversion_can_be_undone_to_within_its_rounding(pair: tuple[str, str], value: float) -> None:
    name, unit = pair
    affine = CONVERSIONS[name][unit]
    back = (affine.apply(value) - affine.offset) / affine.scale

    assert math.isclose(value, back, rel_tol=1e-9, abs_tol=2e-9 / abs(affine.scale))


@given(st.sampled_from([affine for units in CONVERSIONS.values() for affine in units.values()]), st.data())
def test_conversion_keeps_the_order_of_values(affine: Affine, choice: st.DataObject) -> None:
    low, high = sorted(choice.draw(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))))

    assert affine.apply(low) <= affine.apply(high)
