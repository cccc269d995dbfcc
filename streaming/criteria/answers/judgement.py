"""From a value and the bounds to a truth: what every answer shares.

Invariants
- A questionable value supports the careful answer alone: it may hold a dose, never allow one.
- A quantity of which only the range is certain is judged by the range first, and by an estimate only when enough of it
  is known.
- What nobody reported, or what is too old, is UNKNOWN; a reading is good up to its limit, and not a millisecond longer.

Which question is asked, and of which signal, is the business of the modules beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from streaming.criteria.asking import Asking
from streaming.criteria.facts import Facts, Reading
from streaming.criteria.finding import NO_VALUE, QUESTIONABLE, Finding
from streaming.criteria.freshness import usual_fresh_ms
from streaming.criteria.kinds import Bounds, Combination, Leaf
from streaming.observation import Validity
from streaming.truth import Truth

Answers = Mapping[type[Leaf | Combination], Callable[[Any, Facts, Asking], Finding]]
"""How to answer, by kind of predicate."""
TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def careful_truth(holds: bool, validity: Validity, asking: Asking) -> Truth:
    """A questionable value supports the careful answer alone."""
    if validity is not Validity.VALID and holds is asking.is_resumption:
        return UNKNOWN
    return TRUE if holds else FALSE


def truth_of_range(bounds: Bounds, low: float, high: float, estimate: float, *, is_covered: bool) -> Truth:
    """Judge a quantity of which only the range is certain; the estimate counts when enough is known."""
    if bounds.holds(low) and bounds.holds(high):
        return TRUE
    if bounds.is_beyond(low) or bounds.is_beneath(high):
        return FALSE
    if not is_covered:
        return UNKNOWN
    return TRUE if bounds.holds(estimate) else FALSE


def number_of(facts: Facts, signal: str, fresh_ms: int | None = None) -> tuple[Reading, float] | None:
    """The present value of a signal, where it is a number."""
    reading = facts.current(signal, fresh_ms)
    if reading is None or isinstance(reading.value, str):
        return None
    return reading, reading.value


def expiry_ms(reading: Reading, signal: str, fresh_ms: int | None, facts: Facts) -> int | None:
    """When the reading becomes too old: the first millisecond beyond its limit. None while its source is heard."""
    if facts.is_heard(signal):
        return None
    limit_ms = usual_fresh_ms(signal, reading.source) if fresh_ms is None else fresh_ms
    due_ms = reading.at_ms + limit_ms + 1
    return due_ms if due_ms > facts.now_ms else None


def nothing_known(leaf: Leaf, detail: str = NO_VALUE, limit: float | None = None) -> Finding:
    """UNKNOWN, and why."""
    return Finding(UNKNOWN, source_signal=leaf.signal, coverage=0.0, detail=detail, limit=limit, leaf=leaf)


def judged(
    leaf: Leaf, bounds: Bounds, reading: Reading, value: float, facts: Facts, asking: Asking, detail: str = ""
) -> Finding:
    """Judge a number that rests on one reading."""
    truth = careful_truth(bounds.holds(value), reading.validity, asking)
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
        expiry_ms(reading, leaf.signal, None, facts),
        leaf,
    )


def earliest_ms(instants: Iterable[int | None]) -> int | None:
    """The first of the instants that there are."""
    return min((each for each in instants if each is not None), default=None)
