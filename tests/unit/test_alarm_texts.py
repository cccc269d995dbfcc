"""What an alarm says follows what is wrong: at each step that calls people, and whenever somebody looks."""

from __future__ import annotations

from typing import Any

import pytest

from alerts import current as current_module
from alerts.alarm import AlarmTransition
from alerts.ward import Ward
from gateway.frames import alarm_texts, bed_frame, house_alarms
from gateway.rulesets import load_rulebook
from streaming.bed import Bed
from streaming.commands import Acknowledge, SelfCheck
from streaming.rules.kinds import LimitRule, StayRule
from streaming.stay_watch import StayWatch
from streaming.therapy.patient_facts import PatientFacts
from tests.support.bedside import BED, HR, IL2, OTHER_BED, Bedside, line, ms

WEIGHT = "MDC_MASS_BODY_ACTUAL"
MINUTE = 60


class Ruled(Bedside):
    """A patient under the shipped rules and policy."""

    def __init__(self) -> None:
        super().__init__(admitted=False)
        self.ward = Ward(load_rulebook())
        self.admit(0)

    def shown(self) -> list[str]:
        return [alarm["text"] for alarm in bed_frame(self.ward, self.ward.beds[BED])["alarms"]]

    def said(self) -> list[tuple[str, str]]:
        return [
            (each.phase.value, str(each.alarm.evidence["text"]))
            for each in self.effects
            if isinstance(each, AlarmTransition)
        ]


@pytest.fixture
def bedside() -> Ruled:
    """MAP 55 for 65 s, 51 for two, then 57."""
    bedside = Ruled()
    bedside.every_second(range(1, 66), line(55))
    bedside.every_second(range(66, 68), line(51))
    bedside.every_second(range(68, 110), line(57))
    return bedside


def test_an_alarm_shows_the_worst_and_the_present_value_while_it_takes_no_step(bedside: Ruled) -> None:
    assert bedside.said() == [("start", "MAP 55 < 60")]
    assert bedside.shown() == ["MAP 51 < 60, now 57"]

    bedside.every_second(range(110, 115), line(59))

    assert bedside.shown() == ["MAP 51 < 60, now 59"]
    assert len(bedside.said()) == 1, "nobody is called for it"


def test_who_is_called_again_is_told_what_is_so_then(bedside: Ruled) -> None:
    bedside.every_second(range(110, 130), line(54))

    assert bedside.said()[:2] == [
        ("start", "MAP 55 < 60"),
        ("update", "MAP 51 < 60, now 54"),  # below 65 for two minutes
    ]
    assert bedside.said()[2:] == [("escalate", "MAP 51 < 60, now 54")]


def test_an_acknowledgement_is_of_what_there_was_to_see(bedside: Ruled) -> None:
    (alarm,) = bedside.ward.stays["adm-1"].book.active.values()
    bedside.command(111, Acknowledge(alarm_id=alarm.alarm_id, note=None, actor="nurse"))

    assert bedside.said()[-1] == ("acknowledge", "MAP 51 < 60, now 57")


def test_what_the_records_hold_is_shown_as_it_is_now(bedside: Ruled) -> None:
    (alarm,) = bedside.ward.stays["adm-1"].book.active.values()

    assert alarm_texts(bedside.ward, {alarm.alarm_id, "alm-none"}) == {alarm.alarm_id: "MAP 51 < 60, now 57"}


def test_a_value_that_is_gone_leaves_the_text_as_it_was_told(bedside: Ruled) -> None:
    bedside.obs(111, {HR: 80})
    bedside.tick(200)

    assert "MAP unknown, was 51 < 60" in bedside.shown()


def test_a_rule_about_the_stay_is_asked_for_the_display_each_five_seconds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bedside, asked = Ruled(), list[str]()
    bedside.obs(1, {WEIGHT: 84.2}, device="scale1")
    bedside.tick(10)
    now = current_module.evidence_now

    def counted(member: Any, *where: Any) -> Any:
        asked.append(member.rule.id)
        return now(member, *where)

    monkeypatch.setattr(current_module, "evidence_now", counted)
    for at_s in (10, 11, 14.9, 15, 16):
        bedside.tick(at_s)
        assert bedside.shown() == ["Weight +5.2 % since baseline (80 → 84.2 kg)"]

    assert sorted(asked) == ["weight_gain.5_percent"] * 2 + ["weight_gain.rate"] * 2


def test_to_look_changes_nothing_that_is_decided(bedside: Ruled) -> None:
    (before,) = bedside.ward.stays["adm-1"].book.active.values()
    bedside.shown()
    (after,) = bedside.ward.stays["adm-1"].book.active.values()

    assert after is before


def test_a_rule_that_fails_is_announced_with_what_it_said_last(bedside: Ruled, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Bed, "limit_evidence", broken)
    (alarm,) = bedside.ward.stays["adm-1"].book.active.values()
    bedside.command(111, Acknowledge(alarm_id=alarm.alarm_id, note=None, actor="nurse"))

    assert bedside.said()[-1] == ("acknowledge", "MAP 55 < 60")
    assert bedside.shown() == ["MAP 55 < 60"]


def test_an_alarm_of_the_house_says_what_was_found_last(bedside: Ruled) -> None:
    for at_s, free in ((200, 412), (260, 120)):
        check = SelfCheck(
            part="disk_nearly_full", is_well=False, text=f"{free} MB free", figures={"free_mb": free}, actor="vigil"
        )
        bedside.ward.command(check, "self_check", {}, ms(at_s))

    assert [alarm["text"] for alarm in house_alarms(bedside.ward)] == ["120 MB free"]


def test_where_nothing_is_wrong_there_is_nothing_to_say() -> None:
    bedside = Ruled()
    bedside.every_second(range(1, 5), line(80))
    bed, stay = bedside.ward.beds[BED], bedside.ward.stays["adm-1"]
    low, gain = IL2.rule("hypotension.map_below_60"), IL2.rule("weight_gain.5_percent")
    assert isinstance(low, LimitRule)
    assert isinstance(gain, StayRule)

    assert bedside.shown() == []
    assert bedside.ward.alarms_shown(stay) == []
    assert bed.limit_evidence(low) is None
    assert Bed(OTHER_BED, IL2).limit_evidence(low) is None
    assert watch_of(bed).evidence_now(gain, "weight", facts_of(bed), None) is None


def watch_of(bed: Bed) -> StayWatch:
    assert bed.patient is not None
    return StayWatch(bed.patient.admission, IL2)


def facts_of(bed: Bed) -> PatientFacts:
    assert bed.patient is not None
    return bed.patient.facts
