"""The fluid chart: hours of intake, urine and balance, and boluses; what nobody knows is None."""

from __future__ import annotations

import pytest

from streaming.therapy.drugs import Drug
from streaming.therapy.fluid_chart import FluidChart, FluidHour, fluid_chart
from streaming.therapy.fluids import Urine
from streaming.therapy.infusion import Pump
from streaming.therapy.stretches import BEGINNING_MS, STRETCHES_MAX, Stretches
from tests.support.talking_pump import TalkingPump, at

HOUR_S = 3600


def hours(number: float) -> int:
    return at(number * HOUR_S)


def chart_of(*pumps: Pump, urine: Urine | None = None, now_h: float = 3.0, count: int = 3) -> FluidChart:
    return fluid_chart(pumps, urine or Urine(), hours(0), hours(now_h), count)


def fluid_at(minutes_and_rates: list[tuple[int, int, float]], label: str = "Normal saline") -> TalkingPump:
    """A pump that reports its total each minute: (from minute, to minute, mL/h)."""
    talking, total_ml = TalkingPump(), 0.0
    for first, past, rate_ml_h in minutes_and_rates:
        for minute in range(first, past):
            talking.say(minute * 60, label=label, status=rate_ml_h > 0, rate=rate_ml_h, volume=total_ml)
            total_ml += rate_ml_h / 60
    return talking


def intakes(rows: tuple[FluidHour, ...]) -> list[float | None]:
    return [row.intake_ml for row in rows]


def test_an_hour_says_what_each_pump_gave_what_urine_came_and_the_balance() -> None:
    urine = Urine()
    urine.flow(hours(1), 40.0)
    chart = chart_of(fluid_at([(0, 121, 120.0)]).pump, urine=urine, now_h=2.0)

    assert intakes(chart.hours) == [None, pytest.approx(120.0), pytest.approx(120.0)]
    assert [row.from_ms for row in chart.hours] == [hours(-1), hours(0), hours(1)]
    first = chart.hours[1]
    assert (first.urine_ml, first.intake_coverage) == (40.0, 1.0)
    assert first.balance_ml == pytest.approx(80.0)
    assert [(share.pump, share.drug) for share in first.by_pump] == [("pump1", Drug.FLUID)]
    assert chart.boluses == ()


def test_what_nobody_reported_is_none_and_never_nothing() -> None:
    row = chart_of().hours[1]

    assert (row.intake_ml, row.urine_ml, row.balance_ml) == (None, None, None)
    assert (row.intake_coverage, row.urine_coverage, row.by_pump) == (0.0, 0.0, ())


def test_a_pump_that_stands_still_gives_nothing_and_that_is_known() -> None:
    talking = fluid_at([(0, 60, 0.0)])

    row = chart_of(talking.pump, now_h=2.0).hours[1]
    assert (row.intake_ml, row.intake_coverage, row.by_pump) == (0.0, 1.0, ())


def test_a_balance_needs_both_sides_and_is_not_told_without_urine() -> None:
    row = chart_of(fluid_at([(0, 61, 60.0)]).pump, now_h=1.0).hours[-1]

    assert row.intake_ml == pytest.approx(60.0)
    assert (row.urine_ml, row.balance_ml) == (None, None)


def test_an_hour_of_which_half_is_unknown_says_so_and_has_no_balance() -> None:
    talking, urine = TalkingPump(), Urine()
    for minute in range(31):  # it tells no total, and is silent from then on while it runs
        talking.say(minute * 60, label="Saline", status=True, rate=60.0)
    urine.flow(hours(1), 40.0)

    row = chart_of(talking.pump, urine=urine, now_h=1.0).hours[-1]
    assert row.intake_ml == pytest.approx(32.0)  # two more minutes are believed
    assert row.intake_coverage == pytest.approx(32 / 60, abs=1e-3)
    assert (row.urine_ml, row.balance_ml) == (40.0, None)


