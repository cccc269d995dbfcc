"""Is an audit log what was written? Walks the chain entry by entry, then holds it against the anchors.

What is found is named: which entry, when, what is wrong with it. An entry that was changed is told from one that was
removed, moved, put in, or sealed anew; a log that was cut off, or made anew as a whole with every hash fitting, is told
by the anchors (`storage.audit.anchor`), and only by them. What came after the last anchor is vouched for by the chain
alone.

It reads nothing itself, and mends nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from storage.audit.anchor import Anchor
from storage.audit.chain import EMPTY, AuditEntry, ChainHead, seal_of
from streaming.instants import MAX_MS, MIN_MS, format_ms

MOVED_LOOKED_AT = 200
"""Entries among which one that was moved is looked for."""


class Fault(StrEnum):
    """What is wrong with an entry, or with the log."""

    EDITED = "edited"
    """Its content, or one of its hashes, is not what was sealed."""
    MOVED = "moved"
    """It is another entry, under this one's number."""
    MISSING = "missing"
    """It was removed."""
    RESEALED = "resealed"
    """It was changed and given a hash that fits; the entry after it follows another."""
    FOREIGN = "foreign"
    """It was put in: no entry has such a number."""
    UNREADABLE = "unreadable"
    """The database cannot give it."""
    CUT_OFF = "cut_off"
    """The log ends before it; an anchor knows it."""
    REPLACED = "replaced"
    """It or one shortly before it is another than the anchor knows, and every hash from there on was made anew."""
    ANCHOR = "anchor"
    """The anchor itself was changed or cannot be read, or the log had been cut off and has grown since."""
    UNGUARDED = "unguarded"
    """The triggers that keep the log from being changed are not in force."""
    NOT_THE_JOURNALS = "not_the_journals"
    """The journal, folded again, gives another entry."""


_EXPLAINING = frozenset({Fault.EDITED, Fault.MOVED, Fault.UNREADABLE})
"""Findings that say of themselves why an entry's hash is not the anchor's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, with the entries it is about."""

    fault: Fault
    first: int | None
    """Number of the entry; None when it is about none."""
    last: int | None
    """The same, or the last of several in a row."""
    at: str | None
    """When the entry, or the one before it, happened: RFC 3339."""
    text: str
    """For people."""


