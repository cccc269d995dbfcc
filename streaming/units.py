"""Units of measure: from the UCUM unit a device sent to the unit in which the metric is kept.

Every conversion is affine, `value * scale + offset`, found by exact string lookup (UCUM is case-sensitive, and a unit
that is not in the tables is unknown: nothing is parsed or guessed). Scales are exact fractions rounded once to the
nearest double; results are rounded to nine decimals, so that 397.8 umol/L of creatinine is 4.5 mg/dL and not
4.500000000000001: a limit is then met or not met as a person with a pencil would say. The canonical unit itself is the
identity and rounds nothing.

Molar units are analyte-specific and only known for the analytes listed. Mass and activity of a drug (mg and [IU]) are
never converted into each other: such a value keeps its own unit (`MetricSpec.other_units`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import copysign
from sys import float_info
from types import MappingProxyType

from streaming.nomenclature import SPECS, MetricKind, MetricSpec

DECIMALS = 9
"""Places kept after the point by a conversion; 1e-9 of every canonical unit here is far below what is measured."""

LARGEST = float_info.max
"""What overflows stays finite: infinity is no JSON and no number for a store, and either is implausible."""


@dataclass(frozen=True, slots=True)
class Affine:
    """A conversion: `value * scale + offset`, in `unit`."""

    scale: float
    offset: float
    unit: str
    """Unit of the result: the metric's canonical unit, or the one of its `other_units` to which this one belongs."""

    def apply(self, value: float) -> float:
        """The value in `unit`, rounded to nine decimals unless there is nothing to convert; finite for the finite."""
        if self.scale == 1.0 and self.offset == 0.0:
            return value
        converted = value * self.scale + self.offset
        return round(converted, DECIMALS) if abs(converted) <= LARGEST else copysign(LARGEST, converted)


# Pascals in a millimetre of mercury and in a centimetre of water, by definition (13.5951 g/cm3 and 1 g/cm3 at
# 9.80665 m/s2). UCUM: m[Hg] = 133.3220 kPa and m[H2O] = 9.80665 kPa; the difference is 3 in a million.
_PA_IN_MMHG = Fraction(133322387415, 10**9)
_PA_IN_CMH2O = Fraction(980665, 10**4)

_POUND_IN_KG = Fraction(45359237, 10**8)  # international avoirdupois pound, exact
_OUNCE_IN_KG = _POUND_IN_KG / 16

_Scales = dict[str, Fraction]
_ONE = Fraction(1)
_MILLI, _MICRO, _NANO = Fraction(1, 10**3), Fraction(1, 10**6), Fraction(1, 10**9)

_GRAM: _Scales = {"kg": Fraction(1000), "g": _ONE, "mg": _MILLI, "ug": _MICRO, "ng": _NANO}
_LITRE: _Scales = {
    **{"L": _ONE, "dL": Fraction(1, 10), "cL": Fraction(1, 100), "mL": _MILLI, "uL": _MICRO, "cm3": _MILLI},
    **{"l": _ONE, "dl": Fraction(1, 10), "cl": Fraction(1, 100), "ml": _MILLI, "ul": _MICRO},
}
_SECOND: _Scales = {"s": _ONE, "min": Fraction(60), "h": Fraction(3600), "d": Fraction(86400), "ms": _MILLI}
_EQUIVALENT: _Scales = {"mol": _ONE, "mmol": _MILLI, "umol": _MICRO, "eq": _ONE, "meq": _MILLI}
_UNIT_OF_ACTIVITY: _Scales = {"[IU]": _ONE, "[iU]": _ONE, "k[IU]": Fraction(1000), "M[IU]": Fraction(10**6)}
_COUNT: _Scales = {"": _ONE, "10*3": Fraction(1000), "10*6": Fraction(10**6), "10*9": Fraction(10**9)}


def _per(above: _Scales, below: _Scales) -> _Scales:
    return {f"{n}/{d}": a / b for n, a in above.items() for d, b in below.items()}


_PER_KG: _Scales = {"kg": _ONE, "g": _MILLI}
_RATE_LABELS = ("", "1", "{beats}", "{breaths}", "{counts}", "{count}", "{resp}", "{beat}")

