"""Instants as the wire writes them: RFC 3339 in UTC with milliseconds, from and to milliseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def format_instant(at_ms: int) -> str:
    """`2026-11-23T10:11:12.345Z`."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_instant(text: str) -> int:
    """Milliseconds since 1970 UTC of an RFC 3339 instant, cut to whole milliseconds.

    Raises:
        ValueError: not an instant, or one without an offset from UTC.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"instant without offset: {text!r}")
    return (at - _EPOCH) // _MILLISECOND
