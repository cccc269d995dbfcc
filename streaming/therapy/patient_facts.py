"""What is known of one admitted patient, as the dose criteria ask for it (`streaming.criteria.facts.Facts`).

The present comes from the bed's channels (`speakers`), the past from what was kept of the stay (`kept`), and the rest
is reckoned (`fluid_record`, `shock_index`, `weights`). The past begins with the admission and goes along when the
patient moves; what devices of the bed had determined before belongs to somebody else, but for the values that are
current when the patient comes. Doubtful values are part of the present, marked so, and never of the past.

What comes each second is kept once a minute, as it was when the first message of the minute had come; only of the mean
pressure every value counts. No answer depends on when questions were asked. It judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from streaming.admission import Admission
from streaming.commands import Course
from streaming.criteria.facts import Reading, RhythmEvent, Sample, Total
from streaming.criteria.freshness import usual_fresh_ms
from streaming.durations import DAY_MS, HOUR_MS, NEVER_DUE_MS
from streaming.identity import CHART_DEVICE
from streaming.nomenclature import EVENTS, SIGNAL_UNITS
from streaming.observation import EventMessage, Validity
from streaming.therapy.doses import DoseRecord, order_of
from streaming.therapy.drugs import PRESSORS, Drug
from streaming.therapy.findings import InfusionFinding, InfusionLimits, weighed_in_pounds
from streaming.therapy.fluid_chart import FluidChart, fluid_chart
from streaming.therapy.fluid_record import DIARRHEA, SHIFT_MS, FluidRecord
from streaming.therapy.history import SignalHistory
from streaming.therapy.infusion import PUMP_METRICS
from streaming.therapy.infusion_news import INFUSIONS, InfusionNews
from streaming.therapy.infusions import Infusions
from streaming.therapy.kept import Kept
from streaming.therapy.mean_pressure import MEAN_PRESSURE, MeanPressure
from streaming.therapy.pressors import DRUG_OF, SIGNAL_OF, ran_at
from streaming.therapy.rhythms import Rhythms
from streaming.therapy.shock_index import shock_index
from streaming.therapy.speakers import ECG_RATE, Speakers
from streaming.therapy.weights import Weights

if TYPE_CHECKING:
    from streaming.bed import Bed
    from streaming.device import Device
    from streaming.signals import Channel, SignalSlot

URINE_COLLECTED = "MDC_VOL_URINE_COL"
WATCHED_METRICS: frozenset[str] = frozenset({*PUMP_METRICS, URINE_COLLECTED})
"""A device that reports one of these is looked at after each of its messages."""
_FOLLOWS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"urine_ml_h": ("urine_ml", "urine_ml_8h", "fluid_balance_ml_24h"), "weight": ("weight_gain_pct",)}
)
"""What is reckoned from a signal."""
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
        "_changed",
        "_fluids",
        "_here_since_ms",
        "_kept",
        "_news",
        "_pressure",
        "_pressure_slot",
        "_rhythms",
        "_speakers",
        "_urine_lapses_ms",
        "_weights",
        "has_changed",
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
        self._speakers = Speakers()
        self._here_since_ms = began_ms
        """Since when the patient has been in this bed."""
        self._kept = Kept(began_ms)
        self._pressure = MeanPressure(began_ms)
        self._pressure_slot: SignalSlot | None = None
        """Where the mean pressure of this bed is told."""
        self._rhythms = Rhythms()
        self._fluids = FluidRecord(self.infusions)
        self._urine_lapses_ms = NEVER_DUE_MS
        """When too little is known of the urine of eight hours, if nothing more is reported."""
        self._weights = Weights(admission.baseline_weight_kg)
        self._changed: dict[str, None] | None = None
        """What has changed since somebody asked; None when it may be anything."""
        self.has_changed = True
        """Whether something of which the criteria ask has changed since `take_changes`; what comes each second left
        out. Asked with every message."""
        self._news = InfusionNews(self.infusions, began_ms)

    # --- what has changed ---------------------------------------------------------------------------------------------

    def take_changes(self, now_ms: int, limits: InfusionLimits = _USUAL_LIMITS) -> Collection[str] | None:
        """What has changed since the last call: names of signals, totals, `interval` and `infusions`; None when it may
        be anything. What comes each second is left out (`streaming.criteria.attention.Bands`)."""
        self.now_ms = now_ms
        if now_ms >= self._urine_lapses_ms:
            self._urine_lapses_ms = NEVER_DUE_MS
            self._note("urine_ml_8h")
        is_reported = self._changed is None or INFUSIONS in self._changed
        self._note(*self._news.look(now_ms, limits, is_reported=is_reported))
        changed, self._changed, self.has_changed = self._changed, {}, False
        return changed

    @property
    def changes_ms(self) -> int:
        """When time alone next changes something about pumps, doses, findings or urine; never later than the truth."""
        return min(self._news.due_ms, self._urine_lapses_ms)

    def _note(self, *names: str) -> None:
        if names and self._changed is not None:
            self._changed.update(dict.fromkeys(names))
            self.has_changed = True

    # --- the bed ------------------------------------------------------------------------------------------------------

    def come_to(self, bed: Bed, now_ms: int) -> None:
        """The patient takes a bed: what its devices say now is theirs from now on."""
        self._speakers.bed = bed
        self._changed, self.has_changed = None, True
        self.now_ms = self._here_since_ms = now_ms
        for slot in bed.slots.values():
            for channel in slot.candidates:
                if slot.keeps_all and channel.value is not None and channel.device.device != CHART_DEVICE:
                    self._keep(slot.name, channel.at_ms, channel.value, channel.validity)
        self._sample()
        if not self._kept.has_series:
            self._kept.next_sample_ms = now_ms  # nothing was there: the first message brings something
        for device in bed.devices.values():
            if device.is_watched and device.id.device != CHART_DEVICE:
                self.take_device(device)
        self.infusions.take_samples()  # what was said before the patient came is not a series of theirs

    def leave_bed(self, now_ms: int) -> None:
        """The patient leaves the bed; its pumps stay behind, what a person charted goes along."""
        self.now_ms = now_ms
        self.infusions.leave_bed(now_ms)
        self._speakers.bed = self._pressure_slot = None

    # --- what comes in ------------------------------------------------------------------------------------------------

    def take(self, now_ms: int) -> None:
        """Look at the signals after a message."""
        self.now_ms = now_ms
        if now_ms >= self._kept.next_sample_ms:
            self._sample()
        slot = self._pressure_slot
        if slot is None:
            slot = self._pressure_slot = self._speakers.slot(MEAN_PRESSURE)
        source = slot.source if slot is not None else None
        if source is not None and source.at_ms > self._pressure.until_ms:
            self._pressure.take(source)

    def keep(self, slot: SignalSlot, channel: Channel, at_ms: int, value: float | str, validity: Validity) -> None:
        """Take a value of a signal that is measured or charted now and then, late or not, speaking or not."""
        if at_ms >= self._here_since_ms or channel.device.device == CHART_DEVICE:
            self._keep(slot.name, at_ms, value, validity)
        # Otherwise it was determined at this bed before the patient came.

    def take_device(self, device: Device) -> None:
        """Look at a device that has a pump or collects urine, after a message of it."""
        bag = device.channels.get(URINE_COLLECTED)
        if (
            bag is not None
            and isinstance(bag.value, int | float)
            and self._fluids.urine.collected(bag.at_ms, bag.value)
        ):
            self._note_urine()
            self._keep_urine("urine_ml_h", HOUR_MS)
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
        return fluid_chart(self.infusions.every_pump, self._fluids.urine, self._admission.admitted_ms, now_ms, hours)

    # --- Facts: the present -------------------------------------------------------------------------------------------

    def current(self, signal: str, fresh_ms: int | None = None) -> Reading | None:
        """See `Facts`."""
        reckon = _RECKONED.get(signal)
        return self._speakers.reading(signal, fresh_ms, self.now_ms) if reckon is None else reckon(self, fresh_ms)

    def _not_older(self, reading: Reading | None, fresh_ms: int | None) -> Reading | None:
        is_old = reading is not None and fresh_ms is not None and self.now_ms - reading.at_ms > fresh_ms
        return None if is_old else reading

    def _pressor(self, drug: Drug, fresh_ms: int | None) -> Reading | None:
        return self._not_older(self.infusions.rate(drug, self.now_ms), fresh_ms)

    def _weight(self, fresh_ms: int | None) -> Reading | None:
        """A weighing that is not believed is questionable."""
        reading = self._speakers.reading("weight", fresh_ms, self.now_ms)
        if reading is None or isinstance(reading.value, str):
            return reading
        is_doubtful = self._weights.is_doubtful(reading.at_ms, reading.value)
        return reading._replace(validity=Validity.QUESTIONABLE) if is_doubtful else reading

    def _urine_1h(self, fresh_ms: int | None) -> Reading | None:
        """As reported for the hour; otherwise from the volume collected."""
        spoken = self._speakers.reading("urine_ml_h", fresh_ms, self.now_ms)
        if spoken is not None:
            return spoken
        limit_ms = usual_fresh_ms("urine_ml_h", URINE_COLLECTED) if fresh_ms is None else fresh_ms
        return self._not_older(self._fluids.urine_1h(), limit_ms)

    def _urine_8h(self, fresh_ms: int | None) -> Reading | None:
        return self._not_older(self._fluids.urine_8h(self.now_ms), fresh_ms)

    def _balance_24h(self, fresh_ms: int | None) -> Reading | None:
        return self._not_older(self._fluids.balance_24h(self.now_ms), fresh_ms)

    def _weight_gain(self, fresh_ms: int | None) -> Reading | None:
        weight = self._weight(fresh_ms)
        if weight is None or isinstance(weight.value, str):
            return None
        return weight._replace(value=self._weights.gain_pct(weight.value), unit=SIGNAL_UNITS["weight_gain_pct"])

    def _shock_index(self, fresh_ms: int | None) -> Reading | None:
        rate, pressure = (self._speakers.reading(signal, fresh_ms, self.now_ms) for signal in ("hr", "sbp"))
        return shock_index(rate, pressure)

    def is_heard(self, signal: str) -> bool:
        """See `Facts`. Of continuous signals: `streaming.criteria.attention.Bands` sees a source come and go."""
        return self._speakers.is_heard(signal)

    def is_spoken(self, signal: str) -> bool:
        """Whether a source of a continuous signal says now what it is, under the limits of the alarms."""
        return self._speakers.is_spoken(signal)

    def is_stream(self, signal: str, at_ms: int) -> bool:
        """See `Facts`. By the pace of the device that determined it; what is reckoned from others is none."""
        return self._speakers.is_stream(signal, at_ms)

    def rhythm_watch_ends_ms(self) -> int | None:
        """See `Facts`: an ECG that counts the heart's beats now, not one that somebody charts."""
        return self._speakers.rhythm_watch_ends_ms(self.now_ms)

    # --- Facts: the past ----------------------------------------------------------------------------------------------

    def before(self, signal: str, at_ms: int) -> Sample | None:
        """See `Facts`. Of continuous signals one value a minute is kept; a pressor's brief stop is passed over."""
        if signal == "fluid_balance_ml_24h":
            return self._fluids.balance_at(at_ms)
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
        total = self._fluids.total(signal, self.now_ms - window_ms, self.now_ms)
        return _NOTHING._replace(longest_gap_ms=window_ms) if total is None else total

    def minutes_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """See `Facts`. Kept of `map`."""
        if signal != MEAN_PRESSURE:
            return _NOTHING._replace(longest_gap_ms=window_ms)
        return self._pressure.by_minute().minutes_below(limit, self.now_ms - window_ms, self.now_ms)

    def average_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """See `Facts`. Kept of `map`; of the means of the minutes."""
        if signal != MEAN_PRESSURE:
            return _NOTHING._replace(longest_gap_ms=window_ms)
        return self._pressure.by_minute().average_below(limit, self.now_ms - window_ms, self.now_ms)

    def state_since(self, signal: str) -> int | None:
        """See `Facts`."""
        states = self._kept.states(signal)
        return states.since() if states is not None and self.current(signal) is not None else None

    def count(self, signal: str, values: Sequence[str], from_ms: int) -> int:
        """See `Facts`. One state charted twice within a minute counts once."""
        states = self._kept.states(signal)
        return states.count(values, from_ms) if states is not None else 0

    def rhythm_events(self, from_ms: int) -> Sequence[RhythmEvent]:
        """See `Facts`. At most the last 512."""
        return self._rhythms.since(from_ms)

    # --- infusions ----------------------------------------------------------------------------------------------------

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
        return self._kept.series("weight" if signal == "weight_gain_pct" else signal)

    def _in_unit_of(self, signal: str, sample: Sample | None) -> Sample | None:
        if sample is None or signal != "weight_gain_pct":
            return sample
        return Sample(sample.at_ms, self._weights.gain_pct(sample.value))

    def _sample(self) -> None:
        """Keep what the continuous signals say now, once a minute."""
        self._pressure.by_minute()
        bed = self._speakers.bed
        self._kept.sample(bed.slots if bed is not None else {}, self.now_ms)

    def _keep(self, name: str, at_ms: int, value: float | str, validity: Validity) -> None:
        self._note(name, *_FOLLOWS.get(name, ()))
        if isinstance(value, str):
            self._kept.chart(name, at_ms, value)
        elif name == "weight" and not self._is_weighed(at_ms, value):
            return
        elif not validity:
            self._kept.add(name, at_ms, value)
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
            self._fluids.urine.flow(at_ms, value)
            self._note_urine()
        elif name == DIARRHEA:
            self._fluids.take_diarrhea(at_ms, value)

    def _note_urine(self) -> None:
        """Keep what the eight hours before the last report gave."""
        self._note("urine_ml_h", *_FOLLOWS["urine_ml_h"])
        self._urine_lapses_ms = self._fluids.urine_lapses_ms(self.now_ms)
        self._keep_urine("urine_ml_8h", SHIFT_MS)

    def _keep_urine(self, signal: str, window_ms: int) -> None:
        """Keep what was given in the window before the last report."""
        sample = self._fluids.urine_before_last_report(window_ms)
        if sample is not None:
            self._kept.add(signal, sample.at_ms, sample.value)


