"""Signing in and what each role may then do, over HTTP, on a small real service with real accounts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from gateway.access.desk import AccessDesk, Lives
from gateway.access.passwords import PasswordDesk
from gateway.access.proxy import ProxyDesk
from gateway.access.roles import ACTS, MAY, Permission, Role
from gateway.web import access as web_access
from gateway.web.access import Desk
from gateway.web.app import create_app
from gateway.web.feed import FeedHub
from gateway.web.permissions import NEEDED, WITHOUT_PERMISSION, Asked
from gateway.web.station import StationMount
from storage.access import AccessStore
from streaming.instants import format_ms
from tests.contract.test_http import ADMISSION, COURSE, assert_problem
from tests.support.effects import T0_MS
from tests.support.signing_in import CHEAP, PASSWORD, accounts, add_person, add_program
from tests.support.small_service import SmallService

IDLE_S = 600.0
SECRET = "0123456789abcdef0123456789abcdef"
ORIGIN = {"Origin": "http://vigil.test"}
CHARTED = {"time": "2026-09-21T14:00:00Z", "metrics": {"MDC_TEMP": 37.5}}

ACTING: dict[Permission, tuple[str, dict[str, Any]]] = {
    Permission.ADMIT: ("/admissions", ADMISSION | {"bed": "b02"}),
    Permission.CHART: ("/admissions/{stay}/observations", CHARTED),
    Permission.PAUSE_AUDIO: ("/admissions/{stay}/audio-pause", {"seconds": 60}),
    Permission.SWITCH_LIMITS_OFF: (
        "/admissions/{stay}/limits-off",
        {"family": "tachycardia", "reason": "turned", "seconds": 300},
    ),
    Permission.ORDER_COURSE: ("/admissions/{stay}/course", COURSE),
    Permission.SIGN_DECISION: ("/admissions/{stay}/dose-decision/sign", {"decision": "hold", "reason": "seen"}),
    Permission.ACKNOWLEDGE: ("/alarms/alm-1/acknowledge", {}),
    Permission.TRANSFER: ("/admissions/{stay}/transfer", {"unit": "icu", "bed": "b09"}),
    Permission.DISCHARGE: ("/admissions/{stay}/discharge", {}),
}
READING: dict[Permission, str] = {
    Permission.READ: "/api/v1/admissions",
    Permission.READ_QUARANTINE: "/api/v1/quarantine",
    Permission.READ_AUDIT: "/api/v1/audit",
    Permission.READ_METRICS: "/metrics",
}


class House:
    """A gateway that people sign in at; seconds pass when the test says so."""

    def __init__(self, service: SmallService, store: AccessStore, passwords: PasswordDesk) -> None:
        self.service = service
        self.store = store
        self.seconds = 1000.0
        self.desk = AccessDesk(store, passwords, service.now_ms, Lives(act_idle_s=IDLE_S), lambda: self.seconds)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.service.clock_ms += int(seconds * 1000)

    def browser(
        self, desk: Desk | None = None, base_url: str = "http://vigil.test", address: str = "10.1.1.1"
    ) -> httpx.AsyncClient:
        """Someone's browser, with its own cookies, that is on the page."""
        app = create_app(self.service, FeedHub(self.service), desk or self.desk)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 50_000))
        origin = {"Origin": base_url}
        return httpx.AsyncClient(transport=transport, base_url=f"{base_url}/api/v1", headers=origin)

    async def take_changes(self) -> None:
        """As the desk does by itself within half a second."""
        rows = self.store.rows()
        self.desk._take(rows)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    service, store, passwords = await SmallService.open(tmp_path), accounts(tmp_path), PasswordDesk(CHEAP)
    yield House(service, store, passwords)
    passwords.close()
    store.close()
    await service.close()


@asynccontextmanager
async def signed_in(house: House, name: str) -> AsyncIterator[httpx.AsyncClient]:
    async with house.browser() as browser:
        answer = await sign_in(browser, name)
        assert answer.status_code == 200, answer.text
        yield browser


