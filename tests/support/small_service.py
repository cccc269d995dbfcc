"""A small but real service behind the web layer: it carries commands out and keeps records; no broker, no rules.

Every command goes through the same steps as in the gateway (judged, given an offset, applied to the records before the
answer), and the records are the real ones, on SQLite. What a device would cause is done by methods: `raise_alarm`,
`set_signal`, `reject`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from alerts.alarm import Alarm, SignalState
from gateway.web.ports import Applied, ExportFormat, JsonObject, MetricFamily, PartState, Refused
from gateway.wire.commands import parse_command
from storage.records import Records, sqlite_url
from storage.series.store import SeriesStore
from streaming.admission import Admission
from streaming.commands import (
    Acknowledge,
    Admit,
    AudioPause,
    Chart,
    Command,
    Course,
    Discharge,
    LimitsOff,
    Sign,
    Transfer,
)
from streaming.effects import AdmissionChanged, CommandApplied, CommandRefused, SamplesAccepted
from streaming.identity import BedId, DeviceId
from streaming.instants import format_ms
from streaming.observation import Rejected
from tests.support.effects import T0_MS, acknowledged, alarm, rejected, started


class SmallService:
    """A ward of beds that are filled, emptied and changed by the test. Its clock stands still until it is told."""

    version = "0.0-test"
    clock_speed = 1.0

    def __init__(self, records: Records, series: SeriesStore) -> None:
        self.records = records
        self.series = series
        self.beds_changed = asyncio.Event()
        self.somebody_called = asyncio.Event()
        self.clock_ms = T0_MS
        self.submitted: list[tuple[str, JsonObject, str]] = []
        self.unready: dict[str, PartState] = {}
        self._dirty: set[BedId] = set()
        self._offsets = itertools.count(1)
        self._transitions = itertools.count(1)
        self._admissions: dict[str, Admission] = {}
        self._alarms: dict[str, Alarm] = {}
        self._signals: dict[BedId, JsonObject] = {}

    @classmethod
    async def open(cls, directory: Path) -> Self:
        return cls(
            await Records.open(sqlite_url(directory / "records.sqlite")), SeriesStore.open(directory / "series.sqlite")
        )

    async def close(self) -> None:
        await self.records.close()
        self.series.close()

    # --- what devices would cause ---------------------------------------------------------------------------------

    def set_signal(self, bed: BedId, name: str, value: float | str) -> None:
        """Show a value at a bed; the bed is there from then on."""
        self._signals.setdefault(bed, {})[name] = {"value": value, "at": format_ms(self.clock_ms)}
        self._touch(bed)

    def remove_bed(self, bed: BedId) -> None:
        """The bed is there no longer."""
        del self._signals[bed]
        self._touch(bed)

    def add_samples(self, bed: BedId, name: str, samples: Mapping[int, float]) -> None:
        """Put a signal's history into the series."""
        signals = [(name, t_ms, value, 0) for t_ms, value in samples.items()]
        self.series.add(SamplesAccepted(DeviceId(*bed, "mon1"), self.clock_ms, [], signals))

    async def raise_alarm(self, **fields: Any) -> Alarm:
        """Announce an alarm; its fields as in `tests.support.effects.alarm`."""
        raised = alarm(**fields)
        self._alarms[raised.alarm_id] = raised
        await self._record(started(next(self._transitions), raised), line='{"type":"alarm"}')
        return raised

    async def clear_alarm(self, alarm_id: str) -> None:
        """The fold knows the alarm as ended."""
        self._alarms[alarm_id] = replace(self._alarms[alarm_id], signal=SignalState.OFF)

    async def reject(self, reason: str) -> None:
        """A message goes to quarantine."""
        await self._record(rejected(self.clock_ms, reason=reason), line='{"type":"rejected"}')

    # --- the port -------------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        return self.clock_ms

    def bed_frames(self) -> list[JsonObject]:
        return [self._frame(bed) for bed in sorted(self._signals)]

    def bed_frame(self, bed_id: BedId) -> JsonObject | None:
        return self._frame(bed_id) if bed_id in self._signals else None

    def house_alarms(self) -> list[JsonObject]:
        return []

    def service_state(self) -> JsonObject | None:
        return None

    def dirty_beds(self) -> set[BedId]:
        dirty, self._dirty = self._dirty, set()
        return dirty

    async def submit(self, command: str, body: JsonObject, actor: str) -> Applied | Refused:
        self.submitted.append((command, body, actor))
        judged = parse_command(command, {**body, "actor": actor}, self.clock_ms)
        assert not isinstance(judged, Rejected), judged
        effects = self._carry_out(judged)
        *before, last = effects
        if isinstance(last, str):
            await self._record(CommandRefused(self.clock_ms, command, last, "It cannot be done.", actor, None, body))
            return Refused(last, "It cannot be done.")
        subject_id = last[0]
        await self._record(*before, CommandApplied(self.clock_ms, command, subject_id, actor, body))
        return Applied(subject_id)

    def alarm_texts(self, alarm_ids: Collection[str]) -> dict[str, str]:
        return {}

    def admission_state(self, admission_id: str) -> JsonObject | None:
        admission = self._admissions.get(admission_id)
        if admission is None or admission.discharged_ms is not None:
            return None
        return {"signals": self._signals.get(admission.bed, {}), "dose_count": 0, "decision": None}

    def dose_decision(self, admission_id: str) -> JsonObject | None:
        return {"decision": "indeterminate", "criteria": []} if self.admission_state(admission_id) else None

    def doses(self, admission_id: str) -> list[JsonObject] | None:
        return [] if self.admission_state(admission_id) else None

    def fluids(self, admission_id: str, hours: int) -> JsonObject | None:
        return {"hours": [{}] * hours, "boluses": []} if self.admission_state(admission_id) else None

    def ledger(self) -> JsonObject:
        total = {"received": 3, "evaluated": 2, "duplicate": 0, "rejected": 1, "pending": 0}
        return {"total": total, "devices": []}

    def readiness(self) -> Mapping[str, PartState]:
        return {"journal": PartState(True, "writing", "")} | self.unready

    def rules(self) -> list[JsonObject]:
        return [{"id": "map-low", "limit": 65.0}]

    def rule(self, rule_id: str) -> JsonObject | None:
        return next((each for each in self.rules() if each["id"] == rule_id), None)

    def profiles(self) -> list[JsonObject]:
        return [{"id": "label-2024", "version": "1", "sha256": "00"}]

    def metrics_snapshot(self) -> Sequence[MetricFamily]:
        return [
            MetricFamily("vigil_messages", "counter", "Messages.", [({"outcome": "evaluated"}, 2.0)]),
            MetricFamily("vigil_pending", "gauge", "Not yet evaluated.", [({}, 0.0)]),
        ]

    async def export_lines(self, admission_id: str, fmt: ExportFormat) -> AsyncIterator[bytes]:
        yield f'{{"admission_id":"{admission_id}"}}\n'.encode() if fmt == "ndjson" else b"at,signal\n"

    # --- how commands are carried out: effects, then (subject,) or the reason of a refusal --------------------------

    def _carry_out(self, command: Command) -> list[Any]:
        match command:
            case Admit():
                return self._admit(command)
            case Acknowledge():
                return self._acknowledge(command)
            case Transfer() | Discharge() | Course() | Chart() | AudioPause() | LimitsOff() | Sign():
                return self._of_admission(command)
            case _:
                raise AssertionError(command)

    def _admit(self, command: Admit) -> list[Any]:
        if self._is_taken(command.bed):
            return ["bed_taken"]
        admission = Admission(
            admission_id=f"a-{len(self._admissions) + 1}",
            patient_id=command.patient_id,
            bed=command.bed,
            name=command.name,
            dosing_weight_kg=command.dosing_weight_kg,
            baseline_weight_kg=command.baseline_weight_kg,
            baseline=command.baseline,
            limits=command.limits,
            profile=command.profile or "label-2024",
            admitted_ms=self.clock_ms,
        )
        return self._changed("admit", admission, command.actor)

    def _acknowledge(self, command: Acknowledge) -> list[Any]:
        known = self._alarms.get(command.alarm_id)
        if known is None:
            return ["no_such_alarm"]
        if known.signal is SignalState.OFF:
            return ["already_ended"]
        step = acknowledged(next(self._transitions), known, at_ms=self.clock_ms, by=command.actor, note=command.note)
        self._alarms[command.alarm_id] = step.alarm
        return [step, (command.alarm_id,)]

    def _of_admission(
        self, command: Transfer | Discharge | Course | Chart | AudioPause | LimitsOff | Sign
    ) -> list[Any]:
        admission = self._admissions.get(command.admission_id)
        if admission is None or admission.discharged_ms is not None:
            return ["no_such_admission"]
        match command:
            case Transfer() if self._is_taken(command.bed):
                return ["bed_taken"]
            case Transfer():
                return self._changed("transfer", replace(admission, bed=command.bed), command.actor)
            case Discharge():
                return self._changed("discharge", replace(admission, discharged_ms=self.clock_ms), command.actor)
            case _:
                return [(admission.admission_id,)]

    def _changed(self, change: str, after: Admission, actor: str) -> list[Any]:
        before = self._admissions.get(after.admission_id, after)
        self._admissions[after.admission_id] = after
        for bed in {before.bed, after.bed}:
            self._signals.setdefault(bed, {})
            self._touch(bed)
        effect = AdmissionChanged(self.clock_ms, after.admission_id, after.bed, change, actor, after)
        return [effect, (after.admission_id,)]

    def _is_taken(self, bed: BedId) -> bool:
        return any(each.bed == bed and each.discharged_ms is None for each in self._admissions.values())

    def _touch(self, bed: BedId) -> None:
        self._dirty.add(bed)
        self.beds_changed.set()

    def _frame(self, bed: BedId) -> JsonObject:
        here = [each for each in self._admissions.values() if each.bed == bed and each.discharged_ms is None]
        admission = {"admission_id": here[0].admission_id} if here else None
        return {"unit": bed.unit, "bed": bed.bed, "admission": admission, "signals": dict(self._signals[bed])}

    async def _record(self, *effects: object, line: str | None = None) -> None:
        offset = next(self._offsets)
        await self.records.apply([(offset, effects)], [(offset, line)] if line else [], offset)
