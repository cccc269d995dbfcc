"""`vigil heartbeat`, as a supervisor runs it: quiet while the gateway is well, status 1 when it is silent or stuck."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.figures import tell
from tests.support.gateway_process import GatewayProcess, JsonObject, run_vigil, wait_until
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.mqtt_client import MqttClient

HEARTBEAT = "icu/v1/vigil/heartbeat"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[tuple[Mosquitto, GatewayProcess]]:
    with start_mosquitto(tmp_path) as broker, GatewayProcess(tmp_path / "data", broker.url) as gateway:
        gateway.start_and_wait()
        yield broker, gateway


def listen(broker: Mosquitto, for_s: float) -> tuple[subprocess.CompletedProcess[str], JsonObject, float]:
    """The command, what it says, and how long it took."""
    began_s = time.monotonic()
    done = run_vigil("heartbeat", "--broker", broker.url, "--for", str(for_s))
    return done, orjson.loads(done.stdout), time.monotonic() - began_s


def beats(broker: Mosquitto) -> Generator[JsonObject, None, None]:
    with MqttClient(broker.port, "listener") as client:
        client.subscribe(HEARTBEAT)
        while True:
            yield orjson.loads(client.next_message()[1])


def test_a_heartbeat_tells_how_the_gateway_is(ward: tuple[Mosquitto, GatewayProcess]) -> None:
    broker, gateway = ward
    gateway.admit("icu", "b01")
    heard = beats(broker)
    before = next(heard)
    with MqttClient(broker.port, "device") as device:
        device.publish("icu/v1/icu/b01/mon1/obs", b'{"boot":"b","seq":0,"metrics":{}}')
    after = next(beat for beat in heard if beat["last_message_age_s"] is not None)
    heard.close()

    assert (before["journal"], before["beds"], before["last_message_age_s"]) == ("writable", 1, None)
    assert before["house_alarms"] == 0
    assert 0 <= after["last_message_age_s"] < 3
    assert after["lag_s"] < 2
    assert after["offset"] > before["offset"]
    assert after["offset"] <= after["journal_offset"]


def test_listening_ends_with_a_failure_when_the_gateway_stops_and_not_while_it_is_well(
    ward: tuple[Mosquitto, GatewayProcess],
) -> None:
    broker, gateway = ward

    well, said_well, _ = listen(broker, 4)
    gateway.pause()
    stopped, said_stopped, took_s = listen(broker, 30)

    assert (well.returncode, said_well["trouble"]) == (0, None)
    assert said_well["beats"] >= 3
    assert stopped.returncode == 1
    assert "no heartbeat" in said_stopped["trouble"]
    assert "no heartbeat" in stopped.stderr
    assert 3.0 <= took_s < 10.0
    tell(f"found out {took_s:.1f} s after the start of the command")


def test_listening_ends_with_a_failure_when_the_gateway_lives_and_records_nothing(
    ward: tuple[Mosquitto, GatewayProcess],
) -> None:
    broker, gateway = ward
    gateway.forbid_writing()
    wait_until(lambda: gateway.readiness()[1]["journal"]["state"] == "refusing", "the disk refuses")

    stuck, said, _ = listen(broker, 30)
    gateway.allow_writing()

    assert stuck.returncode == 1
    assert said["last"]["journal"] == "refusing"
    assert "recorded" in said["trouble"]
