"""Test vectors of infusion rules that stand in a profile, run against the rule they stand in.

The pumps of a story report to a bed in messages, as real ones do, each minute as they were last told; while one infuses
its volume grows by its rate, and it stops when all is in. A pump that falls silent runs on unheard. The rule is looked
at after each message and whenever time alone may change its answer, by the very `StayWatch` and `PatientFacts` of the
service, alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streaming.admission import Admission
from streaming.bed import Bed
from streaming.commands import Course
from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.identity import DeviceId
from streaming.observation import EventMessage, MetricReading, MetricValue, ObsMessage, StatusMessage
from streaming.outcome import RuleOutcome
from streaming.rules.examples import BED, BEGIN_MS
from streaming.rules.infusion_story import (
    CHART,
    METRIC_OF,
    OFFLINE,
    ORDER,
    SILENT,
    STATUS_WORDS,
    dose_words,
    stated_doses,
)
from streaming.rules.kinds import AlarmProfile, InfusionExample, InfusionRule, PumpWord
from streaming.stay_watch import StayWatch
from streaming.step import Step
from streaming.therapy.findings import limits_of
from streaming.therapy.infusion import REMAINING

KNOWN_BEFORE_MS = 24 * HOUR_MS
"""So long before anything happens the patient was admitted, and the course ordered."""
PUMP_BEFORE = "before"
"""The pump that gave the doses before the story."""
NOTHING_ML = 1e-4
BODY_WEIGHT = "MDC_MASS_BODY_ACTUAL"
_Event = tuple[int, str, Mapping[str, PumpWord] | str]
"""(instant, pump, what it says from then on)"""


def check_infusion_example(profile: AlarmProfile, rule: InfusionRule, example: InfusionExample) -> list[str]:
    """What the rule does otherwise than its example expects; empty when nothing."""
    seen = infusion_outcomes(profile, rule, example)
    return [
        f"at {at:g} min expected {expected}, found {found} ({example.story})"
        for (at, expected), found in zip(example.expect, seen, strict=True)
        if found != expected
    ]


def infusion_outcomes(profile: AlarmProfile, rule: InfusionRule, example: InfusionExample) -> list[str]:
    """The rule's outcome at each minute that the example names: the worst of all subjects."""
    shown = _Shown(profile, rule, example)
    return [shown.live_until(shown.instant(at)) for at, _ in example.expect]


class _Telling:
    """A pump as it was last told."""

    def __init__(self, example: InfusionExample) -> None:
        self._example = example
        self._words: dict[str, PumpWord] = {}
        self._told_ms = 0
        self._told_ml = 0.0
        """What was in when it was last told."""

    def take(self, says: Mapping[str, PumpWord], now_ms: int) -> None:
        """From now on it says this."""
        self.run(now_ms)
        said, percent = dict(says), says.get("dose")
        if isinstance(percent, int | float):
            del said["dose"]
            said = dose_words(percent, self._example.order, self._example.dosing_weight_kg) | said
        if "to_be_infused" in said and "volume" not in self._words:
            self._words["volume"] = 0.0
        self._words |= said
        self._told_ms, volume = now_ms, self._words.get("volume")
        self._told_ml = volume if isinstance(volume, float) else 0.0

    def run(self, now_ms: int) -> None:
        """It infuses until now, or until all is in."""
        words, minutes = self._words, (now_ms - self._told_ms) / MINUTE_MS
        rate, most = words.get("rate"), words.get("to_be_infused")
        if words.get("status") == "stopped" or not isinstance(rate, float) or "volume" not in words:
            return
        volume = round(self._told_ml + rate * minutes / 60, 6)
        if isinstance(most, float) and volume >= most - NOTHING_ML:
            volume = max(most, self._told_ml)
            words |= {"status": "stopped"} if "status" in words else {"rate": 0.0}
        words["volume"] = volume

    def metrics(self) -> dict[str, MetricValue]:
        """What it reports."""
        sent: dict[str, MetricValue] = {METRIC_OF[name]: _metric(said) for name, said in self._words.items()}
        volume, most = self._words.get("volume"), self._words.get("to_be_infused")
        if isinstance(volume, float) and isinstance(most, float):
            sent[REMAINING] = max(0.0, round(most - volume, 6))
        return sent


