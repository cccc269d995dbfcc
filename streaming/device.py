"""One device at a bed: its clock, its numbering, its channels, and what it was counted to have sent."""

from __future__ import annotations

from streaming.clock import DeviceClock
from streaming.identity import DeviceId
from streaming.sequence import SequenceLedger
from streaming.signals import NEVER_MS, Channel


class Device:
    """What is known of one device. Instants are gateway milliseconds."""

    __slots__ = (
        "channels",
        "clock",
        "duplicate",
        "evaluated",
        "has_measured",
        "has_skew",
        "has_too_many_metrics",
        "id",
        "is_suspect",
        "is_watched",
        "kind",
        "last_received_ms",
        "last_time_ms",
        "model",
        "received",
        "rejected",
        "sequence",
        "state",
        "state_since_ms",
    )

    def __init__(self, device_id: DeviceId) -> None:
        self.id = device_id
        self.kind = "other"
        self.model: str | None = None
        self.state = "unknown"
        """`online` or `offline` as its status says, `unknown` before it said anything."""
        self.state_since_ms = NEVER_MS
        self.clock = DeviceClock()
        self.sequence = SequenceLedger()
        self.channels: dict[str, Channel] = {}
        """By every name under which the device reported them, aliases included."""
        self.last_received_ms = NEVER_MS
        self.last_time_ms = NEVER_MS
        """Latest corrected device time of an observation message."""
        self.has_measured = False
        """Whether it has sent an observation: only then is its silence worth a word."""
        self.has_skew = False
        """Whether its clock was last seen beyond the limit."""
        self.has_too_many_metrics = False
        """Whether it was told that it names more metrics than are kept."""
        self.is_suspect = False
        """Whether it is held to be gone, or about to be: its next message must be looked at."""
        self.is_watched = False
        """Whether it reports something of which the facts of a stay are made (a pump, collected urine)."""
        self.received = 0
        self.evaluated = 0
        self.duplicate = 0
        self.rejected = 0

    def take_status(self, kind: str, model: str | None, state: str, now_ms: int) -> None:
        """Take what the device (or its last will) says of itself."""
        self.take_presence(state, now_ms)
        self.model = model if model is not None else self.model
        if kind != self.kind:
            self.kind = kind
            for channel in self.channels.values():
                channel.take_device_kind(kind)

    def take_presence(self, state: str, now_ms: int) -> None:
        """Note that it is there, or gone."""
        if state != self.state:
            self.state = state
            self.state_since_ms = now_ms
