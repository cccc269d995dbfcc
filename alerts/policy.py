"""The alarm policy: what becomes of the rules' verdicts before somebody is called, as a value.

The rules say what is wrong; the policy says which conditions are one cause, which condition explains another, who is
called again and when, how long an alarm that comes and goes is kept, and what may be switched off for how long. It
stands in a TOML of its own (`alerts/policies`), with an identity and a hash that travel with every alarm.

Invariant, by construction: only technical conditions can be explained away, so that no technical condition ever hides a
physiological one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from alerts.alarm import Priority
from streaming.rules.kinds import EquipmentRule, Rule


class Relation(StrEnum):
    """When one technical condition explains another."""

    DEVICE = "device"
    """It is of the same device; a signal is explained when every device that reports it is gone."""
    BED = "bed"
    """It is at the same bed."""
    SIGNAL = "signal"
    """It is of the same signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Conditions that have one cause, and so are one alarm."""

    id: str
    families: frozenset[str]
    joins_within_s: float | None = None
    """How long after its beginning further conditions join the alarm; None: for as long as it lasts."""
    several: str = ""
    """What several of them are called: `devices offline`."""
    is_per_subject: bool = False
    """Whether each subject (a dose, a pump) has an alarm of its own."""
    steps: tuple[str, ...] = ()
    """Rules that are steps of one measure, from the least to the worst: who has seen a step knows of those below it."""

    def outdoes(self, rule_id: str, other_id: str) -> bool:
        """Whether a rule is a further step of the same measure than another."""
        if rule_id not in self.steps or other_id not in self.steps:
            return False
        return self.steps.index(rule_id) > self.steps.index(other_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """A technical condition that explains others: while it holds, they are not announced."""

    by: str
    """Kind of equipment rule."""
    explains: frozenset[str]
    """Kinds of equipment rule."""
    relation: Relation
    release_after_s: float
    """How long after its end they still count as explained: what was cut off needs a moment to report again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """When people are called again for an alarm of one priority."""

    escalate_after_s: tuple[float, ...] = ()
    """Seconds without acknowledgement at which level 1, 2, … is reached, increasing."""
    again_every_s: float | None = None
    """Seconds from one further level to the next, when nobody has acknowledged at the last of those; None: no more."""
    remind_after_s: float | None = None
    """Seconds after an acknowledgement at which a condition that is still there is announced again; None: never."""
    remind_times: int | None = None
    """How often, until something new is announced; None: each time."""

    def late_after_s(self, level: int) -> float | None:
        """Seconds without acknowledgement at which the level after this one is reached; None: there is none."""
        steps = self.escalate_after_s
        if level < len(steps):
            return steps[level]
        if not steps or self.again_every_s is None:
            return None
        return steps[-1] + (level - len(steps) + 1) * self.again_every_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Damping:
    """When an alarm that comes and goes is kept until it has been quiet for longer."""

    onsets: int
    """More than so many beginnings …"""
    within_s: float
    """… within so long: the next end is put off …"""
    quiet_s: float
    """… until the condition has been absent for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsOffBounds:
    """What may be switched off, and for how long."""

    longest_s: int
    never: frozenset[str]
    """Ids and families of high-priority rules that are never switched off, beside those whose harm is death."""

    def may_switch_off(self, rule: Rule) -> bool:
        """Whether the rule's limits may be off for a while: a patient's, and not of what may kill."""
        if isinstance(rule, EquipmentRule):
            return False
        is_lethal = rule.harm == "death" or rule.id in self.never or rule.family in self.never
        return not (is_lethal and rule.priority == Priority.HIGH)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPolicy:
    """A whole policy."""

    id: str
    version: str
    title: str
    sha256: str
    groups: tuple[Group, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    timers: Mapping[Priority, Timers] = field(default_factory=dict)
    never_reminded: frozenset[str] = frozenset()
    """Families of which an acknowledged alarm is not announced again by time alone."""
    damping: Damping | None = None
    limits_off: LimitsOffBounds

    def group_of(self, rule: Rule) -> Group | None:
        """The group of a rule's conditions; None when each is an alarm of its own."""
        return next((group for group in self.groups if rule.family in group.families), None)

    def timers_of(self, priority: Priority) -> Timers:
        """The timers of a priority."""
        return self.timers.get(priority, _NO_TIMERS)

    def inhibitions_of(self, rule: Rule) -> tuple[Inhibition, ...]:
        """What could explain a rule's condition; nothing explains a patient's."""
        if not isinstance(rule, EquipmentRule):
            return ()
        return tuple(each for each in self.inhibitions if rule.kind in each.explains)

    def release_after_ms(self, rule: Rule) -> int | None:
        """How long a condition of this rule still explains others after its end; None when it explains none."""
        if not isinstance(rule, EquipmentRule):
            return None
        longest = [each.release_after_s for each in self.inhibitions if each.by == rule.kind]
        return round(max(longest) * 1000) if longest else None


_NO_TIMERS = Timers()
PLAIN = AlarmPolicy(
    id="plain",
    version="1",
    title="One alarm per rule and subject: nothing grouped, explained, damped, escalated or reminded of",
    sha256="",
    limits_off=LimitsOffBounds(longest_s=1800, never=frozenset()),
)
"""What the rules say, as they say it: for counting them, and for comparing a policy with none."""
