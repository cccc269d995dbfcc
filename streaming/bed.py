"""One bed: its devices, its signals, and the patient admitted to it. The partition of all state.

The way of one observation message: sequence (seen before?) → clock (when was it determined, on our clock?) → each
value: unit, plausible range, artefact rules → channel → slot (does this channel speak for the signal?) → rules, unless
the value lies in the band in which no rule can change.

Invariants: state of one bed never reads another's. A value is stored whatever becomes of it; only believable and
current values reach a slot. Later data never rewrite alarm history. What was measured or charted of one patient never
speaks for the next: values are forgotten when the patient leaves, and what was charted goes with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streaming.admission import Admission
from streaming.device import Device
from streaming.durations import NEVER_DUE_MS
from streaming.effects import InputRejected, SamplesAccepted
from streaming.equipment import BATTERY_EVENT, EquipmentWatch
from streaming.freshness import is_arterial_line
from streaming.identity import CHART_DEVICE, BedId, DeviceId
from streaming.intake import PressureValue, accept, take_pressures, take_value
from streaming.nomenclature import METRICS
from streaming.observation import EventMessage, MetricValue, ObsMessage, StatusMessage, Validity
from streaming.patient import Patient
from streaming.pressure import PressureSources
from streaming.rules.kinds import AlarmProfile, LimitRule
from streaming.sequence import Arrival
from streaming.signals import INFINITY, NUMBER, Channel, PressureGroup, SignalSlot, group_key
from streaming.step import Step
from streaming.therapy.patient_facts import WATCHED_METRICS

LATE_MS = 5_000
"""A message older than this on arrival was buffered: its values are looked at one by one for freshness. [D]"""
METRICS_MAX = 512
"""Metrics of one device: names are made up by whoever connects, memory is not. A monitor reports a few dozen. What the
table knows is taken all the same: no made-up name keeps a pressure from the rules. [D]"""


class Bed:
    """State of one bed. Instants are gateway milliseconds."""

    def __init__(self, bed_id: BedId, profile: AlarmProfile) -> None:
        self.id = bed_id
        self.profile = profile
        self.devices: dict[str, Device] = {}
        self.slots: dict[str, SignalSlot] = {}
        self.groups: dict[tuple[str, str], PressureGroup] = {}
        self.pressures = PressureSources(profile)
        self.patient: Patient | None = None
        self.equipment: EquipmentWatch | None = None
        self.due_ms = NEVER_DUE_MS
        """When time alone may next change something; never later than the truth, sometimes earlier."""
        self.booked_ms = NEVER_DUE_MS
        """When the ward will look at this bed next."""
        self.needs_schedule = False
        """Whether something happened since that may have changed when the next thing is due."""
        self.clock_speed = 1.0
        self._skew_limit_ms, self._skew_reset_ms = _skew_limits_ms(profile, self.clock_speed)

    def set_clock_speed(self, speed: float) -> None:
        """Delays of transport are real; on a clock that runs faster they look like skew, so its limit grows with it."""
        self.clock_speed = speed
        self._skew_limit_ms, self._skew_reset_ms = _skew_limits_ms(self.profile, speed)

    # --- messages -----------------------------------------------------------------------------------------------------

    def device(self, device_id: DeviceId) -> Device:
        """The device of that name at this bed, begun when it is new."""
        device = self.devices.get(device_id.device)
        if device is None:
            device = self.devices[device_id.device] = Device(device_id)
            if self.equipment is not None:
                self.equipment.expect_numbering_from(device)
                device.is_suspect = True
        return device

    def observe(self, step: Step, device: Device, message: ObsMessage) -> bool:
        """Take an observation message; False when it is a duplicate."""
        arrival = device.sequence.tracker(message.boot).accept(message.seq)
        if arrival is Arrival.DUPLICATE:
            return False
        now_ms = step.now_ms
        if device.note_pace(now_ms):
            self.needs_schedule = True
        at_ms = self._arrived(step, device, message.device_ms)
        if not device.has_measured:
            device.has_measured = self.needs_schedule = True
        is_current = at_ms >= device.last_time_ms and now_ms - at_ms < LATE_MS
        device.last_time_ms = max(device.last_time_ms, at_ms)
        self._take_metrics(step, device, message.metrics, at_ms, is_current=is_current)
        if self.patient is not None:
            self.patient.facts.take(now_ms)
            if device.is_watched:
                self.patient.facts.take_device(device)
                step.signals += self.patient.facts.infusions.take_samples()
        if arrival is Arrival.OUT_OF_ORDER:
            self._look_at_numbering(step, device)
        step.effects.append(SamplesAccepted(device.id, now_ms, step.metrics, step.signals))
        return True

    def take_event(self, step: Step, device: Device, message: EventMessage) -> bool:
        """Take a device event; False when it is a duplicate."""
        arrival = device.sequence.tracker(message.boot).accept(message.seq)
        if arrival is Arrival.DUPLICATE:
            return False
        at_ms = self._arrived(step, device, message.device_ms)
        if self.patient is not None:
            self.patient.facts.take_event(device, message, at_ms)
        if self.equipment is not None and message.event == BATTERY_EVENT:
            step.found += self.equipment.battery(device, message.phase, at_ms, step.now_ms)
            self.needs_schedule = True
        if arrival is Arrival.OUT_OF_ORDER:
            self._look_at_numbering(step, device)
        return True

    def take_status(self, step: Step, device: Device, message: StatusMessage) -> None:
        """Take what a device, or its last will, says of itself."""
        device.take_status(message.kind, message.model, message.state, step.now_ms)
        if message.state == "online":
            device.last_received_ms = step.now_ms
        if self.equipment is not None:
            step.found += self.equipment.device_state(device, step.now_ms)
            self.needs_schedule = True
        if self.patient is not None:
            self.patient.facts.device_state(device, step.now_ms)

    def chart(self, step: Step, metrics: Mapping[str, MetricValue], determined_ms: int | None) -> None:
        """Take values that a person charted at this bed."""
        device = self.device(DeviceId(self.id.unit, self.id.bed, CHART_DEVICE))
        device.take_status("chart", None, "online", step.now_ms)
        device.last_received_ms = step.now_ms
        at_ms = step.now_ms if determined_ms is None else min(determined_ms, step.now_ms)
        self._take_metrics(step, device, metrics, at_ms, is_current=False)
        if self.patient is not None:
            self.patient.facts.take(step.now_ms)
            if device.is_watched:
                self.patient.facts.take_device(device)
                step.signals += self.patient.facts.infusions.take_samples()
        step.effects.append(SamplesAccepted(device.id, step.now_ms, step.metrics, step.signals))

    # --- admission ----------------------------------------------------------------------------------------------------

    def admit(self, step: Step, admission: Admission) -> None:
        """A patient comes: their limits hold from now on, for the values already there too."""
        self.take_patient(step, Patient(admission, self.profile))

    def take_patient(self, step: Step, patient: Patient) -> None:
        """Take over a patient, with the conditions they bring."""
        self.patient = patient
        self.equipment = EquipmentWatch(self.profile, patient.reported)
        if patient.chart is not None:
            self._adopt_chart(patient.chart)
            patient.chart = None
        for device in self.devices.values():
            self.equipment.expect_numbering_from(device)
            self.equipment.expect(device, step.now_ms)
            step.found += self.equipment.device_state(device, step.now_ms)
        for name in patient.reported:
            self.slots.setdefault(name, SignalSlot(name))
        for slot in self.slots.values():
            slot.choose(step.now_ms)
            if slot.source is None:
                step.found += patient.lose_sight(slot, step.now_ms)
                step.found += self.equipment.signal_unknown(slot, step.now_ms, step.now_ms)
                continue
            step.found += self.equipment.signal_known(slot, step.now_ms)
            self.judge(step, slot)
        patient.facts.come_to(self, step.now_ms)
        self.needs_schedule = True

    def release_patient(self, now_ms: int) -> Patient | None:
        """The patient leaves, with what was charted of them: nothing at this bed is judged any more, and no value from
        before `now_ms` will speak for whoever comes next."""
        patient = self.patient
        self.patient = None
        self.equipment = None
        self.pressures = PressureSources(self.profile)
        self.due_ms = NEVER_DUE_MS
        chart = self._hand_over_chart()
        if patient is not None:
            patient.chart = chart
            patient.facts.leave_bed(now_ms)
        for device in self.devices.values():
            device.is_suspect = False
            for channel in device.channels.values():
                channel.forget(now_ms)
        for slot in self.slots.values():
            slot.source = slot.preferred = None
            slot.make_quiet(INFINITY, -INFINITY)
        return patient

    def _hand_over_chart(self) -> Device | None:
        chart = self.devices.pop(CHART_DEVICE, None)
        if chart is None:
            return None
        for key in [key for key in self.groups if key[0] == CHART_DEVICE]:
            del self.groups[key]
        for channel in chart.channels.values():
            if channel.slot is not None:
                channel.slot.remove(channel)
        return chart

    def _adopt_chart(self, chart: Device) -> None:
        chart.id = DeviceId(self.id.unit, self.id.bed, CHART_DEVICE)
        self.devices[CHART_DEVICE] = chart
        for channel in dict.fromkeys(chart.channels.values()):
            channel.device = chart.id
            self._connect(channel)

    # --- time ---------------------------------------------------------------------------------------------------------

    def time_passed(self, step: Step) -> None:
        """Run everything that is due at the step's instant; `schedule` is for the caller to call when all is done."""
        patient, equipment, now_ms = self.patient, self.equipment, step.now_ms
        if patient is not None and equipment is not None:
            for slot in self.slots.values():
                if slot.source is not None and slot.source.fresh_until_ms <= now_ms:
                    self._expire(step, slot)
            self.pressures.line_may_be_gone(self, step)
            step.found += patient.time_passed(self.slots, now_ms)
            step.found += equipment.silent_devices(self.devices, now_ms)
            step.found += equipment.time_passed(now_ms, self.devices)

    def schedule(self, now_ms: int) -> None:
        """Find when time alone may next change something."""
        self.needs_schedule = False
        self.due_ms = NEVER_DUE_MS
        if self.patient is None or self.equipment is None:
            return
        dues = [slot.source.fresh_until_ms for slot in self.slots.values() if slot.source is not None]
        others = (
            self.patient.due_ms(self.slots),
            self.equipment.due_ms(self.devices, now_ms),
            self.pressures.due_ms(self, now_ms),
        )
        dues += [other for other in others if other is not None]
        self.due_ms = min(dues, default=NEVER_DUE_MS)

    # --- signals ------------------------------------------------------------------------------------------------------

    def speak(self, step: Step, slot: SignalSlot, channel: Channel) -> None:
        """A channel has a new usable value: does it speak for the signal, and what do the rules say?"""
        now_ms = step.now_ms
        if slot.keeps_all and channel.value is not None:
            self.keep(slot, channel, channel.at_ms, channel.value, channel.validity)
        was_unknown = False
        if slot.source is not channel:
            was_unknown = slot.source is None or slot.source.fresh_until_ms <= now_ms
            slot.choose(now_ms)
            if slot.source is not channel:
                return
            self.needs_schedule = True
        elif channel.at_ms + channel.fresh_ms <= now_ms:
            self._expire(step, slot)
            return
        value = channel.value
        if isinstance(value, NUMBER):
            step.signals.append((slot.name, channel.at_ms, value, channel.validity))
        if was_unknown and self.equipment is not None:
            step.found += self.equipment.signal_known(slot, now_ms)
            self.needs_schedule = True
        if was_unknown or not isinstance(value, NUMBER) or not slot.quiet_low <= value <= slot.quiet_high:
            self.judge(step, slot)

    def keep(self, slot: SignalSlot, channel: Channel, at_ms: int, value: float | str, validity: Validity) -> None:
        """A value of a signal that is measured or charted now and then counts, whether it speaks or not."""
        if self.patient is not None:
            self.patient.facts.keep(slot, channel, at_ms, value, validity)

    def judge(self, step: Step, slot: SignalSlot) -> None:
        """Put the signal before the patient's rules."""
        if self.patient is None or slot.source is None:
            return
        device = self.devices.get(slot.source.device.device)
        offset_ms = device.clock.offset_ms if device is not None else None
        step.found += self.patient.read(slot, step.now_ms, offset_ms)
        self.needs_schedule = True

    def limit_evidence(self, rule: LimitRule) -> dict[str, Any] | None:
        """What a limit rule's condition rests on at this moment; None when none is under way, or nobody measures."""
        slot = self.slots.get(rule.signal)
        if self.patient is None or slot is None or slot.source is None:
            return None
        device = self.devices.get(slot.source.device.device)
        return self.patient.evidence_now(rule, slot, device.clock.offset_ms if device is not None else None)

    def believability_changed(self, step: Step, channel: Channel) -> None:
        """A channel that feeds a signal began, or ceased, to report only what cannot be true."""
        if self.equipment is not None and channel.slot is not None:
            step.found += self.equipment.believable(channel, step.now_ms)
            self.needs_schedule = True

    def _take_metrics(
        self, step: Step, device: Device, sent: Mapping[str, MetricValue], at_ms: int, *, is_current: bool
    ) -> None:
        """Every value of a message. The common case is written out, since it is nearly all there is to do."""
        channels, metrics, signals = device.channels, step.metrics, step.signals
        pressures: list[PressureValue] = []
        for name, value in sent.items():
            channel = channels.get(name)
            if channel is None:
                channel = self._open_channel(step, device, name)
                if channel is None:
                    continue
            kind = type(value)
            is_number = kind is float or kind is int
            if is_current and is_number and channel.low <= value <= channel.high:  # type: ignore[operator]
                if channel.group is not None:
                    pressures.append((channel, value, Validity.VALID, at_ms))  # type: ignore[arg-type]
                    continue
                metrics.append((channel.name, at_ms, value, 0))  # type: ignore[arg-type]
                slot = channel.slot
                if channel.invalid_since_ms is not None or (slot is not None and slot.source is not channel):
                    accept(self, step, channel, value, at_ms, Validity.VALID)  # type: ignore[arg-type]
                    continue
                # As Channel.accept and Bed.speak do, for the source of a signal that reports again.
                channel.value = value  # type: ignore[assignment]
                channel.at_ms = channel.latest_ms = at_ms
                channel.validity = channel.latest_validity = Validity.VALID
                if slot is not None:
                    signals.append((slot.name, at_ms, value, 0))  # type: ignore[arg-type]
                    if not slot.quiet_low <= value <= slot.quiet_high:  # type: ignore[operator]
                        self.judge(step, slot)
                continue
            pressure = take_value(self, step, device, channel, value, at_ms)
            if pressure is not None:
                pressures.append(pressure)
        if pressures:
            for group in take_pressures(self, step, pressures):
                self.pressures.measured(self, step, group)

    def _expire(self, step: Step, slot: SignalSlot) -> None:
        """The slot's source says nothing current any more: another one speaks, or nobody does."""
        since_ms = slot.source.fresh_until_ms if slot.source is not None else step.now_ms
        slot.choose(step.now_ms)
        if self.patient is None or self.equipment is None:
            return
        self.needs_schedule = True
        if slot.source is not None:
            self.judge(step, slot)
            return
        step.found += self.patient.lose_sight(slot, step.now_ms)
        step.found += self.equipment.signal_unknown(slot, since_ms, step.now_ms)

    # --- devices ------------------------------------------------------------------------------------------------------

    def _arrived(self, step: Step, device: Device, device_ms: int | None) -> int:
        """Note that the device spoke; return its time on the gateway's clock."""
        now_ms = step.now_ms
        device.last_received_ms = now_ms
        if device.state != "online":
            device.take_presence("online", now_ms)  # a will may cross with data: what sends is there
        if device.is_suspect and self.equipment is not None:
            step.found += self.equipment.device_state(device, now_ms)
            self.needs_schedule = True
        if device_ms is None:
            return now_ms
        at_ms = device.clock.correct(device_ms, now_ms)
        if device.has_skew or abs(device.clock.offset_ms or 0) > self._skew_limit_ms:
            self._look_at_clock(step, device)
        return at_ms

    def _look_at_clock(self, step: Step, device: Device) -> None:
        device.has_skew = abs(device.clock.offset_ms or 0) > self._skew_reset_ms
        if self.equipment is not None:
            step.found += self.equipment.clock(device, step.now_ms, max(self.clock_speed, 1.0))
            self.needs_schedule = True

    def _look_at_numbering(self, step: Step, device: Device) -> None:
        if self.equipment is not None:
            step.found += self.equipment.numbering(device, step.now_ms)
            self.needs_schedule = True

    def _open_channel(self, step: Step, device: Device, name: str) -> Channel | None:
        """The channel of a metric that the device names for the first time; two names of one metric share one. None
        when the device has named too many."""
        channels = device.channels
        if len(channels) >= METRICS_MAX and name not in METRICS:
            self._refuse_metric(step, device, name)
            return None
        channel = Channel(device.id, name, device.kind)
        channel.take_patience(device.patience_ms)
        same = next((other for other in channels.values() if other.name == channel.name), None)
        channels[name] = same or channel
        if same is None:
            self._connect(channel)
            device.is_watched = device.is_watched or channel.name in WATCHED_METRICS
        return channels[name]

    def _connect(self, channel: Channel) -> None:
        """Let a channel feed its signal, and be judged with the pressures that belong to it."""
        key = group_key(channel.name)
        if key is not None:
            group = PressureGroup(arterial=is_arterial_line(channel.name))
            self.groups.setdefault((channel.device.device, key), group).join(channel)
        if channel.signal is not None:
            self.slots.setdefault(channel.signal, SignalSlot(channel.signal)).add(channel)

    @staticmethod
    def _refuse_metric(step: Step, device: Device, name: str) -> None:
        if device.has_too_many_metrics:
            return
        device.has_too_many_metrics = True
        topic = f"icu/v1/{device.id.unit}/{device.id.bed}/{device.id.device}/obs"
        detail = f"more than {METRICS_MAX} metrics of one device; no further unknown one is kept"
        step.effects.append(InputRejected(step.now_ms, topic, "too_many_metrics", detail, device.id, name))


def _skew_limits_ms(profile: AlarmProfile, speed: float) -> tuple[int, int]:
    """Offset at which a clock must be looked at, and at which it need not be any more."""
    rule = next((rule for rule in profile.equipment_rules if rule.kind == "clock_skew"), None)
    if rule is None or rule.above_s is None:
        return NEVER_DUE_MS, NEVER_DUE_MS
    reset_s = rule.above_s if rule.reset_s is None else min(rule.reset_s, rule.above_s)
    return round(rule.above_s * 1000 * max(speed, 1.0)), round(reset_s * 1000 * max(speed, 1.0))
