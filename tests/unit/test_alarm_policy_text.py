"""Alarm policies as text: the shipped one, and complaints that name file, table and field."""

from __future__ import annotations

from hashlib import sha256

import pytest

from alerts.alarm import Priority
from alerts.policy import PLAIN, Relation
from alerts.policy_text import parse_policy
from alerts.rulebook import Rulebook
from gateway.rulesets import load_alarm_policy, load_rulebook, shipped_alarm_policies
from streaming.rules.table import ProfileError
from tests.support.bedside import IL2
from tests.support.sources import REPOSITORY

TEXT = (REPOSITORY / "alerts" / "policies" / "il2-ward.toml").read_text(encoding="utf-8")


def complaint(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_policy(text, "site.toml")
    return str(caught.value)


def test_the_shipped_policy_is_read_as_it_is_written() -> None:
    policy = load_alarm_policy()

    assert (policy.id, policy.sha256) == ("il2-ward", sha256(TEXT.encode()).hexdigest())
    assert policy.timers_of(Priority.HIGH).escalate_after_s == (60, 180)
    assert policy.timers_of(Priority.LOW).remind_after_s is None
    assert [policy.timers_of(Priority.HIGH).late_after_s(level) for level in range(5)] == [60, 180, 780, 1380, 1980]
    assert [policy.timers_of(Priority.MEDIUM).late_after_s(level) for level in range(3)] == [300, 1800, None]
    assert policy.timers_of(Priority.LOW).late_after_s(0) is None
    assert [(each.by, each.relation) for each in policy.inhibitions] == [
        ("device_offline", Relation.DEVICE),
        ("implausible", Relation.SIGNAL),
        ("broker_lost", Relation.BED),
    ]
    assert policy.damping is not None
    assert policy.damping.onsets == 3


def test_policies_are_found_by_id_by_file_or_not_at_all(tmp_path: object) -> None:
    assert shipped_alarm_policies() == ["il2-ward", "plain"]
    assert load_alarm_policy("plain") is PLAIN
    assert load_alarm_policy(str(REPOSITORY / "alerts" / "policies" / "il2-ward.toml")) == load_alarm_policy()
    with pytest.raises(ProfileError, match="there is no alarm policy 'none'; there are il2-ward, plain"):
        load_alarm_policy("none")


def test_a_state_made_under_one_policy_is_not_taken_for_another() -> None:
    assert Rulebook(alarms=IL2).identity != Rulebook(alarms=IL2, policy=load_alarm_policy()).identity
    assert load_rulebook().policy == load_alarm_policy()


def test_the_steps_of_a_group_are_rules_of_its_families() -> None:
    for group in load_alarm_policy().groups:
        for step in group.steps:
            rule = IL2.rule(step)
            assert rule is not None, step
            assert rule.family in group.families


def test_no_rule_is_protected_that_is_not_there_and_no_protected_one_may_be_off() -> None:
    families = {rule.family for rule in IL2.rules}
    ids = {rule.id for rule in IL2.rules}
    bounds = load_alarm_policy().limits_off

    assert bounds.never <= families | ids
    lethal = [rule for rule in IL2.rules if rule.harm == "death" or {rule.id, rule.family} & bounds.never]
    lethal = [rule for rule in lethal if rule.priority == "high"]
    assert {"hypotension.map_below_50", "arrhythmia.vf", "dose_during_hold"} <= {rule.id for rule in lethal}
    for each in (bounds, PLAIN.limits_off):
        assert not any(each.may_switch_off(rule) for rule in IL2.rules if rule.harm == "death" and rule in lethal)
    assert not any(bounds.may_switch_off(rule) for rule in [*lethal, *IL2.equipment_rules])
    assert bounds.may_switch_off(next(rule for rule in IL2.rules if rule.id == "tachycardia.hr_above_130"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "il2-ward"', "", "site.toml, `policy`: `id` is missing"),
        ("[policy]", "[policy", "site.toml: "),
        ('families = ["renal"]', 'families = ["kidneys"]', "site.toml, group 'renal': `families` is 'kidneys'"),
        ('families = ["renal"]', "families = []", "`families` must name at least one"),
        (
            'families = ["renal"]',
            'families = ["oliguria"]',
            "group 'renal': its `id`, or one of its `families`, stands twice",
        ),
        ('several = "devices offline"\n', "", "group 'device_offline': `several` is missing"),
        ('rationale = "Creatinine limits nest."\n', "", "group 'renal': `rationale` is missing"),
        ('by = "broker_lost"', 'by = "hypotension"', "inhibition by 'hypotension': `by` is 'hypotension'"),
        ('"clock_skew", "battery_low"]', '"hypotension"]', "`explains` is 'hypotension'"),
        ('explains = ["device_offline", ', 'explains = ["broker_lost", ', "`explains` must not hold what explains it"),
        ('relation = "bed"', 'relation = "ward"', "`relation` is 'ward'; it must be one of device, bed, signal"),
        ("escalate_after_s = [60, 180]", "escalate_after_s = [180, 60]", "`escalate_after_s` must increase"),
        ("escalate_after_s = [60, 180]", "escalate_after_s = [0]", "`escalate_after_s` must be a list of numbers"),
        ("escalate_after_s = [60, 180]\n", "", "`escalate_after_s` is missing"),
        ("[timers.high]", "[timers.urgent]", "`urgent` is no priority; there are high, medium, low"),
        ("remind_after_s = 900", "remind_after = 900", "unknown field 'remind_after'"),
        ("remind_after_s = 3600\n", "", "`remind_times` needs `remind_after_s`"),
        ("escalate_after_s = [60, 180]", "escalate_after_s = []", "`again_every_s` needs a level"),
        ("remind_times = 1", "remind_times = 0", "`remind_times` must be a whole number from 1"),
        ('never = ["weight_gain", ', 'never = ["weight", ', "`never` is 'weight'"),
        ("joins_within_s = 60", "joins_within_s = 60\nper_subject = true", "does not go with `joins_within_s`"),
        ('steps = ["renal.injury_stage_1", ', 'steps = ["renal.creatinine_2_5", ', "must not name a rule twice"),
        ("quiet_s = 180", "quiet_s = 0", "`damping`: `quiet_s` must be a number from 1"),
        ("longest_s = 1800", "longest_s = 86400", "`limits_off`: `longest_s` must be a whole number from 1 to 14400"),
        ("[damping]", "[dampening]", "unknown field 'dampening'"),
    ],
)
def test_what_is_wrong_is_said_with_file_table_and_field(old: str, new: str, says: str) -> None:
    assert TEXT.count(old) >= 1, "the text has what is spoiled"

    assert says in complaint(TEXT.replace(old, new, 1))
