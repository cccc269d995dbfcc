"""Pressors that stop, and pumps that sound an alarm: what happened, kept until it is over.

A stop is noted when a pump that was infusing a vasoactive drug says that it is not, or that it is offline. Whether the
stop was the end of a weaning is judged when it is asked about, from the rate before the stop and the highest rate of
the hour before. It is over when the pump, or another one, infuses the drug again. An occluded line is a finding of its
own.

What a person writes down is known to people: a stop that is charted is none to be told.

A pump that is merely silent has not stopped as far as anybody knows: its drug is unknown, and the silence is a
technical condition of the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from streaming.criteria.facts import Sample
from streaming.instants import format_ms
from streaming.quantity_words import number_words, quantity_words
from streaming.therapy.drugs import VASOACTIVE, Drug
from streaming.therapy.findings import FindingKind, InfusionFinding, InfusionLimits
from streaming.therapy.infusion import Pump, Report
from streaming.therapy.pressors import unit_of

HOUR_MS = 3_600_000
OCCLUDED = "MDC_EVT_FLUID_LINE_OCCL"
PUMP_ALARMS: Mapping[str, str] = MappingProxyType(
    {
        OCCLUDED: "line occluded",
        "MDC_EVT_FLUID_LINE_AIR": "air in the line",
        "MDC_EVT_DOOR_POSN_ERR": "door open",
        "MDC_EVT_PUMP_FLOW_FREE": "free flow",
        "MDC_EVT_PUMP_GENERAL_ALARM": "pump alarm",
    }
)
"""Pump events that stop an infusion or let it run away (clinical.md 6.1), and what they are called."""
NOT_INFUSING = "not infusing"
OFFLINE = "offline"


class Stop(NamedTuple):
    """A pump stopped giving a vasoactive drug."""

    drug: Drug
    at_ms: int
    reason: str
    dose: float | None
    """Just before; None when unknown."""
    peak: float | None
    """The highest rate of the drug, over all pumps, in the hour before; None when unknown."""


class PumpWatch:
    """What the pumps of one stay do that somebody must know."""

    __slots__ = ("_alarms", "_stops")

    def __init__(self) -> None:
        self._stops: dict[str, Stop] = {}
        """By pump."""
        self._alarms: dict[tuple[str, str], int] = {}
        """(pump, event) to when it began."""

    def take(self, pump: Pump, report: Report, stop: Stop | None) -> None:
        """Take a report of a pump.

        Args:
            pump: As it is after the report.
            report: What the report brought.
            stop: What is to be noted if the pump no longer gives what it gave before; None when it gave no known drug.
        """
        if report.delivered_ml > 0:
            # Delivered since a report that came after the alarm: fluid flows again.
            self._alarms = {
                (name, event): at_ms
                for (name, event), at_ms in self._alarms.items()
                if name != pump.name or at_ms > report.since_ms
            }
        if pump.is_infusing:
            self._stops = {name: other for name, other in self._stops.items() if other.drug is not pump.drug}
        goes_on = pump.is_infusing and stop is not None and pump.drug is stop.drug
        if stop is not None and report.was_infusing and not goes_on and not pump.is_charted:
            self.stopped(pump.name, stop)

    def stopped(self, pump: str, stop: Stop) -> None:
        """A pump that was infusing has stopped."""
        if stop.drug in VASOACTIVE:
            self._stops.setdefault(pump, stop)

    def event(self, pump: str, event: str, phase: str, at_ms: int) -> None:
        """Take an event of a pump."""
        if event not in PUMP_ALARMS:
            return
        if phase == "end":
            self._alarms.pop((pump, event), None)
        else:
            self._alarms.setdefault((pump, event), at_ms)

    def leave(self, pump: str) -> None:
        """The pump stays behind when the patient moves."""
        self._stops.pop(pump, None)
        self._alarms = {key: at_ms for key, at_ms in self._alarms.items() if key[0] != pump}

    def changes_ms(self, limits: InfusionLimits) -> list[int]:
        """Instants at which what is told now is history; some may be past."""
        began = [stop.at_ms for stop in self._stops.values()] + list(self._alarms.values())
        return [at_ms + round(limits.told_for_h * HOUR_MS) + 1 for at_ms in began]

    def findings(self, pumps: Mapping[str, Pump], now_ms: int, limits: InfusionLimits) -> list[InfusionFinding]:
        """Stops, occlusions and pump alarms; told for a while."""
        stops = [_stopped(name, stop, now_ms, limits) for name, stop in self._stops.items()]
        return stops + [
            _alarm(name, event, at_ms, pumps.get(name), now_ms, limits) for (name, event), at_ms in self._alarms.items()
        ]


def rising_finding(
    drug: Drug, now: Sample | None, before: float | None, now_ms: int, limits: InfusionLimits
) -> InfusionFinding:
    """Whether more of a pressor runs than an hour ago.

    Args:
        drug: The pressor.
        now: What runs, and since when; None when unknown.
        before: What ran an hour ago; None when unknown.
        now_ms: The instant of the question.
        limits: What counts as a rise.
    """
    unit, holds = unit_of(drug), False
    if now is not None and before is not None:
        rise = round(now.value - before, 6)
        least = max(limits.weaned_to.get(drug, 0.0), round(before * limits.rising_percent / 100, 6))
        holds = rise > 0 and rise >= least
    text = ""
    if now is not None and before is not None:
        text = f"{drug}: {number_words(before)} to {quantity_words(now.value, unit)} in an hour"
    evidence = {
        "text": text or f"{drug}: rate unknown",
        "drug": drug,
        "value": now.value if now is not None else None,
        "an_hour_ago": before,
        "unit": unit,
        "limit_percent": limits.rising_percent,
    }
    since_ms = now.at_ms if holds and now is not None else now_ms
    is_known = now is not None and before is not None
    return InfusionFinding(FindingKind.PRESSOR_RISING, drug.value, holds, since_ms, evidence, is_known)


def _stopped(name: str, stop: Stop, now_ms: int, limits: InfusionLimits) -> InfusionFinding:
    is_told = now_ms - stop.at_ms <= limits.told_for_h * HOUR_MS
    was_weaned = stop.reason == NOT_INFUSING and _was_weaned(stop, limits)
    holds = is_told and not was_weaned
    rate = f" from {quantity_words(stop.dose, unit_of(stop.drug))}" if stop.dose is not None else ""
    evidence = {
        "text": f"{name}: {stop.drug} stopped{rate} ({stop.reason})",
        "pump": name,
        "drug": stop.drug,
        "reason": stop.reason,
        "at": format_ms(stop.at_ms),
        "dose_before": stop.dose,
        "highest_of_the_hour": stop.peak,
        "unit": unit_of(stop.drug),
        "was_weaned": was_weaned,
    }
    return InfusionFinding(FindingKind.PRESSOR_STOPPED, name, holds, stop.at_ms if holds else now_ms, evidence)


def _was_weaned(stop: Stop, limits: InfusionLimits) -> bool:
    if stop.dose is None:
        return False
    if stop.dose <= limits.weaned_to.get(stop.drug, 0.0):
        return True
    return stop.peak is not None and stop.dose <= round(stop.peak * limits.weaned_to_share, 6)


def _alarm(
    name: str, event: str, at_ms: int, pump: Pump | None, now_ms: int, limits: InfusionLimits
) -> InfusionFinding:
    drug = pump.drug if pump is not None else None
    is_pressor = event == OCCLUDED and drug in VASOACTIVE
    kind = FindingKind.PRESSOR_OCCLUDED if is_pressor else FindingKind.PUMP_ALARM
    holds = now_ms - at_ms <= limits.told_for_h * HOUR_MS
    label = pump.label if pump is not None else None
    evidence = {
        "text": f"{name}: {PUMP_ALARMS[event]}" + (f" ({label})" if label else ""),
        "pump": name,
        "drug": drug,
        "event": event,
        "at": format_ms(at_ms),
    }
    subject = name if is_pressor else f"{name} {event}"
    return InfusionFinding(kind, subject, holds, at_ms if holds else now_ms, evidence)
