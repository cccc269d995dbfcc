"""Hypotension at its boundaries: limits, delays, cuffs, doubt, artefacts, and a patient's own limits."""

from __future__ import annotations

import pytest

from streaming.observation import MetricReading
from tests.support.bedside import (
    ABP_DIA,
    ABP_MAP,
    ABP_SYS,
    CUFF_MAP,
    T0_MS,
    Bedside,
    cuff,
    line,
    questionable,
)

MAP_65, MAP_60, MAP_50 = "hypotension.map_below_65", "hypotension.map_below_60", "hypotension.map_below_50"
SBP_90, SBP_80 = "hypotension.sbp_below_90", "hypotension.sbp_below_80"


# --- the limit and the delay ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "lasts_s", "starts"),
    [
        (65.0, 600, []),
        (64.9, 119, []),
        (64.9, 120, [130.0]),
        (64.9, 121, [130.0]),
        (64.9, 600, [130.0]),
    ],
)
def test_map_below_65_is_told_after_two_minutes_and_not_before(mean: float, lasts_s: int, starts: list[float]) -> None:
    bedside = Bedside()
    bedside.every_second(range(10), line(80))
    bedside.every_second(range(10, 10 + lasts_s), line(mean))
    bedside.every_second(range(10 + lasts_s, 700), line(80))

    assert bedside.starts(MAP_65) == starts


@pytest.mark.parametrize(
    ("rule_id", "mean", "after_s"),
    [(MAP_60, 59.9, 60), (MAP_60, 60.0, None), (MAP_50, 49.9, 1), (MAP_50, 50.0, None)],
)
def test_lower_limits_are_told_sooner(rule_id: str, mean: float, after_s: int | None) -> None:
    bedside = Bedside()
    bedside.every_second(range(10), line(80))
    bedside.every_second(range(10, 300), line(mean))

    assert bedside.starts(rule_id) == ([] if after_s is None else [10.0 + after_s])


@pytest.mark.parametrize(
    ("rule_id", "systolic", "after_s"),
    [(SBP_90, 89.9, 120), (SBP_90, 90.0, None), (SBP_80, 79.9, 60), (SBP_80, 80.0, None)],
)
def test_systolic_limits(rule_id: str, systolic: float, after_s: int | None) -> None:
    bedside = Bedside()
    bedside.every_second(range(300), {ABP_SYS: systolic, ABP_DIA: systolic - 20, ABP_MAP: systolic - 12})

    assert bedside.starts(rule_id) == ([] if after_s is None else [float(after_s)])


@pytest.mark.parametrize(
    ("mean", "lasts_s", "ends"), [(67.9, 300, []), (68.0, 30, []), (68.0, 31, [330.0]), (68.0, 300, [330.0])]
)
def test_the_alarm_ends_when_the_reset_limit_was_kept_for_half_a_minute(
    mean: float, lasts_s: int, ends: list[float]
) -> None:
    bedside = Bedside()
    bedside.every_second(range(300), line(62))
    bedside.every_second(range(300, 300 + lasts_s), line(mean))
    bedside.every_second(range(300 + lasts_s, 700), line(67))

    assert [change.at_s for change in bedside.changes(MAP_65) if change.phase == "end"] == ends


def test_the_alarm_says_when_it_began_what_was_worst_and_what_would_clear_it() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), line(80))
    bedside.every_second(range(10, 100), line(61))
    bedside.every_second(range(100, 140), line(63))

    evidence = bedside.alarm(MAP_65).evidence
    assert evidence["text"] == "MAP 61 < 65, now 63"
    assert evidence["since"] == "2026-09-21T14:13:30.000Z"
    assert (evidence["limit"], evidence["reset_limit"], evidence["unit"]) == (65.0, 68.0, "mm[Hg]")
    assert (evidence["readings"], evidence["readings_beyond"]) == (120, 120)
    assert evidence["clears_when"] == "MAP at or above 68 mm[Hg] for 30 s"
    assert (evidence["source"], evidence["device"], evidence["validity"]) == (ABP_MAP, "mon1", "valid")
    assert evidence["profile"]["id"] == "alarms-il2"


def test_the_worst_value_is_that_of_this_alarm_and_not_of_the_one_before() -> None:
    bedside = Bedside()
    bedside.every_second(range(150), line(52))
    bedside.every_second(range(150, 200), line(80))
    bedside.every_second(range(200, 330), line(64))

    assert bedside.starts(MAP_65) == [120.0, 320.0]
    assert bedside.alarm(MAP_65).evidence["worst"] == 64.0


