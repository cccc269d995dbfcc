"""Hostile text in every field of the station that takes any: it stays text, or is refused.

The fields are found by walking the page, not by a list: a field that stands in no row of `FIELDS` fails the walk, and
so does a page or a dialog that the walk does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.conftest import open_live
from tests.support.sources import REPOSITORY
from tests.support.station_server import StationServer
from tests.support.ward_answers import infusions
from tests.support.ward_beds import alarm, bed, treated

TEXT = (
    """<img src=x onerror=ran=1>"'><script>ran=1</script>\x00\x1b\u202e\u2066${ran=1}{{ran}}\x07\x7f\u2028"""
    + "W" * 10_000
)
"""An element with a handler, an end of an attribute, a script, controls, writing from right to left, templates; ten
kilobytes in all. What matters most stands first: most fields keep 64 signs."""
CHARTABLE: dict[str, Any] = json.loads(
    (REPOSITORY / "gateway" / "station" / "src" / "chartable.json").read_text(encoding="utf-8")
)

NUMBER = 0
"""A field that keeps numbers only."""
INSTANT = -1
"""A field that keeps instants only."""
WHOLE = 1_000_000
FIELDS: dict[str, int] = {
    # What a field keeps of a text: its first so many characters, or one of the above.
    "sign-in: Name": 64, "sign-in: Password": 256,
    "dialog ask-actor: Name": 64,
    "admit: Unit": 64, "admit: Bed": 64, "admit: Patient id": 64, "admit: Name (optional)": 64,
    "admit: Dosing weight, kg": NUMBER, "admit: Baseline weight, kg": NUMBER,
    "admit: Systolic pressure, mmHg": NUMBER, "admit: MAP, mmHg": NUMBER, "admit: Heart rate, /min": NUMBER,
    "admit: Creatinine, mg/dL": NUMBER, "admit: Systolic alarm below, mmHg": NUMBER,
    "admit: MAP alarm below, mmHg": NUMBER, "admit: Hold dose below systolic, mmHg": NUMBER,
    "admit: Heart rate alarm above, /min": NUMBER, "admit: Heart rate alarm below, /min": NUMBER,
    "admit: SpO₂ alarm below, %": NUMBER,
    "alarms: Search": WHOLE,
    "acknowledging: Note": 500,
    "Alarms: Reason": 200,
    "Decision: Reason (needed against the computed decision)": 500,
    "Chart: Determined at": INSTANT,
    "Stay: Drug": 64, "Stay: Dose, IU/kg": NUMBER, "Stay: Interval, h": NUMBER, "Stay: Doses": NUMBER,
    "Stay: Duration of a dose, min": NUMBER, "Stay: Cycle (optional)": NUMBER, "Stay: First dose": INSTANT,
    "Stay: Unit": 64, "Stay: Bed": 64,
    **{f"Chart: {each['title']}": 10 for each in CHARTABLE["numbers"]},
}  # fmt: skip
FIELDS_IN_SOURCES = {
    "parts/fields.tsx": 2, "parts/ack_tray.tsx": 1, "parts/foot_line.tsx": 1, "parts/sign_in.tsx": 2,
    "pages/alarms_page.tsx": 1, "tabs/alarms_tab.tsx": 1, "tabs/chart_tab.tsx": 2, "tabs/decision_tab.tsx": 1,
    "tabs/stay_tab.tsx": 1,
}  # fmt: skip
"""Where the sources make fields, and how many: what no walk comes to is noticed here."""
PAGES = ("ward", "alarms", "handover", "burden", "admit")

