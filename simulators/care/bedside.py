"""Body, channels and nurse of one patient, run together: what is given acts, what is seen is treated.

A run is a sequence of steps of one length; everything in it follows from seed, traits, protocol and what is scripted.
It deliberately knows no devices, messages or clocks: `simulators.course_bed` puts those around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from simulators.body.fluids import usual_intake_ml_h
from simulators.body.hazards import with_dose
from simulators.body.signs import vital_signs
from simulators.body.state import Given, Happening
from simulators.body.step import advance, at_rest
from simulators.body.traits import BodyTraits
from simulators.care.infusion import Infusion
from simulators.care.notebook import Notebook, sample_of
from simulators.care.nurse import LOOK_EVERY_S, DoseAction, Nurse, Protocol, Resolve, slot_due_h
from simulators.care.pharmacy import DOSE_MIN, channels, dose_volume_ml
from simulators.physiology import MAX_DOSES, VitalSigns

LABS_EVERY_H = 12.0
"""Creatinine twice a day (clinical notes 1.3 [V])."""
WEIGHED_EVERY_H = 24.0
FIRST_LABS_H = -10.0
FIRST_WEIGHED_H = -2.0


class Bedside:
    """One patient under treatment; `step` moves everything."""

    def __init__(
        self,
        seed: str,
        *,
        begins_h: float,
        fixed: Mapping[str, float] | None = None,
        protocol: Protocol = Protocol.LABEL,
        happenings: tuple[Happening, ...] = (),
        hazards: bool = True,
        has_course: bool = True,
    ) -> None:
        """A patient at rest, `begins_h` hours after (negative: before) the first dose is due.

        Args:
            seed: decides everything that is left to chance.
            begins_h: hours of the course at which the run begins.
            fixed: traits that a scenario sets.
            protocol: by which text doses are held.
            happenings: what a scenario lets befall the patient.
            hazards: whether doses may bring complications by chance.
            has_course: whether any drug is given at all.
        """
        self.seed = seed
        self.traits = BodyTraits.drawn(seed, fixed)
        self.state = replace(at_rest(self.traits, begins_h), happenings=happenings)
        self.channels: dict[str, Infusion] = channels(round(self.traits.weight_kg, 1))
        self.notes = Notebook()
        self.nurse = Nurse(self.traits, self.channels, self.notes, protocol)
        self.has_course = has_course
        self.on_resolved: Callable[[Resolve], None] = lambda _: None
        self.on_lab: Callable[[], None] = lambda: None
        self.may_start: Callable[[int], bool] = lambda _: True
        """Asked before a dose is started; a pump that wants a permit says no without one."""
        self._hazards = hazards
        self._begins_h = begins_h
        self._slot = next((n for n in range(1, MAX_DOSES + 1) if slot_due_h(n) >= begins_h), MAX_DOSES + 1)
        self._next_look_h = begins_h
        self._hour_began = (begins_h, 0.0)
        self._labs_h = _next_of(FIRST_LABS_H, LABS_EVERY_H, begins_h)
        self._weighed_h = _next_of(FIRST_WEIGHED_H, WEIGHED_EVERY_H, begins_h)

    @property
    def next_slot(self) -> int:
        """The slot that has not been decided about yet; 15 after the last."""
        return self._slot

    def signs(self) -> VitalSigns:
        """What is true now."""
        return vital_signs(self.state, self.traits, self.seed, self._run_s)

    @property
    def _run_s(self) -> float:
        return (self.state.t_h - self._begins_h) * 3600.0

    def signs_at(self, run_s: float) -> VitalSigns:
        """What is true at an instant at most a step away, seconds of the run."""
        return vital_signs(self.state, self.traits, self.seed, run_s)

    def step(self, dt_s: float) -> None:
        """Moves everything by `dt_s` (at most 300 s)."""
        given = self._given()
        for channel in self.channels.values():
            channel.run(dt_s)
        self.state = advance(self.state, self.traits, given, dt_s)
        t_h = self.state.t_h
        self._measure(t_h)
        if t_h >= self._next_look_h - 1e-9:
            self._next_look_h = max(self._next_look_h + LOOK_EVERY_S / 3600.0, t_h)
            self.nurse.look(self.state, self.signs())
        if self.has_course and self._slot <= MAX_DOSES and t_h >= slot_due_h(self._slot) - 1e-9:
            self._resolve()

    def start_dose(self, slot: int, *, share: float = 1.0, typed_concentration: float = 1.0) -> None:
        """Starts the dose on the channel.

        Args:
            slot: of the course.
            share: of the weight that the dose is for, as typed in; a mistake where it is not 1.
            typed_concentration: of the bag's, as typed in: the pump reckons the volume from it.
        """
        channel = self.channels["il2"]
        weight_kg = round(self.traits.weight_kg, 1)
        volume_ml = dose_volume_ml(weight_kg) * share / typed_concentration
        channel.program(
            rate_ml_h=round(volume_ml * 60.0 / DOSE_MIN, 1),
            to_be_infused_ml=round(volume_ml, 2),
            shown_weight_kg=round(weight_kg * share, 1),
            shown_mg_per_ml=channel.mg_per_ml * typed_concentration,
        )
        channel.is_started = True
        self.take_dose(slot, share / typed_concentration)

    def take_dose(self, slot: int, share: float) -> None:
        """The body gets the dose of a slot."""
        self.nurse.begun(slot, self.state.t_h)
        self.state = with_dose(
            self.state, self.seed, number=len(self.state.doses) + 1, share=share, hazards=self._hazards
        )

    def _resolve(self) -> None:
        resolve = self.nurse.resolve(self._slot, self.state, self.signs())
        self._slot += 1
        self.on_resolved(resolve)
        if resolve.action is DoseAction.GIVE and self.may_start(resolve.slot):
            self.start_dose(resolve.slot)

    def _given(self) -> Given:
        rates = {name: self.channels[name].given_rate for name in ("phenylephrine", "norepinephrine", "dopamine")}
        fluid = self.channels["fluid"]
        bolus = fluid.flow_ml_h if self.nurse.is_bolus_running else 0.0
        return Given(
            maintenance_ml_h=usual_intake_ml_h(self.traits) + self.nurse.extra_ml_h,
            bolus_ml_h=bolus,
            oxygen_l_min=self.nurse.oxygen_l_min,
            **rates,
        )

    def _measure(self, t_h: float) -> None:
        began_h, had_ml = self._hour_began
        if t_h - began_h >= 1.0 - 1e-9:
            self.notes.urine_ml.append((t_h, self.state.urine_ml - had_ml))
            self._hour_began = (t_h, self.state.urine_ml)
        if t_h >= self._labs_h - 1e-9:
            self._labs_h += LABS_EVERY_H
            self.notes.labs.append(sample_of(self.state))
            self.on_lab()
        if t_h >= self._weighed_h - 1e-9:
            self._weighed_h += WEIGHED_EVERY_H
            self.notes.weights.append((t_h, round(self.traits.weight_kg + self.state.weight_gain_kg(), 1)))


def _next_of(first_h: float, every_h: float, from_h: float) -> float:
    """The first of first, first + every, … that is not before `from_h`."""
    at_h = first_h
    while at_h < from_h - 1e-9:
        at_h += every_h
    return at_h
