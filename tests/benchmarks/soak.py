"""Memory over a simulated day: 48 beds at 1 Hz through a real broker into a gateway whose clock runs fast.

    python -m tests.benchmarks.soak [--hours 24] [--speed 120] [--out docs/evidence]

Writes `memory.png` and `memory.md`: resident memory over simulated hours, and its slope after the first two. A day at
speed 120 takes 12 minutes and about 4 GB of disk.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import matplotlib as mpl
import orjson
import psutil
from websockets.sync.client import connect

from simulators.broker import BrokerUrl
from simulators.load import LoadPlan, LoadReport, run_load
from streaming.instants import parse_instant
from tests.support.mosquitto import start_mosquitto

BEDS = 48
SETTLED_AFTER_H = 2.0
SAMPLE_EVERY_S = 2.0
VIGIL = (sys.executable, "-c", "from gateway.cli import main; main()")


def main() -> None:
    """Run it and write it down."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--hours", type=float, default=24.0)
    arguments.add_argument("--speed", type=float, default=120.0)
    arguments.add_argument("--out", type=Path, default=Path("docs/evidence"))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, start_mosquitto(Path(folder)) as broker:
        data = Path(folder) / "data"
        process = subprocess.Popen(
            [
                *VIGIL,
                "gateway",
                "--broker",
                broker.url,
                "--data",
                str(data),
                "--port",
                "0",
                "--speed",
                str(given.speed),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            admit_all(url)
            plan = LoadPlan(
                broker=BrokerUrl(host="127.0.0.1", port=broker.port),
                beds=BEDS,
                rate_hz=given.speed,
                duration_s=given.hours * 3600 / given.speed,
                speed=given.speed,
                begins_ms=gateway_ms(url),
            )
            curve, report = watch(process.pid, plan)
            with urllib.request.urlopen(url + "api/v1/ledger") as answer:
                total = orjson.loads(answer.read())["total"]
            sizes = {path.name: path.stat().st_size for path in sorted(data.glob("*.db"))}
        finally:
            process.terminate()
            process.wait()
    write_down(given.out, given.speed, curve, report, total, sizes)


def admit_all(url: str) -> None:
    """A patient in every bed, so that every rule is at work."""
    for bed in range(1, BEDS + 1):
        body = {"patient_id": f"p{bed}", "unit": "load", "bed": f"b{bed:04d}", "dosing_weight_kg": 80}
        request = urllib.request.Request(
            url + "api/v1/admissions",
            data=orjson.dumps(body | {"baseline_weight_kg": 80}),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 201


def gateway_ms(url: str) -> int:
    """What time the gateway has."""
    with connect(url.replace("http", "ws") + "api/v1/feed", max_size=None) as feed:
        at_ms = parse_instant(orjson.loads(feed.recv())["at"])
    assert at_ms is not None
    return at_ms


def watch(pid: int, plan: LoadPlan) -> tuple[list[tuple[float, float]], LoadReport]:
    """Send the load; (simulated hours, resident MiB) every few seconds meanwhile."""
    reports: list[LoadReport] = []
    sending = threading.Thread(target=lambda: reports.append(run_load(plan)))
    gateway, began, curve = psutil.Process(pid), time.monotonic(), []
    sending.start()
    while sending.is_alive():
        hours = (time.monotonic() - began) * plan.speed / 3600
        curve.append((hours, gateway.memory_info().rss / 2**20))
        sending.join(SAMPLE_EVERY_S)
    return curve, reports[0]


def slope(curve: list[tuple[float, float]]) -> float:
    """MiB per simulated hour, least squares."""
    n = len(curve)
    mean_x, mean_y = sum(x for x, _ in curve) / n, sum(y for _, y in curve) / n
    return sum((x - mean_x) * (y - mean_y) for x, y in curve) / sum((x - mean_x) ** 2 for x, _ in curve)


def write_down(
    out: Path,
    speed: float,
    curve: list[tuple[float, float]],
    report: LoadReport,
    total: dict[str, int],
    sizes: dict[str, int],
) -> None:
    """The plot and its page."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    settled = [(x, y) for x, y in curve if x >= SETTLED_AFTER_H]
    out.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(9, 4))
    axes.plot([x for x, _ in curve], [y for _, y in curve], linewidth=1.2)
    axes.axvline(SETTLED_AFTER_H, color="grey", linestyle=":")
    axes.set(xlabel="simulated hours", ylabel="resident memory, MiB", ylim=(0, None))
    axes.set_title(f"{BEDS} beds, 14 metrics at 1 Hz each, clock at {speed:g} times")
    figure.savefig(out / "memory.png", dpi=90, bbox_inches="tight")
    lines = [
        "# Memory over a simulated day",
        "",
        "`python -m tests.benchmarks.soak`: one gateway, real mosquitto, QoS 1, fsync before PUBACK; two shared",
        "cores. Every bed admitted, every rule at work.",
        "",
        "![resident memory](memory.png)",
        "",
        "| figure | value |",
        "| --- | --- |",
        f"| simulated hours | {curve[-1][0]:.1f} at speed {speed:g} |",
        f"| messages sent, acknowledged | {report.sent:,}, {report.acknowledged:,} |",
        f"| evaluated, duplicate, rejected, pending | {total['evaluated']:,}, {total['duplicate']:,}, "
        f"{total['rejected']:,}, {total['pending']:,} |",
        f"| resident at {SETTLED_AFTER_H:g} h | {settled[0][1]:.0f} MiB |",
        f"| resident at the end | {settled[-1][1]:.0f} MiB |",
        f"| least, most after {SETTLED_AFTER_H:g} h | {min(y for _, y in settled):.0f}, "
        f"{max(y for _, y in settled):.0f} MiB |",
        f"| slope after {SETTLED_AFTER_H:g} h | {slope(settled):+.2f} MiB per simulated hour |",
        f"| on disk | {', '.join(f'{name} {size / 2**20:,.0f} MiB' for name, size in sizes.items())} |",
        "",
    ]
    (out / "memory.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
