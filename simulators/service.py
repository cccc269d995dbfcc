"""The service's HTTP side as seen from outside: one POST at a time, with the standard library.

It deliberately keeps no connection open and follows no redirect to another scheme: it is used a few times a run.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import orjson

_TIMEOUT_S = 10.0
_ACTOR_HEADER = "X-Vigil-Actor"
"""Who acts, where the service has no sign-in in front of it."""
_FIRST_SUCCESS = 200
_FIRST_NON_SUCCESS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    """HTTP status; 0 when nobody answered."""
    body: Mapping[str, object]
    """The JSON object, empty when there was none."""
    detail: str
    """For people, when it was no success."""

    @property
    def is_success(self) -> bool:
        """2xx."""
        return _FIRST_SUCCESS <= self.status < _FIRST_NON_SUCCESS

    @property
    def is_silence(self) -> bool:
        """Nobody answered."""
        return self.status == 0


class Service:
    """A Vigil gateway at a base URL such as `http://127.0.0.1:8000`."""

    def __init__(self, url: str) -> None:
        """Takes note of the address.

        Raises:
            ValueError: not an http or https address.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not a service address: {url!r}; write http://HOST:PORT")
        self._base = url.rstrip("/")

    async def post(self, path: str, body: Mapping[str, object], *, actor: str) -> Answer:
        """POSTs JSON to `/api/v1` + path in somebody's name; never raises for what the other side does."""
        return await asyncio.to_thread(self._post, path, orjson.dumps(dict(body)), actor)

    def _post(self, path: str, body: bytes, actor: str) -> Answer:
        # A header carries ASCII: other characters of a name go percent-encoded.
        headers = {"Content-Type": "application/json", _ACTOR_HEADER: quote(actor, safe=" @:.-")}
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self._base}/api/v1{path}", data=body, headers=headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
                return _answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.read())
        except OSError as error:
            return Answer(status=0, body={}, detail=str(error))


def _answer(status: int, content: bytes) -> Answer:
    try:
        body = orjson.loads(content) if content else {}
    except orjson.JSONDecodeError:
        body = {}
    members = body if isinstance(body, dict) else {}
    detail = members.get("detail") or members.get("title") or f"HTTP {status}"
    return Answer(status=status, body=members, detail=str(detail))