FIND = """() => {
    for (const folded of document.querySelectorAll('details')) folded.open = true;
    const untyped = ['button', 'submit', 'reset', 'checkbox', 'radio', 'range', 'color', 'file', 'image', 'hidden'];
    const typed = [...document.querySelectorAll('input, textarea, [contenteditable]')]
        .filter((field) => !untyped.includes(field.type) && !field.disabled && !field.readOnly);
    window.found = {};
    for (const field of typed) {
        const label = field.labels?.[0]?.querySelector('span') ?? field.labels?.[0];
        const words = (field.ariaLabel || label?.textContent || field.placeholder || field.name || field.id).trim();
        const dialog = field.closest('dialog');
        const tray = field.closest('#ack-tray');
        const place = dialog ? `dialog ${dialog.id}` : tray ? 'acknowledging' : '';
        window.found[(place ? `${place}: ` : '') + words] = field;
    }
    return Object.keys(window.found);
}"""
TYPE = """([names, text]) => names.map((name) => {
    const field = window.found[name];
    field.focus();
    field.select?.();
    document.execCommand('insertText', false, text);
    return field.value ?? field.textContent;
})"""
TRACES = """() => {
    const made = 'img, iframe, object, embed, body script, i, main b, [onerror], [onload], [onclick], [onfocus]';
    const traces = [...document.querySelectorAll(made)].map((node) => node.outerHTML.slice(0, 80));
    if (window.ran) traces.push('a script ran');
    if (document.documentElement.scrollWidth > innerWidth) traces.push('the page is wider than the screen');
    return traces;
}"""
DIALOGS = {"ask-actor", "sign-in-again", "ask-who"}
"""All dialogs; the second has the form of the sign-in page, the third no field."""
CLEAR = "all => all.forEach((field) => { field.value = ''; })"
Act = Callable[[Page, StationServer], object]


class Place(NamedTuple):
    """A page, a tab or a dialog with fields: how to come there, and what sends what was typed there."""

    name: str
    come: Act
    send: Act


def kept(text: str, field: int) -> str:
    """What a field of text keeps: no line ends, and not more than its length."""
    return text.replace("\n", "").replace("\r", "")[:field]


def strings_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for entry in value.values() for text in strings_in(entry)]
    if isinstance(value, list | tuple):
        return [text for entry in value for text in strings_in(entry)]
    return [value] if isinstance(value, str) else []


def go(name: str) -> Act:
    def come(page: Page, server: StationServer) -> None:
        page.locator("#admit" if name == "admit" else f"#go-{name}").click()

    return come


def tab(name: str) -> Act:
    def come(page: Page, server: StationServer) -> None:
        page.goto(f"{server.url}#/bed/icu/b01")
        page.get_by_role("tab", name=name).click()
        expect(page.locator("#tab-body")).not_to_contain_text("loading")

    return come


def touch(page: Page, server: StationServer) -> None:
    page.locator("#go-ward").click()
    page.locator(".sector .ack:not(.settling):enabled").first.click()


def nothing(page: Page, server: StationServer) -> None:
    """What was typed acts at once."""


def press(selector: str) -> Act:
    def send(page: Page, server: StationServer) -> None:
        page.locator(selector).first.click()

    return send


def sign(page: Page, server: StationServer) -> None:
    for _ in range(2):
        page.get_by_role("button", name="Sign PROCEED").click()
    expect(page.locator("#toast")).to_have_text("Signed: PROCEED")


def admit(page: Page, server: StationServer) -> None:
    """First as it is, which the fields refuse; then with a place and weights that they take."""
    button = page.locator(".admit-form button[type=submit]")
    button.click()
    assert page.locator(".admit-form :invalid").count() > 2
    page.locator(".admit-form input[type=number]").evaluate_all(CLEAR)
    for label, text in (("Unit", "icu"), ("Bed", f"h{len(server.admitted)}")):
        page.locator(".admit-form").get_by_label(label, exact=True).fill(text)
    page.get_by_label("Dosing weight, kg").fill("80")
    page.get_by_label("Baseline weight, kg").fill("80")
    button.click()
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".sector[data-admitted=yes]")).to_have_count(1 + len(server.admitted))


