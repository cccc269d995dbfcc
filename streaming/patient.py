"""One admitted patient: the limits in force, the condition of every limit rule, and what was found.

Readings come from the bed's signal slots; this module judges them against the rules of the profile, keeps the state
machine of each condition, and says when time alone may confirm one. Technical conditions are `streaming.equipment`'s.
"""

from __future__ import annotations

from typing import Any

from streaming.admission import Admission
from streaming.device import Device
from streaming.instants import format_ms
from streaming.nomenclature import SIGNAL_UNITS
from streaming.observation import Validity
from streaming.outcome import OutcomeChanged, RuleOutcome
from streaming.rules.condition import Change, Condition, ConditionPhase
from streaming.rules.kinds import AlarmProfile, LimitRule, LimitsInForce, Verdict
from streaming.signals import INFINITY, Channel, SignalSlot
from streaming.therapy.patient_facts import PatientFacts

CUFF_CYCLE_MS = 30_000
"""Two cuff values closer together than a cuff can measure are one reading sent twice. [D]"""

OUTCOME_OF_CHANGE = {
    Change.PRESENT: RuleOutcome.PRESENT,
    Change.DETERMINATE: RuleOutcome.PRESENT,
    Change.ABSENT: RuleOutcome.ABSENT,
    Change.INDETERMINATE: RuleOutcome.INDETERMINATE,
}
SIGNAL_LABELS = {"map": "MAP", "sbp": "SBP", "dbp": "DBP", "hr": "HR", "spo2": "SpO2", "rr": "RR", "temp": "Temp"}


