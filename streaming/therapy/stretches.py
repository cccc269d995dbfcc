"""Amounts over stretches of time, and the sum over any window: urine, infused volume, diarrhoea.

A stretch says that so much came between two instants; nobody knows how it was spread, so a window that cuts a stretch
gets its share in proportion. Time already covered is not covered twice: of a stretch that overlaps an earlier one only
the uncovered part counts, with its share of the amount. Sums are integers (millionths of the unit), so that they are
exact, and the same in whichever order stretches that do not overlap come.

Cost: adding at the end is O(1), a sum is O(log n); only a stretch that comes late costs a pass over what is kept.
Memory is bounded: the oldest eighth goes when `STRETCHES_MAX` are kept. Instants are milliseconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from streaming.criteria.facts import Total

STRETCHES_MAX = 2048
"""Of minutes these are 29 hours after the oldest eighth went, of hours two months."""
MICRO = 1_000_000
BEGINNING_MS = -(1 << 62)
"""Earlier than every instant: before the first report nothing is covered."""


class Gaps:
    """Stretches of time without a report, and the longest of them since an instant."""

    __slots__ = ("_from", "_to")

    def __init__(self) -> None:
        # Only a gap that is longer than every later one can be the longest since some instant: the lengths decrease.
        self._from = array("q")
        self._to = array("q")

    def add(self, from_ms: int, to_ms: int) -> None:
        """Note a gap that begins after every other has ended."""
        length_ms = to_ms - from_ms
        while self._to and self._to[-1] - self._from[-1] <= length_ms:
            self._from.pop()
            self._to.pop()
        self._from.append(from_ms)
        self._to.append(to_ms)
        if len(self._to) > STRETCHES_MAX:
            del self._from[: STRETCHES_MAX // 8], self._to[: STRETCHES_MAX // 8]

    def longest_ms(self, from_ms: int) -> int:
        """The longest gap after an instant; of one that the instant cuts, the part after it."""
        at = bisect_right(self._to, from_ms)
        longest = 0
        for i in range(at, min(at + 2, len(self._to))):
            longest = max(longest, self._to[i] - max(self._from[i], from_ms))
        return longest


class Stretches:
    """Amounts of one kind, each over a stretch of time; the stretches do not overlap and are in order."""

    __slots__ = ("_covered", "_ends", "_gaps", "_kept_max", "_merge_ms", "_starts", "_sums")

    def __init__(self, *, merge_ms: int = 0, kept_max: int = STRETCHES_MAX) -> None:
        """Begin empty.

        Args:
            merge_ms: Stretches that follow each other without a gap are kept as one up to this length.
            kept_max: How many stretches are kept.
        """
        self._merge_ms = merge_ms
        self._kept_max = kept_max
        self._starts = array("q")
        self._ends = array("q")
        self._sums = array("q", (0,))
        """Amount of all stretches before each; one longer than the stretches."""
        self._covered = array("q", (0,))
        """Length of all stretches before each, likewise."""
        self._gaps = Gaps()

    @property
    def end_ms(self) -> int:
        """End of the last stretch; `BEGINNING_MS` when there is none."""
        return self._ends[-1] if self._ends else BEGINNING_MS

    @property
    def begin_ms(self) -> int | None:
        """Beginning of the first stretch that is kept; None when there is none."""
        return self._starts[0] if self._starts else None

    @property
    def forgotten_until_ms(self) -> int:
        """Before this instant stretches went to make room; `BEGINNING_MS` when all are kept."""
        return self._starts[0] if self._covered[0] > 0 else BEGINNING_MS

    def each(self) -> Iterator[tuple[int, int, float]]:
        """(from, to, amount) of each stretch that is kept, oldest first."""
        for i, (from_ms, to_ms) in enumerate(zip(self._starts, self._ends, strict=True)):
            yield from_ms, to_ms, self._amount(i) / MICRO

    def add(self, from_ms: int, to_ms: int, amount: float) -> None:
        """Note that `amount` came after `from_ms` until `to_ms`."""
        if to_ms <= from_ms:
            return
        micro = round(amount * MICRO)
        if from_ms >= self.end_ms:
            self._append(from_ms, to_ms, micro)
        else:
            self._add_uncovered(from_ms, to_ms, micro)

    def sum(self, from_ms: int, to_ms: int) -> tuple[int, int]:
        """Amount in millionths after `from_ms` until `to_ms`, and how many milliseconds of it are covered."""
        first = bisect_right(self._ends, from_ms)
        past = bisect_left(self._starts, to_ms)
        if first >= past:
            return 0, 0
        amount, covered_ms = self._sums[past] - self._sums[first], self._covered[past] - self._covered[first]
        for i, outside_ms in ((first, from_ms - self._starts[first]), (past - 1, self._ends[past - 1] - to_ms)):
            if outside_ms > 0:
                amount -= self._amount(i) * outside_ms // (self._ends[i] - self._starts[i])
                covered_ms -= outside_ms
        return amount, covered_ms

    def total(self, from_ms: int, to_ms: int) -> Total:
        """Amount after `from_ms` until `to_ms`, which is not before the end of the last stretch."""
        amount, covered_ms = self.sum(from_ms, to_ms)
        silent_ms = to_ms - max(self.end_ms, from_ms)
        longest_ms = max(self._gaps.longest_ms(from_ms), silent_ms)
        return Total(amount / MICRO, covered_ms / (to_ms - from_ms), longest_ms)

    def lapses_ms(self, window_ms: int, least_ms: int) -> int | None:
        """The first instant at which less than `least_ms` of the window that ends then is covered, if nothing more is
        added; None when so much is not even covered now."""
        before_ms = self._covered[-1] - least_ms
        if not self._ends or before_ms < self._covered[0]:
            return None
        i = min(bisect_right(self._covered, before_ms), len(self._ends)) - 1
        return self._starts[i] + before_ms - self._covered[i] + window_ms + 1

    def _amount(self, i: int) -> int:
        return self._sums[i + 1] - self._sums[i]

    def _append(self, from_ms: int, to_ms: int, micro: int) -> None:
        end_ms = self.end_ms
        if from_ms == end_ms and to_ms - self._starts[-1] <= self._merge_ms:
            self._ends[-1] = to_ms
            self._sums[-1] += micro
            self._covered[-1] += to_ms - from_ms
            return
        if from_ms > end_ms:
            self._gaps.add(end_ms, from_ms)
        self._starts.append(from_ms)
        self._ends.append(to_ms)
        self._sums.append(self._sums[-1] + micro)
        self._covered.append(self._covered[-1] + to_ms - from_ms)
        if len(self._ends) > self._kept_max:
            for kept in (self._starts, self._ends, self._sums, self._covered):
                del kept[: self._kept_max // 8]

    def _add_uncovered(self, from_ms: int, to_ms: int, micro: int) -> None:
        """Put a stretch that came late, or overlaps, where there is room for it."""
        kept = list(zip(self._starts, self._ends, strict=True))
        pieces = [(start, end, self._amount(i)) for i, (start, end) in enumerate(kept)]
        length_ms = to_ms - from_ms
        at_ms = from_ms
        for start, end in [*kept, (to_ms, to_ms)]:
            until_ms = min(start, to_ms)
            if until_ms > at_ms:
                pieces.append((at_ms, until_ms, micro * (until_ms - at_ms) // length_ms))
            at_ms = max(at_ms, end)
        self._rebuild(sorted(pieces))

    def _rebuild(self, pieces: list[tuple[int, int, int]]) -> None:
        """Begin anew with these: the sums and the gaps follow from the stretches."""
        anew = Stretches(kept_max=self._kept_max)
        for from_ms, to_ms, micro in pieces:
            anew._append(from_ms, to_ms, micro)
        self._starts, self._ends, self._gaps = anew._starts, anew._ends, anew._gaps
        self._sums, self._covered = anew._sums, anew._covered
