"""Profiles: what is read, and that every complaint names the file, the rule and the field."""

from __future__ import annotations

import pytest

from gateway.rulesets import load_alarm_profile, shipped_profiles
from streaming.rules.kinds import EquipmentRule, LimitRule, LimitsInForce
from streaming.rules.profile import ProfileError, parse_profile
from tests.support.site_profile import (
    BATTERY_RULE,
    CLOCK_RULE,
    LIMIT_RULE,
    OFFLINE_RULE,
    PROFILE,
    complaint,
    without,
)

EXAMPLE = """
[[limit_rule.example]]
series = "80x10 60x121"
expect = { 129 = "absent", 130 = "present" }
"""
BATTERY_EXAMPLE = """
[[equipment_rule.example]]
events = { 5 = "end" }
expect = { 6 = "absent" }
"""
WHOLE = PROFILE + LIMIT_RULE + EXAMPLE + CLOCK_RULE + OFFLINE_RULE + BATTERY_RULE + BATTERY_EXAMPLE
IN_LIMIT = ("site.toml, rule 'low'",)
IN_EXAMPLE = ("site.toml, rule 'low', example",)
IN_CLOCK = ("site.toml, rule 'clock'",)


def test_a_profile_is_read_whole() -> None:
    profile = parse_profile(WHOLE, "site.toml")

    assert (profile.id, profile.version, profile.title) == ("site", "3", "A site's own")
    assert [rule.id for rule in profile.rules] == ["low", "clock", "offline", "battery"]
    rule = profile.rule("low")
    assert isinstance(rule, LimitRule)
    assert (rule.below, rule.above, rule.reset_at) == (65.0, None, 68.0)
    assert (rule.least_readings, rule.least_share) == (2, 0.8)
    assert rule.examples[0].expect == {129: "absent", 130: "present"}
    clock = profile.rule("clock")
    assert isinstance(clock, EquipmentRule)
    assert (clock.above_s, clock.reset_s) == (5.0, 4.0)
    assert profile.rule("none") is None


def test_one_changed_character_is_another_profile() -> None:
    hashes = {parse_profile(text, "site.toml").sha256 for text in (WHOLE, WHOLE + "\n", WHOLE.replace("why", "Why"))}

    assert len(hashes) == 3


def test_readings_and_share_may_be_set() -> None:
    text = PROFILE + LIMIT_RULE + "least_readings = 1\nleast_share = 1\n"
    rule = parse_profile(text, "site.toml").limit_rules[0]

    assert (rule.least_readings, rule.least_share) == (1, 1.0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[profile]\nid = site", ("site.toml", "line 2")),
        ("", ("site.toml, `profile`", "`id`", "missing")),
        (without("version", WHOLE), ("site.toml, `profile`", "`version`", "missing")),
        (WHOLE.replace('id = "site"', "id = 3"), ("site.toml, `profile`", "`id`", "text")),
        (WHOLE.replace('id = "site"', 'id = "site"\nowner = "me"'), ("site.toml, `profile`", "'owner'")),
        ("profile = 3" + LIMIT_RULE, ("site.toml, `profile`", "table")),
        (WHOLE + '\n[extra]\nname = "x"\n', ("site.toml", "'extra'")),
        (PROFILE + 'limit_rule = "x"', ("site.toml", "`limit_rule`")),
        ('limit_rule = "x"\n' + PROFILE, ("site.toml", "`limit_rule`", "array of tables")),
        (WHOLE.replace('unit = "%"', "unit = 1"), ("site.toml", "`patient_limits`", "`spo2_low`", "`unit`")),
        (WHOLE.replace("low = 80", "low = 97"), ("`spo2_low`", "`high`", "97")),
        (WHOLE.replace("low = 80", "low = nan"), ("`spo2_low`", "`low`")),
        (PROFILE + "hr_high = 5\n", ("site.toml", "`patient_limits`", "`hr_high`", "table")),
        (WHOLE.replace("low = 80", "low = 80, step = 1"), ("`spo2_low`", "'step'")),
    ],
)
def test_a_profile_that_is_wrong_as_a_whole_is_refused(text: str, parts: tuple[str, ...]) -> None:
    said = complaint(text)

    assert all(part in said for part in parts), said


@pytest.mark.parametrize(
    "field",
    ["family", "title", "signal", "reset_at", "onset_delay_s", "clear_delay_s", "priority", "rationale", "reference"],
)
def test_a_limit_rule_without_a_field_is_refused(field: str) -> None:
    said = complaint(PROFILE + without(field, LIMIT_RULE))

    assert said.startswith("site.toml, rule 'low': ")
    assert f"`{field}` is missing" in said


