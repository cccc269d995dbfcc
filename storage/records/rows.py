"""What the records give back: plain values, and no type of the database.

Instants are gateway milliseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from alerts.alarm import Alarm, Phase, SignalState
from streaming.admission import Admission
from streaming.identity import BedId, DeviceId

Row = TypeVar("Row")

AuditKind = Literal["command", "alarm", "decision", "dose"]
"""What an audit entry is about."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A part of a list, and where the next part begins."""

    items: tuple[Row, ...]
    next: str | None
    """Opaque; None at the end of the list. It stays valid while rows are added at the list's beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BedAssignment:
    """A patient was in this bed from `from_ms` until, and not including, `to_ms`; None: still is."""

    bed: BedId
    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRecord:
    """An admission with the beds it was in, oldest first."""

    admission: Admission
    assignments: tuple[BedAssignment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRecord:
    """One step of an alarm; `n` counts within the admission."""

    n: int
    at_ms: int
    alarm_id: str
    phase: Phase
    from_: SignalState
    to: SignalState
    actor: str


DeliveryState = Literal["waiting", "sent", "cancelled", "failed"]
"""`cancelled`: no longer worth sending; `failed`: given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """A notification, and what became of it."""

    key: str
    receiver: str
    alarm_id: str
    n: int
    phase: str
    at_ms: int
    due_ms: int
    only_unless_seen: bool
    only_if_told: bool
    body: str
    state: DeliveryState
    attempts: int
    next_try_ms: int
    settled_ms: int | None
    """When it was sent, cancelled or given up."""
    remark: str | None
    """The last failure, or why it was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRecord:
    """An alarm as it stands, with all its transitions, oldest first, and who was told of them."""

    alarm: Alarm
    transitions: tuple[TransitionRecord, ...]
    deliveries: tuple[DeliveryRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRecord:
    """Input that was rejected: the whole message, or the one metric named."""

    offset: int
    """Of the journal entry, which holds the bytes as received."""
    ordinal: int
    """From 0, within the entry."""
    received_ms: int
    topic: str
    reason: str
    detail: str
    metric: str | None
    device: DeviceId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An entry of the audit log: who did what when, and what came of it."""

    number: int
    """From 1, without gaps."""
    offset: int
    """Of the journal entry that it follows from."""
    at_ms: int
    kind: AuditKind
    actor: str
    """The person who acted, or `vigil`."""
    action: str
    """The command's name, the alarm transition's phase, the decision, the dose's status."""
    subject_id: str | None
    """The admission or alarm it was about."""
    body: Mapping[str, object]
    outcome: Literal["applied", "refused"] | None
    """Of a command."""
    reason: str | None
    """Why a command was refused, machine-readable; None when it was applied."""
    detail: str | None
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSummary:
    """What a replay's closing line says about the lines before it, for the live run."""

    lines: int
    by_type: Mapping[str, int]
    """Lines by their `type`: `alarm`, `decision`, `dose`, `rejected`."""
    sha256: str
    """Over the lines in order, each with its newline, in hexadecimal."""
