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
from streaming.rules.kinds import (
    EQUIPMENT_KINDS,
    AlarmProfile,
    EquipmentRule,
    Example,
    LimitRule,
    PatientLimit,
)

PRIORITIES = ("high", "medium", "low")
OUTCOMES = ("absent", "present", "indeterminate")


class ProfileError(ValueError):
    """A profile that cannot be used: says which file, which rule, which field, and what would be right."""


class _Table:
    """One TOML table being read: typed access, and a complaint about whatever is left over."""

    def __init__(self, where: str, fields: Mapping[str, Any]) -> None:
        self.where = where
        self._left = dict(fields)

    def text(self, name: str, allowed: tuple[str, ...] | None = None) -> str:
        field = self._take(name)
        if not isinstance(field, str) or not field:
            raise ProfileError(f"{self.where}: `{name}` must be a non-empty text")
        if allowed is not None and field not in allowed:
            raise ProfileError(f"{self.where}: `{name}` is {field!r}; it must be one of {', '.join(allowed)}")
        return field

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if name in self._left else None

    def number(self, name: str, *, low: float = float("-inf"), high: float = float("inf")) -> float:
        field = self._take(name)
        if isinstance(field, bool) or not isinstance(field, int | float) or not low <= field <= high:
            raise ProfileError(f"{self.where}: `{name}` must be a number from {low:g} to {high:g}")
        return float(field)

    def optional_number(self, name: str, *, low: float = float("-inf"), high: float = float("inf")) -> float | None:
        return self.number(name, low=low, high=high) if name in self._left else None

    def table(self, name: str) -> dict[str, Any]:
        field = self._left.pop(name, {})
        if not isinstance(field, dict):
            raise ProfileError(f"{self.where}: `{name}` must be a table")
        return field

    def tables(self, name: str) -> list[dict[str, Any]]:
        field = self._left.pop(name, [])
        if not isinstance(field, list) or not all(isinstance(each, dict) for each in field):
            raise ProfileError(f"{self.where}: `{name}` must be an array of tables")
        return field

    def texts(self, name: str) -> tuple[str, ...]:
        field = self._left.pop(name, [])
        if not isinstance(field, list) or not all(isinstance(each, str) for each in field):
            raise ProfileError(f"{self.where}: `{name}` must be a list of texts")
        return tuple(field)

    def end(self) -> None:
        if self._left:
            raise ProfileError(f"{self.where}: unknown field {', '.join(map(repr, sorted(self._left)))}")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise ProfileError(f"{self.where}: `{name}` is missing")
        return self._left.pop(name)


