"""The devices at a bed whose patient is treated: monitor with rhythm events, bed scale, urometer, laboratory feed.

Each reads the bedside (`simulators.care.bedside`) at the instant it speaks. Their times go by the course, not by the
wall: a run that begins at another hour of the day says the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from simulators.artefacts import Artefact, ArtefactCourse
from simulators.beats import AF_IRREGULARITY, SINUS_IRREGULARITY
from simulators.care.bedside import FIRST_WEIGHED_H, WEIGHED_EVERY_H, Bedside
from simulators.care.notebook import LabResult
from simulators.devices import Device, JsonScalar, Message, Metrics, Place
from simulators.monitor import Measured, Monitor, Spoilt
from simulators.physiology import VitalSigns
from simulators.plan import PlannedArtefact

NEVER_MS = 1 << 60
POUNDS_PER_KG = 2.2046
_HOUR_MS = 3_600_000
_RESULT_AFTER_MIN = (40, 80)
"""From the sample to the result."""


@dataclass(frozen=True, slots=True)
class AsPatient:
    """A bedside as something that a monitor measures."""

    bedside: Bedside
    begins_s: float
    """Seconds of the bedside's run at the start of the devices'."""

    def vital_signs_at(self, t_s: float, /) -> VitalSigns:
        """What is true; asked for instants at most a step away from where the bedside is."""
        return self.bedside.signs_at(self.begins_s + t_s)


@dataclass(frozen=True, slots=True)
class PlannedCourse:
    """Artefacts that were laid down, and others drawn."""

    planned: tuple[PlannedArtefact, ...]
    drawn: ArtefactCourse

    def at(self, t_s: float, /) -> Artefact | None:
        """The one under way, the planned first."""
        for planned in self.planned:
            if planned.at_s <= t_s < planned.at_s + planned.for_s:
                return Artefact(
                    kind=planned.kind, start_s=planned.at_s, end_s=planned.at_s + planned.for_s, draw=planned.draw
                )
        return self.drawn.at(t_s) if self.drawn.per_h > 0.0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmEvent:
    """What the monitor's own arrhythmia detection says."""

    event: str
    phase: str
    beats: int | None = None


class CourseMonitor(Monitor):
    """A monitor that also tells of arrhythmias."""

    def __init__(
        self,
        place: Place,
        patient: Measured,
        *,
        has_arterial_line: bool,
        artefacts: Spoilt,
        period_s: int,
        seed: str,
        start_ms: int,
        is_irregular: Callable[[], bool] = lambda: False,
    ) -> None:
        """Connects the monitor; the arguments are those of `Monitor`, and whether the heart fibrillates."""
        super().__init__(
            place, patient, has_arterial_line=has_arterial_line, artefacts=artefacts, period_s=period_s, seed=seed,
            start_ms=start_ms,
        )  # fmt: skip
        self._to_tell: list[RhythmEvent] = []
        self._is_irregular = is_irregular

    def tell(self, event: RhythmEvent) -> None:
        """Says it at the next report."""
        self._to_tell.append(event)

    def _irregularity(self) -> float:
        return AF_IRREGULARITY if self._is_irregular() else SINUS_IRREGULARITY

    def _speak(self, at_ms: int) -> list[Message]:
        told = [self._tell(at_ms, event) for event in self._to_tell]
        self._to_tell.clear()
        return told + super()._speak(at_ms)

    def _tell(self, at_ms: int, event: RhythmEvent) -> Message:
        if event.beats is None:
            return self._event(at_ms, event.event, event.phase)
        attributes: dict[str, JsonScalar] = {"beats": event.beats}
        return self._event(at_ms, event.event, event.phase, priority="high", attributes=attributes)


