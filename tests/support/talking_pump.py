"""A pump that says what a test tells it to, at seconds from an origin."""

from __future__ import annotations

from typing import Any

from streaming.identity import DeviceId
from streaming.observation import Validity
from streaming.signals import Channel
from streaming.therapy.infusion import Pump, Report

T0_MS = 1_800_000_000_000
SHORT = {
    "label": "MDC_DRUG_NAME_LABEL",
    "status": "MDC_PUMP_INFUSING_STATUS",
    "rate": "MDC_FLOW_FLUID_PUMP_CURRENT",
    "dose_rate": "MDC_RATE_DOSE",
    "conc": "MDC_CONC_DRUG",
    "volume": "MDC_VOL_FLUID_DELIV_TOTAL",
    "tbi": "MDC_VOL_FLUID_TBI",
    "remaining": "MDC_VOL_FLUID_TBI_REMAIN",
    "weight": "MDC_ATTR_PT_WEIGHT",
}
INFUSING = {True: "pump-status-infusing", False: "pump-status-not-infusing"}
Said = float | str | bool | tuple[float, str]


def at(seconds: float) -> int:
    """An instant, so many seconds after the origin."""
    return T0_MS + round(seconds * 1000)


class TalkingPump:
    """The channels of one device and the pump made of them."""

    def __init__(self, name: str = "pump1", *, is_charted: bool = False) -> None:
        self.channels: dict[str, Channel] = {}
        self.pump = Pump(name)
        self.is_charted = is_charted

    def say(
        self, seconds: float, *, validity: Validity = Validity.VALID, since_ms: int = -1, **said: Any
    ) -> Report | None:
        """Take one message; `status` may be a bool, `conc` and `dose_rate` a pair of value and unit."""
        for short, value in said.items():
            self._put(SHORT[short], value, at(seconds), validity)
        return self.pump.take(self.channels, is_charted=self.is_charted, since_ms=since_ms)

    def _put(self, name: str, said: Said, at_ms: int, validity: Validity) -> None:
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(DeviceId("icu", "b01", self.pump.name), name, "pump")
        if isinstance(said, tuple):
            channel.take_unit(said[1])
            said = said[0]
        channel.accept(INFUSING[said] if isinstance(said, bool) else said, at_ms, validity)
