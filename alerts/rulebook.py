"""Every rule in force: the alarm rules, and the dosing profiles with which decisions are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.policy import PLAIN, AlarmPolicy
from streaming.criteria.criterion import DosingProfile
from streaming.rules.kinds import AlarmProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """What the ward judges by."""

    alarms: AlarmProfile
    dosing: Mapping[str, DosingProfile] = field(default_factory=dict)
    """Dosing profiles by id; without any, no dose decisions are made."""
    usual_dosing: str = "label-2024"
    """For admissions that name none."""
    forced_dosing: str | None = None
    """For all admissions, whatever they name: to see what another profile would have said."""
    policy: AlarmPolicy = PLAIN
    """What becomes of the rules' verdicts."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What a state made under these rules depends on."""
        forced = (self.forced_dosing,) if self.forced_dosing is not None else ()
        policy = (self.policy.id, self.policy.sha256)
        return (self.alarms.sha256, *policy, *(each.sha256 for _, each in sorted(self.dosing.items())), *forced)


def as_rulebook(rules: AlarmProfile | Rulebook) -> Rulebook:
    """Alarm rules alone are a rulebook too: one that makes no dose decisions."""
    return rules if isinstance(rules, Rulebook) else Rulebook(alarms=rules)
