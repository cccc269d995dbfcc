"""The ward: every bed, every admission, every alarm. The fold's state, and `step` by `step` its effects.

Invariants
- The same entries give the same effects, to the byte: nothing in here reads a clock, a file or a random number.
- Time passes by entries: before an entry takes effect, every timer that is due at or before its time of receipt runs,
  at the instant it is due and in order of (instant, bed). Whether a tick was journaled in between changes nothing.
- State of one bed never reads another's.
- A rule that fails on one bed is a fault of ours: the message is rejected (the charting refused) with `engine_fault`, a
  high technical alarm says so, and the other beds go on. It is the same when it fails as time passes, or on a patient
  who comes or moves: they are there, and the alarm says that the monitoring is impaired.

It knows no bytes: messages and commands come decoded. How a command is carried out is `alerts.orders`' business.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping

from alerts.agenda import Agenda
from alerts.alarm import Alarm, AlarmTransition, SignalState
from alerts.book import VIGIL
from alerts.current import as_it_is
from alerts.dosing import DoseDesk
from alerts.house import House
from alerts.orders import carry_out
from alerts.refusal import Refusal
from alerts.rounds import Rounds
from alerts.rulebook import Rulebook, as_rulebook
from alerts.stay import Stay
from streaming.bed import Bed
from streaming.commands import Command, Tick
from streaming.device import Device
from streaming.effects import CommandApplied, CommandRefused, InputRejected
from streaming.identity import BedId, DeviceId
from streaming.observation import Decoded, DeviceMessage, EventMessage, ObsMessage, Rejected, StatusMessage
from streaming.rules.kinds import AlarmProfile
from streaming.step import Step

DEVICES_MAX = 20_000
"""Devices known at once: topics are made up by whoever connects, memory is not."""
ENDED_ALARMS_KEPT = 10_000
FAULT_RETRY_MS = 1_000
"""A bed on which the engine failed is looked at again so long after."""
SNAPSHOT_FORMAT = 4


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
        self.rounds: dict[BedId, Rounds] = {}
        """Who looks at the patient of a bed, and when."""
        self._ended_alarms: dict[str, None] = {}
        self._agenda = Agenda()

    # --- time ---------------------------------------------------------------------------------------------------------

    def advance(self, now_ms: int) -> list[object]:
        """Let time pass up to `now_ms`, running what is due on the way."""
        effects: list[object] = []
        agenda = self._agenda
        while True:
            house_ms = self.house.due_ms
            if house_ms <= now_ms and house_ms <= agenda.next_ms:
                effects += self._house_time(house_ms)
                continue
            if agenda.next_ms > now_ms:
                break
            due_ms, bed = agenda.take(self.beds)
            if bed is None:
                continue
            if self._due_of(bed) > due_ms:
                self.book(bed)
                continue
            effects += self._bed_time(bed, due_ms)
        self.now_ms = max(self.now_ms, now_ms)
        return effects

    def _bed_time(self, bed: Bed, due_ms: int) -> list[object]:
        """What is due at a bed."""
        at_ms = self.now_ms = max(due_ms, self.now_ms)
        step = Step(at_ms)
        is_due = bed.due_ms <= at_ms  # otherwise the rounds or the alarm book are
        self.guarded(bed, step, bed.time_passed if is_due else _nothing, "the passing of time")
        bed.due_ms = max(bed.due_ms, at_ms + 1)  # whatever is wrong with a bed, time goes on
        self.book(bed)
        return step.effects

    def _house_time(self, due_ms: int) -> list[object]:
        """What is due in the house."""
        step = Step(max(due_ms, self.now_ms))
        self.now_ms = step.now_ms
        self.record_house(self.house.time_passed(step.now_ms), step)
        return step.effects

    def book(self, bed: Bed) -> None:
        """Note when the bed is to be looked at."""
        self._agenda.book(bed, self._due_of(bed))

    def _due_of(self, bed: Bed) -> int:
        rounds = self.rounds.get(bed.id)
        due_ms = bed.due_ms if rounds is None else min(bed.due_ms, rounds.due_ms)
        if bed.patient is None:
            return due_ms
        return min(due_ms, self.stays[bed.patient.admission.admission_id].book.due_ms)

    # --- messages -----------------------------------------------------------------------------------------------------

    def message(self, decoded: Decoded, topic: str, received_ms: int) -> list[object]:
        """Take a message that follows the grammar."""
        is_due = self._agenda.next_ms <= received_ms or self.house.due_ms <= received_ms
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
            rounds = self.rounds.get(bed.id)
            is_wanted = rounds is not None and rounds.is_wanted(received_ms, bed)
            if is_wanted or step.found or bed.needs_schedule:
                self.settle(bed, step)
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

    def guarded(self, bed: Bed, step: Step, action: Callable[[Step], None], what: str) -> bool:
        """Let the bed do something and settle what it found; False when the engine failed on it."""
        try:
            action(step)
            self.settle(bed, step)
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
            rounds = self.rounds.get(bed.id)
            if rounds is not None:
                rounds.put_off(retry_ms)
            self.book(bed)
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
            subject_id = carry_out(self, command, step)
        except Refusal as refusal:
            refused = self.refuse(
                name, refusal.reason, refusal.detail, body, received_ms, command.actor, refusal.subject_id
            )
            return effects + step.effects + refused
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

    def desk(self, admission_id: str) -> DoseDesk | None:
        """Decision and doses of a present admission; None without dosing profiles."""
        stay = self.stays.get(admission_id)
        rounds = self.rounds.get(stay.admission.bed) if stay is not None else None
        return rounds.desk if rounds is not None else None

    # --- alarms -------------------------------------------------------------------------------------------------------

    def settle(self, bed: Bed, step: Step) -> None:
        """Let what was found become alarms, look at the patient where it is time, and note when to look again."""
        self._finish(bed, step)
        rounds = self.rounds.get(bed.id)
        if rounds is not None:
            rounds.look(step, bed)
            if step.found:
                self._finish(bed, step)
        if bed.needs_schedule or bed.due_ms <= step.now_ms:
            bed.schedule(step.now_ms)
        self.book(bed)

    def _finish(self, bed: Bed, step: Step) -> None:
        """Turn what the rules found into alarms."""
        self.changed.add(bed.id)
        if bed.patient is None:
            return
        found, step.found = step.found, []
        book = self.stays[bed.patient.admission.admission_id].book
        if found or book.due_ms <= step.now_ms:
            current = as_it_is(bed, self.rounds.get(bed.id), step.now_ms)
            self.record(book.take(found, step.now_ms, current), step)

    def alarms_shown(self, stay: Stay) -> list[Alarm]:
        """The active alarms of a stay with what they look like now: nothing is decided, and nothing announced."""
        causes = stay.book.causes
        if not causes:
            stay.glances.forget()
            return []
        bed = self.beds[stay.admission.bed]
        current = stay.glances.through(as_it_is(bed, self.rounds.get(bed.id), self.now_ms), self.now_ms)
        return [stay.book.shown(key, current) for key in causes]

    def record_house(self, transitions: list[AlarmTransition], step: Step) -> None:
        """Take note of what became of the house's alarms."""
        self.record(transitions, step)
        self.is_house_changed = self.is_house_changed or bool(transitions)

    def record(self, transitions: Iterable[AlarmTransition], step: Step) -> None:
        """Take note of what became of alarms."""
        for transition in transitions:
            step.effects.append(transition)
            if transition.to is SignalState.OFF:
                self._note_ended(transition.alarm.alarm_id)

    def has_ended(self, alarm_id: str) -> bool:
        """Whether it is one of the alarms that ended lately."""
        return alarm_id in self._ended_alarms

    def _note_ended(self, alarm_id: str) -> None:
        self._ended_alarms[alarm_id] = None
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
