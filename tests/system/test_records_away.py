"""Records in PostgreSQL, whose server crashes: the gateway goes on, says so, and writes afterwards what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gateway_process import GatewayProcess, assert_live_equals_replay, wait_until
from tests.support.mosquitto import start_mosquitto
from tests.support.mqtt_client import MqttClient
from tests.support.postgres import Postgres, postgres_binaries

BAD, GOOD = 40, 40


@pytest.fixture
def server() -> Iterator[Postgres]:
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    running = Postgres(binaries)
    yield running
    running.stop()


def test_a_database_that_crashes_holds_nothing_up_and_misses_nothing(tmp_path: Path, server: Postgres) -> None:
    settings = {"VIGIL_RECORDS_URL": server.new_database().replace("postgresql:", "postgresql+asyncpg:")}
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(tmp_path / "data", broker.url, environ=settings) as gateway,
    ):
        gateway.start_and_wait()
        gateway.admit("icu", "b01")
        pid = gateway.process.pid

        server.crash()
        with MqttClient(broker.port, "device") as device:
            for number in range(BAD):
                device.publish(f"icu/v1/icu/b01/mon1/nonsense{number}", b"{}")
            for seq in range(GOOD):
                device.publish("icu/v1/icu/b01/mon1/obs", b'{"boot":"b","seq":%d,"metrics":{}}' % seq)
        account = gateway.await_account("icu", "b01", "mon1", evaluated=GOOD)
        gateway.await_part("records", ok=False)
        assert account["rejected"] == BAD
        assert gateway.status_of("/quarantine") == 503
        assert gateway.status_of("/ledger") == 200
        server.come_back()

        gateway.await_ready()
        wait_until(lambda: len(gateway.pages("/quarantine")) == BAD, "the records have caught up")
        assert_live_equals_replay(gateway)
        assert gateway.process.pid == pid
