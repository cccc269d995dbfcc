"""The session with the broker, in both MQTT versions: what waits while the gateway is stopped or dead arrives, retained
status and last will speak for a device, and a device that sends again is there again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.gateway_process import (
    GatewayProcess,
    JsonObject,
    assert_live_equals_replay,
    journaled_identities,
    wait_until,
)
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.mqtt_client import MqttClient, Will
from tests.support.telemetry import WELL

RECEIVE_MAXIMUM = 50
MORE_THAN_FIT = 300
TURNS = 2
PUMP = "icu/v1/icu/b01/pump1"
MONITOR = "icu/v1/icu/b01/mon1"


def obs(seq: int) -> bytes:
    return orjson.dumps({"boot": "b", "seq": seq, "metrics": WELL})


def status(state: str, kind: str = "monitor") -> bytes:
    return orjson.dumps({"state": state, "kind": kind})


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path) as running:
        yield running


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_waits_while_the_gateway_stands_still_or_is_dead_arrives(
    tmp_path: Path, broker: Mosquitto, protocol: str
) -> None:
    settings = {"VIGIL_MQTT_PROTOCOL": protocol, "VIGIL_RECEIVE_MAXIMUM": str(RECEIVE_MAXIMUM)}
    with (
        MqttClient(broker.port, "pump") as pump,
        GatewayProcess(tmp_path / "data", broker.url, environ=settings) as gateway,
    ):
        pump.publish(f"{PUMP}/status", status("online", "pump"), retain=True)  # before there ever was a gateway
        gateway.start_and_wait()
        gateway.await_account("icu", "b01", "pump1")
        pump.send(f"{PUMP}/obs", obs(0), qos=0)
        pump.publish(f"{PUMP}/obs", obs(1))
        gateway.await_account("icu", "b01", "pump1", received=3)

        gateway.pause()
        for seq in range(2, 2 + MORE_THAN_FIT):
            pump.publish(f"{PUMP}/obs", obs(seq))
        gateway.resume()
        gateway.await_account("icu", "b01", "pump1", evaluated=3 + MORE_THAN_FIT)

        gateway.kill()
        for seq in range(2 + MORE_THAN_FIT, 2 + 2 * MORE_THAN_FIT):
            pump.publish(f"{PUMP}/obs", obs(seq))
        gateway.start_and_wait()
        account = gateway.await_account("icu", "b01", "pump1", evaluated=4 + 2 * MORE_THAN_FIT)

        assert account["gaps"] == 0
        await_device(gateway, "pump1", "pump", "online")
        journaled = journaled_identities(gateway.data_dir)
        assert set(journaled) == {(PUMP, "b", seq) for seq in range(2 + 2 * MORE_THAN_FIT)}
        assert [seq for _, _, seq in dict.fromkeys(journaled)] == list(range(2 + 2 * MORE_THAN_FIT))


def await_device(gateway: GatewayProcess, name: str, kind: str, state: str) -> None:
    """Returns when the feed shows a device so."""

    def is_shown() -> bool:
        devices = [device for bed in gateway.feed_snapshot()["beds"] for device in bed["devices"]]
        return (name, kind, state) in {(device["device"], device["kind"], device["state"]) for device in devices}

    wait_until(is_shown, f"{name} is shown as a {kind}, {state}")


@pytest.mark.parametrize("protocol", ["5", pytest.param("3.1.1", marks=pytest.mark.slow)])
def test_a_last_will_is_an_alarm_and_data_end_it(tmp_path: Path, broker: Mosquitto, protocol: str) -> None:
    settings = {"VIGIL_MQTT_PROTOCOL": protocol}
    with GatewayProcess(
        tmp_path / "data", broker.url, options=["--speed", "10"], environ=settings
    ) as gateway:  # ten times as fast: an alarm of ten seconds takes one
        gateway.start_and_wait()
        gateway.admit("icu", "b01")
        with MqttClient(broker.port, "monitor", will=Will(f"{MONITOR}/status", status("offline"))) as monitor:
            monitor.publish(f"{MONITOR}/status", status("online"), retain=True)
            monitor.publish(f"{MONITOR}/obs", obs(0))
            await_device(gateway, "mon1", "monitor", "online")
            monitor.vanish()
        alarm = gateway.await_alarm("device_offline")
        assert alarm["evidence"]["text"] == "mon1 says it is offline"
        await_device(gateway, "mon1", "monitor", "offline")

        with MqttClient(broker.port, "monitor") as again:
            again.publish(f"{MONITOR}/obs", obs(1))
            ended = gateway.await_alarm("device_offline", state="ended")
        assert ended["alarm_id"] == alarm["alarm_id"]
        assert_goes_on_after_a_restart_that_brings_the_will_again(gateway, broker.port)


def assert_goes_on_after_a_restart_that_brings_the_will_again(gateway: GatewayProcess, port: int) -> None:
    """The broker keeps the will as the retained status, and sends it whenever the gateway subscribes."""
    before = gateway.account("icu", "b01", "mon1")
    assert before is not None
    gateway.kill()
    gateway.start_and_wait()
    gateway.await_account("icu", "b01", "mon1", received=before["received"] + 1)
    await_device(gateway, "mon1", "monitor", "offline")
    with MqttClient(port, "monitor") as again:
        again.publish(f"{MONITOR}/obs", obs(2))
    gateway.await_account("icu", "b01", "mon1", received=before["received"] + 2)

    await_device(gateway, "mon1", "monitor", "online")
    assert_live_equals_replay(gateway)


def test_a_broker_that_is_not_there_at_the_start_is_an_alarm_too(tmp_path: Path, broker: Mosquitto) -> None:
    with GatewayProcess(tmp_path / "data", broker.url) as gateway:
        gateway.start_and_wait()
        gateway.admit("icu", "b01")
        gateway.kill()
        broker.stop()

        gateway.start()
        gateway.await_serving()

        alarm = gateway.await_alarm("system.broker_lost")
        assert gateway.readiness()[0] == 503
        assert (alarm["unit"], alarm["bed"], alarm["admission_id"]) == ("icu", None, None)  # one for the whole unit
        broker.restart()
        gateway.await_ready()
        gateway.await_alarm("system.broker_lost", state="ended")


def test_alarms_are_published_in_order_and_none_is_missing_over_kills(tmp_path: Path, broker: Mosquitto) -> None:
    with (
        MqttClient(broker.port, "listener") as listener,
        GatewayProcess(tmp_path / "data", broker.url, options=["--speed", "10"]) as gateway,
    ):
        listener.subscribe("icu/v1/icu/b01/vigil/alarm")
        gateway.start_and_wait()
        gateway.admit("icu", "b01")
        with MqttClient(broker.port, "monitor") as monitor:
            for turn in range(TURNS):
                monitor.publish(f"{MONITOR}/obs", obs(turn))
                monitor.publish(f"{MONITOR}/status", status("offline"))
                gateway.await_alarm("device_offline")
                gateway.kill()
                gateway.start_and_wait()
            monitor.publish(f"{MONITOR}/obs", obs(TURNS))
        gateway.await_alarm("device_offline", state="ended")
        outcomes = assert_live_equals_replay(gateway)
        steps = sorted((step for alarm in outcomes.transitions.values() for step in alarm), key=lambda step: step["n"])
        heard = heard_until(listener, steps[-1]["n"])

    first_heard = list(dict.fromkeys(step["n"] for step in heard))
    assert first_heard == [step["n"] for step in steps]


def heard_until(listener: MqttClient, n: int) -> list[JsonObject]:
    """Transitions that were published, up to number `n` of the admission."""
    heard: list[JsonObject] = []
    while not heard or heard[-1]["n"] < n:
        heard.append(orjson.loads(listener.next_message()[1]))
    return heard