async def sign_in(browser: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return await browser.post("/session", json={"name": name, "password": password})


async def admitted(house: House) -> str:
    """A stay, as another part of the house made it, with an alarm."""
    async with signed_in(house, "nurse") as nurse:
        stay: str = (await nurse.post("/admissions", json=ADMISSION)).json()["admission_id"]
    await house.service.raise_alarm(alarm_id="alm-1", admission_id=stay)
    return stay


async def act(browser: httpx.AsyncClient, permission: Permission, stay: str, **options: Any) -> httpx.Response:
    path, body = ACTING[permission]
    return await browser.post(path.format(stay=stay), json=body, **options)


# --- every route ------------------------------------------------------------------------------------------------------


def test_every_route_of_the_application_says_what_it_needs_and_nothing_else_is_said(house: House) -> None:
    app = create_app(house.service, FeedHub(house.service), house.desk)

    there = set()
    for context in iter_route_contexts([each for each in app.router.routes if not isinstance(each, StationMount)]):
        methods = set(context.methods or ()) - {"HEAD"} or {"WEBSOCKET"}
        path = context.path or "/api/v1/feed"
        there |= {(method, path) for method in methods}

    assert len(there) > 30
    assert there == WITHOUT_PERMISSION | set(NEEDED)


async def test_a_route_that_says_nothing_is_not_there_for_anybody(house: House, monkeypatch: Any) -> None:
    async with signed_in(house, "engineer") as engineer:
        assert (await engineer.get("/ledger")).status_code == 200
        monkeypatch.setattr(web_access, "asked", lambda *_: Asked(is_open=False))
        assert_problem(await engineer.get("/ledger"), 404, "not_found")


async def test_every_route_is_closed_to_whoever_has_not_signed_in(house: House) -> None:
    async with house.browser() as nobody:
        for method, path in NEEDED:
            if method != "WEBSOCKET":
                answer = await nobody.request(method, f"http://vigil.test{path}", json={})
                assert_problem(answer, 401, "sign_in")
                assert answer.headers["www-authenticate"].startswith("Bearer")
        assert_problem(await nobody.get("/no-such-thing"), 401, "sign_in")
    assert house.service.submitted == []


async def test_health_is_open_to_whoever_supervises(house: House) -> None:
    async with house.browser() as nobody:
        assert (await nobody.get("http://vigil.test/health/live")).status_code == 200
        assert (await nobody.get("http://vigil.test/health/ready")).status_code == 200


async def test_what_is_not_there_is_told_to_whoever_has_signed_in(house: House) -> None:
    async with signed_in(house, "viewer") as viewer:
        assert_problem(await viewer.get("/no-such-thing"), 404, "not_found")
        refused = await viewer.put("/admissions", json={})
        assert_problem(refused, 405, "method_not_allowed")
        assert set(refused.headers["allow"].split(", ")) == {"GET", "POST"}


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
async def test_role_may_exactly_what_the_table_says(house: House, role: Role) -> None:
    stay = await admitted(house)
    async with signed_in(house, role.value) as browser:
        may = {each for each, path in READING.items() if (await browser.get(f"http://vigil.test{path}")).is_success}
        for permission in ACTING:
            before = len(house.service.submitted)
            answer = await act(browser, permission, stay)
            if answer.status_code == 403:
                assert_problem(answer, 403, "not_permitted")
                assert len(house.service.submitted) == before, "what is refused is not journaled"
            else:
                assert answer.is_success, (permission, answer.text)
                may.add(permission)

    assert may == MAY[role] - {Permission.FEED}
    assert set(ACTING) == ACTS


async def test_what_is_done_is_journaled_under_the_accounts_name_whatever_the_header_says(house: House) -> None:
    async with signed_in(house, "nurse") as nurse:
        await nurse.post("/admissions", json=ADMISSION, headers={"X-Vigil-Actor": "Dr. Somebody"})

    assert [actor for _, _, actor in house.service.submitted] == ["nurse"]


async def test_what_is_refused_is_in_the_log_with_who_tried_it(house: House, caplog: pytest.LogCaptureFixture) -> None:
    stay = await admitted(house)
    async with signed_in(house, "viewer") as viewer:
        await act(viewer, Permission.DISCHARGE, stay)

    said = [record.getMessage() for record in caplog.records if record.name == "vigil.access"]
    request = f"POST '/api/v1/admissions/{stay}/discharge'"
    assert said == [f"refused: name='viewer' role=viewer request={request} reason=not_permitted"]


async def test_without_access_whoever_reaches_the_gateway_acts_under_the_name_of_the_header(house: House) -> None:
    """The negative control of this whole file: with the guard taken out, the acts go through."""
    transport = httpx.ASGITransport(app=create_app(house.service, FeedHub(house.service)))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil.test/api/v1") as anybody:
        admitted = await anybody.post("/admissions", json=ADMISSION, headers={"X-Vigil-Actor": "Dr. Somebody"})
        session = await anybody.get("/session")

        assert admitted.status_code == 201
        assert session.json() == {"access": "open"}
        assert_problem(await sign_in(anybody, "nurse"), 409, "access_is_open")
        assert_problem(await anybody.delete("/session"), 409, "access_is_open")
    assert [actor for _, _, actor in house.service.submitted] == ["Dr. Somebody"]


# --- sessions ---------------------------------------------------------------------------------------------------------


async def test_signing_in_says_who_one_is_and_what_one_may(house: House) -> None:
    async with house.browser() as browser:
        assert (await browser.get("/session")).json()["name"] is None
        answer = await sign_in(browser, "NURSE")

        assert answer.json() | {"may": sorted(answer.json()["may"])} == {
            "access": "accounts",
            "name": "nurse",
            "role": "nurse",
            "may": sorted(MAY[Role.NURSE]),
            "acts_until": format_ms(T0_MS + int(IDLE_S * 1000)),
            "watches_until": format_ms(T0_MS + 12 * 3_600_000),
            "is_display": False,
        }
        assert (await browser.get("/session")).json() == answer.json()


@pytest.mark.parametrize(
    ("base_url", "begins", "is_secure"),
    [("http://vigil.test", "vigil-session=", False), ("https://vigil.test", "__Host-vigil=", True)],
)
async def test_the_sessions_cookie_is_for_the_browser_alone(
    house: House, base_url: str, begins: str, is_secure: bool
) -> None:
    async with house.browser(base_url=base_url) as browser:
        answer = await sign_in(browser, "nurse")
        cookie = answer.headers["set-cookie"]

        assert cookie.startswith(begins)
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert parts - {"secure"} == {"httponly", "path=/", "samesite=strict", "max-age=43200"}
        assert ("secure" in parts) is is_secure
        token = cookie.partition("=")[2].partition(";")[0]
        assert len(token) > 43
        assert token not in answer.text
        assert (await browser.get("/admissions")).status_code == 200


async def test_a_session_acts_only_for_a_while_and_watches_on(house: House) -> None:
    stay = await admitted(house)
    async with signed_in(house, "nurse") as nurse:
        house.pass_time(IDLE_S - 1)
        assert (await act(nurse, Permission.CHART, stay)).status_code == 201
        house.pass_time(IDLE_S - 1)
        assert (await act(nurse, Permission.CHART, stay)).status_code == 201
        house.pass_time(IDLE_S)
        journaled = len(house.service.submitted)

        assert_problem(await act(nurse, Permission.CHART, stay), 401, "sign_in_again")
        assert len(house.service.submitted) == journaled
        assert (await nurse.get("/admissions")).status_code == 200
        assert (await nurse.get("/session")).json()["acts_until"] is None
        assert (await sign_in(nurse, "nurse")).status_code == 200
        assert (await act(nurse, Permission.CHART, stay)).status_code == 201


async def test_reading_is_no_act_and_prolongs_nothing(house: House) -> None:
    stay = await admitted(house)
    async with signed_in(house, "nurse") as nurse:
        for _ in range(4):
            house.pass_time(IDLE_S / 4)
            await nurse.get("/admissions")

        assert_problem(await act(nurse, Permission.CHART, stay), 401, "sign_in_again")


async def test_another_person_takes_over_and_what_she_does_is_hers(house: House) -> None:
    stay = await admitted(house)
    add_person(house.store, "Ines Müller", Role.NURSE)
    await house.take_changes()
    async with signed_in(house, "nurse") as browser:
        before = dict(browser.cookies)
        await act(browser, Permission.CHART, stay)
        house.pass_time(IDLE_S)
        await sign_in(browser, "ines müller")
        await act(browser, Permission.CHART, stay)

        assert [actor for _, _, actor in house.service.submitted[-2:]] == ["nurse", "Ines Müller"]
        async with house.browser() as thief:
            thief.cookies.update(before)
            assert_problem(await thief.get("/admissions"), 401, "sign_in")


async def test_a_display_watches_for_ever_and_whoever_acts_there_signs_in(house: House) -> None:
    stay = await admitted(house)
    async with signed_in(house, "wall") as wall:
        shown = (await wall.get("/session")).json()
        assert (shown["name"], shown["role"], shown["is_display"]) == ("wall", "viewer", True)
        assert_problem(await act(wall, Permission.ACKNOWLEDGE, stay), 401, "sign_in_again")

        acting = (await sign_in(wall, "nurse")).json()
        assert (acting["name"], acting["is_display"]) == ("nurse", False)
        assert (await act(wall, Permission.ACKNOWLEDGE, stay)).status_code == 200
        house.pass_time(40 * 86_400)

        assert (await wall.get("/admissions")).status_code == 200
        assert (await wall.get("/session")).json()["name"] == "wall"
        assert_problem(await act(wall, Permission.CHART, stay), 401, "sign_in_again")


async def test_signing_out_at_a_display_ends_acting_and_only_who_means_it_darkens_the_wall(house: House) -> None:
    stay = await admitted(house)
    async with signed_in(house, "wall") as wall:
        await sign_in(wall, "nurse")
        for _ in range(2):
            assert (await wall.delete("/session")).status_code == 204
            assert (await wall.get("/session")).json()["name"] == "wall"
            assert_problem(await act(wall, Permission.CHART, stay), 401, "sign_in_again")

        assert (await wall.delete("/session?display=true")).status_code == 204
        assert_problem(await wall.get("/admissions"), 401, "sign_in")


async def test_a_persons_session_ends_after_its_watch(house: House) -> None:
    async with signed_in(house, "nurse") as nurse:
        house.pass_time(12 * 3600 - 1)
        assert (await nurse.get("/admissions")).status_code == 200
        house.pass_time(1)
        assert_problem(await nurse.get("/admissions"), 401, "sign_in")


async def test_signing_out_ends_the_session_and_takes_the_cookie_back(house: House) -> None:
    async with signed_in(house, "nurse") as nurse:
        stolen = dict(nurse.cookies)
        gone = await nurse.delete("/session")

        assert gone.status_code == 204
        assert dict(nurse.cookies) == {}
        assert (await nurse.delete("/session")).status_code == 204, "a second time changes nothing"
        async with house.browser() as thief:
            thief.cookies.update(stolen)
            assert_problem(await thief.get("/admissions"), 401, "sign_in")


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.set_password("nurse", "…"),
        lambda store: store.set_role("nurse", "viewer"),
        lambda store: store.remove("nurse"),
    ],
    ids=["password", "role", "removed"],
)
async def test_a_changed_account_ends_its_sessions_at_once(house: House, change: Callable[[AccessStore], bool]) -> None:
    async with signed_in(house, "nurse") as nurse, signed_in(house, "physician") as physician:
        assert change(house.store)
        await house.take_changes()

        assert_problem(await nurse.get("/admissions"), 401, "sign_in")
        assert (await physician.get("/admissions")).status_code == 200


