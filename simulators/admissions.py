"""Admits the simulated patients, so that a demonstration has somebody in its beds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulators.service import Answer, Service
from simulators.ward import SimulatedBed

_ACTOR = "simulator"
_BED_TAKEN = 409
_ATTEMPTS = 60
_BETWEEN_ATTEMPTS_S = 0.5


@dataclass(slots=True)
class AdmissionCounts:
    """What became of the admissions."""

    admitted: int = 0
    taken: int = 0
    """The bed has a patient already: left as it is."""
    failed: int = 0


async def admit_all(
    service: Service, beds: Iterable[SimulatedBed], counts: AdmissionCounts, notice: Callable[[str], None]
) -> None:
    """POSTs one admission per bed and counts; waits up to half a minute for a service that does not answer yet."""
    for bed in beds:
        answer = await _admit(service, bed)
        if answer.is_success:
            counts.admitted += 1
        elif answer.status == _BED_TAKEN:
            counts.taken += 1
        else:
            counts.failed += 1
            notice(f"{bed.unit}/{bed.bed} not admitted: {answer.detail}")
        if answer.is_silence:
            break
    if counts.taken:
        notice(f"{counts.taken} beds have a patient already: left as they are")


def admission_request(bed: SimulatedBed) -> dict[str, object]:
    """The body of `POST /admissions` for a simulated bed: a synthetic name, the patient's own baselines."""
    traits = bed.patient.traits
    weight_kg = round(traits.weight_kg, 1)
    return {
        "patient_id": bed.patient_id,
        "unit": bed.unit,
        "bed": bed.bed,
        "name": bed.name,
        "dosing_weight_kg": weight_kg,
        "baseline_weight_kg": weight_kg,
        "baseline": {
            "sbp": round(traits.map0 + (1.0 - traits.form_factor) * traits.pulse_pressure0),
            "map": round(traits.map0),
            "hr": round(traits.hr0),
            "creatinine": 0.9,
        },
    }


async def _admit(service: Service, bed: SimulatedBed) -> Answer:
    answer = await service.post("/admissions", admission_request(bed), actor=_ACTOR)
    for _ in range(_ATTEMPTS):
        if not answer.is_silence:
            break
        await asyncio.sleep(_BETWEEN_ATTEMPTS_S)
        answer = await service.post("/admissions", admission_request(bed), actor=_ACTOR)
    return answer
