"""When, at the earliest, time alone may change what is said of a window: before that instant nobody need ask again.

What comes each second is not reported to the questions one by one (`streaming.criteria.attention.Bands`): they hear
when a value crosses the limit, and when its source comes or goes. Between two such moments a burden grows no faster
than time passes, and only while the value is beneath the limit; so the distance to the bound, as a time, is when to
look again.

Every instant here is later than now by a minute at least: what is nearer is looked at each minute.
"""

from __future__ import annotations

from streaming.criteria.facts import Facts, RhythmEvent, Total
from streaming.criteria.kinds import Bounds, Burden, LowFlow, RhythmEventSeen, RhythmIs
from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.truth import Truth

UNKNOWN_MS = 15 * MINUTE_MS
"""So often is looked at a burden that is not known and does not grow: what comes in may cover the window. [D]"""
SLIDES = 96
"""A low flow is looked at so often while its window slides by its length: each ten minutes of sixteen hours. [D]"""


def burden_due_ms(leaf: Burden, limit: float, truth: Truth, amount: float, total: Total, facts: Facts) -> int | None:
    """When a burden may come to a bound, or its window to be covered too little.

    Args:
        leaf: The question.
        limit: Below what a value counts.
        truth: The answer.
        amount: Minutes, or average, that the answer rests on: of what is not known the least there can be.
        total: As `Facts` tells it.
        facts: The patient now.
    """
    coverage = 1.0 if truth is Truth.UNKNOWN else total.coverage
    may_grow = _is_beneath(leaf.signal, limit, facts)
    distances = [abs(each - amount) for each in _numbers(leaf.bounds) if may_grow or amount >= each]
    waits = [_until_ms(leaf, limit, distance, coverage) for distance in distances]
    if truth is Truth.UNKNOWN:
        waits.append(UNKNOWN_MS)
    elif total.coverage >= leaf.least_coverage and not facts.is_heard(leaf.signal):
        waits.append(int((total.coverage - leaf.least_coverage) * leaf.window_ms) + 1)
    return facts.now_ms + max(MINUTE_MS, min(waits)) if waits else None


def low_flow_due_ms(leaf: LowFlow, highest_ms: int | None, facts: Facts) -> int:
    """When the flow that is too high for a low flow may have left the window.

    Args:
        leaf: The question.
        highest_ms: When the highest flow of the window was reported, where that alone is too high.
        facts: The patient now.
    """
    slide_ms = max(5 * MINUTE_MS, leaf.window_ms // SLIDES)
    left_ms = facts.now_ms if highest_ms is None else highest_ms + leaf.window_ms - HOUR_MS
    return max(facts.now_ms + slide_ms, left_ms)


def event_due_ms(leaf: RhythmIs | RhythmEventSeen, event: RhythmEvent) -> int:
    """When an event is no longer within what the question looks back on."""
    return event.at_ms + leaf.within_ms


def _is_beneath(signal: str, limit: float, facts: Facts) -> bool:
    reading = facts.current(signal)
    return reading is not None and not isinstance(reading.value, str) and reading.value < limit


def _numbers(bounds: Bounds) -> list[float]:
    return [each for each in (bounds.above, bounds.at_least, bounds.below, bounds.at_most) if each is not None]


def _until_ms(leaf: Burden, limit: float, distance: float, coverage: float) -> int:
    """How long a burden takes at least for a distance: a minute a minute, and of the minute under way all may count;
    an average while every value is 0."""
    if not leaf.is_average:
        return int((distance - 1) * MINUTE_MS)
    return int(distance / limit * leaf.window_ms * coverage) if limit > 0 else MINUTE_MS