def refused_chart(page: Page, server: StationServer) -> None:
    page.locator(".chart-form button[type=submit]").click()
    expect(page.locator(".chart-form .problem")).to_contain_text("is no number")


def order(page: Page, server: StationServer) -> None:
    """The order with the numbers as they were; the transfer to such a bed is refused by its field."""
    for label, text in (("Dose, IU/kg", "600000"), ("Interval, h", "8"), ("Doses", "14")):
        page.locator("#order-course").get_by_label(label, exact=True).fill(text)
    page.get_by_label("Duration of a dose, min").fill("15")
    page.locator("#order-course").get_by_label("Cycle").fill("")
    first = page.get_by_label("First dose")
    first.fill("2030-01-01T08:00")
    with page.expect_response("**/course"):
        page.locator("#order-course button").click()
    page.locator("#transfer button").click()
    assert page.locator("#transfer :invalid").count() > 1


def change_actor(page: Page, server: StationServer) -> None:
    page.get_by_role("button", name="Use this name").click()
    expect(page.locator("#actor")).to_contain_text("Acting as")


PLACES = [
    Place("ward", go("ward"), nothing),
    Place("handover", go("handover"), nothing),
    Place("burden", go("burden"), nothing),
    Place("alarms", go("alarms"), nothing),
    Place("admit", go("admit"), admit),
    Place("Decision", tab("Decision"), sign),
    Place("Doses", tab("Doses"), nothing),
    Place("Fluids", tab("Fluids"), nothing),
    Place("Signals", tab("Signals"), nothing),
    Place("Chart", tab("Chart"), refused_chart),
    Place("Stay", tab("Stay"), order),
    Place("Alarms", tab("Alarms"), press("form:has-text('Switch off') button[type=submit]")),
    Place("dialog ask-actor", press("#actor"), change_actor),
    Place("acknowledging", touch, press("#ack-tray button[type=submit]")),
]
SENT = {"admit: Patient id", "admit: Name (optional)", "acknowledging: Note", "Alarms: Reason", "Stay: Drug"} | {
    name for name in FIELDS if name.startswith("Decision")
}
"""Fields whose text is sent, and not refused beforehand."""
APART = ("dialog ", "acknowledging")
"""Places whose fields may be there beside those of any page."""


def fields_here(page: Page, place: Place) -> dict[str, str]:
    """Fields that belong to this place, by what the page calls them, with their names in `FIELDS`."""
    found: list[str] = page.evaluate(FIND)
    if place.name.startswith(APART):
        return {name: name for name in found if name.startswith(place.name)}
    own = [name for name in found if not name.startswith(APART)]
    if place.name == "Chart":  # each label ends with its unit
        return {name: f"Chart: {name.rsplit(', ', 1)[0]}" for name in own}
    return {name: f"{place.name}: {name}" for name in own}


def type_everywhere(page: Page, names: dict[str, str], text: str) -> None:
    """Types the text into each field; what each keeps is what it may keep."""
    values: list[str] = page.evaluate(TYPE, [list(names), text])
    for known, value in zip(names.values(), values, strict=True):
        assert known in FIELDS, f"the field {known!r} stands in no row of this test"
        if (field := FIELDS[known]) == NUMBER:
            assert not set(value) - set("0123456789+-.eE"), known
        elif field == INSTANT:
            assert not set(value) - set("0123456789-:T"), known
        else:
            assert value == kept(text, field), known


