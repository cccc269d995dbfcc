"""Which of some questions about a patient may have another answer now: the others need not be asked again.

A question is asked again when something it rests on has changed, and when the instant has come at which time alone may
change its answer (a value grows too old, a state has lasted, a burden may have come to its bound), as the answer told.
Where a question is about a window of which nobody can tell, it is asked whenever the window has slid by about a
hundredth of its length, at least a minute. Slides are counted from an origin (the admission), so that a shift of all
times shifts all answers. What is reported each second changes a question only when it crosses one of its bounds
(`Bands`).

It holds no answers, and knows no patient.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from streaming.criteria.finding import Finding
from streaming.criteria.freshness import LONG_SPEAKING, MONITORED_MS
from streaming.criteria.kinds import (
    INFINITY,
    Absent,
    AllOf,
    AnyOf,
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
    Predicate,
    Recurrence,
    RhythmEventSeen,
    RhythmIs,
    RhythmPresent,
    RiseFromLowest,
    StateIs,
    StateLasting,
    Trend,
    WindowTotal,
    leaves,
)
from streaming.durations import HOUR_MS, MINUTE_MS, NEVER_DUE_MS
from streaming.freshness import CONTINUOUS
from streaming.observation import Validity
from streaming.truth import Truth

if TYPE_CHECKING:
    from streaming.signals import Channel, SignalSlot

BEATS = "hr"
"""While it is heard, so would be an arrhythmia."""
_SLIDING_WITH_EACH_VALUE = (Trend, FallFromPeak, RiseFromLowest, HighestInInterval, IntervalChange, Consecutive)
LONG_SLIDE_MS = 5 * MINUTE_MS
"""A window of an hour or more is looked at no more often while nothing is reported. [D]"""
SLIDES = 96
"""A window of which no answer tells when to look again is looked at so often while it slides by its length: each five
minutes of eight hours. [D]"""
INTERVAL = "interval"
"""What changes when a dose begins, is held, or a course is ordered."""
Span = tuple[float, float]
"""The least and the greatest bound that a signal can have crossed on its way."""
Changes = Collection[str] | Mapping[str, Span | None]
"""What has changed; as a mapping, with the span of a signal that did no more than move from value to value."""
_DERIVED_SLIDE_MS: Mapping[str, int] = MappingProxyType(
    {
        "shock_index": 5 * MINUTE_MS,
        "fluid_balance_ml_24h": 15 * MINUTE_MS,
    }
)
"""Derived signals that change, or become unknown, with time alone, at an instant that their value does not tell."""


class Attention:
    """When to ask each of some questions again. Instants are gateway milliseconds."""

    __slots__ = ("_began_ms", "_bounds", "_by_signal", "_due_ms", "_dues", "_paces")

    def __init__(
        self,
        questions: Sequence[Predicate | None],
        began_ms: int,
        also: Sequence[Iterable[str]] = (),
        bounds: Sequence[Mapping[str, Sequence[float]]] = (),
    ) -> None:
        """Begin with every question open.

        Args:
            questions: What is asked; None for what is no predicate, and changes only with `also`.
            began_ms: Origin from which slides are counted.
            also: What each changes with besides (`rests_on` of what a resumption asks, `interval`, …).
            bounds: On which numbers of which signals each turns (`bounds_of`); of a signal that is not there, on every
                change.
        """
        self._began_ms = began_ms
        self._bounds = tuple(bounds)
        self._by_signal: dict[str, tuple[int, ...]] = {}
        for i, question in enumerate(questions):
            names = names_of(leaves(question)) if question is not None else []
            for name in dict.fromkeys([*names, *(also[i] if also else ())]):
                self._by_signal[name] = (*self._by_signal.get(name, ()), i)
        self._paces = [Pace(question) if question is not None else None for question in questions]
        self._dues = [began_ms] * len(questions)
        self._due_ms: int | None = None
        """The least of them; None when it is to be found anew."""

    @property
    def due_ms(self) -> int:
        """When time alone may next change an answer."""
        if self._due_ms is None:
            self._due_ms = min(self._dues, default=NEVER_DUE_MS)
        return self._due_ms

    def to_ask(self, now_ms: int, changed: Changes | None) -> list[int]:
        """Which questions to ask now, ascending; all of them when it is not known what has changed."""
        dues = self._dues
        if changed is None:
            return list(range(len(dues)))
        which = {i for i, due_ms in enumerate(dues) if due_ms <= now_ms} if self.due_ms <= now_ms else set()
        spans: Mapping[str, Span | None] = changed if isinstance(changed, Mapping) else {}
        for name in changed:
            span, asking = spans.get(name), self._by_signal.get(name, ())
            which.update(asking if span is None else [i for i in asking if self._turns_within(i, name, span)])
        return sorted(which)

    def _turns_within(self, i: int, name: str, span: Span) -> bool:
        """Whether a question has another answer on the two sides of a span, as far as its bounds tell."""
        bounds = self._bounds[i].get(name) if self._bounds else None
        return bounds is None or any(span[0] <= bound <= span[1] for bound in bounds)

    def slide_ms(self, i: int, finding: Finding | None = None) -> int:
        """How often to look at a question although nothing it rests on was reported (`Pace`)."""
        pace = self._paces[i]
        return NEVER_DUE_MS if pace is None else pace.slide_ms(finding)

    def answered(self, i: int, now_ms: int, due_ms: int | None, slide_ms: int = NEVER_DUE_MS) -> None:
        """A question was asked.

        Args:
            i: Which.
            now_ms: When.
            due_ms: When time alone changes the answer, as far as the answer tells.
            slide_ms: How often to look at it besides.
        """
        self._due_ms = None
        next_ms = NEVER_DUE_MS if slide_ms == NEVER_DUE_MS else now_ms + slide_ms - (now_ms - self._began_ms) % slide_ms
        self._dues[i] = next_ms if due_ms is None or due_ms <= now_ms else min(next_ms, due_ms)


class Pace:
    """How often one question is to be looked at although nothing that it rests on was reported.

    Where one part decides the whole (one that is FALSE of those that must all hold), only that part's pace counts.
    """

    __slots__ = ("_if_decided", "_truth", "_usual_ms")

    def __init__(self, question: Predicate) -> None:
        self._usual_ms = _pace_ms(question)
        self._truth = Truth.FALSE if isinstance(question, AllOf) else Truth.TRUE
        self._if_decided: dict[Leaf, int] = {}
        if self._usual_ms != NEVER_DUE_MS and isinstance(question, AllOf | AnyOf):
            for part in question.of:
                for leaf in leaves(part):
                    self._if_decided[leaf] = min(_pace_ms(part), self._if_decided.get(leaf, NEVER_DUE_MS))

    def slide_ms(self, finding: Finding | None) -> int:
        """The pace after an answer."""
        if self._if_decided and finding is not None and finding.leaf is not None and finding.truth is self._truth:
            return self._if_decided.get(finding.leaf, self._usual_ms)
        return self._usual_ms


def _pace_ms(question: Predicate) -> int:
    return min(map(slide_ms, leaves(question)))


def names_of(asked: Iterable[Leaf]) -> list[str]:
    """What the answers to some questions change with."""
    return [name for leaf in asked for name in rests_on(leaf)]


def rests_on(leaf: Leaf) -> tuple[str, ...]:
    """What an answer changes with."""
    if isinstance(leaf, LowFlow):
        return leaf.signal, leaf.total
    if isinstance(leaf, Disagreement):
        return leaf.signal, leaf.other
    if isinstance(leaf, HighestInInterval | IntervalChange):
        return leaf.signal, INTERVAL
    if isinstance(leaf, RhythmEventSeen | RhythmPresent):
        return leaf.signal, BEATS
    return (leaf.signal,)


def slide_ms(leaf: Leaf) -> int:
    """How often an answer is to be looked at although nothing that it rests on was reported; never where it tells when
    to look again, or only a report can change it."""
    window_ms = _window_ms(leaf)
    if window_ms == 0 or (leaf.signal in CONTINUOUS and isinstance(leaf, _SLIDING_WITH_EACH_VALUE)):
        return MINUTE_MS
    derived_ms = _DERIVED_SLIDE_MS.get(leaf.signal, NEVER_DUE_MS)
    if window_ms is None:
        return derived_ms
    least_ms = LONG_SLIDE_MS if window_ms >= HOUR_MS else MINUTE_MS
    return min(derived_ms, max(least_ms, window_ms // SLIDES))


def _window_ms(leaf: Leaf) -> int | None:
    """Length of the window that a question is about; None without one, 0 where it is to be looked at each minute."""
    match leaf:
        case Limit() | BaselineChange() | StateIs() | StateLasting() | Absent() | Consecutive() | IntervalChange():
            return None
        case Burden() | LowFlow() | RhythmIs() | RhythmEventSeen() | RhythmPresent():
            return None  # `streaming.criteria.outlook`
        case WindowTotal():
            return leaf.window_ms
        case Trend():
            return None if leaf.signal in LONG_SPEAKING else leaf.over_ms
        case FallFromPeak() | RiseFromLowest() | Recurrence():
            return leaf.within_ms
        case HighestInInterval():
            return leaf.longest_ms
        case _:
            return 0


class Bands:
    """Between which bounds each continuous signal lies, and whether one has crossed a bound since the last look."""

    __slots__ = ("_bounds", "_last")

    def __init__(self, asked: Iterable[Leaf], limits: Mapping[str, float], baseline: Mapping[str, float]) -> None:
        """Take the bounds of the questions.

        Args:
            asked: What the questions are made of.
            limits: This patient's own limits, which replace some bounds.
            baseline: What was before treatment, from which some bounds are counted.
        """
        found: dict[str, set[float]] = {}
        for leaf in asked:
            for name in rests_on(leaf):
                if name in CONTINUOUS:
                    found.setdefault(name, set()).update(_numbers(leaf, limits, baseline) or ())
        self._bounds = tuple((name, tuple(sorted(numbers))) for name, numbers in sorted(found.items()))
        self._last: list[_Place] = [NOWHERE] * len(self._bounds)

    def crossed(self, slots: Mapping[str, SignalSlot]) -> bool:
        """Whether a signal lies elsewhere than at the last look, or comes from elsewhere."""
        for (name, _), (low, high, validity, at_ms, last) in zip(self._bounds, self._last, strict=True):
            slot = slots.get(name)
            source = slot.source if slot is not None else None
            if source is not last:
                return True
            if source is None:
                continue
            value = source.value
            is_there = low < value < high or low == value == high  # type: ignore[operator]  # a number, as before
            if not is_there or source.validity is not validity or (at_ms and source.at_ms != at_ms):
                return True
        return False

    def look(self, slots: Mapping[str, SignalSlot]) -> dict[str, Span | None]:
        """Look; the signals that lie elsewhere than at the last look, with the bounds crossed: None where more has
        changed than the value."""
        last, self._last = self._last, [_place(slots.get(name), bounds) for name, bounds in self._bounds]
        moved = zip(self._bounds, last, self._last, strict=True)
        return {bound[0]: _span(was, now) for bound, was, now in moved if was != now}


_Place = tuple[float, float, Validity, int, "Channel | None"]
"""(between which bounds, how valid, when where that matters, from where)."""
NOWHERE: _Place = (0.0, 0.0, Validity.NOT_AVAILABLE, 0, None)


def _span(was: _Place, now: _Place) -> Span | None:
    return (min(was[1], now[1]), max(was[0], now[0])) if was[2:] == now[2:] else None


def _place(slot: SignalSlot | None, bounds: Sequence[float]) -> _Place:
    source = slot.source if slot is not None else None
    value = source.value if source is not None else None
    if source is None or value is None or isinstance(value, str):
        return NOWHERE
    # Of a source that speaks now and then each value counts: the one before may have grown too old.
    at_ms = source.at_ms if source.fresh_ms > MONITORED_MS else 0
    i, j = bisect_left(bounds, value), bisect_right(bounds, value)
    if i != j:
        return (value, value, source.validity, at_ms, source)
    low, high = bounds[i - 1] if i else -INFINITY, bounds[i] if i < len(bounds) else INFINITY
    return (low, high, source.validity, at_ms, source)


def bounds_of(
    asked: Iterable[Leaf], limits: Mapping[str, float], baseline: Mapping[str, float]
) -> Mapping[str, Sequence[float]]:
    """The numbers on which the answers to some questions turn, by continuous signal. A signal is left out where an
    answer may change without crossing one.

    Args:
        asked: The questions.
        limits: This patient's own limits, which replace some bounds.
        baseline: What was before treatment, from which some bounds are counted.
    """
    found: dict[str, set[float] | None] = {}
    for leaf in asked:
        numbers = _numbers(leaf, limits, baseline)
        for name in rests_on(leaf):
            if name in CONTINUOUS:
                before = found.setdefault(name, set())
                found[name] = None if before is None or numbers is None else before | numbers
    return {name: tuple(sorted(numbers)) for name, numbers in found.items() if numbers is not None}


def limit_of(leaf: Burden, limits: Mapping[str, float]) -> float:
    """Below what a value counts as a burden: the patient's own limit where there is one."""
    return leaf.limit if leaf.patient_limit is None else limits.get(leaf.patient_limit, leaf.limit)


def _numbers(leaf: Leaf, limits: Mapping[str, float], baseline: Mapping[str, float]) -> set[float] | None:
    """On which numbers of its signal an answer turns; None where each value may change it."""
    if isinstance(leaf, Absent | RhythmEventSeen | RhythmPresent):
        return set()  # on whether there is a source
    if isinstance(leaf, Burden):
        return {limit_of(leaf, limits)}
    if not isinstance(leaf, Limit | BaselineChange):
        return None
    bounds = leaf.bounds
    numbers = {each for each in (bounds.above, bounds.at_least, bounds.below, bounds.at_most) if each is not None}
    if isinstance(leaf, BaselineChange):
        before = baseline.get(leaf.baseline)
        if before is None:
            return set()
        return {before * (1 + each / 100) if leaf.is_percent else before + each for each in numbers}
    own = limits.get(leaf.patient_limit) if leaf.patient_limit is not None else None
    return numbers | ({own} if own is not None else set())
