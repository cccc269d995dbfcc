"""The journal: the one totally ordered, durable record of everything that happened; all else can be rebuilt from it.

Invariants:
- `append` returns only after the commit that holds its rows has reached the disk (SQLite WAL, `synchronous=FULL`).
- Offsets begin at 1 and have no gaps; rows of one call are contiguous and stored all or not at all; calls are stored in
  the order in which they were made.
- `received_ms` never decreases with the offset.
- One thread owns the only connection that writes or checkpoints. Readers are read-only connections.

Theory of operation: calls that arrive while a commit is on its way to the disk are stored together by the next one
(group commit). A group is one `INSERT` statement where it can be, so that the thread gives up and takes back the
interpreter lock once a commit and not once a row (`storage.sqlite_rows`). Checkpoints run after the waiting callers
have been told.

After a failed commit SQLite rolls back, and the next one writes over the same place of the WAL: nothing of the failed
group is visible, and a later append may succeed. A power failure straight after a failed fsync may leave the failed
group readable; it was not acknowledged, and its redelivery is recognised as a duplicate.

It deliberately does not read a clock, decode a payload, or know what a message means.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from storage.ports import EntryKind, JournalEntry, StorageProblem
from storage.sqlite_file import Schema, StoreUnusable, WriterFile, open_reader, open_writer
from storage.sqlite_rows import ROWS_PER_STATEMENT, Cell, RowInsert

Row = tuple[EntryKind, str, bytes, int]
"""(kind, name, payload, received_ms): an entry that has no offset yet."""

_SCHEMA = Schema(
    application_id=0x5647_4A4C,  # "VGJL"
    version=1,
    ddl="""
    CREATE TABLE entry (
        offset INTEGER PRIMARY KEY,
        received_ms INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        name TEXT NOT NULL,
        payload BLOB NOT NULL
    );
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID
    """,
    remedy_if_damaged="if it is damaged, move it and its -wal aside and restore it from a backup",
)
_INSERT = RowInsert("entry", columns=5)
_ROWS_PER_GROUP = ROWS_PER_STATEMENT
"""A group takes no further call once it has this many rows; a call is never split."""
_CHECKPOINT_AFTER_BYTES = 4 * 1024 * 1024
_ROW_OVERHEAD_BYTES = 32
_KINDS = tuple(EntryKind)

SWITCH_INTERVAL_S = 0.000_1
"""What the process should give to `sys.setswitchinterval`, for the writer thread's sake.

A loop that always has something to do gives up the interpreter lock for microseconds at each turn, and has it back
before a thread that waits for it is awake on another core; the thread is certain of it only after a whole interval
without such an awakening. Under a loop in turns of 5 ms, one append in a hundred (and so its PUBACKs) waited more than
a second with Python's standard interval of 5 ms, and a tenth of one with this (`tests/benchmarks/bench_storage.py`).
"""


class JournalUnavailable(StorageProblem):
    """The journal cannot be written or read now: disk full, input/output error, or it is closed.

    Nothing of an append that raises it was stored.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(slots=True)
class _Append:
    rows: Sequence[Row]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]
    first_offset: int = 0
    error: Exception | None = None


@dataclass(slots=True)
class _SetMeta:
    key: str
    value: str
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]
    first_offset: int = 0
    error: Exception | None = None


_Call = _Append | _SetMeta


class JournalReader:
    """Reads a journal, from any thread, also while another process writes it. Never checkpoints.

    Raises:
        StoreUnusable: (when made) there is no journal at the path.
        JournalUnavailable: (when read) the disk failed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_reader(path, _SCHEMA)
        self._lock = threading.Lock()

    def read(self, after_offset: int, limit: int = 1000) -> list[JournalEntry]:
        """Up to `limit` entries that follow `after_offset` (0 is the beginning), in order."""
        rows = self._query(
            "SELECT offset, received_ms, kind, name, payload FROM entry WHERE offset > ? ORDER BY offset LIMIT ?",
            (after_offset, limit),
        )
        return [JournalEntry(offset, ms, _KINDS[kind], name, payload) for offset, ms, kind, name, payload in rows]

    def head(self) -> tuple[int, int]:
        """(offset, received_ms) of the last durable entry; (0, 0) when there is none."""
        rows = self._query("SELECT offset, received_ms FROM entry ORDER BY offset DESC LIMIT 1", ())
        return rows[0] if rows else (0, 0)

    def get_meta(self, key: str) -> str | None:
        """A fact about the data directory, or None."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._connection.close()

    def _query(self, sql: str, parameters: tuple[int | str, ...]) -> list[tuple]:  # type: ignore[type-arg]
        # Everything is fetched at once: a half-read statement would keep the writer from ever resetting the WAL.
        with self._lock:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                raise JournalUnavailable(self._path, str(error)) from error


