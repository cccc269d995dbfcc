"""From spans of truth to what must, may and must not be announced, by alarm family.

*Must*: an alarm of one of the families is present at some instant of the window. *May*: one that begins in the window
is no false alarm. *Must not*: one that begins in the window is worse than false, for the truth speaks against it (a
line is flushed, the patient is well). What is neither is *unexpected*: a false alarm. Families and their meaning:
contract, section 9; delays and bands: `simulators.oracle.limits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from simulators.oracle.limits import CUFF_ANNOUNCE_S, CUFF_SUSTAINED_S, VITAL_LIMITS
from simulators.oracle.watch import TruthSpan

_AFTER_MS = 8 * 60_000
"""An alarm may begin so long after what it is about was true: delays, means, windows."""
_CUFF_AFTER_MS = 32 * 60_000
"""A cuff's reading speaks for half an hour."""


class Verdict(StrEnum):
    """What is expected."""

    MUST = "must"
    MAY = "may"
    MUST_NOT = "must_not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One."""

    verdict: Verdict
    bed: str
    """unit/bed"""
    families: tuple[str, ...]
    from_ms: int
    """Onset of what it is about."""
    to_ms: int
    """By when it must be there; until when it may begin; until when it must not."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BedFacts:
    """What does not change during a run."""

    bed: str
    """unit/bed"""
    has_line: bool
    admission_id: str = ""
    """As the gateway knows it; what a recording brings along, or what a live run was told."""


def expectations(facts: BedFacts, spans: Iterable[TruthSpan], end_ms: int) -> list[Expectation]:
    """What follows from the truth of one bed, by time."""
    found = list(spans)
    all_of = [each for span in found for each in _of_span(facts, span)]
    all_of += _forbidden(facts, found)
    kept = [each for each in all_of if each.verdict is not Verdict.MUST or each.to_ms <= end_ms]
    return sorted(kept, key=lambda each: (each.from_ms, each.verdict, each.families))


def _of_span(facts: BedFacts, span: TruthSpan) -> Iterator[Expectation]:
    head, _, rest = span.what.partition(".")
    if head == "vital":
        kind, _, number = rest.partition(".")
        yield from _vital(facts, span, kind, int(number))
    elif head in _RULES_OF:
        for rule in _RULES_OF[head]:
            if rule.applies(rest, span):
                yield rule.of(span)


def _vital(facts: BedFacts, span: TruthSpan, kind: str, number: int) -> Iterator[Expectation]:
    limit = VITAL_LIMITS[number]
    is_cuff = limit.signal in {"map", "sbp"} and not facts.has_line
    if kind == "possible":
        after_ms = _CUFF_AFTER_MS if is_cuff else _AFTER_MS
        yield _may(span, (limit.family,), after_ms, span.detail)
        return
    sustained_s = CUFF_SUSTAINED_S if is_cuff else limit.sustained_s
    if span.lasted_s >= sustained_s:
        within_s = CUFF_ANNOUNCE_S if is_cuff else limit.announce_s
        low_high = "below" if limit.is_low else "above"
        why = f"{limit.signal} {low_high} {limit.limit:g} for {span.lasted_s:.0f} s"
        yield _must(span, (limit.family,), within_s, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What follows from spans whose name begins with a word."""

    rest: str | None
    """What the rest of the name must begin with; None for anything."""
    verdict: Verdict
    families: tuple[str, ...]
    least_s: float = 0.0
    within_s: float = 0.0
    after_ms: int = _AFTER_MS

    def applies(self, rest: str, span: TruthSpan) -> bool:
        return (self.rest is None or rest.startswith(self.rest)) and span.lasted_s >= self.least_s

    def of(self, span: TruthSpan) -> Expectation:
        why = f"{span.what}: {span.detail}" if span.detail else span.what
        if self.verdict is Verdict.MUST:
            return _must(span, self.families, self.within_s, why)
        return _may(span, self.families, self.after_ms, why)


def _rule_must(rest: str | None, families: tuple[str, ...], least_s: float, within_s: float) -> _Rule:
    return _Rule(rest=rest, verdict=Verdict.MUST, families=families, least_s=least_s, within_s=within_s)


def _rule_may(rest: str | None, families: tuple[str, ...], after_ms: int = _AFTER_MS) -> _Rule:
    return _Rule(rest=rest, verdict=Verdict.MAY, families=families, after_ms=after_ms)


