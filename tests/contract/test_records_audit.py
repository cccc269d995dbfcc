"""The audit log in both databases: chained in the records' transaction, guarded, the same when made anew, migrated."""

from __future__ import annotations

import json

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.audit.chain import EMPTY, AuditEntry
from storage.audit.verification import ChainWalk
from storage.records import Records, schema
from storage.records.auditing import GUARDS, AuditLogReader, append
from storage.records.engine import open_engine
from storage.records.projection import project
from tests.support.audit_logs import ENTRIES, happenings
from tests.support.effects import T0_MS

CHANGES = {
    "sqlite": ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"],
    "postgresql": ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
}


async def stored(url: str) -> list[AuditEntry]:
    reader = await AuditLogReader.open(url)
    try:
        return [each async for part in reader.entries() for each in part if isinstance(each, AuditEntry)]
    finally:
        await reader.close()


async def assert_whole(url: str, length: int) -> ChainWalk:
    walk = ChainWalk()
    for entry in await stored(url):
        walk.take(entry)
    assert walk.findings() == []
    assert walk.entries == walk.head.number == length
    return walk


async def refused(engine: AsyncEngine, change: str) -> str:
    try:
        async with engine.begin() as connection:
            await connection.execute(text(change))
    except DBAPIError as error:
        return str(error.orig)
    return "done"


async def test_entries_are_chained_however_they_were_batched(records: Records, records_url: str) -> None:
    batch = happenings()
    await records.apply(batch[:5], [], 5)
    await records.apply(batch[5:6], [], 6)
    await records.apply(batch[6:], [], ENTRIES)

    walk = await assert_whole(records_url, ENTRIES)

    assert walk.head == records.audit_head
    await records.clear()
    assert records.audit_head == EMPTY
    await records.apply(batch, [], ENTRIES)
    assert records.audit_head == walk.head, "made anew it is the same log"


async def test_a_writer_that_lost_its_place_repeats_no_entry(records: Records, records_url: str) -> None:
    """As after a commit whose answer never came."""
    behind = await Records.open(records_url)
    await records.apply(happenings(until=4), [], 4)

    await behind.apply(happenings(until=6), [], 6)

    assert (await assert_whole(records_url, 6)).head == behind.audit_head
    await behind.close()


async def test_a_batch_that_fails_leaves_no_entry(records: Records, records_url: str) -> None:
    await records.apply(happenings(until=2), [], 2)
    doubled = [(offset, effects * 2) for offset, effects in happenings() if offset == 4]  # one transition, twice

    with pytest.raises(DBAPIError):
        await records.apply(doubled, [], 4)

    await assert_whole(records_url, 2)
    assert records.audit_head.number == 2


async def test_the_database_lets_entries_be_added_only(records: Records, records_url: str) -> None:
    await records.apply(happenings(), [], ENTRIES)
    engine = open_engine(records_url)
    for change in CHANGES[engine.dialect.name]:
        assert "can only be added to" in await refused(engine, change), change

    await records.clear()
    await records.apply(happenings(), [], ENTRIES)
    for change in CHANGES[engine.dialect.name]:
        assert "can only be added to" in await refused(engine, change), "the triggers stand again"
    await engine.dispose()
    await assert_whole(records_url, ENTRIES)


async def test_a_guard_that_does_not_stand_is_named(records: Records, records_url: str) -> None:
    await records.apply(happenings(until=1), [], 1)
    reader = await AuditLogReader.open(records_url)
    assert await reader.missing_guards() == []
    engine = open_engine(records_url)
    name = min(GUARDS[engine.dialect.name])
    async with engine.begin() as connection:
        on = " ON audit_log" if engine.dialect.name == "postgresql" else ""
        await connection.execute(text(f"DROP TRIGGER {name}{on}"))

    assert await reader.missing_guards() == [name]
    await engine.dispose()
    await reader.close()


async def test_reading_can_change_nothing(records: Records, records_url: str) -> None:
    await records.apply(happenings(until=1), [], 1)
    reader = await AuditLogReader.open(records_url)

    assert "read" in await refused(reader._engine, "DELETE FROM projection_offsets")
    await reader.close()


