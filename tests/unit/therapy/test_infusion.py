"""One infusion pump: which drug, whether it runs, and what it has delivered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.therapy.drugs import Drug
from streaming.therapy.infusion import CONCENTRATION, GONE_MS, RATE, VOLUME, WEIGHT
from tests.support.talking_pump import TalkingPump, at

HOUR_S = 3600


def test_a_pump_that_said_nothing_is_not_infusing() -> None:
    talking = TalkingPump()

    assert talking.say(0) is None
    assert not talking.pump.is_infusing
    assert talking.pump.drug is None
    assert talking.pump.label is None
    assert talking.pump.number(RATE) is None


@pytest.mark.parametrize(
    ("said", "is_infusing"),
    [
        ({"status": True, "rate": 10.0}, True),
        ({"status": True}, True),
        ({"status": True, "rate": 0.0}, False),
        ({"status": False, "rate": 10.0}, False),
        ({"rate": 10.0}, True),
        ({"rate": 0.0}, False),
        ({"dose_rate": 0.5}, True),
        ({"label": "Levophed"}, False),
    ],
)
def test_a_pump_infuses_when_it_says_so_or_fluid_flows(said, is_infusing: bool) -> None:  # type: ignore[no-untyped-def]
    talking = TalkingPump()
    talking.say(0, **said)

    assert talking.pump.is_infusing is is_infusing


def test_of_flow_and_status_the_later_one_counts_when_the_flow_is_none() -> None:
    talking = TalkingPump()
    talking.say(0, rate=0.0)
    talking.say(1, status=True)
    assert talking.pump.is_infusing  # it has just started and has not told its rate yet

    talking.say(2, rate=0.0)
    assert not talking.pump.is_infusing


def test_of_two_rates_the_later_one_says_whether_fluid_flows() -> None:
    talking = TalkingPump()
    talking.say(0, rate=5.0)
    talking.say(1, dose_rate=0.0)
    assert not talking.pump.is_infusing

    talking.say(2, rate=4.0)
    assert talking.pump.is_infusing


def test_another_drug_makes_what_was_said_before_void_but_not_the_volume() -> None:
    talking = TalkingPump()
    talking.say(0, label="Levophed", rate=5.0, conc=0.064, volume=3.0, weight=80.0)

    report = talking.say(10, label="phenylephrine", rate=2.0)

    assert report is not None
    assert report.is_relabelled
    assert talking.pump.drug is Drug.PHENYLEPHRINE
    assert talking.pump.said(CONCENTRATION) is None
    assert talking.pump.number(WEIGHT) is None
    assert talking.pump.number(VOLUME) == 3.0


def test_another_name_of_the_same_drug_changes_nothing() -> None:
    talking = TalkingPump()
    talking.say(0, label="Levophed", conc=0.064)

    report = talking.say(10, label="norepinephrine")

    assert report is not None
    assert not report.is_relabelled
    assert not report.is_reprogrammed
    assert talking.pump.number(CONCENTRATION) == 0.064


def test_two_unknown_labels_are_two_drugs() -> None:
    talking = TalkingPump()
    talking.say(0, label="channel A", conc=1.0)

    report = talking.say(10, label="channel B")

    assert report is not None
    assert report.is_relabelled
    assert talking.pump.drug is None
    assert talking.pump.number(CONCENTRATION) is None


def test_the_volume_delivered_is_the_difference_of_the_totals() -> None:
    talking = TalkingPump()
    first = talking.say(0, volume=10.0, status=True, rate=360.0)
    second = talking.say(10, volume=11.0)

    assert first is not None
    assert second is not None
    assert (first.is_first, first.delivered_ml) == (True, 0.0)
    assert (second.is_first, second.delivered_ml) == (False, 1.0)
    assert second.was_infusing


def test_a_total_that_falls_back_counts_from_zero_and_is_a_new_program() -> None:
    talking = TalkingPump()
    talking.say(0, volume=50.0)

    report = talking.say(10, volume=0.6)

    assert report is not None
    assert report.delivered_ml == 0.6
    assert report.began_anew
    assert report.is_reprogrammed


def test_a_total_that_falls_by_a_rounding_error_is_no_new_program() -> None:
    talking = TalkingPump()
    talking.say(0, volume=10.02)

    report = talking.say(10, volume=10.01)

    assert report is not None
    assert report.delivered_ml == 0.0
    assert not report.began_anew


@pytest.mark.parametrize("change", [{"tbi": 60.0}, {"conc": 0.06}, {"conc": (900_000.0, "[IU]/mL")}])
def test_another_volume_or_concentration_is_a_new_program(change) -> None:  # type: ignore[no-untyped-def]
    talking = TalkingPump()
    talking.say(0, tbi=50.0, conc=0.05)

    report = talking.say(10, **change)

    assert report is not None
    assert report.is_reprogrammed
    assert not report.began_anew


programs = st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=6), min_size=1, max_size=5)


@given(programs)
def test_nothing_is_lost_or_counted_twice_over_any_number_of_programs(programs: list[list[int]]) -> None:
    talking = TalkingPump()
    talking.say(0, volume=0.0)
    seconds, reported = 0, 0.0
    for steps in programs:
        total = 0
        for step in steps:
            seconds += 10
            # The first step of a program is seen as a fall from what was there before, so it must be less.
            total += step
            report = talking.say(seconds, volume=float(total))
            assert report is not None
            reported += report.delivered_ml
        seconds += 10
        last = talking.say(seconds, volume=0.0)
        assert last is not None
        reported += last.delivered_ml

    delivered_ml, unknown_ms = talking.pump.delivered(at(0), at(seconds))
    assert reported == sum(map(sum, programs))
    assert delivered_ml == reported
    assert unknown_ms == 0


def test_a_pump_without_totals_delivers_at_its_last_rate() -> None:
    talking = TalkingPump()
    talking.say(0, rate=60.0)
    report = talking.say(60, rate=120.0)

    assert report is not None
    assert report.delivered_ml == 1.0
    assert talking.pump.delivered(at(0), at(90)) == (2.0, 0)  # half a minute at 120 mL/h since


def test_a_rate_is_believed_for_two_minutes_and_then_nobody_knows() -> None:
    talking = TalkingPump()
    talking.say(0, rate=60.0)

    assert talking.pump.delivered(at(0), at(300)) == (2.0, 180_000)
    talking.say(300, rate=60.0)
    assert talking.pump.delivered(at(0), at(300)) == (2.0, 180_000)
    assert talking.pump.delivered(at(360), at(360)) == (0.0, 0)


def test_of_an_infusion_that_tells_no_flow_nothing_is_known() -> None:
    talking = TalkingPump()
    talking.say(0, dose_rate=0.5)

    assert talking.pump.delivered(at(0), at(60)) == (0.0, 60_000)
    talking.say(60, dose_rate=0.0)
    assert talking.pump.delivered(at(0), at(120)) == (0.0, 60_000)


def test_a_new_program_after_a_silence_leaves_a_hole() -> None:
    talking = TalkingPump()
    talking.say(0, volume=10.0, status=True, rate=60.0)
    talking.say(600, volume=1.0)

    assert talking.pump.delivered(at(0), at(600)) == (1.0, 600_000)


def test_a_pump_that_is_gone_delivers_nothing_any_more() -> None:
    talking = TalkingPump()
    talking.say(0, rate=60.0)
    later = at(0) + GONE_MS + 1

    assert talking.pump.is_gone(later)
    assert talking.pump.delivered(later - 60_000, later) == (0.0, 0)


def test_what_a_person_charts_holds_for_twelve_hours() -> None:
    talking = TalkingPump(is_charted=True)
    talking.say(0, rate=100.0)

    assert talking.pump.is_charted
    assert not talking.pump.is_silent(at(12 * HOUR_S))
    assert talking.pump.is_silent(at(12 * HOUR_S) + 1)
    assert talking.pump.delivered(at(0), at(HOUR_S)) == (100.0, 0)


def test_a_pump_is_silent_after_two_minutes() -> None:
    talking = TalkingPump()
    talking.say(0, rate=100.0)

    assert not talking.pump.is_silent(at(120))
    assert talking.pump.is_silent(at(121))
    assert talking.pump.fresh(RATE, at(120)) is not None
    assert talking.pump.fresh(RATE, at(121)) is None
    assert talking.pump.fresh(VOLUME, at(0)) is None


def test_values_of_another_charted_drug_are_not_taken() -> None:
    talking = TalkingPump(is_charted=True)
    talking.say(0, label="Levophed", conc=0.064)

    talking.say(60, label="dopamine", rate=3.0, since_ms=at(60))

    assert talking.pump.drug is Drug.DOPAMINE
    assert talking.pump.number(CONCENTRATION) is None


def test_an_infusion_began_with_the_first_report_after_a_stop_or_another_drug() -> None:
    talking = TalkingPump()
    began = []
    reports: list[dict[str, Any]] = [
        {"label": "D5W", "status": True},
        {"rate": 5.0},
        {"status": False},
        {"status": True},
        {"label": "Levophed", "rate": 2.0},
    ]
    for seconds, said in enumerate(reports):
        talking.say(seconds, **said)
        began.append(talking.pump.infusing_since_ms)
    talking.say(5, status=True)

    assert began == [at(0), at(0), None, at(3), at(4)]
    assert talking.pump.infusing_since_ms == at(4)


def test_a_pump_left_behind_says_nothing_more_of_the_patient_but_what_it_gave() -> None:
    talking = TalkingPump()
    talking.say(0, label="Levophed", status=True, rate=60.0, volume=1.0)
    talking.say(60, volume=2.0)

    talking.pump.leave()

    assert not talking.pump.is_infusing
    assert talking.pump.infusing_since_ms is None
    assert talking.pump.drug is None
    assert talking.pump.delivered(at(0), at(600)) == (1.0, 0)