def number(value: float) -> str:
    """A value as people write it: no trailing zeros, at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


class WatchedLimit:
    """One limit rule watching one patient."""

    __slots__ = ("condition", "limits", "rule", "worst")

    def __init__(self, rule: LimitRule, limits: LimitsInForce) -> None:
        self.rule = rule
        self.limits = limits
        self.condition = Condition(
            onset_delay_ms=round(rule.onset_delay_s * 1000),
            clear_delay_ms=round(rule.clear_delay_s * 1000),
            least_readings=rule.least_readings,
            least_share=rule.least_share,
        )
        self.worst = 0.0

    def read(self, verdict: Verdict, channel: Channel, value: float) -> Change | None:
        """Take a reading, and remember the furthest value of this instance."""
        condition = self.condition
        began_ms = None if condition.is_idle else condition.since_ms
        change = condition.read(
            verdict,
            channel.at_ms,
            min_gap_ms=CUFF_CYCLE_MS if channel.is_cuff else 0,
            clears_at_once=channel.is_cuff,
        )
        if not condition.is_idle:
            if condition.since_ms != began_ms:
                self.worst = value
            self._note_worst(value)
        return change

    def _note_worst(self, value: float) -> None:
        self.worst = min(self.worst, value) if self.rule.below is not None else max(self.worst, value)


class Patient:
    """The limit rules of one admission."""

    def __init__(self, admission: Admission, profile: AlarmProfile) -> None:
        self.admission = admission
        self.profile = profile
        self.chart: Device | None = None
        """What was charted of them, while they are on the way from one bed to another."""
        self.reported: dict[str, None] = {}
        """Signals that had a number during the stay, in whichever bed."""
        self.facts = PatientFacts(admission)
        """What the dose criteria ask about."""
        self._by_signal: dict[str, list[WatchedLimit]] = {}
        for rule in profile.limit_rules:
            watched = WatchedLimit(rule, rule.limits_for(admission.limits))
            self._by_signal.setdefault(rule.signal, []).append(watched)

    def watch(self, slot: SignalSlot) -> None:
        """Set the band in which the slot's values can change nothing."""
        low, high = -INFINITY, INFINITY
        for watched in self._by_signal.get(slot.name, ()):
            if not watched.condition.is_idle:
                slot.make_quiet(INFINITY, -INFINITY)
                return
            if watched.rule.below is not None:
                low = max(low, watched.limits.limit)
            else:
                high = min(high, watched.limits.limit)
        slot.make_quiet(low, high)

    def read(self, slot: SignalSlot, now_ms: int, clock_offset_ms: int | None) -> list[OutcomeChanged]:
        """Judge the latest value of the slot's source."""
        channel = slot.source
        if channel is None or not isinstance(channel.value, int | float):
            return []
        self.reported[slot.name] = None
        found: list[OutcomeChanged] = []
        for watched in self._by_signal.get(slot.name, ()):
            change = self._judge(watched, channel, float(channel.value))
            if change is not None:
                found.append(self._outcome(watched, change, slot, now_ms, clock_offset_ms))
        self.watch(slot)
        return found

    def lose_sight(self, slot: SignalSlot, now_ms: int) -> list[OutcomeChanged]:
        """No source speaks for the signal any more."""
        found: list[OutcomeChanged] = []
        for watched in self._by_signal.get(slot.name, ()):
            change = watched.condition.lose_sight()
            if change is not None:
                found.append(self._outcome(watched, change, slot, now_ms, None))
        slot.make_quiet(INFINITY, -INFINITY)
        return found

    def time_passed(self, slots: dict[str, SignalSlot], now_ms: int) -> list[OutcomeChanged]:
        """Let time confirm what is pending, where the last value still speaks."""
        found: list[OutcomeChanged] = []
        for name, group in self._by_signal.items():
            slot = slots.get(name)
            if slot is None or slot.source is None:
                continue
            for watched in group:
                change = watched.condition.time_passed(now_ms)
                if change is not None:
                    found.append(self._outcome(watched, change, slot, now_ms, None))
        return found

    def due_ms(self, slots: dict[str, SignalSlot]) -> int | None:
        """When time alone may next confirm something."""
        due: int | None = None
        for name, group in self._by_signal.items():
            slot = slots.get(name)
            if slot is None or slot.source is None:
                continue
            for watched in group:
                at_ms = watched.condition.due_ms
                if at_ms is not None and (due is None or at_ms < due):
                    due = at_ms
        return due

    def evidence_now(self, rule: LimitRule, slot: SignalSlot, clock_offset_ms: int | None) -> dict[str, Any] | None:
        """What a condition under way rests on at this moment; None when there is none, or nobody measures."""
        for watched in self._by_signal.get(rule.signal, ()):
            if watched.rule.id == rule.id and not watched.condition.is_idle and slot.source is not None:
                return self._evidence(watched, slot, clock_offset_ms)
        return None

    def _judge(self, watched: WatchedLimit, channel: Channel, value: float) -> Change | None:
        verdict = watched.rule.judge(value, watched.limits)
        if channel.validity is Validity.QUESTIONABLE and verdict is not Verdict.BEYOND:
            # A doubtful value may raise an alarm; it never clears one, nor does it confirm what is pending.
            if watched.condition.phase is not ConditionPhase.PENDING:
                return None
            verdict = Verdict.BETWEEN
        return watched.read(verdict, channel, value)

    def _outcome(
        self, watched: WatchedLimit, change: Change, slot: SignalSlot, now_ms: int, clock_offset_ms: int | None
    ) -> OutcomeChanged:
        return OutcomeChanged(
            rule=watched.rule,
            subject=slot.name,
            outcome=OUTCOME_OF_CHANGE[change],
            at_ms=now_ms,
            onset_ms=watched.condition.since_ms,
            evidence=self._evidence(watched, slot, clock_offset_ms),
        )

    def _evidence(self, watched: WatchedLimit, slot: SignalSlot, clock_offset_ms: int | None) -> dict[str, Any]:
        rule, limits, condition = watched.rule, watched.limits, watched.condition
        unit = SIGNAL_UNITS.get(slot.name, "")
        label = SIGNAL_LABELS.get(slot.name, slot.name)
        side = "at or above" if rule.below is not None else "at or below"
        evidence: dict[str, Any] = {
            "profile": {"id": self.profile.id, "version": self.profile.version, "sha256": self.profile.sha256},
            "signal": slot.name,
            "unit": unit,
            "limit": limits.limit,
            "reset_limit": limits.reset,
            "onset_delay_s": rule.onset_delay_s,
            "since": format_ms(condition.since_ms),
            "worst": watched.worst,
            "readings": condition.readings,
            "readings_beyond": condition.beyond,
            "clears_when": f"{label} {side} {number(limits.reset)} {unit} for {number(rule.clear_delay_s)} s",
            "reference": rule.reference,
        }
        channel = slot.source
        if channel is None:
            return evidence | {
                "text": f"{label} unknown, was {number(watched.worst)} {rule.sign} {number(limits.limit)}"
            }
        value = float(channel.value) if isinstance(channel.value, int | float) else None
        now = f", now {number(value)}" if value is not None and number(value) != number(watched.worst) else ""
        return evidence | {
            # The furthest value of this instance, as monitors show it: it stays true when the patient has recovered.
            "text": f"{label} {number(watched.worst)} {rule.sign} {number(limits.limit)}{now}",
            "value": value,
            "at": format_ms(channel.at_ms),
            "source": channel.name,
            "device": channel.device.device,
            "validity": channel.validity.label,
            "clock_offset_ms": clock_offset_ms,
        }
