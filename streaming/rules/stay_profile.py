"""From tables of an alarm profile to stay rules and infusion rules, with errors that name file, rule and field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streaming.criteria.kinds import Burden, Limit, leaves
from streaming.criteria.predicates import BASELINES, RHYTHM, parse_predicate, read_flag
from streaming.criteria.profile import read_numbers, read_stated
from streaming.nomenclature import METRICS, SIGNAL_UNITS
from streaming.rules.fields import DAY_S, OUTCOMES, read_severity, rule_table
from streaming.rules.infusion_story import read_story
from streaming.rules.kinds import DECISION, DURING_HOLD, FAMILIES, InfusionRule, PatientLimit, StayExample, StayRule
from streaming.rules.table import Table
from streaming.therapy.findings import FAMILY_OF

DECISIONS = ("hold", "discontinue")
_FAMILY_OF: Mapping[str, str] = {
    **{kind.value: family for kind, family in FAMILY_OF.items()},
    DURING_HOLD: "dose_during_hold",
    DECISION: "dose_decision",
}
FINDINGS = tuple(_FAMILY_OF)
"""What an infusion rule may be about."""
_OF_DECISION = (DURING_HOLD, DECISION)


def read_stay_rule(source: str, body: Mapping[str, Any], limits: Mapping[str, PatientLimit]) -> StayRule:
    """Read one `[[stay_rule]]`.

    Raises:
        ProfileError: It is none.
    """
    table = rule_table(source, body, "stay_rule")
    severity = read_severity(table)
    rule = StayRule(
        id=table.text("id"),
        family=table.text("family", FAMILIES),
        title=table.text("title"),
        met=parse_predicate(table.take("met"), f"{table.where}, met"),
        reset=parse_predicate(table.take("reset"), f"{table.where}, reset") if "reset" in table else None,
        onset_delay_s=table.number("onset_delay_s", low=0, high=DAY_S),
        clear_delay_s=table.number("clear_delay_s", low=0, high=DAY_S),
        priority=severity.priority,
        harm=severity.harm,
        develops=severity.develops,
        is_estimated=read_flag(table, "estimated", default=False),
        is_of_course=read_flag(table, "course", default=False),
        believes_doubtful=read_flag(table, "believes_doubtful", default=True),
        rationale=table.text("rationale"),
        reference=table.text("reference"),
        examples=tuple(_example(table.where, example) for example in table.tables("example")),
    )
    table.end()
    _check_patient_limits(table, rule, limits)
    return rule


def _check_patient_limits(table: Table, rule: StayRule, limits: Mapping[str, PatientLimit]) -> None:
    for field, predicate in (("met", rule.met), ("reset", rule.reset)):
        for leaf in leaves(predicate) if predicate is not None else ():
            own = leaf.patient_limit if isinstance(leaf, Limit | Burden) else None
            if own is not None and own not in limits:
                raise table.error(field, f"names the patient limit {own!r}, which is not in [patient_limits]")
            if own is not None and limits[own].unit != SIGNAL_UNITS[leaf.signal]:
                unit = SIGNAL_UNITS[leaf.signal]
                raise table.error(field, f"names {own!r} in {limits[own].unit}, but {leaf.signal} is in {unit}")


def read_infusion_rule(source: str, body: Mapping[str, Any]) -> InfusionRule:
    """Read one `[[infusion_rule]]`.

    Raises:
        ProfileError: It is none.
    """
    table = rule_table(source, body, "infusion_rule")
    severity = read_severity(table)
    finding = table.text("finding", FINDINGS)
    rule = InfusionRule(
        id=table.text("id"),
        family=table.text("family", (_FAMILY_OF[finding],)),
        title=table.text("title"),
        finding=finding,
        decisions=table.texts("decisions", DECISIONS),
        onset_delay_s=table.number("onset_delay_s", low=0, high=DAY_S),
        clear_delay_s=table.number("clear_delay_s", low=0, high=DAY_S),
        priority=severity.priority,
        harm=severity.harm,
        develops=severity.develops,
        is_of_course=read_flag(table, "course", default=False),
        rationale=table.text("rationale"),
        reference=table.text("reference"),
        examples=tuple(read_story(table.where, example) for example in table.tables("example")),
    )
    table.end()
    if bool(rule.decisions) != (finding in _OF_DECISION):
        raise table.error("decisions", f"belongs to a rule about {' or '.join(_OF_DECISION)}, which needs it")
    return rule


def _example(where: str, body: Mapping[str, Any]) -> StayExample:
    table = Table(f"{where}, example", dict(body))
    later_h = table.optional_number("later_h", low=0, high=1000)
    example = StayExample(
        given=read_stated(table, "given"),
        later=read_stated(table, "later") if "later" in table else None,
        later_h=1.0 if later_h is None else later_h,
        event=table.text("event", sorted(METRICS[RHYTHM].values or ())) if "event" in table else None,
        beats=table.integer("beats", low=1, high=10_000) if "beats" in table else None,
        monitor=read_flag(table, "monitor", default=True),
        course=read_flag(table, "course", default=True),
        baseline=read_numbers(table.table("baseline"), BASELINES),
        limits=read_numbers(table.table("limits")),
        expect=table.text("expect", OUTCOMES),
    )
    table.end()
    return example