async def test_whoever_acts_at_a_display_does_not_any_more_when_the_account_is_changed(house: House) -> None:
    stay = await admitted(house)
    async with signed_in(house, "wall") as wall:
        await sign_in(wall, "nurse")
        house.store.remove("nurse")
        add_person(house.store, "nurse", Role.NURSE)
        await house.take_changes()

        assert_problem(await act(wall, Permission.CHART, stay), 401, "sign_in_again")
        assert (await wall.get("/admissions")).status_code == 200


async def test_sessions_outlive_a_restart_and_acting_does_not(house: House) -> None:
    stay = await admitted(house)
    async with signed_in(house, "nurse") as nurse:
        restarted = House(house.service, house.store, PasswordDesk(CHEAP))
        async with restarted.browser() as again:
            again.cookies.update(nurse.cookies)

            assert (await again.get("/admissions")).status_code == 200
            assert_problem(await act(again, Permission.CHART, stay), 401, "sign_in_again")


async def test_neither_password_nor_token_is_on_disk_or_in_the_log(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vigil.access")
    token = add_program(house.store, "prometheus", Role.ENGINEER)
    async with house.browser() as browser:
        await sign_in(browser, "my own secret typed here", PASSWORD)
        await sign_in(browser, "nurse", "wrong " + PASSWORD)
        await sign_in(browser, "nurse")
        secrets = [PASSWORD, token, *browser.cookies.values(), "my own secret typed here"]
        await browser.delete("/session")

    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in said] == ["sign-in refused"] * 2 + ["signed in", "signed out"]
    assert "name=(nobody)" in said[0]
    assert "name='nurse'" in said[1]
    kept = (tmp_path / "access.db").read_bytes()
    for secret in secrets:
        assert secret not in "\n".join(said)
        assert secret.encode() not in kept


