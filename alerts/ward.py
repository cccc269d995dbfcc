"""The ward: every bed, every admission, every alarm. The fold's state, and `step` by `step` its effects.

Invariants
- The same entries give the same effects, to the byte: nothing in here reads a clock, a file or a random number.
- Time passes by entries: before an entry takes effect, every timer that is due at or before its time of receipt runs,
  at the instant it is due and in order of (instant, bed). Whether a tick was journaled in between changes nothing.
- State of one bed never reads another's.
- A rule that fails on one bed is a fault of ours: the message is rejected (the charting refused) with `engine_fault`, a
  high technical alarm says so, and the other beds go on. It is the same when it fails as time passes, or on a patient
  who comes or moves: they are there, and the alarm says that the monitoring is impaired.

It knows no bytes: messages and commands come decoded.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from heapq import heappop, heappush

from alerts.alarm import Alarm, AlarmTransition, Kind
from alerts.book import VIGIL, AlarmBook
from alerts.conditions import SwitchedOff
from alerts.current import Glances, as_it_is
from alerts.dosing import DoseDesk
from alerts.house import House
from alerts.policy import PLAIN, AlarmPolicy
from alerts.rounds import Rounds
from alerts.rulebook import Rulebook, as_rulebook
from streaming.admission import Admission
from streaming.bed import NEVER_DUE_MS, Bed
from streaming.commands import (
    Acknowledge,
    Admit,
    AudioPause,
    Chart,
    Clock,
    Command,
    Course,
    Discharge,
    LimitsOff,
    Link,
    SelfCheck,
    Sign,
    Tick,
    Transfer,
)
from streaming.criteria.decision import SignatureRefused
from streaming.device import Device
from streaming.effects import AdmissionChanged, CommandApplied, CommandRefused, InputRejected
from streaming.identity import BedId, DeviceId
from streaming.observation import Decoded, DeviceMessage, EventMessage, ObsMessage, Rejected, StatusMessage
from streaming.patient import Patient
from streaming.rules.kinds import AlarmProfile
from streaming.stay_watch import USUAL_LIMITS, StayWatch
from streaming.step import Step
from streaming.therapy.findings import limits_of

DEVICES_MAX = 20_000
"""Devices known at once: topics are made up by whoever connects, memory is not."""
ENDED_ALARMS_KEPT = 10_000
BEDS_MAX = 20_000
"""Beds known at once, for the same reason."""
FAULT_RETRY_MS = 1_000
"""A bed on which the engine failed is looked at again so long after."""
SNAPSHOT_FORMAT = 3
_SCOPE_FIELD = {"rule_id": "id", "family": "family"}


class Stay:
    """One admission: who it is, which bed, which alarms, which course was ordered."""

    def __init__(self, admission: Admission, policy: AlarmPolicy = PLAIN) -> None:
        self.admission = admission
        self.book = AlarmBook(admission.admission_id, admission.bed, policy)
        self.course: Course | None = None
        self.glances = Glances()


class Refusal(Exception):  # noqa: N818 - it names an answer, not an accident
    """A command cannot be carried out; nothing has changed."""

    def __init__(self, reason: str, detail: str, subject_id: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.subject_id = subject_id


class Ward:
    """The state of the whole service, as far as it decides anything."""

    def __init__(self, rules: AlarmProfile | Rulebook) -> None:
        self.rules = as_rulebook(rules)
        self.profile = self.rules.alarms
        self.now_ms = 0
        """Time of receipt of the latest entry."""
        self.beds: dict[BedId, Bed] = {}
        self.stays: dict[str, Stay] = {}
        """Present admissions by id."""
        self.devices: dict[DeviceId, Device] = {}
        self.clock_speed = 1.0
        """Gateway seconds per second; other than 1 in a demo or a test only."""
        self.is_link_up = True
        """Whether the message broker was connected, as last noted in the journal."""
        self.received = 0
        self.evaluated = 0
        self.duplicate = 0
        self.rejected = 0
        self.changed: set[BedId] = set()
        """Beds that look different since the display last asked. Not part of what is decided."""
        self.house = House(self.profile, self.rules.policy)
        """Alarms that are of no patient."""
        self.is_house_changed = False
        """As `changed`, for the house."""
        self._ended_alarms: dict[str, None] = {}
        self._rounds: dict[BedId, Rounds] = {}
        self._due: list[tuple[int, BedId]] = []

    # --- time ---------------------------------------------------------------------------------------------------------

    def advance(self, now_ms: int) -> list[object]:
        """Let time pass up to `now_ms`, running what is due on the way."""
        effects: list[object] = []
        due = self._due
        while True:
            house_ms = self.house.due_ms
            if house_ms <= now_ms and (not due or house_ms <= due[0][0]):
                effects += self._house_time(house_ms)
                continue
            if not due or due[0][0] > now_ms:
                break
            due_ms, bed_id = heappop(due)
            bed = self.beds[bed_id]
            if due_ms != bed.booked_ms:
                continue  # booked earlier since
            bed.booked_ms = NEVER_DUE_MS
            if self._due_of(bed) > due_ms:
                self._book(bed)
                continue
            at_ms = max(due_ms, self.now_ms)
            self.now_ms = at_ms
            step = Step(at_ms)
            is_due = bed.due_ms <= at_ms  # otherwise the rounds or the alarm book are
            self._guarded(bed, step, bed.time_passed if is_due else _nothing, "the passing of time")
            bed.due_ms = max(bed.due_ms, at_ms + 1)  # whatever is wrong with a bed, time goes on
            self._book(bed)
            effects += step.effects
        self.now_ms = max(self.now_ms, now_ms)
        return effects

    def _house_time(self, due_ms: int) -> list[object]:
        """What is due in the house."""
        step = Step(max(due_ms, self.now_ms))
        self.now_ms = step.now_ms
        self._record_house(self.house.time_passed(step.now_ms), step)
        return step.effects

    def _book(self, bed: Bed) -> None:
        """Note when the bed is to be looked at; one valid note per bed."""
        due_ms = self._due_of(bed)
        if due_ms < bed.booked_ms:
            bed.booked_ms = due_ms
            heappush(self._due, (due_ms, bed.id))

    def _due_of(self, bed: Bed) -> int:
        rounds = self._rounds.get(bed.id)
        due_ms = bed.due_ms if rounds is None else min(bed.due_ms, rounds.due_ms)
        return due_ms if bed.patient is None else min(due_ms, self._stay_in(bed.patient).book.due_ms)

    # --- messages -----------------------------------------------------------------------------------------------------

    def message(self, decoded: Decoded, topic: str, received_ms: int) -> list[object]:
        """Take a message that follows the grammar."""
        due = self._due
        is_due = (due and due[0][0] <= received_ms) or self.house.due_ms <= received_ms
        effects = self.advance(received_ms) if is_due else []
        self.now_ms = received_ms
        device = self.devices.get(decoded.device)
        if device is None:
            device = self._open_device(decoded.device)
            if device is None:
                detail = f"more than {DEVICES_MAX} devices"
                return effects + self.reject(Rejected("too_many_devices", detail), topic, received_ms)
        self.received += 1
        device.received += 1
        bed = self.beds[decoded.device.bed_id]
        step = Step(received_ms)
        try:
            is_new = _take(bed, step, device, decoded.message)
            rounds = self._rounds.get(bed.id)
            is_wanted = rounds is not None and rounds.is_wanted(received_ms, bed)
            if is_wanted or step.found or bed.needs_schedule:
                self._settle(bed, step)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the other beds; it is told, loudly
            detail = self._tell_fault(bed, step, "this message", error)
            step.effects.append(InputRejected(received_ms, topic, "engine_fault", detail, device.id))
            device.rejected += 1
            self.rejected += 1
        else:
            if is_new:
                self.evaluated += 1
                device.evaluated += 1
            else:
                self.duplicate += 1
                device.duplicate += 1
        self.changed.add(bed.id)
        return effects + step.effects if effects else step.effects

    def reject(self, rejected: Rejected, topic: str, received_ms: int) -> list[object]:
        """Account for a message that does not follow the grammar."""
        effects = self.advance(received_ms)
        self.received += 1
        self.rejected += 1
        device = self.devices.get(rejected.device) or self._open_device(rejected.device) if rejected.device else None
        if device is not None:
            device.received += 1
            device.rejected += 1
        effects.append(InputRejected(received_ms, topic, rejected.reason, rejected.detail, rejected.device))
        return effects

    def _guarded(self, bed: Bed, step: Step, action: Callable[[Step], None], what: str) -> bool:
        """Let the bed do something and settle what it found; False when the engine failed on it."""
        try:
            action(step)
            self._settle(bed, step)
        except Exception as error:  # noqa: BLE001 - as for a message
            self._tell_fault(bed, step, what, error)
            return False
        return True

    def _tell_fault(self, bed: Bed, step: Step, what: str, error: Exception) -> str:
        """The engine failed: never silent, never normal. What it had found before is announced; the bed is looked at
        again soon, whatever it had been waiting for."""
        detail = f"the engine failed on {what}: {type(error).__name__}"
        if bed.equipment is not None:
            step.found += bed.equipment.fault(detail, step.now_ms)
        self._finish(bed, step)
        if bed.patient is not None:
            retry_ms = step.now_ms + FAULT_RETRY_MS
            bed.due_ms = retry_ms if bed.due_ms <= step.now_ms else min(bed.due_ms, retry_ms)
            rounds = self._rounds.get(bed.id)
            if rounds is not None:
                rounds.put_off(retry_ms)
            self._book(bed)
        return detail

    def _open_device(self, device_id: DeviceId) -> Device | None:
        if len(self.devices) >= DEVICES_MAX:
            return None
        device = self.devices[device_id] = self.bed(device_id.bed_id).device(device_id)
        return device

    def bed(self, bed_id: BedId) -> Bed:
        """The bed of that name, begun when it is new."""
        bed = self.beds.get(bed_id)
        if bed is None:
            bed = self.beds[bed_id] = Bed(bed_id, self.profile)
            bed.set_clock_speed(self.clock_speed)
        return bed

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, command: Command, name: str, body: Mapping[str, object], received_ms: int) -> list[object]:
        """Carry out a command, or say why not."""
        effects = self.advance(received_ms)
        if isinstance(command, Tick):
            return effects
        step = Step(received_ms)
        try:
            subject_id = self._carry_out(command, step)
        except Refusal as refusal:
            return (
                effects
                + step.effects
                + self.refuse(
                    name, refusal.reason, refusal.detail, body, received_ms, command.actor, refusal.subject_id
                )
            )
        step.effects.append(CommandApplied(received_ms, name, subject_id, command.actor, body))
        return effects + step.effects

    def refuse(
        self,
        name: str,
        reason: str,
        detail: str,
        body: Mapping[str, object],
        received_ms: int,
        actor: str = VIGIL,
        subject_id: str | None = None,
    ) -> list[object]:
        """Account for a command that was not carried out."""
        effects = self.advance(received_ms)
        effects.append(CommandRefused(received_ms, name, reason, detail, actor, subject_id, body))
        return effects

    def _carry_out(self, command: Command, step: Step) -> str:
        """Do it; return the id of what it was about."""
        match command:
            case Admit():
                return self._admit(command, step)
            case Chart():
                return self._chart(command, step)
            case Acknowledge():
                return self._acknowledge(command, step)
            case Transfer():
                return self._transfer(command, step)
            case Discharge():
                return self._discharge(command, step)
            case Course() | AudioPause() | Sign() | LimitsOff():
                return self._order(command, step)
            case Link() | Clock() | SelfCheck() | Tick():
                return self._note(command, step)

    def _order(self, command: Course | AudioPause | Sign | LimitsOff, step: Step) -> str:
        stay = self._stay(command.admission_id)
        if isinstance(command, Sign):
            return self._sign(command, step)
        if isinstance(command, LimitsOff):
            self._switch_limits_off(stay, command, step)
        elif isinstance(command, Course):
            self._take_course(stay, command, step)
        else:
            stay.book.pause_audio(step.now_ms, step.now_ms + command.seconds * 1000)
        self.changed.add(stay.admission.bed)
        return command.admission_id

    def _take_course(self, stay: Stay, command: Course, step: Step) -> None:
        stay.course = command
        bed = self.beds[stay.admission.bed]
        patient = bed.patient
        assert patient is not None
        self._look_soon(bed, step.now_ms)
        self._guarded(bed, step, lambda step: patient.facts.take_course(command, step.now_ms), "a course")

    def _sign(self, command: Sign, step: Step) -> str:
        desk = self.desk(command.admission_id)
        if desk is None:
            raise Refusal("no_dosing_profile", "no dosing profile is in force, so there is nothing to sign")
        signed = desk.sign(command, step.now_ms)
        if isinstance(signed, SignatureRefused):
            raise Refusal(signed.reason, signed.detail, command.admission_id)
        step.effects += signed
        bed = self.beds[self._stay(command.admission_id).admission.bed]
        rounds = self._rounds[bed.id]
        self._guarded(bed, step, rounds.decision_signed, "a signature")
        return command.admission_id

    def desk(self, admission_id: str) -> DoseDesk | None:
        """Decision and doses of a present admission; None without dosing profiles."""
        stay = self.stays.get(admission_id)
        rounds = self._rounds.get(stay.admission.bed) if stay is not None else None
        return rounds.desk if rounds is not None else None

    def _switch_limits_off(self, stay: Stay, command: LimitsOff, step: Step) -> None:
        bounds = self.rules.policy.limits_off
        if command.seconds > bounds.longest_s:
            detail = f"alarm limits may be off for {bounds.longest_s} s at most, not {command.seconds} s"
            raise Refusal("seconds_out_of_range", detail, command.admission_id)
        named = [rule for rule in self.profile.rules if command.name in (rule.id, rule.family)]
        concerned = [rule for rule in named if getattr(rule, _SCOPE_FIELD[command.scope]) == command.name]
        if not concerned:
            raise Refusal("no_such_rule", f"no rule in force has {command.scope} {command.name}", command.admission_id)
        allowed = frozenset(rule.id for rule in concerned if bounds.may_switch_off(rule))
        if not allowed:
            detail = f"{command.name} may not be switched off: it is technical, or lethal within minutes"
            raise Refusal("limits_protected", detail, command.admission_id)
        off = SwitchedOff(
            scope=command.scope,
            name=command.name,
            rule_ids=allowed,
            reason=command.reason,
            by=command.actor,
            from_ms=step.now_ms,
            until_ms=step.now_ms + command.seconds * 1000,
        )
        for transition in stay.book.switch_off(off):
            self._record(transition, step)
        self._book(self.beds[stay.admission.bed])

    def _note(self, command: Link | Clock | SelfCheck | Tick, step: Step) -> str:
        """What the gateway notes of itself."""
        if isinstance(command, Link):
            return self._link(command, step)
        if isinstance(command, SelfCheck):
            self._record_house(self.house.self_check(command, step.now_ms), step)
            return command.part
        if isinstance(command, Clock):
            return self._set_clock(command)
        return "tick"

    def _admit(self, command: Admit, step: Step) -> str:
        bed = self._free_bed(command.bed)
        self._check_limits(command.limits)
        admission_id = command.admission_id or self._new_admission_id(command, step.now_ms)
        if admission_id in self.stays:
            raise Refusal("already_admitted", f"admission {admission_id} is present in another bed", admission_id)
        admission = Admission(
            admission_id=admission_id,
            patient_id=command.patient_id,
            bed=command.bed,
            name=command.name,
            dosing_weight_kg=command.dosing_weight_kg,
            baseline_weight_kg=command.baseline_weight_kg,
            baseline=command.baseline,
            limits=command.limits,
            profile=self._profile_for(command),
            admitted_ms=step.now_ms,
        )
        self.stays[admission_id] = Stay(admission, self.rules.policy)
        step.effects.append(
            AdmissionChanged(step.now_ms, admission_id, admission.bed, "admit", command.actor, admission)
        )
        self._record_house(self.house.patient_comes(admission.bed.unit, step.now_ms), step)
        self._guarded(bed, step, lambda step: self._begin(bed, step, admission), "an admission")
        self._tell_link(bed, step)
        return admission_id

    def _begin(self, bed: Bed, step: Step, admission: Admission) -> None:
        bed.admit(step, admission)
        assert bed.patient is not None
        profile, facts = self.rules.dosing.get(admission.profile), bed.patient.facts
        desk = DoseDesk(admission.admission_id, profile, facts, step.now_ms) if profile is not None else None
        watch = StayWatch(admission, self.profile, limits_of(profile.doses) if profile is not None else USUAL_LIMITS)
        self._rounds[bed.id] = Rounds(facts, watch, desk, step.now_ms)

    def _profile_for(self, command: Admit) -> str:
        """Id of the dosing profile of an admission; of the alarm rules where there are no dosing profiles."""
        rules = self.rules
        wanted = rules.forced_dosing or command.profile or (rules.usual_dosing if rules.dosing else rules.alarms.id)
        if rules.dosing and wanted not in rules.dosing:
            known = ", ".join(sorted(rules.dosing))
            raise Refusal("unknown_profile", f"there is no dosing profile {wanted}; there are {known}")
        return wanted

    def _look_soon(self, bed: Bed, now_ms: int) -> None:
        """What a person did is looked at at once."""
        rounds = self._rounds.get(bed.id)
        if rounds is not None:
            rounds.look_soon(now_ms)

    def _chart(self, command: Chart, step: Step) -> str:
        bed = self.beds[self._stay(command.admission_id).admission.bed]
        self._look_soon(bed, step.now_ms)
        took = self._guarded(
            bed, step, lambda step: bed.chart(step, command.metrics, command.determined_ms), "what was charted"
        )
        if not took:
            raise Refusal("engine_fault", "the engine failed on what was charted", command.admission_id)
        return command.admission_id

    def _acknowledge(self, command: Acknowledge, step: Step) -> str:
        for stay in self.stays.values():
            if any(alarm.alarm_id == command.alarm_id for alarm in stay.book.active.values()):
                bed = self.beds[stay.admission.bed]
                current = as_it_is(bed, self._rounds.get(bed.id), step.now_ms)
                for transition in stay.book.acknowledge(
                    command.alarm_id, step.now_ms, command.actor, command.note, current
                ):
                    self._record(transition, step)
                self.changed.add(stay.admission.bed)
                self._book(bed)
                return command.alarm_id
        of_house = self.house.acknowledge(command.alarm_id, step.now_ms, command.actor, command.note)
        if of_house is not None:
            self._record_house(of_house, step)
            return command.alarm_id
        if command.alarm_id in self._ended_alarms:
            raise Refusal("already_ended", f"alarm {command.alarm_id} has already ended", command.alarm_id)
        raise Refusal("no_such_alarm", f"there is no active alarm {command.alarm_id}", command.alarm_id)

    def _transfer(self, command: Transfer, step: Step) -> str:
        stay = self._stay(command.admission_id)
        target = self._free_bed(command.bed)
        source = self.beds[stay.admission.bed]
        patient = source.release_patient(step.now_ms)
        assert patient is not None
        stay.admission = patient.admission = replace(stay.admission, bed=command.bed)
        for transition in stay.book.withdraw(step.now_ms, command.actor, Kind.TECHNICAL):
            self._record(transition, step)
        stay.book.move_to(command.bed)
        rounds = self._rounds.pop(source.id, None)
        if rounds is not None:
            self._rounds[target.id] = rounds
            self._look_soon(target, step.now_ms)
        step.effects.append(
            AdmissionChanged(step.now_ms, command.admission_id, command.bed, "transfer", command.actor, stay.admission)
        )
        self._record_house(self.house.patient_comes(target.id.unit, step.now_ms), step)
        self._record_house(self.house.patient_leaves(source.id.unit, step.now_ms, command.actor), step)
        self._guarded(target, step, lambda step: target.take_patient(step, patient), "a transfer")
        self._tell_link(target, step)
        self.changed.add(source.id)
        return command.admission_id

    def _discharge(self, command: Discharge, step: Step) -> str:
        stay = self._stay(command.admission_id)
        bed = self.beds[stay.admission.bed]
        bed.release_patient(step.now_ms)
        self._rounds.pop(bed.id, None)
        for transition in stay.book.withdraw(step.now_ms, command.actor):
            self._record(transition, step)
        self._record_house(self.house.patient_leaves(bed.id.unit, step.now_ms, command.actor), step)
        ended = replace(stay.admission, discharged_ms=step.now_ms)
        step.effects.append(
            AdmissionChanged(step.now_ms, command.admission_id, bed.id, "discharge", command.actor, ended)
        )
        del self.stays[command.admission_id]
        self.changed.add(bed.id)
        return command.admission_id

    def _link(self, command: Link, step: Step) -> str:
        """Every admitted bed has lost, or found again, the way to its devices."""
        self.is_link_up = command.is_up
        self._record_house(self.house.link(step.now_ms, is_up=command.is_up), step)
        for stay in self.stays.values():
            self._tell_link(self.beds[stay.admission.bed], step)
        return "broker"

    def _tell_link(self, bed: Bed, step: Step) -> None:
        if bed.equipment is not None:
            step.found += bed.equipment.broker(step.now_ms, lost=not self.is_link_up)
            self._settle(bed, step)

    def _set_clock(self, command: Clock) -> str:
        self.clock_speed = command.speed
        for bed in self.beds.values():
            bed.set_clock_speed(command.speed)
        return "clock"

    def _free_bed(self, bed_id: BedId) -> Bed:
        """The bed, to which a patient may come."""
        if bed_id not in self.beds and len(self.beds) >= BEDS_MAX:
            raise Refusal("too_many_beds", f"more than {BEDS_MAX} beds")
        bed = self.bed(bed_id)
        if bed.patient is not None:
            taken_by = bed.patient.admission.admission_id
            raise Refusal("bed_taken", f"bed {bed_id} is taken by admission {taken_by}", taken_by)
        return bed

    def _stay_in(self, patient: Patient) -> Stay:
        return self.stays[patient.admission.admission_id]

    def _stay(self, admission_id: str) -> Stay:
        stay = self.stays.get(admission_id)
        if stay is None:
            raise Refusal("no_such_admission", f"there is no present admission {admission_id}", admission_id)
        return stay

    def _check_limits(self, limits: Mapping[str, float]) -> None:
        for name, value in limits.items():
            bounds = self.profile.patient_limits.get(name)
            if bounds is not None and not bounds.low <= value <= bounds.high:
                raise Refusal(
                    "limit_out_of_range",
                    f"limit {name} = {value:g} {bounds.unit} is outside {bounds.low:g} to {bounds.high:g}, which "
                    f"profile {self.profile.id} allows",
                )

    def _new_admission_id(self, command: Admit, now_ms: int) -> str:
        parts = (command.patient_id, command.bed.unit, command.bed.bed, str(now_ms))
        return "adm-" + sha256("\n".join(parts).encode()).hexdigest()[:16]

    # --- alarms -------------------------------------------------------------------------------------------------------

    def _settle(self, bed: Bed, step: Step) -> None:
        self._finish(bed, step)
        rounds = self._rounds.get(bed.id)
        if rounds is not None:
            rounds.look(step, bed)
            if step.found:
                self._finish(bed, step)
        if bed.needs_schedule or bed.due_ms <= step.now_ms:
            bed.schedule(step.now_ms)
        self._book(bed)

    def _finish(self, bed: Bed, step: Step) -> None:
        """Turn what the rules found into alarms."""
        self.changed.add(bed.id)
        if bed.patient is None:
            return
        found, step.found = step.found, []
        book = self._stay_in(bed.patient).book
        if found or book.due_ms <= step.now_ms:
            for transition in book.take(found, step.now_ms, as_it_is(bed, self._rounds.get(bed.id), step.now_ms)):
                self._record(transition, step)

    def alarms_shown(self, stay: Stay) -> list[Alarm]:
        """The active alarms of a stay with what they look like now: nothing is decided, and nothing announced."""
        causes = stay.book.causes
        if not causes:
            stay.glances.forget()
            return []
        bed = self.beds[stay.admission.bed]
        current = stay.glances.through(as_it_is(bed, self._rounds.get(bed.id), self.now_ms), self.now_ms)
        return [stay.book.shown(key, current) for key in causes]

    def _record_house(self, transitions: list[AlarmTransition], step: Step) -> None:
        for transition in transitions:
            self._record(transition, step)
            self.is_house_changed = True

    def _record(self, transition: AlarmTransition, step: Step) -> None:
        step.effects.append(transition)
        if transition.to.value == "off":
            self._ended_alarms[transition.alarm.alarm_id] = None
            if len(self._ended_alarms) > ENDED_ALARMS_KEPT:
                del self._ended_alarms[next(iter(self._ended_alarms))]

    # --- snapshot -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The whole state as bytes, for `restore`. Only ever read back from the service's own data directory."""
        return pickle.dumps((SNAPSHOT_FORMAT, self.rules.identity, self), protocol=pickle.HIGHEST_PROTOCOL)

    @staticmethod
    def restore(snapshot: bytes, rules: AlarmProfile | Rulebook) -> Ward | None:
        """The state that `snapshot` holds; None when it was made by another format or under other rules."""
        held = pickle.loads(snapshot)  # noqa: S301 - see `snapshot`
        expected = (SNAPSHOT_FORMAT, as_rulebook(rules).identity)
        if not isinstance(held, tuple) or len(held) != 3 or held[:2] != expected:
            return None
        ward = held[2]
        assert isinstance(ward, Ward)
        return ward


def _nothing(step: Step) -> None:
    """Nothing of the bed itself is due."""


def _take(bed: Bed, step: Step, device: Device, message: DeviceMessage) -> bool:
    """Let the bed take the message; False when it is a duplicate."""
    if isinstance(message, ObsMessage):
        return bed.observe(step, device, message)
    if isinstance(message, EventMessage):
        return bed.take_event(step, device, message)
    if isinstance(message, StatusMessage):
        bed.take_status(step, device, message)
    return True
