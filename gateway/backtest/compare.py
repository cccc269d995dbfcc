"""Two profiles over the same stays: where they decide differently, because of what, and which alarms only one has.

Rules
- A stay is compared with itself, matched by recording and admission.
- Decisions are compared as they stand, signatures included: a signature that one profile accepts and the other refuses
  is part of the difference, and is counted.
- What made a difference are the criteria on which the *stronger* of the two decisions rests.
- An alarm is the same in both when rule and instant of announcement are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.backtest.figures import DecisionSpan, DueDose, StayFigures
from gateway.backtest.spans import span_at
from gateway.backtest.totals import segments
from streaming.criteria.decision import Decision

Pair = tuple[str, str]
"""What A decides, what B decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseDifference:
    """A dose that fell due under different decisions."""

    recording: str
    admission_id: str
    bed: str
    number: int
    due_ms: int
    a: str
    b: str
    because: tuple[str, ...]
    """The criteria of the stronger one."""
    was_given: bool
    """Whether it was begun all the same, in the recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayDifference:
    """One stay under both."""

    recording: str
    admission_id: str
    bed: str
    pair_ms: Mapping[Pair, int]
    """How long each pair of decisions stood."""
    criteria_ms: Mapping[tuple[str, str], int]
    """By side (`A`, `B`) and criterion: how long it made the decision of its side the stronger one."""

    @property
    def differing_ms(self) -> int:
        """How long the decisions differed."""
        return sum(ms for (a, b), ms in self.pair_ms.items() if a != b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A against B."""

    stays: tuple[StayDifference, ...]
    doses: tuple[DoseDifference, ...]
    """In order of stay and due time; only those that differ."""
    doses_due: Mapping[Pair, int]
    """How many doses fell due under each pair."""
    only_a: Mapping[str, int]
    """Alarms that A alone has, by rule."""
    only_b: Mapping[str, int]
    alike: int
    """Alarms that both have."""

    @property
    def pair_ms(self) -> Mapping[Pair, int]:
        """Over all stays."""
        return dict(sum((Counter(stay.pair_ms) for stay in self.stays), Counter()))

    @property
    def criteria_ms(self) -> Mapping[tuple[str, str], int]:
        """Over all stays, the longest first."""
        found = sum((Counter(stay.criteria_ms) for stay in self.stays), Counter[tuple[str, str]]())
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def differing_ms(self) -> int:
        """Over all stays."""
        return sum(stay.differing_ms for stay in self.stays)


def compare(a: Iterable[StayFigures], b: Iterable[StayFigures]) -> Comparison:
    """Compare the same stays under two profiles."""
    others = {stay.key: stay for stay in b}
    pairs = [(stay, others[stay.key]) for stay in a if stay.key in others]
    alarms_a, alarms_b = (Counter(_alarms(pair[side] for pair in pairs)) for side in (0, 1))
    due = [found for one, other in pairs for found in _due(one, other)]
    return Comparison(
        stays=tuple(_stay(one, other) for one, other in pairs),
        doses=tuple(dose for dose in due if dose.a != dose.b),
        doses_due=dict(Counter((dose.a, dose.b) for dose in due)),
        only_a=_by_rule(alarms_a - alarms_b),
        only_b=_by_rule(alarms_b - alarms_a),
        alike=(alarms_a & alarms_b).total(),
    )


def stronger_side(a: str, b: str) -> str | None:
    """`A` or `B`; None when both decide the same."""
    if a == b:
        return None
    return "A" if Decision(a).strength > Decision(b).strength else "B"


def _stay(one: StayFigures, other: StayFigures) -> StayDifference:
    pair_ms: Counter[Pair] = Counter()
    criteria_ms: Counter[tuple[str, str]] = Counter()
    for a, b, duration_ms in _overlaps(one, other):
        pair_ms[a.decision, b.decision] += duration_ms
        side = stronger_side(a.decision, b.decision)
        if side is not None:
            for criterion in (a if side == "A" else b).because:
                criteria_ms[side, criterion] += duration_ms
    return StayDifference(
        recording=one.recording, admission_id=one.admission_id, bed=one.bed, pair_ms=pair_ms, criteria_ms=criteria_ms
    )


def _overlaps(one: StayFigures, other: StayFigures) -> Iterable[tuple[DecisionSpan, DecisionSpan, int]]:
    """The spans of both that stand at once, and for how long."""
    ours, theirs = list(segments(one)), list(segments(other))
    i = j = 0
    while i < len(ours) and j < len(theirs):
        (a, a_from_ms, a_to_ms), (b, b_from_ms, b_to_ms) = ours[i], theirs[j]
        duration_ms = min(a_to_ms, b_to_ms) - max(a_from_ms, b_from_ms)
        if duration_ms > 0:
            yield a, b, duration_ms
        i, j = (i + 1, j) if a_to_ms <= b_to_ms else (i, j + 1)


def _due(one: StayFigures, other: StayFigures) -> Iterable[DoseDifference]:
    starts_ms = [span.from_ms for span in other.spans]
    begun = {dose.due_ms for dose in one.doses if dose.started_ms is not None}
    for dose in one.due:
        span = span_at(other.spans, starts_ms, dose.due_ms)
        if span is not None:
            yield _dose(one, dose, span, was_given=dose.due_ms in begun)


def _dose(stay: StayFigures, dose: DueDose, other: DecisionSpan, *, was_given: bool) -> DoseDifference:
    side = stronger_side(dose.decision, other.decision)
    return DoseDifference(
        recording=stay.recording,
        admission_id=stay.admission_id,
        bed=stay.bed,
        number=dose.number,
        due_ms=dose.due_ms,
        a=dose.decision,
        b=other.decision,
        because=() if side is None else dose.because if side == "A" else other.because,
        was_given=was_given,
    )


def _alarms(stays: Iterable[StayFigures]) -> Iterable[tuple[tuple[str, str], str, int]]:
    return ((stay.key, alarm.rule_id, alarm.announced_ms) for stay in stays for alarm in stay.announcements)


def _by_rule(alarms: Counter[tuple[tuple[str, str], str, int]]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for (_, rule_id, _), number in alarms.items():
        found[rule_id] += number
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def most_differing(stays: Sequence[StayDifference], most: int) -> list[StayDifference]:
    """The stays whose decisions differed longest, those that never did left out."""
    differing = [stay for stay in stays if stay.differing_ms]
    return sorted(differing, key=lambda stay: (-stay.differing_ms, stay.recording, stay.admission_id))[:most]
