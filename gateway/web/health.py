"""Routes for whoever runs the gateway: is it alive, is it ready, what are its figures. Without the API's prefix."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.web.answers import JsonResponse
from gateway.web.metrics import CONTENT_TYPE, Exposition
from gateway.web.parameters import ServiceDep

router = APIRouter(tags=["operation"])


@router.get("/health/live")
async def live(service: ServiceDep) -> Response:
    """The process answers. Whoever supervises it restarts it when it does not."""
    return JsonResponse({"state": "live", "version": service.version})


@router.get("/health/ready")
async def ready(service: ServiceDep) -> Response:
    """Each part's state; 503 when one of them is not as it should be."""
    parts = service.readiness()
    is_ready = all(part.ok for part in parts.values())
    answer = {
        "state": "ready" if is_ready else "not_ready",
        "version": service.version,
        "parts": {name: part._asdict() for name, part in parts.items()},
    }
    return JsonResponse(answer, 200 if is_ready else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format."""
    exposition = cast(Exposition, request.app.state.exposition)
    return Response(exposition.text(), media_type=CONTENT_TYPE)
