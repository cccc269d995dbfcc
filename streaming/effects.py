"""What the engine says happened: values, to be turned into rows, frames and publishes by the shell.

An effect never asks for anything to be done to a patient or a pump. Instants are milliseconds since 1970 UTC on the
gateway's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streaming.admission import Admission
from streaming.identity import BedId, DeviceId

Sample = tuple[str, int, float, int]
"""(metric or signal name, determined_ms corrected to the gateway's clock, value in canonical unit, Validity)."""


@dataclass(slots=True)
class SamplesAccepted:
    """Numbers for the time series: what one message carried, and the patient-level signals that follow from it.

    Not frozen: one is made per message, and a frozen dataclass costs five times as much to make.
    """

    device: DeviceId
    received_ms: int
    metrics: list[Sample]
    """By metric name, under the device."""
    signals: list[Sample]
    """By signal name, under the bed: what the engine chose from the metrics."""


@dataclass(frozen=True, slots=True)
class InputRejected:
    """A message or one metric of it was rejected; the whole message when `metric` is None."""

    received_ms: int
    topic: str
    reason: str
    detail: str
    device: DeviceId | None = None
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class AdmissionChanged:
    """An admission began, moved, or ended."""

    at_ms: int
    admission_id: str
    bed: BedId
    change: str
    """`admit`, `transfer` or `discharge`"""
    actor: str
    admission: Admission
    """The admission after the change."""


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command was in the journal but could not be carried out (bed taken, no such alarm): nothing changed."""

    at_ms: int
    command: str
    reason: str
    """Machine-readable: `bed_taken`, `no_such_admission`, `no_such_alarm`, `already_ended`, …"""
    detail: str
    actor: str = "vigil"
    subject_id: str | None = None
    """The admission or alarm it was about, where the command names one."""
    body: Mapping[str, object] = field(default_factory=dict)
    """The command's body as journaled, for the audit."""


@dataclass(frozen=True, slots=True)
class CommandApplied:
    """A command was carried out; `subject_id` is the admission or alarm it was about."""

    at_ms: int
    command: str
    subject_id: str
    actor: str = "vigil"
    body: Mapping[str, object] = field(default_factory=dict)
    """The command's body as journaled, for the audit."""
