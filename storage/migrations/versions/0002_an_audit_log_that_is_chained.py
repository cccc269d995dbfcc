"""An audit log that is chained and can only be added to: commands, alarm transitions, decisions, doses.

What the tables of step 0001 hold of these (commands in `audit`, the rest in `outcomes`) is chained in order of journal
offset, outcomes before the command that they follow from. The seal is written out here, as it was when this step was
released.
"""

import heapq
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT_ONCE = 1000
BEFORE_THE_FIRST = "0" * 64
ACTIONS = {"alarm": "phase", "decision": "decision", "dose": "status"}
Fields = dict[str, Any]
Placed = tuple[tuple[int, int], Fields]
CONTENT = ("offset", "at_ms", "kind", "actor", "action", "subject_id", "body", "outcome", "reason", "detail")
SEALED = ("prev_hash", "number", *CONTENT)

SQLITE_GUARDS = (
    "CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log "
    "BEGIN SELECT RAISE(ABORT, 'the audit log can only be added to'); END",
    "CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log "
    "BEGIN SELECT RAISE(ABORT, 'the audit log can only be added to'); END",
    "CREATE TRIGGER audit_log_only_next BEFORE INSERT ON audit_log "
    "WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM audit_log) "
    "OR NEW.prev_hash <> coalesce((SELECT hash FROM audit_log WHERE number = NEW.number - 1), "
    "'0000000000000000000000000000000000000000000000000000000000000000') "
    "BEGIN SELECT RAISE(ABORT, 'the audit log can only be added to, by the entry that follows its last'); END",
)
POSTGRESQL_GUARDS = (
    "CREATE FUNCTION audit_log_guard() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE last record; BEGIN "
    "IF TG_OP <> 'INSERT' THEN RAISE EXCEPTION 'the audit log can only be added to'; END IF; "
    "SELECT number, hash INTO last FROM audit_log ORDER BY number DESC LIMIT 1; "
    "IF NEW.number <> coalesce(last.number, 0) + 1 OR NEW.prev_hash <> coalesce(last.hash, repeat('0', 64)) THEN "
    "RAISE EXCEPTION 'the audit log can only be added to, by the entry that follows its last'; END IF; "
    "RETURN NEW; END $$",
    "CREATE TRIGGER audit_log_only_next BEFORE INSERT OR UPDATE OR DELETE ON audit_log "
    "FOR EACH ROW EXECUTE FUNCTION audit_log_guard()",
    "CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_guard()",
)


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_at_ms", "audit_log", ["at_ms"], unique=False)
    op.create_index("ix_audit_log_kind_number", "audit_log", ["kind", "number"], unique=False)
    _chain_what_is_there()
    op.drop_table("audit")
    for guard in POSTGRESQL_GUARDS if op.get_bind().dialect.name == "postgresql" else SQLITE_GUARDS:
        op.execute(sa.text(guard))


def downgrade() -> None:
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
    op.execute(
        sa.text(
            'INSERT INTO audit SELECT "offset", row_number() OVER (PARTITION BY "offset" ORDER BY number) - 1, at_ms, '
            "actor, action, subject_id, body, outcome, reason, detail FROM audit_log WHERE kind = 'command'"
        )
    )
    op.drop_table("audit_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.text("DROP FUNCTION audit_log_guard()"))


def _chain_what_is_there() -> None:
    log = sa.table("audit_log", *(sa.column(name) for name in (*SEALED, "hash")))
    last = BEFORE_THE_FIRST
    waiting: list[Fields] = []
    in_order = heapq.merge(_outcomes(), _commands(), key=lambda placed: placed[0])
    for number, (_, entry) in enumerate(in_order, start=1):
        entry |= {"number": number, "prev_hash": last}
        array = json.dumps([entry[name] for name in SEALED], ensure_ascii=False, separators=(",", ":"))
        entry["hash"] = last = sha256(array.encode()).hexdigest()
        waiting.append(entry)
        if len(waiting) == AT_ONCE:
            op.get_bind().execute(log.insert(), waiting)
            waiting = []
    if waiting:
        op.get_bind().execute(log.insert(), waiting)


def _commands() -> Iterator[Placed]:
    query = sa.text(
        'SELECT "offset", ordinal, at_ms, actor, command, subject_id, body, outcome, reason, detail FROM audit '
        'WHERE "offset" > :o OR ("offset" = :o AND ordinal > :n) ORDER BY "offset", ordinal LIMIT :limit'
    )
    at = {"o": -1, "n": -1, "limit": AT_ONCE}
    while rows := op.get_bind().execute(query, at).mappings().all():
        for row in rows:
            entry = {name: row[name] for name in CONTENT if name not in ("kind", "action")}
            yield (row["offset"], 1), entry | {"kind": "command", "action": row["command"]}
        at |= {"o": rows[-1]["offset"], "n": rows[-1]["ordinal"]}


def _outcomes() -> Iterator[Placed]:
    query = sa.text('SELECT ordinal, "offset", line FROM outcomes WHERE ordinal > :n ORDER BY ordinal LIMIT :limit')
    at = {"n": -1, "limit": AT_ONCE}
    while rows := op.get_bind().execute(query, at).mappings().all():
        for row in rows:
            said = json.loads(row["line"])
            if said.get("type") in ACTIONS:
                yield (row["offset"], 0), _entry(row["offset"], row["line"], said)
        at["n"] = rows[-1]["ordinal"]


def _entry(offset: int, line: str, said: dict[str, Any]) -> Fields:
    return {
        "offset": offset,
        "at_ms": _milliseconds(said["at"]),
        "kind": said["type"],
        "actor": said.get("actor", "vigil"),
        "action": said[ACTIONS[said["type"]]],
        "subject_id": said.get("alarm_id", said["admission_id"]),
        "body": line,
        "outcome": None,
        "reason": None,
        "detail": None,
    }


def _milliseconds(instant: str) -> int:
    return (datetime.fromisoformat(instant) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