_FAMILIES: tuple[_Scales, ...] = (
    {
        "mm[Hg]": _PA_IN_MMHG,
        "cm[Hg]": 10 * _PA_IN_MMHG,
        "cm[H2O]": _PA_IN_CMH2O,
        "Pa": _ONE,
        "hPa": Fraction(100),
        "kPa": Fraction(1000),
        "mbar": Fraction(100),
        "bar": Fraction(10**5),
    },
    {**{f"{label}/{t}": 1 / s for label in _RATE_LABELS for t, s in _SECOND.items() if t != "ms"}, "Hz": _ONE},
    {"%": Fraction(1, 100), "1": _ONE, "{fraction}": _ONE},
    {"kg": Fraction(1000), "g": _ONE, "[lb_av]": 1000 * _POUND_IN_KG, "[oz_av]": 1000 * _OUNCE_IN_KG},
    {"m": _ONE, "dm": Fraction(1, 10), "cm": Fraction(1, 100), "mm": _MILLI, "um": _MICRO},
    _LITRE,
    _per(_LITRE, _SECOND),
    _SECOND,
    _per(_GRAM, _LITRE),
    _per(_EQUIVALENT, _LITRE),
    _per(_COUNT, _LITRE),
    _per(_per(_GRAM, _PER_KG), _SECOND),
    _per(_UNIT_OF_ACTIVITY, _LITRE),
    _per(_UNIT_OF_ACTIVITY, _SECOND),
    _per(_per(_UNIT_OF_ACTIVITY, _PER_KG), _SECOND),
    {"{score}": _ONE, "1": _ONE},
)
"""Each family in one common unit: two units of a family convert by the ratio of their sizes."""

_BY_ANALYTE: Mapping[str, _Scales] = {
    # canonical units in one of the unit named
    "loinc:2160-0": {"umol/L": Fraction(10, 884), "mmol/L": Fraction(10_000, 884)},  # 88.4 umol/L = 1 mg/dL [D/GK]
    "loinc:1975-2": {"umol/L": Fraction(10, 171)},  # 17.1 umol/L = 1 mg/dL [D/GK]
    "loinc:2345-7": {"mmol/L": Fraction(18)},  # 18 mg/dL = 1 mmol/L [D/GK]
    "MDC_CONC_GLU_GEN": {"mmol/L": Fraction(18)},
    "MDC_ECG_AMPL_ST_II": {"mV": Fraction(10), "uV": Fraction(1, 100)},  # at the standard gain of 10 mm/mV
    "MDC_ECG_AMPL_ST_III": {"mV": Fraction(10), "uV": Fraction(1, 100)},
}

_TEMPERATURES: Mapping[str, tuple[Fraction, Fraction]] = {
    "Cel": (_ONE, Fraction(0)),
    "K": (_ONE, Fraction(-27315, 100)),
    "[degF]": (Fraction(5, 9), Fraction(-160, 9)),
}


def _family_conversions(canonical: str) -> dict[str, Affine]:
    family = next((f for f in _FAMILIES if canonical in f), {})
    return {unit: Affine(float(size / family[canonical]), 0.0, canonical) for unit, size in family.items()}


def _numeric_conversions(spec: MetricSpec) -> dict[str, Affine]:
    if spec.unit == "Cel":
        return {unit: Affine(float(scale), float(offset), "Cel") for unit, (scale, offset) in _TEMPERATURES.items()}
    found = _family_conversions(spec.unit)
    for unit, scale in _BY_ANALYTE.get(spec.ref_id, {}).items():
        found[unit] = Affine(float(scale), 0.0, spec.unit)
    for other in spec.other_units:
        found.update(_family_conversions(other))
    found[spec.unit] = Affine(1.0, 0.0, spec.unit)
    return found


CONVERSIONS: Mapping[str, Mapping[str, Affine]] = MappingProxyType(
    {spec.ref_id: MappingProxyType(_numeric_conversions(spec)) for spec in SPECS if spec.kind is MetricKind.NUMERIC}
)
"""By the metric's ref id and the unit sent."""

_NONE: Mapping[str, Affine] = MappingProxyType({})


def conversion(spec: MetricSpec, unit: str) -> Affine | None:
    """How a value of this metric sent in `unit` (UCUM) is to be converted; None for an unknown or incompatible unit.

    A text or an enumeration has no unit, so that every unit is incompatible with it.
    """
    return CONVERSIONS.get(spec.ref_id, _NONE).get(unit)
