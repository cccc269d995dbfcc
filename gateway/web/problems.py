"""Errors as RFC 9457 problem details: every answer that is no success is an `application/problem+json` object.

A problem has `type`, `title`, `status`, `detail`, and, ours, `reason` (machine-readable, snake_case) and for a request
that does not follow the contract `errors`, each naming the field. What went wrong inside is logged and never sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from gateway.web.answers import JsonResponse
from gateway.web.ports import JsonObject, Refused

RETRY_AFTER_S = 2
MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:vigil:problem:"

_REFUSED_STATUS: Mapping[str, int] = {
    "no_such_admission": 404,
    "no_such_alarm": 404,
}
"""What a refused command's reason means over HTTP. Anything else is a conflict with how things stand (409)."""
_REFUSED_AS_INVALID = re.compile(r"(no_such|unknown|bad|invalid|missing|wrong)_|\w+_out_of_range$")
"""Reasons that say that the request itself can never be carried out (422)."""
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_DETAIL_FIELD = re.compile(r"\$\.?([\w.]*)")
"""The JSON path with which `gateway.wire` begins a detail."""


class ProblemError(HTTPException):
    """A problem to answer with. Raised in a route, or answered directly in front of one."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        errors: Sequence[JsonObject] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers=headers)
        self.reason = reason
        self.errors = tuple(errors)

    def response(self, scope: Scope) -> Response:
        """The answer to the request in `scope`."""
        body: JsonObject = {
            "type": _TYPE_PREFIX + self.reason,
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
            "instance": scope["path"],
            "reason": self.reason,
        }
        if self.errors:
            body["errors"] = self.errors
        return JsonResponse(body, self.status_code, headers=self.headers, media_type=MEDIA_TYPE)


def not_found(what: str) -> ProblemError:
    """404: there is no such thing."""
    return ProblemError(404, f"no_such_{what}", f"There is no such {what}.")


def bad_parameter(name: str, detail: str) -> ProblemError:
    """400: a query parameter or header is not what it should be."""
    return ProblemError(400, "bad_parameter", f"{name}: {detail}", errors=[field_error(name, "bad_parameter", detail)])


def invalid_body(reason: str, detail: str) -> ProblemError:
    """422: the wire grammar rejects the body; `detail` begins with the JSON path of the field."""
    found = _DETAIL_FIELD.match(detail)
    return ProblemError(422, reason, detail, errors=[field_error(found[1] if found else "", reason, detail)])


def unavailable(reason: str, detail: str) -> ProblemError:
    """503: not now; the same request may be made again."""
    return ProblemError(503, reason, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def refused(refusal: Refused) -> ProblemError:
    """What a refused command is answered with."""
    status = _REFUSED_STATUS.get(refusal.reason)
    if status is None:
        status = 422 if _REFUSED_AS_INVALID.match(refusal.reason) else 409
    return ProblemError(status, refusal.reason, refusal.detail)


def field_error(field: str, code: str, detail: str) -> JsonObject:
    """One entry of `errors`."""
    return {"field": field, "code": code, "detail": detail}


async def answer_http_error(request: Request, error: Exception) -> Response:
    """For errors raised by routes, and by the framework (no such route, method not allowed)."""
    assert isinstance(error, HTTPException)
    if not isinstance(error, ProblemError):
        phrase = HTTPStatus(error.status_code).phrase
        reason = phrase.lower().replace(" ", "_").replace("-", "_")
        headers = {"Allow": _allowed_methods(request)} if error.status_code == 405 else error.headers
        error = ProblemError(error.status_code, reason, str(error.detail), headers=headers)
    return error.response(request.scope)


async def answer_invalid_request(request: Request, error: Exception) -> Response:
    """For requests whose body or parameters the framework found wanting."""
    assert isinstance(error, RequestValidationError)
    findings = error.errors()
    errors = [_field_error(each) for each in findings]
    if any(each["type"] == "json_invalid" for each in findings):
        problem = ProblemError(400, "not_json", "The body is not one JSON document.", errors=errors)
    elif all(each["loc"][:1] == ("body",) for each in findings):
        problem = ProblemError(422, "invalid_body", _in_words(errors), errors=errors)
    else:
        problem = ProblemError(400, "bad_parameter", _in_words(errors), errors=errors)
    return problem.response(request.scope)


async def answer_defect(request: Request, _error: Exception) -> Response:
    """For anything else: our defect. The framework logs the error itself."""
    detail = "The gateway failed to answer; its log says why."
    return ProblemError(500, "internal_error", detail).response(request.scope)


def _allowed_methods(request: Request) -> str:
    """Methods that some route takes at this path; the framework names only those of the first."""
    routes: Sequence[BaseRoute] = request.app.router.routes

    def is_taken(method: str) -> bool:
        return any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)

    return ", ".join(method for method in _METHODS if is_taken(method))


def _field_error(finding: Mapping[str, Any]) -> JsonObject:
    # What was sent is not repeated: it may be anything, and it may be a patient's.
    field = ".".join(str(part) for part in finding["loc"][1:] if finding["type"] != "json_invalid")
    return field_error(field, finding["type"], finding["msg"])


def _in_words(errors: Sequence[JsonObject]) -> str:
    return "; ".join(f"{each['field'] or 'body'}: {each['detail']}" for each in errors)
