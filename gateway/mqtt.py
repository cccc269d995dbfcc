"""The door to MQTT: the only module that knows aiomqtt, and the paho client inside it.

Invariants
- PUBACK is sent only by `acknowledge`, which the pipeline calls after the journal's commit: in order of arrival, and
  on the connection on which the messages came, from its first moment. Packet ids belong to a connection; what was
  received on an earlier one is journaled like anything else, and redelivered by the broker (if it still can).
- Nothing is dropped for want of room: the inbox is unbounded here and bounded by the broker, which sends no more than
  `receive_maximum` messages that are not acknowledged.
- The session is persistent (fixed client id, clean start off), so that what arrives while we are away waits for us.
- The connection is tried again for ever, with back-off and jitter.

What it does not do: decode, decide, or keep anything.

aiomqtt 2.5.1 acknowledges a message when it is queued and takes one task per message from its queue; both are wrong for
us (docs/decisions/0007). So PUBLISH packets are taken out of the stream before its client sees them
(`gateway.mqtt_stream`), and PUBACKs are queued with it in one piece. These are the only uses of private names, and the
version is pinned.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from struct import Struct
from urllib.parse import urlsplit

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.mqtt_stream import PublishSplitter
from gateway.wire.topics import SUBSCRIPTION

log = logging.getLogger("vigil.mqtt")

SESSION_EXPIRY_S = 0xFFFFFFFF
"""Never: an absent gateway's messages wait as long as the broker can keep them."""
BACKOFF_FIRST_S = 0.2
PENDING_CALLS_WARNED = 1_000
"""The library warns beyond ten, which the permits of twelve beds are at each renewal: they go out together."""
BACKOFF_MAX_S = 2.0
"""While a broker is back and the gateway is not, nobody hears a bed: one connection in two seconds is a small price."""
CONNECT_TIMEOUT_S = 3.0
"""For the TCP connection. It is made in a thread that cannot be interrupted, and an end of the gateway waits for it."""
ANSWER_TIMEOUT_S = 10.0
"""For the broker's answers."""
KEEPALIVE_S = 10
"""A broker that is silent with its connection open is found out within twice this: before the silence of its devices
becomes their alarm."""
PUBACK = Struct("!BBH")
PUBACK_TYPE = 0x40


@dataclass(slots=True)
class Delivery:
    """One received message, not yet acknowledged."""

    topic: str
    payload: bytes
    packet_id: int
    qos: int
    epoch: int
    """The connection it came on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is and how to speak to it."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    protocol: str = "5"
    """`5` or `3.1.1`"""


def parse_broker_url(url: str) -> tuple[str, int, bool]:
    """Host, port and whether TLS is wanted, of `mqtt://host:port` or `mqtts://host:port`.

    Raises:
        ValueError: It is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise ValueError(f"broker address {url!r} must look like mqtt://127.0.0.1:1883 or mqtts://broker:8883")
    is_tls = parts.scheme == "mqtts"
    return parts.hostname, parts.port or (8883 if is_tls else 1883), is_tls


