"""Questions about a window that ends now: an amount, a flow that stays low, time spent beneath a limit.

Invariants
- It is decided as soon as what is known of the window decides it, whatever the rest may be; only otherwise is coverage
  asked for.
- Only what was believed is in it: doubtful values are no part of the past.

When to ask again is `streaming.criteria.outlook`'s business.
"""

from __future__ import annotations

from dataclasses import replace

from streaming.criteria.answers.judgement import (
    FALSE,
    TRUE,
    UNKNOWN,
    Answers,
    truth_of_range,
)
from streaming.criteria.asking import Asking
from streaming.criteria.facts import Facts, Total
from streaming.criteria.finding import TOO_LITTLE, Finding
from streaming.criteria.kinds import INFINITY, Burden, Leaf, LowFlow, WindowTotal
from streaming.criteria.outlook import burden_due_ms, low_flow_due_ms
from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.truth import Truth


def _window(leaf: Leaf, truth: Truth, value: float, unit: str, total: Total, limit: float, now_ms: int) -> Finding:
    detail = TOO_LITTLE if truth is UNKNOWN else ""
    return Finding(truth, value, unit, now_ms, leaf.signal, total.coverage, detail, limit, leaf=leaf)


def _window_total(leaf: WindowTotal, facts: Facts, asking: Asking) -> Finding:
    del asking  # history holds what was believed
    bounds = leaf.bounds.scaled(facts.dosing_weight_kg) if leaf.is_per_kg else leaf.bounds
    total = facts.total(leaf.signal, leaf.window_ms)
    is_covered = total.coverage >= leaf.least_coverage
    truth = truth_of_range(bounds, total.amount, INFINITY, total.amount, is_covered=is_covered)
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
        high = low + (1 - total.coverage) * leaf.window_ms / MINUTE_MS
    is_covered = total.coverage >= leaf.least_coverage
    truth = truth_of_range(leaf.bounds, low, high, total.amount, is_covered=is_covered)
    unit = "mm[Hg]" if leaf.is_average else "min"
    due_ms = burden_due_ms(leaf, limit, truth, low if truth is UNKNOWN else total.amount, total, facts)
    finding = _window(leaf, truth, total.amount, unit, total, leaf.bounds.shown, facts.now_ms)
    return finding._replace(due_ms=due_ms, leaf=leaf if limit == leaf.limit else replace(leaf, limit=limit))


ANSWERS: Answers = {
    WindowTotal: _window_total,
    LowFlow: _low_flow,
    Burden: _burden,
}
