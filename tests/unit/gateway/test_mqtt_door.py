"""The door to MQTT against a broker that the test plays: acknowledgements, half packets, silence, nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable

import psutil
import pytest

from gateway import mqtt
from gateway.mqtt import BrokerAddress, Delivery, MqttDoor
from tests.support.mqtt_packets import CONNACK, CONNECT, PUBACK, PUBLISH, SUBACK, connack, packet, publish
from tests.support.scripted_broker import DEADLINE_S, Connection, ScriptedBroker, scripted_broker

TOPIC = b"icu/v1/icu/b01/mon1/obs"


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    async with scripted_broker() as played:
        yield played


@contextlib.asynccontextmanager
async def door_to(broker: ScriptedBroker, protocol: str = "5") -> AsyncIterator[MqttDoor]:
    address = BrokerAddress(host="127.0.0.1", port=broker.port, protocol=protocol)
    door = MqttDoor(address, client_id="vigil-test", receive_maximum=100)
    running = asyncio.create_task(door.run())
    try:
        yield door
    finally:
        assert not running.done(), running.exception()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():
            await asyncio.sleep(0.005)


def message(packet_id: int, payload: bytes = b"x") -> bytes:
    return publish(TOPIC, payload, packet_id=packet_id, properties=b"")


async def acknowledged(connection: Connection) -> int:
    _, body = await connection.expect(PUBACK)
    return int.from_bytes(body[:2], "big")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_message_is_acknowledged_when_it_is_said_to_be_durable_and_not_before(
    broker: ScriptedBroker, protocol: str
) -> None:
    async with door_to(broker, protocol) as door:
        connection = await broker.next_connection()
        await connection.welcome(is_v5=protocol == "5")
        properties = b"" if protocol == "5" else None
        for packet_id in (7, 8):
            connection.send(publish(TOPIC, b"x", packet_id=packet_id, properties=properties))
        await until(lambda: len(door.inbox) == 2)

        door.acknowledge([door.inbox[1]])

        assert await acknowledged(connection) == 8


async def test_many_are_acknowledged_in_their_order(broker: ScriptedBroker) -> None:
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.welcome()
        connection.send(b"".join(message(packet_id) for packet_id in range(1, 501)))
        await until(lambda: len(door.inbox) == 500)

        door.acknowledge(door.inbox)

        assert [await acknowledged(connection) for _ in range(500)] == list(range(1, 501))


async def test_what_waited_at_the_broker_is_acknowledged_though_the_subscription_is_not_confirmed_yet(
    broker: ScriptedBroker,
) -> None:
    # A persistent session goes on at CONNACK. What is never acknowledged on a connection fills the broker's window,
    # and with it full nothing comes any more.
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.expect(CONNECT)
        connection.send(connack(session_present=True) + message(1) + message(2))
        await until(lambda: len(door.inbox) == 2)

        door.acknowledge(door.inbox)

        assert [await acknowledged(connection), await acknowledged(connection)] == [1, 2]


async def test_a_packet_id_of_an_earlier_connection_is_not_acknowledged_on_the_next(broker: ScriptedBroker) -> None:
    async with door_to(broker) as door:
        first = await broker.next_connection()
        await first.welcome()
        first.send(message(1, b"old"))
        await until(lambda: len(door.inbox) == 1)
        first.close()
        second = await broker.next_connection()
        await second.welcome()
        second.send(message(2, b"new"))
        await until(lambda: len(door.inbox) == 2)

        door.acknowledge(door.inbox)

        assert await acknowledged(second) == 2


async def test_a_connection_that_came_to_nothing_is_closed_and_what_it_still_brings_is_not_acknowledged_elsewhere(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_TIMEOUT_S", 0.2)
    async with door_to(broker) as door:
        silent = await broker.next_connection()
        await silent.expect(CONNECT)
        second = await broker.next_connection()
        silent.send(connack() + message(1, b"too late"))
        await second.welcome()
        second.send(message(1, b"in time") + message(2))
        await until(lambda: len(door.inbox) >= 2)
        await silent.closed()

        late = [delivery for delivery in door.inbox if delivery.payload == b"too late"]
        door.acknowledge([*late, *(delivery for delivery in door.inbox if delivery.packet_id == 2)])

        assert await acknowledged(second) == 2


async def test_a_broker_that_never_answers_costs_no_sockets(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_TIMEOUT_S", 0.05)
    monkeypatch.setattr(mqtt, "BACKOFF_MAX_S", 0.05)
    async with door_to(broker):
        await until(lambda: broker.accepted >= 8)

        assert len(own_connections_to(broker.port)) <= 2


def own_connections_to(port: int) -> list[object]:
    connections = psutil.Process().net_connections("tcp4")
    return [each for each in connections if each.raddr and each.raddr.port == port and each.status == "ESTABLISHED"]


async def test_a_packet_that_stops_in_the_middle_does_not_hold_the_loop(broker: ScriptedBroker) -> None:
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.welcome()
        whole = message(1, b"0123456789")
        connection.send(message(9) + whole[:-4])
        await until(lambda: len(door.inbox) == 1)

        connection.send(whole[-4:])

        await until(lambda: len(door.inbox) == 2)
        assert door.inbox[1] == Delivery(TOPIC.decode(), b"0123456789", 1, 1, door.epoch)


NONSENSE = {
    "a CONNACK too short": packet(CONNACK, b""),
    "a SUBACK too short": packet(SUBACK, b"\x00"),
    "a SUBACK for nothing": packet(SUBACK, b"\x77\x77\x00\x01"),
    "a PUBACK too short": packet(PUBACK, b"\x00"),
    "packet type 0": packet(0x00, b"abc"),
    "AUTH": packet(0xF0, b"\x00\x00"),
    "a PUBLISH longer inside than outside": packet(0x32, b"\x00\x50a"),
    "a length of five bytes": b"\x32\xff\xff\xff\xff\x7f",
    "properties that are none": packet(CONNACK, b"\x00\x00\x05\xff\xff\xff\xff\xff"),
    "a QoS 2 PUBLISH too short": packet(0x34, b"\x00\x01"),
    "a QoS 2 PUBLISH whose topic is not UTF-8": packet(0x34, b"\x00\x01\xff\x00\x01\x00"),
    "all bytes": bytes(range(256)),
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
async def test_a_broker_that_talks_nonsense_ends_nothing_but_the_connection(
    broker: ScriptedBroker, nonsense: bytes
) -> None:
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.welcome()
        await until(lambda: door.is_connected)
        connection.send(nonsense)
        connection.close()

        following = await broker.next_connection()
        await following.welcome()
        following.send(message(3))

        await until(lambda: door.inbox and door.inbox[-1].packet_id == 3)
        assert door.is_connected


async def test_an_error_of_the_client_library_ends_nothing_but_the_connection(broker: ScriptedBroker) -> None:
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.welcome()
        await until(lambda: door.is_connected)
        assert door._client is not None
        door._client._disconnected.set_exception(struct.error("unpack requires a buffer of 2 bytes"))

        following = await broker.next_connection()
        await following.welcome()

        await until(lambda: door.connections == 2)
        await connection.closed()


@pytest.mark.parametrize("turns", range(8))
async def test_publishing_ends_when_it_is_cancelled_in_the_moment_in_which_it_succeeds(
    broker: ScriptedBroker, turns: int
) -> None:
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.welcome()
        await until(lambda: door.is_connected)
        publishing = asyncio.create_task(publish_for_ever(door))
        await connection.expect(PUBLISH)
        assert door._client is not None
        (confirmation,) = door._client._pending_publishes.values()
        confirmation.set()  # as the PUBACK does
        for _ in range(turns):
            await asyncio.sleep(0)
        publishing.cancel()

        await asyncio.wait([publishing], timeout=2.0)
        assert publishing.cancelled()


@pytest.mark.parametrize("is_silenced", [True, False])
async def test_permits_of_a_ward_that_go_out_together_are_no_warning_on_the_terminal(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, is_silenced: bool
) -> None:
    if not is_silenced:  # the control: with the library's own threshold the same is told
        monkeypatch.setattr(mqtt, "PENDING_CALLS_WARNED", 10)
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.welcome()
        await until(lambda: door.is_connected)
        permits = [asyncio.create_task(door.publish(f"icu/{bed}", b"{}", qos=1)) for bed in range(18)]
        for _ in permits:
            await connection.expect(PUBLISH)

        told = [record.getMessage() for record in caplog.records if "pending publish calls" in record.getMessage()]
        assert (told == []) is is_silenced

        for permit in permits:
            permit.cancel()
        await asyncio.wait(permits)


async def publish_for_ever(door: MqttDoor) -> None:
    while await door.publish("icu/v1/icu/b01/vigil/alarm", b"{}", qos=1):
        pass


async def test_a_refused_subscription_is_no_connection_and_says_where_to_look(broker: ScriptedBroker) -> None:
    async with door_to(broker) as door:
        connection = await broker.next_connection()
        await connection.expect(CONNECT)
        connection.send(connack())
        await connection.confirm_subscription(code=0x87)

        await broker.next_connection()

        assert not door.is_connected
        assert "access list" in door.last_error


async def test_whoever_wants_to_know_is_told_when_the_connection_comes_and_goes(broker: ScriptedBroker) -> None:
    told: list[bool] = []
    async with door_to(broker) as door:
        door.on_link = told.append
        connection = await broker.next_connection()
        await connection.welcome()
        await until(lambda: told == [True])
        connection.close()
        await until(lambda: told == [True, False])
        connection = await broker.next_connection()
        await connection.welcome()

        await until(lambda: told == [True, False, True])


async def test_a_broker_that_is_not_there_from_the_beginning_is_told_once() -> None:
    async with scripted_broker() as gone:
        address = BrokerAddress(host="127.0.0.1", port=gone.port)
    door = MqttDoor(address, client_id="vigil-test", receive_maximum=100)
    told: list[bool] = []
    door.on_link = told.append
    running = asyncio.create_task(door.run())

    await until(lambda: door.epoch >= 4)

    running.cancel()
    assert told == [False]
    assert door.last_error
