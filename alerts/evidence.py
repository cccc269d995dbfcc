"""What an alarm says: the evidence of its strongest part, of every part, and what the policy made of it.

Invariants
- An alarm says what its parts say; the policy adds to that and never takes away.
- While nobody has seen a high alarm, a lesser part does not speak for it.
- Looking (`shown`) notes nothing: whoever looks, and however often, the next announcement is the same.

It makes no moves and sets no timers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from alerts.alarm import Alarm, ConditionState, Evidence
from alerts.cause import Cause
from alerts.conditions import PRIORITY_RANK, Conditions, Member, leading
from alerts.current import Current
from alerts.damping import Onsets
from alerts.policy import AlarmPolicy
from streaming.instants import format_ms


class EvidenceWriter:
    """Writes the alarms of one book."""

    def __init__(self, policy: AlarmPolicy, conditions: Conditions, onsets: Onsets) -> None:
        self._policy = policy
        self._conditions = conditions
        self._onsets = onsets

    def drawn(self, cause: Cause, held: list[Member]) -> Alarm:
        """The alarm as its conditions make it, before its move."""
        alarm = cause.alarm
        is_present = any(each.condition is ConditionState.PRESENT for each in held)
        changed = replace(
            alarm,
            condition=ConditionState.PRESENT if is_present else ConditionState.INDETERMINATE,
            cleared_at_ms=None,
        )
        strongest = leading(held)
        if PRIORITY_RANK[strongest.priority] >= PRIORITY_RANK[alarm.priority] or not alarm.is_unseen_and_high:
            changed = replace(
                changed, rule_id=strongest.rule.id, title=strongest.rule.title, priority=strongest.priority
            )
        return self.written(cause, changed)

    def seen(self, cause: Cause, alarm: Alarm, current: Current) -> Alarm:
        """The alarm with what its parts look like now, where their rules have something to add."""
        for part in cause.members.values():
            part.evidence = current(part) or part.evidence
        return self.written(cause, alarm)

    def shown(self, cause: Cause, current: Current) -> Alarm:
        """The alarm with what its parts look like now, for whoever looks: nothing is noted."""
        seen = [(part, current(part) or part.evidence) for part in cause.members.values()]
        if all(evidence.get("text") == part.evidence.get("text") for part, evidence in seen):
            return cause.alarm
        return self.written(cause, cause.alarm, [replace(part, evidence=evidence) for part, evidence in seen])

    def written(self, cause: Cause, alarm: Alarm, members: Iterable[Member] | None = None) -> Alarm:
        """The alarm with its evidence: its strongest part's, every part's, and what the policy did."""
        members = cause.members.values() if members is None else members
        parts = sorted(members, key=lambda each: (-PRIORITY_RANK[each.priority], each.key))
        leader = leading([part for part in parts if part.rule.id == alarm.rule_id] or parts)
        evidence = dict(leader.evidence)
        if self._policy.sha256:
            evidence |= self._of_policy(cause)
        if cause.group is not None:
            evidence["parts"] = [_part(part) for part in parts]
            held = [part for part in parts if self._conditions.is_heard(part)]
            if cause.group.several and len(held) > 1:
                subjects = ", ".join(sorted(part.subject for part in held))
                evidence["text"] = f"{len(held)} {cause.group.several}: {subjects}"
        if alarm.is_flapping and self._policy.damping is not None:
            evidence["flapping"] = self._of_flapping(cause)
        if alarm.inhibited_by is not None:
            evidence["inhibited_by"] = alarm.inhibited_by
        off = [each for each in self._conditions.limits_off.values() if leader.rule.id in each.rule_ids]
        if off:
            evidence["limits_off"] = {"by": off[0].by, "reason": off[0].reason, "until": format_ms(off[0].until_ms)}
        return replace(alarm, evidence=evidence)

    def _of_policy(self, cause: Cause) -> Evidence:
        policy = self._policy
        return {
            "policy": {"id": policy.id, "version": policy.version, "sha256": policy.sha256},
            "announced_for": cause.announced_for.value,
        }

    def _of_flapping(self, cause: Cause) -> Evidence:
        damping = self._policy.damping
        assert damping is not None
        return {
            "onsets": self._onsets.count(cause),
            "within_s": damping.within_s,
            "quiet_s": damping.quiet_s,
            "kept_until": format_ms(cause.quiet_until_ms) if cause.quiet_until_ms is not None else None,
        }


def _part(member: Member) -> Evidence:
    """One condition of an alarm, with its own evidence."""
    return {
        "rule_id": member.rule.id,
        "title": member.rule.title,
        "subject": member.subject,
        "priority": member.rule.priority,
        "condition": member.condition.value,
        "onset_at": format_ms(member.onset_ms),
        "text": member.evidence.get("text", member.rule.title),
        "evidence": member.evidence,
    }
