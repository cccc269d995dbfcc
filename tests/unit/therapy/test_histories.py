"""What is kept of signals and states: bounds, late values, catching up. The windows are in the properties."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from streaming.criteria.facts import Sample
from streaming.therapy.history import KEPT_MAX, SampledHistory, SignalHistory, StateHistory
from streaming.therapy.minutes import LIMITS_MAX, MINUTES_MAX, MinuteMeans
from streaming.therapy.stretches import STRETCHES_MAX, Stretches

MINUTE = 60_000
HOUR = 60 * MINUTE


def test_nothing_is_known_of_a_signal_that_said_nothing() -> None:
    history = SignalHistory(0)

    assert (history.before(0), history.after(0), history.last) == (None, None, None)
    assert (history.highest(0), history.lowest(0)) == (None, None)


def test_the_value_in_force_counts_among_the_highest_and_the_lowest() -> None:
    history = SignalHistory(0)
    for minute, value in enumerate((5.0, 3.0, 4.0)):
        history.add(minute * MINUTE, value)

    assert history.highest(30_000) == Sample(0, 5.0)
    assert history.lowest(30_000) == Sample(MINUTE, 3.0)
    assert history.highest(MINUTE) == Sample(2 * MINUTE, 4.0)
    assert history.lowest(2 * MINUTE) == Sample(2 * MINUTE, 4.0)
    assert history.after(0) == Sample(MINUTE, 3.0)


def test_of_a_minute_the_last_value_and_the_extremes_are_kept() -> None:
    history = SignalHistory(0)
    for second, value in ((0, 5.0), (10, 9.0), (20, 1.0), (30, 4.0)):
        history.add(second * 1000, value)

    assert history.last == Sample(30_000, 4.0)
    assert history.before(15_000) is None
    assert history.highest(-1) == Sample(10_000, 9.0)
    assert history.lowest(-1) == Sample(20_000, 1.0)


def test_a_lower_value_that_comes_late_gives_way_to_the_higher_one_of_its_minute() -> None:
    history = SignalHistory(0)
    history.add(50_000, 3.0)
    history.add(10_000, 7.0)
    history.add(5_000, 6.0)

    assert history.highest(-1) == Sample(10_000, 7.0)
    assert history.last == Sample(50_000, 3.0)


def test_what_is_kept_of_a_signal_is_bounded_and_a_day_is_always_there() -> None:
    history = SignalHistory(0)
    for minute in range(3 * KEPT_MAX):
        history.add(minute * MINUTE, float(-minute % 4099))

    now = (3 * KEPT_MAX - 1) * MINUTE
    assert history.before(now - 26 * HOUR) is not None
    assert history.before(now - 40 * HOUR) is None
    assert history.highest(now - 26 * HOUR) is not None


def test_extremes_of_a_sampled_signal_are_those_of_all_its_values() -> None:
    eager, sampled = SignalHistory(0), SampledHistory(0)
    for minute in range(300):
        value = float(minute * 37 % 101)
        eager.add(minute * MINUTE, value)
        sampled.add(minute * MINUTE, value)
        if minute % 50 == 7:
            assert sampled.highest(minute * MINUTE - HOUR) == eager.highest(minute * MINUTE - HOUR)

    for minute in range(0, 300, 13):
        assert sampled.highest(minute * MINUTE) == eager.highest(minute * MINUTE)
        assert sampled.lowest(minute * MINUTE) == eager.lowest(minute * MINUTE)


# --- states -----------------------------------------------------------------------------------------------------------


def test_a_state_charted_again_within_a_minute_counts_once() -> None:
    states = StateHistory()
    for at_ms, state in ((0, "a"), (30_000, "a"), (90_000, "a"), (100_000, "b"), (110_000, "a")):
        states.add(at_ms, state)

    assert states.count(["a"], -1) == 3
    assert states.since() == 110_000


def test_what_is_kept_of_states_is_bounded_and_the_beginning_of_the_present_one_is_not_forgotten() -> None:
    states = StateHistory()
    states.add(0, "none")
    for minute in range(1, 3 * KEPT_MAX):
        states.add(minute * MINUTE, "intubated")

    assert states.since() == MINUTE
    assert states.count(["none"], -1) == 0
    assert states.count(["intubated"], -1) <= KEPT_MAX
    states.add(3 * KEPT_MAX * MINUTE - 90_000, "intubated")  # late, and of the same state
    assert states.since() == MINUTE


def test_nothing_charted_is_no_state() -> None:
    assert StateHistory().since() is None
    assert StateHistory().count(["a"], 0) == 0


# --- minutes ----------------------------------------------------------------------------------------------------------


def test_a_doubtful_value_ends_what_the_value_before_it_held() -> None:
    means = MinuteMeans(0)
    means.interrupt(0)
    means.add(0, 60.0)
    means.interrupt(MINUTE)
    means.interrupt(3 * MINUTE)
    means.add(4 * MINUTE, 60.0)

    total = means.minutes_below(65, 0, 5 * MINUTE)

    assert (total.amount, total.coverage, total.longest_gap_ms) == (2.0, 0.4, 3 * MINUTE)


def test_what_is_kept_of_minutes_is_bounded_and_a_day_is_always_there() -> None:
    means = MinuteMeans(0)
    for minute in range(2 * MINUTES_MAX):
        means.add(minute * MINUTE, 60.0)
        if minute % 500 == 3:
            means.minutes_below(65, (minute - 60) * MINUTE, minute * MINUTE)
    now = 2 * MINUTES_MAX * MINUTE

    assert means.minutes_below(65, now - 26 * HOUR, now) == (26 * 60, 1.0, 0)
    assert means.minutes_below(65, now - 60 * HOUR, now).coverage < 0.6


def test_a_limit_that_was_not_asked_about_for_long_makes_room_and_is_reckoned_anew() -> None:
    means = MinuteMeans(0)
    for minute in range(60):
        means.add(minute * MINUTE, 50.0 + minute % 20)
    before = {limit: means.minutes_below(limit, 0, HOUR) for limit in range(50, 50 + 2 * LIMITS_MAX)}

    assert before == {limit: means.minutes_below(limit, 0, HOUR) for limit in range(50, 50 + 2 * LIMITS_MAX)}
    assert before[60].amount == 30


batches = st.lists(
    st.lists(st.tuples(st.integers(-2_000, 400_000), st.integers(300, 1200)), min_size=1, max_size=12), max_size=8
)


@given(batches)
def test_several_values_at_once_are_the_same_as_one_after_the_other(batches) -> None:  # type: ignore[no-untyped-def]
    singly, at_once = MinuteMeans(0), MinuteMeans(0)
    at_ms = 0
    for batch in batches:
        times, values = array("q"), array("d")
        for step, tenths in batch:
            at_ms += step if step % 3 == 0 else step % 5_000
            times.append(at_ms)
            values.append(tenths / 10)
            singly.add(at_ms, tenths / 10)
        at_once.add_series(times, values)

    for limit in (60, 75.5):
        assert singly.average_below(limit, 0, 40 * MINUTE) == at_once.average_below(limit, 0, 40 * MINUTE)
        assert singly.minutes_below(limit, 0, 40 * MINUTE) == at_once.minutes_below(limit, 0, 40 * MINUTE)


# --- stretches --------------------------------------------------------------------------------------------------------


def test_stretches_that_follow_each_other_are_kept_as_one_up_to_a_length() -> None:
    made = Stretches(merge_ms=MINUTE)
    for ten in range(12):
        made.add(ten * 10_000, (ten + 1) * 10_000, 1.0)
    made.add(200_000, 200_000, 5.0)  # no time at all

    assert made.sum(0, 2 * MINUTE) == (12_000_000, 2 * MINUTE)
    assert made.sum(MINUTE, 2 * MINUTE) == (6_000_000, MINUTE)
    assert made.total(0, 3 * MINUTE) == (12.0, 2 / 3, MINUTE)


def test_what_is_kept_of_stretches_and_gaps_is_bounded() -> None:
    made = Stretches()
    gap = 2 * STRETCHES_MAX
    at_ms = 0
    for _ in range(2 * STRETCHES_MAX):
        made.add(at_ms, at_ms + 10, 1.0)
        at_ms += 10 + gap
        gap -= 1

    assert made.sum(0, at_ms)[0] <= STRETCHES_MAX * 1_000_000
    assert made.total(at_ms - 1000, at_ms).coverage < 1
