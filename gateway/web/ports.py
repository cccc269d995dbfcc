"""What the web layer asks of the service: the one border between HTTP and everything behind it.

Invariants. Nothing in `gateway.web` reads the journal, the fold or a clock except through this port. JSON-ready
dictionaries returned here are sent as they are: their shape is the contract's (`contract.md`, sections 3, 6, 7).

It deliberately knows no HTTP: a refusal carries a machine-readable reason; `gateway.web.problems` chooses the status.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from streaming.identity import BedId

if TYPE_CHECKING:
    from storage.records import Records
    from storage.series.query import SeriesPoint

JsonObject = dict[str, Any]
"""An object ready to be sent: keys and values as the contract fixes them."""

ExportFormat = Literal["ndjson", "csv", "parquet"]
"""What a stay can be exported as."""

MetricKind = Literal["counter", "gauge"]
"""How a Prometheus server is to read a figure."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A command was journaled, folded and projected: whoever reads now sees what it did."""

    subject_id: str
    """The admission or alarm it was about."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was journaled, and nothing changed."""

    reason: str
    """Machine-readable, as in `streaming.effects.CommandRefused`."""
    detail: str
    """For people."""


class Unavailable(Exception):  # noqa: N818 - named for the state it reports
    """The service cannot take a command now; it was not journaled, and nothing has changed. The message is for
    people."""


class PartState(NamedTuple):
    """How one part of the service is: a line of `GET /health/ready`."""

    ok: bool
    state: str
    """One word: `connected`, `connecting`, `behind`, …"""
    detail: str


class MetricFamily(NamedTuple):
    """One Prometheus metric with its samples."""

    name: str
    """With its unit, and for a counter without the closing `_total` (it is added)."""
    kind: MetricKind
    explanation: str
    samples: Sequence[tuple[Mapping[str, str], float]]
    """(labels, value); the same label names in every sample."""


class SeriesReader(Protocol):
    """The history of signals; `storage.series.store.SeriesStore` is one."""

    async def query(self, beds: Sequence[tuple[BedId, int, int]], name: str, points: int) -> Sequence[SeriesPoint]:
        """Buckets of a signal over several stays in beds, oldest first, at most `points` of them in all.

        Args:
            beds: Where and when to look: (bed, from_ms, to_ms), `to_ms` exclusive.
            name: The signal.
            points: At least 1.
        """


class BedSource(Protocol):
    """What the feed shows: beds as JSON-ready objects, and which of them changed."""

    beds_changed: asyncio.Event
    """Set by the source whenever it adds to the dirty beds; cleared by the feed, before it drains them."""
    somebody_called: asyncio.Event
    """Set by the source, before `beds_changed`, when an alarm calls for somebody: the feed does not wait then. Cleared
    by the feed together with it."""

    def bed_frames(self) -> list[JsonObject]:
        """Every bed there is, as BED objects of the feed, in a stable order."""

    def bed_frame(self, bed_id: BedId) -> JsonObject | None:
        """One bed; None when there is no such bed (any more), which the feed reports as removed."""

    def house_alarms(self) -> list[JsonObject]:
        """Alarms of no patient, as those of a bed; in a stable order. A change of them sets `beds_changed` too."""

    def dirty_beds(self) -> set[BedId]:
        """Beds that changed since the last call; the call empties the set."""

    def now_ms(self) -> int:
        """Gateway clock, milliseconds since 1970 UTC. Never decreases."""

    def service_state(self) -> JsonObject | None:
        """What displays are to be told of the gateway itself: `{"journal", "lag_s", "why"}`; None in health."""

    @property
    def version(self) -> str:
        """Version of the service."""

    @property
    def clock_speed(self) -> float:
        """Gateway seconds per second; other than 1 in a demo or test only."""


class Service(BedSource, Protocol):
    """The service behind the web layer."""

    @property
    def records(self) -> Records:
        """Admissions, alarms, quarantine, audit, outcomes."""

    @property
    def series(self) -> SeriesReader:
        """The history of signals."""

    async def submit(self, command: str, body: JsonObject, actor: str) -> Applied | Refused:
        """Journal a command, and return when it is durable, folded and projected.

        Args:
            command: `admit`, `course`, `chart`, `acknowledge`, `audio_pause`, `limits_off`, `transfer` or `discharge`.
            body: The request's body, only fields that were sent, plus `admission_id` or `alarm_id` from the path.
                Without `actor`: the service adds it.
            actor: Who asks, 1-64 printable characters.

        Raises:
            Unavailable: The journal cannot be written.
        """

    def alarm_texts(self, alarm_ids: Collection[str]) -> Mapping[str, str]:
        """What those of the alarms that are active say now, by id: the worst and the present value."""

    def admission_state(self, admission_id: str) -> JsonObject | None:
        """Present state of an admission that is in the fold.

        Returns:
            `{"signals": {name: {value, unit, at, age_s, source, validity}}, "dose_count", "decision"}`, which the web
            layer adds to the admission's record; None when the fold does not hold it (any more).
        """

    def dose_decision(self, admission_id: str) -> JsonObject | None:
        """Exactly the answer of `GET …/dose-decision`; None when the fold does not hold the admission (any more)."""

    def doses(self, admission_id: str) -> list[JsonObject] | None:
        """Every dose of the course; None when the fold does not hold the admission (any more)."""

    def fluids(self, admission_id: str, hours: int) -> JsonObject | None:
        """Exactly the answer of `GET …/fluids`; None when the fold does not hold the admission (any more)."""

    def ledger(self) -> JsonObject:
        """Exactly the answer of `GET /ledger`."""

    def readiness(self) -> Mapping[str, PartState]:
        """Each part of the service by name."""

    def rules(self) -> list[JsonObject]:
        """Rules in force with limits, source and hash; each has an `id`."""

    def rule(self, rule_id: str) -> JsonObject | None:
        """One rule, or None."""

    def profiles(self) -> list[JsonObject]:
        """Profiles with id, version and hash."""

    def metrics_snapshot(self) -> Sequence[MetricFamily]:
        """Figures for Prometheus. Must be quick: it runs on the loop."""

    def export_lines(self, admission_id: str, fmt: ExportFormat) -> AsyncIterator[bytes]:
        """The whole stay in chunks of whole lines; the admission is known to exist."""
