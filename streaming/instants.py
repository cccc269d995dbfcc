"""Instants as text: RFC 3339 UTC with milliseconds, as they stand in evidence, answers and recordings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_ms(ms: int) -> str:
    """Milliseconds since 1970 UTC as `2026-11-23T10:11:12.345Z`; exact, since no floating point takes part."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")[:-6] + "Z"
