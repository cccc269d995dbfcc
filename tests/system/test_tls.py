"""Over TLS to the broker as it is deployed: names, rights and certificates, and nothing lost over a kill."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.support.deployed_mosquitto import PASSWORD, DeployedMosquitto
from tests.support.gateway_process import GatewayProcess, journaled_identities, wait_until
from tests.support.mqtt_client import Login, MqttClient
from tests.support.telemetry import WELL

pytestmark = [
    pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]

DEVICE = "mon-1"
PLACE = f"icu/v1/icu/b01/{DEVICE}"
MESSAGES = 1500
"""Much more than one TLS record, or one read, holds."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[DeployedMosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    deployed = DeployedMosquitto(folder, ("vigil-gateway", DEVICE))
    with subprocess.Popen(deployed.command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: _accepts(deployed.port), "the broker accepts connections")
        yield deployed
        process.kill()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def settings(tmp_path: Path, password: str = PASSWORD) -> dict[str, str]:
    secret = tmp_path / "password"
    secret.write_text(password + "\n")
    return {
        "VIGIL_MQTT_CA_FILE": str(tmp_path / "broker" / "certs" / "ca.pem"),
        "VIGIL_MQTT_USERNAME": "vigil-gateway",
        "VIGIL_MQTT_PASSWORD_FILE": str(secret),
    }


@pytest.mark.parametrize("protocol", ["5", pytest.param("3.1.1", marks=pytest.mark.slow)])
def test_nothing_is_lost_over_tls_though_the_gateway_is_killed(
    tmp_path: Path, broker: DeployedMosquitto, protocol: str
) -> None:
    environ = {**settings(tmp_path), "VIGIL_MQTT_PROTOCOL": protocol}
    url = f"mqtts://127.0.0.1:{broker.port}"
    login = Login(broker.trust(), DEVICE, PASSWORD)
    with (
        GatewayProcess(tmp_path / "data", url, environ=environ) as gateway,
        MqttClient(broker.port, DEVICE, login=login) as device,
    ):
        gateway.start_and_wait()
        for seq in range(MESSAGES):
            device.send(f"{PLACE}/obs", orjson.dumps({"boot": "b", "seq": seq, "metrics": WELL}))
            if seq == MESSAGES // 2:
                gateway.await_account("icu", "b01", DEVICE)
                gateway.kill()
        device.publish(f"{PLACE}/obs", orjson.dumps({"boot": "b", "seq": MESSAGES, "metrics": WELL}))
        gateway.start_and_wait()
        wait_until(lambda: gateway.ledger()["total"]["evaluated"] == MESSAGES + 1, "everything arrives")

        assert set(journaled_identities(gateway.data_dir)) == {(PLACE, "b", n) for n in range(MESSAGES + 1)}


@pytest.mark.parametrize("fault", ["a wrong password", "an unknown authority"])
def test_a_broker_that_turns_us_away_or_cannot_be_trusted_is_said_in_readiness(
    tmp_path: Path, broker: DeployedMosquitto, fault: str
) -> None:
    environ = settings(tmp_path, "wrong" if fault == "a wrong password" else PASSWORD)
    if fault == "an unknown authority":
        del environ["VIGIL_MQTT_CA_FILE"]
    with GatewayProcess(tmp_path / "data", f"mqtts://127.0.0.1:{broker.port}", environ=environ) as gateway:
        gateway.start()
        gateway.await_serving()

        def detail() -> str:
            return str(gateway.readiness()[1]["broker"]["detail"])

        expected = "ot authori" if fault == "a wrong password" else "certificate verify failed"
        wait_until(lambda: expected in detail(), f"readiness says {expected!r}")
        assert gateway.readiness()[0] == 503
