"""What a predicate says about a patient now: TRUE, FALSE or UNKNOWN, with the evidence.

Invariants
- No answer without a value: what nobody reported, or what is older than its limit, is UNKNOWN.
- A condition over a window is decided as soon as the values present decide it, whatever the missing ones are; only
  otherwise is coverage asked for.
- A questionable value may hold a dose, never allow one: it may make the predicate of a hold TRUE and never FALSE, and
  the predicate of a resumption FALSE and never TRUE.
- The same facts give the same finding. Nothing is remembered here.

It does not know which criterion asks, nor what follows from the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from streaming.criteria.facts import Facts, Reading, RhythmEvent, Total
from streaming.criteria.freshness import usual_fresh_ms
from streaming.criteria.kinds import (
    INFINITY,
    Absent,
    AllOf,
    AnyKnown,
    AnyOf,
    AtLeastOf,
    BaselineChange,
    Bounds,
    Burden,
    Combination,
    Consecutive,
    Disagreement,
    FallFromPeak,
    HighestInInterval,
    IntervalChange,
    Leaf,
    Limit,
    LowFlow,
    OrAlso,
    Predicate,
    Recurrence,
    RhythmEventSeen,
    RhythmIs,
    RhythmPresent,
    RiseFromLowest,
    StateIs,
    StateLasting,
    Trend,
    WindowTotal,
)
from streaming.criteria.outlook import burden_due_ms, event_due_ms, low_flow_due_ms
from streaming.observation import Validity
from streaming.truth import Truth

HOUR_MS = 3_600_000
NEVER_MS = -1
"""Earlier than every instant."""
TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN

NO_VALUE = "no value within its age limit"
QUESTIONABLE = "questionable"
UNDECIDED = "charted as something that does not decide it"
TOO_LITTLE = "too little of the window is known"
NO_BASELINE = "the value before treatment is not known"
NO_EARLIER = "no earlier value to compare with"
NO_WATCH = "no monitor that would report it is there"
NO_LENGTH = "a run without a number of beats"
APART = "no two values close enough in time"
NO_INTERVAL = "no dose interval has begun"


class Finding(NamedTuple):
    """The answer to a predicate, and what it rests on."""

    truth: Truth
    value: float | str | None = None
    """What was judged."""
    unit: str = ""
    """UCUM; empty for a charted state."""
    at_ms: int | None = None
    """Determination time of the value; the instant of the question for a window."""
    source_signal: str = ""
    coverage: float = 1.0
    """Share of what was asked for that the answer rests on, 0 to 1."""
    detail: str = ""
    """For people: why it is unknown or doubtful, or from what to what it changed."""
    limit: float | None = None
    """The bound in force for this patient; None for a charted state."""
    source: str = ""
    """Metric or derivation the value came from."""
    since_ms: int | None = None
    """Since when it has been so, where that is known."""
    due_ms: int | None = None
    """When time alone may change the answer; None where only a new value can, or where a window slides."""
    leaf: Leaf | None = None
    """The question that spoke for the whole predicate."""
    also: tuple[Finding, ...] = ()
    """The other parts that it rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """On whose behalf a predicate is asked."""

    is_resumption: bool = False
    """Whether TRUE would allow rather than hold."""
    after_ms: int = NEVER_MS
    """Events up to this instant have been dealt with by a signature."""
    peaks: Mapping[str, float] = field(default_factory=dict)
    """Highest values seen since the criterion was met, longer ago than any history reaches."""


TO_HOLD = Asking()
TO_RESUME = Asking(is_resumption=True)


def evaluate(predicate: Predicate, facts: Facts, asking: Asking = TO_HOLD) -> Finding:
    """Answer a predicate."""
    return _ANSWERS[type(predicate)](predicate, facts, asking)


# --- the parts of an answer -------------------------------------------------------------------------------------------