_HOUR = 3_600_000
_TELLTALE = frozenset(f"line.{kind}" for kind in ("flush", "blood_draw", "disconnected", "negative", "over_damped"))
_RULES_OF: dict[str, tuple[_Rule, ...]] = {
    "perfusion": (_rule_may(None, ("signal_stale", "desaturation")),),
    "rhythm": (
        _rule_must("seen", ("arrhythmia",), 60, 180),
        _rule_may("abnormal", ("arrhythmia", "tachycardia", "bradycardia", "hypotension"), _HOUR),
    ),
    "run": (
        _rule_must("seen", ("arrhythmia",), 0, 120),
        _rule_may(None, ("arrhythmia", "tachycardia", "dose_decision"), 26 * _HOUR),
    ),
    "hold": (
        _rule_must("certain", ("dose_decision",), 240, 420),
        _rule_may("possible", ("dose_decision",), _HOUR),
    ),
    "dose_against_hold": (
        _rule_must("certain", ("dose_during_hold",), 120, 240),
        _rule_may("possible", ("dose_during_hold",)),
    ),
    "dose": (
        _rule_must("mistake", ("dose",), 120, 300),
        _rule_may("mistake", ("dose", "pump", "dose_during_hold"), _HOUR),
    ),
    "pump": (
        _rule_must("stopped", ("pump", "pressor", "dose"), 120, 240),
        _rule_must("drained", ("pump", "pressor", "dose"), 400, 480),
        _rule_may(None, ("pump", "pressor", "dose"), 2 * _HOUR),
    ),
    "pressor": (
        _rule_must("stopped", ("pressor", "pump"), 120, 240),
        _rule_may("changed", ("pressor",), _HOUR),
    ),
    "permit": (_rule_may(None, ("pump", "dose"), _HOUR),),
    "urine": (
        _rule_must("certain", ("oliguria",), 600, 5_400),
        _rule_may("possible", ("oliguria",), 9 * _HOUR),
    ),
    "creatinine": (
        _rule_must("certain", ("renal", "dose_decision"), 7_200, 10_800),
        _rule_may("possible", ("renal", "oliguria"), 26 * _HOUR),
    ),
    "weight": (
        _rule_must("certain", ("weight_gain",), 300, 600),
        _rule_may("possible", ("weight_gain",), 26 * _HOUR),
        _rule_must("mistake", ("dose",), 300, 600),
        _rule_may("mistake", ("dose", "fluid_balance")),
    ),
    "balance": (_rule_may("possible", ("fluid_balance", "weight_gain"), 26 * _HOUR),),
    "artefact": (_rule_may(None, ("implausible", "signal_stale", "sources_disagree")),),
    "line": (
        _rule_must("disconnected", ("implausible", "signal_stale"), 200, 200),
        _rule_must("negative", ("implausible", "signal_stale"), 200, 200),
        _rule_must("over_damped", ("implausible", "signal_stale"), 280, 280),
    ),
    "clock": (
        _rule_must("certain", ("clock_skew",), 400, 400),
        _rule_may("possible", ("clock_skew",), 10 * 60_000),
    ),
    "down": (
        _rule_must("mon1", ("device_offline", "system"), 60, 60),
        _rule_must("pump1", ("device_offline", "system"), 260, 260),
        _rule_may(None, ("device_offline", "signal_stale", "sequence_gap", "clock_skew", "pump", "pressor")),
    ),
    "outage": (
        _rule_may(None, ("system",)),
        _rule_must("told", ("system",), 5, 20),
        _rule_must("real", ("system",), 60, 120),
    ),
    "loss": (
        _rule_must(None, ("sequence_gap",), 20, 150),
        _rule_may(None, ("sequence_gap", "signal_stale", "device_offline")),
    ),
    "disorder": (_rule_may(None, ("sequence_gap", "signal_stale")),),
    "damage": (_rule_may(None, ("sequence_gap", "signal_stale", "device_offline", "clock_skew")),),
    "start": (_rule_may(None, ("dose_decision", "signal_stale", "fluid_balance"), 2 * 60_000),),
}


def _forbidden(facts: BedFacts, spans: list[TruthSpan]) -> Iterator[Expectation]:
    """An artefact of the arterial line while the patient is well, and a gain that is the scale's.

    Of the line the clinical text tells how an artefact is known (5.5 [V]); a transducer at the wrong height looks like
    a pressure and is left out. Of the oximeter it tells no more than general knowledge (5.6): an alarm about a finger
    that moves is unexpected, not forbidden.
    """
    low = [s for s in spans if s.what.startswith("vital.possible.") and _family_of(s) == "hypotension"]
    for span in spans:
        if span.what in {"weight.mistake", "weight.offset"}:
            yield _must_not(span, "weight_gain", span.detail)
        if not facts.has_line or span.what not in _TELLTALE:
            continue
        if not any(a.from_ms <= span.to_ms + 60_000 and a.to_ms + _AFTER_MS >= span.from_ms for a in low):
            yield _must_not(span, "hypotension", f"{span.detail} on a patient who is well")


def _family_of(span: TruthSpan) -> str:
    return VITAL_LIMITS[int(span.what.rpartition(".")[2])].family


def _must(span: TruthSpan, families: tuple[str, ...], within_s: float, why: str) -> Expectation:
    return Expectation(
        verdict=Verdict.MUST, bed=span.bed, families=families, from_ms=span.from_ms,
        to_ms=span.from_ms + round(within_s * 1000), why=why,
    )  # fmt: skip


def _may(span: TruthSpan, families: tuple[str, ...], after_ms: int, why: str) -> Expectation:
    return Expectation(
        verdict=Verdict.MAY, bed=span.bed, families=families, from_ms=span.from_ms, to_ms=span.to_ms + after_ms, why=why
    )


def _must_not(span: TruthSpan, family: str, why: str) -> Expectation:
    return Expectation(
        verdict=Verdict.MUST_NOT, bed=span.bed, families=(family,), from_ms=span.from_ms, to_ms=span.to_ms + 60_000,
        why=why,
    )  # fmt: skip
