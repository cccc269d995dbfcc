"""How a run scored: what must be announced and was, how late, what was announced without cause.

- *Sensitivity*: the share of the musts for which an alarm of one of the families was present in time.
- *Delay*: from the onset of what an alarm is about to the alarm; an alarm that was there before counts as 0.
- *Forbidden*: alarms that began where the truth speaks against them. *Unexpected*: alarms that began where nothing
  explains them. Both are false; the second are given per bed and day.
- A *dangerous* decision said proceed where a row of the label held.

Pure: it reads what it is given. A must belongs to a family, never to a rule; of each rule it is told how many musts it
was the first to announce, how late, and what it announced without cause.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from simulators.oracle.expectations import Expectation, Verdict
from simulators.oracle.heard import Heard, HeardAlarm
from simulators.truth import DecisionExpectation, RunTruth
from streaming.instants import format_ms

_BEFORE_MS = 15_000
"""An alarm may begin a little before the look at the truth that explains it."""
_NO_BED = "-"


@dataclass(slots=True)
class RuleScore:
    """One rule's part in its family."""

    first: int = 0
    """Musts that it was the first to announce."""
    delays_s: list[float] = field(default_factory=list)
    alarms: int = 0
    forbidden: int = 0
    unexpected: int = 0


@dataclass(slots=True)
class FamilyScore:
    """One alarm family."""

    family: str
    must: int = 0
    found: int = 0
    delays_s: list[float] = field(default_factory=list)
    alarms: int = 0
    forbidden: int = 0
    unexpected: int = 0
    rules: dict[str, RuleScore] = field(default_factory=dict)

    def rule(self, rule_id: str) -> RuleScore:
        """One of its rules."""
        return self.rules.setdefault(rule_id, RuleScore())


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A must that nobody announced."""

    bed: str
    families: tuple[str, ...]
    onset_at: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarm:
    """An alarm without cause."""

    bed: str
    family: str
    rule_id: str
    at: str
    why: str
    """What speaks against it; empty when it is merely unexpected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongDecision:
    """A decision that the truth does not allow."""

    bed: str
    number: int
    at: str
    allowed: tuple[str, ...]
    said: str | None
    why: str
    is_dangerous: bool


@dataclass(slots=True, kw_only=True)
class Score:
    """One run's."""

    scenario: str
    seed: int
    bed_days: float
    families: dict[str, FamilyScore]
    missed: list[Missed]
    false_alarms: list[FalseAlarm]
    decisions: int
    wrong_decisions: list[WrongDecision]
    rejected: int

    @property
    def must(self) -> int:
        """Musts in all."""
        return sum(each.must for each in self.families.values())

    @property
    def sensitivity(self) -> float:
        """Share of them that was announced in time, 0..1; 1 where there are none."""
        return sum(each.found for each in self.families.values()) / self.must if self.must else 1.0

    @property
    def forbidden(self) -> int:
        """Alarms that the truth speaks against."""
        return sum(each.forbidden for each in self.families.values())

    @property
    def unexpected(self) -> int:
        """Alarms that nothing explains."""
        return sum(each.unexpected for each in self.families.values())

    @property
    def is_passed(self) -> bool:
        """Every must announced, nothing forbidden, no wrong decision."""
        return self.sensitivity == 1.0 and not self.forbidden and not self.wrong_decisions

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "passed": self.is_passed,
            "bed_days": round(self.bed_days, 4),
            "must": self.must,
            "sensitivity": round(self.sensitivity, 4),
            "forbidden": self.forbidden,
            "unexpected": self.unexpected,
            "unexpected_per_bed_day": round(self.unexpected / self.bed_days, 2) if self.bed_days else None,
            "decisions": self.decisions,
            "rejected": self.rejected,
            "families": {name: _family_json(each) for name, each in sorted(self.families.items())},
            "missed": [asdict(each) for each in self.missed],
            "false_alarms": [asdict(each) for each in self.false_alarms],
            "wrong_decisions": [asdict(each) for each in self.wrong_decisions],
        }


