"""Questions to the stored series, and their answers from the pyramid: what the reader thread runs.

Invariants:
- The cost of a span is that of the points asked for, at any zoom, not of its length.
- A question is answered from one state of the database (a read transaction) and from the parts of memory that this
  state does not hold yet.
- The connection is read-only: it never writes or checkpoints.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from storage.series.chunks import TRUSTED, ChunkRow, RawSample, Rollup, decode
from storage.series.memory import MemoryPart
from storage.series.pyramid import RAW, Part, parts, point_width_ms
from storage.series.schema import MINUTE_MS
from streaming.effects import Sample
from streaming.identity import DeviceId
from streaming.observation import Validity

_HOUR_MS = 3_600_000


class SeriesPoint(NamedTuple):
    """A point to draw: what the trusted values in its width come to."""

    t_ms: int
    """Where the point begins; never before the span asked for."""
    min: float
    mean: float
    max: float
    n: int


class Stretch(NamedTuple):
    """A series and when to look at it: `from_ms` on, up to and without `to_ms`."""

    owner: DeviceId
    name: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoom:
    """Where points begin: at `anchor_ms` and every `width_ms` from there."""

    anchor_ms: int
    width_ms: int

    @classmethod
    def fitting(cls, from_ms: int, to_ms: int, points: int) -> Zoom:
        """At most `points` points over the span, on round instants."""
        if points >= 2:
            return cls(anchor_ms=0, width_ms=point_width_ms(from_ms, to_ms, points))
        anchor_ms = from_ms // _HOUR_MS * _HOUR_MS
        return cls(anchor_ms=anchor_ms, width_ms=-(-(to_ms - anchor_ms) // _HOUR_MS) * _HOUR_MS)

    def bucket(self, t_ms: int) -> int:
        """The number of the point in which an instant lies."""
        return (t_ms - self.anchor_ms) // self.width_ms

    def begins_ms(self, bucket: int) -> int:
        """Where a point begins."""
        return self.anchor_ms + bucket * self.width_ms


class Located(NamedTuple):
    """A stretch with what there is of it: the number under which it is stored, and the samples still in memory."""

    stretch: Stretch
    series_id: int | None
    unstored: list[tuple[int, list[Sample]]]
    """By generation, copied before the database is looked at."""


def locate(stretch: Stretch, series_id: int | None, memory: Sequence[MemoryPart]) -> Located:
    """Copies what memory has of a stretch's owner. To be called before the read transaction begins.

    In this order a sample that a flush moves meanwhile is found in both places, and the generation tells so; in the
    other it would be found in neither.
    """
    return Located(stretch, series_id, [(part.generation, part.of_owner(stretch.owner)) for part in memory])


def read_points(connection: sqlite3.Connection, located: Sequence[Located], points: int) -> list[SeriesPoint]:
    """At most `points` points over all the stretches together, in order of time; empty ones are left out."""
    from_ms = min(place.stretch.from_ms for place in located)
    to_ms = max(place.stretch.to_ms for place in located)
    zoom = Zoom.fitting(from_ms, to_ms, points)
    merged: dict[int, Rollup] = {}
    for rollup in _rollups(connection, located, zoom):
        known = merged.get(rollup.bucket)
        merged[rollup.bucket] = known.merged(rollup) if known else rollup
    return [_point(merged[bucket], max(zoom.begins_ms(bucket), from_ms)) for bucket in sorted(merged)]


def read_samples(connection: sqlite3.Connection, place: Located, limit: int) -> list[RawSample]:
    """The first `limit` samples of a stretch, of any validity, in order of time."""
    connection.execute("BEGIN")
    try:
        unstored = [
            RawSample(t_ms, value, Validity(validity)) for _, t_ms, value, validity in _unstored(connection, place)
        ]
        stored = _first_stored(connection, place, limit)
    finally:
        connection.execute("COMMIT")
    return sorted([*stored, *unstored], key=lambda sample: sample.t_ms)[:limit]


def _rollups(connection: sqlite3.Connection, located: Sequence[Located], zoom: Zoom) -> Iterator[Rollup]:
    connection.execute("BEGIN")
    try:
        for place in located:
            unstored = ((t_ms, value, validity) for _, t_ms, value, validity in _unstored(connection, place))
            yield from _gathered(unstored, zoom)
            if place.series_id is not None:
                for part in parts(place.stretch.from_ms, place.stretch.to_ms, zoom.width_ms):
                    yield from _from_part(connection, place.series_id, part, zoom)
    finally:
        connection.execute("COMMIT")


def _unstored(connection: sqlite3.Connection, place: Located) -> list[Sample]:
    """What of the stretch is in memory and not in this state of the database."""
    ((stored_generation,),) = connection.execute("SELECT generation FROM progress").fetchall()
    _, name, from_ms, to_ms = place.stretch
    return [
        sample
        for generation, samples in place.unstored
        if generation > stored_generation
        for sample in samples
        if sample[0] == name and from_ms <= sample[1] < to_ms and sample[2] - sample[2] == 0.0  # finite
    ]


def _gathered(samples: Iterable[tuple[int, float, int]], zoom: Zoom) -> Iterator[Rollup]:
    """What the trusted ones of some samples come to, by point."""
    of_bucket: dict[int, list[float]] = {}
    for t_ms, value, validity in samples:
        if validity <= TRUSTED:
            of_bucket.setdefault((t_ms - zoom.anchor_ms) // zoom.width_ms, []).append(value)
    for bucket, values in of_bucket.items():
        yield Rollup(bucket, min(values), sum(values), max(values), len(values))


def _from_part(connection: sqlite3.Connection, series_id: int, part: Part, zoom: Zoom) -> Iterator[Rollup]:
    if part.level_ms == RAW:
        return _from_chunks(connection, series_id, part, zoom)
    return _from_level(connection, series_id, part, zoom)


def _from_level(connection: sqlite3.Connection, series_id: int, part: Part, zoom: Zoom) -> Iterator[Rollup]:
    table = f"rollup_{part.level_ms // 1000}"
    sql = f"""
        {_existing(table, "t")},
        point (bucket, low, total, high, n) AS (
            SELECT (span.t * :level - :anchor) / :width AS bucket, min(min), sum(sum), max(max), sum(n)
            FROM span CROSS JOIN {table} AS rollup ON rollup.t = span.t AND rollup.series_id = :series
            GROUP BY bucket
        )
        SELECT group_concat(bucket || ',' || quote(low) || ',' || quote(total) || ',' || quote(high) || ',' || n, ';')
        FROM point
    """  # noqa: S608 - fixed names
    span = {"first": part.from_ms // part.level_ms, "last": part.to_ms // part.level_ms, "level": part.level_ms}
    settings = {**span, "anchor": zoom.anchor_ms, "width": zoom.width_ms, "series": series_id}
    for bucket, low, total, high, n in _in_one_row(connection, sql, settings):
        yield Rollup(int(bucket), float(low), float(total), float(high), int(n))


def _from_chunks(connection: sqlite3.Connection, series_id: int, part: Part, zoom: Zoom) -> Iterator[Rollup]:
    sql = f"""
        {_existing("chunk", "minute")}
        SELECT group_concat(
            chunk.minute || ',' || hex(times) || ',' || hex(samples) || ',' || coalesce(hex(validities), ''), ';'
        )
        FROM span CROSS JOIN chunk ON chunk.minute = span.t AND chunk.series_id = :series
    """  # noqa: S608 - fixed names
    chunks = (
        ChunkRow(int(minute), bytes.fromhex(times), bytes.fromhex(samples), bytes.fromhex(validities) or None)
        for minute, times, samples, validities in _in_one_row(connection, sql, _minutes(series_id, part[1:]))
    )
    return _gathered(
        (sample for chunk in chunks for sample in decode(chunk) if part.from_ms <= sample[0] < part.to_ms), zoom
    )


def _in_one_row(connection: sqlite3.Connection, sql: str, settings: Mapping[str, int]) -> Iterator[list[str]]:
    """The rows of a query that returns them as one text.

    A query gives up and takes back the interpreter lock once a row. Under a busy event loop each taking back waits, and
    a picture of hundreds of rows would take as many waits. Numbers survive as text to 15 digits and more.
    """
    ((text,),) = connection.execute(sql, settings).fetchall()
    return (row.split(",") for row in text.split(";")) if text else iter(())


def _chunks(
    connection: sqlite3.Connection, series_id: int, from_ms: int, to_ms: int
) -> Generator[ChunkRow, None, None]:
    """The chunks of the minutes that the span touches, in order of their minutes: the join follows `span`, in order."""
    sql = f"""
        {_existing("chunk", "minute")}
        SELECT chunk.minute, times, samples, validities
        FROM span CROSS JOIN chunk ON chunk.minute = span.t AND chunk.series_id = :series
    """  # noqa: S608 - fixed names
    with contextlib.closing(connection.execute(sql, _minutes(series_id, (from_ms, to_ms)))) as cursor:
        yield from map(ChunkRow._make, cursor)


def _minutes(series_id: int, span_ms: tuple[int, int]) -> dict[str, int]:
    from_ms, to_ms = span_ms
    return {"first": from_ms // MINUTE_MS, "last": -(-to_ms // MINUTE_MS), "series": series_id}


def _existing(table: str, column: str) -> str:
    """The buckets of a span, each once, that a table has for any series: empty years cost nothing.

    The tables are clustered by time, so the next bucket is one seek away.
    """
    following = f"(SELECT min({column}) FROM {table} WHERE {column} > span.t AND {column} < :last)"  # noqa: S608
    return f"""
        WITH RECURSIVE span (t) AS (
            SELECT min({column}) FROM {table} WHERE {column} >= :first AND {column} < :last
            UNION ALL SELECT {following} FROM span WHERE span.t IS NOT NULL
        )
    """  # noqa: S608


def _first_stored(connection: sqlite3.Connection, place: Located, limit: int) -> list[RawSample]:
    """At least the first `limit` samples that are stored, if there are so many."""
    found: list[RawSample] = []
    if place.series_id is None:
        return found
    _, _, from_ms, to_ms = place.stretch
    with contextlib.closing(_chunks(connection, place.series_id, from_ms, to_ms)) as chunks:
        for _, of_minute in groupby(chunks, key=lambda chunk: chunk.minute):
            found += (
                RawSample(t_ms, value, Validity(validity))
                for chunk in of_minute
                for t_ms, value, validity in decode(chunk)
                if from_ms <= t_ms < to_ms
            )
            if len(found) >= limit:
                break
    return found


def _point(rollup: Rollup, t_ms: int) -> SeriesPoint:
    # A mean that rounding has carried past the extremes would draw outside its own band.
    mean = min(max(rollup.sum / rollup.n, rollup.min), rollup.max)
    return SeriesPoint(t_ms, rollup.min, mean, rollup.max, rollup.n)
