"""The router of `/api/v1`: routes about the gateway itself, and those of the other modules.

A group of routes that only some services offer is a router of its own, which `gateway.web.app` adds or leaves out.
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.websockets import WebSocket

from gateway.web import admissions, alarms, dosing
from gateway.web.answers import JsonResponse, page_answer, short_list_answer
from gateway.web.feed import FeedHub
from gateway.web.parameters import (
    LIMIT_DEFAULT,
    Cursor,
    Limit,
    ServiceDep,
    ShortListLimit,
    SinceMs,
    instant_parameter,
)
from gateway.web.problems import bad_parameter, not_found
from gateway.web.routing import JsonRoute
from gateway.web.socket import serve_feed
from gateway.web.views import alarm_burden_view, audit_head_view, audit_view, quarantine_view
from storage.records import AuditKind

PREFIX = "/api/v1"
DAY_MS = 86_400_000

router = APIRouter(prefix=PREFIX, route_class=JsonRoute)


@router.get("/rules", tags=["rules"])
async def list_rules(service: ServiceDep, cursor: Cursor, limit: ShortListLimit = None) -> Response:
    """Rules in force with limits, source and hash."""
    return short_list_answer(service.rules(), limit, cursor)


@router.get("/rules/{rule_id:path}", tags=["rules"])
async def show_rule(service: ServiceDep, rule_id: str) -> Response:
    """One rule."""
    rule = service.rule(rule_id)
    if rule is None:
        raise not_found("rule")
    return JsonResponse(rule)


@router.get("/profiles", tags=["rules"])
async def list_profiles(service: ServiceDep, cursor: Cursor, limit: ShortListLimit = None) -> Response:
    """Profiles with version and hash."""
    return short_list_answer(service.profiles(), limit, cursor)


@router.get("/ledger", tags=["accounts"])
async def show_ledger(service: ServiceDep) -> Response:
    """What became of every device message that was received."""
    return JsonResponse(service.ledger())


@router.get("/quarantine", tags=["accounts"])
async def list_quarantine(
    service: ServiceDep, cursor: Cursor, since_ms: SinceMs, limit: Limit = LIMIT_DEFAULT
) -> Response:
    """Rejected messages and metrics with the reason, the latest first."""
    page = await service.records.quarantine(since_ms=since_ms, limit=limit, cursor=cursor)
    return page_answer(page, quarantine_view)


@router.get("/audit", tags=["accounts"])
async def list_audit(
    service: ServiceDep,
    cursor: Cursor,
    since_ms: SinceMs,
    limit: Limit = LIMIT_DEFAULT,
    kind: AuditKind | None = None,
) -> Response:
    """Who did what when and what was announced, the latest first, chained by hashes; `head` is the last entry."""
    page = await service.records.audit(kind=kind, since_ms=since_ms, limit=limit, cursor=cursor)
    return page_answer(page, audit_view, head=audit_head_view(service.records.audit_head))


@router.get("/alarm-burden", tags=["alarms"])
async def show_alarm_burden(
    service: ServiceDep,
    since: Annotated[str | None, Query(alias="from", description="RFC 3339; a day before `to` when absent.")] = None,
    until: Annotated[str | None, Query(alias="to", description="RFC 3339; now when absent.")] = None,
    unit: str | None = None,
) -> Response:
    """How much people were called: alarms per bed and day, how long they waited, how many were over within 17 s."""
    to_ms = instant_parameter("to", until)
    to_ms = service.now_ms() if to_ms is None else to_ms
    from_ms = instant_parameter("from", since)
    from_ms = to_ms - DAY_MS if from_ms is None else from_ms
    if from_ms >= to_ms:
        raise bad_parameter("from", "must lie before `to`")
    burden = await service.records.alarm_burden(from_ms, to_ms, unit=unit)
    return JsonResponse(alarm_burden_view(burden, from_ms, to_ms, unit))


@router.get("/outcomes/summary", tags=["accounts"])
async def show_outcome_summary(service: ServiceDep) -> Response:
    """What `vigil replay` of this gateway's journal ends with: equal, or one of the two is wrong."""
    total = service.ledger()["total"]
    outcomes = await service.records.outcome_summary()
    return JsonResponse(
        {name: total[name] for name in ("received", "evaluated", "duplicate", "rejected")}
        | {
            "alarms": outcomes.by_type.get("alarm", 0),
            "decisions": outcomes.by_type.get("decision", 0),
            "sha256": outcomes.sha256,
        }
    )


@router.websocket("/feed")
async def feed(socket: WebSocket) -> None:
    """All beds as they change (contract, section 6)."""
    await serve_feed(socket, cast(FeedHub, socket.app.state.feed))


router.include_router(admissions.router)
router.include_router(alarms.router)
router.include_router(dosing.router)
