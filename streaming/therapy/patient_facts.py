"""What is known of one admitted patient, as the dose criteria ask for it (`streaming.criteria.facts.Facts`).

The present comes from the bed's channels under the criteria's limits on age; the past from what was kept of the stay.
The past begins with the admission and goes along when the patient moves; what devices of the bed had determined before
belongs to somebody else, but for the values that are current when the patient comes. Doubtful values are part of the
present, marked so, and never of the past.

What comes each second is kept once a minute, as it was when the first message of the minute had come; only of the mean
pressure every value counts. No answer depends on when questions were asked. It judges nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from streaming.admission import Admission
from streaming.commands import Course
from streaming.criteria.attention import INTERVAL
from streaming.criteria.facts import Reading, RhythmEvent, Sample, Total
from streaming.criteria.freshness import MONITORED_MS, usual_fresh_ms
from streaming.freshness import CONTINUOUS
from streaming.identity import CHART_DEVICE
from streaming.nomenclature import EVENTS, SIGNAL_UNITS
from streaming.observation import EventMessage, Validity
from streaming.signals import first_to_speak
from streaming.therapy.doses import DoseRecord, order_of
from streaming.therapy.drugs import PRESSORS, Drug
from streaming.therapy.findings import InfusionFinding, InfusionLimits, weighed_in_pounds
from streaming.therapy.fluid_chart import FluidChart, fluid_chart
from streaming.therapy.fluids import Periodic, Urine
from streaming.therapy.history import SampledHistory, SignalHistory, StateHistory
from streaming.therapy.infusion import PUMP_METRICS
from streaming.therapy.infusions import Infusions
from streaming.therapy.minutes import MinuteMeans
from streaming.therapy.pressors import DRUG_OF, SIGNAL_OF, ran_at
from streaming.therapy.rhythms import Rhythms
from streaming.therapy.weights import Weights

if TYPE_CHECKING:
    from streaming.bed import Bed
    from streaming.device import Device
    from streaming.signals import Channel, SignalSlot

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
LEAST_COVERAGE = 0.8
"""Contract, section 9: totals over a window need so much of it."""
ECG_RATE = "MDC_ECG_HEART_RATE"
URINE_COLLECTED = "MDC_VOL_URINE_COL"
WATCHED_METRICS: frozenset[str] = frozenset({*PUMP_METRICS, URINE_COLLECTED})
"""A device that reports one of these is looked at after each of its messages."""
_KEPT_CONTINUOUS = ("hr", "map", "sbp", "spo2")
"""Continuous signals of which the past is kept, once a minute: what spoke for the patient."""
_FOLLOWS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"urine_ml_h": ("urine_ml", "urine_ml_8h", "fluid_balance_ml_24h"), "weight": ("weight_gain_pct",)}
)
"""What is reckoned from a signal."""
INFUSIONS = "infusions"
"""What changes when a pump reports something new, and when time alone changes what is known of the pumps."""
NEVER_DUE_MS = 1 << 62
_NOTHING = Total(0.0, 0.0)
_USUAL_LIMITS = InfusionLimits()


class Shown(NamedTuple):
    """A derived signal for people."""

    reading: Reading | None
    """None when it was known and is not now."""
    last_ms: int
    """When it was last known."""
    fresh_for_ms: int


class PatientFacts:
    """Implements `streaming.criteria.facts.Facts` for one admission, in whichever bed."""

    __slots__ = (
        "_admission",
        "_baseline",
        "_bed",
        "_changed",
        "_diarrhea",
        "_findings_due_ms",
        "_here_since_ms",
        "_histories",
        "_infusions_due_ms",
        "_look_ms",
        "_pressure",
        "_pressure_ms",
        "_pressure_times",
        "_pressures",
        "_pressures_by_minute",
        "_rhythms",
        "_silences",
        "_states",
        "_urine",
        "_urine_lapses_ms",
        "_weights",
        "infusions",
        "now_ms",
    )

    def __init__(self, admission: Admission) -> None:
        began_ms = admission.admitted_ms
        self.now_ms = began_ms
        """The instant of the questions; set by who asks."""
        self.infusions = Infusions(began_ms, admission.dosing_weight_kg)
        self._admission = admission
        self._baseline = {**admission.baseline, "weight": admission.baseline_weight_kg}
        self._bed: Bed | None = None
        self._here_since_ms = began_ms
        self._look_ms = began_ms
        """When what comes each second is kept next."""
        self._pressure: SignalSlot | None = None
        """Where the mean pressure is told, and below what it told since `_pressures_by_minute` was last brought up."""
        self._pressure_ms = began_ms - 1
        self._pressure_times = array("q")
        self._pressures = array("d")
        self._pressures_by_minute = MinuteMeans(began_ms)
        self._histories: dict[str, SignalHistory] = {}
        self._states: dict[str, StateHistory] = {}
        self._rhythms = Rhythms()
        self._urine = Urine()
        self._urine_lapses_ms = NEVER_DUE_MS
        """When too little is known of the urine of eight hours, if nothing more is reported."""
        self._diarrhea = Periodic(8 * HOUR_MS)
        self._weights = Weights(admission.baseline_weight_kg)
        self._changed: dict[str, None] | None = None
        """What has changed since somebody asked; None when it may be anything."""
        self._infusions_due_ms = began_ms
        """When time alone changes something about pumps, doses or findings."""
        self._findings_due_ms = began_ms
        """The same, the silence of pumps left out."""
        self._silences: list[tuple[str, bool, bool]] = []
        """Which pumps were silent when this was last looked at."""

    # --- what has changed ---------------------------------------------------------------------------------------------

    @property
    def has_changed(self) -> bool:
        """Whether something of which the criteria ask has changed since `take_changes`; what comes each second left
        out."""
        return self._changed is None or bool(self._changed)

    def take_changes(self, now_ms: int, limits: InfusionLimits = _USUAL_LIMITS) -> Collection[str] | None:
        """What has changed since the last call: names of signals, totals, `interval` and `infusions`; None when it may
        be anything. What comes each second is left out (`streaming.criteria.attention.Bands`)."""
        self.now_ms = now_ms
        if now_ms >= self._urine_lapses_ms:
            self._urine_lapses_ms = NEVER_DUE_MS
            self._note("urine_ml_8h")
        is_reported = self._changed is None or INFUSIONS in self._changed
        if is_reported or now_ms >= self._infusions_due_ms:
            silences = self.infusions.silences(now_ms)
            if is_reported or now_ms >= self._findings_due_ms or silences != self._silences:
                self._note(INFUSIONS, INTERVAL, *self.infusions.rates_changed(now_ms))
                due_ms = self.infusions.findings_due_ms(now_ms, limits)
                self._findings_due_ms = NEVER_DUE_MS if due_ms is None else due_ms
                self._silences = silences
            silence_ms = self.infusions.silence_due_ms(now_ms)
            self._infusions_due_ms = min(self._findings_due_ms, NEVER_DUE_MS if silence_ms is None else silence_ms)
        changed, self._changed = self._changed, {}
        return changed

    @property
    def changes_ms(self) -> int:
        """When time alone next changes something about pumps, doses, findings or urine; never later than the truth."""
        return min(self._infusions_due_ms, self._urine_lapses_ms)

    def _note(self, *names: str) -> None:
        if self._changed is not None:
            self._changed.update(dict.fromkeys(names))

    # --- the bed ------------------------------------------------------------------------------------------------------

    def come_to(self, bed: Bed, now_ms: int) -> None:
        """The patient takes a bed: what its devices say now is theirs from now on."""
        self._bed = bed
        self._changed = None
        self.now_ms = self._here_since_ms = now_ms
        for slot in bed.slots.values():
            for channel in slot.candidates:
                if slot.keeps_all and channel.value is not None and channel.device.device != CHART_DEVICE:
                    self._keep(slot.name, channel.at_ms, channel.value, channel.validity)
        self._look_around()
        if not self._histories:
            self._look_ms = now_ms  # nothing was there: the first message brings something
        for device in bed.devices.values():
            if device.is_watched and device.id.device != CHART_DEVICE:
                self.take_device(device)
        self.infusions.take_samples()  # what was said before the patient came is not a series of theirs

    def leave_bed(self, now_ms: int) -> None:
        """The patient leaves the bed; its pumps stay behind, what a person charted goes along."""
        self.now_ms = now_ms
        self.infusions.leave_bed(now_ms)
        self._bed = self._pressure = None

    # --- what comes in ------------------------------------------------------------------------------------------------

    def take(self, now_ms: int) -> None:
        """Look at the signals after a message."""
        self.now_ms = now_ms
        if now_ms >= self._look_ms:
            self._look_around()
        slot = self._pressure
        if slot is None and self._bed is not None:
            slot = self._pressure = self._bed.slots.get("map")
        source = slot.source if slot is not None else None
        if source is not None and source.at_ms > self._pressure_ms:
            self._pressure_ms = at_ms = source.at_ms
            if source.validity:
                self._means().interrupt(at_ms)
            else:
                self._pressure_times.append(at_ms)
                self._pressures.append(source.value)  # type: ignore[arg-type]  # a pressure is a number

    def keep(self, slot: SignalSlot, channel: Channel, at_ms: int, value: float | str, validity: Validity) -> None:
        """Take a value of a signal that is measured or charted now and then, late or not, speaking or not."""
        if at_ms >= self._here_since_ms or channel.device.device == CHART_DEVICE:
            self._keep(slot.name, at_ms, value, validity)
        # Otherwise it was determined at this bed before the patient came.

    def take_device(self, device: Device) -> None:
        """Look at a device that has a pump or collects urine, after a message of it."""
        bag = device.channels.get(URINE_COLLECTED)
        if bag is not None and isinstance(bag.value, int | float) and self._urine.collected(bag.at_ms, bag.value):
            self._note_urine()
            self._note_hour()
        if self.infusions.take(device, self.now_ms):
            self._note(INFUSIONS)

    def take_event(self, device: Device, message: EventMessage, at_ms: int) -> None:
        """Take an event that a device reports."""
        spec = EVENTS.get(message.event)
        if spec is not None and spec.rhythm is not None:
            self._rhythms.take(device.id.device, spec.rhythm, message, at_ms)
            self._note("site:rhythm")
        elif device.is_watched or device.kind == "pump":
            self.infusions.event(device, message, at_ms)
            self._note(INFUSIONS)

    def device_state(self, device: Device, now_ms: int) -> None:
        """Take note that a device says it is there, or gone."""
        if device.state == "offline":
            self.infusions.offline(device, now_ms)
            self._note(INFUSIONS)

    def take_course(self, course: Course, now_ms: int) -> None:
        """A course is ordered, or its order corrected."""
        self.infusions.doses.take_order(order_of(course, now_ms))
        self._note(INFUSIONS)

    def hold_dose(self, number: int, at_ms: int) -> None:
        """A dose that was due is not given because of what the criteria say."""
        self.infusions.doses.hold(number, at_ms)
        self._note(INFUSIONS)

    # --- Facts: the patient -------------------------------------------------------------------------------------------

    @property
    def dosing_weight_kg(self) -> float:
        """See `Facts`."""
        return self._admission.dosing_weight_kg

    @property
    def baseline(self) -> Mapping[str, float]:
        """See `Facts`."""
        return self._baseline

    @property
    def limits(self) -> Mapping[str, float]:
        """See `Facts`."""
        return self._admission.limits

    @property
    def interval_began_ms(self) -> int | None:
        """See `Facts`."""
        return self.doses.interval_began_ms

    @property
    def held_doses(self) -> int:
        """See `Facts`."""
        return self.doses.held_doses

    @property
    def doses(self) -> DoseRecord:
        """The doses of the stay."""
        return self.infusions.doses

    def fluid_chart(self, hours: int, now_ms: int) -> FluidChart:
        """What went in and out, by the hour, and the boluses."""
        return fluid_chart(self.infusions.every_pump, self._urine, self._admission.admitted_ms, now_ms, hours)

    # --- Facts: the present -------------------------------------------------------------------------------------------

    def current(self, signal: str, fresh_ms: int | None = None) -> Reading | None:
        """See `Facts`."""
        drug = DRUG_OF.get(signal)
        if drug is not None:
            return self._not_older(self.infusions.rate(drug, self.now_ms), fresh_ms)
        derive = _DERIVED.get(signal)
        return self._spoken(signal, fresh_ms) if derive is None else derive(self, fresh_ms)

    def _not_older(self, reading: Reading | None, fresh_ms: int | None) -> Reading | None:
        is_old = reading is not None and fresh_ms is not None and self.now_ms - reading.at_ms > fresh_ms
        return None if is_old else reading

    def _spoken(self, signal: str, fresh_ms: int | None) -> Reading | None:
        """What the best channel says that is not too old."""
        slot = self._bed.slots.get(signal) if self._bed is not None else None
        channel = self._speaker(slot, fresh_ms) if slot is not None else None
        if channel is None or channel.value is None:
            return None
        value, validity = channel.value, channel.validity
        if signal == "weight" and not isinstance(value, str) and self._is_doubtful_weight(channel.at_ms, value):
            validity = Validity.QUESTIONABLE
        unit = SIGNAL_UNITS.get(signal, "")
        return Reading(value, unit, channel.at_ms, channel.name, channel.device.device, validity)

    def _speaker(self, slot: SignalSlot, fresh_ms: int | None) -> Channel | None:
        heard = []
        for channel in slot.candidates:
            limit_ms = usual_fresh_ms(slot.name, channel.name) if fresh_ms is None else fresh_ms
            if channel.value is None or self.now_ms - channel.at_ms > limit_ms:
                continue
            if channel is slot.preferred:
                return channel
            heard.append(channel)
        return first_to_speak(heard, slot.source)

    def _is_doubtful_weight(self, at_ms: int, weight_kg: float) -> bool:
        return self._weights.is_doubtful(at_ms, weight_kg)

    def _urine_1h(self, fresh_ms: int | None) -> Reading | None:
        """As reported for the hour; otherwise from the volume collected in the hour before the last report."""
        spoken = self._spoken("urine_ml_h", fresh_ms)
        if spoken is not None:
            return spoken
        amount, coverage = self._urine.until_last_report(HOUR_MS)
        limit_ms = usual_fresh_ms("urine_ml_h", URINE_COLLECTED) if fresh_ms is None else fresh_ms
        return None if coverage < LEAST_COVERAGE else self._not_older(self._of_urine("urine_ml_h", amount), limit_ms)

    def _urine_8h(self, fresh_ms: int | None) -> Reading | None:
        """Of the eight hours before the last report; unknown when too little of those until now is covered."""
        if self.total("urine_ml", 8 * HOUR_MS).coverage < LEAST_COVERAGE:
            return None
        amount, _ = self._urine.until_last_report(8 * HOUR_MS)
        return self._not_older(self._of_urine("urine_ml_8h", amount), fresh_ms)

    def _of_urine(self, signal: str, amount: float) -> Reading:
        return Reading(round(amount, 3), SIGNAL_UNITS[signal], self._urine.end_ms, "urine", "", Validity.VALID)

    def _balance_24h(self, fresh_ms: int | None) -> Reading | None:
        """Pumps minus urine, of the day before the last report of urine."""
        window_ms, end_ms = 24 * HOUR_MS, self._urine.end_ms
        if min(self.total(name, window_ms).coverage for name in ("urine_ml", "intake_ml")) < LEAST_COVERAGE:
            return None
        given, (out, _) = self.infusions.intake(end_ms - window_ms, end_ms), self._urine.until_last_report(window_ms)
        unit = SIGNAL_UNITS["fluid_balance_ml_24h"]
        reading = Reading(round(given.amount - out, 3), unit, end_ms, "pumps - urine", "", Validity.VALID)
        return self._not_older(reading, fresh_ms)

    def _weight_gain(self, fresh_ms: int | None) -> Reading | None:
        weight = self._spoken("weight", fresh_ms)
        if weight is None or isinstance(weight.value, str):
            return None
        return replace(weight, value=self._gain_pct(weight.value), unit=SIGNAL_UNITS["weight_gain_pct"])

    def _gain_pct(self, weight_kg: float) -> float:
        before_kg = self._admission.baseline_weight_kg
        return round((weight_kg - before_kg) / before_kg * 100, 6)

    def _shock_index(self, fresh_ms: int | None) -> Reading | None:
        rate, pressure = self._spoken("hr", fresh_ms), self._spoken("sbp", fresh_ms)
        if rate is None or pressure is None:
            return None
        index = _index(rate.value, pressure.value)
        at_ms, validity = min(rate.at_ms, pressure.at_ms), max(rate.validity, pressure.validity)
        return Reading(index, SIGNAL_UNITS["shock_index"], at_ms, "hr / sbp", pressure.device, validity)

    def is_heard(self, signal: str) -> bool:
        """See `Facts`. Of continuous signals: `streaming.criteria.attention.Bands` sees a source come and go."""
        if signal == "shock_index":
            return self.is_heard("hr") and self.is_heard("sbp")
        slot = self._bed.slots.get(signal) if self._bed is not None and signal in CONTINUOUS else None
        source = slot.source if slot is not None else None
        return source is not None and source.fresh_ms <= MONITORED_MS

    def is_spoken(self, signal: str) -> bool:
        """Whether a source of a continuous signal says now what it is, under the limits of the alarms."""
        slot = self._bed.slots.get(signal) if self._bed is not None else None
        return slot is not None and slot.source is not None

    def is_stream(self, signal: str, at_ms: int) -> bool:
        """See `Facts`. By the pace of the device that determined it; what is reckoned from others is none."""
        slot = self._bed.slots.get(signal) if self._bed is not None else None
        channels = slot.candidates if slot is not None else ()
        names = [channel.device.device for channel in channels if channel.at_ms == at_ms and not channel.is_cuff]
        return self._bed is not None and any(self._bed.devices[name].is_stream for name in names)

    # --- Facts: the past ----------------------------------------------------------------------------------------------

    def before(self, signal: str, at_ms: int) -> Sample | None:
        """See `Facts`. Of continuous signals one value a minute is kept; a pressor's brief stop is passed over."""
        if signal == "fluid_balance_ml_24h":
            return self._balance_at(at_ms)
        history = self._history(signal)
        if history is None:
            return None
        if signal in DRUG_OF:
            return ran_at(history, at_ms)
        return self._in_unit_of(signal, history.before(at_ms))

    def highest(self, signal: str, from_ms: int) -> Sample | None:
        """See `Facts`. Of continuous signals one value a minute is kept, of `fluid_balance_ml_24h` none."""
        history = self._history(signal)
        return self._in_unit_of(signal, history.highest(from_ms) if history is not None else None)

    def lowest(self, signal: str, from_ms: int) -> Sample | None:
        """See `Facts`. As `highest`."""
        history = self._history(signal)
        return self._in_unit_of(signal, history.lowest(from_ms) if history is not None else None)

    def total(self, signal: str, window_ms: int) -> Total:
        """See `Facts`."""
        from_ms, now_ms = self.now_ms - window_ms, self.now_ms
        if signal == "urine_ml":
            return self._urine.total(from_ms, now_ms)
        if signal == "intake_ml":
            return self.infusions.intake(from_ms, now_ms)
        if signal == "site:diarrhea_ml_8h":
            return self._diarrhea.stretches.total(from_ms, now_ms)
        return _NOTHING._replace(longest_gap_ms=window_ms)

    def minutes_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """See `Facts`. Kept of `map`."""
        if signal != "map":
            return _NOTHING._replace(longest_gap_ms=window_ms)
        return self._means().minutes_below(limit, self.now_ms - window_ms, self.now_ms)

    def average_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """See `Facts`. Kept of `map`; of the means of the minutes."""
        if signal != "map":
            return _NOTHING._replace(longest_gap_ms=window_ms)
        return self._means().average_below(limit, self.now_ms - window_ms, self.now_ms)

    def state_since(self, signal: str) -> int | None:
        """See `Facts`."""
        states = self._states.get(signal)
        return states.since() if states is not None and self.current(signal) is not None else None

    def count(self, signal: str, values: Sequence[str], from_ms: int) -> int:
        """See `Facts`. One state charted twice within a minute counts once."""
        states = self._states.get(signal)
        return states.count(values, from_ms) if states is not None else 0

    def rhythm_events(self, from_ms: int) -> Sequence[RhythmEvent]:
        """See `Facts`. At most the last 512."""
        return self._rhythms.since(from_ms)

    def rhythm_watch_ends_ms(self) -> int | None:
        """See `Facts`: an ECG that counts the heart's beats now, not one that somebody charts."""
        slot = self._bed.slots.get("hr") if self._bed is not None else None
        heard_ms = [channel.at_ms for channel in slot.candidates if self._is_ecg(channel)] if slot is not None else []
        if not heard_ms:
            return None
        is_spoken = slot is not None and slot.source is not None and slot.source.name == ECG_RATE
        return NEVER_DUE_MS if is_spoken else max(heard_ms) + usual_fresh_ms("hr", ECG_RATE)

    def _is_ecg(self, channel: Channel) -> bool:
        device = self._bed.devices.get(channel.device.device) if self._bed is not None else None
        is_fresh = channel.value is not None and self.now_ms - channel.at_ms <= usual_fresh_ms("hr", ECG_RATE)
        return channel.name == ECG_RATE and is_fresh and device is not None and device.kind != "chart"

    # --- infusions ----------------------------------------------------------------------------------------------------

    @property
    def infusing_now(self) -> bool:
        """Whether a pump infuses aldesleukin, as far as is known."""
        return self.infusions.is_infusing(Drug.ALDESLEUKIN, self.now_ms)

    def findings(self, limits: InfusionLimits = _USUAL_LIMITS) -> list[InfusionFinding]:
        """What is wrong with the infusions now. A pair of kind and subject that is not listed does not hold."""
        found = self.infusions.findings(self.now_ms, limits)
        weighed = self._weights.last_in_pounds(self._admission.dosing_weight_kg)
        return found if weighed is None else [*found, weighed_in_pounds(weighed, self._admission.dosing_weight_kg)]

    def due_ms(self, limits: InfusionLimits = _USUAL_LIMITS) -> int | None:
        """When time alone next changes something about pumps, doses or findings; None when only an entry can."""
        return self.infusions.due_ms(self.now_ms, limits)

    def findings_due_ms(self, limits: InfusionLimits = _USUAL_LIMITS) -> int | None:
        """When time alone next changes what `findings` says, as long as the pumps are heard."""
        return self.infusions.findings_due_ms(self.now_ms, limits)

    # --- for people ---------------------------------------------------------------------------------------------------

    def derived(self, now_ms: int) -> dict[str, Shown]:
        """Every derived signal that has been known during the stay, as it is now."""
        self.now_ms = now_ms
        shown = {}
        for drug in PRESSORS:
            last_ms = self.infusions.last_ms(drug)
            if last_ms is not None:
                reading, fresh_ms = self.infusions.rate(drug, now_ms), self.infusions.fresh_ms(drug)
                shown[SIGNAL_OF[drug]] = Shown(reading, reading.at_ms if reading is not None else last_ms, fresh_ms)
        for signal, derive in _DERIVED.items():
            history = self._history(signal)
            reading = derive(self, None)
            last = history.last if history is not None else None
            if reading is not None:
                shown[signal] = Shown(reading, reading.at_ms, _SHOWN_FOR_MS[signal])
            elif last is not None:
                shown[signal] = Shown(None, last.at_ms, _SHOWN_FOR_MS[signal])
        return shown

    # --- what is kept -------------------------------------------------------------------------------------------------

    def _history(self, signal: str) -> SignalHistory | None:
        drug = DRUG_OF.get(signal)
        if drug is not None:
            return self.infusions.rates(drug)
        return self._histories.get("weight" if signal == "weight_gain_pct" else signal)

    def _in_unit_of(self, signal: str, sample: Sample | None) -> Sample | None:
        if sample is None or signal != "weight_gain_pct":
            return sample
        return Sample(sample.at_ms, self._gain_pct(sample.value))

    def _kept(self, signal: str) -> SignalHistory:
        history = self._histories.get(signal)
        if history is None:
            history = self._histories[signal] = SignalHistory(self._admission.admitted_ms)
        return history

    def _sampled(self, signal: str) -> SignalHistory:
        history = self._histories.get(signal)
        if history is None:
            history = self._histories[signal] = SampledHistory(self._admission.admitted_ms)
        return history

    def _state(self, signal: str) -> StateHistory:
        states = self._states.get(signal)
        if states is None:
            states = self._states[signal] = StateHistory()
        return states

    def _look_around(self) -> None:
        """Keep what the continuous signals say now, once a minute."""
        began_ms = self._admission.admitted_ms
        self._look_ms = self.now_ms + MINUTE_MS - (self.now_ms - began_ms) % MINUTE_MS
        self._means()
        slots = self._bed.slots if self._bed is not None else {}
        for name in _KEPT_CONTINUOUS:
            slot = slots.get(name)
            if slot is not None:
                self._look_at(slot)
        self._look_at_index(slots.get("hr"), slots.get("sbp"))

    def _look_at(self, slot: SignalSlot) -> None:
        source = slot.source or _last_heard(slot)
        if source is None or source.validity:
            return
        history = self._sampled(slot.name)
        if source.at_ms > history.last_ms:
            history.add(source.at_ms, source.value)  # type: ignore[arg-type]  # these signals are numbers

    def _look_at_index(self, rate: SignalSlot | None, pressure: SignalSlot | None) -> None:
        """Keep the shock index where both values are believed and of one time."""
        beats = (rate.source or _last_heard(rate)) if rate is not None else None
        systolic = (pressure.source or _last_heard(pressure)) if pressure is not None else None
        if beats is None or systolic is None or beats.validity or systolic.validity:
            return
        at_ms = min(beats.at_ms, systolic.at_ms)
        if max(beats.at_ms, systolic.at_ms) - at_ms > usual_fresh_ms("sbp", systolic.name):
            return
        history = self._sampled("shock_index")
        if at_ms > history.last_ms:
            history.add(at_ms, _index(beats.value, systolic.value))

    def _means(self) -> MinuteMeans:
        """The mean pressure by minute, brought up to the last value."""
        means = self._pressures_by_minute
        if len(self._pressures) == 1:
            means.add(self._pressure_times.pop(), self._pressures.pop())
        elif self._pressures:
            means.add_series(self._pressure_times, self._pressures)
            self._pressure_times, self._pressures = array("q"), array("d")
        return means

    def _keep(self, name: str, at_ms: int, value: float | str, validity: Validity) -> None:
        self._note(name, *_FOLLOWS.get(name, ()))
        if isinstance(value, str):
            self._state(name).add(at_ms, value)
        elif name == "weight" and not self._is_weighed(at_ms, value):
            return
        elif not validity:
            self._kept(name).add(at_ms, value)
            self._add_up(name, at_ms, value)

    def _is_weighed(self, at_ms: int, weight_kg: float) -> bool:
        """Take a weighing; whether it can be believed."""
        dosing_kg = self._admission.dosing_weight_kg
        before = self._weights.last_in_pounds(dosing_kg)
        is_believed = self._weights.take(at_ms, weight_kg)
        if self._weights.last_in_pounds(dosing_kg) != before:
            self._note(INFUSIONS)
        return is_believed

    def _add_up(self, name: str, at_ms: int, value: float) -> None:
        """Take a value that stands for the period before it."""
        if name == "urine_ml_h":
            self._urine.flow(at_ms, value)
            self._note_urine()
        elif name == "site:diarrhea_ml_8h":
            self._diarrhea.add(at_ms, value)

    def _note_urine(self) -> None:
        """Keep what the eight hours before the last report gave."""
        self._note("urine_ml_h", *_FOLLOWS["urine_ml_h"])
        lapses_ms = self._urine.lapses_ms(8 * HOUR_MS, LEAST_COVERAGE)
        self._urine_lapses_ms = NEVER_DUE_MS if lapses_ms is None or lapses_ms <= self.now_ms else lapses_ms
        amount, coverage = self._urine.until_last_report(8 * HOUR_MS)
        if coverage >= LEAST_COVERAGE:
            self._kept("urine_ml_8h").add(self._urine.end_ms, round(amount, 3))

    def _note_hour(self) -> None:
        """Keep what was collected in the hour before the last report."""
        amount, coverage = self._urine.until_last_report(HOUR_MS)
        if coverage >= LEAST_COVERAGE:
            self._kept("urine_ml_h").add(self._urine.end_ms, round(amount, 3))

    def _balance_at(self, at_ms: int) -> Sample | None:
        from_ms = at_ms - 24 * HOUR_MS
        out, given = self._urine.total(from_ms, at_ms), self.infusions.intake(from_ms, at_ms)
        if min(out.coverage, given.coverage) < LEAST_COVERAGE:
            return None
        return Sample(at_ms, round(given.amount - out.amount, 3))


