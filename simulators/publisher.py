"""A connection to the broker that keeps what it has not been told is safe: the only door to the MQTT library in here.

Invariants:
  - A message leaves the queue only when the broker has acknowledged it (QoS 1). After a lost connection everything that
    was not acknowledged is sent again, in order, with the same bytes: same boot, same seq.
  - Messages of one publisher go out in the order in which they were given.
  - It reconnects for ever, with a delay that grows to `_LONGEST_DELAY_S`.
  - Its memory is bounded: beyond `capacity` the oldest message is dropped and counted, as a device with a finite store
    would; the gap in `seq` then shows it.

On every connection the `birth` messages (a device's retained `online`) are sent before anything else; the last will is
left with the broker at connecting.

It deliberately does not use the library's own resending (which reorders and may send twice, reliability notes 1.4):
each connection attempt gets a client of its own, and what is in flight is known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.broker import BrokerUrl
from simulators.devices import Message

_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 5.0
_CONNECT_TIMEOUT_S = 10.0
_KEEPALIVE_S = 15
_GOODBYE_TIMEOUT_S = 2.0
_NO_MATCHING_SUBSCRIBERS = 0x10
_UNSUPPORTED_PROTOCOL = 0x84
_UNANSWERED_MAX = 2
_FIRST_FAILURE_CODE = 0x80

Messages = Callable[[], Sequence[Message]]
Notice = Callable[[str], None]
"""Says something to the person at the terminal."""


class MqttVersion(StrEnum):
    """Which MQTT the broker is spoken to in."""

    V5 = "5"
    V311 = "3.1.1"


_PAHO_VERSION = {MqttVersion.V5: paho.MQTTv5, MqttVersion.V311: paho.MQTTv311}


class ConnectionFailedError(Exception):
    """The broker could not be reached, refused us, or went away."""

    def __init__(self, reason: str, *, is_unsupported_version: bool = False, is_unanswered: bool = False) -> None:
        super().__init__(reason)
        self.is_unsupported_version = is_unsupported_version
        """It said that it does not know our version of MQTT."""
        self.is_unanswered = is_unanswered
        """It took the connection and said nothing, as a broker may do with a last will in an MQTT it does not know."""


@dataclass(slots=True)
class PublisherCounts:
    """What has become of the messages given so far."""

    offered: int = 0
    """Given to `publish`, farewells included; births are not counted."""
    acknowledged: int = 0
    resent: int = 0
    """Sent again after a lost connection."""
    refused: int = 0
    """Acknowledged with a failure code: the broker did not take them."""
    overflowed: int = 0
    """Dropped unsent because the store was full."""
    unheard: int = 0
    """Acknowledged with `no matching subscribers`: nobody will ever get them (MQTT 5 only)."""
    connections: int = 0

    @property
    def outstanding(self) -> int:
        """Not yet settled one way or the other."""
        return self.offered - self.acknowledged - self.refused - self.overflowed

    def __add__(self, other: PublisherCounts) -> PublisherCounts:
        return PublisherCounts(
            **{name: getattr(self, name) + getattr(other, name) for name in PublisherCounts.__dataclass_fields__}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How to reach the broker and what to leave with it."""

    broker: BrokerUrl
    client_id: str
    version: MqttVersion = MqttVersion.V5
    will: Message | None = None
    window: int = 100
    """Messages in flight at most; the broker's Receive Maximum, if smaller, wins."""
    capacity: int = 7_200
    """Messages kept at most while the broker is away: two hours of a monitor."""


