"""Answers in JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson
from starlette.responses import Response

from gateway.web.ports import JsonObject
from storage.records import InvalidCursorError, Page
from storage.records.cursors import decode_cursor, encode_cursor

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


def short_list_answer(items: Sequence[JsonObject], limit: int | None, cursor: str | None) -> JsonResponse:
    """A list that is short by nature and in an order of its own: all that is left of it, or a page of `limit` rows.

    Raises:
        InvalidCursorError: `cursor` is not from such a list.
    """
    begin = int(decode_cursor(cursor, (int,))[0]) if cursor is not None else 0
    if begin < 0:
        raise InvalidCursorError(cursor)
    end = len(items) if limit is None else begin + limit
    following = encode_cursor((end,)) if end < len(items) else None
    return JsonResponse({"items": items[begin:end], "next": following})
