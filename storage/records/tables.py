"""The tables of the records: one definition for SQLite and PostgreSQL.

Invariants. JSON is kept as text, so that both databases give back the bytes that were put in and a NUL inside a string
is no matter (PostgreSQL's own JSON types refuse it). Ids sort by code point in both databases. Instants are
milliseconds since 1970 UTC in 64 bits.

The schema that is in force is the one the migrations make; a test keeps the two equal.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

IDENTIFIER = Text().with_variant(Text(collation="C"), "postgresql")
"""Sorted by code point: SQLite does so of itself, PostgreSQL only when told."""

ADMISSIONS = Table(
    "admissions",
    METADATA,
    Column("admission_id", IDENTIFIER, primary_key=True),
    Column("patient_id", Text, nullable=False),
    Column("name", Text),
    Column("unit", Text, nullable=False),
    Column("bed", Text, nullable=False),
    Column("dosing_weight_kg", Float),
    Column("baseline_weight_kg", Float),
    Column("baseline", Text, nullable=False),
    Column("limits", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("admitted_at_ms", BigInteger, nullable=False),
    Column("discharged_at_ms", BigInteger),
    Index(None, "admitted_at_ms", "admission_id"),
)

BED_ASSIGNMENTS = Table(
    "bed_assignments",
    METADATA,
    Column("admission_id", IDENTIFIER, ForeignKey("admissions.admission_id"), nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("bed", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger),
    PrimaryKeyConstraint("admission_id", "offset"),
)

ALARMS = Table(
    "alarms",
    METADATA,
    Column("alarm_id", IDENTIFIER, primary_key=True),
    Column("admission_id", IDENTIFIER, nullable=False),
    Column("unit", Text, nullable=False),
    Column("bed", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("onset_at_ms", BigInteger, nullable=False),
    Column("announced_at_ms", BigInteger, nullable=False),
    Column("cleared_at_ms", BigInteger),
    Column("acknowledged_by", Text),
    Column("acknowledged_at_ms", BigInteger),
    Column("acknowledged_note", Text),
    Column("escalation_level", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("signalled_at_ms", BigInteger),
    Column("next_escalation_at_ms", BigInteger),
    Column("is_flapping", Integer, nullable=False, server_default="0"),
    Column("inhibited_by", Text),
    Index(None, "announced_at_ms", "alarm_id"),
    Index(None, "admission_id", "announced_at_ms", "alarm_id"),
)
Index(
    "ix_alarms_active",
    ALARMS.c.announced_at_ms,
    ALARMS.c.alarm_id,
    sqlite_where=ALARMS.c.signal != "off",
    postgresql_where=ALARMS.c.signal != "off",
)

TRANSITIONS = Table(
    "transitions",
    METADATA,
    Column("admission_id", IDENTIFIER, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("alarm_id", IDENTIFIER, ForeignKey("alarms.alarm_id"), nullable=False),
    Column("phase", Text, nullable=False),
    Column("from_signal", Text, nullable=False),
    Column("to_signal", Text, nullable=False),
    Column("actor", Text, nullable=False),
    # `n` is unique within an admission; were it not, by a defect of the fold, the records must still go on.
    PrimaryKeyConstraint("admission_id", "n", "offset"),
    Index(None, "alarm_id", "n"),
)

QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("offset", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("metric", Text),
    Column("unit", Text),
    Column("bed", Text),
    Column("device", Text),
    PrimaryKeyConstraint("offset", "ordinal"),
)

AUDIT_LOG = Table(
    "audit_log",
    METADATA,
    # On SQLite the key is the row's own number: there is no index that could say something else than the table.
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("offset", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_id", Text),
    Column("body", Text, nullable=False),
    Column("outcome", Text),
    Column("reason", Text),
    Column("detail", Text),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "at_ms"),
    Index(None, "kind", "number"),
)
"""Chained (`storage.audit.chain`); triggers refuse any change but the addition of the next entry."""

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
)

NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("key", IDENTIFIER, primary_key=True),
    Column("receiver", IDENTIFIER, nullable=False),
    Column("alarm_id", IDENTIFIER, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("only_unless_seen", Integer, nullable=False),
    Column("only_if_told", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("settled_ms", BigInteger),
    Column("remark", Text),
    Index(None, "alarm_id"),
)
"""What receivers are to be told of alarms, and what became of it (`storage.records.outbox`)."""
Index(
    "ix_notifications_waiting",
    NOTIFICATIONS.c.receiver,
    NOTIFICATIONS.c.due_ms,
    sqlite_where=NOTIFICATIONS.c.state == "waiting",
    postgresql_where=NOTIFICATIONS.c.state == "waiting",
)

PROJECTION_OFFSETS = Table(
    "projection_offsets",
    METADATA,
    Column("name", IDENTIFIER, primary_key=True),
    Column("offset", BigInteger, nullable=False),
)
