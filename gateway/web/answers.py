"""Answers in JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson
from starlette.responses import Response

from gateway.web.ports import JsonObject
from storage.records import Page

Row = TypeVar("Row")


class JsonResponse(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The body's bytes."""
        return orjson.dumps(content)


def page_answer(page: Page[Row], view: Callable[[Row], JsonObject], **about: JsonObject) -> JsonResponse:
    """A page of a list, each row as `view` shows it, with what is to be said about the list as a whole."""
    return JsonResponse({"items": [view(row) for row in page.items], "next": page.next, **about})


def whole_list_answer(items: Sequence[JsonObject]) -> JsonResponse:
    """A list that is short by nature, in the form of one page."""
    return JsonResponse({"items": items, "next": None})
