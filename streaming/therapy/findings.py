"""What is wrong with an infusion: doses, programs, pumps. Values, to be turned into alarms by others.

Each question is answered anew from what is known, so that the answer depends on the state and the instant only. A
finding about a dose is told while the dose runs and for an hour after, and is then history. A pair of kind and subject
that is not listed does not hold.

It decides nothing about whether a dose may be given, and commands nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from streaming.criteria.criterion import DoseLimits
from streaming.criteria.facts import Sample
from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.instants import format_ms
from streaming.therapy.doses import IU_PER_MG, Dose, DoseRecord, DoseStatus, concentration_iu_per_ml
from streaming.therapy.drugs import VASOACTIVE, Drug
from streaming.therapy.infusion import WEIGHT, Pump
from streaming.truth import Truth


class FindingKind(StrEnum):
    """What may be found."""

    WRONG_DOSE = "wrong_dose"
    SHORT_DOSE = "short_dose"
    WRONG_DURATION = "wrong_duration"
    TOO_EARLY = "too_early"
    TOO_MANY = "too_many"
    TWO_CHANNELS = "two_channels"
    WEIGHT_MISMATCH = "weight_mismatch"
    CONCENTRATION = "concentration"
    INTERRUPTED = "interrupted"
    REPROGRAMMED = "reprogrammed"
    PRESSOR_STOPPED = "pressor_stopped"
    PRESSOR_OCCLUDED = "pressor_occluded"
    PRESSOR_RISING = "pressor_rising"
    PUMP_ALARM = "pump_alarm"


FAMILY_OF: Mapping[FindingKind, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                FindingKind.WRONG_DOSE,
                FindingKind.SHORT_DOSE,
                FindingKind.WRONG_DURATION,
                FindingKind.TOO_EARLY,
                FindingKind.TOO_MANY,
                FindingKind.TWO_CHANNELS,
                FindingKind.WEIGHT_MISMATCH,
                FindingKind.CONCENTRATION,
                FindingKind.INTERRUPTED,
                FindingKind.REPROGRAMMED,
            ),
            "dose",
        ),
        **dict.fromkeys(
            (FindingKind.PRESSOR_STOPPED, FindingKind.PRESSOR_OCCLUDED, FindingKind.PRESSOR_RISING), "pressor"
        ),
        FindingKind.PUMP_ALARM: "pump",
    }
)
"""The alarm family that each kind belongs to (contract, section 9)."""


@dataclass(frozen=True, slots=True)
class InfusionFinding:
    """One answer: does it hold, of what, and since when."""

    kind: FindingKind
    subject: str
    """`dose 5`, a pump's name, or a drug: tells apart several findings of one kind."""
    holds: bool
    since_ms: int
    """When it came to hold, as far as is known; the instant of the question while it does not hold."""
    evidence: dict[str, Any]
    """JSON-ready; `text` is for people."""
    is_known: bool = True
    """Whether anybody can say: a pump that is silent leaves the question open, and `holds` is False."""