def _truth(holds: bool, validity: Validity, asking: Asking) -> Truth:
    """A questionable value supports the careful answer alone."""
    if validity is not Validity.VALID and holds is asking.is_resumption:
        return UNKNOWN
    return TRUE if holds else FALSE


def _decide(bounds: Bounds, low: float, high: float, estimate: float, *, is_covered: bool) -> Truth:
    """Judge a quantity of which only the range is certain; the estimate counts when enough is known."""
    if bounds.holds(low) and bounds.holds(high):
        return TRUE
    if bounds.is_beyond(low) or bounds.is_beneath(high):
        return FALSE
    if not is_covered:
        return UNKNOWN
    return TRUE if bounds.holds(estimate) else FALSE


def _number(facts: Facts, signal: str, fresh_ms: int | None = None) -> tuple[Reading, float] | None:
    """The present value of a signal, where it is a number."""
    reading = facts.current(signal, fresh_ms)
    if reading is None or isinstance(reading.value, str):
        return None
    return reading, reading.value


def _expires_ms(reading: Reading, signal: str, fresh_ms: int | None, facts: Facts) -> int | None:
    """When the reading becomes too old: the first millisecond beyond its limit. None while its source is heard."""
    if facts.is_heard(signal):
        return None
    limit_ms = usual_fresh_ms(signal, reading.source) if fresh_ms is None else fresh_ms
    due_ms = reading.at_ms + limit_ms + 1
    return due_ms if due_ms > facts.now_ms else None


def _nothing(leaf: Leaf, detail: str = NO_VALUE, limit: float | None = None) -> Finding:
    return Finding(UNKNOWN, source_signal=leaf.signal, coverage=0.0, detail=detail, limit=limit, leaf=leaf)


def _judged(
    leaf: Leaf, bounds: Bounds, reading: Reading, value: float, facts: Facts, asking: Asking, detail: str = ""
) -> Finding:
    """Judge a number that rests on one reading."""
    truth = _truth(bounds.holds(value), reading.validity, asking)
    if reading.validity is not Validity.VALID:
        detail = QUESTIONABLE
    return Finding(
        truth,
        value,
        reading.unit,
        reading.at_ms,
        leaf.signal,
        1.0,
        detail,
        bounds.shown,
        reading.source,
        reading.at_ms,
        _expires_ms(reading, leaf.signal, None, facts),
        leaf,
    )


# --- values -----------------------------------------------------------------------------------------------------------


def _limit(leaf: Limit, facts: Facts, asking: Asking) -> Finding:
    bounds = leaf.bounds
    if leaf.patient_limit is not None:
        own = facts.limits.get(leaf.patient_limit)
        if own is not None:
            bounds = bounds.moved_to(own)
    if leaf.is_per_kg:
        bounds = bounds.scaled(facts.dosing_weight_kg)
    reading = facts.current(leaf.signal, leaf.fresh_ms)
    if reading is None or isinstance(reading.value, str):
        return _nothing(leaf, limit=bounds.shown)
    value = reading.value
    is_valid = reading.validity is Validity.VALID
    truth = (
        (TRUE if bounds.holds(value) else FALSE) if is_valid else _truth(bounds.holds(value), reading.validity, asking)
    )
    at_ms = reading.at_ms
    due_ms = _expires_ms(reading, leaf.signal, leaf.fresh_ms, facts)
    detail = "" if is_valid else QUESTIONABLE
    return Finding(
        truth, value, reading.unit, at_ms, leaf.signal, 1.0, detail, bounds.shown, reading.source, at_ms, due_ms, leaf
    )


def _baseline_change(leaf: BaselineChange, facts: Facts, asking: Asking) -> Finding:
    baseline = facts.baseline.get(leaf.baseline)
    if baseline is None or (leaf.is_percent and baseline <= 0):
        return _nothing(leaf, NO_BASELINE, leaf.bounds.shown)
    found = _number(facts, leaf.signal)
    if found is None:
        return _nothing(leaf, limit=leaf.bounds.shown)
    reading, value = found
    change = round((value - baseline) / baseline * 100 if leaf.is_percent else value - baseline, 6)
    finding = _judged(leaf, leaf.bounds, reading, change, facts, asking, f"{baseline:g} → {value:g}")
    return finding._replace(unit="%") if leaf.is_percent else finding


