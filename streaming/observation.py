"""What devices say, decoded: observations, device events, status.

These are the types at the border between the wire (`gateway.wire`, which makes them from bytes) and the engine (which
never sees bytes). Instants are integer milliseconds since 1970 UTC: `*_ms`; the engine does integer arithmetic on
them so that live and replayed runs agree to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from streaming.identity import DeviceId


class Validity(IntEnum):
    """Trust in a value (BICEPS MeasurementValidity, narrowed). Ordered from most to least trusted.

    Only VALID and QUESTIONABLE may feed a rule, and QUESTIONABLE only as each rule says.
    """

    VALID = 0
    QUESTIONABLE = 1
    CALIBRATING = 2
    INVALID = 3
    NOT_AVAILABLE = 4
    """The device measures it and has no value now (`null` on the wire). Never zero, never normal."""

    @property
    def label(self) -> str:
        """The word on the wire, in HTTP answers and on the display."""
        return self.name.lower()


VALIDITY_BY_LABEL: Mapping[str, Validity] = {v.label: v for v in Validity if v is not Validity.NOT_AVAILABLE}
"""What a device may send as `validity`."""


DEVICE_KINDS = ("monitor", "pump", "scale", "urometer", "ventilator", "chart", "other")
"""What a device may say it is (contract, section 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricReading:
    """A metric sent as an object: a value with its unit, validity or own determination time."""

    value: float | str | None
    unit: str | None = None
    """UCUM, as sent; None means the metric's canonical unit."""
    validity: Validity = Validity.VALID
    determined_ms: int | None = None
    """Device clock at which the value was determined (a cuff reading, a lab), if the device gave one."""


MetricValue = float | int | str | MetricReading | None
"""A plain number or text (canonical unit, valid), None (not available), or a reading with more to say."""


@dataclass(slots=True)
class ObsMessage:
    """An `obs` message: metric name to value, with the device's boot, sequence number and clock.

    Not frozen, as `Decoded`: one is made per message, and a frozen dataclass costs several times as much to make.
    """

    boot: str
    seq: int
    device_ms: int | None
    """Device clock, or None when the device has no clock."""
    metrics: Mapping[str, MetricValue]


@dataclass(frozen=True, slots=True)
class EventMessage:
    """An `event` message: something that happened at the device, or an alarm of its own."""

    boot: str
    seq: int
    device_ms: int | None
    event: str
    """`MDC_EVT_…`"""
    phase: str
    """`start`, `end` or `tpoint`"""
    priority: str | None = None
    text: str | None = None
    attributes: Mapping[str, float | str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """A retained `status` message, also a device's last will. It carries no sequence number."""

    state: str
    """`online` or `offline`"""
    kind: str
    """One of `DEVICE_KINDS`."""
    model: str | None = None
    boot: str | None = None
    device_ms: int | None = None


@dataclass(frozen=True, slots=True)
class WaveMessage:
    """A waveform packet: accepted and counted, not yet decoded."""

    size: int
    """Payload bytes."""


DeviceMessage = ObsMessage | EventMessage | StatusMessage | WaveMessage


@dataclass(slots=True)
class Decoded:
    """A message that follows the grammar, and who sent it."""

    device: DeviceId
    message: DeviceMessage


@dataclass(frozen=True, slots=True)
class Rejected:
    """Input that does not follow the grammar, or that nothing can be done with: kept, counted, listed in quarantine.

    A value, not an exception: bad bytes are the device's fault and an expected part of the world.
    """

    reason: str
    """Machine-readable, snake_case, from a closed list (`docs/protocol.md`)."""
    detail: str
    """For people: what was wrong, where, and what would be right. Never holds patient text."""
    device: DeviceId | None = None
    """The sender, where the topic names one."""
