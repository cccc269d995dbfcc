"""Cursors: where in a list a page ended, as text that a client hands back unread.

A cursor holds the sort key of the last row given. Rows that are added at the beginning of the list therefore neither
repeat nor hide anything on the pages that follow.
"""

from __future__ import annotations

import base64
import binascii

import orjson

SortKey = tuple[int | str, ...]

_INT64_MAX = 2**63 - 1


class InvalidCursorError(ValueError):
    """The text is no cursor of this list."""


def encode_cursor(key: SortKey) -> str:
    """The cursor of a row's sort key; only characters that need no quoting in a URL."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str, shape: tuple[type, ...]) -> SortKey:
    """The sort key in `cursor`.

    Args:
        cursor: From an earlier page, or anything a client made up.
        shape: Types of the key's parts, `int` or `str`.

    Raises:
        InvalidCursorError: It is not the cursor of a list with such a key.
    """
    try:
        key = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidCursorError(cursor) from error
    if not isinstance(key, list) or [type(part) for part in key] != list(shape):
        raise InvalidCursorError(cursor)
    if any(isinstance(part, int) and abs(part) > _INT64_MAX for part in key):
        raise InvalidCursorError(cursor)
    return tuple(key)