def _trend(leaf: Trend, facts: Facts, asking: Asking) -> Finding:
    found = _number(facts, leaf.signal)
    if found is None:
        return _nothing(leaf, limit=leaf.bounds.shown)
    reading, value = found
    earlier = facts.before(leaf.signal, reading.at_ms - leaf.over_ms)
    hours = leaf.over_ms / HOUR_MS
    if earlier is not None:
        then: float | None = earlier.value
        hours = (reading.at_ms - earlier.at_ms) / HOUR_MS
    else:
        then = facts.baseline.get(leaf.baseline) if leaf.baseline is not None else leaf.assumed
    if then is None:
        return _nothing(leaf, NO_EARLIER, leaf.bounds.shown)
    change = (value - then) / hours if leaf.is_per_hour else value - then
    return _judged(leaf, leaf.bounds, reading, change, facts, asking, f"{then:.4g} → {value:.4g}")


def _fall_from_peak(leaf: FallFromPeak, facts: Facts, asking: Asking) -> Finding:
    found = _number(facts, leaf.signal)
    if found is None:
        return _nothing(leaf, limit=leaf.bounds.shown)
    reading, value = found
    highest = facts.highest(leaf.signal, facts.now_ms - leaf.within_ms)
    peak = max(asking.peaks.get(leaf.signal, value), highest.value if highest is not None else value, value)
    return _judged(leaf, leaf.bounds, reading, peak - value, facts, asking, f"{peak:.4g} → {value:.4g}")


def _rise_from_lowest(leaf: RiseFromLowest, facts: Facts, asking: Asking) -> Finding:
    found = _number(facts, leaf.signal)
    lowest = facts.lowest(leaf.signal, facts.now_ms - leaf.within_ms)
    if found is None or lowest is None:
        return _nothing(leaf, NO_VALUE if found is None else NO_EARLIER, leaf.bounds.shown)
    reading, value = found
    least = min(lowest.value, value)
    detail = f"{least:.4g} → {value:.4g}"
    return _judged(leaf, leaf.bounds, reading, round(value - least, 6), facts, asking, detail)


def _highest_in_interval(leaf: HighestInInterval, facts: Facts, asking: Asking) -> Finding:
    found = _number(facts, leaf.signal)
    from_ms = facts.now_ms - leaf.longest_ms
    began_ms = facts.interval_began_ms
    past = facts.highest(leaf.signal, from_ms if began_ms is None else max(began_ms, from_ms))
    if found is None:
        return _highest_of_past(leaf, past.value if past is not None else None, facts)
    reading, value = found
    if past is None or value >= past.value:
        return _judged(leaf, leaf.bounds, reading, value, facts, asking)
    finding = _judged(leaf, leaf.bounds, reading, past.value, facts, asking)
    return finding._replace(at_ms=past.at_ms, since_ms=past.at_ms)


def _highest_of_past(leaf: HighestInInterval, past: float | None, facts: Facts) -> Finding:
    """The present value is not known: the highest is what it was, or more."""
    if past is None:
        return _nothing(leaf, limit=leaf.bounds.shown)
    truth = _decide(leaf.bounds, past, INFINITY, past, is_covered=False)
    detail = NO_VALUE if truth is UNKNOWN else ""
    return _nothing(leaf, detail, leaf.bounds.shown)._replace(truth=truth, value=past, at_ms=facts.now_ms)


