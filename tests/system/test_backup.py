"""The backup that deploy/README.md tells people to make, made while the journal is being written, and opened again."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from storage.journal import Journal
from storage.ports import EntryKind
from tests.support.sources import REPOSITORY

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the sqlite3 program is not installed")

ENTRIES_BEFORE = 20_000


def command_of_the_runbook(data_dir: Path, backup: Path) -> str:
    runbook = (REPOSITORY / "deploy" / "README.md").read_text()
    found = re.search(r"^    (sqlite3 .*journal\.db.*)$", runbook, re.MULTILINE)
    assert found is not None
    return found.group(1).replace("/var/lib/vigil", str(data_dir)).replace("/backup", str(backup))


async def write_until(journal: Journal, done: asyncio.Event) -> None:
    while not done.is_set():
        await journal.append([(EntryKind.MESSAGE, "icu/v1/icu/b01/mon1/obs", b"{}", 1)] * 20)


async def test_a_backup_of_a_journal_in_use_is_a_journal_up_to_some_entry(tmp_path: Path) -> None:
    data_dir, backup = tmp_path / "data", tmp_path / "backup"
    data_dir.mkdir()
    backup.mkdir()
    journal = await asyncio.to_thread(Journal.open, data_dir / "journal.db")
    await journal.append([(EntryKind.MESSAGE, f"icu/v1/icu/b01/mon1/{n}", b"{}", 1) for n in range(ENTRIES_BEFORE)])
    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write_until(journal, done))
        process = await asyncio.create_subprocess_shell(command_of_the_runbook(data_dir, backup))
        status = await process.wait()
        done.set()

    restored = await asyncio.to_thread(Journal.open, backup / "journal.db")
    head = restored.head_offset
    same = restored.read(0, limit=head) == journal.read(0, limit=head)
    await asyncio.to_thread(restored.close)
    await asyncio.to_thread(journal.close)

    assert status == 0
    assert head >= ENTRIES_BEFORE
    assert same
