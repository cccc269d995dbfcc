"""Test vectors that stand in a dosing profile, run against the criterion they stand in.

A vector states a patient; what it expects is the criterion's state then, or after something else was stated `later`.
"""

from __future__ import annotations

from collections.abc import Mapping

from streaming.criteria.criterion import Criterion, CriterionExample, Stated
from streaming.criteria.facts import RhythmEvent
from streaming.criteria.state import CriterionState
from streaming.criteria.stated import BEGIN_MS, StatedFacts
from streaming.durations import HOUR_MS, MINUTE_MS


def check_example(criterion: Criterion, example: CriterionExample) -> str | None:
    """What the criterion does otherwise than its example expects; None when nothing."""
    found = outcome(criterion, example)
    if found == example.expect:
        return None
    return f"expected {example.expect}, found {found} (given {_words(example.given)}{_later_words(example)})"


def outcome(criterion: Criterion, example: CriterionExample) -> str:
    """The state that follows from an example, `resumable` where only the signature is missing."""
    facts = StatedFacts(baseline=example.baseline, limits=example.limits)
    facts.monitor_seen_ms = BEGIN_MS if example.monitor else None
    facts.interval_began_ms = BEGIN_MS - 8 * HOUR_MS
    if example.beats is not None:
        facts.events.append(RhythmEvent("vt", BEGIN_MS - 5 * MINUTE_MS, example.beats, None, "stated"))
    _say(facts, example.given)
    state = CriterionState(criterion, facts.now_ms)
    state.update(facts)
    if example.later is not None:
        facts.now_ms += round(example.later_h * HOUR_MS)
        if example.monitor:
            facts.monitor_seen_ms = facts.now_ms
        _say(facts, example.later)
        state.update(facts)
        facts.now_ms += max(criterion.dwell_ms, criterion.confirm_ms)
        state.update(facts)
    return "resumable" if state.resumable else state.state.value


def _say(facts: StatedFacts, values: Mapping[str, Stated]) -> None:
    for signal, stated in values.items():
        for hours, value in stated:
            facts.say(signal, value, at_ms=facts.now_ms - round(hours * HOUR_MS))


def _later_words(example: CriterionExample) -> str:
    return "" if example.later is None else f"; later {_words(example.later)}"


def _words(values: Mapping[str, Stated]) -> str:
    return ", ".join(f"{signal} {_series(stated)}" for signal, stated in values.items()) or "nothing"


def _series(stated: Stated) -> str:
    return ", ".join(f"{value}" if hours == 0 else f"{value} {hours:g} h ago" for hours, value in stated)
