"""What every simulated device is: a place in a topic, a clock of its own, a boot id, a sequence number, a status.

Invariants:
  - `seq` goes up by one with every `obs` and `event` of a device, and both share it; `status` carries none.
  - The boot id belongs to this start of the device: another start instant gives another one.
  - With the same seed and the same start a device says the same bytes.
  - A device knows nothing of brokers, of loops or of the machine's clock: it is stepped.

It deliberately does not decide when it is stepped: `simulators.ward` does.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import orjson

from gateway.wire.topics import Channel
from simulators.device_time import ClockStep, DeviceTime
from streaming.instants import format_ms

MAX_CLOCK_OFFSET_MS = 3_000
"""A clock is off by at most this much unless told otherwise (real monitors: -8.4 to +17.6 s, field notes 0)."""

JsonScalar = float | int | str | None
Metrics = dict[str, JsonScalar | dict[str, JsonScalar]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Bytes for a topic, to be published with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a device stands and what it is called there."""

    unit: str
    bed: str
    device: str

    def topic(self, channel: Channel) -> str:
        """`icu/v1/{unit}/{bed}/{device}/{channel}`."""
        return f"icu/v1/{self.unit}/{self.bed}/{self.device}/{channel}"


class Device(ABC):
    """A device that has something to say at `next_due_ms`, and says it when stepped."""

    kind: str
    """As in `status`: monitor, pump, scale, urometer, …"""
    model: str

    def __init__(self, place: Place, *, seed: str, start_ms: int, clock_offset_ms: int | None = None) -> None:
        """Switches the device on.

        Args:
            place: its place in the topic.
            seed: what makes it differ from the next; one seed, one behaviour.
            start_ms: true time at which it is switched on, milliseconds since 1970 UTC.
            clock_offset_ms: its clock minus true time; drawn from ±`MAX_CLOCK_OFFSET_MS` when None.
        """
        self.place = place
        self.seed = f"{seed}:{place.bed}:{place.device}"
        rng = random.Random(f"device:{self.seed}")
        drawn = rng.randint(-MAX_CLOCK_OFFSET_MS, MAX_CLOCK_OFFSET_MS)
        self.clock_offset_ms = drawn if clock_offset_ms is None else clock_offset_ms
        self.boot = blake2b(f"{self.seed}:{start_ms}".encode(), digest_size=4).hexdigest()
        self.start_ms = start_ms
        self.next_due_ms = start_ms + rng.randrange(1000)
        self._seq = 0
        self._time = DeviceTime(offset_ms=self.clock_offset_ms, since_ms=start_ms)

    def step(self) -> list[Message]:
        """What the device says at `next_due_ms`, which then moves on."""
        at_ms = self.next_due_ms
        messages = self._speak(at_ms)
        self.next_due_ms = self._due_after(at_ms)
        return messages

    def online(self, at_ms: int) -> Message:
        """The retained status a device publishes when it has connected."""
        return self._status("online", at_ms)

    def offline(self, at_ms: int | None = None) -> Message:
        """The retained status it leaves behind: as last will (without time), or said when switched off."""
        return self._status("offline", at_ms)

    def shift(self, by_ms: int) -> None:
        """Moves the device's time line when the one simulated clock has been set: it neither hurries nor waits."""
        self.start_ms += by_ms
        self.next_due_ms += by_ms
        steps = tuple(ClockStep(at_ms=step.at_ms + by_ms, by_ms=step.by_ms) for step in self._time.steps)
        self._time = replace(self._time, since_ms=self._time.since_ms + by_ms, steps=steps)

    @property
    def time(self) -> DeviceTime:
        """The device's own clock."""
        return self._time

    def set_clock(self, time: DeviceTime) -> None:
        """Gives it another clock: one that drifts, is set, or rolls over."""
        self._time = time

    def restart(self, at_ms: int) -> None:
        """Switched off and on again: a new boot id, numbers from 0."""
        self.boot = blake2b(f"{self.seed}:{at_ms}".encode(), digest_size=4).hexdigest()
        self._seq = 0

    @abstractmethod
    def _speak(self, at_ms: int) -> list[Message]:
        """The messages of one step."""

    @abstractmethod
    def _due_after(self, at_ms: int) -> int:
        """True time of the step after the one at `at_ms`."""

    def _since_start_s(self, at_ms: int) -> float:
        return (at_ms - self.start_ms) / 1000.0

    def _own_time(self, at_ms: int) -> str:
        """What the device's own clock shows."""
        return format_ms(self._time.shown_ms(at_ms))

    def _obs(self, at_ms: int, metrics: Metrics) -> Message:
        return self._numbered(Channel.OBS, {"time": self._own_time(at_ms), "metrics": metrics})

    def _event(self, at_ms: int, event: str, phase: str, **more: JsonScalar | dict[str, JsonScalar]) -> Message:
        return self._numbered(Channel.EVENT, {"time": self._own_time(at_ms), "event": event, "phase": phase, **more})

    def _numbered(self, channel: Channel, body: Mapping[str, object]) -> Message:
        payload = encode({"boot": self.boot, "seq": self._seq, **body})
        self._seq += 1
        return Message(topic=self.place.topic(channel), payload=payload)

    def _status(self, state: str, at_ms: int | None) -> Message:
        body: dict[str, object] = {"state": state, "kind": self.kind, "model": self.model, "boot": self.boot}
        if at_ms is not None:
            body["time"] = self._own_time(at_ms)
        return Message(topic=self.place.topic(Channel.STATUS), payload=encode(body), retain=True)


def encode(body: Mapping[str, object]) -> bytes:
    """Compact JSON in UTF-8."""
    return orjson.dumps(body)
