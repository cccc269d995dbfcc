"""When a window is looked at again, to the millisecond; and when an event, or what was charted, is too old."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import Total
from streaming.criteria.finding import Finding
from streaming.criteria.predicates import parse_predicate
from streaming.truth import Truth
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, MINUTE_MS, PlainFacts, run_of, say

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
H = 3600
LOW = {"kind": "burden", "signal": "map", "limit": 65, "measure": "minutes", "window_s": H, "at_least": 5}
AVERAGE = LOW | {"measure": "average"}
RUN = {
    "kind": "rhythm_event", "rhythms": ["vt"], "beats_at_least": 5, "duration_at_least_s": 3, "duration_below_s": 1,
    "charted": ["vt"], "within_s": H,
}  # fmt: skip


class Windowed(PlainFacts):
    """A patient of whom a window is what a test says."""

    def minutes_below(self, signal: str, limit: float, window_ms: int) -> Total:
        return self.window

    average_below = minutes_below
    window = Total(0.0, 1.0)


def windowed(amount: float, coverage: float, pressure: float) -> PlainFacts:
    facts = Windowed()
    facts.window = Total(amount, coverage)
    facts.say("map", pressure)
    return facts


def ask(predicate: dict[str, Any], facts: PlainFacts) -> Finding:
    return evaluate(parse_predicate(predicate, "here"), facts)


@pytest.mark.parametrize(
    ("predicate", "facts", "truth", "due_ms"),
    [
        # Known and far from its bound: until too little of it is known, a fifth of an hour from now.
        (LOW, (0.0, 1.0, 80.0), FALSE, 720_000),
        # The value is its limit, and so not beneath it: the burden does not grow.
        (LOW, (0.0, 1.0, 65.0), FALSE, 720_000),
        # It grows by a minute a minute, and all of the minute under way may count.
        (LOW, (0.0, 1.0, 64.9), FALSE, 4 * MINUTE_MS),
        # At its bound and not growing: the next minute that leaves the window may end it.
        (LOW, (5.0, 1.0, 80.0), TRUE, MINUTE_MS),
        # Unknown: the least that it may be is 4 of half the window, so 2; 3 more take 3/65 of an hour at least.
        (AVERAGE, (4.0, 0.5, 40.0), UNKNOWN, 166_153),
        # A limit of 1 mm[Hg], and one of 0, beneath which nothing is.
        (AVERAGE | {"limit": 1, "at_least": 0.5}, (0.0, 1.0, 0.5), FALSE, 720_000),
        (AVERAGE | {"limit": 1, "at_least": 0.1}, (0.0, 1.0, 0.5), FALSE, 360_000),
        (AVERAGE | {"limit": 0, "at_least": 0}, (0.0, 1.0, 80.0), TRUE, MINUTE_MS),
    ],
)
def test_a_burden_is_looked_at_again_when_it_may_have_come_to_its_bound(
    predicate: dict[str, Any], facts: tuple[float, float, float], truth: Truth, due_ms: int
) -> None:
    found = ask(predicate, windowed(*facts))

    assert found.due_ms is not None
    assert (found.truth, found.due_ms - BEGIN_MS) == (truth, due_ms)


@pytest.mark.parametrize(("window_h", "every_min"), [(2, 5), (8, 5), (16, 10)])
def test_a_low_flow_is_looked_at_again_after_a_hundredth_of_its_window(window_h: int, every_min: int) -> None:
    facts = PlainFacts()
    say(facts, {"urine_ml_h": [(hour, 5.0) for hour in range(window_h)]})
    predicate = {"kind": "low_flow", "signal": "urine_ml_h", "total": "urine_ml", "below": 10, "window_s": window_h * H}

    found = ask(predicate, facts)

    assert (found.truth, found.due_ms) == (TRUE, BEGIN_MS + every_min * MINUTE_MS)


def test_a_flow_that_is_just_high_enough_is_none_until_it_has_left_the_window() -> None:
    facts = PlainFacts()
    say(facts, {"urine_ml_h": [*((hour, 5.0) for hour in (0, 1, 2, 4, 5, 6, 7)), (3, 10.0)]})
    predicate = {"kind": "low_flow", "signal": "urine_ml_h", "total": "urine_ml", "below": 10, "window_s": 8 * H}

    found = ask(predicate, facts)

    assert (found.truth, found.due_ms) == (FALSE, BEGIN_MS - 3 * HOUR_MS + 7 * HOUR_MS)


def test_a_rhythm_reported_after_what_was_charted_is_looked_at_when_that_is_too_old() -> None:
    facts = PlainFacts(events=[run_of(12, minutes_ago=5)])
    say(facts, {"site:rhythm": [(1, "sinus")]})

    found = ask({"kind": "rhythm", "is": ["vt"], "clear": ["sinus"], "within_s": 26 * H}, facts)

    assert (found.truth, found.due_ms) == (TRUE, BEGIN_MS - HOUR_MS + 12 * HOUR_MS + 1)


def test_a_rhythm_reported_and_never_charted_is_looked_at_when_it_is_too_old() -> None:
    facts = PlainFacts(events=[run_of(12, minutes_ago=5)])

    found = ask({"kind": "rhythm", "is": ["vt"], "clear": ["sinus"], "within_s": H}, facts)

    assert (found.truth, found.due_ms) == (TRUE, BEGIN_MS - 5 * MINUTE_MS + HOUR_MS)


def test_a_run_of_another_rhythm_is_none_of_those_asked_for() -> None:
    facts = PlainFacts(monitor_seen_ms=BEGIN_MS, events=[run_of(12, rhythm="svt")])

    assert ask(RUN, facts).truth is FALSE
    assert ask(RUN | {"rhythms": ["svt"]}, facts).truth is TRUE


def test_what_may_also_be_charted_is_looked_at_when_any_part_is_too_old() -> None:
    facts = PlainFacts()
    say(facts, {"site:skin": "normal", "sbp": 118.0})
    predicate = {
        "kind": "or_also",
        "of": [
            {"kind": "state", "signal": "site:skin", "is": ["bullous_dermatitis"]},
            {"kind": "limit", "signal": "sbp", "below": 90},
        ],
    }

    found = ask(predicate, facts)

    assert (found.truth, found.due_ms) == (FALSE, BEGIN_MS + 5 * MINUTE_MS + 1)