async def test_an_entry_that_was_tampered_with_hides_no_other(records: Records, records_url: str) -> None:
    rows = project(happenings(until=3), after=0).audit
    rows[1]["body"] = "{"
    async with records._engine.begin() as connection:
        await append(connection, rows)

    page = await records.audit()

    assert [each.body for each in page.items][1] == {"unreadable": "{"}
    assert len(page.items) == 3


# --- migration --------------------------------------------------------------------------------------------------------

ALARM_LINE = {
    "type": "alarm", "n": 1, "at": "2026-09-21T14:13:22.500Z", "alarm_id": "al-1", "phase": "start", "from": "off",
    "to": "on", "actor": "vigil", "admission_id": "a-1", "evidence": {"text": "µ"},
}  # fmt: skip
DECISION_LINE = {"type": "decision", "at": "2026-09-21T14:13:23.000Z", "admission_id": "a-1", "decision": "hold"}


def to_step(connection: Connection, step: str) -> None:
    configuration = schema._configuration()
    configuration.attributes["connection"] = connection
    (command.upgrade if step > "0001" else command.downgrade)(configuration, step)


def fill_0001(connection: Connection) -> None:
    """Rows as version 0.1.0 wrote them."""
    configuration = schema._configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "0001")
    audit = "INSERT INTO audit VALUES (:o, 0, :at, :actor, :command, :subject, :body, :outcome, :reason, NULL)"
    for offset, name, outcome in ((3, "admit", "applied"), (7, "acknowledge", "applied"), (9, "admit", "refused")):
        connection.execute(
            text(audit),
            {
                "o": offset, "at": T0_MS + offset, "actor": "nurse", "command": name, "subject": "a-1",
                "body": '{"ü":1}', "outcome": outcome, "reason": "bed_taken" if outcome == "refused" else None,
            },
        )  # fmt: skip
    lines = [(5, ALARM_LINE), (6, {"type": "rejected"}), (7, ALARM_LINE | {"phase": "acknowledge", "actor": "nurse"})]
    for ordinal, (offset, line) in enumerate([*lines, (8, DECISION_LINE)], start=1):
        row = {"n": ordinal, "o": offset, "line": json.dumps(line, sort_keys=True, ensure_ascii=False)}
        connection.execute(text("INSERT INTO outcomes VALUES (:n, :o, :line)"), row)
    connection.execute(text("INSERT INTO projection_offsets VALUES ('records', 9)"))


async def test_what_was_recorded_before_there_was_a_chain_is_chained_in_order(records_url: str) -> None:
    engine = open_engine(records_url)
    async with engine.begin() as connection:
        await connection.run_sync(fill_0001)
    await engine.dispose()

    records = await Records.open(records_url)
    await records.apply([(10, happenings(until=1)[0][1])], [], 10)

    walk = await assert_whole(records_url, 7)
    assert walk.head == records.audit_head
    assert [(each.offset, each.kind, each.action, each.actor) for each in await stored(records_url)] == [
        (3, "command", "admit", "nurse"),
        (5, "alarm", "start", "vigil"),
        (7, "alarm", "acknowledge", "nurse"),
        (7, "command", "acknowledge", "nurse"),
        (8, "decision", "hold", "vigil"),
        (9, "command", "admit", "nurse"),
        (10, "command", "admit", "nurse"),
    ]
    page = await records.audit(kind="alarm")
    assert [each.body["evidence"] for each in page.items] == [{"text": "µ"}] * 2
    assert page.items[1].at_ms == T0_MS + 2_500
    assert (await records.audit()).items[1].reason == "bed_taken"
    await records.close()


async def test_a_database_taken_back_keeps_its_commands(records: Records, records_url: str) -> None:
    await records.apply(happenings(), [], ENTRIES)
    engine = open_engine(records_url)
    async with engine.begin() as connection:
        await connection.run_sync(to_step, "0001")
        kept = (await connection.execute(text('SELECT "offset", command FROM audit ORDER BY 1'))).all()
    await engine.dispose()

    assert [tuple(row) for row in kept[:3]] == [(1, "admit"), (3, "acknowledge"), (5, "acknowledge")]
    assert len(kept) == ENTRIES - 3
