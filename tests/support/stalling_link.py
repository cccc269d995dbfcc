"""A link between a display and the gateway that can stop carrying what comes down, as a wireless network does.

While it stalls, nothing more is read from the gateway, and nobody is told that the other side has gone; connections
stay open. It holds next to nothing itself, so that it is the gateway that feels it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HELD_BYTES = 4096


class StallingLink:
    """The link, on a port of its own. `stall` and `resume` may be called from any thread."""

    def __init__(self, gateway_port: int) -> None:
        self._gateway_port = gateway_port
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """Where a browser finds the gateway behind the link."""
        return f"http://127.0.0.1:{self.port}/"

    def stall(self) -> None:
        """From now on nothing comes down."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def resume(self) -> None:
        """Takes `stall` back."""
        self._loop.call_soon_threadsafe(self._flows.set)

    @contextmanager
    def run(self) -> Iterator[StallingLink]:
        """Carries until the end of the block."""
        has_begun = threading.Event()
        ending = asyncio.Event()

        async def carry() -> None:
            self._flows.set()
            async with await asyncio.start_server(self._join, "127.0.0.1", 0, limit=HELD_BYTES) as server:
                self.port = server.sockets[0].getsockname()[1]
                has_begun.set()
                await ending.wait()

        def serve() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(carry())
            self._loop.run_until_complete(self._end_all())
            self._loop.close()

        thread = threading.Thread(target=serve, name="stalling-link")
        thread.start()
        try:
            assert has_begun.wait(10), "the link does not carry"
            yield self
        finally:
            self._loop.call_soon_threadsafe(ending.set)
            thread.join(10)

    async def _end_all(self) -> None:
        self._flows.set()
        joined = asyncio.all_tasks() - {asyncio.current_task()}
        for task in joined:
            task.cancel()
        await asyncio.gather(*joined, return_exceptions=True)
        await asyncio.sleep(0)  # the transports' own farewells

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up = socket.socket()
        up.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD_BYTES)  # before connecting: the window follows from it
        up.setblocking(False)
        await asyncio.get_running_loop().sock_connect(up, ("127.0.0.1", self._gateway_port))
        above, to_above = await asyncio.open_connection(sock=up, limit=HELD_BYTES)
        try:
            await asyncio.gather(self._up(reader, to_above), self._down(above, writer))
        except ConnectionError:
            pass  # one side has gone: so does the other
        finally:
            await self._flows.wait()
            for end in (writer, to_above):
                end.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, to_above: asyncio.StreamWriter) -> None:
        while piece := await reader.read(HELD_BYTES):
            to_above.write(piece)
            await to_above.drain()
        await self._flows.wait()
        with contextlib.suppress(OSError):
            to_above.write_eof()

    async def _down(self, above: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await self._flows.wait()
            if not (piece := await above.read(HELD_BYTES)):
                break
            await self._flows.wait()
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
