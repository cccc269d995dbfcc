"""Technical conditions: what reports, or should, and cannot be relied upon."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.bed import Bed
from streaming.observation import MetricReading, Validity
from tests.support.bedside import (
    ABP_MAP,
    BED,
    HR,
    IL2,
    OTHER_BED,
    SPO2,
    Bedside,
    Change,
    cuff,
    line,
)

OFFLINE, STALE, SKEW, GAP = "device_offline", "signal_stale", "clock_skew", "sequence_gap"
IMPLAUSIBLE, BROKER = "implausible", "system.broker_lost"
PUMP_RATE = "MDC_FLOW_FLUID_PUMP_CURRENT"


def told(bedside: Bedside, rule_id: str) -> list[tuple[float, str]]:
    """When, and which phase."""
    return [(change.at_s, change.phase) for change in bedside.changes(rule_id)]


# --- device offline ---------------------------------------------------------------------------------------------------


def test_a_device_that_says_it_goes_is_told_after_ten_seconds() -> None:
    bedside = Bedside()
    bedside.status(0, "online")
    bedside.every_second(range(1, 10), {HR: 70})
    bedside.status(10, "offline")
    bedside.tick(19.999)
    assert bedside.changes(OFFLINE) == []

    bedside.tick(60)

    assert bedside.changes(OFFLINE) == [Change(20.0, OFFLINE, "start", "present", "on")]
    evidence = bedside.alarm(OFFLINE).evidence
    assert evidence["text"] == "mon1 says it is offline"
    assert evidence["last_received_at"] == "2026-09-21T14:13:29.000Z"
    assert evidence["device_kind"] == "monitor"


def test_a_device_that_is_back_in_time_is_not_told() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), {HR: 70})
    bedside.status(10, "offline")
    bedside.status(19, "online")
    bedside.obs(20, {HR: 70})
    bedside.tick(35)

    assert bedside.changes(OFFLINE) == []


def test_a_will_that_crosses_with_data_is_no_absence() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), {HR: 70})
    bedside.status(10, "offline")
    bedside.every_second(range(10, 60), {HR: 70})

    assert bedside.changes(OFFLINE) == []
    assert bedside.ward.beds[BED].devices["mon1"].state == "online"


def test_data_end_the_alarm_at_once_though_no_status_says_so() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70})
    bedside.status(10, "offline")
    bedside.obs(60, {HR: 70})

    assert told(bedside, OFFLINE) == [(20.0, "start"), (60.0, "end")]


@pytest.mark.parametrize(("kind", "after_s"), [("monitor", 20), ("pump", 120), ("ventilator", 60), ("scale", None)])
def test_silence_is_told_by_kind_of_device(kind: str, after_s: int | None) -> None:
    bedside = Bedside()
    bedside.status(0, "online", kind=kind)
    bedside.obs(1, {PUMP_RATE: 5})
    bedside.tick(3600)

    assert bedside.starts(OFFLINE) == ([] if after_s is None else [1.0 + after_s])
    if after_s is not None:
        assert bedside.alarm(OFFLINE).evidence["text"] == "mon1 silent"


def test_silence_of_a_device_that_never_measured_is_not_told() -> None:
    bedside = Bedside()
    bedside.status(0, "online")
    bedside.tick(3600)

    assert bedside.changes(OFFLINE) == []


def test_a_device_that_speaks_just_in_time_is_not_silent() -> None:
    bedside = Bedside()
    bedside.status(0, "online")
    for at_s in range(0, 400, 19):
        bedside.obs(at_s, {HR: 70})

    assert bedside.changes(OFFLINE) == []


def test_a_duplicate_is_no_sign_of_life() -> None:
    bedside = Bedside()
    bedside.status(0, "online")
    bedside.obs(0, {HR: 70}, seq=0)
    for at_s in range(1, 40):
        bedside.obs(at_s, {HR: 70}, seq=0)

    assert bedside.starts(OFFLINE) == [20.0]


def test_silence_and_return_of_a_silent_device() -> None:
    bedside = Bedside()
    bedside.status(0, "online")
    for at_s in (0, 100, 101, 102, 200):
        bedside.obs(at_s, {HR: 70})

    assert told(bedside, OFFLINE) == [(20.0, "start"), (100.0, "end"), (122.0, "start"), (200.0, "end")]


def test_a_device_that_left_with_somebody_else_is_not_missed_by_the_next_patient() -> None:
    bedside = Bedside(admitted=False)
    bedside.status(0, "online", device="pump9", kind="pump")
    bedside.obs(1, {PUMP_RATE: 5}, device="pump9")
    bedside.status(2, "offline", device="vent2", kind="ventilator")
    bedside.admit(86_400)
    bedside.tick(90_000)
    assert bedside.changes(OFFLINE) == []

    bedside.obs(90_001, {PUMP_RATE: 5}, device="pump9")
    bedside.tick(90_200)

    assert bedside.starts(OFFLINE) == [90_121.0], "once it has been heard, it is this patient's"


def test_the_monitor_of_the_bed_is_missed_when_a_patient_comes() -> None:
    bedside = Bedside(admitted=False)
    bedside.status(0, "online")
    bedside.obs(1, {HR: 70})
    bedside.status(10, "offline")
    bedside.admit(3600)

    assert bedside.starts(OFFLINE) == [3600.0]


def test_a_monitor_of_long_ago_is_not() -> None:
    bedside = Bedside(admitted=False)
    bedside.status(0, "online")
    bedside.obs(1, {HR: 70})
    bedside.admit(25 * 3600)
    bedside.tick(26 * 3600)

    assert bedside.changes(OFFLINE) == []


def test_an_old_will_of_a_device_nobody_has_heard_is_no_alarm() -> None:
    bedside = Bedside()
    bedside.status(5, "offline", device="ghost")
    bedside.tick(100)

    assert bedside.changes(OFFLINE) == []


def test_a_device_that_came_and_went_during_the_stay_is_missed() -> None:
    bedside = Bedside()
    bedside.status(0, "online", device="mon9")
    bedside.status(1, "offline", device="mon9")
    bedside.tick(60)

    assert bedside.starts(OFFLINE) == [11.0]


# --- no current value -------------------------------------------------------------------------------------------------


def test_a_signal_that_was_reported_and_is_no_longer_is_told() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), {HR: 70, SPO2: 97})
    bedside.every_second(range(10, 200), {SPO2: 97})

    assert told(bedside, STALE) == [(99.0, "start")]  # 30 s after the last value, and a minute
    alarm = bedside.alarm(STALE)
    assert alarm.evidence["text"] == "HR: no current value"
    assert alarm.evidence["since"] == "2026-09-21T14:13:59.000Z"


def test_a_signal_that_is_back_ends_it_after_five_seconds() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), {HR: 70, SPO2: 97})
    bedside.every_second(range(10, 200), {SPO2: 97})
    bedside.every_second(range(200, 210), {HR: 70, SPO2: 97})

    assert told(bedside, STALE) == [(99.0, "start"), (205.0, "end")]


def test_a_signal_that_comes_and_goes_within_five_seconds_never_was_back() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), {HR: 70, SPO2: 97})
    bedside.every_second(range(10, 200), {SPO2: 97})
    bedside.obs(200, {HR: 70}, device_s=172)  # two seconds of freshness left
    bedside.every_second(range(201, 300), {SPO2: 97})

    assert told(bedside, STALE) == [(99.0, "start")]


def test_a_signal_never_reported_is_not_missed() -> None:
    bedside = Bedside()
    bedside.every_second(range(300), {SPO2: 97})

    assert bedside.changes(STALE) == []


def test_another_source_is_as_good() -> None:
    bedside = Bedside()
    bedside.obs(0, line(80) | cuff(82, at_s=0))
    bedside.tick(1000)

    assert bedside.starts(STALE) == []
    bedside.tick(2000)
    assert bedside.starts(STALE) == [1860.0]


def test_a_patient_who_moves_is_watched_for_what_was_reported_before() -> None:
    bedside = Bedside()
    bedside.every_second(range(10), {HR: 70, SPO2: 97})
    bedside.transfer(10)
    bedside.obs(11, {SPO2: 97}, bed=OTHER_BED)
    bedside.tick(90)

    assert [(alarm.evidence["signal"], alarm.bed) for alarm in bedside.active(STALE)] == [("hr", OTHER_BED)]
    assert bedside.starts(STALE) == [70.0]


def test_a_patients_alarm_is_indeterminate_in_a_bed_that_does_not_report() -> None:
    bedside = Bedside()
    bedside.every_second(range(130), line(62))
    bedside.transfer(130)

    assert bedside.alarm("hypotension").condition == "indeterminate"
    assert bedside.alarm("hypotension").evidence["text"] == "MAP unknown, was 62 < 65"
    for at_s in range(140, 180):
        bedside.obs(at_s, line(80), bed=OTHER_BED)
    assert bedside.active("hypotension") == []


# --- clock skew -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset_s", "is_told"), [(5.0, False), (5.1, True), (-5.1, True), (-3600, True)])
def test_a_clock_that_is_off_by_more_than_five_seconds_is_told_after_half_a_minute(
    offset_s: float, is_told: bool
) -> None:
    bedside = Bedside()
    for at_s in range(60):
        bedside.obs(at_s, {HR: 70}, device_s=at_s - offset_s)

    assert bedside.starts(SKEW) == ([30.0] if is_told else [])
    if is_told:
        way = "slow" if offset_s > 0 else "fast"
        assert bedside.alarm(SKEW).evidence["text"] == f"mon1: clock {abs(offset_s):g} s {way}"


@pytest.mark.parametrize(("offset_s", "ends"), [(4.5, []), (4.0, [(250.0, "end")]), (3.0, [(250.0, "end")])])
def test_it_ends_when_the_clock_is_right_within_four_seconds(offset_s: float, ends: list[tuple[float, str]]) -> None:
    bedside = Bedside()
    for at_s in range(220):
        bedside.obs(at_s, {HR: 70}, device_s=at_s - 8)
    for at_s in range(220, 300):
        bedside.obs(at_s, {HR: 70}, device_s=at_s - offset_s)

    assert told(bedside, SKEW) == [(30.0, "start"), *ends]


def test_it_ends_after_a_stay_between_the_two_limits() -> None:
    bedside = Bedside()
    for at_s in range(300):
        offset_s = 8 if at_s < 100 else 4.5 if at_s < 200 else 3
        bedside.obs(at_s, {HR: 70}, device_s=at_s - offset_s)

    assert told(bedside, SKEW) == [(30.0, "start"), (230.0, "end")]


def test_a_message_that_waited_is_no_skew() -> None:
    bedside = Bedside()
    bedside.every_second(range(60), {HR: 70})
    for place in range(60):
        bedside.obs(120 + place / 100, {HR: 70}, device_s=60 + place)

    assert bedside.changes(SKEW) == []


# --- implausible ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [301, MetricReading(value=70, validity=Validity.INVALID)])
def test_values_that_cannot_be_true_are_told_after_a_minute(bad: float | MetricReading) -> None:
    bedside = Bedside()
    bedside.every_second(range(10), {HR: 70})
    bedside.every_second(range(10, 100), {HR: bad})

    assert told(bedside, IMPLAUSIBLE) == [(70.0, "start")]
    assert bedside.alarm(IMPLAUSIBLE).evidence["text"] == f"mon1: {HR} not believable"


def test_it_ends_ten_seconds_after_a_believable_value() -> None:
    bedside = Bedside()
    bedside.every_second(range(100), {HR: 301})
    bedside.every_second(range(100, 120), {HR: 70})

    assert told(bedside, IMPLAUSIBLE) == [(60.0, "start"), (110.0, "end")]


@pytest.mark.parametrize("between", [70, None, MetricReading(value=70, validity=Validity.CALIBRATING)])
def test_it_is_not_told_when_something_else_came_between(between: float | MetricReading | None) -> None:
    bedside = Bedside()
    bedside.every_second(range(300), lambda at_s: {HR: between if at_s % 50 == 49 else 301})

    assert bedside.changes(IMPLAUSIBLE) == []


def test_a_metric_that_feeds_no_signal_may_be_as_implausible_as_it_likes() -> None:
    bedside = Bedside()
    bedside.every_second(range(300), {"MDC_ECG_V_P_C_RATE": 9999, "ACME_FOO": -1e9})

    assert bedside.changes(IMPLAUSIBLE) == []


def test_an_artefact_names_what_it_looks_like() -> None:
    bedside = Bedside()
    bedside.every_second(range(100), {ABP_MAP: 90, "MDC_PRESS_BLD_ART_ABP_SYS": 90, "MDC_PRESS_BLD_ART_ABP_DIA": 90})

    assert {alarm.evidence["text"] for alarm in bedside.active(IMPLAUSIBLE)} == {
        f"mon1: MDC_PRESS_BLD_ART_ABP_{part} not believable (no pulse)" for part in ("SYS", "DIA", "MEAN")
    }


# --- numbering --------------------------------------------------------------------------------------------------------


def numbered(bedside: Bedside, *pairs: tuple[float, int]) -> None:
    for at_s, seq in pairs:
        bedside.obs(at_s, {HR: 70}, seq=seq)


def test_a_gap_that_does_not_fill_is_told_and_ends_a_minute_after() -> None:
    bedside = Bedside()
    numbered(bedside, *((at_s, at_s if at_s < 10 else at_s + 3) for at_s in range(120)))

    assert told(bedside, GAP) == [(20.0, "start"), (80.0, "end")]
    start = next(each for each in bedside.transitions if each.alarm.rule_id == GAP)
    assert start.alarm.evidence["text"] == "mon1: 3 messages lost"
    assert (start.alarm.evidence["lost"], start.alarm.evidence["lost_in_all"]) == (3, 3)


def test_a_gap_that_fills_is_not_told() -> None:
    bedside = Bedside()
    numbered(bedside, (0, 0), (1, 1), (2, 4), (9, 3), (11, 2), (12, 5))
    bedside.tick(60)

    assert bedside.changes(GAP) == []


def test_a_gap_that_fills_in_part_is_told_for_the_rest() -> None:
    bedside = Bedside()
    numbered(bedside, (0, 0), (1, 4), (5, 3))
    bedside.tick(15)

    assert bedside.starts(GAP) == [11.0]
    assert bedside.alarm(GAP).evidence["lost"] == 2


def test_a_further_loss_while_it_is_told_prolongs_it() -> None:
    bedside = Bedside()
    numbered(bedside, (0, 0), (1, 2), (31, 3), (32, 5), (33, 6))
    bedside.tick(200)

    assert told(bedside, GAP) == [(11.0, "start"), (92.0, "end")]


def test_a_loss_that_was_made_good_hides_no_later_one() -> None:
    bedside = Bedside()
    numbered(bedside, (0, 0), (1, 3))
    bedside.tick(100)
    assert told(bedside, GAP) == [(11.0, "start"), (71.0, "end")]

    numbered(bedside, (101, 1), (102, 2), (103, 4), (104, 6))
    bedside.tick(120)

    assert bedside.starts(GAP) == [11.0, 114.0]
    assert bedside.alarm(GAP).evidence["lost"] == 1


def test_losses_before_the_patient_came_are_not_theirs() -> None:
    bedside = Bedside(admitted=False)
    numbered(bedside, (0, 0), (1, 9))
    bedside.admit(2)
    numbered(bedside, (3, 10), (4, 12))
    bedside.tick(30)

    assert bedside.starts(GAP) == [14.0]
    assert bedside.alarm(GAP).evidence["lost"] == 1


def test_a_new_boot_is_no_gap() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70}, boot="one", seq=500)
    bedside.obs(1, {HR: 70}, boot="two", seq=0)
    bedside.tick(60)

    assert bedside.changes(GAP) == []


def test_events_and_observations_share_their_numbers() -> None:
    bedside = Bedside()
    numbered(bedside, (0, 0))
    bedside.event(1, "MDC_EVT_DOOR_POSN_ERR", seq=1)
    numbered(bedside, (2, 2))
    bedside.tick(60)
    assert bedside.changes(GAP) == []

    bedside.event(61, "MDC_EVT_DOOR_POSN_ERR", seq=4)
    bedside.event(62, "MDC_EVT_DOOR_POSN_ERR", seq=4)
    bedside.tick(75)

    assert bedside.starts(GAP) == [71.0]
    assert (bedside.ward.evaluated, bedside.ward.duplicate) == (4, 1)


def test_a_profile_without_equipment_rules_watches_patients_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside(profile=replace(IL2, equipment_rules=()))
    bedside.link(0, is_up=False)
    bedside.status(0, "online")
    for at_s in range(130):
        bedside.obs(at_s, line(62) | {HR: 301}, seq=2 * at_s, device_s=at_s - 60)
    bedside.obs(130, cuff(90, at_s=70), seq=1000, device_s=70)
    bedside.status(131, "offline")
    with monkeypatch.context() as patch:
        patch.setattr(Bed, "take_event", lambda *_: 1 / 0)
        bedside.event(132, "MDC_EVT_DOOR_POSN_ERR")
    bedside.tick(200)

    assert {change.rule_id for change in bedside.changes()} == {"hypotension.map_below_65"}
    assert [change.phase for change in bedside.changes()] == ["start", "end"], "by the cuff, when the line had gone"


# --- broker -----------------------------------------------------------------------------------------------------------


def test_a_lost_broker_is_told_once_for_the_unit_after_two_seconds() -> None:
    bedside = Bedside()
    bedside.admit(0, bed=OTHER_BED, admission_id="adm-2")
    bedside.link(10, is_up=False)
    bedside.tick(20)
    (alarm,) = bedside.ward.house.active
    bedside.link(30, is_up=True)

    assert told(bedside, BROKER) == [(12.0, "start"), (30.0, "end")]
    assert (alarm.admission_id, alarm.bed, alarm.unit) == (None, None, "icu")
    assert bedside.ward.house.active == []


def test_a_broker_that_is_back_at_once_is_not_told() -> None:
    bedside = Bedside()
    bedside.link(10, is_up=False)
    bedside.link(11.9, is_up=True)
    bedside.tick(60)

    assert bedside.changes(BROKER) == []


def test_a_patient_who_comes_while_the_broker_is_lost_is_told() -> None:
    bedside = Bedside(admitted=False)
    bedside.link(0, is_up=False)
    bedside.admit(100)
    bedside.tick(110)
    assert bedside.starts(BROKER) == [100.0], "it has been lost for long enough"

    bedside.transfer(120)
    bedside.tick(130)
    bedside.link(140, is_up=True)

    assert told(bedside, BROKER) == [(100.0, "start"), (140.0, "end")], "the unit never was without a patient"


# --- a pump's battery -------------------------------------------------------------------------------------------------

BATTERY, LOW = "pump.battery_low", "MDC_EVT_BATT_LO"


def test_a_pump_on_a_low_battery_is_told_at_once_until_it_is_charged() -> None:
    bedside = Bedside()
    bedside.obs(0, {PUMP_RATE: 5.0, "MDC_DRUG_NAME_LABEL": "Levophed"}, device="pump1")
    bedside.event(10, LOW, "start", device="pump1")

    alarm = bedside.alarm(BATTERY)
    assert (alarm.kind, alarm.priority, alarm.family) == ("technical", "medium", "pump")
    assert alarm.evidence["text"] == "pump1: battery low (Levophed)"
    assert alarm.evidence["device"] == "pump1"

    bedside.event(60, LOW, "end", device="pump1")
    assert told(bedside, BATTERY) == [(10.0, "start"), (60.0, "end")]


def test_a_pump_that_merely_mentions_its_battery_is_told_of_for_half_an_hour() -> None:
    bedside = Bedside()
    bedside.status(0, "online", device="pump1", kind="pump")
    bedside.event(10, LOW, device="pump1")
    bedside.tick(3600)

    assert told(bedside, BATTERY) == [(10.0, "start"), (1810.0, "end")]


def test_the_battery_of_what_is_no_pump_is_not_told_as_a_pumps() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70})
    bedside.event(10, LOW, "start")

    assert bedside.changes(BATTERY) == []


def test_that_a_battery_is_charged_which_nobody_called_low_is_nothing() -> None:
    bedside = Bedside()
    bedside.status(0, "online", device="pump1", kind="pump")
    bedside.event(10, LOW, "end", device="pump1")

    assert bedside.changes(BATTERY) == []
