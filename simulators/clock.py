"""The clocks of the simulators: the only module in here that reads the machine's.

`SimulatedClock` is the one clock that all simulated devices of a run share (each adds an offset of its own). It runs
`speed` times faster than the machine's monotonic clock, never backwards except in an announced step, and follows the
gateway's clock when the gateway's heartbeat tells what that says.

It deliberately has no notion of time zones: instants are milliseconds since 1970 UTC.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

_STEP_ABOVE_S = 5.0
"""An error larger than this many real seconds is corrected at once; slewing it away would take minutes."""
_SLEW_OVER_S = 10.0
"""A smaller error is worked off over about this many real seconds."""
_MAX_SLEW = 0.2
"""While it does so the clock runs at most this share faster or slower."""


def monotonic_s() -> float:
    """Seconds on the machine's monotonic clock, for durations."""
    return time.monotonic()


def system_ms() -> int:
    """The machine's wall clock, milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def thread_cpu_s() -> float:
    """Processor seconds that the calling thread has used, user and system."""
    return time.thread_time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What following the gateway's clock came to."""

    error_ms: int
    """Gateway minus ours, before the correction."""
    stepped: bool
    """True when the clock was set; False when it is being slewed."""
    speed_changed: bool


class SimulatedClock:
    """Milliseconds since 1970 UTC, running `speed` times faster than the machine."""

    def __init__(
        self, *, speed: float = 1.0, start_ms: int | None = None, monotonic: Callable[[], float] = monotonic_s
    ) -> None:
        """Starts at `start_ms`, or at the system time when that is None.

        Args:
            speed: simulated seconds per real second, > 0.
            start_ms: first reading.
            monotonic: seconds that never go back; another one only in tests.
        """
        if not speed > 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self._monotonic = monotonic
        self._speed = speed
        self._error_ms = 0.0
        self._slew_ms_per_s = 0.0
        self._anchor_s = monotonic()
        self._anchor_ms = float(system_ms() if start_ms is None else start_ms)

    @property
    def speed(self) -> float:
        """Simulated seconds per real second, without the slew."""
        return self._speed

    def now_ms(self) -> int:
        """Simulated time."""
        return int(self._reading(self._monotonic()))

    def follow(self, gateway_ms: int, speed: float, *, at_once: bool = False) -> Adjustment:
        """Takes note of what the gateway's clock says now, and at which speed it runs.

        A small error is slewed away, so that no device of ours sees time stop or jump; a large one is stepped.

        Args:
            gateway_ms: milliseconds since 1970 UTC.
            speed: simulated seconds per real second.
            at_once: step whatever the error is.
        """
        moment_s = self._monotonic()
        ours = self._reading(moment_s)
        error_ms = gateway_ms - ours
        stepped = at_once or abs(error_ms) > _STEP_ABOVE_S * 1000.0 * speed
        speed_changed = speed != self._speed
        self._anchor_s, self._anchor_ms = moment_s, float(gateway_ms) if stepped else ours
        self._speed = speed
        self._error_ms = 0.0 if stepped else error_ms
        limit = _MAX_SLEW * 1000.0 * speed
        self._slew_ms_per_s = min(limit, max(-limit, self._error_ms / _SLEW_OVER_S))
        return Adjustment(error_ms=round(error_ms), stepped=stepped, speed_changed=speed_changed)

    async def sleep_until_ms(self, at_ms: int) -> None:
        """Sleeps until the clock shows `at_ms`; returns at once (after yielding) when it already does."""
        # Wakes at least every second: the speed may change while we sleep.
        while (missing_ms := at_ms - self._reading(self._monotonic())) > 0:  # noqa: ASYNC110 (time, not an event)
            await asyncio.sleep(min(missing_ms / 1000.0 / self._speed, 1.0))
        await asyncio.sleep(0)

    def _reading(self, moment_s: float) -> float:
        elapsed_s = moment_s - self._anchor_s
        slewed_ms = self._slew_ms_per_s * elapsed_s
        if abs(slewed_ms) > abs(self._error_ms):
            slewed_ms = self._error_ms
        return self._anchor_ms + elapsed_s * 1000.0 * self._speed + slewed_ms
