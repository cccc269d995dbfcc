"""Routes about one patient's stay: admit, look, transfer, discharge, order, chart, pause, history, export."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response, StreamingResponse

from gateway.web.answers import JsonResponse, page_answer
from gateway.web.commands import carry_out
from gateway.web.parameters import LIMIT_DEFAULT, Actor, Cursor, Limit, ServiceDep, instant_parameter, is_id
from gateway.web.ports import ExportFormat, JsonObject, Service
from gateway.web.problems import bad_parameter, not_found
from gateway.web.routing import JsonRoute
from gateway.web.schemas import (
    AdmissionBody,
    AudioPauseBody,
    CourseBody,
    DischargeBody,
    LimitsOffBody,
    ObservationsBody,
    TransferBody,
)
from gateway.web.views import admission_view, in_utc, series_view
from storage.records import AdmissionRecord
from streaming.identity import BedId

POINTS_DEFAULT = 600
POINTS_MAX = 5000

_SIGNAL = re.compile(r"[A-Za-z0-9_:./-]{1,64}", re.ASCII)
_EXPORT_MEDIA_TYPE: dict[ExportFormat, str] = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}

router = APIRouter(prefix="/admissions", route_class=JsonRoute, tags=["admissions"])


def _admission_id(admission_id: Annotated[str, Path()]) -> str:
    if not is_id(admission_id):
        raise not_found("admission")
    return admission_id


AdmissionId = Annotated[str, Depends(_admission_id)]


@router.post("", status_code=201)
async def admit(service: ServiceDep, actor: Actor, body: AdmissionBody) -> Response:
    """Admit a patient to a bed; 409 if the bed is taken."""
    admission_id = await carry_out(service, "admit", body.fields(), actor)
    location = {"Location": f"/api/v1/admissions/{admission_id}"}
    return JsonResponse(await _admission_in_full(service, admission_id), 201, headers=location)


@router.get("")
async def list_admissions(
    service: ServiceDep, cursor: Cursor, limit: Limit = LIMIT_DEFAULT, state: Literal["current", "all"] = "all"
) -> Response:
    """Admissions, the latest first."""
    page = await service.records.admissions(state=state, limit=limit, cursor=cursor)
    return page_answer(page, admission_view)


@router.get("/{admission_id}")
async def show_admission(service: ServiceDep, admission_id: AdmissionId) -> Response:
    """One admission with its present state."""
    return JsonResponse(await _admission_in_full(service, admission_id))


@router.post("/{admission_id}/transfer")
async def transfer(service: ServiceDep, actor: Actor, admission_id: AdmissionId, body: TransferBody) -> Response:
    """Move the patient to another bed; 409 if it is taken."""
    await carry_out(service, "transfer", {"admission_id": admission_id} | body.fields(), actor)
    return JsonResponse(await _admission_in_full(service, admission_id))


@router.post("/{admission_id}/discharge")
async def discharge(
    service: ServiceDep, actor: Actor, admission_id: AdmissionId, _body: DischargeBody | None = None
) -> Response:
    """End the stay."""
    await carry_out(service, "discharge", {"admission_id": admission_id}, actor)
    return JsonResponse(await _admission_in_full(service, admission_id))


@router.post("/{admission_id}/course", status_code=201)
async def order_course(service: ServiceDep, actor: Actor, admission_id: AdmissionId, body: CourseBody) -> Response:
    """Order a course of doses."""
    course = {"admission_id": admission_id} | body.fields()
    await carry_out(service, "course", course, actor)
    return JsonResponse(course | {"first_dose_at": in_utc(body.first_dose_at)}, 201)


@router.post("/{admission_id}/observations", status_code=201)
async def chart(service: ServiceDep, actor: Actor, admission_id: AdmissionId, body: ObservationsBody) -> Response:
    """Chart values."""
    # In `metrics` a null says "not available" and is kept.
    charted = {"admission_id": admission_id, "time": body.time, "metrics": body.metrics}
    await carry_out(service, "chart", charted, actor)
    return JsonResponse(charted | {"time": None if body.time is None else in_utc(body.time)}, 201)


@router.post("/{admission_id}/audio-pause")
async def pause_audio(service: ServiceDep, actor: Actor, admission_id: AdmissionId, body: AudioPauseBody) -> Response:
    """Pause the sound of present alarms; new ones sound all the same."""
    pause = {"admission_id": admission_id} | body.fields()
    await carry_out(service, "audio_pause", pause, actor)
    return JsonResponse(pause)


@router.post("/{admission_id}/limits-off")
async def switch_limits_off(
    service: ServiceDep, actor: Actor, admission_id: AdmissionId, body: LimitsOffBody
) -> Response:
    """Switch alarm limits off for a while, for a reason; 409 for what may never be off."""
    off = {"admission_id": admission_id} | body.fields()
    await carry_out(service, "limits_off", off, actor)
    return JsonResponse(off | {"limits_off": (service.admission_state(admission_id) or {}).get("limits_off", [])})


@router.get("/{admission_id}/series")
async def show_series(
    service: ServiceDep,
    admission_id: AdmissionId,
    signal: str,
    from_: Annotated[str | None, Query(alias="from", description="RFC 3339; the admission when absent.")] = None,
    to: Annotated[str | None, Query(description="RFC 3339, exclusive; the end of the stay, or now.")] = None,
    points: Annotated[int, Query(ge=1, le=POINTS_MAX)] = POINTS_DEFAULT,
) -> Response:
    """A signal's history, at most `points` rows at any zoom."""
    if _SIGNAL.fullmatch(signal) is None:
        raise bad_parameter("signal", "no signal can have such a name")
    begin_ms, end_ms = instant_parameter("from", from_), instant_parameter("to", to)
    record = await _record(service, admission_id)
    begin_ms = record.admission.admitted_ms if begin_ms is None else begin_ms
    end_ms = _end_ms(service, record) if end_ms is None else end_ms
    if end_ms < begin_ms:
        raise bad_parameter("to", "it lies before `from`")
    rows = await service.series.query(_stays(record, begin_ms, end_ms), signal, points)
    return JsonResponse([series_view(row) for row in rows])


