"""Infusion rules and the stories beside them: the shipped ones hold, a wrong one is found, a bad one is told."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.rulesets import load_alarm_profile
from streaming.rules.infusion_examples import check_infusion_example, infusion_outcomes
from streaming.rules.infusion_story import MINUTES_MAX, read_story, stated_doses
from streaming.rules.kinds import InfusionExample, InfusionRule
from streaming.rules.profile import parse_profile
from streaming.therapy.drugs import Drug
from streaming.therapy.findings import InfusionLimits, doses_change_ms, limits_of
from tests.support.site_profile import FILE, PROFILE, complaint
from tests.support.sources import REPOSITORY
from tests.support.talking_pump import at
from tests.unit.test_stay_alarms import DOSE, Treated
from tests.unit.therapy.test_doses import Nurse
from tests.unit.therapy.test_findings import begun

IL2 = load_alarm_profile()
RULES = {rule.id: rule for rule in IL2.infusion_rules}
SHIPPED = REPOSITORY / "streaming" / "profiles" / "alarms-il2.toml"
KNOWN_IN_SILENCE = {"dose.too_early", "dose.too_many", "dose.interrupted", "dose.reprogrammed", "pressor.stopped"}
KNOWN_IN_SILENCE |= {"pressor.occluded", "pump.alarm", "dose_decision.hold", "dose_decision.discontinue"}
"""What has happened has happened, whoever falls silent after."""
RULE = """
[[infusion_rule]]
id = "much"
family = "dose"
finding = "wrong_dose"
title = "Too much"
onset_delay_s = 0
clear_delay_s = 0
priority = "medium"
harm = "reversible"
develops = "prompt"
rationale = "why"
reference = "where from"
[[infusion_rule.example]]
story = "105.1 %"
pumps.p1 = [[0, { dose = 105.1 }], [3, "silent"]]
decision = [[0, "hold"]]
weighed = [[0, 80]]
expect = [[-1, "absent"], [5, "present"]]
"""
IN_EXAMPLE = "site.toml, rule 'much', example '105.1 %'"


def rule_with(old: str, new: str) -> InfusionRule:
    assert old in RULE
    (rule,) = parse_profile(PROFILE + RULE.replace(old, new), FILE).infusion_rules
    return rule


def failures(rule: InfusionRule) -> list[str]:
    return [failure for example in rule.examples for failure in check_infusion_example(IL2, rule, example)]


# --- shipped ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", IL2.infusion_rules, ids=RULES)
def test_every_shipped_infusion_rule_holds_its_stories(rule: InfusionRule) -> None:
    expected = {outcome for example in rule.examples for _, outcome in example.expect}

    assert failures(rule) == []
    assert {"absent", "present"} <= expected
    assert ("indeterminate" in expected) != (rule.id in KNOWN_IN_SILENCE)


def test_a_story_is_told_once() -> None:
    for rule in IL2.infusion_rules:
        stories = [example.story for example in rule.examples]
        assert len(stories) == len(set(stories)), rule.id


@pytest.mark.parametrize(
    ("rule_id", "doses"),
    [
        ("dose.wrong_dose", {"tolerance_pct": 5.2}),
        ("dose.wrong_dose", {"tolerance_pct": 4.9}),
        ("dose.wrong_dose", {"told_for_h": 2}),
        ("dose.short", {"tolerance_pct": 5.2}),
        ("dose.short", {"given_up_after_min": 16}),
        ("dose.wrong_duration", {"min_duration_min": 11.9}),
        ("dose.wrong_duration", {"min_duration_min": 12.1}),
        ("dose.wrong_duration", {"max_duration_min": 20.2}),
        ("dose.wrong_duration", {"max_duration_min": 19.9}),
        ("dose.too_early", {"min_interval_h": 7.51}),
        ("dose.too_early", {"min_interval_h": 7.4}),
        ("dose.too_many", {"per_course": 27}),
        ("dose.too_many", {"per_course": 29}),
        ("dose.too_many", {"per_cycle": 15}),
        ("dose.weight_mismatch", {"weight_tolerance_pct": 10.2}),
        ("dose.weight_mismatch", {"weight_tolerance_pct": 9.9}),
        ("dose.concentration", {"concentration_low_mg_ml": 0.0298}),
        ("dose.concentration", {"concentration_low_mg_ml": 0.0301}),
        ("dose.concentration", {"concentration_high_mg_ml": 0.0702}),
        ("dose.concentration", {"concentration_high_mg_ml": 0.0699}),
        ("dose.interrupted", {"max_pause_min": 5.1}),
        ("dose.interrupted", {"max_pause_min": 4.9}),
        ("pressor.stopped", {"weaned_to_share": 0.34}),
        ("pressor.stopped", {"weaned_to_share": 0.33}),
        ("pressor.stopped", {"weaned_to": {"norepinephrine": 0.021}}),
        ("pressor.stopped", {"weaned_to": {"norepinephrine": 0.019}}),
        ("pressor.stopped", {"told_for_h": 2}),
        ("pressor.occluded", {"told_for_h": 2}),
        ("pressor.rising", {"pressor_rise_pct": 24}),
        ("pressor.rising", {"pressor_rise_pct": 26}),
        ("pressor.rising", {"weaned_to": {"norepinephrine": 0.019}}),
        ("pressor.rising", {"weaned_to": {"norepinephrine": 0.021}}),
        ("pump.alarm", {"told_for_h": 0.9}),
    ],
)
def test_a_limit_that_is_a_little_off_fails_the_stories_of_its_rule(rule_id: str, doses: dict[str, object]) -> None:
    rule = RULES[rule_id]
    off = [replace(example, doses=doses) for example in rule.examples if not example.doses]

    assert any(check_infusion_example(IL2, rule, example) for example in off)


@pytest.mark.parametrize("rule_id", ["pressor.stopped", "pressor.rising", "pump.alarm"])
def test_another_delay_fails_the_stories_of_its_rule(rule_id: str) -> None:
    rule = RULES[rule_id]

    for delay_s in (rule.onset_delay_s - 2, rule.onset_delay_s + 2):
        assert failures(replace(rule, onset_delay_s=delay_s)) != []


def test_the_story_of_the_page_holds() -> None:
    text = (REPOSITORY / "docs" / "alarm-rules.md").read_text(encoding="utf-8")
    (body,) = tomllib.loads(text.split("```toml\n")[1].split("```")[0])["infusion_rule"]["example"]

    assert check_infusion_example(IL2, RULES["dose.wrong_dose"], read_story("page", body)) == []


def test_a_rule_is_tried_alone() -> None:
    rule, short = RULES["dose.wrong_dose"], RULES["dose.short"]
    (example,) = (each for each in rule.examples if each.story.startswith("105.1 %"))

    assert infusion_outcomes(IL2, rule, example)[1] == "present"
    assert infusion_outcomes(IL2, short, example)[1] == "absent"


# --- a wrong one ------------------------------------------------------------------------------------------------------


def test_a_story_that_expects_the_wrong_thing_is_found_at_each_minute() -> None:
    rule = rule_with('[[-1, "absent"], [5, "present"]]', '[[-1, "present"], [3, "present"], [5, "absent"]]')

    assert failures(rule) == [
        "at -1 min expected present, found absent (105.1 %)",
        "at 5 min expected absent, found present (105.1 %)",
    ]


def test_the_command_reports_a_story_that_does_not_hold(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    old = "pumps.p1 = [[0, { dose = 105.1 }]]"
    assert text.count(old) == 1
    wrong.write_text(text.replace(old, old.replace("105.1", "105")), encoding="utf-8")
    run = CliRunner().invoke(app, ["rules", "check", str(wrong)])

    assert run.exit_code == 1
    assert ", 2 failed" in run.stdout
    assert "dose.wrong_dose: at 0 min expected present, found absent" in run.stderr.replace("\n", " ")


# --- a bad one --------------------------------------------------------------------------------------------------------


def test_a_story_is_read() -> None:
    (example,) = rule_with("105.1 %", "105.1 %").examples

    assert isinstance(example, InfusionExample)
    assert example.pumps == {"p1": ((0.0, {"dose": 105.1}), (3.0, "silent"))}
    assert (example.decisions, example.weighed) == (((0.0, "hold"),), ((0.0, 80.0),))
    assert example.order == {"dose_iu_per_kg": 600_000, "interval_h": 8, "max_doses": 14, "duration_min": 15}
    assert (example.dosing_weight_kg, example.doses_before, example.doses) == (80, 0, {})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('story = "105.1 %"\n', "", "site.toml, rule 'much', example: `story` is missing"),
        ("dose = 105.1", "dose = 0", f"{IN_EXAMPLE}, `pumps`, `p1`: `dose` must be a number from 1 to 1000"),
        (
            "dose = 105.1",
            "speed = 1",
            f"{IN_EXAMPLE}, `pumps`, `p1`: `speed` is no word of a pump; there are dose, drug",
        ),
        ("dose = 105.1", "rate = -1", f"{IN_EXAMPLE}, `pumps`, `p1`: `rate` must be a number from 0 to"),
        ("dose = 105.1", 'rate = "fast"', f"{IN_EXAMPLE}, `pumps`, `p1`: `rate` must be a number of mL/h"),
        ("dose = 105.1", 'weight = [80, "mL"]', f"{IN_EXAMPLE}, `pumps`, `p1`: `weight` must be a number of kg"),
        (
            "dose = 105.1",
            'concentration = [3e7, "[IU]/mL"]',
            "`concentration` must be a number from 0 to 2e+07 [IU]/mL",
        ),
        ("dose = 105.1", 'status = "on"', f"{IN_EXAMPLE}, `pumps`, `p1`: `status` is 'on'; it must be one of infusing"),
        ("dose = 105.1", "drug = 5", f"{IN_EXAMPLE}, `pumps`, `p1`: `drug` must be a non-empty text"),
        ('"silent"', '"quiet"', f"{IN_EXAMPLE}, `pumps`: `p1` is 'quiet'; it must be a table, silent, offline"),
        (
            '"silent"',
            '"MDC_EVT_FLUID_LINE_OCCL over"',
            f"{IN_EXAMPLE}, `pumps`: `p1` is 'MDC_EVT_FLUID_LINE_OCCL over'",
        ),
        ('"silent"', "4", f"{IN_EXAMPLE}, `pumps`: `p1` must say something at each minute"),
        ("pumps.p1", "pumps.chart", f"{IN_EXAMPLE}, `pumps`: `chart` is 'silent'"),
        ("[[0, { dose = 105.1 }], ", "[[4, { dose = 105.1 }], ", "`p1` must be in order of time, within"),
        (
            "[[0, { dose = 105.1 }], ",
            f"[[{-MINUTES_MAX - 1}, {{ dose = 1 }}], ",
            "`p1` must be in order of time, within",
        ),
        ("[[0, { dose = 105.1 }], ", "[[{ dose = 105.1 }], ", "`p1` must be a list of [minute, what]"),
        ('[3, "silent"]', '[6, "silent"]', f"{IN_EXAMPLE}: `p1` goes on after the last outcome that is expected, at 5"),
        (
            '[[0, "hold"]]',
            '[[0, "stop"]]',
            f"{IN_EXAMPLE}: `decision` is 'stop'; it must be one of proceed, indetermin",
        ),
        ('[[0, "hold"]]', '"halt"', f"{IN_EXAMPLE}: `decision` is 'halt'; it must be one of proceed, indeterminate"),
        ("[[0, 80]]", "[[0, 8]]", f"{IN_EXAMPLE}: `weighed` is 8; it must be a number of kg from 10 to 700"),
        ('[5, "present"]', '[5, "met"]', f"{IN_EXAMPLE}: `expect` is 'met'; it must be one of absent, present"),
        ('expect = [[-1, "absent"], [5, "present"]]', "", f"{IN_EXAMPLE}: must expect something"),
        (
            "weighed",
            "order = { interval_h = 0.1 }\nweighed",
            f"{IN_EXAMPLE}, `order`: `interval_h` must be a number from",
        ),
        ("weighed", "order = { doses = 3 }\nweighed", f"{IN_EXAMPLE}, `order`: unknown field 'doses'"),
        (
            "weighed",
            "doses_before = 101\nweighed",
            f"{IN_EXAMPLE}: `doses_before` must be a whole number from 0 to 100",
        ),
        (
            "weighed",
            "dosing_weight_kg = 8\nweighed",
            f"{IN_EXAMPLE}: `dosing_weight_kg` must be a number from 25 to 350",
        ),
        (
            "weighed",
            "doses = { tolerance_pct = 60 }\nweighed",
            f"{IN_EXAMPLE}, `doses`: `tolerance_pct` must be a number",
        ),
        ("weighed", "doses = { percent = 3 }\nweighed", f"{IN_EXAMPLE}, `doses`: unknown field 'percent'"),
        ("weighed", "mood = 1\nweighed", f"{IN_EXAMPLE}: unknown field 'mood'"),
    ],
)
def test_a_story_that_cannot_be_is_refused_with_file_rule_and_field(old: str, new: str, said: str) -> None:
    assert old in RULE

    complained = complaint(PROFILE + RULE.replace(old, new))

    assert said in complained
    assert complained.startswith("site.toml, rule 'much', example")


def test_the_usual_limits_are_those_of_the_infusion_rules() -> None:
    assert limits_of(stated_doses("x", {})) == InfusionLimits()
    weaned_to = limits_of(stated_doses("x", {"weaned_to": {"dopamine": 2}})).weaned_to
    assert weaned_to == {**InfusionLimits().weaned_to, Drug.DOPAMINE: 2.0}


# --- what the stories found -------------------------------------------------------------------------------------------


def test_a_dose_whose_pump_is_heard_no_more_is_lost_and_one_that_stands_still_is_not() -> None:
    running, standing = begun(Nurse()), begun(Nurse())
    for nurse in (running, standing):
        nurse.give(60, 3.0)
    standing.stop(70)

    assert [running.last.is_lost(at(seconds)) for seconds in (60, 360, 361)] == [False, False, True]
    assert not standing.last.is_lost(at(4000))


def test_pauses_of_just_five_minutes_do_not_ask_for_a_look_each_millisecond() -> None:
    nurse = begun(Nurse())
    nurse.stop(60)
    nurse.give(360, 3.0)
    now_ms = at(360)

    assert nurse.last.interrupted_ms(now_ms) == 300_000
    assert min(due for due in doses_change_ms(nurse.record, now_ms, InfusionLimits()) if due > now_ms) > now_ms + 60_000


def test_the_alarm_of_a_wrong_dose_does_not_end_because_its_pump_falls_silent() -> None:
    bedside = Treated()
    bedside.infuse(60, 120, {**DOSE, "MDC_VOL_FLUID_TBI": 110.0})
    assert bedside.alarm("dose.wrong_dose").condition == "present"

    for at_s, condition in ((420, "present"), (421, "indeterminate"), (1019, "indeterminate"), (3721, "absent")):
        bedside.tick(at_s)
        assert bedside.alarm("dose.wrong_dose").condition == condition
