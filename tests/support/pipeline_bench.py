"""A pipeline on real stores in a folder, with a door that is a queue: for tests that must see what happens in between.

`Bench` may be abandoned at any moment, as a process that dies: what was not durable is gone, and the next one on the
same folder recovers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import cast

import orjson

from gateway import snapshots
from gateway.clock import GatewayClock
from gateway.fold import Fold
from gateway.mqtt import Delivery, MqttDoor
from gateway.outcomes import Summary, lines_of
from gateway.pipeline import Pipeline
from gateway.rulesets import load_alarm_profile
from storage.journal import Journal
from storage.ports import EntryKind, JournalEntry
from storage.records import Records, sqlite_url
from storage.series.store import SeriesStore
from streaming.effects import CommandApplied, CommandRefused
from tests.support.waiting import until

PROFILE = load_alarm_profile()
T0_MS = 1_795_428_000_000
DEADLINE_S = 20.0


class QueueDoor:
    """What the pipeline sees of the door: an inbox, and a place to send acknowledgements."""

    def __init__(self) -> None:
        self.inbox: deque[Delivery] = deque()
        self.arrived = asyncio.Event()
        self.acknowledged: list[int] = []
        """Packet ids, in order."""
        self.is_connected = True
        self.before_acknowledging: Callable[[], None] = lambda: None
        self._ids = 0

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        self.before_acknowledging()
        self.acknowledged += [delivery.packet_id for delivery in deliveries]

    def deliver(self, topic: str, payload: bytes) -> Delivery:
        """A message arrives."""
        self._ids += 1
        delivery = Delivery(topic, payload, self._ids, 1, 1)
        self.inbox.append(delivery)
        self.arrived.set()
        return delivery


class SetClock(GatewayClock):
    """Gateway time that stands where the test puts it."""

    def __init__(self, now_ms: int) -> None:
        super().__init__()
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


class Bench:
    """One life of a pipeline. Made by `open`; `running` runs its tasks."""

    def __init__(self, folder: Path, journal: Journal, series: SeriesStore, records: Records, fold: Fold) -> None:
        self.folder = folder
        self.journal = journal
        self.series = series
        self.records = records
        self.door = QueueDoor()
        self.clock = SetClock(max(T0_MS, journal.last_received_ms))
        self.pipeline = Pipeline(
            journal=journal,
            fold=fold,
            series=series,
            records=records,
            clock=self.clock,
            door=cast(MqttDoor, self.door),
            batch_max=100,
            pending_max=1000,
        )

    @classmethod
    async def open(cls, folder: Path, *, journal: type[Journal] = Journal, records: type[Records] = Records) -> Bench:
        """Opens the stores of a folder, and the newest snapshot that may be used, as the gateway does."""
        kept = await asyncio.to_thread(journal.open, folder / "journal.db")
        series = await asyncio.to_thread(SeriesStore.open, folder / "series.db")
        recorded = await records.open(sqlite_url(folder / "records.db"))
        least = min(series.applied_offset, recorded.applied_offset, kept.head_offset)
        return cls(folder, kept, series, recorded, snapshots.load(folder / "snapshots", PROFILE, least))

    async def close(self) -> None:
        """Closes the files. Nothing is settled: what was not durable is gone, as when the process dies."""
        await self.records.close()
        await asyncio.to_thread(self.series.close)
        await asyncio.to_thread(self.journal.close)

    @contextlib.asynccontextmanager
    async def running(self, *, folding: bool = True) -> AsyncIterator[None]:
        """The pipeline's tasks, for as long as the context lasts; cut off at its end."""
        pipeline = self.pipeline
        tasks = [asyncio.create_task(pipeline.run_writing()), asyncio.create_task(pipeline.run_recording())]
        if folding:
            tasks.append(asyncio.create_task(pipeline.run_folding()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
        assert not failures, failures

    def observe(self, bed: str, seq: int, metrics: object, *, device: str = "mon1") -> Delivery:
        """An observation arrives, without a device's time."""
        body = {"boot": "b", "seq": seq, "metrics": metrics}
        return self.door.deliver(f"icu/v1/icu/{bed}/{device}/obs", orjson.dumps(body))

    async def submit(self, name: str, **body: object) -> CommandApplied | CommandRefused:
        """A command, and what became of it."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.pipeline.submit(name, orjson.dumps(body))

    async def admit(self, bed: str) -> str:
        """A patient comes."""
        weights = {"dosing_weight_kg": 80.0, "baseline_weight_kg": 80.0}
        applied = await self.submit("admit", patient_id=f"p-{bed}", unit="icu", bed=bed, actor="test", **weights)
        assert isinstance(applied, CommandApplied), applied
        return applied.subject_id

    def entries(self) -> list[JournalEntry]:
        """The whole journal."""
        return self.journal.read(0, self.journal.head_offset + 1)

    async def settled(self) -> None:
        """Returns when everything delivered is committed, folded and recorded."""
        await until(lambda: not self.door.inbox and self.pipeline.fold.offset == self.journal.head_offset)
        await self.pipeline.settle()


def undisturbed(entries: Iterable[JournalEntry]) -> tuple[Fold, Summary]:
    """What the same journal comes to when nothing ever happens to it."""
    fold, summary = Fold(PROFILE), Summary()
    for entry in entries:
        for line in lines_of(fold.apply(entry)):
            summary.add(line)
    return fold, summary


def messages(entries: Iterable[JournalEntry]) -> list[tuple[str, bytes]]:
    """(topic, payload) of the messages."""
    return [(entry.name, entry.payload) for entry in entries if entry.kind is EntryKind.MESSAGE]
