"""Retention: old hours leave the series store.

Whole hours only, so that a bucket of the coarsest level never speaks of samples that are gone. A few minutes at a time,
each a transaction, so that a flush never waits long.
"""

from __future__ import annotations

import sqlite3

from storage.series.pyramid import LEVELS_MS
from storage.series.schema import MINUTE_MS

_HOUR_MS = LEVELS_MS[0]
_MINUTES_AT_ONCE = 10


def oldest_minute(connection: sqlite3.Connection) -> int | None:
    """The first minute of which there is a sample; None when there is none."""
    ((minute,),) = connection.execute("SELECT min(minute) FROM chunk").fetchall()
    return None if minute is None else int(minute)


def forget_some(connection: sqlite3.Connection, before_ms: int) -> bool:
    """Forgets the oldest few minutes of what ended before the hour of `before_ms`; False when there is nothing left.

    Raises:
        sqlite3.Error: nothing of these minutes was forgotten.
    """
    limit_ms = before_ms // _HOUR_MS * _HOUR_MS
    oldest = oldest_minute(connection)
    if oldest is None or oldest * MINUTE_MS >= limit_ms:
        _forget_until(connection, 0, limit_ms)
        return False
    _forget_until(connection, min(oldest + _MINUTES_AT_ONCE, limit_ms // MINUTE_MS), 0)
    return True


def _forget_until(connection: sqlite3.Connection, minute: int, rollups_ms: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM chunk WHERE minute < ?", (minute,))
        for level_ms in LEVELS_MS:
            rows = (rollups_ms // level_ms,)
            connection.execute(f"DELETE FROM rollup_{level_ms // 1000} WHERE t < ?", rows)  # noqa: S608 - a fixed name
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
