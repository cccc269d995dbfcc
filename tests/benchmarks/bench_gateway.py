"""The whole way: messages of 14 metrics through a real mosquitto, QoS 1, fsync before PUBACK, rules, series, feed.

    python -m tests.benchmarks.bench_gateway [--seconds 12] [--json FILE]

Prints the sustained rate of one gateway process and its processor time per 1,000 messages; the same for a subscriber on
bare aiomqtt that only counts, under the same load from the same generator; and the time from publish to feed at 20, 50
and 80 % of the sustained rate. In each bed lies a patient with a course ordered: every alarm rule and every dose
criterion is in force. Broker, generator and gateway share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import orjson
import psutil
import websockets

from tests.benchmarks import bench_engine
from tests.support.dosing_ward import COURSE
from tests.support.mosquitto import Mosquitto, start_mosquitto

BEDS = 200
SATURATING_RATE = 14_000
WARM_UP_S = 3.0
VIGIL = (sys.executable, "-c", "from gateway.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Sustained:
    """What a subscriber kept up with."""

    messages_per_s: float
    cpu_s_per_1000: float


@dataclass(frozen=True, slots=True)
class Latency:
    """From publish to feed, milliseconds."""

    rate: float
    count: int
    p50: float
    p99: float
    worst: float


def main() -> None:
    """Run all of it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=12.0)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    figures: dict[str, object] = {"engine": bench_engine.run()}
    _say("engine alone: {decode_and_fold_msg_per_s:,.0f} messages/s", figures["engine"])
    with tempfile.TemporaryDirectory() as folder:
        figures["bare"] = bare = _bare(Path(folder) / "bare", given.seconds)
        print(f"bare aiomqtt:  {bare.messages_per_s:8,.0f} messages/s, {bare.cpu_s_per_1000:.3f} CPU s per 1,000")  # noqa: T201
        figures["gateway"] = gateway = _gateway(Path(folder) / "saturated", given.seconds)
        print(f"gateway:       {gateway.messages_per_s:8,.0f} messages/s, {gateway.cpu_s_per_1000:.3f} CPU s per 1,000")  # noqa: T201
        latencies = []
        for share in (0.2, 0.5, 0.8):
            latency = _latency(Path(folder) / f"at{share}", gateway.messages_per_s * share, given.seconds)
            latencies.append(latency)
            print(  # noqa: T201
                f"publish → feed at {share:.0%} ({latency.rate:,.0f}/s): p50 {latency.p50:.0f} ms, "
                f"p99 {latency.p99:.0f} ms, max {latency.worst:.0f} ms (n = {latency.count:,})"
            )
        figures["latency"] = latencies
    if given.json:
        given.json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def _say(text: str, figures: object) -> None:
    assert isinstance(figures, dict)
    print(text.format(**figures))  # noqa: T201


def _bare(folder: Path, seconds: float) -> Sustained:
    with _broker(folder) as broker:
        return _bare_at(broker, seconds)


def _broker(folder: Path) -> Mosquitto:
    """A broker of its own for each measurement: what one left behind must not reach the next."""
    folder.mkdir()
    return start_mosquitto(folder, max_inflight_messages=0)


def _bare_at(broker: Mosquitto, seconds: float) -> Sustained:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bare_subscriber", str(broker.port)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        load = _start_load(broker, SATURATING_RATE, seconds + WARM_UP_S)
        subscriber = psutil.Process(process.pid)
        began, first = _read_count(process, WARM_UP_S)
        cpu = sum(subscriber.cpu_times()[:2])
        ended, last = _read_count(process, seconds - 2)
        cpu = sum(subscriber.cpu_times()[:2]) - cpu
        load.wait()
    finally:
        process.kill()
        process.wait()
    return Sustained((last - first) / (ended - began), cpu / (last - first) * 1000)


def _read_count(process: subprocess.Popen[str], after_s: float) -> tuple[float, int]:
    """The first count told once `after_s` have passed."""
    assert process.stdout is not None
    until = time.monotonic() + after_s
    while True:
        count = int(process.stdout.readline())
        if time.monotonic() >= until:
            return time.monotonic(), count


def _gateway(folder: Path, seconds: float) -> Sustained:
    with _broker(folder) as broker:
        return _gateway_at(broker, folder / "data", seconds)


