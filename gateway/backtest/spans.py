"""The dose decisions of one stay as spans of time, and how long each criterion was in which state.

Before the first decision nothing is known, which is what `indeterminate` means. Spans of no length are left out:
several decisions of one instant come to the last of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from sys import intern
from typing import Any

from gateway.backtest.figures import DecisionSpan
from streaming.criteria.criterion import CriterionClass
from streaming.criteria.decision import DecisionChanged

HOLDING = frozenset({"met", "recovering"})
"""States of a criterion that stands in the way of a dose."""
UNKNOWN = frozenset({"unknown"})
FINAL = frozenset(each.value for each in CriterionClass if each.is_final)
UNTOLD = "indeterminate"


class Spans:
    """Decisions in, in order; spans out."""

    __slots__ = ("_admitted_ms", "_from_ms", "_since", "_spans", "_times")

    def __init__(self, admitted_ms: int) -> None:
        self._admitted_ms = admitted_ms
        self._spans: list[DecisionSpan] = []
        self._from_ms: list[int] = []
        self._since: dict[str, tuple[str, int]] = {}
        """By criterion: its state, and since when."""
        self._times: dict[tuple[str, str], int] = {}
        """By criterion and state."""

    def take(self, changed: DecisionChanged) -> None:
        """The decision, or the state of a criterion, has changed."""
        if not self._spans and changed.at_ms > self._admitted_ms:
            self._append(_untold(self._admitted_ms, changed))
        self._append(_span(changed))
        for criterion in changed.criteria:
            self._note(str(criterion["id"]), str(criterion["state"]), changed.at_ms)

    def at(self, instant_ms: int) -> DecisionSpan | None:
        """What was decided at an instant; None before the stay, and where nothing is ever decided."""
        return span_at(self._spans, self._from_ms, instant_ms)

    def closed(self) -> tuple[DecisionSpan, ...]:
        """All spans; each lasts to the next one, and the last to the end of the stay."""
        return tuple(self._spans)

    def time_in(self, states: Collection[str], ended_ms: int) -> Mapping[str, int]:
        """How long each criterion was in one of these states."""
        found = {}
        for criterion, (state, since_ms) in self._since.items():
            before_ms = sum(self._times.get((criterion, each), 0) for each in states)
            found[criterion] = before_ms + (ended_ms - since_ms if state in states else 0)
        return found

    def _append(self, span: DecisionSpan) -> None:
        if self._spans and self._from_ms[-1] == span.from_ms:
            self._spans[-1] = span
        elif not self._spans or not _is_same(self._spans[-1], span):
            self._spans.append(span)
            self._from_ms.append(span.from_ms)

    def _note(self, criterion: str, state: str, at_ms: int) -> None:
        was, since_ms = self._since.get(criterion, ("unknown", self._admitted_ms))
        if was != state:
            self._times[criterion, was] = self._times.get((criterion, was), 0) + at_ms - since_ms
            self._since[criterion] = (intern(state), at_ms)
        elif criterion not in self._since:
            self._since[intern(criterion)] = (intern(state), since_ms)


def span_at(spans: Sequence[DecisionSpan], starts_ms: Sequence[int], instant_ms: int) -> DecisionSpan | None:
    """The span in which an instant lies. `starts_ms`: the instants from which the spans last."""
    place = bisect_right(starts_ms, instant_ms) - 1
    return spans[place] if place >= 0 else None


def _span(changed: DecisionChanged) -> DecisionSpan:
    criteria: Sequence[Mapping[str, Any]] = changed.criteria
    return DecisionSpan(
        from_ms=changed.at_ms,
        decision=intern(changed.decision),
        computed=intern(changed.computed),
        holding=tuple(intern(each["id"]) for each in criteria if each["state"] in HOLDING),
        final=tuple(intern(each["id"]) for each in criteria if each["state"] == "met" and each["class"] in FINAL),
        unknown=tuple(intern(each["id"]) for each in criteria if each["state"] == "unknown" and each["required"]),
    )


def _untold(from_ms: int, changed: DecisionChanged) -> DecisionSpan:
    required: Sequence[Mapping[str, Any]] = [each for each in changed.criteria if each["required"]]
    unknown = tuple(intern(str(each["id"])) for each in required)
    return DecisionSpan(from_ms=from_ms, decision=UNTOLD, computed=UNTOLD, holding=(), final=(), unknown=unknown)


def _is_same(one: DecisionSpan, other: DecisionSpan) -> bool:
    return (one.decision, one.computed, one.holding, one.unknown) == (
        other.decision,
        other.computed,
        other.holding,
        other.unknown,
    )
