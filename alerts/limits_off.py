"""Which alarm limits somebody may switch off, and for how long: a rule or a family, within the bounds of the policy.

What is technical and what is lethal within minutes stays on, whoever asks. Switching off, and on again when the time
has passed, is `alerts.book`'s business.
"""

from __future__ import annotations

from alerts.conditions import SwitchedOff
from alerts.policy import LimitsOffBounds
from alerts.refusal import Refusal
from streaming.commands import LimitsOff
from streaming.rules.kinds import AlarmProfile

_SCOPE_FIELD = {"rule_id": "id", "family": "family"}


def switched_off(command: LimitsOff, profile: AlarmProfile, bounds: LimitsOffBounds, now_ms: int) -> SwitchedOff:
    """What the command switches off.

    Raises:
        Refusal: It is for too long, names no rule in force, or nothing that may be off.
    """
    if command.seconds > bounds.longest_s:
        detail = f"alarm limits may be off for {bounds.longest_s} s at most, not {command.seconds} s"
        raise Refusal("seconds_out_of_range", detail, command.admission_id)
    named = [rule for rule in profile.rules if command.name in (rule.id, rule.family)]
    concerned = [rule for rule in named if getattr(rule, _SCOPE_FIELD[command.scope]) == command.name]
    if not concerned:
        raise Refusal("no_such_rule", f"no rule in force has {command.scope} {command.name}", command.admission_id)
    allowed = frozenset(rule.id for rule in concerned if bounds.may_switch_off(rule))
    if not allowed:
        detail = f"{command.name} may not be switched off: it is technical, or lethal within minutes"
        raise Refusal("limits_protected", detail, command.admission_id)
    return SwitchedOff(
        scope=command.scope,
        name=command.name,
        rule_ids=allowed,
        reason=command.reason,
        by=command.actor,
        from_ms=now_ms,
        until_ms=now_ms + command.seconds * 1000,
    )
