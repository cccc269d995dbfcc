"""Questions about the heart's rhythm: what monitors report as events, and what a person charts.

Invariants
- Silence says that nothing happened only while a monitor that would report it is there.
- A run is judged by its beats where they are told, else by its duration; of what tells neither, nothing is claimed.
- What a signature has dealt with is no longer counted.
"""

from __future__ import annotations

from streaming.criteria.answers.charted import what_is_charted
from streaming.criteria.answers.judgement import (
    FALSE,
    TRUE,
    UNKNOWN,
    Answers,
    expiry_ms,
    nothing_known,
)
from streaming.criteria.asking import Asking
from streaming.criteria.facts import Facts, Reading, RhythmEvent
from streaming.criteria.finding import NO_LENGTH, NO_WATCH, Finding
from streaming.criteria.kinds import RhythmEventSeen, RhythmIs, RhythmPresent
from streaming.criteria.outlook import event_due_ms
from streaming.truth import Truth


def _rhythm_is(leaf: RhythmIs, facts: Facts, asking: Asking) -> Finding:
    reading = facts.current(leaf.signal)
    charted_ms = reading.at_ms if reading is not None else facts.now_ms - leaf.within_ms
    after_ms = max(charted_ms, asking.after_ms)
    for event in reversed(facts.rhythm_events(after_ms)):
        if event.rhythm in leaf.states and event.at_ms > after_ms:
            return _reported(leaf, event, event.rhythm, expires_ms=_charted_expires_ms(leaf, reading, facts))
    return nothing_known(leaf) if reading is None else what_is_charted(leaf, reading, None, facts, asking)


def _charted_expires_ms(leaf: RhythmIs, reading: Reading | None, facts: Facts) -> int | None:
    return expiry_ms(reading, leaf.signal, None, facts) if reading is not None else None


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
        return nothing_known(leaf, NO_LENGTH)._replace(due_ms=event_due_ms(leaf, doubtful))
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
        return what_is_charted(leaf, reading, None, facts, asking)
    return _no_event(leaf, facts)


def _no_event(leaf: RhythmEventSeen | RhythmPresent, facts: Facts) -> Finding:
    """Nothing was reported: which says something while there is a monitor that would."""
    ends_ms = facts.rhythm_watch_ends_ms()
    if ends_ms is None:
        return nothing_known(leaf, NO_WATCH)
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


ANSWERS: Answers = {
    RhythmIs: _rhythm_is,
    RhythmEventSeen: _rhythm_event_seen,
    RhythmPresent: _rhythm_present,
}
