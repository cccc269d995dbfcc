"""One bed of a course: bedside, devices, what goes wrong, and what the nurse asks of Vigil.

It is stepped in `STEP_S`; its devices speak in between at their own times. What happened before the run began was lived
through in larger steps: it is told at the start, as devices tell what their memory holds and a nurse charts an
admission (values with times of their own).

It deliberately neither waits nor publishes; `simulators.stage` puts the beds together.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulators.artefacts import ArtefactCourse
from simulators.body.circulation import rhythm
from simulators.body.state import Happening, HappeningKind
from simulators.care.assessment import Assessment
from simulators.care.bedside import Bedside
from simulators.care.infusion import Stop
from simulators.care.nurse import DoseAction, Resolve, slot_due_h
from simulators.care.pharmacy import DOSE_IU_PER_KG, DOSE_MIN, dose_volume_ml
from simulators.course_devices import (
    NEVER_MS,
    POUNDS_PER_KG,
    AsPatient,
    CourseMonitor,
    CourseScale,
    CourseUrometer,
    LabFeed,
    PlannedCourse,
    RhythmEvent,
    lab_values,
)
from simulators.device_time import ROLLOVER_MS, ClockStep, DeviceTime
from simulators.devices import Device, Message, Metrics, Place
from simulators.physiology import DOSE_INTERVAL_H, MAX_DOSES
from simulators.plan import BedPlan, FaultKind, PlannedFault
from simulators.smart_pump import SmartPump
from streaming.instants import format_ms

STEP_S = 10
_PRERUN_STEP_S = 120.0
_MEMORIES_MS = 500
"""After the admission the pump tells what its memory holds."""
FIRST_SAID_MS = 2_000
"""After that the devices speak of now."""
_LABS_TOLD, _WEIGHTS_TOLD, _HOURS_TOLD = 2, 2, 9
"""Of what was charted before the run."""
_LOW_HOURS_TOLD = 17
"""Of hours that brought little: the label asks for sixteen."""
_LITTLE_ML = 15.0
_LIVED_BEFORE_H = 12.0
_HOUR_MS = 3_600_000
_CHART_BEFORE_H = (2.0, 0.5)
"""The checklist is gone through two hours and half an hour before a dose (clinical notes 1.3)."""
_SIGNED_BEFORE_H = 3.0 / 60.0
CHANNELS = {"il2": "pump1", "phenylephrine": "pump2", "fluid": "pump3", "norepinephrine": "pump4", "dopamine": "pump5"}
"""Which device reports which channel."""
_STOPS = {
    FaultKind.OCCLUSION: Stop.OCCLUSION,
    FaultKind.AIR: Stop.AIR,
    FaultKind.DOOR: Stop.DOOR,
    FaultKind.BATTERY: Stop.BATTERY,
}
_RETRY_S = 1800.0
"""How long a nurse goes on trying to start a pump that has no permit."""
_EVENTS = {
    "af": "MDC_EVT_ECG_ATR_FIB",
    "svt": "MDC_EVT_ECG_SV_TACHY",
    "bradycardia": "MDC_EVT_ECG_BRADY_EXTREME",
}
NORMAL_STATES: dict[str, str | float] = {
    "site:skin": "normal", "site:ecg": "normal", "site:infection": "none", "site:ventilation": "none",
    "site:dialysis": "none", "site:seizure": "none", "site:gi": "normal", "site:angina": "absent",
    "site:hepatic": "normal", "site:tamponade": "absent", "site:volume_overload": "none",
    "site:arrhythmia_control": "controlled", "site:dyspnea": "none", "site:rales": "none", "site:vomiting": "none",
    "site:distention": "none", "site:paresthesia": "none", "site:diarrhea_ml_8h": 200.0,
}  # fmt: skip
"""What a checklist says of all that the model leaves alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command to Vigil: what a nurse or the hospital's system does over HTTP."""

    command: str
    body: dict[str, Any]


