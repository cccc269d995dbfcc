"""Durations in milliseconds, and the instant of what is never due."""

from __future__ import annotations

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NEVER_DUE_MS = 1 << 62
"""Later than every instant: when something is due that time alone never brings about."""
