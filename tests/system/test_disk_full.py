"""A full disk: nothing is acknowledged while the journal cannot be written, readiness says so, and when there is room
again everything goes on by itself and nothing is missing.

The disk is full for the gateway alone: either every write to a file fails (a limit set on the running process, as any
user may), or, where the test may mount one, it is a small file system that really is full.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.early_acknowledgement import EARLY
from tests.support.figures import tell
from tests.support.gateway_process import (
    GatewayProcess,
    assert_live_equals_replay,
    journaled_identities,
    wait_until,
)
from tests.support.mosquitto import start_mosquitto
from tests.support.mqtt_client import Identity, MqttClient, SteadyPublisher
from tests.support.telemetry import MonitorScript, Telemetry

BEDS, RATE_HZ = 10, 20.0
LAST = "icu/v1/icu/last/mon1"
OFTEN = {"VIGIL_SNAPSHOT_INTERVAL_S": "1", "VIGIL_SERIES_FLUSH_INTERVAL_S": "0.5"}
"""So that series, records and snapshots want to be written while the disk is full."""
REFUSALS = 2
"""Attempts to commit, half a second apart, that the disk refuses before there is room again."""


@contextmanager
def ward_on(data_dir: Path, tmp_path: Path, **how: Any) -> Iterator[tuple[GatewayProcess, int]]:
    """A gateway with one bed admitted, and the port of its broker."""
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(data_dir, broker.url, environ=OFTEN, **how) as gateway,
    ):
        gateway.start_and_wait()
        gateway.admit("icu", "b00")
        yield gateway, broker.port


def publisher_to(port: int) -> SteadyPublisher:
    monitors = [MonitorScript("icu", f"b{number:02d}", RATE_HZ) for number in range(BEDS)]
    return SteadyPublisher(port, "ward", Telemetry(monitors).due)


def assert_refuses(gateway: GatewayProcess) -> None:
    """The journal is refused again and again; readiness and commands say so at once."""

    def refusals() -> bool:
        return gateway.figure("vigil_journal_failures_total") >= REFUSALS

    wait_until(refusals, "the disk refuses commits")
    status, parts = gateway.readiness()
    assert (status, parts["journal"]["ok"], parts["journal"]["state"]) == (503, False, "refusing")
    answer = gateway.post("/admissions/no-such/discharge")
    assert (answer.status_code, answer.json()["reason"]) == (503, "journal_unavailable")


def last_of_all(gateway: GatewayProcess, port: int) -> None:
    with MqttClient(port, "last") as client:
        client.publish(f"{LAST}/obs", b'{"boot":"b","seq":0,"metrics":{}}')
    gateway.await_account("icu", "last", "mon1")


def missing(gateway: GatewayProcess, acknowledged: set[Identity]) -> set[Identity]:
    return acknowledged - set(journaled_identities(gateway.data_dir))


def fill_up_and_make_room(
    gateway: GatewayProcess, port: int, fill_up: Callable[[], None], make_room: Callable[[], None]
) -> None:
    pid = gateway.process.pid
    with publisher_to(port) as publisher:
        gateway.await_account("icu", "b00", "mon1", received=20)
        fill_up()
        assert_refuses(gateway)
        standing = gateway.ledger()["total"]["received"]
        waiting = publisher.sent - standing
        assert gateway.ledger()["total"]["received"] == standing
        make_room()
        gateway.await_ready()
        acknowledged = publisher.finish()
    last_of_all(gateway, port)

    assert waiting > BEDS
    assert missing(gateway, acknowledged) == set()
    assert gateway.process.pid == pid
    assert gateway.ledger()["total"]["rejected"] == 0
    assert_live_equals_replay(gateway)
    gateway.admit("icu", "b01")
    tell(f"{len(acknowledged)} acknowledged by the broker, {waiting} of them while the disk was full, 0 lost")


def test_no_write_succeeds_for_a_while_and_nothing_is_lost(tmp_path: Path) -> None:
    with ward_on(tmp_path / "data", tmp_path) as (gateway, port):
        fill_up_and_make_room(gateway, port, gateway.forbid_writing, gateway.allow_writing)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    options = ("mount", "-t", "tmpfs", "-o", "size=24m", "vigil-test", str(mounted))
    if os.geteuid() != 0 or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root only, and not in every container")
    yield mounted
    subprocess.run(("umount", "--lazy", str(mounted)), check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    filler = small_disk / "filler"

    def fill_up() -> None:
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    with ward_on(small_disk / "data", tmp_path) as (gateway, port):
        fill_up_and_make_room(gateway, port, fill_up, filler.unlink)


@pytest.mark.parametrize(("how", "loses"), [({}, False), ({"entry": EARLY}, True)], ids=["vigil", "acknowledged early"])
def test_a_gateway_that_dies_while_the_disk_is_full_had_acknowledged_nothing_that_it_lacks(
    tmp_path: Path, how: dict[str, str], loses: bool
) -> None:
    with ward_on(tmp_path / "data", tmp_path, **how) as (gateway, port):
        with publisher_to(port) as publisher:
            gateway.await_account("icu", "b00", "mon1", received=20)
            gateway.forbid_writing()
            assert_refuses(gateway)
            gateway.kill()
            acknowledged = publisher.finish()
        gateway.start_and_wait()
        last_of_all(gateway, port)

        assert bool(missing(gateway, acknowledged)) == loses


def test_records_that_cannot_be_written_for_a_while_lack_nothing_afterwards(tmp_path: Path) -> None:
    with ward_on(tmp_path / "data", tmp_path) as (gateway, port):
        with closing(sqlite3.connect(tmp_path / "data" / "records.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with MqttClient(port, "bad") as client:
                for number in range(50):
                    client.publish(f"icu/v1/icu/b00/mon1/nonsense{number}", b"{}")
                client.publish("icu/v1/icu/b00/mon1/obs", b'{"boot":"b","seq":0,"metrics":{}}')
            account = gateway.await_account("icu", "b00", "mon1", received=51)
            gateway.await_part("records", ok=False)
            assert (account["rejected"], account["evaluated"]) == (50, 1)
            other.execute("ROLLBACK")

        gateway.await_ready()
        wait_until(lambda: len(gateway.pages("/quarantine")) == 50, "the records have caught up")
        assert_live_equals_replay(gateway)
