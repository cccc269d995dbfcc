"""How much of a pressor runs: over all pumps, in the unit its signal has.

The rate is the pump's own where it sends one, otherwise flow x concentration / dosing weight. A drug that no pump
reports is not being infused: 0, known. A pump that infuses it and has not been heard for too long, or does not say how
fast or how strong, makes the whole unknown. What a person charts speaks only while no pump reports the drug itself.

Doses are rounded to millionths, so that 3.6 mL/h of 0.2 mg/mL at 80 kg is 0.15 and not a little more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from streaming.criteria.facts import Reading, Sample
from streaming.observation import Validity
from streaming.therapy.drugs import Drug
from streaming.therapy.history import SignalHistory
from streaming.therapy.infusion import CONCENTRATION, DOSE_RATE, RATE, Held, Pump

SIGNAL_OF: Mapping[Drug, str] = MappingProxyType(
    {
        Drug.PHENYLEPHRINE: "phenylephrine_ug_kg_min",
        Drug.NOREPINEPHRINE: "norepinephrine_ug_kg_min",
        Drug.DOPAMINE: "dopamine_ug_kg_min",
        Drug.VASOPRESSIN: "vasopressin_u_min",
    }
)
DRUG_OF: Mapping[str, Drug] = MappingProxyType({signal: drug for drug, signal in SIGNAL_OF.items()})
BRIEF_STOP_MS = 10 * 60_000
"""A pressor that stands still for no longer than this is being seen to, not weaned: a new syringe, an occlusion. [D]"""
BY_WEIGHT = "ug/kg/min"
BY_ACTIVITY = "[IU]/min"
_DECIMALS = 6


def unit_of(drug: Drug) -> str:
    """In which unit the drug is dosed (UCUM)."""
    return BY_ACTIVITY if drug is Drug.VASOPRESSIN else BY_WEIGHT


def dose_of(pump: Pump, now_ms: int, weight_kg: float) -> float | None:
    """How much of its drug a pump gives now; 0 when it does not infuse, None when that is unknown."""
    if not pump.is_infusing:
        return 0.0
    if pump.drug is None:
        return None
    dose = _told(pump, pump.drug, now_ms, weight_kg)
    if dose is None:
        dose = _reckoned(pump, pump.drug, now_ms, weight_kg)
    return round(dose, _DECIMALS) if dose is not None else None


def pressor(drug: Drug, pumps: Iterable[Pump], now_ms: int, weight_kg: float) -> Reading | None:
    """How much of a pressor runs now, over all pumps; None when that is unknown."""
    giving = [pump for pump in pumps if pump.drug is drug and not pump.is_gone(now_ms)]
    reporting = [pump for pump in giving if not pump.is_charted]
    giving = reporting or giving
    total = 0.0
    for pump in giving:
        dose = dose_of(pump, now_ms, weight_kg)
        if dose is None:
            return None
        total += dose
    return Reading(
        value=round(total, _DECIMALS),
        unit=unit_of(drug),
        at_ms=_as_of(giving, now_ms),
        source="pumps" if giving else "no pump",
        device=",".join(pump.name for pump in giving),
        validity=max((_validity(pump) for pump in giving), default=Validity.VALID),
    )


def ran_at(history: SignalHistory, at_ms: int) -> Sample | None:
    """How much of a pressor ran at an instant of the past, a brief stop passed over; None when nobody knows.

    What a patient needs did not fall to nothing because a syringe was changed, nor rise when it ran again.
    """
    found = history.before(at_ms)
    if found is None or found.value > 0:
        return found
    resumed = history.after(at_ms)
    is_brief = resumed is not None and resumed.at_ms - found.at_ms <= BRIEF_STOP_MS
    return (history.before(found.at_ms - 1) or found) if is_brief else found


def _as_of(giving: list[Pump], now_ms: int) -> int:
    """The oldest report that counts; that nothing is being infused is so now."""
    return min((pump.at_ms for pump in giving if pump.is_infusing), default=now_ms)


def _validity(pump: Pump) -> Validity:
    said = [held for name in (RATE, DOSE_RATE, CONCENTRATION) if (held := pump.said(name)) is not None]
    return max((held.validity for held in said), default=Validity.VALID) if pump.is_infusing else Validity.VALID


def _told(pump: Pump, drug: Drug, now_ms: int, weight_kg: float) -> float | None:
    """The dose rate that the pump itself sends, where it is in a unit that fits the drug."""
    said = pump.fresh(DOSE_RATE, now_ms)
    if said is None or isinstance(said.value, str):
        return None
    if said.unit == unit_of(drug):
        return said.value
    if drug is Drug.VASOPRESSIN and said.unit == "[IU]/kg/min":
        return said.value * weight_kg
    return None


def _reckoned(pump: Pump, drug: Drug, now_ms: int, weight_kg: float) -> float | None:
    """Flow x concentration, by weight where the drug is dosed so."""
    flow, concentration = pump.fresh(RATE, now_ms), pump.said(CONCENTRATION)
    per_hour = _product(flow, concentration)
    if per_hour is None or concentration is None:
        return None
    if drug is Drug.VASOPRESSIN:
        return per_hour / 60 if concentration.unit == "[IU]/mL" else None
    return per_hour * 1000 / 60 / weight_kg if concentration.unit == "mg/mL" else None


def _product(flow: Held | None, concentration: Held | None) -> float | None:
    if flow is None or concentration is None or isinstance(flow.value, str) or isinstance(concentration.value, str):
        return None
    return flow.value * concentration.value