def _interval_change(leaf: IntervalChange, facts: Facts, asking: Asking) -> Finding:
    began_ms = facts.interval_began_ms
    if began_ms is None or began_ms > facts.now_ms:
        return _nothing(leaf, NO_INTERVAL, leaf.bounds.shown)
    found = _number(facts, leaf.signal)
    if found is None:
        return _nothing(leaf, limit=leaf.bounds.shown)
    reading, value = found
    earlier = facts.before(leaf.signal, began_ms)
    if earlier is None or began_ms - earlier.at_ms > leaf.within_ms:
        return _nothing(leaf, NO_EARLIER, leaf.bounds.shown)
    detail = f"{earlier.value:.4g} → {value:.4g}"
    return _judged(leaf, leaf.bounds, reading, round(value - earlier.value, 6), facts, asking, detail)


def _consecutive(leaf: Consecutive, facts: Facts, asking: Asking) -> Finding:
    found = _number(facts, leaf.signal)
    if found is None:
        return _nothing(leaf, limit=leaf.bounds.shown)
    reading, value = found
    finding = _judged(leaf, leaf.bounds, reading, value, facts, asking)
    if finding.truth is not TRUE:
        return finding
    earlier = facts.before(leaf.signal, reading.at_ms - leaf.apart_from_ms)
    if earlier is None or earlier.at_ms < reading.at_ms - leaf.apart_to_ms:
        return finding._replace(truth=UNKNOWN, detail=NO_EARLIER, coverage=0.5)
    truth = TRUE if leaf.bounds.holds(earlier.value) else FALSE
    return finding._replace(truth=truth, detail=f"{earlier.value:.4g}, then {value:.4g}")


def _absent(leaf: Absent, facts: Facts, asking: Asking) -> Finding:
    del asking  # a questionable value is there all the same
    reading = facts.current(leaf.signal, leaf.fresh_ms)
    if reading is None:
        return _nothing(leaf)._replace(truth=TRUE)
    due_ms = _expires_ms(reading, leaf.signal, leaf.fresh_ms, facts)
    return Finding(
        FALSE, reading.value, reading.unit, reading.at_ms, leaf.signal, source=reading.source, due_ms=due_ms, leaf=leaf
    )


def _disagreement(leaf: Disagreement, facts: Facts, asking: Asking) -> Finding:
    one, other = _number(facts, leaf.signal), _number(facts, leaf.other)
    if one is None or other is None:
        return _nothing(leaf, limit=leaf.bounds.shown)
    (reading, value), (other_reading, other_value) = one, other
    if abs(reading.at_ms - other_reading.at_ms) > leaf.within_ms:
        return _nothing(leaf, APART, leaf.bounds.shown)
    doubtful = reading if reading.validity is not Validity.VALID else other_reading
    truth = _truth(leaf.bounds.holds(abs(value - other_value)), doubtful.validity, asking)
    finding = _judged(leaf, leaf.bounds, reading, abs(value - other_value), facts, asking)
    due_ms = _earliest((finding.due_ms, _expires_ms(other_reading, leaf.other, None, facts)))
    return finding._replace(truth=truth, detail=f"{value:.4g} against {other_value:.4g}", due_ms=due_ms)


# --- windows ----------------------------------------------------------------------------------------------------------


def _window(leaf: Leaf, truth: Truth, value: float, unit: str, total: Total, limit: float, now_ms: int) -> Finding:
    detail = TOO_LITTLE if truth is UNKNOWN else ""
    return Finding(truth, value, unit, now_ms, leaf.signal, total.coverage, detail, limit, leaf=leaf)


def _window_total(leaf: WindowTotal, facts: Facts, asking: Asking) -> Finding:
    del asking  # history holds what was believed
    bounds = leaf.bounds.scaled(facts.dosing_weight_kg) if leaf.is_per_kg else leaf.bounds
    total = facts.total(leaf.signal, leaf.window_ms)
    is_covered = total.coverage >= leaf.least_coverage
    truth = _decide(bounds, total.amount, INFINITY, total.amount, is_covered=is_covered)
    return _window(leaf, truth, total.amount, "mL", total, bounds.shown, facts.now_ms)


