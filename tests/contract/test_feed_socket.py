"""The feed over a real server and real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.web import server as web_server
from gateway.web.app import create_app
from gateway.web.feed import FeedHub, Pacing
from gateway.web.server import WebServer
from streaming.identity import BedId
from tests.support.small_service import SmallService
from tests.support.waiting import until

BED = BedId("icu", "b01")
BRISK = Pacing(frame_period_s=0.002, deltas_within_s=0.0, heartbeat_period_s=0.5, queue_frames=8)

Frame = dict[str, Any]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[SmallService]:
    opened = await SmallService.open(tmp_path)
    yield opened
    await opened.close()


@contextlib.asynccontextmanager
async def serving(service: SmallService, pacing: Pacing | None = None) -> AsyncIterator[tuple[FeedHub, int]]:
    """The service on a free port, with its feed running."""
    hub = FeedHub(service, pacing)
    server = WebServer.listening(create_app(service, hub), "127.0.0.1", 0)
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(server.run())]
    try:
        yield hub, server.port
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        server.close()


def feed(port: int, query: str = "", **options: Any) -> connect:
    return connect(f"ws://127.0.0.1:{port}/api/v1/feed{query}", compression=None, max_size=None, **options)


async def take(client: ClientConnection) -> Frame:
    async with asyncio.timeout(10):
        message = await client.recv()
    assert isinstance(message, str), "frames are text"
    frame: Frame = orjson.loads(message)
    return frame


async def take_delta(client: ClientConnection) -> Frame:
    while (frame := await take(client))["type"] == "heartbeat":
        pass
    return frame


async def take_all(client: ClientConnection) -> None:
    while True:
        await take(client)


def clients(hub: FeedHub) -> float:
    return figure(hub, "vigil_feed_clients")


def dropped(hub: FeedHub) -> float:
    return figure(hub, "vigil_feed_clients_dropped")


def figure(hub: FeedHub, name: str) -> float:
    return next(family.samples[0][1] for family in hub.metrics() if family.name == name)


async def keep_changing(service: SmallService, size: int) -> None:
    """Make a large delta again and again."""
    for number in range(1_000_000):
        service.set_signal(BED, "map", f"{number:>{size}}")
        await asyncio.sleep(0.003)


async def stalled_client(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has shaken hands and never reads again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /api/v1/feed HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    assert b"101" in await reader.readline()
    return reader, writer


async def test_feed_begins_with_a_snapshot_and_goes_on_without_a_hole(service: SmallService) -> None:
    service.set_signal(BED, "map", 71.0)
    async with serving(service) as (_, port), feed(port) as client:
        snapshot = await take(client)
        service.set_signal(BED, "map", 70.0)
        delta = await take_delta(client)

    assert snapshot["type"] == "snapshot"
    assert snapshot["beds"][0]["signals"]["map"]["value"] == 71.0
    assert (delta["type"], delta["n"]) == ("delta", snapshot["n"] + 1)
    assert delta["beds"][0]["signals"]["map"]["value"] == 70.0


async def test_client_that_was_away_resumes_without_a_hole(service: SmallService) -> None:
    service.set_signal(BED, "map", 0.0)
    async with serving(service, BRISK) as (hub, port):
        async with feed(port) as client:
            last = (await take(client))["n"]
        for value in range(1, 11):
            before = hub.n
            service.set_signal(BED, "map", float(value))
            await until(lambda before=before: hub.n > before)  # type: ignore[misc]
        async with feed(port, f"?after={last}") as client:
            missed = [await take(client) for _ in range(10)]

    assert [(frame["type"], frame["n"]) for frame in missed] == [("delta", last + i) for i in range(1, 11)]
    assert missed[-1]["beds"][0]["signals"]["map"]["value"] == 10.0


@pytest.mark.parametrize("after", ["7", "99999999999999999999999", "-1", "x", "", "1.5", "%00", "٣"])
async def test_after_that_is_no_number_of_ours_gets_a_snapshot(service: SmallService, after: str) -> None:
    async with serving(service) as (_, port), feed(port, f"?after={after}") as client:
        assert (await take(client))["type"] == "snapshot"


async def test_client_that_stalls_is_cut_off_while_others_miss_nothing(
    service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "LINGER_S", 0.2)  # how long the end is waited for: not what this is about
    service.set_signal(BED, "map", 0.0)
    async with serving(service, BRISK) as (hub, port):
        reader, writer = await stalled_client(port)
        async with feed(port) as fast:
            n = (await take(fast))["n"]
            changing = asyncio.create_task(keep_changing(service, size=200_000))
            while not dropped(hub):
                frame = await take_delta(fast)
                assert frame["n"] == n + 1
                n = frame["n"]
            for _ in range(20):  # the fast one goes on as if nothing had been
                frame = await take_delta(fast)
                assert frame["n"] == n + 1
                n = frame["n"]
            changing.cancel()
            assert (dropped(hub), clients(hub)) == (1, 1)
            with contextlib.suppress(ConnectionError):  # cut, not closed in good order: it never read our closing
                async with asyncio.timeout(10):
                    while await reader.read(1 << 20):
                        pass
        writer.close()


async def test_client_that_is_merely_late_is_told_to_come_again(service: SmallService) -> None:
    service.set_signal(BED, "map", 0.0)
    async with serving(service, BRISK) as (hub, port), feed(port, max_queue=1) as late:
        await take(late)
        changing = asyncio.create_task(keep_changing(service, size=200_000))
        await until(lambda: dropped(hub) == 1)  # it reads nothing meanwhile
        changing.cancel()
        with pytest.raises(ConnectionClosed) as closed:
            await take_all(late)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "did not keep up")


async def test_client_that_leaves_is_forgotten(service: SmallService) -> None:
    async with serving(service, BRISK) as (hub, port):
        async with feed(port) as client:
            await take(client)
            assert clients(hub) == 1
        await until(lambda: clients(hub) == 0)

        assert dropped(hub) == 0


async def test_one_client_too_many_is_told_to_come_again(service: SmallService) -> None:
    async with serving(service, Pacing(clients_max=1)) as (_, port), feed(port) as first:
        await take(first)
        async with feed(port) as second:
            with pytest.raises(ConnectionClosed) as closed:
                await take(second)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert (await take(first))["type"] == "heartbeat", "the first goes on"


@pytest.mark.parametrize("origin", ["http://elsewhere.test", "null"])
async def test_page_of_another_origin_is_turned_away(service: SmallService, origin: str) -> None:
    async with serving(service) as (hub, port):
        with pytest.raises(InvalidStatus) as refused:
            async with feed(port, additional_headers={"Origin": origin}):
                pass
        assert refused.value.response.status_code == 403
        assert clients(hub) == 0


async def test_our_own_page_is_let_in(service: SmallService) -> None:
    async with serving(service) as (_, port), feed(port, origin=f"http://127.0.0.1:{port}") as client:
        assert (await take(client))["type"] == "snapshot"


async def test_client_that_talks_is_not_listened_to_and_one_that_shouts_is_closed(service: SmallService) -> None:
    async with serving(service, BRISK) as (_, port), feed(port) as client:
        await take(client)
        await client.send("hello")
        assert (await take(client))["type"] == "heartbeat"
        await client.send("x" * 10_000)
        with pytest.raises(ConnectionClosed):
            await take_all(client)


async def test_feed_asked_for_without_a_websocket_is_not_found(service: SmallService) -> None:
    async with serving(service) as (_, port), httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{port}/api/v1/feed")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_server_ends_when_cancelled_even_with_clients(service: SmallService) -> None:
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        _, port = await stack.enter_async_context(serving(service))
        client = await stack.enter_async_context(feed(port))
        await take(client)
        began = loop.time()

        await stack.pop_all().aclose()

        assert loop.time() - began < web_server.SHUTDOWN_S + 2


async def test_server_that_cannot_have_its_port_says_so_before_it_runs(service: SmallService) -> None:
    async with serving(service) as (hub, port):
        with pytest.raises(OSError, match="in use"):
            WebServer.listening(create_app(service, hub), "127.0.0.1", port)
