"""Instants as texts, for what plays the gateway in tests."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at_s: float) -> str:
    """Instant in seconds since 1970 as RFC 3339 UTC with milliseconds."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 instant."""
    return datetime.fromisoformat(text).timestamp()


def minute_text(at_s: float) -> str:
    """Hour and minute where this machine stands, as the station in its browser writes them."""
    return datetime.fromtimestamp(at_s).astimezone().strftime("%H:%M")
