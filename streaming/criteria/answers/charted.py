"""Questions about what a person charts as a state: what it is, for how long, how often.

A state that the question names neither as meeting it nor as clear of it does not decide it.
"""

from __future__ import annotations

from streaming.criteria.answers.judgement import (
    FALSE,
    TRUE,
    UNKNOWN,
    Answers,
    careful_truth,
    earliest_ms,
    expiry_ms,
    nothing_known,
)
from streaming.criteria.asking import Asking
from streaming.criteria.facts import Facts, Reading
from streaming.criteria.finding import QUESTIONABLE, UNDECIDED, Finding
from streaming.criteria.kinds import Recurrence, RhythmIs, RhythmPresent, StateIs, StateLasting
from streaming.durations import HOUR_MS
from streaming.observation import Validity


def _state_is(leaf: StateIs, facts: Facts, asking: Asking) -> Finding:
    reading = facts.current(leaf.signal, leaf.fresh_ms)
    if reading is None:
        return nothing_known(leaf)
    return what_is_charted(leaf, reading, leaf.fresh_ms, facts, asking)


def what_is_charted(
    leaf: StateIs | StateLasting | RhythmIs | RhythmPresent,
    reading: Reading,
    fresh_ms: int | None,
    facts: Facts,
    asking: Asking,
) -> Finding:
    """What a charted value says of the states that the question names."""
    value = reading.value
    is_valid = reading.validity is Validity.VALID
    detail = "" if is_valid else QUESTIONABLE
    if value in leaf.states:
        truth = TRUE if is_valid else careful_truth(True, reading.validity, asking)
    elif value in leaf.clear:
        truth = FALSE if is_valid else careful_truth(False, reading.validity, asking)
    else:
        truth, detail = UNKNOWN, UNDECIDED
    at_ms = reading.at_ms
    due_ms = expiry_ms(reading, leaf.signal, fresh_ms, facts)
    return Finding(truth, value, "", at_ms, leaf.signal, 1.0, detail, None, reading.source, at_ms, due_ms, leaf)


def _state_lasting(leaf: StateLasting, facts: Facts, asking: Asking) -> Finding:
    reading = facts.current(leaf.signal)
    if reading is None:
        return nothing_known(leaf)
    finding = what_is_charted(leaf, reading, None, facts, asking)
    if finding.value not in leaf.states:
        return finding
    began_ms = facts.state_since(leaf.signal)
    if began_ms is None:
        return nothing_known(leaf)
    over_ms = began_ms + leaf.longer_than_ms
    now_ms = facts.now_ms
    holds = now_ms > over_ms
    return finding._replace(
        truth=careful_truth(holds, reading.validity, asking),
        value=round((now_ms - began_ms) / HOUR_MS, 2),
        unit="h",
        detail=str(reading.value),
        limit=leaf.longer_than_ms / HOUR_MS,
        since_ms=over_ms,
        due_ms=finding.due_ms if holds else earliest_ms((finding.due_ms, over_ms + 1)),
    )


def _recurrence(leaf: Recurrence, facts: Facts, asking: Asking) -> Finding:
    now_ms = facts.now_ms
    times = facts.count(leaf.signal, leaf.states, now_ms - leaf.within_ms)
    reading = facts.current(leaf.signal)
    if times < leaf.times and reading is None:
        return nothing_known(leaf, limit=leaf.times)
    validity = reading.validity if reading is not None else Validity.VALID
    truth = careful_truth(times >= leaf.times, validity, asking)
    at_ms = reading.at_ms if reading is not None else now_ms
    due_ms = expiry_ms(reading, leaf.signal, None, facts) if reading is not None else None
    return Finding(truth, float(times), "1", at_ms, leaf.signal, limit=leaf.times, due_ms=due_ms, leaf=leaf)


ANSWERS: Answers = {
    StateIs: _state_is,
    StateLasting: _state_lasting,
    Recurrence: _recurrence,
}
