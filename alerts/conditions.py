"""The conditions of one admission as the rules last said them, which are held, and which of them are announced.

A condition is *held* from the moment it is present until it is known to be absent: what cannot be judged any more is
held. It is *heard* unless somebody has switched its limits off, or another technical condition explains it. Conditions
are kept here whether they are heard or not: what is explained or switched off is announced when the reason has ended.

No alarm is made here (`alerts.book`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.alarm import ConditionState, Evidence, Kind, Priority
from alerts.policy import AlarmPolicy, Relation
from streaming.durations import NEVER_DUE_MS
from streaming.outcome import OutcomeChanged, RuleOutcome
from streaming.rules.kinds import EquipmentRule, LimitRule, Rule

MemberKey = tuple[str, str]
"""(rule, subject)"""
CauseKey = tuple[str, str]
"""(rule or group, subject)"""
HOUSE_KINDS = frozenset({"broker_lost"})
"""Conditions that a bed knows of, and the house announces: once for a unit."""
PRIORITY_RANK = {Priority.HIGH: 2, Priority.MEDIUM: 1, Priority.LOW: 0}


@dataclass(slots=True, kw_only=True)
class Member:
    """One rule's condition on one subject."""

    rule: Rule
    subject: str
    condition: ConditionState
    onset_ms: int
    evidence: Evidence
    cause: CauseKey | None = None
    """The alarm it is a part of."""

    @property
    def key(self) -> MemberKey:
        """Its identity."""
        return (self.rule.id, self.subject)

    @property
    def is_held(self) -> bool:
        """Whether it is not known to be absent."""
        return self.condition is not ConditionState.ABSENT

    @property
    def priority(self) -> Priority:
        """The rule's."""
        return Priority(self.rule.priority)

    @property
    def kind(self) -> Kind:
        """The patient's or the equipment's."""
        return Kind.TECHNICAL if isinstance(self.rule, EquipmentRule) else Kind.PHYSIOLOGICAL

    @property
    def devices(self) -> frozenset[str]:
        """The devices it is about, as far as its evidence names them."""
        named = self.evidence.get("devices")
        if isinstance(named, list):
            return frozenset(named)
        device = self.evidence.get("device")
        return frozenset((device,)) if isinstance(device, str) else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedOff:
    """Alarm limits that somebody has switched off, for a reason and a time."""

    scope: str
    """`rule_id` or `family`"""
    name: str
    rule_ids: frozenset[str]
    """The rules concerned: those of the family that may be off."""
    reason: str
    by: str
    from_ms: int
    until_ms: int


_CONDITION_OF = {
    RuleOutcome.PRESENT: ConditionState.PRESENT,
    RuleOutcome.ABSENT: ConditionState.ABSENT,
    RuleOutcome.INDETERMINATE: ConditionState.INDETERMINATE,
}


