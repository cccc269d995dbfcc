"""Signing in at the station, in a real browser on a real gateway that has accounts and no broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.access.roles import Role
from tests.browser.test_station_senses import findings_in_either_light
from tests.support.gateway_process import GatewayProcess
from tests.support.signing_in import PASSWORD, accounts, add_person, add_program

NO_BROKER = "mqtt://127.0.0.1:9"
HOSTILE = "<img src=x onerror=alert(1)> Jo"
PATIENT = "Secretive Patient"
WEIGHTS = {"dosing_weight_kg": 80.0, "baseline_weight_kg": 80.0}
ADMISSION = {"patient_id": "p-1", "unit": "icu", "bed": "b01", "name": PATIENT, **WEIGHTS}


class House:
    """The gateway, seen by a program that reads the audit log."""

    def __init__(self, url: str, tokens: dict[Role, str]) -> None:
        self.url = url
        self._tokens = tokens

    def _ask(self, role: Role, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[role]}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=30, **body)

    def admit(self) -> None:
        assert self._ask(Role.NURSE, "POST", "/admissions", json=ADMISSION).status_code == 201

    def who(self, command: str) -> list[str]:
        """Who gave a command, the latest first, as the audit log says."""
        entries = self._ask(Role.ENGINEER, "GET", "/audit?kind=command").json()["items"]
        return [each["actor"] for each in entries if each["command"] == command]


@pytest.fixture(scope="module")
def house(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    (folder / "data").mkdir()
    with closing(accounts(folder / "data")) as store:
        add_person(store, HOSTILE, Role.NURSE)
        tokens = {role: add_program(store, f"program-{role}", role) for role in (Role.NURSE, Role.ENGINEER)}
    with GatewayProcess(folder / "data", NO_BROKER, environ={"VIGIL_ACCESS": "accounts"}) as gateway:
        gateway.start()
        gateway.await_serving()
        opened = House(gateway.url, tokens)
        opened.admit()
        yield opened


def sign_in(at: Locator, name: str, password: str = PASSWORD) -> None:
    at.get_by_label("Name").fill(name)
    at.get_by_label("Password").fill(password)
    at.get_by_role("button", name="Sign in", exact=True).click()


def open_signed_in(page: Page, house: House, name: str) -> None:
    page.goto(house.url)
    sign_in(page.locator("#sign-in"), name)
    expect(page.locator(".sector[data-admitted=yes]").first).to_be_visible()


def test_no_patient_is_shown_before_somebody_signs_in_nor_after_they_sign_out(page: Page, house: House) -> None:
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    page.goto(house.url)
    door = page.locator("#sign-in")
    expect(door).to_be_visible()
    expect(page.locator(".sector")).to_have_count(0)
    sign_in(door, "nurse", "not her password")
    expect(door.get_by_role("alert")).to_contain_text("nobody of that name and password")
    assert PATIENT not in page.content()
    assert frames == []
    assert findings_in_either_light(page) == {}
    box = door.get_by_role("button", name="Sign in").bounding_box()
    assert box is not None
    assert box["height"] >= 56

    sign_in(door, HOSTILE)
    expect(page.locator(".sector[data-admitted=yes]")).to_be_visible()
    expect(page.locator("#actor")).to_have_text(f"Acting as {HOSTILE} (nurse)")
    assert any(PATIENT in frame for frame in frames)
    page.reload()
    expect(page.locator("#actor")).to_have_text(f"Acting as {HOSTILE} (nurse)")

    page.locator("#actor").click()
    page.locator("#sign-out").click()
    expect(door).to_be_visible()
    assert PATIENT not in page.content()
    assert page.evaluate("document.images.length") == 0


def test_nurse_acts_under_her_name_and_what_only_a_physician_may_is_barred_with_the_reason(
    page: Page, house: House
) -> None:
    open_signed_in(page, house, HOSTILE)
    page.locator(".sector .bed").first.click()
    page.get_by_role("tab", name="Decision").click()
    expect(page.locator(".sign-form .sign-buttons button")).to_have_count(3)
    for button in page.locator(".sign-form .sign-buttons button").all():
        expect(button).to_be_disabled()
    expect(page.locator(".sign-form .barred")).to_have_text("The role nurse may not sign decisions on doses.")
    page.get_by_role("tab", name="Stay").click()
    expect(page.locator("#order-course button[type=submit]")).to_be_disabled()
    expect(page.locator("#transfer button[type=submit]")).to_be_enabled()

    page.get_by_role("tab", name="Chart").click()
    page.locator(".chart-form select").first.select_option(index=1)
    page.locator(".chart-send button").click()
    expect(page.locator("#toast")).to_contain_text("Charted 1 value")
    assert house.who("chart")[0] == HOSTILE


def test_display_asks_who_is_there_before_an_act_and_goes_on_watching_as_a_display(page: Page, house: House) -> None:
    open_signed_in(page, house, "wall")
    expect(page.locator("#actor")).to_have_text("Display wall")
    expect(page.locator("body:not(.not-live)")).to_be_attached()
    dialog = page.locator("#sign-in-again")
    page.locator(".house-line .ack:not(.settling):enabled").click()
    page.get_by_role("button", name="Send now").click()
    sign_in(dialog, HOSTILE)
    expect(page.locator(".house-seen")).to_contain_text(HOSTILE)
    assert house.who("acknowledge") == [HOSTILE]
    expect(page.locator("#actor")).to_have_text(f"Acting as {HOSTILE} (nurse)")
    page.locator("#actor").click()
    page.locator("#sign-out").click()
    expect(page.locator("#actor")).to_have_text("Display wall")
    page.locator("#admit").click()
    form = page.locator(".admit-form")
    for label, text in [("Unit", "icu"), ("Bed", "b77"), ("Patient id", "P77"), ("Baseline weight, kg", "80")]:
        form.get_by_label(label, exact=True).fill(text)
    form.get_by_label("Dosing weight, kg").fill("80")
    form.locator("button[type=submit]").click()
    expect(dialog).to_be_visible()
    assert findings_in_either_light(page, "#sign-in-again") == {}
    dialog.get_by_role("button", name="Cancel").click()
    expect(form.get_by_role("alert")).to_contain_text("Not admitted")
    assert "wall" not in house.who("admit")

    form.locator("button[type=submit]").click()
    sign_in(dialog, "nurse", "mistyped it is")
    expect(dialog.get_by_role("alert")).to_contain_text("nobody of that name and password")
    sign_in(dialog, "nurse")

    expect(page.locator(".sector[data-admitted=yes]")).to_have_count(2)
    expect(dialog).to_be_hidden()
    expect(page.locator("#actor")).to_have_text("Acting as nurse (nurse)")
    expect(page.locator("body:not(.not-live)")).to_be_attached()
    assert house.who("admit")[0] == "nurse"
    page.locator("#actor").click()
    page.locator("#take-over").click()
    sign_in(dialog, "physician")
    expect(page.locator("#actor")).to_have_text("Acting as physician (physician)")

    page.locator("#actor").click()
    page.locator("#sign-out").click()
    expect(page.locator("#actor")).to_have_text("Display wall")
    expect(page.locator(".sector[data-admitted=yes]")).to_have_count(2)
    page.locator("#actor").click()
    page.locator("#sign-out").click()
    expect(page.locator("#ask-who").get_by_role("alert")).to_contain_text("will show no bed")
    assert findings_in_either_light(page, "#ask-who") == {}
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()


def test_a_dialog_that_somebody_has_left_does_not_lie_over_the_beds_for_ever(page: Page, house: House) -> None:
    page.clock.install()
    open_signed_in(page, house, "wall")
    who, asking = page.locator("#ask-who"), page.locator("#sign-in-again")
    page.locator("#actor").click()
    expect(who).to_be_visible()
    page.clock.fast_forward(61_000)
    expect(who).to_be_hidden()

    page.locator("#actor").click()
    page.locator("#take-over").click()
    page.clock.fast_forward(40_000)
    asking.get_by_label("Password").fill("half a password")
    page.clock.run_for(200)  # what was typed is drawn
    page.clock.fast_forward(40_000)
    expect(asking).to_be_visible()
    page.clock.fast_forward(21_000)
    expect(asking).to_be_hidden()
    page.locator("#actor").click()
    page.locator("#take-over").click()
    expect(asking.get_by_label("Password")).to_have_value("")
