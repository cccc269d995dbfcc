"""The web application: routes, guards and the form of errors put together around one service."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.web import api, health, session
from gateway.web.access import AccessGuard, Desk
from gateway.web.feed import FeedHub
from gateway.web.guards import RequestGuard, SecurityHeaders, secure
from gateway.web.metrics import Exposition
from gateway.web.ports import Service, Unavailable
from gateway.web.problems import (
    answer_defect,
    answer_http_error,
    answer_invalid_request,
    bad_parameter,
    unavailable,
)
from gateway.web.station import StationMount
from storage.records import InvalidCursorError, RecordsUnavailable


def create_app(service: Service, feed: FeedHub, access: Desk | None = None) -> FastAPI:
    """The application that serves `service`.

    Args:
        service: What is behind the routes.
        feed: Serves `/api/v1/feed`. Whoever composes the service runs it (`feed.run()`), so that its death is noticed.
        access: Where people sign in; None where whoever reaches the gateway may do anything.
    """
    app = FastAPI(
        title="Vigil",
        version=service.version,
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,  # both pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.feed = feed
    app.state.access = access
    app.state.exposition = Exposition(service.metrics_snapshot, feed.metrics)
    app.include_router(health.router)
    app.include_router(session.router, prefix=api.PREFIX)
    app.include_router(api.router)
    app.router.routes.append(StationMount())
    app.add_exception_handler(HTTPException, answer_http_error)
    app.add_exception_handler(RequestValidationError, answer_invalid_request)
    app.add_exception_handler(InvalidCursorError, _answer_invalid_cursor)
    app.add_exception_handler(Unavailable, _answer_unavailable)
    app.add_exception_handler(RecordsUnavailable, _answer_records_unavailable)
    app.add_exception_handler(Exception, _answer_defect_securely)
    if access is not None:
        app.add_middleware(AccessGuard, desk=access)
    app.add_middleware(RequestGuard)
    app.add_middleware(SecurityHeaders)
    return app


async def _answer_invalid_cursor(request: Request, _error: Exception) -> Response:
    return bad_parameter("cursor", "it is not the `next` of a page of this list").response(request.scope)


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    return unavailable("journal_unavailable", str(error)).response(request.scope)


async def _answer_records_unavailable(request: Request, _error: Exception) -> Response:
    detail = "The records cannot be read now; the gateway goes on watching, and its log says why."
    return unavailable("records_unavailable", detail).response(request.scope)


async def _answer_defect_securely(request: Request, error: Exception) -> Response:
    response = await answer_defect(request, error)
    secure(response.headers)  # the framework answers defects outside of the guards
    return response
