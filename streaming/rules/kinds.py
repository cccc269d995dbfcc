"""The closed set of rule kinds: frozen types that a profile instantiates. No logic beyond their own arithmetic.

A rule says what is wrong, from which limit on, for how long, and where the number comes from. What is announced, and
until when, is alarm policy and does not stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


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
EQUIPMENT_KINDS = (
    "device_offline",
    "signal_stale",
    "clock_skew",
    "implausible",
    "sources_disagree",
    "sequence_gap",
    "cannot_evaluate",
    "broker_lost",
)


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


Rule = LimitRule | EquipmentRule


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

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, in the order of the profile."""
        return self.limit_rules + self.equipment_rules

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
