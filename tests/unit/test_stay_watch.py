"""The rules of one stay as they are asked: which, when again, what is told, and what nobody knows."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from gateway.rulesets import load_alarm_profile
from streaming.admission import Admission
from streaming.durations import HOUR_MS
from streaming.identity import BedId
from streaming.observation import Validity
from streaming.outcome import OutcomeChanged, RuleOutcome
from streaming.rules.kinds import AlarmProfile, StayRule
from streaming.rules.profile import parse_profile
from streaming.stay_watch import ASK_AGAIN_MS, StayWatch
from tests.support.plain_facts import BEGIN_MS, MINUTE_MS, PlainFacts, run_of

IL2 = load_alarm_profile()
RULE = """
[profile]
id = "site"
version = "1"
title = "One rule"
[[stay_rule]]
id = "low"
family = "hypotension"
title = "Low"
met = { kind = "limit", signal = "sbp", below = 90 }
RESET
onset_delay_s = ONSET
clear_delay_s = CLEAR
priority = "medium"
harm = "reversible"
develops = "prompt"
rationale = "why"
reference = "where from"
"""
RESET = 'reset = { kind = "limit", signal = "sbp", at_least = 94 }'


def profile_of(*, onset: float = 0, clear: float = 0, reset: str = RESET, more: str = "") -> AlarmProfile:
    text = RULE.replace("RESET", f"{reset}\n{more}").replace("ONSET", str(onset)).replace("CLEAR", str(clear))
    return parse_profile(text, "site.toml")


def watch_of(profile: AlarmProfile) -> StayWatch:
    admission = Admission(
        admission_id="adm-1", patient_id="p-1", bed=BedId("icu", "b01"), dosing_weight_kg=80, baseline_weight_kg=80,
        profile="site", admitted_ms=BEGIN_MS,
    )  # fmt: skip
    return StayWatch(admission, profile)


class Asked:
    """A patient and the rules that watch them."""

    def __init__(self, profile: AlarmProfile) -> None:
        self.facts = PlainFacts()
        self.watch = watch_of(profile)

    def at(self, minute: float, sbp: float | None = None, validity: Validity = Validity.VALID) -> list[OutcomeChanged]:
        self.facts.now_ms = BEGIN_MS + round(minute * MINUTE_MS)
        if sbp is not None:
            self.facts.say("sbp", sbp, validity=validity)
        return self.watch.look(self.facts, None, self.facts.now_ms)

    def told(self, *minutes: tuple[float, float | None]) -> list[tuple[float, str]]:
        found = [each for minute, sbp in minutes for each in self.at(minute, sbp)]
        return [((each.at_ms - BEGIN_MS) / MINUTE_MS, each.outcome.value) for each in found]


def test_what_is_found_says_everything_that_led_to_it() -> None:
    (found,) = Asked(profile_of()).at(1, 84.0)

    assert (found.rule.id, found.subject, found.outcome) == ("low", "sbp", RuleOutcome.PRESENT)
    assert (found.at_ms, found.onset_ms) == (BEGIN_MS + MINUTE_MS, BEGIN_MS + MINUTE_MS)
    evidence = found.evidence
    assert evidence["text"] == "SBP 84 mmHg below 90"
    assert (evidence["value"], evidence["unit"], evidence["limit"], evidence["coverage"]) == (84.0, "mm[Hg]", 90, 1.0)
    assert evidence["source"] == "MDC_PRESS_BLD_ART_ABP_SYS"
    assert evidence["at"] == evidence["since"] == "2001-09-09T01:47:40.000Z"
    assert (evidence["reference"], evidence["profile"]["id"]) == ("where from", "site")
    assert evidence["clears_when"] == "SBP at least 94 mmHg"


def test_between_limit_and_reset_it_stays_and_nothing_new_begins() -> None:
    asked = Asked(profile_of())

    assert asked.told((1, 91.0), (2, 84.0), (3, 93.9), (4, 94.0), (5, 91.0)) == [(2, "present"), (4, "absent")]


def test_without_a_reset_it_ends_as_soon_as_it_does_not_hold() -> None:
    assert Asked(profile_of(reset="")).told((1, 84.0), (2, 90.0)) == [(1, "present"), (2, "absent")]


def test_a_value_too_old_is_not_known_and_never_clears() -> None:
    asked = Asked(profile_of())

    assert asked.told((1, 84.0), (6, None), (6.01, None), (30, None), (31, 93.0)) == [
        (1, "present"),
        (6.01, "indeterminate"),
        (31, "present"),
    ]


def test_when_a_value_grows_too_old_is_known_beforehand_and_then_only_a_new_one_matters() -> None:
    asked = Asked(profile_of())
    asked.at(1, 84.0)
    assert asked.watch.due_ms(asked.facts.now_ms) == BEGIN_MS + 6 * MINUTE_MS + 1
    assert asked.watch.due_of(0) == BEGIN_MS + 6 * MINUTE_MS + 1

    asked.at(7)
    assert asked.watch.due_of(0) is None


def test_a_rhythm_that_nobody_watches_any_more_is_asked_about_each_minute() -> None:
    asked = Asked(replace(IL2, stay_rules=(_shipped("arrhythmia.vt"),), infusion_rules=()))
    asked.facts.monitor_seen_ms = BEGIN_MS
    asked.facts.events.append(run_of(12, minutes_ago=0))
    assert [each.outcome for each in asked.at(0)] == [RuleOutcome.PRESENT]
    assert asked.watch.due_of(0) == BEGIN_MS + 5 * MINUTE_MS + 1

    assert [each.outcome for each in asked.at(6)] == [RuleOutcome.INDETERMINATE]
    assert asked.watch.due_of(0) == BEGIN_MS + 6 * MINUTE_MS + ASK_AGAIN_MS


def test_a_doubtful_value_raises_and_does_not_clear() -> None:
    asked = Asked(profile_of())

    assert [each.outcome for each in asked.at(1, 84.0, Validity.QUESTIONABLE)] == [RuleOutcome.PRESENT]
    assert [each.outcome for each in asked.at(2, 120.0, Validity.QUESTIONABLE)] == [RuleOutcome.INDETERMINATE]


def test_a_rule_that_believes_nothing_doubtful_is_not_raised_by_it() -> None:
    asked = Asked(profile_of(more="believes_doubtful = false"))

    assert asked.at(1, 84.0, Validity.QUESTIONABLE) == []
    assert [each.outcome for each in asked.at(2, 84.0)] == [RuleOutcome.PRESENT]


def test_time_alone_confirms_what_still_stands() -> None:
    asked = Asked(profile_of(onset=120))
    asked.at(1, 84.0)
    now_ms = asked.facts.now_ms

    assert asked.watch.due_ms(now_ms) == now_ms + 2 * MINUTE_MS
    assert asked.watch.time_passed(now_ms + 2 * MINUTE_MS - 1) == []
    (found,) = asked.watch.time_passed(now_ms + 2 * MINUTE_MS)
    assert (found.outcome, found.onset_ms, found.evidence["text"]) == (
        RuleOutcome.PRESENT,
        now_ms,
        "SBP 84 mmHg below 90",
    )


def test_time_alone_confirms_nothing_that_rests_on_a_value_grown_too_old() -> None:
    asked = Asked(profile_of(onset=600))
    asked.at(1, 84.0)

    assert asked.watch.time_passed(asked.facts.now_ms + 11 * MINUTE_MS) == []
    assert asked.told((6.01, None), (12, None), (13, 84.0), (17, 84.0), (21, 84.0), (23, 84.0)) == [(23, "present")]


def test_the_evidence_is_of_the_last_look_before_it_was_confirmed() -> None:
    asked = Asked(profile_of(onset=120))
    asked.at(1, 88.0)
    asked.at(2, 80.0)
    (found,) = asked.watch.time_passed(asked.facts.now_ms + MINUTE_MS)

    assert found.evidence["value"] == 80.0


def test_only_the_rules_named_are_asked() -> None:
    profile = profile_of()
    two = replace(profile, stay_rules=(*profile.stay_rules, replace(profile.stay_rules[0], id="other")))
    watch, facts = watch_of(two), PlainFacts()
    facts.say("sbp", 84.0)

    assert [each.rule.id for each in watch.look(facts, None, facts.now_ms, [1])] == ["other"]
    assert [each.rule.id for each in watch.look(facts, None, facts.now_ms, [0, 1])] == ["low"]
    assert watch.look(facts, None, facts.now_ms, []) == []


def test_a_rule_of_the_course_is_silent_without_one_and_ends_with_nothing_said() -> None:
    asked = Asked(profile_of(more="course = true"))
    assert asked.at(1, 84.0) == []

    asked.facts.interval_began_ms = BEGIN_MS - HOUR_MS
    assert [each.outcome for each in asked.at(2, 84.0)] == [RuleOutcome.PRESENT]


def test_what_is_under_way_is_part_of_a_snapshot() -> None:
    asked = Asked(profile_of(onset=120))
    asked.at(1, 84.0)
    asked.watch = pickle.loads(pickle.dumps(asked.watch))

    assert asked.told((3, 84.0)) == [(3, "present")]


def test_other_values_that_a_rule_rests_on_stand_beside_the_first() -> None:
    asked = Asked(replace(IL2, stay_rules=(_shipped("hypotension.sbp_low_pressor_rising"),), infusion_rules=()))
    asked.facts.say("norepinephrine_ug_kg_min", 0.4, at_ms=BEGIN_MS - 2 * HOUR_MS)
    asked.facts.say("norepinephrine_ug_kg_min", 0.7, at_ms=BEGIN_MS)
    asked.at(0, 84.0)
    (found,) = asked.at(1, 84.0)

    assert found.evidence["text"] == "SBP 84 mmHg below 90, norepinephrine rising 0.4 → 0.7 µg/kg/min in 1 h"
    assert [each["signal"] for each in found.evidence["also"]] == ["norepinephrine_ug_kg_min"]


def test_a_reckoned_figure_is_marked_in_the_evidence() -> None:
    asked = Asked(replace(IL2, stay_rules=(_shipped("fluid_balance.above_3000_24h"),), infusion_rules=()))
    asked.facts.say("fluid_balance_ml_24h", 3500.0)
    (found,) = asked.at(0)

    assert found.evidence["estimated"] is True
    assert found.evidence["text"] == "Fluid balance of 24 h 3500 mL above 3000 (estimated)"


def test_who_knows_no_pumps_is_asked_no_infusion_rule() -> None:
    watch, facts = watch_of(replace(IL2, stay_rules=())), PlainFacts()

    assert watch.look(facts, "hold", facts.now_ms) == []
    assert watch.due_ms(facts.now_ms) is None


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_two_looks_at_one_patient_tell_no_more_than_one(seconds: int) -> None:
    once, twice = Asked(profile_of(onset=60)), Asked(profile_of(onset=60))
    twice.at(1 + seconds / 60, 84.0) if seconds else None
    for asked in (once, twice):
        asked.at(1, 84.0)

    assert len(once.watch.time_passed(BEGIN_MS + 2 * MINUTE_MS)) == 1


def _shipped(rule_id: str) -> StayRule:
    found = IL2.rule(rule_id)
    assert isinstance(found, StayRule)
    return found
