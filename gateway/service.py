"""What the web layer asks of the gateway, answered from the pipeline: `gateway.web.ports.Service` made real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gateway import frames
from gateway.export import stay_lines
from gateway.outcomes import dose_object
from gateway.pipeline import Pipeline
from gateway.rule_rows import (
    alarm_profile_object,
    dosing_profile_object,
    find_criterion,
    identity_of,
    rule_object,
)
from gateway.standing import standing_of
from gateway.therapy_frames import fluids_of
from gateway.watchdog import PARTS
from gateway.web.ports import Applied, ExportFormat, JsonObject, MetricFamily, PartState, Refused, Unavailable
from gateway.wire.commands import encode_command
from streaming.effects import CommandApplied
from streaming.identity import BedId
from streaming.rules.kinds import Rule

if TYPE_CHECKING:
    from gateway.auditing import AuditAnchorer
    from gateway.notify.worker import Notifier, ReceiverWorker
    from gateway.watchdog import Watchdog
    from storage.records import Records
    from storage.series.influx import InfluxExporter
    from storage.series.store import SeriesStore

BEHIND_MAX = 5_000
"""Entries that may wait for the fold before readiness says so."""
VERSION = version("vigil")


class GatewayService:
    """The service behind the web layer. Lives on the event loop; reads the fold's state between its slices."""

    def __init__(
        self, pipeline: Pipeline, exporter: InfluxExporter | None, anchorer: AuditAnchorer | None = None
    ) -> None:
        self._pipeline = pipeline
        self._exporter = exporter
        self._anchorer = anchorer
        self.watchdog: Watchdog | None = None
        """Who watches the gateway, for its findings."""
        self.notifier: Notifier | None = None
        """Who tells people over HTTP, for its figures."""
        self.beds_changed = asyncio.Event()
        self.somebody_called = asyncio.Event()

    def note_change(self) -> None:
        """Tell the feed that beds may look different."""
        ward = self._pipeline.fold.ward
        has_called = self._pipeline.take_call()
        if ward.changed or ward.is_house_changed:
            if has_called:
                self.somebody_called.set()
            self.beds_changed.set()

    @property
    def version(self) -> str:
        """Version of the service."""
        return VERSION

    @property
    def clock_speed(self) -> float:
        """Gateway seconds per second."""
        return self._pipeline.clock.speed

    @property
    def records(self) -> Records:
        """Admissions, alarms, quarantine, audit, outcomes."""
        return self._pipeline.records

    @property
    def series(self) -> SeriesStore:
        """The history of signals."""
        return self._pipeline.series

    def now_ms(self) -> int:
        """Gateway clock."""
        return self._pipeline.clock.now_ms()

    # --- beds ---------------------------------------------------------------------------------------------------------

    def bed_frames(self) -> list[JsonObject]:
        """Every bed, by unit and name."""
        ward = self._pipeline.fold.ward
        return [frames.bed_frame(ward, ward.beds[bed_id]) for bed_id in sorted(ward.beds, key=frames.bed_order)]

    def bed_frame(self, bed_id: BedId) -> JsonObject | None:
        """One bed."""
        ward = self._pipeline.fold.ward
        bed = ward.beds.get(bed_id)
        return frames.bed_frame(ward, bed) if bed is not None else None

    def house_alarms(self) -> list[JsonObject]:
        """Alarms of no patient."""
        return frames.house_alarms(self._pipeline.fold.ward)

    def alarm_texts(self, alarm_ids: Collection[str]) -> Mapping[str, str]:
        """What active alarms say now."""
        return frames.alarm_texts(self._pipeline.fold.ward, alarm_ids)

    def service_state(self) -> JsonObject | None:
        """Why displays must not take what they show for the present; None while they may."""
        standing = standing_of(self._pipeline)
        if standing.is_current:
            return None
        return {"journal": standing.journal, "lag_s": round(standing.lag_s, 1), "why": standing.why_not_current}

    def dirty_beds(self) -> set[BedId]:
        """Beds that changed since the last call."""
        ward = self._pipeline.fold.ward
        changed, ward.changed, ward.is_house_changed = ward.changed, set(), False
        return changed

    def admission_state(self, admission_id: str) -> JsonObject | None:
        """Present state of an admission."""
        return frames.admission_state(self._pipeline.fold.ward, admission_id)

    def dose_decision(self, admission_id: str) -> JsonObject | None:
        """The decision on the next dose, as of the fold's present."""
        ward = self._pipeline.fold.ward
        desk = ward.desk(admission_id)
        return desk.view(ward.now_ms) if desk is not None else None

    def doses(self, admission_id: str) -> list[JsonObject] | None:
        """Every dose of the course."""
        ward = self._pipeline.fold.ward
        desk = ward.desk(admission_id)
        return [dose_object(row) for row in desk.dose_rows(ward.now_ms)] if desk is not None else None

    def fluids(self, admission_id: str, hours: int) -> JsonObject | None:
        """What went in and out of the patient, by the hour."""
        ward = self._pipeline.fold.ward
        desk = ward.desk(admission_id)
        return fluids_of(desk.facts, hours, ward.now_ms) if desk is not None else None

    # --- commands -----------------------------------------------------------------------------------------------------

    async def submit(self, command: str, body: JsonObject, actor: str) -> Applied | Refused:
        """Journal a command and answer what became of it."""
        if not self._pipeline.is_journal_writable:
            raise Unavailable("The journal cannot be written; nothing has changed. The gateway is trying on.")
        if command == "admit":
            body = {"profile": self._pipeline.fold.rules.usual_dosing} | body  # so that the journal says it
        outcome = await self._pipeline.submit(command, encode_command({**body, "actor": actor}))
        if isinstance(outcome, CommandApplied):
            return Applied(outcome.subject_id)
        return Refused(outcome.reason, outcome.detail)

    def export_lines(self, admission_id: str, fmt: ExportFormat) -> AsyncIterator[bytes]:
        """The whole stay."""
        return stay_lines(self._pipeline, admission_id, fmt)

    # --- accounts -----------------------------------------------------------------------------------------------------

    def ledger(self) -> JsonObject:
        """`received = evaluated + duplicate + rejected + pending`, in all and by device."""
        ward, pending = self._pipeline.fold.ward, self._pipeline.pending_messages
        return {
            "total": {
                "received": ward.received + pending,
                "evaluated": ward.evaluated,
                "duplicate": ward.duplicate,
                "rejected": ward.rejected,
                "pending": pending,
            },
            "devices": [
                {
                    "unit": device.id.unit,
                    "bed": device.id.bed,
                    "device": device.id.device,
                    "received": device.received,
                    "evaluated": device.evaluated,
                    "duplicate": device.duplicate,
                    "rejected": device.rejected,
                    "gaps": device.sequence.missing,
                }
                for device in ward.devices.values()
            ],
        }

    def readiness(self) -> Mapping[str, PartState]:
        """Each part of the service."""
        pipeline = self._pipeline
        door, clock, pending = pipeline.door, pipeline.clock, pipeline.pending_messages
        standing = standing_of(pipeline)
        parts = {
            "broker": PartState(
                door.is_connected, "connected" if door.is_connected else "disconnected", door.last_error
            ),
            "journal": PartState(standing.is_recording, standing.journal, f"offset {pipeline.journal.head_offset}"),
            "engine": PartState(
                pending <= BEHIND_MAX, "current" if pending <= BEHIND_MAX else "behind", f"{pending} messages pending"
            ),
            "clock": PartState(
                clock.stepped_back_ms == 0,
                "running" if clock.stepped_back_ms == 0 else "waiting",
                f"speed {clock.speed:g}"
                + (f", system clock {clock.stepped_back_ms} ms behind" if clock.stepped_back_ms else ""),
            ),
        }
        for name, refusal in (("records", pipeline.records_error), ("series", pipeline.series_error)):
            parts[name] = PartState(not refusal, "refusing" if refusal else "writable", refusal)
        if self._exporter is not None:
            error = self._exporter.last_error
            # A time-series server that is away delays a copy; it does not make the gateway unfit.
            parts["series_export"] = PartState(True, "exporting" if not error else "waiting", error or "")
        return parts

    # --- rules --------------------------------------------------------------------------------------------------------

    def rules(self) -> list[JsonObject]:
        """Rules in force."""
        return [self._rule(rule) for rule in self._pipeline.fold.profile.rules]

    def rule(self, rule_id: str) -> JsonObject | None:
        """One alarm rule, or one dose criterion by its id, with or without `profile/` before it."""
        rules = self._pipeline.fold.rules
        rule = rules.alarms.rule(rule_id)
        return self._rule(rule) if rule is not None else find_criterion(rules.dosing, rules.usual_dosing, rule_id)

    def profiles(self) -> list[JsonObject]:
        """Profiles in force."""
        rules = self._pipeline.fold.rules
        dosing = [dosing_profile_object(profile) for _, profile in sorted(rules.dosing.items())]
        return [alarm_profile_object(rules.alarms), *dosing]

    def _rule(self, rule: Rule) -> JsonObject:
        return rule_object(rule) | {"profile": identity_of(self._pipeline.fold.profile)}

    # --- figures ------------------------------------------------------------------------------------------------------

    def metrics_snapshot(self) -> Sequence[MetricFamily]:
        """Figures for Prometheus."""
        return [
            *self._message_figures(),
            *self._store_figures(),
            *self._audit_figures(),
            *self._ward_figures(),
            *self._notification_figures(),
            *self._watch_figures(),
            *self._export_figures(),
        ]

    def _message_figures(self) -> list[MetricFamily]:
        pipeline, ward = self._pipeline, self._pipeline.fold.ward
        received = ward.received + pipeline.pending_messages
        return [
            _one("vigil_messages_received", "counter", "Device messages in the journal", received),
            _one("vigil_messages_evaluated", "counter", "Device messages evaluated", ward.evaluated),
            _one("vigil_messages_duplicate", "counter", "Device messages seen before", ward.duplicate),
            _one("vigil_messages_rejected", "counter", "Device messages rejected with a reason", ward.rejected),
            _one("vigil_messages_pending", "gauge", "Messages not yet evaluated", pipeline.pending_messages),
            _one("vigil_values", "counter", "Values stored since the process began", pipeline.figures.values),
            _one(
                "vigil_values_of_unknown_metrics",
                "counter",
                "Those of them whose metric is not known: kept, and fed to no rule",
                pipeline.figures.values_of_unknown,
            ),
            _one("vigil_fold_seconds", "counter", "Time spent in the fold", pipeline.figures.fold_s),
        ]

    def _store_figures(self) -> list[MetricFamily]:
        pipeline = self._pipeline
        figures, door = pipeline.figures, pipeline.door
        return [
            _one("vigil_journal_offset", "gauge", "Last entry of the journal", pipeline.journal.head_offset),
            _one("vigil_journal_commits", "counter", "Commits since the process began", figures.batches),
            _one("vigil_journal_failures", "counter", "Commits that the disk refused", figures.journal_failures),
            _one("vigil_series_offset", "gauge", "Entry the time series have reached", pipeline.series.applied_offset),
            _one("vigil_records_offset", "gauge", "Entry the records have reached", pipeline.records.applied_offset),
            _one("vigil_broker_connected", "gauge", "1 while the broker is connected", float(door.is_connected)),
            _one("vigil_broker_connections", "counter", "Connections made to the broker", door.connections),
        ]

    def _audit_figures(self) -> list[MetricFamily]:
        head, anchorer = self._pipeline.records.audit_head, self._anchorer
        figures = [
            _one("vigil_audit_entries", "gauge", "Last entry of the audit log", head.number),
            _one("vigil_audit_head_hash48", "gauge", "First 48 bits of its hash", int(head.hash[:12], 16)),
        ]
        if anchorer is None:
            return figures
        return [
            *figures,
            _one("vigil_audit_anchored", "gauge", "Last entry that was anchored", anchorer.anchored),
            _one("vigil_audit_fits", "gauge", "1 if at the start the log fitted its anchor", anchorer.is_fitting),
            _one("vigil_audit_anchor_refused", "gauge", "1 while no anchor can be written", bool(anchorer.error)),
        ]

    def _ward_figures(self) -> list[MetricFamily]:
        ward, clock = self._pipeline.fold.ward, self._pipeline.clock
        active = {"high": 0, "medium": 0, "low": 0}
        for stay in ward.stays.values():
            for alarm in stay.book.active.values():
                active[alarm.priority] += 1
        behind_s = clock.stepped_back_ms / 1000
        by_priority = [({"priority": priority}, float(count)) for priority, count in active.items()]
        return [
            _one("vigil_admissions", "gauge", "Patients admitted", len(ward.stays)),
            _one("vigil_clock_stepped_back_seconds", "gauge", "System clock behind gateway time", behind_s),
            MetricFamily("vigil_alarms_active", "gauge", "Alarms announced now", by_priority),
        ]

    def _watch_figures(self) -> list[MetricFamily]:
        if self.watchdog is None:
            return []
        unwell = [({"part": part}, float(part in self.watchdog.unwell)) for part in PARTS]
        return [MetricFamily("vigil_part_unwell", "gauge", "1 while a part of the gateway is not well", unwell)]

    def _notification_figures(self) -> list[MetricFamily]:
        workers = self.notifier.workers if self.notifier is not None else []
        counts: list[tuple[str, str, Callable[[ReceiverWorker], int]]] = [
            ("vigil_notifications_sent", "Notifications that receivers took", lambda worker: worker.sent),
            ("vigil_notifications_failed", "Notifications given up", lambda worker: worker.failed),
            ("vigil_notifications_retries", "Attempts that failed and were repeated", lambda worker: worker.retries),
        ]
        return [
            MetricFamily(
                name, "counter", what, [({"receiver": each.receiver.id}, float(count(each))) for each in workers]
            )
            for name, what, count in counts
            if workers
        ]

    def _export_figures(self) -> list[MetricFamily]:
        exporter = self._exporter
        if exporter is None:
            return []
        return [
            _one("vigil_export_lines", "counter", "Lines written to the time-series server", exporter.lines_sent),
            _one("vigil_export_lines_rejected", "counter", "Lines the server will not have", exporter.lines_rejected),
            _one("vigil_export_retries", "counter", "Writes tried again", exporter.retries),
            _one("vigil_export_lag_chunks", "gauge", "Chunks not yet exported", exporter.lag_rows),
        ]


def _one(name: str, kind: Any, explanation: str, value: float) -> MetricFamily:
    return MetricFamily(name, kind, explanation, [({}, float(value))])
