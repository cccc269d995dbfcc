"""Whether a weight can be believed: scales err, beds change, and a pound is entered for a kilogram.

A weight is doubtful when it differs from the baseline as kg and lb do, or by more than 5 kg from the last believed one.
A jump that a second weighing confirms, an hour or more later and within 2 kg, is believed then: the patient changed, or
the bed did; one that looks like pounds never is. Without an earlier weighing the baseline only tells kg from lb: how
much was gained before the first weighing nobody knows.
"""

from __future__ import annotations

from streaming.criteria.facts import Sample

JUMP_KG = 5.0
"""clinical.md 7: a daily change above 5 kg is suspect. [D]"""
CONFIRMED_WITHIN_KG = 2.0
CONFIRMED_AFTER_MS = 3_600_000
"""[D]"""
POUNDS_SHOWN = (2.0, 2.8)
POUNDS_ORDERED = (0.4, 0.57)
"""A weighing over the weight before treatment in here is pounds taken for kilograms by the scale, or in the order:
2.205 or its inverse, times a gain of up to a quarter. Nobody doubles or halves in a stay. [D]"""


def is_weighed_in_pounds(ratio: float) -> bool:
    """Whether a weighing differs from the weight before treatment as kg and lb do, with what may have been gained."""
    return any(low <= ratio <= high for low, high in (POUNDS_SHOWN, POUNDS_ORDERED))


class Weights:
    """The weighings of one stay."""

    __slots__ = ("_baseline_kg", "_believed", "_doubted", "_last")

    def __init__(self, baseline_kg: float) -> None:
        self._baseline_kg = baseline_kg
        self._believed: Sample | None = None
        self._doubted: Sample | None = None
        self._last: Sample | None = None

    def take(self, at_ms: int, weight_kg: float) -> bool:
        """Take a weighing; whether it can be believed. One that comes late is judged and changes nothing."""
        sample = Sample(at_ms, weight_kg)
        if self._last is not None and at_ms <= self._last.at_ms:
            return self._is_credible(sample)
        is_believed = self._is_credible(sample)
        self._last = sample
        if is_believed:
            self._believed, self._doubted = sample, None
        elif self._doubted is None or abs(weight_kg - self._doubted.value) > CONFIRMED_WITHIN_KG:
            self._doubted = sample
        return is_believed

    def is_doubtful(self, at_ms: int, weight_kg: float) -> bool:
        """Whether this weighing was not believed."""
        if self._believed == (at_ms, weight_kg):
            return False
        return self._last == (at_ms, weight_kg) or not self._is_credible(Sample(at_ms, weight_kg))

    def gain_pct(self, weight_kg: float) -> float:
        """How much more that is than the weight before treatment, in per cent of it."""
        return round((weight_kg - self._baseline_kg) / self._baseline_kg * 100, 6)

    def last_in_pounds(self, dosing_kg: float) -> Sample | None:
        """The last weighing, if it differs from the weight before treatment or from the order's as kg and lb do."""
        last = self._last
        if last is None or not any(is_weighed_in_pounds(last.value / kg) for kg in (self._baseline_kg, dosing_kg)):
            return None
        return last

    def _is_credible(self, sample: Sample) -> bool:
        if is_weighed_in_pounds(sample.value / self._baseline_kg):
            return False
        believed, doubted = self._believed, self._doubted
        if believed is None or abs(sample.value - believed.value) <= JUMP_KG:
            return True
        return (
            doubted is not None
            and sample.at_ms - doubted.at_ms >= CONFIRMED_AFTER_MS
            and abs(sample.value - doubted.value) <= CONFIRMED_WITHIN_KG
        )
