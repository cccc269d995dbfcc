"""What an alarm profile may write: each number from its least to its greatest, and not beyond."""

from __future__ import annotations

import pytest

from streaming.rules.condition import Condition
from streaming.rules.kinds import LimitRule, Verdict
from streaming.rules.lasting import Answer, LastingCondition
from streaming.rules.profile import ProfileError, parse_profile
from streaming.rules.series import expand
from tests.support.site_profile import (
    BATTERY_RULE,
    CLOCK_RULE,
    INFUSION_RULE,
    LIMIT_RULE,
    OFFLINE_RULE,
    PROFILE,
    is_taken,
)

DAY_S = 24 * 3600
HEAD = PROFILE + LIMIT_RULE
APART = """
[[equipment_rule]]
id = "sources"
kind = "sources_disagree"
family = "sources_disagree"
title = "Line and cuff disagree"
above = 15
within_s = 60
onset_delay_s = 0
clear_delay_s = 0
priority = "low"
harm = "minor"
develops = "prompt"
rationale = "why"
reference = "where from"
"""
STAY = """
[[stay_rule]]
id = "gain"
family = "weight_gain"
title = "Weight gain"
met = { kind = "limit", signal = "weight_gain_pct", at_least = 5 }
onset_delay_s = 0
clear_delay_s = 0
priority = "low"
harm = "minor"
develops = "prompt"
rationale = "why"
reference = "where from"
"""
VECTOR = """[[stay_rule.example]]
given = { weight_gain_pct = 6 }
later = { weight_gain_pct = 4 }
later_h = 1
beats = 5
expect = "present"
"""
SERIES = """[[limit_rule.example]]
series = "80x10 60x121"
expect = { 129 = "absent" }
"""
WHOLE = HEAD + SERIES + CLOCK_RULE + OFFLINE_RULE + APART + STAY + VECTOR


@pytest.mark.parametrize(
    ("written", "allowed", "refused"),
    [
        ("onset_delay_s = 120", (0, DAY_S), (-1, DAY_S + 1)),
        ("clear_delay_s = 30\npriority = \"medium\"", (0, DAY_S), (-1, DAY_S + 1)),
        ("onset_delay_s = 30", (0, DAY_S), (-1, DAY_S + 1)),
        ("clear_delay_s = 30\npriority = \"low\"", (0, DAY_S), (-1, DAY_S + 1)),
        ("reset_at = 68.0", (65.1,), (65, 64.9)),
        ("reset_s = 4.0", (0, 5), (-1, 5.1)),
        ("above_s = 5.0", (4,), (-1, 3.9)),
        ("above = 15", (0, 15), (-0.5,)),
        ("within_s = 60", (0, 60), (-0.5,)),
        ("later_h = 1", (0, 1000), (-0.5, 1001)),
        ("beats = 5", (1, 10_000), (0, 10_001)),
    ],
)  # fmt: skip
def test_a_number_is_taken_within_its_range_and_refused_beyond(
    written: str, allowed: tuple[float, ...], refused: tuple[float, ...]
) -> None:
    assert WHOLE.count(written) == 1
    name, _, _ = written.partition(" =")
    rest = "\n".join(written.splitlines()[1:])
    taken = [is_taken(WHOLE.replace(written, f"{name} = {value}\n{rest}")) for value in (*allowed, *refused)]

    assert taken == [True] * len(allowed) + [False] * len(refused)


@pytest.mark.parametrize(
    ("extra", "ok"),
    [
        ("least_readings = 1", True),
        ("least_readings = 100", True),
        ("least_readings = 0", False),
        ("least_readings = 101", False),
        ("least_share = 0.5", True),
        ("least_share = 1", True),
        ("least_share = 0.4", False),
        ("least_share = 1.5", False),
    ],
)
def test_readings_and_share_of_a_rule_are_bounded(extra: str, ok: bool) -> None:
    assert is_taken(HEAD + extra) is ok


@pytest.mark.parametrize(("high", "ok"), [(50, True), (49.9, False)])
def test_a_patients_limit_may_have_no_room_but_not_less(high: float, ok: bool) -> None:
    assert is_taken(HEAD.replace("high = 90", f"high = {high}")) is ok