class CourseScale(Device):
    """Weighs at the start and then once a day of the course."""

    kind = "scale"
    model = "Simulated bed scale"

    def __init__(self, place: Place, bedside: Bedside, *, seed: str, start_ms: int, start_h: float) -> None:
        """Puts the scale under the bed; `start_h` is the hour of the course at `start_ms`."""
        super().__init__(place, seed=seed, start_ms=start_ms)
        self._bedside = bedside
        self._start_h = start_h
        self.last_shown_kg: float | None = None
        self.offset_kg = 0.0
        self.is_in_pounds = False
        self.showed_pounds = False
        """Whether it did at the last weighing."""
        self.shown_offset_kg = 0.0
        """What stood on it then beside the patient."""

    def _due_after(self, at_ms: int) -> int:
        t_h = self._start_h + (at_ms - self.start_ms) / _HOUR_MS
        days = (t_h - FIRST_WEIGHED_H) // WEIGHED_EVERY_H + 1
        return self.start_ms + round((FIRST_WEIGHED_H + days * WEIGHED_EVERY_H - self._start_h) * _HOUR_MS)

    def _speak(self, at_ms: int) -> list[Message]:
        true_kg = self._bedside.traits.weight_kg + self._bedside.state.weight_gain_kg() + self.offset_kg
        shown = true_kg * (POUNDS_PER_KG if self.is_in_pounds else 1.0)
        self.last_shown_kg = round(shown, 1)
        self.showed_pounds, self.shown_offset_kg = self.is_in_pounds, self.offset_kg
        return [self._obs(at_ms, {"MDC_MASS_BODY_ACTUAL": self.last_shown_kg})]


class CourseUrometer(Device):
    """Reports at each full hour of the run what came in the hour before."""

    kind = "urometer"
    model = "Simulated urometer"

    def __init__(self, place: Place, bedside: Bedside, *, seed: str, start_ms: int) -> None:
        """Hangs the urometer; its first reading is due an hour later."""
        super().__init__(place, seed=seed, start_ms=start_ms)
        self._bedside = bedside
        self.next_due_ms = start_ms + _HOUR_MS + 20_000

    def _due_after(self, at_ms: int) -> int:
        return at_ms + _HOUR_MS

    def _speak(self, at_ms: int) -> list[Message]:
        if not self._bedside.notes.urine_ml:
            return []
        return [self._obs(at_ms, {"MDC_FLOW_URINE_PREV_HR": round(self._bedside.notes.urine_ml[-1][1])})]


class LabFeed(Device):
    """The laboratory's results, each some time after its sample and with the time of the sample."""

    kind = "chart"
    model = "Simulated laboratory feed"

    def __init__(self, place: Place, *, seed: str, start_ms: int) -> None:
        """Connects the feed; it is silent until there is a result."""
        super().__init__(place, seed=seed, start_ms=start_ms)
        self._rng = random.Random(f"lab:{self.seed}")
        self._results: list[tuple[int, int, LabResult]] = []
        """(due, drawn, result)"""
        self.next_due_ms = NEVER_MS

    def shift(self, by_ms: int) -> None:
        """See `Device.shift`; samples that are under way move along."""
        super().shift(by_ms if self.next_due_ms < NEVER_MS else 0)
        self._results = [(due + by_ms, drawn + by_ms, result) for due, drawn, result in self._results]

    def take(self, drawn_ms: int, sample: LabResult) -> None:
        """A sample arrives at the laboratory."""
        self._results.append((drawn_ms + self._rng.randint(*_RESULT_AFTER_MIN) * 60_000, drawn_ms, sample))
        self.next_due_ms = self._results[0][0]

    def _due_after(self, at_ms: int) -> int:  # noqa: ARG002 - results come when they come
        return self._results[0][0] if self._results else NEVER_MS

    def _speak(self, at_ms: int) -> list[Message]:
        _, drawn_ms, sample = self._results.pop(0)
        return [self._obs(at_ms, self._metrics(drawn_ms, sample))]

    def _metrics(self, drawn_ms: int, sample: LabResult) -> Metrics:
        return {name: {"value": value, "time": self._own_time(drawn_ms)} for name, value in lab_values(sample).items()}


def lab_values(sample: LabResult) -> dict[str, float]:
    """A sample's results by the names of the wire."""
    return {
        "loinc:2160-0": sample.creatinine,
        "loinc:1963-8": sample.bicarbonate,
        "loinc:777-3": sample.platelets,
        "loinc:1975-2": sample.bilirubin,
        "loinc:1751-7": sample.albumin,
        "loinc:2823-3": sample.potassium,
        "loinc:10839-9": 0.01,
        "loinc:2345-7": 112.0,
    }