_WEANED_TO: Mapping[Drug, float] = {  # no proxy: limits are part of a snapshot
    Drug.PHENYLEPHRINE: 0.2,
    Drug.NOREPINEPHRINE: 0.02,
    Drug.DOPAMINE: 1.0,
    Drug.VASOPRESSIN: 0.01,
    Drug.EPINEPHRINE: 0.02,
    Drug.DOBUTAMINE: 1.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InfusionLimits:
    """What counts as wrong. A site profile may differ."""

    dose_within_percent: float = 5.0
    """Of the order, either way. [D] clinical.md 1.4"""
    duration_min_low: float = 12.0
    duration_min_high: float = 20.0
    """[D] clinical.md 1.4"""
    interval_low_h: float = 7.5
    """Start to start. [D] clinical.md 1.3"""
    cycle_doses_max: int = 14
    """Without an order; an order brings its own. [V]"""
    course_doses_max: int = 28
    """[V]"""
    paused_max_min: float = 5.0
    """[D] clinical.md 6.1"""
    given_up_after_min: float = 15.0
    """A dose that has not gone on so long after its stop is taken for one that ends short. [D]"""
    weight_within_percent: float = 10.0
    """Of the dosing weight, either way. [D] clinical.md 1.4"""
    concentration_low_mg_ml: float = 0.030
    concentration_high_mg_ml: float = 0.070
    """[S] Handbook on Injectable Drugs; sites that use syringes run 0.11 to 0.15."""
    told_for_h: float = 1.0
    """So long after a dose, or the stop of a pump, it is told. [D]"""
    rising_percent: float = 25.0
    """Against one hour ago. [D]"""
    weaned_to: Mapping[Drug, float] = field(default_factory=lambda: dict(_WEANED_TO))
    """From such a rate or below a pressor may be stopped; a rise by less is none. Units of the drug's dose. [D]"""
    weaned_to_share: float = 1 / 3
    """Or from this share of the highest rate of the hour before. [D]"""


def limits_of(doses: DoseLimits) -> InfusionLimits:
    """What counts as wrong under a dosing profile: every number is the profile's own."""
    return InfusionLimits(
        dose_within_percent=doses.tolerance_pct,
        duration_min_low=doses.min_duration_min,
        duration_min_high=doses.max_duration_min,
        interval_low_h=doses.min_interval_h,
        cycle_doses_max=doses.per_cycle,
        course_doses_max=doses.per_course,
        concentration_low_mg_ml=doses.concentration_low_mg_ml,
        concentration_high_mg_ml=doses.concentration_high_mg_ml,
        paused_max_min=doses.max_pause_min,
        given_up_after_min=doses.given_up_after_min,
        weight_within_percent=doses.weight_tolerance_pct,
        told_for_h=doses.told_for_h,
        rising_percent=doses.pressor_rise_pct,
        weaned_to={Drug(drug): rate for drug, rate in doses.weaned_to.items()},
        weaned_to_share=doses.weaned_to_share,
    )


POUND = (2.0, 2.4)
"""A ratio of weights in here, or its inverse, is kg taken for lb (2.205)."""


def is_pound_for_kilogram(ratio: float) -> bool:
    """Whether two weights differ as kg and lb do."""
    low, high = POUND
    return low <= ratio <= high or 1 / high <= ratio <= 1 / low


def dose_findings(record: DoseRecord, now_ms: int, limits: InfusionLimits) -> list[InfusionFinding]:
    """What is wrong with the last two doses: the one that runs or ran last, and the one before it."""
    found = []
    doses = record.all
    for i in range(max(0, len(doses) - 2), len(doses)):
        dose, before = doses[i], doses[i - 1] if i else None
        of_dose = [
            _wrong_dose(dose, now_ms, limits),
            _short_dose(dose, now_ms, limits),
            _wrong_duration(dose, now_ms, limits),
            _too_early(dose, before, limits),
            _too_many(dose, i + 1, record, limits),
            _interrupted(dose, now_ms, limits),
            _reprogrammed(dose),
        ]
        found += [_about(dose, kind, since, evidence, now_ms, limits) for kind, since, evidence in of_dose]
    return found


def doses_change_ms(record: DoseRecord, now_ms: int, limits: InfusionLimits) -> list[int]:
    """Instants at which time alone may change what `dose_findings` says; some may be past."""
    dues = []
    for dose in record.all[-2:]:
        ended_ms = dose.ended_ms(now_ms)
        if ended_ms is not None:
            dues.append(ended_ms + round(limits.given_up_after_min * MINUTE_MS))
            dues.append(ended_ms + round(limits.told_for_h * HOUR_MS) + 1)
            continue
        dues.append(dose.started_ms + round(limits.duration_min_high * MINUTE_MS) + 1)
        if dose.is_standing(now_ms) and not dose.is_full:  # otherwise the pause does not grow
            dues.append(now_ms + round(limits.paused_max_min * MINUTE_MS) - dose.interrupted_ms(now_ms) + 1)
    return dues


def pump_findings(
    pumps: Iterable[Pump], weight_kg: float, now_ms: int, limits: InfusionLimits
) -> list[InfusionFinding]:
    """What is wrong with what the pumps are programmed to do."""
    known = list(pumps)
    heard = [pump for pump in known if not pump.is_silent(now_ms)]
    found = [_weight(pump, weight_kg, now_ms, limits) for pump in heard if _is_dosed_by_weight(pump)]
    giving = [pump for pump in heard if pump.drug is Drug.ALDESLEUKIN]
    found += [_concentration(pump, now_ms, limits) for pump in giving]
    silent = [pump for pump in known if pump.is_silent(now_ms) and not pump.is_gone(now_ms)]
    found += [_open(finding) for pump in silent for finding in _of_silent(pump, weight_kg, now_ms, limits)]
    lost = [pump for pump in silent if pump.drug is Drug.ALDESLEUKIN and pump.is_infusing]
    if giving or lost:
        running = [pump for pump in giving if pump.is_infusing]
        channels = _two_channels(running, now_ms)
        found.append(_open(channels) if lost and len(running) < 2 else channels)
    return found


def is_infusing(drug: Drug, pumps: Iterable[Pump], now_ms: int) -> Truth:
    """Whether a pump infuses a drug; UNKNOWN when one did and has been silent since."""
    giving = [pump for pump in pumps if pump.drug is drug and pump.is_infusing and not pump.is_gone(now_ms)]
    if any(not pump.is_silent(now_ms) for pump in giving):
        return Truth.TRUE
    return Truth.UNKNOWN if giving else Truth.FALSE


def _of_silent(pump: Pump, weight_kg: float, now_ms: int, limits: InfusionLimits) -> list[InfusionFinding]:
    """What was wrong with the program of a pump when it was last heard."""
    found = [_weight(pump, weight_kg, now_ms, limits)] if _is_dosed_by_weight(pump) else []
    if pump.drug is Drug.ALDESLEUKIN:
        found.append(_concentration(pump, now_ms, limits))
    return found


def _open(finding: InfusionFinding) -> InfusionFinding:
    """Nobody can say any more."""
    return replace(finding, holds=False, is_known=False)


_Judged = tuple[FindingKind, int | None, dict[str, Any]]
"""(kind, since when it holds or None, evidence)."""


def _about(
    dose: Dose, kind: FindingKind, since_ms: int | None, evidence: dict[str, Any], now_ms: int, limits: InfusionLimits
) -> InfusionFinding:
    ended_ms = dose.ended_ms(now_ms)
    is_told = ended_ms is None or now_ms - ended_ms <= limits.told_for_h * HOUR_MS
    holds = is_told and since_ms is not None
    evidence = evidence | {"dose_number": dose.number, "pump": dose.pump, "started_at": format_ms(dose.started_ms)}
    is_known = holds or not is_told or not dose.is_lost(now_ms)
    return InfusionFinding(
        kind, f"dose {dose.number}", holds, since_ms if holds and since_ms is not None else now_ms, evidence, is_known
    )


def _wrong_dose(dose: Dose, now_ms: int, limits: InfusionLimits) -> _Judged:
    """More than ordered: programmed, or given."""
    within, ended_ms = limits.dose_within_percent, dose.ended_ms(now_ms)
    given, planned = dose.percent_of_order, dose.planned_percent
    since_ms, text = None, "no more than ordered"
    if given is not None and given > 100 + within:
        since_ms, text = ended_ms or dose.heard_ms, f"{given:g} % of the order given"
    elif ended_ms is None and planned is not None and planned > 100 + within and dose.reprogrammed_ms is None:
        since_ms, text = dose.started_ms, f"{planned:g} % of the order programmed"
    return FindingKind.WRONG_DOSE, since_ms, _amount(dose, text, limits)


def _short_dose(dose: Dose, now_ms: int, limits: InfusionLimits) -> _Judged:
    """Less than ordered: programmed, or given by a dose that is over and has not gone on for a while."""
    within, ended_ms = limits.dose_within_percent, dose.ended_ms(now_ms)
    given, planned = dose.percent_of_order, dose.planned_percent
    since_ms, text = None, "no less than ordered"
    if ended_ms is not None:
        is_over = dose.is_complete or now_ms - ended_ms >= limits.given_up_after_min * MINUTE_MS
        if is_over and given is not None and given < 100 - within:
            since_ms, text = ended_ms, f"{given:g} % of the order given"
    elif planned is not None and planned < 100 - within and dose.reprogrammed_ms is None:
        since_ms, text = dose.started_ms, f"{planned:g} % of the order programmed"
    return FindingKind.SHORT_DOSE, since_ms, _amount(dose, text, limits)


def _amount(dose: Dose, text: str, limits: InfusionLimits) -> dict[str, Any]:
    return {
        "text": f"dose {dose.number}: {text}",
        "percent_of_order": dose.percent_of_order,
        "percent_programmed": dose.planned_percent,
        "limit_percent": limits.dose_within_percent,
    }


def _wrong_duration(dose: Dose, now_ms: int, limits: InfusionLimits) -> _Judged:
    low, high, ended_ms = limits.duration_min_low, limits.duration_min_high, dose.ended_ms(now_ms)
    lasted_min = ((ended_ms or now_ms) - dose.started_ms) / MINUTE_MS
    planned_min = dose.planned_min
    since_ms, text = None, ""
    if lasted_min > high:
        since_ms, text = dose.started_ms + round(high * MINUTE_MS), f"runs for {lasted_min:.0f} min"
    elif ended_ms is not None:
        if dose.status(now_ms) is DoseStatus.GIVEN and lasted_min < low:
            since_ms, text = ended_ms, f"ran for {lasted_min:.0f} min"
    elif planned_min is not None and not low <= planned_min <= high and dose.reprogrammed_ms is None:
        since_ms, text = dose.started_ms, f"{planned_min:.0f} min programmed"
    evidence = {
        "text": f"dose {dose.number}: {text}, {low:g} to {high:g} expected" if text else f"dose {dose.number}: in time",
        "minutes": round(lasted_min, 1),
        "minutes_programmed": round(planned_min, 1) if planned_min is not None else None,
        "limit_low_min": low,
        "limit_high_min": high,
    }
    return FindingKind.WRONG_DURATION, since_ms, evidence


def _too_early(dose: Dose, before: Dose | None, limits: InfusionLimits) -> _Judged:
    after_ms = dose.started_ms - before.started_ms if before is not None else None
    is_early = after_ms is not None and after_ms < limits.interval_low_h * HOUR_MS
    hours = round(after_ms / HOUR_MS, 2) if after_ms is not None else None
    evidence = {
        "text": f"dose {dose.number}: {hours} h after the start of the last one",
        "hours": hours,
        "limit_h": limits.interval_low_h,
    }
    return FindingKind.TOO_EARLY, dose.started_ms if is_early else None, evidence


def _too_many(dose: Dose, of_course: int, record: DoseRecord, limits: InfusionLimits) -> _Judged:
    of_cycle = sum(other.cycle == dose.cycle and other.started_ms <= dose.started_ms for other in record.all)
    cycle_max = record.order.max_doses if record.order is not None else limits.cycle_doses_max
    is_beyond = of_cycle > cycle_max or of_course > limits.course_doses_max
    evidence = {
        "text": f"dose {of_cycle} of at most {cycle_max} in the cycle, {of_course} of {limits.course_doses_max} in all",
        "doses_of_cycle": of_cycle,
        "limit_of_cycle": cycle_max,
        "doses_of_course": of_course,
        "limit_of_course": limits.course_doses_max,
    }
    return FindingKind.TOO_MANY, dose.started_ms if is_beyond else None, evidence


def _interrupted(dose: Dose, now_ms: int, limits: InfusionLimits) -> _Judged:
    paused_ms = dose.interrupted_ms(now_ms)
    beyond_ms = paused_ms - round(limits.paused_max_min * MINUTE_MS)
    evidence = {
        "text": f"dose {dose.number}: stood still for {paused_ms / MINUTE_MS:.0f} min",
        "paused_s": paused_ms / 1000,
        "limit_s": limits.paused_max_min * 60,
    }
    return FindingKind.INTERRUPTED, max(dose.started_ms, now_ms - beyond_ms) if beyond_ms > 0 else None, evidence


def _reprogrammed(dose: Dose) -> _Judged:
    at_ms = dose.reprogrammed_ms
    evidence = {
        "text": f"dose {dose.number}: reprogrammed before it was in",
        "at": format_ms(at_ms) if at_ms is not None else None,
        "volume_ml": round(dose.volume_ml, 2),
        "percent_of_order": dose.percent_of_order,
    }
    return FindingKind.REPROGRAMMED, at_ms, evidence


def _is_dosed_by_weight(pump: Pump) -> bool:
    return pump.number(WEIGHT) is not None and (pump.drug is Drug.ALDESLEUKIN or pump.drug in VASOACTIVE)


def _weight(pump: Pump, weight_kg: float, now_ms: int, limits: InfusionLimits) -> InfusionFinding:
    said, said_kg = pump.said(WEIGHT), pump.number(WEIGHT)
    assert said is not None
    assert said_kg is not None
    ratio = said_kg / weight_kg
    holds = round(abs(ratio - 1) * 100, 6) > limits.weight_within_percent
    hint = ", as kg taken for lb" if is_pound_for_kilogram(ratio) else ""
    evidence = {
        "text": f"{pump.name}: weight {said_kg:g} kg, dosing weight {weight_kg:g} kg{hint}",
        "pump": pump.name,
        "drug": pump.drug,
        "weight_kg": said_kg,
        "dosing_weight_kg": weight_kg,
        "ratio": round(ratio, 3),
        "is_pound_for_kilogram": is_pound_for_kilogram(ratio),
        "limit_percent": limits.weight_within_percent,
    }
    return InfusionFinding(FindingKind.WEIGHT_MISMATCH, pump.name, holds, said.at_ms if holds else now_ms, evidence)


def weighed_in_pounds(weighed: Sample, dosing_kg: float) -> InfusionFinding:
    """The scale and the order differ as kg and lb do: one of them is wrong, and every dose may be."""
    evidence = {
        "text": f"weighed {weighed.value:g} kg, dosing weight {dosing_kg:g} kg, as kg taken for lb",
        "weighed_at": format_ms(weighed.at_ms),
        "weight_kg": weighed.value,
        "dosing_weight_kg": dosing_kg,
        "ratio": round(weighed.value / dosing_kg, 3),
        "is_pound_for_kilogram": True,
    }
    return InfusionFinding(FindingKind.WEIGHT_MISMATCH, "weighing", True, weighed.at_ms, evidence)


def _concentration(pump: Pump, now_ms: int, limits: InfusionLimits) -> InfusionFinding:
    low, high = limits.concentration_low_mg_ml, limits.concentration_high_mg_ml
    iu_per_ml = concentration_iu_per_ml(pump)
    mg_per_ml = round(iu_per_ml / IU_PER_MG, 4) if iu_per_ml is not None else None
    holds = mg_per_ml is not None and not low <= mg_per_ml <= high
    said = f"{mg_per_ml:g} mg/mL" if mg_per_ml is not None else "concentration not told"
    evidence = {
        "text": f"{pump.name}: {said}, {low:g} to {high:g} expected",
        "pump": pump.name,
        "mg_per_ml": mg_per_ml,
        "limit_low_mg_ml": low,
        "limit_high_mg_ml": high,
    }
    return InfusionFinding(FindingKind.CONCENTRATION, pump.name, holds, pump.at_ms if holds else now_ms, evidence)


def _two_channels(infusing: list[Pump], now_ms: int) -> InfusionFinding:
    names = [pump.name for pump in infusing]
    holds = len(infusing) > 1
    evidence = {
        "text": f"aldesleukin runs on {' and '.join(names)}" if holds else "aldesleukin runs on one pump at most",
        "pumps": names,
    }
    began_ms = [pump.infusing_since_ms for pump in infusing if pump.infusing_since_ms is not None]
    since_ms = sorted(began_ms)[1] if holds else now_ms
    return InfusionFinding(FindingKind.TWO_CHANNELS, Drug.ALDESLEUKIN.value, holds, since_ms, evidence)
