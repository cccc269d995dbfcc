"""A run of a scenario: beds, devices, wires and the truth about them, step by step, without waiting for anybody.

Invariants:
  - Scenario, number of beds, unit, seed and start instant decide every byte, every arrival and every command.
  - What comes out is in order of arrival; a command stands before the messages of its instant.
  - The truth is taken every ten seconds, before the devices speak.

It deliberately neither waits nor publishes nor writes: `simulators.offline` does one, `simulators.live` the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from simulators.admissions import admission_request
from simulators.body.state import HappeningKind
from simulators.course_bed import FIRST_SAID_MS, STEP_S, Asked, CourseBed
from simulators.course_devices import NEVER_MS
from simulators.course_truth import CourseTruth
from simulators.devices import Device, Message
from simulators.oracle.expectations import BedFacts
from simulators.oracle.sample import TruthSample
from simulators.oracle.watch import BedWatch, TruthSpan
from simulators.plan import FaultKind, PlannedFault
from simulators.scenario import Scenario
from simulators.truth import DoseTruth, RunTruth, SignatureTruth, truth_of
from simulators.ward import SURNAMES, SimulatedBed, Ward
from simulators.wire_faults import Arrivals, Wire

STEP_MS = STEP_S * 1000


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens at the gateway's door: a message arrives, or somebody asks for something."""

    at_ms: int
    message: Message | None = None
    asked: Asked | None = None

    @property
    def is_pause(self) -> bool:
        """Neither: the admissions are made, the devices have not spoken yet."""
        return self.message is None and self.asked is None


class OutageStyle(StrEnum):
    """How a broker's outage that a scenario lays down comes about."""

    TOLD = "told"
    """Messages are kept back, and what the gateway itself would journal is said: a recording."""
    SILENT = "silent"
    """Messages are kept back; the gateway notices nothing but their absence."""
    REAL = "real"
    """Somebody kills the broker, and starts it again: connections keep the messages, the gateway sees for itself."""


class StagedBed(Protocol):
    """A bed as the stage runs it."""

    unit: str
    bed: str
    admission_id: str

    @property
    def devices(self) -> tuple[Device, ...]:
        """What stands there."""

    def opening(self) -> list[Asked]:
        """What is asked first."""

    def memories(self) -> Iterator[tuple[int, Device, Message]]:
        """What devices tell of the time before."""

    def step(self, at_ms: int) -> list[Asked]:
        """Moves to an instant."""

    def shift(self, by_ms: int) -> None:
        """The one simulated clock has been set by so much."""


class _WardBed:
    """A bed of a ward whose vital signs are a function of time."""

    def __init__(self, bed: SimulatedBed, seed: int) -> None:
        self.unit, self.bed, self._bed = bed.unit, bed.bed, bed
        self.admission_id = f"sim-{seed}-{bed.unit}-{bed.bed}"

    @property
    def devices(self) -> tuple[Device, ...]:
        return self._bed.devices

    def opening(self) -> list[Asked]:
        return [Asked(command="admit", body={"admission_id": self.admission_id, **admission_request(self._bed)})]

    def memories(self) -> Iterator[tuple[int, Device, Message]]:
        return iter(())

    def step(self, at_ms: int) -> list[Asked]:  # noqa: ARG002 - nobody treats anybody here
        return []

    def shift(self, by_ms: int) -> None:
        for device in self.devices:
            device.shift(by_ms)


