"""What is wrong with doses, pumps and pressors, each at its boundary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streaming.therapy.drugs import Drug
from streaming.therapy.findings import (
    FAMILY_OF,
    FindingKind,
    InfusionFinding,
    InfusionLimits,
    dose_findings,
    doses_change_ms,
    is_pound_for_kilogram,
    pump_findings,
)
from tests.support.talking_pump import TalkingPump, at
from tests.unit.therapy.test_doses import BAG_ML, HOUR_S, IU_PER_ML, MINUTE_S, ORDER, RATE, WEIGHT_KG, Nurse

LIMITS = InfusionLimits()


def about_doses(nurse: Nurse, seconds: float, limits: InfusionLimits = LIMITS) -> list[InfusionFinding]:
    return dose_findings(nurse.record, at(seconds), limits)


def held(found: list[InfusionFinding]) -> list[tuple[str, str]]:
    return [(finding.kind.value, finding.subject) for finding in found if finding.holds]


def one(found: list[InfusionFinding], kind: FindingKind, subject: str | None = None) -> InfusionFinding:
    (finding,) = (each for each in found if each.kind is kind and subject in (None, each.subject))
    return finding


def test_every_kind_has_a_family() -> None:
    assert set(FAMILY_OF) == set(FindingKind)
    assert set(FAMILY_OF.values()) == {"dose", "pressor", "pump"}


def test_nothing_is_wrong_with_a_dose_as_ordered() -> None:
    nurse = Nurse()
    nurse.dose(0)
    nurse.dose(8 * HOUR_S)

    assert held(about_doses(nurse, 450)) == []
    assert held(about_doses(nurse, 8 * HOUR_S + 1000)) == []
    assert dose_findings(Nurse().record, at(0), LIMITS) == []


# --- dose -------------------------------------------------------------------------------------------------------------


def begun(nurse: Nurse, *, tbi: float = BAG_ML, rate: float = RATE) -> Nurse:
    nurse.program(-60, tbi=tbi)
    nurse.give(0, 0.0, rate=rate)
    return nurse


@pytest.mark.parametrize(
    ("tbi", "kind"),
    [(52.5, None), (52.51, FindingKind.WRONG_DOSE), (47.5, None), (47.49, FindingKind.SHORT_DOSE)],
)
def test_a_program_that_is_not_the_order_is_too_much_or_too_little_from_its_start(
    tbi: float, kind: FindingKind | None
) -> None:
    nurse = begun(Nurse(), tbi=tbi)
    found = about_doses(nurse, 10)

    for each in (FindingKind.WRONG_DOSE, FindingKind.SHORT_DOSE):
        finding = one(found, each)
        assert finding.holds is (kind is each)
        assert finding.since_ms == (at(0) if kind is each else at(10))
        assert finding.evidence["percent_programmed"] == pytest.approx(tbi * 2)


def test_too_much_is_a_wrong_dose_while_it_runs() -> None:
    nurse = begun(Nurse(None))
    nurse.record.take_order(ORDER)
    nurse = begun(Nurse())
    nurse.say(700, tbi=90.0, volume=40.0, remaining=50.0)
    assert not one(about_doses(nurse, 700), FindingKind.WRONG_DOSE).holds

    nurse.give(950, 52.6)

    finding = one(about_doses(nurse, 955), FindingKind.WRONG_DOSE)
    assert finding.holds
    assert finding.since_ms == at(950)
    assert finding.evidence["text"] == "dose 1: 105.2 % of the order given"


@pytest.mark.parametrize(("ml", "holds"), [(47.5, False), (47.4, True)])
def test_too_little_is_a_short_dose_when_it_has_not_gone_on(ml: float, holds: bool) -> None:
    nurse = begun(Nurse())
    nurse.give(800, ml)
    nurse.stop(810)
    assert not one(about_doses(nurse, 810 + 301), FindingKind.SHORT_DOSE).holds, "it may go on"
    assert at(810 + 900) in doses_change_ms(nurse.record, at(810 + 301), LIMITS)
    assert not one(about_doses(nurse, 810 + 899), FindingKind.SHORT_DOSE).holds

    finding = one(about_doses(nurse, 810 + 900), FindingKind.SHORT_DOSE)
    assert finding.holds is holds
    assert not holds or finding.since_ms == at(810)
    assert not one(about_doses(nurse, 810 + 900), FindingKind.WRONG_DOSE).holds


def test_a_dose_that_goes_on_is_no_short_one() -> None:
    nurse = begun(Nurse())
    nurse.give(300, 20.0)
    nurse.stop(310)
    nurse.give(1200, 20.0)
    nurse.give(1300, 25.0)

    assert not one(about_doses(nurse, 1310), FindingKind.SHORT_DOSE).holds


def test_a_program_that_ends_before_the_order_is_in_is_short_at_once() -> None:
    nurse = begun(Nurse())
    nurse.say(800, tbi=40.0, volume=40.0, remaining=0.0)

    finding = one(about_doses(nurse, 801), FindingKind.SHORT_DOSE)
    assert (finding.holds, finding.since_ms) == (True, at(800))
    assert finding.evidence["text"] == "dose 1: 80 % of the order given"


def test_a_dose_of_unknown_amount_is_not_called_wrong() -> None:
    nurse = Nurse(None)
    nurse.dose(0)

    assert not one(about_doses(nurse, 1000), FindingKind.WRONG_DOSE).holds
    assert not one(about_doses(nurse, 1000), FindingKind.SHORT_DOSE).holds


def test_a_finding_about_a_dose_is_told_for_an_hour_after_it() -> None:
    nurse = begun(Nurse())
    nurse.give(800, 40.0)
    nurse.stop(810)

    assert one(about_doses(nurse, 810 + HOUR_S), FindingKind.SHORT_DOSE).holds
    later = one(about_doses(nurse, 811 + HOUR_S), FindingKind.SHORT_DOSE)
    assert not later.holds
    assert later.since_ms == at(811 + HOUR_S)


# --- duration ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "holds"), [(12, False), (11.9, True), (20, False), (20.1, True)])
def test_a_program_outside_twelve_to_twenty_minutes_is_a_wrong_duration(minutes: float, holds: bool) -> None:
    nurse = begun(Nurse(), rate=BAG_ML / minutes * 60)

    finding = one(about_doses(nurse, 10), FindingKind.WRONG_DURATION)

    assert finding.holds is holds
    assert finding.evidence["minutes_programmed"] == minutes


def test_a_dose_that_runs_for_more_than_twenty_minutes_is_told_at_once() -> None:
    nurse = begun(Nurse())
    for minute in range(1, 22):
        nurse.give(minute * MINUTE_S, 2.0 * minute)

    assert not one(about_doses(nurse, 1200), FindingKind.WRONG_DURATION).holds
    finding = one(about_doses(nurse, 1201), FindingKind.WRONG_DURATION)
    assert finding.holds
    assert finding.since_ms == at(1200)
    assert finding.evidence["text"] == "dose 1: runs for 20 min, 12 to 20 expected"


@pytest.mark.parametrize(("seconds", "holds"), [(720, False), (700, True), (1200, False), (1210, True)])
def test_a_dose_given_in_less_than_twelve_or_more_than_twenty_minutes(seconds: int, holds: bool) -> None:
    nurse = begun(Nurse())
    nurse.give(300, 20.0)
    nurse.give(600, 40.0)
    nurse.give(seconds, 50.0)

    assert one(about_doses(nurse, seconds + 10), FindingKind.WRONG_DURATION).holds is holds


def test_a_dose_that_was_cut_short_is_no_wrong_duration() -> None:
    nurse = begun(Nurse())
    nurse.give(100, 5.0)
    nurse.stop(110)

    assert not one(about_doses(nurse, 1000), FindingKind.WRONG_DURATION).holds


# --- interval and number ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "holds"), [(7.5, False), (7.499, True)])
def test_a_start_less_than_seven_and_a_half_hours_after_the_last_is_too_early(hours: float, holds: bool) -> None:
    nurse = Nurse()
    nurse.dose(0)
    nurse.dose(round(hours * HOUR_S))

    finding = one(about_doses(nurse, hours * HOUR_S + 60), FindingKind.TOO_EARLY, "dose 2")
    assert finding.holds is holds
    assert not one(about_doses(nurse, hours * HOUR_S + 60), FindingKind.TOO_EARLY, "dose 1").holds


def test_one_dose_more_than_ordered_is_too_many() -> None:
    nurse = Nurse(replace(ORDER, max_doses=3))
    for n in range(3):
        nurse.dose(n * 8 * HOUR_S)
    assert not one(about_doses(nurse, 16 * HOUR_S), FindingKind.TOO_MANY, "dose 3").holds

    nurse.dose(24 * HOUR_S)

    finding = one(about_doses(nurse, 24 * HOUR_S), FindingKind.TOO_MANY, "dose 4")
    assert finding.holds
    assert finding.evidence["text"] == "dose 4 of at most 3 in the cycle, 4 of 28 in all"


def test_without_an_order_fourteen_doses_are_the_most() -> None:
    nurse = Nurse(None)
    for n in range(15):
        nurse.dose(n * 8 * HOUR_S)

    found = about_doses(nurse, 14 * 8 * HOUR_S)
    assert one(found, FindingKind.TOO_MANY, "dose 15").holds
    assert not one(found, FindingKind.TOO_MANY, "dose 14").holds


def test_the_twenty_ninth_dose_of_a_course_is_too_many_in_whichever_cycle() -> None:
    nurse = Nurse(replace(ORDER, max_doses=20))
    for n in range(15):
        nurse.dose(n * 8 * HOUR_S)
    later_s = 14 * 24 * HOUR_S
    nurse.record.take_order(replace(ORDER, max_doses=20, cycle=2, first_dose_ms=at(later_s)))
    for n in range(14):
        nurse.dose(later_s + n * 8 * HOUR_S)

    found = about_doses(nurse, later_s + 13 * 8 * HOUR_S)
    assert one(found, FindingKind.TOO_MANY, "dose 14").holds
    assert not one(found, FindingKind.TOO_MANY, "dose 13").holds


# --- interruptions ----------------------------------------------------------------------------------------------------


def test_more_than_five_minutes_of_standing_still_is_an_interruption() -> None:
    nurse = begun(Nurse())
    nurse.give(300, 16.0)
    nurse.stop(310)
    nurse.give(460, 16.0)
    nurse.give(500, 18.0)
    nurse.stop(510)
    nurse.stop(640)

    assert not one(about_doses(nurse, 660), FindingKind.INTERRUPTED).holds
    finding = one(about_doses(nurse, 661), FindingKind.INTERRUPTED)
    assert finding.holds
    assert finding.since_ms == at(660)
    assert finding.evidence["paused_s"] == 301.0
    assert doses_change_ms(nurse.record, at(600), LIMITS)[-1] == at(660) + 1


def test_standing_still_after_the_dose_is_in_is_no_interruption() -> None:
    nurse = Nurse()
    nurse.dose(0)

    assert not one(about_doses(nurse, 3000), FindingKind.INTERRUPTED).holds


def test_reprogramming_in_the_middle_of_a_dose_is_told() -> None:
    nurse = begun(Nurse())
    nurse.give(300, 16.0)
    assert not one(about_doses(nurse, 305), FindingKind.REPROGRAMMED).holds
    nurse.program(310, tbi=34.0)

    finding = one(about_doses(nurse, 400), FindingKind.REPROGRAMMED)
    assert (finding.holds, finding.since_ms) == (True, at(310))


def test_time_alone_changes_findings_at_twenty_minutes_five_of_a_stop_and_an_hour_after_the_end() -> None:
    nurse = begun(Nurse())
    assert doses_change_ms(nurse.record, at(0), LIMITS) == [at(1200) + 1]
    nurse.stop(100)
    assert doses_change_ms(nurse.record, at(150), LIMITS) == [at(1200) + 1, at(400) + 1]
    nurse.give(200, 6.0)
    assert doses_change_ms(nurse.record, at(210), LIMITS) == [at(1200) + 1]
    nurse.give(800, 50.0)
    assert doses_change_ms(nurse.record, at(1000), LIMITS) == [at(800 + 900), at(800 + HOUR_S) + 1]


# --- pumps ------------------------------------------------------------------------------------------------------------


def pump(name: str = "pump1", **said: Any) -> TalkingPump:
    program: dict[str, Any] = {"label": "Proleukin", "conc": 0.05, "status": False}
    talking = TalkingPump(name)
    talking.say(0, **(program | said))
    return talking


def about_pumps(*talking: TalkingPump, seconds: float = 0) -> list[InfusionFinding]:
    return pump_findings([each.pump for each in talking], WEIGHT_KG, at(seconds), LIMITS)


@pytest.mark.parametrize(
    ("weight_kg", "holds", "is_pound"),
    [
        (88.0, False, False),
        (88.1, True, False),
        (72.0, False, False),
        (71.9, True, False),
        (176.4, True, True),
        (36.3, True, True),
    ],
)
def test_a_programmed_weight_is_compared_with_the_dosing_weight(weight_kg: float, holds: bool, is_pound: bool) -> None:
    finding = one(about_pumps(pump(weight=weight_kg)), FindingKind.WEIGHT_MISMATCH)

    assert finding.holds is holds
    assert finding.evidence["is_pound_for_kilogram"] is is_pound
    assert ("lb" in finding.evidence["text"]) is is_pound


def test_weights_of_pressors_are_compared_too_and_of_fluids_not() -> None:
    found = about_pumps(pump("pump1", label="Levophed", weight=120.0), pump("pump2", label="D5W", weight=120.0))

    assert held(found) == [("weight_mismatch", "pump1")]
    assert about_pumps(pump(label="D5W", weight=120.0)) == []


def test_pounds_are_known_by_the_ratio() -> None:
    assert is_pound_for_kilogram(2.205)
    assert is_pound_for_kilogram(0.4535)
    assert not is_pound_for_kilogram(1.9)
    assert not is_pound_for_kilogram(1.0)


@pytest.mark.parametrize(
    ("conc", "holds"),
    [
        (0.03, False),
        (0.0299, True),
        (0.07, False),
        (0.0701, True),
        ((IU_PER_ML, "[IU]/mL"), False),
        ((2e6, "[IU]/mL"), True),
    ],
)
def test_a_concentration_outside_the_window_is_told(conc: Any, holds: bool) -> None:
    assert one(about_pumps(pump(conc=conc)), FindingKind.CONCENTRATION).holds is holds


def test_a_concentration_that_nobody_told_is_not_called_wrong() -> None:
    talking = TalkingPump()
    talking.say(0, label="Proleukin")
    finding = one(about_pumps(talking), FindingKind.CONCENTRATION)

    assert not finding.holds
    assert "not told" in finding.evidence["text"]


def test_the_window_of_concentrations_is_a_sites_own() -> None:
    site = InfusionLimits(concentration_high_mg_ml=0.15)
    found = pump_findings([pump(conc=0.12).pump], WEIGHT_KG, at(0), site)

    assert not one(found, FindingKind.CONCENTRATION).holds


def test_two_pumps_that_infuse_the_drug_at_once_are_two_channels() -> None:
    one_pump, other = pump("pump1", status=True, rate=RATE), pump("pump2", status=True, rate=RATE)
    finding = one(about_pumps(one_pump, other), FindingKind.TWO_CHANNELS)

    assert finding.holds
    assert (finding.subject, finding.evidence["pumps"]) == (Drug.ALDESLEUKIN, ["pump1", "pump2"])
    assert not one(about_pumps(one_pump, pump("pump2")), FindingKind.TWO_CHANNELS).holds


def test_two_channels_run_at_once_since_the_second_began() -> None:
    first, second = pump("pump1", status=True, rate=RATE), pump("pump2", rate=RATE)
    second.say(30, status=True)
    for seconds in (40, 50):
        first.say(seconds, rate=RATE)
        second.say(seconds, rate=RATE)

    assert one(about_pumps(first, second, seconds=60), FindingKind.TWO_CHANNELS).since_ms == at(30)


def test_what_a_silent_pump_said_leaves_the_question_open() -> None:
    found = about_pumps(pump(weight=176.0, conc=0.5), seconds=121)

    assert {each.kind for each in found} >= {FindingKind.WEIGHT_MISMATCH, FindingKind.CONCENTRATION}
    assert not any(each.holds or each.is_known for each in found)
    assert about_pumps(pump(weight=176.0, conc=0.5), seconds=24 * 3600 + 1) == []
    (of_pressor,) = about_pumps(pump(label="Levophed", weight=176.0), seconds=121)
    assert (of_pressor.kind, of_pressor.is_known) == (FindingKind.WEIGHT_MISMATCH, False)
