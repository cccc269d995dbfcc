"""PUBLISH taken out of the stream: what is delivered, what reaches the library, and what ends the connection."""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable

import pytest

from gateway.mqtt_stream import PublishSplitter
from tests.support.mqtt_packets import PINGRESP, PUBLISH, connack, packet, publish, suback

Delivered = tuple[str, bytes, int, int]
TOPIC = b"icu/v1/icu/b01/mon1/obs"


class Peer:
    """A socket on which the given chunks arrive; None is a moment at which there is nothing to read."""

    def __init__(self, chunks: Iterable[bytes | None], nothing: Callable[[], Exception] = BlockingIOError) -> None:
        self.chunks = deque(chunks)
        self.nothing = nothing
        self.calls = 0

    def recv(self, size: int) -> bytes:
        self.calls += 1
        if not self.chunks or self.chunks[0] is None:
            if self.chunks:
                self.chunks.popleft()
            raise self.nothing()
        chunk = self.chunks.popleft()
        assert chunk is not None
        if len(chunk) > size:
            self.chunks.appendleft(chunk[size:])
        return chunk[:size]


def splitter_of(peer: Peer, *, has_properties: bool = True) -> tuple[PublishSplitter, list[Delivered]]:
    delivered: list[Delivered] = []
    splitter = PublishSplitter(peer, lambda *message: delivered.append(message), has_properties=has_properties)
    return splitter, delivered


def read_all(splitter: PublishSplitter, size: int = 64) -> bytes:
    """Everything that reaches the library until there is nothing more to read, or the end."""
    read = b""
    try:
        while piece := splitter.recv(size):
            read += piece
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    return read


def test_a_publish_of_qos_1_is_delivered_with_its_packet_id_and_never_reaches_the_library() -> None:
    splitter, delivered = splitter_of(Peer([publish(TOPIC, b"{}", packet_id=513, properties=b"")]))

    assert read_all(splitter) == b""
    assert delivered == [(TOPIC.decode(), b"{}", 513, 1)]


def test_a_publish_of_qos_0_has_no_packet_id() -> None:
    splitter, delivered = splitter_of(Peer([publish(TOPIC, b"{}", qos=0)]), has_properties=False)

    assert read_all(splitter) == b""
    assert delivered == [(TOPIC.decode(), b"{}", 0, 0)]


def test_a_publish_of_qos_2_is_the_librarys() -> None:
    whole = publish(TOPIC, b"{}", qos=2)
    splitter, delivered = splitter_of(Peer([whole]), has_properties=False)

    assert read_all(splitter) == whole
    assert delivered == []


@pytest.mark.parametrize("properties", [b"", b"\x01\x01", b"\x26\x00\x01a\x00\x01b" * 40], ids=["none", "one", "many"])
def test_properties_are_passed_over_however_long_they_are(properties: bytes) -> None:
    splitter, delivered = splitter_of(Peer([publish(TOPIC, b"x", properties=properties)]))

    read_all(splitter)

    assert delivered == [(TOPIC.decode(), b"x", 1, 1)]


def test_what_follows_for_the_library_is_not_overtaken_by_a_later_publish() -> None:
    stream = suback(1) + publish(TOPIC, b"later", properties=b"")
    splitter, delivered = splitter_of(Peer([stream]))

    first = splitter.recv(2)
    assert delivered == []
    assert first + read_all(splitter) == suback(1)
    assert [payload for _, payload, _, _ in delivered] == [b"later"]


@pytest.mark.parametrize("nothing", [BlockingIOError, ssl.SSLWantReadError])
def test_a_packet_of_which_half_has_come_waits_for_the_rest(nothing: Callable[[], Exception]) -> None:
    whole = publish(TOPIC, b"0123456789", properties=b"")
    splitter, delivered = splitter_of(Peer([whole[:12], None, whole[12:]], nothing))

    with pytest.raises((BlockingIOError, ssl.SSLWantReadError)):
        splitter.recv(1)
    assert delivered == []
    read_all(splitter)
    assert [payload for _, payload, _, _ in delivered] == [b"0123456789"]


