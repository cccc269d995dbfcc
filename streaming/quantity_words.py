"""A quantity as people read it: a number without false precision, a unit as it is written on a ward.

What a machine compares is the exact value, which stands in the evidence beside the words.
"""

from __future__ import annotations

from collections.abc import Mapping

_UNITS: Mapping[str, str] = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "ug/kg/min": "µg/kg/min",
    "[IU]/min": "IU/min",
    "10*3/uL": "×10³/µL",
    "{beats}": "beats",
    "1": "",
}
_DECIMALS: Mapping[str, int] = {"mL": 1, "%": 1}
"""Of a number in this unit; two of any other."""
_WHOLE_MINUTES_FROM = 10


def unit_words(unit: str) -> str:
    """A UCUM unit as people write it."""
    return _UNITS.get(unit, unit)


def number_words(value: float, decimals: int = 2) -> str:
    """A number to two decimals (three where it is small), without needless ones."""
    decimals = 3 if abs(value) < 0.1 else decimals
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def minutes_words(minutes: float) -> str:
    """Minutes that have passed, whole ones, tenths of a few: never more than have."""
    per_minute = 1 if minutes >= _WHOLE_MINUTES_FROM else 10
    return number_words(int(minutes * per_minute) / per_minute)


def quantity_words(value: float | str, unit: str) -> str:
    """A value with its unit, or a charted state."""
    if isinstance(value, str):
        return value.replace("_", " ")
    number = minutes_words(value) if unit == "min" else number_words(value, _DECIMALS.get(unit, 2))
    return f"{number} {unit_words(unit)}".rstrip()
