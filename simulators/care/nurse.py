"""The nurse: looks each minute, treats low pressure and low saturation, gives doses when they are due or holds them.

Targets and steps follow clinical notes 3.3, 3.5 and 4.5: mean pressure 65, systolic 86 or 28 mmHg below baseline;
boluses first (500 mL, two in 24 h), then phenylephrine from 0.3 by 0.2 to 2 ug/kg/min, then norepinephrine; oxygen for
a saturation of 95 %; dopamine 2 ug/kg/min against oliguria. Before each dose the criteria are read
(`simulators.care.assessment`).

The nurse sees the patient, not the monitor: artefacts fool nobody here. A course is ended for good when the label says
so, and under the consensus protocol by one absolute or three relative criteria, by three held doses, or when the
patient has had enough (`endurance`, [D]: it stands for all that the model leaves out).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from simulators.body.circulation import rhythm
from simulators.body.state import BodyState, HappeningKind
from simulators.body.traits import BodyTraits
from simulators.care.assessment import Assessment, Findings, assess
from simulators.care.infusion import Infusion
from simulators.care.notebook import Notebook
from simulators.physiology import DOSE_INTERVAL_H, VitalSigns

LOOK_EVERY_S = 60.0
BOLUS_ML, BOLUS_MIN = 500.0, 30.0
_BOLUSES_PER_DAY = 2
_BETWEEN_BOLUSES_H = 0.75
_CARRIER_ML_H = 40.0
_EXTRA_ML_H = 85.0
"""Maintenance up to 125 mL/h (clinical notes 3.5 [V])."""
_MAP_TARGET, _SBP_TARGET = 65.0, 86.0
_SBP_BELOW_BASELINE = 28.0
"""20-30 mmHg below baseline is tolerated, and less in whom pressure was high (clinical notes 3.5 [S])."""
_ENOUGH = 310.0
"""Activity-hours after which half of the patients have had enough; [D], set so that 8-12 doses are given [V]."""


class Protocol(StrEnum):
    """By which text doses are held."""

    LABEL = "label"
    CONSENSUS = "consensus"


class DoseAction(StrEnum):
    """What the nurse does about the dose that is due."""

    GIVE = "give"
    HOLD = "hold"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """What was decided about one dose, and why."""

    slot: int
    action: DoseAction
    reasons: tuple[str, ...]
    is_by_label: bool
    """Whether the label alone says so; otherwise it is the clinicians' own decision."""


