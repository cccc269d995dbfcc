"""When an answer about a window is looked at again: never later than it may have changed."""

from __future__ import annotations

import pytest

from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import RhythmEvent, Total
from streaming.criteria.kinds import Bounds, Burden, LowFlow, RhythmEventSeen
from streaming.criteria.outlook import burden_due_ms, low_flow_due_ms
from streaming.criteria.stated import StatedFacts
from streaming.truth import Truth

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOW_MS = 100 * HOUR_MS
MINUTES = Burden(signal="map", limit=65, is_average=False, bounds=Bounds(at_least=30, shown=30), window_ms=4 * HOUR_MS)
AVERAGE = Burden(signal="map", limit=65, is_average=True, bounds=Bounds(above=2, shown=2), window_ms=4 * HOUR_MS)


class Heard(StatedFacts):
    """A patient at a monitor that is heard."""

    def is_heard(self, signal: str) -> bool:
        return True


def patient(mean: float | None, *, is_heard: bool = True) -> StatedFacts:
    facts = Heard(now_ms=NOW_MS) if is_heard else StatedFacts(now_ms=NOW_MS)
    if mean is not None:
        facts.say("map", mean)
    return facts


def minutes_to_due(
    facts: StatedFacts, leaf: Burden, truth: Truth, amount: float, coverage: float = 1.0
) -> float | None:
    due_ms = burden_due_ms(leaf, leaf.limit, truth, amount, Total(amount, coverage), facts)
    return None if due_ms is None else (due_ms - NOW_MS) / MINUTE_MS


@pytest.mark.parametrize(("amount", "minutes"), [(0, 29), (10, 19), (28, 1), (29, 1), (29.9, 1)])
def test_minutes_below_a_limit_reach_their_bound_no_sooner_than_time_passes(amount: float, minutes: float) -> None:
    assert minutes_to_due(patient(60), MINUTES, Truth.FALSE, amount) == minutes


def test_while_no_value_is_beneath_the_limit_a_burden_does_not_grow() -> None:
    assert minutes_to_due(patient(66), MINUTES, Truth.FALSE, 29) is None
    assert minutes_to_due(patient(66), AVERAGE, Truth.FALSE, 1.9) is None


def test_minutes_beyond_their_bound_fall_beneath_it_no_sooner_than_time_passes() -> None:
    assert minutes_to_due(patient(66), MINUTES, Truth.TRUE, 45) == 14
    assert minutes_to_due(patient(60), MINUTES, Truth.TRUE, 45) == 14


def test_an_average_reaches_its_bound_no_sooner_than_with_no_pressure_at_all() -> None:
    """2 mmHg of 65, of four hours: 7.4 minutes at 0 mmHg; of half the time, 3.7."""
    assert minutes_to_due(patient(60), AVERAGE, Truth.FALSE, 0) == pytest.approx(2 / 65 * 240, abs=1e-4)
    assert minutes_to_due(patient(60), AVERAGE, Truth.FALSE, 0, 0.5) == pytest.approx(1 / 65 * 240, abs=1e-4)
    assert minutes_to_due(patient(60), AVERAGE, Truth.FALSE, 1.99) == 1


def test_what_is_not_known_is_looked_at_now_and_then_and_sooner_when_it_grows() -> None:
    assert minutes_to_due(patient(66), MINUTES, Truth.UNKNOWN, 0, 0.1) == 15
    assert minutes_to_due(patient(None), MINUTES, Truth.UNKNOWN, 0, 0) == 15
    assert minutes_to_due(patient(60), MINUTES, Truth.UNKNOWN, 20, 0.1) == 9


def test_a_source_that_may_have_fallen_silent_is_looked_at_when_too_little_would_be_covered() -> None:
    assert minutes_to_due(patient(66, is_heard=False), MINUTES, Truth.FALSE, 0, 0.9) == pytest.approx(24, abs=1e-3)
    assert minutes_to_due(patient(66, is_heard=False), MINUTES, Truth.FALSE, 0, 0.8) == 1
    assert minutes_to_due(patient(66, is_heard=False), MINUTES, Truth.FALSE, 0, 0.7) is None  # decided without it


def test_a_flow_that_is_too_high_is_waited_for_until_it_has_left_the_window() -> None:
    leaf = LowFlow(signal="urine_ml_h", total="urine_ml", below=10, window_ms=16 * HOUR_MS)
    facts = StatedFacts(now_ms=NOW_MS)

    assert low_flow_due_ms(leaf, NOW_MS - HOUR_MS, facts) == NOW_MS + 14 * HOUR_MS
    assert low_flow_due_ms(leaf, NOW_MS - 15 * HOUR_MS, facts) == NOW_MS + 10 * MINUTE_MS
    assert low_flow_due_ms(leaf, None, facts) == NOW_MS + 10 * MINUTE_MS


@pytest.mark.parametrize(("duration_s", "truth"), [(10.0, Truth.TRUE), (2.0, Truth.UNKNOWN)])
def test_an_event_is_looked_at_again_when_it_leaves_what_is_looked_back_on(duration_s: float, truth: Truth) -> None:
    leaf = RhythmEventSeen(
        rhythms=("vt",), beats_at_least=5, duration_at_least_s=3, duration_below_s=1, charted=(), within_ms=HOUR_MS
    )
    facts = StatedFacts(now_ms=NOW_MS)
    facts.events.append(RhythmEvent("vt", NOW_MS - 20 * MINUTE_MS, None, duration_s, "mon"))
    finding = evaluate(leaf, facts)

    assert (finding.truth, finding.due_ms) == (truth, NOW_MS + 40 * MINUTE_MS)
    facts.now_ms = NOW_MS + 40 * MINUTE_MS
    assert evaluate(leaf, facts).truth is not truth or truth is Truth.UNKNOWN
    assert evaluate(leaf, facts).value is None or evaluate(leaf, facts).value == "none"
