"""Windows over what a signal has been, against plain computations over all values."""

from __future__ import annotations

import pickle
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import Sample, Total
from streaming.criteria.kinds import Bounds, Burden
from streaming.criteria.stated import StatedFacts
from streaming.therapy.history import SignalHistory, StateHistory
from streaming.therapy.minutes import MinuteMeans
from streaming.therapy.stretches import Stretches
from streaming.truth import Truth

MINUTE = 60_000
ORIGIN = 1_800_000_012_345
HOLD = 5 * MINUTE

instants = st.integers(0, 40 * MINUTE).map(lambda offset: ORIGIN + offset)
numbers = st.integers(-50, 300).map(float)
series = st.lists(st.tuples(instants, numbers), max_size=40, unique_by=lambda sample: sample[0])


def history(samples: list[tuple[int, float]]) -> SignalHistory:
    made = SignalHistory(ORIGIN)
    for at_ms, value in samples:
        made.add(at_ms, value)
    return made


def minute(at_ms: int) -> int:
    return (at_ms - ORIGIN) // MINUTE


def kept(samples: list[tuple[int, float]]) -> list[Sample]:
    """The last of each minute."""
    return [Sample(*at) for at in sorted({minute(sample[0]): sample for sample in sorted(samples)}.values())]


@given(series, instants)
def test_the_value_before_an_instant_is_the_last_of_the_kept_ones(samples, at_ms) -> None:  # type: ignore[no-untyped-def]
    earlier = [sample for sample in kept(samples) if sample.at_ms <= at_ms]

    assert history(samples).before(at_ms) == (earlier[-1] if earlier else None)


@given(series, st.integers(0, 40))
def test_highest_and_lowest_since_a_full_minute_are_those_of_all_values(samples, minutes) -> None:  # type: ignore[no-untyped-def]
    from_ms = ORIGIN + minutes * MINUTE - 1
    since = [value for at_ms, value in samples if at_ms > from_ms]
    earlier = [sample.value for sample in kept(samples) if sample.at_ms <= from_ms][-1:]
    made = history(samples)

    highest, lowest = made.highest(from_ms), made.lowest(from_ms)

    assert (highest.value if highest else None) == max(since + earlier, default=None)
    assert (lowest.value if lowest else None) == min(since + earlier, default=None)
    for found in (highest, lowest):
        assert found is None or tuple(found) in samples


@given(series, st.randoms(use_true_random=False), instants)
def test_the_order_of_arrival_changes_nothing(samples, dice, from_ms) -> None:  # type: ignore[no-untyped-def]
    shuffled = dice.sample(samples, len(samples))
    first, second = history(sorted(samples)), history(shuffled)

    assert first.before(from_ms) == second.before(from_ms)
    assert first.highest(from_ms) == second.highest(from_ms)
    assert first.lowest(from_ms) == second.lowest(from_ms)
    assert first.last == second.last


# --- states -----------------------------------------------------------------------------------------------------------

charted = st.lists(
    st.tuples(st.integers(0, 50).map(lambda n: ORIGIN + 2 * n * MINUTE), st.sampled_from("abc")),
    max_size=30,
    unique_by=lambda entry: entry[0],
)


def states(entries: list[tuple[int, str]]) -> StateHistory:
    made = StateHistory()
    for at_ms, state in entries:
        made.add(at_ms, state)
    return made


@given(charted, instants, st.lists(st.sampled_from("abcd"), max_size=3))
def test_states_are_counted_and_dated_as_by_hand_in_any_order(entries, from_ms, asked) -> None:  # type: ignore[no-untyped-def]
    made = states(entries)

    in_order = sorted(entries)
    began = None
    for at_ms, state in reversed(in_order):
        if state != in_order[-1][1]:
            break
        began = at_ms
    assert made.since() == began
    assert made.count(asked, from_ms) == sum(state in asked and at_ms > from_ms for at_ms, state in entries)


# --- minutes ----------------------------------------------------------------------------------------------------------


def by_hand(samples: list[tuple[int, float]], limit: float, from_ms: int, to_ms: int) -> tuple[float, float, float]:
    """(minutes below, average below, covered ms) of a window of whole minutes, second by second."""
    in_order = sorted(samples)
    below = deficit = valid = 0.0
    for begin_ms in range(from_ms, to_ms, MINUTE):
        held_s, total = 0, 0.0
        for at_ms in range(begin_ms, begin_ms + MINUTE, 1000):
            past = [sample for sample in in_order if sample[0] <= at_ms]
            if past and at_ms - past[-1][0] < HOLD:
                held_s += 1
                total += past[-1][1]
        if held_s and total / held_s < limit:
            below += held_s / 60
            deficit += limit * held_s - total
        valid += held_s
    return below, deficit / valid if valid else 0.0, valid * 1000


