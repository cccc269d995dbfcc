"""An audit log with something in it, and hands that change it behind Vigil's back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from gateway.audit_check import Report, check_log
from storage.audit.anchor import Anchor, AnchorFile
from storage.audit.chain import AuditEntry
from storage.audit.verification import Finding
from storage.records import Records, sqlite_url
from storage.records.auditing import AuditLogReader
from streaming.effects import CommandApplied, CommandRefused
from tests.support.effects import T0_MS, acknowledged, alarm, ended, started

ENTRIES = 12
GUARDS = ("audit_log_no_update", "audit_log_no_delete", "audit_log_only_next")


def happenings(*, until: int = ENTRIES, of: str = "a-1") -> list[tuple[int, list[object]]]:
    """Effects of journal entries 1, 2, …, each of which makes one entry of the audit log."""
    first = alarm("al-1", admission_id=of)
    seen = acknowledged(2, first, at_ms=T0_MS + 3_000, note="µ seen")
    made: list[object] = [
        CommandApplied(T0_MS, "admit", of, actor="nurse", body={"patient_id": "p-1"}),
        started(1, first),
        CommandApplied(T0_MS + 3_000, "acknowledge", "al-1", actor="nurse", body={"note": "µ seen"}),
        seen,
        CommandRefused(T0_MS + 4_000, "acknowledge", "already_ended", "it has ended", actor="doctor", body={}),
        ended(3, seen.alarm, at_ms=T0_MS + 5_000),
    ]
    for n in range(len(made), until):
        made.append(CommandApplied(T0_MS + 1_000 * n, "chart", of, actor="nurse", body={"weight": 80.0 + n}))
    return [(offset, [effect]) for offset, effect in enumerate(made[:until], start=1)]


async def fill(url: str, *, until: int = ENTRIES, of: str = "a-1") -> Records:
    """Records with an audit log of `until` entries; whoever asks closes them."""
    records = await Records.open(url)
    await records.apply(happenings(until=until, of=of), [], until)
    return records


class Log:
    """A filled audit log in a directory, with an anchor, its records closed."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "records.db"
        self.url = sqlite_url(self.path)
        self.anchor_file = directory / "audit-anchor.ndjson"
        self.archive = directory / "audit-archive"

    async def made(self, *, until: int = ENTRIES, anchor_at: Sequence[int] = (4, ENTRIES)) -> Log:
        """Filled and anchored when it had so many entries."""
        records = await Records.open(self.url)
        batch = happenings(until=until)
        for offset, effects in batch:
            await records.apply([(offset, effects)], [], offset)
            if records.audit_head.number in anchor_at:
                self.anchor(records, T0_MS + 60_000 * offset)
        await records.close()
        return self

    def anchor(self, records: Records, at_ms: int) -> None:
        """Write the head down."""
        head = records.audit_head
        anchor = Anchor(number=head.number, hash=head.hash, at_ms=head.at_ms, anchored_ms=at_ms)
        AnchorFile(self.anchor_file).add(anchor)

    def tamper(self, *statements: str, parameters: Sequence[object] = ()) -> None:
        """Change the database as somebody would who has its file: triggers out of the way, and put back."""
        connection = sqlite3.connect(self.path)
        with connection:
            guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in guards:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement, parameters)
            for _, sql in guards:
                connection.execute(sql)
        connection.close()

    async def report(self) -> Report:
        """What `vigil audit verify` finds."""
        reader = await AuditLogReader.open(self.url)
        try:
            return await check_log(reader.entries(), self.anchor_file, self.archive)
        finally:
            await reader.close()

    async def entries(self) -> list[AuditEntry]:
        """As stored."""
        reader = await AuditLogReader.open(self.url)
        try:
            return [each for part in [part async for part in reader.entries()] for each in part]  # type: ignore[misc]
        finally:
            await reader.close()

    def found(self) -> list[Finding]:
        """What `vigil audit verify` finds, from outside of a loop."""
        return asyncio.run(self.report()).findings
