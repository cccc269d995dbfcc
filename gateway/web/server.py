"""The door to uvicorn: one HTTP server on one address, ended by cancelling it.

Invariants. Whoever does not read is cut off: once the application is done with a WebSocket, what is unsent has
`LINGER_S` to go, then the connection is aborted (a closing that a stalled peer never reads would otherwise keep socket
and buffers for ever). Frames are not compressed: it would be done anew for each client.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

LINGER_S = 2.0
SHUTDOWN_S = 3
"""What requests that are being answered have to end, when the server ends."""
CLIENT_MESSAGE_MAX_BYTES = 4096
"""Clients of the feed have nothing to say."""


class _CuttingWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is aborted when its closing is not read."""

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(LINGER_S, self.transport.abort)


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever composes the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Serves one application. Made by `listening`, which has the port before anything else starts."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                app,
                ws=_CuttingWebSocket,
                ws_max_size=CLIENT_MESSAGE_MAX_BYTES,
                ws_per_message_deflate=False,
                lifespan="off",
                access_log=False,
                server_header=False,
                log_config=None,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
        )

    @classmethod
    def listening(cls, app: ASGIApp, host: str, port: int) -> Self:
        """A server that has its address; it answers once `run` runs.

        Args:
            app: What to serve.
            host: Address or name.
            port: 0 for any free one.

        Raises:
            OSError: The address is taken, or not ours.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return cls(app, socket.create_server((host, port), family=family, backlog=512))

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        """Give the port back, where `run` never ran."""
        self._listener.close()

    async def run(self) -> None:
        """Serve until cancelled; then let requests end, for `SHUTDOWN_S` at most.

        Raises:
            RuntimeError: The server ended by itself.
        """
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self._server.should_exit = True
            await serving
            raise
        raise RuntimeError("the web server ended by itself")