@pytest.mark.parametrize(("field", "rule"), [("onset_delay_s", STAY), ("clear_delay_s", STAY)])
@pytest.mark.parametrize(("value", "ok"), [(0, True), (DAY_S, True), (-1, False), (DAY_S + 1, False)])
def test_delays_of_a_stay_rule_last_a_day_at_most(field: str, rule: str, value: int, ok: bool) -> None:
    assert is_taken(HEAD + rule.replace(f"{field} = 0", f"{field} = {value}")) is ok


@pytest.mark.parametrize(
    ("second", "ok"), [(190, True), (191, False), (0, True), ("-1", False), ("00000190", True), ("000000190", False)]
)
def test_an_outcome_may_be_asked_for_up_to_a_minute_after_the_series(second: int | str, ok: bool) -> None:
    assert is_taken(HEAD + SERIES.replace("129", str(second))) is ok


def test_a_series_lasts_a_day_at_most() -> None:
    assert len(expand("80x86400")) == DAY_S
    with pytest.raises(ValueError, match="longer than 86400"):
        expand("80x86400 80")


def test_a_value_without_a_count_stands_for_one_second() -> None:
    assert expand("80 _ 60x2") == [80.0, None, 60.0, 60.0]


# --- the condition at its edges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap_ms", "since_ms"), [(7_200_000, 0), (7_200_001, 7_200_001)])
def test_what_is_pending_is_forgotten_after_two_hours_without_a_word(gap_ms: int, since_ms: int) -> None:
    condition = Condition(onset_delay_ms=10_000_000, clear_delay_ms=0, least_readings=2, least_share=0.8)
    condition.read(Verdict.BEYOND, 0, min_gap_ms=1)

    condition.read(Verdict.BEYOND, gap_ms, min_gap_ms=1)

    assert condition.since_ms == since_ms


# --- the limit itself, and the share of time --------------------------------------------------------------------------


def _limit_rule(bounds: str) -> LimitRule:
    (rule,) = parse_profile(HEAD.replace("below = 65.0\nreset_at = 68.0", bounds), "site.toml").limit_rules
    return rule


@pytest.mark.parametrize(
    ("bounds", "sign", "verdicts"),
    [
        (
            "below = 65.0\nreset_at = 68.0",
            "<",
            {64.9: Verdict.BEYOND, 65.0: Verdict.BETWEEN, 67.9: Verdict.BETWEEN, 68.0: Verdict.WITHIN},
        ),
        (
            "above = 110.0\nreset_at = 105.0",
            ">",
            {110.1: Verdict.BEYOND, 110.0: Verdict.BETWEEN, 105.1: Verdict.BETWEEN, 105.0: Verdict.WITHIN},
        ),
    ],
)
def test_a_value_at_the_limit_is_not_beyond_it_and_at_the_reset_is_within(
    bounds: str, sign: str, verdicts: dict[float, Verdict]
) -> None:
    rule = _limit_rule(bounds)
    limits = rule.limits_for({})

    assert {value: rule.judge(value, limits) for value in verdicts} == verdicts
    assert rule.sign == sign


def test_a_number_may_be_as_large_as_is_exact_and_no_larger() -> None:
    largest = "above = 1e15\nreset_at = 0"
    assert _limit_rule(largest).above == 1e15
    with pytest.raises(ProfileError, match="`above`"):
        _limit_rule("above = 1000000000000001\nreset_at = 0")


def test_what_held_for_a_moment_is_not_confirmed_by_the_time_before_it_held() -> None:
    subject = LastingCondition(onset_delay_ms=100_000, clear_delay_ms=0)
    subject.take(Answer.HOLDS, 1_000_000, 1_000_000)
    subject.take(Answer.BETWEEN, 1_001_000, 1_001_000)

    assert subject.take(Answer.HOLDS, 1_000_000, 1_100_000) is None
    assert subject.since_ms == 1_100_000


# --- what is read, and what is not known ------------------------------------------------------------------------------