def _low_flow(leaf: LowFlow, facts: Facts, asking: Asking) -> Finding:
    del asking  # history holds what was believed
    limit = leaf.below * facts.dosing_weight_kg if leaf.is_per_kg else leaf.below
    # A value speaks for the hour before it: the one in force an hour into the window is the first of the window.
    highest = facts.highest(leaf.signal, facts.now_ms - leaf.window_ms + HOUR_MS)
    total = facts.total(leaf.total, leaf.window_ms)
    mean = total.amount / (leaf.window_ms / HOUR_MS)
    most = mean if highest is None else max(mean, highest.value)
    is_covered = total.coverage >= leaf.least_coverage
    truth = FALSE if most >= limit else TRUE if is_covered else UNKNOWN
    highest_ms = highest.at_ms if highest is not None and highest.value >= limit else None
    finding = _window(leaf, truth, most, "mL/h", total, limit, facts.now_ms)
    return finding._replace(due_ms=low_flow_due_ms(leaf, highest_ms, facts))


def _burden(leaf: Burden, facts: Facts, asking: Asking) -> Finding:
    del asking  # history holds what was believed
    limit = leaf.limit if leaf.patient_limit is None else facts.limits.get(leaf.patient_limit, leaf.limit)
    if leaf.is_average:
        total = facts.average_below(leaf.signal, limit, leaf.window_ms)
        low = total.amount * total.coverage
        high = low + limit * (1 - total.coverage)
    else:
        total = facts.minutes_below(leaf.signal, limit, leaf.window_ms)
        low = total.amount
        high = low + (1 - total.coverage) * leaf.window_ms / 60_000
    is_covered = total.coverage >= leaf.least_coverage
    truth = _decide(leaf.bounds, low, high, total.amount, is_covered=is_covered)
    unit = "mm[Hg]" if leaf.is_average else "min"
    due_ms = burden_due_ms(leaf, limit, truth, low if truth is UNKNOWN else total.amount, total, facts)
    finding = _window(leaf, truth, total.amount, unit, total, leaf.bounds.shown, facts.now_ms)
    return finding._replace(due_ms=due_ms, leaf=leaf if limit == leaf.limit else replace(leaf, limit=limit))


# --- charted states and events ----------------------------------------------------------------------------------------


def _state_is(leaf: StateIs, facts: Facts, asking: Asking) -> Finding:
    reading = facts.current(leaf.signal, leaf.fresh_ms)
    if reading is None:
        return _nothing(leaf)
    return _charted(leaf, reading, leaf.fresh_ms, facts, asking)


def _charted(
    leaf: StateIs | StateLasting | RhythmIs | RhythmPresent,
    reading: Reading,
    fresh_ms: int | None,
    facts: Facts,
    asking: Asking,
) -> Finding:
    value = reading.value
    is_valid = reading.validity is Validity.VALID
    detail = "" if is_valid else QUESTIONABLE
    if value in leaf.states:
        truth = TRUE if is_valid else _truth(True, reading.validity, asking)
    elif value in leaf.clear:
        truth = FALSE if is_valid else _truth(False, reading.validity, asking)
    else:
        truth, detail = UNKNOWN, UNDECIDED
    at_ms = reading.at_ms
    due_ms = _expires_ms(reading, leaf.signal, fresh_ms, facts)
    return Finding(truth, value, "", at_ms, leaf.signal, 1.0, detail, None, reading.source, at_ms, due_ms, leaf)


