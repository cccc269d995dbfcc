"""From the text of an alarm policy (TOML) to its value, with errors that name file, table and field.

Takes text and never opens a file. The hash is over the text as it stands.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import pairwise

from alerts.alarm import Priority
from alerts.policy import AlarmPolicy, Damping, Group, Inhibition, LimitsOffBounds, Relation, Timers
from streaming.commands import LIMITS_OFF_MAX_S
from streaming.criteria.predicates import read_flag
from streaming.rules.kinds import EQUIPMENT_KINDS, FAMILIES
from streaming.rules.table import ProfileError, Table

DAY_S = 86_400


def parse_policy(text: str, source: str) -> AlarmPolicy:
    """Read an alarm policy.

    Args:
        text: The TOML text.
        source: File name, for messages.

    Raises:
        ProfileError: The text is no valid policy.
    """
    try:
        document = Table(source, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: {error}") from error
    head = document.table("policy")
    policy = AlarmPolicy(
        id=head.text("id"),
        version=head.text("version"),
        title=head.text("title"),
        sha256=sha256(text.encode()).hexdigest(),
        groups=_groups(source, document),
        inhibitions=tuple(_inhibition(source, body) for body in document.tables("inhibition")),
        timers=_timers(document.table("timers")),
        never_reminded=_never_reminded(document.table("reminders")) if "reminders" in document else frozenset(),
        damping=_damping(document.table("damping")) if "damping" in document else None,
        limits_off=_limits_off(document.table("limits_off")),
    )
    head.end()
    document.end()
    return policy


def _groups(source: str, document: Table) -> tuple[Group, ...]:
    groups = tuple(_group(source, body) for body in document.tables("group"))
    ids, families = set[str](), set[str]()
    for group in groups:
        if group.id in ids or group.families & families:
            raise ProfileError(f"{source}, group {group.id!r}: its `id`, or one of its `families`, stands twice")
        ids.add(group.id)
        families |= group.families
    return groups


def _group(source: str, body: Mapping[str, object]) -> Group:
    table = Table(f"{source}, group {body.get('id', '')!r}", body)
    group = Group(
        id=table.text("id"),
        families=_some(table, "families", FAMILIES),
        joins_within_s=table.optional_number("joins_within_s", low=0, high=3600),
        several=table.optional_text("several") or "",
        is_per_subject=read_flag(table, "per_subject", default=False),
        steps=table.texts("steps"),
    )
    _reason(table)
    if group.joins_within_s is not None and not group.several:
        raise table.error("several", "is missing: several conditions that join need a name")
    if group.joins_within_s is not None and group.is_per_subject:
        raise table.error("per_subject", "does not go with `joins_within_s`: what joins has a subject of its own")
    if len(set(group.steps)) != len(group.steps):
        raise table.error("steps", "must not name a rule twice")
    return group


def _inhibition(source: str, body: Mapping[str, object]) -> Inhibition:
    table = Table(f"{source}, inhibition by {body.get('by', '')!r}", body)
    inhibition = Inhibition(
        by=table.text("by", EQUIPMENT_KINDS),
        explains=_some(table, "explains", EQUIPMENT_KINDS),  # technical kinds only: a patient's is never explained away
        relation=Relation(table.text("relation", list(Relation))),
        release_after_s=table.number("release_after_s", low=0, high=3600),
    )
    _reason(table)
    if inhibition.by in inhibition.explains:
        raise table.error("explains", "must not hold what explains it")
    return inhibition


def _timers(table: Table) -> Mapping[Priority, Timers]:
    found = {}
    for name in table.names():
        if name not in list(Priority):
            raise table.error(name, f"is no priority; there are {', '.join(Priority)}")
        found[Priority(name)] = _timers_of(table.table(name))
    return found


def _timers_of(table: Table) -> Timers:
    steps = table.take("escalate_after_s")
    if not isinstance(steps, list) or not all(type(step) in (int, float) and 0 < step <= DAY_S for step in steps):
        raise table.error("escalate_after_s", f"must be a list of numbers above 0, up to {DAY_S}")
    if any(later <= earlier for earlier, later in pairwise(steps)):
        raise table.error("escalate_after_s", "must increase")
    timers = Timers(
        escalate_after_s=tuple(float(step) for step in steps),
        again_every_s=table.optional_number("again_every_s", low=60, high=DAY_S),
        remind_after_s=table.optional_number("remind_after_s", low=60, high=DAY_S),
        remind_times=table.integer("remind_times", low=1, high=1000) if "remind_times" in table else None,
    )
    _reason(table)
    if timers.again_every_s is not None and not timers.escalate_after_s:
        raise table.error("again_every_s", "needs a level in `escalate_after_s`: it is reached again")
    if timers.remind_times is not None and timers.remind_after_s is None:
        raise table.error("remind_times", "needs `remind_after_s`")
    return timers


def _never_reminded(table: Table) -> frozenset[str]:
    never = _some(table, "never", FAMILIES)
    _reason(table)
    return never


def _damping(table: Table) -> Damping:
    damping = Damping(
        onsets=table.integer("onsets", low=1, high=100),
        within_s=table.number("within_s", low=1, high=DAY_S),
        quiet_s=table.number("quiet_s", low=1, high=DAY_S),
    )
    _reason(table)
    return damping


def _limits_off(table: Table) -> LimitsOffBounds:
    bounds = LimitsOffBounds(
        longest_s=table.integer("longest_s", low=1, high=LIMITS_OFF_MAX_S),
        never=frozenset(table.texts("never")),
    )
    _reason(table)
    return bounds


def _some(table: Table, name: str, allowed: Iterable[str]) -> frozenset[str]:
    words = table.texts(name, allowed)
    if not words:
        raise table.error(name, "must name at least one")
    return frozenset(words)


def _reason(table: Table) -> None:
    """Why it is so stands beside it, for people; then nothing may be left."""
    table.text("rationale")
    table.text("reference")
    table.end()
