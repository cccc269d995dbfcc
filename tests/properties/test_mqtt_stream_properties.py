"""Whatever the chunks in which a stream arrives and is read: the same deliveries, the same bytes for the library."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt_stream import PublishSplitter
from tests.support.mqtt_packets import PUBLISH, packet, publish

Event = tuple[str, bytes, int, int] | bytes
"""A delivery, or bytes that reached the library."""


@dataclass(frozen=True)
class Sent:
    """One packet and what must become of it."""

    raw: bytes
    event: Event


TOPICS = st.text(st.characters(codec="utf-8", exclude_characters="\0+#"), min_size=1, max_size=12)
NOTHING_NOW: list[Callable[[], OSError]] = [BlockingIOError, ssl.SSLWantReadError]


@st.composite
def own_publishes(draw: st.DrawFn, *, is_v5: bool) -> Sent:
    topic, payload = draw(TOPICS), draw(st.binary(max_size=200))
    qos, packet_id = draw(st.sampled_from([0, 1])), draw(st.integers(1, 0xFFFF))
    properties = draw(st.binary(max_size=150)) if is_v5 else None
    flags = draw(st.sampled_from([0, 1, 8, 9]))
    raw = publish(topic.encode(), payload, qos=qos, packet_id=packet_id, properties=properties, flags=flags)
    return Sent(raw, (topic, payload, packet_id if qos else 0, qos))


@st.composite
def library_packets(draw: st.DrawFn) -> Sent:
    kind = draw(st.sampled_from([kind for kind in range(0, 256) if kind & 0xF0 != PUBLISH or kind & 0x06 == 0x04]))
    raw = packet(kind, draw(st.binary(max_size=300)))
    return Sent(raw, raw)


def streams(is_v5: bool) -> st.SearchStrategy[list[Sent]]:
    return st.lists(own_publishes(is_v5=is_v5) | library_packets(), max_size=12)


class ChoppedPeer:
    """A socket that gives the stream in pieces of drawn sizes, and nothing at all now and then."""

    def __init__(self, stream: bytes, sizes: list[int], nothing: Callable[[], OSError]) -> None:
        self.rest = stream
        self.sizes = sizes
        self.nothing = nothing

    def recv(self, size: int) -> bytes:
        wanted = self.sizes.pop() if self.sizes else size
        if not wanted or not self.rest:
            raise self.nothing()
        piece = self.rest[: min(size, wanted)]
        self.rest = self.rest[len(piece) :]
        return piece


@given(st.data())
def test_events_come_in_the_order_of_the_packets_whatever_the_chunks(data: st.DataObject) -> None:
    is_v5 = data.draw(st.booleans())
    sent = data.draw(streams(is_v5))
    sizes = data.draw(st.lists(st.integers(0, 40), max_size=60))
    peer = ChoppedPeer(b"".join(each.raw for each in sent), sizes, data.draw(st.sampled_from(NOTHING_NOW)))
    events: list[Event] = []
    splitter = PublishSplitter(peer, lambda *message: events.append(message), has_properties=is_v5)
    reads = data.draw(st.lists(st.integers(1, 50), max_size=60))

    while peer.rest or peer.sizes or splitter.pending():
        try:
            piece = splitter.recv(reads.pop() if reads else 1000)
        except (BlockingIOError, ssl.SSLWantReadError):
            assert splitter.pending() == 0
            continue
        assert piece
        events.append(piece)

    assert joined(events) == joined([each.event for each in sent])


def joined(events: list[Event]) -> list[Event]:
    """Events with neighbouring bytes for the library put together: how the library is fed in pieces is no matter."""
    put_together: list[Event] = []
    for event in events:
        if isinstance(event, bytes) and put_together and isinstance(put_together[-1], bytes):
            put_together[-1] += event
        else:
            put_together.append(event)
    return put_together


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_do_more_than_end_the_connection(stream: bytes, is_v5: bool) -> None:
    splitter = PublishSplitter(ChoppedPeer(stream, [], BlockingIOError), lambda *_: None, has_properties=is_v5)
    read = b""
    try:
        while piece := splitter.recv(64):
            read += piece
    except (BlockingIOError, ConnectionError):
        pass

    assert len(read) <= len(stream)
