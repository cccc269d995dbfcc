"""Test vectors of rules about what a device reports, run against the rule they stand in.

The events of a vector come from a pump at a bed with a patient; the outcome is looked at after each second it names.
"""

from __future__ import annotations

from dataclasses import replace

from streaming.bed import Bed
from streaming.equipment import BATTERY_EVENT
from streaming.identity import DeviceId
from streaming.observation import EventMessage, StatusMessage
from streaming.outcome import RuleOutcome
from streaming.rules.examples import BED, BEGIN_MS, anybody
from streaming.rules.kinds import AlarmProfile, EquipmentRule, EventExample
from streaming.step import Step


def check_event_example(profile: AlarmProfile, rule: EquipmentRule, example: EventExample) -> list[str]:
    """What the rule does otherwise than its example expects; empty when nothing."""
    seen = event_outcomes(profile, rule, example)
    return [
        f"at {second} s expected {expected}, found {seen[second]} ({dict(example.events)})"
        for second, expected in example.expect.items()
        if seen[second] != expected
    ]


def event_outcomes(profile: AlarmProfile, rule: EquipmentRule, example: EventExample) -> dict[int, str]:
    """The rule's outcome after each second that the example names."""
    alone = replace(profile, limit_rules=(), stay_rules=(), infusion_rules=(), equipment_rules=(rule,))
    bed = Bed(BED, alone)
    bed.admit(Step(BEGIN_MS), anybody())
    device = bed.device(DeviceId(BED.unit, BED.bed, "pump"))
    bed.take_status(Step(BEGIN_MS), device, StatusMessage(state="online", kind="pump", model=None))
    outcome, seen = RuleOutcome.ABSENT, dict[int, str]()
    for number, second in enumerate(sorted({*example.events, *example.expect})):
        step = Step(BEGIN_MS + second * 1000)
        if bed.due_ms <= step.now_ms:
            bed.time_passed(step)
        if second in example.events:
            message = EventMessage("example", number, step.now_ms, BATTERY_EVENT, example.events[second])
            bed.take_event(step, device, message)
        bed.schedule(step.now_ms)
        outcome = step.found[-1].outcome if step.found else outcome
        seen[second] = outcome.value
    return seen