@pytest.mark.parametrize("field", ["kind", "family", "title", "onset_delay_s", "clear_delay_s", "priority", "above_s"])
def test_an_equipment_rule_without_a_field_is_refused(field: str) -> None:
    said = complaint(PROFILE + without(field, CLOCK_RULE))

    assert said.startswith("site.toml, rule 'clock': ")
    assert f"`{field}` is missing" in said


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('id = "low"', "", ("site.toml", "limit_rule (MAP low)", "`id`")),
        ('id = "low"', "id = 7", ("site.toml", "limit_rule (MAP low)", "`id`")),
        ('family = "hypotension"', 'family = "hypotensoin"', (*IN_LIMIT, "`family`", "hypotension")),
        ('signal = "map"', 'signal = "mpa"', (*IN_LIMIT, "`signal`", "map")),
        ('priority = "medium"', 'priority = "urgent"', (*IN_LIMIT, "`priority`", "high, medium, low")),
        ('title = "MAP low"', 'title = ""', (*IN_LIMIT, "`title`", "non-empty")),
        ("below = 65.0", "", (*IN_LIMIT, "exactly one of `below` and `above`")),
        ("below = 65.0", "below = 65.0\nabove = 70.0", (*IN_LIMIT, "exactly one of `below` and `above`")),
        ("below = 65.0", "below = inf", (*IN_LIMIT, "`below`", "number")),
        ("below = 65.0", "below = true", (*IN_LIMIT, "`below`", "number")),
        ("below = 65.0", 'below = "65"', (*IN_LIMIT, "`below`", "number")),
        ("below = 65.0", "belwo = 65.0\nbelow = 65.0", (*IN_LIMIT, "'belwo'")),
        ("reset_at = 68.0", "reset_at = 65.0", (*IN_LIMIT, "`reset_at`", "65")),
        ("below = 65.0", "above = 65.0", (*IN_LIMIT, "`reset_at`", "normal side")),
        ("onset_delay_s = 120", "onset_delay_s = -1", (*IN_LIMIT, "`onset_delay_s`", "0 to 86400")),
        ("clear_delay_s = 30", "clear_delay_s = 100000", (*IN_LIMIT, "`clear_delay_s`", "0 to 86400")),
        ("below = 65.0", "below = 65.0\nleast_readings = 1.5", (*IN_LIMIT, "`least_readings`", "whole")),
        ("below = 65.0", "below = 65.0\nleast_readings = 0", (*IN_LIMIT, "`least_readings`", "1 to 100")),
        ("below = 65.0", "below = 65.0\nleast_share = 0.4", (*IN_LIMIT, "`least_share`", "0.5 to 1")),
        ('patient_limit = "map_alarm"', 'patient_limit = "map"', (*IN_LIMIT, "`patient_limit`", "'map'")),
        ('patient_limit = "map_alarm"', 'patient_limit_cap = "x"', (*IN_LIMIT, "`patient_limit_cap`", "'x'")),
        ('patient_limit = "map_alarm"', 'patient_limit = "spo2_low"', (*IN_LIMIT, "`patient_limit`", "%", "mm[Hg]")),
        ('series = "80x10 60x121"', "", (*IN_EXAMPLE, "`series`", "missing")),
        ('series = "80x10 60x121"', 'series = "80x10 sixty"', (*IN_EXAMPLE, "`series`", "'sixty'")),
        ('series = "80x10 60x121"', 'series = "80x99999"', (*IN_EXAMPLE, "`series`", "longer")),
        ('129 = "absent"', '129 = "gone"', (*IN_EXAMPLE, "`expect`", "`129`", "indeterminate")),
        ('129 = "absent"', 'late = "absent"', (*IN_EXAMPLE, "`expect`", "`late`", "0 to 190")),
        ('129 = "absent"', '191 = "absent"', (*IN_EXAMPLE, "`expect`", "`191`", "0 to 190")),
        ('129 = "absent"', '"²" = "absent"', (*IN_EXAMPLE, "`expect`", "`²`")),
        ('expect = { 129 = "absent", 130 = "present" }', "", (*IN_EXAMPLE, "`expect`", "something")),
        ('expect = { 129 = "absent", 130 = "present" }', "expect = 3", (*IN_EXAMPLE, "`expect`", "table")),
        ('series = "80x10 60x121"', 'series = "80"\nspeed = 1', (*IN_EXAMPLE, "`expect`")),
        ('id = "clock"', "", ("site.toml", "equipment_rule (Clock wrong)", "`id`")),
        ('id = "clock"', 'id = "low"', ("site.toml, rule 'low'", "`id`", "twice")),
        ('kind = "clock_skew"', 'kind = "clock"', (*IN_CLOCK, "`kind`", "clock_skew")),
        ('kind = "device_offline"', 'kind = "signal_stale"', ("rule 'offline'", "`signals`", "signal_stale")),
        ("reset_s = 4.0", "reset_s = 6.0", (*IN_CLOCK, "`reset_s`", "5")),
        (
            "reset_s = 4.0",
            "reset_s = 4.0\nexample = [{ events = { 1 = 'start' }, expect = { 1 = 'present' } }]",
            (*IN_CLOCK, "`example` belongs to a rule of kind 'battery_low', which needs it"),
        ),
        ('events = { 5 = "end" }', "events = {}", ("rule 'battery'", "must say something")),
        ('events = { 5 = "end" }', 'events = { soon = "end" }', ("`soon` is no second from 0 to 86400",)),
        ('events = { 5 = "end" }', 'events = { 5 = "over" }', ("`5` is 'over'; it must be one of start",)),
        ("reset_s = 4.0", "reset_s = 4.0\nwithin_s = 3", (*IN_CLOCK, "`within_s`", "means nothing")),
        ("reset_s = 4.0", "reset_s = 4.0\nlimit = 3", (*IN_CLOCK, "'limit'")),
        ("monitor = 20", "mointor = 20", ("rule 'offline'", "`silent_after_s`", "`mointor`", "monitor, pump")),
        ("monitor = 20", "monitor = 0", ("rule 'offline'", "`silent_after_s`", "`monitor`")),
    ],
)
def test_a_wrong_field_is_named_with_its_rule(old: str, new: str, parts: tuple[str, ...]) -> None:
    assert old in WHOLE

    said = complaint(WHOLE.replace(old, new, 1))

    assert all(part in said for part in parts), said


