"""The demo as a person starts it, on either broker: its address is printed, its beds move, and it ends in order."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import orjson
import psutil
import pytest

DEADLINE_S = 60.0


@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"])
def test_demo_shows_moving_beds_and_ends_in_order_on_either_broker(broker: str) -> None:
    if broker == "mosquitto" and shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None:
        pytest.skip("mosquitto is not installed")
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "demo", "--beds", "2", "--speed", "10"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--broker", broker], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "2 simulated beds" in line
        url = line.rsplit(" ", 1)[1].strip()
        first = _until_evaluated(url, 1)
        assert _until_evaluated(url, first + 20) > first
        admitted = {each["bed"] for each in _get(url + "api/v1/admissions")["items"]}
        assert admitted == {"b01", "b02"}
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()
    assert status == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_leaves_no_gateway_behind_when_it_was_started_with_the_interrupt_ignored(number: signal.Signals) -> None:
    url, status, _ = _ended_by(number, "from gateway.cli import main; main()")
    assert status == 0
    with pytest.raises(urllib.error.URLError):
        _get(url + "api/v1/ledger")


def test_a_demo_that_left_its_parts_running_would_be_noticed() -> None:
    forgetful = (
        "import gateway.demo as d; d._stop = lambda part: d.asyncio.sleep(0); from gateway.cli import main; main()"
    )
    url, _, parts = _ended_by(signal.SIGTERM, forgetful)
    try:
        assert _get(url + "api/v1/ledger")["total"]
    finally:
        for part in parts:
            with contextlib.suppress(psutil.NoSuchProcess):
                part.kill()
        psutil.wait_procs(parts, timeout=30)


def _ended_by(number: signal.Signals, program: str) -> tuple[str, int, list[psutil.Process]]:
    """A demo started with the interrupt ignored and ended by a signal: where it served, its status, its parts."""
    command = [sys.executable, "-c", program, "demo", "--beds", "2", "--speed", "10", "--port", "0"]
    process = subprocess.Popen(  # as a shell that is not interactive starts what runs in the background
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    parts = []
    try:
        url = process.stdout.readline().rsplit(" ", 1)[1].strip()
        _until_evaluated(url, 1)
        parts = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.send_signal(number)
        status = process.wait(timeout=30)
        process.stdout.close()
    return url, status, parts


def _until_evaluated(url: str, least: int) -> int:
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        evaluated: int = _get(url + "api/v1/ledger")["total"]["evaluated"]
        if evaluated >= least:
            return evaluated
    raise AssertionError(f"fewer than {least} messages were evaluated in {DEADLINE_S:g} s")


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return orjson.loads(answer.read())
