"""Questions about a value against an earlier one: before treatment, hours ago, the highest, the lowest.

Invariants
- The present value comes under its limit on age, the earlier one from what was kept of the stay, where only what was
  believed is kept.
- Without an earlier value nothing is assumed, but where the question names what stands for it.
"""

from __future__ import annotations

from streaming.criteria.answers.judgement import (
    FALSE,
    TRUE,
    UNKNOWN,
    Answers,
    judged,
    nothing_known,
    number_of,
    truth_of_range,
)
from streaming.criteria.asking import Asking
from streaming.criteria.facts import Facts
from streaming.criteria.finding import NO_BASELINE, NO_EARLIER, NO_INTERVAL, NO_VALUE, Finding
from streaming.criteria.kinds import (
    INFINITY,
    BaselineChange,
    Consecutive,
    FallFromPeak,
    HighestInInterval,
    IntervalChange,
    RiseFromLowest,
    Trend,
)
from streaming.durations import HOUR_MS


def _baseline_change(leaf: BaselineChange, facts: Facts, asking: Asking) -> Finding:
    baseline = facts.baseline.get(leaf.baseline)
    if baseline is None or (leaf.is_percent and baseline <= 0):
        return nothing_known(leaf, NO_BASELINE, leaf.bounds.shown)
    found = number_of(facts, leaf.signal)
    if found is None:
        return nothing_known(leaf, limit=leaf.bounds.shown)
    reading, value = found
    change = round((value - baseline) / baseline * 100 if leaf.is_percent else value - baseline, 6)
    finding = judged(leaf, leaf.bounds, reading, change, facts, asking, f"{baseline:g} → {value:g}")
    return finding._replace(unit="%") if leaf.is_percent else finding


def _trend(leaf: Trend, facts: Facts, asking: Asking) -> Finding:
    found = number_of(facts, leaf.signal)
    if found is None:
        return nothing_known(leaf, limit=leaf.bounds.shown)
    reading, value = found
    earlier = facts.before(leaf.signal, reading.at_ms - leaf.over_ms)
    hours = leaf.over_ms / HOUR_MS
    if earlier is not None:
        then: float | None = earlier.value
        hours = (reading.at_ms - earlier.at_ms) / HOUR_MS
    else:
        then = facts.baseline.get(leaf.baseline) if leaf.baseline is not None else leaf.assumed
    if then is None:
        return nothing_known(leaf, NO_EARLIER, leaf.bounds.shown)
    change = (value - then) / hours if leaf.is_per_hour else value - then
    return judged(leaf, leaf.bounds, reading, change, facts, asking, f"{then:.4g} → {value:.4g}")


def _fall_from_peak(leaf: FallFromPeak, facts: Facts, asking: Asking) -> Finding:
    found = number_of(facts, leaf.signal)
    if found is None:
        return nothing_known(leaf, limit=leaf.bounds.shown)
    reading, value = found
    highest = facts.highest(leaf.signal, facts.now_ms - leaf.within_ms)
    peak = max(asking.peaks.get(leaf.signal, value), highest.value if highest is not None else value, value)
    return judged(leaf, leaf.bounds, reading, peak - value, facts, asking, f"{peak:.4g} → {value:.4g}")


def _rise_from_lowest(leaf: RiseFromLowest, facts: Facts, asking: Asking) -> Finding:
    found = number_of(facts, leaf.signal)
    lowest = facts.lowest(leaf.signal, facts.now_ms - leaf.within_ms)
    if found is None or lowest is None:
        return nothing_known(leaf, NO_VALUE if found is None else NO_EARLIER, leaf.bounds.shown)
    reading, value = found
    least = min(lowest.value, value)
    detail = f"{least:.4g} → {value:.4g}"
    return judged(leaf, leaf.bounds, reading, round(value - least, 6), facts, asking, detail)


def _highest_in_interval(leaf: HighestInInterval, facts: Facts, asking: Asking) -> Finding:
    found = number_of(facts, leaf.signal)
    from_ms = facts.now_ms - leaf.longest_ms
    began_ms = facts.interval_began_ms
    past = facts.highest(leaf.signal, from_ms if began_ms is None else max(began_ms, from_ms))
    if found is None:
        return _highest_of_past(leaf, past.value if past is not None else None, facts)
    reading, value = found
    if past is None or value >= past.value:
        return judged(leaf, leaf.bounds, reading, value, facts, asking)
    finding = judged(leaf, leaf.bounds, reading, past.value, facts, asking)
    return finding._replace(at_ms=past.at_ms, since_ms=past.at_ms)


def _highest_of_past(leaf: HighestInInterval, past: float | None, facts: Facts) -> Finding:
    """The present value is not known: the highest is what it was, or more."""
    if past is None:
        return nothing_known(leaf, limit=leaf.bounds.shown)
    truth = truth_of_range(leaf.bounds, past, INFINITY, past, is_covered=False)
    detail = NO_VALUE if truth is UNKNOWN else ""
    return nothing_known(leaf, detail, leaf.bounds.shown)._replace(truth=truth, value=past, at_ms=facts.now_ms)


def _interval_change(leaf: IntervalChange, facts: Facts, asking: Asking) -> Finding:
    began_ms = facts.interval_began_ms
    if began_ms is None or began_ms > facts.now_ms:
        return nothing_known(leaf, NO_INTERVAL, leaf.bounds.shown)
    found = number_of(facts, leaf.signal)
    if found is None:
        return nothing_known(leaf, limit=leaf.bounds.shown)
    reading, value = found
    earlier = facts.before(leaf.signal, began_ms)
    if earlier is None or began_ms - earlier.at_ms > leaf.within_ms:
        return nothing_known(leaf, NO_EARLIER, leaf.bounds.shown)
    detail = f"{earlier.value:.4g} → {value:.4g}"
    return judged(leaf, leaf.bounds, reading, round(value - earlier.value, 6), facts, asking, detail)


def _consecutive(leaf: Consecutive, facts: Facts, asking: Asking) -> Finding:
    found = number_of(facts, leaf.signal)
    if found is None:
        return nothing_known(leaf, limit=leaf.bounds.shown)
    reading, value = found
    finding = judged(leaf, leaf.bounds, reading, value, facts, asking)
    if finding.truth is not TRUE:
        return finding
    earlier = facts.before(leaf.signal, reading.at_ms - leaf.apart_from_ms)
    if earlier is None or earlier.at_ms < reading.at_ms - leaf.apart_to_ms:
        return finding._replace(truth=UNKNOWN, detail=NO_EARLIER, coverage=0.5)
    truth = TRUE if leaf.bounds.holds(earlier.value) else FALSE
    return finding._replace(truth=truth, detail=f"{earlier.value:.4g}, then {value:.4g}")


ANSWERS: Answers = {
    BaselineChange: _baseline_change,
    Trend: _trend,
    FallFromPeak: _fall_from_peak,
    RiseFromLowest: _rise_from_lowest,
    HighestInInterval: _highest_in_interval,
    IntervalChange: _interval_change,
    Consecutive: _consecutive,
}
