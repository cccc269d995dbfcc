"""The figures of a recording in the making: effects in, in order, as the fold gives them.

It consumes effects and never lines, so that a backtest costs what the fold costs. Coverage is read off the bed: a
vital sign is covered while the source that speaks for it is fresh, which depends on the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alerts.alarm import AlarmTransition
from alerts.dosing import DoseChanged
from alerts.ward import Ward
from gateway.backtest.alarm_tally import AlarmTally
from gateway.backtest.figures import ArmFigures, DoseOutcome, DueDose, StayFigures
from gateway.backtest.labels import Alarmed, Labels, detections, false_alarms
from gateway.backtest.spans import HOLDING, UNKNOWN, Spans
from gateway.wire.commands import parse_command
from streaming.admission import Admission
from streaming.bed import Bed
from streaming.commands import Course
from streaming.criteria.decision import DecisionChanged
from streaming.effects import AdmissionChanged, CommandApplied, CommandRefused, InputRejected, SamplesAccepted
from streaming.identity import BedId
from streaming.therapy.doses import Order, order_of

VITALS = ("hr", "map", "sbp", "spo2", "rr", "temp")
"""Signals that count as vital signs for coverage."""
_VITALS = frozenset(VITALS)


class Cover:
    """How long a signal had a current source: stretches that overlap count once."""

    __slots__ = ("total_ms", "until_ms")

    def __init__(self, since_ms: int) -> None:
        self.total_ms = 0
        self.until_ms = since_ms

    def extend(self, now_ms: int, until_ms: int) -> None:
        """There is a value now that is current until then."""
        begins_ms = self.until_ms if self.until_ms > now_ms else now_ms
        if until_ms > begins_ms:
            self.total_ms += until_ms - begins_ms
            self.until_ms = until_ms

    def total_at(self, end_ms: int) -> int:
        """The time up to an end, what lies behind it left out."""
        return self.total_ms - max(0, self.until_ms - end_ms)


class StayTally:
    """One stay of one recording under one profile, as far as it has come."""

    def __init__(self, recording: str, admission: Admission) -> None:
        self.recording = recording
        self.admission_id = admission.admission_id
        self.bed = admission.bed
        self.admitted_ms = admission.admitted_ms
        self.ended_ms: int | None = None
        self.alarms = AlarmTally()
        self.spans = Spans(admission.admitted_ms)
        self.signed = 0
        self._covers = {name: Cover(admission.admitted_ms) for name in VITALS}
        self._cover = Cover(admission.admitted_ms)
        self._orders: list[tuple[int, Order]] = []
        self._doses: dict[tuple[int, int], Mapping[str, Any]] = {}

    def cover(self, effect: SamplesAccepted, bed: Bed) -> None:
        """Values were accepted at the bed."""
        now_ms = effect.received_ms
        latest_ms = now_ms
        for sample in effect.signals:
            name = sample[0]
            if name in _VITALS:
                source = bed.slots[name].source
                if source is not None:
                    until_ms = source.at_ms + source.fresh_ms
                    self._covers[name].extend(now_ms, until_ms)
                    latest_ms = max(latest_ms, until_ms)
        if latest_ms > now_ms:
            self._cover.extend(now_ms, latest_ms)

    def order(self, course: Course, at_ms: int) -> None:
        """A course was ordered."""
        self._orders.append((at_ms, order_of(course, at_ms)))

    def dose(self, row: Mapping[str, Any]) -> None:
        """A dose has another status; the last one counts."""
        due_ms = row["due_ms"] if row["due_ms"] is not None else row["started_ms"]
        self._doses[due_ms, row["number"]] = row

    def figures(self, now_ms: int, labels: Labels) -> StayFigures:
        """What there is to say when the recording has come so far."""
        ended_ms = now_ms if self.ended_ms is None else self.ended_ms
        alarmed = [
            Alarmed(family=each.family, announced_ms=each.announced_ms, until_ms=each.until_ms)
            for each in self.alarms.announcements
        ]
        own = [label for label in labels.labels if label.admission_id == self.admission_id]
        return StayFigures(
            recording=self.recording,
            admission_id=self.admission_id,
            bed=str(self.bed),
            admitted_ms=self.admitted_ms,
            ended_ms=ended_ms,
            is_discharged=self.ended_ms is not None,
            covered_ms={name: cover.total_at(ended_ms) for name, cover in self._covers.items()},
            covered_any_ms=self._cover.total_at(ended_ms),
            announcements=self.alarms.announcements,
            spans=self.spans.closed(),
            unknown_ms=self.spans.time_in(UNKNOWN, ended_ms),
            holding_ms=self.spans.time_in(HOLDING, ended_ms),
            due=self._due(ended_ms),
            doses=self._outcomes(),
            signed=self.signed,
            detections=detections(own, alarmed),
            annotated=tuple(sorted(labels.annotated)),
            false_alarms=false_alarms(own, labels.annotated, alarmed),
        )

    def _due(self, ended_ms: int) -> tuple[DueDose, ...]:
        """The doses that fell due under the order in force."""
        found = []
        ends = [*(at_ms for at_ms, _ in self._orders), ended_ms][1:]
        for (ordered_ms, order), until_ms in zip(self._orders, ends, strict=False):
            for number in range(1, order.max_doses + 1):
                due_ms = order.due_ms(number)
                span = self.spans.at(due_ms)
                if ordered_ms <= due_ms < min(until_ms, ended_ms) and span is not None:
                    found.append(DueDose(number=number, due_ms=due_ms, decision=span.decision, because=span.because))
        return tuple(found)

    def _outcomes(self) -> tuple[DoseOutcome, ...]:
        return tuple(self._outcome(row) for _, row in sorted(self._doses.items()))

    def _outcome(self, row: Mapping[str, Any]) -> DoseOutcome:
        began = self.spans.at(row["started_ms"]) if row["started_ms"] is not None else None
        return DoseOutcome(
            number=row["number"],
            due_ms=row["due_ms"],
            started_ms=row["started_ms"],
            status=row["status"],
            percent_of_order=row["percent_of_order"],
            decision_at_start=began.decision if began is not None else None,
        )


class RecordingTally:
    """Every stay of one recording under one profile."""

    def __init__(self, recording: str, ward: Ward) -> None:
        self._recording = recording
        self._ward = ward
        self._stays: list[StayTally] = []
        """In order of admission."""
        self._present: dict[BedId, StayTally] = {}
        self._by_id: dict[str, StayTally] = {}
        self._counts: Counter[str] = Counter()
        self._take: dict[type, Callable[[Any], None]] = {
            SamplesAccepted: self._samples,
            AlarmTransition: self._alarm,
            DecisionChanged: self._decision,
            DoseChanged: self._dose,
            AdmissionChanged: self._admission,
            CommandApplied: self._applied,
            CommandRefused: self._refused,
            InputRejected: self._rejected,
        }

    def take(self, effects: Iterable[object]) -> None:
        """Take what the fold says of one entry."""
        for effect in effects:
            take = self._take.get(type(effect))
            if take is not None:
                take(effect)

    def figures(self, labels: Labels) -> ArmFigures:
        """What there is to say at the end of the recording."""
        ward = self._ward
        return ArmFigures(
            stays=tuple(stay.figures(ward.now_ms, labels) for stay in self._stays),
            received=ward.received,
            evaluated=ward.evaluated,
            duplicate=ward.duplicate,
            rejected=ward.rejected,
            metrics_rejected=self._counts["metrics"],
            commands_refused=self._counts["refused"],
            signatures_refused=self._counts["refused sign"],
        )

    def _samples(self, effect: SamplesAccepted) -> None:
        if not effect.signals:
            return
        device = effect.device
        bed_id = BedId(device.unit, device.bed)
        stay = self._present.get(bed_id)
        if stay is not None:
            stay.cover(effect, self._ward.beds[bed_id])

    def _alarm(self, effect: AlarmTransition) -> None:
        stay = self._by_id.get(effect.alarm.admission_id or "")
        if stay is not None:
            stay.alarms.take(effect)

    def _decision(self, effect: DecisionChanged) -> None:
        self._by_id[effect.admission_id].spans.take(effect)

    def _dose(self, effect: DoseChanged) -> None:
        self._by_id[effect.admission_id].dose(effect.row)

    def _admission(self, effect: AdmissionChanged) -> None:
        if effect.change == "admit":
            stay = self._by_id[effect.admission_id] = StayTally(self._recording, effect.admission)
            self._stays.append(stay)
        stay = self._by_id[effect.admission_id]
        self._present.pop(stay.bed, None)
        stay.bed = effect.bed
        if effect.change == "discharge":
            stay.ended_ms = effect.at_ms
        else:
            self._present[effect.bed] = stay

    def _applied(self, effect: CommandApplied) -> None:
        stay = self._by_id.get(effect.subject_id)
        if stay is None:
            return
        if effect.command == "sign":
            stay.signed += 1
        elif effect.command == "course":
            course = parse_command("course", effect.body, effect.at_ms)
            assert isinstance(course, Course), "it was carried out"
            stay.order(course, effect.at_ms)

    def _refused(self, effect: CommandRefused) -> None:
        self._counts["refused"] += 1
        self._counts[f"refused {effect.command}"] += 1

    def _rejected(self, effect: InputRejected) -> None:
        self._counts["messages" if effect.metric is None else "metrics"] += 1
