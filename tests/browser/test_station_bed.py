"""The page of one bed, the sheets and the lists in a real browser: what is asked for, what is sent, what is refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_live
from tests.support.instants import minute_text
from tests.support.station_server import Json, StationServer, rfc3339
from tests.support.ward_beds import alarm, bed, busy_ward, dosing, stay_signals, treated


def open_bed(page: Page, server: StationServer, tab: str) -> None:
    now_s = server.now_s()
    server.show(treated("b01", now_s, 2), bed("b02", now_s, admission=None))
    page.goto(f"{server.url}#/bed/icu/b01")
    expect(page.locator("body:not(.not-live)")).to_be_attached()
    page.get_by_role("tab", name=tab).click()


def test_charting_sends_what_is_filled_in_and_asks_about_what_is_unlikely(page: Page, server: StationServer) -> None:
    open_bed(page, server, "Chart")
    form = page.locator(".chart-form")
    send = form.locator("button[type=submit]")
    send.click()
    expect(form.locator(".problem")).to_have_text("Nothing is filled in.")
    form.get_by_label("body weight, kg").fill("176")
    form.get_by_label("mental status").select_option("confusion")
    send.click()
    expect(form.locator(".problem")).to_contain_text("in pounds?")
    form.get_by_label("body weight, kg").fill("400")
    send.click()
    expect(form.locator(".problem")).to_contain_text("outside of 25 to 350 kg")
    assert server.posted == []

    form.get_by_label("body weight, kg").fill("82,5")
    send.click()
    expect(page.locator("#toast")).to_have_text("Charted 2 values")

    [(command, body)] = server.posted
    assert command == "observations"
    assert body["metrics"] == {"MDC_MASS_BODY_ACTUAL": 82.5, "site:mental_status": "confusion"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["time"])
    expect(form.get_by_label("body weight, kg")).to_have_value("")


def test_the_decision_shows_its_criteria_and_is_signed_against_them_only_with_a_reason_and_twice(
    page: Page, server: StationServer
) -> None:
    open_bed(page, server, "Decision")
    first = page.locator(".criteria tbody tr").first
    expect(first).to_have_attribute("data-state", "met")
    expect(first).to_contain_text("SBP")
    expect(first).to_contain_text("84 mmHg")
    expect(first).to_contain_text("SBP ≥ 90 mmHg and pressor requirement stable")
    expect(page.locator(".criteria tbody tr").nth(1)).to_have_attribute("data-state", "unknown")
    proceed = page.get_by_role("button", name="Sign PROCEED")
    problem = page.locator(".sign-form .problem")

    proceed.click()
    expect(problem).to_contain_text("needs a reason")
    page.get_by_label("Reason").fill("arterial line damped, cuff 104/60")
    proceed.click()
    expect(problem).to_contain_text("Touch PROCEED again")
    assert server.posted == []
    proceed.click()

    expect(page.locator("#toast")).to_have_text("Signed: PROCEED")
    assert server.posted == [("sign", {"decision": "proceed", "reason": "arterial line damped, cuff 104/60"})]
    expect(page.locator(".decision .chip")).to_contain_text("PROCEED")


def test_the_sound_of_a_bed_is_paused_with_a_countdown_and_comes_back(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s(), alarms=[alarm("a-1", server.now_s())]))
    open_live(page, server)
    page.goto(f"{server.url}#/bed/icu/b01")
    page.locator("#pause").click()
    expect(page.locator("#pause")).to_have_text(re.compile(r"Paused (1:5\d|2:00) · resume"))
    page.keyboard.press("Escape")
    expect(page.locator(".strip .paused")).to_have_text(re.compile(r"1:5\d"))  # it counts
    expect(page.locator(".detail")).to_contain_text("sound paused")
    expect(page.locator(".sector")).to_have_attribute("data-standing", "new")  # the light goes on
    page.goto(f"{server.url}#/bed/icu/b01")
    page.locator("#pause").click()
    expect(page.locator("#pause")).to_have_text("Pause sound 2 min")
    assert server.posted == [("audio-pause", {"seconds": 120}), ("audio-pause", {"seconds": 0})]


def test_a_course_is_ordered_a_patient_moved_and_discharged_from_the_page(page: Page, server: StationServer) -> None:
    open_bed(page, server, "Stay")
    page.locator("#order-course button").click()
    expect(page.locator("#toast")).to_have_text("Course ordered")
    page.locator("#transfer").get_by_label("Bed").fill("b07")
    page.locator("#transfer button").click()
    expect(page.locator(".bed-page h1")).to_have_text("Bed b07")
    page.get_by_role("tab", name="Stay").click()
    page.locator("#discharge button").click()
    expect(page.locator("#discharge .problem")).to_contain_text("Touch again to discharge")
    assert [command for command, _ in server.posted] == ["course", "transfer"]
    page.locator("#discharge button").click()
    expect(page.locator(".sector[data-admitted=yes]")).to_have_count(0)

    (_, course), (_, place), (last, _) = server.posted
    assert {**course, "first_dose_at": None} == {
        "drug": "aldesleukin", "dose_iu_per_kg": 600000, "interval_h": 8, "max_doses": 14, "duration_min": 15,
        "first_dose_at": None,
    }  # fmt: skip
    assert place == {"unit": "icu", "bed": "b07"}
    assert last == "discharge"


def two_hours(now_s: float) -> Json:
    """Two hours, the earlier one without urine, and a bolus."""
    hour_s = now_s // 3600 * 3600
    saline = {"pump": "pump3", "drug": "fluid", "label": "Saline"}
    row: Json = {"intake_coverage": 1.0, "urine_coverage": 1.0, "by_pump": [{**saline, "ml": 500.0}]}
    times = [{"from": rfc3339(hour_s - back * 3600), "to": rfc3339(hour_s - (back - 1) * 3600)} for back in (2, 1)]
    return {
        "hours": [
            {**row, **times[0], "intake_ml": 500.0, "urine_ml": None, "urine_coverage": 0.0, "balance_ml": None},
            {**row, **times[1], "intake_ml": 120.0, "urine_ml": 40.0, "balance_ml": 80.0},
        ],
        "boluses": [{**saline, "from": rfc3339(hour_s - 7000), "to": rfc3339(hour_s - 5200), "ml": 500.0}],
    }


def test_doses_fluids_and_pumps_of_a_bed_are_shown(page: Page, server: StationServer) -> None:
    server.fluids = two_hours(server.now_s())
    open_bed(page, server, "Doses")
    expect(page.locator(".dose-line li")).to_have_count(14)
    expect(page.locator(".doses tr[data-status=held]")).to_contain_text("held")
    expect(page.locator(".doses tr[data-status=given]").first).to_contain_text("48.0 MIU")
    page.get_by_role("tab", name="Fluids").click()
    expect(page.locator(".urine-bars rect")).to_have_count(24)
    hours = page.locator(".hours-table tbody tr")
    expect(hours.nth(0)).to_contain_text("120 mL40 mL+80 mL")
    expect(hours.nth(1)).to_contain_text("500 mLnot toldnot known")
    expect(page.locator(".boluses li")).to_contain_text("500 mL Saline")
    expect(page.locator(".pump-list").last).to_contain_text("Levophed · infusing · 4.5 mL/h · 0.06 µg/kg/min")


def test_zooming_asks_for_the_window_that_was_drawn_over(page: Page, server: StationServer) -> None:
    open_bed(page, server, "Alarms")
    plot = page.locator(".trend[data-signal=hr] .u-over")
    box = plot.bounding_box()
    assert box is not None
    window = page.locator(".trend-window")
    whole = window.inner_text()
    with page.expect_request(re.compile("series.*signal=hr")) as asked:
        page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20, steps=4)
        page.mouse.up()
    times = re.findall(r"(?:from|to)=(\d{4}-\d\d-\d\dT[^&]+)", asked.value.url)
    assert len(times) == 2
    expect(window).not_to_have_text(whole)
    plot.dblclick()
    expect(page.get_by_role("button", name="6 h")).to_have_attribute("aria-pressed", "true")


def test_the_course_stands_in_the_sector_with_the_first_reason(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    held = dosing(now_s, decision="hold", summary="SBP 84 mmHg below 90 since 09:58")
    held["pressors_hour_ago"] = {"norepinephrine_ug_kg_min": 0.05}
    pressed = stay_signals(now_s, norepinephrine_ug_kg_min=0.12, weight_gain_pct=6.4)
    server.show(bed("b01", now_s, dosing=held, signals=pressed))
    open_live(page, server)
    sector = page.locator(".sector")
    expect(sector.locator(".chip")).to_contain_text("HOLD")
    expect(sector.locator(".course-why")).to_have_text("SBP 84 mmHg below 90 since 09:58")
    expect(sector.locator(".course-dose")).to_have_text(re.compile(r"^Dose 6/14 due in 1:(49|50) h · last 6:10 h ago$"))
    expect(sector.locator(".fact[data-signal=weight_gain_pct] .number")).to_have_text("+6.4")
    expect(sector.locator(".fact[data-signal=fluid_balance_ml_24h] .number")).to_have_text("+1.6")
    expect(sector.locator(".fact[data-signal=pressor]")).to_have_text(re.compile("Norepi0.12.*↑"))


def test_lists_and_sheets_open_from_every_page_and_filter(page: Page, server: StationServer) -> None:
    server.show(*busy_ward(12, server.now_s()))
    open_live(page, server)
    page.locator("#go-alarms").click()
    lines = page.locator("#alarms-page .alarm-line")
    expect(lines).to_have_count(8)
    page.get_by_role("button", name="!!! high").click()
    expect(lines).to_have_count(3)
    page.get_by_placeholder("Bed, rule, words").fill("b08")
    expect(lines).to_have_count(1)
    lines.first.locator("summary").click()
    expect(lines.first.locator(".line-body")).to_contain_text("SpO₂ at or above 92 % for 30 s")
    page.locator("#go-burden").click()
    expect(page.locator("#burden-page")).to_contain_text("hypotension.map")
    page.locator("#go-handover").click()
    expect(page.locator(".sheet")).to_have_count(11)
    expect(page.locator(".sheet[data-key='icu/b01']")).to_contain_text("SBP 81 mmHg below 90")
    page.emulate_media(media="print")
    expect(page.locator(".footline")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("#handover-page")).not_to_contain_text("loading")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 11  # one sheet of paper a patient


def test_evidence_names_times_as_they_are_here_and_codes_by_what_they_mean(page: Page, server: StationServer) -> None:
    now_s = server.now_s()
    server.show(busy_ward(1, now_s)[0])
    page.goto(f"{server.url}#/bed/icu/b01")
    page.locator(".alarm-line summary").first.click()
    since = page.locator(".evidence-row[data-term=since] time").first
    expect(since).to_have_attribute("title", rfc3339(now_s - 42))
    expect(since).to_have_text(re.compile(rf"\d{{4}}-\d\d-\d\d {minute_text(now_s - 42)}:\d\d$"))
    source = page.locator(".evidence-row[data-term=source] dd").first
    expect(source).to_have_text("arterial line, mean MDC_PRESS_BLD_ART_ABP_MEAN")
    expect(page.locator(".evidence-row[data-term=limit] dd").first).to_have_text("65 mmHg")


INKED = """(canvas) => {
    const {data, width, height} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const text = getComputedStyle(document.documentElement).getPropertyValue('--text');
    const ink = text.match(/\\w\\w/g).map((part) => parseInt(part, 16));
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] > 200 && ink.every((part, at) => Math.abs(part - data[i + at]) < 12)) count += 1;
    }
    return count;
}"""


def test_every_signal_with_a_history_has_its_trend_and_a_value_that_stands_alone_is_seen(
    page: Page, server: StationServer
) -> None:
    server.show(busy_ward(1, server.now_s())[0])
    page.goto(f"{server.url}#/bed/icu/b01")
    drawn = page.locator(".trend:not(.trend-none)")
    expect(page.locator(".trend[data-signal=platelets] .trend-caption")).not_to_contain_text("loading")
    names = drawn.evaluate_all("all => all.map((one) => one.dataset.signal)")
    monitored = ["map", "norepinephrine_ug_kg_min", "hr", "spo2", "rr", "temp", "cvp", "etco2", "o2_flow"]
    assert names[: len(monitored)] == monitored
    assert {"urine_ml_h", "weight", "creatinine", "platelets", "bilirubin", "bicarbonate"} <= set(names)
    expect(page.locator(".trend[data-signal=weight] .trend-caption")).to_contain_text("+6.8 % of baseline 80 kg")
    # One value of the weight in six hours: no line, but a point.
    plot = page.locator(".trend[data-signal=weight] canvas")
    assert plot.evaluate(INKED) > 10
    page.get_by_role("button", name="1 h").click()
    last = page.locator(".trend[data-signal=weight].trend-none")
    expect(last).to_contain_text(re.compile(r"nothing recorded in this window, last 85\.4 kg at 20\d\d-"))
    expect(last.locator("canvas")).to_have_count(0)


def test_tabs_are_walked_with_arrows_and_escape_leaves_a_field_before_it_leaves_the_page(
    page: Page, server: StationServer
) -> None:
    open_bed(page, server, "Alarms")
    for key, name in [("ArrowRight", "Decision"), ("End", "Stay"), ("ArrowRight", "Alarms"), ("ArrowLeft", "Stay")]:
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="Decision").click()
    page.get_by_label("Reason").fill("not lost")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Reason")).to_have_value("not lost")
    expect(page.get_by_label("Reason")).not_to_be_focused()
    page.locator("#actor").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#ask-actor")
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#actor")).to_be_focused()
    expect(page.locator(".bed-page")).to_be_visible()


REACHABLE = """() => {
    const acts = 'button:not([disabled]):not([tabindex="-1"]), input, select, summary, [role=tabpanel]';
    window.unreached = new Set([...document.querySelectorAll(acts)].filter((node) => node.checkVisibility()));
    window.unseen = [];
    document.addEventListener('focusin', ({target}) => {
        window.unreached.delete(target);
        if (getComputedStyle(target).outlineStyle === 'none') window.unseen.push(target.outerHTML.slice(0, 80));
    });
    return window.unreached.size;
}"""


@pytest.mark.parametrize("tab", ["Alarms", "Decision", "Stay"])
def test_every_act_on_the_page_of_a_bed_is_reached_with_the_keyboard_and_seen(
    page: Page, server: StationServer, tab: str
) -> None:
    open_bed(page, server, tab)
    expect(page.locator("#tab-body")).not_to_contain_text("loading")
    page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    count = page.evaluate(REACHABLE)
    assert count > 20
    for _ in range(count + 12):  # a date has several parts, and the browser's own places lie between
        page.keyboard.press("Tab")
    assert page.evaluate("[...window.unreached].map((node) => node.outerHTML.slice(0, 80))") == []
    assert page.evaluate("window.unseen") == []


def test_the_page_of_a_bed_is_one_column_on_a_phone(page: Page, server: StationServer) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_bed(page, server, "Chart")
    boxes = [page.locator(part).bounding_box() for part in (".bed-strip", ".trends", ".bed-tabs", ".chart-form")]
    strip, trends, tabs, form = (box for box in boxes if box is not None)
    assert strip["y"] + strip["height"] <= trends["y"]
    assert trends["y"] + trends["height"] <= tabs["y"] <= form["y"]
    assert form["y"] + form["height"] <= tabs["y"] + tabs["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