def test_the_present_hour_ends_now() -> None:
    row = chart_of(fluid_at([(0, 91, 60.0)]).pump, now_h=1.5).hours[-1]

    assert (row.from_ms, row.to_ms) == (hours(1), hours(1.5))
    assert row.intake_ml == pytest.approx(30.0)


def test_a_pump_heard_once_is_known_from_then_on() -> None:
    talking = TalkingPump()
    talking.say(1800, label="Saline", status=False)

    row = chart_of(talking.pump, now_h=1.0).hours[-1]
    assert (row.intake_ml, row.intake_coverage) == (0.0, 0.5)


def test_before_the_admission_nothing_is_known() -> None:
    chart = fluid_chart([fluid_at([(0, 121, 60.0)]).pump], Urine(), hours(1), hours(2), 2)

    assert [row.intake_coverage for row in chart.hours] == [0.0, 1.0]
    assert intakes(chart.hours) == [None, pytest.approx(60.0)]


def test_a_fluid_that_runs_fast_is_a_bolus_with_its_time_and_volume() -> None:
    chart = chart_of(fluid_at([(0, 20, 60.0), (20, 50, 1000.0), (50, 70, 60.0)]).pump)

    (bolus,) = chart.boluses
    assert (bolus.from_ms, bolus.to_ms) == (at(20 * 60), at(50 * 60))
    assert bolus.ml == pytest.approx(500.0)
    assert (bolus.pump, bolus.drug, bolus.label) == ("pump1", Drug.FLUID, "Normal saline")


def test_two_times_with_a_pause_between_are_two_boluses() -> None:
    chart = chart_of(fluid_at([(0, 15, 1000.0), (15, 25, 0.0), (25, 40, 1000.0), (40, 45, 0.0)]).pump)

    assert [round(bolus.ml) for bolus in chart.boluses] == [250, 250]


def test_a_pause_of_a_poll_does_not_split_a_bolus() -> None:
    chart = chart_of(fluid_at([(0, 15, 1000.0), (15, 17, 0.0), (17, 30, 1000.0), (30, 32, 0.0)]).pump)

    assert [round(bolus.ml) for bolus in chart.boluses] == [467]


@pytest.mark.parametrize(
    ("rates", "label"),
    [
        ([(0, 60, 249.0), (60, 62, 0.0)], "Saline"),  # not fast
        ([(0, 5, 1000.0), (5, 7, 0.0)], "Saline"),  # a flush
        ([(0, 30, 1000.0), (30, 32, 0.0)], "Levophed"),  # no fluid
        ([(0, 30, 1000.0), (30, 32, 0.0)], "Something new"),  # nobody knows what it is
    ],
)
def test_what_is_slow_little_or_no_fluid_is_no_bolus(rates: list[tuple[int, int, float]], label: str) -> None:
    assert chart_of(fluid_at(rates, label).pump).boluses == ()


def test_a_bolus_that_ended_before_the_chart_begins_is_not_in_it() -> None:
    talking = fluid_at([(0, 30, 1000.0), (30, 70, 0.0)])

    assert chart_of(talking.pump, count=3).boluses
    assert chart_of(talking.pump, count=2).boluses == ()


def test_hours_of_which_stretches_went_to_make_room_are_not_known() -> None:
    kept = Stretches(kept_max=16)
    for minute in range(16):
        kept.add(at(minute * 60), at(minute * 60 + 60), 1.0)
    assert (kept.begin_ms, kept.forgotten_until_ms) == (at(0), BEGINNING_MS)
    kept.add(at(16 * 60), at(17 * 60), 1.0)
    assert (kept.begin_ms, kept.forgotten_until_ms) == (at(120), at(120))

    talking = TalkingPump()
    for count in range(STRETCHES_MAX + 2):  # a poll each 40 s: no two are kept as one
        talking.say(count * 40, label="Saline", status=True, rate=90.0, volume=float(count))
    now_h = (STRETCHES_MAX + 1) * 40 / HOUR_S
    rows = chart_of(talking.pump, now_h=now_h, count=24).hours
    assert rows[0].intake_ml is None
    assert rows[-2].intake_ml == pytest.approx(90.0)
