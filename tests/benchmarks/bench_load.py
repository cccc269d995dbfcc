"""What the load generator costs beside what it tests: 1,000 beds at 1 Hz, the generator held to one core.

    python -m tests.benchmarks.bench_load [--seconds 60] [--beds 1000] [--json FILE]

`vigil load` through a real mosquitto to (1) nobody, (2) a subscriber on bare aiomqtt that only counts, (3) the gateway
with a patient in every bed. Processor time is that of the whole process over the run, interpreter and preparation
included; the ratio is to the generator's own figure (`cpu_us_per_message`), which is of the sending alone. A run in
which a message was not acknowledged, or in which the gateway did not evaluate every one, ends with an error.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil

from tests.support.gateway_process import GatewayProcess, wait_until
from tests.support.mosquitto import Mosquitto, start_mosquitto

BEDS, RATE_HZ, SECONDS = 1_000, 1.0, 60.0
UNIT = "icu"
VIGIL = (sys.executable, "-c", "from gateway.cli import main; main()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One of the three."""

    to: str
    offered: int
    acknowledged: int
    duration_s: float
    offered_per_s: float
    puback_p50_ms: float
    puback_p99_ms: float
    late_p99_ms: float
    sending_us: float
    """Processor time for a message, of sending and reading its acknowledgement, as the generator says itself."""
    generator_us: float
    """The same of the whole process, from its start."""
    generator_core_share: float
    broker_us: float
    consumer_us: float | None
    """Of who takes the messages; None for nobody."""
    load_average: float

    @property
    def ratio(self) -> float | None:
        """How many times more a message costs its consumer than the sending of it costs the generator."""
        return None if self.consumer_us is None else round(self.consumer_us / self.sending_us, 1)

    def __str__(self) -> str:
        consumer = "" if self.consumer_us is None else f", consumer {self.consumer_us:.0f} µs ({self.ratio:g} times)"
        return (
            f"to {self.to}: {self.acknowledged} of {self.offered} acknowledged at {self.offered_per_s:g}/s (load "
            f"average {self.load_average:g})\n    PUBACK p50 {self.puback_p50_ms:g} ms, p99 {self.puback_p99_ms:g} ms; "
            f"sent late, p99 {self.late_p99_ms:g} ms\n    CPU a message: sending {self.sending_us:.0f} µs (with start "
            f"and preparation {self.generator_us:.0f} µs, {self.generator_core_share:.0%} of the core), broker "
            f"{self.broker_us:.0f} µs{consumer}"
        )


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=SECONDS)
    arguments.add_argument("--beds", type=int, default=BEDS)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    runs = measured(given.beds, given.seconds)
    if given.json:
        given.json.write_bytes(orjson.dumps(runs, option=orjson.OPT_INDENT_2))


def measured(beds: int = BEDS, seconds: float = SECONDS) -> list[Run]:
    """The three runs, printed as they are done."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for to in (_nobody, _bare, _gateway):
            here = Path(folder) / to.__name__
            here.mkdir()
            with start_mosquitto(here, max_inflight_messages=0) as broker, to(broker, here, beds) as consumer:
                runs.append(_run(consumer, broker, beds, seconds))
            print(runs[-1], flush=True)  # noqa: T201
    return runs


@dataclass(frozen=True, slots=True)
class _Consumer:
    """Who takes the messages."""

    name: str
    process: psutil.Process | None = None
    gateway: GatewayProcess | None = None


@contextmanager
def _nobody(broker: Mosquitto, folder: Path, beds: int) -> Iterator[_Consumer]:
    yield _Consumer("nobody")


@contextmanager
def _bare(broker: Mosquitto, folder: Path, beds: int) -> Iterator[_Consumer]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bare_subscriber", str(broker.port)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield _Consumer("a bare subscriber", psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


@contextmanager
def _gateway(broker: Mosquitto, folder: Path, beds: int) -> Iterator[_Consumer]:
    with GatewayProcess(folder / "data", broker.url, installed=True) as gateway:
        gateway.start_and_wait()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda bed: gateway.admit(UNIT, f"b{bed:04d}"), range(1, beds + 1)))
        yield _Consumer("the gateway", psutil.Process(gateway.process.pid), gateway)


def _run(consumer: _Consumer, broker: Mosquitto, beds: int, seconds: float) -> Run:
    server = psutil.Process(broker.process.pid)
    before = (_cpu_s(consumer.process), _cpu_s(server), _children_s())
    said = _generated(broker, beds, seconds)
    if consumer.gateway is not None:
        gateway = consumer.gateway
        wait_until(lambda: gateway.ledger()["total"]["evaluated"] >= said["offered"], "every message is evaluated")
    taken, served, generated = _cpu_s(consumer.process), _cpu_s(server), _children_s()
    offered = int(said["offered"])
    assert said["acknowledged"] == offered, said
    return Run(
        to=consumer.name,
        offered=offered,
        acknowledged=said["acknowledged"],
        duration_s=said["duration_s"],
        offered_per_s=said["offered_per_s"],
        puback_p50_ms=said["puback_p50_ms"],
        puback_p99_ms=said["puback_p99_ms"],
        late_p99_ms=said["late_p99_ms"],
        sending_us=said["cpu_us_per_message"],
        generator_us=(generated - before[2]) / offered * 1e6,
        generator_core_share=(generated - before[2]) / said["duration_s"],
        broker_us=(served - before[1]) / offered * 1e6,
        consumer_us=None if consumer.process is None else (taken - before[0]) / offered * 1e6,
        load_average=round(os.getloadavg()[0], 1),
    )


def _generated(broker: Mosquitto, beds: int, seconds: float) -> dict[str, Any]:
    """What the generator, on one core, says of itself."""
    command = [*VIGIL, "load", "--beds", str(beds), "--rate", str(RATE_HZ), "--duration", str(seconds)]
    core = max(os.sched_getaffinity(0))
    done = subprocess.run(
        ["taskset", "--cpu-list", str(core), *command, "--unit", UNIT, "--broker", broker.url],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    said: dict[str, Any] = orjson.loads(done.stdout)
    return said


def _cpu_s(process: psutil.Process | None) -> float:
    return 0.0 if process is None else float(sum(process.cpu_times()[:2]))


def _children_s() -> float:
    """Processor seconds of the children that have ended: of the generators."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
