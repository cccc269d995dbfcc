"""The flush: what is in memory becomes chunks, rollups and progress, in one transaction.

Invariants:
- Samples, rollups, the flush's number and the journal offset become durable together or not at all.
- A rollup is merged into what its bucket holds already, so late samples need nothing special.
- Runs in the series writer's thread only, which owns the connection.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from storage.series.chunks import Rollup, by_minute, coarsen, encode, finite, roll_up
from storage.series.memory import MemoryPart
from storage.sqlite_rows import Cell, RowInsert
from streaming.effects import Sample
from streaming.identity import DeviceId

_MERGE = (
    "ON CONFLICT (t, series_id) DO UPDATE SET "
    "min = min(min, excluded.min), sum = sum + excluded.sum, max = max(max, excluded.max), n = n + excluded.n"
)
_INSERT_SERIES = RowInsert("series (series_id, unit, bed, device, name)", columns=5)
_INSERT_CHUNK = RowInsert("chunk (series_id, minute, times, samples, validities)", columns=5)
_MERGE_ROLLUP = {
    factor: RowInsert(f"rollup_{seconds}", columns=6, on_conflict=_MERGE)
    for factor, seconds in ((1, 60), (10, 600), (60, 3600))
}
"""By how many minutes a bucket of the level has."""


class SeriesCatalogue:
    """Which series there are: owner (device, or a bed's signals) and name, to the number that stands for them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._ids: dict[DeviceId, dict[str, int]] = {}
        self._last_id = 0
        for series_id, unit, bed, device, name in connection.execute("SELECT * FROM series").fetchall():
            self._ids.setdefault(DeviceId(unit, bed, device), {})[name] = series_id
            self._last_id = max(self._last_id, series_id)
        self._unsaved: list[Cell] = []

    def find(self, owner: DeviceId, name: str) -> int | None:
        """The number of a series, or None when it has never been stored. Safe in any thread."""
        return self._ids.get(owner, {}).get(name)

    def owners(self) -> list[tuple[DeviceId, list[str]]]:
        """Every owner with the names of its series. Safe in any thread."""
        return [(owner, list(ids)) for owner, ids in list(self._ids.items())]

    def number(self, owner: DeviceId, name: str) -> int:
        """The number of a series, a new one if it is new. For the writer's thread."""
        ids = self._ids.setdefault(owner, {})
        known = ids.get(name)
        if known is not None:
            return known
        self._last_id += 1
        self._unsaved += (self._last_id, *owner, name)
        ids[name] = self._last_id
        return self._last_id

    def save(self, connection: sqlite3.Connection) -> None:
        """Stores the new series, as part of a transaction; `saved` follows when that has been committed."""
        _INSERT_SERIES.execute(connection, self._unsaved)

    def saved(self) -> None:
        """The transaction that held the new series is durable."""
        self._unsaved.clear()


class _Rows:
    """The rows of one flush, flat."""

    def __init__(self, catalogue: SeriesCatalogue) -> None:
        self._catalogue = catalogue
        self.chunks: list[Cell] = []
        self.rollups: dict[int, list[Cell]] = {factor: [] for factor in _MERGE_ROLLUP}

    def lay(self, owner: DeviceId, samples: Sequence[Sample]) -> None:
        by_name: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            by_name[sample[0]].append(sample)
        for name, of_name in by_name.items():
            self._lay_series(self._catalogue.number(owner, name), finite(of_name))

    def _lay_series(self, series_id: int, samples: Sequence[Sample]) -> None:
        rollups: list[Rollup] = []
        for minute, in_minute in by_minute(samples):
            self.chunks += (series_id, *encode(minute, in_minute))
            if rollup := roll_up(minute, in_minute):
                rollups.append(rollup)
        for factor, cells in self.rollups.items():
            for bucket, *numbers in coarsen(rollups, factor):
                cells.extend((bucket, series_id, *numbers))


def write_parts(
    connection: sqlite3.Connection, catalogue: SeriesCatalogue, parts: Sequence[MemoryPart], offset: int
) -> None:
    """Stores the parts and the offset they lead to, in one transaction.

    Raises:
        sqlite3.Error: nothing was stored.
    """
    rows = _Rows(catalogue)
    for part in parts:
        for owner, samples in part.owners():
            rows.lay(owner, samples)
    connection.execute("BEGIN IMMEDIATE")
    try:
        _write_rows(connection, catalogue, rows)
        connection.execute(
            "UPDATE progress SET generation = ?, applied_offset = max(applied_offset, ?)",
            (parts[-1].generation, offset),
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    catalogue.saved()


def _write_rows(connection: sqlite3.Connection, catalogue: SeriesCatalogue, rows: _Rows) -> None:
    catalogue.save(connection)
    _INSERT_CHUNK.execute(connection, rows.chunks)
    for factor, cells in rows.rollups.items():
        _MERGE_ROLLUP[factor].execute(connection, cells)
