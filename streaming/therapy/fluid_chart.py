"""The fluid chart of a stay: by the hour what the pumps gave, what urine came and the balance; and the boluses.

A figure is None where nobody knows it, never 0: intake before any pump was heard, urine of an hour that no report
covers, a balance of which either side is covered too little. What is told of a part of an hour stands beside how much
of the hour it covers. Each pump is listed under what its label names now; what it gave under a label before counts to
it too.

It reads the pumps and the urine and changes nothing. It knows no limit and judges nothing; what is drunk, eaten or lost
otherwise is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streaming.durations import HOUR_MS
from streaming.therapy.drugs import Drug
from streaming.therapy.fluids import Urine
from streaming.therapy.infusion import FRESH_MS, Pump
from streaming.therapy.stretches import BEGINNING_MS

LEAST_COVERAGE = 0.8
"""Contract, section 9: totals over a window need so much of it."""
BOLUS_ML_H = 250.0
"""A fluid that runs so fast is a bolus: what `hypotension.bolus_without_response` looks for in an hour. [D]"""
BOLUS_LEAST_ML = 100.0
"""Less is a flush or a line being primed. [D]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpShare:
    """What one pump gave in an hour."""

    pump: str
    drug: Drug | None
    """As its label says now; None when nobody knows the name, or the pump stayed behind at another bed."""
    label: str | None
    ml: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidHour:
    """One whole hour (UTC), or of the present one the part that is over."""

    from_ms: int
    to_ms: int
    intake_ml: float | None
    intake_coverage: float
    """For which share of the hour it is known what every pump gave, 0 to 1."""
    urine_ml: float | None
    urine_coverage: float
    balance_ml: float | None
    """Intake minus urine, where both are covered by `LEAST_COVERAGE`."""
    by_pump: tuple[PumpShare, ...]
    """Those that gave something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bolus:
    """A fluid that ran fast for a while."""

    pump: str
    drug: Drug
    label: str | None
    from_ms: int
    to_ms: int
    ml: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidChart:
    """Hours and boluses, oldest first."""

    hours: tuple[FluidHour, ...]
    boluses: tuple[Bolus, ...]


def fluid_chart(pumps: Sequence[Pump], urine: Urine, began_ms: int, now_ms: int, hours: int) -> FluidChart:
    """What went in and out in the present hour and those before it.

    Args:
        pumps: All of the stay, those that were left behind too.
        urine: Of the stay.
        began_ms: The admission; before it nothing is known.
        now_ms: Where the chart ends.
        hours: How many, at least 1; what is no longer kept counts as not known.
    """
    since_ms = max(began_ms, _known_since_ms(pumps, now_ms))
    present_ms = (now_ms - 1) // HOUR_MS * HOUR_MS
    starts = [present_ms - back * HOUR_MS for back in reversed(range(hours))]
    return FluidChart(
        hours=tuple(_hour(pumps, urine, since_ms, from_ms, now_ms) for from_ms in starts),
        boluses=tuple(sorted(_boluses(pumps, starts[0]), key=lambda bolus: (bolus.from_ms, bolus.pump))),
    )


def _known_since_ms(pumps: Sequence[Pump], now_ms: int) -> int:
    """Since when the pumps are known: from the first report on, and where all of it is still kept."""
    begun = [_first_ms(pump) for pump in pumps if pump.at_ms >= 0]
    kept = [max(pump.volumes.forgotten_until_ms, pump.holes.forgotten_until_ms) for pump in pumps]
    return max(min(begun, default=now_ms), *kept, BEGINNING_MS)


def _first_ms(pump: Pump) -> int:
    firsts = [kept.begin_ms for kept in (pump.volumes, pump.holes)]
    return min((first for first in firsts if first is not None), default=pump.at_ms)


def _hour(pumps: Sequence[Pump], urine: Urine, since_ms: int, from_ms: int, now_ms: int) -> FluidHour:
    to_ms = min(from_ms + HOUR_MS, now_ms)
    length_ms = to_ms - from_ms
    shares, unknown_ms = [], 0
    for pump in pumps:
        ml, pump_unknown_ms = _given(pump, from_ms, to_ms, now_ms)
        unknown_ms += pump_unknown_ms
        if ml > 0:
            shares.append(PumpShare(pump=pump.name, drug=pump.drug, label=pump.label, ml=ml))
    known_ms = min(length_ms, max(0, to_ms - max(from_ms, since_ms) - unknown_ms))
    out_ml, out_ms = urine.within(from_ms, to_ms)
    intake_ml = round(sum(share.ml for share in shares), 3) if known_ms > 0 else None
    urine_ml = round(out_ml, 3) if out_ms > 0 else None
    covered, out_covered = known_ms / length_ms, out_ms / length_ms
    balance_ml = None
    if intake_ml is not None and urine_ml is not None and min(covered, out_covered) >= LEAST_COVERAGE:
        balance_ml = round(intake_ml - urine_ml, 3)
    return FluidHour(
        from_ms=from_ms,
        to_ms=to_ms,
        intake_ml=intake_ml,
        intake_coverage=round(covered, 4),
        urine_ml=urine_ml,
        urine_coverage=round(out_covered, 4),
        balance_ml=balance_ml,
        by_pump=tuple(shares),
    )


def _given(pump: Pump, from_ms: int, to_ms: int, now_ms: int) -> tuple[float, int]:
    """mL that a pump gave in a window, and for how many milliseconds of it nobody knows."""
    since_ml, since_unknown_ms = pump.delivered(from_ms, now_ms)
    after_ml, after_unknown_ms = pump.delivered(to_ms, now_ms)
    return max(0.0, round(since_ml - after_ml, 3)), since_unknown_ms - after_unknown_ms


def _boluses(pumps: Sequence[Pump], from_ms: int) -> Iterator[Bolus]:
    """Of each pump whose label names a fluid: where it ran fast, pauses of no more than two polls left out."""
    for pump in pumps:
        if pump.drug is Drug.FLUID:
            for start_ms, end_ms, ml in _fast(pump):
                if ml >= BOLUS_LEAST_ML and end_ms > from_ms:
                    yield Bolus(
                        pump=pump.name,
                        drug=Drug.FLUID,
                        label=pump.label,
                        from_ms=start_ms,
                        to_ms=end_ms,
                        ml=round(ml, 3),
                    )


def _fast(pump: Pump) -> Iterator[tuple[int, int, float]]:
    """(from, to, mL) of each time in which a pump ran fast."""
    start_ms, end_ms, total_ml = 0, BEGINNING_MS, 0.0
    for from_ms, to_ms, ml in pump.volumes.each():
        if ml * HOUR_MS < BOLUS_ML_H * (to_ms - from_ms):
            continue
        if from_ms - end_ms > FRESH_MS:
            yield start_ms, end_ms, total_ml
            start_ms, total_ml = from_ms, 0.0
        end_ms, total_ml = to_ms, total_ml + ml
    yield start_ms, end_ms, total_ml
