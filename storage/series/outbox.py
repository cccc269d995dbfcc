"""The outbox: what of the stored series has yet to be sent, how far it has been sent, and what was refused.

Invariants:
- The cursor is a `chunk_id`, stored in `series.db`; it moves only when the exporter says so.
- What waits, waits on the disk. Nothing here is ever in the way of a flush for longer than a small transaction.

It deliberately does not know to whom it is sent.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from storage.series.chunks import ChunkRow
from streaming.identity import DeviceId

T = TypeVar("T")

_REJECTED_KEPT = 10_000
"""A receiver that refuses everything must not fill the disk."""


class OutboxChunk(NamedTuple):
    """A stored chunk and whose it is."""

    chunk_id: int
    series_id: int
    owner: DeviceId
    name: str
    chunk: ChunkRow


class RejectedLine(NamedTuple):
    """A line that the receiver refuses."""

    line: str
    reason: str


class Outbox:
    """The series store as the exporter sees it."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        writer_thread: ThreadPoolExecutor,
        reader_thread: ThreadPoolExecutor,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._writer_thread = writer_thread
        self._reader_thread = reader_thread

    async def cursor(self) -> int:
        """The last chunk that is known to have arrived for good; 0 at first."""
        return await self._read(lambda: int(_only(self._reader, "SELECT export_cursor FROM progress")))

    async def advance(self, cursor: int) -> None:
        """Stores the cursor, durably.

        Raises:
            sqlite3.Error: it is where it was.
        """
        await self._write(lambda: self._writer.execute("UPDATE progress SET export_cursor = ?", (cursor,)))

    async def read(self, after: int, limit: int) -> list[OutboxChunk]:
        """Up to `limit` chunks that follow `after`, in the order in which they were stored."""
        return await self._read(lambda: _chunks_after(self._reader, after, limit))

    async def last_chunk(self) -> int:
        """The newest chunk; 0 when there is none."""
        return await self._read(lambda: int(_only(self._reader, "SELECT coalesce(max(chunk_id), 0) FROM chunk")))

    async def reject(self, lines: Sequence[RejectedLine]) -> int:
        """Keeps the last 10,000 lines that were refused, each once, and why. Returns how many of these are new."""
        return await self._write(lambda: _keep_rejected(self._writer, lines))

    async def rejected(self, limit: int) -> list[RejectedLine]:
        """The last `limit` refused lines, newest first."""
        sql = "SELECT line, reason FROM export_rejected ORDER BY rejected_id DESC LIMIT ?"
        return await self._read(lambda: [RejectedLine(*row) for row in self._reader.execute(sql, (limit,)).fetchall()])

    async def _read(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader_thread, question)

    async def _write(self, order: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer_thread, order)


def _keep_rejected(connection: sqlite3.Connection, lines: Sequence[RejectedLine]) -> int:
    sql = "INSERT INTO export_rejected (line, reason) VALUES (?, ?) ON CONFLICT (line) DO NOTHING"
    new = connection.executemany(sql, lines).rowcount
    newest = "(SELECT max(rejected_id) FROM export_rejected)"
    connection.execute(f"DELETE FROM export_rejected WHERE rejected_id <= {newest} - {_REJECTED_KEPT}")  # noqa: S608
    return new


def _only(connection: sqlite3.Connection, sql: str) -> int:
    ((value,),) = connection.execute(sql).fetchall()
    return int(value)


def _chunks_after(connection: sqlite3.Connection, after: int, limit: int) -> list[OutboxChunk]:
    sql = """
        SELECT chunk_id, series_id, unit, bed, device, name, minute, times, samples, validities
        FROM chunk JOIN series USING (series_id) WHERE chunk_id > ? ORDER BY chunk_id LIMIT ?
    """
    return [
        OutboxChunk(chunk_id, series_id, DeviceId(unit, bed, device), name, ChunkRow(*chunk))
        for chunk_id, series_id, unit, bed, device, name, *chunk in connection.execute(sql, (after, limit)).fetchall()
    ]
