"""A patient as somebody states them: every value at hand, every question answered by looking through them all.

For the test vectors that stand in the profiles, and as the plain answer that faster ones are held against. Freshness
limits are those of the contract (`streaming.criteria.freshness`); a drug that was never stated is not being infused.
It is no part of the running service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streaming.criteria.facts import Reading, RhythmEvent, Sample, Total
from streaming.criteria.freshness import MONITORED_MS, usual_fresh_ms
from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.freshness import PRECEDENCE
from streaming.nomenclature import SIGNAL_UNITS, SPECS
from streaming.observation import Validity

BEGIN_MS = 1_000_000_000_000
PRESSORS = ("phenylephrine_ug_kg_min", "norepinephrine_ug_kg_min", "dopamine_ug_kg_min", "vasopressin_u_min")


def usual_source(signal: str) -> str:
    """The metric that speaks for a signal first."""
    if signal in PRECEDENCE:
        return PRECEDENCE[signal][0]
    return next((spec.ref_id for spec in SPECS if spec.signal == signal), signal)


@dataclass(slots=True, kw_only=True)
class StatedFacts:
    """Implements `streaming.criteria.facts.Facts`."""

    now_ms: int = BEGIN_MS
    dosing_weight_kg: float = 80.0
    baseline: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    interval_began_ms: int | None = None
    held_doses: int = 0
    monitor_seen_ms: int | None = None
    """When a monitor that watches the rhythm was last heard."""
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    """By signal, in order of determination."""
    events: list[RhythmEvent] = field(default_factory=list)

    def say(
        self,
        signal: str,
        value: float | str,
        *,
        at_ms: int | None = None,
        source: str | None = None,
        validity: Validity = Validity.VALID,
    ) -> None:
        """State a value, of now unless said otherwise."""
        reading = Reading(
            value=value,
            unit=SIGNAL_UNITS.get(signal, ""),
            at_ms=self.now_ms if at_ms is None else at_ms,
            source=source or usual_source(signal),
            device="stated",
            validity=validity,
        )
        known = self.readings.setdefault(signal, [])
        known.append(reading)
        known.sort(key=_at_ms)

    def current(self, signal: str, fresh_ms: int | None = None) -> Reading | None:
        """See `Facts`."""
        known = self._until_now(signal)
        if not known:
            return self._not_infused(signal) if signal in PRESSORS else None
        latest = known[-1]
        limit_ms = usual_fresh_ms(signal, latest.source) if fresh_ms is None else fresh_ms
        return latest if self.now_ms - latest.at_ms <= limit_ms else None

    def is_heard(self, signal: str) -> bool:
        """See `Facts`."""
        del signal  # nobody tells
        return False

    def is_stream(self, signal: str, at_ms: int) -> bool:
        """See `Facts`."""
        earlier = self.before(signal, at_ms - 1)
        return earlier is not None and at_ms - earlier.at_ms < MINUTE_MS

    def before(self, signal: str, at_ms: int) -> Sample | None:
        """See `Facts`."""
        known = [sample for sample in self._samples(signal) if sample.at_ms <= at_ms]
        return known[-1] if known else None

    def highest(self, signal: str, from_ms: int) -> Sample | None:
        """See `Facts`."""
        return max(self._since(signal, from_ms), key=_value, default=None)

    def lowest(self, signal: str, from_ms: int) -> Sample | None:
        """See `Facts`."""
        return min(self._since(signal, from_ms), key=_value, default=None)

    def total(self, signal: str, window_ms: int) -> Total:
        """See `Facts`. `urine_ml` from the hourly `urine_ml_h`; anything else from values that each stand for 8 h."""
        from_ms = self.now_ms - window_ms
        stands_for_ms = HOUR_MS if f"{signal}_h" in SIGNAL_UNITS else 8 * HOUR_MS
        hourly = self._samples(f"{signal}_h" if f"{signal}_h" in SIGNAL_UNITS else signal)
        amount = covered_ms = 0.0
        reached_ms = from_ms
        for sample in hourly:
            overlap_ms = max(0, sample.at_ms - max(reached_ms, sample.at_ms - stands_for_ms))
            amount += sample.value * overlap_ms / stands_for_ms
            covered_ms += overlap_ms
            reached_ms = max(reached_ms, sample.at_ms)
        return Total(amount, covered_ms / window_ms)

    def minutes_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """See `Facts`."""
        minutes = self._minutes(signal, window_ms)
        known = [value for value in minutes if value is not None]
        return Total(float(sum(value < limit for value in known)), len(known) / len(minutes))

    def average_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """See `Facts`."""
        minutes = self._minutes(signal, window_ms)
        known = [value for value in minutes if value is not None]
        average = sum(max(0.0, limit - value) for value in known) / len(known) if known else 0.0
        return Total(average, len(known) / len(minutes))

    def state_since(self, signal: str) -> int | None:
        """See `Facts`."""
        since_ms: int | None = None
        last: float | str | None = None
        for reading in self._until_now(signal):
            if reading.value != last:
                since_ms, last = reading.at_ms, reading.value
        return since_ms

    def count(self, signal: str, values: Sequence[str], from_ms: int) -> int:
        """See `Facts`."""
        return sum(reading.value in values for reading in self._until_now(signal) if reading.at_ms > from_ms)

    def rhythm_events(self, from_ms: int) -> Sequence[RhythmEvent]:
        """See `Facts`."""
        return [event for event in self.events if from_ms < event.at_ms <= self.now_ms]

    def rhythm_watch_ends_ms(self) -> int | None:
        """See `Facts`."""
        if self.monitor_seen_ms is None or self.now_ms - self.monitor_seen_ms > MONITORED_MS:
            return None
        return self.monitor_seen_ms + MONITORED_MS

    def _until_now(self, signal: str) -> list[Reading]:
        return [reading for reading in self.readings.get(signal, ()) if reading.at_ms <= self.now_ms]

    def _samples(self, signal: str) -> list[Sample]:
        readings = self._until_now(signal)
        return [Sample(each.at_ms, each.value) for each in readings if not isinstance(each.value, str)]

    def _since(self, signal: str, from_ms: int) -> list[Sample]:
        in_force = self.before(signal, from_ms)
        later = [sample for sample in self._samples(signal) if sample.at_ms > from_ms]
        return later if in_force is None else [in_force, *later]

    def _minutes(self, signal: str, window_ms: int) -> list[float | None]:
        """The value in force at the end of each minute of the window, None where it was too old."""
        ends = range(self.now_ms - window_ms + MINUTE_MS, self.now_ms + 1, MINUTE_MS)
        limit_ms = usual_fresh_ms(signal, usual_source(signal))
        in_force = [(end_ms, self.before(signal, end_ms)) for end_ms in ends]
        return [None if s is None or end_ms - s.at_ms > limit_ms else s.value for end_ms, s in in_force]

    def _not_infused(self, signal: str) -> Reading:
        return Reading(0.0, SIGNAL_UNITS[signal], self.now_ms, "no pump", "vigil", Validity.VALID)


def _at_ms(reading: Reading) -> int:
    return reading.at_ms


def _value(sample: Sample) -> float:
    return sample.value
