"""Test vectors that stand in a profile, run against the rule they stand in.

A series (`streaming.rules.series`) is one value a second from second 0. The outcome is looked at after the value of
that second, up to `SILENCE_AFTER_S` after the last.
"""

from __future__ import annotations

from dataclasses import replace

from streaming.admission import Admission
from streaming.bed import Bed
from streaming.identity import BedId, DeviceId
from streaming.nomenclature import SPECS
from streaming.observation import ObsMessage
from streaming.outcome import RuleOutcome
from streaming.rules.kinds import AlarmProfile, Example, LimitRule
from streaming.rules.series import SILENCE_AFTER_S, expand
from streaming.step import Step

BEGIN_MS = 1_000_000_000_000
BED = BedId("example", "bed")


def check_example(profile: AlarmProfile, rule: LimitRule, example: Example) -> list[str]:
    """What the rule does otherwise than its example expects; empty when nothing."""
    seen = outcomes(profile, rule, example.series)
    return [
        f"at {second} s expected {expected}, found {seen[second]} ({example.series})"
        for second, expected in sorted(example.expect.items())
        if seen[second] != expected
    ]


def outcomes(profile: AlarmProfile, rule: LimitRule, series: str) -> list[str]:
    """The rule's outcome after each second of a series, and of a minute after it."""
    alone = replace(profile, limit_rules=(rule,), equipment_rules=())
    bed = Bed(BED, alone)
    bed.admit(Step(BEGIN_MS), anybody())
    device = bed.device(DeviceId(BED.unit, BED.bed, "example"))
    metric = next(spec.ref_id for spec in SPECS if spec.signal == rule.signal)
    outcome, seen = RuleOutcome.ABSENT, []
    for second, value in enumerate([*expand(series), *[None] * SILENCE_AFTER_S]):
        step = Step(BEGIN_MS + second * 1000)
        if bed.due_ms <= step.now_ms:
            bed.time_passed(step)
        if value is not None:
            bed.observe(step, device, ObsMessage("example", second, step.now_ms, {metric: value}))
        bed.schedule(step.now_ms)
        outcome = step.found[-1].outcome if step.found else outcome
        seen.append(outcome.value)
    return seen


def anybody() -> Admission:
    """A patient of whom nothing matters."""
    return Admission(
        admission_id="example",
        patient_id="example",
        bed=BED,
        dosing_weight_kg=80,
        baseline_weight_kg=80,
        profile="example",
        admitted_ms=BEGIN_MS,
    )
