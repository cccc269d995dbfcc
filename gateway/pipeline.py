"""The way of an entry: inbox → journal (fsync) → PUBACK → fold → projections.

Three tasks, and two bounded places between them:

- *writing* gathers what waits (commands, messages, ticks), has it committed, and only then acknowledges. When more than
  `pending_max` committed entries wait for the fold it stops taking messages, and the broker holds them back.
- *folding* steps the fold entry by entry, in slices of a few milliseconds, so that the loop stays responsive. It is the
  only one that touches the fold.
- *recording* writes what the fold said to the records, in order, and then tells whoever waits for a command's answer.

Disks fill and servers go away. While the journal cannot be written nothing is acknowledged, and the broker keeps it;
while series or records cannot be written, what they lack is kept in memory (and in the journal) and written later. If a
task fails for any other reason the process ends; the journal has everything, and the next start goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from alerts.alarm import AlarmTransition
from gateway.clock import GatewayClock
from gateway.fold import Fold
from gateway.mqtt import Delivery, MqttDoor
from gateway.notify.plan import call_level
from gateway.outcomes import lines_of
from gateway.wire.topics import is_own_topic
from storage.journal import Journal, JournalUnavailable
from storage.ports import EntryKind, JournalEntry
from storage.records import RecordsUnavailable
from storage.series.store import SeriesUnavailable
from streaming.effects import CommandApplied, CommandRefused, SamplesAccepted
from streaming.nomenclature import METRICS

if TYPE_CHECKING:
    from storage.records import Records
    from storage.series.store import SeriesStore

log = logging.getLogger("vigil.pipeline")

SLICE_S = 0.005
"""How long the fold may hold the loop."""
TICK_S = 1.0
RECORDS_IDLE_S = 5.0
JOURNAL_RETRY_S = 0.5
RECORDS_RETRY_S = 0.5
RECOVERY_UNSTORED_MAX = 500_000
"""Samples held in memory while the journal is read again."""

Row = tuple[EntryKind, str, bytes, int]


@dataclass(slots=True)
class _PendingCommand:
    """A command on its way into the journal, and who waits for its answer."""

    name: str
    body: bytes
    answer: asyncio.Future[CommandApplied | CommandRefused] | None


@dataclass(slots=True)
class _Unrecorded:
    """What the fold said and the records do not have yet."""

    batch: list[tuple[int, list[object]]] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)
    answers: list[tuple[asyncio.Future[CommandApplied | CommandRefused], CommandApplied | CommandRefused]] = field(
        default_factory=list
    )

    def followed_by(self, later: _Unrecorded) -> _Unrecorded:
        """This, and then that."""
        return _Unrecorded(self.batch + later.batch, self.lines + later.lines, self.answers + later.answers)


@dataclass(slots=True)
class PipelineFigures:
    """Counts for `/metrics`; they start at 0 with the process."""

    messages: int = 0
    values: int = 0
    values_of_unknown: int = 0
    """Of metrics that are in no table of ours."""
    batches: int = 0
    own_topics: int = 0
    journal_failures: int = 0
    fold_s: float = 0.0


class Pipeline:
    """Composes journal, fold and projections. `recover` first, then the `run_*` tasks."""

    def __init__(
        self,
        *,
        journal: Journal,
        fold: Fold,
        series: SeriesStore,
        records: Records,
        clock: GatewayClock,
        door: MqttDoor,
        batch_max: int,
        pending_max: int,
    ) -> None:
        self.journal = journal
        self.fold = fold
        self.series = series
        self.records = records
        self.clock = clock
        self.door = door
        self.figures = PipelineFigures()
        self.folded = asyncio.Event()
        """Set after each slice of the fold."""
        self.on_recorded: Callable[[], None] = lambda: None
        """Told after each write to the records."""
        self.on_folded: Callable[[], None] = lambda: None
        """Told after each slice of the fold."""
        self.commit_began_s: float | None = None
        """When the commit under way began (`perf_counter`); None while there is none."""
        self._slowest_commit_s = 0.0
        self._unrecorded_since_s: float | None = None
        self._unflushed_since_s: float | None = None
        self._has_called = False
        self.last_message_ms: int | None = None
        """Receipt of the last device message since the process began."""
        self._batch_max = batch_max
        self._pending_max = pending_max
        self._commands: deque[_PendingCommand] = deque()
        self._committed: deque[JournalEntry] = deque()
        self._committed_more = asyncio.Event()
        self._committed_less = asyncio.Event()
        self._answers: dict[int, asyncio.Future[CommandApplied | CommandRefused]] = {}
        self._unrecorded = _Unrecorded()
        self._unrecorded_more = asyncio.Event()
        self._recording = asyncio.Lock()
        self._tick_due = False
        self.is_journal_writable = True
        """False while the disk refuses commits."""
        self.records_error = ""
        """Why the records cannot be written; empty while they can."""
        self.series_error = ""
        """The same of the time series."""
        self.pending_messages = 0
        """Durable device messages that the fold has not taken yet."""

    # --- start --------------------------------------------------------------------------------------------------------

    async def recover(self, progress: Callable[[int, int], None] = lambda _done, _all: None) -> None:
        """Fold what the journal holds beyond the snapshot, giving each projection only what it does not have."""
        head = self.journal.head_offset
        while self.fold.offset < head:
            entries = await asyncio.to_thread(self.journal.read, self.fold.offset, 2000)
            for entry in entries:
                self._take(entry)
            await self._record_or_keep(force=False)
            if self.series.unstored_samples > RECOVERY_UNSTORED_MAX:
                await self.flush_series()
            progress(self.fold.offset, head)
            await asyncio.sleep(0)
        await self._record_or_keep(force=True)
        await self.flush_series()

    # --- commands -----------------------------------------------------------------------------------------------------

    async def submit(self, name: str, body: bytes) -> CommandApplied | CommandRefused:
        """Journal a command; return what became of it, when it is durable, folded and in the records."""
        answer: asyncio.Future[CommandApplied | CommandRefused] = asyncio.get_running_loop().create_future()
        self._commands.append(_PendingCommand(name, body, answer))
        self.door.arrived.set()
        return await answer

    def note(self, name: str, body: bytes) -> None:
        """Journal a command of our own whose answer nobody waits for."""
        self._commands.append(_PendingCommand(name, body, None))
        self.door.arrived.set()

    # --- tasks --------------------------------------------------------------------------------------------------------

    async def run_ticks(self) -> None:
        """Let time pass when nothing else does."""
        while True:
            await asyncio.sleep(TICK_S / min(self.clock.speed, 4.0))
            self._tick_due = True
            self.door.arrived.set()

    async def run_writing(self) -> None:
        """Commit what waits, then acknowledge it."""
        while True:
            await self.door.arrived.wait()
            self.door.arrived.clear()
            while self._has_something_to_write():
                await self._write_batch()

    async def run_folding(self) -> None:
        """Fold what is committed."""
        while True:
            await self._committed_more.wait()
            self._committed_more.clear()
            while self._committed:
                self._fold_slice()
                self.folded.set()
                self.on_folded()
                await asyncio.sleep(0)

    async def run_recording(self) -> None:
        """Write what the fold said to the records."""
        while True:
            is_idle = False
            try:
                async with asyncio.timeout(RECORDS_IDLE_S):  # not wait_for, which may forget a cancellation
                    await self._unrecorded_more.wait()
            except TimeoutError:
                is_idle = True
            self._unrecorded_more.clear()
            if not await self._record_or_keep(force=is_idle):
                await asyncio.sleep(RECORDS_RETRY_S)

    # --- writing ------------------------------------------------------------------------------------------------------

    def _has_something_to_write(self) -> bool:
        return bool(self._commands or self._tick_due or self.door.inbox)

    async def _write_batch(self) -> None:
        if len(self._committed) > self._pending_max:
            self._committed_less.clear()
            await self._committed_less.wait()
        deliveries, commands, rows = self._gather()
        self.commit_began_s = perf_counter()
        first = await self._commit(rows)
        self._slowest_commit_s = max(self._slowest_commit_s, perf_counter() - self.commit_began_s)
        self.commit_began_s = None
        self.door.acknowledge(deliveries)
        self._hand_over(rows, first, commands)

    def _gather(self) -> tuple[list[Delivery], list[_PendingCommand], list[Row]]:
        """Everything that waits, up to a batch, stamped with one time of receipt."""
        now_ms = self.clock.now_ms()
        rows: list[Row] = []
        commands = list(self._commands)
        self._commands.clear()
        for command in commands:
            rows.append((EntryKind.COMMAND, command.name, command.body, now_ms))
        inbox = self.door.inbox
        deliveries: list[Delivery] = []
        while inbox and len(deliveries) < self._batch_max:
            delivery = inbox.popleft()
            deliveries.append(delivery)
            if is_own_topic(delivery.topic):
                self.figures.own_topics += 1
                continue
            rows.append((EntryKind.MESSAGE, delivery.topic, delivery.payload, now_ms))
        if self._tick_due or not rows:
            self._tick_due = False
            rows.append((EntryKind.TICK, "", b"", now_ms))
        return deliveries, commands, rows

    async def _commit(self, rows: list[Row]) -> int:
        """Commit; when the disk refuses, try again for ever: nothing is acknowledged meanwhile, so nothing is lost."""
        while True:
            try:
                first = await self.journal.append(rows)
            except JournalUnavailable as error:
                log.error("nothing is acknowledged until the journal can be written again: %s", error)  # noqa: TRY400
                self.is_journal_writable = False
                self.figures.journal_failures += 1
                await asyncio.sleep(JOURNAL_RETRY_S)
            else:
                self.is_journal_writable = True
                return first

    def _hand_over(self, rows: list[Row], first: int, commands: list[_PendingCommand]) -> None:
        for place, command in enumerate(commands):
            if command.answer is not None:
                self._answers[first + place] = command.answer
        committed = self._committed
        for offset, (kind, name, payload, received_ms) in enumerate(rows, start=first):
            committed.append(JournalEntry(offset, received_ms, kind, name, payload))
            if kind is EntryKind.MESSAGE:
                self.pending_messages += 1
                self.last_message_ms = received_ms
        self.figures.batches += 1
        self._committed_more.set()

    # --- folding ------------------------------------------------------------------------------------------------------

    def _fold_slice(self) -> None:
        committed = self._committed
        began = perf_counter()
        until = began + SLICE_S
        while committed:
            entry = committed.popleft()
            self._take(entry)
            if entry.kind is EntryKind.MESSAGE:
                self.pending_messages -= 1
                self.figures.messages += 1
            if perf_counter() > until:
                break
        self.figures.fold_s += perf_counter() - began
        if len(committed) <= self._pending_max:
            self._committed_less.set()

    def _take(self, entry: JournalEntry) -> None:
        """Fold one entry and pass on what each projection does not have yet."""
        effects = self.fold.apply(entry)
        rest: list[object] | None = None
        for effect in effects:
            if type(effect) is SamplesAccepted:
                self.figures.values += len(effect.metrics)
                self.figures.values_of_unknown += len([1 for sample in effect.metrics if sample[0] not in METRICS])
                if entry.offset > self.series.applied_offset:
                    self.series.add(effect)
            else:
                rest = rest or []
                rest.append(effect)
        if rest is not None:
            self._pass_on(entry.offset, rest)

    def _pass_on(self, offset: int, effects: list[object]) -> None:
        self._has_called = self._has_called or any(
            isinstance(effect, AlarmTransition) and call_level(effect) is not None for effect in effects
        )
        unrecorded = self._unrecorded
        answer = self._answers.pop(offset, None)
        if answer is not None:
            outcome = next(e for e in effects if isinstance(e, CommandApplied | CommandRefused))
            unrecorded.answers.append((answer, outcome))
        if offset > self.records.applied_offset:
            unrecorded.batch.append((offset, effects))
            unrecorded.lines += [(offset, line.decode()) for line in lines_of(effects)]
            self._unrecorded_since_s = self._unrecorded_since_s or perf_counter()
        self._unrecorded_more.set()

    def take_call(self) -> bool:
        """Whether an alarm has called for somebody since the last call."""
        has_called, self._has_called = self._has_called, False
        return has_called

    # --- how it keeps up ----------------------------------------------------------------------------------------------

    def take_slowest_commit_s(self) -> float:
        """The longest commit since the last call, the one under way included."""
        began_s, slowest_s = self.commit_began_s, self._slowest_commit_s
        self._slowest_commit_s = 0.0
        return slowest_s if began_s is None else max(slowest_s, perf_counter() - began_s)

    def records_lag_s(self) -> float:
        """For how long the records have lacked something that the fold said; 0 when they lack nothing."""
        return _since(self._unrecorded_since_s)

    def series_lag_s(self) -> float:
        """For how long the time series could not be written; 0 while they can."""
        return _since(self._unflushed_since_s)

    # --- recording ----------------------------------------------------------------------------------------------------

    async def flush_series(self) -> bool:
        """Write the time series; False when they cannot be written now, and stay in memory."""
        try:
            await self.series.flush(self.fold.offset)
        except SeriesUnavailable as error:
            log.error("the time series cannot be written, trying again: %s", error)  # noqa: TRY400
            self.series_error = str(error)
            self._unflushed_since_s = self._unflushed_since_s or perf_counter()
            return False
        self.series_error = ""
        self._unflushed_since_s = None
        return True

    async def _record_or_keep(self, *, force: bool) -> bool:
        """Write to the records; False when they cannot be written now, and what they lack waits in memory."""
        try:
            await self._record_now(force=force)
        except RecordsUnavailable as error:
            log.error("the records cannot be written, trying again: %s", error)  # noqa: TRY400
            self.records_error = str(error)
            return False
        self.records_error = ""
        return True

    async def _record_now(self, *, force: bool) -> None:
        async with self._recording:  # batches must arrive in order of offset
            said, self._unrecorded = self._unrecorded, _Unrecorded()
            began_s = perf_counter()
            try:
                await self.records.apply(said.batch, said.lines, self.fold.offset, force=force)
            except BaseException:
                self._unrecorded = said.followed_by(self._unrecorded)
                self._unrecorded_more.set()
                raise
            self._unrecorded_since_s = began_s if self._unrecorded.batch else None
        for answer, outcome in said.answers:
            if not answer.done():
                answer.set_result(outcome)
        if said.lines:
            self.on_recorded()

    async def settle(self) -> int:
        """Bring both projections to the fold's present offset; return it.

        Raises:
            SeriesUnavailable: The time series cannot be written.
            RecordsUnavailable: The records cannot be written.
        """
        offset = self.fold.offset
        await self.series.flush(offset)
        await self._record_now(force=True)
        return offset


def _since(began_s: float | None) -> float:
    return 0.0 if began_s is None else perf_counter() - began_s
