"""What a rule found: its verdict on one subject, with everything that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from streaming.rules.kinds import Rule


class RuleOutcome(StrEnum):
    """PRESENT, ABSENT, or INDETERMINATE: the values that would say so are missing, stale or doubtful."""

    PRESENT = "present"
    ABSENT = "absent"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeChanged:
    """A rule's verdict on one subject changed."""

    rule: Rule
    subject: str
    """The signal, device or line it is about; tells apart several conditions of one rule."""
    outcome: RuleOutcome
    at_ms: int
    """When it was found, gateway clock."""
    onset_ms: int
    """Determination time at which the condition began."""
    evidence: dict[str, Any]
    """JSON-ready."""
