"""What happens to a device's messages on their way: delay, cuts of the connection, loss, repeats, disorder, damage.

A pure function of message and instant (seeded), but for the queue of a device that has no connection: what it says then
is kept and comes in a burst when the connection is back, after its `online`; while it is away, the broker publishes its
last will. The same with and without a real broker, so that both see the same arrivals.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.devices import Device, Message
from simulators.plan import BrokerOutage, FaultKind, PlannedFault

_WILL_AFTER_MS = 22_000
"""One and a half times a keep-alive of 15 s."""
_BURST_GAP_MS = 15
"""Between two messages of a burst."""
_LATENCY_MS = (4, 60)
_STORE = 7_200
"""Messages that a device keeps: beyond it the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class Span:
    """An interval [from, to), milliseconds since 1970 UTC."""

    from_ms: int
    to_ms: int

    def shifted(self, by_ms: int) -> Span:
        """The same, so much later."""
        return Span(self.from_ms + by_ms, self.to_ms + by_ms)

    def holds(self, at_ms: int) -> bool:
        """Whether an instant lies in it."""
        return self.from_ms <= at_ms < self.to_ms


@dataclass(order=True, slots=True)
class Arrival:
    """A message at the broker."""

    at_ms: int
    n: int
    """Order among those that arrive at once."""
    message: Message = field(compare=False)
    device: Device | None = field(compare=False)


class Wire:
    """One device's way to the broker."""

    def __init__(
        self,
        device: Device,
        faults: tuple[PlannedFault, ...],
        outages: tuple[BrokerOutage, ...],
        start_ms: int,
        *,
        holds_outages: bool = True,
    ) -> None:
        """Lays the wire.

        Args:
            device: whose it is.
            faults: of this device.
            outages: when nobody reaches the broker.
            start_ms: start of the run, milliseconds since 1970 UTC.
            holds_outages: whether messages are kept here while nobody reaches the broker; not where a real one is gone
                and the connection keeps them.
        """
        self.device = device
        self._rng = random.Random(f"wire:{device.seed}")
        self._kinds = {
            kind: tuple((_span(fault, start_ms), fault.value) for fault in faults if fault.kind is kind)
            for kind in FaultKind
        }
        cut = [span for span, _ in self._kinds[FaultKind.DISCONNECT]]
        down = [Span(start_ms + round(o.at_s * 1000), start_ms + round((o.at_s + o.for_s) * 1000)) for o in outages]
        self.cuts = sorted(cut + down, key=lambda span: span.from_ms)
        """When the device does not reach the broker."""
        self._holding = self.cuts if holds_outages else sorted(cut, key=lambda span: span.from_ms)
        self._with_will = sorted(cut, key=lambda span: span.from_ms)
        self._kept: list[Message] = []
        self._latest_ms = 0
        self.lost: list[int] = []
        """Instants at which something was lost for good."""
        self.damaged: list[int] = []

    def take(self, at_ms: int, message: Message) -> Iterator[tuple[int, Message]]:
        """A message that the device says at `at_ms`: when it arrives, if it does, as often as it does."""
        if self._hit(FaultKind.LOSS, at_ms, always=True):
            self.lost.append(at_ms)
            return
        if any(cut.holds(at_ms) for cut in self._holding):
            self._kept.append(message)
            if len(self._kept) > _STORE:
                self._kept.pop(0)
                self.lost.append(at_ms)
            return
        arrives_ms = max(self._latest_ms, at_ms + self._rng.randint(*_LATENCY_MS))
        if self._hit(FaultKind.TRUNCATE, at_ms):
            self.damaged.append(at_ms)
            message = Message(topic=message.topic, payload=message.payload[: len(message.payload) // 2])
        if self._hit(FaultKind.REORDER, at_ms):
            yield arrives_ms + 1_100, message
            return
        self._latest_ms = arrives_ms
        yield arrives_ms, message
        if self._hit(FaultKind.DUPLICATES, at_ms):
            yield arrives_ms + 40, message

    def passes(self, from_ms: int, to_ms: int) -> Iterator[tuple[int, Message]]:
        """What comes of a cut that ends, or has lasted long enough for a last will, in (from, to]."""
        for cut in self._holding:
            will_ms = cut.from_ms + _WILL_AFTER_MS
            if cut in self._with_will and from_ms < will_ms <= to_ms and will_ms < cut.to_ms:
                yield will_ms, self.device.offline()
            if from_ms < cut.to_ms <= to_ms:
                yield from self._back(cut.to_ms)

    def shift(self, by_ms: int) -> None:
        """Moves everything that is laid down, and what has been."""
        self.cuts, self._holding, self._with_will = (
            [span.shifted(by_ms) for span in spans] for spans in (self.cuts, self._holding, self._with_will)
        )
        self._kinds = {
            kind: tuple((span.shifted(by_ms), share) for span, share in spans) for kind, spans in self._kinds.items()
        }
        self._latest_ms += by_ms
        self.lost = [at_ms + by_ms for at_ms in self.lost]
        self.damaged = [at_ms + by_ms for at_ms in self.damaged]

    def _back(self, at_ms: int) -> Iterator[tuple[int, Message]]:
        at_ms += self._rng.randint(200, 3000)
        yield at_ms, self.device.online(at_ms)
        for message in self._kept:
            at_ms += _BURST_GAP_MS
            yield at_ms, message
        self._kept = []
        self._latest_ms = at_ms + 1

    def _hit(self, kind: FaultKind, at_ms: int, *, always: bool = False) -> bool:
        return any(span.holds(at_ms) and (always or self._rng.random() < share) for span, share in self._kinds[kind])


class Arrivals:
    """What is on its way, in the order of arrival."""

    def __init__(self) -> None:
        self._queue: list[Arrival] = []
        self._n = 0

    def add(self, at_ms: int, message: Message, device: Device | None) -> None:
        """Something will arrive."""
        self._n += 1
        heapq.heappush(self._queue, Arrival(at_ms, self._n, message, device))

    def until(self, at_ms: int) -> Iterator[Arrival]:
        """What has arrived up to and including an instant."""
        while self._queue and self._queue[0].at_ms <= at_ms:
            yield heapq.heappop(self._queue)

    def shift(self, by_ms: int) -> None:
        """Moves everything that is on its way."""
        for arrival in self._queue:
            arrival.at_ms += by_ms


def _span(fault: PlannedFault, start_ms: int) -> Span:
    from_ms = start_ms + round(fault.at_s * 1000)
    return Span(from_ms, from_ms + round(fault.for_s * 1000))
