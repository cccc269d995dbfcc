"""A small MQTT client of the tests' own: it says exactly what it sent and which packet was acknowledged.

It is independent of the libraries that the product uses, so that the two cannot be wrong together. MQTT 3.1.1, blocking
sockets, one connection; QoS 0 and 1, retained messages, last will, an end without goodbye.

`SteadyPublisher` is a thread that sends a telemetry at its rate over one connection at a time and, as a good device
does, connects again when it is lost and sends what was not acknowledged again, in order, with the same bytes.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

TIMEOUT_S = 30.0
_RECONNECT_S = 0.05
_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 0x20, 0x30, 0x40, 0x90


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker is to publish when the connection ends without goodbye."""

    topic: str
    payload: bytes
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """Over TLS, with a name."""

    trust: ssl.SSLContext
    user: str
    password: str


class MqttClient:
    """One connection. Everything blocks, for `TIMEOUT_S` at most."""

    def __init__(
        self,
        port: int,
        client_id: str,
        *,
        will: Will | None = None,
        clean: bool = True,
        login: Login | None = None,
    ) -> None:
        self.acknowledged: set[int] = set()
        """Packet ids for which PUBACK has come."""
        self._next_id = 0
        self._buffer = b""
        self._received: deque[tuple[str, bytes]] = deque()
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if login is not None:
            self._socket = login.trust.wrap_socket(self._socket, server_hostname="127.0.0.1")
        try:
            self._socket.sendall(_connect_packet(client_id, will, login, clean=clean))
            self._check_welcome(self._next_packet())
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> MqttClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def send(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, duplicate: bool = False) -> int:
        """Publishes; returns the packet id, 0 for QoS 0. Does not wait for the acknowledgement."""
        packet_id = 0
        if qos:
            packet_id = self._next_id = self._next_id % 65_535 + 1
        self._socket.sendall(publish_packet(topic, payload, qos, packet_id, retain=retain, duplicate=duplicate))
        return packet_id

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publishes with QoS 1 and waits for the acknowledgement."""
        packet_id = self.send(topic, payload, retain=retain)
        while packet_id not in self.acknowledged:
            self._take_next()

    def subscribe(self, topic: str) -> None:
        """Subscribes with QoS 1 and waits for the answer."""
        body = b"\x00\x01" + _text(topic) + b"\x01"
        self._socket.sendall(b"\x82" + _length(len(body)) + body)
        while self._take_next() != _SUBACK:
            pass

    def next_message(self) -> tuple[str, bytes]:
        """The next message that was published for us."""
        while not self._received:
            self._take_next()
        return self._received.popleft()

    def take_messages(self) -> list[tuple[str, bytes]]:
        """The messages that have come so far; those still on the way are read by `read_acknowledgements`."""
        taken = list(self._received)
        self._received.clear()
        return taken

    def read_acknowledgements(self, wait_s: float = 0.0) -> None:
        """Takes what has come, waiting at most so long for something.

        Raises:
            ConnectionError: the broker has closed the connection.
        """
        while select.select([self._socket], [], [], wait_s)[0]:
            chunk = self._socket.recv(65_536)
            if not chunk:
                raise ConnectionError("the broker closed the connection")
            self._buffer += chunk
            while (packet := self._packet_in_buffer()) is not None:
                self._take(*packet)
            wait_s = 0.0

    def close(self) -> None:
        """Says goodbye and closes: no will is published."""
        with contextlib.suppress(OSError):
            self._socket.sendall(b"\xe0\x00")
        self._socket.close()

    def vanish(self) -> None:
        """Closes without goodbye: the will is published."""
        self._socket.close()

    @staticmethod
    def _check_welcome(answer: tuple[int, bytes] | None) -> None:
        if answer is None or answer[0] != _CONNACK or answer[1][1]:
            raise ConnectionError(f"the broker refused the connection: {answer}")

    def _take_next(self) -> int:
        packet = self._next_packet()
        if packet is None:
            raise ConnectionError("the broker closed the connection")
        self._take(*packet)
        return packet[0] & 0xF0

    def _take(self, head: int, body: bytes) -> None:
        kind = head & 0xF0
        if kind == _PUBACK:
            self.acknowledged.add(int.from_bytes(body[:2], "big"))
        elif kind == _PUBLISH:
            self._take_message(head, body)

    def _take_message(self, head: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic, rest = body[2:end].decode(), body[end:]
        if head & 0x06:
            self._socket.sendall(b"\x40\x02" + rest[:2])
            rest = rest[2:]
        self._received.append((topic, rest))

    def _next_packet(self) -> tuple[int, bytes] | None:
        while (packet := self._packet_in_buffer()) is None:
            chunk = self._socket.recv(65_536)
            if not chunk:
                return None
            self._buffer += chunk
        return packet

    def _packet_in_buffer(self) -> tuple[int, bytes] | None:
        length, shift, at = 0, 0, 1
        while True:
            if at >= len(self._buffer):
                return None
            digit = self._buffer[at]
            length |= (digit & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if digit < 0x80:
                break
        if len(self._buffer) < at + length:
            return None
        packet = self._buffer[0], self._buffer[at : at + length]
        self._buffer = self._buffer[at + length :]
        return packet


def publish_packet(
    topic: str, payload: bytes, qos: int, packet_id: int, *, retain: bool = False, duplicate: bool = False
) -> bytes:
    """A PUBLISH packet of MQTT 3.1.1."""
    head = _PUBLISH | qos << 1 | retain | duplicate << 3
    body = _text(topic) + (struct.pack("!H", packet_id) if qos else b"") + payload
    return bytes([head]) + _length(len(body)) + body


def _connect_packet(client_id: str, will: Will | None, login: Login | None, *, clean: bool) -> bytes:
    flags = 0x02 if clean else 0x00
    rest = _text(client_id)
    if will is not None:
        flags |= 0x04 | 0x08 | (0x20 if will.retain else 0)
        rest += _text(will.topic) + struct.pack("!H", len(will.payload)) + will.payload
    if login is not None:
        flags |= 0x80 | 0x40
        rest += _text(login.user) + _text(login.password)
    body = _text("MQTT") + bytes([4, flags]) + b"\x00\x00" + rest
    return b"\x10" + _length(len(body)) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _length(length: int) -> bytes:
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(encoded)


# --- a publisher that goes on ---------------------------------------------------------------------------------------

Identity = tuple[str, str, int]
"""(device's topic, boot, seq)"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message of a telemetry."""

    identity: Identity
    topic: str
    payload: bytes


Due = Callable[[float], Sequence[Outgoing]]
"""Seconds since the start → the messages that have become due since the last call."""


class SteadyPublisher(threading.Thread):
    """Sends what becomes due, until stopped; use with `with`.

    Invariant: a message counts as acknowledged only when PUBACK has come for it; until then it is kept and sent again
    on every new connection, before anything newer.
    """

    SLOT_S = 0.01

    def __init__(self, port: int, client_id: str, due: Due) -> None:
        super().__init__(name=client_id, daemon=True)
        self.acknowledged: set[Identity] = set()
        self.sent = 0
        """Messages, each counted once."""
        self.resent = 0
        self.connections = 0
        self._port = port
        self._client_id = client_id
        self._due = due
        self._unacknowledged: dict[Identity, Outgoing] = {}
        self._in_flight: dict[int, Identity] = {}
        self._ending = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> SteadyPublisher:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ending.set()
        self.join(TIMEOUT_S)

    def finish(self) -> set[Identity]:
        """Makes nothing new, waits until everything made is acknowledged, and returns what was acknowledged."""
        self._ending.set()
        self.join(TIMEOUT_S)
        if self._failure is not None:
            raise self._failure
        assert not self.is_alive(), f"{len(self._unacknowledged)} messages are still not acknowledged"
        return self.acknowledged

    def run(self) -> None:
        try:
            self._run(time.monotonic())
        except BaseException as failure:  # noqa: BLE001 - raised by `finish`, in the test's own thread
            self._failure = failure

    def _run(self, began_s: float) -> None:
        client: MqttClient | None = None
        end_s: float | None = None
        while end_s is None or (self._unacknowledged and time.monotonic() < end_s):
            if self._ending.is_set() and end_s is None:
                end_s = time.monotonic() + TIMEOUT_S
            fresh = () if end_s is not None else self._due(time.monotonic() - began_s)
            self._unacknowledged |= {message.identity: message for message in fresh}
            self.sent += len(fresh)
            try:
                if client is None:
                    client = self._connect()
                else:
                    self._send(client, fresh)
                client.read_acknowledgements(self.SLOT_S)
                self._settle(client)
            except OSError:
                if client is not None:
                    client.vanish()
                client = None
                time.sleep(_RECONNECT_S)
        if client is not None:
            client.close()

    def _connect(self) -> MqttClient:
        client = MqttClient(self._port, self._client_id)
        self.connections += 1
        self._in_flight.clear()
        if self.connections > 1:
            self.resent += len(self._unacknowledged)
        self._send(client, list(self._unacknowledged.values()))
        return client

    def _send(self, client: MqttClient, messages: Sequence[Outgoing]) -> None:
        for message in messages:
            self._in_flight[client.send(message.topic, message.payload)] = message.identity

    def _settle(self, client: MqttClient) -> None:
        for packet_id in client.acknowledged:
            identity = self._in_flight.pop(packet_id)
            self.acknowledged.add(identity)
            self._unacknowledged.pop(identity, None)
        client.acknowledged.clear()
