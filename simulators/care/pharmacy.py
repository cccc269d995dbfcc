"""What the pharmacy sends up: the bag of one dose of aldesleukin, and the usual concentrations of the pressors.

It follows clinical notes 1.1 and 1.2. Mistakes are made elsewhere (`simulators.course_bed`), on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulators.care.infusion import Infusion
from simulators.pump import aldesleukin_bag

DOSE_IU_PER_KG = 600_000.0
DOSE_MIN = 15.0
PRESSOR_LABELS: Mapping[str, tuple[str, float, float]] = {
    # (label, mg/mL, volume of the bag): usual adult concentrations [GK]
    "phenylephrine": ("phenylephrine", 0.2, 250.0),
    "norepinephrine": ("Levophed", 0.064, 250.0),
    "dopamine": ("dopamine", 1.6, 250.0),
}


def dose_volume_ml(dosing_weight_kg: float) -> float:
    """Drug and diluent of one dose, mL."""
    return aldesleukin_bag(dosing_weight_kg).volume_ml


def channels(weight_kg: float) -> dict[str, Infusion]:
    """The channels at a bed as they are hung at the start: nothing runs."""
    bag = aldesleukin_bag(weight_kg)
    hung = {
        "il2": Infusion(
            label="Proleukin", mg_per_ml=bag.mg_per_ml, shown_mg_per_ml=bag.mg_per_ml, is_in_units=True,
            weight_kg=weight_kg, shown_weight_kg=weight_kg,
        ),
        "fluid": Infusion(label="NaCl 0.9 %", weight_kg=weight_kg, shown_weight_kg=weight_kg),
    }  # fmt: skip
    for name, (label, mg_per_ml, _) in PRESSOR_LABELS.items():
        hung[name] = Infusion(
            label=label, mg_per_ml=mg_per_ml, shown_mg_per_ml=mg_per_ml, weight_kg=weight_kg, shown_weight_kg=weight_kg
        )
    return hung
