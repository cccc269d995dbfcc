"""The feed where people sign in, over a real server and real sockets: who may watch, and when that ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.access.desk import AccessDesk, Lives
from gateway.access.passwords import PasswordDesk
from gateway.access.proxy import ProxyDesk
from gateway.access.roles import Role
from gateway.web.access import Desk
from gateway.web.app import create_app
from gateway.web.feed import FeedHub
from gateway.web.server import WebServer
from storage.access import FILE, AccessStore
from streaming.identity import BedId
from tests.support.signing_in import CHEAP, PASSWORD, accounts, add_program
from tests.support.small_service import SmallService

CLOSED_WITHIN_S = 5.0
SECRET = "0123456789abcdef0123456789abcdef"


class Ward:
    """A gateway on a free port, with a patient to see."""

    def __init__(self, service: SmallService, store: AccessStore, desk: AccessDesk) -> None:
        self.service = service
        self.store = store
        self.desk = desk
        self.port = 0

    async def signed_in(self, name: str) -> str:
        """A session's cookie."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as browser:
            answer = await browser.post("/api/v1/session", json={"name": name, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            return answer.headers["set-cookie"].partition(";")[0]

    def feed(self, **headers: str) -> connect:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return connect(f"ws://127.0.0.1:{self.port}/api/v1/feed", compression=None, additional_headers=named)


@contextlib.asynccontextmanager
async def serving(ward: Ward, desk: Desk) -> AsyncIterator[None]:
    hub = FeedHub(ward.service)
    server = WebServer.listening(create_app(ward.service, hub, desk), "127.0.0.1", 0)
    ward.port = server.port
    tasks = [asyncio.create_task(each) for each in (hub.run(), server.run(), ward.desk.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        server.close()


@pytest.fixture
async def idle_ward(tmp_path: Path) -> AsyncIterator[Ward]:
    service, store, passwords = await SmallService.open(tmp_path), accounts(tmp_path), PasswordDesk(CHEAP)
    service.set_signal(BedId("icu", "b01"), "map", 71.0)
    yield Ward(service, store, AccessDesk(store, passwords, service.now_ms, Lives()))
    passwords.close()
    store.close()
    await service.close()


@pytest.fixture
async def ward(idle_ward: Ward) -> AsyncIterator[Ward]:
    async with serving(idle_ward, idle_ward.desk):
        yield idle_ward


async def sees(client: ClientConnection) -> bool:
    async with asyncio.timeout(10):
        frame = orjson.loads(await client.recv())
    return frame["type"] == "snapshot" and len(frame["beds"]) == 1


async def closing_code(client: ClientConnection) -> int | None:
    """The code with which the server closes, in time."""
    async with asyncio.timeout(CLOSED_WITHIN_S):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await client.recv()
    return client.close_code


async def test_feed_is_closed_to_whoever_has_not_signed_in(ward: Ward) -> None:
    for headers in ({}, {"Cookie": "vigil-session=made-up"}, {"Authorization": "Bearer made-up"}):
        with pytest.raises(InvalidStatus) as refused:
            async with ward.feed(**headers):
                pytest.fail("nobody may watch unknown")
        assert refused.value.response.status_code == 401
        assert orjson.loads(refused.value.response.body or b"")["reason"] == "sign_in"


async def test_feed_shows_patients_to_whoever_has_signed_in(ward: Ward) -> None:
    async with ward.feed(Cookie=await ward.signed_in("viewer")) as client:
        assert await sees(client)


async def test_feed_of_another_pages_browser_is_refused_even_with_its_cookie(ward: Ward) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with ward.feed(Cookie=await ward.signed_in("viewer"), Origin="https://evil.test"):
            pytest.fail("another page may not watch")
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.remove("nurse"),
        lambda store: store.set_role("nurse", "viewer"),
        lambda store: store.set_password("nurse", "…"),
    ],
    ids=["removed", "role", "password"],
)
async def test_open_feed_is_closed_when_another_process_changes_the_account(
    ward: Ward, tmp_path: Path, change: Callable[[AccessStore], bool]
) -> None:
    beside = AccessStore.open(tmp_path / FILE)
    nurses, physicians = await ward.signed_in("nurse"), await ward.signed_in("physician")
    async with ward.feed(Cookie=nurses) as nurse, ward.feed(Cookie=physicians) as physician:
        assert await sees(nurse)
        assert await sees(physician)

        assert change(beside)

        assert await closing_code(nurse) == 1008
        async with asyncio.timeout(10):
            assert await physician.recv(), "who is not meant watches on"
    beside.close()


async def test_open_feed_is_closed_on_sign_out(ward: Ward) -> None:
    cookie = await ward.signed_in("nurse")
    async with ward.feed(Cookie=cookie) as client, httpx.AsyncClient() as browser:
        assert await sees(client)
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{ward.port}"}
        gone = await browser.delete(f"http://127.0.0.1:{ward.port}/api/v1/session", headers=headers)

        assert gone.status_code == 204
        assert await closing_code(client) == 1008


async def test_open_feed_is_closed_when_its_watch_is_over(ward: Ward) -> None:
    async with ward.feed(Cookie=await ward.signed_in("nurse")) as client:
        assert await sees(client)
        ward.service.clock_ms += 12 * 3_600_000

        assert await closing_code(client) == 1008


async def test_open_feed_of_a_program_is_closed_when_its_token_is_removed(ward: Ward, tmp_path: Path) -> None:
    token = add_program(ward.store, "mirror", Role.VIEWER)
    beside = AccessStore.open(tmp_path / FILE)
    beside.set_role("physician", "nurse")  # so that the desk looks
    bearer = f"Bearer {token}"
    async with asyncio.timeout(CLOSED_WITHIN_S):
        while ward.desk.who_has_token(token) is None:
            await asyncio.sleep(0.02)
    async with ward.feed(Authorization=bearer) as client:
        assert await sees(client)
        beside.remove("mirror")

        assert await closing_code(client) == 1008
    beside.close()


async def test_a_proxy_on_this_machine_says_that_the_browser_came_over_https_and_from_where(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vigil.access")
    base_url, said = (
        f"http://127.0.0.1:{ward.port}/api/v1",
        {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.9.8.7"},
    )
    async with httpx.AsyncClient(base_url=base_url, headers=said) as browser:
        answer = await browser.post("/session", json={"name": "nurse", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].partition(";")[0]

        assert cookie.startswith("__Host-vigil=")
        assert (await browser.get("/admissions", headers={"Cookie": cookie})).status_code == 200
        plain = cookie.replace("__Host-vigil", "vigil-session")
        assert (await browser.get("/admissions", headers={"Cookie": plain})).status_code == 401
    assert "address=10.9.8.7" in caplog.text


async def test_feed_behind_a_proxy_is_for_whom_it_names(idle_ward: Ward) -> None:
    async with serving(idle_ward, ProxyDesk(SECRET)):
        said = {"X_Vigil_Proxy_Secret": SECRET, "X_Vigil_Actor": "Ines", "X_Vigil_Role": "viewer"}
        async with idle_ward.feed(**said) as client:
            assert await sees(client)
        with pytest.raises(InvalidStatus):
            async with idle_ward.feed(**said | {"X_Vigil_Proxy_Secret": "guessed"}):
                pytest.fail("who does not know the secret is not the proxy")