def _state_lasting(leaf: StateLasting, facts: Facts, asking: Asking) -> Finding:
    reading = facts.current(leaf.signal)
    if reading is None:
        return _nothing(leaf)
    finding = _charted(leaf, reading, None, facts, asking)
    if finding.value not in leaf.states:
        return finding
    began_ms = facts.state_since(leaf.signal)
    if began_ms is None:
        return _nothing(leaf)
    over_ms = began_ms + leaf.longer_than_ms
    now_ms = facts.now_ms
    holds = now_ms > over_ms
    return finding._replace(
        truth=_truth(holds, reading.validity, asking),
        value=round((now_ms - began_ms) / HOUR_MS, 2),
        unit="h",
        detail=str(reading.value),
        limit=leaf.longer_than_ms / HOUR_MS,
        since_ms=over_ms,
        due_ms=finding.due_ms if holds else _earliest((finding.due_ms, over_ms + 1)),
    )


def _rhythm_is(leaf: RhythmIs, facts: Facts, asking: Asking) -> Finding:
    reading = facts.current(leaf.signal)
    charted_ms = reading.at_ms if reading is not None else facts.now_ms - leaf.within_ms
    after_ms = max(charted_ms, asking.after_ms)
    for event in reversed(facts.rhythm_events(after_ms)):
        if event.rhythm in leaf.states and event.at_ms > after_ms:
            return _reported(leaf, event, event.rhythm, expires_ms=_charted_expires_ms(leaf, reading, facts))
    return _nothing(leaf) if reading is None else _charted(leaf, reading, None, facts, asking)


def _charted_expires_ms(leaf: RhythmIs, reading: Reading | None, facts: Facts) -> int | None:
    return _expires_ms(reading, leaf.signal, None, facts) if reading is not None else None


def _reported(
    leaf: RhythmIs | RhythmEventSeen,
    event: RhythmEvent,
    value: float | str,
    unit: str = "",
    expires_ms: int | None = None,
) -> Finding:
    limit = float(leaf.beats_at_least) if isinstance(leaf, RhythmEventSeen) and unit else None
    at_ms, due_ms = event.at_ms, event_due_ms(leaf, event)
    if expires_ms is not None:
        due_ms = min(due_ms, expires_ms)
    return Finding(TRUE, value, unit, at_ms, leaf.signal, 1.0, event.rhythm, limit, event.device, at_ms, due_ms, leaf)


def _rhythm_event_seen(leaf: RhythmEventSeen, facts: Facts, asking: Asking) -> Finding:
    now_ms = facts.now_ms
    after_ms = max(now_ms - leaf.within_ms, asking.after_ms)
    doubtful = None
    for event in reversed(facts.rhythm_events(after_ms)):
        if event.rhythm in leaf.rhythms and event.at_ms > after_ms:
            truth = _is_long_enough(leaf, event)
            if truth is TRUE:
                return _run(leaf, event)
            if truth is UNKNOWN and doubtful is None:
                doubtful = event
    charted = _charted_run(leaf, facts, asking)
    if charted is not None:
        return charted
    if doubtful is not None:
        return _nothing(leaf, NO_LENGTH)._replace(due_ms=event_due_ms(leaf, doubtful))
    return _no_event(leaf, facts)


def _charted_run(leaf: RhythmEventSeen, facts: Facts, asking: Asking) -> Finding | None:
    """What a person has charted; the rhythm that a monitor's event stands for is judged by the event's length."""
    reading = facts.current(leaf.signal)
    if reading is None or reading.source != leaf.signal or reading.at_ms <= asking.after_ms:
        return None
    if reading.value not in leaf.charted:
        return None
    return _reported(leaf, RhythmEvent(str(reading.value), reading.at_ms, None, None, reading.source), reading.value)


def _is_long_enough(leaf: RhythmEventSeen, event: RhythmEvent) -> Truth:
    if event.beats is not None:
        return TRUE if event.beats >= leaf.beats_at_least else FALSE
    if event.duration_s is None:
        return UNKNOWN
    if event.duration_s >= leaf.duration_at_least_s:
        return TRUE
    return FALSE if event.duration_s < leaf.duration_below_s else UNKNOWN


def _run(leaf: RhythmEventSeen, event: RhythmEvent) -> Finding:
    if event.beats is not None:
        return _reported(leaf, event, float(event.beats), "{beats}")
    assert event.duration_s is not None
    return _reported(leaf, event, event.duration_s, "s")._replace(limit=leaf.duration_at_least_s)


