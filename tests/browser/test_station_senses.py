"""The station for eyes, ears, keyboards and screen readers: contrast, sound as it is played, and what axe finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import open_live
from tests.support.station_server import StationServer
from tests.support.ward_answers import decision
from tests.support.ward_beds import alarm, bed, busy_ward
from tests.support.ward_history import past_alarms

AXE = Path(__file__).parents[2] / "gateway" / "station" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")


WALL: ViewportSize = {"width": 1920, "height": 1080}
PHONE: ViewportSize = {"width": 390, "height": 844}
SIZES = [pytest.param(WALL, id="wall"), pytest.param(PHONE, id="phone", marks=pytest.mark.slow)]


def findings(page: Page, *rules: str, within: str = "html") -> list[str]:
    """What axe-core finds there as it stands, if it is serious; of all its rules, or of these."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text())
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found: list[dict[str, Any]] = page.evaluate(
        "([within, options]) => axe.run(within, options).then(result => result.violations)", [within, options]
    )
    return [
        f"{each['id']}: {node['html'][:120]}" for each in found if each["impact"] in SERIOUS for node in each["nodes"]
    ]


def findings_in_either_light(page: Page, within: str = "html") -> dict[str, list[str]]:
    """By night with every rule and by day the contrast, where it differs."""
    found: dict[str, list[str]] = {}
    for scheme, rules in (("dark", ()), ("light", ("color-contrast",))):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        expect(page.locator(f"html[data-theme={scheme}]")).to_be_attached()
        if serious := findings(page, *rules, within=within):
            found[scheme] = serious
    return found


def unfold(page: Page) -> None:
    """Opens whatever is folded; what it has to say is there."""
    page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    expect(page.locator("#station")).not_to_contain_text("loading")


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious_on_any_page_in_either_light(
    page: Page, server: StationServer, size: ViewportSize
) -> None:
    page.set_viewport_size(size)
    server.show(*busy_ward(12, server.now_s()))
    open_live(page, server)
    assert {"ward": findings_in_either_light(page)} == {"ward": {}}
    for where in ("admit/icu/b06", "alarms", "burden", "handover/icu/b01", "bed/icu/b99", "bed/icu/b06"):
        page.goto(f"{server.url}#/{where}")
        expect(page.locator(".admit-form, .sheet, .empty, .bed-page").first).to_be_visible()
        unfold(page)
        assert {where: findings_in_either_light(page)} == {where: {}}


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious_on_any_tab_or_dialog_in_either_light(
    page: Page, server: StationServer, size: ViewportSize
) -> None:
    page.set_viewport_size(size)
    beds = busy_ward(1, server.now_s())
    server.past = {"icu/b01": past_alarms(beds[0], server.now_s())}
    server.decision = decision(beds[0], server.now_s())
    server.show(*beds)
    page.goto(f"{server.url}#/bed/icu/b01")
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(7)
    for tab in tabs.all():
        tab.click()
        expect(page.locator("#tab-body")).not_to_contain_text("loading")
        unfold(page)
        within = "html" if tab.inner_text() == "Alarms" else ".bed-tabs"  # the rest of the page is the same
        assert {tab.inner_text(): findings_in_either_light(page, within)} == {tab.inner_text(): {}}
    page.locator(".bed-alarm .ack:not(.settling)").click()
    page.get_by_label("Note").fill("seen")
    expect(page.locator("#ack-tray")).to_be_visible()
    assert {"acknowledging": findings_in_either_light(page, "#ack-tray")} == {"acknowledging": {}}
    page.get_by_role("button", name="Undo", exact=True).click()
    page.locator("#actor").click()
    assert {"dialog": findings_in_either_light(page, "dialog")} == {"dialog": {}}
    page.keyboard.press("Escape")
    server.hush()
    expect(page.locator("body.not-live")).to_be_attached()
    assert {"not live": findings_in_either_light(page)} == {"not live": {}}


