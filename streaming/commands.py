"""Commands: what a person or a hospital system asks of Vigil, as values.

A command is journaled before it is carried out, and carried out by the fold, so that a replay does the same. Instants
are integer milliseconds since 1970 UTC. They are well-formed by construction (`gateway.wire.commands`); whether they
can be carried out (the bed is free, the alarm exists) is for the fold to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streaming.identity import BedId
from streaming.observation import MetricValue

LIMITS_OFF_MAX_S = 14_400
"""Alarm limits are never off for longer, whatever a policy says. [D]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """A patient takes a bed."""

    admission_id: str | None
    """Given only in a recording; otherwise derived from the journal."""
    patient_id: str
    bed: BedId
    name: str | None
    dosing_weight_kg: float
    """25 to 350 kg."""
    baseline_weight_kg: float
    """1 to 500 kg: what weight gain is reckoned from."""
    baseline: Mapping[str, float] = field(default_factory=dict)
    """`sbp`, `map`, `hr`, `creatinine` before treatment, in the units of the signals; any may be missing."""
    profile: str | None
    """Id of the rule profile; None for the configured one."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """This patient's own limits: `sbp_alarm`, `map_alarm`, `sbp_hold`, `hr_high`, `hr_low`, `spo2_low`."""
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A course of doses is ordered."""

    admission_id: str
    drug: str
    dose_iu_per_kg: float
    interval_h: float
    max_doses: int
    duration_min: float
    first_dose_ms: int
    cycle: int | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Values determined by a person: a laboratory result, a weight, a charted state."""

    admission_id: str
    determined_ms: int | None
    """Determination time of the values that have none of their own; None means when the command was received."""
    metrics: Mapping[str, MetricValue]
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Somebody has seen an alarm."""

    alarm_id: str
    note: str | None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPause:
    """The sound of the alarms that there are is paused; new alarms sound all the same."""

    admission_id: str
    seconds: int
    """0 to 120; 0 ends a pause."""
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsOff:
    """Alarm limits of one patient are switched off for a while: by whom, why, and until when."""

    admission_id: str
    scope: str
    """`rule_id` or `family`: what `name` is."""
    name: str
    reason: str
    seconds: int
    """0 ends it; the alarm policy says how long at most."""
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A clinician's signature under a dose decision."""

    admission_id: str
    decision: str
    """`proceed`, `hold` or `discontinue`"""
    reason: str | None
    """Required by the fold where the signature overrides the computed decision."""
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A patient moves to another bed."""

    admission_id: str
    bed: BedId
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discharge:
    """A patient leaves."""

    admission_id: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The connection to the message broker came or went: noted by the gateway itself, so that a replay knows it too."""

    is_up: bool
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The gateway's clock runs faster than the wall's: noted by the gateway itself, in a demo or a test only."""

    speed: float
    """Gateway seconds per second."""
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """The gateway has looked at a part of itself: noted by the gateway, so that a replay knows it too."""

    part: str
    """One of `streaming.rules.kinds.SELF_CHECK_PARTS`."""
    is_well: bool
    text: str
    """For people: what is wrong, or that it is well again."""
    figures: Mapping[str, float]
    """What was measured, each with its unit in its name."""
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has come this far; nothing else."""


Command = (
    Admit
    | Course
    | Chart
    | Acknowledge
    | AudioPause
    | LimitsOff
    | Sign
    | Transfer
    | Discharge
    | Link
    | Clock
    | SelfCheck
    | Tick
)