# --- a patient's own limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "mean", "expected"),
    [
        ({"map_alarm": 70.0}, 69.9, {MAP_65}),
        ({"map_alarm": 70.0}, 70.0, set()),
        ({"map_alarm": 55.0}, 56.0, set()),
        ({"map_alarm": 55.0}, 54.9, {MAP_65, MAP_60}),
        ({"map_alarm": 55.0}, 49.0, {MAP_65, MAP_60, MAP_50}),
        ({"sbp_alarm": 115.0}, 69.0, {SBP_90}),
        ({"sbp_alarm": 114.0}, 69.0, set()),
        ({}, 69.0, set()),
    ],
)
def test_a_patients_own_limit_holds_instead(limits: dict[str, float], mean: float, expected: set[str]) -> None:
    bedside = Bedside(limits=limits)
    bedside.every_second(range(200), line(mean))

    assert {change.rule_id for change in bedside.changes("hypotension")} == expected


def test_limits_of_one_patient_are_not_those_of_the_next() -> None:
    bedside = Bedside(limits={"map_alarm": 80.0})
    bedside.every_second(range(130), line(75))
    assert bedside.starts(MAP_65) == [120.0]
    bedside.discharge(130)

    bedside.admit(131, admission_id="adm-2")
    bedside.every_second(range(132, 400), line(75))

    assert bedside.starts(MAP_65) == [120.0]


# --- cuffs ------------------------------------------------------------------------------------------------------------


def test_one_cuff_reading_is_no_alarm_however_low() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(45, at_s=-5))
    bedside.tick(1700)

    assert bedside.changes("hypotension") == []


def test_two_cuff_readings_that_agree_are_an_alarm_with_the_onset_of_the_first() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(60, at_s=0))
    bedside.obs(300, cuff(61, at_s=300))

    assert bedside.starts(MAP_65) == [300.0]
    assert bedside.alarm(MAP_65).onset_at_ms == T0_MS
    assert bedside.alarm(MAP_65).evidence["since"] == "2026-09-21T14:13:20.000Z"


def test_a_confirmation_within_the_two_minutes_is_told_when_they_are_over() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(60, at_s=0))
    bedside.obs(60, cuff(61, at_s=60))
    assert bedside.changes(MAP_65) == []

    bedside.tick(130)

    assert bedside.starts(MAP_65) == [120.0]


def test_the_same_cuff_reading_sent_each_second_is_one() -> None:
    bedside = Bedside()
    bedside.every_second(range(1200), cuff(55, at_s=0))

    assert bedside.changes("hypotension") == []
    bedside.obs(1200, cuff(55, at_s=1200))
    assert bedside.starts(MAP_65) == [1200.0]


def test_a_confirming_cuff_reading_between_the_limits_refutes() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(60, at_s=0))
    bedside.obs(300, cuff(66, at_s=300))
    bedside.obs(600, cuff(60, at_s=600))

    assert bedside.changes(MAP_65) == []


def test_one_cuff_reading_within_the_reset_limit_ends_the_alarm() -> None:
    bedside = Bedside()
    for at_s, mean in ((0, 60), (300, 60), (600, 67), (900, 68)):
        bedside.obs(at_s, cuff(mean, at_s=at_s))

    assert [(change.at_s, change.phase) for change in bedside.changes(MAP_65)] == [(300.0, "start"), (900.0, "end")]


def test_the_cuff_reading_of_ten_minutes_ago_does_not_clear_what_the_line_raised() -> None:
    bedside = Bedside()
    bedside.every_second(range(100), line(85))
    bedside.obs(100, cuff(85, at_s=100))
    bedside.every_second(range(101, 600), line(62))
    assert bedside.starts(MAP_65) == [221.0]

    bedside.tick(700)  # the line has gone, the cuff is still fresh

    assert bedside.speaker("map") == (CUFF_MAP, 85)
    assert bedside.alarm(MAP_65).condition == "present"
    bedside.obs(720, cuff(84, at_s=719))
    assert bedside.active(MAP_65) == []


# --- doubt ------------------------------------------------------------------------------------------------------------


def doubtful(mean: float) -> dict[str, MetricReading]:
    return {ABP_SYS: questionable(mean + 30), ABP_DIA: questionable(mean - 15), ABP_MAP: questionable(mean)}