# --- attempts ---------------------------------------------------------------------------------------------------------


async def test_a_name_that_nobody_has_is_refused_as_a_wrong_password_is(house: House) -> None:
    async with house.browser() as browser:
        unknown, wrong = await sign_in(browser, "nobody-at-all"), await sign_in(browser, "nurse", "not the password")

        assert_problem(unknown, 401, "wrong_name_or_password")
        assert unknown.json() == wrong.json()
        assert dict(browser.cookies) == {}


async def test_failed_attempts_have_to_wait_longer_and_longer_and_nobody_is_locked_out(house: House) -> None:
    async with house.browser() as browser:
        for _ in range(5):
            assert_problem(await sign_in(browser, "nurse", "guessed"), 401, "wrong_name_or_password")
        waits = []
        for _ in range(4):
            assert_problem(await sign_in(browser, "nurse", "guessed"), 401, "wrong_name_or_password")
            refused = await sign_in(browser, "nurse")
            assert_problem(refused, 429, "too_many_attempts")
            waits.append(int(refused.headers["retry-after"]))
            house.pass_time(waits[-1])

        assert waits == [1, 2, 4, 8]
        assert (await sign_in(browser, "nurse")).status_code == 200


async def test_whoever_types_ones_name_elsewhere_keeps_nobody_waiting_where_one_was_right_before(house: House) -> None:
    async with house.browser(address="10.1.1.1") as own, house.browser(address="10.1.1.2") as other:
        assert (await sign_in(own, "nurse")).status_code == 200
        for _ in range(6):
            await sign_in(other, "nurse", "guessed")

        assert_problem(await sign_in(other, "nurse"), 429, "too_many_attempts")
        assert (await sign_in(own, "nurse")).status_code == 200


