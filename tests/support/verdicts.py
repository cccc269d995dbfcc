"""Verdicts of the rules on one patient, made by hand for tests of the alarm book, and what became of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from alerts.alarm import AlarmTransition
from alerts.book import AlarmBook
from alerts.policy import AlarmPolicy
from gateway.rulesets import load_alarm_policy
from streaming.outcome import OutcomeChanged, RuleOutcome
from streaming.rules.kinds import Rule
from tests.support.bedside import BED, IL2, ms, seconds

WARD = load_alarm_policy("il2-ward")
PRESENT, ABSENT, INDETERMINATE = RuleOutcome.PRESENT, RuleOutcome.ABSENT, RuleOutcome.INDETERMINATE
MAP_65, MAP_60, MAP_50 = (f"hypotension.map_below_{limit}" for limit in (65, 60, 50))
SBP_90, SBP_80 = "hypotension.sbp_below_90", "hypotension.sbp_below_80"
HR_130, HR_150 = "tachycardia.hr_above_130", "tachycardia.hr_above_150"
OFFLINE, STALE, BROKER, FAULT = "device_offline", "signal_stale", "system.broker_lost", "cannot_evaluate"


class Shown(NamedTuple):
    """A transition as tests compare it."""

    at_s: float
    rule_id: str
    phase: str
    to: str
    priority: str


def rule(rule_id: str) -> Rule:
    """A rule of the shipped profile."""
    found = IL2.rule(rule_id)
    assert found is not None, rule_id
    return found


def verdict(rule_id: str, outcome: RuleOutcome, at_s: float, subject: str = "map", **evidence: Any) -> OutcomeChanged:
    """What a rule says at a second of the test, of something that began a second before."""
    return OutcomeChanged(
        rule=rule(rule_id),
        subject=subject,
        outcome=outcome,
        at_ms=ms(at_s),
        onset_ms=ms(at_s) - 1000,
        evidence={"text": f"{rule_id} {subject}"} | evidence,
    )


def take_one(book: AlarmBook, found: OutcomeChanged) -> AlarmTransition | None:
    """What one verdict alone leads to; None when it changes nothing that is announced."""
    transitions = book.take([found], found.at_ms)
    return transitions[0] if transitions else None


class Bookside:
    """A book with everything that was said of it. Time passes as in the fold: from one due instant to the next."""

    def __init__(self, policy: AlarmPolicy = WARD, book: AlarmBook | None = None) -> None:
        self.book = book or AlarmBook("adm-1", BED, policy)
        self.transitions: list[AlarmTransition] = []

    def pass_to(self, at_s: float) -> None:
        """Let time pass."""
        while self.book.due_ms <= ms(at_s):
            self.transitions += self.book.take([], self.book.due_ms)

    def say(self, at_s: float, outcome: RuleOutcome, *rule_ids: str, subject: str = "map", **evidence: Any) -> None:
        """Rules say the same at one instant."""
        self.hear(at_s, *(verdict(each, outcome, at_s, subject, **evidence) for each in rule_ids))

    def hear(self, at_s: float, *found: OutcomeChanged) -> None:
        """Verdicts of one instant."""
        self.pass_to(at_s)
        self.transitions += self.book.take(found, ms(at_s))

    def offline(self, at_s: float, *devices: str, back: bool = False) -> None:
        """Devices go, or come back."""
        outcome = ABSENT if back else PRESENT
        self.hear(at_s, *(verdict(OFFLINE, outcome, at_s, device, device=device) for device in devices))

    def acknowledge(self, at_s: float, by: str = "nurse") -> None:
        """Somebody sees the only alarm there is."""
        self.pass_to(at_s)
        (alarm,) = self.book.active.values()
        self.transitions += self.book.acknowledge(alarm.alarm_id, ms(at_s), by, None)

    @property
    def shown(self) -> list[Shown]:
        """Every transition so far."""
        return [
            Shown(seconds(t.at_ms), t.alarm.rule_id, t.phase.value, t.to.value, t.alarm.priority.value)
            for t in self.transitions
        ]

    @property
    def steps(self) -> list[tuple[float, str, str]]:
        """When, phase and signal of every transition so far."""
        return [(each.at_s, each.phase, each.to) for each in self.shown]
