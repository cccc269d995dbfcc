"""Who speaks for each signal at the patient's bed now, under the limits on age of the dose criteria.

Those limits are longer than the alarms' (`streaming.signals`), so that a channel may speak here that is silent there;
the order among those that may speak is the same. Between two beds nobody speaks.

It remembers nothing and believes everything: whether a weighing is plausible is asked elsewhere.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from streaming.criteria.facts import Reading
from streaming.criteria.freshness import MONITORED_MS, usual_fresh_ms
from streaming.durations import NEVER_DUE_MS
from streaming.freshness import CONTINUOUS
from streaming.nomenclature import SIGNAL_UNITS
from streaming.signals import first_to_speak

if TYPE_CHECKING:
    from streaming.bed import Bed
    from streaming.signals import Channel, SignalSlot

ECG_RATE = "MDC_ECG_HEART_RATE"


class Speakers:
    """The channels of the bed that the patient is in. Instants are gateway milliseconds."""

    __slots__ = ("bed",)

    def __init__(self) -> None:
        self.bed: Bed | None = None
        """None while the patient is on the way from one bed to another."""

    def slot(self, signal: str) -> SignalSlot | None:
        """Where the bed's channels of a signal are; None when there has been none."""
        return self.bed.slots.get(signal) if self.bed is not None else None

    def reading(self, signal: str, fresh_ms: int | None, now_ms: int) -> Reading | None:
        """What the best channel says that is not too old; the usual limit on its age without another."""
        slot = self.bed.slots.get(signal) if self.bed is not None else None
        channel = _speaker(slot, fresh_ms, now_ms) if slot is not None else None
        if channel is None or channel.value is None:
            return None
        unit = SIGNAL_UNITS.get(signal, "")
        return Reading(channel.value, unit, channel.at_ms, channel.name, channel.device.device, channel.validity)

    def is_heard(self, signal: str) -> bool:
        """Whether `streaming.criteria.attention.Bands` sees the source of a continuous signal come and go."""
        if signal == "shock_index":
            return self.is_heard("hr") and self.is_heard("sbp")
        slot = self.bed.slots.get(signal) if self.bed is not None and signal in CONTINUOUS else None
        source = slot.source if slot is not None else None
        return source is not None and source.fresh_ms <= MONITORED_MS

    def is_spoken(self, signal: str) -> bool:
        """Whether a source of a continuous signal says now what it is, under the limits of the alarms."""
        slot = self.slot(signal)
        return slot is not None and slot.source is not None

    def is_stream(self, signal: str, at_ms: int) -> bool:
        """Whether the device that determined the value of that instant reports more often than once a minute."""
        slot = self.slot(signal)
        channels = slot.candidates if slot is not None else ()
        names = [channel.device.device for channel in channels if channel.at_ms == at_ms and not channel.is_cuff]
        return self.bed is not None and any(self.bed.devices[name].is_stream for name in names)

    def rhythm_watch_ends_ms(self, now_ms: int) -> int | None:
        """Until when an ECG that counts the heart's beats now may be relied on; one that somebody charts is none."""
        slot = self.slot("hr")
        heard_ms = [each.at_ms for each in slot.candidates if self._is_ecg(each, now_ms)] if slot is not None else []
        if not heard_ms:
            return None
        is_spoken = slot is not None and slot.source is not None and slot.source.name == ECG_RATE
        return NEVER_DUE_MS if is_spoken else max(heard_ms) + usual_fresh_ms("hr", ECG_RATE)

    def _is_ecg(self, channel: Channel, now_ms: int) -> bool:
        device = self.bed.devices.get(channel.device.device) if self.bed is not None else None
        is_fresh = channel.value is not None and now_ms - channel.at_ms <= usual_fresh_ms("hr", ECG_RATE)
        return channel.name == ECG_RATE and is_fresh and device is not None and device.kind != "chart"


def last_to_speak(slot: SignalSlot) -> Channel | None:
    """Who speaks, or who spoke last when nobody does now: some devices report less often than a value speaks."""
    if slot.source is not None:
        return slot.source
    heard = [channel for channel in slot.candidates if channel.value is not None]
    return max(heard, key=attrgetter("at_ms"), default=None)


def _speaker(slot: SignalSlot, fresh_ms: int | None, now_ms: int) -> Channel | None:
    heard = []
    for channel in slot.candidates:
        limit_ms = usual_fresh_ms(slot.name, channel.name) if fresh_ms is None else fresh_ms
        if channel.value is None or now_ms - channel.at_ms > limit_ms:
            continue
        if channel is slot.preferred:
            return channel
        heard.append(channel)
    return first_to_speak(heard, slot.source)
