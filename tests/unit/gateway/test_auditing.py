"""Anchoring while the gateway runs, and `vigil audit` as people use it."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import auditing, cli
from gateway.audit_check import ARCHIVE, Report, check_log, entries_of_journal
from gateway.auditing import AuditAnchorer
from gateway.clock import GatewayClock
from gateway.export import journal_entries
from gateway.fold import Fold
from gateway.service import GatewayService
from storage.audit.anchor import Anchor, AnchorFile, read_anchors
from storage.audit.chain import CONTENT, ChainHead
from storage.audit.verification import Fault
from storage.journal import JournalReader
from storage.records import Records, sqlite_url
from storage.records.auditing import AuditLogReader, append
from tests.support.audit_logs import ENTRIES, Log, happenings
from tests.support.pipeline_bench import PROFILE, Bench
from tests.support.telemetry import BRADYCARDIA, WELL
from tests.support.waiting import until


def vigil(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    result = CliRunner().invoke(cli.app, [*map(str, arguments)], prog_name="vigil")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made")
    asyncio.run(Log(directory).made())
    return directory


@pytest.fixture
def log(tmp_path: Path, made: Path) -> Log:
    """Twelve entries, anchored at the fourth and the last."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Log(tmp_path)


@pytest.fixture
async def records(log: Log) -> AsyncIterator[Records]:
    opened = await Records.open(log.url)
    yield opened
    await opened.close()


def anchored(log: Log) -> list[int]:
    return [each.number for each in read_anchors(log.anchor_file).eras[-1].anchors]


# --- while the gateway runs -------------------------------------------------------------------------------------------


