"""The run that nobody disturbed: what a journal comes to, in one process and without an end, in records of its own.

`undisturbed_records` takes the journal that a killed gateway left without what the kills put into it: messages that the
broker delivered a second time, and what a gateway says of itself at each start, are ticks instead. So offsets and times
of receipt stay as they are, and what is recorded may be compared as it stands, with `recorded` and `first_differences`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import orjson

from gateway.export import journal_entries
from gateway.fold import Fold
from gateway.notify.compose import plan_of
from gateway.outcomes import lines_of
from gateway.rulesets import load_rulebook
from gateway.settings import load_settings
from storage.journal import JournalReader
from storage.ports import EntryKind, JournalEntry
from storage.records import Records, sqlite_url
from streaming.effects import SamplesAccepted

Row = tuple[object, ...]
Recorded = Mapping[str, Sequence[Row]]
AT_ONCE = 200
"""Entries in one write of the records."""
SAID_AT_EACH_START = ("link", "clock")
_QUERIES = {
    "transitions": "SELECT offset, at_ms, admission_id, n, alarm_id, phase, from_signal, to_signal, actor "
    "FROM transitions WHERE offset <= :upto ORDER BY offset, admission_id, n",
    "escalations": "SELECT alarm_id, at_ms FROM transitions WHERE offset <= :upto AND phase = 'escalate' "
    "ORDER BY offset, alarm_id, at_ms",
    "alarms": "SELECT * FROM alarms ORDER BY alarm_id",
    "outcomes": "SELECT ordinal, offset, line FROM outcomes WHERE offset <= :upto ORDER BY ordinal",
    "notifications": "SELECT key, receiver, alarm_id, n, offset, phase, at_ms, due_ms, only_unless_seen, only_if_told, "
    "body FROM notifications WHERE offset <= :upto ORDER BY offset, key",
}
"""What is compared; of the outbox what was to be told, and not what became of it."""


def applied_offset(path: Path) -> int:
    """Up to which entry of the journal records have come."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT offset FROM projection_offsets WHERE name = 'records'").fetchone()
    return int(found[0])


def recorded(path: Path, up_to: int) -> Recorded:
    """What records hold of the journal's entries up to one."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {name: connection.execute(query, {"upto": up_to}).fetchall() for name, query in _QUERIES.items()}


def first_differences(one: Recorded, other: Recorded) -> dict[str, tuple[Row | None, Row | None]]:
    """In each table that is not the same in both, the first row that differs; nothing where all is the same."""
    differences: dict[str, tuple[Row | None, Row | None]] = {}
    for name, rows in one.items():
        others = other[name]
        if rows == others:
            continue
        place = next((n for n, pair in enumerate(zip(rows, others, strict=False)) if pair[0] != pair[1]), None)
        place = min(len(rows), len(others)) if place is None else place
        differences[name] = (
            rows[place] if place < len(rows) else None, others[place] if place < len(others) else None
        )  # fmt: skip
    return differences


async def undisturbed_records(journal: Path, config: Path, path: Path, up_to: int) -> int:
    """Writes the records of the run that nobody disturbed; returns how many entries the kills had put in.

    Args:
        journal: what the killed gateway left.
        config: its settings.
        path: where the records go.
        up_to: the last entry to take.
    """
    settings = load_settings(config_file=config, environ={})
    records = await Records.open(sqlite_url(path))
    records.plan_notifications = plan_of(settings)
    with closing(JournalReader(journal)) as reader:
        entries = [entry for entry in journal_entries(reader.read) if entry.offset <= up_to]
    kept = list(without_what_kills_added(entries))
    fold = Fold(load_rulebook(settings.profile, settings.dosing_profile, settings.alarm_policy))
    for first in range(0, len(kept), AT_ONCE):
        await _apply(records, fold, kept[first : first + AT_ONCE])
    await records.close()
    return sum(one is not other for one, other in zip(entries, kept, strict=True))


def without_what_kills_added(entries: Iterable[JournalEntry]) -> Iterator[JournalEntry]:
    """The entries; of repeated messages, and repeats of what is said at each start, only that time has passed."""
    known: set[object] = set()
    for entry in entries:
        identity = _identity(entry)
        is_repeat = identity is not None and identity in known
        known.add(identity)
        yield JournalEntry(entry.offset, entry.received_ms, EntryKind.TICK, "", b"") if is_repeat else entry


def _identity(entry: JournalEntry) -> object:
    """What tells a repeat; None for what may be said twice."""
    if entry.kind is EntryKind.COMMAND:
        return (entry.name, entry.payload) if entry.name in SAID_AT_EACH_START else None
    if entry.kind is not EntryKind.MESSAGE:
        return None
    place, _, _ = entry.name.rpartition("/")
    said = orjson.loads(entry.payload)
    return (place, said["boot"], said["seq"]) if "seq" in said else None


async def _apply(records: Records, fold: Fold, entries: Sequence[JournalEntry]) -> None:
    batch: list[tuple[int, list[object]]] = []
    lines: list[tuple[int, str]] = []
    for entry in entries:
        effects = [effect for effect in fold.apply(entry) if not isinstance(effect, SamplesAccepted)]
        batch.append((entry.offset, effects))
        lines += [(entry.offset, line.decode()) for line in lines_of(effects)]
    await records.apply(batch, lines, entries[-1].offset, force=True)
