"""Measures what the station costs: `python -m tests.browser.speed [SECONDS]`, for docs/evidence/station.md.

The browser's cost is the processor time of all its processes while every bed of 32 changes four times a second; its
memory is the script's heap after a collection, at the beginning and at the end. The gateway's is its processor time
with one display and with fifty, and how many frames it encoded for them.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import CDPSession, Page, expect, sync_playwright
from websockets.asyncio.client import connect

from tests.support.chromium import launch
from tests.support.station_server import Json, StationServer, rfc3339
from tests.support.ward_beds import busy_ward

BEDS = 32
HZ = 4.0
DISPLAYS = 50
VIGIL = Path(sys.executable).parent / "vigil"


def main() -> None:
    """Prints the figures as they stand in the evidence."""
    for_s = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    displays_cost()
    browser_cost(for_s)


# --- the browser ------------------------------------------------------------------------------------------------------


def browser_cost(for_s: float) -> None:
    """Processor, memory and first paint of one display."""
    server = StationServer()
    with server.run(), sync_playwright() as playwright, launch(playwright) as browser:
        server.show(*busy_ward(BEDS, server.now_s()))
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(server.url)
        expect(page.locator("body:not(.not-live)")).to_be_attached()
        paints = sorted(first_paint_ms(page, server) for _ in range(7))
        tell(
            "first contentful paint from the loopback, of seven: least, median",
            f"{paints[0]:.0f} ms, {paints[3]:.0f} ms",
        )
        session = page.context.new_cdp_session(page)
        page.wait_for_timeout(5000)
        idle = measured(page, session, server, for_s / 3, changing=False)
        tell(f"{BEDS} beds, nothing changes: processor of all browser processes", f"{idle:.1f} % of one core")
        heaps = [heap_mb(session)]
        for _ in range(4):
            busy = measured(page, session, server, for_s / 4, changing=True)
            tell(f"{BEDS} beds, each changes {HZ:g} times a second: the same", f"{busy:.1f} % of one core")
            heaps.append(heap_mb(session))
        tell("heap of the script, collected: at the beginning and after each quarter", f"{heaps_text(heaps)} MB")


def heaps_text(heaps: list[float]) -> str:
    return ", ".join(f"{heap:.1f}" for heap in heaps)


def first_paint_ms(page: Page, server: StationServer) -> float:
    page.goto("about:blank")
    page.goto(server.url)
    expect(page.locator("body:not(.not-live)")).to_be_attached()
    return float(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))


def measured(page: Page, session: CDPSession, server: StationServer, for_s: float, *, changing: bool) -> float:
    """Percent of one core that the browser's processes took, all together; what the page's thread did of it is told."""
    processes = browser_processes()
    before = {process: cpu_s(process) for process in processes}
    parts_before = parts_s(session)
    started_s, frames = time.monotonic(), 0
    dice = random.Random(1)
    while (elapsed_s := time.monotonic() - started_s) < for_s:
        if changing and frames < elapsed_s * HZ:
            server.put(*[changed(bed, server.now_s(), dice) for bed in server.beds.values()])
            frames += 1
        page.wait_for_timeout(20)
    elapsed_s = time.monotonic() - started_s
    if changing:
        tell("  frames a second that were sent", f"{frames / elapsed_s:.2f}")
    parts = {name: (value - parts_before[name]) / elapsed_s * 100 for name, value in parts_s(session).items()}
    tell("  the page's thread, by the clock", ", ".join(f"{name} {share:.1f} %" for name, share in parts.items()))
    return sum(cpu_s(process) - before[process] for process in processes) / elapsed_s * 100


def changed(bed: Json, now_s: float, dice: random.Random) -> Json:
    """The bed a moment later."""
    signals = {name: {**signal} for name, signal in bed["signals"].items()}
    for name in ("hr", "map", "sbp", "dbp", "spo2", "rr"):
        if signals.get(name, {}).get("value") is not None:
            signals[name].update(value=signals[name]["value"] + dice.choice([-1, 0, 1]), at=rfc3339(now_s))
    return {**bed, "signals": signals}


def browser_processes() -> list[psutil.Process]:
    """Chromium's processes that this one started."""
    return [child for child in psutil.Process().children(recursive=True) if "chrom" in child.name()]


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def tree_cpu_s(process: psutil.Process) -> float:
    return sum(cpu_s(each) for each in [process, *process.children(recursive=True)])


def parts_s(session: CDPSession) -> dict[str, float]:
    """What the page's main thread spent on script, on style and on layout, waiting for a core included."""
    session.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    names = {"script": "ScriptDuration", "style": "RecalcStyleDuration", "layout": "LayoutDuration"}
    return {name: float(metrics[metric]) for name, metric in names.items()}


def heap_mb(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


# --- the gateway ------------------------------------------------------------------------------------------------------


def displays_cost() -> None:
    """Fifty displays on one gateway: frames encoded, frames received, processor time."""
    with demo() as (url, process):
        time.sleep(10)
        for count in (1, DISPLAYS):
            encoded, cpu, started_s = frames_encoded(url), tree_cpu_s(process), time.monotonic()
            received = asyncio.run(watch(url, count, 20.0))
            elapsed_s = time.monotonic() - started_s
            made = frames_encoded(url) - encoded
            used = (tree_cpu_s(process) - cpu) / elapsed_s * 100
            spread = f"{min(received)} to {max(received)}"
            tell(f"{count} displays, 12 beds: frames encoded; received by each", f"{made:.0f}; {spread}")
            tell("  processor of the demo: gateway, broker, simulated ward", f"{used:.1f} % of one core")


@contextmanager
def demo() -> Iterator[tuple[str, psutil.Process]]:
    command = [str(VIGIL), "demo", "--beds", "12", "--speed", "1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        found = next(match for line in running.stdout if (match := re.search(r"http://\S+", line)))
        try:
            yield found.group(), psutil.Process(running.pid)
        finally:
            running.terminate()
            running.communicate(timeout=30)


async def watch(url: str, count: int, for_s: float) -> list[int]:
    """How many deltas each of so many displays received."""

    async def one() -> int:
        frames = 0
        async with connect(url.replace("http", "ws", 1) + "api/v1/feed", max_size=None) as socket:
            try:
                async with asyncio.timeout(for_s):
                    async for text in socket:
                        frames += json.loads(text)["type"] == "delta"
            except TimeoutError:
                return frames
        return frames

    return await asyncio.gather(*(one() for _ in range(count)))


def frames_encoded(url: str) -> float:
    with urllib.request.urlopen(url + "metrics") as answer:
        text = answer.read().decode()
    found = re.search(r'^vigil_feed_frames_total\{type="delta"\} (\S+)$', text, re.MULTILINE)
    assert found is not None
    return float(found.group(1))


def tell(what: str, figure: str) -> None:
    sys.stdout.write(f"| {what} | {figure} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
