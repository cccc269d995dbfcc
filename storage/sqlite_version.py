"""Which SQLite is linked, and what is known about it: a fact for the log at start-up, and a refusal below a floor.

SQLite 3.7.0 to 3.51.2 carries the WAL-reset race: with two connections that write or checkpoint, a page can be lost
(found 2026-03; fixed in 3.51.3, and back-ported to 3.44.6 and 3.50.7). Vigil is out of its reach whatever the version,
because each of its WAL files has exactly one connection that writes and checkpoints; the readers are opened read-only.
The one file that several processes write has no WAL (`storage.sqlite_file.open_shared`).

It deliberately does not refuse a version that has the race: Debian's stable one does.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from storage.ports import StorageProblem

Version = tuple[int, int, int]

OLDEST_SUPPORTED: Version = (3, 35, 0)
"""First with `RETURNING`, and with `UPSERT` in the form used by the series store."""

_RACE_FIRST: Version = (3, 7, 0)
_RACE_LAST: Version = (3, 51, 2)
_BACK_PORTED: dict[tuple[int, int], int] = {(3, 44): 6, (3, 50): 7}
"""Release line to the first patch of it that has the fix."""


class SqliteTooOld(StorageProblem):
    """The linked SQLite is older than `OLDEST_SUPPORTED`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteVersion:
    """The linked SQLite library."""

    version: str
    has_wal_reset_race: bool
    remark: str
    """One sentence for the log."""


def has_wal_reset_race(version: Version) -> bool:
    """Whether this release can lose a page when two connections write or checkpoint one WAL database."""
    fixed_from = _BACK_PORTED.get(version[:2])
    if fixed_from is not None and version[2] >= fixed_from:
        return False
    return _RACE_FIRST <= version <= _RACE_LAST


def check_sqlite_version(version: Version = sqlite3.sqlite_version_info) -> SqliteVersion:
    """What to log about the linked SQLite.

    Raises:
        SqliteTooOld: it is older than `OLDEST_SUPPORTED`.
    """
    text = ".".join(map(str, version))
    if version < OLDEST_SUPPORTED:
        oldest = ".".join(map(str, OLDEST_SUPPORTED))
        raise SqliteTooOld(f"SQLite {text} is linked; Vigil needs {oldest} or later: install a newer libsqlite3")
    racy = has_wal_reset_race(version)
    remark = (
        f"SQLite {text} has the WAL-reset race; harmless here, because each file with a WAL has one connection "
        "that writes and checkpoints: open no second writer on the files under --data"
        if racy
        else f"SQLite {text} is free of the WAL-reset race"
    )
    return SqliteVersion(version=text, has_wal_reset_race=racy, remark=remark)