@pytest.mark.parametrize(
    ("addresses", "is_one"),
    [
        (("10.1.1.1", "10.1.1.1"), True),
        (("10.1.1.1", "10.1.1.2"), False),
        (("2001:db8:1:1::1", "2001:db8:1:1:ffff::2"), True),
        (("2001:db8:1:1::1", "2001:db8:1:2::1"), False),
        (("10.1.1.1", "::ffff:10.1.1.1"), True),
    ],
)
async def test_an_address_that_guesses_names_has_to_wait_whatever_the_name(
    house: House, addresses: tuple[str, str], is_one: bool
) -> None:
    first, second = addresses
    async with house.browser(address=first) as guesser, house.browser(address=second) as other:
        for number in range(21):
            assert_problem(await sign_in(guesser, f"name-{number}", "guessed"), 401, "wrong_name_or_password")

        assert (await sign_in(other, "nurse")).status_code == (429 if is_one else 200)


async def test_a_program_cannot_sign_in_with_a_password(house: House) -> None:
    add_program(house.store, "prometheus", Role.ENGINEER)
    await house.take_changes()
    async with house.browser() as browser:
        assert_problem(await sign_in(browser, "prometheus", ""), 422, "invalid_body")
        assert_problem(await sign_in(browser, "prometheus"), 401, "wrong_name_or_password")


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_a_token_acts_under_its_programs_name_until_it_ends(house: House) -> None:
    token = add_program(house.store, "admissions-feed", Role.NURSE, expires_ms=T0_MS + 3_600_000)
    await house.take_changes()
    bearer = {"Authorization": f"Bearer {token}"}
    async with house.browser() as program:
        del program.headers["Origin"]
        assert (await program.post("/admissions", json=ADMISSION, headers=bearer)).status_code == 201
        assert house.service.submitted[-1][2] == "admissions-feed"
        assert_problem(await program.get("/audit", headers=bearer), 403, "not_permitted")
        assert_problem(await program.get("/admissions", headers={"Authorization": "Bearer x"}), 401, "sign_in")

        house.pass_time(3600)
        assert_problem(await program.get("/admissions", headers=bearer), 401, "sign_in")


