"""Arterial line against cuff: while they contradict each other, the lower one speaks (clinical.md 5.4).

A cuff over-reads in hypotension and a line lies when it is damped or badly zeroed; neither can be told from the values
alone. So a difference of the means beyond the rule's limit within two minutes is a technical condition of its own, and
until it is resolved hypotension is judged on the lower of the two. It is resolved by a comparison that agrees, of which
neither side is doubtful, or when the line no longer reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streaming.observation import Validity
from streaming.rules.kinds import AlarmProfile, EquipmentRule
from streaming.signals import INFINITY, Channel, PressureGroup
from streaming.step import Step

if TYPE_CHECKING:
    from streaming.bed import Bed

_MEMBERS = (("map", "mean"), ("sbp", "sys"), ("dbp", "dia"))


class Disagreement:
    """What contradicts what, and since when."""

    __slots__ = ("arterial", "cuff", "since_ms")

    def __init__(self, arterial: float, cuff: float, since_ms: int) -> None:
        self.arterial = arterial
        """Mean of the line, mm[Hg]."""
        self.cuff = cuff
        """Mean of the cuff, mm[Hg]."""
        self.since_ms = since_ms


class PressureSources:
    """Whether line and cuff of one bed agree."""

    def __init__(self, profile: AlarmProfile) -> None:
        self._rule: EquipmentRule | None = next(
            (rule for rule in profile.equipment_rules if rule.kind == "sources_disagree"), None
        )
        self.disagreement: Disagreement | None = None

    def measured(self, bed: Bed, step: Step, group: PressureGroup) -> None:
        """A line or a cuff has reported believable pressures."""
        rule = self._rule
        if rule is None or bed.equipment is None:
            return
        line = arterial_line(bed, step.now_ms)
        if line is None:
            return
        if not group.arterial and line.mean is not None and group.mean is not None:
            self._compare(bed, step, rule, line.mean, group.mean)
        if self.disagreement is not None:
            self._let_lower_speak(bed, step, line)

    def due_ms(self, bed: Bed, now_ms: int) -> int | None:
        """When the line will have been silent for too long, while there is something that this resolves."""
        if self.disagreement is None:
            return None
        line = arterial_line(bed, now_ms)
        return line.mean.fresh_until_ms if line is not None and line.mean is not None else now_ms

    def line_may_be_gone(self, bed: Bed, step: Step) -> None:
        """Without a line there is nothing left to contradict."""
        if self.disagreement is not None and arterial_line(bed, step.now_ms) is None:
            self._resolve(bed, step)

    def _compare(self, bed: Bed, step: Step, rule: EquipmentRule, line: Channel, cuff: Channel) -> None:
        if abs(line.at_ms - cuff.at_ms) > (rule.within_s or 0) * 1000:
            return
        arterial, oscillometric = _mmhg(line), _mmhg(cuff)
        if abs(arterial - oscillometric) <= (rule.above or 0):
            if self.disagreement is not None and line.validity is cuff.validity is Validity.VALID:
                self._resolve(bed, step)
            return
        since_ms = self.disagreement.since_ms if self.disagreement is not None else cuff.at_ms
        self.disagreement = Disagreement(arterial, oscillometric, since_ms)
        self._tell(bed, step)

    def _resolve(self, bed: Bed, step: Step) -> None:
        self.disagreement = None
        for signal, _ in _MEMBERS:
            slot = bed.slots.get(signal)
            if slot is not None:
                slot.preferred = None
                if slot.choose(step.now_ms):
                    bed.judge(step, slot)
        self._tell(bed, step)

    def _tell(self, bed: Bed, step: Step) -> None:
        assert bed.equipment is not None, "pressures are compared while a patient is there"
        seen = self.disagreement
        means = (seen.arterial, seen.cuff, seen.since_ms) if seen is not None else None
        step.found += bed.equipment.sources(means, step.now_ms)
        bed.needs_schedule = True

    def _let_lower_speak(self, bed: Bed, step: Step, line: PressureGroup) -> None:
        lowest = min([line, *_fresh_cuffs(bed, step.now_ms)], key=_mean_of)
        for signal, member in _MEMBERS:
            slot, channel = bed.slots.get(signal), getattr(lowest, member)
            if slot is None or channel is None:
                continue
            slot.preferred = channel
            if slot.choose(step.now_ms) and slot.source is channel:
                bed.judge(step, slot)


def arterial_line(bed: Bed, now_ms: int) -> PressureGroup | None:
    """The arterial line that reports, if there is one."""
    for group in bed.groups.values():
        if group.arterial and group.mean is not None and group.mean.fresh_until_ms > now_ms:
            return group
    return None


def _fresh_cuffs(bed: Bed, now_ms: int) -> list[PressureGroup]:
    groups = bed.groups.values()
    return [g for g in groups if not g.arterial and g.mean is not None and g.mean.fresh_until_ms > now_ms]


def _mean_of(group: PressureGroup) -> float:
    return _mmhg(group.mean) if group.mean is not None else INFINITY


def _mmhg(channel: Channel) -> float:
    return float(channel.value) if isinstance(channel.value, int | float) else INFINITY
