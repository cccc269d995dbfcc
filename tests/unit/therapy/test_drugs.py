"""Which drug a pump's label names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.therapy.drugs import PRESSORS, VASOACTIVE, Drug, drug_named

KNOWN = {
    Drug.ALDESLEUKIN: ("Proleukin", "aldesleukin", "interleukin-2", "IL-2", "IL2", "PROLEUKIN (aldesleukin)"),
    Drug.NOREPINEPHRINE: ("Levophed", "norepinephrine", "noradrenaline", "norepinephrine bitartrate 4 mg/250 mL"),
    Drug.PHENYLEPHRINE: ("phenylephrine", "Neo-Synephrine", "Neosynephrine", "phenylephrine in 0.9% NaCl"),
    Drug.DOPAMINE: ("dopamine", "Intropin", "Dopamine 400mg/250mL D5W", "DOPamine HCl 1.6 mg/mL"),
    Drug.VASOPRESSIN: ("vasopressin", "Vasostrict", "Pitressin", "Vasostrict 20 units/100 mL"),
    Drug.EPINEPHRINE: ("epinephrine", "adrenaline", "Epi drip"),
    Drug.DOBUTAMINE: ("dobutamine",),
    Drug.FLUID: ("Normal saline", "0.9% NaCl", "Lactated Ringer's", "D5W 1000 mL", "albumin 25%", "LR"),
}  # fmt: skip
UNKNOWN = (
    "Oprelvekin", "Neumega", "oprelvekin (Neumega)", "Proleukin/Neumega", "interleukin-11", "IL-11", "IL-21", "IL-20",
    "interleukin", "Prolia", "propofol", "norepinephrine + vasopressin", "Unknown medication", "channel A", "2", "",
    " ", "100 mL", "drip", "Proleukin" * 20,
)  # fmt: skip


@pytest.mark.parametrize(("label", "drug"), [(label, drug) for drug, labels in KNOWN.items() for label in labels])
def test_a_label_names_its_drug(label: str, drug: Drug) -> None:
    assert drug_named(label) is drug


@pytest.mark.parametrize("label", UNKNOWN)
def test_a_label_that_is_no_known_drug_or_more_than_one_stays_unknown(label: str) -> None:
    assert drug_named(label) is None


@given(
    st.sampled_from([(label, drug) for drug, labels in KNOWN.items() for label in labels]),
    st.sampled_from([str.upper, str.lower, str.title, lambda label: f"  {label}. ", lambda label: f"({label})"]),
)
def test_writing_does_not_matter(known, written) -> None:  # type: ignore[no-untyped-def]
    label, drug = known
    assert drug_named(written(label)) is drug


@given(st.text(max_size=140))
def test_any_text_is_taken(label: str) -> None:
    assert drug_named(label) in {None, *Drug}


def test_every_pressor_with_a_signal_is_vasoactive() -> None:
    assert set(PRESSORS) < VASOACTIVE
    assert Drug.ALDESLEUKIN not in VASOACTIVE
