"""Questions about what is so now: a value against its bounds, the absence of one, two that should agree.

The past plays no part in it.
"""

from __future__ import annotations

from streaming.criteria.answers.judgement import (
    FALSE,
    TRUE,
    Answers,
    careful_truth,
    earliest_ms,
    expiry_ms,
    judged,
    nothing_known,
    number_of,
)
from streaming.criteria.asking import Asking
from streaming.criteria.facts import Facts
from streaming.criteria.finding import APART, QUESTIONABLE, Finding
from streaming.criteria.kinds import Absent, Disagreement, Limit
from streaming.observation import Validity


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
        return nothing_known(leaf, limit=bounds.shown)
    value = reading.value
    is_valid = reading.validity is Validity.VALID
    truth = (
        (TRUE if bounds.holds(value) else FALSE)
        if is_valid
        else careful_truth(bounds.holds(value), reading.validity, asking)
    )
    at_ms = reading.at_ms
    due_ms = expiry_ms(reading, leaf.signal, leaf.fresh_ms, facts)
    detail = "" if is_valid else QUESTIONABLE
    return Finding(
        truth, value, reading.unit, at_ms, leaf.signal, 1.0, detail, bounds.shown, reading.source, at_ms, due_ms, leaf
    )


def _absent(leaf: Absent, facts: Facts, asking: Asking) -> Finding:
    del asking  # a questionable value is there all the same
    reading = facts.current(leaf.signal, leaf.fresh_ms)
    if reading is None:
        return nothing_known(leaf)._replace(truth=TRUE)
    due_ms = expiry_ms(reading, leaf.signal, leaf.fresh_ms, facts)
    return Finding(
        FALSE, reading.value, reading.unit, reading.at_ms, leaf.signal, source=reading.source, due_ms=due_ms, leaf=leaf
    )


def _disagreement(leaf: Disagreement, facts: Facts, asking: Asking) -> Finding:
    one, other = number_of(facts, leaf.signal), number_of(facts, leaf.other)
    if one is None or other is None:
        return nothing_known(leaf, limit=leaf.bounds.shown)
    (reading, value), (other_reading, other_value) = one, other
    if abs(reading.at_ms - other_reading.at_ms) > leaf.within_ms:
        return nothing_known(leaf, APART, leaf.bounds.shown)
    doubtful = reading if reading.validity is not Validity.VALID else other_reading
    truth = careful_truth(leaf.bounds.holds(abs(value - other_value)), doubtful.validity, asking)
    finding = judged(leaf, leaf.bounds, reading, abs(value - other_value), facts, asking)
    due_ms = earliest_ms((finding.due_ms, expiry_ms(other_reading, leaf.other, None, facts)))
    return finding._replace(truth=truth, detail=f"{value:.4g} against {other_value:.4g}", due_ms=due_ms)


ANSWERS: Answers = {
    Limit: _limit,
    Absent: _absent,
    Disagreement: _disagreement,
}
