"""Rules and criteria as JSON-ready objects, for people to look through: `GET /rules`, `GET /profiles`, `vigil rules`.

Questions are told in words; test vectors are left out. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from streaming.criteria.criterion import Criterion, DosingProfile
from streaming.criteria.words import criterion_row, predicate_words
from streaming.rules.kinds import AlarmProfile, EquipmentRule, InfusionRule, LimitRule, Rule, StayRule
from streaming.stay_words import ending

JsonObject = dict[str, Any]
_EMPTY: tuple[object, ...] = (None, (), {})
_COMMON = ("id", "family", "title", "onset_delay_s", "clear_delay_s", "priority", "harm", "develops", "rationale")


def rule_object(rule: Rule) -> JsonObject:
    """An alarm rule. `harm` and `develops` make its priority (IEC 60601-1-8)."""
    if isinstance(rule, StayRule):
        return _common(rule) | _stay(rule)
    if isinstance(rule, InfusionRule):
        return _common(rule) | {
            "kind": "infusion",
            "finding": rule.finding,
            "limit": limit_words(rule),
            "clears_when": ending(rule),
            "decisions": list(rule.decisions),
            "only_under_a_course": rule.is_of_course,
        }
    body: JsonObject = {key: value for key, value in asdict(rule).items() if value not in _EMPTY}
    body.pop("examples", None)
    body["kind"] = "limit" if isinstance(rule, LimitRule) else rule.kind
    return body


def limit_words(rule: Rule) -> str:
    """What is wrong, in a few words."""
    if isinstance(rule, StayRule):
        return str(predicate_words(rule.met))
    if isinstance(rule, InfusionRule):
        words = f"{rule.finding} ({' or '.join(rule.decisions)})" if rule.decisions else rule.finding
        return words.replace("_", " ")
    return rule.kind if isinstance(rule, EquipmentRule) else f"{rule.signal} {rule.sign} {rule.threshold:g}"


def identity_of(profile: AlarmProfile | DosingProfile) -> JsonObject:
    """Which profile it is, to the byte."""
    return {"id": profile.id, "version": profile.version, "sha256": profile.sha256}


def criterion_object(profile: DosingProfile, criterion: Criterion) -> JsonObject:
    """A dose criterion with the profile it stands in."""
    return criterion_row(criterion) | {"kind": "criterion", "profile": identity_of(profile)}


def find_criterion(dosing: Mapping[str, DosingProfile], usual: str, name: str) -> JsonObject | None:
    """A criterion by `profile/criterion`, or by its id alone: of the usual profile first, then of the others.

    Args:
        dosing: Dosing profiles by id.
        usual: The one that is asked first.
        name: What somebody looks for.
    """
    profile_id, _, criterion_id = name.rpartition("/")
    names = [profile_id] if profile_id else [usual, *sorted(dosing)]
    for profile in (dosing[each] for each in names if each in dosing):
        criterion = profile.criterion(criterion_id)
        if criterion is not None:
            return criterion_object(profile, criterion)
    return None


def dosing_profile_object(profile: DosingProfile) -> JsonObject:
    """A dosing profile with its criteria and its limits on doses."""
    return identity_of(profile) | {
        "title": profile.title,
        "kind": "dosing",
        "counting": profile.counting.value,
        "based_on": profile.based_on,
        "approver": profile.approver,
        "doses": asdict(profile.doses),
        "patient_limits": [asdict(limit) for limit in profile.patient_limits.values()],
        "criteria": [criterion_row(criterion) for criterion in profile.criteria],
    }


def alarm_profile_object(profile: AlarmProfile) -> JsonObject:
    """An alarm profile, without its rules."""
    return identity_of(profile) | {
        "title": profile.title,
        "kind": "alarms",
        "rules": len(profile.rules),
        "patient_limits": [asdict(limit) for limit in profile.patient_limits.values()],
    }


def _common(rule: StayRule | InfusionRule) -> JsonObject:
    return {name: getattr(rule, name) for name in (*_COMMON, "reference")}


def _stay(rule: StayRule) -> JsonObject:
    return {
        "kind": "stay",
        "limit": limit_words(rule),
        "clears_when": ending(rule),
        "estimated": rule.is_estimated,
        "only_under_a_course": rule.is_of_course,
        "believes_doubtful": rule.believes_doubtful,
    }
