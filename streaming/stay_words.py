"""What a stay rule found, in one short sentence for a nurse, and what would end it.

Words only: it is told what was found, and decides nothing.
"""

from __future__ import annotations

from streaming.criteria.finding import Finding
from streaming.criteria.kinds import (
    BaselineChange,
    Burden,
    IntervalChange,
    LowFlow,
    RhythmPresent,
    RiseFromLowest,
    Trend,
    WindowTotal,
)
from streaming.criteria.words import (
    bounds_words,
    duration_words,
    predicate_words,
    relation_words,
    signal_words,
    what_was_found,
)
from streaming.nomenclature import SIGNAL_UNITS
from streaming.quantity_words import minutes_words, number_words, quantity_words, unit_words
from streaming.rules.kinds import InfusionRule, StayRule

_RHYTHMS = {
    "vt": "Ventricular tachycardia",
    "vf": "Ventricular fibrillation",
    "af": "Atrial fibrillation",
    "svt": "Supraventricular tachycardia",
}


def sentence(rule: StayRule, finding: Finding) -> str:
    """`Weight +10.4 % since baseline (80 → 88.3 kg)`."""
    others = [
        each for each in finding.also if (each.source_signal, each.value) != (finding.source_signal, finding.value)
    ]
    words = ", ".join(_phrase(each) for each in (finding, *others))
    mark = " (estimated)" if rule.is_estimated else ""
    return f"{words[:1].upper()}{words[1:]}{mark}"


def ending(rule: StayRule | InfusionRule) -> str:
    """What would end it, for people."""
    lasting = f" for {duration_words(round(rule.clear_delay_s * 1000))}" if rule.clear_delay_s else ""
    if isinstance(rule, InfusionRule):
        return f"it is no longer so{lasting}"
    if rule.reset is not None:
        return f"{predicate_words(rule.reset)}{lasting}"
    return f"no longer: {predicate_words(rule.met)}{lasting}"


def _phrase(finding: Finding) -> str:
    value = finding.value
    if isinstance(finding.leaf, RhythmPresent):
        return _rhythm(finding, value)
    return _said(finding) if isinstance(value, str) or value is None else _number(finding, value)


def _rhythm(finding: Finding, value: float | str | None) -> str:
    if isinstance(value, str) or value is None:
        return _RHYTHMS.get(str(value), what_was_found(finding))
    return f"{_RHYTHMS.get(finding.detail, finding.detail)}, {quantity_words(value, finding.unit)}"


def _number(finding: Finding, value: float) -> str:
    leaf = finding.leaf
    match leaf:
        case BaselineChange() | IntervalChange() | RiseFromLowest() | Trend():
            return _change(leaf, finding, value)
        case Burden():
            return _burden(leaf, value)
        case WindowTotal():
            of = f"{signal_words(leaf.signal)} {quantity_words(value, 'mL')} in {duration_words(leaf.window_ms)}"
            return f"{of}, {bounds_words(leaf.bounds, finding.limit)}"
        case LowFlow():
            limit = number_words(leaf.below if finding.limit is None else finding.limit)
            return f"{signal_words(leaf.signal)} below {limit} mL/h for {duration_words(leaf.window_ms)}"
        case _:
            return _said(finding)


def _change(leaf: BaselineChange | IntervalChange | RiseFromLowest | Trend, finding: Finding, value: float) -> str:
    what, unit = signal_words(leaf.signal), unit_words(SIGNAL_UNITS[leaf.signal])
    from_to = f"{finding.detail} {unit}".rstrip()
    match leaf:
        case BaselineChange():
            return f"{what} {_signed(value, finding.unit)} since baseline ({from_to})"
        case IntervalChange():
            return f"{what} {_signed(value, finding.unit)} since the dose interval began ({from_to})"
        case RiseFromLowest():
            return f"{what} rising {from_to} within {duration_words(leaf.within_ms)}"
        case _:
            rising = " rising" if value > 0 else ""
            return f"{what}{rising} {from_to} in {duration_words(leaf.over_ms)}"


def _said(finding: Finding) -> str:
    return f"{what_was_found(finding)} {relation_words(finding)}".rstrip()


def _burden(leaf: Burden, value: float) -> str:
    below, window = f"below {number_words(leaf.limit)}", duration_words(leaf.window_ms)
    if leaf.is_average:
        unit = unit_words(SIGNAL_UNITS[leaf.signal])
        return f"{signal_words(leaf.signal)} on average {number_words(value)} {unit} {below} over {window}"
    return f"{signal_words(leaf.signal)} {below} for {minutes_words(value)} min of {window}"


def _signed(value: float, unit: str) -> str:
    sign = "+" if value >= 0 else "−"
    return f"{sign}{quantity_words(abs(value), unit)}"
