"""`vigil audit`: is the audit log what was written, and the log as a file."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.cli_errors import FAILURE, WRONG_USAGE, errors, fail
from gateway.settings import Settings, SettingsError, load_settings

audit_app = typer.Typer(help="The audit log: verify, export.", no_args_is_help=True)
ConfigOption = Annotated[Path | None, typer.Option(help="Settings file (TOML).")]
DataOption = Annotated[Path | None, typer.Option(help="The gateway's data directory.")]
SHOWN = 20
"""Findings told to people one by one; `--json` has them all."""


@audit_app.command(
    epilog="Examples:\n\n`vigil audit verify --data vigil-data`\n\n"
    "`vigil audit verify --log audit.ndjson --anchor /mnt/elsewhere/audit-anchor.ndjson`"
)
def verify(
    config: ConfigOption = None,
    data: DataOption = None,
    anchor: Annotated[
        Path | None, typer.Option(help="Anchors, in place of the settings'; best a copy from another machine.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="A log that `vigil audit export` wrote, in place of the one kept.")
    ] = None,
    head: Annotated[
        list[str] | None,
        typer.Option(help="NUMBER:HASH that somebody noted, from GET /audit, a log or a figure; 12 digits are enough."),
    ] = None,
    against_journal: Annotated[
        bool, typer.Option("--against-journal", help="Make every entry anew from the journal, and compare.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Walk the whole audit log and name every entry that was changed, moved, removed or cut off.

    Exit status 0 when it is whole, 1 when something was found. The gateway may be running. It is read, never mended.
    """
    settings = settings_for(config, data)
    if anchor is not None and not anchor.exists():
        fail(f"there is no anchor at {anchor}", WRONG_USAGE)
    if log is not None and not log.exists():
        fail(f"there is no file {log}", WRONG_USAGE)
    noted = [_noted(text) for text in head or []]
    report = asyncio.run(_verify(settings, anchor, log, noted, against_journal=against_journal))
    if json:
        typer.echo(orjson.dumps(report.as_json()).decode())
    else:
        _tell(report)
    if report.findings:
        raise typer.Exit(FAILURE)


@audit_app.command("export", epilog="Example: `vigil audit export --data vigil-data --out audit.ndjson`")
def export_log(
    out: Annotated[Path, typer.Option(help="Where to write the log (NDJSON).")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write the audit log as a file, an entry a line, which `vigil audit verify --log` reads.

    The gateway may be running: only what is durable is read.
    """
    from gateway.audit_check import NoAuditLogError, write_log

    settings = settings_for(config, data)

    async def run() -> int:
        reader = await _open_log(settings)
        try:
            return await write_log(reader.entries(), out)
        finally:
            await reader.close()

    try:
        count = asyncio.run(run())
    except NoAuditLogError as error:
        fail(f"{error}; run `vigil audit verify`")
    errors.print(f"{count} entries written to {out}", highlight=False, soft_wrap=True)


def settings_for(config: Path | None, data: Path | None) -> Settings:
    """The settings of a command about a data directory; ends it when they are wrong."""
    try:
        return load_settings(config_file=config, environ=os.environ, command_line={"data_dir": data})
    except SettingsError as error:
        fail(str(error), WRONG_USAGE)


async def _open_log(settings: Settings) -> Any:
    from gateway.app import records_url
    from storage.records.auditing import AuditLogReader

    path = settings.data_dir / "records.db"
    if settings.records_url is None and not path.exists():
        fail(f"there is no audit log in {settings.data_dir}")
    return await AuditLogReader.open(records_url(settings))


def _noted(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{12,64})", text)
    if found is None:
        fail(f"--head {text}: NUMBER:HASH is meant, with at least 12 hexadecimal digits", WRONG_USAGE)
    return int(found[1]), found[2]


async def _verify(
    settings: Settings,
    anchor: Path | None,
    log: Path | None,
    noted: list[tuple[int, str]],
    *,
    against_journal: bool,
) -> Any:
    from gateway import audit_check

    anchor_file = anchor or settings.audit_anchor_path
    archive = settings.data_dir / audit_check.ARCHIVE
    with _journal_entries(settings, is_wanted=against_journal) as from_journal:
        if log is not None:
            try:
                entries = audit_check.read_log(log)
                return await audit_check.check_log(entries, anchor_file, archive, from_journal, noted=noted)
            except audit_check.NoAuditLogError as error:
                fail(str(error))
        reader = await _open_log(settings)
        try:
            with _progress(await reader.length()) as note_progress:
                report = await audit_check.check_log(
                    reader.entries(), anchor_file, archive, from_journal, note_progress, noted
                )
            await audit_check.guards(report, reader)
        finally:
            await reader.close()
    return report


@contextmanager
def _journal_entries(settings: Settings, *, is_wanted: bool) -> Iterator[Iterator[dict[str, Any]] | None]:
    if not is_wanted:
        yield None
        return
    from gateway.audit_check import entries_of_journal
    from gateway.export import journal_entries
    from gateway.fold import Fold
    from gateway.rulesets import load_rulebook
    from storage.journal import JournalReader

    path = settings.data_dir / "journal.db"
    if not path.exists():
        fail(f"there is no journal at {path}")
    reader = JournalReader(path)
    try:
        fold = Fold(load_rulebook(settings.profile, settings.dosing_profile, settings.alarm_policy))
        yield entries_of_journal(journal_entries(reader.read), fold)
    finally:
        reader.close()


@contextmanager
def _progress(length: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("audit log"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("", total=length)
        yield lambda done: progress.update(task, completed=done)


def _tell(report: Any) -> None:
    number, hash_ = report.head
    typer.echo(f"{report.entries} entries, {report.anchors} anchors; head {number} {hash_}")
    if report.from_journal is not None:
        typer.echo(f"{report.from_journal} entries are what the journal gives")
    for remark in report.remarks:
        errors.print(remark, highlight=False, markup=False, soft_wrap=True)
    for finding in report.findings[:SHOWN]:
        typer.echo(f"{finding.fault}: {finding.text}")
    if len(report.findings) > SHOWN:
        typer.echo(f"and {len(report.findings) - SHOWN} more (--json has them all)")
    typer.echo("the audit log is whole" if not report.findings else f"{len(report.findings)} findings")