def _rhythm_present(leaf: RhythmPresent, facts: Facts, asking: Asking) -> Finding:
    reading = facts.current(leaf.signal)
    if reading is not None and (reading.value not in (*leaf.states, *leaf.clear) or reading.at_ms <= asking.after_ms):
        reading = None
    charted_ms = asking.after_ms if reading is None else reading.at_ms
    event = _latest_word(leaf, facts, charted_ms)
    if event is not None and event.rhythm in leaf.clear:
        return Finding(FALSE, event.rhythm, "", event.at_ms, leaf.signal, source=event.device, leaf=leaf)
    if event is not None and facts.now_ms <= _holds_until_ms(leaf, event):
        return _running(leaf, event)
    if reading is not None and (event is None or reading.value in leaf.clear):
        return _charted(leaf, reading, None, facts, asking)
    return _no_event(leaf, facts)


def _no_event(leaf: RhythmEventSeen | RhythmPresent, facts: Facts) -> Finding:
    """Nothing was reported: which says something while there is a monitor that would."""
    ends_ms = facts.rhythm_watch_ends_ms()
    if ends_ms is None:
        return _nothing(leaf, NO_WATCH)
    return Finding(FALSE, "none", "", facts.now_ms, leaf.signal, due_ms=ends_ms + 1, leaf=leaf)


def _latest_word(leaf: RhythmPresent, facts: Facts, after_ms: int) -> RhythmEvent | None:
    """The latest event that says that the rhythm runs, or another one."""
    oldest_ms = facts.now_ms - max(leaf.lasting_ms, leaf.told_ms) - 1
    for event in reversed(facts.rhythm_events(max(after_ms, oldest_ms))):
        if event.rhythm in leaf.clear or (event.rhythm in leaf.states and not _is_too_short(leaf, event)):
            return event
    return None


def _is_too_short(leaf: RhythmPresent, event: RhythmEvent) -> bool:
    """Whether it is told to have had too few beats; where only a duration is told, to have been too short."""
    if event.beats is not None:
        return event.beats < leaf.beats_at_least
    return event.duration_s is not None and event.duration_s < leaf.duration_at_least_s


def _holds_until_ms(leaf: RhythmPresent, event: RhythmEvent) -> int:
    if event.is_lasting:
        return event.at_ms + leaf.lasting_ms
    return (event.at_ms if event.ended_ms is None else event.ended_ms) + leaf.told_ms


def _running(leaf: RhythmPresent, event: RhythmEvent) -> Finding:
    value: float | str = event.rhythm
    unit = ""
    if event.beats is not None:
        value, unit = float(event.beats), "{beats}"
    elif event.duration_s is not None:
        value, unit = event.duration_s, "s"
    at_ms, due_ms = event.at_ms, _holds_until_ms(leaf, event) + 1
    return Finding(TRUE, value, unit, at_ms, leaf.signal, 1.0, event.rhythm, None, event.device, at_ms, due_ms, leaf)


def _recurrence(leaf: Recurrence, facts: Facts, asking: Asking) -> Finding:
    now_ms = facts.now_ms
    times = facts.count(leaf.signal, leaf.states, now_ms - leaf.within_ms)
    reading = facts.current(leaf.signal)
    if times < leaf.times and reading is None:
        return _nothing(leaf, limit=leaf.times)
    validity = reading.validity if reading is not None else Validity.VALID
    truth = _truth(times >= leaf.times, validity, asking)
    at_ms = reading.at_ms if reading is not None else now_ms
    due_ms = _expires_ms(reading, leaf.signal, None, facts) if reading is not None else None
    return Finding(truth, float(times), "1", at_ms, leaf.signal, limit=leaf.times, due_ms=due_ms, leaf=leaf)


# --- combinations -----------------------------------------------------------------------------------------------------