def test_doubtful_values_may_raise_an_alarm() -> None:
    bedside = Bedside()
    bedside.every_second(range(200), doubtful(60))

    assert bedside.starts(MAP_65) == [120.0]
    assert bedside.alarm(MAP_65).evidence["validity"] == "questionable"


def test_doubtful_values_never_clear_one() -> None:
    bedside = Bedside()
    bedside.every_second(range(200), line(62))
    bedside.every_second(range(200, 900), doubtful(90))

    assert [change.phase for change in bedside.changes(MAP_65)] == ["start"]


def test_doubtful_values_do_not_interrupt_what_others_clear() -> None:
    bedside = Bedside()
    bedside.every_second(range(200), line(62))
    bedside.every_second(range(200, 240), lambda at_s: line(80) if at_s % 2 == 0 else doubtful(80))

    assert [(change.at_s, change.phase) for change in bedside.changes(MAP_65)] == [(120.0, "start"), (230.0, "end")]


def test_doubtful_normal_values_do_not_end_not_knowing() -> None:
    bedside = Bedside()
    bedside.every_second(range(200), line(62))
    bedside.every_second(range(260, 300), doubtful(80))

    assert bedside.alarm(MAP_65).condition == "indeterminate"


def test_doubtful_normal_values_confirm_nothing_that_is_pending() -> None:
    bedside = Bedside()
    bedside.every_second(range(2), line(60))
    bedside.every_second(range(2, 300), doubtful(80))

    assert bedside.changes(MAP_65) == []


def test_a_doubtful_series_that_mostly_is_normal_raises_nothing() -> None:
    bedside = Bedside()
    bedside.every_second(range(900), lambda at_s: doubtful(60 if at_s % 3 == 0 else 80))

    assert bedside.changes(MAP_65) == []


# --- artefacts --------------------------------------------------------------------------------------------------------

FLUSH = {ABP_SYS: 300, ABP_DIA: 280, ABP_MAP: 290}
DAMPED_LOW = {ABP_SYS: 55, ABP_DIA: 50, ABP_MAP: 52}


def test_an_artefact_raises_nothing_but_becomes_a_technical_alarm_when_it_lasts() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), line(80))
    bedside.every_second(range(10, 200), DAMPED_LOW)

    assert bedside.changes("hypotension") == []
    assert bedside.starts("implausible") == [70.0] * 3
    assert bedside.active("implausible")[0].evidence["artefact"] == "pulse_pressure_too_small"
    assert bedside.starts("signal_stale") == [99.0], "30 s after the last believable value, and a minute"


def test_an_artefact_clears_nothing() -> None:
    bedside = Bedside()
    bedside.every_second(range(200), line(62))
    bedside.every_second(range(200, 229), FLUSH)
    assert [change.phase for change in bedside.changes(MAP_65)] == ["start"]

    bedside.every_second(range(229, 260), FLUSH)

    assert [(change.phase, change.condition) for change in bedside.changes(MAP_65)] == [
        ("start", "present"),
        ("update", "indeterminate"),
    ]


def test_an_artefact_in_between_does_not_restart_the_delay() -> None:
    bedside = Bedside()
    bedside.every_second(range(60), line(62))
    bedside.every_second(range(60, 80), FLUSH)
    bedside.every_second(range(80, 130), line(62))

    assert bedside.starts(MAP_65) == [120.0]


def test_one_impossible_pressure_takes_the_other_two_with_it() -> None:
    bedside = Bedside()
    bedside.every_second(range(200), line(60) | {ABP_SYS: 320})

    assert bedside.changes("hypotension") == []
    assert bedside.speaker("map") is None
    assert {alarm.evidence["artefact"] for alarm in bedside.active("implausible")} == {
        None,
        "other_pressure_not_believed",
    }


def test_a_device_that_has_no_systolic_may_still_report_the_mean() -> None:
    bedside = Bedside()
    bedside.every_second(range(200), line(60) | {ABP_SYS: None})

    assert bedside.starts(MAP_65) == [120.0]


def test_a_bed_without_a_patient_alarms_nobody() -> None:
    bedside = Bedside(admitted=False)
    bedside.every_second(range(300), line(45))

    assert bedside.transitions == []
    assert bedside.speaker("map") == (ABP_MAP, 45)
