"""The one clock of the gateway: the only place in the service that reads the system's.

Gateway time never goes backwards: when the system clock is set back, time stands still until it has caught up, and
`stepped_back_ms` says by how much. In a demo or a test it may run faster than the system's; it then goes on from where
the journal ended, since the journal's time is ahead of the wall's.
"""

from __future__ import annotations

import time

NS_PER_MS = 1_000_000


class GatewayClock:
    """Milliseconds since 1970 UTC, never decreasing."""

    def __init__(self, *, speed: float = 1.0, not_before_ms: int = 0) -> None:
        """Start the clock.

        Args:
            speed: Gateway seconds per second. 1 everywhere but in a demo or test.
            not_before_ms: Last instant of the journal: time goes on from there.
        """
        self.speed = speed
        self._began_ns = time.time_ns()
        self._began_ms = max(self._began_ns // NS_PER_MS, not_before_ms)
        self._latest_ms = not_before_ms
        self.stepped_back_ms = 0
        """How far the system clock is behind what was already given out; 0 in the normal case."""

    def now_ms(self) -> int:
        """The present instant."""
        now_ns = time.time_ns()
        if self.speed == 1.0:
            now_ms = now_ns // NS_PER_MS
        else:
            now_ms = self._began_ms + int((now_ns - self._began_ns) * self.speed / NS_PER_MS)
        if now_ms < self._latest_ms:
            self.stepped_back_ms = self._latest_ms - now_ms
            return self._latest_ms
        self.stepped_back_ms = 0
        self._latest_ms = now_ms
        return now_ms

    def seconds_until(self, instant_ms: int) -> float:
        """System seconds until gateway time reaches `instant_ms`; 0 when it has."""
        return max(0.0, (instant_ms - self.now_ms()) / 1000.0 / self.speed)


class StepWatch:
    """Tells when the system clock was set: by how much it ran otherwise than the monotonic one.

    A clock that is slewed changes by half a millisecond a second and is not noticed; one that is set is, and so is a
    machine that slept.
    """

    def __init__(self) -> None:
        self._offset_ns = _offset_ns()

    def step_s(self) -> float:
        """How far the clock was set since the last call; positive is forwards. About 0 in health."""
        offset_ns = _offset_ns()
        step_ns, self._offset_ns = offset_ns - self._offset_ns, offset_ns
        return step_ns / 1e9


def _offset_ns() -> int:
    return time.time_ns() - time.monotonic_ns()
