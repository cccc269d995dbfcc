"""Requests whose JSON is read strictly, and routes that take only such.

What is read holds no NaN, no infinity, no lone surrogate and no nesting without end. A body has to call itself JSON: a
page of another origin cannot send such a request without asking the browser first.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from gateway.web.problems import ProblemError


class JsonRequest(Request):
    """A request whose body is JSON."""

    async def json(self) -> Any:
        """The body; raises json.JSONDecodeError when it is none."""
        return orjson.loads(await self.body())


class JsonRoute(APIRoute):
    """A route that reads its body as `JsonRequest` does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's own, on a stricter request."""
        answer = super().get_route_handler()

        async def answer_strictly(request: Request) -> Response:
            if _has_body(request) and not calls_itself_json(request.headers):
                raise ProblemError(415, "unsupported_media_type", "A body has to be application/json.")
            return await answer(JsonRequest(request.scope, request.receive))

        return answer_strictly


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def calls_itself_json(headers: Mapping[str, str]) -> bool:
    """Whether the content type is JSON, which a page of another origin cannot send without asking the browser first."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