@pytest.mark.parametrize("length", range(1, 12))
def test_half_a_packet_does_not_count_as_something_to_read(length: int) -> None:
    # aiomqtt reads on for as long as there is something pending, without letting the event loop go.
    splitter, _ = splitter_of(Peer([publish(TOPIC, b"0123456789", properties=b"")[:length]]))

    with pytest.raises(BlockingIOError):
        splitter.recv(1)

    assert splitter.pending() == 0


def test_what_is_left_for_the_library_counts_as_something_to_read() -> None:
    splitter, _ = splitter_of(Peer([connack() + suback(1)]))

    splitter.recv(1)

    assert splitter.pending() == len(connack() + suback(1)) - 1


def test_what_tls_has_decrypted_already_counts_as_something_to_read() -> None:
    class TlsPeer(Peer):
        def pending(self) -> int:
            return sum(len(chunk) for chunk in self.chunks if chunk)

    splitter, _ = splitter_of(TlsPeer([connack(), suback(1)]))

    splitter.recv(len(connack()))

    assert splitter.pending() == len(suback(1))


def test_the_end_of_the_stream_is_passed_on_after_the_last_whole_packet() -> None:
    splitter, delivered = splitter_of(Peer([publish(TOPIC, b"last", properties=b"") + b"\x32\x10ha", b""]))

    assert splitter.recv(1) == b""
    assert [payload for _, payload, _, _ in delivered] == [b"last"]


def test_a_topic_that_is_not_utf_8_is_delivered_so_that_it_can_be_rejected_in_the_open() -> None:
    splitter, delivered = splitter_of(Peer([publish(b"icu/\xff/obs", b"x", properties=b"")]))

    read_all(splitter)

    assert delivered == [("icu/�/obs", b"x", 1, 1)]


MALFORMED = {
    "a length of five bytes": bytes([PUBLISH, 0x80, 0x80, 0x80, 0x80, 0x01]),
    "a length of five bytes of another packet": bytes([PINGRESP, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
    "a topic longer than the packet": packet(PUBLISH | 2, b"\x00\x50" + TOPIC + b"\x00\x01\x00"),
    "a topic longer than the packet, more following": packet(PUBLISH | 2, b"\x00\x50" + TOPIC) + suback(1) * 40,
    "nothing in it": packet(PUBLISH, b""),
    "half a topic length": packet(PUBLISH, b"\x00"),
    "no packet id": packet(PUBLISH | 2, b"\x00\x01a"),
    "half a packet id": packet(PUBLISH | 2, b"\x00\x01a\x00"),
    "packet id 0": publish(TOPIC, b"x", packet_id=0, properties=b""),
    "no properties where there must be": packet(PUBLISH | 2, b"\x00\x01a\x00\x01"),
    "properties longer than the packet": packet(PUBLISH | 2, b"\x00\x01a\x00\x01\x7f"),
    "a length of properties of five bytes": packet(PUBLISH | 2, b"\x00\x01a\x00\x01\xff\xff\xff\xff\x01" + bytes(9)),
    "QoS 3": packet(PUBLISH | 6, b"\x00\x01a\x00\x01\x00x"),
}


@pytest.mark.parametrize("stream", MALFORMED.values(), ids=MALFORMED)
def test_a_packet_that_contradicts_itself_ends_the_connection(stream: bytes) -> None:
    splitter, delivered = splitter_of(Peer([publish(TOPIC, b"before", properties=b"") + stream]))

    with pytest.raises(ConnectionError):
        splitter.recv(64)

    assert [payload for _, payload, _, _ in delivered] == [b"before"]


def test_a_large_packet_in_small_pieces_takes_time_in_proportion_to_its_size() -> None:
    # 0.05 s; when every piece is put to what is there already, 130 GB are copied for it.
    whole = publish(TOPIC, bytes(16 * 1024 * 1024), properties=b"")
    splitter, delivered = splitter_of(Peer([whole[at : at + 1024] for at in range(0, len(whole), 1024)]))
    began_s = time.process_time()

    read_all(splitter)

    assert [len(message[1]) for message in delivered] == [16 * 1024 * 1024]
    assert time.process_time() - began_s < 5.0
