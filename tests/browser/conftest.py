"""A browser for the module, a server and a page for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.chromium import CHROMIUM, launch
from tests.support.station_server import StationServer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: the station is tested in a real browser only")
    with sync_playwright() as playwright, launch(playwright) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[StationServer]:
    with StationServer().run() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on a wall that must not complain: a script error or a breach of the security policy fails."""
    complaints: list[str] = []
    with browser.new_context(viewport={"width": 1920, "height": 1080}) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.extend(_complaint(message.text, message.type)))
        yield page
    assert complaints == []


def _complaint(text: str, kind: str) -> list[str]:
    """Lost connections and refusals are part of some tests, and the browser reports them as errors of its own."""
    is_expected = text.startswith(("WebSocket connection to", "Failed to load resource"))
    return [text] if kind == "error" and not is_expected else []


def open_live(page: Page, server: StationServer) -> None:
    """Opens the page and waits until it calls itself live."""
    page.goto(server.url)
    expect(page.locator("body:not(.not-live)")).to_be_attached()
