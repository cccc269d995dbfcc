"""Takes the pictures of the station in docs/images: `python -m tests.browser.pictures [DIRECTORY]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.chromium import launch
from tests.support.station_server import Json, StationServer
from tests.support.ward_answers import decision
from tests.support.ward_beds import busy_ward, calm_ward
from tests.support.ward_history import past_alarms

WALL = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}
Act = Callable[[Page, StationServer], None]


def _nothing(page: Page, server: StationServer) -> None:
    pass


def _silence(page: Page, server: StationServer) -> None:
    server.hush()
    expect(page.locator("body.not-live")).to_be_attached(timeout=5000)


def _open_first(page: Page, server: StationServer) -> None:
    page.locator(".sector .bed").first.click()
    expect(page.locator(".trends")).not_to_contain_text("loading")
    page.locator(".alarm-line summary").first.click()
    expect(page.locator(".evidence").first).to_be_visible()


def _open_at_top(page: Page, server: StationServer) -> None:
    page.locator(".sector .bed").first.click()
    expect(page.locator(".trends")).not_to_contain_text("loading")


def _decide(page: Page, server: StationServer) -> None:
    page.locator(".sector .bed").first.click()
    page.get_by_role("button", name="24 h").click()
    page.get_by_role("tab", name="Decision").click()
    expect(page.locator(".criteria")).to_be_visible()
    expect(page.locator(".trends")).not_to_contain_text("loading")


def _balance(page: Page, server: StationServer) -> None:
    page.locator(".sector .bed").first.click()
    page.get_by_role("tab", name="Fluids").click()
    expect(page.locator(".hours-table")).to_be_visible()
    page.get_by_role("button", name="24 h").click()
    page.locator(".trend[data-signal=urine_ml_h]").scroll_into_view_if_needed()
    page.locator(".trend").last.scroll_into_view_if_needed()
    expect(page.locator(".trends")).not_to_contain_text("loading")


def _admit(page: Page, server: StationServer) -> None:
    page.locator(".strip .admit:visible").first.click()


def _touch(page: Page, server: StationServer) -> None:
    page.locator(".sector .ack:not(.settling)").first.click()
    expect(page.locator("#ack-tray")).to_be_visible()


def _go(name: str) -> Act:
    def go(page: Page, server: StationServer) -> None:
        page.locator(f"#go-{name}").click()
        expect(page.locator(f"#{name}-page")).not_to_contain_text("loading")

    return go


PICTURES: list[tuple[str, Callable[[float], list[Json]], dict[str, int], str, Act]] = [
    ("station-empty", lambda now: [], WALL, "dark", _nothing),
    ("station-1-bed", lambda now: busy_ward(1, now), WALL, "dark", _nothing),
    ("station-12-beds", lambda now: busy_ward(12, now), WALL, "dark", _nothing),
    ("station-12-calm", lambda now: calm_ward(12, now), WALL, "dark", _nothing),
    ("station-12-light", lambda now: busy_ward(12, now), WALL, "light", _nothing),
    ("station-12-not-live", lambda now: busy_ward(12, now), WALL, "dark", _silence),
    ("station-32-beds", lambda now: busy_ward(32, now), WALL, "dark", _nothing),
    ("station-bed", lambda now: busy_ward(12, now), WALL, "dark", _open_first),
    ("station-bed-decision", lambda now: busy_ward(12, now), WALL, "light", _decide),
    ("station-bed-fluids", lambda now: busy_ward(12, now), WALL, "dark", _balance),
    ("station-alarm", lambda now: busy_ward(4, now), WALL, "dark", _touch),
    ("station-handover", lambda now: busy_ward(1, now), WALL, "light", _go("handover")),
    ("station-alarms", lambda now: busy_ward(12, now), WALL, "dark", _go("alarms")),
    ("station-admit", lambda now: busy_ward(12, now), WALL, "dark", _admit),
    ("station-phone", lambda now: busy_ward(8, now), PHONE, "dark", _nothing),
    ("station-phone-bed", lambda now: busy_ward(8, now), PHONE, "dark", _open_at_top),
    ("station-phone-not-live", lambda now: busy_ward(8, now), PHONE, "dark", _silence),
]


def write_small(picture: bytes, path: Path) -> None:
    """Writes a PNG with a palette that covers every colour, however little there is of it: pictures stay for ever."""
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)


def show(server: StationServer, beds: list[Json]) -> None:
    """The beds with their past alarms, and the first bed's decision."""
    now_s = server.now_s()
    server.past = {f"{bed['unit']}/{bed['bed']}": past_alarms(bed, now_s) for bed in beds if bed["admission"]}
    if beds and beds[0]["dosing"]:
        server.decision = decision(beds[0], now_s)
    server.show(*beds)


def take(browser: Browser, directory: Path, only: set[str]) -> None:
    """Takes each picture with its own server and page."""
    for name, beds, size, theme, act in PICTURES:
        if only and name not in only:
            continue
        server = StationServer()
        with server.run():
            show(server, beds(server.now_s()))
            page = browser.new_page(viewport={"width": size["width"], "height": size["height"]}, color_scheme=theme)  # type: ignore[arg-type]
            page.goto(server.url)
            expect(page.locator("body:not(.not-live)")).to_be_attached()
            page.mouse.click(size["width"] - 4, 4)  # a browser sounds only after a touch
            if beds(server.now_s()):
                expect(page.locator(".spark-path")).to_have_count(page.locator(".spark-box").count(), timeout=20_000)
            act(page, server)
            # With the lamps lit: the phase in which a flashing alarm looks like one.
            page.evaluate("for (const lamp of document.getAnimations()) if (lamp.animationName) lamp.currentTime = 100")
            write_small(page.screenshot(), directory / f"{name}.png")
            page.close()


def main() -> None:
    """Writes PNG files."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser:
        take(browser, directory, set(sys.argv[2:]))


if __name__ == "__main__":
    main()
