"""Alarms say when they were last announced, when it will be too late to acknowledge, and why they are kept or ended."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alarms", sa.Column("signalled_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarms", sa.Column("next_escalation_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarms", sa.Column("is_flapping", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("alarms", sa.Column("inhibited_by", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("inhibited_by", "is_flapping", "next_escalation_at_ms", "signalled_at_ms"):
        op.drop_column("alarms", name)
