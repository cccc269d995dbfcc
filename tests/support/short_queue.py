"""`vigil` that keeps little for each display, so that one that does not read is cut off in seconds.

`main` runs in place of the command's: few frames in the feed's queue, a small buffer in each of the server's sockets.
Everything else of the gateway is as it is; with its own figures the same takes half a minute longer.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import Self

from starlette.types import ASGIApp

import gateway.app
import gateway.cli
import gateway.web.feed
from gateway.web.feed import Pacing
from gateway.web.server import WebServer

SHORT = "tests.support.short_queue:main"
FRAMES = 6
BUFFER_BYTES = 16_384


class SmallBuffers(WebServer):
    """Its connections have the buffer of the socket that accepts them."""

    @classmethod
    def listening(cls, app: ASGIApp, host: str, port: int) -> Self:
        """A server with small buffers that has its address."""
        server = super().listening(app, host, port)
        server._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        return server


def main() -> None:
    """The command `vigil` with the short queue."""
    setattr(gateway.web.feed, "Pacing", partial(Pacing, queue_frames=FRAMES))  # noqa: B010 - for this process alone
    setattr(gateway.app, "WebServer", SmallBuffers)  # noqa: B010 - for this process alone
    gateway.cli.main()