def test_hostile_text_in_every_field_of_every_page_tab_and_dialog_stays_text(page: Page, server: StationServer) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    now_s = server.now_s()
    server.show(treated("b01", now_s, 2) | {"alarms": [alarm("a-1", now_s)]})
    open_live(page, server)
    assert (
        tuple(page.locator(".pages button").evaluate_all("all => all.map((one) => one.id.replace('go-', ''))")) == PAGES
    )

    seen: set[str] = set()
    for place in PLACES:
        place.come(page, server)
        assert {one.inner_text() for one in page.get_by_role("tab").all()} <= {known.name for known in PLACES}
        if names := fields_here(page, place):
            type_everywhere(page, names, TEXT)
            place.send(page, server)
        seen |= set(names.values())
        assert {place.name: page.evaluate(TRACES)} == {place.name: []}
        assert set(page.locator("dialog").evaluate_all("all => all.map((one) => one.id)")) <= DIALOGS
    assert seen == {known for known in FIELDS if not known.startswith("sign-in")}
    expect(page.locator(".sector").first).to_have_attribute("data-standing", "acknowledged")

    told = strings_in([server.posted, server.admitted, [one.note for one in server.acknowledged]])
    assert [known for known in sorted(SENT) if kept(TEXT, FIELDS[known]).strip() not in told] == []
    assert dialogs == []
    expect(page.locator("body:not(.not-live)")).to_be_attached()


def test_hostile_text_on_the_sign_in_page_is_refused_as_text(page: Page, server: StationServer) -> None:
    server.session = {"access": "accounts", "name": None}
    page.goto(server.url)
    expect(page.locator("#sign-in")).to_be_visible()
    names = fields_here(page, Place("sign-in", nothing, nothing))
    assert set(names.values()) == {known for known in FIELDS if known.startswith("sign-in")}
    type_everywhere(page, names, TEXT)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#sign-in .problem")).to_contain_text("Not signed in: nobody is")
    assert page.evaluate(TRACES) == []
    [(_, typed)] = server.posted
    assert typed["password"] == kept(TEXT, FIELDS["sign-in: Password"])


def test_text_that_turns_the_direction_of_writing_leaves_the_rate_beside_it_as_it_is(
    page: Page, server: StationServer
) -> None:
    one = treated("b01", server.now_s(), 2)
    server.infusions = [pump | {"label": "Levo\u202ephed\x00"} for pump in infusions(one)]
    one["admission"]["name"] = "\u2066Alva\u202erez"
    server.show(one)
    page.goto(f"{server.url}#/bed/icu/b01")
    page.get_by_role("tab", name="Signals").click()
    expect(page.locator(".pump-list li").nth(1)).to_have_text(
        re.compile("^pump2 Levo\ufffdphed\ufffd · infusing · 4.5 mL/h")
    )
    expect(page.locator(".bed-patient strong")).to_have_text("\ufffdAlva\ufffdrez")
    turning = page.evaluate("document.body.innerText.match(/[\\u202a-\\u202e\\u2066-\\u2069]/g)")
    assert turning is None


def test_no_source_of_the_station_makes_a_field_that_the_walk_does_not_know() -> None:
    sources = REPOSITORY / "gateway" / "station" / "src"
    made = {
        str(path.relative_to(sources)): len(re.findall(r"<input|<textarea|contenteditable", path.read_text("utf-8")))
        for path in sources.rglob("*.tsx")
    }
    assert {name: count for name, count in made.items() if count} == FIELDS_IN_SOURCES


def test_a_page_that_took_text_for_markup_would_be_noticed(browser: Browser, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    text = "<img src=x onerror=ran=1>"
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        open_live(page, server)
        assert page.evaluate(TRACES) == []
        page.locator(".sector .name").evaluate("(node, text) => { node.innerHTML = text; }", text)
        page.wait_for_function("window.ran === 1")
        assert page.evaluate(TRACES) == ['<img src="x" onerror="ran=1">', "a script ran"]


def test_a_field_that_stands_in_no_row_would_be_noticed(page: Page, server: StationServer) -> None:
    server.show(bed("b01", server.now_s()))
    open_live(page, server)
    page.evaluate(
        "document.querySelector('main, #ward').insertAdjacentHTML('beforeend', '<textarea name=new></textarea>')"
    )
    names = fields_here(page, PLACES[0])
    assert list(names.values()) == ["ward: new"]
    with pytest.raises(AssertionError, match="stands in no row"):
        type_everywhere(page, names, "x")
