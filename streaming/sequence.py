"""Which messages of a device have been seen: duplicates found, losses counted, whatever the order of arrival.

Identity of a message is (device, boot, seq); `seq` grows by one per message over `obs` and `event`. Seen numbers are
kept as disjoint intervals, which is one interval for a device that loses nothing.

Invariants: a number is accepted once and only once per boot, as long as that boot is among the last `BOOTS_KEPT` of
the device and its losses are no more scattered than `INTERVALS_KEPT` holes. Beyond that the oldest holes are given up:
a message that would fill one is then called a duplicate, and stays counted as lost.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum

BOOTS_KEPT = 16
"""Boots of one device remembered; a redelivery may come from a boot before the present one."""
INTERVALS_KEPT = 1024
"""Holes of one boot remembered."""


class Arrival(Enum):
    """How a message came."""

    IN_ORDER = "in_order"
    OUT_OF_ORDER = "out_of_order"
    """After a hole, or into one; also the first of a boot."""
    DUPLICATE = "duplicate"


class SequenceTracker:
    """Seen sequence numbers of one boot."""

    __slots__ = ("_firsts", "_lasts", "abandoned")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self.abandoned = 0
        """Numbers in holes that were given up: still missing, no longer accepted."""

    def accept(self, seq: int) -> Arrival:
        """Record `seq` and say how it came."""
        lasts = self._lasts
        if lasts and seq == lasts[-1] + 1:
            lasts[-1] = seq
            return Arrival.IN_ORDER
        return Arrival.OUT_OF_ORDER if self._accept_out_of_order(seq) else Arrival.DUPLICATE

    @property
    def missing(self) -> int:
        """Numbers between the lowest and the highest seen that have not come: messages lost, or still on their way."""
        holes = (first - last - 1 for first, last in zip(self._firsts[1:], self._lasts[:-1], strict=True))
        return sum(holes) + self.abandoned

    @property
    def highest(self) -> int | None:
        """The highest number seen."""
        return self._lasts[-1] if self._lasts else None

    def _accept_out_of_order(self, seq: int) -> bool:
        firsts, lasts = self._firsts, self._lasts
        at = bisect_right(firsts, seq)
        if at and seq <= lasts[at - 1]:
            return False
        joins_before = bool(at) and lasts[at - 1] + 1 == seq
        joins_after = at < len(firsts) and firsts[at] - 1 == seq
        if joins_before and joins_after:
            lasts[at - 1] = lasts[at]
            del firsts[at], lasts[at]
        elif joins_before:
            lasts[at - 1] = seq
        elif joins_after:
            firsts[at] = seq
        else:
            firsts.insert(at, seq)
            lasts.insert(at, seq)
            self._give_up_oldest_hole_if_too_many()
        return True

    def _give_up_oldest_hole_if_too_many(self) -> None:
        if len(self._firsts) <= INTERVALS_KEPT:
            return
        self.abandoned += self._firsts[1] - self._lasts[0] - 1
        del self._firsts[1], self._lasts[0]


class SequenceLedger:
    """Seen sequence numbers of one device over its boots."""

    __slots__ = ("_boots", "_forgotten_missing", "_latest", "_latest_boot")

    def __init__(self) -> None:
        self._boots: dict[str, SequenceTracker] = {}
        """In order of use, the latest last."""
        self._forgotten_missing = 0
        self._latest_boot: str | None = None
        self._latest = SequenceTracker()

    def tracker(self, boot: str) -> SequenceTracker:
        """The tracker of `boot`, begun when the boot is new; the boot unused for longest is forgotten beyond the
        limit."""
        if boot != self._latest_boot:
            self._latest = self._use(boot)
            self._latest_boot = boot
        return self._latest

    def _use(self, boot: str) -> SequenceTracker:
        boots = self._boots
        tracker = boots.pop(boot, None) or SequenceTracker()
        boots[boot] = tracker
        if len(boots) > BOOTS_KEPT:
            self._forgotten_missing += boots.pop(next(iter(boots))).missing
        return tracker

    @property
    def missing(self) -> int:
        """Messages lost over all boots, as far as the numbers tell."""
        return self._forgotten_missing + sum(tracker.missing for tracker in self._boots.values())
