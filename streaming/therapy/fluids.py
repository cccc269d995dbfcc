"""What goes in and what comes out: urine, diarrhoea, and what the pumps deliver, over any window.

Urine comes as the flow of the hour before (each value stands for its hour) or as a volume collected, of which the
differences count; a volume that falls was emptied. What both say of one hour counts once. Intake is what the pumps
deliver; of a time in which a pump ran and nobody knows how much it delivered, nothing is claimed: it is not covered.

A balance is intake minus urine. What is drunk, eaten, lost by sweat, drains or stool is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from streaming.criteria.facts import Total
from streaming.durations import HOUR_MS
from streaming.therapy.infusion import Pump
from streaming.therapy.stretches import BEGINNING_MS, MICRO, Stretches

COLLECTED_MAX_MS = 12 * HOUR_MS
"""A volume collected over a longer time says nothing of a shift. [D]"""


class Periodic:
    """A quantity of which each value stands for the period before it."""

    __slots__ = ("_period_ms", "_slack_ms", "stretches")

    def __init__(self, period_ms: int) -> None:
        self._period_ms = period_ms
        self._slack_ms = period_ms // 12
        """People and devices are not punctual: so much too early or late joins the value before without a gap. [D]"""
        self.stretches = Stretches()

    def add(self, at_ms: int, amount: float) -> None:
        """Take the amount of the period that ends at an instant."""
        from_ms, end_ms = at_ms - self._period_ms, self.stretches.end_ms
        if abs(from_ms - end_ms) <= self._slack_ms:
            from_ms = end_ms
        self.stretches.add(from_ms, at_ms, amount)


class Urine:
    """Urine, mL."""

    __slots__ = ("_collected_ml", "_collected_ms", "_hourly")

    def __init__(self) -> None:
        self._hourly = Periodic(HOUR_MS)
        self._collected_ms = BEGINNING_MS
        self._collected_ml = 0.0

    @property
    def end_ms(self) -> int:
        """Until when there is a report; long ago when there is none."""
        return self._hourly.stretches.end_ms

    def flow(self, at_ms: int, ml_h: float) -> None:
        """Take the flow of the hour that ends at an instant."""
        self._hourly.add(at_ms, ml_h)

    def collected(self, at_ms: int, volume_ml: float) -> bool:
        """Take the volume in the bag; whether it is new."""
        before_ms, before_ml = self._collected_ms, self._collected_ml
        if at_ms <= before_ms:
            return False
        self._collected_ms, self._collected_ml = at_ms, volume_ml
        if at_ms - before_ms > COLLECTED_MAX_MS:
            return False
        came_ml = volume_ml - before_ml if volume_ml >= before_ml else volume_ml
        self._hourly.stretches.add(before_ms, at_ms, came_ml)
        return True

    def total(self, from_ms: int, to_ms: int) -> Total:
        """mL in a window that ends now."""
        return self._hourly.stretches.total(from_ms, to_ms)

    def within(self, from_ms: int, to_ms: int) -> tuple[float, int]:
        """(mL, how many milliseconds are covered) of any window."""
        micro, covered_ms = self._hourly.stretches.sum(from_ms, to_ms)
        return micro / MICRO, covered_ms

    def lapses_ms(self, window_ms: int, least_coverage: float) -> int | None:
        """When the window that ends then is covered too little, if nothing more is reported; None when it is now."""
        return self._hourly.stretches.lapses_ms(window_ms, ceil(window_ms * least_coverage))

    def until_last_report(self, window_ms: int) -> tuple[float, float]:
        """(mL, coverage) of the window that ends with the last report."""
        end_ms = self.end_ms
        micro, covered_ms = self._hourly.stretches.sum(end_ms - window_ms, end_ms)
        return micro / MICRO, covered_ms / window_ms


def intake(pumps: Iterable[Pump], since_ms: int, from_ms: int, now_ms: int) -> Total:
    """mL that the pumps have delivered in a window.

    Args:
        pumps: All of the stay, those that were left behind too.
        since_ms: Since when the pumps are known (the admission): before, nothing is covered.
        from_ms: Where the window begins.
        now_ms: Where it ends.
    """
    amount, unknown_ms = 0.0, 0
    for pump in pumps:
        delivered_ml, pump_unknown_ms = pump.delivered(from_ms, now_ms)
        amount += delivered_ml
        unknown_ms += pump_unknown_ms
    before_ms = max(0, min(since_ms, now_ms) - from_ms)
    window_ms = now_ms - from_ms
    covered_ms = max(0, window_ms - before_ms - unknown_ms)
    return Total(round(amount, 6), covered_ms / window_ms, max(before_ms, min(unknown_ms, window_ms)))
