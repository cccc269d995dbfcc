"""`vigil audit verify` without its terminal: the whole log walked, held against its anchors, its archives, the journal.

It opens what it reads for reading only; the gateway may run meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from gateway.fold import Fold
from storage.audit.anchor import Anchors, Era, NewLog, read_anchors
from storage.audit.chain import CONTENT, AuditEntry
from storage.audit.verification import (
    ChainWalk,
    Fault,
    Finding,
    hold_against,
    hold_against_noted,
    is_met,
    named,
)
from storage.ports import JournalEntry
from storage.records.auditing import AuditLogReader, Unreadable
from storage.records.projection import project
from streaming.instants import format_ms

ARCHIVE = "audit-archive"
"""Folder, in the data directory, of logs that were made anew."""
_NAMES = tuple(each.name for each in fields(AuditEntry))

Entries = AsyncIterator[Sequence[AuditEntry | Unreadable]]


class NoAuditLogError(ValueError):
    """The file is no exported audit log."""


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found."""

    entries: int = 0
    head: tuple[int, str] = (0, "")
    """Number and hash of the last entry."""
    anchors: int = 0
    anchored: int = 0
    """Number of the last entry that an anchor vouches for."""
    from_journal: int | None = None
    """Entries that were the same when made again from the journal; None when that was not asked for."""
    findings: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "intact": not self.findings,
            "entries": self.entries,
            "head": {"number": self.head[0], "hash": self.head[1]},
            "anchors": self.anchors,
            "anchored": self.anchored,
            "from_journal": self.from_journal,
            "findings": [asdict(finding) for finding in self.findings],
            "remarks": self.remarks,
        }


async def check_log(
    entries: Entries,
    anchor_file: Path,
    archive: Path,
    from_journal: Iterator[dict[str, Any]] | None = None,
    note_progress: Callable[[int], None] = lambda _: None,
    noted: Sequence[tuple[int, str]] = (),
) -> Report:
    """Check one log.

    Args:
        entries: The log, in order of its numbers.
        anchor_file: Its anchors; it need not exist.
        archive: Folder of the logs that it replaced.
        from_journal: The same entries made anew from the journal, to be compared.
        note_progress: Told now and then how many entries were taken.
        noted: Heads that somebody noted: (number, first digits of the hash).

    Raises:
        OSError: The anchor file cannot be read.
    """
    anchors = read_anchors(anchor_file)  # before the log, which may be growing: it is never behind them
    walk = ChainWalk({each.number for era in anchors.eras for each in era.anchors} | {number for number, _ in noted})
    comparison = _Comparison(from_journal) if from_journal is not None else None
    async for part in entries:
        for entry in part:
            _take(walk, entry)
            if comparison is not None:
                comparison.take(entry)
        note_progress(walk.entries)
    report = Report(entries=walk.entries, head=(walk.head.number, walk.head.hash))
    report.findings += [*walk.findings(), *hold_against(anchors.eras[-1].anchors, walk)]
    report.findings += hold_against_noted(noted, walk)
    _judge_anchor_file(report, anchors, anchor_file)
    for era in anchors.eras[:-1]:
        await _judge_earlier(report, era, archive, walk)
    _remark_on_reach(report, anchor_file)
    if comparison is not None:
        report.from_journal = comparison.same
        report.findings += comparison.findings
    return report


async def guards(report: Report, reader: AuditLogReader) -> None:
    """Add to `report` which triggers are not in force."""
    missing = await reader.missing_guards()
    if missing:
        text = f"the database would let entries be changed: trigger {', '.join(missing)} is not in force"
        report.findings.append(Finding(fault=Fault.UNGUARDED, first=None, last=None, at=None, text=text))


def entries_of_journal(journal: Iterable[JournalEntry], fold: Fold) -> Iterator[dict[str, Any]]:
    """What the audit log should hold: the journal folded anew. Without numbers and hashes."""
    for entry in journal:
        effects = fold.apply(entry)
        if effects:
            yield from project([(entry.offset, effects)], after=0).audit


async def write_log(entries: Entries, path: Path) -> int:
    """Write a log to a file, one entry a line; return how many.

    Raises:
        NoAuditLogError: An entry cannot be read.
    """
    count = 0
    with path.open("wb") as stream:
        async for part in entries:
            for entry in part:
                if isinstance(entry, Unreadable):
                    raise NoAuditLogError(f"entry {entry.number} cannot be read: {entry.reason}")
                stream.write(orjson.dumps(asdict(entry), option=orjson.OPT_APPEND_NEWLINE))
                count += 1
    return count