class ChainWalk:
    """Takes the entries of one log in order of their numbers, and says what is wrong with them."""

    def __init__(self, wanted: Collection[int] = ()) -> None:
        """Begin before the first entry.

        Args:
            wanted: Numbers whose hashes are to be remembered, in `hashes`.
        """
        self.entries = 0
        self.head = EMPTY
        """The last entry taken."""
        self.hashes: dict[int, str] = {}
        self._wanted = wanted
        self._findings: list[Finding] = []
        self._edited: list[AuditEntry] = []
        self._before: AuditEntry | None = None
        self._before_is_sound = True

    def take(self, entry: AuditEntry) -> None:
        """The next entry."""
        self.entries += 1
        if entry.number < 1:
            self._add(Fault.FOREIGN, entry, f"entry {entry.number} was put in: entries are numbered from 1")
            return
        if entry.number <= self.head.number:
            self._add(Fault.FOREIGN, entry, f"entry {entry.number} stands after entry {self.head.number}")
            return
        is_next = entry.number == self.head.number + 1
        if not is_next:
            self._note_missing(self.head.number + 1, entry.number - 1, entry)
        self._judge(entry, is_next=is_next)
        self.head = ChainHead(entry.number, str(entry.hash), entry.at_ms)
        if entry.number in self._wanted:
            self.hashes[entry.number] = str(entry.hash)

    def take_unreadable(self, number: int, reason: str) -> None:
        """The next entry, which the database could not give."""
        text = f"entry {number}{self._after_text()} cannot be read: {reason}"
        self._findings.append(_finding(Fault.UNREADABLE, number, number, self.head.at_ms, text))
        if number > self.head.number + 1:
            self._note_missing(self.head.number + 1, number - 1, None)
        self.head = replace(self.head, number=number, hash="")
        self._before, self._before_is_sound = None, False

    def findings(self) -> list[Finding]:
        """What was found, by number."""
        moved = self._moved()
        found = [self._as_moved(each, moved) for each in self._findings]
        return sorted(found, key=lambda finding: finding.first or 0)

    def _judge(self, entry: AuditEntry, *, is_next: bool) -> None:
        is_sealed = seal_of(entry) == entry.hash
        if not is_sealed:
            self._edited.append(entry)
            self._add(Fault.EDITED, entry, f"{named(entry)} was changed: it does not give its hash")
        elif is_next and self._before_is_sound and entry.prev_hash != self.head.hash:
            self._note_break(entry)
        self._before, self._before_is_sound = entry, is_sealed

    def _note_break(self, entry: AuditEntry) -> None:
        before = self._before
        if before is None:
            text = f"{named(entry)} stands first, and follows another: what came before it was removed"
            self._add(Fault.RESEALED, entry, text)
            return
        text = f"{named(before)} was changed and sealed anew: entry {entry.number} follows another"
        self._add(Fault.RESEALED, before, text)

    def _note_missing(self, first: int, last: int, following: AuditEntry | None) -> None:
        several = f"entries {first} to {last} were" if last > first else f"entry {first} was"
        where = self._after_text()
        until = (
            f"{' and ' if where else ' '}before {_at(following.at_ms)}" if following and _at(following.at_ms) else ""
        )
        text = f"{several} removed{where}{until}"
        self._findings.append(_finding(Fault.MISSING, first, last, self.head.at_ms, text))

    def _after_text(self) -> str:
        return f" after {_at(self.head.at_ms)}" if self.head.number and _at(self.head.at_ms) else ""

    def _add(self, fault: Fault, entry: AuditEntry, text: str) -> None:
        self._findings.append(_finding(fault, entry.number, entry.number, entry.at_ms, text))

    def _moved(self) -> Mapping[int, int]:
        """By the number that an entry stands under, the number it was sealed with."""
        places = {each.number for each in self._edited[:MOVED_LOOKED_AT]}
        for finding in self._findings:
            if finding.fault is Fault.MISSING and finding.first and finding.last:
                places.update(range(finding.first, min(finding.last, finding.first + MOVED_LOOKED_AT) + 1))
        found = {}
        for entry in self._edited[:MOVED_LOOKED_AT]:
            for number in sorted(places)[:MOVED_LOOKED_AT]:
                if seal_of(entry, number=number) == entry.hash:
                    found[entry.number] = number
        return found

    @staticmethod
    def _as_moved(finding: Finding, moved: Mapping[int, int]) -> Finding:
        if finding.fault is not Fault.EDITED or finding.first is None or finding.first not in moved:
            return finding
        text = f"under number {finding.first} stands what was entry {moved[finding.first]}: entries were moved"
        return replace(finding, fault=Fault.MOVED, text=text)


def hold_against(anchors: Sequence[Anchor], walk: ChainWalk) -> list[Finding]:
    """Where the log differs from what its anchors say of it.

    Args:
        anchors: Of this log, as they were written.
        walk: Of the whole log, having remembered the hashes of the anchors' numbers.
    """
    known = {finding.first for finding in walk.findings() if finding.fault in _EXPLAINING}
    findings = list(_cut_off(anchors, walk.head))
    vouched = 0
    """The last entry that an anchor of so far in the file vouches for."""
    is_told = False
    for anchor, is_outvoted in _with_votes(anchors, walk):
        if walk.hashes.get(anchor.number) == anchor.hash:
            vouched = anchor.number
        elif anchor.number in walk.hashes and anchor.number not in known:
            if is_outvoted:
                findings.append(_anchor_changed(anchor))
            elif not is_told:
                findings.append(_replaced(anchor, min(vouched, anchor.number - 1)))
                is_told = True
    return findings


