"""The bodies that requests may have: their fields and types, for the framework to check and for OpenAPI to show.

Ranges and names come from `gateway.wire.commands`, which judges every command in the end, here, in the fold and in a
replay alike. On top of it a body may hold no field that is not known: a mistyped limit must not be lost without a word.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.wire.codec import NAME_MAX
from gateway.wire.commands import (
    AUDIO_PAUSE_MAX_S,
    BASELINE_WEIGHT_KG,
    BASELINES,
    CYCLE,
    DOSE_IU_PER_KG,
    DOSING_WEIGHT_KG,
    DURATION_MIN,
    INTERVAL_H,
    LIMITS,
    MAX_DOSES,
    NOTE_MAX,
    PATIENT_NAME_MAX,
)
from streaming.commands import LIMITS_OFF_MAX_S

_Range = tuple[float, float]


def _number(within: _Range, description: str) -> Any:
    return Field(ge=within[0], le=within[1], allow_inf_nan=False, description=description)


def _optional(within: _Range, description: str) -> Any:
    return Field(default=None, ge=within[0], le=within[1], allow_inf_nan=False, description=description)


Level = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
Instant = Annotated[str | int, Field(description="RFC 3339 with offset, or milliseconds since 1970 UTC.")]


class Body(BaseModel):
    """Any body: values of exactly the declared types, and no fields beyond the declared."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def fields(self) -> dict[str, Any]:
        """The fields that were sent, as they were sent; `null` is an absent field."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


class Baseline(Body):
    """Values before treatment, each only where it is known."""

    sbp: float | None = _optional(BASELINES["sbp"], "mm[Hg]")
    map: float | None = _optional(BASELINES["map"], "mm[Hg]")
    hr: float | None = _optional(BASELINES["hr"], "/min")
    creatinine: float | None = _optional(BASELINES["creatinine"], "mg/dL")


class Limits(Body):
    """This patient's own limits, each only where it differs from the profile's."""

    sbp_alarm: float | None = _optional(LIMITS["sbp_alarm"], "mm[Hg]")
    map_alarm: float | None = _optional(LIMITS["map_alarm"], "mm[Hg]")
    sbp_hold: float | None = _optional(LIMITS["sbp_hold"], "mm[Hg]")
    hr_high: float | None = _optional(LIMITS["hr_high"], "/min")
    hr_low: float | None = _optional(LIMITS["hr_low"], "/min")
    spo2_low: float | None = _optional(LIMITS["spo2_low"], "%")


class AdmissionBody(Body):
    """A patient takes a bed."""

    patient_id: Name
    unit: Level
    bed: Level
    name: Annotated[str | None, Field(max_length=PATIENT_NAME_MAX)] = None
    dosing_weight_kg: float = _number(DOSING_WEIGHT_KG, "The weight doses are ordered by.")
    baseline_weight_kg: float = _number(BASELINE_WEIGHT_KG, "The weight from which gain is counted.")
    baseline: Baseline | None = None
    profile: Name | None = None
    limits: Limits | None = None


class TransferBody(Body):
    """A patient moves to another bed."""

    unit: Level
    bed: Level


class DischargeBody(Body):
    """A patient leaves."""


class CourseBody(Body):
    """A course of doses is ordered."""

    drug: Name
    dose_iu_per_kg: float = _number(DOSE_IU_PER_KG, "IU/kg")
    interval_h: float = _number(INTERVAL_H, "Hours between the beginnings of two doses.")
    max_doses: int = Field(ge=MAX_DOSES[0], le=MAX_DOSES[1])
    duration_min: float = _number(DURATION_MIN, "Minutes that one dose runs.")
    first_dose_at: Instant
    cycle: Annotated[int | None, Field(ge=CYCLE[0], le=CYCLE[1])] = None


class ObservationsBody(Body):
    """Values determined by a person: laboratory results, weights, charted states. Without `time`: determined now."""

    time: Instant | None = None
    metrics: Annotated[
        dict[str, Any],
        Field(min_length=1, description="Metric name to number, text, null or {value, unit?, validity?, time?}."),
    ]


class AcknowledgeBody(Body):
    """Somebody has seen an alarm."""

    note: Annotated[str | None, Field(max_length=NOTE_MAX)] = None


class SignBody(Body):
    """A clinician's signature under the decision on the next dose."""

    decision: Literal["proceed", "hold", "discontinue"]
    reason: Annotated[
        str | None, Field(max_length=NOTE_MAX, description="Required where it overrides what is computed.")
    ] = None


class LimitsOffBody(Body):
    """Alarm limits of one patient are switched off for a while: of one rule or of a family, and why."""

    rule_id: Name | None = None
    family: Name | None = None
    reason: Annotated[str, Field(min_length=1, max_length=NOTE_MAX)]
    seconds: Annotated[int, Field(ge=0, le=LIMITS_OFF_MAX_S, description="0 switches them on again.")]


class AudioPauseBody(Body):
    """The sound of the alarms that there are is paused."""

    seconds: Annotated[int, Field(ge=0, le=AUDIO_PAUSE_MAX_S, description="0 ends a pause.")]
