"""What a backtest knows of one stay, of one recording and of one profile: values, ready to cross a process border.

Instants are gateway milliseconds since 1970 UTC, durations milliseconds. An alarm counts each time it begins to be
announced: from nothing, or again from latched after its condition had passed. A span of time belongs to a stay from
its admission to its discharge, or to the last entry of a recording that ends before.

Nothing is summed up here; `gateway.backtest.totals` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.backtest.labels import Detection

DAY_MS = 86_400_000
SHORT_MS = 17_000
"""Half of the alarms of a surgical intensive care lasted no longer (Görges 2009, clinical notes R93)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One alarm from where it began to be announced."""

    rule_id: str
    family: str
    priority: str
    kind: str
    announced_ms: int
    until_ms: int | None
    """When its condition had passed; None when it was there to the end of the stay or of the recording."""
    acknowledged_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSpan:
    """A dose decision, and what it rested on, from an instant to the next span."""

    from_ms: int
    decision: str
    computed: str
    """What the criteria alone came to, before signatures."""
    holding: tuple[str, ...]
    """Ids of the criteria met or recovering."""
    final: tuple[str, ...]
    """Among them those that are met and discontinue by themselves."""
    unknown: tuple[str, ...]
    """Ids of the required criteria that were unknown."""

    @property
    def because(self) -> tuple[str, ...]:
        """The criteria that make the decision."""
        if self.decision == "indeterminate":
            return self.unknown
        return self.final if self.decision == "discontinue" and self.final else self.holding


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDose:
    """A dose as it fell due, and what was decided at that instant."""

    number: int
    due_ms: int
    decision: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseOutcome:
    """What became of a dose."""

    number: int
    due_ms: int | None
    started_ms: int | None
    status: str
    percent_of_order: float | None
    decision_at_start: str | None
    """What was decided when it began; None when it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayFigures:
    """One stay under one profile."""

    recording: str
    admission_id: str
    bed: str
    admitted_ms: int
    ended_ms: int
    is_discharged: bool
    covered_ms: Mapping[str, int]
    """How long each vital sign had a source that was current."""
    covered_any_ms: int
    """How long any of them had."""
    announcements: tuple[Announcement, ...]
    spans: tuple[DecisionSpan, ...]
    """In order, from the admission on; empty where no dosing profile is in force."""
    unknown_ms: Mapping[str, int]
    """How long each criterion was unknown; every criterion of the profile is named."""
    holding_ms: Mapping[str, int]
    """How long each criterion was met or recovering."""
    due: tuple[DueDose, ...]
    doses: tuple[DoseOutcome, ...]
    signed: int
    """Signatures that were taken."""
    detections: tuple[Detection, ...]
    """One for each label."""
    annotated: tuple[str, ...]
    """Alarm families whose every occurrence has a label."""
    false_alarms: Mapping[str, int]
    """By annotated family: announcements that belong to no label."""

    @property
    def duration_ms(self) -> int:
        """How long the stay lasted, as far as it is recorded."""
        return self.ended_ms - self.admitted_ms

    @property
    def key(self) -> tuple[str, str]:
        """The same stay under another profile has the same."""
        return (self.recording, self.admission_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """One recording under one profile."""

    stays: tuple[StayFigures, ...]
    received: int
    evaluated: int
    duplicate: int
    rejected: int
    metrics_rejected: int
    commands_refused: int
    signatures_refused: int
    """Among them: signed in the recording, and not acceptable under this profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFigures:
    """One recording under each profile."""

    recording: str
    arms: tuple[ArmFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFailure:
    """A recording of which there are no figures, and why."""

    recording: str
    reason: str
