"""Routes about alarms: which there are, what each was about, and taking note of one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from gateway.web.answers import JsonResponse, page_answer
from gateway.web.commands import carry_out
from gateway.web.parameters import LIMIT_DEFAULT, Actor, Cursor, Limit, ServiceDep, SinceMs, is_id
from gateway.web.ports import JsonObject, Service
from gateway.web.problems import not_found
from gateway.web.routing import JsonRoute
from gateway.web.schemas import AcknowledgeBody
from gateway.web.views import alarm_in_full_view, alarm_view

router = APIRouter(prefix="/alarms", route_class=JsonRoute, tags=["alarms"])


def _alarm_id(alarm_id: Annotated[str, Path()]) -> str:
    if not is_id(alarm_id):
        raise not_found("alarm")
    return alarm_id


AlarmId = Annotated[str, Depends(_alarm_id)]


@router.get("")
async def list_alarms(
    service: ServiceDep,
    cursor: Cursor,
    since_ms: SinceMs,
    state: Literal["active", "all"] = "all",
    admission_id: str | None = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """Alarms, the latest announced first; `active`: on, latched or acknowledged."""
    page = await service.records.alarms(
        state=state, admission_id=admission_id, since_ms=since_ms, limit=limit, cursor=cursor
    )
    texts = service.alarm_texts({alarm.alarm_id for alarm in page.items})
    return page_answer(page, lambda alarm: alarm_view(alarm, texts.get(alarm.alarm_id)))


@router.get("/{alarm_id}")
async def show_alarm(service: ServiceDep, alarm_id: AlarmId) -> Response:
    """One alarm with its evidence and its transitions."""
    return JsonResponse(await _alarm_in_full(service, alarm_id))


@router.post("/{alarm_id}/acknowledge")
async def acknowledge(
    service: ServiceDep, actor: Actor, alarm_id: AlarmId, body: AcknowledgeBody | None = None
) -> Response:
    """Take note of an alarm; 409 if it has been cleared already."""
    fields = body.fields() if body else {}
    await carry_out(service, "acknowledge", {"alarm_id": alarm_id} | fields, actor)
    return JsonResponse(await _alarm_in_full(service, alarm_id))


async def _alarm_in_full(service: Service, alarm_id: str) -> JsonObject:
    record = await service.records.alarm(alarm_id)
    if record is None:
        raise not_found("alarm")
    return alarm_in_full_view(record, service.alarm_texts({alarm_id}).get(alarm_id))
