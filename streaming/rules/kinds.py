"""The closed set of rule kinds: frozen types that a profile instantiates. No logic beyond their own arithmetic.

A rule says what is wrong, from which limit on, for how long, and where the number comes from. What is announced, and
until when, is alarm policy and does not stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from streaming.criteria.kinds import Predicate


class Verdict(Enum):
    """Where one value stands against a limit with its reset limit."""

    BEYOND = "beyond"
    """On the wrong side of the limit."""
    BETWEEN = "between"
    """Inside the hysteresis: no longer beyond, not yet back."""
    WITHIN = "within"
    """At or on the right side of the reset limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsInForce:
    """A rule's limits for one patient, in the signal's canonical unit."""

    limit: float
    reset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A test vector that stands in the profile: a series at one value a second, and the outcome at given seconds."""

    series: str
    """`value x count` groups, `_` for silence: `80x10 60x121 _x30`."""
    expect: Mapping[int, str]
    """Second → `absent`, `present` or `indeterminate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """A signal beyond a limit for a time. Exactly one of `below` and `above` is set."""

    id: str
    family: str
    title: str
    signal: str
    below: float | None
    above: float | None
    reset_at: float
    onset_delay_s: float
    clear_delay_s: float
    priority: str
    harm: str
    develops: str
    patient_limit: str | None = None
    """The patient's own limit that replaces this rule's."""
    patient_limit_cap: str | None = None
    """The patient's own limit that this rule may not be stricter than."""
    least_readings: int = 2
    """Distinct readings that must agree: a single value never raises an alarm."""
    least_share: float = 0.8
    """Share of the readings since onset that must be beyond the limit, 0 to 1."""
    rationale: str
    reference: str
    examples: tuple[Example, ...] = ()

    @property
    def threshold(self) -> float:
        """The limit as written, before any patient's own."""
        limit = self.below if self.below is not None else self.above
        assert limit is not None
        return limit

    def limits_for(self, patient_limits: Mapping[str, float]) -> LimitsInForce:
        """The limits for one patient: their own replaces or caps the rule's, the width of the hysteresis stays."""
        limit = self.threshold
        if self.patient_limit is not None:
            limit = patient_limits.get(self.patient_limit, limit)
        if self.patient_limit_cap is not None and self.patient_limit_cap in patient_limits:
            own = patient_limits[self.patient_limit_cap]
            limit = min(limit, own) if self.below is not None else max(limit, own)
        return LimitsInForce(limit=limit, reset=limit + (self.reset_at - self.threshold))

    def judge(self, value: float, limits: LimitsInForce) -> Verdict:
        """Where `value` stands."""
        if self.below is not None:
            if value < limits.limit:
                return Verdict.BEYOND
            return Verdict.WITHIN if value >= limits.reset else Verdict.BETWEEN
        if value > limits.limit:
            return Verdict.BEYOND
        return Verdict.WITHIN if value <= limits.reset else Verdict.BETWEEN

    @property
    def sign(self) -> str:
        """`<` or `>`, as shown to people."""
        return "<" if self.below is not None else ">"


FAMILIES = (
    *("hypotension", "hypertension", "tachycardia", "bradycardia", "arrhythmia", "desaturation", "respiratory"),
    *(
        "temperature",
        "weight_gain",
        "fluid_balance",
        "oliguria",
        "renal",
        "dose",
        "dose_during_hold",
        "pressor",
        "pump",
    ),
    *("dose_decision", "device_offline", "signal_stale", "clock_skew", "implausible", "sources_disagree"),
    *("sequence_gap", "cannot_evaluate", "system"),
)
"""Alarm families: stable names (contract, section 9)."""
SELF_CHECK_PARTS = (
    "engine_lag",
    "journal_lag",
    "projection_lag",
    "disk_nearly_full",
    "clock_stepped",
    "delivery_failed",
)
"""What the service watches of itself: each a kind of equipment rule of its own."""
EQUIPMENT_KINDS = (
    "device_offline",
    "signal_stale",
    "clock_skew",
    "implausible",
    "sources_disagree",
    "sequence_gap",
    "cannot_evaluate",
    "battery_low",
    "broker_lost",
    *SELF_CHECK_PARTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventExample:
    """A test vector of a rule about what a device reports: its events, and the outcome at given seconds."""

    events: Mapping[int, str]
    """Second → phase: `start`, `end` or `tpoint`."""
    expect: Mapping[int, str]
    """Second → `absent` or `present`, after the event of that second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentRule:
    """A technical condition: something that reports, or should, cannot be relied upon."""

    id: str
    kind: str
    """One of `EQUIPMENT_KINDS`."""
    family: str
    title: str
    onset_delay_s: float
    clear_delay_s: float
    priority: str
    harm: str
    develops: str
    rationale: str
    reference: str
    signals: tuple[str, ...] = ()
    """`signal_stale`: the signals watched once they have been reported."""
    silent_after_s: Mapping[str, float] = field(default_factory=dict)
    """`device_offline`: silence that counts as gone, by kind of device; a kind not named is not expected to speak."""
    above: float | None = None
    """`sources_disagree`: difference of the means in mmHg."""
    within_s: float | None = None
    """`sources_disagree`: how far apart in time the two may be."""
    above_s: float | None = None
    """`clock_skew`: offset in seconds."""
    reset_s: float | None = None
    """`clock_skew`: offset in seconds at which it is right again."""
    examples: tuple[EventExample, ...] = ()
    """`battery_low`"""


Stated = tuple[tuple[float, float | str], ...]
"""Values of a signal, each with how many hours ago it was determined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayExample:
    """A test vector of a stay rule: a patient in a few words, and the outcome that follows."""

    given: Mapping[str, Stated]
    """By signal. The rule is looked at at each of the instants named, and now."""
    later: Mapping[str, Stated] | None
    """What is said `later_h` hours after."""
    later_h: float
    event: str | None
    """A rhythm that a monitor reported five minutes ago."""
    beats: int | None
    monitor: bool
    """Whether a monitor watches the rhythm."""
    course: bool
    """Whether a dose interval began eight hours ago."""
    baseline: Mapping[str, float]
    limits: Mapping[str, float]
    expect: str
    """`absent`, `present` or `indeterminate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayRule:
    """A question about the stay, asked in the words of the dose criteria: what is so is wrong."""

    id: str
    family: str
    title: str
    met: Predicate
    """What is wrong."""
    reset: Predicate | None
    """What ends it; None where it ends as soon as `met` is FALSE."""
    onset_delay_s: float
    clear_delay_s: float
    priority: str
    harm: str
    develops: str
    is_estimated: bool
    """Whether a figure is reckoned rather than measured."""
    is_of_course: bool
    """Whether it means something only while a patient is treated: silent without a course."""
    believes_doubtful: bool
    """Whether a value of questionable validity may raise it; it never clears one."""
    rationale: str
    reference: str
    examples: tuple[StayExample, ...] = ()


