"""What a condition rests on at this moment: nothing where none is under way, or nobody measures."""

from __future__ import annotations

from collections.abc import Mapping

from streaming.bed import Bed
from streaming.observation import MetricValue
from streaming.rules.kinds import LimitRule, StayRule
from streaming.stay_watch import StayWatch
from tests.support.bedside import BED, HR, IL2, Bedside, line, ms

PRESSOR: Mapping[str, MetricValue] = {
    "MDC_DRUG_NAME_LABEL": "Neo-Synephrine",
    "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
    "MDC_FLOW_FLUID_PUMP_CURRENT": 4.8,
    "MDC_CONC_DRUG": 0.2,
}


def limit_rule(rule_id: str) -> LimitRule:
    rule = IL2.rule(rule_id)
    assert isinstance(rule, LimitRule)
    return rule


def test_a_limit_that_nobody_measures_against_rests_on_nothing() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 80})

    assert bedside.ward.beds[BED].limit_evidence(limit_rule("hypotension.map_below_65")) is None
    assert Bed(BED, IL2).limit_evidence(limit_rule("hypotension.map_below_65")) is None, "at an empty bed"


def test_a_limit_rests_on_the_value_of_now_while_its_condition_is_under_way() -> None:
    bedside, rule = Bedside(), limit_rule("hypotension.map_below_65")
    bedside.every_second(range(10), line(80))
    bed = bedside.ward.beds[BED]
    assert bed.limit_evidence(rule) is None

    bedside.every_second(range(10, 20), line(62))
    evidence = bed.limit_evidence(rule)

    assert evidence is not None
    assert evidence["value"] == 62


def test_a_rule_about_the_stay_under_which_nothing_is_wrong_rests_on_nothing() -> None:
    bedside = Bedside()
    bedside.tick(60)
    patient = bedside.ward.beds[BED].patient
    assert patient is not None
    patient.facts.now_ms = ms(60)
    watch = StayWatch(bedside.ward.stays["adm-1"].admission, IL2)
    (rule,) = (each for each in IL2.stay_rules if each.id == "hypotension.acute_episode")
    assert isinstance(rule, StayRule)

    assert watch.evidence_now(rule, "", patient.facts, None) is None


def test_a_program_that_leaves_the_rate_as_it_is_adds_nothing_to_its_history() -> None:
    bedside = Bedside()
    bedside.status(0, "online", device="pump1", kind="pump")
    bedside.obs(0, PRESSOR, device="pump1")
    patient = bedside.ward.beds[BED].patient
    assert patient is not None
    patient.facts.now_ms = ms(60)
    before = patient.facts.before("phenylephrine_ug_kg_min", ms(60))

    bedside.obs(60, {**PRESSOR, "MDC_VOL_FLUID_TBI": 50.0}, device="pump1")

    assert before is not None
    assert before.at_ms == ms(0)
    patient.facts.now_ms = ms(120)
    assert patient.facts.before("phenylephrine_ug_kg_min", ms(120)) == before