def _earliest(instants: Iterable[int | None]) -> int | None:
    return min((each for each in instants if each is not None), default=None)


def _speaking(truth: Truth, findings: list[Finding]) -> Finding:
    """The first part that has the truth of the whole speaks for it; the others of that truth stand beside it."""
    agreeing = [each for each in findings if each.truth is truth]
    speaker = agreeing[0]
    since_ms = speaker.since_ms
    if truth is TRUE:  # it all holds since the last of them does
        since_ms = max((each.since_ms for each in agreeing if each.since_ms is not None), default=None)
    due_ms = _earliest(each.due_ms for each in findings)
    return Finding._make((truth, *speaker[1:9], since_ms, due_ms, speaker.leaf, tuple(agreeing[1:])))


def _all_of(predicate: AllOf, facts: Facts, asking: Asking) -> Finding:
    findings = []
    truth = TRUE
    for part in predicate.of:
        finding = _ANSWERS[type(part)](part, facts, asking)
        if finding.truth is FALSE:
            return finding
        if finding.truth is UNKNOWN:
            truth = UNKNOWN
        findings.append(finding)
    return _speaking(truth, findings)


def _any_of(predicate: AnyOf, facts: Facts, asking: Asking) -> Finding:
    findings = []
    truth = FALSE
    for part in predicate.of:
        finding = _ANSWERS[type(part)](part, facts, asking)
        if finding.truth is TRUE:
            return finding
        if finding.truth is UNKNOWN:
            truth = UNKNOWN
        findings.append(finding)
    return _speaking(truth, findings)


def _any_known(predicate: AnyKnown, facts: Facts, asking: Asking) -> Finding:
    findings = [_ANSWERS[type(part)](part, facts, asking) for part in predicate.of]
    truths = [finding.truth for finding in findings]
    return _speaking(TRUE if TRUE in truths else FALSE if FALSE in truths else UNKNOWN, findings)


def _or_also(predicate: OrAlso, facts: Facts, asking: Asking) -> Finding:
    first, *others = predicate.of
    finding = _ANSWERS[type(first)](first, facts, asking)
    if finding.truth is TRUE:
        return finding
    dues = [finding.due_ms]
    for part in others:
        other = _ANSWERS[type(part)](part, facts, asking)
        if other.truth is TRUE:
            return other
        dues.append(other.due_ms)
    return finding._replace(due_ms=_earliest(dues))


def _at_least_of(predicate: AtLeastOf, facts: Facts, asking: Asking) -> Finding:
    findings = [_ANSWERS[type(part)](part, facts, asking) for part in predicate.of]
    held = sum(finding.truth is TRUE for finding in findings)
    open_ = sum(finding.truth is UNKNOWN for finding in findings)
    if held >= predicate.times:
        return _speaking(TRUE, findings)
    return _speaking(FALSE if held + open_ < predicate.times else UNKNOWN, findings)


_ANSWERS: Mapping[type[Leaf | Combination], Callable[[Any, Facts, Asking], Finding]] = {
    Limit: _limit,
    BaselineChange: _baseline_change,
    Trend: _trend,
    FallFromPeak: _fall_from_peak,
    RiseFromLowest: _rise_from_lowest,
    WindowTotal: _window_total,
    LowFlow: _low_flow,
    Burden: _burden,
    StateIs: _state_is,
    StateLasting: _state_lasting,
    RhythmIs: _rhythm_is,
    RhythmEventSeen: _rhythm_event_seen,
    RhythmPresent: _rhythm_present,
    HighestInInterval: _highest_in_interval,
    IntervalChange: _interval_change,
    Recurrence: _recurrence,
    Consecutive: _consecutive,
    Absent: _absent,
    Disagreement: _disagreement,
    AllOf: _all_of,
    AnyOf: _any_of,
    AnyKnown: _any_known,
    OrAlso: _or_also,
    AtLeastOf: _at_least_of,
}
