"""The station page: static files, served at `/` beside the API.

The page is always asked for anew (`no-cache`: kept, but checked): after an upgrade no display may run yesterday's page.
"""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIRECTORY = Path(__file__).parents[1] / "station" / "plain"

_NOT_FILES = ("/api/", "/health/", "/metrics")


class StationMount(Mount):
    """Files at `/`, except where other routes live: a wrong method there is a 405 of theirs, no missing file."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        super().__init__("/", _Files(directory=directory, html=True), name="station")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for a file."""
        if scope["type"] != "http" or scope["path"].startswith(_NOT_FILES):
            return Match.NONE, {}
        return super().matches(scope)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response
