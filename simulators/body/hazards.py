"""What a dose may bring with it: arrhythmias, confusion, vivid dreams. Drawn from seed and dose number, once per dose.

Rates are per dose of a course and add up to the published share of courses (clinical notes 4.5 and 3.7).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from simulators.body.state import BodyState, Happening, HappeningKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """How often a dose brings it, from which dose on, when and for how long."""

    kind: HappeningKind
    per_dose: float
    """0..1"""
    from_dose: int
    after_h: tuple[float, float]
    lasts_h: tuple[float, float]
    depth: tuple[float, float] = (0.0, 0.0)


HAZARDS = (
    Hazard(kind=HappeningKind.AF, per_dose=0.017, from_dose=7, after_h=(1, 7), lasts_h=(1.5, 14)),  # 6-10 % [V]
    Hazard(kind=HappeningKind.SVT, per_dose=0.004, from_dose=7, after_h=(1, 7), lasts_h=(0.1, 1.5)),
    Hazard(kind=HappeningKind.VT, per_dose=0.002, from_dose=6, after_h=(1, 7), lasts_h=(0.001, 0.001), depth=(3, 12)),
    Hazard(kind=HappeningKind.CONFUSION, per_dose=0.01, from_dose=7, after_h=(2, 8), lasts_h=(24, 48)),  # 4.5 [D]
    Hazard(kind=HappeningKind.VIVID_DREAMS, per_dose=0.06, from_dose=6, after_h=(4, 12), lasts_h=(12, 36)),
)


def with_dose(state: BodyState, seed: str, *, number: int, share: float, hazards: bool = True) -> BodyState:
    """The state after a dose has begun now; what it brings with it is drawn.

    Args:
        state: of the body.
        seed: the patient's.
        number: of the dose, from 1.
        share: of the ordered dose, 0..3.
        hazards: whether it may bring anything with it; scenarios that tell a story leave chance out.
    """
    brought = tuple(_drawn(seed, number, state.t_h)) if hazards else ()
    return replace(state, doses=(*state.doses, (number, state.t_h, share)), happenings=(*state.happenings, *brought))


def _drawn(seed: str, number: int, t_h: float) -> Iterator[Happening]:
    for hazard in HAZARDS:
        rng = random.Random(f"hazard:{seed}:{number}:{hazard.kind}")
        if number < hazard.from_dose or rng.random() >= hazard.per_dose:
            continue
        start_h = t_h + rng.uniform(*hazard.after_h)
        lasts_h = rng.uniform(*hazard.lasts_h)
        depth = round(rng.uniform(*hazard.depth))
        yield Happening(kind=hazard.kind, start_h=start_h, end_h=start_h + lasts_h, depth=depth, ramp_h=lasts_h / 50)
