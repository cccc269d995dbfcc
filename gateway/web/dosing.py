"""Routes about dosing: the decision on the next dose, its signature, the doses given; and the fluids beside them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.outcomes import dose_object
from gateway.web.admissions import AdmissionId
from gateway.web.answers import JsonResponse, short_list_answer
from gateway.web.commands import carry_out
from gateway.web.parameters import Actor, Cursor, ServiceDep, ShortListLimit
from gateway.web.ports import JsonObject, Service
from gateway.web.problems import ProblemError, not_found
from gateway.web.routing import JsonRoute
from gateway.web.schemas import SignBody

HOURS_MAX = 24
"""Of fluids: further back not every pump is kept."""

router = APIRouter(prefix="/admissions", route_class=JsonRoute, tags=["dosing"])


@router.get("/{admission_id}/dose-decision")
async def show_decision(service: ServiceDep, admission_id: AdmissionId) -> Response:
    """Whether the next dose may be given, and why not: every criterion with its value and what would clear it."""
    return JsonResponse(await _decision(service, admission_id))


@router.post("/{admission_id}/dose-decision/sign")
async def sign_decision(service: ServiceDep, actor: Actor, admission_id: AdmissionId, body: SignBody) -> Response:
    """A clinician's signature; one against the computed decision needs a reason."""
    await carry_out(service, "sign", {"admission_id": admission_id} | body.fields(), actor)
    return JsonResponse(await _decision(service, admission_id))


@router.get("/{admission_id}/doses")
async def list_doses(
    service: ServiceDep, admission_id: AdmissionId, cursor: Cursor, limit: ShortListLimit = None
) -> Response:
    """Every dose of the course: due, running, given, partial, held or missed; of a stay that is over, those that were
    begun, held or missed."""
    rows = service.doses(admission_id)
    if rows is None:
        await _known(service, admission_id)
        rows = [dose_object(row) for row in await service.records.doses(admission_id)]
    return short_list_answer(rows, limit, cursor)


@router.get("/{admission_id}/fluids")
async def show_fluids(
    service: ServiceDep, admission_id: AdmissionId, hours: Annotated[int, Query(ge=1, le=HOURS_MAX)] = HOURS_MAX
) -> Response:
    """Intake, urine and balance by the hour (UTC), and the boluses; null where nobody knows."""
    chart = service.fluids(admission_id, hours)
    if chart is None:
        raise await _over(service, admission_id)
    return JsonResponse(chart)


async def _decision(service: Service, admission_id: str) -> JsonObject:
    decision = service.dose_decision(admission_id)
    if decision is None:
        raise await _over(service, admission_id)
    return decision


async def _over(service: Service, admission_id: str) -> ProblemError:
    """404: of a stay that is over there is no present; of one that never was, nothing."""
    await _known(service, admission_id)
    return ProblemError(404, "already_discharged", "The patient has been discharged.")


async def _known(service: Service, admission_id: str) -> None:
    if await service.records.admission(admission_id) is None:
        raise not_found("admission")