async def test_a_token_that_is_removed_is_none_any_more(house: House) -> None:
    bearer = {"Authorization": f"Bearer {add_program(house.store, 'prometheus', Role.ENGINEER)}"}
    await house.take_changes()
    async with house.browser() as program:
        assert (await program.get("http://vigil.test/metrics", headers=bearer)).status_code == 200
        house.store.remove("prometheus")
        await house.take_changes()
        assert_problem(await program.get("http://vigil.test/metrics", headers=bearer), 401, "sign_in")


# --- requests forged by another page ----------------------------------------------------------------------------------


async def test_a_command_with_a_cookie_needs_to_show_that_it_comes_from_the_page(house: House) -> None:
    stay = await admitted(house)
    path = f"/admissions/{stay}/discharge"
    async with signed_in(house, "nurse") as nurse:
        del nurse.headers["Origin"]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert_problem(await nurse.post(path), 403, "origin_missing")
        assert_problem(await nurse.post(path, content=b"a=b", headers=form), 403, "origin_missing")
        assert_problem(await nurse.post(path, headers={"Origin": "https://evil.test"}), 403, "cross_origin")
        assert_problem(await nurse.post(path, headers={"Origin": "null"}), 403, "cross_origin")
        assert_problem(await nurse.delete("/session"), 403, "origin_missing")
        assert [command for command, _, _ in house.service.submitted] == ["admit"]

        assert (await nurse.post(path, json={})).status_code == 200, "no page elsewhere can say that this is JSON"