_Reckoning = Callable[[PatientFacts, int | None], Reading | None]
_DERIVED: Mapping[str, _Reckoning] = MappingProxyType(
    {
        "urine_ml_h": PatientFacts._urine_1h,
        "urine_ml_8h": PatientFacts._urine_8h,
        "fluid_balance_ml_24h": PatientFacts._balance_24h,
        "weight_gain_pct": PatientFacts._weight_gain,
        "shock_index": PatientFacts._shock_index,
    }
)
"""Signals that no device reports, but for the urine of the hour."""


def _rate_of(drug: Drug) -> _Reckoning:
    return lambda facts, fresh_ms: facts._pressor(drug, fresh_ms)


_RECKONED: Mapping[str, _Reckoning] = MappingProxyType(
    {**_DERIVED, "weight": PatientFacts._weight} | {signal: _rate_of(drug) for signal, drug in DRUG_OF.items()}
)
"""What the present of a signal is reckoned by, where it is more than what its best channel says."""
_SHOWN_FOR_MS: Mapping[str, int] = MappingProxyType(
    {
        "urine_ml_h": usual_fresh_ms("urine_ml_h", URINE_COLLECTED),
        # So long after the last report too little of the window is covered.
        "urine_ml_8h": SHIFT_MS // 5,
        "fluid_balance_ml_24h": DAY_MS // 5,
        "weight_gain_pct": usual_fresh_ms("weight_gain_pct", ""),
        "shock_index": usual_fresh_ms("hr", ECG_RATE),
    }
)