def parse_profile(text: str, source: str) -> AlarmProfile:
    """Read an alarm profile.

    Args:
        text: The TOML text.
        source: File name, for messages.

    Raises:
        ProfileError: The text is no valid profile.
    """
    try:
        document = _Table(source, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: {error}") from error
    head = _Table(f"{source}, [profile]", document.table("profile"))
    limits = {name: _patient_limit(source, name, body) for name, body in document.table("patient_limits").items()}
    profile = AlarmProfile(
        id=head.text("id"),
        version=head.text("version"),
        title=head.text("title"),
        sha256=sha256(text.encode()).hexdigest(),
        limit_rules=tuple(_limit_rule(source, body, limits) for body in document.tables("limit_rule")),
        equipment_rules=tuple(_equipment_rule(source, body) for body in document.tables("equipment_rule")),
        patient_limits=limits,
    )
    head.end()
    document.end()
    _refuse_doubled_ids(source, profile)
    return profile


def _refuse_doubled_ids(source: str, profile: AlarmProfile) -> None:
    seen: set[str] = set()
    for rule in profile.rules:
        if rule.id in seen:
            raise ProfileError(f"{source}: rule {rule.id!r} stands twice")
        seen.add(rule.id)


def _patient_limit(source: str, name: str, body: Mapping[str, Any]) -> PatientLimit:
    table = _Table(f"{source}, [patient_limits] {name}", body)
    limit = PatientLimit(name=name, low=table.number("low"), high=table.number("high"), unit=table.text("unit"))
    table.end()
    return limit


def _rule_table(source: str, body: Mapping[str, Any]) -> _Table:
    name = body.get("id")
    if not isinstance(name, str) or not name:
        raise ProfileError(f"{source}: a rule has no `id`")
    return _Table(f"{source}, rule {name!r}", body)


def _limit_rule(source: str, body: Mapping[str, Any], limits: Mapping[str, PatientLimit]) -> LimitRule:
    table = _rule_table(source, body)
    rule = LimitRule(
        id=table.text("id"),
        family=table.text("family"),
        title=table.text("title"),
        signal=table.text("signal", tuple(SIGNAL_UNITS)),
        below=table.optional_number("below"),
        above=table.optional_number("above"),
        reset_at=table.number("reset_at"),
        onset_delay_s=table.number("onset_delay_s", low=0, high=86_400),
        clear_delay_s=table.number("clear_delay_s", low=0, high=86_400),
        priority=table.text("priority", PRIORITIES),
        patient_limit=table.optional_text("patient_limit"),
        patient_limit_cap=table.optional_text("patient_limit_cap"),
        least_readings=int(table.optional_number("least_readings", low=1, high=100) or 2),
        least_share=table.optional_number("least_share", low=0.5, high=1) or 0.8,
        rationale=table.text("rationale"),
        reference=table.text("reference"),
        examples=tuple(_example(table.where, example) for example in table.tables("example")),
    )
    table.end()
    _check_limits(table.where, rule, limits)
    return rule


def _check_limits(where: str, rule: LimitRule, limits: Mapping[str, PatientLimit]) -> None:
    if (rule.below is None) == (rule.above is None):
        raise ProfileError(f"{where}: exactly one of `below` and `above` must be set")
    inside = rule.reset_at > rule.threshold if rule.below is not None else rule.reset_at < rule.threshold
    if not inside:
        raise ProfileError(f"{where}: `reset_at` must lie on the normal side of the limit {rule.threshold:g}")
    for name in (rule.patient_limit, rule.patient_limit_cap):
        if name is not None and name not in limits:
            raise ProfileError(f"{where}: patient limit {name!r} is not in [patient_limits]")


def _example(where: str, body: Mapping[str, Any]) -> Example:
    table = _Table(f"{where}, example", body)
    series = table.text("series")
    expect: dict[int, str] = {}
    for second, outcome in table.table("expect").items():
        if not second.isdigit() or outcome not in OUTCOMES:
            raise ProfileError(f"{where}, example: `expect` maps a second to one of {', '.join(OUTCOMES)}")
        expect[int(second)] = outcome
    table.end()
    return Example(series=series, expect=expect)


def _equipment_rule(source: str, body: Mapping[str, Any]) -> EquipmentRule:
    table = _rule_table(source, body)
    silent = table.table("silent_after_s")
    rule = EquipmentRule(
        id=table.text("id"),
        kind=table.text("kind", EQUIPMENT_KINDS),
        family=table.text("family"),
        title=table.text("title"),
        onset_delay_s=table.number("onset_delay_s", low=0, high=86_400),
        clear_delay_s=table.number("clear_delay_s", low=0, high=86_400),
        priority=table.text("priority", PRIORITIES),
        rationale=table.text("rationale"),
        reference=table.text("reference"),
        signals=table.texts("signals"),
        silent_after_s={kind: _seconds(table.where, kind, value) for kind, value in silent.items()},
        above=table.optional_number("above", low=0),
        within_s=table.optional_number("within_s", low=0),
        above_s=table.optional_number("above_s", low=0),
        reset_s=table.optional_number("reset_s", low=0),
    )
    table.end()
    return rule


def _seconds(where: str, kind: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ProfileError(f"{where}: `silent_after_s.{kind}` must be seconds above 0")
    return float(value)
