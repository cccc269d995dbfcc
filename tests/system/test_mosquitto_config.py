"""deploy/mosquitto, started for real: it parses, keeps what must not be lost, and lets a device write what is its own.

Every refusal and every "nothing lost" has a control: the same steps with the setting taken out, which go the other way.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from tests.support.deployed_mosquitto import DEPLOYED, PASSWORD, DeployedMosquitto
from tests.support.mosquitto import Mosquitto, start_mosquitto

pytestmark = [
    pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]

DEADLINE_S = 30.0
GATEWAY = "vigil-gateway"
USERS = (GATEWAY, "mon-1", "mon-2")
OWN = "icu/v1/icu/b01/mon-1/obs"
OTHERS = "icu/v1/icu/b01/mon-2/obs"


@contextlib.asynccontextmanager
async def running(broker: DeployedMosquitto) -> AsyncIterator[list[str]]:
    """Runs the broker until the block ends; yields what it has logged until it was ready, a line each."""
    process = await asyncio.create_subprocess_exec(
        *broker.command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    log: list[str] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not any("running" in line for line in log):
                line = await process.stderr.readline()
                assert line, f"mosquitto ended:\n{''.join(log)}"
                log.append(line.decode())
        yield log
    finally:
        process.kill()
        await process.communicate()


def client_of(
    broker: DeployedMosquitto, user: str | None, *, identifier: str | None = None, password: str = PASSWORD
) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        identifier=identifier or user or "nobody",
        username=user,
        password=password if user else None,
        tls_context=broker.trust(),
        protocol=aiomqtt.ProtocolVersion.V5,
        timeout=DEADLINE_S,
    )


async def next_message(client: aiomqtt.Client) -> tuple[str, object]:
    async with asyncio.timeout(DEADLINE_S):
        message = await anext(aiter(client.messages))
    return str(message.topic), message.payload


async def first_of_two(broker: DeployedMosquitto, first: str, then: str) -> str:
    """mon-1 writes two topics in this order; the topic of the message that reaches the gateway first."""
    async with client_of(broker, GATEWAY) as gateway, client_of(broker, "mon-1") as device:
        await gateway.subscribe("icu/#", qos=1)
        for topic in (first, then):
            await device.publish(topic, b"{}", qos=1)
        return (await next_message(gateway))[0]


async def test_the_production_configuration_is_accepted_without_a_warning(tmp_path: Path) -> None:
    async with running(DeployedMosquitto(tmp_path, USERS)) as log:
        complaints = [line for line in log if ("Warning" in line or "Error" in line) and "as root" not in line]

    assert complaints == []


@pytest.mark.parametrize(
    "topic",
    [
        OTHERS,
        "icu/v1/icu/b02/mon-2/status",
        "icu/v1/icu/b01/vigil/permit",
        "icu/v1/icu/b01/vigil/alarm",
        "icu/v1/vigil/heartbeat",
        "icu/v1/vigil/alarm",
        "icu/v1/icu/b01/mon-1/permit",
        "icu/v2/icu/b01/mon-1/obs",
    ],
)
async def test_a_device_cannot_write_a_topic_that_is_not_its_own(tmp_path: Path, topic: str) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    async with running(broker):
        assert await first_of_two(broker, topic, OWN) == OWN


async def test_a_device_that_writes_what_is_not_its_own_stays_connected(tmp_path: Path) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    async with running(broker), client_of(broker, "mon-1") as device:
        await device.publish(OTHERS, b"{}", qos=1)

        await device.subscribe("none/such", qos=1)  # a round trip: a connection that is cut does not answer


async def test_another_devices_topic_would_be_written_without_the_access_list(tmp_path: Path) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    broker.without("acl_file")
    async with running(broker):
        assert await first_of_two(broker, OTHERS, OWN) == OTHERS


@pytest.mark.parametrize("leaf", ["obs", "event", "status", "wave"])
async def test_a_device_writes_its_own_topics_at_any_bed(tmp_path: Path, leaf: str) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    topic = f"icu/v1/step-down/b07/mon-1/{leaf}"
    async with running(broker):
        assert await first_of_two(broker, topic, OWN) == topic


async def test_the_gateway_writes_what_is_vigils_and_nothing_of_a_device(tmp_path: Path) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    permit = "icu/v1/icu/b01/vigil/permit"
    async with running(broker), client_of(broker, GATEWAY) as gateway:
        await gateway.subscribe("icu/#", qos=1)

        for topic in (OWN, permit, "icu/v1/vigil/heartbeat"):
            await gateway.publish(topic, b"{}", qos=1)

        assert [(await next_message(gateway))[0] for _ in range(2)] == [permit, "icu/v1/vigil/heartbeat"]


async def received_by_an_eavesdropper(broker: DeployedMosquitto) -> int:
    """How many messages reach mon-2, subscribed to everything, of one that mon-1 sent and the gateway received."""
    async with (
        client_of(broker, GATEWAY) as gateway,
        client_of(broker, "mon-1") as device,
        client_of(broker, "mon-2") as eavesdropper,
    ):
        await gateway.subscribe("icu/#", qos=1)
        with contextlib.suppress(aiomqtt.MqttError):
            await eavesdropper.subscribe("icu/#", qos=1)
        await device.publish(OWN, b"{}", qos=1)
        await next_message(gateway)
        # A round trip on the eavesdropper's own connection: what was on its way to it has come before the answer.
        with contextlib.suppress(aiomqtt.MqttError):
            await eavesdropper.subscribe("none/such", qos=1)
        return len(eavesdropper.messages)


async def test_a_device_reads_nothing_of_the_others(tmp_path: Path) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    async with running(broker):
        assert await received_by_an_eavesdropper(broker) == 0


async def test_a_device_would_read_the_others_without_the_access_list(tmp_path: Path) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    broker.without("acl_file")
    async with running(broker):
        assert await received_by_an_eavesdropper(broker) == 1


@pytest.mark.parametrize(("user", "password"), [(None, ""), ("mon-1", "wrong"), ("unknown", PASSWORD)])
async def test_a_client_without_a_known_name_and_password_is_refused(
    tmp_path: Path, user: str | None, password: str
) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    async with running(broker):
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            async with client_of(broker, user, password=password):
                pass


async def survives_a_namesake(broker: DeployedMosquitto) -> bool:
    """Whether mon-1 still receives after mon-2 has connected with mon-1's client id."""
    async with client_of(broker, GATEWAY) as victim, client_of(broker, "mon-2", identifier=GATEWAY) as namesake:
        try:
            await victim.subscribe("icu/#", qos=1)
            await namesake.publish(OTHERS, b"{}", qos=1)
            return await next_message(victim) == (OTHERS, b"{}")
        except aiomqtt.MqttError:
            return False


