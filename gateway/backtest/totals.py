"""All stays of one profile together: rates, shares and medians for the tables and the plots.

A bed-day is a day of an admission; a covered bed-day one during which a vital sign was current. A rate over no time is
None, as is a median of nothing: never zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from gateway.backtest.figures import DAY_MS, SHORT_MS, Announcement, ArmFigures, DecisionSpan, StayFigures
from streaming.criteria.decision import Decision

DECISIONS = tuple(decision.value for decision in Decision)
"""Weakest first."""
PRIORITIES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """How many alarms, how long, how soon seen."""

    alarms: int
    stays: int
    """That had any."""
    per_bed_day: float | None
    per_covered_bed_day: float | None
    median_duration_s: float | None
    """Of those whose condition passed."""
    share_short: float | None
    """Share of those whose condition passed within `SHORT_MS`, 0 to 1."""
    acknowledged: int
    median_acknowledge_s: float | None
    """From announcement to acknowledgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBurden:
    """The burden of one rule."""

    rule_id: str
    family: str
    priority: str
    kind: str
    burden: Burden


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionTime:
    """How long a criterion was unknown, and how long it stood in the way, over all stays."""

    criterion_id: str
    unknown_ms: int
    holding_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionFigures:
    """How one labelled family was detected."""

    family: str
    labels: int
    detected: int
    delays_ms: tuple[int, ...]
    """Of the detected ones, ascending."""
    false_alarms: int
    false_per_bed_day: float | None

    @property
    def missed(self) -> int:
        """Labels that no alarm was about."""
        return self.labels - self.detected

    @property
    def sensitivity(self) -> float | None:
        """Share of the labels detected, 0 to 1."""
        return self.detected / self.labels if self.labels else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All stays under one profile."""

    stays: tuple[StayFigures, ...]
    bed_ms: int
    covered_ms: int
    covered_by_vital_ms: Mapping[str, int]
    all_alarms: Burden
    by_priority: Mapping[str, Burden]
    by_kind: Mapping[str, Burden]
    by_rule: tuple[RuleBurden, ...]
    """The rules that spoke; the most frequent first."""
    decision_ms: Mapping[str, int]
    criteria: tuple[CriterionTime, ...]
    """The longest unknown first."""
    due: Mapping[str, int]
    """How many doses fell due under each decision."""
    doses: Mapping[str, int]
    """By status."""
    detections: tuple[DetectionFigures, ...]
    counts: Mapping[str, int]
    """What came in and what became of it, over all recordings."""

    @property
    def has_decisions(self) -> bool:
        """Whether a dosing profile was in force."""
        return any(stay.spans for stay in self.stays)


def totals_of(arms: Iterable[ArmFigures]) -> Totals:
    """One profile's figures over all recordings."""
    parts = list(arms)
    stays = tuple(stay for part in parts for stay in part.stays)
    tagged = [(stay, alarm) for stay in stays for alarm in stay.announcements]

    def burden(chosen: Callable[[Announcement], bool]) -> Burden:
        return _burden([(stay, alarm) for stay, alarm in tagged if chosen(alarm)], stays)

    return Totals(
        stays=stays,
        bed_ms=_bed_ms(stays),
        covered_ms=_covered_ms(stays),
        covered_by_vital_ms=dict(sum((Counter(stay.covered_ms) for stay in stays), Counter())),
        all_alarms=burden(lambda _: True),
        by_priority={name: burden(lambda alarm, name=name: alarm.priority == name) for name in PRIORITIES},  # type: ignore[misc]  # bound now
        by_kind={
            name: burden(lambda alarm, name=name: alarm.kind == name)  # type: ignore[misc]  # bound now
            for name in ("physiological", "technical")
        },
        by_rule=_by_rule(tagged, stays),
        decision_ms=_decision_ms(stays),
        criteria=_criteria(stays),
        due=dict(Counter(dose.decision for stay in stays for dose in stay.due)),
        doses=dict(Counter(dose.status for stay in stays for dose in stay.doses)),
        detections=_detections(stays),
        counts=_counts(parts),
    )


def segments(stay: StayFigures) -> Iterable[tuple[DecisionSpan, int, int]]:
    """The spans of a stay with their begin and end, those of no length within the stay left out."""
    ends = [*(span.from_ms for span in stay.spans[1:]), stay.ended_ms]
    for span, end_ms in zip(stay.spans, ends, strict=False):
        begin_ms, end_ms = max(span.from_ms, stay.admitted_ms), min(end_ms, stay.ended_ms)  # noqa: PLW2901 - clipped
        if end_ms > begin_ms:
            yield span, begin_ms, end_ms


