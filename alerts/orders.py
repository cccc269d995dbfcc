"""The orders of people and of the gateway, carried out at the ward: who comes, moves and goes; what is charted, signed,
acknowledged, switched off; what the gateway notes of itself.

Invariants
- An order that cannot be carried out is refused (`alerts.refusal`) before anything has changed.
- What the engine fails on afterwards is the bed's matter (`Ward.guarded`): a patient who was admitted is there, and the
  alarm says that the monitoring is impaired. Only a charting that failed is refused, so that somebody charts it again.
- What a person did is looked at at once.

Orders come decoded and are told apart by their type. Accounting for them is `Ward.command`'s business.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alerts.admitting import admission_for
from alerts.alarm import Kind
from alerts.current import as_it_is
from alerts.dosing import DoseDesk
from alerts.limits_off import switched_off
from alerts.refusal import Refusal
from alerts.rounds import Rounds
from alerts.stay import Stay
from streaming.admission import Admission
from streaming.bed import Bed
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
from streaming.effects import AdmissionChanged
from streaming.identity import BedId
from streaming.stay_watch import USUAL_LIMITS, StayWatch
from streaming.step import Step
from streaming.therapy.findings import limits_of

if TYPE_CHECKING:
    from alerts.ward import Ward

BEDS_MAX = 20_000
"""Beds known at once: names of beds are made up by whoever connects, memory is not."""


def carry_out(ward: Ward, command: Command, step: Step) -> str:
    """Do it; return the id of what it was about.

    Raises:
        Refusal: It cannot be done, and nothing has changed.
    """
    match command:
        case Admit():
            return _admit(ward, command, step)
        case Transfer():
            return _transfer(ward, command, step)
        case Discharge():
            return _discharge(ward, command, step)
        case Chart():
            return _chart(ward, command, step)
        case Acknowledge():
            return _acknowledge(ward, command, step)
        case Course() | AudioPause() | Sign() | LimitsOff():
            return _order(ward, command, step)
        case Link() | Clock() | SelfCheck() | Tick():
            return _note(ward, command, step)


# --- who comes, moves and goes ----------------------------------------------------------------------------------------


def _admit(ward: Ward, command: Admit, step: Step) -> str:
    bed = _free_bed(ward, command.bed)
    admission = admission_for(command, ward.rules, ward.stays, step.now_ms)
    admission_id = admission.admission_id
    ward.stays[admission_id] = Stay(admission, ward.rules.policy)
    step.effects.append(AdmissionChanged(step.now_ms, admission_id, admission.bed, "admit", command.actor, admission))
    ward.record_house(ward.house.patient_comes(admission.bed.unit, step.now_ms), step)
    ward.guarded(bed, step, lambda step: _begin(ward, bed, step, admission), "an admission")
    _tell_link(ward, bed, step)
    return admission_id


def _begin(ward: Ward, bed: Bed, step: Step, admission: Admission) -> None:
    bed.admit(step, admission)
    assert bed.patient is not None
    profile, facts = ward.rules.dosing.get(admission.profile), bed.patient.facts
    desk = DoseDesk(admission.admission_id, profile, facts, step.now_ms) if profile is not None else None
    watch = StayWatch(admission, ward.profile, limits_of(profile.doses) if profile is not None else USUAL_LIMITS)
    ward.rounds[bed.id] = Rounds(facts, watch, desk, step.now_ms)


def _transfer(ward: Ward, command: Transfer, step: Step) -> str:
    stay = _stay(ward, command.admission_id)
    target = _free_bed(ward, command.bed)
    source = ward.beds[stay.admission.bed]
    patient = source.release_patient(step.now_ms)
    assert patient is not None
    stay.admission = patient.admission = replace(stay.admission, bed=command.bed)
    ward.record(stay.book.withdraw(step.now_ms, command.actor, Kind.TECHNICAL), step)
    stay.book.move_to(command.bed)
    rounds = ward.rounds.pop(source.id, None)
    if rounds is not None:
        ward.rounds[target.id] = rounds
        _look_soon(ward, target, step.now_ms)
    step.effects.append(
        AdmissionChanged(step.now_ms, command.admission_id, command.bed, "transfer", command.actor, stay.admission)
    )
    ward.record_house(ward.house.patient_comes(target.id.unit, step.now_ms), step)
    ward.record_house(ward.house.patient_leaves(source.id.unit, step.now_ms, command.actor), step)
    ward.guarded(target, step, lambda step: target.take_patient(step, patient), "a transfer")
    _tell_link(ward, target, step)
    ward.changed.add(source.id)
    return command.admission_id


def _discharge(ward: Ward, command: Discharge, step: Step) -> str:
    stay = _stay(ward, command.admission_id)
    bed = ward.beds[stay.admission.bed]
    bed.release_patient(step.now_ms)
    ward.rounds.pop(bed.id, None)
    ward.record(stay.book.withdraw(step.now_ms, command.actor), step)
    ward.record_house(ward.house.patient_leaves(bed.id.unit, step.now_ms, command.actor), step)
    ended = replace(stay.admission, discharged_ms=step.now_ms)
    step.effects.append(AdmissionChanged(step.now_ms, command.admission_id, bed.id, "discharge", command.actor, ended))
    del ward.stays[command.admission_id]
    ward.changed.add(bed.id)
    return command.admission_id


def _free_bed(ward: Ward, bed_id: BedId) -> Bed:
    """The bed, to which a patient may come."""
    if bed_id not in ward.beds and len(ward.beds) >= BEDS_MAX:
        raise Refusal("too_many_beds", f"more than {BEDS_MAX} beds")
    bed = ward.bed(bed_id)
    if bed.patient is not None:
        taken_by = bed.patient.admission.admission_id
        raise Refusal("bed_taken", f"bed {bed_id} is taken by admission {taken_by}", taken_by)
    return bed


def _stay(ward: Ward, admission_id: str) -> Stay:
    stay = ward.stays.get(admission_id)
    if stay is None:
        raise Refusal("no_such_admission", f"there is no present admission {admission_id}", admission_id)
    return stay


# --- what is charted, acknowledged and ordered ------------------------------------------------------------------------


def _chart(ward: Ward, command: Chart, step: Step) -> str:
    bed = ward.beds[_stay(ward, command.admission_id).admission.bed]
    _look_soon(ward, bed, step.now_ms)
    took = ward.guarded(
        bed, step, lambda step: bed.chart(step, command.metrics, command.determined_ms), "what was charted"
    )
    if not took:
        raise Refusal("engine_fault", "the engine failed on what was charted", command.admission_id)
    return command.admission_id


def _acknowledge(ward: Ward, command: Acknowledge, step: Step) -> str:
    alarm_id = command.alarm_id
    for stay in ward.stays.values():
        if any(alarm.alarm_id == alarm_id for alarm in stay.book.active.values()):
            bed = ward.beds[stay.admission.bed]
            current = as_it_is(bed, ward.rounds.get(bed.id), step.now_ms)
            ward.record(stay.book.acknowledge(alarm_id, step.now_ms, command.actor, command.note, current), step)
            ward.changed.add(stay.admission.bed)
            ward.book(bed)
            return alarm_id
    of_house = ward.house.acknowledge(alarm_id, step.now_ms, command.actor, command.note)
    if of_house is not None:
        ward.record_house(of_house, step)
        return alarm_id
    if ward.has_ended(alarm_id):
        raise Refusal("already_ended", f"alarm {alarm_id} has already ended", alarm_id)
    raise Refusal("no_such_alarm", f"there is no active alarm {alarm_id}", alarm_id)


def _order(ward: Ward, command: Course | AudioPause | Sign | LimitsOff, step: Step) -> str:
    stay = _stay(ward, command.admission_id)
    match command:
        case Sign():
            _sign(ward, stay, command, step)
            return command.admission_id
        case LimitsOff():
            _switch_limits_off(ward, stay, command, step)
        case Course():
            _take_course(ward, stay, command, step)
        case AudioPause():
            stay.book.pause_audio(step.now_ms, step.now_ms + command.seconds * 1000)
    ward.changed.add(stay.admission.bed)
    return command.admission_id


def _take_course(ward: Ward, stay: Stay, command: Course, step: Step) -> None:
    stay.course = command
    bed = ward.beds[stay.admission.bed]
    patient = bed.patient
    assert patient is not None
    _look_soon(ward, bed, step.now_ms)
    ward.guarded(bed, step, lambda step: patient.facts.take_course(command, step.now_ms), "a course")


def _sign(ward: Ward, stay: Stay, command: Sign, step: Step) -> None:
    desk = ward.desk(command.admission_id)
    if desk is None:
        raise Refusal("no_dosing_profile", "no dosing profile is in force, so there is nothing to sign")
    signed = desk.sign(command, step.now_ms)
    if isinstance(signed, SignatureRefused):
        raise Refusal(signed.reason, signed.detail, command.admission_id)
    step.effects += signed
    bed = ward.beds[stay.admission.bed]
    ward.guarded(bed, step, ward.rounds[bed.id].decision_signed, "a signature")


def _switch_limits_off(ward: Ward, stay: Stay, command: LimitsOff, step: Step) -> None:
    off = switched_off(command, ward.profile, ward.rules.policy.limits_off, step.now_ms)
    ward.record(stay.book.switch_off(off), step)
    ward.book(ward.beds[stay.admission.bed])


def _look_soon(ward: Ward, bed: Bed, now_ms: int) -> None:
    rounds = ward.rounds.get(bed.id)
    if rounds is not None:
        rounds.look_soon(now_ms)


# --- what the gateway notes of itself ---------------------------------------------------------------------------------


def _note(ward: Ward, command: Link | Clock | SelfCheck | Tick, step: Step) -> str:
    match command:
        case Link():
            return _link(ward, command, step)
        case SelfCheck():
            ward.record_house(ward.house.self_check(command, step.now_ms), step)
            return command.part
        case Clock():
            return _set_clock(ward, command)
        case Tick():
            return "tick"


def _link(ward: Ward, command: Link, step: Step) -> str:
    """Every admitted bed has lost, or found again, the way to its devices."""
    ward.is_link_up = command.is_up
    ward.record_house(ward.house.link(step.now_ms, is_up=command.is_up), step)
    for stay in ward.stays.values():
        _tell_link(ward, ward.beds[stay.admission.bed], step)
    return "broker"


def _tell_link(ward: Ward, bed: Bed, step: Step) -> None:
    if bed.equipment is not None:
        step.found += bed.equipment.broker(step.now_ms, lost=not ward.is_link_up)
        ward.settle(bed, step)


def _set_clock(ward: Ward, command: Clock) -> str:
    ward.clock_speed = command.speed
    for bed in ward.beds.values():
        bed.set_clock_speed(command.speed)
    return "clock"