class Publisher:
    """Publishes with QoS 1 for as long as `run` runs."""

    def __init__(
        self,
        options: ConnectionOptions,
        *,
        birth: Messages = lambda: (),
        farewell: Messages = lambda: (),
        listen: Mapping[str, Callable[[bytes], None]] | None = None,
        notice: Notice = lambda _: None,
    ) -> None:
        """Takes messages from now on; connects when `run` is started.

        Args:
            options: where to and how.
            birth: makes the messages that go first on every connection (a device's `online`).
            farewell: makes the messages that go last, before an orderly end (its `offline`).
            listen: topics to subscribe to (QoS 0) and what to call with each payload.
            notice: told of lost and regained connections.
        """
        self.counts = PublisherCounts()
        self._options = options
        self._version = options.version
        self._birth = birth
        self._farewell = farewell
        self._listen = dict(listen or {})
        self._notice = notice
        self._waiting: deque[Message] = deque()
        self._in_flight: dict[int, Message] = {}
        self._sent_before = 0
        """How many of the first that wait were in flight when a connection was lost."""
        self._births: set[int] = set()
        self._link: _Link | None = None
        self._window = options.window
        self._settled = asyncio.Event()
        self._closing = asyncio.Event()

    @property
    def version(self) -> MqttVersion:
        """The MQTT version in use: the one asked for, or 3.1.1 once the broker has turned out not to know 5."""
        return self._version

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us and the connection is not known to be lost."""
        return self._link is not None

    def publish(self, message: Message) -> None:
        """Takes a message; never waits. It goes out at once if there is a connection with room."""
        self.counts.offered += 1
        if len(self._waiting) >= self._options.capacity:
            self._next_waiting()
            self.counts.overflowed += 1
        self._waiting.append(message)
        self._send_waiting()

    async def has_room(self) -> None:
        """Returns when fewer messages than the window are unsettled: for senders that must not outrun the broker."""
        while len(self._waiting) + len(self._in_flight) >= self._window:
            await self._next_settled()

    async def flush(self) -> None:
        """Returns when every message given so far is settled."""
        while self._waiting or self._in_flight:
            await self._next_settled()

    async def run(self) -> None:
        """Connects, sends, reconnects, until `close`."""
        delay_s, complained, unanswered = _FIRST_DELAY_S, False, 0
        while not self._closing.is_set():
            try:
                link = await self._connect()
            except ConnectionFailedError as failure:
                unanswered = unanswered + 1 if failure.is_unanswered else 0
                if self._falls_back(failure, unanswered):
                    continue
                if not complained:
                    self._notice(f"no connection to {self._options.broker}: {failure}; trying on")
                complained = True
                await self._closing_within(delay_s)
                delay_s = min(_LONGEST_DELAY_S, delay_s * 2.0)
                continue
            if complained:
                self._notice(f"connected to {self._options.broker}")
            delay_s, complained, unanswered = _FIRST_DELAY_S, False, 0
            await self._serve(link)

    async def close(self, within_s: float = 3.0) -> None:
        """Sends what is left and the farewell, for at most `within_s`, then disconnects: no last will is published."""
        for message in self._farewell():
            self.publish(message)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), within_s)
        self._closing.set()

    async def _connect(self) -> _Link:
        link = _Link(self._options, self._version, on_acknowledged=self._acknowledge, listen=self._listen)
        receive_maximum = await link.open()
        self._window = min(self._options.window, receive_maximum or self._options.window)
        return link

    def _falls_back(self, failure: ConnectionFailedError, unanswered: int) -> bool:
        """Goes on with MQTT 3.1.1 when the broker does not know 5, or has twice not answered it."""
        if self._version is MqttVersion.V311 or not (failure.is_unsupported_version or unanswered >= _UNANSWERED_MAX):
            return False
        self._notice("the broker knows no MQTT 5: going on with 3.1.1")
        self._version = MqttVersion.V311
        return True

    async def _serve(self, link: _Link) -> None:
        """Sends over one connection until it is lost or we are closing."""
        self._link = link
        self.counts.connections += 1
        for topic in self._listen:
            link.subscribe(topic)
        self._births = {link.publish(message) for message in self._birth()}
        self._send_waiting()
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((closing, link.lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
            self._link = None
            self._take_back()
            await link.close()
        if not self._closing.is_set():
            self._notice(f"connection to {self._options.broker} lost: {link.reason}")

    def _take_back(self) -> None:
        """What was in flight waits again, before what waited."""
        self._sent_before += len(self._in_flight)
        self._waiting.extendleft(reversed(self._in_flight.values()))
        self._in_flight.clear()
        self._births.clear()

    def _send_waiting(self) -> None:
        if self._link is None:
            return
        while self._waiting and len(self._in_flight) < self._window:
            message, is_again = self._next_waiting()
            self.counts.resent += is_again
            self._in_flight[self._link.publish(message)] = message

    def _next_waiting(self) -> tuple[Message, bool]:
        """Takes the first that waits, and whether it has been sent before."""
        is_again = self._sent_before > 0
        self._sent_before -= is_again
        return self._waiting.popleft(), is_again

    def _acknowledge(self, packet_id: int, reason: int) -> None:
        if packet_id in self._births:
            self._births.discard(packet_id)
        elif self._in_flight.pop(packet_id, None) is not None:
            self._count(reason)
            self._settled.set()
            self._send_waiting()

    def _count(self, reason: int) -> None:
        if reason >= _FIRST_FAILURE_CODE:
            self.counts.refused += 1
            return
        self.counts.acknowledged += 1
        if reason == _NO_MATCHING_SUBSCRIBERS:
            self.counts.unheard += 1

    async def _next_settled(self) -> None:
        self._settled.clear()
        await self._settled.wait()

    async def _closing_within(self, delay_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), delay_s)


class _Link:
    """One connection attempt and, if it succeeds, one connection, on the running event loop."""

    def __init__(
        self,
        options: ConnectionOptions,
        version: MqttVersion,
        *,
        on_acknowledged: Callable[[int, int], None],
        listen: Mapping[str, Callable[[bytes], None]],
    ) -> None:
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[int | None] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.reason = "closed"
        self._on_acknowledged = on_acknowledged
        self._listen = listen
        self._clockwork: asyncio.TimerHandle | None = None
        self._is_writing = False
        self._client = self._new_client(version)

    async def open(self) -> int | None:
        """Connects; returns the broker's Receive Maximum, if it names one.

        Raises:
            ConnectionFailedError: unreachable, refused or timed out.
        """
        broker = self._options.broker
        try:
            # The library's connect blocks, so it runs beside the loop, before any callback of ours on sockets is set.
            await asyncio.to_thread(self._client.connect, broker.host, broker.port, _KEEPALIVE_S)
        except OSError as error:
            raise ConnectionFailedError(str(error)) from None
        self._attach()
        try:
            return await asyncio.wait_for(self._accepted, _CONNECT_TIMEOUT_S)
        except TimeoutError:
            await self.close()
            raise ConnectionFailedError(f"no answer within {_CONNECT_TIMEOUT_S:g} s", is_unanswered=True) from None
        except (ConnectionFailedError, asyncio.CancelledError):
            await self.close()
            raise

    def publish(self, message: Message) -> int:
        """Hands a message to the socket; returns its packet id."""
        packet_id = int(self._client.publish(message.topic, message.payload, qos=1, retain=message.retain).mid)
        self._write_later_if_needed()
        return packet_id

    def subscribe(self, topic: str) -> None:
        """Asks for a topic with QoS 0."""
        self._client.subscribe(topic, qos=0)
        self._write_later_if_needed()

    async def close(self) -> None:
        """Disconnects in an orderly way if the connection still stands; always frees socket and timers."""
        if not self.lost.done():
            self._client.disconnect()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self.lost), _GOODBYE_TIMEOUT_S)
        self._lose("closed")
        if (connection := self._client.socket()) is not None:
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
            connection.close()

    def _new_client(self, version: MqttVersion) -> paho.Client:
        options = self._options
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            protocol=_PAHO_VERSION[version],
            clean_session=None if version is MqttVersion.V5 else True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = 5.0
        client.max_inflight_messages_set(0)  # 0 is no limit: the window is kept by the publisher
        if options.will is not None:
            client.will_set(options.will.topic, options.will.payload, qos=1, retain=options.will.retain)
        if options.broker.username is not None:
            client.username_pw_set(options.broker.username, options.broker.password)
        if options.broker.tls:
            client.tls_set()
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _attach(self) -> None:
        """Lets the event loop drive the connected socket from here on."""
        connection = self._client.socket()
        if connection is None:
            raise ConnectionFailedError("the connection ended as it was made")
        if isinstance(connection, socket.socket):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._descriptor = connection.fileno()
        self._client.on_socket_close = self._on_socket_close
        self._loop.add_reader(self._descriptor, self._read)
        self._write_later_if_needed()
        self._tick()

    def _read(self) -> None:
        try:
            self._client.loop_read()
            while (pending := getattr(self._client.socket(), "pending", None)) is not None and pending() > 0:
                self._client.loop_read()  # bytes that TLS has already decrypted wake no selector
        except Exception as error:  # noqa: BLE001 - not swallowed: a broken stream is a lost connection, with its reason
            self._lose(f"{type(error).__name__}: {error}")
        self._write_later_if_needed()

    def _write_later_if_needed(self) -> None:
        """The library writes at once where it may; what it may not or the socket does not take, the loop writes."""
        if not self._is_writing and self._client.want_write() and self._client.socket() is not None:
            self._is_writing = True
            self._loop.add_writer(self._descriptor, self._write)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001 - as above
            self._lose(f"{type(error).__name__}: {error}")
        if self._is_writing and not self._client.want_write():
            self._is_writing = False
            self._loop.remove_writer(self._descriptor)

    def _tick(self) -> None:
        """Keep-alive, once a second."""
        if not self.lost.done():
            self._client.loop_misc()
            self._write_later_if_needed()
            self._clockwork = self._loop.call_later(1.0, self._tick)

    def _on_connect(
        self,
        _client: paho.Client,
        _: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._accepted.done():
            return
        if reason.is_failure:
            is_unsupported = reason.value in {_UNSUPPORTED_PROTOCOL, 1}
            failure = ConnectionFailedError(f"refused: {reason}", is_unsupported_version=is_unsupported)
            self._accepted.set_exception(failure)
        else:
            self._accepted.set_result(getattr(properties, "ReceiveMaximum", None))

    def _on_disconnect(
        self,
        _client: paho.Client,
        _: object,
        _flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._lose(str(reason))

    def _on_publish(
        self, _client: paho.Client, _: object, packet_id: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        self._on_acknowledged(packet_id, int(reason.value))

    def _on_message(self, _client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        if (call := self._listen.get(message.topic)) is not None:
            call(bytes(message.payload))

    def _on_socket_close(self, _client: paho.Client, _: object, _connection: object) -> None:
        self._is_writing = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)

    def _lose(self, reason: str) -> None:
        if self._clockwork is not None:
            self._clockwork.cancel()
        if not self._accepted.done():
            self._accepted.set_exception(ConnectionFailedError(reason, is_unanswered=True))
        if not self.lost.done():
            self.reason = reason
            self.lost.set_result(None)