async def test_nobody_takes_over_the_session_of_another(tmp_path: Path) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    async with running(broker):
        assert await survives_a_namesake(broker)


async def test_a_session_would_be_taken_over_without_the_binding_to_the_user(tmp_path: Path) -> None:
    broker = DeployedMosquitto(tmp_path, USERS)
    broker.without("use_username_as_clientid")
    async with running(broker):
        assert not await survives_a_namesake(broker)


# What follows needs no users: limits.conf alone, over settings that mosquitto has of its own accord.

WAITING = 3_000


def with_limits(tmp_path: Path) -> Mosquitto:
    folder = tmp_path / "limits"
    folder.mkdir()
    shutil.copy(DEPLOYED / "limits.conf", folder)
    return start_mosquitto(tmp_path, max_queued_messages=1000, persistence=True, include_dir=str(folder))


def without_limits(tmp_path: Path) -> Mosquitto:
    return start_mosquitto(tmp_path, max_queued_messages=1000, persistence=True)


def plain_client(broker: Mosquitto, identifier: str) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=False,
        timeout=DEADLINE_S,
        max_inflight_messages=500,
    )


async def send_to_an_absent_gateway(broker: Mosquitto, count: int) -> None:
    """Returns when the device has the broker's acknowledgement for all of them."""
    async with plain_client(broker, GATEWAY) as gateway:
        await gateway.subscribe("icu/#", qos=1)
    async with plain_client(broker, "mon-1") as device, asyncio.TaskGroup() as sending:
        for number in range(count):
            sending.create_task(device.publish(OWN, str(number), qos=1))