seconds = st.lists(
    st.tuples(st.integers(0, 1500).map(lambda s: ORIGIN + s * 1000), st.integers(40, 90).map(float)),
    max_size=25,
    unique_by=lambda sample: sample[0],
).map(sorted)


@given(seconds, st.integers(0, 24), st.sampled_from((60.0, 65.0, 55.5)))
def test_minutes_below_a_limit_are_those_counted_second_by_second(samples, first, limit) -> None:  # type: ignore[no-untyped-def]
    means = MinuteMeans(ORIGIN)
    from_ms, now_ms = ORIGIN + first * MINUTE, ORIGIN + 25 * MINUTE
    for i, (at_ms, value) in enumerate(samples):
        means.add(at_ms, value)
        if i % 7 == 0:
            means.minutes_below(limit, at_ms - MINUTE, at_ms)  # a question in between changes no later answer

    below = means.minutes_below(limit, from_ms, now_ms)
    average = means.average_below(limit, from_ms, now_ms)

    expected_below, expected_average, covered_ms = by_hand(samples, limit, from_ms, now_ms)
    assert abs(below.amount - expected_below) < 1e-9
    assert abs(average.amount - expected_average) < 1e-9
    assert below.coverage == average.coverage == covered_ms / (now_ms - from_ms)


@given(seconds, st.integers(-(10**9), 10**9))
def test_a_shift_of_all_times_shifts_nothing_else(samples, shift_ms) -> None:  # type: ignore[no-untyped-def]
    here, there = MinuteMeans(ORIGIN), MinuteMeans(ORIGIN + shift_ms)
    for at_ms, value in samples:
        here.add(at_ms, value)
        there.add(at_ms + shift_ms, value)
    from_ms, to_ms = ORIGIN + 3 * MINUTE + 17, ORIGIN + 26 * MINUTE

    assert here.minutes_below(65, from_ms, to_ms) == there.minutes_below(65, from_ms + shift_ms, to_ms + shift_ms)


@given(seconds)
def test_the_longest_gap_is_the_longest_time_without_a_value(samples) -> None:  # type: ignore[no-untyped-def]
    means = MinuteMeans(ORIGIN)
    for at_ms, value in samples:
        means.add(at_ms, value)
    from_ms, to_ms = ORIGIN + 2 * MINUTE, ORIGIN + 26 * MINUTE

    longest = silent = 0
    for at_ms in range(from_ms, to_ms, 1000):
        held = any(sample[0] <= at_ms < sample[0] + HOLD for sample in samples)
        silent = 0 if held else silent + 1000
        longest = max(longest, silent)
    assert means.minutes_below(65, from_ms, to_ms).longest_gap_ms == longest


# --- stretches --------------------------------------------------------------------------------------------------------

marks = st.lists(st.integers(0, 400), min_size=2, max_size=30, unique=True).map(sorted)


@st.composite
def stretches(draw):  # type: ignore[no-untyped-def]
    """Stretches that do not overlap, in tenths of a minute, with amounts that divide evenly."""
    ends = draw(marks)
    pieces = list(pairwise(ends))
    taken = draw(st.lists(st.booleans(), min_size=len(pieces), max_size=len(pieces)))
    rate = draw(st.integers(0, 20))
    return [(a, b, float(rate * (b - a))) for (a, b), is_taken in zip(pieces, taken, strict=True) if is_taken]


def filled(pieces) -> Stretches:  # type: ignore[no-untyped-def]
    made = Stretches()
    for from_tenth, to_tenth, amount in pieces:
        made.add(from_tenth * 6000, to_tenth * 6000, amount)
    return made


@given(stretches(), st.integers(-10, 400), st.integers(1, 400))
def test_a_sum_takes_of_each_stretch_the_share_inside_the_window(pieces, first, length) -> None:  # type: ignore[no-untyped-def]
    past = first + length
    amount, covered_ms = filled(pieces).sum(first * 6000, past * 6000)

    inside = [(max(a, first), min(b, past), a, b, amount) for a, b, amount in pieces if a < past and b > first]
    assert covered_ms == sum((to - since) * 6000 for since, to, *_ in inside)
    assert abs(amount / 1e6 - sum(total * (to - since) / (b - a) for since, to, a, b, total in inside)) < 1e-4


@given(stretches(), st.randoms(use_true_random=False), st.integers(0, 400))
def test_stretches_give_the_same_total_in_any_order(pieces, dice, first) -> None:  # type: ignore[no-untyped-def]
    in_order, shuffled = filled(pieces), filled(dice.sample(pieces, len(pieces)))

    assert in_order.total(first * 6000, 401 * 6000) == shuffled.total(first * 6000, 401 * 6000)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=20), st.integers(0, 90))
