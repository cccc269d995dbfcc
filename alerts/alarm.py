"""The alarm: one instance of one condition at one admission, and the transitions it goes through.

*Condition* is what is wrong (with the patient or with the equipment); *signal* is what we tell people. They are kept
apart (BICEPS AlertCondition and AlertSignal; IEC 60601-1-8): a condition that has gone may leave its signal latched,
and a condition that cannot be judged any more is *indeterminate*, which never clears anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from streaming.identity import BedId


class Kind(StrEnum):
    """Whose condition it is: the patient's or the equipment's."""

    PHYSIOLOGICAL = "physiological"
    TECHNICAL = "technical"


class Priority(StrEnum):
    """IEC 60601-1-8 alarm condition priority."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ConditionState(StrEnum):
    """Whether the condition holds. INDETERMINATE: the values that would say so are missing, stale or doubtful."""

    PRESENT = "present"
    ABSENT = "absent"
    INDETERMINATE = "indeterminate"


class SignalState(StrEnum):
    """What is announced."""

    ON = "on"
    LATCHED = "latched"
    ACKNOWLEDGED = "acknowledged"
    OFF = "off"


class Phase(StrEnum):
    """Kind of a transition (IHE ACM event phases)."""

    START = "start"
    UPDATE = "update"
    ESCALATE = "escalate"
    DEESCALATE = "deescalate"
    ACKNOWLEDGE = "acknowledge"
    END = "end"


Evidence = dict[str, Any]
"""JSON-ready: values, their times and sources, clock correction, coverage, limit in force, what would clear it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who acknowledged, when, with what note."""

    by: str
    at_ms: int
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm as it stands after a transition (contract, section 7). Instants: gateway milliseconds since 1970
    UTC."""

    alarm_id: str
    """Derived from the journal: the same journal gives the same ids."""
    admission_id: str | None
    """None for an alarm of the house: of a unit, or of the service itself."""
    bed: BedId | None
    rule_id: str
    family: str
    title: str
    kind: Kind
    priority: Priority
    condition: ConditionState
    signal: SignalState
    onset_at_ms: int
    """Corrected device time at which the condition began."""
    announced_at_ms: int
    cleared_at_ms: int | None
    acknowledged: Acknowledgement | None
    escalation_level: int
    """How often nobody acknowledged in time, since it was last announced."""
    evidence: Evidence
    house_unit: str | None = None
    """The unit of an alarm of the house; None for the whole service."""
    signalled_at_ms: int | None = None
    """When it was last announced anew; None: when it was announced first."""
    next_escalation_at_ms: int | None = None
    """When it will be too late to acknowledge; None when nobody is waited for."""
    is_flapping: bool = False
    """It has come and gone so often that it is kept until it has been quiet for longer."""
    inhibited_by: str | None = None
    """Rule of the technical condition that explains it, for which it was ended."""

    @property
    def unit(self) -> str | None:
        """The unit it is about."""
        return self.bed.unit if self.bed is not None else self.house_unit

    @property
    def is_unseen_and_high(self) -> bool:
        """Whether it is of high priority and nobody has seen it."""
        return self.priority is Priority.HIGH and self.signal in (SignalState.ON, SignalState.LATCHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTransition:
    """One step of one alarm: what was, what is, who or what did it. An effect."""

    n: int
    """Number of the transition within its admission, from 1, without gaps."""
    at_ms: int
    phase: Phase
    from_: SignalState
    to: SignalState
    actor: str
    """`vigil`, or the person who acted."""
    alarm: Alarm
    """The alarm after the step."""
