"""One device at a bed: its clock, its numbering, its channels, and what it was counted to have sent."""

from __future__ import annotations

from streaming.clock import DeviceClock
from streaming.identity import DeviceId
from streaming.sequence import SequenceLedger
from streaming.signals import NEVER_MS, Channel

GAPS = 4
"""So many gaps between observations are remembered; the shortest is what the device is held to. [D]"""
SLOW_MS = 12_000
"""A device that never speaks more often than this is slow: silence is judged by its own pace. [D]"""
STREAM_MS = 60_000
PACE_STEP_MS = 10_000
PATIENCE = 2.5
"""Gaps of a slow device that may pass in silence: two messages lost, and half a gap for the way. [D]"""
PATIENCE_MAX_MS = 5 * 60_000
"""What a device says speaks no longer than this, however slow it is: the limit of a dose criterion."""


class Device:
    """What is known of one device. Instants are gateway milliseconds."""

    __slots__ = (
        "_gaps_ms",
        "_observations",
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
        "patience_ms",
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
        self._gaps_ms = [0] * GAPS
        self._observations = 0
        self.patience_ms = 0
        """How long a slow device may be silent before it is missed; 0 of one that is not slow, or not known to be."""
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

    @property
    def is_stream(self) -> bool:
        """Whether it was lately heard twice within a minute."""
        known = self._gaps_ms[: self._observations]
        return bool(known) and min(known) < STREAM_MS

    def note_pace(self, now_ms: int) -> bool:
        """An observation comes: how long was it silent? To be told before `last_received_ms` is brought up; True when
        it is held to another pace than before."""
        if self.last_received_ms != NEVER_MS:
            self._gaps_ms[self._observations % GAPS] = now_ms - self.last_received_ms
            self._observations += 1
        period_ms = min(self._gaps_ms)
        if period_ms <= SLOW_MS and self.patience_ms == 0:
            return False
        patience_ms = 0
        if period_ms > SLOW_MS:
            steps = -(-round(period_ms * PATIENCE) // PACE_STEP_MS)
            patience_ms = min(PATIENCE_MAX_MS, steps * PACE_STEP_MS)
        if patience_ms == self.patience_ms:
            return False
        self.patience_ms = patience_ms
        for channel in self.channels.values():
            channel.take_patience(patience_ms)
        return True

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
