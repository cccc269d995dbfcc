"""A criterion and the dosing profile it stands in: what holds a dose, what allows it again, where the number is from.

Values only. Hold is not resume: each criterion carries both predicates. Numbers that the clinical notes could not
verify are marked, and stay marked wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from streaming.criteria.kinds import Predicate
from streaming.rules.kinds import PatientLimit


class CriterionClass(StrEnum):
    """What a criterion that is met does to the dose."""

    HOLD = "hold"
    DISCONTINUE = "discontinue"
    RELATIVE = "relative"
    """Holds; so many at once discontinue."""
    ABSOLUTE = "absolute"
    """Discontinues."""

    @property
    def is_final(self) -> bool:
        """Whether it ends the course and stays met until somebody signs."""
        return self is CriterionClass.DISCONTINUE or self is CriterionClass.ABSOLUTE


class Counting(StrEnum):
    """How criteria make a decision."""

    LABEL = "label"
    """Any hold holds, any discontinue discontinues."""
    CONSENSUS = "consensus"
    """Any relative holds; any absolute, or so many relative at once, discontinue."""


Stated = tuple[tuple[float, float | str], ...]
"""Values of a signal, each with how many hours ago it was determined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionExample:
    """A test vector that stands in the profile: a patient in a few words, and the state that follows."""

    given: Mapping[str, Stated]
    """By signal."""
    later: Mapping[str, Stated] | None
    """What is said `later_h` hours after; the state expected is then the one when what must last has lasted."""
    later_h: float
    beats: int | None
    """A run of ventricular tachycardia five minutes ago."""
    monitor: bool
    """Whether a monitor watches the rhythm."""
    baseline: Mapping[str, float]
    limits: Mapping[str, float]
    expect: str
    """`clear`, `met`, `unknown`, `recovering`, or `resumable` (recovering, and only the signature is missing)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One row of a table of dose criteria."""

    id: str
    criterion_class: CriterionClass
    title: str
    """What it is about, for people: `SBP`, `creatinine`."""
    met: Predicate
    resume: Predicate | None
    """What must hold before a person may sign for the next dose; None means that `met` must be FALSE."""
    ends_course: bool
    """Whether the course is over although the criterion is of class hold: never resumable."""
    resume_text: str
    """The same for people, as the table words it."""
    dwell_ms: int
    """How long the resume predicate must have held."""
    confirm_ms: int
    """How long a source that reports each second or so must say otherwise before it is believed (0 to 10 s)."""
    is_required: bool
    """Whether the decision may not be `proceed` while it is unknown."""
    reference: str
    evidence: str
    """`V` read in the primary source, `S` in a secondary copy, `GK` general knowledge, `D` derived here."""
    is_verified: bool
    resume_evidence: str
    is_resume_verified: bool
    note: str | None
    """What the row says that no signal carries, and how it is charted."""
    approver: str | None
    """Who answers for a number that a site has changed."""
    text: str | None
    """Template of the sentence while it is met, in place of the usual one."""
    examples: tuple[CriterionExample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseLimits:
    """Limits on the doses themselves, for the infusion rules."""

    per_cycle: int
    per_course: int
    min_interval_h: float
    """Start to start."""
    min_duration_min: float
    max_duration_min: float
    tolerance_pct: float
    """Of the ordered dose, either way."""
    concentration_low_mg_ml: float
    concentration_high_mg_ml: float
    max_pause_min: float
    """So long a dose may stand still altogether."""
    given_up_after_min: float
    """A dose that has not gone on so long after its stop is taken for one that ends short."""
    weight_tolerance_pct: float
    """Of the dosing weight, either way: what a pump may reckon with."""
    told_for_h: float
    """So long after a dose, or the stop of a pump, it is told."""
    pressor_rise_pct: float
    """Against one hour ago."""
    weaned_to_share: float
    """From this share of the highest rate of the hour before a pressor may be stopped, 0 to 1."""
    weaned_to: Mapping[str, float]
    """Drug → rate from which or below it may be stopped, in the unit of its dose; a rise by less is none."""
    reference: str
    is_verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DosingProfile:
    """A set of dose criteria with an identity; its hash travels with every decision."""

    id: str
    version: str
    title: str
    sha256: str
    counting: Counting
    relative_to_discontinue: int | None
    """So many relative criteria met at once discontinue."""
    held_doses_to_discontinue: int | None
    """So many doses of the course held discontinue."""
    gates_min: tuple[int, ...]
    """Minutes before a dose at which it is decided, descending."""
    doses: DoseLimits
    patient_limits: Mapping[str, PatientLimit]
    """What a clinician may set for one patient, and its bounds."""
    criteria: tuple[Criterion, ...]
    based_on: str | None = None
    """The shipped profile whose limits a site has changed."""
    approver: str | None = None

    def criterion(self, criterion_id: str) -> Criterion | None:
        """The criterion of that id."""
        return next((each for each in self.criteria if each.id == criterion_id), None)

    def limits_out_of_range(self, limits: Mapping[str, float]) -> list[str]:
        """What is wrong with a patient's own limits, for people; empty when nothing."""
        found = []
        for name, bounds in self.patient_limits.items():
            value = limits.get(name)
            if value is not None and not bounds.low <= value <= bounds.high:
                found.append(
                    f"{name} = {value:g} {bounds.unit} is outside {bounds.low:g} to {bounds.high:g}, "
                    f"which profile {self.id} allows"
                )
        return found
