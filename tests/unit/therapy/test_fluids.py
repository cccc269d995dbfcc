"""What goes in and what comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.therapy.fluids import COLLECTED_MAX_MS, Periodic, Urine, intake
from tests.support.talking_pump import TalkingPump, at

HOUR_S = 3600
HOUR_MS = HOUR_S * 1000


def hours(number: float) -> int:
    return at(number * HOUR_S)


def test_each_hourly_flow_stands_for_the_hour_before_it() -> None:
    urine = Urine()
    for hour in range(1, 9):
        urine.flow(hours(hour), 10.0)

    total = urine.total(hours(0), hours(8))
    assert (total.amount, total.coverage, total.longest_gap_ms) == (80.0, 1.0, 0)
    assert urine.end_ms == hours(8)


def test_an_hour_that_was_not_reported_is_not_covered() -> None:
    urine = Urine()
    for hour in (1, 2, 3, 5, 6, 7, 8):
        urine.flow(hours(hour), 10.0)

    total = urine.total(hours(0), hours(8))
    assert (total.amount, total.coverage, total.longest_gap_ms) == (70.0, 0.875, HOUR_MS)


@pytest.mark.parametrize("minutes", [-5, -1, 1, 5])
def test_people_are_not_punctual(minutes: int) -> None:
    urine = Urine()
    urine.flow(hours(1), 40.0)
    urine.flow(hours(2) + minutes * 60_000, 40.0)

    assert urine.until_last_report(2 * HOUR_MS + minutes * 60_000) == (80.0, 1.0)


def test_a_flow_reported_more_often_than_hourly_is_not_counted_twice() -> None:
    urine = Urine()
    for quarter in range(4, 13):
        urine.flow(hours(quarter / 4), 60.0)

    assert urine.total(hours(0), hours(3)).amount == 180.0


def test_of_a_volume_collected_the_differences_count_and_an_emptied_bag_loses_nothing() -> None:
    urine = Urine()
    assert not urine.collected(hours(0), 200.0)
    assert urine.collected(hours(1), 260.0)
    assert urine.collected(hours(2), 30.0)
    assert not urine.collected(hours(2), 35.0)  # one instant, one volume

    total = urine.total(hours(0), hours(2))
    assert (total.amount, total.coverage) == (90.0, 1.0)


def test_a_volume_collected_over_more_than_half_a_day_says_nothing_of_a_shift() -> None:
    urine = Urine()
    urine.collected(hours(0), 0.0)
    assert not urine.collected(hours(0) + COLLECTED_MAX_MS + 1, 900.0)

    assert urine.total(hours(0), hours(13)).coverage == 0.0


def test_what_flow_and_volume_say_of_one_hour_counts_once() -> None:
    urine = Urine()
    urine.collected(hours(0), 100.0)
    urine.flow(hours(1), 50.0)
    urine.collected(hours(1), 150.0)

    assert urine.total(hours(0), hours(1)).amount == 50.0


@given(st.permutations(range(1, 9)), st.lists(st.integers(0, 200), min_size=8, max_size=8))
def test_hourly_flows_give_the_same_total_in_any_order(order, flows) -> None:  # type: ignore[no-untyped-def]
    urine = Urine()
    for hour in order:
        urine.flow(hours(hour), float(flows[hour - 1]))

    assert urine.total(hours(0), hours(8)).amount == sum(flows)
    assert urine.total(hours(4), hours(8)).amount == sum(flows[4:])


def test_a_periodic_quantity_joins_the_one_before_within_its_slack() -> None:
    diarrhea = Periodic(8 * HOUR_MS)
    diarrhea.add(hours(8), 400.0)
    diarrhea.add(hours(16.5), 600.0)

    assert diarrhea.stretches.total(hours(0), hours(16.5)).amount == 1000.0
    assert diarrhea.stretches.total(hours(0), hours(16.5)).coverage == 1.0


def test_intake_is_what_all_pumps_delivered_and_covers_only_the_stay() -> None:
    one, other = TalkingPump("pump1"), TalkingPump("pump2")
    for minute in range(0, 61):
        one.say(minute * 60, volume=float(minute), status=True, rate=60.0)
        other.say(minute * 60, rate=120.0)

    total = intake([one.pump, other.pump], hours(0), hours(-1), hours(1))

    assert (total.amount, total.coverage, total.longest_gap_ms) == (180.0, 0.5, HOUR_MS)
    assert intake([], hours(0), hours(0), hours(1)).coverage == 1.0


def test_of_a_time_in_which_a_running_pump_was_silent_nothing_is_claimed() -> None:
    talking = TalkingPump()
    talking.say(0, rate=60.0)

    total = intake([talking.pump], hours(0), hours(0), hours(1))

    assert total.amount == 2.0
    assert total.coverage == pytest.approx(2 / 60)
    assert total.longest_gap_ms == 58 * 60_000


def test_two_silent_pumps_cover_nothing_rather_than_less_than_nothing() -> None:
    one, other = TalkingPump("pump1"), TalkingPump("pump2")
    for talking in (one, other):
        talking.say(0, rate=60.0)

    total = intake([one.pump, other.pump], hours(0), hours(0), hours(1))

    assert total.coverage == 0.0
    assert total.longest_gap_ms == HOUR_MS