def hold_against_noted(noted: Sequence[tuple[int, str]], walk: ChainWalk) -> list[Finding]:
    """Where the log differs from heads that somebody noted: (number, first digits of the hash)."""
    findings = []
    for number, digits in noted:
        found = walk.hashes.get(number)
        if found is None:
            text = f"entry {number}, which was noted, is not there: the log ends with entry {walk.head.number}"
            findings.append(_finding(Fault.CUT_OFF, number, number, walk.head.at_ms, text))
        elif not found.startswith(digits):
            text = f"entry {number} is not the one that was noted, or one before it is not: its hash is {found}"
            findings.append(_finding(Fault.REPLACED, number, number, 0, text))
    return findings


def is_met(anchors: Iterable[Anchor], walk: ChainWalk) -> bool:
    """Whether the log is the one that the anchors know."""
    return all(walk.hashes.get(each.number) == each.hash for each in anchors)


def named(entry: AuditEntry) -> str:
    """An entry in words."""
    about = f" of {entry.subject_id}" if isinstance(entry.subject_id, str) else ""
    at = f"{_at(entry.at_ms)}, " if _at(entry.at_ms) else ""
    return f"entry {entry.number} ({at}{entry.kind} {entry.action}{about} by {entry.actor})"


def _with_votes(anchors: Sequence[Anchor], walk: ChainWalk) -> list[tuple[Anchor, bool]]:
    """Each anchor, and whether a later one fits the log. Numbers that go back begin again: a log that was cut off and
    grew has later anchors that fit, and say nothing of what was cut off."""
    votes = []
    is_outvoted, following = False, None
    for anchor in reversed(anchors):
        if following is not None and following < anchor.number:
            is_outvoted = False
        votes.append((anchor, is_outvoted))
        is_outvoted = is_outvoted or walk.hashes.get(anchor.number) == anchor.hash
        following = anchor.number
    return votes[::-1]


def _cut_off(anchors: Sequence[Anchor], head: ChainHead) -> Iterable[Finding]:
    beyond = [each for each in anchors if each.number > head.number]
    if not beyond:
        return
    furthest = max(beyond, key=lambda each: each.number)
    first = head.number + 1
    ends = f"the log ends with entry {head.number}" if head.number else "the log is empty"
    knew = f"{furthest.words} knew entry {furthest.number} of {_at(furthest.at_ms)}"
    text = f"{_several(first, furthest.number)} removed: {ends}, and {knew}"
    yield _finding(Fault.CUT_OFF, first, furthest.number, head.at_ms, text)


def _replaced(anchor: Anchor, best: int) -> Finding:
    first = best + 1
    which = f"one of the entries {first} to {anchor.number}" if anchor.number > first else f"entry {first}"
    text = f"{which} is not the one that was anchored: {anchor.words} knew another hash of entry {anchor.number}"
    return _finding(Fault.REPLACED, first, anchor.number, anchor.at_ms, text)


def _anchor_changed(anchor: Anchor) -> Finding:
    text = (
        f"{anchor.words} names another hash of entry {anchor.number}, and later ones fit: the anchor was changed, or "
        "the log was cut off before that entry and has grown since"
    )
    return _finding(Fault.ANCHOR, anchor.number, anchor.number, anchor.at_ms, text)


def _finding(fault: Fault, first: int | None, last: int | None, at_ms: int, text: str) -> Finding:
    return Finding(fault=fault, first=first, last=last, at=_at(at_ms), text=text)


def _several(first: int, last: int) -> str:
    return f"entries {first} to {last} were" if last > first else f"entry {first} was"


def _at(at_ms: object) -> str | None:
    return format_ms(at_ms) if isinstance(at_ms, int) and MIN_MS <= at_ms <= MAX_MS and at_ms else None
