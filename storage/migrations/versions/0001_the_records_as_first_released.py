"""The records as first released: admissions, alarms, quarantine, audit, outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "admissions",
        sa.Column("admission_id", IDENTIFIER, nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("bed", sa.Text(), nullable=False),
        sa.Column("dosing_weight_kg", sa.Float(), nullable=True),
        sa.Column("baseline_weight_kg", sa.Float(), nullable=True),
        sa.Column("baseline", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("admitted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("discharged_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("admission_id", name=op.f("pk_admissions")),
    )
    op.create_index(
        "ix_admissions_admitted_at_ms_admission_id", "admissions", ["admitted_at_ms", "admission_id"], unique=False
    )

    op.create_table(
        "alarms",
        sa.Column("alarm_id", IDENTIFIER, nullable=False),
        sa.Column("admission_id", IDENTIFIER, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("bed", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("onset_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("announced_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_note", sa.Text(), nullable=True),
        sa.Column("escalation_level", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alarm_id", name=op.f("pk_alarms")),
    )
    op.create_index(
        "ix_alarms_active",
        "alarms",
        ["announced_at_ms", "alarm_id"],
        unique=False,
        sqlite_where=sa.text("signal != 'off'"),
        postgresql_where=sa.text("signal != 'off'"),
    )
    op.create_index(
        "ix_alarms_admission_id_announced_at_ms_alarm_id",
        "alarms",
        ["admission_id", "announced_at_ms", "alarm_id"],
        unique=False,
    )
    op.create_index("ix_alarms_announced_at_ms_alarm_id", "alarms", ["announced_at_ms", "alarm_id"], unique=False)

    op.create_table(
        "audit",
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("offset", "ordinal", name=op.f("pk_audit")),
    )
    op.create_table(
        "outcomes",
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name=op.f("pk_outcomes")),
    )
    op.create_table(
        "projection_offsets",
        sa.Column("name", IDENTIFIER, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_projection_offsets")),
    )
    op.create_table(
        "quarantine",
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("bed", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("offset", "ordinal", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "bed_assignments",
        sa.Column("admission_id", IDENTIFIER, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("bed", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["admission_id"], ["admissions.admission_id"], name=op.f("fk_bed_assignments_admission_id")
        ),
        sa.PrimaryKeyConstraint("admission_id", "offset", name=op.f("pk_bed_assignments")),
    )
    op.create_table(
        "transitions",
        sa.Column("admission_id", IDENTIFIER, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("alarm_id", IDENTIFIER, nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("from_signal", sa.Text(), nullable=False),
        sa.Column("to_signal", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.alarm_id"], name=op.f("fk_transitions_alarm_id")),
        sa.PrimaryKeyConstraint("admission_id", "n", "offset", name=op.f("pk_transitions")),
    )
    op.create_index("ix_transitions_alarm_id_n", "transitions", ["alarm_id", "n"], unique=False)


def downgrade() -> None:

    op.drop_table("transitions")
    op.drop_table("bed_assignments")
    op.drop_table("quarantine")
    op.drop_table("projection_offsets")
    op.drop_table("outcomes")
    op.drop_table("audit")

    op.drop_table("alarms")

    op.drop_table("admissions")
