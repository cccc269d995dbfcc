"""The tables of `series.db`, and why they are clustered by time.

Every flush writes a little of every series. Clustered by series, each flush would touch one page a series and level
(4 KiB for 40 bytes); clustered by time, what a flush writes lies together, and a query that wants one series of n
buckets seeks n times, which is what it draws.

- `chunk`: samples of one series within one minute, as columns: milliseconds into the minute (uint16), values (float64),
  validities (uint8, NULL when all are VALID). `chunk_id` rises with every flush and is never used twice: the exporter's
  cursor.
- `rollup_60`, `rollup_600`, `rollup_3600`: min, sum, max and n of the VALID and QUESTIONABLE values of one series in
  one aligned bucket; `t` counts buckets since 1970.
- `progress`: one row; which flush was the last one and which journal offset it brought the store to.

Arrays are in the byte order of the machine that wrote them. The file is a projection: on another machine it is rebuilt.
"""

from __future__ import annotations

from storage.sqlite_file import Schema

MINUTE_MS = 60_000

_TABLES = """
CREATE TABLE series (
    series_id INTEGER PRIMARY KEY, unit TEXT NOT NULL, bed TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL
);
CREATE TABLE chunk (
    chunk_id INTEGER PRIMARY KEY AUTOINCREMENT,
    series_id INTEGER NOT NULL, minute INTEGER NOT NULL,
    times BLOB NOT NULL, samples BLOB NOT NULL, validities BLOB
);
CREATE INDEX chunk_by_minute ON chunk (minute, series_id);
CREATE TABLE progress (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    generation INTEGER NOT NULL, applied_offset INTEGER NOT NULL, export_cursor INTEGER NOT NULL
);
INSERT INTO progress VALUES (1, 0, 0, 0);
CREATE TABLE export_rejected (
    rejected_id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL UNIQUE, reason TEXT NOT NULL
);
"""
_ROLLUP_TABLE = """
CREATE TABLE rollup_{seconds} (
    t INTEGER NOT NULL, series_id INTEGER NOT NULL,
    min REAL NOT NULL, sum REAL NOT NULL, max REAL NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (t, series_id)
) WITHOUT ROWID;
"""

SERIES_SCHEMA = Schema(
    application_id=0x5647_5352,  # "VGSR"
    version=1,
    ddl=_TABLES + "".join(_ROLLUP_TABLE.format(seconds=seconds) for seconds in (60, 600, 3600)),
    remedy_if_damaged="if it is damaged, remove it with its -wal and -shm: it is rebuilt from the journal",
)
