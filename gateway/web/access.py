"""Who asks, and whether they may: stands in front of every route where the setting `access` is on.

Plain ASGI, so that streams and WebSockets pass through untouched. What a request needs stands in
`gateway.web.permissions`; who somebody is, a desk of `gateway.access` knows.

Invariants. Nothing is passed on that stands in no table. Whoever is not signed in learns nothing, not even which paths
there are. What a browser sends by itself (a cookie, or the proxy's) commands nothing unless the request shows that it
comes from the page: by its `Origin`, or by a content type that no page elsewhere can send without asking.

It deliberately believes no `X-Vigil-Actor` but a proxy's that has proved itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import cast

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access.desk import AccessDesk
from gateway.access.identity import Identity, Means
from gateway.access.proxy import ProxyDesk
from gateway.access.roles import ACTS, WORDS, Permission
from gateway.web.permissions import Asked, asked
from gateway.web.problems import ProblemError
from gateway.web.routing import calls_itself_json

log = logging.getLogger("vigil.access")

Desk = AccessDesk | ProxyDesk

SECURE_COOKIE, PLAIN_COOKIE = "__Host-vigil", "vigil-session"
"""Of a session: over https, which is what a ward has, and over http, for a machine of one's own."""
ACTOR_HEADER, ROLE_HEADER, PROOF_HEADER = "x-vigil-actor", "x-vigil-role", "x-vigil-proxy-secret"
CHALLENGE: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="vigil"'}

_IDENTITY = "vigil.identity"
_READING = frozenset({"GET", "HEAD", "OPTIONS", "WEBSOCKET"})


class AccessGuard:
    """Turns away who may not ask, and tells those behind it who does."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it may pass."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        identity = _identified(self._desk, HTTPConnection(scope))
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        needs = asked(method, scope["path"])
        refusal = _refusal(HTTPConnection(scope), method, needs, identity)
        if refusal is not None:
            _note(refusal, identity, method, scope["path"])
            await _turn_away(refusal, scope, receive, send)
            return
        if identity is not None and needs.needed in ACTS and isinstance(self._desk, AccessDesk):
            self._desk.note_act(identity)
        await self._app({**scope, _IDENTITY: identity}, receive, send)


def identity_of(connection: HTTPConnection) -> Identity | None:
    """Who asks, where access is on and somebody has proved who they are."""
    return cast(Identity | None, connection.scope.get(_IDENTITY))


def desk_of(connection: HTTPConnection) -> Desk | None:
    """Where people sign in; None where access is open."""
    return cast(Desk | None, connection.app.state.access)


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser came over TLS, as far as we or the proxy on this machine know."""
    return connection.scope.get("scheme") in {"https", "wss"}


def session_token(connection: HTTPConnection) -> str | None:
    """The token that the browser has, if any."""
    return connection.cookies.get(SECURE_COOKIE if is_secure(connection) else PLAIN_COOKIE)


def not_signed_in() -> ProblemError:
    """401: nobody has proved who they are."""
    return ProblemError(401, "sign_in", "Sign in first.", headers=CHALLENGE)


def _identified(desk: Desk, connection: HTTPConnection) -> Identity | None:
    if isinstance(desk, ProxyDesk):
        return _named_by_proxy(desk, connection)
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return desk.who_has_token(token.strip())
    session = session_token(connection)
    return desk.who_has_session(session) if session is not None else None


def _named_by_proxy(desk: ProxyDesk, connection: HTTPConnection) -> Identity | None:
    said = [connection.headers.getlist(name) for name in (PROOF_HEADER, ACTOR_HEADER, ROLE_HEADER)]
    # Twice the same header: one may be the browser's, and which one the proxy meant is not to be guessed.
    if [len(values) for values in said] != [1, 1, 1] or not desk.proves_itself(said[0][0]):
        return None
    return desk.who(said[1][0], said[2][0])


def _refusal(connection: HTTPConnection, method: str, needs: Asked, identity: Identity | None) -> ProblemError | None:
    if identity is not None and not _shows_its_page(connection, method, identity):
        detail = "A command needs an Origin header, or the content type application/json, or a token of its own."
        return ProblemError(403, "origin_missing", detail)
    if needs.is_open:
        return None
    if identity is None:
        return not_signed_in()
    if needs.needed is None:
        return _no_such(needs)
    return _not_allowed(identity, needs.needed)


def _shows_its_page(connection: HTTPConnection, method: str, identity: Identity) -> bool:
    """Whether the request cannot be another page's; that an Origin that is there is ours, `RequestGuard` has seen."""
    if method in _READING or identity.means is Means.TOKEN:
        return True
    return "origin" in connection.headers or calls_itself_json(connection.headers)


def _no_such(needs: Asked) -> ProblemError:
    if needs.methods:
        allowed = ", ".join(needs.methods)
        return ProblemError(405, "method_not_allowed", "Method Not Allowed", headers={"Allow": allowed})
    return ProblemError(404, "not_found", "Not Found")


def _not_allowed(identity: Identity, needed: Permission) -> ProblemError | None:
    if needed in ACTS and identity.is_display:
        return _sign_in_again("This display only watches: sign in to act.")
    if not identity.may(needed):
        return ProblemError(403, "not_permitted", f"The role {identity.role} may not {WORDS[needed]}.")
    if needed in ACTS and not identity.is_acting:
        return _sign_in_again("Nothing was done here for a while: sign in again to act.")
    return None


def _note(refusal: ProblemError, identity: Identity | None, method: str, path: str) -> None:
    """Who tried what is in the log; that nobody had signed in is not, or it would hold little else."""
    if identity is not None and refusal.status_code in {401, 403}:
        said = (ascii(identity.name), identity.role, method, ascii(path), refusal.reason)
        log.warning("refused: name=%s role=%s request=%s %s reason=%s", *said)


def _sign_in_again(detail: str) -> ProblemError:
    return ProblemError(401, "sign_in_again", detail, headers=CHALLENGE)


async def _turn_away(refusal: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    await refusal.response(scope)(scope, receive, send)
