"""How a patient's treatment looks to people: the course and the decision in a line, the pressors, the pumps.

JSON-ready objects for the feed and for `GET /admissions/{id}`. Reads the desk and the facts and changes nothing. What
only time changes is left out (countdowns, ages): the display reckons it, and a bed does not change by the second.
"""

from __future__ import annotations

from typing import Any

from alerts.dosing import DoseDesk
from streaming.instants import format_ms
from streaming.therapy.doses import Dose
from streaming.therapy.fluid_chart import Bolus, FluidHour
from streaming.therapy.infusion import CONCENTRATION, RATE, TO_BE_INFUSED, VOLUME, Pump
from streaming.therapy.patient_facts import PatientFacts
from streaming.therapy.pressors import SIGNAL_OF, dose_of, unit_of

JsonObject = dict[str, Any]
_HOUR_MS = 3_600_000


def dosing_brief(desk: DoseDesk, now_ms: int) -> JsonObject:
    """Where the course stands, and the decision on the next dose with its first reason."""
    doses = desk.facts.infusions.doses
    upcoming = doses.next_due(now_ms)
    begun = doses.of_cycle
    return {
        "decision": desk.book.decision.value,
        "computed": desk.book.computed.value,
        "summary": desk.book.summary(now_ms),
        "doses_begun": desk.dose_count,
        "doses_held": doses.held_doses,
        "max_doses": doses.order.max_doses if doses.order is not None else None,
        "last": _dose(begun[-1], now_ms) if begun else None,
        "next": {"number": upcoming[0], "due_at": format_ms(upcoming[1])} if upcoming is not None else None,
        "pressors_hour_ago": _pressors_at(desk.facts, now_ms - _HOUR_MS),
    }


def infusions_of(facts: PatientFacts, now_ms: int) -> list[JsonObject]:
    """Every pump at the bed that has said something during the stay, those that run first."""
    pumps = [_pump(pump, now_ms, facts.dosing_weight_kg) for pump in facts.infusions.pumps]
    return sorted(pumps, key=lambda pump: (not pump["is_infusing"], pump["pump"]))


def fluids_of(facts: PatientFacts, hours: int, now_ms: int) -> JsonObject:
    """Intake, urine and balance by the hour, and the boluses, oldest first; null where nobody knows."""
    chart = facts.fluid_chart(hours, now_ms)
    return {"hours": [_fluid_hour(each) for each in chart.hours], "boluses": [_bolus(each) for each in chart.boluses]}


def _fluid_hour(hour: FluidHour) -> JsonObject:
    return {
        "from": format_ms(hour.from_ms),
        "to": format_ms(hour.to_ms),
        "intake_ml": hour.intake_ml,
        "intake_coverage": hour.intake_coverage,
        "urine_ml": hour.urine_ml,
        "urine_coverage": hour.urine_coverage,
        "balance_ml": hour.balance_ml,
        "by_pump": [
            {"pump": share.pump, "drug": share.drug, "label": share.label, "ml": share.ml} for share in hour.by_pump
        ],
    }


def _bolus(bolus: Bolus) -> JsonObject:
    return {
        "pump": bolus.pump,
        "drug": bolus.drug,
        "label": bolus.label,
        "from": format_ms(bolus.from_ms),
        "to": format_ms(bolus.to_ms),
        "ml": bolus.ml,
    }


def _pressors_at(facts: PatientFacts, at_ms: int) -> JsonObject:
    """How much of each pressor ran at an instant of the past, where that is known: what an arrow points away from."""
    then = {signal: facts.before(signal, at_ms) for signal in SIGNAL_OF.values()}
    return {signal: sample.value for signal, sample in then.items() if sample is not None}


def _dose(dose: Dose, now_ms: int) -> JsonObject:
    ended_ms = dose.ended_ms(now_ms)
    return {
        "number": dose.number,
        "started_at": format_ms(dose.started_ms),
        "ended_at": format_ms(ended_ms) if ended_ms is not None else None,
        "status": dose.status(now_ms).value,
    }


def _pump(pump: Pump, now_ms: int, weight_kg: float) -> JsonObject:
    concentration = pump.said(CONCENTRATION)
    return {
        "pump": pump.name,
        "drug": pump.drug.value if pump.drug is not None else None,
        "label": pump.label,
        "is_charted": pump.is_charted,
        "is_infusing": pump.is_infusing,
        "is_silent": pump.is_silent(now_ms),
        "infusing_since": format_ms(pump.infusing_since_ms) if pump.infusing_since_ms is not None else None,
        "rate_ml_h": pump.number(RATE),
        "dose_rate": dose_of(pump, now_ms, weight_kg),
        "dose_unit": unit_of(pump.drug) if pump.drug is not None else None,
        "concentration": concentration.value if concentration is not None else None,
        "concentration_unit": concentration.unit if concentration is not None else None,
        "delivered_ml": pump.number(VOLUME),
        "to_be_infused_ml": pump.number(TO_BE_INFUSED),
        "at": format_ms(pump.at_ms) if pump.at_ms >= 0 else None,
    }
