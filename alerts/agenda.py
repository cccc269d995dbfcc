"""When each bed of a ward is to be looked at next: soonest first, of one instant by name.

A bed has one valid note at a time, the earliest (`Bed.booked_ms`). One that was booked for earlier since leaves its old
note behind; `take` says so. It knows no clock and looks at nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

from streaming.bed import Bed
from streaming.durations import NEVER_DUE_MS
from streaming.identity import BedId


class Agenda:
    """The notes of one ward. Instants are gateway milliseconds."""

    __slots__ = ("_notes", "next_ms")

    def __init__(self) -> None:
        self._notes: list[tuple[int, BedId]] = []
        self.next_ms = NEVER_DUE_MS
        """The instant of the first note, whether it is still valid or not."""

    def book(self, bed: Bed, due_ms: int) -> None:
        """Note when a bed is due, unless it is noted for as early."""
        if due_ms < bed.booked_ms:
            bed.booked_ms = due_ms
            heappush(self._notes, (due_ms, bed.id))
            self.next_ms = self._notes[0][0]

    def take(self, beds: Mapping[BedId, Bed]) -> tuple[int, Bed | None]:
        """Take the first note: its instant, and the bed; None when the bed was booked for earlier since."""
        due_ms, bed_id = heappop(self._notes)
        self.next_ms = self._notes[0][0] if self._notes else NEVER_DUE_MS
        bed = beds[bed_id]
        if due_ms != bed.booked_ms:
            return due_ms, None
        bed.booked_ms = NEVER_DUE_MS
        return due_ms, bed
