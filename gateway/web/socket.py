"""The WebSocket at `/api/v1/feed`: carries the frames of one feed client to one socket.

Invariants. Nobody ever waits for a client: one that does not keep up is closed with 1013 (try again later), and where
even the closing cannot be written, `gateway.web.server` cuts the connection. A page of another origin is turned away
before the connection is accepted (browsers do not do it: the same-origin rule does not cover WebSockets).

Where people sign in, whoever is signed out, removed or changed while they watch is closed with 1008 within
seconds.

Nothing a client says is listened to, except that it goes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.access.desk import AccessDesk
from gateway.web.access import desk_of, identity_of
from gateway.web.feed import FeedClient, FeedFull, FeedHub
from gateway.web.guards import is_same_origin

TRY_AGAIN_LATER = 1013
"""WebSocket close code, RFC 6455's registry."""
POLICY_VIOLATION = 1008
CLOSE_WITHIN_S = 1.0
"""How long the closing frame may take to be written."""


async def serve_feed(socket: WebSocket, hub: FeedHub) -> None:
    """Serve one client until it goes, or does not keep up."""
    if not is_same_origin(socket.scope):
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    try:
        with hub.joined(_after(socket)) as client:
            await _first_of(_send(socket, client), _gone(socket), client.dropped.wait(), *_signed_out(socket))
    except FeedFull:
        await _close(socket, TRY_AGAIN_LATER, "too many displays")
        return
    if client.dropped.is_set():
        await _close(socket, TRY_AGAIN_LATER, "did not keep up")
    elif not _may_watch(socket):
        await _close(socket, POLICY_VIOLATION, "signed out")


def _after(socket: WebSocket) -> int | None:
    """The number in the query; None for anything that is none: the client then gets a snapshot."""
    text = socket.query_params.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


async def _send(socket: WebSocket, client: FeedClient) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await client.next_frame())


async def _gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _signed_out(socket: WebSocket) -> list[Coroutine[Any, Any, None]]:
    """What ends when whoever watches may not any more; nothing where nobody signs in here."""
    desk, identity = desk_of(socket), identity_of(socket)
    return [desk.over(identity)] if isinstance(desk, AccessDesk) and identity is not None else []


def _may_watch(socket: WebSocket) -> bool:
    desk, identity = desk_of(socket), identity_of(socket)
    return not isinstance(desk, AccessDesk) or (identity is not None and desk.still_holds(identity))


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(TimeoutError, WebSocketDisconnect):
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await socket.close(code, reason)


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Until one of the coroutines ends; the others are cancelled. An error of the one is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