class MqttDoor:
    """The connection to the broker. One per gateway; `run` in a task of its own."""

    def __init__(self, address: BrokerAddress, *, client_id: str, receive_maximum: int) -> None:
        self._address = address
        self._client_id = client_id
        self._receive_maximum = receive_maximum
        self._client: aiomqtt.Client | None = None
        self._jitter = random.Random()
        self.inbox: deque[Delivery] = deque()
        """Messages in order of arrival, to be taken by the pipeline."""
        self.arrived = asyncio.Event()
        """Set when the inbox has grown."""
        self.epoch = 0
        """Number of the present connection."""
        self.is_connected = False
        self.connections = 0
        self.last_error = ""
        self.on_link: Callable[[bool], None] = lambda _: None
        """Told when the connection comes (True) and goes (False), or turns out not to be there in the first place."""
        self._told_link: bool | None = None

    async def run(self) -> None:
        """Connect, subscribe, and stay so, for ever."""
        failures = 0
        while True:
            client = self._client = self._new_client()
            try:
                async with client:
                    _end_if_cancelled()
                    await self._subscribe(client)
                    _end_if_cancelled()
                    failures = 0
                    self._came()
                    await self._until_disconnected(client)
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                self.last_error = str(error) or type(error).__name__
            finally:
                self._went(client)
            failures += 1
            delay_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(failures - 1, 10))
            delay_s *= 0.5 + self._jitter.random() / 2
            log.warning("broker lost or not reached (%s); next try in %.1f s", self.last_error, delay_s)
            await asyncio.sleep(delay_s)

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Send PUBACK for messages that are durable, in their order; those of an earlier connection are passed over.

        All at once: paho's own `ack` queues and registers a write for each, which costs more than receiving it.
        """
        client, epoch = self._client, self.epoch
        if client is None:
            return
        ids = [delivery.packet_id for delivery in deliveries if delivery.qos and delivery.epoch == epoch]
        if ids:
            packets = b"".join([PUBACK.pack(PUBACK_TYPE, 2, packet_id) for packet_id in ids])
            client._client._packet_queue(PUBACK_TYPE, packets, 0, 0)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, expiry_s: int | None = None
    ) -> bool:
        """Publish; False when there is no connection or it broke.

        Args:
            topic: Where to.
            payload: What.
            qos: 0 or 1.
            retain: Whether the broker keeps it for those who come later.
            expiry_s: After so long the broker forgets it; without MQTT 5 it does not.
        """
        client = self._client
        if client is None or not self.is_connected:
            return False
        properties = None
        if expiry_s is not None and self._address.protocol == "5":
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expiry_s
        try:
            await client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        except aiomqtt.MqttError:
            return False
        finally:
            _end_if_cancelled()
        return True

    def _new_client(self) -> aiomqtt.Client:
        address, is_v5 = self._address, self._address.protocol == "5"
        properties = None
        if is_v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            properties.ReceiveMaximum = self._receive_maximum
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=self._client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if is_v5 else aiomqtt.ProtocolVersion.V311,
            clean_start=False if is_v5 else MQTT_CLEAN_START_FIRST_ONLY,  # the library allows 3.1.1 no other value
            clean_session=None if is_v5 else False,
            properties=properties,
            tls_context=address.tls,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_TIMEOUT_S,
        )
        client.pending_calls_threshold = PENDING_CALLS_WARNED
        paho = client._client
        paho.manual_ack_set(True)
        paho.connect_timeout = CONNECT_TIMEOUT_S
        self.epoch += 1
        deliver = partial(self._deliver, self.epoch)
        create = paho._create_socket

        def create_splitter() -> PublishSplitter:
            sock = create()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[attr-defined]
            return PublishSplitter(sock, deliver, has_properties=is_v5)

        paho._create_socket = create_splitter  # type: ignore[method-assign]
        return client

    def _deliver(self, epoch: int, topic: str, payload: bytes, packet_id: int, qos: int) -> None:
        self.inbox.append(Delivery(topic, payload, packet_id, qos, epoch))
        self.arrived.set()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        if self._address.protocol == "5":
            options = SubscribeOptions(qos=1, noLocal=True, retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
            codes = await client.subscribe(SUBSCRIPTION, options=options)
        else:
            codes = await client.subscribe(SUBSCRIPTION, qos=1)
        if any(getattr(code, "value", code) >= 0x80 for code in codes):
            raise aiomqtt.MqttError(f"the broker refused the subscription to {SUBSCRIPTION}: check its access list")

    def _came(self) -> None:
        self.is_connected = True
        self.connections += 1
        self.last_error = ""
        log.info("connected to the broker at %s:%d", self._address.host, self._address.port)
        self._tell_link(is_up=True)

    def _went(self, client: aiomqtt.Client) -> None:
        client._client._sock_close()  # aiomqtt leaves it open, and read from, where the broker did not answer
        self._client = None
        self.is_connected = False
        self._tell_link(is_up=False)

    def _tell_link(self, *, is_up: bool) -> None:
        if is_up is not self._told_link:
            self._told_link = is_up
            self.on_link(is_up)

    @staticmethod
    async def _until_disconnected(client: aiomqtt.Client) -> None:
        """Until the connection ends; raises what ended it.

        Raises:
            aiomqtt.MqttError: The connection was lost.
            ConnectionError: The broker sent something that the library could not read.
        """
        try:
            await asyncio.shield(client._disconnected)
        except (aiomqtt.MqttError, OSError):
            raise
        except Exception as error:
            raise ConnectionError(f"the broker broke the protocol ({type(error).__name__}: {error})") from error


async def listen(address: BrokerAddress, topic: str) -> AsyncIterator[bytes]:
    """What is published on a topic from now on, heard as a passer-by: no session, nothing acknowledged.

    Raises:
        ConnectionError: The broker is not reached, refuses, or was lost.
    """
    is_v5 = address.protocol == "5"
    client = aiomqtt.Client(
        address.host,
        address.port,
        username=address.username,
        password=address.password,
        protocol=aiomqtt.ProtocolVersion.V5 if is_v5 else aiomqtt.ProtocolVersion.V311,
        tls_context=address.tls,
        keepalive=KEEPALIVE_S,
        timeout=CONNECT_TIMEOUT_S,
    )
    try:
        async with client:
            await client.subscribe(topic, qos=0)
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    yield message.payload
    except (aiomqtt.MqttError, OSError) as error:
        raise ConnectionError(f"{address.host}:{address.port}: {error}") from error


def _end_if_cancelled() -> None:
    """Take up a cancellation that was forgotten.

    aiomqtt waits with `asyncio.wait_for`, which in Python 3.11 passes over a cancellation that comes in the moment in
    which what it waits for is done. A task that goes on then never ends, and neither does the process.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
