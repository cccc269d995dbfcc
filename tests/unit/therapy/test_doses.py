"""The doses of aldesleukin, as their pumps tell them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.commands import Course
from streaming.therapy.doses import DOSES_MAX, IU_PER_MG, Dose, DoseRecord, DoseStatus, Order, order_of
from tests.support.talking_pump import TalkingPump, at

HOUR_S = 3600
MINUTE_S = 60
WEIGHT_KG = 80.0
BAG_ML = 50.0
ORDERED_IU = 600_000 * WEIGHT_KG
IU_PER_ML = ORDERED_IU / BAG_ML
"""A bag of 50 mL that is exactly the order."""
RATE = 200.0
"""mL/h: 50 mL in 15 min."""
ORDER = Order(
    dose_iu_per_kg=600_000,
    interval_ms=8 * HOUR_S * 1000,
    max_doses=14,
    duration_min=15,
    first_dose_ms=at(0),
    cycle=1,
    ordered_ms=at(-HOUR_S),
)


class Nurse:
    """A record of doses, and pumps that a nurse programs and starts."""

    def __init__(self, order: Order | None = ORDER) -> None:
        self.record = DoseRecord(WEIGHT_KG)
        if order is not None:
            self.record.take_order(order)
        self.pumps: dict[str, TalkingPump] = {}

    def say(self, seconds: float, pump: str = "pump1", **said: Any) -> None:
        talking = self.pumps.setdefault(pump, TalkingPump(pump))
        report = talking.say(seconds, **({"label": "Proleukin"} | said))
        if report is not None:
            self.record.take(talking.pump, report)

    def program(self, seconds: float, pump: str = "pump1", *, tbi: float = BAG_ML, **said: Any) -> None:
        said = {"conc": (IU_PER_ML, "[IU]/mL"), "rate": 0.0, "status": False} | said
        self.say(seconds, pump, volume=0.0, tbi=tbi, remaining=tbi, **said)

    def give(self, seconds: float, volume: float, pump: str = "pump1", *, rate: float = RATE, **said: Any) -> None:
        """The pump runs, and so much is in."""
        tbi = self.pumps[pump].pump.number("MDC_VOL_FLUID_TBI")
        left = {"remaining": max(0.0, tbi - volume)} if tbi is not None else {}
        self.say(seconds, pump, status=True, rate=rate, volume=volume, **left, **said)

    def stop(self, seconds: float, pump: str = "pump1") -> None:
        self.say(seconds, pump, status=False, rate=0.0)

    def dose(self, seconds: float, pump: str = "pump1", *, ml: float = BAG_ML) -> None:
        """A whole dose in fifteen minutes."""
        self.program(seconds - 60, pump)
        for minute in range(16):
            self.give(seconds + minute * MINUTE_S, ml * minute / 15, pump)
        self.stop(seconds + 15 * MINUTE_S + 10, pump)

    @property
    def last(self) -> Dose:
        assert self.record.last is not None
        return self.record.last

    def status(self, seconds: float) -> DoseStatus:
        return self.last.status(at(seconds))


def test_a_dose_given_as_ordered() -> None:
    nurse = Nurse()
    nurse.dose(0)

    assert nurse.record.rows(at(HOUR_S))[0] == {
        "number": 1,
        "due_ms": at(0),
        "started_ms": at(0),
        "ended_ms": at(900),
        "volume_ml": 50.0,
        "dose_iu": 48_000_000,
        "percent_of_order": 100.0,
        "status": "given",
        "pump": "pump1",
        "pauses_s": 0.0,
    }
    assert nurse.last.is_complete


def test_a_dose_runs_while_its_pump_infuses() -> None:
    nurse = Nurse()
    nurse.program(-60)
    assert nurse.record.last is None

    nurse.give(0, 0.0)
    nurse.give(60, 3.5)

    assert nurse.status(60) is DoseStatus.RUNNING
    assert nurse.last.ended_ms(at(60)) is None
    assert nurse.last.percent_of_order == 7.0


def test_a_volume_that_rises_is_a_dose_whatever_the_status_says() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.say(0, volume=5.0, status=False)

    assert nurse.last.volume_ml == 5.0
    assert nurse.last.is_standing(at(0))


def test_a_total_that_trembles_is_no_dose() -> None:
    nurse = Nurse()
    nurse.say(0, volume=10.02, status=False)
    nurse.say(10, volume=10.1, status=False)

    assert nurse.record.last is None


@pytest.mark.parametrize(("ml", "status", "percent"), [(47.5, "given", 95.0), (47.4, "partial", 94.8)])
def test_a_dose_counts_as_given_from_95_percent(ml: float, status: str, percent: float) -> None:
    nurse = Nurse()
    nurse.dose(0, ml=ml)

    row = nurse.record.rows(at(HOUR_S))[0]
    assert (row["status"], row["percent_of_order"]) == (status, percent)


def test_mass_is_turned_into_units() -> None:
    nurse = Nurse()
    nurse.program(-60, conc=0.06)
    nurse.give(0, 0.0)
    nurse.give(900, 50.0)

    assert nurse.last.dose_iu == pytest.approx(50 * 0.06 * IU_PER_MG)
    assert pytest.approx(16_363_636, rel=1e-6) == IU_PER_MG


def test_an_unknown_concentration_leaves_the_amount_unknown() -> None:
    nurse = Nurse()
    nurse.say(-60, volume=0.0, tbi=BAG_ML, status=False)
    nurse.give(0, 0.0)
    nurse.give(900, 50.0)
    nurse.stop(910)

    row = nurse.record.rows(at(HOUR_S))[0]
    assert (row["dose_iu"], row["percent_of_order"], row["status"]) == (None, None, "given")
    assert nurse.last.planned_percent is None


def test_without_an_order_there_is_no_percentage_and_no_due_time() -> None:
    nurse = Nurse(None)
    nurse.dose(0)

    (row,) = nurse.record.rows(at(HOUR_S))
    assert (row["number"], row["due_ms"], row["percent_of_order"], row["status"]) == (1, None, None, "given")
    assert nurse.record.next_due(at(0)) is None
    assert nurse.record.interval_began_ms == at(0)


def test_a_concentration_told_late_holds_for_what_was_given_before() -> None:
    nurse = Nurse()
    nurse.say(-60, volume=0.0, tbi=BAG_ML, status=False)
    nurse.give(0, 0.0)
    nurse.give(60, 4.0)
    nurse.give(120, 8.0, conc=(IU_PER_ML, "[IU]/mL"))

    assert nurse.last.dose_iu == pytest.approx(8.0 * IU_PER_ML)


def test_another_concentration_holds_for_what_is_given_after() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 20.0)
    nurse.give(310, 20.0, conc=(2 * IU_PER_ML, "[IU]/mL"))
    nurse.give(600, 30.0)

    assert nurse.last.dose_iu == pytest.approx(20 * IU_PER_ML + 10 * 2 * IU_PER_ML)
    assert nurse.last.reprogrammed_ms == at(310)


def test_a_pause_is_counted_and_the_dose_goes_on() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    nurse.stop(310)
    assert nurse.last.paused_ms(at(400)) == 90_000
    assert nurse.status(609) is DoseStatus.RUNNING

    nurse.give(430, 16.0)

    assert nurse.last.paused_ms(at(500)) == 120_000
    assert nurse.status(500) is DoseStatus.RUNNING
    assert len(nurse.record.all) == 1


def test_a_dose_that_stands_still_for_more_than_five_minutes_is_over_at_the_stop() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    nurse.stop(310)
    nurse.stop(600)

    assert nurse.last.ended_ms(at(610)) is None
    assert nurse.last.ended_ms(at(610.001)) == at(310)
    assert nurse.status(700) is DoseStatus.PARTIAL
    assert nurse.last.paused_ms(at(700)) == 0
    assert nurse.last.interrupted_ms(at(700)) == 390_000


def test_what_goes_on_within_the_hour_is_the_same_dose() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    nurse.stop(310)
    nurse.stop(1800)
    nurse.give(1810, 16.0)
    nurse.give(2500, 50.0)

    assert len(nurse.record.all) == 1
    assert nurse.status(2500) is DoseStatus.GIVEN
    assert nurse.last.paused_ms(at(3000)) == 1_500_000
    assert nurse.last.ended_ms(at(9000)) == at(2500)


def test_what_runs_more_than_an_hour_later_is_another_dose() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    nurse.stop(310)
    nurse.stop(3900)
    nurse.give(3910, 16.0)

    assert [dose.number for dose in nurse.record.all] == [1, 2]
    assert nurse.record.all[0].ended_ms(at(4000)) == at(310)


def test_a_pump_that_is_heard_no_more_ends_the_dose_at_what_it_said_last() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)

    assert nurse.status(600) is DoseStatus.RUNNING
    assert nurse.last.ended_ms(at(600.001)) == at(300)
    nurse.give(900, 50.0)
    assert nurse.status(900) is DoseStatus.GIVEN
    assert nurse.last.paused_ms(at(900)) == 0


def test_a_dose_that_a_person_charts_lasts_until_they_chart_its_end() -> None:
    nurse = Nurse()
    nurse.pumps["chart"] = TalkingPump("chart", is_charted=True)
    nurse.say(0, "chart", rate=RATE, status=True, conc=(IU_PER_ML, "[IU]/mL"))
    assert nurse.status(890) is DoseStatus.RUNNING

    nurse.say(900, "chart", rate=0.0, status=False)

    assert nurse.last.volume_ml == 50.0
    assert nurse.status(900 + 301) is DoseStatus.GIVEN


def test_reprogramming_before_it_is_in_is_noted_once_and_loses_no_volume() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    nurse.program(310, tbi=34.0)
    nurse.give(320, 0.5)
    nurse.give(900, 34.0)

    assert len(nurse.record.all) == 1
    assert nurse.last.reprogrammed_ms == at(310)
    assert nurse.last.volume_ml == 50.0
    assert nurse.status(900) is DoseStatus.GIVEN


def test_a_whole_bag_programmed_over_half_a_dose_is_one_dose_and_too_much() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(450, 25.0)
    nurse.program(460)
    nurse.give(470, 0.0)
    nurse.give(1370, 50.0)

    assert len(nurse.record.all) == 1
    assert nurse.last.percent_of_order == 150.0


def test_programming_for_the_next_dose_is_not_reprogramming() -> None:
    nurse = Nurse()
    nurse.dose(0)
    nurse.program(1200)
    nurse.give(8 * HOUR_S, 0.0)

    assert [dose.number for dose in nurse.record.all] == [1, 2]
    assert all(dose.reprogrammed_ms is None for dose in nurse.record.all)
    assert nurse.record.all[0].volume_ml == 50.0


def test_a_pump_that_keeps_the_vein_open_adds_to_the_dose_and_begins_none() -> None:
    nurse = Nurse()
    nurse.dose(0)
    nurse.say(960, status=True, rate=1.0, volume=50.1, remaining=0.0)
    nurse.say(1920, status=True, rate=1.0, volume=50.4, remaining=0.0)

    assert len(nurse.record.all) == 1
    assert nurse.last.volume_ml == 50.4
    assert nurse.last.ended_ms(at(2000)) == at(900)


def test_a_dose_is_in_when_the_total_reaches_what_was_to_be_infused() -> None:
    nurse = Nurse()
    nurse.say(-60, volume=0.0, tbi=BAG_ML, conc=(IU_PER_ML, "[IU]/mL"), status=False)
    nurse.say(0, status=True, rate=RATE, volume=0.0)
    nurse.say(890, volume=49.9)
    assert not nurse.last.is_complete

    nurse.say(900, volume=49.96)

    assert nurse.last.is_complete
    assert nurse.last.ended_ms(at(900)) == at(900)


def test_the_rest_on_another_pump_goes_on_with_the_dose() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 20.0)
    nurse.stop(310)
    nurse.program(500, "pump2", tbi=30.0)
    nurse.give(600, 0.0, "pump2")
    nurse.give(1140, 30.0, "pump2")

    assert len(nurse.record.all) == 1
    assert nurse.last.percent_of_order == 100.0
    assert nurse.last.pump == "pump2"
    assert nurse.last.reprogrammed_ms == at(600)
    nurse.stop(1200, "pump1")  # the first pump begins nothing new
    assert len(nurse.record.all) == 1


def test_two_pumps_that_run_at_once_are_two_doses() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.program(-60, "pump2")
    nurse.give(0, 0.0)
    nurse.give(10, 0.0, "pump2")

    assert [(dose.number, dose.pump) for dose in nurse.record.all] == [(1, "pump1"), (2, "pump2")]


def test_an_infusion_that_was_running_when_first_heard_began_before() -> None:
    nurse = Nurse()
    nurse.say(300, status=True, rate=RATE, volume=20.0, tbi=BAG_ML, conc=(IU_PER_ML, "[IU]/mL"))

    assert nurse.last.started_ms == at(300 - 360)
    assert nurse.last.percent_of_order == 40.0


def test_a_pump_that_came_along_with_the_patient_has_the_dose_behind_it() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    nurse.record.leave("pump1", at(310))
    nurse.say(330, "pump9", status=True, rate=RATE, volume=17.5, tbi=BAG_ML, conc=(IU_PER_ML, "[IU]/mL"))

    assert len(nurse.record.all) == 1
    assert nurse.last.volume_ml == 17.5


def test_an_idle_pump_first_heard_with_a_volume_begins_nothing() -> None:
    nurse = Nurse()
    nurse.say(0, status=False, volume=53.0)
    assert nurse.record.last is None

    nurse.give(100, 0.5)
    assert nurse.last.volume_ml == 0.5


def test_what_ran_under_another_label_is_not_of_the_dose() -> None:
    nurse = Nurse()
    nurse.pumps["pump1"] = TalkingPump("pump1")
    nurse.pumps["pump1"].say(0, label="D5W", status=True, rate=100.0, volume=10.0)
    nurse.say(60, status=True, rate=RATE, volume=12.0)
    assert nurse.last.volume_ml == 0.0

    nurse.say(120, volume=15.0)
    assert nurse.last.volume_ml == 3.0


def test_another_drug_on_the_pump_ends_the_dose_when_it_last_ran() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    nurse.record.leave("pump1", at(310))
    nurse.record.leave("pump1", at(320))

    assert nurse.last.ended_ms(at(320)) == at(300)
    assert nurse.status(320) is DoseStatus.PARTIAL


def test_a_dose_of_a_pump_that_was_relabelled_there_and_back_goes_on() -> None:
    nurse = Nurse()
    nurse.program(-60)
    nurse.give(0, 0.0)
    nurse.give(300, 16.0)
    talking = nurse.pumps["pump1"]
    talking.say(310, label="D5W", status=True, rate=10.0, volume=16.2)
    nurse.record.leave("pump1", at(310))

    nurse.give(320, 16.2)
    nurse.give(400, 20.2)

    assert len(nurse.record.all) == 1
    assert nurse.last.volume_ml == 20.0


# --- numbers and times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "number"), [(-2, 1), (0.5, 1), (3.9, 1), (4, 2), (7.6, 2), (8, 2), (12.5, 3), (104, 14), (112, 15)]
)
def test_a_dose_is_the_one_due_nearest(hours: float, number: int) -> None:
    nurse = Nurse()
    nurse.dose(hours * HOUR_S)

    assert nurse.last.number == number
    assert nurse.last.due_ms == at((number - 1) * 8 * HOUR_S)


def test_no_dose_is_begun_twice() -> None:
    nurse = Nurse()
    nurse.dose(0)
    nurse.dose(2 * HOUR_S)
    nurse.dose(8 * HOUR_S)

    assert [dose.number for dose in nurse.record.all] == [1, 2, 3]


def test_doses_that_were_not_begun_are_due_missed_or_held() -> None:
    nurse = Nurse()
    nurse.dose(0)
    nurse.record.hold(2, at(8 * HOUR_S))
    nurse.record.hold(2, at(9 * HOUR_S))

    statuses = [row["status"] for row in nurse.record.rows(at(20.5 * HOUR_S))]

    assert statuses == ["given", "held", "missed", *["due"] * 11]
    assert nurse.record.held_doses == 1
    nurse.dose(9.5 * HOUR_S)
    assert nurse.record.held_doses == 0
    assert nurse.record.rows(at(10 * HOUR_S))[1]["status"] == "given"


def test_a_dose_before_one_that_was_begun_is_missed() -> None:
    nurse = Nurse()
    nurse.dose(16 * HOUR_S)

    assert [row["status"] for row in nurse.record.rows(at(17 * HOUR_S))][:4] == ["missed", "missed", "given", "due"]


def test_the_next_dose_is_the_first_that_is_neither_begun_nor_held_nor_missed() -> None:
    nurse = Nurse()
    assert nurse.record.next_due(at(-HOUR_S)) == (1, at(0))
    assert nurse.record.next_due(at(4 * HOUR_S)) == (2, at(8 * HOUR_S))
    nurse.dose(0)
    assert nurse.record.next_due(at(60)) == (2, at(8 * HOUR_S))
    nurse.record.hold(2, at(8 * HOUR_S))
    assert nurse.record.next_due(at(8 * HOUR_S)) == (3, at(16 * HOUR_S))
    assert nurse.record.next_due(at(107.9 * HOUR_S)) == (14, at(104 * HOUR_S))
    assert nurse.record.next_due(at(108 * HOUR_S)) is None


def test_the_interval_began_with_the_last_dose_or_the_course() -> None:
    nurse = Nurse(None)
    assert nurse.record.interval_began_ms is None
    nurse.record.take_order(ORDER)
    assert nurse.record.interval_began_ms == at(-HOUR_S)
    nurse.dose(60)
    assert nurse.record.interval_began_ms == at(60)


def test_a_course_command_becomes_an_order() -> None:
    course = Course(
        admission_id="a", drug="aldesleukin", dose_iu_per_kg=600_000, interval_h=8, max_doses=14, duration_min=15,
        first_dose_ms=at(0), cycle=1, actor="nurse",
    )  # fmt: skip

    assert order_of(course, at(-HOUR_S)) == ORDER


@pytest.mark.parametrize(
    ("second", "is_same"),
    [
        (replace(ORDER, first_dose_ms=at(2 * HOUR_S)), True),
        (replace(ORDER, cycle=2), False),
        (replace(ORDER, cycle=None, first_dose_ms=at(100 * HOUR_S)), True),
        (replace(ORDER, cycle=None, first_dose_ms=at(112 * HOUR_S)), False),
    ],
)
def test_an_order_corrects_the_one_before_or_begins_a_cycle(second: Order, is_same: bool) -> None:
    nurse = Nurse()
    nurse.dose(0)
    nurse.record.hold(2, at(8 * HOUR_S))
    nurse.record.take_order(second)

    assert (nurse.record.cycle == 0) is is_same
    assert nurse.record.held_doses == (1 if is_same else 0)
    assert nurse.record.last_number == (1 if is_same else 0)


def test_doses_of_a_cycle_before_stay_in_the_list() -> None:
    nurse = Nurse()
    nurse.dose(0)
    later_s = 14 * 24 * HOUR_S
    nurse.record.take_order(replace(ORDER, cycle=2, first_dose_ms=at(later_s), ordered_ms=at(later_s - 60)))
    assert nurse.record.interval_began_ms == at(later_s - 60)
    nurse.dose(later_s)

    rows = nurse.record.rows(at(later_s + HOUR_S))

    assert [(row["number"], row["status"]) for row in rows[:3]] == [(1, "given"), (1, "given"), (2, "due")]
    assert len(rows) == 15


def test_the_number_of_doses_kept_is_bounded() -> None:
    nurse = Nurse(None)
    for n in range(DOSES_MAX + 5):
        nurse.dose(n * 2 * HOUR_S)

    assert len(nurse.record.all) == DOSES_MAX
    assert nurse.last.number == DOSES_MAX + 5


def test_time_alone_next_changes_a_running_a_paused_and_a_due_dose() -> None:
    nurse = Nurse()
    assert nurse.record.due_ms(at(0)) == at(4 * HOUR_S)
    nurse.program(-60)
    nurse.give(0, 0.0)
    assert nurse.record.due_ms(at(0)) == at(300) + 1
    nurse.stop(200)
    nurse.stop(400)
    assert nurse.record.due_ms(at(400)) == at(500) + 1
    assert nurse.status(500) is DoseStatus.RUNNING
    assert nurse.status(500.001) is DoseStatus.PARTIAL
    assert nurse.record.due_ms(at(600)) == at(12 * HOUR_S)
    assert Nurse(None).record.due_ms(at(0)) is None


deliveries = st.lists(st.tuples(st.integers(1, 120), st.booleans(), st.integers(0, 8)), min_size=1, max_size=25)


@given(deliveries, st.lists(st.integers(0, 4000), max_size=6))
def test_answers_do_not_depend_on_when_they_are_asked_for(steps, asked) -> None:  # type: ignore[no-untyped-def]
    quiet, curious = Nurse(), Nurse()
    seconds, volume = 0, 0.0
    for nurse in (quiet, curious):
        nurse.program(-60)
    for gap, is_running, more in steps:
        seconds += gap
        volume += more if is_running else 0
        for nurse in (quiet, curious):
            nurse.say(seconds, status=is_running, rate=RATE if is_running else 0.0, volume=volume)
        for question in asked:
            curious.record.rows(at(seconds + question))
            curious.record.due_ms(at(seconds + question))

    assert quiet.record.rows(at(seconds)) == curious.record.rows(at(seconds))
    assert sum(dose.volume_ml for dose in quiet.record.all) <= volume
