"""The roles and what each may do, as a table: the one place where it stands. docs/access.md is made from it.

Invariants. What a role is not given here it may not do. No role that looks after the machine acts on patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One thing that somebody may be allowed; the value is its name in HTTP."""

    READ = "read"
    FEED = "feed"
    ACKNOWLEDGE = "acknowledge"
    CHART = "chart"
    PAUSE_AUDIO = "pause_audio"
    ADMIT = "admit"
    TRANSFER = "transfer"
    DISCHARGE = "discharge"
    SWITCH_LIMITS_OFF = "switch_limits_off"
    ORDER_COURSE = "order_course"
    SIGN_DECISION = "sign_decision"
    READ_QUARANTINE = "read_quarantine"
    READ_AUDIT = "read_audit"
    READ_METRICS = "read_metrics"


class Role(StrEnum):
    """What somebody is in the house."""

    VIEWER = "viewer"
    NURSE = "nurse"
    PHYSICIAN = "physician"
    PHARMACIST = "pharmacist"
    ENGINEER = "engineer"


_SEES = frozenset({Permission.READ, Permission.FEED})
_NURSES = _SEES | {
    Permission.ACKNOWLEDGE,
    Permission.CHART,
    Permission.PAUSE_AUDIO,
    Permission.ADMIT,
    Permission.TRANSFER,
    Permission.DISCHARGE,
    Permission.SWITCH_LIMITS_OFF,
}

MAY: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _SEES,
    Role.NURSE: _NURSES,
    Role.PHYSICIAN: _NURSES | {Permission.ORDER_COURSE, Permission.SIGN_DECISION},
    Role.PHARMACIST: _SEES | {Permission.ORDER_COURSE},
    Role.ENGINEER: _SEES | {Permission.READ_QUARANTINE, Permission.READ_AUDIT, Permission.READ_METRICS},
}
"""What each role may do."""

ACTS = frozenset(Permission) - MAY[Role.VIEWER] - MAY[Role.ENGINEER]
"""What changes something about a patient. Everything else only looks."""

WORDS: Mapping[Permission, str] = {
    Permission.READ: "see beds, stays, alarms, doses and rules",
    Permission.FEED: "watch the beds live",
    Permission.ACKNOWLEDGE: "acknowledge alarms",
    Permission.CHART: "chart values",
    Permission.PAUSE_AUDIO: "pause the sound of alarms",
    Permission.ADMIT: "admit patients",
    Permission.TRANSFER: "transfer patients",
    Permission.DISCHARGE: "discharge patients",
    Permission.SWITCH_LIMITS_OFF: "switch alarm limits off",
    Permission.ORDER_COURSE: "order courses",
    Permission.SIGN_DECISION: "sign decisions on doses",
    Permission.READ_QUARANTINE: "see rejected messages",
    Permission.READ_AUDIT: "see the audit log",
    Permission.READ_METRICS: "see the gateway's figures",
}
"""Each permission after "may"."""


def allows(role: Role, permission: Permission) -> bool:
    """Whether a role may do something."""
    return permission in MAY[role]
