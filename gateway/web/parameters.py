"""What routes take besides a body: who asks, which page, which ids, from when; and the service they ask.

An id that cannot be one is answered like one that does not exist: 404.
"""

from __future__ import annotations

import re
from typing import Annotated, cast
from urllib.parse import unquote

from fastapi import Depends, Header, Query
from starlette.requests import HTTPConnection

from gateway.web.access import identity_of
from gateway.web.ports import Service
from gateway.web.problems import bad_parameter
from gateway.wire.codec import NAME_MAX
from streaming.instants import parse_instant

ANONYMOUS = "anonymous"
"""Who asks, when the request does not say."""
LIMIT_DEFAULT = 100
LIMIT_MAX = 1000

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether `text` could be the id of an admission or an alarm."""
    return _ID.fullmatch(text) is not None


def _service(connection: HTTPConnection) -> Service:
    return cast(Service, connection.app.state.service)


ServiceDep = Annotated[Service, Depends(_service)]
"""The service behind the web layer."""


def _actor(connection: HTTPConnection, x_vigil_actor: Annotated[str | None, Header()] = None) -> str:
    """Who asks: who proved it, or where access is open, whom the header names.

    A header carries ASCII: other characters of a name come percent-encoded.
    """
    identity = identity_of(connection)
    if identity is not None:
        return identity.name
    if x_vigil_actor is None:
        return ANONYMOUS
    actor = unquote(x_vigil_actor, errors="replace").strip(" ")
    if not (0 < len(actor) <= NAME_MAX and actor.isprintable()):
        raise bad_parameter("X-Vigil-Actor", f"1 to {NAME_MAX} printable characters are needed")
    return actor


Actor = Annotated[str, Depends(_actor)]
"""Who asks, as the audit will say."""

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows in a page.")]


ShortListLimit = Annotated[int | None, Query(ge=1, le=LIMIT_MAX, description="Rows in a page; all when absent.")]


def _cursor(
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    next_cursor: Annotated[str | None, Query(alias="next", description="The same.")] = None,
) -> str | None:
    return cursor if cursor is not None else next_cursor


Cursor = Annotated[str | None, Depends(_cursor)]
"""Where the page begins."""


def instant_parameter(name: str, text: str | None) -> int | None:
    """Milliseconds since 1970 UTC of a query parameter; None when it is absent.

    Raises:
        ProblemError: It is no RFC 3339 date-time with an offset.
    """
    if text is None:
        return None
    # In a query `+` means a space: an offset that was not quoted still means what it says.
    instant_ms = parse_instant(text.replace(" ", "+"))
    if instant_ms is None:
        raise bad_parameter(name, "an RFC 3339 date-time with an offset is needed")
    return instant_ms


def _since(
    since: Annotated[str | None, Query(description="Earliest time, RFC 3339 with offset.")] = None,
) -> int | None:
    return instant_parameter("since", since)


SinceMs = Annotated[int | None, Depends(_since)]
"""The earliest time asked for."""