def time_in_each(stay: StayFigures) -> dict[str, int]:
    """How long each decision stood in one stay, every decision named."""
    found = dict.fromkeys(DECISIONS, 0)
    for span, begin_ms, end_ms in segments(stay):
        found[span.decision] += end_ms - begin_ms
    return found


def rate(count: int, duration_ms: int) -> float | None:
    """So many a day."""
    return count / (duration_ms / DAY_MS) if duration_ms > 0 else None


def share(part: float, whole: float) -> float | None:
    """0 to 1."""
    return part / whole if whole else None


def percentile(ordered: Sequence[int], at: float) -> float | None:
    """The value below which so many (0 to 1) of the ascending values lie, between two of them in proportion."""
    if not ordered:
        return None
    place = at * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _burden(tagged: Sequence[tuple[StayFigures, Announcement]], stays: Sequence[StayFigures]) -> Burden:
    durations = [alarm.until_ms - alarm.announced_ms for _, alarm in tagged if alarm.until_ms is not None]
    seen = [alarm.acknowledged_ms - alarm.announced_ms for _, alarm in tagged if alarm.acknowledged_ms is not None]
    return Burden(
        alarms=len(tagged),
        stays=len({stay.key for stay, _ in tagged}),
        per_bed_day=rate(len(tagged), _bed_ms(stays)),
        per_covered_bed_day=rate(len(tagged), _covered_ms(stays)),
        median_duration_s=_median_s(durations),
        share_short=share(sum(each < SHORT_MS for each in durations), len(durations)),
        acknowledged=len(seen),
        median_acknowledge_s=_median_s(seen),
    )


def _by_rule(
    tagged: Iterable[tuple[StayFigures, Announcement]], stays: Sequence[StayFigures]
) -> tuple[RuleBurden, ...]:
    by_rule: dict[str, list[tuple[StayFigures, Announcement]]] = {}
    for stay, alarm in tagged:
        by_rule.setdefault(alarm.rule_id, []).append((stay, alarm))
    rows = [
        RuleBurden(
            rule_id=rule_id,
            family=found[0][1].family,
            priority=found[0][1].priority,
            kind=found[0][1].kind,
            burden=_burden(found, stays),
        )
        for rule_id, found in by_rule.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.burden.alarms, row.rule_id)))


def _decision_ms(stays: Iterable[StayFigures]) -> Mapping[str, int]:
    found = dict.fromkeys(DECISIONS, 0)
    for stay in stays:
        for decision, ms in time_in_each(stay).items():
            found[decision] += ms
    return found


def _criteria(stays: Iterable[StayFigures]) -> tuple[CriterionTime, ...]:
    unknown: Counter[str] = Counter()
    holding: Counter[str] = Counter()
    for stay in stays:
        unknown.update(stay.unknown_ms)
        holding.update(stay.holding_ms)
    rows = [CriterionTime(criterion_id=each, unknown_ms=unknown[each], holding_ms=holding[each]) for each in unknown]
    return tuple(sorted(rows, key=lambda row: (-row.unknown_ms, row.criterion_id)))


def _detections(stays: Sequence[StayFigures]) -> tuple[DetectionFigures, ...]:
    families = sorted({family for stay in stays for family in stay.annotated})
    return tuple(_detection(family, [stay for stay in stays if family in stay.annotated]) for family in families)


def _detection(family: str, stays: Sequence[StayFigures]) -> DetectionFigures:
    found = [each for stay in stays for each in stay.detections if each.family == family]
    delays = sorted(each.delay_ms for each in found if each.delay_ms is not None)
    false = sum(stay.false_alarms.get(family, 0) for stay in stays)
    return DetectionFigures(
        family=family,
        labels=len(found),
        detected=len(delays),
        delays_ms=tuple(delays),
        false_alarms=false,
        false_per_bed_day=rate(false, _bed_ms(stays)),
    )


def _counts(parts: Iterable[ArmFigures]) -> Mapping[str, int]:
    names = (
        "received", "evaluated", "duplicate", "rejected", "metrics_rejected", "commands_refused", "signatures_refused",
    )  # fmt: skip
    return {name: sum(getattr(part, name) for part in parts) for name in names}


def _bed_ms(stays: Iterable[StayFigures]) -> int:
    return sum(stay.duration_ms for stay in stays)


def _covered_ms(stays: Iterable[StayFigures]) -> int:
    return sum(stay.covered_any_ms for stay in stays)


def _median_s(durations_ms: Sequence[int]) -> float | None:
    return median(durations_ms) / 1000 if durations_ms else None
