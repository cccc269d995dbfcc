"""From the message that decides an alarm to the alarm: over MQTT and on the feed, while the ward goes on as usual.

    python -m tests.benchmarks.bench_alarm_latency [--rate 1000] [--close 300] [--alone 50] [--json FILE]

A real mosquitto, the installed gateway, a hundred patients, and `vigil load` at so many messages a second over half of
their beds. In the other half alarms are decided: by the second of two mean pressures below 50, or by the report of a
rhythm; neither rule has a delay. Each alarm is acknowledged once it was heard, as people do. Sent, heard over MQTT and
seen on the feed are instants of one monotonic clock, in one process. Each way includes the broker twice.

Two parts: alarms that come alone, and alarms close together (a burst of so many a second). The feed may send four
deltas a second, so in a burst an alarm may have to wait for the next of them. An alarm that never comes ends the run.

Every alarm is written to the disk twice before it is told (journal, records), so the time that the disk takes is
measured beside it: a small write with fsync, ten times a second.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.gateway_process import GatewayProcess, wait_until
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.mqtt_client import MqttClient
from tests.support.telemetry import SHOCK, WELL

LOAD_BEDS, PRESSURE_BEDS, RHYTHM_BEDS = 52, 24, 24
RATE = 1_000.0
"""Messages a second over the beds of the load."""
CLOSE, CLOSE_EVERY_S = 300, 0.125
ALONE, ALONE_EVERY_S = 50, 2.0
WELL_EVERY_S = 5.0
"""A bed in which alarms are decided speaks so often besides."""
READING_APART_S = 0.4
RECOVERED_S = 24.0
"""After so long a pressure that fell has risen, the alarm has cleared, and it may fall again."""
FSYNC_EVERY_S = 0.1
WARM_UP_S = 4.0
ANSWER_WITHIN_S = 20.0
PRESSURE_RULE = "hypotension.map_below_50"
RHYTHMS = {
    "arrhythmia.asystole": "MDC_EVT_ECG_ASYSTOLE",
    "arrhythmia.vf": "MDC_EVT_ECG_V_FIB",
    "arrhythmia.vt": "MDC_EVT_ECG_V_TACHY",
}
"""Rule and event; each ends the one before."""
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
class Bed:
    """A bed in which alarms are decided."""

    name: str
    seq: int = 0
    decided_s: float = -RECOVERED_S
    """The last time, from the beginning of the plan."""
    decisions: int = 0

    def observation(self, metrics: Mapping[str, float]) -> tuple[str, bytes]:
        """The next message with values."""
        return self._message("obs", {"metrics": dict(metrics)})

    def event(self, ref_id: str) -> tuple[str, bytes]:
        """The monitor reports a rhythm."""
        return self._message("event", {"event": ref_id, "phase": "start"})

    def _message(self, channel: str, said: dict[str, object]) -> tuple[str, bytes]:
        self.seq += 1
        head = {"boot": "p", "seq": self.seq, "time": time.time_ns() // 1_000_000}
        return f"icu/v1/probe/{self.name}/mon1/{channel}", orjson.dumps(head | said)


@dataclass(slots=True)
class Probe:
    """One alarm that is to come."""

    bed: Bed
    rule_id: str
    sent_s: float = 0.0
    """When the message that decides it was sent; 0 while it was not."""
    heard_s: float = 0.0
    """Over MQTT; 0 while it was not."""
    seen_s: float = 0.0
    """On the feed."""


@dataclass(slots=True)
class Watch:
    """What the listeners tell: instants at which an alarm of a bed and a rule began to sound."""

    waiting: dict[tuple[str, str], Probe] = field(default_factory=dict)
    """By bed and rule: the alarm that was sent last."""
    frames: int = 0
    frame_bytes: int = 0
    fsync_s: list[float] = field(default_factory=list)
    sounding: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    """Alarms to be acknowledged."""
    ended: threading.Event = field(default_factory=threading.Event)
    gone: list[str] = field(default_factory=list)
    """Listeners that were cut off."""


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
    beds = [Bed(f"b{n:04d}") for n in range(PRESSURE_BEDS + RHYTHM_BEDS)]
    with (
        tempfile.TemporaryDirectory() as folder,
        start_mosquitto(Path(folder), max_inflight_messages=0) as broker,
        GatewayProcess(Path(folder) / "data", broker.url, installed=True) as gateway,
    ):
        gateway.start_and_wait()
        for number in range(LOAD_BEDS):
            gateway.admit("load", f"b{number + 1:04d}")
        for bed in beds:
            gateway.admit("probe", bed.name)
        return _measured(gateway, broker, _plan(beds, alone, close), alone, rate)


def _measured(
    gateway: GatewayProcess, broker: Mosquitto, plan: Sequence[Act], alone: int, rate: float
) -> dict[str, object]:
    probes = [act.probe for act in plan if act.probe is not None]
    watch = Watch()
    tasks: list[Callable[[], None]] = [
        lambda: _listen(broker.port, watch),
        lambda: _look(gateway.url, watch),
        lambda: _acknowledge(gateway.url, watch),
        lambda: _time_the_disk(gateway.data_dir.parent / "fsync", watch),
    ]
    listeners = [threading.Thread(target=task, daemon=True) for task in tasks]
    _keep_out_of_the_way()
    before = gateway.ledger()["total"]["received"]
    load = _start_load(broker, rate, plan[-1].at_s + 4.0)
    busy_s = time.process_time()
    with MqttClient(broker.port, "prober") as prober:
        for listener in listeners:
            listener.start()
        began_s = time.monotonic()
        _play(prober, plan, watch)
        _await_all(probes, watch)
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
        "a write with fsync beside it": Spread.of(watch.fsync_s),
        **_spreads("alone", probes[:alone]),
        **_spreads("close together", probes[alone:]),
    }


def _await_all(probes: Sequence[Probe], watch: Watch) -> None:
    """Until every alarm has come both ways; what never comes ends the run."""
    try:
        wait_until(lambda: all(p.heard_s and p.seen_s for p in probes), "every alarm", within_s=ANSWER_WITHIN_S)
    except AssertionError:
        missing = [(p.bed.name, p.rule_id, p.sent_s, p.heard_s, p.seen_s) for p in probes if not p.heard_s * p.seen_s]
        raise SystemExit(f"never came (bed, rule, sent, heard, seen): {missing}; cut off: {watch.gone}") from None


def _spreads(name: str, probes: Sequence[Probe]) -> dict[str, object]:
    ways = {"MQTT": [p.heard_s - p.sent_s for p in probes], "the feed": [p.seen_s - p.sent_s for p in probes]}
    assert min(min(found, default=1.0) for found in ways.values()) > 0, "an alarm before the message that decides it"
    return {f"to {way}, {name}": Spread.of(found) for way, found in ways.items() if found}


def _keep_out_of_the_way() -> None:
    """This process only takes times: no collector, and a thread that wakes gets the interpreter soon."""
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(0.000_5)


# --- what is sent -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Act:
    """One message."""

    at_s: float
    """From the beginning."""
    bed: Bed
    is_low: bool = False
    probe: Probe | None = None
    """The alarm that it decides."""


def _plan(beds: Sequence[Bed], alone: int, close: int) -> list[Act]:
    """What is sent when: first the alarms that come alone, then those close together."""
    chance = random.Random(20261123)
    pressure, rhythm = beds[:PRESSURE_BEDS], beds[PRESSURE_BEDS:]
    at_s, acts = WARM_UP_S, list[Act]()
    for number in range(alone + close):
        gap_s = ALONE_EVERY_S if number < alone else CLOSE_EVERY_S
        at_s += gap_s * chance.uniform(0.6, 1.4)  # so that the frames of the feed have no part in when it is
        rested = [bed for bed in pressure if at_s - bed.decided_s >= RECOVERED_S]
        bed = rested[0] if rested and number % 3 == 0 else rhythm[number % len(rhythm)]
        acts += _decided(bed, at_s, is_pressure=bed in pressure)
    acts += [
        Act(turn * WELL_EVERY_S + WELL_EVERY_S * place / len(beds), bed)
        for turn in range(int(at_s / WELL_EVERY_S) + 1)
        for place, bed in enumerate(beds)
    ]
    return sorted((act for act in acts if not _disturbs(act, acts)), key=lambda act: act.at_s)


def _decided(bed: Bed, at_s: float, *, is_pressure: bool) -> list[Act]:
    """The messages of one alarm."""
    bed.decided_s = at_s
    bed.decisions += 1
    if not is_pressure:
        return [Act(at_s, bed, probe=Probe(bed, list(RHYTHMS)[bed.decisions % len(RHYTHMS)]))]
    return [
        Act(at_s - READING_APART_S, bed, is_low=True),
        Act(at_s, bed, is_low=True, probe=Probe(bed, PRESSURE_RULE)),
        Act(at_s + 1.0, bed),
    ]


def _disturbs(act: Act, acts: Sequence[Act]) -> bool:
    """Whether a good reading would come between two low ones."""
    if act.is_low or act.probe is not None:
        return False
    return any(other.bed is act.bed and other.is_low and abs(other.at_s - act.at_s) < READING_APART_S for other in acts)


def _play(prober: MqttClient, plan: Sequence[Act], watch: Watch) -> None:
    began_s = time.monotonic()
    for act in plan:
        while (wait_s := began_s + act.at_s - time.monotonic()) > 0:
            prober.read_acknowledgements(wait_s)
        probe = act.probe
        event = RHYTHMS.get(probe.rule_id) if probe is not None else None
        topic, payload = act.bed.event(event) if event else act.bed.observation(SHOCK if act.is_low else WELL)
        if probe is not None:
            watch.waiting[act.bed.name, probe.rule_id] = probe
            probe.sent_s = time.monotonic()
        prober.send(topic, payload)


# --- who listens ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _noted(watch: Watch) -> Iterator[None]:
    """A listener that is cut off, by the end of the run or before."""
    try:
        yield
    except (ConnectionError, ConnectionClosed) as error:
        watch.gone.append(repr(error))


def _listen(port: int, watch: Watch) -> None:
    """A receiver of alarms over MQTT."""
    with _noted(watch), MqttClient(port, "listener") as client:
        client.subscribe("icu/v1/+/+/vigil/alarm")
        while not watch.ended.is_set():
            _, payload = client.next_message()
            now_s = time.monotonic()
            said = orjson.loads(payload)
            if said["to"] == "on" and said["from"] != "on":
                watch.sounding.put(said["alarm_id"])
                probe = watch.waiting.get((said["bed"], said["rule_id"]))
                if probe is not None and not probe.heard_s:
                    probe.heard_s = now_s


def _look(url: str, watch: Watch) -> None:
    """A display."""
    address = f"{url.replace('http', 'ws', 1)}/api/v1/feed"
    known: set[tuple[str, str]] = set()
    with _noted(watch), connect(address, compression=None, max_size=None) as feed:
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
                    sounding = alarm["alarm_id"], alarm["signalled_at"]
                    probe = watch.waiting.get((bed["bed"], alarm["rule_id"]))
                    if sounding not in known and probe is not None and not probe.seen_s:
                        probe.seen_s = now_s
                    known.add(sounding)


def _acknowledge(url: str, watch: Watch) -> None:
    """A nurse."""
    with httpx.Client(timeout=30.0) as client, contextlib.suppress(httpx.TransportError):
        while not watch.ended.is_set():
            client.post(f"{url}/api/v1/alarms/{watch.sounding.get()}/acknowledge")


def _time_the_disk(path: Path, watch: Watch) -> None:
    with path.open("wb", buffering=0) as file:
        while not watch.ended.wait(FSYNC_EVERY_S):
            began_s = time.monotonic()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            watch.fsync_s.append(time.monotonic() - began_s)


def _start_load(broker: Mosquitto, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    command = [*VIGIL, "load", "--beds", str(LOAD_BEDS), "--rate", f"{rate / LOAD_BEDS:.3f}"]
    return subprocess.Popen(
        [*command, "--duration", f"{seconds:.1f}", "--broker", broker.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