class _Shown:
    """A story shown to a rule over time."""

    def __init__(self, profile: AlarmProfile, rule: InfusionRule, example: InfusionExample) -> None:
        alone = replace(profile, limit_rules=(), stay_rules=(), infusion_rules=(rule,), equipment_rules=())
        order = example.order
        self._example = example
        self._interval_ms = round((order["interval_h"] if order is not None else ORDER["interval_h"][0]) * HOUR_MS)
        self._zero_ms = BEGIN_MS + KNOWN_BEFORE_MS + self._first_ms
        admission = _somebody(example.dosing_weight_kg)
        self._bed = Bed(BED, alone)
        self._bed.admit(Step(BEGIN_MS), admission)
        assert self._bed.patient is not None
        self._facts = self._bed.patient.facts
        limits = limits_of(stated_doses(example.story, example.doses))
        self._watch = StayWatch(admission, alone, limits)
        if order is not None:
            self._facts.take_course(self._course(order), BEGIN_MS)
        self._now_ms, self._sent = BEGIN_MS, 0
        self._outcomes: dict[str, RuleOutcome] = {}
        self._pumps: dict[str, _Telling] = {}
        self._repeats_ms: dict[str, int] = {}
        """When a pump reports again what it was last told."""
        self._events = self._all_events()

    @property
    def _first_ms(self) -> int:
        """How long before minute 0 the story begins."""
        example = self._example
        told = [at for said in (*example.pumps.values(), example.weighed) for at, _ in said]
        return max(example.doses_before * self._interval_ms, -round(min(told, default=0.0) * MINUTE_MS), 0)

    def instant(self, minute: float) -> int:
        """Gateway milliseconds of a minute of the story."""
        return self._zero_ms + round(minute * MINUTE_MS)

    def live_until(self, until_ms: int) -> str:
        """Let happen what happens until then; the outcome that follows."""
        while True:
            next_ms = min((due for due in self._dues_ms() if due <= until_ms), default=None)
            if next_ms is None:
                break
            self._step(next_ms)
        self._step(until_ms)
        left = self._outcomes.values()
        return next((each.value for each in (RuleOutcome.PRESENT, RuleOutcome.INDETERMINATE) if each in left), "absent")

    def _dues_ms(self) -> list[int]:
        """What comes next: something told, a pump that reports again, or time alone."""
        dues = [self._events[0][0]] if self._events else []
        dues += self._repeats_ms.values()
        dues += [self.instant(at) for at, _ in (*self._example.decisions, *self._example.weighed)]
        alone = (self._watch.due_ms(self._now_ms), self._facts.due_ms(self._watch.limits))
        return [due for due in (*dues, *alone) if due is not None and due > self._now_ms]

    def _step(self, now_ms: int) -> None:
        """Everything that happens at one instant, and a look."""
        before_ms, self._now_ms = self._now_ms, now_ms
        while self._events and self._events[0][0] <= now_ms:
            _, pump, says = self._events.pop(0)
            self._tell(pump, says)
        for pump, due_ms in list(self._repeats_ms.items()):
            if due_ms <= now_ms:
                self._report(pump)
        for at, kg in self._example.weighed:
            if before_ms < self.instant(at) <= now_ms:
                self._bed.chart(Step(now_ms), {BODY_WEIGHT: kg}, None)
        self._look()

    def _look(self) -> None:
        now_ms = self._now_ms
        self._facts.now_ms = now_ms
        decided = [said for at, said in self._example.decisions if self.instant(at) <= now_ms]
        found = self._watch.look(self._facts, decided[-1] if decided else None, now_ms)
        for each in [*found, *self._watch.time_passed(now_ms)]:
            self._outcomes[each.subject] = each.outcome

    # --- pumps --------------------------------------------------------------------------------------------------------

    def _tell(self, pump: str, says: Mapping[str, PumpWord] | str) -> None:
        if pump not in self._pumps:
            self._pumps[pump] = _Telling(self._example)
            self._status(pump, "online")
        if not isinstance(says, str):
            self._pumps[pump].take(says, self._now_ms)
            self._report(pump)
        elif says in (SILENT, OFFLINE):
            self._repeats_ms.pop(pump, None)
            if says == OFFLINE:
                self._status(pump, OFFLINE)
        else:
            event, _, phase = says.partition(" ")
            message = EventMessage("example", self._number(), self._now_ms, event, phase)
            self._bed.take_event(Step(self._now_ms), self._bed.device(_device(pump)), message)

    def _report(self, pump: str) -> None:
        telling, step = self._pumps[pump], Step(self._now_ms)
        telling.run(self._now_ms)
        if pump == CHART:
            self._bed.chart(step, telling.metrics(), None)
            return
        self._repeats_ms[pump] = self._now_ms + MINUTE_MS
        message = ObsMessage("example", self._number(), self._now_ms, telling.metrics())
        self._bed.observe(step, self._bed.device(_device(pump)), message)

    def _status(self, pump: str, state: str) -> None:
        if pump == CHART:
            return
        message = StatusMessage(state=state, kind="pump")
        self._bed.take_status(Step(self._now_ms), self._bed.device(_device(pump)), message)

    def _number(self) -> int:
        self._sent += 1
        return self._sent

    # --- what happens -------------------------------------------------------------------------------------------------

    def _all_events(self) -> list[_Event]:
        """All that pumps are told, in order of time."""
        events = [event for i in range(self._example.doses_before) for event in self._dose_before(i + 1)]
        for name, told in self._example.pumps.items():
            events += [(self.instant(at), name, says) for at, says in told]
        return sorted(events, key=_at_ms)

    def _dose_before(self, back: int) -> list[_Event]:
        began_ms = self._zero_ms - back * self._interval_ms
        return [(began_ms, PUMP_BEFORE, {"dose": 100.0}), (began_ms + 17 * MINUTE_MS, PUMP_BEFORE, SILENT)]

    def _course(self, order: Mapping[str, float]) -> Course:
        first_ms = self._zero_ms - self._example.doses_before * self._interval_ms
        if "first_dose_min" in order:
            first_ms = self.instant(order["first_dose_min"])
        return Course(
            admission_id="example",
            drug="aldesleukin",
            dose_iu_per_kg=order["dose_iu_per_kg"],
            interval_h=order["interval_h"],
            max_doses=round(order["max_doses"]),
            duration_min=order["duration_min"],
            first_dose_ms=first_ms,
            cycle=None,
            actor="example",
        )


def _metric(said: PumpWord) -> MetricValue:
    if isinstance(said, tuple):
        return MetricReading(value=said[0], unit=said[1])
    return STATUS_WORDS.get(said, said) if isinstance(said, str) else said


def _device(pump: str) -> DeviceId:
    return DeviceId(BED.unit, BED.bed, pump)


def _at_ms(event: _Event) -> int:
    return event[0]


def _somebody(weight_kg: float) -> Admission:
    return Admission(
        admission_id="example",
        patient_id="example",
        bed=BED,
        dosing_weight_kg=weight_kg,
        baseline_weight_kg=weight_kg,
        profile="example",
        admitted_ms=BEGIN_MS,
    )