class CourseBed:
    """A bed, stepped."""

    def __init__(
        self, plan: BedPlan, *, unit: str, bed: str, name: str, seed: int, start_ms: int, monitor_period_s: int = 1
    ) -> None:
        """Lives through what was before, and puts the devices there.

        Args:
            plan: what is laid down for it.
            unit: name of the unit in topics.
            bed: name of the bed.
            name: of the patient; synthetic.
            seed: of the run.
            start_ms: simulated start, milliseconds since 1970 UTC.
            monitor_period_s: between two reports of the monitor, s.
        """
        self.plan, self.unit, self.bed, self.name = plan, unit, bed, name
        self.seed = f"{seed}:{unit}:{bed}"
        self.patient_id = f"SIM-{seed}-{unit}-{bed}"
        self.admission_id = f"sim-{seed}-{unit}-{bed}"
        self.start_ms = start_ms
        self.now_ms = start_ms
        self.bedside = self._lived()
        self._asked: list[Asked] = []
        self.resolves: list[tuple[int, Resolve]] = []
        """(instant, what was decided), newest last."""
        self.signed: list[tuple[int, str]] = []
        """(instant, decision signed), newest last."""
        self.permit_says: Callable[[int], str] = lambda _: ""
        """Why the dose of a slot may not be started, as the pump reads its permit; empty when it may."""
        self.monitor, self.scale, self.urometer, self.lab, self.pumps = self._devices(str(seed), monitor_period_s)
        self._rhythm, self._charted = rhythm(self.bedside.state), self._states()
        self._chart_due_ms: int | None = None
        self._charts_h = self._checklists()
        self._checked: set[int] = set()
        self._waits: tuple[int, float] | None = None
        self._mistake: PlannedFault | None = None
        self._made: list[tuple[int, str]] = []
        """(instant, mistake made with a dose)."""
        self._todo = sorted(plan.faults, key=lambda fault: fault.at_s)
        self._ends: list[tuple[float, PlannedFault]] = []
        self._told_runs = {h.start_h for h in self.bedside.state.happenings if h.start_h < plan.start_h}
        self._oxygen_charted = self.bedside.nurse.oxygen_l_min
        self.bedside.on_resolved = self._resolved
        self.bedside.on_lab = self._sample_taken
        self.bedside.may_start = self._may_start

    def mistake_at(self, at_ms: int) -> str | None:
        """What is wrong with the dose that runs, or that ran within the hour."""
        made = [what for from_ms, what in self._made if from_ms <= at_ms < from_ms + _HOUR_MS]
        return made[-1] if made else None

    @property
    def is_admitted_in_pounds(self) -> bool:
        """Whether the weight that Vigil was told at the admission is in pounds."""
        return any(fault.kind is FaultKind.ADMITTED_IN_POUNDS for fault in self.plan.faults)

    @property
    def devices(self) -> tuple[Device, ...]:
        """All of them, pumps that were never used included."""
        return (self.monitor, *self.pumps.values(), self.scale, self.urometer, self.lab)

    def t_h(self, at_ms: int) -> float:
        """Hours of the course at an instant."""
        return self.plan.start_h + (at_ms - self.start_ms) / _HOUR_MS

    def at_ms(self, t_h: float) -> int:
        """The instant of an hour of the course."""
        return self.start_ms + round((t_h - self.plan.start_h) * _HOUR_MS)

    def shift(self, by_ms: int) -> None:
        """The one simulated clock has been set by so much."""
        self.start_ms += by_ms
        self.now_ms += by_ms
        self._made = [(at_ms + by_ms, what) for at_ms, what in self._made]
        self._chart_due_ms = None if self._chart_due_ms is None else self._chart_due_ms + by_ms
        for device in self.devices:
            if device.next_due_ms < NEVER_MS:
                device.shift(by_ms)

    # --- the start ----------------------------------------------------------------------------------------------------

    def opening(self) -> list[Asked]:
        """What is asked of Vigil first: admission, course, checklist."""
        traits, plan = self.bedside.traits, self.plan
        weight_kg = round(traits.weight_kg * (POUNDS_PER_KG if self.is_admitted_in_pounds else 1.0), 1)
        asked = [
            Asked(
                command="admit",
                body={
                    "admission_id": self.admission_id, "patient_id": self.patient_id, "unit": self.unit,
                    "bed": self.bed, "name": self.name, "dosing_weight_kg": weight_kg, "baseline_weight_kg": weight_kg,
                    "baseline": {
                        "sbp": round(traits.sbp0), "map": round(traits.map0), "hr": round(traits.hr0),
                        "creatinine": round(traits.creatinine0, 2),
                    },
                },
            )
        ]  # fmt: skip
        if plan.has_course:
            asked.append(
                Asked(
                    command="course",
                    body={
                        "admission_id": self.admission_id, "drug": "aldesleukin", "dose_iu_per_kg": DOSE_IU_PER_KG,
                        "interval_h": DOSE_INTERVAL_H, "max_doses": MAX_DOSES, "duration_min": DOSE_MIN,
                        "first_dose_at": format_ms(self.at_ms(0.0)), "cycle": 1,
                    },
                )
            )  # fmt: skip
        return [*asked, *self._charted_before(), self._checklist(self.start_ms)]

    def memories(self) -> Iterator[tuple[int, Device, Message]]:
        """What the pump's memory holds of doses before the run: (when it is told, by whom, what)."""
        pump = self.pumps["il2"]
        for _, t_h in self.bedside.notes.doses:
            for message in self._dose_history(pump, self.at_ms(t_h)):
                yield self.start_ms + _MEMORIES_MS, pump, message

    def _charted_before(self) -> list[Asked]:
        """What was charted before the run: laboratory, weights, hours of urine, each with its own time."""
        notes = self.bedside.notes
        charted: list[tuple[float, dict[str, str | float]]] = [
            (result.drawn_h, dict(lab_values(result))) for result in notes.labs[-_LABS_TOLD:]
        ]
        charted += [(t_h, {"MDC_MASS_BODY_ACTUAL": kg}) for t_h, kg in notes.weights[-_WEIGHTS_TOLD:]]
        is_low = all(ml < _LITTLE_ML for _, ml in list(notes.urine_ml)[-_HOURS_TOLD:])
        hours = list(notes.urine_ml)[-(_LOW_HOURS_TOLD if is_low else _HOURS_TOLD) :]
        charted += [(t_h, {"MDC_FLOW_URINE_PREV_HR": round(ml)}) for t_h, ml in hours]
        return [self._chart_of(self.at_ms(t_h), metrics) for t_h, metrics in sorted(charted, key=lambda each: each[0])]

    def _lived(self) -> Bedside:
        """The bedside as it is when the run begins."""
        plan = self.plan
        whole_hours = max(_LIVED_BEFORE_H, round(plan.start_h + _LIVED_BEFORE_H))
        begins_h = plan.start_h - whole_hours
        happenings = tuple(
            Happening(
                kind=h.kind,
                start_h=plan.start_h + h.at_s / 3600.0,
                end_h=plan.start_h + (h.at_s + h.for_s) / 3600.0,
                depth=h.depth,
                ramp_h=h.ramp_s / 3600.0,
            )
            for h in plan.happenings
        )
        bedside = Bedside(
            self.seed, begins_h=begins_h, fixed=plan.traits, protocol=plan.protocol, happenings=happenings,
            hazards=plan.hazards, has_course=plan.has_course,
        )  # fmt: skip
        if self.is_admitted_in_pounds:
            for channel in bedside.channels.values():
                channel.shown_weight_kg = round(bedside.traits.weight_kg * POUNDS_PER_KG, 1)
        steps = round(whole_hours * 3600.0 / _PRERUN_STEP_S)
        for _ in range(steps):
            bedside.step(_PRERUN_STEP_S)
        if plan.volumetric:
            bedside.channels["il2"].keeps_open_ml_h = 3.0
            bedside.channels["il2"].is_started = False
        self._begins_s = whole_hours * 3600.0
        return bedside

    def _dose_history(self, pump: SmartPump, began_ms: int) -> Iterator[Message]:
        volume_ml = round(dose_volume_ml(round(self.bedside.traits.weight_kg, 1)), 2)
        for minute in range(-1, 16):
            share = max(0.0, minute / 15.0)
            is_running = 0 <= minute < 15
            shown: Metrics = {
                **pump.reading(),
                "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing" if is_running else "pump-status-not-infusing",
                "MDC_FLOW_FLUID_PUMP_CURRENT": round(volume_ml * 4.0, 1) if is_running else 0.0,
                "MDC_VOL_FLUID_DELIV_TOTAL": round(volume_ml * share, 2),
                "MDC_VOL_FLUID_TBI": volume_ml,
                "MDC_VOL_FLUID_TBI_REMAIN": round(volume_ml * (1.0 - share), 2),
            }
            yield pump.remembered(self.start_ms + _MEMORIES_MS, began_ms + minute * 60_000, shown)

    # --- the devices --------------------------------------------------------------------------------------------------

    def _devices(
        self, seed: str, period_s: int
    ) -> tuple[CourseMonitor, CourseScale, CourseUrometer, LabFeed, dict[str, SmartPump]]:
        def place(device: str) -> Place:
            return Place(unit=self.unit, bed=self.bed, device=device)

        plan, start_ms = self.plan, self.start_ms
        artefacts = PlannedCourse(plan.artefacts, ArtefactCourse(seed=f"{self.seed}:mon1", per_h=plan.artefacts_per_h))
        monitor = CourseMonitor(
            place("mon1"), AsPatient(self.bedside, self._begins_s), has_arterial_line=plan.has_arterial_line,
            artefacts=artefacts, period_s=period_s, seed=seed, start_ms=start_ms,
            is_irregular=lambda: rhythm(self.bedside.state) == "af",
        )  # fmt: skip
        scale = CourseScale(place("scale1"), self.bedside, seed=seed, start_ms=start_ms, start_h=plan.start_h)
        urometer = CourseUrometer(place("uro1"), self.bedside, seed=seed, start_ms=start_ms)
        lab = LabFeed(place("lab1"), seed=seed, start_ms=start_ms)
        syringe, volumetric = "Simulated syringe pump", "Simulated volumetric pump"
        pumps = {
            name: SmartPump(
                place(device), self.bedside.channels[name], seed=seed, start_ms=start_ms,
                model=syringe if name == "il2" and not plan.volumetric else volumetric,
            )
            for name, device in CHANNELS.items()
        }  # fmt: skip
        for name, pump in pumps.items():
            if name not in {"il2", "fluid"} and not self.bedside.channels[name].is_started:
                pump.next_due_ms = NEVER_MS
        for device in (monitor, scale, urometer, lab, *pumps.values()):
            device.set_clock(self._clock_of(device))
        return monitor, scale, urometer, lab, pumps

    def _clock_of(self, device: Device) -> DeviceTime:
        time = device.time
        mine = [fault for fault in self.plan.faults if fault.device == device.place.device]
        steps = tuple(
            ClockStep(
                at_ms=self.start_ms + round(fault.at_s * 1000),
                by_ms=-ROLLOVER_MS if fault.kind is FaultKind.CLOCK_ROLLOVER else round(fault.value * 1000),
            )
            for fault in mine
            if fault.kind in {FaultKind.CLOCK_STEP, FaultKind.CLOCK_ROLLOVER}
        )
        drift = sum(fault.value for fault in mine if fault.kind is FaultKind.CLOCK_DRIFT)
        return DeviceTime(offset_ms=time.offset_ms, since_ms=time.since_ms, drift_ppm=drift, steps=steps)

    # --- a step -------------------------------------------------------------------------------------------------------

    def step(self, at_ms: int) -> list[Asked]:
        """Moves everything to `at_ms`, `STEP_S` after the step before; what is asked of Vigil meanwhile."""
        self.now_ms = at_ms
        run_s = (at_ms - self.start_ms) / 1000.0
        self._go_wrong(run_s)
        self.bedside.step(float(STEP_S))
        self._try_again()
        self._close_up()
        self._tell_rhythm()
        self._chart()
        for name, pump in self.pumps.items():
            if pump.changed() and (pump.next_due_ms < NEVER_MS or self.bedside.channels[name].is_started):
                pump.hurry(at_ms)
        asked, self._asked = self._asked, []
        return asked

    def _go_wrong(self, run_s: float) -> None:
        while self._todo and self._todo[0].at_s <= run_s:
            fault = self._todo.pop(0)
            self._begin(fault)
            if fault.for_s > 0.0:
                self._ends.append((fault.at_s + fault.for_s, fault))
        for end_s, fault in [each for each in self._ends if each[0] <= run_s]:
            self._ends.remove((end_s, fault))
            self._end(fault)

    def _begin(self, fault: PlannedFault) -> None:
        match fault.kind:
            case FaultKind.OCCLUSION | FaultKind.AIR | FaultKind.DOOR | FaultKind.BATTERY:
                self.bedside.channels[fault.device].stop = _STOPS[fault.kind]
            case FaultKind.POUNDS_FOR_KILOGRAMS | FaultKind.HOURS_FOR_MINUTES | FaultKind.WRONG_CONCENTRATION:
                self._mistake = fault
            case FaultKind.DOSE_AGAINST_HOLD | FaultKind.EXTRA_DOSE:
                self.bedside.start_dose(self._slot_of_now())
                if fault.kind is FaultKind.EXTRA_DOSE:
                    self._made.append((self.now_ms, fault.kind.value))
            case FaultKind.RESTART:
                for device in self.devices:
                    if device.place.device == fault.device:
                        device.restart(self.now_ms)
            case FaultKind.SCALE_IN_POUNDS:
                self.scale.is_in_pounds = True
                self.scale.next_due_ms = self.now_ms
            case FaultKind.SCALE_OFFSET:
                self.scale.offset_kg = fault.value
                self.scale.next_due_ms = self.now_ms
            case _:
                pass  # clocks are wrong from the start; what happens on the way is the wire's

    def _end(self, fault: PlannedFault) -> None:
        if fault.kind in _STOPS:
            self.bedside.channels[fault.device].stop = None
        elif fault.kind is FaultKind.SCALE_IN_POUNDS:
            self.scale.is_in_pounds = False
            self.scale.next_due_ms = self.now_ms
        elif fault.kind is FaultKind.SCALE_OFFSET:
            self.scale.offset_kg = 0.0
            self.scale.next_due_ms = self.now_ms

    def _slot_of_now(self) -> int:
        return max(1, round(self.t_h(self.now_ms) / DOSE_INTERVAL_H) + 1)

    # --- doses --------------------------------------------------------------------------------------------------------

    def _may_start(self, slot: int) -> bool:
        """Whether the dose is started as it should be; a mistake is made here, or the permit is missing."""
        channel = self.bedside.channels["il2"]
        if why_not := self._why_not(slot):
            self.pumps["il2"].why_not = why_not
            channel.stop = Stop.NO_PERMIT
            self._waits = (slot, self.t_h(self.now_ms))
            return False
        channel.stop = None
        if self._mistake is None and not self.is_admitted_in_pounds:
            return True
        self._start_wrongly(slot, self._mistake)
        self._mistake = None
        return False

    def _start_wrongly(self, slot: int, mistake: PlannedFault | None) -> None:
        kind = FaultKind.ADMITTED_IN_POUNDS if mistake is None else mistake.kind
        if kind is FaultKind.WRONG_CONCENTRATION and mistake is not None:
            self.bedside.start_dose(slot, typed_concentration=mistake.value)
        elif kind is FaultKind.HOURS_FOR_MINUTES:
            self.bedside.start_dose(slot)
            self.bedside.channels["il2"].rate_ml_h = round(self.bedside.channels["il2"].rate_ml_h / 10.0, 1)
        else:
            self.bedside.start_dose(slot, share=POUNDS_PER_KG)
        self._made.append((self.now_ms, kind.value))

    def _why_not(self, slot: int) -> str:
        return self.permit_says(slot) if self.plan.obeys_permit else ""

    def _try_again(self) -> None:
        if self._waits is None:
            return
        slot, since_h = self._waits
        if (self.t_h(self.now_ms) - since_h) * 3600.0 > _RETRY_S:
            self._waits = None
            self.bedside.channels["il2"].stop = None
        elif not self._why_not(slot):
            self._waits = None
            if self._may_start(slot):
                self.bedside.start_dose(slot)

    def _close_up(self) -> None:
        """The nurse stops a pump that keeps the vein open after the dose."""
        channel = self.bedside.channels["il2"]
        if channel.is_complete and channel.keeps_open_ml_h > 0.0 and channel.is_started:
            started_h = self.bedside.notes.doses[-1][1] if self.bedside.notes.doses else 0.0
            if self.t_h(self.now_ms) - started_h > (DOSE_MIN + 3.0) / 60.0:
                channel.is_started = False

    def _resolved(self, resolve: Resolve) -> None:
        self.resolves.append((self.now_ms, resolve))
        if not resolve.is_by_label and resolve.action is not DoseAction.GIVE:
            decision = "hold" if resolve.action is DoseAction.HOLD else "discontinue"
            self._sign(decision, ", ".join(resolve.reasons))

    def _sign(self, decision: str, reason: str) -> None:
        self.signed.append((self.now_ms, decision))
        body = {"admission_id": self.admission_id, "actor": "simulated physician", "decision": decision}
        self._asked.append(Asked(command="sign", body={**body, "reason": reason}))

    # --- charting -----------------------------------------------------------------------------------------------------

    def _chart(self) -> None:
        self._chart_before_doses()
        states = self._states()
        if states != self._charted and self._chart_due_ms is None:
            delay_s = random.Random(f"chart:{self.seed}:{self.now_ms - self.start_ms}").randint(60, 240)
            self._chart_due_ms = self.now_ms + delay_s * 1000
        if self._chart_due_ms is not None and self.now_ms >= self._chart_due_ms:
            self._asked.append(self._chart_of(self.now_ms, states))
            self._charted, self._chart_due_ms = states, None

    def _chart_before_doses(self) -> None:
        t_h = self.t_h(self.now_ms)
        while self._charts_h and self._charts_h[0] <= t_h:
            self._charts_h.pop(0)
            self._asked.append(self._checklist(self.now_ms))
            self._charted = self._states()
        slot = self.bedside.next_slot
        is_due = slot <= MAX_DOSES and t_h >= slot_due_h(slot) - _SIGNED_BEFORE_H
        if self.plan.has_course and is_due and slot not in self._checked:
            self._checked.add(slot)
            self._sign_if_clear(self.bedside.nurse.assessment(self.bedside.state, self.bedside.signs()))

    def _sign_if_clear(self, assessment: Assessment) -> None:
        if assessment.is_clear_by_label and not self.bedside.nurse.ended:
            self._sign("proceed", "pre-dose assessment: every criterion clear")

    def _checklists(self) -> list[float]:
        if not self.plan.has_course:
            return []
        dues = [slot_due_h(slot) - before for slot in range(1, MAX_DOSES + 1) for before in _CHART_BEFORE_H]
        return sorted(due for due in dues if due > self.plan.start_h)

    def _states(self) -> dict[str, str | float]:
        state = self.bedside.state
        shown = rhythm(state)
        return {
            "site:rhythm": "sinus" if shown == "vt" else shown,
            "site:mental_status": self.bedside.nurse.mental,
            "site:stool_blood": "positive" if state.strength_of(HappeningKind.STOOL_BLOOD) > 0.0 else "negative",
            "loinc:3151-8": self.bedside.nurse.oxygen_l_min,
        }

    def _checklist(self, at_ms: int) -> Asked:
        return self._chart_of(at_ms, NORMAL_STATES | self._states())

    def _chart_of(self, at_ms: int, metrics: dict[str, str | float]) -> Asked:
        body = {"admission_id": self.admission_id, "actor": "simulated nurse", "time": format_ms(at_ms)}
        return Asked(command="chart", body={**body, "metrics": metrics})

    # --- rhythm and laboratory ----------------------------------------------------------------------------------------

    def _tell_rhythm(self) -> None:
        state = self.bedside.state
        now = rhythm(state)
        if now != self._rhythm:
            if (ended := _EVENTS.get(self._rhythm)) is not None:
                self.monitor.tell(RhythmEvent(event=ended, phase="end"))
            if (began := _EVENTS.get(now)) is not None:
                self.monitor.tell(RhythmEvent(event=began, phase="start"))
            self._rhythm = now
        for run in state.happenings:
            if run.kind is HappeningKind.VT and run.start_h <= state.t_h and run.start_h not in self._told_runs:
                self._told_runs.add(run.start_h)
                self.monitor.tell(RhythmEvent(event="MDC_EVT_ECG_V_TACHY", phase="tpoint", beats=round(run.depth)))

    def _sample_taken(self) -> None:
        self.lab.take(self.now_ms, self.bedside.notes.labs[-1])