@dataclass(slots=True)
class Nurse:
    """One patient's nurse, around the clock."""

    traits: BodyTraits
    channels: dict[str, Infusion]
    notes: Notebook
    protocol: Protocol = Protocol.LABEL
    oxygen_l_min: float = 0.0
    extra_ml_h: float = 0.0
    """Maintenance fluid beyond the usual, against a low urine."""
    ended: tuple[str, ...] = ()
    """Why the course is over, once it is."""
    mental: str = "normal"
    _low_min: int = 0
    _high_min: int = 0
    _last_step_h: float = -99.0
    _last_oxygen_h: float = -99.0
    _boluses_h: list[float] = field(default_factory=list)
    _bolus_until_h: float = -99.0
    _was_low: bool = False
    _burden: float = 0.0
    _used_pressor: bool = False

    # --- each minute --------------------------------------------------------------------------------------------------

    def look(self, state: BodyState, signs: VitalSigns) -> None:
        """One look at the patient: what is needed is started, raised, lowered or stopped."""
        t_h = state.t_h
        self._burden += state.activity / 60.0
        self.mental = mental_status(state)
        self._was_low |= signs.sbp < 90.0
        self._end_bolus(t_h)
        self._hold_pressure(t_h, signs)
        self._help_kidneys(t_h, signs)
        self._give_oxygen(t_h, signs)
        rates = tuple(self.channels[name].given_rate for name in ("phenylephrine", "norepinephrine", "dopamine"))
        self._used_pressor |= any(rates)
        self.notes.pressors.append((t_h, rates[0], rates[1], rates[2]))

    @property
    def used_pressors(self) -> bool:
        """Whether any has run."""
        return self._used_pressor

    def _hold_pressure(self, t_h: float, signs: VitalSigns) -> None:
        floor = max(_SBP_TARGET, self.traits.sbp0 - _SBP_BELOW_BASELINE)
        is_low = signs.map < _MAP_TARGET or signs.sbp < floor
        self._low_min = self._low_min + 1 if is_low else 0
        self._high_min = self._high_min + 1 if signs.map > 73.0 and signs.sbp > floor + 8.0 else 0
        if self._low_min >= 3 and t_h - self._last_step_h >= 5.0 / 60.0:
            if not self._start_bolus(t_h) or signs.map < 57.0:
                self._raise_pressor()
            self._last_step_h = t_h
        elif self._high_min >= 15 and t_h - self._last_step_h >= 10.0 / 60.0:
            self._lower_pressor()
            self._last_step_h = t_h

    def _start_bolus(self, t_h: float) -> bool:
        recent = [h for h in self._boluses_h if t_h - h < 24.0]
        if len(recent) >= _BOLUSES_PER_DAY or (recent and t_h - recent[-1] < _BETWEEN_BOLUSES_H):
            return False
        self._boluses_h = [*recent, t_h]
        self._bolus_until_h = t_h + BOLUS_MIN / 60.0
        fluid = self.channels["fluid"]
        fluid.rate_ml_h = BOLUS_ML * 60.0 / BOLUS_MIN
        fluid.is_started = True
        return True

    def _end_bolus(self, t_h: float) -> None:
        fluid = self.channels["fluid"]
        if t_h >= self._bolus_until_h:
            fluid.rate_ml_h, fluid.is_started = _CARRIER_ML_H, True

    @property
    def is_bolus_running(self) -> bool:
        """Whether the fluid channel runs a bolus."""
        return self.channels["fluid"].rate_ml_h > _CARRIER_ML_H

    def _raise_pressor(self) -> None:
        first, second = self.channels["phenylephrine"], self.channels["norepinephrine"]
        if first.shown_rate < 1.95:
            first.titrate(0.3 if first.shown_rate < 0.25 else min(2.0, first.shown_rate + 0.2))
        elif second.shown_rate < 0.48:
            second.titrate(0.04 if second.shown_rate < 0.03 else min(0.5, second.shown_rate + 0.04))

    def _lower_pressor(self) -> None:
        first, second = self.channels["phenylephrine"], self.channels["norepinephrine"]
        if second.shown_rate > 0.0:
            second.titrate(0.0 if second.shown_rate <= 0.05 else second.shown_rate - 0.04)
        elif first.shown_rate > 0.0:
            first.titrate(0.0 if first.shown_rate <= 0.15 else first.shown_rate - 0.1)

    def _help_kidneys(self, t_h: float, signs: VitalSigns) -> None:
        dopamine = self.channels["dopamine"]
        hours = [ml / self.traits.weight_kg for _, ml in self.notes.urine_ml][-3:]
        is_recent = bool(self.notes.doses) and t_h - self.notes.doses[-1][1] < 12.0
        if len(hours) == 3:
            self.extra_ml_h = _EXTRA_ML_H if max(hours) < 0.6 and is_recent else 0.0
        if dopamine.shown_rate > 0.0:
            if signs.hr > 125.0 or not is_recent or (hours and min(hours) > 0.9):
                dopamine.titrate(0.0)
        elif len(hours) == 3 and max(hours) < 0.5 and signs.hr < 115.0 and is_recent:
            dopamine.titrate(2.0)

    def _give_oxygen(self, t_h: float, signs: VitalSigns) -> None:
        if signs.spo2 < 94.5 and t_h - self._last_oxygen_h >= 10.0 / 60.0 and self.oxygen_l_min < 10.0:
            self.oxygen_l_min += 1.0
            self._last_oxygen_h = t_h
        elif signs.spo2 > 98.0 and t_h - self._last_oxygen_h >= 0.5 and self.oxygen_l_min > 0.0:
            self.oxygen_l_min -= 1.0
            self._last_oxygen_h = t_h

    # --- before a dose ------------------------------------------------------------------------------------------------

    def resolve(self, slot: int, state: BodyState, signs: VitalSigns) -> Resolve:
        """Decides about the dose of a slot (1..14) that is due now."""
        assessment = self.assessment(state, signs)
        if assessment.stops or self.ended:
            return self._end(slot, self.ended or assessment.stops, by_label=bool(assessment.stops))
        if assessment.holds:
            return self._hold(slot, state.t_h, assessment.holds, by_label=True)
        if self.protocol is Protocol.CONSENSUS and (reasons := self._enough(assessment)):
            return self._end(slot, reasons, by_label=False)
        if self.protocol is Protocol.CONSENSUS and assessment.relative:
            return self._hold(slot, state.t_h, assessment.relative, by_label=False)
        return Resolve(slot=slot, action=DoseAction.GIVE, reasons=(), is_by_label=True)

    def begun(self, slot: int, t_h: float) -> None:
        """A dose has begun: what is remembered of the interval before it is let go."""
        self.notes.doses.append((slot, t_h))
        self._was_low = False

    def assessment(self, state: BodyState, signs: VitalSigns) -> Assessment:
        """What the clinical text says now."""
        return assess(self._findings(state, signs))

    def _enough(self, assessment: Assessment) -> tuple[str, ...]:
        if assessment.absolute:
            return assessment.absolute
        if len(assessment.relative) >= 3:
            return assessment.relative
        if len(self.notes.held) >= 3:
            return ("three doses held",)
        if self._burden > _ENOUGH * self.traits.endurance:
            return ("the patient has had enough",)
        return ()

    def _end(self, slot: int, reasons: tuple[str, ...], *, by_label: bool) -> Resolve:
        self.ended = self.ended or reasons
        return Resolve(slot=slot, action=DoseAction.END, reasons=reasons, is_by_label=by_label)

    def _hold(self, slot: int, t_h: float, reasons: tuple[str, ...], *, by_label: bool) -> Resolve:
        self.notes.held.append((slot, t_h, reasons))
        return Resolve(slot=slot, action=DoseAction.HOLD, reasons=reasons, is_by_label=by_label)

    def _findings(self, state: BodyState, signs: VitalSigns) -> Findings:
        notes, labs = self.notes, self.notes.labs
        last, before = (labs[-1], labs[-2] if len(labs) > 1 else labs[-1]) if labs else (None, None)
        now = tuple(self.channels[name].given_rate for name in ("phenylephrine", "norepinephrine", "dopamine"))
        ago = notes.pressor_an_hour_ago(state.t_h)
        since_h = notes.doses[-1][1] if notes.doses else -999.0
        return Findings(
            sbp=signs.sbp,
            map=signs.map,
            hr=signs.hr,
            temp=signs.temp,
            spo2=signs.spo2,
            rhythm=rhythm(state),
            mental=self.mental,
            stool_blood=state.strength_of(HappeningKind.STOOL_BLOOD) > 0.0,
            vt_beats=longest_run(state),
            creatinine=last.creatinine if last else self.traits.creatinine0,
            creatinine_before=before.creatinine if before else self.traits.creatinine0,
            bicarbonate=last.bicarbonate if last else 25.0,
            platelets=last.platelets if last else 250.0,
            bilirubin=last.bilirubin if last else 0.6,
            urine_8h_ml=notes.urine_of_8h(),
            urine_low_h=notes.low_urine_hours(),
            oxygen_l_min=self.oxygen_l_min,
            phenylephrine=now[0],
            phenylephrine_max=notes.highest_phenylephrine(since_h),
            norepinephrine=now[1],
            dopamine=now[2],
            pressor_rising=any(n > a + 0.005 for n, a in zip(now, ago, strict=True)),
            weight_gain_pct=100.0 * state.weight_gain_kg() / self.traits.weight_kg,
            was_low=self._was_low,
        )


def mental_status(state: BodyState) -> str:
    """What is charted, a word of `site:mental_status`."""
    for kind in (HappeningKind.AGITATION, HappeningKind.CONFUSION, HappeningKind.VIVID_DREAMS):
        if state.strength_of(kind) > 0.0:
            return kind.value
    return "normal"


def longest_run(state: BodyState) -> float:
    """Beats of the longest ventricular run that has been; 0 for none."""
    runs = (h.depth for h in state.happenings if h.kind is HappeningKind.VT and h.start_h <= state.t_h)
    return max(runs, default=0.0)


def slot_due_h(slot: int) -> float:
    """When a slot of the course is due, hours of the course."""
    return (slot - 1) * DOSE_INTERVAL_H
