"""The audit log: whatever is changed in it is found and named, and what was left alone is found whole."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from textwrap import dedent

import pytest

from gateway.audit_check import check_log, read_log, write_log
from storage.audit.anchor import Anchor, AnchorFile, NewLog, read_anchors
from storage.audit.chain import CONTENT, EMPTY, link, seal_of
from storage.audit.verification import Fault, Finding
from storage.records import Records
from storage.records.auditing import AuditLogReader
from tests.support.audit_logs import ENTRIES, Log, happenings
from tests.support.effects import T0_MS
from tests.support.sources import REPOSITORY

TEXTS = [name for name in (*CONTENT, "prev_hash", "hash") if name not in ("offset", "at_ms")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with twelve entries, anchored at the fourth and the last."""
    directory = tmp_path_factory.mktemp("made")
    asyncio.run(Log(directory).made())
    return directory


@pytest.fixture
def log(tmp_path: Path, made: Path) -> Log:
    """Twelve entries, anchored at the fourth and the last."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Log(tmp_path)


def named(findings: list[Finding]) -> list[tuple[Fault, int | None, int | None]]:
    return [(each.fault, each.first, each.last) for each in findings]


# --- whole ------------------------------------------------------------------------------------------------------------


async def test_a_log_that_was_left_alone_is_whole(log: Log) -> None:
    report = await log.report()

    assert (report.entries, report.anchors, report.anchored, report.findings, report.remarks) == (12, 2, 12, [], [])


async def test_every_human_act_and_every_alarm_transition_has_an_entry(log: Log) -> None:
    entries = await log.entries()

    assert [(each.kind, each.action, each.actor, each.outcome) for each in entries[:6]] == [
        ("command", "admit", "nurse", "applied"),
        ("alarm", "start", "vigil", None),
        ("command", "acknowledge", "nurse", "applied"),
        ("alarm", "acknowledge", "nurse", None),
        ("command", "acknowledge", "doctor", "refused"),
        ("alarm", "end", "vigil", None),
    ]
    assert json.loads(entries[1].body)["alarm"]["evidence"] == {"value": 58.0, "limit": 65.0}
    assert [each.number for each in entries] == list(range(1, ENTRIES + 1))


@pytest.mark.parametrize(("edit", "status"), [("", 0), ("nurse", 1)])
async def test_the_lines_of_plain_python_in_the_decision_check_an_exported_log(
    log: Log, tmp_path: Path, edit: str, status: int
) -> None:
    """Nobody needs Vigil to check its books."""
    page = (REPOSITORY / "docs" / "decisions" / "0011-the-audit-log.md").read_text()
    script = dedent(page[page.index("    import hashlib") : page.index("**Why.**")])
    reader = await AuditLogReader.open(log.url)
    await write_log(reader.entries(), tmp_path / "audit.ndjson")
    await reader.close()
    exported = (tmp_path / "audit.ndjson").read_text()
    given = exported.replace(edit, "curse", 1) if edit else exported

    done = subprocess.run([sys.executable, "-c", script], input=given, text=True, capture_output=True, check=False)

    assert done.returncode == status
    assert ("AssertionError: 1" in done.stderr) == bool(status)


async def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    report = await (await Log(tmp_path).made(until=0)).report()

    assert (report.entries, report.findings) == (0, [])
    assert "no anchor" in report.remarks[0]


async def test_an_anchor_behind_the_log_is_no_finding(tmp_path: Path) -> None:
    """As when the gateway was killed between a commit and its anchor."""
    report = await (await Log(tmp_path).made(anchor_at=(4,))).report()

    assert report.findings == []
    assert report.remarks == ["8 entries follow the last anchor: there the chain alone vouches"]


# --- one entry changed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", TEXTS)
@pytest.mark.parametrize("number", [1, 5, ENTRIES])
async def test_an_edited_text_is_found_and_its_entry_named(log: Log, column: str, number: int) -> None:
    log.tamper(f"UPDATE audit_log SET {column} = coalesce({column}, '') || 'x' WHERE number = {number}")

    findings = (await log.report()).findings

    assert named(findings) == [(Fault.EDITED, number, number)]
    assert f"entry {number} (2026-" in findings[0].text


@pytest.mark.parametrize("column", ["offset", "at_ms"])
async def test_an_edited_number_is_found_and_its_entry_named(log: Log, column: str) -> None:
    log.tamper(f'UPDATE audit_log SET "{column}" = "{column}" + 1 WHERE number = 5')

    assert named((await log.report()).findings) == [(Fault.EDITED, 5, 5)]


@pytest.mark.parametrize("value", ["NULL", "''", "x'41'", "12.5", "upper(hash)"])
async def test_a_value_of_another_kind_is_found(log: Log, value: str) -> None:
    log.tamper(
        f"UPDATE audit_log SET {'hash' if 'hash' in value else 'detail'} = {value} WHERE number = 5",
    )

    assert named((await log.report()).findings) == [(Fault.EDITED, 5, 5)]


async def test_text_that_is_no_utf8_is_named_and_hides_no_other_entry(log: Log) -> None:
    log.tamper("UPDATE audit_log SET actor = CAST(x'ff' AS TEXT) WHERE number = 5")
    log.tamper("UPDATE audit_log SET actor = 'x' WHERE number = 9")

    assert named((await log.report()).findings) == [(Fault.UNREADABLE, 5, 5), (Fault.EDITED, 9, 9)]


async def test_an_entry_that_was_changed_and_sealed_anew_is_named_by_the_one_that_follows(log: Log) -> None:
    entry = (await log.entries())[6]
    fields = {name: getattr(entry, name) for name in CONTENT} | {"actor": "somebody"}
    seal = sha256(json.dumps([entry.prev_hash, 7, *fields.values()], separators=(",", ":")).encode()).hexdigest()
    log.tamper(f"UPDATE audit_log SET actor = 'somebody', hash = '{seal}' WHERE number = 7")

    findings = (await log.report()).findings

    assert named(findings) == [(Fault.RESEALED, 7, 7)]


async def test_the_last_entry_changed_and_sealed_anew_is_found_by_the_anchor(log: Log) -> None:
    entry = (await log.entries())[-1]
    fields = {name: getattr(entry, name) for name in CONTENT} | {"actor": "somebody"}
    seal = sha256(json.dumps([entry.prev_hash, 12, *fields.values()], separators=(",", ":")).encode()).hexdigest()
    log.tamper(f"UPDATE audit_log SET actor = 'somebody', hash = '{seal}' WHERE number = 12")

    assert named((await log.report()).findings) == [(Fault.REPLACED, 5, 12)]


# --- order and number -------------------------------------------------------------------------------------------------


async def test_entries_that_changed_places_are_named(log: Log) -> None:
    log.tamper(
        "UPDATE audit_log SET number = 99 WHERE number = 5",
        "UPDATE audit_log SET number = 5 WHERE number = 8",
        "UPDATE audit_log SET number = 8 WHERE number = 99",
    )

    findings = (await log.report()).findings

    assert named(findings) == [(Fault.MOVED, 5, 5), (Fault.MOVED, 8, 8)]
    assert "under number 5 stands what was entry 8" in findings[0].text


@pytest.mark.parametrize(("gone", "first", "last"), [("1", 1, 1), ("6", 6, 6), ("5, 6, 7", 5, 7)])
async def test_removed_entries_are_named(log: Log, gone: str, first: int, last: int) -> None:
    log.tamper(f"DELETE FROM audit_log WHERE number IN ({gone})")

    assert named((await log.report()).findings) == [(Fault.MISSING, first, last)]


async def test_an_entry_moved_up_into_the_place_of_a_removed_one_is_named(log: Log) -> None:
    log.tamper("DELETE FROM audit_log WHERE number = 6", "UPDATE audit_log SET number = number - 1 WHERE number > 6")

    findings = (await log.report()).findings

    assert named(findings)[:2] == [(Fault.MOVED, 6, 6), (Fault.MOVED, 7, 7)]
    assert (Fault.CUT_OFF, 12, 12) in named(findings)


async def test_an_entry_below_the_first_is_foreign(log: Log) -> None:
    log.tamper("UPDATE audit_log SET number = 0 WHERE number = 12")

    assert named((await log.report()).findings) == [(Fault.FOREIGN, 0, 0), (Fault.CUT_OFF, 12, 12)]


async def test_an_entry_doubled_at_the_end_is_named(log: Log) -> None:
    columns = ", ".join(f'"{name}"' for name in (*CONTENT, "prev_hash", "hash"))
    log.tamper(f"INSERT INTO audit_log (number, {columns}) SELECT 13, {columns} FROM audit_log WHERE number = 3")

    assert [each.first for each in (await log.report()).findings] == [13]


# --- cut off, replaced: the anchor ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kept", "first"), [(11, 12), (6, 7), (0, 1)])
async def test_a_log_that_was_cut_off_is_found_by_its_anchor(log: Log, kept: int, first: int) -> None:
    log.tamper(f"DELETE FROM audit_log WHERE number > {kept}")

    findings = (await log.report()).findings

    assert named(findings) == [(Fault.CUT_OFF, first, 12)]


async def test_without_its_anchor_a_cut_off_log_passes(log: Log) -> None:
    """The control: it is the anchor that finds it."""
    log.tamper("DELETE FROM audit_log WHERE number > 6")
    log.anchor_file.unlink()

    report = await log.report()

    assert report.findings == []
    assert "no anchor" in report.remarks[0]


async def test_a_whole_other_log_in_its_place_is_found_by_its_anchor(log: Log) -> None:
    log.path.unlink()
    other = await Records.open(log.url)
    await other.apply(happenings(of="a-2"), [], ENTRIES)
    await other.close()

    findings = (await log.report()).findings

    assert named(findings) == [(Fault.REPLACED, 1, 4)]


async def test_a_log_made_anew_from_some_entry_on_is_found_between_two_anchors(log: Log) -> None:
    entries = await log.entries()
    rows = [{name: getattr(each, name) for name in CONTENT} for each in entries]
    rows[8] |= {"actor": "somebody"}
    linked, _ = link(rows, EMPTY)
    assert seal_of(entries[7]) == linked[7]["hash"]
    for row in linked[8:]:
        sets = "prev_hash = ?, hash = ?, actor = ?"
        log.tamper(
            f"UPDATE audit_log SET {sets} WHERE number = {row['number']}",
            parameters=(row["prev_hash"], row["hash"], row["actor"]),
        )

    assert named((await log.report()).findings) == [(Fault.REPLACED, 5, 12)]


async def test_a_log_that_was_cut_off_and_grew_again_is_found_by_the_anchors_of_before(log: Log) -> None:
    log.tamper("DELETE FROM audit_log WHERE number > 6", "UPDATE projection_offsets SET offset = 6")
    records = await Records.open(log.url)
    later = [(offset + 100, effects) for offset, effects in happenings(until=10, of="a-9")]
    await records.apply(later, [], 110)
    log.anchor(records, T0_MS + 10_000_000)
    await records.close()

    findings = (await log.report()).findings

    assert named(findings) == [(Fault.ANCHOR, 12, 12)]
    assert "or the log was cut off before that entry and has grown since" in findings[0].text


async def test_an_anchor_that_was_changed_is_told_from_a_log_that_was(log: Log) -> None:
    lines = log.anchor_file.read_text().splitlines()
    lines[0] = lines[0].replace('"hash":"', '"hash":"0')
    log.anchor_file.write_text("\n".join(lines) + "\n")

    findings = (await log.report()).findings

    assert named(findings) == [(Fault.ANCHOR, 4, 4)]
    assert "line 1" in findings[0].text


async def test_a_line_that_is_no_anchor_is_named(log: Log) -> None:
    log.anchor_file.write_text("{\n" + log.anchor_file.read_text())

    findings = (await log.report()).findings

    assert [each.fault for each in findings] == [Fault.ANCHOR]
    assert "line 1" in findings[0].text


async def test_an_anchor_that_a_crash_cut_off_is_passed_over_and_written_over(log: Log) -> None:
    whole = log.anchor_file.read_bytes()
    log.anchor_file.write_bytes(whole + whole[:40])

    assert (await log.report()).findings == []
    AnchorFile(log.anchor_file).add(Anchor(number=12, hash="f" * 64, at_ms=T0_MS, anchored_ms=T0_MS))
    assert log.anchor_file.read_bytes().startswith(whole + b'{"anchored_at"')
    assert len(read_anchors(log.anchor_file).eras[0].anchors) == 3


# --- made anew --------------------------------------------------------------------------------------------------------


async def test_a_log_made_anew_that_is_the_same_meets_the_anchors_of_before(log: Log) -> None:
    AnchorFile(log.anchor_file).begin_new_log(NewLog(began_ms=T0_MS, reason="vigil rebuild", archive="x.ndjson"))

    report = await log.report()

    assert report.findings == []
    assert "is the same as before" in report.remarks[-1]


@pytest.fixture
async def renewed(log: Log) -> Log:
    """The log was kept, and another made in its place."""
    log.archive.mkdir()
    reader = await AuditLogReader.open(log.url)
    await write_log(reader.entries(), log.archive / "before.ndjson")
    await reader.close()
    AnchorFile(log.anchor_file).begin_new_log(NewLog(began_ms=T0_MS, reason="rebuild", archive="before.ndjson"))
    log.path.unlink()
    records = await Records.open(log.url)
    await records.apply(happenings(of="a-2"), [], ENTRIES)
    log.anchor(records, T0_MS + 10_000_000)
    await records.close()
    return log


async def test_a_log_made_anew_that_differs_is_whole_while_the_one_before_is_kept(renewed: Log) -> None:
    report = await renewed.report()

    assert report.findings == []
    assert "is kept whole" in report.remarks[-1]


async def test_a_log_made_anew_whose_forerunner_is_not_kept_is_found(renewed: Log) -> None:
    shutil.rmtree(renewed.archive)

    assert [each.fault for each in (await renewed.report()).findings] == [Fault.MISSING]


async def test_a_kept_log_that_was_edited_is_found(renewed: Log) -> None:
    kept = renewed.archive / "before.ndjson"
    kept.write_text(kept.read_text().replace('"doctor"', '"nobody"'))

    assert named((await renewed.report()).findings) == [(Fault.EDITED, 5, 5)]


async def test_an_exported_log_is_checked_as_the_one_kept(log: Log, tmp_path: Path) -> None:
    out = tmp_path / "audit.ndjson"
    reader = await AuditLogReader.open(log.url)
    assert await write_log(reader.entries(), out) == ENTRIES
    await reader.close()

    report = await check_log(read_log(out), log.anchor_file, log.archive)

    assert (report.entries, report.findings) == (ENTRIES, [])


# --- guards -----------------------------------------------------------------------------------------------------------

CHANGES: list[str] = [
    "UPDATE audit_log SET actor = 'x' WHERE number = 5",
    "DELETE FROM audit_log WHERE number = 12",
    "DELETE FROM audit_log",
    "INSERT OR REPLACE INTO audit_log SELECT number, 7, at_ms, kind, actor, action, subject_id, body, outcome, reason, "
    "detail, prev_hash, hash FROM audit_log WHERE number = 5",
    "INSERT INTO audit_log SELECT 13, offset, at_ms, kind, actor, action, subject_id, body, outcome, reason, detail, "
    "prev_hash, hash FROM audit_log WHERE number = 5",
    "INSERT INTO audit_log SELECT 14, offset, at_ms, kind, actor, action, subject_id, body, outcome, reason, detail, "
    "hash, hash FROM audit_log WHERE number = 12",
]


@pytest.mark.parametrize("change", CHANGES)
async def test_the_database_refuses_any_change_but_the_next_entry(log: Log, change: str) -> None:
    connection = sqlite3.connect(log.path)
    with pytest.raises(sqlite3.IntegrityError, match="can only be added to"):
        connection.execute(change)
    connection.close()

    assert (await log.report()).findings == []


async def test_a_guard_that_is_gone_is_told_of(log: Log) -> None:
    reader = await AuditLogReader.open(log.url)
    assert await reader.missing_guards() == []
    connection = sqlite3.connect(log.path)
    connection.execute("DROP TRIGGER audit_log_no_update")
    connection.commit()
    connection.close()

    assert await reader.missing_guards() == ["audit_log_no_update"]
    await reader.close()


async def test_reading_the_log_changes_nothing_and_waits_for_nobody(log: Log) -> None:
    records = await Records.open(log.url)
    reader = await AuditLogReader.open(log.url)
    parts = reader.entries()
    first = await anext(parts)
    await records.apply([(offset + 50, effects) for offset, effects in happenings(until=3)], [], 60)
    await reader.close()
    await records.close()

    assert len(first) == ENTRIES
    assert (await log.report()).entries == ENTRIES + 3
