"""No number, unit, dose line or alarm on the wall is cut off or covered, however many beds share the screen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_live
from tests.support.station_server import StationServer
from tests.support.ward_beds import busy_ward

READ_WHOLE = ".sector :is(.number, .unit, .course-dose, .bed, .chip, .what)"
"""What is a lie when its end is missing; ages and titles behind the words of an alarm may end in dots."""

CUT_OFF = """nodes => nodes.filter(node => node.clientWidth > 0 && node.scrollWidth > node.clientWidth + 1)
    .map(node => node.textContent)"""
OVER_THE_EDGE = """sectors => sectors.flatMap(sector => {
    const low = sector.querySelector('.course').getBoundingClientRect().top + 1;
    return [...sector.querySelectorAll('.fact-value, .values .number')]
        .filter(node => node.getBoundingClientRect().bottom > low).map(node => node.textContent);
})"""


@pytest.mark.parametrize("count", [1, 4, 12, 20, 32])
def test_nothing_that_must_be_read_whole_is_cut_off_or_covered(page: Page, server: StationServer, count: int) -> None:
    server.show(*busy_ward(count, server.now_s()))
    open_live(page, server)
    expect(page.locator(".sector")).to_have_count(count)
    assert cut_off(page) == []
    assert page.locator(".sector").evaluate_all(OVER_THE_EDGE) == []


def test_a_word_that_is_cut_off_is_noticed(page: Page, server: StationServer) -> None:
    server.show(*busy_ward(32, server.now_s()))
    open_live(page, server)
    narrow = "const sheet = new CSSStyleSheet(); sheet.replaceSync('.course-dose { max-width: 6em }');"
    page.evaluate(f"() => {{ {narrow} document.adoptedStyleSheets = [sheet]; }}")
    assert len(cut_off(page)) > 20


def cut_off(page: Page) -> list[Any]:
    found: list[Any] = page.locator(READ_WHOLE).evaluate_all(CUT_OFF)
    return found


@pytest.mark.parametrize("width", [1120, 1280, 1440, 1920])
def test_foot_of_the_page_is_as_high_as_its_buttons(page: Page, server: StationServer, width: int) -> None:
    server.show(*busy_ward(4, server.now_s()))
    page.set_viewport_size({"width": width, "height": 800})
    open_live(page, server)
    foot, button = (page.locator(each).bounding_box() for each in (".footline", "#go-ward"))
    assert foot is not None
    assert button is not None
    assert foot["height"] <= button["height"] + 10
