"""An admission: one patient in one bed for a period, with what the clinicians fixed at its start.

It is a value: a transfer or a discharge makes a new one under the same id. Weights are kilograms, instants gateway
milliseconds since 1970 UTC. It says nothing about the patient's present state, which lives in `streaming.patient`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streaming.identity import BedId


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """One admission as it stands after its latest change (contract, section 3)."""

    admission_id: str
    """Derived from the journal: the same journal gives the same ids."""
    patient_id: str
    """The hospital's identifier; opaque to Vigil."""
    bed: BedId
    """Where the patient is now, or was last."""
    name: str | None = None
    """For the display only; nothing is decided by it."""
    dosing_weight_kg: float
    """The weight doses are ordered by; it does not follow the scale."""
    baseline_weight_kg: float
    """The weight from which gain is counted."""
    baseline: Mapping[str, float] = field(default_factory=dict)
    """Before treatment: `sbp`, `map` (mm[Hg]), `hr` (/min), `creatinine` (mg/dL), each only where it is known."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """This patient's own alarm and hold limits, by the names of `POST /admissions`."""
    profile: str
    """Id of the rule profile in force."""
    admitted_ms: int
    discharged_ms: int | None = None
    """None while the patient is here."""
