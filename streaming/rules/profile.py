"""From the text of a profile (TOML) to rules, with errors that name file, rule and field.

Takes text and never opens a file. The hash is over the text as it stands, so that one changed character is another
profile.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from streaming.nomenclature import SIGNAL_UNITS
from streaming.observation import DEVICE_KINDS
from streaming.rules.fields import DAY_S, OUTCOMES, read_severity, rule_table
from streaming.rules.kinds import (
    EQUIPMENT_KINDS,
    FAMILIES,
    AlarmProfile,
    EquipmentRule,
    EventExample,
    Example,
    LimitRule,
    PatientLimit,
)
from streaming.rules.series import SILENCE_AFTER_S, expand
from streaming.rules.stay_profile import read_infusion_rule, read_stay_rule
from streaming.rules.table import ProfileError, Table

__all__ = ["ProfileError", "parse_profile"]

_NEEDED = {
    "signal_stale": ("signals",),
    "device_offline": ("silent_after_s",),
    "clock_skew": ("above_s", "reset_s"),
    "sources_disagree": ("above", "within_s"),
}
"""Fields without which an equipment rule of that kind could never fire, or never clear."""
BATTERY_LOW = "battery_low"
EVENT_PHASES = ("start", "end", "tpoint")
KNOWN_OUTCOMES = ("absent", "present")
_ONLY_WHERE_NEEDED = frozenset(name for names in _NEEDED.values() for name in names)


def parse_profile(text: str, source: str) -> AlarmProfile:
    """Read an alarm profile.

    Args:
        text: The TOML text.
        source: File name, for messages.

    Raises:
        ProfileError: The text is no valid profile.
    """
    try:
        document = Table(source, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: {error}") from error
    head = document.table("profile")
    limits = _patient_limits(document.table("patient_limits"))
    profile = AlarmProfile(
        id=head.text("id"),
        version=head.text("version"),
        title=head.text("title"),
        sha256=sha256(text.encode()).hexdigest(),
        limit_rules=tuple(_limit_rule(source, body, limits) for body in document.tables("limit_rule")),
        equipment_rules=tuple(_equipment_rule(source, body) for body in document.tables("equipment_rule")),
        patient_limits=limits,
        stay_rules=tuple(read_stay_rule(source, body, limits) for body in document.tables("stay_rule")),
        infusion_rules=tuple(read_infusion_rule(source, body) for body in document.tables("infusion_rule")),
    )
    head.end()
    document.end()
    _refuse_doubles(source, profile)
    return profile


def _refuse_doubles(source: str, profile: AlarmProfile) -> None:
    ids: set[str] = set()
    for rule in profile.rules:
        if rule.id in ids:
            raise ProfileError(f"{source}, rule {rule.id!r}: `id` stands twice")
        ids.add(rule.id)
    kinds: set[str] = set()
    for equipment in profile.equipment_rules:
        if equipment.kind in kinds:
            raise ProfileError(f"{source}, rule {equipment.id!r}: `kind` {equipment.kind!r} stands twice")
        kinds.add(equipment.kind)


def _patient_limits(limits: Table) -> Mapping[str, PatientLimit]:
    return {name: _patient_limit(name, limits.table(name)) for name in limits.names()}


def _patient_limit(name: str, table: Table) -> PatientLimit:
    low = table.number("low")
    limit = PatientLimit(name=name, low=low, high=table.number("high", low=low), unit=table.text("unit"))
    table.end()
    return limit


def _limit_rule(source: str, body: Mapping[str, Any], limits: Mapping[str, PatientLimit]) -> LimitRule:
    table = rule_table(source, body, "limit_rule")
    severity = read_severity(table)
    rule = LimitRule(
        id=table.text("id"),
        family=table.text("family", FAMILIES),
        title=table.text("title"),
        signal=table.text("signal", SIGNAL_UNITS),
        below=table.optional_number("below"),
        above=table.optional_number("above"),
        reset_at=table.number("reset_at"),
        onset_delay_s=table.number("onset_delay_s", low=0, high=DAY_S),
        clear_delay_s=table.number("clear_delay_s", low=0, high=DAY_S),
        priority=severity.priority,
        harm=severity.harm,
        develops=severity.develops,
        patient_limit=table.optional_text("patient_limit"),
        patient_limit_cap=table.optional_text("patient_limit_cap"),
        least_readings=table.integer("least_readings", low=1, high=100) if "least_readings" in table else 2,
        least_share=table.number("least_share", low=0.5, high=1) if "least_share" in table else 0.8,
        rationale=table.text("rationale"),
        reference=table.text("reference"),
        examples=tuple(_example(table.where, example) for example in table.tables("example")),
    )
    table.end()
    _check_limits(table, rule, limits)
    return rule


def _check_limits(table: Table, rule: LimitRule, limits: Mapping[str, PatientLimit]) -> None:
    if (rule.below is None) == (rule.above is None):
        raise ProfileError(f"{table.where}: exactly one of `below` and `above` must be set")
    inside = rule.reset_at > rule.threshold if rule.below is not None else rule.reset_at < rule.threshold
    if not inside:
        raise table.error("reset_at", f"must lie on the normal side of the limit {rule.threshold:g}")
    unit = SIGNAL_UNITS[rule.signal]
    for field, name in (("patient_limit", rule.patient_limit), ("patient_limit_cap", rule.patient_limit_cap)):
        if name is not None and name not in limits:
            raise table.error(field, f"is {name!r}, which is not in [patient_limits]")
        if name is not None and limits[name].unit != unit:
            raise table.error(field, f"is in {limits[name].unit}, but {rule.signal} is in {unit}")


def _example(where: str, body: Mapping[str, Any]) -> Example:
    table = Table(f"{where}, example", body)
    series = table.text("series")
    try:
        seconds = len(expand(series)) + SILENCE_AFTER_S
    except ValueError as error:
        raise table.error("series", f"cannot be read: {error}") from None
    expect = _expectations(table.table("expect"), seconds)
    table.end()
    return Example(series=series, expect=expect)


def _expectations(table: Table, seconds: int) -> Mapping[int, str]:
    """Second → outcome."""
    expect: dict[int, str] = {}
    for second in table.names():
        if not (second.isascii() and second.isdecimal() and len(second) < 9 and int(second) < seconds):
            raise table.error(second, f"must be a second from 0 to {seconds - 1}")
        expect[int(second)] = table.text(second, OUTCOMES)
    if not expect:
        raise ProfileError(f"{table.where}: must expect something")
    return expect


def _equipment_rule(source: str, body: Mapping[str, Any]) -> EquipmentRule:
    table = rule_table(source, body, "equipment_rule")
    kind = table.text("kind", EQUIPMENT_KINDS)
    _check_needed(table, kind)
    severity = read_severity(table)
    rule = EquipmentRule(
        id=table.text("id"),
        kind=kind,
        family=table.text("family", FAMILIES),
        title=table.text("title"),
        onset_delay_s=table.number("onset_delay_s", low=0, high=DAY_S),
        clear_delay_s=table.number("clear_delay_s", low=0, high=DAY_S),
        priority=severity.priority,
        harm=severity.harm,
        develops=severity.develops,
        rationale=table.text("rationale"),
        reference=table.text("reference"),
        signals=table.texts("signals", SIGNAL_UNITS),
        silent_after_s=_silences(table.table("silent_after_s")),
        above=table.optional_number("above", low=0),
        within_s=table.optional_number("within_s", low=0),
        above_s=table.optional_number("above_s", low=0),
        reset_s=table.optional_number("reset_s", low=0),
        examples=tuple(_event_example(table.where, example) for example in table.tables("example")),
    )
    table.end()
    if bool(rule.examples) != (kind == BATTERY_LOW):
        raise table.error("example", f"belongs to a rule of kind {BATTERY_LOW!r}, which needs it")
    if rule.above_s is not None and rule.reset_s is not None and rule.reset_s > rule.above_s:
        raise table.error("reset_s", f"must not lie above `above_s` {rule.above_s:g}")
    return rule


def _event_example(where: str, body: Mapping[str, Any]) -> EventExample:
    table = Table(f"{where}, example", dict(body))
    example = EventExample(
        events=_by_second(table.table("events"), EVENT_PHASES), expect=_by_second(table.table("expect"), KNOWN_OUTCOMES)
    )
    table.end()
    return example


def _by_second(table: Table, words: tuple[str, ...]) -> Mapping[int, str]:
    found = {int(second): table.text(second, words) for second in table.names() if _is_second(table, second)}
    if not found:
        raise ProfileError(f"{table.where}: must say something")
    return dict(sorted(found.items()))


def _is_second(table: Table, name: str) -> bool:
    if not name.isdecimal() or int(name) > DAY_S:
        raise table.error(name, f"is no second from 0 to {DAY_S}")
    return True


def _check_needed(table: Table, kind: str) -> None:
    needed = _NEEDED.get(kind, ())
    for name in sorted(_ONLY_WHERE_NEEDED):
        if name in needed and name not in table:
            raise table.error(name, f"is missing; a rule of kind {kind!r} needs it")
        if name not in needed and name in table:
            raise table.error(name, f"means nothing in a rule of kind {kind!r}")


def _silences(table: Table) -> Mapping[str, float]:
    """Kind of device → seconds."""
    found: dict[str, float] = {}
    for kind in table.names():
        if kind not in DEVICE_KINDS:
            raise table.error(kind, f"is no kind of device; there are {', '.join(DEVICE_KINDS)}")
        found[kind] = table.number(kind, low=1, high=DAY_S)
    return found