async def test_no_page_elsewhere_is_allowed_to_send_json(house: House) -> None:
    asking = {
        "Origin": "https://evil.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    async with signed_in(house, "nurse") as nurse:
        answer = await nurse.options("/admissions", headers=asking)

    assert not answer.is_success
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("check", "without", "hours", "has_origin"),
    [
        ("_not_allowed", lambda *_: None, 0, True),
        ("_not_allowed", lambda *_: None, 1, True),
        ("_shows_its_page", lambda *_: True, 0, False),
    ],
    ids=["role", "idle", "origin"],
)
async def test_with_a_check_taken_out_the_act_goes_through(
    house: House, monkeypatch: pytest.MonkeyPatch, check: str, without: Any, hours: int, has_origin: bool
) -> None:
    """What the tests above see refused is refused by these, and by nothing else."""
    stay = await admitted(house)
    who = "viewer" if check == "_not_allowed" and not hours else "nurse"
    async with signed_in(house, who) as browser:
        if not has_origin:
            del browser.headers["Origin"]
        house.pass_time(3600 * hours)
        assert (await browser.post(f"/admissions/{stay}/discharge")).status_code in {401, 403}
        monkeypatch.setattr(web_access, check, without)
        assert (await browser.post(f"/admissions/{stay}/discharge")).status_code == 200


# --- behind a proxy ---------------------------------------------------------------------------------------------------


async def test_a_proxy_that_proves_itself_names_person_and_role(house: House) -> None:
    said = {"X-Vigil-Proxy-Secret": SECRET, "X-Vigil-Actor": "In%C3%A9s", "X-Vigil-Role": "nurse"}
    async with house.browser(ProxyDesk(SECRET)) as proxy:
        assert (await proxy.get("/session", headers=said)).json()["name"] == "Inés"
        assert (await proxy.post("/admissions", json=ADMISSION, headers=said)).status_code == 201
        assert house.service.submitted[-1][2] == "Inés"
        assert_problem(await proxy.get("/audit", headers=said), 403, "not_permitted")
        assert_problem(await sign_in_at(proxy, said), 409, "proxy_signs_in")


async def sign_in_at(browser: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    return await browser.post("/session", json={"name": "nurse", "password": PASSWORD}, headers=headers)


@pytest.mark.parametrize(
    "said",
    [
        {"X-Vigil-Actor": "Inés".encode(), "X-Vigil-Role": "physician"},
        {"X-Vigil-Proxy-Secret": SECRET[:-1], "X-Vigil-Actor": "a", "X-Vigil-Role": "physician"},
        {"X-Vigil-Proxy-Secret": "", "X-Vigil-Actor": "a", "X-Vigil-Role": "physician"},
        {"X-Vigil-Proxy-Secret": SECRET, "X-Vigil-Actor": "a"},
        {"X-Vigil-Proxy-Secret": SECRET, "X-Vigil-Actor": "a", "X-Vigil-Role": "admin"},
        {"X-Vigil-Proxy-Secret": SECRET, "X-Vigil-Actor": "vigil", "X-Vigil-Role": "nurse"},
        {"X-Vigil-Proxy-Secret": SECRET, "X-Vigil-Actor": "x" * 65, "X-Vigil-Role": "nurse"},
        {"X-Vigil-Proxy-Secret": SECRET, "X-Vigil-Role": "nurse"},
    ],
)
async def test_whoever_is_not_named_by_the_proxy_is_nobody(house: House, said: dict[str, Any]) -> None:
    async with house.browser(ProxyDesk(SECRET)) as browser:
        assert_problem(await browser.get("/admissions", headers=said), 401, "sign_in")
        assert_problem(await browser.get("/session", headers=said), 401, "sign_in")
        assert_problem(await browser.post("/admissions", json=ADMISSION, headers=said), 401, "sign_in")
        assert (await browser.get("http://vigil.test/health/live", headers=said)).status_code == 200
    assert house.service.submitted == []


async def test_a_header_that_is_there_twice_names_nobody(house: House) -> None:
    said = [
        ("X-Vigil-Proxy-Secret", SECRET),
        ("X-Vigil-Actor", "Ines"),
        ("X-Vigil-Role", "nurse"),
        ("X-Vigil-Role", "physician"),
    ]
    async with house.browser(ProxyDesk(SECRET)) as browser:
        answer = await browser.get("/admissions", headers=said)
    assert_problem(answer, 401, "sign_in")
