"""The station through what happens to screens: a gateway that is killed, a tab that sleeps, text that means harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import open_live
from tests.browser.test_station import HOSTILE, RECORD_LIVENESS, SILENCE_MS, came_true, poisoned
from tests.support.gateway_process import GatewayProcess
from tests.support.mosquitto import free_port
from tests.support.station_server import HOLD, StationServer
from tests.support.ward_answers import infusions
from tests.support.ward_beds import bed, signals, treated

BACK_MS = 40_000
"""What a gateway may take to start on a busy machine, and the page to find it."""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    options = ["--port", str(free_port())]  # the same one again after its death
    broker = f"mqtt://127.0.0.1:{free_port()}"
    with GatewayProcess(tmp_path / "data", broker, options=options, installed=True) as running:
        running.start()
        running.await_serving()
        yield running


def test_a_gateway_that_is_killed_is_not_live_within_3_s_and_is_found_again(
    page: Page, gateway: GatewayProcess
) -> None:
    gateway.admit("icu", "b01", "P1")
    page.goto(gateway.url)
    expect(page.locator("body:not(.not-live)")).to_be_attached(timeout=BACK_MS)
    page.evaluate("window.isSamePage = true")
    gateway.kill()
    assert came_true(page, "document.body.classList.contains('not-live')", within_ms=SILENCE_MS)
    gateway.start()
    gateway.await_serving()
    gateway.admit("icu", "b02", "P2")
    expect(page.locator("body:not(.not-live)")).to_be_attached(timeout=BACK_MS)
    expect(page.locator(".sector[data-admitted=yes]")).to_have_count(2)
    assert page.evaluate("window.isSamePage") is True


@pytest.mark.parametrize("asleep_s", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_a_tab_that_slept_says_so_and_comes_back_without_a_hole(
    page: Page, server: StationServer, asleep_s: int
) -> None:
    now_s = server.now_s()
    server.show(bed("b01", now_s))
    open_live(page, server)
    page.evaluate(RECORD_LIVENESS)
    session = page.context.new_cdp_session(page)
    session.send("Debugger.enable")
    session.send("Debugger.pause")  # no script of the page runs, as in a tab that the browser has frozen
    server.wait_for_heartbeats(asleep_s // 2)
    server.put(bed("b01", now_s, signals=signals(now_s, hr=133.0)))
    server.put(bed("b02", now_s))
    server.wait_for_heartbeats(asleep_s - asleep_s // 2)
    session.send("Debugger.resume")
    session.send("Debugger.disable")
    server.wait_for_connections(2)
    expect(page.locator("body:not(.not-live)")).to_be_attached(timeout=10_000)
    assert page.evaluate("window.seen")[0] is True  # the first thing it said on waking
    expect(page.locator(".cell[data-signal=hr] .number").first).to_have_text("133")
    expect(page.locator(".sector")).to_have_count(2)


def test_a_display_that_cannot_keep_up_starts_over_from_what_the_gateway_has_now(
    page: Page, server: StationServer
) -> None:
    now_s = server.now_s()
    server.show(bed("b01", now_s))
    open_live(page, server)
    page.evaluate("setTimeout(() => { const end = performance.now() + 3500; while (performance.now() < end); }, 0); 0")
    for rate in range(100, 140):
        server.put(bed("b01", now_s, signals=signals(now_s, hr=float(rate))))
    server.cut()  # as the gateway drops whoever does not read
    server.mend()
    expect(page.locator(".cell[data-signal=hr] .number")).to_have_text("139", timeout=15_000)
    expect(page.locator("body:not(.not-live)")).to_be_attached()


def test_hostile_text_stays_text_on_every_page_and_in_what_is_typed(page: Page, server: StationServer) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    now_s = server.now_s()
    victim: dict[str, Any] = treated("b01", now_s, 3)
    victim["admission"]["name"] = HOSTILE
    victim["dosing"]["summary"] = HOSTILE
    victim["explained"] = [{"rule_id": HOSTILE, "text": HOSTILE, "inhibited_by": HOSTILE}]
    server.decision = poisoned({**HOLD, "next_dose": None, "signature": None})
    server.show(victim)
    server.infusions = [pump | {"label": HOSTILE, "pump": HOSTILE} for pump in infusions(victim)]
    page.goto(f"{server.url}#/bed/icu/b01")
    expect(page.locator(".bed-patient")).to_contain_text(HOSTILE)
    for tab in ("Alarms", "Decision", "Doses", "Chart", "Fluids", "Signals", "Stay"):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator("#tab-body")).not_to_contain_text("loading")
    page.locator("#go-handover").click()
    expect(page.locator(".sheet").first).to_contain_text(HOSTILE)
    expect(page.locator(".sheet").first).not_to_contain_text("loading")
    page.locator("#actor").click()
    page.locator("#actor-name").fill(HOSTILE[:64])
    page.get_by_role("button", name="Use this name").click()
    expect(page.locator("#actor")).to_contain_text(HOSTILE[:20])
    assert page.locator("img, body script, iframe, object, [onerror], [onload], [style*=alert]").count() == 0
    assert dialogs == []


def test_a_page_of_a_bed_that_is_opened_by_its_address_waits_for_the_bed(page: Page, server: StationServer) -> None:
    page.goto(f"{server.url}#/bed/icu/b01")
    expect(page.locator(".empty h1")).to_have_text("No bed icu b01")
    server.show(bed("b01", server.now_s()))
    expect(page.locator(".bed-page h1")).to_have_text("Bed b01")
    server.show()
    expect(page.locator(".empty h1")).to_have_text("No bed icu b01")
