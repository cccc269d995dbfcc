"""From the message that decides an alarm to the alarm: over MQTT and on the feed, while the ward goes on as usual.

    python -m tests.benchmarks.bench_alarm_latency [--rate 1000] [--json FILE]

A real mosquitto, the installed gateway, and `vigil load` at so many messages a second over admitted beds. Beside them
more admitted beds, of which each alarms once: half of them by the second of two mean pressures below 50, half by the
report of an asystole; neither rule has a delay. Sent, heard over MQTT and seen on the feed are instants of one
monotonic clock, in one process. Each way includes the broker twice.

Two parts: alarms close together (a burst of so many a second), and alarms that come alone. The feed may send four
deltas a second, so in a burst an alarm may have to wait for the next of them. An alarm that never comes ends the run.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.gateway_process import GatewayProcess, wait_until
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.mqtt_client import MqttClient
from tests.support.telemetry import SHOCK, WELL

LOAD_BEDS = 100
RATE = 1_000.0
"""Messages a second over the beds of the load."""
CLOSE, CLOSE_EVERY_S = 300, 0.125
ALONE, ALONE_EVERY_S = 60, 1.2
WELL_EVERY_S = 10.0
"""Each bed speaks so often when nothing is wrong with it."""
READING_APART_S = 0.4
WARM_UP_S = 4.0
ANSWER_WITHIN_S = 10.0
PRESSURE_RULE, ASYSTOLE_RULE = "hypotension.map_below_50", "arrhythmia.asystole"
ASYSTOLE = "MDC_EVT_ECG_ASYSTOLE"
VIGIL = (sys.executable, "-c", "from gateway.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    n: int
    p50: float
    p90: float
    p99: float
    worst: float

    @classmethod
    def of(cls, found_s: Sequence[float]) -> Spread:
        """Of durations in seconds."""
        ms = sorted(each * 1e3 for each in found_s)
        return cls(len(ms), *(ms[min(len(ms) - 1, int(len(ms) * share))] for share in (0.5, 0.9, 0.99, 1.0)))

    def __str__(self) -> str:
        return f"p50 {self.p50:.0f} ms, p90 {self.p90:.0f}, p99 {self.p99:.0f}, max {self.worst:.0f} (n = {self.n})"


@dataclass(slots=True)
class Probe:
    """One bed that alarms once."""

    bed: str
    rule_id: str
    sent_s: float = 0.0
    """When the message that decides was sent; 0 while it was not."""
    heard_s: float = 0.0
    seen_s: float = 0.0
    seq: int = 0

    def observation(self, metrics: dict[str, float]) -> tuple[str, bytes]:
        """The next message with values."""
        return self._message("obs", {"metrics": metrics})

    def asystole(self) -> tuple[str, bytes]:
        """The monitor reports that the heart stands still."""
        return self._message("event", {"event": ASYSTOLE, "phase": "start"})

    def _message(self, channel: str, said: dict[str, object]) -> tuple[str, bytes]:
        self.seq += 1
        head = {"boot": "p", "seq": self.seq, "time": time.time_ns() // 1_000_000}
        return f"icu/v1/probe/{self.bed}/mon1/{channel}", orjson.dumps(head | said)


@dataclass(slots=True)
class Watch:
    """What two listeners have taken note of, by bed and rule: the first time each was told."""

    heard_s: dict[tuple[str, str], float] = field(default_factory=dict)
    seen_s: dict[tuple[str, str], float] = field(default_factory=dict)
    frames: int = 0
    frame_bytes: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=float, default=RATE)
    arguments.add_argument("--close", type=int, default=CLOSE)
    arguments.add_argument("--alone", type=int, default=ALONE)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    figures = run(given.rate, given.close, given.alone)
    for name, figure in figures.items():
        print(f"{name}: {figure}", flush=True)  # noqa: T201
    if given.json:
        given.json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


def run(rate: float = RATE, close: int = CLOSE, alone: int = ALONE) -> dict[str, object]:
    """The figures by name."""
    probes = [Probe(f"b{n:04d}", ASYSTOLE_RULE if n % 2 else PRESSURE_RULE) for n in range(close + alone)]
    with (
        tempfile.TemporaryDirectory() as folder,
        start_mosquitto(Path(folder), max_inflight_messages=0) as broker,
        GatewayProcess(Path(folder) / "data", broker.url, installed=True) as gateway,
    ):
        gateway.start_and_wait()
        _admit_all(gateway, probes)
        return _measured(gateway, broker, probes, close, rate)


def _admit_all(gateway: GatewayProcess, probes: Sequence[Probe]) -> None:
    for number in range(LOAD_BEDS):
        gateway.admit("load", f"b{number + 1:04d}")
    for probe in probes:
        gateway.admit("probe", probe.bed)


def _measured(
    gateway: GatewayProcess, broker: Mosquitto, probes: Sequence[Probe], close: int, rate: float
) -> dict[str, object]:
    plan = _plan(probes, close)
    watch = Watch()
    listeners = [
        threading.Thread(target=_listen, args=(broker.port, watch), daemon=True),
        threading.Thread(target=_look, args=(gateway.url, watch), daemon=True),
    ]
    _keep_out_of_the_way()
    before = gateway.ledger()["total"]["received"]
    load = _start_load(broker, rate, WARM_UP_S + plan[-1][0] + 2.0)
    busy_s = time.process_time()
    with MqttClient(broker.port, "prober") as prober:
        for listener in listeners:
            listener.start()
        began_s = time.monotonic()
        _play(prober, plan)
        all_told = wait_until(
            lambda: all((p.bed, p.rule_id) in watch.heard_s and (p.bed, p.rule_id) in watch.seen_s for p in probes),
            "every alarm has come over MQTT and on the feed",
            within_s=ANSWER_WITHIN_S,
        )
    assert all_told
    lasted_s, busy_s = time.monotonic() - began_s, time.process_time() - busy_s
    frames, frame_bytes = watch.frames, watch.frame_bytes
    said = orjson.loads(load.communicate()[0])
    received = gateway.ledger()["total"]["received"] - before
    watch.ended.set()
    return {
        "load average (1 min)": f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        "load, messages/s": f"{said['offered_per_s']:.0f} offered, {said['acknowledged_per_s']:.0f} acknowledged",
        "load, late against its schedule, p99": f"{said['late_p99_ms']:.0f} ms",
        "all messages received": received,
        "prober, share of a core": f"{busy_s / lasted_s:.0%}",
        "frames": f"{frames / lasted_s:.2f} a second, {frame_bytes / max(1, frames) / 1024:.0f} KiB each",
        **_spreads("close together", probes[:close], watch),
        **_spreads("alone", probes[close:], watch),
    }


def _spreads(name: str, probes: Sequence[Probe], watch: Watch) -> dict[str, object]:
    heard = [watch.heard_s[probe.bed, probe.rule_id] - probe.sent_s for probe in probes]
    seen = [watch.seen_s[probe.bed, probe.rule_id] - probe.sent_s for probe in probes]
    assert min(heard, default=1.0) > 0, "an alarm before the message that decides it"
    assert min(seen, default=1.0) > 0, "an alarm before the message that decides it"
    return {f"to MQTT, {name}": Spread.of(heard), f"to the feed, {name}": Spread.of(seen)} if probes else {}


def _keep_out_of_the_way() -> None:
    """This process only takes times: no collector, and a thread that wakes gets the interpreter soon."""
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(0.000_5)


# --- what is sent -----------------------------------------------------------------------------------------------------

Act = tuple[float, Probe, str]
"""(seconds from the beginning, bed, `well`, `low`, `decide`)"""


def _plan(probes: Sequence[Probe], close: int) -> list[Act]:
    """What each bed sends when, in order."""
    chance = random.Random(20261123)
    at_s, plan = WARM_UP_S, list[Act]()
    decisions: list[tuple[float, Probe]] = []
    for number, probe in enumerate(probes):
        gap_s = CLOSE_EVERY_S if number < close else ALONE_EVERY_S
        at_s += gap_s * chance.uniform(0.6, 1.4)  # so that the frames of the feed have no part in when it is
        decisions.append((at_s, probe))
    for decided_s, probe in decisions:
        low_s = decided_s - READING_APART_S
        well_s = chance.uniform(0.0, WELL_EVERY_S)
        plan += [(chance.uniform(0.0, WARM_UP_S / 2), probe, "well")]
        plan += [(decided_s, probe, "decide")]
        if probe.rule_id == PRESSURE_RULE:
            plan += [(low_s, probe, "low")]
        while well_s < decisions[-1][0]:
            if not low_s - 0.1 <= well_s <= decided_s:
                is_low = well_s > decided_s and probe.rule_id == PRESSURE_RULE
                plan += [(well_s, probe, "low" if is_low else "well")]
            well_s += WELL_EVERY_S
    return sorted(plan, key=lambda act: act[0])


def _play(prober: MqttClient, plan: Sequence[Act]) -> None:
    began_s = time.monotonic()
    for at_s, probe, what in plan:
        while (wait_s := began_s + at_s - time.monotonic()) > 0:
            prober.read_acknowledgements(wait_s)
        decides = what == "decide"
        is_event = decides and probe.rule_id == ASYSTOLE_RULE
        is_low = what == "low" or decides
        topic, payload = probe.asystole() if is_event else probe.observation(dict(SHOCK if is_low else WELL))
        if decides:
            probe.sent_s = time.monotonic()
        prober.send(topic, payload)


# --- who listens ------------------------------------------------------------------------------------------------------


def _listen(port: int, watch: Watch) -> None:
    """A receiver of alarms over MQTT."""
    with contextlib.suppress(ConnectionError), MqttClient(port, "listener") as client:
        client.subscribe("icu/v1/+/+/vigil/alarm")
        while not watch.ended.is_set():
            _, payload = client.next_message()
            now_s = time.monotonic()
            said = orjson.loads(payload)
            if said["phase"] == "start":
                watch.heard_s.setdefault((said["bed"], said["rule_id"]), now_s)


def _look(url: str, watch: Watch) -> None:
    """A display."""
    address = f"{url.replace('http', 'ws', 1)}/api/v1/feed"
    with contextlib.suppress(ConnectionClosed), connect(address, compression=None, max_size=None) as feed:
        while not watch.ended.is_set():
            text = feed.recv()
            now_s = time.monotonic()
            frame = orjson.loads(text)
            if frame["type"] != "delta":
                continue
            watch.frames += 1
            watch.frame_bytes += len(text)
            for bed in frame["beds"]:
                for alarm in bed["alarms"]:
                    watch.seen_s.setdefault((bed["bed"], alarm["rule_id"]), now_s)


def _start_load(broker: Mosquitto, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    command = [*VIGIL, "load", "--beds", str(LOAD_BEDS), "--rate", f"{rate / LOAD_BEDS:.3f}"]
    return subprocess.Popen(
        [*command, "--duration", f"{seconds:.1f}", "--broker", broker.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
