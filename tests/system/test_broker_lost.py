"""The broker killed and restarted under load: the gateway comes back by itself, what the broker kept arrives, and the
gap is an alarm of its own.

What mosquitto keeps, by its own design. It writes its persistence file when it ends in order (SIGTERM) and now and
then; killed (SIGKILL) it loses the messages that it had acknowledged and not yet handed on, and without a file it loses
the sessions too. So two things are asked of the gateway:
  - of an orderly end with persistence: every message that was acknowledged to the publisher arrives (the publisher
    sends again what was not);
  - of a kill: the gateway comes back, everything published from then on arrives, and what the broker lost is counted as
    exactly that: holes in the devices' numbering, with a technical alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.mqtt import KEEPALIVE_S
from tests.support.figures import tell
from tests.support.gateway_process import (
    GatewayProcess,
    JsonObject,
    assert_live_equals_replay,
    journaled_identities,
    wait_until,
)
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.mqtt_client import Identity, MqttClient, SteadyPublisher
from tests.support.telemetry import MonitorScript, Telemetry

BEDS, RATE_HZ = 10, 20.0
ADMITTED = ("b00", "b01")
MEANWHILE = "hdu"
"""A unit whose first patient is admitted while the broker is gone."""
LAST = "icu/v1/icu/last/mon1"
KEPT = {"persistence": True, "autosave_interval": 1800}


@pytest.fixture
def gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Mosquitto, GatewayProcess]]:
    """A broker (with the options of the test's parameter) and a gateway, two beds admitted."""
    with (
        start_mosquitto(tmp_path, **getattr(request, "param", {})) as broker,
        GatewayProcess(tmp_path / "data", broker.url) as process,
    ):
        process.start_and_wait()
        for bed in ADMITTED:
            process.admit("icu", bed)
        yield broker, process


def ward() -> Telemetry:
    return Telemetry([MonitorScript("icu", f"b{number:02d}", RATE_HZ) for number in range(BEDS)])


def last_of_all(gateway: GatewayProcess, port: int) -> None:
    """Sends one message after all others and returns when it has arrived: so has everything that was to come."""
    with MqttClient(port, "last") as client:
        client.publish(f"{LAST}/obs", b'{"boot":"b","seq":0,"metrics":{}}')
    gateway.await_account("icu", "last", "mon1")


def journaled_of(gateway: GatewayProcess) -> list[Identity]:
    return [identity for identity in journaled_identities(gateway.data_dir) if identity[0] != LAST]


def broker_alarms(gateway: GatewayProcess) -> dict[str, JsonObject]:
    """By unit: the house has one alarm for each that has a patient."""
    return {alarm["unit"]: alarm for alarm in gateway.alarms(state="all") if alarm["rule_id"] == "system.broker_lost"}


def lose_broker(broker: Mosquitto, gateway: GatewayProcess, end: Callable[[], None]) -> None:
    """Ends the broker and waits until that is an alarm; bringing it back is the test's."""
    end()
    gateway.await_alarm("system.broker_lost")
    assert not broker.is_running
    assert gateway.readiness()[0] == 503


@pytest.mark.parametrize("gateway", [KEPT], indirect=True)
def test_a_broker_ended_in_order_under_load_loses_nothing_that_it_acknowledged(
    gateway: tuple[Mosquitto, GatewayProcess],
) -> None:
    broker, process = gateway
    with SteadyPublisher(broker.port, "ward", ward().due) as publisher:
        process.await_account("icu", "b00", "mon1", received=20)
        pid = process.process.pid
        lose_broker(broker, process, broker.stop)
        broker.restart()
        process.await_ready()
        wait_until(
            lambda: all(a["signal"] == "off" for a in broker_alarms(process).values()), "the alarms end by themselves"
        )
        acknowledged = publisher.finish()
    last_of_all(process, broker.port)

    journaled = journaled_of(process)
    assert publisher.connections == 2
    assert acknowledged - set(journaled) == set()
    assert_gap_was_an_alarm_of({"icu"}, process)
    assert_live_equals_replay(process)
    assert process.process.pid == pid
    tell(f"{len(acknowledged)} acknowledged, 0 lost; {publisher.resent} sent again by the publisher")


def assert_gap_was_an_alarm_of(units: set[str], gateway: GatewayProcess) -> None:
    alarms = broker_alarms(gateway)
    assert set(alarms) == units
    for alarm in alarms.values():
        steps = gateway.get(f"/alarms/{alarm['alarm_id']}")["transitions"]
        assert (alarm["kind"], alarm["condition"], alarm["signal"]) == ("technical", "absent", "off")
        assert [(step["phase"], step["to"], step["actor"]) for step in steps] == [
            ("start", "on", "vigil"),
            ("end", "off", "vigil"),
        ]


def publish_while_the_gateway_stands_still(gateway: GatewayProcess, broker: Mosquitto, count: int) -> list[Identity]:
    """Messages that the broker acknowledges and cannot hand on; then the broker ends in order and comes back."""
    place = "icu/v1/icu/b00/pump1"
    with MqttClient(broker.port, "before") as client:
        client.publish(f"{place}/obs", b'{"boot":"b","seq":0,"metrics":{}}')
        gateway.await_account("icu", "b00", "pump1")
        gateway.pause()
        for seq in range(1, count + 1):
            client.publish(f"{place}/obs", b'{"boot":"b","seq":%d,"metrics":{}}' % seq)
    broker.stop()
    broker.restart()
    with MqttClient(broker.port, "after") as client:
        client.publish(f"{place}/obs", b'{"boot":"b","seq":%d,"metrics":{}}' % (count + 1))
    gateway.resume()
    return [(place, "b", seq) for seq in range(count + 2)]


@pytest.mark.parametrize("gateway", [KEPT], indirect=True)
def test_what_waited_at_a_broker_that_ends_in_order_arrives_afterwards(
    gateway: tuple[Mosquitto, GatewayProcess],
) -> None:
    broker, process = gateway

    published = publish_while_the_gateway_stands_still(process, broker, 300)

    process.await_account("icu", "b00", "pump1", evaluated=302)
    assert set(published) - set(journaled_of(process)) == set()


def test_what_waited_at_a_broker_that_keeps_nothing_is_lost_and_counted(
    gateway: tuple[Mosquitto, GatewayProcess],
) -> None:
    broker, process = gateway

    published = publish_while_the_gateway_stands_still(process, broker, 300)
    wait_until(lambda: process.figure("vigil_broker_connections_total") == 2, "the gateway connects again")
    with MqttClient(broker.port, "heard") as client:  # the session was lost: what comes before it is open again is too
        client.publish("icu/v1/icu/b00/pump1/obs", b'{"boot":"b","seq":302,"metrics":{}}')
    wait_until(lambda: ("icu/v1/icu/b00/pump1", "b", 302) in journaled_of(process), "what comes then arrives")
    wait_until(lambda: process.ledger()["total"]["pending"] == 0, "and is evaluated")

    lost = set(published) - set(journaled_of(process))
    account = process.account("icu", "b00", "pump1")
    assert lost != set()
    assert account is not None
    assert account["gaps"] == len(lost)


def test_a_broker_killed_under_load_is_found_again_and_what_it_lost_is_counted(
    gateway: tuple[Mosquitto, GatewayProcess],
) -> None:
    broker, process = gateway
    with SteadyPublisher(broker.port, "ward", ward().due) as publisher:
        process.await_account("icu", "b00", "mon1", received=20)
        lose_broker(broker, process, broker.kill)
        process.admit(MEANWHILE, "b05")
        wait_until(lambda: MEANWHILE in broker_alarms(process), "who is admitted meanwhile has the alarm too")
        broker.restart()
        process.await_ready()
        heard = process.ledger()["total"]["received"]
        process.await_account("icu", "b00", "mon1", received=heard // BEDS + 20)
        acknowledged = publisher.finish()
    last_of_all(process, broker.port)
    wait_until(lambda: all(a["signal"] == "off" for a in broker_alarms(process).values()), "every alarm ends by itself")

    journaled = set(journaled_of(process))
    lost = Counter(place for place, _, _ in acknowledged - journaled)
    gaps = {place_of(line): line["gaps"] for line in process.ledger()["devices"]}
    for number in range(BEDS):
        place = f"icu/v1/icu/b{number:02d}/mon1"
        assert gaps[place] == lost[place]
    assert_gap_was_an_alarm_of({"icu", MEANWHILE}, process)
    assert_live_equals_replay(process)
    tell(f"{len(acknowledged)} acknowledged, {lost.total()} lost by the broker, all of them counted as gaps")


@pytest.mark.slow
def test_a_broker_that_falls_silent_with_its_connections_open_is_found_out(
    gateway: tuple[Mosquitto, GatewayProcess],
) -> None:
    broker, process = gateway

    broker.pause()
    process.await_alarm("system.broker_lost", within_s=2 * KEEPALIVE_S + 8)
    broker.resume()
    process.await_ready()

    wait_until(lambda: all(a["signal"] == "off" for a in broker_alarms(process).values()), "the alarms end")
    with MqttClient(broker.port, "after") as client:
        client.publish(f"{LAST}/obs", b'{"boot":"b","seq":0,"metrics":{}}')
    process.await_account("icu", "last", "mon1")


def place_of(line: JsonObject) -> str:
    return "/".join(("icu/v1", line["unit"], line["bed"], line["device"]))
