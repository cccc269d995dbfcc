"""The shock index: heart rate over systolic pressure, of the present and as it is kept.

It is as old as the older of the two values and as doubtful as the more doubtful one. What is kept rests on two values
that are believed and of one time; what speaks now is under the limits on age of the two signals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streaming.criteria.facts import Reading, Sample
from streaming.criteria.freshness import usual_fresh_ms
from streaming.nomenclature import SIGNAL_UNITS
from streaming.therapy.speakers import last_to_speak

if TYPE_CHECKING:
    from streaming.signals import SignalSlot

SHOCK_INDEX = "shock_index"


def shock_index(rate: Reading | None, pressure: Reading | None) -> Reading | None:
    """The index of what speaks for the heart rate and for the systolic pressure."""
    if rate is None or pressure is None:
        return None
    index = _index(rate.value, pressure.value)
    at_ms, validity = min(rate.at_ms, pressure.at_ms), max(rate.validity, pressure.validity)
    return Reading(index, SIGNAL_UNITS[SHOCK_INDEX], at_ms, "hr / sbp", pressure.device, validity)


def shock_index_to_keep(rate: SignalSlot | None, pressure: SignalSlot | None) -> Sample | None:
    """The index of what was said last, where both values are believed and of one time."""
    beats = last_to_speak(rate) if rate is not None else None
    systolic = last_to_speak(pressure) if pressure is not None else None
    if beats is None or systolic is None or beats.validity or systolic.validity:
        return None
    at_ms = min(beats.at_ms, systolic.at_ms)
    if max(beats.at_ms, systolic.at_ms) - at_ms > usual_fresh_ms("sbp", systolic.name):
        return None
    return Sample(at_ms, _index(beats.value, systolic.value))


def _index(rate: float | str | None, pressure: float | str | None) -> float:
    """Four decimals; both are numbers, and a pressure that is believed is not 0."""
    return round(rate / pressure, 4)  # type: ignore[operator]
