"""The demo's own broker: both kinds really start, carry QoS 1 messages on loopback only, and end with their owner."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
import psutil
import pytest

from gateway.broker import (
    MOSQUITTO_LIMITS,
    BrokerFailed,
    BrokerKind,
    EmbeddedBroker,
    find_mosquitto,
    start_embedded_broker,
)
from tests.support.sources import REPOSITORY

DEADLINE_S = 20.0
KINDS = [
    pytest.param(
        BrokerKind.MOSQUITTO, marks=pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
    ),
    BrokerKind.AMQTT,
]


@contextlib.asynccontextmanager
async def running(data_dir: Path, kind: BrokerKind, port: int = 0) -> AsyncIterator[EmbeddedBroker]:
    broker = await start_embedded_broker(data_dir, port, kind=kind)
    try:
        yield broker
    finally:
        await broker.stop()


def client_of(broker: EmbeddedBroker, identifier: str, *, clean: bool = True) -> aiomqtt.Client:
    address = urlsplit(broker.url)
    assert address.hostname == "127.0.0.1"
    assert address.port is not None
    return aiomqtt.Client(
        address.hostname,
        address.port,
        identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=clean,
    )


async def next_payload(client: aiomqtt.Client) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        message = await anext(aiter(client.messages))
    assert isinstance(message.payload, bytes)
    return message.payload


@pytest.mark.parametrize("kind", KINDS)
async def test_an_embedded_broker_carries_a_qos_1_message(tmp_path: Path, kind: BrokerKind) -> None:
    async with (
        running(tmp_path, kind) as broker,
        client_of(broker, "gateway") as gateway,
        client_of(broker, "mon1") as device,
    ):
        await gateway.subscribe("icu/v1/#", qos=1)

        await device.publish("icu/v1/icu/b01/mon1/obs", b"{}", qos=1, timeout=DEADLINE_S)

        assert await next_payload(gateway) == b"{}"


@pytest.mark.parametrize("kind", KINDS)
async def test_an_embedded_broker_binds_the_loopback_address_only(tmp_path: Path, kind: BrokerKind) -> None:
    async with running(tmp_path, kind) as broker:
        listening = {
            connection.laddr.ip
            for connection in psutil.Process(broker.process.pid).net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }

    assert listening == {"127.0.0.1"}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_embedded_broker_is_gone_when_stopped_and_may_be_stopped_again(
    tmp_path: Path, kind: BrokerKind
) -> None:
    broker = await start_embedded_broker(tmp_path, kind=kind)

    await broker.stop()
    await broker.stop()

    assert not psutil.pid_exists(broker.process.pid)
    assert await broker.ended() == broker.process.returncode


@pytest.mark.parametrize("kind", KINDS)
async def test_the_death_of_an_embedded_broker_is_told(tmp_path: Path, kind: BrokerKind) -> None:
    async with running(tmp_path, kind) as broker:
        broker.process.kill()

        async with asyncio.timeout(DEADLINE_S):
            assert await broker.ended() == -signal.SIGKILL


async def test_a_broker_without_durability_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, BrokerKind.AMQTT) as broker:
        assert broker.banner == "demo broker, MQTT 3.1.1, not durable"
        assert broker.mqtt_protocol == "3.1.1"


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
async def test_mosquitto_is_preferred_and_needs_no_banner(tmp_path: Path) -> None:
    broker = await start_embedded_broker(tmp_path)
    await broker.stop()

    assert (broker.kind, broker.banner, broker.mqtt_protocol) == (BrokerKind.MOSQUITTO, None, "5")


async def test_amqtt_is_taken_where_mosquitto_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.broker.find_mosquitto", lambda: None)  # it is looked for beyond PATH, and is found

    broker = await start_embedded_broker(tmp_path)
    await broker.stop()

    assert broker.kind is BrokerKind.AMQTT


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
async def test_what_waits_at_mosquitto_is_there_after_a_restart_in_a_folder_with_a_space(tmp_path: Path) -> None:
    folder = tmp_path / "a ward"
    async with running(folder, BrokerKind.MOSQUITTO) as broker:
        async with client_of(broker, "gateway", clean=False) as gateway:
            await gateway.subscribe("icu/v1/#", qos=1)
        async with client_of(broker, "mon1") as device:
            await device.publish("icu/v1/icu/b01/mon1/obs", b"waiting", qos=1, timeout=DEADLINE_S)

    async with running(folder, BrokerKind.MOSQUITTO) as broker, client_of(broker, "gateway", clean=False) as gateway:
        assert await next_payload(gateway) == b"waiting"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_port_that_is_taken_is_refused_not_shared(tmp_path: Path, kind: BrokerKind) -> None:
    async with running(tmp_path, kind) as broker:
        port = urlsplit(broker.url).port
        assert port is not None

        with pytest.raises(BrokerFailed, match=f"port {port} of 127.0.0.1 cannot be used"):
            await start_embedded_broker(tmp_path / "second", port, kind=kind)


async def test_a_broker_that_does_not_start_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "mosquitto"
    broken.write_text("#!/bin/sh\necho 'Error: out of everything' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with pytest.raises(BrokerFailed, match=r"ended with status 3\n(?s:.*)out of everything"):
        await start_embedded_broker(tmp_path, kind=BrokerKind.MOSQUITTO)


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is told by Linux only")
@pytest.mark.parametrize("kind", KINDS)
async def test_an_embedded_broker_ends_when_its_owner_is_killed(tmp_path: Path, kind: BrokerKind) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom gateway.broker import BrokerKind, start_embedded_broker\n"
        "async def main():\n"
        f"    broker = await start_embedded_broker(Path({str(tmp_path)!r}), kind=BrokerKind({str(kind)!r}))\n"
        "    print(broker.process.pid, flush=True)\n"
        "    await broker.ended()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=REPOSITORY) as owner:
        assert owner.stdout is not None
        line = await asyncio.to_thread(owner.stdout.readline)
        broker = psutil.Process(int(line))

        os.kill(owner.pid, signal.SIGKILL)

        gone, alive = await asyncio.to_thread(psutil.wait_procs, [broker], DEADLINE_S)
    assert (gone, alive) == ([broker], [])


def test_the_demo_broker_has_the_limits_of_production() -> None:
    written = (REPOSITORY / "deploy" / "mosquitto" / "limits.conf").read_text().splitlines()
    limits = dict(line.split(" ", 1) for line in written if line and not line.startswith("#"))

    assert limits == MOSQUITTO_LIMITS