async def read_log(path: Path) -> Entries:
    """A log from a file that `write_log` wrote.

    Raises:
        NoAuditLogError: It is no such file.
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                said = orjson.loads(line)
                yield [AuditEntry(**{name: said[name] for name in _NAMES})]
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise NoAuditLogError(f"line {number} of {path} is no entry of an audit log") from error


def _take(walk: ChainWalk, entry: AuditEntry | Unreadable) -> None:
    if isinstance(entry, Unreadable):
        walk.take_unreadable(entry.number, entry.reason)
    else:
        walk.take(entry)


def _judge_anchor_file(report: Report, anchors: Anchors, path: Path) -> None:
    for line in anchors.unreadable:
        text = f"line {line} of {path} is no anchor: it was changed"
        report.findings.append(Finding(fault=Fault.ANCHOR, first=None, last=None, at=None, text=text))
    in_force = anchors.eras[-1].anchors
    report.anchors = sum(len(era.anchors) for era in anchors.eras)
    report.anchored = max((each.number for each in in_force), default=0)


def _remark_on_reach(report: Report, path: Path) -> None:
    if not path.exists():
        report.remarks.append(f"there is no anchor at {path}: a log cut off, or replaced as a whole, would not show")
    elif (beyond := report.head[0] - report.anchored) > 0:
        several = "1 entry follows" if beyond == 1 else f"{beyond} entries follow"
        report.remarks.append(f"{several} the last anchor: there the chain alone vouches")


async def _judge_earlier(report: Report, era: Era, archive: Path, walk: ChainWalk) -> None:
    """A log that was made anew: the one in force is the same, or the one before is kept and whole."""
    new_log = era.ended_by
    assert new_log is not None
    when = f"the log was made anew at {format_ms(new_log.began_ms)} ({new_log.reason})"
    if is_met(era.anchors, walk):
        report.anchored = max(report.anchored, *(each.number for each in era.anchors), 0)
        report.remarks.append(f"{when}, and is the same as before")
        return
    kept = archive / new_log.archive if new_log.archive else None
    if kept is None or not kept.exists():
        text = f"{when}, differs from the one before, and that one is not kept{f' at {kept}' if kept else ''}"
        report.findings.append(_archive_finding(new_log, text))
        return
    before = ChainWalk({each.number for each in era.anchors})
    try:
        async for part in read_log(kept):
            for entry in part:
                _take(before, entry)
    except NoAuditLogError as error:
        report.findings.append(_archive_finding(new_log, str(error)))
        return
    found = [*before.findings(), *hold_against(era.anchors, before)]
    report.findings += [_in_archive(finding, kept) for finding in found]
    if not found:
        report.remarks.append(f"{when}; the one before is kept whole in {kept}")


def _archive_finding(new_log: NewLog, text: str) -> Finding:
    return Finding(fault=Fault.MISSING, first=None, last=None, at=format_ms(new_log.began_ms), text=text)


def _in_archive(finding: Finding, kept: Path) -> Finding:
    return Finding(
        fault=finding.fault, first=finding.first, last=finding.last, at=finding.at, text=f"{kept}: {finding.text}"
    )


class _Comparison:
    """Holds the log against what the journal gives, up to the first difference."""

    def __init__(self, expected: Iterator[dict[str, Any]]) -> None:
        self._expected = expected
        self.same = 0
        self.findings: list[Finding] = []

    def take(self, entry: AuditEntry | Unreadable) -> None:
        if self.findings:
            return
        expected = next(self._expected, None)
        if isinstance(entry, AuditEntry) and expected is not None and _content(entry) == _wanted(expected):
            self.same += 1
            return
        stored = named(entry) if isinstance(entry, AuditEntry) else f"entry {entry.number}"
        text = f"{stored} is not what the journal gives under this version and these rules: {_in_words(expected)}"
        at = format_ms(entry.at_ms) if isinstance(entry, AuditEntry) and isinstance(entry.at_ms, int) else None
        self.findings.append(
            Finding(fault=Fault.NOT_THE_JOURNALS, first=entry.number, last=entry.number, at=at, text=text)
        )


def _content(entry: AuditEntry) -> list[object]:
    return [getattr(entry, name) for name in CONTENT]


def _wanted(expected: dict[str, Any]) -> list[object]:
    return [expected[name] for name in CONTENT]


def _in_words(expected: dict[str, Any] | None) -> str:
    if expected is None:
        return "nothing more"
    at = format_ms(expected["at_ms"])
    return f"{expected['kind']} {expected['action']} of {expected['subject_id']} by {expected['actor']} at {at}"
