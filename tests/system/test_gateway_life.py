"""The gateway's life as its supervisor sees it: one to a data directory, one speed to a journal, an end in order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.support.gateway_process import GatewayProcess, assert_live_equals_replay, run_vigil
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.mqtt_client import SteadyPublisher
from tests.support.sources import REPOSITORY
from tests.support.telemetry import MonitorScript, Telemetry

END_S = 5.0
"""What the gateway has to end in, after SIGTERM."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path) as running:
        yield running


def ward() -> Telemetry:
    return Telemetry([MonitorScript("icu", f"b{number:02d}", 20.0) for number in range(20)])


def test_one_data_directory_has_one_gateway_and_one_speed(tmp_path: Path, broker: Mosquitto) -> None:
    data = tmp_path / "data"
    with GatewayProcess(data, broker.url, installed=True) as gateway:
        gateway.start_and_wait()
        gateway.admit("icu", "b00")

        second = run_vigil("gateway", "--data", data, "--broker", broker.url, "--port", "0")
        assert (second.returncode, second.stdout) == (1, "")
        assert f"{data}: another gateway is using this data directory" in second.stderr
        assert "Traceback" not in second.stderr
        rebuilding = run_vigil("rebuild", "--data", data)
        assert rebuilding.returncode == 1
        assert "another gateway" in rebuilding.stderr
        assert gateway.readiness()[0] == 200
        assert gateway.terminate() == 0

    refused = run_vigil("gateway", "--data", data, "--broker", broker.url, "--port", "0", "--speed", "60")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "holds a journal kept at normal speed; give another --data" in refused.stderr


def test_a_journal_of_another_speed_is_not_gone_on_with_at_normal_speed(tmp_path: Path, broker: Mosquitto) -> None:
    data = tmp_path / "data"
    with GatewayProcess(data, broker.url, options=["--speed", "60"]) as gateway:
        gateway.start_and_wait()
        assert gateway.terminate() == 0

    refused = run_vigil("gateway", "--data", data, "--broker", broker.url, "--port", "0")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "holds the journal of a demo or test at another speed" in refused.stderr


def test_another_speed_is_for_this_machine_alone(tmp_path: Path) -> None:
    for elsewhere in (["--broker", "mqtt://broker.ward.example:1883"], ["--host", "0.0.0.0"]):
        refused = run_vigil("gateway", "--data", tmp_path / "data", "--port", "0", "--speed", "60", *elsewhere)

        assert refused.returncode == 1
        assert "must both be on 127.0.0.1" in refused.stderr


def test_sigterm_ends_it_in_order_under_load_with_displays_connected(tmp_path: Path, broker: Mosquitto) -> None:
    with GatewayProcess(tmp_path / "data", broker.url) as gateway, ExitStack() as displays:
        gateway.start_and_wait()
        admission_id = gateway.admit("icu", "b00")
        with SteadyPublisher(broker.port, "ward", ward().due) as publisher:
            for _ in range(5):  # open, and not read from
                displays.enter_context(connect(f"{gateway.url.replace('http', 'ws')}/api/v1/feed", close_timeout=0))
            gateway.await_account("icu", "b00", "mon1", received=20)
            began_s = time.monotonic()

            status = gateway.terminate()

            took_s = time.monotonic() - began_s
            gateway.start_and_wait()
            acknowledged = publisher.finish()
        gateway.await_total(evaluated=len(acknowledged))

        assert (status, took_s < END_S) == (0, True), f"ended with {status} after {took_s:.1f} s\n{gateway.log}"
        assert "Traceback" not in gateway.log
        assert gateway.get(f"/admissions/{admission_id}")["bed"] == "b00"
        assert_live_equals_replay(gateway)


def test_sigterm_ends_it_in_order_when_the_broker_is_silent_or_gone(tmp_path: Path, broker: Mosquitto) -> None:
    with GatewayProcess(tmp_path / "data", broker.url) as gateway:
        gateway.start_and_wait()
        broker.pause()
        ends = [end_of(gateway)]
        gateway.start()
        gateway.await_serving()
        ends.append(end_of(gateway))
        broker.kill()
        gateway.start()
        gateway.await_serving()
        ends.append(end_of(gateway))

        assert [(status, took_s < END_S) for status, took_s in ends] == [(0, True)] * 3, f"{ends}\n{gateway.log}"


def end_of(gateway: GatewayProcess) -> tuple[int, float]:
    """Exit status after SIGTERM, and how long it took."""
    began_s = time.monotonic()
    return gateway.terminate(), time.monotonic() - began_s


def test_what_does_not_end_in_order_is_ended_by_force(tmp_path: Path) -> None:
    program = """
import asyncio
from gateway import cli

async def hang():
    print("running", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

cli.END_S = 0.2
cli.run_until_signalled(hang)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "running\n"
        child.terminate()
        _, err = child.communicate(timeout=30)

    assert child.returncode == 1
    assert "ended by force" in err


def test_a_port_that_is_taken_is_said_with_its_number(tmp_path: Path, broker: Mosquitto) -> None:
    refused = run_vigil("gateway", "--data", tmp_path / "data", "--broker", broker.url, "--port", str(broker.port))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"127.0.0.1:{broker.port}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("name", ["journal.db", "series.db", "records.db"])
def test_a_damaged_file_is_said_with_its_name_and_what_to_do(tmp_path: Path, name: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / name).write_bytes(b"This is no database. " * 1000)

    refused = run_vigil("gateway", "--data", data, "--port", "0")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert name in refused.stderr
    assert "Traceback" not in refused.stderr
