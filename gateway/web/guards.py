"""What stands in front of every request: how large a body may be, where it may come from, what a browser may do then.

Plain ASGI, so that streams and WebSockets pass through untouched. Nothing here knows a route.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.web.problems import ProblemError

BODY_MAX_BYTES = 1024 * 1024

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer. The station page loads nothing from elsewhere, and nothing may frame it."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class SecurityHeaders:
    """Adds `SECURITY_HEADERS`; answers may be kept by no cache unless they say otherwise, for they name patients."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def secure(headers: MutableHeaders) -> None:
    """Add the headers to an answer's."""
    headers.update(SECURITY_HEADERS)
    headers.setdefault("Cache-Control", "no-store")


class RequestGuard:
    """Turns away bodies above `BODY_MAX_BYTES` (413) and commands from a page of another origin (403)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it may pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is not None:
            await refusal.response(scope)(scope, receive, send)
            return
        await self._app(scope, _counted(receive), send)


def is_same_origin(scope: Scope) -> bool:
    """Whether the request comes from a page we served, or from no page at all.

    A browser names the page's origin; its host and port have to be those the request was addressed to.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()


def _refusal(scope: Scope) -> ProblemError | None:
    if scope["method"] not in _READING and not is_same_origin(scope):
        return ProblemError(403, "cross_origin", "Commands are taken from the page that this gateway serves.")
    length = Headers(scope=scope).get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > BODY_MAX_BYTES:
        return _too_large()
    return None


def _counted(receive: Receive) -> Receive:
    """`receive` that stops a body whose size was not announced, or announced wrongly."""
    left = BODY_MAX_BYTES

    async def receive_counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large()
        return message

    return receive_counted


def _too_large() -> ProblemError:
    return ProblemError(413, "too_large", f"A request's body may have {BODY_MAX_BYTES} bytes.")
