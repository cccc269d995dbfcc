"""What people ask for: admissions, alarms, quarantine, audit, outcomes. A projection of the journal, in SQL."""

from storage.records.cursors import InvalidCursorError
from storage.records.engine import sqlite_url
from storage.records.rows import (
    AdmissionRecord,
    AlarmRecord,
    AuditKind,
    AuditRecord,
    BedAssignment,
    DeliveryRecord,
    OutcomeSummary,
    Page,
    QuarantineRecord,
    TransitionRecord,
)
from storage.records.schema import SchemaOutdatedError, upgrade
from storage.records.store import Records, RecordsUnavailable

__all__ = [
    "AdmissionRecord",
    "AlarmRecord",
    "AuditKind",
    "AuditRecord",
    "BedAssignment",
    "DeliveryRecord",
    "InvalidCursorError",
    "OutcomeSummary",
    "Page",
    "QuarantineRecord",
    "Records",
    "RecordsUnavailable",
    "SchemaOutdatedError",
    "TransitionRecord",
    "sqlite_url",
    "upgrade",
]
