"""Stay rules and infusion rules: read with complaints that name the field, and the shipped ones with their vectors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.rulesets import load_alarm_profile, load_dosing_profile, shipped_dosing_profiles
from streaming.criteria.finding import Finding
from streaming.criteria.kinds import Limit
from streaming.criteria.predicates import parse_predicate
from streaming.rules.kinds import InfusionRule, Rule, StayExample, StayRule
from streaming.rules.priority import DEVELOPS, HARMS, priority_of
from streaming.rules.profile import parse_profile
from streaming.rules.stay_examples import check_stay_example
from streaming.rules.stay_profile import FINDINGS
from streaming.stay_words import ending, sentence
from streaming.therapy.findings import InfusionLimits, limits_of
from streaming.truth import Truth
from tests.support.site_profile import INFUSION_RULE, PROFILE, complaint

IL2 = load_alarm_profile()
STAY = {rule.id: rule for rule in IL2.stay_rules}
STAY_RULE = """
[[stay_rule]]
id = "low"
family = "hypotension"
title = "Wrong"
met = { kind = "limit", signal = "sbp", below = 90, patient_limit = "sbp_alarm" }
reset = { kind = "limit", signal = "sbp", at_least = 94 }
onset_delay_s = 0
clear_delay_s = 0
priority = "medium"
harm = "reversible"
develops = "prompt"
rationale = "why"
reference = "where from"
[[stay_rule.example]]
given = { sbp = 84 }
expect = "present"
"""
WHOLE = PROFILE + STAY_RULE + INFUSION_RULE
IN_LOW, IN_EARLY = "site.toml, rule 'low'", "site.toml, rule 'early'"


def rule_of(rule_id: str) -> StayRule:
    return STAY[rule_id]


# --- shipped ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", IL2.stay_rules, ids=[rule.id for rule in IL2.stay_rules])
def test_every_shipped_stay_rule_holds_its_vectors(rule: StayRule) -> None:
    found = [check_stay_example(IL2, rule, example) for example in rule.examples]

    assert [each for each in found if each is not None] == []
    assert "absent" in {example.expect for example in rule.examples}
    only_tested_with_pumps = rule.id == "hypotension.bolus_without_response"
    assert only_tested_with_pumps or "present" in {example.expect for example in rule.examples}


@pytest.mark.parametrize("rule", IL2.rules, ids=[rule.id for rule in IL2.rules])
def test_the_priority_of_every_shipped_rule_follows_from_harm_and_time(rule: Rule) -> None:
    assert rule.priority == priority_of(rule.harm, rule.develops)


def test_every_finding_has_a_rule() -> None:
    assert {rule.finding for rule in IL2.infusion_rules} == set(FINDINGS)


def test_every_family_of_the_stay_has_a_rule() -> None:
    families = {rule.family for rule in IL2.stay_rules} | {rule.family for rule in IL2.infusion_rules}
    assert families == {
        "hypotension", "weight_gain", "fluid_balance", "oliguria", "renal", "arrhythmia", "dose", "dose_during_hold",
        "dose_decision", "pressor", "pump",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("harm", "priorities"),
    [
        ("death", ("high", "high", "medium")),
        ("irreversible", ("high", "high", "medium")),
        ("reversible", ("high", "medium", "low")),
        ("minor", ("medium", "low", "low")),
    ],
)
def test_the_matrix_is_that_of_the_standard(harm: str, priorities: tuple[str, ...]) -> None:
    assert harm in HARMS
    assert tuple(priority_of(harm, develops) for develops in DEVELOPS) == priorities


def test_a_vector_that_is_wrong_is_found_and_says_what_was_given() -> None:
    rule = rule_of("weight_gain.5_percent")
    first: StayExample = rule.examples[0]
    wrong = replace(first, later={"weight": ((0.0, 90.0), (1.5, 85.0))}, expect="present")

    assert check_stay_example(IL2, rule, wrong) == (
        "expected present, found absent (given weight 84.0; later weight 90.0, 85.0 1.5 h ago)"
    )
    assert check_stay_example(IL2, rule, replace(first, given={})) == ("expected present, found absent (given nothing)")


@pytest.mark.parametrize("name", shipped_dosing_profiles())
def test_what_counts_as_wrong_with_a_dose_stands_in_the_dosing_profile(name: str) -> None:
    doses = load_dosing_profile(name).doses
    limits = limits_of(doses)

    assert (limits.course_doses_max, limits.interval_low_h) == (doses.per_course, doses.min_interval_h)
    if name != "til-2024":
        assert limits == InfusionLimits()


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_stay_rule_and_an_infusion_rule_are_read() -> None:
    profile = parse_profile(WHOLE, "site.toml")

    assert [rule.id for rule in profile.rules] == ["low", "early"]
    low, early = profile.rule("low"), profile.rule("early")
    assert isinstance(low, StayRule)
    assert isinstance(low.met, Limit)
    assert (low.believes_doubtful, low.is_of_course, low.is_estimated) == (True, False, False)
    assert isinstance(early, InfusionRule)
    assert (early.finding, early.decisions, early.harm, early.develops) == ("too_early", (), "reversible", "prompt")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('priority = "medium"', 'priority = "high"', f"{IN_LOW}: `priority` is 'high'; `harm` 'reversible' that"),
        ('harm = "reversible"', 'harm = "none"', f"{IN_LOW}: `harm` is 'none'; it must be one of death"),
        ('develops = "prompt"', "", f"{IN_LOW}: `develops` is missing"),
        ('family = "hypotension"', 'family = "x"', f"{IN_LOW}: `family` is 'x'"),
        ('kind = "limit", signal = "sbp", below', 'kind = "limt", signal = "sbp", below', f"{IN_LOW}, met: `kind`"),
        ("at_least = 94 }", "at_leat = 94 }", f"{IN_LOW}, reset: needs one of"),
        ('patient_limit = "sbp_alarm"', 'patient_limit = "sbp"', f"{IN_LOW}: `met` names the patient limit 'sbp'"),
        ('signal = "sbp", below', 'signal = "hr", below', f"{IN_LOW}: `met` names 'sbp_alarm' in mm[Hg], but hr is in"),
        ("given = { sbp = 84 }", "given = { spb = 84 }", f"{IN_LOW}, example, `given`: `spb` is no signal"),
        ('expect = "present"', 'expect = "met"', f"{IN_LOW}, example: `expect` is 'met'"),
        ('expect = "present"', 'expect = "present"\nevent = "x"', f"{IN_LOW}, example: `event` is 'x'"),
        ('expect = "present"', 'expect = "present"\nmood = 1', f"{IN_LOW}, example: unknown field 'mood'"),
        ('id = "low"', "", "site.toml: a stay_rule (Wrong) has no `id`"),
        ('id = "early"', 'id = "low"', "site.toml, rule 'low': `id` stands twice"),
        ('finding = "too_early"', 'finding = "late"', f"{IN_EARLY}: `finding` is 'late'; it must be one of wrong_dose"),
        ('family = "dose"', 'family = "pump"', f"{IN_EARLY}: `family` is 'pump'; it must be one of dose"),
        ('finding = "too_early"', 'finding = "too_early"\ndecisions = ["hold"]', f"{IN_EARLY}: `decisions` belongs"),
        (
            'family = "dose"\nfinding = "too_early"',
            'family = "dose_decision"\nfinding = "decision"',
            f"{IN_EARLY}: `decisions` belongs to a rule about infusing_during_hold or decision, which needs it",
        ),
        ('finding = "too_early"', 'finding = "too_early"\nlimit = 3', f"{IN_EARLY}: unknown field 'limit'"),
    ],
)
def test_a_wrong_field_is_named_with_its_rule(old: str, new: str, said: str) -> None:
    assert old in WHOLE

    assert complaint(WHOLE.replace(old, new, 1)).startswith(said)


# --- words ------------------------------------------------------------------------------------------------------------


def told(predicate: str, value: float | str | None, **fields: object) -> str:
    leaf = parse_predicate(_table(predicate), "here")
    finding = Finding(Truth.TRUE, value, leaf=leaf, **fields)  # type: ignore[arg-type]
    return sentence(rule_of("weight_gain.5_percent"), finding)


def _table(text: str) -> dict[str, object]:
    import tomllib

    return dict(tomllib.loads(f"p = {{ {text} }}")["p"])


@pytest.mark.parametrize(
    ("predicate", "finding", "words"),
    [
        (
            'kind = "baseline_change", signal = "sbp", baseline = "sbp", at_most = -20',
            {"value": -24.0, "unit": "mm[Hg]", "detail": "128 → 104"},
            "SBP −24 mmHg since baseline (128 → 104 mmHg)",
        ),
        (
            'kind = "interval_change", signal = "shock_index", at_least = 0.2, within_s = 60',
            {"value": 0.25, "unit": "1", "detail": "0.75 → 1"},
            "Shock index +0.25 since the dose interval began (0.75 → 1)",
        ),
        (
            'kind = "rise_from_lowest", signal = "creatinine", at_least = 0.3, within_s = 172800',
            {"value": 0.4, "unit": "mg/dL", "detail": "0.9 → 1.3"},
            "Creatinine rising 0.9 → 1.3 mg/dL within 48 h",
        ),
        (
            'kind = "trend", signal = "norepinephrine_ug_kg_min", above = 0, over_s = 3600',
            {"value": 0.3, "unit": "ug/kg/min", "detail": "0.4 → 0.7"},
            "Norepinephrine rising 0.4 → 0.7 µg/kg/min in 1 h",
        ),
        (
            'kind = "trend", signal = "map", below = 5, over_s = 3600',
            {"value": -2.0, "unit": "mm[Hg]", "detail": "60 → 58"},
            "MAP 60 → 58 mmHg in 1 h",
        ),
        (
            'kind = "burden", signal = "map", limit = 65, measure = "minutes", at_least = 30, window_s = 14400',
            {"value": 35.0, "unit": "min"},
            "MAP below 65 for 35 min of 4 h",
        ),
        (
            'kind = "burden", signal = "map", limit = 65, measure = "average", above = 2, window_s = 14400',
            {"value": 2.5, "unit": "mm[Hg]"},
            "MAP on average 2.5 mmHg below 65 over 4 h",
        ),
        (
            'kind = "total", signal = "intake_ml", at_least = 250, window_s = 3600',
            {"value": 300.0, "unit": "mL", "limit": 250.0},
            "Intake 300 mL in 1 h, at least 250",
        ),
        (
            'kind = "low_flow", signal = "urine_ml_h", total = "urine_ml", below = 10, window_s = 57600',
            {"value": 8.0, "unit": "mL/h", "limit": 10.0},
            "Urine below 10 mL/h for 16 h",
        ),
        (
            'kind = "low_flow", signal = "urine_ml_h", total = "urine_ml", below = 10, window_s = 57600',
            {"value": 8.0, "unit": "mL/h"},
            "Urine below 10 mL/h for 16 h",
        ),
        (
            'kind = "limit", signal = "sbp", below = 90',
            {"value": 84.0, "unit": "mm[Hg]", "limit": 90.0},
            "SBP 84 mmHg below 90",
        ),
        ('kind = "state", signal = "site:gi", is = ["ileus"]', {"value": "ileus"}, "Gut: ileus"),
        (
            'kind = "rhythm_present", is = ["svt"], told_s = 1, lasting_s = 1',
            {"value": "svt", "detail": "svt"},
            "Supraventricular tachycardia",
        ),
        (
            'kind = "rhythm_present", is = ["asystole"], told_s = 1, lasting_s = 1',
            {"value": 4.0, "unit": "s", "detail": "asystole"},
            "Asystole, 4 s",
        ),
    ],
)
def test_what_was_found_is_one_short_sentence(predicate: str, finding: dict[str, object], words: str) -> None:
    signal = _table(predicate).get("signal", "site:rhythm")

    assert told(predicate, source_signal=signal, **finding) == words  # type: ignore[arg-type]


def test_a_reckoned_figure_says_so_and_a_value_is_told_once() -> None:
    below = parse_predicate(_table('kind = "limit", signal = "sbp", below = 90'), "here")
    above = parse_predicate(_table('kind = "limit", signal = "sbp", above = 80'), "here")
    other = parse_predicate(_table('kind = "limit", signal = "hr", above = 100'), "here")
    assert isinstance(below, Limit)
    assert isinstance(above, Limit)
    assert isinstance(other, Limit)
    finding = Finding(Truth.TRUE, 84.0, "mm[Hg]", source_signal="sbp", limit=90.0, leaf=below)
    same = finding._replace(leaf=above, limit=80.0)
    rate = Finding(Truth.TRUE, 120.0, "/min", source_signal="hr", limit=100.0, leaf=other)

    assert sentence(rule_of("hypotension.shock_index_rise"), finding._replace(also=(same, rate))) == (
        "SBP 84 mmHg below 90, heart rate 120 /min above 100 (estimated)"
    )


def test_what_would_end_it_is_told() -> None:
    assert ending(rule_of("renal.creatinine_4_5")) == "creatinine below 4 mg/dL"
    assert ending(rule_of("hypotension.acute_episode")).endswith("in 30 min: below 27 for 2 min")
    assert ending(rule_of("oliguria.urine_below_10_16h")).startswith("no longer: urine below 10 mL/h in each hour")
    assert ending(IL2.infusion_rules[0]) == "it is no longer so"
