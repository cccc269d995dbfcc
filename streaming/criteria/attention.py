"""Which of some questions about a patient may have another answer now: the others need not be asked again.

A question is asked again when something it rests on has changed, when the instant has come at which time alone
changes its answer (a value grows too old, a state has lasted), and, where it is about a window, whenever the window has
slid by about a hundredth of its length, at least a minute. Slides are counted from an origin (the admission), so that a
shift of all times shifts all answers. What is reported each second changes a question only when it crosses one of its
bounds (`Bands`).

It holds no answers, and knows no patient.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from streaming.criteria.freshness import MONITORED_MS
from streaming.criteria.kinds import (
    Absent,
    BaselineChange,
    Burden,
    Consecutive,
    Disagreement,
    FallFromPeak,
    HighestInInterval,
    IntervalChange,
    Leaf,
    Limit,
    LowFlow,
    Recurrence,
    RhythmIs,
    RhythmPresent,
    RiseFromLowest,
    StateIs,
    StateLasting,
    Trend,
    WindowTotal,
)
from streaming.freshness import CONTINUOUS

if TYPE_CHECKING:
    from streaming.signals import SignalSlot

MINUTE_MS = 60_000
SLIDES = 96
"""A window is looked at so often while it slides by its whole length: each five minutes of eight hours. [D]"""
NEVER_MS = 1 << 62
INTERVAL = "interval"
"""What changes when a dose begins, is held, or a course is ordered."""
_DERIVED_SLIDE_MS: Mapping[str, int] = MappingProxyType(
    {
        "shock_index": MINUTE_MS,
        "urine_ml_h": 5 * MINUTE_MS,
        "urine_ml_8h": 5 * MINUTE_MS,
        "fluid_balance_ml_24h": 15 * MINUTE_MS,
    }
)
"""Derived signals that time alone makes unknown, at an instant that their value does not tell."""


class Attention:
    """When to ask each of some questions again. Instants are gateway milliseconds."""

    __slots__ = ("_began_ms", "_by_signal", "_dues", "_slides_ms")

    def __init__(
        self, questions: Sequence[Collection[Leaf]], began_ms: int, also: Sequence[Iterable[str]] = ()
    ) -> None:
        """Begin with every question open.

        Args:
            questions: What each question is made of.
            began_ms: Origin from which slides are counted.
            also: What each changes with besides (`rests_on` of what a resumption asks, `interval`, …).
        """
        self._began_ms = began_ms
        self._by_signal: dict[str, tuple[int, ...]] = {}
        for i, leaves in enumerate(questions):
            for name in dict.fromkeys([*names_of(leaves), *(also[i] if also else ())]):
                self._by_signal[name] = (*self._by_signal.get(name, ()), i)
        self._slides_ms = [min((slide_ms(leaf) for leaf in leaves), default=NEVER_MS) for leaves in questions]
        self._dues = [began_ms] * len(questions)

    @property
    def due_ms(self) -> int:
        """When time alone may next change an answer."""
        return min(self._dues, default=NEVER_MS)

    def to_ask(self, now_ms: int, changed: Collection[str] | None) -> list[int]:
        """Which questions to ask now, ascending; all of them when it is not known what has changed."""
        dues = self._dues
        if changed is None:
            return list(range(len(dues)))
        which = {i for i, due_ms in enumerate(dues) if due_ms <= now_ms}
        for name in changed:
            which.update(self._by_signal.get(name, ()))
        return sorted(which)

    def answered(self, i: int, now_ms: int, due_ms: int | None, *, is_urgent: bool = False) -> None:
        """A question was asked.

        Args:
            i: Which.
            now_ms: When.
            due_ms: When time alone changes the answer, as far as the answer tells.
            is_urgent: Whether it is to be asked each minute, whatever its windows are.
        """
        slide = MINUTE_MS if is_urgent else self._slides_ms[i]
        next_ms = NEVER_MS if slide == NEVER_MS else now_ms + slide - (now_ms - self._began_ms) % slide
        self._dues[i] = next_ms if due_ms is None or due_ms <= now_ms else min(next_ms, due_ms)


def names_of(leaves: Iterable[Leaf]) -> list[str]:
    """What the answers to some questions change with."""
    return [name for leaf in leaves for name in rests_on(leaf)]


def rests_on(leaf: Leaf) -> tuple[str, ...]:
    """What an answer changes with."""
    if isinstance(leaf, LowFlow):
        return leaf.signal, leaf.total
    if isinstance(leaf, Disagreement):
        return leaf.signal, leaf.other
    if isinstance(leaf, HighestInInterval | IntervalChange):
        return leaf.signal, INTERVAL
    return (leaf.signal,)


def slide_ms(leaf: Leaf) -> int:
    """How often an answer is to be looked at although nothing that it rests on was reported."""
    window_ms = _window_ms(leaf)
    if window_ms == 0 or (leaf.signal in CONTINUOUS and not isinstance(leaf, Limit | Absent | Burden)):
        return MINUTE_MS
    derived_ms = _DERIVED_SLIDE_MS.get(leaf.signal, NEVER_MS)
    return derived_ms if window_ms is None else min(derived_ms, max(MINUTE_MS, window_ms // SLIDES))


def _window_ms(leaf: Leaf) -> int | None:
    """Length of the window that a question is about; None without one, 0 where it is to be looked at each minute."""
    match leaf:
        case Limit() | BaselineChange() | StateIs() | StateLasting() | Absent() | Consecutive() | RhythmPresent():
            return None
        case WindowTotal() | LowFlow() | Burden():
            return leaf.window_ms
        case Trend():
            return leaf.over_ms
        case FallFromPeak() | RiseFromLowest() | RhythmIs() | Recurrence():
            return leaf.within_ms
        case HighestInInterval():
            return leaf.longest_ms
        case _:
            return 0


class Bands:
    """Between which bounds each continuous signal lies, and whether one has crossed a bound since the last look."""

    __slots__ = ("_bounds", "_last")

    def __init__(self, leaves: Iterable[Leaf], limits: Mapping[str, float]) -> None:
        """Take the bounds of the questions.

        Args:
            leaves: What the questions are made of.
            limits: This patient's own limits, which replace some bounds.
        """
        found: dict[str, set[float]] = {}
        for leaf in leaves:
            if isinstance(leaf, Limit | Absent) and leaf.signal in CONTINUOUS:
                found.setdefault(leaf.signal, set()).update(_numbers(leaf, limits))
        self._bounds = tuple((name, tuple(sorted(numbers))) for name, numbers in sorted(found.items()))
        self._last: list[object] = [None] * len(self._bounds)

    def crossed(self, slots: Mapping[str, SignalSlot]) -> bool:
        """Whether a signal lies elsewhere than at the last look, or comes from elsewhere."""
        return self._where(slots) != self._last

    def look(self, slots: Mapping[str, SignalSlot]) -> list[str]:
        """Look; the signals that lie elsewhere than at the last look."""
        last, self._last = self._last, self._where(slots)
        return [bound[0] for bound, was, now in zip(self._bounds, last, self._last, strict=True) if was != now]

    def _where(self, slots: Mapping[str, SignalSlot]) -> list[object]:
        where: list[object] = []
        for name, bounds in self._bounds:
            slot = slots.get(name)
            source = slot.source if slot is not None else None
            value = source.value if source is not None else None
            if source is None or value is None or isinstance(value, str):
                where.append(None)
                continue
            # Of a source that speaks now and then each value counts: the one before may have grown too old.
            at_ms = source.at_ms if source.fresh_ms > MONITORED_MS else 0
            where.append((bisect_left(bounds, value), bisect_right(bounds, value), source.validity, at_ms, source))
        return where


def _numbers(leaf: Limit | Absent, limits: Mapping[str, float]) -> set[float]:
    if isinstance(leaf, Absent):
        return set()
    bounds = leaf.bounds
    numbers = {each for each in (bounds.above, bounds.at_least, bounds.below, bounds.at_most) if each is not None}
    own = limits.get(leaf.patient_limit) if leaf.patient_limit is not None else None
    return numbers | ({own} if own is not None else set())
