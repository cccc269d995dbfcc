"""Notifications from a real gateway to a real receiver: told, killed in the middle, told again under the same key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateway_process import GatewayProcess, JsonObject, run_vigil, wait_until
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.mqtt_client import Outgoing, SteadyPublisher
from tests.support.telemetry import SHOCK, Episode, MonitorScript, Telemetry
from tests.support.webhook_receiver import (
    LOOPBACK,
    Request,
    WebhookReceiver,
    verify,
    webhook_receiver,
    write_settings,
)

SPEED = 20
"""So that the delay of the second step is a second and a half."""
CHAINS = """
[[chain]]
units = ["icu"]
priorities = ["high"]
kinds = ["physiological"]

[[chain.step]]
receiver = "relay"

[[chain.step]]
receiver = "charge"
delay_s = 30

[[chain.step]]
receiver = "doctor"
level = 1
"""


def configured(folder: Path, url: str, networks: str = LOOPBACK) -> Path:
    return write_settings(folder, url, ("relay", "charge", "doctor"), CHAINS, networks=networks)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as serving:
        yield serving


@pytest.fixture
def ward(tmp_path: Path, receiver: WebhookReceiver) -> Iterator[tuple[Mosquitto, GatewayProcess]]:
    """A patient in shock from the beginning."""
    options = ["--config", str(configured(tmp_path, receiver.url)), "--speed", str(SPEED)]
    script = MonitorScript("icu", "b01", 10.0, [Episode(0, 1e9, SHOCK)])
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(tmp_path / "data", broker.url, options=options) as gateway,
    ):
        gateway.start_and_wait().admit("icu", "b01")
        with SteadyPublisher(broker.port, "monitor", lambda at_s: _untimed(Telemetry([script]), at_s)):
            yield broker, gateway


def _untimed(telemetry: Telemetry, at_s: float) -> list[Outgoing]:
    """Without the device's clock: the gateway's runs faster."""
    return [
        Outgoing(each.identity, each.topic, each.payload.replace(b'"time"', b'"none"')) for each in telemetry.due(at_s)
    ]


def of(receiver: WebhookReceiver, name: str, phase: str) -> list[Request]:
    return [each for each in receiver.requests if each.key.endswith(f"/{name}") and each.phase == phase]


def deliveries(gateway: GatewayProcess, alarm_id: str) -> dict[tuple[str, str], JsonObject]:
    rows = gateway.get(f"/alarms/{alarm_id}")["deliveries"]
    return {(row["receiver"], row["phase"]): row for row in rows}


def test_an_alarm_is_told_and_who_acknowledges_stops_the_next_call(
    ward: tuple[Mosquitto, GatewayProcess], receiver: WebhookReceiver
) -> None:
    _, gateway = ward
    wait_until(lambda: of(receiver, "relay", "start"), "the relay is told")
    started = of(receiver, "relay", "start")[0]
    alarm_id = started.body["alarm"]["alarm_id"]
    assert gateway.post(f"/alarms/{alarm_id}/acknowledge", {"note": "seen"}).status_code == 200

    wait_until(lambda: of(receiver, "relay", "acknowledge"), "the relay is told that somebody is there")
    wait_until(
        lambda: deliveries(gateway, alarm_id)["charge", "start"]["state"] != "waiting", "the second call is settled"
    )

    settled = deliveries(gateway, alarm_id)
    assert all(verify(request) for request in receiver.requests)
    assert (settled["relay", "start"]["state"], settled["relay", "start"]["attempts"]) == ("sent", 1)
    assert settled["charge", "start"]["state"] == "cancelled"
    assert ("doctor", "escalate") not in settled
    assert alarm_id not in [each.body["alarm"]["alarm_id"] for each in of(receiver, "charge", "start")]
    assert gateway.figure('vigil_notifications_sent_total{receiver="relay"}') >= 2


def test_without_an_acknowledgement_the_next_is_called_and_then_who_the_escalation_is_for(
    ward: tuple[Mosquitto, GatewayProcess], receiver: WebhookReceiver
) -> None:
    """The control of the test above."""
    wait_until(lambda: of(receiver, "charge", "start"), "the charge nurse is called")
    wait_until(lambda: of(receiver, "doctor", "escalate"), "the doctor is called")

    first = of(receiver, "charge", "start")[0].body["alarm"]["alarm_id"]
    escalated = of(receiver, "doctor", "escalate")[0].body["alarm"]
    assert first in [each.body["alarm"]["alarm_id"] for each in of(receiver, "relay", "start")]
    assert escalated["escalation_level"] == 1
    assert of(receiver, "doctor", "start") == []


def test_a_gateway_killed_between_sending_and_marking_sends_again_under_the_same_key(
    ward: tuple[Mosquitto, GatewayProcess], receiver: WebhookReceiver
) -> None:
    _, gateway = ward

    def kill_at_the_first(request: Request) -> int:
        if len(receiver.requests) == 1:
            gateway.process.kill()  # before it can hear the answer
        return 204

    receiver.answer = kill_at_the_first
    wait_until(lambda: receiver.requests, "the first notification comes")
    gateway.process.wait()
    gateway.start_and_wait()
    wait_until(lambda: len(receiver.requests) > 1, "it comes again")

    first, second = receiver.requests[:2]
    assert (first.key, first.raw) == (second.key, second.raw)
    assert verify(second)


def test_a_receiver_in_a_network_that_is_not_named_is_told_nothing_and_that_is_seen(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    config = configured(tmp_path, f"http://localhost:{receiver.port}/vigil", networks="[]")
    script = MonitorScript("icu", "b01", 10.0, [Episode(0, 1e9, SHOCK)])
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(
            tmp_path / "data", broker.url, options=["--config", str(config), "--speed", str(SPEED)]
        ) as gateway,
    ):
        gateway.start_and_wait().admit("icu", "b01")
        with SteadyPublisher(broker.port, "monitor", lambda at_s: _untimed(Telemetry([script]), at_s)):
            alarm_id = wait_until(
                lambda: next((each["alarm_id"] for each in gateway.alarms() if each["kind"] == "physiological"), None),
                "an alarm",
            )
            refused = wait_until(
                lambda: next((row for row in deliveries(gateway, alarm_id).values() if row["state"] == "failed"), None),
                "its delivery is refused",
            )

        told = gateway.await_alarm("system.delivery_failed")

    assert "given up" in told["evidence"]["text"]
    assert "private" in refused["remark"]
    assert receiver.requests == []


def test_a_gateway_does_not_start_with_a_receiver_at_a_private_address(tmp_path: Path) -> None:
    config = configured(tmp_path, "http://169.254.169.254/latest/meta-data", networks="[]")

    done = run_vigil("gateway", "--config", config, "--data", tmp_path / "data", "--port", "0")

    assert done.returncode == 1
    assert "169.254.169.254 is private: name its network in allow_networks" in done.stderr.replace("\n", " ")
