"""The gateway's heartbeat: what its clock says and how fast it runs, so that simulated devices can agree with it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from simulators.clock import Adjustment, SimulatedClock
from streaming.instants import parse_instant

_NOTEWORTHY_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One sign of life of the gateway."""

    at_ms: int
    """Gateway clock, milliseconds since 1970 UTC."""
    speed: float
    """Simulated seconds per real second."""


def parse_heartbeat(payload: bytes) -> Heartbeat | None:
    """The heartbeat in `{"at": RFC 3339, "speed"?: number > 0, …}`, or None when it is none."""
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or not isinstance(at := body.get("at"), str):
        return None
    at_ms, speed = parse_instant(at), body.get("speed", 1)
    if at_ms is None or isinstance(speed, bool) or not isinstance(speed, int | float):
        return None
    return Heartbeat(at_ms=at_ms, speed=float(speed)) if math.isfinite(speed) and speed > 0 else None


class GatewayTime:
    """Keeps a simulated clock with the gateway's, heartbeat by heartbeat."""

    def __init__(
        self, clock: SimulatedClock, *, notice: Callable[[str], None], on_step: Callable[[int], None] = lambda _: None
    ) -> None:
        """Follows from the first heartbeat on.

        Args:
            clock: the clock to keep right.
            notice: told of what a person should know: a change of speed, a step after the first agreement.
            on_step: called with the milliseconds by which the clock was set.
        """
        self._clock = clock
        self._notice = notice
        self.on_step = on_step
        self._heard = asyncio.Event()

    @property
    def is_heard(self) -> bool:
        """Whether there has been a heartbeat."""
        return self._heard.is_set()

    async def first(self, within_s: float) -> bool:
        """Waits for the first heartbeat; False when none came in time."""
        try:
            await asyncio.wait_for(self._heard.wait(), within_s)
        except TimeoutError:
            return False
        return True

    def hear(self, payload: bytes) -> None:
        """Takes one heartbeat; anything else on its topic is ignored."""
        heartbeat = parse_heartbeat(payload)
        if heartbeat is None:
            return
        asked = self._clock.speed
        adjustment = self._clock.follow(heartbeat.at_ms, heartbeat.speed, at_once=not self.is_heard)
        if adjustment.speed_changed:
            self._notice(f"the gateway's clock runs at speed {heartbeat.speed:g}, not {asked:g}: going with it")
        if self.is_heard:
            self._tell(adjustment)
        self._heard.set()
        if adjustment.stepped:
            self.on_step(adjustment.error_ms)

    def _tell(self, adjustment: Adjustment) -> None:
        if adjustment.stepped and abs(adjustment.error_ms) > _NOTEWORTHY_MS:
            self._notice(f"clock set by {adjustment.error_ms / 1000:+.1f} s to agree with the gateway's")
