"""The test vectors that stand in the profiles: the shipped ones hold, and a wrong one is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.rulesets import load_alarm_profile, shipped_profiles
from streaming.rules.event_examples import check_event_example
from streaming.rules.examples import check_example, outcomes
from streaming.rules.kinds import EventExample, Example, LimitRule
from streaming.rules.series import SECONDS_MAX, expand

PROFILES = {name: load_alarm_profile(name) for name in shipped_profiles()}
RULES = [(name, rule) for name, profile in PROFILES.items() for rule in profile.limit_rules]
IL2 = PROFILES["alarms-il2"]
MAP_65 = next(rule for rule in IL2.limit_rules if rule.id == "hypotension.map_below_65")


@pytest.mark.parametrize(("profile", "rule"), RULES, ids=[rule.id for _, rule in RULES])
def test_every_shipped_rule_has_examples_of_absent_and_present_and_they_hold(profile: str, rule: LimitRule) -> None:
    expected = {outcome for example in rule.examples for outcome in example.expect.values()}

    assert {"absent", "present"} <= expected
    assert [found for example in rule.examples for found in check_example(PROFILES[profile], rule, example)] == []


@pytest.mark.parametrize(
    ("series", "expect"),
    [
        ("80x10 60x121", {130: "absent"}),
        ("80x10 60x121", {129: "present"}),
        ("60x130 _x60", {170: "present"}),
        ("60x130 70x40", {169: "present"}),
    ],
)
def test_a_wrong_example_is_found_and_says_what_was_seen(series: str, expect: dict[int, str]) -> None:
    (failure,) = check_example(IL2, MAP_65, Example(series=series, expect=expect))
    ((second, wrong),) = expect.items()

    assert f"at {second} s expected {wrong}, found " in failure
    assert series in failure


def test_the_examples_of_rules_about_events_hold_and_a_wrong_one_is_found() -> None:
    (rule,) = (rule for rule in IL2.equipment_rules if rule.examples)
    assert rule.id == "pump.battery_low"
    assert {"absent", "present"} <= {each for example in rule.examples for each in example.expect.values()}
    assert [found for example in rule.examples for found in check_event_example(IL2, rule, example)] == []

    wrong = EventExample(events={5: "start", 9: "end"}, expect={8: "absent", 9: "absent"})
    assert check_event_example(IL2, rule, wrong) == ["at 8 s expected absent, found present ({5: 'start', 9: 'end'})"]
    slower = replace(rule, onset_delay_s=60)
    assert check_event_example(IL2, slower, rule.examples[0]) != []


def test_what_kills_at_once_is_told_without_delay_and_what_is_urgent_does_not_wait_longer() -> None:
    lethal = ("arrhythmia.vt", "arrhythmia.vf", "arrhythmia.asystole", "hypotension.map_below_50")
    assert {rule.id: rule.onset_delay_s for rule in IL2.rules if rule.id in lethal} == dict.fromkeys(lethal, 0)
    longest = {
        priority: max(rule.onset_delay_s for rule in IL2.rules if rule.priority == priority)
        for priority in ("high", "medium", "low")
    }
    assert longest == {"high": 60, "medium": 300, "low": 900}


def test_a_changed_limit_fails_the_examples_of_its_rule() -> None:
    changed = replace(MAP_65, below=60.0, reset_at=63.0)

    assert any(check_example(IL2, changed, example) for example in MAP_65.examples)


def test_a_rule_is_tried_alone() -> None:
    assert outcomes(IL2, MAP_65, "45x100")[99] == "absent", "MAP below 50 is another rule's"
    assert "present" in outcomes(IL2, MAP_65, "45x121")


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ("80", [80.0]),
        ("80x2 _x2 36.6", [80.0, 80.0, None, None, 36.6]),
        ("-1.5x1", [-1.5]),
        ("_", [None]),
        ("80x0", []),
        ("", []),
    ],
)
def test_a_series_is_expanded(series: str, expected: list[float | None]) -> None:
    assert expand(series) == expected


@pytest.mark.parametrize(
    "series", ["eighty", "80x", "x3", "80x-1", "80 x 3", "nan", "infx2", "80x1.5", "80x999999", "８0"]
)
def test_a_series_that_is_none_is_refused(series: str) -> None:
    with pytest.raises(ValueError, match="is not a value"):
        expand(series)


def test_a_series_is_bounded() -> None:
    assert len(expand("80x43200 90x43200")) == SECONDS_MAX
    with pytest.raises(ValueError, match="longer than"):
        expand("80x43200 90x43201")
