"""Topics: where a device publishes, and where Vigil does.

`icu/v1/{unit}/{bed}/{device}/{channel}` with each level of `[A-Za-z0-9_-]{1,32}`. The device name `vigil` is Vigil's
own: a message claimed to come from it is rejected, so that nobody can feed Vigil its own permits. Vigil listens to
everything under `icu/`, so that what is published off the grammar is rejected in the open and not overlooked; what it
publishes itself comes back and is recognised by `is_own_topic`.

Only topics that follow the grammar are remembered (there are as many as devices); what a stranger makes up is parsed
each time and forgotten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.wire.reasons import Malformed, Reason, quote
from streaming.identity import BedId, DeviceId
from streaming.observation import Rejected

RESERVED_DEVICE = "vigil"
"""The device level under which Vigil publishes."""
HEARTBEAT_TOPIC = "icu/v1/vigil/heartbeat"
"""Vigil's own sign of life: QoS 0, every second."""

HOUSE_ALARM_TOPIC = "icu/v1/vigil/alarm"
"""Alarms of no patient: of a unit's equipment, or of Vigil itself (QoS 1)."""

_LEVEL = r"[A-Za-z0-9_-]{1,32}"
_DEVICE_TOPIC = re.compile(rf"icu/v1/({_LEVEL})/({_LEVEL})/({_LEVEL})/({_LEVEL})", re.ASCII)
_LEVEL_ALONE = re.compile(_LEVEL, re.ASCII)
_OWN_TOPIC = re.compile(rf"icu/v1/(?:{_LEVEL}/{_LEVEL}/vigil/(?:permit|alarm)|vigil/(?:heartbeat|alarm))", re.ASCII)
_REMEMBERED_TOPICS = 65_536


class Channel(StrEnum):
    """The last level of a device's topic."""

    OBS = "obs"
    EVENT = "event"
    STATUS = "status"
    WAVE = "wave"


SUBSCRIPTION = "icu/#"
"""What Vigil listens to."""


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """A device's topic, taken apart."""

    device: DeviceId
    channel: Channel


_known: dict[str, DeviceTopic] = {}


def parse_topic(topic: str) -> DeviceTopic | Rejected:
    """The device and channel of a topic, or why it is none of a device's."""
    known = _known.get(topic)
    return known if known is not None else _parse_in_full(topic)


def _parse_in_full(topic: str) -> DeviceTopic | Rejected:
    found = _DEVICE_TOPIC.fullmatch(topic)
    if found is None:
        return Malformed(Reason.BAD_TOPIC, f"{quote(topic)} is not icu/v1/unit/bed/device/channel").rejected()
    device = DeviceId(found[1], found[2], found[3])
    if device.device == RESERVED_DEVICE:
        return Malformed(Reason.RESERVED_DEVICE, f"the device name {RESERVED_DEVICE} is Vigil's own").rejected(device)
    try:
        parsed = DeviceTopic(device, Channel(found[4]))
    except ValueError:
        return Malformed(Reason.BAD_TOPIC, f"{quote(found[4])} is not obs, event, status or wave").rejected(device)
    if len(_known) >= _REMEMBERED_TOPICS:
        _known.clear()
    _known[topic] = parsed
    return parsed


def is_level(text: str) -> bool:
    """Whether `text` can stand as unit, bed or device in a topic."""
    return _LEVEL_ALONE.fullmatch(text) is not None


def is_own_topic(topic: str) -> bool:
    """Whether this is a permit, an alarm or the heartbeat: what Vigil publishes, and no input to it."""
    return "/vigil/" in topic and _OWN_TOPIC.fullmatch(topic) is not None


def device_topic(device: DeviceId, channel: Channel) -> str:
    """The topic on which `device` publishes `channel`."""
    return f"icu/v1/{device.unit}/{device.bed}/{device.device}/{channel}"


def permit_topic(bed: BedId) -> str:
    """Where the bed's dose permit is retained (QoS 1)."""
    return f"icu/v1/{bed.unit}/{bed.bed}/{RESERVED_DEVICE}/permit"


def alarm_topic(bed: BedId) -> str:
    """Where the bed's alarm transitions are published (QoS 1)."""
    return f"icu/v1/{bed.unit}/{bed.bed}/{RESERVED_DEVICE}/alarm"
