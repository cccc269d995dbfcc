"""The embedded time series: every metric and signal, from memory and `series.db` as if they were one.

Invariants:
- What `flush` stores, and the journal offset it brings the store to, become durable in one transaction: after a crash
  the caller replays from `applied_offset` and nothing is missing or counted twice.
- A query sees every sample added before it, once, also while a flush is under way.
- One thread owns the only connection that writes or checkpoints; queries run in another, on a read-only connection.
  The event loop never waits for either.

It deliberately knows nothing of admissions: the caller says which bed was whose, and when.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from storage.ports import StorageProblem
from storage.series.chunks import RawSample
from storage.series.flush import SeriesCatalogue, write_parts
from storage.series.memory import SIGNALS, MemoryPart
from storage.series.outbox import Outbox
from storage.series.prune import forget_some
from storage.series.query import Located, SeriesPoint, Stretch, locate, read_points, read_samples
from storage.series.schema import SERIES_SCHEMA
from storage.sqlite_file import WriterFile, open_reader, open_writer
from streaming.effects import SamplesAccepted
from streaming.identity import BedId, DeviceId
from streaming.nomenclature import SIGNAL_UNITS

T = TypeVar("T")


class SeriesName(NamedTuple):
    """A series of a bed."""

    device: str
    """The device, or `""` for a signal of the bed."""
    name: str
    """Metric or signal."""


class SeriesUnavailable(StorageProblem):
    """The series store cannot be written or read now: disk full, or an input/output error."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class SeriesStore:
    """The time series store. Make one with `SeriesStore.open`; one process has at most one a file."""

    def __init__(self, file: WriterFile, reader: sqlite3.Connection) -> None:
        self._file = file
        self._reader = reader
        self._catalogue = SeriesCatalogue(file.connection)
        progress: tuple[int, int] = file.connection.execute(
            "SELECT generation, applied_offset FROM progress"
        ).fetchone()
        self._generation, self._applied_offset = progress
        self._parts: tuple[MemoryPart, ...] = (MemoryPart(self._generation + 1),)
        self._open_part = self._parts[-1]
        self._writer_thread = ThreadPoolExecutor(1, "series-writer")
        self._reader_thread = ThreadPoolExecutor(1, "series-reader")

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens or creates the store. Blocks; meant for start-up.

        Raises:
            StoreUnusable: the file is in use, damaged, not a series store, or SQLite cannot be as durable as asked.
            SqliteTooOld: the linked SQLite is older than supported.
        """
        file = open_writer(path, SERIES_SCHEMA)
        try:
            return cls(file, open_reader(path, SERIES_SCHEMA))
        except BaseException:
            file.close()
            raise

    @property
    def applied_offset(self) -> int:
        """Journal offset that the durable part has reached, 0 at first. Effects up to it must not be added again."""
        return self._applied_offset

    @property
    def unstored_samples(self) -> int:
        """Samples held in memory. Each takes about 130 bytes until it is flushed."""
        return sum(map(len, self._parts))

    def add(self, effect: SamplesAccepted) -> None:
        """Keeps the samples of a message. On the event loop's thread; takes about a microsecond."""
        self._open_part.add(effect)

    def flush(self, offset: int) -> asyncio.Future[None]:
        """Stores what has been added until this call (not until it is awaited), and the offset it leads to.

        When it fails, the samples stay in memory and go with the next flush.

        Args:
            offset: every effect of the journal up to it has been added, and none beyond.

        Raises:
            SeriesUnavailable: (when awaited) the disk is full or failed; nothing was stored.
        """
        sealed = self._seal()
        stored = self._run(self._writer_thread, lambda: self._write(sealed, offset))
        stored.add_done_callback(self._drop_stored)
        return stored

    async def query(
        self, beds: Sequence[tuple[BedId, int, int]], name: str, points: int, device: str | None = None
    ) -> list[SeriesPoint]:
        """At most `points` points over all the stays, in order of time; points without a trusted value are left out.

        Args:
            beds: where and when to look: (bed, from_ms, to_ms), `to_ms` exclusive; an admission has one a transfer.
            name: signal, or metric of `device`.
            points: at least 1.
            device: None for signals, and for what any device of the bed reports under a name that is no signal's:
                whatever Vigil does not know is kept under its own name, and is read under it.

        Raises:
            SeriesUnavailable: the disk failed.
        """
        if points < 1:
            raise ValueError(f"points must be at least 1, not {points}")
        stretches = [
            Stretch(owner, name, from_ms, to_ms)
            for bed, from_ms, to_ms in beds
            if from_ms < to_ms
            for owner in await self._owners(bed, name, device)
        ]
        if not stretches:
            return []
        return await self._run(
            self._reader_thread, lambda: read_points(self._reader, [self._locate(s) for s in stretches], points)
        )

    async def _owners(self, bed: BedId, name: str, device: str | None) -> list[DeviceId]:
        if device is not None or name in SIGNAL_UNITS:
            return [_owner(bed, device)]
        return [_owner(bed, each.device) for each in await self.names(bed) if each.name == name]

    async def samples(
        self, bed: BedId, name: str, from_ms: int, to_ms: int, limit: int, *, device: str | None = None
    ) -> list[RawSample]:
        """The first `limit` samples from `from_ms` on, before `to_ms`, of any validity, in order of time.

        Raises:
            SeriesUnavailable: the disk failed.
        """
        stretch = Stretch(_owner(bed, device), name, from_ms, to_ms)
        return await self._run(self._reader_thread, lambda: read_samples(self._reader, self._locate(stretch), limit))

    async def names(self, bed: BedId) -> list[SeriesName]:
        """The series of a bed, its devices' and its signals', in order."""
        owners = [(owner, names) for owner, names in self._catalogue.owners() if owner.bed_id == bed]
        for part in self._parts:
            owners += [(owner, [s[0] for s in samples]) for owner, samples in part.owners() if owner.bed_id == bed]
        return sorted({SeriesName(owner.device, name) for owner, names in owners for name in names})

    async def prune(self, before_ms: int) -> None:
        """Forgets the whole hours that ended at or before `before_ms`, a few minutes of them at a time.

        Raises:
            SeriesUnavailable: the disk is full or failed; some of it may have been forgotten.
        """
        while await self._run(self._writer_thread, lambda: forget_some(self._file.connection, before_ms)):
            pass

    def outbox(self) -> Outbox:
        """What an exporter sends from."""
        return Outbox(self._file.connection, self._reader, self._writer_thread, self._reader_thread)

    def close(self) -> None:
        """Waits for what is under way and closes. What was not flushed is lost here, and is in the journal."""
        self._writer_thread.shutdown()
        self._reader_thread.shutdown()
        self._reader.close()
        self._file.close()

    def _seal(self) -> tuple[MemoryPart, ...]:
        """Closes the open part; returns what is to be stored."""
        sealed = self._parts
        self._open_part = MemoryPart(self._open_part.generation + 1)
        self._parts = (*sealed, self._open_part)
        return sealed

    def _write(self, sealed: Sequence[MemoryPart], offset: int) -> None:
        unstored = [part for part in sealed if part.generation > self._generation]
        write_parts(self._file.connection, self._catalogue, unstored, offset)
        self._generation = unstored[-1].generation
        self._applied_offset = max(self._applied_offset, offset)

    def _drop_stored(self, _: asyncio.Future[None]) -> None:
        self._parts = tuple(part for part in self._parts if part.generation > self._generation)

    def _locate(self, stretch: Stretch) -> Located:
        return locate(stretch, self._catalogue.find(stretch.owner, stretch.name), self._parts)

    def _run(self, thread: ThreadPoolExecutor, order: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(thread, self._guarded, order)

    def _guarded(self, order: Callable[[], T]) -> T:
        try:
            return order()
        except sqlite3.Error as error:
            raise SeriesUnavailable(self._file.path, str(error)) from error


def _owner(bed: BedId, device: str | None) -> DeviceId:
    return DeviceId(bed.unit, bed.bed, SIGNALS if device is None else device)
