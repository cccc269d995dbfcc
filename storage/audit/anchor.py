"""The anchor: heads of the audit log written down outside of its database, so that cutting off or replacing it shows.

A file of lines, one JSON object each. An anchor is `{"anchored_at","at","hash","number"}`: at that time entry `number`,
which happened `at`, was the last, and had that hash. A line `{"archive","began_at","reason"}` says that the log was
made anew (`vigil rebuild`), and in which file what was there before is kept: the anchors above it are that log's.

Invariants. A line is added with one write and an fsync; lines are never changed. A line that was cut off by a crash has
no newline, and the next one begins where it began.

The file protects as far as it is out of reach of whoever can write the database: put it on another machine, or copy
it there. The same heads are in the gateway's log and figures.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from streaming.instants import format_ms, parse_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The head of the log at some time."""

    number: int
    hash: str
    at_ms: int
    """When the entry happened."""
    anchored_ms: int
    line: int = 0
    """Of the file, from 1; 0 when it is not of a file."""

    @property
    def words(self) -> str:
        """For people."""
        return f"the anchor of {format_ms(self.anchored_ms)} (line {self.line})"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLog:
    """The log was made anew."""

    began_ms: int
    reason: str
    archive: str | None
    """Name of the file in which the log before is kept; None when there was none."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Era:
    """The anchors of one log, and what followed it."""

    anchors: list[Anchor] = field(default_factory=list)
    ended_by: NewLog | None = None
    """None: this log is in force."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """What an anchor file says."""

    eras: list[Era]
    """At least one; the last is of the log in force."""
    unreadable: list[int]
    """Lines that are none, other than one that a crash cut off."""

    @property
    def last(self) -> Anchor | None:
        """The latest anchor of the log in force."""
        anchors = self.eras[-1].anchors
        return anchors[-1] if anchors else None


class AnchorFile:
    """One anchor file, to be added to. It need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, anchor: Anchor) -> None:
        """Write an anchor down, durably. Blocks.

        Raises:
            OSError: It cannot be written.
        """
        self._add(
            {
                "anchored_at": format_ms(anchor.anchored_ms),
                "at": format_ms(anchor.at_ms),
                "hash": anchor.hash,
                "number": anchor.number,
            }
        )

    def begin_new_log(self, new_log: NewLog) -> None:
        """Write down that the log was made anew. Blocks.

        Raises:
            OSError: It cannot be written.
        """
        self._add({"archive": new_log.archive, "began_at": format_ms(new_log.began_ms), "reason": new_log.reason})

    def _add(self, line: dict[str, Any]) -> None:
        is_new = not self.path.exists()
        fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            _drop_what_was_cut_off(fd)
            os.write(fd, orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
            os.fsync(fd)
        finally:
            os.close(fd)
        if is_new:
            _sync_directory(self.path.parent)


def read_anchors(path: Path) -> Anchors:
    """What the file says; nothing when there is none.

    Raises:
        OSError: It cannot be read.
    """
    anchors = Anchors([Era()], [])
    if not path.exists():
        return anchors
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):  # after the last newline: cut off
        match _parsed(line, number):
            case Anchor() as anchor:
                anchors.eras[-1].anchors.append(anchor)
            case NewLog() as new_log:
                anchors.eras[-1] = Era(anchors.eras[-1].anchors, new_log)
                anchors.eras.append(Era())
            case None:
                anchors.unreadable.append(number)
    return anchors


def _parsed(line: bytes, number: int) -> Anchor | NewLog | None:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    match said:
        case {"number": int(entry), "hash": str(hash_), "at": str(at), "anchored_at": str(anchored), **rest} if (
            not rest
        ):
            at_ms, anchored_ms = parse_instant(at), parse_instant(anchored)
            if at_ms is None or anchored_ms is None:
                return None
            return Anchor(number=entry, hash=hash_, at_ms=at_ms, anchored_ms=anchored_ms, line=number)
        case {"archive": str() | None as archive, "began_at": str(began), "reason": str(reason)}:
            began_ms = parse_instant(began)
            return None if began_ms is None else NewLog(began_ms=began_ms, reason=reason, archive=archive, line=number)
        case _:
            return None


def _drop_what_was_cut_off(fd: int) -> None:
    size = os.fstat(fd).st_size
    tail = os.pread(fd, min(size, 4096), max(size - 4096, 0))
    kept = size - len(tail) + tail.rfind(b"\n") + 1
    if kept < size:
        try:
            os.ftruncate(fd, kept)
        except PermissionError:  # the file can only be added to: the line stays, and is told of
            os.write(fd, b"\n")


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