@router.get("/{admission_id}/export")
async def export(
    service: ServiceDep,
    admission_id: AdmissionId,
    fmt: Annotated[ExportFormat, Query(alias="format")] = "ndjson",
) -> Response:
    """The whole stay."""
    await _record(service, admission_id)
    return StreamingResponse(
        service.export_lines(admission_id, fmt),
        media_type=_EXPORT_MEDIA_TYPE[fmt],
        headers={"Content-Disposition": f'attachment; filename="{admission_id}.{fmt}"'},
    )


async def _record(service: Service, admission_id: str) -> AdmissionRecord:
    record = await service.records.admission(admission_id)
    if record is None:
        raise not_found("admission")
    return record


async def _admission_in_full(service: Service, admission_id: str) -> JsonObject:
    record = await _record(service, admission_id)
    nothing_known: JsonObject = {"signals": {}, "dose_count": None, "decision": None}
    return admission_view(record) | (service.admission_state(admission_id) or nothing_known)


def _end_ms(service: Service, record: AdmissionRecord) -> int:
    """The end of the stay; of one that goes on, just beyond now."""
    discharged_ms = record.admission.discharged_ms
    return service.now_ms() + 1 if discharged_ms is None else discharged_ms


def _stays(record: AdmissionRecord, begin_ms: int, end_ms: int) -> Sequence[tuple[BedId, int, int]]:
    """Where the patient was between two instants: of a bed's history, only what is this patient's."""
    cut = (
        (each.bed, max(each.from_ms, begin_ms), end_ms if each.to_ms is None else min(each.to_ms, end_ms))
        for each in record.assignments
    )
    return [(bed, from_ms, to_ms) for bed, from_ms, to_ms in cut if from_ms < to_ms]