BATTERY = (
    BATTERY_RULE
    + """[[equipment_rule.example]]
events = { 5 = "end", 2 = "start" }
expect = { 6 = "absent" }
"""
)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + SERIES + "surprise = 1",
        HEAD + BATTERY + "surprise = 1",
        HEAD + STAY + "surprise = 1",
        HEAD + STAY + VECTOR + "surprise = 1",
        HEAD + INFUSION_RULE + "surprise = 1",
        HEAD.replace("high = 90", "high = 90, surprise = 1"),
    ],
    ids=["series", "event", "stay", "vector", "infusion", "limit"],
)
def test_a_field_that_nothing_knows_is_refused_wherever_it_stands(text: str) -> None:
    assert is_taken(text.replace(", surprise = 1", "").replace("surprise = 1", ""))
    with pytest.raises(ProfileError, match="unknown field 'surprise'"):
        parse_profile(text, "site.toml")


def test_a_reset_of_a_rule_above_its_limit_lies_below_it() -> None:
    assert is_taken(HEAD.replace("below = 65.0\nreset_at = 68.0", "above = 110\nreset_at = 109.9"))
    assert not is_taken(HEAD.replace("below = 65.0\nreset_at = 68.0", "above = 110\nreset_at = 110"))


@pytest.mark.parametrize(("above_s", "ok"), [(0, True), (0.5, True), (-0.5, False)])
def test_a_clock_may_be_asked_to_be_right(above_s: float, ok: bool) -> None:
    clock = CLOCK_RULE.replace("above_s = 5.0\nreset_s = 4.0", f"above_s = {above_s}\nreset_s = {max(0, above_s)}")

    assert is_taken(HEAD + clock) is ok


@pytest.mark.parametrize(("silence_s", "ok"), [(1, True), (0.5, False), (DAY_S, True), (DAY_S + 1, False)])
def test_a_device_may_be_silent_from_a_second_to_a_day(silence_s: float, ok: bool) -> None:
    assert is_taken(HEAD + OFFLINE_RULE.replace("monitor = 20", f"monitor = {silence_s}")) is ok


def test_how_long_each_kind_of_device_may_be_silent_is_read() -> None:
    (rule,) = parse_profile(HEAD + OFFLINE_RULE.replace("monitor = 20", "monitor = 20, pump = 60"), "x").equipment_rules

    assert rule.silent_after_s == {"monitor": 20, "pump": 60}


def test_an_example_of_events_is_read_in_order_of_time() -> None:
    (rule,) = parse_profile(HEAD + BATTERY, "x").equipment_rules
    (example,) = rule.examples

    assert list(example.events.items()) == [(2, "start"), (5, "end")]
    assert example.expect == {6: "absent"}


@pytest.mark.parametrize(("second", "ok"), [(0, True), (DAY_S, True), (DAY_S + 1, False)])
def test_an_event_of_an_example_is_of_one_day(second: int, ok: bool) -> None:
    assert is_taken(HEAD + BATTERY.replace("5 =", f"{second} =")) is ok


@pytest.mark.parametrize("field", ["onset_delay_s", "clear_delay_s"])
@pytest.mark.parametrize(("value", "ok"), [(0, True), (DAY_S, True), (-0.5, False), (DAY_S + 1, False)])
def test_delays_of_an_infusion_rule_last_a_day_at_most(field: str, value: float, ok: bool) -> None:
    assert is_taken(HEAD + INFUSION_RULE.replace(f"{field} = 0", f"{field} = {value}")) is ok


@pytest.mark.parametrize(("written", "course"), [("", False), ("course = true\n", True), ("course = false\n", False)])
def test_an_infusion_rule_is_about_a_course_where_it_says_so(written: str, course: bool) -> None:
    (rule,) = parse_profile(HEAD + INFUSION_RULE + written, "x").infusion_rules

    assert rule.is_of_course is course


def test_a_vector_of_a_stay_rule_is_read_with_what_is_usual() -> None:
    usual = """[[stay_rule.example]]
given = { weight_gain_pct = 6 }
expect = "present"
"""
    (rule,) = parse_profile(HEAD + STAY + usual + VECTOR.replace("later_h = 1", "later_h = 3"), "x").stay_rules
    first, second = rule.examples

    assert (first.later_h, first.monitor, first.course, first.beats, first.later) == (1.0, True, True, None, None)
    assert (second.later_h, second.beats, second.expect) == (3.0, 5, "present")
    assert first.given == {"weight_gain_pct": ((0.0, 6.0),)}
