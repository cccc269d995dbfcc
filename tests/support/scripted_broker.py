"""A broker played by the test: it reads packets, and writes what the test tells it to, when it tells it to.

For what a real broker does only at the wrong moment: an answer that never comes, half a packet, messages before the
subscription is confirmed, packets that make no sense.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.mqtt_packets import CONNECT, PINGREQ, PINGRESP, SUBSCRIBE, connack, packet, suback

Packet = tuple[int, bytes]
"""(first byte, body)"""
DEADLINE_S = 20.0


class Connection:
    """One connection that a client has made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def expect(self, kind: int) -> Packet:
        """The next packet of a kind; others before it are passed over, a PINGREQ is answered."""
        while True:
            head, body = await asyncio.wait_for(self._next(), DEADLINE_S)
            if head & 0xF0 == PINGREQ:
                self.send(packet(PINGRESP, b""))
            if head & 0xF0 == kind:
                return head, body

    async def welcome(self, *, is_v5: bool = True) -> None:
        """Accepts the connection and confirms the subscription."""
        await self.expect(CONNECT)
        self.send(connack(is_v5=is_v5))
        await self.confirm_subscription(is_v5=is_v5)

    async def confirm_subscription(self, *, code: int = 1, is_v5: bool = True) -> None:
        """Answers the SUBSCRIBE."""
        _, body = await self.expect(SUBSCRIBE)
        self.send(suback(int.from_bytes(body[:2], "big"), code, is_v5=is_v5))

    def send(self, raw: bytes) -> None:
        """Writes bytes as they are."""
        self._writer.write(raw)

    async def closed(self) -> None:
        """Returns when the client has closed the connection."""
        while await asyncio.wait_for(self._reader.read(65_536), DEADLINE_S):
            pass

    def close(self) -> None:
        """Closes it."""
        self._writer.close()

    async def _next(self) -> Packet:
        head = (await self._reader.readexactly(1))[0]
        length, shift = 0, 0
        while True:
            digit = (await self._reader.readexactly(1))[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                return head, await self._reader.readexactly(length)


class ScriptedBroker:
    """Listens on a free loopback port."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted = 0
        self._waiting: asyncio.Queue[Connection] = asyncio.Queue()
        self._open: list[Connection] = []

    async def next_connection(self) -> Connection:
        """The next connection that a client makes."""
        return await asyncio.wait_for(self._waiting.get(), DEADLINE_S)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        self.accepted += 1
        self._open.append(connection)
        self._waiting.put_nowait(connection)


@asynccontextmanager
async def scripted_broker() -> AsyncIterator[ScriptedBroker]:
    """A scripted broker for as long as the context lasts."""
    broker = ScriptedBroker()
    server = await asyncio.start_server(broker._accept, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        for connection in broker._open:
            connection.close()
        await server.wait_closed()
