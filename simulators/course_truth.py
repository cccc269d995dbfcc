"""What is true of a bed of a course at an instant, as the oracle asks it: patient, programs, signatures, devices."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from simulators.body.circulation import rhythm
from simulators.care.infusion import Stop
from simulators.care.nurse import longest_run
from simulators.course_bed import CourseBed
from simulators.oracle.sample import TruthSample
from simulators.physiology import VitalSigns

_CERTAIN_SBP, _POSSIBLE_SBP = 86.0, 97.0
_CERTAIN_SPO2, _POSSIBLE_SPO2 = 88.0, 92.6
_CUFF_DOUBT = 9.0
_CERTAIN_FOR = 7
"""Looks in a row, ten seconds apart."""
_PRESSOR_CHANGED_MS = 100 * 60_000
_PRESSORS = ("phenylephrine", "norepinephrine", "dopamine")


@dataclass(slots=True)
class CourseTruth:
    """Follows one bed."""

    bed: CourseBed
    _sbp: deque[float] = field(default_factory=lambda: deque(maxlen=_CERTAIN_FOR))
    _spo2: deque[float] = field(default_factory=lambda: deque(maxlen=_CERTAIN_FOR))
    _rates: tuple[float, ...] = ()
    _rates_changed_ms: int = 0
    _gains: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=290))
    """(hours of the course, kg gained), every five minutes for a day."""
    _last_possible_ms: int = -1
    _last_certain_ms: int = -1

    @property
    def has_line(self) -> bool:
        """Whether the bed has an arterial line."""
        return self.bed.plan.has_arterial_line

    def sample(self, at_ms: int, is_down: tuple[str, ...]) -> TruthSample:
        """One look; to be taken every ten seconds."""
        bed, bedside = self.bed, self.bed.bedside
        signs, state, notes = bedside.signs(), bedside.state, bedside.notes
        artefact = bed.monitor.artefact_at((at_ms - bed.start_ms) / 1000.0)
        certain, possible = self._holds(signs)
        if possible or certain:
            self._last_possible_ms = at_ms
        if certain:
            self._last_certain_ms = at_ms
        channels = bedside.channels
        rates = tuple(channels[name].shown_rate for name in _PRESSORS)
        if self._rates and rates != self._rates:
            self._rates_changed_ms = at_ms
        self._rates = rates
        gain_kg = state.weight_gain_kg()
        if not self._gains or state.t_h - self._gains[-1][0] >= 1.0 / 12.0:
            self._gains.append((state.t_h, gain_kg))
        alarmed = {Stop.OCCLUSION, Stop.AIR, Stop.DOOR}
        stopped = tuple(n for n, c in channels.items() if c.stop in alarmed and c.is_started)
        return TruthSample(
            at_ms=at_ms,
            signs=signs,
            rhythm=rhythm(state),
            artefact=None if artefact is None else artefact.kind.value,
            has_line=self.has_line,
            is_connected="mon1" not in is_down,
            sbp0=bedside.traits.sbp0,
            has_course=bed.plan.has_course,
            holds=certain,
            may_hold=possible,
            is_stopped=longest_run(state) >= 5,
            il2_infusing=channels["il2"].is_infusing,
            signed_after_hold=self._signed_ms() >= self._last_possible_ms,
            is_held_unsigned=self._last_certain_ms > self._signed_ms(),
            mistake=bed.mistake_at(at_ms),
            stopped_channels=stopped,
            drained_channels=tuple(n for n, c in channels.items() if c.stop is Stop.BATTERY and c.is_started),
            stopped_pressors=tuple(n for n in stopped if n in _PRESSORS),
            waits_for_permit=channels["il2"].stop is Stop.NO_PERMIT,
            pressor_changed=at_ms - self._rates_changed_ms < _PRESSOR_CHANGED_MS,
            urine_8h_ml=notes.urine_of_8h(),
            urine_hour_ml=notes.urine_ml[-1][1] if notes.urine_ml else 100.0,
            creatinine=notes.labs[-1].creatinine if notes.labs else bedside.traits.creatinine0,
            creatinine0=bedside.traits.creatinine0,
            weight_gain_pct=100.0 * gain_kg / bedside.traits.weight_kg,
            weighed_gain_pct=self._weighed_pct(),
            weight_mistake=self._weight_mistake(),
            weight_offset_kg=bed.scale.shown_offset_kg,
            gain_24h_kg=gain_kg - self._gain_a_day_ago(),
            clock_errors_s={
                device.place.device: device.time.error_ms(at_ms) / 1000.0
                for device in (bed.monitor, bed.pumps["il2"], bed.pumps["fluid"])
            },
            is_down=is_down,
            oxygen_l_min=bedside.nurse.oxygen_l_min,
            platelets=notes.labs[-1].platelets if notes.labs else 250.0,
            mental=bedside.nurse.mental,
        )

    def _holds(self, signs: VitalSigns) -> tuple[tuple[str, ...], bool]:
        """(rows of the label that certainly hold, whether some nearly does)."""
        bed = self.bed
        self._sbp.append(signs.sbp)
        self._spo2.append(signs.spo2)
        doubt = 0.0 if self.has_line else _CUFF_DOUBT
        assessment = bed.bedside.nurse.assessment(bed.bedside.state, signs)
        own = {"cardiovascular.sbp", "respiratory.spo2"}
        certain = [row for row in assessment.holds if row not in own]
        if len(self._sbp) == _CERTAIN_FOR and max(self._sbp) < _CERTAIN_SBP - doubt and self.has_line:
            certain.append("cardiovascular.sbp")
        if len(self._spo2) == _CERTAIN_FOR and max(self._spo2) < _CERTAIN_SPO2:
            certain.append("respiratory.spo2")
        possible = min(self._sbp) < _POSSIBLE_SBP + doubt or min(self._spo2) < _POSSIBLE_SPO2
        return tuple(certain), possible or bool(assessment.holds)

    def _signed_ms(self) -> int:
        proceeds = [at_ms for at_ms, decision in self.bed.signed if decision == "proceed"]
        return proceeds[-1] if proceeds else 0

    def _weighed_pct(self) -> float:
        """What the scale last showed, against the weight before treatment."""
        weight_kg, shown = self.bed.bedside.traits.weight_kg, self.bed.scale.last_shown_kg
        return 0.0 if shown is None else 100.0 * (shown - weight_kg) / weight_kg

    def _weight_mistake(self) -> str | None:
        """What is wrong with the last weighing, or with the weight that it is compared with."""
        scale = self.bed.scale
        if scale.last_shown_kg is None:
            return None
        if scale.showed_pounds:
            return f"the scale shows {scale.last_shown_kg:g} lb as kg"
        return "the order's weight is in lb" if self.bed.is_admitted_in_pounds else None

    def _gain_a_day_ago(self) -> float:
        oldest_h, gain_kg = self._gains[0]
        return gain_kg if self._gains[-1][0] - oldest_h >= 23.0 else 0.0
