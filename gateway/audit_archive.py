"""The audit log put aside before the records are made anew, so that what was anchored can still be shown.

An engine or rules of another version give another log from the same journal; what people saw at the time is in the old
one. It is written as a file, and the anchor file says from which line on its anchors are of the new log.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.audit_check import ARCHIVE, NoAuditLogError, write_log
from gateway.clock import GatewayClock
from storage.audit.anchor import AnchorFile, NewLog, read_anchors
from storage.ports import StorageProblem
from storage.records import SchemaOutdatedError, sqlite_url
from storage.records.auditing import AuditLogReader
from streaming.instants import format_ms


async def archive_log(data_dir: Path, anchor_file: Path) -> Path | None:
    """Keep the audit log of the SQLite records in `data_dir`; return where, or None when there is nothing to keep.

    A log that cannot be read is kept as the database file that it is in.

    Raises:
        OSError: The archive or the anchor file cannot be written. Nothing was removed.
    """
    records = data_dir / "records.db"
    if not records.exists():
        return None
    now_ms = GatewayClock().now_ms()
    stem = format_ms(now_ms).replace(":", "").replace(".", "")
    folder = data_dir / ARCHIVE
    folder.mkdir(exist_ok=True)
    kept = folder / f"audit-{stem}.ndjson"
    try:
        count = await _write(records, kept)
    except SchemaOutdatedError:  # of a version that kept no chain
        return None
    except (StorageProblem, NoAuditLogError):
        kept.unlink(missing_ok=True)
        kept = kept.with_suffix(".db")
        for suffix in ("", "-wal"):
            if (part := Path(f"{records}{suffix}")).exists():
                shutil.copy2(part, f"{kept}{suffix}")
        count = 1
    if count == 0:
        kept.unlink()
    if count or read_anchors(anchor_file).last is not None:
        archive = kept.name if count else None
        AnchorFile(anchor_file).begin_new_log(NewLog(began_ms=now_ms, reason="vigil rebuild", archive=archive))
    return kept if count else None


async def _write(records: Path, out: Path) -> int:
    reader = await AuditLogReader.open(sqlite_url(records))
    try:
        return await write_log(reader.entries(), out)
    finally:
        await reader.close()