@dataclass(slots=True)
class _WardTruth:
    """What is true at a bed of a ward."""

    bed: SimulatedBed

    @property
    def has_line(self) -> bool:
        return self.bed.monitor.has_arterial_line

    def sample(self, at_ms: int, is_down: tuple[str, ...]) -> TruthSample:  # noqa: ARG002 - nothing is ever down here
        run_s = (at_ms - self.bed.monitor.start_ms) / 1000.0
        traits, artefact = self.bed.patient.traits, self.bed.monitor.artefact_at(run_s)
        signs = self.bed.patient.vital_signs_at(run_s)
        return TruthSample(
            at_ms=at_ms,
            signs=signs,
            artefact=None if artefact is None else artefact.kind.value,
            has_line=self.has_line,
            sbp0=traits.map0 + (1.0 - traits.form_factor) * traits.pulse_pressure0,
            pressor_changed=len(self.bed.devices) > 4,
            urine_hour_ml=signs.urine_ml_h,
            weight_gain_pct=100.0 * (signs.weight_kg / traits.weight_kg - 1.0),
            weighed_gain_pct=100.0 * (signs.weight_kg / traits.weight_kg - 1.0),
            clock_errors_s={self.bed.monitor.place.device: self.bed.monitor.clock_offset_ms / 1000.0},
        )


