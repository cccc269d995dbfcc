"""One stay as a recording: an admission, what devices said in it in order, a discharge.

Invariants:
  - Entries come in order of receipt; what was received in the same millisecond keeps the order in which it was added.
  - Each device numbers its messages from 0 without gaps, and introduces itself with a `status` before the first.
  - The same calls give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.wire.recording import RecordedEntry
from gateway.wire.topics import Channel
from simulators.devices import Place
from streaming.instants import format_ms

_SECOND_MS = 1_000
IMPORT_ACTOR = "import"

Metrics = dict[str, Any]


class TableError(ValueError):
    """A table is missing, unreadable or of another form; the message names the file and what is wrong."""


@dataclass(slots=True)
class ImportReport:
    """Where every row went. For each table: rows = mapped + not mapped."""

    rows: Counter[str] = field(default_factory=Counter)
    """Rows read, by table."""
    mapped: Counter[str] = field(default_factory=Counter)
    """Rows of which something is in a message, by table."""
    not_mapped: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Rows of which nothing is: by table, category and reason."""
    foreign_units: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Values sent in a unit that the metric cannot be converted from, by category and unit: the gateway will reject
    each of them alone, with a reason."""
    messages: int = 0
    commands: int = 0
    notes: list[str] = field(default_factory=list)

    def account(self, table: str, category: str, reason: str | None) -> None:
        """Books one row: mapped, or not and why."""
        self.rows[table] += 1
        if reason is None:
            self.mapped[table] += 1
        else:
            self.not_mapped[table, category, reason] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StayRecording:
    """A finished stay."""

    stay: str
    entries: tuple[RecordedEntry, ...]


@dataclass(slots=True, kw_only=True)
class _Said:
    """One obs in the making."""

    received_ms: int
    device: str
    time_ms: int
    metrics: Metrics


@dataclass(slots=True)
class StayBuilder:
    """Collects what was said in one stay, then puts it in order."""

    unit: str
    bed: str
    boot: str
    """Boot id of every device of the stay, at most 32 characters."""
    kinds: Mapping[str, str]
    """Device name to kind; a device not named here is a `chart`: infusion rows were written down when a rate changed,
    and a `pump` would be expected to report each minute."""
    model: str
    _said: dict[tuple[str, int, int], list[_Said]] = field(default_factory=dict)
    _order: list[_Said] = field(default_factory=list)

    @property
    def has_messages(self) -> bool:
        """Whether anything was added."""
        return bool(self._order)

    def add(self, device: str, received_ms: int, time_ms: int, metrics: Metrics) -> None:
        """Adds values that a device reported at `time_ms`.

        They join the first message of that device and instant that holds no other value for any of them; a second value
        for the same metric at the same instant makes a second message.
        """
        messages = self._said.setdefault((device, received_ms, time_ms), [])
        for said in messages:
            if all(said.metrics.get(name, value) == value for name, value in metrics.items()):
                said.metrics.update(metrics)
                return
        said = _Said(received_ms=received_ms, device=device, time_ms=time_ms, metrics=dict(metrics))
        messages.append(said)
        self._order.append(said)

    def finish(self, admission: Mapping[str, Any], *, discharged_after_ms: int) -> StayRecording:
        """The stay, admitted one second before the first message and discharged so long after the last.

        Args:
            admission: body of the `admit` command, with `admission_id`.
            discharged_after_ms: milliseconds from the last message to the discharge.

        Raises:
            ValueError: nothing was added.
        """
        said = sorted(self._order, key=lambda message: message.received_ms)
        if not said:
            raise ValueError(f"nothing was recorded at {self.unit}/{self.bed}")
        leaving = {"admission_id": admission["admission_id"], "actor": IMPORT_ACTOR}
        arriving = {**admission, "unit": self.unit, "bed": self.bed, "actor": IMPORT_ACTOR}
        entries = (
            RecordedEntry(received_ms=said[0].received_ms - _SECOND_MS, command="admit", body=arriving),
            *self._messages(said),
            RecordedEntry(received_ms=said[-1].received_ms + discharged_after_ms, command="discharge", body=leaving),
        )
        return StayRecording(stay=self.bed, entries=entries)

    def _messages(self, said: list[_Said]) -> Iterator[RecordedEntry]:
        seqs: Counter[str] = Counter()
        for message in said:
            place = Place(unit=self.unit, bed=self.bed, device=message.device)
            if message.device not in seqs:
                yield self._introduction(place, message.received_ms)
            body = {
                "boot": self.boot,
                "seq": seqs[message.device],
                "time": format_ms(message.time_ms),
                "metrics": message.metrics,
            }
            seqs[message.device] += 1
            yield _entry(message.received_ms, place.topic(Channel.OBS), body)

    def _introduction(self, place: Place, at_ms: int) -> RecordedEntry:
        kind = self.kinds.get(place.device, "chart")
        body = {"state": "online", "kind": kind, "model": self.model, "boot": self.boot, "time": format_ms(at_ms)}
        return _entry(at_ms, place.topic(Channel.STATUS), body)


def _entry(received_ms: int, topic: str, body: Mapping[str, Any]) -> RecordedEntry:
    return RecordedEntry(received_ms=received_ms, topic=topic, payload=orjson.dumps(body))
