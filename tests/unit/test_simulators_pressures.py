"""Pressures of one minute: those that were measured together, and none lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from simulators.recordings.pressures import DIASTOLIC, MEAN, SYSTOLIC, ChartedPressure, measured_together

S, D, M = SYSTOLIC, DIASTOLIC, MEAN


def grouped(*rows: tuple[str, float]) -> list[dict[str, float]]:
    """The measurements in the rows of one minute."""
    charted = [ChartedPressure(metric, value, place) for place, (metric, value) in enumerate(rows)]
    return [{pressure.metric: pressure.value for pressure in group} for group in measured_together(charted)]


def test_three_pressures_of_a_minute_are_one_measurement_in_any_order() -> None:
    assert grouped((S, 120), (D, 70), (M, 85)) == [{S: 120, D: 70, M: 85}]
    assert grouped((M, 85), (S, 120), (D, 70)) == [{S: 120, D: 70, M: 85}]


def test_two_triples_one_after_the_other_are_two_measurements_in_file_order() -> None:
    rows = [(S, 74), (D, 50), (M, 59), (S, 94), (D, 45), (M, 56)]

    assert grouped(*rows) == [{S: 74, D: 50, M: 59}, {S: 94, D: 45, M: 56}]


def test_a_mean_charted_alone_before_a_triple_stays_alone() -> None:
    assert grouped((M, 22), (S, 92), (D, 65), (M, 71)) == [{M: 22}, {S: 92, D: 65, M: 71}]


def test_of_two_means_that_fit_a_pair_the_one_that_follows_it_belongs_to_it() -> None:
    assert grouped((M, 80), (S, 98), (D, 72), (M, 79)) == [{M: 80}, {S: 98, D: 72, M: 79}]


def test_means_are_not_given_to_pairs_that_they_contradict_where_another_choice_is_left() -> None:
    rows = [(M, 37), (S, 87), (D, 56), (M, 63), (S, 62), (D, 28)]

    assert grouped(*rows) == [{S: 62, D: 28, M: 37}, {S: 87, D: 56, M: 63}]


def test_a_mean_that_contradicts_the_only_pair_belongs_to_it_all_the_same() -> None:
    assert grouped((S, 95), (D, 60), (M, 56)) == [{S: 95, D: 60, M: 56}]


def test_a_mean_fits_a_measurement_that_lacks_one_of_the_two_others() -> None:
    assert grouped((S, 100), (D, 60), (M, 75), (D, 55), (M, 70)) == [{S: 100, D: 60, M: 75}, {D: 55, M: 70}]
    assert grouped((S, 100), (D, 60), (S, 130), (D, 80), (M, 95)) == [{S: 100, D: 60}, {S: 130, D: 80, M: 95}]


def test_more_measurements_than_can_be_tried_are_taken_in_file_order() -> None:
    rows = [(metric, value) for n in range(8) for metric, value in ((S, 120 + n), (D, 70 + n), (M, 85 + n))]

    assert grouped(*rows) == [{S: 120 + n, D: 70 + n, M: 85 + n} for n in range(8)]


@given(st.lists(st.tuples(st.sampled_from([S, D, M]), st.sampled_from([20.0, 40.0, 60.0, 80.0])), max_size=9))
def test_every_pressure_is_in_exactly_one_measurement_which_holds_each_kind_once(rows: list[tuple[str, float]]) -> None:
    charted = [ChartedPressure(metric, value, place) for place, (metric, value) in enumerate(rows)]

    groups = measured_together(charted)

    assert sorted(p.place for group in groups for p in group) == list(range(len(rows)))
    assert all(max(Counter(p.metric for p in group).values()) == 1 for group in groups)
    assert [min(p.place for p in g) for g in groups] == sorted(min(p.place for p in g) for g in groups)