def test_time_is_never_covered_twice(pieces, first) -> None:  # type: ignore[no-untyped-def]
    made = Stretches(merge_ms=60_000)
    covered: dict[int, None] = {}
    for begin, length in pieces:
        made.add(begin * 1000, (begin + length) * 1000, float(length))
        covered |= dict.fromkeys(range(begin, begin + length))

    amount, covered_ms = made.sum(first * 1000, 200_000)

    assert covered_ms == sum(second >= first for second in covered) * 1000
    assert abs(amount / 1e6 - covered_ms / 1000) < 1e-3
    gap = longest = 0
    for second in range(first, 200):
        gap = 0 if second in covered else gap + 1
        longest = max(longest, gap)
    assert made.total(first * 1000, 200_000).longest_gap_ms == longest * 1000


@given(seconds, stretches())
def test_what_is_kept_survives_a_snapshot(samples, pieces) -> None:  # type: ignore[no-untyped-def]
    means, made, past = MinuteMeans(ORIGIN), filled(pieces), history(samples)
    for at_ms, value in samples:
        means.add(at_ms, value)

    means_2, made_2, past_2 = pickle.loads(pickle.dumps((means, made, past)))

    now_ms = ORIGIN + 30 * MINUTE
    assert means_2.average_below(65, ORIGIN, now_ms) == means.average_below(65, ORIGIN, now_ms)
    assert made_2.total(0, now_ms) == made.total(0, now_ms)
    assert past_2.highest(ORIGIN) == past.highest(ORIGIN)


class Monitored(StatedFacts):
    """A patient at a monitor that is heard, whose mean pressure is kept by minute."""

    def __init__(self) -> None:
        super().__init__(now_ms=0)
        self.means = MinuteMeans(0)

    def is_heard(self, signal: str) -> bool:
        """While it speaks."""
        return True

    def minutes_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """As the service keeps them."""
        return self.means.minutes_below(limit, self.now_ms - window_ms, self.now_ms)

    def average_below(self, signal: str, limit: float, window_ms: int) -> Total:
        """As the service keeps them."""
        return self.means.average_below(limit, self.now_ms - window_ms, self.now_ms)

    def measure(self, value: float, at_ms: int) -> None:
        """The monitor reports the mean pressure."""
        self.now_ms = at_ms
        self.readings.clear()
        self.say("map", value)
        self.means.add(at_ms, value)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(
        [
            Burden(signal="map", limit=65, is_average=False, bounds=bounds, window_ms=window_ms)
            for window_ms in (30 * 60_000, 4 * 3_600_000)
            for bounds in (Bounds(at_least=27, shown=27), Bounds(below=25, shown=25))
        ]
        + [
            Burden(signal="map", limit=65, is_average=True, bounds=bounds, window_ms=4 * 3_600_000)
            for bounds in (Bounds(above=2, shown=2), Bounds(at_most=1.5, shown=1.5))
        ]
    ),
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([20.0, 58.0, 64.0, 65.0, 66.0, 90.0])), max_size=30),
)
def test_a_burden_asked_again_when_it_said_and_at_crossings_says_what_one_asked_each_minute_says(
    leaf: Burden, stretches: list[tuple[int, float]]
) -> None:
    facts = Monitored()
    known, was_beneath = evaluate(leaf, facts), False
    for value in (value for count, value in stretches for _ in range(count)):
        facts.measure(value, facts.now_ms + 60_000)
        eager = evaluate(leaf, facts)
        is_due = known is None or (known.due_ms is not None and facts.now_ms >= known.due_ms)
        if is_due or (value < 65) is not was_beneath:
            known, was_beneath = eager, value < leaf.limit
        if Truth.UNKNOWN not in (known.truth, eager.truth):
            assert known.truth is eager.truth


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 90)), max_size=12),
    st.sampled_from([60, 480]),
    st.sampled_from([0.5, 0.8, 1.0]),
)
def test_a_window_lapses_at_the_first_instant_at_which_too_little_of_it_is_covered(
    pieces: list[tuple[int, int]], window_min: int, least: float
) -> None:
    stretches, at_min = Stretches(), 0
    for gap, length in pieces:
        stretches.add((at_min + gap) * 60_000, (at_min + gap + length) * 60_000, 1.0)
        at_min += gap + length
    window_ms, now_ms = window_min * 60_000, at_min * 60_000
    least_ms = round(window_ms * least)
    lapses_ms = stretches.lapses_ms(window_ms, least_ms)

    def covered_ms(at_ms: int) -> int:
        return stretches.sum(at_ms - window_ms, at_ms)[1]

    if covered_ms(now_ms) < least_ms:
        assert lapses_ms is None or lapses_ms <= now_ms
    else:
        assert lapses_ms is not None
        assert covered_ms(lapses_ms - 1) >= least_ms > covered_ms(lapses_ms)
