"""What a condition looks like at this moment: the evidence its rule would give now, without asking whether it changed.

A verdict is told when it changes; what it rests on goes on changing: the pressure falls further, the hours add up. Who
is called is told what is so then, and a display what is so now. Nothing is decided here and nothing is changed: the
same instant gives the same evidence, however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from alerts.alarm import ConditionState, Evidence
from alerts.conditions import Member, MemberKey
from alerts.rounds import Rounds
from streaming.bed import Bed
from streaming.rules.kinds import EquipmentRule, LimitRule

Current = Callable[[Member], Evidence | None]
"""The evidence of a condition now; None when its rule has nothing to add to what it said last."""


GLANCE_MS = 5_000
"""A display asks a rule about the stay or an infusion again after so long. [D]"""


def as_it_was(member: Member) -> Evidence | None:  # noqa: ARG001 - as every `Current`
    """Nothing but what the rule said last."""
    return None


def as_it_is(bed: Bed, rounds: Rounds | None, now_ms: int) -> Current:
    """What the bed and the rounds of its patient say at an instant."""

    def current(member: Member) -> Evidence | None:
        try:
            return evidence_now(member, bed, rounds, now_ms)
        except Exception:  # noqa: BLE001 - a rule that fails tells of it when it is asked; what it said last is announced
            return None

    return current


def evidence_now(member: Member, bed: Bed, rounds: Rounds | None, now_ms: int) -> Evidence | None:
    """The evidence of a condition that is present, as its rule would give it now."""
    rule = member.rule
    if member.condition is not ConditionState.PRESENT:
        return None
    if isinstance(rule, LimitRule):
        return bed.limit_evidence(rule)
    if isinstance(rule, EquipmentRule):
        return bed.equipment.evidence_now(rule, member.subject) if bed.equipment is not None else None
    return rounds.evidence_now(rule, member.subject, now_ms) if rounds is not None else None


class Glances:
    """What a display last saw of conditions whose rules have to be asked, so that it may look as often as it likes. Not
    part of what is decided."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[MemberKey, tuple[int, Evidence | None]] = {}

    def through(self, current: Current, now_ms: int) -> Current:
        """The same, where a rule about the stay or an infusion is asked each few seconds only."""

        def glance(member: Member) -> Evidence | None:
            if isinstance(member.rule, LimitRule | EquipmentRule):
                return current(member)
            seen = self._seen.get(member.key)
            if seen is None or not 0 <= now_ms - seen[0] < GLANCE_MS:
                seen = self._seen[member.key] = (now_ms, current(member))
            return seen[1]

        return glance

    def forget(self) -> None:
        """Nothing is announced any more."""
        self._seen.clear()
