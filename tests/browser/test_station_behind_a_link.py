"""A display whose socket nobody reads, on the real gateway: it is cut off, the others notice nothing, it comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from tests.browser.test_station import SILENCE_MS, came_true
from tests.support.forked_vigil import ForkedVigil
from tests.support.gateway_process import MAIN, GatewayProcess, wait_until
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.short_queue import SHORT
from tests.support.sources import REPOSITORY
from tests.support.stalling_link import StallingLink

BEDS = 48
SPEED = 4
"""Of the ward's clock: each monitor then reports four times a second, and every delta has every bed."""
BACK_MS = 40_000


class OtherDisplay:
    """A display that reads: what it saw, and how long it ever waited."""

    def __init__(self, url: str) -> None:
        self.numbers: list[int] = []
        self.longest_wait_s = 0.0
        self.was_dropped = False
        self._url = url
        self._ends = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[OtherDisplay]:
        """Reads until the end of the block."""
        thread = threading.Thread(target=self._watch, name="other-display")
        thread.start()
        try:
            yield self
        finally:
            self._ends.set()
            thread.join(20)

    def _watch(self) -> None:
        with connect(f"{self._url.replace('http', 'ws', 1)}/api/v1/feed", max_size=None, compression=None) as feed:
            read_s = time.monotonic()
            for text in feed:
                self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - read_s)
                read_s = time.monotonic()
                self.numbers.append(orjson.loads(text)["n"])
                if self._ends.is_set():
                    return
        self.was_dropped = True


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path) as running:
        yield running


@contextmanager
def moving_ward(broker: Mosquitto, folder: Path) -> Iterator[None]:
    """Monitors of all beds that report until the end of the block."""
    words = ["simulate", "--scenario", "calm", "--beds", str(BEDS), "--speed", str(SPEED), "--broker", broker.url]
    out, err = folder / "ward.out", folder / "ward.err"
    ward = ForkedVigil(words, entry=MAIN, cwd=REPOSITORY, environ={}, stdout=out, stderr=err)
    try:
        yield
    finally:
        ward.kill()
        ward.wait(20)


@pytest.mark.parametrize("entry", [SHORT, pytest.param(MAIN, marks=pytest.mark.slow)], ids=["short queue", "as it is"])
def test_a_display_that_does_not_read_is_cut_off_the_others_go_on_and_it_comes_back_by_itself(
    page: Page, broker: Mosquitto, tmp_path: Path, entry: str
) -> None:
    with GatewayProcess(tmp_path / "data", broker.url, options=["--speed", str(SPEED)], entry=entry) as gateway:
        gateway.start_and_wait()
        port = int(gateway.url.rsplit(":", 1)[1])
        with moving_ward(broker, tmp_path), StallingLink(port).run() as link:
            page.goto(link.url)
            expect(page.locator("body:not(.not-live)")).to_be_attached(timeout=BACK_MS)
            expect(page.locator(".sector")).to_have_count(BEDS, timeout=BACK_MS)
            page.evaluate("window.isSamePage = true")
            with OtherDisplay(gateway.url).watching() as other:
                wait_until(lambda: len(other.numbers) > 3, "the other display gets frames")
                assert gateway.figure("vigil_feed_clients_dropped_total") == 0  # nobody who reads is cut off
                link.stall()
                assert came_true(page, "document.body.classList.contains('not-live')", within_ms=SILENCE_MS)
                wait_until(
                    lambda: gateway.figure("vigil_feed_clients_dropped_total") > 0, "it is cut off", within_s=120
                )
                link.resume()
                expect(page.locator("body:not(.not-live)")).to_be_attached(timeout=BACK_MS)
                known = page.locator("#feed-state").inner_text()
                expect(page.locator("#feed-state")).not_to_have_text(known)  # frames come again

    assert page.evaluate("window.isSamePage") is True
    assert not other.was_dropped
    steps = {later - earlier for earlier, later in zip(other.numbers, other.numbers[1:], strict=False)}
    assert steps <= {0, 1}
    assert other.longest_wait_s * 1000 < SILENCE_MS
