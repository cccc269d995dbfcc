"""Which drug a pump's label names: a closed table of synonyms, matched on the whole label.

Matching ignores case, accents of writing (hyphens, dots, slashes, brackets), a strength or a volume beside the name
(`Levophed 4 mg/250 mL`) and words of pharmacy (`drip`, `HCl`, `in D5W`). What is left must be one name of the table:
nothing is guessed from a part of a word, so that oprelvekin (Neumega) is never taken for Proleukin, and a label with
two drugs, or with one word too many, stays unknown. A diluent is ignored beside a drug and is a fluid by itself.

It deliberately never infers a drug from a channel's position, a pump's name, a rate or a concentration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Drug(StrEnum):
    """What may run on a pump, as far as it matters here."""

    ALDESLEUKIN = "aldesleukin"
    NOREPINEPHRINE = "norepinephrine"
    PHENYLEPHRINE = "phenylephrine"
    DOPAMINE = "dopamine"
    VASOPRESSIN = "vasopressin"
    EPINEPHRINE = "epinephrine"
    DOBUTAMINE = "dobutamine"
    FLUID = "fluid"
    """A crystalloid or a colloid, by itself."""


PRESSORS: tuple[Drug, ...] = (Drug.PHENYLEPHRINE, Drug.NOREPINEPHRINE, Drug.DOPAMINE, Drug.VASOPRESSIN)
"""The pressors that have a signal of their own (contract, section 9)."""
VASOACTIVE: frozenset[Drug] = frozenset({*PRESSORS, Drug.EPINEPHRINE, Drug.DOBUTAMINE})
"""Drugs whose sudden stop is dangerous for the circulation."""

_NAMES: Mapping[Drug, tuple[str, ...]] = {
    Drug.ALDESLEUKIN: (
        "aldesleukin",
        "proleukin",
        "interleukin 2",
        "interleukin ii",
        "interleukin2",
        "il 2",
        "il2",
        "il ii",
        "hd il 2",
        "hd il2",
        "hdil2",
        "high dose il 2",
        "high dose il2",
        "high dose interleukin 2",
        "ril 2",
        "ril2",
        "rhil 2",
        "rhil2",
        "recombinant interleukin 2",
    ),
    Drug.NOREPINEPHRINE: (
        "norepinephrine",
        "norepi",
        "noradrenaline",
        "noradrenalin",
        "norad",
        "levophed",
        "levarterenol",
        "arterenol",
    ),
    Drug.PHENYLEPHRINE: (
        "phenylephrine",
        "neo synephrine",
        "neosynephrine",
        "neo syn",
        "vazculep",
        "biorphen",
    ),
    Drug.DOPAMINE: ("dopamine", "intropin", "dopastat"),
    Drug.VASOPRESSIN: ("vasopressin", "vasostrict", "pitressin", "argipressin", "arginine vasopressin", "empressin"),
    Drug.EPINEPHRINE: ("epinephrine", "adrenaline", "adrenalin", "epi"),
    Drug.DOBUTAMINE: ("dobutamine", "dobutrex"),
    Drug.FLUID: (
        "saline",
        "normal saline",
        "sodium chloride",
        "nacl",
        "nss",
        "ns",
        "half normal saline",
        "lactated ringer",
        "lactated ringers",
        "ringers lactate",
        "ringer lactate",
        "ringers",
        "lr",
        "hartmann",
        "hartmanns",
        "hartmanns solution",
        "plasma lyte",
        "plasmalyte",
        "plasma lyte a",
        "normosol",
        "normosol r",
        "dextrose",
        "glucose",
        "d5w",
        "d10w",
        "d5",
        "d5ns",
        "d5lr",
        "d5 ns",
        "d5 lr",
        "d5 half ns",
        "albumin",
        "human albumin",
        "albumin human",
        "crystalloid",
        "iv fluid",
        "iv fluids",
        "fluid",
        "fluids",
        "fluid bolus",
        "maintenance fluid",
        "maintenance fluids",
        "carrier",
    ),
}
_BY_NAME: Mapping[str, Drug] = MappingProxyType({name: drug for drug, names in _NAMES.items() for name in names})
_LONGEST_NAME = max(name.count(" ") + 1 for name in _BY_NAME)

_SAID_BESIDE = frozenset(
    {
        *("drip", "infusion", "inf", "gtt", "iv", "ivpb", "continuous", "cont", "dose", "syringe", "bag", "pump"),
        *("premix", "premixed", "std", "standard", "conc", "concentration", "strength", "single", "double", "quad"),
        *("hcl", "hydrochloride", "bitartrate", "tartrate", "inj", "injection", "injectable", "solution", "soln"),
        *("high", "bolus", "adult", "icu", "in", "per", "water", "human"),
    }
)
"""Words of pharmacy that say nothing of which drug it is."""
_LABEL_MAX = 128
"""No label is longer; what is, is not looked at."""

_AMOUNT = re.compile(
    r"\d[\d.,]*\s*(?:(?:mg|mcg|ug|µg|μg|g|units?|u|iu|\[iu\]|miu|million|million\s+(?:iu|units?)|meq|mmol|ml|l|cc|%)"
    r"(?![a-z0-9]))(?:\s*/\s*(?:[\d.,]*\s*)(?:ml|l|kg|h|hr|min)(?![a-z0-9]))*"
)
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_POSSESSIVE = re.compile(r"['’´`]")
_BARE_NUMBER = re.compile(r"(?:0 ?9|0 ?45|3|5|10|20|25)")


def drug_named(label: str) -> Drug | None:
    """The drug that the label names; None when it names none that is known, or more than one."""
    if len(label) > _LABEL_MAX:
        return None
    plain = _plain(label)
    if plain in _BY_NAME:
        return _BY_NAME[plain]
    named = _drugs_in(_plain(_AMOUNT.sub(" ", _lowered(label))).split())
    if named is None:
        return None
    active = [drug for drug in named if drug is not Drug.FLUID]
    if not active:
        return Drug.FLUID if named else None
    return active[0] if len(active) == 1 else None


def _lowered(label: str) -> str:
    return _POSSESSIVE.sub("", label.lower())


def _plain(label: str) -> str:
    return _NOT_A_LETTER.sub(" ", _lowered(label)).strip()


def _drugs_in(words: list[str]) -> list[Drug] | None:
    """Every drug named, each once, in order; None when a word is neither a name nor one that says nothing."""
    named: dict[Drug, None] = {}
    at = 0
    while at < len(words):
        length = _name_at(words, at)
        if length:
            named[_BY_NAME[" ".join(words[at : at + length])]] = None
            at += length
        elif words[at] in _SAID_BESIDE or _BARE_NUMBER.fullmatch(words[at]):
            at += 1
        else:
            return None
    return list(named)


def _name_at(words: list[str], at: int) -> int:
    """How many words from `at` on make the longest name; 0 when none does."""
    for length in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
        if " ".join(words[at : at + length]) in _BY_NAME:
            return length
    return 0
