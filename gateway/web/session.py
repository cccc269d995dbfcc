"""Routes about who is signed in: sign in, who am I, sign out. Open to everybody; what they answer depends on who asks.

Invariants. The token of a session is in a cookie that no script can read, and in no body. A failed sign-in changes
nothing about a session that there is.
"""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.desk import AccessDesk, SignedIn, TooSoon, WrongNameOrPassword
from gateway.access.identity import Identity, Means
from gateway.access.passwords import LENGTH_MAX, TooManyWaiting
from gateway.access.proxy import ProxyDesk
from gateway.access.roles import MAY
from gateway.web.access import (
    CHALLENGE,
    PLAIN_COOKIE,
    SECURE_COOKIE,
    desk_of,
    identity_of,
    is_secure,
    not_signed_in,
    session_token,
)
from gateway.web.answers import JsonResponse
from gateway.web.parameters import ServiceDep
from gateway.web.ports import JsonObject, Service
from gateway.web.problems import ProblemError, unavailable
from gateway.web.routing import JsonRoute
from gateway.web.schemas import Body, Name
from storage.access import AccessUnavailable
from streaming.instants import format_ms

DISPLAY_COOKIE_S = 400 * 86_400
"""The longest that browsers keep one (RFC 6265bis); a display gets it anew whenever it asks who it is."""

router = APIRouter(prefix="/session", route_class=JsonRoute, tags=["session"])


class SignInBody(Body):
    """What somebody types who signs in."""

    name: Name
    password: Annotated[str, Field(min_length=1, max_length=LENGTH_MAX)]


@router.get("")
async def show_session(service: ServiceDep, request: Request) -> Response:
    """Whether people sign in here, who is signed in, and what they may do."""
    desk, identity = desk_of(request), identity_of(request)
    if desk is None:
        return JsonResponse({"access": "open"})
    if isinstance(desk, ProxyDesk):
        if identity is None:
            raise not_signed_in()
        return JsonResponse({"access": "proxy"} | _view(service, identity))
    answer = JsonResponse({"access": "accounts"} | _view(service, identity))
    token = session_token(request)
    if identity is not None and identity.is_display and identity.means is Means.SESSION and token is not None:
        _keep(answer, request, token, None)
    return answer


@router.post("")
async def sign_in(service: ServiceDep, request: Request, body: SignInBody) -> Response:
    """Sign in with name and password: to act, and to watch. Whoever was acting in this browser no longer is."""
    desk = _accounts(request)
    address = request.client.host if request.client else "unknown"
    try:
        signed_in = await desk.sign_in(body.name, body.password, address, session_token(request))
    except TooSoon as error:
        raise _later(429, "too_many_attempts", "Too many attempts have failed", error.wait_s) from None
    except TooManyWaiting:
        raise _later(503, "sign_in_busy", "Too many people sign in at once", 3.0) from None
    except WrongNameOrPassword:
        detail = "There is nobody of that name and password."
        raise ProblemError(401, "wrong_name_or_password", detail, headers=CHALLENGE) from None
    except AccessUnavailable:
        raise _accounts_unavailable() from None
    return _welcome(service, request, signed_in)


@router.delete("", status_code=204)
async def sign_out(
    request: Request,
    display: Annotated[bool, Query(description="At a display, end that it watches, too.")] = False,
) -> Response:
    """Sign out: this browser shows nothing any more. A display watches on, and whoever acted there does no longer."""
    desk, identity = _accounts(request), identity_of(request)
    has_ended = True
    if identity is not None and identity.means is Means.SESSION:
        try:
            has_ended = await desk.sign_out(identity, is_wall_meant=display)
        except AccessUnavailable:
            raise _accounts_unavailable() from None
    answer = Response(status_code=204)
    if has_ended:
        _set_cookie(answer, request, "", 0)
    return answer


def _welcome(service: Service, request: Request, signed_in: SignedIn) -> Response:
    answer = JsonResponse({"access": "accounts"} | _view(service, signed_in.identity))
    _keep(answer, request, signed_in.token, signed_in.watch_s)
    return answer


def _accounts(request: Request) -> AccessDesk:
    match desk_of(request):
        case AccessDesk() as desk:
            return desk
        case None:
            raise ProblemError(409, "access_is_open", "Nobody signs in here: this gateway runs with access = open.")
        case _:
            raise ProblemError(409, "proxy_signs_in", "The reverse proxy in front signs people in and out.")


def _view(service: Service, identity: Identity | None) -> JsonObject:
    if identity is None:
        return {"name": None, "role": None, "may": [], "acts_until": None, "watches_until": None, "is_display": False}
    return {
        "name": identity.name,
        "role": identity.role.value,
        "may": sorted(MAY[identity.role]),
        "acts_until": _in(service, identity.acts_for_s),
        "watches_until": _in(service, identity.watches_for_s),
        "is_display": identity.is_display,
    }


def _in(service: Service, seconds: float | None) -> str | None:
    return None if seconds is None else format_ms(service.now_ms() + int(seconds * 1000))


def _keep(answer: Response, request: Request, token: str, watch_s: float | None) -> None:
    _set_cookie(answer, request, token, DISPLAY_COOKIE_S if watch_s is None else int(watch_s))


def _set_cookie(answer: Response, request: Request, token: str, max_age_s: int) -> None:
    secure = is_secure(request)
    answer.set_cookie(
        SECURE_COOKIE if secure else PLAIN_COOKIE,
        token,
        max_age=max_age_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def _later(status: int, reason: str, what: str, wait_s: float) -> ProblemError:
    wait = max(1, math.ceil(wait_s))
    return ProblemError(status, reason, f"{what}: try again in {wait} s.", headers={"Retry-After": str(wait)})


def _accounts_unavailable() -> ProblemError:
    return unavailable("accounts_unavailable", "The accounts cannot be read or written now; the log says why.")