async def test_the_head_is_anchored_at_the_start_and_at_the_end(
    log: Log, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    log.anchor_file.unlink()
    caplog.set_level(logging.INFO)
    anchorer = AuditAnchorer(records, GatewayClock(), log.anchor_file)
    await anchorer.hold_up()
    running = asyncio.create_task(anchorer.run())
    await until(lambda: anchorer.anchored == ENTRIES)
    await records.apply([(offset + 20, effects) for offset, effects in happenings(until=2)], [], 22)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert anchored(log) == [ENTRIES, ENTRIES + 2]
    assert records.audit_head.hash in caplog.text
    assert (await log.report()).findings == []


async def test_many_entries_are_anchored_before_the_minute_is_over(
    log: Log, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "LOOK_S", 0.01)
    monkeypatch.setattr(auditing, "ENTRIES_BETWEEN", 2)
    anchorer = AuditAnchorer(records, GatewayClock(), log.anchor_file)
    await anchorer.hold_up()
    running = asyncio.create_task(anchorer.run())
    await records.apply([(offset + 20, effects) for offset, effects in happenings(until=1)], [], 21)
    await until(lambda: anchorer.anchored == ENTRIES + 1)  # the first, at once
    await records.apply([(offset + 30, effects) for offset, effects in happenings(until=2)], [], 32)
    await until(lambda: anchorer.anchored == ENTRIES + 3)
    await records.apply([(offset + 40, effects) for offset, effects in happenings(until=1)], [], 41)
    waited_s = anchorer._waited_s
    await until(lambda: anchorer._waited_s >= waited_s + 5 * auditing.LOOK_S)  # it has looked five times more

    assert anchorer.anchored == ENTRIES + 3, "one entry waits for the minute"
    running.cancel()


@pytest.mark.parametrize("kept", [11, 12])
async def test_a_log_that_is_not_the_anchored_one_is_told_of_at_the_start(
    log: Log, caplog: pytest.LogCaptureFixture, kept: int
) -> None:
    log.tamper(f"DELETE FROM audit_log WHERE number > {kept}")
    records = await Records.open(log.url)
    anchorer = AuditAnchorer(records, GatewayClock(), log.anchor_file)
    await anchorer.hold_up()
    await records.close()

    assert anchorer.is_fitting == (kept == ENTRIES)
    assert ("not the one that was anchored" in caplog.text) == (kept < ENTRIES)


async def test_an_anchor_that_cannot_be_written_stops_nothing_and_is_written_later(
    log: Log, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "LOOK_S", 0.01)
    monkeypatch.setattr(auditing, "ANCHOR_EVERY_S", 0.01)
    away = log.path.parent / "mount" / "anchor.ndjson"
    anchorer = AuditAnchorer(records, GatewayClock(), away)
    await anchorer.hold_up()
    running = asyncio.create_task(anchorer.run())
    await until(lambda: anchorer.error != "")
    away.parent.mkdir()
    await until(lambda: anchorer.anchored == ENTRIES)

    assert anchorer.error == ""
    running.cancel()


async def test_figures_tell_where_the_log_stands_and_what_vouches_for_it(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path)
    async with bench.running():
        await bench.admit("b01")
    head = bench.records.audit_head
    anchorer = AuditAnchorer(bench.records, bench.clock, tmp_path / "audit-anchor.ndjson")
    service = GatewayService(bench.pipeline, None, anchorer)
    figures = {family.name: family.samples[0][1] for family in service._audit_figures()}
    await bench.close()

    assert figures == {
        "vigil_audit_entries": 1.0,
        "vigil_audit_head_hash48": float(int(head.hash[:12], 16)),
        "vigil_audit_anchored": 0.0,
        "vigil_audit_fits": 1.0,
        "vigil_audit_anchor_refused": 0.0,
    }
    assert int(figures["vigil_audit_head_hash48"]) == int(head.hash[:12], 16), "a double holds it exactly"


# --- vigil audit ------------------------------------------------------------------------------------------------------


def test_verify_says_that_a_whole_log_is_whole(log: Log) -> None:
    status, out, err = vigil("audit", "verify", "--data", log.path.parent)

    assert (status, err) == (0, "")
    assert out.startswith("12 entries, 2 anchors; head 12 ")
    assert out.endswith("the audit log is whole\n")


def test_verify_names_what_it_found_and_fails(log: Log) -> None:
    log.tamper("UPDATE audit_log SET actor = 'somebody' WHERE number = 5")

    status, out, _ = vigil("audit", "verify", "--data", log.path.parent)

    assert status == 1
    assert "edited: entry 5 (2026-09-21T14:13:24.000Z, command acknowledge by somebody) was changed" in out


def test_verify_answers_in_json(log: Log) -> None:
    log.tamper("DELETE FROM audit_log WHERE number > 10", "DROP INDEX ix_audit_log_at_ms")

    status, out, _ = vigil("audit", "verify", "--json", "--data", log.path.parent)

    said = json.loads(out)
    assert (status, said["intact"], said["entries"], said["head"]["number"]) == (1, False, 10, 10)
    assert [(each["fault"], each["first"], each["last"]) for each in said["findings"]] == [("cut_off", 11, 12)]


def test_verify_holds_a_log_against_an_anchor_from_elsewhere(log: Log, tmp_path: Path) -> None:
    elsewhere = tmp_path / "copy.ndjson"
    shutil.copy(log.anchor_file, elsewhere)
    log.tamper("DELETE FROM audit_log WHERE number > 10")
    log.anchor_file.write_text(log.anchor_file.read_text().splitlines()[0] + "\n")

    assert vigil("audit", "verify", "--data", log.path.parent)[0] == 0, "who cut both off is not found by what is here"
    assert vigil("audit", "verify", "--data", log.path.parent, "--anchor", elsewhere)[0] == 1


def test_verify_holds_a_log_against_a_head_that_somebody_noted(log: Log) -> None:
    last = log.anchor_file.read_text().splitlines()[-1]
    noted = f"12:{json.loads(last)['hash'][:12]}"
    log.anchor_file.unlink()

    def verified(*options: str) -> tuple[int, list[str]]:
        status, out, _ = vigil("audit", "verify", "--json", "--data", log.path.parent, *options)
        return status, [each["fault"] for each in json.loads(out)["findings"]]

    assert verified("--head", noted) == (0, [])
    assert verified("--head", "12:" + "0" * 12) == (1, ["replaced"])
    log.tamper("DELETE FROM audit_log WHERE number > 10")
    assert verified() == (0, [])
    assert verified("--head", noted) == (1, ["cut_off"])
    assert vigil("audit", "verify", "--head", "12", "--data", log.path.parent)[0] == 2


def test_an_exported_log_is_verified_by_itself(log: Log, tmp_path: Path) -> None:
    out = tmp_path / "out" / "audit.ndjson"
    out.parent.mkdir()
    assert vigil("audit", "export", "--data", log.path.parent, "--out", out)[0] == 0

    assert vigil("audit", "verify", "--data", log.path.parent, "--log", out)[0] == 0
    out.write_text(out.read_text().replace("nurse", "curse", 1))
    assert vigil("audit", "verify", "--data", log.path.parent, "--log", out)[0] == 1


@pytest.mark.parametrize("options", [["--anchor", "nowhere"], ["--log", "nowhere"], ["--config", "nowhere"]])
def test_verify_with_a_file_that_is_not_there_is_wrong_usage(log: Log, options: list[str]) -> None:
    assert vigil("audit", "verify", "--data", log.path.parent, *options)[0] == 2


def test_verify_where_there_is_no_log_fails_and_makes_none(tmp_path: Path) -> None:
    status, _, err = vigil("audit", "verify", "--data", tmp_path)

    assert status == 1
    assert "there is no audit log in" in err
    assert list(tmp_path.iterdir()) == []


# --- made anew from the journal ---------------------------------------------------------------------------------------


async def ward_of_three_lives(folder: Path) -> None:
    """A slow heart, seen to and sent home, over lives that are cut off."""
    for life in range(3):
        bench = await Bench.open(folder)
        await bench.pipeline.recover()
        async with bench.running():
            if life == 0:
                await bench.admit("b01")
            for seq in range(life * 40, life * 40 + 40):
                bench.clock.at_ms += 1000
                bench.observe("b01", seq, BRADYCARDIA if seq % 60 > 20 else WELL)
            await bench.settled()
            for each in (await bench.records.alarms(state="active")).items:
                await bench.submit("acknowledge", alarm_id=each.alarm_id, actor="nurse")
            bench.clock.at_ms += 600_000  # silence: alarms that the records may not have when it is cut off
            bench.observe("b01", life * 40 + 40, WELL)
            await taken(bench)
        await bench.close()


async def taken(bench: Bench) -> None:
    """Returns when what was delivered is on its way into the journal."""
    await until(lambda: not bench.door.inbox)


async def recorded(folder: Path) -> ChainHead:
    """The head of the audit log when everything in the journal is recorded."""
    bench = await Bench.open(folder)
    await bench.pipeline.recover()
    head = bench.records.audit_head
    await bench.close()
    return head


async def against_journal(folder: Path) -> Report:
    journal, reader = JournalReader(folder / "journal.db"), await AuditLogReader.open(sqlite_url(folder / "records.db"))
    expected = entries_of_journal(journal_entries(journal.read), Fold(PROFILE))
    try:
        return await check_log(reader.entries(), folder / "audit-anchor.ndjson", folder / ARCHIVE, expected)
    finally:
        await reader.close()
        journal.close()


async def test_the_log_made_anew_from_the_journal_is_the_same_and_the_one_before_is_kept(tmp_path: Path) -> None:
    await ward_of_three_lives(tmp_path)
    head = await recorded(tmp_path)
    anchor = Anchor(number=head.number, hash=head.hash, at_ms=head.at_ms, anchored_ms=head.at_ms)
    AnchorFile(tmp_path / "audit-anchor.ndjson").add(anchor)

    report = await against_journal(tmp_path)
    assert (report.findings, report.from_journal, report.entries) == ([], head.number, head.number)
    assert head.number >= 6
    status, _, err = await asyncio.to_thread(vigil, "rebuild", "--data", tmp_path)
    assert (status, "kept in" in err) == (0, True)
    assert not (tmp_path / "records.db").exists()

    assert await recorded(tmp_path) == head
    report = await against_journal(tmp_path)
    assert (report.findings, report.from_journal) == ([], head.number)
    assert "is the same as before" in report.remarks[0]
    assert len(list((tmp_path / ARCHIVE).glob("audit-*.ndjson"))) == 1


async def test_an_entry_that_the_journal_does_not_give_is_named(tmp_path: Path) -> None:
    """Even where every hash was made anew and there is no anchor."""
    await ward_of_three_lives(tmp_path)
    await recorded(tmp_path)
    forged = Log(tmp_path)
    entries = await forged.entries()
    forged.path.unlink()
    records = await Records.open(forged.url)
    rows = [{name: getattr(each, name) for name in CONTENT} for each in entries]
    rows[2] |= {"actor": "somebody"}
    async with records._engine.begin() as connection:
        await append(connection, rows)
    await records.close()

    report = await against_journal(tmp_path)

    assert [(each.fault, each.first) for each in report.findings] == [(Fault.NOT_THE_JOURNALS, 3)]
    assert report.from_journal == 2


async def test_a_log_that_cannot_be_read_is_kept_as_the_file_it_is(log: Log) -> None:
    (log.path.parent / "journal.db").touch()
    log.path.write_bytes(log.path.read_bytes()[:5000])

    status, _, err = await asyncio.to_thread(vigil, "rebuild", "--data", log.path.parent)

    assert (status, "kept in" in err) == (0, True)
    kept = list(log.archive.iterdir())
    assert ".db" in {each.suffix for each in kept}
    assert read_anchors(log.anchor_file).eras[0].ended_by is not None
