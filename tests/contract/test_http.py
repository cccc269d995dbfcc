"""The HTTP contract, against a small real service."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.dosing import DoseChanged
from gateway.web.app import create_app
from gateway.web.feed import FeedHub
from gateway.web.guards import BODY_MAX_BYTES
from gateway.web.ports import PartState
from streaming.identity import BedId
from tests.support.effects import T0_MS
from tests.support.small_service import SmallService

ADMISSION = {
    "patient_id": "p-1",
    "unit": "icu",
    "bed": "b01",
    "name": "Doe, J.",
    "dosing_weight_kg": 80,
    "baseline_weight_kg": 80.5,
    "baseline": {"sbp": 120},
    "limits": {"map_alarm": 60},
}
COURSE = {
    "drug": "aldesleukin",
    "dose_iu_per_kg": 600000,
    "interval_h": 8,
    "max_doses": 14,
    "duration_min": 15,
    "first_dose_at": "2026-09-21T15:00:00Z",
}
AT_0 = "1970-01-01T00:00:00.000Z"
RFC3339_MS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[SmallService]:
    opened = await SmallService.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def client(service: SmallService) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(service, FeedHub(service))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil.test/api/v1") as opened:
        yield opened


async def admit(client: httpx.AsyncClient, **changes: Any) -> str:
    answer = await client.post("/admissions", json=ADMISSION | changes)
    assert answer.status_code == 201, answer.text
    admission_id: str = answer.json()["admission_id"]
    return admission_id


def assert_problem(answer: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["reason"] == reason
    assert problem["title"]
    assert problem["detail"]
    return problem


# --- admissions -------------------------------------------------------------------------------------------------------


async def test_admission_is_created_and_found_where_the_answer_says(client: httpx.AsyncClient) -> None:
    created = await client.post("/admissions", json=ADMISSION)

    assert created.status_code == 201
    assert created.headers["location"] == f"/api/v1/admissions/{created.json()['admission_id']}"
    found = await client.get(f"http://vigil.test{created.headers['location']}")
    assert found.status_code == 200
    assert found.json() == created.json()
    assert found.json()["patient_id"] == "p-1"
    assert found.json()["limits"] == {"map_alarm": 60.0}
    assert RFC3339_MS.fullmatch(found.json()["admitted_at"])
    assert found.json()["assignments"] == [
        {"unit": "icu", "bed": "b01", "from": found.json()["admitted_at"], "to": None}
    ]


async def test_admission_to_a_taken_bed_is_a_conflict(client: httpx.AsyncClient) -> None:
    await admit(client)

    assert_problem(await client.post("/admissions", json=ADMISSION | {"patient_id": "p-2"}), 409, "bed_taken")


async def test_admission_shows_the_present_signals(client: httpx.AsyncClient, service: SmallService) -> None:
    admission_id = await admit(client)
    service.set_signal(BedId("icu", "b01"), "map", 71.0)

    state = (await client.get(f"/admissions/{admission_id}")).json()

    assert state["signals"]["map"]["value"] == 71.0
    assert state["dose_count"] == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dosing_weight_kg": None}, "dosing_weight_kg"),
        ({"dosing_weight_kg": "80"}, "dosing_weight_kg"),
        ({"dosing_weight_kg": True}, "dosing_weight_kg"),
        ({"dosing_weight_kg": 8}, "dosing_weight_kg"),
        ({"dosing_weight_kg": 1e999}, "dosing_weight_kg"),
        ({"bed": "b/01"}, "bed"),
        ({"bed": "b+"}, "bed"),
        ({"unit": ""}, "unit"),
        ({"unit": "x" * 33}, "unit"),
        ({"patient_id": "a\u0000b"}, "patient_id"),
        ({"name": "x" * 129}, "name"),
        ({"limits": {"map_alram": 60}}, "limits.map_alram"),
        ({"limits": {"map_alarm": "60"}}, "limits.map_alarm"),
        ({"limits": {"hr_low": 130, "hr_high": 120}}, "limits.hr_low"),
        ({"baseline": {"sbp": -1}}, "baseline.sbp"),
        ({"patent_id": "typo"}, "patent_id"),
        ({"admission_id": "mine"}, "admission_id"),
    ],
)
async def test_admission_that_is_not_in_order_names_the_field_and_is_not_journaled(
    client: httpx.AsyncClient, service: SmallService, changes: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in (ADMISSION | changes).items() if value is not None}
    if changes.get("dosing_weight_kg") == float("inf"):
        answer = await client.post(
            "/admissions",
            content=b'{"dosing_weight_kg":1e999,"patient_id":"p","unit":"i","bed":"b","baseline_weight_kg":80}',
            headers={"content-type": "application/json"},
        )
        assert answer.status_code in {400, 422}
    else:
        answer = await client.post("/admissions", json=body)
        problem = answer.json()
        assert answer.status_code == 422, answer.text
        assert [each["field"] for each in problem["errors"]] == [field]

    assert answer.headers["content-type"] == "application/problem+json"
    assert service.submitted == []


async def test_admission_in_order_is_journaled_as_it_was_sent(client: httpx.AsyncClient, service: SmallService) -> None:
    """The negative control of the test above, and what a replay of the journal will read."""
    await client.post("/admissions", json=ADMISSION, headers={"X-Vigil-Actor": "nurse%20K%C3%B6hler"})

    assert service.submitted == [("admit", ADMISSION, "nurse Köhler")]


async def test_transfer_moves_and_leaves_the_old_bed_free(client: httpx.AsyncClient, service: SmallService) -> None:
    admission_id = await admit(client)
    service.clock_ms += 1000

    moved = await client.post(f"/admissions/{admission_id}/transfer", json={"unit": "icu", "bed": "b02"})

    assert moved.status_code == 200
    assert moved.json()["bed"] == "b02"
    assert [each["bed"] for each in moved.json()["assignments"]] == ["b01", "b02"]
    assert await admit(client, patient_id="p-2") != admission_id


async def test_transfer_to_a_taken_bed_is_a_conflict(client: httpx.AsyncClient) -> None:
    await admit(client)
    other = await admit(client, bed="b02")

    answer = await client.post(f"/admissions/{other}/transfer", json={"unit": "icu", "bed": "b01"})

    assert_problem(answer, 409, "bed_taken")


@pytest.mark.parametrize("content", [b"", b"{}"])
async def test_discharge_ends_the_stay_once(client: httpx.AsyncClient, content: bytes) -> None:
    admission_id = await admit(client)
    json_type = {"content-type": "application/json"}

    ended = await client.post(f"/admissions/{admission_id}/discharge", content=content, headers=json_type)
    again = await client.post(f"/admissions/{admission_id}/discharge", content=content, headers=json_type)

    assert ended.status_code == 200
    assert RFC3339_MS.fullmatch(ended.json()["discharged_at"])
    assert ended.json()["signals"] == {}
    assert_problem(again, 409, "already_discharged")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("transfer", {"unit": "icu", "bed": "b02"}),
        ("discharge", {}),
        ("course", COURSE),
        ("observations", {"time": "2026-09-21T14:00:00Z", "metrics": {"loinc:2160-0": 1.4}}),
        ("observations", {"metrics": {"loinc:2160-0": 1.4}}),
        ("audio-pause", {"seconds": 60}),
        ("limits-off", {"family": "tachycardia", "reason": "ECG", "seconds": 60}),
    ],
)
async def test_command_about_an_unknown_admission_is_not_found(
    client: httpx.AsyncClient, service: SmallService, action: str, body: dict[str, Any]
) -> None:
    assert_problem(await client.post(f"/admissions/a-77/{action}", json=body), 404, "no_such_admission")
    assert len(service.submitted) == 1, "what was asked is in the journal, for the audit"

    assert_problem(await client.post(f"/admissions/%20odd/{action}", json=body), 404, "no_such_admission")
    assert len(service.submitted) == 1, "an id that cannot be one is not"


@pytest.mark.parametrize("path", ["/admissions/a-77", "/admissions/a-77/series?signal=map", "/admissions/a-77/export"])
async def test_unknown_admission_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert_problem(await client.get(path), 404, "no_such_admission")


async def test_fluids_are_told_for_the_hours_asked_for_and_a_day_at_most(client: httpx.AsyncClient) -> None:
    admission_id = await admit(client)

    usual = await client.get(f"/admissions/{admission_id}/fluids")
    few = await client.get(f"/admissions/{admission_id}/fluids?hours=3")
    assert (len(usual.json()["hours"]), len(few.json()["hours"]), few.json()["boluses"]) == (24, 3, [])
    for hours in ("0", "25", "x"):
        assert (await client.get(f"/admissions/{admission_id}/fluids?hours={hours}")).status_code in {400, 422}
    assert_problem(await client.get("/admissions/a-77/fluids"), 404, "no_such_admission")


async def test_course_observations_and_audio_pause_reach_the_service_with_the_id_of_the_path(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    admission_id = await admit(client)
    charted = {"time": 1_789_999_999_000, "metrics": {"loinc:2160-0": 1.4, "MDC_TEMP": None, "site:skin": "normal"}}

    answers = [
        await client.post(f"/admissions/{admission_id}/course", json=COURSE),
        await client.post(f"/admissions/{admission_id}/observations", json=charted),
        await client.post(f"/admissions/{admission_id}/audio-pause", json={"seconds": 120}),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 200]
    of_path = {"admission_id": admission_id}
    assert service.submitted[1:] == [
        ("course", of_path | COURSE, "anonymous"),
        ("chart", of_path | charted, "anonymous"),
        ("audio_pause", of_path | {"seconds": 120}, "anonymous"),
    ]


@pytest.mark.parametrize("sent", ["2026-09-21T16:00:00.5+02:00", "2026-09-21t14:00:00.500z", 1_789_999_200_500])
async def test_instants_are_answered_in_utc_however_they_were_sent(client: httpx.AsyncClient, sent: str | int) -> None:
    admission_id = await admit(client)
    charted = {"time": sent, "metrics": {"loinc:2160-0": 1.4}}

    course = await client.post(f"/admissions/{admission_id}/course", json=COURSE | {"first_dose_at": sent})
    chart = await client.post(f"/admissions/{admission_id}/observations", json=charted)

    assert course.json()["first_dose_at"] == chart.json()["time"] == "2026-09-21T14:00:00.500Z"


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("course", COURSE | {"max_doses": 0}, "max_doses"),
        ("course", COURSE | {"max_doses": 1.5}, "max_doses"),
        ("course", COURSE | {"first_dose_at": "tomorrow"}, "first_dose_at"),
        ("course", COURSE | {"dose_iu_kg": 1}, "dose_iu_kg"),
        ("observations", {"time": "2026-09-21T14:00:00", "metrics": {"loinc:2160-0": 1.4}}, "time"),
        ("observations", {"time": 1, "metrics": {"loinc:2160-0": 1.4}}, "time"),
        ("observations", {"time": 1_789_999_999_000, "metrics": {}}, "metrics"),
        ("observations", {"time": 1_789_999_999_000, "metrics": {"MDC_TEMP": [1]}}, "metrics.MDC_TEMP"),
        ("limits-off", {"family": "tachycardia", "seconds": 60}, "reason"),
        ("limits-off", {"reason": "ECG", "seconds": 60}, "rule_id"),
        ("limits-off", {"rule_id": "a", "family": "b", "reason": "ECG", "seconds": 60}, "family"),
        ("limits-off", {"family": "tachycardia", "reason": "ECG", "seconds": 14_401}, "seconds"),
        ("audio-pause", {"seconds": 121}, "seconds"),
        ("audio-pause", {"seconds": -1}, "seconds"),
        ("audio-pause", {}, "seconds"),
    ],
)
async def test_command_that_is_not_in_order_names_the_field(
    client: httpx.AsyncClient, service: SmallService, action: str, body: dict[str, Any], field: str
) -> None:
    admission_id = await admit(client)

    answer = await client.post(f"/admissions/{admission_id}/{action}", json=body)

    assert answer.status_code == 422, answer.text
    assert field in {each["field"] for each in answer.json()["errors"]}
    assert len(service.submitted) == 1


async def test_admissions_are_listed_by_page_and_by_state(client: httpx.AsyncClient, service: SmallService) -> None:
    for number in range(1, 6):
        service.clock_ms += 1
        await admit(client, bed=f"b{number}", patient_id=f"p-{number}")
    await client.post("/admissions/a-2/discharge", json={})

    first = (await client.get("/admissions?limit=3")).json()
    second = (await client.get(f"/admissions?limit=3&cursor={first['next']}")).json()
    same = (await client.get(f"/admissions?limit=3&next={first['next']}")).json()
    current = (await client.get("/admissions?state=current")).json()

    assert [each["admission_id"] for each in first["items"] + second["items"]] == ["a-5", "a-4", "a-3", "a-2", "a-1"]
    assert second == same
    assert second["next"] is None
    assert {each["admission_id"] for each in current["items"]} == {"a-1", "a-3", "a-4", "a-5"}


# --- alarms -----------------------------------------------------------------------------------------------------------


async def test_limits_off_reach_the_service_with_the_id_of_the_path(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    admission_id = await admit(client)
    off = {"rule_id": "tachycardia.hr_above_130", "reason": "ECG", "seconds": 600}

    answer = await client.post(f"/admissions/{admission_id}/limits-off", json=off)

    assert answer.status_code == 200
    assert service.submitted[-1] == ("limits_off", {"admission_id": admission_id} | off, "anonymous")
    assert answer.json()["limits_off"] == []


async def test_the_burden_of_a_time_is_counted_from_the_records(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    await service.raise_alarm(alarm_id="al-1")

    burden = (await client.get("/alarm-burden?from=2026-09-20T00:00:00Z&to=2026-09-23T00:00:00Z&unit=icu")).json()

    assert (burden["alarms"], burden["acknowledged"], burden["unit"]) == (1, 0, "icu")
    assert [line["alarms"] for line in burden["by_rule"]] == [1]
    assert burden["seconds_to_acknowledge"] == {"median": None, "p90": None}
    assert burden["calls"] == 1
    assert (await client.get("/alarm-burden")).status_code == 200
    assert_problem(
        await client.get("/alarm-burden?from=2026-09-23T00:00:00Z&to=2026-09-20T00:00:00Z"), 400, "bad_parameter"
    )
    assert_problem(await client.get("/alarm-burden?from=yesterday"), 400, "bad_parameter")


async def test_alarm_shows_what_the_contract_says_and_its_transitions(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    await service.raise_alarm(alarm_id="al-1")

    shown = (await client.get("/alarms/al-1")).json()

    assert shown == {
        "alarm_id": "al-1",
        "admission_id": "a-1",
        "unit": "icu",
        "bed": "b01",
        "rule_id": "map-low",
        "family": "hypotension",
        "title": "MAP low",
        "kind": "physiological",
        "priority": "high",
        "condition": "present",
        "signal": "on",
        "onset_at": "2026-09-21T14:13:10.000Z",
        "announced_at": "2026-09-21T14:13:20.000Z",
        "escalation_level": 0,
        "signalled_at": "2026-09-21T14:13:20.000Z",
        "next_escalation_at": None,
        "parts": [],
        "flapping": False,
        "inhibited_by": None,
        "limits_off": None,
        "text": "MAP low",
        "evidence": {"value": 58.0, "limit": 65.0},
        "deliveries": [],
        "transitions": [
            {
                "n": 1,
                "at": "2026-09-21T14:13:20.000Z",
                "alarm_id": "al-1",
                "phase": "start",
                "from": "off",
                "to": "on",
                "actor": "vigil",
            }
        ],
    }


async def test_acknowledgement_says_who_and_shows_at_once(client: httpx.AsyncClient, service: SmallService) -> None:
    await service.raise_alarm(alarm_id="al-1")
    service.clock_ms += 5_000

    answer = await client.post(
        "/alarms/al-1/acknowledge", json={"note": "at the bedside"}, headers={"X-Vigil-Actor": "nurse"}
    )

    assert answer.status_code == 200
    expected = {"by": "nurse", "at": "2026-09-21T14:13:25.000Z", "note": "at the bedside"}
    assert answer.json()["acknowledged"] == expected
    assert answer.json()["signal"] == "acknowledged"
    assert (await client.get("/alarms/al-1")).json() == answer.json()


async def test_acknowledgement_needs_no_body(client: httpx.AsyncClient, service: SmallService) -> None:
    await service.raise_alarm(alarm_id="al-1")

    answer = await client.post("/alarms/al-1/acknowledge")

    assert answer.status_code == 200
    assert answer.json()["acknowledged"]["by"] == "anonymous"


async def test_acknowledgement_of_what_is_cleared_is_a_conflict(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    await service.raise_alarm(alarm_id="al-1")
    await service.clear_alarm("al-1")

    assert_problem(await client.post("/alarms/al-1/acknowledge", json={}), 409, "already_ended")


@pytest.mark.parametrize("alarm_id", ["al-77", "%2e%2e", "x" * 65, "a%20b", "%00"])
async def test_unknown_alarm_is_not_found(client: httpx.AsyncClient, alarm_id: str) -> None:
    assert_problem(await client.get(f"/alarms/{alarm_id}"), 404, "no_such_alarm")
    assert_problem(await client.post(f"/alarms/{alarm_id}/acknowledge", json={}), 404, "no_such_alarm")


async def test_alarms_are_chosen_by_state_admission_and_time_and_paged(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    for number in range(5):
        await service.raise_alarm(
            alarm_id=f"al-{number}", announced_at_ms=T0_MS + number * 1000, admission_id=f"a-{number % 2}"
        )
    await client.post("/alarms/al-3/acknowledge", json={})

    async def ids(query: str) -> list[str]:
        answer = await client.get(f"/alarms{query}")
        assert answer.status_code == 200, answer.text
        return [each["alarm_id"] for each in answer.json()["items"]]

    assert await ids("") == ["al-4", "al-3", "al-2", "al-1", "al-0"]
    assert await ids("?state=active&limit=2") == ["al-4", "al-3"]
    assert await ids("?admission_id=a-1") == ["al-3", "al-1"]
    assert await ids("?since=2026-09-21T14:13:23Z") == ["al-4", "al-3"]
    assert await ids("?since=2026-09-21T16:13:23%2B02:00") == ["al-4", "al-3"]
    assert await ids("?since=2026-09-21T16:13:23+02:00") == ["al-4", "al-3"]


async def test_alarm_whose_instants_no_calendar_holds_spoils_no_list(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    await service.raise_alarm(alarm_id="al-1", onset_at_ms=2**70)

    answer = await client.get("/alarms")

    assert answer.json()["items"][0]["onset_at"] == "9999-12-31T23:59:59.999Z"


# --- series and export ------------------------------------------------------------------------------------------------


async def test_series_shows_the_patient_and_not_who_was_in_the_bed_before(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    bed, other = BedId("icu", "b01"), BedId("icu", "b02")
    service.clock_ms = T0_MS + 60_000
    admission_id = await admit(client)
    service.clock_ms = T0_MS + 120_000
    await client.post(f"/admissions/{admission_id}/transfer", json={"unit": "icu", "bed": "b02"})
    service.clock_ms = T0_MS + 180_000
    service.add_samples(bed, "map", {T0_MS + 59_999: 10.0, T0_MS + 60_000: 70.0, T0_MS + 120_000: 20.0})
    service.add_samples(other, "map", {T0_MS + 119_999: 30.0, T0_MS + 120_000: 80.0, T0_MS + 180_000: 90.0})

    answer = await client.get(f"/admissions/{admission_id}/series?signal=map")

    assert answer.status_code == 200, answer.text
    assert [(row["mean"], row["n"]) for row in answer.json()] == [(70.0, 1), (80.0, 1), (90.0, 1)]
    assert set(answer.json()[0]) == {"t", "min", "mean", "max", "n"}
    assert RFC3339_MS.fullmatch(answer.json()[0]["t"])


@pytest.mark.parametrize("points", [1, 2, 7])
async def test_series_has_at_most_the_points_asked_for(
    client: httpx.AsyncClient, service: SmallService, points: int
) -> None:
    admission_id = await admit(client)
    service.add_samples(BedId("icu", "b01"), "map", {T0_MS + second * 1000: 70.0 for second in range(100)})
    service.clock_ms += 100_000

    rows = (await client.get(f"/admissions/{admission_id}/series?signal=map&points={points}")).json()

    assert 1 <= len(rows) <= points
    assert sum(row["n"] for row in rows) == 100


async def test_series_looks_only_between_from_and_to(client: httpx.AsyncClient, service: SmallService) -> None:
    admission_id = await admit(client)
    service.add_samples(BedId("icu", "b01"), "map", {T0_MS + second * 1000: float(second) for second in range(10)})
    window = "from=2026-09-21T14:13:22Z&to=2026-09-21T14:13:24.000Z"

    rows = (await client.get(f"/admissions/{admission_id}/series?signal=map&{window}&points=5000")).json()

    assert [row["mean"] for row in rows] == [2.0, 3.0]


async def test_series_of_a_signal_never_reported_is_empty(client: httpx.AsyncClient) -> None:
    admission_id = await admit(client)

    assert (await client.get(f"/admissions/{admission_id}/series?signal=cvp")).json() == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "signal"),
        ("signal=", "signal"),
        ("signal=a%20b", "signal"),
        ("signal=map&points=0", "points"),
        ("signal=map&points=5001", "points"),
        ("signal=map&points=many", "points"),
        ("signal=map&from=yesterday", "from"),
        ("signal=map&to=2026-09-21", "to"),
        ("signal=map&from=2026-09-22T00:00:00Z&to=2026-09-21T00:00:00Z", "to"),
    ],
)
async def test_series_with_a_bad_parameter_names_it(client: httpx.AsyncClient, query: str, field: str) -> None:
    admission_id = await admit(client)

    problem = assert_problem(await client.get(f"/admissions/{admission_id}/series?{query}"), 400, "bad_parameter")

    assert [each["field"] for each in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("query", "media_type", "name", "content"),
    [
        ("", "application/x-ndjson", "a-1.ndjson", '{"admission_id":"a-1"}\n'),
        ("?format=ndjson", "application/x-ndjson", "a-1.ndjson", '{"admission_id":"a-1"}\n'),
        ("?format=csv", "text/csv; charset=utf-8", "a-1.csv", "at,signal\n"),
        ("?format=parquet", "application/vnd.apache.parquet", "a-1.parquet", "at,signal\n"),
    ],
)
async def test_export_is_a_file_of_the_whole_stay(
    client: httpx.AsyncClient, query: str, media_type: str, name: str, content: str
) -> None:
    admission_id = await admit(client)

    answer = await client.get(f"/admissions/{admission_id}/export{query}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.text == content


async def test_export_in_an_unknown_format_is_refused(client: httpx.AsyncClient) -> None:
    admission_id = await admit(client)

    assert_problem(await client.get(f"/admissions/{admission_id}/export?format=xls"), 400, "bad_parameter")


# --- rules, accounts --------------------------------------------------------------------------------------------------


async def test_rules_and_profiles_are_those_of_the_service(client: httpx.AsyncClient, service: SmallService) -> None:
    assert (await client.get("/rules")).json() == {"items": service.rules(), "next": None}
    assert (await client.get("/rules/map-low")).json() == service.rules()[0]
    assert (await client.get("/profiles")).json() == {"items": service.profiles(), "next": None}
    assert_problem(await client.get("/rules/none"), 404, "no_such_rule")


@pytest.mark.parametrize("path", ["/rules", "/profiles", "/admissions/a-1/doses"])
async def test_short_list_is_whole_unless_a_page_is_asked_for(
    client: httpx.AsyncClient, service: SmallService, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await admit(client)
    items = [{"id": str(number)} for number in range(5)]
    for name in ("rules", "profiles", "doses"):
        monkeypatch.setattr(service, name, lambda *_: items)

    assert (await client.get(path)).json() == {"items": items, "next": None}
    pages: list[dict[str, str]] = []
    parameters: dict[str, str] | None = {"limit": "2"}
    while parameters:
        page = (await client.get(path, params=parameters)).json()
        assert len(page["items"]) <= 2
        pages += page["items"]
        parameters = {"limit": "2", "cursor": page["next"]} if page["next"] else None
    assert pages == items
    assert (await client.get(path, params={"limit": "5"})).json() == {"items": items, "next": None}


@pytest.mark.parametrize("path", ["/rules", "/profiles", "/admissions/a-1/doses"])
@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=zz", "cursor=Wy0xXQ", "next=WyJhIl0"])
async def test_short_list_with_a_bad_parameter_is_refused(client: httpx.AsyncClient, path: str, query: str) -> None:
    await admit(client)

    assert_problem(await client.get(f"{path}?{query}"), 400, "bad_parameter")


async def test_doses_of_a_stay_that_is_over_are_those_that_were_recorded(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    admission_id = await admit(client)
    running = {"number": 1, "due_ms": 0, "started_ms": 60_000, "status": "running"}
    held = {"number": 2, "due_ms": 28_800_000, "started_ms": None, "status": "held"}
    await service._record(DoseChanged(at_ms=60_000, admission_id=admission_id, row=running))
    await service._record(DoseChanged(at_ms=960_000, admission_id=admission_id, row=running | {"status": "given"}))
    await service._record(DoseChanged(at_ms=28_800_000, admission_id=admission_id, row=held))
    await service._record(DoseChanged(at_ms=28_800_000, admission_id="somebody-else", row=held))
    await client.post(f"/admissions/{admission_id}/discharge")

    assert (await client.get(f"/admissions/{admission_id}/doses")).json()["items"] == [
        {"number": 1, "due_at": AT_0, "started_at": "1970-01-01T00:01:00.000Z", "status": "given"},
        {"number": 2, "due_at": "1970-01-01T08:00:00.000Z", "started_at": None, "status": "held"},
    ]


@pytest.mark.parametrize("path", ["dose-decision", "fluids"])
async def test_there_is_no_present_of_a_stay_that_is_over(client: httpx.AsyncClient, path: str) -> None:
    admission_id = await admit(client)
    await client.post(f"/admissions/{admission_id}/discharge")

    assert_problem(await client.get(f"/admissions/{admission_id}/{path}"), 404, "already_discharged")


async def test_ledger_is_that_of_the_service(client: httpx.AsyncClient, service: SmallService) -> None:
    assert (await client.get("/ledger")).json() == service.ledger()


async def test_quarantine_lists_the_latest_first(client: httpx.AsyncClient, service: SmallService) -> None:
    await service.reject("not_json")
    service.clock_ms += 1000
    await service.reject("bad_topic")

    everything = (await client.get("/quarantine")).json()
    late = (await client.get("/quarantine?since=2026-09-21T14:13:21Z")).json()
    page = (await client.get("/quarantine?limit=1")).json()
    rest = (await client.get(f"/quarantine?limit=1&cursor={page['next']}")).json()

    assert [each["reason"] for each in everything["items"]] == ["bad_topic", "not_json"]
    assert everything["items"][0]["received_at"] == "2026-09-21T14:13:21.000Z"
    assert everything["items"][0]["device"] == "mon1"
    assert [each["reason"] for each in late["items"]] == ["bad_topic"]
    assert [each["reason"] for each in page["items"] + rest["items"]] == ["bad_topic", "not_json"]


async def test_audit_says_who_asked_for_what_and_what_came_of_it(client: httpx.AsyncClient) -> None:
    await client.post("/admissions", json=ADMISSION, headers={"X-Vigil-Actor": "nurse"})
    await client.post("/admissions", json=ADMISSION)

    entries = (await client.get("/audit")).json()["items"]

    assert [(each["actor"], each["command"], each["outcome"], each["reason"]) for each in entries] == [
        ("anonymous", "admit", "refused", "bed_taken"),
        ("nurse", "admit", "applied", None),
    ]
    assert entries[1]["body"] == ADMISSION


async def test_audit_holds_what_was_announced_too_and_is_chained_up_to_its_head(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    await client.post("/admissions", json=ADMISSION, headers={"X-Vigil-Actor": "nurse"})
    raised = await service.raise_alarm(alarm_id="al-1")

    answer = (await client.get("/audit")).json()
    alarms = (await client.get("/audit?kind=alarm")).json()
    page = (await client.get("/audit?limit=1")).json()
    rest = (await client.get(f"/audit?limit=5&cursor={page['next']}")).json()

    latest, first = answer["items"]
    assert (latest["number"], latest["kind"], latest["actor"], latest["action"]) == (2, "alarm", "vigil", "start")
    assert (latest["subject_id"], latest["command"], latest["outcome"]) == ("al-1", None, None)
    assert latest["body"]["alarm"]["evidence"] == raised.evidence
    assert first["prev_hash"] == "0" * 64
    assert latest["prev_hash"] == first["hash"]
    assert answer["head"] == {"number": 2, "hash": latest["hash"], "at": latest["at"]}
    assert alarms["items"] == [latest]
    assert page["items"] + rest["items"] == answer["items"]


@pytest.mark.parametrize("actor", ["", " ", "x" * 65, "a%00b", "tab%09", "%ff%ff"])
async def test_actor_that_cannot_be_recorded_is_refused(client: httpx.AsyncClient, actor: str) -> None:
    answer = await client.post("/admissions", json=ADMISSION, headers={"X-Vigil-Actor": actor})

    if actor == "%ff%ff":
        assert answer.status_code == 201, "an undecodable byte is shown as such, not lost"
    else:
        assert_problem(answer, 400, "bad_parameter")


async def test_outcome_summary_has_the_fields_of_a_replays_closing_line(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    await service.raise_alarm(alarm_id="al-1")

    summary = (await client.get("/outcomes/summary")).json()

    assert set(summary) == {"received", "evaluated", "duplicate", "rejected", "alarms", "decisions", "sha256"}
    assert (summary["received"], summary["alarms"], summary["decisions"]) == (3, 1, 0)
    assert re.fullmatch(r"[0-9a-f]{64}", summary["sha256"])


@pytest.mark.parametrize("path", ["/admissions", "/alarms", "/quarantine", "/audit"])
@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=nonsense", "cursor=%00"])
async def test_list_with_a_bad_parameter_is_refused(client: httpx.AsyncClient, path: str, query: str) -> None:
    assert_problem(await client.get(f"{path}?{query}"), 400, "bad_parameter")


async def test_audit_of_an_unknown_kind_is_refused(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/audit?kind=rumour"), 400, "bad_parameter")


@pytest.mark.parametrize("query", ["since=now", "since=2026-09-21T14:13:20", "state=quiet"])
async def test_alarms_with_a_bad_parameter_are_refused(client: httpx.AsyncClient, query: str) -> None:
    assert_problem(await client.get(f"/alarms?{query}"), 400, "bad_parameter")


# --- operation --------------------------------------------------------------------------------------------------------


async def test_live_and_ready_say_so(client: httpx.AsyncClient) -> None:
    live = await client.get("http://vigil.test/health/live")
    ready = await client.get("http://vigil.test/health/ready")

    assert (live.status_code, live.json()["state"]) == (200, "live")
    assert (ready.status_code, ready.json()["state"]) == (200, "ready")
    assert ready.json()["parts"] == {"journal": {"ok": True, "state": "writing", "detail": ""}}


async def test_ready_is_503_when_a_part_is_not_well(client: httpx.AsyncClient, service: SmallService) -> None:
    service.unready["broker"] = PartState(False, "connecting", "refused 3 times")

    ready = await client.get("http://vigil.test/health/ready")

    assert ready.status_code == 503
    assert ready.json()["parts"]["broker"] == {"ok": False, "state": "connecting", "detail": "refused 3 times"}
    assert (await client.get("http://vigil.test/health/live")).status_code == 200


async def test_metrics_are_prometheus_text_of_the_service_the_feed_and_the_process(client: httpx.AsyncClient) -> None:
    answer = await client.get("http://vigil.test/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'vigil_messages_total{outcome="evaluated"} 2.0' in lines
    assert "# TYPE vigil_messages_total counter" in lines
    assert "vigil_pending 0.0" in lines
    assert "vigil_feed_clients 0.0" in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


async def test_two_applications_in_one_process_have_their_own_metrics(service: SmallService) -> None:
    first, second = create_app(service, FeedHub(service)), create_app(service, FeedHub(service))

    assert first.state.exposition is not second.state.exposition


async def test_openapi_describes_the_routes(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]

    assert "/api/v1/admissions/{admission_id}/series" in paths
    assert "/api/v1/alarms/{alarm_id}/acknowledge" in paths
    assert "/health/ready" in paths


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/v1/docs"])
async def test_pages_that_load_scripts_from_elsewhere_are_not_there(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"http://vigil.test{path}")).status_code == 404


# --- errors and guards ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/nothing", "/health/nothing", "/api/v1/alarms/", "/%2e%2e/app.py"]
)
async def test_unknown_path_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    assert_problem(await client.get(f"http://vigil.test{path}"), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/admissions"), ("POST", "/alarms"), ("PUT", "/ledger")])
async def test_wrong_method_is_a_problem_that_names_the_right_ones(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path, json={})

    assert_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b"nul",
        b"[" * 100_000,
        b'{"dosing_weight_kg": NaN}',
        b'{"dosing_weight_kg": Infinity}',
        b'{"name": "\\ud800"}',
        b"9" * 5000,
        b"1e999",
    ],
    ids=["cut", "not-utf8", "word", "deep", "nan", "infinity", "surrogate", "huge-integer", "huge-float"],
)
async def test_body_that_is_not_json_is_a_problem(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post("/admissions", content=content, headers={"content-type": "application/json"})

    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [[], "text", 7, None, True])
async def test_body_that_is_no_object_is_a_problem(client: httpx.AsyncClient, body: object) -> None:
    assert_problem(await client.post("/admissions", json=body), 422, "invalid_body")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_body_that_does_not_call_itself_json_is_refused(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/admissions", content=b"{}", headers={"content-type": content_type})

    assert_problem(answer, 415, "unsupported_media_type")


async def test_body_beyond_the_limit_is_refused_whether_announced_or_not(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (BODY_MAX_BYTES // 16)

    json_type = {"content-type": "application/json"}
    announced = await client.post("/admissions", content=b" " * (BODY_MAX_BYTES + 1), headers=json_type)
    streamed = await client.post("/admissions", content=chunks(), headers=json_type)

    assert_problem(announced, 413, "too_large")
    assert_problem(streamed, 413, "too_large")
    assert service.submitted == []


async def test_body_at_the_limit_is_read(client: httpx.AsyncClient) -> None:
    """The negative control of the test above."""
    body = b'{"patient_id":"p","unit":"icu","bed":"b","dosing_weight_kg":80,"baseline_weight_kg":80}'

    answer = await client.post(
        "/admissions", content=body.ljust(BODY_MAX_BYTES), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("origin", ["http://elsewhere.test", "null", "http://vigil.test:81", "https://vigil.test.evil"])
async def test_command_from_a_page_of_another_origin_is_refused(
    client: httpx.AsyncClient, service: SmallService, origin: str
) -> None:
    answer = await client.post("/admissions", json=ADMISSION, headers={"Origin": origin})

    assert_problem(answer, 403, "cross_origin")
    assert service.submitted == []


async def test_command_from_our_own_page_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post("/admissions", json=ADMISSION, headers={"Origin": "http://vigil.test"})

    assert answer.status_code == 201


async def test_defect_inside_is_a_problem_that_tells_nothing(
    client: httpx.AsyncClient, service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret of the inside")

    monkeypatch.setattr(service, "ledger", fail)

    answer = await client.get("/ledger")

    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "ZeroDivision" not in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("path", ["/", "/api/v1/ledger", "/api/v1/nothing", "/health/live"])
async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(f"http://vigil.test{path}")).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;")
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_station_page_is_served_and_checked_each_time(client: httpx.AsyncClient) -> None:
    page = await client.get("http://vigil.test/")
    again = await client.get("http://vigil.test/", headers={"If-None-Match": page.headers["etag"]})

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert again.status_code == 304


async def test_answers_about_patients_are_kept_by_no_cache(client: httpx.AsyncClient) -> None:
    assert (await client.get("/admissions")).headers["cache-control"] == "no-store"