def _last_heard(slot: SignalSlot) -> Channel | None:
    """Who spoke last, when nobody speaks now: some devices report less often than a value speaks."""
    heard = [channel for channel in slot.candidates if channel.value is not None]
    return max(heard, key=attrgetter("at_ms"), default=None)


def _index(rate: float | str | None, pressure: float | str | None) -> float:
    """Shock index, four decimals; both are numbers, and a pressure that is believed is not 0."""
    return round(rate / pressure, 4)  # type: ignore[operator]


_DERIVED: Mapping[str, Callable[[PatientFacts, int | None], Reading | None]] = MappingProxyType(
    {
        "urine_ml_h": PatientFacts._urine_1h,
        "urine_ml_8h": PatientFacts._urine_8h,
        "fluid_balance_ml_24h": PatientFacts._balance_24h,
        "weight_gain_pct": PatientFacts._weight_gain,
        "shock_index": PatientFacts._shock_index,
    }
)
_SHOWN_FOR_MS: Mapping[str, int] = MappingProxyType(
    {
        "urine_ml_h": usual_fresh_ms("urine_ml_h", URINE_COLLECTED),
        # So long after the last report too little of the window is covered.
        "urine_ml_8h": 8 * HOUR_MS // 5,
        "fluid_balance_ml_24h": 24 * HOUR_MS // 5,
        "weight_gain_pct": usual_fresh_ms("weight_gain_pct", ""),
        "shock_index": usual_fresh_ms("hr", ECG_RATE),
    }
)
