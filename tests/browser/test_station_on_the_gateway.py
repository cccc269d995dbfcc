"""The station on the real gateway with a simulated ward, as `vigil demo` starts them: both mean the same."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

VIGIL = Path(sys.executable).parent / "vigil"
FIRST_S = 30_000
"""Milliseconds a page may take to show something of a service that has just started, on a busy machine."""


@pytest.fixture
def demo_url(browser: object) -> Iterator[str]:
    if not VIGIL.exists():
        pytest.skip("the command `vigil` is not installed beside this Python")
    command = [str(VIGIL), "demo", "--beds", "2", "--speed", "1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
        try:
            assert demo.stdout is not None
            yield _url_in(demo.stdout)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=20)


def _url_in(lines: Iterator[str]) -> str:
    for line in lines:
        if found := re.search(r"http://\S+", line):
            return found.group()
    raise AssertionError("the demo ended without naming its address")


def test_a_simulated_ward_appears_and_a_patient_can_be_admitted_beside_it(page: Page, demo_url: str) -> None:
    page.goto(demo_url)
    expect(page.locator("body:not(.not-live)")).to_be_attached(timeout=FIRST_S)
    expect(page.locator(".sector[data-admitted=yes]")).to_have_count(2, timeout=FIRST_S)
    heart_rate = page.locator(".cell[data-signal=hr]").first
    expect(heart_rate).to_have_attribute("data-state", "fresh", timeout=FIRST_S)
    expect(heart_rate.locator(".number")).to_have_text(re.compile(r"^\d{2,3}$"))

    page.locator(".sector .bed").first.click()
    expect(page.locator(".trend-caption").first).not_to_contain_text("loading")
    for tab in ("Alarms", "Decision", "Doses", "Chart", "Fluids", "Stay", "Signals"):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator("#tab-body")).not_to_contain_text("loading")
        expect(page.locator("#bed-page")).not_to_contain_text("ot loaded")
    expect(page.locator(".signals tr").first).to_be_visible()
    for name in ("alarms", "burden", "handover"):
        page.locator(f"#go-{name}").click()
        expect(page.locator(f"#{name}-page")).not_to_contain_text("loading")
        expect(page.locator(f"#{name}-page")).not_to_contain_text("ot loaded")

    page.locator("#admit").click()
    form = page.locator(".admit-form")
    for label, text in [("Unit", "icu"), ("Bed", "b99"), ("Patient id", "P78"), ("Baseline weight, kg", "80")]:
        form.get_by_label(label, exact=True).fill(text)
    form.get_by_label("Dosing weight, kg").fill("80")
    form.locator("button[type=submit]").click()
    expect(page.locator(".sector[data-admitted=yes]")).to_have_count(3)
    expect(page.locator(".sector").last.locator(".what")).to_have_text("No alarms, values missing")
