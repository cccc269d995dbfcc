"""Monitors of a small ward with known sickness: what each sends, when, and what must come of it.

Every message has its identity (device, boot, seq) and the time of a device clock that is right. A bed with an episode
is sick in it and well before and after, so that the alarms of a run can be told beforehand.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from tests.support.mqtt_client import Outgoing

WELL: Mapping[str, float] = {
    "MDC_ECG_HEART_RATE": 82.0,
    "MDC_PULS_OXIM_SAT_O2": 97.0,
    "MDC_PRESS_BLD_ART_ABP_SYS": 121.0,
    "MDC_PRESS_BLD_ART_ABP_DIA": 71.0,
    "MDC_PRESS_BLD_ART_ABP_MEAN": 88.0,
    "MDC_RESP_RATE": 15.0,
}
SHOCK: Mapping[str, float] = {
    **WELL,
    "MDC_PRESS_BLD_ART_ABP_SYS": 62.0,
    "MDC_PRESS_BLD_ART_ABP_DIA": 36.0,
    "MDC_PRESS_BLD_ART_ABP_MEAN": 45.0,
}
"""MAP below 50: an alarm after 15 s."""
SHOCK_RULE, SHOCK_ONSET_S = "hypotension.map_below_50", 1.0
BRADYCARDIA: Mapping[str, float] = {**WELL, "MDC_ECG_HEART_RATE": 35.0}
"""Heart rate below 40: an alarm after 10 s."""
BRADYCARDIA_RULE, BRADYCARDIA_ONSET_S = "bradycardia.hr_below_40", 10.0


@dataclass(frozen=True, slots=True)
class Episode:
    """Sick from one moment to another, in seconds since the telemetry's start."""

    from_s: float
    to_s: float
    values: Mapping[str, float] = field(default_factory=lambda: SHOCK)


@dataclass(slots=True)
class MonitorScript:
    """One bed's monitor."""

    unit: str
    bed: str
    rate_hz: float
    episodes: Sequence[Episode] = ()
    device: str = "mon1"
    boot: str = "boot-1"
    seq: int = 0
    """Of the next message; also how many there were."""

    @property
    def place(self) -> str:
        return f"icu/v1/{self.unit}/{self.bed}/{self.device}"

    def message(self, at_s: float, now_ms: int) -> Outgoing:
        """The next message."""
        sick = (episode.values for episode in self.episodes if episode.from_s <= at_s < episode.to_s)
        body = {"boot": self.boot, "seq": self.seq, "time": now_ms, "metrics": next(sick, WELL)}
        outgoing = Outgoing((self.place, self.boot, self.seq), f"{self.place}/obs", orjson.dumps(body))
        self.seq += 1
        return outgoing


class Telemetry:
    """All monitors together: what has become due."""

    def __init__(self, monitors: Sequence[MonitorScript]) -> None:
        self.monitors = monitors

    @property
    def made(self) -> int:
        """Messages so far."""
        return sum(monitor.seq for monitor in self.monitors)

    def due(self, elapsed_s: float) -> list[Outgoing]:
        """What has become due by `elapsed_s` seconds after the start, each stamped with the present."""
        now_ms = time.time_ns() // 1_000_000
        messages: list[Outgoing] = []
        for monitor in self.monitors:
            while monitor.seq <= elapsed_s * monitor.rate_hz:
                messages.append(monitor.message(monitor.seq / monitor.rate_hz, now_ms))
        return messages
