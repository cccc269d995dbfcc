"""What the engine knows of weight gain and pressors at each instant of a stay, read off its facts as it folds.

A dose is taken as it stands when everything of one instant has been said, and lasts until it is said otherwise or is
known no more; a gain counts from the first instant at which the engine believes it.

Looking changes nothing: the facts are asked as the dose criteria ask them, and told the time anew by the next entry.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.fold import Fold
from streaming.observation import Validity
from streaming.therapy.drugs import Drug
from streaming.therapy.patient_facts import PatientFacts
from streaming.therapy.pressors import SIGNAL_OF
from tests.evidence.independent_treatment import CHARTED_RATE_MS, PRESSORS, THRESHOLDS_PCT, Crossing, Step, merged

DRUGS = {drug: Drug(drug) for drug in PRESSORS}


class Tracer:
    """Follows one stay: to be told of each instant when everything of it has been said."""

    def __init__(self, stay: str) -> None:
        self._stay = stay
        self._steps: dict[str, list[Step]] = {drug: [] for drug in DRUGS}
        self.crossings: set[Crossing] = set()

    def look(self, fold: Fold, at_ms: int, next_ms: int) -> None:
        """Look at the patient at an instant; nothing more is said before `next_ms`."""
        patient = next((bed.patient for bed in fold.ward.beds.values() if bed.patient is not None), None)
        if patient is None or next_ms <= at_ms:
            return
        known = {each.threshold_pct for each in self.crossings}
        self.crossings |= set(_crossed(self._stay, patient.facts, at_ms, known))
        for drug in DRUGS:
            self._steps[drug] += _step(self._stay, drug, patient.facts, at_ms, next_ms)

    @property
    def steps(self) -> list[Step]:
        """The doses above zero, by drug."""
        return [step for drug in sorted(self._steps) for step in merged(self._steps[drug])]


def _crossed(stay: str, facts: PatientFacts, at_ms: int, known: set[float]) -> Iterator[Crossing]:
    facts.now_ms = at_ms
    weight, gain = facts.current("weight"), facts.current("weight_gain_pct")
    if weight is None or gain is None or weight.validity is not Validity.VALID or isinstance(gain.value, str):
        return
    for threshold in THRESHOLDS_PCT:
        if threshold not in known and gain.value >= threshold:
            yield Crossing(stay, threshold, at_ms)


def _step(stay: str, drug: str, facts: PatientFacts, at_ms: int, next_ms: int) -> Iterator[Step]:
    facts.now_ms = at_ms
    reading = facts.current(SIGNAL_OF[DRUGS[drug]])
    if reading is None or isinstance(reading.value, str) or reading.value <= 0:
        return
    facts.now_ms = next_ms - 1
    is_known = facts.current(SIGNAL_OF[DRUGS[drug]]) is not None
    until_ms = next_ms if is_known else min(next_ms, reading.at_ms + CHARTED_RATE_MS)
    if until_ms > at_ms:
        yield Step(stay, drug, at_ms, until_ms, round(reading.value, 6))