async def kept_for_the_gateway(broker: Mosquitto, at_least: int) -> list[int]:
    """The numbers that the gateway receives when it comes back, up to a mark that is sent once `at_least` have come."""
    numbers: list[int] = []
    async with plain_client(broker, GATEWAY) as gateway, plain_client(broker, "mon-1") as device:
        await gateway.subscribe("icu/#", qos=1)
        while True:
            if len(numbers) == at_least:
                await device.publish(OWN, "mark", qos=1)
            _, payload = await next_message(gateway)
            if payload == b"mark":
                return numbers
            numbers.append(int(str(payload, "ascii")) if isinstance(payload, bytes) else -1)


async def test_every_message_to_an_absent_gateway_is_kept(tmp_path: Path) -> None:
    with with_limits(tmp_path) as broker:
        await send_to_an_absent_gateway(broker, WAITING)

        assert await kept_for_the_gateway(broker, at_least=WAITING) == list(range(WAITING))


async def test_the_newest_messages_to_an_absent_gateway_would_be_lost_without_the_limits(tmp_path: Path) -> None:
    with without_limits(tmp_path) as broker:
        await send_to_an_absent_gateway(broker, WAITING)

        assert await kept_for_the_gateway(broker, at_least=1000) == list(range(1000))


async def saved_anew(broker: Mosquitto, within_s: float) -> bool:
    """Waits until the broker's file has been written from beginning to end since the call; False when it is not."""
    file = broker.directory / "mosquitto.db"
    seen: set[int] = set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            # Three stamps: one of before the call, one of a writing that may have begun before it, one that has not.
            while len(seen) < 3:
                if file.exists():
                    seen.add(file.stat().st_mtime_ns)
                await asyncio.sleep(0.05)
            return True
    return False


async def test_what_waits_for_the_gateway_survives_a_power_cut_of_the_broker(tmp_path: Path) -> None:
    with with_limits(tmp_path) as broker:
        await send_to_an_absent_gateway(broker, 500)
        assert await saved_anew(broker, within_s=DEADLINE_S)

        broker.kill()
        broker.restart()

        assert await kept_for_the_gateway(broker, at_least=500) == list(range(500))


async def test_what_waits_for_the_gateway_would_not_survive_a_power_cut_without_the_limits(tmp_path: Path) -> None:
    with without_limits(tmp_path) as broker:
        await send_to_an_absent_gateway(broker, 500)
        assert not await saved_anew(broker, within_s=3.0)

        broker.kill()
        broker.restart()

        assert await kept_for_the_gateway(broker, at_least=0) == []


async def send_and_listen(broker: Mosquitto, payload: bytes) -> None:
    """Raises when the broker cuts the connection."""
    async with plain_client(broker, "mon-2") as device:
        await device.publish(OWN, payload, qos=0)
        await next_message(device)


async def test_a_message_larger_than_any_of_the_contract_is_refused(tmp_path: Path) -> None:
    with with_limits(tmp_path) as broker:
        async with plain_client(broker, "mon-1") as device:
            await device.publish(OWN, bytes(64 * 1024), qos=1)
        with pytest.raises(aiomqtt.MqttError, match="Disconnected"):
            await send_and_listen(broker, bytes(300 * 1024))


async def test_a_message_larger_than_any_of_the_contract_would_pass_without_the_limits(tmp_path: Path) -> None:
    with without_limits(tmp_path) as broker:
        async with plain_client(broker, GATEWAY) as gateway, plain_client(broker, "mon-2") as device:
            await gateway.subscribe("icu/#", qos=1)
            await device.publish(OWN, bytes(300 * 1024), qos=0)

            assert await next_message(gateway) == (OWN, bytes(300 * 1024))