class Journal:
    """The journal, open for appending. Make one with `Journal.open`; one process has at most one."""

    def __init__(self, file: WriterFile, reader: JournalReader) -> None:
        self._path = file.path
        self._reader = reader
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._closed = False
        self._writer = _Writer(file, self._calls, reader.head())
        self._thread = threading.Thread(target=self._writer.run, name="journal-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens or creates the journal. Blocks; meant for start-up.

        Raises:
            StoreUnusable: the file is in use, damaged, not a journal, or SQLite cannot be as durable as asked.
            SqliteTooOld: the linked SQLite is older than supported.
        """
        file = open_writer(path, _SCHEMA)
        try:
            # Checkpoints are run by the writer thread itself, after it has told the waiting callers.
            file.connection.execute("PRAGMA wal_autocheckpoint = 0")
            return cls(file, JournalReader(path))
        except JournalUnavailable as error:
            file.close()
            raise StoreUnusable(path, f"its head cannot be read ({error})", _SCHEMA.remedy_if_damaged) from error
        except BaseException:
            file.close()
            raise

    @property
    def head_offset(self) -> int:
        """Offset of the last durable entry; 0 when there is none."""
        return self._writer.head[0]

    @property
    def last_received_ms(self) -> int:
        """`received_ms` of the last durable entry; 0 when there is none."""
        return self._writer.head[1]

    async def append(self, rows: Sequence[Row]) -> int:
        """Stores the rows as one transaction and returns the first one's offset once they are on the disk.

        The rest follow it without gaps. A caller that is cancelled while it waits may find its rows stored.

        Args:
            rows: (kind, name, payload, received_ms), at least one, `received_ms` not decreasing.

        Raises:
            ValueError: a row's `received_ms` lies before the one before it, or there is no row. Nothing is stored.
            JournalUnavailable: the disk is full or failed. Nothing is stored; a later append may succeed.
        """
        if not rows:
            raise ValueError("an append needs at least one row")
        loop = asyncio.get_running_loop()
        return await self._ask(_Append(rows, loop, loop.create_future()))

    def read(self, after_offset: int, limit: int = 1000) -> list[JournalEntry]:
        """Up to `limit` durable entries that follow `after_offset` (0 is the beginning). Blocks; safe in any thread."""
        return self._reader.read(after_offset, limit)

    def get_meta(self, key: str) -> str | None:
        """A fact about the data directory, or None. Blocks briefly; safe in any thread."""
        return self._reader.get_meta(key)

    async def set_meta(self, key: str, value: str) -> None:
        """Stores a fact about the data directory, durably.

        Raises:
            JournalUnavailable: the disk is full or failed. The fact is unchanged.
        """
        loop = asyncio.get_running_loop()
        await self._ask(_SetMeta(key, value, loop, loop.create_future()))

    def close(self) -> None:
        """Stores what has been asked for, ends the writer thread and closes the file. Blocks; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._calls.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()

    async def _ask(self, call: _Call) -> int:
        if self._closed:
            raise JournalUnavailable(self._path, "the journal is closed")
        self._calls.put(call)
        return await call.done


class _Writer:
    """The writer thread: owns the connection from `run` on."""

    def __init__(self, file: WriterFile, calls: queue.SimpleQueue[_Call | None], head: tuple[int, int]) -> None:
        self._file = file
        self._connection = file.connection
        self._calls = calls
        self._ended = False
        self._unchecked_bytes = 0
        self.head = head

    def run(self) -> None:
        """Stores groups of calls until told to end."""
        while group := self._next_group():
            self._store(group)
            _tell(group)
            if self._unchecked_bytes >= _CHECKPOINT_AFTER_BYTES:
                self._checkpoint()

    def close(self) -> None:
        """Closes the file; the thread has ended."""
        self._file.close()

    def _next_group(self) -> list[_Call]:
        """Waits for a call and takes with it what else is there; empty when told to end."""
        group: list[_Call] = []
        rows = 0
        while not self._ended and rows < _ROWS_PER_GROUP:
            try:
                call = self._calls.get(block=not group)
            except queue.Empty:
                break
            if call is None:
                self._ended = True
            else:
                group.append(call)
                rows += len(call.rows) if isinstance(call, _Append) else 1
        return group

    def _store(self, group: list[_Call]) -> None:
        """One transaction for the group. A failure of the disk is every call's; a call that is wrong fails alone."""
        try:
            parameters, head = self._lay_out(group)
            self._commit(parameters, [call for call in group if isinstance(call, _SetMeta)])
            self.head = head
            self._unchecked_bytes += sum(map(_size, group))
        except Exception as error:  # noqa: BLE001 - raised in the callers; the thread must outlive a wrong row
            self._give_up(group, error)

    def _give_up(self, group: list[_Call], error: Exception) -> None:
        with contextlib.suppress(sqlite3.Error):  # the commit's own failure is what the callers are told
            self._connection.rollback()
        if _is_of_the_disk(error):
            for call in group:
                call.error = call.error or JournalUnavailable(self._file.path, str(error))
        elif len(group) == 1:
            group[0].error = error
        else:
            self._store_singly(group)

    def _store_singly(self, group: list[_Call]) -> None:
        for call in group:
            call.error = None
            self._store([call])

    def _lay_out(self, group: list[_Call]) -> tuple[list[Cell], tuple[int, int]]:
        """The group's rows as one flat list of SQL parameters, with their offsets, and the head they lead to."""
        flat: list[Cell] = []
        offset, last_ms = self.head
        for call in group:
            if not isinstance(call, _Append):
                continue
            mark, call.first_offset, first_ms = len(flat), offset + 1, last_ms
            for kind, name, payload, received_ms in call.rows:
                if received_ms < last_ms:
                    del flat[mark:]
                    call.error = ValueError(f"received_ms {received_ms} lies before its predecessor's {last_ms}")
                    offset, last_ms = call.first_offset - 1, first_ms
                    break
                offset += 1
                last_ms = received_ms
                flat += (offset, received_ms, kind + 0, name, payload)  # + 0: an exact int is bound without adaptation
        return flat, (offset, last_ms)

    def _commit(self, parameters: list[Cell], metas: list[_SetMeta]) -> None:
        if not parameters and not metas:
            return
        if not metas and _INSERT.fits_one_statement(parameters):
            _INSERT.execute(self._connection, parameters)  # in autocommit mode a statement is its own transaction
            return
        self._connection.execute("BEGIN IMMEDIATE")
        _INSERT.execute(self._connection, parameters)
        for meta in metas:
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (meta.key, meta.value))
        self._connection.execute("COMMIT")

    def _checkpoint(self) -> None:
        self._unchecked_bytes = 0
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            # The rows are durable in the WAL; a disk that is full is reported by the next commit that needs room.
            return


def _is_of_the_disk(error: Exception) -> bool:
    """Whether SQLite failed (disk full, input/output, damage), as opposed to a row that cannot be stored."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _size(call: _Call) -> int:
    if isinstance(call, _SetMeta):
        return len(call.key) + len(call.value)
    return sum(len(payload) + len(name) + _ROW_OVERHEAD_BYTES for _, name, payload, _ in call.rows)


def _tell(group: list[_Call]) -> None:
    """Resolves the callers' futures, on their loops, with one wake-up a loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Call]] = {}
    for call in group:
        by_loop.setdefault(call.loop, []).append(call)
    for loop, calls in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits; the rows are stored all the same
            loop.call_soon_threadsafe(_resolve, calls)


def _resolve(calls: list[_Call]) -> None:
    for call in calls:
        if call.done.done():
            continue  # the caller was cancelled
        if call.error is not None:
            call.done.set_exception(call.error)
        else:
            call.done.set_result(call.first_offset)