class Conditions:
    """Every condition that is held, or a part of an open alarm. Instants are gateway milliseconds."""

    def __init__(self, policy: AlarmPolicy, *, is_house: bool) -> None:
        self._policy = policy
        self._is_house = is_house
        self.members: dict[MemberKey, Member] = {}
        self.limits_off: dict[tuple[str, str], SwitchedOff] = {}
        """By scope and name."""
        self._lately: dict[MemberKey, tuple[Member, int]] = {}
        """Conditions that have ended and still explain others, and until when."""

    def take(self, found: OutcomeChanged) -> None:
        """Note a verdict."""
        key = (found.rule.id, found.subject)
        member = self.members.get(key)
        outcome = _CONDITION_OF[found.outcome]
        if outcome is ConditionState.PRESENT:
            self._present(key, member, found)
        elif member is not None and self._changes(member, outcome):
            member.condition = outcome
            member.evidence = found.evidence
            if outcome is ConditionState.ABSENT:
                self._ended(key, member, found.at_ms)

    def _present(self, key: MemberKey, member: Member | None, found: OutcomeChanged) -> None:
        self._lately.pop(key, None)
        if member is None:
            self.members[key] = Member(
                rule=found.rule,
                subject=found.subject,
                condition=ConditionState.PRESENT,
                onset_ms=found.onset_ms,
                evidence=found.evidence,
            )
            return
        if not member.is_held:
            member.onset_ms = found.onset_ms
        member.rule = found.rule
        member.condition = ConditionState.PRESENT
        member.evidence = found.evidence

    @staticmethod
    def _changes(member: Member, outcome: ConditionState) -> bool:
        """Whether it is news: what is absent does not become unknown."""
        if outcome is ConditionState.INDETERMINATE:
            return member.condition is ConditionState.PRESENT
        return member.is_held

    def _ended(self, key: MemberKey, member: Member, at_ms: int) -> None:
        release_ms = self._policy.release_after_ms(member.rule)
        if release_ms is not None:
            self._lately[key] = (member, at_ms + release_ms)
        if member.cause is None:
            del self.members[key]

    def let_pass(self, now_ms: int) -> None:
        """Forget what has run out."""
        for key in [key for key, off in self.limits_off.items() if off.until_ms <= now_ms]:
            del self.limits_off[key]
        for lately in [key for key, (_, until_ms) in self._lately.items() if until_ms <= now_ms]:
            del self._lately[lately]

    @property
    def due_ms(self) -> int:
        """When time alone will next make something heard."""
        dues = [off.until_ms for off in self.limits_off.values()]
        dues += [until_ms for _, until_ms in self._lately.values()]
        return min(dues, default=NEVER_DUE_MS)

    def is_off(self, member: Member) -> bool:
        """Whether its limits are switched off now."""
        return any(member.rule.id in off.rule_ids for off in self.limits_off.values())

    def explained_by(self, member: Member) -> str | None:
        """The rule of the technical condition that explains it; None when nothing does, or it is a patient's."""
        for inhibition in self._policy.inhibitions_of(member.rule):
            reasons = self._explaining(inhibition.by)
            if inhibition.relation is Relation.SIGNAL:
                reasons = [reason for reason in reasons if reason.evidence.get("signal") == member.subject]
            if not reasons:
                continue
            gone = {reason.subject for reason in reasons}
            if inhibition.relation is not Relation.DEVICE or (member.devices and member.devices <= gone):
                return reasons[0].rule.id
        return None

    def _explaining(self, kind: str) -> list[Member]:
        now = [member for member in self.members.values() if member.is_held]
        lately = [member for member, _ in self._lately.values()]
        return [each for each in now + lately if isinstance(each.rule, EquipmentRule) and each.rule.kind == kind]

    def is_heard(self, member: Member) -> bool:
        """Whether it is to be announced."""
        return member.is_held and self._is_mine(member) and not self.is_off(member) and not self.explained_by(member)

    def _is_mine(self, member: Member) -> bool:
        rule = member.rule
        return self._is_house or not (isinstance(rule, EquipmentRule) and rule.kind in HOUSE_KINDS)

    @property
    def explained(self) -> list[tuple[Member, str]]:
        """What is held and explained, with the rule that explains it."""
        pairs = ((member, self.explained_by(member)) for member in self.members.values() if member.is_held)
        return [(member, reason) for member, reason in pairs if reason is not None]

    def forget(self, kind: Kind | None) -> None:
        """The patient leaves (None), or the equipment is another."""
        gone = [key for key, member in self.members.items() if kind is None or member.kind is kind]
        for key in gone:
            del self.members[key]
        if kind is None:
            self.limits_off.clear()
        if kind is not Kind.PHYSIOLOGICAL:
            self._lately.clear()


def leading(members: Iterable[Member]) -> Member:
    """The strongest of some conditions: the highest priority, then the one that outdoes the most others of its signal,
    then the first by name; whatever order they come in."""
    members = list(members)
    return min(members, key=lambda each: (-PRIORITY_RANK[each.priority], -_outdone(each, members), each.key))


def _outdone(member: Member, members: list[Member]) -> int:
    return sum(is_further(member.rule, other.rule) for other in members)


def is_further(rule: Rule, other: Rule) -> bool:
    """Whether a limit lies beyond another of the same signal and side."""
    if not isinstance(rule, LimitRule) or not isinstance(other, LimitRule) or rule.signal != other.signal:
        return False
    if rule.below is not None and other.below is not None:
        return rule.below < other.below
    return rule.above is not None and other.above is not None and rule.above > other.above
