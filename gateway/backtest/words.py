"""Figures as people read them: durations, shares, rates. What is not known is a dash, never a zero."""

from __future__ import annotations

HOUR_MS = 3_600_000
NOTHING = "–"
THIN = "\u202f"
"""A narrow space that does not break."""


def number(value: float | None, decimals: int = 0) -> str:
    """`1 740`, `0.824`."""
    return NOTHING if value is None else f"{value:,.{decimals}f}".replace(",", THIN)


def percent(share: float | None, decimals: int = 1) -> str:
    """`12.5 %` of a share from 0 to 1."""
    return NOTHING if share is None else f"{100 * share:.{decimals}f}{THIN}%"


def hours(duration_ms: float | None) -> str:
    """`491.3 h`."""
    return NOTHING if duration_ms is None else f"{number(duration_ms / HOUR_MS, 1)}{THIN}h"


def seconds(duration_s: float | None) -> str:
    """`17 s`, `4 min 10 s`, `3.2 h`."""
    if duration_s is None:
        return NOTHING
    sign, size = ("−" if duration_s < 0 else ""), abs(duration_s)
    if size < 120:
        return f"{sign}{size:.0f}{THIN}s"
    if size < 7200:
        return f"{sign}{size / 60:.0f}{THIN}min"
    return f"{sign}{number(size / 3600, 1)}{THIN}h"


def part(ms: int, whole_ms: int) -> str:
    """`12.5 %`, of a whole that may be nothing."""
    return percent(ms / whole_ms if whole_ms else None)