class Stage:
    """One run."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        beds: int,
        unit: str,
        seed: int,
        start_ms: int,
        outage: OutageStyle = OutageStyle.TOLD,
    ) -> None:
        """Sets the stage.

        Args:
            scenario: what is played.
            beds: how many, >= 1.
            unit: name of the unit in topics.
            seed: the same seed, the same run.
            start_ms: simulated start, milliseconds since 1970 UTC.
            outage: how a broker's outage comes about.
        """
        self.scenario, self.unit, self.seed = scenario, unit, seed
        self.start_ms = self.now_ms = start_ms
        self.outage = outage
        self._shift_ms = 0
        self.admissions: dict[str, str] = {}
        """Live: the gateway's id of each admission, by ours."""
        self.beds: list[StagedBed] = []
        self._truths: list[CourseTruth | _WardTruth] = []
        self.course_beds: list[CourseBed] = []
        if scenario.is_course:
            self._put_course_beds(beds)
        else:
            self._put_ward_beds(beds)
        self._watches = [BedWatch(f"{bed.unit}/{bed.bed}") for bed in self.beds]
        self._wires = {device: self._wire(bed, device) for bed in self._of() for device in bed[1].devices}
        self._arrivals = Arrivals()
        self._online: set[Device] = set()
        self._dues: dict[Device, None] = dict.fromkeys(self._wires)

    def acts(self, duration_s: float | None = None) -> Iterator[Act]:
        """What happens from the start on, for so many simulated seconds, or for ever."""
        yield from self._opening()
        while duration_s is None or self.now_ms + STEP_MS <= self.start_ms + duration_s * 1000.0:
            self._apply_shift()
            yield from self._step(self.now_ms + STEP_MS)

    def shift(self, by_ms: int) -> None:
        """The one simulated clock has been set by so much: everything moves along, from the next step on."""
        self._shift_ms += by_ms

    def _apply_shift(self) -> None:
        by_ms, self._shift_ms = self._shift_ms, 0
        if not by_ms:
            return
        self.start_ms += by_ms
        self.now_ms += by_ms
        for bed in self.beds:
            bed.shift(by_ms)
        self._arrivals.shift(by_ms)
        for wire in self._wires.values():
            wire.shift(by_ms)

    def truth(self) -> RunTruth:
        """All that is known of the run so far, and what is expected of it."""
        spans = [span for number, watch in enumerate(self._watches) for span in self._spans_of(number, watch)]
        facts = [
            BedFacts(
                bed=watch.bed,
                has_line=truth.has_line,
                admission_id=self.admissions.get(bed.admission_id, bed.admission_id),
            )
            for bed, watch, truth in zip(self.beds, self._watches, self._truths, strict=True)
        ]
        return truth_of(
            scenario=self.scenario.name, seed=self.seed, start_ms=self.start_ms, end_ms=self.now_ms, beds=facts,
            spans=spans, doses=[d for bed in self.course_beds for d in _doses_of(bed)],
            signatures=[s for bed in self.course_beds for s in _signatures_of(bed)],
        )  # fmt: skip

    # --- setting up ---------------------------------------------------------------------------------------------------

    def _put_course_beds(self, beds: int) -> None:
        for number in range(1, beds + 1):
            again = (number - 1) // len(SURNAMES)
            bed = CourseBed(
                self.scenario.plan_of(number), unit=self.unit, bed=f"b{number:0{max(2, len(str(beds)))}d}",
                name=f"Demo {SURNAMES[(number - 1) % len(SURNAMES)]}" + (f" {again + 1}" if again else ""),
                seed=self.seed, start_ms=self.start_ms, monitor_period_s=self.scenario.monitor_period_s,
            )  # fmt: skip
            self.beds.append(bed)
            self.course_beds.append(bed)
            self._truths.append(CourseTruth(bed))

    def _put_ward_beds(self, beds: int) -> None:
        ward = Ward(self.scenario, beds=beds, unit=self.unit, seed=self.seed, start_ms=self.start_ms)
        for bed in ward.beds:
            self.beds.append(_WardBed(bed, self.seed))
            self._truths.append(_WardTruth(bed))

    def _of(self) -> list[tuple[int, StagedBed]]:
        return list(enumerate(self.beds))

    def _wire(self, numbered: tuple[int, StagedBed], device: Device) -> Wire:
        faults: tuple[PlannedFault, ...] = ()
        if self.scenario.is_course:
            plan = self.scenario.plan_of(numbered[0] + 1)
            faults = tuple(fault for fault in plan.faults if fault.device == device.place.device)
        is_real = self.outage is OutageStyle.REAL
        return Wire(device, faults, self.scenario.outages, self.start_ms, holds_outages=not is_real)

    # --- running ------------------------------------------------------------------------------------------------------

    def _opening(self) -> Iterator[Act]:
        for bed in self.beds:
            for asked in bed.opening():
                yield Act(self.start_ms, asked=asked)
        for staged in self.course_beds:
            for device in staged.devices:
                device.next_due_ms += FIRST_SAID_MS if device.next_due_ms < NEVER_MS else 0
        for bed in self.beds:
            for at_ms, device, message in bed.memories():
                if device not in self._online:
                    self._say_online(device, at_ms)
                self._arrivals.add(at_ms, message, device)
        yield Act(self.start_ms)
        self._apply_shift()
        for number, truth in enumerate(self._truths):
            self._watches[number].take(truth.sample(self.start_ms, ()))

    def _step(self, to_ms: int) -> Iterator[Act]:
        """From `now_ms` to `to_ms`: the devices speak of the state that there is, then everything moves."""
        for device in list(self._dues):
            self._let_speak(device, to_ms)
        for device, wire in self._wires.items():
            for at_ms, message in wire.passes(self.now_ms, to_ms):
                if device in self._online:
                    self._arrivals.add(at_ms, message, device)
        told = self._link_acts(to_ms)
        for arrival in self._arrivals.until(to_ms):
            while told and told[0].at_ms <= arrival.at_ms:
                yield told.pop(0)
            yield Act(arrival.at_ms, message=arrival.message)
        yield from told
        for bed in self.beds:
            for asked in bed.step(to_ms):
                yield Act(to_ms, asked=asked)
        self.now_ms = to_ms
        for number, truth in enumerate(self._truths):
            self._watches[number].take(truth.sample(to_ms, self._down(number, to_ms)))

    def _let_speak(self, device: Device, to_ms: int) -> None:
        while device.next_due_ms <= to_ms:
            at_ms = device.next_due_ms
            if device not in self._online:
                self._say_online(device, at_ms)
            for message in device.step():
                for arrives_ms, arriving in self._wires[device].take(at_ms, message):
                    self._arrivals.add(arrives_ms, arriving, device)
            if device.next_due_ms >= NEVER_MS:
                break

    def _say_online(self, device: Device, at_ms: int) -> None:
        self._online.add(device)
        self._arrivals.add(at_ms, device.online(at_ms), device)

    def _link_acts(self, to_ms: int) -> list[Act]:
        acts = []
        for outage in self.scenario.outages if self.outage is OutageStyle.TOLD else ():
            for seconds, state in ((outage.at_s, "down"), (outage.at_s + outage.for_s, "up")):
                at_ms = self.start_ms + round(seconds * 1000)
                if self.now_ms < at_ms <= to_ms:
                    acts.append(Act(at_ms, asked=Asked(command="link", body={"part": "broker", "state": state})))
        return sorted(acts, key=lambda act: act.at_ms)

    def _down(self, number: int, at_ms: int) -> tuple[str, ...]:
        return tuple(
            device.place.device
            for device in self.beds[number].devices
            if device in self._online and any(cut.holds(at_ms) for cut in self._wires[device].cuts)
        )

    # --- truth --------------------------------------------------------------------------------------------------------

    def _spans_of(self, number: int, watch: BedWatch) -> list[TruthSpan]:
        name, start_ms = watch.bed, self.start_ms
        spans = watch.so_far(self.now_ms)
        spans.append(TruthSpan(bed=name, what="start", from_ms=start_ms, to_ms=start_ms + 60_000))
        for device in self.beds[number].devices:
            spans += _of_wire(name, device, self._wires[device])
        if self.scenario.is_course:
            spans += _of_plan(name, self.course_beds[number], self.now_ms)
        for outage in self.scenario.outages:
            from_ms = start_ms + round(outage.at_s * 1000)
            to_ms = from_ms + round(outage.for_s * 1000)
            spans.append(
                TruthSpan(bed=name, what=f"outage.{self.outage}", from_ms=from_ms, to_ms=min(to_ms, self.now_ms))
            )
        return [span for span in spans if span.from_ms <= self.now_ms]


