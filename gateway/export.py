"""The journal as a recording, whole or one stay of it (contract, section 8).

A stay's recording begins with its bed's messages and holds every command about it, so that it replays to the stay's own
alarms. Ticks are left out but the last: it says how far time had come.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import orjson

from alerts.alarm import AlarmTransition
from alerts.rulebook import Rulebook
from gateway.fold import Fold
from gateway.parquet import ROW_GROUP_ROWS, Column, Kind, ParquetWriter
from gateway.wire.commands import CommandName, encode_command
from gateway.wire.recording import RecordedEntry, encode_entry
from gateway.wire.topics import parse_topic
from storage.ports import EntryKind, JournalEntry
from streaming.effects import AdmissionChanged
from streaming.identity import BedId
from streaming.instants import format_ms
from streaming.observation import Rejected
from streaming.rules.kinds import AlarmProfile

if TYPE_CHECKING:
    from gateway.pipeline import Pipeline
    from gateway.web.ports import ExportFormat
    from storage.records.rows import BedAssignment
    from storage.series.chunks import RawSample
    from storage.series.store import SeriesStore

PAGE = 1000
Read = Callable[[int, int], list[JournalEntry]]
"""(after offset, at most) → entries"""


def journal_entries(read: Read) -> Iterator[JournalEntry]:
    """Every entry of the journal, in order."""
    after = 0
    while entries := read(after, PAGE):
        yield from entries
        after = entries[-1].offset


def recorded(entries: Iterable[JournalEntry]) -> Iterator[RecordedEntry]:
    """Journal entries as a recording."""
    tick_ms: int | None = None
    for entry in entries:
        tick_ms = entry.received_ms if entry.kind == EntryKind.TICK else None
        if entry.kind == EntryKind.MESSAGE:
            yield RecordedEntry(received_ms=entry.received_ms, topic=entry.name, payload=entry.payload)
        elif entry.kind == EntryKind.COMMAND:
            yield RecordedEntry(received_ms=entry.received_ms, command=entry.name, body=orjson.loads(entry.payload))
    if tick_ms is not None:
        yield RecordedEntry(received_ms=tick_ms, command=CommandName.TICK, body={})


_OWN_NOTES = frozenset({CommandName.LINK, CommandName.CLOCK})
"""What the gateway notes of itself: of every bed."""


COLUMNS = ("at", "unit", "bed", "device", "name", "value", "validity")
_PARQUET_COLUMNS = [
    Column("at", Kind.INSTANT),
    *(Column(name, Kind.TEXT) for name in COLUMNS[1:5]),
    Column("value", Kind.NUMBER),
    Column("validity", Kind.TEXT),
]


class Measured(NamedTuple):
    """A row of a stay's table."""

    at_ms: int
    unit: str
    bed: str
    device: str
    """Empty for a signal, which is chosen from one or more devices."""
    name: str
    value: float
    validity: str


class Stay(NamedTuple):
    """Where one admission stands in the journal."""

    admission_id: str
    admit_offset: int
    bed: BedId
    """The first."""
    alarm_ids: frozenset[str]


def find_stay(entries: Iterable[JournalEntry], admission_id: str, rules: AlarmProfile | Rulebook) -> Stay | None:
    """Find an admission by folding the journal: its id may be derived, and so are the ids of its alarms."""
    fold = Fold(rules)
    begun: tuple[int, BedId] | None = None
    alarm_ids: set[str] = set()
    for entry in entries:
        for effect in fold.apply(entry):
            if isinstance(effect, AdmissionChanged) and effect.admission_id == admission_id and begun is None:
                begun = (entry.offset, effect.bed)
            elif isinstance(effect, AlarmTransition) and effect.alarm.admission_id == admission_id:
                alarm_ids.add(effect.alarm.alarm_id)
    return Stay(admission_id, *begun, frozenset(alarm_ids)) if begun is not None else None


