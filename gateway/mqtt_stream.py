"""PUBLISH packets taken out of the byte stream between broker and client library.

Why: of the time it takes to receive a message through paho-mqtt, nine tenths go into one `recv` per byte of a packet's
head, property objects that nobody reads, a search for callbacks of which there is one, and log lines that are thrown
away (docs/decisions/0007 has the profile). PUBLISH with QoS 0 or 1 is the simple and frequent case, so it is split off
here; every other packet reaches the library byte by byte, as it came.

Invariants: bytes reach the library in order and unchanged, except whole PUBLISH packets of QoS 0 and 1, which never do.
A packet that contradicts itself ends the connection. It sends nothing and acknowledges nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

RECEIVE_BYTES = 262_144
PUBLISH = 0x30
INVALID_QOS = 3
TOPICS_REMEMBERED = 65_536
_VARINT_MAX_BYTES = 4

Deliver = Callable[[str, bytes, int, int], None]
"""(topic, payload, packet id, QoS)"""


class PublishSplitter:
    """A socket for the client library that keeps PUBLISH packets to itself and hands them to `deliver`."""

    def __init__(self, sock: Any, deliver: Deliver, *, has_properties: bool) -> None:
        self._sock = sock
        self._deliver = deliver
        self._has_properties = has_properties
        self._buffer = b""
        self._at = 0
        self._left_for_library = 0
        """Bytes of the present packet that are the library's."""
        self._pieces: list[bytes] = []
        """What has come since of a PUBLISH that is not whole; put together once it is, so that a large one costs no
        more than its size."""
        self._missing = 1
        """Bytes that must come before there is anything to do; at most what is really missing."""
        self._is_starved = False
        """Whether what is here is of no use until more comes."""
        self._topics: dict[bytes, str] = {}

    def recv(self, size: int) -> bytes:
        """Bytes for the library, at most `size`; b"" when the peer has closed.

        Raises:
            BlockingIOError: There are none now (or what TLS raises in its place).
            ConnectionError: The stream contradicts itself.
        """
        while not self._left_for_library:
            if not self._pieces:
                self._split()
            if not self._left_for_library and not self._read_more():
                return b""
        while self._at == len(self._buffer):
            if not self._read_more():
                return b""
        piece = self._buffer[self._at : self._at + min(size, self._left_for_library)]
        self._at += len(piece)
        self._left_for_library -= len(piece)
        return piece

    def pending(self) -> int:
        """Bytes that `recv` can do something with at once; aiomqtt reads on while there are any, and lets nothing else
        run: half a packet must not count."""
        below = getattr(self._sock, "pending", None)
        here = 0 if self._is_starved else len(self._buffer) - self._at
        return here + (below() if below is not None else 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def _read_more(self) -> bool:
        self._is_starved = True
        more = self._sock.recv(RECEIVE_BYTES)
        self._is_starved = False
        self._missing -= len(more)
        self._pieces.append(more)
        if self._missing <= 0 or not more:
            self._buffer = b"".join((self._buffer[self._at :], *self._pieces))
            self._pieces.clear()
            self._at, self._missing = 0, 1
        return bool(more)

    def _split(self) -> None:
        """From a packet's beginning: deliver PUBLISH packets that are whole; measure the first that is the
        library's."""
        buffer, at = self._buffer, self._at
        end = len(buffer)
        try:
            while end - at > 1:
                head = buffer[at]
                length, body = _varint(buffer, at + 1)
                if head & 0xF0 != PUBLISH or head & 0x06 == 0x04:
                    self._left_for_library = body + length - at
                    break
                if body + length > end:
                    self._missing = body + length - end
                    break
                self._publish(head, buffer, body, body + length)
                at = body + length
        except IndexError:
            pass  # the packet's length is not there yet
        finally:
            self._at = at

    def _publish(self, head: int, buffer: bytes, begin: int, end: int) -> None:
        packet_id, qos = 0, head >> 1 & 3
        try:
            at = topic_end = begin + 2 + (buffer[begin] << 8 | buffer[begin + 1])
            if qos:
                packet_id = buffer[at] << 8 | buffer[at + 1]
                at += 2
            if self._has_properties:
                if buffer[at]:
                    length, at = _varint(buffer, at)
                    at += length
                else:
                    at += 1
        except IndexError:
            at = end + 1
        if at > end:
            raise ConnectionError("a PUBLISH packet is longer inside than outside")
        if qos == INVALID_QOS or (qos and not packet_id):
            raise ConnectionError(f"a PUBLISH packet of QoS {qos} with packet id {packet_id}")
        self._deliver(self._topic(buffer[begin + 2 : topic_end]), buffer[at:end], packet_id, qos)

    def _topic(self, raw: bytes) -> str:
        topic = self._topics.get(raw)
        if topic is None:
            topic = raw.decode("utf-8", "replace")  # out of the grammar then, and rejected for it
            if len(self._topics) >= TOPICS_REMEMBERED:
                self._topics.clear()
            self._topics[raw] = topic
        return topic


def _varint(buffer: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer and where it ends.

    Raises:
        IndexError: It is not whole.
        ConnectionError: It is longer than four bytes.
    """
    byte = buffer[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    for place in range(at + 1, at + _VARINT_MAX_BYTES):
        byte = buffer[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise ConnectionError("a length of more than four bytes")
