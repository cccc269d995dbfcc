"""Test vectors of stay rules that stand in a profile, run against the rule they stand in.

A vector states a patient; the rule is looked at at every instant that the vector names, when a delay is over, and now.
What it expects is the outcome then, or after something else was stated `later`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from streaming.admission import Admission
from streaming.criteria.facts import RhythmEvent
from streaming.criteria.stated import BEGIN_MS, StatedFacts
from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.identity import BedId
from streaming.outcome import RuleOutcome
from streaming.rules.kinds import AlarmProfile, Stated, StayExample, StayRule
from streaming.stay_watch import StayWatch


def check_stay_example(profile: AlarmProfile, rule: StayRule, example: StayExample) -> str | None:
    """What the rule does otherwise than its example expects; None when nothing."""
    found = stay_outcome(profile, rule, example)
    if found == example.expect:
        return None
    later = "" if example.later is None else f"; later {_words(example.later)}"
    return f"expected {example.expect}, found {found} (given {_words(example.given)}{later})"


def stay_outcome(profile: AlarmProfile, rule: StayRule, example: StayExample) -> str:
    """The outcome that follows from an example."""
    alone = replace(profile, limit_rules=(), stay_rules=(rule,), infusion_rules=(), equipment_rules=())
    facts = StatedFacts(baseline=example.baseline, limits=example.limits)
    facts.interval_began_ms = BEGIN_MS - 8 * HOUR_MS if example.course else None
    if example.event is not None:
        facts.events.append(RhythmEvent(example.event, BEGIN_MS - 5 * MINUTE_MS, example.beats, None, "stated"))
    shown = _Shown(StayWatch(_anybody(), alone), facts, example.monitor)
    shown.live_through(example.given, BEGIN_MS)
    if example.later is not None:
        shown.live_through(example.later, BEGIN_MS + round(example.later_h * HOUR_MS))
    return shown.outcome.value


class _Shown:
    """A patient shown to a rule over time."""

    def __init__(self, watch: StayWatch, facts: StatedFacts, is_monitored: bool) -> None:
        self.outcome = RuleOutcome.ABSENT
        self._watch = watch
        self._facts = facts
        self._is_monitored = is_monitored

    def live_through(self, stated: Mapping[str, Stated], until_ms: int) -> None:
        """State values, each at its time, and look each time."""
        instants = {until_ms}
        for signal, values in stated.items():
            for hours, value in values:
                at_ms = until_ms - round(hours * HOUR_MS)
                self._facts.say(signal, value, at_ms=at_ms)
                instants.add(at_ms)
        for at_ms in sorted(instants):
            due_ms = self._watch.due_ms(self._facts.now_ms)
            while due_ms is not None and due_ms < at_ms:
                self._look(due_ms)
                due_ms = self._watch.due_ms(due_ms)
            self._look(at_ms)

    def _look(self, now_ms: int) -> None:
        self._facts.now_ms = now_ms
        if self._is_monitored:
            self._facts.monitor_seen_ms = now_ms
        for found in self._watch.look(self._facts, None, now_ms):
            self.outcome = found.outcome


def _anybody() -> Admission:
    return Admission(
        admission_id="example",
        patient_id="example",
        bed=BedId("example", "bed"),
        dosing_weight_kg=80,
        baseline_weight_kg=80,
        profile="example",
        admitted_ms=BEGIN_MS,
    )


def _words(values: Mapping[str, Stated]) -> str:
    return ", ".join(f"{signal} {_series(stated)}" for signal, stated in values.items()) or "nothing"


def _series(stated: Stated) -> str:
    return ", ".join(f"{value}" if hours == 0 else f"{value} {hours:g} h ago" for hours, value in stated)
