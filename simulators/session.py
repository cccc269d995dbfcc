"""A run of simulated devices against a broker: clock, connections, and the ward that speaks over them.

Up to `MAX_CONNECTIONS` devices each has a connection of its own, with its own last will, as real devices have. A larger
ward shares a few connections; a broker then cannot tell that one device has gone, no last will is left, and a notice
says so.

It deliberately never waits for the broker: a device that cannot send keeps what it has (`simulators.publisher`).
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from gateway.wire.topics import HEARTBEAT_TOPIC
from simulators.broker import BrokerUrl
from simulators.clock import SimulatedClock
from simulators.devices import Device, Message
from simulators.gateway_time import GatewayTime
from simulators.publisher import ConnectionOptions, MqttVersion, Publisher, PublisherCounts
from simulators.ward import Ward

MAX_CONNECTIONS = 384
"""More devices than this share `_POOL` connections; 64 beds with monitor, two pumps, scale and urometer fit."""
_POOL = 8
_CAPACITY = 7_200
"""Messages a device keeps while the broker is away: two hours of a monitor."""
_SLOT_MS = 10
"""Real milliseconds by which a message may be late, so that the ward wakes a hundred times a second at most."""
_HEARTBEAT_WAIT_S = 5.0
"""How long to wait for the gateway's clock when time is to run faster."""
_HEARTBEAT_GRACE_S = 1.5
"""The same at speed 1, where the system's clock will do."""

Notice = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How a run is connected."""

    broker: BrokerUrl
    version: MqttVersion = MqttVersion.V5
    client_prefix: str
    """Begins every MQTT client id of this run; two runs at one broker need two."""
    device_connections: bool | None = None
    """A connection and last will per device; None: if there are at most `MAX_CONNECTIONS` devices."""


class Session:
    """The connections of one run, and what is known of the gateway's time."""

    def __init__(
        self, options: SessionOptions, clock: SimulatedClock, notice: Notice, tasks: asyncio.TaskGroup
    ) -> None:
        """Connects at once, in the background.

        Args:
            options: where to and how.
            clock: the one clock of the run.
            notice: told what a person should know.
            tasks: holds the connections; they end with `close`.
        """
        self.clock = clock
        self.gateway_time = GatewayTime(clock, notice=notice)
        self._options = options
        self._notice = notice
        self._senders: list[Publisher] = []
        self._tasks = tasks
        # The listener alone speaks of lost connections: when the broker goes, everybody loses it at once.
        self._listener = Publisher(
            self._connection("clock", options.version), listen={HEARTBEAT_TOPIC: self.gateway_time.hear}, notice=notice
        )
        tasks.create_task(self._listener.run())

    @property
    def counts(self) -> PublisherCounts:
        """What has become of all messages so far."""
        return reduce(operator.add, (sender.counts for sender in self._senders), PublisherCounts())

    @property
    def connected(self) -> int:
        """Connections of devices that stand."""
        return sum(sender.is_connected for sender in self._senders)

    async def agree_on_time(self) -> bool:
        """Waits a while for the gateway's clock; False when none was heard and our own goes on."""
        wait_s = _HEARTBEAT_GRACE_S if self.clock.speed == 1.0 else _HEARTBEAT_WAIT_S
        heard = await self.gateway_time.first(wait_s)
        if not heard and self.clock.speed != 1.0:
            self._notice(
                f"no heartbeat of a gateway within {wait_s:g} s: going on with a clock of our own at speed "
                f"{self.clock.speed:g}; a gateway at another speed or time will find these clocks wrong"
            )
        return heard

    def connect_devices(self, devices: Sequence[Device]) -> Callable[[Device, Message], None]:
        """Opens the connections for some devices; returns what publishes a message of one of them."""
        own = self._options.device_connections
        if own is None:
            own = len(devices) <= MAX_CONNECTIONS
        if not own:
            self._notice(f"{len(devices)} devices share connections: no last wills are left with the broker")
        senders: dict[int, Publisher] = {}
        step = len(devices) if own else min(_POOL, len(devices))
        for group in (devices[n::step] for n in range(step)):
            senders |= dict.fromkeys(map(id, group), self._sender_for(group, has_will=own))
        return lambda device, message: senders[id(device)].publish(message)

    def plain_sender(self, window: int, name: str = "sender") -> Publisher:
        """A connection for messages of any topic, without birth or last will."""
        return self._started(Publisher(self._connection(name, self._listener.version, window=window)))

    def listen(self, topics: Mapping[str, Callable[[bytes], None]]) -> None:
        """Hears what is published on some topics."""
        self._started(Publisher(self._connection("ear", self._listener.version), listen=topics))

    async def close(self, within_s: float = 3.0) -> None:
        """Sends what is left for at most `within_s`, says goodbye, and ends every connection."""
        await asyncio.gather(*(publisher.close(within_s) for publisher in (*self._senders, self._listener)))

    def _sender_for(self, group: Sequence[Device], *, has_will: bool) -> Publisher:
        place = group[0].place
        name = f"{place.unit}-{place.bed}-{place.device}" if has_will else f"pool-{len(self._senders)}"
        return self._started(
            Publisher(
                # The listener connected first and without a last will: it knows by now what the broker understands.
                self._connection(
                    name,
                    self._listener.version,
                    will=group[0].offline() if has_will else None,
                    capacity=_CAPACITY * len(group),
                ),
                birth=lambda: [device.online(self.clock.now_ms()) for device in group],
                farewell=lambda: [device.offline(self.clock.now_ms()) for device in group],
            )
        )

    def _started(self, sender: Publisher) -> Publisher:
        self._senders.append(sender)
        self._tasks.create_task(sender.run())
        return sender

    def _connection(
        self,
        name: str,
        version: MqttVersion,
        *,
        will: Message | None = None,
        window: int = 100,
        capacity: int = _CAPACITY,
    ) -> ConnectionOptions:
        return ConnectionOptions(
            broker=self._options.broker,
            client_id=f"{self._options.client_prefix}-{name}",
            version=version,
            will=will,
            window=window,
            capacity=capacity,
        )


async def play_ward(session: Session, ward: Ward, *, until_ms: int | None, progress: Callable[[], None]) -> None:
    """Lets the ward speak until simulated time `until_ms`, or for ever.

    Args:
        session: whose clock and connections are used.
        ward: set up with the session's clock.
        until_ms: simulated time, milliseconds since 1970 UTC.
        progress: called now and then.
    """
    publish = session.connect_devices(ward.devices)
    end = _End(until_ms)

    def shift(by_ms: int) -> None:
        ward.shift(by_ms)
        end.shift(by_ms)

    session.gateway_time.on_step = shift
    while not end.is_reached(ward.next_due_ms):
        await session.clock.sleep_until_ms(ward.next_due_ms + round(_SLOT_MS * session.clock.speed))
        for device, message in ward.due(end.cut(session.clock.now_ms())):
            publish(device, message)
        progress()
    if end.at_ms is not None:
        await session.clock.sleep_until_ms(end.at_ms)


@dataclass(slots=True)
class _End:
    """When a run is over, in simulated time; moves along when the clock is set."""

    at_ms: int | None

    def shift(self, by_ms: int) -> None:
        if self.at_ms is not None:
            self.at_ms += by_ms

    def is_reached(self, now_ms: int) -> bool:
        return self.at_ms is not None and now_ms >= self.at_ms

    def cut(self, now_ms: int) -> int:
        """The instant itself, or the last one before the end."""
        return now_ms if self.at_ms is None else min(now_ms, self.at_ms - 1)
