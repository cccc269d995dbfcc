"""`vigil journal` and `vigil rebuild`: the journal as a recording, and projections made anew from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli_errors import errors, fail

journal_app = typer.Typer(help="The journal: export.", no_args_is_help=True)
DataOption = Annotated[Path, typer.Option(help="The gateway's data directory.")]


@journal_app.command("export", epilog="Example: `vigil journal export --data vigil-data --out night.ndjson`")
def export_journal(
    out: Annotated[Path, typer.Option(help="Where to write the recording (NDJSON, also .gz).")],
    data: DataOption = Path("vigil-data"),
    admission: Annotated[str | None, typer.Option(help="Only this admission.")] = None,
) -> None:
    """Write the journal as a recording, which `vigil replay` and `vigil simulate --recording` read.

    The gateway may be running: only what is durable is read.
    """
    from gateway.export import journal_entries, recorded, stay_recording
    from gateway.rulesets import load_rulebook
    from gateway.wire.recording import RecordedEntry, write_recording
    from storage.journal import JournalReader

    path = data / "journal.db"
    if not path.exists():
        fail(f"there is no journal at {path}")
    reader = JournalReader(path)
    try:
        entries: Iterator[RecordedEntry] | None = recorded(journal_entries(reader.read))
        if admission is not None:
            entries = stay_recording(reader.read, admission, load_rulebook())
        if entries is None:
            fail(f"the journal knows no admission {admission}")
        count = write_recording(out, entries)
    finally:
        reader.close()
    errors.print(f"{count} entries written to {out}", highlight=False, soft_wrap=True)


def rebuild(
    data: DataOption = Path("vigil-data"),
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Forget series, records and snapshots; the next start of the gateway makes them anew from the journal.

    The audit log as it was is kept in audit-archive. The gateway must not be running. Records in PostgreSQL are
    not touched: write their audit log to a file and empty that database instead.
    """
    if not (data / "journal.db").exists():
        fail(f"there is no journal in {data}")
    from gateway.app import CannotStart, sole_use
    from gateway.audit_archive import archive_log
    from gateway.cli_audit import settings_for

    anchor_file = settings_for(config, data).audit_anchor_path
    try:
        with sole_use(data):
            kept = asyncio.run(archive_log(data, anchor_file))
            for path in [*data.glob("series.db*"), *data.glob("records.db*"), *(data / "snapshots").glob("*")]:
                path.unlink()
    except CannotStart as error:
        fail(str(error))
    if kept is not None:
        errors.print(f"The audit log as it was is kept in {kept}.", highlight=False, soft_wrap=True)
    errors.print("Projections removed; the gateway will rebuild them from the journal at its next start.")
