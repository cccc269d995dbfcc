"""A device's own clock: an offset, a drift, steps (a change of summer time, a battery), and a counter that rolls over.

A pure function of true time. It deliberately does not know what the device does with it.
"""

from __future__ import annotations

from dataclasses import dataclass

ROLLOVER_MS = 1 << 32
"""A 32-bit counter of milliseconds begins anew after 49.7 days: the clock falls back by as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The clock is set by `by_ms` at true time `at_ms`."""

    at_ms: int
    by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTime:
    """What a device shows at a true instant."""

    offset_ms: int = 0
    """At `since_ms`: its clock minus true time."""
    since_ms: int = 0
    drift_ppm: float = 0.0
    """-500..500; quartz is within 50."""
    steps: tuple[ClockStep, ...] = ()

    def shown_ms(self, at_ms: int) -> int:
        """The clock's reading, milliseconds since 1970 UTC."""
        drifted = round((at_ms - self.since_ms) * self.drift_ppm * 1e-6)
        stepped = sum(step.by_ms for step in self.steps if at_ms >= step.at_ms)
        return at_ms + self.offset_ms + drifted + stepped

    def error_ms(self, at_ms: int) -> int:
        """Its clock minus true time."""
        return self.shown_ms(at_ms) - at_ms
