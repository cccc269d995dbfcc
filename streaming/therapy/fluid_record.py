"""The fluids of one stay: amounts over a window, and the signals that are reckoned from them.

Urine of the hour and of eight hours and the balance of a day end with the last report of urine, so that what is not
reported yet does not look like none; a signal is known while enough of its window is covered. The balance is what the
pumps gave minus urine (`streaming.therapy.fluids` says what is not in it).
"""

from __future__ import annotations

from streaming.criteria.facts import Reading, Sample, Total
from streaming.durations import DAY_MS, HOUR_MS, NEVER_DUE_MS
from streaming.nomenclature import SIGNAL_UNITS
from streaming.observation import Validity
from streaming.therapy.fluids import Periodic, Urine
from streaming.therapy.infusions import Infusions

SHIFT_MS = 8 * HOUR_MS
LEAST_COVERAGE = 0.8
"""Contract, section 9: totals over a window need so much of it."""
DIARRHEA = "site:diarrhea_ml_8h"


class FluidRecord:
    """Urine, diarrhoea and what the pumps of one stay gave, mL. Instants are gateway milliseconds."""

    __slots__ = ("_diarrhea", "_infusions", "urine")

    def __init__(self, infusions: Infusions) -> None:
        self.urine = Urine()
        self._diarrhea = Periodic(SHIFT_MS)
        self._infusions = infusions

    def take_diarrhea(self, at_ms: int, amount_ml: float) -> None:
        """Take what was charted of the shift that ends at an instant."""
        self._diarrhea.add(at_ms, amount_ml)

    def total(self, signal: str, from_ms: int, now_ms: int) -> Total | None:
        """Amount over a window that ends now; None where no amount of the signal is kept."""
        if signal == "urine_ml":
            return self.urine.total(from_ms, now_ms)
        if signal == "intake_ml":
            return self._infusions.intake(from_ms, now_ms)
        if signal == DIARRHEA:
            return self._diarrhea.stretches.total(from_ms, now_ms)
        return None

    def urine_before_last_report(self, window_ms: int) -> Sample | None:
        """What the window before the last report gave; None when too little of it is covered."""
        amount, coverage = self.urine.until_last_report(window_ms)
        return Sample(self.urine.end_ms, round(amount, 3)) if coverage >= LEAST_COVERAGE else None

    def urine_1h(self) -> Reading | None:
        """From the volume collected in the hour before the last report."""
        return _urine_reading("urine_ml_h", self.urine_before_last_report(HOUR_MS))

    def urine_8h(self, now_ms: int) -> Reading | None:
        """Of the eight hours before the last report; unknown when too little of those until now is covered."""
        if self.urine.total(now_ms - SHIFT_MS, now_ms).coverage < LEAST_COVERAGE:
            return None
        amount, _ = self.urine.until_last_report(SHIFT_MS)
        return _urine_reading("urine_ml_8h", Sample(self.urine.end_ms, round(amount, 3)))

    def balance_24h(self, now_ms: int) -> Reading | None:
        """Pumps minus urine, of the day before the last report of urine; unknown as for eight hours."""
        from_ms, end_ms = now_ms - DAY_MS, self.urine.end_ms
        totals = (self.urine.total(from_ms, now_ms), self._infusions.intake(from_ms, now_ms))
        if min(total.coverage for total in totals) < LEAST_COVERAGE:
            return None
        given, (out, _) = self._infusions.intake(end_ms - DAY_MS, end_ms), self.urine.until_last_report(DAY_MS)
        unit = SIGNAL_UNITS["fluid_balance_ml_24h"]
        return Reading(round(given.amount - out, 3), unit, end_ms, "pumps - urine", "", Validity.VALID)

    def balance_at(self, at_ms: int) -> Sample | None:
        """Pumps minus urine of the day that ended at an instant; None when too little of it is covered."""
        from_ms = at_ms - DAY_MS
        out, given = self.urine.total(from_ms, at_ms), self._infusions.intake(from_ms, at_ms)
        if min(out.coverage, given.coverage) < LEAST_COVERAGE:
            return None
        return Sample(at_ms, round(given.amount - out.amount, 3))

    def urine_lapses_ms(self, now_ms: int) -> int:
        """When too little is known of the urine of eight hours, if nothing more is reported."""
        lapses_ms = self.urine.lapses_ms(SHIFT_MS, LEAST_COVERAGE)
        return NEVER_DUE_MS if lapses_ms is None or lapses_ms <= now_ms else lapses_ms


def _urine_reading(signal: str, sample: Sample | None) -> Reading | None:
    if sample is None:
        return None
    return Reading(sample.value, SIGNAL_UNITS[signal], sample.at_ms, "urine", "", Validity.VALID)