def _gateway_at(broker: Mosquitto, data: Path, seconds: float) -> Sustained:
    process, url = _start_gateway(broker, data)
    try:
        load = _start_load(broker, SATURATING_RATE, seconds + WARM_UP_S)
        time.sleep(WARM_UP_S)
        gateway = psutil.Process(process.pid)
        began, first, cpu = time.monotonic(), _evaluated(url), sum(gateway.cpu_times()[:2])
        time.sleep(seconds - 2)
        ended, last, cpu = time.monotonic(), _evaluated(url), sum(gateway.cpu_times()[:2]) - cpu
        load.wait()
    finally:
        process.kill()
        process.wait()
    return Sustained((last - first) / (ended - began), cpu / (last - first) * 1000)


def _latency(folder: Path, rate: float, seconds: float) -> Latency:
    with _broker(folder) as broker:
        return _latency_at(broker, folder / "data", rate, seconds)


def _latency_at(broker: Mosquitto, data: Path, rate: float, seconds: float) -> Latency:
    process, url = _start_gateway(broker, data)
    try:
        load = _start_load(broker, rate, seconds + WARM_UP_S)
        found = asyncio.run(_watch_feed(url, seconds))
        load.wait()
    finally:
        process.kill()
        process.wait()
    found.sort()
    return Latency(rate, len(found), found[len(found) // 2], found[int(len(found) * 0.99)], found[-1])


async def _watch_feed(url: str, seconds: float) -> list[float]:
    """For every bed in every delta: now minus the device time at which the newest value shown was sent."""
    found: list[float] = []
    async with websockets.connect(url.replace("http", "ws") + "api/v1/feed", max_size=None) as feed:
        begin = time.monotonic() + WARM_UP_S
        while time.monotonic() < begin + seconds - 1:
            frame = orjson.loads(await feed.recv())
            now_ms = time.time() * 1000
            if frame["type"] != "delta" or time.monotonic() < begin:
                continue
            for bed in frame["beds"]:
                found += [now_ms - sent_ms for sent_ms in _sent_ms(bed)]
    return found


def _sent_ms(bed: dict[str, object]) -> list[float]:
    signals, devices = bed["signals"], bed["devices"]
    assert isinstance(signals, dict)
    assert isinstance(devices, list)
    if "hr" not in signals:
        return []
    at_ms = datetime.fromisoformat(signals["hr"]["at"]).timestamp() * 1000
    return [at_ms - device["clock_offset_s"] * 1000 for device in devices if device["clock_offset_s"] is not None]


def _start_gateway(broker: Mosquitto, data: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [*VIGIL, "gateway", "--broker", broker.url, "--data", str(data), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    while True:
        try:
            with urllib.request.urlopen(url + "health/ready", timeout=5) as answer:
                assert answer.status == 200
                break
        except OSError:
            time.sleep(0.1)
    _admit_all(url)
    return process, url


def _admit_all(url: str) -> None:
    """A patient in each bed of the load, whose first dose is due in an hour."""
    with httpx.Client(base_url=url + "api/v1/", timeout=30) as client:
        first_dose_ms = round((time.time() + 3600) * 1000)
        for number in range(1, BEDS + 1):
            admission = {
                "patient_id": f"p{number}",
                "unit": "load",
                "bed": f"b{number:04d}",
                "dosing_weight_kg": 80.0,
                "baseline_weight_kg": 80.0,
                "baseline": {"sbp": 124, "map": 85, "hr": 75, "creatinine": 0.9},
            }
            answer = client.post("admissions", json=admission).raise_for_status()
            course = {**COURSE, "first_dose_at": first_dose_ms}
            client.post(f"admissions/{answer.json()['admission_id']}/course", json=course).raise_for_status()


def _start_load(broker: Mosquitto, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    command = [*VIGIL, "load", "--beds", str(BEDS), "--rate", f"{rate / BEDS:.3f}", "--duration", str(seconds)]
    return subprocess.Popen([*command, "--broker", broker.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _evaluated(url: str) -> int:
    with urllib.request.urlopen(url + "api/v1/ledger", timeout=10) as answer:
        count: int = orjson.loads(answer.read())["total"]["evaluated"]
        return count


if __name__ == "__main__":
    main()
