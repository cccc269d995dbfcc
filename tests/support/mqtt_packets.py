"""MQTT packets as bytes, written from the specification, for tests that play the broker."""

from __future__ import annotations

import struct

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = (
    kind << 4 for kind in (1, 2, 3, 4, 8, 9, 12, 13, 14)
)  # fmt: skip


def varint(value: int) -> bytes:
    """A variable byte integer (MQTT 5, 1.5.5)."""
    encoded = bytearray()
    while True:
        value, digit = divmod(value, 128)
        encoded.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def packet(head: int, body: bytes) -> bytes:
    """A whole packet."""
    return bytes([head]) + varint(len(body)) + body


def publish(
    topic: bytes, payload: bytes, *, qos: int = 1, packet_id: int = 1, properties: bytes | None = None, flags: int = 0
) -> bytes:
    """A PUBLISH; `properties` None is MQTT 3.1.1, b"" MQTT 5 with none. `flags`: DUP 8, RETAIN 1."""
    body = struct.pack("!H", len(topic)) + topic
    body += struct.pack("!H", packet_id) if qos else b""
    body += varint(len(properties)) + properties if properties is not None else b""
    return packet(PUBLISH | qos << 1 | flags, body + payload)


def connack(*, code: int = 0, session_present: bool = False, is_v5: bool = True) -> bytes:
    """A CONNACK without properties."""
    return packet(CONNACK, bytes([session_present, code]) + (b"\x00" if is_v5 else b""))


def suback(packet_id: int, code: int = 1, *, is_v5: bool = True) -> bytes:
    """A SUBACK for one topic."""
    return packet(SUBACK, struct.pack("!H", packet_id) + (b"\x00" if is_v5 else b"") + bytes([code]))