def _of_wire(bed: str, device: Device, wire: Wire) -> Iterator[TruthSpan]:
    name = device.place.device
    for what, instants in (("loss", wire.lost), ("damage", wire.damaged)):
        if instants:
            yield TruthSpan(bed=bed, what=f"{what}.{name}", from_ms=min(instants), to_ms=max(instants) + 1, detail=name)


def _of_plan(bed: str, staged: CourseBed, now_ms: int) -> Iterator[TruthSpan]:
    for run in staged.bedside.state.happenings:
        at_ms = staged.at_ms(run.start_h)
        if run.kind is HappeningKind.VT and staged.start_ms <= at_ms <= now_ms:
            seen = "run.seen" if run.depth >= 5 else "run.short"
            yield TruthSpan(bed=bed, what=seen, from_ms=at_ms, to_ms=at_ms + 10_000, detail=f"{run.depth:.0f} beats")
    for fault in staged.plan.faults:
        from_ms = staged.start_ms + round(fault.at_s * 1000)
        if fault.kind in {FaultKind.REORDER, FaultKind.DUPLICATES}:
            to_ms = from_ms + round(fault.for_s * 1000)
            yield TruthSpan(bed=bed, what=f"disorder.{fault.device}", from_ms=from_ms, to_ms=to_ms)


def _doses_of(bed: CourseBed) -> Iterator[DoseTruth]:
    begun = dict(bed.bedside.notes.doses)
    for at_ms, resolve in bed.resolves:
        started = begun.get(resolve.slot)
        yield DoseTruth(
            bed=f"{bed.unit}/{bed.bed}", number=resolve.slot, at_ms=at_ms, action=resolve.action.value,
            reasons=resolve.reasons, is_by_label=resolve.is_by_label,
            started_ms=None if started is None else bed.at_ms(started),
        )  # fmt: skip


def _signatures_of(bed: CourseBed) -> Iterator[SignatureTruth]:
    for at_ms, decision in bed.signed:
        yield SignatureTruth(bed=f"{bed.unit}/{bed.bed}", at_ms=at_ms, decision=decision)
