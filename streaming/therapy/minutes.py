"""One signal minute by minute: the burden of low values over any window, with coverage.

A value holds until the next one, and at most `hold_ms`; a doubtful value ends it. The mean of a minute is weighted by
time over the part of it in which a value held. Minutes are counted from an origin (the admission), so that a shift of
all times shifts all answers. For each limit that was ever asked about, running sums are kept: what is asked again costs
O(log n) whatever its window; the first question about a limit costs one pass.

A value that is older than the last one changes nothing. Values are kept in thousandths, sums are integers and exact.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from operator import mul, sub

from streaming.criteria.facts import Total
from streaming.durations import MINUTE_MS
from streaming.therapy.stretches import BEGINNING_MS, Gaps

MINUTES_MAX = 2048
"""Kept at most; the oldest eighth goes then, so that 29 hours are always there."""
HOLD_MS = 5 * MINUTE_MS
"""How long a value holds without another (contract, section 9: arterial line 5 min)."""
LIMITS_MAX = 8
"""Limits with running sums; the one asked about longest ago makes room. [D]"""
_MILLI = 1000

_Minute = tuple[int, int, int]
"""(index from the origin, milliseconds in which a value held, sum of value x time)."""


class _Burden:
    """Running sums for one limit, minute by minute; one longer than the minutes."""

    __slots__ = ("below_ms", "deficit", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.below_ms = array("q", (0,))
        self.deficit = array("q", (0,))

    def add(self, valid_ms: int, total: int) -> None:
        """Take a minute that is over."""
        deficit = self.limit * valid_ms - total
        self.below_ms.append(self.below_ms[-1] + (valid_ms if deficit > 0 else 0))
        self.deficit.append(self.deficit[-1] + max(0, deficit))


class MinuteMeans:
    """Means of the minutes of one signal."""

    __slots__ = (
        "_burdens",
        "_gaps",
        "_hold_ms",
        "_holds_until_ms",
        "_index",
        "_last_ms",
        "_last_value",
        "_minutes",
        "_minutes_max",
        "_origin_ms",
        "_total",
        "_totals",
        "_valid",
        "_valid_ms",
    )

    def __init__(self, origin_ms: int, hold_ms: int = HOLD_MS, minutes_max: int = MINUTES_MAX) -> None:
        self._origin_ms = origin_ms
        self._hold_ms = hold_ms
        self._minutes_max = minutes_max
        self._last_ms = self._holds_until_ms = BEGINNING_MS
        self._last_value = 0
        self._index = 0
        """The minute under way, with `_valid_ms` and `_total` so far."""
        self._valid_ms = 0
        self._total = 0
        self._minutes = array("q")
        """Index of each minute that is over and in which a value held."""
        self._valid = array("q", (0,))
        self._totals = array("q", (0,))
        self._gaps = Gaps()
        self._burdens: dict[int, _Burden] = {}

    def add(self, at_ms: int, value: float) -> None:
        """Take a value; it holds from its instant on."""
        last_ms = self._last_ms
        if at_ms <= last_ms:
            return
        held_until_ms = min(at_ms, self._holds_until_ms)
        self._fill(last_ms, held_until_ms)
        if held_until_ms < at_ms:
            self._gaps.add(held_until_ms, at_ms)
        self._last_ms = at_ms
        self._holds_until_ms = at_ms + self._hold_ms
        self._last_value = round(value * _MILLI)

    def add_series(self, times: array[int], values: array[float]) -> None:
        """Take several values: the same as one after the other, and quicker when they come each second."""
        first_ms, last_ms = times[0], times[-1]
        steps = list(map(sub, times[1:], times))
        is_one_minute = self._index_of(first_ms) == self._index_of(last_ms)
        if not steps or not is_one_minute or min(steps) <= 0 or max(steps) > self._hold_ms or first_ms <= self._last_ms:
            for at_ms, value in zip(times, values, strict=True):
                self.add(at_ms, value)
            return
        self.add(first_ms, values[0])
        milli = [round(value * _MILLI) for value in values]
        self._open(self._index_of(first_ms))
        self._valid_ms += last_ms - first_ms
        self._total += sum(map(mul, milli, steps))
        self._last_ms, self._holds_until_ms, self._last_value = last_ms, last_ms + self._hold_ms, milli[-1]

    def interrupt(self, at_ms: int) -> None:
        """What the signal is from here on nobody knows, until the next value."""
        self._holds_until_ms = min(self._holds_until_ms, max(at_ms, self._last_ms))

    def minutes_below(self, limit: float, from_ms: int, to_ms: int) -> Total:
        """Minutes whose mean was below the limit, and how much of the window they and the others cover."""
        valid_ms, below_ms, _ = self._sums(limit, from_ms, to_ms)
        return Total(below_ms / MINUTE_MS, valid_ms / (to_ms - from_ms), self._longest_gap_ms(from_ms, to_ms))

    def average_below(self, limit: float, from_ms: int, to_ms: int) -> Total:
        """Mean over the time with a value of how far the mean of the minute was below the limit."""
        valid_ms, _, deficit = self._sums(limit, from_ms, to_ms)
        average = deficit / valid_ms / _MILLI if valid_ms else 0.0
        return Total(average, valid_ms / (to_ms - from_ms), self._longest_gap_ms(from_ms, to_ms))

    def _fill(self, from_ms: int, to_ms: int) -> None:
        """The last value held from one instant to another, at most `_hold_ms` later."""
        for index, valid_ms in self._pieces(from_ms, to_ms):
            self._open(index)
            self._valid_ms += valid_ms
            self._total += valid_ms * self._last_value

    def _open(self, index: int) -> None:
        """What follows is of this minute."""
        if index != self._index:
            self._close()
            self._index = index

    def _index_of(self, at_ms: int) -> int:
        return (at_ms - self._origin_ms) // MINUTE_MS

    def _pieces(self, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """(index, milliseconds) of every minute between two instants."""
        pieces = []
        while from_ms < to_ms:
            index = self._index_of(from_ms)
            end_ms = min(to_ms, self._origin_ms + (index + 1) * MINUTE_MS)
            pieces.append((index, end_ms - from_ms))
            from_ms = end_ms
        return pieces

    def _close(self) -> None:
        """The minute under way is over."""
        if self._valid_ms == 0:
            return
        self._minutes.append(self._index)
        self._valid.append(self._valid[-1] + self._valid_ms)
        self._totals.append(self._totals[-1] + self._total)
        for burden in self._burdens.values():
            burden.add(self._valid_ms, self._total)
        self._valid_ms = self._total = 0
        if len(self._minutes) > self._minutes_max:
            self._forget(self._minutes_max // 8)

    def _forget(self, count: int) -> None:
        kept = [self._minutes, self._valid, self._totals]
        for burden in self._burdens.values():
            kept += [burden.below_ms, burden.deficit]
        for running in kept:
            del running[:count]

    def _burden(self, limit: float) -> _Burden:
        """The running sums for a limit, made when it is asked about for the first time."""
        milli = round(limit * _MILLI)
        burden = self._burdens.pop(milli, None)
        if burden is None:
            burden = _Burden(milli)
            for i in range(len(self._minutes)):
                burden.add(self._valid[i + 1] - self._valid[i], self._totals[i + 1] - self._totals[i])
            if len(self._burdens) >= LIMITS_MAX:
                del self._burdens[next(iter(self._burdens))]
        self._burdens[milli] = burden
        return burden

    def _sums(self, limit: float, from_ms: int, to_ms: int) -> tuple[int, int, int]:
        """(time with a value, time in minutes below the limit, how far below x time) of a window that ends now."""
        burden = self._burden(limit)
        index, inside_ms = divmod(from_ms - self._origin_ms, MINUTE_MS)
        first = bisect_left(self._minutes, index)
        valid_ms = self._valid[-1] - self._valid[first]
        below_ms = burden.below_ms[-1] - burden.below_ms[first]
        deficit = burden.deficit[-1] - burden.deficit[first]
        if first < len(self._minutes) and self._minutes[first] == index:
            # The window begins inside this minute: the part before it goes, in proportion.
            valid_ms -= (self._valid[first + 1] - self._valid[first]) * inside_ms // MINUTE_MS
            below_ms -= (burden.below_ms[first + 1] - burden.below_ms[first]) * inside_ms // MINUTE_MS
            deficit -= (burden.deficit[first + 1] - burden.deficit[first]) * inside_ms // MINUTE_MS
        for minute, held_ms, total in self._minutes_under_way(to_ms):
            if minute < index:
                continue
            short = burden.limit * held_ms - total
            outside = inside_ms if minute == index else 0
            counted_ms = held_ms - held_ms * outside // MINUTE_MS
            valid_ms += counted_ms
            if short > 0:
                below_ms += counted_ms
                deficit += short - short * outside // MINUTE_MS
        return valid_ms, below_ms, deficit

    def _minutes_under_way(self, now_ms: int) -> list[_Minute]:
        """The minute under way and those that the last value has held through since, until now."""
        under_way = {self._index: (self._valid_ms, self._total)}
        for index, held_ms in self._pieces(self._last_ms, min(now_ms, self._holds_until_ms)):
            valid_ms, total = under_way.get(index, (0, 0))
            under_way[index] = (valid_ms + held_ms, total + held_ms * self._last_value)
        return [(index, valid_ms, total) for index, (valid_ms, total) in under_way.items() if valid_ms]

    def _longest_gap_ms(self, from_ms: int, to_ms: int) -> int:
        silent_ms = to_ms - max(from_ms, self._holds_until_ms)
        return max(self._gaps.longest_ms(from_ms), silent_ms, 0)
