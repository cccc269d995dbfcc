"""Routes about dosing: the decision on the next dose, its signature, the doses given; and the fluids beside them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.web.admissions import AdmissionId
from gateway.web.answers import JsonResponse
from gateway.web.commands import carry_out
from gateway.web.parameters import Actor, ServiceDep
from gateway.web.ports import JsonObject, Service
from gateway.web.problems import not_found
from gateway.web.routing import JsonRoute
from gateway.web.schemas import SignBody

HOURS_MAX = 24
"""Of fluids: further back not every pump is kept."""

router = APIRouter(prefix="/admissions", route_class=JsonRoute, tags=["dosing"])


@router.get("/{admission_id}/dose-decision")
async def show_decision(service: ServiceDep, admission_id: AdmissionId) -> Response:
    """Whether the next dose may be given, and why not: every criterion with its value and what would clear it."""
    return JsonResponse(_decision(service, admission_id))


@router.post("/{admission_id}/dose-decision/sign")
async def sign_decision(service: ServiceDep, actor: Actor, admission_id: AdmissionId, body: SignBody) -> Response:
    """A clinician's signature; one against the computed decision needs a reason."""
    await carry_out(service, "sign", {"admission_id": admission_id} | body.fields(), actor)
    return JsonResponse(_decision(service, admission_id))


@router.get("/{admission_id}/doses")
async def list_doses(service: ServiceDep, admission_id: AdmissionId) -> Response:
    """Every dose of the course: due, running, given, partial, held or missed."""
    rows = service.doses(admission_id)
    if rows is None:
        raise not_found("admission")
    return JsonResponse({"items": rows, "next": None})


@router.get("/{admission_id}/fluids")
async def show_fluids(
    service: ServiceDep, admission_id: AdmissionId, hours: Annotated[int, Query(ge=1, le=HOURS_MAX)] = HOURS_MAX
) -> Response:
    """Intake, urine and balance by the hour (UTC), and the boluses; null where nobody knows."""
    chart = service.fluids(admission_id, hours)
    if chart is None:
        raise not_found("admission")
    return JsonResponse(chart)


def _decision(service: Service, admission_id: str) -> JsonObject:
    decision = service.dose_decision(admission_id)
    if decision is None:
        raise not_found("admission")
    return decision
