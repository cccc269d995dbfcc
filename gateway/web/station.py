"""The station page: static files, served at `/` beside the API.

The page is always asked for anew (`no-cache`: kept, but checked): after an upgrade no display may run yesterday's page.
It is built at set-up (docs/decisions/0019). Where it was not, everything else works, and `/` says how to build it.
"""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

log = logging.getLogger("vigil.web")

DIRECTORY = Path(__file__).parents[1] / "station" / "dist"
HOW_TO_BUILD = """\
The station's page has not been built. Everything else of the gateway works; its answers are under /api/v1.
To build the page, in the source tree: make station   (or: gateway/station/build.sh python3)
"""

NOT_FILES = ("/api/", "/health/", "/metrics")
"""Where paths of other routes begin."""


class StationMount(Mount):
    """Files at `/`, except where other routes live: a wrong method there is a 405 of theirs, no missing file."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        super().__init__("/", _Files(directory=directory, html=True, check_dir=False), name="station")
        if not (directory / "index.html").is_file():
            log.warning("no station page in %s: build it with `make station`", directory)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for a file."""
        if scope["type"] != "http" or scope["path"].startswith(NOT_FILES):
            return Match.NONE, {}
        return super().matches(scope)


class _Files(StaticFiles):
    def is_built(self) -> bool:
        """Whether there is a page to serve: it may be built while the gateway runs."""
        return self.directory is not None and Path(self.directory, "index.html").is_file()

    async def check_config(self) -> None:
        """The framework's own, as soon as there is something to check."""
        if self.is_built():
            await super().check_config()

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not self.is_built():
            return PlainTextResponse(HOW_TO_BUILD, 503, headers={"Retry-After": "60"})
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response