def entries_of_stay(entries: Iterable[JournalEntry], stay: Stay) -> Iterator[JournalEntry]:
    """What belongs to the stay: the messages of its bed, wherever that is, and the commands about it.

    The messages before the admission are taken too: they have set the devices' clocks and numbering.
    """
    bed = stay.bed
    for entry in entries:
        if entry.kind == EntryKind.MESSAGE:
            topic = parse_topic(entry.name)
            if not isinstance(topic, Rejected) and topic.device.bed_id == bed:
                yield entry
        elif entry.kind == EntryKind.TICK or entry.name in _OWN_NOTES:
            yield entry
        elif entry.offset == stay.admit_offset:
            yield _with_id(entry, stay.admission_id)
        else:
            body = orjson.loads(entry.payload)
            if body.get("admission_id") != stay.admission_id and body.get("alarm_id") not in stay.alarm_ids:
                continue
            yield entry
            if entry.name == CommandName.TRANSFER:
                bed = BedId(str(body.get("unit")), str(body.get("bed")))
            if entry.name == CommandName.DISCHARGE:
                return


def _with_id(entry: JournalEntry, admission_id: str) -> JournalEntry:
    body = orjson.loads(entry.payload) | {"admission_id": admission_id}
    return replace(entry, payload=encode_command(body))


def stay_recording(read: Read, admission_id: str, rules: AlarmProfile | Rulebook) -> Iterator[RecordedEntry] | None:
    """One stay as a recording; None when the journal knows no such admission."""
    stay = find_stay(journal_entries(read), admission_id, rules)
    return recorded(entries_of_stay(journal_entries(read), stay)) if stay is not None else None


async def stay_lines(pipeline: Pipeline, admission_id: str, fmt: ExportFormat) -> AsyncIterator[bytes]:
    """A stay as a recording (`ndjson`), or its measured values as a table (`csv`, `parquet`)."""
    if fmt != "ndjson":
        record = await pipeline.records.admission(admission_id)
        values = measured(pipeline, record.assignments if record is not None else ())
        async for chunk in as_csv(values) if fmt == "csv" else as_parquet(values):
            yield chunk
        return
    entries = await asyncio.to_thread(stay_recording, pipeline.journal.read, admission_id, pipeline.fold.rules)
    if entries is None:
        return
    while page := await asyncio.to_thread(lambda: list(islice(entries, PAGE))):
        yield b"".join(encode_entry(each) for each in page)


async def measured(pipeline: Pipeline, assignments: Sequence[BedAssignment]) -> AsyncIterator[list[Measured]]:
    """Every value of a stay, series by series, a page at a time."""
    now_ms = pipeline.clock.now_ms()
    for assignment in assignments:
        bed, begin_ms = assignment.bed, assignment.from_ms
        end_ms = now_ms + 1 if assignment.to_ms is None else assignment.to_ms
        for device, name in await pipeline.series.names(bed):
            async for samples in _pages(pipeline.series, bed, device or None, name, begin_ms, end_ms):
                yield [Measured(s.t_ms, *bed, device, name, s.value, s.validity.label) for s in samples]


async def as_csv(pages: AsyncIterator[list[Measured]]) -> AsyncIterator[bytes]:
    """Values as CSV with a head."""
    yield _csv([COLUMNS])
    async for page in pages:
        yield _csv(_cells(row) for row in page)


def _cells(row: Measured) -> tuple[str, ...]:
    device, name = _inert(row.device), _inert(row.name)
    return (format_ms(row.at_ms), row.unit, row.bed, device, name, repr(row.value), row.validity)


async def as_parquet(pages: AsyncIterator[list[Measured]]) -> AsyncIterator[bytes]:
    """Values as a Parquet file."""
    writer = await asyncio.to_thread(ParquetWriter, _PARQUET_COLUMNS)
    waiting: list[Measured] = []
    async for page in pages:
        waiting += page
        if len(waiting) >= ROW_GROUP_ROWS:
            yield await asyncio.to_thread(writer.row_group, waiting)
            waiting = []
    if waiting:
        yield await asyncio.to_thread(writer.row_group, waiting)
    yield await asyncio.to_thread(writer.end)


async def _pages(
    series: SeriesStore, bed: BedId, device: str | None, name: str, from_ms: int, end_ms: int
) -> AsyncIterator[list[RawSample]]:
    """The samples of a series, a page at a time; what shares an instant stays together, for the next page begins after
    it."""
    limit = PAGE
    while samples := await series.samples(bed, name, from_ms, end_ms, limit, device=device):
        if len(samples) < limit:
            yield samples
            return
        whole = [sample for sample in samples if sample.t_ms < samples[-1].t_ms]
        if not whole:
            limit *= 2
            continue
        yield whole
        from_ms, limit = whole[-1].t_ms + 1, PAGE


def _inert(text: str) -> str:
    """Text from a device as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
