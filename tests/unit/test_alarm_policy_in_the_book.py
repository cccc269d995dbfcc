"""What the policy makes of verdicts: one alarm per cause, explanations, timers, damping, limits off, audio pause."""

from __future__ import annotations

from itertools import permutations

import pytest

from alerts.alarm import ConditionState
from alerts.conditions import SwitchedOff
from tests.support.bedside import ms
from tests.support.verdicts import (
    ABSENT,
    BROKER,
    FAULT,
    HR_130,
    HR_150,
    INDETERMINATE,
    MAP_50,
    MAP_60,
    MAP_65,
    OFFLINE,
    PRESENT,
    SBP_80,
    SBP_90,
    STALE,
    WARD,
    Bookside,
    Shown,
    verdict,
)

ALL = (MAP_65, SBP_90, MAP_60, SBP_80, MAP_50)
GAIN_5, GAIN_10, GAIN_15 = (f"weight_gain.{percent}_percent" for percent in (5, 10, 15))
INTERRUPTED, TOO_LONG = "dose.interrupted", "dose.wrong_duration"


@pytest.fixture
def side() -> Bookside:
    return Bookside()


# --- one alarm per cause ----------------------------------------------------------------------------------------------


def test_five_limits_of_one_falling_pressure_are_one_alarm_that_rises(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.say(10, PRESENT, SBP_90)
    side.say(20, PRESENT, MAP_60)
    side.say(25, PRESENT, SBP_80)
    side.say(30, PRESENT, MAP_50)

    assert side.shown == [
        Shown(0, MAP_65, "start", "on", "medium"),
        Shown(10, MAP_65, "update", "on", "medium"),
        Shown(20, MAP_60, "escalate", "on", "high"),
        Shown(25, MAP_60, "update", "on", "high"),
        Shown(30, MAP_50, "update", "on", "high"),
    ]
    (alarm,) = side.book.active.values()
    assert [part["rule_id"] for part in alarm.evidence["parts"]] == [MAP_50, MAP_60, SBP_80, MAP_65, SBP_90]
    assert alarm.title == "MAP critically low"
    assert alarm.onset_at_ms == ms(-1)
    assert alarm.evidence["policy"]["sha256"] == WARD.sha256


def test_whatever_order_verdicts_of_one_instant_come_in_the_alarm_is_the_same() -> None:
    said = set()
    for order in permutations(ALL):
        side = Bookside()
        side.say(0, PRESENT, *order)
        side.say(5, ABSENT, *(each for each in order if each != MAP_65))
        said.add(str(side.transitions))

    assert len(said) == 1


def test_what_gets_worse_sounds_again_though_it_was_acknowledged(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.acknowledge(5)
    side.say(20, PRESENT, MAP_60)

    assert side.steps == [(0, "start", "on"), (5, "acknowledge", "acknowledged"), (20, "escalate", "on")]
    (alarm,) = side.book.active.values()
    assert alarm.acknowledged is None
    assert alarm.signalled_at_ms == ms(20)


def test_a_further_high_condition_sounds_again_though_a_high_one_was_acknowledged(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.acknowledge(5)
    side.say(20, PRESENT, SBP_80)

    assert side.steps[-1] == (20, "update", "on")


def test_a_further_condition_no_less_than_what_was_acknowledged_sounds_again(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.acknowledge(5)
    side.say(20, PRESENT, SBP_90)

    assert side.steps[-1] == (20, "update", "on")
    (alarm,) = side.book.active.values()
    assert (alarm.acknowledged, alarm.priority, alarm.next_escalation_at_ms) == (None, "medium", ms(320))


def test_a_further_low_condition_sounds_though_a_low_one_was_acknowledged(side: Bookside) -> None:
    side.say(0, PRESENT, GAIN_5)
    side.acknowledge(5)
    side.hear(20, verdict(GAIN_5, ABSENT, 20), verdict(GAIN_10, PRESENT, 20))

    assert side.shown[-1] == Shown(20, GAIN_10, "update", "on", "low")


def test_a_step_back_is_no_news(side: Bookside) -> None:
    side.say(0, PRESENT, GAIN_10)
    side.acknowledge(5)
    side.hear(20, verdict(GAIN_10, ABSENT, 20), verdict(GAIN_5, PRESENT, 20))
    assert side.shown[-1] == Shown(20, GAIN_5, "update", "acknowledged", "low")

    side.hear(30, verdict(GAIN_5, ABSENT, 30), verdict(GAIN_10, PRESENT, 30))
    assert side.shown[-1] == Shown(30, GAIN_10, "update", "on", "low"), "a step on is"


def test_a_condition_that_lies_within_an_acknowledged_one_is_no_news(side: Bookside) -> None:
    side.say(0, PRESENT, HR_150, subject="hr")
    side.acknowledge(5)
    side.say(60, PRESENT, HR_130, subject="hr")

    assert side.steps[-1] == (60, "update", "acknowledged")


def test_a_lesser_condition_of_the_same_cause_is_no_news(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.acknowledge(5)
    side.say(20, PRESENT, SBP_90)

    assert side.steps[-1] == (20, "update", "acknowledged")


def test_a_part_that_keeps_coming_and_going_is_news_three_times(side: Bookside) -> None:
    side.say(0, PRESENT, SBP_90)
    for turn in range(5):
        side.acknowledge(10 + turn * 40)
        side.say(20 + turn * 40, PRESENT, MAP_65)
        side.acknowledge(30 + turn * 40)
        side.say(40 + turn * 40, ABSENT, MAP_65)
    side.say(900, PRESENT, MAP_65)

    assert [at_s for at_s, phase, to in side.steps if (phase, to) == ("update", "on")] == [20, 60, 100, 900]


def test_what_one_dose_does_wrong_is_one_alarm_and_another_dose_another(side: Bookside) -> None:
    side.say(0, PRESENT, INTERRUPTED, subject="dose 4")
    side.say(60, PRESENT, TOO_LONG, subject="dose 4")
    side.say(70, PRESENT, INTERRUPTED, subject="dose 5")

    assert {key: alarm.rule_id for key, alarm in side.book.active.items()} == {
        ("dose", "dose 4"): TOO_LONG,
        ("dose", "dose 5"): INTERRUPTED,
    }


def test_a_high_priority_falls_only_when_somebody_has_seen_it(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65, MAP_60)
    side.say(10, ABSENT, MAP_60)
    assert side.shown[-1] == Shown(10, MAP_60, "update", "on", "high")

    side.acknowledge(20)

    assert side.shown[-2:] == [
        Shown(20, MAP_60, "acknowledge", "acknowledged", "high"),
        Shown(20, MAP_65, "deescalate", "acknowledged", "medium"),
    ]
    side.say(30, ABSENT, MAP_65)
    assert side.shown[-1] == Shown(30, MAP_65, "end", "off", "medium")


def test_a_latched_cause_whose_lesser_condition_begins_is_on_again(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.say(10, ABSENT, MAP_60)
    side.say(20, PRESENT, MAP_65)

    assert side.shown[1:] == [Shown(10, MAP_60, "update", "latched", "high"), Shown(20, MAP_60, "update", "on", "high")]


def test_the_alarm_is_indeterminate_only_when_nothing_of_it_is_known(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65, SBP_90)
    side.say(10, INDETERMINATE, MAP_65)
    (alarm,) = side.book.active.values()
    assert alarm.condition is ConditionState.PRESENT

    side.say(20, INDETERMINATE, SBP_90)
    side.say(30, ABSENT, SBP_90)

    assert side.steps[-1] == (30, "update", "on")
    (alarm,) = side.book.active.values()
    assert alarm.condition is ConditionState.INDETERMINATE, "one is gone, the other still unknown"


def test_different_families_stay_different_alarms(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65, HR_130, FAULT)

    assert len(side.book.active) == 3


# --- storms and explanations ------------------------------------------------------------------------------------------


def test_devices_that_go_within_moments_are_one_alarm_that_lists_them(side: Bookside) -> None:
    side.offline(0, "mon1")
    side.offline(20, "pump1", "pump2")

    (alarm,) = side.book.active.values()
    assert alarm.evidence["text"] == "3 devices offline: mon1, pump1, pump2"
    assert side.steps == [(0, "start", "on"), (20, "update", "on")]

    side.offline(30, "mon1", "pump1", "pump2", back=True)
    assert side.steps[-1] == (30, "end", "off")


def test_a_device_that_goes_after_the_others_were_seen_is_heard(side: Bookside) -> None:
    side.offline(0, "mon1")
    side.acknowledge(10)
    side.offline(20, "pump1")
    assert side.steps[-1] == (20, "update", "on"), "within moments: the same alarm, on again"

    side.acknowledge(30)
    side.offline(500, "pump2")
    assert len(side.book.active) == 2, "much later: an alarm of its own"


def test_a_device_that_is_gone_explains_its_signals(side: Bookside) -> None:
    side.offline(0, "mon1")
    side.say(60, PRESENT, STALE, subject="hr", devices=["mon1"])

    assert len(side.book.active) == 1
    assert [(member.subject, reason) for member, reason in side.book.conditions.explained] == [("hr", OFFLINE)]

    side.offline(70, "mon1", back=True)
    side.pass_to(84)
    assert side.book.active == {}
    side.pass_to(86)
    assert side.shown[-1] == Shown(85, STALE, "start", "on", "low"), "still stale when the device had time to speak"


def test_a_signal_of_two_devices_is_explained_only_when_both_are_gone(side: Bookside) -> None:
    side.offline(0, "mon1")
    side.say(60, PRESENT, STALE, subject="hr", devices=["mon1", "oxi1"])
    assert len(side.book.active) == 2

    side.offline(70, "oxi1")
    assert [alarm.rule_id for alarm in side.book.active.values()] == [OFFLINE, OFFLINE]
    ended = [t.alarm for t in side.transitions if t.phase == "end"]
    assert [(alarm.rule_id, alarm.inhibited_by, alarm.condition) for alarm in ended] == [(STALE, OFFLINE, "present")]


def test_a_lost_broker_explains_every_silent_device_and_is_not_told_at_the_bed(side: Bookside) -> None:
    side.say(0, PRESENT, BROKER, subject="broker")
    side.offline(30, "mon1", "pump1")
    side.say(90, PRESENT, STALE, subject="hr", devices=["mon1"])
    assert side.transitions == []

    side.say(600, ABSENT, BROKER, subject="broker")
    side.offline(610, "mon1", back=True)
    side.say(612, ABSENT, STALE, subject="hr")
    side.pass_to(700)

    assert side.shown == [Shown(660, OFFLINE, "start", "on", "medium")], "the pump has not come back"


def test_nothing_technical_hides_a_patients_alarm(side: Bookside) -> None:
    side.say(0, PRESENT, BROKER, subject="broker")
    side.offline(1, "mon1")
    side.say(2, PRESENT, MAP_60, device="mon1")

    assert side.shown == [Shown(2, MAP_60, "start", "on", "high")]


# --- people who do not come -------------------------------------------------------------------------------------------


def test_a_high_alarm_that_nobody_acknowledges_rises_level_by_level(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    (alarm,) = side.book.active.values()
    assert alarm.next_escalation_at_ms == ms(60)

    side.pass_to(1400)

    assert side.steps == [(0, "start", "on"), *((at_s, "escalate", "on") for at_s in (60, 180, 780, 1380))]
    assert [t.alarm.escalation_level for t in side.transitions] == [0, 1, 2, 3, 4]
    assert side.transitions[-1].alarm.next_escalation_at_ms == ms(1980), "nobody may rely on somebody having come"


def test_a_medium_alarm_that_nobody_acknowledges_rises_twice_and_no_further(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.pass_to(90_000)

    assert side.steps == [(0, "start", "on"), (300, "escalate", "on"), (1800, "escalate", "on")]
    assert side.transitions[-1].alarm.next_escalation_at_ms is None


def test_what_is_latched_waits_and_rises_at_once_when_it_returns_too_late(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.say(50, ABSENT, MAP_60)
    side.pass_to(100)
    assert len(side.transitions) == 2

    side.say(120, PRESENT, MAP_60)
    assert side.steps[2:] == [(120, "update", "on"), (120, "escalate", "on")]


def test_nobody_is_called_again_for_what_was_acknowledged_in_time(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.acknowledge(59)
    side.pass_to(358)

    assert side.steps == [(0, "start", "on"), (59, "acknowledge", "acknowledged")]


def test_what_is_high_and_still_there_after_it_was_acknowledged_is_announced_each_time(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.pass_to(61)
    side.acknowledge(70)
    side.say(100, INDETERMINATE, MAP_60)
    side.pass_to(971)

    assert side.steps[-1] == (970, "update", "on")
    (alarm,) = side.book.active.values()
    assert (alarm.acknowledged, alarm.escalation_level, alarm.next_escalation_at_ms) == (None, 0, ms(1030))
    side.acknowledge(1000)
    side.pass_to(1901)
    assert side.steps[-1] == (1900, "update", "on")


def test_what_is_medium_and_still_there_is_reminded_of_once(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.acknowledge(10)
    side.pass_to(3611)
    assert side.steps[-1] == (3610, "update", "on")
    assert side.transitions[-1].alarm.evidence["announced_for"] == "remind"

    side.acknowledge(3620)
    side.pass_to(90_000)
    assert side.steps[-1] == (3620, "acknowledge", "acknowledged")

    side.say(90_001, PRESENT, SBP_90)
    side.acknowledge(90_010)
    side.pass_to(93_700)
    assert side.steps[-1] == (93_610, "update", "on"), "what is new may be reminded of again"
    announced = [t.alarm.evidence["announced_for"] for t in side.transitions if t.phase != "acknowledge"]
    assert announced == ["onset", "remind", "onset", "remind"]


def test_nobody_is_reminded_of_what_is_low_or_lasts_for_days(side: Bookside) -> None:
    for at_s, rule_id in ((0, GAIN_5), (100_000, GAIN_15)):
        side.say(at_s, PRESENT, rule_id)
        side.acknowledge(at_s + 10)
        side.pass_to(at_s + 90_000)

        assert side.steps[-1] == (at_s + 10, "acknowledge", "acknowledged")


def test_what_eases_after_it_was_acknowledged_is_reminded_of_as_what_it_is_now(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65, MAP_60)
    side.acknowledge(10)
    side.say(20, ABSENT, MAP_60)
    side.pass_to(3600)
    assert side.steps[-1] == (20, "deescalate", "acknowledged")

    side.pass_to(3611)
    assert side.steps[-1] == (3610, "update", "on")


def test_what_gets_worse_has_the_time_of_its_new_priority(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.say(100, PRESENT, MAP_60)

    (alarm,) = side.book.active.values()
    assert alarm.next_escalation_at_ms == ms(160)


# --- what comes and goes ----------------------------------------------------------------------------------------------


def flap(side: Bookside, times: int, *, every_s: float = 40) -> float:
    for turn in range(times):
        side.say(turn * every_s, PRESENT, HR_130, subject="hr")
        side.say(turn * every_s + 20, ABSENT, HR_130, subject="hr")
    return (times - 1) * every_s + 20


def test_an_alarm_that_comes_and_goes_too_often_is_kept_until_it_has_been_quiet(side: Bookside) -> None:
    gone_s = flap(side, 6)

    assert [step.at_s for step in side.shown if step.phase == "start"] == [0, 40, 80, 120]
    (alarm,) = side.book.active.values()
    assert (alarm.is_flapping, alarm.condition, alarm.signal) == (True, "absent", "on")
    assert alarm.evidence["flapping"]["onsets"] == 6

    side.pass_to(gone_s + 181)
    assert side.steps[-1] == (gone_s + 180, "end", "off")


def test_three_times_is_not_too_often(side: Bookside) -> None:
    flap(side, 3)

    assert side.book.active == {}
    side.pass_to(900)
    side.say(900, PRESENT, HR_130, subject="hr")
    side.say(910, ABSENT, HR_130, subject="hr")
    assert side.book.active == {}, "and long ago does not count"


def test_a_medium_alarm_that_is_kept_and_was_acknowledged_stays_so_when_it_returns(side: Bookside) -> None:
    gone_s = flap(side, 4)
    side.acknowledge(gone_s + 5)
    side.say(gone_s + 10, PRESENT, HR_130, subject="hr")
    assert side.steps[-1] == (gone_s + 10, "update", "acknowledged")

    side.say(gone_s + 20, ABSENT, HR_130, subject="hr")
    side.pass_to(gone_s + 300)
    assert side.steps[-1] == (gone_s + 200, "end", "off")


def test_a_high_alarm_that_is_kept_is_heard_whenever_it_returns(side: Bookside) -> None:
    for turn in range(4):
        side.say(turn * 10, PRESENT, FAULT, subject="engine")
        side.say(turn * 10 + 5, ABSENT, FAULT, subject="engine")
    side.acknowledge(36)
    side.say(40, PRESENT, FAULT, subject="engine")

    assert side.steps[-1] == (40, "update", "on")


# --- limits off -------------------------------------------------------------------------------------------------------


def off(rule_ids: set[str], from_s: float, until_s: float) -> SwitchedOff:
    return SwitchedOff(
        scope="family", name="any", rule_ids=frozenset(rule_ids), reason="line is being changed", by="nurse",
        from_ms=ms(from_s), until_ms=ms(until_s),
    )  # fmt: skip


def test_limits_that_are_off_end_their_alarm_and_it_is_there_again_when_they_are_on(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.transitions += side.book.switch_off(off({MAP_65, SBP_90}, 10, 70))
    assert side.steps[-1] == (10, "end", "off")
    assert side.transitions[-1].alarm.evidence["limits_off"]["reason"] == "line is being changed"

    side.say(20, PRESENT, SBP_90)
    side.say(30, ABSENT, SBP_90)
    side.pass_to(100)

    assert side.shown[2:] == [Shown(70, MAP_65, "start", "on", "medium")]
    ids = {t.alarm.alarm_id for t in side.transitions}
    assert len(ids) == 2, "a new alarm"


def test_limits_may_be_put_on_again_before_their_time(side: Bookside) -> None:
    side.transitions += side.book.switch_off(off({MAP_65}, 0, 600))
    side.say(10, PRESENT, MAP_65)
    side.transitions += side.book.switch_off(off({MAP_65}, 20, 20))

    assert side.steps == [(20, "start", "on")]
    assert side.book.conditions.limits_off == {}


def test_limits_off_silence_no_other_rule_of_the_cause(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65, MAP_60)
    side.transitions += side.book.switch_off(off({MAP_65}, 10, 70))

    (alarm,) = side.book.active.values()
    assert (alarm.signal, alarm.priority) == ("on", "high")


def test_an_unseen_high_alarm_whose_limits_are_switched_off_latches(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.transitions += side.book.switch_off(off({MAP_60}, 10, 70))
    assert side.steps[-1] == (10, "update", "latched")

    side.pass_to(80)
    assert side.steps[2:] == [(70, "update", "on"), (70, "escalate", "on")], "and it is late already"


# --- audio pause ------------------------------------------------------------------------------------------------------


def test_a_pause_is_for_the_alarms_there_are_and_ends_by_itself(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_65)
    side.book.pause_audio(ms(10), ms(130))
    side.say(20, PRESENT, HR_130, subject="hr")
    low, fast = side.book.active.values()

    assert side.book.audio_paused_until_ms(low, ms(20)) == ms(130)
    assert side.book.audio_paused_until_ms(fast, ms(20)) is None, "new alarms sound"
    assert side.book.audio_paused_until_ms(low, ms(130)) is None
    assert {alarm.signal for alarm in (low, fast)} == {"on"}, "nothing that is seen changes"

    side.say(30, PRESENT, MAP_60)
    worse = side.book.active["hypotension", ""]
    assert side.book.audio_paused_until_ms(worse, ms(31)) is None, "what gets worse sounds"


def test_a_pause_is_not_for_what_begins_in_an_alarm_that_is_on(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.book.pause_audio(ms(10), ms(130))
    side.say(20, PRESENT, MAP_50)

    (alarm,) = side.book.active.values()
    assert side.steps[-1] == (20, "update", "on")
    assert side.book.audio_paused_until_ms(alarm, ms(21)) is None
    assert alarm.next_escalation_at_ms == ms(60), "nobody has come for the first one either"


def test_a_pause_goes_on_though_a_lesser_condition_begins(side: Bookside) -> None:
    side.say(0, PRESENT, MAP_60)
    side.book.pause_audio(ms(10), ms(130))
    side.say(20, PRESENT, MAP_65)

    (alarm,) = side.book.active.values()
    assert side.book.audio_paused_until_ms(alarm, ms(21)) == ms(130)


def test_a_pause_of_nothing_ends_a_pause(side: Bookside) -> None:
    side.book.pause_audio(ms(0), ms(120))
    side.book.pause_audio(ms(10), ms(10))

    assert side.book.audio_paused is None


def test_verdicts_change_nothing_that_is_not_there(side: Bookside) -> None:
    side.hear(0, verdict(MAP_65, INDETERMINATE, 0), verdict(MAP_60, ABSENT, 0))

    assert side.transitions == []
    assert side.book.conditions.members == {}
