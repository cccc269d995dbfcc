"""The station in a real browser, against a real server that speaks the feed: what it shows, what it cannot know."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.conftest import open_live
from tests.support.station_server import Json, StationServer, rfc3339
from tests.support.ward_beds import alarm, bed, busy_ward, calm_ward, cuffed, device, dosing, signal, signals

SILENCE_MS = 3000
"""Silence after which the page must have said that it is not live."""
RECORD_LIVENESS = """() => {
    window.seen = [];
    const note = () => window.seen.push(document.body.classList.contains('not-live'));
    new MutationObserver(note).observe(document.body, {attributes: true, attributeFilter: ['class']});
}"""


def sector(page: Page, label: str) -> Locator:
    return page.locator(".sector").filter(has=page.locator(".bed", has_text=re.compile(f"^{label}$")))


def cell(page: Page, label: str, name: str) -> Locator:
    return sector(page, label).locator(f".cell[data-signal={name}]")


def settled_ack(page: Page, label: str) -> Locator:
    return sector(page, label).locator(".ack:not(.settling):enabled")


def came_true(page: Page, condition: str, *, within_ms: int) -> bool:
    """Whether a condition came true in time, asked at every frame the browser draws."""
    outcome: bool = page.evaluate(
        f"""async (within) => {{
            const until = performance.now() + within;
            while (!({condition}) && performance.now() < until) await new Promise(requestAnimationFrame);
            return {condition};
        }}""",
        within_ms,
    )
    return outcome


# --- the house --------------------------------------------------------------------------------------------------------


def test_alarms_of_no_patient_stand_above_the_beds_for_as_long_as_they_are(page: Page, server: StationServer) -> None:
    server.show(*calm_ward(4, server.now_s()))
    texts = {"rule_id": "system.broker_lost", "family": "system", "title": "No connection to the devices"}
    lost = alarm("alm-h", server.now_s(), **texts, kind="technical", priority="medium", text="broker lost", unit="icu")
    open_live(page, server)
    expect(page.locator("#house")).to_be_hidden()

    server.show_house(lost)

    line = page.locator(".house-line")
    expect(line).to_contain_text("No connection to the devices: broker lost")
    expect(line).to_have_attribute("data-priority", "medium")
    expect(line.locator(".ack")).to_be_visible()
    expect(sector(page, "b04")).to_be_visible()
    seen = {"by": "M. Rossi", "at": rfc3339(server.now_s()), "note": None}
    server.show_house(lost | {"signal": "acknowledged", "acknowledged": seen})
    expect(line).to_contain_text("M. Rossi")
    expect(line.locator(".ack")).to_be_hidden()
    page.reload()
    expect(line).to_contain_text("M. Rossi")

    server.show_house()
    expect(page.locator("#house")).to_be_hidden()


# --- values ----------------------------------------------------------------------------------------------------------


def test_a_bed_shows_each_value_with_unit_source_and_age(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    expect(sector(page, "b01").locator(".name")).to_have_text("Alvarez, Marta")
    expect(cell(page, "b01", "map").locator(".number")).to_have_text("74")
    expect(cell(page, "b01", "map").locator(".unit")).to_have_text("mmHg")
    expect(cell(page, "b01", "map").locator(".words")).to_have_text(re.compile(r"^ABP · (< 5|\d+) s$"))
    expect(cell(page, "b01", "bp").locator(".number")).to_have_text("104/58")
    expect(cell(page, "b01", "hr").locator(".number")).to_have_text("101")
    expect(cell(page, "b01", "spo2").locator(".number")).to_have_text("97")
    expect(cell(page, "b01", "rr").locator(".number")).to_have_text("18")
    expect(cell(page, "b01", "temp").locator(".number")).to_have_text("37.8")
    expect(cell(page, "b01", "temp").locator(".words")).to_have_text("11 min")
    expect(sector(page, "b01").locator(".light")).to_have_attribute("data-level", "current")


def test_cuff_pressures_are_named_nibp_with_their_age(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    server.show(bed("b01", now_s, signals={**signals(now_s), **cuffed(now_s - 740, 118, 71, 87)}))
    open_live(page, server)
    expect(cell(page, "b01", "map").locator(".words")).to_have_text("NIBP · 12 min")


def test_a_value_turns_stale_by_itself_without_any_frame_about_it(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    aging = signal("hr", 101.0, now_s - 58.5, fresh_for_s=60.0)
    server.show(bed("b01", now_s, signals={**signals(now_s), "hr": aging}))
    open_live(page, server)
    number = cell(page, "b01", "hr").locator(".number")
    expect(cell(page, "b01", "hr")).to_have_attribute("data-state", "fresh")
    fresh_colour = number.evaluate("node => getComputedStyle(node).color")
    expect(cell(page, "b01", "hr")).to_have_attribute("data-state", "stale")
    expect(cell(page, "b01", "hr").locator(".words")).to_have_text(re.compile(r"^6\d s old$"))
    assert number.evaluate("node => getComputedStyle(node).color") != fresh_colour
    expect(sector(page, "b01").locator(".fresh-words")).to_have_text("1 not current")
    expect(sector(page, "b01").locator(".what")).to_have_text("No alarms, values missing")
    expect(cell(page, "b01", "map")).to_have_attribute("data-state", "fresh")


UNBELIEVABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "b01": ({"value": None, "validity": "not_available"}, "–", "no value"),
    "b02": ({"value": 400.0, "validity": "invalid"}, "–", "invalid"),
    "b03": ({"validity": "questionable"}, "101?", "doubtful"),
    "b04": ({"at": "2099-01-01T00:00:00.000Z"}, "101", "dated ahead"),
    "b05": ({"at": "no instant"}, "101", "age unknown"),
}


def test_a_value_that_must_not_be_believed_says_so(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    for label, (reported, _, _) in UNBELIEVABLE.items():
        heart_rate = {**signal("hr", 101.0, now_s - 1), **reported}
        server.put(bed(label, now_s, signals={**signals(now_s), "hr": heart_rate}))
    open_live(page, server)
    for label, (_, number, words) in UNBELIEVABLE.items():
        expect(cell(page, label, "hr").locator(".number")).to_have_text(number)
        expect(cell(page, label, "hr").locator(".words")).to_contain_text(words)
        expect(cell(page, label, "map")).to_have_attribute("data-state", "fresh")


def test_a_value_never_reported_is_no_reading(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), signals={}))
    open_live(page, server)
    expect(cell(page, "b01", "hr").locator(".number")).to_have_text("–")
    expect(cell(page, "b01", "hr").locator(".words")).to_have_text("none yet")
    expect(sector(page, "b01").locator(".what")).to_have_text("No alarms, values missing")


def test_a_bed_without_admission_says_that_no_alarms_are_evaluated(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), admission=None))
    open_live(page, server)
    expect(sector(page, "b01").locator(".says")).to_have_text("Not admittedno alarms are evaluated")
    expect(sector(page, "b01").locator(".admit")).to_be_visible()


def test_a_device_that_is_offline_is_named(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    server.show(
        bed("b01", now_s, devices=[device("mon1", "monitor", now_s), device("pump1", "pump", now_s, "offline")])
    )
    open_live(page, server)
    expect(sector(page, "b01").locator(".device[data-state=off]")).to_have_text("✕ pump1 offline")


def test_limits_that_are_off_are_named_with_their_end_and_by_whom(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    off = {"family": "tachycardia", "rules": ["tachycardia.hr_above_130"], "reason": "ECG", "by": "M. Rossi"}
    server.show(bed("b01", now_s, limits_off=[off | {"since": rfc3339(now_s), "until": rfc3339(now_s + 600)}]))
    open_live(page, server)
    chip = sector(page, "b01").locator(".device[data-state=limits-off]")
    expect(chip).to_contain_text(re.compile(r"tachycardia limits off until \d\d:\d\d, M\. Rossi"))


def test_a_ward_without_beds_explains_what_to_do(page: Page, server: StationServer) -> None:
    open_live(page, server)
    expect(page.locator("#empty")).to_contain_text("No beds yet")
    expect(page.locator("#admit-first")).to_be_visible()
    server.show(bed("b01", server.now_s()))
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator(".sector")).to_have_count(1)


def test_names_can_be_hidden_and_stay_hidden_after_a_reload(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    page.locator("#names").click()
    expect(sector(page, "b01").locator(".name")).to_be_hidden()
    page.reload()
    expect(page.locator("#names")).to_have_attribute("aria-pressed", "true")
    expect(sector(page, "b01").locator(".bed")).to_be_visible()
    expect(sector(page, "b01").locator(".name")).to_be_hidden()


# --- alarms ----------------------------------------------------------------------------------------------------------


def test_alarms_tell_their_priority_by_sign_and_word_as_well_as_by_colour(page: Page, server: StationServer) -> None:
    server.show(*busy_ward(12, server.now_s()))
    open_live(page, server)
    for label, flag, word in [("b01", "!!!", "HIGH"), ("b04", "!!", "MEDIUM"), ("b11", "!", "LOW")]:
        expect(sector(page, label).locator(".flag")).to_have_text(flag)
        expect(sector(page, label).locator(".detail")).to_contain_text(word)
    expect(sector(page, "b01").locator(".what")).to_have_text("MAP 58 < 65")
    expect(sector(page, "b01").locator(".other")).to_have_text("!! HR 134 > 120")
    expect(sector(page, "b10").locator(".what")).to_have_text("? MAP 61 < 65")
    expect(sector(page, "b10").locator(".detail")).to_contain_text("cannot be judged")
    expect(page.locator(".count[data-priority=high] .count-number")).to_have_text("3")
    expect(page.locator(".count[data-priority=high] .count-new")).to_have_text("2 new")
    expect(page.locator(".urgent")).to_contain_text("b01MAP 58 < 65")
    expect(page.locator("#announce-high")).to_have_text("high: bed b01, MAP 58 < 65. high: bed b08, SpO₂ 86 < 90")


def test_one_touch_acknowledges_and_the_alarm_turns_steady(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    expect(sector(page, "b01")).to_have_attribute("data-standing", "new")
    settled_ack(page, "b01").click()
    expect(sector(page, "b01")).to_have_attribute("data-standing", "acknowledged")
    expect(sector(page, "b01").locator(".detail")).to_contain_text("✓ station")
    expect(sector(page, "b01").locator(".ack")).to_be_hidden()
    assert sector(page, "b01").locator(".lamp").evaluate("lamp => lamp.getAnimations().length") == 0
    assert [(one.alarm_id, one.actor) for one in server.acknowledged] == [("a-1", "station")]


def test_the_name_typed_once_goes_with_each_acknowledgement(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    page.locator("#actor").click()
    page.locator("#actor-name").fill("Åsa Lind")
    page.get_by_role("button", name="Use this name").click()
    page.reload()
    expect(page.locator("#actor")).to_have_text("Acting as Åsa Lind")
    settled_ack(page, "b01").focus()
    page.keyboard.press("Enter")
    expect(sector(page, "b01")).to_have_attribute("data-standing", "acknowledged")
    assert server.acknowledged[0].actor == "%C3%85sa Lind"


def test_a_refused_acknowledgement_is_told_and_leaves_the_alarm_flashing(page: Page, server: StationServer) -> None:
    server.refuses_acknowledgements = True
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    settled_ack(page, "b01").click()
    expect(page.locator("#toast")).to_contain_text("Not acknowledged (b01 MAP 58 < 65): Already cleared")
    expect(sector(page, "b01")).to_have_attribute("data-standing", "new")
    assert server.acknowledged == []


def test_an_alarm_that_slips_under_the_finger_is_not_acknowledged(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    first = alarm("a-1", now_s, priority="medium")
    server.show(bed("b01", now_s, alarms=[first]))
    open_live(page, server)
    settled_ack(page, "b01").hover()
    page.mouse.down()
    server.put(bed("b01", now_s, alarms=[first, alarm("a-2", now_s, text="HR 190 > 140", family="tachycardia")]))
    expect(sector(page, "b01").locator(".what")).to_have_text("HR 190 > 140")
    page.mouse.up()
    expect(sector(page, "b01").locator(".other")).to_have_attribute("data-standing", "acknowledged")
    assert [one.alarm_id for one in server.acknowledged] == ["a-1"]


TOUCH_AT_ONCE = """async () => {
    const what = document.querySelector('.sector .what');
    while (what.textContent !== 'HR 190 > 140') await new Promise(requestAnimationFrame);
    document.querySelector('.sector .ack').click();
}"""


def test_a_button_whose_alarm_has_just_changed_does_nothing_yet(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    first = alarm("a-1", now_s, priority="medium")
    server.show(bed("b01", now_s, alarms=[first]))
    open_live(page, server)
    settled_ack(page, "b01").hover()
    page.evaluate(f"window.touching = ({TOUCH_AT_ONCE})(); 0")
    server.put(bed("b01", now_s, alarms=[first, alarm("a-2", now_s, text="HR 190 > 140", family="tachycardia")]))
    expect(page.locator("#toast")).to_contain_text("has just changed")
    page.evaluate("window.touching")
    assert server.acknowledged == []


def test_a_touch_can_be_taken_back_before_anybody_is_told(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    settled_ack(page, "b01").click()
    expect(page.locator("#ack-tray")).to_contain_text("Acknowledging b01 MAP 58 < 65")
    page.locator("#ack-tray .undo").click()
    expect(page.locator("#ack-tray")).to_be_hidden()
    expect(sector(page, "b01").locator(".ack")).to_have_text("Ack")
    server.wait_for_heartbeats(5)
    assert server.acknowledged == []
    expect(sector(page, "b01")).to_have_attribute("data-standing", "new")


def test_a_note_goes_with_the_acknowledgement_and_time_waits_for_it(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    settled_ack(page, "b01").click()
    note = page.get_by_label("Note")
    note.fill("line flushed")
    server.wait_for_heartbeats(4)
    assert server.acknowledged == []
    note.press("Enter")
    expect(sector(page, "b01")).to_have_attribute("data-standing", "acknowledged")
    assert [(one.alarm_id, one.note) for one in server.acknowledged] == [("a-1", "line flushed")]


FLASHES = """async (lamps) => {
    const samples = lamps.map(() => []);
    const start = performance.now();
    while (performance.now() - start < 4400) {
        await new Promise(requestAnimationFrame);
        const at = performance.now() - start;
        lamps.forEach((lamp, i) => samples[i].push([at, getComputedStyle(lamp).opacity > 0.5]));
    }
    return lamps.map((lamp, i) => {
        const rises = samples[i].filter(([, on], k) => k > 0 && on && !samples[i][k - 1][1]).map(([t]) => t);
        const span = rises.at(-1) - rises[0];
        const inside = samples[i].filter(([t]) => t >= rises[0] && t < rises.at(-1));
        const [effect] = lamp.getAnimations();
        return {
            measured_hz: (rises.length - 1) * 1000 / span,
            duty: inside.filter(([, on]) => on).length / inside.length,
            declared_hz: 1000 / effect.effect.getComputedTiming().duration,
            start: effect.startTime,
        };
    });
}"""


def test_high_and_medium_flash_at_the_rates_of_iec_60601_1_8_and_in_step(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    server.show(
        bed("b01", now_s, alarms=[alarm("a-1", now_s)]),
        bed("b02", now_s, alarms=[alarm("a-2", now_s, priority="medium")]),
        bed("b03", now_s, alarms=[alarm("a-3", now_s, priority="low")]),
    )
    open_live(page, server)
    expect(page.locator(".sector[data-standing=new]")).to_have_count(3)
    lamps = page.locator(".sector:is([data-priority=high], [data-priority=medium]) .lamp")
    high, medium = page.evaluate(FLASHES, lamps.element_handles())
    for flash, slowest_hz, fastest_hz in [(high, 1.4, 2.8), (medium, 0.4, 0.8)]:
        assert slowest_hz <= flash["declared_hz"] <= fastest_hz
        assert slowest_hz <= flash["measured_hz"] <= fastest_hz
        assert 0.2 <= flash["duty"] <= 0.6
    assert high["start"] == medium["start"] == 0
    assert sector(page, "b03").locator(".lamp").evaluate("lamp => lamp.getAnimations().length") == 0


def test_without_motion_an_unacknowledged_high_alarm_has_a_striped_frame(page: Page, server: StationServer) -> None:
    page.emulate_media(reduced_motion="reduce")
    now_s = server.now_s()
    seen = alarm("a-2", now_s, signal="acknowledged", acknowledged={"by": "x", "at": rfc3339(now_s), "note": None})
    server.show(bed("b01", now_s, alarms=[alarm("a-1", now_s)]), bed("b02", now_s, alarms=[seen]))
    open_live(page, server)
    expect(sector(page, "b01").locator(".lamp")).to_have_css(
        "border-image-source", re.compile("^repeating-linear-gradient")
    )
    expect(sector(page, "b02").locator(".lamp")).to_have_css("border-image-source", "none")
    assert page.evaluate("document.getAnimations().filter((one) => one.animationName).length") == 0


# --- honesty ---------------------------------------------------------------------------------------------------------


def test_the_page_is_not_live_within_3_s_of_silence_and_resumes_by_itself(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    page.evaluate("window.isSamePage = true")
    server.hush()
    assert came_true(page, "document.body.classList.contains('not-live')", within_ms=SILENCE_MS)
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#banner")).to_have_text(re.compile(r"NOT LIVE since \d\d:\d\d:\d\d\s+values shown are old"))
    expect(page.locator("#veil")).to_have_css("opacity", "1")
    expect(page.locator("#ward")).to_have_css("filter", "grayscale(1)")
    expect(sector(page, "b01").locator(".ack")).to_be_disabled()
    expect(page).to_have_title("NOT LIVE - Vigil station")
    server.speak()
    expect(page.locator("body:not(.not-live)")).to_be_attached(timeout=10_000)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#veil")).to_have_css("opacity", "0")
    assert page.evaluate("window.isSamePage") is True
    assert server.resumed_after[0] is None
    assert set(server.resumed_after[1:]) == {101}


def test_the_page_says_so_while_the_gateway_does_not_record_and_keeps_its_alarms(
    page: Page, server: StationServer
) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    expect(page.locator("#banner")).to_be_hidden()
    server.trouble = {"journal": "refusing", "lag_s": 4.0, "why": "the journal is refusing: nothing new is taken"}
    expect(page.locator("#banner")).to_have_text(re.compile(r"NOT RECORDING\s+the journal is refusing"), timeout=5000)
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#alarmbar")).to_contain_text("MAP 58 < 65")
    expect(page).to_have_title("NOT RECORDING - Vigil station")
    server.trouble = {"journal": "writable", "lag_s": 4.0, "why": "the engine is 4.0 s behind"}
    expect(page.locator("#banner-title")).to_have_text("NOT CURRENT", timeout=5000)
    server.trouble = None
    expect(page.locator("#banner")).to_be_hidden(timeout=5000)


def test_the_page_stays_live_while_heartbeats_come(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    page.evaluate(RECORD_LIVENESS)
    server.wait_for_heartbeats(5)
    expect(page.locator("body:not(.not-live)")).to_be_attached()
    assert not any(page.evaluate("window.seen"))
    assert server.resumed_after == [None]


def test_a_cut_feed_is_resumed_after_the_last_frame_without_losing_what_came_between(
    page: Page, server: StationServer
) -> None:
    now_s = server.now_s()
    server.show(bed("b01", now_s))
    open_live(page, server)
    server.cut()
    server.put(bed("b01", now_s, signals=signals(now_s, hr=133.0)))
    server.put(bed("b02", now_s))
    server.mend()
    expect(cell(page, "b01", "hr").locator(".number")).to_have_text("133", timeout=10_000)
    expect(page.locator(".sector")).to_have_count(2)
    assert server.resumed_after == [None, 101]


def test_a_hole_in_the_numbers_brings_a_fresh_snapshot(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    server.show(bed("b01", now_s))
    open_live(page, server)
    server.skip(3)
    server.put(bed("b01", now_s, signals=signals(now_s, hr=133.0)))
    expect(cell(page, "b01", "hr").locator(".number")).to_have_text("133")
    assert server.resumed_after == [None, None]


BROKEN = ["no json", '{"type":"delta","n":"x"}', '{"type":"snapshot","n":1,"at":"never","beds":[]}']


def test_a_broken_frame_brings_a_fresh_snapshot(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    for connections, text in enumerate(BROKEN, start=2):
        server.send_raw(text)
        server.wait_for_connections(connections)
    expect(page.locator("body:not(.not-live)")).to_be_attached()
    expect(page.locator(".sector")).to_have_count(1)
    assert server.resumed_after == [None] * (1 + len(BROKEN))


def test_a_page_that_did_not_run_asks_anew_before_it_calls_itself_live(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    page.evaluate(RECORD_LIVENESS)
    page.evaluate("{ const until = performance.now() + 2900; while (performance.now() < until); }")
    server.wait_for_connections(2)
    expect(page.locator("body:not(.not-live)")).to_be_attached()
    assert page.evaluate("window.seen")[0] is True
    assert server.resumed_after == [None, 101]


def test_the_veil_falls_by_itself_when_the_script_has_stopped(page: Page, server: StationServer) -> None:
    page.add_init_script("window.setInterval = () => 0")  # the page's tick never comes
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    expect(page.locator("#veil")).to_have_css("opacity", "0")
    server.hush()
    assert came_true(
        page, "getComputedStyle(document.querySelector('#veil')).opacity === '1'", within_ms=SILENCE_MS + 100
    )
    expect(page.locator("body:not(.not-live)")).to_be_attached()


def test_a_gateway_of_another_version_reloads_the_page(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    page.evaluate("window.isSamePage = true")
    server.version = "v2"
    server.skip(1)
    expect(page.locator("#feed-state")).to_contain_text("version v2")
    assert page.evaluate("window.isSamePage === undefined")


def test_ages_run_as_fast_as_the_gateways_clock(page: Page, server: StationServer) -> None:
    server.clock_speed = 60.0
    now_s = server.now_s()
    server.show(bed("b01", now_s, signals={"hr": signal("hr", 101.0, now_s - 10, fresh_for_s=90.0)}))
    open_live(page, server)
    expect(cell(page, "b01", "hr")).to_have_attribute("data-state", "stale", timeout=4000)
    expect(page.locator("#feed-state")).to_contain_text("clock at 60×")


# --- hostile text ----------------------------------------------------------------------------------------------------


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg/onload=alert(3)>"


def poisoned(value: Any) -> Any:
    """The same JSON with every free text hostile; what has a form of its own (instants, numbers, states) stays."""
    if isinstance(value, dict):
        return {key: entry if key in KEPT else poisoned(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [poisoned(entry) for entry in value]
    return HOSTILE if isinstance(value, str) else value


KEPT = {
    "at", "onset_at", "announced_at", "admitted_at", "last_seen_at", "alarm_id", "admission_id", "signal", "condition",
    "kind", "started_at", "ended_at", "due_at",
}  # fmt: skip


def test_hostile_text_in_every_field_stays_text(page: Page, server: StationServer) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    now_s = server.now_s()
    victim = bed(
        "b01", now_s, dosing=dosing(now_s), alarms=[alarm("a-1", now_s), alarm("a-2", now_s, signal="acknowledged")]
    )
    victim["alarms"][1]["acknowledged"] = {"by": "x", "at": rfc3339(now_s), "note": "x"}
    victim["signals"]["rhythm"] = signal("rhythm", "af", now_s)
    hostile: Json = poisoned(victim)
    hostile["signals"][HOSTILE] = signal("hr", 1.0, now_s)
    server.version = HOSTILE
    server.show(hostile)
    open_live(page, server)
    expect(page.locator(".sector .bed")).to_have_text(HOSTILE)
    expect(page.locator(".sector .name")).to_have_text(HOSTILE)
    expect(page.locator(".sector .what")).to_have_text(HOSTILE)
    page.locator(".sector .bed").click()
    page.locator(".alarm-line summary").first.click()
    expect(page.locator(".bed-page .evidence").first).to_be_visible()
    assert (
        page.locator("img, svg:not(.spark), body script, iframe, object, [onerror], [onload], [style*=alert]").count()
        == 0
    )
    assert dialogs == []


# --- the ward as a whole ---------------------------------------------------------------------------------------------


FIT = """() => {
    const ward = document.querySelector('#ward');
    const all = (selector) => [...document.querySelectorAll(selector)];
    const isInside = ({top, left, bottom, right}) =>
        top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
    return {
        scrolls: ward.scrollHeight > ward.clientHeight || document.documentElement.scrollWidth > innerWidth,
        outside: all('.sector').filter((node) => !isInside(node.getBoundingClientRect())).length,
        cut: all('.number').filter((node) => node.scrollWidth > node.clientWidth + 1).length,
        smallest: Math.min(...all('.major .number').map((node) => parseFloat(getComputedStyle(node).fontSize))),
    };
}"""


def test_beds_fit_on_a_wall_without_scrolling_and_numerals_carry_4_m(page: Page, server: StationServer) -> None:
    open_live(page, server)
    for count in (1, 2, 12, 32):
        server.show(*calm_ward(count, server.now_s()))
        expect(page.locator(".sector")).to_have_count(count)
        fit = page.evaluate(FIT)
        assert fit.pop("smallest") >= 40
        assert fit == {"scrolls": False, "outside": 0, "cut": 0}


def crowded(label: str, now_s: float) -> Json:
    """A bed with more devices, alarms and words than there is room for."""
    names = ["mon1", "pump1", "pump2", "pump3", "scale1", "uro1"]
    devices = [device(name, "pump", now_s, "offline" if name == "pump3" else "online") for name in names]
    long = {"text": "norepinephrine pump2 stopped for 4 min while MAP 58 < 65", "title": "Pressor stopped"}
    alarms = [alarm(f"{label}-{index}", now_s, **long, kind="technical") for index in range(5)]
    admission = {**bed(label, now_s)["admission"], "name": "Papadimitriou-Featherstonehaugh, Alexandrina"}
    return bed(label, now_s, devices=devices, alarms=alarms, admission=admission)


def test_a_crowded_bed_pushes_nothing_out_of_its_sector(page: Page, server: StationServer) -> None:
    server.show(*[crowded(f"b{index:02}", server.now_s()) for index in range(1, 33)])
    open_live(page, server)
    expect(page.locator(".sector")).to_have_count(32)
    outside = page.evaluate("""() => [...document.querySelectorAll('.sector')].flatMap((sector) => {
        const frame = sector.getBoundingClientRect();
        const parts = sector.querySelectorAll('.ack, .light, .number, .flag, .device[data-state], .more');
        return [...parts].filter((node) => {
            const box = node.getBoundingClientRect();
            return box.left < frame.left || box.right > frame.right || box.bottom > frame.bottom || box.width === 0;
        }).map((node) => node.className);
    })""")
    assert outside == []
    expect(sector(page, "b01").locator(".device[data-state=off]")).to_have_text("✕ pump3 offline")
    expect(sector(page, "b01").locator(".more")).to_have_text("+2")


def test_a_latched_alarm_whose_condition_has_gone_does_not_colour_the_value(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    gone = alarm("a-1", now_s, condition="absent", signal="latched")
    server.show(bed("b01", now_s, alarms=[gone]), bed("b02", now_s, alarms=[alarm("a-2", now_s)]))
    open_live(page, server)
    expect(sector(page, "b01").locator(".detail")).to_contain_text("condition gone")
    expect(sector(page, "b01")).to_have_attribute("data-standing", "new")
    assert sector(page, "b01").locator(".lamp").evaluate("lamp => lamp.getAnimations().length") == 1
    expect(cell(page, "b02", "map")).to_have_attribute("data-alarm", "high")
    assert cell(page, "b01", "map").get_attribute("data-alarm") is None


def test_a_phone_scrolls_downwards_only_and_the_buttons_suit_a_glove(page: Page, server: StationServer) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    server.show(*busy_ward(8, server.now_s()))
    open_live(page, server)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = sector(page, "b01").locator(".ack").bounding_box()
    assert box is not None
    assert box["width"] >= 44
    assert box["height"] >= 40
    page.locator(".urgent").click()
    expect(sector(page, "b01")).to_be_in_viewport()


def test_the_theme_follows_the_system_until_somebody_chooses(page: Page, server: StationServer) -> None:
    page.emulate_media(color_scheme="light")
    open_live(page, server)
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


# --- one bed ---------------------------------------------------------------------------------------------------------


def test_the_page_of_a_bed_draws_trends_and_shows_why_an_alarm_came(page: Page, server: StationServer) -> None:
    server.show(*busy_ward(2, server.now_s()))
    open_live(page, server)
    sector(page, "b01").locator(".bed").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".bed-page h1")).to_have_text("Bed b01")
    for name, unit in [("map", "mmHg"), ("hr", "/min"), ("spo2", "%")]:
        caption = page.locator(f".trend[data-signal={name}] .trend-caption")
        expect(caption).to_have_text(re.compile(rf"\d+ to \d+ {unit}$"))
    inks = page.locator(".trend canvas").evaluate_all(
        "all => all.map(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter(Boolean).length)"
    )
    assert len(inks) >= 3
    assert all(ink > 1000 for ink in inks)
    with page.expect_request(re.compile("series.*signal=map")) as asked:
        page.get_by_role("button", name="24 h").click()
    assert "points=600" in asked.value.url
    page.locator(".alarm-line summary").first.click()
    expect(page.locator(".line-body").first).to_contain_text("MAP at or above 68 mmHg for 30 s")
    expect(page.locator(".line-body").first).to_contain_text("start: off → on, by vigil")
    page.keyboard.press("Escape")
    expect(page.locator(".bed-page")).to_be_hidden()
    expect(sector(page, "b01").locator(".bed")).to_be_focused()


def test_admitting_asks_about_weights_far_apart_before_it_sends_them(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), admission=None))
    open_live(page, server)
    sector(page, "b01").locator(".admit").click()
    page.get_by_label("Patient id").fill("P77")
    page.get_by_label("Dosing weight, kg").fill("80")
    page.get_by_label("Baseline weight, kg").fill("176")
    page.get_by_label("MAP, mmHg", exact=True).fill("85")
    form = page.locator(".admit-form")
    form.locator("button[type=submit]").click()
    expect(form.locator(".problem")).to_contain_text("in pounds?")
    assert server.admitted == []
    page.get_by_label("Baseline weight, kg").fill("80.5")
    form.locator("button[type=submit]").click()
    expect(page.locator("#panel")).to_be_hidden()
    expect(sector(page, "b01")).to_have_attribute("data-admitted", "yes")
    place = {"unit": "icu", "bed": "b01", "patient_id": "P77"}
    weights = {"dosing_weight_kg": 80, "baseline_weight_kg": 80.5}
    assert server.admitted == [{**place, **weights, "baseline": {"map": 85}}]


def test_a_bed_that_is_taken_cannot_be_admitted_to_and_the_form_says_why(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    page.locator("#admit").click()
    for label, text in [("Unit", "icu"), ("Bed", "b01"), ("Patient id", "P78"), ("Dosing weight, kg", "80")]:
        page.locator("#panel").get_by_label(label, exact=True).fill(text)
    page.get_by_label("Baseline weight, kg").fill("80")
    page.locator(".admit-form button[type=submit]").click()
    expect(page.locator(".problem")).to_have_text("Not admitted: Bed is taken")