PumpWord = float | str | tuple[float, str]
"""What a pump says of one thing; a number may bring its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfusionExample:
    """A test vector of an infusion rule: a little story, and the outcome at given minutes. Minutes count from its 0."""

    story: str
    """For people: what happens."""
    order: Mapping[str, float] | None
    """What was ordered, by the names of the command; None without a course."""
    dosing_weight_kg: float
    doses_before: int
    """Doses given as ordered, one each interval, before minute 0."""
    pumps: Mapping[str, tuple[tuple[float, Mapping[str, PumpWord] | str], ...]]
    """Pump → (minute, what it says from then on; or `silent`, `offline`, an event and its phase)."""
    weighed: tuple[tuple[float, float], ...]
    """(minute, kg) as somebody charts it."""
    decisions: tuple[tuple[float, str], ...]
    """(minute, dose decision in force from then on)"""
    doses: Mapping[str, Any]
    """Fields of `[doses]` that differ from what is usual."""
    expect: tuple[tuple[float, str], ...]
    """(minute, `absent`, `present` or `indeterminate`), ascending."""


DURING_HOLD = "infusing_during_hold"
"""Aldesleukin is infused although the dose decision is one of the rule's `decisions`."""
DECISION = "decision"
"""The dose decision of a running course is one of the rule's `decisions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfusionRule:
    """Something that is wrong with an infusion, or between an infusion and the dose decision."""

    id: str
    family: str
    title: str
    finding: str
    """A `FindingKind`, `DURING_HOLD` or `DECISION`. What counts as wrong stands in the dosing profile's `[doses]`."""
    decisions: tuple[str, ...]
    """The dose decisions that it is about; empty for a finding."""
    onset_delay_s: float
    clear_delay_s: float
    priority: str
    harm: str
    develops: str
    is_of_course: bool
    rationale: str
    reference: str
    examples: tuple[InfusionExample, ...] = ()


Rule = LimitRule | EquipmentRule | StayRule | InfusionRule


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientLimit:
    """A limit that a clinician may set for one patient, and its bounds."""

    name: str
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmProfile:
    """A set of alarm rules with an identity; its hash travels with every outcome."""

    id: str
    version: str
    title: str
    sha256: str
    limit_rules: tuple[LimitRule, ...]
    equipment_rules: tuple[EquipmentRule, ...]
    patient_limits: Mapping[str, PatientLimit]
    stay_rules: tuple[StayRule, ...] = ()
    infusion_rules: tuple[InfusionRule, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules: the patient's, then the equipment's."""
        return self.limit_rules + self.stay_rules + self.infusion_rules + self.equipment_rules

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
