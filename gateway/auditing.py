"""Anchors the head of the audit log outside of its database while the gateway runs.

Invariants. What is anchored is durable in the records: a log is never behind its anchor, unless it was cut off. While
entries come, an anchor is written each minute and sooner after `ENTRIES_BETWEEN` of them, at the start and at an end in
order. Each goes into the log of the service too, which a machine's own collector takes elsewhere.

At the start the last anchor is held against the log. A log that does not fit is told of (log, figures) and
ends nothing: a ward is watched whatever somebody did to the books.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from gateway.clock import GatewayClock
from storage.audit.anchor import Anchor, AnchorFile, read_anchors

if TYPE_CHECKING:
    from pathlib import Path

    from storage.records import Records

log = logging.getLogger("vigil.audit")

LOOK_S = 1.0
ANCHOR_EVERY_S = 60.0
ENTRIES_BETWEEN = 256


class AuditAnchorer:
    """Writes down where the audit log of these records stands. `hold_up` first, then `run`."""

    def __init__(self, records: Records, clock: GatewayClock, path: Path) -> None:
        self._records = records
        self._clock = clock
        self._file = AnchorFile(path)
        self._waited_s = ANCHOR_EVERY_S
        self.anchored = 0
        """Number of the entry that was anchored last."""
        self.is_fitting = True
        """Whether the log, at the start, was the one that the last anchor knew."""
        self.error = ""
        """Why no anchor can be written; empty while one can."""

    async def hold_up(self) -> None:
        """Hold the last anchor against the log."""
        try:
            anchors = await asyncio.to_thread(read_anchors, self._file.path)
        except OSError as error:
            self._note_error(error)
            return
        last = anchors.last
        if last is None:
            return
        self.anchored = last.number
        self.is_fitting = await self._records.audit_hash(last.number) == last.hash
        if not self.is_fitting:
            log.error(
                "the audit log is not the one that was anchored: %s knew entry %d with another hash, or there is no "
                "such entry any more; run `vigil audit verify`, and see the runbook",
                last.words,
                last.number,
            )

    async def run(self) -> None:
        """Anchor for ever, and once more at the end."""
        try:
            while True:
                if self._is_due():
                    await asyncio.to_thread(self._anchor)
                await asyncio.sleep(LOOK_S)
                self._waited_s += LOOK_S
        finally:
            if self._records.audit_head.number != self.anchored:
                self._anchor()

    def _is_due(self) -> bool:
        fresh = self._records.audit_head.number - self.anchored
        return bool(fresh) and (self._waited_s >= ANCHOR_EVERY_S or fresh >= ENTRIES_BETWEEN)

    def _anchor(self) -> None:
        head = self._records.audit_head
        self._waited_s = 0.0
        if head.number == 0:
            return
        anchor = Anchor(number=head.number, hash=head.hash, at_ms=head.at_ms, anchored_ms=self._clock.now_ms())
        try:
            self._file.add(anchor)
        except OSError as error:
            self._note_error(error)
            return
        self.error = ""
        self.anchored = head.number
        log.info("audit log anchored: entry %d, hash %s", head.number, head.hash)

    def _note_error(self, error: OSError) -> None:
        if not self.error:
            log.error("the audit log cannot be anchored, trying again: %s", error)
        self.error = str(error)