def score(truth: RunTruth, heard: Heard) -> Score:
    """Compares what was said with what was true."""
    families: dict[str, FamilyScore] = {}

    def of(family: str) -> FamilyScore:
        return families.setdefault(family, FamilyScore(family))

    beds = {_NO_BED, *(facts.bed for facts in truth.beds)}
    in_time = [alarm for alarm in heard.alarms if truth.start_ms - _BEFORE_MS <= alarm.from_ms <= truth.end_ms]
    alarms = [alarm for alarm in in_time if alarm.bed in beds]
    by_bed: dict[str, list[HeardAlarm]] = defaultdict(list)
    for alarm in heard.alarms:
        by_bed[alarm.bed].append(alarm)
    missed = [each for each in truth.expected if each.verdict is Verdict.MUST and not _announced(each, by_bed, of)]
    false = [found for alarm in alarms if (found := _judged(alarm, truth, of)) is not None]
    wrong = [bad for each in truth.decisions if (bad := _decided(each, heard)) is not None]
    return Score(
        scenario=truth.scenario,
        seed=truth.seed,
        bed_days=truth.bed_days,
        families=families,
        missed=[
            Missed(bed=each.bed, families=each.families, onset_at=format_ms(each.from_ms), why=each.why)
            for each in missed
        ],
        false_alarms=false,
        decisions=len(truth.decisions),
        wrong_decisions=wrong,
        rejected=heard.rejected,
    )


def _announced(must: Expectation, by_bed: dict[str, list[HeardAlarm]], of: Any) -> bool:
    """Whether a must was announced in time; books it."""
    present = [
        alarm
        for alarm in (*by_bed[must.bed], *by_bed[_NO_BED])
        if alarm.family in must.families and alarm.is_present_within(must.from_ms - _BEFORE_MS, must.to_ms)
    ]
    booked = of(must.families[0])
    booked.must += 1
    if not present:
        return False
    first = min(present, key=lambda alarm: alarm.from_ms)
    delay_s = max(0.0, first.from_ms - must.from_ms) / 1000.0
    booked.found += 1
    booked.delays_s.append(delay_s)
    of_rule = of(first.family).rule(first.rule_id)
    of_rule.first += 1
    of_rule.delays_s.append(delay_s)
    return True


def _judged(alarm: HeardAlarm, truth: RunTruth, of: Any) -> FalseAlarm | None:
    """What is wrong with an alarm, if anything; books it."""
    booked = of(alarm.family)
    of_rule = booked.rule(alarm.rule_id)
    booked.alarms += 1
    of_rule.alarms += 1
    about = [each for each in truth.expected if alarm.family in each.families and alarm.bed in {each.bed, _NO_BED}]
    explains = [each for each in about if each.from_ms - _BEFORE_MS <= alarm.from_ms <= each.to_ms]
    speaks_against = [each for each in explains if each.verdict is Verdict.MUST_NOT]
    if any(each.verdict is not Verdict.MUST_NOT for each in explains):
        return None
    if speaks_against:
        booked.forbidden += 1
        of_rule.forbidden += 1
    else:
        booked.unexpected += 1
        of_rule.unexpected += 1
    return FalseAlarm(
        bed=alarm.bed, family=alarm.family, rule_id=alarm.rule_id, at=format_ms(alarm.from_ms),
        why=speaks_against[0].why if speaks_against else "",
    )  # fmt: skip


def _decided(expected: DecisionExpectation, heard: Heard) -> WrongDecision | None:
    said = heard.decision_at(expected.bed, expected.at_ms)
    if said in expected.allowed:
        return None
    return WrongDecision(
        bed=expected.bed, number=expected.number, at=format_ms(expected.at_ms), allowed=expected.allowed, said=said,
        why=expected.why, is_dangerous=said == "proceed",
    )  # fmt: skip


def _family_json(each: FamilyScore) -> dict[str, Any]:
    return {
        "must": each.must,
        "found": each.found,
        "delay_s": _delays_json(each.delays_s),
        "alarms": each.alarms,
        "forbidden": each.forbidden,
        "unexpected": each.unexpected,
        "rules": {name: _rule_json(rule) for name, rule in sorted(each.rules.items())},
    }


def _rule_json(each: RuleScore) -> dict[str, Any]:
    return {
        "first": each.first,
        "delay_s": _delays_json(each.delays_s),
        "alarms": each.alarms,
        "forbidden": each.forbidden,
        "unexpected": each.unexpected,
    }


def _delays_json(delays_s: list[float]) -> dict[str, float] | None:
    return {"median": round(median(delays_s), 1), "max": round(max(delays_s), 1)} if delays_s else None