def test_what_axe_must_find_is_found_in_either_light(page: Page, server: StationServer) -> None:
    open_live(page, server)
    page.locator("#station").evaluate(
        """node => {
            node.insertAdjacentHTML('beforeend', '<button class=mute></button><p class=pale>pale</p>');
            const sheet = new CSSStyleSheet();
            sheet.replaceSync('.pale { color: #777; background: #888; }');
            document.adoptedStyleSheets = [sheet];
        }"""
    )
    found = findings_in_either_light(page)
    assert {each.split(":")[0] for each in found["dark"]} == {"button-name", "color-contrast"}
    assert {each.split(":")[0] for each in found["light"]} == {"color-contrast"}


CONTRASTS = """(selector) => {
    const parse = (colour) => {
        const srgb = colour.match(/^color\\(srgb ([^)]+)\\)/);
        if (srgb) {
            const [r, g, b, , a = 1] = srgb[1].split(' ').map((part) => part === '/' ? part : Number(part));
            return [r * 255, g * 255, b * 255, a];
        }
        const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
        return [r, g, b, a];
    };
    const over = (top, under) => top.slice(0, 3).map((part, i) => part * top[3] + under[i] * (1 - top[3]));
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = (rgb) => rgb.map((part) => linear(part / 255)).reduce(
        (sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (node) => {
        const layers = [];
        for (let at = node; at; at = at.parentElement) {
            layers.push(parse(getComputedStyle(at).backgroundColor));
            // The lamp lies between a sector's ground and its face.
            const lamp = at.classList.contains('face') && at.parentElement.querySelector('.lamp');
            if (lamp) layers.push(parse(getComputedStyle(lamp).backgroundColor));
        }
        return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
    };
    const shown = [...document.querySelectorAll(selector)].filter((node) => node.textContent && node.offsetParent);
    return shown.map((node) => {
        const under = ground(node);
        const ink = over(parse(getComputedStyle(node).color), under);
        const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
        return [node.textContent, Math.round((a + 0.05) / (b + 0.05) * 100) / 100];
    });
}"""
VALUES = (
    ".cell:is([data-state=fresh], [data-state=questionable]) .number, .fact[data-state=fresh] .number, "
    ".bed, .chip, .course-dose"
)
ALARMS = (
    ".sector[data-priority] :is(.flag, .what, .detail), .other, .count[data-standing] .count-number, .urgent-what, .ack"
)
PAINT = "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s]; }"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_values_and_alarms_have_a_contrast_of_seven_to_one_lit_or_not(
    page: Page, server: StationServer, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    server.show(*busy_ward(12, server.now_s()))
    open_live(page, server)
    for lamps in ("", ".lamp { background: none !important; }"):
        page.evaluate(PAINT, lamps)
        for selector in (VALUES, ALARMS):
            found: list[tuple[str, float]] = page.evaluate(CONTRASTS, selector)
            assert len(found) > 20
            assert [(text, contrast) for text, contrast in found if contrast < 7] == []


LOUDSPEAKER = """
    const RATE = 24000, SECONDS = 30;
    const loudspeaker = new OfflineAudioContext(1, RATE * SECONDS, RATE);
    const began = performance.now();
    Object.defineProperty(loudspeaker, 'state', {value: 'running'});
    Object.defineProperty(loudspeaker, 'currentTime', {get: () => (performance.now() - began) / 1000});
    loudspeaker.resume = async () => undefined;
    window.AudioContext = function () { return loudspeaker; };
    window.hear = async () => {
        const sound = (await loudspeaker.startRendering()).getChannelData(0);
        const STEP = RATE / 500;  // 2 ms
        const on = [];
        for (let at = 0; at + STEP <= sound.length; at += STEP) {
            let most = 0;
            for (let i = at; i < at + STEP; i += 1) most = Math.max(most, Math.abs(sound[i]));
            on.push(most);
        }
        const half = Math.max(...on) / 2;
        const pulses = [];
        on.forEach((level, i) => {
            // A tone of 262 Hz has a crest every 3.8 ms: gaps below 10 ms are none.
            if (level <= half) return;
            const last = pulses.at(-1);
            if (last && i - last.end <= 5) last.end = i; else pulses.push({start: i, end: i});
        });
        const partials = pulses.slice(0, 5).map(({start, end}) => {
            const middle = Math.floor((start + end) / 2) * STEP, length = RATE / 20;
            const level = (hz) => {
                let re = 0, im = 0;
                for (let i = 0; i < length; i += 1) {
                    const hann = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / length);
                    const sample = sound[middle - length / 2 + i] * hann;
                    re += sample * Math.cos(2 * Math.PI * hz * i / RATE);
                    im += sample * Math.sin(2 * Math.PI * hz * i / RATE);
                }
                return Math.hypot(re, im);
            };
            const notes = [261.63, 293.66, 329.63, 392.0, 523.25];
            // The fundamental: the note all of whose first five partials are there.
            const strength = (hz) => Math.min(...[1, 2, 3, 4, 5].map((n) => level(hz * n)));
            const hz = notes.reduce((best, note) => strength(note) > strength(best) ? note : best);
            return {hz, db: [1, 2, 3, 4, 5].map((n) => 20 * Math.log10(level(hz * n) / level(hz)))};
        });
        return {pulses: pulses.map(({start, end}) => [start * 2, (end - start + 1) * 2]), partials};
    };
"""


def heard(browser: Browser, server: StationServer, for_s: int) -> Any:
    """What the loudspeaker played: pulses as (begin, length) in ms, and the partials of the first five."""
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(LOUDSPEAKER)
        page.goto(server.url)
        expect(page.locator("#sound")).to_have_text("Sound on")
        server.wait_for_heartbeats(for_s)
        return page.evaluate("window.hear()")


def bursts_of(pulses: list[list[int]]) -> list[list[list[int]]]:
    """Pulses less than two seconds apart are one burst."""
    bursts: list[list[list[int]]] = []
    for pulse in pulses:
        if bursts and pulse[0] - sum(bursts[-1][-1]) < 2000:
            bursts[-1].append(pulse)
        else:
            bursts.append([pulse])
    return bursts


class Table(NamedTuple):
    """IEC 60601-1-8, table 3, as clinical.md 8.1 gives it; how long to listen; the melody of the circulation."""

    priority: str
    listen_s: int
    pulses: int
    length_ms: tuple[int, int]
    between_s: tuple[float, float]
    melody: list[float]


HIGH = Table("high", 9, 10, (75, 200), (2.5, 15), [261.63, 329.63, 392.0, 392.0, 523.25])
MEDIUM = Table("medium", 12, 3, (125, 250), (2.5, 30), [261.63, 329.63, 392.0])


@pytest.mark.parametrize("table", [HIGH, MEDIUM], ids=["high", "medium"])
def test_a_burst_is_played_as_the_table_of_iec_60601_1_8_has_it(
    browser: Browser, server: StationServer, table: Table
) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s(), priority=table.priority)]))
    sound = heard(browser, server, table.listen_s)
    first, second = bursts_of(sound["pulses"])[:2]
    assert len(first) == table.pulses
    # Measured at half of the loudest: a little shorter than it sounds.
    assert all(table.length_ms[0] <= length <= table.length_ms[1] for _, length in first)
    assert table.between_s[0] <= (second[0][0] - sum(first[-1])) / 1000 <= table.between_s[1]
    played = sound["partials"][: len(table.melody)]
    assert [partial["hz"] for partial in played] == table.melody
    for partial in played:
        loudest = sorted(partial["db"], reverse=True)[:4]
        assert loudest[0] - loudest[3] <= 15
        assert 150 <= partial["hz"] <= 1000
        assert partial["hz"] * 4 <= 4000


def test_an_acknowledged_alarm_is_silent(browser: Browser, server: StationServer) -> None:
    seen = alarm("a-1", server.now_s(), signal="acknowledged")
    server.show(bed("b01", server.now_s(), alarms=[seen]))
    assert heard(browser, server, 3)["pulses"] == []


FOCUSED = """() => {
    const node = document.activeElement;
    return [node.getAttribute('aria-label') || node.textContent, getComputedStyle(node).outlineStyle];
}"""


def test_the_whole_ward_can_be_walked_with_the_keyboard(page: Page, server: StationServer) -> None:
    server.show(*busy_ward(2, server.now_s()))
    open_live(page, server)
    names, outlines = [], set()
    for _ in range(14):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(FOCUSED)
        names.append(name)
        outlines.add(outline)
    assert "Bed b01, open details" in names
    assert "Ack: b01 MAP 58 < 65" in names
    assert "Alarms" in names
    assert outlines == {"solid"}