def test_examples_that_are_no_tables_are_refused() -> None:
    assert complaint(PROFILE + LIMIT_RULE + "example = 3\n") == (
        "site.toml, rule 'low': `example` must be an array of tables"
    )


def test_signals_of_a_stale_rule_must_be_known() -> None:
    rule = OFFLINE_RULE.replace("device_offline", "signal_stale").replace("silent_after_s = { monitor = 20 }", "{0}")

    assert "'mpa'" in complaint(PROFILE + rule.replace("{0}", 'signals = ["map", "mpa"]'))
    assert "list of texts" in complaint(PROFILE + rule.replace("{0}", 'signals = ["map", 3]'))
    assert parse_profile(PROFILE + rule.replace("{0}", 'signals = ["map"]'), "site.toml").equipment_rules


def test_two_equipment_rules_of_one_kind_are_refused() -> None:
    said = complaint(WHOLE + CLOCK_RULE.replace('id = "clock"', 'id = "clock2"'))

    assert "rule 'clock2'" in said
    assert "`kind` 'clock_skew' stands twice" in said


def test_a_profile_that_cannot_be_found_or_opened_is_named() -> None:
    with pytest.raises(ProfileError, match=r"no profile 'nowhere'; there are .*alarms-il2"):
        load_alarm_profile("nowhere")
    with pytest.raises(ProfileError, match=r"missing\.toml: cannot be read"):
        load_alarm_profile("missing.toml")


# --- limits of one patient --------------------------------------------------------------------------------------------


def shipped_rule(rule_id: str) -> LimitRule:
    rule = load_alarm_profile().rule(rule_id)
    assert isinstance(rule, LimitRule)
    return rule


@pytest.mark.parametrize(
    ("rule_id", "own", "expected"),
    [
        ("hypotension.map_below_65", {}, (65, 68)),
        ("hypotension.map_below_65", {"map_alarm": 70.0}, (70, 73)),
        ("hypotension.map_below_65", {"map_alarm": 55.0}, (55, 58)),
        ("hypotension.map_below_65", {"sbp_alarm": 100.0}, (65, 68)),
        ("hypotension.map_below_60", {"map_alarm": 70.0}, (60, 63)),
        ("hypotension.map_below_60", {"map_alarm": 55.0}, (55, 58)),
        ("hypotension.map_below_50", {"map_alarm": 50.0}, (50, 53)),
        ("hypotension.sbp_below_90", {"sbp_alarm": 100.0}, (100, 104)),
        ("hypotension.sbp_below_80", {"sbp_alarm": 75.0}, (75, 79)),
        ("tachycardia.hr_above_130", {"hr_high": 140.0}, (140, 135)),
        ("bradycardia.hr_below_40", {"hr_low": 35.0}, (35, 38)),
        ("desaturation.spo2_below_85", {"spo2_low": 82.0}, (82, 85)),
        ("desaturation.spo2_below_85", {"spo2_low": 92.0}, (85, 88)),
    ],
)
def test_a_patients_own_limit_replaces_or_caps_and_keeps_the_hysteresis(
    rule_id: str, own: dict[str, float], expected: tuple[float, float]
) -> None:
    assert shipped_rule(rule_id).limits_for(own) == LimitsInForce(limit=expected[0], reset=expected[1])


def test_a_cap_of_a_rule_above_a_limit_never_makes_it_stricter() -> None:
    text = LIMIT_RULE.replace("below = 65.0", "above = 65.0").replace("reset_at = 68.0", "reset_at = 60.0")
    rule = parse_profile(PROFILE + text.replace("patient_limit =", "patient_limit_cap ="), "site.toml").limit_rules[0]

    assert rule.limits_for({"map_alarm": 80.0}) == LimitsInForce(limit=80, reset=75)
    assert rule.limits_for({"map_alarm": 55.0}) == LimitsInForce(limit=65, reset=60)


def test_the_profiles_that_come_with_the_service_are_valid() -> None:
    assert "alarms-il2" in shipped_profiles()
    for name in shipped_profiles():
        assert load_alarm_profile(name).id == name
