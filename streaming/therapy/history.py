"""What a signal has been: the value in force at an instant, and the highest and lowest since one.

One value a minute is kept, the last, and of each minute the highest and the lowest: exact for what is measured or
charted now and then, and to the minute for what comes each second. Minutes are counted from an origin (the admission),
so that a shift of all times shifts all answers. What comes late is put where it belongs; the order of arrival changes
nothing, except that of two values of one instant the later arrival counts.

Cost: O(1) amortised for a value, O(log n) for an answer, whatever its window; only a late value costs a pass over what
is kept. Memory is bounded: the oldest eighth goes when more than `kept_max` minutes are kept, so that of `KEPT_MAX`
29 hours are always there, and months of what is measured each hour.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from streaming.criteria.facts import Sample
from streaming.durations import MINUTE_MS

KEPT_MAX = 2048
NEVER_MS = -(1 << 62)
"""Earlier than every instant."""


class Values:
    """The last value of each minute."""

    __slots__ = ("_at", "_kept_max", "_last_minute", "_origin_ms", "_values", "last_ms")

    def __init__(self, origin_ms: int, kept_max: int = KEPT_MAX) -> None:
        self._origin_ms = origin_ms
        self._kept_max = kept_max
        self._at = array("q")
        self._values = array("d")
        self.last_ms = NEVER_MS
        """Instant of the latest value."""
        self._last_minute = NEVER_MS

    @property
    def last(self) -> Sample | None:
        """The latest value."""
        return Sample(self._at[-1], self._values[-1]) if self._at else None

    def add(self, at_ms: int, value: float) -> None:
        """Take a value, late or not."""
        minute = (at_ms - self._origin_ms) // MINUTE_MS
        if at_ms < self.last_ms:
            self._add_late(at_ms, value, minute)
            return
        if minute == self._last_minute:
            self._at[-1], self._values[-1] = at_ms, value
        else:
            self._at.append(at_ms)
            self._values.append(value)
            self._last_minute = minute
            if len(self._at) > self._kept_max:
                del self._at[: self._kept_max // 8], self._values[: self._kept_max // 8]
        self.last_ms = at_ms

    def before(self, at_ms: int) -> Sample | None:
        """The last value at or before an instant."""
        i = bisect_right(self._at, at_ms)
        return Sample(self._at[i - 1], self._values[i - 1]) if i else None

    def after(self, at_ms: int) -> Sample | None:
        """The first value after an instant."""
        i = bisect_right(self._at, at_ms)
        return Sample(self._at[i], self._values[i]) if i < len(self._at) else None

    def is_of_another_minute(self, at_ms: int) -> bool:
        """Whether an instant is of another minute than the latest value."""
        return (at_ms - self._origin_ms) // MINUTE_MS != self._last_minute

    def _add_late(self, at_ms: int, value: float, minute: int) -> None:
        at = self._at
        i = bisect_right(at, at_ms)
        if self._minute(at[i]) == minute:
            return  # a later one of the same minute is there
        if i > 0 and self._minute(at[i - 1]) == minute:
            at[i - 1], self._values[i - 1] = at_ms, value
        else:
            at.insert(i, at_ms)
            self._values.insert(i, value)

    def _minute(self, at_ms: int) -> int:
        return (at_ms - self._origin_ms) // MINUTE_MS


class Extremes:
    """The highest value since any instant: of each minute the highest, as long as none later is higher.

    The values kept decrease, so that the first one after an instant is the highest since.
    """

    __slots__ = ("_at", "_kept_max", "_last_minute", "_origin_ms", "_values")

    def __init__(self, origin_ms: int, kept_max: int = KEPT_MAX) -> None:
        self._origin_ms = origin_ms
        self._kept_max = kept_max
        self._at = array("q")
        self._values = array("d")
        self._last_minute = NEVER_MS
        """Of the last one kept."""

    def add(self, at_ms: int, value: float) -> None:
        """Take a value, late or not."""
        at, values = self._at, self._values
        minute = (at_ms - self._origin_ms) // MINUTE_MS
        if at and at_ms < at[-1]:
            self._add_late(at_ms, value, minute)
            return
        if minute == self._last_minute and values[-1] > value:
            return  # a higher one of the same minute is there
        while values and values[-1] <= value:
            values.pop()
            at.pop()
        at.append(at_ms)
        values.append(value)
        self._last_minute = minute
        if len(at) > self._kept_max:
            del at[: self._kept_max // 8], values[: self._kept_max // 8]

    def since(self, from_ms: int) -> Sample | None:
        """The highest value after an instant."""
        i = bisect_right(self._at, from_ms)
        return Sample(self._at[i], self._values[i]) if i < len(self._at) else None

    def _add_late(self, at_ms: int, value: float, minute: int) -> None:
        at, values = self._at, self._values
        past = bisect_right(at, at_ms)
        if values[past] >= value:
            return  # one that is as high came later
        first = past
        while first > 0 and values[first - 1] <= value:
            first -= 1
        if first > 0 and self._minute(at[first - 1]) == minute:
            return  # a higher one of the same minute is there
        if self._minute(at[past]) == minute:
            past += 1
        at[first:past] = array("q", (at_ms,))
        values[first:past] = array("d", (value,))
        self._last_minute = self._minute(at[-1])

    def _minute(self, at_ms: int) -> int:
        return (at_ms - self._origin_ms) // MINUTE_MS


class SignalHistory:
    """What one numeric signal has been."""

    __slots__ = ("_high", "_low", "_values")

    def __init__(self, origin_ms: int, kept_max: int = KEPT_MAX) -> None:
        self._values = Values(origin_ms, kept_max)
        self._high = Extremes(origin_ms, kept_max)
        self._low = Extremes(origin_ms, kept_max)

    @property
    def last(self) -> Sample | None:
        """The latest value."""
        return self._values.last

    @property
    def last_ms(self) -> int:
        """Instant of the latest value; long ago without one."""
        return self._values.last_ms

    def add(self, at_ms: int, value: float) -> None:
        """Take a value, late or not."""
        self._values.add(at_ms, value)
        self._high.add(at_ms, value)
        self._low.add(at_ms, -value)

    def before(self, at_ms: int) -> Sample | None:
        """The last value at or before an instant."""
        return self._values.before(at_ms)

    def after(self, at_ms: int) -> Sample | None:
        """The first value after an instant."""
        return self._values.after(at_ms)

    def highest(self, from_ms: int) -> Sample | None:
        """The highest value since an instant, the one in force at that instant included."""
        in_force, since = self._values.before(from_ms), self._high.since(from_ms)
        if in_force is None or since is None:
            return in_force or since
        return since if since.value > in_force.value else in_force

    def lowest(self, from_ms: int) -> Sample | None:
        """The lowest value since an instant, the one in force at that instant included."""
        in_force, lowest = self._values.before(from_ms), self._low.since(from_ms)
        since = Sample(lowest.at_ms, -lowest.value) if lowest is not None else None
        if in_force is None or since is None:
            return in_force or since
        return since if since.value < in_force.value else in_force


class SampledHistory(SignalHistory):
    """What a signal has been that is looked at once a minute: extremes are made up to date when they are asked for.

    Most signals are never asked for theirs. Values come in order.
    """

    __slots__ = ("_seen_ms",)

    def __init__(self, origin_ms: int, kept_max: int = KEPT_MAX) -> None:
        super().__init__(origin_ms, kept_max)
        self._seen_ms = NEVER_MS

    def add(self, at_ms: int, value: float) -> None:
        """Take a value that is later than the last one; of a minute the first is kept."""
        if self._values.is_of_another_minute(at_ms):
            self._values.add(at_ms, value)

    def highest(self, from_ms: int) -> Sample | None:
        """See `SignalHistory`."""
        self._catch_up()
        return super().highest(from_ms)

    def lowest(self, from_ms: int) -> Sample | None:
        """See `SignalHistory`."""
        self._catch_up()
        return super().lowest(from_ms)

    def _catch_up(self) -> None:
        while (sample := self._values.after(self._seen_ms)) is not None:
            self._high.add(sample.at_ms, sample.value)
            self._low.add(sample.at_ms, -sample.value)
            self._seen_ms = sample.at_ms


class StateHistory:
    """What a charted state has been. One state charted twice within a minute counts once."""

    __slots__ = ("_at", "_began_ms", "_by_state", "_states")

    def __init__(self) -> None:
        self._at = array("q")
        self._states: list[str] = []
        self._by_state: dict[str, array[int]] = {}
        self._began_ms: int | None = None
        """Since when the present state has been what it is."""

    def add(self, at_ms: int, state: str) -> None:
        """Take a charted state, late or not."""
        if self._is_repeated(at_ms, state):
            return
        i = bisect_right(self._at, at_ms)
        was, is_late = (self._states[-1] if self._states else None), i < len(self._at)
        self._at.insert(i, at_ms)
        self._states.insert(i, state)
        charted = self._by_state.setdefault(state, array("q"))
        charted.insert(bisect_right(charted, at_ms), at_ms)
        if is_late:
            self._began_ms = self._look_back()
        elif state != was:
            self._began_ms = at_ms
        if len(self._at) > KEPT_MAX:
            self._forget()

    def since(self) -> int | None:
        """Since when the state has been what it is; None when it was never charted."""
        return self._began_ms

    def count(self, states: Sequence[str], from_ms: int) -> int:
        """How many times one of the states was charted after an instant."""
        count = 0
        for state in dict.fromkeys(states):
            charted = self._by_state.get(state)
            if charted is not None:
                count += len(charted) - bisect_right(charted, from_ms)
        return count

    def _is_repeated(self, at_ms: int, state: str) -> bool:
        charted = self._by_state.get(state)
        if not charted:
            return False
        i = bisect_right(charted, at_ms)
        is_repeated = i > 0 and at_ms - charted[i - 1] < MINUTE_MS
        # Another state in between makes it a charting of its own.
        return is_repeated and self._states[bisect_right(self._at, at_ms) - 1] == state

    def _look_back(self) -> int | None:
        """Since when the present state has been what it is, after another one was put between the older ones."""
        i = len(self._at) - 1
        while i > 0 and self._states[i - 1] == self._states[-1]:
            i -= 1
        began_ms = self._began_ms
        if i == 0 and began_ms is not None:
            return min(began_ms, self._at[0])  # it may reach back beyond what is kept
        return self._at[i]

    def _forget(self) -> None:
        del self._at[: KEPT_MAX // 8], self._states[: KEPT_MAX // 8]
        for state, charted in list(self._by_state.items()):
            del charted[: bisect_left(charted, self._at[0])]
            if not charted:
                del self._by_state[state]
